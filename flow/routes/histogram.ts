/**
 * A histogram of numbers over many orders of magnitude, as latencies are, in a fixed amount of memory.
 *
 * Invariants:
 * - Each bucket is as wide as a fixed part of its numbers (DDSketch, Masson et al. 2019). So a quantile is
 *   off by `relativeError` of its value at most, wherever it lies.
 * - Count, sum, least and greatest number are exact.
 * - Recording takes constant time and no memory; reading takes a look at all buckets.
 *
 * @module
 */
import { checkNumber, checkOptions, show } from "../../core/check.ts";

/**
 * How exact a histogram is, and where.
 *
 * @example
 * ```ts
 * import { Histogram, type HistogramOptions } from "@sluice/sluice/flow";
 * import { assert } from "@std/assert";
 *
 * const options: HistogramOptions = { relativeError: 0.001, lowest: 1, highest: 1_000 };
 * const histogram = new Histogram(options);
 * histogram.record(500);
 * assert(Math.abs(histogram.quantile(0.5) - 500) <= 0.5);
 * ```
 */
export interface HistogramOptions {
  /** By which part of its value a quantile may be off; 0.02 if left out. */
  readonly relativeError?: number | undefined;
  /** Numbers below count as between 0 and this; 0.001 if left out, a microsecond in milliseconds. */
  readonly lowest?: number | undefined;
  /** Numbers above count as about this; 86,400,000 if left out, a day in milliseconds. */
  readonly highest?: number | undefined;
}

/** More buckets than this take too much memory. */
const MOST_BUCKETS = 1 << 16;

/**
 * A histogram of numbers of at least 0, such as latencies in milliseconds, which gives their quantiles
 * with a fixed relative error: 2 % if nothing else is said, in some 630 buckets of 4 bytes.
 *
 * @example
 * ```ts
 * import { Histogram } from "@sluice/sluice/flow";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const latencies = new Histogram();
 * for (let ms = 1; ms <= 1_000; ms++) latencies.record(ms);
 * assertEquals([latencies.count, latencies.mean, latencies.max], [1_000, 500.5, 1_000]);
 * assert(Math.abs(latencies.quantile(0.99) - 990) <= 0.02 * 990);
 * ```
 */
export class Histogram {
  readonly #lowest: number;
  readonly #highest: number;
  readonly #growth: number;
  readonly #perFactor: number;
  readonly #buckets: Uint32Array;
  #count = 0;
  #sum = 0;
  #min = Infinity;
  #max = 0;

  /**
   * With no number in it yet.
   *
   * @throws TypeError or RangeError if an option is not what it may be.
   */
  constructor(options: HistogramOptions = {}) {
    checkOptions("options", options);
    const { relativeError = 0.02, lowest = 0.001, highest = 86_400_000 } = options;
    checkNumber("relativeError", relativeError);
    if (!(relativeError > 0 && relativeError < 1)) {
      throw new RangeError(`relativeError must be between 0 and 1: ${relativeError}`);
    }
    checkNumber("lowest", lowest);
    checkNumber("highest", highest);
    if (!(lowest > 0 && lowest < highest && highest < Infinity)) {
      throw new RangeError(
        `lowest and highest must be finite, above 0, and in order: ${lowest}, ${highest}`,
      );
    }
    this.#lowest = lowest;
    this.#highest = highest;
    this.#growth = (1 + relativeError) / (1 - relativeError);
    this.#perFactor = 1 / Math.log(this.#growth);
    const buckets = this.#bucket(highest) + 1;
    if (buckets > MOST_BUCKETS) {
      throw new RangeError(`relativeError is too small for so wide a range: ${relativeError}`);
    }
    this.#buckets = new Uint32Array(buckets);
  }

  /** How many numbers were recorded. */
  get count(): number {
    return this.#count;
  }

  /** Their sum. */
  get sum(): number {
    return this.#sum;
  }

  /** Their mean; 0 if there are none. */
  get mean(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count;
  }

  /** The least of them; 0 if there are none. */
  get min(): number {
    return this.#count === 0 ? 0 : this.#min;
  }

  /** The greatest of them; 0 if there are none. */
  get max(): number {
    return this.#max;
  }

  /**
   * Takes a number in.
   *
   * @throws TypeError or RangeError if it is no finite number of at least 0.
   */
  record(value: number): void {
    checkNumber("value", value);
    if (!(value >= 0 && value < Infinity)) {
      throw new RangeError(`value must be a finite number of at least 0: ${value}`);
    }
    this.#buckets[this.#bucket(value)]!++;
    this.#count++;
    this.#sum += value;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
  }

  /**
   * The number that a part `q` of all numbers is not above: 0.5 for the median, 0.99 for what the slowest
   * hundredth exceeds. By nearest rank, so that it is about a number that was recorded; the
   * least and the greatest are exact. 0 if there are none.
   *
   * @throws TypeError or RangeError if `q` is no number from 0 to 1.
   */
  quantile(q: number): number {
    checkNumber("q", q);
    if (q < 0 || q > 1) throw new RangeError(`q must be from 0 to 1: ${q}`);
    if (this.#count === 0) return 0;
    // A product such as 0.07 * 100 is a little more than the 7 that is meant.
    const rank = Math.max(1, Math.ceil(q * this.#count - 1e-9));
    if (rank === this.#count) return this.#max;
    if (rank === 1) return this.#min;
    let bucket = 0;
    for (let seen = this.#buckets[0]!; seen < rank; seen += this.#buckets[bucket]!) bucket++;
    return Math.min(this.#max, Math.max(this.#min, this.#middle(bucket)));
  }

  /**
   * Takes in all that another histogram has recorded.
   *
   * @throws TypeError if it is none, or RangeError if it was made with other options.
   */
  merge(other: Histogram): void {
    if (!(other instanceof Histogram)) {
      throw new TypeError(`other must be a Histogram, not ${show(other)}`);
    }
    const same = other.#growth === this.#growth && other.#lowest === this.#lowest &&
      other.#highest === this.#highest;
    if (!same) throw new RangeError("other must have been made with the same options");
    const theirs = other.#buckets;
    for (let i = 0; i < theirs.length; i++) this.#buckets[i]! += theirs[i]!;
    this.#count += other.#count;
    this.#sum += other.#sum;
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
  }

  /** Forgets all numbers. */
  reset(): void {
    this.#buckets.fill(0);
    this.#count = this.#sum = this.#max = 0;
    this.#min = Infinity;
  }

  /** Bucket i > 0 holds what is above `lowest * growth ** (i - 1)`, up to `growth` times that. */
  #bucket(value: number): number {
    if (value < this.#lowest) return 0;
    const most = Math.min(value, this.#highest);
    return Math.max(1, Math.ceil(Math.log(most / this.#lowest) * this.#perFactor));
  }

  /** What is off by the same part from both ends of a bucket. */
  #middle(bucket: number): number {
    if (bucket === 0) return 0;
    return this.#lowest * this.#growth ** bucket * 2 / (1 + this.#growth);
  }
}
