/**
 * What values come from, read to its end or stopped.
 *
 * @module
 */
import { show } from "../core/check.ts";
import type { Context } from "../core/contract.ts";
import { type Source, sourcePort } from "../core/protocol.ts";
import { type AnyIterator, iteratorOf, stop } from "../core/pump.ts";
import { CoreIterator } from "../core/receiver_iterator.ts";
import { until } from "../core/until.ts";

/**
 * What values come from: a channel, a queue, an array, a generator, a stream.
 *
 * @example
 * ```ts
 * import { merge, type Producer } from "@sluice/sluice/tasks";
 * import { Channel } from "@sluice/sluice";
 *
 * const producers: Producer<number>[] = [[1, 2], Channel.from([3])];
 * for await (const n of merge(producers)) console.log(n);
 * ```
 */
export type Producer<T> = Iterable<T> | AsyncIterable<T>;

/** A producer that is read to its end, or stopped: either of them once. */
export class Tap<T> {
  /** What a select can receive from; undefined: it has to be iterated over. */
  readonly source: Source<T> | undefined;
  readonly #iterator: AnyIterator<T>;
  /** It has come to its end, has failed, or was stopped. */
  #over = false;

  /** @throws TypeError if it is no producer. */
  constructor(producer: Producer<T>) {
    this.#iterator = iteratorOf(producer);
    // Iterating over one of ours is receiving from it.
    const ours = this.#iterator instanceof CoreIterator && sourcePort in producer;
    this.source = ours ? producer as unknown as Source<T> : undefined;
  }

  async next(): Promise<IteratorResult<T, unknown>> {
    try {
      const result = await this.#iterator.next();
      if (result.done) this.#over = true;
      return result;
    } catch (error) {
      this.#over = true;
      throw error;
    }
  }

  stop(): void {
    if (this.#over) return;
    this.#over = true;
    void stop(this.#iterator);
  }
}

/** Hands each value on until there are no more. If that ends early, the producer is stopped. */
export async function drain<T>(
  tap: Tap<T>,
  each: (value: T) => Promise<unknown>,
  ctx: Context,
): Promise<void> {
  try {
    for (;;) {
      ctx.throwIfDone();
      const result = await until(tap.next(), ctx);
      if (result.done) return;
      await each(result.value);
    }
  } finally {
    tap.stop();
  }
}

/** All of them; throws TypeError if that is no list, or one of them is no producer. */
export function tapsOf<T>(producers: Iterable<Producer<T>>): Tap<T>[] {
  if (typeof (producers as Partial<Iterable<unknown>> | null)?.[Symbol.iterator] !== "function") {
    throw new TypeError(`producers must be a list of iterables, not ${show(producers)}`);
  }
  const taps: Tap<T>[] = [];
  try {
    for (const producer of producers) taps.push(new Tap(producer));
  } catch (error) {
    for (const tap of taps) tap.stop();
    throw error;
  }
  return taps;
}
