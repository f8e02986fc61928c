/** `p-throttle`, in fixed windows. One signal is for all calls that wait; it cannot cancel one. */
import pThrottle from "p-throttle";
import type { FlowContestant, Job } from "./contest.ts";
import { limitedCalls, type MakeLimiter, rateWorkloads } from "./rates.ts";

/** `strict`: in every interval, wherever it begins. */
export function limiterOf(strict: boolean): MakeLimiter {
  return (limit, interval) => {
    const controller = new AbortController();
    const { signal } = controller;
    const run = pThrottle({ limit, interval, strict, signal })((job: Job) => job());
    return { run, end: () => controller.abort(new Error("it is over")) };
  };
}

export const workloads: FlowContestant["workloads"] = rateWorkloads(limiterOf(false));
export const holdings: FlowContestant["holdings"] = { limited: limitedCalls(limiterOf(false)) };
