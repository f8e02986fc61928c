import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { background, DeadlineExceededError, withCancel } from "../mod.ts";
import {
  byKey,
  Canary,
  type CanaryOptions,
  type CanaryStep,
  Router,
  WeightedSplit,
} from "../flow/mod.ts";
import { ManualClock } from "../tasks/mod.ts";
import { fakeClock } from "./support/clock.ts";
import { HeldJob } from "./support/held_job.ts";
import { unused } from "./support/laws.ts";
import { settled, state } from "./support/settle.ts";
import { spiedController } from "./support/spied_signal.ts";
import { catchUncaught } from "./support/uncaught.ts";

const RUNS = 300;

const broken = new Error("broken");

type Version = "v1" | "v2" | "v3";
type Options = Partial<CanaryOptions<Version>>;

/** A router that sends items where they say, and a canary over a split of its own. */
class Release {
  readonly clock = new ManualClock();
  readonly split: WeightedSplit<Version>;
  readonly router = new Router<{ to: Version; job: () => unknown }, unknown, Version>({
    routes: {
      v1: ({ job }) => job(),
      v2: ({ job }) => job(),
      v3: ({ job }) => job(),
    },
    choose: ({ to }) => to,
    clock: this.clock,
  });
  readonly canary: Canary<Version>;
  readonly begun: CanaryStep[] = [];

  constructor(options: Options = {}, split = new WeightedSplit<Version>({ v1: 100, v2: 0 })) {
    this.split = split;
    this.canary = new Canary<Version>({
      ...{ split, router: this.router, stable: "v1", canary: "v2", clock: this.clock },
      ...{ steps: [10, 50, 100], interval: 1_000, minCalls: 10, maxErrorShare: 0.2 },
      onStep: (step) => this.begun.push(step),
      ...options,
    });
  }

  /** Shares of the two, in percent. */
  get shares(): [stable: number, canary: number] {
    return [Math.round(this.split.share("v1") * 100), Math.round(this.split.share("v2") * 100)];
  }

  /** So many calls, which end at once. */
  async calls(to: Version, count: number, fails = false): Promise<void> {
    for (let i = 0; i < count; i++) {
      await this.router.run({ to, job: () => fails ? Promise.reject(broken) : 1 }).catch(() => {});
    }
  }

  /** A call that goes on until it is ended. */
  held(to: Version): HeldJob {
    const held = new HeldJob();
    this.router.run({ to, job: () => held.job(background()) }).catch(() => {});
    return held;
  }

  /** Whether the run's promise is the only thing that it has left behind. */
  assertOver(): void {
    assertEquals([this.canary.stats().running, this.clock.timers], [false, 0]);
  }
}

// ---- steps ----

Deno.test("145: step by step the canary gets more, when its time and its calls are there, and then all", async () => {
  const release = new Release();
  const { clock, canary } = release;
  const run = canary.run();
  assertEquals([release.shares, canary.stats().running], [[90, 10], true]);
  for (const share of [10, 50, 100]) {
    assertEquals(release.shares, [100 - share, share]);
    assertEquals(canary.stats().percent, share);
    await release.calls("v2", 10);
    await clock.advance(999);
    assertEquals(release.shares, [100 - share, share]);
    assertEquals(await state(run), "pending");
    await clock.advance(1);
  }
  const { outcome, reason, step, percent, canary: { calls, errors } } = await run;
  assertEquals([outcome, reason, step, percent, calls, errors], [
    "promoted",
    undefined,
    2,
    100,
    10,
    0,
  ]);
  assertEquals(release.shares, [0, 100]);
  assertEquals(release.begun, [10, 50, 100].map((percent, step) => ({ step, percent })));
  release.assertOver();
});

Deno.test("145: a step without calls does not end, has no timer, and ends with the call that was missing", async () => {
  const release = new Release();
  const run = release.canary.run();
  await release.clock.advance(1_000);
  assertEquals(release.clock.timers, 0);
  await release.clock.advance(1e6);
  await release.calls("v2", 9);
  await release.calls("v1", 50);
  assertEquals(release.shares, [90, 10]);
  await release.calls("v2", 1);
  assertEquals(release.shares, [50, 50]);
  // Calls of one step are none of the next.
  assertEquals([release.canary.stats().canary.calls, await state(run)], [0, "pending"]);
  assertEquals(release.clock.timers, 1);
});

