/**
 * Where a consumer settles its jobs, and counts what has become of them.
 *
 * - What the engine fails to store is tried again after growing pauses, as long as that may help and the
 *   lease has not run out. Then the job comes again by itself.
 * - Once the consumer is to end at once there is one try, which is waited for no longer than the lease
 *   lasts, or a second.
 *
 * @module
 */
import type { WaitOptions } from "../core/contract.ts";
import type { ScopedContext } from "../core/scoped_context.ts";
import { pause } from "../tasks/pause.ts";
import { retryDelay, type RetryOptions } from "../tasks/retry.ts";
import { type ConsumeSettings, type ConsumeStats, USUAL_DELAY } from "./consume_options.ts";
import type { Verdict } from "./engine.ts";
import { JobQueueError } from "./errors.ts";
import { HeldLease } from "./held_lease.ts";
import type { JobLease, JobQueue } from "./job_queue.ts";

/** How often, and after which pauses, an engine is asked again. */
const PATIENCE: RetryOptions = { attempts: Infinity, delay: 100, maxDelay: 10_000 };

/** How long an answer is waited for in the end, at least. */
const LAST_WAIT = 1_000;

/** Milliseconds until the engine is asked again that has failed so often; undefined: it is of no use. */
export function engineDelay(error: unknown, failures: number): number | undefined {
  const passing = error instanceof JobQueueError &&
    (error.reason === "unreachable" || error.reason === "storage");
  return passing ? retryDelay(PATIENCE, failures, error) : undefined;
}

export class JobDesk<T> {
  readonly #queue: JobQueue<T>;
  readonly #settings: ConsumeSettings<T>;
  /** Ends when everything is to end at once. */
  readonly #ctx: ScopedContext;
  #counts = { taken: 0, done: 0, retried: 0, dead: 0, returned: 0, lost: 0, failed: 0, late: 0 };

  constructor(queue: JobQueue<T>, settings: ConsumeSettings<T>, ctx: ScopedContext) {
    this.#queue = queue;
    this.#settings = settings;
    this.#ctx = ctx;
  }

  /** What has become of all jobs so far. */
  get stats(): ConsumeStats {
    return { ...this.#counts };
  }

  took(count: number): void {
    this.#counts.taken += count;
  }

  /** Their handler has returned. What it has settled itself is left as it is. */
  async done(jobs: readonly JobLease<T>[]): Promise<void> {
    const open = unsettled(jobs);
    if (open.size > 0) {
      const kept = await this.#ask([...open], (wait) => this.#done([...open], wait));
      if (kept !== undefined) this.#counts.late += open.size - kept;
    }
    for (const job of jobs) this.#count(job, "done", this.#queue.closed && !open.has(job));
  }

  /** Their handler has thrown, or its time was up. */
  async failed(jobs: readonly JobLease<T>[], error: unknown): Promise<void> {
    const open = unsettled(jobs);
    // If it has settled all of them before it threw, somebody is to hear of it nevertheless.
    for (const job of open.size > 0 ? open : jobs.slice(0, 1)) {
      this.#counts.failed++;
      this.report(error, job);
    }
    await Promise.all(Array.from(open, (job) => this.#fail(job, error)));
    for (const job of jobs) this.#count(job, "retry", this.#queue.closed && !open.has(job));
  }

  /** The end has come before their handler had ended, or was called. */
  async giveBack(jobs: readonly JobLease<T>[], reason: unknown): Promise<void> {
    const open = unsettled(jobs);
    await Promise.all(Array.from(open, (job) => this.#retry(job, 0, reason)));
    for (const job of jobs) this.#count(job, "retry", this.#queue.closed || open.has(job));
  }

  /** Tells of an error. */
  report(error: unknown, job: JobLease<T> | undefined): void {
    try {
      this.#settings.onError?.(error, job);
    } catch (thrown) {
      reportError(thrown);
    }
  }

  /** How many were still leased. */
  async #done(jobs: readonly JobLease<T>[], wait: WaitOptions): Promise<number> {
    if (!this.#ctx.done) return await this.#queue.doneMany(jobs, wait);
    // In the end those that the engine was asked for already are waited for, too.
    const kept = await Promise.all(jobs.map((job) => job.done(wait)));
    return kept.filter(Boolean).length;
  }

  async #fail(job: JobLease<T>, error: unknown): Promise<void> {
    const delay = this.#delay(job, error);
    if (delay !== undefined) return await this.#retry(job, delay, error);
    const kept = await this.#ask([job], (wait) => job.reject(error, wait));
    if (kept === false) this.#counts.late++;
  }

  async #retry(job: JobLease<T>, delay: number, reason: unknown): Promise<void> {
    const kept = await this.#ask([job], (wait) => job.retry({ ...wait, delay, reason }));
    if (kept === false) this.#counts.late++;
  }

  /** Milliseconds until the next attempt; undefined: it is not worth one. */
  #delay(job: JobLease<T>, error: unknown): number | undefined {
    const { retry } = this.#settings;
    try {
      const delay = retryDelay(retry, job.attempt, error);
      return delay === Infinity ? undefined : delay;
    } catch (thrown) {
      this.report(thrown, job);
      return retryDelay({ attempts: Infinity, delay: USUAL_DELAY }, job.attempt, error);
    }
  }

  /** Asks the engine for something; undefined: it was in vain. */
  async #ask<R>(
    jobs: readonly JobLease<T>[],
    call: (wait: WaitOptions) => Promise<R>,
  ): Promise<R | undefined> {
    for (let failures = 1;; failures++) {
      const last = this.#ctx.done;
      try {
        return await call(last ? { timeout: this.#timeLeft(jobs, LAST_WAIT) } : { ctx: this.#ctx });
      } catch (error) {
        if (!last && this.#ctx.done) continue;
        this.report(error, jobs[0]);
        const ms = engineDelay(error, failures);
        if (last || ms === undefined || this.#timeLeft(jobs, 0) === 0) return undefined;
        await this.pause(ms);
      }
    }
  }

  /** Waits so long, or until everything is to end. */
  async pause(ms: number, ctx = this.#ctx): Promise<void> {
    try {
      await pause(ms, this.#settings.clock, ctx);
    } catch {
      // Whoever waits looks at the context himself.
    }
  }

  #timeLeft(jobs: readonly JobLease<T>[], least: number): number {
    return jobs.reduce((most, { timeLeft }) => Math.max(most, timeLeft), least);
  }

  /** `asked`: what was to become of it. `returned`: if it was given back, then by the end. */
  #count(job: JobLease<T>, asked: Verdict["kind"], returned: boolean): void {
    const counts = this.#counts;
    const kind = job instanceof HeldLease ? job.kind : job.settled ? asked : undefined;
    if (kind === undefined) counts.lost++;
    else if (kind === "done") counts.done++;
    else if (kind === "bury") counts.dead++;
    else if (returned) counts.returned++;
    else counts.retried++;
  }
}

function unsettled<T>(jobs: readonly JobLease<T>[]): Set<JobLease<T>> {
  return new Set(jobs.filter((job) => !job.settled));
}
