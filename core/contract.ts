/**
 * The shapes that speak of one another: what may end a waiting call, and what can be received from
 * or sent to. Their public faces are `context.ts` and `channel.ts`.
 *
 * @module
 */
import type { ContextKey } from "./context_key.ts";
import type { CanceledError, DeadlineExceededError } from "./errors.ts";
import type { Received, Sink, Source } from "./protocol.ts";

/**
 * What every waiting call takes as its last argument: a context or a plain AbortSignal …
 *
 * @example
 * ```ts
 * import { background, type Cancel, sleep, withCancel } from "@sluice/sluice";
 *
 * async function work(cancel: Cancel): Promise<void> {
 *   await sleep(1, cancel);
 * }
 * await work(background());
 * await work(new AbortController().signal);
 * ```
 */
export type Cancel = Context | AbortSignal;

/**
 * … or options. Whichever comes first wins.
 *
 * @example
 * ```ts
 * import { background, Channel, withCancel } from "@sluice/sluice";
 * import { assertRejects } from "@std/assert";
 *
 * using ctx = withCancel(background());
 * const { signal } = new AbortController();
 * await assertRejects(() => new Channel<string>().take({ ctx, signal, timeout: 1 }));
 * ```
 */
export interface WaitOptions {
  /** Ends the wait when it aborts, with its `reason`. */
  readonly signal?: AbortSignal | undefined;
  /** Ends the wait when it is done, with its `cause`. */
  readonly ctx?: Context | undefined;
  /**
   * In milliseconds: Infinity is none; 0 or less tries once, then rejects with
   * DeadlineExceededError; NaN is refused with a RangeError.
   */
  readonly timeout?: number | undefined;
}

/**
 * The last parameter of every waiting call, named so that wrappers can repeat it.
 *
 * @example
 * ```ts
 * import { Channel, type Wait } from "@sluice/sluice";
 *
 * function takeTwo<T>(ch: Channel<T>, wait?: Wait): Promise<[T, T]> {
 *   return Promise.all([ch.take(wait), ch.take(wait)]);
 * }
 * await takeTwo(Channel.from([1, 2]), { timeout: 1_000 });
 * ```
 */
export type Wait = Cancel | WaitOptions;

/**
 * How a batch fills.
 *
 * @example
 * ```ts
 * import { Queue } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const queue = new Queue<number>();
 * for (const n of [1, 2, 3]) await queue.put(n);
 * assertEquals(await queue.getBatch(64, { min: 3 }), [1, 2, 3]);
 * ```
 */
export interface BatchOptions extends WaitOptions {
  /**
   * After the first item wait at most this long for the rest, in milliseconds. Left out: without
   * limit if there is a `min`, otherwise not at all.
   */
  readonly linger?: number | undefined;
  /** How many items to wait for. Left out: 1, or `max` with `linger`. */
  readonly min?: number | undefined;
}

/**
 * A node of the cancellation tree, after Go's `context.Context`: it is done when it is cancelled,
 * when its deadline has passed, or when its parent is done.
 *
 * @example
 * ```ts
 * import { background, type Context, withTimeout } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * function timeLeft(ctx: Context): number {
 *   return ctx.deadline === undefined ? Infinity : ctx.deadline - Date.now();
 * }
 * assertEquals(timeLeft(background()), Infinity);
 * using ctx = withTimeout(background(), 0);
 * assertEquals(ctx.err?.code, "SLUICE_DEADLINE_EXCEEDED");
 * ```
 */
export interface Context {
  /** Milliseconds since the epoch: the earliest deadline of this context and its ancestors. */
  readonly deadline: number | undefined;
  /** It has ended; `err` says how, `cause` why. */
  readonly done: boolean;
  /** How it ended; undefined while it has not. */
  readonly err: CanceledError | DeadlineExceededError | undefined;
  /** Why it ended; the same value as `signal.reason`, and what waiting calls reject with. */
  readonly cause: unknown;
  /** Made on first use, so that a context that nobody hands to foreign code costs no signal. */
  readonly signal: AbortSignal;
  /** Go's `ctx.Done()`: never delivers; is closed when the context ends. */
  readonly whenDone: Receiver<never>;
  /** The value of the nearest context that has this key. */
  value<T>(key: ContextKey<T>): T | undefined;
  /** Throws `cause` if it has ended. */
  throwIfDone(): void;
}

