/**
 * Random programs over rate limiters: what was granted is held against the promise itself, moment by
 * moment, and against a sequential model that says when each request is due.
 *
 * @module
 */
import fc from "fast-check";
import { assert, assertEquals } from "@std/assert";
import { background, type CancelContext, withCancel } from "../mod.ts";
import { KeyedLimiter, type RateLimiter, SlidingWindow, TokenBucket } from "../flow/mod.ts";
import { type Dated, SoonestFirst } from "../flow/limits/soonest_first.ts";
import { ManualClock } from "../tasks/mod.ts";

const RUNS = 250;

// ---- the rules, as plainly as can be ----

/** Without any thought for speed. `due` is a moment of at least `now`. */
interface Rule {
  due(count: number, now: number): number;
  take(count: number, now: number): void;
  copy(): Rule;
}

/** Its level is in milliseconds of refilling, so that it is exact where the interval is. */
class PlainBucket implements Rule {
  constructor(
    readonly burst: number,
    readonly interval: number,
    private level = burst * interval,
    private at = 0,
  ) {}

  due(count: number, now: number): number {
    return now + Math.max(0, count * this.interval - this.levelAt(now));
  }

  take(count: number, now: number): void {
    this.level = this.levelAt(now) - count * this.interval;
    this.at = now;
  }

  copy(): Rule {
    return new PlainBucket(this.burst, this.interval, this.level, this.at);
  }

  private levelAt(now: number): number {
    return Math.min(this.burst * this.interval, this.level + now - this.at);
  }
}

class PlainWindow implements Rule {
  constructor(
    readonly limit: number,
    readonly window: number,
    private log: readonly Grant[] = [],
  ) {}

  due(count: number, now: number): number {
    const moments = [now, ...this.log.map(({ at }) => at + this.window)].filter((at) => at >= now);
    return Math.min(...moments.filter((moment) => this.usedAt(moment) + count <= this.limit));
  }

  take(count: number, at: number): void {
    this.log = [...this.log, { at, count }];
  }

  copy(): Rule {
    return new PlainWindow(this.limit, this.window, this.log);
  }

  private usedAt(moment: number): number {
    return sum(this.log.filter(({ at }) => at + this.window > moment));
  }
}

interface Grant {
  readonly at: number;
  readonly count: number;
}

function sum(grants: readonly Grant[]): number {
  return grants.reduce((total, { count }) => total + count, 0);
}

interface Request {
  readonly id: number;
  readonly count: number;
  readonly slot: number | undefined;
}

/** A line before a rule: the first is served as soon as it is due. */
class Model {
  readonly grants: (Grant & { readonly id: number })[] = [];
  now = 0;
  line: Request[] = [];
  #rule: Rule;

  constructor(rule: Rule) {
    this.#rule = rule;
  }

  tries(count: number): boolean {
    return this.line.length === 0 && this.#grant(-1, count);
  }

  request(request: Request): void {
    this.line.push(request);
    this.advance(0);
  }

  leave(slot: number): Request[] {
    const left = this.line.filter((request) => request.slot === slot);
    this.line = this.line.filter((request) => request.slot !== slot);
    this.advance(0);
    return left;
  }

  advance(ms: number): void {
    const end = this.now + ms;
    for (let head = this.line[0]; head !== undefined; head = this.line[0]) {
      const due = this.#rule.due(head.count, this.now);
      if (due > end) break;
      this.now = due;
      this.line.shift();
      this.#grant(head.id, head.count);
    }
    this.now = end;
  }

  retryAfter(count: number): number {
    const rule = this.#rule.copy();
    let at = this.now;
    for (const request of [...this.line, { count }]) {
      at = rule.due(request.count, at);
      rule.take(request.count, at);
    }
    return at - this.now;
  }

  #grant(id: number, count: number): boolean {
    if (this.#rule.due(count, this.now) > this.now) return false;
    this.#rule.take(count, this.now);
    this.grants.push({ id, count, at: this.now });
    return true;
  }
}

// ---- programs ----

const SLOTS = 3;
const SIZE = 5;
const count = fc.integer({ min: 1, max: SIZE });
const slot = fc.nat(SLOTS - 1);

