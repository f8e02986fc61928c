/**
 * Water marks: levels of how full a queue is, and producers who heed them.
 *
 * @module
 */
import fc from "fast-check";
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
  Channel,
  ClosedError,
  DeadlineExceededError,
  PriorityQueue,
  Queue,
  QueueShutDown,
  recv,
  select,
  send,
  withCancel,
} from "../mod.ts";
import { type FlowLevel, OverloadError, type WaterMarkOptions, WaterMarks } from "../flow/mod.ts";
import { coreOf } from "../core/core_of.ts";
import { fakeClock } from "./support/clock.ts";
import { held } from "./support/collect.ts";
import { lines } from "./support/lines.ts";
import { failure, filled, kinds } from "./support/queues.ts";
import { settled, state } from "./support/settle.ts";
import { spiedController } from "./support/spied_signal.ts";
import { catchUncaught } from "./support/uncaught.ts";
import { fresh, waysToEnd } from "./support/ways_to_end.ts";

const RUNS = 300;

const weigh = (item: number): number => item;
const small = { low: 1, middle: 3, high: 5 };

/** What was told, as "normal > warning". */
function telling(): { told: string[]; onChange: WaterMarkOptions<unknown>["onChange"] } {
  const told: string[] = [];
  return { told, onChange: (level, previous) => void told.push(`${previous} > ${level}`) };
}

// ---- 130: the level ----

Deno.test("130: the level rises at the middle and the high mark, and falls at the middle and the low one", () => {
  for (const make of Object.values(kinds)) {
    const queue = new make(6);
    using marks = new WaterMarks(queue, small);
    const rising: FlowLevel[] = [marks.level];
    for (let n = 1; n <= 6; n++) {
      queue.putNowait(n);
      rising.push(marks.level);
    }
    const falling: FlowLevel[] = [];
    for (let n = 5; n >= 0; n--) {
      queue.getNowait();
      falling.push(marks.level);
    }
    assertEquals(rising.join(), "normal,normal,normal,warning,warning,overload,overload");
    assertEquals(falling.join(), "overload,overload,warning,warning,normal,normal");
    assertEquals([marks.stats().warnings, marks.stats().overloads], [2, 1]);
  }
});

Deno.test("130: between two marks an item that comes and goes changes nothing", () => {
  const queue = filled(new Queue<number>(6), 1, 2, 3);
  using marks = new WaterMarks(queue, small);
  for (let n = 0; n < 10; n++) {
    assertEquals(marks.level, "warning");
    queue.getNowait();
    assertEquals(marks.level, "warning");
    queue.putNowait(n);
  }
  assertEquals(marks.stats().warnings, 1);
});

Deno.test("130: marks that are left out are 25, 50 and 90 percent of the capacity", () => {
  const expected: Record<number, number[]> = {
    1: [0, 1, 1],
    2: [0, 1, 2],
    3: [1, 2, 3],
    4: [1, 2, 4],
    5: [1, 3, 5],
    10: [3, 5, 9],
    16: [4, 8, 14],
    100: [25, 50, 90],
    1024: [256, 512, 922],
  };
  for (const [capacity, marks] of Object.entries(expected)) {
    for (const queue of [new Queue(Number(capacity)), new Channel(Number(capacity))]) {
      const { low, middle, high } = new WaterMarks(queue);
      assertEquals([low, middle, high], marks, capacity);
    }
  }
});

Deno.test("130: marks that are left out give way to those that are given", () => {
  const of = (options: WaterMarkOptions<number>, capacity = 100): number[] => {
    const { low, middle, high } = new WaterMarks(new Queue<number>(capacity), options);
    return [low, middle, high];
  };
  assertEquals(of({ low: 70 }), [70, 71, 90]);
  assertEquals(of({ low: 99 }), [99, 100, 100]);
  assertEquals(of({ middle: 10 }), [9, 10, 90]);
  assertEquals(of({ middle: 95 }), [25, 95, 95]);
  assertEquals(of({ high: 20 }), [18, 19, 20]);
  assertEquals(of({ high: 1 }), [0, 1, 1]);
  assertEquals(of({ low: 3, high: 4 }), [3, 4, 4]);
  assertEquals(of({ low: 0.25, high: 0.5 }), [0.25, 0.5, 0.5]);
  assertEquals(of({ high: 0.5 }), [0, 0.5, 0.5]);
  assertEquals(of({ low: 0.5 }, 1), [0.5, 1, 1]);
});

