/**
 * Streams joined and split: many into one, and one for many.
 *
 * @module
 */
import { checkOptions, show } from "../core/check.ts";
import type { Cancel, Context, ReceiverIterator, Sender, WaitOptions } from "../core/contract.ts";
import { ClosedError } from "../core/errors.ts";
import { type Source, sourcePort } from "../core/protocol.ts";
import { type AnyIterator, iteratorOf, stop } from "../core/pump.ts";
import { CoreIterator } from "../core/receiver_iterator.ts";
import { until } from "../core/until.ts";
import { enter } from "../core/wait.ts";
import { contextOf } from "../core/wait_context.ts";
import { recv, select, send } from "../select.ts";
import { failure, LazyStream } from "./lazy_stream.ts";
import { isCancel } from "./results.ts";
import { TaskGroup } from "./task_group.ts";

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

/**
 * The values of several producers as they come, until all have come to their end. If one fails, that is
 * told, and the others are stopped.
 *
 * From channels and queues a value is taken only for a `next` that waits for it, so that leaving loses
 * none. Of other producers one value each is on its way: they are asked for the next when the last one
 * was read.
 *
 * @example
 * ```ts
 * import { merge } from "@sluice/sluice/tasks";
 * import { Channel } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const [a, b] = [Channel.from([1, 2]), Channel.from([10, 20])];
 * const seen: number[] = [];
 * for await (const n of merge([a, b])) seen.push(n);
 * assertEquals(seen.toSorted((x, y) => x - y), [1, 2, 10, 20]);
 * ```
 *
 * @throws TypeError if `producers` is no list, or one of them is none.
 */
export function merge<T>(
  producers: Iterable<Producer<T>>,
  wait?: Cancel | WaitOptions,
): ReceiverIterator<T> {
  return new MergedStream<T>(tapsOf(producers), wait);
}

/**
 * How values are moved into a sink.
 *
 * @example
 * ```ts
 * import { fanIn, type FanOptions } from "@sluice/sluice/tasks";
 * import { Channel } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const options: FanOptions = { preventClose: true };
 * const out = new Channel<number>(2);
 * await fanIn([[1], [2]], out, options);
 * assertEquals([out.length, out.closed], [2, false]);
 * ```
 */
export interface FanOptions extends WaitOptions {
  /** Leaves the sinks open; otherwise they are closed at the end, with the error if there was one. */
  readonly preventClose?: boolean | undefined;
}

/**
 * Sends the values of several producers into one sink, and closes it when all have come to their end:
 * Go's fan-in. Of each producer one value at most is on its way.
 *
 * @example
 * ```ts
 * import { fanIn } from "@sluice/sluice/tasks";
 * import { Channel } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const out = new Channel<string>();
 * const moving = fanIn([["a", "b"], ["c"]], out);
 * const seen: string[] = [];
 * for await (const value of out) seen.push(value);
 * await moving;
 * assertEquals(seen.toSorted(), ["a", "b", "c"]);
 * ```
 *
 * @throws Rejects with the first error of a producer, ClosedError if somebody else closed the sink, or
 * the cause of what ended it. The other producers are stopped then.
 */
export async function fanIn<T>(
  producers: Iterable<Producer<T>>,
  sink: Sender<T>,
  options?: Cancel | FanOptions,
): Promise<void> {
  checkSender(sink);
  checkFanOptions(options);
  const taps = tapsOf(producers);
  await moving(options, taps, [sink], (ctx) =>
    TaskGroup.run((group) => {
      for (const tap of taps) {
        group.spawn((ctx) => drain(tap, (value) => sink.send(value, ctx), ctx));
      }
    }, { parent: ctx }));
}

/**
 * Gives each value of a producer to one of several sinks, whichever takes it first, and closes them at
 * the end: Go's fan-out. A sink that its reader has closed is left out from then on.
 *
 * @example
 * ```ts
 * import { fanOut } from "@sluice/sluice/tasks";
 * import { Channel } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const lanes = [new Channel<number>(), new Channel<number>()];
 * const moving = fanOut([1, 2, 3, 4], lanes);
 * let sum = 0;
 * await Promise.all(lanes.map(async (lane) => {
 *   for await (const n of lane) sum += n;
 * }));
 * await moving;
 * assertEquals(sum, 10);
 * ```
 *
 * @throws Rejects with the producer's error, ClosedError with the value that nobody took if all sinks
 * are closed, or the cause of what ended it. The producer is stopped then.
 */
