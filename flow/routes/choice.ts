/**
 * How a router chooses: by shares, by keys, or by conditions.
 *
 * @module
 */
import { checkFunction, show } from "../../core/check.ts";
import { HashRing } from "./hash_ring.ts";
import { WeightedSplit } from "./weighted_split.ts";

/**
 * How a router chooses a route for an item: a function, or a split that deals out shares.
 *
 * @typeParam T The items.
 * @typeParam K The names of the routes.
 *
 * @example
 * ```ts
 * import { type Choice, Router } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const bySize: Choice<string, "short" | "long"> = (text) => text.length > 3 ? "long" : "short";
 * const routes = { short: () => "a word", long: () => "a text" };
 * assertEquals(await new Router({ routes, choose: bySize }).run("yes"), "a word");
 * ```
 */
export type Choice<T, K extends string> = ((item: T) => K) | WeightedSplit<K>;

/**
 * Chooses by a key of the item, so that the same key always takes the same route: a ring for nodes that
 * come and go, a split for shares (`pickFor`), or a function of the key.
 *
 * @typeParam T The items.
 * @typeParam K The names of the routes.
 *
 * @example
 * ```ts
 * import { byKey, Router, WeightedSplit } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const split = new WeightedSplit({ v1: 90, v2: 10 });
 * const router = new Router({
 *   routes: { v1: () => "old", v2: () => "new" },
 *   choose: byKey((request: { user: string }) => request.user, split),
 * });
 * const request = { user: "ann" };
 * assertEquals(await router.run(request), await router.run(request));
 * ```
 *
 * @throws TypeError if an argument is not what it may be.
 */
export function byKey<T, K extends string>(
  keyOf: (item: T) => string | number,
  to: HashRing<K> | WeightedSplit<K> | ((key: string | number) => K),
): (item: T) => K {
  checkFunction("keyOf", keyOf);
  if (to instanceof HashRing) return (item) => to.pick(keyOf(item));
  if (to instanceof WeightedSplit) return (item) => to.pickFor(keyOf(item));
  if (typeof to !== "function") {
    throw new TypeError(`to must be a HashRing, a WeightedSplit or a function, not ${show(to)}`);
  }
  return (item) => to(keyOf(item));
}

/**
 * Chooses by conditions: the first that holds names the route, and `otherwise` is the one for the rest.
 *
 * @typeParam T The items.
 * @typeParam K The names of the routes.
 *
 * @example
 * ```ts
 * import { byPredicate } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const choose = byPredicate([
 *   [(path: string) => path.startsWith("/api/"), "api"],
 *   [(path: string) => path.endsWith(".css"), "files"],
 * ], "pages");
 * assertEquals(["/api/users", "/site.css", "/"].map(choose), ["api", "files", "pages"]);
 * ```
 *
 * @throws TypeError if `rules` are no pairs of a function and a route.
 */
export function byPredicate<T, K extends string>(
  rules: readonly (readonly [holds: (item: T) => boolean, route: K])[],
  otherwise: K,
): (item: T) => K {
  if (!Array.isArray(rules)) {
    throw new TypeError(`rules must be pairs of a function and a route, not ${show(rules)}`);
  }
  const own = rules.map((rule: unknown) => {
    if (!Array.isArray(rule) || rule.length !== 2) {
      throw new TypeError(`a rule must be a pair of a function and a route, not ${show(rule)}`);
    }
    checkFunction("a condition", rule[0]);
    return rule as [(item: T) => boolean, K];
  });
  return (item) => {
    for (const [holds, route] of own) if (holds(item)) return route;
    return otherwise;
  };
}
