/**
 * Write-behind buffers: what is written, when, in which order, and what is told of it.
 *
 * @module
 */
import fc from "fast-check";
import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { background, ClosedError, DeadlineExceededError, withCancel, withTimeout } from "../mod.ts";
import type { CancelContext, Context } from "../mod.ts";
import { Failed, WriteBehind, type WriteBehindOptions } from "../flow/mod.ts";
import { ManualClock } from "../tasks/mod.ts";
import { fakeClock } from "./support/clock.ts";
import { type HeldBatch, HeldBatches, quiet, testsStandStill } from "./support/held_batches.ts";
import { failure } from "./support/queues.ts";
import { settled, state } from "./support/settle.ts";
import { spiedController } from "./support/spied_signal.ts";
import { catchUncaught } from "./support/uncaught.ts";

type Pair = readonly [key: string, value: number];

/** One whose writer has to be told to end. Its clock stands if nothing else is said. */
function heldBuffer(options: WriteBehindOptions<string, number> = {}): {
  buffer: WriteBehind<string, number>;
  held: HeldBatches<Pair>;
  clock: ManualClock;
} {
  const clock = new ManualClock();
  const held = new HeldBatches<Pair>();
  return { buffer: new WriteBehind(held.handler, { clock, ...options }), held, clock };
}

/** Sets these, one after the other, without waiting. */
function set(buffer: WriteBehind<string, number>, ...pairs: Pair[]): Promise<void>[] {
  return pairs.map(([key, value]) => {
    const promise = buffer.set(key, value);
    promise.catch(() => {});
    return promise;
  });
}

/** Each value that was set is written, replaced, or in the buffer. */
function checkSum(buffer: WriteBehind<string, number>): void {
  const { sets, written, coalesced, pending } = buffer.stats();
  assertEquals(written + coalesced + pending, sets);
}

testsStandStill();

// ---- what is written ----

Deno.test("136: set is done at once, and the last value of each key is written later, in one go", async () => {
  const { buffer, held, clock } = heldBuffer({ linger: 10 });
  const sets = set(buffer, ["a", 1], ["b", 2], ["a", 3], ["c", 4], ["b", 5]);
  await Promise.all(sets);
  assertEquals([held.all.length, buffer.size, clock.timers], [0, 3, 1]);
  await clock.advance(10);
  assertEquals(held.items, [[["a", 3], ["b", 5], ["c", 4]]]);
  held.last.end();
  await quiet();
  assertEquals([buffer.size, buffer.entries(), clock.timers], [0, [], 0]);
  assertEquals(buffer.stats(), {
    pending: 0,
    failed: 0,
    waiting: 0,
    sets: 5,
    written: 3,
    coalesced: 2,
    writes: 1,
  });
});

Deno.test("136: if nothing is said, values linger for 100 ms, and 128 keys are written at once", async () => {
  const { buffer, held, clock } = heldBuffer();
  for (let n = 0; n < 127; n++) void buffer.set(`${n}`, n);
  await clock.advance(99);
  assertEquals(held.all.length, 0);
  await clock.advance(1);
  assertEquals(held.last.items.length, 127);
  held.last.end();
  await quiet();
  for (let n = 0; n < 129; n++) void buffer.set(`${n}`, n);
  await quiet();
  assertEquals(held.last.items.length, 128);
});

Deno.test("136: get, has and entries tell what is not written, undefined as any other value", async () => {
  const held = new HeldBatches<readonly [string, number | undefined]>();
  const buffer = new WriteBehind<string, number | undefined>(held.handler, { linger: Infinity });
  assertEquals([buffer.get("a"), buffer.has("a"), buffer.entries()], [undefined, false, []]);
  await buffer.set("a", undefined);
  await buffer.set("b", 1);
  assertEquals([buffer.get("a"), buffer.has("a"), buffer.get("b")], [undefined, true, 1]);
  assertEquals(buffer.entries(), [["a", undefined], ["b", 1]]);
  const flushed = buffer.flush();
  await quiet();
  // Also while a writer has them, and then the later value.
  await buffer.set("b", 2);
  assertEquals(buffer.entries(), [["a", undefined], ["b", 2]]);
  held.last.end();
  await flushed;
  assertEquals([buffer.has("a"), buffer.entries()], [false, [["b", 2]]]);
});

Deno.test("136: keys are told apart as those of a Map are", async () => {
  const keys: unknown[] = [];
  const buffer = new WriteBehind<unknown, number>((entries) => {
    for (const [key] of entries) keys.push(key);
  });
  const object = {};
  for (const key of [1, "1", NaN, NaN, object, {}, object, undefined, 0, -0]) {
    await buffer.set(key, 1);
  }
  await buffer.flush();
  assertEquals(keys.length, 7);
});

