/**
 * `select`, after Go's: waits for several channels, queues, times and contexts at once, and commits
 * exactly one. Receives and sends may be mixed.
 *
 * Of several cases that are ready one is chosen at random, each as likely as another; with `biased`
 * the first in source order. Cancellation: a select that is cancelled, or loses, takes nothing, sends
 * nothing and leaves nothing behind, neither a waiter nor a timer.
 *
 * @example
 * ```ts
 * import { after, Channel, recv, select, send } from "@sluice/sluice";
 *
 * const jobs = new Channel<string>(1);
 * const results = new Channel<number>(1);
 * const r = await select({
 *   job: recv(jobs),
 *   result: send(results, 42),
 *   late: after(1_000),
 * });
 * switch (r.key) {
 *   case "job":
 *     if (r.ok) console.log(r.value.toUpperCase());
 *     break;
 *   case "result":
 *   case "late":
 *     break;
 *   default:
 *     r satisfies never;
 * }
 * ```
 *
 * @module
 */
import { AnyCase } from "./core/cases.ts";
import { checkOptions } from "./core/check.ts";
import type { Cancel, Wait } from "./core/contract.ts";
import type { Sink, Source } from "./core/protocol.ts";
import type {
  AfterCase,
  CaseEntry,
  Cases,
  DefaultCase,
  DoneCase,
  RecvCase,
  Selected,
  SelectedEntry,
  SelectOptions,
  SendCase,
} from "./core/select_types.ts";
import { PreparedSelect, runSelect, runTrySelect } from "./core/selecting.ts";

export type {
  Cancel,
  Context,
  Receiver,
  ReceiverIterator,
  Wait,
  WaitOptions,
} from "./core/contract.ts";
export type {
  AfterCase,
  Case,
  CaseEntry,
  Cases,
  DefaultCase,
  DoneCase,
  KeyOf,
  Outcome,
  RecvCase,
  Selected,
  SelectedEntry,
  SelectOptions,
  SendCase,
} from "./core/select_types.ts";
export type { Received, Sink, SinkPort, Source, SourcePort, Waiter } from "./core/protocol.ts";

/**
 * The case that receives. Ready too when the source is closed and drained: then `ok` is false, and
 * a loop had better set its variable to null, or it will spin. A null or undefined source is never
 * ready, as Go's nil channel. Receiving from a queue is a get: `taskDone` is owed.
 *
 * @example
 * ```ts
 * import { Channel, recv, select } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const ch = Channel.from(["a"], 1);
 * const { value } = await select({ letter: recv(ch), never: recv<string>(null) });
 * assertEquals(value, "a");
 * ```
 *
 * @throws TypeError if `source` is nothing that can be received from.
 */
export function recv<T>(source: Source<T> | null | undefined): RecvCase<T> {
  return AnyCase.recv(source) as unknown as RecvCase<T>;
}

/**
 * The case that sends. If the sink is closed and this case is picked, the select rejects with the
 * ClosedError, which carries the value. A null or undefined target is never ready.
 *
 * @example
 * ```ts
 * import { Channel, select, send } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const ch = new Channel<string>(1);
 * await select({ sent: send(ch, "a") });
 * assertEquals(await ch.take(), "a");
 * ```
 *
 * @throws TypeError if `target` is nothing that can be sent to.
 */
export function send<T>(
  target: Sink<T> | null | undefined,
  value: NoInfer<T>,
): SendCase {
  return AnyCase.send(target as Sink<never> | null | undefined, value) as unknown as SendCase;
}

/**
 * The case of a time, in milliseconds from when the select waits; its timer runs only while it does.
 * 0 or less is taken when nothing else is ready.
 *
 * @example
 * ```ts
 * import { after, Channel, recv, select } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const r = await select({ value: recv(new Channel<string>()), late: after(1) });
 * assertEquals(r.key, "late");
 * ```
 *
 * @throws TypeError or RangeError if `ms` is no number.
 */
export function after(ms: number): AfterCase {
  return AnyCase.after(ms) as unknown as AfterCase;
}

/**
 * The case of a context's or a signal's end; its result has the `cause`. Without one it is never
 * ready.
 *
 * @example
 * ```ts
 * import { background, Channel, recv, select, whenDone, withTimeout } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * using ctx = withTimeout(background(), 1, "too late");
 * const r = await select({ value: recv(new Channel<string>()), ended: whenDone(ctx) });
 * if (r.key === "ended") assertEquals(r.cause, "too late");
 * ```
 *
 * @throws TypeError if `cancel` is neither a context nor an AbortSignal.
 */
export function whenDone(cancel: Cancel | null | undefined): DoneCase {
  return AnyCase.done(cancel) as unknown as DoneCase;
}

/**
 * The case that is taken when no other is ready: the select does not wait.
 *
 * @example
 * ```ts
 * import { Channel, otherwise, recv, select } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const r = await select({ value: recv(new Channel<string>()), idle: otherwise });
 * assertEquals(r.key, "idle");
 * ```
 */
