/**
 * Laws of job queues in files that the common contract cannot state: commits, processes, locks and files.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { JobQueueError, type JobQueueOptions } from "../jobs/mod.ts";
import { sqliteJobs } from "../jobs/sqlite/mod.ts";

/** A directory for one test. */
class Place implements AsyncDisposable {
  readonly directory = Deno.makeTempDirSync();
  readonly file = `${this.directory}/jobs.db`;

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.directory, { recursive: true });
  }

  /** Another connection to the file, as another program has one. */
  other(): DatabaseSync & Disposable {
    const db = new DatabaseSync(this.file);
    db.exec("PRAGMA busy_timeout = 2000");
    return Object.assign(db, { [Symbol.dispose]: () => db.close() });
  }
}

function rows(db: DatabaseSync, table: string): number {
  return Number(db.prepare(`SELECT count(*) AS n FROM ${table}`).get()!["n"]);
}

function version(db: DatabaseSync): number {
  return Number(db.prepare("PRAGMA data_version").get()!["data_version"]);
}

/** A process of `support/sqlite_worker.ts`, and the lines that it prints. */
class Worker implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly lines: string[] = [];
  readonly #read: Promise<void>;
  #wanted: { readonly count: number; readonly enough: () => void } | undefined;

  constructor(...args: string[]) {
    const program = new URL("support/sqlite_worker.ts", import.meta.url);
    this.#process = new Deno.Command("deno", {
      args: [
        ...["run", "--quiet", "--no-prompt", "--no-lock", "--allow-read", "--allow-write"],
        program.href,
        ...args,
      ],
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#read = this.#gather();
  }

  async #gather(): Promise<void> {
    let rest = "";
    for await (const text of this.#process.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      this.lines.push(...lines);
      if (this.#wanted !== undefined && this.lines.length >= this.#wanted.count) {
        this.#wanted.enough();
      }
    }
  }

  /** Waits until it has printed so many. */
  async printed(count: number): Promise<void> {
    if (this.lines.length >= count) return;
    await new Promise<void>((enough) => this.#wanted = { count, enough });
  }

  /** Waits for its end; the exit code. */
  async ended(): Promise<number> {
    const { code } = await this.#process.status;
    await this.#read;
    return code;
  }

  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.ended();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.kill();
    } catch {
      // It has ended by itself.
    }
  }
}

Deno.test("174: what is asked for in one turn of the event loop is one transaction", async () => {
  await using place = new Place();
  await using queue = await sqliteJobs<number>(place.file);
  using other = place.other();
  version(other);
  const seen = new Set<number>();
  const look = (): void => void seen.add(version(other));
  const puts = Array.from({ length: 256 }, (_, n) => queue.put(n).then(look));
  await Promise.all(puts);
  assertEquals(seen.size, 1, "256 puts");
  const jobs = await queue.getMany(256);
  seen.clear();
  await Promise.all(jobs.map((job) => job.done().then(look)));
  assertEquals(seen.size, 1, "256 times done");
  assertEquals(rows(other, "jobs"), 0);
});

Deno.test("153, 174: what a process was told is stored is there when it is killed", async () => {
  await using place = new Place();
  await using worker = new Worker("put", place.file, "1000");
  await worker.printed(15);
  await worker.kill();
  const acknowledged = worker.lines;
  await using queue = await sqliteJobs<string>(place.file, { capacity: 20 });
  const { ready } = await queue.stats();
  const stored = (await queue.getMany(100)).map(({ value }) => value);
  assertEquals(stored.slice(0, acknowledged.length), acknowledged);
  assert(ready >= acknowledged.length && ready <= 20, `${ready}`);
});

