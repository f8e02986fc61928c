/**
 * The loop that works on the jobs of a queue.
 *
 * @module
 */
import type { Context } from "../core/contract.ts";
import { enter } from "../core/wait.ts";
import {
  type AnyConsumeOptions,
  type BatchConsumeOptions,
  type ConsumeOptions,
  consumeSettings,
  type ConsumeStats,
} from "./consume_options.ts";
import { Consumer } from "./consumer.ts";
import type { JobLease, JobQueue } from "./job_queue.ts";

/**
 * What {@linkcode consume} calls for each job. Its context ends when its time is up, or the consumer is
 * ended: pass it to all that waits.
 *
 * @typeParam T The type of the values.
 *
 * @example
 * ```ts
 * import { consume, type JobHandler, memoryJobs } from "@sluice/sluice/jobs";
 * import { sleep } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const sent: string[] = [];
 * const send: JobHandler<string> = async (job, ctx) => {
 *   await sleep(1, ctx);
 *   sent.push(job.value);
 * };
 * await using mails = await memoryJobs<string>();
 * await mails.put("hello");
 * const working = consume(mails, send);
 * await mails.join();
 * await mails.close();
 * await working;
 * assertEquals(sent, ["hello"]);
 * ```
 */
export type JobHandler<T> = (job: JobLease<T>, ctx: Context) => unknown;

/**
 * What {@linkcode consume} calls with many jobs at once, if it is told `batch`.
 *
 * @typeParam T The type of the values.
 *
 * @example
 * ```ts
 * import { type BatchJobHandler, consume, memoryJobs } from "@sluice/sluice/jobs";
 * import { assertEquals } from "@std/assert";
 *
 * const rows: number[] = [];
 * const insert: BatchJobHandler<number> = (jobs) => {
 *   rows.push(...jobs.map((job) => job.value)); // one statement for all
 * };
 * await using queue = await memoryJobs<number>();
 * for (let n = 0; n < 3; n++) await queue.put(n);
 * const working = consume(queue, insert, { batch: 64 });
 * await queue.join();
 * await queue.close();
 * await working;
 * assertEquals(rows, [0, 1, 2]);
 * ```
 */
export type BatchJobHandler<T> = (jobs: readonly JobLease<T>[], ctx: Context) => unknown;

/**
 * Works on the jobs of a queue until it is told to stop: takes jobs for handlers that are free, never
 * more, and settles them.
 *
 * - A handler that returns has done its job. One that throws has failed: the job is given back, to be
 *   tried again after a delay that grows (`retry`); after the queue's `maxAttempts` it goes to the dead
 *   letters, with the error as the reason. A handler may also settle its job itself: `job.reject(reason)`
 *   is for what nobody should try again. Of a batch, what the handler has not settled shares its fate.
 * - While a handler runs its leases are extended. So a job may take as long as it likes while its process
 *   lives, and comes again when that dies; `timeout` bounds it.
 * - When a handler's context ends before the handler has, its job is not done, whatever the handler does
 *   then: unless it settles it within a turn of the event loop, it has failed (`timeout`), or is given
 *   back (the end of the consumer).
 * - A SIGTERM, or the end of `drain`, is a drain: it takes no more jobs, and resolves when the handlers
 *   have ended. The end of `ctx` or `signal` ends the handlers, too, and it rejects with the cause when
 *   they have ended. When the queue is closed, the handlers' contexts end, and it resolves.
 * - What an engine fails to do for a while is tried again, after growing pauses. If it fails for good,
 *   the handlers finish, and it rejects with the error. If it cannot store that a job is done, the job
 *   comes again.
 *
 * When it settles all handlers have ended, each job is settled or given back, and nothing is left.
 *
 * @typeParam T The type of the values.
 * @throws TypeError or RangeError if an argument is not what it may be: the promise rejects with it.
 *
 * @example
 * ```ts
 * import { consume, memoryJobs } from "@sluice/sluice/jobs";
 * import { background, sleep, withCancel } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * await using mails = await memoryJobs<{ to: string }>();
 * for (const to of ["ada", "bob", "eve"]) await mails.put({ to });
 *
 * using drain = withCancel(background());
 * const sent: string[] = [];
 * const working = consume(mails, async (job, ctx) => {
 *   await sleep(1, ctx);
 *   sent.push(job.value.to);
 * }, { concurrency: 2, timeout: 10_000, drain });
 *
 * await mails.join(); // all is done: it may stop
 * drain.cancel();
 * const { done, retried } = await working;
 * assertEquals([sent.sort(), done, retried], [["ada", "bob", "eve"], 3, 0]);
 * ```
 */
export function consume<T>(
  queue: JobQueue<T>,
  handler: BatchJobHandler<T>,
  options: BatchConsumeOptions<T>,
): Promise<ConsumeStats>;
/** One job after the other. */
export function consume<T>(
  queue: JobQueue<T>,
  handler: JobHandler<T>,
  options?: ConsumeOptions<T>,
): Promise<ConsumeStats>;
export async function consume<T>(
  queue: JobQueue<T>,
  handler: JobHandler<T> | BatchJobHandler<T>,
  options: AnyConsumeOptions<T> = {},
): Promise<ConsumeStats> {
  const settings = consumeSettings(queue, handler, options);
  const { ctx, signal, batch, signals } = options;
  enter({ ctx, signal });
  const many = batch === undefined
    ? ([job]: readonly JobLease<T>[], ctx: Context) => (handler as JobHandler<T>)(job!, ctx)
    : handler as BatchJobHandler<T>;
  return await new Consumer(queue, many, settings, options).run(signals);
}
