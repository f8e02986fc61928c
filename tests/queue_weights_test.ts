/**
 * Queues whose bound is a weight.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { background, PriorityQueue, Queue, QueueFull, QueueShutDown, withCancel } from "../mod.ts";
import { lines } from "./support/lines.ts";
import { drained, failure, filled, kinds, putters, takers } from "./support/queues.ts";
import { state } from "./support/settle.ts";

/** What weighs as much as it is. */
const weigh = (item: number): number => item;

Deno.test("29: maxSize bounds what the items weigh together, not how many there are", async () => {
  for (const [name, make] of Object.entries(kinds)) {
    const queue = filled(new make({ maxSize: 10, weigh }), 3, 3, 3);
    assertEquals([queue.size, queue.weight, queue.full, queue.unfinished], [3, 9, false, 3], name);
    assertFalse(queue.tryPut(2));
    assertThrows(() => queue.putNowait(2), QueueFull);
    await queue.put(1);
    assertEquals([queue.size, queue.weight, queue.full], [4, 10, true]);
    while (queue.size > 0) queue.getNowait();
    assertEquals([queue.weight, queue.full], [0, false]);
  }
});

Deno.test("29: an item as heavy as maxSize goes into an empty queue alone", async () => {
  for (const make of Object.values(kinds)) {
    for (const put of Object.values(putters)) {
      const queue = new make({ maxSize: 4, weigh });
      await put(queue, 4);
      const waiting = put(queue, 4);
      assertEquals([queue.full, await state(waiting), queue.unfinished], [true, "pending", 1]);
      assertEquals([queue.getNowait(), await state(waiting)], [4, "fulfilled"]);
      assertEquals([queue.weight, queue.unfinished], [4, 2]);
    }
  }
});

Deno.test("29, R7: an item heavier than maxSize is a RangeError, and holds up nobody", async () => {
  for (const make of Object.values(kinds)) {
    for (const items of [[], [2], [4]]) {
      const queue = filled(new make({ maxSize: 4, weigh }), ...items);
      const before = [queue.weight, queue.unfinished];
      for (const put of Object.values(putters)) {
        assertInstanceOf(await failure(put(queue, 5)), RangeError);
      }
      assertThrows(() => queue.tryPut(5), RangeError, "maxSize");
      assertThrows(() => queue.putNowait(4.001), RangeError, "maxSize");
      assertEquals([queue.weight, queue.unfinished, lines(queue).putters], [...before, 0]);
    }
  }
});

Deno.test("29: so it is where a getter waits for it already", async () => {
  const queue = new Queue<number>({ maxSize: 4, weigh });
  const waiting = queue.get();
  await assertRejects(() => queue.put(5), RangeError);
  assertEquals([lines(queue).takers, queue.unfinished], [1, 0]);
  queue.putNowait(4);
  assertEquals([await waiting, queue.weight], [4, 0]);
});

Deno.test("29: without a bound items weigh, and there is always room", () => {
  for (const make of Object.values(kinds)) {
    for (const maxSize of [0, -1, Infinity]) {
      const queue = filled(new make({ maxSize, weigh }), 1_000, 2 ** 40, 0.5);
      assertEquals([queue.size, queue.weight, queue.full], [3, 2 ** 40 + 1_000.5, false]);
    }
  }
});

Deno.test("29: without weigh, weight is size", () => {
  for (const make of Object.values(kinds)) {
    const queue = filled(new make(3), 7, 8);
    assertEquals([queue.weight, queue.size], [2, 2]);
    queue.getNowait();
    assertEquals([queue.weight, queue.size], [1, 1]);
  }
});

Deno.test("29: fractions leave nothing behind: what is empty weighs nothing", () => {
  const queue = filled(new Queue<number>({ maxSize: 1, weigh }), 0.1, 0.2, 0.3);
  assertEquals(drained(queue), [0.1, 0.2, 0.3]);
  assertEquals(queue.weight, 0);
  assert(queue.tryPut(1));
});

Deno.test("29: batches and an immediate shutdown take the weight out as well", async () => {
  for (const make of Object.values(kinds)) {
    const queue = filled(new make({ maxSize: 10, weigh }), 2, 2, 2, 2);
    await queue.getBatch(3);
    assertEquals([queue.size, queue.weight], [1, 2]);
    queue.shutdown({ immediate: true });
    assertEquals([queue.size, queue.weight, queue.full], [0, 0, false]);
  }
});

Deno.test("29: every way to take an item takes its weight out, and lets in what then fits", async () => {
  for (const [call, take] of Object.entries(takers)) {
    const queue = filled(new Queue<number>({ maxSize: 10, weigh }), 3, 4);
    const waiting = [7, 2].map((item) => queue.put(item));
    assertEquals([await take(queue), queue.weight, queue.size], [3, 4, 1], call);
    assertEquals([await take(queue), queue.weight, queue.size], [4, 9, 2], call);
    await Promise.all(waiting);
  }
});

