import fc from "fast-check";
import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import {
  background,
  type CancelContext,
  ClosedError,
  ContextKey,
  DeadlineExceededError,
  sleep,
  withCancel,
  withValue,
} from "../mod.ts";
import { ManualClock } from "../tasks/mod.ts";
import {
  Bulkhead,
  type BulkheadOptions,
  compose,
  OverloadError,
  retrying,
  TimeLimit,
} from "../flow/mod.ts";
import { fakeClock } from "./support/clock.ts";
import { HeldJob, heldJobs } from "./support/held_job.ts";
import { settled, state } from "./support/settle.ts";
import { spiedController } from "./support/spied_signal.ts";
import { Watched } from "./support/watched.ts";
import { fresh, waysToEnd } from "./support/ways_to_end.ts";

function figures(bulkhead: Bulkhead): [running: number, waiting: number] {
  const { running, waiting } = bulkhead.stats();
  assertEquals([bulkhead.running, bulkhead.waiting], [running, waiting]);
  return [running, waiting];
}

// ---- so many run, so many wait ----

Deno.test("147: as many jobs run as there are places, from the same step on; as many wait", async () => {
  const bulkhead = new Bulkhead({ limit: 2, capacity: 1, name: "db" });
  const jobs = heldJobs(4);
  const calls = jobs.map(({ job }) => new Watched(bulkhead.run(job)));
  assertEquals(jobs.map(({ runs }) => runs), [1, 1, 0, 0]);
  await settled();
  assertEquals(calls.map(({ is }) => is), ["pending", "pending", "pending", "rejected"]);
  const error = calls[3]!.error;
  assertInstanceOf(error, OverloadError);
  assertEquals(error.message, 'the bulkhead "db" is full: 2 of 2 run, 1 of 1 wait');
  assertEquals([error.fill, error.limit, error.value], [3, 3, jobs[3]!.job]);
  jobs[1]!.end();
  await settled();
  assertEquals(jobs.map(({ runs }) => runs), [1, 1, 1, 0]);
  for (const { job } of [jobs[0]!, jobs[2]!]) assert(job !== undefined);
  jobs[0]!.end();
  jobs[2]!.end();
  await settled();
  assertEquals(calls.map(({ is }) => is), ["fulfilled", "fulfilled", "fulfilled", "rejected"]);
  assertEquals(bulkhead.stats(), {
    running: 0,
    waiting: 0,
    limit: 2,
    capacity: 1,
    started: 3,
    refused: 1,
  });
});

Deno.test("147: a capacity of 0 refuses what cannot run now; Infinity refuses nothing", async () => {
  const strict = new Bulkhead({ limit: 1 });
  const job = new HeldJob();
  const running = strict.run(job.job);
  const error = await assertRejects(() => strict.run(() => 1), OverloadError, "0 of 0 wait");
  assertEquals([error.fill, error.limit], [1, 1]);
  job.end();
  await running;
  assertEquals(await strict.run(() => "room again"), "room again");

  const patient = new Bulkhead({ limit: 1, capacity: Infinity });
  const calls = Array.from({ length: 1_000 }, (_, i) => patient.run(() => Promise.resolve(i)));
  assertEquals((await Promise.all(calls)).at(-1), 999);
});

Deno.test("147: first come, first served, and nobody who comes later is faster", async () => {
  const bulkhead = new Bulkhead({ limit: 1, capacity: 10 });
  const order: number[] = [];
  const first = new HeldJob();
  const calls: Promise<unknown>[] = [bulkhead.run(first.job)];
  for (const n of [1, 2, 3]) calls.push(bulkhead.run(() => order.push(n)));
  first.end();
  await calls[0];
  // The place has been handed on: who comes now stands behind the others.
  calls.push(bulkhead.run(() => order.push(4)));
  await Promise.all(calls);
  assertEquals(order, [1, 2, 3, 4]);
});

