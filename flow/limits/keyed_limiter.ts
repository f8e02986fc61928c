/**
 * A rate limiter for each key: for each user, each address, each tenant.
 *
 * - Each key has a limiter of its own, made when it is first used. Nobody waits for who has another
 *   key.
 * - A key whose limiter is as new, since nothing that it handed out counts any more and nobody waits,
 *   is forgotten by the next call, whatever its key. So what is kept are the keys in use, not those
 *   ever seen. That needs no timer; it costs each call a step or two in a heap.
 * - With `maxKeys` no key is given up for another: a new one is refused while so many are in use. So
 *   nobody gets more than his limit by coming with many keys.
 *
 * @module
 */
import {
  checkCount,
  checkFunction,
  checkOptionalString,
  checkOptions,
  show,
} from "../../core/check.ts";
import type { Cancel, Wait } from "../../core/contract.ts";
import { refused } from "../../core/turn.ts";
import { enter } from "../../core/wait.ts";
import type { Job } from "../../tasks/job.ts";
import { labelOf, OverloadError } from "../errors.ts";
import type { KeyedLimiterOptions, KeyedLimiterStats } from "./limiter_options.ts";
import { runGuarded, type RunOptions } from "../policies/policy.ts";
import { RateLimiter } from "./rate_limiter.ts";
import { delayUntil } from "./request_line.ts";
import { type Dated, SoonestFirst } from "./soonest_first.ts";

/** A key that is in use. */
class Kept<K> implements Dated {
  readonly key: K;
  readonly limiter: RateLimiter;
  /** Before this moment it is not as new, unless it is reset. */
  at = -Infinity;
  place = -1;

  constructor(key: K, limiter: RateLimiter) {
    this.key = key;
    this.limiter = limiter;
  }
}

/**
 * A rate limiter for each key. Keys are told apart as those of a `Map`.
 *
 * @typeParam K What each limiter is for.
 *
 * @example
 * ```ts
 * import { KeyedLimiter, TokenBucket } from "@sluice/sluice/flow";
 * import { ManualClock } from "@sluice/sluice/tasks";
 * import { assertEquals } from "@std/assert";
 *
 * const clock = new ManualClock();
 * const limiter = new KeyedLimiter<string>((user) =>
 *   new TokenBucket({ rate: user === "admin" ? 100 : 1, clock })
 * );
 * assertEquals(limiter.tryAcquire("ann"), true);
 * assertEquals([limiter.tryAcquire("ann"), limiter.tryAcquire("bob")], [false, true]);
 * assertEquals([limiter.retryAfter("ann"), limiter.keys], [1_000, 2]);
 * await clock.advance(1_000);
 * assertEquals(limiter.keys, 0);
 * ```
 */
export class KeyedLimiter<K> {
  /** How many keys may be in use at a time. */
  readonly maxKeys: number;
  readonly #make: (key: K) => RateLimiter;
  readonly #name: string | undefined;
  readonly #kept = new Map<K, Kept<K>>();
  /** The same, the first that may be as new first. */
  readonly #order = new SoonestFirst<Kept<K>>();
  #forgotten = 0;
  #refused = 0;

  /**
   * `make` gives the limiter of a key that is new, or was forgotten. They all go by one clock.
   *
   * @throws TypeError or RangeError if an argument is not what it may be.
   */
  constructor(make: (key: K) => RateLimiter, options: KeyedLimiterOptions = {}) {
    checkFunction("make", make);
    checkOptions("options", options);
    const { maxKeys = Infinity, name } = options;
    checkCount("maxKeys", maxKeys, 1);
    checkOptionalString("name", name);
    this.maxKeys = maxKeys;
    this.#make = make;
    this.#name = name;
  }

  /** How many keys are in use. */
  get keys(): number {
    this.#forget();
    return this.#kept.size;
  }

  /** Waits for one. Rejects with an OverloadError if there are too many keys. */
  acquire(key: K, wait?: Wait): Promise<void> {
    return this.acquireMany(key, 1, wait);
  }

  /** Waits for `count` at once, as {@linkcode RateLimiter.acquireMany}. */
  acquireMany(key: K, count: number, wait?: Wait): Promise<void> {
    try {
      checkCount("count", count, 1);
      if (wait !== undefined) enter(wait);
      return this.#use(this.#find(key), (limiter) => limiter.acquireMany(count, wait));
    } catch (error) {
      return refused(error);
    }
  }

  /** Takes one if nobody waits and one is there. false: not now, or there are too many keys. */
  tryAcquire(key: K): boolean {
    return this.tryAcquireMany(key, 1);
  }

