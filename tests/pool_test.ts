/**
 * The pool: who starts when, what a full one does, and that a cancelled task leaves no trace.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  background,
  ContextKey,
  DeadlineExceededError,
  sleep,
  withCancel,
  withTimeout,
  withValue,
} from "../mod.ts";
import { type SubmitOptions, WorkerPool, type WorkerPoolOptions } from "../tasks/mod.ts";
import { fakeClock } from "./support/clock.ts";
import { failure } from "./support/queues.ts";
import { settled, state } from "./support/settle.ts";
import { spiedController } from "./support/spied_signal.ts";

/** A job that runs until it is told to end. */
function gate(): { job: () => Promise<string>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<string>();
  return { job: () => promise, open: () => resolve("opened") };
}

// ---- 126: order, capacity, room ----

Deno.test("126: tasks start in a microtask of their own, the highest priority first, equals in order", async () => {
  const pool = new WorkerPool({ workers: 1 });
  const log: string[] = [];
  const submit = (name: string, priority: number): Promise<unknown> =>
    pool.submit(() => log.push(name), { priority });
  const all = [
    submit("a1", 1),
    submit("b10", 10),
    submit("c5", 5),
    submit("d10", 10),
    submit("e-1", -1),
    submit("f5.5", 5.5),
  ];
  assertEquals([log, pool.waiting, pool.running], [[], 6, 0]);
  await Promise.all(all);
  assertEquals(log, ["b10", "d10", "f5.5", "c5", "a1", "e-1"]);
  assertEquals([pool.waiting, pool.running], [0, 0]);
});

Deno.test("126: never more jobs run than there are workers, and as many if there is work", async () => {
  const pool = new WorkerPool({ workers: 3 });
  let running = 0;
  let most = 0;
  const all = Array.from({ length: 20 }, (_, i) =>
    pool.submit(async () => {
      most = Math.max(most, ++running);
      assertEquals(pool.running <= 3, true);
      for (let n = 0; n < i % 4; n++) await Promise.resolve();
      running--;
      return i;
    }));
  assertEquals(await Promise.all(all), Array.from({ length: 20 }, (_, i) => i));
  assertEquals(most, 3);
});

Deno.test("126: a result, a throw and a rejection are told as they are, and the worker goes on", async () => {
  const pool = new WorkerPool({ workers: 1 });
  const error = new Error("broken");
  assertEquals(await pool.submit(() => undefined), undefined);
  assertStrictEquals(
    await failure(pool.submit(() => {
      throw error;
    })),
    error,
  );
  assertStrictEquals(await failure(pool.submit(() => Promise.reject(error))), error);
  assertEquals(await failure(pool.submit(() => Promise.reject(undefined))), undefined);
  assertEquals(await pool.submit(() => Promise.resolve(7)), 7);
  const { fulfilled, rejected } = pool.stats();
  assertEquals([fulfilled, rejected], [2, 3]);
});

Deno.test("126: each job is run once, whatever it gives", async () => {
  for (const value of [undefined, null, 0, "", false]) {
    const pool = new WorkerPool({ workers: 1 });
    let runs = 0;
    const given = await pool.submit(() => {
      runs++;
      return value;
    });
    assertEquals([given, runs], [value, 1]);
  }
});

Deno.test("126: a full pool lets submits wait in their order, and trySubmit does not wait", async () => {
  const pool = new WorkerPool({ workers: 1, capacity: 2 });
  const first = gate();
  const log: number[] = [];
  const running = pool.submit(first.job);
  await settled();
  const all = [1, 2, 3, 4].map((n) => pool.submit(() => log.push(n)));
  assertEquals([pool.full, pool.waiting, pool.trySubmit(() => 0)], [true, 4, undefined]);
  first.open();
  await running;
  await Promise.all(all);
  assertEquals([log, pool.full], [[1, 2, 3, 4], false]);
  assertEquals(await pool.trySubmit(() => "now"), "now");
});

Deno.test("126: capacity 0 admits as many tasks as there are idle workers", async () => {
  const pool = new WorkerPool({ workers: 2, capacity: 0 });
  const [one, two] = [gate(), gate()];
  const first = pool.trySubmit(one.job);
  const second = pool.trySubmit(two.job);
  assert(first !== undefined && second !== undefined);
  assertEquals(pool.trySubmit(() => 0), undefined);
  await settled();
  assertEquals(pool.trySubmit(() => 0), undefined);
  one.open();
  await first;
  await settled();
  assertEquals(await pool.trySubmit(() => 3), 3);
  two.open();
  await second;
});

Deno.test("126: room waits until a submit would not wait, also when a waiting task is cancelled", async () => {
  const pool = new WorkerPool({ workers: 1, capacity: 1 });
  const first = gate();
  const running = pool.submit(first.job);
  await settled();
  await pool.room();
  const ctx = withCancel(background());
  const cancelled = pool.submit(() => 1, ctx);
  const room = pool.room();
  assertEquals(await state(room), "pending");
  ctx.cancel("enough");
  assertEquals(await failure(cancelled), "enough");
  await room;
  first.open();
  await running;
});

