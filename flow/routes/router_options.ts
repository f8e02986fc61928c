/**
 * What a router is told, and what it tells.
 *
 * @module
 */
import {
  checkFunction,
  checkNumber,
  checkOptionalFunction,
  checkOptionalString,
  checkOptions,
  show,
} from "../../core/check.ts";
import type { Cancel, Context } from "../../core/contract.ts";
import { noValues, ScopedContext } from "../../core/scoped_context.ts";
import { scopeOf } from "../../core/wait.ts";
import { checkClock, type Clock } from "../../tasks/clock.ts";
import type { CallStats } from "./call_meter.ts";
import type { Choice } from "./choice.ts";
import { WeightedSplit } from "./weighted_split.ts";

/**
 * Handles an item. The context ends when its result is not wanted any more.
 *
 * @typeParam T The items.
 * @typeParam R What it gives.
 *
 * @example
 * ```ts
 * import { type RouteHandler, Router } from "@sluice/sluice/flow";
 * import { sleep } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const slow: RouteHandler<string, string> = async (name, ctx) => {
 *   await sleep(1, ctx);
 *   return `hello ${name}`;
 * };
 * const router = new Router({ routes: { slow }, choose: () => "slow" });
 * assertEquals(await router.run("ann"), "hello ann");
 * ```
 */
export type RouteHandler<T, R> = (item: T, ctx: Context) => R | PromiseLike<R>;

/**
 * How a router is made.
 *
 * @typeParam T The items.
 * @typeParam R What handlers give.
 * @typeParam K The names of the routes.
 *
 * @example
 * ```ts
 * import { Router, type RouterOptions, WeightedSplit } from "@sluice/sluice/flow";
 *
 * const options: RouterOptions<number, string, "v1" | "v2"> = {
 *   routes: { v1: (n) => `old ${n}`, v2: (n) => `new ${n}` },
 *   choose: new WeightedSplit({ v1: 90, v2: 10 }),
 *   fallback: () => "try again later",
 * };
 * console.log(await new Router(options).run(7));
 * ```
 */
export interface RouterOptions<T, R, K extends string> {
  /** The handler of each route. */
  readonly routes: Readonly<Record<K, RouteHandler<T, R>>>;
  /** Which route an item takes. */
  readonly choose: Choice<T, NoInfer<K>>;
  /**
   * Gives the result if a call fails, is refused, or takes longer than its `timeout`. Not called if the
   * call has a fallback of its own, or the caller's own context or signal has ended.
   */
  readonly fallback?: ((error: unknown, item: T) => R | PromiseLike<R>) | undefined;
  /** Whether an error speaks against the route; all do if left out. Others count as done. */
  readonly isFailure?: ((error: unknown) => boolean) | undefined;
  /** How far back `stats` looks, in milliseconds; 60,000 if left out. */
  readonly window?: number | undefined;
  /** What it goes by; the machine's own if left out. */
  readonly clock?: Clock | undefined;
  /** Its end ends all calls, and later ones are refused with its cause. */
  readonly parent?: Cancel | undefined;
  /** Stands in errors. */
  readonly name?: string | undefined;
}

/**
 * How a route does: over the window, except for `active` and `total`.
 *
 * @example
 * ```ts
 * import { Router, type RouteStats } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const router = new Router({ routes: { v1: () => "ok" }, choose: () => "v1" });
 * await router.run(undefined);
 * const { active, total, errorShare }: RouteStats = router.stats().v1;
 * assertEquals([active, total, errorShare], [0, 1, 0]);
 * ```
 */
export interface RouteStats extends CallStats {
  /** How many calls have begun and not ended. */
  readonly active: number;
  /** How many have begun since the router was made. */
  readonly total: number;
}

/** Throws TypeError or RangeError if the options are not what they may be. */
export function checkRouterOptions<T, R, K extends string>(options: RouterOptions<T, R, K>): void {
  checkOptions("options", options);
  const { routes, choose, fallback, isFailure, window, clock, name } = options;
  checkOptions("routes", routes);
  const handlers = Object.entries(routes);
  if (handlers.length === 0) throw new RangeError("routes must have one route at least");
  for (const [route, handler] of handlers) checkFunction(`the route ${show(route)}`, handler);
  if (typeof choose !== "function" && !(choose instanceof WeightedSplit)) {
    throw new TypeError(`choose must be a function or a WeightedSplit, not ${show(choose)}`);
  }
  checkOptionalFunction("fallback", fallback);
  checkOptionalFunction("isFailure", isFailure);
  checkOptionalString("name", name);
  if (clock !== undefined) checkClock(clock);
  if (window === undefined) return;
  checkNumber("window", window);
  if (!(window > 0)) throw new RangeError(`window must be more than 0: ${window}`);
}

/** The parent as it is: nothing hangs on it while there is no call. */
export function contextOfParent(parent: Cancel): ScopedContext {
  if (parent instanceof ScopedContext) return parent;
  return new ScopedContext(scopeOf(parent, "parent"), noValues);
}