Deno.test("130: they are in order at every capacity, whichever are given", () => {
  const mark = fc.option(fc.nat(30), { nil: undefined });
  fc.assert(fc.property(
    fc.record({ low: mark, middle: mark, high: mark }),
    fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1 }),
    (options, sizes) => {
      const queue = new Queue<number>(40);
      let marks: WaterMarks<number>;
      try {
        marks = new WaterMarks(queue, options);
      } catch (error) {
        assertInstanceOf(error, RangeError);
        const given = [options.low, options.middle, options.high].filter((at) => at !== undefined);
        const ordered = given.every((at, i) => i === 0 || given[i - 1]! <= at);
        assert(
          !ordered || options.middle === 0 || options.high === 0 || options.low === options.high ||
            options.low === options.middle,
        );
        return;
      }
      for (const size of sizes) {
        queue.resize(size);
        const { low, middle, high } = marks;
        assert(0 <= low && middle <= high && (low < middle || middle === Infinity));
        if (options.low !== undefined) assertEquals(low, options.low);
        if (options.middle !== undefined) assertEquals(middle, options.middle);
        if (options.high !== undefined) assertEquals(high, options.high);
        else if (options.middle === undefined && !(low >= queue.maxSize && size > 0)) {
          assert(high <= queue.maxSize || size === 0);
        }
      }
    },
  ));
});

Deno.test("130: marks that are left out follow a resize, and so does the level", async () => {
  const { told, onChange } = telling();
  const queue = filled(new Queue<number>(100), ...Array(40).keys());
  using marks = new WaterMarks(queue, { onChange });
  const levels = [20, 40, 60, 100, 200, 41, 0, 10].map((maxSize) => {
    queue.resize(maxSize);
    return `${maxSize}: ${marks.level}`;
  });
  await settled();
  assertEquals(levels, [
    "20: overload",
    "40: overload",
    "60: overload",
    "100: warning",
    "200: normal",
    "41: overload",
    "0: normal",
    "10: overload",
  ]);
  assertEquals(told, [
    "normal > overload",
    "overload > warning",
    "warning > normal",
    "normal > overload",
    "overload > normal",
    "normal > overload",
  ]);
});

Deno.test("130: marks are those that were given, whatever becomes of the options later", () => {
  const options: { -readonly [K in keyof WaterMarkOptions<number>]: WaterMarkOptions<number>[K] } =
    {
      ...small,
    };
  const queue = new Queue<number>(10);
  using marks = new WaterMarks(queue, options);
  options.high = options.middle = options.low = NaN;
  queue.resize(20);
  assertEquals([marks.low, marks.middle, marks.high], [1, 3, 5]);
});

Deno.test("28, 130: a resize and those who enter by it are one step", async () => {
  for (const options of [{ maxSize: 10 }, { maxSize: 10, weigh: () => 1 }]) {
    const { told, onChange } = telling();
    const queue = new Queue<number>(options);
    using marks = new WaterMarks(queue, { onChange });
    const puts = Array.from({ length: 100 }, (_, n) => queue.put(n));
    queue.resize(100);
    await Promise.all(puts);
    assertEquals([marks.level, marks.fill], ["overload", 100]);
    const { warnings, overloads } = marks.stats();
    assertEquals([warnings, overloads], [1, 1]);
    assertEquals(told, ["normal > warning", "warning > overload"]);
  }
});

Deno.test("130: marks that are given stay where they are when the queue is resized", () => {
  const queue = new Queue<number>(10);
  using marks = new WaterMarks(queue, small);
  for (const maxSize of [3, 100, 0]) {
    queue.resize(maxSize);
    assertEquals([marks.low, marks.middle, marks.high], [1, 3, 5]);
  }
});

Deno.test("130: an unbounded queue needs all marks", () => {
  for (
    const queue of [new Queue<number>(), new Queue<number>(Infinity), new Channel<number>(Infinity)]
  ) {
    assertThrows(() => new WaterMarks(queue), RangeError, "low must be given");
    assertThrows(
      () => new WaterMarks(queue, { low: 1, middle: 2 }),
      RangeError,
      "high must be given",
    );
    assertThrows(
      () => new WaterMarks(queue, { low: 1, high: 2 }),
      RangeError,
      "middle must be given",
    );
    using marks = new WaterMarks(queue, small);
    assertEquals([marks.level, marks.high], ["normal", 5]);
  }
});

Deno.test("130: what is queued when the marks are made counts at once, and is told", async () => {
  const { told, onChange } = telling();
  const queue = filled(new Queue<number>(6), 1, 2, 3, 4, 5);
  using marks = new WaterMarks(queue, { ...small, onChange });
  assertEquals([marks.level, told.length], ["overload", 0]);
  await settled();
  assertEquals(told, ["normal > overload"]);
});

Deno.test("130: the level is right whichever way items come and go", async () => {
  const ways: Record<string, (queue: Queue<number>) => unknown> = {
    get: async (queue) => {
      for (let n = 0; n < 4; n++) await queue.get();
    },
    lease: async (queue) => {
      for (let n = 0; n < 4; n++) (await queue.lease())[Symbol.dispose]();
    },
    getBatch: (queue) => queue.getBatch(4),
    select: async (queue) => {
      for (let n = 0; n < 4; n++) await select({ item: recv(queue) });
    },
    iteration: async (queue) => {
      let left = 4;
      for await (const _ of queue) if (--left === 0) break;
    },
    "an immediate shutdown": (queue) => queue.shutdown({ immediate: true }),
  };
  for (const [name, leave] of Object.entries(ways)) {
    for (const make of Object.values(kinds)) {
      const queue = new make(6);
      using marks = new WaterMarks(queue, small);
      for (const n of [1, 2, 3]) await queue.put(n);
      for (const n of [4, 5]) await select({ sent: send(queue, n) });
      assertEquals(marks.level, "overload", name);
      await leave(queue);
      assertEquals(marks.level, "normal", name);
    }
  }
});

