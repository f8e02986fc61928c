/**
 * Batchers: when a batch starts, what becomes of its items, and who leaves without a trace.
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
  ClosedError,
  ContextKey,
  DeadlineExceededError,
  withCancel,
  withTimeout,
  withValue,
} from "../mod.ts";
import type { Context } from "../mod.ts";
import {
  Batcher,
  type BatcherOptions,
  type BatcherStats,
  type BatchHandler,
  Failed,
} from "../flow/mod.ts";
import { ManualClock } from "../tasks/mod.ts";
import { fakeClock } from "./support/clock.ts";
import { HeldBatches, quiet, testsStandStill } from "./support/held_batches.ts";
import { failure } from "./support/queues.ts";
import { settled, state } from "./support/settle.ts";
import { spiedController } from "./support/spied_signal.ts";
import { catchUncaught } from "./support/uncaught.ts";

import { fresh, waysToEnd } from "./support/ways_to_end.ts";

/** One whose handler gives back ten times what it gets, and what it got. */
function tenfold(
  options: BatcherOptions<number> = {},
): { batcher: Batcher<number, number>; batches: number[][] } {
  const batches: number[][] = [];
  const batcher = new Batcher<number, number>((items) => {
    batches.push([...items]);
    return items.map((item) => item * 10);
  }, options);
  return { batcher, batches };
}

/** One whose handler has to be told to end. */
function heldBatcher<R = void>(
  options: BatcherOptions<number> = {},
): { batcher: Batcher<number, R>; held: HeldBatches<number, R> } {
  const held = new HeldBatches<number, R>();
  return { batcher: new Batcher(held.handler, options), held };
}

/** Submits these, and lets nobody wait for them. */
function submit<R>(batcher: Batcher<number, R>, ...items: number[]): Promise<R>[] {
  return items.map((item) => {
    const promise = batcher.submit(item);
    promise.catch(() => {});
    return promise;
  });
}

function counts({ waiting, running, submitted, fulfilled, rejected }: BatcherStats): number[] {
  return [waiting, running, submitted, fulfilled, rejected];
}

testsStandStill();

// ---- when a batch starts ----

Deno.test("133: without linger all that come before the event loop turns are one batch", async () => {
  const { batcher, batches } = tenfold();
  const results = submit(batcher, 1, 2);
  await quiet();
  results.push(...submit(batcher, 3));
  assertEquals(batches, []);
  assertEquals(await Promise.all(results), [10, 20, 30]);
  results.push(...submit(batcher, 4));
  await settled();
  assertEquals(batches, [[1, 2, 3], [4]]);
});

Deno.test("133: so are those that are submitted from promises in promises, as in DataLoader", async () => {
  const { batcher, batches } = tenfold();
  const deep = async (item: number, depth: number): Promise<number> => {
    if (depth === 0) return await batcher.submit(item);
    await Promise.resolve();
    return await deep(item, depth - 1);
  };
  const results = Promise.all([deep(1, 0), deep(2, 1), deep(3, 10), deep(4, 100)]);
  queueMicrotask(() => void batcher.submit(5));
  assertEquals(await results, [10, 20, 30, 40]);
  // 5 came before 3: in the order in which they were submitted.
  assertEquals(batches.map((batch) => batch.toSorted()), [[1, 2, 3, 4, 5]]);
  assertEquals(batches[0]!.indexOf(5) < batches[0]!.indexOf(3), true);
});

Deno.test("133: those that are submitted when a result is known are the next batch", async () => {
  const { batcher, batches } = tenfold();
  const nested = async (item: number): Promise<number> => {
    return await batcher.submit(await batcher.submit(item));
  };
  assertEquals(await Promise.all([1, 2, 3].map(nested)), [100, 200, 300]);
  assertEquals(batches, [[1, 2, 3], [10, 20, 30]]);
});

Deno.test("133: a handler is called in a microtask, and never by who submits, flushes, or shuts down", async () => {
  for (const start of ["submit", "flush", "shutdown"] as const) {
    const { batcher, batches } = tenfold({ maxCount: start === "submit" ? 2 : 3, linger: 100 });
    const results = submit(batcher, 1, 2);
    const done = start === "submit" ? undefined : batcher[start]();
    assertEquals(batches, []);
    await quiet();
    assertEquals(batches, [[1, 2]], start);
    await Promise.all([...results, done]);
  }
});

Deno.test("133: a batch starts when maxCount items are there, and never has more", async () => {
  const { batcher, held } = heldBatcher({ maxCount: 3, linger: Infinity, concurrency: 9 });
  submit(batcher, 1, 2);
  await settled();
  assertEquals(held.items, []);
  submit(batcher, 3, 4, 5, 6, 7);
  await quiet();
  assertEquals(held.items, [[1, 2, 3], [4, 5, 6]]);
  await settled();
  assertEquals([held.all.length, batcher.waiting], [2, 1]);
});

Deno.test("133: with a maxCount of 1 each is a batch of its own, at once", async () => {
  const { batcher, held } = heldBatcher({ maxCount: 1, concurrency: 2, linger: Infinity });
  submit(batcher, 1, 2, 3);
  await quiet();
  assertEquals(held.items, [[1], [2]]);
});

Deno.test("133: if nothing is said, 128 items are a batch, and one batch runs at a time", async () => {
  const { batcher, held } = heldBatcher();
  submit(batcher, ...Array(400).keys());
  await settled();
  assertEquals(held.items.map(({ length }) => length), [128]);
  for (const expected of [128, 128, 16]) {
    held.last.end();
    await settled();
    assertEquals(held.last.items.length, expected);
  }
});

Deno.test("133: a batch starts when its items weigh maxWeight, or the next one would be too much", async () => {
  const options = { maxWeight: 10, weigh: (n: number) => n, linger: Infinity, concurrency: 9 };
  for (
    const [items, expected] of [
      [[4, 5], []],
      [[4, 6], [[4, 6]]],
      [[4, 7], [[4]]],
      [[4, 5, 2], [[4, 5]]],
      [[10], [[10]]],
      [[9, 10], [[9], [10]]],
      [[9, 9, 9], [[9], [9]]],
      [[0, 0, 10, 0], [[0, 0, 10]]],
      [[5, 5, 0, 0, 10], [[5, 5], [0, 0, 10]]],
      // One that is behind, and would fit, does not go first.
      [[6, 7, 4], [[6], [7]]],
    ] as const
  ) {
    const { batcher, held } = heldBatcher(options);
    submit(batcher, ...items);
    await settled();
    assertEquals(held.items, expected.map((batch) => [...batch]), `${items}`);
  }
});

Deno.test("133: count and weight hold together", async () => {
  const { batcher, held } = heldBatcher({
    maxCount: 3,
    maxWeight: 10,
    weigh: (n) => n,
    concurrency: 9,
  });
  submit(batcher, 1, 1, 1, 5, 6, 1, 1, 1);
  await settled();
  assertEquals(held.items, [[1, 1, 1], [5], [6, 1, 1], [1]]);
});

Deno.test("133: fractions leave no weight behind, and take none", async () => {
  const options = { maxWeight: 1, weigh: (n: number) => n, linger: Infinity };
  const taken = tenfold(options);
  // (0.1 + 0.4 + 0.9) - (0.1 + 0.4) - 0.9 is less than nothing.
  submit(taken.batcher, 0.1, 0.4, 0.9);
  await taken.batcher.flush();
  const left = tenfold(options);
  const contexts = [0.2, 0.5, 0.1].map((n) => {
    const ctx = withCancel(background());
    left.batcher.submit(n, ctx).catch(() => {});
    return ctx;
  });
  for (const ctx of contexts) ctx.cancel();
  for (const { batcher, batches } of [taken, left]) {
    submit(batcher, 0.5, 0.5);
    await quiet();
    assertEquals(batches.at(-1), [0.5, 0.5]);
  }
});

