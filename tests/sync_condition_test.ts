import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { background, DeadlineExceededError, withCancel } from "../mod.ts";
import { Condition, type Guard, Mutex, RwLock } from "../sync/mod.ts";
import { fakeClock } from "./support/clock.ts";
import { settled, state } from "./support/settle.ts";
import { spiedController } from "./support/spied_signal.ts";

// ---- 100: notify ----

for (const [count, woken] of [[0, 0], [1, 1], [2, 2], [3, 3], [5, 3], [Infinity, 3]] as const) {
  Deno.test(`100: notify(${count}) wakes ${woken} of three, oldest first`, async () => {
    const condition = new Condition();
    const { log } = waiters(condition, 3);
    assertEquals([condition.waiting, condition.mutex.locked], [3, false]);
    notify(condition, count);
    assertEquals(condition.waiting, 3 - woken);
    await settled();
    assertEquals(log, [0, 1, 2].slice(0, woken));
    assert(!condition.mutex.locked);
  });
}

Deno.test("100: without a count one is woken; `notifyAll` wakes all", async () => {
  const condition = new Condition();
  const { log } = waiters(condition, 3);
  {
    using guard = await condition.mutex.lock();
    condition.notify(guard);
  }
  await settled();
  assertEquals(log, [0]);
  {
    using guard = await condition.mutex.lock();
    condition.notifyAll(guard);
  }
  await settled();
  assertEquals(log, [0, 1, 2]);
});

Deno.test("100: a notification that finds nobody waiting is not kept", async () => {
  const condition = new Condition();
  notify(condition, 5);
  const { log } = waiters(condition, 1);
  await settled();
  assertEquals([log, condition.waiting], [[], 1]);
});

Deno.test("100: who comes later cannot take a notification from those who waited", async () => {
  const condition = new Condition();
  const { mutex } = condition;
  const { log } = waiters(condition, 2);
  const guard = await mutex.lock();
  condition.notify(guard);
  // The notifier itself, in the same step, before anybody who was woken goes on.
  const late = condition.wait(guard).then(() => log.push("late"));
  await settled();
  assertEquals(log, [0]);
  notify(condition, 1);
  await settled();
  assertEquals(log, [0, 1]);
  notify(condition, 1);
  await late;
  assertEquals(log, [0, 1, "late"]);
  guard.release();
});

Deno.test("100: who is notified stands in line for the mutex from that step on", async () => {
  const condition = new Condition();
  const { mutex } = condition;
  const { log } = waiters(condition, 2);
  const guard = await mutex.lock();
  const before = mutex.lock().then((guard) => (log.push("before"), guard.release()));
  condition.notifyAll(guard);
  const after = mutex.lock().then((guard) => (log.push("after"), guard.release()));
  assertEquals([mutex.waiting, condition.waiting], [4, 0]);
  guard.release();
  await Promise.all([before, after]);
  assertEquals(log, ["before", 0, 1, "after"]);
});

// ---- 100: wait ----

Deno.test("100: `wait` lets go of the mutex in the same step, to whoever is next", async () => {
  const condition = new Condition();
  const { mutex } = condition;
  const guard = await mutex.lock();
  const next = mutex.lock();
  const waiting = condition.wait(guard);
  assertEquals([guard.held, mutex.locked, mutex.waiting], [false, true, 0]);
  using other = await next;
  condition.notify(other);
  // The notifier holds it still.
  assertEquals(await state(waiting), "pending");
  assertEquals([guard.held, other.held], [false, true]);
  other.release();
  assertEquals([guard.held, mutex.locked], [true, true]);
  await waiting;
  guard.release();
  assert(!mutex.locked);
});

Deno.test("100: a wait that is cancelled has the mutex again before it rejects", async () => {
  const condition = new Condition();
  const { mutex } = condition;
  const guard = await mutex.lock();
  const ctx = withCancel(background());
  const waiting = condition.wait(guard, ctx);
  const other = await mutex.lock();
  ctx.cancel("gone");
  assertEquals([await state(waiting), condition.waiting, guard.held], ["pending", 0, false]);
  other.release();
  assertEquals(await waiting.catch((error) => error), "gone");
  assertEquals([guard.held, mutex.tryLock()], [true, undefined]);
  guard.release();
  assertEquals([mutex.locked, mutex.waiting], [false, 0]);
});

Deno.test("100: who is cancelled before the notification leaves it to the next", async () => {
  const condition = new Condition();
  const ctx = withCancel(background());
  const { log, outcomes } = waiters(condition, 3, (i) => i === 0 ? ctx : undefined);
  const guard = await condition.mutex.lock();
  ctx.cancel("gone");
  condition.notify(guard);
  guard.release();
  await settled();
  // The one who was cancelled stands in line for the mutex behind the one who was notified.
  assertEquals(log, [1, "0: gone"]);
  assertEquals(condition.waiting, 1);
  notify(condition, 1);
  await Promise.all(outcomes);
});

