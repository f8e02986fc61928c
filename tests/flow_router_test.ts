import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  background,
  type Context,
  DeadlineExceededError,
  sleep,
  withCancel,
  withTimeout,
} from "../mod.ts";
import {
  byKey,
  byPredicate,
  type CallOutcome,
  HashRing,
  type RoutedCall,
  Router,
  type RouterOptions,
  type RouteStats,
  WeightedSplit,
} from "../flow/mod.ts";
import { ManualClock } from "../tasks/mod.ts";
import { fakeClock } from "./support/clock.ts";
import { HeldJob } from "./support/held_job.ts";
import { law, type Same, unused } from "./support/laws.ts";
import { settled, state } from "./support/settle.ts";
import { spiedController } from "./support/spied_signal.ts";
import { catchUncaught } from "./support/uncaught.ts";

const RUNS = 300;

const broken = new Error("broken");

/** A router whose one route does what it is given. */
function single(options: Partial<RouterOptions<(ctx: Context) => unknown, unknown, "v1">> = {}) {
  const clock = new ManualClock();
  const router = new Router<(ctx: Context) => unknown, unknown, "v1">({
    ...{ routes: { v1: (job, ctx) => job(ctx) }, choose: () => "v1", clock },
    ...options,
  });
  return { router, clock, stats: (): RouteStats => router.stats().v1 };
}

// ---- where calls go ----

Deno.test("144: by a split, calls go by their shares, and other weights are for the next call", async () => {
  const split = new WeightedSplit({ v1: 90, v2: 10 });
  const router = new Router({ routes: { v1: () => "old", v2: () => "new" }, choose: split });
  const results: string[] = [];
  for (let i = 0; i < 100; i++) results.push(await router.run(i));
  assertEquals(results.filter((result) => result === "new").length, 10);
  split.set({ v1: 0, v2: 1 });
  assertEquals(await router.run(0), "new");
});

Deno.test("144: calls that come at once go by their shares as well, in the order in which they came", async () => {
  const split = new WeightedSplit({ v1: 3, v2: 1 });
  const router = new Router({
    routes: { v1: (n: number) => n, v2: (n: number) => -n },
    choose: split,
  });
  const all = Array.from({ length: 8 }, (_, i) => router.run(i + 1));
  assertEquals(await Promise.all(all), [1, 2, -3, 4, 5, 6, -7, 8]);
});

Deno.test("144: by a key, the same key takes the same route: by a ring, a split, or a function", async () => {
  const routes = { a: () => "a", b: () => "b", c: () => "c" };
  const ring = new HashRing<"a" | "b" | "c">(["a", "b", "c"]);
  const split = new WeightedSplit({ a: 1, b: 1, c: 1 });
  const user = (item: { user: number }) => item.user;
  const last = (key: string | number) => (["a", "b", "c"] as const)[Number(key) % 3]!;
  const expected = [
    (key: number) => ring.pick(key),
    (key: number) => split.pickFor(key),
    last,
  ];
  for (const [i, to] of [ring, split, last].entries()) {
    const router = new Router({ routes, choose: byKey(user, to) });
    for (let key = 0; key < 30; key++) {
      assertEquals(router.route({ user: key }), expected[i]!(key));
      assertEquals(await router.run({ user: key }), expected[i]!(key));
    }
  }
  // A node that comes takes keys at once.
  const router = new Router({ routes, choose: byKey(user, ring) });
  ring.remove("a");
  ring.remove("b");
  assertEquals(await router.run({ user: 1 }), "c");
});

Deno.test("144: by conditions, the first that holds is taken, or the rest", async () => {
  const choose = byPredicate<number, "small" | "even" | "other">([
    [(n) => n < 10, "small"],
    [(n) => n % 2 === 0, "even"],
  ], "other");
  const router = new Router({
    routes: { small: () => "s", even: () => "e", other: () => "o" },
    choose,
  });
  assertEquals(await Promise.all([4, 12, 13].map((n) => router.run(n))), ["s", "e", "o"]);
  assertEquals([4, 12, 13].map((n) => router.route(n)), ["small", "even", "other"]);
});

