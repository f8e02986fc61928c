import type { Crew } from "./crew.ts";

/**
 * What one worker has done.
 *
 * @example
 * ```ts
 * import { WorkerPool, type WorkerStats } from "@sluice/sluice/tasks";
 *
 * await using pool = new WorkerPool({ workers: 2 });
 * const show = ({ run, busy }: WorkerStats): string => `${run} tasks, busy ${busy * 100} %`;
 * console.log(pool.stats().workers.map(show));
 * ```
 */
export interface WorkerStats {
  /** Whether it runs a task now. */
  readonly running: boolean;
  /** How many tasks wait in its own queue; 0 if all share one. */
  readonly waiting: number;
  /** How many attempts of tasks it has run. */
  readonly run: number;
  /** How many of those it took from another worker's queue. */
  readonly stolen: number;
  /** The share of its life, from 0 to 1, in which it ran something. */
  readonly busy: number;
}

/**
 * How a pool or a scheduler is doing.
 *
 * @example
 * ```ts
 * import { type PoolStats, WorkerPool } from "@sluice/sluice/tasks";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new WorkerPool();
 * await pool.submit(() => "done");
 * const { fulfilled, rejected, waiting }: PoolStats = pool.stats();
 * assertEquals([fulfilled, rejected, waiting], [1, 0, 0]);
 * ```
 */
export interface PoolStats {
  /** The name of its strategy. */
  readonly strategy: string;
  /** How many tasks run. */
  readonly running: number;
  /** How many tasks are in queues, wait for room, or for their next attempt or their time. */
  readonly waiting: number;
  /** How many tasks have ended well. */
  readonly fulfilled: number;
  /** How many have failed, were cancelled, or refused. */
  readonly rejected: number;
  /** Each worker. */
  readonly workers: readonly WorkerStats[];
}

/** The figures of a crew. */
export function statsOf(crew: Crew): PoolStats {
  const { strategy } = crew.options;
  return {
    strategy: strategy.name,
    running: crew.running,
    waiting: crew.pending + crew.outside,
    fulfilled: crew.fulfilled,
    rejected: crew.rejected,
    workers: crew.workers.map(({ busy, waiting, run, stolen, busyShare }) => ({
      running: busy,
      waiting: strategy.shared ? 0 : waiting,
      run,
      stolen,
      busy: busyShare,
    })),
  };
}
