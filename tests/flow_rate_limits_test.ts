import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { background, DeadlineExceededError, withCancel, withTimeout } from "../mod.ts";
import {
  KeyedLimiter,
  OverloadError,
  RateLimiter,
  type RateLimiterOptions,
  type RateMeter,
  SlidingWindow,
  TokenBucket,
} from "../flow/mod.ts";
import { GrantLog } from "../flow/limits/grant_log.ts";
import { type Clock, ManualClock } from "../tasks/mod.ts";
import { fakeClock } from "./support/clock.ts";
import { held } from "./support/collect.ts";
import { failure } from "./support/queues.ts";
import { settled, state } from "./support/settle.ts";
import { skewedClock } from "./support/skewed_clock.ts";
import { spiedController } from "./support/spied_signal.ts";

/** When each of the promises settles. */
function times(clock: Clock, promises: readonly Promise<unknown>[]): (number | undefined)[] {
  const at: (number | undefined)[] = promises.map(() => undefined);
  promises.forEach((promise, i) =>
    void promise.then(() => at[i] = clock.now(), () => at[i] = clock.now())
  );
  return at;
}

/** Both kinds, each with one at a time, every 100 ms. */
const kinds: readonly [string, (clock: Clock, options?: RateLimiterOptions) => RateLimiter][] = [
  ["token bucket", (clock, more) => new TokenBucket({ rate: 10, burst: 1, clock, ...more })],
  ["sliding window", (clock, more) => new SlidingWindow({ limit: 1, window: 100, clock, ...more })],
];

// ---- 137: the token bucket ----

Deno.test("137: a bucket is full at first, is refilled steadily, and holds no more than its burst", async () => {
  const clock = new ManualClock(5_000);
  const bucket = new TokenBucket({ rate: 10, burst: 3, clock });
  assertEquals([bucket.rate, bucket.per, bucket.burst], [10, 1_000, 3]);
  assertEquals([1, 2, 3, 4].map(() => bucket.tryAcquire()), [true, true, true, false]);
  await clock.advance(99);
  assertEquals([bucket.available, bucket.tryAcquire()], [0, false]);
  await clock.advance(1);
  assertEquals([bucket.available, bucket.tryAcquire(), bucket.tryAcquire()], [1, true, false]);
  await clock.advance(100_000);
  assertEquals([bucket.available, bucket.tryAcquireMany(3), bucket.tryAcquire()], [3, true, false]);
});

Deno.test("137: time that passes while the bucket is full is not kept", async () => {
  const clock = new ManualClock();
  const bucket = new TokenBucket({ rate: 10, burst: 2, clock });
  await clock.advance(150);
  const at = times(clock, [1, 2, 3, 4].map(() => bucket.acquire()));
  await clock.advance(1_000);
  assertEquals(at, [150, 150, 250, 350]);
});

Deno.test("137: a part of a token is kept", async () => {
  const clock = new ManualClock();
  const bucket = new TokenBucket({ rate: 1, per: 100, burst: 2, clock });
  assert(bucket.tryAcquireMany(2));
  await clock.advance(150);
  assertEquals([bucket.available, bucket.retryAfter(), bucket.retryAfter(2)], [1, 0, 50]);
  assert(bucket.tryAcquire());
  assertEquals(bucket.retryAfter(), 50);
});

Deno.test("137: `burst` is `rate` if it is left out, in whole tokens, and at least 1", () => {
  assertEquals(new TokenBucket({ rate: 7 }).burst, 7);
  assertEquals(new TokenBucket({ rate: 2.5 }).burst, 2);
  assertEquals(new TokenBucket({ rate: 0.1 }).burst, 1);
});

Deno.test("137: nothing adds up: the millionth token comes when it has to", async () => {
  for (const burst of [1, 5]) {
    let now = 0;
    const bucket = new TokenBucket({ rate: 3, burst, clock: { now: () => now, after: later } });
    for (let i = 0; i < 1_000_000 + burst; i++) {
      now += bucket.retryAfter();
      assert(bucket.tryAcquire());
    }
    assert(Math.abs(now - 1e9 / 3) < 1e-6, `${now}`);
  }
  const clock = new ManualClock();
  const busy = new TokenBucket({ rate: 3, burst: 1, clock });
  const at = times(clock, Array.from({ length: 301 }, () => busy.acquire()));
  await clock.advance(100_000);
  assertEquals([at[3], at[150], at[300]], [1_000, 50_000, 100_000]);
});

Deno.test("137: after exactly `retryAfter` a token is there, whatever the numbers are", async () => {
  for (const rate of [3, 7, 0.3, 1 / 3, 1e6, 1e-3]) {
    for (const start of [0, 0.1, 1e-9, 123.456, -7.7, Date.UTC(2026, 0, 1) + 0.3]) {
      const clock = new ManualClock(start);
      const bucket = new TokenBucket({ rate, burst: 2, clock });
      for (let i = 0; i < 10; i++) {
        while (bucket.tryAcquire());
        const wait = bucket.retryAfter();
        assert(wait > 0, `${rate} from ${start}: ${wait}`);
        await clock.advance(wait);
        assertEquals(bucket.retryAfter(), 0, `${rate} from ${start}`);
        assert(bucket.tryAcquire(), `${rate} from ${start}`);
      }
    }
  }
});

