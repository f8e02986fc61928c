import type { ReceiverIterator } from "../../core/contract.ts";

/**
 * How a stream is doing, counted in values of its source; a row of a {@linkcode zip} is one, and a window
 * counts with each of its own. What was read was given, is held, or was dropped: `read` is the sum of the
 * three, at every moment.
 *
 * @example
 * ```ts
 * import { filter, type StreamStats } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const even = filter([1, 2, 3], (n) => n % 2 === 0);
 * await even.next();
 * const stats: StreamStats = even.stats();
 * assertEquals(stats, { read: 2, given: 1, held: 0, dropped: 1, waiting: 0, over: false });
 * ```
 */
export interface StreamStats {
  /** How many values were taken of the source. */
  readonly read: number;
  /** How many of them have gone to a reader. */
  readonly given: number;
  /** How many it has: in the hands of a function, in a window that is not full, or not read yet. */
  readonly held: number;
  /** How many are for nobody: passed over, those a function failed on, and those it had when it was left. */
  readonly dropped: number;
  /** How many readers wait for a value. */
  readonly waiting: number;
  /** It takes no more of its source. What it holds may still be read. */
  readonly over: boolean;
}

/**
 * A stream that was made of another one, and tells how it is doing: what {@linkcode map},
 * {@linkcode filter} and the others give.
 *
 * @example
 * ```ts
 * import { type FlowStream, map } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const doubled: FlowStream<number> = map([1, 2, 3], (n) => 2 * n);
 * for await (const n of doubled) assertEquals(doubled.stats().given, n / 2);
 * ```
 */
export interface FlowStream<T> extends ReceiverIterator<T> {
  /** How it is doing. It changes nothing, and reads nothing. */
  stats(): StreamStats;
}
