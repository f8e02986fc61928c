/**
 * Trials in which processes that use a queue die, are told to end, or stand still.
 *
 * @module
 */
import { sleep } from "../../mod.ts";
import { inWords, Ledger } from "./ledger.ts";
import { Load } from "./load.ts";
import type { Note } from "./notes.ts";
import { openQueue, type QueueSpec } from "./queues.ts";
import type { Scene } from "./scene.ts";
import { type Outcome, type Trial, unless } from "./trial.ts";

const engines = ["sqlite", "nats"] as const;

/** Milliseconds of a lease where somebody dies who holds some. */
const LEASE = 2_000;

/** A consumer holds leases, and is killed. */
async function holderKilled(scene: Scene, engine: QueueSpec["engine"]): Promise<Outcome> {
  const spec = await scene.queue(engine, { leaseTime: LEASE });
  const ledger = new Ledger();
  await using queue = await openQueue(spec);
  const [all, take, done] = [300, 128, 28];
  await Promise.all(Array.from({ length: all }, async (_, n) => {
    await queue.put({ n }, scene.ctx);
    ledger.acknowledge(n);
  }));
  const holder = scene.child({ role: "hold", queue: spec, take, done }, (note) => {
    if (note.note === "handled") ledger.handle(note.jobs);
    return note.note !== "holding";
  });
  await holder.next(scene.ctx);
  const taken = performance.now();
  await holder.kill("SIGKILL");
  let first: number | undefined;
  try {
    while (ledger.handled < all) {
      const leases = await queue.getMany(64, { ctx: scene.ctx, timeout: 10 * LEASE });
      if (leases.some(({ attempt }) => attempt > 1)) first ??= performance.now() - taken;
      ledger.handle(leases.map(({ value }) => value.n));
      await queue.doneMany(leases);
    }
    await queue.join({ timeout: 5_000 });
  } catch (error) {
    ledger.see(inWords(error));
  }
  const { acknowledged, twice, stall } = ledger;
  const lost = ledger.lost().length;
  const after = ((first ?? NaN) / 1_000).toFixed(1);
  return {
    acknowledged,
    lost,
    twice,
    stall,
    saw: `${ledger.saw}; the first came again ${after} s after they were taken`,
    faults: [
      ...unless(lost === 0, `${lost} were not handled`),
      ...unless(twice === 0, `${twice} that were done came again`),
      ...unless(first !== undefined && first < 2 * LEASE, "none came again within two leases"),
    ],
  };
}

/** Whoever puts and whoever takes are killed, twice, in the middle. */
async function bothKilled(scene: Scene, engine: QueueSpec["engine"]): Promise<Outcome> {
  const queue = await scene.queue(engine, { capacity: 500, leaseTime: LEASE });
  const jobs = scene.count(8_000, 600);
  const load = new Load(scene, { queue, jobs, consumers: 2, loops: 2 });
  for (const share of [0.25, 0.6]) {
    await load.reached(share * jobs, (share - 0.15) * jobs);
    await load.killConsumer();
    await load.killProducer();
  }
  return await load.finish();
}

/** A consumer stands still for longer than its leases last, and goes on. */
async function consumerFrozen(scene: Scene, engine: QueueSpec["engine"]): Promise<Outcome> {
  const queue = await scene.queue(engine, { capacity: 500, leaseTime: LEASE });
  const jobs = scene.count(8_000, 600);
  const load = new Load(scene, { queue, jobs, consumers: 2, loops: 2 });
  await load.reached(0.4 * jobs, 0.2 * jobs);
  await load.freezeConsumer(2.5 * LEASE);
  return await load.finish();
}

/** A consumer is told to end while it works; another one does the rest. */
async function toldToEnd(scene: Scene, engine: QueueSpec["engine"]): Promise<Outcome> {
  const queue = await scene.queue(engine, { capacity: 200, leaseTime: LEASE });
  const ledger = new Ledger();
  const jobs = scene.count(2_000, 400);
  const hear = (note: Note): boolean => {
    if (note.note === "acknowledged") ledger.acknowledge(note.job);
    else if (note.note === "handled") ledger.handle(note.jobs);
    else if (note.note === "error") ledger.see(note.error);
    return note.note !== "over";
  };
  const consumer = () => scene.child({ role: "handle", queue, concurrency: 16, work: 20 }, hear);
  const first = consumer();
  scene.child({ role: "produce", queue, from: 0, to: jobs, inFlight: 64 }, hear);
  await until(scene, () => ledger.handled >= jobs / 4);
  const since = performance.now();
  await first.kill("SIGTERM");
  const { code, signal } = await first.ended();
  const took = Math.round(performance.now() - since);
  const second = consumer();
  await until(scene, () => ledger.handled >= jobs);
  await second.end();
  const { acknowledged, twice, stall } = ledger;
  const lost = ledger.lost().length;
  return {
    acknowledged,
    lost,
    twice,
    stall,
    saw: `${ledger.saw}; it ended ${took} ms after the signal, with exit code ${code}`,
    faults: [
      ...unless(code === 0, `it died by ${signal ?? code}`),
      ...unless(took < 2_000, "it took too long"),
      ...unless(lost === 0, `${lost} were not handled`),
      ...unless(twice === 0, `${twice} were done twice`),
    ],
  };
}

async function until(scene: Scene, reached: () => boolean): Promise<void> {
  while (!reached()) await sleep(5, scene.ctx);
}

/** All of them. */
export const deaths: readonly Trial[] = engines.flatMap((engine): Trial[] => [
  {
    name: "consumer-killed",
    engine,
    what: "kill -9 of a consumer that has taken 128 of 300 jobs, and done 28; a lease lasts 2 s",
    seconds: 40,
    run: (scene) => holderKilled(scene, engine),
  },
  {
    name: "clients-killed",
    engine,
    what: "kill -9 of the producer and of one of two consumers, twice, under load",
    seconds: 90,
    run: (scene) => bothKilled(scene, engine),
  },
  {
    name: "consumer-frozen",
    engine,
    what: "SIGSTOP of one of two consumers for 5 s, under load; a lease lasts 2 s",
    seconds: 90,
    run: (scene) => consumerFrozen(scene, engine),
  },
  {
    name: "sigterm",
    engine,
    what: "SIGTERM of a consumer (`consume`, 16 handlers of 20 ms), under load",
    seconds: 60,
    run: (scene) => toldToEnd(scene, engine),
  },
]);
