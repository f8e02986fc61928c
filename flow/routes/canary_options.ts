/**
 * What a canary release is told, and what it tells.
 *
 * @module
 */
import {
  checkCount,
  checkNumber,
  checkOptionalFunction,
  checkOptionalString,
  checkOptions,
  show,
} from "../../core/check.ts";
import type { Cancel } from "../../core/contract.ts";
import { checkClock, type Clock } from "../../tasks/clock.ts";
import type { CallStats } from "./call_meter.ts";
import type { Router } from "./router.ts";
import { WeightedSplit } from "./weighted_split.ts";

/**
 * How a canary release goes, and what ends it.
 *
 * @typeParam K The names of the routes.
 *
 * @example
 * ```ts
 * import { Canary, type CanaryOptions, Router, WeightedSplit } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const split = new WeightedSplit({ v1: 1, v2: 0 });
 * const router = new Router({ routes: { v1: () => "old", v2: () => "new" }, choose: split });
 * const options: CanaryOptions<"v1" | "v2"> = {
 *   ...{ split, router, stable: "v1", canary: "v2" },
 *   ...{ steps: [50, 100], interval: 0, minCalls: 2, maxErrorShare: 0.1, maxLatency: 1_000 },
 * };
 * const released = new Canary(options).run();
 * for (let i = 0; i < 10; i++) {
 *   await router.run(undefined);
 *   await new Promise((resolve) => setTimeout(resolve, 1));
 * }
 * assertEquals((await released).outcome, "promoted");
 * ```
 */
export interface CanaryOptions<K extends string> {
  /** What deals out the traffic. Keys other than the two keep their weights. */
  readonly split: WeightedSplit<K>;
  /** What tells of the calls: the router that goes by that split. */
  readonly router: Pick<Router<never, unknown, K>, "observe">;
  /** The version that all traffic goes back to. */
  readonly stable: NoInfer<K>;
  /** The version that is to take its place. */
  readonly canary: NoInfer<K>;
  /**
   * The canary's part of what the two have, in percent, step by step, each more than the one before, 100 at
   * most; 1, 5, 25, 50, 100 if left out.
   */
  readonly steps?: readonly number[] | undefined;
  /** How long a step takes at least, in milliseconds; 60,000 if left out. */
  readonly interval?: number | undefined;
  /**
   * How many calls of the canary a step takes at least, and from how many on shares are shares; 100 if left
   * out. Without traffic a step does not end.
   */
  readonly minCalls?: number | undefined;
  /** Which part of its calls may fail, from 0 to 1; 0.05 if left out. */
  readonly maxErrorShare?: number | undefined;
  /**
   * How many times the errors of the stable version it may have, in proportion to its calls. Where the stable
   * one has less than one error in as many calls, one is assumed. It takes `minCalls` calls of the stable
   * version to go by it; any number if left out.
   */
  readonly maxErrorRatio?: number | undefined;
  /**
   * What its 99th percentile may be, in milliseconds; any if left out. A call that has not ended counts as
   * soon as it takes longer, so that a version that hangs is found out, too.
   */
  readonly maxLatency?: number | undefined;
  /** Is told of each step when it begins. */
  readonly onStep?: ((step: CanaryStep) => void) | undefined;
  /** What it goes by; the machine's own if left out. */
  readonly clock?: Clock | undefined;
  /** Its end ends a run, as if that were cancelled. */
  readonly parent?: Cancel | undefined;
  /** Stands in errors. */
  readonly name?: string | undefined;
}

/**
 * A step of a release.
 *
 * @example
 * ```ts
 * import type { CanaryStep } from "@sluice/sluice/flow";
 *
 * const onStep = ({ step, percent }: CanaryStep) => console.log(`step ${step}: ${percent} %`);
 * onStep({ step: 0, percent: 1 });
 * ```
 */
export interface CanaryStep {
  /** Its index in `steps`. */
  readonly step: number;
  /** What the canary gets of the traffic of the two. */
  readonly percent: number;
}

/**
 * Which limit the canary has crossed: `maxErrorShare`, `maxErrorRatio`, or `maxLatency`.
 *
 * @example
 * ```ts
 * import type { CanaryReason } from "@sluice/sluice/flow";
 *
 * const words: Record<CanaryReason, string> = {
 *   errorShare: "it fails too often",
 *   errorRatio: "it fails more often than the stable version",
 *   latency: "it is too slow",
 * };
 * console.log(words.latency);
 * ```
 */
export type CanaryReason = "errorShare" | "errorRatio" | "latency";

