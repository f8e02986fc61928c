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
  /** While it is suspended: what stands in line for it, first at the condition, then here. */
  #node: WaitNode | null = null;

  constructor(mutex: Mutex, line: MutexLine) {
    this.mutex = mutex;
    this.#line = line;
  }

  get held(): boolean {
    return this.#state === "held";
  }

  get suspended(): boolean {
    return this.#state === "suspended";
  }

  release(): void {
    const { held } = this;
    this.#state = "released";
    if (held) this.#line.pass();
    else this.#giveUp();
  }

  [Symbol.dispose](): void {
    this.release();
  }

  /** Lets others have the lock, while `node` waits to be notified. */
  suspend(node: WaitNode): void {
    this.#state = "suspended";
    this.#node = node;
    this.#line.pass();
  }

  /** Stands in line for the lock, to hold it again. Only releasing it can end this wait. */
  resume(): Promise<void> {
    if (!this.#line.locked) {
      this.#line.locked = true;
      this.regain();
      return Promise.resolve();
    }
    const node = this.#node = new WaitNode(this);
    return park(this.#line, node, undefined);
  }

  /** The lock has come back. */
  regain(): void {
    this.#state = "held";
    this.#node = null;
  }

  /** Fails the wait of its condition. Left in line it would take a notification for nobody. */
  #giveUp(): void {
    const node = this.#node;
    this.#node = null;
    if (node === null || node.list === null) return;
    node.leave();
    node.fail(
      new TypeError(
        "the guard was released while its condition waited: await the wait before the scope ends",
      ),
    );
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

  /** The holder has let go. */
  pass(): void {
    const node = this.head;
    if (node === null) {
      this.locked = false;
      return;
    }
    node.leave();
    const guard = node.item as MutexGuard | undefined;
    if (guard === undefined) {
      node.settle(this.take());
    } else {
      guard.regain();
      node.settle(undefined);
    }
  }
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
