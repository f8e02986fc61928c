/**
 * Queues that are resized while they are in use.
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
  assertThrows,
} from "@std/assert";
import {
  background,
  type CancelContext,
  LifoQueue,
  PriorityQueue,
  Queue,
  QueueShutDown,
  recv,
  select,
  send,
  sinkPort,
  type Wait,
  withCancel,
} from "../mod.ts";
import { catchUncaught } from "./support/uncaught.ts";
import { fakeClock } from "./support/clock.ts";
import { ForeignSelect, offering } from "./support/foreign_select.ts";
import { lines } from "./support/lines.ts";
import { drained, failure, filled, kinds, putters } from "./support/queues.ts";
import { settled, state } from "./support/settle.ts";

const RUNS = 300;
const weigh = (item: number): number => item;

/** How many of these have settled by themselves. */
async function settledOf(calls: readonly Promise<unknown>[]): Promise<number> {
  const states = await Promise.all(calls.map(state));
  return states.filter((state) => state !== "pending").length;
}

// ---- growing ----

Deno.test("152: with more room the puts that wait enter at once, oldest first", async () => {
  for (const [name, make] of Object.entries(kinds)) {
    for (const put of Object.values(putters)) {
      const queue = filled(new make(2), 8, 9);
      const waiting = [5, 4, 7, 6].map((item) => put(queue, item));
      await settled();
      queue.resize(4);
      assertEquals([queue.maxSize, queue.size, lines(queue).putters], [4, 4, 2], name);
      assertEquals([queue.unfinished, queue.full], [4, true]);
      assertEquals(await settledOf(waiting), 2);
      queue.resize(5);
      await waiting[2];
      assertEquals([await state(waiting[3]!), queue.size], ["pending", 5]);
      assertEquals(drained(queue).length, 6);
      await waiting[3];
    }
  }
});

Deno.test("152: what enters leaves in the order of its queue", async () => {
  const expected = { Queue: "8,9,5,4,7", LifoQueue: "7,4,5,9,8", PriorityQueue: "4,5,7,8,9" };
  for (const [name, make] of Object.entries(kinds)) {
    const queue = filled(new make(2), 8, 9);
    const waiting = [5, 4, 7].map((item) => queue.put(item));
    queue.resize(5);
    await Promise.all(waiting);
    assertEquals(drained(queue).join(), expected[name as keyof typeof expected]);
  }
});

Deno.test("152: nobody who comes after the resize is faster than those who waited", async () => {
  for (const make of Object.values(kinds)) {
    const queue = filled(new make(1), 1);
    const waiting = [2, 3, 4].map((item) => queue.put(item));
    queue.resize(3);
    assertFalse(queue.tryPut(5));
    const late = queue.put(6);
    queue.resize(4);
    assertEquals([await settledOf(waiting), await state(late)], [3, "pending"]);
    queue.resize(5);
    await late;
    assertEquals(drained(queue).toSorted().join(), "1,2,3,4,6");
  }
});

Deno.test("152: a put that was cancelled before does not enter, and its place goes to the next", async () => {
  const queue = filled(new Queue<number>(1), 1);
  using ctx = withCancel(background());
  const gone = queue.put(2, ctx);
  const waiting = queue.put(3);
  ctx.cancel("gone");
  queue.resize(2);
  assertEquals([await failure(gone), await state(waiting)], ["gone", "fulfilled"]);
  assertEquals(drained(queue), [1, 3]);
});

Deno.test("152: 0 or less and Infinity make it unbounded, and it can be bounded again", async () => {
  for (const make of Object.values(kinds)) {
    for (const unbounded of [0, -1, -Infinity, Infinity]) {
      const queue = filled(new make(1), 1);
      const waiting = [2, 3, 4].map((item) => queue.put(item));
      queue.resize(unbounded);
      assertEquals([queue.maxSize, queue.size, queue.full], [unbounded, 4, false]);
      await Promise.all(waiting);
      filled(queue, ...Array(100).keys());
      queue.resize(5);
      assertEquals([queue.maxSize, queue.size, queue.full], [5, 104, true]);
      assertFalse(queue.tryPut(0));
      while (queue.size > 4) queue.getNowait();
      assert(queue.tryPut(0));
    }
  }
});