// ---- 138: the sliding window ----

Deno.test("138: what was taken comes free when the window has passed since, to the millisecond", async () => {
  const clock = new ManualClock();
  const limiter = new SlidingWindow({ limit: 3, window: 1_000, clock });
  assertEquals([limiter.limit, limiter.window, limiter.available], [3, 1_000, 3]);
  assert(limiter.tryAcquire());
  await clock.advance(400);
  assert(limiter.tryAcquireMany(2));
  assertEquals([limiter.available, limiter.tryAcquire(), limiter.retryAfter()], [0, false, 600]);
  assertEquals([limiter.retryAfter(2), limiter.retryAfter(3)], [1_000, 1_000]);
  await clock.advance(599);
  assertEquals([limiter.available, limiter.tryAcquire()], [0, false]);
  await clock.advance(1);
  assertEquals([limiter.available, limiter.tryAcquire(), limiter.tryAcquire()], [1, true, false]);
  assertEquals([limiter.retryAfter(), limiter.retryAfter(3)], [400, 1_000]);
});

Deno.test("138: there is no edge at which twice the limit gets through", async () => {
  const clock = new ManualClock();
  const limiter = new SlidingWindow({ limit: 5, window: 1_000, clock });
  await clock.advance(990);
  const at = times(clock, Array.from({ length: 15 }, () => limiter.acquire()));
  await clock.advance(5_000);
  assertEquals([at[4], at[5], at[9], at[10]], [990, 1_990, 1_990, 2_990]);
});

Deno.test("138: what is logged does not grow with what was handed out, and is gone after a window", () => {
  const log = new GrantLog(1_000);
  for (let now = 0; now < 100_000; now += 10) {
    log.add(now, 3);
    log.add(now, 4);
    assert(log.slots <= 200, `${log.slots} slots`);
    if (now >= 1_000) {
      assertEquals([log.units, log.timeOf(1), log.timeOf(8)], [700, now - 990, now - 980]);
    }
  }
  log.forget(100_989);
  assertEquals([log.units, log.last], [7, 99_990]);
  log.forget(100_990);
  assertEquals([log.units, log.slots, log.last], [0, 0, -Infinity]);
});

// ---- both: order, earliest moment ----

