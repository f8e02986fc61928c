import fc from "fast-check";
import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import {
  background,
  type CancelContext,
  DeadlineExceededError,
  sleep,
  withCancel,
} from "../mod.ts";
import { ManualClock } from "../tasks/mod.ts";
import {
  CircuitBreaker,
  type CircuitBreakerOptions,
  CircuitOpenError,
  type CircuitState,
  type RunOptions,
} from "../flow/mod.ts";
import { RollingWindow } from "../flow/policies/rolling_window.ts";
import { fakeClock } from "./support/clock.ts";
import { HeldJob } from "./support/held_job.ts";
import { settled, state } from "./support/settle.ts";
import { spiedController } from "./support/spied_signal.ts";
import { catchUncaught } from "./support/uncaught.ts";
import { Watched } from "./support/watched.ts";
import { fresh, waysToEnd } from "./support/ways_to_end.ts";

const down = new Error("down");
const fail = () => Promise.reject(down);

/** A breaker that one failure opens, and the clock it goes by. */
function fragile(options: CircuitBreakerOptions = {}) {
  const clock = new ManualClock(1_000);
  const changes: CircuitState[] = [];
  const breaker = new CircuitBreaker({
    minCalls: 1,
    openFor: 100,
    clock,
    onChange: (state) => changes.push(state),
    ...options,
  });
  return { clock, changes, breaker };
}

async function failOnce(breaker: CircuitBreaker): Promise<void> {
  await assertRejects(() => breaker.run(fail), Error, "down");
}

// ---- closed ----

Deno.test("146: a closed breaker calls the job in the same step, and gives what it gives", async () => {
  const breaker = new CircuitBreaker();
  const job = new HeldJob<string>();
  const call = breaker.run(job.job);
  assertEquals([job.runs, job.ctx.done, await state(call)], [1, false, "pending"]);
  job.end("bread");
  assertEquals(await call, "bread");
  assertEquals(await breaker.run(() => undefined), undefined);
  const error = await breaker.run(fail).catch((error) => error);
  assert(error === down);
  const thrown = await breaker.run(() => {
    throw down;
  }).catch((error) => error);
  assert(thrown === down);
  const { calls, failures, slow } = breaker.stats();
  assertEquals([calls, failures, slow], [4, 2, 0]);
});

Deno.test("146: it opens when a call fails and enough of enough calls have failed, not before", async () => {
  const { breaker, changes } = fragile({ minCalls: 4, errorShare: 0.5 });
  for (let i = 0; i < 2; i++) await breaker.run(() => 1);
  await failOnce(breaker);
  assertEquals(breaker.state, "closed");
  await failOnce(breaker);
  assertEquals(breaker.state, "open");
  await settled();
  assertEquals(changes, ["open"]);
});

Deno.test("146: a success opens nothing, even if it is the call that makes enough of them", async () => {
  const { breaker } = fragile({ minCalls: 3 });
  for (let i = 0; i < 2; i++) await failOnce(breaker);
  await breaker.run(() => 1);
  assertEquals(breaker.state, "closed");
  await failOnce(breaker);
  assertEquals(breaker.state, "open");
});

Deno.test("146: what is older than the window does not count", async () => {
  const { breaker, clock } = fragile({ minCalls: 2, window: 100, buckets: 10 });
  await failOnce(breaker);
  await clock.advance(100);
  await failOnce(breaker);
  assertEquals([breaker.state, breaker.stats().failures], ["closed", 1]);
  await clock.advance(90);
  await failOnce(breaker);
  assertEquals([breaker.state, breaker.stats().failures], ["open", 2]);
});

Deno.test("146: errors that are no failures are successes", async () => {
  const missing = new Error("404");
  const { breaker } = fragile({ isFailure: (error) => error !== missing });
  const error = await breaker.run(() => Promise.reject(missing)).catch((error) => error);
  assert(error === missing);
  assertEquals([breaker.state, breaker.stats().calls, breaker.stats().failures], ["closed", 1, 0]);
  await failOnce(breaker);
  assertEquals(breaker.state, "open");
});

