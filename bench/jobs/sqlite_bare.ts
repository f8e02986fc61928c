/**
 * A bare loop over `node:sqlite`, as the least that a durable queue in a file costs: one table, prepared
 * statements, the same pragmas. Each operation, or batch, is one transaction; the calls block.
 *
 * It has leases and attempts, and neither a bound nor groups, delays, dead letters, or a way to wait.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import type { JobStore, Places, Puller, Value } from "./contest.ts";
import { pulling } from "./contest.ts";

const LEASE = 30_000;

interface Row {
  readonly id: number;
  readonly attempt: number;
  readonly body: string;
}

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA busy_timeout = 5000;
  CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY, level INTEGER NOT NULL, at INTEGER NOT NULL,
    attempt INTEGER NOT NULL, body TEXT NOT NULL
  );
  CREATE INDEX IF NOT EXISTS next_jobs ON jobs (level, id, at);
`;

const TAKE = `
  UPDATE jobs SET at = ?, attempt = attempt + 1
  WHERE id IN (SELECT id FROM jobs WHERE level = 0 AND at <= ? ORDER BY id LIMIT ?)
  RETURNING id, attempt, body
`;

export function open(name: string, { directory }: Places): Promise<JobStore> {
  const db = new DatabaseSync(`${directory}/bare-${name}.db`);
  db.exec(SCHEMA);
  const begin = db.prepare("BEGIN IMMEDIATE");
  const commit = db.prepare("COMMIT");
  const insert = db.prepare("INSERT INTO jobs (level, at, attempt, body) VALUES (0, 0, 0, ?)");
  const update = db.prepare(TAKE);
  const remove = db.prepare("DELETE FROM jobs WHERE id = ? AND attempt = ?");
  const count = db.prepare("SELECT count(*) AS n FROM jobs");

  const together = <X>(items: readonly X[], each: (item: X) => void): void => {
    begin.run();
    for (const item of items) each(item);
    commit.run();
  };
  const store = (value: Value): void => void insert.run(JSON.stringify(value));
  const finish = ({ id, attempt }: Row): void => void remove.run(id, attempt);
  const take = (most: number): Row[] => {
    const now = Date.now();
    const rows = update.all(now + LEASE, now, most) as unknown as Row[];
    // RETURNING has no order.
    return rows.length > 1 ? rows.sort((a, b) => a.id - b.id) : rows;
  };
  const puller: Puller<Row> = {
    take: (most) => {
      const rows = take(most);
      // It would ask for ever.
      if (rows.length === 0) throw new Error("there are no jobs, and there is no way to wait");
      return Promise.resolve(rows);
    },
    read: ({ body }) => JSON.parse(body),
    finish: (rows) => {
      if (rows.length === 1) finish(rows[0]!);
      else together(rows, finish);
      return Promise.resolve();
    },
    end: () => Promise.resolve(),
  };

  return Promise.resolve({
    put: (value) => Promise.resolve(store(value)),
    putMany: (values) => Promise.resolve(together(values, store)),
    fill: (values) => Promise.resolve(together(values, store)),
    workers: (workers, batch, got) =>
      Promise.resolve(pulling(Array.from({ length: workers }, () => puller), batch, got)),
    unfinished: () => Promise.resolve((count.get() as unknown as { n: number }).n),
    close: () => Promise.resolve(db.close()),
  });
}
