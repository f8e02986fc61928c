/**
 * The base of operators that let values through by time: the latest of those that have come, when it is
 * due.
 *
 * - From the first `next` on the source is read all the time, also while nobody waits: otherwise the
 *   time at which values come would be that of the reader. So a slow reader does not slow the source;
 *   values that are passed over are dropped, which is what these operators are for.
 * - Of what is due and was not read the newest is kept, and one value that is not due yet.
 * - When a value is due follows from when values came, by the clock, not from when timers run or when it
 *   is read. There is a timer only while somebody waits, and a value is held for him.
 * - The end of the source, or its error, comes after the value that is held. What ends it early drops
 *   that, unless it is due; what is still in a channel or a queue stays there.
 *
 * @module
 */
import type { Cancel, Wait, WaitOptions } from "../../core/contract.ts";
import { checkOptions } from "../../core/check.ts";
import { NOTHING } from "../../core/nothing.ts";
import { checkWait } from "../../core/wait.ts";
import { checkClock, type Clock, realClock, type Timer } from "../../tasks/clock.ts";
import { isCancel } from "../../tasks/results.ts";
import type { Failure } from "./askers.ts";
import type { Feed, Patience, Recall, Taker } from "./feed.ts";
import { delayUntil } from "../limits/request_line.ts";
import { ServedStream } from "./served_stream.ts";

/** A timer that ran too early, as those of a machine may by a part of a millisecond, waits so long. */
const AGAIN = 1;

/**
 * What goes by time, and what ends it: for {@linkcode debounce}, {@linkcode throttle} and
 * {@linkcode sample}. A timeout counts from the first `next`.
 *
 * @example
 * ```ts
 * import { sample, type TimingOptions } from "@sluice/sluice/flow";
 * import { ManualClock } from "@sluice/sluice/tasks";
 * import { assertEquals } from "@std/assert";
 *
 * const options: TimingOptions = { clock: new ManualClock(), timeout: 1_000 };
 * assertEquals(await sample([1, 2, 3], 10, options).next(), { done: false, value: 3 });
 * ```
 */
export interface TimingOptions extends WaitOptions {
  /** What it goes by; the monotonic clock of the machine if left out. */
  readonly clock?: Clock | undefined;
}

/** Checks what was given, and gives it as options. */
export function timingOf<O extends TimingOptions>(
  given: Cancel | O | undefined,
): { readonly options: Partial<O>; readonly clock: Clock } {
  checkWait(given);
  if (given === undefined || isCancel(given)) return { options: {}, clock: realClock };
  checkOptions("options", given);
  const { clock = realClock } = given;
  checkClock(clock);
  return { options: given, clock };
}

export abstract class LatestStream<T> extends ServedStream<T> {
  readonly #clock: Clock;
  readonly #feed: Feed<T>;
  readonly #taker: Taker<T> = {
    take: (value) => this.#take(value),
    finish: () => this.#sourceEnded(undefined),
    fail: (error) => this.#sourceEnded({ error }),
  };
  /** The source has been asked, and has not answered. */
  #reading = false;
  #begun = false;
  /** The value that is held. */
  #held: T | typeof NOTHING = NOTHING;
  /** When it is due. */
  #dueAt = Infinity;
  /** What was due, and was not read. */
  #unread: T | typeof NOTHING = NOTHING;
  #timer: Timer | undefined;
  #timerAt = Infinity;

  /** `wait` has passed `checkWait`. */
  constructor(feed: Feed<T>, clock: Clock, wait: Wait | undefined) {
    super(wait);
    this.#feed = feed;
    this.#clock = clock;
  }

  // What an operator says.

  /** A value has come: calls `hold` or `emit`, or drops it. */
  protected abstract arrived(value: T, now: number): void;

  /** What was held was due at that moment, and has been let through. */
  protected emitted(_at: number): void {}

  /** Somebody has asked for the first value. */
  protected begin(_now: number): void {}

  /** The source has ended: lets through what is held, and ends. */
  protected ended(failure: Failure | undefined): void {
    this.emitHeld();
    this.finish(false, failure);
  }

  // What it does that by.

  /** A value is held. */
  protected get holds(): boolean {
    return this.#held !== NOTHING;
  }

  /** Holds a value until it is due, in place of the one that was held. */
  protected hold(value: T, dueAt: number): void {
    this.#held = value;
    this.#dueAt = dueAt;
    if (this.serving === "asked") this.#setTimer(0);
  }

  /** Lets a value through, in place of one that was not read. */
  protected emit(value: T): void {
    this.#unread = value;
    if (this.serving === "asked") this.flush();
  }

  /** Lets through what is held, if there is something. */
  protected emitHeld(): void {
    const value = this.#held;
    if (value === NOTHING) return;
    this.#held = NOTHING;
    this.emit(value as T);
  }

  // What the base asks for.

  /** A question that is taken back leaves the value here. */
  get patience(): Patience {
    return "all";
  }

  protected override get held(): number {
    return Number(this.#held !== NOTHING) + Number(this.#unread !== NOTHING);
  }

  protected override ask(): void {
    if (!this.#begun) {
      this.#begun = true;
      this.begin(this.#clock.now());
      this.#read();
    }
    this.#emitDue();
    if (this.serving !== "asked") return;
    if (this.#unread !== NOTHING) this.flush();
    else if (this.holds) this.#setTimer(0);
  }

  override resume(): void {
    this.#feed.follow();
  }

  protected override recallRead(): Recall {
    if (this.over) return this.#reading ? this.#feed.recall() : "withdrawn";
    // Nobody waits any more: the source is read all the same.
    this.#stopTimer();
    return "withdrawn";
  }

  protected override stopSource(): boolean {
    this.#feed.stop();
    return false;
  }

  protected override flush(): void {
    const value = this.#unread;
    if (value === NOTHING) return;
    this.#unread = NOTHING;
    this.give(value as T);
  }

  protected override release(): void {
    this.#stopTimer();
    if (this.holds && this.#clock.now() >= this.#dueAt) this.#unread = this.#held;
    this.#held = NOTHING;
  }

  #read(): void {
    if (this.#reading || this.over) return;
    this.#reading = true;
    this.#feed.pull(this.#taker);
  }

  #take(value: T): void {
    this.#reading = false;
    this.taken++;
    // What had been handed over already when it ended.
    if (this.over) return;
    this.#emitDue();
    this.arrived(value, this.#clock.now());
    this.#read();
  }

  #sourceEnded(failure: Failure | undefined): void {
    this.#reading = false;
    if (!this.over) this.ended(failure);
  }

  /** Timers may be late, and there is none while nobody waits. */
  #emitDue(): void {
    if (this.#held === NOTHING || this.#clock.now() < this.#dueAt) return;
    this.emitHeld();
    this.emitted(this.#dueAt);
  }

  #setTimer(least: number): void {
    // One that is set already is for a value before this one, which was due no later.
    if (this.#timer !== undefined || this.#dueAt === Infinity) return;
    this.#timerAt = this.#dueAt;
    const delay = Math.max(least, delayUntil(this.#dueAt, this.#clock.now()));
    this.#timer = this.#clock.after(delay, () => this.#wake());
  }

  #stopTimer(): void {
    this.#timer?.stop();
    this.#timer = undefined;
  }

  #wake(): void {
    this.#timer = undefined;
    const isEarly = this.#clock.now() < this.#timerAt;
    this.#emitDue();
    // The value that it was for has been followed by another one.
    if (this.holds && this.serving === "asked") this.#setTimer(isEarly ? AGAIN : 0);
  }
}
