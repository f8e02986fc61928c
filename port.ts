/**
 * The open protocol between `select` and whatever can be received from or sent to. Channels and queues
 * speak it; so can a source or sink of yours, and two copies of this module speak it with each
 * other.
 *
 * A source keeps the waiters of parked selects and, when it becomes ready, wakes them one by one
 * until one answers true. Each takes for itself, by `tryTake`, before `wake` returns: so exactly one
 * case of a select commits, and a source needs to know nothing of the others.
 *
 * @example A source that others can select on: the next click, say
 * ```ts
 * import { recv, select } from "@sluice/sluice";
 * import { type Received, type Source, sourcePort, type Waiter } from "@sluice/sluice/port";
 * import { assertEquals } from "@std/assert";
 *
 * class Latest<T> implements Source<T> {
 *   #value: { value: T } | undefined;
 *   readonly #waiters = new Set<Waiter>();
 *   readonly [sourcePort] = {
 *     tryTake: (): Received<T> | undefined => {
 *       const held = this.#value;
 *       this.#value = undefined;
 *       return held && { ok: true, value: held.value };
 *     },
 *     park: (waiter: Waiter) => (this.#waiters.add(waiter), false),
 *     unpark: (waiter: Waiter) => void this.#waiters.delete(waiter),
 *   };
 *
 *   set(value: T): void {
 *     this.#value = { value };
 *     for (const waiter of [...this.#waiters]) if (waiter.wake()) return;
 *   }
 * }
 *
 * const clicks = new Latest<string>();
 * const selected = select({ click: recv(clicks) });
 * clicks.set("button");
 * assertEquals((await selected).value, "button");
 * ```
 *
 * @module
 */
export { sinkPort, sourcePort } from "./core/protocol.ts";
export type { Received, Sink, SinkPort, Source, SourcePort, Waiter } from "./core/protocol.ts";