Deno.test("147: whatever a job gives or throws goes to its caller, and its place is free", async () => {
  const bulkhead = new Bulkhead({ limit: 1 });
  const wrong = new Error("wrong");
  assertEquals(await bulkhead.run(() => undefined), undefined);
  assertEquals(await bulkhead.run(() => Promise.resolve("later")), "later");
  const fails: (() => unknown)[] = [() => Promise.reject(wrong), () => {
    throw wrong;
  }, () => ({
    then() {
      throw wrong;
    },
  })];
  for (const job of fails) {
    assert(await bulkhead.run(job).catch((error) => error) === wrong);
    assertEquals(figures(bulkhead), [0, 0]);
  }
});

Deno.test("147: the job is given the caller's values, and a context that he can end", async () => {
  const bulkhead = new Bulkhead({ limit: 1 });
  const user = new ContextKey<string>("user");
  using ctx = withCancel(background());
  const seen = await bulkhead.run(
    (own) => [own.value(user), own.value(new ContextKey("other")), own.done],
    withValue(ctx, user, "ada"),
  );
  assertEquals(seen, ["ada", undefined, false]);
});

// ---- who leaves ----

Deno.test("147: whatever ends the wait, the caller is told at once and leaves no trace", async () => {
  for (const [name, setUp] of Object.entries(waysToEnd)) {
    using clock = fakeClock();
    using way = setUp(clock);
    using bulkhead = new Bulkhead({ limit: 1, capacity: 2 });
    const [first, never, next] = [new HeldJob(), new HeldJob(), new HeldJob()];
    const running = bulkhead.run(first.job);
    const timers = clock.timers;
    const call = new Watched(bulkhead.run(never.job, way.wait));
    const behind = bulkhead.run(next.job);
    await settled();
    assertEquals([call.is, ...figures(bulkhead)], ["pending", 1, 2], name);
    await way.end();
    assertEquals(figures(bulkhead), [1, 1], name);
    await settled();
    assertEquals(call.is, "rejected", name);
    if (way.cause() === fresh) assertInstanceOf(call.error, DeadlineExceededError, name);
    else assert(call.error === way.cause(), name);
    for (const { listeners } of way.signals) assertEquals(listeners, 0, name);
    assert(clock.timers <= timers, name);
    first.end();
    await running;
    await settled();
    assertEquals([never.runs, next.runs], [0, 1], name);
    next.end();
    await behind;
    assertEquals(figures(bulkhead), [0, 0], name);
  }
});

Deno.test("147: whatever ends the run, the caller is told at once, and the place is busy until the job ends", async () => {
  for (const [name, setUp] of Object.entries(waysToEnd)) {
    using clock = fakeClock();
    using way = setUp(clock);
    const bulkhead = new Bulkhead({ limit: 1, capacity: 1 });
    const [stubborn, next] = [new HeldJob(), new HeldJob()];
    const call = new Watched(bulkhead.run(stubborn.job, way.wait));
    const behind = bulkhead.run(next.job);
    await settled();
    await way.end();
    assert(stubborn.ctx.done, name);
    await settled();
    assertEquals(call.is, "rejected", name);
    if (way.cause() !== fresh) assert(call.error === way.cause(), name);
    assertEquals([next.runs, ...figures(bulkhead)], [0, 1, 1], name);
    for (const { listeners } of way.signals) assertEquals(listeners, 0, name);
    stubborn.fail(new Error("nobody hears this"));
    await settled();
    assertEquals([next.runs, ...figures(bulkhead)], [1, 1, 0], name);
    next.end();
    await behind;
  }
});

Deno.test("147: a context that has ended goes first, also if the bulkhead is full", async () => {
  const bulkhead = new Bulkhead({ limit: 1 });
  using ctx = withCancel(background());
  ctx.cancel("gone");
  const job = new HeldJob();
  for (const full of [false, true]) {
    if (full) void bulkhead.run(new HeldJob().job);
    for (const options of [ctx, { ctx }, ctx.signal, { signal: ctx.signal }]) {
      assertEquals(await bulkhead.run(job.job, options).catch((error) => error), "gone");
    }
  }
  assertEquals([job.runs, bulkhead.stats().refused], [0, 0]);
});