Deno.test("130: a leased item that is put back counts again, above the capacity too", async () => {
  const queue = filled(new Queue<number>(5), 1, 2, 3, 4, 5);
  using marks = new WaterMarks(queue, { low: 1, middle: 4, high: 5 });
  const lease = await queue.lease();
  assertEquals([marks.level, marks.fill], ["warning", 4]);
  queue.putNowait(6);
  lease.requeue();
  assertEquals([marks.level, marks.fill], ["overload", 6]);
});

Deno.test("130: what is handed over directly was never queued", async () => {
  const queue = new Queue<number>(2);
  using marks = new WaterMarks(queue, { low: 0, middle: 1, high: 1 });
  const taken = [queue.get(), queue.get()];
  queue.putNowait(1);
  await queue.put(2);
  assertEquals([await Promise.all(taken), marks.stats().overloads, marks.level], [
    [1, 2],
    0,
    "normal",
  ]);
});

Deno.test("130: a put that is cancelled while it waits was never queued", async () => {
  const queue = filled(new Queue<number>(5), 1, 2);
  using marks = new WaterMarks(queue, { low: 0, middle: 3, high: 5 });
  filled(queue, 3, 4, 5);
  using ctx = withCancel(background());
  const waiting = queue.put(6, ctx);
  ctx.cancel("gone");
  assertEquals(await failure(waiting), "gone");
  assertEquals([marks.level, marks.fill, marks.stats().overloads], ["overload", 5, 1]);
});

Deno.test("130: an item that leaves and one that enters for it are one step", async () => {
  const { told, onChange } = telling();
  const queue = filled(new Queue<number>({ maxSize: 100, weigh }), 50, 50);
  using marks = new WaterMarks(queue, { onChange });
  const waiting = [50, 50, 50].map((item) => queue.put(item));
  await settled();
  for (const put of waiting) {
    queue.getNowait();
    await put;
    assertEquals([marks.level, marks.fill], ["overload", 100]);
  }
  assertEquals(told, ["normal > overload"]);
});

Deno.test("28, 130: a heavy item that leaves and the light ones that enter for it are one step", async () => {
  const { told, onChange } = telling();
  const queue = filled(new Queue<number>({ maxSize: 10, weigh }), 10);
  using marks = new WaterMarks(queue, { onChange });
  const waiting = Array.from({ length: 10 }, () => queue.put(1));
  queue.getNowait();
  await Promise.all(waiting);
  assertEquals([marks.level, marks.fill, marks.stats().overloads], ["overload", 10, 1]);
  assertEquals(told, ["normal > overload"]);
  // By a batch, and with more that enter than leave: each that leaves is a step.
  const more = [4, 4, 9].map((item) => queue.put(item));
  assertEquals(await queue.getBatch(4), [1, 1, 1, 1]);
  await more[0];
  assertEquals([marks.level, marks.fill], ["overload", 10]);
  assertEquals(told, ["normal > overload"]);
  queue.shutdown();
  await Promise.allSettled(more);
});

Deno.test("130: marks weigh what the queue weighs", () => {
  const queue = new Queue<number>({ maxSize: 1_000, weigh });
  using marks = new WaterMarks(queue);
  assertEquals([marks.low, marks.middle, marks.high], [250, 500, 900]);
  const levels = [499, 1, 399, 1].map((item) => (queue.putNowait(item), marks.level));
  assertEquals(levels, ["normal", "warning", "warning", "overload"]);
  assertEquals([marks.fill, queue.size], [900, 4]);
  queue.getNowait();
  assertEquals([marks.level, marks.fill], ["warning", 401]);
});

Deno.test("130: a heavy item may go from normal to overload at once, and back", async () => {
  const { told, onChange } = telling();
  const queue = new Queue<number>({ maxSize: 10, weigh });
  using marks = new WaterMarks(queue, { onChange });
  queue.putNowait(10);
  assertEquals(marks.level, "overload");
  queue.getNowait();
  await settled();
  assertEquals([marks.level, told], ["normal", ["normal > overload", "overload > normal"]]);
});

Deno.test("130: channels have marks too, those that drop as well", async () => {
  for (const overflow of ["block", "dropNewest", "dropOldest"] as const) {
    const channel = new Channel<number>({ capacity: 5, overflow });
    using marks = new WaterMarks(channel, small);
    for (const n of [1, 2, 3, 4, 5]) await channel.send(n);
    if (overflow !== "block") await channel.send(6);
    assertEquals([marks.level, marks.fill], ["overload", 5]);
    assertEquals((await channel.receiveMany(4)).length, 4);
    assertEquals([marks.level, marks.fill], ["normal", 1]);
  }
});

