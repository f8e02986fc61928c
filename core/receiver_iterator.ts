import type { ReceiverIterator } from "./contract.ts";
import type { CoreNode } from "./decider.ts";
import type { QueueCore } from "./queue_core.ts";
import type { Taking } from "./taking.ts";
import { countCall, ready } from "./turn.ts";
import { WaitNode } from "./wait_list.ts";

const ENDED: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * Iterates over a core. Written by hand, since an async generator cannot be ended while its `next`
 * waits, and would take an item that nobody gets.
 *
 * It takes nothing before `next` is called. Several calls at once are served in their order. `return`
 * takes back those that wait: they end, and what is sent later stays in the core. If the core was
 * closed with an error, the first `next` rejects with it, and the iterator is at its end.
 */
export class CoreIterator<T> implements ReceiverIterator<T>, Taking<IteratorResult<T, undefined>> {
  readonly #core: QueueCore;
  /** It has come to its end, or was ended. */
  #over = false;
  /** The calls that wait; all others have left it when they were served. */
  #parked: CoreNode[] = [];

  constructor(core: QueueCore) {
    this.#core = core;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    countCall();
    if (this.#over) return ready(ENDED);
    const taken = this.#core.takeReady(this);
    if (taken !== undefined) return taken;
    const node: CoreNode = new WaitNode(this);
    const promise = this.#core.parkTaker<IteratorResult<T, undefined>>(node, undefined);
    this.keep(node);
    return promise;
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#over = true;
    for (const node of this.#parked.splice(0)) {
      const { list } = node;
      if (list === null) continue;
      node.leave();
      node.settle(ENDED);
      this.#core.left(list);
    }
    return Promise.resolve(ENDED);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  wrap(core: QueueCore, item: unknown): IteratorResult<T, undefined> {
    return { done: false, value: core.value(item) as T };
  }

  finish(core: QueueCore): IteratorResult<T, undefined> {
    const failed = !this.#over && core.error !== undefined;
    this.#over = true;
    if (failed) throw core.error;
    return ENDED;
  }

  /** Calls are served in order, so those that have left the list are at the front. */
  private keep(node: CoreNode): void {
    const parked = this.#parked;
    while (parked.length > 0 && parked[0]!.list === null) parked.shift();
    if (node.list !== null) parked.push(node);
  }
}
