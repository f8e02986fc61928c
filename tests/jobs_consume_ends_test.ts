/**
 * How a consumer ends, in every state that it may be in, and what it does when the engine fails.
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
  ClosedError,
  type Context,
  DeadlineExceededError,
  sleep,
  withCancel,
} from "../mod.ts";
import {
  consume,
  type ConsumeOptions,
  type ConsumeStats,
  type JobLease,
  JobQueueError,
  memoryJobs,
} from "../jobs/mod.ts";
import { ManualClock } from "../tasks/mod.ts";
import { engineError, type FaultyJobs, faultyJobs } from "./support/faulty_jobs.ts";
import { fakeClock } from "./support/clock.ts";
import { settled } from "./support/settle.ts";
import { spiedController } from "./support/spied_signal.ts";
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

/** A consumer of a queue of which everything can be seen. */
class Scene {
  readonly clock = new ManualClock();
  readonly jobs: JobLease<number>[] = [];
  readonly contexts: Context[] = [];
  readonly told: unknown[] = [];
  readonly drain: CancelContext = withCancel(background());
  readonly abort = spiedController();
  readonly #ends: PromiseWithResolvers<void>[] = [];
  readonly faulty: FaultyJobs<number>;
  working!: Watched<ConsumeStats>;

  constructor() {
    this.faulty = faultyJobs<number>({ clock: this.clock, leaseTime: 30_000 });
  }

  /** Its handlers end when they are told to, and heed their contexts, unless they are deaf. */
  start(options: ConsumeOptions<number> = {}, deaf = false): void {
    const { clock, drain, abort: { signal } } = this;
    this.working = new Watched(consume(this.faulty.queue, (job, ctx) => {
      this.jobs.push(job);
      this.contexts.push(ctx);
      const end = Promise.withResolvers<void>();
      this.#ends.push(end);
      if (!deaf) ctx.signal.addEventListener("abort", () => end.reject(ctx.cause));
      return end.promise;
    }, {
      clock,
      drain,
      signal,
      onError: (error) => void this.told.push(error),
      ...options,
    }));
  }

  async put(count: number): Promise<void> {
    for (let n = 0; n < count; n++) await this.faulty.queue.put(n);
    await settled();
  }

  end(at: number): void {
    this.#ends[at]!.resolve();
  }

  fail(at: number, error: unknown): void {
    this.#ends[at]!.reject(error);
  }

  /** Nothing is left of it, and all that it took has been let go. */
  async leavesNothing(): Promise<void> {
    assert(this.working.is !== "pending");
    assertEquals([this.clock.timers, this.abort.listeners], [0, 0]);
    for (const ctx of this.contexts) assert(ctx.done);
    for (const job of this.jobs) assert(job.settled);
    this.drain.cancel();
    await this.faulty.queue.close();
  }
}

// ---- 170: the end of ctx and signal ----

Deno.test("170: the end of ctx or signal before the call rejects it, and takes nothing", async () => {
  await using queue = await memoryJobs<number>();
  await queue.put(1);
  using ctx = withCancel(background());
  ctx.cancel("over");
  for (const options of [{ ctx }, { signal: AbortSignal.abort("over") }]) {
    const error = await consume(queue, () => {}, options).catch((error) => error);
    assertStrictEquals(error, "over");
  }
  assertEquals((await queue.stats()).ready, 1);
});

Deno.test("170: the end of the signal ends one that waits for a job", async () => {
  const scene = new Scene();
  scene.start();
  await settled();
  assertEquals(scene.abort.listeners, 1);
  scene.abort.abort("over");
  await settled();
  assertEquals([scene.working.is, scene.working.error], ["rejected", "over"]);
  await scene.put(1);
  assertEquals((await scene.faulty.queue.stats()).ready, 1);
  await scene.leavesNothing();
});

