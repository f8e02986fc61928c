/**
 * The token bucket: tokens come at a steady rate, and as many as the bucket holds can be taken at
 * once.
 *
 * It counts whole tokens from a moment at which the bucket was full, so nothing adds up that was
 * rounded: the token with the number n is there `(n - burst) * per / rate` milliseconds after that
 * moment, however many there have been. Between two moments that are t apart never more than
 * `burst + rate * t / per` are handed out. At a change of the rate it begins to count anew, with what
 * there is then.
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
  readonly #bucket: Bucket;

  /**
   * The bucket is full at first.
   *
   * @throws TypeError or RangeError if an option is not what it may be.
   */
  constructor(options: TokenBucketOptions) {
    checkOptions("options", options);
    const { rate, per = 1_000 } = options;
    checkRate(rate, per);
    const { burst = Math.max(1, Math.floor(rate)) } = options;
    checkSize("burst", burst);
    const bucket = new Bucket(rate, per, burst);
    super(bucket, options);
    this.#bucket = bucket;
  }

  /** How many tokens come in `per` milliseconds. */
  get rate(): number {
    return this.#bucket.rate;
  }

  /** In how many milliseconds `rate` tokens come. */
  get per(): number {
    return this.#bucket.per;
  }

  /** How many the bucket holds. */
  get burst(): number {
    return this.#bucket.most;
  }

  /**
   * Changes what is given from now on; what is left out stays, `burst` too. What is in the bucket stays
   * as well, as far as it holds that. Those who wait are served as the new rate has it; who wants more
   * than the new burst is rejected with a RangeError.
   *
   * @throws TypeError or RangeError if one is not what it may be; then nothing has changed.
   */
  setRate(
    to: {
      readonly rate?: number | undefined;
      readonly per?: number | undefined;
      readonly burst?: number | undefined;
    },
  ): void {
    checkOptions("to", to);
    const { rate = this.rate, per = this.per, burst = this.burst } = to;
    checkRate(rate, per);
    checkSize("burst", burst);
    this.change((now) => this.#bucket.set(rate, per, burst, now));
  }
}

function checkRate(rate: unknown, per: unknown): void {
  checkDuration("rate", rate, { positive: true, finite: true });
  checkDuration("per", per, { positive: true, finite: true });
}

class Bucket implements RateMeter {
  rate: number;
  per: number;
  most: number;
  /** A moment at which it was full. */
  #since = 0;
  /** How many were taken since. */
  #taken = 0;

  constructor(rate: number, per: number, burst: number) {
    this.rate = rate;
    this.per = per;
    this.most = burst;
  }

  set(rate: number, per: number, burst: number, now: number): void {
    const whole = this.available(now);
    const part = (now - this.#since) * this.rate / this.per + this.most - this.#taken - whole;
    // It goes on as if it had been full when a token began of which it has that part.
    this.#since = whole < this.most ? now - clamp(part) * per / rate : now;
    this.#taken = Math.max(0, burst - whole);
    [this.rate, this.per, this.most] = [rate, per, burst];
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
    const refilled = Math.floor((now - this.#since) * this.rate / this.per);
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
    return this.#since + count * this.per / this.rate;
  }
}

/** Rounded, a part may be a little less than none, or more than all. */
function clamp(part: number): number {
  return Math.min(1, Math.max(0, part));
}
