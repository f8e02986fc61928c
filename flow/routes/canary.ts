/**
 * Puts a new version of something in the place of the old one, step by step, and takes it back by itself when
 * it does badly.
 *
 * Invariants:
 * - The two versions together keep the weight that they had when the run began; others keep theirs.
 * - A limit that is crossed rolls back in the same step in which the call ends that crosses it: the next call
 *   goes to the stable version.
 * - However a run ends, except by promotion, all that the two have goes to the stable version, before
 *   anybody is told.
 *
 * @module
 */
import { show } from "../../core/check.ts";
import type { Wait } from "../../core/contract.ts";
import type { ScopedContext } from "../../core/scoped_context.ts";
import { countCall, refused } from "../../core/turn.ts";
import { enter } from "../../core/wait.ts";
import { contextOf } from "../../core/wait_context.ts";
import { park, WaitList, WaitNode } from "../../core/wait_list.ts";
import { type Clock, realClock } from "../../tasks/clock.ts";
import { CallMeter, type CallStats } from "./call_meter.ts";
import {
  type CanaryOptions,
  type CanaryReason,
  type CanaryResult,
  type CanaryRules,
  canaryRules,
  type CanaryStats,
  type CanaryStep,
} from "./canary_options.ts";
import { CanaryRun } from "./canary_run.ts";
import { labelOf } from "../errors.ts";
import type { Router } from "./router.ts";
import { contextOfParent } from "./router_options.ts";
import type { WeightedSplit } from "./weighted_split.ts";

/**
 * A canary release, as service meshes and their controllers do it: a small part of the traffic goes to the
 * new version, and more with each step, as long as its errors and latencies stay within limits. When one is
 * crossed, all goes back to the stable version at once.
 *
 * @typeParam K The names of the routes.
 *
 * @example
 * ```ts
 * import { Canary, Router, WeightedSplit } from "@sluice/sluice/flow";
 * import { ManualClock } from "@sluice/sluice/tasks";
 * import { assertEquals } from "@std/assert";
 *
 * const split = new WeightedSplit({ v1: 90, v2: 10 });
 * const router = new Router({ routes: { v1: () => "old", v2: () => "new" }, choose: split });
 * const clock = new ManualClock();
 * const canary = new Canary({
 *   ...{ split, router, stable: "v1", canary: "v2", clock },
 *   ...{ steps: [10, 50, 100], interval: 1_000, minCalls: 10, maxErrorShare: 0.02 },
 * });
 * const released = canary.run();
 * for (let second = 0; second < 3; second++) {
 *   for (let i = 0; i < 100; i++) await router.run(undefined);
 *   await clock.advance(1_000);
 * }
 * assertEquals([(await released).outcome, split.share("v2")], ["promoted", 1]);
 * ```
 */
export class Canary<K extends string> {
  readonly #split: WeightedSplit<K>;
  readonly #router: Pick<Router<never, unknown, K>, "observe">;
  readonly #stable: K;
  readonly #canary: K;
  readonly #rules: CanaryRules;
  readonly #clock: Clock;
  readonly #onStep: ((step: CanaryStep) => void) | undefined;
  readonly #parent: ScopedContext | undefined;
  readonly #label: string;
  /** The run that is on its way, or was the last. */
  #run: CanaryRun<K> | undefined;
  #running = false;

  /**
   * Nothing happens before `run`.
   *
   * @throws TypeError or RangeError if an option is not what it may be.
   */
  constructor(options: CanaryOptions<K>) {
    this.#rules = canaryRules(options);
    const { split, router, stable, canary, clock = realClock, onStep, parent, name } = options;
    this.#split = split;
    this.#router = router;
    this.#stable = stable;
    this.#canary = canary;
    this.#clock = clock;
    this.#onStep = onStep;
    this.#parent = parent === undefined ? undefined : contextOfParent(parent);
    this.#label = labelOf("canary", name);
  }

  /**
   * Goes through all steps, and says how that ended. Rejects with the cause if `wait` ends, or the parent;
   * then all traffic of the two goes back to the stable version, too.
   *
   * Rejects with a TypeError if a run is on its way, and with a RangeError if the split has no weight for the
   * two, or does not know the stable version; then nothing has changed.
   */
  run(wait?: Wait): Promise<CanaryResult> {
    countCall();
    try {
      if (wait !== undefined) enter(wait);
      this.#parent?.throwIfDone();
      if (this.#running) throw new TypeError(`${this.#label} is being run already`);
      const weight = this.#weight();
      return this.#start(weight, contextOf(wait ?? {}, this.#parent));
    } catch (error) {
      return refused(error);
    }
  }

  /** How things stand in the step that runs, or was the last; before the first run all figures are 0. */
  stats(): CanaryStats {
    const none = { step: 0, percent: 0, canary: noCalls(), stable: noCalls() };
    const { step, percent, canary, stable } = this.#run ?? none;
    return { running: this.#running, step, percent, canary, stable };
  }

  #start(weight: number, ctx: ScopedContext): Promise<CanaryResult> {
    ctx.throwIfDone();
    const node = new WaitNode(undefined);
    const finish = (percent: number): void => {
      this.#running = false;
      run.stop();
      observing[Symbol.dispose]();
      this.#shift(weight, percent);
      node.leave();
      ctx.cancel();
    };
    const run = new CanaryRun<K>({
      ...{ stable: this.#stable, canary: this.#canary, rules: this.#rules, clock: this.#clock },
      begin: () => {
        this.#shift(weight, run.percent);
        this.#tell(run);
      },
      end: (reason) => {
        finish(reason === undefined ? 100 : 0);
        node.settle(resultOf(run, reason));
      },
    });
    const observing = this.#router.observe(run);
    const result = park<CanaryResult>(new WaitList({ left: () => finish(0) }), node, ctx);
    this.#run = run;
    this.#running = true;
    run.advance();
    return result;
  }

  /** What the two versions have together. */
  #weight(): number {
    const { weights } = this.#split;
    const stable = weights.get(this.#stable);
    if (stable === undefined) {
      throw new RangeError(`the split of ${this.#label} has no ${show(this.#stable)}`);
    }
    const weight = stable + (weights.get(this.#canary) ?? 0);
    if (weight === 0) throw new RangeError(`the split of ${this.#label} sends it nothing`);
    return weight;
  }

  /** Gives the canary so much of the weight, and the stable version the rest. */
  #shift(weight: number, percent: number): void {
    // A product may be rounded up, and nobody's weight is below 0.
    const share = percent === 100 ? weight : weight * percent / 100;
    const weights = new Map<K, number>();
    const isNew = !this.#split.weights.has(this.#canary);
    for (const [key, other] of this.#split.weights) {
      weights.set(key, other);
      // Neighbours, so that only keys of these two change sides.
      if (key === this.#stable && isNew) weights.set(this.#canary, share);
    }
    // Somebody may have taken them out meanwhile.
    this.#split.set(weights.set(this.#stable, weight - share).set(this.#canary, share));
  }

  #tell({ step, percent }: CanaryStep): void {
    try {
      this.#onStep?.({ step, percent });
    } catch (error) {
      reportError(error);
    }
  }
}

function noCalls(): CallStats {
  return new CallMeter(Infinity).stats(0);
}

function resultOf<K extends string>(
  { step, percent, canary, stable }: CanaryRun<K>,
  reason: CanaryReason | undefined,
): CanaryResult {
  const outcome = reason === undefined ? "promoted" : "rolledBack";
  return { outcome, reason, step, percent, canary, stable };
}
