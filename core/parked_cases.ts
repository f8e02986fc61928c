import type { Waiter } from "./protocol.ts";
import type { Endable, Link, Sequel } from "./scope.ts";

/** What the parked cases of a select tell it. */
interface Selecting {
  /** The port of a case may be ready. True: the select has committed. */
  wake(index: number): boolean;
  /** The context of a case has ended. */
  ended(index: number, cause: unknown): Sequel | null;
}

/** The waiter of a case on a foreign port. */
export class ForeignCase implements Waiter {
  readonly #selection: Selecting;
  readonly #index: number;

  constructor(selection: Selecting, index: number) {
    this.#selection = selection;
    this.#index = index;
  }

  wake(): boolean {
    return this.#selection.wake(this.#index);
  }
}

/** The link of a `whenDone` case. */
export class DoneLink implements Endable {
  links: Link | null = null;
  readonly #selection: Selecting;
  readonly #index: number;

  constructor(selection: Selecting, index: number) {
    this.#selection = selection;
    this.#index = index;
  }

  end(cause: unknown): Sequel | null {
    return this.#selection.ended(this.#index, cause);
  }
}
