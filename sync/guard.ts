/**
 * A lock that is held. Releasing it a second time does nothing, so that a guard never frees a lock
 * that somebody else holds by now.
 *
 * @example
 * ```ts
 * import { type Guard, Mutex } from "@sluice/sluice/sync";
 * import { assertEquals } from "@std/assert";
 *
 * const mutex = new Mutex();
 * const guard: Guard = await mutex.lock();
 * guard.release();
 * guard.release();
 * assertEquals([guard.held, mutex.locked], [false, false]);
 * ```
 */
export interface Guard extends Disposable {
  /** Whether this guard still holds its lock. */
  readonly held: boolean;
  /** Hands the lock to the next in line, in the same step. Only the first call counts. */
  release(): void;
}

/** A guard that gives something back, once. */
export class OnceGuard implements Guard {
  #giveBack: (() => void) | null;

  constructor(giveBack: () => void) {
    this.#giveBack = giveBack;
  }

  get held(): boolean {
    return this.#giveBack !== null;
  }

  release(): void {
    const giveBack = this.#giveBack;
    this.#giveBack = null;
    giveBack?.();
  }

  [Symbol.dispose](): void {
    this.release();
  }
}
