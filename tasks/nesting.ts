/**
 * Which task has submitted which: what a crew needs to see that all its workers wait for it.
 *
 * A job runs within an async storage of its task, so that a submit from it, however late, knows where it
 * comes from. A task that has ended is left out: nobody waits for what it has submitted.
 *
 * @module
 */
import { asyncStorage } from "./async_storage.ts";
import type { PoolTask } from "./pool_task.ts";
import type { Worker } from "./worker.ts";

/** One for all crews, since tasks of one may wait for those of another. */
const current = asyncStorage<PoolTask>();

/** Runs a job, `watched` or not, so that what it submits is not taken for another task's. */
export function runWithin(
  task: PoolTask,
  run: (task: PoolTask) => unknown,
  watched: boolean,
): unknown {
  if (current === undefined) return run(task);
  if (watched) return current.run(task, run, task);
  // The task, of another crew, that happened to wake this worker.
  return current.getStore() === undefined ? run(task) : current.run(undefined, run, task);
}

/** Notes who has submitted a task. false: nobody of its own crew. */
export function adopt(task: PoolTask): boolean {
  const outer = current?.getStore();
  if (outer === undefined || !outer.running) return false;
  task.outer = outer;
  let ancestor: PoolTask | null = outer;
  while (ancestor !== null && (ancestor.owner !== task.owner || !ancestor.running)) {
    ancestor = ancestor.outer;
  }
  if (ancestor === null) return false;
  task.ancestor = ancestor;
  ancestor.children++;
  return true;
}

/** Its job waits, as far as is known, for tasks that it has submitted to its own crew. */
export function isParent({ task }: Worker): boolean {
  return task !== null && task.running && task.children > 0;
}
