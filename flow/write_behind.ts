/**
 * A buffer in front of something slow: values are set at once, and written later, in batches, the last
 * value of each key.
 *
 * - Of a key one write at most is on its way, and the last value that was set is written last.
 * - A value that could not be written stays in the buffer: the next `set` of its key, or `flush`, tries it
 *   again. Nothing is dropped in silence; `entries` lists what is not written.
 * - Cancelling a `set` that waits for room leaves the buffer as it was.
 * - What is in the buffer and not written is lost with the process. Where that must not be, acknowledge
 *   after `flush`, or use a {@linkcode Batcher}.
 *
 * @module
 */
import { afterFunc } from "../context.ts";
import { checkCount, checkFunction, checkOptionalFunction, checkOptions } from "../core/check.ts";
import type { Cancel, Context, Wait } from "../core/contract.ts";
import { ClosedError } from "../core/errors.ts";
import { NOTHING } from "../core/nothing.ts";
import { tryOrPark } from "../core/try_or_park.ts";
import { enter } from "../core/wait.ts";
import { contextOf } from "../core/wait_context.ts";
import { WaitList } from "../core/wait_list.ts";
import type { Clock } from "../tasks/clock.ts";
import { type ShutdownOptions, shutdownOptions } from "../tasks/pool_options.ts";
import type { RetryOptions } from "../tasks/retry.ts";
import { Batcher, type BatchResults } from "./batcher.ts";
import { labelOf } from "./errors.ts";

/**
 * Writes what a buffer holds. What it throws has happened to each entry; a {@linkcode Failed} in its place
 * to one.
 *
 * @typeParam K The type of the keys.
 * @typeParam V The type of the values.
 *
 * @example
 * ```ts
 * import { WriteBehind, type Writer } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const table = new Map<string, number>();
 * const write: Writer<string, number> = (entries) => {
 *   for (const [key, value] of entries) table.set(key, value);
 * };
 * await using stock = new WriteBehind(write);
 * await stock.set("apples", 7);
 * await stock.flush();
 * assertEquals(table.get("apples"), 7);
 * ```
 */
export type Writer<K, V> = (
  entries: readonly (readonly [key: K, value: V])[],
  ctx: Context,
) => BatchResults<void> | PromiseLike<BatchResults<void>>;

/**
 * When a buffer writes, and what it does if that fails.
 *
 * @example
 * ```ts
 * import { WriteBehind, type WriteBehindOptions } from "@sluice/sluice/flow";
 *
 * const options: WriteBehindOptions<string, number> = {
 *   linger: 5,
 *   retry: { attempts: 3, delay: 10 },
 *   onError: (error, key) => console.error(`${key} is not written`, error),
 * };
 * await using buffer = new WriteBehind<string, number>(() => {}, options);
 * await buffer.set("apples", 7);
 * ```
 */
export interface WriteBehindOptions<K, V> {
  /** How many entries are written at once at most; 128 if left out. */
  readonly maxCount?: number | undefined;
  /** How long the first of them waits for others, in milliseconds; 100 if left out. */
  readonly linger?: number | undefined;
  /** How many writes may be on their way at once; 1 if left out. */
  readonly concurrency?: number | undefined;
  /** How many keys the buffer holds before `set` waits; Infinity if left out. */
  readonly capacity?: number | undefined;
  /** How entries that could not be written are tried again; once more with each `flush` if left out. */
  readonly retry?: RetryOptions | undefined;
  /** Told of an entry that could not be written, after all attempts. It stays in the buffer. */
  readonly onError?: ((error: unknown, key: K, value: V) => void) | undefined;
  /** Its end ends the buffer; what is not written then is in `entries`. */
  readonly parent?: Cancel | undefined;
  /** What `linger` and `retry` go by. */
  readonly clock?: Clock | undefined;
  /** Named in errors. */
  readonly name?: string | undefined;
}

