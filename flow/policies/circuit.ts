/**
 * The states of a circuit breaker, and what leads from one to another. It runs nothing and waits for
 * nothing.
 *
 * - Each call belongs to a stay in a state. Once that is over, what becomes of the call counts no more,
 *   neither here nor there.
 * - In half-open, trials that run and trials that have succeeded are never more than are to succeed.
 * - Time is looked at when somebody asks, so that there is no timer. What it has led to meanwhile is made
 *   up for then, as of the moment when it was due.
 *
 * @module
 */
import type { Clock } from "../../tasks/clock.ts";
import { RollingWindow } from "./rolling_window.ts";

/**
 * How a {@linkcode CircuitBreaker} stands: it lets all calls through, none, or a few to see how they do.
 *
 * @example
 * ```ts
 * import { CircuitBreaker, type CircuitState } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const lights: Record<CircuitState, string> = { closed: "green", halfOpen: "amber", open: "red" };
 * assertEquals(lights[new CircuitBreaker().state], "green");
 * ```
 */
export type CircuitState = "closed" | "open" | "halfOpen";

/** What a circuit goes by; see the options of the breaker. */
export interface CircuitRules {
  readonly window: number;
  readonly buckets: number;
  readonly minCalls: number;
  readonly errorShare: number;
  readonly openFor: number;
  readonly halfOpenCalls: number;
  readonly trialFor: number;
  readonly slowerThan: number;
  readonly slowShare: number;
  readonly clock: Clock;
  /** Called in the middle of things. */
  readonly changed: (state: CircuitState, previous: CircuitState) => void;
}

/** A call that was let through. */
export interface Call {
  /** The stay that it belongs to. */
  readonly stay: number;
  /** When it began; 0 if nobody will ask. */
  readonly began: number;
}

/** How a call has ended. "left": nobody waits for it any more. */
export type Ending = "succeeded" | "failed" | "left";

/** What the window counts. */
const CALLS = 0;
const FAILURES = 1;
const SLOW = 2;

export class Circuit {
  #state: CircuitState = "closed";
  /** The number of the stay in this state; each change and each order from outside begins another. */
  #stay = 0;
  /** While open: when it is to be half open. */
  #until = 0;
  /** While half open: how many trials have succeeded, and those that run, oldest first. */
  #passed = 0;
  readonly #trials = new Set<Call>();
  readonly #window: RollingWindow;
  readonly #rules: CircuitRules;
  /** Whether it matters in the closed state when a call began. */
  readonly #times: boolean;

  constructor(rules: CircuitRules) {
    this.#rules = rules;
    this.#times = rules.slowerThan !== Infinity;
    this.#window = new RollingWindow(rules.window, rules.buckets, 3);
  }

  get state(): CircuitState {
    this.#catchUp();
    return this.#state;
  }

  /** Milliseconds until a call may be let through; 0: now, or as soon as a trial has ended. */
  get retryAfter(): number {
    const now = this.#catchUp();
    return this.#state === "open" ? this.#until - now : 0;
  }

  /** What has happened within the window since it was last closed. */
  counts(): { calls: number; failures: number; slow: number } {
    const window = this.#window;
    window.roll(this.#rules.clock.now());
    return {
      calls: window.count(CALLS),
      failures: window.count(FAILURES),
      slow: window.count(SLOW),
    };
  }

  /** Lets a call through; undefined: it does not. */
  admit(): Call | undefined {
    if (this.#state === "closed") {
      return { stay: this.#stay, began: this.#times ? this.#rules.clock.now() : 0 };
    }
    const now = this.#catchUp();
    if (this.#state === "open") return undefined;
    if (this.#trials.size + this.#passed >= this.#rules.halfOpenCalls) return undefined;
    const trial = { stay: this.#stay, began: now };
    this.#trials.add(trial);
    return trial;
  }

  /** A call that was let through has ended. */
  end(call: Call, ending: Ending): void {
    const now = this.#catchUp();
    // That may have ended its stay, too: a trial has taken too long.
    if (call.stay !== this.#stay) return;
    const slow = this.#times && now - call.began > this.#rules.slowerThan;
    if (this.#state === "halfOpen") {
      this.#trials.delete(call);
      if (slow || ending === "failed") this.#open(now, this.#rules.openFor);
      else if (ending === "succeeded") this.#pass();
    } else if (slow || ending !== "left") {
      this.#count(now, ending === "failed", slow);
    }
  }

  /** Opens it for so many milliseconds. */
  trip(ms: number): void {
    this.#open(this.#rules.clock.now(), ms);
  }

  /** Closes it, as if it were new. */
  reset(): void {
    this.#close();
  }

  #pass(): void {
    if (++this.#passed >= this.#rules.halfOpenCalls) this.#close();
  }

  #count(now: number, failed: boolean, slow: boolean): void {
    const window = this.#window;
    window.roll(now);
    window.add(CALLS);
    if (failed) window.add(FAILURES);
    if (slow) window.add(SLOW);
    const { minCalls, errorShare, slowShare, openFor } = this.#rules;
    const calls = window.count(CALLS);
    if (calls < minCalls) return;
    // A success is no reason to open, even if it is the call that makes enough of them.
    const failing = failed && window.count(FAILURES) >= errorShare * calls;
    const slowing = slow && window.count(SLOW) >= slowShare * calls;
    if (failing || slowing) this.#open(now, openFor);
  }

  /** Makes up for what time alone has led to by now. */
  #catchUp(): number {
    const now = this.#rules.clock.now();
    while (this.#state !== "closed") {
      if (this.#state === "open") {
        if (now < this.#until) break;
        this.#passed = 0;
        this.#enter("halfOpen");
      } else {
        const due = this.#oldestTrial() + this.#rules.trialFor;
        if (now < due) break;
        this.#open(due, this.#rules.openFor);
      }
    }
    return now;
  }

  /** When the oldest of the trials that run began. */
  #oldestTrial(): number {
    for (const { began } of this.#trials) return began;
    return Infinity;
  }

  #open(at: number, ms: number): void {
    this.#until = at + ms;
    this.#enter("open");
  }

  #close(): void {
    this.#window.clear();
    this.#enter("closed");
  }

  #enter(state: CircuitState): void {
    const previous = this.#state;
    this.#stay++;
    this.#trials.clear();
    this.#state = state;
    if (state !== previous) this.#rules.changed(state, previous);
  }
}
