/**
 * Topics: what is published goes to all who have subscribed. Each value is kept once, however many read it,
 * and let go when all have.
 *
 * Order: values are accepted in the order of their publishers, and each subscription sees them in this
 * order. A subscription that is too slow misses the oldest and is told exactly how many, or, if it is
 * lossless, holds publishers up. Cancellation: a cancelled publish is seen by nobody.
 *
 * @module
 */
import { checkCount, checkOptionalString, checkOptions, show } from "../../core/check.ts";
import type { Cancel, Wait } from "../../core/contract.ts";
import { ClosedError } from "../../core/errors.ts";
import { type Sink, type SinkPort, sinkPort } from "../../core/protocol.ts";
import { QueueCore } from "../../core/queue_core.ts";
import { type ConsumerGroup, CoreGroup } from "./consumer_group.ts";
import { ParentLink } from "./parent_link.ts";
import {
  CoreSubscription,
  type ReadOptions,
  type SubscribeOptions,
  type Subscription,
} from "./subscription.ts";
import { TopicLog } from "./topic_log.ts";

/**
 * How a {@linkcode Topic} is made.
 *
 * @example
 * ```ts
 * import { Topic, type TopicOptions } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const options: TopicOptions = { capacity: 64, replay: 1, name: "stock" };
 * using stock = new Topic<number>(options);
 * await stock.publish(17);
 * assertEquals(await stock.subscribe().take(), 17);
 * ```
 */
export interface TopicOptions {
  /** How many values a subscription may be behind; at least 1, or Infinity; 256 if left out. */
  readonly capacity?: number | undefined;
  /** How many of the last values are kept for those who subscribe later; 0 if left out. */
  readonly replay?: number | undefined;
  /** Named in errors. */
  readonly name?: string | undefined;
  /** Its end closes the topic, with the cause. */
  readonly parent?: Cancel | undefined;
}

/**
 * How a {@linkcode Topic} is doing.
 *
 * @example
 * ```ts
 * import { Topic, type TopicStats } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const topic = new Topic<number>();
 * using _ = topic.subscribe();
 * for (const n of [1, 2]) await topic.publish(n);
 * const { published, retained, subscriptions, groups, waiting }: TopicStats = topic.stats();
 * assertEquals([published, retained, subscriptions, groups, waiting], [2, 2, 1, 0, 0]);
 * ```
 */
export interface TopicStats {
  /** How many values were published. */
  readonly published: number;
  /** How many of them are kept, for those who have not read them or will subscribe. */
  readonly retained: number;
  /** How many subscriptions have not been disposed. */
  readonly subscriptions: number;
  /** How many groups have not been disposed. */
  readonly groups: number;
  /** How many publishers wait. */
  readonly waiting: number;
}

/**
 * Values for all who have subscribed; tokio's `broadcast`, with subscriptions that need not lose anything.
 *
 * A new subscription begins with what is published next, or with the last `replay` values. Without
 * subscriptions values go nowhere. A topic is a sink: `select` can publish to it.
 *
 * Unlike Kotlin's SharedFlow, which has its publishers wait for the slowest, and an RxJS Subject, which
 * keeps what an operator has not read without a bound, a subscription misses the oldest values, unless it
 * asks to be `lossless`.
 *
 * @typeParam T The type of the values; any, undefined and promises too.
 *
 * @example
 * ```ts
 * import { Topic } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const scores = new Topic<number>({ capacity: 2 });
 * const [quick, slow] = [scores.subscribe(), scores.subscribe()];
 * const seen = [];
 * for (const score of [1, 2, 3]) {
 *   await scores.publish(score);
 *   seen.push(await quick.take());
 * }
 * assertEquals(seen, [1, 2, 3]);
 * assertEquals([slow.missed, await slow.receiveMany(9)], [1, [2, 3]]);
 * ```
 */
export class Topic<in out T> implements Sink<T>, Disposable {
  readonly #log: TopicLog;
  /** Those who wait to publish stand here. */
  readonly #core: QueueCore;
  readonly #subscriptions = new Set<CoreSubscription<T>>();
  readonly #groups = new Map<string, CoreGroup<T>>();
  readonly #parent = new ParentLink((cause) => this.#close(cause));

