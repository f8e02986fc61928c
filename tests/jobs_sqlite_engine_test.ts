/**
 * Laws of job queues in files: how they grow, what they remember exactly, how they are changed, and what
 * becomes of calls when the file fails.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { type Codec, JobQueueError } from "../jobs/mod.ts";
import { sqliteJobs, type SqliteJobsOptions } from "../jobs/sqlite/mod.ts";
import { ManualClock } from "../tasks/mod.ts";

/** A directory for one test. */
class Place implements AsyncDisposable {
  readonly directory = Deno.makeTempDirSync();
  readonly file = `${this.directory}/jobs.db`;

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.directory, { recursive: true });
  }

  /** Another connection to the file. */
  other(): DatabaseSync & Disposable {
    const db = new DatabaseSync(this.file);
    db.exec("PRAGMA busy_timeout = 2000");
    return Object.assign(db, { [Symbol.dispose]: () => db.close() });
  }

  size(suffix = ""): number {
    return Deno.statSync(this.file + suffix).size;
  }
}

/** What needs no disk that is safe from a power cut. */
const quick = { synchronous: "normal" } as const;

Deno.test("174: no statement of the engine goes through a table, whatever the backlog", async () => {
  await using place = new Place();
  await (await sqliteJobs(place.file)).close();
  const statements = new Set<string>();
  let prototype = DatabaseSync.prototype;
  while (!Object.hasOwn(prototype, "prepare")) prototype = Object.getPrototypeOf(prototype);
  const { prepare } = prototype;
  prototype.prepare = function (this: DatabaseSync, sql: string) {
    statements.add(sql);
    return prepare.call(this, sql);
  };
  try {
    await using queue = await sqliteJobs<number>(place.file);
    for (let n = 0; n < 3; n++) await queue.put(n, { dedupeId: `${n}`, delay: n % 2 });
    await (await queue.get()).reject();
    await queue.dead.list();
    await queue.stats();
    // What is prepared when it is opened may count its queues.
    const used = [...statements].filter((sql) => /\b(jobs|bodies|dead|known)\b/.test(sql));
    assert(used.length > 15, `${used.length}`);
    using other = place.other();
    for (const sql of used) {
      const values = Array.from(sql.matchAll(/\?/g), () => 1);
      for (const { detail } of other.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values)) {
        assert(!/^SCAN|TEMP B-TREE/.test(String(detail)), `${sql}: ${detail}`);
      }
    }
  } finally {
    prototype.prepare = prepare;
  }
});

Deno.test("174: a file does not grow while as many jobs are done as are put, nor does what was written last", async () => {
  await using place = new Place();
  await using queue = await sqliteJobs<string>(place.file, quick);
  const value = "x".repeat(1_000);
  const cycle = async () => {
    await Promise.all(Array.from({ length: 1_000 }, () => queue.put(value)));
    await queue.doneMany(await queue.getMany(1_000));
  };
  for (let n = 0; n < 3; n++) await cycle();
  const size = place.size();
  for (let n = 0; n < 10; n++) await cycle();
  assert(place.size() <= 1.1 * size, `${size}, then ${place.size()}`);
  // A transaction is not cut; so it is 4 MiB, and one more of some 1.5 MB.
  assert(place.size("-wal") < 8e6, `${place.size("-wal")}`);
});

Deno.test("157, 164, 174: more that become ready at once than one turn makes ready are all counted and handed out", async () => {
  await using place = new Place();
  const clock = new ManualClock(1);
  await using queue = await sqliteJobs<number>(place.file, { ...quick, clock });
  const puts = Array.from({ length: 1_500 }, (_, n) => queue.put(n, { delay: 10 }));
  await Promise.all(puts);
  const delayed = await queue.stats();
  assertEquals([delayed.ready, delayed.delayed, delayed.leased], [0, 1_500, 0]);
  const taken: number[] = [];
  const first = queue.get();
  await clock.advance(10);
  taken.push((await first).value);
  const stats = await queue.stats();
  assertEquals([stats.ready, stats.delayed, stats.leased], [1_499, 0, 1]);
  while (taken.length < 1_500) {
    taken.push(...(await queue.getMany(400)).map(({ value }) => value));
  }
  assertEquals(taken, Array.from({ length: 1_500 }, (_, n) => n));
  await clock.advance(30_000);
  assertEquals((await queue.stats()).ready, 1_500);
});

