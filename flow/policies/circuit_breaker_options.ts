/**
 * What a circuit breaker is told, how that is checked, and what it tells.
 *
 * @module
 */
import { checkOptionalFunction, checkOptionalString, checkOptions } from "../../core/check.ts";
import { checkClock, type Clock, realClock } from "../../tasks/clock.ts";
import { checkDuration, checkShare, checkSize } from "../checks.ts";
import type { CircuitRules, CircuitState } from "./circuit.ts";

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

/** The options, checked, with what is left out. `changed` is called in the middle of things. */
export function rulesOf(
  options: CircuitBreakerOptions,
  changed: CircuitRules["changed"],
): CircuitRules {
  checkOptions("options", options);
  const { window = 10_000, buckets = 10, minCalls = 10, errorShare = 0.5 } = options;
  const { openFor = 30_000, halfOpenCalls = 1, trialFor = 30_000 } = options;
  const { slowerThan = Infinity, slowShare = 0.5, clock = realClock } = options;
  checkDuration("window", window, { positive: true, finite: true });
  checkSize("buckets", buckets);
  checkSize("minCalls", minCalls);
  checkShare("errorShare", errorShare);
  checkDuration("openFor", openFor);
  checkSize("halfOpenCalls", halfOpenCalls);
  checkDuration("trialFor", trialFor, { positive: true });
  checkDuration("slowerThan", slowerThan);
  checkShare("slowShare", slowShare);
  checkOptionalFunction("isFailure", options.isFailure);
  checkOptionalFunction("onChange", options.onChange);
  checkClock(clock);
  checkOptionalString("name", options.name);
  return {
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
  };
}
