/**
 * Limits that change while they are in use: the rate of a bucket, the limit of a window.
 *
 * @module
 */
import fc from "fast-check";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { background, type CancelContext, withCancel } from "../mod.ts";
import { type RateLimiter, SlidingWindow, TokenBucket } from "../flow/mod.ts";
import { ManualClock } from "../tasks/mod.ts";
import { settled } from "./support/settle.ts";

const RUNS = 300;

/** Writes down when each call is served, or that it was refused. */
function log(clock: ManualClock, limiter: RateLimiter, counts: readonly number[]): string[] {
  const seen: string[] = [];
  counts.forEach((count, id) => {
    limiter.acquireMany(count).then(
      () => seen.push(`${id} at ${clock.now()}`),
      (error) => seen.push(`${id}: ${(error as Error).name}`),
    );
  });
  return seen;
}

// ---- 137: the rate of a bucket ----

Deno.test("137: another rate is for those who wait already, with one timer", async () => {
  const clock = new ManualClock();
  const bucket = new TokenBucket({ rate: 1, burst: 1, clock });
  const seen = log(clock, bucket, [1, 1, 1, 1]);
  bucket.setRate({ rate: 10 });
  assertEquals([bucket.rate, bucket.per, bucket.burst, clock.timers], [10, 1_000, 1, 1]);
  await clock.advance(150);
  assertEquals(seen, ["0 at 0", "1 at 100"]);
  bucket.setRate({ per: 10_000 });
  // Half of a token was there already.
  assertEquals([bucket.retryAfter(), clock.timers], [2_500, 1]);
  await clock.advance(10_000);
  assertEquals(seen, ["0 at 0", "1 at 100", "2 at 650", "3 at 1650"]);
  assertEquals(clock.timers, 0);
});

Deno.test("137: what is in the bucket stays, as far as it holds that; more is filled as it comes", async () => {
  const clock = new ManualClock(500);
  const bucket = new TokenBucket({ rate: 10, burst: 4, clock });
  bucket.setRate({ burst: 6 });
  assertEquals([bucket.available, bucket.retryAfter(5), bucket.retryAfter(6)], [4, 100, 200]);
  bucket.setRate({ burst: 2 });
  assertEquals([bucket.available, bucket.retryAfter(2), bucket.retryAfter(3)], [2, 0, Infinity]);
  await clock.advance(1_000);
  assertEquals([bucket.available, bucket.idleAt], [2, -Infinity]);
  bucket.setRate({ burst: 3 });
  assertEquals(bucket.idleAt, 1_600);
  bucket.reset();
  assert(bucket.tryAcquireMany(3));
  await clock.advance(250);
  bucket.setRate({ rate: 10, burst: 4 });
  bucket.setRate({});
  assertEquals([bucket.available, bucket.retryAfter(3), bucket.retryAfter(4)], [2, 50, 150]);
});

Deno.test("137: parts of a token are not lost, however often the rate changes", async () => {
  const clock = new ManualClock();
  const bucket = new TokenBucket({ rate: 1, per: 1_024, burst: 1, clock });
  const seen = log(clock, bucket, [1, 1]);
  for (let i = 0; i < 64; i++) {
    bucket.setRate({ per: i % 2 === 0 ? 2_048 : 512 });
    await clock.advance(8);
  }
  // 32 times 8 ms of 2,048, and 32 times 8 of 512.
  assertEquals(bucket.retryAfter(), (1 - 0.125 - 0.5) * 512 + 512);
  await clock.advance(1_000);
  assertEquals(seen, ["0 at 0", `1 at ${512 + 192}`]);
});

