import { assertEquals, assertInstanceOf, assertRejects, assertStrictEquals } from "@std/assert";
import { background, ClosedError, withCancel } from "../mod.ts";
import { central, roundRobin, type Strategy, WorkerPool, workStealing } from "../tasks/mod.ts";
import { fakeClock } from "./support/clock.ts";
import { HeldJob, heldJobs } from "./support/held_job.ts";
import { settled, state } from "./support/settle.ts";
import { spiedController } from "./support/spied_signal.ts";
import { catchUncaught } from "./support/uncaught.ts";

const strategies: Readonly<Record<string, (() => Strategy) | undefined>> = {
  "one queue": undefined,
  "round robin": roundRobin,
  "stealing": workStealing,
  "central": central,
};

/** A pool in which tasks are everywhere that a task can be, and what they come to. */
function crowded(clock: { tick(ms?: number): Promise<void> }, strategy?: () => Strategy) {
  const controller = spiedController();
  const parent = withCancel(background());
  const pool = new WorkerPool({
    workers: 2,
    capacity: 4,
    parent,
    ...(strategy && { strategy: strategy() }),
  });
  const jobs = heldJobs(2);
  const never = new HeldJob();
  const wait = { signal: controller.signal, timeout: 100_000, runTimeout: 90_000 };
  const flaky = () => Promise.reject(new Error("flaky"));
  const retry = { attempts: 2, delay: 50_000 };
  const tasks = {
    "between two attempts": pool.submit(flaky, { retry }),
    "between two attempts, with a context": pool.submit(flaky, { retry, ...wait }),
    "running": undefined as Promise<unknown> | undefined,
    "running, with a context": undefined as Promise<unknown> | undefined,
    "in line": undefined as Promise<unknown> | undefined,
    "in line, with a context": undefined as Promise<unknown> | undefined,
    "in line, urgent": undefined as Promise<unknown> | undefined,
    "in line, last": undefined as Promise<unknown> | undefined,
    "for room": undefined as Promise<unknown> | undefined,
    "for room, with a context": undefined as Promise<unknown> | undefined,
  };
  const fill = async (): Promise<void> => {
    await clock.tick();
    tasks["running"] = pool.submit(jobs[0]!.job);
    tasks["running, with a context"] = pool.submit(jobs[1]!.job, wait);
    await clock.tick();
    tasks["in line"] = pool.submit(never.job);
    tasks["in line, with a context"] = pool.submit(never.job, wait);
    tasks["in line, urgent"] = pool.submit(never.job, { priority: 3 });
    tasks["in line, last"] = pool.submit(never.job, { priority: -3 });
    tasks["for room"] = pool.submit(never.job);
    tasks["for room, with a context"] = pool.submit(never.job, wait);
    for (const each of Object.values(tasks)) each!.catch(() => {});
  };
  return { pool, parent, controller, jobs, never, tasks, fill };
}

