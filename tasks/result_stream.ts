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
  #running = 0;
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
    if (outcome.ok) this.outlet.trySend({ value: outcome.value, permit });
    else this.fail(outcome.error);
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