type Op =
  | { readonly op: "acquire"; readonly count: number; readonly slot: number | undefined }
  | { readonly op: "try"; readonly count: number }
  | { readonly op: "ask"; readonly count: number }
  | { readonly op: "at once"; readonly count: number }
  | { readonly op: "cancel"; readonly slot: number }
  | { readonly op: "advance"; readonly ms: number };

function programs(ms: fc.Arbitrary<number>): fc.Arbitrary<Op[]> {
  const op = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        op: fc.constant("acquire" as const),
        count,
        slot: fc.option(slot, { nil: undefined }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ op: fc.constantFrom("try", "ask", "at once" as const), count }),
    },
    { weight: 1, arbitrary: fc.record({ op: fc.constant("cancel" as const), slot }) },
    { weight: 3, arbitrary: fc.record({ op: fc.constant("advance" as const), ms }) },
  ) as fc.Arbitrary<Op>;
  return fc.array(op, { maxLength: 30, size: "max" });
}

/** What a program has seen. */
interface Seen {
  readonly grants: readonly (Grant & { readonly id: number })[];
  readonly answers: readonly unknown[];
  readonly rejected: readonly number[];
}

/** Runs a program, then waits until all have been served. */
async function run(
  limiter: RateLimiter,
  clock: ManualClock,
  program: readonly Op[],
): Promise<Seen> {
  const grants: (Grant & { readonly id: number })[] = [];
  const [answers, rejected]: [unknown[], number[]] = [[], []];
  const contexts = Array.from({ length: SLOTS }, () => withCancel(background()));
  const calls: Promise<void>[] = [];
  const acquire = (id: number, count: number, wait?: CancelContext | { timeout: number }) => {
    calls.push(
      limiter.acquireMany(count, wait).then(
        () => void grants.push({ id, count, at: clock.now() }),
        () => void rejected.push(id),
      ),
    );
  };
  for (const [id, op] of program.entries()) {
    if (op.op === "acquire") {
      acquire(id, op.count, op.slot === undefined ? undefined : contexts[op.slot]);
    } else if (op.op === "at once") {
      acquire(id, op.count, { timeout: 0 });
    } else if (op.op === "try") {
      const got = limiter.tryAcquireMany(op.count);
      answers.push(got);
      // In the order in which it happened: a grant to who waited is told of in a microtask.
      if (got) {
        calls.push(
          Promise.resolve().then(() =>
            void grants.push({ id: -1, count: op.count, at: clock.now() })
          ),
        );
      }
    } else if (op.op === "ask") {
      answers.push(limiter.retryAfter(op.count));
    } else if (op.op === "cancel") {
      contexts[op.slot]!.cancel();
      contexts[op.slot] = withCancel(background());
    } else {
      await clock.advance(op.ms);
    }
    answers.push(limiter.waiting);
    assertEquals(clock.timers, limiter.waiting > 0 ? 1 : 0);
  }
  await clock.advance(1e6);
  await Promise.all(calls);
  assertEquals([limiter.waiting, clock.timers, limiter.retryAfter(SIZE)], [0, 0, 0]);
  assertEquals(limiter.stats().granted, sum(grants));
  return { grants, answers, rejected };
}

function runModel(model: Model, program: readonly Op[]): Seen {
  const [answers, rejected]: [unknown[], number[]] = [[], []];
  for (const [id, op] of program.entries()) {
    if (op.op === "acquire") {
      model.request({ id, count: op.count, slot: op.slot });
    } else if (op.op === "at once") {
      model.request({ id, count: op.count, slot: -1 });
      if (model.leave(-1).length > 0) rejected.push(id);
    } else if (op.op === "try") {
      answers.push(model.tries(op.count));
    } else if (op.op === "ask") {
      answers.push(model.retryAfter(op.count));
    } else if (op.op === "cancel") {
      rejected.push(...model.leave(op.slot).map(({ id }) => id));
    } else {
      model.advance(op.ms);
    }
    answers.push(model.line.length);
  }
  model.advance(1e6);
  return { grants: model.grants, answers, rejected };
}

const ids = ({ grants }: Seen) => grants.map(({ id }) => id);

/** No interval of length t holds more than burst + rate * t / per. `slack`: what is rounded. */
function checkBucket({ grants }: Seen, bucket: TokenBucket, slack: number): void {
  for (const [first, { at }] of grants.entries()) {
    let total = 0;
    for (const last of grants.slice(first)) {
      total += last.count;
      const most = bucket.burst + bucket.rate * (last.at - at) / bucket.per;
      assert(total <= most + slack, `${total} in ${last.at - at} ms, not ${most}`);
    }
  }
}