Deno.test("170: the end of the signal ends the handlers' contexts; what is not settled is given back", async () => {
  const scene = new Scene();
  scene.start({ concurrency: 3 });
  await scene.put(4);
  scene.end(1);
  await settled();
  assertEquals(scene.jobs.length, 4);
  scene.abort.abort("over");
  for (const ctx of scene.contexts.toSpliced(1, 1)) assertStrictEquals(ctx.cause, "over");
  await settled();
  assertEquals(scene.working.error, "over");
  // At once, without a delay; nobody takes it for a failure.
  const { ready, unfinished } = await scene.faulty.queue.stats();
  assertEquals([ready, unfinished, scene.told], [3, 3, []]);
  await scene.leavesNothing();
});

Deno.test("170: it rejects when the handlers have ended, also if they do not heed their contexts", async () => {
  const scene = new Scene();
  scene.start({}, true);
  await scene.put(2);
  scene.abort.abort("over");
  await settled();
  // Their jobs are others' by now.
  assertEquals([scene.working.is, (await scene.faulty.queue.stats()).ready], ["pending", 2]);
  scene.end(0);
  await settled();
  assertEquals(scene.working.is, "pending");
  scene.fail(1, "late");
  await settled();
  assertEquals([scene.working.error, scene.told], ["over", []]);
  assertEquals((await scene.faulty.queue.stats()).ready, 2);
  await scene.leavesNothing();
});

Deno.test("170: the end of ctx while a job is being settled waits for the engine, within bounds", async () => {
  const scene = new Scene();
  scene.start();
  await scene.put(1);
  const answer = Promise.withResolvers<void>();
  scene.faulty.faults.held = answer.promise;
  scene.end(0);
  await settled();
  scene.abort.abort("over");
  await settled();
  assertEquals(scene.working.is, "pending");
  answer.resolve();
  await settled();
  assertEquals([scene.working.error, scene.told], ["over", []]);
  assertEquals((await scene.faulty.queue.stats()).unfinished, 0);
  await scene.leavesNothing();
});

Deno.test("170: the end of ctx ends a drain that goes on", async () => {
  const scene = new Scene();
  scene.start();
  await scene.put(1);
  scene.drain.cancel();
  await settled();
  assertEquals([scene.working.is, scene.contexts[0]!.done], ["pending", false]);
  scene.abort.abort("over");
  await settled();
  assertEquals(scene.working.error, "over");
  await scene.leavesNothing();
});

// ---- 170: drain ----

Deno.test("170: the end of drain before the call: nothing is taken, and it resolves", async () => {
  const scene = new Scene();
  await scene.put(1);
  scene.drain.cancel();
  scene.start();
  await settled();
  assertEquals(scene.working.value, none);
  assertEquals((await scene.faulty.queue.stats()).ready, 1);
  await scene.leavesNothing();
});

Deno.test("170: the end of drain ends one that waits for a job", async () => {
  const scene = new Scene();
  scene.start();
  await settled();
  scene.drain.cancel();
  await settled();
  assertEquals(scene.working.value, none);
  await scene.leavesNothing();
});

Deno.test("170: a drain takes no more, lets the handlers finish, and gives nothing up", async () => {
  for (const concurrency of [2, 8]) {
    const scene = new Scene();
    scene.start({ concurrency });
    await scene.put(2);
    scene.drain.cancel();
    await scene.put(2);
    assertEquals(scene.jobs.length, 2);
    assert(scene.contexts.every((ctx) => !ctx.done));
    scene.end(0);
    await settled();
    assertEquals([scene.working.is, scene.jobs.length], ["pending", 2]);
    scene.fail(1, "no");
    await settled();
    assertEquals(scene.working.value, { ...none, taken: 2, done: 1, retried: 1, failed: 1 });
    assertEquals(scene.told, ["no"]);
    await scene.leavesNothing();
  }
});

Deno.test("170: a drain may be a signal", async () => {
  const drain = spiedController();
  const scene = new Scene();
  scene.start({ drain: drain.signal });
  await settled();
  assertEquals(drain.listeners, 1);
  drain.abort();
  await settled();
  assertEquals(scene.working.value, none);
  await scene.leavesNothing();
  const other = new Scene();
  const quiet = spiedController();
  other.start({ drain: quiet.signal });
  await settled();
  other.abort.abort("over");
  await settled();
  assertEquals([other.working.error, quiet.listeners], ["over", 0]);
  await other.leavesNothing();
});