Deno.test("133: weigh is called once for each item that is submitted, and for none that is refused", async () => {
  const weighed: number[] = [];
  const options = { maxWeight: 10, weigh: (n: number) => (weighed.push(n), n), capacity: 2 };
  const { batcher, held } = heldBatcher(options);
  submit(batcher, 1, 2);
  // The first two are a batch; the next two fill the line.
  submit(batcher, 3, 4, 5);
  assertStrictEquals(batcher.trySubmit(6), undefined);
  await failure(batcher.submit(7, AbortSignal.abort()));
  await settled();
  held.last.end();
  await settled();
  const over = batcher.shutdown({ immediate: true });
  held.last.end();
  await over;
  await failure(batcher.submit(8));
  assertEquals(weighed, [1, 2, 3, 4, 5]);
});

Deno.test("133: a batch starts when its first item has lingered, however late others come", async () => {
  const clock = new ManualClock();
  const { batcher, held } = heldBatcher({ linger: 10, clock, concurrency: 9 });
  submit(batcher, 1);
  assertEquals(clock.timers, 1);
  await clock.advance(6);
  submit(batcher, 2);
  await clock.advance(3);
  submit(batcher, 3);
  assertEquals([held.items, clock.timers], [[], 1]);
  await clock.advance(1);
  assertEquals([held.items, clock.timers], [[[1, 2, 3]], 0]);
  submit(batcher, 4);
  await clock.advance(9);
  assertEquals(held.all.length, 1);
  await clock.advance(1);
  assertEquals(held.items, [[1, 2, 3], [4]]);
});

Deno.test("133: what is left over by a full batch lingers from when it came", async () => {
  const clock = new ManualClock();
  const { batcher, held } = heldBatcher({ linger: 10, maxCount: 2, clock, concurrency: 9 });
  submit(batcher, 1);
  await clock.advance(4);
  submit(batcher, 2, 3);
  await clock.advance(9);
  assertEquals([held.items, clock.timers], [[[1, 2]], 1]);
  await clock.advance(1);
  assertEquals([held.items, clock.timers], [[[1, 2], [3]], 0]);
});

Deno.test("133: when the first item leaves, the next one lingers from when it came", async () => {
  const clock = new ManualClock();
  const { batcher, held } = heldBatcher({ linger: 10, clock });
  const ctx = withCancel(background());
  const left = failure(batcher.submit(1, ctx));
  await clock.advance(6);
  submit(batcher, 2);
  ctx.cancel("enough");
  assertEquals([await left, clock.timers], ["enough", 1]);
  await clock.advance(9);
  assertEquals(held.items, []);
  await clock.advance(1);
  assertEquals(held.items, [[2]]);
});

Deno.test("133: who lingers for ever waits for others, or for flush, without a timer", async () => {
  const clock = new ManualClock();
  const { batcher, held } = heldBatcher({ linger: Infinity, maxCount: 2, clock, concurrency: 9 });
  submit(batcher, 1);
  await clock.advance(2 ** 50);
  assertEquals([held.items, clock.timers], [[], 0]);
  submit(batcher, 2, 3);
  await settled();
  assertEquals(held.items, [[1, 2]]);
  void batcher.flush();
  await settled();
  assertEquals(held.items, [[1, 2], [3]]);
});

Deno.test("133: a timer of the machine that runs a little early starts the batch all the same", async () => {
  let run = (): void => {};
  const clock = { now: () => 0, after: (_: number, fn: () => void) => (run = fn, { stop() {} }) };
  const { batcher, batches } = tenfold({ linger: 10, clock });
  submit(batcher, 1);
  clock.now = () => 9.9;
  run();
  await quiet();
  assertEquals(batches, [[1]]);
});

Deno.test("133: while a batch runs others fill, without a timer; the next starts when it is over", async () => {
  const clock = new ManualClock();
  const { batcher, held } = heldBatcher({ linger: 10, maxCount: 3, clock });
  submit(batcher, 1);
  await clock.advance(10);
  submit(batcher, 2);
  assertEquals(clock.timers, 0);
  await clock.advance(15);
  submit(batcher, 3);
  await clock.advance(1);
  held.last.end();
  // 2 has lingered for long enough, 3 comes with it.
  await quiet();
  assertEquals([held.items, clock.timers], [[[1], [2, 3]], 0]);
  submit(batcher, 4);
  await clock.advance(4);
  held.last.end();
  await quiet();
  assertEquals([held.all.length, clock.timers], [2, 1]);
  await clock.advance(6);
  assertEquals(held.items.at(-1), [4]);
});

Deno.test("133: without linger, who came while a batch ran goes as soon as it is over", async () => {
  const { batcher, held } = heldBatcher();
  submit(batcher, 1);
  await settled();
  submit(batcher, 2);
  await settled();
  submit(batcher, 3);
  held.last.end();
  await quiet();
  // The event loop has turned since 2 came. 3 came later, and there is room.
  assertEquals(held.items, [[1], [2, 3]]);
  held.last.end();
  await settled();
  submit(batcher, 4);
  await quiet();
  submit(batcher, 5);
  assertEquals(held.all.length, 2);
  await settled();
  assertEquals(held.items.at(-1), [4, 5]);
});

Deno.test("133: without linger, who is left over by a batch of old ones waits for the turn", async () => {
  const { batcher, held } = heldBatcher({ maxCount: 2, concurrency: 2 });
  submit(batcher, 1, 2, 3, 4);
  await settled();
  submit(batcher, 5);
  await settled();
  submit(batcher, 6, 7);
  held.all[0]!.end();
  held.all[1]!.end();
  await quiet();
  // There are two places, but 7 has just come.
  assertEquals(held.items.slice(2), [[5, 6]]);
  submit(batcher, 8);
  await quiet();
  assertEquals(held.items.slice(2), [[5, 6], [7, 8]]);
});

Deno.test("133: without linger, those who have waited for a turn do so no more when their turn comes", async () => {
  const { batcher, held } = heldBatcher({ maxCount: 2 });
  for (const items of [[1], [2, 3], [4]]) {
    submit(batcher, ...items);
    await settled();
  }
  for (const items of [[2, 3], [4]]) {
    held.last.end();
    await quiet();
    assertEquals(held.last.items, items);
  }
});

Deno.test("133: nor do those who have waited for it outside, for room", async () => {
  const { batcher, held } = heldBatcher({ capacity: 2, maxCount: 3 });
  submit(batcher, 1);
  await settled();
  submit(batcher, 2, 3);
  await settled();
  submit(batcher, 4);
  await settled();
  for (const items of [[2, 3], [4]]) {
    held.last.end();
    await quiet();
    assertEquals(held.last.items, items);
  }
});

Deno.test("133: the event loop is asked once for each turn, and a timer is set once for each batch", async () => {
  let asked = 0;
  let timers = 0;
  const { setImmediate } = globalThis;
  const clock = new ManualClock();
  const after = clock.after.bind(clock);
  clock.after = (ms, fn) => (timers++, after(ms, fn));
  globalThis.setImmediate = ((fn: () => void) => (asked++, setImmediate(fn))) as never;
  try {
    const { batcher } = tenfold();
    await Promise.all(submit(batcher, ...Array(50).keys()));
    // The turn guard may have asked, too.
    assert(asked <= 2, `asked ${asked} times`);
    const lingering = tenfold({ linger: 5, clock }).batcher;
    const results = Promise.all(submit(lingering, 1, 2, 3, 4));
    assertEquals(timers, 1);
    await clock.advance(5);
    await results;
  } finally {
    globalThis.setImmediate = setImmediate;
  }
});

Deno.test("133: flush starts what waits, without lingering, and no timer is left", async () => {
  const clock = new ManualClock();
  const { batcher, held } = heldBatcher({ linger: 10, maxCount: 3, clock, concurrency: 9 });
  submit(batcher, 1, 2, 3, 4);
  const flushed = batcher.flush();
  assertEquals(clock.timers, 0);
  submit(batcher, 5);
  await quiet();
  assertEquals(held.items, [[1, 2, 3], [4]]);
  // What came later lingers.
  assertEquals([batcher.waiting, clock.timers], [1, 1]);
  for (const { end } of held.all) end();
  await flushed;
  await clock.advance(10);
  assertEquals(held.items.at(-1), [5]);
});

