/**
 * Sends each item to one of several handlers, and measures how they do.
 *
 * Invariants:
 * - Each call takes one route, chosen when it begins. One that is refused before that takes nobody's turn.
 * - Each call that has begun ends once, as done, failed, or cancelled, and is counted before its caller
 *   is told. A call that runs out of time has failed; one whose caller has left counts for neither.
 * - A caller who leaves, or has no more time, is told at once, and the context of the handler ends.
 *
 * @module
 */
import { show } from "../../core/check.ts";
import type { Cancel, Context } from "../../core/contract.ts";
import { DeadlineExceededError } from "../../core/errors.ts";
import { ScopedContext } from "../../core/scoped_context.ts";
import { type Clock, realClock } from "../../tasks/clock.ts";
import { CallMeter, type CallOutcome } from "./call_meter.ts";
import { labelOf } from "../errors.ts";
import { runGuarded, runIn, type RunOptions } from "../policies/policy.ts";
import { ActiveCall, type CallObserver, CallObservers } from "./routed_call.ts";
import {
  checkRouterOptions,
  contextOfParent,
  type RouteHandler,
  type RouterOptions,
  type RouteStats,
} from "./router_options.ts";
import { WeightedSplit } from "./weighted_split.ts";

class Lane<T, R> {
  active = 0;
  total = 0;
  readonly handler: RouteHandler<T, R>;
  readonly meter: CallMeter;

  constructor(handler: RouteHandler<T, R>, window: number) {
    this.handler = handler;
    this.meter = new CallMeter(window);
  }
}

/**
 * Sends each item to one of several handlers: by shares (a {@linkcode WeightedSplit}), by a key (`byKey`), by
 * conditions (`byPredicate`), or by a function. It counts calls, errors and latencies of each route.
 *
 * @typeParam T The items.
 * @typeParam R What handlers give.
 * @typeParam K The names of the routes.
 *
 * @example
 * ```ts
 * import { Router, WeightedSplit } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const router = new Router({
 *   routes: { v1: (name: string) => `hello ${name}`, v2: (name: string) => `good day ${name}` },
 *   choose: new WeightedSplit({ v1: 90, v2: 10 }),
 * });
 * for (let i = 0; i < 20; i++) await router.run("ann");
 * const { v1, v2 } = router.stats();
 * assertEquals([v1.calls, v2.calls, v2.errorShare], [18, 2, 0]);
 * ```
 */
export class Router<T, R, K extends string> {
  readonly #lanes = new Map<K, Lane<T, R>>();
  readonly #choose: (item: T) => K;
  readonly #fallback: ((error: unknown, item: T) => R | PromiseLike<R>) | undefined;
  readonly #isFailure: ((error: unknown) => boolean) | undefined;
  readonly #clock: Clock;
  readonly #parent: ScopedContext | undefined;
  readonly #label: string;
  readonly #observers = new CallObservers<K>();

  /**
   * Reads the table of routes once.
   *
   * @throws TypeError or RangeError if an option is not what it may be.
   */
  constructor(options: RouterOptions<T, R, K>) {
    checkRouterOptions(options);
    const { routes, choose, fallback, isFailure, window = 60_000, clock = realClock } = options;
    for (const [route, handler] of Object.entries<RouteHandler<T, R>>(routes)) {
      this.#lanes.set(route as K, new Lane(handler, window));
    }
    this.#choose = choose instanceof WeightedSplit ? () => choose.pick() : choose;
    this.#fallback = fallback;
    this.#isFailure = isFailure;
    this.#clock = clock;
    this.#parent = options.parent === undefined ? undefined : contextOfParent(options.parent);
    this.#label = labelOf("router", options.name);
  }

  /**
   * Which route an item takes. With a split that is its next choice: it has been made then.
   *
   * @throws RangeError if there is no such route; and what the user's function throws.
   */
  route(item: T): K {
    const route = this.#choose(item);
    if (!this.#lanes.has(route)) throw new RangeError(`${this.#label} has no route ${show(route)}`);
    return route;
  }

  /**
   * Sends an item on its way, and gives the result of its handler. If the caller's context or signal ends,
   * or `timeout` is over, it rejects at once, and the context of the handler ends.
   */
  run(item: T, options?: Cancel | RunOptions<R>): Promise<R> {
    const call = (ctx: Context) => this.#call(item, ctx as ScopedContext);
    return runGuarded<R>(call, this.#withFallback(item, options), call, this.#parent);
  }

  /** Tells somebody of each call that begins or ends from now on, until the result is disposed. */
  observe(observer: CallObserver<K>): Disposable {
    return this.#observers.add(observer);
  }

  /** How each route has done over the window. */
  stats(): Readonly<Record<K, RouteStats>> {
    const now = this.#clock.now();
    const all = Array.from(this.#lanes, ([route, { active, total, meter }]) => {
      return [route, { ...meter.stats(now), active, total }];
    });
    return Object.fromEntries(all) as Record<K, RouteStats>;
  }

  #withFallback(
    item: T,
    options: Cancel | RunOptions<R> | undefined,
  ): Cancel | RunOptions<R> | undefined {
    const own = this.#fallback;
    if (own === undefined) return options;
    const fallback = (error: unknown) => own(error, item);
    if (options === undefined) return { fallback };
    if (options instanceof ScopedContext) return { ctx: options, fallback };
    if (options instanceof AbortSignal) return { signal: options, fallback };
    // What is no options, or a context of somebody else, is refused where that is checked.
    if (Object(options) !== options || "throwIfDone" in options) return options;
    return options.fallback === undefined ? { ...options, fallback } : options;
  }

  async #call(item: T, ctx: ScopedContext): Promise<R> {
    const route = this.route(item);
    const lane = this.#lanes.get(route)!;
    const { handler } = lane;
    const call = new ActiveCall(route, this.#clock.now());
    lane.active++;
    lane.total++;
    this.#observers.begun(call);
    try {
      const value = await runIn(() => handler(item, ctx), ctx);
      this.#end(lane, call, "done");
      return value;
    } catch (error) {
      call.error = error;
      this.#end(lane, call, this.#outcomeOf(error, ctx));
      throw error;
    }
  }

  #end(lane: Lane<T, R>, call: ActiveCall<K>, outcome: CallOutcome): void {
    const now = this.#clock.now();
    call.outcome = outcome;
    call.latency = now - call.began;
    lane.active--;
    lane.meter.count(outcome, call.latency, now);
    this.#observers.ended(call);
  }

  #outcomeOf(error: unknown, ctx: ScopedContext): CallOutcome {
    if (ctx.done && error === ctx.cause) return isTimeout(ctx) ? "failed" : "cancelled";
    try {
      return this.#isFailure === undefined || this.#isFailure(error) ? "failed" : "done";
    } catch (thrown) {
      reportError(thrown);
      return "failed";
    }
  }
}

/** Whether time was up, by a context's deadline or a signal's, and nobody has left. */
function isTimeout(ctx: ScopedContext): boolean {
  if (ctx.err instanceof DeadlineExceededError) return true;
  return (ctx.cause as { readonly name?: unknown } | null)?.name === "TimeoutError";
}
