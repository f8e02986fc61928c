/** The pool as it is if nothing else is said. */
import { WorkerPool } from "../../tasks/mod.ts";
import { type AnyPool, queuedTasks, workloadsOf } from "./contest.ts";

function make(workers: number): AnyPool {
  const pool = new WorkerPool({ workers });
  return {
    run: (task) => pool.submit(task),
    runUntil: (task, signal) => pool.submit(task, signal),
  };
}

export const workloads = workloadsOf(make);
export const holdings = { queued: queuedTasks(make) };