Deno.test("153, 154, 158: processes share a file: nothing is lost, doubled, or over the bound", async () => {
  await using place = new Place();
  const putters = [0, 1].map(() => new Worker("put", place.file, "60"));
  const takers = [0, 1].map(() => new Worker("take", place.file));
  await using all = new AsyncDisposableStack();
  for (const worker of [...putters, ...takers]) all.use(worker);
  assertEquals(await Promise.all(putters.map((worker) => worker.ended())), [0, 0]);
  await using queue = await sqliteJobs<string>(place.file, { capacity: 20, pollInterval: 2 });
  await queue.join();
  for (const _ of takers) await queue.put("end");
  await Promise.all(takers.map((worker) => worker.ended()));
  const taken = takers.flatMap(({ lines }) => lines.map((line) => line.split(" ")));
  assertEquals(
    taken.map(([value]) => value).sort(),
    putters.flatMap(({ lines }) => lines).sort(),
  );
  for (const [, attempt, unfinished] of taken) {
    assertEquals(attempt, "1");
    assert(Number(unfinished) <= 20, `${unfinished} are unfinished`);
  }
});

Deno.test("174: a lock of another process is waited for, and holds up nobody here", async () => {
  await using place = new Place();
  await using queue = await sqliteJobs<string>(place.file);
  using other = place.other();
  other.exec("BEGIN IMMEDIATE");
  let turns = 0;
  const put = queue.put("hello");
  while (turns < 5) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    turns++;
  }
  other.exec("COMMIT");
  assertEquals((await put).duplicate, false);
  assertEquals((await queue.get()).value, "hello");
});

Deno.test("173, 174: a lock that is not let go is an error, and nothing has happened", async () => {
  await using place = new Place();
  await using queue = await sqliteJobs<string>(place.file, { busyTimeout: 20 });
  using other = place.other();
  other.exec("BEGIN IMMEDIATE");
  const error = await assertRejects(() => queue.put("hello"), JobQueueError);
  assertEquals(error.reason, "storage");
  other.exec("ROLLBACK");
  assertEquals((await queue.stats()).unfinished, 0);
  await queue.put("again");
  assertEquals((await queue.get()).value, "again");
});

Deno.test("173, 174: a put that the file has no room for fails alone, and goes on with room", async () => {
  await using place = new Place();
  await using queue = await sqliteJobs<string>(place.file);
  await queue.put("first");
  using other = place.other();
  // As a full disk does: each row that is inserted fails, and the transaction with it.
  other.exec(
    "CREATE TRIGGER full BEFORE INSERT ON jobs BEGIN SELECT RAISE(ROLLBACK, 'no room'); END",
  );
  const job = await queue.get();
  const put = queue.put("second");
  const done = job.done();
  const error = await assertRejects(() => put, JobQueueError);
  assertEquals(error.reason, "storage");
  assertEquals(await done, true, "what needs no room is not kept from being stored");
  other.exec("DROP TRIGGER full");
  await queue.put("third");
  assertEquals((await queue.get()).value, "third");
});

Deno.test("167, 174: what groups share is stored once, and goes with the last of them", async () => {
  await using place = new Place();
  await using queue = await sqliteJobs<string>(place.file, { groups: ["a", "b"] });
  using other = place.other();
  await queue.put("hello");
  assertEquals([rows(other, "bodies"), rows(other, "jobs")], [1, 2]);
  await (await queue.get()).done();
  assertEquals([rows(other, "bodies"), rows(other, "jobs")], [1, 1]);
  await (await queue.forGroup("b").get()).done();
  assertEquals([rows(other, "bodies"), rows(other, "jobs")], [0, 0]);
});

Deno.test("155, 174: ids are remembered for their window, and forgotten after it", async () => {
  await using place = new Place();
  let now = Date.UTC(2026, 0, 1);
  const clock = { now: () => now, after: () => ({ stop() {} }) };
  await using queue = await sqliteJobs<number>(place.file, { dedupeWindow: 1_000, clock });
  using other = place.other();
  for (let n = 0; n < 10; n++) await queue.put(n, { dedupeId: `id ${n}` });
  assertEquals(rows(other, "known"), 10);
  now += 2_000;
  for (let n = 0; n < 20; n++) await queue.put(n, { dedupeId: `later ${n}` });
  assertEquals(rows(other, "known"), 20);
});