Deno.test("146: slow calls open it by a share of their own, those that succeed too", async () => {
  const { breaker, clock } = fragile({
    minCalls: 3,
    slowerThan: 50,
    slowShare: 0.5,
    errorShare: 1,
  });
  const call = async (ms: number): Promise<void> => {
    const job = new HeldJob();
    const run = breaker.run(job.job);
    await clock.advance(ms);
    job.end();
    await run;
  };
  await call(50); // is not slower
  await call(51);
  assertEquals([breaker.state, breaker.stats().slow], ["closed", 1]);
  await call(51);
  assertEquals([breaker.state, breaker.stats().slow], ["open", 2]);
});

// ---- open, half open ----

Deno.test("146: while it is open no job is called, and the error says when to try again", async () => {
  const { breaker, clock } = fragile({ name: "shop" });
  await failOnce(breaker);
  await clock.advance(40);
  const job = new HeldJob();
  const error = await assertRejects(() => breaker.run(job.job), CircuitOpenError);
  assertEquals(error.message, 'the circuit breaker "shop" is open: try again in 60 ms');
  assertEquals([error.retryAfter, error.code, job.runs], [60, "SLUICE_CIRCUIT_OPEN", 0]);
  const { refused, opened, retryAfter } = breaker.stats();
  assertEquals([refused, opened, retryAfter], [1, 1, 60]);
  assertEquals(await breaker.run(job.job, { fallback: () => undefined }), undefined);
  assertEquals(clock.timers, 0);
});

Deno.test("146, 117: who keeps asking an open breaker starves no timer", async () => {
  const breaker = new CircuitBreaker();
  breaker.trip();
  let fired = false;
  setTimeout(() => fired = true, 1);
  const giveUp = performance.now() + 1_000;
  while (!fired && performance.now() < giveUp) await breaker.run(() => 1).catch(() => {});
  assert(fired);
});

Deno.test("146: after its time it is half open: so many trials run, and close it if all succeed", async () => {
  const { breaker, clock, changes } = fragile({ halfOpenCalls: 2 });
  await failOnce(breaker);
  await clock.advance(99);
  assertEquals(breaker.state, "open");
  await clock.advance(1);
  assertEquals([breaker.state, breaker.stats().retryAfter], ["halfOpen", 0]);
  const [one, two] = [new HeldJob(), new HeldJob()];
  const trials = [breaker.run(one.job), breaker.run(two.job)];
  const error = await assertRejects(() => breaker.run(() => 1), CircuitOpenError, "half open");
  assertEquals(error.retryAfter, 0);
  one.end();
  await trials[0];
  // One has succeeded, one runs: there is no room for a third.
  await assertRejects(() => breaker.run(() => 1), CircuitOpenError);
  assertEquals(breaker.state, "halfOpen");
  two.end();
  await trials[1];
  assertEquals([breaker.state, breaker.stats().failures], ["closed", 0]);
  assertEquals(changes, ["open", "halfOpen", "closed"]);
});

Deno.test("146: a trial that fails opens it for another while", async () => {
  const { breaker, clock } = fragile({ minCalls: 1, halfOpenCalls: 2 });
  await failOnce(breaker);
  await clock.advance(130);
  await breaker.run(() => 1);
  await failOnce(breaker);
  const { state, retryAfter, opened } = breaker.stats();
  assertEquals([state, retryAfter, opened], ["open", 100, 2]);
  // What the earlier trials have come to is no merit of the later ones.
  await clock.advance(100);
  await breaker.run(() => 1);
  assertEquals(breaker.state, "halfOpen");
  await breaker.run(() => 1);
  assertEquals(breaker.state, "closed");
});

Deno.test("146: a trial that is slow has failed, and so has one that never ends", async () => {
  const { breaker, clock } = fragile({ slowerThan: 10, slowShare: 1, trialFor: 50 });
  breaker.trip();
  await clock.advance(100);
  const slow = new HeldJob();
  const trial = breaker.run(slow.job);
  await clock.advance(11);
  slow.end();
  await trial;
  assertEquals([breaker.state, breaker.stats().retryAfter], ["open", 100]);

  await clock.advance(100);
  for (const late of [0, 20]) {
    const never = new HeldJob();
    const stuck = breaker.run(never.job);
    await clock.advance(49);
    if (late === 0) assertEquals(breaker.state, "halfOpen");
    // It is open from when the trial was due, not from when somebody looks.
    await clock.advance(1 + late);
    assertEquals([breaker.state, breaker.stats().retryAfter], ["open", 100 - late]);
    await clock.advance(100 - late);
    assertEquals(breaker.state, "halfOpen");
    never.end();
    await stuck;
    assertEquals(breaker.state, "halfOpen");
  }
});

