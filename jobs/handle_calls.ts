/**
 * The calls of a handle that are with its engine, and what ends them: the handle's close.
 *
 * - A call ends with its caller's context, signal or timeout, or with the handle, whatever comes first.
 * - A handle is done with its calls when none is with the engine: what they took has to be given back, too.
 *
 * @module
 */
import type { Wait, WaitOptions } from "../core/contract.ts";
import { ScopedContext } from "../core/scoped_context.ts";
import { contextOf } from "../core/wait_context.ts";
import { WaitGroup } from "../sync/wait_group.ts";
import { contextBelow } from "../tasks/pool_options.ts";

export class HandleCalls {
  /** Ends when the handle is closed, or the one above it. */
  readonly life: ScopedContext;
  readonly pending = new WaitGroup();

  constructor(above: ScopedContext | undefined) {
    this.life = contextBelow(above);
  }

  /** Runs a call that waits, and ends it with the handle. */
  run<R>(wait: Wait | undefined, call: (wait: Wait) => Promise<R>): Promise<R> {
    return this.pending.go(() => this.#enclosed(wait, call));
  }

  /** None is with the engine any more. */
  async ended(): Promise<void> {
    while (this.pending.count > 0) await this.pending.wait();
  }

  async #enclosed<R>(wait: Wait | undefined, call: (wait: Wait) => Promise<R>): Promise<R> {
    const { ctx, signal, timeout }: WaitOptions = partsOf(wait);
    if (ctx === undefined && signal === undefined) {
      return await call(timeout === undefined ? this.life : { ctx: this.life, timeout });
    }
    // The timeout stays one: with none left a call still tries once.
    using both = contextOf({ ctx, signal }, this.life);
    return await call(timeout === undefined ? both : { ctx: both, timeout });
  }
}

function partsOf(wait: Wait | undefined): WaitOptions {
  if (wait === undefined) return {};
  if (wait instanceof ScopedContext) return { ctx: wait };
  return wait instanceof AbortSignal ? { signal: wait } : wait as WaitOptions;
}
