import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { background, ClosedError, ContextKey, withCancel, withValue } from "../mod.ts";
import { type Job, type Strategy, type SubmitOptions, WorkerPool } from "../tasks/mod.ts";
import { HeldJob, heldJobs } from "./support/held_job.ts";
import { settled, state } from "./support/settle.ts";
import { catchUncaught } from "./support/uncaught.ts";

// ---- 126: order ----

Deno.test("126: submit only queues, and tasks start in a microtask of their own", async () => {
  await using pool = new WorkerPool({ workers: 2 });
  const log: string[] = [];
  const done = [
    pool.submit(() => void log.push("first")),
    pool.submit(() => void log.push("second")),
  ];
  log.push("submitted");
  assertEquals([pool.running, pool.waiting], [0, 2]);
  await Promise.all(done);
  assertEquals(log, ["submitted", "first", "second"]);
});

Deno.test("126: the highest priority starts first, and equals in the order in which they came", async () => {
  await using pool = new WorkerPool({ workers: 1 });
  const started: string[] = [];
  for (const [name, priority] of [["a", 0], ["b", 2], ["c", -1.5], ["d", 2], ["e", 0], ["f", 7]]) {
    const options = { priority: priority as number };
    void pool.submit(() => void started.push(name as string), options);
  }
  await pool.drain();
  assertEquals(started, ["f", "b", "d", "a", "e", "c"]);
});

Deno.test("126: no priority is 0, and so is -0", async () => {
  await using pool = new WorkerPool({ workers: 1 });
  const started: string[] = [];
  const start = (name: string, options?: SubmitOptions) =>
    void pool.submit(() => void started.push(name), options);
  start("below", { priority: -1 });
  start("none");
  start("zero", { priority: 0 });
  start("minus", { priority: -0 });
  start("undefined", { priority: undefined });
  start("above", { priority: 1 });
  await pool.drain();
  assertEquals(started, ["above", "none", "zero", "minus", "undefined", "below"]);
});

Deno.test("126: what comes later and is more urgent goes before all that wait, not before who runs", async () => {
  await using pool = new WorkerPool({ workers: 1 });
  const first = new HeldJob();
  const started: string[] = [];
  void pool.submit(first.job);
  void pool.submit(() => void started.push("low"));
  await settled();
  void pool.submit(() => void started.push("high"), { priority: 1 });
  await settled();
  assertEquals([first.runs, started], [1, []]);
  first.end();
  await pool.drain();
  assertEquals(started, ["high", "low"]);
});

Deno.test("126: never more jobs run than there are workers, and none waits while one is idle", async () => {
  await using pool = new WorkerPool({ workers: 3 });
  let [running, most] = [0, 0];
  for (let i = 0; i < 20; i++) {
    void pool.submit(async () => {
      most = Math.max(most, ++running);
      assertEquals(pool.running, running);
      await settled();
      running--;
    });
  }
  await settled();
  assertEquals([pool.running, pool.waiting, pool.size], [3, 17, 3]);
  await pool.drain();
  assertEquals([most, running, pool.running, pool.waiting], [3, 0, 0, 0]);
});

Deno.test("126: a pool has 8 workers, if nothing else is said", () => {
  assertEquals(new WorkerPool().size, 8);
});

Deno.test("126: submit gives what the job gives, a thenable's too, and rejects with what it throws", async () => {
  await using pool = new WorkerPool({ workers: 1 });
  const error = new Error("broken");
  assertEquals(await pool.submit(() => 1), 1);
  assertEquals(await pool.submit(() => Promise.resolve(2)), 2);
  // deno-lint-ignore no-explicit-any
  assertEquals(await pool.submit(() => ({ then: (ok: any) => ok(3) }) as PromiseLike<number>), 3);
  const fails: Job<void>[] = [() => Promise.reject(error), () => {
    throw error;
  }];
  for (const job of fails) {
    assertStrictEquals(await pool.submit(job).catch((error) => error), error);
  }
  assertEquals(await pool.submit(() => "goes on"), "goes on");
});

