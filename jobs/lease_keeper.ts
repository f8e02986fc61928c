/**
 * Extends the leases of jobs that are worked on, each third of their time.
 *
 * One timer for all of them, which is set while there are some. So work that takes less than that costs
 * no timer of its own.
 *
 * @module
 */
import type { ScopedContext } from "../core/scoped_context.ts";
import type { Clock, Timer } from "../tasks/clock.ts";
import type { JobLease } from "./job_queue.ts";

export class LeaseKeeper<T> {
  readonly #every: number;
  readonly #clock: Clock;
  readonly #ctx: ScopedContext;
  readonly #failed: (error: unknown, job: JobLease<T>) => void;
  /** When those of each run are to be extended; the soonest first. */
  readonly #runs = new Map<readonly JobLease<T>[], number>();
  #timer: Timer | undefined;

  /** Nothing is waited for any more once `ctx` has ended. `failed` is told what an engine failed with. */
  constructor(
    leaseTime: number,
    clock: Clock,
    ctx: ScopedContext,
    failed: (error: unknown, job: JobLease<T>) => void,
  ) {
    this.#every = leaseTime / 3;
    this.#clock = clock;
    this.#ctx = ctx;
    this.#failed = failed;
  }

  /** Leases that have just begun. */
  add(jobs: readonly JobLease<T>[]): void {
    this.#runs.set(jobs, this.#clock.now() + this.#every);
    this.#timer ??= this.#clock.after(this.#every, () => this.#look());
  }

  remove(jobs: readonly JobLease<T>[]): void {
    this.#runs.delete(jobs);
  }

  /** Nothing is left of it. */
  stop(): void {
    this.#timer?.stop();
    this.#timer = undefined;
    this.#runs.clear();
  }

  #look(): void {
    this.#timer = undefined;
    const now = this.#clock.now();
    for (const [jobs, due] of this.#runs) {
      if (due > now) {
        this.#timer = this.#clock.after(due - now, () => this.#look());
        break;
      }
      // Again at the end, where this loop finds it, and stops.
      this.#runs.delete(jobs);
      this.#runs.set(jobs, now + this.#every);
      for (const job of jobs) void this.#extend(job);
    }
  }

  async #extend(job: JobLease<T>): Promise<void> {
    try {
      await job.extend(this.#ctx);
    } catch (error) {
      if (!this.#ctx.done) this.#failed(error, job);
    }
  }
}
