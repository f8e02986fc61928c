import type { Wait } from "../core/contract.ts";
import { Mutex } from "../sync/mutex.ts";

/** One lock for each key; none is kept that nobody has, or waits for. First come, first served. */
export class KeyLocks {
  readonly #locks = new Map<string, { readonly mutex: Mutex; users: number }>();

  /** How many keys somebody has, or waits for. */
  get size(): number {
    return this.#locks.size;
  }

  /** Runs `fn` while nobody else does so for the key. `wait` ends the wait for that alone. */
  async run<R>(key: string, fn: () => Promise<R>, wait?: Wait): Promise<R> {
    let lock = this.#locks.get(key);
    if (lock === undefined) this.#locks.set(key, lock = { mutex: new Mutex(), users: 0 });
    lock.users++;
    try {
      using _ = await lock.mutex.lock(wait);
      return await fn();
    } finally {
      if (--lock.users === 0) this.#locks.delete(key);
    }
  }
}
