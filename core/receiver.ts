import { takeBatch } from "./batch.ts";
import type { BatchOptions, Cancel, Receiver, ReceiverIterator, Wait } from "./contract.ts";
import { received } from "./ports.ts";
import { type Received, type SourcePort, sourcePort } from "./protocol.ts";
import type { QueueCore } from "./queue_core.ts";
import { CoreIterator } from "./receiver_iterator.ts";
import { bare, many, receiving } from "./taking.ts";

/** A core that can only be received from: what tickers and contexts hand out. */
export class CoreReceiver<T> implements Receiver<T> {
  readonly #core: QueueCore;

  constructor(core: QueueCore) {
    this.#core = core;
  }

  get length(): number {
    return this.#core.storage.length;
  }

  get capacity(): number {
    return this.#core.capacity;
  }

  get closed(): boolean {
    return this.#core.closed;
  }

  get [sourcePort](): SourcePort<T> {
    return this.#core.source;
  }

  receive(wait?: Wait): Promise<Received<T>> {
    return this.#core.take(receiving, wait);
  }

  take(wait?: Wait): Promise<T> {
    return this.#core.take<T>(bare, wait);
  }

  tryReceive(): Received<T> | undefined {
    return received(this.#core);
  }

  receiveMany(max: number, wait?: Cancel | BatchOptions): Promise<T[]> {
    return takeBatch<T>(this.#core, many, max, wait);
  }

  [Symbol.asyncIterator](): ReceiverIterator<T> {
    return new CoreIterator<T>(this.#core);
  }
}