/** No window holds more than the limit: it is enough to look at those that begin with a grant. */
function checkWindow({ grants }: Seen, { limit, window }: SlidingWindow): void {
  for (const { at } of grants) {
    const inside = grants.filter((grant) => grant.at >= at && grant.at < at + window);
    assert(sum(inside) <= limit, `${sum(inside)} from ${at} on, not ${limit}`);
  }
}

// ---- 137, 138 ----

/** Moments that doubles hold exactly, so that nothing is rounded and all has to be equal. */
const exact = fc.nat(120).map((quarters) => quarters / 4);
/** Any others. */
const any = fc.oneof(fc.double({ min: 0, max: 40, noNaN: true }), fc.nat(40));

Deno.test("137: a bucket does what the plainest model does, at the same moments, in the same order", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: SIZE, max: 8 }),
      fc.constantFrom(0.25, 1, 2.5, 10),
      programs(exact),
      async (burst, interval, program) => {
        const clock = new ManualClock();
        const bucket = new TokenBucket({ rate: 4, per: 4 * interval, burst, clock });
        const seen = await run(bucket, clock, program);
        assertEquals(seen, runModel(new Model(new PlainBucket(burst, interval)), program));
        checkBucket(seen, bucket, 0);
      },
    ),
    { numRuns: RUNS },
  );
});

Deno.test("138: a window does what the plainest model does, at the same moments, in the same order", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: SIZE, max: 8 }),
      fc.constantFrom(0.25, 5, 20, 33),
      programs(exact),
      async (limit, window, program) => {
        const clock = new ManualClock();
        const limiter = new SlidingWindow({ limit, window, clock });
        const seen = await run(limiter, clock, program);
        assertEquals(seen, runModel(new Model(new PlainWindow(limit, window)), program));
        checkWindow(seen, limiter);
      },
    ),
    { numRuns: RUNS },
  );
});

Deno.test("137: whatever the numbers are, no interval holds more than the burst and what has come since", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: SIZE, max: 8 }),
      fc.double({ min: 1e-2, max: 1e2, noNaN: true }),
      fc.double({ min: 1e-1, max: 1e2, noNaN: true }),
      fc.constantFrom(0, 0.1, -3.3, 1.7e12 + 0.3),
      programs(any),
      async (burst, rate, per, start, program) => {
        const clock = new ManualClock(start);
        const bucket = new TokenBucket({ rate, per, burst, clock });
        // A clock that shows much has no finer moments than this.
        const grain = start > 1e12 ? 1e-3 : 1e-9;
        const seen = await run(bucket, clock, program);
        checkBucket(seen, bucket, 1e-9 + grain * rate / per);
        const waited = ids(seen).filter((id) => id >= 0);
        assertEquals(waited, waited.toSorted((a, b) => a - b));
      },
    ),
    { numRuns: RUNS },
  );
});

Deno.test("138: whatever the numbers are, no window holds more than the limit", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: SIZE, max: 8 }),
      fc.double({ min: 1e-3, max: 50, noNaN: true }),
      fc.constantFrom(0, 0.1, -3.3, 1.7e12 + 0.3),
      programs(any),
      async (limit, window, start, program) => {
        const clock = new ManualClock(start);
        const limiter = new SlidingWindow({ limit, window, clock });
        const seen = await run(limiter, clock, program);
        checkWindow(seen, limiter);
        const waited = ids(seen).filter((id) => id >= 0);
        assertEquals(waited, waited.toSorted((a, b) => a - b));
      },
    ),
    { numRuns: RUNS },
  );
});

