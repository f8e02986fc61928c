/**
 * Every kind of queue, and every call that puts into one or takes out of one, so that a law which
 * concerns them all can be tested on them all.
 *
 * @module
 */
import {
  LifoQueue,
  PriorityQueue,
  Queue,
  type Queue as AnyQueue,
  type QueueOptions,
  recv,
  select,
  send,
  type Wait,
} from "../../mod.ts";

/** They differ in the order of what is stored, and in nothing else. */
export const kinds: Readonly<
  Record<string, new (options?: number | QueueOptions<number>) => AnyQueue<number>>
> = { Queue, LifoQueue, PriorityQueue };

/** Takes one item. */
export type Getter = <T>(queue: AnyQueue<T>, wait?: Wait) => Promise<T | undefined>;

/** The calls that wait for an item, each as one that gives the item alone. */
export const getters: Readonly<Record<string, Getter>> = {
  get: (queue, wait) => queue.get(wait),
  lease: async (queue, wait) => (await queue.lease(wait)).value,
  getBatch: async (queue, wait) => (await queue.getBatch(1, wait))[0],
  select: async (queue, wait) => (await select({ item: recv(queue) }, wait)).value,
};

/** The same, and an iterator's `next`, which takes no `wait`. */
export const takers: Readonly<Record<string, Getter>> = {
  ...getters,
  next: async (queue) => (await queue[Symbol.asyncIterator]().next()).value,
};

/** Adds one item, and waits for room. */
export type Putter = <T>(queue: AnyQueue<T>, item: T, wait?: Wait) => Promise<unknown>;

export const putters: Readonly<Record<string, Putter>> = {
  put: (queue, item, wait) => queue.put(item, wait),
  select: (queue, item, wait) => select({ sent: send(queue, item) }, wait),
};

/** A queue with these items in it. */
export function filled<T, Q extends AnyQueue<T>>(
  queue: Q & AnyQueue<T>,
  ...items: NoInfer<T>[]
): Q {
  for (const item of items) queue.putNowait(item);
  return queue;
}

/** All items that can be got now, in the order in which they leave. */
export function drained<T>(queue: AnyQueue<T>): T[] {
  const items: T[] = [];
  for (let got = queue.tryGet(); got !== undefined; got = queue.tryGet()) items.push(got.value);
  return items;
}

/** What a call fails with. One that gives a promise must reject it: what it throws is not caught. */
export async function failure(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("it has not failed");
}
