/**
 * What rate limiters are told, and what they tell.
 *
 * @module
 */
import type { Cancel } from "../../core/contract.ts";
import type { Clock } from "../../tasks/clock.ts";

/**
 * What every rate limiter can be told.
 *
 * @example
 * ```ts
 * import { type RateLimiterOptions, TokenBucket } from "@sluice/sluice/flow";
 * import { background, withCancel } from "@sluice/sluice";
 *
 * using shop = withCancel(background());
 * const common: RateLimiterOptions = { name: "payments", parent: shop };
 * new TokenBucket({ rate: 10, ...common });
 * ```
 */
export interface RateLimiterOptions {
  /** What it goes by; the monotonic clock of the machine if left out. */
  readonly clock?: Clock | undefined;
  /** When this ends, all who wait are rejected with its cause, and nothing is handed out any more. */
  readonly parent?: Cancel | undefined;
  /** What error messages call it. */
  readonly name?: string | undefined;
}

/**
 * What a rate limiter has done.
 *
 * @example
 * ```ts
 * import { type RateLimiterStats, TokenBucket } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const bucket = new TokenBucket({ rate: 2 });
 * for (let i = 0; i < 3; i++) bucket.tryAcquire();
 * const stats: RateLimiterStats = bucket.stats();
 * assertEquals([stats.granted, stats.refused, stats.waiting], [2, 1, 0]);
 * ```
 */
export interface RateLimiterStats {
  /** How many can be had now. */
  readonly available: number;
  /** How many calls wait. */
  readonly waiting: number;
  /** How many were handed out. */
  readonly granted: number;
  /** How many calls of `tryAcquire` and `tryAcquireMany` got nothing. */
  readonly refused: number;
}

/**
 * What a {@linkcode KeyedLimiter} can be told.
 *
 * @example
 * ```ts
 * import { KeyedLimiter, type KeyedLimiterOptions, OverloadError, TokenBucket } from "@sluice/sluice/flow";
 * import { assertRejects } from "@std/assert";
 *
 * const options: KeyedLimiterOptions = { maxKeys: 1, name: "addresses" };
 * const limiter = new KeyedLimiter<string>(() => new TokenBucket({ rate: 1 }), options);
 * await limiter.acquire("192.0.2.1");
 * await assertRejects(() => limiter.acquire("192.0.2.2"), OverloadError, "1 of 1");
 * ```
 */
export interface KeyedLimiterOptions {
  /** How many keys may be in use at a time; Infinity if left out. */
  readonly maxKeys?: number | undefined;
  /** What error messages call it. */
  readonly name?: string | undefined;
}

/**
 * What a keyed limiter has done.
 *
 * @example
 * ```ts
 * import { KeyedLimiter, type KeyedLimiterStats, TokenBucket } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const limiter = new KeyedLimiter<string>(() => new TokenBucket({ rate: 1 }));
 * for (const user of ["ann", "bob", "ann"]) limiter.tryAcquire(user);
 * const stats: KeyedLimiterStats = limiter.stats();
 * assertEquals(stats, { keys: 2, forgotten: 0, refused: 0 });
 * ```
 */
export interface KeyedLimiterStats {
  /** How many keys are in use. */
  readonly keys: number;
  /** How many were forgotten, since their limiters were as new. */
  readonly forgotten: number;
  /** How many calls were refused because there were too many keys. */
  readonly refused: number;
}
