/**
 * A capacity that follows the speed of those who take.
 *
 * @module
 */
import fc from "fast-check";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { background, Channel, Queue, withCancel } from "../mod.ts";
import { AdaptiveCapacity } from "../flow/levels/adaptive_capacity.ts";
import type { AdaptiveCapacityOptions } from "../flow/levels/adaptive_capacity_options.ts";
import { ManualClock } from "../tasks/mod.ts";
import { fakeClock } from "./support/clock.ts";
import { held } from "./support/collect.ts";
import { lines } from "./support/lines.ts";
import { drained, filled, kinds } from "./support/queues.ts";
import { settled } from "./support/settle.ts";
import { spiedController } from "./support/spied_signal.ts";
import { catchUncaught } from "./support/uncaught.ts";

const RUNS = 200;

/** The queue is kept full, and an item leaves each `ms`, `count` times. */
async function busy(
  clock: ManualClock,
  queue: Queue<number>,
  ms: number,
  count: number,
): Promise<void> {
  for (let n = 0; n < count; n++) {
    while (queue.tryPut(n));
    await clock.advance(ms);
    queue.tryGet();
  }
  while (queue.tryPut(0));
}

/** A queue that adapts, on a clock of its own; `items` are queued before. */
function adapting(
  size: number,
  options: Partial<AdaptiveCapacityOptions> = {},
  items = 0,
): {
  clock: ManualClock;
  queue: Queue<number>;
  adaptive: AdaptiveCapacity<number>;
  told: string[];
} {
  const clock = new ManualClock(1_000_000);
  const queue = filled(new Queue<number>(size), ...Array(items).keys());
  const told: string[] = [];
  const adaptive = new AdaptiveCapacity(queue, {
    max: 1_000,
    target: 100,
    increase: 1,
    clock,
    onResize: (capacity, previous) => void told.push(`${previous} > ${capacity}`),
    ...options,
  });
  return { clock, queue, adaptive, told };
}

// ---- shrinking ----

Deno.test("132: it shrinks by a share while items stand longer than the target", async () => {
  const { clock, queue, adaptive, told } = adapting(40, {}, 40);
  // 40 items, one leaves each 10 ms: each stands for 400 ms.
  await busy(clock, queue, 10, 11);
  assertEquals([told, queue.maxSize, adaptive.capacity], [["40 > 28"], 28, 28]);
  await busy(clock, queue, 10, 200);
  const { decreases, wait } = adaptive.stats();
  assert(queue.maxSize >= 7 && queue.maxSize <= 13, String(queue.maxSize));
  assert(decreases >= 4 && wait <= 120);
});

Deno.test("132: what it measures is the fewest items of an interval over those that left", async () => {
  const { clock, queue, adaptive } = adapting(10, { target: 1_000 }, 10);
  await busy(clock, queue, 10, 11);
  const { wait, throughput, capacity } = adaptive.stats();
  // With each that leaves, 9 are queued for a moment; the tenth leaves just after the timer has run.
  assertEquals([wait, throughput, capacity], [9 * 100 / 9, 90, 11]);
});

Deno.test("132: a put that enters for an item that leaves keeps the queue as full as it was", async () => {
  const { clock, queue, adaptive } = adapting(5, { target: 1_000, max: 5 });
  const puts = filled(queue, 1, 2, 3, 4, 5) && Array.from({ length: 40 }, (_, n) => queue.put(n));
  for (let n = 0; n < 20; n++) {
    await clock.advance(10);
    queue.getNowait();
  }
  await clock.advance(5);
  assertEquals([adaptive.stats().throughput, adaptive.stats().wait], [100, 50]);
  assertEquals([puts.length, lines(queue).putters], [40, 20]);
});

Deno.test("132: how many were queued when the interval began counts as well", async () => {
  const { clock, queue, adaptive } = adapting(10, { target: 1_000 }, 3);
  queue.getNowait();
  await clock.advance(100);
  filled(queue, 3, 4, 5);
  queue.getNowait();
  await clock.advance(100);
  assertEquals([queue.size, adaptive.stats().wait], [4, 200]);
});

