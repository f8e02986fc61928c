/**
 * Who is served when, what a bound bounds, and what bad arguments do. Orders of their own, weights,
 * accounts and shutdown are in `queue_*_test.ts`; what all waiting calls have in common is in
 * `wait_test.ts`.
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
  DeadlineExceededError,
  Queue,
  QueueEmpty,
  QueueFull,
  type QueueOptions,
  type Wait,
  withCancel,
} from "../mod.ts";
import { fakeClock } from "./support/clock.ts";
import { lines } from "./support/lines.ts";
import { drained, failure, filled, getters, kinds, putters, takers } from "./support/queues.ts";
import { state } from "./support/settle.ts";

const nobody = { takers: 0, putters: 0 };

// ---- cancellation ----

Deno.test("1: a cancelled getter is passed over, and the next one gets the item", async () => {
  for (const [name, make] of Object.entries(kinds)) {
    for (const [call, get] of Object.entries(getters)) {
      for (const place of [0, 1, 2]) {
        const queue = new make();
        const ctx = withCancel(background());
        const waiting = [0, 1, 2].map((at) => get(queue, at === place ? ctx : undefined));
        const [cancelled] = waiting.splice(place, 1);
        ctx.cancel("enough");
        queue.putNowait(1);
        queue.putNowait(2);
        assertEquals(await failure(cancelled!), "enough");
        assertEquals(await Promise.all(waiting), [1, 2], `${call} of ${name}, ${place}`);
        assertEquals([queue.size, queue.unfinished, lines(queue)], [0, 2, nobody]);
      }
    }
  }
});

Deno.test("1: when all getters are cancelled the item stays for whoever comes", async () => {
  for (const get of Object.values(getters)) {
    const queue = new Queue<number>(1);
    const ctx = withCancel(background());
    const cancelled = [get(queue, ctx), get(queue, ctx.signal), get(queue, { ctx })];
    ctx.cancel("enough");
    assert(queue.tryPut(7));
    assertFalse(queue.tryPut(8));
    for (const one of cancelled) assertEquals(await failure(one), "enough");
    assertEquals([queue.size, await queue.get()], [1, 7]);
  }
});

Deno.test("1: a getter whose timeout has passed is passed over, and leaves no timer", async () => {
  using clock = fakeClock();
  for (const get of Object.values(getters)) {
    const queue = new Queue<number>();
    const late = failure(get(queue, { timeout: 10 }));
    const patient = get(queue, { timeout: 20 });
    await clock.tick(10);
    queue.putNowait(1);
    assertInstanceOf(await late, DeadlineExceededError);
    assertEquals([await patient, queue.size, clock.timers], [1, 0, 0]);
  }
});

Deno.test("2: a cancelled putter's item never appears, and the room goes to the next putter", async () => {
  for (const [name, make] of Object.entries(kinds)) {
    for (const [call, put] of Object.entries(putters)) {
      for (const place of [0, 1, 2]) {
        const queue = filled(new make(1), 0);
        const ctx = withCancel(background());
        const waiting = [1, 2, 3].map((n) => put(queue, n, n === place + 1 ? ctx : undefined));
        const [cancelled] = waiting.splice(place, 1);
        ctx.cancel("enough");
        assertEquals(await failure(cancelled!), "enough");
        const rest = [0, 1, 2, 3].filter((n) => n !== place + 1);
        assertEquals(drained(queue), rest, `${call} of ${name}, ${place}`);
        await Promise.all(waiting);
        assertEquals([queue.unfinished, lines(queue)], [3, nobody]);
      }
    }
  }
});

Deno.test("2: when all putters are cancelled the room is there for whoever comes", async () => {
  for (const put of Object.values(putters)) {
    const queue = filled(new Queue<number>(2), 1, 2);
    const ctx = withCancel(background());
    const cancelled = [put(queue, 3, ctx), put(queue, 4, ctx.signal), put(queue, 5, { ctx })];
    ctx.cancel("enough");
    for (const one of cancelled) assertEquals(await failure(one), "enough");
    assertEquals(queue.getNowait(), 1);
    assert(queue.tryPut(6));
    assertFalse(queue.tryPut(7));
    assertEquals([drained(queue), queue.unfinished], [[2, 6], 3]);
  }
});

Deno.test("3: a cancelled call has left its line when cancel returns, not at the next call", () => {
  for (const make of Object.values(kinds)) {
    const ctx = withCancel(background());
    const ignored: Promise<unknown>[] = [];
    const empty = new make();
    for (const get of Object.values(getters)) ignored.push(get(empty, ctx));
    const full = filled(new make(1), 0);
    for (const put of Object.values(putters)) ignored.push(put(full, 1, ctx));
    assertEquals([lines(empty).takers, lines(full).putters], [4, 2]);
    ctx.cancel();
    assertEquals([lines(empty), lines(full)], [nobody, nobody]);
    for (const one of ignored) one.catch(() => {});
  }
});

Deno.test("4: a cancel after the hand-off comes too late: what was got is delivered, once", async () => {
  for (const make of Object.values(kinds)) {
    for (const [call, get] of Object.entries(getters)) {
      const queue = new make();
      const ctx = withCancel(background());
      const waiting = get(queue, ctx);
      queue.putNowait(1);
      ctx.cancel();
      assertEquals([await waiting, queue.size, queue.unfinished], [1, 0, 1], call);
      assertEquals([queue.tryGet(), lines(queue)], [undefined, nobody]);
    }
  }
});

Deno.test("4: a cancel after a putter was let in comes too late: its item is there, once", async () => {
  for (const make of Object.values(kinds)) {
    for (const [call, put] of Object.entries(putters)) {
      const queue = filled(new make(1), 1);
      const ctx = withCancel(background());
      const waiting = put(queue, 2, ctx);
      assertEquals(queue.getNowait(), 1);
      ctx.cancel();
      assertEquals(await state(waiting), "fulfilled", call);
      assertEquals([drained(queue), queue.unfinished], [[2], 2]);
    }
  }
});

Deno.test("4: whatever comes after the hand-off in the same step is too late, shutdown too", async () => {
  const queue = new Queue<number>(1);
  const ctx = withCancel(background());
  const got = queue.get(ctx);
  queue.putNowait(1);
  queue.putNowait(2);
  const put = queue.put(3, ctx);
  assertEquals(queue.getNowait(), 2);
  queue.shutdown({ immediate: true });
  ctx.cancel();
  assertEquals([await got, await state(put)], [1, "fulfilled"]);
});

// ---- who is next ----

Deno.test("5: of parked getters any may leave: the rest get all items, in the order they parked", async () => {
  const places = [0, 1, 2, 3, 4];
  for (const puts of [0, 1, 3, 5, 7]) {
    for (let leaving = 0; leaving < 2 ** places.length; leaving++) {
      const leaves = (place: number): boolean => (leaving & (1 << place)) !== 0;
      const queue = new Queue<number>();
      const ctx = withCancel(background());
      const order: number[] = [];
      const got: (number | undefined)[] = [];
      const waiting = places.map(async (place) => {
        const get = Object.values(getters)[place % 4]!;
        got[place] = await get(queue, leaves(place) ? ctx : undefined);
        order.push(got[place]!);
      });
      for (const one of waiting) one.catch(() => {});
      // Half of the items come before the cancel.
      const early = puts >> 1;
      for (let n = 0; n < early; n++) queue.putNowait(n);
      ctx.cancel();
      for (let n = early; n < puts; n++) queue.putNowait(n);

      const served = places.filter((place) => place < early || !leaves(place)).slice(0, puts);
      const left = drained(queue);
      await state(Promise.resolve());
      assertEquals(places.filter((place) => got[place] !== undefined), served);
      assertEquals(served.map((place) => got[place]), served.map((_, n) => n));
      assertEquals(left, Array.from({ length: puts - served.length }, (_, n) => n + served.length));
      assertEquals(order.length, served.length);
      queue.shutdown();
      await Promise.allSettled(waiting);
    }
  }
});

Deno.test("5, P18: getters are served in the order in which they came, whatever call they came by", async () => {
  const queue = new Queue<number>();
  const calls = Object.values(takers);
  const waiting = [...calls, ...calls.toReversed()].map((take) => take(queue));
  for (let n = 0; n < waiting.length; n++) queue.putNowait(n);
  assertEquals(await Promise.all(waiting), waiting.map((_, n) => n));
});

Deno.test("6, P18: with a getter parked, an item is handed to it, and who comes later gets none", async () => {
  for (const [name, make] of Object.entries(kinds)) {
    for (const [call, take] of Object.entries(takers)) {
      const queue = new make(1);
      const waiting = take(queue);
      queue.putNowait(1);
      assertThrows(() => queue.getNowait(), QueueEmpty);
      assertStrictEquals(queue.tryGet(), undefined);
      const later = queue.get();
      assertEquals([queue.size, queue.empty], [0, true]);
      assertEquals([await waiting, await state(later)], [1, "pending"], `${call} of ${name}`);
      queue.putNowait(2);
      assertEquals(await later, 2);
    }
  }
});

Deno.test("6, P18: with a putter parked, the room goes to it, and who comes later finds none", async () => {
  for (const [name, make] of Object.entries(kinds)) {
    for (const [call, put] of Object.entries(putters)) {
      for (const getNow of gettingNow) {
        const queue = filled(new make(1), 2);
        const waiting = put(queue, 3);
        assertEquals(getNow(queue), 2);
        assertThrows(() => queue.putNowait(1), QueueFull);
        assertFalse(queue.tryPut(1));
        const later = queue.put(1);
        assertEquals([queue.size, queue.full], [1, true]);
        assertEquals(await state(waiting), "fulfilled", `${call} of ${name}`);
        assertEquals([await queue.get(), await queue.get()], [3, 1]);
        await later;
      }
    }
  }
});

Deno.test("6: calls that take without waiting let in as many putters as there is room", () => {
  for (const getNow of gettingNow) {
    const queue = filled(new Queue<number>(2), 1, 2);
    for (const n of [3, 4, 5]) void queue.put(n);
    for (const n of [1, 2, 3, 4, 5]) {
      assertEquals(getNow(queue), n);
      assertEquals([queue.size, lines(queue).putters], [Math.min(2, 5 - n), Math.max(0, 3 - n)]);
    }
  }
});

Deno.test("7, P18: a contended full queue is first in, first out", async () => {
  const queue = filled(new Queue<number>(2), 1, 2);
  const parked = queue.put(3);
  assertEquals([queue.getNowait(), queue.getNowait()], [1, 2]);
  // asyncio gives 4 before 3 here: its parked put has yet to wake up.
  queue.putNowait(4);
  assertThrows(() => queue.putNowait(5), QueueFull);
  assertEquals([queue.getNowait(), queue.getNowait()], [3, 4]);
  await parked;
});

Deno.test("7: with size 1, putNowait after two gets does not overtake a chain of putters", async () => {
  const queue = filled(new Queue<number>(1), 1);
  const parked = [queue.put(2), queue.put(3), queue.put(4)];
  const got: number[] = [];
  while (got.length < 4) {
    got.push(queue.getNowait());
    if (got.length < 4) assertThrows(() => queue.putNowait(-1), QueueFull);
  }
  assertEquals(got, [1, 2, 3, 4]);
  await Promise.all(parked);
});

Deno.test("7: producers and consumers of any speed keep the order of each producer", async () => {
  for (const maxSize of [0, 1, 3]) {
    const queue = new Queue<readonly [producer: number, n: number]>(maxSize);
    const seen: (readonly [number, number])[] = [];
    const producers = [0, 1, 2].map(async (producer) => {
      for (let n = 0; n < 200; n++) {
        await queue.put([producer, n]);
        for (let pause = n % (producer + 1); pause > 0; pause--) await Promise.resolve();
      }
    });
    const consumers = [0, 1, 2].map(async (consumer) => {
      for await (const item of queue) {
        seen.push(item);
        for (let pause = consumer; pause > 0; pause--) await Promise.resolve();
      }
    });
    await Promise.all(producers);
    queue.shutdown();
    await Promise.all(consumers);
    assertEquals(seen.length, 600);
    for (const one of [0, 1, 2]) {
      const own = seen.filter(([producer]) => producer === one).map(([, n]) => n);
      assertEquals(own, Array.from({ length: 200 }, (_, n) => n), `maxSize ${maxSize}`);
    }
  }
});

Deno.test("10: putNowait that serves several getters at once gives each its own item, in order", async () => {
  for (const [name, make] of Object.entries(kinds)) {
    const queue = new make(1);
    const order: string[] = [];
    const waiting = ["a", "b", "c", "d"].map((who) =>
      queue.get().then((item) => void order.push(`${who}${item}`))
    );
    for (const n of [3, 1, 2]) queue.putNowait(n);
    assertEquals([queue.size, queue.unfinished, lines(queue).takers], [0, 3, 1]);
    await Promise.all(waiting.slice(0, 3));
    assertEquals(order, ["a3", "b1", "c2"], name);
    queue.shutdown();
    await Promise.allSettled(waiting);
  }
});

Deno.test("10: getNowait that lets several putters in lets in each once, in order", async () => {
  const queue = filled(new Queue<number>(3), 1, 2, 3);
  const order: number[] = [];
  const waiting = [4, 5, 6].map((n) => queue.put(n).then(() => void order.push(n)));
  for (const n of [1, 2, 3]) assertEquals(queue.getNowait(), n);
  assertEquals([queue.size, queue.unfinished], [3, 6]);
  await Promise.all(waiting);
  assertEquals([order, drained(queue)], [[4, 5, 6], [4, 5, 6]]);
});

// ---- the bound ----

Deno.test("8: a maxSize of 0 or less, or Infinity, is no bound, and full is never true", async () => {
  for (const make of Object.values(kinds)) {
    const unbounded = [undefined, 0, -1, -7, Infinity, -Infinity, { maxSize: 0 }, {}];
    for (const options of unbounded) {
      const queue = new make(options);
      for (let n = 0; n < 1_000; n += 2) {
        assert(queue.tryPut(n));
        await queue.put(n + 1);
        assertFalse(queue.full);
      }
      assertEquals(queue.size, 1_000);
    }
  }
});

Deno.test("8: a queue with a bound holds so many, and is full then", () => {
  for (const make of Object.values(kinds)) {
    for (const maxSize of [1, 2, 10]) {
      for (const options of [maxSize, { maxSize }]) {
        const queue = new make(options);
        assert(queue.empty);
        for (let n = 0; n < maxSize; n++) {
          assertFalse(queue.full);
          assert(queue.tryPut(n));
          assertFalse(queue.empty);
        }
        assert(queue.full);
        assertEquals([queue.tryPut(-1), queue.size], [false, maxSize]);
        queue.getNowait();
        assertFalse(queue.full);
      }
    }
  }
});

Deno.test("8, R17: a maxSize that is no integer is a RangeError, and one that is no number a TypeError", () => {
  for (const make of Object.values(kinds)) {
    for (const maxSize of [NaN, 1.5, -0.5, 0.1, Number.MIN_VALUE]) {
      assertThrows(() => new make(maxSize), RangeError, "maxSize");
      assertThrows(() => new make({ maxSize }), RangeError, "maxSize");
    }
    for (const given of ["3", null, true, 3n, {}, [3]]) {
      const maxSize = given as number;
      assertThrows(() => new make({ maxSize }), TypeError, "maxSize");
    }
  }
});

Deno.test("R26: maxSize reads as given", () => {
  for (const make of Object.values(kinds)) {
    assertEquals([new make().maxSize, new make({}).maxSize], [0, 0]);
    for (const maxSize of [0, -3, 5, Infinity, -Infinity]) {
      assertEquals([new make(maxSize).maxSize, new make({ maxSize }).maxSize], [maxSize, maxSize]);
    }
  }
});

Deno.test("R26: options may be any object, one whose options are inherited too", () => {
  class Defaults {
    get maxSize(): number {
      return 1;
    }
    get name(): string {
      return "jobs";
    }
  }
  for (const make of Object.values(kinds)) {
    const queue = filled(new make(new Defaults()), 1);
    assertEquals([queue.maxSize, queue.name, queue.full], [1, "jobs", true]);
  }
});

Deno.test("9: on a full queue putNowait throws QueueFull, tryPut is false, and nothing changes", () => {
  for (const make of Object.values(kinds)) {
    const queue = filled(new make(2), 1, 2);
    const error = assertThrows(() => queue.putNowait(3), QueueFull);
    assertEquals(error.code, "SLUICE_QUEUE_FULL");
    assertFalse(queue.tryPut(3));
    assertEquals([queue.size, queue.unfinished, lines(queue)], [2, 2, nobody]);
    assertEquals(drained(queue).toSorted(), [1, 2]);
  }
});

Deno.test("9: on an empty queue getNowait throws QueueEmpty, tryGet is undefined, and nothing changes", () => {
  for (const make of Object.values(kinds)) {
    const queue = filled(new make(), 1);
    queue.getNowait();
    const error = assertThrows(() => queue.getNowait(), QueueEmpty);
    assertEquals(error.code, "SLUICE_QUEUE_EMPTY");
    assertStrictEquals(queue.tryGet(), undefined);
    assertEquals([queue.size, queue.unfinished, lines(queue)], [0, 1, nobody]);
  }
});

Deno.test("9: undefined is an item: tryGet has a box for it", async () => {
  const queue = filled(new Queue<undefined>(), undefined, undefined, undefined);
  assertEquals(queue.tryGet(), { value: undefined });
  assertEquals([queue.size, queue.getNowait(), await queue.get()], [2, undefined, undefined]);
  assertStrictEquals(queue.tryGet(), undefined);
});

Deno.test("20: what is parked counts neither in size, nor in weight, nor in unfinished", () => {
  for (const make of Object.values(kinds)) {
    const queue = filled(new make(1), 1);
    void queue.put(2);
    assertEquals([queue.size, queue.weight, queue.unfinished], [1, 1, 1]);
    queue.getNowait();
    assertEquals([queue.size, queue.weight, queue.unfinished], [1, 1, 2]);
    queue.getNowait();
    assertEquals([queue.size, queue.weight, queue.unfinished], [0, 0, 2]);
  }
});

// ---- arguments ----

/** Each waiting call of a queue. */
const calls: Record<string, (queue: Queue<number>, wait?: Wait) => Promise<unknown>> = {
  put: (queue, wait) => queue.put(7, wait),
  get: (queue, wait) => queue.get(wait),
  lease: (queue, wait) => queue.lease(wait),
  getBatch: (queue, wait) => queue.getBatch(2, wait),
  join: (queue, wait) => queue.join(wait),
};

