/**
 * The consumer: what becomes of each job, how many handlers run, and when leases are extended.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import {
  background,
  type CancelContext,
  type Context,
  ContextKey,
  DeadlineExceededError,
  sleep,
  withCancel,
  withValue,
} from "../mod.ts";
import {
  type BatchJobHandler,
  consume,
  type ConsumeOptions,
  type ConsumeStats,
  type JobHandler,
  type JobLease,
  type JobQueue,
  memoryJobs,
} from "../jobs/mod.ts";
import { ManualClock } from "../tasks/mod.ts";
import { faultyJobs } from "./support/faulty_jobs.ts";
import { law, type Same, unused } from "./support/laws.ts";
import { settled, state } from "./support/settle.ts";
import { catchUncaught } from "./support/uncaught.ts";
import { Watched } from "./support/watched.ts";

const none: ConsumeStats = {
  taken: 0,
  done: 0,
  retried: 0,
  dead: 0,
  returned: 0,
  lost: 0,
  failed: 0,
  late: 0,
};

/** A handler whose calls end when they are told to, whatever becomes of their contexts. */
class Held<T> {
  readonly jobs: JobLease<T>[] = [];
  readonly contexts: Context[] = [];
  readonly #ends: PromiseWithResolvers<void>[] = [];

  readonly handler: JobHandler<T> = (job, ctx) => {
    this.jobs.push(job);
    this.contexts.push(ctx);
    const end = Promise.withResolvers<void>();
    this.#ends.push(end);
    return end.promise;
  };

  get values(): T[] {
    return this.jobs.map(({ value }) => value);
  }

  end(at: number): void {
    this.#ends[at]!.resolve();
  }

  fail(at: number, error: unknown): void {
    this.#ends[at]!.reject(error);
  }
}

/** Stops it, and gives what it counted. */
async function drained(
  drain: CancelContext,
  working: Promise<ConsumeStats>,
): Promise<ConsumeStats> {
  drain.cancel();
  return await working;
}

async function putAll(queue: JobQueue<number>, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await queue.put(n, { dedupeId: `job-${n}` });
}

// ---- 170: what becomes of a job ----

Deno.test("170: a job whose handler returns is done, in the order of the queue", async () => {
  await using queue = await memoryJobs<number>();
  using drain = withCancel(background());
  await putAll(queue, 5);
  const seen: number[] = [];
  const working = consume(queue, (job) => void seen.push(job.value), { concurrency: 1, drain });
  await queue.join();
  assertEquals(await drained(drain, working), { ...none, taken: 5, done: 5 });
  assertEquals(seen, [0, 1, 2, 3, 4]);
  assertEquals((await queue.stats()).unfinished, 0);
});

Deno.test("170: one that throws is given back, after delays that grow, until it is out of attempts", async () => {
  const clock = new ManualClock();
  await using queue = await memoryJobs<number>({ clock, maxAttempts: 4 });
  using drain = withCancel(background());
  await putAll(queue, 1);
  const told: unknown[][] = [];
  const times: number[] = [];
  const working = consume(queue, (job) => {
    times.push(clock.now());
    assertEquals(job.attempt, times.length);
    throw new Error(`no ${times.length}`);
  }, {
    drain,
    clock,
    onError: (error, job) => void told.push([(error as Error).message, job?.id, job?.attempt]),
  });
  await clock.advance(60_000);
  // The usual delay is a second, and twice as long each time.
  assertEquals(times, [0, 1_000, 3_000, 7_000]);
  assertEquals(told, [1, 2, 3, 4].map((n) => [`no ${n}`, "job-0", n]));
  const [dead] = await queue.dead.list();
  assertEquals([dead?.attempts, dead?.reason], [
    4,
    "given back at attempt 4, the last: Error: no 4",
  ]);
  const stats = await drained(drain, working);
  assertEquals(stats, { ...none, taken: 4, retried: 3, dead: 1, failed: 4 });
  assertEquals(clock.timers, 0);
});

