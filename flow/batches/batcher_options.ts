/**
 * What a {@linkcode Batcher} is told, and what it tells.
 *
 * @module
 */
import {
  checkCount,
  checkNumber,
  checkOptionalFunction,
  checkOptionalString,
  checkOptions,
  show,
} from "../../core/check.ts";
import type { Cancel, Context } from "../../core/contract.ts";
import { checkClock, type Clock, realClock } from "../../tasks/clock.ts";
import { checkRetry, type RetryOptions } from "../../tasks/retry.ts";
import type { BatchLimits } from "./batch_line.ts";
import { checkDuration } from "../checks.ts";
import type { Failed } from "./failed.ts";

/**
 * What a batch's handler gives: a result or a {@linkcode Failed} for each item, in their order. Where
 * there are no results to tell, nothing: all is well.
 *
 * @typeParam R The result of one item.
 *
 * @example
 * ```ts
 * import { type BatchResults, Failed } from "@sluice/sluice/flow";
 *
 * const results: BatchResults<number> = [1, new Failed(new Error("no")), 3];
 * console.log(results.length);
 * ```
 */
export type BatchResults<R> = readonly (R | Failed)[] | ([R] extends [void] ? void : never);

/**
 * Does the work of a batch. What it throws has happened to each item. Its context ends when nobody waits
 * for any of them any more, and when the batch is over.
 *
 * @typeParam T The type of the items.
 * @typeParam R The result of one item.
 *
 * @example
 * ```ts
 * import { Batcher, type BatchHandler } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const lengths: BatchHandler<string, number> = (words) => words.map((word) => word.length);
 * await using batcher = new Batcher(lengths);
 * assertEquals(await batcher.submit("seven"), 5);
 * ```
 */
export type BatchHandler<T, R> = (
  items: readonly T[],
  ctx: Context,
) => BatchResults<R> | PromiseLike<BatchResults<R>>;

/**
 * When a batch is full, and what becomes of it.
 *
 * @example
 * ```ts
 * import { Batcher, type BatcherOptions } from "@sluice/sluice/flow";
 *
 * const options: BatcherOptions<string> = {
 *   maxCount: 64,
 *   maxWeight: 65_536,
 *   weigh: (line) => line.length,
 *   linger: 5,
 *   retry: { attempts: 3 },
 * };
 * await using log = new Batcher<string>((lines) => console.log(lines.join("\n")), options);
 * await log.submit("started");
 * ```
 */
export interface BatcherOptions<T> {
  /** How many items a batch has at most; 128 if left out. */
  readonly maxCount?: number | undefined;
  /** What the items of a batch weigh together at most; needs `weigh`. */
  readonly maxWeight?: number | undefined;
  /** What an item weighs: a finite number of at least 0, and no more than `maxWeight`. Called once. */
  readonly weigh?: ((item: T) => number) | undefined;
  /**
   * How long the first item of a batch waits for others, in milliseconds. 0, if left out: for those that
   * come before the event loop turns. Infinity: until the batch is full, or `flush`.
   */
  readonly linger?: number | undefined;
  /** How many batches may be on their way at once; 1 if left out. */
  readonly concurrency?: number | undefined;
  /**
   * How many items may wait for their batch before `submit` waits itself; Infinity if left out. When so
   * many do, a batch starts, since no more can come.
   */
  readonly capacity?: number | undefined;
  /**
   * How items that failed are tried again: together, in a batch of their own, after the longest of their
   * delays. Meanwhile other batches may run.
   */
  readonly retry?: RetryOptions | undefined;
  /** Its end ends the batcher: all that waits rejects with its cause. */
  readonly parent?: Cancel | undefined;
  /** What `linger` and `retry` go by. */
  readonly clock?: Clock | undefined;
  /** Named in errors. */
  readonly name?: string | undefined;
}

/**
 * How a batcher is doing.
 *
 * @example
 * ```ts
 * import { Batcher, type BatcherStats } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * await using batcher = new Batcher<number>(() => {});
 * await Promise.all([1, 2, 3].map((n) => batcher.submit(n)));
 * const { fulfilled, batches }: BatcherStats = batcher.stats();
 * assertEquals([fulfilled, batches], [3, 1]);
 * ```
 */
export interface BatcherStats {
  /** How many items wait: for room, for their batch, or for their next attempt. */
  readonly waiting: number;
  /** How many batches are in the handler's hands. */
  readonly running: number;
  /** How many items were submitted and not refused. */
  readonly submitted: number;
  /** How many have ended well. */
  readonly fulfilled: number;
  /** How many have failed, or were left by their callers. */
  readonly rejected: number;
  /** How often the handler was given a batch. */
  readonly batches: number;
  /** How many of those were further attempts. */
  readonly retries: number;
  /** How many items a first attempt had on average; 0 if there was none. */
  readonly meanCount: number;
}

/** Throws TypeError or RangeError if an option is not what it may be; `parent` is not looked at. */
export function limitsOf<T>(options: BatcherOptions<T>): BatchLimits {
  checkOptions("options", options);
  const { maxCount = 128, maxWeight = Infinity, weigh, linger = 0, capacity = Infinity } = options;
  const { concurrency = 1, retry, clock = realClock, name } = options;
  checkCount("maxCount", maxCount, 1);
  checkOptionalFunction("weigh", weigh);
  checkNumber("maxWeight", maxWeight);
  if (maxWeight <= 0) throw new RangeError(`maxWeight must be more than 0: ${maxWeight}`);
  if (maxWeight !== Infinity && weigh === undefined) {
    throw new TypeError(`maxWeight, ${maxWeight}, needs a function "weigh", not undefined`);
  }
  checkDuration("linger", linger);
  checkCount("capacity", capacity, 1);
  checkCount("concurrency", concurrency, 1);
  if (retry !== undefined) checkRetry(retry);
  checkClock(clock);
  checkOptionalString("name", name);
  return { maxCount, maxWeight, linger, capacity, clock };
}

/** What an item weighs. Throws TypeError or RangeError if that is no weight. */
export function weightOf<T>(item: T, weigh: (item: T) => number, maxWeight: number): number {
  const weight: unknown = weigh(item);
  if (typeof weight !== "number") {
    throw new TypeError(`weigh must return a number, not ${show(weight)}`);
  }
  if (!(weight >= 0 && weight < Infinity)) {
    throw new RangeError(`weigh must return a finite number of at least 0: ${weight}`);
  }
  if (weight > maxWeight) {
    throw new RangeError(`an item must not be heavier than maxWeight, ${maxWeight}: ${weight}`);
  }
  return weight;
}