Deno.test("170: during a drain leases are extended, too", async () => {
  const scene = new Scene();
  scene.start();
  await scene.put(1);
  scene.drain.cancel();
  await scene.clock.advance(300_000);
  assertEquals(scene.faulty.faults.calls.extend, 30);
  scene.end(0);
  await settled();
  assertEquals(scene.working.value, { ...none, taken: 1, done: 1 });
  await scene.leavesNothing();
});

Deno.test("170: after `grace` a drain ends the handlers' contexts, too, and resolves when they have ended", async () => {
  const scene = new Scene();
  scene.start({ grace: 500, name: "mails" });
  await scene.put(2);
  scene.drain.cancel();
  await scene.clock.advance(499);
  assert(!scene.contexts[0]!.done);
  scene.end(1);
  await scene.clock.advance(1);
  const { cause } = scene.contexts[0]!;
  assertInstanceOf(cause, DeadlineExceededError);
  assertEquals(cause.message, 'the drain of the consumer "mails" has taken more than 500 ms');
  await settled();
  assertEquals(scene.working.value, { ...none, taken: 2, done: 1, returned: 1 });
  assertEquals(scene.told, []);
  await scene.leavesNothing();
});

Deno.test("170: a drain that is faster than `grace` leaves no timer, and one of 0 ends them at once", async () => {
  const scene = new Scene();
  scene.start({ grace: 500, extend: false, concurrency: 1 });
  await scene.put(1);
  assertEquals(scene.clock.timers, 0);
  scene.drain.cancel();
  await settled();
  assertEquals(scene.clock.timers, 1);
  scene.end(0);
  await settled();
  assertEquals(scene.working.value, { ...none, taken: 1, done: 1 });
  await scene.leavesNothing();

  const other = new Scene();
  other.start({ grace: 0 });
  await other.put(1);
  other.drain.cancel();
  await other.clock.advance(0);
  await settled();
  assertEquals(other.working.value, { ...none, taken: 1, returned: 1 });
  await other.leavesNothing();
});

Deno.test("170: jobs that come as a drain begins are done, since giving them back would cost an attempt", async () => {
  const scene = new Scene();
  scene.start();
  await settled();
  const putting = scene.faulty.queue.put(1);
  // The engine has handed it out, and the consumer has not heard of it yet.
  await Promise.resolve();
  scene.drain.cancel();
  await putting;
  await settled();
  const { leased, ready } = await scene.faulty.queue.stats();
  assertEquals(leased + ready, 1);
  if (leased === 1) scene.end(0);
  await settled();
  assertEquals(scene.working.value, { ...none, taken: leased, done: leased });
  await scene.leavesNothing();
});

// ---- 170: the queue is closed ----

Deno.test("170: it resolves at once if the queue is closed already", async () => {
  const queue = await memoryJobs<number>();
  await queue.close();
  assertEquals(await consume(queue, () => {}), none);
});

Deno.test("170: when the queue is closed one that waits for a job resolves", async () => {
  const scene = new Scene();
  scene.start();
  await settled();
  await scene.faulty.queue.close();
  await settled();
  assertEquals(scene.working.value, none);
  await scene.leavesNothing();
});

Deno.test("170: when the queue is closed the handlers' contexts end, and it resolves when they have ended", async () => {
  for (const concurrency of [1, 8]) {
    for (const deaf of [false, true]) {
      const scene = new Scene();
      scene.start({ concurrency }, deaf);
      await scene.put(1);
      await scene.faulty.queue.close();
      assertInstanceOf(scene.contexts[0]!.cause, ClosedError);
      await settled();
      if (deaf) {
        assertEquals(scene.working.is, "pending");
        scene.end(0);
        await settled();
      }
      assertEquals(scene.working.value, { ...none, taken: 1, returned: 1 });
      assertEquals(scene.told, []);
      await scene.leavesNothing();
    }
  }
});

Deno.test("170: closing the handle that opened the queue ends the consumers of its views", async () => {
  const queue = await memoryJobs<number>({ groups: ["a", "b"] });
  const working = new Watched(consume(queue.forGroup("b"), () => {}));
  await settled();
  await queue.close();
  await settled();
  assertEquals(working.value, none);
});