Deno.test("170: retry: delay, factor, maxDelay; a function is told the attempt and the error", async () => {
  const timesOf = async (retry: ConsumeOptions<number>["retry"]): Promise<number[]> => {
    const clock = new ManualClock();
    await using queue = await memoryJobs<number>({ clock });
    using drain = withCancel(background());
    await putAll(queue, 1);
    const times: number[] = [];
    const working = consume(queue, () => {
      times.push(clock.now());
      throw "no";
    }, { drain, clock, retry });
    await clock.advance(100_000);
    await drained(drain, working);
    return times;
  };
  assertEquals(await timesOf({ delay: 10 }), [0, 10, 30, 70, 150]);
  assertEquals(await timesOf({ delay: 10, factor: 3 }), [0, 10, 40, 130, 400]);
  assertEquals(await timesOf({ delay: 10, maxDelay: 15 }), [0, 10, 25, 40, 55]);
  assertEquals(await timesOf({ delay: 0 }), [0, 0, 0, 0, 0]);
  assertEquals(await timesOf({ delay: undefined, factor: 1 }), [0, 1e3, 2e3, 3e3, 4e3]);
  const told: unknown[] = [];
  const delay = (attempt: number, error: unknown): number => {
    told.push([attempt, error]);
    return attempt * 5;
  };
  assertEquals(await timesOf({ delay }), [0, 5, 15, 30, 50]);
  // At the last attempt it is asked, too: whether there is another one is the queue's business.
  assertEquals(told, [1, 2, 3, 4, 5].map((n) => [n, "no"]));
  const [, second] = await timesOf({ delay: 1_000, jitter: 0.5 });
  assert(second! >= 500 && second! <= 1_000);
});

Deno.test("170: what `when` says is not worth it, or has a delay of Infinity, is dead at once", async () => {
  const ways = [{ when: (error: unknown) => error !== "no" }, { delay: () => Infinity }];
  for (const retry of ways) {
    await using queue = await memoryJobs<number>();
    using drain = withCancel(background());
    await putAll(queue, 1);
    const working = consume(queue, () => Promise.reject("no"), { drain, retry });
    await queue.join();
    const [dead] = await queue.dead.list();
    assertEquals([dead?.attempts, dead?.reason], [1, "no"]);
    assertEquals(await drained(drain, working), { ...none, taken: 1, dead: 1, failed: 1 });
  }
});

Deno.test("170: if `delay` or `when` throws, onError is told, and the usual delay holds", async () => {
  const clock = new ManualClock();
  await using queue = await memoryJobs<number>({ clock });
  using drain = withCancel(background());
  await putAll(queue, 1);
  const told: unknown[] = [];
  const times: number[] = [];
  const working = consume(queue, () => {
    if (times.push(clock.now()) < 3) throw "no";
  }, {
    drain,
    clock,
    retry: {
      delay: () => {
        throw "bad delay";
      },
    },
    onError: (error) => void told.push(error),
  });
  await clock.advance(3_000);
  assertEquals([times, told], [[0, 1_000, 3_000], ["no", "bad delay", "no", "bad delay"]]);
  await drained(drain, working);
});

Deno.test("170: what a handler settles itself is left as it is", async () => {
  const clock = new ManualClock();
  await using queue = await memoryJobs<string>({ clock });
  using drain = withCancel(background());
  for (const way of ["done", "retry", "reject", "retry and throw", "nothing"]) await queue.put(way);
  const told: unknown[] = [];
  const working = consume(queue, async (job) => {
    if (job.attempt > 1) return;
    if (job.value === "done") await job.done();
    if (job.value === "reject") await job.reject("never");
    if (job.value.startsWith("retry")) await job.retry({ delay: 5 });
    if (job.value.endsWith("throw")) throw "after all";
  }, { drain, clock, onError: (error, job) => void told.push([error, job?.value]) });
  await clock.advance(4);
  assertEquals((await queue.stats()).leased, 2);
  await clock.advance(1);
  await queue.join();
  assertEquals(told, [["after all", "retry and throw"]]);
  assertEquals((await queue.dead.list()).map(({ reason }) => reason), ["never"]);
  const stats = await drained(drain, working);
  assertEquals(stats, { ...none, taken: 7, done: 4, retried: 2, dead: 1, failed: 1 });
});