Deno.test("147: who leaves between the hand-over and the start hands the place on", async () => {
  let between = 0;
  for (let later = 0; later < 12; later++) {
    const bulkhead = new Bulkhead({ limit: 1, capacity: 2 });
    using ctx = withCancel(background());
    const first = new HeldJob();
    void bulkhead.run(first.job);
    let ran = 0;
    const leaving = new Watched(bulkhead.run(() => ran++, ctx));
    const next = new Watched(bulkhead.run(() => "served"));
    first.end();
    for (let i = 0; i < later; i++) await Promise.resolve();
    const { waiting } = bulkhead;
    const early = ran === 0;
    ctx.cancel("gone");
    await settled();
    if (early && waiting === 1) between++;
    assertEquals(ran, early ? 0 : 1);
    if (early) assertEquals(leaving.error, "gone");
    assertEquals([next.value, ...figures(bulkhead)], ["served", 0, 0]);
  }
  assert(between > 0);
});

Deno.test("147: a timeout is for the wait and the run together", async () => {
  using clock = fakeClock();
  using bulkhead = new Bulkhead({ limit: 1, capacity: 1 });
  const [first, second] = heldJobs(2);
  const running = bulkhead.run(first!.job);
  const call = new Watched(bulkhead.run(second!.job, { timeout: 100 }));
  await clock.tick(60);
  first!.end();
  await running;
  await clock.tick(39);
  assertEquals([call.is, second!.runs], ["pending", 1]);
  await clock.tick(1);
  assertInstanceOf(call.error, DeadlineExceededError);
  assertEquals([clock.timers, ...figures(bulkhead)], [0, 1, 0]);
  second!.end();
  const job = new HeldJob();
  await assertRejects(() => bulkhead.run(job.job, { timeout: 0 }), DeadlineExceededError);
  assertEquals([job.runs, ...figures(bulkhead)], [0, 0, 0]);
});

// ---- what is inside of it ----

Deno.test("147: a job that a time limit inside of it does not wait for any more keeps its place", async () => {
  const clock = new ManualClock();
  const outer = new Bulkhead({ limit: 1 });
  const inner = new Bulkhead({ limit: 1 });
  const both = compose(outer, inner, new TimeLimit(10, { clock }));
  const stubborn = new HeldJob();
  const call = new Watched(both.run(stubborn.job));
  await clock.advance(10);
  assertInstanceOf(call.error, DeadlineExceededError);
  assertEquals([outer.running, inner.running], [1, 1]);
  await assertRejects(() => both.run(() => 1), OverloadError);
  stubborn.end();
  await settled();
  assertEquals([outer.running, inner.running], [0, 0]);
  assertEquals(await both.run(() => 1), 1);
});

Deno.test("147: a place is free when the last of the attempts that were left has ended", async () => {
  const clock = new ManualClock();
  const bulkhead = new Bulkhead({ limit: 1 });
  const policy = compose(
    bulkhead,
    retrying({ attempts: 3, delay: 0, clock }),
    new TimeLimit(10, { clock }),
  );
  const attempts = heldJobs(3);
  let attempt = 0;
  const call = new Watched(policy.run((ctx) => attempts[attempt++]!.job(ctx)));
  await clock.advance(20);
  attempts[2]!.end();
  await settled();
  assertEquals([call.is, bulkhead.running], ["fulfilled", 1]);
  attempts[1]!.end();
  await settled();
  assertEquals(bulkhead.running, 1);
  attempts[0]!.end();
  await settled();
  assertEquals(bulkhead.running, 0);
});

Deno.test("147: what a job has started and did not wait for holds no place once the job has ended", async () => {
  const clock = new ManualClock();
  const bulkhead = new Bulkhead({ limit: 1 });
  const limit = new TimeLimit(10, { clock });
  const stray = new HeldJob();
  let left: Watched | undefined;
  await bulkhead.run((ctx) => {
    left = new Watched(limit.run(stray.job, ctx));
  });
  assertEquals(bulkhead.running, 0);
  await clock.advance(10);
  assertEquals([left!.is, bulkhead.running], ["rejected", 0]);
  stray.end();
  await settled();
  assertEquals(bulkhead.running, 0);
});

Deno.test("147: a job may run another in the same bulkhead if there is room", async () => {
  const bulkhead = new Bulkhead({ limit: 2 });
  const nested = (depth: number): Promise<string> =>
    bulkhead.run(() => depth === 0 ? "inmost" : nested(depth - 1));
  assertEquals(await nested(1), "inmost");
  await assertRejects(() => nested(2), OverloadError);
  assertEquals(figures(bulkhead), [0, 0]);
});

