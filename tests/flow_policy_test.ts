import fc from "fast-check";
import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import {
  background,
  type CancelContext,
  type Context,
  DeadlineExceededError,
  sleep,
  withCancel,
  withTimeout,
} from "../mod.ts";
import { ManualClock, type RetryOptions } from "../tasks/mod.ts";
import {
  Bulkhead,
  CircuitBreaker,
  CircuitOpenError,
  compose,
  OverloadError,
  type Policy,
  retrying,
  type RetryingOptions,
  type RunOptions,
  TimeLimit,
} from "../flow/mod.ts";
import { fakeClock } from "./support/clock.ts";
import { HeldJob } from "./support/held_job.ts";
import { settled, state } from "./support/settle.ts";
import { spiedController } from "./support/spied_signal.ts";
import { Watched } from "./support/watched.ts";
import { fresh, waysToEnd } from "./support/ways_to_end.ts";

const down = new Error("down");
const fail = () => Promise.reject(down);

/** One of each kind, which lets everything through that ends soon. */
function eachPolicy(): Readonly<Record<string, Policy>> {
  return {
    breaker: new CircuitBreaker(),
    bulkhead: new Bulkhead({ limit: 9 }),
    "time limit": new TimeLimit(60_000),
    "no time limit": new TimeLimit(Infinity),
    retrying: retrying({ attempts: 1 }),
    nothing: compose(),
    compose: compose(new TimeLimit(60_000), new CircuitBreaker()),
    // It does not hand on the context that it is given, and waits for its job.
    "one of a caller's own": compose({ run: async (job) => await job(background()) }),
  };
}

async function forEachPolicy(
  law: (policy: Policy, name: string) => Promise<void>,
): Promise<void> {
  for (const [name, policy] of Object.entries(eachPolicy())) await law(policy, name);
}

// ---- what all policies have in common ----

Deno.test("148: a policy gives what its job gives, and is called in the same step", () =>
  forEachPolicy(async (policy, name) => {
    const job = new HeldJob<string>();
    const call = policy.run(job.job);
    assertEquals([job.runs, await state(call)], [1, "pending"], name);
    job.end("bread");
    assertEquals(await call, "bread", name);
    assertEquals(await policy.run(() => undefined), undefined, name);
    assert(await policy.run(fail).catch((error) => error) === down, name);
    const thrown = policy.run(() => {
      throw down;
    });
    assert(await thrown.catch((error) => error) === down, name);
  }));

Deno.test("148: whatever ends a run, the caller is told at once, with the cause itself", () =>
  forEachPolicy(async (_, policyName) => {
    for (const [wayName, setUp] of Object.entries(waysToEnd)) {
      const name = `${policyName}, ${wayName}`;
      using clock = fakeClock();
      using way = setUp(clock);
      const policy = eachPolicy()[policyName]!;
      const job = new HeldJob();
      let fallbacks = 0;
      const options: RunOptions<void> = "done" in way.wait
        ? { ctx: way.wait as Context }
        : way.wait instanceof AbortSignal
        ? { signal: way.wait }
        : way.wait as RunOptions<void>;
      const call = new Watched(policy.run(job.job, way.wait as RunOptions<void>));
      const other = new Watched(
        policy.run(job.job, { ...options, fallback: () => void fallbacks++ }),
      );
      await settled();
      assertEquals([call.is, other.is], ["pending", "pending"], name);
      await way.end();
      if (policyName !== "one of a caller's own") {
        assert(job.contexts.every(({ done }) => done), name);
      }
      await settled();
      assertEquals(call.is, "rejected", name);
      if (way.cause() === fresh) {
        // The time that the call may take is over, and somebody still waits.
        assertInstanceOf(call.error, DeadlineExceededError, name);
        assertEquals([other.is, fallbacks], ["fulfilled", 1], name);
      } else {
        assert(call.error === way.cause() && other.error === way.cause(), name);
        assertEquals(fallbacks, 0, name);
      }
      for (const { listeners } of way.signals) assertEquals(listeners, 0, name);
      job.end();
      way[Symbol.dispose]();
      assertEquals(clock.timers, 0, name);
    }
  }));