Deno.test("146: what was called in an earlier state does not count in a later one", async () => {
  const { breaker, clock } = fragile();
  const [good, bad] = [new HeldJob(), new HeldJob()];
  const calls = [good, bad].map(({ job }) => new Watched(breaker.run(job)));
  await failOnce(breaker);
  await clock.advance(100);
  const trial = new HeldJob();
  const trying = breaker.run(trial.job);
  good.end();
  bad.fail(down);
  await settled();
  assertEquals(calls.map(({ is }) => is), ["fulfilled", "rejected"]);
  assertEquals(breaker.state, "halfOpen");
  trial.end();
  await trying;
  assertEquals([breaker.state, breaker.stats().calls], ["closed", 0]);
});

// ---- by hand ----

Deno.test("146: by hand it opens for as long as is said, and closes as if it were new", async () => {
  const { breaker, clock, changes } = fragile({ minCalls: 2 });
  await failOnce(breaker);
  const running = new HeldJob();
  const call = breaker.run(running.job);
  breaker.trip(30);
  breaker.trip(40); // from now, whatever was said before
  assertEquals([breaker.state, breaker.stats().retryAfter], ["open", 40]);
  breaker.trip();
  assertEquals(breaker.stats().retryAfter, 100);
  breaker.trip(Infinity);
  await clock.advance(1e9);
  const error = await assertRejects(
    () => breaker.run(() => 1),
    CircuitOpenError,
    "until it is reset",
  );
  assertEquals(error.retryAfter, Infinity);
  breaker.reset();
  running.fail(down);
  await assertRejects(() => call);
  assertEquals([breaker.state, breaker.stats().calls, breaker.stats().opened], ["closed", 0, 1]);
  await settled();
  assertEquals(changes, ["open", "closed"]);
});

Deno.test("146: a reset while it is closed forgets, and calls on their way do not count", async () => {
  const { breaker, changes } = fragile({ minCalls: 2 });
  const running = new HeldJob();
  const call = breaker.run(running.job);
  await failOnce(breaker);
  breaker.reset();
  running.fail(down);
  await assertRejects(() => call);
  assertEquals([breaker.stats().calls, changes], [0, []]);
});

// ---- those who leave ----

Deno.test("146: whatever ends it, the caller is told at once, and only time that was his counts", async () => {
  for (const [name, setUp] of Object.entries(waysToEnd)) {
    using clock = fakeClock();
    using way = setUp(clock);
    const breaker = new CircuitBreaker({ minCalls: 2 });
    const job = new HeldJob();
    const call = new Watched(breaker.run(job.job, way.wait));
    await settled();
    assertEquals([call.is, job.runs], ["pending", 1], name);
    await way.end();
    assert(job.ctx.done, name);
    await settled();
    assertEquals(call.is, "rejected", name);
    const timedOut = way.cause() === fresh;
    if (timedOut) assertInstanceOf(call.error, DeadlineExceededError, name);
    else assert(call.error === way.cause() && job.ctx.cause === way.cause(), name);
    job.fail(down);
    await settled();
    // A timeout is how long this call may take; the end of a context is that of its caller.
    assertEquals(breaker.stats().failures, timedOut ? 1 : 0, name);
    assertEquals(breaker.stats().calls, timedOut ? 1 : 0, name);
    for (const { listeners } of way.signals) assertEquals(listeners, 0, name);
  }
});

Deno.test("146: a context that has ended goes first, also if the breaker is open", async () => {
  const { breaker } = fragile();
  using ctx = withCancel(background());
  ctx.cancel("gone");
  const job = new HeldJob();
  for (const options of [ctx, { ctx }, ctx.signal, { signal: ctx.signal, fallback: () => {} }]) {
    assertEquals(await breaker.run(job.job, options).catch((error) => error), "gone");
    breaker.trip();
  }
  assertEquals([job.runs, breaker.stats().refused], [0, 0]);
});

