/**
 * A bulkhead: so many jobs of a kind at a time, and so many that wait. One kind that is stuck does not
 * take what the others need.
 *
 * - Never more than `limit` jobs run, and never more than `capacity` calls wait: what is more is refused
 *   at once.
 * - First come, first served. A place that becomes free is handed to the first in line in the same step.
 * - A caller who leaves is told at once; his job's place is free when that has really ended.
 *
 * @module
 */
import { checkCount, checkOptionalString, checkOptions } from "../../core/check.ts";
import type { Cancel } from "../../core/contract.ts";
import { ClosedError } from "../../core/errors.ts";
import { NOTHING } from "../../core/nothing.ts";
import type { ScopedContext } from "../../core/scoped_context.ts";
import { tryOrPark } from "../../core/try_or_park.ts";
import { WaitList } from "../../core/wait_list.ts";
import type { Job } from "../../tasks/job.ts";
import { contextBelow } from "../../tasks/pool_options.ts";
import { labelOf, OverloadError } from "../errors.ts";
import { Place } from "./place.ts";
import { type Policy, runGuarded, runIn, type RunOptions } from "./policy.ts";

/**
 * How big a {@linkcode Bulkhead} is.
 *
 * @example
 * ```ts
 * import { Bulkhead, type BulkheadOptions } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const options: BulkheadOptions = { limit: 8, capacity: 32, name: "reports" };
 * using reports = new Bulkhead(options);
 * assertEquals(await reports.run(() => "the year in numbers"), "the year in numbers");
 * ```
 */
export interface BulkheadOptions {
  /** How many jobs may run at a time; at least 1. */
  readonly limit: number;
  /** How many calls may wait for a place; 0 if left out. */
  readonly capacity?: number | undefined;
  /** Named in errors. */
  readonly name?: string | undefined;
  /** Its end rejects who waits, and ends the contexts of the jobs that run. */
  readonly parent?: Cancel | undefined;
}

/**
 * How a {@linkcode Bulkhead} is doing.
 *
 * @example
 * ```ts
 * import { Bulkhead, type BulkheadStats } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * using reports = new Bulkhead({ limit: 8 });
 * await reports.run(() => "done");
 * const { running, waiting, started }: BulkheadStats = reports.stats();
 * assertEquals([running, waiting, started], [0, 0, 1]);
 * ```
 */
export interface BulkheadStats {
  /** How many places are taken. */
  readonly running: number;
  /** How many calls wait for one. */
  readonly waiting: number;
  /** How many jobs may run. */
  readonly limit: number;
  /** How many calls may wait. */
  readonly capacity: number;
  /** How many jobs it has started, ever. */
  readonly started: number;
  /** How many calls it has refused since it was full. */
  readonly refused: number;
}

/**
 * Lets a limited number of jobs run, and a limited number wait; after the bulkheads of Michael
 * Nygard's "Release It!", Polly and resilience4j. Disposing it ends everything.
 *
 * @example
 * ```ts
 * import { Bulkhead, OverloadError } from "@sluice/sluice/flow";
 * import { sleep } from "@sluice/sluice";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * using reports = new Bulkhead({ limit: 2, capacity: 1, name: "reports" });
 * const report = (name: string) =>
 *   reports.run(async (ctx) => {
 *     await sleep(1, ctx);
 *     return name;
 *   });
 * const accepted = Promise.all([report("a"), report("b"), report("c")]);
 * await assertRejects(() => report("d"), OverloadError, "2 of 2 run, 1 of 1 wait");
 * assertEquals(await accepted, ["a", "b", "c"]);
 * ```
 */
export class Bulkhead implements Policy, Disposable {
  #limit: number;
  #capacity: number;
  #running = 0;
  #started = 0;
  #refused = 0;
  readonly #line = new WaitList();
  readonly #ctx: ScopedContext;
  readonly #label: string;
  readonly #free = (): void => {
    const { head } = this.#line;
    // It may have been made smaller meanwhile.
    if (head === null || this.#running > this.#limit) {
      this.#running--;
    } else {
      head.leave();
      head.settle(undefined);
    }
  };

  /**
   * Nobody runs in it yet.
   *
   * @throws TypeError or RangeError if an option is not what it may be.
   */
  constructor(options: BulkheadOptions) {
    checkOptions("options", options);
    const { limit, capacity = 0, name, parent } = options;
    checkCount("limit", limit, 1);
    checkCount("capacity", capacity, 0);
    checkOptionalString("name", name);
    this.#limit = limit;
    this.#capacity = capacity;
    this.#label = labelOf("bulkhead", name);
    this.#ctx = contextBelow(parent);
  }

  /** How many jobs may run at a time. */
  get limit(): number {
    return this.#limit;
  }

  /** How many calls may wait for a place. */
  get capacity(): number {
    return this.#capacity;
  }

  /** How many places are taken. */
  get running(): number {
    return this.#running;
  }

  /** How many calls wait for a place. */
  get waiting(): number {
    return this.#line.length;
  }

  /** How it is doing. */
  stats(): BulkheadStats {
    return {
      running: this.#running,
      waiting: this.#line.length,
      limit: this.limit,
      capacity: this.capacity,
      started: this.#started,
      refused: this.#refused,
    };
  }

  /**
   * Runs the job once there is a place for it, at once if there is one now, and rejects with an
   * OverloadError if too many wait already. What the caller gives may end the wait and the run.
   */
  run<R>(job: Job<R>, options?: Cancel | RunOptions<R>): Promise<R> {
    return runGuarded(job, options, (ctx) => this.#attempt(job, ctx), this.#ctx);
  }

  /**
   * Other numbers from now on; the capacity stays if it is left out. With more places those who wait
   * are served at once. With fewer nobody is turned out: who runs runs on, who waits waits, and the
   * next one starts when fewer than `limit` run.
   *
   * @throws TypeError or RangeError if a number is not what it may be; then nothing has changed.
   */
  resize(limit: number, capacity: number = this.#capacity): void {
    checkCount("limit", limit, 1);
    checkCount("capacity", capacity, 0);
    this.#limit = limit;
    this.#capacity = capacity;
    for (let { head } = this.#line; head !== null && this.#enter(); { head } = this.#line) {
      head.leave();
      head.settle(undefined);
    }
  }

  /** Rejects who waits, ends the contexts of the jobs that run, and refuses all calls from now on. */
  [Symbol.dispose](): void {
    if (!this.#ctx.done) this.#ctx.cancel(new ClosedError(`${this.#label} was disposed`));
  }

  async #attempt<R>(job: Job<R>, ctx: ScopedContext): Promise<R> {
    // If there is a place now, the job is called before `run` returns.
    if (!this.#enter()) {
      await tryOrPark<void>(this.#line, ctx, () => this.#refuseIfFull(job));
      if (ctx.done) {
        this.#free();
        throw ctx.cause;
      }
    }
    this.#started++;
    const place = new Place(ctx, this.#free);
    try {
      return await runIn(job, place.ctx);
    } finally {
      place.leave();
    }
  }

  /** Takes a place, if there is one. While somebody waits there is none. */
  #enter(): boolean {
    if (this.#running >= this.limit) return false;
    this.#running++;
    return true;
  }

  #refuseIfFull(job: unknown): typeof NOTHING {
    const { limit, capacity } = this;
    const { length } = this.#line;
    if (length < capacity) return NOTHING;
    this.#refused++;
    throw new OverloadError(
      `${this.#label} is full: ${this.#running} of ${limit} run, ${length} of ${capacity} wait`,
      { fill: this.#running + length, limit: limit + capacity, value: job },
    );
  }
}
