/**
 * Marks on how full a queue or channel is: producers are warned before it is full, and refused before
 * it is hopeless.
 *
 * - The level is right whenever it is read, however items came and went: by calls, selects, batches,
 *   cancellation, shutdown, or a resize. An item that leaves and those that enter for it are one step.
 * - Each change is told once, in order, in a microtask of its own, when nothing is half done. So
 *   whoever is told may call everything, and is never told the same level twice in a row.
 * - A cancelled `pressure` or `submit` leaves no trace.
 *
 * @module
 */
import { afterFunc } from "../../context.ts";
import type { Channel } from "../../channel.ts";
import { checkOptions, show } from "../../core/check.ts";
import type { Wait } from "../../core/contract.ts";
import { coreOf } from "../../core/core_of.ts";
import { NOTHING } from "../../core/nothing.ts";
import type { QueueCore } from "../../core/queue_core.ts";
import { tryOrPark } from "../../core/try_or_park.ts";
import { countCall, refused } from "../../core/turn.ts";
import { enter } from "../../core/wait.ts";
import type { Queue } from "../../queue.ts";
import { labelOf, OverloadError } from "../errors.ts";
import { LevelWatch } from "./level_watch.ts";
import { checkMarks, type FlowLevel, type WaterMarkOptions } from "./marks.ts";

/**
 * How things stand with {@linkcode WaterMarks}.
 *
 * @example
 * ```ts
 * import { Channel } from "@sluice/sluice";
 * import { WaterMarks, type WaterMarkStats } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * using marks = new WaterMarks(new Channel<string>(10));
 * await marks.submit("hello");
 * const { level, fill, submitted }: WaterMarkStats = marks.stats();
 * assertEquals({ level, fill, submitted }, { level: "normal", fill: 1, submitted: 1 });
 * ```
 */
export interface WaterMarkStats {
  /** The level now. */
  readonly level: FlowLevel;
  /** How many items are queued, or what they weigh. */
  readonly fill: number;
  /** Where the marks are now. */
  readonly low: number;
  /** Where the marks are now. */
  readonly middle: number;
  /** Where the marks are now. */
  readonly high: number;
  /** How often the level has become "warning", from below or from above. */
  readonly warnings: number;
  /** How often the level has become "overload". */
  readonly overloads: number;
  /** How many items `submit` and `trySubmit` have put in. */
  readonly submitted: number;
  /** How many they have refused because of an overload. */
  readonly rejected: number;
  /** How many the fallback got instead. */
  readonly diverted: number;
  /** How many calls of `pressure` wait. */
  readonly waiting: number;
}

/**
 * Watches how full a queue or channel is. Below the middle mark all is "normal"; from there on producers
 * are to slow down; from the high mark on nothing more is accepted, and it has to drain to the middle
 * before "overload" is over, and to the low mark before all is normal again.
 *
 * Marks that are left out follow the capacity when the queue is resized; in a queue that has become
 * unbounded they are never reached. The queue can be used as before: marks bind those who ask them.
 *
 * @typeParam T The type of the items.
 *
 * @example
 * ```ts
 * import { Queue } from "@sluice/sluice";
 * import { OverloadError, WaterMarks } from "@sluice/sluice/flow";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const queue = new Queue<string>(10);
 * using marks = new WaterMarks(queue, { onChange: (level) => console.log(level) });
 * while (marks.level !== "overload") await marks.submit("a request");
 * await assertRejects(() => marks.submit("one too many"), OverloadError, "9 of 9");
 *
 * const calm = marks.pressure(); // whoever can wait does
 * while (!queue.empty) queue.getNowait();
 * await calm;
 * assertEquals(marks.level, "normal");
 * ```
 */
export class WaterMarks<in T> implements Disposable {
  readonly #core: QueueCore;
  readonly #watch: LevelWatch;
  readonly #fallback: ((item: T, error: OverloadError) => unknown) | undefined;
  readonly #label: string;
  #stopWaiting: (() => unknown) | undefined;
  #submitted = 0;
  #rejected = 0;
  #diverted = 0;

