/**
 * Queues, after asyncio: `Queue`, `LifoQueue` and `PriorityQueue` with put, get, taskDone, join and
 * shutdown.
 *
 * Order: items are accepted in the order of their putters, and getters are served in the order in
 * which they came; nobody who comes later is faster, also not by a call that does not wait. Here
 * these queues are stricter than asyncio's. Cancellation: a cancelled call leaves the queue as it
 * was.
 *
 * An item is unfinished from when it is accepted (not while its put waits) until `taskDone`.
 *
 * @example
 * ```ts
 * import { Queue } from "@sluice/sluice/queue";
 *
 * const queue = new Queue<string>(3);
 * const worker = (async () => {
 *   for await (const job of queue) {
 *     console.log(job);
 *     queue.taskDone();
 *   }
 * })();
 * for (const job of ["wash", "dry", "fold"]) await queue.put(job);
 * await queue.join();
 * queue.shutdown();
 * await worker;
 * ```
 *
 * @module
 */
import { takeBatch } from "./core/batch.ts";
import { checkOptionalFunction, checkOptions, show } from "./core/check.ts";
import type { BatchOptions, Cancel, ReceiverIterator, Wait } from "./core/contract.ts";
import type { Read } from "./core/entry.ts";
import { QueueEmpty, QueueFull } from "./core/errors.ts";
import { type Compare, Heap } from "./core/heap.ts";
import { type Lease, leasing } from "./core/lease.ts";
import type { Ledger } from "./core/ledger.ts";
import { NOTHING } from "./core/nothing.ts";
import {
  type Sink,
  type SinkPort,
  sinkPort,
  type Source,
  type SourcePort,
  sourcePort,
} from "./core/protocol.ts";
import type { QueueCore } from "./core/queue_core.ts";
import {
  capacityOf,
  optionsOf,
  ordered,
  type PriorityQueueOptions,
  queueCore,
  type QueueOptions,
} from "./core/queue_options.ts";
import { CoreIterator } from "./core/receiver_iterator.ts";
import { RankHeap } from "./core/rank_heap.ts";
import { Stack } from "./core/stack.ts";
import { bare, batching } from "./core/taking.ts";

export { ClosedError, QueueEmpty, QueueFull, QueueShutDown } from "./core/errors.ts";
export type { ClosedErrorOptions } from "./core/errors.ts";
export type { Lease } from "./core/lease.ts";
export type { Priority, PriorityQueueOptions, QueueOptions } from "./core/queue_options.ts";
export type {
  BatchOptions,
  Cancel,
  Context,
  Receiver,
  ReceiverIterator,
  Wait,
  WaitOptions,
} from "./core/contract.ts";

/**
 * First in, first out; asyncio's `Queue`.
 *
 * @typeParam T The type of the items.
 *
 * @example
 * ```ts
 * import { Queue } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const queue = new Queue<string>({ maxSize: 100, name: "jobs" });
 * await queue.put("wash");
 * assertEquals(await queue.get(), "wash");
 * queue.taskDone();
 * await queue.join();
 * ```
 */
export class Queue<in out T> implements AsyncIterable<T>, Source<T>, Sink<T>, Disposable {
  readonly #core: QueueCore;
  readonly #ledger: Ledger;
  #maxSize: number;

  /** A number is `maxSize`. */
  constructor(options?: number | QueueOptions<T>) {
    const given = optionsOf<T, QueueOptions<T>>(options);
    this.#core = queueCore(given);
    this.#ledger = this.#core.ledger as Ledger;
    this.#maxSize = given.maxSize ?? 0;
  }

  /** As given, or as `resize` has set it. */
  get maxSize(): number {
    return this.#maxSize;
  }

  /** Named in errors, statistics and reports. */
  get name(): string | undefined {
    return this.#core.name;
  }

  /** How many items are queued, whatever they weigh. */
  get size(): number {
    return this.#core.storage.length;
  }

  /** What they weigh together; the same as `size` without `weigh`. `full` compares this. */
  get weight(): number {
    return this.#core.weight;
  }

  /** Accepted items whose `taskDone` has not been called. */
  get unfinished(): number {
    return this.#ledger.unfinished;
  }

