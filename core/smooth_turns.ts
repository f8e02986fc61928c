/**
 * Turns by shares, spread evenly: the smooth weighted round robin of nginx. Each entry earns its weight
 * with each turn, and the richest pays the sum of all weights for it.
 *
 * Invariants, with `total` the sum of the weights:
 * - The credits of those that have a weight add up to 0, except for rounding.
 * - As long as nobody goes, none is below `-total`, so that nobody is a turn above his share; and since
 *   they add up to 0, nobody of n is n - 1 turns below it.
 * - Whole weights are kept to exactly in every `total` turns, until they change.
 *
 * A turn takes time in proportion to the number of entries: they are few.
 *
 * @module
 */
import { checkNumber } from "./check.ts";

export class SmoothTurns {
  #weights: readonly number[];
  #credits: number[];
  #total: number;

  /** Throws TypeError or RangeError if these are no weights. */
  constructor(weights: readonly number[]) {
    this.#total = sumOf(weights);
    this.#weights = weights;
    this.#credits = weights.map(() => 0);
  }

  /** The sum of the weights. */
  get total(): number {
    return this.#total;
  }

  /** The index of the one whose turn it is. */
  next(): number {
    const weights = this.#weights;
    const credits = this.#credits;
    let richest = -1;
    for (let i = 0; i < weights.length; i++) {
      if (weights[i]! === 0) continue;
      credits[i]! += weights[i]!;
      if (richest < 0 || credits[i]! > credits[richest]!) richest = i;
    }
    credits[richest]! -= this.#total;
    return richest;
  }

  /**
   * Other weights from now on. `was` says at which index an entry has been; who stays keeps what he has
   * earned or owes, as a part of a turn, so that frequent changes put nobody at a disadvantage.
   */
  change(weights: readonly number[], was: (index: number) => number | undefined): void {
    const total = sumOf(weights);
    const kept = weights.map((weight, index) => {
      const old = was(index);
      if (old === undefined || weight === 0 || this.#weights[old]! === 0) return undefined;
      return this.#credits[old]! / this.#total * total;
    });
    // Those who have gone leave the others a sum that is not 0. A credit that all get changes no turn,
    // and puts who is new in their middle.
    const stayed = kept.filter((credit) => credit !== undefined);
    const mean = stayed.reduce((sum, credit) => sum + credit, 0) / Math.max(1, stayed.length);
    this.#credits = kept.map((credit) => credit === undefined ? 0 : credit - mean);
    this.#weights = weights;
    this.#total = total;
  }
}

/** The sum of weights. Throws if one is no finite number of at least 0, or none is more. */
function sumOf(weights: readonly unknown[]): number {
  let total = 0;
  for (const weight of weights) {
    checkNumber("a weight", weight);
    if (!(weight >= 0 && weight < Infinity)) {
      throw new RangeError(`a weight must be a finite number of at least 0: ${weight}`);
    }
    total += weight;
  }
  if (total === 0) throw new RangeError("at least one weight must be more than 0");
  // The richest may have nearly as much as all the others owe.
  if (total * weights.length === Infinity) throw new RangeError("the weights are too large");
  return total;
}
