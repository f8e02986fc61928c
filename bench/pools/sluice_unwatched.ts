/** The pool without the watch for tasks that wait for tasks of their own pool. */
import { WorkerPool } from "../../tasks/mod.ts";
import { type AnyPool, queuedTasks, workloadsOf } from "./contest.ts";

function make(workers: number): AnyPool {
  const pool = new WorkerPool({ workers, nested: "queue" });
  return {
    run: (task) => pool.submit(task),
    runUntil: (task, signal) => pool.submit(task, signal),
  };
}

export const workloads = workloadsOf(make);
export const holdings = { queued: queuedTasks(make) };
