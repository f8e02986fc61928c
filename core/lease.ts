import type { Ledger } from "./ledger.ts";
import type { QueueCore } from "./queue_core.ts";
import { bare, type Taking } from "./taking.ts";

/**
 * An item whose `taskDone` is called at the end of its scope: `using job = await queue.lease()`.
 *
 * @example
 * ```ts
 * import { Queue } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const queue = new Queue<string>();
 * await queue.put("wash");
 * {
 *   using job = await queue.lease();
 *   job.requeue(); // it did not work out: let somebody else try
 * }
 * assertEquals([queue.size, queue.unfinished], [1, 1]);
 * ```
 */
export interface Lease<out T> extends Disposable {
  /** The item. */
  readonly value: T;
  /** Its work is done. Only the first of `done`, `requeue` and disposing counts. */
  done(): void;
  /**
   * Puts the item back as a put would (at the back, on top, or by its rank, behind its equals), still
   * unfinished, without waiting for room. false: it was not put back, since the lease had ended or
   * the queue is shut down with `immediate`.
   */
  requeue(): boolean;
}

/** A lease of an item that has left `core`. It ends once, whichever way is first. */
export class CoreLease<T> implements Lease<T> {
  readonly value: T;
  readonly #core: QueueCore;
  readonly #item: unknown;
  /** Whether it has a unit of `unfinished`: not if `taskDone` was called before it began. */
  readonly #counted: boolean;
  #open = true;

  constructor(core: QueueCore, item: unknown) {
    this.value = core.value(item) as T;
    this.#core = core;
    this.#item = item;
    this.#counted = ledgerOf(core).lend();
  }

  done(): void {
    if (!this.#open) return;
    this.#open = false;
    if (this.#counted) ledgerOf(this.#core).giveBack(true);
  }

  requeue(): boolean {
    if (!this.#open) return false;
    if (this.#core.dropped) {
      this.done();
      return false;
    }
    this.#putBack();
    this.#open = false;
    return true;
  }

  /** The unit is free before the item is back: whoever is handed it may lease it at once. */
  #putBack(): void {
    const ledger = ledgerOf(this.#core);
    if (this.#counted) ledger.giveBack(false);
    try {
      this.#core.restore(this.#item);
    } catch (error) {
      // A comparator of the user's threw: nothing has changed, the lease stays open.
      if (this.#counted) ledger.lend();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.done();
  }
}

function ledgerOf(core: QueueCore): Ledger {
  return core.ledger as Ledger;
}

/** `lease`: what is taken comes as a lease. */
export const leasing: Taking<CoreLease<never>> = {
  wrap: (core, item) => new CoreLease<never>(core, item),
  finish: bare.finish,
};