Deno.test("148: a context that has ended goes first, and a timeout of 0 leaves no time", () =>
  forEachPolicy(async (policy, name) => {
    using ctx = withCancel(background());
    ctx.cancel("gone");
    const job = new HeldJob();
    const fallback = () => {
      throw new Error("nobody wants this");
    };
    for (const options of [ctx, ctx.signal, { ctx, fallback }, { signal: ctx.signal, fallback }]) {
      assertEquals(await policy.run(job.job, options).catch((error) => error), "gone", name);
    }
    await assertRejects(() => policy.run(job.job, { timeout: 0 }), DeadlineExceededError);
    assertEquals(await policy.run<unknown>(job.job, { timeout: 0, fallback: () => 7 }), 7, name);
    assertEquals(job.runs, 0, name);
  }));

Deno.test("148: the fallback is asked once, with the error, and gives the result or the error", () =>
  forEachPolicy(async (policy, name) => {
    const asked: unknown[] = [];
    const give = (error: unknown) => (asked.push(error), "from the cache");
    assertEquals(await policy.run<string>(fail, { fallback: give }), "from the cache", name);
    assertEquals(await policy.run(() => "fresh", { fallback: give }), "fresh", name);
    assertEquals(asked, [down], name);
    const worse = new Error("worse");
    const calls = [
      policy.run(fail, { fallback: () => Promise.reject(worse) }),
      policy.run(fail, {
        fallback: () => {
          throw worse;
        },
      }),
    ];
    for (const call of calls) assert(await call.catch((error) => error) === worse, name);
  }));

Deno.test("148: a caller who leaves while the fallback works is told at once; a timeout is not for that", () =>
  forEachPolicy(async (policy, name) => {
    using clock = fakeClock();
    for (const signal of [false, true]) {
      using ctx = withCancel(background());
      const never = Promise.withResolvers<string>();
      const call = new Watched(
        policy.run<string>(fail, {
          ...(signal ? { signal: ctx.signal } : { ctx }),
          timeout: 10,
          fallback: () => never.promise,
        }),
      );
      await settled();
      assertEquals(clock.timers, 0, name);
      await clock.tick(20);
      assertEquals(call.is, "pending", name);
      ctx.cancel("gone");
      await settled();
      assertEquals(call.error, "gone", name);
      never.reject(new Error("nobody hears this"));
      await settled();
    }
  }));

Deno.test("148: what is only like a promise is asked once, also if nobody waits for it any more", () =>
  forEachPolicy(async (policy, name) => {
    using ctx = withCancel(background());
    let asked = 0;
    const lazy: PromiseLike<string> = {
      then(resolve, reject) {
        asked++;
        return Promise.resolve("done").then(resolve, reject);
      },
    };
    assertEquals(await policy.run(() => lazy, ctx), "done", name);
    const call = new Watched(policy.run(() => lazy, ctx));
    ctx.cancel("gone");
    await settled();
    assertEquals([call.error, asked], ["gone", 2], name);
  }));

Deno.test("148: the context that a job is given has ended when a run of limited time is over", async () => {
  using ctx = withCancel(background());
  for (const policy of [new TimeLimit(60_000), compose(new TimeLimit(60_000))]) {
    const job = new HeldJob();
    job.end();
    const run = policy.run(job.job, ctx);
    job.end();
    await run;
    assert(job.ctx.done && !ctx.done);
  }
});

Deno.test("148, R17: bad arguments reject", () =>
  forEachPolicy(async (policy) => {
    const run = policy.run.bind(policy) as (...args: unknown[]) => Promise<unknown>;
    await assertRejects(() => run(), TypeError, "job must be a function, not undefined");
    await assertRejects(() => run(() => 1, 7), TypeError, "options must be an object");
    await assertRejects(() => run(() => 1, { fallback: {} }), TypeError, "fallback");
    await assertRejects(() => run(() => 1, { timeout: "1s" }), TypeError, "timeout");
    await assertRejects(() => run(() => 1, { signal: {} }), TypeError, "signal");
  }));

