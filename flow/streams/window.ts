import { checkCount, checkOptions } from "../../core/check.ts";
import type { WaitOptions } from "../../core/contract.ts";
import { checkWait } from "../../core/wait.ts";
import { checkClock, type Clock, realClock, type Timer } from "../../tasks/clock.ts";
import type { Producer } from "../../tasks/tap.ts";
import { checkDuration } from "../checks.ts";
import type { Feed } from "./feed.ts";
import { feedOf } from "./feed_of.ts";
import type { FlowStream } from "./flow_stream.ts";
import { PullStream } from "./operator_stream.ts";

/**
 * When a window is complete: whichever comes first. One of `count` and `ms` has to be given.
 *
 * @example
 * ```ts
 * import { window, type WindowOptions } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const options: WindowOptions = { count: 100, ms: 50 };
 * for await (const values of window([1, 2, 3], options)) assertEquals(values, [1, 2, 3]);
 * ```
 */
export interface WindowOptions extends WaitOptions {
  /** How many values a window has at most; Infinity if left out. */
  readonly count?: number | undefined;
  /** How long it waits for more values after its first one, in milliseconds; forever if left out. */
  readonly ms?: number | undefined;
  /** What `ms` is measured by; `realClock` if left out. */
  readonly clock?: Clock | undefined;
}

/**
 * Values together, in arrays: `count` of them, or those that have come within `ms` of the first. What
 * there is when the source ends or fails, and when the window is left while a `next` waits, is given as
 * the last one. A window has at least one value, and is filled only while a `next` waits for it.
 *
 * When time is up, a channel or queue is not read any further. Of other sources one value may be on its
 * way, which goes into the next window.
 *
 * @example
 * ```ts
 * import { window } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const seen: number[][] = [];
 * for await (const pair of window([1, 2, 3], { count: 2 })) seen.push(pair);
 * assertEquals(seen, [[1, 2], [3]]);
 * ```
 *
 * @throws TypeError or RangeError if an argument is not what it may be.
 */
export function window<T>(source: Producer<T>, options: WindowOptions): FlowStream<T[]> {
  checkOptions("options", options);
  const { count, ms, clock = realClock } = options;
  if (count === undefined && ms === undefined) {
    throw new TypeError("a window must have a count, or ms, or both");
  }
  if (count !== undefined) checkCount("count", count, 1);
  if (ms !== undefined) checkDuration("ms", ms, { positive: true });
  checkClock(clock);
  checkWait(options);
  return new WindowStream<T>(feedOf(source), count ?? Infinity, ms, clock, options);
}

class WindowStream<T> extends PullStream<T, T[]> {
  readonly #count: number;
  readonly #ms: number | undefined;
  readonly #clock: Clock;
  #values: T[] = [];
  /** When the first of them came. */
  #since = 0;
  /** Runs while there are some, and somebody waits. */
  #timer: Timer | undefined;
  /** Time is up, and a last value is on its way. */
  #late = false;

  constructor(
    feed: Feed<T>,
    count: number,
    ms: number | undefined,
    clock: Clock,
    wait: WaitOptions,
  ) {
    super(feed, wait);
    this.#count = count;
    this.#ms = ms;
    this.#clock = clock;
  }

  protected override ask(): void {
    const values = this.#values.length;
    if (values >= this.#count || this.#late) return this.#hand();
    if (values > 0 && this.#ms !== undefined && this.#timer === undefined) {
      const left = this.#since + this.#ms - this.#clock.now();
      // One that came while nobody waited.
      if (left <= 0) return this.#hand();
      this.#timer = this.#clock.after(left, () => this.#timeIsUp());
    }
    this.read();
  }

  protected override handle(value: T): void {
    if (this.#values.push(value) === 1 && this.#ms !== undefined) this.#since = this.#clock.now();
    this.again();
  }

  protected override get holding(): boolean {
    return this.#values.length > 0;
  }

  protected override get held(): number {
    return this.#values.length;
  }

  protected override flush(): void {
    if (this.#values.length > 0) this.#hand();
  }

  protected override release(): void {
    this.#timer?.stop();
    this.#timer = undefined;
  }

  protected override pause(): void {
    this.release();
  }

  #timeIsUp(): void {
    this.#timer = undefined;
    if (this.recallRead(true) === "arriving") {
      this.#late = true;
      return;
    }
    this.resume();
    // Serving those who stood behind may have run somebody's code.
    if (this.#values.length > 0 && this.wanted) this.#hand();
  }

  #hand(): void {
    this.release();
    this.#late = false;
    const values = this.#values;
    this.#values = [];
    this.give(values, values.length);
  }
}
