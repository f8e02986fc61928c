/**
 * Tasks that are scheduled again and again.
 *
 * @module
 */
import { afterFunc } from "../context.ts";
import type { Context, Wait } from "../core/contract.ts";
import type { ScopedContext } from "../core/scoped_context.ts";
import { contextOf } from "../core/wait_context.ts";
import type { Clock, Timer } from "./clock.ts";

/**
 * A task that is scheduled again and again. Disposing cancels it.
 *
 * @example
 * ```ts
 * import { ManualClock, type PeriodicTask, PriorityScheduler } from "@sluice/sluice/tasks";
 * import { assertEquals } from "@std/assert";
 *
 * const clock = new ManualClock();
 * await using scheduler = new PriorityScheduler({ clock });
 * const beat: PeriodicTask = scheduler.every(1_000, () => console.log("alive"));
 * await clock.advance(2_500);
 * beat.cancel();
 * await beat.result;
 * assertEquals([beat.runs, beat.skipped], [2, 0]);
 * ```
 */
export interface PeriodicTask extends Disposable {
  /** How often it was scheduled. */
  readonly runs: number;
  /** How often it was not, since the last run was not over. */
  readonly skipped: number;
  /** Resolves when it has been cancelled, or its scheduler is shut down; rejects when a run fails. */
  readonly result: Promise<void>;
  /** Ends it, and the context of a run that is on its way. */
  cancel(cause?: unknown): void;
}

/** One run. */
interface Run {
  readonly result: Promise<unknown>;
}

class Periodic implements PeriodicTask {
  runs = 0;
  skipped = 0;
  readonly result: Promise<void>;
  readonly #ms: number;
  readonly #clock: Clock;
  readonly #ctx: ScopedContext;
  readonly #start: (ctx: Context) => Run;
  readonly #ended: (self: Periodic) => void;
  #settle!: { resolve(): void; reject(error: unknown): void };
  #next: number;
  #timer: Timer;
  #current: Run | undefined;
  #over = false;

  constructor(
    ms: number,
    delay: number,
    clock: Clock,
    ctx: ScopedContext,
    start: (ctx: Context) => Run,
    ended: (self: Periodic) => void,
  ) {
    this.#ms = ms;
    this.#clock = clock;
    this.#ctx = ctx;
    this.#start = start;
    this.#ended = ended;
    this.result = new Promise((resolve, reject) => this.#settle = { resolve, reject });
    this.#next = clock.now() + delay;
    this.#timer = clock.after(delay, () => this.#tick());
    afterFunc(ctx, () => this.stop());
  }

  cancel(cause?: unknown): void {
    this.stop();
    this.#ctx.cancel(cause);
  }

  [Symbol.dispose](): void {
    this.cancel();
  }

  /** It is not scheduled any more; a run that is on its way goes on. */
  stop(): void {
    this.#end(() => this.#settle.resolve());
  }

  #tick(): void {
    const now = this.#clock.now();
    // Times keep to the first one, however late this is.
    const periods = Math.max(1, Math.floor((now - this.#next) / this.#ms) + 1);
    this.#next += periods * this.#ms;
    this.#timer = this.#clock.after(Math.max(0, this.#next - now), () => this.#tick());
    if (this.#current !== undefined) this.skipped++;
    else void this.#run();
  }

  async #run(): Promise<void> {
    this.runs++;
    try {
      this.#current = this.#start(this.#ctx);
      await this.#current.result;
    } catch (error) {
      this.#end(() => this.#settle.reject(error));
    } finally {
      this.#current = undefined;
      if (this.#over) this.#ctx.cancel();
    }
  }

  #end(settle: () => void): void {
    if (this.#over) return;
    this.#over = true;
    this.#timer.stop();
    this.#ended(this);
    settle();
    // A run that is on its way goes on, and does this when it is over.
    if (this.#current === undefined) this.#ctx.cancel();
  }
}

/** The periodic tasks of a scheduler. */
export class Periods {
  readonly #clock: Clock;
  readonly #parent: ScopedContext;
  readonly #all = new Set<Periodic>();

  constructor(clock: Clock, parent: ScopedContext) {
    this.#clock = clock;
    this.#parent = parent;
  }

  add(
    ms: number,
    delay: number,
    wait: Wait | undefined,
    start: (ctx: Context) => Run,
  ): PeriodicTask {
    const ctx = contextOf(wait ?? {}, this.#parent);
    const periodic = new Periodic(ms, delay, this.#clock, ctx, start, (self) => {
      this.#all.delete(self);
    });
    this.#all.add(periodic);
    return periodic;
  }

  /** Ends all; runs that are on their way go on. */
  end(): void {
    for (const periodic of [...this.#all]) periodic.stop();
  }
}
