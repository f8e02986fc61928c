import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { background, type Context, DeadlineExceededError, sleep, withCancel } from "../mod.ts";
import { type RetryOptions, WorkerPool } from "../tasks/mod.ts";
import { retryDelay } from "../tasks/retry.ts";
import { fakeClock } from "./support/clock.ts";
import { HeldJob } from "./support/held_job.ts";
import { settled, state } from "./support/settle.ts";
import { skewedClock } from "./support/skewed_clock.ts";

// ---- 127: time ----

Deno.test("127: timeout is for waiting and running together, runTimeout for each attempt", async () => {
  using clock = fakeClock();
  await using pool = new WorkerPool({ workers: 1 });
  const busy = new HeldJob();
  void pool.submit(busy.job);
  const both = pool.submit((ctx) => sleep(100, ctx), { timeout: 100 });
  const each = pool.submit((ctx) => sleep(99, ctx), { runTimeout: 100 });
  for (const task of [both, each]) task.catch(() => {});
  await clock.tick(50);
  busy.end();
  await clock.tick(49);
  assertEquals(await state(both), "pending");
  await clock.tick(1);
  await assertRejects(() => both, DeadlineExceededError);
  await clock.tick(98);
  assertEquals(await state(each), "pending");
  await clock.tick(1);
  assertEquals([await state(each), clock.timers], ["fulfilled", 0]);
});

Deno.test("127: an attempt that heeds the end of its time has failed, and is made again", async () => {
  using clock = fakeClock();
  await using pool = new WorkerPool({ workers: 1 });
  const contexts: Context[] = [];
  const task = pool.submit(async (ctx) => {
    contexts.push(ctx);
    await sleep(contexts.length < 3 ? 1_000 : 10, ctx);
    return "third";
  }, { runTimeout: 50, retry: { attempts: 3, delay: 100, factor: 1 } });
  await clock.tick(50);
  assertEquals([contexts.map(({ done }) => done), await state(task)], [[true], "pending"]);
  const [first] = contexts;
  assert(first!.err instanceof DeadlineExceededError);
  assertEquals(first!.err.message, "the task ran longer than 50 ms");
  await clock.tick(100 + 50 + 100);
  assertEquals(contexts.map(({ done }) => done), [true, true, false]);
  await clock.tick(10);
  assertEquals([await task, contexts[2]!.done, clock.timers], ["third", true, 0]);
});

Deno.test("127: one that does not is waited for one more turn of the timers, and not made again", async () => {
  using clock = fakeClock();
  await using pool = new WorkerPool({ workers: 1 });
  const stubborn = new HeldJob();
  const retry = { attempts: 3, delay: 0 };
  const task = pool.submit(stubborn.job, { runTimeout: 50, retry });
  task.catch(() => {});
  const next = pool.submit(() => "next");
  await clock.tick(51);
  const error = await task.catch((error) => error);
  assert(error instanceof DeadlineExceededError);
  assertStrictEquals(stubborn.ctx.cause, error);
  assertEquals([pool.running, await state(next)], [1, "pending"]);
  stubborn.fail(new Error("at last"));
  assertEquals([await next, stubborn.runs, clock.timers], ["next", 1, 0]);
});

Deno.test("127: cleaning up at the end of its time does not count as not heeding it", async () => {
  using clock = fakeClock();
  await using pool = new WorkerPool({ workers: 1 });
  const mine = new Error("cleaned up");
  const task = pool.submit(async (ctx) => {
    try {
      await sleep(1_000, ctx);
    } finally {
      await settled();
      // deno-lint-ignore no-unsafe-finally
      throw mine;
    }
  }, { runTimeout: 50 });
  task.catch(() => {});
  await clock.tick(50);
  assertStrictEquals(await task.catch((error) => error), mine);
});

Deno.test("127: what a job gives counts, even if its time has passed before any timer could tell", async () => {
  using clock = fakeClock();
  await using pool = new WorkerPool({ workers: 1 });
  for (const options of [{ timeout: 50 }, { runTimeout: 50 }]) {
    let late: Disposable | undefined;
    const task = pool.submit(() => {
      late = skewedClock({ monotonic: 50 });
      return "done";
    }, options);
    assertEquals(await task, "done");
    late![Symbol.dispose]();
  }
  assertEquals(clock.timers, 0);
});

