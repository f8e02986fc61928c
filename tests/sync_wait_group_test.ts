import { assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { background, withCancel } from "../mod.ts";
import { WaitGroup } from "../sync/mod.ts";
import { settled, state } from "./support/settle.ts";
import { catchUncaught } from "./support/uncaught.ts";

Deno.test("103, P15: waiting at 0 returns at once, each time", async () => {
  const group = new WaitGroup();
  await group.wait();
  await group.wait({ timeout: 0 });
  group.add();
  group.done();
  await group.wait({ timeout: 0 });
  assertEquals([group.count, group.waiting], [0, 0]);
});

Deno.test("103: all who wait are woken when the count comes to 0, not before, in their order", async () => {
  const group = new WaitGroup();
  group.add(2);
  const log: number[] = [];
  const waiting = [0, 1, 2].map((i) => group.wait().then(() => log.push(i)));
  group.done();
  await settled();
  assertEquals([log, group.count, group.waiting], [[], 1, 3]);
  group.done();
  assertEquals(group.waiting, 0);
  await Promise.all(waiting);
  assertEquals(log, [0, 1, 2]);
});

Deno.test("103: it can be used again; who was woken stays so if the count goes up at once", async () => {
  const group = new WaitGroup();
  for (let round = 0; round < 3; round++) {
    group.add();
    const waiting = group.wait();
    group.done();
    group.add();
    await waiting;
    const next = group.wait();
    assertEquals(await state(next), "pending");
    group.done();
    await next;
  }
});

Deno.test("103, P15: below 0 is a RangeError, and changes nothing", async () => {
  const group = new WaitGroup();
  assertThrows(() => group.done(), RangeError, "below 0");
  assertThrows(() => group.add(-1), RangeError, "count must not bring the sum, 0, below 0: -1");
  group.add(2);
  const waiting = group.wait();
  assertThrows(() => group.add(-3), RangeError, "the sum, 2, below 0: -3");
  assertEquals([group.count, await state(waiting)], [2, "pending"]);
  group.add(-2);
  await waiting;
});

Deno.test("103: `add` takes any integer; 0 changes nothing", async () => {
  const group = new WaitGroup();
  group.add(0);
  group.add(3);
  const waiting = group.wait();
  group.add(0);
  group.add(-1);
  group.add(1);
  assertEquals([group.count, group.waiting], [3, 1]);
  group.add(-3);
  await waiting;
});

Deno.test("103, R17: `add` of what is no integer is told, and changes nothing", () => {
  const group = new WaitGroup();
  for (const bad of [1.5, Infinity, -Infinity, NaN]) {
    assertThrows(() => group.add(bad), RangeError, `${bad}`);
  }
  for (const bad of ["1", null, {}]) {
    assertThrows(() => group.add(bad as never), TypeError, "count must be a number");
  }
  assertEquals(group.count, 0);
});

Deno.test("103: who is cancelled has only left", async () => {
  const group = new WaitGroup();
  group.add();
  const ctx = withCancel(background());
  const [gone, other] = [group.wait(ctx), group.wait()];
  ctx.cancel("gone");
  assertEquals([await gone.catch((error) => error), group.count, group.waiting], ["gone", 1, 1]);
  group.done();
  await other;
});

// ---- go ----

Deno.test("103: `go` counts `fn` from the call to its end, and gives its result", async () => {
  const group = new WaitGroup();
  const { promise, resolve } = Promise.withResolvers<string>();
  let started = false;
  const going = group.go(() => {
    started = true;
    return promise;
  });
  assertEquals([started, group.count], [true, 1]);
  const waiting = group.wait();
  assertEquals(await state(waiting), "pending");
  resolve("result");
  await waiting;
  assertEquals([await going, group.count], ["result", 0]);
  assertEquals(await group.go(() => 7), 7);
});

Deno.test("103: `go` counts down also when `fn` throws or rejects, and fails with the same", async () => {
  const group = new WaitGroup();
  const reason = new Error("failed");
  const fails = [
    () => {
      throw reason;
    },
    () => Promise.reject(reason),
  ];
  for (const fn of fails) {
    const going = group.go<never>(fn);
    const caught = going.catch((error) => error);
    await group.wait();
    assertStrictEquals(await caught, reason);
    assertEquals(group.count, 0);
  }
});

Deno.test("103: what `fn` of `go` fails with is uncaught if nobody handles it, and no wait is held up", async () => {
  using uncaught = catchUncaught();
  const group = new WaitGroup();
  const reason = new Error("failed");
  void group.go(() => Promise.reject(reason));
  await group.wait();
  await settled();
  assertEquals(uncaught.errors, [reason]);
});

Deno.test("103: what a function of `go` starts is waited for as well", async () => {
  const group = new WaitGroup();
  const log: string[] = [];
  group.go(async () => {
    await settled();
    group.go(async () => {
      await settled();
      log.push("inner");
    });
    log.push("outer");
  });
  await group.wait();
  assertEquals(log, ["outer", "inner"]);
});

Deno.test("103, R17: `go` rejects what is no function, and does not count it", async () => {
  const group = new WaitGroup();
  const going = group.go(null as never);
  assertEquals(group.count, 0);
  await assertRejects(() => going, TypeError, "fn must be a function, not null");
});
