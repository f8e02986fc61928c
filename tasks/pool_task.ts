/**
 * A task of a pool: what waits in line, and what its caller waits for.
 *
 * Invariants:
 * - It is in one line (queued, waiting for room, or waiting for its next attempt), or it runs, or it is
 *   over. Over means that its promise is settled.
 * - Its context, if it has one of its own, ends with it.
 *
 * @module
 */
import type { Context } from "../core/contract.ts";
import { DeadlineExceededError } from "../core/errors.ts";
import { release, Scope, type Sequel } from "../core/scope.ts";
import { ScopedContext } from "../core/scoped_context.ts";
import { Timeout } from "../core/timeout.ts";
import { scopeKey } from "../core/wait.ts";
import { WaitNode } from "../core/wait_list.ts";
import type { Timer } from "./clock.ts";
import type { Job } from "./job.ts";
import { retryDelay, type RetryOptions } from "./retry.ts";

/** What only some tasks have. */
export interface Plan {
  /** Ends the task: by its caller's context, signal or timeout, or with the pool. */
  readonly ctx: ScopedContext | undefined;
  /** How long each attempt may take, in milliseconds. */
  readonly runTimeout: number;
  readonly retry: RetryOptions | undefined;
  /** Ends it at its deadline. */
  deadline?: Timer | undefined;
}

/** Whom a task tells what becomes of it. */
export interface TaskOwner {
  /** A task has left its line by its own context's end. */
  unqueued(task: PoolTask): void;
  /** The promise of a task has been settled; `ok`: fulfilled. */
  settled(task: PoolTask, ok: boolean): void;
}

export class PoolTask extends WaitNode {
  priority: number;
  readonly plan: Plan | null;
  /** The task that has submitted it; the nearest one, of whichever pool. */
  outer: PoolTask | null = null;
  /** The nearest of those that is of the same pool, while it may wait for this one. */
  ancestor: PoolTask | null = null;
  /** How many tasks that it has submitted to its own pool are not over. */
  children = 0;
  running = false;
  over = false;
  /** The index of the worker that runs it. */
  worker = -1;
  /** Since when it is in line, for ageing. */
  since = 0;
  /** How often it has been run. */
  attempts = 0;
  /** Until its next attempt, or while that may take too long. */
  timer: Timer | null = null;
  readonly owner: TaskOwner;
  #attempt: ScopedContext | null = null;

  constructor(job: Job<unknown>, priority: number, plan: Plan | null, owner: TaskOwner) {
    super(job);
    this.priority = priority;
    this.plan = plan;
    this.owner = owner;
  }

  /** Runs it once; `ctx` is what it is given if it has no context of its own. */
  run(ctx: ScopedContext): unknown {
    const { plan } = this;
    this.attempts++;
    const job = this.item as Job<unknown>;
    if (plan === null) return job(ctx);
    const own = plan.ctx ?? ctx;
    if (plan.runTimeout === Infinity) return job(own);
    return job(this.#limited(own, plan.runTimeout));
  }

  /** The attempt is over. */
  stop(): void {
    this.timer?.stop();
    this.timer = null;
    const attempt = this.#attempt;
    this.#attempt = null;
    attempt?.cancel();
  }

  /** Milliseconds until it is to be run again, since it failed with `error`; undefined: it is not. */
  again(error: unknown): number | undefined {
    const retry = this.plan?.retry;
    return retry === undefined || this.over ? undefined : retryDelay(retry, this.attempts, error);
  }

  override settle(value: unknown): void {
    if (this.over) return;
    this.#end(true);
    super.settle(value);
  }

  override fail(error: unknown): void {
    if (this.over) return;
    this.#end(false);
    super.fail(error);
  }

  /** Its own context has ended. If it runs, its promise does not wait for that to end. */
  override end(cause: unknown): Sequel | null {
    if (this.list !== null) {
      this.owner.unqueued(this);
      return super.end(cause);
    }
    this.fail(cause);
    return null;
  }

  /**
   * The context of an attempt that may take only so long. A job that does not heed its end may go on
   * for ever; so it is waited for no longer than one more turn of the timers.
   */
  #limited(parent: ScopedContext, ms: number): Context {
    const scope = new Scope();
    scope.deadline = Date.now() + ms;
    scope.join(parent[scopeKey]);
    this.timer = new Timeout(ms, () => {
      scope.end(undefined, new DeadlineExceededError(`the task ran longer than ${ms} ms`));
      this.timer = new Timeout(0, () => this.fail(scope.cause));
    });
    return this.#attempt = new ScopedContext(scope, parent.values);
  }

  #end(ok: boolean): void {
    this.over = true;
    this.timer?.stop();
    release(this);
    this.plan?.deadline?.stop();
    this.plan?.ctx?.cancel();
    this.owner.settled(this, ok);
  }
}
