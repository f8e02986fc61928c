/**
 * Context-style cancellation, after Go's `context` package: a tree of contexts, in which the end of
 * one ends all below it, with a cause, deadlines, and values.
 *
 * Every waiting call of Sluice takes a context, a plain AbortSignal, or options as its last
 * argument. `using ctx = withTimeout(parent, 100)` is Go's `defer cancel()`.
 *
 * Ending a context settles all calls that wait on it and runs the abort listeners before `cancel`
 * returns; it does not wait for the work to stop. Parents end before their children.
 *
 * @example
 * ```ts
 * import { background, withTimeout } from "@sluice/sluice/context";
 * import { Channel } from "@sluice/sluice/channel";
 * import { assertRejects } from "@std/assert";
 *
 * using ctx = withTimeout(background(), 5);
 * await assertRejects(() => new Channel<string>().take(ctx), Error, "deadline");
 * ```
 *
 * @module
 */
import { checkFunction, checkNumber, show } from "./core/check.ts";
import { ContextKey } from "./core/context_key.ts";
import type { Cancel, CancelContext, Context } from "./core/contract.ts";
import { DeadlineScope, DueAt, DueIn } from "./core/deadline_scope.ts";
import { endless, noValues, root, ScopedContext, type Values } from "./core/scoped_context.ts";
import { AnyScope, type Endable, type Link, release, Scope, watch } from "./core/scope.ts";
import { scopeKey, scopeOf } from "./core/wait.ts";

export { CanceledError, DeadlineExceededError } from "./core/errors.ts";
export type { Cancel, CancelContext, Context, Wait, WaitOptions } from "./core/contract.ts";
export type { Receiver, ReceiverIterator } from "./core/contract.ts";
export { ContextKey } from "./core/context_key.ts";

/**
 * The root of all contexts: never done, without deadline and values. It costs nothing.
 *
 * @example
 * ```ts
 * import { background } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(background().done, false);
 * ```
 */
export function background(): Context {
  return root;
}

/**
 * A context that ends when it is cancelled, or when `parent` ends; Go's `context.WithCancelCause`.
 *
 * @example
 * ```ts
 * import { background, withCancel } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * using ctx = withCancel(background());
 * ctx.cancel(new Error("enough"));
 * assertEquals(ctx.done, true);
 * ```
 *
 * @throws TypeError if `parent` is neither a context nor an AbortSignal.
 */
export function withCancel(parent: Cancel): CancelContext {
  return follow(parent, new Scope());
}

/**
 * A context that ends after `ms` milliseconds at the latest; Go's `context.WithTimeoutCause`. Its
 * `err` is then a DeadlineExceededError, and so is its cause, if none is given. Time is measured by
 * the monotonic clock. 0 or less: it has ended already; Infinity: no deadline.
 *
 * @example
 * ```ts
 * import { background, DeadlineExceededError, withTimeout } from "@sluice/sluice";
 * import { assertInstanceOf } from "@std/assert";
 *
 * using ctx = withTimeout(background(), 0);
 * assertInstanceOf(ctx.err, DeadlineExceededError);
 * ```
 *
 * @throws TypeError or RangeError if `ms` is no number.
 */
export function withTimeout(parent: Cancel, ms: number, cause?: unknown): CancelContext {
  checkNumber("ms", ms);
  const scope = scopeOf(parent, "parent");
  // A deadline that is no earlier than the parent's is the parent's, and needs no timer.
  if (ms >= scope.left()) return withCancel(parent);
  return follow(parent, new DeadlineScope(new DueIn(ms), Date.now() + ms, cause));
}

/**
 * A context that ends at a point in time, a Date or milliseconds since the epoch, by the wall clock;
 * Go's `context.WithDeadlineCause`.
 *
 * @example
 * ```ts
 * import { background, withDeadline } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const noon = new Date(2100, 0, 1, 12);
 * using ctx = withDeadline(background(), noon);
 * assertEquals(ctx.deadline, noon.getTime());
 * ```
 *
 * @throws TypeError or RangeError if `at` is neither a number nor a valid Date.
 */
export function withDeadline(
  parent: Cancel,
  at: number | Date,
  cause?: unknown,
): CancelContext {
  const time: unknown = at instanceof Date ? at.getTime() : at;
  checkNumber("at", time);
  const scope = scopeOf(parent, "parent");
  if (time - Date.now() >= scope.left()) return withCancel(parent);
  return follow(parent, new DeadlineScope(new DueAt(time), time, cause));
}