Deno.test("100: a cancel after the notification loses it not: the wait resolves, with the mutex", async () => {
  const condition = new Condition();
  const { mutex } = condition;
  const ctx = withCancel(background());
  const guard = await mutex.lock();
  const waiting = condition.wait(guard, ctx);
  const notifier = await mutex.lock();
  condition.notify(notifier);
  ctx.cancel("too late");
  assertEquals(await state(waiting), "pending");
  notifier.release();
  await waiting;
  assert(guard.held);
  guard.release();
});

Deno.test("100: of those who were notified and those who were cancelled nobody is forgotten", async () => {
  const condition = new Condition();
  const ctx = withCancel(background());
  const { log, outcomes } = waiters(condition, 4, (i) => i % 2 === 0 ? ctx : undefined);
  const guard = await condition.mutex.lock();
  condition.notify(guard);
  ctx.cancel("gone");
  condition.notify(guard);
  guard.release();
  await settled();
  assertEquals([log.toSorted(), condition.waiting], [[0, 1, "2: gone"].toSorted(), 1]);
  notify(condition, 1);
  await Promise.all(outcomes);
  assert(!condition.mutex.locked);
});

Deno.test("100, R18: with a context that has ended the mutex is not let go, not for a moment", async () => {
  const condition = new Condition();
  const { mutex } = condition;
  using guard = await mutex.lock();
  const next = mutex.lock();
  const waiting = condition.wait(guard, AbortSignal.abort("ended"));
  assertEquals([guard.held, condition.waiting, mutex.waiting], [true, 0, 1]);
  assertEquals(await waiting.catch((error) => error), "ended");
  assertEquals(await state(next), "pending");
  guard.release();
  (await next).release();
});

Deno.test("100, R1: with a timeout of 0 others have the mutex, then the wait rejects", async () => {
  const condition = new Condition();
  const { mutex } = condition;
  const guard = await mutex.lock();
  const next = mutex.lock();
  const waiting = condition.wait(guard, { timeout: 0 });
  (await next).release();
  await assertRejects(() => waiting, DeadlineExceededError);
  assertEquals([guard.held, condition.waiting], [true, 0]);
  guard.release();
});

// ---- 100: only the holder ----

Deno.test("100, R17: who does not hold the mutex cannot wait nor notify: TypeError", async () => {
  const condition = new Condition();
  const released = await condition.mutex.lock();
  released.release();
  const other = await new Mutex().lock();
  const waits = await condition.mutex.lock();
  const waiting = condition.wait(waits);
  const reading = await new RwLock().read();
  const bad: [string, unknown, string][] = [
    ["released", released, "must be held"],
    ["of another mutex", other, "another mutex"],
    ["waits already", waits, "waits already"],
    ["of a read-write lock", reading, "not [object Object]"],
    ["none", undefined, "not undefined"],
    ["a mutex", condition.mutex, "not [object Object]"],
    ["a string", "guard", 'not "guard"'],
  ];
  for (const [name, guard, message] of bad) {
    assertThrows(() => condition.notify(guard as Guard), TypeError, message, name);
    assertThrows(() => condition.notifyAll(guard as Guard), TypeError, message, name);
    // None of these throws.
    const calls = [
      condition.wait(guard as Guard),
      condition.waitFor(guard as Guard, () => {
        throw new Error("must not be called");
      }),
    ];
    for (const call of calls) await assertRejects(() => call, TypeError, message, name);
  }
  assertEquals(condition.waiting, 1);
  notify(condition, 1);
  await waiting;
  waits.release();
});

Deno.test("100: bad counts and predicates are told with what is allowed, and wake nobody", async () => {
  const condition = new Condition();
  const { outcomes } = waiters(condition, 1);
  using guard = await condition.mutex.lock();
  for (const bad of [-1, 1.5, NaN]) {
    assertThrows(() => condition.notify(guard, bad), RangeError, `${bad}`);
  }
  assertThrows(() => condition.notify(guard, "1" as never), TypeError, 'not "1"');
  const waiting = condition.waitFor(guard, 5 as never);
  await assertRejects(() => waiting, TypeError, "predicate must be a function, not 5");
  assertThrows(() => new Condition({} as never), TypeError, "mutex must be a Mutex");
  assertThrows(() => new Condition(null as never), TypeError, "not null");
  assertEquals([condition.waiting, guard.held], [1, true]);
  condition.notify(guard);
  guard.release();
  await Promise.all(outcomes);
});

