/**
 * How a pool ends, rests and changes: drain, shutdown, pause, resize, retries, and that every promise
 * settles.
 *
 * @module
 */
import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { background, ClosedError, sleep, withCancel } from "../mod.ts";
import { roundRobin, WorkerPool } from "../tasks/mod.ts";
import { fakeClock } from "./support/clock.ts";
import { failure } from "./support/queues.ts";
import { settled, state } from "./support/settle.ts";

Deno.test("116: drain of a pool to which nothing was ever submitted resolves at once", async () => {
  const pool = new WorkerPool();
  assertEquals(await state(pool.drain()), "fulfilled");
});

Deno.test("116: drain waits for what runs, waits and is to be tried again, and can be left", async () => {
  using clock = fakeClock();
  const pool = new WorkerPool({ workers: 1 });
  let runs = 0;
  const tried = pool.submit(() => {
    if (++runs === 1) throw new Error("busy");
  }, { retry: { attempts: 2, delay: 100 } });
  const other = pool.submit((ctx) => sleep(10, ctx));
  const ctx = withCancel(background());
  const left = failure(pool.drain(ctx));
  const drained = pool.drain();
  ctx.cancel("enough");
  assertEquals(await left, "enough");
  await clock.tick(50);
  await other;
  assertEquals([await state(drained), pool.waiting], ["pending", 1]);
  await clock.tick(50);
  await Promise.all([drained, tried]);
  assertEquals([runs, clock.timers], [2, 0]);
});

Deno.test("111, P16: shutting down at once settles every promise, and ends the contexts of the jobs", async () => {
  using clock = fakeClock();
  for (const strategy of [undefined, roundRobin()]) {
    const pool = new WorkerPool({ workers: 2, capacity: 2, name: "orders", strategy });
    const heeding = pool.submit((ctx) => sleep(1_000, ctx));
    const { promise, resolve } = Promise.withResolvers<void>();
    const stubborn = pool.submit(() => promise);
    await settled();
    const tasks = [heeding, stubborn, ...[1, 2, 3, 4].map((n) => pool.submit(() => n))];
    const room = failure(pool.room());
    const outcomes = Promise.allSettled(tasks);
    const done = pool.shutdown({ immediate: true });
    const reasons = (await outcomes).map((one) => one.status === "rejected" && one.reason);
    for (const reason of [...reasons, await room]) {
      assertInstanceOf(reason, ClosedError);
      assert(reason.message.includes('the pool "orders" is shut down'), reason.message);
    }
    // It waits for the jobs themselves.
    assertEquals(await state(done), "pending");
    resolve();
    await done;
    assertEquals([pool.waiting, pool.running, pool.closed, clock.timers], [0, 0, true, 0]);
    await assertRejects(() => pool.submit(() => 1), ClosedError);
    await assertRejects(() => pool.trySubmit(() => 1)!, ClosedError);
  }
});

Deno.test("111: shutting down finishes what was accepted, also what is to be tried again", async () => {
  using clock = fakeClock();
  const pool = new WorkerPool({ workers: 1, capacity: 1 });
  pool.pause();
  let runs = 0;
  const log: number[] = [];
  const all = [1, 2, 3].map((n) => pool.submit(() => log.push(n)));
  const tried = pool.submit(() => {
    if (++runs < 3) throw new Error("busy");
    return runs;
  }, { retry: { attempts: 3, delay: 10 } });
  const done = pool.shutdown();
  const again = pool.shutdown();
  await assertRejects(() => pool.submit(() => 9), ClosedError);
  await clock.tick(100);
  await Promise.all([...all, done, again]);
  assertEquals([log, await tried, clock.timers], [[1, 2, 3], 3, 0]);
});

Deno.test("111: the end of the parent settles every promise with its cause", async () => {
  const parent = withCancel(background());
  const pool = new WorkerPool({ workers: 1, parent });
  const cause = new Error("the server stops");
  const tasks = [1, 2, 3].map(() => pool.submit((ctx) => sleep(60_000, ctx)));
  await settled();
  parent.cancel(cause);
  for (const task of tasks) assertEquals(await failure(task), cause);
  assertEquals(await failure(pool.submit(() => 1)), cause);
  await pool.drain();
});

Deno.test("111: leaving the scope finishes what was submitted", async () => {
  let result = 0;
  {
    await using pool = new WorkerPool({ workers: 1 });
    void pool.submit(async () => {
      await settled();
      result = 7;
    });
  }
  assertEquals(result, 7);
});

Deno.test("111: shutdown can be left, and goes on", async () => {
  using clock = fakeClock();
  const pool = new WorkerPool({ workers: 1 });
  const task = pool.submit((ctx) => sleep(100, ctx));
  const left = failure(pool.shutdown({ timeout: 10 }));
  await clock.tick(10);
  assertEquals((await left as Error).name, "TimeoutError");
  await clock.tick(90);
  await Promise.all([task, pool.shutdown()]);
});