/**
 * How a buffer is doing.
 *
 * @example
 * ```ts
 * import { WriteBehind, type WriteBehindStats } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * await using buffer = new WriteBehind<string, number>(() => {});
 * for (let n = 0; n < 10; n++) await buffer.set("apples", n);
 * await buffer.flush();
 * const { sets, written, coalesced }: WriteBehindStats = buffer.stats();
 * assertEquals([sets, written, coalesced], [10, 1, 9]);
 * ```
 */
export interface WriteBehindStats {
  /** How many keys have a value that is not written. */
  readonly pending: number;
  /** How many of those could not be written, and wait for `set` or `flush`. */
  readonly failed: number;
  /** How many `set` wait for room. */
  readonly waiting: number;
  /** How many values were set. */
  readonly sets: number;
  /** How many values were written. */
  readonly written: number;
  /** How many were never written, since a later value of their key was. */
  readonly coalesced: number;
  /** How many writes there were, of how many entries ever. */
  readonly writes: number;
}

interface Entry<K, V> {
  readonly key: K;
  value: V;
  /** Not handed to a writer yet; in its hands, or between two attempts; left over by it. */
  state: "queued" | "writing" | "failed";
  /** No writer has seen this value. */
  fresh: boolean;
  /** Which of all sets was the oldest that is not written; and of those, the first that is fresh. */
  oldest: number;
  oldestFresh?: number;
  error?: unknown;
}

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
  readonly #entries = new Map<K, Entry<K, V>>();
  readonly #batcher: Batcher<Entry<K, V>>;
  readonly #capacity: number;
  readonly #onError: ((error: unknown, key: K, value: V) => void) | undefined;
  /** Those who wait for room, each with what it sets. */
  readonly #room = new WaitList({ left: () => this.#letIn() });
  #closed = false;
  /** The parent has ended. */
  #ended = false;
  readonly #unhook: (() => boolean) | undefined;
  #failed = 0;
  #sets = 0;
  #written = 0;
  #coalesced = 0;

  /**
   * An empty buffer.
   *
   * @throws TypeError or RangeError if an argument is not what it may be.
   */
  constructor(write: Writer<K, V>, options: WriteBehindOptions<K, V> = {}) {
    checkFunction("write", write);
    checkOptions("options", options);
    const { linger = 100, capacity = Infinity, onError, ...others } = options;
    checkOptionalFunction("onError", onError);
    checkCount("capacity", capacity, 1);
    this.#capacity = capacity;
    this.#onError = onError;
    this.#batcher = new Batcher((entries, ctx) => write(this.#look(entries), ctx), {
      ...others,
      linger,
    });
    const { parent } = options;
    if (parent === undefined) return;
    this.#unhook = afterFunc(parent, () => {
      this.#ended = true;
      const cause = parent instanceof AbortSignal ? parent.reason : parent.cause;
      this.#close(() => cause);
    });
  }

  /** Named in errors. */
  get name(): string | undefined {
    return this.#batcher.name;
  }

  /** How many keys have a value that is not written. */
  get size(): number {
    return this.#entries.size;
  }

  /** `shutdown` has been called. */
  get closed(): boolean {
    return this.#closed;
  }

  /** The last value of a key, if it is not written yet. */
  get(key: K): V | undefined {
    return this.#entries.get(key)?.value;
  }

  /** Whether a key has a value that is not written. */
  has(key: K): boolean {
    return this.#entries.has(key);
  }

  /** What is not written, in no particular order. */
  entries(): [key: K, value: V][] {
    return Array.from(this.#entries.values(), ({ key, value }) => [key, value]);
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
      return this.#room.length === 0 && this.#put(key, value) ? undefined : NOTHING;
    }, [key, value]);
  }

  /**
   * Waits until all that was set before is written. What has failed is tried again.
   *
   * Rejects with the error of the first entry that could not be written.
   */
  async flush(wait?: Wait): Promise<void> {
    if (wait !== undefined) enter(wait);
    using ctx = wait === undefined ? undefined : contextOf(wait);
    this.#tryAgain();
    await this.#settle(ctx);
  }

  /**
   * Accepts no more values, and waits until all are written. With `immediate` those that wait stay in
   * `entries`, and it waits for the writers that run alone. A `set` that waits for room rejects with
   * ClosedError.
   *
   * Rejects with the error of the first entry that could not be written; those are in `entries`.
   */
  async shutdown(options?: Cancel | ShutdownOptions): Promise<void> {
    const { immediate, wait } = shutdownOptions(options);
    if (wait !== undefined) enter(wait);
    this.#close((item) => this.#refusal(item));
    if (immediate) return await this.#batcher.shutdown(options);
    using ctx = wait === undefined ? undefined : contextOf(wait);
    this.#tryAgain();
    try {
      await this.#settle(ctx);
    } finally {
      await this.#batcher.shutdown(ctx);
    }
  }

  /** How it is doing. */
  stats(): WriteBehindStats {
    return {
      pending: this.#entries.size,
      failed: this.#failed,
      waiting: this.#room.length,
      sets: this.#sets,
      written: this.#written,
      coalesced: this.#coalesced,
      writes: this.#batcher.stats().batches,
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
    const known = this.#entries.get(key);
    if (known === undefined && this.#entries.size >= this.#capacity) return false;
    const set = ++this.#sets;
    if (known === undefined) {
      const entry: Entry<K, V> = { key, value, state: "queued", fresh: true, oldest: set };
      this.#entries.set(key, entry);
      this.#write(entry);
      return true;
    }
    if (known.fresh || known.state === "failed") this.#coalesced++;
    else known.oldestFresh = set;
    known.value = value;
    known.fresh = true;
    if (known.state === "failed") this.#write(known);
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

  #write(entry: Entry<K, V>): void {
    if (entry.state === "failed") this.#failed--;
    entry.state = "queued";
    entry.error = undefined;
    this.#batcher.submit(entry).then(() => this.#wrote(entry), (error) => this.#lost(entry, error));
  }

  /** A writer has the values of these. */
  #look(entries: readonly Entry<K, V>[]): (readonly [K, V])[] {
    return entries.map((entry) => {
      // At a further attempt a later value takes the place of the one that failed.
      if (entry.state === "writing" && entry.fresh) this.#coalesced++;
      entry.state = "writing";
      entry.fresh = false;
      return [entry.key, entry.value];
    });
  }

  #wrote(entry: Entry<K, V>): void {
    this.#written++;
    if (entry.fresh) {
      entry.oldest = entry.oldestFresh!;
      this.#write(entry);
      return;
    }
    this.#entries.delete(entry.key);
    this.#letIn();
  }

  #lost(entry: Entry<K, V>, error: unknown): void {
    const over = this.#batcher.closed || this.#ended;
    if (entry.state === "writing" && entry.fresh && !over) {
      this.#coalesced++;
      this.#write(entry);
      return;
    }
    entry.state = "failed";
    entry.error = error;
    this.#failed++;
    if (over) return;
    try {
      this.#onError?.(error, entry.key, entry.value);
    } catch (thrown) {
      reportError(thrown);
    }
  }

  #tryAgain(): void {
    if (this.#failed === 0) return;
    for (const entry of [...this.#entries.values()]) {
      if (entry.state === "failed") this.#write(entry);
    }
  }

  /** Waits until what is set by now is written, or has failed; rejects if it has. */
  async #settle(ctx: Context | undefined): Promise<void> {
    const last = this.#sets;
    const open = ({ oldest, state }: Entry<K, V>): boolean => oldest <= last && state !== "failed";
    while (this.#entries.values().some(open)) await this.#batcher.flush(ctx);
    for (const { oldest, state, error } of this.#entries.values()) {
      if (oldest <= last && state === "failed") throw error;
    }
  }

  #close(errorOf: (item: unknown) => unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#unhook?.();
    for (let node = this.#room.head; node !== null; node = this.#room.head) {
      node.leave();
      node.fail(errorOf(node.item));
    }
  }
}
