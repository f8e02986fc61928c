/**
 * Tasks that belong together: the first that fails ends the others, and nobody goes on before all have
 * ended.
 *
 * - The first error is the cause of the group's context. Whoever waits for the group gets it; all
 *   errors are in `errors`, in their order. Tasks that only pass on the end of the context add none.
 * - Whatever a task throws is observed: it never is an unhandled rejection.
 * - Those that wait for a place start first come, first served. If the group ends before, they never
 *   start.
 *
 * @module
 */
import { background, withCancel } from "../context.ts";
import { checkCount, checkFunction, checkOptions } from "../core/check.ts";
import type { Cancel, CancelContext, Context, Wait } from "../core/contract.ts";
import { ClosedError } from "../core/errors.ts";
import { NOTHING } from "../core/nothing.ts";
import { watch } from "../core/scope.ts";
import { tryOrPark } from "../core/try_or_park.ts";
import { countCall, done, holding, ready, refused } from "../core/turn.ts";
import { enter, scopeOf } from "../core/wait.ts";
import { park, WaitList, WaitNode } from "../core/wait_list.ts";
import { type Job, observed } from "./job.ts";

/**
 * How a {@linkcode TaskGroup} is to be.
 *
 * @example
 * ```ts
 * import { TaskGroup, type TaskGroupOptions } from "@sluice/sluice/tasks";
 * import { background, withTimeout } from "@sluice/sluice";
 *
 * using ctx = withTimeout(background(), 1_000);
 * const options: TaskGroupOptions = { parent: ctx, limit: 4 };
 * await using group = new TaskGroup(options);
 * ```
 */
export interface TaskGroupOptions {
  /** Its end is that of the group's context, whose values are its. */
  readonly parent?: Cancel | undefined;
  /** How many tasks run at once, at most; Infinity if left out. 0 admits none. */
  readonly limit?: number | undefined;
}

/** What stands in line for a place: starts its task, and gives what the caller waits for. */
type Start = () => unknown;

/**
 * Tasks that belong together; Go's `errgroup.Group` and asyncio's `TaskGroup` in one. The first task
 * that fails ends the group's context, with its error as the cause, and `wait` rejects with it when
 * all have ended.
 *
 * Leaving the scope of `await using` ends the context, and waits for the tasks to end: so those that
 * `wait` was not called for are cancelled, as they are when the body throws.
 *
 * @example
 * ```ts
 * import { TaskGroup } from "@sluice/sluice/tasks";
 * import { sleep } from "@sluice/sluice";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * await using group = new TaskGroup();
 * group.spawn(async () => {
 *   await sleep(1);
 *   throw new Error("the disk is full");
 * });
 * const other = group.spawn((ctx) => sleep(60_000, ctx)); // ends at once, too
 * await assertRejects(() => group.wait(), Error, "the disk is full");
 * await assertRejects(() => other, Error, "the disk is full");
 * assertEquals(group.errors.length, 1);
 * ```
 */
export class TaskGroup implements AsyncDisposable {
  readonly #ctx: CancelContext;
  readonly #errors: unknown[] = [];
  #limit: number;
  #active = 0;
  /** `wait` or disposing has come to its end. */
  #closed = false;
  /** A task was ended by the group's context. */
  #stopped = false;
  /** It was the owner who ended the context. */
  #canceled = false;
  readonly #line: WaitList = new WaitList({ left: () => this.#leftLine() });
  readonly #waiters = new WaitList();

  /**
   * A group without tasks.
   *
   * @throws TypeError or RangeError if an option is not what it may be.
   */
  constructor(options: TaskGroupOptions = {}) {
    checkOptions("options", options);
    const { parent = background(), limit = Infinity } = options;
    checkCount("limit", limit, 0);
    this.#limit = limit;
    this.#ctx = withCancel(parent);
  }

  /**
   * Runs `body`, which spawns tasks, and waits for all; asyncio's `async with TaskGroup()`. `body` is
   * as good as a task: if it throws, the others end, and if one fails, the context that `body` waits
   * with ends. Rejects with the first error; otherwise gives what `body` gave.
   *
   * @example
   * ```ts
   * import { TaskGroup } from "@sluice/sluice/tasks";
   * import { assertEquals } from "@std/assert";
   *
   * const sum = await TaskGroup.run(async (group) => {
   *   const one = group.spawn(() => 1);
   *   const two = group.spawn(() => 2);
   *   return await one + await two;
   * });
   * assertEquals(sum, 3);
   * ```
   */
  static async run<R>(
    body: (group: TaskGroup) => R | PromiseLike<R>,
    options?: TaskGroupOptions,
  ): Promise<R> {
    checkFunction("body", body);
    const group = new TaskGroup(options);
    let result: { readonly value: R } | { readonly error: unknown };
    try {
      result = { value: await body(group) };
    } catch (error) {
      group.#failed(error);
      result = { error };
    }
    await group.wait();
    if ("error" in result) throw result.error;
    return result.value;
  }

  /** What each task is given. It ends with the first error, with the group, and with the parent. */
  get ctx(): Context {
    return this.#ctx;
  }

  /** How many tasks run. */
  get active(): number {
    return this.#active;
  }