Deno.test("152: a queue made unbounded can be bounded", async () => {
  const queue = filled(new Queue<number>(), 1, 2, 3);
  queue.resize(3);
  const waiting = queue.put(4);
  assertEquals([queue.full, await state(waiting)], [true, "pending"]);
  queue.getNowait();
  await waiting;
});

// ---- shrinking ----

Deno.test("152: with less room nothing is dropped, and it is full until enough has been taken out", async () => {
  for (const make of Object.values(kinds)) {
    const queue = filled(new make(5), 1, 2, 3, 4, 5);
    queue.resize(2);
    assertEquals([queue.size, queue.weight, queue.full, queue.unfinished], [5, 5, true, 5]);
    const waiting = queue.put(6);
    for (const size of [4, 3, 2]) {
      queue.getNowait();
      assertEquals([queue.size, queue.full, await state(waiting)], [size, true, "pending"]);
      assertFalse(queue.tryPut(7));
    }
    queue.getNowait();
    assertEquals([await state(waiting), queue.size, queue.unfinished], ["fulfilled", 2, 6]);
  }
});

Deno.test("152: a batch takes what is too much as well, and lets in as many as then fit", async () => {
  for (const make of Object.values(kinds)) {
    const queue = filled(new make(6), 1, 2, 3, 4, 5, 6);
    const waiting = [7, 8, 9].map((item) => queue.put(item));
    queue.resize(3);
    assertEquals((await queue.getBatch(5)).length, 5);
    assertEquals([queue.size, await settledOf(waiting)], [3, 2]);
  }
});

Deno.test("152: nobody enters when it shrinks and grows within what is queued", async () => {
  const queue = filled(new Queue<number>(4), 1, 2, 3, 4);
  const waiting = queue.put(5);
  for (const maxSize of [1, 3, 2, 4]) queue.resize(maxSize);
  assertEquals([await state(waiting), queue.size], ["pending", 4]);
  queue.resize(5);
  await waiting;
});

Deno.test("152: the same size again changes nothing", async () => {
  const queue = filled(new Queue<number>(2), 1, 2);
  const waiting = queue.put(3);
  queue.resize(2);
  assertEquals([await state(waiting), queue.size, lines(queue).putters], ["pending", 2, 1]);
});

Deno.test("152: leases and the accounts go on", async () => {
  const queue = filled(new Queue<number>(3), 1, 2, 3);
  const lease = await queue.lease();
  queue.resize(1);
  lease.requeue();
  assertEquals([queue.size, queue.unfinished, queue.full], [3, 3, true]);
  const joined = queue.join();
  assertEquals(drained(queue), [2, 3, 1]);
  queue.taskDone(3);
  await joined;
});

// ---- those who wait for items ----

Deno.test("152: getters that wait stay in line", async () => {
  for (const make of Object.values(kinds)) {
    const queue = new make(3);
    const waiting = [queue.get(), queue.get()];
    for (const maxSize of [1, 0, 5]) queue.resize(maxSize);
    assertEquals([await settledOf(waiting), lines(queue).takers], [0, 2]);
    filled(queue, 1, 2);
    assertEquals(await Promise.all(waiting), [1, 2]);
  }
});

Deno.test("152: a batch whose min is more than the new size commits when it is full", async () => {
  for (const make of Object.values(kinds)) {
    const queue = new make(10);
    const batch = queue.getBatch(10, { min: 6 });
    filled(queue, 1, 2, 3);
    assertEquals(await state(batch), "pending");
    queue.resize(4);
    assertEquals(await state(batch), "pending");
    queue.putNowait(4);
    assertEquals((await batch).length, 4);
    const next = queue.getBatch(4, { min: 4 });
    filled(queue, 1, 2, 3);
    queue.resize(2);
    assertEquals((await next).length, 3);
    await assertRejects(() => queue.getBatch(5, { min: 3 }), RangeError, "2");
  }
});