Deno.test("145: promotion gives the canary all, also if the last step is less", async () => {
  const release = new Release({ steps: [30], minCalls: 0, interval: 0 });
  const run = release.canary.run();
  assertEquals(release.shares, [70, 30]);
  await release.clock.advance(0);
  assertEquals([(await run).outcome, release.shares], ["promoted", [0, 100]]);
});

Deno.test("145: promotion gives the canary all of any weight, also one that a percentage rounds up", async () => {
  // 0.007 * 100 / 100 is more than 0.007, which left the other a weight below 0.
  for (const weight of [0.007, 0.014, 0.57, 1.1, 1e306]) {
    const release = new Release(
      { steps: [100], minCalls: 0 },
      new WeightedSplit<Version>({ v1: weight, v2: 0 }),
    );
    const run = release.canary.run();
    await release.clock.advance(1_000);
    assertEquals((await run).outcome, "promoted");
    assertEquals([...release.split.weights], [["v1", 0], ["v2", weight]]);
    release.assertOver();
  }
});

Deno.test("145: the two keep what they had together, in their order, and others keep theirs", async () => {
  const split = new WeightedSplit<Version>([["v3", 50], ["v2", 4], ["v1", 36]]);
  const release = new Release({ steps: [25], minCalls: 0 }, split);
  const run = release.canary.run();
  assertEquals([...split.weights], [["v3", 50], ["v2", 10], ["v1", 30]]);
  await release.clock.advance(1_000);
  await run;
  assertEquals([...split.weights], [["v3", 50], ["v2", 40], ["v1", 0]]);

  const apart = new WeightedSplit<Version>({ v1: 40, v3: 50, v2: 10 });
  void new Release({ steps: [50] }, apart).canary.run();
  assertEquals([...apart.weights], [["v1", 25], ["v3", 50], ["v2", 25]]);
});

Deno.test("145: a canary that is new to the split comes next to the stable version: only its users move", async () => {
  const split = new WeightedSplit<Version>({ v1: 50, v3: 50 });
  const release = new Release({ steps: [50] }, split);
  const users = Array.from({ length: 500 }, (_, i) => `user ${i}`);
  const before = users.map((user) => split.pickFor(user));
  void release.canary.run().catch(() => {});
  assertEquals([...split.weights.keys()], ["v1", "v2", "v3"]);
  users.forEach((user, i) => {
    const now = split.pickFor(user);
    assert(now === before[i] || (now === "v2" && before[i] === "v1"));
  });
  await settled();
});

Deno.test("145: what others do to the split meanwhile stays, and whoever takes the two out gets them back", async () => {
  const release = new Release({ minCalls: 0 });
  const run = release.canary.run();
  release.split.set({ v1: 90, v2: 10, v3: 100 });
  await release.clock.advance(1_000);
  assertEquals([...release.split.weights], [["v1", 50], ["v2", 50], ["v3", 100]]);
  release.split.set({ v3: 100 });
  await release.clock.advance(2_000);
  assertEquals((await run).outcome, "promoted");
  assertEquals([...release.split.weights], [["v3", 100], ["v1", 0], ["v2", 100]]);
});

Deno.test("145: a router that goes by the split serves the canary its share in each step", async () => {
  const split = new WeightedSplit({ v1: 90, v2: 10 });
  const router = new Router({ routes: { v1: () => "v1", v2: () => "v2" }, choose: split });
  const clock = new ManualClock();
  const canary = new Canary({
    ...{ split, router, stable: "v1", canary: "v2", clock, interval: 10, minCalls: 5 },
    steps: [10, 25, 50, 100],
  });
  const run = canary.run();
  const served: number[] = [];
  for (let step = 0; step < 5; step++) {
    const results = await Promise.all(Array.from({ length: 100 }, () => router.run(undefined)));
    served.push(results.filter((result) => result === "v2").length);
    await clock.advance(10);
  }
  assertEquals([served, (await run).outcome], [[10, 25, 50, 100, 100], "promoted"]);
});

Deno.test("145: by keys, who has met the canary stays with it while it is raised", async () => {
  const split = new WeightedSplit({ v1: 100, v2: 0 });
  const router = new Router({
    routes: { v1: (_: string) => "v1", v2: (_: string) => "v2" },
    choose: byKey((user: string) => user, split),
  });
  const clock = new ManualClock();
  const canary = new Canary({
    ...{ split, router, stable: "v1", canary: "v2", clock, interval: 10, minCalls: 1 },
  });
  const run = canary.run();
  const met = new Set<string>();
  for (let step = 0; step < 5; step++) {
    for (let i = 0; i < 200; i++) {
      const version = await router.run(`user ${i}`);
      if (version === "v2") met.add(`user ${i}`);
      else assert(!met.has(`user ${i}`));
    }
    await clock.advance(10);
  }
  assertEquals([(await run).outcome, met.size], ["promoted", 200]);
});

