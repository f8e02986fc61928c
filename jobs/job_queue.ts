/**
 * What a job queue is, on whatever engine: work that must not be lost, handed out at least once.
 *
 * @module
 */
import type { Cancel, Wait, WaitOptions } from "../core/contract.ts";
import type { DeadLetters } from "./dead_letters.ts";

/**
 * How one job is put.
 *
 * @example
 * ```ts
 * import { memoryJobs, type PutOptions } from "@sluice/sluice/jobs";
 * import { assertEquals } from "@std/assert";
 *
 * await using mails = await memoryJobs<string>({ levels: 2 });
 * const options: PutOptions = { dedupeId: "order-17", priority: 1, timeout: 1_000 };
 * const first = await mails.put("thanks for your order", options);
 * const again = await mails.put("thanks for your order", options);
 * assertEquals([first.duplicate, again.duplicate], [false, true]);
 * ```
 */
export interface PutOptions extends WaitOptions {
  /**
   * The identity of the job. A second put with it, within the queue's `dedupeWindow`, is the same job, and
   * adds nothing. It is the `id` of the job, too.
   */
  readonly dedupeId?: string | undefined;
  /** An integer from 0, which goes first and is what is left out, to the queue's `levels` - 1. */
  readonly priority?: number | undefined;
  /** Milliseconds that the job waits before it is handed out for the first time; 0 if left out. */
  readonly delay?: number | undefined;
}

/**
 * What `put` gives once the job is stored.
 *
 * @example
 * ```ts
 * import { memoryJobs, type PutReceipt } from "@sluice/sluice/jobs";
 * import { assertEquals } from "@std/assert";
 *
 * await using mails = await memoryJobs<string>();
 * const receipt: PutReceipt = await mails.put("hello", { dedupeId: "hello-1" });
 * assertEquals(receipt, { id: "hello-1", duplicate: false });
 * ```
 */
export interface PutReceipt {
  /** The `dedupeId`, or one that was made for the job. */
  readonly id: string;
  /** The queue had this job already; nothing was added. */
  readonly duplicate: boolean;
}

/**
 * How a job is given back.
 *
 * @example
 * ```ts
 * import { memoryJobs, type RetryJobOptions } from "@sluice/sluice/jobs";
 *
 * await using mails = await memoryJobs<string>();
 * await mails.put("hello");
 * const job = await mails.get();
 * const later: RetryJobOptions = { delay: 5_000, reason: "the mail server is busy" };
 * await job.retry(later);
 * ```
 */
export interface RetryJobOptions extends WaitOptions {
  /** Milliseconds until it may be handed out again; 0 if left out. */
  readonly delay?: number | undefined;
  /** Why; stands in the dead letter if this was its last attempt. An error, or anything. */
  readonly reason?: unknown;
}

/**
 * A job that was handed out, for so long: until `done` it is not finished, and when its time is over it
 * is handed out again. So a job whose worker dies is never lost, and one whose worker is slow may be done
 * twice.
 *
 * The first of `done`, `retry` and `reject` counts. Leaving the scope of `await using` gives the job back,
 * unless one of them was called.
 *
 * @typeParam T The type of the values.
 *
 * @example
 * ```ts
 * import { memoryJobs, type JobLease } from "@sluice/sluice/jobs";
 * import { assertEquals } from "@std/assert";
 *
 * await using mails = await memoryJobs<string>();
 * await mails.put("hello");
 * {
 *   await using job: JobLease<string> = await mails.get({ timeout: 1_000 });
 *   console.log(`sending ${job.value}, attempt ${job.attempt}`);
 *   await job.done();
 * }
 * assertEquals((await mails.stats()).unfinished, 0);
 * ```
 */
export interface JobLease<out T> extends AsyncDisposable {
  /** What was put. */
  readonly value: T;
  /** The same each time this job is handed out. */
  readonly id: string;
  /** How often the job has been handed out: 1 the first time. */
  readonly attempt: number;
  /** As it was put. */
  readonly priority: number;
  /** Milliseconds until the lease runs out, as far as this process knows; 0: it has. */
  readonly timeLeft: number;
  /** One of `done`, `retry` and `reject` was called, or the queue was closed. */
  readonly settled: boolean;
  /**
   * The job is finished. Resolves when the engine has stored that: true, or false if the lease had ended
   * before. A job that is done after its lease has run out is finished all the same, unless somebody else
   * finished it first; he may have begun to do it again.
   */
  done(wait?: Wait): Promise<boolean>;
  /**
   * Gives the job back, to be handed out again; after the last attempt it goes to the dead letters. false:
   * the lease had ended before, and nothing happens.
   */
  retry(options?: Cancel | RetryJobOptions): Promise<boolean>;
  /**
   * Nobody is to try again: the job goes to the dead letters, with the reason, which is an error or
   * anything. false: the lease had ended before, and nothing happens.
   */
  reject(reason?: unknown, wait?: Wait): Promise<boolean>;
  /** The lease begins anew. false: it had ended before. */
  extend(wait?: Wait): Promise<boolean>;
}