Deno.test("146: a caller who leaves frees his trial's place in the same step", async () => {
  const { breaker, clock } = fragile();
  breaker.trip();
  await clock.advance(100);
  using ctx = withCancel(background());
  const [ignores, next] = [new HeldJob(), new HeldJob()];
  const left = new Watched(breaker.run(ignores.job, ctx));
  assertEquals(await state(breaker.run(() => 1)), "rejected");
  ctx.cancel("gone");
  const trial = breaker.run(next.job);
  assertEquals([next.runs, breaker.state], [1, "halfOpen"]);
  ignores.fail(down);
  await settled();
  assertEquals([left.error, breaker.state], ["gone", "halfOpen"]);
  next.end();
  await trial;
  assertEquals(breaker.state, "closed");
});

Deno.test("146: a job that does not wait, and throws since its caller has left, counts for nothing", async () => {
  const breaker = new CircuitBreaker({ minCalls: 1 });
  using ctx = withCancel(background());
  const reason = new Error("enough");
  const run = breaker.run((own) => {
    ctx.cancel(reason);
    own.throwIfDone();
  }, { ctx, fallback: () => undefined });
  assertEquals(await run.catch((error) => error), reason);
  assertEquals([breaker.state, breaker.stats().calls], ["closed", 0]);

  // Another error is the job's own, and a timeout no leaving.
  using other = withCancel(background());
  const broken = new Error("broken");
  const failed = breaker.run(() => {
    other.cancel();
    throw broken;
  }, other);
  await assertRejects(() => failed, Error, "broken");
  assertEquals(breaker.stats().failures, 1);
});

Deno.test("146: a caller who leaves when the call is slow already has seen a slow call", async () => {
  const { breaker, clock } = fragile({ minCalls: 2, slowerThan: 50 });
  for (const ms of [50, 51, 51]) {
    using ctx = withCancel(background());
    const call = breaker.run((ctx) => sleep(60_000, ctx), ctx);
    await clock.advance(ms);
    ctx.cancel("gone");
    assertEquals(await call.catch((error) => error), "gone");
  }
  const { state, calls, failures, slow } = breaker.stats();
  assertEquals([state, calls, failures, slow], ["open", 2, 0, 2]);
});

Deno.test("146: a timeout of 0 leaves no time: the job is not called, and nothing counts", async () => {
  const { breaker } = fragile();
  const job = new HeldJob();
  await assertRejects(() => breaker.run(job.job, { timeout: 0 }), DeadlineExceededError);
  assertEquals([job.runs, breaker.stats().calls], [0, 0]);
});

Deno.test("146: what has ended leaves nothing: no listener, and no timer", async () => {
  using clock = fakeClock();
  const breaker = new CircuitBreaker();
  const { signal, ...controller } = spiedController();
  const options = { signal, timeout: 50 };
  assertEquals(await breaker.run(() => Promise.resolve(1), options), 1);
  await assertRejects(() => breaker.run(fail, options), Error, "down");
  assertEquals([controller.listeners, clock.timers], [0, 0]);
});

// ---- what it tells, and is told ----

Deno.test("146: changes are told in order, each once, when all is done; what onChange throws harms nobody", async () => {
  using uncaught = catchUncaught();
  const told: string[] = [];
  const clock = new ManualClock();
  const breaker = new CircuitBreaker({
    minCalls: 1,
    openFor: 10,
    clock,
    onChange: (state, previous) => {
      told.push(`${previous} ${state}`);
      throw new Error(`told of ${state}`);
    },
  });
  await failOnce(breaker);
  await clock.advance(10);
  assertEquals(told, ["closed open"]);
  assertEquals(await breaker.run(() => "up"), "up");
  await settled();
  assertEquals(told, ["closed open", "open halfOpen", "halfOpen closed"]);
  assertEquals(
    uncaught.errors.map((error) => (error as Error).message),
    ["told of open", "told of halfOpen", "told of closed"],
  );
});