Deno.test("136: of a key one write at most is on its way, and the last set is written last", async () => {
  const { buffer, held } = heldBuffer({ linger: 0, concurrency: 9 });
  set(buffer, ["a", 1]);
  await settled();
  set(buffer, ["a", 2], ["b", 1], ["a", 3]);
  await settled();
  // b does not wait for a, and a waits for itself.
  assertEquals(held.items, [[["a", 1]], [["b", 1]]]);
  assertEquals([buffer.size, buffer.stats().pending], [2, 3]);
  checkSum(buffer);
  held.all[0]!.end();
  await settled();
  assertEquals(held.items.slice(2), [[["a", 3]]]);
  set(buffer, ["a", 4]);
  held.all[2]!.end();
  held.all[1]!.end();
  await settled();
  assertEquals(held.last.items, [["a", 4]]);
  held.last.end();
  await quiet();
  assertEquals([buffer.size, buffer.stats().written, buffer.stats().coalesced], [0, 4, 1]);
});

Deno.test("136: what the writer throws has happened to all, a Failed to its own; they stay in the buffer", async () => {
  const told: unknown[] = [];
  const onError = (error: unknown, key: string, value: number) => told.push([error, key, value]);
  const { buffer, held } = heldBuffer({ linger: 0, onError });
  set(buffer, ["a", 1], ["b", 2], ["c", 3]);
  await settled();
  held.last.end([undefined, new Failed("no b"), undefined]);
  await quiet();
  assertEquals([buffer.entries(), told], [[["b", 2]], [["no b", "b", 2]]]);
  assertEquals([buffer.stats().failed, buffer.stats().pending], [1, 1]);
  set(buffer, ["d", 4]);
  await settled();
  // What has failed is not tried again by itself.
  assertEquals(held.last.items, [["d", 4]]);
  held.last.fail("down");
  await quiet();
  assertEquals([buffer.entries(), told.at(-1)], [[["b", 2], ["d", 4]], ["down", "d", 4]]);
  checkSum(buffer);
});

Deno.test("136: the next set of its key tries it again, with the new value", async () => {
  const { buffer, held } = heldBuffer({ linger: 0 });
  set(buffer, ["a", 1], ["b", 1]);
  await settled();
  held.last.fail("down");
  await quiet();
  set(buffer, ["a", 2]);
  assertEquals([buffer.stats().failed, buffer.stats().coalesced], [1, 1]);
  await settled();
  assertEquals(held.last.items, [["a", 2]]);
  held.last.end();
  await quiet();
  assertEquals(buffer.entries(), [["b", 1]]);
  checkSum(buffer);
});

Deno.test("136: retry tries again by itself, with the value that is the last by then", async () => {
  const told: unknown[] = [];
  const { buffer, held, clock } = heldBuffer({
    linger: 0,
    retry: { attempts: 3, delay: 10, factor: 1 },
    onError: (error) => told.push(error),
  });
  set(buffer, ["a", 1], ["b", 1]);
  await settled();
  held.last.fail("down");
  await quiet();
  set(buffer, ["a", 2], ["a", 3]);
  assertEquals([buffer.stats().pending, buffer.stats().coalesced, held.all.length], [3, 1, 1]);
  checkSum(buffer);
  await clock.advance(10);
  assertEquals(held.last.items, [["a", 3], ["b", 1]]);
  assertEquals([buffer.stats().pending, buffer.stats().coalesced], [2, 2]);
  held.last.fail("down");
  await clock.advance(10);
  held.last.fail("still down");
  await quiet();
  assertEquals([told, buffer.entries()], [["still down", "still down"], [["a", 3], ["b", 1]]]);
  assertEquals([clock.timers, buffer.stats().writes], [0, 3]);
  checkSum(buffer);
});

Deno.test("136: a write that fails while a later value is there is told, and that value is written next", async () => {
  const told: unknown[] = [];
  const onError = (...args: unknown[]) => told.push(args);
  const { buffer, held } = heldBuffer({ linger: 0, onError });
  set(buffer, ["a", 1]);
  await settled();
  set(buffer, ["a", 2]);
  held.last.fail("down");
  await settled();
  assertEquals([told, held.last.items], [[["down", "a", 2]], [["a", 2]]]);
  assertEquals([buffer.stats().failed, buffer.stats().coalesced], [0, 1]);
  checkSum(buffer);
  held.last.end();
  await quiet();
  assertEquals(buffer.size, 0);
  checkSum(buffer);
});

Deno.test("136: what onError throws is uncaught, and may call back", async () => {
  using uncaught = catchUncaught();
  const error = new Error("odd");
  const buffer: WriteBehind<string, number> = new WriteBehind<string, number>(
    (entries) => entries.map(([, value]) => value < 3 ? new Failed("small") : undefined),
    {
      linger: 0,
      onError: (_, key, value) => {
        void buffer.set(key, value + 1);
        throw error;
      },
    },
  );
  await buffer.set("a", 1);
  for (let i = 0; i < 9; i++) await settled();
  assertEquals([buffer.size, uncaught.errors], [0, [error, error]]);
  assertEquals([buffer.stats().written, buffer.stats().coalesced], [1, 2]);
});

