/**
 * The contract of job queues: done, retry and reject, leaving the scope, and doneMany.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { JobLease } from "../../jobs/mod.ts";
import { drained, statsAre } from "./job_engines.ts";
import type { Law } from "./jobs_contract.ts";

export function settleLaws(law: Law): void {
  law("160: a job that is given back comes again at once, as its next attempt", async (world) => {
    const queue = await world.open<string>();
    await queue.put("a", { dedupeId: "a" });
    const first = await queue.get();
    assertEquals(await first.retry(), true);
    assertEquals([first.settled, first.timeLeft], [true, 0]);
    const second = await world.comes(queue.get());
    assertEquals([second.value, second.id, second.attempt], ["a", "a", 2]);
    const next = queue.get();
    await world.waits(next);
    await second.retry({ delay: 0, reason: "ignored" });
    const third = await world.comes(next);
    assertEquals(third.attempt, 3);
    await third.done();
  });

  law(
    "160: a job that is given back with a delay comes no sooner, and is unfinished meanwhile",
    async (world) => {
      const queue = await world.open<string>({ capacity: 1 });
      await queue.put("a");
      const delay = world.lease / 2;
      assertEquals(await (await queue.get()).retry({ delay }), true);
      await statsAre(world, queue, { ready: 0, leased: 1, delayed: 0, unfinished: 1 });
      const next = queue.get();
      await world.waits(next);
      await world.pass(delay);
      const job = await world.comes(next);
      assertEquals(job.attempt, 2);
      await job.done();
    },
  );

  law(
    "160, 166: a job that is rejected is a dead letter, and nobody tries again",
    async (world) => {
      const queue = await world.open<string>({ levels: 2 });
      const before = Date.now();
      await queue.put("a", { dedupeId: "a", priority: 1 });
      assertEquals(await (await queue.get()).reject("no such address"), true);
      await statsAre(world, queue, { ready: 0, leased: 0, unfinished: 0, dead: 1 });
      await world.comes(queue.join());
      const { at, ...letter } = (await queue.dead.get("a"))!;
      assertEquals(letter, {
        id: "a",
        value: "a",
        priority: 1,
        attempts: 1,
        reason: "no such address",
      });
      if (world.kind !== "sqlite") assert(at >= before - 1_000 && at <= Date.now() + 1_000);
      assertEquals(await drained(queue), []);
    },
  );

  law("160: a reason is a text, an error, or anything", async (world) => {
    const queue = await world.open<number>();
    const reasons = [undefined, "", "text", new TypeError("wrong"), 5, null, { a: 1 }, Symbol("s")];
    for (const [n, reason] of reasons.entries()) {
      await queue.put(n);
      assertEquals(await (await world.comes(queue.get())).reject(reason), true);
    }
    const letters = await queue.dead.list();
    assertEquals(letters.map(({ value, reason }) => [value, reason]), [
      [0, "rejected"],
      [1, ""],
      [2, "text"],
      [3, "TypeError: wrong"],
      [4, "5"],
      [5, "null"],
      [6, "[object Object]"],
      [7, "Symbol(s)"],
    ]);
  });

  law(
    "159: what is given back at its last attempt is a dead letter at once, with the reason",
    async (world) => {
      const queue = await world.open<string>({ maxAttempts: 2 });
      await queue.put("a", { dedupeId: "a" });
      await (await queue.get()).retry({ reason: "first" });
      const last = await world.comes(queue.get());
      assertEquals(last.attempt, 2);
      assertEquals(await last.retry({ delay: 5, reason: new Error("second") }), true);
      await statsAre(world, queue, { ready: 0, leased: 0, delayed: 0, unfinished: 0, dead: 1 });
      const letter = (await queue.dead.get("a"))!;
      assertEquals(letter.attempts, 2);
      assert(letter.reason.includes("Error: second") && !letter.reason.includes("first"));
    },
  );

  law(
    "160: the first call counts: the same again gives the same, another one false",
    async (world) => {
      const queue = await world.open<string>({ maxAttempts: 1 });
      for (const value of ["done", "retry", "reject"]) await queue.put(value);
      const [done, retry, reject] = await queue.getMany(3) as [
        JobLease<string>,
        JobLease<string>,
        JobLease<string>,
      ];
      const first = [done.done(), retry.retry(), reject.reject("a")];
      assertEquals([done.settled, retry.settled, reject.settled], [true, true, true]);
      const others = [
        done.retry(),
        done.reject(),
        retry.done(),
        retry.reject(),
        reject.done(),
        reject.retry(),
        done.extend(),
      ];
      const same = [done.done(), retry.retry({ delay: 5 }), reject.reject("b")];
      assertEquals(await Promise.all(first), [true, true, true]);
      assertEquals(await Promise.all(same), [true, true, true]);
      assertEquals(await Promise.all(others), others.map(() => false));
      assertEquals(await queue.doneMany([done, retry, reject]), 0);
      // The retry was the last one that it had.
      await statsAre(world, queue, { ready: 0, leased: 0, unfinished: 0, dead: 2 });
      assertEquals((await queue.dead.list()).map(({ reason }) => reason).includes("a"), true);
    },
  );

  law("161: leaving the scope gives the job back, unless it is settled", async (world) => {
    const queue = await world.open<string>();
    await queue.put("a");
    {
      await using job = await queue.get();
      assertEquals(job.attempt, 1);
    }
    {
      await using job = await world.comes(queue.get());
      assertEquals(job.attempt, 2);
      await statsAre(world, queue, { leased: 1 });
      const done = job.done();
      void done;
    }
    await statsAre(world, queue, { ready: 0, leased: 0, unfinished: 0 });
  });

  law(
    "161: leaving the scope because of an error gives the job back, and the error is the scope's",
    async (world) => {
      const queue = await world.open<string>({ maxAttempts: 1 });
      await queue.put("a", { dedupeId: "a" });
      await assertRejects(
        async () => {
          await using _ = await queue.get();
          throw new RangeError("the worker's");
        },
        RangeError,
        "the worker's",
      );
      await statsAre(world, queue, { unfinished: 0, dead: 1 });
    },
  );

  law("161: disposing twice, or after the job was settled, does nothing more", async (world) => {
    const queue = await world.open<string>();
    await queue.put("a");
    const job = await queue.get();
    await job[Symbol.asyncDispose]();
    await job[Symbol.asyncDispose]();
    assertEquals([job.settled, await job.done()], [true, false]);
    const again = await world.comes(queue.get());
    assertEquals(again.attempt, 2);
    await again.done();
    await again[Symbol.asyncDispose]();
    await job[Symbol.asyncDispose]();
    await statsAre(world, queue, { unfinished: 0 });
  });

  law("162: doneMany finishes all, and tells how many were still leased", async (world) => {
    const queue = await world.open<number>();
    for (let n = 0; n < 12; n++) await queue.put(n);
    const jobs = await queue.getMany(12);
    await jobs[0]!.done();
    await jobs[1]!.retry({ delay: 100_000 });
    await jobs[2]!.reject("no");
    assertEquals(await queue.doneMany([]), 0);
    assertEquals(await queue.doneMany(jobs.slice(0, 3)), 0);
    assertEquals(await queue.doneMany(new Set([jobs[3]!])), 1);
    assertEquals(await queue.doneMany([...jobs, ...jobs]), 8);
    assert(jobs.every(({ settled }) => settled));
    assertEquals(await queue.doneMany(jobs), 0);
    assertEquals(await jobs[5]!.done(), true);
    assertEquals(await jobs[5]!.retry(), false);
    await statsAre(world, queue, { ready: 0, leased: 1, unfinished: 1, dead: 1 });
  });

  law(
    "162: doneMany finishes those whose lease has run out, but does not count them",
    async (world) => {
      const queue = await world.open<string>({ leaseTime: world.lease });
      await queue.put("early");
      const early = await queue.get();
      await world.pass(world.lease + 20);
      await queue.put("late");
      const jobs = await world.comes(queue.getMany(5));
      while (jobs.length < 2) jobs.push(...await world.comes(queue.getMany(5)));
      assertEquals(jobs.map(({ value }) => value).sort(), ["early", "late"]);
      const late = jobs.filter(({ value }) => value === "late");
      assertEquals(await queue.doneMany([early, ...late]), 1);
      await statsAre(world, queue, { ready: 0, leased: 0, unfinished: 0 });
    },
  );

  law("162: leases of another queue are refused, and then none is done", async (world) => {
    const queue = await world.open<string>({ groups: ["one", "two"] });
    const view = queue.forGroup("two");
    await queue.put("a");
    const own = await queue.get();
    const foreign = await world.comes(view.get());
    const bad = [foreign, undefined, {}, "lease", null] as JobLease<string>[];
    for (const lease of bad) {
      await assertRejects(() => queue.doneMany([own, lease]), TypeError, "leases must be");
    }
    for (const leases of [undefined, 5, own]) {
      await assertRejects(
        () => queue.doneMany(leases as unknown as JobLease<string>[]),
        TypeError,
        "leases must be",
      );
    }
    assertEquals([own.settled, foreign.settled], [false, false]);
    assertEquals(await queue.doneMany([own]), 1);
    assertEquals(await view.doneMany([foreign]), 1);
    await world.comes(queue.join());
  });
}
