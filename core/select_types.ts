/**
 * The types of `select`: its cases, and a result that narrows by its key.
 *
 * @module
 */
import type { WaitOptions } from "./contract.ts";

/** The key of what exists in types alone. */
declare const payload: unique symbol;

/**
 * Go's `case v, ok := <-ch`.
 *
 * @example
 * ```ts
 * import { Channel, recv, type RecvCase, select } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const one: RecvCase<number> = recv(Channel.from([1]));
 * assertEquals((await select({ one })).key, "one");
 * ```
 */
export interface RecvCase<out T> {
  /** What it does. */
  readonly op: "recv";
  /**
   * Only a type: what is received.
   *
   * @ignore
   */
  readonly [payload]?: T;
}

/**
 * Go's `case ch <- value`.
 *
 * @example
 * ```ts
 * import { Channel, select, send, type SendCase } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const one: SendCase = send(new Channel<number>(1), 1);
 * assertEquals((await select({ one })).key, "one");
 * ```
 */
export interface SendCase {
  /** What it does. */
  readonly op: "send";
}

/**
 * Go's `case <-time.After(ms)`.
 *
 * @example
 * ```ts
 * import { after, type AfterCase, select } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const one: AfterCase = after(1);
 * assertEquals((await select({ one })).key, "one");
 * ```
 */
export interface AfterCase {
  /** What it does. */
  readonly op: "after";
}

/**
 * Go's `case <-ctx.Done()`.
 *
 * @example
 * ```ts
 * import { type DoneCase, select, whenDone } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const one: DoneCase = whenDone(AbortSignal.abort());
 * assertEquals((await select({ one })).key, "one");
 * ```
 */
export interface DoneCase {
  /** What it does. */
  readonly op: "done";
}

/**
 * Go's `default`.
 *
 * @example
 * ```ts
 * import { type DefaultCase, otherwise, select } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const one: DefaultCase = otherwise;
 * assertEquals((await select({ one })).key, "one");
 * ```
 */
export interface DefaultCase {
  /** What it does. */
  readonly op: "default";
}

/**
 * One case of a select.
 *
 * @example
 * ```ts
 * import { after, type Case, Channel, recv, select } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const cases: Case[] = [recv(new Channel<string>()), after(1)];
 * assertEquals((await select(cases.entries())).key, 1);
 * ```
 */
export type Case = RecvCase<unknown> | SendCase | AfterCase | DoneCase | DefaultCase;

/**
 * All results have these keys, so that they can be taken apart before they narrow.
 *
 * @example
 * ```ts
 * import { Channel, type Outcome, recv, type RecvCase, select } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const r: Outcome<"n", RecvCase<number>> = await select({ n: recv(Channel.from([1])) });
 * assertEquals(r.ok ? r.value + 1 : 0, 2);
 * ```
 */
export type Outcome<K, C> = C extends RecvCase<infer T> ?
    | { readonly key: K; readonly ok: true; readonly value: T; readonly error?: undefined }
    | { readonly key: K; readonly ok: false; readonly value: undefined; readonly error?: unknown }
  : C extends DoneCase ? {
      readonly key: K;
      readonly ok: false;
      readonly value: undefined;
      readonly error?: undefined;
      readonly cause: unknown;
    }
  : C extends Case
    ? { readonly key: K; readonly ok: true; readonly value: undefined; readonly error?: undefined }
  : never;

/**
 * Keys of objects are strings when the program runs, also those written as numbers.
 *
 * @example
 * ```ts
 * import { Channel, type KeyOf, recv, select } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const { key } = await select({ 0: recv(Channel.from(["a"])) });
 * const same: KeyOf<0> = key;
 * assertEquals(same, "0");
 * ```
 */
export type KeyOf<K> = K extends number ? `${K}` : K;

/**
 * A union that `switch (r.key)` narrows, with `default: r satisfies never` for completeness.
 *
 * @example
 * ```ts
 * import { after, Channel, recv, type Selected, select } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const cases = { word: recv(Channel.from(["hello"])), late: after(1_000) };
 * function show(r: Selected<typeof cases>): string {
 *   return r.key === "word" && r.ok ? r.value.toUpperCase() : r.key;
 * }
 * assertEquals(show(await select(cases)), "HELLO");
 * ```
 */
export type Selected<S> = { [K in keyof S]-?: Outcome<KeyOf<K>, S[K]> }[keyof S];

/**
 * What `select` takes: a missing case is one that is never ready.
 *
 * @example
 * ```ts
 * import { type Cases, otherwise, recv, trySelect } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const cases: Cases = { word: recv(null), later: undefined, idle: otherwise };
 * assertEquals(trySelect(cases)?.key, "idle");
 * ```
 */
export type Cases = Readonly<Record<string, Case | null | undefined>>;

/**
 * A dynamic set: the key of each case may be anything, and comes back as it is.
 *
 * @example
 * ```ts
 * import { type CaseEntry, Channel, recv, select } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const ch = Channel.from(["hello"]);
 * const entries: CaseEntry[] = [[ch, recv(ch)]];
 * assertEquals((await select(entries)).key, ch);
 * ```
 */
export type CaseEntry = readonly [key: unknown, of: Case | null | undefined];

/**
 * `Selected` of entries.
 *
 * @example
 * ```ts
 * import { type RecvCase, recv, select, type SelectedEntry, Channel } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * type Entry = readonly [id: number, of: RecvCase<string>];
 * const entries: Entry[] = [[7, recv(Channel.from(["hello"]))]];
 * const r: SelectedEntry<Entry> = await select(entries);
 * assertEquals([r.key, r.value], [7, "hello"]);
 * ```
 */
export type SelectedEntry<E> = E extends readonly [infer K, infer C] ? Outcome<K, C> : never;

/**
 * What a select may be told beside its cases.
 *
 * @example
 * ```ts
 * import { Channel, recv, select } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const [urgent, usual] = [new Channel<string>(1), new Channel<string>(1)];
 * usual.trySend("mail");
 * urgent.trySend("fire");
 * const r = await select({ urgent: recv(urgent), usual: recv(usual) }, { biased: true });
 * assertEquals(r.value, "fire");
 * ```
 */
export interface SelectOptions extends WaitOptions {
  /** Take the first ready case in source order, not a random one. */
  readonly biased?: boolean | undefined;
}
