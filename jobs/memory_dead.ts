/**
 * The dead letters of one group in memory, oldest first.
 *
 * - Positions only grow, so a page is found by halving; what is removed leaves a gap, and gaps are closed
 *   when they are as many as the letters.
 * - Several letters may have one id, when a job was put again after its first one was given up: the last
 *   stands for the id, and when it is gone the one before it does.
 *
 * @module
 */
import type { Buried } from "./engine.ts";

interface Entry {
  readonly letter: Buried;
  gone: boolean;
}

export class MemoryDead {
  #entries: Entry[] = [];
  /** Where the first stands that is not gone. */
  #start = 0;
  #size = 0;
  readonly #byId = new Map<string, Entry[]>();

  get size(): number {
    return this.#size;
  }

  add(letter: Buried): void {
    const entry = { letter, gone: false };
    this.#entries.push(entry);
    this.#size++;
    const same = this.#byId.get(letter.id);
    if (same === undefined) this.#byId.set(letter.id, [entry]);
    else same.push(entry);
  }

  /** The last with this id. */
  last(id: string): Buried | undefined {
    return this.#byId.get(id)?.at(-1)?.letter;
  }

  /** Takes out the last with this id. */
  take(id: string): Buried | undefined {
    const same = this.#byId.get(id);
    const entry = same?.pop();
    if (same === undefined || entry === undefined) return undefined;
    if (same.length === 0) this.#byId.delete(id);
    entry.gone = true;
    this.#size--;
    this.#tidy();
    return entry.letter;
  }

  /** Up to `limit` of those whose position is greater than `after`. */
  page(after: number, limit: number): Buried[] {
    const page: Buried[] = [];
    for (let at = this.#behind(after); at < this.#entries.length && page.length < limit; at++) {
      const { letter, gone } = this.#entries[at]!;
      if (!gone) page.push(letter);
    }
    return page;
  }

  /** The first place whose position is greater than `after`. */
  #behind(after: number): number {
    let low = this.#start;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#entries[middle]!.letter.position > after) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #tidy(): void {
    const entries = this.#entries;
    while (this.#start < entries.length && entries[this.#start]!.gone) this.#start++;
    if (entries.length < 2 * this.#size + 16) return;
    this.#entries = entries.filter(({ gone }) => !gone);
    this.#start = 0;
  }
}
