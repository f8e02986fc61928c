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
import { DeadlineExceededError } from "../core/errors.ts";
import { refused } from "../core/turn.ts";
import { enter } from "../core/wait.ts";
import { checkClock, type Clock, realClock } from "./clock.ts";
import { Crew } from "./crew.ts";
import type { Job } from "./job.ts";
import { type PeriodicTask, Periods } from "./periodic_task.ts";
import {
  checkSubmit,
  contextBelow,
  type ShutdownOptions,
  shutdownOptions,
  taskOf,
} from "./pool_options.ts";
import {
  Scheduled,
  type ScheduledTask,
  type ScheduleOptions,
  WITHOUT_PLAN,
} from "./scheduled_task.ts";
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