Deno.test("147: who is refused is asked for a fallback, and may come again in it", async () => {
  const bulkhead = new Bulkhead({ limit: 1 });
  const job = new HeldJob();
  void bulkhead.run(job.job);
  const result = await bulkhead.run(() => "late", {
    fallback: async (error) => {
      assertInstanceOf(error, OverloadError);
      job.end();
      await settled();
      return await bulkhead.run(() => "at last");
    },
  });
  assertEquals(result, "at last");
});

// ---- its end ----

Deno.test("147: the end of its parent rejects who waits and ends who runs, and it refuses all", async () => {
  const parent = withCancel(background());
  const bulkhead = new Bulkhead({ limit: 1, capacity: 1, parent });
  const job = new HeldJob();
  const calls = [new Watched(bulkhead.run(job.job)), new Watched(bulkhead.run(() => "never"))];
  using own = withCancel(background());
  assertEquals(own.done, false);
  parent.cancel("closing time");
  assert(job.ctx.done);
  await settled();
  assertEquals(calls.map(({ error }) => error), ["closing time", "closing time"]);
  assertEquals(await bulkhead.run(() => 1, own).catch((error) => error), "closing time");
  assertEquals(await bulkhead.run(() => 1).catch((error) => error), "closing time");
  assertEquals(
    await bulkhead.run<unknown>(() => 1, { fallback: (error) => error }),
    "closing time",
  );
  assertEquals(figures(bulkhead), [1, 0]);
  job.end();
  await settled();
  assertEquals(figures(bulkhead), [0, 0]);
});

Deno.test("147: the end of its parent ends also what has a context or timeout of its own", async () => {
  using clock = fakeClock();
  const parent = spiedController();
  const bulkhead = new Bulkhead({ limit: 2, capacity: 2, parent: parent.signal });
  using ctx = withCancel(background());
  const caller = spiedController();
  const jobs = heldJobs(2);
  const calls = [
    bulkhead.run(jobs[0]!.job, ctx),
    bulkhead.run(jobs[1]!.job, { signal: caller.signal, timeout: 1_000 }),
    bulkhead.run(async () => {}, { ctx }),
    bulkhead.run(async () => {}, { ctx, timeout: 1_000 }),
  ].map((call) => new Watched(call));
  parent.abort("closing time");
  await settled();
  assertEquals(calls.map(({ error }) => error), Array(4).fill("closing time"));
  assert(jobs.every(({ ctx }) => ctx.done));
  assertEquals([parent.listeners, caller.listeners, clock.timers, ctx.done], [0, 0, 0, false]);
});

Deno.test("147: disposing it is such an end, with a ClosedError, and lets go of the parent", async () => {
  const parent = spiedController();
  const bulkhead = new Bulkhead({ limit: 1, capacity: 1, parent: parent.signal, name: "db" });
  const calls = [new HeldJob(), new HeldJob()].map(({ job }) => new Watched(bulkhead.run(job)));
  assertEquals(parent.listeners, 1);
  bulkhead[Symbol.dispose]();
  bulkhead[Symbol.dispose]();
  assertEquals(parent.listeners, 0);
  await settled();
  for (const { error } of calls) assertInstanceOf(error, ClosedError);
  await assertRejects(() => bulkhead.run(() => 1), ClosedError, 'the bulkhead "db" was disposed');
});

Deno.test("147: what has ended leaves nothing on the contexts it was given", async () => {
  using clock = fakeClock();
  const parent = spiedController();
  const caller = spiedController();
  using bulkhead = new Bulkhead({ limit: 1, capacity: 4, parent: parent.signal });
  const options = { signal: caller.signal, timeout: 1_000 };
  await Promise.all(
    [1, 2, 3].map(() => bulkhead.run((ctx) => sleep(0, ctx), options)).concat(
      clock.tick(10),
    ),
  );
  assertEquals([caller.listeners, clock.timers, parent.listeners, parent.added], [0, 0, 1, 1]);
});

// ---- other numbers ----