// ---- time limit ----

Deno.test("148: a time limit ends the job's context, and rejects at once even if that is not heeded", async () => {
  const clock = new ManualClock(500);
  const limit = new TimeLimit(100, { clock, name: "search" });
  const [heeds, ignores] = [new HeldJob(), new HeldJob()];
  const calls = [
    limit.run((ctx) => (void heeds.job(ctx), sleep(60_000, ctx))),
    limit.run(ignores.job),
    limit.run<string>(() => new Promise(() => {}), { fallback: () => "too late" }),
  ].map((call) => new Watched(call as Promise<unknown>));
  assertEquals(clock.timers, 3);
  await clock.advance(99);
  assertEquals([calls.map(({ is }) => is), ignores.ctx.done], [Array(3).fill("pending"), false]);
  await clock.advance(1);
  for (const { error } of calls.slice(0, 2)) {
    assertInstanceOf(error, DeadlineExceededError);
    assertEquals(error.message, 'the time limit "search" of 100 ms has passed');
  }
  assertEquals(calls[2]!.value, "too late");
  assert(ignores.ctx.cause === calls[1]!.error && ignores.ctx.err === calls[1]!.error);
  assert(heeds.ctx.done);
  assertEquals(clock.timers, 0);
  ignores.end();
  await settled();
});

Deno.test("148: a time limit has a timer only while somebody waits, and none for a job that does not", async () => {
  const clock = new ManualClock();
  const limit = new TimeLimit(100, { clock });
  assertEquals(await limit.run(() => clock.timers), 0);
  const job = new HeldJob();
  const call = limit.run(job.job);
  assertEquals(clock.timers, 1);
  job.end();
  await call;
  assertEquals(clock.timers, 0);
  using ctx = withCancel(background());
  const left = new Watched(limit.run(job.job, ctx));
  ctx.cancel("gone");
  assertEquals(clock.timers, 0);
  await settled();
  assertEquals(left.error, "gone");
  void new TimeLimit(Infinity, { clock }).run(job.job);
  assertEquals(clock.timers, 0);
});

Deno.test("148: a look at the job's context is enough, whatever the timers do", async () => {
  let now = 0;
  const limit = new TimeLimit(10, { clock: { now: () => now, after: () => ({ stop() {} }) } });
  using ctx = withTimeout(background(), 60_000);
  await limit.run((own) => {
    now += 9;
    assertEquals(own.done, false);
    now += 1;
    assertEquals(own.done, true);
    assertInstanceOf(own.err, DeadlineExceededError);
  }, ctx);
  using parent = withTimeout(background(), 1);
  const limited = new TimeLimit(60_000).run((own) => {
    const later = performance.now() + 2;
    while (performance.now() < later);
    return own.done;
  }, parent);
  assertEquals(await limited, true);
});

Deno.test("148: the deadline of a job's context is the earlier of its caller's and the limit's", async () => {
  using clock = fakeClock();
  using ctx = withTimeout(background(), 50);
  const deadlines = [new TimeLimit(20), new TimeLimit(80), new TimeLimit(Infinity)].map(
    (limit) => limit.run(({ deadline }) => deadline, ctx),
  );
  assertEquals(
    await Promise.all(deadlines),
    [clock.now + 20, clock.now + 50, clock.now + 50],
  );
  assertEquals(await new TimeLimit(20).run((own) => own.deadline), clock.now + 20);
  const manual = new TimeLimit(20, { clock: new ManualClock() });
  assertEquals(await manual.run((own) => own.deadline), undefined);
});

