/**
 * Job queues in memory, beside the contract: their timers, what is passed over, the order of their dead
 * letters, and how they are opened.
 *
 * @module
 */
import fc from "fast-check";
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Buried } from "../jobs/engine.ts";
import { MemoryDead } from "../jobs/memory_dead.ts";
import { memoryJobs, type MemoryJobsOptions } from "../jobs/mod.ts";
import { background, CanceledError, withCancel } from "../mod.ts";
import { ManualClock } from "../tasks/mod.ts";
import { fakeClock } from "./support/clock.ts";
import { drained } from "./support/job_engines.ts";
import { settled, state } from "./support/settle.ts";

Deno.test("153: a queue in memory that is told nothing has one group, one level, and no bound", async () => {
  await using queue = await memoryJobs<string>();
  const { name, group, groups, capacity, levels, leaseTime, maxAttempts } = queue;
  assertEquals([name, group, groups, capacity], ["jobs", "default", ["default"], Infinity]);
  assertEquals([levels, leaseTime, maxAttempts], [1, 30_000, 5]);
  assertEquals(await queue.stats(), {
    ready: 0,
    leased: 0,
    delayed: 0,
    unfinished: 0,
    dead: 0,
    capacity: Infinity,
  });
});

Deno.test("173: it refuses options that are none, and clocks that are none", async () => {
  for (const options of [5, null, "text"]) {
    await assertRejects(() => memoryJobs(options as never), TypeError, "options");
  }
  for (const clock of [5, null, {}, { now: () => 1 }]) {
    await assertRejects(() => memoryJobs({ clock } as never), TypeError, "clock");
  }
});

Deno.test("157, 158: without a clock it goes by the machine's", async () => {
  using clock = fakeClock();
  await using queue = await memoryJobs<string>({ leaseTime: 50 });
  await queue.put("a", { delay: 20 });
  const first = queue.get();
  assertEquals(await state(first), "pending");
  await clock.tick(20);
  const job = await first;
  assertEquals(job.timeLeft, 50);
  const second = queue.get();
  await clock.tick(49);
  assertEquals(await state(second), "pending");
  await clock.tick(1);
  assertEquals((await second).attempt, 2);
});

async function opened(options: MemoryJobsOptions<string> = {}) {
  const clock = new ManualClock();
  return { clock, queue: await memoryJobs<string>({ leaseTime: 100, ...options, clock }) };
}

Deno.test("158: there is a timer only while somebody waits, and one for the first moment alone", async () => {
  const { clock, queue } = await opened();
  await queue.put("a");
  await queue.put("b", { delay: 500 });
  await queue.put("c");
  await queue.getMany(2);
  assertEquals(clock.timers, 0);
  const ctx = withCancel(background());
  const gets = [queue.get(ctx), queue.get(ctx)];
  await settled();
  assertEquals(clock.timers, 1);
  ctx.cancel();
  for (const get of gets) await assertRejects(() => get, CanceledError);
  assertEquals(clock.timers, 0);
  const get = queue.get();
  await clock.advance(100);
  assertEquals((await get).value, "a");
  assertEquals(clock.timers, 0);
  await queue.close();
  assertEquals(clock.timers, 0);
});

Deno.test("158: the timer follows a lease that is extended, and one that ends before", async () => {
  const { clock, queue } = await opened();
  await queue.put("a");
  const job = await queue.get();
  const get = queue.get();
  await clock.advance(60);
  assertEquals(await job.extend(), true);
  await clock.advance(60);
  assertEquals([await state(get), clock.timers], ["pending", 1]);
  await clock.advance(40);
  const again = await get;
  assertEquals(again.attempt, 2);
  const next = queue.get();
  await settled();
  await again.done();
  assertEquals(clock.timers, 0);
  await queue.put("b", { delay: 30 });
  assertEquals(clock.timers, 1);
  await clock.advance(30);
  assertEquals((await next).value, "b");
  await queue.close();
});

Deno.test("158: a lease that is extended does not hold up those that run out before it", async () => {
  const { clock, queue } = await opened();
  for (const value of ["a", "b", "c"]) await queue.put(value);
  const jobs = await queue.getMany(3);
  await clock.advance(50);
  assertEquals(await jobs[0]!.extend(), true);
  const get = queue.get();
  await clock.advance(50);
  assertEquals((await get).value, "b");
  assertEquals((await queue.stats()).ready, 1);
  await queue.close();
});

Deno.test("158: a lease ends at its moment, not after it", async () => {
  const { clock, queue } = await opened();
  await queue.put("a");
  const job = await queue.get();
  await clock.advance(99);
  assertEquals([job.timeLeft, (await queue.stats()).ready], [1, 0]);
  await clock.advance(1);
  assertEquals([job.timeLeft, await job.extend(), await job.retry()], [0, false, false]);
  assertEquals((await queue.stats()).ready, 1);
  await queue.close();
});

