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
import type { Context, Wait, WaitOptions } from "../core/contract.ts";
import { DeadlineScope, DueIn } from "../core/deadline_scope.ts";
import { type CanceledError, DeadlineExceededError } from "../core/errors.ts";
import { release, Scope, type Sequel } from "../core/scope.ts";
import { ScopedContext } from "../core/scoped_context.ts";
import { Timeout } from "../core/timeout.ts";
import { scopeKey } from "../core/wait.ts";
import { WaitNode } from "../core/wait_list.ts";
import type { Timer } from "./clock.ts";
import type { PoolJob } from "./job.ts";
import { retryDelay, type RetryOptions } from "./retry.ts";
import type { Worker } from "./worker.ts";

/** What only some tasks have. */
export interface Plan {
  /** What of its caller's ends it. */
  readonly wait: Wait | undefined;
  /** Something may end it alone, so its job needs a context of its own. */
  readonly own: boolean;
  /** When its timeout is over, by the monotonic clock. */
  readonly due: number;
  /** How long each attempt may take, in milliseconds. */
  readonly runTimeout: number;
  readonly retry: RetryOptions | undefined;
  /** Ends it at its deadline. */
  deadline?: Timer | undefined;
}

/** Whom a task tells what becomes of it. */
export interface TaskOwner {
  /** A task leaves its line, for what its caller gave has ended, or it was aborted. */
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
  /** The worker that has run it last. */
  worker: Worker | null = null;
  /** Since when it is in line, for ageing. */
  since = 0;
  /** How often it has been run. */
  attempts = 0;
  /** Until its next attempt, or while that may take too long. */
  timer: Timer | null = null;
  readonly owner: TaskOwner;
  /** What its job was given, if that ends with the task; and with the attempt. */
  #context: ScopedContext | null = null;
  #attempt: ScopedContext | null = null;

  constructor(job: PoolJob<unknown>, priority: number, plan: Plan | null, owner: TaskOwner) {
    super(job);
    this.priority = priority;
    this.plan = plan;
    this.owner = owner;
  }

  /** Runs it once; `ctx` is what it is given if it has no context of its own. */
  run(ctx: ScopedContext): unknown {
    const worker = this.worker?.index ?? -1;
    const { plan } = this;
    this.attempts++;
    const job = this.item as PoolJob<unknown>;
    if (plan === null) return job(ctx, worker);
    const own = plan.own ? this.#own(ctx, plan) : ctx;
    if (plan.runTimeout === Infinity) return job(own, worker);
    return job(this.#limited(own, plan.runTimeout), worker);
  }

  /** The attempt is over. */
  stop(): void {
    // Without a look at the clock: what it gives counts, also if its time has just passed.
    this.#attempt?.[scopeKey].end();
    this.#attempt = null;
    this.#context?.[scopeKey].end();
    this.#context = null;
    this.timer?.stop();
    this.timer = null;
  }

  /** Whether its time is up, though no timer could tell yet; then it has ended by now. */
  get expired(): boolean {
    const { plan } = this;
    if (plan === null || plan.wait === undefined) return false;
    // Asking a context whether it is done ends it, and all that hangs on it, if it is.
    if (contextIn(plan.wait)?.done || this.over) return true;
    if (performance.now() < plan.due) return false;
    this.abort(new DeadlineExceededError("the task's timeout has passed"));
    return true;
  }

  /** Milliseconds until what its caller gave ends it. */
  get left(): number {
    const { wait, due } = this.plan!;
    return Math.min(due - performance.now(), contextIn(wait)?.[scopeKey].left() ?? Infinity);
  }

  /** Ends it, wherever it is. */
  abort(cause: unknown): void {
    release(this);
    this.end(cause)?.follow();
  }

  /** Milliseconds until it is to be run again, since it failed with `error`; undefined: it is not. */
  again(error: unknown): number | undefined {
    const retry = this.plan?.retry;
    if (retry === undefined || this.over) return undefined;
    const ms = retryDelay(retry, this.attempts, error);
    // Functions of the user's were asked, which may have ended it.
    return this.over ? undefined : ms;
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

  /** What its caller gave has ended. If it runs, its promise does not wait for its job. */
  override end(cause: unknown): Sequel | null {
    if (this.list !== null) {
      this.owner.unqueued(this);
      return super.end(cause);
    }
    this.fail(cause);
    const running = this.#context;
    if (running === null) return null;
    const given = contextIn(this.plan!.wait)?.err;
    const err = given ?? (cause instanceof DeadlineExceededError ? cause : undefined);
    return { follow: () => void running[scopeKey].end(cause, err) };
  }

  /** The context of its job: ends with the pool, and with the task. */
  #own(parent: ScopedContext, { wait, due }: Plan): ScopedContext {
    const given = contextIn(wait);
    const scope = new TaskScope(this);
    const deadline = Math.min(
      given?.deadline ?? Infinity,
      due === Infinity ? Infinity : Date.now() + due - performance.now(),
    );
    if (deadline !== Infinity) scope.deadline = deadline;
    scope.join(parent[scopeKey]);
    return this.#context = new ScopedContext(scope, given?.values ?? parent.values);
  }

  /**
   * The context of an attempt that may take only so long. A job that does not heed its end may go on
   * for ever; so it is waited for no longer than one more turn of the timers.
   */
  #limited(parent: ScopedContext, ms: number): Context {
    const scope = new AttemptScope(ms, () => {
      if (!this.over) this.timer = new Timeout(0, () => this.fail(scope.cause));
    });
    scope.join(parent[scopeKey]);
    return this.#attempt = new ScopedContext(scope, parent.values);
  }

  #end(ok: boolean): void {
    this.over = true;
    this.outer = null;
    this.timer?.stop();
    release(this);
    this.plan?.deadline?.stop();
    this.owner.settled(this, ok);
  }
}

/** The context in what a caller gave, if there is one. */
function contextIn(wait: Wait | undefined): ScopedContext | undefined {
  if (wait === undefined || wait instanceof AbortSignal) return undefined;
  return wait instanceof ScopedContext ? wait : (wait as WaitOptions).ctx as ScopedContext;
}

/** Of a job's context. Who asks sees that the task's time is up before a timer has run. */
class TaskScope extends Scope {
  override probe: Scope | null = this;
  readonly #task: PoolTask;
  #pool: Scope | null = null;

  constructor(task: PoolTask) {
    super();
    this.#task = task;
  }

  override join(parent: Scope): void {
    this.#pool = parent.probe;
    super.join(parent);
  }

  protected override look(): void {
    if (!this.#task.expired) this.#pool?.check();
  }

  override left(): number {
    return Math.min(this.#task.left, this.#pool?.left() ?? Infinity);
  }
}

/** Ends an attempt that takes too long. Who asks sees that its time is up before its timer has run. */
class AttemptScope extends DeadlineScope {
  readonly #ms: number;
  readonly #late: () => void;

  constructor(ms: number, late: () => void) {
    super(new DueIn(ms), Date.now() + ms, undefined);
    this.#ms = ms;
    this.#late = late;
  }

  override end(cause?: unknown, err?: CanceledError | DeadlineExceededError): null {
    if (this.ended || err === undefined) return super.end(cause);
    super.end(cause, new DeadlineExceededError(`the task ran longer than ${this.#ms} ms`));
    this.#late();
    return null;
  }
}