Deno.test("148, R17: bad options of a time limit throw", () => {
  assertThrows(() => new TimeLimit(0), RangeError, "ms must be more than 0: 0");
  assertThrows(() => new TimeLimit(NaN), RangeError, "ms must be a number, not NaN");
  assertThrows(() => new TimeLimit("1s" as never), TypeError, 'ms must be a number, not "1s"');
  assertThrows(() => new TimeLimit(1, 2 as never), TypeError, "options must be an object");
  assertThrows(() => new TimeLimit(1, { clock: {} as never }), TypeError, "clock");
  assertThrows(() => new TimeLimit(1, { name: 3 as never }), TypeError, "name must be a string");
});

Deno.test("148: a time limit counts its runs, those that are not over, and those whose time was up", async () => {
  const clock = new ManualClock();
  const limit = new TimeLimit(100, { clock });
  const ctx = withCancel(background());
  const never = () => new Promise<never>(() => {});
  assertEquals(limit.stats(), { runs: 0, running: 0, timedOut: 0 });
  const calls = Promise.allSettled([
    limit.run(never),
    limit.run(never, { fallback: () => "late" }),
    limit.run(never, ctx),
    limit.run(() => 1),
    limit.run(fail),
    limit.run(() => {
      throw down;
    }),
  ]);
  await settled();
  assertEquals(limit.stats(), { runs: 6, running: 3, timedOut: 0 });
  ctx.cancel();
  await settled();
  assertEquals(limit.stats(), { runs: 6, running: 2, timedOut: 0 });
  await limit.run(() => 2, ctx).catch(() => {});
  assertEquals(limit.stats().runs, 6);
  await clock.advance(100);
  await calls;
  assertEquals(limit.stats(), { runs: 6, running: 0, timedOut: 2 });
});

Deno.test("148: a run whose caller's time is up, or whose limit is inside of another, is not timed out", async () => {
  using fake = fakeClock();
  const limit = new TimeLimit(100);
  const inner = new TimeLimit(200);
  const call = limit.run(() => new Promise<never>(() => {}), { timeout: 50 });
  const nested = limit.run((ctx) => inner.run(() => new Promise<never>(() => {}), ctx));
  const results = Promise.allSettled([call, nested]);
  await fake.tick(50);
  assertEquals(limit.stats(), { runs: 2, running: 1, timedOut: 0 });
  await fake.tick(50);
  await results;
  assertEquals(limit.stats(), { runs: 2, running: 0, timedOut: 1 });
  assertEquals(inner.stats(), { runs: 1, running: 0, timedOut: 0 });
});

// ---- retrying ----

Deno.test("148: retrying calls the job once for each attempt, after the delay that is due", async () => {
  const clock = new ManualClock();
  const at: number[] = [];
  const failing = (times: number) => () => {
    at.push(clock.now());
    if (at.length <= times) throw down;
    return "done";
  };
  const done = new Watched(retrying({ attempts: 4, delay: 10, clock }).run(failing(3)));
  await clock.advance(100);
  assertEquals([done.value, at, clock.timers], ["done", [0, 10, 30, 70], 0]);

  at.length = 0;
  const given = new Watched(retrying({ attempts: 2, delay: 10, clock }).run(failing(3)));
  await clock.advance(100);
  assert(given.error === down);
  assertEquals(at, [100, 110]);
});

Deno.test("148: what is not worth another attempt is the last, a delay of Infinity too", async () => {
  let calls = 0;
  const failing = () => {
    calls++;
    throw down;
  };
  const hopeless: RetryingOptions[] = [
    { attempts: 3, when: () => false },
    { attempts: 3, delay: () => Infinity },
    { attempts: 1 },
  ];
  for (const [i, options] of hopeless.entries()) {
    assert(await retrying(options).run(failing).catch((error) => error) === down);
    assertEquals(calls, i + 1);
  }
  const wrong = new Error("wrong");
  const when = () => {
    throw wrong;
  };
  assert(await retrying({ attempts: 3, when }).run(failing).catch((error) => error) === wrong);
});