for (
  const [kind, make, narrow] of [
    [
      "token bucket",
      (clock: ManualClock) => new TokenBucket({ rate: 10, burst: 4, clock }),
      (limiter: RateLimiter, to: number) => (limiter as TokenBucket).setRate({ burst: to }),
    ],
    [
      "sliding window",
      (clock: ManualClock) => new SlidingWindow({ limit: 4, window: 400, clock }),
      (limiter: RateLimiter, to: number) => (limiter as SlidingWindow).setLimit(to),
    ],
  ] as const
) {
  Deno.test(`137, 138: ${kind}: who wants more than is ever granted now is rejected, and holds up nobody`, async () => {
    const clock = new ManualClock();
    const limiter = make(clock);
    const seen = log(clock, limiter, [2, 4, 1, 3, 1]);
    await settled();
    narrow(limiter, 3);
    await settled();
    assertEquals(seen, ["0 at 0", "1: RangeError", "2 at 0"]);
    assertEquals([limiter.waiting, clock.timers], [2, 1]);
    narrow(limiter, 2);
    await settled();
    assertEquals(
      seen.slice(3),
      kind === "token bucket" ? ["3: RangeError", "4 at 0"] : ["3: RangeError"],
    );
    await clock.advance(1_000);
    assertEquals([limiter.waiting, clock.timers, seen.length], [0, 0, 5]);
    await assertRejects(() => limiter.acquireMany(3), RangeError, "at most 2");
  });

  Deno.test(`137, 138: ${kind}: whom the change rejects hangs on nothing, nor does a limiter nobody waits for`, async () => {
    const clock = new ManualClock();
    using parent = withCancel(background());
    const limiter = kind === "token bucket"
      ? new TokenBucket({ rate: 1, burst: 4, clock, parent })
      : new SlidingWindow({ limit: 4, window: 400, clock, parent });
    assert(limiter.tryAcquire());
    const waiting = limiter.acquireMany(4);
    narrow(limiter, 1);
    await assertRejects(() => waiting, RangeError, "at most 1");
    assertEquals([limiter.waiting, clock.timers], [0, 0]);
    narrow(limiter, 4);
    assertEquals(clock.timers, 0);
    parent.cancel();
    narrow(limiter, 8);
    assertEquals([limiter.available, limiter.tryAcquire()], [0, false]);
  });
}

Deno.test("137, 138: who was due before the change is served by the old rule, also if his timer is late", async () => {
  let now = 0;
  const clock = { now: () => now, after: () => ({ stop: () => {} }) };
  const bucket = new TokenBucket({ rate: 10, burst: 2, clock });
  const window = new SlidingWindow({ limit: 2, window: 200, clock });
  const waiting = [bucket, window].map((limiter) => {
    assert(limiter.tryAcquireMany(2));
    return limiter.acquireMany(2);
  });
  now = 200;
  bucket.setRate({ burst: 1 });
  window.setLimit(1);
  await Promise.all(waiting);
  assertEquals([bucket.available, window.available], [0, 0]);
});

Deno.test("137, 138, R17: what is no rate or limit is refused, and changes nothing", () => {
  const bucket = new TokenBucket({ rate: 2, per: 10, burst: 3 });
  const wrong: [unknown, new () => Error, string][] = [
    [undefined, TypeError, "to must be an object of options, not undefined"],
    [7, TypeError, "to must be an object of options, not 7"],
    [{ rate: 0 }, RangeError, "rate must be more than 0, and finite: 0"],
    [{ rate: 1, per: Infinity }, RangeError, "per must be more than 0, and finite: Infinity"],
    [{ rate: 1, burst: 0.5 }, RangeError, "burst must be an integer"],
    [{ rate: 1, burst: Infinity }, RangeError, "burst must be finite"],
    [{ rate: "1" }, TypeError, 'rate must be a number, not "1"'],
  ];
  for (const [to, type, message] of wrong) {
    assertThrows(() => bucket.setRate(to as { rate: number }), type, message);
  }
  assertEquals([bucket.rate, bucket.per, bucket.burst, bucket.available], [2, 10, 3, 3]);
  const window = new SlidingWindow({ limit: 2, window: 10 });
  for (const limit of [0, -1, 1.5, NaN, Infinity]) {
    assertThrows(() => window.setLimit(limit), RangeError, "limit must be");
  }
  assertThrows(() => window.setLimit("3" as unknown as number), TypeError, "limit must be");
  assertEquals([window.limit, window.available], [2, 2]);
});

