/**
 * What a router tells those who watch it.
 *
 * @module
 */
import { checkOptionalFunction, checkOptions } from "../../core/check.ts";
import type { CallOutcome } from "./call_meter.ts";

/**
 * One call of a route: the same object when it begins and when it has ended.
 *
 * @typeParam K The names of the routes.
 *
 * @example
 * ```ts
 * import { type RoutedCall, Router } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const log: string[] = [];
 * const write = ({ route, outcome }: RoutedCall<"v1">) => void log.push(`${route} ${outcome}`);
 * const router = new Router({ routes: { v1: () => "ok" }, choose: () => "v1" });
 * using _ = router.observe({ ended: write });
 * await router.run(undefined);
 * assertEquals(log, ["v1 done"]);
 * ```
 */
export interface RoutedCall<out K extends string> {
  /** Which route it takes. */
  readonly route: K;
  /** How it ended; undefined while it has not. */
  readonly outcome: CallOutcome | undefined;
  /** How long it took, in milliseconds; 0 while it has not ended. */
  readonly latency: number;
  /** What was thrown; undefined if nothing was. */
  readonly error: unknown;
}

/**
 * Is told of each call, when it begins and when it has ended. What it throws goes to `reportError`.
 *
 * @typeParam K The names of the routes.
 *
 * @example
 * ```ts
 * import { type CallObserver, Router } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * let running = 0;
 * const observer: CallObserver<string> = { begun: () => void running++, ended: () => void running-- };
 * const router = new Router({ routes: { v1: () => running }, choose: () => "v1" });
 * using _ = router.observe(observer);
 * assertEquals([await router.run(undefined), running], [1, 0]);
 * ```
 */
export interface CallObserver<in K extends string> {
  /** A call begins: its route is chosen, its handler is called next. */
  begun?(call: RoutedCall<K>): void;
  /** It has ended, and is counted. Its caller has not been told yet. */
  ended?(call: RoutedCall<K>): void;
}

/** The call itself; its router writes down how it ended. */
export class ActiveCall<K extends string> implements RoutedCall<K> {
  readonly route: K;
  /** When, by the router's clock. */
  readonly began: number;
  outcome: CallOutcome | undefined = undefined;
  latency = 0;
  error: unknown = undefined;

  constructor(route: K, began: number) {
    this.route = route;
    this.began = began;
  }
}

/** Those who watch. */
export class CallObservers<K extends string> {
  readonly #all = new Set<{ readonly observer: CallObserver<K> }>();

  add(observer: CallObserver<K>): Disposable {
    checkOptions("observer", observer);
    checkOptionalFunction("observer.begun", observer.begun);
    checkOptionalFunction("observer.ended", observer.ended);
    const entry = { observer };
    this.#all.add(entry);
    return { [Symbol.dispose]: () => void this.#all.delete(entry) };
  }

  begun(call: RoutedCall<K>): void {
    for (const { observer } of this.#all) {
      try {
        observer.begun?.(call);
      } catch (error) {
        reportError(error);
      }
    }
  }

  ended(call: RoutedCall<K>): void {
    for (const { observer } of this.#all) {
      try {
        observer.ended?.(call);
      } catch (error) {
        reportError(error);
      }
    }
  }
}