Deno.test("170: what onError throws goes to reportError, and harms nobody", async () => {
  using uncaught = catchUncaught();
  await using queue = await memoryJobs<number>();
  using drain = withCancel(background());
  await putAll(queue, 1);
  const working = consume(queue, (job) => {
    if (job.attempt < 2) throw "no";
  }, {
    drain,
    retry: { delay: 0 },
    onError: () => {
      throw "told";
    },
  });
  await queue.join();
  assertEquals((await drained(drain, working)).done, 1);
  assertEquals(uncaught.errors, ["told"]);
});

// ---- 170: how many ----

Deno.test("170: never more leases are out than handlers are free, and one call asks for all of them", async () => {
  const { queue, faults } = faultyJobs<number>();
  using drain = withCancel(background());
  await putAll(queue, 10);
  const held = new Held<number>();
  const working = consume(queue, held.handler, { concurrency: 4, drain });
  await settled();
  assertEquals([held.values, faults.asked], [[0, 1, 2, 3], [4]]);
  assertEquals((await queue.stats()).leased, 4);
  // Two that end together: two more, and the order is kept.
  held.end(1);
  held.end(2);
  await settled();
  assertEquals(held.values, [0, 1, 2, 3, 4, 5]);
  assert(faults.asked.slice(1).every((asked) => asked <= 2));
  assertEquals((await queue.stats()).leased, 4);
  for (let at = 0; at < 10; at++) {
    if (at !== 1 && at !== 2) held.end(at);
    await settled();
  }
  await queue.join();
  const before = faults.calls.take;
  await settled();
  assertEquals(faults.calls.take, before);
  assertEquals((await drained(drain, working)).done, 10);
  await queue.close();
});

Deno.test("170: eight handlers run at once if nothing is said", async () => {
  await using queue = await memoryJobs<number>();
  using drain = withCancel(background());
  await putAll(queue, 9);
  const held = new Held<number>();
  const working = consume(queue, held.handler, { drain });
  await settled();
  assertEquals(held.jobs.length, 8);
  for (let at = 0; at < 8; at++) held.end(at);
  await settled();
  held.end(8);
  await queue.join();
  await drained(drain, working);
});

Deno.test("170: a consumer that waits for jobs gets those that come, each at once", async () => {
  await using queue = await memoryJobs<number>();
  using drain = withCancel(background());
  const held = new Held<number>();
  const working = consume(queue, held.handler, { concurrency: 2, drain });
  for (let n = 0; n < 4; n++) {
    await settled();
    await queue.put(n);
    await settled();
    assertEquals(held.values.length, Math.min(n + 1, 2));
  }
  for (let at = 0; at < 4; at++) {
    held.end(at);
    await settled();
  }
  assertEquals(held.values, [0, 1, 2, 3]);
  await drained(drain, working);
});

// ---- 170: batches ----

Deno.test("170: with a batch a handler is given those that are there, up to so many", async () => {
  const { queue, faults } = faultyJobs<number>();
  using drain = withCancel(background());
  await putAll(queue, 150);
  const sizes: number[] = [];
  const working = consume(queue, (jobs) => void sizes.push(jobs.length), {
    batch: 64,
    concurrency: 2,
    drain,
  });
  await queue.join();
  assertEquals([sizes, faults.asked[0]], [[64, 64, 22], 128]);
  // All of a batch are done by one call of the engine.
  assertEquals(faults.calls.settle, 3);
  assertEquals(await drained(drain, working), { ...none, taken: 150, done: 150 });
  await queue.close();
});