Deno.test("126: a job that throws undefined has failed", async () => {
  await using pool = new WorkerPool({ workers: 1 });
  assertEquals(await state(pool.submit(() => Promise.reject())), "rejected");
});

Deno.test("126: a job's context has the values of its caller's, or of the pool's parent", async () => {
  const key = new ContextKey<string>("who");
  await using pool = new WorkerPool({ parent: withValue(background(), key, "the pool") });
  assertEquals(await pool.submit((ctx) => ctx.value(key)), "the pool");
  assertEquals(await pool.submit((ctx) => ctx.value(key), { timeout: 1_000 }), "the pool");
  assertEquals(await pool.submit((ctx) => ctx.value(key), { runTimeout: 1_000 }), "the pool");
  using caller = withCancel(withValue(background(), key, "the caller"));
  assertEquals(await pool.submit((ctx) => ctx.value(key), caller), "the caller");
  const options = { ctx: caller, runTimeout: 1_000 };
  assertEquals(await pool.submit((ctx) => ctx.value(key), options), "the caller");
});

Deno.test("126: a task's own context ends when the task is over", async () => {
  await using pool = new WorkerPool();
  using caller = withCancel(background());
  for (const options of [{ ctx: caller }, { timeout: 1_000 }, { runTimeout: 1_000 }]) {
    const ctx = await pool.submit((ctx) => [ctx], options);
    assertEquals(ctx[0]!.done, true);
  }
  assertEquals(caller.done, false);
});

// ---- 126: capacity and room ----

Deno.test("126: beyond its capacity submit waits for room, in the order of the calls", async () => {
  await using pool = new WorkerPool({ workers: 1, capacity: 2 });
  const jobs = heldJobs(5);
  const started: number[] = [];
  for (const [i, { job }] of jobs.entries()) {
    void pool.submit((ctx) => {
      started.push(i);
      return job(ctx);
      // The last one is urgent, but it has to get in first.
    }, { priority: i === 4 ? 1 : 0 });
    assertEquals(pool.full, i >= 2, `${i + 1} submitted`);
  }
  await settled();
  assertEquals([pool.running, pool.waiting, started], [1, 4, [0]]);
  for (const i of [0, 1, 2, 4, 3]) {
    jobs[i]!.end();
    await settled();
  }
  assertEquals(started, [0, 1, 2, 4, 3]);
});

Deno.test("126: who finds room does not overtake those who wait for it", async () => {
  await using pool = new WorkerPool({ workers: 1, capacity: 1 });
  const first = new HeldJob();
  const started: string[] = [];
  void pool.submit(first.job);
  for (const name of ["in line", "outside"]) void pool.submit(() => void started.push(name));
  await settled();
  first.end();
  await Promise.resolve();
  void pool.submit(() => void started.push("late"), { priority: 9 });
  await pool.drain();
  assertEquals(started.slice(0, 2), ["in line", "outside"]);
});

Deno.test("126: with capacity 0 a task is taken only by a worker that is idle", async () => {
  await using pool = new WorkerPool({ workers: 2, capacity: 0 });
  const jobs = heldJobs(2);
  for (const { job } of jobs) assert(pool.trySubmit(job) !== undefined);
  assertEquals([pool.full, pool.trySubmit(() => {})], [true, undefined]);
  const waiting = pool.submit(() => "in");
  await settled();
  assertEquals([pool.running, pool.waiting], [2, 1]);
  jobs[0]!.end();
  assertEquals(await waiting, "in");
  jobs[1]!.end();
});

Deno.test("126: trySubmit gives undefined where there is no room, and the job never runs", async () => {
  await using pool = new WorkerPool({ workers: 1, capacity: 1 });
  const [first, second, third] = heldJobs(3);
  const results = [first!, second!, third!].map(({ job }) => pool.trySubmit(job));
  assertEquals(results.map((result) => result === undefined), [false, false, true]);
  await settled();
  first!.end();
  await settled();
  second!.end();
  await pool.drain();
  assertEquals([third!.runs, pool.stats().rejected], [0, 0]);
  assertEquals(await pool.trySubmit(() => 1), 1);
});

