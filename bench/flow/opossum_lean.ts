/** `opossum` without percentiles and snapshots, which it has if nothing else is said. */
import type { FlowContestant } from "./contest.ts";
import { workloadsWith } from "./opossum.ts";

export const workloads: FlowContestant["workloads"] = workloadsWith({
  rollingPercentilesEnabled: false,
  enableSnapshots: false,
});