Deno.test("170: a handler that has settled its job and closes the queue is counted as it is", async () => {
  const queue = await memoryJobs<number>();
  await queue.put(1);
  const stats = await consume(queue, async (job) => {
    await job.done();
    await queue.close();
  });
  assertEquals(stats, { ...none, taken: 1, done: 1 });
});

// ---- 170: the engine fails ----

Deno.test("170: what the engine fails with for a while when it is asked for jobs is tried again", async () => {
  const scene = new Scene();
  const { take } = scene.faulty.faults.errors;
  const errors = Array.from(
    { length: 9 },
    (_, n) => engineError(n % 2 ? "storage" : "unreachable"),
  );
  take.push(...errors);
  const before = Date.now();
  scene.start();
  await settled();
  await scene.put(1);
  const times: number[] = [];
  for (let ms = 0; ms <= 40_000; ms += 100) {
    if (scene.told.length > times.length) times.push(scene.clock.now());
    if (scene.jobs.length > 0) break;
    await scene.clock.advance(100);
  }
  assertEquals(scene.told, errors);
  // Pauses of 100, 200, 400 … 6,400, then 10,000 ms.
  assertEquals(times, [0, 100, 300, 700, 1_500, 3_100, 6_300, 12_700, 22_700]);
  assertEquals(scene.clock.now(), 32_700);
  assert(Date.now() - before < 10_000);
  // After a success pauses are short again.
  take.push(engineError("unreachable"));
  scene.end(0);
  await settled();
  await scene.put(1);
  await scene.put(1);
  await scene.clock.advance(100);
  assertEquals(scene.jobs.length, 3);
  scene.end(1);
  scene.end(2);
  scene.drain.cancel();
  await settled();
  assertEquals(scene.working.value, { ...none, taken: 3, done: 3 });
  await scene.leavesNothing();
});

Deno.test("170: every end ends a pause, too", async () => {
  for (const way of ["drain", "signal", "close"]) {
    const scene = new Scene();
    scene.faulty.faults.errors.take.push(engineError("unreachable"));
    scene.start();
    await settled();
    assertEquals([scene.told.length, scene.clock.timers], [1, 1]);
    if (way === "drain") scene.drain.cancel();
    if (way === "signal") scene.abort.abort("over");
    if (way === "close") await scene.faulty.queue.close();
    await settled();
    assertEquals(scene.working.is, way === "signal" ? "rejected" : "fulfilled");
    await scene.leavesNothing();
  }
});

Deno.test("170: what the engine fails with for good ends it with the error, when the handlers have finished", async () => {
  for (
    const error of [engineError("unauthorized"), engineError("mismatch"), new TypeError("bug")]
  ) {
    const scene = new Scene();
    scene.start({ concurrency: 2 });
    await scene.put(2);
    scene.faulty.faults.errors.take.push(error);
    scene.end(0);
    await settled();
    assertEquals([scene.working.is, scene.contexts[1]!.done], ["pending", false]);
    scene.end(1);
    await settled();
    assertStrictEquals(scene.working.error, error);
    // Whoever awaits it is told; onError is not.
    assertEquals(scene.told, []);
    assertEquals((await scene.faulty.queue.stats()).unfinished, 0);
    await scene.leavesNothing();
  }
});

Deno.test("170: `grace` holds for that end, too, and ctx is stronger than the error", async () => {
  const scene = new Scene();
  scene.start({ grace: 100, concurrency: 2 });
  await scene.put(2);
  const error = engineError("unauthorized");
  scene.faulty.faults.errors.take.push(error);
  scene.end(0);
  await scene.clock.advance(100);
  await settled();
  assertStrictEquals(scene.working.error, error);
  await scene.leavesNothing();
  const other = new Scene();
  other.start({ concurrency: 2 });
  await other.put(2);
  other.faulty.faults.errors.take.push(error);
  other.end(0);
  await settled();
  other.abort.abort("over");
  await settled();
  assertStrictEquals(other.working.error, "over");
  await other.leavesNothing();
});

