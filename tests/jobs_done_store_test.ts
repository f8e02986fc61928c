/**
 * The store of ids in a file: what it remembers, for whom, for how long, and what it refuses.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { ClosedError } from "../mod.ts";
import { consume, idempotent, JobQueueError, memoryJobs } from "../jobs/mod.ts";
import { sqliteDoneStore, sqliteJobs } from "../jobs/sqlite/mod.ts";
import { fakeClock } from "./support/clock.ts";

/** A file in a directory that goes with it. */
async function place(): Promise<AsyncDisposable & { readonly file: string }> {
  const directory = await Deno.makeTempDir();
  return {
    file: `${directory}/done.db`,
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
}

Deno.test("172: a store in a file remembers beyond its end, and for others, by name", async () => {
  await using temp = await place();
  {
    await using store = await sqliteDoneStore(temp.file);
    await using other = await sqliteDoneStore(temp.file);
    await using mails = await sqliteDoneStore(temp.file, { name: "mails" });
    assertEquals(await store.has("a"), false);
    await store.add("a");
    await store.add("a");
    assertEquals([await store.has("a"), await other.has("a"), await mails.has("a")], [
      true,
      true,
      false,
    ]);
  }
  await using store = await sqliteDoneStore(temp.file, { synchronous: "normal" });
  assertEquals([await store.has("a"), await store.has("b")], [true, false]);
});

Deno.test("172: a store in a file forgets what is too old, and its rows go as others come", async () => {
  await using temp = await place();
  {
    using clock = fakeClock();
    await using store = await sqliteDoneStore(temp.file, { maxAge: 1_000 });
    await Promise.all(Array.from({ length: 10 }, (_, n) => store.add(`old-${n}`)));
    await clock.tick(999);
    assertEquals(await store.has("old-1"), true);
    await store.add("old-1");
    await clock.tick(1);
    // One of them was added again.
    assertEquals([await store.has("old-0"), await store.has("old-1")], [false, true]);
    for (let n = 0; n < 5; n++) await store.add(`new-${n}`);
  }
  using db = new DatabaseSync(temp.file);
  assertEquals(db.prepare("SELECT count(*) AS n FROM done").get()!["n"], 6);
});

Deno.test("172: ids that are added at the same time share a commit, and each is stored", async () => {
  await using temp = await place();
  await using store = await sqliteDoneStore(temp.file);
  const ids = Array.from({ length: 3_000 }, (_, n) => `id-${n}`);
  await Promise.all(ids.map((id) => store.add(id)));
  for (const id of ids) assert(await store.has(id));
});

Deno.test("172: a store that is closed refuses, and has stored what was being added", async () => {
  await using temp = await place();
  const store = await sqliteDoneStore(temp.file);
  const adding = store.add("a");
  await store.close();
  await adding;
  await store.close();
  await assertRejects(() => store.has("a"), ClosedError, "is closed");
  await assertRejects(() => store.add("a"), ClosedError, "is closed");
  await using again = await sqliteDoneStore(temp.file);
  assertEquals(await again.has("a"), true);
});

Deno.test("172: a lock of another process is waited for, so long; then it is a JobQueueError", async () => {
  await using temp = await place();
  await using patient = await sqliteDoneStore(temp.file);
  await using hasty = await sqliteDoneStore(temp.file, { busyTimeout: 0 });
  using db = new DatabaseSync(temp.file);
  db.exec("BEGIN IMMEDIATE");
  const adding = patient.add("a");
  const error = await assertRejects(() => hasty.add("b"), JobQueueError, "the store of ids's file");
  assertEquals(error.reason, "storage");
  // What is stored can be read all the same.
  assertEquals(await hasty.has("a"), false);
  db.exec("COMMIT");
  await adding;
  assertEquals([await hasty.has("a"), await hasty.has("b")], [true, false]);
});

Deno.test("172: files of others are refused, and left as they are", async () => {
  await using temp = await place();
  const queue = await sqliteJobs<string>(temp.file);
  await queue.close();
  await assertRejects(() => sqliteDoneStore(temp.file), JobQueueError, "needs a file of its own");
  await using again = await sqliteJobs<string>(temp.file);
  assertEquals((await again.stats()).unfinished, 0);
  const text = `${temp.file}.txt`;
  await Deno.writeTextFile(text, "no database, but more than a few bytes of text".repeat(100));
  await assertRejects(() => sqliteDoneStore(text), JobQueueError, "it is no SQLite database");
  await assertRejects(() => sqliteDoneStore(`${temp.file}/no/where`), JobQueueError);
});

Deno.test("172: its arguments are checked, and the end of `wait` heeded", async () => {
  await using temp = await place();
  const bad: [unknown, unknown, typeof TypeError | typeof RangeError, string][] = [
    [1, {}, TypeError, "file must be a path, not 1"],
    [":memory:", {}, RangeError, "file must be the path of a file"],
    [temp.file, 1, TypeError, "options must be an object of options"],
    [temp.file, { name: "" }, RangeError, "name must be 1 to 64 letters"],
    [temp.file, { maxAge: 0 }, RangeError, "maxAge must be more than 0: 0"],
    [temp.file, { synchronous: "off" }, RangeError, 'synchronous must be "full" or "normal"'],
    [temp.file, { busyTimeout: -1 }, RangeError, "busyTimeout must be at least 0: -1"],
  ];
  for (const [file, options, kind, message] of bad) {
    await assertRejects(() => sqliteDoneStore(file as never, options as never), kind, message);
  }
  await using store = await sqliteDoneStore(temp.file);
  for (const call of ["has", "add"] as const) {
    await assertRejects(
      async () => await store[call](1 as never),
      TypeError,
      "id must be a string, not 1",
    );
    const ended: Promise<unknown> = store[call]("a", AbortSignal.abort("over"));
    assertEquals(await ended.catch((error) => error), "over");
  }
  assertEquals(await store.has("a"), false);
});

Deno.test("172: a handler with such a store does a job once, also after a restart", async () => {
  await using temp = await place();
  let runs = 0;
  for (let restart = 0; restart < 2; restart++) {
    await using store = await sqliteDoneStore(temp.file);
    await using queue = await memoryJobs<string>();
    await queue.put("hello", { dedupeId: "order-17" });
    const working = consume(queue, idempotent<string>(() => void runs++, { store }));
    await queue.join();
    await queue.close();
    assertEquals((await working).done, 1);
  }
  assertEquals(runs, 1);
});
