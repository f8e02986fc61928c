/**
 * Another attempt for what has failed, as a policy.
 *
 * - Attempts follow one another, and the job is called once for each.
 * - The end of what the caller gave ends the attempt, or the pause between two, and there is no other.
 *
 * @module
 */
import type { Cancel, Wait } from "../../core/contract.ts";
import type { ScopedContext } from "../../core/scoped_context.ts";
import { park, WaitList, WaitNode } from "../../core/wait_list.ts";
import { checkClock, type Clock, realClock } from "../../tasks/clock.ts";
import type { Job } from "../../tasks/job.ts";
import { checkRetry, retryDelay, type RetryOptions } from "../../tasks/retry.ts";
import { type Policy, runGuarded, runIn, type RunOptions } from "./policy.ts";

/**
 * How {@linkcode retrying} tries again.
 *
 * @example
 * ```ts
 * import { CircuitOpenError, retrying, type RetryingOptions } from "@sluice/sluice/flow";
 *
 * // As soon as the breaker may let something through, which is inside of it.
 * const options: RetryingOptions = {
 *   attempts: 3,
 *   delay: (_, error) => error instanceof CircuitOpenError ? error.retryAfter : 100,
 * };
 * await retrying(options).run(() => "done");
 * ```
 */
export interface RetryingOptions extends RetryOptions {
  /** What it goes by; the monotonic clock of the machine if left out. */
  readonly clock?: Clock | undefined;
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
export function retrying(options: RetryingOptions): Policy {
  checkRetry(options);
  const { clock = realClock } = options;
  checkClock(clock);
  return new Retrying(options, clock);
}

class Retrying implements Policy {
  readonly #retry: RetryOptions;
  readonly #clock: Clock;

  constructor(retry: RetryOptions, clock: Clock) {
    this.#retry = retry;
    this.#clock = clock;
  }

  run<R>(job: Job<R>, options?: Cancel | RunOptions<R>): Promise<R> {
    return runGuarded(job, options, (ctx) => this.#attempts(job, ctx));
  }

  async #attempts<R>(job: Job<R>, ctx: ScopedContext): Promise<R> {
    for (let attempt = 1;; attempt++) {
      try {
        return await runIn(job, ctx);
      } catch (error) {
        if (ctx.done) throw error;
        const ms = retryDelay(this.#retry, attempt, error);
        if (ms === undefined || ms === Infinity) throw error;
        await pause(ms, this.#clock, ctx);
      }
    }
  }
}

/** As `sleep`, by any clock. */
function pause(ms: number, clock: Clock, wait: Wait): Promise<void> {
  const node = new WaitNode(undefined);
  const timer = clock.after(ms, () => {
    node.leave();
    node.settle(undefined);
  });
  return park(new WaitList({ left: () => timer.stop() }), node, wait);
}