Deno.test("148: whatever ends the caller's wait ends the pause between two attempts, and leaves no timer", async () => {
  for (const [name, setUp] of Object.entries(waysToEnd)) {
    using clock = fakeClock();
    using way = setUp(clock);
    const manual = new ManualClock();
    let calls = 0;
    const failing = () => {
      calls++;
      throw down;
    };
    const policy = retrying({ attempts: 3, clock: manual });
    const call = new Watched(policy.run(failing, way.wait));
    await settled();
    assertEquals([call.is, calls, manual.timers], ["pending", 1, 1], name);
    await way.end();
    assertEquals(manual.timers, 0, name);
    await settled();
    assertEquals([call.is, calls], ["rejected", 1], name);
    if (way.cause() !== fresh) assert(call.error === way.cause(), name);
    for (const { listeners } of way.signals) assertEquals(listeners, 0, name);
  }
});

Deno.test("148: a job that fails since its caller has left is not called again", async () => {
  using ctx = withCancel(background());
  let calls = 0;
  const call = retrying({ attempts: 3, delay: 0 }).run(() => {
    calls++;
    ctx.cancel("gone");
    throw down;
  }, ctx);
  assert(await call.catch((error) => error) === down);
  assertEquals(calls, 1);
});

Deno.test("148: retries may wait for a breaker as long as it says", async () => {
  const clock = new ManualClock();
  const breaker = new CircuitBreaker({ minCalls: 1, openFor: 500, clock });
  const policy = compose(
    retrying({
      attempts: 3,
      delay: (_, error) => error instanceof CircuitOpenError ? error.retryAfter : 1,
      clock,
    }),
    breaker,
  );
  let calls = 0;
  const call = new Watched(policy.run(() => {
    if (++calls === 1) throw down;
    return clock.now();
  }));
  await clock.advance(1_000);
  assertEquals([call.value, calls, breaker.stats().refused], [500, 2, 1]);
});

Deno.test("148: retrying counts runs and attempts; who has left or whose time was up has not given up", async () => {
  const clock = new ManualClock();
  const policy = retrying({ attempts: 3, delay: 10, clock });
  let calls = 0;
  const flaky = () => ++calls < 3 ? fail() : Promise.resolve("done");
  const ctx = withCancel(background());
  const results = Promise.allSettled([policy.run(flaky), policy.run(fail), policy.run(fail, ctx)]);
  await settled();
  assertEquals(policy.stats(), { runs: 3, running: 3, attempts: 3, retries: 0, gaveUp: 0 });
  ctx.cancel();
  await clock.advance(10);
  assertEquals(policy.stats(), { runs: 3, running: 2, attempts: 5, retries: 2, gaveUp: 0 });
  await clock.advance(20);
  assertEquals((await results).map(({ status }) => status), ["fulfilled", "rejected", "rejected"]);
  assertEquals(policy.stats(), { runs: 3, running: 0, attempts: 7, retries: 4, gaveUp: 1 });
  await policy.run(flaky, ctx).catch(() => {});
  assertEquals(policy.stats().runs, 3);
  // A delay of Infinity is no other attempt.
  const once = retrying({ attempts: 3, delay: () => Infinity });
  await once.run(fail, { fallback: () => {} });
  assertEquals(once.stats(), { runs: 1, running: 0, attempts: 1, retries: 0, gaveUp: 1 });
});

Deno.test("148, R17: bad options of retrying throw", () => {
  assertThrows(() => retrying({ attempts: 0 }), RangeError, "attempts");
  assertThrows(() => retrying(undefined as never), TypeError, "must be an object of options");
  assertThrows(() => retrying({ attempts: 2, delay: -1 } as RetryOptions), RangeError, "delay");
  assertThrows(() => retrying({ attempts: 2, clock: 1 as never }), TypeError, "clock");
});

// ---- compose ----

