/**
 * The tasks that run now, by id. An entry is removed on every way out, so that the registry holds
 * nothing of what has ended.
 *
 * @module
 */
import { background, withCancel } from "../context.ts";
import { checkFunction, checkOptionalString, checkOptions, show } from "../core/check.ts";
import type { Cancel, CancelContext, Context, Wait } from "../core/contract.ts";
import { WaitGroup } from "../sync/wait_group.ts";
import type { Job } from "./job.ts";

/**
 * What a task is called by.
 *
 * @example
 * ```ts
 * import { type TaskId, TaskRegistry } from "@sluice/sluice/tasks";
 *
 * const ids: TaskId[] = ["import", 7];
 * const registry = new TaskRegistry();
 * await Promise.all(ids.map((id) => registry.run(() => {}, { id })));
 * ```
 */
export type TaskId = string | number;

/**
 * How a task is registered.
 *
 * @example
 * ```ts
 * import { type TaskOptions, TaskRegistry } from "@sluice/sluice/tasks";
 * import { background } from "@sluice/sluice";
 *
 * const options: TaskOptions = { id: "import 7", name: "import", parent: background() };
 * await new TaskRegistry().run(() => {}, options);
 * ```
 */
export interface TaskOptions {
  /** A number that no other task has, if left out. */
  readonly id?: TaskId | undefined;
  /** For people to read. */
  readonly name?: string | undefined;
  /** Its end is that of the task's context. */
  readonly parent?: Cancel | undefined;
}

/**
 * A task that runs.
 *
 * @example
 * ```ts
 * import { type TaskInfo, TaskRegistry } from "@sluice/sluice/tasks";
 * import { assertEquals } from "@std/assert";
 *
 * const registry = new TaskRegistry();
 * using _ = registry.add({ id: 7, name: "import" });
 * const show = ({ id, name }: TaskInfo): string => `${id}: ${name}`;
 * assertEquals(registry.list().map(show), ["7: import"]);
 * ```
 */
export interface TaskInfo {
  /** Told apart from all that run now. */
  readonly id: TaskId;
  /** For people to read. */
  readonly name: string | undefined;
  /** When it was registered, in milliseconds since the epoch. */
  readonly startedAt: number;
  /** Ends when the task is cancelled, when its parent ends, and when the task has ended. */
  readonly ctx: Context;
}

/**
 * A task that runs, in the hands of whoever runs it. Disposing says that it has ended.
 *
 * @example
 * ```ts
 * import { TaskRegistry, type TrackedTask } from "@sluice/sluice/tasks";
 * import { assertEquals } from "@std/assert";
 *
 * const registry = new TaskRegistry();
 * {
 *   using task: TrackedTask = registry.add();
 *   assertEquals(registry.has(task.id), true);
 * }
 * assertEquals(registry.size, 0);
 * ```
 */
export interface TrackedTask extends TaskInfo, Disposable {}

class Entry implements TrackedTask {
  readonly id: TaskId;
  readonly name: string | undefined;
  readonly startedAt = Date.now();
  readonly ctx: CancelContext;
  #end: (() => void) | null;

  constructor(id: TaskId, name: string | undefined, parent: Cancel, end: () => void) {
    this.id = id;
    this.name = name;
    this.ctx = withCancel(parent);
    this.#end = end;
  }

  [Symbol.dispose](): void {
    const end = this.#end;
    this.#end = null;
    if (end === null) return;
    end();
    this.ctx.cancel();
  }
}

/**
 * The tasks that run now, by id: to look at them, to cancel one or all, and to wait until none runs.
 *
 * @example
 * ```ts
 * import { TaskRegistry } from "@sluice/sluice/tasks";
 * import { sleep } from "@sluice/sluice";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const registry = new TaskRegistry();
 * const importing = registry.run((ctx) => sleep(60_000, ctx), { id: "import" });
 * assertEquals(registry.list().map(({ id }) => id), ["import"]);
 *
 * registry.cancel("import", new Error("not needed"));
 * await assertRejects(() => importing, Error, "not needed");
 * await registry.wait();
 * assertEquals(registry.size, 0);
 * ```
 */
export class TaskRegistry implements Iterable<TaskInfo> {
  readonly #entries = new Map<TaskId, Entry>();
  readonly #running = new WaitGroup();
  #lastId = 0;

  /** How many run. */
  get size(): number {
    return this.#entries.size;
  }

  /** Whether a task of this id runs. */
  has(id: TaskId): boolean {
    return this.#entries.has(id);
  }

  /** The task of this id, if it runs. */
  get(id: TaskId): TaskInfo | undefined {
    return this.#entries.get(id);
  }

  /** Those that run now, oldest first. */
  list(): TaskInfo[] {
    return [...this.#entries.values()];
  }

  /** Those that run now, oldest first. */
  [Symbol.iterator](): IterableIterator<TaskInfo> {
    return this.list()[Symbol.iterator]();
  }

  /**
   * Registers a task until it is disposed: `using task = registry.add({ id })` is Go's
   * `tasks.Store(id, …); defer tasks.Delete(id)` on a `sync.Map`.
   *
   * @throws TypeError if a task of that id runs, or an option is not what it may be.
   */
  add(options: TaskOptions = {}): TrackedTask {
    checkOptions("options", options);
    const { id = this.#freeId(), name, parent = background() } = options;
    if (typeof id !== "string" && typeof id !== "number") {
      throw new TypeError(`id must be a string or a number, not ${show(id)}`);
    }
    checkOptionalString("name", name);
    if (this.#entries.has(id)) throw new TypeError(`a task with the id ${show(id)} runs already`);
    const entry = new Entry(id, name, parent, () => {
      this.#entries.delete(id);
      this.#running.done();
    });
    this.#entries.set(id, entry);
    this.#running.add();
    return entry;
  }

  /** Runs a task, registered as long as it runs, and gives its result. */
  async run<R>(job: Job<R>, options?: TaskOptions): Promise<R> {
    checkFunction("job", job);
    using task = this.add(options);
    task.ctx.throwIfDone();
    return await job(task.ctx);
  }

  /** Ends the context of the task of this id. false: none runs. */
  cancel(id: TaskId, cause?: unknown): boolean {
    const entry = this.#entries.get(id);
    entry?.ctx.cancel(cause);
    return entry !== undefined;
  }

  /** Ends the contexts of all tasks, and says how many those are. */
  cancelAll(cause?: unknown): number {
    const entries = [...this.#entries.values()];
    for (const { ctx } of entries) ctx.cancel(cause);
    return entries.length;
  }

  /** Waits until none runs. */
  wait(wait?: Wait): Promise<void> {
    return this.#running.wait(wait);
  }

  #freeId(): number {
    do this.#lastId++; while (this.#entries.has(this.#lastId));
    return this.#lastId;
  }
}
