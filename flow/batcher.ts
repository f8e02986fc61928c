/**
 * Single items in, batches out: by count, by weight, or by time, whichever is first.
 *
 * - Items go into batches in the order in which they were submitted; with a `concurrency` of 1 the batches
 *   follow one another.
 * - Each `submit` settles with the fate of its own item. One that is cancelled before its item is in a
 *   batch takes it back, and no handler sees it. Later the item is in the handler's hands: only the wait
 *   ends, and the handler's context when all who wait for the batch have left.
 * - No item is dropped in silence: at a shutdown those that are left are handed over, or ride on the
 *   errors that their callers get.
 *
 * @module
 */
import { afterFunc } from "../context.ts";
import {
  checkCount,
  checkFunction,
  checkNumber,
  checkOptionalFunction,
  checkOptionalString,
  checkOptions,
  show,
} from "../core/check.ts";
import type { Cancel, Context, Wait } from "../core/contract.ts";
import { CanceledError, ClosedError } from "../core/errors.ts";
import { NOTHING } from "../core/nothing.ts";
import type { ScopedContext } from "../core/scoped_context.ts";
import { tryOrPark } from "../core/try_or_park.ts";
import { afterTurn, countCall, done, refused } from "../core/turn.ts";
import { enter, hang } from "../core/wait.ts";
import { WaitList } from "../core/wait_list.ts";
import { type Clock, realClock, type Timer } from "../tasks/clock.ts";
import { contextBelow, type ShutdownOptions, shutdownOptions } from "../tasks/pool_options.ts";
import { checkRetry, type RetryOptions } from "../tasks/retry.ts";
import { BatchRun } from "./batch_run.ts";
import { labelOf } from "./errors.ts";
import type { Failed } from "./failed.ts";
import { type Epoch, Pending, type PendingOwner } from "./pending.ts";

/**
 * What a batch's handler gives: a result or a {@linkcode Failed} for each item, in their order. Where
 * there are no results to tell, nothing: all is well.
 *
 * @typeParam R The result of one item.
 *
 * @example
 * ```ts
 * import { type BatchResults, Failed } from "@sluice/sluice/flow";
 *
 * const results: BatchResults<number> = [1, new Failed(new Error("no")), 3];
 * console.log(results.length);
 * ```
 */
export type BatchResults<R> = readonly (R | Failed)[] | ([R] extends [void] ? void : never);

/**
 * Does the work of a batch. What it throws has happened to each item.
 *
 * @typeParam T The type of the items.
 * @typeParam R The result of one item.
 *
 * @example
 * ```ts
 * import { Batcher, type BatchHandler } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const lengths: BatchHandler<string, number> = (words) => words.map((word) => word.length);
 * await using batcher = new Batcher(lengths);
 * assertEquals(await batcher.submit("seven"), 5);
 * ```
 */
export type BatchHandler<T, R> = (
  items: readonly T[],
  ctx: Context,
) => BatchResults<R> | PromiseLike<BatchResults<R>>;

/**
 * When a batch is full, and what becomes of it.
 *
 * @example
 * ```ts
 * import { Batcher, type BatcherOptions } from "@sluice/sluice/flow";
 *
 * const options: BatcherOptions<string> = {
 *   maxCount: 64,
 *   maxWeight: 65_536,
 *   weigh: (line) => line.length,
 *   linger: 5,
 *   retry: { attempts: 3 },
 * };
 * await using log = new Batcher<string>((lines) => console.log(lines.join("\n")), options);
 * await log.submit("started");
 * ```
 */
export interface BatcherOptions<T> {
  /** How many items a batch has at most; 128 if left out. */
  readonly maxCount?: number | undefined;
  /** What the items of a batch weigh together at most; needs `weigh`. */
  readonly maxWeight?: number | undefined;
  /** What an item weighs: a finite number of at least 0, and no more than `maxWeight`. Called once. */
  readonly weigh?: ((item: T) => number) | undefined;
  /**
   * How long the first item of a batch waits for others, in milliseconds. 0, if left out: for those that
   * come before the event loop turns.
   */
  readonly linger?: number | undefined;
  /** How many batches may be on their way at once; 1 if left out. */
  readonly concurrency?: number | undefined;
  /** How many items may wait for their batch before `submit` waits itself; Infinity if left out. */
  readonly capacity?: number | undefined;
  /** How items that failed are tried again: together, in a batch of their own. */
  readonly retry?: RetryOptions | undefined;
  /** Its end ends the batcher: all that waits rejects with its cause. */
  readonly parent?: Cancel | undefined;
  /** What `linger` and `retry` go by. */
  readonly clock?: Clock | undefined;
  /** Named in errors. */
  readonly name?: string | undefined;
}

