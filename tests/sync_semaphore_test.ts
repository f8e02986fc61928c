import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { background, DeadlineExceededError, withCancel } from "../mod.ts";
import { type Permit, Semaphore } from "../sync/mod.ts";
import { settled, state } from "./support/settle.ts";

// ---- 95: one permit each ----

Deno.test("95: no more hold it than there are permits, and they get it in their order", async () => {
  const semaphore = new Semaphore(2);
  const order: number[] = [];
  let [inside, most] = [0, 0];
  await Promise.all([0, 1, 2, 3, 4].map(async (i) => {
    using _ = await semaphore.acquire();
    order.push(i);
    most = Math.max(most, ++inside);
    await settled();
    inside--;
  }));
  assertEquals([order, most], [[0, 1, 2, 3, 4], 2]);
  assertEquals([semaphore.available, semaphore.waiting], [2, 0]);
});

Deno.test("95: who is cancelled before it is woken eats no release", async () => {
  const semaphore = new Semaphore(1);
  const permit = await semaphore.acquire();
  const ctx = withCancel(background());
  const cancelled = [semaphore.acquire(ctx), semaphore.acquire(ctx)];
  const next = semaphore.acquire();
  ctx.cancel("gone");
  for (const each of cancelled) assertEquals(await each.catch((error) => error), "gone");
  permit.release();
  assertEquals((await next).count, 1);
  (await next).release();
  assertEquals([semaphore.available, semaphore.waiting], [1, 0]);
});

Deno.test("95: who is cancelled after it was served has its permit, and gives it back", async () => {
  const semaphore = new Semaphore(1);
  const permit = await semaphore.acquire();
  const ctx = withCancel(background());
  const served = semaphore.acquire(ctx);
  permit.release();
  ctx.cancel();
  using held = await served;
  assertEquals([held.count, semaphore.available], [1, 0]);
});

Deno.test("95: first in, first out even if permits are available while somebody waits", async () => {
  const semaphore = new Semaphore(3);
  const held = await semaphore.acquireMany(2);
  const big = semaphore.acquireMany(2);
  const small = semaphore.acquire();
  assertEquals([semaphore.available, semaphore.waiting], [1, 2]);
  assertEquals(semaphore.tryAcquire(), undefined);
  assertEquals(await state(small), "pending");
  held.release(1);
  assertEquals([(await big).count, semaphore.waiting], [2, 1]);
  assertEquals(await state(small), "pending");
  held.release();
  assertEquals((await small).count, 1);
});

Deno.test("95: several who wait are served by one release, as far as it goes", async () => {
  const semaphore = new Semaphore(3);
  const all = await semaphore.acquireMany(3);
  const waiting = [1, 2, 3, 4].map(() => semaphore.acquire());
  all.release();
  assertEquals([semaphore.available, semaphore.waiting], [0, 1]);
  const served = await Promise.all(waiting.slice(0, 3));
  served[1]!.release();
  assertEquals((await waiting[3]!).count, 1);
});

// ---- 96: weights ----

Deno.test("96: a big request at the head is not starved by small ones that come later", async () => {
  const semaphore = new Semaphore(4);
  const holders = await Promise.all([1, 2, 3, 4].map(() => semaphore.acquire()));
  const order: string[] = [];
  const big = semaphore.acquireMany(4).then((permit) => (order.push("big"), permit));
  const small = [1, 2].map(() =>
    semaphore.acquire().then((permit) => (order.push("small"), permit))
  );
  for (const holder of holders) {
    assertEquals(order, []);
    holder.release();
    await settled();
  }
  assertEquals([order, semaphore.waiting], [["big"], 2]);
  (await big).release();
  for (const each of small) (await each).release();
  assertEquals([order, semaphore.available], [["big", "small", "small"], 4]);
});

Deno.test("96: when the big one at the head is cancelled, those that fit are served at once", async () => {
  const semaphore = new Semaphore(4);
  using _held = await semaphore.acquireMany(2);
  const ctx = withCancel(background());
  const big = semaphore.acquireMany(3, ctx);
  const small = [semaphore.acquire(), semaphore.acquire(), semaphore.acquire()];
  assertEquals([semaphore.available, semaphore.waiting], [2, 4]);
  ctx.cancel("gone");
  assertEquals([semaphore.available, semaphore.waiting], [0, 1]);
  assertEquals(await big.catch((error) => error), "gone");
  for (const each of small.slice(0, 2)) assertEquals((await each).count, 1);
  assertEquals(await state(small[2]!), "pending");
});

