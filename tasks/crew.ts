/**
 * The engine of pools and schedulers: workers, the lines that tasks wait in for them, and who takes
 * what.
 *
 * Invariants:
 * - Submitting only puts a task in line; tasks start in a microtask of their own. So of what is
 *   submitted in one go the most urgent starts first.
 * - A task is run by one worker at a time, and its promise always settles: by what it gives, by its
 *   caller's context, or by the end of the crew.
 * - A worker is busy until its job has ended, also if nobody waits for that any more: never do more
 *   jobs run than there are workers.
 *
 * @module
 */
import type { Wait } from "../core/contract.ts";
import { ClosedError } from "../core/errors.ts";
import { NOTHING } from "../core/nothing.ts";
import { type Endable, type Link, type Sequel, watch } from "../core/scope.ts";
import type { ScopedContext } from "../core/scoped_context.ts";
import { tryOrPark } from "../core/try_or_park.ts";
import { countCall, holding, ready } from "../core/turn.ts";
import { hang, scopeKey } from "../core/wait.ts";
import { type Owner, WaitList } from "../core/wait_list.ts";
import type { Clock } from "./clock.ts";
import { DeadlockError } from "./errors.ts";
import { adopt, isParent, runWithin } from "./nesting.ts";
import type { PoolTask, TaskOwner } from "./pool_task.ts";
import { Spread } from "./spread.ts";
import type { Strategy } from "./strategies.ts";
import { TaskLines } from "./task_lines.ts";
import { Worker } from "./worker.ts";

/** What a task that its pool could only wait for for ever is to become. */
export type Nested = "reject" | "inline" | "queue";

/** How a crew is to be. All is checked by those who make one. */
export interface CrewOptions {
  /** What errors call it. */
  readonly label: string;
  /** Ends with the crew, and the crew with it. */
  readonly ctx: ScopedContext;
  readonly workers: number;
  readonly strategy: Strategy;
  readonly capacity: number;
  readonly nested: Nested;
  /** How many milliseconds of waiting are worth one more of priority; Infinity: waiting is not. */
  readonly ageing: number;
  /** The clock of ageing, and of what is put off. */
  readonly clock: Clock;
}

export class Crew implements Owner, TaskOwner, Endable {
  links: Link | null = null;
  readonly options: CrewOptions;
  readonly workers: Worker[] = [];
  /** How many tasks are in the workers' lines. */
  waiting = 0;
  fulfilled = 0;
  rejected = 0;
  paused = false;
  /** No more tasks are accepted. */
  closed = false;
  readonly #spread: Spread;
  /**
   * Its jobs run within an async storage of their task. That is most of what a small task costs, so it
   * is left out where nobody asks: not for deadlocks, nor for the worker that a task comes from.
   */
  readonly #watched: boolean;
  /** How many workers are not busy. */
  #idle = 0;
  /** Those that run a job, retired ones too. */
  readonly #busyWorkers = new Set<Worker>();
  /** How many of them are retired. While there are some, all others are busy. */
  #leaving = 0;
  /** A microtask that starts tasks is on its way. */
  #scheduled = false;
  /** Those for which there is no room. */
  readonly #outside: WaitList = new WaitList(this);
  /** Those that failed, and wait for their next attempt. */
  readonly #delayed: WaitList = new WaitList(this);
  readonly #drained = new WaitList();
  readonly #roomy = new WaitList();

  constructor(options: CrewOptions) {
    this.options = options;
    this.#spread = new Spread(options.strategy, this.workers, () => this.#lines());
    this.#watched = options.nested !== "queue" || this.#spread.shared === null;
    this.resize(options.workers);
    watch(options.ctx[scopeKey], this);
  }

  /** How many jobs run. */
  get running(): number {
    return this.#busyWorkers.size;
  }

  /** How many tasks are accepted and do not run: in line, or between two attempts. */
  get pending(): number {
    return this.waiting + this.#delayed.length;
  }

  /** How many tasks wait for room. */
  get outside(): number {
    return this.#outside.length;
  }

  /** A task would have to wait for room. Those that an idle worker is about to take need none. */
  get full(): boolean {
    return this.#outside.length > 0 || this.#crowded;
  }

  get #crowded(): boolean {
    return this.waiting - (this.paused ? 0 : this.#idle) >= this.options.capacity;
  }