Deno.test("132: a burst that is gone within the interval is no standing queue", async () => {
  const { clock, queue, adaptive, told } = adapting(500, { target: 5 });
  for (let burst = 0; burst < 20; burst++) {
    for (let n = 0; n < 400; n++) queue.putNowait(n);
    for (let n = 0; n < 80; n++) {
      await clock.advance(1);
      await queue.getBatch(5);
    }
    await clock.advance(20);
  }
  assertEquals([told, adaptive.capacity, adaptive.stats().wait], [[], 500, 0]);
});

Deno.test("132: while more is queued than the capacity it shrinks no further, and nothing is dropped", async () => {
  const { clock, queue, told } = adapting(100, {}, 100);
  const got: number[] = [];
  for (let n = 0; n < 30; n++) {
    await clock.advance(10);
    got.push(queue.getNowait());
  }
  assertEquals([told, queue.size], [["100 > 70"], 70]);
  for (let n = 0; n < 20; n++) {
    await clock.advance(10);
    got.push(queue.getNowait());
  }
  assertEquals([told, queue.full], [["100 > 70", "70 > 49"], true]);
  got.push(...drained(queue));
  assertEquals(got, [...Array(100).keys()]);
});

Deno.test("132: with weights, what is queued is more than the capacity if it weighs more", async () => {
  const clock = new ManualClock();
  const queue = filled(new Queue<number>({ maxSize: 100, weigh: () => 10 }), ...Array(10).keys());
  using adaptive = new AdaptiveCapacity(queue, {
    min: 10,
    max: 100,
    target: 100,
    increase: 1,
    clock,
  });
  await clock.advance(50);
  queue.getNowait();
  await clock.advance(50);
  assertEquals([adaptive.capacity, queue.weight], [70, 90]);
  queue.getNowait();
  await clock.advance(100);
  assertEquals([adaptive.capacity, queue.weight], [70, 80]);
  queue.getNowait();
  await clock.advance(100);
  assertEquals([adaptive.capacity, queue.weight], [49, 70]);
});

Deno.test("132: when none leaves, the first one is known to stand, and it shrinks after the target", async () => {
  const { clock, queue, adaptive, told } = adapting(100, { target: 250 });
  for (let n = 0; n < 5; n++) {
    queue.putNowait(n);
    await clock.advance(90);
  }
  assertEquals([told, adaptive.stats().wait], [["100 > 70"], 300]);
  assertEquals(adaptive.stats().throughput, 0);
});

Deno.test("132: the bounds are those that were given, whatever becomes of the options later", async () => {
  const clock = new ManualClock();
  const options = { min: 50, max: 100, target: 100, clock };
  const queue = new Queue<number>(100);
  using adaptive = new AdaptiveCapacity(queue, options);
  options.min = options.max = options.target = NaN;
  await busy(clock, queue, 10, 200);
  assertEquals([adaptive.capacity, adaptive.stats().decreases], [50, 2]);
});

// ---- growing ----

Deno.test("132: it grows by a step for each interval in which there was no room, below the target", async () => {
  const { clock, queue, adaptive, told } = adapting(4);
  await busy(clock, queue, 1, 302);
  assertEquals(told, ["4 > 5", "5 > 6", "6 > 7"]);
  assertEquals([adaptive.stats().increases, adaptive.stats().decreases], [3, 0]);
});

Deno.test("132: the step may be larger, or a share of the capacity", async () => {
  const larger = adapting(4, { increase: 10 });
  await busy(larger.clock, larger.queue, 1, 202);
  assertEquals(larger.told, ["4 > 14", "14 > 24"]);
  const share = adapting(10, { increase: 0.25 });
  await busy(share.clock, share.queue, 1, 302);
  assertEquals(share.told, ["10 > 13", "13 > 17", "17 > 22"]);
});

Deno.test("132: while there is room it does not grow", async () => {
  const { clock, queue, told } = adapting(4);
  for (let n = 0; n < 400; n++) {
    filled(queue, 1, 2, 3);
    await clock.advance(1);
    drained(queue);
  }
  assertEquals(told, []);
});

Deno.test("132: it has been full if it was so for a moment", async () => {
  const { clock, queue, told } = adapting(4);
  for (let n = 0; n < 150; n++) {
    filled(queue, 1);
    if (n === 50) {
      filled(queue, 2, 3, 4);
      drained(queue);
    }
    await clock.advance(1);
    queue.tryGet();
  }
  assertEquals(told, ["4 > 5"]);
});