Deno.test("100: several conditions share a mutex, and wake their own alone", async () => {
  const mutex = new Mutex();
  const [full, empty] = [new Condition(mutex), new Condition(mutex)];
  assertStrictEquals(full.mutex, empty.mutex);
  const one = waiters(full, 1);
  const two = waiters(empty, 1);
  notify(empty, 1);
  await settled();
  assertEquals([one.log, two.log], [[], [0]]);
  notify(full, 1);
  await Promise.all(one.outcomes);
});

// ---- a guard that is released while its condition waits ----

Deno.test("97, 100: a guard released while it waits ends the wait at once: TypeError", async () => {
  const condition = new Condition();
  const guard = await condition.mutex.lock();
  const waiting = condition.wait(guard);
  using other = await condition.mutex.lock();
  guard.release();
  assertEquals(condition.waiting, 0);
  await assertRejects(() => waiting, TypeError, "released while its condition waited");
  assertEquals([guard.held, other.held], [false, true]);
});

Deno.test("97, 100: a guard released while it waits takes no notification from others", async () => {
  const condition = new Condition();
  let abandoned: Promise<void>;
  {
    using guard = await condition.mutex.lock();
    // The mistake: the scope ends before the wait does.
    abandoned = condition.wait(guard);
  }
  const { log, outcomes } = waiters(condition, 1);
  notify(condition, 1);
  await assertRejects(() => abandoned, TypeError);
  await Promise.all(outcomes);
  assertEquals([log, condition.mutex.locked], [[0], false]);
});

Deno.test("97, 100: a guard released between notification and mutex leaves the line for it", async () => {
  const condition = new Condition();
  const { mutex } = condition;
  const guard = await mutex.lock();
  const waiting = condition.wait(guard);
  const notifier = await mutex.lock();
  condition.notify(notifier);
  const next = mutex.lock();
  assertEquals(mutex.waiting, 2);
  guard.release();
  assertEquals(mutex.waiting, 1);
  await assertRejects(() => waiting, TypeError, "released while its condition waited");
  notifier.release();
  (await next).release();
  assertEquals([mutex.locked, mutex.waiting], [false, 0]);
});

Deno.test("97, 100: a guard released after the cancel of its wait lets that reject, without the mutex", async () => {
  const condition = new Condition();
  const { mutex } = condition;
  const ctx = withCancel(background());
  const guard = await mutex.lock();
  const waiting = condition.wait(guard, ctx);
  using _other = await mutex.lock();
  ctx.cancel("gone");
  guard.release();
  assertEquals(await waiting.catch((error) => error), "gone");
  assertEquals([guard.held, mutex.waiting], [false, 0]);
  guard.release();
});

Deno.test("97, 100: a guard can wait many times, and is released once at the end", async () => {
  const condition = new Condition();
  const guard = await condition.mutex.lock();
  for (let i = 0; i < 3; i++) {
    const waiting = condition.wait(guard);
    notify(condition, 1);
    await waiting;
    assert(guard.held);
  }
  guard.release();
  guard.release();
  assert(!condition.mutex.locked);
});

// ---- 101: waitFor ----

Deno.test("101: the predicate is called under the mutex, at first and after each notification", async () => {
  const condition = new Condition();
  const { mutex } = condition;
  let [calls, stock] = [0, 0];
  const guard = await mutex.lock();
  const waiting = condition.waitFor(guard, () => {
    calls++;
    assert(guard.held && mutex.locked);
    return stock >= 2 && `stock of ${stock}`;
  });
  assertEquals(calls, 1);
  for (let i = 1; i <= 2; i++) {
    using other = await mutex.lock();
    stock++;
    await settled();
    assertEquals(calls, i, "not before a notification");
    condition.notify(other);
    await settled();
    assertEquals(calls, i, "not while another holds the mutex");
    other.release();
    await settled();
  }
  assertEquals([await waiting, calls], ["stock of 2", 3]);
  assert(guard.held);
  guard.release();
});

Deno.test("101: what is true already needs no wait, and the mutex stays held", async () => {
  const condition = new Condition();
  using guard = await condition.mutex.lock();
  const next = condition.mutex.lock();
  assertEquals(await condition.waitFor(guard, () => 7), 7);
  assertEquals([guard.held, await state(next)], [true, "pending"]);
  guard.release();
  (await next).release();
});