Deno.test("146: onChange may do with the breaker what it likes", async () => {
  const seen: string[] = [];
  const clock = new ManualClock();
  const breaker: CircuitBreaker = new CircuitBreaker({
    minCalls: 1,
    openFor: 10,
    clock,
    onChange: (state) => {
      seen.push(`${state} ${breaker.state}`);
      if (seen.length === 1) breaker.reset();
      if (state === "closed") breaker.trip(Infinity);
      void breaker.run(() => seen.push("ran")).catch(() => seen.push("refused"));
    },
  });
  await failOnce(breaker);
  await settled();
  assertEquals(seen, [
    "open open",
    "ran",
    "closed closed",
    "open open",
    "refused",
    "refused",
  ]);
});

Deno.test("146: a job may trip or reset the breaker that runs it", async () => {
  const { breaker } = fragile();
  assertEquals(await breaker.run(() => (breaker.trip(), "open now")), "open now");
  assertEquals(breaker.state, "open");
  breaker.reset();
  await assertRejects(() =>
    breaker.run(() => {
      breaker.reset();
      throw down;
    })
  );
  assertEquals([breaker.state, breaker.stats().calls], ["closed", 0]);
});

Deno.test("146: what isFailure throws is reported, and the error counts as a failure", async () => {
  using uncaught = catchUncaught();
  const wrong = new Error("wrong");
  const { breaker } = fragile({
    isFailure: () => {
      throw wrong;
    },
  });
  assertEquals(await breaker.run(fail).catch((error) => error), down);
  await settled();
  assertEquals([breaker.state, uncaught.errors], ["open", [wrong]]);
});

Deno.test("146, R17: bad options throw, and name the option and the value", () => {
  const wrong: [Record<string, unknown>, new () => Error, string][] = [
    [{ window: 0 }, RangeError, "window must be more than 0, and finite: 0"],
    [{ window: Infinity }, RangeError, "window must be more than 0, and finite: Infinity"],
    [{ window: "1s" }, TypeError, 'window must be a number, not "1s"'],
    [{ buckets: 0 }, RangeError, "buckets"],
    [{ buckets: Infinity }, RangeError, "buckets must be finite"],
    [{ minCalls: 0 }, RangeError, "minCalls"],
    [{ minCalls: 1.5 }, RangeError, "minCalls"],
    [{ errorShare: 0 }, RangeError, "errorShare must be above 0 and at most 1: 0"],
    [{ errorShare: 50 }, RangeError, "errorShare must be above 0 and at most 1: 50"],
    [{ openFor: -1 }, RangeError, "openFor must be at least 0: -1"],
    [{ openFor: NaN }, RangeError, "openFor must be a number, not NaN"],
    [{ halfOpenCalls: 0 }, RangeError, "halfOpenCalls"],
    [{ halfOpenCalls: Infinity }, RangeError, "halfOpenCalls must be finite"],
    [{ trialFor: 0 }, RangeError, "trialFor must be more than 0: 0"],
    [{ slowerThan: -1 }, RangeError, "slowerThan"],
    [{ slowShare: 2 }, RangeError, "slowShare"],
    [{ isFailure: true }, TypeError, "isFailure must be a function, not true"],
    [{ onChange: {} }, TypeError, "onChange must be a function"],
    [{ clock: Date }, TypeError, "clock must have the functions now and after"],
    [{ name: 7 }, TypeError, "name must be a string, not 7"],
  ];
  for (const [options, type, message] of wrong) {
    assertThrows(() => new CircuitBreaker(options as CircuitBreakerOptions), type, message);
  }
  assertThrows(() => new CircuitBreaker(null as never), TypeError, "options must be an object");
  const breaker = new CircuitBreaker();
  assertThrows(() => breaker.trip(-1), RangeError, "openFor must be at least 0: -1");
  assertThrows(() => breaker.trip("1s" as never), TypeError, "openFor must be a number");
  assertEquals(breaker.state, "closed");
});