// ---- limits ----

Deno.test("145: errors above their share roll back at once: the very next choice is the stable version's", async () => {
  const release = new Release();
  const run = release.canary.run();
  await release.calls("v2", 18);
  await release.calls("v2", 4, true);
  // 4 of 22 are 18 %.
  assertEquals(release.shares, [90, 10]);
  release.router.observe({ ended: () => assertEquals(release.shares, [100, 0]) });
  await release.calls("v2", 1, true);
  const { outcome, reason, step, percent, canary } = await run;
  assertEquals([outcome, reason, step, percent], ["rolledBack", "errorShare", 0, 10]);
  assertEquals([canary.calls, canary.errors], [23, 5]);
  release.assertOver();
});

Deno.test("145: exactly the share that is allowed is allowed, whatever its fractions", async () => {
  for (const percent of [7, 29, 57, 58]) {
    const release = new Release({ maxErrorShare: percent / 100, minCalls: 100, steps: [50] });
    const run = release.canary.run();
    await release.calls("v2", percent, true);
    await release.calls("v2", 100 - percent);
    await release.clock.advance(1_000);
    assertEquals((await run).outcome, "promoted");
  }
});

Deno.test("145: before minCalls only what is certain counts: as many errors as would be too many then", async () => {
  const release = new Release({ minCalls: 100, maxErrorShare: 0.05 });
  const run = release.canary.run();
  await release.calls("v2", 5, true);
  assertEquals(release.shares, [90, 10]);
  await release.calls("v2", 1, true);
  assertEquals([(await run).reason, release.shares], ["errorShare", [100, 0]]);
});

Deno.test("145: each step has its own figures: errors of the last one do not count", async () => {
  const release = new Release();
  const run = release.canary.run();
  await release.calls("v2", 2, true);
  await release.calls("v2", 8);
  await release.clock.advance(1_000);
  await release.calls("v2", 2, true);
  await release.calls("v2", 8);
  assertEquals(release.shares, [50, 50]);
  await release.calls("v2", 1, true);
  const { step, reason } = await run;
  assertEquals([step, reason], [1, "errorShare"]);
});

Deno.test("145: no error of the stable version is the canary's, nor is a call that was cancelled", async () => {
  const release = new Release();
  const run = release.canary.run();
  await release.calls("v1", 50, true);
  for (let i = 0; i < 20; i++) {
    const job = new HeldJob();
    const ctx = withCancel(background());
    const call = release.router.run({ to: "v2", job: () => job.job(ctx) }, ctx);
    ctx.cancel("left");
    await call.catch(() => {});
  }
  const { canary, stable } = release.canary.stats();
  assertEquals([canary.calls, canary.cancelled, stable.calls, stable.errors], [0, 20, 50, 50]);
  await release.clock.advance(1_000);
  assertEquals([release.shares, await state(run)], [[90, 10], "pending"]);
});

Deno.test("145: calls that began before the run do not count, in whatever way they end", async () => {
  const release = new Release();
  const old = Array.from({ length: 20 }, () => release.held("v2"));
  const stable = Array.from({ length: 20 }, () => release.held("v1"));
  const run = release.canary.run();
  for (const job of [...old, ...stable]) job.fail(broken);
  await settled();
  assertEquals([release.canary.stats().canary.calls, release.shares], [0, [90, 10]]);
  assertEquals(release.canary.stats().stable.calls, 0);
  const late = release.held("v2");
  await release.calls("v2", 10);
  await release.clock.advance(1_000);
  // Of an earlier step of this run: counts where it ends.
  late.fail(broken);
  await settled();
  assertEquals([release.canary.stats().step, release.canary.stats().canary.errors], [1, 1]);
  assertEquals(await state(run), "pending");
});

