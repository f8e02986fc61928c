/**
 * The time that a scheduler goes by. A test gives it one that it moves itself.
 *
 * @module
 */
import { checkFunction, checkNumber, show } from "../core/check.ts";
import { Timeout } from "../core/timeout.ts";
import { afterTurn } from "../core/turn.ts";

/**
 * A timer that was set.
 *
 * @example
 * ```ts
 * import { ManualClock, type Timer } from "@sluice/sluice/tasks";
 *
 * const timer: Timer = new ManualClock().after(10, () => console.log("never"));
 * timer.stop();
 * ```
 */
export interface Timer {
  /** It does not run any more. */
  stop(): void;
}

/**
 * The time that a scheduler goes by, in milliseconds.
 *
 * @example
 * ```ts
 * import { type Clock, PriorityScheduler } from "@sluice/sluice/tasks";
 *
 * const wallClock: Clock = {
 *   now: () => Date.now(),
 *   after(ms, fn) {
 *     const id = setTimeout(fn, ms);
 *     return { stop: () => clearTimeout(id) };
 *   },
 * };
 * await using scheduler = new PriorityScheduler({ clock: wallClock });
 * ```
 */
export interface Clock {
  /** Milliseconds since some moment. It never goes back. */
  now(): number;
  /** Runs `fn` once, `ms` milliseconds from now; not before this call has returned. */
  after(ms: number, fn: () => void): Timer;
}

/** The monotonic clock of the machine. */
export const realClock: Clock = {
  now: () => performance.now(),
  after: (ms, fn) => new Timeout(ms, fn),
};

/** Throws TypeError if it is no clock. */
export function checkClock(clock: unknown): void {
  const { now, after } = Object(clock) as Partial<Clock>;
  if (typeof now !== "function" || typeof after !== "function") {
    throw new TypeError(`clock must have the functions now and after, not ${show(clock)}`);
  }
}

class ManualTimer implements Timer {
  readonly at: number;
  readonly fn: () => void;
  readonly #stop: (timer: ManualTimer) => void;

  constructor(at: number, fn: () => void, stop: (timer: ManualTimer) => void) {
    this.at = at;
    this.fn = fn;
    this.#stop = stop;
  }

  stop(): void {
    this.#stop(this);
  }
}

/**
 * A clock that stands still until a test moves it.
 *
 * @example
 * ```ts
 * import { ManualClock, PriorityScheduler } from "@sluice/sluice/tasks";
 * import { assertEquals } from "@std/assert";
 *
 * const clock = new ManualClock();
 * await using scheduler = new PriorityScheduler({ clock });
 * let runs = 0;
 * using _ = scheduler.every(60_000, () => void runs++);
 * await clock.advance(3 * 60_000);
 * assertEquals(runs, 3);
 * ```
 */
export class ManualClock implements Clock {
  #now: number;
  readonly #timers = new Set<ManualTimer>();

  /** `now` is what it shows at first. */
  constructor(now = 0) {
    checkNumber("now", now);
    this.#now = now;
  }

  /** What it shows, in milliseconds. */
  now(): number {
    return this.#now;
  }

  /** How many timers are set. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Runs `fn` when the clock has been moved on by `ms`. */
  after(ms: number, fn: () => void): Timer {
    checkNumber("ms", ms);
    checkFunction("fn", fn);
    const timer = new ManualTimer(this.#now + Math.max(0, ms), fn, (timer) => {
      this.#timers.delete(timer);
    });
    this.#timers.add(timer);
    return timer;
  }

  /**
   * Moves it on. Timers that fall due run in their order, each at its own time, and before the next one
   * runs all has happened that follows from the last without timers of the machine, or I/O.
   */
  async advance(ms: number): Promise<void> {
    checkNumber("ms", ms);
    if (ms < 0 || ms === Infinity) {
      throw new RangeError(`ms must be a finite number of at least 0: ${ms}`);
    }
    const end = this.#now + ms;
    await turn();
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.fn();
      await turn();
    }
    this.#now = Math.max(this.#now, end);
  }

  /** The first of those that are due. */
  #next(end: number): ManualTimer | undefined {
    let first: ManualTimer | undefined;
    for (const timer of this.#timers) {
      if (timer.at <= end && (first === undefined || timer.at < first.at)) first = timer;
    }
    return first;
  }
}

/** Two turns of the event loop: the turn guard may hold something back until the first. */
function turn(): Promise<void> {
  return new Promise((resolve) => afterTurn(() => afterTurn(resolve)));
}
