/**
 * The contract of job queues: how long a lease lasts, and what happens when it has run out.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { comeBack, drained, statsAre } from "./job_engines.ts";
import type { Law } from "./jobs_contract.ts";

export function leaseLaws(law: Law): void {
  law(
    "158, 159: a job whose lease has run out is handed out again, as its next attempt",
    async (world) => {
      const queue = await world.open<string>({ leaseTime: world.lease, levels: 2 });
      await queue.put("a", { dedupeId: "a", priority: 1 });
      const first = await queue.get();
      const next = queue.get();
      await world.waits(next);
      assert(first.timeLeft > 0);
      await world.pass(world.lease / 2);
      assert(first.timeLeft <= world.lease / 2);
      await world.waits(next);
      await world.pass(world.lease / 2);
      const second = await world.comes(next);
      assertEquals([second.value, second.id, second.attempt, second.priority], ["a", "a", 2, 1]);
      assertEquals([first.timeLeft, first.attempt, first.settled], [0, 1, false]);
      assert(second.timeLeft > 0);
      assertEquals(await second.done(), true);
      await statsAre(world, queue, { unfinished: 0 });
    },
  );

  law("158: until its lease has run out nobody else gets it", async (world) => {
    const queue = await world.open<string>();
    const other = await world.beside(queue);
    await queue.put("a");
    const job = await queue.get();
    const gets = [queue.get({ timeout: 3_000 }), other.get({ timeout: 3_000 })];
    await world.waits(Promise.race(gets));
    await job.done();
    await world.waits(Promise.race(gets));
    await queue.put("b");
    await queue.put("c");
    const jobs = await world.comes(Promise.all(gets));
    assertEquals(jobs.map(({ value }) => value).sort(), ["b", "c"]);
    for (const job of jobs) assertEquals(await job.done(), true);
  });

  law("158: a lease that is extended begins anew, as often as it is", async (world) => {
    const queue = await world.open<string>({ leaseTime: world.lease });
    await queue.put("a");
    const job = await queue.get();
    for (let times = 0; times < 2; times++) {
      await world.pass(world.lease * 0.7);
      assertEquals(await job.extend(), true);
      assert(job.timeLeft > world.lease * 0.5);
    }
    await statsAre(world, queue, { leased: 1, ready: 0 });
    await world.pass(world.lease * 0.6);
    await statsAre(world, queue, { leased: 1, ready: 0 });
    assertEquals(await job.done(), true);
    assertEquals(await job.extend(), false);
  });

  law("158: a lease that was extended runs out, too", async (world) => {
    const queue = await world.open<string>({ leaseTime: world.lease });
    await queue.put("a");
    const job = await queue.get();
    assertEquals(await job.extend(), true);
    const next = queue.get();
    await world.pass(world.lease);
    assertEquals((await world.comes(next)).attempt, 2);
    assertEquals([job.timeLeft, await job.extend()], [0, false]);
  });

  law("158: a lease ends at its moment, not before it and not after", async (world) => {
    const queue = await world.open<string>({ leaseTime: world.lease });
    for (const value of ["a", "b", "c", "d"]) await queue.put(value);
    const [a, b, c, d] = await queue.getMany(4);
    await world.pass(world.lease - 1);
    assertEquals([a!.timeLeft, await a!.extend(), await b!.done()], [1, true, true]);
    await world.pass(1);
    assertEquals([c!.timeLeft, await c!.extend(), await c!.retry()], [0, false, false]);
    assertEquals([await d!.done(), await queue.doneMany([d!])], [false, 0]);
    await statsAre(world, queue, { ready: 1, leased: 1, unfinished: 2 });
  }, ({ kind }) => kind !== "nats");

  law(
    "160: a job that is done after its lease is finished all the same, and the lease had ended",
    async (world) => {
      const queue = await world.open<string>({ leaseTime: world.lease });
      await queue.put("a");
      const job = await queue.get();
      await world.pass(world.lease + 20);
      assertEquals(job.timeLeft, 0);
      assertEquals(await job.done(), false);
      assertEquals(await job.done(), false);
      assertEquals(job.settled, true);
      await statsAre(world, queue, { ready: 0, leased: 0, unfinished: 0 });
      await world.comes(queue.join());
      assertEquals(await drained(queue), []);
    },
  );

  law("160: a job that is done late, while somebody has it again, is finished", async (world) => {
    const queue = await world.open<string>({ leaseTime: world.lease, capacity: 1 });
    await queue.put("a");
    const late = await queue.get();
    const next = queue.get();
    await world.pass(world.lease + 20);
    const second = await world.comes(next);
    assertEquals(second.attempt, 2);
    assertEquals(await late.done(), false);
    const done = await second.done();
    if (world.kind !== "nats") assertEquals(done, false);
    await statsAre(world, queue, { ready: 0, leased: 0, unfinished: 0 });
    await queue.put("b");
    assertEquals(await drained(queue), ["b"]);
  });

  law(
    "160: a job that is done late, when somebody else has given it up, stays a dead letter",
    async (world) => {
      const queue = await world.open<string>({ leaseTime: world.lease });
      await queue.put("a", { dedupeId: "a" });
      const late = await queue.get();
      const next = queue.get();
      await world.pass(world.lease + 20);
      assertEquals(await (await world.comes(next)).reject("no"), true);
      assertEquals(await late.done(), false);
      await statsAre(world, queue, { ready: 0, leased: 0, unfinished: 0, dead: 1 });
      assertEquals((await queue.dead.get("a"))?.reason, "no");
      assertEquals(await queue.dead.putBack("a"), true);
      assertEquals(await drained(queue), ["a"]);
    },
  );

  law("160: retry, reject and extend after the lease do nothing", async (world) => {
    const queue = await world.open<string>({ leaseTime: world.lease });
    for (const value of ["a", "b", "c", "d"]) await queue.put(value);
    const jobs = await queue.getMany(4);
    await world.pass(world.lease + 20);
    const [a, b, c, d] = jobs;
    assertEquals(await a!.retry({ delay: 100_000 }), false);
    assertEquals(await b!.reject("late"), false);
    assertEquals(await c!.extend(), false);
    assertEquals([a!.settled, b!.settled, c!.settled], [true, true, false]);
    await d![Symbol.asyncDispose]();
    const back = comeBack(world, 4, { ready: 4, leased: 0, unfinished: 4, dead: 0 });
    await statsAre(world, queue, back);
    const again = [];
    while (again.length < 4) again.push(...await world.comes(queue.getMany(4)));
    assertEquals(again.map(({ attempt }) => attempt), [2, 2, 2, 2]);
    // Nor when somebody has it again.
    assertEquals(await c!.extend(), false);
    assertEquals(await c!.retry(), false);
    await statsAre(world, queue, { ready: 0, leased: 4, dead: 0 });
    assertEquals(await queue.doneMany(again), 4);
  });

  law(
    "159: a job whose last lease runs out is a dead letter, as soon as somebody asks",
    async (world) => {
      const queue = await world.open<string>({ leaseTime: world.lease, maxAttempts: 2 });
      await queue.put("poison", { dedupeId: "poison" });
      for (let attempt = 1; attempt <= 2; attempt++) {
        const get = queue.get();
        await world.pass(attempt === 1 ? 0 : world.lease + 20);
        assertEquals((await world.comes(get)).attempt, attempt);
      }
      const next = queue.get();
      await world.pass(world.lease + 20);
      await world.waits(next);
      await statsAre(world, queue, { ready: 0, leased: 0, unfinished: 0, dead: 1 });
      const letter = await queue.dead.get("poison");
      assertEquals(letter?.value, "poison");
      assertEquals(letter?.attempts, 2);
      assert(letter!.reason.includes("2 attempts"), letter!.reason);
      // Whoever asked goes on waiting.
      await queue.put("good");
      const good = await world.comes(next);
      assertEquals([good.value, good.attempt], ["good", 1]);
      await good.done();
      await world.comes(queue.join());
    },
  );

  law("159: poison disturbs no others: each comes once, in its order", async (world) => {
    const queue = await world.open<number>({ maxAttempts: 2 });
    for (let n = 0; n < 6; n++) await queue.put(n);
    const seen: number[] = [];
    for (let left = 8; left > 0; left--) {
      const job = await world.comes(queue.get());
      if (job.value % 3 === 0) {
        await job.retry({ reason: new RangeError("poison") });
      } else {
        seen.push(job.value);
        await job.done();
      }
    }
    assertEquals(seen, [1, 2, 4, 5]);
    await statsAre(world, queue, { unfinished: 0, dead: 2 });
    const letters = await queue.dead.list();
    assertEquals(letters.map(({ value, attempts }) => [value, attempts]), [[0, 2], [3, 2]]);
    assert(letters.every(({ reason }) => reason.includes("RangeError: poison")));
  });

  law("159: with endless attempts a job comes again for ever", async (world) => {
    const queue = await world.open<string>({ maxAttempts: Infinity });
    await queue.put("a");
    for (let attempt = 1; attempt <= 12; attempt++) {
      const job = await world.comes(queue.get());
      assertEquals(job.attempt, attempt);
      assertEquals(await job.retry(), true);
    }
    await statsAre(world, queue, comeBack(world, 1, { ready: 1, dead: 0 }));
  });
}