Deno.test("145: beside the stable version: it may have so many times its errors, and two beside none", async () => {
  const release = new Release({ maxErrorShare: 1, maxErrorRatio: 2, minCalls: 10 });
  const run = release.canary.run();
  // Too few calls of the stable version to go by.
  await release.calls("v1", 9);
  await release.calls("v2", 3, true);
  await release.calls("v2", 90);
  assertEquals(release.shares, [90, 10]);
  await release.calls("v1", 81);
  await release.calls("v1", 10, true);
  // 10 % there, so that 20 of 100 are allowed here.
  await release.calls("v2", 17, true);
  assertEquals(release.canary.stats().canary.errors, 20);
  assertEquals(release.shares, [90, 10]);
  await release.calls("v2", 6, true);
  assertEquals([(await run).reason, release.shares], ["errorRatio", [100, 0]]);

  const good = new Release({ maxErrorShare: 1, maxErrorRatio: 2 });
  const other = good.canary.run();
  await good.calls("v1", 1_000);
  await good.calls("v2", 200);
  await good.calls("v2", 2, true);
  assertEquals(good.shares, [90, 10]);
  await good.calls("v2", 1, true);
  assertEquals((await other).reason, "errorRatio");
});

Deno.test("145: where the stable version has no calls, as in the last step, it is not gone by", async () => {
  const release = new Release({ steps: [100], maxErrorShare: 1, maxErrorRatio: 1, minCalls: 0 });
  const run = release.canary.run();
  await release.calls("v2", 9, true);
  await release.clock.advance(1_000);
  assertEquals((await run).outcome, "promoted");
});

Deno.test("145: the slowest but a hundredth may take maxLatency, and no longer", async () => {
  const release = new Release({ maxLatency: 50, minCalls: 100, interval: 100_000 });
  const run = release.canary.run();
  const take = async (ms: number) => {
    const job = release.held("v2");
    await release.clock.advance(ms);
    job.end();
    await release.clock.advance(0);
  };
  await take(50);
  await take(50.5);
  assertEquals(release.shares, [90, 10]);
  await take(50.5);
  const { reason, canary } = await run;
  assertEquals([reason, canary.calls, release.shares], ["latency", 3, [100, 0]]);
  release.assertOver();

  const many = new Release({ maxLatency: 50, minCalls: 100, interval: 100_000 });
  void many.canary.run();
  await many.calls("v2", 300);
  for (let slow = 0; slow < 3; slow++) {
    const job = many.held("v2");
    await many.clock.advance(51);
    job.end();
    await many.clock.advance(0);
  }
  assertEquals(many.shares, [90, 10]);
});

Deno.test("145: a version that hangs is found out by the clock, without the end of a call", async () => {
  const release = new Release({ maxLatency: 50, minCalls: 100, interval: 100_000 });
  const run = release.canary.run();
  const first = release.held("v2");
  await release.clock.advance(20);
  release.held("v2");
  await release.clock.advance(30);
  assertEquals(release.canary.stats().canary.calls, 0);
  await release.clock.advance(1);
  assertEquals([release.canary.stats().canary.calls, release.shares], [1, [90, 10]]);
  await release.clock.advance(19);
  assertEquals([release.shares, release.clock.timers], [[90, 10], 2]);
  await release.clock.advance(1);
  const { reason, canary } = await run;
  assertEquals([reason, canary.calls, canary.errors, release.shares], ["latency", 2, 0, [100, 0]]);
  release.assertOver();
  first.end();
  await settled();
});

Deno.test("145: a call that took too long counts once, and as an error too if it fails in the same step", async () => {
  const release = new Release({
    maxLatency: 50,
    minCalls: 200,
    maxErrorShare: 0.005,
    interval: 1e6,
  });
  const run = release.canary.run();
  const [good, bad] = [release.held("v2"), release.held("v2")];
  await release.clock.advance(51);
  good.end();
  await settled();
  const { calls, errors } = release.canary.stats().canary;
  assertEquals([calls, errors], [2, 0]);
  bad.fail(broken);
  await settled();
  assertEquals([release.canary.stats().canary.calls, release.canary.stats().canary.errors], [2, 1]);
  await release.calls("v2", 1, true);
  assertEquals((await run).reason, "errorShare");
});

Deno.test("145: a call that took too long in one step is nothing to the next", async () => {
  const release = new Release({ maxLatency: 50, minCalls: 100, maxErrorShare: 1 });
  void release.canary.run();
  const slow = release.held("v2");
  await release.calls("v2", 99);
  await release.clock.advance(1_000);
  assertEquals(release.canary.stats().step, 1);
  slow.fail(broken);
  await settled();
  const { calls, errors } = release.canary.stats().canary;
  assertEquals([calls, errors], [0, 0]);
});