/**
 * How a batcher is doing.
 *
 * @example
 * ```ts
 * import { Batcher, type BatcherStats } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * await using batcher = new Batcher<number>(() => {});
 * await Promise.all([1, 2, 3].map((n) => batcher.submit(n)));
 * const { fulfilled, batches }: BatcherStats = batcher.stats();
 * assertEquals([fulfilled, batches], [3, 1]);
 * ```
 */
export interface BatcherStats {
  /** How many items wait: for room, for their batch, or for their next attempt. */
  readonly waiting: number;
  /** How many batches are in the handler's hands. */
  readonly running: number;
  /** How many items were submitted and not refused. */
  readonly submitted: number;
  /** How many have ended well. */
  readonly fulfilled: number;
  /** How many have failed, or were left by their callers. */
  readonly rejected: number;
  /** How often the handler was given a batch. */
  readonly batches: number;
  /** How many of those were further attempts. */
  readonly retries: number;
  /** How many items a first attempt had on average; 0 if there was none. */
  readonly meanCount: number;
}

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
  readonly #handler: BatchHandler<never, unknown>;
  readonly #maxCount: number;
  readonly #maxWeight: number;
  readonly #weigh: ((item: T) => number) | undefined;
  readonly #linger: number;
  readonly #concurrency: number;
  readonly #capacity: number;
  readonly #retry: RetryOptions | undefined;
  readonly #clock: Clock;
  readonly #ctx: ScopedContext;
  /** Those who wait for their batch, and what they weigh together. */
  readonly #line = new WaitList({ left: () => this.#pump() });
  #weight = 0;
  /** Those who wait for room in the line. */
  readonly #outside = new WaitList({ left: () => this.#pump() });
  readonly #running = new Set<BatchRun>();
  /** Those that wait for their next attempt, and those whose time for it has come. */
  readonly #delayed = new Set<BatchRun>();
  readonly #again: BatchRun[] = [];
  /** Runs when the first in line has waited long enough, … */
  #timer: Timer | undefined;
  #timed: Pending | undefined;
  /** … which this one has. */
  #ripe: Pending | undefined;
  /** Without `linger`: the event loop is asked to tell of its turn, and has since the line was empty. */
  #asked = false;
  #turned = false;
  #epoch: Epoch = { open: 0 };
  /** The epochs that `flush` has ended, oldest first, and who waits for them. */
  readonly #flushes: { readonly epoch: Epoch; readonly line: WaitList }[] = [];
  readonly #owner: PendingOwner = {
    deserted: (node, list) => {
      if (list === this.#line) this.#weight -= node.weight;
    },
    settled: (node, ok) => this.#settled(node, ok),
  };
  #closed = false;
  readonly #idle = new WaitList();
  #counts = { submitted: 0, fulfilled: 0, rejected: 0, batches: 0, retries: 0, first: 0 };

  /**
   * A batcher without items.
   *
   * @throws TypeError or RangeError if an argument is not what it may be.
   */
  constructor(handler: BatchHandler<T, R>, options: BatcherOptions<T> = {}) {
    checkFunction("handler", handler);
    checkOptions("options", options);
    const { maxCount = 128, maxWeight = Infinity, weigh, linger = 0, concurrency = 1 } = options;
    const { capacity = Infinity, retry, parent, clock = realClock, name } = options;
    checkCount("maxCount", maxCount, 1);
    checkOptionalFunction("weigh", weigh);
    checkNumber("maxWeight", maxWeight);
    if (maxWeight <= 0) throw new RangeError(`maxWeight must be more than 0: ${maxWeight}`);
    if (maxWeight !== Infinity && weigh === undefined) {
      throw new TypeError(`maxWeight, ${maxWeight}, needs a function "weigh", not undefined`);
    }
    checkNumber("linger", linger);
    if (linger < 0) throw new RangeError(`linger must be 0 or more milliseconds: ${linger}`);
    checkCount("concurrency", concurrency, 1);
    checkCount("capacity", capacity, 1);
    if (retry !== undefined) checkRetry(retry);
    checkOptionalString("name", name);
    this.name = name;
    this.#handler = handler as BatchHandler<never, unknown>;
    this.#maxCount = maxCount;
    this.#maxWeight = maxWeight;
    this.#weigh = weigh;
    this.#linger = linger;
    this.#concurrency = concurrency;
    this.#capacity = capacity;
    this.#retry = retry;
    this.#clock = clock;
    this.#ctx = contextBelow(parent);
    if (parent !== undefined) afterFunc(this.#ctx, () => this.#abort(() => this.#ctx.cause));
  }

  /** How many items wait: for room, for their batch, or for their next attempt. */
  get waiting(): number {
    let count = this.#line.length + this.#outside.length;
    for (const run of this.#delayed) count += run.list.length;
    for (const run of this.#again) count += run.list.length;
    return count;
  }

  /** An item that is submitted now would have to wait for room. */
  get full(): boolean {
    return this.#line.length >= this.#capacity || this.#outside.length > 0;
  }

  /** `shutdown` has been called; there may still be items on their way. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Hands in an item, and gives what the handler gives for it.
   *
   * Rejects with the item's own error, or what the handler throws; with the cause of what ended it early;
   * with ClosedError, which carries the item, if the batcher is shut down; with a TypeError or RangeError
   * if its weight is none.
   */
  submit(item: T, wait?: Wait): Promise<R> {
    countCall();
    let node: Pending;
    try {
      if (wait !== undefined) enter(wait);
      this.#check(item);
      const weight = this.#weigh === undefined ? 0 : this.#weightOf(item);
      // Weighing runs code of the user's, which may have ended it.
      this.#check(item);
      const since = this.#linger === 0 ? 0 : this.#clock.now();
      node = new Pending(item, weight, this.#epoch, since, this.#owner);
    } catch (error) {
      return refused(error);
    }
    this.#counts.submitted++;
    const promise = node.promise<R>();
    if (this.full) node.moveTo(this.#outside);
    else this.#lineUp(node);
    if (wait !== undefined) hang(node, wait);
    if (node.list !== null) this.#pump();
    return promise;
  }

  /** As `submit`, if there is room for it now; undefined: there is none. */
  trySubmit(item: T, wait?: Wait): Promise<R> | undefined {
    return this.full && !this.#closed ? undefined : this.submit(item, wait);
  }

  /**
   * Starts what waits without lingering, and waits until all that was submitted before has settled,
   * whichever way.
   */
  flush(wait?: Wait): Promise<void> {
    try {
      if (wait !== undefined) enter(wait);
    } catch (error) {
      return refused(error);
    }
    if (this.#epoch.open > 0) {
      this.#flushes.push({ epoch: this.#epoch, line: new WaitList() });
      this.#epoch = { open: 0 };
    }
    const last = this.#flushes.at(-1);
    if (last === undefined) return done();
    const flushed = tryOrPark<void>(last.line, wait, () => NOTHING);
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
      if (immediate) this.#abort((item) => this.#refusal(item));
      this.#pump();
      this.#look();
      return tryOrPark<void>(this.#idle, wait, () => this.#busy ? NOTHING : undefined);
    } catch (error) {
      return refused(error);
    }
  }

  /** How it is doing. */
  stats(): BatcherStats {
    const { submitted, fulfilled, rejected, batches, retries, first } = this.#counts;
    const meanCount = batches === retries ? 0 : first / (batches - retries);
    const [waiting, running] = [this.waiting, this.#running.size];
    return { waiting, running, submitted, fulfilled, rejected, batches, retries, meanCount };
  }

  /** `shutdown()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  #check(item: T): void {
    if (this.#closed) throw this.#refusal(item);
    if (this.#ctx.done) throw this.#ctx.cause;
  }

  #weightOf(item: T): number {
    const weight: unknown = this.#weigh!(item);
    if (typeof weight !== "number") {
      throw new TypeError(`weigh must return a number, not ${show(weight)}`);
    }
    if (!(weight >= 0 && weight < Infinity)) {
      throw new RangeError(`weigh must return a finite number of at least 0: ${weight}`);
    }
    if (weight > this.#maxWeight) {
      throw new RangeError(
        `an item must not be heavier than maxWeight, ${this.#maxWeight}: ${weight}`,
      );
    }
    return weight;
  }

  #refusal(value: unknown): ClosedError {
    const label = labelOf("batcher", this.name);
    return new ClosedError(`${label} is shut down, and the item is on this error`, { value });
  }

  #lineUp(node: Pending): void {
    node.moveTo(this.#line);
    this.#weight += node.weight;
  }

  /** Starts all batches that can be started, and sees to it that the next one is. */
  #pump(): void {
    this.#letIn();
    while (this.#running.size < this.#concurrency) {
      const again = this.#again.shift();
      if (again !== undefined) {
        if (!again.empty) void this.#run(again);
        continue;
      }
      const head = this.#line.head as Pending | null;
      if (head === null || !this.#isDue(head)) break;
      void this.#run(this.#take());
    }
    this.#awaitHead();
  }

  /** Lets those in who wait for room. */
  #letIn(): void {
    for (let node = this.#outside.head; node !== null; node = this.#outside.head) {
      if (this.#line.length >= this.#capacity) return;
      this.#lineUp(node as Pending);
    }
  }

  /** Whether a batch is to start with the first in line: it is full, or has waited long enough. */
  #isDue(head: Pending): boolean {
    return this.#line.length >= this.#maxCount || this.#weight >= this.#maxWeight ||
      this.#outside.length > 0 || this.#closed || head.epoch !== this.#epoch ||
      (this.#linger === 0
        ? this.#turned
        : head === this.#ripe || this.#clock.now() - head.since >= this.#linger);
  }

  /** The next batch: as many of the line as may be together. */
  #take(): BatchRun {
    const nodes: Pending[] = [];
    let weight = 0;
    for (let node = this.#line.head as Pending | null; node !== null;) {
      if (nodes.length === this.#maxCount || weight + node.weight > this.#maxWeight) break;
      nodes.push(node);
      weight += node.weight;
      node = node.next as Pending | null;
    }
    const run = new BatchRun(nodes);
    // Sums of fractions drift; an empty line weighs nothing.
    this.#weight = this.#line.length === 0 ? 0 : this.#weight - weight;
    this.#counts.first += nodes.length;
    this.#letIn();
    return run;
  }

  /** Sees to it that the first in line is looked at when it is due; if no batch can start, the end of one does. */
  #awaitHead(): void {
    const head = this.#line.head as Pending | null;
    if (head === null) this.#turned = false;
    const waits = head !== null && this.#running.size < this.#concurrency;
    if (this.#linger === 0) {
      if (waits && !this.#asked) this.#askForTurn();
      return;
    }
    if (waits && head === this.#timed) return;
    this.#timer?.stop();
    this.#timer = this.#timed = undefined;
    if (!waits) return;
    this.#timed = head;
    this.#timer = this.#clock.after(head.since + this.#linger - this.#clock.now(), () => {
      this.#timer = this.#timed = undefined;
      this.#ripe = head;
      this.#pump();
    });
  }

  #askForTurn(): void {
    this.#asked = true;
    afterTurn(() => {
      this.#asked = false;
      this.#turned = this.#line.length > 0;
      this.#pump();
    });
  }

  async #run(run: BatchRun): Promise<void> {
    this.#running.add(run);
    this.#counts.batches++;
    if (run.attempts > 0) this.#counts.retries++;
    const delay = await run.attempt(this.#handler, this.#retry, this.#ctx);
    this.#running.delete(run);
    if (delay !== undefined && !run.empty) this.#tryLater(run, delay);
    this.#pump();
    this.#look();
  }

  #tryLater(run: BatchRun, delay: number): void {
    this.#delayed.add(run);
    run.wait(this.#clock, delay, () => {
      this.#delayed.delete(run);
      this.#again.push(run);
      this.#pump();
    }, () => {
      this.#delayed.delete(run);
      this.#look();
    });
  }

  #settled({ epoch }: Pending, ok: boolean): void {
    if (ok) this.#counts.fulfilled++;
    else this.#counts.rejected++;
    if (--epoch.open > 0) return;
    while (this.#flushes.length > 0 && this.#flushes[0]!.epoch.open === 0) {
      this.#flushes.shift()!.line.settleAll(undefined);
    }
    this.#look();
  }

  get #busy(): boolean {
    return this.#running.size + this.#line.length + this.#outside.length + this.#delayed.size +
        this.#again.length > 0;
  }

  /** Tells those who wait for the end, if this is it. */
  #look(): void {
    if (!this.#closed || this.#busy) return;
    this.#ctx.cancel(new CanceledError(`${labelOf("batcher", this.name)} is shut down`));
    this.#idle.settleAll(undefined);
  }

  /** Rejects all that waits or is on its way. */
  #abort(errorOf: (item: unknown) => unknown): void {
    this.#weight = 0;
    for (const list of [this.#line, this.#outside]) {
      for (let node = list.head; node !== null; node = list.head) {
        node.leave();
        node.fail(errorOf(node.item));
      }
    }
    const cause = new CanceledError(`${labelOf("batcher", this.name)} is shut down`);
    for (const run of [...this.#delayed, ...this.#again, ...this.#running]) {
      run.abort(cause, errorOf);
    }
    this.#again.length = 0;
    this.#pump();
  }
}
