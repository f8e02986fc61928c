/**
 * A group of consumers that share one place in a topic: each value goes to one member, whichever asks.
 *
 * Order: values leave in the order in which they were published. Of the members that wait, the one that has
 * waited longest is served first; if more of its calls wait, it then stands at the end. A batch that fills
 * holds up the later calls of its own member, not the other members.
 *
 * What no member has taken stays with the group, also when members leave or there are none. So a lossless
 * group without members holds publishers up, once it is as far behind as the topic's capacity.
 *
 * @module
 */
import { checkOptionalString, checkOptions } from "../../core/check.ts";
import type { Receiver } from "../../core/contract.ts";
import { ClosedError } from "../../core/errors.ts";
import { CoreReceiver } from "../../core/receiver.ts";
import { labelOf } from "../errors.ts";
import type { Outlet } from "./outlet.ts";
import { ParentLink } from "./parent_link.ts";
import { readerOf, type ReadOptions } from "./subscription.ts";
import type { TopicLog } from "./topic_log.ts";
import type { TopicReader } from "./topic_reader.ts";

/**
 * What {@linkcode ConsumerGroup.join} takes.
 *
 * @example
 * ```ts
 * import { type JoinOptions, Topic } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const options: JoinOptions = { name: "worker 1" };
 * using group = new Topic<number>().group("workers");
 * using member = group.join(options);
 * assertEquals(member.name, "worker 1");
 * ```
 */
export interface JoinOptions {
  /** Named in errors. */
  readonly name?: string | undefined;
}

/**
 * How a {@linkcode ConsumerGroup} is doing.
 *
 * @example
 * ```ts
 * import { type ConsumerGroupStats, Topic } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const topic = new Topic<number>();
 * using group = topic.group("workers");
 * using member = group.join();
 * for (const n of [1, 2]) await topic.publish(n);
 * await member.take();
 * const { members, received, missed, unread, waiting }: ConsumerGroupStats = group.stats();
 * assertEquals([members, received, missed, unread, waiting], [1, 1, 0, 1, 0]);
 * ```
 */
export interface ConsumerGroupStats {
  /** How many members there are. */
  readonly members: number;
  /** How many values members have taken. */
  readonly received: number;
  /** How many values have passed the group by. */
  readonly missed: number;
  /** How many values no member has taken yet. */
  readonly unread: number;
  /** How many calls of members wait for a value. */
  readonly waiting: number;
}

/**
 * One of those who share the values of a {@linkcode ConsumerGroup}: a receiver, as a channel is. Disposing
 * it leaves the group: its calls that wait see the end, and what it has not taken is for the others.
 *
 * @example
 * ```ts
 * import { type Member, Topic } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * async function work(jobs: Member<number>, done: number[]): Promise<void> {
 *   for await (const job of jobs) done.push(job);
 * }
 * const topic = new Topic<number>();
 * const group = topic.group("workers");
 * const done: number[] = [];
 * const working = [work(group.join(), done), work(group.join(), done)];
 * for (const job of [1, 2, 3, 4]) await topic.publish(job);
 * topic.close();
 * await Promise.all(working);
 * assertEquals(done.toSorted(), [1, 2, 3, 4]);
 * ```
 */
export interface Member<out T> extends Receiver<T>, Disposable {
  /** Named in errors. */
  readonly name: string | undefined;
  /** How many values it has taken. */
  readonly received: number;
}

/**
 * Those who share the values of a {@linkcode Topic}, so that each value goes to one of them; a group of
 * Kafka's or NATS's consumers. Disposing it ends all its members, and lets go of what is unread.
 *
 * @example
 * ```ts
 * import { type ConsumerGroup, Topic } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const orders = new Topic<string>();
 * const billing: ConsumerGroup<string> = orders.group("billing", { lossless: true });
 * const shipping = orders.group("shipping", { lossless: true });
 * await orders.publish("order 1");
 * assertEquals([await billing.join().take(), await shipping.join().take()], ["order 1", "order 1"]);
 * ```
 */