Deno.test("170: what the handler of a batch has not settled shares its fate", async () => {
  const clock = new ManualClock();
  await using queue = await memoryJobs<number>({ clock, maxAttempts: 2 });
  using drain = withCancel(background());
  await putAll(queue, 5);
  const told: unknown[] = [];
  const batches: number[][] = [];
  const working = consume(queue, async (jobs) => {
    batches.push(jobs.map(({ value }) => value));
    if (batches.length > 1) return;
    await jobs[0]!.done();
    await jobs[1]!.reject("bad");
    await jobs[2]!.retry();
    throw "no";
  }, { batch: 5, concurrency: 1, drain, clock, onError: (_, job) => void told.push(job?.value) });
  await clock.advance(1_000);
  await queue.join();
  assertEquals(batches, [[0, 1, 2, 3, 4], [2], [3, 4]]);
  assertEquals(told, [3, 4]);
  const stats = await drained(drain, working);
  assertEquals(stats, { ...none, taken: 8, done: 4, dead: 1, retried: 3, failed: 2 });
});

Deno.test("170: a batch whose handler has settled all of it and throws is told of once", async () => {
  await using queue = await memoryJobs<number>();
  using drain = withCancel(background());
  await putAll(queue, 3);
  const told: unknown[] = [];
  const working = consume(queue, async (jobs) => {
    for (const job of jobs) await job.done();
    throw "no";
  }, { batch: 5, drain, onError: (error, job) => void told.push([error, job?.value]) });
  await queue.join();
  const stats = await drained(drain, working);
  assertEquals([stats, told], [{ ...none, taken: 3, done: 3, failed: 1 }, [["no", 0]]]);
});

// ---- 170: time ----

Deno.test("170: timeout: the context ends, and the job is given back as one that failed", async () => {
  const clock = new ManualClock();
  await using queue = await memoryJobs<number>({ clock });
  using drain = withCancel(background());
  await putAll(queue, 1);
  const causes: unknown[] = [];
  const told: unknown[] = [];
  const working = consume(queue, async (job, ctx) => {
    if (job.attempt > 1) return;
    await ctx.whenDone.receive();
    causes.push(ctx.cause);
    throw ctx.cause;
  }, { drain, clock, timeout: 100, name: "mails", onError: (error) => void told.push(error) });
  await clock.advance(99);
  assertEquals(causes.length, 0);
  await clock.advance(1);
  assertInstanceOf(causes[0], DeadlineExceededError);
  assert(causes[0].message.includes('"mails" of 100 ms'), causes[0].message);
  assertEquals(told.length, 1);
  assertStrictEquals(told[0], causes[0]);
  await clock.advance(1_000);
  await queue.join();
  const stats = await drained(drain, working);
  assertEquals(stats, { ...none, taken: 2, done: 1, retried: 1, failed: 1 });
  assertEquals(clock.timers, 0);
});

Deno.test("170: timeout: a handler that does not heed its context keeps its place, but not its job", async () => {
  const clock = new ManualClock();
  await using queue = await memoryJobs<number>({ clock });
  using drain = withCancel(background());
  await putAll(queue, 2);
  const held = new Held<number>();
  const working = new Watched(
    consume(queue, held.handler, { concurrency: 1, drain, clock, timeout: 100 }),
  );
  await clock.advance(100);
  // Given back, with its delay; nobody else runs.
  assertEquals(held.jobs[0]!.settled, true);
  assertEquals(held.jobs.length, 1);
  drain.cancel();
  await clock.advance(10_000);
  assertEquals(working.is, "pending");
  // What it does in the end does not count.
  held.end(0);
  await settled();
  assertEquals(working.value, { ...none, taken: 1, retried: 1, failed: 1 });
  assertEquals((await queue.stats()).unfinished, 2);
  assertEquals(clock.timers, 0);
});

Deno.test("170: a handler whose context has ended may still settle its job, within a turn", async () => {
  const clock = new ManualClock();
  await using queue = await memoryJobs<number>({ clock });
  using drain = withCancel(background());
  await putAll(queue, 3);
  const working = consume(queue, async (job, ctx) => {
    await sleep(60_000, ctx).catch(() => {});
    // Whatever it takes without timers or I/O.
    for (let n = 0; n < 50; n++) await null;
    if (job.value === 0) await job.done();
    if (job.value === 1) await job.reject("too slow");
  }, { drain, clock, timeout: 100, retry: { delay: 1e6 } });
  await clock.advance(100);
  const { unfinished, dead } = await queue.stats();
  assertEquals([unfinished, dead], [1, 1]);
  const stats = await drained(drain, working);
  assertEquals(stats, { ...none, taken: 3, done: 1, dead: 1, retried: 1, failed: 3 });
});