for (const [name, strategy] of Object.entries(strategies)) {
  Deno.test(`111, P16: shutdown({ immediate: true }) settles every promise, wherever its task is: ${name}`, async () => {
    using clock = fakeClock();
    const { pool, controller, jobs, never, tasks, fill } = crowded(clock, strategy);
    await fill();
    assertEquals([pool.running, pool.waiting], [2, 8]);
    const room = pool.room();
    room.catch(() => {});
    const shut = pool.shutdown({ immediate: true });
    assertEquals([pool.closed, pool.waiting, pool.running], [true, 0, 2]);
    for (const [where, task] of Object.entries(tasks)) {
      assertEquals(await state(task!), "rejected", where);
      await assertRejects(() => task!, ClosedError, "is shut down", where);
    }
    await assertRejects(() => room, ClosedError);
    for (const { ctx } of jobs) assertInstanceOf(ctx.cause, ClosedError);
    // It waits for the jobs, which have not heeded that.
    assertEquals(await state(shut), "pending");
    jobs[0]!.end();
    assertEquals(await state(shut), "pending");
    jobs[1]!.end();
    await shut;
    await clock.tick(200_000);
    assertEquals([never.runs, clock.timers, controller.listeners], [0, 0, 0]);
    assertEquals(pool.stats().rejected, 10);
  });

  Deno.test(`111: the end of the parent settles every promise with its cause: ${name}`, async () => {
    using clock = fakeClock();
    const { pool, parent, controller, jobs, never, tasks, fill } = crowded(clock, strategy);
    await fill();
    const room = pool.room();
    parent.cancel("the program ends");
    assertEquals([pool.waiting, pool.running], [0, 2]);
    for (const [where, task] of Object.entries({ ...tasks, room })) {
      assertEquals(await task!.catch((error) => error), "the program ends", where);
    }
    assertEquals(jobs.map(({ ctx }) => ctx.cause), ["the program ends", "the program ends"]);
    assertEquals(await pool.submit(never.job).catch((error) => error), "the program ends");
    assertEquals(await pool.room().catch((error) => error), "the program ends");
    const shut = pool.shutdown();
    assertEquals(await state(shut), "pending");
    for (const job of jobs) job.end();
    await shut;
    assertEquals([never.runs, clock.timers, controller.listeners], [0, 0, 0]);
  });
}

Deno.test("111: shutdown finishes all that was accepted: in line, for room, and between attempts", async () => {
  using clock = fakeClock();
  const pool = new WorkerPool({ workers: 1, capacity: 1 });
  let attempts = 0;
  const retry = { attempts: 3, delay: 1_000, factor: 1 };
  const flaky = pool.submit(() => ++attempts < 3 ? Promise.reject("flaky") : "well", { retry });
  await clock.tick();
  const busy = new HeldJob();
  const rest = [pool.submit(busy.job), pool.submit(() => 1), pool.submit(() => 2)];
  await clock.tick();
  const shut = pool.shutdown();
  assertEquals([pool.closed, pool.waiting], [true, 3]);
  await assertRejects(() => pool.submit(() => {}), ClosedError);
  await assertRejects(() => pool.trySubmit(() => {})!, ClosedError);
  busy.end();
  assertEquals(await Promise.all(rest), [undefined, 1, 2]);
  await clock.tick(1_000);
  assertEquals([attempts, await state(shut)], [2, "pending"]);
  await clock.tick(1_000);
  assertEquals([await flaky, await state(shut), clock.timers], ["well", "fulfilled", 0]);
});

Deno.test("111: shutdown of a pool with nothing to do resolves at once, however often", async () => {
  const pool = new WorkerPool();
  await pool.shutdown();
  await pool.shutdown();
  await pool.shutdown({ immediate: true });
  await pool[Symbol.asyncDispose]();
  await pool.drain();
  assertEquals([pool.closed, pool.waiting, pool.running], [true, 0, 0]);
});

Deno.test("111: an immediate shutdown after a plain one takes effect", async () => {
  const pool = new WorkerPool({ workers: 1 });
  const [busy, never] = heldJobs(2);
  const tasks = [pool.submit(busy!.job), pool.submit(never!.job)];
  await settled();
  const plain = pool.shutdown();
  const immediate = pool.shutdown({ immediate: true });
  for (const task of tasks) await assertRejects(() => task, ClosedError);
  assertEquals([await state(plain), await state(immediate)], ["pending", "pending"]);
  busy!.end();
  await Promise.all([plain, immediate]);
  assertEquals(never!.runs, 0);
});

Deno.test("111: shutdown lets a paused pool go on", async () => {
  const pool = new WorkerPool({ workers: 1, capacity: 1 });
  pool.pause();
  const tasks = [pool.submit(() => 1), pool.submit(() => 2)];
  await pool.shutdown();
  assertEquals([await Promise.all(tasks), pool.paused], [[1, 2], false]);
});