Deno.test("126: room waits until submit would not, and the end of the pool ends it", async () => {
  const pool = new WorkerPool({ workers: 1, capacity: 1 });
  await pool.room();
  const [first, second] = heldJobs(2);
  void pool.submit(first!.job);
  void pool.submit(second!.job);
  const waiting = pool.room();
  assertEquals(await state(waiting), "pending");
  first!.end();
  await waiting;
  assertEquals(pool.full, false);
  void pool.submit(() => {});
  const late = pool.room();
  assertEquals(await state(late), "pending");
  const shut = pool.shutdown();
  await assertRejects(() => late, ClosedError);
  await assertRejects(() => pool.room(), ClosedError);
  second!.end();
  await shut;
});

Deno.test("126: who waits for room can leave, and those behind him move up", async () => {
  await using pool = new WorkerPool({ workers: 1, capacity: 1 });
  const first = new HeldJob();
  void pool.submit(first.job);
  using queued = withCancel(background());
  using outside = withCancel(background());
  const gone = [pool.submit(() => {}, queued), pool.submit(() => {}, outside)];
  const last = pool.submit(() => "last");
  await settled();
  assertEquals(pool.waiting, 3);
  outside.cancel("left");
  assertEquals([pool.waiting, pool.full], [2, true]);
  const room = pool.room();
  queued.cancel("left too");
  assertEquals(await Promise.all(gone.map((each) => each.catch((error) => error))), [
    "left too",
    "left",
  ]);
  assertEquals([pool.waiting, await state(room)], [1, "pending"]);
  first.end();
  assertEquals(await last, "last");
  await room;
});

// ---- 126: pause ----

Deno.test("126: a paused pool starts nothing, finishes what runs, and goes on when it is resumed", async () => {
  await using pool = new WorkerPool({ workers: 2 });
  const first = new HeldJob();
  const started: number[] = [];
  void pool.submit(first.job);
  await settled();
  void pool.submit(() => void started.push(0));
  pool.pause();
  for (const i of [1, 2, 3]) void pool.submit(() => void started.push(i));
  await settled();
  first.end();
  await settled();
  assertEquals([pool.paused, pool.running, pool.waiting, started], [true, 0, 4, []]);
  pool.resume();
  assertEquals(pool.paused, false);
  await pool.drain();
  assertEquals(started, [0, 1, 2, 3]);
});

Deno.test("126: a paused pool has room up to its capacity, not for its idle workers too", async () => {
  await using pool = new WorkerPool({ workers: 4, capacity: 2 });
  pool.pause();
  const accepted = [0, 1, 2].map(() => pool.trySubmit(() => {}) !== undefined);
  assertEquals(accepted, [true, true, false]);
  const waiting = pool.submit(() => "in");
  assertEquals(await state(waiting), "pending");
  pool.resume();
  assertEquals(await waiting, "in");
});

Deno.test("126: a paused pool with capacity 0 lets nobody in, and all of them when it goes on", async () => {
  await using pool = new WorkerPool({ workers: 1, capacity: 0 });
  pool.pause();
  const waiting = [pool.submit(() => 1), pool.submit(() => 2)];
  assertEquals([pool.trySubmit(() => 3), pool.waiting], [undefined, 2]);
  pool.resume();
  assertEquals(await Promise.all(waiting), [1, 2]);
});

// ---- 116: drain ----

Deno.test("116: drain of a pool that was never given anything resolves at once, each time", async () => {
  await using pool = new WorkerPool({ workers: 2 });
  await pool.drain();
  await pool.drain();
  pool.pause();
  await pool.drain();
});

Deno.test("116: drain resolves when nothing waits or runs, not before", async () => {
  await using pool = new WorkerPool({ workers: 1, capacity: 1 });
  const jobs = heldJobs(3);
  for (const { job } of jobs) void pool.submit(job);
  const drained = pool.drain();
  for (const job of jobs) {
    assertEquals(await state(drained), "pending");
    job.end();
  }
  await drained;
  await pool.drain();
  void pool.submit(() => {});
  const again = pool.drain();
  assertEquals(pool.waiting, 1);
  await again;
  assertEquals([pool.waiting, pool.running], [0, 0]);
});

