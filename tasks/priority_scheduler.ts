/**
 * Tasks by urgency and time.
 *
 * - The highest priority starts first, and equal ones first come, first served.
 * - Waiting counts: `ageing` milliseconds are worth one more of priority. So a low one starts even if
 *   higher ones never cease to come: before all those that come `ageing` times the difference later.
 * - Delays, deadlines, periods and ageing go by `clock`, which a test may move.
 *
 * @module
 */
import {
  checkCount,
  checkFunction,
  checkNumber,
  checkOptionalString,
  checkOptions,
  show,
} from "../core/check.ts";
import type { Cancel, Wait } from "../core/contract.ts";
import { CanceledError, DeadlineExceededError } from "../core/errors.ts";
import { refused } from "../core/turn.ts";
import { enter } from "../core/wait.ts";
import { type Clock, realClock } from "./clock.ts";
import { Crew } from "./crew.ts";
import type { Job } from "./job.ts";
import { observed } from "./job.ts";
import { type PeriodicTask, Periods } from "./periodic_task.ts";
import {
  checkPriority,
  checkSubmit,
  contextBelow,
  type ShutdownOptions,
  shutdownOptions,
  type SubmitOptions,
  taskOf,
} from "./pool_options.ts";
import { type Plan, PoolTask } from "./pool_task.ts";
import { type PoolStats, statsOf } from "./stats.ts";
import { sharedQueue } from "./strategies.ts";

/**
 * How a {@linkcode PriorityScheduler} is to be.
 *
 * @example
 * ```ts
 * import { PriorityScheduler, type PrioritySchedulerOptions } from "@sluice/sluice/tasks";
 *
 * const options: PrioritySchedulerOptions = { concurrency: 4, ageing: 500 };
 * await using scheduler = new PriorityScheduler(options);
 * ```
 */
export interface PrioritySchedulerOptions {
  /** How many tasks run at once; 1 if left out. */
  readonly concurrency?: number | undefined;
  /**
   * How many milliseconds of waiting are worth one more of priority; 1,000 if left out. Infinity: waiting
   * is worth nothing, and low priorities may wait for ever.
   */
  readonly ageing?: number | undefined;
  /** What it goes by; the monotonic clock of the machine if left out. */
  readonly clock?: Clock | undefined;
  /** Named in errors. */
  readonly name?: string | undefined;
  /** Its end drops all tasks. Its values are those of the tasks' contexts. */
  readonly parent?: Cancel | undefined;
}

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

const WITHOUT_PLAN: Plan = {
  wait: undefined,
  own: false,
  due: Infinity,
  runTimeout: Infinity,
  retry: undefined,
};

class Scheduled<R> extends PoolTask implements ScheduledTask<R> {
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

/**
 * Runs tasks by urgency: a few at once, the highest priority first, and the others all the same in time.
 * Tasks can be delayed, repeated, given a deadline, and made more or less urgent while they wait.
 *
 * Leaving the scope of `await using` is `shutdown()`: what was scheduled is finished.
 *
 * @example
 * ```ts
 * import { PriorityScheduler } from "@sluice/sluice/tasks";
 * import { assertEquals } from "@std/assert";
 *
 * const log: string[] = [];
 * {
 *   await using scheduler = new PriorityScheduler();
 *   scheduler.schedule(() => void log.push("statistics"), { priority: 1 });
 *   scheduler.schedule(() => void log.push("alarm"), { priority: 10 });
 *   scheduler.schedule(() => void log.push("report"), { priority: 5 });
 * }
 * assertEquals(log, ["alarm", "report", "statistics"]);
 * ```
 */
export class PriorityScheduler implements AsyncDisposable {
  /** Named in errors. */
  readonly name: string | undefined;
  readonly #crew: Crew;
  readonly #clock: Clock;
  readonly #periods: Periods;

