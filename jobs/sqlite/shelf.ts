/**
 * The jobs of a file, as steps of a transaction that somebody else begins and ends.
 *
 * - A job is found by its number alone once it is handed out; a lease is known by number and attempt.
 * - Each step costs a few rows found by an index, whatever the backlog.
 * - The counters are kept beside it, in the ledger.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Payload } from "../codec.ts";
import type { NewJob, Verdict } from "../engine.ts";
import { restored, stored } from "./exact_text.ts";
import type { Ledger } from "./ledger.ts";

/** A job that was taken from the shelf. */
export interface ShelfJob {
  readonly seq: number;
  readonly level: number;
  readonly attempt: number;
  /** The number of the body that it shares with other lanes. */
  readonly shared: number | null;
  readonly id: string;
  readonly body: Payload;
}

/** What makes a lease. */
export type LeaseKey = Pick<ShelfJob, "seq" | "attempt" | "shared">;

const READY = 0;
const DELAYED = 1;
const LEASED = 2;
const RESTING = 3;

/**
 * A limit that is given. SQLite plans anew for each value of a plain `LIMIT ?`, which costs 20 to 40 µs;
 * of a sum it thinks nothing.
 */
const LIMIT = "LIMIT 0 + ?";

const BODY = "coalesce(body, (SELECT body FROM bodies WHERE bodies.id = jobs.shared))";
/** Number, attempt, now: the lease has not ended. */
const HELD = `seq = ? AND attempt = ? AND state = ${LEASED} AND due > ?`;

export class Shelf {
  readonly #ledger: Ledger;
  readonly #insert: StatementSync;
  readonly #share: StatementSync;
  readonly #first: StatementSync;
  readonly #lease: StatementSync;
  readonly #soonest: StatementSync;
  readonly #due: StatementSync;
  readonly #wake: StatementSync;
  readonly #removeHeld: StatementSync;
  readonly #find: StatementSync;
  readonly #remove: StatementSync;
  readonly #giveBack: StatementSync;
  readonly #extend: StatementSync;
  readonly #bury: StatementSync;
  readonly #pay: StatementSync;
  readonly #dropBody: StatementSync;

