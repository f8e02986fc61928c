import { park, WaitList, WaitNode } from "../../core/wait_list.ts";
import type { Taker } from "./feed.ts";

/** What a `next` is told at the end. */
export const ENDED: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** How a stream has failed; the error may be undefined. */
export interface Failure {
  readonly error: unknown;
}

/** Those who wait for the values of a stream: by `next`, or as the feed of the operator after it. */
export class Askers<R> {
  readonly #line: WaitList = new WaitList();

  /** How many they are. */
  get length(): number {
    return this.#line.length;
  }

  /** Waits for a value, or the end. */
  next(): Promise<IteratorResult<R, undefined>> {
    return park(this.#line, new WaitNode(null), undefined);
  }

  /** Puts a taker in line; it is the node's item. */
  push(node: WaitNode): void {
    this.#line.push(node);
  }

  /** Serves the first. */
  give(value: R): void {
    const node = this.#first();
    if (node === null) return;
    const taker = node.item as Taker<R> | null;
    if (taker === null) node.settle({ done: false, value });
    else taker.take(value);
  }

  /** Tells the first how it has ended. */
  end(failure: Failure | undefined): void {
    const node = this.#first();
    if (node === null) return;
    const taker = node.item as Taker<R> | null;
    if (failure === undefined) taker === null ? node.settle(ENDED) : taker.finish();
    else if (taker === null) node.fail(failure.error);
    else taker.fail(failure.error);
  }

  #first(): WaitNode | null {
    const node = this.#line.head;
    node?.leave();
    return node;
  }
}
