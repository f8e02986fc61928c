/**
 * How long somebody else's lock is waited for: in pauses that grow, and that are not the same for all who
 * wait for it.
 *
 * @module
 */

/** The first pause and the longest, in milliseconds. */
const FIRST = 1;
const LONGEST = 32;

export class Patience {
  readonly #timeout: number;
  #since: number | undefined;
  #next = FIRST;

  /** It is over after `timeout` milliseconds. */
  constructor(timeout: number) {
    this.#timeout = timeout;
  }

  /** It has been tried for too long. */
  get isOver(): boolean {
    return this.#since !== undefined && performance.now() - this.#since >= this.#timeout;
  }

  /** How long to wait before the next try. */
  pause(): number {
    this.#since ??= performance.now();
    const pause = this.#next;
    this.#next = Math.min(LONGEST, 2 * pause);
    return pause * (0.5 + Math.random() / 2);
  }

  /** It went well. */
  renew(): void {
    this.#since = undefined;
    this.#next = FIRST;
  }
}
