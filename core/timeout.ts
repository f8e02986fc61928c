/**
 * Timers of any length. `setTimeout` holds its delay in 32 bits and fires at once beyond them, so a
 * longer one is waited for in pieces.
 *
 * @module
 */

/** The longest delay that `setTimeout` takes: 24.8 days. */
const LONGEST = 2 ** 31 - 1;

// Deno 2.9 loads its timers when they are first looked up, and may run microtasks meanwhile. In the
// middle of an operation those would find it half done; here they find nothing.
void setTimeout;

/** A timer that runs `fn` once; Infinity never does. */
export class Timeout {
  #id: ReturnType<typeof setTimeout> | undefined;
  readonly #fn: () => void;

  /** `ms` are milliseconds from now. */
  constructor(ms: number, fn: () => void) {
    this.#fn = fn;
    if (ms !== Infinity) this.#wait(ms);
  }

  /** Nothing is left of it, and `fn` does not run any more. */
  stop(): void {
    clearTimeout(this.#id);
    this.#id = undefined;
  }

  #wait(ms: number): void {
    if (ms <= LONGEST) {
      this.#id = setTimeout(this.#fn, Math.max(0, ms));
    } else {
      this.#id = setTimeout(() => this.#wait(ms - LONGEST), LONGEST);
    }
  }
}