Deno.test("169: text and bytes come back as they were, whatever is in them", async () => {
  await using place = new Place();
  const texts = ["", "\0", "a\0b", "\u0001", '\u0001"x"', "\u{1F600}\uFFFF", "'; DROP TABLE jobs"];
  const plain: Codec<string> = { kind: "text", encode: (text) => text, decode: (text) => text };
  await using queue = await sqliteJobs<string>(place.file, { ...quick, name: "t", codec: plain });
  for (const text of texts) await queue.put(text, { dedupeId: `\0${text}\u0001` });
  const jobs = await queue.getMany(texts.length);
  assertEquals(jobs.map(({ value }) => value), texts);
  assertEquals(jobs.map(({ id }) => id), texts.map((text) => `\0${text}\u0001`));
  for (const job of jobs) {
    assertEquals((await queue.put(job.value, { dedupeId: job.id })).duplicate, true);
    await job.reject(`\uD800${job.value}\0`);
  }
  for (const { id, value, reason } of await queue.dead.list()) {
    assertEquals([id, reason], [`\0${value}\u0001`, `\uD800${value}\0`]);
    assertEquals((await queue.dead.get(id))?.value, value);
    assertEquals(await queue.dead.putBack(id), true);
  }
  assertEquals((await queue.getMany(10)).map(({ value }) => value), texts);

  const raw: Codec<Uint8Array> = { kind: "bytes", encode: (b) => b, decode: (b) => b };
  await using bytes = await sqliteJobs<Uint8Array>(place.file, { ...quick, name: "b", codec: raw });
  const given = [new Uint8Array(0), new Uint8Array([0, 255, 0]), new Uint8Array(100_000).fill(7)];
  for (const value of given) await bytes.put(value);
  assertEquals((await bytes.getMany(3)).map(({ value }) => [...value]), given.map((b) => [...b]));
});

Deno.test("169: what a value throws while it is cloned is its own error", async () => {
  await using place = new Place();
  await using queue = await sqliteJobs<unknown>(place.file, { ...quick, codec: "clone" });
  const own = new Error("mine");
  const value = {
    get trap() {
      throw own;
    },
  };
  assertEquals(await assertRejects(() => queue.put(value)), own);
  await assertRejects(() => queue.put(() => {}), TypeError, "cloned");
  assertEquals((await queue.stats()).unfinished, 0);
});

Deno.test("153, 174: queues in one file have nothing to do with one another", async () => {
  await using place = new Place();
  await using a = await sqliteJobs<string>(place.file, { ...quick, name: "a", capacity: 1 });
  await using b = await sqliteJobs<string>(place.file, { ...quick, name: "b", groups: ["x", "y"] });
  await a.put("for a", { dedupeId: "same" });
  await b.put("for b", { dedupeId: "same" });
  await b.put("more");
  assertEquals([(await a.stats()).unfinished, (await b.stats()).unfinished], [1, 2]);
  const job = await a.get();
  assertEquals(job.value, "for a");
  await job.reject();
  assertEquals([(await a.dead.list()).length, (await b.dead.list()).length], [1, 0]);
  await a.join();
  assertEquals((await b.getMany(9)).map(({ value }) => value), ["for b", "more"]);
});

Deno.test("173: update changes what it can, all who have the queue open go by it, and it tells what stands against the rest", async () => {
  await using place = new Place();
  const clock = new ManualClock(1);
  const common = { ...quick, clock, groups: ["one", "two"], levels: 3, leaseTime: 1_000 };
  await using old = await sqliteJobs<string>(place.file, common);
  await old.put("a", { priority: 2 });
  const open = (options: SqliteJobsOptions<string>) =>
    sqliteJobs<string>(place.file, { ...common, ...options, update: true });
  const error = await assertRejects(
    () => open({ levels: 2, groups: ["two", "three"] }),
    JobQueueError,
  );
  assertEquals(error.reason, "mismatch");
  for (const part of ["levels", "priority 2", '"one"', "1 jobs"]) {
    assert(error.message.includes(part), error.message);
  }
  // Nothing was changed.
  await (await sqliteJobs<string>(place.file, common)).close();

  await using wide = await open({ levels: 4, groups: ["one", "two", "three"], leaseTime: 5_000 });
  await old.put("b");
  assertEquals((await wide.forGroup("three").getMany(9)).map(({ value }) => value), ["b"]);
  const jobs = await old.getMany(9);
  assertEquals(jobs.map(({ value, timeLeft }) => [value, timeLeft]), [["b", 5_000], ["a", 5_000]]);
  await old.doneMany(jobs);
  await using two = await sqliteJobs<string>(place.file, {
    ...common,
    ...{ levels: 4, groups: ["one", "two", "three"], group: "two", leaseTime: 5_000 },
  });
  await two.doneMany(await two.getMany(9));

  // A group that is empty goes; who had it is told.
  const waits = old.get();
  await using fewer = await open({ levels: 1, groups: ["two", "three"] });
  assertEquals((await assertRejects(() => waits, JobQueueError)).reason, "mismatch");
  assertEquals((await assertRejects(() => old.stats(), JobQueueError)).reason, "mismatch");
  await old.put("c");
  assertEquals((await fewer.get()).value, "c");
});

