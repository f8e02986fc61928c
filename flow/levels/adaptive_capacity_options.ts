/**
 * What an adaptive capacity is told, and how that is checked.
 *
 * @module
 */
import { checkNumber, checkOptionalFunction, checkOptions } from "../../core/check.ts";
import type { Cancel } from "../../core/contract.ts";
import { checkClock, type Clock, realClock } from "../../tasks/clock.ts";
import { checkDuration, checkSize } from "../checks.ts";

/**
 * Between which bounds a capacity moves, and what it aims at.
 *
 * @example
 * ```ts
 * import { Queue } from "@sluice/sluice";
 * import { AdaptiveCapacity, type AdaptiveCapacityOptions } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const options: AdaptiveCapacityOptions = { min: 16, max: 4_096, target: 50 };
 * const queue = new Queue<string>();
 * using adaptive = new AdaptiveCapacity(queue, options);
 * assertEquals([adaptive.capacity, queue.maxSize], [4_096, 4_096]);
 * ```
 */
export interface AdaptiveCapacityOptions {
  /**
   * Never less than this; 1 if left out. In a queue with `weigh` no less than its heaviest item weighs,
   * since a queue refuses items that are heavier than `maxSize`.
   */
  readonly min?: number | undefined;
  /** Never more than this. */
  readonly max: number;
  /** How long items may have to wait in the queue all the time, in milliseconds. */
  readonly target: number;
  /** How long it measures before it decides, in milliseconds; 100 if left out. */
  readonly interval?: number | undefined;
  /** By how much it grows at a time: 1 or more, or a share of the capacity below 1; 0.25 if left out. */
  readonly increase?: number | undefined;
  /** What is left of it when it shrinks: a share below 1. 0.7 if left out. */
  readonly decrease?: number | undefined;
  /** The time that it goes by; the monotonic clock of the machine if left out. */
  readonly clock?: Clock | undefined;
  /** Its end disposes it. */
  readonly parent?: Cancel | undefined;
  /** Told of each change, when it has been made. What it throws is an uncaught error. */
  readonly onResize?: ((capacity: number, previous: number) => void) | undefined;
}

const TIME = { positive: true, finite: true } as const;

/** What is kept of the options, with what stands for those that were left out. */
export interface AdaptivePlan {
  readonly min: number;
  readonly max: number;
  readonly target: number;
  readonly interval: number;
  readonly increase: number;
  readonly decrease: number;
  readonly clock: Clock;
  readonly onResize: AdaptiveCapacityOptions["onResize"];
}

/** Throws TypeError or RangeError if the options are none. What becomes of them later does not count. */
export function adaptivePlan(options: AdaptiveCapacityOptions): AdaptivePlan {
  checkOptions("options", options);
  const { min = 1, max, target, interval = 100, increase = 0.25, decrease = 0.7 } = options;
  const { clock = realClock, onResize } = options;
  checkSize("min", min);
  checkSize("max", max);
  if (max < min) throw new RangeError(`max must be at least min, ${min}: ${max}`);
  checkDuration("target", target, TIME);
  checkDuration("interval", interval, TIME);
  checkNumber("increase", increase);
  if (!(increase > 0 && (increase < 1 || Number.isInteger(increase)))) {
    throw new RangeError(`increase must be an integer of at least 1, or a share: ${increase}`);
  }
  checkNumber("decrease", decrease);
  if (!(decrease > 0 && decrease < 1)) {
    throw new RangeError(`decrease must be more than 0 and less than 1: ${decrease}`);
  }
  checkOptionalFunction("onResize", onResize);
  checkClock(clock);
  return { min, max, target, interval, increase, decrease, clock, onResize };
}
