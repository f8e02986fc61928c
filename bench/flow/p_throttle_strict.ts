/** `p-throttle`, whose limit holds in every interval as far as its timers are on time. */
import type { FlowContestant } from "./contest.ts";
import { limiterOf } from "./p_throttle.ts";
import { limitedCalls, rateWorkloads } from "./rates.ts";

export const workloads: FlowContestant["workloads"] = rateWorkloads(limiterOf(true));
export const holdings: FlowContestant["holdings"] = { limited: limitedCalls(limiterOf(true)) };