Deno.test("136: a set from within the writer counts as later", async () => {
  const writes: Pair[] = [];
  const buffer: WriteBehind<string, number> = new WriteBehind<string, number>((entries) => {
    writes.push(...entries);
    if (writes.length === 1) void buffer.set("a", 2);
  }, { linger: 0 });
  await buffer.set("a", 1);
  await buffer.flush();
  assertEquals(writes, [["a", 1]]);
  await buffer.shutdown();
  assertEquals(writes, [["a", 1], ["a", 2]]);
});

// ---- flush ----

Deno.test("136: flush writes without lingering, and is done when all that was set before is written", async () => {
  const { buffer, held, clock } = heldBuffer({ maxCount: 2 });
  set(buffer, ["a", 1], ["b", 2], ["c", 3]);
  const flushed = buffer.flush();
  await quiet();
  held.last.end();
  await quiet();
  assertEquals([held.items, await state(flushed)], [[[["a", 1], ["b", 2]], [["c", 3]]], "pending"]);
  set(buffer, ["d", 4]);
  held.last.end();
  assertEquals([await state(flushed), buffer.entries(), held.all.length], [
    "fulfilled",
    [["d", 4]],
    2,
  ]);
  assertEquals(clock.timers, 1);
});

Deno.test("136: it waits for the second write of a key that was set again before it, and hurries it", async () => {
  const { buffer, held } = heldBuffer({ concurrency: 2 });
  set(buffer, ["a", 1], ["b", 1]);
  const first = buffer.flush();
  await quiet();
  set(buffer, ["a", 2], ["b", 2], ["c", 1]);
  const second = buffer.flush();
  await quiet();
  assertEquals(held.items, [[["a", 1], ["b", 1]], [["c", 1]]]);
  set(buffer, ["a", 3]);
  held.all[0]!.end();
  assertEquals([await state(first), await state(second)], ["fulfilled", "pending"]);
  // Both in one go; and without a turn, and without lingering.
  assertEquals(held.last.items, [["a", 3], ["b", 2]]);
  held.all[1]!.end();
  held.last.end();
  assertEquals([await state(second), buffer.size], ["fulfilled", 0]);
});

Deno.test("136: it does not wait for what is set again after it", async () => {
  const { buffer, held } = heldBuffer();
  set(buffer, ["a", 1]);
  const flushed = buffer.flush();
  await quiet();
  set(buffer, ["a", 2]);
  held.last.end();
  assertEquals([await state(flushed), buffer.entries(), held.all.length], [
    "fulfilled",
    [["a", 2]],
    1,
  ]);
});

Deno.test("136: where nothing is in the buffer flush does not wait", async () => {
  const { buffer } = heldBuffer();
  await buffer.flush({ timeout: 0 });
  assertEquals(await state(buffer.flush()), "fulfilled");
});

Deno.test("136: flush tries again what has failed, and tells of what fails then", async () => {
  const { buffer, held } = heldBuffer();
  set(buffer, ["a", 1], ["b", 1]);
  const first = failure(buffer.flush());
  await quiet();
  held.last.end([undefined, new Failed("no b")]);
  assertEquals(await first, "no b");
  const second = failure(buffer.flush());
  await quiet();
  assertEquals([held.last.items, buffer.stats().failed], [[["b", 1]], 0]);
  held.last.fail("still no b");
  assertEquals(await second, "still no b");
  const third = buffer.flush();
  await quiet();
  held.last.end();
  await third;
  assertEquals(buffer.size, 0);
});

Deno.test("136: it rejects once nothing more of what was set before it is on its way", async () => {
  const { buffer, held } = heldBuffer({ maxCount: 1 });
  set(buffer, ["a", 1], ["b", 1]);
  const flushed = buffer.flush();
  flushed.catch(() => {});
  await quiet();
  held.last.fail("no a");
  await quiet();
  assertEquals([held.last.items, await state(flushed)], [[["b", 1]], "pending"]);
  held.last.end();
  assertEquals(await failure(flushed), "no a");
});