for (const [kind, make] of kinds) {
  Deno.test(`137, 138: ${kind}: first come, first served, each at the earliest moment`, async () => {
    const clock = new ManualClock();
    const limiter = make(clock);
    const order: number[] = [];
    const all = [0, 1, 2, 3].map((i) => limiter.acquire().then(() => void order.push(i)));
    const at = times(clock, all);
    assertEquals([limiter.waiting, clock.timers], [3, 1]);
    await clock.advance(1_000);
    assertEquals([order, at], [[0, 1, 2, 3], [0, 100, 200, 300]]);
    assertEquals([limiter.waiting, clock.timers], [0, 0]);
  });

  Deno.test(`137, 138: ${kind}: who tries does not overtake those who wait`, async () => {
    const clock = new ManualClock();
    const limiter = make(clock);
    await limiter.acquire();
    const waiting = limiter.acquire();
    assertEquals(limiter.retryAfter(), 200);
    await clock.advance(100);
    await waiting;
    assertEquals([limiter.tryAcquire(), limiter.retryAfter()], [false, 100]);
  });

  Deno.test(`137, 138: ${kind}: if the timer is late, whoever comes does not overtake, and is told the same`, async () => {
    using fake = fakeClock();
    const limiter = make({ now: () => performance.now(), after: later });
    assert(limiter.tryAcquire());
    const waiting = limiter.acquire();
    {
      using _ = skewedClock({ monotonic: 250 });
      // It is served by the call that finds it due, whose own turn comes after it.
      assertEquals([limiter.tryAcquire(), limiter.waiting, limiter.retryAfter()], [false, 0, 100]);
      assertEquals(await state(waiting), "fulfilled");
    }
    assertEquals(fake.timers, 0);
  });

  Deno.test(`137, 138: ${kind}: if the timer is late, who asks when to come is told so as if it were not`, () => {
    let now = 0;
    const limiter = make({ now: () => now, after: later });
    assert(limiter.tryAcquire());
    void limiter.acquire();
    now = 250;
    assertEquals([limiter.retryAfter(), limiter.waiting], [100, 0]);
  });

  Deno.test(`137, 138: ${kind}: one timer is set for each head of the line, and no more`, async () => {
    const clock = new ManualClock();
    let set = 0;
    const limiter = make({
      now: () => clock.now(),
      after: (ms, fn) => (set++, clock.after(ms, fn)),
    });
    assert(limiter.tryAcquire());
    const all = [limiter.acquire(), limiter.acquire()];
    for (let i = 0; i < 10; i++) limiter.tryAcquire();
    assertEquals([set, limiter.stats().refused], [1, 10]);
    await clock.advance(1_000);
    await Promise.all(all);
    assertEquals(set, 2);
  });

  Deno.test(`137, 138: ${kind}: who was served hangs on nothing any more`, async () => {
    const clock = new ManualClock();
    const limiter = make(clock);
    const spy = spiedController();
    const all = [limiter.acquire(spy.signal), limiter.acquire(spy.signal)];
    assertEquals(spy.listeners, 1);
    await clock.advance(100);
    await Promise.all(all);
    assertEquals(spy.listeners, 0);
  });

  Deno.test(`137, 138: ${kind}: nobody is served by a timer when the parent's deadline has passed`, async () => {
    using _fake = fakeClock();
    const clock = new ManualClock();
    using parent = withTimeout(background(), 100);
    const limiter = make(clock, { parent });
    assert(limiter.tryAcquire());
    const waiting = failure(limiter.acquire());
    {
      using _ = skewedClock({ monotonic: 150 });
      await clock.advance(100);
    }
    assertStrictEquals(await waiting, parent.cause);
    assertEquals([limiter.stats().granted, clock.timers], [1, 0]);
  });

  Deno.test(`137, 138: ${kind}: a timer that runs too early waits a millisecond more, and grants nothing`, async () => {
    const early: { ms: number; fn: () => void }[] = [];
    let now = 0;
    const limiter = make({
      now: () => now,
      after: (ms, fn) => (early.push({ ms, fn }), { stop: () => {} }),
    });
    assert(limiter.tryAcquire());
    const waiting = limiter.acquire();
    now = 99.7;
    early.at(-1)!.fn();
    assertEquals([early.map(({ ms }) => ms), limiter.waiting], [[100, 1], 1]);
    now = 100.7;
    early.at(-1)!.fn();
    assertEquals([early.length, limiter.waiting], [2, 0]);
    await waiting;
  });

  Deno.test(`137, 138: ${kind}: a cancelled call has taken nothing, and leaves no trace`, async () => {
    const clock = new ManualClock();
    const limiter = make(clock);
    assert(limiter.tryAcquire());
    const spy = spiedController();
    const ctx = withCancel(background());
    const calls = [
      limiter.acquire(spy.signal),
      limiter.acquire(ctx),
      limiter.acquire({ timeout: 0 }),
    ];
    assertEquals([limiter.waiting, clock.timers, spy.listeners], [2, 1, 1]);
    spy.abort("first");
    assertEquals([limiter.waiting, clock.timers, spy.listeners], [1, 1, 0]);
    ctx.cancel("second");
    assertEquals([limiter.waiting, clock.timers], [0, 0]);
    const errors = await Promise.all(calls.map(failure));
    assertEquals(errors.slice(0, 2), ["first", "second"]);
    assert(errors[2] instanceof DeadlineExceededError);
    assertEquals(limiter.stats(), { available: 0, waiting: 0, granted: 1, refused: 0 });
    await clock.advance(100);
    assertEquals([limiter.available, limiter.retryAfter()], [1, 0]);
  });

  Deno.test(`137, 138: ${kind}: a context that has ended goes first, and nothing is taken`, async () => {
    const limiter = make(new ManualClock());
    using ctx = withCancel(background());
    ctx.cancel("over");
    assertEquals(await failure(limiter.acquire(ctx)), "over");
    assertEquals(await failure(limiter.run(() => 1, ctx)), "over");
    assertEquals([limiter.available, limiter.stats().granted], [1, 0]);
  });

  Deno.test(`137, 138: ${kind}: when the head leaves, the next one gets a timer of its own`, async () => {
    const clock = new ManualClock();
    const limiter = make(clock);
    assert(limiter.tryAcquire());
    const ctx = withCancel(background());
    const gone = failure(limiter.acquire(ctx));
    const next = limiter.acquire();
    await clock.advance(50);
    ctx.cancel("gone");
    assertEquals([await gone, clock.timers], ["gone", 1]);
    const at = times(clock, [next]);
    await clock.advance(100);
    assertEquals(at, [100]);
  });

  Deno.test(`137, 138: ${kind}: the end of the parent rejects all who wait, and nothing is handed out any more`, async () => {
    const clock = new ManualClock();
    const spy = spiedController();
    const limiter = make(clock, { parent: spy.signal });
    assertEquals(spy.listeners, 0);
    assert(limiter.tryAcquire());
    const ctx = withCancel(background());
    const waiting = [limiter.acquire(), limiter.acquire(ctx), limiter.run(() => 7)];
    assertEquals([spy.listeners, clock.timers, limiter.waiting], [1, 1, 3]);
    spy.abort("closed");
    assertEquals([spy.listeners, clock.timers, limiter.waiting], [0, 0, 0]);
    assertEquals(await Promise.all(waiting.map(failure)), ["closed", "closed", "closed"]);
    await clock.advance(1_000);
    assertEquals([limiter.available, limiter.retryAfter()], [0, Infinity]);
    assertEquals([limiter.tryAcquire(), await failure(limiter.acquire())], [false, "closed"]);
    assertEquals(await failure(limiter.run(() => 7)), "closed");
    ctx.cancel();
  });

  Deno.test(`137, 138: ${kind}: for nobody who waits it hangs on nothing`, async () => {
    const clock = new ManualClock();
    const spy = spiedController();
    const limiter = make(clock, { parent: spy.signal });
    assert(limiter.tryAcquire());
    const waiting = [limiter.acquire(), limiter.acquire()];
    assertEquals(spy.listeners, 1);
    await clock.advance(100);
    await waiting[0];
    assertEquals(spy.listeners, 1);
    await clock.advance(100);
    await waiting[1];
    assertEquals([spy.listeners, clock.timers], [0, 0]);
  });

  Deno.test(`137, 138: ${kind}: a parent whose deadline has passed counts before its timer has run`, async () => {
    using fake = fakeClock();
    const clock: Clock = { now: () => performance.now(), after: later };
    using parent = withTimeout(background(), 100);
    const limiter = make(clock, { parent });
    assert(limiter.tryAcquire());
    const waiting = failure(limiter.acquire());
    {
      using _ = skewedClock({ monotonic: 150 });
      assertEquals([limiter.tryAcquire(), limiter.waiting], [false, 0]);
    }
    assertStrictEquals(await waiting, parent.cause);
    assertEquals(fake.timers, 0);
  });

  Deno.test(`137, 138: ${kind}: \`reset\` makes it as new, and serves those who wait as far as that goes`, async () => {
    const clock = new ManualClock();
    const limiter = make(clock);
    assertEquals(limiter.idleAt, -Infinity);
    assert(limiter.tryAcquire());
    assertEquals(limiter.idleAt, 100);
    const at = times(clock, [limiter.acquire(), limiter.acquire()]);
    await clock.advance(30);
    limiter.reset();
    assertEquals([limiter.waiting, clock.timers], [1, 1]);
    await clock.advance(100);
    assertEquals([at, limiter.stats().granted, clock.timers], [[30, 130], 3, 0]);
    limiter.reset();
    assertEquals([limiter.available, limiter.retryAfter(), limiter.idleAt], [1, 0, -Infinity]);
  });

  Deno.test(`137, 138: ${kind}: \`run\` waits for one, then runs the job, and rejects when its time is up`, async () => {
    const clock = new ManualClock();
    const limiter = make(clock);
    const at: number[] = [];
    const job = () => (at.push(clock.now()), at.length);
    const results = Promise.all([limiter.run(job), limiter.run(job), limiter.run(job)]);
    await clock.advance(200);
    assertEquals([await results, at], [[1, 2, 3], [0, 100, 200]]);
    limiter.reset();
    using ctx = withCancel(background());
    const seen: boolean[] = [];
    const stuck = limiter.run((own) => new Promise<never>(() => seen.push(own.done)), ctx);
    await settled();
    ctx.cancel("enough");
    assertEquals([await failure(stuck), seen], ["enough", [false]]);
  });
}