Deno.test("152: a batch that fills when the queue grows goes on filling, and its clock runs on", async () => {
  using clock = fakeClock();
  const queue = new Queue<number>(4);
  const batch = queue.getBatch(8, { min: 4, linger: 100 });
  filled(queue, 1, 2, 3);
  await clock.tick(50);
  queue.resize(8);
  assertEquals(await state(batch), "pending");
  await clock.tick(50);
  assertEquals([await batch, clock.timers], [[1, 2, 3], 0]);
});

Deno.test("152: a batch that could not fill for want of room does so when there is some", async () => {
  const queue = new Queue<number>({ maxSize: 4, weigh });
  const batch = queue.getBatch(8, { min: 3 });
  filled(queue, 1, 2);
  queue.resize(10);
  assertEquals(await state(batch), "pending");
  queue.putNowait(7);
  assertEquals(await batch, [1, 2, 7]);
});

// ---- selects ----

Deno.test("152: a select that waits to send enters in its turn, and once", async () => {
  for (const make of Object.values(kinds)) {
    const [queue, other] = [filled(new make(1), 1), filled(new make(1), 1)];
    const first = queue.put(2);
    const chosen = select({ here: send(queue, 3), there: send(other, 4) });
    const last = queue.put(5);
    queue.resize(2);
    assertEquals([await state(first), await state(chosen)], ["fulfilled", "pending"]);
    queue.resize(3);
    assertEquals([(await chosen).key, await state(last)], ["here", "pending"]);
    assertEquals([lines(other).putters, lines(queue).putters], [0, 1]);
    other.resize(5);
    queue.resize(0);
    await last;
    assertEquals([queue.size, other.size], [4, 1]);
  }
});

Deno.test("152: a select that waits for either end of one queue does not meet itself", async () => {
  const queue = filled(new Queue<number>({ maxSize: 2, weigh }), 2);
  const both = select({ sent: send(queue, 2), other: recv(new Queue<number>()) });
  queue.resize(1);
  assertEquals(await state(both), "pending");
  assertEquals(queue.getNowait(), 2);
  assertEquals([(await both).key, queue.weight], ["sent", 2]);
});

Deno.test("152: the selects of others are woken, as many as there is room for", async () => {
  const queue = filled(new Queue<number>(1), 1);
  const foreign = [2, 3, 4].map((item) => new ForeignSelect(offering(queue, item)));
  queue.resize(3);
  await settled();
  assertEquals([queue.size, lines(queue).putters], [3, 1]);
  assertEquals(foreign.map(({ decided }) => decided), [true, true, false]);
  assertEquals(drained(queue), [1, 2, 3, 4]);
});

// ---- weights ----

Deno.test("152: with weights, as many enter as fit, and a heavy one holds up those behind it", async () => {
  for (const make of Object.values(kinds)) {
    const queue = filled(new make({ maxSize: 10, weigh }), 10);
    const waiting = [4, 9, 1].map((item) => queue.put(item));
    queue.resize(15);
    assertEquals([queue.weight, await settledOf(waiting)], [14, 1]);
    queue.resize(23);
    assertEquals([queue.weight, await settledOf(waiting)], [23, 2]);
    queue.resize(24);
    assertEquals([queue.weight, await settledOf(waiting), queue.full], [24, 3, true]);
  }
});

Deno.test("152: a put that waits and has become heavier than maxSize enters when the queue is empty", async () => {
  for (const make of Object.values(kinds)) {
    for (const put of Object.values(putters)) {
      const queue = filled(new make({ maxSize: 10, weigh }), 4, 4);
      const heavy = put(queue, 9);
      const light = put(queue, 1);
      await settled();
      queue.resize(5);
      assertFalse(queue.tryPut(1));
      queue.getNowait();
      assertEquals([queue.weight, await state(heavy)], [4, "pending"]);
      queue.getNowait();
      assertEquals([queue.weight, await state(heavy), await state(light)], [
        9,
        "fulfilled",
        "pending",
      ]);
      assertEquals([queue.getNowait(), await state(light), queue.weight], [9, "fulfilled", 1]);
    }
  }
});

