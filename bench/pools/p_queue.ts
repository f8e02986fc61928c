/** `p-queue`: its signal takes a task out of the queue. */
import PQueue from "p-queue";
import { type AnyPool, queuedTasks, workloadsOf } from "./contest.ts";

function make(concurrency: number): AnyPool {
  const queue = new PQueue({ concurrency });
  return {
    run: (task) => queue.add(task),
    runUntil: (task, signal) => queue.add(task, { signal }),
  };
}

export const workloads = workloadsOf(make);
export const holdings = { queued: queuedTasks(make) };