Deno.test("29, 2: a heavy put that is cancelled while it waits weighs nothing", async () => {
  for (const make of Object.values(kinds)) {
    for (const put of Object.values(putters)) {
      const queue = filled(new make({ maxSize: 5, weigh }), 3);
      const ctx = withCancel(background());
      const heavy = failure(put(queue, 4, ctx));
      ctx.cancel("enough");
      assertEquals([await heavy, queue.weight, queue.unfinished], ["enough", 3, 1]);
      assert(queue.tryPut(2));
      assertEquals([queue.weight, queue.full], [5, true]);
    }
  }
});

Deno.test("29, 22: a shutdown refuses the puts that wait, whatever they weigh, and the weight drains", async () => {
  for (const make of Object.values(kinds)) {
    const queue = filled(new make({ maxSize: 5, weigh }), 3);
    const waiting = [4, 1].map((item) => failure(queue.put(item)));
    queue.shutdown();
    for (const error of await Promise.all(waiting)) assertInstanceOf(error, QueueShutDown);
    assertEquals([queue.weight, drained(queue), queue.weight, queue.unfinished], [3, [3], 0, 1]);
  }
});

Deno.test("R26: weight 0 is allowed: such an item counts in size and unfinished, and needs no room", async () => {
  for (const make of Object.values(kinds)) {
    const queue = filled(new make({ maxSize: 3, weigh }), 3);
    assert(queue.full);
    assert(queue.tryPut(0));
    await queue.put(0);
    assertEquals([queue.size, queue.weight, queue.unfinished], [3, 3, 3]);
    // But it does not overtake those who wait for room.
    const heavy = queue.put(1);
    assertFalse(queue.tryPut(0));
    const light = queue.put(0);
    assertEquals([await state(heavy), await state(light)], ["pending", "pending"]);
    while (queue.tryGet() !== undefined);
    assertEquals([await state(heavy), await state(light), queue.unfinished], [
      "fulfilled",
      "fulfilled",
      5,
    ]);
  }
});

Deno.test("R7: a heavy putter at the head of the line holds up lighter ones behind it", async () => {
  for (const [name, make] of Object.entries(kinds)) {
    for (const put of Object.values(putters)) {
      const queue = filled(new make({ maxSize: 5, weigh }), 2, 2);
      const heavy = put(queue, 4);
      const light = put(queue, 1);
      assertFalse(queue.tryPut(1));
      assertEquals([await state(light), lines(queue).putters], ["pending", 2]);
      // 2 are left: the heavy one does not fit yet, the light one would.
      queue.getNowait();
      assertFalse(queue.tryPut(1));
      assertEquals([await state(light), queue.size, queue.weight], ["pending", 1, 2], name);
      queue.getNowait();
      assertEquals([await state(heavy), await state(light), queue.weight], [
        "fulfilled",
        "fulfilled",
        5,
      ]);
    }
  }
});

Deno.test("R7: one get lets in as many putters as there is room for now", async () => {
  for (const [call, take] of Object.entries(takers)) {
    const queue = filled(new Queue<number>({ maxSize: 6, weigh }), 6);
    const waiting = [1, 2, 3, 1].map((n) => queue.put(n));
    assertEquals(await take(queue), 6, call);
    assertEquals(await Promise.all(waiting.map(state)), [
      "fulfilled",
      "fulfilled",
      "fulfilled",
      "pending",
    ]);
    assertEquals([drained(queue), queue.unfinished], [[1, 2, 3, 1], 5]);
  }
});

Deno.test("R7, 2: when the heavy head leaves, the lighter ones behind it enter at once", async () => {
  for (const make of Object.values(kinds)) {
    for (const put of Object.values(putters)) {
      const queue = filled(new make({ maxSize: 5, weigh }), 3);
      const ctx = withCancel(background());
      const heavy = put(queue, 4, ctx);
      const light = [put(queue, 1), put(queue, 1), put(queue, 1)];
      ctx.cancel("enough");
      assertEquals([queue.size, queue.weight], [3, 5]);
      assertEquals(await failure(heavy), "enough");
      assertEquals(await Promise.all(light.map(state)), ["fulfilled", "fulfilled", "pending"]);
      queue.shutdown();
      await Promise.allSettled(light);
    }
  }
});

Deno.test("R7: admission is by the order of the putters, rank only after", async () => {
  const queue = new PriorityQueue<readonly [rank: number, weight: number]>({
    maxSize: 4,
    weigh: ([, weight]) => weight,
    priority: ([rank]) => rank,
  });
  filled(queue, [5, 4]);
  const waiting = [queue.put([9, 3]), queue.put([1, 2]), queue.put([0, 1])];
  assertEquals(queue.getNowait(), [5, 4]);
  // The first 3 are in; 2 do not fit, and 1 waits behind them though it would, and is the smallest.
  assertEquals([queue.size, queue.weight], [1, 3]);
  assertEquals(drained(queue).map(([rank]) => rank), [9, 0, 1]);
  await Promise.all(waiting);
});

