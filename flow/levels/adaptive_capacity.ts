/**
 * A capacity that follows the speed of those who take: as much room as keeps them busy, and no more
 * than keeps the wait in the queue short.
 *
 * - It counts and keeps no time for any item. A standing queue is the fewest items that were queued over
 *   a whole interval, after CoDel (RFC 8289); how long they stand follows from how many left meanwhile
 *   (Little's law: items = rate × wait). A burst that is gone within the interval is none.
 * - If items stand longer than the target, the capacity shrinks by a share; if not, and there was no
 *   room, it grows, by a share or by a step. With a step that is additive increase and multiplicative
 *   decrease (Chiu and Jain, 1989); one queue has nobody to be fair to, and a share catches up sooner.
 * - While more is queued than the capacity, the last decrease has not taken effect, and it shrinks no
 *   further. Nothing is dropped, ever.
 * - There is a timer only while items come or go. When nothing has happened for an interval it stops,
 *   and what was measured is kept until something does.
 *
 * @module
 */
import { afterFunc } from "../../context.ts";
import { show } from "../../core/check.ts";
import { coreOf } from "../../core/core_of.ts";
import type { QueueCore } from "../../core/queue_core.ts";
import { Queue } from "../../queue.ts";
import type { Timer } from "../../tasks/clock.ts";
import {
  type AdaptiveCapacityOptions,
  type AdaptivePlan,
  adaptivePlan,
} from "./adaptive_capacity_options.ts";

/**
 * What an {@linkcode AdaptiveCapacity} has measured and done.
 *
 * @example
 * ```ts
 * import { Queue } from "@sluice/sluice";
 * import { AdaptiveCapacity, type AdaptiveCapacityStats } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * using adaptive = new AdaptiveCapacity(new Queue<string>(100), { max: 1_000, target: 20 });
 * const { capacity, increases, decreases }: AdaptiveCapacityStats = adaptive.stats();
 * assertEquals([capacity, increases, decreases], [100, 0, 0]);
 * ```
 */
export interface AdaptiveCapacityStats {
  /** The capacity now. */
  readonly capacity: number;
  /** How long items had to stand in the queue when it was last measured, in milliseconds. */
  readonly wait: number;
  /**
   * How many left the queue in a second when that was last measured. What is handed over to somebody who
   * waits was never in it.
   */
  readonly throughput: number;
  /** How often the capacity has grown. */
  readonly increases: number;
  /** How often the capacity has shrunk. */
  readonly decreases: number;
}

/**
 * Resizes a queue so that items do not stand in it for longer than a target, whatever the speed of those
 * who take them.
 *
 * Made for a queue that is out of the bounds, it moves that within them; an unbounded one starts with
 * `max`. It may be resized by others, too: then it goes on from there.
 *
 * @typeParam T The type of the items.
 *
 * @example
 * ```ts
 * import { Queue } from "@sluice/sluice";
 * import { AdaptiveCapacity } from "@sluice/sluice/flow";
 * import { ManualClock } from "@sluice/sluice/tasks";
 * import { assert } from "@std/assert";
 *
 * const clock = new ManualClock();
 * const queue = new Queue<string>(64);
 * using adaptive = new AdaptiveCapacity(queue, { min: 2, max: 64, target: 100, clock });
 * // One job takes 10 ms, so that with 64 places each waits for 640 ms.
 * for (let done = 0; done < 200; done++) {
 *   while (queue.tryPut("job"));
 *   await clock.advance(10);
 *   queue.getNowait();
 * }
 * assert(adaptive.capacity < 16);
 * ```
 */
export class AdaptiveCapacity<in out T> implements Disposable {
  readonly #queue: Queue<T>;
  readonly #core: QueueCore;
  readonly #plan: AdaptivePlan;
  readonly #unobserve: () => void;
  #stopWaiting: (() => unknown) | undefined;
  #timer: Timer | undefined;
  /** When it began to measure; undefined: nothing is to be measured. */
  #since: number | undefined;
  /** The fewest items that were queued since. */
  #least = 0;
  /** How many were queued at the last look. */
  #size = 0;
  /** How many have left the queue since. */
  #taken = 0;
  /** There was no room for a while. */
  #full = false;
  /** Something has happened since the timer was set. */
  #active = false;
  #wait = 0;
  #throughput = 0;
  #increases = 0;
  #decreases = 0;

