/**
 * The workloads of rate limits.
 *
 * @module
 */
import {
  atOnce,
  checkCount,
  checked,
  type FlowWorkload,
  HOUR,
  type Job,
  noop,
  settledAt,
  sleep,
} from "./contest.ts";

/** A rate limiter, as far as the workloads use it. What is left out it has not. */
export interface AnyLimiter {
  run(job: Job): Promise<unknown>;
  /** A call that a signal takes out of the line. */
  runUntil?(job: Job, signal: AbortSignal): Promise<unknown>;
  acquire?(): Promise<void>;
  tryAcquire?(): boolean;
  /** Gets rid of those that wait, one way or the other, and of timers. */
  end(): unknown;
}

/** Makes one that lets `limit` calls through in `interval` milliseconds. */
export type MakeLimiter = (limit: number, interval: number) => AnyLimiter;

/** A limit that is never reached. */
const ENOUGH = 1_000_000_000;

/** The workloads, for a kind of limiter. */
export function rateWorkloads(
  make: MakeLimiter,
): Partial<Record<"R1" | "R2" | "R3" | "R4", FlowWorkload>> {
  const { runUntil, acquire, tryAcquire } = make(1, HOUR);
  const check = (): Promise<void> => checkLimits(make);
  return {
    R1: checked(check, async (count) => {
      const limiter = make(ENOUGH, 1_000);
      let runs = 0;
      const job = (): Promise<void> => {
        runs++;
        return noop();
      };
      const took = await atOnce(count, () => limiter.run(job));
      checkCount("runs", runs, count);
      await limiter.end();
      return took;
    }),
    ...acquire && {
      R2: checked(check, async (count) => {
        const limiter = make(ENOUGH, 1_000);
        return await atOnce(count, () => limiter.acquire!());
      }),
    },
    ...tryAcquire && {
      // deno-lint-ignore require-await -- a workload gives a promise
      R3: checked(check, async (count) => {
        const limiter = make(ENOUGH, 1_000);
        let granted = 0;
        const start = performance.now();
        for (let i = 0; i < count; i++) if (limiter.tryAcquire!()) granted++;
        const took = performance.now() - start;
        checkCount("grants", granted, count);
        return took;
      }),
    },
    ...runUntil && { R4: checked(check, (count) => cancelEach(make, count)) },
  };
}

async function cancelEach(make: MakeLimiter, count: number): Promise<number> {
  const limiter = make(1, HOUR);
  await limiter.run(noop);
  const controllers = Array.from({ length: count }, () => new AbortController());
  let [runs, rejected] = [0, 0];
  const job = (): Promise<void> => {
    runs++;
    return noop();
  };
  const outcomes = controllers.map(({ signal }) =>
    limiter.runUntil!(job, signal).then(undefined, () => void rejected++)
  );
  await sleep(0);
  checkCount("calls that wait", count - runs - rejected, count);
  const reason = new Error("enough");
  const start = performance.now();
  for (const controller of controllers.toReversed()) controller.abort(reason);
  await Promise.all(outcomes);
  const took = performance.now() - start;
  checkCount("runs of cancelled calls", runs, 0);
  checkCount("rejected calls", rejected, count);
  await limiter.end();
  return took;
}

/** Of three calls two are let through, and the third is not refused. */
async function checkLimits(make: MakeLimiter): Promise<void> {
  const limiter = make(2, HOUR);
  let [runs, ended] = [0, 0];
  const job = (): Promise<void> => {
    runs++;
    return noop();
  };
  const calls = [1, 2, 3].map(() => limiter.run(job).then(() => ended++, () => ended++));
  await settledAt(() => ended >= 2);
  const [run, over] = [runs, ended];
  await limiter.end();
  await Promise.all(calls);
  checkCount("runs within a limit of 2", run, 2);
  checkCount("calls that have ended within a limit of 2", over, 2);
}

/** What is measured of memory: calls that wait for a limit. */
export function limitedCalls(make: MakeLimiter): (count: number) => unknown {
  return (count) => {
    const limiter = make(1, HOUR);
    // The first is let through.
    for (let i = 0; i <= count; i++) void limiter.run(noop);
    return limiter;
  };
}
