/**
 * One run of a canary release: what each call, and each timer, means for it.
 *
 * Invariants:
 * - A call that began in this run counts once: in the step in which it ends, or in which it has taken too long
 *   for a canary. Those that began before the run, and those that were cancelled in time, do not count.
 * - A limit is crossed as soon as it is certain that it will be when `minCalls` calls have ended, were all
 *   others good.
 * - When the run is over, no timer and no observer is left, and the traffic is where the result says.
 *
 * @module
 */
import type { Clock, Timer } from "../../tasks/clock.ts";
import { CallMeter, type CallOutcome, type CallStats } from "./call_meter.ts";
import type { CanaryReason, CanaryRules } from "./canary_options.ts";
import type { CallObserver, RoutedCall } from "./routed_call.ts";

/** What a run goes by, and whom it tells. */
export interface CanaryPlan<K extends string> {
  readonly stable: K;
  readonly canary: K;
  readonly rules: CanaryRules;
  readonly clock: Clock;
  /** A step begins. */
  begin(): void;
  /** It is over; undefined: no limit was crossed. */
  end(reason: CanaryReason | undefined): void;
}

/** The calls of one version in one step. */
class Tally {
  calls = 0;
  errors = 0;
  slow = 0;
  readonly #meter = new CallMeter(Infinity);

  count(outcome: CallOutcome, latency: number, isSlow: boolean): void {
    this.#meter.count(outcome, latency, 0);
    if (outcome === "cancelled") return;
    this.calls++;
    if (outcome === "failed") this.errors++;
    if (isSlow) this.slow++;
  }

  fail(): void {
    this.errors++;
    this.#meter.fail(0);
  }

  stats(): CallStats {
    return this.#meter.stats(0);
  }
}

export class CanaryRun<K extends string> implements CallObserver<K> {
  step = -1;
  readonly #plan: CanaryPlan<K>;
  readonly #rules: CanaryRules;
  readonly #clock: Clock;
  #canary = new Tally();
  #stable = new Tally();
  /** Calls of the canary that run, oldest first, and when they began. */
  readonly #running = new Map<RoutedCall<K>, number>();
  /** Calls of the stable version that began in this run, and run. */
  readonly #beside = new Set<RoutedCall<K>>();
  /** Those that run and were counted in this step, since they take too long. */
  readonly #overdue = new Set<RoutedCall<K>>();
  #stepTimer: Timer | undefined;
  #slowTimer: Timer | undefined;
  #elapsed = false;
  #over = false;

  constructor(plan: CanaryPlan<K>) {
    this.#plan = plan;
    this.#rules = plan.rules;
    this.#clock = plan.clock;
  }

  get percent(): number {
    return this.#rules.steps[this.step]!;
  }

  get canary(): CallStats {
    return this.#canary.stats();
  }

  get stable(): CallStats {
    return this.#stable.stats();
  }

  /** Begins the first step, or the next. */
  advance(): void {
    this.step++;
    this.#canary = new Tally();
    this.#stable = new Tally();
    this.#overdue.clear();
    this.#elapsed = false;
    this.#stepTimer = this.#clock.after(this.#rules.interval, () => {
      this.#stepTimer = undefined;
      this.#elapsed = true;
      this.#look();
    });
    this.#plan.begin();
  }

  begun(call: RoutedCall<K>): void {
    if (this.#over) return;
    if (call.route === this.#plan.stable) this.#beside.add(call);
    if (call.route !== this.#plan.canary) return;
    this.#running.set(call, this.#clock.now());
    if (this.#slowTimer === undefined) this.#watchOldest();
  }

  ended(call: RoutedCall<K>): void {
    if (this.#over) return;
    if (this.#beside.delete(call)) {
      this.#stable.count(call.outcome!, call.latency, false);
    } else if (this.#running.delete(call)) {
      this.#canary.count(call.outcome!, call.latency, call.latency > this.#rules.maxLatency);
      if (this.#running.size === 0) this.#stopWatching();
      this.#look();
    } else if (this.#overdue.delete(call) && call.outcome === "failed") {
      this.#canary.fail();
      this.#look();
    }
  }

  /** Nothing counts any more. */
  stop(): void {
    this.#over = true;
    this.#stepTimer?.stop();
    this.#stopWatching();
    this.#running.clear();
    this.#beside.clear();
    this.#overdue.clear();
  }

  #look(): void {
    const reason = this.#crossed();
    if (reason !== undefined) this.#plan.end(reason);
    else if (this.#elapsed && this.#canary.calls >= this.#rules.minCalls) this.#pass();
  }

  #pass(): void {
    if (this.step + 1 < this.#rules.steps.length) this.advance();
    else this.#plan.end(undefined);
  }

  #crossed(): CanaryReason | undefined {
    const { minCalls, maxErrorShare, maxErrorRatio } = this.#rules;
    const { calls, errors, slow } = this.#canary;
    const count = Math.max(calls, minCalls);
    if (isAbove(errors, maxErrorShare * count)) return "errorShare";
    // By nearest rank the 99th percentile is the slowest but for a hundredth of all, rounded down.
    if (slow > Math.floor(count / 100)) return "latency";
    const { calls: others, errors: theirs } = this.#stable;
    if (others === 0 || others < minCalls) return undefined;
    const expected = Math.max(1, theirs / others * count);
    return isAbove(errors, maxErrorRatio * expected) ? "errorRatio" : undefined;
  }

  /** A version that hangs ends no call, so that the oldest one is watched by a timer. */
  #watchOldest(): void {
    const { maxLatency } = this.#rules;
    const [began] = this.#running.values();
    if (began === undefined || maxLatency === Infinity) return;
    // A millisecond more: it may take so long, and no longer.
    const due = Math.max(0, began + maxLatency + 1 - this.#clock.now());
    this.#slowTimer = this.#clock.after(due, () => {
      this.#slowTimer = undefined;
      this.#countOverdue();
      this.#watchOldest();
      this.#look();
    });
  }

  #countOverdue(): void {
    const now = this.#clock.now();
    for (const [call, began] of this.#running) {
      const age = now - began;
      if (age <= this.#rules.maxLatency) return;
      this.#running.delete(call);
      this.#overdue.add(call);
      this.#canary.count("done", age, true);
    }
  }

  #stopWatching(): void {
    this.#slowTimer?.stop();
    this.#slowTimer = undefined;
  }
}

/** Whether a count is above a limit that is a product, and may be a little less than it is meant to be. */
function isAbove(count: number, limit: number): boolean {
  return count > limit * (1 + 1e-12);
}