Deno.test("130: looking at the level in the middle of an operation changes nothing", async () => {
  const { told, onChange } = telling();
  const seen = new Set<FlowLevel>();
  const queue = new PriorityQueue<number>({
    maxSize: 4,
    compare(a, b) {
      seen.add(marks.level);
      return a - b;
    },
  });
  using marks: WaterMarks<number> = new WaterMarks(queue, { low: 0, middle: 3, high: 4, onChange });
  filled(queue, 4, 3, 2, 1);
  const waiting = queue.put(0);
  seen.clear();
  assertEquals(queue.getNowait(), 1);
  await waiting;
  assertEquals([...seen, marks.level], ["overload", "overload"]);
  await settled();
  assertEquals(told, ["normal > warning", "warning > overload"]);
});

Deno.test("130: an immediate shutdown after a plain one empties the queue, and the level knows", () => {
  const queue = filled(new Queue<number>(6), 1, 2, 3, 4, 5);
  using marks = new WaterMarks(queue, small);
  queue.shutdown();
  assertEquals(marks.level, "overload");
  queue.shutdown({ immediate: true });
  assertEquals(marks.level, "normal");
});

// ---- 28: who is told ----

Deno.test("28: each change is told once, in order, in a microtask, and no level twice in a row", async () => {
  const { told, onChange } = telling();
  const queue = new Queue<number>(6);
  using _ = new WaterMarks(queue, { ...small, onChange });
  for (let n = 0; n < 6; n++) queue.putNowait(n);
  for (let n = 0; n < 6; n++) queue.getNowait();
  for (let n = 0; n < 3; n++) queue.putNowait(n);
  assertEquals(told, []);
  await Promise.resolve();
  assertEquals(told, [
    "normal > warning",
    "warning > overload",
    "overload > warning",
    "warning > normal",
    "normal > warning",
  ]);
  await settled();
  assertEquals(told.length, 5);
});

Deno.test("28: whoever is told may put and get, and is told of what that changes", async () => {
  const told: string[] = [];
  const queue = new Queue<number>(6);
  using marks = new WaterMarks(queue, {
    ...small,
    onChange(level, previous) {
      told.push(`${previous} > ${level}`);
      if (level === "warning" && previous === "normal") {
        while (queue.size < 5) queue.putNowait(0);
      } else if (level === "overload") {
        while (queue.tryGet() !== undefined);
      }
    },
  });
  filled(queue, 1, 2, 3);
  await settled();
  assertEquals(told, [
    "normal > warning",
    "warning > overload",
    "overload > warning",
    "warning > normal",
  ]);
  assertEquals([marks.level, queue.size], ["normal", 0]);
});

Deno.test("28: whoever is told may resize, shut down and dispose", async () => {
  const queue = filled(new Queue<number>(4), 1, 2, 3, 4);
  const levels: FlowLevel[] = [];
  const marks: WaterMarks<number> = new WaterMarks(queue, {
    onChange(level) {
      levels.push(level);
      if (level === "overload") queue.resize(10);
      if (level === "warning") queue.resize(100);
      if (level === "normal") {
        queue.shutdown();
        marks[Symbol.dispose]();
        queue.resize(1);
      }
    },
  });
  await settled();
  assertEquals([levels, marks.level], [["overload", "warning", "normal"], "normal"]);
});

Deno.test("28: what it throws is an uncaught error, and keeps nobody from anything", async () => {
  using uncaught = catchUncaught();
  const queue = new Queue<number>(6);
  const thrown = new Error("mine");
  let told = 0;
  using marks = new WaterMarks(queue, {
    ...small,
    onChange() {
      told++;
      throw thrown;
    },
  });
  filled(queue, 1, 2, 3, 4, 5);
  const waiting = marks.pressure();
  while (queue.tryGet() !== undefined);
  assertEquals(await state(waiting), "fulfilled");
  assertEquals([told, uncaught.errors.length], [4, 4]);
  assert(uncaught.errors.every((error) => error === thrown));
});

Deno.test("28: several marks on one queue do not know of each other", async () => {
  const [one, two] = [telling(), telling()];
  const queue = new Queue<number>(6);
  const first = new WaterMarks(queue, { ...small, onChange: one.onChange });
  using second = new WaterMarks(queue, { low: 0, middle: 1, high: 2, onChange: two.onChange });
  filled(queue, 1, 2, 3);
  first[Symbol.dispose]();
  filled(queue, 4, 5);
  await settled();
  assertEquals([first.level, one.told], ["normal", []]);
  assertEquals([second.level, two.told], ["overload", ["normal > warning", "warning > overload"]]);
});

// ---- 131: pressure ----

Deno.test("131: pressure resolves at once while it is normal, and else when it is normal again", async () => {
  const queue = filled(new Queue<number>(6), 1, 2);
  using marks = new WaterMarks(queue, small);
  assertEquals(await state(marks.pressure()), "fulfilled");
  queue.putNowait(3);
  const waiting = [marks.pressure(), marks.pressure()];
  assertEquals([await state(waiting[0]!), marks.stats().waiting], ["pending", 2]);
  queue.getNowait();
  assertEquals([marks.level, await state(waiting[0]!)], ["warning", "pending"]);
  queue.getNowait();
  await Promise.all(waiting);
  assertEquals(marks.stats().waiting, 0);
});

