import { brand } from "../core/brand.ts";

/**
 * A task has submitted another one to its own pool, all of whose workers run tasks that wait for such
 * ones: none of them would ever end.
 *
 * @example
 * ```ts
 * import { DeadlockError, WorkerPool } from "@sluice/sluice/tasks";
 * import { assertRejects } from "@std/assert";
 *
 * await using pool = new WorkerPool({ workers: 1 });
 * await assertRejects(() => pool.submit(() => pool.submit(() => 1)), DeadlockError);
 * ```
 */
export class DeadlockError extends Error {
  /** Stays the same over all versions. */
  readonly code = "SLUICE_DEADLOCK" as const;
  static {
    brand(this, "DeadlockError");
  }
}
