import type { Wait } from "../core/contract.ts";
import { NOTHING } from "../core/nothing.ts";
import { tryOrPark } from "../core/try_or_park.ts";
import { WaitList } from "../core/wait_list.ts";

/**
 * Something that happens, and many wait for; asyncio's `Event`. Whoever waits when it is set is woken,
 * even if it is cleared before its code goes on.
 *
 * @example
 * ```ts
 * import { Event } from "@sluice/sluice/sync";
 * import { assertEquals } from "@std/assert";
 *
 * const opened = new Event();
 * const first = opened.wait();
 * opened.set();
 * await first;
 * await opened.wait(); // at once
 * assertEquals(opened.isSet, true);
 * ```
 */
export class Event {
  #set = false;
  readonly #line = new WaitList();

  /** Whether it has been set, and not cleared since. */
  get isSet(): boolean {
    return this.#set;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#line.length;
  }

  /** Wakes all who wait; until it is cleared, waiting returns at once. */
  set(): void {
    this.#set = true;
    this.#line.settleAll(undefined);
  }

  /** From now on waiting waits for the next `set`. */
  clear(): void {
    this.#set = false;
  }

  /** Waits until it is set. */
  wait(wait?: Wait): Promise<void> {
    return tryOrPark<void>(this.#line, wait, () => this.#set ? undefined : NOTHING);
  }
}