// ---- 138: the limit of a window ----

Deno.test("138: a limit that is more serves who waits at once; for one that is less all counts that was granted", async () => {
  const clock = new ManualClock();
  const window = new SlidingWindow({ limit: 2, window: 100, clock });
  const seen = log(clock, window, [1, 1, 1, 1, 1]);
  window.setLimit(4);
  await settled();
  assertEquals(seen, ["0 at 0", "1 at 0", "2 at 0", "3 at 0"]);
  await clock.advance(50);
  window.setLimit(1);
  assertEquals([window.limit, window.available, window.retryAfter()], [1, 0, 150]);
  await clock.advance(50);
  assertEquals(seen[4], "4 at 100");
  assertEquals([window.available, window.retryAfter()], [0, 100]);
});

// ---- a model ----

/** The rules as they are written: how long until `count` can be had, if time alone goes on. */
interface Rule {
  most: number;
  delay(count: number): number;
  take(count: number): void;
  pass(ms: number): void;
  change(to: Change): void;
}

interface Change {
  readonly most: number;
  readonly per: number;
}

class PlainBucket implements Rule {
  #level: number;

  constructor(public most: number, public per: number) {
    this.#level = most;
  }

  delay(count: number): number {
    return Math.max(0, (count - this.#level) * this.per);
  }

  take(count: number): void {
    this.#level -= count;
  }

  pass(ms: number): void {
    this.#level = Math.min(this.most, this.#level + ms / this.per);
  }

  change({ most, per }: Change): void {
    [this.most, this.per] = [most, per];
    this.#level = Math.min(most, this.#level);
  }
}

class PlainWindow implements Rule {
  /** How long ago each was granted. */
  #ages: number[] = [];

  constructor(public most: number, readonly window: number) {}

  delay(count: number): number {
    const [first] = [0, ...this.#ages.map((age) => this.window - age)].sort((a, b) => a - b)
      .filter((ms) =>
        ms >= 0 && this.#ages.filter((age) => age + ms < this.window).length + count <= this.most
      );
    return first!;
  }

  take(count: number): void {
    for (let i = 0; i < count; i++) this.#ages.push(0);
  }

  pass(ms: number): void {
    this.#ages = this.#ages.map((age) => age + ms).filter((age) => age < this.window);
  }

  change({ most }: Change): void {
    this.most = most;
  }
}

type Op =
  | { readonly op: "acquire"; readonly count: number }
  | { readonly op: "try"; readonly count: number }
  | { readonly op: "cancel"; readonly which: number }
  | { readonly op: "advance"; readonly ms: number }
  | ({ readonly op: "change" } & Change);

const count = fc.integer({ min: 1, max: 5 });
const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ op: fc.constant("acquire"), count }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("try"), count }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("cancel"), which: fc.nat(9) }) },
  {
    weight: 5,
    arbitrary: fc.record({ op: fc.constant("advance"), ms: fc.nat(160).map((n) => n / 4) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant("change"),
      most: count,
      // Powers of two, so that nothing is rounded and all has to be equal.
      per: fc.constantFrom(1, 4, 8, 16, 64),
    }),
  },
);

interface Asked {
  readonly id: number;
  readonly count: number;
}

