/**
 * Signals of the process that ask it to stop, without a dependency on a runtime.
 *
 * - In Deno, Node and Bun. In a runtime that has none, such as a browser, nothing ever comes.
 * - Once one has come nobody listens any more: the next does what it does without us.
 *
 * @module
 */
import { show } from "../core/check.ts";

/**
 * A signal that may ask a process to stop. Systems differ in which they know: Windows has few of them.
 *
 * @example
 * ```ts
 * import type { StopSignal } from "@sluice/sluice/jobs";
 *
 * const signals: readonly StopSignal[] = ["SIGTERM", "SIGINT"];
 * console.log(`stops at ${signals.join(" or ")}`);
 * ```
 */
export type StopSignal =
  | "SIGTERM"
  | "SIGINT"
  | "SIGHUP"
  | "SIGQUIT"
  | "SIGBREAK"
  | "SIGUSR1"
  | "SIGUSR2";

const KNOWN: readonly StopSignal[] = [
  "SIGTERM",
  "SIGINT",
  "SIGHUP",
  "SIGQUIT",
  "SIGBREAK",
  "SIGUSR1",
  "SIGUSR2",
];

/** What is listened to if nothing is said; where it is not known, nobody expects it. */
const USUAL: readonly StopSignal[] = ["SIGTERM"];

type Listen = (name: StopSignal, listener: () => void) => unknown;

interface Runtimes {
  readonly Deno?: { readonly addSignalListener?: Listen; readonly removeSignalListener?: Listen };
  readonly process?: { readonly on?: Listen; readonly off?: Listen };
}

/** Throws TypeError or RangeError if it is no list of signals. */
export function checkSignals(signals: unknown): void {
  if (signals === undefined) return;
  if (!Array.isArray(signals)) {
    throw new TypeError(`signals must be a list such as ["SIGTERM"], not ${show(signals)}`);
  }
  for (const name of signals) {
    if (typeof name !== "string") {
      throw new TypeError(`a signal must be a string, not ${show(name)}`);
    }
    if (!KNOWN.includes(name as StopSignal)) {
      throw new RangeError(`a signal must be one of ${KNOWN.join(", ")}: ${show(name)}`);
    }
  }
}

/** Listens until one has come, or it is disposed. */
export class StopSignals implements Disposable {
  readonly #unlisten: (() => void)[] = [];

  /**
   * `come` is told the first that comes. Undefined signals are the usual ones.
   *
   * @throws RangeError if the runtime knows signals, but not this one; then nothing is listened to.
   */
  constructor(signals: readonly StopSignal[] | undefined, come: (name: StopSignal) => void) {
    for (const name of new Set(signals ?? USUAL)) {
      const listener = (): void => {
        this[Symbol.dispose]();
        come(name);
      };
      try {
        const unlisten = listen(name, listener);
        if (unlisten !== undefined) this.#unlisten.push(unlisten);
      } catch (cause) {
        if (signals === undefined) continue;
        this[Symbol.dispose]();
        throw new RangeError(`signals: this system knows no ${name}`, { cause });
      }
    }
  }

  [Symbol.dispose](): void {
    for (const unlisten of this.#unlisten.splice(0)) unlisten();
  }
}

/** The result stops it; undefined: there are no signals here. */
function listen(name: StopSignal, listener: () => void): (() => void) | undefined {
  const { Deno, process } = globalThis as Runtimes;
  if (Deno?.addSignalListener !== undefined) {
    Deno.addSignalListener(name, listener);
    return () => Deno.removeSignalListener!(name, listener);
  }
  if (process?.on !== undefined) {
    process.on(name, listener);
    return () => process.off!(name, listener);
  }
  return undefined;
}