Deno.test("170: `done` is tried again while the engine fails, and its place is taken so long", async () => {
  const scene = new Scene();
  const error = engineError("storage");
  scene.faulty.faults.errors.settle.push(error, error, error);
  scene.start({ concurrency: 1 });
  await scene.put(2);
  scene.end(0);
  await scene.clock.advance(699);
  assertEquals([scene.told.length, scene.jobs.length], [3, 1]);
  await scene.clock.advance(1);
  assertEquals(scene.jobs.length, 2);
  scene.end(1);
  scene.drain.cancel();
  await settled();
  assertEquals(scene.working.value, { ...none, taken: 2, done: 2 });
  await scene.leavesNothing();
});

Deno.test("170: a `done` that the engine fails to store until the lease runs out: the job comes again", async () => {
  const scene = new Scene();
  const { settle } = scene.faulty.faults.errors;
  for (let n = 0; n < 100; n++) settle.push(engineError("unreachable"));
  scene.start({ concurrency: 1 });
  await scene.put(1);
  scene.end(0);
  await scene.clock.advance(60_000);
  settle.length = 0;
  assertEquals(scene.jobs.map(({ attempt }) => attempt), [1, 2]);
  assertInstanceOf(scene.told[0], JobQueueError);
  scene.end(1);
  scene.drain.cancel();
  await settled();
  assertEquals(scene.working.value, { ...none, taken: 2, done: 1, lost: 1 });
  await settled();
  scene.jobs.shift();
  await scene.leavesNothing();
});

Deno.test("170: an error on `done` that is no use trying again is told, and not fatal", async () => {
  const scene = new Scene();
  const error = new Error("odd");
  scene.faulty.faults.errors.settle.push(error);
  scene.start({ concurrency: 1 });
  await scene.put(2);
  scene.end(0);
  await settled();
  assertEquals([scene.told, scene.jobs.length], [[error], 2]);
  scene.end(1);
  await settled();
  // Its lease runs out.
  await scene.clock.advance(30_000);
  assertEquals(scene.jobs.map(({ attempt }) => attempt), [1, 1, 2]);
  scene.end(2);
  scene.drain.cancel();
  await settled();
  assertEquals(scene.working.value, { ...none, taken: 3, done: 2, lost: 1 });
  scene.jobs.shift();
  await scene.leavesNothing();
});

Deno.test("170: giving back at the end is tried once, and the error is told", async () => {
  const scene = new Scene();
  const error = engineError("unreachable");
  scene.faulty.faults.errors.settle.push(error);
  scene.start();
  await scene.put(1);
  scene.abort.abort("over");
  await settled();
  assertEquals([scene.working.error, scene.told], ["over", [error]]);
  assertEquals((await scene.faulty.queue.stats()).leased, 1);
  scene.jobs.shift();
  await scene.leavesNothing();
});

Deno.test("170: the end ends a pause before another try of `done`, which is made once more", async () => {
  const scene = new Scene();
  scene.faulty.faults.errors.settle.push(engineError("unreachable"));
  scene.start();
  await scene.put(1);
  scene.end(0);
  await settled();
  assertEquals(scene.told.length, 1);
  scene.abort.abort("over");
  await settled();
  assertEquals([scene.working.error, scene.told.length], ["over", 1]);
  assertEquals((await scene.faulty.queue.stats()).unfinished, 0);
  await scene.leavesNothing();
});

Deno.test("170: an extension that fails is told, and made again a third of the lease later", async () => {
  const scene = new Scene();
  const error = engineError("unreachable");
  scene.faulty.faults.errors.extend.push(error);
  scene.start();
  await scene.put(1);
  await scene.clock.advance(45_000);
  assertEquals([scene.told, scene.jobs.length], [[error], 1]);
  scene.end(0);
  scene.drain.cancel();
  await settled();
  assertEquals(scene.working.value, { ...none, taken: 1, done: 1 });
  await scene.leavesNothing();
});

