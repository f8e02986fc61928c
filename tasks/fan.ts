/**
 * Streams joined and split by channels: many into one, and one for many.
 *
 * @module
 */
import { checkOptions, show } from "../core/check.ts";
import type { Cancel, Context, Sender, WaitOptions } from "../core/contract.ts";
import { ClosedError } from "../core/errors.ts";
import { enter } from "../core/wait.ts";
import { contextOf } from "../core/wait_context.ts";
import { select, send } from "../select.ts";
import { failure } from "./lazy_stream.ts";
import { isCancel } from "./results.ts";
import { drain, type Producer, Tap, tapsOf } from "./tap.ts";
import { TaskGroup } from "./task_group.ts";

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

function checkFanOptions(options: Cancel | FanOptions | undefined): void {
  if (options !== undefined && !isCancel(options)) checkOptions("options", options);
}

function checkSender(sink: unknown): void {
  const { send, close } = Object(sink) as { send?: unknown; close?: unknown };
  if (typeof send !== "function" || typeof close !== "function") {
    throw new TypeError(`a sink must have send and close, as a channel does, not ${show(sink)}`);
  }
}
