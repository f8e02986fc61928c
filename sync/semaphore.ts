/**
 * A number of permits that holders share.
 *
 * - First come, first served, whatever they want: a big request at the head of the line holds up
 *   small ones behind it, so that it is not starved. When it is cancelled, those that fit are served
 *   before `cancel` returns.
 * - `available` and what is held are `permits` together, always: permits are given back by what was
 *   handed out alone, and once.
 *
 * @module
 */
import { checkCount, checkFunction } from "../core/check.ts";
import type { Wait } from "../core/contract.ts";
import { NOTHING } from "../core/nothing.ts";
import { tryOrPark } from "../core/try_or_park.ts";
import { refused } from "../core/turn.ts";
import { WaitList } from "../core/wait_list.ts";

/**
 * Permits of a {@linkcode Semaphore} that are held.
 *
 * @example
 * ```ts
 * import { type Permit, Semaphore } from "@sluice/sluice/sync";
 * import { assertEquals } from "@std/assert";
 *
 * const memory = new Semaphore(64);
 * const permit: Permit = await memory.acquireMany(48);
 * permit.release(40); // the peak is over
 * assertEquals([permit.count, memory.available], [8, 56]);
 * permit.release();
 * ```
 */
export interface Permit extends Disposable {
  /** How many are still held; 0 once released. */
  readonly count: number;
  /**
   * Gives back `count` of them, or all that are left; a second release of all does nothing.
   *
   * @throws RangeError if `count` is more than are held, or no positive integer.
   */
  release(count?: number): void;
}

class HeldPermit implements Permit {
  #count: number;
  readonly #giveBack: (count: number) => void;

  constructor(count: number, giveBack: (count: number) => void) {
    this.#count = count;
    this.#giveBack = giveBack;
  }

  get count(): number {
    return this.#count;
  }

  release(count?: number): void {
    if (count !== undefined) {
      checkCount("count", count, 1);
      if (count > this.#count) {
        throw new RangeError(`count must be at most what is held, ${this.#count}: ${count}`);
      }
    }
    const released = count ?? this.#count;
    if (released === 0) return;
    this.#count -= released;
    this.#giveBack(released);
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

/**
 * A number of permits that holders share; asyncio's `Semaphore`, and Go's weighted one of
 * `golang.org/x/sync/semaphore`. First come, first served.
 *
 * @example
 * ```ts
 * import { Semaphore } from "@sluice/sluice/sync";
 * import { sleep } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const connections = new Semaphore(2);
 * let open = 0;
 * let most = 0;
 * async function query(): Promise<void> {
 *   using _ = await connections.acquire();
 *   most = Math.max(most, ++open);
 *   await sleep(1);
 *   open--;
 * }
 * await Promise.all([query(), query(), query(), query()]);
 * assertEquals(most, 2);
 * ```
 */
export class Semaphore {
  /** How many there are. */
  readonly permits: number;
  #available: number;
  readonly #line: WaitList = new WaitList({ left: () => this.#serve() });
  readonly #giveBack = (count: number): void => {
    this.#available += count;
    this.#serve();
  };

  /**
   * `permits` is an integer of at least 1, or Infinity.
   *
   * @throws TypeError or RangeError if it is not.
   */
  constructor(permits: number) {
    checkCount("permits", permits, 1);
    this.permits = permits;
    this.#available = permits;
  }

  /** How many nobody holds. */
  get available(): number {
    return this.#available;
  }

  /** How many calls wait. */
  get waiting(): number {
    return this.#line.length;
  }

  /** Waits for one permit: `using _ = await semaphore.acquire(ctx)`. */
  acquire(wait?: Wait): Promise<Permit> {
    return this.acquireMany(1, wait);
  }

  /**
   * Waits for `count` permits at once.
   *
   * Rejects with a RangeError if there are not so many at all; that holds up nobody.
   */
  acquireMany(count: number, wait?: Wait): Promise<Permit> {
    try {
      this.#check(count);
    } catch (error) {
      return refused(error);
    }
    return tryOrPark<Permit>(this.#line, wait, () => this.#try(count) ?? NOTHING, count);
  }

  /** One permit if nobody waits and one is available; undefined otherwise. */
  tryAcquire(): Permit | undefined {
    return this.#try(1);
  }

  /**
   * `count` permits if nobody waits and so many are available; undefined otherwise.
   *
   * @throws RangeError if there are not so many at all.
   */
  tryAcquireMany(count: number): Permit | undefined {
    this.#check(count);
    return this.#try(count);
  }

  /** Runs `fn` while holding one permit, and gives its result; `wait` ends the wait for it alone. */
  async run<R>(fn: () => R | PromiseLike<R>, wait?: Wait): Promise<R> {
    checkFunction("fn", fn);
    using _ = await this.acquire(wait);
    return await fn();
  }

  #check(count: number): void {
    checkCount("count", count, 1);
    if (count > this.permits || count === Infinity) {
      throw new RangeError(`count must be at most ${this.permits}, and finite: ${count}`);
    }
  }

  #try(count: number): Permit | undefined {
    return this.#line.length === 0 && count <= this.#available ? this.#take(count) : undefined;
  }

  #take(count: number): Permit {
    this.#available -= count;
    return new HeldPermit(count, this.#giveBack);
  }

  #serve(): void {
    for (let node = this.#line.head; node !== null; node = this.#line.head) {
      const count = node.item as number;
      if (count > this.#available) return;
      node.leave();
      node.settle(this.#take(count));
    }
  }
}