Deno.test("133: what was flushed and has to wait for its place does not linger, and takes others along", async () => {
  const clock = new ManualClock();
  const { batcher, held } = heldBatcher({ linger: 10, maxCount: 2, clock });
  submit(batcher, 1, 2, 3);
  const flushed = batcher.flush();
  submit(batcher, 4, 5);
  await quiet();
  held.last.end();
  await quiet();
  assertEquals(held.items, [[1, 2], [3, 4]]);
  held.last.end();
  assertEquals(await state(flushed), "fulfilled");
  assertEquals([held.all.length, clock.timers], [2, 1]);
});

Deno.test("133: shutdown starts what waits, without lingering", async () => {
  const clock = new ManualClock();
  const { batcher, batches } = tenfold({ linger: 10, maxCount: 2, clock });
  const results = Promise.all(submit(batcher, 1, 2, 3));
  const over = batcher.shutdown();
  assertEquals(clock.timers, 0);
  assertEquals([await results, await over, batches], [[10, 20, 30], undefined, [[1, 2], [3]]]);
});

Deno.test("133: a batch starts when the capacity is reached, since no more can come", async () => {
  const clock = new ManualClock();
  const { batcher, held } = heldBatcher({ linger: 10, capacity: 2, clock });
  submit(batcher, 1);
  await quiet();
  assertEquals(held.items, []);
  submit(batcher, 2);
  await quiet();
  assertEquals([held.items, clock.timers], [[[1, 2]], 0]);
});

Deno.test("133: the order of items is that of their submits, over all batches", async () => {
  for (const [maxCount, concurrency] of [[1, 1], [3, 1], [3, 2], [7, 5], [100, 1]] as const) {
    const { batcher, batches } = tenfold({ maxCount, concurrency, capacity: 10 });
    const items = Array.from({ length: 50 }, (_, i) => i);
    const order: number[] = [];
    const results = items.map((item) => batcher.submit(item).then(() => order.push(item)));
    await Promise.all(results);
    assertEquals(batches.flat(), items);
    assertEquals(order, items);
  }
});

Deno.test("133: never do more handlers run than concurrency says", async () => {
  for (const concurrency of [1, 2, 5]) {
    let running = 0;
    let most = 0;
    const batcher = new Batcher<number>(async () => {
      most = Math.max(most, ++running);
      await settled();
      running--;
    }, { maxCount: 2, concurrency });
    await Promise.all(submit(batcher, ...Array(40).keys()));
    assertEquals(most, concurrency);
  }
});

// ---- fates ----

Deno.test("134: each submit gives the result of its own item", async () => {
  const { batcher } = tenfold();
  assertEquals(await Promise.all(submit(batcher, 3, 1, 2)), [30, 10, 20]);
});

Deno.test("134: a Failed rejects its own item alone, with the error itself", async () => {
  const error = new Error("no");
  const batcher = new Batcher<number, number>((items) =>
    items.map((n) => n === 2 ? new Failed(error) : n === 3 ? new Failed(undefined) : n)
  );
  const results = await Promise.allSettled(submit(batcher, 1, 2, 3, 4));
  assertEquals(results.map(({ status }) => status === "fulfilled"), [true, false, false, true]);
  assertStrictEquals((results[1] as PromiseRejectedResult).reason, error);
  assertStrictEquals((results[2] as PromiseRejectedResult).reason, undefined);
  assertEquals(counts(batcher.stats()), [0, 0, 4, 2, 2]);
});

Deno.test("134: a Failed of another copy of the module is no result", async () => {
  const address = new URL("../flow/batches/failed.ts?second-copy", import.meta.url);
  const other: { Failed: typeof Failed } = await import(address.href);
  assertFalse(other.Failed === Failed);
  const batcher = new Batcher<number, number>((items) =>
    items.map((n) => new other.Failed(`no ${n}`))
  );
  assertEquals(await failure(batcher.submit(1)), "no 1");
});

Deno.test("134: what the handler throws, or rejects with, rejects all items with that itself", async () => {
  const error = new Error("down");
  const handlers: BatchHandler<number, number>[] = [
    () => {
      throw error;
    },
    () => Promise.reject(error),
  ];
  for (const handler of handlers) {
    const batcher = new Batcher(handler);
    const results = await Promise.allSettled(submit(batcher, 1, 2));
    for (const result of results) {
      assertStrictEquals((result as PromiseRejectedResult).reason, error);
    }
    assertEquals(counts(batcher.stats()), [0, 0, 2, 0, 2]);
  }
});

Deno.test("134: a handler that gives nothing says that all is well", async () => {
  for (const handler of [() => {}, () => Promise.resolve(), () => undefined]) {
    const batcher = new Batcher<number>(handler);
    assertEquals(await Promise.all(submit(batcher, 1, 2)), [undefined, undefined]);
  }
});

Deno.test("134: results that are none reject all items: TypeError, or RangeError for a wrong number", async () => {
  const wrongs: [unknown, new () => Error, string][] = [
    [[1], RangeError, "2 items: 1"],
    [[1, 2, 3], RangeError, "2 items: 3"],
    [[], RangeError, "2 items: 0"],
    [null, TypeError, "not null"],
    ["ab", TypeError, '"ab"'],
    [{ length: 2 }, TypeError, "[object Object]"],
    [new Set([1, 2]), TypeError, "[object Set]"],
    [7, TypeError, "7"],
  ];
  for (const [wrong, type, message] of wrongs) {
    for (const result of [wrong, Promise.resolve(wrong)]) {
      const batcher = new Batcher<number, number>(() => result as number[]);
      for (const promise of submit(batcher, 1, 2)) {
        await assertRejects(() => promise, type, message);
      }
    }
  }
});

Deno.test("134: a result that throws when it is looked at rejects its item and those after it", async () => {
  const error = new Error("trap");
  const results = [1, 2, 3];
  Object.defineProperty(results, 1, {
    get: () => {
      throw error;
    },
  });
  const batcher = new Batcher<number, number>(() => results);
  const [first, ...others] = submit(batcher, 1, 2, 3);
  assertEquals(await first, 1);
  for (const other of others) assertStrictEquals(await failure(other), error);
  assertEquals(batcher.stats().running, 0);
});

Deno.test("134: a result that ends the batcher when it is looked at leaves each item one fate", async () => {
  const looks: ((act: () => void) => unknown)[] = [
    (act) => Object.defineProperty([1, 2], 0, { get: act }),
    (act) => [new Proxy({}, { has: () => (act(), false) }), 2],
    (act) => [{ then: act }, 2],
    (act) => [Object.defineProperty({}, "then", { get: act }), 2],
  ];
  for (const look of looks) {
    const batcher: Batcher<number, unknown> = new Batcher(() =>
      look(() => void batcher.shutdown({ immediate: true })) as unknown[]
    );
    void Promise.allSettled(submit(batcher, 1, 2));
    await settled();
    await batcher.shutdown();
    const { submitted, fulfilled, rejected, waiting } = batcher.stats();
    assertEquals([submitted, fulfilled + rejected, waiting], [2, 2, 0]);
  }
});

Deno.test("134: undefined is a result like others, and one that is a promise is waited for", async () => {
  const batcher = new Batcher<number, unknown>(() => [undefined, Promise.resolve(7)]);
  assertEquals(await Promise.all(submit(batcher, 1, 2)), [undefined, 7]);
});

Deno.test("134: the handler's context has the parent's values, and ends with the batch", async () => {
  const key = new ContextKey<string>("who");
  const contexts: Context[] = [];
  const seen: unknown[] = [];
  const batcher = new Batcher<number>((_, ctx) => {
    contexts.push(ctx);
    seen.push(ctx.value(key), ctx.done);
  }, { parent: withValue(background(), key, "me") });
  await batcher.submit(1);
  await batcher.submit(2);
  assertEquals(seen, ["me", false, "me", false]);
  assertEquals(contexts.map(({ done, err }) => [done, err?.code]), [
    [true, "SLUICE_CANCELED"],
    [true, "SLUICE_CANCELED"],
  ]);
});