Deno.test("132: it has been full if it was so when it began to measure", async () => {
  const { clock, queue, told } = adapting(4, { target: 1_000 }, 4);
  const puts = [queue.put(5), queue.put(6)];
  queue.getNowait();
  await clock.advance(100);
  assertEquals([told, queue.full, lines(queue).putters], [["4 > 5"], true, 0]);
  drained(queue);
  await clock.advance(100);
  assertEquals(told, ["4 > 5", "5 > 6"]);
  await Promise.all(puts);
});

Deno.test("132: that others resize it does not mean that there was no room", async () => {
  const { clock, queue, told } = adapting(4, { target: 1_000 }, 3);
  queue.resize(5);
  queue.getNowait();
  await clock.advance(100);
  assertEquals(told, []);
});

Deno.test("132: whoever waits with a heavy item has found no room, though it is not full", async () => {
  for (const [waiting, weight] of [[[5], 8], [[5, 9], 8], [[9], 3]] as const) {
    const clock = new ManualClock();
    const queue = filled(new Queue<number>({ maxSize: 10, weigh: (item) => item }), 3, 3);
    using adaptive = new AdaptiveCapacity(queue, {
      min: 9,
      max: 20,
      target: 1_000,
      increase: 1,
      clock,
    });
    const puts = waiting.map((item) => queue.put(item));
    await clock.advance(50);
    queue.getNowait();
    await clock.advance(50);
    assertEquals([queue.weight, adaptive.capacity], [weight, 11]);
    drained(queue);
    await Promise.all(puts);
  }
});

Deno.test("132: those who wait for room enter when it grows, oldest first", async () => {
  const { clock, queue } = adapting(2);
  const accepted: number[] = [];
  const puts = Array.from({ length: 500 }, async (_, n) => {
    await queue.put(n);
    accepted.push(n);
  });
  const got: number[] = [];
  while (got.length < 300) {
    await clock.advance(1);
    got.push(queue.getNowait());
  }
  await settled();
  assertEquals([queue.maxSize, queue.size], [5, 5]);
  assertEquals(accepted, [...Array(305).keys()]);
  assertEquals(got, [...Array(300).keys()]);
  queue.resize(0);
  await Promise.all(puts);
});

Deno.test("132: it follows a consumer that becomes ten times slower, and ten times faster again", async () => {
  const { clock, queue } = adapting(10, { target: 50, increase: 0.25 });
  const sizes: number[] = [];
  for (const [ms, count] of [[1, 3_000], [10, 400], [1, 3_000]] as const) {
    await busy(clock, queue, ms, count);
    sizes.push(queue.maxSize);
  }
  const [fast, slow, again] = sizes;
  assert(fast! >= 35 && fast! <= 65, String(sizes));
  assert(slow! >= 4 && slow! <= 10, String(sizes));
  assert(again! >= 35 && again! <= 65, String(sizes));
});

// ---- bounds ----

Deno.test("132: it stays within its bounds", async () => {
  const small = adapting(8, { min: 5, target: 1 });
  await busy(small.clock, small.queue, 10, 100);
  assertEquals([small.told, small.queue.maxSize], [["8 > 5"], 5]);
  const large = adapting(8, { max: 10, target: 1_000, increase: 7 });
  await busy(large.clock, large.queue, 1, 500);
  assertEquals([large.told, large.queue.maxSize], [["8 > 10"], 10]);
  // A queue of 1 that is full is empty for a moment with each that leaves; one of 2 is not.
  const one = adapting(1, { target: 1, max: 2 });
  await busy(one.clock, one.queue, 10, 51);
  assertEquals(one.told, ["1 > 2", "2 > 1", "1 > 2"]);
});

Deno.test("132: a queue that is out of the bounds is moved within them, and nobody is told", async () => {
  for (const [size, expected] of [[3, 5], [20, 10], [0, 10], [Infinity, 10], [7, 7]] as const) {
    const { queue, adaptive, told } = adapting(size, { min: 5, max: 10 });
    assertEquals([queue.maxSize, adaptive.capacity], [expected, expected]);
    await settled();
    assertEquals([told, adaptive.stats().increases, adaptive.stats().decreases], [[], 0, 0]);
  }
});

