/**
 * The items that wait for their batch, those that wait for room among them, and when the first is due.
 *
 * Invariants:
 * - They leave for a batch in the order in which they came.
 * - Somebody waits outside only while the line is full, from one call to the next.
 * - A batch is due when no more can come in (it is full, or the line is), or when the first of them has
 *   waited for as long as it may.
 * - There is one timer at most, for the first in line, and none while no batch could start.
 *
 * @module
 */
import { afterTurn } from "../../core/turn.ts";
import { type Owner, WaitList } from "../../core/wait_list.ts";
import type { Clock, Timer } from "../../tasks/clock.ts";
import type { Pending } from "./pending.ts";

/** How batches are to be. */
export interface BatchLimits {
  readonly maxCount: number;
  readonly maxWeight: number;
  /** How many may wait for their batch. */
  readonly capacity: number;
  /** In milliseconds; 0: until the event loop turns. */
  readonly linger: number;
  readonly clock: Clock;
}

export class BatchLine {
  readonly #list: WaitList;
  readonly #outside: WaitList;
  readonly #limits: BatchLimits;
  /** The first in line has waited for long enough. */
  readonly #ripe: () => void;
  #weight = 0;
  #timer: Timer | undefined;
  /** Whom the timer is for. */
  #timed: Pending | null = null;
  /** How often the event loop is known to have turned, and that it is asked to tell of the next time. */
  #turns = 0;
  #asked = false;

  /** `ripe` is told when the first in line is due by time, `owner` when a caller has left. */
  constructor(limits: BatchLimits, owner: Owner, ripe: () => void) {
    this.#limits = limits;
    this.#ripe = ripe;
    this.#list = new WaitList(owner);
    this.#outside = new WaitList(owner);
  }

  get head(): Pending | null {
    return this.#list.head as Pending | null;
  }

  /** Who comes has to wait for room. */
  get full(): boolean {
    return this.#list.length >= this.#limits.capacity;
  }

  /** By which time items are told how long they have waited: that of the clock, or turns. */
  now(): number {
    return this.#limits.linger === 0 ? this.#turns : this.#limits.clock.now();
  }

  /** At the end, wherever there is room. */
  add(node: Pending): void {
    if (this.full) this.#outside.push(node);
    else this.#push(node);
  }

  /** One is about to leave `list`, and not for a batch. */
  unweigh(node: Pending, list: WaitList): void {
    if (list !== this.#list) return;
    // Sums of fractions drift; an empty line weighs nothing.
    this.#weight = list.length === 1 ? 0 : this.#weight - node.weight;
  }

  /** Lets those in who wait for room, while there is some. */
  letIn(): void {
    for (let node = this.#outside.head; node !== null; node = this.#outside.head) {
      if (this.full) return;
      this.#outside.remove(node);
      this.#push(node as Pending);
    }
  }

  /** Rejects all, oldest first. */
  failAll(errorOf: (item: unknown) => unknown): void {
    for (const list of [this.#list, this.#outside]) {
      for (let node = list.head; node !== null; node = list.head) {
        node.leave();
        node.fail(errorOf(node.item));
      }
    }
  }

  /** Whether a batch is to start with the first in line. */
  isDue(head: Pending): boolean {
    const { maxCount, maxWeight, linger } = this.#limits;
    if (this.#list.length >= maxCount || this.full || this.#weight >= maxWeight) return true;
    if (linger === 0) return head.since !== this.#turns;
    // For whom there is a timer, that tells.
    return head !== this.#timed && this.now() - head.since >= linger;
  }

  /** As many as may be together in a batch. They leave the line when they move on. */
  next(): Pending[] {
    const { maxCount, maxWeight } = this.#limits;
    const nodes: Pending[] = [];
    let weight = 0;
    for (let node = this.head; node !== null; node = node.next as Pending | null) {
      if (nodes.length === maxCount || weight + node.weight > maxWeight) break;
      nodes.push(node);
      weight += node.weight;
    }
    this.#weight = nodes.length === this.#list.length ? 0 : this.#weight - weight;
    return nodes;
  }

  /** Sees to it that it is told when the first in line is due. `able`: a batch could start now. */
  watch(able: boolean): void {
    const { linger, clock } = this.#limits;
    if (linger === 0) {
      const last = (this.#outside.tail ?? this.#list.tail) as Pending | null;
      if (last !== null && last.since === this.#turns && !this.#asked) this.#askForTurn();
      return;
    }
    const head = able && linger !== Infinity ? this.head : null;
    if (head === this.#timed) return;
    this.#timer?.stop();
    this.#timed = head;
    if (head === null) return;
    this.#timer = clock.after(head.since + linger - clock.now(), () => {
      this.#timed = null;
      // Whatever the clock says: timers may run early by a part of a millisecond.
      head.since = -Infinity;
      this.#ripe();
    });
  }

  #push(node: Pending): void {
    this.#list.push(node);
    this.#weight += node.weight;
  }

  #askForTurn(): void {
    this.#asked = true;
    afterTurn(() => {
      this.#asked = false;
      this.#turns++;
      if (this.#list.length > 0) this.#ripe();
    });
  }
}
