/**
 * The workloads of circuit breakers and bulkheads.
 *
 * @module
 */
import {
  atOnce,
  checkCount,
  checked,
  failing,
  type FlowWorkload,
  type Job,
  noop,
  settledAt,
} from "./contest.ts";

/** A circuit breaker that opens if half of ten calls or more have failed. */
export interface AnyBreaker {
  run(job: Job): Promise<unknown>;
  /** Opens it by hand. */
  open(): void;
  isOpen(): boolean;
  end(): void;
}

/** Lets some jobs run at a time. */
export interface AnyBulkhead {
  run(job: Job): Promise<unknown>;
  /** Gets rid of timers. */
  end(): unknown;
}

/** Makes one that lets `limit` jobs run. */
export type MakeBulkhead = (limit: number) => AnyBulkhead;

/** How many jobs run at a time in a bulkhead. */
const LIMIT = 64;

const failure = new Error("down");

/** The workloads, for a kind of breaker. */
export function breakerWorkloads(make: () => AnyBreaker): Record<"C1" | "C2" | "C3", FlowWorkload> {
  const check = (): Promise<void> => checkOpens(make);
  const counted = (fails: (run: number) => boolean): { job: Job; runs: () => number } => {
    let runs = 0;
    return {
      job: async () => {
        if (fails(++runs)) throw failure;
        await noop();
      },
      runs: () => runs,
    };
  };
  return {
    C1: checked(check, async (count) => {
      const breaker = make();
      const { job, runs } = counted(() => false);
      const took = await atOnce(count, () => breaker.run(job));
      checkCount("runs", runs(), count);
      breaker.end();
      return took;
    }),
    C2: checked(check, async (count) => {
      const breaker = make();
      const { job, runs } = counted((run) => run % 10 === 0);
      const took = await failing(count, Math.floor(count / 10), () => breaker.run(job));
      checkCount("runs", runs(), count);
      breaker.end();
      return took;
    }),
    C3: checked(check, async (count) => {
      const breaker = make();
      breaker.open();
      const { job, runs } = counted(() => false);
      const took = await failing(count, count, () => breaker.run(job));
      checkCount("runs", runs(), 0);
      breaker.end();
      return took;
    }),
  };
}

/** It opens at the tenth failure, and calls no job then. */
async function checkOpens(make: () => AnyBreaker): Promise<void> {
  const breaker = make();
  let runs = 0;
  const job = (): Promise<void> => {
    runs++;
    return Promise.reject(failure);
  };
  for (let i = 0; i < 10; i++) {
    if (breaker.isOpen()) throw new Error(`it is open after ${i} failures`);
    await breaker.run(job).catch(() => {});
  }
  if (!breaker.isOpen()) throw new Error("it is not open after ten failures");
  await breaker.run(job).catch(() => {});
  checkCount("runs until it was open", runs, 10);
  breaker.end();
}

/** The workload of a bulkhead in which calls queue. */
export function queueWorkloads(make: MakeBulkhead): Record<"H1", FlowWorkload> {
  return {
    H1: checked(() => checkHolds(make, true), async (count) => {
      const bulkhead = make(LIMIT);
      let runs = 0;
      const job = (): Promise<void> => {
        runs++;
        return noop();
      };
      const took = await atOnce(count, () => bulkhead.run(job));
      checkCount("runs", runs, count);
      await bulkhead.end();
      return took;
    }),
  };
}

/** The workload of a bulkhead that refuses what it cannot run at once. */
export function refusalWorkloads(make: MakeBulkhead): Record<"H2", FlowWorkload> {
  return {
    H2: checked(() => checkHolds(make, false), async (count) => {
      const bulkhead = make(LIMIT);
      const { gate, running, calls } = filled(bulkhead, LIMIT);
      await settledAt(() => running() === LIMIT);
      let runs = 0;
      const job = (): Promise<void> => {
        runs++;
        return noop();
      };
      const took = await failing(count, count, () => bulkhead.run(job));
      checkCount("runs of refused calls", runs, 0);
      gate.resolve();
      await Promise.all(calls);
      await bulkhead.end();
      return took;
    }),
  };
}

/** Jobs that run until the gate is open. */
function filled(bulkhead: AnyBulkhead, count: number): {
  gate: PromiseWithResolvers<void>;
  running: () => number;
  calls: Promise<unknown>[];
} {
  const gate = Promise.withResolvers<void>();
  let running = 0;
  const calls = Array.from({ length: count }, () =>
    bulkhead.run(async () => {
      running++;
      await gate.promise;
    }));
  return { gate, running: () => running, calls };
}

/** Of three jobs two run, and the third queues, or is refused. */
async function checkHolds(make: MakeBulkhead, isPatient: boolean): Promise<void> {
  const bulkhead = make(2);
  const { gate, running, calls } = filled(bulkhead, 2);
  await settledAt(() => running() === 2);
  let [runs, refused] = [0, 0];
  const third = bulkhead.run(() => {
    runs++;
    return noop();
  }).then(undefined, () => void refused++);
  await settledAt(() => isPatient || runs + refused > 0);
  checkCount("jobs beyond the limit", runs, 0);
  checkCount("refused jobs", refused, isPatient ? 0 : 1);
  gate.resolve();
  await Promise.all([...calls, third]);
  checkCount("jobs that have waited", runs, isPatient ? 1 : 0);
  await bulkhead.end();
}

/** What is measured of memory: calls that wait for a place. */
export function queuedCalls(make: MakeBulkhead): (count: number) => unknown {
  return (count) => {
    const bulkhead = make(LIMIT);
    const { gate } = filled(bulkhead, LIMIT);
    for (let i = 0; i < count; i++) void bulkhead.run(noop);
    return [bulkhead, gate];
  };
}