Deno.test("146, R17: bad arguments of run reject, and nothing is called", async () => {
  const breaker = new CircuitBreaker();
  const run = breaker.run.bind(breaker) as (...args: unknown[]) => Promise<unknown>;
  await assertRejects(() => run("job"), TypeError, 'job must be a function, not "job"');
  await assertRejects(() => run(() => 1, null), TypeError, "options must be an object");
  await assertRejects(
    () => run(() => 1, { fallback: 1 }),
    TypeError,
    "fallback must be a function",
  );
  await assertRejects(() => run(() => 1, { timeout: NaN }), RangeError, "timeout");
  assertEquals(breaker.stats().calls, 0);
});

// ---- the window ----

Deno.test("146: a rolling window counts what its buckets hold, however time passes", () => {
  const steps = fc.array(
    fc.record({ wait: fc.nat(120), kind: fc.option(fc.nat(1), { nil: undefined }) }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 6 }), fc.integer({ min: -200, max: 200 }), (
      steps,
      buckets,
      start,
    ) => {
      const window = new RollingWindow(60, buckets, 2);
      const log: { at: number; kind: number }[] = [];
      const bucketOf = (at: number) => Math.floor(at / (60 / buckets));
      let now = start;
      for (const { wait, kind } of steps) {
        now += wait;
        window.roll(now);
        if (kind !== undefined) {
          window.add(kind);
          log.push({ at: now, kind });
        }
        for (const wanted of [0, 1]) {
          const counted = log.filter(({ at, kind }) =>
            kind === wanted && bucketOf(now) - bucketOf(at) < buckets
          );
          assertEquals(window.count(wanted), counted.length);
          const surely = counted.filter(({ at }) => now - at <= 60 - 60 / buckets);
          const young = log.filter(({ at, kind }) =>
            kind === wanted && now - at <= 60 - 60 / buckets
          );
          assertEquals(surely.length, young.length);
          assert(counted.every(({ at }) => now - at < 60));
        }
      }
    }),
    { numRuns: 300 },
  );
});

// ---- random programs ----

interface Rules {
  readonly minCalls: number;
  readonly errorShare: number;
  readonly buckets: number;
  readonly openFor: number;
  readonly halfOpenCalls: number;
  readonly trialFor: number;
  readonly slowerThan: number;
  readonly slowShare: number;
}

const WINDOW = 100;

const rules: fc.Arbitrary<Rules> = fc.record({
  minCalls: fc.integer({ min: 1, max: 4 }),
  errorShare: fc.constantFrom(0.25, 0.5, 1),
  buckets: fc.integer({ min: 1, max: 5 }),
  openFor: fc.constantFrom(0, 20, 50, 100),
  halfOpenCalls: fc.integer({ min: 1, max: 3 }),
  trialFor: fc.constantFrom(30, 100, Infinity),
  slowerThan: fc.constantFrom(0, 20, Infinity),
  slowShare: fc.constantFrom(0.5, 1),
});

type Way = "plain" | "ctx" | "signal" | "fallback";
type End = "ok" | "fails" | "fails, but that is no failure";

type Op =
  | { readonly op: "run"; readonly way: Way }
  /** `id` is one of those that run. */
  | { readonly op: "end"; readonly id: number; readonly how: End }
  | { readonly op: "leave"; readonly id: number }
  | { readonly op: "advance"; readonly ms: number }
  | { readonly op: "trip"; readonly ms: number | undefined }
  | { readonly op: "reset" };

const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      op: fc.constant("run" as const),
      way: fc.constantFrom<Way[]>("plain", "ctx", "signal", "fallback"),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      op: fc.constant("end" as const),
      id: fc.nat(20),
      how: fc.constantFrom<End[]>("ok", "fails", "fails", "fails, but that is no failure"),
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("leave" as const), id: fc.nat(20) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant("advance" as const),
      ms: fc.constantFrom(1, 10, 20, 21, 30, 50, 100, 250),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant("trip" as const),
      ms: fc.constantFrom(undefined, 20, Infinity),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ op: "reset" } as const) },
);

/** Each with a second one that may happen in the same step, and whether somebody looks then. */
const step = fc.tuple(op, fc.option(op, { freq: 1 }), fc.boolean());
const program = fc.array(step, { minLength: 10, maxLength: 60 });

