/**
 * Sluice: queues after asyncio, channels and `select` after Go, and contexts that cancel every wait.
 *
 * - {@linkcode Queue}, {@linkcode LifoQueue}, {@linkcode PriorityQueue}: put, get, taskDone, join,
 *   shutdown, batches and leases.
 * - {@linkcode Channel}: unbuffered and buffered, with close, iteration and Web streams.
 * - {@linkcode select}: receive, send, time, context and default cases; exactly one commits.
 * - {@linkcode withCancel}, {@linkcode withTimeout} and their kin: the context tree.
 * - {@linkcode ticker}, {@linkcode sleep}: time to wait for.
 *
 * Every call that waits takes a context, an AbortSignal or `{ ctx, signal, timeout }` as its last
 * argument; if it is cancelled, it leaves no trace.
 *
 * @example
 * ```ts
 * import { background, Channel, withTimeout } from "@sluice/sluice";
 *
 * using ctx = withTimeout(background(), 1_000);
 * const ch = new Channel<string>();
 * (async () => {
 *   using _ = ch;
 *   await ch.send("hello", ctx);
 * })();
 * for await (const word of ch) console.log(word);
 * ```
 *
 * @module
 */
export * from "./channel.ts";
export * from "./context.ts";
export * from "./port.ts";
export * from "./queue.ts";
export * from "./select.ts";
export * from "./timer.ts";