Deno.test("127: the timeout goes on between attempts, and ends the last of them", async () => {
  using clock = fakeClock();
  await using pool = new WorkerPool({ workers: 1 });
  let runs = 0;
  const retry = { attempts: 10, delay: 30, factor: 1 };
  const task = pool.submit(() => Promise.reject(++runs), { timeout: 100, retry });
  task.catch(() => {});
  await clock.tick(99);
  assertEquals([runs, await state(task), pool.waiting], [4, "pending", 1]);
  await clock.tick(1);
  await assertRejects(() => task, DeadlineExceededError);
  assertEquals([runs, pool.waiting, clock.timers], [4, 0, 0]);
});

// ---- 127: retries ----

Deno.test("127: between two attempts its worker does something else, and it counts as waiting", async () => {
  using clock = fakeClock();
  await using pool = new WorkerPool({ workers: 1 });
  const log: string[] = [];
  const flaky = pool.submit(() => {
    log.push("flaky");
    if (log.length < 3) throw new Error("busy");
    return "well";
  }, { retry: { attempts: 2, delay: 100 } });
  void pool.submit(() => void log.push("other"));
  await clock.tick();
  assertEquals([log, pool.running, pool.waiting], [["flaky", "other"], 0, 1]);
  const drained = pool.drain();
  assertEquals(await state(drained), "pending");
  await clock.tick(100);
  assertEquals([await flaky, log.at(-1)], ["well", "flaky"]);
  await drained;
});

Deno.test("127: when its time comes it stands in line as any other, with its priority", async () => {
  using clock = fakeClock();
  await using pool = new WorkerPool({ workers: 1 });
  const log: string[] = [];
  const busy = new HeldJob();
  const flaky = pool.submit(() => {
    log.push("flaky");
    if (log.length === 1) throw new Error("busy");
  }, { priority: 1, retry: { attempts: 2, delay: 10 } });
  await clock.tick();
  void pool.submit(busy.job);
  await clock.tick();
  for (const priority of [0, 1, 2]) {
    void pool.submit(() => void log.push(`${priority}`), { priority });
  }
  await clock.tick(10);
  busy.end();
  await flaky;
  await pool.drain();
  assertEquals(log, ["flaky", "2", "1", "flaky", "0"]);
});

Deno.test("127: the last error is told, with as many attempts as were asked for", async () => {
  using clock = fakeClock();
  await using pool = new WorkerPool({ workers: 1 });
  for (const attempts of [1, 2, 5]) {
    let runs = 0;
    const retry = { attempts, delay: 0 };
    const task = pool.submit(() => Promise.reject(`attempt ${++runs}`), { retry });
    task.catch(() => {});
    await clock.tick(100);
    assertEquals(await task.catch((error) => error), `attempt ${attempts}`);
    assertEquals(runs, attempts);
  }
});

Deno.test("127: `when` and `delay` of the user's may end the task: it is not run again", async () => {
  using clock = fakeClock();
  for (const which of ["when", "delay"] as const) {
    for (const end of ["cancel", "shutdown"] as const) {
      const pool = new WorkerPool({ workers: 1 });
      using ctx = withCancel(background());
      let runs = 0;
      const ends = () => {
        if (end === "cancel") ctx.cancel("enough");
        else void pool.shutdown({ immediate: true });
        return which === "delay" ? 10 : true;
      };
      const retry = { attempts: 3, delay: 10, [which]: ends } as RetryOptions;
      const task = pool.submit(() => Promise.reject(++runs), { ctx, retry });
      assertEquals(await state(task), "rejected", `${which}, ${end}`);
      assertEquals([pool.waiting, clock.timers], [0, 0]);
      await clock.tick(100);
      await pool.shutdown();
      assertEquals(runs, 1);
    }
  }
});

