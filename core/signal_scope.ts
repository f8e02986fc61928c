import { Scope, signalScopes } from "./scope.ts";

/**
 * A foreign AbortSignal as a scope. There is one for each signal, with one listener while something
 * hangs on it and none afterwards: adding a listener costs a search among those that are there, so
 * that one for each parked operation would cost more the more there are.
 */
class SignalScope extends Scope {
  override probe: Scope | null = this;
  readonly #signal: AbortSignal;

  constructor(signal: AbortSignal) {
    super();
    this.#signal = signal;
  }

  override get signal(): AbortSignal {
    return this.#signal;
  }

  /** Called by the signal: the scope is the listener itself. */
  handleEvent(): void {
    this.end(this.#signal.reason);
  }

  protected override look(): void {
    if (this.#signal.aborted) this.end(this.#signal.reason);
  }

  protected override busy(): void {
    this.#signal.addEventListener("abort", this);
  }

  protected override idle(): void {
    this.#signal.removeEventListener("abort", this);
  }
}

/** The scope of a signal, which may have ended. */
export function scopeOfSignal(signal: AbortSignal): Scope {
  let scope = signalScopes.get(signal);
  if (scope === undefined) {
    scope = new SignalScope(signal);
    signalScopes.set(signal, scope);
  }
  return scope;
}
