/**
 * The orders of LifoQueue and PriorityQueue, and what becomes of comparators and ranks that fail.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  background,
  LifoQueue,
  type Priority,
  PriorityQueue,
  type PriorityQueueOptions,
  Queue,
  QueueFull,
  recv,
  select,
  send,
  withCancel,
} from "../mod.ts";
import { lines } from "./support/lines.ts";
import { drained, failure, filled, putters, takers } from "./support/queues.ts";
import { state } from "./support/settle.ts";

interface Job {
  readonly rank: number;
  readonly n: number;
}

/** Two ways to say the same order. */
const byRank: Readonly<Record<string, PriorityQueueOptions<Job>>> = {
  priority: { priority: ({ rank }) => rank },
  compare: { compare: (a, b) => a.rank - b.rank },
};

// ---- LIFO ----

Deno.test("11: a LifoQueue gives the last item first", async () => {
  const queue = filled(new LifoQueue<number>(), 1, 3, 2);
  assertEquals(drained(queue), [2, 3, 1]);
  for (const n of [1, 3, 2]) await queue.put(n);
  assertEquals([await queue.get(), queue.getNowait()], [2, 3]);
  await queue.put(4);
  assertEquals([await queue.get(), await queue.get()], [4, 1]);
});

Deno.test("11: getters parked at a LifoQueue get items as these arrive", async () => {
  for (const take of Object.values(takers)) {
    const queue = new LifoQueue<number>();
    const waiting = [take(queue), take(queue), take(queue)];
    for (const n of [1, 2, 3, 4, 5]) queue.putNowait(n);
    assertEquals(await Promise.all(waiting), [1, 2, 3]);
    assertEquals(drained(queue), [5, 4]);
  }
});

Deno.test("11: batches and iteration take from the top too", async () => {
  const queue = filled(new LifoQueue<number>(), 1, 2, 3, 4);
  assertEquals(await queue.getBatch(2), [4, 3]);
  queue.shutdown();
  assertEquals(await Array.fromAsync(queue), [2, 1]);
});

Deno.test("12: the oldest putter parked at a LifoQueue enters first, and is then on top", async () => {
  for (const put of Object.values(putters)) {
    const queue = filled(new LifoQueue<number>(2), 1, 2);
    const waiting = [put(queue, 3), put(queue, 4), put(queue, 5)];
    assertEquals(queue.getNowait(), 2);
    assertEquals([await state(waiting[0]!), await state(waiting[1]!)], ["fulfilled", "pending"]);
    assertEquals([queue.getNowait(), queue.getNowait(), queue.getNowait()], [3, 4, 5]);
    assertEquals(drained(queue), [1]);
    await Promise.all(waiting);
  }
});

// ---- priority ----

Deno.test("13: a PriorityQueue gives the smallest first, whatever kind of rank it is", () => {
  const orders: Record<string, readonly Priority[]> = {
    numbers: [-Number.MAX_VALUE, -2, -0.5, 0, 1e-9, 3, 10, 2 ** 60],
    bigints: [-(10n ** 30n), -1n, 0n, 5n, 10n ** 30n],
    strings: ["", "10", "9", "A", "a", "aa", "é", "ö", "\u{1f600}", "\uffff"],
    dates: [new Date(-8.64e15), new Date(-1), new Date(0), new Date(1), new Date(8.64e15)],
  };
  for (const [kind, order] of Object.entries(orders)) {
    for (const items of [order, order.toReversed(), shuffled(order), shuffled(order)]) {
      assertEquals(drained(filled(new PriorityQueue<Priority>(), ...items)), order, kind);
      const boxed = new PriorityQueue<{ of: Priority }>({ priority: ({ of }) => of });
      for (const of of items) boxed.putNowait({ of });
      assertEquals(drained(boxed).map(({ of }) => of), order, kind);
    }
  }
});

Deno.test("13: compare says the order, and gets the items themselves", () => {
  const given = new Set<unknown>();
  const longestFirst = new PriorityQueue<string>({
    compare: (a, b) => {
      given.add(a).add(b);
      return b.length - a.length;
    },
  });
  assertEquals(drained(filled(longestFirst, "aa", "a", "aaaa", "aaa")), ["aaaa", "aaa", "aa", "a"]);
  assertEquals([...given].toSorted(), ["a", "aa", "aaa", "aaaa"]);
  const infinite = new PriorityQueue<number>({ compare: (a, b) => a < b ? -Infinity : Infinity });
  assertEquals(drained(filled(infinite, 2, 3, 1)), [1, 2, 3]);
});