Deno.test("R7, R31: weigh is called once for each put, before it parks, and for no get", async () => {
  const asked: number[] = [];
  let factor = 1;
  for (const make of Object.values(kinds)) {
    asked.length = 0;
    factor = 1;
    const queue = new make({ maxSize: 4, weigh: (n) => (asked.push(n), n * factor) });
    queue.putNowait(3);
    assertFalse(queue.tryPut(2));
    const parked = queue.put(4);
    assertEquals(asked, [3, 2, 4]);
    // An item weighs what it did when it was put.
    factor = 100;
    assertEquals([queue.weight, queue.getNowait(), queue.weight], [3, 3, 4]);
    assertEquals([queue.getNowait(), queue.weight], [4, 0]);
    await parked;
    assertEquals(asked, [3, 2, 4]);
  }
});

Deno.test("R7, R18: nothing is weighed whose put has ended, or comes after shutdown", async () => {
  let asked = 0;
  const queue = new Queue<number>({ weigh: () => ++asked });
  await assertRejects(() => queue.put(1, AbortSignal.abort(new SyntaxError())), SyntaxError);
  queue.shutdown();
  await assertRejects(() => queue.put(1));
  assertThrows(() => queue.tryPut(1));
  assertEquals(asked, 0);
});

Deno.test("R31, 15: a weight of a wrong kind is a TypeError, one that is none a RangeError", async () => {
  const wrongs: [unknown, new () => Error][] = [
    [NaN, RangeError],
    [-1, RangeError],
    [-Number.MIN_VALUE, RangeError],
    [Infinity, RangeError],
    [-Infinity, RangeError],
    [undefined, TypeError],
    [null, TypeError],
    ["3", TypeError],
    [3n, TypeError],
  ];
  for (const [wrong, type] of wrongs) {
    for (const make of Object.values(kinds)) {
      for (const maxSize of [0, 2]) {
        const queue = new make({ maxSize, weigh: (n) => n === 13 ? wrong as number : 1 });
        filled(queue, 1, 2);
        assertInstanceOf(await failure(queue.put(13)), type);
        assertThrows(() => queue.tryPut(13), type, "weigh");
        assertThrows(() => queue.putNowait(13), type, "weigh");
        assertEquals([queue.size, queue.weight, queue.unfinished], [2, 2, 2]);
        assertEquals(lines(queue), { takers: 0, putters: 0 });
      }
    }
  }
});

Deno.test("15: a weigh that throws fails its put, and changes nothing", async () => {
  const error = new Error("no scales");
  for (const make of Object.values(kinds)) {
    const queue = new make({
      maxSize: 2,
      weigh: (n) => {
        if (n === 13) throw error;
        return 1;
      },
    });
    filled(queue, 1, 2);
    const parked = queue.put(3);
    for (const put of Object.values(putters)) assertEquals(await failure(put(queue, 13)), error);
    assertThrows(() => queue.tryPut(13), Error, "no scales");
    assertEquals([queue.size, queue.unfinished, lines(queue).putters], [2, 2, 1]);
    assertEquals(drained(queue).toSorted(), [1, 2, 3]);
    await parked;
  }
});

Deno.test("118, R7: weigh may shut its queue down: the item is refused, and is on the error", async () => {
  for (const make of Object.values(kinds)) {
    for (const put of [...Object.values(putters), noWait]) {
      const queue: Queue<number> = new make({ maxSize: 5, weigh: (n) => (queue.shutdown(), n) });
      for (const item of [3, 9]) {
        const error = await failure(put(queue, item));
        assertInstanceOf(error, QueueShutDown);
        assertEquals([error.value, queue.size, queue.weight, queue.unfinished], [item, 0, 0, 0]);
      }
    }
  }
});

Deno.test("118: weigh may put, get, and cancel: what it weighs comes after what it did", async () => {
  for (const make of Object.values(kinds)) {
    const ctx = withCancel(background());
    const queue: Queue<number> = new make({
      maxSize: 5,
      weigh: (n) => {
        if (n === 3) queue.putNowait(2);
        if (n === 4) ctx.cancel("enough");
        return n;
      },
    });
    await queue.put(3);
    assertEquals([queue.weight, queue.size, queue.full], [5, 2, true]);
    assertEquals(await failure(queue.put(4, ctx)), "enough");
    assertEquals([queue.weight, queue.unfinished, lines(queue).putters], [5, 2, 0]);
  }
});

/** A put that does not wait. */
async function noWait(queue: Queue<number>, item: number): Promise<void> {
  await null;
  queue.putNowait(item);
}
