import {
  checkCount,
  checkNumber,
  checkOptionalFunction,
  checkOptions,
  show,
} from "../core/check.ts";

/**
 * How a task is run again when it fails.
 *
 * @example
 * ```ts
 * import { type RetryOptions, WorkerPool } from "@sluice/sluice/tasks";
 * import { assertEquals } from "@std/assert";
 *
 * const retry: RetryOptions = { attempts: 3, delay: 1, when: (error) => error instanceof Error };
 * await using pool = new WorkerPool();
 * let runs = 0;
 * const result = await pool.submit(() => {
 *   if (++runs < 3) throw new Error("busy");
 *   return "done";
 * }, { retry });
 * assertEquals([result, runs], ["done", 3]);
 * ```
 */
export interface RetryOptions {
  /** How often it runs, at most; at least 1. */
  readonly attempts: number;
  /**
   * Milliseconds before the second attempt, 100 if left out; or a function of the number of attempts
   * made and the last error, which then is all that counts.
   */
  readonly delay?: number | ((attempt: number, error: unknown) => number) | undefined;
  /** By how much each delay is longer than the one before; 2 if left out. */
  readonly factor?: number | undefined;
  /** The longest delay in milliseconds; 30,000 if left out. */
  readonly maxDelay?: number | undefined;
  /** The share of each delay, from 0 to 1, that is left to chance; 0 if left out. */
  readonly jitter?: number | undefined;
  /** Whether this error is worth another attempt; all are if left out. */
  readonly when?: ((error: unknown) => boolean) | undefined;
}

/** Throws TypeError or RangeError if the options are not what they may be. */
export function checkRetry(retry: RetryOptions): void {
  checkOptions("retry", retry);
  const { attempts, delay = 100, factor = 2, maxDelay = 30_000, jitter = 0, when } = retry;
  checkCount("retry.attempts", attempts, 1);
  if (typeof delay !== "function") atLeast("retry.delay", delay, 0);
  atLeast("retry.factor", factor, 1);
  atLeast("retry.maxDelay", maxDelay, 0);
  atLeast("retry.jitter", jitter, 0);
  if (jitter > 1) throw new RangeError(`retry.jitter must be from 0 to 1: ${jitter}`);
  checkOptionalFunction("retry.when", when);
}

function atLeast(name: string, value: unknown, least: number): void {
  checkNumber(name, value);
  if (value < least) throw new RangeError(`${name} must be at least ${least}: ${value}`);
}

/**
 * Milliseconds until the next attempt, after `attempt` of them; undefined: there is none. Throws what
 * the user's functions throw.
 */
export function retryDelay(
  retry: RetryOptions,
  attempt: number,
  error: unknown,
): number | undefined {
  const { attempts, delay = 100, factor = 2, maxDelay = 30_000, jitter = 0, when } = retry;
  if (attempt >= attempts || (when !== undefined && !when(error))) return undefined;
  if (typeof delay === "function") {
    const ms: unknown = delay(attempt, error);
    if (typeof ms !== "number" || Number.isNaN(ms)) {
      throw new TypeError(`retry.delay must return a number, not ${show(ms)}`);
    }
    return Math.max(0, ms);
  }
  // 0 stays 0, also when the factor has grown beyond all numbers.
  const grown = delay === 0 ? 0 : delay * factor ** (attempt - 1);
  const longest = Math.min(maxDelay, grown);
  return longest * (1 - jitter * Math.random());
}
