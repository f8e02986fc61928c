/**
 * What guards a job has one shape, so that guards can be put around one another.
 *
 * @module
 */
import { checkFunction, checkOptionalFunction, checkOptions } from "../core/check.ts";
import type { Cancel, WaitOptions } from "../core/contract.ts";
import { ScopedContext } from "../core/scoped_context.ts";
import { enter } from "../core/wait.ts";
import type { Job } from "../tasks/job.ts";

/**
 * How one job is run under a policy.
 *
 * @typeParam R What the job gives.
 *
 * @example
 * ```ts
 * import { CircuitBreaker, type RunOptions } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const options: RunOptions<string> = { fallback: () => "from the cache", timeout: 1_000 };
 * const breaker = new CircuitBreaker();
 * const page = await breaker.run(() => Promise.reject(new Error("down")), options);
 * assertEquals(page, "from the cache");
 * ```
 */
export interface RunOptions<out R> extends WaitOptions {
  /**
   * Gives the result if the job fails, is refused, or takes longer than `timeout`. Not called if the
   * caller's own context or signal has ended: then nobody wants a result.
   */
  readonly fallback?: ((error: unknown) => R | PromiseLike<R>) | undefined;
}

/**
 * What runs a job, or refuses it: a bulkhead, a circuit breaker, a time limit, a rate limiter.
 *
 * @example
 * ```ts
 * import type { Policy } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 * import { background } from "@sluice/sluice";
 *
 * // One of your own: it runs everything.
 * const none: Policy = { run: async (job) => await job(background()) };
 * assertEquals(await none.run(() => 7), 7);
 * ```
 */
export interface Policy {
  /** Runs the job, which is given a context that ends when its result is not wanted any more. */
  run<R>(job: Job<R>, options?: Cancel | RunOptions<R>): Promise<R>;
}

/**
 * Checks the arguments of a `run`, makes the attempt, and asks the fallback if that fails. `attempt`
 * may throw, too.
 */
export async function runGuarded<R>(
  job: Job<R>,
  options: Cancel | RunOptions<R> | undefined,
  attempt: () => R | PromiseLike<R>,
): Promise<R> {
  checkFunction("job", job);
  const fallback = fallbackOf(options);
  if (options !== undefined) enter(options);
  if (fallback === undefined) return await attempt();
  try {
    return await attempt();
  } catch (error) {
    if (hasLeft(options)) throw error;
    return await fallback(error);
  }
}

function fallbackOf<R>(
  options: Cancel | RunOptions<R> | undefined,
): ((error: unknown) => R | PromiseLike<R>) | undefined {
  if (options === undefined || options instanceof ScopedContext) return undefined;
  if (options instanceof AbortSignal) return undefined;
  checkOptions("options", options);
  const { fallback } = options as RunOptions<R>;
  checkOptionalFunction("fallback", fallback);
  return fallback;
}

/** Whether the caller's context or signal has ended, so that nobody wants a result. */
export function hasLeft(options: Cancel | WaitOptions | undefined): boolean {
  if (options === undefined) return false;
  if (options instanceof ScopedContext) return options.done;
  if (options instanceof AbortSignal) return options.aborted;
  const { ctx, signal } = options as WaitOptions;
  return ctx?.done === true || signal?.aborted === true;
}
