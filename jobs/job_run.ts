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
  #over = false;
  /** Resolves when the handler has ended. */
  #ended: Promise<void> | undefined;

  constructor(jobs: readonly JobLease<T>[], shared: RunShared<T>) {
    this.#jobs = jobs;
    this.#shared = shared;
  }

  /** Never rejects. */
  async run(): Promise<void> {
    const { limit, desk, keeper, ctx } = this.#shared;
    keeper?.add(this.#jobs);
    try {
      await limit.run((ctx) => this.#handle(ctx), { ctx });
      keeper?.remove(this.#jobs);
      await desk.done(this.#jobs);
    } catch (error) {
      keeper?.remove(this.#jobs);
      // Only what has come early leaves the handler running.
      const early = !this.#over;
      const end = early && ctx.done;
      if (early && this.#ended !== undefined) await turn();
      if (end) await desk.giveBack(this.#jobs, error);
      else await desk.failed(this.#jobs, error);
      await this.#ended;
    }
  }

  #handle(ctx: Context): Promise<unknown> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#ended = promise;
    return this.#call(ctx).finally(() => {
      this.#over = true;
      resolve();
    });
  }

  // deno-lint-ignore require-await
  async #call(ctx: Context): Promise<unknown> {
    return this.#shared.handler(this.#jobs, ctx);
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => afterTurn(resolve));
}
