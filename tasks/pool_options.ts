/**
 * What pools and schedulers are told, and how that is checked.
 *
 * @module
 */
import { checkFunction, checkNumber, checkOptions, show } from "../core/check.ts";
import type { Cancel, Wait, WaitOptions } from "../core/contract.ts";
import { noValues, ScopedContext } from "../core/scoped_context.ts";
import { Scope } from "../core/scope.ts";
import { enter, scopeOf } from "../core/wait.ts";
import type { Crew } from "./crew.ts";
import type { PoolJob } from "./job.ts";
import { type Plan, PoolTask } from "./pool_task.ts";
import { isCancel } from "./results.ts";
import { checkRetry, type RetryOptions } from "./retry.ts";

/**
 * How one task is to be run. `ctx`, `signal` and `timeout` are for all of it: while it waits it leaves
 * the queue at once, while it runs its context ends, and its promise rejects in both cases.
 *
 * @example
 * ```ts
 * import { type SubmitOptions, WorkerPool } from "@sluice/sluice/tasks";
 *
 * const options: SubmitOptions = { priority: 10, timeout: 5_000, runTimeout: 1_000 };
 * await using pool = new WorkerPool();
 * await pool.submit(() => "done", options);
 * ```
 */
export interface SubmitOptions extends WaitOptions {
  /** The highest starts first; 0 if left out. */
  readonly priority?: number | undefined;
  /**
   * Milliseconds that each attempt may take. Then its context ends; if it heeds that, it has failed, and
   * may be tried again. If it does not, the promise rejects, and its worker stays busy until it ends.
   */
  readonly runTimeout?: number | undefined;
  /** How it is run again when it fails. Between two attempts its worker does something else. */
  readonly retry?: RetryOptions | undefined;
}

/**
 * How a pool or a scheduler is shut down.
 *
 * @example
 * ```ts
 * import { type ShutdownOptions, WorkerPool } from "@sluice/sluice/tasks";
 *
 * const options: ShutdownOptions = { immediate: true, timeout: 1_000 };
 * await new WorkerPool().shutdown(options);
 * ```
 */
export interface ShutdownOptions extends WaitOptions {
  /** Rejects what waits and runs; otherwise all that was accepted is finished. */
  readonly immediate?: boolean | undefined;
}

/** Makes a task of what a caller gives. Throws what his call is to reject with. */
export function taskOf<T extends PoolTask>(
  job: PoolJob<unknown>,
  given: Cancel | SubmitOptions | undefined,
  crew: Crew,
  make: (job: PoolJob<unknown>, priority: number, plan: Plan | null, owner: Crew) => T,
): T {
  checkFunction("job", job);
  if (given === undefined) return make(job, 0, null, crew);
  enter(given);
  const { priority = 0, runTimeout = Infinity, retry } = checkSubmit(given);
  const own = endsEarly(given);
  if (!own && retry === undefined && runTimeout === Infinity) {
    return make(job, priority, null, crew);
  }
  const { timeout = Infinity }: WaitOptions = isCancel(given) ? {} : given;
  const due = timeout === Infinity ? Infinity : performance.now() + timeout;
  return make(job, priority, { wait: own ? given : undefined, own, due, runTimeout, retry }, crew);
}

/** What is given beside what may end a task early; throws TypeError or RangeError. */
export function checkSubmit(given: Cancel | SubmitOptions): SubmitOptions {
  if (isCancel(given)) return {};
  const { priority, runTimeout, retry } = given;
  if (priority !== undefined) checkPriority(priority);
  if (runTimeout !== undefined) {
    checkNumber("runTimeout", runTimeout);
    if (runTimeout <= 0) throw new RangeError(`runTimeout must be more than 0: ${runTimeout}`);
  }
  if (retry !== undefined) checkRetry(retry);
  return given;
}

/** As {@linkcode taskOf}, for a plain pool. */
export function poolTask(
  job: PoolJob<unknown>,
  priority: number,
  plan: Plan | null,
  crew: Crew,
): PoolTask {
  return new PoolTask(job, priority, plan, crew);
}

function endsEarly(given: Cancel | SubmitOptions): boolean {
  if (isCancel(given)) return true;
  const { ctx, signal, timeout } = given;
  return ctx !== undefined || signal !== undefined || timeout !== undefined;
}

/** A finite number. */
export function checkPriority(priority: unknown): void {
  checkNumber("priority", priority);
  if (!Number.isFinite(priority)) {
    throw new RangeError(`priority must be a finite number: ${priority}`);
  }
}

/** How the caller of `shutdown` wants it. */
export function shutdownOptions(
  given: Cancel | ShutdownOptions | undefined,
): { immediate: boolean; wait: Wait | undefined } {
  if (given === undefined || isCancel(given)) return { immediate: false, wait: given };
  checkOptions("options", given);
  const { immediate = false } = given;
  if (typeof immediate !== "boolean") {
    throw new TypeError(`immediate must be true or false, not ${show(immediate)}`);
  }
  return { immediate, wait: given };
}

/** A context that ends with `parent`, and has its values. */
export function contextBelow(parent: Cancel | undefined): ScopedContext {
  const scope = new Scope();
  if (parent === undefined) return new ScopedContext(scope, noValues);
  scope.join(scopeOf(parent, "parent"));
  return new ScopedContext(scope, parent instanceof ScopedContext ? parent.values : noValues);
}
