import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { background, withCancel } from "../mod.ts";
import { type Guard, Mutex } from "../sync/mod.ts";
import { settled, state } from "./support/settle.ts";

// ---- 94: one holder, first come, first served ----

Deno.test("94: one holds it at a time, and the others get it in the order in which they came", async () => {
  const mutex = new Mutex();
  const order: number[] = [];
  let inside = 0;
  await Promise.all([0, 1, 2, 3].map(async (i) => {
    using _ = await mutex.lock();
    assertEquals(++inside, 1);
    order.push(i);
    await settled();
    inside--;
  }));
  assertEquals(order, [0, 1, 2, 3]);
  assertEquals([mutex.locked, mutex.waiting], [false, 0]);
});

Deno.test("94: releasing hands it over in the same step, so that nobody who comes later is faster", async () => {
  const mutex = new Mutex();
  const first = await mutex.lock();
  const second = mutex.lock();
  assertEquals([mutex.locked, mutex.waiting], [true, 1]);
  first.release();
  // It belongs to the second already, who has not gone on yet.
  assertEquals([mutex.locked, mutex.waiting], [true, 0]);
  assertEquals(mutex.tryLock(), undefined);
  const third = mutex.lock();
  assertEquals(await state(third), "pending");
  (await second).release();
  (await third).release();
  assert(!mutex.locked);
});

Deno.test("94: who is cancelled after it was handed over has it, and passes it on", async () => {
  const mutex = new Mutex();
  const holder = await mutex.lock();
  const ctx = withCancel(background());
  const waiting = mutex.lock(ctx);
  const next = mutex.lock();
  holder.release();
  ctx.cancel();
  const guard = await waiting;
  assert(guard.held);
  assertEquals(await state(next), "pending");
  guard.release();
  assert((await next).held);
});

Deno.test("94: who is cancelled before it is released never has it, and it goes to the next", async () => {
  const mutex = new Mutex();
  const holder = await mutex.lock();
  const ctx = withCancel(background());
  const cancelled = mutex.lock(ctx);
  const next = mutex.lock();
  ctx.cancel("gone");
  assertEquals(mutex.waiting, 1);
  holder.release();
  assertEquals(await cancelled.catch((error) => error), "gone");
  assert((await next).held);
  (await next).release();
  assert(!mutex.locked);
});

Deno.test("94: when all who wait are cancelled, it is free after the release", async () => {
  const mutex = new Mutex();
  const holder = await mutex.lock();
  const ctx = withCancel(background());
  const waiting = [mutex.lock(ctx), mutex.lock(ctx)].map((each) => each.catch((error) => error));
  ctx.cancel("gone");
  assertEquals(await Promise.all(waiting), ["gone", "gone"]);
  assertEquals([mutex.locked, mutex.waiting], [true, 0]);
  holder.release();
  assert(mutex.tryLock()?.held);
});

Deno.test("94: `tryLock` gives it if it is free, and undefined otherwise", async () => {
  const mutex = new Mutex();
  const guard = mutex.tryLock();
  assertEquals([guard?.held, mutex.locked, mutex.tryLock()], [true, true, undefined]);
  guard?.release();
  using again = await mutex.lock();
  assert(again.held);
});

Deno.test("94: a holder who locks again waits for himself, until he gives up", async () => {
  const mutex = new Mutex();
  using _ = await mutex.lock();
  await assertRejects(() => mutex.lock({ timeout: 0 }), Error);
  const controller = new AbortController();
  const again = mutex.lock(controller.signal);
  assertEquals(await state(again), "pending");
  controller.abort("never mind");
  assertEquals(await again.catch((error) => error), "never mind");
});

// ---- 97: a guard releases its own hold, and once ----

Deno.test("97, P12, P15: a second release does nothing, and never frees what somebody else holds", async () => {
  const mutex = new Mutex();
  const first = await mutex.lock();
  first.release();
  const second = await mutex.lock();
  first.release();
  first[Symbol.dispose]();
  assertEquals([first.held, second.held, mutex.locked], [false, true, true]);
  assertEquals(mutex.tryLock(), undefined);
  second.release();
  assertEquals([second.held, mutex.locked], [false, false]);
});

Deno.test("97, P12: a second release does not hand the lock to the next in line", async () => {
  const mutex = new Mutex();
  const first = await mutex.lock();
  const [second, third] = [mutex.lock(), mutex.lock()];
  first.release();
  first.release();
  assertEquals(mutex.waiting, 1);
  assertEquals(await state(third), "pending");
  (await second).release();
  (await third).release();
});

Deno.test("97: leaving the scope releases, also after an early release and by a throw", async () => {
  const mutex = new Mutex();
  {
    using guard = await mutex.lock();
    guard.release();
    assert(!mutex.locked);
    using other = await mutex.lock();
    assert(other.held);
  }
  assert(!mutex.locked);
  await assertRejects(async () => {
    using _ = await mutex.lock();
    throw new Error("in the scope");
  });
  assert(!mutex.locked);
});

// ---- run ----

Deno.test("94: `run` holds it until `fn` has ended, and gives what that gave", async () => {
  const mutex = new Mutex();
  const { promise, resolve } = Promise.withResolvers<string>();
  const running = mutex.run(() => promise);
  await settled();
  assertEquals([mutex.locked, mutex.tryLock()], [true, undefined]);
  resolve("result");
  assertEquals(await running, "result");
  assert(!mutex.locked);
  assertEquals(await mutex.run(() => 7), 7);
});

Deno.test("94: `run` releases it when `fn` throws or rejects, and fails with the same", async () => {
  const mutex = new Mutex();
  const reason = new Error("failed");
  const fails = [
    () => {
      throw reason;
    },
    () => Promise.reject(reason),
  ];
  for (const fn of fails) {
    assertEquals(await mutex.run<never>(fn).catch((error) => error), reason);
    assert(!mutex.locked);
  }
});

Deno.test("94, R18: `run` does not call `fn` if it never has the lock; `wait` does not end `fn`", async () => {
  const mutex = new Mutex();
  const guard = await mutex.lock();
  let calls = 0;
  const ctx = withCancel(background());
  const running = mutex.run(() => calls++, ctx);
  ctx.cancel("gone");
  assertEquals(await running.catch((error) => error), "gone");
  guard.release();
  assertEquals(await mutex.run(() => calls++, ctx).catch((error) => error), "gone");
  assertEquals([calls, mutex.locked], [0, false]);

  const late = withCancel(background());
  assertEquals(await mutex.run(() => (late.cancel(), "done"), late), "done");
});

Deno.test("R17: `run` rejects what is no function, and has not locked", async () => {
  const mutex = new Mutex();
  const running = mutex.run(5 as unknown as () => void);
  assert(!mutex.locked);
  await assertRejects(() => running, TypeError, "fn must be a function, not 5");
});

Deno.test("97: `held` and `locked` cannot be set", () => {
  const mutex = new Mutex();
  const guard: Guard = mutex.tryLock()!;
  assertThrows(() => ((guard as { held: boolean }).held = false), TypeError);
  assertThrows(() => ((mutex as { locked: boolean }).locked = false), TypeError);
  guard.release();
});
