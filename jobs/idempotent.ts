/**
 * Makes it harmless that a job is handed out twice.
 *
 * - Of the calls for one id in one process, over one store, one runs at a time. Whoever comes second waits;
 *   if the first has done the job there is nothing left to do for him, otherwise he does it.
 * - An id is added to the store when the handler has returned, and neither given the job back or rejected
 *   it, nor lost its context meanwhile.
 *
 * @module
 */
import { withoutCancel } from "../context.ts";
import { checkFunction, checkOptions, show } from "../core/check.ts";
import type { Context } from "../core/contract.ts";
import type { JobHandler } from "./consume.ts";
import type { DoneStore } from "./done_store.ts";
import { HeldLease } from "./held_lease.ts";
import type { JobLease } from "./job_queue.ts";
import { KeyLocks } from "./key_locks.ts";

/**
 * What {@linkcode idempotent} needs.
 *
 * @example
 * ```ts
 * import { idempotent, type IdempotentOptions, memoryDoneStore } from "@sluice/sluice/jobs";
 *
 * const options: IdempotentOptions = { store: memoryDoneStore({ maxAge: 3_600_000 }) };
 * const send = idempotent<string>((job) => console.log(job.value), options);
 * console.log(typeof send);
 * ```
 */
export interface IdempotentOptions {
  /** Where it is remembered what has been done; one for each queue and group. */
  readonly store: DoneStore;
}

/** The locks of each store, which all who use it share. */
const locksOf = new WeakMap<DoneStore, KeyLocks>();

/**
 * A handler that does the job of each id once, as far as its store remembers: when a job comes again that
 * was done, it returns at once. Two deliveries at the same time in one process wait for each other.
 *
 * What it does not do: if the process dies after the handler's effect, and before the store has the id,
 * the effect is repeated; and two processes that are handed the same job at once, since a lease ran out,
 * may both do it. Where that matters, let the effect and the id be stored in one transaction, in which the
 * id is a unique key: then the second fails, and knows that it is the second.
 *
 * ```ts ignore
 * await consume(orders, (job) =>
 *   db.transaction((tx) => {
 *     const { changes } = tx.run("insert or ignore into done (id) values (?)", job.id);
 *     if (changes === 0) return; // somebody has done it
 *     tx.run("update accounts set balance = balance - ? where name = ?", job.value.sum, job.value.name);
 *   }));
 * ```
 *
 * If the store fails before the handler is called, so does the attempt. If it fails to add an id, the job
 * is done all the same, and the error is thrown, so that `consume` tells of it.
 *
 * @typeParam T The type of the values.
 * @throws TypeError if an argument is not what it may be.
 *
 * @example
 * ```ts
 * import { consume, idempotent, memoryDoneStore, memoryJobs } from "@sluice/sluice/jobs";
 * import { assertEquals } from "@std/assert";
 *
 * const sent: string[] = [];
 * const send = idempotent<string>((job) => void sent.push(job.value), { store: memoryDoneStore() });
 *
 * await using mails = await memoryJobs<string>({ dedupeWindow: 1 });
 * await mails.put("thanks for your order", { dedupeId: "order-17" });
 * const working = consume(mails, send);
 * await mails.join();
 * await new Promise((resolve) => setTimeout(resolve, 5)); // the queue has forgotten it, the store has not
 * await mails.put("thanks for your order", { dedupeId: "order-17" });
 * await mails.join();
 * await mails.close();
 * assertEquals([sent, (await working).done], [["thanks for your order"], 2]);
 * ```
 */
export function idempotent<T>(handler: JobHandler<T>, options: IdempotentOptions): JobHandler<T> {
  checkFunction("handler", handler);
  checkOptions("options", options);
  const { store } = options;
  checkStore(store);
  let locks = locksOf.get(store);
  if (locks === undefined) locksOf.set(store, locks = new KeyLocks());
  const own = locks;
  return (job, ctx) => own.run(job.id, () => once(handler, store, job, ctx), ctx);
}

async function once<T>(
  handler: JobHandler<T>,
  store: DoneStore,
  job: JobLease<T>,
  ctx: Context,
): Promise<void> {
  if (await store.has(job.id, ctx)) return;
  ctx.throwIfDone();
  await handler(job, ctx);
  // One that returns since its context has ended has done nothing, as far as anybody knows.
  if (ctx.done || !isDone(job)) return;
  try {
    // The effect is there: nothing is to keep it from being remembered.
    await store.add(job.id, withoutCancel(ctx));
  } catch (error) {
    await job.done();
    throw error;
  }
}

/** Neither given back nor rejected by its handler. */
function isDone(job: JobLease<unknown>): boolean {
  if (!job.settled) return true;
  return job instanceof HeldLease && job.kind === "done";
}

function checkStore(store: unknown): void {
  const { has, add } = Object(store) as Partial<DoneStore>;
  if (typeof has !== "function" || typeof add !== "function") {
    throw new TypeError(`store must have the functions has and add, not ${show(store)}`);
  }
}