Deno.test("136: a failure is told to flushes that were called before it, and not to later ones", async () => {
  const { buffer, held } = heldBuffer({ maxCount: 1, concurrency: 9 });
  set(buffer, ["a", 1], ["b", 1]);
  const first = failure(buffer.flush());
  const second = failure(buffer.flush());
  await quiet();
  set(buffer, ["c", 1]);
  const third = failure(buffer.flush());
  await quiet();
  const [a, b, c] = held.all;
  a!.fail("no a");
  await quiet();
  // It tries a again, and is not told of what was before.
  const fourth = buffer.flush();
  await quiet();
  held.last.end();
  assertEquals([held.last.items, await state(fourth)], [[["a", 1]], "pending"]);
  const fifth = buffer.flush();
  b!.end();
  assertEquals([await first, await second], ["no a", "no a"]);
  c!.end();
  assertEquals(await third, "no a");
  await Promise.all([fourth, fifth]);
});

Deno.test("136: a failure of what was set after a flush is not told to it", async () => {
  const { buffer, held } = heldBuffer({ maxCount: 1, concurrency: 9 });
  set(buffer, ["a", 1]);
  const first = buffer.flush();
  await quiet();
  set(buffer, ["b", 1]);
  const second = failure(buffer.flush());
  await quiet();
  held.last.fail("no b");
  await quiet();
  held.all[0]!.end();
  assertEquals([await state(first), await second], ["fulfilled", "no b"]);
});

Deno.test("136: of several failures flush tells the last, whichever of its values it concerns", async () => {
  const { buffer, held } = heldBuffer({ maxCount: 1, concurrency: 9 });
  set(buffer, ["a", 1]);
  void buffer.flush().catch(() => {});
  set(buffer, ["b", 1]);
  const flushed = failure(buffer.flush());
  await quiet();
  held.all[1]!.fail("no b");
  await quiet();
  held.all[0]!.fail("no a");
  assertEquals(await flushed, "no a");
});

Deno.test("136: a flush called between a failure and its cure is told of neither", async () => {
  const { buffer, held } = heldBuffer({ maxCount: 1, concurrency: 9 });
  set(buffer, ["a", 1], ["b", 1]);
  const first = failure(buffer.flush());
  await quiet();
  held.all[0]!.fail("no a");
  await quiet();
  set(buffer, ["a", 2]);
  await quiet();
  held.last.end();
  await quiet();
  // b is on its way, a is written: nothing has failed since.
  const second = buffer.flush();
  held.all[1]!.end();
  assertEquals([await first, await state(second)], ["no a", "fulfilled"]);
});

Deno.test("136: a key that is set faster than its writes fail holds up no flush", async () => {
  const { buffer, held } = heldBuffer({ linger: 0 });
  set(buffer, ["a", 1]);
  const flushed = failure(buffer.flush());
  await quiet();
  set(buffer, ["a", 2]);
  held.last.fail("down");
  assertEquals(await flushed, "down");
  assertEquals([buffer.get("a"), buffer.stats().failed], [2, 0]);
});

Deno.test("136: a flush that is cancelled leaves nothing, and what it started goes on", async () => {
  const { buffer, held } = heldBuffer();
  const controller = spiedController();
  set(buffer, ["a", 1]);
  const cancelled = failure(buffer.flush(controller.signal));
  assertEquals(controller.listeners, 1);
  controller.abort("enough");
  assertEquals([await cancelled, controller.listeners], ["enough", 0]);
  assertEquals(await failure(buffer.flush(controller.signal)), "enough");
  assertInstanceOf(await failure(buffer.flush({ timeout: 0 })), DeadlineExceededError);
  await quiet();
  held.last.end();
  await quiet();
  assertEquals(buffer.size, 0);
});

Deno.test("136: many sets with a flush each, of which each is told what concerns it", async () => {
  const buffer = new WriteBehind<number, number>((entries) =>
    entries.map(([key]) => key % 1_000 === 7 ? new Failed(key) : undefined)
  );
  const flushes: Promise<unknown>[] = [];
  for (let n = 0; n < 4_000; n++) {
    void buffer.set(n, n);
    flushes.push(buffer.flush().then(() => undefined, (error) => error));
  }
  const errors = await Promise.all(flushes);
  assertEquals([errors[6], errors[7], buffer.size], [undefined, 7, 4]);
  // All later ones have been called before 7 failed, and wait for it, too.
  assert(errors.slice(7).every((error) => typeof error === "number" && error % 1_000 === 7));
});

// ---- room ----

Deno.test("136: where capacity keys are in the buffer set waits, first come, first served", async () => {
  const { buffer, held } = heldBuffer({ capacity: 2, maxCount: 2 });
  set(buffer, ["a", 1], ["b", 1]);
  await quiet();
  const [c, d, again, e] = set(buffer, ["c", 1], ["d", 1], ["a", 2], ["e", 1]);
  // Also who would need none waits behind those who do.
  assertEquals(await Promise.all([c!, d!, again!, e!].map(state)), Array(4).fill("pending"));
  assertEquals([buffer.stats().waiting, buffer.size, buffer.stats().sets], [4, 2, 2]);
  held.last.end([undefined, new Failed("no b")]);
  await quiet();
  assertEquals([buffer.entries(), buffer.stats().waiting], [[["b", 1], ["c", 1]], 3]);
  const flushed = buffer.flush();
  await quiet();
  held.last.end();
  await quiet();
  await flushed;
  // Two have left, d and a are in, e does not fit.
  assertEquals([buffer.entries(), buffer.stats().waiting], [[["d", 1], ["a", 2]], 1]);
  await Promise.all([c, d, again]);
  held.last.end();
  await Promise.all([e, quiet()]);
  assertEquals(buffer.entries(), [["e", 1]]);
});

