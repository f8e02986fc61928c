/**
 * The batches of a batcher that are in the handler's hands, and those that are to be there again.
 *
 * Invariants:
 * - Never do more run than there are places. One whose callers have all left has its place until its
 *   handler has ended; one that waits for its next attempt has none.
 * - A handler is called in a microtask of its own, and not for items whose callers have left by then.
 *
 * @module
 */
import { Ring } from "../../core/ring.ts";
import type { ScopedContext } from "../../core/scoped_context.ts";
import type { Clock } from "../../tasks/clock.ts";
import type { RetryOptions } from "../../tasks/retry.ts";
import { BatchRun } from "./batch_run.ts";
import type { BatcherStats, BatchHandler } from "./batcher_options.ts";
import type { Pending } from "./pending.ts";

/** What the places are for. */
export interface PlacesOptions {
  readonly handler: BatchHandler<never, unknown>;
  readonly concurrency: number;
  readonly retry: RetryOptions | undefined;
  readonly clock: Clock;
  /** That of the batcher, above the contexts of handlers. */
  readonly ctx: ScopedContext;
}

export class BatchPlaces {
  readonly #options: PlacesOptions;
  /** Something has ended, left, or is ready. */
  readonly #changed: () => void;
  readonly #running = new Set<BatchRun>();
  /** Those that wait for their next attempt, and those whose time for it has come. */
  readonly #delayed = new Set<BatchRun>();
  readonly #again = new Ring<BatchRun>();
  #batches = 0;
  #retries = 0;
  /** How many items all first attempts had. */
  #handed = 0;

  /** `changed` is told when a batch could start, or nothing may be left. */
  constructor(options: PlacesOptions, changed: () => void) {
    this.#options = options;
    this.#changed = changed;
  }

  /** Whether there is one for another batch. */
  get free(): boolean {
    return this.#running.size < this.#options.concurrency;
  }

  /** There are batches that run, or are to run again. Those whose time has come wait for others that run. */
  get busy(): boolean {
    return this.#running.size + this.#delayed.size > 0;
  }

  /** How many items that somebody waits for are in batches that run. */
  get items(): number {
    let count = 0;
    for (const run of this.#running) count += run.list.length;
    return count;
  }

  /** What there is to tell of batches. */
  stats(): Pick<BatcherStats, "running" | "batches" | "retries" | "meanCount"> {
    const firsts = this.#batches - this.#retries;
    return {
      running: this.#running.size,
      batches: this.#batches,
      retries: this.#retries,
      meanCount: firsts === 0 ? 0 : this.#handed / firsts,
    };
  }

  /** The next batch whose time for another attempt has come. */
  again(): BatchRun | undefined {
    while (this.#again.length > 0) {
      const run = this.#again.shift();
      if (!run.empty) return run;
    }
    return undefined;
  }

  /** A batch of these. */
  batch(nodes: readonly Pending[]): BatchRun {
    return new BatchRun(nodes, (run) => {
      if (run.empty) this.#delayed.delete(run);
      this.#changed();
    });
  }

  /** Gives a free place to a batch, until its handler has ended. */
  async run(run: BatchRun): Promise<void> {
    const { handler, retry, ctx } = this.#options;
    this.#running.add(run);
    // By the time that the handler is called callers may have left, or the parent's time be up.
    await null;
    if (!ctx.done && !run.empty) {
      this.#batches++;
      if (run.attempts > 0) this.#retries++;
      else this.#handed += run.list.length;
      const outcome = await run.attempt(handler, ctx);
      const delay = run.settle(outcome, retry);
      if (delay !== undefined && !run.empty) this.#delay(run, delay);
    }
    // Before anybody hears of his result.
    this.#running.delete(run);
    this.#changed();
  }

  /** Rejects all items, oldest first. The result ends the contexts of handlers, with a cause. */
  failAll(errorOf: (item: unknown) => unknown): (cause: unknown) => void {
    const running = [...this.#running];
    for (const run of running) run.fail(errorOf);
    for (const run of this.#delayed) run.fail(errorOf);
    this.#delayed.clear();
    while (this.#again.length > 0) this.#again.shift().fail(errorOf);
    return (cause) => {
      for (const run of running) run.stop(cause);
    };
  }

  #delay(run: BatchRun, ms: number): void {
    this.#delayed.add(run);
    run.wait(this.#options.clock, ms, () => {
      this.#delayed.delete(run);
      this.#again.push(run);
      this.#changed();
    });
  }
}
