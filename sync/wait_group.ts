import { checkFunction, checkNumber } from "../core/check.ts";
import type { Wait } from "../core/contract.ts";
import { NOTHING } from "../core/nothing.ts";
import { tryOrPark } from "../core/try_or_park.ts";
import { WaitList } from "../core/wait_list.ts";

/**
 * Counts what is on its way, and lets others wait until nothing is; Go's `sync.WaitGroup`. It can be
 * used again as soon as the count is back at 0.
 *
 * @example
 * ```ts
 * import { WaitGroup } from "@sluice/sluice/sync";
 * import { sleep } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const group = new WaitGroup();
 * let finished = 0;
 * for (let i = 0; i < 3; i++) {
 *   group.go(async () => {
 *     await sleep(1);
 *     finished++;
 *   });
 * }
 * await group.wait();
 * assertEquals(finished, 3);
 * ```
 */
export class WaitGroup {
  #count = 0;
  readonly #line = new WaitList();

  /** How many are on their way. */
  get count(): number {
    return this.#count;
  }

  /** How many wait until none is. */
  get waiting(): number {
    return this.#line.length;
  }

  /**
   * Adds `count`, which may be negative. At 0 all who wait are woken.
   *
   * @throws TypeError or RangeError if `count` is no integer, or the sum would be negative; then
   * nothing has changed.
   */
  add(count = 1): void {
    checkNumber("count", count);
    if (!Number.isInteger(count)) throw new RangeError(`count must be an integer: ${count}`);
    if (this.#count + count < 0) {
      throw new RangeError(`count must not bring the sum, ${this.#count}, below 0: ${count}`);
    }
    this.#count += count;
    if (this.#count === 0) this.#line.settleAll(undefined);
  }

  /**
   * One has finished.
   *
   * @throws RangeError if none is on its way.
   */
  done(): void {
    this.add(-1);
  }

  /** Waits until the count is 0. */
  wait(wait?: Wait): Promise<void> {
    return tryOrPark<void>(this.#line, wait, () => this.#count > 0 ? NOTHING : undefined);
  }

  /**
   * Runs `fn`, and counts it until it has ended, in whichever way. The result is that of `fn`; if it
   * fails and nobody handles that, it is an uncaught error, as of any promise. To collect errors, and
   * to stop the others, there is `TaskGroup`.
   */
  async go<R>(fn: () => R | PromiseLike<R>): Promise<R> {
    checkFunction("fn", fn);
    this.add();
    try {
      return await fn();
    } finally {
      this.done();
    }
  }
}
