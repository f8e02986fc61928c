import { WaitNode } from "../../core/wait_list.ts";
import type { Feed, Patience, Recall, Taker } from "./feed.ts";

/** What a stream of ours is for the operator after it. */
export interface Feedable {
  /** As {@linkcode Feed.patience}. */
  readonly patience: Patience;
  /** Puts a taker, the node's item, in line with those who call `next`. */
  join(node: WaitNode): void;
  /** As {@linkcode Feed.recall}; the node is in line. */
  recall(node: WaitNode, paused?: boolean): Recall;
  /** As {@linkcode Feed.follow}. */
  resume(): void;
  /** Nothing is wanted any more. Who is still in line is served, or told the end. */
  stop(): void;
}

/** Feeds from a stream of ours. */
export class StreamFeed<T> implements Feed<T> {
  readonly #stream: Feedable;
  /** The question, in line or answered. */
  #node: WaitNode | null = null;

  constructor(stream: Feedable) {
    this.#stream = stream;
  }

  get patience(): Patience {
    return this.#stream.patience;
  }

  pull(taker: Taker<T>): void {
    // All its questions are of one taker, so that the node can be used again.
    this.#stream.join(this.#node ??= new WaitNode(taker));
  }

  recall(paused?: boolean): Recall {
    const node = this.#node;
    return node === null || node.list === null ? "withdrawn" : this.#stream.recall(node, paused);
  }

  follow(): void {
    this.#stream.resume();
  }

  stop(): boolean {
    this.#stream.stop();
    return this.#node !== null && this.#node.list !== null;
  }
}