export const otherwise: DefaultCase = AnyCase.default as unknown as DefaultCase;

/**
 * Waits until one of the cases can be committed, and commits it; Go's `select`. The result's `key` is
 * that of the case; `switch (r.key)` narrows the rest.
 *
 * Rejects with the cause if `wait` ends, nothing being taken or sent then; with a ClosedError if the
 * case that is picked sends to a closed sink; with a TypeError if a case is none.
 *
 * @example
 * ```ts
 * import { background, Channel, recv, select, withTimeout } from "@sluice/sluice";
 *
 * const words = Channel.from(["one"]);
 * const numbers = Channel.from([1]);
 * using ctx = withTimeout(background(), 1_000);
 * const r = await select({ word: recv(words), number: recv(numbers) }, ctx);
 * if (r.ok) console.log(r.key === "word" ? r.value.length : r.value + 1);
 * ```
 */
export function select<S extends Cases>(
  cases: S,
  wait?: Cancel | SelectOptions,
): Promise<Selected<S>>;
/**
 * Go's `reflect.Select`: a Map, the `entries()` of a list, or pairs. Source order is theirs; that of
 * a record is JavaScript's, where keys that look like integers come first.
 *
 * @example
 * ```ts
 * import { Channel, recv, select } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const channels = [new Channel<string>(1), new Channel<string>(1)];
 * channels[1]!.trySend("hello");
 * const r = await select(channels.map((ch, i) => [i, recv(ch)] as const));
 * assertEquals(r.key, 1);
 * ```
 */
export function select<const E extends CaseEntry>(
  cases: Iterable<E>,
  wait?: Cancel | SelectOptions,
): Promise<SelectedEntry<E>>;
export function select(
  cases: Cases | Iterable<CaseEntry>,
  wait?: Cancel | SelectOptions,
): Promise<unknown> {
  return runSelect(cases, wait);
}

/**
 * As {@linkcode select}, without waiting and without a promise: undefined if nothing is ready.
 *
 * @example
 * ```ts
 * import { Channel, recv, trySelect } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(trySelect({ value: recv(new Channel<string>()) }), undefined);
 * ```
 *
 * @throws ClosedError if the case that is picked sends to a closed sink, TypeError if a case is none.
 */
export function trySelect<S extends Cases>(
  cases: S,
  options?: { readonly biased?: boolean },
): Selected<S> | undefined;
/** The same for entries. */
export function trySelect<const E extends CaseEntry>(
  cases: Iterable<E>,
  options?: { readonly biased?: boolean },
): SelectedEntry<E> | undefined;
export function trySelect(
  cases: Cases | Iterable<CaseEntry>,
  options?: { readonly biased?: boolean },
): unknown {
  if (options !== undefined) checkOptions("options", options);
  return runTrySelect(cases, options?.biased ?? false);
}

/**
 * What `prepareSelect` makes: one select, to be run any number of times.
 *
 * @typeParam R What it resolves with.
 *
 * @example
 * ```ts
 * import { Channel, prepareSelect, recv, type Selected, type Selector } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const cases = { word: recv(Channel.from(["hello"])) };
 * const selector: Selector<Selected<typeof cases>> = prepareSelect(cases);
 * assertEquals((await selector.select()).value, "hello");
 * ```
 */
export interface Selector<out R> {
  /** As the function {@linkcode select}. Several at once do not disturb one another. */
  select(wait?: Wait): Promise<R>;
  /** As the function {@linkcode trySelect}. */
  trySelect(): R | undefined;
}

/**
 * A select that is run again and again, as in a loop: its cases are read once, here, and what a run
 * needs to wait is used by the next one. What `send` cases send is always the same value, so this is
 * for receiving, times and ends above all.
 *
 * @example
 * ```ts
 * import { Channel, prepareSelect, recv } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const [left, right] = [Channel.from([1, 2]), Channel.from([3])];
 * const either = prepareSelect({ left: recv(left), right: recv(right) });
 * let sum = 0;
 * for (let n = 0; n < 3; n++) {
 *   const r = await either.select();
 *   if (r.ok) sum += r.value;
 *   else n--;
 * }
 * assertEquals(sum, 6);
 * ```
 *
 * @throws TypeError if a case is none.
 */
export function prepareSelect<S extends Cases>(
  cases: S,
  options?: { readonly biased?: boolean },
): Selector<Selected<S>>;
/** The same for entries. */
export function prepareSelect<const E extends CaseEntry>(
  cases: Iterable<E>,
  options?: { readonly biased?: boolean },
): Selector<SelectedEntry<E>>;
export function prepareSelect(
  cases: Cases | Iterable<CaseEntry>,
  options?: { readonly biased?: boolean },
): Selector<unknown> {
  if (options !== undefined) checkOptions("options", options);
  return new PreparedSelect(cases, options?.biased ?? false);
}
