import type { Context } from "../core/contract.ts";

/**
 * A piece of work. It is given a context that ends when its result is not wanted any more: pass it to
 * all that waits, and its `signal` to `fetch` and the like.
 *
 * @typeParam R What it gives.
 *
 * @example
 * ```ts
 * import { type Job, TaskGroup } from "@sluice/sluice/tasks";
 * import { sleep } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const job: Job<string> = async (ctx) => {
 *   await sleep(1, ctx);
 *   return "done";
 * };
 * await using group = new TaskGroup();
 * assertEquals(await group.spawn(job), "done");
 * ```
 */
export type Job<R> = (ctx: Context) => R | PromiseLike<R>;

/**
 * A piece of work for a pool. It is told the index of the worker that runs it, too: what a strategy has
 * chosen. That is -1 if it runs beside its parent (see `nested`).
 *
 * @typeParam R What it gives.
 *
 * @example
 * ```ts
 * import { type PoolJob, weighted, WorkerPool } from "@sluice/sluice/tasks";
 * import { assertEquals } from "@std/assert";
 *
 * const versions = ["v1", "v2"];
 * const serve: PoolJob<string> = (_, worker) => versions[worker]!;
 * await using pool = new WorkerPool({ workers: 2, strategy: weighted([90, 10]) });
 * const served = await Promise.all(Array.from({ length: 20 }, () => pool.submit(serve)));
 * assertEquals(served.filter((version) => version === "v2").length, 2);
 * ```
 */
export type PoolJob<R> = (ctx: Context, worker: number) => R | PromiseLike<R>;

/** A rejection that somebody else is told of. */
export function observed<R>(promise: Promise<R>): Promise<R> {
  promise.catch(() => {});
  return promise;
}
