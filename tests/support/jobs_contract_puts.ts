/**
 * The contract of job queues: what is put, the bound, duplicates, order, delays.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { CanceledError, withCancel } from "../../context.ts";
import { background } from "../../mod.ts";
import type { PutReceipt } from "../../jobs/mod.ts";
import { drained, statsAre } from "./job_engines.ts";
import type { Law } from "./jobs_contract.ts";

export function putLaws(law: Law): void {
  law(
    "153: a put resolves when the job is stored, and the job is handed out as it was put",
    async (world) => {
      const queue = await world.open<{ n: number }>({ levels: 3 });
      const receipt = await queue.put({ n: 1 }, { dedupeId: "one", priority: 2 });
      assertEquals(receipt, { id: "one", duplicate: false });
      await statsAre(world, queue, { ready: 1, leased: 0, delayed: 0, unfinished: 1, dead: 0 });
      const job = await world.comes(queue.get());
      assertEquals([job.value, job.id, job.attempt, job.priority], [{ n: 1 }, "one", 1, 2]);
      assertEquals(job.settled, false);
      assert(job.timeLeft > 0 && job.timeLeft <= queue.leaseTime);
      await job.done();
      await statsAre(world, queue, { ready: 0, leased: 0, unfinished: 0 });
    },
  );

  law("153, 155: each job without a name has an id of its own, on all handles", async (world) => {
    const queue = await world.open<number>();
    const other = await world.beside(queue);
    const puts = Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? queue : other).put(n));
    const receipts = await Promise.all(puts);
    assertEquals(new Set(receipts.map(({ id }) => id)).size, 40);
    assert(receipts.every(({ duplicate }) => !duplicate));
    const jobs = await queue.getMany(64);
    while (jobs.length < 40) jobs.push(...await world.comes(queue.getMany(64)));
    const ids = new Map(jobs.map(({ value, id }) => [value, id]));
    assertEquals(receipts.map((_, n) => ids.get(n)), receipts.map(({ id }) => id));
    assertEquals(await queue.doneMany(jobs), 40);
  });

  law("153: a value is stored as it was when put was called", async (world) => {
    const queue = await world.open<{ n: number }>();
    const value = { n: 1 };
    const put = queue.put(value);
    value.n = 2;
    await put;
    value.n = 3;
    const job = await world.comes(queue.get());
    assertEquals(job.value, { n: 1 });
    job.value.n = 4;
    await job.retry();
    assertEquals((await world.comes(queue.get())).value, { n: 1 });
  });

  law(
    "154: a put waits while the queue is full, and a job that is out on lease counts",
    async (world) => {
      const queue = await world.open<string>({ capacity: 2 });
      await queue.put("a");
      await queue.put("b");
      const c = queue.put("c");
      await world.waits(c);
      const job = await queue.get();
      await world.waits(c);
      await statsAre(world, queue, { ready: 1, leased: 1, unfinished: 2, capacity: 2 });
      await job.retry({ delay: world.lease });
      await world.waits(c);
      await (await world.comes(queue.get())).done();
      await world.comes(c);
      await statsAre(world, queue, { unfinished: 2 });
    },
  );

  law("154: puts that wait enter in the order of their calls", async (world) => {
    const queue = await world.open<number>({ capacity: 1, levels: 2 });
    await queue.put(0);
    const entered: number[] = [];
    const puts = [1, 2, 3, 4, 5].map((n) =>
      queue.put(n, { priority: n % 2, dedupeId: n > 3 ? `n${n}` : undefined }).then(() =>
        entered.push(n)
      )
    );
    const order: number[] = [];
    for (let n = 0; n <= 5; n++) {
      const job = await world.comes(queue.get());
      order.push(job.value);
      await job.done();
    }
    await world.comes(Promise.all(puts));
    assertEquals(order, [0, 1, 2, 3, 4, 5]);
    assertEquals(entered, [1, 2, 3, 4, 5]);
  });

  law("154: however many put at once, on several handles, the bound is kept", async (world) => {
    const queue = await world.open<number>({ capacity: 3 });
    const other = await world.beside(queue);
    const puts = Array.from({ length: 30 }, (_, n) => (n % 2 === 0 ? queue : other).put(n));
    const seen: number[] = [];
    let most = 0;
    while (seen.length < 30) {
      most = Math.max(most, (await other.stats()).unfinished);
      const jobs = await world.comes(queue.getMany(2));
      most = Math.max(most, (await queue.stats()).unfinished);
      seen.push(...jobs.map(({ value }) => value));
      await queue.doneMany(jobs);
    }
    await world.comes(Promise.all(puts));
    assert(most <= 3, `${most} were unfinished`);
    assertEquals(seen.toSorted((a, b) => a - b), puts.map((_, n) => n));
    await statsAre(world, queue, { unfinished: 0 });
  });

  law("154: a dead letter takes no place", async (world) => {
    const queue = await world.open<string>({ capacity: 1 });
    await queue.put("a");
    const b = queue.put("b");
    await (await queue.get()).reject("no");
    await world.comes(b);
    await statsAre(world, queue, { unfinished: 1, dead: 1 });
  });

  law(
    "155: a second put with the same id adds nothing, also when the job is out, or done",
    async (world) => {
      const queue = await world.open<string>();
      const again = (): Promise<PutReceipt> => queue.put("other", { dedupeId: "a" });
      await queue.put("first", { dedupeId: "a" });
      assertEquals(await again(), { id: "a", duplicate: true });
      const job = await queue.get();
      assertEquals(job.value, "first");
      assertEquals(await again(), { id: "a", duplicate: true });
      await job.done();
      assertEquals(await again(), { id: "a", duplicate: true });
      assertEquals(await queue.put("b", { dedupeId: "b" }), { id: "b", duplicate: false });
      assertEquals(await drained(queue), ["b"]);
    },
  );

  law("155: a duplicate does not wait while the queue is full", async (world) => {
    const queue = await world.open<string>({ capacity: 1 });
    await queue.put("a", { dedupeId: "a" });
    const b = queue.put("b");
    await world.waits(b);
    const again = await world.comes(queue.put("a", { dedupeId: "a", timeout: 0 }));
    assertEquals(again, { id: "a", duplicate: true });
    assertEquals((await world.comes(queue.put("a", { dedupeId: "a" }))).duplicate, true);
    await (await queue.get()).done();
    await world.comes(b);
  });

  law("155: twenty puts of one id at once are one job", async (world) => {
    const queue = await world.open<number>({ capacity: 3 });
    const other = await world.beside(queue);
    const receipts = await world.comes(Promise.all(
      Array.from(
        { length: 20 },
        (_, n) => (n % 2 === 0 ? queue : other).put(n, { dedupeId: "one" }),
      ),
    ));
    assertEquals(receipts.filter(({ duplicate }) => !duplicate).length, 1);
    await statsAre(world, queue, { unfinished: 1 });
    assertEquals((await drained(queue)).length, 1);
  });

  law(
    "155: of puts of one id that wait one is stored, and then the others wait no longer",
    async (world) => {
      const queue = await world.open<string>({ capacity: 1 });
      const other = await world.beside(queue);
      await queue.put("a");
      const first = queue.put("x", { dedupeId: "one" });
      await world.waits(first);
      // It does not matter who waits between them, nor on which handle.
      const between = queue.put("b");
      const others = [queue.put("y", { dedupeId: "one" }), other.put("z", { dedupeId: "one" })];
      await world.waits(Promise.race([first, between, ...others]));
      await (await queue.get()).done();
      const receipts = await world.comes(Promise.all([first, ...others]));
      assertEquals(receipts.map(({ duplicate }) => duplicate).toSorted(), [false, true, true]);
      await world.waits(between);
      await statsAre(world, queue, { unfinished: 1 });
      const job = await world.comes(queue.get());
      assertEquals(job.id, "one");
      await job.done();
      await world.comes(between);
      assertEquals(await drained(queue), ["b"]);
    },
  );

  law(
    "154, 155: of puts of one id that find room at the same time one takes a place",
    async (world) => {
      const queue = await world.open<string>({ capacity: 2 });
      await queue.put("a");
      await queue.put("b");
      const twins = [queue.put("x", { dedupeId: "one" }), queue.put("y", { dedupeId: "one" })];
      await world.waits(Promise.race(twins));
      assertEquals(await queue.doneMany(await queue.getMany(2)), 2);
      const receipts = await world.comes(Promise.all(twins));
      assertEquals(receipts.map(({ duplicate }) => duplicate).toSorted(), [false, true]);
      await statsAre(world, queue, { unfinished: 1 });
      await world.comes(queue.put("c"));
      await statsAre(world, queue, { unfinished: 2 });
    },
  );

  law(
    "155, 168: a put that was cancelled has not used its id, nor lost others their place",
    async (world) => {
      const queue = await world.open<string>({ capacity: 1 });
      await queue.put("a");
      const ctx = withCancel(background());
      const first = queue.put("x", { dedupeId: "one", ctx });
      const second = queue.put("y", { dedupeId: "one" });
      const third = queue.put("z");
      await world.waits(Promise.race([first, second, third]));
      ctx.cancel();
      await assertRejects(() => first, CanceledError);
      await (await queue.get()).done();
      assertEquals(await world.comes(second), { id: "one", duplicate: false });
      await world.waits(third);
      const job = await world.comes(queue.get());
      assertEquals(job.value, "y");
      await job.done();
      await world.comes(third);
    },
  );

  law("155: after the window an id is a new job", async (world) => {
    const dedupeWindow = world.lease;
    const queue = await world.open<string>({ dedupeWindow });
    await queue.put("first", { dedupeId: "a" });
    await world.pass(dedupeWindow / 4);
    assertEquals((await queue.put("early", { dedupeId: "a" })).duplicate, true);
    // A duplicate does not begin the window anew.
    await world.pass(dedupeWindow * 3 / 4 + (world.clock === undefined ? 250 : 0));
    assertEquals((await queue.put("second", { dedupeId: "a" })).duplicate, false);
    assertEquals((await queue.put("third", { dedupeId: "a" })).duplicate, true);
    await statsAre(world, queue, { unfinished: 2 });
  });

  law("156: equals come in the order in which they were accepted", async (world) => {
    const queue = await world.open<number>();
    for (let n = 0; n < 10; n++) await queue.put(n);
    await Promise.all(Array.from({ length: 10 }, (_, n) => queue.put(10 + n)));
    const order: number[] = [];
    while (order.length < 20) {
      const jobs = order.length % 3 === 0 ? await queue.getMany(4) : [await queue.get()];
      order.push(...jobs.map(({ value }) => value));
      await queue.doneMany(jobs);
    }
    assertEquals(order, Array.from({ length: 20 }, (_, n) => n));
  });

  law("156: the lowest level goes first, and equals as they were accepted", async (world) => {
    const queue = await world.open<string>({ levels: 3 });
    const levels = [2, 0, 1, 1, 2, 0, 0, 2, 1];
    for (const [n, priority] of levels.entries()) await queue.put(`${priority}${n}`, { priority });
    const first = await queue.getMany(4);
    await queue.put("0late");
    const rest: string[] = [];
    while (rest.length < 6) {
      const job = await queue.get();
      assertEquals(`${job.priority}`, job.value.charAt(0));
      rest.push(job.value);
      await job.done();
    }
    assertEquals(first.map(({ value }) => value), ["01", "05", "06", "12"]);
    assertEquals(rest, ["0late", "13", "18", "20", "24", "27"]);
    await queue.doneMany(first);
  });

  law(
    "157: a job with a delay is handed out no sooner, counts meanwhile, and wakes who waits",
    async (world) => {
      const queue = await world.open<string>();
      const delay = world.lease / 2;
      await queue.put("later", { delay, dedupeId: "later" });
      await queue.put("now");
      await statsAre(world, queue, { ready: 1, delayed: 1, leased: 0, unfinished: 2 });
      await (await queue.get()).done();
      const later = queue.get();
      await world.waits(later);
      await world.pass(delay);
      const job = await world.comes(later);
      assertEquals([job.value, job.id, job.attempt], ["later", "later", 1]);
      await statsAre(world, queue, { ready: 0, delayed: 0, leased: 1, unfinished: 1 });
      assertEquals((await queue.put("again", { dedupeId: "later" })).duplicate, true);
      await job.done();
      await statsAre(world, queue, { unfinished: 0 });
    },
  );

  law(
    "156, 157: jobs whose delay is over come by level, and then as they are due",
    async (world) => {
      const queue = await world.open<string>({ levels: 2 });
      const delay = world.lease / 2;
      await queue.put("1a", { delay, priority: 1 });
      await queue.put("0a", { delay });
      await queue.put("0b", { delay });
      await queue.put("0c", { delay: delay + 1 });
      await statsAre(world, queue, { delayed: 4, ready: 0 });
      await world.pass(delay + 20);
      await statsAre(world, queue, { delayed: 0, ready: 4 });
      const order: string[] = [];
      for (let n = 0; n < 4; n++) {
        const job = await world.comes(queue.get());
        order.push(job.value);
        await job.done();
      }
      assertEquals(order, ["0a", "0b", "0c", "1a"]);
    },
  );
}