/**
 * How things stand with a release: in the step that runs, or was the last.
 *
 * @example
 * ```ts
 * import { Canary, type CanaryStats, Router, WeightedSplit } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const split = new WeightedSplit({ v1: 1, v2: 0 });
 * const router = new Router({ routes: { v1: () => "old", v2: () => "new" }, choose: split });
 * const canary = new Canary({ split, router, stable: "v1", canary: "v2" });
 * const { running, canary: { calls } }: CanaryStats = canary.stats();
 * assertEquals([running, calls], [false, 0]);
 * ```
 */
export interface CanaryStats extends CanaryStep {
  /** Whether a run is on its way. */
  readonly running: boolean;
  /** How the canary has done in this step. Calls that take too long count before they have ended. */
  readonly canary: CallStats;
  /** How the stable version has done beside it. */
  readonly stable: CallStats;
}

/**
 * How a release ended, in which step, and how the two versions did in that.
 *
 * @example
 * ```ts
 * import { Canary, type CanaryResult, Router, WeightedSplit } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const split = new WeightedSplit({ v1: 1, v2: 0 });
 * const bad = () => Promise.reject(new Error("broken"));
 * const router = new Router({ routes: { v1: () => "old", v2: bad }, choose: split });
 * const canary = new Canary({ split, router, stable: "v1", canary: "v2", minCalls: 2, steps: [50] });
 * const released: Promise<CanaryResult> = canary.run();
 * for (let i = 0; i < 2; i++) await router.run(undefined, { fallback: () => "failed" });
 * const { outcome, reason } = await released;
 * assertEquals([outcome, reason, split.share("v2")], ["rolledBack", "errorShare", 0]);
 * ```
 */
export interface CanaryResult extends CanaryStep {
  /** All traffic of the two goes to the canary, or to the stable version. */
  readonly outcome: "promoted" | "rolledBack";
  /** Which limit was crossed; undefined if it was promoted. */
  readonly reason: CanaryReason | undefined;
  /** How the canary did in the last step. */
  readonly canary: CallStats;
  /** How the stable version did beside it. */
  readonly stable: CallStats;
}

/** What a run goes by: the options, each there. */
export interface CanaryRules {
  readonly steps: readonly number[];
  readonly interval: number;
  readonly minCalls: number;
  readonly maxErrorShare: number;
  readonly maxErrorRatio: number;
  readonly maxLatency: number;
}

/** Throws TypeError or RangeError if the options are not what they may be. */
export function canaryRules<K extends string>(options: CanaryOptions<K>): CanaryRules {
  checkOptions("options", options);
  const { split, router, stable, canary, onStep, clock, name } = options;
  const { steps = [1, 5, 25, 50, 100], interval = 60_000, minCalls = 100 } = options;
  const { maxErrorShare = 0.05, maxErrorRatio = Infinity, maxLatency = Infinity } = options;
  if (!(split instanceof WeightedSplit)) {
    throw new TypeError(`split must be a WeightedSplit, not ${show(split)}`);
  }
  checkOptions("router", router);
  if (typeof router.observe !== "function") {
    throw new TypeError(`router must be a Router, not ${show(router)}`);
  }
  for (const [key, value] of Object.entries({ stable, canary })) {
    if (typeof value !== "string") {
      throw new TypeError(`${key} must be a string, not ${show(value)}`);
    }
  }
  if (stable === canary) throw new RangeError(`stable and canary must differ: ${show(canary)}`);
  checkSteps(steps);
  checkNumber("interval", interval);
  if (!(interval >= 0 && interval < Infinity)) {
    throw new RangeError(`interval must be a finite number of at least 0: ${interval}`);
  }
  checkCount("minCalls", minCalls, 0);
  if (minCalls === Infinity) throw new RangeError("minCalls must be finite: Infinity");
  checkNumber("maxErrorShare", maxErrorShare);
  if (maxErrorShare < 0 || maxErrorShare > 1) {
    throw new RangeError(`maxErrorShare must be from 0 to 1: ${maxErrorShare}`);
  }
  for (const [key, value] of Object.entries({ maxErrorRatio, maxLatency })) {
    checkNumber(key, value);
    if (value <= 0) throw new RangeError(`${key} must be more than 0: ${value}`);
  }
  checkOptionalFunction("onStep", onStep);
  checkOptionalString("name", name);
  if (clock !== undefined) checkClock(clock);
  return { steps: [...steps], interval, minCalls, maxErrorShare, maxErrorRatio, maxLatency };
}

function checkSteps(steps: unknown): void {
  if (!Array.isArray(steps)) {
    throw new TypeError(`steps must be a list of percentages, not ${show(steps)}`);
  }
  if (steps.length === 0) throw new RangeError("steps must have one step at least");
  let before = 0;
  for (const percent of steps) {
    checkNumber("a step", percent);
    if (!(percent > before && percent <= 100)) {
      throw new RangeError(
        `a step must be more than the one before, and at most 100: ${percent} after ${before}`,
      );
    }
    before = percent;
  }
}
