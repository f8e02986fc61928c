import type { Cancel, WaitOptions } from "../../core/contract.ts";
import { isCancel } from "../../tasks/results.ts";
import { checkWait } from "../../core/wait.ts";
import type { Producer } from "../../tasks/tap.ts";
import type { Feed } from "./feed.ts";
import { feedsOf } from "./feed_of.ts";
import type { FlowStream } from "./flow_stream.ts";
import { PullStream } from "./operator_stream.ts";
import { ZipFeed } from "./zip_feed.ts";

/**
 * Producers whose values are of these types, one of each.
 *
 * @example
 * ```ts
 * import { type Producers, zip } from "@sluice/sluice/flow";
 *
 * const sources: Producers<[number, string]> = [[1, 2], ["a", "b"]];
 * for await (const [n, s] of zip(...sources)) console.log(n.toFixed(1), s.length);
 * ```
 */
export type Producers<T extends readonly unknown[]> = {
  readonly [K in keyof T]: Producer<T[K]>;
};

/**
 * Rows of one value of each source, until the first of them ends; then the others are stopped. What may
 * end it early can stand after the sources: a context, a signal, or options.
 *
 * All sources are asked at once, but for channels and queues, which are asked when the others have
 * answered. So if there is one of them it loses nothing. Of several, what was taken for a row that is
 * not complete at the end is dropped.
 *
 * @example
 * ```ts
 * import { zip } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const rows: [number, string][] = [];
 * for await (const row of zip([1, 2, 3], ["a", "b"])) rows.push(row);
 * assertEquals(rows, [[1, "a"], [2, "b"]]);
 * ```
 *
 * @throws TypeError or RangeError if an argument is not what it may be.
 */
export function zip<T extends readonly unknown[]>(...sources: Producers<T>): FlowStream<T>;
/** May end early. */
export function zip<T extends readonly unknown[]>(
  ...sourcesAndWait: readonly [...Producers<T>, Cancel | WaitOptions]
): FlowStream<T>;
export function zip<T extends readonly unknown[]>(
  ...given: readonly (Producer<unknown> | Cancel | WaitOptions)[]
): FlowStream<T> {
  const last = given.at(-1);
  const wait = isWait(last) ? last : undefined;
  const sources = wait === undefined ? given : given.slice(0, -1);
  checkWait(wait);
  return new ZipStream<T>(new ZipFeed<T>(feedsOf(sources as readonly Producer<unknown>[])), wait);
}

/** What cannot be iterated over, but may be options. */
function isWait(
  given: Producer<unknown> | Cancel | WaitOptions | undefined,
): given is Cancel | WaitOptions {
  if (isCancel(given)) return true;
  return typeof given === "object" && given !== null &&
    !(Symbol.iterator in given) && !(Symbol.asyncIterator in given);
}

class ZipStream<T extends readonly unknown[]> extends PullStream<T, T> {
  constructor(feed: Feed<T>, wait: Cancel | WaitOptions | undefined) {
    super(feed, wait);
  }

  protected override handle(row: T): void {
    this.give(row);
  }
}