Deno.test("131: pressure does not resolve for a calm that was over before anybody could see it", async () => {
  const queue = filled(new Queue<number>(6), 1, 2, 3);
  using marks = new WaterMarks(queue, small);
  const waiting = marks.pressure();
  while (queue.tryGet() !== undefined);
  filled(queue, 1, 2, 3);
  assertEquals([await state(waiting), marks.level], ["pending", "warning"]);
  while (queue.tryGet() !== undefined);
  assertEquals(await state(waiting), "fulfilled");
});

Deno.test("131: pressure that is cancelled leaves no trace, however it ends", async () => {
  for (const [name, make] of Object.entries(waysToEnd)) {
    using clock = fakeClock();
    const way = make(clock);
    const queue = filled(new Queue<number>(6), 1, 2, 3);
    using marks = new WaterMarks(queue, small);
    const waiting = marks.pressure(way.wait);
    assertEquals([await state(waiting), marks.stats().waiting], ["pending", 1], name);
    await way.end();
    const error = await failure(waiting);
    if (way.cause() === fresh) assertInstanceOf(error, DeadlineExceededError);
    else assertStrictEquals(error, way.cause(), name);
    way[Symbol.dispose]();
    assertEquals([marks.stats().waiting, clock.timers], [0, 0], name);
    for (const { listeners } of way.signals) assertEquals(listeners, 0, name);
  }
});

Deno.test("131: a context that has ended goes first", async () => {
  const queue = filled(new Queue<number>(6), 1);
  const fallen: number[] = [];
  using marks = new WaterMarks(queue, { ...small, fallback: (item) => void fallen.push(item) });
  using ctx = withCancel(background());
  ctx.cancel("over");
  assertEquals(await failure(marks.pressure(ctx)), "over");
  assertEquals(await failure(marks.submit(7, ctx)), "over");
  filled(queue, 2, 3, 4, 5);
  assertEquals(await failure(marks.pressure(ctx)), "over");
  assertEquals(await failure(marks.submit(7, ctx)), "over");
  const { submitted, rejected, diverted } = marks.stats();
  assertEquals([submitted, rejected, diverted, fallen.length, queue.size], [0, 0, 0, 0, 5]);
});

Deno.test("131: pressure with a timeout of 0 tries once", async () => {
  const queue = filled(new Queue<number>(6), 1, 2);
  using marks = new WaterMarks(queue, small);
  await marks.pressure({ timeout: 0 });
  queue.putNowait(3);
  await assertRejects(() => marks.pressure({ timeout: 0 }), DeadlineExceededError);
  assertEquals(marks.stats().waiting, 0);
});

Deno.test("131: a wait that is none rejects, and does not throw", async () => {
  const queue = filled(new Queue<number>(6), 1, 2, 3, 4, 5);
  using marks = new WaterMarks(queue, small);
  for (const wait of [null, 1, "soon", { timeout: "long" }]) {
    assertInstanceOf(await failure(marks.pressure(wait as never)), TypeError);
    assertInstanceOf(await failure(marks.submit(1, wait as never)), TypeError);
  }
  assertEquals([marks.stats().waiting, marks.stats().rejected], [0, 0]);
});

Deno.test("131: pressure resolves when the queue is closed: the put tells so", async () => {
  for (const queue of [new Queue<number>(5), new Channel<number>(5)]) {
    using marks = new WaterMarks(queue, small);
    for (let n = 0; n < 5; n++) await marks.submit(n);
    const waiting = marks.pressure();
    assertEquals(await state(waiting), "pending");
    if (queue instanceof Queue) queue.shutdown();
    else queue.close();
    assertEquals([await state(waiting), marks.level], ["fulfilled", "overload"]);
    await marks.pressure();
    const error = await failure(marks.submit(6));
    assertInstanceOf(error, queue instanceof Queue ? QueueShutDown : ClosedError);
    assertEquals((error as ClosedError).value, 6);
    assertThrows(() => marks.trySubmit(6), ClosedError);
    assertEquals(marks.stats().rejected, 0);
  }
});

// ---- 131: submit ----

Deno.test("131: submit puts while it is normal and while there is a warning, and waits for room", async () => {
  const queue = new Queue<number>({ maxSize: 10, weigh });
  using marks = new WaterMarks(queue, { low: 1, middle: 5, high: 10 });
  await marks.submit(1);
  await marks.submit(5);
  assertEquals(marks.level, "warning");
  const waiting = marks.submit(7);
  assertEquals([await state(waiting), marks.stats().submitted, lines(queue).putters], [
    "pending",
    2,
    1,
  ]);
  assertFalse(marks.trySubmit(1));
  queue.getNowait();
  queue.getNowait();
  await waiting;
  const { submitted, rejected } = marks.stats();
  assertEquals([submitted, rejected, queue.getNowait()], [3, 0, 7]);
});

