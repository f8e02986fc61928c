/** The exact sliding window of `flow/`. */
import { SlidingWindow } from "../../flow/mod.ts";
import type { FlowContestant } from "./contest.ts";
import { type AnyLimiter, limitedCalls, rateWorkloads } from "./rates.ts";

function limiter(limit: number, interval: number): AnyLimiter {
  const window = new SlidingWindow({ limit, window: interval });
  return {
    run: (job) => window.run(job),
    runUntil: (job, signal) => window.run(job, signal),
    acquire: () => window.acquire(),
    tryAcquire: () => window.tryAcquire(),
    end: () => window.reset(),
  };
}

export const workloads: FlowContestant["workloads"] = rateWorkloads(limiter);
export const holdings: FlowContestant["holdings"] = { limited: limitedCalls(limiter) };
