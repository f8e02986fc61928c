/**
 * Which jobs have been done, in a file: for handlers that are to stay idempotent when their process dies.
 *
 * - What was added is stored when `add` resolves. Those that are added at the same time share a commit.
 * - Several processes may use one file. What is older than `maxAge` is not known any more, and goes when
 *   others are added.
 *
 * @module
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { checkOptions, show } from "../../core/check.ts";
import type { Wait } from "../../core/contract.ts";
import { ClosedError } from "../../core/errors.ts";
import { Timeout } from "../../core/timeout.ts";
import { enter } from "../../core/wait.ts";
import { Batcher } from "../../flow/batches/batcher.ts";
import { checkDuration } from "../../flow/checks.ts";
import type { DoneStore } from "../done_store.ts";
import { JobQueueError } from "../errors.ts";
import { checkDedupeId, checkWord } from "../job_options.ts";
import { isBusy, storageError } from "./faults.ts";
import { Patience } from "./patience.ts";
import { checkFile, checkSynchronous } from "./file_checks.ts";

/** What marks a file as one of these: "slcd". */
const APPLICATION = 0x736c6364;

const TABLES = `
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS done (
  name TEXT NOT NULL,
  id TEXT NOT NULL,
  at REAL NOT NULL,
  PRIMARY KEY (name, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS done_at ON done (name, at);
PRAGMA application_id = ${APPLICATION};
COMMIT;
`;

/**
 * How a store of ids in a file is to be.
 *
 * @example
 * ```ts
 * import { sqliteDoneStore, type SqliteDoneStoreOptions } from "@sluice/sluice/jobs/sqlite";
 *
 * const options: SqliteDoneStoreOptions = { name: "mails", maxAge: 30 * 86_400_000 };
 * await using store = await sqliteDoneStore(await Deno.makeTempFile(), options);
 * await store.add("order-17");
 * ```
 */
export interface SqliteDoneStoreOptions {
  /** One file may have many: one for each queue and group. "jobs" if left out. */
  readonly name?: string | undefined;
  /** For how many milliseconds an id is remembered; 604,800,000, a week, if left out; may be Infinity. */
  readonly maxAge?: number | undefined;
  /** What a commit survives, as that of a queue; "full" if left out. */
  readonly synchronous?: "full" | "normal" | undefined;
  /** Milliseconds that a call waits for a lock of another process; 5,000 if left out. */
  readonly busyTimeout?: number | undefined;
}

/**
 * A store of ids in a file.
 *
 * @example
 * ```ts
 * import { type SqliteDoneStore, sqliteDoneStore } from "@sluice/sluice/jobs/sqlite";
 *
 * const store: SqliteDoneStore = await sqliteDoneStore(await Deno.makeTempFile());
 * await store.add("order-17");
 * await store.close();
 * ```
 */
export interface SqliteDoneStore extends DoneStore, AsyncDisposable {
  /** Whether it was added, by any process, and is remembered. */
  has(id: string, wait?: Wait): Promise<boolean>;
  /** Remembers it; resolves when that is stored. */
  add(id: string, wait?: Wait): Promise<void>;
  /** Waits for what is being added, and lets go of the file. */
  close(): Promise<void>;
}

/**
 * Opens a store of ids in a file of its own, which it makes if need be: it remembers which jobs were done
 * also when the process dies, and for all processes of the host. If a handler writes to a database itself,
 * a table there is better: its transaction may store the id with the effect.
 *
 * @throws TypeError or RangeError if an argument is not what it may be; JobQueueError ("storage") if the
 * file cannot be used: the promise rejects with it.
 *
 * @example
 * ```ts
 * import { sqliteDoneStore } from "@sluice/sluice/jobs/sqlite";
 * import { assertEquals } from "@std/assert";
 *
 * const file = await Deno.makeTempFile({ suffix: ".db" });
 * {
 *   await using store = await sqliteDoneStore(file);
 *   await store.add("order-17");
 * }
 * // Another process, on another day.
 * await using store = await sqliteDoneStore(file);
 * assertEquals(await store.has("order-17"), true);
 * ```
 */
