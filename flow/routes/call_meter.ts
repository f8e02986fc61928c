/**
 * Counts calls, their errors, and how long they took, over a window of time.
 *
 * The window is kept in ten slices, the oldest of which is dropped whole: what is older than the window
 * is never counted, what is younger than nine tenths of it always is. No timer: it goes by the times that
 * it is told.
 *
 * @module
 */
import { Histogram } from "./histogram.ts";

/**
 * How calls have ended, and how long they took, in milliseconds. Quantiles are off by 2 % at most.
 *
 * @example
 * ```ts
 * import { type CallStats, Router } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const router = new Router({ routes: { v1: (n: number) => n + 1 }, choose: () => "v1" });
 * await router.run(7);
 * const { calls, errors }: CallStats = router.stats().v1;
 * assertEquals([calls, errors], [1, 0]);
 * ```
 */
export interface CallStats {
  /** How many have ended, those that were cancelled left out. */
  readonly calls: number;
  /** How many of these have failed. */
  readonly errors: number;
  /** The part of these that have failed, from 0 to 1; 0 if there were none. */
  readonly errorShare: number;
  /** How many were cancelled by their caller. */
  readonly cancelled: number;
  /** How long they took on average, failures included. */
  readonly meanLatency: number;
  /** What half of them did not exceed. */
  readonly p50: number;
  /** What 99 of 100 did not exceed. */
  readonly p99: number;
}

/**
 * How a call ended: well, with a failure, or because its caller did not want it any more.
 *
 * @example
 * ```ts
 * import { type CallOutcome, Router } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const outcomes: (CallOutcome | undefined)[] = [];
 * const router = new Router({ routes: { v1: () => "ok" }, choose: () => "v1" });
 * using _ = router.observe({ ended: ({ outcome }) => void outcomes.push(outcome) });
 * await router.run(undefined);
 * assertEquals(outcomes, ["done"]);
 * ```
 */
export type CallOutcome = "done" | "failed" | "cancelled";

const SLICES = 10;

class Slice {
  number: number;
  errors = 0;
  cancelled = 0;
  readonly latencies = new Histogram();

  constructor(number: number) {
    this.number = number;
  }

  reset(number: number): void {
    this.number = number;
    this.errors = this.cancelled = 0;
    this.latencies.reset();
  }
}

export class CallMeter {
  /** How long a slice is, in milliseconds. */
  readonly #width: number;
  /** The one of number n is at n modulo their number. Each is made when it is needed first. */
  readonly #slices: (Slice | undefined)[] = [];

  /** `window` is in milliseconds; with Infinity nothing is dropped. */
  constructor(window: number) {
    this.#width = window / SLICES;
  }

  /** Counts a call that has ended now. */
  count(outcome: CallOutcome, latency: number, now: number): void {
    const slice = this.#slice(now);
    if (outcome === "cancelled") {
      slice.cancelled++;
      return;
    }
    // Clocks that somebody wrote may go back.
    slice.latencies.record(Math.max(0, latency));
    if (outcome === "failed") slice.errors++;
  }

  /** One that was counted already has failed in the end. */
  fail(now: number): void {
    this.#slice(now).errors++;
  }

  stats(now: number): CallStats {
    const newest = Math.floor(now / this.#width);
    const latencies = new Histogram();
    let errors = 0;
    let cancelled = 0;
    for (const slice of this.#slices) {
      if (slice === undefined || slice.number <= newest - SLICES) continue;
      latencies.merge(slice.latencies);
      errors += slice.errors;
      cancelled += slice.cancelled;
    }
    return {
      calls: latencies.count,
      errors,
      errorShare: latencies.count === 0 ? 0 : errors / latencies.count,
      cancelled,
      meanLatency: latencies.mean,
      p50: latencies.quantile(0.5),
      p99: latencies.quantile(0.99),
    };
  }

  #slice(now: number): Slice {
    const number = Math.floor(now / this.#width);
    const rest = number % SLICES;
    const at = rest < 0 ? rest + SLICES : rest;
    const slice = this.#slices[at];
    if (slice === undefined) return this.#slices[at] = new Slice(number);
    if (slice.number !== number) slice.reset(number);
    return slice;
  }
}