Deno.test("116: drain resolves when the last task has failed, was cancelled, or was misplaced", async () => {
  using uncaught = catchUncaught();
  let at = 0;
  const strategy: Strategy = { name: "own", place: () => at };
  const ends: Record<string, (pool: WorkerPool) => void> = {
    "failed": (pool) => {
      pool.submit(() => Promise.reject(1)).catch(() => {});
    },
    "cancelled": (pool) => {
      using ctx = withCancel(background());
      pool.pause();
      pool.submit(() => {}, ctx).catch(() => {});
    },
    "misplaced when workers are taken off": (pool) => {
      pool.pause();
      at = 1;
      pool.submit(() => {}).catch(() => {});
      queueMicrotask(() => pool.resize(1));
    },
    "misplaced when it gets in": (pool) => {
      pool.resize(2);
      pool.pause();
      pool.submit(() => {}).catch(() => {});
      at = 7;
      pool.submit(() => {}).catch(() => {});
      queueMicrotask(() => pool.resume());
    },
  };
  for (const [name, end] of Object.entries(ends)) {
    at = 0;
    await using pool = new WorkerPool({ workers: 2, strategy, capacity: 1 });
    end(pool);
    const drained = pool.drain();
    assertEquals(await state(drained), "fulfilled", name);
    pool.resume();
  }
  assertEquals(uncaught.errors, []);
});

Deno.test("116: who waits for the drain can leave", async () => {
  await using pool = new WorkerPool();
  const held = new HeldJob();
  void pool.submit(held.job);
  using ctx = withCancel(background());
  const drained = pool.drain(ctx);
  ctx.cancel("tired");
  assertEquals(await drained.catch((error) => error), "tired");
  assertEquals(await pool.drain(ctx).catch((error) => error), "tired");
  held.end();
});

// ---- arguments ----

Deno.test("126, R17: what is no argument is told, with its value; submit rejects, the others throw", async () => {
  await using pool = new WorkerPool({ workers: 1 });
  const job = () => {};
  const submits: [unknown, unknown, typeof Error, string][] = [
    [undefined, undefined, TypeError, "job must be a function, not undefined"],
    [3, undefined, TypeError, "job must be a function, not 3"],
    [job, null, TypeError, "not null"],
    [job, "soon", TypeError, 'not "soon"'],
    [job, { priority: "high" }, TypeError, 'priority must be a number, not "high"'],
    [job, { priority: NaN }, RangeError, "priority must be a number, not NaN"],
    [job, { priority: Infinity }, RangeError, "priority must be a finite number: Infinity"],
    [job, { runTimeout: "1" }, TypeError, 'runTimeout must be a number, not "1"'],
    [job, { runTimeout: 0 }, RangeError, "runTimeout must be more than 0: 0"],
    [job, { timeout: NaN }, RangeError, "timeout must be a number, not NaN"],
    [job, { ctx: {} }, TypeError, "ctx must be a context"],
    [job, { signal: 1 }, TypeError, "signal must be an AbortSignal, not 1"],
    [job, { retry: 3 }, TypeError, "retry must be an object of options, not 3"],
  ];
  for (const [job, options, type, message] of submits) {
    await assertRejects(() => pool.submit(job as never, options as never), type, message);
    await assertRejects(() => pool.trySubmit(job as never, options as never)!, type, message);
  }
  await assertRejects(() => pool.room(null as never), TypeError);
  await assertRejects(() => pool.drain({ timeout: "1" } as never), TypeError);
  await assertRejects(() => pool.shutdown(null as never), TypeError, "not null");
  await assertRejects(
    () => pool.shutdown({ immediate: 1 } as never),
    TypeError,
    "immediate must be true or false, not 1",
  );
  assertEquals(pool.closed, false);
  const makes: [unknown, typeof Error, string][] = [
    [null, TypeError, "options must be an object of options, not null"],
    [{ workers: 0 }, RangeError, "workers must be an integer of at least 1, or Infinity: 0"],
    [{ workers: 1.5 }, RangeError, "1.5"],
    [{ workers: Infinity }, RangeError, "workers must be finite: Infinity"],
    [{ workers: "2" }, TypeError, 'workers must be a number, not "2"'],
    [{ capacity: -1 }, RangeError, "capacity must be an integer of at least 0, or Infinity: -1"],
    [{ capacity: NaN }, RangeError, "NaN"],
    [{ name: 5 }, TypeError, "name must be a string, not 5"],
    [{ parent: {} }, TypeError, "parent must be a context or an AbortSignal"],
    [
      { nested: "maybe" },
      TypeError,
      'nested must be "reject" or "inline" or "queue", not "maybe"',
    ],
    [{ strategy: "stealing" }, TypeError, 'strategy must be an object of options, not "stealing"'],
    [{ strategy: {} }, TypeError, 'have a function "place": undefined'],
  ];
  for (const [options, type, message] of makes) {
    assertThrows(() => new WorkerPool(options as never), type, message);
  }
  for (const workers of [0, -1, 1.5, NaN, Infinity]) {
    assertThrows(() => pool.resize(workers), RangeError, String(workers));
  }
  assertThrows(() => pool.resize("2" as never), TypeError);
  assertEquals(pool.size, 1);
  const maps: [unknown, unknown, typeof Error, string][] = [
    [undefined, undefined, TypeError, "fn must be a function, not undefined"],
    [job, null, TypeError, "options must be an object of options, not null"],
    [job, { ahead: 0 }, RangeError, "ahead must be an integer of at least 1, or Infinity: 0"],
    [job, { errors: "both" }, TypeError, 'errors must be "throw" or "values", not "both"'],
    [job, { priority: NaN }, RangeError, "priority must be a number, not NaN"],
  ];
  for (const [fn, options, type, message] of maps) {
    assertThrows(() => pool.map([], fn as never, options as never), type, message);
    assertThrows(() => pool.mapUnordered([], fn as never, options as never), type, message);
  }
});