  /**
   * Takes a task in. What its caller gave to end it early has not ended.
   *
   * @throws ClosedError, DeadlockError, the cause if the crew's context has ended, or what a strategy
   * throws; then the task is to be failed with that.
   */
  add(task: PoolTask): void {
    this.refuse();
    if (this.#isStuck(task)) {
      if (this.options.nested === "inline") {
        this.#hang(task);
        if (task.over) return;
        const helper = new Worker(-1, this.#lines());
        helper.retired = true;
        void this.#work(helper, task);
        return;
      }
      throw new DeadlockError(
        `${this.options.label} is full of tasks that wait for tasks of their own, as this one would: ` +
          "use more workers, or another pool for these; " +
          '`nested: "inline"` runs them at once, `nested: "queue"` is for tasks that do not wait',
      );
    }
    // Behind its parent there may be tasks that take up the room which this one would wait for.
    const needed = task.ancestor !== null && this.#spread.fixed;
    if (this.full && !needed) this.#outside.push(task);
    else this.#place(task);
    this.#hang(task);
  }

  /** Whether a task is to be put in line later. */
  isDelayed({ list }: PoolTask): boolean {
    return list === this.#delayed;
  }

  /** A task that has not started gets another priority; of a crew with one queue. */
  move(task: PoolTask, priority: number): void {
    const { list } = task;
    task.priority = priority;
    if (list === this.#outside || list === this.#delayed) return;
    list!.remove(task);
    this.#spread.shared!.add(task);
  }

  /** Takes a task in that is to be put in line later. */
  addLater(task: PoolTask, ms: number): void {
    this.refuse();
    this.#delay(task, ms);
    this.#hang(task);
  }

  /** Starts no more tasks. */
  pause(): void {
    this.paused = true;
  }

  /** Starts tasks again. */
  resume(): void {
    this.paused = false;
    this.#admit();
    this.#schedule();
    this.#look();
  }

  /** Workers that are taken off hand their tasks to the others; the first whose jobs end leave. */
  resize(count: number): void {
    const { workers } = this;
    while (workers.length < count) {
      const back = this.#retired();
      if (back !== undefined) {
        this.#leaving--;
        back.retired = false;
        back.index = workers.length;
        workers.push(back);
        continue;
      }
      workers.push(new Worker(workers.length, this.#spread.lines()));
      this.#idle++;
    }
    this.#keepBusy(count);
    const left = workers.splice(count);
    for (const worker of left) {
      worker.retired = true;
      if (worker.busy) this.#leaving++;
      else this.#idle--;
      if (this.#spread.shared !== null) continue;
      for (const task of worker.lines) {
        task.list!.remove(task);
        this.waiting--;
        this.#tryPlace(task);
      }
    }
    this.#admit();
    this.#schedule();
    this.#look();
  }

  /** Resolves when no task waits or runs. */
  drain(wait: Wait | undefined): Promise<void> {
    return tryOrPark<void>(this.#drained, wait, () => this.#over ? undefined : NOTHING);
  }

  /** Resolves when a task would not have to wait for room. */
  room(wait: Wait | undefined): Promise<void> {
    return tryOrPark<void>(this.#roomy, wait, () => {
      this.refuse();
      return this.full ? NOTHING : undefined;
    });
  }

  /** Accepts no more tasks, and resolves when the last one has ended. */
  finish(wait: Wait | undefined): Promise<void> {
    this.#close();
    if (this.paused) this.resume();
    else this.#look();
    return this.drain(wait);
  }

  /** Rejects all tasks that wait or run, ends their contexts, and resolves when the jobs have ended. */
  drop(wait: Wait | undefined): Promise<void> {
    this.#close();
    this.options.ctx.cancel(this.#refusal());
    return this.drain(wait);
  }

  /** The crew's context has ended. */
  end(cause: unknown): Sequel {
    return { follow: () => this.#dropAll(cause) };
  }

  /** Somebody has left a line without having been served. */
  left(): void {
    this.#admit();
    this.#look();
  }

  unqueued({ list }: PoolTask): void {
    if (list !== this.#outside && list !== this.#delayed) this.waiting--;
  }

  settled(task: PoolTask, ok: boolean): void {
    if (ok) this.fulfilled++;
    else this.rejected++;
    const { ancestor } = task;
    if (ancestor === null) return;
    task.ancestor = null;
    ancestor.children--;
  }

  /** @throws ClosedError, or the cause if the context has ended. */
  refuse(): void {
    if (this.closed) throw this.#refusal();
    this.options.ctx.throwIfDone();
  }

  /** Nothing waits or runs. */
  get #over(): boolean {
    return this.running + this.pending + this.#outside.length === 0;
  }

  #lines(): TaskLines {
    return new TaskLines(this, this.options.ageing, this.options.clock);
  }

  #refusal(): ClosedError {
    return new ClosedError(`${this.options.label} is shut down: it takes no more tasks`);
  }

  #close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#roomy.failAll(this.#refusal());
  }

  /** Lets what its caller gave end the task. */
  #hang(task: PoolTask): void {
    const wait = task.plan?.wait;
    if (wait !== undefined) hang(task, wait);
  }

  /** Notes who has submitted the task. true: if all who have submitted tasks wait, nobody runs it. */
  #isStuck(task: PoolTask): boolean {
    if (!this.#watched || !adopt(task)) return false;
    // Those that were taken off, and those beside them, take no more tasks.
    return this.options.nested !== "queue" && this.#idle === 0 && this.workers.every(isParent);
  }

  /** The idle ones are taken off first: beside busy ones that were, more jobs would run than before. */
  #keepBusy(count: number): void {
    const { workers } = this;
    let from = workers.length;
    for (let at = 0; at < count; at++) {
      const idle = workers[at]!;
      if (idle.busy) continue;
      while (--from >= count && !workers[from]!.busy);
      if (from < count) return;
      const busy = workers[from]!;
      workers[at] = busy;
      workers[from] = idle;
      busy.index = at;
      idle.index = from;
    }
  }

  /** A worker whose job has ended leaves in place of one that was taken off, and is busy still. */
  #leaveFirst(worker: Worker): void {
    const other = this.#retired()!;
    other.retired = false;
    other.index = worker.index;
    this.workers[other.index] = other;
    worker.retired = true;
    if (this.#spread.shared !== null) return;
    for (const task of worker.lines) {
      task.list!.remove(task);
      other.lines.add(task);
    }
  }

  /** A worker that was taken off, and is busy still. */
  #retired(): Worker | undefined {
    for (const worker of this.#busyWorkers) {
      if (worker.retired && worker.index >= 0) return worker;
    }
    return undefined;
  }

  // ---- lines ----

  /** @throws RangeError if the strategy's answer is no worker, or what the strategy throws. */
  #place(task: PoolTask): void {
    this.#spread.place(task);
    this.waiting++;
    this.#schedule();
  }

