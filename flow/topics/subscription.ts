/**
 * A subscription to a topic: a place of its own in the values that all share.
 *
 * Order: it sees the values in the order in which they were published, without a gap but for those that it
 * is told of. Cancellation: a call that is cancelled takes nothing. Once it is disposed it holds nobody up,
 * and gets nothing more.
 *
 * @module
 */
import { checkCount, checkOptionalFunction, checkOptionalString, show } from "../../core/check.ts";
import type { Cancel, Receiver } from "../../core/contract.ts";
import { CoreReceiver } from "../../core/receiver.ts";
import type { Outlet } from "./outlet.ts";
import { checkParent, ParentLink } from "./parent_link.ts";
import type { TopicLog } from "./topic_log.ts";
import { TopicReader } from "./topic_reader.ts";

/**
 * What a new reader of a {@linkcode Topic} gets.
 *
 * @example
 * ```ts
 * import { type ReadOptions, Topic } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const options: ReadOptions = { replay: 1, lossless: true };
 * using prices = new Topic<number>({ replay: 10 });
 * for (const price of [5, 6, 7]) await prices.publish(price);
 * using latest = prices.subscribe(options);
 * assertEquals(await latest.take(), 7);
 * ```
 */
export interface ReadOptions {
  /** How many of the last values it begins with, at most as many as the topic's `replay`; those if left out. */
  readonly replay?: number | undefined;
  /**
   * It misses nothing: publishers wait while it is as many values behind as the topic's `capacity`. Left
   * out, it misses the oldest, and is told so.
   */
  readonly lossless?: boolean | undefined;
  /**
   * Told how many values it has missed since the last one that it read, before the code that waits for the
   * next one goes on. What it throws is an uncaught error.
   */
  readonly onLag?: ((missed: number) => void) | undefined;
  /** Its end ends the reader, with the cause, and what is unread is let go. */
  readonly parent?: Cancel | undefined;
}

/**
 * What {@linkcode Topic.subscribe} takes.
 *
 * @example
 * ```ts
 * import { type SubscribeOptions, Topic } from "@sluice/sluice/flow";
 *
 * const options: SubscribeOptions = {
 *   name: "dashboard",
 *   onLag: (missed) => console.log(`${missed} updates were too fast`),
 * };
 * using _ = new Topic<number>().subscribe(options);
 * ```
 */
export interface SubscribeOptions extends ReadOptions {
  /** Named in errors. */
  readonly name?: string | undefined;
}

/**
 * How a {@linkcode Subscription} is doing.
 *
 * @example
 * ```ts
 * import { type SubscriptionStats, Topic } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const topic = new Topic<string>({ capacity: 2 });
 * using slow = topic.subscribe();
 * for (const word of ["a", "b", "c"]) await topic.publish(word);
 * const { received, missed, unread, waiting }: SubscriptionStats = slow.stats();
 * assertEquals([received, missed, unread, waiting], [0, 1, 2, 0]);
 * ```
 */
export interface SubscriptionStats {
  /** How many values it has given. */
  readonly received: number;
  /** How many values it has missed. */
  readonly missed: number;
  /** How many values it has yet to give. */
  readonly unread: number;
  /** How many calls wait for a value. */
  readonly waiting: number;
}

/**
 * The end of a {@linkcode Topic} that one reader has: a receiver, as a channel is, so `for await` and
 * `select` work on it. Disposing it unsubscribes: calls that wait see the end. Leaving a loop over it does
 * not: another loop goes on where that was left. So write `using`, or give it a `parent`.
 *
 * @example
 * ```ts
 * import { type Subscription, Topic } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * async function longest(words: Subscription<string>): Promise<string> {
 *   let longest = "";
 *   for await (const word of words) if (word.length > longest.length) longest = word;
 *   return longest;
 * }
 * const topic = new Topic<string>();
 * const result = longest(topic.subscribe());
 * for (const word of ["lock", "sluice", "weir"]) await topic.publish(word);
 * topic.close();
 * assertEquals(await result, "sluice");
 * ```
 */
export interface Subscription<out T> extends Receiver<T>, Disposable {
  /** Named in errors. */
  readonly name: string | undefined;
  /** How many values it has missed, those included of which it has not been told yet. */
  readonly missed: number;
  /** How it is doing. */
  stats(): SubscriptionStats;
}

/** Reads the log for one subscriber. */
export class CoreSubscription<T> extends CoreReceiver<T> implements Subscription<T> {
  readonly name: string | undefined;
  readonly #reader: TopicReader;
  readonly #outlet: Outlet;
  readonly #all: Set<CoreSubscription<T>>;
  readonly #parent = new ParentLink((cause) => this.#leave(cause));

  /** `all`: where it is listed until it is disposed. */
  constructor(log: TopicLog, options: SubscribeOptions, all: Set<CoreSubscription<T>>) {
    checkOptionalString("name", options.name);
    const reader = readerOf(log, options);
    const outlet = reader.outlet("subscription", options.name);
    super(outlet.core);
    this.name = options.name;
    this.#reader = reader;
    this.#outlet = outlet;
    this.#all = all;
    all.add(this);
    this.#parent.tie(options.parent);
  }

  get missed(): number {
    return this.#reader.missed;
  }

  stats(): SubscriptionStats {
    const { received, missed, length: unread } = this.#reader;
    return { received, missed, unread, waiting: this.#outlet.waiting };
  }

  /** The topic was closed. */
  finish(error: unknown): void {
    this.#outlet.close(error);
  }

  [Symbol.dispose](): void {
    this.#leave(undefined);
  }

  #leave(cause: unknown): void {
    this.#parent.release();
    this.#outlet.close(cause, true);
    this.#reader.leave();
    this.#all.delete(this);
  }
}

/** Checks how a reader is to be made, and has it begin. */
export function readerOf(log: TopicLog, options: ReadOptions): TopicReader {
  const { replay = log.replay, lossless = false, onLag, parent } = options;
  checkCount("replay", replay, 0);
  if (typeof lossless !== "boolean") {
    throw new TypeError(`lossless must be true or false, not ${show(lossless)}`);
  }
  checkOptionalFunction("onLag", onLag);
  checkParent(parent);
  return new TopicReader(log, { replay, lossless, onLag });
}
