import { checkKind } from "./entry.ts";
import { Entry, type Storage } from "./storage.ts";

type Rank = Entry["rank"];

/** An empty heap of more slots gives them back. */
const KEPT_SIZE = 4_096;

/** The index of the parent. */
const above = (at: number): number => (at - 1) >> 1;

/**
 * The smallest rank first: a binary heap that is stable, since items of equal rank leave in the order
 * in which they came. Ranks are compared as they are, so no code of the user's runs.
 *
 * The heap itself is ranks and slots, side by side; values lie still in their slots. V8 keeps arrays
 * of numbers without boxes, so a walk through the heap reads neighbours, and a backlog of numbers is
 * nothing for the garbage collector. With 100,000 items a put and a get take half of what they took
 * with a heap of entries.
 *
 * Invariants: `slots` holds each slot once, those in use before `length`, free ones behind it.
 */
export class RankHeap implements Storage<Entry> {
  length = 0;
  /** Of which kind its ranks are; the first one decides. */
  kind: string | undefined = undefined;
  #ranks: Rank[] = [];
  #slots: number[] = [];
  #values: unknown[] = [];
  /** When the item of each slot came. */
  #sequences: number[] = [];
  /** Made when an item weighs something else than 1. */
  #weights: number[] | undefined;
  #sequence = 0;

  push({ kind, rank, value, weight }: Entry): void {
    checkKind(kind, this.kind, rank);
    this.kind = kind;
    const ranks = this.#ranks;
    const slots = this.#slots;
    let at = this.length++;
    if (at === slots.length) slots.push(at);
    const slot = slots[at]!;
    this.fill(slot, value, weight);
    ranks.push(rank);
    // It is the latest, so it goes behind its equals.
    while (at > 0 && rank < ranks[above(at)]!) {
      ranks[at] = ranks[above(at)]!;
      slots[at] = slots[above(at)]!;
      at = above(at);
    }
    ranks[at] = rank;
    slots[at] = slot;
  }

  shift(): Entry {
    const ranks = this.#ranks;
    const slots = this.#slots;
    const slot = slots[0]!;
    const first = this.empty(slot, ranks[0]!);
    const rank = ranks.pop()!;
    const end = --this.length;
    if (end === 0) {
      if (slots.length > KEPT_SIZE) this.clear();
      return first;
    }
    const last = slots[end]!;
    slots[end] = slot;
    // The last item belongs near the end: it is cheaper to move the smaller children up until the
    // hole is a leaf, and to climb back from there, than to compare with it on the way down.
    let at = this.sink();
    while (at > 0 && this.isBefore(rank, last, above(at))) {
      ranks[at] = ranks[above(at)]!;
      slots[at] = slots[above(at)]!;
      at = above(at);
    }
    ranks[at] = rank;
    slots[at] = last;
    return first;
  }

  clear(): void {
    this.#ranks = [];
    this.#slots = [];
    this.#values = [];
    this.#sequences = [];
    this.#weights = undefined;
    this.length = 0;
  }

  /** Moves the hole at the root down to a leaf, whose index is the result. */
  private sink(): number {
    const { length } = this;
    const ranks = this.#ranks;
    const slots = this.#slots;
    let at = 0;
    for (let child = 1; child < length; child = 2 * at + 1) {
      const right = child + 1;
      if (right < length && this.isBefore(ranks[right]!, slots[right]!, child)) child = right;
      ranks[at] = ranks[child]!;
      slots[at] = slots[child]!;
      at = child;
    }
    return at;
  }

  private isBefore(rank: Rank, slot: number, other: number): boolean {
    const otherRank = this.#ranks[other]!;
    if (rank < otherRank) return true;
    return rank === otherRank && this.#sequences[slot]! < this.#sequences[this.#slots[other]!]!;
  }

  private fill(slot: number, value: unknown, weight: number): void {
    this.#values[slot] = value;
    this.#sequences[slot] = this.#sequence++;
    if (weight !== 1) this.#weights ??= new Array(this.#values.length).fill(1);
    if (this.#weights !== undefined) this.#weights[slot] = weight;
  }

  private empty(slot: number, rank: Rank): Entry {
    const value = this.#values[slot];
    // What has left must not be kept; a number may, and its array stays one of numbers.
    if (typeof value !== "number") this.#values[slot] = undefined;
    const weight = this.#weights === undefined ? 1 : this.#weights[slot]!;
    return new Entry(value, weight, rank, this.kind);
  }
}
