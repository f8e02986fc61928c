/**
 * Results that come one by one, made while they are read: what `map`, `results` and `merge` give.
 *
 * - Nothing happens before the first `next`.
 * - Whatever ends it early (`return`, leaving the loop, an error, its context) ends the context of all
 *   that is on its way, and tells the sources. None of what fails after that is an unhandled rejection.
 * - `return` is prompt, also while a `next` waits.
 *
 * @module
 */
import { Channel } from "../channel.ts";
import { afterFunc } from "../context.ts";
import type { Context, ReceiverIterator, Wait } from "../core/contract.ts";
import { coreOf } from "../core/core_of.ts";
import { CanceledError } from "../core/errors.ts";
import type { ScopedContext } from "../core/scoped_context.ts";
import { enter } from "../core/wait.ts";
import { contextOf } from "../core/wait_context.ts";

const ENDED: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** `S` is what is put into the outlet, `R` what a reader gets. */
export abstract class LazyStream<S, R> implements ReceiverIterator<R> {
  /** What was made and not read yet. */
  protected readonly outlet: Channel<S>;
  /** It has come to its end, or was ended. */
  protected over = false;
  /** It was left: nobody reads what is in the outlet. */
  protected left = false;
  readonly #reader: ReceiverIterator<S>;
  readonly #wait: Wait | undefined;
  #ctx: ScopedContext | undefined;

  constructor(capacity: number, wait: Wait | undefined) {
    this.outlet = new Channel<S>(capacity);
    this.#reader = this.outlet[Symbol.asyncIterator]();
    this.#wait = wait;
  }

  /** Starts to fill the outlet. The context ends when that is not wanted any more. */
  protected abstract begin(ctx: Context): void;

  /** Tells the sources that they are not needed any more. */
  protected abstract stop(): void;

  /** What a reader gets; it has left the outlet. */
  protected abstract read(slot: S): R;

  async next(): Promise<IteratorResult<R, undefined>> {
    if (this.#ctx === undefined && !this.over) this.#start();
    const result = await this.take();
    return result.done ? result : { done: false, value: this.read(result.value) };
  }

  return(): Promise<IteratorResult<R, undefined>> {
    this.left = true;
    this.#end(new CanceledError("the results are not wanted any more"), true);
    void this.#reader.return();
    return Promise.resolve(ENDED);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** How many calls of `next` wait. */
  protected get waiting(): number {
    return coreOf(this.outlet)!.takers.length;
  }

  /** The next of what was made. */
  protected take(): Promise<IteratorResult<S, undefined>> {
    return this.#reader.next();
  }

  /** All has been made. What is in the outlet can still be read. */
  protected complete(): void {
    this.#end(undefined, false);
  }

  /** The source has failed, after all that was made of what it gave before. */
  protected sourceFailed(error: unknown): void {
    this.#end(error, false, failure(error));
  }

  /** Ends it with an error, which comes after what is in the outlet. */
  protected fail(error: unknown): void {
    this.#end(error, true, failure(error));
  }

  #start(): void {
    try {
      if (this.#wait !== undefined) enter(this.#wait);
    } catch (error) {
      this.fail(error);
      return;
    }
    const ctx = this.#ctx = contextOf(this.#wait ?? {});
    afterFunc(ctx, () => this.fail(ctx.cause));
    this.begin(ctx);
  }

  #end(cause: unknown, early: boolean, error?: unknown): void {
    if (this.over) return;
    this.over = true;
    this.outlet.close(error);
    this.#ctx?.cancel(cause);
    if (early) this.stop();
  }
}

/** What to close a channel with when something has failed: closing it with undefined is no failure. */
export function failure(error: unknown): unknown {
  return error === undefined ? new Error("something failed with undefined") : error;
}
