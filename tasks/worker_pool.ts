/**
 * So many workers, and tasks that wait for them.
 *
 * - `submit` gives a promise that always settles: with what the task gives, by the caller's context, or
 *   by the end of the pool.
 * - A task that is cancelled while it waits leaves the queue at once, and never runs. One that is
 *   cancelled while it runs has its context ended; its worker is busy until its job has ended, so that
 *   never more jobs run than there are workers.
 * - Among tasks that wait in one queue the highest priority starts first, and equal ones first come,
 *   first served; with work stealing the owner of a queue takes the newest.
 *
 * @module
 */
import {
  checkCount,
  checkFunction,
  checkOptionalString,
  checkOptions,
  show,
} from "../core/check.ts";
import type { Cancel, Context, ReceiverIterator, Wait } from "../core/contract.ts";
import { refused } from "../core/turn.ts";
import { realClock } from "./clock.ts";
import { Crew, type Nested } from "./crew.ts";
import type { PoolJob } from "./job.ts";
import {
  checkSubmit,
  contextBelow,
  poolTask,
  type ShutdownOptions,
  shutdownOptions,
  type SubmitOptions,
  taskOf,
} from "./pool_options.ts";
import { ResultStream } from "./result_stream.ts";
import { checkOneOf, isCancel, settledResult } from "./results.ts";
import { type PoolStats, statsOf } from "./stats.ts";
import { sharedQueue, type Strategy } from "./strategies.ts";

/**
 * How a {@linkcode WorkerPool} is to be.
 *
 * @example
 * ```ts
 * import { WorkerPool, type WorkerPoolOptions, workStealing } from "@sluice/sluice/tasks";
 *
 * const options: WorkerPoolOptions = { workers: 4, strategy: workStealing(), capacity: 1_000 };
 * await using pool = new WorkerPool(options);
 * ```
 */
export interface WorkerPoolOptions {
  /** How many tasks run at once; 8 if left out. */
  readonly workers?: number | undefined;
  /** How tasks are spread over the workers; `sharedQueue()` if left out. */
  readonly strategy?: Strategy | undefined;
  /** How many tasks may wait before `submit` waits itself, and `trySubmit` refuses; Infinity if left out. */
  readonly capacity?: number | undefined;
  /** Named in errors. */
  readonly name?: string | undefined;
  /** Its end drops all tasks. Its values are those of the tasks' contexts. */
  readonly parent?: Cancel | undefined;
  /**
   * What becomes of a task that a task submits to its own pool, if all that run have submitted some: if
   * they wait for those, none will ever end. "reject", if left out: with {@linkcode DeadlockError};
   * "inline": it runs at once, beside its parent; "queue": it waits, for tasks that do not wait for what
   * they submit. Without AsyncLocalStorage (in browsers) it always waits.
   */
  readonly nested?: "reject" | "inline" | "queue" | undefined;
}

/**
 * How `map` is to run its tasks.
 *
 * @example
 * ```ts
 * import { type MapOptions, WorkerPool } from "@sluice/sluice/tasks";
 *
 * const options: MapOptions = { ahead: 100, errors: "values" };
 * await using pool = new WorkerPool();
 * for await (const n of pool.map([1, 2], (n) => n * 2, options)) console.log(n);
 * ```
 */
export interface MapOptions extends SubmitOptions {
  /** How many items may have been read whose results have not; twice the workers if left out. */
  readonly ahead?: number | undefined;
  /**
   * "throw", if left out: the first error ends it all. "values": each result is a
   * PromiseSettledResult, and nothing is thrown.
   */
  readonly errors?: "throw" | "values" | undefined;
}

/**
 * What `map` runs for each item; `index` counts the items from 0.
 *
 * @example
 * ```ts
 * import { type Mapper, WorkerPool } from "@sluice/sluice/tasks";
 *
 * const double: Mapper<number, number> = (n) => 2 * n;
 * await using pool = new WorkerPool();
 * for await (const n of pool.map([1, 2], double)) console.log(n);
 * ```
 */
export type Mapper<T, R> = (item: T, ctx: Context, index: number) => R | PromiseLike<R>;