Deno.test("136: a set that waits and whose key comes in meanwhile needs no room of its own", async () => {
  const { buffer, held } = heldBuffer({ capacity: 1, linger: 0 });
  set(buffer, ["a", 1]);
  await settled();
  const waiting = set(buffer, ["b", 1], ["b", 2], ["b", 3]);
  held.last.end();
  await Promise.all(waiting);
  assertEquals([buffer.entries(), buffer.stats().coalesced], [[["b", 3]], 2]);
});

Deno.test("136: cancelling a set that waits leaves the buffer as it was, and lets those behind it in", async () => {
  using timers = fakeClock();
  const { buffer, held } = heldBuffer({ capacity: 1 });
  set(buffer, ["a", 1]);
  const controller = spiedController();
  const ctx = withTimeout(background(), 10);
  const cancelled = [
    failure(buffer.set("b", 1, controller.signal)),
    failure(buffer.set("c", 1, ctx)),
    failure(buffer.set("d", 1, { timeout: 10 })),
    failure(buffer.set("e", 1, { timeout: 0 })),
  ];
  const [behind, after] = set(buffer, ["a", 2], ["f", 1]);
  const before = buffer.stats().sets;
  controller.abort("enough");
  assertEquals([controller.listeners, buffer.stats().sets, await state(behind!)], [
    0,
    before,
    "pending",
  ]);
  await timers.tick(10);
  // a, which is known, was held up by the others.
  assertEquals([await state(behind!), buffer.entries(), timers.timers], [
    "fulfilled",
    [["a", 2]],
    0,
  ]);
  const [enough, ...late] = await Promise.all(cancelled);
  assertEquals(enough, "enough");
  for (const error of late) assertInstanceOf(error, DeadlineExceededError);
  assertEquals([buffer.stats().waiting, buffer.stats().sets], [1, before + 1]);
  const flushed = buffer.flush();
  await quiet();
  held.last.end();
  await Promise.all([flushed, after]);
  assertEquals(buffer.entries(), [["f", 1]]);
  checkSum(buffer);
});

Deno.test("136: a context that has ended goes first: nothing is set", async () => {
  const { buffer, clock } = heldBuffer();
  assertEquals(await failure(buffer.set("a", 1, AbortSignal.abort("ended"))), "ended");
  assertEquals([buffer.size, buffer.stats().sets, clock.timers], [0, 0, 0]);
  assertEquals(await failure(buffer.shutdown(AbortSignal.abort("ended"))), "ended");
  assertEquals(buffer.closed, false);
});

// ---- the end ----

Deno.test("136: shutdown writes all, what is set again and what has failed too, and then nothing is left", async () => {
  const controller = spiedController();
  const { buffer, held, clock } = heldBuffer({ parent: controller.signal, maxCount: 2 });
  set(buffer, ["a", 1], ["b", 1]);
  await quiet();
  held.last.fail("down");
  await quiet();
  set(buffer, ["c", 1], ["d", 1]);
  await quiet();
  set(buffer, ["c", 2]);
  const over = buffer.shutdown();
  assert(buffer.closed);
  await quiet();
  held.last.end();
  await quiet();
  assertEquals(held.last.items, [["a", 1], ["b", 1]]);
  held.last.end();
  await quiet();
  assertEquals([held.last.items, await state(over)], [[["c", 2]], "pending"]);
  held.last.end();
  await over;
  assertEquals([buffer.size, clock.timers, controller.listeners], [0, 0, 0]);
  checkSum(buffer);
});

Deno.test("136: after it set rejects with ClosedError, which carries the key and the value; those who wait, too", async () => {
  const { buffer, held } = heldBuffer({ capacity: 1, name: "stock" });
  set(buffer, ["a", 1]);
  const [waiting] = set(buffer, ["b", 2]);
  const over = buffer.shutdown();
  for (const [promise, pair] of [[waiting!, ["b", 2]], [buffer.set("a", 3), ["a", 3]]] as const) {
    const error = await failure(promise);
    assertInstanceOf(error, ClosedError);
    assertEquals(error.value, pair);
    assertEquals(
      error.message,
      'the buffer "stock" is shut down, and the key and value are on this error',
    );
  }
  await quiet();
  held.last.end();
  await over;
  assertEquals([buffer.name, buffer.stats().sets, buffer.stats().waiting], ["stock", 1, 0]);
});

