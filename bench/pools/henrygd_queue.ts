/** `@henrygd/queue`: it can clear its queue, and cannot cancel one task. */
import { newQueue } from "@henrygd/queue";
import { type AnyPool, queuedTasks, workloadsOf } from "./contest.ts";

function make(concurrency: number): AnyPool {
  const queue = newQueue(concurrency);
  return { run: (task) => queue.add(task) };
}

export const workloads = workloadsOf(make);
export const holdings = { queued: queuedTasks(make) };
