/**
 * Trials with jobs that cannot be done: one whose handler fails, and one that takes its process with it.
 *
 * @module
 */
import { consume, type JobQueue } from "../../jobs/mod.ts";
import { sleep } from "../../mod.ts";
import { Ledger } from "./ledger.ts";
import type { Note } from "./notes.ts";
import { type Job, openQueue, type QueueSpec } from "./queues.ts";
import type { Scene } from "./scene.ts";
import { type Outcome, type Trial, unless } from "./trial.ts";

const ATTEMPTS = 3;

/** Some handlers always throw. */
async function throwing(scene: Scene, engine: QueueSpec["engine"]): Promise<Outcome> {
  const poisoned = [7, 40, 77];
  const ledger = new Ledger();
  const spec = await scene.queue(engine, { maxAttempts: ATTEMPTS });
  await using queue = await openQueue(spec);
  await putAll(scene, queue, ledger, 200);
  const working = consume<Job>(queue, ({ value: { n } }) => {
    if (poisoned.includes(n)) throw new Error(`job ${n} cannot be done`);
    ledger.handle([n]);
  }, { concurrency: 4, retry: { delay: 20 } });
  await queue.join(scene.ctx);
  const outcome = await look(queue, ledger, poisoned, "cannot be done");
  await queue.close();
  await working;
  return outcome;
}

/** A handler ends its process, each time. Whoever starts it again is this one. */
async function deadly(scene: Scene, engine: QueueSpec["engine"]): Promise<Outcome> {
  const poisoned = [20];
  const ledger = new Ledger();
  const spec = await scene.queue(engine, { maxAttempts: ATTEMPTS, leaseTime: 700 });
  await using queue = await openQueue(spec);
  const jobs = 60;
  await putAll(scene, queue, ledger, jobs);
  const hear = (note: Note): boolean => {
    if (note.note === "handled") ledger.handle(note.jobs);
    return true;
  };
  let deaths = -1;
  for (let done = false; !done; deaths++) {
    const child = scene.child(
      { role: "handle", queue: spec, concurrency: 1, work: 2, exits: poisoned },
      hear,
    );
    // Ends by the poison, or when only that is left and it was given up.
    while (!child.failed && !done) {
      await sleep(20, scene.ctx);
      done = ledger.handled === jobs - 1 && (await queue.stats(scene.ctx)).unfinished === 0;
    }
    await child.end();
  }
  const outcome = await look(queue, ledger, poisoned, "its last lease ran out");
  return {
    ...outcome,
    saw: `${outcome.saw}; ${deaths} processes died`,
    faults: [...outcome.faults, ...unless(deaths === ATTEMPTS, `${deaths} processes died`)],
  };
}

async function putAll(
  { ctx }: Scene,
  queue: JobQueue<Job>,
  ledger: Ledger,
  count: number,
): Promise<void> {
  await Promise.all(Array.from({ length: count }, async (_, n) => {
    await queue.put({ n }, ctx);
    ledger.acknowledge(n);
  }));
}

/** What is among the dead letters should be the poisoned ones. */
async function look(
  queue: JobQueue<Job>,
  ledger: Ledger,
  poisoned: readonly number[],
  why: string,
): Promise<Outcome> {
  const letters = await queue.dead.list();
  const dead = letters.map(({ value }) => value?.n ?? -1).sort((a, b) => a - b);
  const right = letters.every(({ attempts, reason }) =>
    attempts === ATTEMPTS && reason.includes(why)
  );
  const lost = ledger.lost(new Set(dead)).length;
  const { acknowledged, twice } = ledger;
  return {
    acknowledged,
    lost,
    twice,
    saw: `${dead.length} dead letters, after ${letters[0]?.attempts} attempts: "${
      letters[0]?.reason
    }"`,
    faults: [
      ...unless(`${dead}` === `${poisoned}`, `dead letters of ${dead}, not of ${poisoned}`),
      ...unless(right, `a dead letter has another reason, or other attempts`),
      ...unless(lost === 0, `${lost} were not handled`),
      ...unless(twice === 0, `${twice} others were done twice`),
    ],
  };
}

/** All of them. */
export const poison: readonly Trial[] = [
  ...(["memory", "sqlite", "nats"] as const).map((engine): Trial => ({
    name: "poison",
    engine,
    what: "3 of 200 jobs whose handler always throws; `maxAttempts: 3`",
    seconds: 30,
    run: (scene) => throwing(scene, engine),
  })),
  ...(["sqlite", "nats"] as const).map((engine): Trial => ({
    name: "deadly-poison",
    engine,
    what: "1 of 60 jobs whose handler ends its process; `maxAttempts: 3`, a lease of 0.7 s",
    seconds: 40,
    run: (scene) => deadly(scene, engine),
  })),
];