function follow(parent: Cancel, scope: Scope): CancelContext {
  scope.join(scopeOf(parent, "parent"));
  scope.check();
  return new ScopedContext(scope, valuesOf(parent));
}

function valuesOf(parent: Cancel): Values {
  return parent instanceof ScopedContext ? parent.values : noValues;
}

/**
 * The same context with one more value; Go's `context.WithValue`. The nearest value of a key wins.
 *
 * @example
 * ```ts
 * import { background, ContextKey, withValue } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const requestId = new ContextKey<number>("request id");
 * const ctx = withValue(background(), requestId, 7);
 * assertEquals(ctx.value(requestId), 7);
 * ```
 *
 * @throws TypeError if `parent` is no context, or `key` no ContextKey.
 */
export function withValue<T>(
  parent: Context,
  key: ContextKey<T>,
  value: NoInfer<T>,
): Context {
  const { [scopeKey]: scope, values } = checkContext(parent);
  if (!(key instanceof ContextKey)) {
    throw new TypeError(`key must be a ContextKey, not ${show(key)}`);
  }
  const own = { value };
  return new ScopedContext(scope, (wanted) => wanted === key ? own : values(wanted));
}

/**
 * The values of `parent` without its end: for work that has to go on; Go's `context.WithoutCancel`.
 *
 * @example
 * ```ts
 * import { background, withCancel, withoutCancel } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * using parent = withCancel(background());
 * const cleanup = withoutCancel(parent);
 * parent.cancel();
 * assertEquals(cleanup.done, false);
 * ```
 *
 * @throws TypeError if `parent` is no context.
 */
export function withoutCancel(parent: Context): Context {
  return new ScopedContext(endless, checkContext(parent).values);
}

function checkContext(parent: Context): ScopedContext {
  if (parent instanceof ScopedContext) return parent;
  throw new TypeError(`parent must be a context, not ${show(parent)}`);
}

/**
 * Runs `fn` once after `parent` ends, in a microtask of its own; Go's `context.AfterFunc`. The
 * result stops it: true if it prevented the run, false once the context has ended. What `fn` throws
 * is an uncaught error, since nobody waits for it.
 *
 * @example
 * ```ts
 * import { afterFunc, background, withCancel } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * using ctx = withCancel(background());
 * let closed = false;
 * afterFunc(ctx, () => closed = true);
 * ctx.cancel();
 * await Promise.resolve();
 * assertEquals(closed, true);
 * ```
 *
 * @throws TypeError if `parent` is neither a context nor an AbortSignal, or `fn` no function.
 */
export function afterFunc(parent: Cancel, fn: () => unknown): () => boolean {
  const scope = scopeOf(parent, "parent");
  checkFunction("fn", fn);
  const run = (): void => queueMicrotask(() => void fn());
  if (scope.check()) {
    run();
    return () => false;
  }
  const target = new AfterFunc(run);
  watch(scope, target);
  return () => !scope.check() && target.stop();
}

class AfterFunc implements Endable {
  links: Link | null = null;
  readonly #run: () => void;
  #pending = true;

  constructor(run: () => void) {
    this.#run = run;
  }

  end(): null {
    this.#pending = false;
    this.#run();
    return null;
  }

  stop(): boolean {
    const stopped = this.#pending;
    this.#pending = false;
    release(this);
    return stopped;
  }
}

/**
 * A context that ends when any parent ends, with that one's cause. Values come from the first parent
 * that has them. Undefined parents are left out, so that an optional signal can be passed on as it
 * is.
 *
 * @example
 * ```ts
 * import { background, withAny, withCancel } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const controller = new AbortController();
 * using request = withCancel(background());
 * using ctx = withAny(request, controller.signal);
 * controller.abort("the user left");
 * assertEquals(ctx.cause, "the user left");
 * ```
 *
 * @throws TypeError if a parent is something else.
 */
export function withAny(...parents: readonly (Cancel | undefined)[]): CancelContext {
  const present = parents.filter((parent) => parent !== undefined);
  const scopes = present.map((parent) => scopeOf(parent, "parent"));
  const lookups = present.map(valuesOf).filter((values) => values !== noValues);
  const values: Values = (key) => {
    for (const lookup of lookups) {
      const found = lookup(key);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return new ScopedContext(new AnyScope(scopes), values);
}