Deno.test("128: a paused pool starts nothing until it is resumed, and what runs goes on", async () => {
  const pool = new WorkerPool({ workers: 2 });
  const { promise, resolve } = Promise.withResolvers<string>();
  const running = pool.submit(() => promise);
  await settled();
  pool.pause();
  const waiting = pool.submit(() => "later");
  resolve("done");
  assertEquals(await running, "done");
  assertEquals([await state(waiting), pool.paused, pool.waiting], ["pending", true, 1]);
  pool.resume();
  assertEquals(await waiting, "later");
});

Deno.test("128: resizing while it runs starts more, or lets the last ones end, and loses nothing", async () => {
  for (const strategy of [undefined, roundRobin]) {
    const pool = new WorkerPool({ workers: 4, strategy: strategy?.() });
    const gates: (() => void)[] = [];
    let running = 0;
    let runs = 0;
    const job = async (): Promise<void> => {
      running++;
      runs++;
      await new Promise<void>((resolve) => gates.push(resolve));
      running--;
    };
    const all = Array.from({ length: 20 }, () => pool.submit(job));
    await settled();
    assertEquals([running, pool.size], [4, 4]);
    pool.resize(2);
    await settled();
    assertEquals([running, pool.size, pool.waiting], [4, 2, 16]);
    for (const open of gates.splice(0)) open();
    await settled();
    assertEquals([running, pool.running], [2, 2]);
    pool.resize(5);
    await settled();
    // With queues of their own the new ones have what comes from now on.
    assertEquals(running, strategy === undefined ? 5 : 2);
    const more = Array.from({ length: 5 }, () => pool.submit(job));
    await settled();
    assertEquals(running, 5);
    while (gates.length > 0) {
      for (const open of gates.splice(0)) open();
      await settled();
    }
    await Promise.all([...all, ...more]);
    assertEquals([runs, running, pool.waiting], [25, 0, 0]);
  }
});

Deno.test("128: a worker that was taken off while it was busy may come back", async () => {
  for (const strategy of [undefined, roundRobin]) {
    const pool = new WorkerPool({ workers: 2, strategy: strategy?.() });
    const gates: (() => void)[] = [];
    const job = (): Promise<void> => new Promise((resolve) => gates.push(resolve));
    const all = [1, 2, 3, 4].map(() => pool.submit(job));
    await settled();
    pool.resize(1);
    pool.resize(2);
    // It is the same one: never more than two run.
    assertEquals([pool.running, pool.size, gates.length], [2, 2, 2]);
    while (gates.length > 0) {
      for (const open of gates.splice(0)) open();
      await settled();
      assert(pool.running <= 2);
    }
    await Promise.all(all);
    assertEquals(pool.stats().workers.reduce((sum, { run }) => sum + run, 0), 4);
  }
});

Deno.test("127: a retry waits by its delay, which grows, and leaves the worker free meanwhile", async () => {
  using clock = fakeClock();
  const pool = new WorkerPool({ workers: 1 });
  const start = clock.now;
  const times: number[] = [];
  const tried = failure(pool.submit(() => {
    times.push(clock.now - start);
    throw new Error(`attempt ${times.length}`);
  }, { retry: { attempts: 4, delay: 100, factor: 3, maxDelay: 500 } }));
  await settled();
  assertEquals(await pool.submit(() => "between"), "between");
  await clock.tick(1_000);
  assertEquals([(await tried as Error).message, times], ["attempt 4", [0, 100, 400, 900]]);
  assertEquals(clock.timers, 0);
});

Deno.test("127: a retry asks whether the error is worth it, and what the delay is to be", async () => {
  using clock = fakeClock();
  const pool = new WorkerPool({ workers: 1 });
  let runs = 0;
  const fatal = pool.submit(() => {
    runs++;
    throw new Error("fatal");
  }, { retry: { attempts: 5, when: (error) => (error as Error).message !== "fatal" } });
  assertEquals([(await failure(fatal) as Error).message, runs], ["fatal", 1]);
  const asked: unknown[] = [];
  const tried = pool.submit(() => {
    if (runs++ < 3) throw runs;
    return "done";
  }, { retry: { attempts: 9, delay: (attempt, error) => asked.push([attempt, error]) * 10 } });
  await clock.tick(30);
  assertEquals([await tried, asked], ["done", [[1, 2], [2, 3]]]);
  const bad = pool.submit(() => Promise.reject("no"), { retry: { attempts: 2, delay: () => NaN } });
  assertInstanceOf(await failure(bad), TypeError);
});

Deno.test("110, 127: a task that is cancelled between two attempts settles at once, and leaves no timer", async () => {
  using clock = fakeClock();
  const pool = new WorkerPool({ workers: 1 });
  const ctx = withCancel(background());
  let runs = 0;
  const tried = failure(pool.submit(() => {
    runs++;
    throw new Error("busy");
  }, { ctx, retry: { attempts: 3, delay: 1_000 } }));
  await settled();
  assertEquals([runs, pool.waiting, clock.timers], [1, 1, 1]);
  ctx.cancel("enough");
  assertEquals([await tried, pool.waiting, clock.timers], ["enough", 0, 0]);
  await pool.drain();
});
