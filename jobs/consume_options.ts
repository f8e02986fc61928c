/**
 * How jobs are consumed, what comes of it, and how that is checked.
 *
 * @module
 */
import {
  checkFunction,
  checkOptionalFunction,
  checkOptionalString,
  checkOptions,
  show,
} from "../core/check.ts";
import type { Cancel, Context } from "../core/contract.ts";
import { scopeOf } from "../core/wait.ts";
import { checkDuration, checkSize } from "../flow/checks.ts";
import { checkClock, type Clock, realClock } from "../tasks/clock.ts";
import { checkRetry, type RetryOptions } from "../tasks/retry.ts";
import type { JobLease, JobQueue } from "./job_queue.ts";
import { checkSignals, type StopSignal } from "./stop_signals.ts";

/**
 * When a job is tried again whose handler failed. How often is the queue's `maxAttempts`.
 *
 * @example
 * ```ts
 * import { consume, memoryJobs, type RetryFailedOptions } from "@sluice/sluice/jobs";
 * import { assertEquals } from "@std/assert";
 *
 * await using mails = await memoryJobs<string>();
 * await mails.put("no address");
 * const retry: RetryFailedOptions = { delay: 500, jitter: 0.2, when: (e) => !(e instanceof TypeError) };
 * const working = consume(mails, () => { throw new TypeError("no address"); }, { retry });
 * await mails.join();
 * await mails.close();
 * assertEquals((await working).dead, 1);
 * ```
 */
export interface RetryFailedOptions {
  /**
   * Milliseconds before the second attempt, 1,000 if left out; or a function of the number of attempts
   * made and the last error, which then is all that counts. Infinity: no other attempt is worth it.
   */
  readonly delay?: number | ((attempt: number, error: unknown) => number) | undefined;
  /** By how much each delay is longer than the one before; 2 if left out. */
  readonly factor?: number | undefined;
  /** The longest delay in milliseconds; 30,000 if left out. */
  readonly maxDelay?: number | undefined;
  /** The share of each delay, from 0 to 1, that is left to chance; 0 if left out. */
  readonly jitter?: number | undefined;
  /**
   * Whether this error is worth another attempt; all are if left out. Jobs whose error is not go to the
   * dead letters at once.
   */
  readonly when?: ((error: unknown) => boolean) | undefined;
}

/**
 * How {@linkcode consume} works on one job after the other.
 *
 * @typeParam T The type of the values.
 *
 * @example
 * ```ts
 * import { consume, type ConsumeOptions, memoryJobs } from "@sluice/sluice/jobs";
 * import { assertEquals } from "@std/assert";
 *
 * const options: ConsumeOptions<string> = {
 *   concurrency: 16,
 *   timeout: 60_000,
 *   signals: ["SIGTERM", "SIGINT"],
 *   grace: 10_000,
 *   onError: (error, job) => console.warn(job?.id, error),
 * };
 * const mails = await memoryJobs<string>();
 * const working = consume(mails, (job) => console.log(job.value), options);
 * await mails.close();
 * assertEquals((await working).taken, 0);
 * ```
 */
export interface ConsumeOptions<in T> {
  /** How many handlers run at once; 8 if left out. */
  readonly concurrency?: number | undefined;
  /** Left out: a handler is given one job at a time. Otherwise see {@linkcode BatchConsumeOptions}. */
  readonly batch?: undefined;
  /**
   * Milliseconds that one call of the handler may take; Infinity if left out. Then its context ends with
   * DeadlineExceededError, and its attempt has failed. A handler that goes on all the same keeps its place
   * among those that run at once.
   */
  readonly timeout?: number | undefined;
  /** Ends it at once, the contexts of handlers too; handlers' contexts have its values. */
  readonly ctx?: Context | undefined;
  /** Ends it at once, the contexts of handlers too. */
  readonly signal?: AbortSignal | undefined;
  /** At its end no more jobs are taken; the handlers finish, then `consume` resolves. */
  readonly drain?: Cancel | undefined;
  /**
   * Signals of the process that do as `drain` does; `["SIGTERM"]` if left out, where there is such a
   * thing. Once one has come nobody listens any more, and another ends the process as always.
   */
  readonly signals?: readonly StopSignal[] | undefined;
  /** Milliseconds after which a drain ends the contexts of handlers, too; Infinity if left out. */
  readonly grace?: number | undefined;
  /** When a job whose handler failed is tried again. */
  readonly retry?: RetryFailedOptions | undefined;
  /**
   * Whether leases are extended while a handler runs, each third of their time, so that a job may take
   * longer as long as its process lives; true if left out.
   */
  readonly extend?: boolean | undefined;
  /** What it goes by; the machine's if left out. Tests give it one that they move. */
  readonly clock?: Clock | undefined;
  /**
   * Is told what a handler threw, or that its time was up, once for each of its jobs that failed; and what
   * the engine failed with, with the job or without. What it throws goes to `reportError`. If left out,
   * nobody is told, but for the reasons among the dead letters.
   */
  readonly onError?: ((error: unknown, job: JobLease<T> | undefined) => void) | undefined;
  /** Named in errors; that of the queue if left out. */
  readonly name?: string | undefined;
}