  /**
   * Watches from now on, until it is disposed.
   *
   * @throws TypeError if `queue` is neither a queue nor a channel, or an option is of a wrong kind.
   * @throws RangeError if the marks are not in order, or left out for an unbounded queue, or can never
   * be reached.
   */
  constructor(queue: Queue<T> | Channel<T>, options: WaterMarkOptions<T> = {}) {
    const core = coreOf(queue);
    if (core === undefined) {
      throw new TypeError(`queue must be a Queue or a Channel, not ${show(queue)}`);
    }
    if (core.capacity === 0) {
      throw new RangeError(
        "queue must have a capacity of at least 1: an unbuffered channel has none",
      );
    }
    checkOptions("options", options);
    checkMarks(options, core.capacity);
    this.#core = core;
    const { fallback, name, parent } = options;
    if (parent !== undefined) this.#stopWaiting = afterFunc(parent, () => this[Symbol.dispose]());
    this.#fallback = fallback;
    this.#label = name === undefined ? core.label : labelOf("queue", name);
    this.#watch = new LevelWatch(core, options);
  }

  /** How things stand now. Disposed: "normal". */
  get level(): FlowLevel {
    return this.#watch.level;
  }

  /** How many items are queued, or what they weigh. */
  get fill(): number {
    return this.#core.weight;
  }

  /** Down to here it has to drain to be normal again. */
  get low(): number {
    return this.#watch.marks.low;
  }

  /** From here on producers are to slow down. */
  get middle(): number {
    return this.#watch.marks.middle;
  }

  /** From here on nothing more is accepted. */
  get high(): number {
    return this.#watch.marks.high;
  }

  /**
   * Resolves at once while the level is normal, and otherwise when it is normal again: who awaits this
   * before each item slows down in time. All who wait go on together. It resolves too when the queue is
   * closed, for then a put tells so, and when the marks are disposed.
   */
  pressure(wait?: Wait): Promise<void> {
    const watch = this.#watch;
    return tryOrPark<void>(watch.line, wait, () => watch.calm ? undefined : NOTHING);
  }

  /**
   * Puts an item in, and waits for room if there is none. In an overload it is refused at once: then
   * the fallback gets it, and this settles as the fallback does; without one it rejects with
   * OverloadError, which carries the item. A cancelled submit puts nothing in.
   *
   * Rejects with ClosedError, or QueueShutDown, as the put does.
   */
  submit(item: T, wait?: Wait): Promise<void> {
    return this.#overloaded ? this.#refuse(item, wait) : this.#put(item, wait);
  }

  /**
   * Puts an item in if it need not wait. false: no room, or overload; the fallback is not asked.
   * Throws ClosedError or QueueShutDown.
   */
  trySubmit(item: T): boolean {
    if (this.#overloaded) {
      this.#rejected++;
      return false;
    }
    if (!this.#core.offer(item)) return false;
    this.#submitted++;
    return true;
  }

  /** How things stand. */
  stats(): WaterMarkStats {
    const { level, fill, low, middle, high } = this;
    return {
      level,
      fill,
      low,
      middle,
      high,
      warnings: this.#watch.warnings,
      overloads: this.#watch.overloads,
      submitted: this.#submitted,
      rejected: this.#rejected,
      diverted: this.#diverted,
      waiting: this.#watch.line.length,
    };
  }

  /**
   * Watches no more: nothing is refused, nobody has to slow down, nothing more is told. The queue stays
   * as it is.
   */
  [Symbol.dispose](): void {
    this.#stopWaiting?.();
    this.#stopWaiting = undefined;
    this.#watch.stop();
  }

  /** A closed queue refuses by itself. */
  get #overloaded(): boolean {
    return this.level === "overload" && !this.#core.closed;
  }

  async #put(item: T, wait: Wait | undefined): Promise<void> {
    await this.#core.put(item, wait);
    this.#submitted++;
  }

  async #refuse(item: T, wait: Wait | undefined): Promise<void> {
    countCall();
    if (wait !== undefined) enter(wait);
    const { fill } = this;
    const limit = this.high;
    const error = new OverloadError(
      `${this.#label} is overloaded, ${fill} of ${limit}: ` +
        "wait with pressure, or leave this out",
      { fill, limit, value: item },
    );
    if (this.#fallback === undefined) {
      this.#rejected++;
      // Who tries again and again leaves room for others.
      return await refused(error);
    }
    this.#diverted++;
    await this.#fallback(item, error);
  }
}