Deno.test("134: failed items alone are tried again, together, in a batch of their own", async () => {
  const clock = new ManualClock();
  const { batcher, held } = heldBatcher<number>({
    clock,
    retry: { attempts: 3, delay: 10, factor: 1 },
    linger: 1,
  });
  const [one, two, three, four] = submit(batcher, 1, 2, 3, 4);
  await clock.advance(1);
  held.last.end([1, new Failed("no 2"), 3, new Failed("no 4")]);
  await quiet();
  assertEquals(await Promise.all([one, three]), [1, 3]);
  assertEquals([clock.timers, batcher.waiting, batcher.stats().running], [1, 2, 0]);
  await clock.advance(9);
  assertEquals(held.all.length, 1);
  await clock.advance(1);
  assertEquals([held.last.items, clock.timers], [[2, 4], 0]);
  held.last.end([2, new Failed("still no 4")]);
  assertEquals(await two, 2);
  await clock.advance(10);
  assertEquals(held.last.items, [4]);
  held.last.fail("never");
  assertEquals(await failure(four!), "never");
  assertEquals([clock.timers, batcher.stats().batches, batcher.stats().retries], [0, 3, 2]);
});

Deno.test("134: the delay grows by its factor, and each item has as many attempts as it may", async () => {
  const clock = new ManualClock();
  const times: number[] = [];
  const batcher = new Batcher<number>(() => {
    times.push(clock.now());
    throw new Error(`at ${clock.now()}`);
  }, { clock, retry: { attempts: 4, delay: 10, factor: 3 } });
  const result = failure(batcher.submit(1));
  await clock.advance(1_000);
  assertEquals(times, [0, 10, 40, 130]);
  assertEquals((await result as Error).message, "at 130");
});

Deno.test("134: of several delays of one batch the longest counts, and who may not be tried again fails at once", async () => {
  const clock = new ManualClock();
  const { batcher, held } = heldBatcher<number>({
    clock,
    retry: {
      attempts: 2,
      delay: (attempt, error) => attempt * (error as number),
      when: (error) => error !== 99,
    },
  });
  const [one, two, three] = submit(batcher, 1, 2, 3);
  await settled();
  held.last.end([new Failed(20), new Failed(99), new Failed(5)]);
  assertEquals(await failure(two!), 99);
  assertEquals([await state(one!), await state(three!)], ["pending", "pending"]);
  await clock.advance(19);
  assertEquals(held.all.length, 1);
  await clock.advance(1);
  assertEquals(held.last.items, [1, 3]);
  held.last.end([1, 3]);
  await Promise.all([one, three]);
});

Deno.test("134: what retry's functions throw is what the item fails with", async () => {
  const error = new Error("odd");
  for (
    const retry of [
      {
        attempts: 2,
        when: () => {
          throw error;
        },
      },
      {
        attempts: 2,
        delay: () => {
          throw error;
        },
      },
    ]
  ) {
    const batcher = new Batcher<number>(() => Promise.reject("down"), { retry });
    assertStrictEquals(await failure(batcher.submit(1)), error);
  }
});

Deno.test("134: a batch that waits for its next attempt takes no place", async () => {
  const clock = new ManualClock();
  const { batcher, held } = heldBatcher<number>({
    clock,
    maxCount: 2,
    retry: { attempts: 2, delay: 10 },
  });
  submit(batcher, 1, 2);
  await quiet();
  submit(batcher, 3, 4, 5, 6);
  held.last.fail("down");
  await quiet();
  assertEquals(held.items, [[1, 2], [3, 4]]);
  // Its time has come, but the place is taken; then it goes before those who came later.
  await clock.advance(10);
  assertEquals([held.all.length, batcher.waiting], [2, 4]);
  held.last.end([3, 4]);
  await quiet();
  assertEquals(held.items, [[1, 2], [3, 4], [1, 2]]);
  held.last.end([1, 2]);
  await quiet();
  assertEquals(held.last.items, [5, 6]);
});

Deno.test("134: stats count items and batches", async () => {
  const clock = new ManualClock();
  const { batcher, held } = heldBatcher<number>({
    clock,
    maxCount: 3,
    capacity: 4,
    retry: { attempts: 2, delay: 10 },
  });
  assertEquals(batcher.stats(), {
    waiting: 0,
    running: 0,
    submitted: 0,
    fulfilled: 0,
    rejected: 0,
    batches: 0,
    retries: 0,
    meanCount: 0,
  });
  submit(batcher, ...Array(9).keys());
  await quiet();
  assertEquals([counts(batcher.stats()), batcher.full, batcher.waiting], [
    [6, 1, 9, 0, 0],
    true,
    6,
  ]);
  held.last.end([0, 1, new Failed("no")]);
  await quiet();
  assertEquals(counts(batcher.stats()), [4, 1, 9, 2, 0]);
  held.last.end([3, 4, 5]);
  await quiet();
  held.last.end([6, 7, 8]);
  await clock.advance(10);
  assertEquals(counts(batcher.stats()), [0, 1, 9, 8, 0]);
  held.last.end([new Failed("no")]);
  await quiet();
  const { batches, retries, meanCount } = batcher.stats();
  assertEquals([counts(batcher.stats()), batches, retries, meanCount], [[0, 0, 9, 8, 1], 4, 1, 3]);
});

// ---- room ----

Deno.test("135: when capacity items wait, submit waits for room, first come, first served", async () => {
  const { batcher, held } = heldBatcher({ maxCount: 2, capacity: 3, linger: Infinity });
  submit(batcher, 1, 2);
  await quiet();
  submit(batcher, 3, 4);
  assertFalse(batcher.full);
  submit(batcher, 5);
  assert(batcher.full);
  submit(batcher, 6, 7, 8);
  assertEquals([batcher.waiting, batcher.trySubmit(9)], [6, undefined]);
  held.last.end();
  await quiet();
  // Two have left the line, so that two of three are let in.
  assertEquals([held.last.items, batcher.waiting, batcher.full], [[3, 4], 4, true]);
  assertEquals(batcher.trySubmit(9), undefined);
  held.last.end();
  await quiet();
  assertEquals([held.last.items, batcher.waiting, batcher.full], [[5, 6], 2, false]);
  const ninth = batcher.trySubmit(9);
  assertInstanceOf(ninth, Promise);
  held.last.end();
  await quiet();
  held.last.end();
  void batcher.flush();
  await quiet();
  assertEquals(held.items, [[1, 2], [3, 4], [5, 6], [7, 8], [9]]);
});

Deno.test("135: who leaves lets the next one in, and those behind keep their order", async () => {
  const { batcher, held } = heldBatcher({ maxCount: 9, capacity: 2 });
  const ctx = withCancel(background());
  const other = withCancel(background());
  submit(batcher, 0);
  await settled();
  const leaving = [failure(batcher.submit(1, ctx))];
  submit(batcher, 2);
  leaving.push(failure(batcher.submit(3, other)));
  submit(batcher, 4, 5);
  assertEquals([batcher.full, batcher.waiting], [true, 5]);
  // 3 waits outside, 1 in line.
  other.cancel("enough");
  assertEquals([batcher.full, batcher.waiting], [true, 4]);
  ctx.cancel("enough");
  assertEquals([batcher.full, batcher.waiting], [true, 3]);
  held.last.end();
  await settled();
  held.last.end();
  await settled();
  assertEquals([held.items, await Promise.all(leaving)], [[[0], [2, 4], [5]], [
    "enough",
    "enough",
  ]]);
});