Deno.test("152: an item that comes later is weighed against the new size", async () => {
  const queue = new Queue<number>({ maxSize: 4, weigh });
  await assertRejects(() => queue.put(5), RangeError, "4");
  queue.resize(5);
  await queue.put(5);
  queue.resize(3);
  await assertRejects(() => queue.put(4), RangeError, "3");
  assertThrows(() => queue.tryPut(4), RangeError);
  assertEquals([queue.weight, queue.full], [5, true]);
});

// ---- shutdown ----

Deno.test("152: a queue that is shut down can be resized, and lets nobody in", async () => {
  for (const make of Object.values(kinds)) {
    const queue = filled(new make(2), 1, 2);
    const refused = failure(queue.put(3));
    queue.shutdown();
    queue.resize(10);
    assertInstanceOf(await refused, QueueShutDown);
    await assertRejects(() => queue.put(4), QueueShutDown);
    assertEquals([queue.size, queue.maxSize], [2, 10]);
    queue.resize(1);
    assertEquals(drained(queue).length, 2);
    await assertRejects(() => queue.get(), QueueShutDown);
  }
});

// ---- from within callbacks ----

Deno.test("152, 118: weigh may resize the queue, and what it weighs is held against the new size", async () => {
  let next = 5;
  const queue: Queue<number> = new Queue<number>({
    maxSize: 10,
    weigh(item) {
      queue.resize(next);
      return item;
    },
  });
  await queue.put(5);
  await assertRejects(() => queue.put(6), RangeError, "5");
  assertEquals([queue.maxSize, queue.weight], [5, 5]);
  next = 20;
  assert(queue.tryPut(12));
  assertEquals([queue.maxSize, queue.weight], [20, 17]);
});

Deno.test("152, 118: compare must not resize the queue whose items it compares", async () => {
  let resizing = false;
  const queue: PriorityQueue<number> = new PriorityQueue<number>({
    maxSize: 2,
    compare(a, b) {
      if (resizing) queue.resize(10);
      return a - b;
    },
  });
  filled(queue, 1);
  resizing = true;
  assertThrows(() => queue.putNowait(2), TypeError, "compare must not resize");
  await assertRejects(() => queue.put(2), TypeError, "compare must not resize");
  assertEquals([queue.maxSize, queue.size, queue.unfinished], [2, 1, 1]);
  resizing = false;
  filled(queue, 2);
  const waiting = failure(queue.put(3));
  resizing = true;
  queue.resize(Infinity);
  assertInstanceOf(await waiting, TypeError);
  assertEquals([queue.maxSize, queue.size], [Infinity, 2]);
});

Deno.test("152, 118: whoever is woken by a resize may resize again: the last one holds", async () => {
  const queue = filled(new Queue<number>(1), 1);
  const seen: number[] = [];
  const waiter = {
    wake(): boolean {
      seen.push(queue.maxSize);
      if (seen.length === 1) queue.resize(7);
      return false;
    },
  };
  queue[sinkPort].park(waiter);
  queue.resize(2);
  queue[sinkPort].unpark(waiter);
  assertEquals([seen[0], queue.maxSize], [2, 7]);
  filled(queue, 2, 3, 4, 5, 6, 7);
  assert(queue.full);
  await settled();
});

Deno.test("152: a comparator that throws when somebody is let in fails that put alone", async () => {
  let bad = false;
  const thrown = new Error("no order");
  const queue = new PriorityQueue<number>({
    maxSize: 2,
    compare(a, b) {
      if (bad && (a === 13 || b === 13)) throw thrown;
      return a - b;
    },
  });
  filled(queue, 5, 6);
  const [unlucky, lucky] = [failure(queue.put(13)), queue.put(7)];
  bad = true;
  queue.resize(4);
  assertEquals([await unlucky, await state(lucky), queue.unfinished], [thrown, "fulfilled", 3]);
  assertEquals(drained(queue), [5, 6, 7]);
});

// ---- arguments ----

Deno.test("152, R17: a size that is none is a TypeError or a RangeError, and changes nothing", async () => {
  const queue = filled(new Queue<number>(1), 1);
  const waiting = queue.put(2);
  for (const size of [undefined, null, "5", {}, 5n]) {
    assertThrows(() => queue.resize(size as never), TypeError, "maxSize must be a number");
  }
  for (const size of [1.5, -0.5, NaN]) {
    assertThrows(() => queue.resize(size), RangeError, "maxSize must be");
  }
  assertEquals([queue.maxSize, queue.size, await state(waiting)], [1, 1, "pending"]);
});

