/**
 * A time limit: a job that takes longer is not waited for.
 *
 * - The job's context ends when its time is up, and the caller is told at once, whatever the job does.
 * - A look at that context is enough: it ends by the clock, also if the timer is late.
 * - There is a timer while something waits for the context, and none afterwards.
 *
 * @module
 */
import { checkOptionalString, checkOptions } from "../../core/check.ts";
import type { Cancel } from "../../core/contract.ts";
import { DeadlineExceededError } from "../../core/errors.ts";
import { Scope } from "../../core/scope.ts";
import { ScopedContext } from "../../core/scoped_context.ts";
import { scopeKey } from "../../core/wait.ts";
import { checkClock, type Clock, realClock, type Timer } from "../../tasks/clock.ts";
import type { Job } from "../../tasks/job.ts";
import { checkDuration } from "../checks.ts";
import { labelOf } from "../errors.ts";
import { over, type Policy, runGuarded, runIn, type RunOptions } from "./policy.ts";

/**
 * What a {@linkcode TimeLimit} goes by.
 *
 * @example
 * ```ts
 * import { TimeLimit, type TimeLimitOptions } from "@sluice/sluice/flow";
 * import { ManualClock } from "@sluice/sluice/tasks";
 * import { assertEquals } from "@std/assert";
 *
 * const options: TimeLimitOptions = { clock: new ManualClock(), name: "search" };
 * const limit = new TimeLimit(200, options);
 * assertEquals(await limit.run(() => "in time"), "in time");
 * ```
 */
export interface TimeLimitOptions {
  /** What it goes by; the monotonic clock of the machine if left out. */
  readonly clock?: Clock | undefined;
  /** Named in errors. */
  readonly name?: string | undefined;
}

/**
 * How a {@linkcode TimeLimit} is doing.
 *
 * @example
 * ```ts
 * import { TimeLimit, type TimeLimitStats } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const limit = new TimeLimit(200);
 * await limit.run(() => "in time");
 * const stats: TimeLimitStats = limit.stats();
 * assertEquals(stats, { runs: 1, running: 0, timedOut: 0 });
 * ```
 */
export interface TimeLimitStats {
  /** How many jobs it has called, ever. */
  readonly runs: number;
  /** How many of these runs are not over; a job that nobody waits for any more is not counted. */
  readonly running: number;
  /** For how many the time was up before they were over. */
  readonly timedOut: number;
}

/**
 * Gives each job so much time. Then its context ends with a DeadlineExceededError, and the promise
 * rejects with it, even if the job does not heed that; Go's `context.WithTimeout` as a policy.
 *
 * @example
 * ```ts
 * import { TimeLimit } from "@sluice/sluice/flow";
 * import { DeadlineExceededError, sleep } from "@sluice/sluice";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const limit = new TimeLimit(5);
 * await assertRejects(() => limit.run((ctx) => sleep(60_000, ctx)), DeadlineExceededError, "5 ms");
 * const never = new Promise<string>(() => {});
 * assertEquals(await limit.run(() => never, { fallback: () => "too late" }), "too late");
 * ```
 */
export class TimeLimit implements Policy {
  /** How long a job may take, in milliseconds. */
  readonly ms: number;
  readonly #clock: Clock;
  readonly #label: string;
  #runs = 0;
  #running = 0;
  #timedOut = 0;

  /**
   * `ms` is more than 0; Infinity is no limit.
   *
   * @throws TypeError or RangeError if it is not, or an option is not what it may be.
   */
  constructor(ms: number, options: TimeLimitOptions = {}) {
    checkDuration("ms", ms, { positive: true });
    checkOptions("options", options);
    const { clock = realClock, name } = options;
    checkClock(clock);
    checkOptionalString("name", name);
    this.ms = ms;
    this.#clock = clock;
    this.#label = labelOf("time limit", name);
  }

  /** Runs the job, and rejects as soon as its time is up, or what the caller gives has ended. */
  run<R>(job: Job<R>, options?: Cancel | RunOptions<R>): Promise<R> {
    return runGuarded(job, options, (ctx) => this.#attempt(job, ctx));
  }

  /** How it is doing. */
  stats(): TimeLimitStats {
    return { runs: this.#runs, running: this.#running, timedOut: this.#timedOut };
  }

  async #attempt<R>(job: Job<R>, ctx: ScopedContext): Promise<R> {
    const scope = new LimitScope(this.ms, this.#clock, this.#label);
    scope.join(ctx[scopeKey]);
    this.#runs++;
    this.#running++;
    try {
      return await runIn(job, new ScopedContext(scope, ctx.values));
    } finally {
      this.#running--;
      if (scope.timedOut) this.#timedOut++;
      scope.end(over);
    }
  }
}

/** Ends when its time is up, by a clock that may be any. */
class LimitScope extends Scope {
  override probe: Scope | null = this;
  /** It has ended since its time was up. */
  timedOut = false;
  #parentProbe: Scope | null = null;
  #timer: Timer | null = null;
  readonly #ms: number;
  readonly #due: number;
  readonly #clock: Clock;
  readonly #label: string;

  constructor(ms: number, clock: Clock, label: string) {
    super();
    this.#ms = ms;
    this.#due = clock.now() + ms;
    this.#clock = clock;
    this.#label = label;
    // The deadline of a context is a time of day, which other clocks do not tell.
    if (clock === realClock && ms !== Infinity) this.deadline = Date.now() + ms;
  }

  override join(parent: Scope): void {
    this.#parentProbe = parent.probe;
    super.join(parent);
  }

  protected override look(): void {
    if (this.#clock.now() >= this.#due) this.#expire();
    else this.#parentProbe?.check();
  }

  protected override busy(): void {
    if (this.#timer !== null || this.ended || this.#ms === Infinity) return;
    this.#timer = this.#clock.after(this.#due - this.#clock.now(), () => this.#expire());
  }

  protected override idle(): void {
    this.#timer?.stop();
    this.#timer = null;
  }

  #expire(): void {
    if (this.ended) return;
    this.timedOut = true;
    this.end(undefined, new DeadlineExceededError(`${this.#label} of ${this.#ms} ms has passed`));
  }
}
