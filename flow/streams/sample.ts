import type { Cancel, Wait } from "../../core/contract.ts";
import type { Clock } from "../../tasks/clock.ts";
import type { Producer } from "../../tasks/tap.ts";
import type { Failure } from "./askers.ts";
import { checkDuration } from "../checks.ts";
import type { Feed, Recall, Taker } from "./feed.ts";
import { feedOf, feedsOf } from "./feed_of.ts";
import type { FlowStream } from "./flow_stream.ts";
import { LatestStream, timingOf, type TimingOptions } from "./latest_stream.ts";

/**
 * The latest value, again and again: every `ms` milliseconds from the first `next` on, or whenever `ticks`
 * gives something. If none has come since the last time there is nothing to give. A value that comes at
 * the very moment of a sample is for the next one.
 *
 * It ends with its source, or with its ticks; what is new then is given at once, so that the last value is
 * not lost. Source and ticks are read all the time from the first `next` on, as fast as they give values,
 * and the others are dropped. A reader who comes late gets the newest sample.
 *
 * @example
 * ```ts
 * import { sample } from "@sluice/sluice/flow";
 * import { ManualClock } from "@sluice/sluice/tasks";
 * import { Channel } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const clock = new ManualClock();
 * const degrees = new Channel<number>(9);
 * const seen: [number, number][] = [];
 * const reading = (async () => {
 *   for await (const d of sample(degrees, 100, { clock })) seen.push([d, clock.now()]);
 * })();
 * for (const d of [20.5, 20.6, 20.7, 20.9]) {
 *   await clock.advance(40);
 *   await degrees.send(d);
 * }
 * degrees.close();
 * await reading;
 * assertEquals(seen, [[20.6, 100], [20.9, 160]]);
 * ```
 *
 * @throws TypeError or RangeError if an argument is not what it may be.
 */
export function sample<T>(
  source: Producer<T>,
  when: number | Producer<unknown>,
  options?: Cancel | TimingOptions,
): FlowStream<T> {
  const { clock } = timingOf<TimingOptions>(options);
  if (typeof when === "number") {
    checkDuration("ms", when, { positive: true });
    return new TimedSamples<T>(feedOf(source), when, clock, options);
  }
  const [feed, ticks] = feedsOf<unknown>([source, when]);
  return new TickedSamples<T>(feed as Feed<T>, ticks!, clock, options);
}

class TimedSamples<T> extends LatestStream<T> {
  readonly #ms: number;
  #since = 0;

  constructor(feed: Feed<T>, ms: number, clock: Clock, wait: Wait | undefined) {
    super(feed, clock, wait);
    this.#ms = ms;
  }

  protected override begin(now: number): void {
    this.#since = now;
  }

  protected override arrived(value: T, now: number): void {
    const count = Math.floor((now - this.#since) / this.#ms);
    const at = this.#since + count * this.#ms;
    // Not later than now, unless the count was rounded up.
    this.hold(value, at > now ? at : this.#since + (count + 1) * this.#ms);
  }
}

class TickedSamples<T> extends LatestStream<T> {
  readonly #ticks: Feed<unknown>;
  #asked = false;
  readonly #taker: Taker<unknown> = {
    take: () => this.#tick(),
    finish: () => this.#ticksEnded(undefined),
    fail: (error) => this.#ticksEnded({ error }),
  };

  constructor(feed: Feed<T>, ticks: Feed<unknown>, clock: Clock, wait: Wait | undefined) {
    super(feed, clock, wait);
    this.#ticks = ticks;
  }

  protected override begin(): void {
    this.#pull();
  }

  protected override arrived(value: T): void {
    this.hold(value, Infinity);
  }

  protected override ended(failure: Failure | undefined): void {
    this.#leave();
    this.#ticks.follow();
    this.#ticks.stop();
    super.ended(failure);
  }

  override resume(): void {
    super.resume();
    this.#ticks.follow();
  }

  protected override recallRead(): Recall {
    if (this.over) this.#leave();
    return super.recallRead();
  }

  protected override stopSource(): boolean {
    this.#ticks.stop();
    return super.stopSource();
  }

  #pull(): void {
    if (this.#asked || this.over) return;
    this.#asked = true;
    this.#ticks.pull(this.#taker);
  }

  #leave(): void {
    if (this.#asked) this.#ticks.recall();
  }

  #tick(): void {
    this.#asked = false;
    this.emitHeld();
    this.#pull();
  }

  #ticksEnded(failure: Failure | undefined): void {
    this.#asked = false;
    if (this.over) return;
    this.emitHeld();
    this.finish(true, failure);
  }
}