Deno.test("152: nothing that a resize does is an uncaught error", async () => {
  using uncaught = catchUncaught();
  const queue = filled(new Queue<number>(1), 1);
  using ctx = withCancel(background());
  const cancelled = failure(queue.put(2, ctx));
  void queue.put(3);
  queue.resize(2);
  ctx.cancel();
  queue.resize(0);
  await cancelled.catch(() => {});
  await settled();
  assertEquals([uncaught.errors.length, queue.size], [0, 3]);
});

// ---- against a model ----

type Kind = "fifo" | "lifo" | "priority";
type Op =
  | { readonly op: "put" | "send" | "tryPut"; readonly weight: number; readonly rank: number }
  | { readonly op: "get" | "recv" | "tryGet" | "rest" }
  | { readonly op: "batch"; readonly max: number; readonly min: number }
  | { readonly op: "cancel"; readonly which: number }
  | { readonly op: "resize"; readonly maxSize: number };

interface Item {
  readonly id: number;
  readonly weight: number;
  readonly rank: number;
}

interface Call {
  readonly item?: Item;
  readonly max?: number;
  readonly min?: number;
  outcome: string;
}

/** Puts and gets as lines of calls, and a list of items; nothing is fast, and nothing is clever. */
class ResizeModel {
  readonly items: Item[] = [];
  readonly putters: Call[] = [];
  readonly takers: Call[] = [];

  constructor(readonly kind: Kind, public capacity: number) {}

  get weight(): number {
    return this.items.reduce((sum, { weight }) => sum + weight, 0);
  }

  call(list: Call[], call: Omit<Call, "outcome">): Call {
    const waiting: Call = { ...call, outcome: "waits" };
    list.push(waiting);
    this.settle();
    return waiting;
  }

  leave(list: Call[], call: Call, outcome: string): void {
    list.splice(list.indexOf(call), 1);
    call.outcome = outcome;
  }

  cancel(call: Call): void {
    this.leave(this.putters.includes(call) ? this.putters : this.takers, call, "cancelled");
    this.settle();
  }

  settle(): void {
    do this.admit(); while (this.serve());
  }

  admit(): void {
    for (let head = this.putters[0]; head !== undefined; head = this.putters[0]) {
      const { item } = head;
      if (this.weight + item!.weight > this.capacity && this.items.length > 0) return;
      this.leave(this.putters, head, "put");
      this.items.push(item!);
    }
  }

  serve(): boolean {
    const head = this.takers[0];
    const count = this.items.length;
    if (head === undefined || count === 0) return false;
    if (head.max === undefined) {
      this.leave(this.takers, head, `got ${this.next().id}`);
      return true;
    }
    const stuck = this.weight >= this.capacity || this.putters.length > 0;
    if (count < head.min! && !stuck) return false;
    const ids: number[] = [];
    while (ids.length < head.max && this.items.length > 0) ids.push(this.next().id);
    this.leave(this.takers, head, `got ${ids}`);
    return true;
  }

  next(): Item {
    let at = this.kind === "lifo" ? this.items.length - 1 : 0;
    if (this.kind === "priority") {
      this.items.forEach(({ rank }, i) => at = rank < this.items[at]!.rank ? i : at);
    }
    const [item] = this.items.splice(at, 1);
    this.admit();
    return item!;
  }
}

const maxSize = fc.oneof(fc.integer({ min: 1, max: 8 }), fc.constantFrom(0, 20));
const op = fc.oneof(
  {
    weight: 7,
    arbitrary: fc.record({
      op: fc.constantFrom("put", "put", "send", "tryPut"),
      weight: fc.nat(5),
      rank: fc.nat(3),
    }),
  },
  { weight: 4, arbitrary: fc.record({ op: fc.constantFrom("get", "recv", "tryGet", "rest") }) },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant("batch"),
      max: fc.integer({ min: 1, max: 6 }),
      min: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("cancel"), which: fc.nat(20) }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("resize"), maxSize }) },
) as fc.Arbitrary<Op>;