/** What is seen of a program, as the rule has it. */
function plainly(rule: Rule, program: readonly Op[]): string[] {
  const seen: string[] = [];
  let [now, ids] = [0, 0];
  let line: Asked[] = [];
  const serve = (): void => {
    for (let head = line[0]; head !== undefined; head = line[0]) {
      if (rule.delay(head.count) > 0) return;
      rule.take(head.count);
      seen.push(`${head.id} at ${now}`);
      line.shift();
    }
  };
  for (const each of program) {
    if (each.op === "acquire") {
      const { count } = each;
      if (count > rule.most) seen.push(`${ids++}: RangeError`);
      else line.push({ id: ids++, count });
    } else if (each.op === "try") {
      const taken = each.count <= rule.most && line.length === 0 && rule.delay(each.count) === 0;
      if (taken) rule.take(each.count);
      seen.push(`${taken}`);
    } else if (each.op === "cancel") {
      const gone = line[each.which];
      if (gone !== undefined) seen.push(`${gone.id}: left`);
      line = line.filter((asked) => asked !== gone);
    } else if (each.op === "change") {
      rule.change(each);
      for (const { id, count } of line) if (count > rule.most) seen.push(`${id}: RangeError`);
      line = line.filter(({ count }) => count <= rule.most);
    } else {
      const end = now + each.ms;
      while (line.length > 0 && now + rule.delay(line[0]!.count) <= end) {
        const ms = rule.delay(line[0]!.count);
        rule.pass(ms);
        now += ms;
        serve();
      }
      rule.pass(end - now);
      now = end;
    }
    serve();
    seen.push(`${line.length} wait`);
  }
  return seen;
}

/** The same of a limiter. */
async function really(
  limiter: RateLimiter,
  clock: ManualClock,
  program: readonly Op[],
  change: (to: Change) => void,
): Promise<string[]> {
  const seen: string[] = [];
  let ids = 0;
  let line: { readonly id: number; readonly ctx: CancelContext }[] = [];
  for (const each of program) {
    if (each.op === "acquire") {
      const asked = { id: ids++, ctx: withCancel(background()) };
      line.push(asked);
      const over = (what: string): void => {
        seen.push(`${asked.id}${what}`);
        line = line.filter((other) => other !== asked);
      };
      limiter.acquireMany(each.count, asked.ctx).then(
        () => over(` at ${clock.now()}`),
        (error) => over(error instanceof RangeError ? ": RangeError" : ": left"),
      );
      await settled();
    } else if (each.op === "try") {
      try {
        seen.push(`${limiter.tryAcquireMany(each.count)}`);
      } catch {
        seen.push("false");
      }
    } else if (each.op === "cancel") {
      line[each.which]?.ctx.cancel();
      await settled();
    } else if (each.op === "change") {
      change(each);
      await settled();
    } else {
      await clock.advance(each.ms);
      await settled();
    }
    const { waiting } = limiter;
    assertEquals(clock.timers, waiting === 0 ? 0 : 1);
    seen.push(`${waiting} wait`);
  }
  const all = [...seen];
  for (const { ctx } of line) ctx.cancel();
  await settled();
  assertEquals([limiter.waiting, clock.timers], [0, 0]);
  return all;
}

Deno.test("137: with a rate that changes a bucket does what the plainest model does, at the same moments", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(op, { maxLength: 30 }), async (program) => {
      const clock = new ManualClock();
      const bucket = new TokenBucket({ rate: 1, per: 8, burst: 3, clock });
      const seen = await really(bucket, clock, program, ({ most, per }) => {
        bucket.setRate({ rate: 1, per, burst: most });
      });
      assertEquals(seen, plainly(new PlainBucket(3, 8), program));
    }),
    { numRuns: RUNS },
  );
});

Deno.test("138: with a limit that changes a window does what the plainest model does, at the same moments", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(op, { maxLength: 30 }), async (program) => {
      const clock = new ManualClock();
      const window = new SlidingWindow({ limit: 3, window: 32, clock });
      const seen = await really(window, clock, program, ({ most }) => window.setLimit(most));
      assertEquals(seen, plainly(new PlainWindow(3, 32), program));
    }),
    { numRuns: RUNS },
  );
});