Deno.test("145: the watch over calls has a timer only while one runs, and none without a limit", async () => {
  const release = new Release({ maxLatency: 50, interval: 1e6 });
  const ctx = withCancel(background());
  const run = release.canary.run(ctx);
  assertEquals(release.clock.timers, 1);
  const [one, other] = [release.held("v2"), release.held("v2")];
  release.held("v1");
  assertEquals(release.clock.timers, 2);
  one.end();
  await settled();
  assertEquals(release.clock.timers, 2);
  other.end();
  await settled();
  assertEquals(release.clock.timers, 1);
  release.held("v2");
  assertEquals(release.clock.timers, 2);
  ctx.cancel("enough");
  assertEquals(release.clock.timers, 0);
  await run.catch(() => {});

  const free = new Release({ interval: 1e6 });
  void free.canary.run();
  free.held("v2");
  assertEquals(free.clock.timers, 1);
});

// ---- ends ----

Deno.test("145: a run that is cancelled gives all back to the stable version, and leaves no trace", async () => {
  using clock = fakeClock();
  const ends: ((release: Release) => [Promise<unknown>, () => unknown])[] = [
    ({ canary }) => {
      const ctx = withCancel(background());
      return [canary.run(ctx), () => ctx.cancel(broken)];
    },
    ({ canary }) => {
      const controller = new AbortController();
      const run = canary.run({ signal: controller.signal, timeout: 60_000 });
      return [run, () => controller.abort(broken)];
    },
  ];
  for (const end of ends) {
    // In the first step, in one that waits for calls, and while a call runs.
    for (
      const reach of [
        () => {},
        (r: Release) => r.clock.advance(1_000),
        (r: Release) => void r.held("v2"),
      ]
    ) {
      const release = new Release({ maxLatency: 70_000 });
      const [run, cancel] = end(release);
      await reach(release);
      cancel();
      assertEquals(release.shares, [100, 0]);
      assertStrictEquals(await run.catch((error) => error), broken);
      release.assertOver();
      assertEquals(clock.timers, 0);
      // Nobody watches any more.
      await release.calls("v2", 50, true);
      assertEquals(release.canary.stats().canary.calls, 0);
    }
  }
});

Deno.test("145: nobody watches the router before a run, or after it, however it ended", async () => {
  let watching = 0;
  const router: CanaryOptions<Version>["router"] = {
    observe: () => {
      watching++;
      return { [Symbol.dispose]: () => void watching-- };
    },
  };
  const release = new Release({ router, minCalls: 0, steps: [50] });
  const ctx = withCancel(background());
  const left = release.canary.run(ctx);
  assertEquals(watching, 1);
  ctx.cancel(broken);
  assertEquals(watching, 0);
  await left.catch(() => {});
  const run = release.canary.run();
  await release.clock.advance(1_000);
  assertEquals([(await run).outcome, watching], ["promoted", 0]);
});

Deno.test("145: a timeout ends a run as well, and one of 0 begins none", async () => {
  using clock = fakeClock();
  const release = new Release();
  const run = release.canary.run({ timeout: 5_000 });
  const failed = assertRejects(() => run, DeadlineExceededError);
  await clock.tick(5_000);
  await failed;
  assertEquals([release.shares, clock.timers], [[100, 0], 0]);
  release.assertOver();
  release.split.set({ v1: 60, v2: 40 });
  await assertRejects(() => release.canary.run({ timeout: 0 }), DeadlineExceededError);
  assertEquals([release.shares, clock.timers], [[60, 40], 0]);
  release.assertOver();
});

Deno.test("145: an ended context goes first: nothing is moved, nobody told", async () => {
  const release = new Release({}, new WeightedSplit<Version>({ v1: 90, v2: 10 }));
  const ctx = withCancel(background());
  ctx.cancel(broken);
  for (const wait of [ctx, ctx.signal, { ctx }, { signal: ctx.signal }]) {
    assertStrictEquals(await release.canary.run(wait).catch((error) => error), broken);
  }
  assertEquals([release.shares, release.begun], [[90, 10], []]);
  release.assertOver();
});

Deno.test("145: the parent's end ends a run, and later ones are refused; nothing hangs on it in between", async () => {
  const controller = spiedController();
  const release = new Release({ parent: controller.signal });
  const first = release.canary.run();
  assertEquals(controller.listeners, 1);
  await release.calls("v2", 10, true);
  assertEquals([(await first).outcome, controller.listeners], ["rolledBack", 0]);
  const run = release.canary.run();
  controller.abort(broken);
  assertStrictEquals(await run.catch((error) => error), broken);
  assertEquals([release.shares, controller.listeners], [[100, 0], 0]);
  release.assertOver();
  release.split.set({ v3: 1 });
  assertStrictEquals(await release.canary.run().catch((error) => error), broken);
});