  /**
   * A topic that nobody has subscribed to yet.
   *
   * @throws TypeError or RangeError if an option is none, or `replay` is more than `capacity`.
   */
  constructor(options: TopicOptions = {}) {
    checkOptions("options", options);
    const { capacity = 256, replay = 0, name, parent } = options;
    checkCount("capacity", capacity, 1);
    checkCount("replay", replay, 0);
    if (replay > capacity) {
      throw new RangeError(`replay must be at most capacity, ${capacity}: ${replay}`);
    }
    checkOptionalString("name", name);
    this.#log = new TopicLog(capacity, replay);
    this.#core = new QueueCore({ kind: "channel", label: "topic", name }, capacity, this.#log);
    this.#log.publishers = this.#core;
    this.#parent.tie(parent);
  }

  /** Named in errors. */
  get name(): string | undefined {
    return this.#core.name;
  }

  /** How many values a subscription may be behind. */
  get capacity(): number {
    return this.#log.capacity;
  }

  /** `close` has been called; subscriptions may still have values to give. */
  get closed(): boolean {
    return this.#core.closed;
  }

  /**
   * Resolves when the value is there for all subscriptions, which takes no waiting unless a lossless one is
   * `capacity` values behind. First come, first served; a cancelled publish is seen by nobody. Rejects with
   * ClosedError, which carries the value, also while it waits.
   */
  publish(value: T, wait?: Wait): Promise<void> {
    return this.#core.put(value, wait);
  }

  /** Publishes if it need not wait. false: it would have to. Throws ClosedError. */
  tryPublish(value: T): boolean {
    return this.#core.offer(value);
  }

  /**
   * A new subscription, which is to be disposed when it is not read any more. Of a closed topic it gives
   * what is kept for replay, then the end.
   *
   * @throws TypeError or RangeError if an option is none.
   */
  subscribe(options: SubscribeOptions = {}): Subscription<T> {
    checkOptions("options", options);
    const subscription = new CoreSubscription<T>(this.#log, options, this.#subscriptions);
    if (this.closed) subscription.finish(this.#core.error);
    return subscription;
  }

  /**
   * The group of this name; it is made if there is none, which is what `options` are for, and begins as a
   * subscription does.
   *
   * @throws TypeError or RangeError if an option is none, or `lossless` is not as it was when it was made.
   */
  group(name: string, options: ReadOptions = {}): ConsumerGroup<T> {
    if (typeof name !== "string") throw new TypeError(`name must be a string, not ${show(name)}`);
    checkOptions("options", options);
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = new CoreGroup<T>(this.#log, name, options, this.#groups);
      if (this.closed) group.finish(this.#core.error);
    } else if (options.lossless !== undefined && options.lossless !== group.lossless) {
      throw new TypeError(
        `lossless of the group ${show(name)} is ${group.lossless} already, not ${
          show(options.lossless)
        }`,
      );
    }
    return group;
  }

  /**
   * No more values come: those who wait to publish reject, subscriptions and groups give what is unread,
   * then the end, with `error` if it is not undefined. Throws ClosedError if the topic is closed already;
   * disposing never throws.
   */
  close(error?: unknown): void {
    if (this.closed) {
      throw new ClosedError(
        `${this.#core.label} is closed already: dispose it where that is no mistake`,
      );
    }
    this.#close(error);
  }

  /** How it is doing. */
  stats(): TopicStats {
    const { head, tail } = this.#log;
    return {
      published: head,
      retained: head - tail,
      subscriptions: this.#subscriptions.size,
      groups: this.#groups.size,
      waiting: this.#core.putters.length,
    };
  }

  /** Where `select` offers values to. */
  get [sinkPort](): SinkPort<T> {
    return this.#core.sink;
  }

  /** Closes the topic, if it is not. */
  [Symbol.dispose](): void {
    this.#close(undefined);
  }

  #close(error: unknown): void {
    if (this.closed) return;
    this.#parent.release();
    this.#core.close(error);
    for (const subscription of this.#subscriptions) subscription.finish(error);
    for (const group of this.#groups.values()) group.finish(error);
  }
}