Deno.test("170: a batch that is being settled at the end is waited for, and counted", async () => {
  const { queue, faults } = faultyJobs<number>();
  const ctx = withCancel(background());
  for (let n = 0; n < 3; n++) await queue.put(n);
  const answer = Promise.withResolvers<void>();
  faults.held = answer.promise;
  const working = new Watched(consume(queue, () => {}, { batch: 3, ctx }));
  await settled();
  ctx.cancel("over");
  await settled();
  assertEquals(working.is, "pending");
  answer.resolve();
  await settled();
  assertEquals([working.error, (await queue.stats()).unfinished], ["over", 0]);
  await queue.close();
});

Deno.test("170: real time: a handler's sleep ends with `timeout`, and nothing is left behind", async () => {
  await using queue = await memoryJobs<number>({ maxAttempts: 1 });
  await queue.put(1);
  using drain = withCancel(background());
  const working = consume(queue, (_, ctx) => sleep(60_000, ctx), { timeout: 5, drain });
  await queue.join();
  drain.cancel();
  assertEquals((await working).dead, 1);
  const [dead] = await queue.dead.list();
  assert(dead!.reason.includes("TimeoutError"), dead!.reason);
});

Deno.test("170: a queue that hands on to ours, such as one that counts, is consumed as ours are", async () => {
  const queue = await memoryJobs<number>();
  await queue.put(1);
  let asked = 0;
  const counting = new Proxy(queue, {
    get(target, key) {
      if (key === "getMany") asked++;
      const value = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
    getPrototypeOf: () => null,
  });
  const working = consume(counting, () => {});
  await queue.join();
  await queue.close();
  assertEquals(await working, { ...none, taken: 1, done: 1 });
  assert(asked > 0);
});

Deno.test("170: it rejects with what it is told, not with what others are", async () => {
  const scene = new Scene();
  scene.start();
  await settled();
  await assertRejects(
    () =>
      consume(scene.faulty.queue, () => {}, { signal: AbortSignal.abort("mine") }).catch((e) => {
        throw new Error(e);
      }),
    Error,
    "mine",
  );
  assertEquals(scene.working.is, "pending");
  scene.drain.cancel();
  await settled();
  await scene.leavesNothing();
});

Deno.test("170: an engine that does not answer is waited for as long as the lease lasts, at the end", async () => {
  using time = fakeClock();
  const scene = new Scene();
  scene.start();
  await scene.put(1);
  const answer = Promise.withResolvers<void>();
  scene.faulty.faults.held = answer.promise;
  scene.abort.abort("over");
  await time.tick(29_999);
  assertEquals(scene.working.is, "pending");
  await time.tick(1);
  assertEquals([scene.working.error, scene.told.length], ["over", 1]);
  assertInstanceOf(scene.told[0], DeadlineExceededError);
  assertEquals(time.timers, 0);
  answer.resolve();
  await settled();
  await scene.leavesNothing();
});

Deno.test("170: if the time of a handler is up before the end comes, it has failed", async () => {
  const scene = new Scene();
  scene.start({ timeout: 100 });
  await scene.put(1);
  scene.contexts[0]!.signal.addEventListener("abort", () => scene.abort.abort("over"));
  await scene.clock.advance(100);
  await settled();
  assertEquals([scene.working.error, scene.told.length], ["over", 1]);
  assertInstanceOf(scene.told[0], DeadlineExceededError);
  // With the delay of a job that failed.
  const { ready, leased } = await scene.faulty.queue.stats();
  assertEquals([ready, leased], [0, 1]);
  await scene.leavesNothing();
});

Deno.test("170: a queue that hands on to ours is closed: it resolves, and what was given back is counted so", async () => {
  const queue = await memoryJobs<number>();
  await queue.put(1);
  const behind = {
    ...queue,
    getMany: queue.getMany.bind(queue),
    doneMany: queue.doneMany.bind(queue),
  };
  const other = Object.defineProperty(behind as typeof queue, "closed", {
    get: () => queue.closed,
  });
  const stats = await consume(other, async (_, ctx) => {
    await queue.close();
    assert(!ctx.done);
  });
  assertEquals(stats, { ...none, taken: 1, returned: 1 });
});
