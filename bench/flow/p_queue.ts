/** `p-queue`: a rate limit in fixed windows, and a limit of what runs. Its signal cancels one call. */
import PQueue from "p-queue";
import type { FlowContestant } from "./contest.ts";
import { type AnyBulkhead, queuedCalls, queueWorkloads } from "./guards.ts";
import { limitedCalls, type MakeLimiter, rateWorkloads } from "./rates.ts";

/** `strict`: in every interval, wherever it begins. */
export function limiterOf(strict: boolean): MakeLimiter {
  return (intervalCap, interval) => {
    const queue = new PQueue({ intervalCap, interval, strict });
    return {
      run: (job) => queue.add(job),
      runUntil: (job, signal) => queue.add(job, { signal }),
      end: () => queue.clear(),
    };
  };
}

function bulkhead(concurrency: number): AnyBulkhead {
  const queue = new PQueue({ concurrency });
  return { run: (job) => queue.add(job), end: () => {} };
}

export const workloads: FlowContestant["workloads"] = {
  ...rateWorkloads(limiterOf(false)),
  ...queueWorkloads(bulkhead),
};

export const holdings: FlowContestant["holdings"] = {
  limited: limitedCalls(limiterOf(false)),
  queued: queuedCalls(bulkhead),
};
