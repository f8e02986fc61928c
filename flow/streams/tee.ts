import { checkCount, checkOptions } from "../../core/check.ts";
import type { Cancel, WaitOptions } from "../../core/contract.ts";
import { checkWait } from "../../core/wait.ts";
import { isCancel } from "../../tasks/results.ts";
import type { Producer } from "../../tasks/tap.ts";
import { type Branch, ForkBranch } from "./branch.ts";
import { checkSize } from "../checks.ts";
import { feedOf } from "./feed_of.ts";
import { Fork } from "./fork.ts";

/**
 * How the branches of a {@linkcode tee} or a {@linkcode split} are made. What ends them closes them with
 * its cause, after what they hold. A timeout counts from when a value is asked for first.
 *
 * @example
 * ```ts
 * import { type BranchOptions, tee } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const options: BranchOptions = { capacity: 2 };
 * const [a, b] = tee([1, 2], 2, options);
 * assertEquals([await a.take(), await a.take(), await b.take()], [1, 2, 1]);
 * ```
 */
export interface BranchOptions extends WaitOptions {
  /**
   * How many values a branch may have that nobody has read; 1 if left out. When one has so many, the
   * others wait. Infinity: nobody waits for the slowest. 0, of a tee: values are read when somebody waits
   * at every branch. Of a split it has to be at least 1.
   */
  readonly capacity?: number | undefined;
}

/**
 * So many branches: a tuple where the number is known.
 *
 * @example
 * ```ts
 * import { type Branches, tee } from "@sluice/sluice/flow";
 *
 * const three: Branches<string, 3> = tee(["a"], 3);
 * for (const branch of three) console.log(branch.capacity);
 * ```
 */
export type Branches<T, N extends number> = N extends 2 ? [Branch<T>, Branch<T>]
  : N extends 3 ? [Branch<T>, Branch<T>, Branch<T>]
  : N extends 4 ? [Branch<T>, Branch<T>, Branch<T>, Branch<T>]
  : Branch<T>[];

/**
 * Several receivers of one source, each of which gets every value. The source is asked for a value when
 * one is asked for at a branch, and no other branch is `capacity` values behind: the slowest holds up the
 * others, where the `tee` of a web stream keeps for it whatever the fastest reads. So read them side by
 * side, and close those that are not read any more.
 *
 * @example
 * ```ts
 * import { tee } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const [numbers, others] = tee([1, 2, 3]);
 * async function sum(source: AsyncIterable<number>): Promise<number> {
 *   let total = 0;
 *   for await (const n of source) total += n;
 *   return total;
 * }
 * assertEquals(await Promise.all([sum(numbers), sum(others)]), [6, 6]);
 * ```
 *
 * @throws TypeError or RangeError if an argument is not what it may be.
 */
export function tee<T, const N extends number = 2>(
  source: Producer<T>,
  n?: N,
  options?: Cancel | BranchOptions,
): Branches<T, N> {
  const count: number = n ?? 2;
  checkSize("n", count);
  const capacity = capacityOf(options, 0);
  const fork = new Fork<T>(feedOf(source), count, capacity, undefined, options);
  // As many as N says.
  return fork.cores.map((core) => new ForkBranch<T>(core)) as unknown as Branches<T, N>;
}

/** Checks the options. */
export function capacityOf(options: Cancel | BranchOptions | undefined, least: number): number {
  if (options === undefined || isCancel(options)) return 1;
  checkOptions("options", options);
  const { capacity = 1 } = options;
  checkCount("capacity", capacity, least);
  checkWait(options);
  return capacity;
}
