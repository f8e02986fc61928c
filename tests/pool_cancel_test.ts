import { assertEquals, assertInstanceOf, assertRejects, assertStrictEquals } from "@std/assert";
import { background, DeadlineExceededError, sleep, withCancel, withTimeout } from "../mod.ts";
import {
  type Job,
  type Strategy,
  WorkerPool,
  type WorkerPoolOptions,
  workStealing,
} from "../tasks/mod.ts";
import { fakeClock } from "./support/clock.ts";
import { held } from "./support/collect.ts";
import { HeldJob, heldJobs } from "./support/held_job.ts";
import { settled, state } from "./support/settle.ts";
import { skewedClock } from "./support/skewed_clock.ts";
import { spiedController } from "./support/spied_signal.ts";
import { fresh, waysToEnd } from "./support/ways_to_end.ts";

/** Where a task can wait: in line, for room, and in a queue of a worker. */
const places: Readonly<Record<string, WorkerPoolOptions>> = {
  "in line": { workers: 1 },
  "for room": { workers: 1, capacity: 0 },
  "in a worker's queue": { workers: 1, strategy: workStealing() },
};

// ---- 110: cancelled while it waits ----

for (const [where, options] of Object.entries(places)) {
  Deno.test(`110, R2: a task that waits ${where} settles at once, however it is ended`, async () => {
    for (const [name, way] of Object.entries(waysToEnd)) {
      using clock = fakeClock();
      using end = way(clock);
      await using pool = new WorkerPool(options);
      const [busy, never] = heldJobs(2);
      void pool.submit(busy!.job);
      await settled();
      const gone = pool.submit(never!.job, end.wait);
      const next = pool.submit(() => "next");
      gone.catch(() => {});
      assertEquals([pool.running, pool.waiting], [1, 2], name);
      await end.end();
      assertEquals([pool.running, pool.waiting], [1, 1], name);
      assertEquals(await state(gone), "rejected", name);
      const error = await gone.catch((error) => error);
      if (end.cause() === fresh) assertInstanceOf(error, DeadlineExceededError, name);
      else assertStrictEquals(error, end.cause(), name);
      assertEquals(end.signals.map(({ listeners }) => listeners), end.signals.map(() => 0), name);
      busy!.end();
      assertEquals(await next, "next", name);
      // Contexts of the way's own have timers, too.
      end[Symbol.dispose]();
      assertEquals([never!.runs, clock.timers, pool.stats().rejected], [0, 0, 1], name);
    }
  });
}

Deno.test("110: its place is free at once: who waits for room gets in, in their order", async () => {
  await using pool = new WorkerPool({ workers: 1, capacity: 1 });
  const busy = new HeldJob();
  void pool.submit(busy.job);
  await settled();
  using ctx = withCancel(background());
  const gone = pool.submit(() => {}, ctx);
  const started: number[] = [];
  for (const i of [0, 1]) void pool.submit(() => void started.push(i));
  const room = pool.room();
  ctx.cancel("gone");
  assertEquals([pool.waiting, pool.full], [2, true]);
  assertEquals(await gone.catch((error) => error), "gone");
  busy.end();
  await room;
  await pool.drain();
  assertEquals(started, [0, 1]);
});

Deno.test("110: it does not count as running, nor as something to be drained", async () => {
  await using pool = new WorkerPool({ workers: 2 });
  pool.pause();
  using ctx = withCancel(background());
  const gone = pool.submit(() => {}, ctx);
  const drained = pool.drain();
  ctx.cancel();
  assertEquals([pool.running, pool.waiting], [0, 0]);
  await drained;
  await assertRejects(() => gone);
  pool.resume();
  assertEquals(await pool.submit(() => "goes on"), "goes on");
});

Deno.test("110: cancelled in the step in which it was submitted, it never runs", async () => {
  await using pool = new WorkerPool({ workers: 1 });
  const never = new HeldJob();
  using ctx = withCancel(background());
  const gone = pool.submit(never.job, ctx);
  ctx.cancel("at once");
  assertEquals(await gone.catch((error) => error), "at once");
  await settled();
  assertEquals([never.runs, pool.running], [0, 0]);
});

Deno.test("110, R1: with a timeout of 0 it rejects, and never runs, beside its parent neither", async () => {
  await using pool = new WorkerPool({ workers: 1, nested: "inline" });
  const never = new HeldJob();
  const nothing = { timeout: 0 };
  await assertRejects(() => pool.submit(never.job, nothing), DeadlineExceededError);
  const outer = pool.submit(() => pool.submit(never.job, nothing));
  await assertRejects(() => outer, DeadlineExceededError);
  assertEquals(never.runs, 0);
});

