/**
 * A lock for many readers or one writer.
 *
 * - First come, first served: a writer who waits holds up readers who come after him, so that he is
 *   not starved; readers who wait side by side get in together.
 * - When a waiting writer is cancelled, the readers behind him get in before `cancel` returns.
 *
 * @module
 */
import type { Wait } from "../core/contract.ts";
import { NOTHING } from "../core/nothing.ts";
import { tryOrPark } from "../core/try_or_park.ts";
import { WaitList } from "../core/wait_list.ts";
import { type Guard, OnceGuard } from "./guard.ts";

/**
 * A write lock that is held.
 *
 * @example
 * ```ts
 * import { RwLock, type WriteGuard } from "@sluice/sluice/sync";
 * import { assertEquals } from "@std/assert";
 *
 * const lock = new RwLock();
 * const writing: WriteGuard = await lock.write();
 * using reading = writing.downgrade(); // no other writer gets in between
 * assertEquals([writing.held, reading.held, lock.readers], [false, true, 1]);
 * ```
 */
export interface WriteGuard extends Guard {
  /**
   * Makes a read lock of it, and lets the readers in who are next in line. This guard is released.
   *
   * @throws TypeError if it was released already.
   */
  downgrade(): Guard;
}

class HeldWrite extends OnceGuard implements WriteGuard {
  readonly #share: () => Guard;

  constructor(giveBack: () => void, share: () => Guard) {
    super(giveBack);
    this.#share = share;
  }

  downgrade(): Guard {
    if (!this.held) throw new TypeError("only a write lock that is held can be downgraded");
    const reading = this.#share();
    this.release();
    return reading;
  }
}

/**
 * A lock for many readers or one writer; Go's `sync.RWMutex`, with cancellation and downgrade. A
 * holder must not lock again: behind a writer who waits it would wait for itself.
 *
 * @example
 * ```ts
 * import { RwLock } from "@sluice/sluice/sync";
 * import { assertEquals } from "@std/assert";
 *
 * const lock = new RwLock();
 * {
 *   using _one = await lock.read();
 *   using _two = await lock.read(); // readers share
 *   assertEquals([lock.readers, lock.tryWrite()], [2, undefined]);
 * }
 * using _ = await lock.write();
 * assertEquals(lock.tryRead(), undefined);
 * ```
 */
export class RwLock {
  #readers = 0;
  #writing = false;
  /** A node's item is true for a writer. */
  readonly #line: WaitList = new WaitList({ left: () => this.#serve() });

  /** How many read now. */
  get readers(): number {
    return this.#readers;
  }

  /** Whether somebody writes. */
  get writing(): boolean {
    return this.#writing;
  }

  /** How many wait, readers and writers. */
  get waiting(): number {
    return this.#line.length;
  }

  /** Waits until nobody writes, nor waits for it ahead: `using _ = await lock.read(ctx)`. */
  read(wait?: Wait): Promise<Guard> {
    return tryOrPark<Guard>(this.#line, wait, () => this.tryRead() ?? NOTHING, false);
  }

  /** Waits until nobody else reads or writes: `using _ = await lock.write(ctx)`. */
  write(wait?: Wait): Promise<WriteGuard> {
    return tryOrPark<WriteGuard>(this.#line, wait, () => this.tryWrite() ?? NOTHING, true);
  }

  /** A read lock if one can be had at once; undefined otherwise. */
  tryRead(): Guard | undefined {
    return this.#line.length === 0 && !this.#writing ? this.#share() : undefined;
  }

  /** The write lock if it can be had at once; undefined otherwise. */
  tryWrite(): WriteGuard | undefined {
    // If somebody waits, somebody holds it.
    return this.#readers === 0 && !this.#writing ? this.#own() : undefined;
  }

  #share(): Guard {
    this.#readers++;
    return new OnceGuard(() => {
      this.#readers--;
      this.#serve();
    });
  }

  #own(): WriteGuard {
    this.#writing = true;
    return new HeldWrite(() => {
      this.#writing = false;
      this.#serve();
    }, () => this.#share());
  }

  #serve(): void {
    for (let node = this.#line.head; node !== null; node = this.#line.head) {
      const writer = node.item as boolean;
      if (this.#writing || (writer && this.#readers > 0)) return;
      node.leave();
      node.settle(writer ? this.#own() : this.#share());
    }
  }
}
