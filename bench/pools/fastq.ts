/** `fastq`, with promises: it can kill its queue, and cannot cancel one task. */
import fastq from "fastq";
import { type AnyPool, queuedTasks, workloadsOf } from "./contest.ts";

function make(concurrency: number): AnyPool {
  const queue = fastq.promise((task: () => Promise<void>) => task(), concurrency);
  return { run: (task) => queue.push(task) };
}

export const workloads = workloadsOf(make);
export const holdings = { queued: queuedTasks(make) };