Deno.test("13, P19: equals leave in the order of their puts", () => {
  for (const [name, options] of Object.entries(byRank)) {
    for (const spread of [1, 2, 5, 100]) {
      const jobs = Array.from({ length: 300 }, (_, n) => ({ rank: random(spread), n }));
      assertEquals(drained(filled(new PriorityQueue(options), ...jobs)), sorted(jobs), name);
    }
  }
});

Deno.test("13, P19: equals that could not be compared any further are no error", () => {
  // asyncio compares tuples here, and so the payloads when ranks are equal.
  const queue = new PriorityQueue<[number, object]>({ priority: ([rank]) => rank });
  const first = {};
  queue.putNowait([1, first]);
  queue.putNowait([1, {}]);
  assertStrictEquals(queue.getNowait()[1], first);
  const zeros = filled(new PriorityQueue<number>(), 0, -0, 0);
  assert(Object.is(zeros.getNowait(), 0) && Object.is(zeros.getNowait(), -0));
});

Deno.test("13: equals keep their order also while items come and go", () => {
  for (const [name, options] of Object.entries(byRank)) {
    const queue = new PriorityQueue(options);
    let model: Job[] = [];
    for (let n = 0; n < 3_000; n++) {
      if (random(5) < 3) {
        const job = { rank: random(6), n };
        queue.putNowait(job);
        model = sorted([...model, job]);
      } else {
        assertStrictEquals(queue.tryGet()?.value, model.shift(), name);
      }
      assertEquals(queue.size, model.length);
    }
    assertEquals(drained(queue), model);
  }
});

Deno.test("13: equals keep their order also across putters that had to park", async () => {
  for (const [name, options] of Object.entries(byRank)) {
    for (const put of Object.values(putters)) {
      const queue = new PriorityQueue<Job>({ ...options, maxSize: 3 });
      const waiting = Array.from({ length: 12 }, (_, n) => put(queue, { rank: 1, n }));
      const got = await Promise.all(waiting.map(() => queue.get()));
      assertEquals(got.map(({ n }) => n), waiting.map((_, n) => n), name);
      await Promise.all(waiting);
    }
  }
});

Deno.test("14: an urgent put that has to park is served when it is accepted, not before", async () => {
  for (const options of Object.values(byRank)) {
    for (const put of Object.values(putters)) {
      const queue = new PriorityQueue<Job>({ ...options, maxSize: 2 });
      const job = (rank: number): Job => ({ rank, n: rank });
      filled(queue, job(5), job(6));
      const waiting = [put(queue, job(9)), put(queue, job(1)), put(queue, job(0))];
      // The oldest putter enters, though it is the least urgent.
      assertEquals(queue.getNowait().rank, 5);
      assertEquals(await Promise.all(waiting.map(state)), ["fulfilled", "pending", "pending"]);
      // Items: 6 and 9. Then 1 enters and is first, then 0.
      assertEquals(drained(queue).map(({ rank }) => rank), [6, 1, 0, 9]);
      await Promise.all(waiting);
    }
  }
});

Deno.test("14: with a getter parked the queue is empty, and the first item is its, whatever its rank", async () => {
  for (const take of Object.values(takers)) {
    const queue = new PriorityQueue<number>();
    const waiting = [take(queue), take(queue)];
    for (const n of [9, 1, 5]) queue.putNowait(n);
    assertEquals([...await Promise.all(waiting), ...drained(queue)], [9, 1, 5]);
  }
});

// ---- ranks ----

Deno.test("R31: a rank is read once, when put is called, before it parks", async () => {
  const asked: string[] = [];
  const ranks: Record<string, number> = { a: 4, b: 3, c: 2, d: 1 };
  const queue = new PriorityQueue<string>({
    maxSize: 2,
    priority: (item) => (asked.push(item), ranks[item]!),
  });
  filled(queue, "a", "b");
  const parked = queue.put("c");
  assertFalse(queue.tryPut("d"));
  assertThrows(() => queue.putNowait("d"), QueueFull);
  assertEquals(asked, ["a", "b", "c", "d", "d"]);
  // It counts for what it was, however often it is compared later.
  for (const item of ["a", "b", "c"]) ranks[item] = 9 - ranks[item]!;
  assertEquals(drained(queue), ["b", "c", "a"]);
  await parked;
  assertEquals(asked.length, 5);
});

Deno.test("R31: a rank counts as it was when it was put, also that of a Date which is moved later", () => {
  const early = new Date(1);
  const late = new Date(2);
  const queue = filled(new PriorityQueue<Date>(), late, early);
  late.setTime(0);
  assertStrictEquals(queue.getNowait(), early);
});

