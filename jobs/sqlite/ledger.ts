/**
 * The counters of a queue and of its lanes: read when a transaction begins, changed in memory, and written
 * once when it ends. So no job costs a count, and a turn of many jobs costs one row.
 *
 * They are valid within a transaction alone: other processes change them between two.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { JobStats } from "../job_queue.ts";

/** The counters of one group. */
export interface Lane {
  ready: number;
  /** Leased, or given back with a delay that is not over. */
  leased: number;
  delayed: number;
  dead: number;
}

/** The counters of the queue. */
interface Totals {
  /** The number of the next job, or the place of one that is ready again. */
  next: number;
  unfinished: number;
  /** How often nothing was unfinished any more. */
  emptied: number;
  /** How often somebody knocked who waits for room. */
  knocks: number;
  /** Changes with the configuration. */
  revision: number;
}

export class Ledger {
  #totals: Totals = { next: 0, unfinished: 0, emptied: 0, knocks: 0, revision: 0 };
  readonly #lanes = new Map<number, Lane>();
  #changed = false;
  readonly #queue: number;
  readonly #readTotals: StatementSync;
  readonly #readLane: StatementSync;
  readonly #writeTotals: StatementSync;
  readonly #writeLane: StatementSync;

  constructor(db: DatabaseSync, queue: number) {
    this.#queue = queue;
    this.#readTotals = db.prepare(
      "SELECT next, unfinished, emptied, knocks, revision FROM queues WHERE id = ?",
    );
    this.#readLane = db.prepare("SELECT ready, leased, delayed, dead FROM lanes WHERE id = ?");
    this.#writeTotals = db.prepare(
      "UPDATE queues SET next = ?, unfinished = ?, emptied = ?, knocks = ? WHERE id = ?",
    );
    this.#writeLane = db.prepare(
      "UPDATE lanes SET ready = ?, leased = ?, delayed = ?, dead = ? WHERE id = ?",
    );
  }

  /** Forgets what it knew, and reads the counters of the queue. */
  open(): void {
    this.#lanes.clear();
    this.#changed = false;
    const totals = this.#readTotals.get(this.#queue) as Totals | undefined;
    if (totals === undefined) throw new Error("the queue is not in the file any more");
    this.#totals = totals;
  }

  get unfinished(): number {
    return this.#totals.unfinished;
  }

  get emptied(): number {
    return this.#totals.emptied;
  }

  get knocks(): number {
    return this.#totals.knocks;
  }

  get revision(): number {
    return this.#totals.revision;
  }

  /** A number that no job and no place has had. */
  number(): number {
    this.#changed = true;
    return this.#totals.next++;
  }

  /** One more is unfinished. */
  add(): void {
    this.#changed = true;
    this.#totals.unfinished++;
  }

  /** One is finished by its last group. */
  finish(): void {
    this.#changed = true;
    if (--this.#totals.unfinished === 0) this.#totals.emptied++;
  }

  /** Somebody waits for room: how often so far. */
  knock(): number {
    this.#changed = true;
    return ++this.#totals.knocks;
  }

  /** Whether some were ready at the last look: a guess, which spares one. */
  hadReady(id: number): boolean {
    return (this.#lanes.get(id)?.ready ?? 0) > 0;
  }

  /** The counters of a lane; whoever changes them calls `number`, `add`, `finish` or `touch`. */
  lane(id: number): Lane {
    let lane = this.#lanes.get(id);
    if (lane === undefined) {
      lane = this.#readLane.get(id) as Lane | undefined;
      if (lane === undefined) throw new Error("the group is not in the file any more");
      this.#lanes.set(id, lane);
    }
    return lane;
  }

  /** Something has changed. */
  touch(): void {
    this.#changed = true;
  }

  /** As a group sees it. */
  stats(id: number, capacity: number): JobStats {
    const { ready, leased, delayed, dead } = this.lane(id);
    return { ready, leased, delayed, unfinished: this.unfinished, dead, capacity };
  }

  /** Writes what has changed. */
  write(): void {
    if (!this.#changed) return;
    const { next, unfinished, emptied, knocks } = this.#totals;
    this.#writeTotals.run(next, unfinished, emptied, knocks, this.#queue);
    for (const [id, { ready, leased, delayed, dead }] of this.#lanes) {
      this.#writeLane.run(ready, leased, delayed, dead, id);
    }
  }
}