/** A timer that never has its turn. */
function later(): { stop(): void } {
  return { stop: () => {} };
}

// ---- both: more than one at once ----

/** Both kinds, with four in 400 ms. */
const wide: readonly [string, (clock: Clock) => RateLimiter][] = [
  ["token bucket", (clock) => new TokenBucket({ rate: 10, burst: 4, clock })],
  ["sliding window", (clock) => new SlidingWindow({ limit: 4, window: 400, clock })],
];

for (const [kind, make] of wide) {
  Deno.test(`137, 138: ${kind}: a big request at the head holds up small ones, so that it is not starved`, async () => {
    const clock = new ManualClock();
    const limiter = make(clock);
    assert(limiter.tryAcquireMany(3));
    const at = times(clock, [limiter.acquireMany(4), limiter.acquire(), limiter.acquire()]);
    assertEquals([limiter.available, limiter.tryAcquire()], [1, false]);
    await clock.advance(2_000);
    assertEquals(at, kind === "token bucket" ? [300, 400, 500] : [400, 800, 800]);
  });

  Deno.test(`137, 138: ${kind}: when the big one is cancelled, those that fit are served before \`cancel\` returns`, async () => {
    const clock = new ManualClock();
    const limiter = make(clock);
    assert(limiter.tryAcquireMany(2));
    const ctx = withCancel(background());
    const big = failure(limiter.acquireMany(4, ctx));
    const small = [limiter.acquire(), limiter.acquire(), limiter.acquire()];
    ctx.cancel("gone");
    assertEquals([limiter.available, limiter.waiting, clock.timers], [0, 1, 1]);
    assertEquals([await big, await state(small[1]!), await state(small[2]!)], [
      "gone",
      "fulfilled",
      "pending",
    ]);
    await clock.advance(400);
    await small[2];
  });

  Deno.test(`137, 138: ${kind}: nobody is served whose context ends with that of the head`, async () => {
    const clock = new ManualClock();
    const limiter = make(clock);
    assert(limiter.tryAcquireMany(2));
    using ctx = withCancel(background());
    const gone = [limiter.acquireMany(4, ctx), limiter.acquire(ctx)].map(failure);
    const other = limiter.acquireMany(2);
    ctx.cancel("gone");
    assertEquals([await Promise.all(gone), await state(other)], [["gone", "gone"], "fulfilled"]);
    assertEquals(limiter.stats().granted, 4);
  });

  Deno.test(`137, 138: ${kind}: a request that gives up by its timeout of 0 holds up nobody`, async () => {
    const limiter = make(new ManualClock());
    assert(limiter.tryAcquireMany(2));
    await assertRejects(() => limiter.acquireMany(3, { timeout: 0 }), DeadlineExceededError);
    assertEquals([limiter.waiting, limiter.tryAcquireMany(2)], [0, true]);
  });

  Deno.test(`137, 138: ${kind}: more than can ever be had is refused at once, and holds up nobody`, async () => {
    const limiter = make(new ManualClock());
    const message = "count must be at most 4, or the rate limiter never grants it: 5";
    await assertRejects(() => limiter.acquireMany(5), RangeError, message);
    await assertRejects(() => limiter.acquireMany(Infinity), RangeError, "never grants it");
    assertThrows(() => limiter.tryAcquireMany(5), RangeError, message);
    assertEquals([limiter.retryAfter(5), limiter.retryAfter(4)], [Infinity, 0]);
    assertEquals(limiter.stats(), { available: 4, waiting: 0, granted: 0, refused: 0 });
    assert(limiter.tryAcquireMany(4));
  });

  Deno.test(`137, 138: ${kind}: \`retryAfter\` counts those who wait, however many they are`, async () => {
    const clock = new ManualClock();
    const limiter = make(clock);
    const counts = [4, 3, 3, 1, 4, 2, 2, 2, 4, 1];
    const all = counts.map((count) => {
      const after = limiter.retryAfter(count);
      return { after, promise: limiter.acquireMany(count) };
    });
    const at = times(clock, all.map(({ promise }) => promise));
    await clock.advance(10_000);
    assertEquals(at, all.map(({ after }) => after));
    assertEquals(at[9], kind === "token bucket" ? 2_200 : 2_800);
  });

  Deno.test(`137, 138: ${kind}: whoever waits is served in one go, as far as it goes`, async () => {
    const clock = new ManualClock();
    const limiter = make(clock);
    assert(limiter.tryAcquireMany(4));
    const all = [1, 1, 1, 2].map((count) => limiter.acquireMany(count));
    limiter.reset();
    assertEquals([limiter.waiting, limiter.available], [1, 1]);
    await Promise.all(all.slice(0, 3));
    await clock.advance(400);
    await all[3];
  });
}

