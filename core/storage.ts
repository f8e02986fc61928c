/**
 * What a queue core keeps its items in. The order in which they leave is all that makes a queue a
 * FIFO, a LIFO or a priority queue.
 */
export interface Storage<E> {
  readonly length: number;
  /** A comparator of the user's runs; nothing may change until it is back. Left out: there is none. */
  readonly comparing?: boolean;
  /** May throw if it runs a comparator of the user's; then nothing has changed. */
  push(item: E): void;
  /** Takes the next item out; called only when there is one. May throw as `push` may. */
  shift(): E;
  /** Drops all items. */
  clear(): void;
}

/** What a weighed or ranked queue stores of an item; other queues store the item itself. */
export class Entry {
  /** Given by the heap on entry, so that equal ranks stay first in, first out. */
  sequence = 0;

  constructor(
    readonly value: unknown,
    readonly weight: number,
    readonly rank: number | bigint | string,
    /** Of what kind the rank is; kinds do not compare with one another. */
    readonly kind?: string,
  ) {}
}