Deno.test("131: submit that is cancelled while it waits puts nothing in, and does not count", async () => {
  const queue = filled(new Queue<number>({ maxSize: 10, weigh }), 6);
  using marks = new WaterMarks(queue, { low: 1, middle: 5, high: 10 });
  const spied = spiedController();
  const waiting = marks.submit(7, spied.signal);
  assertEquals([await state(waiting), spied.listeners], ["pending", 1]);
  const failing = failure(waiting);
  spied.abort("gone");
  assertEquals([await failing, spied.listeners, lines(queue).putters], ["gone", 0, 0]);
  assertEquals([queue.size, marks.stats().submitted], [1, 0]);
});

Deno.test("131: in an overload submit rejects at once, and the error says how full it is and carries the item", async () => {
  const queue = new Queue<string>({ maxSize: 6, name: "jobs" });
  using marks = new WaterMarks(queue, small);
  for (const item of ["a", "b", "c", "d", "e"]) await marks.submit(item);
  const error = await assertRejects(() => marks.submit("f"), OverloadError, '"jobs"');
  assertEquals([error.fill, error.limit, error.value, error.code], [5, 5, "f", "SLUICE_OVERLOAD"]);
  assertFalse(marks.trySubmit("g"));
  queue.getNowait();
  const later = await assertRejects(() => marks.submit("h"), OverloadError, "4 of 5");
  assertEquals([later.fill, later.limit], [4, 5]);
  queue.getNowait();
  assert(marks.trySubmit("i"));
  const { submitted, rejected, fill, level } = marks.stats();
  assertEquals([submitted, rejected, fill, level], [6, 3, 4, "warning"]);
});

Deno.test("131: undefined is an item, and the error has it", async () => {
  const queue = new Queue<undefined>(1);
  using marks = new WaterMarks(queue, { name: "the one" });
  await marks.submit(undefined);
  const error = await assertRejects(() => marks.submit(undefined), OverloadError, '"the one"');
  assert(Object.hasOwn(error, "value"));
});

Deno.test("131: the fallback gets what would be refused, and submit settles as it does", async () => {
  const queue = filled(new Queue<number>(1), 1);
  const got: [number, OverloadError][] = [];
  let result: () => unknown = () => {};
  using marks = new WaterMarks(queue, {
    fallback(item, error) {
      got.push([item, error]);
      return result();
    },
  });
  assertEquals(await marks.submit(2), undefined);
  assertEquals([got[0]![0], got[0]![1].value, got[0]![1].fill], [2, 2, 1]);
  result = () => Promise.resolve("ignored");
  assertEquals(await marks.submit(3), undefined);
  const thrown = new Error("no");
  result = () => {
    throw thrown;
  };
  assertStrictEquals(await failure(marks.submit(4)), thrown);
  result = () => Promise.reject(thrown);
  assertStrictEquals(await failure(marks.submit(5)), thrown);
  assertFalse(marks.trySubmit(6));
  const { submitted, rejected, diverted } = marks.stats();
  assertEquals([submitted, rejected, diverted, got.length], [0, 1, 4, 4]);
});

Deno.test("131: the fallback may use the queue and the marks", async () => {
  const queue = filled(new Queue<number>(1), 1);
  using marks: WaterMarks<number> = new WaterMarks(queue, {
    fallback: async (item) => {
      assertEquals(await queue.get(), 1);
      await marks.submit(item);
    },
  });
  await marks.submit(2);
  assertEquals([queue.getNowait(), marks.stats().submitted, marks.stats().diverted], [2, 1, 1]);
});

Deno.test("131, 117: who submits again and again in an overload does not starve timers", async () => {
  const queue = filled(new Queue<number>(1), 1);
  using marks = new WaterMarks(queue);
  let late = false;
  const timer = setTimeout(() => late = true, 1);
  const start = performance.now();
  while (!late && performance.now() - start < 2_000) await marks.submit(2).catch(() => {});
  clearTimeout(timer);
  assert(late && performance.now() - start < 1_000);
});

// ---- options, disposal, parent ----