Deno.test("145: one run at a time; when it is over, another may begin, with figures of its own", async () => {
  const release = new Release({ name: "api" });
  const run = release.canary.run();
  await assertRejects(
    () => release.canary.run(),
    TypeError,
    'the canary "api" is being run already',
  );
  await release.calls("v2", 3, true);
  assertEquals((await run).outcome, "rolledBack");
  const again = release.canary.run();
  assertEquals([release.shares, release.canary.stats().canary.errors], [[90, 10], 0]);
  for (let step = 0; step < 3; step++) {
    await release.calls("v2", 10);
    await release.clock.advance(1_000);
  }
  assertEquals([(await again).outcome, release.shares], ["promoted", [0, 100]]);
});

Deno.test("145: what a canary is told of stays as it was when the run ended", async () => {
  const release = new Release();
  assertEquals(release.canary.stats(), {
    ...{ running: false, step: 0, percent: 0 },
    canary: { calls: 0, errors: 0, errorShare: 0, cancelled: 0, meanLatency: 0, p50: 0, p99: 0 },
    stable: { calls: 0, errors: 0, errorShare: 0, cancelled: 0, meanLatency: 0, p50: 0, p99: 0 },
  });
  const run = release.canary.run();
  await release.calls("v1", 4);
  await release.calls("v2", 3, true);
  const { canary, stable, step, percent } = await run;
  await release.calls("v2", 5);
  assertEquals(release.canary.stats(), { running: false, step, percent, canary, stable });
  assertEquals([canary.errors, stable.calls], [3, 4]);
});

Deno.test("145: onStep may call back: end the run, or start calls; what it throws harms nothing", async () => {
  using uncaught = catchUncaught();
  const ctx = withCancel(background());
  const release: Release = new Release({
    onStep: ({ step }) => {
      if (step === 0) throw broken;
      ctx.cancel("seen enough");
    },
  });
  const run = release.canary.run(ctx).catch((error) => error);
  await release.calls("v2", 10);
  await release.clock.advance(1_000);
  assertEquals(await run, "seen enough");
  assertEquals([release.shares, uncaught.errors], [[100, 0], [broken]]);
  release.assertOver();

  let again: Promise<unknown> | undefined;
  const other: Release = new Release({
    minCalls: 1,
    onStep: () => {
      again ??= other.canary.run();
      void other.calls("v2", 1);
    },
  });
  const promoted = other.canary.run();
  await assertRejects(() => again!, TypeError, "is being run already");
  await other.clock.advance(3_000);
  assertEquals((await promoted).outcome, "promoted");
});

Deno.test("145: the first step's onStep may end the run before run has returned", async () => {
  const ctx = withCancel(background());
  const release = new Release({ onStep: () => ctx.cancel("no") });
  const run = release.canary.run(ctx);
  assertEquals(release.shares, [100, 0]);
  assertEquals(await run.catch((error) => error), "no");
  release.assertOver();
});

Deno.test("145: a split that sends the two nothing, or does not know the stable one, is told; nothing has changed", async () => {
  const splits: [WeightedSplit<Version>, string][] = [
    [new WeightedSplit<Version>({ v2: 1 }), 'the split of the canary has no "v1"'],
    [new WeightedSplit<Version>({ v1: 0, v3: 1 }), "sends it nothing"],
    [new WeightedSplit<Version>({ v1: 0, v2: 0, v3: 1 }), "sends it nothing"],
  ];
  for (const [split, message] of splits) {
    const { weights } = split;
    const parent = spiedController();
    const release = new Release({ parent: parent.signal }, split);
    await assertRejects(() => release.canary.run(), RangeError, message);
    assertEquals([split.weights, parent.listeners], [weights, 0]);
    release.assertOver();
  }
});