Deno.test("136: it rejects if something could not be written, which is in entries; further ones just resolve", async () => {
  const { buffer, held } = heldBuffer();
  set(buffer, ["a", 1], ["b", 1]);
  const both = [failure(buffer.shutdown()), failure(buffer.shutdown())];
  await quiet();
  held.last.end([undefined, new Failed("no b")]);
  assertEquals([await Promise.all(both), buffer.entries()], [["no b", "no b"], [["b", 1]]]);
  await buffer.shutdown();
  await buffer.shutdown({ immediate: true });
  // Nothing more is tried, and flush says that it is not written.
  assertEquals(await failure(buffer.flush()), "no b");
  assertEquals(held.all.length, 1);
  checkSum(buffer);
});

Deno.test("136: a shutdown whose wait ends goes on, and another one tells of its end", async () => {
  const { buffer, held } = heldBuffer();
  set(buffer, ["a", 1]);
  const controller = spiedController();
  const cancelled = failure(buffer.shutdown(controller.signal));
  const late = failure(buffer.shutdown({ timeout: 0 }));
  controller.abort("enough");
  assertEquals([await cancelled, controller.listeners], ["enough", 0]);
  assertInstanceOf(await late, DeadlineExceededError);
  await quiet();
  const over = failure(buffer.shutdown());
  held.last.fail("no a");
  assertEquals([await over, buffer.entries()], ["no a", [["a", 1]]]);
});

Deno.test("136: a shutdown of an empty buffer is done at once", async () => {
  const { buffer } = heldBuffer();
  await buffer.shutdown({ timeout: 0 });
  assert(buffer.closed);
});

Deno.test("136: an immediate shutdown leaves in entries what is not written, and waits for writers", async () => {
  const { buffer, held, clock } = heldBuffer({ maxCount: 1, capacity: 3 });
  set(buffer, ["a", 1], ["b", 1], ["c", 1]);
  await quiet();
  const [waiting] = set(buffer, ["d", 1]);
  const flushed = failure(buffer.flush());
  await quiet();
  assertEquals(held.items, [[["a", 1]]]);
  const over = buffer.shutdown({ immediate: true });
  assertEquals([held.last.ctx.done, clock.timers], [true, 0]);
  assertInstanceOf(await failure(waiting!), ClosedError);
  // What a writer had may have been written or not.
  assertEquals((await flushed as Error).message, "the buffer is shut down");
  assertEquals([buffer.entries(), await state(over)], [[["a", 1], ["b", 1], ["c", 1]], "pending"]);
  checkSum(buffer);
  held.last.end();
  await over;
  assertEquals([held.all.length, buffer.size], [1, 3]);
  await buffer.shutdown();
});

Deno.test("136: an immediate one with a later value on its way keeps that, and counts the other as replaced", async () => {
  const told: unknown[] = [];
  const { buffer, held } = heldBuffer({ onError: (error) => told.push(error) });
  set(buffer, ["a", 1]);
  const flushed = failure(buffer.flush());
  await quiet();
  set(buffer, ["a", 2]);
  const over = buffer.shutdown({ immediate: true });
  await flushed;
  held.last.end();
  await over;
  assertEquals([buffer.entries(), buffer.stats().pending, told], [[["a", 2]], 1, []]);
  checkSum(buffer);
});

Deno.test("136: the parent's end ends it: those who wait reject with its cause, the rest is in entries", async () => {
  for (const kind of ["context", "signal"] as const) {
    const ctx = withCancel(background());
    const controller = spiedController();
    const parent = kind === "context" ? ctx : controller.signal;
    const { buffer, held, clock } = heldBuffer({ parent, capacity: 2, maxCount: 1 });
    set(buffer, ["a", 1], ["b", 1]);
    const [waiting] = set(buffer, ["c", 1]);
    const flushed = failure(buffer.flush());
    await quiet();
    if (kind === "context") ctx.cancel("enough");
    else controller.abort("enough");
    assertEquals([held.last.ctx.cause, clock.timers], ["enough", 0]);
    assertEquals(await failure(buffer.set("d", 1)), "enough");
    assertEquals([await failure(waiting!), await flushed], ["enough", "enough"]);
    assertEquals([buffer.closed, buffer.entries()], [false, [["a", 1], ["b", 1]]]);
    assertEquals(await failure(buffer.flush()), "enough");
    const over = failure(buffer.shutdown());
    assertEquals(await state(over), "pending");
    // It has not been told to whom it concerns yet, and waits for the writer.
    held.last.end();
    assertEquals([await over, held.all.length], ["enough", 1]);
    await buffer.shutdown();
    checkSum(buffer);
  }
});

