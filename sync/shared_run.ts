import type { Wait } from "../core/contract.ts";
import { NOTHING } from "../core/nothing.ts";
import { tryOrPark } from "../core/try_or_park.ts";
import { type Owner, WaitList } from "../core/wait_list.ts";

type Outcome<R> = { readonly ok: true; readonly value: R } | {
  readonly ok: false;
  readonly error: unknown;
};

/** One run of a function that many wait for. Each may leave; the run goes on for the others. */
export class SharedRun<R> implements Owner {
  #outcome: Outcome<R> | undefined;
  readonly #line = new WaitList(this);
  readonly #deserted: () => void;

  /** `deserted`: all have left, and it has not ended. */
  constructor(deserted: () => void = () => {}) {
    this.#deserted = deserted;
  }

  /** Whether nobody waits. */
  get lonely(): boolean {
    return this.#line.length === 0;
  }

  /** Runs `fn`. `ended` is told how it ended, before those who wait are. */
  async start(fn: () => R | PromiseLike<R>, ended: (ok: boolean) => void): Promise<void> {
    try {
      const value = await fn();
      this.#outcome = { ok: true, value };
      ended(true);
      this.#line.settleAll(value);
    } catch (error) {
      this.#outcome = { ok: false, error };
      ended(false);
      this.#line.failAll(error);
    }
  }

  /** What it gives. */
  wait(wait?: Wait): Promise<R> {
    return tryOrPark<R>(this.#line, wait, () => {
      if (this.#outcome === undefined) return NOTHING;
      if (this.#outcome.ok) return this.#outcome.value;
      throw this.#outcome.error;
    });
  }

  left(): void {
    if (this.lonely && this.#outcome === undefined) this.#deserted();
  }
}
