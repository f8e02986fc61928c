/**
 * Where it is remembered which jobs have been done.
 *
 * @module
 */
import { checkOptions } from "../core/check.ts";
import type { Wait } from "../core/contract.ts";
import { checkDuration, checkSize } from "../flow/checks.ts";
import { checkClock, type Clock, realClock } from "../tasks/clock.ts";

/**
 * Remembers the ids of jobs that were done; for one queue and one group, since others have ids of their
 * own. Write one over the database that your handlers write to.
 *
 * @example
 * ```ts
 * import type { DoneStore } from "@sluice/sluice/jobs";
 *
 * const ids = new Set<string>(); // in the real world, a table or a key with a time to live
 * const store: DoneStore = {
 *   has: (id) => Promise.resolve(ids.has(id)),
 *   add: (id) => Promise.resolve(void ids.add(id)),
 * };
 * await store.add("order-17");
 * console.log(await store.has("order-17"));
 * ```
 */
export interface DoneStore {
  /** Whether it was added, and is remembered. */
  has(id: string, wait?: Wait): boolean | PromiseLike<boolean>;
  /** Remembers it. Adding it again is no error. */
  add(id: string, wait?: Wait): unknown;
}

/**
 * What a store in memory remembers, and for how long.
 *
 * @example
 * ```ts
 * import { memoryDoneStore, type MemoryDoneStoreOptions } from "@sluice/sluice/jobs";
 * import { ManualClock } from "@sluice/sluice/tasks";
 * import { assertEquals } from "@std/assert";
 *
 * const clock = new ManualClock();
 * const options: MemoryDoneStoreOptions = { maxIds: 10_000, maxAge: 60_000, clock };
 * const store = memoryDoneStore(options);
 * await store.add("order-17");
 * await clock.advance(60_000);
 * assertEquals(await store.has("order-17"), false);
 * ```
 */
export interface MemoryDoneStoreOptions {
  /** How many ids, the last that were added; 100,000 if left out. */
  readonly maxIds?: number | undefined;
  /** For how many milliseconds; 86,400,000, a day, if left out; may be Infinity. */
  readonly maxAge?: number | undefined;
  /** What it goes by; the machine's if left out. Tests give it one that they move. */
  readonly clock?: Clock | undefined;
}

/**
 * A store in the memory of this process: as good as a queue in memory, and gone with it.
 *
 * @throws TypeError or RangeError if an option is not what it may be.
 *
 * @example
 * ```ts
 * import { memoryDoneStore } from "@sluice/sluice/jobs";
 * import { assertEquals } from "@std/assert";
 *
 * const store = memoryDoneStore({ maxIds: 2 });
 * for (const id of ["a", "b", "c"]) await store.add(id);
 * assertEquals([await store.has("a"), await store.has("c")], [false, true]);
 * ```
 */
export function memoryDoneStore(options: MemoryDoneStoreOptions = {}): DoneStore {
  checkOptions("options", options);
  const { maxIds = 100_000, maxAge = 86_400_000, clock = realClock } = options;
  checkSize("maxIds", maxIds);
  checkDuration("maxAge", maxAge, { positive: true });
  checkClock(clock);
  return new MemoryDoneStore(maxIds, maxAge, clock);
}

class MemoryDoneStore implements DoneStore {
  readonly #maxIds: number;
  readonly #maxAge: number;
  readonly #clock: Clock;
  /** Until when each is remembered, the soonest first. */
  readonly #ids = new Map<string, number>();

  constructor(maxIds: number, maxAge: number, clock: Clock) {
    this.#maxIds = maxIds;
    this.#maxAge = maxAge;
    this.#clock = clock;
  }

  has(id: string): boolean {
    this.#forget();
    return this.#ids.has(id);
  }

  add(id: string): void {
    // Again at the end, so that the soonest stays the first.
    this.#ids.delete(id);
    this.#ids.set(id, this.#clock.now() + this.#maxAge);
    this.#forget();
  }

  #forget(): void {
    const now = this.#clock.now();
    for (const [id, until] of this.#ids) {
      if (until > now && this.#ids.size <= this.#maxIds) break;
      this.#ids.delete(id);
    }
  }
}
