import { checkCount } from "../core/check.ts";
import type { Wait } from "../core/contract.ts";
import { brand } from "../core/brand.ts";
import { NOTHING } from "../core/nothing.ts";
import { tryOrPark } from "../core/try_or_park.ts";
import { WaitList } from "../core/wait_list.ts";

/**
 * A barrier was aborted, or reset while parties waited.
 *
 * @example
 * ```ts
 * import { Barrier, BrokenBarrierError } from "@sluice/sluice/sync";
 * import { assertRejects } from "@std/assert";
 *
 * const barrier = new Barrier(2);
 * const waiting = barrier.wait();
 * barrier.abort();
 * await assertRejects(() => waiting, BrokenBarrierError);
 * ```
 */
export class BrokenBarrierError extends Error {
  /** Stays the same over all versions. */
  readonly code = "SLUICE_BROKEN_BARRIER" as const;
  static {
    brand(this, "BrokenBarrierError");
  }
}

/**
 * A point at which a number of parties wait for one another; asyncio's `Barrier`. The last to come
 * lets all go in the same step, and the barrier is as new: whoever comes then belongs to the next
 * round. A cancelled party has only left; the others go on waiting for as many as before.
 *
 * @example
 * ```ts
 * import { Barrier } from "@sluice/sluice/sync";
 * import { assertEquals } from "@std/assert";
 *
 * const barrier = new Barrier(3);
 * const log: string[] = [];
 * async function racer(name: string): Promise<void> {
 *   log.push(`${name} is ready`);
 *   const place = await barrier.wait();
 *   if (place === 0) log.push("go");
 * }
 * await Promise.all(["ada", "bob", "eve"].map(racer));
 * assertEquals(log, ["ada is ready", "bob is ready", "eve is ready", "go"]);
 * ```
 */
export class Barrier {
  /** How many parties a round takes. */
  readonly parties: number;
  #broken = false;
  readonly #line = new WaitList();

  /**
   * `parties` is an integer of at least 1.
   *
   * @throws TypeError or RangeError if it is not.
   */
  constructor(parties: number) {
    checkCount("parties", parties, 1);
    if (parties === Infinity) throw new RangeError("parties must be finite: Infinity");
    this.parties = parties;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#line.length;
  }

  /** Whether it was aborted, and not reset since. */
  get broken(): boolean {
    return this.#broken;
  }

  /**
   * Waits for the other parties. The result is the place in the order in which they came, from 0 to
   * `parties - 1`: so one of them can be told to do what has to be done once.
   *
   * Rejects with {@linkcode BrokenBarrierError} if the barrier is broken, or reset meanwhile.
   */
  wait(wait?: Wait): Promise<number> {
    return tryOrPark(this.#line, wait, () => {
      if (this.#broken) {
        throw new BrokenBarrierError("the barrier was aborted: reset it to use it again");
      }
      return this.#line.length + 1 < this.parties ? NOTHING : this.#open();
    });
  }

  /** Fails those who wait, and all who come, until `reset`. */
  abort(): void {
    this.#broken = true;
    this.#line.failAll(new BrokenBarrierError("the barrier was aborted"));
  }

  /** Makes it as new. Those who wait fail. */
  reset(): void {
    this.#broken = false;
    this.#line.failAll(new BrokenBarrierError("the barrier was reset"));
  }

  /** The last party has come. */
  #open(): number {
    let place = 0;
    for (let node = this.#line.head; node !== null; node = this.#line.head) {
      node.leave();
      node.settle(place++);
    }
    return place;
  }
}
