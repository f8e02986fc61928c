import type { Wait } from "./contract.ts";
import { NOTHING } from "./nothing.ts";
import { countCall, ready, refused } from "./turn.ts";
import { enter } from "./wait.ts";
import { park, type WaitList, WaitNode } from "./wait_list.ts";

/**
 * The one shape of a waiting call: a context that has ended goes first, then one try, which gives
 * NOTHING or throws, then a place at the end of the line. `item` is the line's business.
 */
export function tryOrPark<R>(
  line: WaitList,
  wait: Wait | undefined,
  attempt: () => R | typeof NOTHING,
  item?: unknown,
): Promise<R> {
  countCall();
  try {
    if (wait !== undefined) enter(wait);
    const got = attempt();
    if (got !== NOTHING) return ready(got as R);
  } catch (error) {
    return refused(error);
  }
  return park<R>(line, new WaitNode(item), wait);
}