  /** How many wait for a place. */
  get waiting(): number {
    return this.#line.length;
  }

  /** How many may run at once. */
  get limit(): number {
    return this.#limit;
  }

  /** What tasks have failed with, in that order. */
  get errors(): readonly unknown[] {
    return this.#errors;
  }

  /**
   * Changes how many may run at once.
   *
   * @throws TypeError while tasks run or wait; TypeError or RangeError if `limit` is no count.
   */
  setLimit(limit: number): void {
    checkCount("limit", limit, 0);
    if (!this.#idle) {
      throw new TypeError(`limit must not change while tasks run or wait: ${this.#active} run`);
    }
    this.#limit = limit;
  }

  /**
   * Starts a task, at once or when there is a place for it, and gives its result. `wait` ends the wait
   * for a place alone; then the task never starts, and the group goes on.
   *
   * Rejects with the group's cause if that has ended, with ClosedError if `wait` has been through.
   */
  spawn<R>(job: Job<R>, wait?: Wait): Promise<R> {
    // Observed here, too: what is handed to somebody in line may be held back for a turn.
    return this.#admit<R>(job, wait, () => observed(this.#run(job)));
  }

  /**
   * Starts a task, at once or when there is a place for it, and resolves when it has started; Go's
   * `errgroup.Group.Go`. So `await group.go(…)` in a loop goes no faster than the tasks do.
   */
  go(job: Job<unknown>, wait?: Wait): Promise<void> {
    return this.#admit<void>(job, wait, () => {
      void observed(this.#run(job));
      return done();
    });
  }

  /** Starts a task if there is a place for it now; undefined: there is none. */
  trySpawn<R>(job: Job<R>): Promise<R> | undefined {
    return this.#active < this.#limit || this.#ctx.done || this.#closed
      ? this.spawn(job)
      : undefined;
  }

  /** Ends the context of all tasks. `wait` does not take that for a failure. */
  cancel(cause?: unknown): void {
    if (this.#ctx.done) return;
    this.#canceled = true;
    this.#ctx.cancel(cause);
  }

  /**
   * Waits until all tasks have ended, also those that tasks have spawned meanwhile. Then the group is
   * closed, and its context ends.
   *
   * Rejects with the first error; if there is none, and the parent's end has stopped a task, with that
   * cause.
   */
  async wait(wait?: Wait): Promise<void> {
    await tryOrPark<void>(this.#waiters, wait, () => {
      if (!this.#idle) return NOTHING;
      this.#close();
    });
    if (this.#errors.length > 0) throw this.#errors[0];
    if (this.#stopped && !this.#canceled) throw this.#ctx.cause;
  }

  /** Ends the context, and waits until all tasks have ended. It throws none of their errors. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.cancel();
    await this.wait().catch(() => {});
  }

  get #idle(): boolean {
    return this.#active === 0 && this.#line.length === 0;
  }

  /** `start` runs now, or when a place is free; its result is what the caller waits for. */
  #admit<R>(job: unknown, wait: Wait | undefined, start: () => Promise<R>): Promise<R> {
    countCall();
    try {
      checkFunction("job", job);
    } catch (error) {
      return refused(error);
    }
    try {
      if (wait !== undefined) enter(wait);
    } catch (error) {
      return observed(refused(error));
    }
    if (this.#closed) {
      // Not observed: spawning too late is a mistake.
      return refused(
        new ClosedError("the group is closed: it has been waited for, make a new one"),
      );
    }
    if (this.#ctx.done) {
      this.#stopped = true;
      return observed(refused(this.#ctx.cause));
    }
    if (this.#active < this.#limit) return observed(start());
    const node = new WaitNode(start);
    const started = observed(park<R>(this.#line, node, wait));
    if (node.list !== null) watch(scopeOf(this.#ctx, "ctx"), node);
    return started;
  }

  async #run<R>(job: Job<R>): Promise<R> {
    this.#active++;
    try {
      const value = await job(this.#ctx);
      // The task has ended in any case; only its caller goes on later.
      return holding ? ready(value) : value;
    } catch (error) {
      this.#failed(error);
      throw error;
    } finally {
      this.#active--;
      this.#next();
    }
  }

  #failed(error: unknown): void {
    // Both are the context's end passed on: the cause itself, and Go's `ctx.Err()`.
    if (this.#ctx.done && (error === this.#ctx.cause || error === this.#ctx.err)) {
      this.#stopped = true;
    } else {
      this.#errors.push(error);
      this.#ctx.cancel(error);
    }
  }

  /** A place is free. */
  #next(): void {
    const node = this.#line.head;
    if (node !== null && this.#active < this.#limit) {
      node.leave();
      node.settle((node.item as Start)());
    }
    this.#look();
  }

  /** Somebody who waited for a place has been cancelled, or the group was. */
  #leftLine(): void {
    if (this.#ctx.done) this.#stopped = true;
    this.#look();
  }

  /** If all is over, those who wait for that are told. */
  #look(): void {
    if (!this.#idle || this.#waiters.length === 0) return;
    this.#close();
    this.#waiters.settleAll(undefined);
  }

  #close(): void {
    this.#closed = true;
    this.#ctx.cancel();
  }
}
