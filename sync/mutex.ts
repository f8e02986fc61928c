/**
 * A lock for one holder at a time.
 *
 * - First come, first served. Releasing hands the lock to the next in line in the same step, so that
 *   nobody who comes later is faster.
 * - A lock that was handed over stays so: if the context ends before the holder's code goes on, the
 *   holder still has the lock, and releases it as ever.
 * - A cancelled call has left the line, and was never given the lock.
 *
 * @module
 */
import { checkFunction } from "../core/check.ts";
import type { Wait } from "../core/contract.ts";
import { NOTHING } from "../core/nothing.ts";
import { tryOrPark } from "../core/try_or_park.ts";
import { park, WaitList, WaitNode } from "../core/wait_list.ts";
import type { Guard } from "./guard.ts";

/** A mutex that is held. A condition takes it off its holder for a while, and gives it back. */
export class MutexGuard implements Guard {
  readonly mutex: Mutex;
  readonly #line: MutexLine;
  #state: "held" | "suspended" | "released" = "held";

  constructor(mutex: Mutex, line: MutexLine) {
    this.mutex = mutex;
    this.#line = line;
  }

  get held(): boolean {
    return this.#state === "held";
  }

  release(): void {
    const { held } = this;
    this.#state = "released";
    if (held) this.#line.pass();
  }

  [Symbol.dispose](): void {
    this.release();
  }

  /** Lets others have the lock. */
  suspend(): void {
    this.#state = "suspended";
    this.#line.pass();
  }

  /** Stands in line for the lock, to hold it again. Nothing can end this wait. */
  resume(): Promise<void> {
    return this.#line.wait(this);
  }

  /** The lock has come back. false: it is not wanted any more, for the guard was released meanwhile. */
  regain(): boolean {
    if (this.#state !== "suspended") return false;
    this.#state = "held";
    return true;
  }
}

/** Those who wait for a mutex. A node's item is the guard that wants it back, if there is one. */
class MutexLine extends WaitList {
  locked = false;
  readonly #mutex: Mutex;

  constructor(mutex: Mutex) {
    super();
    this.#mutex = mutex;
  }

  take(): MutexGuard {
    this.locked = true;
    return new MutexGuard(this.#mutex, this);
  }

  wait(guard: MutexGuard): Promise<void> {
    if (!this.locked) {
      this.locked = guard.regain();
      return this.locked ? Promise.resolve() : Promise.reject(releasedWhileWaiting());
    }
    return park(this, new WaitNode(guard), undefined);
  }

  /** The holder has let go. */
  pass(): void {
    for (let node = this.head; node !== null; node = this.head) {
      node.leave();
      const guard = node.item as MutexGuard | undefined;
      if (guard === undefined || guard.regain()) {
        node.settle(guard === undefined ? this.take() : undefined);
        return;
      }
      node.fail(releasedWhileWaiting());
    }
    this.locked = false;
  }
}

function releasedWhileWaiting(): TypeError {
  return new TypeError(
    "the guard was released while its condition waited: await the wait before the scope ends",
  );
}

/**
 * A lock for one holder at a time; asyncio's `Lock`, Go's `sync.Mutex`. First come, first served.
 * It is not reentrant: a holder who locks again waits for himself.
 *
 * @example
 * ```ts
 * import { Mutex } from "@sluice/sluice/sync";
 * import { sleep } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const mutex = new Mutex();
 * let balance = 100;
 * async function withdraw(amount: number): Promise<void> {
 *   using _ = await mutex.lock();
 *   const read = balance;
 *   await sleep(1); // nobody else gets in meanwhile
 *   balance = read - amount;
 * }
 * await Promise.all([withdraw(30), withdraw(20)]);
 * assertEquals(balance, 50);
 * ```
 */
export class Mutex {
  readonly #line: MutexLine = new MutexLine(this);

  /** Whether somebody holds it. */
  get locked(): boolean {
    return this.#line.locked;
  }

  /** How many wait for it. */
  get waiting(): number {
    return this.#line.length;
  }

  /**
   * Waits for the lock: `using _ = await mutex.lock(ctx)`. Leaving the scope releases it.
   *
   * Rejects with the cause of what ended the wait; then the lock was never held.
   */
  lock(wait?: Wait): Promise<Guard> {
    return tryOrPark<Guard>(this.#line, wait, () => this.tryLock() ?? NOTHING);
  }

  /** The lock if it is free; undefined: somebody holds it. */
  tryLock(): Guard | undefined {
    return this.locked ? undefined : this.#line.take();
  }

  /** Runs `fn` while holding the lock, and gives its result; `wait` ends the wait for the lock alone. */
  async run<R>(fn: () => R | PromiseLike<R>, wait?: Wait): Promise<R> {
    checkFunction("fn", fn);
    using _ = await this.lock(wait);
    return await fn();
  }
}