Deno.test("147: with more places those who wait are served in the same step, first come, first served", async () => {
  using bulkhead = new Bulkhead({ limit: 1, capacity: 4 });
  const jobs = heldJobs(5);
  const calls = jobs.map(({ job }) => new Watched(bulkhead.run(job)));
  bulkhead.resize(3);
  assertEquals([bulkhead.limit, bulkhead.capacity, ...figures(bulkhead)], [3, 4, 3, 2]);
  await settled();
  assertEquals(jobs.map(({ runs }) => runs), [1, 1, 1, 0, 0]);
  bulkhead.resize(Infinity);
  await settled();
  assertEquals([jobs.map(({ runs }) => runs), figures(bulkhead)], [[1, 1, 1, 1, 1], [5, 0]]);
  for (const job of jobs) job.end();
  await settled();
  assertEquals(calls.map(({ is }) => is), calls.map(() => "fulfilled"));
});

Deno.test("147: with fewer nobody is turned out, and the next starts when fewer than the limit run", async () => {
  using bulkhead = new Bulkhead({ limit: 3, capacity: 3, name: "db" });
  const jobs = heldJobs(6);
  const calls = jobs.map(({ job }) => new Watched(bulkhead.run(job)));
  bulkhead.resize(1, 1);
  assertEquals(figures(bulkhead), [3, 3]);
  const message = 'the bulkhead "db" is full: 3 of 1 run, 3 of 1 wait';
  await assertRejects(() => bulkhead.run(() => 1), OverloadError, message);
  const runs: number[][] = [];
  for (const job of jobs) {
    job.end();
    await settled();
    runs.push(figures(bulkhead));
  }
  assertEquals(runs, [[2, 3], [1, 3], [1, 2], [1, 1], [1, 0], [0, 0]]);
  assertEquals(calls.map(({ is }) => is), calls.map(() => "fulfilled"));
});

Deno.test("147: bad numbers change nothing, and a bulkhead that was disposed stays so", async () => {
  const bulkhead = new Bulkhead({ limit: 2, capacity: 1 });
  for (const [limit, capacity] of [[0, 1], [NaN, 1], [1.5, 1], [3, -1], [3, NaN]] as const) {
    assertThrows(() => bulkhead.resize(limit, capacity), RangeError, "must be");
  }
  assertThrows(() => bulkhead.resize("3" as unknown as number), TypeError, "limit must be");
  assertEquals([bulkhead.limit, bulkhead.capacity], [2, 1]);
  bulkhead[Symbol.dispose]();
  bulkhead.resize(9, 9);
  await assertRejects(() => bulkhead.run(() => 1), ClosedError);
  assertEquals([bulkhead.stats().limit, ...figures(bulkhead)], [9, 0, 0]);
});

Deno.test("147, R17: bad options throw, bad arguments reject, and nothing is called", async () => {
  const wrong: [unknown, new () => Error, string][] = [
    [undefined, TypeError, "options must be an object"],
    [{}, TypeError, "limit must be a number, not undefined"],
    [{ limit: 0 }, RangeError, "limit must be an integer of at least 1, or Infinity: 0"],
    [{ limit: 1.5 }, RangeError, "limit"],
    [{ limit: 1, capacity: -1 }, RangeError, "capacity must be an integer of at least 0"],
    [{ limit: 1, capacity: "2" }, TypeError, 'capacity must be a number, not "2"'],
    [{ limit: 1, name: 7 }, TypeError, "name must be a string, not 7"],
    [{ limit: 1, parent: {} }, TypeError, "parent must be a context or an AbortSignal"],
  ];
  for (const [options, type, message] of wrong) {
    assertThrows(() => new Bulkhead(options as BulkheadOptions), type, message);
  }
  using bulkhead = new Bulkhead({ limit: Infinity });
  const run = bulkhead.run.bind(bulkhead) as (...args: unknown[]) => Promise<unknown>;
  await assertRejects(() => run(7), TypeError, "job must be a function, not 7");
  await assertRejects(() => run(() => 1, 7), TypeError, "options must be an object");
  await assertRejects(() => run(() => 1, { fallback: 7 }), TypeError, "fallback");
  await assertRejects(() => run(() => 1, { ctx: 7 }), TypeError, "ctx must be a context");
  assertEquals([bulkhead.stats().started, await state(run(() => 1))], [0, "fulfilled"]);
});