/** Queues in which these calls have to wait, need not, or fail. */
function states(): Record<string, Queue<number>> {
  const draining = filled(new Queue<number>(3), 1);
  draining.shutdown();
  const closed = new Queue<number>();
  closed.shutdown();
  return {
    empty: new Queue<number>(),
    half: filled(new Queue<number>(2), 1),
    full: filled(new Queue<number>(1), 1),
    draining,
    closed,
  };
}

Deno.test("R18: what has ended goes before all that a queue has to say, and nothing moves", async () => {
  const ctx = withCancel(background());
  ctx.cancel("over");
  const signal = AbortSignal.abort("aborted");
  const waits: [Wait, unknown][] = [
    [ctx, "over"],
    [signal, "aborted"],
    [{ ctx }, "over"],
    [{ signal }, "aborted"],
    [{ ctx, signal, timeout: 0 }, "over"],
    [{ signal, timeout: -1 }, "aborted"],
  ];
  for (const [wait, cause] of waits) {
    for (const [name, call] of Object.entries(calls)) {
      for (const [of, queue] of Object.entries(states())) {
        const before = [queue.size, queue.unfinished, lines(queue)];
        assertEquals(await failure(call(queue, wait)), cause, `${name} of ${of}`);
        assertEquals([queue.size, queue.unfinished, lines(queue)], before, `${name} of ${of}`);
      }
    }
  }
});

