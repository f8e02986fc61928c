/**
 * The accounts of a queue: how many accepted items are unfinished, how many are out on lease, and who
 * waits for all to be finished.
 *
 * Invariant: 0 <= leased <= unfinished. So ending a lease always has a unit to finish.
 *
 * @module
 */
import { checkCount } from "./check.ts";
import type { Wait } from "./contract.ts";
import { countCall, done, refused } from "./turn.ts";
import { enter } from "./wait.ts";
import { park, WaitList, WaitNode } from "./wait_list.ts";

export class Ledger {
  unfinished = 0;
  #leased = 0;
  readonly #joiners = new WaitList();

  /** An item was accepted. */
  accept(): void {
    this.unfinished++;
  }

  /** `count` queued items were dropped; those out on lease are not. */
  drop(count: number): void {
    this.#setUnfinished(Math.max(this.#leased, this.unfinished - count));
  }

  /** `count` items were processed. */
  done(count: number): void {
    checkCount("count", count, 1);
    const free = this.unfinished - this.#leased;
    if (count > free) {
      const leased = this.#leased === 0 ? "" : ` and ${this.#leased} on lease, not counted`;
      throw new RangeError(
        `taskDone was called for more items than are unfinished (${free}${leased}): ${count}`,
      );
    }
    this.#setUnfinished(this.unfinished - count);
  }

  /** An item goes out on lease. false: its unit was finished early, so the lease has none. */
  lend(): boolean {
    if (this.unfinished === this.#leased) return false;
    this.#leased++;
    return true;
  }

  /** A lease that has a unit ends: its item is finished, or queued again. */
  giveBack(finished: boolean): void {
    this.#leased--;
    if (finished) this.#setUnfinished(this.unfinished - 1);
  }

  join(wait: Wait | undefined): Promise<void> {
    countCall();
    try {
      if (wait !== undefined) enter(wait);
    } catch (error) {
      return refused(error);
    }
    if (this.unfinished === 0) return done();
    return park(this.#joiners, new WaitNode(undefined), wait);
  }

  #setUnfinished(count: number): void {
    this.unfinished = count;
    if (count > 0) return;
    for (let node = this.#joiners.head; node !== null; node = this.#joiners.head) {
      node.leave();
      node.settle(undefined);
    }
  }
}
