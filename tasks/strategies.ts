/**
 * How a pool spreads its tasks over its workers.
 *
 * @module
 */
import { show } from "../core/check.ts";
import { below } from "../core/random.ts";
import { SmoothTurns } from "../core/smooth_turns.ts";

/**
 * What a strategy sees of a worker.
 *
 * @example
 * ```ts
 * import type { WorkerLoad } from "@sluice/sluice/tasks";
 *
 * const load = ({ waiting, running }: WorkerLoad): number => waiting + (running ? 1 : 0);
 * console.log(load({ waiting: 2, running: true }));
 * ```
 */
export interface WorkerLoad {
  /** How many tasks wait in its queue. */
  readonly waiting: number;
  /** Whether it runs one. */
  readonly running: boolean;
}

/**
 * How a pool spreads its tasks over its workers. A strategy may keep state of its own, so each pool
 * needs one of its own. Its functions are called with the workers as they are now, and must not use
 * the pool; an answer that is no index of a worker is a RangeError.
 *
 * @example
 * ```ts
 * import { type Strategy, WorkerPool } from "@sluice/sluice/tasks";
 *
 * // Everything to the first worker; the others help out when they have nothing to do.
 * const first: Strategy = {
 *   name: "first",
 *   place: () => 0,
 *   victim: (workers) => workers[0]!.waiting > 0 ? 0 : undefined,
 * };
 * await using pool = new WorkerPool({ workers: 2, strategy: first });
 * ```
 */
export interface Strategy {
  /** Named in statistics. */
  readonly name: string;
  /** All workers take from one queue, oldest first; `place` and `victim` are not asked. */
  readonly shared?: boolean | undefined;
  /** Which of its own tasks a worker takes next, among those of the highest priority. */
  readonly takes?: "oldest" | "newest" | undefined;
  /** How many workers the pool must have; any number if left out. */
  readonly workers?: number | undefined;
  /**
   * The index of the worker whose queue a task joins. `from` is the worker whose task has submitted
   * it, if that is known.
   */
  place(workers: readonly WorkerLoad[], from: number | undefined): number;
  /** The index of a worker from whose queue an idle one takes the oldest task; undefined: none. */
  victim?(workers: readonly WorkerLoad[], thief: number): number | undefined;
}

/**
 * One queue for all workers: whoever is free takes the oldest task. No task waits while a worker is
 * idle, and all start in the order in which they came. What a pool does if nothing else is said.
 *
 * @example
 * ```ts
 * import { sharedQueue, WorkerPool } from "@sluice/sluice/tasks";
 *
 * await using pool = new WorkerPool({ workers: 4, strategy: sharedQueue() });
 * ```
 */
export function sharedQueue(): Strategy {
  return { name: "shared queue", shared: true, place: () => 0 };
}

/**
 * To each worker in turn. It needs no look at the workers, and spreads tasks of equal length evenly; a
 * task behind a long one waits, even if other workers are idle.
 *
 * @example
 * ```ts
 * import { roundRobin, WorkerPool } from "@sluice/sluice/tasks";
 *
 * await using pool = new WorkerPool({ workers: 4, strategy: roundRobin() });
 * ```
 */
export function roundRobin(): Strategy {
  let next = 0;
  return { name: "round robin", place: (workers) => next++ % workers.length };
}

/**
 * Each worker has a queue of its own, and one that has nothing to do steals. The owner takes the newest
 * task, whose data are warm, a thief the oldest of the longest queue. What a task submits goes to the
 * queue of its worker, other tasks to each in turn.
 *
 * @example
 * ```ts
 * import { WorkerPool, workStealing } from "@sluice/sluice/tasks";
 *
 * await using pool = new WorkerPool({ workers: 4, strategy: workStealing() });
 * ```
 */
export function workStealing(): Strategy {
  let next = 0;
  return {
    name: "work stealing",
    takes: "newest",
    place: (workers, from) => from ?? next++ % workers.length,
    victim(workers) {
      const longest = extreme(workers, ({ waiting }) => -waiting);
      return workers[longest]!.waiting > 0 ? longest : undefined;
    },
  };
}

/**
 * A dispatcher that knows how loaded each worker is: a task goes to the one with the fewest that wait
 * and run, of several to any. It costs a look at all workers for each task.
 *
 * @example
 * ```ts
 * import { central, WorkerPool } from "@sluice/sluice/tasks";
 *
 * await using pool = new WorkerPool({ workers: 4, strategy: central() });
 * ```
 */
export function central(): Strategy {
  return {
    name: "central",
    place: (workers) => extreme(workers, ({ waiting, running }) => waiting + (running ? 1 : 0)),
  };
}

/**
 * By shares: with `weighted([90, 10])` nine of ten tasks go to the first of two workers, and the tenth
 * to the other, spread evenly. A weight of 0 gets none.
 *
 * @example
 * ```ts
 * import { weighted, WorkerPool } from "@sluice/sluice/tasks";
 *
 * await using pool = new WorkerPool({ workers: 2, strategy: weighted([90, 10]) });
 * ```
 *
 * @throws TypeError or RangeError if a weight is no number of at least 0, or none is more.
 */
export function weighted(weights: readonly number[]): Strategy {
  if (!Array.isArray(weights)) {
    throw new TypeError(`weights must be a list of numbers, not ${show(weights)}`);
  }
  const turns = new SmoothTurns([...weights]);
  return { name: "weighted", workers: weights.length, place: () => turns.next() };
}

/** The index of one with the least figure, each of several as likely. */
function extreme(workers: readonly WorkerLoad[], figure: (worker: WorkerLoad) => number): number {
  let best = 0;
  let least = Infinity;
  let equals = 0;
  for (let i = 0; i < workers.length; i++) {
    const of = figure(workers[i]!);
    if (of < least) {
      best = i;
      least = of;
      equals = 1;
    } else if (of === least && below(++equals) === 0) {
      best = i;
    }
  }
  return best;
}
