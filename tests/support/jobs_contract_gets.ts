/**
 * The contract of job queues: how jobs are taken, and what is told of them.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { JobQueue } from "../../jobs/mod.ts";
import { background, DeadlineExceededError, withCancel } from "../../mod.ts";
import { comeBack, statsAre } from "./job_engines.ts";
import type { Law } from "./jobs_contract.ts";
import { settled } from "./settle.ts";

export function getLaws(law: Law): void {
  law(
    "156: a get waits for a job, and those that wait are served in their order",
    async (world) => {
      const queue = await world.open<number>();
      const gets = [queue.get(), queue.get(), queue.get()];
      await world.waits(Promise.race(gets));
      for (const n of [1, 2, 3]) await queue.put(n);
      const jobs = await world.comes(Promise.all(gets));
      assertEquals(jobs.map(({ value }) => value), [1, 2, 3]);
      assertEquals(await queue.doneMany(jobs), 3);
    },
  );

  law("156: a get is served by a put of another handle", async (world) => {
    const queue = await world.open<string>();
    const other = await world.beside(queue);
    const get = queue.get();
    await world.waits(get);
    await other.put("hello");
    const job = await world.comes(get);
    assertEquals(job.value, "hello");
    await job.done();
    await statsAre(world, other, { unfinished: 0 });
  });

  law("156: getMany gives what is there at once, and no more than it may", async (world) => {
    const queue = await world.open<number>({ levels: 2 });
    for (let n = 0; n < 5; n++) await queue.put(n, { priority: n % 2 });
    const three = await world.comes(queue.getMany(3));
    assertEquals(three.map(({ value }) => value), [0, 2, 4]);
    const rest = await world.comes(queue.getMany(100));
    assertEquals(rest.map(({ value }) => value), [1, 3]);
    assertEquals(await queue.doneMany([...three, ...rest]), 5);
  });

  law("156: getMany waits for the first that comes", async (world) => {
    const queue = await world.open<number>();
    const some = queue.getMany(10);
    await world.waits(some);
    await queue.put(1);
    const jobs = await world.comes(some);
    assertEquals(jobs.map(({ value }) => value), [1]);
    await queue.doneMany(jobs);
  });

  law(
    "153, 158: many who work at once on several handles are each handed what nobody else has",
    async (world) => {
      const queue = await world.open<number>({ capacity: 8, maxAttempts: 50 });
      const handles = [queue, await world.beside(queue), await world.beside(queue)];
      const jobs = world.kind === "nats" ? 60 : 120;
      const handed = new Map<number, number[]>();
      const out = new Set<number>();
      let left = jobs;
      using all = withCancel(background());
      // A server of version 2.9 now and then hands one out twice when a get ends in the same moment.
      const timeout = world.kind === "nats" ? Infinity : 50;
      const work = async (handle: JobQueue<number>, at: number): Promise<void> => {
        while (left > 0) {
          const batch = await handle.getMany(1 + at % 3, { ctx: all, timeout }).catch((error) => {
            if (all.done || error instanceof DeadlineExceededError) return [];
            throw error;
          });
          for (const { value, attempt } of batch) {
            assert(!out.has(value), `${value} was handed to two, at its attempt ${attempt}`);
            out.add(value);
            handed.set(value, [...handed.get(value) ?? [], attempt]);
          }
          await settled();
          for (const job of batch) {
            out.delete(job.value);
            const again = job.value % 7 === 0 && handed.get(job.value)!.length === 1;
            left -= again ? 0 : 1;
            assertEquals(await (again ? job.retry() : job.done()), true);
            if (left === 0) all.cancel();
          }
        }
      };
      const workers = Array.from({ length: 9 }, (_, at) => work(handles[at % 3]!, at));
      const puts = Array.from({ length: jobs }, (_, n) => handles[n % 3]!.put(n));
      await Promise.all([...puts, ...workers]);
      for (let n = 0; n < jobs; n++) {
        const attempts = handed.get(n)!;
        assertEquals(attempts.length, n % 7 === 0 ? 2 : 1);
        // On a server what was on its way to a get that has ended goes back, which counts.
        if (world.kind !== "nats") assertEquals(attempts, [1, 2].slice(0, attempts.length));
      }
      await statsAre(world, queue, { ready: 0, leased: 0, unfinished: 0, dead: 0 });
    },
  );

  law("168: with a timeout of 0 each call tries once", async (world) => {
    const queue = await world.open<string>({ capacity: 1 });
    const now = { timeout: 0 };
    await assertRejects(() => queue.get(now), DeadlineExceededError);
    await assertRejects(() => queue.getMany(3, { timeout: -1 }), DeadlineExceededError);
    await queue.join(now);
    await queue.put("a", now);
    await assertRejects(() => queue.put("b", now), DeadlineExceededError);
    await assertRejects(() => queue.join(now), DeadlineExceededError);
    assertEquals((await queue.stats(now)).unfinished, 1);
    const [job] = await queue.getMany(3, now);
    assertEquals(job!.value, "a");
    assertEquals(await job!.extend(now), true);
    assertEquals(await job!.retry(now), true);
    const again = await world.comes(queue.get({ timeout: 2_000 }));
    assertEquals(await again.reject("no", now), true);
    assertEquals((await queue.dead.list(now)).length, 1);
    assertEquals((await queue.dead.get(again.id, now))?.value, "a");
    await queue.put("b");
    await assertRejects(() => queue.dead.putBack(again.id, now), DeadlineExceededError);
    assertEquals(await queue.doneMany([await queue.get()], now), 1);
    assertEquals(await queue.dead.putBack(again.id, now), true);
    const last = await world.comes(queue.get({ timeout: 2_000 }));
    assertEquals(await last.done(now), true);
    assertEquals(await queue.dead.remove("none", now), false);
    await statsAre(world, queue, { unfinished: 0, dead: 0 });
  });

  law("163: join waits until nothing is unfinished, whatever comes meanwhile", async (world) => {
    const queue = await world.open<string>();
    await world.comes(queue.join());
    await queue.put("a");
    const joined = queue.join();
    await world.waits(joined);
    const a = await queue.get();
    await world.waits(joined);
    await queue.put("b", { delay: world.lease / 4 });
    await a.done();
    await world.waits(joined);
    const b = world.comes(queue.get());
    await world.pass(world.lease / 4);
    await (await b).reject("no");
    await world.comes(joined);
    await world.comes(queue.join());
  });

  law("163: several join at once, on several handles", async (world) => {
    const queue = await world.open<string>();
    const other = await world.beside(queue);
    await queue.put("a");
    const joined = [queue.join(), other.join(), queue.join()];
    await world.waits(Promise.race(joined));
    await (await other.get()).done();
    await world.comes(Promise.all(joined));
  });

  law(
    "164: stats tell at each step what is ready, out, delayed, unfinished and dead",
    async (world) => {
      const queue = await world.open<string>({
        capacity: 10,
        maxAttempts: 2,
        leaseTime: 2 * world.lease,
      });
      const are = async (figures: number[], back = 0): Promise<void> => {
        const [ready, leased, delayed, unfinished, dead] = figures;
        const expected = { ready, leased, delayed, unfinished, dead, capacity: 10 };
        await statsAre(world, queue, comeBack(world, back, expected));
      };
      await are([0, 0, 0, 0, 0]);
      await queue.put("a");
      await are([1, 0, 0, 1, 0]);
      await queue.put("b");
      await queue.put("c", { delay: 3 * world.lease });
      await are([2, 0, 1, 3, 0]);
      const [a, b] = await queue.getMany(2);
      await are([0, 2, 1, 3, 0]);
      await a!.retry({ delay: 2 * world.lease });
      await are([0, 2, 1, 3, 0]);
      await b!.retry();
      await are([1, 1, 1, 3, 0], 1);
      await (await world.comes(queue.get())).retry({ reason: "again" });
      await are([0, 1, 1, 2, 1]);
      if (world.clock === undefined) return;
      await world.pass(2 * world.lease);
      await are([1, 0, 1, 2, 1]);
      await (await queue.get()).done();
      await are([0, 0, 1, 1, 1]);
      await world.pass(world.lease);
      await are([1, 0, 0, 1, 1]);
      await queue.get();
      await world.pass(2 * world.lease);
      await are([1, 0, 0, 1, 1]);
    },
  );

  law("164: a queue tells how it is", async (world) => {
    const queue = await world.open<string>({
      capacity: 7,
      leaseTime: 1_234,
      maxAttempts: 3,
      levels: 2,
      groups: ["one", "two"],
      group: "two",
    });
    assertEquals(
      [queue.capacity, queue.leaseTime, queue.maxAttempts, queue.levels, queue.group, queue.closed],
      [7, 1_234, 3, 2, "two", false],
    );
    assertEquals(queue.groups, ["one", "two"]);
    const one = queue.forGroup("one");
    assertEquals([one.group, one.name, one.capacity], ["one", queue.name, 7]);
    assertEquals((await one.stats()).capacity, 7);
  });
}