Deno.test("170: while a handler runs its lease is extended, each third of its time", async () => {
  const clock = new ManualClock();
  const { queue, faults } = faultyJobs<number>({ clock, leaseTime: 300 });
  using drain = withCancel(background());
  await putAll(queue, 1);
  const held = new Held<number>();
  const working = consume(queue, held.handler, { drain, clock });
  for (let n = 0; n <= 50; n++) {
    assertEquals(faults.calls.extend, n);
    await clock.advance(100);
  }
  assertEquals(held.jobs.length, 1);
  held.end(0);
  await queue.join();
  const { extend } = faults.calls;
  await clock.advance(1_000);
  assertEquals(faults.calls.extend, extend);
  assertEquals(await drained(drain, working), { ...none, taken: 1, done: 1 });
  assertEquals(clock.timers, 0);
  await queue.close();
});

Deno.test("170: handlers that begin at different times, and batches, are each extended in time", async () => {
  const clock = new ManualClock();
  const { queue, faults } = faultyJobs<number>({ clock, leaseTime: 300 });
  using drain = withCancel(background());
  const ends: (() => void)[] = [];
  const working = consume(queue, () => new Promise<void>((end) => ends.push(end)), {
    batch: 2,
    concurrency: 3,
    drain,
    clock,
  });
  for (let n = 0; n < 3; n++) {
    await queue.put(n);
    await clock.advance(40);
  }
  // Begun at 0, 40 and 80; now it is 120.
  assertEquals([ends.length, faults.calls.extend], [3, 1]);
  await clock.advance(20);
  assertEquals(faults.calls.extend, 2);
  ends[1]!();
  await clock.advance(860);
  // At 1,000: the first ten times, the last nine (180 … 980), the second once.
  assertEquals(faults.calls.extend, 20);
  ends[0]!();
  ends[2]!();
  await queue.join();
  assertEquals((await drained(drain, working)).late, 0);
  assertEquals(clock.timers, 0);
  await queue.close();
});

Deno.test("170: without `extend` a job that takes longer than its lease comes again", async () => {
  const clock = new ManualClock();
  await using queue = await memoryJobs<number>({ clock, leaseTime: 300 });
  using drain = withCancel(background());
  await putAll(queue, 1);
  const held = new Held<number>();
  const working = consume(queue, held.handler, { concurrency: 2, extend: false, drain, clock });
  await clock.advance(300);
  assertEquals(held.jobs.map(({ attempt }) => attempt), [1, 2]);
  held.end(0);
  await settled();
  // It is done all the same, and the other one comes too late.
  assertEquals((await queue.stats()).unfinished, 0);
  held.end(1);
  const stats = await drained(drain, working);
  assertEquals(stats, { ...none, taken: 2, done: 2, late: 2 });
  assertEquals(clock.timers, 0);
});

Deno.test("170: the leases of a handler that is out of time are not extended any more", async () => {
  const clock = new ManualClock();
  const { queue, faults } = faultyJobs<number>({ clock, leaseTime: 300 });
  using drain = withCancel(background());
  await putAll(queue, 1);
  const held = new Held<number>();
  const working = consume(queue, held.handler, {
    concurrency: 1,
    drain,
    clock,
    timeout: 250,
    retry: { delay: 1e6 },
  });
  await clock.advance(10_000);
  assertEquals(faults.calls.extend, 2);
  held.end(0);
  await drained(drain, working);
  await queue.close();
});

// ---- 170: re-entrance ----