  /** Nothing is queued. */
  get empty(): boolean {
    return this.size === 0;
  }

  /** `weight` has reached `maxSize`; never, if that is 0 or less. */
  get full(): boolean {
    return this.#core.full;
  }

  /** `shutdown` has been called; there may still be items to get. */
  get closed(): boolean {
    return this.#core.closed;
  }

  /**
   * Adds an item; waits while there is no room, or others wait for it. A cancelled put adds nothing.
   *
   * Rejects with QueueShutDown, which carries the item, also while it waits; with a TypeError or
   * RangeError if the item's weight or rank is none.
   */
  put(item: T, wait?: Wait): Promise<void> {
    return this.#core.put(item, wait);
  }

  /**
   * Takes the next item out; waits for one if there is none. A cancelled get takes nothing. An item
   * that is a promise is waited for, as promises do: `lease`, `tryGet` and iteration give it as it
   * is.
   *
   * Rejects with QueueShutDown when the queue is shut down and drained.
   */
  get(wait?: Wait): Promise<T> {
    return this.#core.take<T>(bare, wait);
  }

  /** Adds an item if it need not wait. false: no room. Throws QueueShutDown. */
  tryPut(item: T): boolean {
    return this.#core.offer(item);
  }

  /** The next item, boxed, since undefined is an item. undefined: nothing there. */
  tryGet(): { readonly value: T } | undefined {
    const value = this.#core.poll();
    return value === NOTHING ? undefined : { value: value as T };
  }

  /** Adds an item, or throws QueueFull; or QueueShutDown. */
  putNowait(item: T): void {
    if (this.tryPut(item)) return;
    throw new QueueFull(`${this.#core.label} is full: wait with put, or take items out first`);
  }

