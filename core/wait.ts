/**
 * The last argument of every waiting call: what it may be, whether it has ended already, and how a
 * parked operation hangs on it.
 *
 * A context, a signal and options are told apart by the scope that only our contexts carry, then
 * by `instanceof AbortSignal`, then they are options.
 *
 * @module
 */
import { checkNumber, show } from "./check.ts";
import type { Cancel, Wait, WaitOptions } from "./contract.ts";
import { TimeoutScope } from "./deadline_scope.ts";
import { DeadlineExceededError } from "./errors.ts";
import { type Endable, type Scope, watch } from "./scope.ts";
import { scopeOfSignal } from "./signal_scope.ts";

/** Where a context keeps its scope. */
export const scopeKey: unique symbol = Symbol("sluice.scope");

type Scoped = { readonly [scopeKey]?: Scope };

/** The scope of a context or signal. TypeError: it is neither. */
export function scopeOf(cancel: Cancel, name: string): Scope {
  if (typeof cancel === "object" && cancel !== null) {
    const own = (cancel as Scoped)[scopeKey];
    if (own !== undefined) return own;
    if (cancel instanceof AbortSignal) return scopeOfSignal(cancel);
    if (isForeignContext(cancel)) throw foreignContext(name);
  }
  throw new TypeError(`${name} must be a context or an AbortSignal, not ${show(cancel)}`);
}

/**
 * Throws what a waiting call is to reject with before it begins: a TypeError or RangeError if
 * `wait` is not what it may be, or the cause if it has ended already; context first, then signal.
 */
export function enter(wait: Wait): void {
  const own = (wait as Scoped | null)?.[scopeKey];
  if (own !== undefined) throwIfEnded(own);
  else if (wait instanceof AbortSignal) throwIfEnded(scopeOfSignal(wait));
  else enterOptions(wait);
}

function throwIfEnded(scope: Scope): void {
  if (scope.check()) throw scope.cause;
}

/**
 * Throws a TypeError or RangeError if `wait` is neither undefined nor what it may be. It may have ended:
 * for calls that only begin to wait later.
 */
export function checkWait(wait: Wait | undefined): void {
  if (wait === undefined) return;
  const own = (wait as Scoped | null)?.[scopeKey];
  if (own === undefined && !(wait instanceof AbortSignal)) checkWaitOptions(wait as WaitOptions);
}

function enterOptions(wait: WaitOptions): void {
  checkWaitOptions(wait);
  const { ctx, signal } = wait;
  if (ctx !== undefined) throwIfEnded(contextScope(ctx));
  if (signal !== undefined) throwIfEnded(scopeOfSignal(signal));
}

function checkWaitOptions(wait: WaitOptions): void {
  if (typeof wait !== "object" || wait === null) {
    throw new TypeError(
      `wait must be a context, an AbortSignal or { ctx, signal, timeout }, not ${show(wait)}`,
    );
  }
  if (isForeignContext(wait)) throw foreignContext("wait");
  const { ctx, signal, timeout } = wait;
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError(`signal must be an AbortSignal, not ${show(signal)}`);
  }
  if (ctx !== undefined) contextScope(ctx);
  if (timeout !== undefined) checkNumber("timeout", timeout);
}

function contextScope(ctx: unknown): Scope {
  const own = (ctx as Scoped | null)?.[scopeKey];
  if (own !== undefined) return own;
  if (isForeignContext(ctx)) throw foreignContext("ctx");
  throw new TypeError(`ctx must be a context, not ${show(ctx)}`);
}

/**
 * Hangs a parked operation on all that may end it early. `wait` has passed `enter`; if it has ended
 * since, the operation does so now. With a timeout of 0 or less it ends too: it has had its one try.
 */
export function hang(target: Endable, wait: Wait): void {
  const own = (wait as Scoped)[scopeKey];
  if (own !== undefined) {
    watch(own, target);
  } else if (wait instanceof AbortSignal) {
    watch(scopeOfSignal(wait), target);
  } else {
    hangOnOptions(target, wait as WaitOptions);
  }
}

function hangOnOptions(target: Endable, { ctx, signal, timeout }: WaitOptions): void {
  if (timeout !== undefined && timeout <= 0) {
    const error = new DeadlineExceededError(`nothing was ready, and timeout is ${timeout} ms`);
    target.end(error)?.follow();
    return;
  }
  const scope = ctx === undefined ? undefined : contextScope(ctx);
  if (scope !== undefined && !watch(scope, target)) return;
  if (signal !== undefined && !watch(scopeOfSignal(signal), target)) return;
  if (timeout !== undefined && timeout !== Infinity) watch(new TimeoutScope(timeout), target);
}

/** A context of another copy of the module, or one that somebody wrote. */
function isForeignContext(value: unknown): boolean {
  return typeof (value as { throwIfDone?: unknown } | null)?.throwIfDone === "function";
}

function foreignContext(name: string): TypeError {
  return new TypeError(
    `${name} is a context that this copy of Sluice has not made: pass its signal instead`,
  );
}
