import type { Wait } from "../core/contract.ts";
import { park, WaitList, WaitNode } from "../core/wait_list.ts";
import type { Clock } from "./clock.ts";

/** As `sleep`, by any clock. */
export function pause(ms: number, clock: Clock, wait: Wait): Promise<void> {
  const node = new WaitNode(undefined);
  const timer = clock.after(ms, () => {
    node.leave();
    node.settle(undefined);
  });
  return park(new WaitList({ left: () => timer.stop() }), node, wait);
}
