/**
 * A buffer in front of something slow: values are set at once, and written later, in batches, the last
 * value of each key.
 *
 * - Of a key one write at most is on its way, and the last value that was set is written last.
 * - A value that could not be written stays in the buffer: the next `set` of its key, or `flush`, tries it
 *   again. Nothing is dropped in silence; `entries` lists what is not written.
 * - Each value that was set is written, or replaced by a later one of its key, or still in the buffer.
 * - Cancelling a `set` that waits for room leaves the buffer as it was.
 * - What is in the buffer and not written is lost with the process. Where that must not be, acknowledge
 *   after `flush`, or use a {@linkcode Batcher}.
 *
 * @module
 */
import {
  checkCount,
  checkFunction,
  checkOptionalFunction,
  checkOptions,
} from "../../core/check.ts";
import type { Cancel, Context, Wait } from "../../core/contract.ts";
import { CanceledError, ClosedError } from "../../core/errors.ts";
import { NOTHING } from "../../core/nothing.ts";
import { watch } from "../../core/scope.ts";
import type { ScopedContext } from "../../core/scoped_context.ts";
import { tryOrPark } from "../../core/try_or_park.ts";
import { refused } from "../../core/turn.ts";
import { enter, scopeKey } from "../../core/wait.ts";
import { contextOf } from "../../core/wait_context.ts";
import { WaitList } from "../../core/wait_list.ts";
import { contextBelow, type ShutdownOptions, shutdownOptions } from "../../tasks/pool_options.ts";
import { labelOf } from "../errors.ts";
import type { WriteBehindOptions, WriteBehindStats, Writer } from "./write_behind_options.ts";
import { WriteBuffer } from "./write_buffer.ts";

/**
 * A buffer in front of something slow, as caches and disks have them: `set` returns at once, a batch with
 * the last value of each key is written later.
 *
 * Leaving the scope of `await using` is `shutdown()`: what was set is written.
 *
 * @typeParam K The type of the keys, told apart as those of a Map are.
 * @typeParam V The type of the values.
 *
 * @example
 * ```ts
 * import { WriteBehind } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const writes: unknown[] = [];
 * {
 *   await using stock = new WriteBehind<string, number>((entries) => {
 *     writes.push(entries);
 *   });
 *   await stock.set("apples", 2);
 *   await stock.set("pears", 5);
 *   await stock.set("apples", 1);
 *   assertEquals(stock.get("apples"), 1);
 * }
 * assertEquals(writes, [[["apples", 1], ["pears", 5]]]);
 * ```
 */
export class WriteBehind<K, V> implements AsyncDisposable {
  /** Named in errors. */
  readonly name: string | undefined;
  readonly #buffer: WriteBuffer<K, V>;
  readonly #capacity: number;
  /** Ends with the parent, and when nothing more is to be written. */
  readonly #ctx: ScopedContext;
  /** Those who wait for room, each with what it sets. */
  readonly #room = new WaitList({ left: () => this.#letIn() });
  #closed = false;
  /** A shutdown has told what became of the values. */
  #over = false;