Deno.test("127: what `when` or `delay` throws is told, and so is a delay that is no number", async () => {
  await using pool = new WorkerPool({ workers: 1 });
  const mine = new Error("mine");
  const fails = () => Promise.reject("failed");
  const throws = () => {
    throw mine;
  };
  for (const retry of [{ attempts: 2, when: throws }, { attempts: 2, delay: throws }]) {
    assertStrictEquals(await pool.submit(fails, { retry }).catch((error) => error), mine);
  }
  for (const delay of [NaN, undefined, "1"]) {
    const retry = { attempts: 2, delay: () => delay as number };
    await assertRejects(
      () => pool.submit(fails, { retry }),
      TypeError,
      "retry.delay must return a number, not ",
    );
  }
  await assertRejects(() => pool.submit(fails, { retry: { attempts: 2, when: () => false } }));
  assertEquals(pool.running + pool.waiting, 0);
});

// ---- 127: delays ----

Deno.test("127: delays grow by the factor up to the longest, and may be left to chance", () => {
  const delays = (retry: RetryOptions, count: number) =>
    Array.from({ length: count }, (_, i) => retryDelay(retry, i + 1, "error"));
  assertEquals(delays({ attempts: 5 }, 5), [100, 200, 400, 800, undefined]);
  assertEquals(delays({ attempts: 9, delay: 1, factor: 10, maxDelay: 50 }, 3), [1, 10, 50]);
  assertEquals(delays({ attempts: Infinity, delay: 7, factor: 1 }, 3), [7, 7, 7]);
  assertEquals(delays({ attempts: 3, delay: -1 } as RetryOptions, 0), []);
  assertEquals(retryDelay({ attempts: 2, delay: () => -5 }, 1, "error"), 0);
  const given: unknown[] = [];
  const delay = (...all: unknown[]) => given.push(all);
  assertEquals(retryDelay({ attempts: 9, delay, factor: 3 }, 4, "error"), 1);
  assertEquals(given, [[4, "error"]]);
  for (let i = 0; i < 100; i++) {
    const ms = retryDelay({ attempts: 9, delay: 100, jitter: 0.25 }, 1, "error")!;
    assert(ms > 75 && ms <= 100, String(ms));
  }
});

Deno.test("127: no delay becomes no number, however many attempts there have been", async () => {
  const many: RetryOptions = { attempts: Infinity, delay: 0 };
  assertEquals(retryDelay(many, 5_000, "error"), 0);
  assertEquals(retryDelay({ ...many, delay: 1 }, 5_000, "error"), 30_000);
  assertEquals(retryDelay({ ...many, delay: 1, maxDelay: Infinity }, 5_000, "error"), Infinity);
  using clock = fakeClock();
  await using pool = new WorkerPool();
  let runs = 0;
  const job = () => ++runs < 1_100 ? Promise.reject("flaky") : "well";
  const task = pool.submit(job, { retry: many });
  for (let turn = 0; turn < 12; turn++) await clock.tick(100);
  assertEquals([runs, await state(task)], [1_100, "fulfilled"]);
});

Deno.test("127, R17: what are no options of a retry is told, and nothing runs", async () => {
  await using pool = new WorkerPool();
  const never = new HeldJob();
  const wrong: [unknown, typeof Error, string][] = [
    [null, TypeError, "retry must be an object of options, not null"],
    [{}, TypeError, "retry.attempts must be a number, not undefined"],
    [{ attempts: 0 }, RangeError, "retry.attempts must be an integer of at least 1"],
    [{ attempts: 1.5 }, RangeError, "1.5"],
    [{ attempts: 2, delay: "1" }, TypeError, 'retry.delay must be a number, not "1"'],
    [{ attempts: 2, delay: -1 }, RangeError, "retry.delay must be at least 0: -1"],
    [{ attempts: 2, factor: 0.5 }, RangeError, "retry.factor must be at least 1: 0.5"],
    [{ attempts: 2, maxDelay: NaN }, RangeError, "retry.maxDelay must be a number, not NaN"],
    [{ attempts: 2, jitter: 2 }, RangeError, "retry.jitter must be from 0 to 1: 2"],
    [{ attempts: 2, when: true }, TypeError, "retry.when must be a function, not true"],
  ];
  for (const [retry, type, message] of wrong) {
    await assertRejects(() => pool.submit(never.job, { retry: retry as never }), type, message);
  }
  assertEquals(never.runs, 0);
});