export async function fanOut<T>(
  producer: Producer<T>,
  sinks: Iterable<Sender<T>>,
  options?: Cancel | FanOptions,
): Promise<void> {
  let open = [...sinks];
  for (const sink of open) checkSender(sink);
  if (open.length === 0) throw new RangeError("there must be at least one sink: []");
  checkFanOptions(options);
  const tap = new Tap(producer);
  await moving(options, [tap], open, (ctx) =>
    drain(tap, async (value) => {
      for (;;) {
        open = open.filter((sink) => !sink.closed);
        if (open.length === 0) throw new ClosedError("all sinks are closed", { value });
        try {
          await select(
            open.map((sink, i) => [i, send<T>(sink, value as NoInfer<T>)] as const),
            ctx,
          );
          return;
        } catch (error) {
          // One was closed while the value waited; it was not taken.
          if (!(error instanceof ClosedError) || ctx.done) throw error;
        }
      }
    }, ctx));
}

/** A producer that is read to its end, or stopped: either of them once. */
class Tap<T> {
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

class MergedStream<T> extends LazyStream<T, T> {
  readonly #taps: readonly Tap<T>[];
  /** Those of which each `next` takes for itself; all others are drained into the outlet. */
  readonly #sources: Set<Tap<T>>;
  /** There have been some: then the outlet, too, is read in the order of the calls. */
  readonly #selects: boolean;
  /** How many have not come to their end. */
  #left: number;
  #ctx: Context | undefined;
  /** The `next` before this one: they take in the order of their calls. */
  #before: Promise<unknown> = Promise.resolve();

  constructor(taps: readonly Tap<T>[], wait: Cancel | WaitOptions | undefined) {
    super(0, wait);
    this.#taps = taps;
    this.#sources = new Set(taps.filter(({ source }) => source !== undefined));
    this.#selects = this.#sources.size > 0;
    this.#left = taps.length;
  }

  protected override begin(ctx: Context): void {
    this.#ctx = ctx;
    if (this.#left === 0) this.complete();
    for (const tap of this.#taps) if (!this.#sources.has(tap)) void this.#drain(tap, ctx);
  }

  protected override stop(): void {
    for (const tap of this.#taps) tap.stop();
  }

  protected override take(): Promise<IteratorResult<T, undefined>> {
    if (!this.#selects) return super.take();
    const taken = this.#before.then(() => this.#select());
    this.#before = taken.catch(() => {});
    return taken;
  }

  protected override read(value: T): T {
    return value;
  }

  async #drain(tap: Tap<T>, ctx: Context): Promise<void> {
    try {
      await drain(tap, (value) => this.outlet.send(value, ctx), ctx);
      this.#ended();
    } catch (error) {
      this.fail(error);
    }
  }

  #ended(): void {
    if (--this.#left === 0) this.complete();
  }

  /** One value of the sources, or what was put into the outlet. */
  async #select(): Promise<IteratorResult<T, undefined>> {
    while (!this.over && this.#sources.size > 0) {
      const cases = [...this.#sources].map((tap) => [tap, recv<T>(tap.source)] as const);
      try {
        const { key, ...got } = await select([...cases, [null, recv(this.outlet)]], this.#ctx);
        if (got.ok) return { done: false, value: got.value };
        if (key === null) break;
        this.#sources.delete(key);
        if ("error" in got) this.fail(got.error);
        else this.#ended();
      } catch (error) {
        // If the context has ended, the outlet tells why.
        if (!this.#ctx!.done) this.fail(error);
        break;
      }
    }
    return super.take();
  }
}

/** Hands each value on until there are no more. If that ends early, the producer is stopped. */
async function drain<T>(
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

/** Moves values by `move`, then closes the sinks, unless that is not wanted. */
async function moving<T>(
  options: Cancel | FanOptions | undefined,
  taps: readonly Tap<T>[],
  sinks: readonly Sender<T>[],
  move: (ctx: Context) => Promise<unknown>,
): Promise<void> {
  const preventClose = options !== undefined && !isCancel(options) && options.preventClose === true;
  let told: unknown;
  try {
    if (options !== undefined) enter(options);
    using ctx = contextOf(options ?? {});
    await move(ctx);
  } catch (error) {
    told = failure(error);
    // Those that nobody has begun to drain, too.
    for (const tap of taps) tap.stop();
    throw error;
  } finally {
    if (!preventClose) { for (const sink of sinks) if (!sink.closed) sink.close(told); }
  }
}

function tapsOf<T>(producers: Iterable<Producer<T>>): Tap<T>[] {
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

function checkFanOptions(options: Cancel | FanOptions | undefined): void {
  if (options !== undefined && !isCancel(options)) checkOptions("options", options);
}

function checkSender(sink: unknown): void {
  const { send, close } = Object(sink) as { send?: unknown; close?: unknown };
  if (typeof send !== "function" || typeof close !== "function") {
    throw new TypeError(`a sink must have send and close, as a channel does, not ${show(sink)}`);
  }
}
