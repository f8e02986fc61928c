/**
 * The ids that a queue remembers, each until its moment. Whoever adds one forgets some of those whose
 * moment is over, so that there are never many of them.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { stored } from "./exact_text.ts";

/** How many are forgotten for each that is added: more than one, so that they become fewer. */
const FORGOTTEN = 4;

export class KnownIds {
  readonly #queue: number;
  readonly #find: StatementSync;
  readonly #add: StatementSync;
  readonly #old: StatementSync;
  readonly #remove: StatementSync;

  constructor(db: DatabaseSync, queue: number) {
    this.#queue = queue;
    this.#find = db.prepare("SELECT until FROM known WHERE queue = ? AND id = ?");
    this.#add = db.prepare("INSERT OR REPLACE INTO known (queue, id, until) VALUES (?, ?, ?)");
    this.#old = db.prepare(
      `SELECT id FROM known INDEXED BY known_until WHERE queue = ? AND until <= ?
        ORDER BY until LIMIT ${FORGOTTEN}`,
    );
    this.#remove = db.prepare("DELETE FROM known WHERE queue = ? AND id = ?");
  }

  has(id: string, now: number): boolean {
    const found = this.#find.get(this.#queue, stored(id)) as { until: number } | undefined;
    return found !== undefined && found.until > now;
  }

  /** Within a transaction. */
  add(id: string, until: number, now: number): void {
    this.#add.run(this.#queue, stored(id), until);
    const old = this.#old.all(this.#queue, now) as { id: string }[];
    for (const { id } of old) this.#remove.run(this.#queue, id);
  }
}
