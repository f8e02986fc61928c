/**
 * What hands out permission at a limited rate: those who come too early wait, or are told when to
 * come again. The rule is that of a meter; this is the line before it.
 *
 * - First come, first served, whatever they want: a big request at the head of the line holds up
 *   small ones behind it, so that it is not starved. When it is cancelled, those that fit are served
 *   before `cancel` returns.
 * - Nobody is served before the meter allows it, and the head of the line is served at the very
 *   moment it does.
 * - There is one timer, for the head of the line. A limiter for which nobody waits has none, and
 *   hangs on nothing, not even on its parent: it needs no disposing.
 * - A call that is cancelled while it waits has taken nothing.
 *
 * @module
 */
import { checkCount, checkOptionalString, checkOptions } from "../../core/check.ts";
import type { Cancel, Wait } from "../../core/contract.ts";
import { NOTHING } from "../../core/nothing.ts";
import { endless, noValues, root, ScopedContext } from "../../core/scoped_context.ts";
import { type Endable, release, type Scope, watch } from "../../core/scope.ts";
import { tryOrPark } from "../../core/try_or_park.ts";
import { refused } from "../../core/turn.ts";
import { scopeOf } from "../../core/wait.ts";
import { checkClock, type Clock, realClock } from "../../tasks/clock.ts";
import type { Job } from "../../tasks/job.ts";
import { labelOf } from "../errors.ts";
import { type Policy, promptly, runGuarded, type RunOptions } from "../policies/policy.ts";
import type { RateLimiterOptions, RateLimiterStats } from "./limiter_options.ts";
import type { RateMeter } from "./rate_meter.ts";
import { Alarm, delayUntil, nobody, RequestLine } from "./request_line.ts";

/** A timer that ran too early, as those of a machine may by a part of a millisecond, waits so long. */
const AGAIN = 1;

/**
 * What hands out permission at a limited rate; the base of {@linkcode TokenBucket} and
 * {@linkcode SlidingWindow}, and of what you write. First come, first served.
 *
 * @example
 * ```ts
 * import { type RateLimiter, SlidingWindow, TokenBucket } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const answer = (limiter: RateLimiter): string =>
 *   limiter.tryAcquire() ? "200" : `429, Retry-After: ${Math.ceil(limiter.retryAfter() / 1_000)}`;
 * const window = new SlidingWindow({ limit: 1, window: 60_000 });
 * assertEquals([answer(window), answer(window)], ["200", "429, Retry-After: 60"]);
 * assertEquals(answer(new TokenBucket({ rate: 100 })), "200");
 * ```
 */