Deno.test("136: a buffer whose parent has ended already takes nothing", async () => {
  const { buffer } = heldBuffer({ parent: AbortSignal.abort("ended") });
  assertEquals(await failure(buffer.set("a", 1)), "ended");
  await buffer.flush();
  await buffer.shutdown();
});

Deno.test("136: leaving the scope of await using writes what was set", async () => {
  const writes: Pair[] = [];
  {
    await using buffer = new WriteBehind<string, number>((entries) => void writes.push(...entries));
    await buffer.set("a", 1);
  }
  assertEquals(writes, [["a", 1]]);
  const leave = async (): Promise<void> => {
    await using buffer = new WriteBehind<string, number>(() => Promise.reject("down"));
    await buffer.set("a", 1);
  };
  assertEquals(await failure(leave()), "down");
});

// ---- arguments ----

Deno.test("136: what is no buffer's argument is refused, and the message says why", () => {
  const nothing = () => {};
  const wrongs: [unknown, unknown, new () => Error, string][] = [
    [undefined, {}, TypeError, "write must be a function, not undefined"],
    [nothing, null, TypeError, "options must be an object of options, not null"],
    [nothing, { maxCount: 0 }, RangeError, "maxCount"],
    [nothing, { linger: -1 }, RangeError, "linger"],
    [nothing, { concurrency: 0 }, RangeError, "concurrency"],
    [nothing, { capacity: 0 }, RangeError, "capacity must be an integer of at least 1"],
    [nothing, { capacity: "5" }, TypeError, "capacity"],
    [nothing, { retry: {} }, TypeError, "retry.attempts"],
    [nothing, { onError: 5 }, TypeError, "onError must be a function, not 5"],
    [nothing, { clock: 5 }, TypeError, "clock"],
    [nothing, { name: 5 }, TypeError, "name"],
    [nothing, { parent: 5 }, TypeError, "parent"],
  ];
  for (const [write, options, type, message] of wrongs) {
    assertThrows(() => new WriteBehind(write as () => void, options as object), type, message);
  }
});

Deno.test("R17: what is no wait is refused, never thrown, and nothing has changed (write-behind)", async () => {
  const { buffer } = heldBuffer();
  for (const wait of [null, 5, { timeout: NaN }, { ctx: {} }]) {
    for (
      const call of [
        () => buffer.set("a", 1, wait as never),
        () => buffer.flush(wait as never),
        () => buffer.shutdown(wait as never),
      ]
    ) {
      const error = await failure(call());
      assert(error instanceof TypeError || error instanceof RangeError);
    }
  }
  await assertRejects(() => buffer.shutdown({ immediate: 1 as never }), TypeError, "immediate");
  assertEquals([buffer.closed, buffer.size], [false, 0]);
});

// ---- random programs ----

const KEYS = ["a", "b", "c", "d"];
const SLOTS = 2;
const RUNS = 300;

const operations = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      op: fc.constant("set" as const),
      key: fc.constantFrom(...KEYS),
      slot: fc.option(fc.nat(SLOTS - 1), { nil: undefined, freq: 2 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant("cancel" as const), slot: fc.nat(SLOTS - 1) }),
  },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("flush" as const) }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("advance" as const), ms: fc.nat(4) }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("turn" as const) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      op: fc.constant("end" as const),
      which: fc.nat(3),
      fails: fc.nat(2 ** KEYS.length - 1),
      way: fc.constantFrom("each" as const, "each" as const, "all" as const, "none" as const),
    }),
  },
);

/** What is written, and what must never happen. Values are numbers that grow with each set. */
class Disk {
  readonly held = new HeldBatches<Pair>();
  readonly open = new Set<HeldBatch<Pair, void>>();
  readonly table = new Map<string, number>();
  readonly handed = new Set<number>();
  readonly faults: string[] = [];
  readonly #busy = new Set<string>();
  /** Errors are numbers, too: how many there have been. */
  errors = 0;

