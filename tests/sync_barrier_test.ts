import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { background, DeadlineExceededError, withCancel } from "../mod.ts";
import { Barrier, BrokenBarrierError } from "../sync/mod.ts";
import { state } from "./support/settle.ts";

Deno.test("102: the last to come lets all go in the same step, each with its place", async () => {
  const barrier = new Barrier(3);
  const waiting = [barrier.wait(), barrier.wait()];
  assertEquals([barrier.waiting, await state(waiting[0]!)], [2, "pending"]);
  waiting.push(barrier.wait());
  assertEquals(barrier.waiting, 0);
  assertEquals(await Promise.all(waiting), [0, 1, 2]);
});

Deno.test("102: it can be used again, round after round", async () => {
  const barrier = new Barrier(2);
  for (let round = 0; round < 3; round++) {
    assertEquals(await Promise.all([barrier.wait(), barrier.wait()]), [0, 1]);
    assertEquals([barrier.waiting, barrier.broken], [0, false]);
  }
});

Deno.test("102: a barrier of one lets everybody pass at place 0", async () => {
  const barrier = new Barrier(1);
  assertEquals([await barrier.wait(), await barrier.wait({ timeout: 0 })], [0, 0]);
});

Deno.test("102: who comes while the others have not gone on yet belongs to the next round", async () => {
  const barrier = new Barrier(2);
  const first = [barrier.wait(), barrier.wait()];
  const late = barrier.wait();
  assertEquals(await Promise.all(first), [0, 1]);
  assertEquals([await state(late), barrier.waiting], ["pending", 1]);
  assertEquals(await barrier.wait(), 1);
  assertEquals(await late, 0);
});

Deno.test("102: parties who come back at once fill the next round, none passes twice", async () => {
  const barrier = new Barrier(3);
  const rounds: number[][] = [[], [], []];
  await Promise.all([0, 1, 2].map(async () => {
    for (const round of rounds) round.push(await barrier.wait());
  }));
  assertEquals(rounds.map((round) => round.toSorted()), [[0, 1, 2], [0, 1, 2], [0, 1, 2]]);
});

Deno.test("102, P15: who is cancelled has only left; the others wait for as many as before", async () => {
  const barrier = new Barrier(3);
  const ctx = withCancel(background());
  const waiting = [barrier.wait(), barrier.wait(ctx)];
  ctx.cancel("gone");
  assertEquals([barrier.waiting, barrier.broken], [1, false]);
  assertEquals(await waiting[1]!.catch((error) => error), "gone");
  waiting[1] = barrier.wait();
  assertEquals([barrier.waiting, await state(waiting[0]!)], [2, "pending"]);
  waiting.push(barrier.wait());
  assertEquals(await Promise.all(waiting), [0, 1, 2]);
});

Deno.test("102, P15: places are counted without those who left", async () => {
  const barrier = new Barrier(3);
  const ctx = withCancel(background());
  const gone = barrier.wait(ctx).catch((error) => error);
  const waiting = [barrier.wait()];
  ctx.cancel("gone");
  waiting.push(barrier.wait(), barrier.wait());
  assertEquals([await gone, ...await Promise.all(waiting)], ["gone", 0, 1, 2]);
});

Deno.test("102: who is cancelled after the last has come has passed", async () => {
  const barrier = new Barrier(2);
  const ctx = withCancel(background());
  const waiting = [barrier.wait(ctx), barrier.wait(ctx)];
  ctx.cancel();
  assertEquals(await Promise.all(waiting), [0, 1]);
});

Deno.test("102: the last one needs no time, the others with a timeout of 0 leave", async () => {
  const barrier = new Barrier(2);
  await assertRejects(() => barrier.wait({ timeout: 0 }), DeadlineExceededError);
  assertEquals([barrier.waiting, barrier.broken], [0, false]);
  const first = barrier.wait();
  assertEquals([await barrier.wait({ timeout: 0 }), await first], [1, 0]);
});

// ---- abort and reset ----

Deno.test("102: `abort` fails those who wait and all who come, until `reset`", async () => {
  const barrier = new Barrier(3);
  const waiting = [barrier.wait(), barrier.wait()];
  barrier.abort();
  assertEquals([barrier.broken, barrier.waiting], [true, 0]);
  for (const each of waiting) await assertRejects(() => each, BrokenBarrierError, "aborted");
  for (let i = 0; i < 4; i++) {
    const late = barrier.wait();
    await assertRejects(() => late, BrokenBarrierError, "reset it");
  }
  barrier.abort();
  assertEquals([barrier.broken, barrier.waiting], [true, 0]);
  barrier.reset();
  assert(!barrier.broken);
  assertEquals(await Promise.all([1, 2, 3].map(() => barrier.wait())), [0, 1, 2]);
});

Deno.test("102: `reset` fails those who wait, and the barrier is as new", async () => {
  const barrier = new Barrier(2);
  const waiting = barrier.wait();
  barrier.reset();
  assertEquals([barrier.broken, barrier.waiting], [false, 0]);
  const next = [barrier.wait(), barrier.wait()];
  await assertRejects(() => waiting, BrokenBarrierError, "reset");
  assertEquals(await Promise.all(next), [0, 1]);
});

Deno.test("102: `reset` and `abort` without parties who wait fail nobody; those who passed, passed", async () => {
  const barrier = new Barrier(2);
  barrier.reset();
  const passed = [barrier.wait(), barrier.wait()];
  barrier.abort();
  assertEquals(await Promise.all(passed), [0, 1]);
  barrier.reset();
  const again = [barrier.wait(), barrier.wait()];
  barrier.reset();
  assertEquals(await Promise.all(again), [0, 1]);
});

Deno.test("102, R18: an ended context goes before a broken barrier, and before the last place", async () => {
  const barrier = new Barrier(2);
  const first = barrier.wait();
  const ended = AbortSignal.abort("ended");
  assertEquals(await barrier.wait(ended).catch((error) => error), "ended");
  assertEquals(await state(first), "pending");
  barrier.abort();
  assertEquals(await barrier.wait(ended).catch((error) => error), "ended");
  await assertRejects(() => first, BrokenBarrierError);
});

Deno.test("122, 102: the error has a name and a code", async () => {
  const barrier = new Barrier(2);
  barrier.abort();
  const error = await barrier.wait().catch((error) => error);
  assertInstanceOf(error, BrokenBarrierError);
  assertInstanceOf(error, Error);
  assertEquals([error.name, error.code], ["BrokenBarrierError", "SLUICE_BROKEN_BARRIER"]);
});

Deno.test("102, R17: `parties` is an integer of at least 1", () => {
  for (const bad of [0, -1, 1.5]) {
    assertThrows(() => new Barrier(bad), RangeError, `parties must be an integer`);
  }
  assertThrows(() => new Barrier(NaN), RangeError, "not NaN");
  assertThrows(() => new Barrier(Infinity), RangeError, "parties must be finite: Infinity");
  assertThrows(() => new Barrier("2" as never), TypeError, 'parties must be a number, not "2"');
  assertEquals(new Barrier(2).parties, 2);
});
