import type { QueueCore } from "./queue_core.ts";
import type { Decider, WaitList, WaitNode } from "./wait_list.ts";

/** What a queue core asks of a node that is not a plain call. */
export interface CoreDecider extends Decider {
  /** It is in the middle of an attempt: it claims nothing, so that its own ends never meet. */
  busy: boolean;
  /** After an attempt that failed: sees to what it was passed over for. */
  lookAgain(): void;
  /** The claimed node was a taker; this is its value. */
  received(node: CoreNode, value: unknown): void;
  /** The claimed node was a putter; its item is accepted. */
  sent(node: CoreNode): void;
  /** The claimed node's item could not be stored, or none could be taken for it. */
  failed(node: CoreNode, error: unknown): void;
  /** For a taker that is not claimed: nothing is left, and nothing will come. */
  finish(node: CoreNode, core: QueueCore): void;
  /** For a putter that is not claimed: the core is closed. */
  refuse(node: CoreNode, core: QueueCore): void;
}

/** What waits in a core. */
export type CoreNode = WaitNode<CoreDecider>;

/** Where it waits. */
export type CoreList = WaitList<CoreDecider>;