Deno.test("148: the first policy is the outermost, and what one refuses is an error for those outside", async () => {
  const order: string[] = [];
  const named = (name: string): Policy => ({
    async run<R>(job: (ctx: Context) => R | PromiseLike<R>): Promise<R> {
      order.push(name);
      return await job(background());
    },
  });
  assertEquals(await compose(named("a"), named("b"), named("c")).run(() => "done"), "done");
  assertEquals(order, ["a", "b", "c"]);

  const open = new CircuitBreaker();
  open.trip();
  const seen = new CircuitBreaker();
  await assertRejects(() => compose(seen, open).run(() => 1), CircuitOpenError);
  assertEquals([seen.stats().failures, open.stats().refused], [1, 1]);
});

Deno.test("148: a time limit inside of a breaker is a failure, one around it a caller who leaves", async () => {
  const clock = new ManualClock();
  const breaker = new CircuitBreaker();
  const limit = new TimeLimit(10, { clock });
  const calls = [compose(breaker, limit), compose(limit, breaker)].map((policy) =>
    new Watched(policy.run(() => new Promise(() => {})))
  );
  await clock.advance(10);
  for (const { error } of calls) assertInstanceOf(error, DeadlineExceededError);
  assertEquals([breaker.stats().calls, breaker.stats().failures], [1, 1]);
});

Deno.test("148: a composed policy may be part of another, and its list is its own", async () => {
  const clock = new ManualClock();
  const bulkhead = new Bulkhead({ limit: 1 });
  const list: Policy[] = [retrying({ attempts: 2, delay: 0, clock }), compose(bulkhead)];
  const policy = compose(...list);
  list.length = 0;
  let calls = 0;
  const call = new Watched(policy.run(() => {
    calls++;
    assertEquals(bulkhead.running, 1);
    throw down;
  }));
  await clock.advance(1);
  assert(call.error === down);
  assertEquals([calls, bulkhead.running], [2, 0]);
});

Deno.test("148, R17: what is no policy is refused", () => {
  for (const wrong of [null, 7, {}, () => {}]) {
    assertThrows(() => compose(wrong as never), TypeError, "policies must have a function run");
  }
});

// ---- composed at random ----

type Kind = "breaker" | "bulkhead" | "limit" | "retrying" | "own";

/** What the job does when it is called: once, for each time. */
type Behaviour = "value" | "throws" | "resolves" | "rejects" | "heeds" | "ignores";

const kinds = fc.array(
  fc.constantFrom<Kind[]>("breaker", "bulkhead", "limit", "retrying", "own"),
  { maxLength: 5 },
);
const behaviours = fc.array(
  fc.constantFrom<Behaviour[]>("value", "throws", "resolves", "rejects", "heeds", "ignores"),
  { minLength: 1, maxLength: 4 },
);
const seeds = fc.array(
  fc.record({ behaviours, cancel: fc.option(fc.nat(4)), fallback: fc.boolean() }),
  { minLength: 1, maxLength: 4 },
);

const LIMIT = 2;
const ATTEMPTS = 2;
const RUNS = 300;

class ComposedCall {
  runs = 0;
  fallbacks = 0;
  left = false;
  readonly live = new Set<Context>();
  readonly seen: Watched;
  readonly #ctx: CancelContext = withCancel(background());
  readonly #controller = spiedController();
  readonly #rest: (() => void)[] = [];

  constructor(policy: Policy, behaviours: readonly Behaviour[], fallback: boolean) {
    const options: RunOptions<unknown> = {
      ctx: this.#ctx,
      signal: this.#controller.signal,
      fallback: fallback ? () => (this.fallbacks++, "fallback") : undefined,
    };
    this.seen = new Watched(policy.run<unknown>((ctx) => {
      return this.#behave(ctx, behaviours[this.runs++ % behaviours.length]!);
    }, options));
  }

  get listeners(): number {
    return this.#controller.listeners;
  }

  leave(): void {
    this.left = true;
    this.#ctx.cancel("left");
  }

