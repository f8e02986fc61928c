import type { PoolTask } from "./pool_task.ts";
import type { WorkerLoad } from "./strategies.ts";
import type { TaskLines } from "./task_lines.ts";

/** One of a pool's workers: what waits for it, what it runs, and its figures. */
export class Worker implements WorkerLoad {
  /** Its index among the pool's workers; -1: it is none of them, and runs one task beside them. */
  index: number;
  readonly lines: TaskLines;
  task: PoolTask | null = null;
  busy = false;
  /** It has been taken off the pool, and ends when its task does. */
  retired = false;
  run = 0;
  stolen = 0;
  readonly #born = performance.now();
  #busySince = 0;
  #busyMs = 0;

  constructor(index: number, lines: TaskLines) {
    this.index = index;
    this.lines = lines;
  }

  get waiting(): number {
    return this.lines.length;
  }

  get running(): boolean {
    return this.busy;
  }

  /** It has something to do again. */
  begin(): void {
    this.busy = true;
    this.#busySince = performance.now();
  }

  /** It has nothing to do. */
  rest(): void {
    this.busy = false;
    this.#busyMs += performance.now() - this.#busySince;
  }

  /** The share of its life in which it was busy, from 0 to 1. */
  get busyShare(): number {
    const now = performance.now();
    const busy = this.#busyMs + (this.busy ? now - this.#busySince : 0);
    const life = now - this.#born;
    return life > 0 ? Math.min(1, busy / life) : 0;
  }
}
