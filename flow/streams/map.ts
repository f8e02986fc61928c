import { checkFunction } from "../../core/check.ts";
import type { Cancel, WaitOptions } from "../../core/contract.ts";
import { checkWait } from "../../core/wait.ts";
import type { Producer } from "../../tasks/tap.ts";
import type { Mapper } from "../../tasks/worker_pool.ts";
import type { Feed } from "./feed.ts";
import { feedOf } from "./feed_of.ts";
import type { FlowStream } from "./flow_stream.ts";
import { PullStream } from "./operator_stream.ts";

/**
 * What a function makes of each value, one after the other: `fn` is called for a `next` that waits, and
 * not again before its promise, if it gives one, has resolved. For several at a time see
 * {@linkcode pipeline}. `fn` is given a context that ends when its result is not wanted any more.
 *
 * As all streams of operators it can be read once: a second loop goes on where the first was left, if that
 * has not ended it, and nothing is started anew, as subscribing to an RxJS Observable again would.
 *
 * @example
 * ```ts
 * import { map } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const squares: number[] = [];
 * for await (const n of map([1, 2, 3], (n) => n * n)) squares.push(n);
 * assertEquals(squares, [1, 4, 9]);
 * ```
 *
 * @throws TypeError or RangeError if an argument is not what it may be.
 */
export function map<T, R>(
  source: Producer<T>,
  fn: Mapper<T, R>,
  wait?: Cancel | WaitOptions,
): FlowStream<R> {
  checkFunction("fn", fn);
  checkWait(wait);
  return new MapStream<T, R>(feedOf(source), fn, wait);
}

class MapStream<T, R> extends PullStream<T, R> {
  readonly #fn: Mapper<T, R>;
  readonly #give = (value: R): void => this.give(value);
  #index = 0;

  constructor(feed: Feed<T>, fn: Mapper<T, R>, wait: Cancel | WaitOptions | undefined) {
    super(feed, wait);
    this.#fn = fn;
  }

  protected override handle(value: T): void {
    this.work<R>(this.#fn.call(undefined, value, this.ctx, this.#index++), this.#give);
  }
}
