/**
 * Puts of one id that wait at the same time: when one of them is stored the others are duplicates, and
 * wait no longer. Each keeps its own place in the line until then.
 *
 * The first of an id costs an entry in a map; only those that come while it waits have a context of their
 * own, by which they are ended.
 *
 * @module
 */
import type { Wait, WaitOptions } from "../core/contract.ts";
import { ScopedContext } from "../core/scoped_context.ts";
import { contextOf } from "../core/wait_context.ts";

/** A put of an id for which another one waits. */
class Twin {
  readonly wait: Wait;
  readonly #ctx: ScopedContext;
  ended = false;

  constructor(wait: Wait) {
    const { timeout, ...ends }: WaitOptions = wait instanceof ScopedContext
      ? { ctx: wait }
      : wait as WaitOptions;
    // The timeout stays one: with none left it still tries once.
    this.#ctx = contextOf(ends);
    this.wait = timeout === undefined ? this.#ctx : { ctx: this.#ctx, timeout };
  }

  end(): void {
    this.ended = true;
    this.#ctx.cancel();
  }

  [Symbol.dispose](): void {
    this.#ctx.cancel();
  }
}

/** Those of one id. */
class Siblings {
  readonly twins = new Set<Twin>();
  count = 0;
}

export class Twins {
  readonly #waiting = new Map<string, Siblings>();

  /** Puts by `call`, which resolves with whether it was stored; false as well if a twin was. */
  async put(id: string, wait: Wait, call: (wait: Wait) => Promise<boolean>): Promise<boolean> {
    const first = !this.#waiting.has(id);
    const siblings = this.#waiting.get(id) ?? new Siblings();
    this.#waiting.set(id, siblings);
    siblings.count++;
    try {
      const stored = first ? await call(wait) : await this.#putTwin(siblings, wait, call);
      for (const twin of siblings.twins) twin.end();
      return stored;
    } finally {
      if (--siblings.count === 0) this.#waiting.delete(id);
    }
  }

  async #putTwin(
    { twins }: Siblings,
    wait: Wait,
    call: (wait: Wait) => Promise<boolean>,
  ): Promise<boolean> {
    using twin = new Twin(wait);
    twins.add(twin);
    try {
      return await call(twin.wait);
    } catch (error) {
      if (twin.ended) return false;
      throw error;
    } finally {
      twins.delete(twin);
    }
  }
}
