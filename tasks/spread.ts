/**
 * The lines that tasks wait in for workers, by a strategy: whose a task joins, and from whose a worker
 * takes the next one.
 *
 * @module
 */
import { isParent } from "./nesting.ts";
import type { PoolTask } from "./pool_task.ts";
import type { Strategy } from "./strategies.ts";
import type { TaskLines } from "./task_lines.ts";
import type { Worker } from "./worker.ts";

export class Spread {
  /** The lines that all workers take from; null: each has its own. */
  readonly shared: TaskLines | null;
  readonly #strategy: Strategy;
  readonly #workers: readonly Worker[];
  readonly #make: () => TaskLines;

  /** `workers` is as it is at any time. */
  constructor(strategy: Strategy, workers: readonly Worker[], make: () => TaskLines) {
    this.#strategy = strategy;
    this.#workers = workers;
    this.#make = make;
    this.shared = strategy.shared ? make() : null;
  }

  /** A task stays in the queue that it is put into: there is more than one, and nobody steals. */
  get fixed(): boolean {
    return this.shared === null && this.#strategy.victim === undefined;
  }

  /** What a new worker takes from. */
  lines(): TaskLines {
    return this.shared ?? this.#make();
  }

  /** @throws RangeError if the strategy's answer is no worker, or what the strategy throws. */
  place(task: PoolTask): void {
    if (this.shared !== null) {
      this.shared.add(task);
      return;
    }
    const from = task.ancestor?.worker;
    const at = this.#strategy.place(
      this.#workers,
      from?.retired === false ? from.index : undefined,
    );
    let worker = this.#worker(at, "place");
    if (task.ancestor !== null && this.fixed) worker = this.#beside(at);
    worker.lines.add(task);
  }

  /** What a worker takes next of its own; it stays in line. */
  own(worker: Worker): PoolTask | undefined {
    return worker.lines.next(this.#strategy.takes === "newest");
  }

  /** What a worker that has nothing of its own takes next from another; it stays in line. */
  steal(thief: Worker): PoolTask | undefined {
    if (this.shared !== null || this.#strategy.victim === undefined) return undefined;
    try {
      const victim = this.#strategy.victim(this.#workers, thief.index);
      return victim === undefined ? undefined : this.#worker(victim, "victim").lines.next(false);
    } catch (error) {
      // Nobody waits for this call.
      reportError(error);
      return undefined;
    }
  }

  /**
   * Of the worker that the strategy has chosen and those after it, the first whose job does not itself
   * wait for a task: behind such a one a task that this waits for would never run.
   */
  #beside(at: number): Worker {
    const workers = this.#workers;
    for (let i = at; i < at + workers.length; i++) {
      const worker = workers[i % workers.length]!;
      if (!isParent(worker)) return worker;
    }
    return workers[at]!;
  }

  #worker(at: number, what: string): Worker {
    const worker = this.#workers[at];
    if (worker !== undefined) return worker;
    throw new RangeError(
      `${what} of strategy "${this.#strategy.name}" must give the index of a worker, from 0 to ` +
        `${this.#workers.length - 1}: ${at}`,
    );
  }
}