Deno.test("174: there is an index for each way in which rows are looked for", async () => {
  await using place = new Place();
  await using queue = await sqliteJobs<number>(place.file);
  await queue.put(1);
  using other = place.other();
  const plans = [
    "SELECT seq FROM jobs WHERE lane = 1 AND place IS NOT NULL ORDER BY level, place LIMIT 64",
    "SELECT seq FROM jobs WHERE lane = 1 AND due IS NOT NULL AND due <= 5 ORDER BY due LIMIT 64",
    "SELECT position FROM dead WHERE lane = 1 AND position > 3 ORDER BY position LIMIT 100",
    "SELECT position FROM dead WHERE lane = 1 AND id = 'x' ORDER BY position DESC LIMIT 1",
    "SELECT until FROM known WHERE queue = 1 AND id = 'x'",
    "SELECT id FROM known WHERE queue = 1 AND until <= 5 LIMIT 8",
  ];
  for (const sql of plans) {
    const plan = other.prepare(`EXPLAIN QUERY PLAN ${sql}`).all();
    for (const { detail } of plan) {
      assert(/^SEARCH .* USING/.test(String(detail)), `${sql}: ${detail}`);
    }
  }
});

Deno.test("165, 174: the last who closes leaves one file, with all that is stored", async () => {
  await using place = new Place();
  const first = await sqliteJobs<string>(place.file);
  const second = await sqliteJobs<string>(place.file);
  await first.put("hello");
  await first.close();
  await second.close();
  assertEquals([...Deno.readDirSync(place.directory)].map(({ name }) => name), ["jobs.db"]);
  await using third = await sqliteJobs<string>(place.file);
  assertEquals((await third.get()).value, "hello");
});

Deno.test("174: a handle hears of what another one has done by itself", async () => {
  await using place = new Place();
  await using first = await sqliteJobs<string>(place.file, { pollInterval: 1, capacity: 1 });
  await using second = await sqliteJobs<string>(place.file, { pollInterval: 1, capacity: 1 });
  const got = first.get();
  await second.put("a");
  const job = await got;
  const put = second.put("b");
  const joined = second.join();
  await job.done();
  await put;
  await (await first.get()).done();
  await joined;
});

Deno.test("173: a file that is none of ours is not touched", async () => {
  await using place = new Place();
  const reason = async (file: string): Promise<string> => {
    const error = await assertRejects(() => sqliteJobs(file), JobQueueError);
    assert(error.message.includes(file), error.message);
    return error.reason;
  };
  assertEquals(await reason(place.directory), "storage");
  assertEquals(await reason(`${place.directory}/none/jobs.db`), "storage");
  const text = `${place.directory}/notes.txt`;
  Deno.writeTextFileSync(text, "these are notes, and no database at all. ".repeat(100));
  assertEquals(await reason(text), "storage");
  assert(Deno.readTextFileSync(text).startsWith("these are notes"));
  const short = `${place.directory}/short`;
  Deno.writeTextFileSync(short, "x");
  assertEquals(await reason(short), "storage");
  assertEquals(Deno.readTextFileSync(short), "x");
  const foreign = `${place.directory}/foreign.db`;
  const db = new DatabaseSync(foreign);
  db.exec("CREATE TABLE mine (a)");
  db.close();
  assertEquals(await reason(foreign), "storage");
  await (await sqliteJobs(place.file)).close();
  const later = new DatabaseSync(place.file);
  later.exec("PRAGMA user_version = 99");
  later.close();
  assertEquals(await reason(place.file), "mismatch");
});

Deno.test("173: who opens a queue with other options is told, or changes it with update", async () => {
  await using place = new Place();
  await using queue = await sqliteJobs<string>(place.file, { capacity: 2 });
  const others: JobQueueOptions<string>[] = [
    { capacity: 3 },
    { capacity: 2, leaseTime: 7 },
    { capacity: 2, maxAttempts: 7 },
    { capacity: 2, levels: 7 },
    { capacity: 2, dedupeWindow: 7 },
    { capacity: 2, groups: ["x"] },
  ];
  for (const options of others) {
    const error = await assertRejects(() => sqliteJobs(place.file, options), JobQueueError);
    assertEquals(error.reason, "mismatch");
    const [name] = Object.keys(options).slice(-1);
    assert(error.message.includes(name!), error.message);
  }
  await queue.put("a");
  await queue.put("b");
  await using wider = await sqliteJobs<string>(place.file, { capacity: 3, update: true });
  await queue.put("c");
  assertEquals((await wider.stats()).unfinished, 3);
});
