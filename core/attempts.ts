import { AFTER, type AnyCase, DEFAULT, DONE, RECV, SEND } from "./cases.ts";
import { NOTHING } from "./nothing.ts";
import { closed, committed, done, type Outcome } from "./outcome.ts";
import type { SinkPort, SourcePort } from "./protocol.ts";
import type { QueueCore } from "./queue_core.ts";
import { below } from "./random.ts";

/** An item that is ready to be stored. */
type Prepared =
  | { readonly ok: true; readonly item: unknown }
  | { readonly ok: false; readonly error: unknown };

/** Receives from one of our cores, if that need not wait. */
export function receive(key: unknown, core: QueueCore): Outcome | undefined {
  const value = core.poll();
  if (value !== NOTHING) return committed(key, value);
  return core.drained ? closed(key, core.error) : undefined;
}

/** Attempts at the cases of a select, none of which waits. What is attempted and ready is committed. */
export class Attempts {
  readonly #keys: readonly unknown[];
  readonly #cases: readonly AnyCase[];
  readonly #biased: boolean;
  /** What to store for sends whose weight and rank are read, or why there is nothing. */
  #items: Map<number, Prepared> | null = null;

  constructor(keys: readonly unknown[], cases: readonly AnyCase[], biased: boolean) {
    this.#keys = keys;
    this.#cases = cases;
    this.#biased = biased;
  }

  /**
   * Commits one of the cases that are ready now; undefined: none is, and there is no default. `first`
   * is tried first, since it was chosen at random already; below 0: none was.
   */
  any(first: number): Outcome | undefined {
    const count = this.#cases.length;
    if (this.#biased || count === 1) {
      for (let i = 0; i < count; i++) {
        const outcome = this.one(i);
        if (outcome !== undefined) return outcome;
      }
    } else {
      // A random permutation, made as far as it is needed: so each ready case is as likely as another.
      const rest = Array.from(this.#cases.keys());
      for (let left = count; left > 0; left--) {
        const at = left === count && first >= 0 ? first : below(left);
        const outcome = this.one(rest[at]!);
        if (outcome !== undefined) return outcome;
        rest[at] = rest[left - 1]!;
      }
    }
    return this.fallback();
  }

  /** Commits one case, if it is ready. */
  one(index: number): Outcome | undefined {
    const of = this.#cases[index]!;
    switch (of.op) {
      case RECV:
        return this.attemptRecv(index, of);
      case SEND:
        return this.attemptSend(index, of);
      case DONE:
        return of.scope?.check() ? done(this.#keys[index], of.scope.cause) : undefined;
      default:
        return undefined;
    }
  }

  private attemptRecv(index: number, { core, port }: AnyCase): Outcome | undefined {
    const key = this.#keys[index];
    if (core !== null) return receive(key, core);
    const taken = (port as SourcePort<unknown> | null)?.tryTake();
    if (taken === undefined) return undefined;
    return taken.ok ? committed(key, taken.value) : closed(key, taken.error);
  }

  private attemptSend(index: number, { core, port, value }: AnyCase): Outcome | undefined {
    const sent = core === null
      ? (port as SinkPort<unknown> | null)?.tryOffer(value)
      : core.offerItem(this.item(index, core, value));
    return sent ? committed(this.#keys[index]) : undefined;
  }

  /** What to store for a send. Throws if its sink is closed, or weight or rank are none. */
  item(index: number, core: QueueCore, value: unknown): unknown {
    if (core.closed) throw core.refusal(value);
    const prepared = this.#items?.get(index);
    if (prepared === undefined) return value;
    if (!prepared.ok) throw prepared.error;
    return prepared.item;
  }

  /**
   * Reads weights and ranks once, and before any case is tried: no code of the user's is to run from
   * then on until all cases are parked. What it throws counts if its case is picked.
   */
  prepare(): void {
    this.#items = null;
    for (let index = 0; index < this.#cases.length; index++) {
      const of = this.#cases[index]!;
      if (of.op !== SEND || of.core === null || !of.core.reads) continue;
      const items = this.#items ??= new Map();
      try {
        items.set(index, { ok: true, item: of.core.admit(of.value) });
      } catch (error) {
        items.set(index, { ok: false, error });
      }
    }
  }

  /** The default, or a time that has passed already. */
  private fallback(): Outcome | undefined {
    let late = -1;
    for (const [index, of] of this.#cases.entries()) {
      if (of.op === DEFAULT) return committed(this.#keys[index]);
      if (of.op === AFTER && of.ms <= 0 && late < 0) late = index;
    }
    return late < 0 ? undefined : committed(this.#keys[late]);
  }
}