Deno.test("R31, R18: no rank is read of an item whose put has ended, or comes after shutdown", async () => {
  let asked = 0;
  const queue = new PriorityQueue<number>({ priority: (n) => (asked++, n) });
  await assertRejects(() => queue.put(1, AbortSignal.abort(new RangeError())), RangeError);
  queue.shutdown();
  await assertRejects(() => queue.put(1));
  assertThrows(() => queue.tryPut(1));
  assertEquals(asked, 0);
});

Deno.test("R20: without an order, an item that is no rank is a TypeError, on an empty queue too", async () => {
  for (const item of [undefined, null, true, {}, [], () => 1, Symbol("rank")]) {
    for (const queue of [new PriorityQueue<unknown>(), filled(new PriorityQueue<unknown>(), 1)]) {
      const before = [queue.size, queue.unfinished];
      assertInstanceOf(await failure(queue.put(item)), TypeError);
      assertThrows(() => queue.tryPut(item), TypeError, "priority");
      assertThrows(() => queue.putNowait(item), TypeError, "priority");
      assertEquals([queue.size, queue.unfinished], before);
    }
  }
});

Deno.test("R20: with an order of its own, a queue takes items of any kind", () => {
  const items = [undefined, null, {}, Symbol("item"), 1n];
  const compared = filled(new PriorityQueue<unknown>({ compare: () => 0 }), ...items);
  assertEquals(drained(compared), items);
  const ranked = filled(new PriorityQueue<unknown>({ priority: () => 0 }), ...items);
  assertEquals(drained(ranked), items);
});

Deno.test("R31, 15: NaN, an infinity and an invalid Date are a RangeError, no rank a TypeError", async () => {
  for (const rank of [NaN, Infinity, -Infinity, new Date(NaN)]) {
    for (const queue of rankedBy(rank)) {
      assertInstanceOf(await failure(queue.put("bad")), RangeError);
      assertThrows(() => queue.tryPut("bad"), RangeError, "priority");
      assertEquals([drained(queue), queue.unfinished], [["good"], 1]);
    }
  }
  for (const rank of [undefined, null, true, {}, [1]]) {
    for (const queue of rankedBy(rank)) {
      assertInstanceOf(await failure(queue.put("bad")), TypeError);
      assertThrows(() => queue.putNowait("bad"), TypeError, "priority");
      assertEquals([drained(queue), queue.unfinished], [["good"], 1]);
    }
  }
});

Deno.test("R31: ranks of mixed kinds in one queue are a TypeError", async () => {
  const ranks: readonly Priority[] = [1, 1n, "1", new Date(1)];
  for (const first of ranks) {
    for (const second of ranks) {
      const queue = filled(new PriorityQueue<Priority>(), first);
      if (typeof first === typeof second) {
        queue.putNowait(second);
        assertEquals(queue.size, 2);
      } else {
        assertInstanceOf(await failure(queue.put(second)), TypeError);
        assertThrows(() => queue.tryPut(second), TypeError, "one kind");
        assertEquals([queue.size, queue.unfinished], [1, 1]);
      }
    }
  }
});

Deno.test("R31, 56: a select that has put nothing in has no say in what kind of ranks a queue has", async () => {
  const queue = new PriorityQueue<Priority>();
  const ready = filled(new Queue<number>(), 1);
  const cases = { ready: recv(ready), late: send(queue, "late") };
  assertEquals((await select(cases, { biased: true })).key, "ready");
  await queue.put(1);
  assertThrows(() => queue.tryPut("late"), TypeError, "one kind");
  assertEquals(drained(queue), [1]);
});

Deno.test("R17: priority and compare exclude each other, and must be functions", () => {
  const order = { priority: () => 1, compare: () => 1 };
  assertThrows(() => new PriorityQueue<number>(order), TypeError, "priority");
  for (const given of [null, 1, "rank", {}]) {
    for (const key of ["priority", "compare"]) {
      const options = { [key]: given } as PriorityQueueOptions<number>;
      assertThrows(() => new PriorityQueue<number>(options), TypeError, key);
    }
  }
  new PriorityQueue<number>({ priority: undefined, compare: () => 1 });
});

Deno.test("13: only a PriorityQueue has an order: others do not rank", () => {
  const options = { priority: () => NaN, compare: () => NaN } as PriorityQueueOptions<number>;
  assertEquals(drained(filled(new Queue<number>(options), 3, 1, 2)), [3, 1, 2]);
  assertEquals(drained(filled(new LifoQueue<number>(options), 3, 1, 2)), [2, 1, 3]);
});