Deno.test("170: a handler may put into its own queue, also while it is full", async () => {
  await using queue = await memoryJobs<number>({ capacity: 3 });
  using drain = withCancel(background());
  await queue.put(6);
  let runs = 0;
  const working = consume(queue, async (job) => {
    runs++;
    // A tree: 6 becomes 5 and 5, and so on; each waits for room no longer than it holds a place itself.
    if (job.value > 0) await queue.put(job.value - 1);
  }, { concurrency: 2, drain });
  await queue.join();
  assertEquals([runs, (await drained(drain, working)).done], [7, 7]);
});

Deno.test("170: a handler may end its own consumer: by drain, by its context, by closing the queue", async () => {
  for (const way of ["drain", "ctx", "close"]) {
    await using queue = await memoryJobs<number>();
    using drain = withCancel(background());
    using ctx = withCancel(background());
    await putAll(queue, 2);
    let runs = 0;
    const working = consume(queue, async () => {
      runs++;
      if (way === "drain") drain.cancel();
      if (way === "ctx") ctx.cancel("enough");
      if (way === "close") await queue.close();
    }, { concurrency: 1, drain, ctx });
    if (way === "ctx") assertStrictEquals(await working.catch((error) => error), "enough");
    else {
      const stats = await working;
      assertEquals(
        stats,
        way === "drain" ? { ...none, taken: 1, done: 1 } : { ...none, taken: 1, returned: 1 },
      );
    }
    assertEquals(runs, 1);
  }
});

Deno.test("170: a handler may consume: the same queue, and another one", async () => {
  await using queue = await memoryJobs<number>();
  await using other = await memoryJobs<string>();
  using drain = withCancel(background());
  await putAll(queue, 4);
  const seen: string[] = [];
  const working = consume(queue, async (job) => {
    if (job.value > 0) return void seen.push(`outer ${job.value}`);
    using inner = withCancel(background());
    const nested = consume(queue, (job) => void seen.push(`inner ${job.value}`), { drain: inner });
    const others = consume(other, (job) => void seen.push(job.value), { drain: inner });
    await other.put("other");
    await other.join();
    await settled();
    inner.cancel();
    await nested;
    await others;
  }, { concurrency: 1, drain });
  await queue.join();
  assertEquals((await drained(drain, working)).taken + seen.length - 1, 4);
  assertEquals(seen.toSorted(), ["inner 1", "inner 2", "inner 3", "other"]);
});

Deno.test("170: two consumers of one queue share its jobs, and those of two groups each get all", async () => {
  await using mails = await memoryJobs<number>({ groups: ["send", "audit"] });
  using drain = withCancel(background());
  const counts = [0, 0, 0];
  const workings = [mails, mails, mails.forGroup("audit")].map((queue, at) =>
    consume(queue, () => void counts[at]!++, { drain, concurrency: 1 })
  );
  await putAll(mails, 20);
  await mails.join();
  drain.cancel();
  await Promise.all(workings);
  assertEquals([counts[0]! + counts[1]!, counts[2]], [20, 20]);
  assert(counts[0]! > 0 && counts[1]! > 0);
});

// ---- 170: arguments ----

Deno.test("170: handlers' contexts have the values of the caller's", async () => {
  const tenant = new ContextKey<string>("tenant");
  await using queue = await memoryJobs<number>();
  using drain = withCancel(background());
  await putAll(queue, 1);
  let seen: string | undefined;
  const working = consume(queue, (_, ctx) => void (seen = ctx.value(tenant)), {
    ctx: withValue(background(), tenant, "ada"),
    drain,
  });
  await queue.join();
  await drained(drain, working);
  assertEquals(seen, "ada");
});

