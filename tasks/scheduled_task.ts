/**
 * A task of a scheduler: how it is scheduled, and what its owner can do with it.
 *
 * @module
 */
import { CanceledError } from "../core/errors.ts";
import type { Crew } from "./crew.ts";
import { observed } from "./job.ts";
import { checkPriority, type SubmitOptions } from "./pool_options.ts";
import { type Plan, PoolTask } from "./pool_task.ts";

/**
 * How one task is scheduled.
 *
 * @example
 * ```ts
 * import { PriorityScheduler, type ScheduleOptions } from "@sluice/sluice/tasks";
 *
 * const alarm: ScheduleOptions = { priority: 10, deadline: 1_000 };
 * await using scheduler = new PriorityScheduler();
 * await scheduler.schedule(() => console.log("fire!"), alarm).result;
 * ```
 */
export interface ScheduleOptions extends SubmitOptions {
  /** Milliseconds before it is put in line; 0 if left out. */
  readonly delay?: number | undefined;
  /**
   * Milliseconds from now after which it is of no use. Then it is taken out of line, or its context ends,
   * and it rejects with DeadlineExceededError.
   */
  readonly deadline?: number | undefined;
}

/**
 * A task in the hands of whoever scheduled it.
 *
 * @example
 * ```ts
 * import { PriorityScheduler, type ScheduledTask } from "@sluice/sluice/tasks";
 * import { assertEquals } from "@std/assert";
 *
 * await using scheduler = new PriorityScheduler();
 * const task: ScheduledTask<number> = scheduler.schedule(() => 42, { priority: 1 });
 * task.setPriority(10); // it has become urgent
 * assertEquals([await task.result, task.state], [42, "settled"]);
 * ```
 */
export interface ScheduledTask<out R> {
  /** What it gives. Failing, like any promise, is an uncaught error if nobody handles it. */
  readonly result: Promise<R>;
  /** As it is now, without what waiting is worth. */
  readonly priority: number;
  /** Where it is: "delayed" also between two attempts. */
  readonly state: "delayed" | "queued" | "running" | "settled";
  /** Puts it in line anew, as the last of that priority. false: it runs already, or is over. */
  setPriority(priority: number): boolean;
  /** Takes it out of line, or ends its context; its result rejects. false: it was over. */
  cancel(cause?: unknown): boolean;
}

/** Of a task for which nothing was said. */
export const WITHOUT_PLAN: Plan = {
  wait: undefined,
  own: false,
  due: Infinity,
  runTimeout: Infinity,
  retry: undefined,
};

/** What a scheduler makes of a job. */
export class Scheduled<R> extends PoolTask implements ScheduledTask<R> {
  readonly result: Promise<R> = this.promise<R>();

  get state(): "delayed" | "queued" | "running" | "settled" {
    if (this.over) return "settled";
    if (this.list === null) return "running";
    return this.crew.isDelayed(this) ? "delayed" : "queued";
  }

  setPriority(priority: number): boolean {
    checkPriority(priority);
    if (this.over || this.list === null) return false;
    this.crew.move(this, priority);
    return true;
  }

  cancel(cause?: unknown): boolean {
    if (this.over) return false;
    // Whoever cancels it knows that it fails.
    void observed(this.result);
    this.abort(cause === undefined ? new CanceledError("the task was cancelled") : cause);
    return true;
  }

  private get crew(): Crew {
    return this.owner as Crew;
  }
}