export interface ConsumerGroup<out T> extends Disposable {
  /** By which its topic knows it. */
  readonly name: string;
  /** Whether publishers wait rather than let it miss a value. */
  readonly lossless: boolean;
  /** How many values have passed it by, those included of which it has not been told yet. */
  readonly missed: number;
  /** How many values no member has taken yet. */
  readonly length: number;
  /** It was disposed, or its topic closed; then members still get what is unread. */
  readonly closed: boolean;
  /**
   * A new member. Of a closed topic's group it gets what is unread.
   *
   * @throws ClosedError if the group was disposed.
   */
  join(options?: JoinOptions): Member<T>;
  /** How it is doing. */
  stats(): ConsumerGroupStats;
}

class CoreMember<T> extends CoreReceiver<T> implements Member<T> {
  readonly name: string | undefined;
  readonly outlet: Outlet;
  readonly #all: Set<CoreMember<T>>;

  constructor(reader: TopicReader, name: string | undefined, all: Set<CoreMember<T>>) {
    const outlet = reader.outlet("member", name);
    super(outlet.core);
    this.name = name;
    this.outlet = outlet;
    this.#all = all;
    all.add(this);
  }

  get received(): number {
    return this.outlet.received;
  }

  [Symbol.dispose](): void {
    this.outlet.close(undefined, true);
    this.#all.delete(this);
  }
}

/** Reads the log for all its members. */
export class CoreGroup<T> implements ConsumerGroup<T> {
  readonly name: string;
  readonly #reader: TopicReader;
  readonly #members = new Set<CoreMember<T>>();
  readonly #all: Map<string, CoreGroup<T>>;
  readonly #parent = new ParentLink((cause) => this.#leave(cause));
  #left = false;
  /** The topic was closed. */
  #finished = false;
  #error: unknown;

  /** `all`: where it is listed until it is disposed. */
  constructor(log: TopicLog, name: string, options: ReadOptions, all: Map<string, CoreGroup<T>>) {
    this.name = name;
    this.#reader = readerOf(log, options);
    this.#all = all;
    all.set(name, this);
    this.#parent.tie(options.parent);
  }

  get lossless(): boolean {
    return this.#reader.lossless;
  }

  get missed(): number {
    return this.#reader.missed;
  }

  get length(): number {
    return this.#reader.length;
  }

  get closed(): boolean {
    return this.#left || this.#finished;
  }

  join(options?: JoinOptions): Member<T> {
    if (options !== undefined) checkOptions("options", options);
    const name = options?.name;
    checkOptionalString("name", name);
    if (this.#left) {
      const cause = this.#error === undefined ? {} : { cause: this.#error };
      throw new ClosedError(
        `${labelOf("group", this.name)} was disposed: nobody can join it`,
        cause,
      );
    }
    const member = new CoreMember<T>(this.#reader, name, this.#members);
    if (this.#finished) member.outlet.close(this.#error);
    return member;
  }

  stats(): ConsumerGroupStats {
    const { received, missed, length: unread } = this.#reader;
    let waiting = 0;
    for (const { outlet } of this.#members) waiting += outlet.waiting;
    return { members: this.#members.size, received, missed, unread, waiting };
  }

  /** The topic was closed. */
  finish(error: unknown): void {
    if (this.#left) return;
    this.#finished = true;
    this.#error = error;
    for (const { outlet } of this.#members) outlet.close(error);
  }

  [Symbol.dispose](): void {
    this.#leave(undefined);
  }

  #leave(cause: unknown): void {
    if (this.#left) return;
    this.#left = true;
    if (!this.#finished) this.#error = cause;
    this.#parent.release();
    for (const { outlet } of this.#members) outlet.close(cause, true);
    this.#members.clear();
    this.#reader.leave();
    this.#all.delete(this.name);
  }
}
