/**
 * Channels, after Go's: unbuffered ones, where a send and a receive meet, and buffered ones.
 *
 * Order: values come out in the order in which their sends were called, and receivers are served in
 * the order in which they came. Cancellation: a cancelled receive takes nothing, a cancelled send adds
 * nothing. Closing lets receivers have what is buffered, then tells them the end.
 *
 * | | on a closed channel |
 * | --- | --- |
 * | `send`, `trySend` | rejects with, throws ClosedError with the value |
 * | `receive`, `tryReceive` | `ok` is false, once it is drained |
 * | `take` | rejects with ClosedError, or the error given to `close`, once it is drained |
 * | `receiveMany` | an empty list, or rejects with the error given to `close`, once it is drained |
 * | `for await` | ends, or throws the error given to `close`, once it is drained |
 * | `close` | throws ClosedError |
 * | disposing | does nothing |
 *
 * @example
 * ```ts
 * import { Channel } from "@sluice/sluice/channel";
 * import { assertEquals } from "@std/assert";
 *
 * const ch = new Channel<number>();
 * (async () => {
 *   using _ = ch;
 *   for (const n of [1, 2, 3]) await ch.send(n);
 * })();
 * const seen = [];
 * for await (const n of ch) seen.push(n);
 * assertEquals(seen, [1, 2, 3]);
 * ```
 *
 * @module
 */
import { takeBatch } from "./core/batch.ts";
import {
  checkCount,
  checkOptionalFunction,
  checkOptionalString,
  checkOptions,
  show,
} from "./core/check.ts";
import type {
  BatchOptions,
  Cancel,
  Receiver,
  ReceiverIterator,
  Sender,
  Wait,
} from "./core/contract.ts";
import { ClosedError } from "./core/errors.ts";
import { received } from "./core/ports.ts";
import {
  type Received,
  type SinkPort,
  sinkPort,
  type SourcePort,
  sourcePort,
} from "./core/protocol.ts";
import { iteratorOf, pump } from "./core/pump.ts";
import { QueueCore } from "./core/queue_core.ts";
import { CoreIterator } from "./core/receiver_iterator.ts";
import { Ring } from "./core/ring.ts";
import { bare, many, receiving } from "./core/taking.ts";
import { PLAIN_CHANNEL, type Traits } from "./core/traits.ts";
import { readable, writable } from "./core/web_streams.ts";

export { ClosedError, QueueShutDown } from "./core/errors.ts";
export type { ClosedErrorOptions } from "./core/errors.ts";
export type {
  BatchOptions,
  Cancel,
  Context,
  Receiver,
  ReceiverIterator,
  Sender,
  Wait,
  WaitOptions,
} from "./core/contract.ts";
export type { Received } from "./core/protocol.ts";

/**
 * How a channel is made.
 *
 * @example
 * ```ts
 * import { Channel } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const lost: number[] = [];
 * const latest = new Channel<number>({
 *   capacity: 1,
 *   overflow: "dropOldest",
 *   onDrop: (value) => lost.push(value),
 * });
 * for (const n of [1, 2, 3]) await latest.send(n);
 * assertEquals([await latest.take(), lost], [3, [1, 2]]);
 * ```
 */
export interface ChannelOptions<T> {
  /** 0, the default: unbuffered. Infinity: unbounded. Negative or no integer: RangeError. */
  readonly capacity?: number | undefined;
  /** Named in errors, statistics and reports. */
  readonly name?: string | undefined;
  /**
   * What a full channel does with a send: wait (default), or drop that value or the oldest. A send
   * that drops is no failure: `trySend` is true.
   */
  readonly overflow?: "block" | "dropNewest" | "dropOldest" | undefined;
  /** Called with each dropped value, once. What it throws is an uncaught error. */
  readonly onDrop?: ((value: T) => void) | undefined;
}

/**
 * How a stream ends a channel.
 *
 * @example
 * ```ts
 * import { Channel } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const ch = new Channel<string>();
 * await ch.toReadableStream({ preventCancel: true }).cancel();
 * assertEquals(ch.closed, false);
 * ```
 */
export interface StreamOptions {
  /** Cancelling the stream leaves the channel open; otherwise it closes it. */
  readonly preventCancel?: boolean | undefined;
}

const POLICIES: readonly unknown[] = ["block", "dropNewest", "dropOldest"];

function makeCore<T>(given: number | ChannelOptions<T> | undefined): QueueCore {
  const options = given === undefined || typeof given === "number" ? { capacity: given } : given;
  checkOptions("options", options);
  const { capacity = 0, name, overflow = "block", onDrop } = options as ChannelOptions<T>;
  checkCount("capacity", capacity, 0);
  if (!POLICIES.includes(overflow)) {
    throw new TypeError(`overflow must be one of ${POLICIES.join(", ")}: ${show(overflow)}`);
  }
  checkOptionalFunction("onDrop", onDrop);
  checkOptionalString("name", name);
  const traits: Traits = given === undefined || typeof given === "number" ? PLAIN_CHANNEL : {
    kind: "channel",
    name,
    overflow,
    onDrop: onDrop as ((value: unknown) => void) | undefined,
  };
  return new QueueCore(traits, capacity, new Ring());
}

