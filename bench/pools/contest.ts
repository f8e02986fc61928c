/**
 * What pools are measured by. A contestant says how a pool of its is made, and what runs a task.
 *
 * @module
 */

/** In the order of the report. */
export const poolWorkloads = {
  P1: "no-op tasks, one after the other: a task",
  P2: "100,000 no-op tasks submitted at once, 8 at a time: a task",
  P3: "2,000 tasks of 1 ms submitted at once, 64 at a time: a task",
  P4: "1,000,000 no-op tasks submitted at once, 8 at a time: a task",
  P5: "10,000 no-op tasks, each with an AbortSignal of its own: a task",
  P6: "cancel one of 20,000 queued tasks, last first: a task",
} as const;

/** What a workload is called. */
export type PoolWorkloadName = keyof typeof poolWorkloads;

/** A pool, as far as the workloads use it. */
export interface AnyPool {
  run(task: () => Promise<void>): Promise<unknown>;
  /** A task that a signal takes out of the queue. Left out: it has none. */
  runUntil?(task: () => Promise<void>, signal: AbortSignal): Promise<unknown>;
}

type Workloads = Record<PoolWorkloadName, ((count: number) => Promise<number | void>) | undefined>;

async function noop(): Promise<void> {}

function oneMillisecond(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}

/** The workloads, for a kind of pool. Each checks that no task was lost or doubled. */
export function workloadsOf(make: (concurrency: number) => AnyPool): Workloads {
  const atOnce = (concurrency: number, task: () => Promise<void>) => async (count: number) => {
    const pool = make(concurrency);
    let runs = 0;
    const counted = (): Promise<void> => {
      runs++;
      return task();
    };
    const results: Promise<unknown>[] = [];
    for (let i = 0; i < count; i++) results.push(pool.run(counted));
    await Promise.all(results);
    checkRuns(runs, count);
  };
  const { runUntil } = make(1);
  return {
    P1: async (count) => {
      const pool = make(8);
      let runs = 0;
      const counted = (): Promise<void> => {
        runs++;
        return noop();
      };
      for (let i = 0; i < count; i++) await pool.run(counted);
      checkRuns(runs, count);
    },
    P2: atOnce(8, noop),
    P3: atOnce(64, oneMillisecond),
    P4: atOnce(8, noop),
    P5: runUntil && (async (count) => {
      const pool = make(8);
      const controllers = Array.from({ length: count }, () => new AbortController());
      const start = performance.now();
      await Promise.all(controllers.map(({ signal }) => pool.runUntil!(noop, signal)));
      return performance.now() - start;
    }),
    P6: runUntil && (async (count) => {
      const pool = make(1);
      const blocker = Promise.withResolvers<void>();
      const first = pool.run(() => blocker.promise);
      const controllers = Array.from({ length: count }, () => new AbortController());
      let runs = 0;
      const counted = (): Promise<void> => {
        runs++;
        return noop();
      };
      const results = controllers.map(({ signal }) => pool.runUntil!(counted, signal));
      const settled = Promise.allSettled(results);
      const start = performance.now();
      for (const controller of controllers.toReversed()) controller.abort();
      const outcomes = await settled;
      const took = performance.now() - start;
      blocker.resolve();
      await first;
      checkRuns(runs, 0);
      checkRuns(outcomes.filter(({ status }) => status === "rejected").length, count);
      return took;
    }),
  };
}

/** What is measured of memory: tasks that wait behind one that does not end. */
export function queuedTasks(make: (concurrency: number) => AnyPool): (count: number) => unknown {
  return (count) => {
    const pool = make(1);
    void pool.run(() => new Promise(() => {}));
    for (let i = 0; i < count; i++) void pool.run(noop);
    return [pool];
  };
}

function checkRuns(runs: number, expected: number): void {
  if (runs !== expected) throw new Error(`${expected} were expected, and there were ${runs}`);
}
