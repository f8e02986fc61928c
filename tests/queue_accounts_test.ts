/**
 * The accounts of a queue: taskDone, join and leases.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  background,
  DeadlineExceededError,
  type Lease,
  LifoQueue,
  PriorityQueue,
  Queue,
  withCancel,
} from "../mod.ts";
import { fakeClock } from "./support/clock.ts";
import { lines } from "./support/lines.ts";
import { drained, failure, filled, getters, kinds, putters, takers } from "./support/queues.ts";
import { state } from "./support/settle.ts";

// ---- taskDone ----

Deno.test("17: taskDone for more items than are unfinished is a RangeError, and changes nothing", () => {
  for (const make of Object.values(kinds)) {
    const queue = new make();
    assertThrows(() => queue.taskDone(), RangeError);
    filled(queue, 1, 2, 3);
    queue.taskDone();
    for (const count of [3, 4, 1_000, Infinity]) {
      assertThrows(() => queue.taskDone(count), RangeError);
      assertEquals(queue.unfinished, 2);
    }
    queue.taskDone(2);
    assertThrows(() => queue.taskDone(), RangeError);
    assertEquals(queue.unfinished, 0);
  }
});

Deno.test("R19: a count that is 0, negative or a fraction is a RangeError", () => {
  const queue = filled(new Queue<number>(), 1, 2, 3);
  for (const count of [0, -0, -1, 0.5, 1.5, NaN, -Infinity]) {
    assertThrows(() => queue.taskDone(count), RangeError, "count");
    assertEquals(queue.unfinished, 3);
  }
});

Deno.test("R19: taskDone counts accepted items, whether they are still queued or not", async () => {
  const queue = filled(new Queue<number>(2), 1, 2);
  const parked = queue.put(3);
  queue.taskDone(2);
  assertThrows(() => queue.taskDone(), RangeError);
  await queue.join();
  assertEquals([queue.size, queue.unfinished], [2, 0]);
  assertEquals(drained(queue), [1, 2, 3]);
  // The third was accepted after the count.
  assertEquals(queue.unfinished, 1);
  await parked;
});

// ---- join ----

Deno.test("18: join on a queue that was never used resolves at once, each time", async () => {
  for (const make of Object.values(kinds)) {
    const queue = new make();
    assertEquals(await state(queue.join()), "fulfilled");
    assertEquals(await state(queue.join()), "fulfilled");
    queue.shutdown();
    assertEquals(await state(queue.join()), "fulfilled");
  }
});

Deno.test("18: so it does once all is done, and after nothing but refused puts", async () => {
  const queue = filled(new Queue<number>(1), 1);
  assertFalse(queue.tryPut(2));
  const parked = failure(queue.put(3, { timeout: 0 }));
  queue.getNowait();
  assertEquals(await state(queue.join()), "pending");
  queue.taskDone();
  assertEquals([await state(queue.join()), await state(queue.join())], ["fulfilled", "fulfilled"]);
  assertInstanceOf(await parked, DeadlineExceededError);
});

Deno.test("19: all joins that wait resolve at the same 0", async () => {
  const queue = filled(new Queue<number>(), 1, 2);
  const order: string[] = [];
  const joins = ["a", "b", "c"].map((who) => queue.join().then(() => void order.push(who)));
  drained(queue);
  queue.taskDone();
  assertEquals(await Promise.all(joins.map(state)), ["pending", "pending", "pending"]);
  queue.taskDone();
  await Promise.all(joins);
  assertEquals(order, ["a", "b", "c"]);
});

Deno.test("19: a join resolves at 0, although more was put in the same step", async () => {
  const queue = filled(new Queue<number>(), 1);
  const early = queue.join();
  queue.getNowait();
  queue.taskDone();
  queue.putNowait(2);
  const late = queue.join();
  assertEquals([await state(early), await state(late)], ["fulfilled", "pending"]);
  queue.taskDone();
  assertEquals(await state(late), "fulfilled");
});

Deno.test("19: a join that waits is not misled by more items that come", async () => {
  const queue = filled(new Queue<number>(), 1);
  const join = queue.join();
  queue.putNowait(2);
  queue.taskDone();
  assertEquals(await state(join), "pending");
  queue.taskDone();
  assertEquals(await state(join), "fulfilled");
});

Deno.test("19: a join that has ended leaves the others waiting", async () => {
  using clock = fakeClock();
  const queue = filled(new Queue<number>(), 1);
  const ctx = withCancel(background());
  const cancelled = failure(queue.join(ctx));
  const late = failure(queue.join({ timeout: 10 }));
  const join = queue.join();
  ctx.cancel("enough");
  await clock.tick(10);
  assertEquals(await cancelled, "enough");
  assertInstanceOf(await late, DeadlineExceededError);
  assertEquals([await state(join), clock.timers], ["pending", 0]);
  queue.taskDone();
  assertEquals(await state(join), "fulfilled");
});

Deno.test("20, P24: join waits for an item whose put parked, from the very get that lets it in", async () => {
  for (const make of Object.values(kinds)) {
    for (const put of Object.values(putters)) {
      const queue = filled(new make(1), 1);
      const parked = put(queue, 2);
      assertEquals(queue.unfinished, 1);
      const join = queue.join();
      assertEquals(queue.getNowait(), 1);
      queue.taskDone();
      assertEquals([queue.unfinished, await state(join)], [1, "pending"]);
      await parked;
      assertEquals([queue.getNowait(), await state(join)], [2, "pending"]);
      queue.taskDone();
      assertEquals(await state(join), "fulfilled");
    }
  }
});

Deno.test("20: an item counts from when it is accepted, whatever call takes the one before", async () => {
  for (const [call, take] of Object.entries(takers)) {
    const queue = filled(new Queue<number>(1), 1);
    const parked = queue.put(2);
    const join = queue.join();
    const taking = take(queue);
    assertEquals(queue.unfinished, 2, call);
    assertEquals(await taking, 1);
    // The lease of that getter is still out, so that its unit is no one else's.
    if (call !== "lease") queue.taskDone();
    assertEquals(await state(join), "pending");
    await parked;
  }
});

Deno.test("20: what is handed to a parked getter is unfinished as well", async () => {
  for (const make of Object.values(kinds)) {
    for (const take of Object.values(takers)) {
      const queue = new make();
      const waiting = take(queue);
      assertEquals(queue.unfinished, 0);
      queue.putNowait(1);
      assertEquals([queue.size, queue.unfinished], [0, 1]);
      await waiting;
    }
  }
});

Deno.test("20: an item whose put was cancelled, or refused, was never unfinished", async () => {
  const queue = filled(new Queue<number>(1), 1);
  const ctx = withCancel(background());
  const cancelled = failure(queue.put(2, ctx));
  const refused = failure(queue.put(3));
  ctx.cancel();
  queue.shutdown();
  assertEquals(queue.unfinished, 1);
  await Promise.all([cancelled, refused]);
  queue.getNowait();
  queue.taskDone();
  assertEquals(await state(queue.join()), "fulfilled");
});

// ---- leases ----

Deno.test("21: a consumer that fails after get leaves join waiting, one with a lease does not", async () => {
  const work = (): void => {
    throw new SyntaxError("broken item");
  };
  const forgetful = filled(new Queue<number>(), 1);
  await assertRejects(() => forgetful.get().then(work), SyntaxError);
  assertEquals(await state(forgetful.join()), "pending");

  const careful = filled(new Queue<number>(), 1);
  const join = careful.join();
  const failing = async (): Promise<void> => {
    using job = await careful.lease();
    assertEquals([job.value, careful.unfinished], [1, 1]);
    work();
  };
  await assertRejects(failing, SyntaxError);
  assertEquals([careful.unfinished, await state(join)], [0, "fulfilled"]);
});

Deno.test("21: only the first end of a lease counts, whichever it is", async () => {
  const ends: Record<string, (lease: Lease<number>) => unknown> = {
    done: (lease) => lease.done(),
    dispose: (lease) => lease[Symbol.dispose](),
    requeue: (lease) => lease.requeue(),
  };
  for (const make of Object.values(kinds)) {
    for (const [name, first] of Object.entries(ends)) {
      const queue = filled(new make(), 1, 2);
      const lease = await queue.lease();
      first(lease);
      const after = [queue.size, queue.unfinished];
      assertEquals(after, name === "requeue" ? [2, 2] : [1, 1]);
      for (const again of Object.values(ends)) again(lease);
      assertFalse(lease.requeue());
      assertEquals([queue.size, queue.unfinished], after, name);
    }
  }
});

Deno.test("21: leases of one item after another do not finish each other's", async () => {
  const queue = filled(new Queue<number>(), 1);
  const old = await queue.lease();
  assert(old.requeue());
  const young = await queue.lease();
  old.done();
  old[Symbol.dispose]();
  assertEquals([young.value, queue.unfinished], [1, 1]);
  young.done();
  assertEquals(queue.unfinished, 0);
});

Deno.test("21, 4: a lease that was handed over is delivered, so that it can be ended", async () => {
  const queue = new Queue<number>();
  const ctx = withCancel(background());
  const waiting = queue.lease(ctx);
  queue.putNowait(1);
  ctx.cancel();
  using lease = await waiting;
  assertEquals([lease.value, queue.unfinished], [1, 1]);
});

Deno.test("R5: each lease has a unit of its own: taskDone below the leases out is a RangeError", async () => {
  const queue = filled(new Queue<number>(), 1, 2, 3);
  const leases = [await queue.lease(), await queue.lease()];
  assertThrows(() => queue.taskDone(2), RangeError, "lease");
  assertEquals(queue.unfinished, 3);
  queue.taskDone();
  assertThrows(() => queue.taskDone(), RangeError, "lease");
  for (const lease of leases) lease[Symbol.dispose]();
  assertEquals(queue.unfinished, 0);
});

Deno.test("R5: gets and leases side by side: taskDone is for the gets", async () => {
  const queue = filled(new Queue<number>(), 1, 2);
  const join = queue.join();
  const lease = await queue.lease();
  await queue.get();
  queue.taskDone();
  assertThrows(() => queue.taskDone(), RangeError);
  assertEquals(await state(join), "pending");
  lease.done();
  assertEquals(await state(join), "fulfilled");
});

Deno.test("R29: an item whose unit was taken early is leased without one", async () => {
  const queue = filled(new Queue<number>(), 1, 2);
  queue.taskDone();
  const counted = await queue.lease();
  const free = await queue.lease();
  assertEquals(queue.unfinished, 1);
  free.done();
  assertEquals(queue.unfinished, 1);
  counted.done();
  assertEquals([queue.unfinished, await state(queue.join())], [0, "fulfilled"]);
});

Deno.test("R29: requeueing such an item does not make it count either", async () => {
  const queue = filled(new Queue<number>(), 1);
  queue.taskDone();
  const lease = await queue.lease();
  assert(lease.requeue());
  assertEquals([queue.size, queue.unfinished], [1, 0]);
  using again = await queue.lease();
  again.done();
  assertEquals(queue.unfinished, 0);
});

Deno.test("R29: unfinished never goes below 0, whatever ends first", async () => {
  const queue = filled(new Queue<number>(), 1, 2, 3);
  queue.taskDone(2);
  const leases = [await queue.lease(), await queue.lease()];
  queue.shutdown({ immediate: true });
  assertEquals(queue.unfinished, 1);
  for (const lease of leases) lease.done();
  assertEquals(queue.unfinished, 0);
  assertThrows(() => queue.taskDone(), RangeError);
});

// ---- requeue ----

Deno.test("R5: requeue puts the item at the back, on top, or behind its equals", async () => {
  const queue = filled(new Queue<number>(), 1, 2, 3);
  assert((await queue.lease()).requeue());
  assertEquals(drained(queue), [2, 3, 1]);

  const stack = filled(new LifoQueue<number>(), 1, 2, 3);
  const top = await stack.lease();
  stack.putNowait(4);
  assert(top.requeue());
  assertEquals(drained(stack), [3, 4, 2, 1]);

  for (const order of [{ priority: Math.floor }, { compare: byWhole }]) {
    const ranked = filled(new PriorityQueue<number>(order), 1.1, 1.2, 1.3, 2);
    assert((await ranked.lease()).requeue());
    assertEquals(drained(ranked), [1.2, 1.3, 1.1, 2]);
  }
});

Deno.test("R5: requeue leaves unfinished as it is, and join waits on", async () => {
  for (const make of Object.values(kinds)) {
    const queue = filled(new make(), 1);
    const join = queue.join();
    for (let retry = 0; retry < 3; retry++) {
      const lease = await queue.lease();
      assertStrictEquals(lease.requeue(), true);
      assertEquals([queue.size, queue.unfinished, await state(join)], [1, 1, "pending"]);
    }
    // Its unit is free again: it is queued, and no more than that.
    queue.taskDone();
    assertEquals(await state(join), "fulfilled");
  }
});

Deno.test("R5: requeue does not wait for room, and does not let in those who do", async () => {
  for (const make of Object.values(kinds)) {
    const queue = filled(new make(1), 1);
    const lease = await queue.lease();
    queue.putNowait(2);
    const parked = queue.put(3);
    assert(lease.requeue());
    assertEquals([queue.size, queue.full, queue.unfinished], [2, true, 2]);
    assertFalse(queue.tryPut(4));
    queue.getNowait();
    assertEquals([queue.size, await state(parked)], [1, "pending"]);
    queue.getNowait();
    assertEquals([queue.size, await state(parked)], [1, "fulfilled"]);
  }
});

Deno.test("R5: requeue hands the item to a parked getter, whatever call it waits in", async () => {
  for (const make of Object.values(kinds)) {
    for (const [call, take] of Object.entries(takers)) {
      const queue = filled(new make(), 1);
      const lease = await queue.lease();
      const waiting = [take(queue), take(queue)];
      assert(lease.requeue());
      assertEquals([queue.size, queue.unfinished, lines(queue).takers], [0, 1, 1], call);
      assertEquals([await waiting[0], await state(waiting[1]!)], [1, "pending"]);
      queue.shutdown();
      await Promise.allSettled(waiting);
    }
  }
});

Deno.test("R5: an item that goes from lease to lease keeps its one unit", async () => {
  const queue = filled(new Queue<number>(), 1);
  let lease = await queue.lease();
  for (let hop = 0; hop < 3; hop++) {
    const next = queue.lease();
    assert(lease.requeue());
    assertThrows(() => queue.taskDone(), RangeError);
    lease = await next;
  }
  assertEquals(queue.unfinished, 1);
  lease.done();
  assertEquals(queue.unfinished, 0);
});

Deno.test("R5, R7: requeue leaves the weight as it was, and does not weigh again", async () => {
  let weighed = 0;
  const queue = new Queue<number>({ maxSize: 5, weigh: (n) => (weighed++, n) });
  filled(queue, 4);
  const lease = await queue.lease();
  assertEquals(queue.weight, 0);
  filled(queue, 3);
  assert(lease.requeue());
  assertEquals([queue.weight, queue.size, weighed], [7, 2, 2]);
  assertFalse(queue.tryPut(0));
  assertEquals([drained(queue), queue.weight], [[3, 4], 0]);
});

Deno.test("R5, R31: requeue ranks by what the item was ranked, behind its equals", async () => {
  let ranked = 0;
  const queue = new PriorityQueue<string>({ priority: () => (ranked++, 1) });
  filled(queue, "a", "b");
  assert((await queue.lease()).requeue());
  assertEquals([ranked, drained(queue)], [2, ["b", "a"]]);
});

Deno.test("R5: after shutdown() an item can be requeued, to be tried again while draining", async () => {
  for (const make of Object.values(kinds)) {
    const queue = filled(new make(), 1, 1);
    const lease = await queue.lease();
    queue.shutdown();
    assert(lease.requeue());
    assertEquals([queue.size, queue.unfinished], [2, 2]);
    for (let left = 2; left > 0; left--) (await queue.lease()).done();
    await queue.join();
  }
});

Deno.test("R5: so it can when the queue was drained already", async () => {
  const queue = filled(new Queue<number>(), 1);
  const lease = await queue.lease();
  queue.shutdown();
  assertThrows(() => queue.getNowait());
  assert(lease.requeue());
  assertEquals([queue.getNowait(), queue.unfinished], [1, 1]);
  queue.taskDone();
  await queue.join();
});

Deno.test("R5: after an immediate shutdown it counts as done, and is not put back", async () => {
  for (const make of Object.values(kinds)) {
    const queue = filled(new make(), 1, 2);
    const leases = [await queue.lease(), await queue.lease()];
    queue.shutdown({ immediate: true });
    const join = queue.join();
    assertStrictEquals(leases[0]!.requeue(), false);
    assertEquals([queue.size, queue.unfinished, await state(join)], [0, 1, "pending"]);
    leases[1]!.done();
    assertEquals([queue.unfinished, await state(join)], [0, "fulfilled"]);
  }
});

Deno.test("R31: a requeue whose comparator throws throws, and the lease stays open", async () => {
  let broken = false;
  const queue = new PriorityQueue<number>({
    compare: (a, b) => {
      if (broken) throw new SyntaxError("broken");
      return a - b;
    },
  });
  filled(queue, 1, 2);
  const lease = await queue.lease();
  broken = true;
  assertThrows(() => lease.requeue(), SyntaxError);
  assertEquals([queue.size, queue.unfinished], [1, 2]);
  assertThrows(() => queue.taskDone(2), RangeError, "lease");
  broken = false;
  assert(lease.requeue());
  assertEquals([queue.size, queue.unfinished], [2, 2]);
  assertFalse(lease.requeue());
  assertEquals(drained(queue), [1, 2]);
});

Deno.test("R27, 27: batches and iteration do not call taskDone", async () => {
  const queue = filled(new Queue<number>(), 1, 2, 3);
  await queue.getBatch(2);
  queue.shutdown();
  assertEquals(await Array.fromAsync(queue), [3]);
  assertEquals(queue.unfinished, 3);
  queue.taskDone(3);
  await queue.join();
});

Deno.test("20: every call that takes an item leaves it unfinished", async () => {
  for (const get of Object.values(getters)) {
    const queue = filled(new Queue<number>(), 1);
    await get(queue);
    assertEquals(queue.unfinished, 1);
  }
});

function byWhole(a: number, b: number): number {
  return Math.floor(a) - Math.floor(b);
}