  /**
   * Takes `count`, or nothing: false.
   *
   * @throws RangeError if so many can never be had.
   */
  tryAcquireMany(key: K, count: number): boolean {
    checkCount("count", count, 1);
    if (!this.#isFull(key)) {
      return this.#use(this.#look(key), (limiter) => limiter.tryAcquireMany(count));
    }
    this.#refused++;
    return false;
  }

  /**
   * In how many milliseconds `count` could be had, as {@linkcode RateLimiter.retryAfter}. Of a new key
   * while there are too many it is the earliest moment at which one of those may be forgotten.
   */
  retryAfter(key: K, count = 1): number {
    checkCount("count", count, 1);
    if (!this.#isFull(key)) return this.#look(key).limiter.retryAfter(count);
    const { at, limiter } = this.#order.first!;
    return delayUntil(at, limiter.clock.now());
  }

  /** How many a key can have now, if nobody waits for it. */
  available(key: K): number {
    return this.#isFull(key) ? 0 : this.#look(key).limiter.available;
  }

  /** How many calls wait for a key. */
  waiting(key: K): number {
    return this.#kept.get(key)?.limiter.waiting ?? 0;
  }

  /** Waits for one, then runs the job, as {@linkcode RateLimiter.run}. */
  run<R>(key: K, job: Job<R>, options?: Cancel | RunOptions<R>): Promise<R> {
    try {
      if (options !== undefined) enter(options);
      return this.#use(this.#find(key), (limiter) => limiter.run(job, options));
    } catch (error) {
      return runGuarded(job, options, () => Promise.reject(error));
    }
  }

  /** Forgets what a key was handed out. Those who wait are served as far as possible. */
  reset(key: K): void {
    const kept = this.#kept.get(key);
    if (kept === undefined) return;
    kept.limiter.reset();
    this.#review(kept, kept.limiter.clock.now());
  }

  /** What it has done so far. */
  stats(): KeyedLimiterStats {
    return { keys: this.keys, forgotten: this.#forgotten, refused: this.#refused };
  }

  /** The limiter of a key; throws if there are too many. */
  #find(key: K): Kept<K> {
    if (!this.#isFull(key)) return this.#look(key);
    this.#refused++;
    const [fill, limit] = [this.#kept.size, this.maxKeys];
    const label = labelOf("keyed limiter", this.#name);
    const message = `${label} has ${fill} of ${limit} keys in use`;
    throw new OverloadError(message, { fill, limit, value: key });
  }

  /** The key is new, and too many are in use. */
  #isFull(key: K): boolean {
    this.#forget();
    return this.#kept.size >= this.maxKeys && !this.#kept.has(key);
  }

  /** The limiter of a key. That of a new one is not kept yet. */
  #look(key: K): Kept<K> {
    const kept = this.#kept.get(key);
    if (kept !== undefined) return kept;
    const limiter = this.#make(key);
    if (!(limiter instanceof RateLimiter)) {
      throw new TypeError(`make must return a RateLimiter, not ${show(limiter)}`);
    }
    const { first } = this.#order;
    if (first !== undefined && first.limiter.clock !== limiter.clock) {
      throw new TypeError("make must give all limiters the same clock");
    }
    // It may have used this key itself.
    return this.#kept.get(key) ?? new Kept(key, limiter);
  }

  /** Makes a call of a limiter, which is kept if it is not as new after that. */
  #use<R>(kept: Kept<K>, call: (limiter: RateLimiter) => R): R {
    const { key, limiter } = kept;
    const result = call(limiter);
    if (kept.place < 0 && !isIdle(limiter, limiter.clock.now())) {
      kept.at = limiter.idleAt;
      this.#kept.set(key, kept);
      this.#order.push(kept);
    }
    return result;
  }

  /** Forgets the keys whose limiters are as new. */
  #forget(): void {
    const order = this.#order;
    let { first } = order;
    if (first === undefined) return;
    const now = first.limiter.clock.now();
    for (; first !== undefined && first.at <= now; first = order.first) this.#review(first, now);
  }

  #review(kept: Kept<K>, now: number): void {
    const { key, limiter } = kept;
    if (isIdle(limiter, now)) {
      this.#order.remove(kept);
      this.#kept.delete(key);
      this.#forgotten++;
    } else {
      // It was used since. If not for that, somebody waits whose timer is late.
      kept.at = limiter.idleAt > now ? limiter.idleAt : now + 1;
      this.#order.move(kept);
    }
  }
}

function isIdle({ waiting, idleAt }: RateLimiter, now: number): boolean {
  return waiting === 0 && idleAt <= now;
}