Deno.test("132: resized by others it goes on from there, within its bounds", async () => {
  const { clock, queue, told } = adapting(4, { max: 50 });
  await busy(clock, queue, 1, 101);
  queue.resize(20);
  await busy(clock, queue, 1, 100);
  drained(queue);
  queue.resize(0);
  await clock.advance(100);
  assertEquals(told, ["4 > 5", "20 > 21", "Infinity > 50"]);
});

Deno.test("132: queues of every order, and weights", async () => {
  for (const make of Object.values(kinds)) {
    const clock = new ManualClock();
    const queue = new make(40);
    using adaptive = new AdaptiveCapacity(queue, { max: 40, target: 100, increase: 1, clock });
    await busy(clock, queue, 10, 200);
    assert(adaptive.capacity >= 7 && adaptive.capacity <= 13, String(adaptive.capacity));
  }
  const clock = new ManualClock();
  const queue = new Queue<number>({ maxSize: 400, weigh: () => 10 });
  using adaptive = new AdaptiveCapacity(queue, {
    min: 10,
    max: 400,
    target: 100,
    increase: 1,
    clock,
  });
  await busy(clock, queue, 10, 200);
  // 100 ms are 10 items, which weigh 100.
  assert(adaptive.capacity >= 60 && adaptive.capacity <= 130, String(adaptive.capacity));
});

// ---- the timer ----

Deno.test("132: there is no timer before anything happens, and none when nothing has for an interval", async () => {
  const { clock, queue } = adapting(4);
  assertEquals(clock.timers, 0);
  queue.putNowait(1);
  assertEquals(clock.timers, 1);
  await clock.advance(100);
  assertEquals(clock.timers, 1);
  await clock.advance(100);
  assertEquals(clock.timers, 0);
  queue.getNowait();
  assertEquals(clock.timers, 1);
  await clock.advance(200);
  assertEquals(clock.timers, 0);
  // What is handed over directly was never queued.
  const taken = queue.get();
  queue.putNowait(2);
  assertEquals([await taken, clock.timers], [2, 0]);
});

Deno.test("132: a queue that has items when it is made is measured at once", async () => {
  const clock = new ManualClock();
  const queue = filled(new Queue<number>(10), ...Array(10).keys());
  using adaptive = new AdaptiveCapacity(queue, { max: 10, target: 50, clock });
  assertEquals(clock.timers, 1);
  await clock.advance(50);
  queue.getNowait();
  queue.putNowait(1);
  await clock.advance(50);
  assertEquals([adaptive.stats().wait, adaptive.capacity], [900, 7]);
});

Deno.test("132: a time in which the queue was empty and nothing happened does not count", async () => {
  const { clock, queue, adaptive } = adapting(10, { target: 1_000 });
  await busy(clock, queue, 10, 11);
  drained(queue);
  await clock.advance(1_000_000);
  await busy(clock, queue, 10, 11);
  assertEquals([adaptive.stats().throughput, clock.timers], [90, 1]);
});

Deno.test("132: a time in which items stood and nothing happened counts", async () => {
  const { clock, queue, adaptive, told } = adapting(10, { target: 1_000 }, 10);
  await clock.advance(60_000);
  assertEquals([told, clock.timers], [[], 0]);
  queue.getNowait();
  queue.getNowait();
  await clock.advance(100);
  assertEquals([told, adaptive.stats().wait], [["10 > 7"], 8 * 60_100 / 2]);
});

Deno.test("132: when the queue is shut down and drained no timer is left", async () => {
  for (const immediate of [true, false]) {
    const { clock, queue } = adapting(10);
    filled(queue, 1, 2);
    queue.shutdown({ immediate });
    assertEquals(clock.timers, immediate ? 0 : 1);
    drained(queue);
    assertEquals(clock.timers, 0);
    await clock.advance(1_000);
  }
});

Deno.test("132: a lease that is put back after that is measured anew, until it is gone", async () => {
  for (const late of [false, true]) {
    const { clock, queue, adaptive } = adapting(10, { target: 50, onResize: () => end() });
    const end = (): void => {
      queue.shutdown();
      drained(queue);
    };
    filled(queue, 1, 2);
    const lease = await queue.lease();
    if (late) await clock.advance(100);
    else end();
    assertEquals([clock.timers, queue.maxSize], [0, late ? 7 : 10]);
    await clock.advance(10_000);
    lease.requeue();
    assertEquals(clock.timers, 1);
    await clock.advance(100);
    assertEquals([adaptive.stats().wait, queue.size, clock.timers], [100, 0, 0]);
  }
});

