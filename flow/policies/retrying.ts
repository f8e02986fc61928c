/**
 * Another attempt for what has failed, as a policy.
 *
 * - Attempts follow one another, and the job is called once for each.
 * - The end of what the caller gave ends the attempt, or the pause between two, and there is no other.
 *
 * @module
 */
import type { Cancel } from "../../core/contract.ts";
import type { ScopedContext } from "../../core/scoped_context.ts";
import { checkClock, type Clock, realClock } from "../../tasks/clock.ts";
import type { Job } from "../../tasks/job.ts";
import { pause } from "../../tasks/pause.ts";
import { checkRetry, retryDelay, type RetryOptions } from "../../tasks/retry.ts";
import { type Policy, runGuarded, runIn, type RunOptions } from "./policy.ts";

/**
 * How {@linkcode retrying} tries again.
 *
 * @example
 * ```ts
 * import { CircuitOpenError, retrying, type RetryingOptions } from "@sluice/sluice/flow";
 *
 * // When the breaker inside of it may let something through; that is 0 while its trials run.
 * const options: RetryingOptions = {
 *   attempts: 3,
 *   delay: (_, error) => error instanceof CircuitOpenError ? Math.max(100, error.retryAfter) : 100,
 * };
 * await retrying(options).run(() => "done");
 * ```
 */
export interface RetryingOptions extends RetryOptions {
  /** What it goes by; the monotonic clock of the machine if left out. */
  readonly clock?: Clock | undefined;
}

/**
 * How a {@linkcode retrying} policy is doing.
 *
 * @example
 * ```ts
 * import { retrying, type RetryingStats } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const twice = retrying({ attempts: 2, delay: 1 });
 * await twice.run(() => Promise.reject(new Error("down")), { fallback: () => "none" });
 * const stats: RetryingStats = twice.stats();
 * assertEquals(stats, { runs: 1, running: 0, attempts: 2, retries: 1, gaveUp: 1 });
 * ```
 */
export interface RetryingStats {
  /** How many runs have begun, ever. */
  readonly runs: number;
  /** How many of them are not over: an attempt is under way, or another one waits for its time. */
  readonly running: number;
  /** How often it has called jobs, ever. */
  readonly attempts: number;
  /** How many of these attempts were not the first of their run. */
  readonly retries: number;
  /** How many runs have failed for good; none whose caller had left, or whose time was up. */
  readonly gaveUp: number;
}

/**
 * What {@linkcode retrying} gives: a policy that tells how it is doing.
 *
 * @example
 * ```ts
 * import { retrying, type RetryingPolicy } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const policy: RetryingPolicy = retrying({ attempts: 3 });
 * assertEquals(await policy.run(() => "done"), "done");
 * assertEquals(policy.stats().retries, 0);
 * ```
 */
export interface RetryingPolicy extends Policy {
  /** How it is doing. */
  stats(): RetryingStats;
}

/**
 * A policy that runs a job again if it fails. A delay of Infinity is one that is not worth waiting for:
 * then the error is the last.
 *
 * @example
 * ```ts
 * import { retrying } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * let calls = 0;
 * const flaky = (): string => {
 *   if (++calls < 3) throw new Error("busy");
 *   return "done";
 * };
 * assertEquals(await retrying({ attempts: 5, delay: 1 }).run(flaky), "done");
 * assertEquals(calls, 3);
 * ```
 *
 * @throws TypeError or RangeError if an option is not what it may be.
 */
export function retrying(options: RetryingOptions): RetryingPolicy {
  checkRetry(options);
  const { clock = realClock } = options;
  checkClock(clock);
  return new Retrying(options, clock);
}

class Retrying implements RetryingPolicy {
  readonly #retry: RetryOptions;
  readonly #clock: Clock;
  #runs = 0;
  #running = 0;
  #calls = 0;
  #gaveUp = 0;

  constructor(retry: RetryOptions, clock: Clock) {
    this.#retry = retry;
    this.#clock = clock;
  }

  run<R>(job: Job<R>, options?: Cancel | RunOptions<R>): Promise<R> {
    return runGuarded(job, options, (ctx) => this.#attempts(job, ctx));
  }

  stats(): RetryingStats {
    const [runs, attempts] = [this.#runs, this.#calls];
    // Each run has one attempt at least.
    const retries = attempts - runs;
    return { runs, running: this.#running, attempts, retries, gaveUp: this.#gaveUp };
  }

  async #attempts<R>(job: Job<R>, ctx: ScopedContext): Promise<R> {
    this.#runs++;
    this.#running++;
    try {
      for (let attempt = 1;; attempt++) {
        try {
          this.#calls++;
          return await runIn(job, ctx);
        } catch (error) {
          if (ctx.done) throw error;
          const ms = retryDelay(this.#retry, attempt, error);
          if (ms === undefined || ms === Infinity) throw error;
          await pause(ms, this.#clock, ctx);
        }
      }
    } catch (error) {
      if (!ctx.done) this.#gaveUp++;
      throw error;
    } finally {
      this.#running--;
    }
  }
}