Deno.test("111: an immediate shutdown of a paused pool drops what waits, and resolves", async () => {
  const pool = new WorkerPool({ workers: 1, capacity: 1 });
  pool.pause();
  const tasks = [pool.submit(() => 1), pool.submit(() => 2)];
  for (const task of tasks) task.catch(() => {});
  await pool.shutdown({ immediate: true });
  for (const task of tasks) await assertRejects(() => task, ClosedError);
});

Deno.test("111: who waits for the shutdown can leave; the pool is shut down all the same", async () => {
  using clock = fakeClock();
  const pool = new WorkerPool({ workers: 1 });
  const busy = new HeldJob();
  const task = pool.submit(busy.job);
  await settled();
  const shut = pool.shutdown({ timeout: 10 });
  shut.catch(() => {});
  await clock.tick(10);
  assertEquals([await state(shut), pool.closed, await state(task)], ["rejected", true, "pending"]);
  busy.end();
  await pool.shutdown();
  assertEquals([await state(task), clock.timers], ["fulfilled", 0]);
});

Deno.test("111: leaving the scope of `await using` finishes what was submitted", async () => {
  const done: number[] = [];
  {
    await using pool = new WorkerPool({ workers: 1 });
    for (const i of [0, 1, 2]) {
      void pool.submit(async () => {
        await settled();
        done.push(i);
      });
    }
  }
  assertEquals(done, [0, 1, 2]);
});

Deno.test("111: a pool whose parent has ended takes nothing, and shuts down at once", async () => {
  const parent = new AbortController();
  parent.abort("before");
  const pool = new WorkerPool({ parent: parent.signal });
  const never = new HeldJob();
  assertEquals(await pool.submit(never.job).catch((error) => error), "before");
  assertEquals(await pool.room().catch((error) => error), "before");
  await pool.drain();
  await pool.shutdown();
  assertEquals(never.runs, 0);
});

Deno.test("111: a pool that is shut down has taken its listener off its parent", async () => {
  const parent = spiedController();
  const pools = [0, 1].map(() => new WorkerPool({ parent: parent.signal }));
  void pools[0]!.submit(() => {});
  assertEquals(parent.listeners, 1);
  await Promise.all([pools[0]!.shutdown(), pools[1]!.shutdown({ immediate: true })]);
  assertEquals(parent.listeners, 0);
});

Deno.test("111: a job that shuts its pool down at once rejects like all others, and nothing more starts", async () => {
  const pool = new WorkerPool({ workers: 1 });
  const never = new HeldJob();
  let shut: Promise<void> | undefined;
  const tasks = [
    pool.submit(() => {
      shut = pool.shutdown({ immediate: true });
    }),
    pool.submit(never.job),
  ];
  for (const task of tasks) await assertRejects(() => task, ClosedError);
  await shut;
  assertEquals(never.runs, 0);
});

Deno.test("111: what the jobs of a pool that was dropped throw is no unhandled rejection", async () => {
  using uncaught = catchUncaught();
  const pool = new WorkerPool({ workers: 1 });
  const [busy] = heldJobs(1);
  const task = pool.submit(busy!.job, { retry: { attempts: 5, delay: 0 } });
  task.catch(() => {});
  await settled();
  const shut = pool.shutdown({ immediate: true });
  busy!.fail(new Error("after the end"));
  await shut;
  await settled();
  assertEquals([uncaught.errors, busy!.runs], [[], 1]);
});

Deno.test("111: with an end of its own before, a task keeps that cause", async () => {
  const pool = new WorkerPool({ workers: 1 });
  using ctx = withCancel(background());
  const busy = new HeldJob();
  const task = pool.submit(busy.job, ctx);
  await settled();
  const cause = new Error("mine");
  ctx.cancel(cause);
  const shut = pool.shutdown({ immediate: true });
  assertStrictEquals(await task.catch((error) => error), cause);
  assertStrictEquals(busy.ctx.cause, cause);
  busy.end();
  await shut;
});