Deno.test("144: rules are read once", () => {
  const rules: [(n: number) => boolean, "a" | "b"][] = [[() => true, "a"]];
  const choose = byPredicate(rules, "b");
  rules[0]![1] = "b";
  rules.length = 0;
  assertEquals(choose(1), "b");
});

Deno.test("144: a route that is not there is told, also one that every object has", async () => {
  const router = new Router({
    routes: { v1: () => "ok" },
    choose: (key: string) => key as "v1",
    name: "api",
  });
  for (const key of ["v2", "constructor", "toString", "__proto__"]) {
    assertThrows(() => router.route(key), RangeError, `the router "api" has no route "${key}"`);
    await assertRejects(() => router.run(key), RangeError, "has no route");
  }
  const { total, calls } = router.stats().v1;
  assertEquals([total, calls], [0, 0]);
});

Deno.test("144: what the user's choice throws is what the call rejects with", async () => {
  const choose = (): "v1" => {
    throw broken;
  };
  const router = new Router({ routes: { v1: () => "ok" }, choose });
  assertStrictEquals(await router.run(1).catch((error) => error), broken);
  assertEquals(await router.run(1, { fallback: () => "else" }), "else");
  assertEquals(router.stats().v1.total, 0);
});

Deno.test("144: handlers are no methods of anything of ours, and the table is read once", async () => {
  const self: unknown[] = [];
  const routes = {
    v1(this: unknown) {
      self.push(this);
      return "old";
    },
  };
  const router = new Router<number, string, "v1">({ routes, choose: () => "v1" });
  routes.v1 = () => "changed";
  assertEquals([await router.run(1), self], ["old", [undefined]]);
});

Deno.test("144: items, results and routes have the types of the handlers", () => {
  const router = new Router({
    routes: { v1: (n: number) => `${n}`, v2: (n: number) => Promise.resolve(`${n}`) },
    choose: new WeightedSplit({ v1: 1, v2: 1 }),
  });
  law<Same<Parameters<typeof router.run>[0], number>>();
  law<Same<Awaited<ReturnType<typeof router.run>>, string>>();
  law<Same<ReturnType<typeof router.route>, "v1" | "v2">>();
  law<Same<keyof ReturnType<typeof router.stats>, "v1" | "v2">>();
  unused(() => {
    // @ts-expect-error: there is no route of this name.
    new Router({ routes: { v1: () => 1 }, choose: () => "v2" });
    // @ts-expect-error: nor has a split any business there.
    new Router({ routes: { v1: () => 1 }, choose: new WeightedSplit({ v2: 1 }) });
  });
});

// ---- results, fallbacks, ends ----

Deno.test("144: a call gives what its handler gives, at once or later, and rejects with its error", async () => {
  const { router, stats } = single();
  assertEquals(await router.run(() => 7), 7);
  assertEquals(await router.run(() => Promise.resolve(undefined)), undefined);
  const thrown = () => {
    throw broken;
  };
  for (const job of [thrown, () => Promise.reject(broken)]) {
    assertStrictEquals(await router.run(job).catch((error) => error), broken);
  }
  assertEquals([stats().calls, stats().errors, stats().errorShare], [4, 2, 0.5]);
});

Deno.test("144: a fallback gives the result of what fails: the call's own, or the router's", async () => {
  const asked: unknown[] = [];
  const { router, stats } = single({
    fallback: (error, item) => {
      asked.push(error, item);
      return "of the router";
    },
  });
  const fail = () => Promise.reject(broken);
  assertEquals(await router.run(fail), "of the router");
  assertEquals(asked, [broken, fail]);
  const ctx = background();
  const { signal } = new AbortController();
  for (const wait of [ctx, signal, { ctx }, { signal }, { timeout: 1_000 }, {}]) {
    assertEquals(await router.run(fail, wait), "of the router");
  }
  assertEquals(await router.run(fail, { fallback: () => "of the call" }), "of the call");
  const failing = () => Promise.reject("no");
  assertEquals(await router.run(fail, { fallback: failing }).catch((error) => error), "no");
  assertEquals([stats().calls, stats().errors], [9, 9]);
  assertEquals(await router.run(() => "fine"), "fine");
});