export async function sqliteDoneStore(
  file: string,
  options: SqliteDoneStoreOptions = {},
): Promise<SqliteDoneStore> {
  checkFile(file);
  checkOptions("options", options);
  const { name = "jobs", maxAge = 604_800_000 } = options;
  const { synchronous = "full", busyTimeout = 5_000 } = options;
  checkWord("name", name);
  checkDuration("maxAge", maxAge, { positive: true });
  checkSynchronous(synchronous);
  checkDuration("busyTimeout", busyTimeout);
  const db = await patiently(file, busyTimeout, () => open(file, synchronous));
  return new FileDoneStore(db, file, { name, maxAge, busyTimeout });
}

function open(file: string, synchronous: "full" | "normal"): DatabaseSync {
  const db = new DatabaseSync(file);
  try {
    db.exec("PRAGMA busy_timeout = 4");
    if (!isReady(db, file)) {
      db.exec("PRAGMA journal_mode = WAL");
      db.exec(TABLES);
    }
    db.exec(`PRAGMA synchronous = ${synchronous}`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Whether it has our table. Throws JobQueueError if it has others. */
function isReady(db: DatabaseSync, file: string): boolean {
  // In this order: another process makes the tables and the mark in one step.
  const { n } = db.prepare("SELECT count(*) AS n FROM sqlite_schema").get()!;
  const { application_id } = db.prepare("PRAGMA application_id").get()!;
  if (application_id === APPLICATION) return true;
  if (n === 0 && application_id === 0) return false;
  const message = `${show(file)} is another database: a store of ids needs a file of its own`;
  throw new JobQueueError(message, "storage");
}

/** Tries again while another process holds a lock. */
async function patiently<R>(file: string, busyTimeout: number, call: () => R): Promise<R> {
  const patience = new Patience(busyTimeout);
  for (;;) {
    try {
      return call();
    } catch (error) {
      if (error instanceof ClosedError) throw error;
      if (!isBusy(error) || patience.isOver) throw storageError(file, error, "store of ids");
      await new Promise<void>((resolve) => new Timeout(patience.pause(), resolve));
    }
  }
}

class FileDoneStore implements SqliteDoneStore {
  readonly #db: DatabaseSync;
  readonly #file: string;
  readonly #options: { name: string; maxAge: number; busyTimeout: number };
  readonly #has: StatementSync;
  readonly #add: StatementSync;
  readonly #forget: StatementSync;
  readonly #adding: Batcher<string>;
  #end: Promise<void> | undefined;

  constructor(
    db: DatabaseSync,
    file: string,
    options: { name: string; maxAge: number; busyTimeout: number },
  ) {
    this.#db = db;
    this.#file = file;
    this.#options = options;
    this.#has = db.prepare("SELECT 1 FROM done WHERE name = ? AND id = ? AND at > ?");
    this.#add = db.prepare("INSERT OR REPLACE INTO done (name, id, at) VALUES (?, ?, ?)");
    this.#forget = db.prepare(
      "DELETE FROM done WHERE name = ?1 AND id IN " +
        "(SELECT id FROM done WHERE name = ?1 AND at <= ?2 ORDER BY at LIMIT ?3)",
    );
    this.#adding = new Batcher((ids) => this.#patiently(() => this.#store(ids)), {
      maxCount: 1_024,
    });
  }

  async has(id: string, wait?: Wait): Promise<boolean> {
    checkDedupeId(id, "id");
    if (wait !== undefined) enter(wait);
    this.#check();
    const { name, maxAge } = this.#options;
    return await this.#patiently(() => {
      this.#check();
      return this.#has.get(name, id, Date.now() - maxAge) !== undefined;
    });
  }

  async add(id: string, wait?: Wait): Promise<void> {
    checkDedupeId(id, "id");
    if (wait !== undefined) enter(wait);
    this.#check();
    await this.#adding.submit(id, wait);
  }

  close(): Promise<void> {
    return this.#end ??= this.#close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    await this.#adding.shutdown();
    this.#db.close();
  }

  /** One transaction for all of them; twice as many that are too old go. */
  #store(ids: readonly string[]): void {
    const { name, maxAge } = this.#options;
    const now = Date.now();
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      for (const id of ids) this.#add.run(name, id, now);
      this.#forget.run(name, now - maxAge, 2 * ids.length);
      this.#db.exec("COMMIT");
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  #patiently<R>(call: () => R): Promise<R> {
    return patiently(this.#file, this.#options.busyTimeout, call);
  }

  #check(): void {
    if (this.#end !== undefined) {
      throw new ClosedError(`the store of ids in ${show(this.#file)} is closed`);
    }
  }
}
