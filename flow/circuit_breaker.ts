/**
 * A circuit breaker: what it guards is left alone while it fails too often.
 *
 * - Closed, it counts how calls end. When one fails, or is slow, and with it too large a share of those
 *   in the window, it opens.
 * - Open, it refuses all calls, without a timer: the first one that comes after `openFor` finds it half
 *   open.
 * - Half open, it lets a few trial calls through and refuses the others. It closes when all trials have
 *   succeeded, and opens when one fails.
 * - A caller who leaves is told at once. That is neither a success nor a failure.
 *
 * @module
 */
import { checkOptionalFunction, checkOptionalString, checkOptions } from "../core/check.ts";
import type { Cancel } from "../core/contract.ts";
import { root, type ScopedContext } from "../core/scoped_context.ts";
import { countCall, refused } from "../core/turn.ts";
import { checkClock, type Clock, realClock } from "../tasks/clock.ts";
import type { Job } from "../tasks/job.ts";
import { type Call, Circuit, type CircuitState } from "./circuit.ts";
import { checkDuration, checkShare, checkSize } from "./checks.ts";
import { CircuitOpenError, labelOf } from "./errors.ts";
import { hasLeft, type Policy, runGuarded, runIn, type RunOptions } from "./policy.ts";

/**
 * When a {@linkcode CircuitBreaker} opens, and when it closes again.
 *
 * @example
 * ```ts
 * import { CircuitBreaker, type CircuitBreakerOptions } from "@sluice/sluice/flow";
 *
 * class NotFound extends Error {}
 * const options: CircuitBreakerOptions = {
 *   errorShare: 0.25,
 *   slowerThan: 2_000,
 *   isFailure: (error) => !(error instanceof NotFound), // an answer, too
 *   onChange: (state) => console.log(`the shop is ${state}`),
 * };
 * const breaker = new CircuitBreaker(options);
 * await breaker.run(() => "bread");
 * ```
 */
export interface CircuitBreakerOptions {
  /** How far back calls count, in milliseconds; 10,000 if left out. */
  readonly window?: number | undefined;
  /** In how many parts the window moves on, 10 if left out: the oldest is dropped whole. */
  readonly buckets?: number | undefined;
  /** How many calls of the window it takes to say anything; 10 if left out. */
  readonly minCalls?: number | undefined;
  /** The share of them, above 0 and at most 1, which must have failed for it to open; 0.5 if left out. */
  readonly errorShare?: number | undefined;
  /** How many milliseconds it stays open; 30,000 if left out. Infinity: until `reset`. */
  readonly openFor?: number | undefined;
  /** How many trial calls must all succeed for it to close; 1 if left out. */
  readonly halfOpenCalls?: number | undefined;
  /**
   * How many milliseconds a trial call may take; 30,000 if left out. One that has not ended by then has
   * failed, so that a job which never ends does not keep the breaker half open.
   */
  readonly trialFor?: number | undefined;
  /**
   * Calls that take longer than so many milliseconds are slow, also those whose caller has left by
   * then; none are if left out.
   */
  readonly slowerThan?: number | undefined;
  /** The share of slow calls, above 0 and at most 1, at which it opens, too; 0.5 if left out. */
  readonly slowShare?: number | undefined;
  /** Whether this error is a failure of what is guarded; all are if left out. The others are successes. */
  readonly isFailure?: ((error: unknown) => boolean) | undefined;
  /** Told of each change, in order, in a microtask of its own. */
  readonly onChange?: ((state: CircuitState, previous: CircuitState) => void) | undefined;
  /** What it goes by; the monotonic clock of the machine if left out. */
  readonly clock?: Clock | undefined;
  /** Named in errors. */
  readonly name?: string | undefined;
}

/**
 * How a {@linkcode CircuitBreaker} is doing.
 *
 * @example
 * ```ts
 * import { CircuitBreaker, type CircuitBreakerStats } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const breaker = new CircuitBreaker();
 * await breaker.run(() => 1);
 * await breaker.run(() => Promise.reject(new Error("down")), { fallback: () => 2 });
 * const { state, calls, failures }: CircuitBreakerStats = breaker.stats();
 * assertEquals([state, calls, failures], ["closed", 2, 1]);
 * ```
 */
export interface CircuitBreakerStats {
  /** How it stands. */
  readonly state: CircuitState;
  /** How many calls of the window count: those that have ended since it was last closed. */
  readonly calls: number;
  /** How many of them have failed. */
  readonly failures: number;
  /** How many of them were slow. */
  readonly slow: number;
  /** How many calls it has refused, ever. */
  readonly refused: number;
  /** How often it has opened. */
  readonly opened: number;
  /** In how many milliseconds a call may be let through; 0 unless it is open. */
  readonly retryAfter: number;
}

/**
 * Leaves alone what fails too often; after Michael Nygard's "Release It!", Polly and resilience4j.
 *
 * What is to count as a failure must happen inside of it: put time limits there. The end of a context
 * that comes from outside is taken for a caller who leaves.
 *
 * @example
 * ```ts
 * import { CircuitBreaker } from "@sluice/sluice/flow";
 * import { ManualClock } from "@sluice/sluice/tasks";
 * import { assertEquals } from "@std/assert";
 *
 * const clock = new ManualClock();
 * const breaker = new CircuitBreaker({ minCalls: 2, openFor: 1_000, clock });
 * let up = false;
 * const ask = () => up ? Promise.resolve("fresh") : Promise.reject(new Error("down"));
 * const askOr = () => breaker.run(ask, { fallback: () => "from the cache" });
 *
 * assertEquals([await askOr(), await askOr()], ["from the cache", "from the cache"]);
 * assertEquals(breaker.state, "open");
 * up = true;
 * assertEquals(await askOr(), "from the cache"); // without asking
 * await clock.advance(1_000);
 * assertEquals(await askOr(), "fresh");
 * assertEquals(breaker.state, "closed");
 * ```
 */