Deno.test("145, R17: what a canary cannot be made of is told", async () => {
  const { split, router } = new Release();
  const good = { split, router, stable: "v1", canary: "v2" };
  const wrong: [unknown, typeof Error, string][] = [
    [undefined, TypeError, "options must be an object"],
    [{ ...good, split: { v1: 1 } }, TypeError, "split must be a WeightedSplit"],
    [{ ...good, router: null }, TypeError, "router must be an object"],
    [{ ...good, router: {} }, TypeError, "router must be a Router"],
    [{ ...good, stable: 7 }, TypeError, "stable must be a string, not 7"],
    [{ ...good, canary: undefined }, TypeError, "canary must be a string, not undefined"],
    [{ ...good, canary: "v1" }, RangeError, 'stable and canary must differ: "v1"'],
    [{ ...good, steps: 7 }, TypeError, "steps must be a list of percentages, not 7"],
    [{ ...good, steps: [] }, RangeError, "steps must have one step at least"],
    [{ ...good, steps: ["1"] }, TypeError, 'a step must be a number, not "1"'],
    [{ ...good, steps: [0] }, RangeError, "0 after 0"],
    [{ ...good, steps: [5, 5] }, RangeError, "5 after 5"],
    [{ ...good, steps: [5, 101] }, RangeError, "at most 100: 101 after 5"],
    [{ ...good, steps: [NaN] }, RangeError, "NaN"],
    [{ ...good, interval: -1 }, RangeError, "interval must be a finite number of at least 0: -1"],
    [{ ...good, interval: Infinity }, RangeError, "Infinity"],
    [{ ...good, interval: "1" }, TypeError, '"1"'],
    [{ ...good, minCalls: 1.5 }, RangeError, "minCalls must be an integer of at least 0"],
    [{ ...good, minCalls: Infinity }, RangeError, "minCalls must be finite"],
    [{ ...good, maxErrorShare: 1.1 }, RangeError, "maxErrorShare must be from 0 to 1: 1.1"],
    [{ ...good, maxErrorShare: -0.1 }, RangeError, "-0.1"],
    [{ ...good, maxErrorShare: "0" }, TypeError, '"0"'],
    [{ ...good, maxErrorRatio: 0 }, RangeError, "maxErrorRatio must be more than 0: 0"],
    [{ ...good, maxLatency: 0 }, RangeError, "maxLatency must be more than 0: 0"],
    [{ ...good, maxLatency: NaN }, RangeError, "maxLatency must be a number, not NaN"],
    [{ ...good, onStep: 7 }, TypeError, "onStep must be a function"],
    [{ ...good, clock: 7 }, TypeError, "clock must have the functions"],
    [{ ...good, parent: 7 }, TypeError, "parent must be a context or an AbortSignal"],
    [{ ...good, name: 7 }, TypeError, "name must be a string"],
  ];
  for (const [options, type, message] of wrong) {
    assertThrows(() => new Canary(options as never), type, message);
  }
  const { canary } = new Release();
  for (const wait of [null, 7, { timeout: "1" }, { signal: 7 }]) {
    await assertRejects(() => canary.run(wait as never), TypeError);
  }
  unused(() => {
    const typed = new WeightedSplit({ v1: 1, v2: 0 });
    const routed = new Router({ routes: { v1: () => 1, v2: () => 2 }, choose: typed });
    // @ts-expect-error: there is no such version.
    new Canary({ split: typed, router: routed, stable: "v1", canary: "v9" });
  });
});

// ---- a model ----

