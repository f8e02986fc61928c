import type { QueueCore } from "./queue_core.ts";
import type { Decider, WaitNode } from "./wait_list.ts";

/** What a queue core asks of a node that is not a plain call. */
export interface CoreDecider extends Decider {
  /** It is in the middle of an attempt, and claims nothing. */
  readonly busy: boolean;
  /** The claimed node was a taker; this is its value. */
  received(node: WaitNode, value: unknown): void;
  /** The claimed node was a putter; its item is accepted. */
  sent(node: WaitNode): void;
  /** The claimed node's item could not be stored, or none could be taken for it. */
  failed(node: WaitNode, error: unknown): void;
  /** For a taker that is not claimed: nothing is left, and nothing will come. */
  finish(node: WaitNode, core: QueueCore): void;
  /** For a putter that is not claimed: the core is closed. */
  refuse(node: WaitNode, core: QueueCore): void;
}