Deno.test("173: what sqliteJobs is told is what it may be", async () => {
  await using place = new Place();
  const bad: [unknown, unknown, new () => Error, string][] = [
    [7, {}, TypeError, "file"],
    [new URL("file:///x"), {}, TypeError, "file"],
    ["", {}, RangeError, "file"],
    [":memory:", {}, RangeError, "memoryJobs"],
    ["file:x?mode=memory", {}, RangeError, "file"],
    ["a\0b", {}, RangeError, "file"],
    [place.file, 7, TypeError, "options"],
    [place.file, { synchronous: "off" }, RangeError, "synchronous"],
    [place.file, { synchronous: true }, TypeError, "synchronous"],
    [place.file, { pollInterval: 0 }, RangeError, "pollInterval"],
    [place.file, { pollInterval: Infinity }, RangeError, "pollInterval"],
    [place.file, { pollInterval: "1" }, TypeError, "pollInterval"],
    [place.file, { busyTimeout: -1 }, RangeError, "busyTimeout"],
    [place.file, { busyTimeout: NaN }, RangeError, "busyTimeout"],
    [place.file, { clock: {} }, TypeError, "clock"],
    [place.file, { update: 1 }, TypeError, "update"],
    [place.file, { codec: "xml" }, TypeError, "codec"],
  ];
  for (const [file, options, type, text] of bad) {
    await assertRejects(() => sqliteJobs(file as string, options as never), type, text);
  }
  assertEquals([...Deno.readDirSync(place.directory)].length, 0);
});

Deno.test("163: join does not miss a moment without jobs, however short", async () => {
  await using place = new Place();
  await using first = await sqliteJobs<string>(place.file, { ...quick, pollInterval: 1 });
  await using second = await sqliteJobs<string>(place.file, { ...quick, pollInterval: 1 });
  await second.put("a");
  const joined = first.join();
  await first.stats();
  // In one transaction: nothing is unfinished in between, and nobody else can see it.
  const job = await second.get();
  await Promise.all([job.done(), second.put("b")]);
  await joined;
  await assertRejects(() => first.join({ timeout: 0 }), "timeout");
});

Deno.test("154, 174: who waits for room gets in, though others fill each place that they free themselves", async () => {
  await using place = new Place();
  const options = { ...quick, capacity: 4, pollInterval: 1 };
  await using busy = await sqliteJobs<string>(place.file, options);
  await using other = await sqliteJobs<string>(place.file, options);
  let open = true;
  let putting = 8;
  const putters = Array.from({ length: putting }, async () => {
    while (open) await busy.put("mine");
    putting--;
  });
  const taker = (async () => {
    while (putting > 0) {
      await busy.doneMany(await busy.getMany(1, { timeout: 0 }).catch(() => []));
    }
  })();
  for (let n = 0; n < 5; n++) await other.put("theirs");
  open = false;
  await Promise.all([...putters, taker]);
});

Deno.test("173: a transaction that fails has not happened: what it was for fails, and works again afterwards", async () => {
  await using place = new Place();
  await using queue = await sqliteJobs<string>(place.file, quick);
  using other = place.other();
  await queue.put("a");
  const job = await queue.get();
  const fails = async (promise: Promise<unknown>) => {
    const error = await assertRejects(() => promise, JobQueueError);
    assertEquals([error.reason, error.cause instanceof Error], ["storage", true]);
    assert(error.message.includes(place.file), error.message);
  };
  other.exec("CREATE TRIGGER t BEFORE UPDATE ON lanes BEGIN SELECT RAISE(FAIL, 'broken'); END");
  await Promise.all([job.done(), queue.put("b"), queue.put("c", { dedupeId: "c" })].map(fails));
  const { unfinished, leased } = await queue.stats();
  assertEquals([unfinished, leased, rows(other, "jobs"), rows(other, "known")], [1, 1, 1, 0]);
  other.exec("DROP TRIGGER t");
  assertEquals(await job.done(), true);
  assertEquals((await queue.put("c", { dedupeId: "c" })).duplicate, false);
});

Deno.test("173: when the file is not what it was, all who wait are told, and nobody waits for ever", async () => {
  await using place = new Place();
  await using queue = await sqliteJobs<string>(place.file, {
    ...quick,
    capacity: 1,
    pollInterval: 1,
  });
  await queue.put("a");
  await queue.get();
  const waits = [queue.get(), queue.put("b"), queue.join(), queue.dead.putBack("x")];
  assertEquals(await waits[3], false);
  using other = place.other();
  other.exec("DROP TABLE jobs; DROP TABLE queues");
  for (const call of waits.slice(0, 3)) {
    const error = await assertRejects(() => call, JobQueueError);
    assertEquals(error.reason, "storage");
  }
  await assertRejects(() => queue.stats(), JobQueueError);
});

Deno.test("168, 174: with a lock that is held a call that ends early leaves nothing, and a close waits for nobody", async () => {
  await using place = new Place();
  await using queue = await sqliteJobs<string>(place.file, quick);
  using other = place.other();
  other.exec("BEGIN IMMEDIATE");
  const controller = new AbortController();
  const put = queue.put("a", controller.signal);
  const timed = queue.put("b", { timeout: 5 });
  await assertRejects(() => timed, "timed out");
  controller.abort(new Error("enough"));
  await assertRejects(() => put, "enough");
  const get = queue.get();
  const [closed] = await Promise.allSettled([get, queue.close()]);
  assertEquals(closed.status, "rejected");
  other.exec("COMMIT");
  assertEquals(rows(other, "jobs"), 0);
});

function rows(db: DatabaseSync, table: string): number {
  return Number(db.prepare(`SELECT count(*) AS n FROM ${table}`).get()!["n"]);
}