Deno.test("96: nobody is served whose context ends with that of the head", async () => {
  const semaphore = new Semaphore(2);
  using _held = await semaphore.acquire();
  const ctx = withCancel(background());
  const waiting = [semaphore.acquireMany(2, ctx), semaphore.acquire(ctx)];
  const other = semaphore.acquire();
  ctx.cancel("gone");
  for (const each of waiting) assertEquals(await each.catch((error) => error), "gone");
  assertEquals((await other).count, 1);
  assertEquals(semaphore.available, 0);
});

Deno.test("96: a request that gives up by its timeout of 0 holds up nobody", async () => {
  const semaphore = new Semaphore(2);
  using _held = await semaphore.acquire();
  await assertRejects(() => semaphore.acquireMany(2, { timeout: 0 }), DeadlineExceededError);
  assertEquals([semaphore.waiting, semaphore.tryAcquire()?.count], [0, 1]);
});

Deno.test("96: more than there are is refused at once, and holds up nobody", async () => {
  const semaphore = new Semaphore(2);
  const refused = semaphore.acquireMany(3);
  assertEquals([semaphore.available, semaphore.waiting], [2, 0]);
  await assertRejects(() => refused, RangeError, "count must be at most 2, and finite: 3");
  assertThrows(() => semaphore.tryAcquireMany(3), RangeError, "count must be at most 2");
  assertEquals((await semaphore.acquireMany(2)).count, 2);
});

Deno.test("96: `tryAcquire` and `tryAcquireMany` do not overtake, and take all or nothing", async () => {
  const semaphore = new Semaphore(3);
  assertEquals(semaphore.tryAcquireMany(3)?.count, 3);
  assertEquals([semaphore.tryAcquire(), semaphore.tryAcquireMany(2)], [undefined, undefined]);

  const other = new Semaphore(3);
  const held = other.tryAcquire()!;
  assertEquals([other.tryAcquireMany(3), other.available], [undefined, 2]);
  const waiting = other.acquireMany(3);
  assertEquals([other.tryAcquire(), other.tryAcquireMany(1)], [undefined, undefined]);
  held.release();
  assertEquals((await waiting).count, 3);
});

Deno.test("96, P17: what is given back beyond what is held is a RangeError, and changes nothing", async () => {
  const semaphore = new Semaphore(3);
  const permit = await semaphore.acquireMany(2);
  assertThrows(
    () => permit.release(3),
    RangeError,
    "count must be at most what is held, 2: 3",
  );
  assertThrows(() => permit.release(Infinity), RangeError);
  assertEquals([permit.count, semaphore.available], [2, 1]);
  permit.release();
  assertThrows(() => permit.release(1), RangeError, "what is held, 0: 1");
  assertEquals([permit.count, semaphore.available], [0, 3]);
});

Deno.test("96: permits can be given back in parts, which serve those in line", async () => {
  const semaphore = new Semaphore(4);
  const permit = await semaphore.acquireMany(4);
  const waiting = [semaphore.acquire(), semaphore.acquireMany(2)];
  permit.release(1);
  assertEquals([permit.count, semaphore.available, semaphore.waiting], [3, 0, 1]);
  assertEquals((await waiting[0]!).count, 1);
  permit.release(1);
  assertEquals([permit.count, semaphore.available, semaphore.waiting], [2, 1, 1]);
  permit.release();
  assertEquals([permit.count, semaphore.available, semaphore.waiting], [0, 1, 0]);
  assertEquals((await waiting[1]!).count, 2);
});

// ---- 97: a permit gives back its own, and once ----

