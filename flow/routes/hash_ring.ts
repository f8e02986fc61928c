/**
 * Consistent hashing: which of several nodes a key belongs to, so that few keys move when nodes come
 * and go.
 *
 * Invariants:
 * - The points are sorted by hash, equal hashes by the label of their node. So the ring depends on its
 *   nodes alone, not on the order in which they came, and programs that know the same nodes agree.
 * - A node's points are those of its label numbered from 0; another weight appends or takes away the last.
 * - A key belongs to the first point at or behind its hash. So a node that comes takes keys from others,
 *   one that goes gives its own away, and no key moves between two that stay.
 *
 * A look-up takes time logarithmic in the number of points, a change of the nodes linear.
 *
 * @module
 */
import {
  checkCount,
  checkNumber,
  checkOptionalFunction,
  checkOptions,
  show,
} from "../../core/check.ts";
import { byPlace, type Point, pointsOf, replaced, type RingNode } from "./ring_points.ts";
import { checkKey, hashOf } from "./string_hash.ts";

/**
 * How a ring is made.
 *
 * @typeParam K The nodes.
 *
 * @example
 * ```ts
 * import { HashRing, type HashRingOptions } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const options: HashRingOptions<URL> = { replicas: 64, label: (node) => node.host };
 * const ring = new HashRing([new URL("http://a.test"), new URL("http://b.test")], options);
 * assertEquals(ring.size, 2);
 * ```
 */
export interface HashRingOptions<in K> {
  /**
   * How many points a node of weight 1 has; 256 if left out. With more the keys are spread more evenly:
   * a node's share is off by a part of `1 / sqrt(replicas)`, give or take. With 256 it is within a third
   * of what its weight says.
   */
  readonly replicas?: number | undefined;
  /** What a node is called. Left out: nodes are strings or numbers, and are called what they are. */
  readonly label?: ((node: K) => string) | undefined;
}

/**
 * How a {@linkcode HashRing} is shared out.
 *
 * @typeParam K The nodes.
 *
 * @example
 * ```ts
 * import { HashRing, type HashRingStats } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const { nodes, points, shares }: HashRingStats<string> = new HashRing(["only"]).stats();
 * assertEquals([nodes, points, shares.get("only")], [1, 256, 1]);
 * ```
 */
export interface HashRingStats<K> {
  /** How many nodes there are. */
  readonly nodes: number;
  /** How many points they have together. */
  readonly points: number;
  /** The share of all possible keys that each has, from 0 to 1, in the order in which they came. */
  readonly shares: ReadonlyMap<K, number>;
}

/** No node has more points, so that a slip does not take all memory. */
const MOST_POINTS = 2 ** 20;

/** How many hashes there are. */
const CIRCLE = 2 ** 32;

/**
 * Consistent hashing after Karger et al. (1997), with many points for each node: the same key always goes
 * to the same node, and when one of n nodes comes or goes, about a share of 1/n of all keys moves.
 *
 * @typeParam K The nodes: strings or numbers, or anything that has a label.
 *
 * @example
 * ```ts
 * import { HashRing } from "@sluice/sluice/flow";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const ring = new HashRing(["cache-1", "cache-2", "cache-3"]);
 * const before = ring.pick("user 7");
 * assertEquals(ring.pick("user 7"), before);
 * ring.add("cache-4");
 * assert([before, "cache-4"].includes(ring.pick("user 7")));
 * ```
 */
export class HashRing<K> {
  readonly #replicas: number;
  readonly #label: ((node: K) => string) | undefined;
  readonly #nodes = new Map<string, RingNode<K>>();
  #points: readonly Point<K>[] = [];

  /**
   * Nodes may be added later; those given here have weight 1.
   *
   * @throws TypeError or RangeError if an argument is not what it may be, or two nodes have one label.
   */
  constructor(nodes: Iterable<K> = [], options: HashRingOptions<K> = {}) {
    checkOptions("options", options);
    const { replicas = 256, label } = options;
    checkCount("replicas", replicas, 1);
    if (replicas > MOST_POINTS) throw new RangeError(`replicas must be at most 2^20: ${replicas}`);
    checkOptionalFunction("label", label);
    this.#replicas = replicas;
    this.#label = label;
    const points: Point<K>[] = [];
    for (const node of nodes) {
      const at = this.#nodeOf(node, 1);
      if (this.#nodes.has(at.label)) {
        throw new RangeError(`nodes must have a label each: ${show(at.label)} stands twice`);
      }
      this.#nodes.set(at.label, at);
      for (const point of pointsOf(at)) points.push(point);
    }
    this.#points = points.sort(byPlace);
  }

  /** How many nodes there are. */
  get size(): number {
    return this.#nodes.size;
  }