// ---- random programs ----

type Way = "plain" | "ctx" | "options" | "signal";

type Op =
  | { readonly op: "run"; readonly way: Way; readonly heeds: boolean; readonly limited: boolean }
  | { readonly op: "end"; readonly id: number; readonly ok: boolean }
  | { readonly op: "leave"; readonly id: number }
  /** The time of all time limits is up. */
  | { readonly op: "time" }
  | { readonly op: "resize"; readonly limit: number; readonly capacity: number };

const run: fc.Arbitrary<Op> = fc.record({
  op: fc.constant("run"),
  way: fc.constantFrom<Way[]>("plain", "ctx", "options", "signal"),
  heeds: fc.boolean(),
  limited: fc.boolean(),
});
const end: fc.Arbitrary<Op> = fc.record({
  op: fc.constant("end"),
  id: fc.nat(20),
  ok: fc.boolean(),
});
const leave: fc.Arbitrary<Op> = fc.record({ op: fc.constant("leave"), id: fc.nat(20) });

const resize: fc.Arbitrary<Op> = fc.record({
  op: fc.constant("resize"),
  limit: fc.integer({ min: 1, max: 4 }),
  capacity: fc.integer({ min: 0, max: 3 }),
});

const program = fc.record({
  limit: fc.integer({ min: 1, max: 3 }),
  capacity: fc.integer({ min: 0, max: 3 }),
  /** Several operations may happen in the same step. */
  steps: fc.array(
    fc.oneof(
      { weight: 6, arbitrary: fc.array(run, { minLength: 1, maxLength: 3 }) },
      { weight: 4, arbitrary: fc.array(leave, { minLength: 1, maxLength: 2 }) },
      { weight: 6, arbitrary: end.map((op) => [op]) },
      { weight: 2, arbitrary: fc.tuple(end, leave) },
      { weight: 2, arbitrary: fc.tuple(end, run) },
      { weight: 1, arbitrary: fc.constant<Op[]>([{ op: "time" }]) },
      { weight: 1, arbitrary: fc.tuple(resize) },
    ),
    { maxLength: 30 },
  ),
});

/** A call, as the model sees it and as it is. */
class Call {
  readonly way: Way;
  readonly heeds: boolean;
  readonly limited: boolean;
  /** `left` beside "runs": its caller has been told, its job has not ended. */
  expected: "waits" | "runs" | "over" = "waits";
  outcome: "pending" | "ok" | "failed" | "left" | "late" | "refused" = "pending";
  readonly seen: Watched;
  readonly job = new HeldJob<string>();
  ended = false;
  readonly #ctx: CancelContext = withCancel(background());
  readonly #controller = spiedController();

  constructor(bulkhead: Bulkhead, limited: Bulkhead | ReturnType<typeof compose>, op: Op) {
    assert(op.op === "run");
    this.way = op.way;
    this.heeds = op.heeds;
    this.limited = op.limited;
    const options = {
      plain: undefined,
      ctx: this.#ctx,
      options: { ctx: this.#ctx, timeout: Infinity },
      signal: this.#controller.signal,
    }[op.way];
    const policy = op.limited ? limited : bulkhead;
    this.seen = new Watched(policy.run((ctx) => {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      this.job.job(ctx).then(resolve, reject);
      if (this.heeds) ctx.signal.addEventListener("abort", () => reject(ctx.cause));
      return promise;
    }, options));
  }

  get listeners(): number {
    return this.#controller.listeners;
  }

  leave(): void {
    if (this.way === "signal") this.#controller.abort("left");
    else this.#ctx.cancel("left");
  }
}

class Model {
  readonly calls: Call[] = [];
  line: Call[] = [];
  running = 0;
  started: Call[] = [];
  #limit: number;
  #capacity: number;

  constructor(limit: number, capacity: number) {
    this.#limit = limit;
    this.#capacity = capacity;
  }

