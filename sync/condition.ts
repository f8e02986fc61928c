/**
 * A condition on what a mutex guards: its holder lets go of the mutex and waits until another holder
 * says that something has changed.
 *
 * - A notification goes to those who wait when it is given, oldest first. Who comes later cannot take
 *   it; who was cancelled before does not get it.
 * - Whoever is notified stands in line for the mutex from that step on, and has it when its wait
 *   resolves. Who was cancelled has it back too, before its wait rejects.
 *
 * @module
 */
import { checkCount, checkFunction, show } from "../core/check.ts";
import type { Wait } from "../core/contract.ts";
import { countCall, ready, refused } from "../core/turn.ts";
import { enter } from "../core/wait.ts";
import { contextOf } from "../core/wait_context.ts";
import { park, WaitList, WaitNode } from "../core/wait_list.ts";
import type { Guard } from "./guard.ts";
import { Mutex, MutexGuard } from "./mutex.ts";

/**
 * A condition on what a mutex guards; asyncio's `Condition`, Go's `sync.Cond`. Each call takes the
 * guard of the mutex: only its holder may wait or notify. Several conditions may share a mutex.
 *
 * @example
 * ```ts
 * import { Condition, Mutex } from "@sluice/sluice/sync";
 * import { assertEquals } from "@std/assert";
 *
 * const mutex = new Mutex();
 * const changed = new Condition(mutex);
 * let stock = 0;
 *
 * async function buy(): Promise<void> {
 *   using guard = await mutex.lock();
 *   await changed.waitFor(guard, () => stock > 0);
 *   stock--;
 * }
 * async function deliver(count: number): Promise<void> {
 *   using guard = await mutex.lock();
 *   stock += count;
 *   changed.notify(guard, count);
 * }
 * await Promise.all([buy(), buy(), deliver(3)]);
 * assertEquals(stock, 1);
 * ```
 */
export class Condition {
  /** What has to be held. */
  readonly mutex: Mutex;
  /** A node's item is the guard to be given back. */
  readonly #line = new WaitList();

  /**
   * Without a mutex it makes one of its own.
   *
   * @throws TypeError if `mutex` is none.
   */
  constructor(mutex: Mutex = new Mutex()) {
    if (!(mutex instanceof Mutex)) {
      throw new TypeError(`mutex must be a Mutex, not ${show(mutex)}`);
    }
    this.mutex = mutex;
  }

  /** How many wait for a notification. */
  get waiting(): number {
    return this.#line.length;
  }

  /**
   * Lets go of the mutex, waits for a notification, and takes the mutex again. It is held in any case
   * when the promise settles. What it waits for may have changed again by then: look, or use
   * `waitFor`.
   *
   * Rejects with a TypeError if `guard` does not hold the mutex.
   */
  wait(guard: Guard, wait?: Wait): Promise<void> {
    countCall();
    let held: MutexGuard;
    try {
      held = this.#check(guard);
      if (wait !== undefined) enter(wait);
    } catch (error) {
      return refused(error);
    }
    const node = new WaitNode(held);
    const notified = park<void>(this.#line, node, wait);
    held.suspend(node);
    return notified.catch(async (cause) => {
      // Unless it was released meanwhile, which is why the wait has failed.
      if (held.suspended) await held.resume();
      throw cause;
    });
  }

  /**
   * Waits until `predicate` gives something truthy, which is the result. It is called while the mutex
   * is held: at first, and after each notification. A timeout is for all of it together.
   *
   * Rejects with a TypeError if `predicate` gives a promise: it must not be async.
   */
  async waitFor<R>(guard: Guard, predicate: () => R, wait?: Wait): Promise<R> {
    countCall();
    checkFunction("predicate", predicate);
    this.#check(guard);
    if (wait !== undefined) enter(wait);
    const first = holds(predicate);
    if (first) return await ready(first);
    using ctx = wait === undefined ? undefined : contextOf(wait);
    for (;;) {
      await this.wait(guard, ctx);
      const result = holds(predicate);
      if (result) return result;
    }
  }

  /**
   * Wakes the oldest `count` of those who wait, or as many as there are.
   *
   * @throws TypeError if `guard` does not hold the mutex; RangeError if `count` is no count.
   */
  notify(guard: Guard, count = 1): void {
    this.#check(guard);
    checkCount("count", count, 0);
    for (let left = count; left > 0; left--) {
      const node = this.#line.head;
      if (node === null) return;
      node.leave();
      const held = (node.item as MutexGuard).resume();
      // The wait rejects with this; it may be a turn later.
      held.catch(() => {});
      node.settle(held);
    }
  }

  /** Wakes all who wait. */
  notifyAll(guard: Guard): void {
    this.notify(guard, Infinity);
  }

  #check(guard: Guard): MutexGuard {
    if (!(guard instanceof MutexGuard)) {
      throw new TypeError(`guard must be what mutex.lock() gave, not ${show(guard)}`);
    }
    if (guard.mutex !== this.mutex) {
      throw new TypeError("guard is that of another mutex than the condition's");
    }
    if (!guard.held) {
      throw new TypeError("the mutex must be held: this guard was released, or waits already");
    }
    return guard;
  }
}

/** What the predicate says. Throws TypeError if that is a promise, which would always be true. */
function holds<R>(predicate: () => R): R {
  const result = predicate();
  if (typeof (result as Partial<PromiseLike<unknown>> | null)?.then === "function") {
    throw new TypeError(`predicate must not be async, since a promise is true: ${show(result)}`);
  }
  return result;
}
