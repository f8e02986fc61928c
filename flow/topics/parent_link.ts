import type { Cancel } from "../../core/contract.ts";
import { type Endable, type Link, release, type Sequel, watch } from "../../core/scope.ts";
import { scopeOf } from "../../core/wait.ts";

/** What ties a piece to its parent: tells it the cause when that ends, in the same step. */
export class ParentLink implements Endable, Sequel {
  links: Link | null = null;
  #cause: unknown;
  readonly #onEnd: (cause: unknown) => void;

  constructor(onEnd: (cause: unknown) => void) {
    this.#onEnd = onEnd;
  }

  /**
   * To be called last where a piece is made: if the parent has ended, so does the piece, at once. Throws
   * TypeError if it is none.
   */
  tie(parent: Cancel | undefined): void {
    if (parent !== undefined) watch(scopeOf(parent, "parent"), this);
  }

  end(cause: unknown): Sequel {
    this.#cause = cause;
    return this;
  }

  follow(): void {
    this.#onEnd(this.#cause);
  }

  /** The piece is over. */
  release(): void {
    release(this);
  }
}

/** Throws TypeError if it is neither a context nor a signal, nor left out. */
export function checkParent(parent: Cancel | undefined): void {
  if (parent !== undefined) scopeOf(parent, "parent");
}
