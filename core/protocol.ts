/**
 * The open protocol between `select` and whatever can be received from or sent to. Its public face
 * is `port.ts`.
 *
 * @module
 */

/**
 * Go's `value, ok := <-ch`: `const { value, ok } = await ch.receive()`. With `ok` false the channel
 * is closed and drained, and `error` is what it was closed with, if anything.
 *
 * @example
 * ```ts
 * import { Channel, type Received } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const show = (r: Received<number>): string => r.ok ? r.value.toFixed(1) : "the end";
 * const ch = Channel.from([1]);
 * assertEquals([show(await ch.receive()), show(await ch.receive())], ["1.0", "the end"]);
 * ```
 */
export type Received<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly value: undefined; readonly error?: unknown };

/**
 * The key of a source's port. All copies of the module share it.
 *
 * @example
 * ```ts
 * import { Channel, sourcePort } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const ch = new Channel<number>(1);
 * ch.trySend(7);
 * assertEquals(ch[sourcePort].tryTake(), { ok: true, value: 7 });
 * ```
 */
export const sourcePort: unique symbol = Symbol.for("sluice.source");

/**
 * The key of a sink's port. All copies of the module share it.
 *
 * @example
 * ```ts
 * import { Channel, sinkPort } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const ch = new Channel<number>(1);
 * assertEquals([ch[sinkPort].tryOffer(7), ch[sinkPort].tryOffer(8)], [true, false]);
 * ```
 */
export const sinkPort: unique symbol = Symbol.for("sluice.sink");

/**
 * Anything `recv` takes: a channel, a queue, or a source that you write.
 *
 * @example
 * ```ts
 * import { recv, type Source, sourcePort, trySelect } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * // Always ready, so that nobody parks.
 * const clock: Source<string> = {
 *   [sourcePort]: {
 *     tryTake: () => ({ ok: true, value: "now" }),
 *     park: () => false,
 *     unpark: () => {},
 *   },
 * };
 * assertEquals(trySelect({ time: recv(clock) })?.value, "now");
 * ```
 */
export interface Source<out T> {
  /** Where `select` takes values from. */
  readonly [sourcePort]: SourcePort<T>;
}

/**
 * Anything `send` takes: a channel, a queue, or a sink that you write.
 *
 * @example
 * ```ts
 * import { select, send, type Sink, sinkPort } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const lines: string[] = [];
 * const log: Sink<string> = {
 *   [sinkPort]: {
 *     tryOffer: (line) => lines.push(line) > 0,
 *     park: () => false,
 *     unpark: () => {},
 *   },
 * };
 * await select({ logged: send(log, "hello") });
 * assertEquals(lines, ["hello"]);
 * ```
 */
export interface Sink<in T> {
  /** Where `select` offers values to. */
  readonly [sinkPort]: SinkPort<T>;
}

/**
 * One parked case. Made by `select`; a port only keeps it and wakes it.
 *
 * @example
 * ```ts
 * import { Channel, sourcePort, type Waiter } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const { [sourcePort]: port } = new Channel<number>();
 * let woken = 0;
 * const waiter: Waiter = { wake: () => (woken++, false) };
 * port.park(waiter);
 * port.unpark(waiter);
 * assertEquals(woken, 0);
 * ```
 */
export interface Waiter {
  /**
   * Says that the port may be ready. The waiter calls `tryTake` or `tryOffer` before this
   * returns. true: that committed, and all cases of the select are unparked. false: the waiter
   * took nothing; if the port is still ready, it wakes the next one. A select that is in an
   * attempt already answers false, so that its own two ends never meet.
   */
  wake(): boolean;
}

/**
 * What `select` needs from a source. All three calls are synchronous and run no user code, and an
 * attempt that fails leaves everything as it was. `park` wakes nobody; `unpark` neither.
 *
 * @example
 * ```ts
 * import { Channel, sourcePort, type SourcePort } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const ch = new Channel<number>();
 * const port: SourcePort<number> = ch[sourcePort];
 * const taken: unknown[] = [];
 * const waiter = {
 *   wake() {
 *     taken.push(port.tryTake());
 *     port.unpark(waiter);
 *     return true;
 *   },
 * };
 * port.park(waiter);
 * ch.trySend(7);
 * assertEquals(taken, [{ ok: true, value: 7 }]);
 * ```
 */
export interface SourcePort<out T> {
  /** The only commit: takes a value, or sees the end (`ok` false), or undefined: not ready. */
  tryTake(): Received<T> | undefined;
  /**
   * Keeps the waiter until `unpark`. true: the source became ready since `tryTake`, look again
   * (another thread may have been faster); a source of this thread always answers false.
   */
  park(waiter: Waiter): boolean;
  /** O(1), and silent when it is not parked. A `Set` will do. */
  unpark(waiter: Waiter): void;
}

/**
 * What `select` needs from a sink; as for a source, all calls are synchronous.
 *
 * @example
 * ```ts
 * import { Channel, sinkPort, type SinkPort } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const ch = new Channel<number>();
 * const port: SinkPort<number> = ch[sinkPort];
 * const waiter = {
 *   wake() {
 *     port.unpark(waiter);
 *     return port.tryOffer(7);
 *   },
 * };
 * port.park(waiter);
 * assertEquals(ch.tryReceive(), { ok: true, value: 7 });
 * ```
 */
export interface SinkPort<in T> {
  /** The only commit. false: no room now. Throws ClosedError when closed: that commits too. */
  tryOffer(value: T): boolean;
  /** Keeps the waiter until `unpark`; the answer is that of {@linkcode SourcePort.park}. */
  park(waiter: Waiter): boolean;
  /** O(1), and silent when it is not parked. */
  unpark(waiter: Waiter): void;
}