  constructor(db: DatabaseSync, ledger: Ledger) {
    this.#ledger = ledger;
    this.#insert = db.prepare(
      `INSERT INTO jobs (seq, lane, level, place, due, attempt, state, shared, id, body)
        VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?)`,
    );
    this.#share = db.prepare("INSERT INTO bodies (id, owed, body) VALUES (?, ?, ?)");
    this.#first = db.prepare(
      `SELECT seq, level, attempt, shared, id, ${BODY} AS body FROM jobs INDEXED BY jobs_ready
        WHERE lane = ? AND place IS NOT NULL ORDER BY level, place ${LIMIT}`,
    );
    this.#lease = db.prepare(
      `UPDATE jobs SET place = NULL, due = ?, attempt = ?, state = ${LEASED} WHERE seq = ?`,
    );
    this.#soonest = db.prepare(
      `SELECT due FROM jobs INDEXED BY jobs_due WHERE lane = ? AND due IS NOT NULL
        ORDER BY due LIMIT 1`,
    );
    this.#due = db.prepare(
      `SELECT seq, state FROM jobs INDEXED BY jobs_due WHERE lane = ? AND due <= ?
        ORDER BY due, seq ${LIMIT}`,
    );
    this.#wake = db.prepare(
      `UPDATE jobs SET place = ?, due = NULL, state = ${READY} WHERE seq = ?`,
    );
    this.#removeHeld = db.prepare(`DELETE FROM jobs WHERE ${HELD}`);
    this.#find = db.prepare("SELECT state FROM jobs WHERE seq = ?");
    this.#remove = db.prepare("DELETE FROM jobs WHERE seq = ?");
    this.#giveBack = db.prepare(`UPDATE jobs SET place = ?, due = ?, state = ? WHERE ${HELD}`);
    this.#extend = db.prepare(`UPDATE jobs SET due = ? WHERE ${HELD}`);
    this.#bury = db.prepare(
      `INSERT INTO dead (position, lane, id, level, attempts, reason, at, body)
        SELECT ?, lane, id, level, attempt, ?, ?, ${BODY} FROM jobs WHERE ${HELD}`,
    );
    this.#pay = db.prepare("UPDATE bodies SET owed = owed - 1 WHERE id = ? RETURNING owed");
    this.#dropBody = db.prepare("DELETE FROM bodies WHERE id = ?");
  }

  /** Adds a job for each of the lanes. */
  put({ id, payload, level, delay }: NewJob, lanes: readonly number[], now: number): void {
    const ledger = this.#ledger;
    const body = typeof payload === "string" ? stored(payload) : payload as Uint8Array;
    const name = stored(id);
    const seq = ledger.number();
    const shared = lanes.length > 1 ? seq : null;
    if (shared !== null) this.#share.run(shared, lanes.length, body);
    const own = shared === null ? body : null;
    const [due, state] = delay > 0 ? [now + delay, DELAYED] : [null, READY];
    for (const [at, id] of lanes.entries()) {
      const number = at === 0 ? seq : ledger.number();
      const place = due === null ? number : null;
      this.#insert.run(number, id, level, place, due, state, shared, name, own);
      const lane = ledger.lane(id);
      if (due === null) lane.ready++;
      else lane.delayed++;
    }
    ledger.add();
  }

  /** Hands out up to `max` of those that are ready. */
  take(lane: number, max: number, until: number): ShelfJob[] {
    const own = this.#ledger.lane(lane);
    if (own.ready === 0) return [];
    const rows = this.#first.all(lane, Math.min(max, own.ready)) as unknown as ShelfJob[];
    for (const { seq, attempt } of rows) this.#lease.run(until, attempt + 1, seq);
    own.ready -= rows.length;
    own.leased += rows.length;
    this.#ledger.touch();
    return rows.map(({ seq, level, attempt, shared, id, body }) => ({
      seq,
      level,
      attempt: attempt + 1,
      shared,
      id: restored(id),
      body: typeof body === "string" ? restored(body) : body,
    }));
  }

  /** When the first that is not ready is; undefined: all are. */
  soonest(lane: number): number | undefined {
    return (this.#soonest.get(lane) as { due: number } | undefined)?.due;
  }

  /** Makes ready what is, up to `limit`. How many were. */
  promote(lane: number, now: number, limit: number): number {
    const rows = this.#due.all(lane, now, limit) as { seq: number; state: number }[];
    if (rows.length === 0) return 0;
    const own = this.#ledger.lane(lane);
    for (const { seq, state } of rows) {
      this.#wake.run(this.#ledger.number(), seq);
      if (state === DELAYED) own.delayed--;
      else own.leased--;
      own.ready++;
    }
    return rows.length;
  }

  /** Whether the lease had not ended before. */
  settle(lane: number, key: LeaseKey, verdict: Verdict, now: number): boolean {
    switch (verdict.kind) {
      case "done":
        return this.#done(lane, key, now);
      case "retry":
        return this.#retry(lane, key, verdict.delay, now);
      case "bury":
        return this.#giveUp(lane, key, verdict.reason, now);
    }
  }

  /** The lease lasts until then. false: it had ended before. */
  extend({ seq, attempt }: LeaseKey, until: number, now: number): boolean {
    return this.#extend.run(until, seq, attempt, now).changes === 1;
  }

  #done(lane: number, { seq, attempt, shared }: LeaseKey, now: number): boolean {
    const held = this.#removeHeld.run(seq, attempt, now).changes === 1;
    if (held) {
      this.#ledger.lane(lane).leased--;
    } else {
      const found = this.#find.get(seq) as { state: number } | undefined;
      if (found === undefined) return false;
      this.#remove.run(seq);
      const own = this.#ledger.lane(lane);
      if (found.state === READY) own.ready--;
      else if (found.state === DELAYED) own.delayed--;
      else own.leased--;
    }
    this.#finish(shared);
    return held;
  }

  #retry(lane: number, { seq, attempt }: LeaseKey, delay: number, now: number): boolean {
    if (delay > 0) {
      return this.#giveBack.run(null, now + delay, RESTING, seq, attempt, now).changes === 1;
    }
    const place = this.#ledger.number();
    const held = this.#giveBack.run(place, null, READY, seq, attempt, now).changes === 1;
    if (held) {
      const own = this.#ledger.lane(lane);
      own.leased--;
      own.ready++;
    }
    return held;
  }

  #giveUp(lane: number, key: LeaseKey, reason: string, now: number): boolean {
    const { seq, attempt, shared } = key;
    const position = this.#ledger.number();
    const { changes } = this.#bury.run(position, stored(reason), Date.now(), seq, attempt, now);
    if (changes === 0) return false;
    this.#remove.run(seq);
    const own = this.#ledger.lane(lane);
    own.leased--;
    own.dead++;
    this.#finish(shared);
    return true;
  }

  /** One lane is through with it. */
  #finish(shared: number | null): void {
    if (shared !== null) {
      const { owed } = this.#pay.get(shared) as { owed: number };
      if (owed > 0) {
        this.#ledger.touch();
        return;
      }
      this.#dropBody.run(shared);
    }
    this.#ledger.finish();
  }
}
