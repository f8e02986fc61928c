/**
 * The dead letters of a file, as steps of a transaction; what only reads needs none.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Buried } from "../engine.ts";
import { restored, stored } from "./exact_text.ts";
import type { Ledger } from "./ledger.ts";

const COLUMNS = "position, id, level, attempts, reason, at, body AS payload";

export class Graveyard {
  readonly #ledger: Ledger;
  readonly #page: StatementSync;
  readonly #last: StatementSync;
  readonly #revive: StatementSync;
  readonly #remove: StatementSync;

  constructor(db: DatabaseSync, ledger: Ledger) {
    this.#ledger = ledger;
    this.#page = db.prepare(
      `SELECT ${COLUMNS} FROM dead WHERE lane = ? AND position > ? ORDER BY position LIMIT 0 + ?`,
    );
    this.#last = db.prepare(
      `SELECT ${COLUMNS} FROM dead WHERE lane = ? AND id = ? ORDER BY position DESC LIMIT 1`,
    );
    this.#revive = db.prepare(
      `INSERT INTO jobs (seq, lane, level, place, attempt, state, id, body)
        SELECT ?, lane, level, ?, 0, 0, id, body FROM dead WHERE position = ?`,
    );
    this.#remove = db.prepare("DELETE FROM dead WHERE position = ?");
  }

  page(lane: number, after: number, limit: number): Buried[] {
    return (this.#page.all(lane, after, limit) as unknown as Buried[]).map(exact);
  }

  /** The last with this id. */
  find(lane: number, id: string): Buried | undefined {
    const found = this.#last.get(lane, stored(id)) as Buried | undefined;
    return found && exact(found);
  }

  /** A new job of this lane alone. There is one with this id, and there is room. */
  revive(lane: number, { position }: Buried): void {
    const seq = this.#ledger.number();
    this.#revive.run(seq, seq, position);
    this.#ledger.lane(lane).ready++;
    this.#ledger.add();
    this.#drop(lane, position);
  }

  /** Forgets it. false: there is none. */
  remove(lane: number, id: string): boolean {
    const found = this.find(lane, id);
    if (found === undefined) return false;
    this.#drop(lane, found.position);
    return true;
  }

  #drop(lane: number, position: number): void {
    this.#remove.run(position);
    this.#ledger.lane(lane).dead--;
    this.#ledger.touch();
  }
}

function exact({ position, id, level, attempts, reason, at, payload }: Buried): Buried {
  return {
    position,
    id: restored(id),
    level,
    attempts,
    reason: restored(reason),
    at,
    payload: typeof payload === "string" ? restored(payload) : payload,
  };
}
