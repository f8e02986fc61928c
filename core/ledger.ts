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
import { NOTHING } from "./nothing.ts";
import { tryOrPark } from "./try_or_park.ts";
import { WaitList } from "./wait_list.ts";

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
    return tryOrPark<void>(this.#joiners, wait, () => this.unfinished > 0 ? NOTHING : undefined);
  }

  #setUnfinished(count: number): void {
    this.unfinished = count;
    if (count === 0) this.#joiners.settleAll(undefined);
  }
}