// ---- comparators that fail ----

/** What a comparator may do wrong, and what the call then fails with. */
const wrongs: Readonly<Record<string, [compare: () => unknown, type: new () => Error]>> = {
  throws: [() => {
    throw new SyntaxError("compare");
  }, SyntaxError],
  "gives NaN": [() => NaN, RangeError],
  "gives undefined": [() => undefined, TypeError],
  "gives a boolean": [() => true, TypeError],
  "gives a bigint": [() => 1n, TypeError],
};

Deno.test("15, R20: a comparator that fails, at whichever comparison, leaves a put without effect", async () => {
  for (const [name, [wrong, type]] of Object.entries(wrongs)) {
    for (const put of puttingNow) {
      for (let at = 1, failed = true; failed; at++) {
        const order = failingOrder();
        const queue = filled(new PriorityQueue<number>(order), ...sevens);
        order.failAt(at, wrong);
        const error = await put(queue, 0).then(() => undefined, (error) => error);
        failed = error !== undefined;
        if (failed) assertInstanceOf(error, type, name);
        assert(failed || at > 1);
        order.failAt(Infinity, wrong);
        const rest = sevens.toSorted((a, b) => a - b);
        assertEquals([queue.size, queue.unfinished], failed ? [7, 7] : [8, 8]);
        assertEquals(drained(queue), failed ? rest : [0, ...rest], `${name} at ${at}`);
      }
    }
  }
});

Deno.test("15: a comparator that fails while an item is taken leaves it where it was", async () => {
  for (const [name, [wrong, type]] of Object.entries(wrongs)) {
    for (const [call, take] of Object.entries({ ...takers, ...takersNow })) {
      for (let at = 1, failed = true; failed; at++) {
        const order = failingOrder();
        const queue = filled(new PriorityQueue<number>(order), ...sevens);
        order.failAt(at, wrong);
        const outcome = await take(queue).catch((error) => error);
        failed = typeof outcome !== "number";
        if (failed) assertInstanceOf(outcome, type, `${call}, ${name}`);
        else assertEquals(outcome, 1);
        assert(failed || at > 1);
        order.failAt(Infinity, wrong);
        assertEquals([queue.size, queue.unfinished, lines(queue).takers], [failed ? 7 : 6, 7, 0]);
        assertEquals(drained(queue), [1, 2, 3, 4, 5, 6, 7].slice(failed ? 0 : 1), call);
      }
    }
  }
});

Deno.test("R20: of a put that parked and fails to enter, the get succeeds and that put rejects", async () => {
  for (const [name, [wrong, type]] of Object.entries(wrongs)) {
    for (const [call, take] of Object.entries({ ...takers, ...takersNow })) {
      for (const put of Object.values(putters)) {
        const queue = new PriorityQueue<number>({
          maxSize: 2,
          compare: (a, b) => a === 13 || b === 13 ? wrong() as number : a - b,
        });
        filled(queue, 1, 2);
        const bad = put(queue, 13);
        const next = put(queue, 3);
        const later = put(queue, 4);
        assertEquals(await take(queue), 1, `${call}, ${name}`);
        assertInstanceOf(await failure(bad), type);
        assertEquals([await state(next), await state(later)], ["fulfilled", "pending"]);
        assertEquals([queue.size, queue.unfinished, lines(queue).putters], [2, 3, 1]);
        assertEquals(drained(queue), [2, 3, 4]);
        await later;
      }
    }
  }
});

Deno.test("R20: what is handed to a parked getter is compared with nothing", async () => {
  const compare = (): number => {
    throw new Error("compared");
  };
  const queue = new PriorityQueue<number>({ compare });
  const waiting = [queue.get(), queue.get()];
  filled(queue, 1, 2, 3);
  assertEquals([await waiting[0], await waiting[1], queue.getNowait()], [1, 2, 3]);
});

Deno.test("15, 118: a comparator that uses its own queue fails, and the queue is as it was", async () => {
  const uses: Record<string, (queue: PriorityQueue<number>) => unknown> = {
    putNowait: (queue) => queue.putNowait(1),
    getNowait: (queue) => queue.getNowait(),
    tryGet: (queue) => queue.tryGet(),
  };
  for (const [name, use] of Object.entries(uses)) {
    let queue = new PriorityQueue<number>();
    let on = false;
    const compare = (a: number, b: number): number => {
      if (on) use(queue);
      return a - b;
    };
    queue = filled(new PriorityQueue<number>({ compare }), 3, 2);
    on = true;
    assertInstanceOf(await failure(queue.put(1)), TypeError, name);
    assertThrows(() => queue.tryPut(1), TypeError, "compare");
    on = false;
    assertEquals([queue.unfinished, drained(queue)], [2, [2, 3]], name);
  }
});

