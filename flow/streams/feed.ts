/**
 * Where operators get their values from: one question, one answer.
 *
 * An operator asks by `pull`, and its feed answers by one call of the taker: from a microtask of its
 * own, so that a taker may run functions of the user's. A chain of operators is a chain of feeds, and a
 * value goes through all of it in one go.
 *
 * A question can be taken back. Channels and queues of ours then keep what they have; what they had
 * handed over already is still answered, so that it is not lost.
 *
 * @module
 */
import { coreOf } from "../../core/core_of.ts";
import { iteratorOf } from "../../core/pump.ts";
import { CoreIterator } from "../../core/receiver_iterator.ts";
import type { Producer } from "../../tasks/tap.ts";
import { CoreFeed } from "./core_feed.ts";
import { IteratorFeed } from "./iterator_feed.ts";

/** Who has asked. One of these is called, once for each question. */
export interface Taker<in T> {
  /** A value. */
  take(value: T): void;
  /** The end. There are no more answers after it. */
  finish(): void;
  /** An error, which is the end, too. */
  fail(error: unknown): void;
}

/**
 * What became of a question that was taken back. "withdrawn": it is not answered. "arriving": it is
 * being answered, within microtasks. "stuck": it cannot be taken back, and is answered some time.
 */
export type Recall = "withdrawn" | "arriving" | "stuck";

/**
 * Whether a question that is taken back takes nothing: "all", the values stay where they are, as those of
 * channels and queues do; "some", those do, but not all that go with them; "none".
 */
export type Patience = "none" | "some" | "all";

/** Answers one question at a time. */
export interface Feed<out T> {
  readonly patience: Patience;
  /** Asks for one value. The question before this one was answered, or withdrawn. */
  pull(taker: Taker<T>): void;
  /**
   * Takes the question back, if there is one. Runs nobody's code; `follow` has to come after it.
   * If it is only `paused`, what is in hand of an answer is kept for the next question; otherwise for
   * `stop`, which has to come, too.
   */
  recall(paused?: boolean): Recall;
  /** After `recall`: those who stood behind it at the source have their turn. */
  follow(): void;
  /** After `recall`: nothing is wanted any more. True: the last question is still answered. */
  stop(): boolean;
}

/** Where our own streams keep how they are fed from. */
export const feedKey: unique symbol = Symbol("sluice.feed");

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