Deno.test("170: bad arguments are refused, and named", async () => {
  await using queue = await memoryJobs<number>();
  const bad: [unknown, typeof TypeError | typeof RangeError, string][] = [
    [7, TypeError, "options must be an object of options, not 7"],
    [null, TypeError, "options must be an object of options, not null"],
    [{ concurrency: "8" }, TypeError, 'concurrency must be a number, not "8"'],
    [{ concurrency: 0 }, RangeError, "concurrency must be an integer of at least 1"],
    [{ concurrency: 1.5 }, RangeError, "concurrency must be an integer of at least 1"],
    [{ concurrency: Infinity }, RangeError, "concurrency must be finite: Infinity"],
    [{ batch: 0 }, RangeError, "batch must be an integer of at least 1"],
    [{ batch: Infinity }, RangeError, "batch must be finite: Infinity"],
    [{ batch: "64" }, TypeError, 'batch must be a number, not "64"'],
    [{ timeout: 0 }, RangeError, "timeout must be more than 0: 0"],
    [{ timeout: NaN }, RangeError, "timeout must be a number, not NaN"],
    [{ ctx: 1 }, TypeError, "ctx must be a context, not 1"],
    [{ signal: {} }, TypeError, "signal must be an AbortSignal, not [object Object]"],
    [{ drain: 1 }, TypeError, "drain must be a context or an AbortSignal, not 1"],
    [{ signals: "SIGTERM" }, TypeError, 'signals must be a list such as ["SIGTERM"]'],
    [{ signals: [15] }, TypeError, "a signal must be a string, not 15"],
    [{ signals: ["SIGKILL"] }, RangeError, "a signal must be one of SIGTERM, SIGINT"],
    [{ grace: -1 }, RangeError, "grace must be at least 0: -1"],
    [{ grace: "1" }, TypeError, 'grace must be a number, not "1"'],
    [{ retry: 3 }, TypeError, "retry must be an object of options, not 3"],
    [{ retry: { delay: -1 } }, RangeError, "retry.delay must be at least 0: -1"],
    [{ retry: { factor: 0.5 } }, RangeError, "retry.factor must be at least 1: 0.5"],
    [{ retry: { maxDelay: "1" } }, TypeError, 'retry.maxDelay must be a number, not "1"'],
    [{ retry: { jitter: 2 } }, RangeError, "retry.jitter must be from 0 to 1: 2"],
    [{ retry: { when: 1 } }, TypeError, "retry.when must be a function, not 1"],
    [{ extend: 1 }, TypeError, "extend must be true or false, not 1"],
    [{ clock: {} }, TypeError, "clock must have the functions now and after"],
    [{ onError: 1 }, TypeError, "onError must be a function, not 1"],
    [{ name: 1 }, TypeError, "name must be a string, not 1"],
  ];
  for (const [options, kind, message] of bad) {
    await assertRejects(() => consume(queue, () => {}, options as never), kind, message);
  }
  await assertRejects(() => consume(queue, 1 as never), TypeError, "handler must be a function");
  for (const no of [null, undefined, {}, []]) {
    await assertRejects(
      () => consume(no as never, () => {}),
      TypeError,
      "queue must be a job queue",
    );
  }
  assertEquals(await state(queue.put(1)), "fulfilled");
});

Deno.test("170: types follow the queue, and the batch", () => {
  unused((queue: JobQueue<{ to: string }>, batch: number | undefined) => {
    void consume(queue, (job, ctx) => {
      law<Same<typeof job, JobLease<{ to: string }>>>();
      law<Same<typeof ctx, Context>>();
    });
    void consume(queue, (job) => {
      law<Same<typeof job.value.to, string>>();
    }, {
      concurrency: 2,
      onError: (_, job) => {
        law<Same<typeof job, JobLease<{ to: string }> | undefined>>();
      },
    });
    void consume(queue, (jobs) => {
      law<Same<typeof jobs, readonly JobLease<{ to: string }>[]>>();
    }, { batch: 64 });
    const one: JobHandler<{ to: string }> = (job) => job.done();
    const many: BatchJobHandler<{ to: string }> = (jobs) => jobs.length;
    void consume(queue, one, {});
    void consume(queue, many, { batch: 2 });
    // @ts-expect-error: a handler of one job is given no batch.
    void consume(queue, one, { batch: 2 });
    // @ts-expect-error: a handler of a batch needs one.
    void consume(queue, many, { concurrency: 2 });
    // @ts-expect-error: whether it is a batch has to be known.
    void consume(queue, one, { batch });
    // @ts-expect-error: no such signal.
    void consume(queue, one, { signals: ["SIGFOO"] });
  });
});
