/**
 * Single items in, batches out: by count, by weight, or by time, whichever is first.
 *
 * - Items go into batches in the order in which they were submitted; with a `concurrency` of 1 the batches
 *   follow one another. Never do more handlers run than that, whatever became of their callers.
 * - Each `submit` settles with the fate of its own item. One that is cancelled before the handler is
 *   called takes its item back, and no handler sees it. Later the item is in the handler's hands: only the
 *   wait ends, and the handler's context when all who wait for the batch have left.
 * - No item is dropped in silence: at a shutdown those that are left are handed over, or ride on the
 *   errors that their callers get.
 * - A handler is called in a microtask of its own, never by `submit`.
 *
 * @module
 */
import { checkFunction } from "../../core/check.ts";
import type { Cancel, Wait } from "../../core/contract.ts";
import { CanceledError, ClosedError } from "../../core/errors.ts";
import { NOTHING } from "../../core/nothing.ts";
import { watch } from "../../core/scope.ts";
import type { ScopedContext } from "../../core/scoped_context.ts";
import { tryOrPark } from "../../core/try_or_park.ts";
import { countCall, refused } from "../../core/turn.ts";
import { enter, hang, scopeKey } from "../../core/wait.ts";
import { WaitList } from "../../core/wait_list.ts";
import { contextBelow, type ShutdownOptions, shutdownOptions } from "../../tasks/pool_options.ts";
import { BatchLine } from "./batch_line.ts";
import { BatchPlaces } from "./batch_places.ts";
import type { BatchRun } from "./batch_run.ts";
import {
  type BatcherOptions,
  type BatcherStats,
  type BatchHandler,
  limitsOf,
  weightOf,
} from "./batcher_options.ts";
import { Epochs } from "./epochs.ts";
import { labelOf } from "../errors.ts";
import { Pending, type PendingOwner } from "./pending.ts";

/**
 * Single items in, batches out. Each `submit` gives the result of its own item; Facebook's DataLoader,
 * without its cache, and group commit.
 *
 * Leaving the scope of `await using` is `shutdown()`: what was submitted is finished.
 *
 * @typeParam T The type of the items.
 * @typeParam R The result of one item; void if there is none.
 *
 * @example
 * ```ts
 * import { Batcher } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const queries: number[][] = [];
 * await using users = new Batcher<number, string>((ids) => {
 *   queries.push([...ids]); // select … where id in (…)
 *   return ids.map((id) => `user ${id}`);
 * }, { maxCount: 100 });
 * assertEquals(await Promise.all([users.submit(7), users.submit(8)]), ["user 7", "user 8"]);
 * assertEquals(queries, [[7, 8]]);
 * ```
 */
export class Batcher<T, R = void> implements AsyncDisposable {
  /** Named in errors. */
  readonly name: string | undefined;
  readonly #weigh: ((item: T) => number) | undefined;
  readonly #maxWeight: number;
  readonly #ctx: ScopedContext;
  readonly #line: BatchLine;
  readonly #places: BatchPlaces;
  readonly #epochs = new Epochs();
  readonly #owner: PendingOwner;
  #closed = false;
  readonly #idle = new WaitList();
  #submitted = 0;
  #fulfilled = 0;
  #rejected = 0;

