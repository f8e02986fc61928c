/**
 * A stream of choices by shares: 90 % to one version of a service, 10 % to the other.
 *
 * Invariants:
 * - Shares are dealt out, not drawn: as long as no key goes, nobody is a choice above his share, or of n
 *   n - 1 choices below it; of two nobody is more than half a choice off. Whole weights that add up to W are
 *   kept to exactly in every W choices, until they change.
 * - A key of weight 0 is never chosen.
 * - Other weights apply from the next choice on; who stays keeps what he is owed.
 *
 * A choice takes time in proportion to the number of keys: they are few.
 *
 * @module
 */
import { show } from "../../core/check.ts";
import { SmoothTurns } from "../../core/smooth_turns.ts";
import { BASIS, checkKey, hashOf } from "./string_hash.ts";

/**
 * Keys and their weights: a record, a Map, or pairs. What is left out has none. The keys of a record are
 * strings, and those that look like integers come first, as JavaScript has it; pairs keep their order.
 *
 * @typeParam K The keys.
 *
 * @example
 * ```ts
 * import { type Weights, WeightedSplit } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const even: Weights<"blue" | "green"> = { blue: 1, green: 1 };
 * const split = new WeightedSplit(even);
 * assertEquals([split.pick(), split.pick()], ["blue", "green"]);
 * ```
 */
export type Weights<K> =
  | Iterable<readonly [key: K, weight: number]>
  | { readonly [P in K & PropertyKey]?: number };

/**
 * What a {@linkcode WeightedSplit} has chosen.
 *
 * @typeParam K What is chosen.
 *
 * @example
 * ```ts
 * import { WeightedSplit, type WeightedSplitStats } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const split = new WeightedSplit({ v1: 3, v2: 1 });
 * for (let i = 0; i < 8; i++) split.pick();
 * const { total, choices }: WeightedSplitStats<"v1" | "v2"> = split.stats();
 * assertEquals([total, choices.get("v1"), choices.get("v2")], [8, 6, 2]);
 * ```
 */
export interface WeightedSplitStats<K> {
  /** How many choices it has made, ever, by `pick` and by `pickFor`. */
  readonly total: number;
  /** How often each of its keys was the choice since it came, in the order of the weights. */
  readonly choices: ReadonlyMap<K, number>;
}

/** The hash of keys here is none that a {@linkcode HashRing} uses, so that the two do not go together. */
const OWN_BASIS = BASIS ^ 0x5bd1e995;

/**
 * A stream of choices by shares, spread evenly: the smooth weighted round robin of nginx, and the traffic
 * split of a service mesh. The weights may change at any time.
 *
 * @typeParam K What is chosen.
 *
 * @example
 * ```ts
 * import { WeightedSplit } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const split = new WeightedSplit({ v1: 90, v2: 10 });
 * const counts = { v1: 0, v2: 0 };
 * for (let i = 0; i < 200; i++) counts[split.pick()]++;
 * assertEquals(counts, { v1: 180, v2: 20 });
 * split.set({ v1: 0, v2: 1 });
 * assertEquals(split.pick(), "v2");
 * ```
 */
export class WeightedSplit<const K> {
  #weights: ReadonlyMap<K, number>;
  #keys: readonly K[];
  readonly #turns: SmoothTurns;
  #total = 0;
  /** How often each key was the choice, in their order. */
  #counts: number[];

  /**
   * Each weight is a finite number of at least 0, and one at least is more.
   *
   * @throws TypeError or RangeError if they are not.
   */
  constructor(weights: Weights<K>) {
    this.#weights = mapOf(weights);
    this.#keys = [...this.#weights.keys()];
    this.#turns = new SmoothTurns([...this.#weights.values()]);
    this.#counts = this.#keys.map(() => 0);
  }

  /** The next choice. */
  pick(): K {
    return this.#chosen(this.#turns.next());
  }

  /**
   * The choice for a key: always the same one, as long as the weights are. It takes nobody's turn. The
   * shares are those of all possible keys, so that they are kept to about. When weights are shifted between
   * two neighbours, only keys of the one that gets less change, and they go to the other.
   *
   * All splits agree about a key. If they are not to, put the name of the split before it.
   *
   * @throws TypeError if the key is neither a string nor a number; 7 is as good as "7".
   */
  pickFor(key: string | number): K {
    checkKey(key);
    let left = hashOf(key, OWN_BASIS) / 0x1_0000_0000 * this.#turns.total;
    let [index, last] = [0, 0];
    for (const weight of this.#weights.values()) {
      if (weight > 0) {
        last = index;
        if (left < weight) break;
        left -= weight;
      }
      index++;
    }
    // Sums of fractions may be a little less than they should: then it is the last.
    return this.#chosen(last);
  }

  /** What it has chosen until now. */
  stats(): WeightedSplitStats<K> {
    const choices = new Map(this.#keys.map((key, index) => [key, this.#counts[index]!]));
    return { total: this.#total, choices };
  }

  /** The weights as they are now, in their order: a copy. */
  get weights(): ReadonlyMap<K, number> {
    return new Map(this.#weights);
  }

  /** The share of a key, from 0 to 1; 0 for one that the split does not know. */
  share(key: K): number {
    return (this.#weights.get(key) ?? 0) / this.#turns.total;
  }

  /**
   * Other weights from the next choice on, and other keys, if there are any. So traffic is shifted while
   * it flows.
   *
   * @throws TypeError or RangeError as the constructor does; then nothing has changed.
   */
  set(weights: Weights<K>): void {
    const changed = mapOf(weights);
    const keys = [...changed.keys()];
    const was = new Map(this.#keys.map((key, index) => [key, index]));
    this.#turns.change([...changed.values()], (index) => was.get(keys[index]!));
    this.#counts = keys.map((key) => this.#counts[was.get(key) ?? -1] ?? 0);
    this.#weights = changed;
    this.#keys = keys;
  }

  #chosen(index: number): K {
    this.#total++;
    this.#counts[index]!++;
    return this.#keys[index]!;
  }
}

function mapOf<K>(weights: Weights<K>): ReadonlyMap<K, number> {
  if (typeof weights !== "object" || weights === null) {
    throw new TypeError(`weights must be a record, a Map or pairs, not ${show(weights)}`);
  }
  const map = new Map<K, number>();
  for (const pair of pairsOf(weights)) {
    if (!Array.isArray(pair) || pair.length !== 2) {
      throw new TypeError(`weights must be pairs of a key and a number, not ${show(pair)}`);
    }
    const [key, weight] = pair as [K, number];
    if (map.has(key)) throw new RangeError(`a key must stand in weights once: ${show(key)}`);
    map.set(key, weight);
  }
  return map;
}

function pairsOf<K>(weights: Weights<K>): Iterable<unknown> {
  return Symbol.iterator in weights ? weights : Object.entries(weights);
}