  #tryPlace(task: PoolTask): void {
    try {
      this.#place(task);
    } catch (error) {
      task.fail(error);
    }
  }

  /** Lets those in who wait for room, as far as there is some. */
  #admit(): void {
    while (this.#outside.head !== null && !this.#crowded) {
      const task = this.#outside.head as PoolTask;
      this.#outside.remove(task);
      this.#tryPlace(task);
    }
    if (this.#roomy.length > 0 && !this.full) this.#roomy.settleAll(undefined);
  }

  /** Puts a task in line later. */
  #delay(task: PoolTask, ms: number): void {
    this.#delayed.push(task);
    task.timer = this.options.clock.after(ms, () => {
      task.timer = null;
      this.#delayed.remove(task);
      this.#tryPlace(task);
      this.#look();
    });
  }

  /** If nothing waits or runs, those who wait for that are told. */
  #look(): void {
    if (!this.#over) return;
    this.#drained.settleAll(undefined);
    if (this.closed) this.options.ctx.cancel(this.#refusal());
  }

  #dropAll(cause: unknown): void {
    this.#roomy.failAll(cause);
    this.#outside.failAll(cause);
    this.#delayed.failAll(cause);
    for (const { lines } of this.workers) {
      for (const task of lines) {
        this.waiting--;
        task.leave();
        task.fail(cause);
      }
    }
    for (const { task } of this.#busyWorkers) task?.fail(cause);
    this.#look();
  }

  // ---- workers ----

  #schedule(): void {
    if (this.#scheduled || this.#idle === 0 || this.paused || this.waiting === 0) return;
    this.#scheduled = true;
    queueMicrotask(() => this.#start());
  }

  /** Idle workers take what there is. */
  #start(): void {
    this.#scheduled = false;
    for (let i = 0; i < this.workers.length && this.waiting > 0; i++) {
      const worker = this.workers[i]!;
      if (worker.busy) continue;
      const task = this.#next(worker);
      if (task === undefined) continue;
      this.#idle--;
      void this.#work(worker, task);
    }
  }

  /** Takes the next task out of line for a worker. */
  #next(worker: Worker): PoolTask | undefined {
    const { ctx } = this.options;
    while (this.waiting > 0 && !this.paused && !worker.retired && !ctx.done) {
      const own = this.#spread.own(worker);
      const task = own ?? this.#spread.steal(worker);
      if (task === undefined) return undefined;
      // Its time may be up before its timer could tell; then looking ends it.
      if (task.expired) continue;
      task.list!.remove(task);
      task.worker = worker;
      this.waiting--;
      if (own === undefined) worker.stolen++;
      return task;
    }
    return undefined;
  }

  async #work(worker: Worker, first: PoolTask): Promise<void> {
    worker.begin();
    this.#busyWorkers.add(worker);
    for (let task: PoolTask | undefined = first; task !== undefined;) {
      worker.run++;
      worker.task = task;
      task.running = true;
      try {
        const value = await runWithin(task, this.#run, this.#watched);
        this.#ended(task);
        task.settle(value);
      } catch (error) {
        this.#ended(task);
        this.#failed(task, error);
      }
      countCall();
      if (holding) await ready(undefined);
      if (this.#leaving > 0 && !worker.retired) this.#leaveFirst(worker);
      task = this.#next(worker);
      this.#admit();
    }
    worker.task = null;
    worker.rest();
    this.#busyWorkers.delete(worker);
    if (!worker.retired) this.#idle++;
    else if (worker.index >= 0) this.#leaving--;
    this.#admit();
    this.#look();
  }

  readonly #run = (task: PoolTask): unknown => task.run(this.options.ctx);

  /** The job of a task has ended. */
  #ended(task: PoolTask): void {
    task.running = false;
    task.stop();
  }

  #failed(task: PoolTask, error: unknown): void {
    let ms: number | undefined;
    try {
      if (!this.options.ctx.done) ms = task.again(error);
    } catch (thrown) {
      // A function of the user's that was to say what becomes of it.
      error = thrown;
    }
    if (ms === undefined) task.fail(error);
    else this.#delay(task, ms);
  }
}
