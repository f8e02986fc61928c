/**
 * Counts of what has happened lately, in buckets: as many of them as cover the window. The oldest is
 * dropped whole, so what is older than the window is never counted, and what is younger than all of its
 * buckets but one always is. A count takes O(1), no matter how much there is to count.
 *
 * @module
 */
export class RollingWindow {
  /** How long a bucket is, in milliseconds. */
  readonly #width: number;
  readonly #buckets: number;
  readonly #kinds: number;
  /** A row of counts for each bucket; the row of bucket `n` is `n` modulo the number of rows. */
  readonly #counts: Float64Array;
  readonly #sums: Float64Array;
  /** The number of the newest bucket, counted from the clock's zero. */
  #newest = -Infinity;

  /** `window` is in milliseconds, and finite; `kinds` is how many things are counted. */
  constructor(window: number, buckets: number, kinds: number) {
    this.#width = window / buckets;
    this.#buckets = buckets;
    this.#kinds = kinds;
    this.#counts = new Float64Array(buckets * kinds);
    this.#sums = new Float64Array(kinds);
  }

  /** Forgets what is too old by now. */
  roll(now: number): void {
    const bucket = Math.floor(now / this.#width);
    if (bucket <= this.#newest) return;
    if (bucket - this.#newest >= this.#buckets) {
      this.clear();
    } else {
      for (let n = this.#newest + 1; n <= bucket; n++) this.#drop(n);
    }
    this.#newest = bucket;
  }

  /** Counts one of a kind, at the time of the last `roll`. */
  add(kind: number): void {
    this.#counts[this.#row(this.#newest) + kind]!++;
    this.#sums[kind]!++;
  }

  /** How many there were of a kind, as of the last `roll`. */
  count(kind: number): number {
    return this.#sums[kind]!;
  }

  /** Forgets everything. */
  clear(): void {
    this.#counts.fill(0);
    this.#sums.fill(0);
  }

  /** Empties the row that a new bucket takes over. */
  #drop(bucket: number): void {
    const row = this.#row(bucket);
    for (let kind = 0; kind < this.#kinds; kind++) {
      this.#sums[kind]! -= this.#counts[row + kind]!;
      this.#counts[row + kind] = 0;
    }
  }

  #row(bucket: number): number {
    // A clock may start below zero.
    const row = bucket % this.#buckets;
    return (row < 0 ? row + this.#buckets : row) * this.#kinds;
  }
}