Deno.test("144: a context, a signal or a timeout that ends rejects the call at once, whatever its handler does", async () => {
  using clock = fakeClock();
  const cause = new Error("left");
  const { router, stats } = single();
  const ends: ((job: HeldJob) => Promise<unknown>)[] = [
    (job) => {
      const ctx = withCancel(background());
      const call = router.run(job.job, ctx);
      ctx.cancel(cause);
      return call;
    },
    (job) => {
      const controller = new AbortController();
      const call = router.run(job.job, { signal: controller.signal, timeout: 9_000 });
      controller.abort(cause);
      return call;
    },
  ];
  for (const end of ends) {
    const job = new HeldJob();
    assertStrictEquals(await end(job).catch((error) => error), cause);
    assertStrictEquals(job.ctx.cause, cause);
    job.fail(new Error("nobody is told"));
  }
  const job = new HeldJob();
  const late = router.run(job.job, { timeout: 100 });
  assertEquals(await state(late), "pending");
  await clock.tick(100);
  await assertRejects(() => late, DeadlineExceededError);
  assertEquals([job.ctx.done, clock.timers], [true, 0]);
  assertEquals([stats().active, stats().total], [0, 3]);
});

Deno.test("144: an ended context goes first: no choice is made, no handler and no fallback called", async () => {
  const split = new WeightedSplit({ v1: 1, v2: 1 });
  let runs = 0;
  const handler = () => ++runs;
  const router = new Router({
    routes: { v1: handler, v2: handler },
    choose: split,
    fallback: () => 99,
  });
  using ctx = withCancel(background());
  ctx.cancel("gone");
  const { signal } = ctx;
  for (const wait of [ctx, signal, { ctx }, { signal, fallback: () => 98 }]) {
    assertEquals(await router.run(1, wait).catch((error) => error), "gone");
  }
  assertEquals([runs, split.pick()], [0, "v1"]);
});

Deno.test("144: a timeout is a failure, and its fallback is asked; a caller who leaves is neither", async () => {
  using clock = fakeClock();
  const { router, stats } = single({ fallback: () => "else" });
  const forever = () => new Promise(() => {});
  const late = router.run(forever, { timeout: 50 });
  await clock.tick(50);
  assertEquals(await late, "else");
  assertEquals([stats().calls, stats().errors, stats().cancelled], [1, 1, 0]);
  using ctx = withCancel(background());
  const left = router.run(forever, ctx);
  ctx.cancel("left");
  assertEquals(await left.catch((error) => error), "left");
  assertEquals([stats().calls, stats().errors, stats().cancelled], [1, 1, 1]);
});

Deno.test("144: whose context had a deadline ran out of time, too, whatever the cause; its fallback is not asked", async () => {
  using clock = fakeClock();
  const { router, stats } = single({ fallback: () => "else" });
  const forever = () => new Promise(() => {});
  using plain = withTimeout(background(), 50);
  using named = withTimeout(background(), 50, "too slow");
  const controller = new AbortController();
  const calls = [plain, named, controller.signal].map((wait) => router.run(forever, wait));
  const errors = Promise.allSettled(calls);
  await clock.tick(50);
  // As AbortSignal.timeout does it.
  controller.abort(new DOMException("time is up", "TimeoutError"));
  assertEquals((await errors).map(({ status }) => status), ["rejected", "rejected", "rejected"]);
  assertEquals([stats().calls, stats().errors, stats().cancelled], [3, 3, 0]);
});

Deno.test("144: an error of the handler is a failure also when the caller leaves in the same moment", async () => {
  const { router, stats } = single();
  using ctx = withCancel(background());
  const call = router.run(() => {
    ctx.cancel("left");
    throw broken;
  }, ctx);
  assertStrictEquals(await call.catch((error) => error), broken);
  assertEquals([stats().errors, stats().cancelled], [1, 0]);
});

