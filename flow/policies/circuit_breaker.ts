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
import type { Cancel } from "../../core/contract.ts";
import { root, type ScopedContext } from "../../core/scoped_context.ts";
import { countCall, refused } from "../../core/turn.ts";
import type { Job } from "../../tasks/job.ts";
import { type Call, Circuit, type CircuitState } from "./circuit.ts";
import { checkDuration } from "../checks.ts";
import {
  type CircuitBreakerOptions,
  type CircuitBreakerStats,
  rulesOf,
} from "./circuit_breaker_options.ts";
import { CircuitOpenError, labelOf } from "../errors.ts";
import { hasLeft, type Policy, runGuarded, runIn, type RunOptions } from "./policy.ts";

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
    const rules = rulesOf(options, (state, previous) => {
      if (state === "open") this.#opened++;
      if (this.#onChange !== undefined) queueMicrotask(() => this.#tell(state, previous));
    });
    this.#openFor = rules.openFor;
    this.#isFailure = options.isFailure;
    this.#onChange = options.onChange;
    this.#label = labelOf("circuit breaker", options.name);
    this.#circuit = new Circuit(rules);
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
      // A job that does not wait may be the first to tell that its caller has left.
      if (!left && hasLeft(options) && error === ctx.cause) this.#circuit.end(call, "left");
      else if (!left) this.#failed(call, error);
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