Deno.test("R1: a timeout of 0 or less tries once, and fails where it would have to wait", async () => {
  // Time stands still: none of it takes a timer.
  using clock = fakeClock();
  for (const timeout of [0, -1, -Infinity]) {
    const queue = filled(new Queue<number>(1), 1);
    assertInstanceOf(await failure(queue.put(2, { timeout })), DeadlineExceededError);
    assertInstanceOf(await failure(queue.join({ timeout })), DeadlineExceededError);
    assertEquals(await queue.get({ timeout }), 1);
    for (const call of [calls.get!, calls.lease!, calls.getBatch!]) {
      assertInstanceOf(await failure(call(queue, { timeout })), DeadlineExceededError);
    }
    await queue.put(2, { timeout });
    assertEquals(await queue.getBatch(5, { timeout }), [2]);
    queue.taskDone(2);
    await queue.join({ timeout });
    await queue.put(3, { timeout });
    assertEquals([(await queue.lease({ timeout })).value, lines(queue)], [3, nobody]);
    assertEquals(clock.timers, 0);
  }
});

Deno.test("R17: a bad `wait` makes a call reject, whatever the queue is like, and never throw", async () => {
  const foreign = { throwIfDone() {} };
  const bad: readonly unknown[] = [
    null,
    5,
    "wait",
    true,
    foreign,
    { ctx: null },
    { ctx: foreign },
    { ctx: {} },
    { signal: null },
    { signal: {} },
    { timeout: null },
    { timeout: "5" },
    { timeout: NaN },
  ];
  for (const wait of bad) {
    for (const [name, call] of Object.entries(calls)) {
      for (const [of, queue] of Object.entries(states())) {
        const before = [queue.size, queue.unfinished, lines(queue)];
        const error = await failure(call(queue, wait as Wait));
        assert(error instanceof TypeError || error instanceof RangeError, `${name} of ${of}`);
        assertEquals([queue.size, queue.unfinished, lines(queue)], before, `${name} of ${of}`);
      }
    }
  }
});