// ---- what is run ----

Deno.test("137: a job that is run is given a context, which ends with what ends the call", async () => {
  const clock = new ManualClock();
  using parent = withCancel(background());
  const limiter = new TokenBucket({ rate: 10, clock, parent });
  using ctx = withCancel(background());
  const ends: unknown[] = [];
  const job = (own: { signal: AbortSignal }) =>
    new Promise<never>(() =>
      own.signal.addEventListener("abort", () => ends.push(own.signal.reason))
    );
  const runs = [limiter.run(job, ctx), limiter.run(job, { ctx }), limiter.run(job)].map(failure);
  await settled();
  ctx.cancel("caller");
  assertEquals(ends, ["caller", "caller"]);
  parent.cancel("parent");
  assertEquals([ends[2], await Promise.all(runs)], ["parent", ["caller", "caller", "parent"]]);
});

Deno.test("137: a job is not run when its caller has left the line, and nothing is taken for it", async () => {
  const clock = new ManualClock();
  const limiter = new TokenBucket({ rate: 10, burst: 1, clock });
  assert(limiter.tryAcquire());
  using ctx = withCancel(background());
  let runs = 0;
  const gone = failure(limiter.run(() => runs++, ctx));
  const served = limiter.run(() => runs++);
  ctx.cancel("gone");
  await clock.advance(100);
  assertEquals([await gone, await served, runs, limiter.stats().granted], ["gone", 0, 1, 2]);
});

Deno.test("137: a job is not run either if its caller leaves when it has just been served", async () => {
  const limiter = new TokenBucket({ rate: 10, clock: new ManualClock() });
  using ctx = withCancel(background());
  let runs = 0;
  const gone = failure(limiter.run(() => runs++, ctx));
  ctx.cancel("gone");
  assertEquals([await gone, runs], ["gone", 0]);
});

Deno.test("137: the fallback serves when the job fails, not when the caller has left", async () => {
  const limiter = new TokenBucket({ rate: 10, clock: new ManualClock() });
  const fallback = (error: unknown) => `fallback for ${error}`;
  assertEquals(await limiter.run(() => Promise.reject("no"), { fallback }), "fallback for no");
  const job = () => {
    throw "thrown";
  };
  assertEquals(await limiter.run(job, { fallback }), "fallback for thrown");
  using ctx = withCancel(background());
  ctx.cancel("left");
  assertEquals(await failure(limiter.run(() => "job", { ctx, fallback })), "left");
});

// ---- arguments ----

