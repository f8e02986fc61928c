/**
 * A value that many watch: they see its latest state, and whoever is slow skips what is out of date.
 *
 * Order: a change is there for all in the step in which it is made, and those who wait are woken in the
 * order in which they came. `waitFor` alone sees every value. Cancellation: a call that is cancelled leaves
 * nothing behind. The last value is seen by all, also when the watch is closed after it.
 *
 * @module
 */
import {
  checkFunction,
  checkOptionalFunction,
  checkOptionalString,
  checkOptions,
} from "../../core/check.ts";
import type { Cancel, ReceiverIterator, Wait } from "../../core/contract.ts";
import { ClosedError } from "../../core/errors.ts";
import { NOTHING } from "../../core/nothing.ts";
import { tryOrPark } from "../../core/try_or_park.ts";
import { refused } from "../../core/turn.ts";
import { WaitList } from "../../core/wait_list.ts";
import { Audience } from "./audience.ts";
import { labelOf } from "../errors.ts";
import { ParentLink } from "./parent_link.ts";
import { Checks } from "./watch_checks.ts";
import {
  afterOf,
  type ChangedOptions,
  type WatchOptions,
  type WatchStats,
} from "./watch_options.ts";
import { CoreWatchReader, outletOf, WatchIterator, type WatchReader } from "./watch_reader.ts";

/** For an audience each of whom has something of his own to read. */
const ALL = { length: 1 };

/**
 * A value that many watch; tokio's `watch`, Kotlin's StateFlow. `for await` gives the current value, and
 * then the latest one after each change.
 *
 * @typeParam T The type of the value; undefined and promises too.
 *
 * @example
 * ```ts
 * import { Watch } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const progress = new Watch(0);
 * const half = progress.waitFor((percent) => percent >= 50);
 * for (const percent of [20, 60, 100]) progress.set(percent);
 * progress.close();
 * const seen = [];
 * for await (const percent of progress) seen.push(percent);
 * assertEquals([await half, seen], [60, [100]]);
 * ```
 */
