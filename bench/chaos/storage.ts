/**
 * Trials in which there is no room: on the disk, or in the queue.
 *
 * @module
 */
import { sleep } from "../../mod.ts";
import { inWords, Ledger } from "./ledger.ts";
import { Load } from "./load.ts";
import { openQueue, type QueueSpec } from "./queues.ts";
import { natsQueue, type Scene } from "./scene.ts";
import { SmallDisk } from "./small_disk.ts";
import { type Outcome, type Trial, unless } from "./trial.ts";

/** So many jobs of so many characters are more than the room that there is. */
const JOBS = 1_500;
const FILLER = 4_000;

/**
 * Puts until there is no room; makes some; puts the rest, and does them all. While there is none, one error
 * is all that may be seen.
 */
async function filled(
  scene: Scene,
  queue: QueueSpec,
  makeRoom: () => Promise<void>,
): Promise<Outcome> {
  const ledger = new Ledger();
  const producer = scene.child(
    { role: "produce", queue, from: 0, to: JOBS, inFlight: 8, filler: FILLER, once: true },
    (note) => {
      if (note.note === "acknowledged") ledger.acknowledge(note.job);
      if (note.note === "error") ledger.see(note.error);
      return true;
    },
  );
  const { code, lastWords } = await producer.ended();
  const stored = ledger.acknowledged;
  const errors = [...ledger.errors.keys()];
  const told = errors.length > 0 && errors.every((text) => text.includes('"storage"'));
  await makeRoom();
  const load = new Load(scene, { queue, jobs: JOBS, filler: FILLER, ledger });
  const outcome = await load.finish();
  return {
    ...outcome,
    saw: `${outcome.saw}; ${stored} were stored before`,
    faults: [
      ...outcome.faults,
      ...unless(code === 0, `the producer died: ${lastWords}`),
      ...unless(told, "there was no clear error"),
    ],
  };
}

/** SQLite's file is on a disk of 2 MB. */
async function smallDisk(scene: Scene): Promise<Outcome> {
  const disk = scene.keep(await SmallDisk.mount(2_048));
  const queue: QueueSpec = { engine: "sqlite", where: `${disk.directory}/jobs.db`, options: {} };
  return await filled(scene, queue, () => disk.resize(65_536));
}

/**
 * A server's files are on a disk of 2 MB, of which it does not know. It stops to answer, so that puts wait;
 * it is restarted when there is room.
 */
async function smallServerDisk(scene: Scene): Promise<Outcome> {
  const server = await scene.nats({ jetstream: false });
  const disk = scene.keep(await SmallDisk.mount(2_048, `${server.directory}/store`));
  const unaware = { jetstream: "max_file_store: 1GB" };
  await server.restart(unaware);
  const load = new Load(scene, {
    queue: natsQueue(server, { leaseTime: 5_000 }),
    jobs: JOBS,
    filler: FILLER,
    consumers: 0,
  });
  await load.reached(1);
  await load.still(3_000);
  const stored = load.ledger.acknowledged;
  await disk.resize(65_536);
  await server.restart(unaware);
  load.addConsumer();
  const outcome = await load.finish();
  return { ...outcome, saw: `${outcome.saw}; ${stored} were stored before, and puts waited` };
}

/** A server may store 2 MB; done jobs make room. */
async function smallQuota(scene: Scene): Promise<Outcome> {
  const server = await scene.nats({ jetstream: "max_file_store: 2MB" });
  return await filled(scene, natsQueue(server, { leaseTime: 5_000 }), async () => {});
}

/** A queue of 50 places, and nobody who takes; then somebody. */
async function full(scene: Scene, engine: QueueSpec["engine"]): Promise<Outcome> {
  const [capacity, jobs] = [50, 400];
  const ledger = new Ledger();
  await using queue = await openQueue(await scene.queue(engine, { capacity }));
  let most = 0;
  const look = async (): Promise<void> => {
    most = Math.max(most, (await queue.stats()).unfinished);
  };
  const puts = Promise.all(Array.from({ length: jobs }, async (_, n) => {
    await queue.put({ n }, { ctx: scene.ctx, dedupeId: `job-${n}` });
    ledger.acknowledge(n);
  }));
  puts.catch((error) => ledger.see(inWords(error)));
  while (ledger.acknowledged < capacity) await sleep(5, scene.ctx);
  await sleep(1_000, scene.ctx);
  const waiting = jobs - ledger.acknowledged;
  await look();
  while (ledger.handled < jobs) {
    const leases = await queue.getMany(16, { ctx: scene.ctx, timeout: 10_000 });
    ledger.handle(leases.map(({ value }) => value.n));
    await queue.doneMany(leases);
    await look();
  }
  await puts;
  await queue.join(scene.ctx);
  const { acknowledged, twice, stall } = ledger;
  const lost = ledger.lost().length;
  return {
    acknowledged,
    lost,
    twice,
    stall,
    saw: `${ledger.saw}; ${waiting} puts waited; at most ${most} were unfinished`,
    faults: [
      ...unless(waiting === jobs - capacity && most === capacity, "the bound was not kept"),
      ...unless(lost === 0, `${lost} were not handled`),
      ...unless(twice === 0, `${twice} were done twice`),
    ],
  };
}

/** All of them. */
export const storage: readonly Trial[] = [
  {
    name: "disk-full",
    engine: "sqlite",
    what: "the disk (2 MB) is full; then there is room",
    seconds: 90,
    run: smallDisk,
  },
  {
    name: "disk-full",
    engine: "nats",
    what: "the server's disk (2 MB) is full; then there is room, and it is restarted",
    seconds: 90,
    run: smallServerDisk,
  },
  {
    name: "quota-full",
    engine: "nats",
    what: "the server's `max_file_store` (2 MB) is reached; then jobs are done",
    seconds: 90,
    run: smallQuota,
  },
  ...(["memory", "sqlite", "nats"] as const).map((engine): Trial => ({
    name: "queue-full",
    engine,
    what: "400 puts into 50 places; nobody takes for 1 s, then somebody does",
    seconds: 40,
    run: (scene) => full(scene, engine),
  })),
];