Deno.test("137, 138: what is no option, no number or no count is refused by name", async () => {
  const bad: [() => unknown, typeof TypeError | typeof RangeError, string][] = [
    [() => new TokenBucket(undefined as never), TypeError, "options must be an object"],
    [() => new TokenBucket({} as never), TypeError, "rate must be a number, not undefined"],
    [() => new TokenBucket({ rate: 0 }), RangeError, "rate must be more than 0"],
    [() => new TokenBucket({ rate: Infinity }), RangeError, "rate must be"],
    [() => new TokenBucket({ rate: NaN }), RangeError, "rate must be a number, not NaN"],
    [() => new TokenBucket({ rate: 1, per: 0 }), RangeError, "per must be more than 0"],
    [() => new TokenBucket({ rate: 1, per: "1" as never }), TypeError, 'not "1"'],
    [() => new TokenBucket({ rate: 1, burst: 0 }), RangeError, "burst must be an integer"],
    [() => new TokenBucket({ rate: 1, burst: 1.5 }), RangeError, "burst must be an integer"],
    [() => new TokenBucket({ rate: 1, burst: Infinity }), RangeError, "burst must be finite"],
    [() => new TokenBucket({ rate: 1, clock: {} as never }), TypeError, "clock must have"],
    [() => new TokenBucket({ rate: 1, name: 7 as never }), TypeError, "name must be a string"],
    [() => new TokenBucket({ rate: 1, parent: 7 as never }), TypeError, "parent must be a context"],
    [() => new SlidingWindow(null as never), TypeError, "options must be an object"],
    [() => new SlidingWindow({ limit: 0, window: 1 }), RangeError, "limit must be an integer"],
    [() => new SlidingWindow({ limit: Infinity, window: 1 }), RangeError, "limit must be finite"],
    [() => new SlidingWindow({ limit: 1, window: 0 }), RangeError, "window must be more than 0"],
    [() => new SlidingWindow({ limit: 1, window: Infinity }), RangeError, "window must be"],
    [() => new SlidingWindow({ limit: 1 } as never), TypeError, "window must be a number"],
    [() => new KeyedLimiter(7 as never), TypeError, "make must be a function, not 7"],
    [() => new KeyedLimiter(bucket, null as never), TypeError, "options must be an object"],
    [() => new KeyedLimiter(bucket, { maxKeys: 0 }), RangeError, "maxKeys must be an integer"],
    [() => new KeyedLimiter(bucket, { name: 7 as never }), TypeError, "name must be a string"],
  ];
  for (const [fn, kind, message] of bad) assertThrows(fn, kind, message);
  for (const limiter of [bucket(), new SlidingWindow({ limit: 1, window: 1 })]) {
    for (const count of [0, -1, 1.5, NaN]) {
      await assertRejects(() => limiter.acquireMany(count), RangeError, "count must be");
      assertThrows(() => limiter.tryAcquireMany(count), RangeError, "count must be");
      assertThrows(() => limiter.retryAfter(count), RangeError, "count must be");
    }
    await assertRejects(() => limiter.acquireMany("1" as never), TypeError, 'number, not "1"');
    await assertRejects(() => limiter.acquire(7 as never), TypeError, "wait must be");
    await assertRejects(() => limiter.run(7 as never), TypeError, "job must be a function");
    assertEquals(limiter.stats().granted, 0);
  }
  const named = new TokenBucket({ rate: 1, name: "payments" });
  await assertRejects(() => named.acquireMany(2), RangeError, 'the rate limiter "payments" never');
});

function bucket(): TokenBucket {
  return new TokenBucket({ rate: 1 });
}

Deno.test("137: a meter of one's own decides, and Infinity is never: no timer is set for it", async () => {
  let left = 1;
  const meter: RateMeter = {
    most: 3,
    due: (count) => count <= left ? -Infinity : Infinity,
    take: (count) => void (left -= count),
    available: () => left,
    get idleAt() {
      return left === 3 ? -Infinity : Infinity;
    },
    reset: () => void (left = 3),
  };
  const clock = new ManualClock();
  const limiter = new RateLimiter(meter, { clock });
  await limiter.acquire();
  const waiting = limiter.acquireMany(2);
  assertEquals([limiter.waiting, clock.timers, limiter.retryAfter()], [1, 0, Infinity]);
  limiter.reset();
  await waiting;
  assertEquals([limiter.waiting, limiter.available, limiter.idleAt], [0, 1, Infinity]);
});

// ---- 138: a limiter for each key ----

/** One each second for each key. */
function keyed(clock: Clock, maxKeys?: number): KeyedLimiter<string> {
  return new KeyedLimiter(() => new TokenBucket({ rate: 1, burst: 2, clock }), { maxKeys });
}

Deno.test("138: each key has a limit of its own, and waits for nobody else's", async () => {
  const clock = new ManualClock();
  const limiter = keyed(clock);
  const at = times(clock, ["a", "a", "a", "b", "a", "b", "b"].map((key) => limiter.acquire(key)));
  assertEquals([limiter.waiting("a"), limiter.waiting("b"), limiter.waiting("c")], [2, 1, 0]);
  assertEquals([limiter.retryAfter("a"), limiter.retryAfter("c", 2)], [3_000, 0]);
  assertEquals([limiter.available("a"), limiter.available("c")], [0, 2]);
  await clock.advance(5_000);
  assertEquals(at, [0, 0, 1_000, 0, 2_000, 0, 1_000]);
});