// ---- 110: cancellation ----

Deno.test("110: a task that is aborted while it is queued settles at once, and never runs", async () => {
  const pool = new WorkerPool({ workers: 1, capacity: 2 });
  const first = gate();
  const running = pool.submit(first.job);
  await settled();
  let runs = 0;
  const controller = spiedController();
  const queued = pool.submit(() => runs++, controller.signal);
  const after = pool.submit(() => "after");
  const outside = pool.submit(() => "outside");
  assertEquals([pool.full, pool.waiting], [true, 3]);
  controller.abort("not needed");
  assertEquals(await failure(queued), "not needed");
  // Its place is free: the one that waited for room has it.
  assertEquals([pool.waiting, pool.running, controller.listeners], [2, 1, 0]);
  first.open();
  assertEquals(await Promise.all([running, after, outside]), ["opened", "after", "outside"]);
  assertEquals(runs, 0);
});

Deno.test("110: a task that is cancelled while it waits for room never runs", async () => {
  const pool = new WorkerPool({ workers: 1, capacity: 0 });
  const first = gate();
  const running = pool.submit(first.job);
  await settled();
  let runs = 0;
  const ctx = withCancel(background());
  const waiting = pool.submit(() => runs++, { ctx });
  ctx.cancel("enough");
  assertEquals(await failure(waiting), "enough");
  assertEquals(pool.waiting, 0);
  first.open();
  await running;
  await pool.drain();
  assertEquals(runs, 0);
});

Deno.test("110: a running task that is cancelled rejects at once, and keeps its worker until its job ends", async () => {
  const pool = new WorkerPool({ workers: 1 });
  const first = gate();
  const ctx = withCancel(background());
  let given: { done: boolean; cause: unknown } | undefined;
  const stubborn = pool.submit((own) => {
    given = own;
    return first.job();
  }, ctx);
  const next = pool.submit(() => "next");
  await settled();
  ctx.cancel("enough");
  assertEquals(await failure(stubborn), "enough");
  assertEquals([given?.done, given?.cause], [true, "enough"]);
  assertEquals([await state(next), pool.running, pool.waiting], ["pending", 1, 1]);
  first.open();
  assertEquals(await next, "next");
});

Deno.test("110: what has ended already goes before a free worker, and nothing runs", async () => {
  const pool = new WorkerPool({ workers: 1 });
  const ctx = withCancel(background());
  ctx.cancel("over");
  let runs = 0;
  const ends: SubmitOptions[] = [{ ctx }, { signal: AbortSignal.abort("over") }];
  for (const end of ends) {
    assertEquals(await failure(pool.submit(() => runs++, end)), "over");
  }
  const late = await failure(pool.submit(() => runs++, { timeout: 0 }));
  assertInstanceOf(late, DeadlineExceededError);
  await pool.drain();
  assertEquals(runs, 0);
});

Deno.test("110, R25: a task whose time is up does not start, although its timer has not run yet", async () => {
  const pool = new WorkerPool({ workers: 1 });
  using ctx = withTimeout(background(), 2);
  let runs = 0;
  const late = [
    pool.submit(() => runs++, { timeout: 2 }),
    pool.submit(() => runs++, ctx),
  ].map(failure);
  for (const start = performance.now(); performance.now() - start < 3;);
  for (const error of await Promise.all(late)) assertInstanceOf(error, DeadlineExceededError);
  assertEquals(runs, 0);
});

Deno.test("110, 119: many tasks on one signal have one listener, and none afterwards", async () => {
  const pool = new WorkerPool({ workers: 1 });
  const controller = spiedController();
  const first = gate();
  const running = pool.submit(first.job);
  await settled();
  const tasks = Array.from({ length: 1_000 }, () => pool.submit(() => 1, controller.signal));
  assertEquals(controller.listeners, 1);
  controller.abort("all");
  const outcomes = await Promise.allSettled(tasks);
  assert(outcomes.every((one) => one.status === "rejected" && one.reason === "all"));
  assertEquals([controller.listeners, pool.waiting], [0, 0]);
  first.open();
  await running;
});

Deno.test("110: tasks that have run leave neither listener nor timer", async () => {
  using clock = fakeClock();
  const pool = new WorkerPool({ workers: 2 });
  const controller = spiedController();
  const ctx = withCancel(background());
  const options = { ctx, signal: controller.signal, timeout: 1_000, runTimeout: 500 };
  assertEquals(await pool.submit(() => 7, options), 7);
  await failure(pool.submit(() => Promise.reject("no"), options));
  await settled();
  assertEquals([controller.listeners, clock.timers], [0, 0]);
});

