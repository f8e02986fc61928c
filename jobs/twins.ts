/**
 * Puts of one id that wait for room, in memory: when one of them is stored the others are duplicates, and
 * need no room any more. Each keeps its own place in the line until then.
 *
 * @module
 */
import type { Wait, WaitOptions } from "../core/contract.ts";
import { ScopedContext } from "../core/scoped_context.ts";
import { contextOf } from "../core/wait_context.ts";

/** One put that waits. Disposing it forgets it. */
export interface Twin extends Disposable {
  /** What it is to wait with. */
  readonly wait: Wait;
  /** Another one was stored. */
  readonly stored: boolean;
}

class WaitingTwin implements Twin {
  readonly wait: Wait;
  readonly #ctx: ScopedContext;
  readonly #forget: (twin: WaitingTwin) => void;
  stored = false;

  constructor(wait: Wait, forget: (twin: WaitingTwin) => void) {
    const { timeout }: WaitOptions = wait instanceof AbortSignal || wait instanceof ScopedContext
      ? {}
      : wait as WaitOptions;
    // The timeout stays one: with none left it still tries once.
    this.#ctx = contextOf(
      timeout === undefined ? wait : { ...wait as WaitOptions, timeout: Infinity },
    );
    this.wait = timeout === undefined ? this.#ctx : { ctx: this.#ctx, timeout };
    this.#forget = forget;
  }

  end(): void {
    this.stored = true;
    this.#ctx.cancel();
  }

  [Symbol.dispose](): void {
    this.#forget(this);
    this.#ctx.cancel();
  }
}

export class Twins {
  readonly #waiting = new Map<string, Set<WaitingTwin>>();

  /** One more of this id. */
  join(id: string, wait: Wait): Twin {
    const twin = new WaitingTwin(wait, (twin) => {
      const twins = this.#waiting.get(id);
      if (twins?.delete(twin) && twins.size === 0) this.#waiting.delete(id);
    });
    const twins = this.#waiting.get(id);
    if (twins === undefined) this.#waiting.set(id, new Set([twin]));
    else twins.add(twin);
    return twin;
  }

  /** One of them was stored: the others need not wait. */
  stored(id: string): void {
    for (const twin of this.#waiting.get(id) ?? []) twin.end();
  }
}
