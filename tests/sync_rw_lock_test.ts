import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { background, DeadlineExceededError, withCancel } from "../mod.ts";
import { RwLock, type WriteGuard } from "../sync/mod.ts";
import { settled, state } from "./support/settle.ts";

Deno.test("98: readers share it", async () => {
  const lock = new RwLock();
  const readers = await Promise.all([lock.read(), lock.read(), lock.read()]);
  assertEquals([lock.readers, lock.writing, lock.waiting], [3, false, 0]);
  assert(lock.tryRead()?.held);
  for (const reader of readers) reader.release();
  assertEquals(lock.readers, 1);
});

Deno.test("98: a writer is alone", async () => {
  const lock = new RwLock();
  const writer = await lock.write();
  assertEquals([lock.writing, lock.tryRead(), lock.tryWrite()], [true, undefined, undefined]);
  const others = [lock.read(), lock.write()];
  assertEquals(await state(others[0]!), "pending");
  writer.release();
  assertEquals([lock.readers, lock.writing, lock.waiting], [1, false, 1]);
  (await others[0]!).release();
  assertEquals([lock.readers, lock.writing, lock.waiting], [0, true, 0]);
  (await others[1]!).release();
  assert(lock.tryWrite());
});

Deno.test("98, P15: readers and writers are never in it together, and all get in", async () => {
  const lock = new RwLock();
  let [reading, writing, most, done] = [0, 0, 0, 0];
  const reader = async () => {
    using _ = await lock.read();
    most = Math.max(most, ++reading);
    assertEquals(writing, 0);
    await settled();
    reading--;
    done++;
  };
  const writer = async () => {
    using _ = await lock.write();
    assertEquals([++writing, reading], [1, 0]);
    await settled();
    writing--;
    done++;
  };
  const all = [reader, reader, writer, reader, writer, writer, reader, reader];
  await Promise.all(all.map((each) => each()));
  assertEquals([done, most, lock.readers, lock.writing], [all.length, 2, 0, false]);
});

Deno.test("98: a writer who waits holds up readers who come after him", async () => {
  const lock = new RwLock();
  const first = await lock.read();
  const writer = lock.write();
  const late = lock.read();
  assertEquals([lock.tryRead(), lock.readers, lock.waiting], [undefined, 1, 2]);
  assertEquals([await state(writer), await state(late)], ["pending", "pending"]);
  first.release();
  (await writer).release();
  assert((await late).held);
});

Deno.test("98: a writer gets in when the last reader has left, although readers keep coming", async () => {
  const lock = new RwLock();
  const readers = await Promise.all([lock.read(), lock.read()]);
  const writer = lock.write();
  const late = [lock.read(), lock.read()];
  readers[0]!.release();
  assertEquals([lock.readers, lock.writing], [1, false]);
  readers[1]!.release();
  // In the same step.
  assertEquals([lock.readers, lock.writing, lock.waiting], [0, true, 2]);
  (await writer).release();
  assertEquals(lock.readers, 2);
  await Promise.all(late);
});

Deno.test("98: first come, first served: readers side by side get in together, up to the next writer", async () => {
  const lock = new RwLock();
  const holder = await lock.write();
  const order: string[] = [];
  const note = async (name: string, guard: Promise<Disposable>) => {
    using _ = await guard;
    order.push(name);
    await settled();
  };
  const all = Promise.all([
    note("r1", lock.read()),
    note("r2", lock.read()),
    note("w1", lock.write()),
    note("r3", lock.read()),
    note("w2", lock.write()),
  ]);
  holder.release();
  assertEquals([lock.readers, lock.waiting], [2, 3]);
  await all;
  assertEquals(order, ["r1", "r2", "w1", "r3", "w2"]);
});

Deno.test("98: when a writer who waits is cancelled, the readers behind him get in at once", async () => {
  const lock = new RwLock();
  using _reader = await lock.read();
  const ctx = withCancel(background());
  const writer = lock.write(ctx);
  const readers = [lock.read(), lock.read()];
  const last = lock.write();
  ctx.cancel("gone");
  assertEquals([lock.readers, lock.waiting], [3, 1]);
  assertEquals(await writer.catch((error) => error), "gone");
  await Promise.all(readers);
  assertEquals(await state(last), "pending");
});

