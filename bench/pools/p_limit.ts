/** `p-limit`: it can clear its queue, and cannot cancel one task. */
import pLimit from "p-limit";
import { type AnyPool, queuedTasks, workloadsOf } from "./contest.ts";

function make(concurrency: number): AnyPool {
  const limit = pLimit(concurrency);
  return { run: (task) => limit(task) };
}

export const workloads = workloadsOf(make);
export const holdings = { queued: queuedTasks(make) };
