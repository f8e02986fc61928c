import { show } from "./check.ts";
import type { Entry, Storage } from "./storage.ts";

/** Negative: `a` leaves first. */
export type Compare = (a: unknown, b: unknown) => unknown;

/** The index of the parent. */
const above = (at: number): number => (at - 1) >> 1;

/**
 * The smallest first, by a comparator of the user's: a binary heap that is stable, since equal items
 * leave in the order in which they came.
 *
 * A comparator may throw. So each call first compares, with everything in its place,
 * and moves entries only when it knows where they go. While the comparator runs, the heap refuses
 * to be used.
 */
export class Heap implements Storage<Entry> {
  #entries: Entry[] = [];
  #sequence = 0;
  #comparing = false;
  readonly #compare: Compare;

  constructor(compare: Compare) {
    this.#compare = compare;
  }

  get comparing(): boolean {
    return this.#comparing;
  }

  get length(): number {
    return this.#entries.length;
  }

  push(entry: Entry): void {
    this.#refuseWhileComparing();
    const entries = this.#entries;
    entry.sequence = this.#sequence++;
    let place = entries.length;
    while (place > 0 && this.#before(entry, entries[above(place)]!)) place = above(place);
    for (let at = entries.length; at > place; at = above(at)) entries[at] = entries[above(at)]!;
    entries[place] = entry;
  }

  shift(): Entry {
    this.#refuseWhileComparing();
    const entries = this.#entries;
    const first = entries[0]!;
    const last = entries[entries.length - 1]!;
    // Most entries at the end of the heap belong near the end: it is cheaper to follow the smaller
    // children down to a leaf and climb back than to compare with `last` on the way down.
    let place = this.#leaf(entries.length - 1);
    while (place > 0 && this.#before(last, entries[place]!)) place = above(place);
    entries.pop();
    if (entries.length === 0) return first;
    let moving = last;
    for (; place > 0; place = above(place)) {
      const displaced = entries[place]!;
      entries[place] = moving;
      moving = displaced;
    }
    entries[0] = moving;
    return first;
  }

  clear(): void {
    this.#refuseWhileComparing();
    this.#entries = [];
  }

  /** The leaf, among the first `count` entries, that the path of smaller children ends at. */
  #leaf(count: number): number {
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= count) return at;
      const right = left + 1;
      at = right < count && this.#before(this.#entries[right]!, this.#entries[left]!)
        ? right
        : left;
    }
  }

  #before(a: Entry, b: Entry): boolean {
    const order = this.#compared(a.value, b.value);
    return order < 0 || (order === 0 && a.sequence < b.sequence);
  }

  #compared(a: unknown, b: unknown): number {
    this.#refuseWhileComparing();
    this.#comparing = true;
    try {
      const order = this.#compare.call(undefined, a, b);
      if (typeof order !== "number") {
        throw new TypeError(`compare must return a number, not ${show(order)}`);
      }
      if (Number.isNaN(order)) throw new RangeError("compare must return a number, not NaN");
      return order;
    } finally {
      this.#comparing = false;
    }
  }

  #refuseWhileComparing(): void {
    if (this.#comparing) {
      throw new TypeError("compare must not use the queue whose items it compares");
    }
  }
}
