/**
 * One call of a handler, from the leases that it is given to what becomes of them.
 *
 * - Its context ends when its time is up, or with the consumer. Then its jobs are given back a turn of the
 *   event loop later, so that a handler that heeds its context may still settle them as it likes.
 * - It has ended when the handler has. So one that does not heed its context keeps its place, but not its
 *   jobs.
 *
 * @module
 */
import type { Context } from "../core/contract.ts";
import type { ScopedContext } from "../core/scoped_context.ts";
import { afterTurn } from "../core/turn.ts";
import type { TimeLimit } from "../flow/policies/time_limit.ts";
import type { JobDesk } from "./job_desk.ts";
import type { JobLease } from "./job_queue.ts";
import type { LeaseKeeper } from "./lease_keeper.ts";

/** What the calls of one consumer share. */
export interface RunShared<T> {
  readonly handler: (jobs: readonly JobLease<T>[], ctx: Context) => unknown;
  readonly limit: TimeLimit;
  readonly desk: JobDesk<T>;
  /** undefined: leases are not extended. */
  readonly keeper: LeaseKeeper<T> | undefined;
  /** Ends when everything is to end at once. */
  readonly ctx: ScopedContext;
}

export class JobRun<T> {
  readonly #jobs: readonly JobLease<T>[];
  readonly #shared: RunShared<T>;
  #ctx: Context | undefined;
  /** Resolves when the handler has ended. */
  #ended: Promise<void> | undefined;
  /** How it has ended; undefined: it has not, or not before its context. */
  #outcome: { readonly ok: true } | { readonly ok: false; readonly error: unknown } | undefined;

  constructor(jobs: readonly JobLease<T>[], shared: RunShared<T>) {
    this.#jobs = jobs;
    this.#shared = shared;
  }

  /** Never rejects. */
  async run(): Promise<void> {
    const { limit, desk, keeper, ctx } = this.#shared;
    keeper?.add(this.#jobs);
    try {
      await limit.run((ctx) => this.#ended = this.#handle(this.#ctx = ctx), { ctx });
    } catch {
      // Its context has ended, which is what is asked below.
    }
    keeper?.remove(this.#jobs);
    if (this.#outcome?.ok === true) await desk.done(this.#jobs);
    else if (this.#outcome !== undefined) await desk.failed(this.#jobs, this.#outcome.error);
    else await this.#cutShort(this.#ctx ?? ctx);
  }

  async #handle(ctx: Context): Promise<void> {
    try {
      await this.#shared.handler(this.#jobs, ctx);
      if (!ctx.done) this.#outcome = { ok: true };
    } catch (error) {
      if (!ctx.done) this.#outcome = { ok: false, error };
    }
  }

  async #cutShort({ cause }: Context): Promise<void> {
    const { desk, ctx } = this.#shared;
    // Its time may have been up first, and the end have come since.
    const isEnd = ctx.cause === cause;
    if (this.#ended !== undefined) await turn();
    if (isEnd) await desk.giveBack(this.#jobs, cause);
    else await desk.failed(this.#jobs, cause);
    await this.#ended;
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => afterTurn(resolve));
}