Deno.test("144: a handler may end the context it was given for, and give a value all the same", async () => {
  const { router, stats } = single();
  using ctx = withCancel(background());
  const value = await router.run(() => {
    ctx.cancel("left");
    return 7;
  }, ctx);
  assertEquals([value, stats().calls, stats().errors], [7, 1, 0]);
});

Deno.test("144: isFailure says which errors speak against the route; if it throws, all do", async () => {
  using uncaught = catchUncaught();
  const notFound = new Error("404");
  const confused = new Error("confused");
  const { router, stats } = single({
    isFailure: (error) => {
      if (error === confused) throw error;
      return error !== notFound;
    },
  });
  for (const error of [notFound, broken, confused]) {
    const got = await router.run(() => Promise.reject(error)).catch((error) => error);
    assertStrictEquals(got, error);
  }
  assertEquals([stats().calls, stats().errors], [3, 2]);
  assertEquals(uncaught.errors, [confused]);
});

Deno.test("144: the end of the parent ends all calls, and later ones are refused with its cause", async () => {
  for (const kind of ["context", "signal"]) {
    const controller = spiedController();
    const ctx = withCancel(background());
    const parent = kind === "context" ? ctx : controller.signal;
    const { router, stats } = single({ parent });
    assertEquals(controller.listeners, 0);
    const job = new HeldJob();
    const call = router.run(job.job);
    const other = router.run(job.job, { timeout: 60_000 });
    assertEquals(await state(call), "pending");
    ctx.cancel("over");
    controller.abort("over");
    assertEquals(await call.catch((error) => error), "over");
    assertEquals(await other.catch((error) => error), "over");
    assertEquals(await router.run(() => 7).catch((error) => error), "over");
    assertEquals(job.ctx.done, true);
    assertEquals([stats().active, stats().cancelled, stats().total], [0, 2, 2]);
    assertEquals(controller.listeners, 0);
  }
});

Deno.test("144: nothing hangs on the parent or the caller's signal between calls, nor is a timer left", async () => {
  using clock = fakeClock();
  const parent = spiedController();
  const caller = spiedController();
  const { router } = single({ parent: parent.signal });
  const job = new HeldJob();
  const calls = [
    router.run(job.job, { signal: caller.signal, timeout: 1_000 }),
    router.run(() => Promise.reject(broken), { signal: caller.signal, timeout: 1_000 }),
    router.run(() => 7, { signal: caller.signal, timeout: 1_000 }),
  ];
  const all = Promise.allSettled(calls);
  await settled();
  assertEquals([parent.listeners, caller.listeners, clock.timers], [1, 1, 1]);
  job.end();
  await all;
  assertEquals([parent.listeners, caller.listeners, clock.timers], [0, 0, 0]);
});

Deno.test("144, R17: run never throws; what is no wait is refused, also beside a fallback", async () => {
  for (const fallback of [undefined, () => "else"]) {
    const { router, stats } = single({ fallback });
    const wrong: [unknown, string][] = [
      [null, "options must be an object"],
      [7, "options must be an object"],
      [{ signal: 7 }, "signal must be an AbortSignal"],
      [{ ctx: {} }, "ctx must be a context"],
      [{ throwIfDone: () => {} }, "has not made"],
      [Object.create({ throwIfDone: () => {} }), "has not made"],
      [{ fallback: 7 }, "fallback must be a function"],
      [{ fallback: null }, "fallback must be a function"],
      [{ timeout: "1" }, "timeout must be a number"],
    ];
    for (const [options, message] of wrong) {
      await assertRejects(() => router.run(() => 1, options as never), TypeError, message);
    }
    assertEquals(stats().total, 0);
  }
});