Deno.test("138: a key is forgotten when it is as new, by a call for any other; until then it is not", async () => {
  const clock = new ManualClock();
  const made: string[] = [];
  const limiter = new KeyedLimiter<string>((key) => {
    made.push(key);
    return new TokenBucket({ rate: 1, burst: 2, clock });
  });
  assert(limiter.tryAcquireMany("a", 2));
  assert(limiter.tryAcquire("b"));
  await clock.advance(999);
  assertEquals([limiter.keys, limiter.tryAcquire("a"), limiter.tryAcquire("b")], [2, false, true]);
  await clock.advance(1_000);
  assertEquals([limiter.keys, limiter.stats().forgotten], [2, 0]);
  await clock.advance(1);
  assertEquals([limiter.keys, limiter.tryAcquire("c"), limiter.keys], [0, true, 1]);
  assert(limiter.tryAcquire("a"));
  await clock.advance(10_000);
  assertEquals([limiter.keys, made, limiter.stats().forgotten], [0, ["a", "b", "c", "a"], 4]);
});

Deno.test("138: a key that somebody waits for is kept, also when he waits for long", async () => {
  const clock = new ManualClock();
  const limiter = keyed(clock);
  const all = Promise.all(Array.from({ length: 10 }, () => limiter.acquire("a")));
  for (let second = 0; second < 8; second++) {
    assertEquals([limiter.keys, limiter.waiting("a")], [1, 8 - second]);
    await clock.advance(1_000);
  }
  await all;
  await clock.advance(1_999);
  assertEquals(limiter.keys, 1);
  await clock.advance(1);
  assertEquals([limiter.keys, clock.timers], [0, 0]);
});

Deno.test("138: what is kept does not grow with the keys ever seen", async () => {
  const clock = new ManualClock();
  const refs: WeakRef<object>[] = [];
  const limiter = new KeyedLimiter<number>(() => {
    const made = new TokenBucket({ rate: 1, clock });
    refs.push(new WeakRef(made));
    return made;
  });
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 100; i++) assert(limiter.tryAcquire(round * 100 + i));
    assertEquals(limiter.keys, 100);
    await clock.advance(1_000);
  }
  assertEquals([limiter.keys, await held(refs)], [0, 0]);
});

Deno.test("138: a parent does not hold the limiters of keys that were forgotten", async () => {
  const clock = new ManualClock();
  using parent = withCancel(background());
  const refs: WeakRef<object>[] = [];
  const limiter = new KeyedLimiter<number>(() => {
    const made = new TokenBucket({ rate: 1, clock, parent });
    refs.push(new WeakRef(made));
    return made;
  });
  const all = Promise.all(Array.from({ length: 20 }, (_, i) => limiter.acquire(i % 10)));
  await clock.advance(3_000);
  await all;
  assertEquals([limiter.keys, await held(refs)], [0, 0]);
});

Deno.test("138: looking at a key, or failing to use it, keeps nothing", async () => {
  const clock = new ManualClock();
  const limiter = keyed(clock);
  using ctx = withCancel(background());
  ctx.cancel("over");
  assertEquals([limiter.available("a"), limiter.retryAfter("b"), limiter.waiting("c")], [2, 0, 0]);
  assertEquals(await failure(limiter.acquire("d", ctx)), "over");
  assertEquals(await failure(limiter.run("d", () => 1, ctx)), "over");
  await assertRejects(() => limiter.acquireMany("e", 3), RangeError, "at most 2");
  assertThrows(() => limiter.tryAcquireMany("f", 3), RangeError, "at most 2");
  await assertRejects(() => limiter.acquireMany("g", 0), RangeError, "count must be");
  assertThrows(() => limiter.retryAfter("h", 0), RangeError, "count must be");
  await assertRejects(() => limiter.run("i", 7 as never), TypeError, "job must be a function");
  assertEquals(limiter.stats(), { keys: 0, forgotten: 0, refused: 0 });
});

Deno.test("138: with `maxKeys` a new key is refused while so many are in use, and no key is given up", async () => {
  const clock = new ManualClock();
  const limiter = new KeyedLimiter<string>(() => new TokenBucket({ rate: 1, clock }), {
    maxKeys: 2,
    name: "users",
  });
  assert(limiter.tryAcquire("a"));
  await clock.advance(300);
  assert(limiter.tryAcquire("b"));
  assertEquals([limiter.tryAcquire("c"), limiter.available("c")], [false, 0]);
  const error = await failure(limiter.acquire("c"));
  assert(error instanceof OverloadError);
  assertEquals(error.message, 'the keyed limiter "users" has 2 of 2 keys in use');
  assertEquals([error.fill, error.limit, error.value], [2, 2, "c"]);
  await assertRejects(() => limiter.run("c", () => 1), OverloadError);
  assertEquals(await limiter.run("c", () => 1, { fallback: () => 2 }), 2);
  assertEquals([limiter.stats().refused, limiter.tryAcquire("a")], [4, false]);
  assertEquals([limiter.retryAfter("c"), limiter.retryAfter("b")], [700, 1_000]);
  await clock.advance(700);
  assertEquals([limiter.tryAcquire("c"), limiter.tryAcquire("d")], [true, false]);
});