  run(call: Call): void {
    this.calls.push(call);
    if (this.running < this.#limit) this.#start(call);
    else if (this.line.length < this.#capacity) this.line.push(call);
    else [call.expected, call.outcome] = ["over", "refused"];
  }

  end(call: Call, ok: boolean): void {
    if (call.expected !== "runs") return;
    if (call.outcome === "pending") call.outcome = ok ? "ok" : "failed";
    call.expected = "over";
    this.running--;
    this.#serve();
  }

  resize(limit: number, capacity: number): void {
    this.#limit = limit;
    this.#capacity = capacity;
    this.#serve();
  }

  #serve(): void {
    while (this.running < this.#limit && this.line.length > 0) this.#start(this.line.shift()!);
  }

  leave(call: Call): void {
    if (call.expected === "waits") {
      this.line = this.line.filter((other) => other !== call);
      [call.expected, call.outcome] = ["over", "left"];
    } else if (call.outcome === "pending") {
      call.outcome = "left";
    }
  }

  /** In order of their starts, and those that start meanwhile have time again. */
  time(): void {
    for (const call of this.started.filter(({ limited }) => limited)) {
      if (call.expected !== "runs" || call.outcome !== "pending") continue;
      call.outcome = "late";
      if (call.heeds) this.end(call, false);
    }
  }

  #start(call: Call): void {
    call.expected = "runs";
    this.running++;
    this.started.push(call);
  }
}

const RUNS = 300;

Deno.test("147: over random programs no more run or wait than may, in their order, and every call settles", async () => {
  await fc.assert(
    fc.asyncProperty(program, async ({ limit, capacity, steps }) => {
      const clock = new ManualClock();
      const bulkhead = new Bulkhead({ limit, capacity });
      const limited = compose(bulkhead, new TimeLimit(10, { clock }));
      const model = new Model(limit, capacity);
      const { calls } = model;

      const check = (): void => {
        assertEquals(figures(bulkhead), [model.running, model.line.length]);
        assertEquals(bulkhead.stats().started, model.started.length);
        for (const call of calls) {
          const { seen, outcome, job } = call;
          assertEquals(job.runs, model.started.includes(call) ? 1 : 0);
          if (outcome === "pending") assertEquals(seen.is, "pending");
          else if (outcome === "ok") assertEquals(seen.value, "ok");
          else if (outcome === "failed") assertEquals(seen.error, "failed");
          else if (outcome === "left") assertEquals(seen.error, "left");
          else if (outcome === "late") assertInstanceOf(seen.error, DeadlineExceededError);
          else assertInstanceOf(seen.error, OverloadError);
          if (outcome === "left" && job.runs > 0) assert(job.ctx.done);
        }
      };

      for (const step of steps) {
        const later: (() => void)[] = [];
        for (const op of step) {
          if (op.op === "run") {
            model.run(new Call(bulkhead, limited, op));
          } else if (op.op === "time") {
            await clock.advance(10);
            model.time();
          } else if (op.op === "resize") {
            bulkhead.resize(op.limit, op.capacity);
            model.resize(op.limit, op.capacity);
          } else if (op.op === "end") {
            const running = calls.filter(({ expected, job }) =>
              expected === "runs" && job.runs > 0
            );
            const call = running[op.id % running.length];
            if (call === undefined) continue;
            if (op.ok) call.job.end("ok");
            else call.job.fail("failed");
            // The end of a job is seen a little later than what is done in the same step.
            later.push(() => model.end(call, op.ok));
          } else {
            const free = calls.filter(({ way }) => way !== "plain");
            const call = free[op.id % free.length];
            if (call === undefined) continue;
            call.leave();
            model.leave(call);
            // A job that heeds its context ends for that.
            if (call.heeds) later.push(() => model.end(call, false));
          }
        }
        for (const happen of later) happen();
        await settled();
        check();
      }

      for (const call of calls) {
        if (call.way !== "plain") call.leave();
      }
      for (let round = 0; round <= calls.length; round++) {
        for (const { job } of calls) if (job.runs > 0) job.end("ok");
        await settled();
      }
      assertEquals(figures(bulkhead), [0, 0]);
      for (const { seen, listeners } of calls) assert(seen.is !== "pending" && listeners === 0);
      assertEquals(clock.timers, 0);
    }),
    { numRuns: RUNS },
  );
});