Deno.test("144, R17: what a router cannot be made of is told", () => {
  const good = { routes: { v1: () => 1 }, choose: () => "v1" };
  const wrong: [unknown, typeof Error, string][] = [
    [undefined, TypeError, "options must be an object of options, not undefined"],
    [{ ...good, routes: null }, TypeError, "routes must be an object"],
    [{ ...good, routes: {} }, RangeError, "routes must have one route at least"],
    [{ ...good, routes: { v1: 7 } }, TypeError, 'the route "v1" must be a function, not 7'],
    [{ ...good, choose: "v1" }, TypeError, "choose must be a function or a WeightedSplit"],
    [{ ...good, choose: { v1: 1 } }, TypeError, "choose must be a function or a WeightedSplit"],
    [{ ...good, fallback: "no" }, TypeError, "fallback must be a function"],
    [{ ...good, isFailure: 1 }, TypeError, "isFailure must be a function"],
    [{ ...good, name: 7 }, TypeError, "name must be a string"],
    [{ ...good, window: 0 }, RangeError, "window must be more than 0: 0"],
    [{ ...good, window: NaN }, RangeError, "window must be a number, not NaN"],
    [{ ...good, window: "1" }, TypeError, "window must be a number"],
    [{ ...good, clock: {} }, TypeError, "clock must have the functions"],
    [{ ...good, parent: 7 }, TypeError, "parent must be a context or an AbortSignal"],
    [{ ...good, parent: null }, TypeError, "parent must be a context or an AbortSignal"],
  ];
  for (const [options, type, message] of wrong) {
    assertThrows(() => new Router(options as never), type, message);
  }
  const rules: [() => unknown, string][] = [
    [() => byKey(7 as never, () => "a"), "keyOf must be a function, not 7"],
    [() => byKey(() => 1, "a" as never), "to must be a HashRing, a WeightedSplit or a function"],
    [() => byPredicate(7 as never, "a"), "rules must be pairs of a function and a route, not 7"],
    [() => byPredicate(["a"] as never, "a"), "a rule must be a pair"],
    [() => byPredicate([[() => true]] as never, "a"), "a rule must be a pair"],
    [() => byPredicate([["a", "b"]] as never, "a"), "a condition must be a function"],
  ];
  for (const [make, message] of rules) assertThrows(make, TypeError, message);
});

// ---- figures ----

Deno.test("144: latencies go by the clock, failures included; a quantile is off by 2 % at most", async () => {
  const { router, clock, stats } = single();
  const after = (ms: number) => () =>
    new Promise((resolve, reject) => clock.after(ms, ms % 2 === 0 ? () => resolve(ms) : reject));
  const calls: Promise<unknown>[] = [];
  for (let ms = 1; ms <= 200; ms++) calls.push(router.run(after(ms), { fallback: () => 0 }));
  assertEquals([stats().active, stats().calls], [200, 0]);
  await clock.advance(200);
  await Promise.all(calls);
  const { p50, p99, meanLatency, active, calls: count, errors } = stats();
  assertEquals([meanLatency, active, count, errors], [100.5, 0, 200, 100]);
  assert(Math.abs(p50 - 100) <= 2 && Math.abs(p99 - 198) <= 4, `${p50}, ${p99}`);
});

Deno.test("144: figures look back over the window, and no further; what runs now and the total do not", async () => {
  const { router, clock, stats } = single({ window: 1_000 });
  for (let i = 0; i < 10; i++) {
    await router.run(() => i);
    await clock.advance(100);
  }
  // The first slice has just gone.
  assertEquals([stats().calls, stats().total], [9, 10]);
  await clock.advance(450);
  assertEquals(stats().calls, 5);
  await router.run(() => 0);
  assertEquals(stats().calls, 6);
  await clock.advance(1e6);
  assertEquals([stats().calls, stats().p99, stats().errorShare, stats().total], [0, 0, 0, 11]);
});