Deno.test("135: trySubmit refuses as submit does: an end goes first, then the shutdown, then the lack of room", async () => {
  const { batcher, held } = heldBatcher({ capacity: 1 });
  submit(batcher, 1);
  await quiet();
  submit(batcher, 2);
  assertStrictEquals(batcher.trySubmit(3), undefined);
  assertEquals(await failure(batcher.trySubmit(3, AbortSignal.abort("ended"))!), "ended");
  const over = batcher.shutdown();
  const error = await failure(batcher.trySubmit(3)!);
  assertInstanceOf(error, ClosedError);
  assertEquals([error.value, batcher.stats().submitted], [3, 2]);
  held.last.end();
  await quiet();
  held.last.end();
  await over;
});

// ---- leaving ----

Deno.test("135: who leaves before the handler is called takes his item back, in every state and way", async () => {
  for (const [name, make] of Object.entries(waysToEnd)) {
    for (const place of ["line", "outside", "batch"] as const) {
      using clock = fakeClock();
      using way = make(clock);
      // The batcher's clock stands, so that nothing but the cancellation happens.
      const still = new ManualClock();
      const { batcher, held } = heldBatcher({ capacity: 3, linger: 1_000, clock: still });
      const before = submit(batcher, 1, 2, 3);
      await quiet();
      if (place === "outside") before.push(...submit(batcher, 4, 5, 6));
      const timers = clock.timers;
      const promise = failure(batcher.submit(7, way.wait));
      if (place === "batch" && way.byTime) continue;
      if (place === "batch") {
        held.last.end();
        await quiet();
        const after = submit(batcher, 8, 9);
        // The three are a batch, whose handler is not called yet.
        await way.end();
        assertEquals([await promise, batcher.stats().waiting], [way.cause(), 0], name);
        assertEquals(held.items, [[1, 2, 3], [8, 9]], name);
        held.last.end();
        await Promise.all(after);
        continue;
      }
      await way.end();
      const error = await promise;
      if (way.cause() === fresh) assertInstanceOf(error, DeadlineExceededError);
      else assertStrictEquals(error, way.cause(), name);
      assertEquals(way.signals.map(({ listeners }) => listeners), way.signals.map(() => 0));
      if (clock.timers > timers) assertEquals(clock.timers, 0, name);
      assertEquals(batcher.waiting, place === "outside" ? 3 : 0);
      assertEquals(still.timers, 0);
      held.last.end();
      await quiet();
      void batcher.flush();
      await quiet();
      assertEquals(held.items, place === "outside" ? [[1, 2, 3], [4, 5, 6]] : [[1, 2, 3]], name);
      held.last.end();
      await Promise.all(before);
    }
  }
});

Deno.test("135: when all of a batch leave before its handler is called, it is not called", async () => {
  const { batcher, held } = heldBatcher({ maxCount: 2, linger: Infinity });
  const ctx = withCancel(background());
  const left = [1, 2].map((item) => failure(batcher.submit(item, ctx)));
  assertEquals(batcher.stats().running, 1);
  submit(batcher, 3, 4);
  ctx.cancel("enough");
  assertEquals(await Promise.all(left), ["enough", "enough"]);
  await quiet();
  assertEquals([held.items, batcher.stats().batches, batcher.stats().meanCount], [[[3, 4]], 1, 2]);
});

Deno.test("135: a context that has ended goes first: nothing is submitted, weighed or flushed", async () => {
  let weighed = 0;
  const batcher = new Batcher<number>(() => {}, { weigh: () => ++weighed, linger: Infinity });
  const ctx = withCancel(background());
  ctx.cancel("ended");
  for (const wait of [ctx, AbortSignal.abort("ended"), { ctx }, { ctx, timeout: 0 }]) {
    assertEquals(await failure(batcher.submit(1, wait)), "ended");
    assertEquals(await failure(batcher.trySubmit(1, wait)!), "ended");
    assertEquals(await failure(batcher.flush(wait)), "ended");
    assertEquals(await failure(batcher.shutdown(wait)), "ended");
  }
  assertEquals([weighed, batcher.closed, counts(batcher.stats())], [0, false, [0, 0, 0, 0, 0]]);
});

Deno.test("135: a timeout of 0 or less has its one try, and that cannot succeed", async () => {
  const { batcher, batches } = tenfold({ maxCount: 1 });
  for (const timeout of [0, -1, -Infinity]) {
    assertInstanceOf(await failure(batcher.submit(1, { timeout })), DeadlineExceededError);
  }
  await settled();
  assertEquals([batches, counts(batcher.stats())], [[], [0, 0, 3, 0, 3]]);
});

Deno.test("135: later the wait alone ends, at once, and the handler goes on for the others", async () => {
  const { batcher, held } = heldBatcher<number>();
  const ctx = withCancel(background());
  const leaving = failure(batcher.submit(1, ctx));
  const [staying] = submit(batcher, 2);
  await settled();
  ctx.cancel("enough");
  assertEquals([await leaving, held.last.ctx.done, batcher.stats().running], ["enough", false, 1]);
  assertEquals(counts(batcher.stats()), [0, 1, 2, 0, 1]);
  held.last.end([10, 20]);
  assertEquals(await staying, 20);
  assertEquals(counts(batcher.stats()), [0, 0, 2, 1, 1]);
});

Deno.test("135: the handler's context ends when all have left, and its place is taken until it ends", async () => {
  const { batcher, held } = heldBatcher<number>();
  const first = withCancel(background());
  const second = spiedController();
  const left = [
    failure(batcher.submit(1, first)),
    failure(batcher.submit(2, second.signal)),
  ];
  await settled();
  const { ctx } = held.last;
  const { signal } = ctx;
  submit(batcher, 3);
  await settled();
  first.cancel("enough");
  assertFalse(ctx.done);
  second.abort("enough");
  assertEquals([ctx.done, signal.aborted, second.listeners], [true, true, 0]);
  assertEquals(await Promise.all(left), ["enough", "enough"]);
  assertEquals([held.all.length, batcher.stats().running], [1, 1]);
  // What it gives concerns nobody, whatever that is.
  held.last.fail(new Error("too late"));
  await quiet();
  assertEquals(held.last.items, [3]);
  assertEquals(counts(batcher.stats()), [0, 1, 3, 0, 2]);
});

Deno.test("135: a batch whose last failed item leaves is not tried again, and no timer is left", async () => {
  const clock = new ManualClock();
  const retry = { attempts: 9, delay: 10 };
  const { batcher, held } = heldBatcher<number>({ clock, retry });
  const ctx = withCancel(background());
  const left = [1, 2].map((item) => failure(batcher.submit(item, ctx)));
  await settled();
  held.last.fail("down");
  await quiet();
  assertEquals([clock.timers, batcher.waiting], [1, 2]);
  ctx.cancel("enough");
  assertEquals([clock.timers, batcher.waiting], [0, 0]);
  assertEquals(await Promise.all(left), ["enough", "enough"]);
  await batcher.shutdown();
  assertEquals(held.all.length, 1);
});

Deno.test("135: who leaves between two attempts is not in the next one", async () => {
  const clock = new ManualClock();
  const { batcher, held } = heldBatcher<number>({
    clock,
    retry: { attempts: 9, delay: 10 },
    maxCount: 2,
  });
  const contexts = [withCancel(background()), withCancel(background())];
  const left = failure(batcher.submit(1, contexts[0]));
  const other = failure(batcher.submit(2, contexts[1]));
  await quiet();
  held.last.fail("down");
  await quiet();
  contexts[0]!.cancel("enough");
  assertEquals([await left, clock.timers], ["enough", 1]);
  // And so where its time has come, and the place is taken.
  submit(batcher, 3, 4);
  await clock.advance(10);
  assertEquals(held.items, [[1, 2], [3, 4]]);
  contexts[1]!.cancel("enough");
  assertEquals([await other, batcher.waiting], ["enough", 0]);
  const over = batcher.shutdown();
  held.last.end([3, 4]);
  await over;
  assertEquals([held.all.length, batcher.stats().retries], [2, 0]);
});

