import { type Owner, WaitList } from "../core/wait_list.ts";
import type { Clock } from "./clock.ts";
import type { PoolTask } from "./pool_task.ts";

/** How many lines are kept without a look at whether they are empty. */
const SPARE = 16;

/** The tasks of one priority, oldest first. */
class Line extends WaitList {
  readonly priority: number;

  constructor(owner: Owner, priority: number) {
    super(owner);
    this.priority = priority;
  }
}

/**
 * Tasks that wait, by priority: the highest leave first, and equal ones in the order in which they came.
 * With ageing, waiting is worth something: each `ageing` milliseconds count as one more of priority, so
 * that the low ones are not starved by a stream of high ones.
 */
export class TaskLines {
  /** Lowest priority first; the last one stays when it is empty. */
  #lines: Line[];
  readonly #owner: Owner;
  readonly #ageing: number;
  readonly #clock: Clock;
  /** With more lines than this the empty ones are dropped. */
  #limit = SPARE;

  constructor(owner: Owner, ageing: number, clock: Clock) {
    this.#owner = owner;
    this.#ageing = ageing;
    this.#clock = clock;
    this.#lines = [new Line(owner, 0)];
  }

  get length(): number {
    let length = 0;
    for (const line of this.#lines) length += line.length;
    return length;
  }

  /** As the last of its priority. */
  add(task: PoolTask): void {
    if (this.#ageing !== Infinity) task.since = this.#clock.now();
    this.#line(task.priority).push(task);
  }

  /** Which is next; it stays in line. undefined: there is none. */
  next(newest: boolean): PoolTask | undefined {
    const line = this.#ageing === Infinity ? this.#highest() : this.#mostUrgent();
    return (newest ? line.tail : line.head) as PoolTask | null ?? undefined;
  }

  /** All that wait, in no order. */
  *[Symbol.iterator](): Generator<PoolTask> {
    for (const line of this.#lines) yield* line.snapshot() as PoolTask[];
  }

  #highest(): Line {
    const lines = this.#lines;
    while (lines.length > 1 && lines[lines.length - 1]!.length === 0) lines.pop();
    return lines[lines.length - 1]!;
  }

  #mostUrgent(): Line {
    const now = this.#clock.now();
    let best = this.#highest();
    let urgency = -Infinity;
    for (const line of this.#lines) {
      if (line.head === null) continue;
      const waited = now - (line.head as PoolTask).since;
      const of = line.priority + waited / this.#ageing;
      if (of < urgency) continue;
      best = line;
      urgency = of;
    }
    return best;
  }

  /** Lines of which all tasks were cancelled are left behind if tasks above them never cease. */
  #tidy(keep: Line): void {
    this.#lines = this.#lines.filter((line) => line === keep || line.head !== null);
    this.#limit = 2 * this.#lines.length + SPARE;
  }

  /** The line of a priority, which is made if there is none. */
  #line(priority: number): Line {
    const lines = this.#lines;
    const last = lines[lines.length - 1]!;
    if (last.priority === priority) return last;
    let low = 0;
    let high = lines.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (lines[middle]!.priority < priority) low = middle + 1;
      else high = middle;
    }
    const found = lines[low];
    if (found?.priority === priority) return found;
    const line = new Line(this.#owner, priority);
    lines.splice(low, 0, line);
    if (lines.length > this.#limit) this.#tidy(line);
    return line;
  }
}