export class Watch<in out T> implements AsyncIterable<T, undefined, void>, Disposable {
  /** Named in errors. */
  readonly name: string | undefined;
  #value: T;
  #version = 0;
  #closed = false;
  /** What it was closed with; undefined: plainly. */
  #error: unknown;
  readonly #equals: ((current: T, next: T) => boolean) | undefined;
  /** Calls of `changed`. */
  readonly #line = new WaitList();
  readonly #checks = new Checks<T>();
  readonly #readers = new Set<CoreWatchReader<T>>();
  /** An iterator is not listed, so it learns of the end when it comes to wait. */
  readonly #audience = new Audience((core) => {
    if (this.#closed) core.close(this.#error);
  });
  readonly #parent = new ParentLink((cause) => this.#close(cause));

  /**
   * `initial` is the value until it is changed, with version 0.
   *
   * @throws TypeError if an option is none.
   */
  constructor(initial: T, options: WatchOptions<T> = {}) {
    checkOptions("options", options);
    const { equals, name, parent } = options;
    checkOptionalFunction("equals", equals);
    checkOptionalString("name", name);
    this.name = name;
    this.#value = initial;
    this.#equals = equals;
    this.#parent.tie(parent);
  }

  /** The latest value; that of a closed watch is the last. */
  get value(): T {
    return this.#value;
  }

  /** How often it has changed. */
  get version(): number {
    return this.#version;
  }

  /** `close` has been called. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Changes the value, for all who watch.
   *
   * @throws ClosedError, which carries the value, if the watch is closed; or what `equals` throws.
   */
  set(value: T): void {
    if (this.#closed) throw this.#refusal({ value });
    if (this.#equals !== undefined) {
      if (this.#equals(this.#value, value)) return;
      // It may have closed the watch.
      if (this.#closed) throw this.#refusal({ value });
    }
    this.#value = value;
    this.#version++;
    this.#checks.add(value, this.#version);
    this.#line.settleAll(undefined);
    this.#audience.serve(ALL);
    this.#checks.run();
  }

  /**
   * Changes the value to what `fn` makes of it, and gives that.
   *
   * @throws ClosedError if the watch is closed; then `fn` is not called.
   */
  update(fn: (value: T) => T): T {
    checkFunction("fn", fn);
    if (this.#closed) throw this.#refusal({});
    const value = fn(this.#value);
    this.set(value);
    return value;
  }

  /**
   * Waits until the value has changed, since now or since the version `after`. Read `value` then: it is the
   * latest. Each change is told once, if `after` is the `version` at which the value was read last. Rejects
   * with ClosedError, or with the error given to `close`, if the watch is closed and there is no such change;
   * with a RangeError if `after` is no version that there has been.
   */
  changed(wait?: Cancel | ChangedOptions): Promise<void> {
    return tryOrPark<void>(this.#line, wait, () => {
      const after = afterOf(wait, this.#version);
      if (after !== undefined && after < this.#version) return undefined;
      if (this.#closed) throw this.#end();
      return NOTHING;
    });
  }

  /**
   * The first value, from the current one on, of which `predicate` is true. It is asked about each value,
   * also about those that are soon replaced. Rejects with what it throws; with ClosedError, or with the
   * error given to `close`, if the watch is closed before. A value that is a promise is waited for.
   */
  waitFor<S extends T>(predicate: (value: T) => value is S, wait?: Wait): Promise<S>;
  /** The same for a predicate that narrows nothing. */
  waitFor(predicate: (value: T) => boolean, wait?: Wait): Promise<T>;
  waitFor(predicate: (value: T) => boolean, wait?: Wait): Promise<T> {
    try {
      checkFunction("predicate", predicate);
    } catch (error) {
      return refused(error);
    }
    return this.#checks.wait(predicate, wait, this, () => {
      if (this.#closed) throw this.#end();
    });
  }

  /**
   * A reader of its own, for `select` and all that receivers do. It begins with the current value; of a
   * closed watch too.
   */
  reader(): WatchReader<T> {
    const outlet = outletOf(this, this.#audience, this.name);
    const reader = new CoreWatchReader<T>(outlet, this.#readers);
    if (this.#closed) outlet.close(this.#error);
    return reader;
  }

  /**
   * No more changes come: who waits for one rejects, with `error` if it is not undefined. Readers and loops
   * still see the last value. Throws ClosedError if the watch is closed already; disposing never throws.
   */
  close(error?: unknown): void {
    if (this.#closed) {
      throw new ClosedError(
        `${labelOf("watch", this.name)} is closed already: dispose it where that is no mistake`,
      );
    }
    this.#close(error);
  }

  /** How it is doing. */
  stats(): WatchStats {
    return {
      version: this.#version,
      readers: this.#readers.size,
      waiting: this.#line.length + this.#checks.waiting,
    };
  }

  /**
   * The current value, then the latest one after each change, until the watch is closed; what was set last
   * is seen by all. Each loop has a place of its own.
   */
  [Symbol.asyncIterator](): ReceiverIterator<T> {
    return new WatchIterator<T>(outletOf(this, this.#audience, this.name));
  }

  /** Closes the watch, if it is not. */
  [Symbol.dispose](): void {
    this.#close(undefined);
  }

  #close(error: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#error = error;
    this.#parent.release();
    this.#line.failAll(this.#end());
    this.#checks.end(this.#end());
    for (const { outlet } of this.#readers) outlet.close(error);
    this.#audience.dismiss(error);
  }

  #refusal(options: { value?: T }): ClosedError {
    return this.#closedError("nothing more can be set", options);
  }

  /** What those who wait for a change get when there will be none. */
  #end(): unknown {
    return this.#error === undefined
      ? this.#closedError("it changes no more, and its last value can be read", {})
      : this.#error;
  }

  #closedError(message: string, options: { value?: unknown }): ClosedError {
    const cause = this.#error === undefined ? {} : { cause: this.#error };
    return new ClosedError(`${labelOf("watch", this.name)} is closed: ${message}`, {
      ...options,
      ...cause,
    });
  }
}