Deno.test("135: who leaves while his item is asked whether it is to be tried again has left", async () => {
  const ctx = withCancel(background());
  const batcher = new Batcher<number>(() => Promise.reject("down"), {
    retry: {
      attempts: 9,
      delay: 0,
      when: () => {
        ctx.cancel("enough");
        return true;
      },
    },
  });
  assertEquals(await failure(batcher.submit(1, ctx)), "enough");
  await batcher.shutdown();
  assertEquals(batcher.stats().batches, 1);
});

Deno.test("135: and is counted once, whatever the answer is", async () => {
  const ctx = withCancel(background());
  const when = () => {
    ctx.cancel("enough");
    return false;
  };
  const retry = { attempts: 9, when };
  const batcher = new Batcher<number>(() => Promise.reject("down"), { retry });
  assertEquals(await failure(batcher.submit(1, ctx)), "enough");
  const flushed = batcher.flush();
  assertEquals([counts(batcher.stats()), await flushed], [[0, 0, 1, 0, 1], undefined]);
});

Deno.test("135: a batch that ends while its items are asked is not tried again", async () => {
  const clock = new ManualClock();
  let over: Promise<void> | undefined;
  const batcher: Batcher<number> = new Batcher<number>(
    (items) => items.map((item) => new Failed(item)),
    {
      clock,
      retry: {
        attempts: 9,
        when: (error) => {
          if (error === 2) over = batcher.shutdown({ immediate: true });
          return true;
        },
      },
    },
  );
  const results = submit(batcher, 1, 2, 3);
  const errors = await Promise.all(results.map(failure)) as ClosedError[];
  assertEquals(errors.map(({ value }) => value), [1, 2, 3]);
  await over;
  assertEquals([clock.timers, counts(batcher.stats())], [0, [0, 0, 3, 0, 3]]);
});

Deno.test("134: an item whose delay is Infinity waits until its caller leaves, without a timer", async () => {
  const clock = new ManualClock();
  const retry = { attempts: 2, delay: () => Infinity };
  const batcher = new Batcher<number>(() => Promise.reject("down"), { clock, retry });
  const ctx = withCancel(background());
  const left = failure(batcher.submit(1, ctx));
  await settled();
  assertEquals([clock.timers, batcher.waiting], [0, 1]);
  ctx.cancel("enough");
  assertEquals(await left, "enough");
  await batcher.shutdown();
});

Deno.test("135: of very many items, of which every tenth leaves, all are accounted for", async () => {
  const { batcher, batches } = tenfold({ linger: Infinity, capacity: 1_000, maxCount: 1_000 });
  const ctx = withCancel(background());
  const all: Promise<unknown>[] = [];
  for (let i = 0; i < 20_000; i++) {
    const promise = i % 10 === 0 ? batcher.submit(i, ctx) : batcher.submit(i);
    all.push(promise.then((result) => result === i * 10, (error) => error === "enough"));
  }
  ctx.cancel("enough");
  await batcher.shutdown();
  assertEquals((await Promise.all(all)).every(Boolean), true);
  assertEquals(batches.flat().length, 18_000);
});

// ---- flush ----

Deno.test("135: flush waits until all that was submitted before has settled, whichever way", async () => {
  const { batcher, held } = heldBatcher<number>({ maxCount: 2, capacity: 3 });
  const ctx = withCancel(background());
  const [first, second] = submit(batcher, 1, 2);
  const leaving = failure(batcher.submit(3, ctx));
  submit(batcher, 4, 5, 6);
  const flushed = batcher.flush();
  submit(batcher, 7);
  await quiet();
  held.last.end([1, new Failed("no")]);
  assertEquals([await first, await failure(second!)], [1, "no"]);
  ctx.cancel("enough");
  assertEquals([await leaving, held.last.items], ["enough", [3, 4]]);
  held.last.end([3, 4]);
  await quiet();
  assertEquals([held.last.items, await state(flushed)], [[5, 6], "pending"]);
  held.last.end([5, 6]);
  assertEquals([await state(flushed), batcher.waiting + batcher.stats().running], ["fulfilled", 1]);
});

Deno.test("135: flush waits for what is to be tried again, as long as its delay takes", async () => {
  const clock = new ManualClock();
  const { batcher, held } = heldBatcher<number>({ clock, retry: { attempts: 2, delay: 10 } });
  submit(batcher, 1);
  const flushed = batcher.flush();
  await quiet();
  held.last.fail("down");
  assertEquals(await state(flushed), "pending");
  await clock.advance(10);
  held.last.fail("down");
  assertEquals(await state(flushed), "fulfilled");
});

Deno.test("135: flush does not wait where nothing waits or runs", async () => {
  const { batcher, held } = heldBatcher();
  assertEquals(await state(batcher.flush()), "fulfilled");
  assertEquals(await batcher.flush({ timeout: 0 }), undefined);
  const ctx = withCancel(background());
  const left = failure(batcher.submit(1, ctx));
  await settled();
  ctx.cancel("enough");
  await left;
  // The handler still runs, but nobody waits for that item.
  assertEquals([await state(batcher.flush()), batcher.stats().running], ["fulfilled", 1]);
  held.last.end();
});

Deno.test("135: several flushes are told in their order, each of what came before it", async () => {
  const { batcher, held } = heldBatcher({ maxCount: 1, linger: Infinity });
  const told: string[] = [];
  const tell = (name: string, promise: Promise<unknown>) => promise.then(() => told.push(name));
  tell("item 1", batcher.submit(1));
  tell("first", batcher.flush());
  tell("second", batcher.flush());
  tell("item 2", batcher.submit(2));
  tell("third", batcher.flush());
  tell("item 3", batcher.submit(3));
  await quiet();
  held.last.end();
  await quiet();
  assertEquals(told, ["item 1", "first", "second"]);
  held.last.end();
  await quiet();
  assertEquals(told.slice(3), ["item 2", "third"]);
  held.last.end();
  await quiet();
  assertEquals(told.slice(5), ["item 3"]);
});

Deno.test("135: a flush that is cancelled leaves nothing, and what it started goes on", async () => {
  const { batcher, held } = heldBatcher({ linger: Infinity });
  const controller = spiedController();
  const [item] = submit(batcher, 1);
  const cancelled = failure(batcher.flush(controller.signal));
  const late = failure(batcher.flush({ timeout: 0 }));
  controller.abort("enough");
  assertEquals([await cancelled, controller.listeners], ["enough", 0]);
  assertInstanceOf(await late, DeadlineExceededError);
  await quiet();
  assertEquals(held.items, [[1]]);
  const flushed = batcher.flush();
  held.last.end();
  await Promise.all([item, flushed]);
});

Deno.test("135: a flush or shutdown whose own context ends with the last item is not served", async () => {
  for (const call of ["flush", "shutdown"] as const) {
    for (const place of ["line", "outside", "batch"] as const) {
      const { batcher, held } = heldBatcher({ capacity: 1, linger: Infinity });
      if (place !== "line") submit(batcher, 0);
      await quiet();
      if (place === "outside") submit(batcher, 1);
      const ctx = withCancel(background());
      const item = failure(batcher.submit(2, ctx));
      if (place === "batch") {
        held.last.end();
        await quiet();
      }
      const waiting = failure(batcher[call](ctx));
      if (place === "batch") held.last.end();
      ctx.cancel("enough");
      assertEquals([await waiting, await item], ["enough", "enough"], `${call}, ${place}`);
    }
  }
});

// ---- shutdown ----

Deno.test("135: shutdown finishes what was accepted, what waits for room and for its next attempt too", async () => {
  const clock = new ManualClock();
  const { batcher, held } = heldBatcher<number>({
    clock,
    linger: Infinity,
    maxCount: 2,
    capacity: 2,
    retry: { attempts: 2, delay: 10 },
  });
  const all = Promise.all(submit(batcher, 1, 2, 3, 4, 5));
  await quiet();
  held.last.fail("down");
  await quiet();
  const over = batcher.shutdown();
  assert(batcher.closed);
  held.last.end([3, 4]);
  await quiet();
  assertEquals(held.last.items, [5]);
  held.last.end([5]);
  await quiet();
  assertEquals([await state(over), batcher.stats().running], ["pending", 0]);
  await clock.advance(10);
  assertEquals(held.last.items, [1, 2]);
  held.last.end([1, 2]);
  assertEquals([await all, await over, clock.timers], [[1, 2, 3, 4, 5], undefined, 0]);
});

