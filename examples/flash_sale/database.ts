/**
 * The shop's database. It runs in a worker, since SQLite's calls block the thread until the disk has
 * written. The journal and `synchronous` are as SQLite has them by default: a commit that has returned is
 * on the disk, also if the process is killed or the machine stops.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import type { Order } from "./order.ts";

/** A change of stock: what is left of an article. */
export type Level = readonly [sku: string, left: number];

/** What the worker is asked for; all of one request is one transaction. */
export interface Request {
  readonly id: number;
  readonly orders?: readonly Order[];
  /** Takes what is ordered off the stock, in the same transaction. */
  readonly deduct?: boolean;
  readonly levels?: readonly Level[];
}

/** What it answers. */
export interface Answer {
  readonly id: number;
  /** Those of the orders that were there already. */
  readonly known?: readonly Order[];
  /** What went wrong; then nothing of the request is in the database. */
  readonly error?: string;
}

/** Opens the database, and makes it if there is none. */
export function openDatabase(file: string): DatabaseSync {
  const db = new DatabaseSync(file);
  // Whoever looks into it meanwhile keeps a commit waiting, and must not make it fail.
  db.exec(`
    pragma busy_timeout = 5000;
    pragma journal_mode = delete;
    pragma synchronous = full;
    create table if not exists orders
      (id integer primary key, sku text not null, quantity integer not null, at integer not null) strict;
    create table if not exists stock (sku text primary key, left integer not null) strict;
  `);
  return db;
}

/** Answers requests until it is told to stop. */
function serve(file: string): void {
  const db = openDatabase(file);
  // The same order again is no new one.
  const insert = db.prepare("insert into orders values (?, ?, ?, ?) on conflict do nothing");
  const change = db.prepare("insert or replace into stock values (?, ?)");
  const take = db.prepare("update stock set left = left - ? where sku = ?");

  const run = ({ orders = [], deduct, levels = [] }: Request): Order[] => {
    db.exec("begin immediate");
    try {
      const now = Date.now();
      const known = orders.filter(({ id, sku, quantity }) => {
        const isNew = insert.run(id, sku, quantity, now).changes === 1;
        if (isNew && deduct) take.run(quantity, sku);
        return !isNew;
      });
      for (const [sku, left] of levels) change.run(sku, left);
      db.exec("commit");
      return known;
    } catch (error) {
      // When the disk is full SQLite has rolled back by itself.
      if (db.isTransaction) db.exec("rollback");
      throw error;
    }
  };
  self.onmessage = ({ data }: MessageEvent<Request | "stop">) => {
    if (data === "stop") {
      db.close();
      self.close();
      return;
    }
    try {
      self.postMessage({ id: data.id, known: run(data) } satisfies Answer);
    } catch (error) {
      self.postMessage({ id: data.id, error: String(error) } satisfies Answer);
    }
  };
}

declare const self: {
  readonly name: string;
  onmessage: (event: MessageEvent) => void;
  postMessage(answer: Answer): void;
  close(): void;
};

// The worker's name is the file; in the main thread there is no such name.
if (typeof self.name === "string" && self.name.startsWith("database:")) {
  serve(self.name.slice("database:".length));
}