/**
 * How a job queue is doing, as one group sees it.
 *
 * @example
 * ```ts
 * import { memoryJobs, type JobStats } from "@sluice/sluice/jobs";
 * import { assertEquals } from "@std/assert";
 *
 * await using mails = await memoryJobs<string>({ capacity: 1_000 });
 * await mails.put("hello");
 * const stats: JobStats = await mails.stats();
 * assertEquals(stats, { ready: 1, leased: 0, delayed: 0, unfinished: 1, dead: 0, capacity: 1_000 });
 * ```
 */
export interface JobStats {
  /** How many could be handed out now. */
  readonly ready: number;
  /** How many are handed out, or were given back with a delay that is not over. */
  readonly leased: number;
  /** How many were put with a delay that is not over. */
  readonly delayed: number;
  /** How many are not finished, by any group; this is what `capacity` bounds. */
  readonly unfinished: number;
  /** How many dead letters there are. */
  readonly dead: number;
  /** How many may be unfinished. */
  readonly capacity: number;
}

/**
 * A queue of work that must not be lost: the same on all engines, so that a program that outgrows one
 * process changes nothing but the line that opens its queue.
 *
 * At least once: a job that was accepted is handed out until it is done, rejected, or out of attempts. If
 * a worker dies, or is slower than its lease, a job is done twice; `idempotent` makes that harmless.
 *
 * The bound counts what is unfinished, not what waits: a place is free when its job is done.
 *
 * @typeParam T The type of the values.
 *
 * @example
 * ```ts
 * import { type JobQueue, memoryJobs } from "@sluice/sluice/jobs";
 * import { assertEquals } from "@std/assert";
 *
 * await using mails: JobQueue<{ to: string }> = await memoryJobs({ capacity: 1_000 });
 * await mails.put({ to: "ada@example.com" });
 *
 * const job = await mails.get();
 * assertEquals(job.value, { to: "ada@example.com" });
 * await job.done();
 * await mails.join();
 * ```
 */
export interface JobQueue<T> extends AsyncDisposable {
  /** Named in errors; durable engines store the queue under it. */
  readonly name: string;
  /** Which group this handle takes jobs for. */
  readonly group: string;
  /** All groups. Each is handed every job. */
  readonly groups: readonly string[];
  /** How many jobs may be unfinished. */
  readonly capacity: number;
  /** How many priorities there are. */
  readonly levels: number;
  /** Milliseconds that a lease lasts. */
  readonly leaseTime: number;
  /** How often a job is handed out, at most. */
  readonly maxAttempts: number;
  /** `close` has been called. */
  readonly closed: boolean;
  /** The jobs that were given up by this group. */
  readonly dead: DeadLetters<T>;

  /**
   * Adds a job; waits while the queue is full, those of one handle in the order of their calls. Resolves
   * when the engine has stored it.
   *
   * Rejects with the cause of what ended it early; with ClosedError, which carries the value, if this
   * handle is closed; with a TypeError or RangeError if the value cannot be encoded, or an option is not
   * what it may be; with a {@linkcode JobQueueError} if the engine cannot store it.
   */
  put(value: T, options?: Cancel | PutOptions): Promise<PutReceipt>;

  /**
   * Takes the next job; waits for one if there is none. The lowest priority goes first, equals in the
   * order in which they were accepted; jobs that were given back come when they come. A call that ends
   * early takes nothing.
   */
  get(wait?: Wait): Promise<JobLease<T>>;

  /** Up to `max` jobs, at least one: those that are there now, or the first that comes. */
  getMany(max: number, wait?: Wait): Promise<JobLease<T>[]>;

  /** `done` for all of them, in one step of the engine where it can. How many were still leased. */
  doneMany(leases: Iterable<JobLease<T>>, wait?: Wait): Promise<number>;

  /** Waits until no job is unfinished in any group: a moment in which that was so. */
  join(wait?: Wait): Promise<void>;

  /** How it is doing. */
  stats(wait?: Wait): Promise<JobStats>;

  /** The same queue, as another group sees it. Closing it ends this view alone. */
  forGroup(group: string): JobQueue<T>;

  /**
   * Ends all waits with ClosedError, gives back the jobs that are out on lease, and lets go of the engine.
   * What is stored stays stored. Called again, it waits for the same end.
   */
  close(): Promise<void>;
}
