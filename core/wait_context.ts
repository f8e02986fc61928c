import type { Cancel, Wait, WaitOptions } from "./contract.ts";
import { DeadlineScope, DueIn } from "./deadline_scope.ts";
import { noValues, ScopedContext, type Values } from "./scoped_context.ts";
import { AnyScope, release, type Scope } from "./scope.ts";
import { scopeKey, scopeOf } from "./wait.ts";

/**
 * One context for all that may end an operation of several waits: those of `wait`, which has passed
 * `enter`, and `parent`. Its timeout starts now. To be disposed when the operation is over.
 */
export function contextOf(wait: Wait, parent?: ScopedContext): ScopedContext {
  const { ctx, signal, timeout } = partsOf(wait);
  const parents: Scope[] = parent === undefined ? [] : [parent[scopeKey]];
  if (ctx !== undefined) parents.push(scopeOf(ctx, "ctx"));
  if (signal !== undefined) parents.push(scopeOf(signal, "signal"));
  const any = new AnyScope(parents);
  const values = valuesOf(ctx) ?? parent?.values ?? noValues;
  if (timeout === undefined || timeout === Infinity) return new ScopedContext(any, values);
  const scope = new TimedScope(timeout, any);
  scope.check();
  return new ScopedContext(scope, values);
}

/** Ends with `any`, or after `timeout`; then it takes `any`, which is its own, off its parents. */
class TimedScope extends DeadlineScope {
  readonly #any: AnyScope;

  constructor(timeout: number, any: AnyScope) {
    super(new DueIn(timeout), Date.now() + timeout, undefined);
    this.#any = any;
    this.join(any);
  }

  protected override idle(): void {
    super.idle();
    if (this.ended) release(this.#any);
  }
}

function partsOf(wait: Wait): { ctx?: Cancel; signal?: AbortSignal; timeout?: number } {
  if (wait instanceof ScopedContext) return { ctx: wait };
  return wait instanceof AbortSignal ? { signal: wait } : wait as WaitOptions;
}

function valuesOf(ctx: Cancel | undefined): Values | undefined {
  return ctx instanceof ScopedContext ? ctx.values : undefined;
}
