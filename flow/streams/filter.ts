import { checkFunction } from "../../core/check.ts";
import type { Cancel, Context, WaitOptions } from "../../core/contract.ts";
import { checkWait } from "../../core/wait.ts";
import type { Producer } from "../../tasks/tap.ts";
import type { Mapper } from "../../tasks/worker_pool.ts";
import { feedOf } from "./feed_of.ts";
import type { FlowStream } from "./flow_stream.ts";
import { PredicateStream } from "./predicate_stream.ts";

/**
 * The values for which a predicate is true. A type guard narrows their type. The predicate may give a
 * promise; it is asked about one value at a time.
 *
 * @example
 * ```ts
 * import { filter } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const mixed: (number | string)[] = [1, "a", 2];
 * const numbers: number[] = [];
 * for await (const n of filter(mixed, (v) => typeof v === "number")) numbers.push(n);
 * assertEquals(numbers, [1, 2]);
 * ```
 *
 * @throws TypeError or RangeError if an argument is not what it may be.
 */
export function filter<T, S extends T>(
  source: Producer<T>,
  predicate: (value: T, ctx: Context, index: number) => value is S,
  wait?: Cancel | WaitOptions,
): FlowStream<S>;
/** Keeps the type. */
export function filter<T>(
  source: Producer<T>,
  predicate: Mapper<T, unknown>,
  wait?: Cancel | WaitOptions,
): FlowStream<T>;
export function filter<T>(
  source: Producer<T>,
  predicate: Mapper<T, unknown>,
  wait?: Cancel | WaitOptions,
): FlowStream<T> {
  checkFunction("predicate", predicate);
  checkWait(wait);
  return new FilterStream<T>(feedOf(source), predicate, wait);
}

class FilterStream<T> extends PredicateStream<T> {
  protected override decide(value: T, holds: unknown): void {
    if (holds) this.give(value);
    else this.again();
  }
}
