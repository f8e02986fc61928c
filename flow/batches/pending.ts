/**
 * What a batcher keeps of an item: a place in line, and later in a batch, and the promise that its
 * caller waits on.
 *
 * Invariant: it is in one list until it is settled, and settles once. Whatever may end its wait stays
 * on it when it moves from one list to the next.
 *
 * @module
 */
import type { Sequel } from "../../core/scope.ts";
import { type WaitList, WaitNode } from "../../core/wait_list.ts";
import type { Epoch } from "./epochs.ts";

/** Whom an item tells what becomes of it. */
export interface PendingOwner {
  /** Its caller has left, and it is about to leave `list`. */
  deserted(node: Pending, list: WaitList): void;
  /** It has settled; `ok`: fulfilled. Others that end with it may not have ended yet. */
  settled(node: Pending, ok: boolean): void;
}

/** One item that was submitted. Its `item` is the user's. */
export class Pending extends WaitNode {
  readonly weight: number;
  readonly epoch: Epoch;
  /** When it came. */
  since: number;
  readonly #owner: PendingOwner;

  constructor(item: unknown, weight: number, epoch: Epoch, since: number, owner: PendingOwner) {
    super(item);
    this.weight = weight;
    this.epoch = epoch;
    this.since = since;
    this.#owner = owner;
  }

  /** Moves on to another list. */
  moveTo(list: WaitList): void {
    this.list!.remove(this);
    list.push(this);
  }

  override settle(value: unknown): void {
    super.settle(value);
    this.#owner.settled(this, true);
  }

  override fail(error: unknown): void {
    super.fail(error);
    this.#owner.settled(this, false);
  }

  override end(cause: unknown): Sequel | null {
    if (this.list !== null) this.#owner.deserted(this, this.list);
    return super.end(cause);
  }
}
