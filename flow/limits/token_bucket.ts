/**
 * The token bucket: tokens come at a steady rate, and as many as the bucket holds can be taken at
 * once.
 *
 * It counts whole tokens from a moment at which the bucket was full, so nothing adds up that was
 * rounded: the token with the number n is there `(n - burst) * per / rate` milliseconds after that
 * moment, however many there have been. Between two moments that are t apart never more than
 * `burst + rate * t / per` are handed out.
 *
 * @module
 */
import { checkOptions } from "../../core/check.ts";
import { checkDuration, checkSize } from "../checks.ts";
import type { RateLimiterOptions } from "./limiter_options.ts";
import { RateLimiter } from "./rate_limiter.ts";
import type { RateMeter, Requests } from "./rate_meter.ts";

/**
 * What a {@linkcode TokenBucket} is told.
 *
 * @example
 * ```ts
 * import { TokenBucket, type TokenBucketOptions } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const perMinute: TokenBucketOptions = { rate: 100, per: 60_000, burst: 5 };
 * assertEquals(new TokenBucket(perMinute).available, 5);
 * ```
 */
export interface TokenBucketOptions extends RateLimiterOptions {
  /** How many tokens come in `per` milliseconds. */
  readonly rate: number;
  /** In how many milliseconds `rate` tokens come; 1,000 if left out. */
  readonly per?: number | undefined;
  /** How many the bucket holds, and has at first; `rate` if left out, in whole tokens, at least 1. */
  readonly burst?: number | undefined;
}

/**
 * A rate limiter that allows bursts: tokens come at a steady rate, and up to `burst` of them are kept
 * for when they are needed; Go's `golang.org/x/time/rate`, but first come, first served.
 *
 * @example
 * ```ts
 * import { TokenBucket } from "@sluice/sluice/flow";
 * import { ManualClock } from "@sluice/sluice/tasks";
 * import { assertEquals } from "@std/assert";
 *
 * const clock = new ManualClock();
 * const bucket = new TokenBucket({ rate: 10, burst: 2, clock });
 * const at: number[] = [];
 * for (let i = 0; i < 4; i++) void bucket.acquire().then(() => at.push(clock.now()));
 * await clock.advance(1_000);
 * assertEquals(at, [0, 0, 100, 200]);
 * ```
 */
export class TokenBucket extends RateLimiter {
  /** How many tokens come in `per` milliseconds. */
  readonly rate: number;
  /** In how many milliseconds `rate` tokens come. */
  readonly per: number;
  /** How many the bucket holds. */
  readonly burst: number;

  /**
   * The bucket is full at first.
   *
   * @throws TypeError or RangeError if an option is not what it may be.
   */
  constructor(options: TokenBucketOptions) {
    checkOptions("options", options);
    const { rate, per = 1_000 } = options;
    checkDuration("rate", rate, { positive: true, finite: true });
    checkDuration("per", per, { positive: true, finite: true });
    const { burst = Math.max(1, Math.floor(rate)) } = options;
    checkSize("burst", burst);
    super(new Bucket(rate, per, burst), options);
    this.rate = rate;
    this.per = per;
    this.burst = burst;
  }
}

class Bucket implements RateMeter {
  readonly most: number;
  readonly #rate: number;
  readonly #per: number;
  /** A moment at which it was full. */
  #since = 0;
  /** How many were taken since. */
  #taken = 0;

  constructor(rate: number, per: number, burst: number) {
    this.#rate = rate;
    this.#per = per;
    this.most = burst;
  }

  get idleAt(): number {
    return this.#taken === 0 ? -Infinity : this.#at(this.#taken);
  }

  due(count: number, ahead: Requests): number {
    const short = this.#taken + ahead.units + count - this.most;
    return short <= 0 ? -Infinity : this.#at(short);
  }

  take(count: number, now: number): void {
    // If it has become full just now it goes on counting: beginning anew would add up what is rounded.
    if (now > this.idleAt) {
      this.#since = now;
      this.#taken = 0;
    }
    this.#taken += count;
  }

  available(now: number): number {
    if (now >= this.idleAt) return this.most;
    const refilled = Math.floor((now - this.#since) * this.#rate / this.#per);
    // Rounded, it may be one off: `due` decides.
    let count = Math.max(0, refilled + this.most - this.#taken - 1);
    while (this.#due(count + 1) <= now) count++;
    return count;
  }

  reset(): void {
    this.#taken = 0;
  }

  #due(count: number): number {
    return this.#at(this.#taken + count - this.most);
  }

  /** When so many have come since it was full. */
  #at(count: number): number {
    return this.#since + count * this.#per / this.#rate;
  }
}