export class RateLimiter implements Policy {
  /** What it goes by. */
  readonly clock: Clock;
  readonly #meter: RateMeter;
  readonly #name: string | undefined;
  readonly #parent: ScopedContext | undefined;
  readonly #scope: Scope;
  readonly #line = new RequestLine({ left: () => this.#serve(this.clock.now()) });
  /** Hangs on the parent while somebody waits. */
  readonly #ending: Endable = {
    links: null,
    end: (cause) => {
      this.#line.failAll(cause);
      this.#watchHead(this.clock.now());
      return null;
    },
  };
  readonly #alarm = new Alarm();
  #granted = 0;
  #refused = 0;

  /**
   * `meter` is the rule, which is its own.
   *
   * @throws TypeError or RangeError if an option is not what it may be.
   */
  constructor(meter: RateMeter, options: RateLimiterOptions = {}) {
    checkOptions("options", options);
    const { clock = realClock, name, parent } = options;
    checkClock(clock);
    checkOptionalString("name", name);
    this.#scope = parent === undefined ? endless : scopeOf(parent, "parent");
    this.#parent = parent instanceof AbortSignal
      ? new ScopedContext(this.#scope, noValues)
      : parent as ScopedContext | undefined;
    this.#meter = meter;
    this.#name = name;
    this.clock = clock;
  }

  /** How many can be had now, if nobody waits; 0 when its parent has ended. */
  get available(): number {
    return this.#scope.check() ? 0 : this.#meter.available(this.clock.now());
  }

  /** How many calls wait. */
  get waiting(): number {
    return this.#line.length;
  }

  /**
   * The moment, by its clock, from which on nothing that was handed out so far counts any more: if
   * nobody waits then, it is as new. -Infinity if nothing was.
   */
  get idleAt(): number {
    return this.#meter.idleAt;
  }

  /** Waits for one. */
  acquire(wait?: Wait): Promise<void> {
    return this.acquireMany(1, wait);
  }

  /**
   * Waits for `count` at once.
   *
   * Rejects with a RangeError if so many can never be had; that holds up nobody.
   */
  acquireMany(count: number, wait?: Wait): Promise<void> {
    try {
      this.#check(count);
    } catch (error) {
      return refused(error);
    }
    const attempt = (): void | typeof NOTHING => {
      if (this.#scope.check()) throw this.#scope.cause;
      return this.#take(count) ? undefined : NOTHING;
    };
    const promise = tryOrPark<void>(this.#line, wait, attempt, count);
    if (this.#line.head !== this.#alarm.of) this.#watchHead(this.clock.now());
    return promise;
  }

  /** Takes one if nobody waits and one is there. false: not now, or its parent has ended. */
  tryAcquire(): boolean {
    return this.tryAcquireMany(1);
  }

  /**
   * Takes `count`, or nothing: false.
   *
   * @throws RangeError if so many can never be had.
   */
  tryAcquireMany(count: number): boolean {
    this.#check(count);
    const taken = !this.#scope.check() && this.#take(count);
    if (!taken) this.#refused++;
    return taken;
  }

  /**
   * In how many milliseconds `count` could be had by who comes then, if those who wait now are served
   * first, and nobody else comes: after exactly so long they are there. 0: now. Infinity: never.
   *
   * @throws TypeError or RangeError if `count` is no integer of at least 1.
   */
  retryAfter(count = 1): number {
    checkCount("count", count, 1);
    if (count > this.#meter.most || this.#scope.check()) return Infinity;
    const now = this.clock.now();
    this.#serve(now);
    return delayUntil(this.#meter.due(count, this.#line), now);
  }

  /**
   * Waits for one, then runs the job. `options` are for both: when they end it, or the limiter's
   * parent does, the promise rejects at once, and so does the context that the job was given end.
   */
  run<R>(job: Job<R>, options?: Cancel | RunOptions<R>): Promise<R> {
    // Without options nothing of the caller's can end it: the short way takes an eighth of the time.
    if (options === undefined && this.#parent === undefined && typeof job === "function") {
      return this.#runToItsEnd(job);
    }
    return runGuarded(job, options, async (ctx) => {
      await this.acquire(ctx);
      ctx.throwIfDone();
      return await promptly(job(ctx), ctx);
    }, this.#parent);
  }

  /** Forgets what was handed out, so that it is as new. Those who wait are served as far as possible. */
  reset(): void {
    this.#meter.reset();
    this.#serve(this.clock.now());
  }

  /** What it has done so far. */
  stats(): RateLimiterStats {
    return {
      available: this.available,
      waiting: this.waiting,
      granted: this.#granted,
      refused: this.#refused,
    };
  }

  /**
   * Changes the rule of the meter, for limiters that can do that: those who are due by the old one are
   * served by it, the others by the new one; who wants more than it ever grants is rejected with a
   * RangeError.
   */
  protected change(rule: (now: number) => void): void {
    const now = this.clock.now();
    this.#serve(now);
    rule(now);
    for (const node of this.#line.snapshot()) {
      const error = this.#tooMany(node.item as number);
      if (error === undefined) continue;
      node.leave();
      node.fail(error);
    }
    // The head may be the same, and the moment is another.
    this.#alarm.clear();
    this.#serve(now);
  }

  async #runToItsEnd<R>(job: Job<R>): Promise<R> {
    await this.acquire();
    return await job(root);
  }

  #check(count: number): void {
    checkCount("count", count, 1);
    const error = this.#tooMany(count);
    if (error !== undefined) throw error;
  }

  #tooMany(count: number): RangeError | undefined {
    const { most } = this.#meter;
    if (count <= most) return undefined;
    const label = labelOf("rate limiter", this.#name);
    return new RangeError(`count must be at most ${most}, or ${label} never grants it: ${count}`);
  }

  #take(count: number): boolean {
    const now = this.clock.now();
    // Timers may be late: whoever is due already is served before those who come now.
    this.#serve(now);
    return this.#line.length === 0 && this.#grant(count, now);
  }

  #grant(count: number, now: number): boolean {
    if (this.#meter.due(count, nobody) > now) return false;
    this.#meter.take(count, now);
    this.#granted += count;
    return true;
  }

  #serve(now: number): void {
    if (this.#line.length > 0 && this.#scope.check()) return;
    for (let node = this.#line.head; node !== null; node = this.#line.head) {
      if (!this.#grant(node.item as number, now)) break;
      node.leave();
      node.settle(undefined);
    }
    this.#watchHead(now);
  }

  /** Sees to it that the head of the line is served, or told of the parent's end; and that alone. */
  #watchHead(now: number, least = 0): void {
    const { head } = this.#line;
    if (head === null) {
      this.#alarm.clear();
      release(this.#ending);
      return;
    }
    if (head === this.#alarm.of) return;
    // Unless that has ended just now, which empties the line.
    if (this.#ending.links === null && !watch(this.#scope, this.#ending)) return;
    const delay = delayUntil(this.#meter.due(head.item as number, nobody), now);
    this.#alarm.set(head, this.clock, Math.max(least, delay), () => this.#wake());
  }

  #wake(): void {
    this.#alarm.clear();
    const now = this.clock.now();
    const { head } = this.#line;
    const isEarly = head !== null && this.#meter.due(head.item as number, nobody) > now;
    if (isEarly) this.#watchHead(now, AGAIN);
    else this.#serve(now);
  }
}
