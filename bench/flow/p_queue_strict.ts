/** `p-queue`, with its exact sliding window. */
import type { FlowContestant } from "./contest.ts";
import { limiterOf } from "./p_queue.ts";
import { limitedCalls, rateWorkloads } from "./rates.ts";

export const workloads: FlowContestant["workloads"] = rateWorkloads(limiterOf(true));
export const holdings: FlowContestant["holdings"] = { limited: limitedCalls(limiterOf(true)) };
