import type { Wait } from "./contract.ts";
import { type Owner, park, WaitList, WaitNode } from "./wait_list.ts";

/**
 * Settles as `promise` does, or rejects as soon as `wait` ends, which has passed `enter`; `owner` is told
 * of that. Nothing that the promise does afterwards is an unhandled rejection.
 */
export function until<R>(
  promise: PromiseLike<R>,
  wait: Wait,
  owner: Owner | null = null,
): Promise<R> {
  const node = new WaitNode(undefined);
  const settled = park<R>(new WaitList(owner), node, wait);
  promise.then(
    (value) => {
      if (node.list === null) return;
      node.leave();
      node.settle(value);
    },
    (error) => {
      if (node.list === null) return;
      node.leave();
      node.fail(error);
    },
  );
  return settled;
}
