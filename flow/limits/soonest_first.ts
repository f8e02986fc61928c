/** What is kept in order of a moment. */
export interface Dated {
  at: number;
  /** Where it is: the business of what keeps it. */
  place: number;
}

/** The soonest first: a binary heap whose entries know their place. Of equal moments any may be first. */
export class SoonestFirst<E extends Dated> {
  readonly #entries: E[] = [];

  /** The soonest; undefined: there is none. */
  get first(): E | undefined {
    return this.#entries[0];
  }

  push(entry: E): void {
    entry.place = this.#entries.push(entry) - 1;
    this.#rise(entry);
  }

  /** Takes out an entry that is in it. */
  remove(entry: E): void {
    const last = this.#entries.pop()!;
    if (last === entry) return;
    last.place = entry.place;
    this.move(last);
  }

  /** Puts an entry where it belongs, after its moment has changed. */
  move(entry: E): void {
    this.#rise(entry);
    this.#sink(entry);
  }

  #rise(entry: E): void {
    const entries = this.#entries;
    let { place } = entry;
    while (place > 0) {
      const above = entries[(place - 1) >> 1]!;
      if (above.at <= entry.at) break;
      const next = above.place;
      this.#put(above, place);
      place = next;
    }
    this.#put(entry, place);
  }

  #sink(entry: E): void {
    const entries = this.#entries;
    let { place } = entry;
    for (let next = 2 * place + 1; next < entries.length; next = 2 * place + 1) {
      if (next + 1 < entries.length && entries[next + 1]!.at < entries[next]!.at) next++;
      const below = entries[next]!;
      if (below.at >= entry.at) break;
      this.#put(below, place);
      place = next;
    }
    this.#put(entry, place);
  }

  #put(entry: E, place: number): void {
    this.#entries[place] = entry;
    entry.place = place;
  }
}