  /**
   * An empty buffer.
   *
   * @throws TypeError or RangeError if an argument is not what it may be.
   */
  constructor(write: Writer<K, V>, options: WriteBehindOptions<K, V> = {}) {
    checkFunction("write", write);
    checkOptions("options", options);
    const { maxCount, linger = 100, concurrency, capacity = Infinity, retry, onError } = options;
    const { parent, clock, name } = options;
    checkOptionalFunction("onError", onError);
    checkCount("capacity", capacity, 1);
    this.name = name;
    this.#capacity = capacity;
    this.#ctx = contextBelow(parent);
    const batches = { maxCount, linger, concurrency, retry, clock, name };
    this.#buffer = new WriteBuffer(write, batches, this.#ctx, {
      left: () => this.#letIn(),
      onError,
    });
    if (parent === undefined) return;
    watch(this.#ctx[scopeKey], {
      links: null,
      end: (cause) => ({ follow: () => this.#room.failAll(cause) }),
    });
  }

  /** How many keys have a value that is not written. */
  get size(): number {
    return this.#buffer.entries.size;
  }

  /** `shutdown` has been called. */
  get closed(): boolean {
    return this.#closed;
  }

  /** The last value of a key, if it is not written yet. */
  get(key: K): V | undefined {
    return this.#buffer.entries.get(key)?.value;
  }

  /** Whether a key has a value that is not written. */
  has(key: K): boolean {
    return this.#buffer.entries.has(key);
  }

  /** What is not written, in no particular order. */
  entries(): [key: K, value: V][] {
    return Array.from(this.#buffer.entries.values(), ({ key, value }) => [key, value]);
  }

  /**
   * Sets the value of a key, to be written later. Waits while the buffer is full, in the order of the
   * calls.
   *
   * Rejects with ClosedError, which carries the key and the value, if the buffer is shut down.
   */
  set(key: K, value: V, wait?: Wait): Promise<void> {
    return tryOrPark<void>(this.#room, wait, () => {
      if (this.#closed) throw this.#refusal([key, value]);
      if (this.#ctx.done) throw this.#ctx.cause;
      return this.#room.length === 0 && this.#put(key, value) ? undefined : NOTHING;
    }, [key, value]);
  }

  /**
   * Waits until all that was set before is written, or replaced by what was set later and is written.
   * What has failed is tried again.
   *
   * Rejects with the error of a write that failed meanwhile, once nothing more is on its way of what was
   * set before.
   */
  flush(wait?: Wait): Promise<void> {
    try {
      if (wait !== undefined) enter(wait);
      const [left] = this.#ctx.done ? this.#buffer.failed : [];
      if (left !== undefined) throw left.error;
    } catch (error) {
      return refused(error);
    }
    return this.#buffer.flush(wait);
  }

  /**
   * Accepts no more values, and waits until all are written. What has failed is tried once more. With
   * `immediate` nothing more is written, and it waits for writers that run alone, whose contexts end. A
   * `set` that waits for room rejects with ClosedError, which carries the key and the value.
   *
   * Rejects as `flush` does; what is not written then is in `entries`, also if it was on its way at an
   * immediate shutdown or the parent's end. Once a shutdown has come to its end, others just resolve.
   */
  async shutdown(options?: Cancel | ShutdownOptions): Promise<void> {
    const { immediate, wait } = shutdownOptions(options);
    if (wait !== undefined) enter(wait);
    this.#close();
    if (immediate || this.#buffer.entries.size === 0) this.#end();
    if (this.#over) return await this.#buffer.batcher.shutdown(wait);
    using ctx = wait === undefined ? undefined : contextOf(wait);
    const failure = await this.#finish(ctx);
    await this.#buffer.batcher.shutdown(ctx);
    if (failure !== undefined) throw failure.error;
  }

  /** How it is doing. */
  stats(): WriteBehindStats {
    const { sets, written, coalesced, failed, batcher } = this.#buffer;
    return {
      pending: sets - written - coalesced,
      failed: failed.size,
      waiting: this.#room.length,
      sets,
      written,
      coalesced,
      writes: batcher.stats().batches,
    };
  }

  /** `shutdown()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  #refusal(value: unknown): ClosedError {
    const label = labelOf("buffer", this.name);
    return new ClosedError(`${label} is shut down, and the key and value are on this error`, {
      value,
    });
  }

  /** false: there is no room. */
  #put(key: K, value: V): boolean {
    const { entries } = this.#buffer;
    if (entries.size >= this.#capacity && !entries.has(key)) return false;
    this.#buffer.set(key, value);
    return true;
  }

  #letIn(): void {
    for (let node = this.#room.head; node !== null; node = this.#room.head) {
      const [key, value] = node.item as [K, V];
      if (!this.#put(key, value)) return;
      node.leave();
      node.settle(undefined);
    }
  }

  #close(): void {
    this.#closed = true;
    for (let node = this.#room.head; node !== null; node = this.#room.head) {
      node.leave();
      node.fail(this.#refusal(node.item));
    }
  }

  /** Writes what is left. The result: why some of it could not be. Throws if `ctx` ends before. */
  async #finish(ctx: Context | undefined): Promise<{ readonly error: unknown } | undefined> {
    let failure: { readonly error: unknown } | undefined;
    try {
      await this.flush(ctx);
    } catch (error) {
      if (ctx?.done) throw error;
      failure = { error };
    }
    this.#end();
    return failure;
  }

  /** Nothing more is written. */
  #end(): void {
    this.#over = true;
    this.#ctx.cancel(new CanceledError(`${labelOf("buffer", this.name)} is shut down`));
  }
}