const makes = {
  fifo: () => new Queue<Item>({ maxSize: 4, weigh: (item) => item.weight }),
  lifo: () => new LifoQueue<Item>({ maxSize: 4, weigh: (item) => item.weight }),
  priority: () =>
    new PriorityQueue<Item>({ maxSize: 4, weigh: (i) => i.weight, priority: (i) => i.rank }),
};

/** Runs a program on a queue and on the model, and compares what can be seen after each step. */
async function compare(kind: Kind, program: readonly Op[]): Promise<void> {
  const queue: Queue<Item> = makes[kind]();
  const model = new ResizeModel(kind, 4);
  const calls: { readonly seen: Call; readonly told: { outcome: string }; ctx: CancelContext }[] =
    [];
  const start = (
    list: Call[],
    call: Omit<Call, "outcome">,
    run: (wait: Wait) => Promise<string>,
  ) => {
    const ctx = withCancel(background());
    const told = { outcome: "waits" };
    run(ctx).then(
      (outcome) => told.outcome = outcome,
      (error) => told.outcome = error === ctx.cause ? "cancelled" : String(error),
    );
    calls.push({ seen: model.call(list, call), told, ctx });
  };
  let id = 0;
  for (const step of program) {
    if (step.op === "put" || step.op === "send" || step.op === "tryPut") {
      const item: Item = { id: id++, weight: step.weight, rank: step.rank };
      if (item.weight > model.capacity) {
        assertThrows(() => queue.tryPut(item), RangeError);
      } else if (step.op === "tryPut") {
        const call = model.call(model.putters, { item });
        assertEquals(queue.tryPut(item), call.outcome === "put");
        if (call.outcome === "waits") model.cancel(call);
      } else {
        const put = step.op === "put"
          ? (wait: Wait) => queue.put(item, wait)
          : (wait: Wait) => select({ sent: send(queue, item) }, wait);
        start(model.putters, { item }, (wait) => put(wait).then(() => "put"));
      }
    } else if (step.op === "get") {
      start(model.takers, {}, async (wait) => `got ${(await queue.get(wait)).id}`);
    } else if (step.op === "recv") {
      start(model.takers, {}, async (wait) => {
        return `got ${(await select({ item: recv(queue) }, wait)).value!.id}`;
      });
    } else if (step.op === "tryGet") {
      const call = model.call(model.takers, {});
      const got = queue.tryGet();
      assertEquals(got === undefined ? "waits" : `got ${got.value.id}`, call.outcome);
      if (call.outcome === "waits") model.cancel(call);
    } else if (step.op === "batch") {
      const min = Math.min(step.min, step.max);
      start(model.takers, { max: step.max, min }, async (wait) => {
        const items = await queue.getBatch(step.max, { ctx: wait as CancelContext, min });
        return `got ${items.map((item) => item.id)}`;
      });
    } else if (step.op === "cancel") {
      const waiting = calls.filter(({ seen }) => seen.outcome === "waits");
      const chosen = waiting[step.which % waiting.length];
      if (chosen !== undefined) {
        chosen.ctx.cancel();
        model.cancel(chosen.seen);
      }
    } else if (step.op === "resize") {
      queue.resize(step.maxSize);
      model.capacity = step.maxSize === 0 ? Infinity : step.maxSize;
      model.settle();
    } else {
      await settled();
      for (const { seen, told } of calls) assertEquals(told.outcome, seen.outcome);
    }
    assertEquals(
      [queue.size, queue.weight, lines(queue).putters, lines(queue).takers],
      [model.items.length, model.weight, model.putters.length, model.takers.length],
    );
  }
  await settled();
  for (const { seen, told } of calls) assertEquals(told.outcome, seen.outcome);
  const accepted = calls.filter(({ seen }) => seen.outcome === "put").length;
  assert(queue.unfinished >= accepted);
  queue.shutdown({ immediate: true });
  await settled();
}

Deno.test("152: random programs with resizes agree with a model", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom<Kind>("fifo", "lifo", "priority"),
      fc.array(op, { maxLength: 50 }),
      compare,
    ),
    { numRuns: RUNS },
  );
});
