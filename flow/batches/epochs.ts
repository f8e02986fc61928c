/**
 * What was begun between two calls of `flush`, and who waits until it is over.
 *
 * Invariants:
 * - Each call of `flush` ends an epoch. Epochs are over in their order: when nothing of them and of those
 *   before them is open.
 * - A flush is told of a failure if that came after its call, and concerns something that was begun before.
 * - All is O(1), however many epochs there are; each flush is served once.
 *
 * @module
 */
import type { Wait } from "../../core/contract.ts";
import { NOTHING } from "../../core/nothing.ts";
import { tryOrPark } from "../../core/try_or_park.ts";
import { done } from "../../core/turn.ts";
import { WaitList } from "../../core/wait_list.ts";

/** All that was begun between two calls of `flush`. */
export class Epoch {
  /** How much of it is not over. */
  open = 0;
  next: Epoch | null = null;
  /** Those who wait for its end. */
  readonly line: WaitList = new WaitList();
  /** How many failures there had been when its flush was called. */
  since = 0;
  /** How many there had been with the last one that concerns it, and what that was. */
  failures = 0;
  error: unknown = undefined;
}

export class Epochs {
  /** The first one that is not over. */
  #oldest: Epoch = new Epoch();
  /** That of what begins now. */
  #current: Epoch = this.#oldest;
  /** The last one that a flush has ended. */
  #last: Epoch | null = null;
  #failures = 0;

  /** Something begins. */
  begin(): Epoch {
    this.#current.open++;
    return this.#current;
  }

  /** Something is over. */
  end(epoch: Epoch): void {
    epoch.open--;
  }

  /** Something is over, and has failed. */
  fail(epoch: Epoch, error: unknown): void {
    epoch.open--;
    epoch.failures = ++this.#failures;
    epoch.error = error;
  }

  /** Whether somebody has called `flush` since. */
  isFlushed(epoch: Epoch): boolean {
    return epoch !== this.#current;
  }

  /** Waits until all that was begun before is over. Rejects with the last failure, if there is one. */
  flush(wait: Wait | undefined): Promise<void> {
    const last = this.#endCurrent();
    return last === null ? done() : tryOrPark<void>(last.line, wait, () => NOTHING);
  }

  /** Tells those who wait for what is over. Not in the middle of a cancellation: it may be theirs, too. */
  look(): void {
    while (this.#oldest !== this.#current && this.#oldest.open === 0) {
      const { line, since, failures, error } = this.#oldest;
      const next = this.#oldest = this.#oldest.next!;
      if (next.failures < failures) {
        next.failures = failures;
        next.error = error;
      }
      if (failures > since) line.failAll(error);
      else line.settleAll(undefined);
    }
  }

  /** The last epoch that was ended; null: nothing is open. */
  #endCurrent(): Epoch | null {
    const current = this.#current;
    if (current.open === 0) {
      if (this.#oldest === current) return null;
      // One that was called before a failure is told of it, one that is called now is not.
      if (this.#last!.since === this.#failures) return this.#last;
    }
    current.since = this.#failures;
    this.#last = current;
    this.#current = current.next = new Epoch();
    return current;
  }
}