Deno.test("110: cancelled by a job that runs, it does not start when that job ends", async () => {
  await using pool = new WorkerPool({ workers: 1 });
  using ctx = withCancel(background());
  const never = new HeldJob();
  void pool.submit(() => ctx.cancel("by the first"));
  const gone = pool.submit(never.job, ctx);
  assertEquals(await gone.catch((error) => error), "by the first");
  await pool.drain();
  assertEquals(never.runs, 0);
});

Deno.test("110: a task whose time is up does not start, though its timer had no turn yet", async () => {
  using clock = fakeClock();
  using parent = withTimeout(background(), 1_000);
  await using pool = new WorkerPool({ workers: 1, parent });
  const [never, neither] = heldJobs(2);
  let hours: Disposable | undefined;
  const busy = pool.submit(() => void (hours = skewedClock({ monotonic: 100 })));
  const late = pool.submit(never!.job, { timeout: 50 });
  const next = pool.submit(() => "next");
  await busy;
  await assertRejects(() => late, DeadlineExceededError);
  assertEquals(await next, "next");
  hours![Symbol.dispose]();
  // The same, for the pool's own end.
  const long = pool.submit(() => void (hours = skewedClock({ monotonic: 2_000 })));
  const dropped = pool.submit(neither!.job);
  await long;
  assertStrictEquals(await dropped.catch((error) => error), parent.err);
  hours![Symbol.dispose]();
  assertEquals([never!.runs, neither!.runs, clock.timers], [0, 0, 0]);
});

Deno.test("110: 100,000 tasks that are cancelled last first leave at once, and others go on", async () => {
  await using pool = new WorkerPool({ workers: 1 });
  const busy = new HeldJob();
  void pool.submit(busy.job);
  await settled();
  let settledTasks = 0;
  const contexts = Array.from({ length: 100_000 }, () => withCancel(background()));
  for (const [i, ctx] of contexts.entries()) {
    pool.submit(() => {}, { ctx, priority: i % 3 }).catch(() => settledTasks++);
  }
  const last = pool.submit(() => "last");
  for (const ctx of contexts.reverse()) ctx.cancel("gone");
  assertEquals(pool.waiting, 1);
  await settled();
  assertEquals(settledTasks, 100_000);
  busy.end();
  assertEquals(await last, "last");
});

Deno.test("110, 119: tasks that share a signal put one listener on it, and take it off", async () => {
  await using pool = new WorkerPool({ workers: 2 });
  const controller = spiedController();
  const { signal } = controller;
  const jobs = heldJobs(2);
  for (const { job } of jobs) pool.submit(job, signal).catch(() => {});
  const waiting = Array.from({ length: 1_000 }, () => pool.submit(() => {}, { signal }));
  await settled();
  assertEquals([controller.most, controller.listeners], [1, 1]);
  jobs[0]!.end();
  jobs[1]!.end();
  await Promise.all(waiting);
  assertEquals([controller.most, controller.listeners], [1, 0]);
  pool.pause();
  const gone = Array.from({ length: 1_000 }, () => pool.submit(() => {}, signal));
  controller.abort("all");
  const errors = await Promise.all(gone.map((each) => each.catch((error) => error)));
  assertEquals(errors.every((error) => error === "all"), true);
  assertEquals([controller.most, controller.listeners, pool.waiting], [1, 0, 0]);
});

// ---- 110: cancelled while it runs ----

Deno.test("110, R2: cancelled while it runs, its promise rejects at once, however it is ended", async () => {
  for (const [name, way] of Object.entries(waysToEnd)) {
    using clock = fakeClock();
    using end = way(clock);
    await using pool = new WorkerPool({ workers: 1 });
    const stubborn = new HeldJob();
    const gone = pool.submit(stubborn.job, end.wait);
    gone.catch(() => {});
    const next = pool.submit(() => "next");
    await settled();
    assertEquals(stubborn.ctx.done, false, name);
    await end.end();
    assertEquals([stubborn.ctx.done, await state(gone)], [true, "rejected"], name);
    const error = await gone.catch((error) => error);
    if (end.cause() === fresh) assertInstanceOf(error, DeadlineExceededError, name);
    else assertStrictEquals(error, end.cause(), name);
    assertStrictEquals(stubborn.ctx.cause === error || end.cause() === fresh, true, name);
    // The job has not heeded it, so its worker is busy.
    assertEquals([pool.running, pool.waiting, await state(next)], [1, 1, "pending"], name);
    stubborn.end();
    assertEquals(await next, "next", name);
    const { fulfilled, rejected } = pool.stats();
    end[Symbol.dispose]();
    assertEquals([fulfilled, rejected, clock.timers], [1, 1, 0], name);
  }
});