/**
 * A channel; Go's `chan T`. To hand out one end alone, say so by type: {@linkcode Receiver} is Go's
 * `<-chan T`, {@linkcode Sender} its `chan<- T`.
 *
 * @typeParam T The type of the values; any, undefined and promises too.
 *
 * @example
 * ```ts
 * import { Channel } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const ch = new Channel<string>(1);
 * await ch.send("hello");
 * const { value, ok } = await ch.receive();
 * assertEquals({ value, ok }, { value: "hello", ok: true });
 * ```
 */
export class Channel<in out T> implements Sender<T>, Receiver<T> {
  readonly #core: QueueCore;

  /** A number is the capacity; Go's `make(chan T, capacity)`. */
  constructor(options?: number | ChannelOptions<T>) {
    this.#core = makeCore(options);
  }

  /**
   * A channel of what a source gives. Reading starts at once, and goes on while there is room: at most
   * `capacity` values, and one more in hand. The end of the source closes the channel, with its error
   * if it fails. Closing or disposing the channel stops the source.
   *
   * @example
   * ```ts
   * import { Channel } from "@sluice/sluice";
   * import { assertEquals } from "@std/assert";
   *
   * using ch = Channel.from(["a", "b"]);
   * assertEquals(await ch.take(), "a");
   * ```
   */
  static from<T>(
    source: Iterable<T> | AsyncIterable<T>,
    options?: number | ChannelOptions<T>,
  ): Channel<T> {
    const channel = new Channel<T>(options);
    void pump(iteratorOf(source), channel.#core);
    return channel;
  }

  /** Named in errors, statistics and reports. */
  get name(): string | undefined {
    return this.#core.name;
  }

  /** How many values are buffered; those of sends that wait are not. */
  get length(): number {
    return this.#core.storage.length;
  }

  /** How many values can be buffered. */
  get capacity(): number {
    return this.#core.capacity;
  }

  /** `close` has been called; there may still be values to receive. */
  get closed(): boolean {
    return this.#core.closed;
  }

  /**
   * Resolves when the value is buffered or, unbuffered, when a receiver has it. A cancelled send adds
   * nothing. Rejects with ClosedError, which carries the value, also while it waits: so await it, or
   * use `trySend`.
   */
  send(value: T, wait?: Wait): Promise<void> {
    return this.#core.put(value, wait);
  }

  /** Sends if it need not wait. false: it would have to. Throws ClosedError. */
  trySend(value: T): boolean {
    return this.#core.offer(value);
  }

  /**
   * The next value, `ok`; or the end, not `ok`, with the error that the channel was closed with, if
   * any. It does not reject when the channel is closed. A cancelled receive takes nothing.
   */
  receive(wait?: Wait): Promise<Received<T>> {
    return this.#core.take(receiving, wait);
  }

  /**
   * The next value itself; rejects at the end with ClosedError, or with the error given to `close`. A
   * value that is a promise is waited for, as promises do: `receive` gives it as it is.
   */
  take(wait?: Wait): Promise<T> {
    return this.#core.take<T>(bare, wait);
  }

  /** As `receive`, if it need not wait. undefined: nothing is ready now. */
  tryReceive(): Received<T> | undefined {
    return received(this.#core);
  }

  /**
   * Up to `max` values, at least one: those that are there, or, with `min` or `linger`, what has come
   * when the batch is full. Until then the values stay in the channel, so that a cancelled batch loses
   * none, and later receivers wait behind it. An empty list is the end.
   *
   * Rejects with the error given to `close`; with a RangeError if `max` or `min` is no count, or
   * `min` is more than `max` or the capacity.
   */
  receiveMany(max: number, wait?: Cancel | BatchOptions): Promise<T[]> {
    return takeBatch<T>(this.#core, many, max, wait);
  }

  /**
   * No more values come: sends that wait reject, receivers get what is buffered, then the end, with
   * `error` if it is not undefined. Throws ClosedError if the channel is closed already, as Go does;
   * disposing never throws.
   */
  close(error?: unknown): void {
    if (this.closed) {
      throw new ClosedError(
        `${this.#core.label} is closed already: dispose it where that is no mistake`,
      );
    }
    this.#core.close(error);
  }

  /**
   * A stream of the values. It takes a value only when a reader waits for one. Cancelling it closes
   * the channel, unless `preventCancel` is set.
   */
  toReadableStream(options?: StreamOptions): ReadableStream<T> {
    if (options !== undefined) checkOptions("options", options);
    const onCancel = options?.preventCancel ? () => {} : () => this[Symbol.dispose]();
    return readable(this.#core, onCancel);
  }

  /** A stream whose chunks are sent. Closing it closes the channel, aborting it with the reason. */
  toWritableStream(): WritableStream<T> {
    return writable<T>(this);
  }

  /** Where `select` takes values from. */
  get [sourcePort](): SourcePort<T> {
    return this.#core.source;
  }

  /** Where `select` offers values to. */
  get [sinkPort](): SinkPort<T> {
    return this.#core.sink;
  }

  /**
   * The values until the channel is closed and drained. Leaving the loop early neither closes the
   * channel nor loses a value.
   */
  [Symbol.asyncIterator](): ReceiverIterator<T> {
    return new CoreIterator<T>(this.#core);
  }

  /** Closes the channel, if it is not. */
  [Symbol.dispose](): void {
    if (!this.closed) this.#core.close();
  }
}