Deno.test("145: random traffic is judged as a list of its calls has it", async () => {
  const act = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        calls: fc.integer({ min: 1, max: 4 }),
        to: fc.constantFrom("v1" as const, "v2" as const),
        fails: fc.boolean(),
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        calls: fc.integer({ min: 1, max: 9 }),
        to: fc.constantFrom("v1" as const, "v2" as const),
        fails: fc.constant(false),
      }),
    },
    { weight: 2, arbitrary: fc.record({ hold: fc.constant(true) }) },
    { weight: 2, arbitrary: fc.record({ which: fc.nat(), fails: fc.boolean() }) },
    { weight: 4, arbitrary: fc.record({ ms: fc.integer({ min: 1, max: 40 }) }) },
  );
  const limits = fc.record({
    minCalls: fc.integer({ min: 0, max: 12 }),
    maxErrorShare: fc.constantFrom(0, 0.1, 0.3, 0.5, 1),
    maxErrorRatio: fc.constantFrom(0.5, 2, 4, Infinity),
    maxLatency: fc.constantFrom(15, 60, Infinity),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 40 }), limits, async (acts, limits) => {
      const steps = [10, 50, 100];
      const release = new Release({ ...limits, steps, interval: 50 });
      let result: string | undefined;
      release.canary.run().then(({ outcome, reason }) => result = reason ?? outcome);
      const model = new Model(steps.length, limits);
      const held: { job: HeldJob; at: number }[] = [];
      for (const each of acts) {
        if ("calls" in each) {
          await release.calls(each.to, each.calls, each.fails);
          for (let i = 0; i < each.calls; i++) model.call(each.to, each.fails, 0);
        } else if ("hold" in each) {
          held.push({ job: release.held("v2"), at: release.clock.now() });
          model.hold(release.clock.now());
        } else if ("which" in each && held.length > 0) {
          const index = each.which % held.length;
          const [one] = held.splice(index, 1);
          const { job } = one!;
          if (each.fails) job.fail(broken);
          else job.end();
          await release.clock.advance(0);
          model.end(index, each.fails, release.clock.now());
        } else if ("ms" in each) {
          for (let i = 0; i < each.ms; i++) {
            await release.clock.advance(1);
            model.tick(release.clock.now());
          }
        }
        await settled();
        assertEquals(result, model.result);
        const percent = { promoted: 100, running: steps[model.step] }[model.result ?? "running"] ??
          0;
        assertEquals(release.shares, [100 - percent!, percent!]);
        if (model.result === undefined) {
          const { step, canary, stable } = release.canary.stats();
          assertEquals([step, canary.calls, canary.errors, stable.calls, stable.errors], [
            ...[model.step, model.canary.calls, model.canary.errors],
            ...[model.stable.calls, model.stable.errors],
          ]);
        } else {
          release.assertOver();
        }
      }
      for (const { job } of held) job.end();
      await settled();
    }),
    { numRuns: RUNS },
  );
});

interface Limits {
  readonly minCalls: number;
  readonly maxErrorShare: number;
  readonly maxErrorRatio: number;
  readonly maxLatency: number;
}

/** What a run is to do, by looking at everything each time. */
class Model {
  step = 0;
  result: string | undefined;
  canary = { calls: 0, errors: 0, slow: 0 };
  stable = { calls: 0, errors: 0 };
  #since = 0;
  readonly #held: { at: number; seen: number | undefined }[] = [];
  readonly #steps: number;
  readonly #limits: Limits;
  #now = 0;

  constructor(steps: number, limits: Limits) {
    this.#steps = steps;
    this.#limits = limits;
  }

  call(to: "v1" | "v2", fails: boolean, latency: number): void {
    if (this.result !== undefined) return;
    if (to === "v1") {
      this.stable.calls++;
      if (fails) this.stable.errors++;
      return;
    }
    this.canary.calls++;
    if (fails) this.canary.errors++;
    if (latency > this.#limits.maxLatency) this.canary.slow++;
    this.#judge();
  }

  hold(at: number): void {
    this.#held.push({ at, seen: this.result === undefined ? undefined : -1 });
  }

  end(index: number, fails: boolean, now: number): void {
    const [{ at, seen }] = this.#held.splice(index, 1) as [
      { at: number; seen: number | undefined },
    ];
    if (this.result !== undefined) return;
    if (seen === undefined) {
      this.call("v2", fails, now - at);
    } else if (seen === this.step && fails) {
      this.canary.errors++;
      this.#judge();
    }
  }

  /** A millisecond has passed. */
  tick(now: number): void {
    this.#now = now;
    if (this.result !== undefined) return;
    let found = false;
    for (const one of this.#held) {
      if (one.seen !== undefined || now - one.at <= this.#limits.maxLatency) continue;
      one.seen = this.step;
      this.canary.calls++;
      this.canary.slow++;
      found = true;
    }
    if (found || now === this.#since + 50) this.#judge();
  }

  #judge(): void {
    const { minCalls, maxErrorShare, maxErrorRatio } = this.#limits;
    const { calls, errors, slow } = this.canary;
    const sure = Math.max(calls, minCalls);
    if (errors > maxErrorShare * sure + 1e-9) this.result = "errorShare";
    else if (sure - Math.ceil(sure * 99 / 100) < slow) this.result = "latency";
    else if (this.stable.calls >= Math.max(1, minCalls)) {
      const theirs = Math.max(1, this.stable.errors * sure / this.stable.calls);
      if (errors > maxErrorRatio * theirs + 1e-9) this.result = "errorRatio";
    }
    if (this.result !== undefined) return;
    if (this.#now < this.#since + 50 || calls < minCalls) return;
    if (++this.step === this.#steps) this.result = "promoted";
    this.canary = { calls: 0, errors: 0, slow: 0 };
    this.stable = { calls: 0, errors: 0 };
    this.#since = this.#now;
  }
}
