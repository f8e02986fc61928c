/**
 * What guards a job has one shape, so that guards can be put around one another.
 *
 * - A context or signal that has ended goes first: the job is not called.
 * - The caller is told at once when what he gave ends, whatever the job or the fallback do then.
 * - The fallback is called at most once, after the job, and never for a caller who has left.
 *
 * @module
 */
import { checkFunction, checkOptionalFunction, checkOptions } from "../../core/check.ts";
import type { Cancel, Wait, WaitOptions } from "../../core/contract.ts";
import { CanceledError } from "../../core/errors.ts";
import { root, ScopedContext } from "../../core/scoped_context.ts";
import { until } from "../../core/until.ts";
import { enter, scopeKey, scopeOf } from "../../core/wait.ts";
import { contextOf } from "../../core/wait_context.ts";
import type { Job } from "../../tasks/job.ts";
import { isCancel } from "../../tasks/results.ts";
import { keepPlace } from "./place.ts";

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
   * Gives the result if the job fails, is refused, or takes longer than `timeout`, which does not
   * count for the fallback. Not called if the caller's own context or signal has ended: then nobody
   * wants a result.
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

/** Why the context of a run ends that has ended well; one for all, since an error takes long to make. */
export const over = new CanceledError("the run is over");

/**
 * Checks the arguments of a `run`, makes the attempt, and asks the fallback if that fails. `attempt`
 * may throw, too. It is given a context of all that may end the run, `parent` too, which ends with it.
 */
export async function runGuarded<R>(
  job: Job<R>,
  options: Cancel | RunOptions<R> | undefined,
  attempt: (ctx: ScopedContext) => R | PromiseLike<R>,
  parent?: ScopedContext,
): Promise<R> {
  checkFunction("job", job);
  const fallback = fallbackOf(options);
  if (options !== undefined) enter(options);
  const shared = sharedContext(options, parent);
  const ctx = shared ?? contextOf(options!, parent);
  try {
    ctx.throwIfDone();
    return await attempt(ctx);
  } catch (error) {
    if (fallback === undefined || hasLeft(options)) throw error;
    // The fallback is given all the time it takes: no timer is to be left for what has failed.
    if (shared === undefined) ctx[scopeKey].end(over);
    return await askFallback(fallback, error, options as RunOptions<R>);
  } finally {
    if (shared === undefined) ctx[scopeKey].end(over);
  }
}

/** One that is there already, if it is all that may end the run. Most runs need none of their own. */
function sharedContext(
  options: Cancel | WaitOptions | undefined,
  parent: ScopedContext | undefined,
): ScopedContext | undefined {
  if (options === undefined || options === root) return parent ?? root;
  if (options instanceof AbortSignal) return undefined;
  if (options instanceof ScopedContext) return parent === undefined ? options : undefined;
  const { ctx, signal, timeout = Infinity } = options as WaitOptions;
  if (signal !== undefined || timeout !== Infinity) return undefined;
  if (ctx === undefined) return parent ?? root;
  // `enter` has seen that it is one of ours.
  return parent === undefined ? ctx as ScopedContext : undefined;
}

function fallbackOf<R>(
  options: Cancel | RunOptions<R> | undefined,
): ((error: unknown) => R | PromiseLike<R>) | undefined {
  if (options === undefined || isCancel(options)) return undefined;
  checkOptions("options", options);
  const { fallback } = options;
  checkOptionalFunction("fallback", fallback);
  return fallback;
}

async function askFallback<R>(
  fallback: (error: unknown) => R | PromiseLike<R>,
  error: unknown,
  { ctx, signal }: WaitOptions,
): Promise<R> {
  const result = fallback(error);
  if (ctx === undefined && signal === undefined) return await result;
  return await promptly(result, { ctx, signal });
}

/**
 * Calls the job. Its result is prompt: it rejects when the context ends, and `left` is called, whatever the
 * job does then. A job that does not wait may give a value all the same.
 */
export function runIn<R>(
  job: Job<R>,
  ctx: ScopedContext,
  left?: () => void,
): R | PromiseLike<R> {
  const running = job(ctx);
  return ctx[scopeKey].endless ? running : promptly(running, ctx, left);
}

/**
 * A value as it is; a promise until `wait` ends, with whose cause it then rejects. What nobody waits for
 * any more keeps its place in bulkheads, and `left` is told.
 */
export function promptly<R>(
  result: R | PromiseLike<R>,
  wait: Wait,
  left?: () => void,
): R | PromiseLike<R> {
  if (typeof (result as Partial<PromiseLike<R>> | null)?.then !== "function") return result;
  const promise = Promise.resolve(result);
  return until(promise, wait, {
    left: () => {
      if (wait instanceof ScopedContext) keepPlace(wait, promise);
      left?.();
    },
  });
}

/**
 * Whether the caller's context or signal has ended, so that nobody wants a result. A signal is asked by way
 * of its scope: that of a context of ours has ended before the signal tells.
 */
export function hasLeft(options: Cancel | WaitOptions | undefined): boolean {
  if (options === undefined) return false;
  if (isCancel(options)) return scopeOf(options, "options").check();
  const { ctx, signal } = options;
  return hasLeft(ctx) || hasLeft(signal);
}
