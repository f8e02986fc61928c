/**
 * When how many were handed out, within the last `window` milliseconds.
 *
 * Grants of the same moment are one entry. An entry is forgotten when the window has passed since, and
 * its slot is given back soon after: there are at most twice as many slots as entries, and each entry
 * is moved about once in its life.
 */
export class GrantLog {
  readonly #window: number;
  /** Of all entries; those before `#first` are forgotten. */
  #times: number[] = [];
  /** How many were handed out up to each entry, that one included. */
  #totals: number[] = [];
  #first = 0;
  #total = 0;
  #forgotten = 0;

  constructor(window: number) {
    this.#window = window;
  }

  /** How many of those it holds were handed out. */
  get units(): number {
    return this.#total - this.#forgotten;
  }

  /** How much room it takes. */
  get slots(): number {
    return this.#times.length;
  }

  /** When the last of them was handed out. -Infinity: it holds none. */
  get last(): number {
    return this.#times.at(-1) ?? -Infinity;
  }

  add(now: number, count: number): void {
    this.forget(now);
    this.#total += count;
    if (now === this.last) {
      this.#totals[this.#totals.length - 1] = this.#total;
    } else {
      this.#times.push(now);
      this.#totals.push(this.#total);
    }
  }

  /** Forgets all since which the window has passed. */
  forget(now: number): void {
    const times = this.#times;
    if (this.last + this.#window <= now) {
      if (times.length > 0) this.clear();
      return;
    }
    while (times[this.#first]! + this.#window <= now) {
      this.#forgotten = this.#totals[this.#first++]!;
    }
    if (this.#first * 2 <= times.length) return;
    times.splice(0, this.#first);
    this.#totals.splice(0, this.#first);
    this.#first = 0;
  }

  clear(): void {
    this.#times = [];
    this.#totals = [];
    this.#first = this.#total = this.#forgotten = 0;
  }

  /** When the `n`th of them was handed out, the oldest being the first. */
  timeOf(n: number): number {
    const total = this.#forgotten + n;
    let [low, high] = [this.#first, this.#totals.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#totals[middle]! < total) low = middle + 1;
      else high = middle;
    }
    return this.#times[low]!;
  }
}