Deno.test("132: without a clock it goes by that of the machine, and leaves no timer", async () => {
  using clock = fakeClock();
  const queue = new Queue<number>(10);
  using adaptive = new AdaptiveCapacity(queue, { max: 10, target: 10 });
  filled(queue, ...Array(10).keys());
  assertEquals(clock.timers, 1);
  await clock.tick(99);
  assertEquals(adaptive.capacity, 10);
  await clock.tick(1);
  assertEquals(adaptive.capacity, 7);
  adaptive[Symbol.dispose]();
  assertEquals(clock.timers, 0);
});

Deno.test("132: the interval is as given", async () => {
  const { clock, queue, told } = adapting(10, { interval: 1_000, target: 10 });
  filled(queue, ...Array(10).keys());
  await clock.advance(999);
  assertEquals(told, []);
  await clock.advance(1);
  assertEquals(told, ["10 > 7"]);
});

Deno.test("132: what is left after a decrease is as given, and always less", async () => {
  const half = adapting(10, { decrease: 0.5, target: 10 });
  filled(half.queue, ...Array(10).keys());
  await half.clock.advance(100);
  assertEquals(half.told, ["10 > 5"]);
  const hardly = adapting(10, { decrease: 0.999, target: 10 });
  filled(hardly.queue, ...Array(10).keys());
  await hardly.clock.advance(100);
  assertEquals(hardly.told, ["10 > 9"]);
});

// ---- whoever is told ----

Deno.test("132: whoever is told finds the queue resized, and may use it", async () => {
  const seen: number[] = [];
  const { clock, queue } = adapting(2, {
    onResize(capacity) {
      seen.push(capacity, queue.maxSize, queue.size);
      queue.getNowait();
      queue.resize(30);
      assertEquals(clock.timers, 1);
    },
  });
  const puts = [1, 2, 3, 4].map((n) => queue.put(n));
  await clock.advance(50);
  queue.getNowait();
  await clock.advance(50);
  assertEquals([seen, queue.size, queue.maxSize, clock.timers], [[3, 3, 3], 2, 30, 1]);
  await Promise.all(puts);
});

Deno.test("132: whoever is told may dispose it, or shut the queue down: no timer is left", async () => {
  for (const act of ["dispose", "shutdown"] as const) {
    const { clock, queue, adaptive } = adapting(10, {
      target: 10,
      onResize() {
        if (act === "dispose") adaptive[Symbol.dispose]();
        else queue.shutdown({ immediate: true });
      },
    });
    filled(queue, ...Array(10).keys());
    await clock.advance(100);
    assertEquals([queue.maxSize, clock.timers], [7, 0]);
    await clock.advance(1_000);
    assertEquals(queue.maxSize, 7);
  }
});

Deno.test("132: what it throws is an uncaught error, and it adapts on", async () => {
  using uncaught = catchUncaught();
  const thrown = new Error("mine");
  const { clock, queue, adaptive } = adapting(4, {
    onResize() {
      throw thrown;
    },
  });
  await busy(clock, queue, 1, 302);
  assertEquals([adaptive.capacity, uncaught.errors], [7, [thrown, thrown, thrown]]);
});

// ---- the end ----

Deno.test("132: disposed it adapts no more, and the queue stays as large as it is", async () => {
  const { clock, queue, adaptive, told } = adapting(40, {}, 40);
  await busy(clock, queue, 10, 11);
  adaptive[Symbol.dispose]();
  adaptive[Symbol.dispose]();
  assertEquals([clock.timers, queue.maxSize, queue.closed], [0, 28, false]);
  await busy(clock, queue, 10, 100);
  assertEquals([told, queue.maxSize, clock.timers], [["40 > 28"], 28, 0]);
});

Deno.test("132: the end of its parent disposes it, and disposing leaves the parent", async () => {
  const parent = withCancel(background());
  const { clock, queue } = adapting(40, { parent });
  filled(queue, 1, 2, 3);
  parent.cancel();
  await settled();
  assertEquals(clock.timers, 0);
  const late = adapting(40, { parent });
  filled(late.queue, 1);
  await settled();
  assertEquals(late.clock.timers, 0);
  const spied = spiedController();
  const other = adapting(40, { parent: spied.signal });
  assertEquals(spied.listeners, 1);
  other.adaptive[Symbol.dispose]();
  assertEquals(spied.listeners, 0);
});