Deno.test("110: 100,000 queued tasks, cancelled one by one, last first, leave in order", async () => {
  const pool = new WorkerPool({ workers: 1 });
  const first = gate();
  const running = pool.submit(first.job);
  await settled();
  const contexts = Array.from({ length: 100_000 }, () => withCancel(background()));
  const tasks = contexts.map((ctx) => pool.submit(() => 1, ctx));
  const all = Promise.allSettled(tasks);
  for (const ctx of contexts.toReversed()) ctx.cancel("enough");
  assertEquals(pool.waiting, 0);
  assert((await all).every(({ status }) => status === "rejected"));
  first.open();
  await running;
});

Deno.test("110: the context of a job has the values and the deadline of its caller's, and ends with it", async () => {
  using clock = fakeClock();
  const user = new ContextKey<string>("user");
  const pool = new WorkerPool({ parent: withValue(background(), user, "pool") });
  assertEquals(await pool.submit((ctx) => ctx.value(user)), "pool");
  const ctx = withValue(background(), user, "caller");
  const seen = await pool.submit((own) => ({ own, user: own.value(user), at: own.deadline }), {
    ctx,
    timeout: 50,
  });
  assertEquals([seen.user, seen.at, seen.own.done], ["caller", clock.now + 50, true]);
});

// ---- 127: timeouts ----

Deno.test("127: timeout is for waiting and running together", async () => {
  using clock = fakeClock();
  const pool = new WorkerPool({ workers: 1 });
  const slow = pool.submit((ctx) => sleep(100, ctx), { timeout: 60 });
  let runs = 0;
  const queued = pool.submit(() => runs++, { timeout: 50 });
  const patient = pool.submit(() => "patient", { timeout: 70 });
  const outcomes = [failure(slow), failure(queued)];
  await clock.tick(60);
  for (const outcome of outcomes) assertInstanceOf(await outcome, DeadlineExceededError);
  assertEquals([await patient, runs, clock.timers], ["patient", 0, 0]);
});

Deno.test("127: runTimeout is for the run alone, and its job's context ends", async () => {
  using clock = fakeClock();
  const pool = new WorkerPool({ workers: 1 });
  const first = pool.submit((ctx) => sleep(80, ctx));
  const quick = pool.submit((ctx) => sleep(20, ctx), { runTimeout: 30 });
  const slow = failure(pool.submit((ctx) => sleep(40, ctx), { runTimeout: 30 }));
  await clock.tick(130);
  await Promise.all([first, quick]);
  const error = await slow;
  assertInstanceOf(error, DeadlineExceededError);
  assertEquals([error.message, clock.timers], ["the task ran longer than 30 ms", 0]);
});

Deno.test("127: a job that does not heed the end of its time is not waited for, and keeps its worker", async () => {
  using clock = fakeClock();
  const pool = new WorkerPool({ workers: 1 });
  const stubborn = gate();
  const late = failure(pool.submit(stubborn.job, { runTimeout: 10, retry: { attempts: 3 } }));
  const next = pool.submit(() => "next");
  await clock.tick(11);
  assertInstanceOf(await late, DeadlineExceededError);
  assertEquals([await state(next), pool.running], ["pending", 1]);
  stubborn.open();
  assertEquals([await next, clock.timers], ["next", 0]);
});

// ---- bad arguments ----

Deno.test("126, R17: bad arguments are refused, with the value, and nothing runs", async () => {
  const pool = new WorkerPool();
  let runs = 0;
  const bad: [SubmitOptions, string][] = [
    [{ priority: NaN }, "NaN"],
    [{ priority: Infinity }, "Infinity"],
    [{ priority: "high" as unknown as number }, '"high"'],
    [{ runTimeout: 0 }, "0"],
    [{ timeout: NaN }, "NaN"],
    [{ retry: { attempts: 0 } }, "0"],
    [{ retry: { attempts: 2, delay: -1 } }, "-1"],
    [{ retry: { attempts: 2, factor: 0.5 } }, "0.5"],
    [{ retry: { attempts: 2, jitter: 2 } }, "2"],
    [{ signal: {} as AbortSignal }, "[object Object]"],
  ];
  for (const [options, shown] of bad) {
    const error = await failure(pool.submit(() => runs++, options));
    assert(error instanceof TypeError || error instanceof RangeError, String(error));
    assert(error.message.includes(shown), error.message);
  }
  await assertRejects(() => pool.submit(7 as unknown as () => void), TypeError, "7");
  await pool.drain();
  assertEquals(runs, 0);
  const options: [WorkerPoolOptions, string][] = [
    [{ workers: 0 }, "0"],
    [{ workers: Infinity }, "Infinity"],
    [{ workers: 1.5 }, "1.5"],
    [{ capacity: -1 }, "-1"],
    [{ nested: "maybe" as "queue" }, '"maybe"'],
    [{ name: 7 as unknown as string }, "7"],
    [{ strategy: {} as never }, "undefined"],
    [{ parent: {} as AbortSignal }, "[object Object]"],
  ];
  for (const [given, shown] of options) {
    const error = assertThrows(() => new WorkerPool(given), Error);
    assert(error instanceof TypeError || error instanceof RangeError, String(error));
    assert(error.message.includes(shown), error.message);
  }
  assertThrows(() => pool.resize(0), RangeError, "0");
});