  /**
   * A scheduler without tasks.
   *
   * @throws TypeError or RangeError if an option is not what it may be.
   */
  constructor(options: PrioritySchedulerOptions = {}) {
    checkOptions("options", options);
    const { concurrency = 1, ageing = 1_000, clock = realClock, name, parent } = options;
    checkConcurrency(concurrency);
    checkNumber("ageing", ageing);
    if (ageing <= 0) throw new RangeError(`ageing must be more than 0: ${ageing}`);
    checkClock(clock);
    checkOptionalString("name", name);
    this.name = name;
    this.#clock = clock;
    this.#crew = new Crew({
      label: name === undefined ? "the scheduler" : `the scheduler ${show(name)}`,
      ctx: contextBelow(parent),
      workers: concurrency,
      strategy: sharedQueue(),
      capacity: Infinity,
      // To schedule a task is not to wait for it.
      nested: "queue",
      ageing,
      clock,
    });
    this.#periods = new Periods(clock, this.#crew.options.ctx);
  }

  /** How many tasks may run at once. */
  get concurrency(): number {
    return this.#crew.workers.length;
  }

  /** How many tasks run. */
  get running(): number {
    return this.#crew.running;
  }

  /** How many tasks wait, for a place or for their time. */
  get waiting(): number {
    return this.#crew.pending;
  }

  /** Whether it starts no tasks at the moment. */
  get paused(): boolean {
    return this.#crew.paused;
  }

  /** `shutdown` has been called; there may still be tasks that run. */
  get closed(): boolean {
    return this.#crew.closed;
  }

  /**
   * Puts a task in line; it starts in a microtask of its own at the earliest.
   *
   * @throws ClosedError if it is shut down; the cause if the given context has ended; TypeError or
   * RangeError if an argument is not what it may be.
   */
  schedule<R>(job: Job<R>, options?: Cancel | ScheduleOptions): ScheduledTask<R> {
    const { delay = 0, deadline = Infinity } = checkSchedule(options);
    this.#crew.refuse();
    const task = taskOf(job, options, this.#crew, (job, priority, plan, crew) => {
      // It may be cancelled, or miss its deadline.
      return new Scheduled<R>(job, priority, { ...plan ?? WITHOUT_PLAN, own: true }, crew);
    });
    if (delay > 0) this.#crew.addLater(task, delay);
    else this.#crew.add(task);
    if (deadline !== Infinity && !task.over) {
      task.plan!.deadline = this.#clock.after(deadline, () => {
        task.abort(new DeadlineExceededError(`the task missed its deadline of ${deadline} ms`));
      });
    }
    return task;
  }

  /**
   * Schedules a task every `ms` milliseconds, the first time after `ms`, or `delay` if that is given. A
   * time that comes while the last run is not over is skipped. A run that fails ends it, and rejects its
   * `result`; so does none that is cancelled with it. A deadline is for each run.
   *
   * @throws as `schedule` does, and RangeError if `ms` is not more than 0.
   */
  every(
    ms: number,
    job: Job<unknown>,
    options?: Cancel | ScheduleOptions,
  ): PeriodicTask {
    checkNumber("ms", ms);
    if (!(ms > 0 && ms < Infinity)) {
      throw new RangeError(`ms must be a finite number of more than 0: ${ms}`);
    }
    checkFunction("job", job);
    const given = checkSchedule(options);
    this.#crew.refuse();
    return this.#periods.add(ms, given.delay ?? ms, options, (ctx) => {
      const { priority, runTimeout, retry, deadline } = given;
      return this.schedule(job, { ctx, priority, runTimeout, retry, deadline });
    });
  }

  /** Starts no more tasks; those that run go on. */
  pause(): void {
    this.#crew.pause();
  }

  /** Starts tasks again. */
  resume(): void {
    this.#crew.resume();
  }

  /** Changes how many tasks may run at once. */
  resize(concurrency: number): void {
    checkConcurrency(concurrency);
    this.#crew.resize(concurrency);
  }

  /** Waits until no task waits or runs; at once if there is none. Later runs of periodic ones do not count. */
  drain(wait?: Wait): Promise<void> {
    return this.#crew.drain(wait);
  }

  /**
   * Accepts no more tasks, ends the periodic ones, and waits until all others have ended, those that are
   * delayed too. With `immediate` they are rejected, and their contexts end. If it was paused, it goes on.
   */
  shutdown(options?: Cancel | ShutdownOptions): Promise<void> {
    try {
      const { immediate, wait } = shutdownOptions(options);
      this.#periods.end();
      return immediate ? this.#crew.drop(wait) : this.#crew.finish(wait);
    } catch (error) {
      return refused(error);
    }
  }

  /** How it is doing. */
  stats(): PoolStats {
    return statsOf(this.#crew);
  }

  /** `shutdown()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }
}

/** Throws what the call is to throw: for what is wrong in it, or because its context has ended. */
function checkSchedule(options: Cancel | ScheduleOptions | undefined): ScheduleOptions {
  if (options === undefined) return {};
  enter(options);
  const given: ScheduleOptions = checkSubmit(options);
  const { delay, deadline } = given;
  if (delay !== undefined) checkNumber("delay", delay);
  if (deadline !== undefined) checkNumber("deadline", deadline);
  return given;
}

function checkConcurrency(concurrency: number): void {
  checkCount("concurrency", concurrency, 1);
  if (concurrency === Infinity) throw new RangeError("concurrency must be finite: Infinity");
}

function checkClock(clock: unknown): void {
  const { now, after } = Object(clock) as Partial<Clock>;
  if (typeof now !== "function" || typeof after !== "function") {
    throw new TypeError(`clock must have the functions now and after, not ${show(clock)}`);
  }
}