Deno.test("144: errors and cancelled calls of a window that is gone are not those of the next", async () => {
  const { router, clock, stats } = single({ window: 1_000 });
  for (let round = 0; round < 3; round++) {
    await router.run(() => Promise.reject(broken)).catch(() => {});
    const ctx = withCancel(background());
    const left = router.run(() => new Promise(() => {}), ctx);
    ctx.cancel("left");
    await left.catch(() => {});
    assertEquals([stats().calls, stats().errors, stats().cancelled], [1, 1, 1]);
    await clock.advance(1_000);
  }
});

Deno.test("144: with an endless window nothing is forgotten", async () => {
  const { router, clock, stats } = single({ window: Infinity });
  for (let i = 0; i < 5; i++) {
    await router.run(() => i);
    await clock.advance(1e9);
  }
  assertEquals(stats().calls, 5);
});

Deno.test("144: clocks that begin below zero, or go back, harm nothing", async () => {
  let now = -5_000;
  const clock = { now: () => now, after: () => ({ stop: () => {} }) };
  const { router, stats } = single({ clock, window: 1_000 });
  await router.run(() => now += 10);
  assertEquals([stats().calls, stats().meanLatency], [1, 10]);
  await router.run(() => now -= 30);
  assertEquals([stats().calls, stats().meanLatency], [2, 5]);
  now = 3_000;
  assertEquals(stats().calls, 0);
});

Deno.test("144: random calls are counted as a list of all of them has it", async () => {
  const routes = ["v1", "v2"] as const;
  type Route = typeof routes[number];
  const outcomes: Record<string, CallOutcome> = { end: "done", fail: "failed", leave: "cancelled" };
  const act = fc.oneof(
    fc.record({ kind: fc.constant("run"), route: fc.constantFrom(...routes) }),
    fc.record({ kind: fc.constantFrom("end", "fail", "leave"), which: fc.nat() }),
    fc.record({ kind: fc.constant("wait"), ms: fc.oneof(fc.nat(30), fc.nat(300)) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 30 }), async (acts) => {
      const clock = new ManualClock();
      const router = new Router<HeldJob, void, Route>({
        ...{ window: 200, clock },
        routes: { v1: (job, ctx) => job.job(ctx), v2: (job, ctx) => job.job(ctx) },
        choose: () => next,
      });
      const told: RoutedCall<Route>[] = [];
      using _ = router.observe({ ended: (call) => void told.push(call) });
      let next: Route = "v1";
      const open: { job: HeldJob; route: Route; ctx: ReturnType<typeof withCancel>; at: number }[] =
        [];
      const ended: { route: Route; outcome: CallOutcome; latency: number; at: number }[] = [];
      for (const each of acts) {
        if ("route" in each) {
          next = each.route;
          const one = {
            job: new HeldJob(),
            route: next,
            ctx: withCancel(background()),
            at: clock.now(),
          };
          router.run(one.job, one.ctx).catch(() => {});
          open.push(one);
        } else if ("ms" in each) {
          await clock.advance(each.ms);
        } else if (open.length > 0) {
          const [one] = open.splice(each.which % open.length, 1);
          if (each.kind === "end") one!.job.end();
          if (each.kind === "fail") one!.job.fail(broken);
          if (each.kind === "leave") one!.ctx.cancel(broken);
          const outcome = outcomes[each.kind]!;
          const at = clock.now();
          ended.push({ route: one!.route, outcome, latency: at - one!.at, at });
          // Time passes for it only once it is counted.
          await clock.advance(0);
        }
        const stats = router.stats();
        const oldest = Math.floor(clock.now() / 20) - 10;
        for (const route of routes) {
          const own = ended.filter((call) => {
            return call.route === route && Math.floor(call.at / 20) > oldest;
          });
          const counted = own.filter(({ outcome }) => outcome !== "cancelled");
          const latencies = counted.map(({ latency }) => latency).sort((a, b) => a - b);
          const sum = latencies.reduce((sum, latency) => sum + latency, 0);
          const got = stats[route];
          assertEquals(
            [got.calls, got.errors, got.cancelled, got.active, got.total],
            [
              counted.length,
              counted.filter(({ outcome }) => outcome === "failed").length,
              own.length - counted.length,
              open.filter((call) => call.route === route).length,
              [...open, ...ended].filter((call) => call.route === route).length,
            ],
          );
          if (counted.length === 0) continue;
          assertEquals(got.errorShare, got.errors / got.calls);
          assert(Math.abs(got.meanLatency - sum / counted.length) < 1e-9);
          for (const [q, value] of [[0.5, got.p50], [0.99, got.p99]] as const) {
            const wanted = latencies[Math.ceil(q * latencies.length - 1e-9) - 1]!;
            assert(Math.abs(value - wanted) <= 0.02 * wanted + 1e-9, `${value}, ${wanted}`);
          }
        }
      }
      assertEquals(
        told.map(({ route, outcome, latency }) => ({ route, outcome, latency })),
        ended.map(({ route, outcome, latency }) => ({ route, outcome, latency })),
      );
      for (const { job } of open) job.end();
      await settled();
    }),
    { numRuns: RUNS },
  );
});

