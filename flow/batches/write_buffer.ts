/**
 * What a write-behind buffer holds: the last value of each key that is not written, and its way there.
 *
 * Invariants:
 * - Of a key one write at most is on its way. What is set meanwhile is written after it.
 * - Each value that was set is written, or replaced by a later one of its key, or still here.
 * - Who waits for a flush waits for each value that was set before it, or for one that replaced it.
 *
 * @module
 */
import type { Wait } from "../../core/contract.ts";
import type { ScopedContext } from "../../core/scoped_context.ts";
import { Batcher } from "./batcher.ts";
import type { BatcherOptions } from "./batcher_options.ts";
import { type Epoch, Epochs } from "./epochs.ts";
import type { Writer } from "./write_behind_options.ts";

/** A key whose last value is not written. */
export interface Entry<K, V> {
  readonly key: K;
  /** The last one that was set. */
  value: V;
  /** Not handed to a writer yet; in its hands, or between two attempts; left over by it. */
  state: "queued" | "writing" | "failed";
  /** Where the value counts that is queued or in a writer's hands. */
  epoch: Epoch;
  /** Where the one counts that was set while a writer had an earlier one; null: there is none. */
  later: Epoch | null;
  /** Why it could not be written. */
  error: unknown;
}

/** Whom a buffer tells what becomes of its values. */
export interface BufferOwner<K, V> {
  /** A key has left: there is room. */
  left(): void;
  /** Told of a key that could not be written, and its value. What it throws is uncaught. */
  readonly onError: ((error: unknown, key: K, value: V) => void) | undefined;
}

export class WriteBuffer<K, V> {
  readonly entries = new Map<K, Entry<K, V>>();
  /** Those that wait to be tried again. */
  readonly failed = new Set<Entry<K, V>>();
  readonly batcher: Batcher<Entry<K, V>>;
  sets = 0;
  written = 0;
  /** How many were replaced before they were written. */
  coalesced = 0;
  readonly #ctx: ScopedContext;
  readonly #owner: BufferOwner<K, V>;
  readonly #epochs = new Epochs();
  /** What is queued is to be written without lingering, as soon as all is queued that is to be by now. */
  #hurried = false;

  /** Nothing is written once `ctx` has ended. Throws TypeError or RangeError for wrong options. */
  constructor(
    write: Writer<K, V>,
    options: BatcherOptions<Entry<K, V>>,
    ctx: ScopedContext,
    owner: BufferOwner<K, V>,
  ) {
    this.#ctx = ctx;
    this.#owner = owner;
    this.batcher = new Batcher((entries, ctx) => write(this.#handOver(entries), ctx), {
      ...options,
      parent: ctx,
    });
  }

  /** Sets a value, of a key that is there already or for which there is room. */
  set(key: K, value: V): void {
    this.sets++;
    const known = this.entries.get(key);
    if (known === undefined) {
      const epoch = this.#epochs.begin();
      const entry: Entry<K, V> = {
        key,
        value,
        state: "queued",
        epoch,
        later: null,
        error: undefined,
      };
      this.entries.set(key, entry);
      this.#write(entry);
      return;
    }
    known.value = value;
    if (known.state === "writing" && known.later === null) {
      known.later = this.#epochs.begin();
      return;
    }
    this.coalesced++;
    if (known.state === "failed") this.#resume(known);
  }

  /**
   * Writes without lingering, what has failed too, and waits until all that was set is over. Rejects with
   * the last write that failed meanwhile.
   */
  flush(wait: Wait | undefined): Promise<void> {
    for (const entry of this.failed) this.#resume(entry);
    const flushed = this.#epochs.flush(wait);
    this.#hurry();
    return flushed;
  }

  #write(entry: Entry<K, V>): void {
    entry.state = "queued";
    this.batcher.submit(entry).then(
      () => this.#wrote(entry),
      (error) => this.#lost(entry, error),
    );
    if (this.#epochs.isFlushed(entry.epoch)) this.#hurry();
  }

  /** Tries again what has failed. */
  #resume(entry: Entry<K, V>): void {
    this.failed.delete(entry);
    entry.error = undefined;
    entry.epoch = this.#epochs.begin();
    this.#write(entry);
  }

  #hurry(): void {
    if (this.#hurried) return;
    this.#hurried = true;
    queueMicrotask(() => {
      this.#hurried = false;
      void this.batcher.flush();
    });
  }

  /** A writer gets the values of these. */
  #handOver(entries: readonly Entry<K, V>[]): (readonly [K, V])[] {
    return entries.map((entry) => {
      // At a further attempt a later value takes the place of the one that failed, and counts for both.
      if (entry.later !== null) {
        this.coalesced++;
        this.#epochs.end(entry.later);
        entry.later = null;
      }
      entry.state = "writing";
      return [entry.key, entry.value];
    });
  }

  #wrote(entry: Entry<K, V>): void {
    this.written++;
    this.#epochs.end(entry.epoch);
    if (entry.later === null) {
      this.entries.delete(entry.key);
      this.#owner.left();
    } else {
      this.#writeLater(entry, entry.later);
    }
    this.#epochs.look();
  }

  #lost(entry: Entry<K, V>, error: unknown): void {
    this.#epochs.fail(entry.epoch, error);
    if (entry.later === null) {
      entry.state = "failed";
      entry.error = error;
      this.failed.add(entry);
    } else {
      this.coalesced++;
      this.#writeLater(entry, entry.later);
    }
    this.#epochs.look();
    // At the end all that is left has failed for that.
    if (this.#ctx.done) return;
    try {
      this.#owner.onError?.(error, entry.key, entry.value);
    } catch (thrown) {
      reportError(thrown);
    }
  }

  /** Writes what was set while a writer had an earlier value. */
  #writeLater(entry: Entry<K, V>, epoch: Epoch): void {
    entry.epoch = epoch;
    entry.later = null;
    this.#write(entry);
  }
}
