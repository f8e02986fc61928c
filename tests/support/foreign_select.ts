/**
 * A select that is none of ours, written on the public face of the open protocol alone.
 *
 * @module
 */
import { type Sink, sinkPort, type Source, sourcePort, type Waiter } from "../../mod.ts";

/** One case of a foreign select. */
export interface ForeignCase {
  /** What it got, when it has committed. */
  attempt():
    | { readonly ok: boolean; readonly value: unknown; readonly error?: unknown }
    | undefined;
  park(waiter: Waiter): boolean;
  unpark(waiter: Waiter): void;
}

export function taking<T>(source: Source<T>): ForeignCase {
  const port = source[sourcePort];
  return {
    attempt: () => port.tryTake(),
    park: (waiter) => port.park(waiter),
    unpark: (waiter) => port.unpark(waiter),
  };
}

export function offering<T>(sink: Sink<T>, value: T): ForeignCase {
  const port = sink[sinkPort];
  return {
    attempt: () => port.tryOffer(value) ? { ok: true, value: undefined } : undefined,
    park: (waiter) => port.park(waiter),
    unpark: (waiter) => port.unpark(waiter),
  };
}

/** A select as somebody else may write it. It tries at once, in source order, and parks. */
export class ForeignSelect {
  /** The case that has committed; undefined: none has. */
  at: number | undefined;
  ok: boolean | undefined;
  value: unknown;
  /** Of a source that has ended, or what the attempt threw. */
  error: unknown;
  /** How often it was woken while it was undecided. */
  wakes = 0;
  /** It says no to whoever wakes it. */
  declines = false;
  readonly #cases: readonly ForeignCase[];
  readonly #waiters: readonly Waiter[];
  #decided = false;
  #busy = false;

  constructor(...cases: readonly ForeignCase[]) {
    this.#cases = cases;
    this.#waiters = cases.map((_, at) => ({ wake: () => this.#wake(at) }));
    do {
      if (cases.some((_, at) => this.#attempt(at))) return;
    } while (this.#parkAll());
  }

  get decided(): boolean {
    return this.#decided;
  }

  /** It gives up. */
  leave(): void {
    this.#decided = true;
    this.#unparkAll();
  }

  #parkAll(): boolean {
    const again = this.#cases.some((of, at) => of.park(this.#waiters[at]!));
    if (again) this.#unparkAll();
    return again;
  }

  #unparkAll(): void {
    for (const [at, of] of this.#cases.entries()) of.unpark(this.#waiters[at]!);
  }

  #wake(at: number): boolean {
    if (this.#decided || this.#busy) return false;
    this.wakes++;
    if (this.declines) return false;
    this.#busy = true;
    const committed = this.#attempt(at);
    this.#busy = false;
    return committed;
  }

  #attempt(at: number): boolean {
    try {
      const got = this.#cases[at]!.attempt();
      if (got === undefined) return false;
      ({ ok: this.ok, value: this.value, error: this.error } = got);
    } catch (error) {
      this.ok = false;
      this.error = error;
    }
    this.at = at;
    this.#decided = true;
    this.#unparkAll();
    return true;
  }
}