/**
 * How {@linkcode consume} works on many jobs at once.
 *
 * @typeParam T The type of the values.
 *
 * @example
 * ```ts
 * import { type BatchConsumeOptions, consume, memoryJobs } from "@sluice/sluice/jobs";
 * import { assertEquals } from "@std/assert";
 *
 * await using rows = await memoryJobs<number>();
 * for (let n = 0; n < 100; n++) await rows.put(n);
 * const options: BatchConsumeOptions<number> = { batch: 64, concurrency: 1 };
 * const sizes: number[] = [];
 * const working = consume(rows, (jobs) => void sizes.push(jobs.length), options);
 * await rows.join();
 * await rows.close();
 * assertEquals([sizes, (await working).done], [[64, 36], 100]);
 * ```
 */
export interface BatchConsumeOptions<in T> extends Omit<ConsumeOptions<T>, "batch"> {
  /** How many jobs a handler is given at once, at most: those that are there. */
  readonly batch: number;
}

/**
 * What has become of the jobs that {@linkcode consume} took. Each is counted as one of `done`, `retried`,
 * `dead`, `returned` and `lost`.
 *
 * @example
 * ```ts
 * import { consume, type ConsumeStats, memoryJobs } from "@sluice/sluice/jobs";
 * import { assertEquals } from "@std/assert";
 *
 * const mails = await memoryJobs<string>();
 * await mails.put("hello");
 * const working = consume(mails, (job) => job.reject("nobody is there"));
 * await mails.join();
 * await mails.close();
 * const stats: ConsumeStats = await working;
 * assertEquals([stats.taken, stats.done, stats.dead], [1, 0, 1]);
 * ```
 */
export interface ConsumeStats {
  /** How many were handed out; a job counts each time. */
  readonly taken: number;
  /** How many are finished. */
  readonly done: number;
  /** How many were given back for another attempt, since they failed, or the handler did so. */
  readonly retried: number;
  /** How many went to the dead letters: by the handler, or since it was their last attempt. */
  readonly dead: number;
  /** How many were given back since the end came before they were done. */
  readonly returned: number;
  /** How many the engine could not be told of; they come again when their lease has run out. */
  readonly lost: number;
  /** For how many the handler threw, or took too long. */
  readonly failed: number;
  /** How many were settled when their lease had run out, so that others may have been given them. */
  readonly late: number;
}

/** One by one, or many at once. */
export type AnyConsumeOptions<T> = ConsumeOptions<T> | BatchConsumeOptions<T>;

/** Milliseconds before the second attempt. */
export const USUAL_DELAY = 1_000;

/** What was asked for, checked and filled in. */
export interface ConsumeSettings<T> {
  readonly concurrency: number;
  /** How many a handler is given at once. */
  readonly batch: number;
  readonly timeout: number;
  readonly grace: number;
  readonly retry: RetryOptions;
  readonly extend: boolean;
  readonly clock: Clock;
  readonly onError: ConsumeOptions<T>["onError"];
  readonly name: string;
}

/** Throws TypeError or RangeError if an argument is not what it may be; `ctx` and `signal` are not seen to. */
export function consumeSettings<T>(
  queue: JobQueue<T>,
  handler: unknown,
  options: AnyConsumeOptions<T>,
): ConsumeSettings<T> {
  if (typeof (queue as Partial<JobQueue<T>> | null)?.getMany !== "function") {
    throw new TypeError(`queue must be a job queue, not ${show(queue)}`);
  }
  checkFunction("handler", handler);
  checkOptions("options", options);
  const {
    concurrency = 8,
    batch = 1,
    timeout = Infinity,
    drain,
    signals,
    grace = Infinity,
    extend = true,
    clock = realClock,
    onError,
    name = queue.name,
  } = options;
  checkSize("concurrency", concurrency);
  checkSize("batch", batch);
  checkDuration("timeout", timeout, { positive: true });
  if (drain !== undefined) scopeOf(drain, "drain");
  checkSignals(signals);
  checkDuration("grace", grace);
  if (typeof extend !== "boolean") {
    throw new TypeError(`extend must be true or false, not ${show(extend)}`);
  }
  checkClock(clock);
  checkOptionalFunction("onError", onError);
  checkOptionalString("name", name);
  const retry = retryOf(options.retry);
  return { concurrency, batch, timeout, grace, retry, extend, clock, onError, name };
}

function retryOf(given: RetryFailedOptions = {}): RetryOptions {
  checkOptions("retry", given);
  // The queue counts the attempts.
  const retry = { ...given, delay: given.delay ?? USUAL_DELAY, attempts: Infinity };
  checkRetry(retry);
  return retry;
}
