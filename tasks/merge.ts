/**
 * Streams joined and split: many into one, and one for many.
 *
 * @module
 */
import { checkOptions, show } from "../core/check.ts";
import type { Cancel, Context, ReceiverIterator, Sender, WaitOptions } from "../core/contract.ts";
import { ClosedError } from "../core/errors.ts";
import { type AnyIterator, iteratorOf, stop } from "../core/pump.ts";
import { until } from "../core/until.ts";
import { enter } from "../core/wait.ts";
import { contextOf } from "../core/wait_context.ts";
import { select, send } from "../select.ts";
import { LazyStream } from "./lazy_stream.ts";
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
 * The values of several producers as they come, until all have come to their end. Each producer is asked
 * for its next value when its last one was read. If one fails, that is told, and the others are stopped.
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
  return new MergedStream<T>(iteratorsOf(producers), wait);
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
  const iterators = iteratorsOf(producers);
  checkSender(sink);
  await moving(options, [sink], (ctx) =>
    TaskGroup.run((group) => {
      for (const iterator of iterators) {
        group.spawn((ctx) => drain(iterator, (value) => sink.send(value, ctx), ctx));
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
  const iterator = iteratorOf(producer);
  let open = [...sinks];
  for (const sink of open) checkSender(sink);
  if (open.length === 0) throw new RangeError("there must be at least one sink: []");
  await moving(options, open, (ctx) =>
    drain(iterator, async (value) => {
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

class MergedStream<T> extends LazyStream<T, T> {
  readonly #iterators: readonly AnyIterator<T>[];
  #left: number;

  constructor(iterators: readonly AnyIterator<T>[], wait: Cancel | WaitOptions | undefined) {
    super(0, wait);
    this.#iterators = iterators;
    this.#left = iterators.length;
  }

  protected override begin(ctx: Context): void {
    if (this.#left === 0) this.complete();
    for (const iterator of this.#iterators) void this.#drain(iterator, ctx);
  }

  /** Once it has begun, each is stopped by whoever drains it. */
  protected override stop(): void {
    if (!this.begun) { for (const iterator of this.#iterators) void stop(iterator); }
  }

  protected override read(value: T): T {
    return value;
  }

  async #drain(iterator: AnyIterator<T>, ctx: Context): Promise<void> {
    try {
      await drain(iterator, (value) => this.outlet.send(value, ctx), ctx);
      if (--this.#left === 0) this.complete();
    } catch (error) {
      this.fail(error);
    }
  }
}

/** Hands each value on until there are no more. If that ends early, the iterator is stopped. */
async function drain<T>(
  iterator: AnyIterator<T>,
  each: (value: T) => Promise<unknown>,
  ctx: Context,
): Promise<void> {
  let ended = false;
  try {
    for (;;) {
      ctx.throwIfDone();
      const { done, value } = await until(Promise.resolve(iterator.next()), ctx);
      ended = done ?? false;
      if (ended) return;
      await each(value);
    }
  } finally {
    if (!ended) void stop(iterator);
  }
}

/** Moves values by `move`, then closes the sinks, unless that is not wanted. */
async function moving<T>(
  options: Cancel | FanOptions | undefined,
  sinks: readonly Sender<T>[],
  move: (ctx: Context) => Promise<unknown>,
): Promise<void> {
  if (options !== undefined && !isCancel(options)) checkOptions("options", options);
  const preventClose = options !== undefined && !isCancel(options) && options.preventClose === true;
  let failure: unknown;
  try {
    if (options !== undefined) enter(options);
    using ctx = contextOf(options ?? {});
    await move(ctx);
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    if (!preventClose) { for (const sink of sinks) if (!sink.closed) sink.close(failure); }
  }
}

function iteratorsOf<T>(producers: Iterable<Producer<T>>): AnyIterator<T>[] {
  if (typeof (producers as Partial<Iterable<unknown>> | null)?.[Symbol.iterator] !== "function") {
    throw new TypeError(`producers must be a list of iterables, not ${show(producers)}`);
  }
  return Array.from(producers, iteratorOf);
}

function checkSender(sink: unknown): void {
  if (typeof (sink as Partial<Sender<unknown>> | null)?.send !== "function") {
    throw new TypeError(`a sink must have send and close, as a channel does, not ${show(sink)}`);
  }
}