Deno.test("160: jobs that were done late are passed over, and a batch is filled with others", async () => {
  const { clock, queue } = await opened();
  for (const value of ["a", "b", "c", "d"]) await queue.put(value);
  const late = await queue.getMany(2);
  await clock.advance(100);
  assertEquals((await queue.stats()).ready, 4);
  assertEquals(await queue.doneMany(late), 0);
  assertEquals((await queue.stats()).ready, 2);
  await queue.put("e");
  assertEquals((await queue.getMany(3)).map(({ value }) => value), ["c", "d", "e"]);
  assertEquals((await queue.stats()).ready, 0);
  await queue.close();
});

Deno.test("160: a job that is done late on its way to somebody else is not handed out, and stats hold", async () => {
  const { clock, queue } = await opened();
  await queue.put("a");
  const late = await queue.get();
  await clock.advance(100);
  assertEquals((await queue.stats()).ready, 1);
  const get = queue.get();
  const done = late.done();
  const stats = await queue.stats();
  assertEquals([stats.ready, stats.unfinished], [0, 0]);
  assertEquals([await done, await state(get)], [false, "pending"]);
  await queue.put("b");
  assertEquals((await get).value, "b");
  assertEquals((await queue.stats()).ready, 0);
  await queue.close();
});

Deno.test("156: of those that are ready at one moment the lowest level goes first, then the first that was due, then as accepted", async () => {
  const { clock, queue } = await opened({ levels: 2 });
  for (const [n, delay] of [9, 5, 5, 5, 7, 5, 8, 5].entries()) {
    await queue.put(`1 ${n}`, { delay, priority: 1 });
  }
  await queue.put("0 late", { delay: 10 });
  const waiting = queue.get();
  await settled();
  await clock.advance(20);
  // It waited, so it had the first that was due.
  assertEquals((await waiting).value, "1 1");
  const order = (await queue.getMany(20)).map(({ value }) => value);
  assertEquals(order, ["0 late", "1 2", "1 3", "1 5", "1 7", "1 4", "1 6", "1 0"]);
  await queue.close();
});

Deno.test("156: when several leases run out unseen, who asks then has the lowest level", async () => {
  const { clock, queue } = await opened({ levels: 2 });
  await queue.put("1", { priority: 1 });
  await queue.getMany(1);
  await clock.advance(50);
  await queue.put("0");
  await queue.getMany(1);
  await clock.advance(100);
  assertEquals((await queue.get()).value, "0");
  await queue.close();
});

Deno.test("155: ids are forgotten after the window, whatever was put meanwhile", async () => {
  const { clock, queue } = await opened({ dedupeWindow: 100 });
  const isNew = async (dedupeId: string) => !(await queue.put(dedupeId, { dedupeId })).duplicate;
  assert(await isNew("a"));
  await clock.advance(50);
  assert(await isNew("b"));
  await clock.advance(49);
  assert(!await isNew("a"));
  await clock.advance(1);
  assert(await isNew("a"));
  assert(!await isNew("b"));
  await clock.advance(50);
  assert(await isNew("b"));
  assert(!await isNew("a"));
  assertEquals(await drained(queue), ["a", "b", "a", "b"]);
  await queue.close();
});

Deno.test("165: what is in memory is gone with its queue", async () => {
  const first = await memoryJobs<string>({ name: "same" });
  await first.put("a");
  await first.close();
  await using second = await memoryJobs<string>({ name: "same" });
  assertEquals((await second.stats()).unfinished, 0);
});

Deno.test("166: dead letters in memory are those that a list would hold, whatever is removed", () => {
  const op = fc.record({ add: fc.boolean(), id: fc.nat(5), limit: fc.integer({ min: 1, max: 5 }) });
  fc.assert(fc.property(fc.array(op, { maxLength: 200, size: "max" }), (ops) => {
    const dead = new MemoryDead();
    let model: Buried[] = [];
    for (const [position, { add, id, limit }] of ops.entries()) {
      const name = `${id}`;
      const last = model.findLast((letter) => letter.id === name);
      if (add) {
        const letter = {
          id: name,
          payload: "",
          level: 0,
          attempts: 1,
          reason: "",
          at: 0,
          position,
        };
        dead.add(letter);
        model.push(letter);
      } else {
        assert(dead.last(name) === last);
        assert(dead.take(name) === last);
        model = model.filter((letter) => letter !== last);
      }
      assertEquals(dead.size, model.length);
      const after = position - 3 * limit;
      const expected = model.filter((letter) => letter.position > after).slice(0, limit);
      assertEquals(dead.page(after, limit), expected);
      assertEquals(dead.page(-1, limit), model.slice(0, limit));
    }
  }));
});