Deno.test("R17: unknown options are ignored, and undefined is none", async () => {
  const options = { maxsize: 1, size: 1 } as QueueOptions<number>;
  for (const make of Object.values(kinds)) {
    const queue = filled(new make(options), 1, 2, 3);
    const wait = { timeOut: NaN, timeout: undefined, ctx: undefined, signal: undefined } as Wait;
    await queue.put(4, wait);
    assertEquals(await queue.getBatch(9, wait).then((items) => items.length), 4);
    assertEquals(new make({ maxSize: undefined, name: undefined, weigh: undefined }).maxSize, 0);
  }
});

Deno.test("R17: options that are no object, and a weigh that is no function, are a TypeError", () => {
  for (const make of Object.values(kinds)) {
    for (const options of [null, "3", true, 3n, () => 3]) {
      assertThrows(() => new make(options as unknown as number), TypeError, "options");
    }
    for (const weigh of [null, 1, "length", {}]) {
      assertThrows(() => new make({ weigh } as QueueOptions<number>), TypeError, "weigh");
    }
  }
});

Deno.test("R17: shutdown with options that are no object is a TypeError, and the queue stays open", () => {
  const queue = new Queue<number>();
  for (const options of [null, true, "immediate", 1]) {
    assertThrows(() => queue.shutdown(options as { immediate?: boolean }), TypeError, "options");
    assertFalse(queue.closed);
  }
});

Deno.test("R17: taskDone throws what is wrong with its count", () => {
  const queue = filled(new Queue<number>(), 1, 2);
  for (const count of ["1", null, 1n, {}]) {
    assertThrows(() => queue.taskDone(count as number), TypeError, "count");
  }
  assertThrows(() => queue.taskDone(NaN), RangeError, "count");
  queue.taskDone(undefined);
  assertEquals(queue.unfinished, 1);
});

Deno.test("R17: a call that gives a promise rejects also what its item is refused for", async () => {
  const weighed = new Queue<number>({ maxSize: 1, weigh: (n) => n });
  await assertRejects(() => weighed.put(NaN), RangeError);
  const ranked = new kinds.PriorityQueue!();
  await assertRejects(() => ranked.put({} as number), TypeError);
  assertThrows(() => ranked.tryPut({} as number), TypeError);
  assertThrows(() => ranked.putNowait({} as number), TypeError);
});

/** The calls that take an item without waiting. */
const gettingNow: readonly (<T>(queue: Queue<T>) => T | undefined)[] = [
  (queue) => queue.getNowait(),
  (queue) => queue.tryGet()?.value,
];