Deno.test("132: it is kept by its queue alone, and disposed by nobody", async () => {
  const queue = new Queue<number>(10);
  const disposed = (): WeakRef<object> => {
    const adaptive = new AdaptiveCapacity(queue, { max: 10, target: 10 });
    adaptive[Symbol.dispose]();
    return new WeakRef(adaptive);
  };
  const dropped = (): WeakRef<object> =>
    new WeakRef(new AdaptiveCapacity(new Queue<number>(10), { max: 10, target: 10 }));
  assertEquals(await held([disposed(), dropped()]), 0);
  assertEquals(queue.size, 0);
});

Deno.test("R17: bad arguments are told by name and value, and change nothing", () => {
  const good = { max: 10, target: 10 };
  const bad: [unknown, ErrorConstructor, string][] = [
    [undefined, TypeError, "options"],
    [7, TypeError, "options"],
    [{ target: 10 }, TypeError, "max must be a number, not undefined"],
    [{ max: 10 }, TypeError, "target must be a number, not undefined"],
    [{ ...good, min: 0 }, RangeError, "min must be an integer of at least 1"],
    [{ ...good, min: 1.5 }, RangeError, "min must be an integer"],
    [{ ...good, min: 11 }, RangeError, "max must be at least min, 11: 10"],
    [{ ...good, max: Infinity }, RangeError, "max must be finite"],
    [{ ...good, target: 0 }, RangeError, "target must be more than 0, and finite: 0"],
    [{ ...good, target: Infinity }, RangeError, "target must be more than 0, and finite"],
    [{ ...good, target: NaN }, RangeError, "target must be a number, not NaN"],
    [{ ...good, interval: 0 }, RangeError, "interval must be more than 0, and finite"],
    [{ ...good, interval: "1" }, TypeError, "interval must be a number"],
    [
      { ...good, increase: 0 },
      RangeError,
      "increase must be an integer of at least 1, or a share: 0",
    ],
    [{ ...good, increase: 1.5 }, RangeError, "increase must be"],
    [{ ...good, increase: Infinity }, RangeError, "increase must be"],
    [{ ...good, decrease: 1 }, RangeError, "decrease must be more than 0 and less than 1: 1"],
    [{ ...good, decrease: 0 }, RangeError, "decrease must be"],
    [{ ...good, onResize: 1 }, TypeError, "onResize must be a function"],
    [{ ...good, parent: {} }, TypeError, "parent must be a context"],
    [{ ...good, clock: 7 }, TypeError, "clock must have the functions now and after"],
  ];
  const queue = new Queue<number>(20);
  for (const [options, kind, message] of bad) {
    assertThrows(() => new AdaptiveCapacity(queue, options as never), kind, message);
    assertEquals(queue.maxSize, 20);
  }
  for (const other of [undefined, null, {}, new Channel(3)]) {
    assertThrows(
      () => new AdaptiveCapacity(other as never, good),
      TypeError,
      "queue must be a Queue",
    );
  }
});

// ---- against a model ----

type Op =
  | { readonly op: "put" | "tryPut" | "get" | "clear" }
  | { readonly op: "advance"; readonly ms: number }
  | { readonly op: "resize"; readonly to: number };

const op = fc.oneof(
  { weight: 8, arbitrary: fc.record({ op: fc.constantFrom("put", "tryPut", "get", "get") }) },
  { weight: 1, arbitrary: fc.constant({ op: "clear" }) },
  { weight: 6, arbitrary: fc.record({ op: fc.constant("advance"), ms: fc.nat(60) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("advance"), ms: fc.nat(500) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("resize"), to: fc.nat(20) }) },
) as fc.Arbitrary<Op>;

const MIN = 2;
const MAX = 12;
const TARGET = 80;

/** Keeps all that has happened since it began to measure. */
class CapacityModel {
  now = 0;
  wait = 0;
  capacity: number;
  size = 0;
  line = 0;
  due: number | undefined;
  readonly changes: string[] = [];
  #since: number | undefined;
  #sizes: number[] = [];
  #fulls: boolean[] = [];
  #taken = 0;
  #events = 0;

  constructor(capacity: number) {
    this.capacity = bounded(capacity);
  }

