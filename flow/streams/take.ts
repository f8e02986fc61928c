/**
 * The beginning of a stream: so many values, or those up to one that is different.
 *
 * @module
 */
import { checkCount, checkFunction } from "../../core/check.ts";
import type { Cancel, Context, WaitOptions } from "../../core/contract.ts";
import { checkWait } from "../../core/wait.ts";
import type { Producer } from "../../tasks/tap.ts";
import type { Mapper } from "../../tasks/worker_pool.ts";
import type { Feed } from "./feed.ts";
import { feedOf } from "./feed_of.ts";
import type { FlowStream } from "./flow_stream.ts";
import { PullStream } from "./operator_stream.ts";
import { PredicateStream } from "./predicate_stream.ts";

/**
 * The first `count` values. With the last of them the source is stopped, without reading one more.
 *
 * @example
 * ```ts
 * import { take } from "@sluice/sluice/flow";
 * import { Channel } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const ch = new Channel<number>(3);
 * for (const n of [1, 2, 3]) await ch.send(n);
 * const seen: number[] = [];
 * for await (const n of take(ch, 2)) seen.push(n);
 * assertEquals([seen, ch.length, ch.closed], [[1, 2], 1, false]);
 * ```
 *
 * @throws TypeError or RangeError if an argument is not what it may be.
 */
export function take<T>(
  source: Producer<T>,
  count: number,
  wait?: Cancel | WaitOptions,
): FlowStream<T> {
  checkCount("count", count, 0);
  checkWait(wait);
  return new TakeStream<T>(feedOf(source), count, wait);
}

class TakeStream<T> extends PullStream<T, T> {
  #left: number;

  constructor(feed: Feed<T>, count: number, wait: Cancel | WaitOptions | undefined) {
    super(feed, wait);
    this.#left = count;
  }

  protected override ask(): void {
    if (this.#left === 0) this.close();
    else this.read();
  }

  protected override handle(value: T): void {
    if (--this.#left === 0) this.giveLast(value);
    else this.give(value);
  }
}

/**
 * The values before the first one for which a predicate is not true. That one has been read, and is
 * dropped; the source is stopped. A type guard narrows the type, and the predicate may give a promise.
 *
 * @example
 * ```ts
 * import { takeWhile } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const seen: number[] = [];
 * for await (const n of takeWhile([1, 2, 7, 1], (n) => n < 5)) seen.push(n);
 * assertEquals(seen, [1, 2]);
 * ```
 *
 * @throws TypeError or RangeError if an argument is not what it may be.
 */
export function takeWhile<T, S extends T>(
  source: Producer<T>,
  predicate: (value: T, ctx: Context, index: number) => value is S,
  wait?: Cancel | WaitOptions,
): FlowStream<S>;
/** Keeps the type. */
export function takeWhile<T>(
  source: Producer<T>,
  predicate: Mapper<T, unknown>,
  wait?: Cancel | WaitOptions,
): FlowStream<T>;
export function takeWhile<T>(
  source: Producer<T>,
  predicate: Mapper<T, unknown>,
  wait?: Cancel | WaitOptions,
): FlowStream<T> {
  checkFunction("predicate", predicate);
  checkWait(wait);
  return new TakeWhileStream<T>(feedOf(source), predicate, wait);
}

class TakeWhileStream<T> extends PredicateStream<T> {
  protected override decide(value: T, holds: unknown): void {
    if (holds) this.give(value);
    else this.close();
  }
}