/**
 * A context that can be ended by hand. Disposing cancels, so that `using` leaves none behind.
 *
 * @example
 * ```ts
 * import { background, type CancelContext, withCancel } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const ctx: CancelContext = withCancel(background());
 * ctx.cancel("enough");
 * ctx.cancel("too late");
 * assertEquals(ctx.cause, "enough");
 * ```
 */
export interface CancelContext extends Context, Disposable {
  /**
   * Ends it, and all contexts below it, with `cause`; without one, with a CanceledError. Only the
   * first end of a context counts.
   */
  cancel(cause?: unknown): void;
}

/**
 * An async iterator whose `return` is there, is prompt, and ends a parked `next`.
 *
 * @example
 * ```ts
 * import { Channel } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const iterator = new Channel<string>()[Symbol.asyncIterator]();
 * const next = iterator.next();
 * await iterator.return();
 * assertEquals(await next, { done: true, value: undefined });
 * ```
 */
export interface ReceiverIterator<T> extends AsyncIterableIterator<T, undefined, void> {
  /** The next value; several calls at once are served in their order. */
  next(): Promise<IteratorResult<T, undefined>>;
  /** Ends this iterator alone: parked calls of `next` resolve as done, and take nothing. */
  return(): Promise<IteratorResult<T, undefined>>;
  /** Itself. */
  [Symbol.asyncIterator](): ReceiverIterator<T>;
  /** The same as `return`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Go's `<-chan T`: the end of a channel that values come out of.
 *
 * @example
 * ```ts
 * import { Channel, type Receiver } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * async function sum(numbers: Receiver<number>): Promise<number> {
 *   let total = 0;
 *   for await (const n of numbers) total += n;
 *   return total;
 * }
 * assertEquals(await sum(Channel.from([1, 2, 3])), 6);
 * ```
 */
export interface Receiver<out T> extends Source<T>, AsyncIterable<T, undefined, void> {
  /** Does not reject when the channel is closed: then `ok` is false. */
  receive(wait?: Wait): Promise<Received<T>>;
  /** The bare value; rejects with ClosedError, or with the error given to `close`. */
  take(wait?: Wait): Promise<T>;
  /** undefined: nothing is ready now. */
  tryReceive(): Received<T> | undefined;
  /** Up to `max` values, at least one; an empty list means closed and drained. */
  receiveMany(max: number, wait?: Cancel | BatchOptions): Promise<T[]>;
  /** How many values are buffered. */
  readonly length: number;
  /** How many values can be buffered. */
  readonly capacity: number;
  /** `close` has been called; there may still be values to receive. */
  readonly closed: boolean;
  /** An iterator of its own for every loop; the values are shared among them. */
  [Symbol.asyncIterator](): ReceiverIterator<T>;
}

/**
 * Go's `chan<- T`: the end that values go into. Disposing closes, silently when it is closed
 * already: `using _ = out` is `defer close(out)`.
 *
 * @example
 * ```ts
 * import { Channel, type Sender } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * async function count(out: Sender<number>): Promise<void> {
 *   using _ = out;
 *   for (let n = 0; n < 3; n++) await out.send(n);
 * }
 * const ch = new Channel<number>(3);
 * await count(ch);
 * assertEquals(await ch.receiveMany(3), [0, 1, 2]);
 * ```
 */
export interface Sender<in T> extends Sink<T>, Disposable {
  /** Rejects with ClosedError, which carries the unsent value. */
  send(value: T, wait?: Wait): Promise<void>;
  /** false: it would have to wait. Throws ClosedError on a closed channel. */
  trySend(value: T): boolean;
  /** Throws ClosedError if it is closed already, as Go does. An undefined error is none. */
  close(error?: unknown): void;
  /** `close` has been called. */
  readonly closed: boolean;
}
