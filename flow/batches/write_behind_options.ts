/**
 * What a {@linkcode WriteBehind} is told, and what it tells.
 *
 * @module
 */
import type { Cancel, Context } from "../../core/contract.ts";
import type { Clock } from "../../tasks/clock.ts";
import type { RetryOptions } from "../../tasks/retry.ts";
import type { BatchResults } from "./batcher_options.ts";

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
  /**
   * How many keys the buffer holds before `set` waits; Infinity if left out. Those that could not be
   * written count, so with a bound let `retry` try for as long as it takes, or call `flush`.
   */
  readonly capacity?: number | undefined;
  /** How entries that could not be written are tried again; once more with each `flush` if left out. */
  readonly retry?: RetryOptions | undefined;
  /**
   * Told of a key that could not be written, after all attempts, and of its value, which stays in the
   * buffer; that is a later one if it was set meanwhile, and is to be written next.
   */
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
  /**
   * How many values are not written: one for each key, and two if a later one was set while a writer has
   * an earlier one.
   */
  readonly pending: number;
  /** How many of those could not be written, and wait for `set` or `flush`. */
  readonly failed: number;
  /** How many `set` wait for room. */
  readonly waiting: number;
  /** How many values were set; `pending`, `written` and `coalesced` together. */
  readonly sets: number;
  /** How many values were written. */
  readonly written: number;
  /** How many were replaced by a later value of their key before they were written. */
  readonly coalesced: number;
  /** How often the writer was called. */
  readonly writes: number;
}
