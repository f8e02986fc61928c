/**
 * One queue in one file, open: its transactions, and all that can be done within them.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { show } from "../../core/check.ts";
import { JobQueueError } from "../errors.ts";
import { enterQueue, readQueue, type StoredQueue } from "./configuration.ts";
import type { JobSettings } from "../job_options.ts";
import { Graveyard } from "./graveyard.ts";
import { KnownIds } from "./known_ids.ts";
import { Ledger } from "./ledger.ts";
import { openFile, type Synchronous } from "./schema.ts";
import { Shelf } from "./shelf.ts";

/** How a file is opened. */
export interface FileOptions {
  readonly file: string;
  readonly settings: JobSettings;
  readonly synchronous: Synchronous;
  readonly update: boolean;
}

export class JobFile {
  readonly path: string;
  readonly ledger: Ledger;
  readonly shelf: Shelf;
  readonly graveyard: Graveyard;
  readonly known: KnownIds;
  #queue: StoredQueue;
  #lanes: readonly number[];
  readonly #name: string;
  readonly #db: DatabaseSync;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #rollback: StatementSync;
  readonly #version: StatementSync;
  #seen: unknown;

  private constructor(path: string, name: string, db: DatabaseSync, queue: StoredQueue) {
    this.path = path;
    this.#name = name;
    this.#db = db;
    this.#queue = queue;
    this.#lanes = [...queue.lanes.values()];
    this.#begin = db.prepare("BEGIN IMMEDIATE");
    this.#commit = db.prepare("COMMIT");
    this.#rollback = db.prepare("ROLLBACK");
    this.#version = db.prepare("PRAGMA data_version");
    this.ledger = new Ledger(db, queue.id);
    this.shelf = new Shelf(db, this.ledger);
    this.graveyard = new Graveyard(db, this.ledger);
    this.known = new KnownIds(db, queue.id);
    this.hasChanged();
  }

  /** Opens it, or makes it. Throws what SQLite does, or a JobQueueError. */
  static open({ file, settings, synchronous, update }: FileOptions): JobFile {
    const db = openFile(file, synchronous);
    try {
      db.prepare("BEGIN IMMEDIATE").run();
      const queue = enterQueue(db, settings, update);
      db.prepare("COMMIT").run();
      return new JobFile(file, settings.name, db, queue);
    } catch (error) {
      // What was begun ends with it.
      db.close();
      throw error;
    }
  }

  /** What the queue is stored with, as of the last look. */
  get queue(): StoredQueue {
    return this.#queue;
  }

  /** The numbers of all groups. */
  get lanes(): readonly number[] {
    return this.#lanes;
  }

  get isFull(): boolean {
    return this.ledger.unfinished >= this.#queue.capacity;
  }

  /** The number of a group. Throws if it has been removed. */
  lane(group: string): number {
    const lane = this.#queue.lanes.get(group);
    if (lane !== undefined) return lane;
    const message = `group ${show(group)} has been removed from the stored queue ${
      show(this.#name)
    }: open it with the groups that it has`;
    throw new JobQueueError(message, "mismatch");
  }

  /** Whether some that were not ready are. */
  isDue(lane: number, now: number): boolean {
    const soonest = this.shelf.soonest(lane);
    return soonest !== undefined && soonest <= now;
  }

  /** Reads the counters, without a lock. */
  look(): void {
    this.ledger.open();
    if (this.ledger.revision !== this.#queue.revision) this.#reload();
  }

  /** Begins to write: throws at once, nearly, if somebody else does. */
  begin(): void {
    this.#begin.run();
    this.look();
  }

  /** What was written is stored when it returns. */
  commit(): void {
    this.ledger.write();
    this.#commit.run();
  }

  /** Nothing was written. */
  rollback(): void {
    // Some failures have done so.
    if (this.#db.isTransaction) this.#rollback.run();
  }

  /** Whether somebody else has written since the last call. */
  hasChanged(): boolean {
    const seen = this.#version.get()!["data_version"];
    const changed = seen !== this.#seen;
    this.#seen = seen;
    return changed;
  }

  /** Lets go of it; the last to do so puts all that was written into the file itself. */
  close(): void {
    this.#db.close();
  }

  /** Another handle has opened the queue with other options. */
  #reload(): void {
    const queue = readQueue(this.#db, this.#name);
    if (queue === undefined) throw new Error("the queue is not in the file any more");
    this.#queue = queue;
    this.#lanes = [...queue.lanes.values()];
  }
}
