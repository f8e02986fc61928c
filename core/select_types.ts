/**
 * The types of `select`: its cases, and a result that narrows by its key.
 *
 * @module
 */
import type { WaitOptions } from "./contract.ts";

/** The key of what exists in types alone. */
declare const payload: unique symbol;

/** Go's `case v, ok := <-ch`. */
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

/** Go's `case ch <- value`. */
export interface SendCase {
  /** What it does. */
  readonly op: "send";
}

/** Go's `case <-time.After(ms)`. */
export interface AfterCase {
  /** What it does. */
  readonly op: "after";
}

/** Go's `case <-ctx.Done()`. */
export interface DoneCase {
  /** What it does. */
  readonly op: "done";
}

/** Go's `default`. */
export interface DefaultCase {
  /** What it does. */
  readonly op: "default";
}

/** One case of a select. */
export type Case = RecvCase<unknown> | SendCase | AfterCase | DoneCase | DefaultCase;

/** All results have these keys, so that they can be taken apart before they narrow. */
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

/** Keys of objects are strings when the program runs, also those written as numbers. */
export type KeyOf<K> = K extends number ? `${K}` : K;

/** A union that `switch (r.key)` narrows, with `default: r satisfies never` for completeness. */
export type Selected<S> = { [K in keyof S]-?: Outcome<KeyOf<K>, S[K]> }[keyof S];

/** What `select` takes: a missing case is one that is never ready. */
export type Cases = Readonly<Record<string, Case | null | undefined>>;

/** A dynamic set: the key of each case may be anything, and comes back as it is. */
export type CaseEntry = readonly [key: unknown, of: Case | null | undefined];

/** `Selected` of entries. */
export type SelectedEntry<E> = E extends readonly [infer K, infer C] ? Outcome<K, C> : never;

/** What a select may be told beside its cases. */
export interface SelectOptions extends WaitOptions {
  /** Take the first ready case in source order, not a random one. */
  readonly biased?: boolean | undefined;
}