  write(entries: readonly Pair[], ctx: Context, last: (key: string) => number | undefined) {
    for (const [key, value] of entries) {
      this.check(!this.#busy.has(key), `${key} is written twice at a time`);
      this.check(last(key) === value, `${key}: ${value} is not the last value`);
      this.check((this.table.get(key) ?? 0) < value, `${key}: ${value} is written again`);
      this.#busy.add(key);
      this.handed.add(value);
    }
    const promise = this.held.handler(entries, ctx);
    this.open.add(this.held.last);
    return promise;
  }

  /** Some write ends. */
  end(which: number, way: "each" | "all" | "none", fails: number): void {
    const batch = [...this.open][which % Math.max(1, this.open.size)];
    if (batch === undefined) return;
    this.open.delete(batch);
    if (way === "none") fails = 0;
    const error = way === "all" ? ++this.errors : undefined;
    const results = batch.items.map(([key, value], i) => {
      this.#busy.delete(key);
      if (error !== undefined) return undefined;
      if (fails & (1 << i)) return new Failed(++this.errors);
      this.table.set(key, value);
      return undefined;
    });
    if (error === undefined) batch.end(results);
    else batch.fail(error);
  }

  check(fine: boolean, fault: string): void {
    if (!fine) this.faults.push(fault);
  }
}

Deno.test("136: in random programs nothing is lost, out of order, or written twice at a time", async () => {
  const program = fc.record({
    options: fc.record({
      maxCount: fc.constantFrom(1, 2, 8),
      linger: fc.constantFrom(0, 2, Infinity),
      concurrency: fc.constantFrom(1, 2, 8),
      capacity: fc.constantFrom(1, 2, 3, 8),
    }),
    retry: fc.boolean(),
    steps: fc.array(operations, { maxLength: 40, size: "max" }),
    last: fc.constantFrom(
      "graceful" as const,
      "failing" as const,
      "immediate" as const,
      "parent" as const,
    ),
  });
  await fc.assert(
    fc.asyncProperty(program, async ({ options, retry, steps, last }) => {
      const disk = new Disk();
      const clock = new ManualClock();
      const parent = withCancel(background());
      const told: unknown[] = [];
      const buffer: WriteBehind<string, number> = new WriteBehind<string, number>(
        (entries, ctx) => disk.write(entries, ctx, (key) => buffer.get(key)),
        {
          ...options,
          clock,
          parent,
          retry: retry ? { attempts: 2, delay: 1.5 } : undefined,
          onError: (error, key, value) => {
            told.push(error);
            disk.check(buffer.get(key) === value, `told of ${value}, which is not there`);
          },
        },
      );
      const slots = Array.from({ length: SLOTS }, () => withCancel(background()));
      /** The last value of each key that was accepted; and those that were not. */
      const accepted = new Map<string, number>();
      const refused = new Set<number>();
      const calls: Promise<unknown>[] = [];
      let value = 0;
      let latest = 0;
      const add = (key: string, wait?: CancelContext): void => {
        const mine = ++value;
        calls.push(
          buffer.set(key, mine, wait).then(() => {
            disk.check(latest < mine, `${mine} comes in after ${latest}`);
            latest = mine;
            accepted.set(key, mine);
          }, () => void refused.add(mine)),
        );
      };
      const flush = (): void => {
        const before = buffer.entries();
        const since = disk.errors;
        calls.push(
          buffer.flush().then(() => {
            for (const [key, value] of before) {
              disk.check((disk.table.get(key) ?? 0) >= value, `${key}: ${value} is not flushed`);
            }
          }, (error) => {
            disk.check(typeof error !== "number" || error > since, "told of what was before");
          }),
        );
      };
      const check = (): void => {
        const { sets, written, coalesced, pending, failed } = buffer.stats();
        assertEquals(written + coalesced + pending, sets);
        assert(failed <= buffer.size && buffer.size <= pending && pending <= 2 * buffer.size);
        assert(buffer.size <= options.capacity);
        assertEquals(disk.faults, []);
      };
      for (const step of steps) {
        if (step.op === "set") {
          add(step.key, step.slot === undefined ? undefined : slots[step.slot]);
        } else if (step.op === "cancel") slots[step.slot]!.cancel();
        else if (step.op === "flush") flush();
        else if (step.op === "advance") await clock.advance(step.ms);
        else if (step.op === "turn") await settled();
        else {
          await quiet();
          disk.end(step.which, step.way, step.fails);
          await quiet();
        }
        check();
      }
      if (last === "parent") parent.cancel("enough");
      const over = buffer.shutdown({ immediate: last === "immediate" }).then(
        () => undefined,
        (error) => ({ error }),
      );
      add("a");
      for (let i = 0; i < 200 && (disk.open.size > 0 || i < 5); i++) {
        await settled();
        disk.end(i, last === "failing" ? "all" : "none", 0);
        await clock.advance(2);
        check();
      }
      const failure = await over;
      await Promise.all(calls);
      check();
      for (const [key, value] of accepted) {
        const kept = buffer.get(key);
        // Written, or still there; both, if its write was on its way when it ended.
        assert(disk.table.get(key) === value || kept === value, `${key}: ${value} is lost`);
        if (last === "graceful") assertEquals([disk.table.get(key), kept], [value, undefined]);
      }
      for (const value of refused) assert(!disk.handed.has(value), `${value} was refused`);
      assertEquals(failure !== undefined, buffer.size > 0 && last !== "immediate");
      assertEquals([clock.timers, disk.open.size, buffer.stats().waiting], [0, 0, 0]);
      if (last === "failing" && buffer.size > 0) assertEquals(failure!.error, told.at(-1));
    }),
    { numRuns: RUNS },
  );
});
