import { show } from "./check.ts";
import { ContextKey } from "./context_key.ts";
import type { CancelContext, Receiver } from "./contract.ts";
import type { CanceledError, DeadlineExceededError } from "./errors.ts";
import { QueueCore } from "./queue_core.ts";
import { CoreReceiver } from "./receiver.ts";
import { Ring } from "./ring.ts";
import { EndlessScope, type Scope, watch } from "./scope.ts";
import { PLAIN_CHANNEL } from "./traits.ts";
import { scopeKey } from "./wait.ts";

/** The values of a context: those of its parents, and one more. */
export type Values = (key: ContextKey<unknown>) => { readonly value: unknown } | undefined;

export const noValues: Values = () => undefined;

/** One for each scope, since contexts that differ in values alone end together. */
const doneReceivers = new WeakMap<Scope, Receiver<never>>();

/** Every context: a scope, which says when it ends, and values. */
export class ScopedContext implements CancelContext {
  readonly [scopeKey]: Scope;
  readonly values: Values;

  constructor(scope: Scope, values: Values) {
    this[scopeKey] = scope;
    this.values = values;
  }

  get deadline(): number | undefined {
    return this[scopeKey].deadline;
  }

  get done(): boolean {
    return this[scopeKey].check();
  }

  get err(): CanceledError | DeadlineExceededError | undefined {
    this[scopeKey].check();
    return this[scopeKey].err;
  }

  get cause(): unknown {
    this[scopeKey].check();
    return this[scopeKey].cause;
  }

  get signal(): AbortSignal {
    return this[scopeKey].signal;
  }

  get whenDone(): Receiver<never> {
    const scope = this[scopeKey];
    // Closes the receiver that is there already, if a deadline has passed and its timer is late.
    scope.check();
    let receiver = doneReceivers.get(scope);
    if (receiver === undefined) {
      receiver = doneReceiver(scope);
      doneReceivers.set(scope, receiver);
    }
    return receiver;
  }

  value<T>(key: ContextKey<T>): T | undefined {
    if (!(key instanceof ContextKey)) {
      throw new TypeError(`key must be a ContextKey, not ${show(key)}`);
    }
    return this.values(key as ContextKey<unknown>)?.value as T | undefined;
  }

  throwIfDone(): void {
    if (this.done) throw this[scopeKey].cause;
  }

  cancel(cause?: unknown): void {
    const scope = this[scopeKey];
    // A deadline that has passed was first, even if nobody has looked.
    if (!scope.check()) scope.end(cause);
  }

  [Symbol.dispose](): void {
    this.cancel();
  }
}

function doneReceiver(scope: Scope): Receiver<never> {
  const core = new QueueCore(PLAIN_CHANNEL, 0, new Ring());
  if (scope.check()) core.close();
  else watch(scope, { links: null, end: () => ({ follow: () => core.close() }) });
  return new CoreReceiver(core);
}

/** The scope of contexts that nothing ends. */
export const endless = new EndlessScope();
/** What `background()` gives. */
export const root = new ScopedContext(endless, noValues);