// ---- who watches ----

Deno.test("144: who watches is told of each call when it begins, and before its caller when it has ended", async () => {
  const { router, clock, stats } = single();
  const log: unknown[] = [];
  const calls: RoutedCall<"v1">[] = [];
  const watching = router.observe({
    begun: (call) => {
      calls.push(call);
      log.push(["begun", call.outcome, stats().active]);
    },
    ended: (call) => {
      assertStrictEquals(call, calls[0]);
      log.push([call.route, call.outcome, call.latency, call.error, stats().active, stats().calls]);
    },
  });
  const call = router.run(() => {
    log.push("runs");
    return new Promise((_, reject) => clock.after(25, () => reject(broken)));
  });
  const seen = call.catch(() => log.push("caller"));
  await clock.advance(25);
  await seen;
  assertEquals(log, [
    ["begun", undefined, 1],
    "runs",
    ["v1", "failed", 25, broken, 0, 1],
    "caller",
  ]);
  watching[Symbol.dispose]();
  watching[Symbol.dispose]();
  await router.run(() => 1);
  assertEquals(calls.length, 1);
});

Deno.test("144: the same observer may watch twice, may stop while it is told, and may call back", async () => {
  const { router } = single();
  let told = 0;
  let nested: Promise<unknown> | undefined;
  const observer = {
    ended() {
      told++;
      first[Symbol.dispose]();
      nested ??= router.run(() => "nested");
    },
  };
  const first = router.observe(observer);
  using _ = router.observe(observer);
  await router.run(() => 1);
  assertEquals(await nested, "nested");
  assertEquals(told, 3);
  assertEquals(router.stats().v1.calls, 2);
});

Deno.test("144: what an observer throws is an uncaught error, and harms neither the call nor the others", async () => {
  using uncaught = catchUncaught();
  const { router, stats } = single();
  const bad = () => {
    throw broken;
  };
  let told = 0;
  using _first = router.observe({ begun: bad, ended: bad });
  using _second = router.observe({ begun: () => void told++, ended: () => void told++ });
  assertEquals([await router.run(() => 7), told], [7, 2]);
  assertEquals(uncaught.errors, [broken, broken]);
  assertEquals([stats().calls, stats().errors, stats().active], [1, 0, 0]);
});

Deno.test("144, R17: what cannot watch is told", () => {
  const { router } = single();
  assertThrows(() => router.observe(7 as never), TypeError, "observer must be an object");
  assertThrows(() => router.observe({ begun: 7 } as never), TypeError, "observer.begun must be");
  assertThrows(() => router.observe({ ended: 7 } as never), TypeError, "observer.ended must be");
});

Deno.test("144: a handler that waits with its context ends with its caller", async () => {
  const { router } = single();
  using ctx = withCancel(background());
  let ended: unknown;
  const call = router.run(async (ctx) => {
    await sleep(60_000, ctx).catch((error) => ended = error);
  }, ctx);
  ctx.cancel("left");
  assertEquals(await call.catch((error) => error), "left");
  await settled();
  assertEquals(ended, "left");
});