  /** The next item, or throws QueueEmpty; or QueueShutDown once it is drained. */
  getNowait(): T {
    const value = this.#core.poll();
    if (value !== NOTHING) return value as T;
    if (this.#core.drained) throw this.#core.exhaustion();
    throw new QueueEmpty(`${this.#core.label} has nothing to get now: wait with get`);
  }

  /**
   * Up to `max` items, at least one: those that are there, or, with `min` or `linger`, what has come
   * when the batch is full. Until then the items stay in the queue, so that a cancelled batch loses
   * none, and later getters wait behind it.
   *
   * Rejects with QueueShutDown when the queue is shut down and drained; with a RangeError if `max` or
   * `min` is no count, or `min` is more than `max` or `maxSize`.
   *
   * @example
   * ```ts
   * import { Queue } from "@sluice/sluice";
   * import { assertEquals } from "@std/assert";
   *
   * const queue = new Queue<number>();
   * for (const n of [1, 2, 3]) await queue.put(n);
   * assertEquals(await queue.getBatch(128, { linger: 5 }), [1, 2, 3]);
   * ```
   */
  getBatch(max: number, wait?: Cancel | BatchOptions): Promise<T[]> {
    return takeBatch<T>(this.#core, batching, max, wait);
  }

  /**
   * As `get`, for an item that must be accounted for whatever happens: leaving the scope is
   * `taskDone`.
   *
   * @example
   * ```ts
   * import { Queue } from "@sluice/sluice";
   * import { assertEquals } from "@std/assert";
   *
   * const queue = new Queue<string>();
   * await queue.put("wash");
   * {
   *   using job = await queue.lease();
   *   assertEquals(job.value, "wash");
   * }
   * assertEquals(queue.unfinished, 0);
   * ```
   */
  lease(wait?: Wait): Promise<Lease<T>> {
    return this.#core.take<Lease<T>>(leasing, wait);
  }

  /**
   * `count` items, 1 if left out, are processed. Throws RangeError if so many are not unfinished;
   * items out on lease count for themselves.
   */
  taskDone(count = 1): void {
    this.#ledger.done(count);
  }

  /** Waits until no item is unfinished. */
  join(wait?: Wait): Promise<void> {
    return this.#ledger.join(wait);
  }

  /**
   * Changes `maxSize` while the queue is in use. With more room, puts that wait enter at once, oldest
   * first. With less, nothing is dropped: the queue is full until enough has been taken out. A put that
   * waits and has become heavier than `maxSize` enters when the queue is empty.
   *
   * @example
   * ```ts
   * import { Queue } from "@sluice/sluice";
   * import { assertEquals } from "@std/assert";
   *
   * const queue = new Queue<string>(1);
   * queue.putNowait("wash");
   * const waiting = queue.put("dry");
   * queue.resize(2);
   * await waiting;
   * assertEquals([queue.size, queue.maxSize], [2, 2]);
   * ```
   *
   * @throws TypeError or RangeError if `maxSize` is none. TypeError if it is `compare` that resizes.
   */
  resize(maxSize: number): void {
    const capacity = capacityOf(maxSize);
    this.#core.refuseWhileComparing("resize");
    // Whoever is let in sees the new size, and may change it again.
    this.#maxSize = maxSize;
    this.#core.resize(capacity);
  }

  /**
   * Refuses further items. Puts that wait reject with QueueShutDown; what is queued can still be got,
   * then gets reject too. With `immediate` the queued items are dropped and count as done. A second
   * call does nothing, unless it is the first one with `immediate`.
   */
  shutdown(options?: { readonly immediate?: boolean }): void {
    if (options !== undefined) checkOptions("options", options);
    const immediate = options?.immediate ?? false;
    if (!this.closed || (immediate && !this.#core.dropped)) this.#core.close(undefined, immediate);
  }

  /** Where `select` takes items from. */
  get [sourcePort](): SourcePort<T> {
    return this.#core.source;
  }

  /** Where `select` offers items to. */
  get [sinkPort](): SinkPort<T> {
    return this.#core.sink;
  }

  /**
   * The items until the queue is shut down and drained. It does not call `taskDone`: iteration is for
   * draining, `lease` for accounting.
   */
  [Symbol.asyncIterator](): ReceiverIterator<T> {
    return new CoreIterator<T>(this.#core);
  }

  /** `shutdown()`: what is queued can still be got. */
  [Symbol.dispose](): void {
    this.shutdown();
  }
}

/**
 * Last in, first out; asyncio's `LifoQueue`. Puts that wait are let in oldest first.
 *
 * @typeParam T The type of the items.
 *
 * @example
 * ```ts
 * import { LifoQueue } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const stack = new LifoQueue<number>();
 * await stack.put(1);
 * await stack.put(2);
 * assertEquals(await stack.get(), 2);
 * ```
 */
export class LifoQueue<in out T> extends Queue<T> {
  /** A number is `maxSize`. */
  constructor(options?: number | QueueOptions<T>) {
    super(ordered(optionsOf<T, QueueOptions<T>>(options), new Stack()));
  }
}

/**
 * The smallest first, equals first in, first out; asyncio's `PriorityQueue`, with a stable order. Puts
 * that wait are let in oldest first; their rank counts from then on.
 *
 * @typeParam T The type of the items.
 *
 * @example
 * ```ts
 * import { PriorityQueue } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const tasks = new PriorityQueue<{ name: string; urgency: number }>({
 *   priority: (task) => -task.urgency,
 * });
 * await tasks.put({ name: "statistics", urgency: 1 });
 * await tasks.put({ name: "alarm", urgency: 10 });
 * assertEquals((await tasks.get()).name, "alarm");
 * ```
 */
export class PriorityQueue<in out T> extends Queue<T> {
  /** Without `priority` and `compare` an item that is no Priority makes the put throw TypeError. */
  constructor(options?: number | PriorityQueueOptions<T>) {
    const given = optionsOf<T, PriorityQueueOptions<T>>(options);
    const { priority, compare } = given;
    checkOptionalFunction("priority", priority);
    checkOptionalFunction("compare", compare);
    if (priority !== undefined && compare !== undefined) {
      throw new TypeError(
        `priority and compare exclude each other: give ${show(priority)} or ${show(compare)}`,
      );
    }
    const storage = compare === undefined ? new RankHeap() : new Heap(compare as Compare);
    const rank = compare === undefined ? priority ?? ((item: unknown) => item) : undefined;
    super(ordered(given, storage, rank as Read | undefined));
  }
}