  /** Lets all end that is still on its way. */
  endAll(): void {
    for (const end of this.#rest.splice(0)) end();
  }

  #behave(ctx: Context, behaviour: Behaviour): unknown {
    assert(!ctx.done);
    if (behaviour === "value") return "value";
    if (behaviour === "throws") throw down;
    if (behaviour === "resolves") return Promise.resolve("value");
    if (behaviour === "rejects") return Promise.reject(down);
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const end = (): void => {
      this.live.delete(ctx);
      resolve("late");
    };
    this.live.add(ctx);
    this.#rest.push(end);
    if (behaviour === "heeds") {
      ctx.signal.addEventListener("abort", () => {
        this.live.delete(ctx);
        reject(ctx.cause);
      });
    }
    return promise;
  }
}

Deno.test("148: in any order a job runs once for each attempt, its end reaches it, and limits hold", async () => {
  await fc.assert(
    fc.asyncProperty(kinds, seeds, async (kinds, seeds) => {
      const clock = new ManualClock();
      const bulkheads: Bulkhead[] = [];
      const breakers: CircuitBreaker[] = [];
      const make: Record<Kind, () => Policy> = {
        breaker: () => {
          const breaker = new CircuitBreaker({ minCalls: 3, openFor: 15, clock });
          breakers.push(breaker);
          return breaker;
        },
        bulkhead: () => {
          const bulkhead = new Bulkhead({ limit: LIMIT, capacity: 1 });
          bulkheads.push(bulkhead);
          return bulkhead;
        },
        limit: () => new TimeLimit(10, { clock }),
        retrying: () => retrying({ attempts: ATTEMPTS, delay: 3, clock }),
        own: () => ({
          run: async (job, options) => await job((options ?? background()) as Context),
        }),
      };
      const policies = kinds.map((kind) => make[kind]());
      const policy = compose(...policies);
      const most = ATTEMPTS ** kinds.filter((kind) => kind === "retrying").length;
      const calls: ComposedCall[] = [];

      const check = (): void => {
        for (const call of calls) {
          assert(call.runs <= most && call.fallbacks <= 1);
          if (call.left && call.seen.is === "pending") throw new Error("it was not told");
          if (call.left) { for (const { done } of call.live) assert(done); }
          if (call.seen.is === "fulfilled" && call.fallbacks > 0) {
            assertEquals(call.seen.value, "fallback");
          }
          if (call.seen.error === "left") assertEquals(call.fallbacks, 0);
        }
        const busy = calls.filter(({ live }) => live.size > 0).length;
        if (bulkheads.length > 0) assert(busy <= LIMIT);
        for (const bulkhead of bulkheads) {
          assert(bulkhead.running <= LIMIT && bulkhead.waiting <= 1);
          assert(bulkhead.running >= busy);
        }
      };

      for (const { behaviours, fallback } of seeds) {
        calls.push(new ComposedCall(policy, behaviours, fallback));
        check();
      }
      for (let step = 0; step < 5; step++) {
        for (const [i, { cancel }] of seeds.entries()) if (cancel === step) calls[i]!.leave();
        await settled();
        check();
        await clock.advance(4);
        check();
      }
      // Now all that is on its way ends, and what was waiting for it goes on.
      for (let round = 0; round < 8 * most; round++) {
        for (const call of calls) call.endAll();
        await clock.advance(10);
        check();
      }
      for (const call of calls) {
        assert(call.seen.is !== "pending" && call.live.size === 0);
        assertEquals(call.listeners, 0);
        const { error } = call.seen;
        const known = error === undefined || error === down || error === "left" ||
          error instanceof DeadlineExceededError || error instanceof OverloadError ||
          error instanceof CircuitOpenError;
        assert(known);
      }
      for (const bulkhead of bulkheads) assertEquals([bulkhead.running, bulkhead.waiting], [0, 0]);
      assertEquals(clock.timers, 0);
    }),
    { numRuns: RUNS },
  );
});
