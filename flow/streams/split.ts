/**
 * One stream in several, each value in one of them.
 *
 * @module
 */
import { checkFunction, show } from "../../core/check.ts";
import type { Cancel, Context } from "../../core/contract.ts";
import type { Producer } from "../../tasks/tap.ts";
import type { Mapper } from "../../tasks/worker_pool.ts";
import { type Branch, ForkBranch } from "./branch.ts";
import { feedOf } from "./feed_of.ts";
import { Fork } from "./fork.ts";
import { isPromiseLike } from "./promise_like.ts";
import { type BranchOptions, capacityOf } from "./tee.ts";

/**
 * Two receivers of one source: the values for which a predicate is true, and the others. A type guard
 * narrows both. The predicate may give a promise; it is asked about one value at a time.
 *
 * The source is asked for a value when one is asked for at either, and neither has `capacity` values that
 * nobody has read: so read them side by side, and close the one that is not read any more. What is for
 * one that was closed is dropped.
 *
 * @example
 * ```ts
 * import { split } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const [even, odd] = split([1, 2, 3], (n) => n % 2 === 0);
 * assertEquals(await Promise.all([even.take(), odd.take(), odd.take()]), [2, 1, 3]);
 * ```
 *
 * @throws TypeError or RangeError if an argument is not what it may be.
 */
export function split<T, S extends T>(
  source: Producer<T>,
  predicate: (value: T, ctx: Context, index: number) => value is S,
  options?: Cancel | BranchOptions,
): [yes: Branch<S>, no: Branch<Exclude<T, S>>];
/** Keeps the type. */
export function split<T>(
  source: Producer<T>,
  predicate: Mapper<T, unknown>,
  options?: Cancel | BranchOptions,
): [yes: Branch<T>, no: Branch<T>];
export function split<T>(
  source: Producer<T>,
  predicate: Mapper<T, unknown>,
  options?: Cancel | BranchOptions,
): [yes: Branch<T>, no: Branch<T>] {
  checkFunction("predicate", predicate);
  const [yes, no] = branches(source, 2, predicate, (is) => is ? 0 : 1, options);
  return [yes!, no!];
}

/**
 * As {@linkcode split}, with a receiver for each of several keys. A value whose key is none of them is an
 * error, which ends it all.
 *
 * @example
 * ```ts
 * import { splitBy } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const words = ["kiwi", "fig", "plum"];
 * const { short, long } = splitBy(words, ["short", "long"], (word) => {
 *   return word.length < 4 ? "short" : "long";
 * });
 * assertEquals(await Promise.all([short.take(), long.take(), long.take()]), ["fig", "kiwi", "plum"]);
 * ```
 *
 * @throws TypeError or RangeError if an argument is not what it may be.
 */
export function splitBy<T, const K extends PropertyKey>(
  source: Producer<T>,
  keys: readonly K[],
  keyOf: Mapper<T, NoInfer<K>>,
  options?: Cancel | BranchOptions,
): { [key in K]: Branch<T> } {
  if (!Array.isArray(keys)) throw new TypeError(`keys must be an array, not ${show(keys)}`);
  const indices = new Map<K, number>(keys.map((key, index) => [key, index]));
  if (indices.size === 0) throw new RangeError("there must be at least one key: []");
  if (indices.size < keys.length) throw new RangeError("each of the keys must be there once");
  checkFunction("keyOf", keyOf);
  const made = branches(source, keys.length, keyOf, (key) => {
    const index = indices.get(key);
    if (index !== undefined) return index;
    throw new RangeError(`keyOf must give one of the keys, not ${show(key)}`);
  }, options);
  return Object.fromEntries(keys.map((key, index) => [key, made[index]!])) as {
    [key in K]: Branch<T>;
  };
}

function branches<T, K>(
  source: Producer<T>,
  count: number,
  fn: Mapper<T, K>,
  indexOf: (key: K) => number,
  options: Cancel | BranchOptions | undefined,
): Branch<T>[] {
  const capacity = capacityOf(options, 1);
  const choose: Mapper<T, number> = (value, ctx, index) => {
    const key = fn(value, ctx, index);
    return isPromiseLike(key) ? Promise.resolve(key).then(indexOf) : indexOf(key);
  };
  const fork = new Fork<T>(feedOf(source), count, capacity, choose, options);
  return fork.cores.map((core) => new ForkBranch<T>(core));
}
