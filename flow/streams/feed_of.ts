import { coreOf } from "../../core/core_of.ts";
import { iteratorOf } from "../../core/pump.ts";
import { CoreIterator } from "../../core/receiver_iterator.ts";
import type { Producer } from "../../tasks/tap.ts";
import { CoreFeed } from "./core_feed.ts";
import { type Feed, feedKey } from "./feed.ts";
import { IteratorFeed } from "./iterator_feed.ts";

type Feeding<T> = { readonly [feedKey]?: () => Feed<T> };

/** A feed from a producer. Throws TypeError if it is none. */
export function feedOf<T>(producer: Producer<T>): Feed<T> {
  const own = (Object(producer) as Feeding<T>)[feedKey];
  if (own !== undefined) return Reflect.apply(own, producer, []);
  const iterator = iteratorOf(producer);
  // Iterating over one of ours is receiving from it.
  const core = iterator instanceof CoreIterator ? coreOf(producer) : undefined;
  return core === undefined ? new IteratorFeed<T>(iterator) : new CoreFeed<T>(core);
}

/** Feeds from all of them. Throws TypeError if one is no producer; then none is kept open. */
export function feedsOf<T>(producers: readonly Producer<T>[]): Feed<T>[] {
  const feeds: Feed<T>[] = [];
  try {
    for (const producer of producers) feeds.push(feedOf(producer));
  } catch (error) {
    for (const feed of feeds) feed.stop();
    throw error;
  }
  return feeds;
}