  /** The nodes and their weights, in the order in which they came: a copy. */
  get nodes(): ReadonlyMap<K, number> {
    return new Map(Array.from(this.#nodes.values(), ({ node, weight }) => [node, weight]));
  }

  /** Whether a node, or one that is called the same, is there. */
  has(node: K): boolean {
    return this.#nodes.has(this.#labelOf(node));
  }

  /**
   * The node that a key belongs to; 7 is as good as "7".
   *
   * @throws TypeError if the key is neither a string nor a number; RangeError if there is no node.
   */
  pick(key: string | number): K {
    checkKey(key);
    if (this.#points.length === 0) throw new RangeError("the ring has no node");
    return this.#points[this.#find(hashOf(key))]!.at.node;
  }

  /**
   * The nodes for a key, each once, the first being that of `pick`: where copies of a value go, or who is
   * asked when the first does not answer. All nodes if there are no more than `count`.
   *
   * @throws TypeError or RangeError if an argument is not what it may be.
   */
  pickMany(key: string | number, count: number): K[] {
    checkKey(key);
    checkCount("count", count, 0);
    const found = new Set<RingNode<K>>();
    const points = this.#points;
    const wanted = Math.min(count, this.#nodes.size);
    for (let i = this.#find(hashOf(key)); found.size < wanted; i = (i + 1) % points.length) {
      found.add(points[i]!.at);
    }
    return Array.from(found, ({ node }) => node);
  }

  /**
   * Adds a node, or gives another weight to one that is there. One of weight 2 gets twice as many keys as
   * one of weight 1.
   *
   * @throws TypeError or RangeError if the weight is no number above 0, or makes more than 2^20 points; or
   * if another node has the same label.
   */
  add(node: K, weight = 1): void {
    const at = this.#nodeOf(node, weight);
    const old = this.#nodes.get(at.label);
    if (old !== undefined && !Object.is(old.node, node)) {
      throw new RangeError(`another node is called ${show(at.label)}`);
    }
    this.#nodes.set(at.label, at);
    this.#points = replaced(this.#points, old, pointsOf(at).sort(byPlace));
  }

  /** Takes a node out. false: it is not there. */
  remove(node: K): boolean {
    const label = this.#labelOf(node);
    const old = this.#nodes.get(label);
    if (old === undefined) return false;
    this.#nodes.delete(label);
    this.#points = replaced(this.#points, old, []);
    return true;
  }

  /** The share of all possible keys that a node has, from 0 to 1; it looks at all points. */
  share(node: K): number {
    const own = this.#nodes.get(this.#labelOf(node));
    return own === undefined ? 0 : this.#lengths().get(own)! / CIRCLE;
  }

  /** How it is shared out; it looks at all points. */
  stats(): HashRingStats<K> {
    const shares = new Map<K, number>();
    for (const [{ node }, length] of this.#lengths()) shares.set(node, length / CIRCLE);
    return { nodes: this.#nodes.size, points: this.#points.length, shares };
  }

  /** How much of the circle belongs to each node, in the order in which they came. */
  #lengths(): Map<RingNode<K>, number> {
    const lengths = new Map<RingNode<K>, number>();
    for (const at of this.#nodes.values()) lengths.set(at, 0);
    // What lies behind the last point belongs to the first.
    let before = (this.#points.at(-1)?.hash ?? 0) - CIRCLE;
    for (const { hash, at } of this.#points) {
      lengths.set(at, lengths.get(at)! + hash - before);
      before = hash;
    }
    return lengths;
  }

  /** The index of the first point at or behind a hash. */
  #find(hash: number): number {
    const points = this.#points;
    let low = 0;
    let high = points.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (points[middle]!.hash < hash) low = middle + 1;
      else high = middle;
    }
    return low === points.length ? 0 : low;
  }

  #nodeOf(node: K, weight: number): RingNode<K> {
    checkNumber("weight", weight);
    const points = Math.max(1, Math.round(weight * this.#replicas));
    if (!(weight > 0 && points <= MOST_POINTS)) {
      throw new RangeError(
        `weight must be above 0, and at most ${MOST_POINTS / this.#replicas}: ${weight}`,
      );
    }
    return { node, label: this.#labelOf(node), weight, points };
  }

  #labelOf(node: K): string {
    if (this.#label === undefined) {
      if (typeof node === "string" || typeof node === "number") return String(node);
      throw new TypeError(`a node must be a string or a number, or have a label: ${show(node)}`);
    }
    const label: unknown = this.#label(node);
    if (typeof label !== "string") {
      throw new TypeError(`label must return a string, not ${show(label)}`);
    }
    return label;
  }
}
