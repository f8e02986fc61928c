/**
 * The sliding window: never more than so many in any stretch of time of a given length, wherever it
 * begins.
 *
 * It keeps a log of what was handed out within the last window, so it is exact: nothing is shared out
 * over parts of a window, and there is no moment at which twice the limit gets through. What was
 * handed out at a moment does not count any more when the window has passed since, to the very
 * millisecond. A grant is logged once and forgotten once, whatever its size; grants of the same moment
 * are one entry. Finding the moment at which so many have left takes a binary search.
 *
 * @module
 */
import { checkOptions } from "../../core/check.ts";
import { checkDuration, checkSize } from "../checks.ts";
import { GrantLog } from "./grant_log.ts";
import type { RateLimiterOptions } from "./limiter_options.ts";
import { RateLimiter } from "./rate_limiter.ts";
import type { RateMeter, Requests } from "./rate_meter.ts";

/**
 * What a {@linkcode SlidingWindow} is told.
 *
 * @example
 * ```ts
 * import { SlidingWindow, type SlidingWindowOptions } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const perMinute: SlidingWindowOptions = { limit: 100, window: 60_000 };
 * assertEquals(new SlidingWindow(perMinute).available, 100);
 * ```
 */
export interface SlidingWindowOptions extends RateLimiterOptions {
  /** How many may be had within any window. */
  readonly limit: number;
  /** How long a window is, in milliseconds. */
  readonly window: number;
}

/**
 * A rate limiter that keeps to a limit in every window of time, exactly. Unlike a token bucket it
 * never lets more through than `limit` in a window, and everything it has let through at once comes
 * free again at once.
 *
 * @example
 * ```ts
 * import { SlidingWindow } from "@sluice/sluice/flow";
 * import { ManualClock } from "@sluice/sluice/tasks";
 * import { assertEquals } from "@std/assert";
 *
 * const clock = new ManualClock();
 * const limiter = new SlidingWindow({ limit: 2, window: 1_000, clock });
 * const at: number[] = [];
 * for (let i = 0; i < 5; i++) void limiter.acquire().then(() => at.push(clock.now()));
 * await clock.advance(5_000);
 * assertEquals(at, [0, 0, 1_000, 1_000, 2_000]);
 * ```
 */
export class SlidingWindow extends RateLimiter {
  readonly #meter: WindowMeter;
  /** How long a window is, in milliseconds. */
  readonly window: number;

  /**
   * Nothing was handed out at first.
   *
   * @throws TypeError or RangeError if an option is not what it may be.
   */
  constructor(options: SlidingWindowOptions) {
    checkOptions("options", options);
    const { limit, window } = options;
    checkSize("limit", limit);
    checkDuration("window", window, { positive: true, finite: true });
    const meter = new WindowMeter(limit, window);
    super(meter, options);
    this.#meter = meter;
    this.window = window;
  }

  /** How many may be had within any window. */
  get limit(): number {
    return this.#meter.most;
  }

  /**
   * Another limit from now on, for which what was handed out before counts, too. Those who wait are
   * served as it has it; who wants more than that at once is rejected with a RangeError.
   *
   * @throws TypeError or RangeError if it is no integer of at least 1; then nothing has changed.
   */
  setLimit(limit: number): void {
    checkSize("limit", limit);
    this.change(() => this.#meter.most = limit);
  }
}

class WindowMeter implements RateMeter {
  most: number;
  readonly #window: number;
  readonly #log: GrantLog;

  constructor(limit: number, window: number) {
    this.most = limit;
    this.#window = window;
    this.#log = new GrantLog(window);
  }

  get idleAt(): number {
    return this.#log.last + this.#window;
  }

  due(count: number, ahead: Requests): number {
    const log = this.#log;
    const tooMany = log.units + ahead.units + count - this.most;
    // So many of the oldest have to leave first.
    if (tooMany <= 0) return -Infinity;
    if (tooMany <= log.units) return log.timeOf(tooMany) + this.#window;
    return this.#dueLater(count, ahead);
  }

  take(count: number, now: number): void {
    this.#log.add(now, count);
  }

  available(now: number): number {
    this.#log.forget(now);
    // A limit that was more before may have let more through.
    return Math.max(0, this.most - this.#log.units);
  }

  reset(): void {
    this.#log.clear();
  }

  /** Some of those who are ahead have to leave first, so this plays through what they will do. */
  #dueLater(count: number, ahead: Requests): number {
    const log = this.#log;
    const plan = new GrantLog(Infinity);
    const due = (wanted: number): number => {
      // More than none: not even the first of those ahead is due, or it would not wait.
      const tooMany = log.units + plan.units + wanted - this.most;
      const left = tooMany - log.units;
      return (left <= 0 ? log.timeOf(tooMany) : plan.timeOf(left)) + this.#window;
    };
    for (const wanted of ahead) plan.add(due(wanted), wanted);
    return due(count);
  }
}
