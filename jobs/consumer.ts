/**
 * The loop under `consume`: takes jobs for handlers that are free, and sees to it that all ends well.
 *
 * - It takes no more jobs than there are free handlers, and asks once for all of them; so no lease runs
 *   while its job waits.
 * - Three contexts, each below the one before: that of the caller; that of the handlers, which also ends
 *   when the queue is closed, or a drain takes too long; that of taking, which also ends by a drain.
 * - It is over when all handlers have ended, and all jobs are settled, or were given back. Then nothing
 *   is left of it.
 *
 * @module
 */
import { show } from "../core/check.ts";
import type { Context } from "../core/contract.ts";
import { CanceledError, DeadlineExceededError } from "../core/errors.ts";
import type { ScopedContext } from "../core/scoped_context.ts";
import { contextOf } from "../core/wait_context.ts";
import { TimeLimit } from "../flow/policies/time_limit.ts";
import { WorkerPool } from "../tasks/worker_pool.ts";
import type { AnyConsumeOptions, ConsumeSettings, ConsumeStats } from "./consume_options.ts";
import { JobHandle } from "./handle.ts";
import { engineDelay, JobDesk } from "./job_desk.ts";
import type { JobLease, JobQueue } from "./job_queue.ts";
import { JobRun, type RunShared } from "./job_run.ts";
import { LeaseKeeper } from "./lease_keeper.ts";
import { StopSignals } from "./stop_signals.ts";

export class Consumer<T> {
  readonly #queue: JobQueue<T>;
  readonly #settings: ConsumeSettings<T>;
  readonly #caller: ScopedContext;
  readonly #work: ScopedContext;
  readonly #taking: ScopedContext;
  readonly #pool: WorkerPool;
  readonly #shared: RunShared<T>;
  /** What the engine has failed with for good. */
  #failure: { readonly error: unknown } | undefined;

  constructor(
    queue: JobQueue<T>,
    handler: (jobs: readonly JobLease<T>[], ctx: Context) => unknown,
    settings: ConsumeSettings<T>,
    { ctx, signal, drain }: AnyConsumeOptions<T>,
  ) {
    const { concurrency, timeout, extend, clock, name } = settings;
    this.#queue = queue;
    this.#settings = settings;
    this.#caller = contextOf({ ctx, signal });
    // A queue that is not one of ours tells of its end when it is asked for the next job.
    const life = queue instanceof JobHandle ? queue.life : undefined;
    const work = this.#work = contextOf(this.#caller, life);
    this.#taking = contextOf(drain ?? {}, work);
    this.#pool = new WorkerPool({ workers: concurrency, capacity: 0, nested: "queue" });
    const desk = new JobDesk(queue, settings, work);
    this.#shared = {
      handler,
      limit: new TimeLimit(timeout, { clock, name }),
      desk,
      keeper: extend
        ? new LeaseKeeper<T>(queue.leaseTime, clock, work, (error, job) => desk.report(error, job))
        : undefined,
      ctx: work,
    };
  }

  /** Resolves or rejects when all is over. To be called once. */
  async run(signals: AnyConsumeOptions<T>["signals"]): Promise<ConsumeStats> {
    try {
      using _ = new StopSignals(signals, (name) => {
        this.#taking.cancel(new CanceledError(`the process was sent ${name}`));
      });
      await this.#take();
      await this.#finish();
      if (this.#caller.done) throw this.#caller.cause;
      if (this.#failure !== undefined) throw this.#failure.error;
      return this.#shared.desk.stats;
    } finally {
      // The context of taking ends with that of the handlers.
      for (const ctx of [this.#work, this.#caller]) ctx.cancel();
    }
  }

  /** Takes jobs until no more are to be taken. */
  async #take(): Promise<void> {
    const { desk } = this.#shared;
    const taking = this.#taking;
    let failures = 0;
    while (!taking.done) {
      try {
        await this.#pool.room(taking);
        this.#start(await this.#queue.getMany(this.#free * this.#settings.batch, taking));
        failures = 0;
      } catch (error) {
        if (taking.done || this.#queue.closed) return;
        const ms = engineDelay(error, ++failures);
        if (ms === undefined) {
          this.#failure = { error };
          return;
        }
        desk.report(error, undefined);
        await desk.pause(ms, taking);
      }
    }
  }

  /** Starts handlers, also if no more are to be taken by now: giving a job back would cost it an attempt. */
  #start(jobs: readonly JobLease<T>[]): void {
    const { batch } = this.#settings;
    this.#shared.desk.took(jobs.length);
    for (let at = 0; at < jobs.length; at += batch) {
      const run = new JobRun(jobs.slice(at, at + batch), this.#shared);
      void this.#pool.submit(() => run.run());
    }
  }

  /** How many handlers could start. */
  get #free(): number {
    return this.#pool.size - this.#pool.running - this.#pool.waiting;
  }

  /** Waits until all handlers have ended, and ends their contexts when that takes too long. */
  async #finish(): Promise<void> {
    const { grace, clock, name } = this.#settings;
    const timer = grace === Infinity ? undefined : clock.after(grace, () => {
      const label = `the drain of the consumer ${show(name)}`;
      this.#work.cancel(new DeadlineExceededError(`${label} has taken more than ${grace} ms`));
    });
    await this.#pool.shutdown();
    timer?.stop();
    this.#shared.keeper?.stop();
  }
}