interface ModelCall {
  readonly began: number;
  /** What it is a part of; undefined: it was refused. */
  stay: object | undefined;
  expected: "pending" | "done" | "failed" | "refused" | "left";
}

/** The rules, one by one, with lists that are searched. */
class Model {
  state: CircuitState = "closed";
  now = 0;
  refused = 0;
  readonly changes: CircuitState[] = [];
  #stay = {};
  #until = 0;
  #log: { at: number; failed: boolean; slow: boolean }[] = [];
  #passed = 0;
  #trials: ModelCall[] = [];
  readonly #rules: Rules;

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  look(): void {
    if (this.state === "open" && this.now >= this.#until) this.#go("halfOpen");
    const overdue = this.#trials.find(({ began }) => this.now - began >= this.#rules.trialFor);
    if (overdue !== undefined) {
      this.#until = overdue.began + this.#rules.trialFor + this.#rules.openFor;
      this.#go("open");
      this.look();
    }
  }

  get retryAfter(): number {
    return this.state === "open" ? this.#until - this.now : 0;
  }

  counts(): [calls: number, failures: number, slow: number] {
    const width = WINDOW / this.#rules.buckets;
    const bucket = (at: number) => Math.floor(at / width);
    const log = this.#log.filter(({ at }) => bucket(at) > bucket(this.now) - this.#rules.buckets);
    const [failed, slow] = [log.filter(({ failed }) => failed), log.filter(({ slow }) => slow)];
    return [log.length, failed.length, slow.length];
  }

  run(): ModelCall {
    this.look();
    const call: ModelCall = { began: this.now, stay: this.#stay, expected: "pending" };
    const room = this.#trials.length + this.#passed < this.#rules.halfOpenCalls;
    if (this.state === "open" || (this.state === "halfOpen" && !room)) {
      this.refused++;
      return { ...call, stay: undefined, expected: "refused" };
    }
    if (this.state === "halfOpen") this.#trials.push(call);
    return call;
  }

  end(call: ModelCall, how: End | "left"): void {
    if (call.expected !== "pending") return;
    call.expected = how === "left" ? "left" : how === "ok" ? "done" : "failed";
    this.look();
    if (call.stay !== this.#stay) return;
    const slow = this.now - call.began > this.#rules.slowerThan;
    const failed = how === "fails";
    if (this.state === "halfOpen") {
      this.#trials = this.#trials.filter((trial) => trial !== call);
      if (failed || slow) this.trip(undefined);
      else if (how !== "left" && ++this.#passed === this.#rules.halfOpenCalls) this.reset();
      return;
    }
    if (how === "left" && !slow) return;
    this.#log.push({ at: this.now, failed, slow });
    const [calls, failures, slows] = this.counts();
    const { minCalls, errorShare, slowShare } = this.#rules;
    const tooMany = failed && failures / calls >= errorShare;
    const tooSlow = slow && slows / calls >= slowShare;
    if (calls >= minCalls && (tooMany || tooSlow)) this.trip(undefined);
  }

  trip(ms: number | undefined): void {
    this.#until = this.now + (ms ?? this.#rules.openFor);
    this.#go("open");
  }

  reset(): void {
    this.#log = [];
    this.#go("closed");
  }

  #go(state: CircuitState): void {
    if (state !== this.state) this.changes.push(state);
    this.state = state;
    this.#stay = {};
    this.#trials = [];
    this.#passed = 0;
  }
}

const nothing = { here: () => {}, there: () => {} };
const noFailure = new Error("no failure");
const RUNS = 300;

Deno.test("146: over random programs a breaker does what the rules say, and every call settles", async () => {
  await fc.assert(
    fc.asyncProperty(rules, program, async (rules, program) => {
      const clock = new ManualClock();
      const changes: CircuitState[] = [];
      const breaker = new CircuitBreaker({
        ...rules,
        window: WINDOW,
        clock,
        isFailure: (error) => error !== noFailure,
        onChange: (state) => changes.push(state),
      });
      const model = new Model(rules);
      const real: RealCall[] = [];
      const calls: ModelCall[] = [];

      /** Whom an operation is about is settled first, then what it does here and there. */
      const resolve = (op: Op): { readonly here: () => void; readonly there: () => void } => {
        switch (op.op) {
          case "run": {
            const { way } = op;
            const here = () => void real.push(new RealCall(breaker, way));
            return { here, there: () => void calls.push(model.run()) };
          }
          case "end": {
            const running = [...calls.keys()].filter((id) => real[id]!.running);
            const id = running[op.id % running.length];
            if (id === undefined) return nothing;
            return {
              here: () => real[id]!.end(op.how),
              there: () => model.end(calls[id]!, op.how),
            };
          }
          case "leave": {
            const free = [...calls.keys()].filter((id) => real[id]!.leavable);
            const id = free[op.id % free.length];
            if (id === undefined) return nothing;
            return { here: () => real[id]!.leave(), there: () => model.end(calls[id]!, "left") };
          }
          case "trip":
            return { here: () => breaker.trip(op.ms), there: () => model.trip(op.ms) };
          case "reset":
            return { here: () => breaker.reset(), there: () => model.reset() };
          case "advance":
            return nothing;
        }
      };

      for (const [first, second, looks] of program) {
        if (first.op === "advance") {
          await clock.advance(first.ms);
          model.now = clock.now();
        } else {
          const one = resolve(first);
          const other = second === null || second.op === "end" ? nothing : resolve(second);
          one.here();
          other.here();
          // The end of a job is seen a little later: what is done in the same step comes first.
          for (const { there } of first.op === "end" ? [other, one] : [one, other]) there();
        }
        await settled();
        for (const [id, call] of calls.entries()) real[id]!.check(call.expected);
        if (!looks) continue;
        model.look();
        const { state, calls: counted, failures, slow, refused, retryAfter } = breaker.stats();
        assertEquals([state, retryAfter, refused], [model.state, model.retryAfter, model.refused]);
        assertEquals([counted, failures, slow], model.counts());
        await settled();
        assertEquals(changes, model.changes);
      }

      // Every call settles once its job has ended.
      for (const { job } of real) if (job.runs > 0) job.end("late");
      await settled();
      for (const { seen } of real) assert(seen.is !== "pending");
      for (const { listeners } of real) assertEquals(listeners, 0);
      assertEquals(clock.timers, 0);
    }),
    { numRuns: RUNS },
  );
});

class RealCall {
  readonly way: Way;
  readonly job = new HeldJob<string>();
  readonly seen: Watched;
  fallbacks = 0;
  /** Its job has been called, and has not been told to end. */
  running = false;
  readonly #ctx: CancelContext = withCancel(background());
  readonly #controller = spiedController();

  constructor(breaker: CircuitBreaker, way: Way) {
    this.way = way;
    const fallback = () => (this.fallbacks++, "fallback");
    const options: Record<Way, RunOptions<string> | AbortSignal | CancelContext | undefined> = {
      plain: undefined,
      ctx: this.#ctx,
      signal: this.#controller.signal,
      fallback: { ctx: this.#ctx, fallback },
    };
    this.seen = new Watched(breaker.run(this.job.job, options[way]));
    this.running = this.job.runs > 0;
  }

  get listeners(): number {
    return this.#controller.listeners;
  }

  get leavable(): boolean {
    return this.way !== "plain" && this.running;
  }

  end(how: End): void {
    this.running = false;
    if (how === "ok") this.job.end("ok");
    else this.job.fail(how === "fails" ? down : noFailure);
  }

  leave(): void {
    if (this.way === "signal") this.#controller.abort("left");
    else this.#ctx.cancel("left");
  }

  /** What it has come to is what the model expects. */
  check(expected: ModelCall["expected"]): void {
    const { is, value, error } = this.seen;
    const refused = expected === "refused";
    assertEquals(this.job.runs, refused ? 0 : 1);
    if (expected === "pending") assertEquals(is, "pending");
    else if (expected === "done") assertEquals(value, "ok");
    else if (expected === "left") {
      assertEquals([is, error, this.fallbacks], ["rejected", "left", 0]);
    } else if (this.way === "fallback") assertEquals([value, this.fallbacks], ["fallback", 1]);
    else if (refused) assertInstanceOf(error, CircuitOpenError);
    else assert(error === down || error === noFailure);
  }
}
