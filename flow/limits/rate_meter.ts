/**
 * What a rate limiter goes by: the rule alone, without anybody who waits.
 *
 * A meter says from which moment on so many can be had, and never takes back what it has said unless
 * more are taken, or its limiter changes it. So whoever waits needs one timer, and nothing is asked again and again.
 *
 * @module
 */

/**
 * The requests that wait, oldest first.
 *
 * @example
 * ```ts
 * import type { Requests } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const counts = [3, 1];
 * const ahead: Requests = { units: 4, [Symbol.iterator]: () => counts.values() };
 * assertEquals([...ahead], [3, 1]);
 * ```
 */
export interface Requests extends Iterable<number> {
  /** How many they want together. */
  readonly units: number;
}

/**
 * The rule of a {@linkcode RateLimiter}. All moments are those of its clock, which never goes back.
 * No method may call the limiter.
 *
 * @example
 * ```ts
 * import { RateLimiter, type RateMeter } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * // So many, and never more.
 * class Allowance implements RateMeter {
 *   #left: number;
 *   constructor(readonly most: number) {
 *     this.#left = most;
 *   }
 *   due = (count: number): number => count <= this.#left ? -Infinity : Infinity;
 *   take = (count: number): void => void (this.#left -= count);
 *   available = (): number => this.#left;
 *   get idleAt(): number {
 *     return this.#left === this.most ? -Infinity : Infinity;
 *   }
 *   reset = (): void => void (this.#left = this.most);
 * }
 * const trial = new RateLimiter(new Allowance(2));
 * assertEquals([trial.tryAcquire(), trial.tryAcquire(), trial.tryAcquire()], [true, true, false]);
 * assertEquals(trial.retryAfter(), Infinity);
 * ```
 */
export interface RateMeter {
  /** How many can be had at once at most. */
  readonly most: number;
  /**
   * The earliest moment at which `count` can be had if nothing else is taken, except by those who are
   * ahead, none of whom is due now, and each of whom takes as soon as it can. -Infinity, or any moment
   * that has passed: now.
   */
  due(count: number, ahead: Requests): number;
  /** Takes `count`, which are due. */
  take(count: number, now: number): void;
  /** How many can be had now. */
  available(now: number): number;
  /** From when on nothing that was taken counts any more, so that it is as new. */
  readonly idleAt: number;
  /** Forgets all that was taken. */
  reset(): void;
}