  put(waits: boolean): boolean {
    if (this.size < this.capacity && this.line === 0) {
      this.size++;
      this.event(false);
      return true;
    }
    if (waits) this.line++;
    return false;
  }

  get(): boolean {
    if (this.size === 0) return false;
    this.size--;
    this.enter();
    this.event(true);
    return true;
  }

  resize(to: number): void {
    this.capacity = to === 0 ? Infinity : to;
    this.event(false);
    if (this.enter()) this.event(false);
  }

  enter(): boolean {
    const room = Math.max(0, Math.min(this.line, this.capacity - this.size));
    this.line -= room;
    this.size += room;
    return room > 0;
  }

  event(taken: boolean): void {
    if (this.#since === undefined) this.begin();
    this.#events++;
    if (taken) this.#taken++;
    this.sample();
    this.due ??= this.now + 100;
  }

  begin(): void {
    this.#since = this.now;
    this.#sizes = [];
    this.#fulls = [];
    this.#taken = 0;
    this.sample();
  }

  sample(): void {
    this.#sizes.push(this.size);
    this.#fulls.push(this.size >= this.capacity || this.line > 0);
  }

  advance(ms: number): void {
    const end = this.now + ms;
    while (this.due !== undefined && this.due <= end) {
      this.now = this.due;
      this.due = undefined;
      this.measure();
    }
    this.now = end;
  }

  measure(): void {
    if (this.#events === 0) {
      if (this.size === 0) this.#since = undefined;
      return;
    }
    this.#events = 0;
    this.due = this.now + 100;
    const least = Math.min(...this.#sizes);
    const elapsed = this.now - this.#since!;
    let wait = least > 0 ? elapsed : 0;
    if (this.#taken > 0) wait = elapsed * (least / this.#taken);
    else if (wait <= TARGET) return;
    this.wait = wait;
    const from = bounded(this.capacity);
    let to = from;
    if (wait <= TARGET && this.#fulls.includes(true)) to = bounded(from + 2);
    if (wait > TARGET && this.size <= from) to = bounded(Math.floor(from * 0.6));
    if (to !== this.capacity) {
      this.changes.push(`${this.capacity} > ${to}`);
      this.resize(to);
    }
    this.begin();
  }
}

function bounded(capacity: number): number {
  return Math.min(MAX, Math.max(MIN, capacity));
}

Deno.test("132: random programs agree with a model, and nothing is lost or reordered", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(20), fc.array(op, { maxLength: 80 }), async (size, program) => {
      const model = new CapacityModel(size === 0 ? Infinity : size);
      const { clock, queue, adaptive, told } = adapting(size, {
        min: MIN,
        max: MAX,
        target: TARGET,
        increase: 2,
        decrease: 0.6,
      });
      let next = 0;
      const accepted: number[] = [];
      const got: number[] = [];
      const puts: Promise<void>[] = [];
      const get = (): void => {
        const item = queue.tryGet();
        assertEquals(item !== undefined, model.get());
        if (item !== undefined) got.push(item.value);
      };
      for (const step of program) {
        if (step.op === "put") {
          const item = next++;
          puts.push(queue.put(item).then(() => void accepted.push(item)));
          model.put(true);
        } else if (step.op === "tryPut") {
          const item = next++;
          const could = queue.tryPut(item);
          assertEquals(could, model.put(false));
          if (could) accepted.push(item);
        } else if (step.op === "get") {
          get();
        } else if (step.op === "advance") {
          await clock.advance(step.ms);
          model.advance(step.ms);
        } else if (step.op === "resize") {
          queue.resize(step.to);
          model.resize(step.to);
        } else {
          while (!queue.empty) get();
        }
        assertEquals(
          [
            adaptive.capacity,
            queue.size,
            lines(queue).putters,
            clock.timers,
            adaptive.stats().wait,
          ],
          [model.capacity, model.size, model.line, model.due === undefined ? 0 : 1, model.wait],
        );
      }
      assertEquals(told, model.changes);
      await clock.advance(1_000);
      assertEquals(clock.timers, 0);
      adaptive[Symbol.dispose]();
      queue.resize(0);
      await Promise.all(puts);
      got.push(...drained(queue));
      assertEquals(got, got.toSorted((a, b) => a - b));
      assertEquals(got, accepted.toSorted((a, b) => a - b));
    }),
    { numRuns: RUNS },
  );
});
