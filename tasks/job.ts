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

/** A rejection that somebody else is told of. */
export function observed<R>(promise: Promise<R>): Promise<R> {
  promise.catch(() => {});
  return promise;
}
