/**
 * The tables of a file with job queues, and how such a file is opened.
 *
 * - `queues`: one row a queue, its configuration and its counters. `next` numbers its jobs and their places.
 * - `lanes`: one row for each group of a queue, and its counters.
 * - `jobs`: one row for each job and lane. One that is ready has a `place`, all others a moment, `due`, at
 *   which they are ready again. `state`: 0 ready, 1 delayed, 2 leased, 3 resting.
 * - `bodies`: what several lanes share, and how many of them owe. The jobs of a single lane have their own.
 * - `dead`: the dead letters. `known`: the ids that are remembered.
 *
 * Both indexes of `jobs` hold what they are for and nothing else, so that their first row is what comes
 * next: no work grows with the backlog by more than the depth of a tree.
 *
 * @module
 */
import { statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { show } from "../../core/check.ts";
import { JobQueueError } from "../errors.ts";

/** What marks a file as one of ours: "slce". */
const APPLICATION = 0x736c6365;
const VERSION = 1;

/** How long SQLite itself waits for a lock, in milliseconds, during which nothing else runs. */
const BLOCKING = 4;

const TABLES = `
CREATE TABLE queues (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  capacity REAL NOT NULL,
  lease_time REAL NOT NULL,
  max_attempts REAL NOT NULL,
  levels INTEGER NOT NULL,
  dedupe_window REAL NOT NULL,
  revision INTEGER NOT NULL,
  next INTEGER NOT NULL,
  unfinished INTEGER NOT NULL,
  emptied INTEGER NOT NULL,
  knocks INTEGER NOT NULL
);
CREATE TABLE lanes (
  id INTEGER PRIMARY KEY,
  queue INTEGER NOT NULL,
  name TEXT NOT NULL,
  ready INTEGER NOT NULL,
  leased INTEGER NOT NULL,
  delayed INTEGER NOT NULL,
  dead INTEGER NOT NULL,
  UNIQUE (queue, name)
);
CREATE TABLE jobs (
  seq INTEGER PRIMARY KEY,
  lane INTEGER NOT NULL,
  level INTEGER NOT NULL,
  place INTEGER,
  due REAL,
  attempt INTEGER NOT NULL,
  state INTEGER NOT NULL,
  shared INTEGER,
  id TEXT NOT NULL,
  body BLOB
);
CREATE INDEX jobs_ready ON jobs (lane, level, place) WHERE place IS NOT NULL;
CREATE INDEX jobs_due ON jobs (lane, due) WHERE due IS NOT NULL;
CREATE TABLE bodies (id INTEGER PRIMARY KEY, owed INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE dead (
  position INTEGER PRIMARY KEY,
  lane INTEGER NOT NULL,
  id TEXT NOT NULL,
  level INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  reason TEXT NOT NULL,
  at REAL NOT NULL,
  body BLOB NOT NULL
);
CREATE INDEX dead_order ON dead (lane, position);
CREATE INDEX dead_ids ON dead (lane, id, position);
CREATE TABLE known (
  queue INTEGER NOT NULL,
  id TEXT NOT NULL,
  until REAL NOT NULL,
  PRIMARY KEY (queue, id)
) WITHOUT ROWID;
CREATE INDEX known_until ON known (queue, until);
PRAGMA application_id = ${APPLICATION};
PRAGMA user_version = ${VERSION};
`;

/** How much a commit survives. */
export type Synchronous = "full" | "normal";

/** Opens a file, and makes the tables if it is new. Throws what SQLite does, or a JobQueueError. */
export function openFile(file: string, synchronous: Synchronous): DatabaseSync {
  const db = new DatabaseSync(file);
  try {
    db.exec(`PRAGMA busy_timeout = ${BLOCKING}`);
    // Looked at before anything is written: it may be somebody else's.
    if (!isReady(db, file)) build(db, file);
    const mode = db.prepare("PRAGMA journal_mode = WAL").get()!["journal_mode"];
    if (mode !== "wal") {
      const message = `the file system of ${show(file)} cannot do what SQLite's WAL needs: use a ` +
        `local disk`;
      throw new JobQueueError(message, "storage");
    }
    db.exec(`PRAGMA synchronous = ${synchronous}`);
    // What was written at most before it goes into the file, and what may be left of that: 4 MiB.
    db.exec("PRAGMA wal_autocheckpoint = 1000; PRAGMA journal_size_limit = 4194304");
    db.exec("PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000");
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function build(db: DatabaseSync, file: string): void {
  db.exec("PRAGMA journal_mode = WAL");
  db.prepare("BEGIN IMMEDIATE").run();
  try {
    // Another process may have been faster.
    if (!isReady(db, file)) db.exec(TABLES);
    db.prepare("COMMIT").run();
  } catch (error) {
    if (db.isTransaction) db.prepare("ROLLBACK").run();
    throw error;
  }
}

/** Whether it has our tables. Throws JobQueueError if it has others, or those of a later version. */
function isReady(db: DatabaseSync, file: string): boolean {
  // Somebody else may be making them. Before all else: what is empty here may have pages a moment later.
  const isEmpty = statSync(file).size === 0;
  const { application, version, tables, pages } = look(db);
  if (application !== APPLICATION) {
    // SQLite takes what is shorter than a page for a new database, and would write over it.
    const isNew = tables === 0 && version === 0 && application === 0;
    if (isNew && (pages > 0 || isEmpty)) return false;
    const message = `${show(file)} is the database of another program: name another file`;
    throw new JobQueueError(message, "storage");
  }
  if (version === VERSION) return true;
  const message =
    `${show(file)} has tables of version ${version}, and this one knows ${VERSION}: ` +
    `use the version of the module that made them, or a later one`;
  throw new JobQueueError(message, "mismatch");
}

/** What is in a file, all as of one moment. */
interface Look {
  readonly application: number;
  readonly version: number;
  readonly tables: number;
  readonly pages: number;
}

function look(db: DatabaseSync): Look {
  return db.prepare(
    "SELECT a.application_id AS application, v.user_version AS version, p.page_count AS pages, " +
      "(SELECT count(*) FROM sqlite_schema) AS tables " +
      "FROM pragma_application_id AS a, pragma_user_version AS v, pragma_page_count AS p",
  ).get() as unknown as Look;
}