  /**
   * Adapts from now on, until it is disposed or the queue is shut down and drained.
   *
   * @throws TypeError or RangeError if `queue` is no queue of this module, or an option is none.
   */
  constructor(queue: Queue<T>, options: AdaptiveCapacityOptions) {
    if (!(queue instanceof Queue)) throw new TypeError(`queue must be a Queue, not ${show(queue)}`);
    this.#plan = adaptivePlan(options);
    this.#queue = queue;
    this.#core = coreOf(queue) as QueueCore;
    const { parent } = options;
    if (parent !== undefined) this.#stopWaiting = afterFunc(parent, () => this[Symbol.dispose]());
    queue.resize(this.#bounded(this.#core.capacity));
    this.#unobserve = this.#core.observe((taken) => this.#look(taken));
    if (!queue.empty) this.#look(false);
  }

  /** How much the queue holds now. */
  get capacity(): number {
    return this.#core.capacity;
  }

  /** What it has measured and done. */
  stats(): AdaptiveCapacityStats {
    return {
      capacity: this.capacity,
      wait: this.#wait,
      throughput: this.#throughput,
      increases: this.#increases,
      decreases: this.#decreases,
    };
  }

  /** Adapts no more: the queue stays as large as it is. */
  [Symbol.dispose](): void {
    this.#stopWaiting?.();
    this.#stopWaiting = undefined;
    this.#unobserve();
    this.#stop();
  }

  #bounded(capacity: number): number {
    const { min, max } = this.#plan;
    return Math.min(Math.max(capacity, min), max);
  }

  /** Something came or went. Runs in the middle of operations. */
  #look(taken: boolean): void {
    const { drained, storage } = this.#core;
    if (drained) {
      this.#stop();
      return;
    }
    if (this.#since === undefined) this.#begin();
    const { length } = storage;
    if (taken) this.#taken++;
    if (length < this.#least) this.#least = length;
    // Who enters in the step in which another leaves has waited for room.
    this.#full ||= this.#crowded || (taken && length >= this.#size);
    this.#size = length;
    if (this.#timer === undefined) this.#arm();
    this.#active = true;
  }

  /** Who wants to put has to wait. */
  get #crowded(): boolean {
    return this.#core.full || this.#core.putters.head !== null;
  }

  #begin(): void {
    this.#since = this.#plan.clock.now();
    this.#least = this.#core.storage.length;
    this.#taken = 0;
    this.#full = this.#crowded;
  }

  #arm(): void {
    this.#active = false;
    this.#timer = this.#plan.clock.after(this.#plan.interval, () => this.#measure());
  }

  #stop(): void {
    this.#timer?.stop();
    this.#timer = this.#since = undefined;
  }

  #measure(): void {
    this.#timer = undefined;
    if (!this.#active) {
      if (this.#queue.empty) this.#since = undefined;
      return;
    }
    this.#arm();
    const taken = this.#taken;
    const elapsed = this.#plan.clock.now() - this.#since!;
    // When none has left, all that is known is that the first one stands since then.
    const wait = this.#least === 0 ? 0 : elapsed * (taken === 0 ? 1 : this.#least / taken);
    if (taken === 0 && wait <= this.#plan.target) return;
    this.#wait = wait;
    this.#throughput = taken / elapsed * 1_000;
    this.#adapt(wait);
    // Whoever was told may have disposed it, or shut the queue down.
    if (this.#timer !== undefined) this.#begin();
  }

  #adapt(wait: number): void {
    const { target, increase, decrease, onResize } = this.#plan;
    const previous = this.#core.capacity;
    const from = this.#bounded(previous);
    let capacity = from;
    if (wait > target) {
      if (this.#core.weight <= from) capacity = Math.floor(from * decrease);
    } else if (this.#full) {
      capacity = from + (increase < 1 ? Math.ceil(from * increase) : increase);
    }
    capacity = this.#bounded(capacity);
    if (capacity === previous) return;
    if (capacity > previous) this.#increases++;
    else this.#decreases++;
    this.#queue.resize(capacity);
    try {
      onResize?.(capacity, previous);
    } catch (error) {
      reportError(error);
    }
  }
}