Deno.test("101: of several who were woken, one takes it, and the others go on waiting", async () => {
  const condition = new Condition();
  let stock = 0;
  let taken = 0;
  const take = async () => {
    using guard = await condition.mutex.lock();
    await condition.waitFor(guard, () => stock > 0);
    stock--;
    taken++;
  };
  const all = [take(), take(), take()];
  await settled();
  for (let i = 1; i <= 3; i++) {
    {
      using guard = await condition.mutex.lock();
      stock++;
      condition.notifyAll(guard);
    }
    await settled();
    assertEquals([taken, stock, condition.waiting], [i, 0, 3 - i]);
  }
  await Promise.all(all);
});

Deno.test("101: what the predicate throws rejects it, with the mutex held, and leaves nothing", async () => {
  using clock = fakeClock();
  const condition = new Condition();
  const reason = new Error("broken");
  const controller = spiedController();
  const wait = { signal: controller.signal, timeout: 100 };
  for (const early of [true, false]) {
    using guard = await condition.mutex.lock();
    let calls = 0;
    const waiting = condition.waitFor(guard, () => {
      if (early || calls++ > 0) throw reason;
      return false;
    }, wait).catch((error) => error);
    if (!early) notify(condition, 1);
    assertStrictEquals(await waiting, reason);
    assert(guard.held);
    assertEquals([condition.waiting, controller.listeners, clock.timers], [0, 0, 0]);
  }
});

Deno.test("101, R1: a timeout is for all of it together, not for each wait", async () => {
  using clock = fakeClock();
  const condition = new Condition();
  using guard = await condition.mutex.lock();
  const waiting = condition.waitFor(guard, () => false, { timeout: 10 });
  for (let i = 0; i < 3; i++) {
    await clock.tick(3);
    notify(condition, 1);
    assertEquals(await state(waiting), "pending");
  }
  await clock.tick(1);
  assertInstanceOf(await waiting.catch((error) => error), DeadlineExceededError);
  assertEquals([guard.held, condition.waiting, clock.timers], [true, 0, 0]);
});

Deno.test("101: a wait that was notified as its context ended looks once more, then rejects", async () => {
  const condition = new Condition();
  for (const enough of [true, false]) {
    using guard = await condition.mutex.lock();
    const ctx = withCancel(background());
    let stock = false;
    const waiting = condition.waitFor(guard, () => stock && "it", ctx).catch((error) => error);
    notify(condition, 1);
    ctx.cancel("gone");
    stock = enough;
    assertEquals(await waiting, enough ? "it" : "gone");
    assert(guard.held);
  }
});

Deno.test("101, R18: with a context that has ended the predicate is not called", async () => {
  const condition = new Condition();
  using guard = await condition.mutex.lock();
  let calls = 0;
  const waiting = condition.waitFor(guard, () => ++calls, AbortSignal.abort("ended"));
  assertEquals(await waiting.catch((error) => error), "ended");
  assertEquals([calls, guard.held], [0, true]);
});

Deno.test("101, R28: many waits on one context and one signal leave nothing on either", async () => {
  using clock = fakeClock();
  const condition = new Condition();
  const controller = spiedController();
  const ctx = withCancel(background());
  const wait = { ctx, signal: controller.signal, timeout: 5 };
  for (let i = 0; i < 3; i++) {
    using guard = await condition.mutex.lock();
    const waiting = condition.waitFor(guard, () => false, wait).catch((error) => error);
    assertEquals([controller.listeners, clock.timers], [1, 1]);
    await clock.tick(5);
    assertInstanceOf(await waiting, DeadlineExceededError);
    assertEquals([controller.listeners, clock.timers], [0, 0]);
  }
});

// ---- helpers ----

/** Several who wait, one after the other; `log` tells who was woken, and who failed. */
function waiters(
  condition: Condition,
  count: number,
  wait: (i: number) => Parameters<Condition["wait"]>[1] = () => undefined,
): { log: (number | string)[]; outcomes: Promise<void>[] } {
  const log: (number | string)[] = [];
  const outcomes = Array.from({ length: count }, async (_, i) => {
    using guard = condition.mutex.tryLock()!;
    try {
      await condition.wait(guard, wait(i));
      assert(guard.held);
      log.push(i);
    } catch (error) {
      assert(guard.held);
      log.push(`${i}: ${error}`);
    }
  });
  return { log, outcomes };
}

/** Notifies `count`, and lets go of the mutex in the same step. */
function notify(condition: Condition, count: number): void {
  using guard = condition.mutex.tryLock()!;
  condition.notify(guard, count);
}

Deno.test("101: a predicate that is async is refused, and the mutex stays held", async () => {
  const mutex = new Mutex();
  const condition = new Condition(mutex);
  using guard = await mutex.lock();
  const wait = condition.waitFor(guard, () => Promise.resolve(false));
  await assertRejects(() => wait, TypeError, "predicate must not be async");
  assertEquals([guard.held, condition.waiting], [true, 0]);
});