Deno.test("97, P12, P17: a permit disposed twice frees nobody else's", async () => {
  const semaphore = new Semaphore(1);
  const first = await semaphore.acquire();
  first.release();
  const second = await semaphore.acquire();
  first.release();
  first[Symbol.dispose]();
  assertEquals([first.count, second.count, semaphore.available], [0, 1, 0]);
  assertEquals(semaphore.tryAcquire(), undefined);
  second.release();
  assertEquals(semaphore.available, 1);
});

Deno.test("97: leaving the scope gives back what is left, also by a throw", async () => {
  const semaphore = new Semaphore(3);
  {
    using permit: Permit = await semaphore.acquireMany(3);
    permit.release(2);
    assertEquals(semaphore.available, 2);
  }
  assertEquals(semaphore.available, 3);
  await assertRejects(async () => {
    using _ = await semaphore.acquireMany(2);
    throw new Error("in the scope");
  });
  assertEquals(semaphore.available, 3);
});

// ---- run, and arguments ----

Deno.test("95: `run` holds a permit until `fn` has ended, in whichever way", async () => {
  const semaphore = new Semaphore(1);
  const { promise, resolve } = Promise.withResolvers<string>();
  const running = semaphore.run(() => promise);
  await settled();
  assertEquals(semaphore.available, 0);
  resolve("result");
  assertEquals([await running, semaphore.available], ["result", 1]);
  await assertRejects(
    () =>
      semaphore.run(() => {
        throw new Error("failed");
      }),
    Error,
    "failed",
  );
  await assertRejects(() => semaphore.run(() => Promise.reject(new Error("no"))), Error, "no");
  assertEquals(semaphore.available, 1);
});

Deno.test("95, R18: `run` does not call `fn` if it has no permit; `wait` does not end `fn`", async () => {
  const semaphore = new Semaphore(1);
  const permit = await semaphore.acquire();
  let calls = 0;
  const ctx = withCancel(background());
  const running = semaphore.run(() => calls++, ctx);
  ctx.cancel("gone");
  assertEquals(await running.catch((error) => error), "gone");
  permit.release();
  assertEquals(await semaphore.run(() => calls++, ctx).catch((error) => error), "gone");
  assertEquals([calls, semaphore.available], [0, 1]);
  const late = withCancel(background());
  assertEquals(await semaphore.run(() => (late.cancel(), "done"), late), "done");
});

Deno.test("95: a semaphore of Infinity permits never makes anybody wait", async () => {
  const semaphore = new Semaphore(Infinity);
  const permits = await Promise.all([semaphore.acquire(), semaphore.acquireMany(1e9)]);
  for (const permit of permits) permit.release();
  assertEquals([semaphore.permits, semaphore.available], [Infinity, Infinity]);
  await assertRejects(() => semaphore.acquireMany(Infinity), RangeError, "finite");
});

Deno.test("R17, 96: bad counts are told with what is allowed: thrown, or as a rejection", async () => {
  for (const [bad, type] of [["2", TypeError], [null, TypeError], [{}, TypeError]] as const) {
    assertThrows(() => new Semaphore(bad as never), type, "permits must be a number");
  }
  for (const bad of [0, -1, 1.5]) {
    assertThrows(
      () => new Semaphore(bad),
      RangeError,
      `permits must be an integer of at least 1, or Infinity: ${bad}`,
    );
  }
  assertThrows(() => new Semaphore(NaN), RangeError, "not NaN");

  const semaphore = new Semaphore(2);
  for (const bad of [0, -1, 1.5, NaN, Infinity]) {
    const refused = semaphore.acquireMany(bad);
    await assertRejects(() => refused, RangeError, `${bad}`);
    assertThrows(() => semaphore.tryAcquireMany(bad), RangeError, `${bad}`);
  }
  const refused = semaphore.acquireMany("1" as never);
  await assertRejects(() => refused, TypeError, 'count must be a number, not "1"');
  await assertRejects(() => semaphore.run(null as never), TypeError, "fn must be a function");

  const permit = await semaphore.acquire();
  for (const bad of [0, -1, 1.5, NaN]) assertThrows(() => permit.release(bad), RangeError);
  assertThrows(() => permit.release("1" as never), TypeError, 'not "1"');
  assertEquals([permit.count, semaphore.available, semaphore.waiting], [1, 1, 0]);
  assert(semaphore.permits === 2);
});