Deno.test("126, R18: a context that has ended goes before a full or closed pool, and nothing runs", async () => {
  const pool = new WorkerPool({ workers: 1, capacity: 0, name: "imports" });
  using ctx = withCancel(background());
  ctx.cancel("over");
  const never = new HeldJob();
  assertEquals(await pool.submit(never.job, ctx).catch((error) => error), "over");
  assertEquals(await pool.room(ctx).catch((error) => error), "over");
  await pool.shutdown();
  assertEquals(await pool.submit(never.job, { ctx }).catch((error) => error), "over");
  await assertRejects(() => pool.submit(never.job), ClosedError, 'the pool "imports" is shut down');
  assertEquals([never.runs, pool.waiting], [0, 0]);
});

// ---- map ----

Deno.test("126: map runs on the pool's workers, in the order of the items, with its options", async () => {
  await using pool = new WorkerPool({ workers: 2 });
  let [running, most] = [0, 0];
  const slow = async (n: number, _: unknown, index: number): Promise<string> => {
    most = Math.max(most, ++running);
    for (let i = n; i > 0; i--) await settled();
    running--;
    return `${index}:${n}`;
  };
  const got: string[] = [];
  for await (const each of pool.map([3, 1, 0, 2], slow)) got.push(each);
  assertEquals([got, most], [["0:3", "1:1", "2:0", "3:2"], 2]);
  const unordered: string[] = [];
  for await (const each of pool.mapUnordered([5, 0, 1], slow)) unordered.push(each);
  assertEquals(unordered, ["1:0", "2:1", "0:5"]);
  let tries = 0;
  const retry = { attempts: 2, delay: 0 };
  const flaky = () => ++tries === 1 ? Promise.reject("once") : "well";
  for await (const each of pool.map([0], flaky, { retry })) assertEquals(each, "well");
  const values = pool.map([0, 1], (n) => n === 0 ? Promise.reject("no") : n, { errors: "values" });
  const outcomes: string[] = [];
  for await (const { status } of values) outcomes.push(status);
  assertEquals(outcomes, ["rejected", "fulfilled"]);
});