Deno.test("98: a writer who gives up by his timeout of 0 holds up nobody", async () => {
  const lock = new RwLock();
  using _reader = await lock.read();
  await assertRejects(() => lock.write({ timeout: 0 }), DeadlineExceededError);
  assertEquals([lock.waiting, lock.tryRead()?.held], [0, true]);
});

Deno.test("98: who is cancelled after it was handed over has it", async () => {
  const lock = new RwLock();
  const holder = await lock.write();
  const ctx = withCancel(background());
  const calls = [lock.read(ctx), lock.read(ctx)];
  holder.release();
  ctx.cancel();
  assertEquals((await Promise.all(calls)).map(({ held }) => held), [true, true]);
  assertEquals(lock.readers, 2);
});

// ---- downgrade ----

Deno.test("98: `downgrade` lets the next readers in, and no writer before them", async () => {
  const lock = new RwLock();
  const writer = await lock.write();
  const readers = [lock.read(), lock.read()];
  const other = lock.write();
  const late = lock.read();
  const reading = writer.downgrade();
  assertEquals([writer.held, reading.held], [false, true]);
  assertEquals([lock.readers, lock.writing, lock.waiting], [3, false, 2]);
  for (const reader of readers) (await reader).release();
  assertEquals(await state(other), "pending");
  reading.release();
  assertEquals([lock.readers, lock.writing], [0, true]);
  (await other).release();
  assert((await late).held);
});

Deno.test("98: `downgrade` leaves no moment for a writer who is next", async () => {
  const lock = new RwLock();
  const writer = await lock.write();
  const next = lock.write();
  const reading = writer.downgrade();
  assertEquals([lock.readers, lock.writing, lock.waiting], [1, false, 1]);
  reading.release();
  assert((await next).held);
});

Deno.test("97, 98: a write guard that was downgraded releases nothing, its read guard does, once", async () => {
  const lock = new RwLock();
  {
    using writer = await lock.write();
    const reading = writer.downgrade();
    writer.release();
    assertEquals([lock.readers, lock.writing], [1, false]);
    reading.release();
    using other = await lock.write();
    reading.release();
    writer.release();
    assertEquals([other.held, lock.writing, lock.readers], [true, true, 0]);
  }
  assertEquals([lock.readers, lock.writing], [0, false]);
});

Deno.test("98: only what is held can be downgraded", async () => {
  const lock = new RwLock();
  const released: WriteGuard = await lock.write();
  released.release();
  assertThrows(() => released.downgrade(), TypeError, "held");
  assertEquals([lock.readers, lock.writing], [0, false]);
  const downgraded = await lock.write();
  using _ = downgraded.downgrade();
  assertThrows(() => downgraded.downgrade(), TypeError, "held");
  assertEquals([lock.readers, lock.writing], [1, false]);
});

// ---- guards ----

Deno.test("97, P12, P15: a reader's second release frees no writer, and no other reader", async () => {
  const lock = new RwLock();
  const reader = await lock.read();
  reader.release();
  const writer = await lock.write();
  reader.release();
  reader[Symbol.dispose]();
  assertEquals([lock.readers, lock.writing, lock.tryRead()], [0, true, undefined]);
  writer.release();
  writer.release();
  const readers = [await lock.read(), await lock.read()];
  writer.release();
  readers[0]!.release();
  readers[0]!.release();
  assertEquals([lock.readers, lock.tryWrite()], [1, undefined]);
  assertEquals([reader.held, writer.held, readers[1]!.held], [false, false, true]);
});

Deno.test("97, 98: leaving the scope releases a read and a write lock, also by a throw", async () => {
  const lock = new RwLock();
  for (const lockIt of [() => lock.read(), () => lock.write()]) {
    await assertRejects(async () => {
      using _ = await lockIt();
      throw new Error("in the scope");
    });
    assertEquals([lock.readers, lock.writing], [0, false]);
  }
});
