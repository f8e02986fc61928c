import { assert, assertEquals, assertLess, assertStrictEquals } from "@std/assert";
import { fakeClock } from "./support/clock.ts";
import { settled, state } from "./support/settle.ts";

/** A chain of promises far longer than any call of this module makes. */
async function chain(length = 1_000): Promise<void> {
  for (let link = 0; link < length; link++) await undefined;
}

Deno.test("state tells what has become of a promise once nothing more happens", async () => {
  assertEquals(await state(new Promise(() => {})), "pending");
  assertEquals(await state(chain()), "fulfilled");
  assertEquals(await state(chain().then(() => Promise.reject(new Error("no")))), "rejected");
});

Deno.test("settled waits for the longest chain of promises", async () => {
  let done = false;
  chain().then(() => done = true);
  await settled();
  assert(done);
});

Deno.test("time stands still until the clock ticks", async () => {
  using clock = fakeClock();
  const began = [Date.now(), performance.now()];
  await settled();
  assertEquals([Date.now(), performance.now()], began);
  await clock.tick(1_234);
  assertEquals(Date.now() - began[0]!, 1_234);
  assertEquals(performance.now() - began[1]!, 1_234);
  assertEquals(clock.now, Date.now());
});

Deno.test("timers run when they fall due, in order, each at its own time", async () => {
  using clock = fakeClock();
  const began = clock.now;
  const log: [string, number][] = [];
  const note = (what: string) => log.push([what, Date.now() - began]);
  setTimeout(note, 30, "late");
  setTimeout(note, 10, "early");
  const every = setInterval(note, 20, "every");
  await clock.tick(29);
  assertEquals(log, [["early", 10], ["every", 20]]);
  await clock.tick(11);
  assertEquals(log.slice(2), [["late", 30], ["every", 40]]);
  clearInterval(every);
  assertEquals(clock.timers, 0);
});

Deno.test("all that follows from a timer happens before the next one runs", async () => {
  using clock = fakeClock();
  const log: string[] = [];
  setTimeout(() => chain().then(() => log.push("first")), 10);
  setTimeout(() => log.push("second"), 10);
  setTimeout(() => chain().then(() => log.push("third")), 20);
  await clock.tick(20);
  assertEquals(log, ["first", "second", "third"]);
});

Deno.test("a timer that is set on the way through a tick runs within it", async () => {
  using clock = fakeClock();
  const began = clock.now;
  let woke = 0;
  const work = async () => {
    for (let round = 0; round < 3; round++) {
      await chain(50);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    woke = clock.now - began;
  };
  const working = work();
  await clock.tick(30);
  assertEquals(woke, 30);
  await working;
});

Deno.test("the clock counts the timers that are pending", async () => {
  using clock = fakeClock();
  const first = setTimeout(() => {}, 10);
  setTimeout(() => {}, 20);
  assertEquals(clock.timers, 2);
  clearTimeout(first);
  assertEquals(clock.timers, 1);
  await clock.tick(20);
  assertEquals(clock.timers, 0);
});

Deno.test("a test of hours takes no time", async () => {
  const began = performance.now();
  {
    using clock = fakeClock();
    let minutes = 0;
    const every = setInterval(() => minutes++, 60_000);
    await clock.tick(24 * 60 * 60_000);
    clearInterval(every);
    assertEquals(minutes, 24 * 60);
  }
  assertLess(performance.now() - began, 10_000);
});

Deno.test("the real clock is back after the scope of the fake one", () => {
  const real = [setTimeout, clearTimeout, setInterval, clearInterval, Date, performance.now];
  const now = Date.now();
  {
    using _clock = fakeClock();
    assert(setTimeout !== real[0]);
  }
  const back = [setTimeout, clearTimeout, setInterval, clearInterval, Date, performance.now];
  back.forEach((value, index) => assertStrictEquals(value, real[index]));
  assertLess(Math.abs(Date.now() - now), 60_000);
});

Deno.test("microtasks and setImmediate stay real under a fake clock", () => {
  const real = [queueMicrotask, setImmediate, Promise];
  using _clock = fakeClock();
  [queueMicrotask, setImmediate, Promise].forEach((value, index) => {
    assertStrictEquals<unknown>(value, real[index]);
  });
});