  /**
   * A batcher without items.
   *
   * @throws TypeError or RangeError if an argument is not what it may be.
   */
  constructor(handler: BatchHandler<T, R>, options: BatcherOptions<T> = {}) {
    checkFunction("handler", handler);
    const limits = limitsOf(options);
    const { weigh, concurrency = 1, retry, parent, name } = options;
    this.name = name;
    this.#weigh = weigh;
    this.#maxWeight = limits.maxWeight;
    this.#ctx = contextBelow(parent);
    this.#line = new BatchLine(limits, { left: () => this.#go() }, () => this.#pump());
    this.#places = new BatchPlaces({
      handler: handler as BatchHandler<never, unknown>,
      concurrency,
      retry,
      clock: limits.clock,
      ctx: this.#ctx,
    }, () => this.#go());
    this.#owner = {
      deserted: (node, list) => this.#line.unweigh(node, list),
      settled: (node, ok) => {
        if (ok) this.#fulfilled++;
        else this.#rejected++;
        this.#epochs.end(node.epoch);
      },
    };
    if (parent === undefined) return;
    watch(this.#ctx[scopeKey], {
      links: null,
      end: (cause) => ({ follow: () => this.#abort(() => cause, cause) }),
    });
  }

  /** How many items wait: for room, for their batch, or for their next attempt. */
  get waiting(): number {
    return this.#submitted - this.#fulfilled - this.#rejected - this.#places.items;
  }

  /** An item that is submitted now would have to wait for room. */
  get full(): boolean {
    return this.#line.full;
  }

  /** `shutdown` has been called; there may still be items on their way. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Hands in an item, and gives what the handler gives for it. If the batcher is full, it waits for room
   * first, in the order of the calls.
   *
   * Rejects with the item's own error, or what the handler throws; with the cause of what ended it early;
   * with ClosedError, which carries the item, if the batcher is shut down; with a TypeError or RangeError
   * if its weight is none.
   */
  submit(item: T, wait?: Wait): Promise<R> {
    return this.#submit(item, wait, true)!;
  }

  /** As `submit`, if there is room for it now; undefined: there is none. */
  trySubmit(item: T, wait?: Wait): Promise<R> | undefined {
    return this.#submit(item, wait, false);
  }

  /**
   * Starts what waits without lingering, and waits until all that was submitted before has settled,
   * whichever way. If the wait ends early, what was started goes on.
   */
  flush(wait?: Wait): Promise<void> {
    try {
      if (wait !== undefined) enter(wait);
    } catch (error) {
      return refused(error);
    }
    const flushed = this.#epochs.flush(wait);
    this.#pump();
    return flushed;
  }

  /**
   * Accepts no more items, hands over those that wait without lingering, and waits until all have settled
   * and no handler runs. With `immediate` they are rejected with ClosedError, which carries them, and the
   * contexts of handlers that run end.
   */
  shutdown(options?: Cancel | ShutdownOptions): Promise<void> {
    try {
      const { immediate, wait } = shutdownOptions(options);
      if (wait !== undefined) enter(wait);
      this.#closed = true;
      if (immediate) this.#abort((item) => this.#refusal(item), this.#end());
      else this.#go();
      return tryOrPark<void>(this.#idle, wait, () => this.#places.busy ? NOTHING : undefined);
    } catch (error) {
      return refused(error);
    }
  }

  /** How it is doing. */
  stats(): BatcherStats {
    return {
      waiting: this.waiting,
      submitted: this.#submitted,
      fulfilled: this.#fulfilled,
      rejected: this.#rejected,
      ...this.#places.stats(),
    };
  }

  /** `shutdown()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  /** `patient`: if there is no room, it waits for some. */
  #submit(item: T, wait: Wait | undefined, patient: boolean): Promise<R> | undefined {
    countCall();
    let node: Pending;
    try {
      if (wait !== undefined) enter(wait);
      this.#check(item);
      if (!patient && this.full) return undefined;
      let weight = 0;
      if (this.#weigh !== undefined) {
        weight = weightOf(item, this.#weigh, this.#maxWeight);
        // Weighing runs code of the user's, which may have ended it, or filled it.
        this.#check(item);
        if (!patient && this.full) return undefined;
      }
      const since = this.#line.now();
      node = new Pending(item, weight, this.#epochs.begin(), since, this.#owner);
    } catch (error) {
      return refused(error);
    }
    this.#submitted++;
    const promise = node.promise<R>();
    this.#line.add(node);
    if (wait !== undefined) hang(node, wait);
    this.#pump();
    return promise;
  }

  #check(item: T): void {
    if (this.#closed) throw this.#refusal(item);
    if (this.#ctx.done) throw this.#ctx.cause;
  }

  #refusal(value: unknown): ClosedError {
    const label = labelOf("batcher", this.name);
    return new ClosedError(`${label} is shut down, and the item is on this error`, { value });
  }

  /** Why its context ends with it. */
  #end(): CanceledError {
    return new CanceledError(`${labelOf("batcher", this.name)} is shut down`);
  }

  /** Starts all batches that can be started, and sees to it that the next one is. */
  #pump(): void {
    this.#line.letIn();
    while (this.#places.free) {
      const run = this.#places.again() ?? this.#next();
      if (run === undefined) break;
      void this.#places.run(run);
    }
    this.#line.watch(this.#places.free);
  }

  /** The batch that is to start with the first in line, if it is due. */
  #next(): BatchRun | undefined {
    const { head } = this.#line;
    if (head === null) return undefined;
    const hurried = this.#closed || this.#epochs.isFlushed(head.epoch);
    if (!hurried && !this.#line.isDue(head)) return undefined;
    const run = this.#places.batch(this.#line.next());
    this.#line.letIn();
    return run;
  }

  /** Something has ended, or left: others may start, and those who wait for an end be told. */
  #go(): void {
    this.#pump();
    this.#epochs.look();
    // Whatever waits when it is closed is due, and waits for batches that run.
    if (!this.#closed || this.#places.busy) return;
    if (!this.#ctx.done) this.#ctx.cancel(this.#end());
    this.#idle.settleAll(undefined);
  }

  /** Rejects all that waits or is on its way, oldest first, and ends the contexts of handlers. */
  #abort(errorOf: (item: unknown) => unknown, cause: unknown): void {
    const stop = this.#places.failAll(errorOf);
    this.#line.failAll(errorOf);
    this.#go();
    // Last, since code of the user's may listen.
    stop(cause);
  }
}