Deno.test("R17: bad arguments are told by name and value, and watch nothing", () => {
  const bad: [unknown, ErrorConstructor, string][] = [
    [null, TypeError, "options"],
    [7, TypeError, "options"],
    [{ low: "1" }, TypeError, "low must be a number"],
    [{ middle: null }, TypeError, "middle must be a number"],
    [{ high: NaN }, RangeError, "high must be a number, not NaN"],
    [{ low: -1 }, RangeError, "low must be a finite number of at least 0: -1"],
    [{ high: Infinity }, RangeError, "high must be a finite number"],
    [{ middle: 0 }, RangeError, "middle must be more than 0"],
    [{ high: 0 }, RangeError, "high must be more than 0"],
    [{ low: 3, middle: 3 }, RangeError, "low must be less than middle, 3: 3"],
    [{ low: 3, high: 3 }, RangeError, "low must be less than high, 3: 3"],
    [{ middle: 4, high: 3 }, RangeError, "middle must be at most high, 3: 4"],
    [{ high: 11 }, RangeError, "high must be at most the capacity, 10"],
    [{ middle: 11 }, RangeError, "middle must be at most the capacity, 10"],
    [{ low: 10 }, RangeError, "low must be less than the capacity, 10: 10"],
    [{ onChange: 1 }, TypeError, "onChange must be a function"],
    [{ fallback: {} }, TypeError, "fallback must be a function"],
    [{ name: 1 }, TypeError, "name must be a string"],
    [{ parent: {} }, TypeError, "parent must be a context"],
  ];
  const queue = new Queue<number>(10);
  let watchers = 0;
  const core = coreOf(queue)!;
  const { observe } = core;
  core.observe = (fn) => (watchers++, observe.call(core, fn));
  for (const [options, kind, message] of bad) {
    assertThrows(() => new WaterMarks(queue, options as never), kind, message);
  }
  assertEquals(watchers, 0);
  for (const other of [undefined, null, {}, [], "queue"]) {
    assertThrows(
      () => new WaterMarks(other as never),
      TypeError,
      "queue must be a Queue or a Channel",
    );
  }
  assertThrows(() => new WaterMarks(new Channel<number>()), RangeError, "unbuffered");
});

Deno.test("131: disposing lets all go on, refuses nothing more, and leaves the queue as it is", async () => {
  const { told, onChange } = telling();
  const queue = new Queue<number>(6);
  const marks = new WaterMarks(queue, { ...small, onChange });
  filled(queue, 1, 2, 3, 4, 5);
  const waiting = marks.pressure();
  marks[Symbol.dispose]();
  marks[Symbol.dispose]();
  assertEquals([await state(waiting), marks.level, queue.size, queue.closed], [
    "fulfilled",
    "normal",
    5,
    false,
  ]);
  await marks.pressure();
  await marks.submit(6);
  assertFalse(marks.trySubmit(7));
  queue.getNowait();
  assertEquals([marks.level, told, marks.stats().overloads], ["normal", [], 1]);
});

Deno.test("131: disposed while it tells, it tells no more", async () => {
  const told: FlowLevel[] = [];
  const queue = new Queue<number>(6);
  const marks: WaterMarks<number> = new WaterMarks(queue, {
    ...small,
    onChange(level) {
      told.push(level);
      marks[Symbol.dispose]();
    },
  });
  filled(queue, 1, 2, 3, 4, 5);
  await settled();
  assertEquals([told, marks.level], [["warning"], "normal"]);
});

Deno.test("131: the end of its parent disposes the marks, and disposing leaves the parent", async () => {
  const queue = filled(new Queue<number>(6), 1, 2, 3, 4, 5);
  const parent = withCancel(background());
  const marks = new WaterMarks(queue, { ...small, parent });
  const waiting = marks.pressure();
  parent.cancel();
  assertEquals([await state(waiting), marks.level], ["fulfilled", "normal"]);
  const late = new WaterMarks(queue, { ...small, parent });
  await settled();
  assertEquals(late.level, "normal");

  const spied = spiedController();
  const other = new WaterMarks(queue, { ...small, parent: spied.signal });
  assertEquals(spied.listeners, 1);
  other[Symbol.dispose]();
  assertEquals(spied.listeners, 0);
});

Deno.test("131: disposed marks are kept by nobody", async () => {
  const queue = new Queue<number>(6);
  const make = (): WeakRef<object> => {
    const marks = new WaterMarks(queue, small);
    marks[Symbol.dispose]();
    return new WeakRef(marks);
  };
  assertEquals(await held([make(), make()]), 0);
  assertEquals(queue.size, 0);
});

Deno.test("130: a producer that heeds pressure never sees an overload", async () => {
  const queue = new Queue<number>(20);
  using marks = new WaterMarks(queue);
  let most = 0;
  const producing = (async () => {
    for (let n = 0; n < 200; n++) {
      await marks.pressure();
      await marks.submit(n);
      most = Math.max(most, queue.size);
    }
    queue.shutdown();
  })();
  const got: number[] = [];
  for await (const item of queue) got.push(item);
  await producing;
  assertEquals([got.length, marks.stats().overloads], [200, 0]);
  assert(most <= marks.middle);
});

// ---- against a model ----

type Op =
  | { readonly op: "put" | "submit" | "trySubmit"; readonly weight: number }
  | { readonly op: "get" | "cancel" | "clear" | "rest" }
  | { readonly op: "batch"; readonly max: number }
  | { readonly op: "resize"; readonly maxSize: number };

const weight = fc.integer({ min: 0, max: 6 });
const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ op: fc.constantFrom("put", "submit", "trySubmit"), weight }),
  },
  { weight: 6, arbitrary: fc.record({ op: fc.constantFrom("get", "get", "cancel", "rest") }) },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant("batch"), max: fc.integer({ min: 1, max: 5 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant("resize"), maxSize: fc.integer({ min: 6, max: 30 }) }),
  },
) as fc.Arbitrary<Op>;

/** What is queued and who waits, and the level after each step. */
class MarkModel {
  readonly items: number[] = [];
  readonly line: number[] = [];
  readonly changes: FlowLevel[] = [];
  level: FlowLevel = "normal";
  capacity = 20;
  submitted = 0;
  rejected = 0;

