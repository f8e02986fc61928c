import type { Cancel, Wait } from "../../core/contract.ts";
import type { Clock } from "../../tasks/clock.ts";
import type { Producer } from "../../tasks/tap.ts";
import { checkDuration } from "../checks.ts";
import type { Feed } from "./feed.ts";
import { feedOf } from "./feed_of.ts";
import type { FlowStream } from "./flow_stream.ts";
import { LatestStream, timingOf, type TimingOptions } from "./latest_stream.ts";

/**
 * What a {@linkcode debounce} can be told.
 *
 * @example
 * ```ts
 * import { debounce, type DebounceOptions } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const options: DebounceOptions = { maxWait: 5_000 };
 * for await (const text of debounce(["a", "ab"], 300, options)) assertEquals(text, "ab");
 * ```
 */
export interface DebounceOptions extends TimingOptions {
  /**
   * How many milliseconds it waits at most for a pause, counted from the first value after the last one
   * that was let through; forever if left out. It is at least as long as the pause.
   */
  readonly maxWait?: number | undefined;
}

/**
 * The values that were followed by no other for `ms` milliseconds: the last one before each pause. When
 * the source ends, or fails, its last value is given at once, and then comes the end, or the error (RxJS
 * drops it before an error).
 *
 * The source is read all the time from the first `next` on, as fast as it gives values, and those that
 * are followed by another one too soon are dropped. A reader who comes late gets the newest of the values
 * that were let through.
 *
 * @example
 * ```ts
 * import { debounce } from "@sluice/sluice/flow";
 * import { ManualClock } from "@sluice/sluice/tasks";
 * import { Channel } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const clock = new ManualClock();
 * const typed = new Channel<string>(9);
 * const next = debounce(typed, 300, { clock }).next();
 * for (const text of ["s", "sl", "slu"]) {
 *   await typed.send(text);
 *   await clock.advance(200);
 * }
 * await clock.advance(100);
 * assertEquals([await next, clock.now()], [{ done: false, value: "slu" }, 700]);
 * ```
 *
 * @throws TypeError or RangeError if an argument is not what it may be.
 */
export function debounce<T>(
  source: Producer<T>,
  ms: number,
  options?: Cancel | DebounceOptions,
): FlowStream<T> {
  checkDuration("ms", ms);
  const { options: { maxWait = Infinity }, clock } = timingOf<DebounceOptions>(options);
  checkDuration("maxWait", maxWait);
  if (maxWait < ms) throw new RangeError(`maxWait must be at least ms, ${ms}: ${maxWait}`);
  return new DebouncedStream<T>(feedOf(source), ms, maxWait, clock, options);
}

class DebouncedStream<T> extends LatestStream<T> {
  readonly #ms: number;
  readonly #maxWait: number;
  /** When the value that is held is due, whatever follows it. */
  #limit = Infinity;

  constructor(feed: Feed<T>, ms: number, maxWait: number, clock: Clock, wait: Wait | undefined) {
    super(feed, clock, wait);
    this.#ms = ms;
    this.#maxWait = maxWait;
  }

  protected override arrived(value: T, now: number): void {
    if (!this.holds) this.#limit = now + this.#maxWait;
    this.hold(value, Math.min(now + this.#ms, this.#limit));
  }
}