/**
 * So many workers, and tasks that wait for them: like `ThreadPoolExecutor`, for tasks that share one
 * thread and wait for something else.
 *
 * Leaving the scope of `await using` is `shutdown()`: what was submitted is finished.
 *
 * @example
 * ```ts
 * import { WorkerPool } from "@sluice/sluice/tasks";
 * import { sleep } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new WorkerPool({ workers: 2 });
 * const sizes = ["a", "bb", "ccc"].map((word) =>
 *   pool.submit(async (ctx) => {
 *     await sleep(1, ctx);
 *     return word.length;
 *   })
 * );
 * assertEquals(await Promise.all(sizes), [1, 2, 3]);
 * ```
 */
export class WorkerPool implements AsyncDisposable {
  /** Named in errors. */
  readonly name: string | undefined;
  readonly #crew: Crew;

  /**
   * A pool without tasks.
   *
   * @throws TypeError or RangeError if an option is not what it may be.
   */
  constructor(options: WorkerPoolOptions = {}) {
    checkOptions("options", options);
    const { workers = 8, strategy = sharedQueue(), capacity = Infinity, name, parent, nested } =
      options;
    checkOptionalString("name", name);
    checkStrategy(strategy);
    checkCount("capacity", capacity, 0);
    const way: Nested = nested ?? "reject";
    checkOneOf("nested", way, ["reject", "inline", "queue"]);
    checkWorkers(workers, strategy);
    this.name = name;
    this.#crew = new Crew({
      label: name === undefined ? "the pool" : `the pool ${show(name)}`,
      ctx: contextBelow(parent),
      workers,
      strategy,
      capacity,
      nested: way,
      ageing: Infinity,
      clock: realClock,
    });
  }

  /** How many workers there are. */
  get size(): number {
    return this.#crew.workers.length;
  }

  /** How many tasks run. */
  get running(): number {
    return this.#crew.running;
  }

  /** How many tasks have been submitted and do not run: in the queues, for room, or between attempts. */
  get waiting(): number {
    return this.#crew.pending + this.#crew.outside;
  }

  /** A task that is submitted now would have to wait for room. */
  get full(): boolean {
    return this.#crew.full;
  }

  /** Whether it starts no tasks at the moment. */
  get paused(): boolean {
    return this.#crew.paused;
  }

  /** `shutdown` has been called; there may still be tasks that run. */
  get closed(): boolean {
    return this.#crew.closed;
  }

  /**
   * Runs a task when a worker is free, and gives what it gives. If the pool is full, it waits for room
   * first, in the order of the calls.
   *
   * Rejects with what the task throws; with the cause of what ended it early; with ClosedError if the
   * pool is shut down; with {@linkcode DeadlockError} if it could never run (see `nested`).
   */
  submit<R>(job: PoolJob<R>, options?: Cancel | SubmitOptions): Promise<R> {
    try {
      const task = taskOf(job, options, this.#crew, poolTask);
      const result = task.promise<R>();
      try {
        this.#crew.add(task);
      } catch (error) {
        task.fail(error);
      }
      return result;
    } catch (error) {
      return refused(error);
    }
  }

  /** As `submit`, if there is room for it now; undefined: the pool is full. */
  trySubmit<R>(job: PoolJob<R>, options?: Cancel | SubmitOptions): Promise<R> | undefined {
    return this.full && !this.closed ? undefined : this.submit(job, options);
  }

  /**
   * Waits until the pool is not full: a producer who calls this before each `submit` goes no faster than
   * the workers. Rejects with ClosedError if the pool is shut down.
   */
  room(wait?: Wait): Promise<void> {
    return this.#crew.room(wait);
  }

  /**
   * Runs `fn` for each item, and gives the results in the order of the items. Items are read as results
   * are: at most `ahead` are on their way.
   *
   * The first error is thrown, after the results before it; then no more items are read, and the
   * contexts of those on their way end, as they do when the loop is left. An error of the source is
   * thrown as it is.
   *
   * @example
   * ```ts
   * import { WorkerPool } from "@sluice/sluice/tasks";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new WorkerPool({ workers: 2 });
   * const squares: number[] = [];
   * for await (const square of pool.map([1, 2, 3], (n) => n * n)) squares.push(square);
   * assertEquals(squares, [1, 4, 9]);
   * ```
   */
  map<T, R>(
    source: Iterable<T> | AsyncIterable<T>,
    fn: Mapper<T, R>,
    options: MapOptions & { readonly errors: "values" },
  ): ReceiverIterator<PromiseSettledResult<R>>;
  /** Throws the first error. */
  map<T, R>(
    source: Iterable<T> | AsyncIterable<T>,
    fn: Mapper<T, R>,
    options?: Cancel | MapOptions,
  ): ReceiverIterator<R>;
  map<T, R>(
    source: Iterable<T> | AsyncIterable<T>,
    fn: Mapper<T, R>,
    options?: Cancel | MapOptions,
  ): ReceiverIterator<R | PromiseSettledResult<R>> {
    return this.#map(source, fn, "submission", options);
  }

  /** As `map`, but gives each result as soon as it is there, and an error when it happens. */
  mapUnordered<T, R>(
    source: Iterable<T> | AsyncIterable<T>,
    fn: Mapper<T, R>,
    options: MapOptions & { readonly errors: "values" },
  ): ReceiverIterator<PromiseSettledResult<R>>;
  /** Throws the first error. */
  mapUnordered<T, R>(
    source: Iterable<T> | AsyncIterable<T>,
    fn: Mapper<T, R>,
    options?: Cancel | MapOptions,
  ): ReceiverIterator<R>;
  mapUnordered<T, R>(
    source: Iterable<T> | AsyncIterable<T>,
    fn: Mapper<T, R>,
    options?: Cancel | MapOptions,
  ): ReceiverIterator<R | PromiseSettledResult<R>> {
    return this.#map(source, fn, "completion", options);
  }

  /** Starts no more tasks; those that run go on. */
  pause(): void {
    this.#crew.pause();
  }

  /** Starts tasks again. */
  resume(): void {
    this.#crew.resume();
  }

  /**
   * Changes how many workers there are. If fewer than tasks run, the next starts when that many have
   * ended; what waits for a worker that is taken off goes to the others.
   *
   * @throws TypeError or RangeError if `workers` is no count of at least 1, or not that of the strategy.
   */
  resize(workers: number): void {
    checkWorkers(workers, this.#crew.options.strategy);
    this.#crew.resize(workers);
  }

  /** Waits until no task waits or runs; at once if none was ever submitted. */
  drain(wait?: Wait): Promise<void> {
    return this.#crew.drain(wait);
  }

  /**
   * Accepts no more tasks, and waits until all have ended. With `immediate` those that wait or run are
   * rejected, and their contexts end; it waits until their jobs have ended, too. A paused pool goes on.
   */
  shutdown(options?: Cancel | ShutdownOptions): Promise<void> {
    try {
      const { immediate, wait } = shutdownOptions(options);
      return immediate ? this.#crew.drop(wait) : this.#crew.finish(wait);
    } catch (error) {
      return refused(error);
    }
  }

  /** How it is doing: what waits and runs, and what each worker has done. */
  stats(): PoolStats {
    return statsOf(this.#crew);
  }

  /** `shutdown()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  #map<T, R>(
    source: Iterable<T> | AsyncIterable<T>,
    fn: Mapper<T, R>,
    order: "completion" | "submission",
    options: Cancel | MapOptions | undefined,
  ): ReceiverIterator<R | PromiseSettledResult<R>> {
    checkFunction("fn", fn);
    if (options !== undefined && !isCancel(options)) checkOptions("options", options);
    const given: MapOptions = options === undefined ? {} : checkSubmit(options);
    const { ahead = 2 * this.size, errors = "throw", priority, runTimeout, retry } = given;
    checkCount("ahead", ahead, 1);
    checkOneOf("errors", errors, ["throw", "values"]);
    return new ResultStream<T, R | PromiseSettledResult<R>>(
      source,
      (item, ctx, index) => {
        const submit = (): Promise<R> =>
          this.submit((ctx) => fn(item, ctx, index), { ctx, priority, runTimeout, retry });
        return errors === "values" ? settledResult(submit) : submit();
      },
      { order, ahead, wait: options },
    );
  }
}

function checkWorkers(workers: number, { workers: fixed, name }: Strategy): void {
  checkCount("workers", workers, 1);
  if (workers === Infinity) throw new RangeError("workers must be finite: Infinity");
  if (fixed !== undefined && workers !== fixed) {
    throw new RangeError(`strategy ${show(name)} is for ${fixed} workers: ${workers}`);
  }
}

function checkStrategy(strategy: unknown): void {
  checkOptions("strategy", strategy);
  const { place } = strategy as Partial<Strategy>;
  if (typeof place !== "function") {
    throw new TypeError(`strategy must be one of ours, or have a function "place": ${show(place)}`);
  }
}
