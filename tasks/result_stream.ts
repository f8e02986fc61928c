/**
 * The results of jobs that are started one after the other from a source, so many at a time.
 *
 * - At most `ahead` items have been read from the source whose results have not been read: a slow
 *   reader slows the source.
 * - In order of submission an error comes after the results before it; in order of completion when it
 *   happens. After it no job is started.
 * - An error of the source is told as itself, after the results of what the source gave before.
 *
 * @module
 */
import type { Context, Wait } from "../core/contract.ts";
import { type AnyIterator, iteratorOf, stop } from "../core/pump.ts";
import { until } from "../core/until.ts";
import { type Permit, Semaphore } from "../sync/semaphore.ts";
import { observed } from "./job.ts";
import { LazyStream } from "./lazy_stream.ts";

type Outcome<R> = { readonly ok: true; readonly value: R } | {
  readonly ok: false;
  readonly error: unknown;
};

interface Slot<R> {
  readonly value: R;
  /** Of the window; given back when the result is read. */
  readonly permit: Permit;
}

/** How a stream of results is doing. */
export interface ResultStreamStats {
  /** How many items were taken of the source. */
  readonly read: number;
  /** How many results have gone to a reader. */
  readonly given: number;
  /** How many items have a job that runs, or a result that nobody has read and somebody may. */
  readonly held: number;
  /** How many items have come to nothing: their jobs failed, or it was over before they were done. */
  readonly dropped: number;
  /** How many readers wait for a result. */
  readonly waiting: number;
  /** How many jobs run. */
  readonly running: number;
  /** No more jobs are started, and those that run are not waited for. */
  readonly over: boolean;
}

/** How a stream of results is to be. */
export interface ResultStreamOptions {
  readonly order: "completion" | "submission";
  readonly ahead: number;
  readonly wait: Wait | undefined;
}

export class ResultStream<T, R> extends LazyStream<Slot<R>, R> {
  readonly #iterator: AnyIterator<T>;
  readonly #run: (item: T, ctx: Context, index: number) => Promise<R>;
  readonly #ordered: boolean;
  readonly #window: Semaphore;
  #taken = 0;
  #running = 0;
  /** How many results were put into the outlet. */
  #made = 0;
  /** The source has come to its end. */
  #exhausted = false;
  #sourceError: { readonly error: unknown } | undefined;
  /** A job has failed: no more are started. */
  #halted = false;
  /** In order of submission: results that have to wait for earlier ones. */
  readonly #early = new Map<number, { readonly outcome: Outcome<R>; readonly permit: Permit }>();
  #nextIndex = 0;

  /** @throws TypeError if `source` is none. */
  constructor(
    source: Iterable<T> | AsyncIterable<T>,
    run: (item: T, ctx: Context, index: number) => Promise<R>,
    { order, ahead, wait }: ResultStreamOptions,
  ) {
    super(Infinity, wait);
    this.#iterator = iteratorOf(source);
    this.#run = run;
    this.#ordered = order === "submission";
    this.#window = new Semaphore(ahead);
  }

  /** How it is doing. */
  stats(): ResultStreamStats {
    const [read, running, unread] = [this.#taken, this.#running, this.outlet.length];
    const given = this.#made - unread;
    let held = this.left ? 0 : unread;
    if (!this.over) held += running + this.#early.size;
    const dropped = read - given - held;
    return { read, given, held, dropped, waiting: this.waiting, running, over: this.over };
  }

  protected override begin(ctx: Context): void {
    void this.#readSource(ctx);
  }

  protected override stop(): void {
    if (!this.#exhausted) void stop(this.#iterator);
  }

  protected override read({ value, permit }: Slot<R>): R {
    permit.release();
    return value;
  }

  async #readSource(ctx: Context): Promise<void> {
    let read: Promise<IteratorResult<T, unknown>> | undefined;
    try {
      for (let index = 0;; index++) {
        const permit = await this.#window.acquire(ctx);
        if (this.over || this.#halted) return;
        read = Promise.resolve(this.#iterator.next());
        const result = await until(read, ctx);
        if (result.done) break;
        this.#taken++;
        // Read too late to be started.
        if (this.over || this.#halted) return giveUp(read);
        read = undefined;
        this.#running++;
        void this.#job(result.value, ctx, index, permit);
      }
    } catch (error) {
      // Of the source, or the context has ended, which is told already.
      this.#sourceError = { error };
      if (read !== undefined) giveUp(read);
    }
    this.#exhausted = true;
    this.#look();
  }

  async #job(item: T, ctx: Context, index: number, permit: Permit): Promise<void> {
    let outcome: Outcome<R>;
    try {
      outcome = { ok: true, value: await this.#run(item, ctx, index) };
    } catch (error) {
      outcome = { ok: false, error };
      this.#halted = true;
    }
    this.#running--;
    if (this.#ordered) this.#inTurn(index, outcome, permit);
    else this.#deliver(outcome, permit);
    this.#look();
  }

  #inTurn(index: number, outcome: Outcome<R>, permit: Permit): void {
    this.#early.set(index, { outcome, permit });
    for (;;) {
      const next = this.#early.get(this.#nextIndex);
      if (next === undefined) return;
      this.#early.delete(this.#nextIndex++);
      this.#deliver(next.outcome, next.permit);
    }
  }

  #deliver(outcome: Outcome<R>, permit: Permit): void {
    if (this.over) return;
    if (!outcome.ok) return this.fail(outcome.error);
    this.#made++;
    this.outlet.trySend({ value: outcome.value, permit });
  }

  #look(): void {
    if (!this.#exhausted || this.#running > 0) return;
    if (this.#sourceError === undefined) this.complete();
    else this.sourceFailed(this.#sourceError.error);
  }
}

/** What was read is dropped. If it is a promise, nobody else will look at it. */
function giveUp(read: Promise<IteratorResult<unknown, unknown>>): void {
  read.then(({ value }) => {
    if (value instanceof Promise) void observed(value);
  }, () => {});
}
