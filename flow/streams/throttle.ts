import { show } from "../../core/check.ts";
import type { Cancel, Wait } from "../../core/contract.ts";
import type { Clock } from "../../tasks/clock.ts";
import type { Producer } from "../../tasks/tap.ts";
import type { Failure } from "./askers.ts";
import { checkDuration } from "../checks.ts";
import type { Feed } from "./feed.ts";
import { feedOf } from "./feed_of.ts";
import type { FlowStream } from "./flow_stream.ts";
import { LatestStream, timingOf, type TimingOptions } from "./latest_stream.ts";

/**
 * What a {@linkcode throttle} lets through. One of `leading` and `trailing` has to be true.
 *
 * @example
 * ```ts
 * import { throttle, type ThrottleOptions } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const options: ThrottleOptions = { trailing: false };
 * for await (const n of throttle([1, 2, 3], 100, options)) assertEquals(n, 1);
 * ```
 */
export interface ThrottleOptions extends TimingOptions {
  /** The first value after a pause is let through at once; true if left out. */
  readonly leading?: boolean | undefined;
  /** The last value of an interval is let through at its end; true if left out. */
  readonly trailing?: boolean | undefined;
}

/**
 * At most one value in `ms` milliseconds: the first one at once, and after that the latest at the end of
 * each interval in which some came. An interval begins with each value that is let through, and, without
 * `leading`, with the first value after a pause. (As lodash's; RxJS's `throttleTime` has no trailing value if
 * nothing else is said.) When the source ends, its last value still comes at the
 * end of its interval, and then the end, or the error.
 *
 * The source is read all the time from the first `next` on, as fast as it gives values, and the others are
 * dropped. A reader who comes late gets the newest of the values that were let through, at once.
 *
 * @example
 * ```ts
 * import { throttle } from "@sluice/sluice/flow";
 * import { ManualClock } from "@sluice/sluice/tasks";
 * import { Channel } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const clock = new ManualClock();
 * const moves = new Channel<number>(9);
 * const seen: [number, number][] = [];
 * const reading = (async () => {
 *   for await (const x of throttle(moves, 100, { clock })) seen.push([x, clock.now()]);
 * })();
 * for (let x = 0; x < 5; x++) {
 *   await moves.send(x);
 *   await clock.advance(40);
 * }
 * moves.close();
 * await clock.advance(100);
 * await reading;
 * assertEquals(seen, [[0, 0], [2, 100], [4, 200]]);
 * ```
 *
 * @throws TypeError or RangeError if an argument is not what it may be.
 */
export function throttle<T>(
  source: Producer<T>,
  ms: number,
  options?: Cancel | ThrottleOptions,
): FlowStream<T> {
  checkDuration("ms", ms, { finite: true });
  const { options: { leading = true, trailing = true }, clock } = timingOf<ThrottleOptions>(
    options,
  );
  checkBoolean("leading", leading);
  checkBoolean("trailing", trailing);
  if (!leading && !trailing) throw new TypeError("leading and trailing must not both be false");
  return new ThrottledStream<T>(feedOf(source), ms, leading, trailing, clock, options);
}

class ThrottledStream<T> extends LatestStream<T> {
  readonly #ms: number;
  readonly #leading: boolean;
  readonly #trailing: boolean;
  /** When the interval ends. */
  #until = -Infinity;
  /** The source has ended, so; a value is held that is not due yet. */
  #end: { readonly failure: Failure | undefined } | undefined;

  constructor(
    feed: Feed<T>,
    ms: number,
    leading: boolean,
    trailing: boolean,
    clock: Clock,
    wait: Wait | undefined,
  ) {
    super(feed, clock, wait);
    this.#ms = ms;
    this.#leading = leading;
    this.#trailing = trailing;
  }

  protected override arrived(value: T, now: number): void {
    if (now >= this.#until) {
      this.#until = now + this.#ms;
      if (this.#leading) return this.emit(value);
    }
    if (this.#trailing) this.hold(value, this.#until);
  }

  protected override emitted(at: number): void {
    this.#until = at + this.#ms;
    if (this.#end !== undefined) this.finish(false, this.#end.failure);
  }

  protected override ended(failure: Failure | undefined): void {
    if (this.holds) this.#end = { failure };
    else this.finish(false, failure);
  }
}

function checkBoolean(name: string, value: unknown): void {
  if (typeof value !== "boolean") {
    throw new TypeError(`${name} must be true or false, not ${show(value)}`);
  }
}