  get fill(): number {
    return this.items.reduce((sum, item) => sum + item, 0);
  }

  fits(item: number): boolean {
    return this.fill + item <= this.capacity || this.items.length === 0;
  }

  /** false: it waits. */
  put(item: number): boolean {
    if (this.line.length > 0 || !this.fits(item)) {
      this.line.push(item);
      return false;
    }
    this.items.push(item);
    this.step();
    return true;
  }

  get(): number | undefined {
    const item = this.items.shift();
    if (item !== undefined) this.refill();
    return item;
  }

  resize(capacity: number): void {
    this.capacity = capacity;
    this.refill();
  }

  /** Those who enter for what has left, or by a resize, are one step with it. */
  refill(): void {
    while (this.letIn());
    this.step();
  }

  /** Somebody in front has left the line: each that enters now is a step. */
  left(): void {
    while (this.letIn()) this.step();
  }

  letIn(): boolean {
    if (this.line.length === 0 || !this.fits(this.line[0]!)) return false;
    this.items.push(this.line.shift()!);
    return true;
  }

  step(): void {
    const { fill, capacity } = this;
    const [low, middle, high] = [0.25, 0.5, 0.9].map((share) => Math.round(capacity * share));
    let level: FlowLevel = "normal";
    if (fill >= high!) level = "overload";
    else if (this.level === "overload" && fill > middle!) level = "overload";
    else if (this.level !== "normal" ? fill > low! : fill >= middle!) level = "warning";
    if (level !== this.level) this.changes.push(level);
    this.level = level;
  }
}

Deno.test("28, 130, 131: random programs agree with a model", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(op, { maxLength: 60 }), fc.boolean(), async (program, weighing) => {
      const model = new MarkModel();
      const queue = new Queue<number>({ maxSize: 20, weigh: weighing ? weigh : () => 1 });
      const told: FlowLevel[] = [];
      using marks = new WaterMarks(queue, {
        onChange(level, previous) {
          assertEquals(previous, told.at(-1) ?? "normal");
          told.push(level);
        },
      });
      const calls: { readonly item: number; readonly cancel: () => void }[] = [];
      let refused = 0;
      const run = (
        item: number,
        start: (ctx: ReturnType<typeof withCancel>) => Promise<void>,
      ): void => {
        const ctx = withCancel(background());
        start(ctx).catch((error) => {
          if (error instanceof OverloadError) refused++;
        });
        calls.push({ item, cancel: () => ctx.cancel() });
      };
      for (const step of program) {
        const size = "weight" in step ? (weighing ? step.weight : 1) : 0;
        if (step.op === "put") {
          run(size, (ctx) => queue.put(size, ctx));
          if (model.put(size)) calls.pop();
        } else if (step.op === "submit") {
          if (model.level === "overload") {
            model.rejected++;
            run(size, (ctx) => marks.submit(size, ctx));
            calls.pop();
          } else {
            run(size, (ctx) => marks.submit(size, ctx));
            if (model.put(size)) calls.pop();
          }
        } else if (step.op === "trySubmit") {
          const could = model.level !== "overload" && model.line.length === 0 && model.fits(size);
          assertEquals(marks.trySubmit(size), could);
          if (could) model.put(size);
          else if (model.level === "overload") model.rejected++;
        } else if (step.op === "get") {
          const waited = model.line.length;
          assertEquals(queue.tryGet()?.value, model.get());
          calls.splice(0, waited - model.line.length);
        } else if (step.op === "batch") {
          if (model.items.length > 0) {
            const waited = model.line.length;
            const batch = queue.getBatch(step.max);
            const expected: number[] = [];
            for (let item; expected.length < step.max && (item = model.get()) !== undefined;) {
              expected.push(item);
            }
            calls.splice(0, waited - model.line.length);
            assertEquals(await batch, expected);
          }
        } else if (step.op === "cancel") {
          const call = calls.shift();
          if (call !== undefined) {
            model.line.shift();
            call.cancel();
            const waited = model.line.length;
            model.left();
            calls.splice(0, waited - model.line.length);
          }
        } else if (step.op === "resize") {
          const waited = model.line.length;
          queue.resize(step.maxSize);
          model.resize(step.maxSize);
          calls.splice(0, waited - model.line.length);
        } else {
          await settled();
          assertEquals(told, model.changes);
          assertEquals(refused + queue.size, refused + model.items.length);
        }
        assertEquals([marks.level, marks.fill], [model.level, model.fill]);
        assertEquals(lines(queue).putters, model.line.length);
      }
      await settled();
      assertEquals(told, model.changes);
      assertEquals(marks.stats().rejected, model.rejected);
      const pressing = marks.pressure();
      assertEquals(await state(pressing), model.level === "normal" ? "fulfilled" : "pending");
      queue.shutdown({ immediate: true });
      await pressing;
      assertEquals([marks.level, marks.stats().waiting], ["normal", 0]);
    }),
    { numRuns: RUNS },
  );
});
