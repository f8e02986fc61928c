/**
 * Groups of tasks, pools of workers, schedulers, and ways to collect what they give.
 *
 * - {@linkcode TaskGroup}: tasks that belong together; the first error ends the others.
 * - {@linkcode WorkerPool}: so many workers, with a strategy, priorities, retries, and `map`.
 * - {@linkcode PriorityScheduler}: by urgency, with ageing, delays, periods and deadlines.
 * - {@linkcode results}, {@linkcode collect}: what jobs give, one by one or all together.
 * - {@linkcode merge}, {@linkcode fanIn}, {@linkcode fanOut}: streams joined and split.
 * - {@linkcode TaskRegistry}: what runs now, by id.
 *
 * A task is a function that is given a context. When its result is not wanted any more, that context
 * ends: whatever the task waits for with it ends, too. JavaScript cannot stop code that does not wait.
 *
 * @example
 * ```ts
 * import { WorkerPool } from "@sluice/sluice/tasks";
 * import { sleep } from "@sluice/sluice";
 *
 * await using pool = new WorkerPool({ workers: 2 });
 * const fetched = pool.map(["a", "b", "c"], async (name, ctx) => {
 *   await sleep(1, ctx); // or fetch(url, { signal: ctx.signal })
 *   return `${name}.html`;
 * });
 * for await (const page of fetched) console.log(page);
 * ```
 *
 * @module
 */
export { type Clock, ManualClock, type Timer } from "./clock.ts";
export { DeadlockError } from "./errors.ts";
export type { Job, PoolJob } from "./job.ts";
export { fanIn, type FanOptions, fanOut } from "./fan.ts";
export { merge } from "./merge.ts";
export type { Producer } from "./tap.ts";
export type { PeriodicTask } from "./periodic_task.ts";
export type { ShutdownOptions, SubmitOptions } from "./pool_options.ts";
export { PriorityScheduler, type PrioritySchedulerOptions } from "./priority_scheduler.ts";
export type { ScheduledTask, ScheduleOptions } from "./scheduled_task.ts";
export { collect, type Jobs, type ResultOptions, results } from "./results.ts";
export type { RetryOptions } from "./retry.ts";
export type { PoolStats, WorkerStats } from "./stats.ts";
export {
  central,
  roundRobin,
  sharedQueue,
  type Strategy,
  weighted,
  type WorkerLoad,
  workStealing,
} from "./strategies.ts";
export { TaskGroup, type TaskGroupOptions } from "./task_group.ts";
export {
  type TaskId,
  type TaskInfo,
  type TaskOptions,
  TaskRegistry,
  type TrackedTask,
} from "./task_registry.ts";
export { type MapOptions, type Mapper, WorkerPool, type WorkerPoolOptions } from "./worker_pool.ts";
export type {
  Cancel,
  Context,
  ReceiverIterator,
  Sender,
  Wait,
  WaitOptions,
} from "../core/contract.ts";