Deno.test("110: what a cancelled job gives or throws later is nobody's, and no unhandled rejection", async () => {
  await using pool = new WorkerPool({ workers: 2 });
  using ctx = withCancel(background());
  const [gives, throws] = heldJobs(2);
  const gone = [pool.submit(gives!.job, ctx), pool.submit(throws!.job, ctx)];
  await settled();
  ctx.cancel("enough");
  gives!.end();
  throws!.fail(new Error("too late"));
  for (const each of gone) assertEquals(await each.catch((error) => error), "enough");
  await pool.drain();
  assertEquals([pool.stats().fulfilled, pool.stats().rejected], [0, 2]);
});

Deno.test("110: a job that heeds its context frees its worker at once", async () => {
  using clock = fakeClock();
  await using pool = new WorkerPool({ workers: 1 });
  const gone = pool.submit((ctx) => sleep(60_000, ctx), { timeout: 10 });
  const next = pool.submit(() => "next");
  gone.catch(() => {});
  await clock.tick(10);
  assertEquals([await state(gone), await next, clock.timers], ["rejected", "next", 0]);
});

Deno.test("110, R25: a job that never waits sees that its time is up, though no timer had a turn", async () => {
  using clock = fakeClock();
  using caller = withTimeout(background(), 50);
  using parent = withTimeout(background(), 70);
  const pool = new WorkerPool({ workers: 1, parent });
  const ways = [{ timeout: 50 }, { ctx: caller }, { timeout: 50, runTimeout: 60 }, {
    timeout: 10_000,
  }];
  for (const [i, options] of ways.entries()) {
    const seen: unknown[] = [];
    const task = pool.submit((ctx) => {
      using child = withTimeout(ctx, 60);
      for (const passed of [49, 50, 70]) {
        using _ = skewedClock({ monotonic: passed });
        seen.push(ctx.done, child.done);
      }
      seen.push(ctx.err?.name);
    }, options);
    const first = i < 3;
    await assertRejects(() => task, DeadlineExceededError);
    assertEquals(seen, [false, false, first, first, true, true, "TimeoutError"], String(i));
  }
  await pool.shutdown();
  assertEquals(clock.timers, 0);
});

Deno.test("110, 127, R25: one whose attempt has no time left sees that, too, and is tried again", async () => {
  await using pool = new WorkerPool({ workers: 1 });
  const seen: boolean[] = [];
  const job: Job<string> = (ctx) => {
    using _ = skewedClock({ monotonic: seen.length === 0 ? 50 : 0 });
    seen.push(ctx.done);
    ctx.throwIfDone();
    return "in time";
  };
  const retry = { attempts: 2, delay: 0 };
  assertEquals(await pool.submit(job, { runTimeout: 50, retry }), "in time");
  assertEquals(seen, [true, false]);
});

// ---- 110: nothing is left ----

Deno.test("110: of tasks that are over nothing is held, however they ended", async () => {
  await using pool = new WorkerPool({ workers: 1 });
  using ctx = withCancel(background());
  const busy = new HeldJob();
  void pool.submit(busy.job);
  await settled();
  const refs: WeakRef<object>[] = [];
  const fill = (wait: Parameters<WorkerPool["submit"]>[1], fails = false): void => {
    for (let i = 0; i < 10; i++) {
      const job = () => fails ? Promise.reject(new Error("failed")) : job.name;
      refs.push(new WeakRef(job));
      pool.submit(job, wait).catch(() => {});
    }
  };
  fill(undefined);
  fill(undefined, true);
  fill(ctx);
  fill({ ctx, priority: 3, retry: { attempts: 2, delay: 0, when: () => false } }, true);
  busy.end();
  await pool.drain();
  pool.pause();
  using other = withCancel(background());
  fill({ ctx: other, timeout: 60_000 });
  other.cancel();
  pool.resume();
  await pool.drain();
  assertEquals(await held(refs), 0);
});

Deno.test("110: a strategy of one's own changes nothing about it", async () => {
  const first: Strategy = { name: "first", place: () => 0 };
  await using pool = new WorkerPool({ workers: 2, strategy: first });
  const busy = new HeldJob();
  void pool.submit(busy.job);
  await settled();
  using ctx = withCancel(background());
  const gone = pool.submit(() => {}, ctx);
  assertEquals(pool.stats().workers[0]!.waiting, 1);
  ctx.cancel("gone");
  assertEquals([pool.waiting, pool.stats().workers[0]!.waiting], [0, 0]);
  assertEquals(await gone.catch((error) => error), "gone");
  busy.end();
});