Deno.test("15, 118: an immediate shutdown from within a comparator does all of it, or nothing", async () => {
  let queue = new PriorityQueue<number>();
  let on = false;
  const compare = (a: number, b: number): number => {
    if (on) queue.shutdown({ immediate: true });
    return a - b;
  };
  queue = filled(new PriorityQueue<number>({ compare }), 3, 2);
  on = true;
  const put = queue.put(1).then(() => "accepted", () => "refused");
  on = false;
  assertEquals(await put, "refused");
  assertEquals([queue.size, queue.unfinished], queue.closed ? [0, 0] : [2, 2]);
  queue.shutdown({ immediate: true });
  assertEquals([queue.size, queue.unfinished], [0, 0]);
  await queue.join();
});

Deno.test("15, 118: a shutdown from within a comparator refuses the put that it compares", async () => {
  let queue = new PriorityQueue<number>();
  let on = false;
  const compare = (a: number, b: number): number => {
    if (on) queue.shutdown();
    return a - b;
  };
  queue = filled(new PriorityQueue<number>({ compare }), 3, 2);
  on = true;
  const put = queue.put(1).then(() => "accepted", () => "refused");
  on = false;
  assertEquals([await put, queue.size, queue.unfinished], ["refused", 2, 2]);
});

Deno.test("15, 118: a cancel from within a comparator does no harm to those who wait behind", async () => {
  const ctx = withCancel(background());
  let on = false;
  const queue = new PriorityQueue<number>({
    maxSize: 6,
    weigh: (n) => n,
    compare: (a, b) => {
      if (on) ctx.cancel("enough");
      return a - b;
    },
  });
  filled(queue, 1, 1, 3);
  const heavy = failure(queue.put(5, ctx));
  const light = queue.put(1);
  on = true;
  // Two of its items are left to be compared, so `heavy` leaves meanwhile, and `light` may enter.
  assertEquals(queue.getNowait(), 1);
  on = false;
  assertEquals([await heavy, await state(light)], ["enough", "fulfilled"]);
  assertEquals(drained(queue), [1, 1, 3]);
});

/** Puts without a context, each as one that gives a promise. */
const puttingNow: readonly ((queue: Queue<number>, item: number) => Promise<unknown>)[] = [
  ...Object.values(putters),
  // deno-lint-ignore require-await
  async (queue, item) => queue.putNowait(item),
  // deno-lint-ignore require-await
  async (queue, item) => queue.tryPut(item),
];

/** Takes without waiting. */
const takersNow: Readonly<Record<string, <T>(queue: Queue<T>) => Promise<T | undefined>>> = {
  // deno-lint-ignore require-await
  getNowait: async (queue) => queue.getNowait(),
  // deno-lint-ignore require-await
  tryGet: async (queue) => queue.tryGet()?.value,
};

const sevens = [4, 6, 2, 7, 5, 3, 1];

/** By size, until the comparison that is to fail. */
function failingOrder(): {
  compare(a: number, b: number): number;
  failAt(at: number, wrong: () => unknown): void;
} {
  let left = Infinity;
  let fail = (): unknown => undefined;
  return {
    compare: (a, b) => --left === 0 ? fail() as number : a - b,
    failAt(at, wrong) {
      left = at;
      fail = wrong;
    },
  };
}

/** Queues with one good item, in which every bad one has this rank; on one of them puts park. */
function rankedBy(rank: unknown): PriorityQueue<string>[] {
  const priority = (item: string): Priority => item === "bad" ? rank as Priority : 0;
  return [0, 1].map((maxSize) => filled(new PriorityQueue({ maxSize, priority }), "good"));
}

/** Stable, as `toSorted` is. */
function sorted(jobs: readonly Job[]): Job[] {
  return jobs.toSorted((a, b) => a.rank - b.rank);
}

let seed = 1;

/** A whole number below `limit`, the same ones in each run. */
function random(limit: number): number {
  seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
  return Math.floor((seed / 2 ** 32) * limit);
}

function shuffled<T>(items: readonly T[]): T[] {
  const shuffled = [...items];
  for (let at = shuffled.length - 1; at > 0; at--) {
    const other = random(at + 1);
    [shuffled[at], shuffled[other]] = [shuffled[other]!, shuffled[at]!];
  }
  return shuffled;
}