Deno.test("135: it waits for handlers whose callers have all left", async () => {
  const { batcher, held } = heldBatcher();
  const ctx = withCancel(background());
  const left = failure(batcher.submit(1, ctx));
  await settled();
  ctx.cancel("enough");
  await left;
  const over = batcher.shutdown();
  assertEquals(await state(over), "pending");
  held.last.end();
  await over;
});

Deno.test("135: an immediate shutdown gives each item back on its error, and ends the contexts of handlers", async () => {
  const clock = new ManualClock();
  const { batcher, held } = heldBatcher<number>({
    clock,
    name: "b",
    concurrency: 2,
    linger: 50,
    maxCount: 2,
    capacity: 2,
    retry: { attempts: 2, delay: 10 },
  });
  const results = submit(batcher, 1, 2, 3, 4, 5);
  await quiet();
  held.all[0]!.fail("down");
  await quiet();
  results.push(...submit(batcher, 6, 7, 8, 9, 10));
  // 1 and 2 wait for their next attempt, 3 to 6 run, 7 and 8 are in line, 9 and 10 wait outside.
  await quiet();
  assertEquals([held.items.slice(1), batcher.waiting], [[[3, 4], [5, 6]], 6]);
  const flushed = batcher.flush();
  const over = batcher.shutdown({ immediate: true });
  const contexts = held.all.slice(1).map(({ ctx }) => ctx);
  assertEquals([contexts.map(({ done }) => done), clock.timers], [[true, true], 0]);
  const errors = await Promise.all(results.map(failure)) as ClosedError[];
  for (const error of errors) {
    assertInstanceOf(error, ClosedError);
    assertEquals(error.message, 'the batcher "b" is shut down, and the item is on this error');
  }
  assertEquals(errors.map(({ value }) => value), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  assertEquals([await state(flushed), await state(over)], ["fulfilled", "pending"]);
  assertEquals(counts(batcher.stats()), [0, 2, 10, 0, 10]);
  for (const { end } of held.all) end();
  await over;
  assertEquals([held.all.length, batcher.stats().running], [3, 0]);
});

Deno.test("135: so it is for a batch whose handler is not called yet: it never is", async () => {
  const { batcher, held } = heldBatcher({ maxCount: 1 });
  const [result] = submit(batcher, 7);
  const over = batcher.shutdown({ immediate: true });
  assertEquals((await failure(result!) as ClosedError).value, 7);
  await over;
  assertEquals([held.all.length, batcher.stats().batches], [0, 0]);
});

Deno.test("135: a graceful shutdown can become an immediate one, and both resolve", async () => {
  const { batcher, held } = heldBatcher({ maxCount: 1 });
  const results = submit(batcher, 1, 2);
  await quiet();
  const graceful = batcher.shutdown();
  const immediate = batcher.shutdown({ immediate: true });
  const errors = await Promise.all(results.map(failure)) as ClosedError[];
  assertEquals(errors.map(({ value }) => value), [1, 2]);
  held.last.end();
  await Promise.all([graceful, immediate, batcher.shutdown()]);
});

Deno.test("135: a shutdown whose wait ends goes on, and another one tells of its end", async () => {
  const { batcher, held } = heldBatcher({ maxCount: 1 });
  submit(batcher, 1);
  await quiet();
  const controller = spiedController();
  const cancelled = failure(batcher.shutdown(controller.signal));
  const late = batcher.shutdown({ timeout: 0 });
  await assertRejects(() => late, DeadlineExceededError);
  controller.abort("enough");
  assertEquals([await cancelled, controller.listeners, batcher.closed], ["enough", 0, true]);
  const over = batcher.shutdown();
  held.last.end();
  await over;
});

Deno.test("135: after the shutdown submits reject with ClosedError, which carries the item; undefined too", async () => {
  const batcher = new Batcher<number | undefined>(() => {}, { name: "log" });
  await batcher.shutdown();
  for (const item of [7, undefined]) {
    const error = await failure(batcher.submit(item));
    assertInstanceOf(error, ClosedError);
    assert("value" in error);
    assertEquals([error.value, error.message], [
      item,
      'the batcher "log" is shut down, and the item is on this error',
    ]);
  }
  await batcher.flush();
  assertEquals(counts(batcher.stats()), [0, 0, 0, 0, 0]);
});

Deno.test("135: leaving the scope of await using finishes what was submitted", async () => {
  const batches: number[][] = [];
  const results: Promise<void>[] = [];
  {
    await using batcher = new Batcher<number>((items) => void batches.push([...items]), {
      linger: Infinity,
    });
    results.push(batcher.submit(1), batcher.submit(2));
  }
  assertEquals(batches, [[1, 2]]);
  await Promise.all(results);
});

Deno.test("135: shutdown may be called by the handler, which must not wait for it", async () => {
  let over: Promise<void> | undefined;
  const batcher: Batcher<number> = new Batcher<number>(() => {
    over = batcher.shutdown();
    over.then(() => {});
  }, { maxCount: 1 });
  const results = submit(batcher, 1, 2);
  await Promise.all(results);
  await over;
  assertEquals(batcher.stats().batches, 2);
});

Deno.test("118, 135: an abort listener of a handler finds all as it will be, and may call back", async () => {
  for (const end of ["shutdown", "leave"] as const) {
    const { batcher, held } = heldBatcher({ maxCount: 1, concurrency: 2 });
    const ctx = withCancel(background());
    const results = [1, 2, 3].map((item) => failure(batcher.submit(item, ctx)));
    await quiet();
    const seen: unknown[] = [];
    for (const { ctx } of held.all) {
      ctx.signal.addEventListener("abort", () => {
        seen.push(batcher.waiting, batcher.stats().rejected);
        void batcher.flush();
        void batcher.submit(9).catch(() => {});
      });
    }
    if (end === "shutdown") void batcher.shutdown({ immediate: true });
    else ctx.cancel("enough");
    assertEquals(seen.slice(0, 2), [0, 3], end);
    await Promise.all(results);
    await quiet();
    assertEquals(held.all.length, 2);
    for (const { end } of held.all) end();
    await quiet();
    for (const { end } of held.all) end();
    const over = batcher.shutdown();
    await quiet();
    for (const { end } of held.all) end();
    await over;
  }
});

// ---- parent ----

Deno.test("135: the parent's end rejects all that waits or runs with its cause, at once", async () => {
  for (const kind of ["context", "signal"] as const) {
    const clock = new ManualClock();
    const ctx = withCancel(background());
    const controller = spiedController();
    const { batcher, held } = heldBatcher<number>({
      clock,
      parent: kind === "context" ? ctx : controller.signal,
      maxCount: 2,
      capacity: 2,
      linger: 20,
      retry: { attempts: 2, delay: 10 },
    });
    const results = submit(batcher, 1, 2);
    await quiet();
    held.last.fail("down");
    await quiet();
    results.push(...submit(batcher, 3, 4));
    await quiet();
    results.push(...submit(batcher, 5, 6, 7));
    const flushed = batcher.flush();
    if (kind === "context") ctx.cancel("enough");
    else controller.abort("enough");
    assertEquals([held.last.ctx.done, held.last.ctx.cause, clock.timers], [true, "enough", 0]);
    assertEquals(counts(batcher.stats()), [0, 1, 7, 0, 7]);
    assertEquals(await Promise.all(results.map(failure)), Array(7).fill("enough"));
    await flushed;
    assertEquals([batcher.closed, batcher.full], [false, false]);
    assertEquals(await failure(batcher.submit(8)), "enough");
    assertEquals(await failure(batcher.trySubmit(8)!), "enough");
    const over = batcher.shutdown();
    assertEquals(await state(over), "pending");
    held.last.end();
    await over;
    assertEquals([held.all.length, controller.listeners], [2, 0]);
  }
});

Deno.test("135: no handler is called once the parent has ended, also if its timer is late", async () => {
  using clock = fakeClock();
  const parent = withTimeout(background(), 10);
  const { batcher, held } = heldBatcher({ parent, maxCount: 1, clock: new ManualClock() });
  const result = failure(batcher.submit(1));
  const busy = performance.now;
  // The timer has not run yet, but the time is up.
  performance.now = () => busy() + 20;
  await quiet();
  performance.now = busy;
  assertInstanceOf(await result, DeadlineExceededError);
  assertEquals([held.all.length, clock.timers], [0, 0]);
});

Deno.test("135: a batcher whose parent has ended already takes nothing", async () => {
  const batcher = new Batcher<number>(() => {}, { parent: AbortSignal.abort("ended") });
  assertEquals(await failure(batcher.submit(1)), "ended");
  await batcher.shutdown();
});

Deno.test("135: a batcher that is shut down hangs on its parent no more", async () => {
  const controller = spiedController();
  const batcher = new Batcher<number>(() => {}, { parent: controller.signal });
  await batcher.submit(1);
  assertEquals(controller.listeners, 1);
  await batcher.shutdown();
  assertEquals(controller.listeners, 0);
});

Deno.test("135: weigh may end the batcher, or fill it", async () => {
  const ending: Batcher<number> = new Batcher<number>(() => {}, {
    weigh: () => {
      void ending.shutdown();
      return 1;
    },
  });
  assertEquals((await failure(ending.submit(7)) as ClosedError).value, 7);
  let depth = 0;
  const inner: Promise<void>[] = [];
  const filling: Batcher<number> = new Batcher<number>(() => {}, {
    capacity: 1,
    linger: Infinity,
    weigh: (n) => {
      if (depth++ === 0) {
        // The first is a batch, the second fills the line.
        inner.push(filling.submit(n + 1), filling.submit(n + 2));
      }
      return 1;
    },
  });
  assertStrictEquals(filling.trySubmit(7), undefined);
  await Promise.all(inner);
  assertEquals(filling.stats().submitted, 2);
});

Deno.test("135: a handler may submit, flush, and leave: nothing is half done", async () => {
  const batches: number[][] = [];
  const ctx = withCancel(background());
  const inner: Promise<unknown>[] = [];
  const batcher: Batcher<number> = new Batcher<number>((items) => {
    batches.push([...items]);
    if (items[0] !== 1) return;
    inner.push(batcher.submit(3), batcher.submit(4));
    inner.push(batcher.flush());
    ctx.cancel("enough");
  }, { maxCount: 2, concurrency: 1 });
  const leaving = failure(batcher.submit(1, ctx));
  await batcher.submit(2);
  await Promise.all(inner);
  assertEquals([batches, await leaving], [[[1, 2], [3, 4]], "enough"]);
});

// ---- arguments ----

Deno.test("133: what is no batcher's argument is refused, and the message says why", () => {
  const nothing = () => {};
  const wrongs: [unknown, unknown, new () => Error, string][] = [
    [undefined, {}, TypeError, "handler must be a function, not undefined"],
    ["f", {}, TypeError, 'handler must be a function, not "f"'],
    [nothing, null, TypeError, "options must be an object of options, not null"],
    [nothing, 5, TypeError, "options must be an object of options, not 5"],
    [nothing, { maxCount: 0 }, RangeError, "maxCount must be an integer of at least 1"],
    [nothing, { maxCount: 1.5 }, RangeError, "maxCount"],
    [nothing, { maxCount: NaN }, RangeError, "maxCount"],
    [nothing, { maxCount: "3" }, TypeError, 'maxCount must be a number, not "3"'],
    [nothing, { maxWeight: 5 }, TypeError, 'maxWeight, 5, needs a function "weigh"'],
    [nothing, { maxWeight: 0, weigh: nothing }, RangeError, "maxWeight must be more than 0: 0"],
    [nothing, { maxWeight: NaN, weigh: nothing }, RangeError, "maxWeight"],
    [nothing, { maxWeight: "5", weigh: nothing }, TypeError, "maxWeight"],
    [nothing, { weigh: 5 }, TypeError, "weigh must be a function, not 5"],
    [nothing, { linger: -1 }, RangeError, "linger must be at least 0: -1"],
    [nothing, { linger: NaN }, RangeError, "linger"],
    [nothing, { linger: "1" }, TypeError, "linger"],
    [nothing, { concurrency: 0 }, RangeError, "concurrency"],
    [nothing, { concurrency: null }, TypeError, "concurrency"],
    [nothing, { capacity: 0 }, RangeError, "capacity"],
    [nothing, { capacity: 2.5 }, RangeError, "capacity"],
    [nothing, { retry: 3 }, TypeError, "retry must be an object of options, not 3"],
    [nothing, { retry: { attempts: 0 } }, RangeError, "retry.attempts"],
    [nothing, { retry: {} }, TypeError, "retry.attempts"],
    [nothing, { clock: {} }, TypeError, "clock must have the functions now and after"],
    [nothing, { name: 7 }, TypeError, "name must be a string, not 7"],
    [nothing, { parent: {} }, TypeError, "parent must be a context or an AbortSignal"],
  ];
  for (const [handler, options, type, message] of wrongs) {
    assertThrows(() => new Batcher(handler as () => void, options as object), type, message);
  }
  const all = { maxCount: Infinity, maxWeight: Infinity, linger: Infinity, capacity: Infinity };
  const made = new Batcher<number>(nothing, { ...all, concurrency: Infinity, name: "b" });
  assertEquals([made.name, made.closed, made.full, made.waiting], ["b", false, false, 0]);
});

Deno.test("133: an item whose weight is none is refused, never thrown, and nothing has changed", async () => {
  const wrongs: [unknown, new () => Error, string][] = [
    ["3", TypeError, 'weigh must return a number, not "3"'],
    [undefined, TypeError, "weigh"],
    [3n, TypeError, "weigh"],
    [NaN, RangeError, "weigh must return a finite number of at least 0: NaN"],
    [-1, RangeError, "weigh"],
    [Infinity, RangeError, "weigh"],
    [11, RangeError, "an item must not be heavier than maxWeight, 10: 11"],
  ];
  for (const [weight, type, message] of wrongs) {
    const batcher = new Batcher<number>(() => {}, {
      maxWeight: 10,
      weigh: () => weight as number,
      linger: Infinity,
    });
    await assertRejects(() => batcher.submit(1), type, message);
    await assertRejects(() => batcher.trySubmit(1)!, type, message);
    assertEquals(counts(batcher.stats()), [0, 0, 0, 0, 0]);
    await batcher.flush();
  }
  const error = new Error("no scales");
  const batcher = new Batcher<number>(() => {}, {
    weigh: () => {
      throw error;
    },
  });
  assertStrictEquals(await failure(batcher.submit(1)), error);
});

Deno.test("R17: what is no wait is refused, never thrown, and nothing has changed", async () => {
  const batcher = new Batcher<number>(() => {}, { linger: Infinity });
  for (
    const wait of [null, 5, "ctx", { timeout: NaN }, { timeout: "1" }, { ctx: {} }, { signal: 1 }]
  ) {
    for (
      const call of [
        () => batcher.submit(1, wait as never),
        () => batcher.trySubmit(1, wait as never)!,
        () => batcher.flush(wait as never),
        () => batcher.shutdown(wait as never),
      ]
    ) {
      const error = await failure(call());
      assert(error instanceof TypeError || error instanceof RangeError);
    }
  }
  await assertRejects(() => batcher.shutdown({ immediate: 1 as never }), TypeError, "immediate");
  assertEquals([batcher.closed, batcher.stats().submitted], [false, 0]);
});

Deno.test("120: a submit that nobody waits for, and that fails, is told as any promise that is not handled", async () => {
  using uncaught = catchUncaught();
  const batcher = new Batcher<number>(() => Promise.reject("down"));
  void batcher.submit(1);
  await settled();
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(uncaught.errors, ["down"]);
});