Deno.test("137, 138: whatever the numbers are, after exactly `retryAfter` so many are there, and not before", () => {
  const kinds = [
    (rate: number, clock: ManualClock) => new TokenBucket({ rate, burst: SIZE, clock }),
    (rate: number, clock: ManualClock) => new SlidingWindow({ limit: SIZE, window: rate, clock }),
  ];
  const clockAt = (at: number) => ({ now: () => at, after: () => ({ stop: () => {} }) });
  fc.assert(
    fc.property(
      fc.constantFrom(...kinds),
      fc.double({ min: 1e-3, max: 1e5, noNaN: true }),
      fc.double({ min: -1e6, max: 2e12, noNaN: true }),
      fc.array(fc.tuple(count, fc.double({ min: 0, max: 1, noNaN: true })), { maxLength: 20 }),
      (kind, rate, start, steps) => {
        const clock = clockAt(start);
        const limiter = kind(rate, clock as never);
        for (const [count, share] of steps) {
          const [now, wait] = [clock.now(), limiter.retryAfter(count)];
          // Sooner by a few of the smallest steps that a clock can make there are not so many yet.
          const step = Math.max(Math.abs(now), Math.abs(now + wait)) * Number.EPSILON;
          const before = now + wait - 4 * step;
          if (wait > 0 && before > now) {
            clock.now = () => before;
            assert(limiter.retryAfter(count) > 0 && limiter.available < count);
            assertEquals(limiter.tryAcquireMany(count), false);
          }
          clock.now = () => now + wait;
          assertEquals(limiter.retryAfter(count), 0);
          assert(limiter.available >= count);
          assert(limiter.tryAcquireMany(count));
          const next = now + wait + share * limiter.retryAfter(SIZE);
          clock.now = () => next;
        }
      },
    ),
    { numRuns: 4 * RUNS },
  );
});

Deno.test("138: forgetting keys changes nothing, and all are forgotten that are as new", async () => {
  const key = fc.nat(3);
  const op = fc.oneof(
    fc.record({ op: fc.constantFrom("try", "acquire", "ask", "reset"), key, count }),
    fc.record({ op: fc.constant("advance"), key, count: fc.nat(30) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(op, { maxLength: 40, size: "max" }), async (program) => {
      const clock = new ManualClock();
      const make = (key: number): RateLimiter =>
        key % 2 === 0
          ? new TokenBucket({ rate: 1, per: key + 2, burst: SIZE, clock })
          : new SlidingWindow({ limit: SIZE, window: 10 * key, clock });
      const keyed = new KeyedLimiter<number>(make);
      const plain = [0, 1, 2, 3].map(make);
      const log: [string, number, number][][] = [[], []];
      const calls: Promise<void>[] = [];
      for (const [id, { op, key, count }] of program.entries()) {
        const other = plain[key]!;
        if (op === "advance") {
          await clock.advance(count);
        } else if (op === "try") {
          assertEquals(keyed.tryAcquireMany(key, count), other.tryAcquireMany(count));
        } else if (op === "ask") {
          assertEquals(keyed.retryAfter(key, count), other.retryAfter(count));
        } else if (op === "reset") {
          keyed.reset(key);
          other.reset();
        } else {
          const told = (i: number) => void log[i]!.push([op, id, clock.now()]);
          calls.push(keyed.acquireMany(key, count).then(() => told(0)));
          calls.push(other.acquireMany(count).then(() => told(1)));
        }
        const inUse = plain.filter(({ waiting, idleAt }) => waiting > 0 || idleAt > clock.now());
        assertEquals(keyed.keys, inUse.length);
        assertEquals(keyed.available(key), other.available);
        assertEquals(keyed.waiting(key), other.waiting);
      }
      await clock.advance(1e5);
      await Promise.all(calls);
      assertEquals(log[0], log[1]);
      assertEquals([keyed.keys, clock.timers], [0, 0]);
    }),
    { numRuns: RUNS },
  );
});

Deno.test("138: the key that may be as new first is the first, whatever is put off, brought forward or taken out", () => {
  const step = fc.record({
    op: fc.constantFrom("push", "move", "remove"),
    which: fc.nat(),
    at: fc.nat(20),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: "max" }), (program) => {
      const heap = new SoonestFirst<Dated>();
      const all: Dated[] = [];
      for (const { op, which, at } of program) {
        const entry = all[which % all.length];
        if (op === "push" || entry === undefined) {
          const added = { at, place: -1 };
          all.push(added);
          heap.push(added);
        } else if (op === "move") {
          entry.at = at;
          heap.move(entry);
        } else {
          heap.remove(entry);
          all.splice(all.indexOf(entry), 1);
        }
        assertEquals(heap.first?.at, all.map(({ at }) => at).toSorted((a, b) => a - b)[0]);
      }
    }),
    { numRuns: RUNS },
  );
});
