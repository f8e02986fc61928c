import { checkNumber, checkOptionalFunction, checkOptionalString, checkOptions } from "./check.ts";
import { type MakeEntry, ranked, type Read, weighed } from "./entry.ts";
import { Heap } from "./heap.ts";
import { Ledger } from "./ledger.ts";
import { QueueCore } from "./queue_core.ts";
import type { Traits } from "./traits.ts";
import { RankHeap } from "./rank_heap.ts";
import { Ring } from "./ring.ts";
import type { Storage } from "./storage.ts";

/**
 * How a queue is made.
 *
 * @example
 * ```ts
 * import { Queue } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const chunks = new Queue<Uint8Array>({ maxSize: 65_536, weigh: (chunk) => chunk.byteLength });
 * await chunks.put(new Uint8Array(65_000));
 * assertEquals(chunks.tryPut(new Uint8Array(1_000)), false);
 * ```
 */
export interface QueueOptions<T> {
  /** 0, the default, or less, or Infinity: unbounded. Other than integers: RangeError. */
  readonly maxSize?: number | undefined;
  /** Named in errors, statistics and reports. */
  readonly name?: string | undefined;
  /**
   * What one item counts against `maxSize`; 1 if left out. Called once, when it is put. Must be a
   * finite number of at least 0, and no more than `maxSize`.
   */
  readonly weigh?: ((item: T) => number) | undefined;
}

/**
 * What leaves a priority queue first if nothing else is said: the smallest.
 *
 * @example
 * ```ts
 * import { PriorityQueue } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const dates = new PriorityQueue<Date>();
 * await dates.put(new Date("2030-01-01"));
 * await dates.put(new Date("2029-01-01"));
 * assertEquals((await dates.get()).getUTCFullYear(), 2029);
 * ```
 */
export type Priority = number | bigint | string | Date;

/**
 * How a priority queue is made.
 *
 * @example
 * ```ts
 * import { PriorityQueue } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const words = new PriorityQueue<string>({ compare: (a, b) => a.length - b.length });
 * await words.put("three");
 * await words.put("one");
 * assertEquals(await words.get(), "one");
 * ```
 */
export interface PriorityQueueOptions<T> extends QueueOptions<T> {
  /** The item's rank, read once when it is put: the smallest leaves first. */
  readonly priority?: ((item: T) => Priority) | undefined;
  /** Negative: `a` leaves first. Not together with `priority`: TypeError. */
  readonly compare?: ((a: T, b: T) => number) | undefined;
}

/** What the subclasses hand in: how items are ordered. */
const order: unique symbol = Symbol("order");

interface Ordered {
  readonly [order]?: { readonly storage: Storage<unknown>; readonly rank: Read | undefined };
}

/** The same options, for another order than first in, first out. */
export function ordered<T>(
  { maxSize, name, weigh }: QueueOptions<T>,
  storage: Storage<unknown>,
  rank?: Read,
): QueueOptions<T> {
  return { maxSize, name, weigh, [order]: { storage, rank } } as QueueOptions<T> & Ordered;
}

/** The options, of which a number is one. */
export function optionsOf<T, O extends QueueOptions<T>>(options: number | O | undefined): O {
  if (options === undefined || typeof options === "number") return { maxSize: options } as O;
  checkOptions("options", options);
  return options;
}

/** What fits into a queue. Throws TypeError or RangeError if `maxSize` is none. */
export function capacityOf(maxSize: number): number {
  checkNumber("maxSize", maxSize);
  if (!Number.isInteger(maxSize) && Math.abs(maxSize) !== Infinity) {
    throw new RangeError(`maxSize must be an integer (0: unbounded) or Infinity: ${maxSize}`);
  }
  return maxSize > 0 ? maxSize : Infinity;
}

/** The core of a queue. */
export function queueCore<T>(options: QueueOptions<T>): QueueCore {
  const { maxSize = 0, name, weigh } = options;
  const capacity = capacityOf(maxSize);
  checkOptionalFunction("weigh", weigh);
  checkOptionalString("name", name);
  const { storage = new Ring(), rank } = (options as Ordered)[order] ?? {};
  const traits: Traits = {
    kind: "queue",
    name,
    entry: entryMaker(storage, rank, weigh as Read | undefined),
    weighed: weigh !== undefined,
  };
  return new QueueCore(traits, capacity, storage, new Ledger());
}

/** undefined: the items themselves are stored. */
function entryMaker(
  storage: Storage<unknown>,
  rank: Read | undefined,
  weigh: Read | undefined,
): MakeEntry | undefined {
  if (storage instanceof RankHeap) return ranked(rank, () => storage.kind, weigh);
  if (storage instanceof Heap) return ranked(undefined, () => undefined, weigh);
  return weigh === undefined ? undefined : weighed(weigh);
}