Deno.test("138: a context that has ended goes first, also before there are too many keys", async () => {
  let made = 0;
  const clock = new ManualClock();
  const limiter = new KeyedLimiter<string>(() => (made++, new TokenBucket({ rate: 1, clock })), {
    maxKeys: 1,
  });
  assert(limiter.tryAcquire("a"));
  using ctx = withCancel(background());
  ctx.cancel("over");
  assertEquals(await failure(limiter.acquire("b", ctx)), "over");
  assertEquals(await failure(limiter.run("b", () => 1, ctx)), "over");
  assertEquals([made, limiter.stats().refused], [1, 0]);
});

Deno.test("138: a key that somebody waits for is kept even if his timer is late", () => {
  let now = 0;
  const clock: Clock = { now: () => now, after: later };
  const limiter = new KeyedLimiter<string>(() => new TokenBucket({ rate: 1, clock }));
  assert(limiter.tryAcquire("a"));
  void limiter.acquire("a");
  now = 5_000;
  assertEquals([limiter.keys, limiter.waiting("a")], [1, 1]);
  now = 6_000;
  assertEquals([limiter.tryAcquire("a"), limiter.waiting("a")], [false, 0]);
  now = 7_000;
  assertEquals(limiter.keys, 0);
});

Deno.test("138: `reset` of a key forgets it, or serves those who wait", async () => {
  const clock = new ManualClock();
  const limiter = keyed(clock);
  for (const key of ["a", "b", "c", "d"]) assert(limiter.tryAcquireMany(key, 2));
  const waiting = [limiter.acquireMany("c", 2), limiter.acquire("c")];
  limiter.reset("b");
  limiter.reset("unknown");
  assertEquals([limiter.keys, limiter.available("b")], [3, 2]);
  limiter.reset("c");
  assertEquals([limiter.keys, limiter.waiting("c")], [3, 1]);
  await waiting[0];
  await clock.advance(3_000);
  await waiting[1];
  assertEquals([limiter.keys, limiter.stats().forgotten], [0, 4]);
});

Deno.test("138: a key whose limiter never is as new is kept, until it is reset", () => {
  const forever = (): RateMeter => {
    let left = 1;
    return {
      most: 1,
      due: () => left > 0 ? -Infinity : Infinity,
      take: () => void left--,
      available: () => left,
      get idleAt() {
        return left > 0 ? -Infinity : Infinity;
      },
      reset: () => void (left = 1),
    };
  };
  const clock = new ManualClock();
  const limiter = new KeyedLimiter<number>(() => new RateLimiter(forever(), { clock }));
  for (let i = 0; i < 20; i++) {
    assertEquals([limiter.tryAcquire(i), limiter.tryAcquire(i)], [true, false]);
  }
  for (const i of [7, 0, 19, 11]) limiter.reset(i);
  assertEquals([limiter.keys, limiter.tryAcquire(7), limiter.tryAcquire(8)], [16, true, false]);
});

Deno.test("138: what `make` throws, or gives that is none, comes to the caller, and nothing is kept", async () => {
  const failing = new KeyedLimiter<string>(() => {
    throw "no limiter";
  });
  assertEquals(await failure(failing.acquire("a")), "no limiter");
  assertEquals(await failure(failing.run("a", () => 1)), "no limiter");
  assertEquals(await failing.run("a", () => 1, { fallback: () => 2 }), 2);
  assertEquals(failing.keys, 0);
  const wrong = new KeyedLimiter<string>(() => ({}) as never);
  assertThrows(() => wrong.tryAcquire("a"), TypeError, "make must return a RateLimiter");
  const clocks = new KeyedLimiter<string>(() =>
    new TokenBucket({ rate: 1, clock: new ManualClock() })
  );
  assert(clocks.tryAcquire("a"));
  assertThrows(() => clocks.tryAcquire("b"), TypeError, "the same clock");
});

Deno.test("138: `make` may use the keyed limiter itself; a key has one limiter then, too", () => {
  const clock = new ManualClock();
  let depth = 0;
  const limiter: KeyedLimiter<string> = new KeyedLimiter<string>((key) => {
    if (depth++ === 0) assert(limiter.tryAcquire(key));
    return new TokenBucket({ rate: 1, burst: 2, clock });
  });
  assertEquals([1, 2, 3].map(() => limiter.tryAcquire("a")), [true, false, false]);
  assertEquals(limiter.keys, 1);
});

Deno.test("138: keys are told apart as those of a Map", () => {
  const limiter = new KeyedLimiter<unknown>(() => bucket());
  const object = {};
  for (const key of [undefined, null, NaN, "1", 1, object]) {
    assertEquals([limiter.tryAcquire(key), limiter.tryAcquire(key)], [true, false]);
  }
  assertEquals([limiter.keys, limiter.tryAcquire({})], [6, true]);
});

Deno.test("137: `run` of a key waits for that key", async () => {
  const clock = new ManualClock();
  const limiter = keyed(clock);
  const at: [string, number][] = [];
  const run = (key: string) => limiter.run(key, () => void at.push([key, clock.now()]));
  const all = Promise.all(["a", "a", "a", "b"].map(run));
  await clock.advance(1_000);
  await all;
  assertEquals(at, [["a", 0], ["a", 0], ["b", 0], ["a", 1_000]]);
});
