/**
 * A clock that stands still until a test moves it.
 *
 * It takes the place of `setTimeout`, `setInterval`, their `clear…` and both sources of time,
 * `Date` and `performance.now()`. Microtasks, `setImmediate` and `AbortSignal.timeout` stay real.
 *
 * @module
 */
import { install } from "@sinonjs/fake-timers";
import { settled } from "./settle.ts";

/** Disposing it brings the real clock back. */
export interface FakeClock extends Disposable {
  /** What `Date.now()` gives. */
  readonly now: number;
  /** How many timers are pending. The sanitizers of `deno test` do not see them. */
  readonly timers: number;
  /**
   * Moves time on. Timers that fall due run in order, each at its own time, and before the next
   * one runs everything that follows from the last has happened.
   */
  tick(ms?: number): Promise<void>;
}

/** Stops the clock: `using clock = fakeClock();` */
export function fakeClock(): FakeClock {
  const clock = install({
    // Far from zero, where `performance.now()` starts, so that code which mixes up the two fails.
    now: Date.UTC(2026, 0, 1),
    toFake: [
      "setTimeout",
      "clearTimeout",
      "setInterval",
      "clearInterval",
      "Date",
      "performance",
    ],
  });
  return {
    get now() {
      return clock.now;
    },
    get timers() {
      return clock.countTimers();
    },
    async tick(ms = 0) {
      // Whatever is on its way may want to set its timer before time passes, …
      await settled();
      await clock.tickAsync(ms);
      // … and the caller wants to see all that the last timer set off.
      await settled();
    },
    [Symbol.dispose]() {
      clock.uninstall();
    },
  };
}