export class CircuitBreaker implements Policy {
  #refused = 0;
  #opened = 0;
  readonly #openFor: number;
  readonly #circuit: Circuit;
  readonly #isFailure: ((error: unknown) => boolean) | undefined;
  readonly #onChange: ((state: CircuitState, previous: CircuitState) => void) | undefined;
  readonly #label: string;

  /**
   * It is closed at first.
   *
   * @throws TypeError or RangeError if an option is not what it may be.
   */
  constructor(options: CircuitBreakerOptions = {}) {
    checkOptions("options", options);
    const { window = 10_000, buckets = 10, minCalls = 10, errorShare = 0.5 } = options;
    const { openFor = 30_000, halfOpenCalls = 1, trialFor = 30_000 } = options;
    const { slowerThan = Infinity, slowShare = 0.5, isFailure, onChange } = options;
    const { clock = realClock, name } = options;
    checkDuration("window", window, { positive: true, finite: true });
    checkSize("buckets", buckets);
    checkSize("minCalls", minCalls);
    checkShare("errorShare", errorShare);
    checkDuration("openFor", openFor);
    checkSize("halfOpenCalls", halfOpenCalls);
    checkDuration("trialFor", trialFor, { positive: true });
    checkDuration("slowerThan", slowerThan);
    checkShare("slowShare", slowShare);
    checkOptionalFunction("isFailure", isFailure);
    checkOptionalFunction("onChange", onChange);
    checkClock(clock);
    checkOptionalString("name", name);
    const changed = (state: CircuitState, previous: CircuitState): void => {
      if (state === "open") this.#opened++;
      if (onChange !== undefined) queueMicrotask(() => this.#tell(state, previous));
    };
    this.#openFor = openFor;
    this.#isFailure = isFailure;
    this.#onChange = onChange;
    this.#label = labelOf("circuit breaker", name);
    this.#circuit = new Circuit({
      window,
      buckets,
      minCalls,
      errorShare,
      openFor,
      halfOpenCalls,
      trialFor,
      slowerThan,
      slowShare,
      clock,
      changed,
    });
  }

  /** How it stands now. */
  get state(): CircuitState {
    return this.#circuit.state;
  }

  /** How it is doing. */
  stats(): CircuitBreakerStats {
    const { state, retryAfter } = this.#circuit;
    const { calls, failures, slow } = this.#circuit.counts();
    const [refused, opened] = [this.#refused, this.#opened];
    return { state, calls, failures, slow, refused, opened, retryAfter };
  }

  /**
   * Runs the job and counts how it ends, or rejects with a CircuitOpenError without calling it. When the
   * caller's context ends it rejects at once; a `timeout` that has passed is a failure.
   */
  run<R>(job: Job<R>, options?: Cancel | RunOptions<R>): Promise<R> {
    // Without options nothing can end it early: the short way takes half as long.
    if (options === undefined && typeof job === "function") {
      return this.#attempt(job, root, undefined);
    }
    return runGuarded(job, options, (ctx) => this.#attempt(job, ctx, options));
  }

  /**
   * Opens it for `openFor` milliseconds from now, as long as always if left out; Infinity: until `reset`.
   *
   * @throws TypeError or RangeError if that is no number of at least 0.
   */
  trip(openFor: number = this.#openFor): void {
    checkDuration("openFor", openFor);
    this.#circuit.trip(openFor);
  }

  /** Closes it, and forgets what has happened; calls that are on their way do not count any more. */
  reset(): void {
    this.#circuit.reset();
  }

  async #attempt<R>(
    job: Job<R>,
    ctx: ScopedContext,
    options: Cancel | RunOptions<R> | undefined,
  ): Promise<R> {
    const call = this.#circuit.admit();
    if (call === undefined) return await refused(this.#refusal());
    let value: R;
    let left = false;
    try {
      value = await runIn(job, ctx, () => {
        left = hasLeft(options);
        // Its place is free in the same step.
        if (left) this.#circuit.end(call, "left");
      });
    } catch (error) {
      if (!left) this.#failed(call, error);
      throw error;
    }
    this.#circuit.end(call, "succeeded");
    return value;
  }

  #failed(call: Call, error: unknown): void {
    this.#circuit.end(call, this.#counts(error) ? "failed" : "succeeded");
  }

  #counts(error: unknown): boolean {
    if (this.#isFailure === undefined) return true;
    try {
      return this.#isFailure(error);
    } catch (thrown) {
      reportError(thrown);
      return true;
    }
  }

  #refusal(): CircuitOpenError {
    countCall();
    this.#refused++;
    const { state, retryAfter } = this.#circuit;
    const why = state === "halfOpen"
      ? "half open, and its trial calls are on their way"
      : retryAfter === Infinity
      ? "open until it is reset"
      : `open: try again in ${Math.ceil(retryAfter)} ms`;
    return new CircuitOpenError(`${this.#label} is ${why}`, retryAfter);
  }

  #tell(state: CircuitState, previous: CircuitState): void {
    try {
      this.#onChange!(state, previous);
    } catch (error) {
      reportError(error);
    }
  }
}
