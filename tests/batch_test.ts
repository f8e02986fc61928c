/**
 * Batches: `getBatch` of queues and `receiveMany` of channels, which are one thing.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  background,
  type BatchOptions,
  type Cancel,
  Channel,
  ClosedError,
  DeadlineExceededError,
  otherwise,
  PriorityQueue,
  Queue,
  QueueShutDown,
  recv,
  select,
  send,
  sourcePort,
  trySelect,
  withCancel,
} from "../mod.ts";
import type { Source } from "../mod.ts";
import { fakeClock } from "./support/clock.ts";
import { lines } from "./support/lines.ts";
import { failure, filled, kinds } from "./support/queues.ts";
import { settled, state } from "./support/settle.ts";

const nobody = { takers: 0, putters: 0 };

/** What batches see of a queue and of a channel. */
interface Subject {
  readonly of: Source<number>;
  batch(max: number, wait?: Cancel | BatchOptions): Promise<number[]>;
  put(item: number, wait?: Cancel): Promise<void>;
  tryPut(item: number): boolean;
  take(wait?: Cancel): Promise<number>;
  /** undefined: nothing now. */
  tryTake(): number | undefined;
  close(): void;
  readonly size: number;
}

/** With room for so many. 0 is an unbuffered channel, and an unbounded queue. */
const subjects: Readonly<Record<string, (room: number) => Subject>> = {
  "Queue.getBatch": (room) => {
    const queue = new Queue<number>(room);
    return {
      of: queue,
      batch: (max, wait) => queue.getBatch(max, wait),
      put: (item, wait) => queue.put(item, wait),
      tryPut: (item) => queue.tryPut(item),
      take: (wait) => queue.get(wait),
      tryTake: () => queue.tryGet()?.value,
      close: () => queue.shutdown(),
      get size() {
        return queue.size;
      },
    };
  },
  "Channel.receiveMany": (room) => {
    const channel = new Channel<number>(room);
    return {
      of: channel,
      batch: (max, wait) => channel.receiveMany(max, wait),
      put: (item, wait) => channel.send(item, wait),
      tryPut: (item) => channel.trySend(item),
      take: (wait) => channel.take(wait),
      tryTake: () => channel.tryReceive()?.value,
      close: () => channel.close(),
      get size() {
        return channel.length;
      },
    };
  },
};

/** A test for each of them. */
function each(name: string, test: (make: (room: number) => Subject) => void | Promise<void>): void {
  for (const [of, make] of Object.entries(subjects)) Deno.test(`${name} (${of})`, () => test(make));
}

function offer(subject: Subject, ...items: number[]): void {
  for (const item of items) assert(subject.tryPut(item), `no room for ${item}`);
}

// ---- what is there ----

each(
  "27: a batch gives what is there, at most max, in order, and never waits for more",
  async (make) => {
    for (const max of [1, 2, 3, 4, Infinity]) {
      const subject = make(5);
      offer(subject, 1, 2, 3);
      const batch = subject.batch(max);
      // Taken at once, and not when the caller goes on.
      assertEquals(subject.size, Math.max(0, 3 - max));
      assertEquals(await batch, [1, 2, 3].slice(0, max));
      assertEquals(lines(subject.of), nobody);
    }
  },
);

each("27: where nothing is there it waits for the first item only", async (make) => {
  const subject = make(5);
  const batch = subject.batch(3);
  assertEquals(await state(batch), "pending");
  offer(subject, 1);
  offer(subject, 2);
  assertEquals([await batch, subject.size], [[1], 1]);
});

each("27: batches that wait are served in the order in which they came", async (make) => {
  const subject = make(5);
  const batches = [subject.batch(2), subject.batch(2), subject.batch(2)];
  const single = subject.take();
  offer(subject, 1, 2, 3, 4, 5);
  assertEquals(await Promise.all(batches), [[1], [2], [3]]);
  assertEquals([await single, subject.size], [4, 1]);
});

each("27: each place that becomes free lets one putter in", async (make) => {
  const subject = make(3);
  offer(subject, 1, 2, 3);
  const parked = [4, 5, 6, 7, 8].map((n) => subject.put(n));
  assertEquals(await subject.batch(2), [1, 2]);
  assertEquals(await Promise.all(parked.map(state)), [
    "fulfilled",
    "fulfilled",
    "pending",
    "pending",
    "pending",
  ]);
  assertEquals([subject.size, lines(subject.of).putters], [3, 3]);
});

each("R30: putters that move in during the commit are taken too, up to max", async (make) => {
  for (const wait of [undefined, { min: 2 }, { linger: 1_000 }]) {
    const subject = make(2);
    offer(subject, 1, 2);
    const parked = [3, 4, 5, 6, 7].map((n) => subject.put(n));
    assertEquals(await subject.batch(4, wait), [1, 2, 3, 4]);
    assertEquals([subject.size, lines(subject.of).putters], [2, 1]);
    assertEquals(await subject.batch(9, wait), [5, 6, 7]);
    await Promise.all(parked);
  }
});

each("27: items are given as they are, promises too", async (make) => {
  const subject = make(3);
  const promise = Promise.resolve(1);
  offer(subject, promise as unknown as number, undefined as unknown as number);
  const items = await subject.batch(2);
  assertStrictEquals<unknown>(items[0], promise);
  assertStrictEquals(items[1], undefined);
});

Deno.test("27: a batch takes in the order of its queue", async () => {
  const orders = { Queue: [3, 1, 2], LifoQueue: [2, 1, 3], PriorityQueue: [1, 2, 3] };
  for (const [name, order] of Object.entries(orders)) {
    assertEquals(await filled(new kinds[name]!(), 3, 1, 2).getBatch(2), order.slice(0, 2));
    const queue = new kinds[name]!();
    const filling = queue.getBatch(3, { min: 3 });
    filled(queue, 3, 1, 2);
    assertEquals([await filling, queue.unfinished], [order, 3]);
  }
});

Deno.test("27, R30: putters that enter during the commit are taken by the order of the queue", async () => {
  // A LIFO queue gives who has just entered, a priority queue the smallest of those that are in.
  const orders = { Queue: [5, 3, 4, 2], LifoQueue: [3, 4, 2, 1], PriorityQueue: [3, 4, 2, 1] };
  for (const [name, order] of Object.entries(orders)) {
    const queue = filled(new kinds[name]!(2), 5, 3);
    const parked = [4, 2, 1].map((item) => queue.put(item));
    assertEquals(await queue.getBatch(4), order, name);
    await Promise.all(parked);
    assertEquals([queue.size, queue.unfinished, lines(queue)], [1, 5, nobody]);
  }
});

each(
  "27: a batch that is cancelled while putters wait lets in nobody, and robs nobody",
  async (make) => {
    const subject = make(2);
    offer(subject, 1, 2);
    const parked = subject.put(3);
    const { signal } = new AbortController();
    assertEquals(await failure(subject.batch(3, AbortSignal.abort("ended"))), "ended");
    assertEquals([subject.size, lines(subject.of).putters], [2, 1]);
    assertEquals(await subject.batch(3, signal), [1, 2, 3]);
    await parked;
  },
);

each("27: nobody gets an item of a batch that is cancelled with those behind it", async (make) => {
  const subject = make(9);
  const ctx = withCancel(background());
  const ending = [
    failure(subject.batch(5, { min: 4, ctx })),
    failure(subject.take(ctx)),
    failure(subject.batch(2, ctx)),
    failure(select({ item: recv(subject.of) }, ctx)),
  ];
  const last = subject.take();
  offer(subject, 1, 2, 3);
  ctx.cancel("enough");
  assertEquals(subject.size, 2);
  assertEquals(await Promise.all(ending), Array(4).fill("enough"));
  assertEquals([await last, await subject.batch(9)], [1, [2, 3]]);
});

Deno.test("27, R6: leases and iterators wait behind a batch that fills, too", async () => {
  const queue = new Queue<number>();
  const batch = queue.getBatch(2, { min: 2 });
  const lease = queue.lease();
  const next = queue[Symbol.asyncIterator]().next();
  filled(queue, 1);
  assertEquals([await state(lease), await state(next), queue.size], ["pending", "pending", 1]);
  filled(queue, 2, 3, 4);
  assertEquals(await batch, [1, 2]);
  assertEquals([(await lease).value, (await next).value], [3, 4]);
});

// ---- min ----

each("R6: with min and without linger it waits for so many, without limit", async (make) => {
  using clock = fakeClock();
  const subject = make(9);
  const batch = subject.batch(5, { min: 3 });
  offer(subject, 1, 2);
  await clock.tick(2 ** 40);
  assertEquals([await state(batch), subject.size, clock.timers], ["pending", 2, 0]);
  offer(subject, 3);
  assertEquals(subject.size, 0);
  assertEquals(await batch, [1, 2, 3]);
});

each("R6: where min are there already it does not wait, and takes up to max", async (make) => {
  for (const [max, min, count] of [[5, 3, 3], [5, 3, 4], [3, 3, 3], [2, 1, 2]] as const) {
    const subject = make(9);
    offer(subject, 1, 2, 3, 4);
    const expected = [1, 2, 3, 4].slice(0, Math.max(count, Math.min(4, max)));
    assertEquals(await subject.batch(max, { min }), expected);
  }
});

each("R6, 27: items stay where they are until the batch commits", async (make) => {
  for (const wait of [{ min: 3 }, { linger: Infinity }]) {
    const subject = make(9);
    const batch = subject.batch(3, wait);
    offer(subject, 1);
    offer(subject, 2);
    assertEquals([subject.size, await state(batch)], [2, "pending"]);
    offer(subject, 3);
    assertEquals([subject.size, await batch], [0, [1, 2, 3]]);
  }
});

each("R6: while it fills it is the head of the line: nobody gets what is there", async (make) => {
  for (const wait of [{ min: 3 }, { linger: Infinity }, { min: 2, linger: Infinity }]) {
    const subject = make(9);
    const batch = subject.batch(3, wait);
    offer(subject, 1);
    assertEquals([subject.size, subject.tryTake()], [1, undefined]);
    assertStrictEquals(trySelect({ item: recv(subject.of) }), undefined);
    assertStrictEquals(subject.of[sourcePort].tryTake(), undefined);
    const idle = await select({ item: recv(subject.of), idle: otherwise });
    assertEquals(idle.key, "idle");
    const behind = [
      subject.take(),
      select({ item: recv(subject.of) }).then(({ value }) => value),
      subject.batch(2).then(([item]) => item),
    ];
    assertEquals(await Promise.all(behind.map(state)), ["pending", "pending", "pending"]);
    offer(subject, 2);
    if (wait.min !== 2) offer(subject, 3);
    offer(subject, 4, 5, 6);
    assertEquals(await batch, wait.min === 2 ? [1, 2] : [1, 2, 3]);
    assertEquals(await Promise.all(behind), [4, 5, 6]);
    assertEquals(lines(subject.of), nobody);
  }
});

Deno.test("R6: getNowait finds nothing while a batch fills, though size is not 0", async () => {
  const queue = new Queue<number>();
  const batch = queue.getBatch(2, { min: 2 });
  queue.putNowait(1);
  assertEquals(queue.size, 1);
  assertThrows(() => queue.getNowait());
  queue.putNowait(2);
  assertEquals(await batch, [1, 2]);
});

each("R6: a batch that has to fill waits behind those who came before", async (make) => {
  const subject = make(9);
  const first = subject.take();
  const batch = subject.batch(2, { min: 2 });
  const second = subject.batch(2, { min: 2 });
  offer(subject, 1, 2, 3);
  assertEquals([await first, await batch, await state(second)], [1, [2, 3], "pending"]);
  offer(subject, 4, 5);
  assertEquals(await second, [4, 5]);
});

each("R6: what is left over by a batch goes to those behind it", async (make) => {
  using clock = fakeClock();
  const subject = make(9);
  const batch = subject.batch(2, { min: 2, linger: 10 });
  const behind = subject.take();
  offer(subject, 1);
  await clock.tick(10);
  assertEquals([await batch, await state(behind)], [[1], "pending"]);
  offer(subject, 2);
  assertEquals(await behind, 2);
});

// ---- linger ----

each("R6: linger begins with the first item, and then gives what is there", async (make) => {
  using clock = fakeClock();
  const subject = make(9);
  const batch = subject.batch(5, { linger: 10 });
  await clock.tick(100);
  assertEquals([await state(batch), clock.timers], ["pending", 0]);
  offer(subject, 1);
  await clock.tick(6);
  offer(subject, 2);
  await clock.tick(3);
  assertEquals([await state(batch), subject.size], ["pending", 2]);
  await clock.tick(1);
  assertEquals([await batch, subject.size, clock.timers], [[1, 2], 0, 0]);
});

each("R6: it begins at once where something is there already", async (make) => {
  using clock = fakeClock();
  const subject = make(9);
  offer(subject, 1);
  const batch = subject.batch(5, { linger: 10 });
  await clock.tick(9);
  assertEquals(await state(batch), "pending");
  await clock.tick(1);
  assertEquals(await batch, [1]);
});

each("R30: linger without min aims at max", async (make) => {
  using clock = fakeClock();
  const subject = make(9);
  const batch = subject.batch(3, { linger: 10 });
  offer(subject, 1, 2);
  assertEquals([await state(batch), clock.timers], ["pending", 1]);
  offer(subject, 3, 4);
  assertEquals([await batch, subject.size, clock.timers], [[1, 2, 3], 1, 0]);
});

each(
  "R6: with min and linger it is min that it waits for, or the end of its time",
  async (make) => {
    using clock = fakeClock();
    const early = make(9);
    const enough = early.batch(5, { min: 2, linger: 10 });
    offer(early, 1, 2);
    assertEquals([await enough, clock.timers], [[1, 2], 0]);

    const late = make(9);
    const few = late.batch(5, { min: 3, linger: 10 });
    offer(late, 1, 2);
    await clock.tick(9);
    assertEquals(await state(few), "pending");
    await clock.tick(1);
    assertEquals(await few, [1, 2]);
  },
);

each("R6: linger 0 takes what is there when the first item has come", async (make) => {
  for (const wait of [{ linger: 0 }, { min: 3, linger: 0 }]) {
    using clock = fakeClock();
    const subject = make(9);
    offer(subject, 1, 2);
    assertEquals(await subject.batch(5, wait), [1, 2]);
    const batch = subject.batch(5, wait);
    offer(subject, 3);
    assertEquals([await batch, clock.timers], [[3], 0]);
  }
});

each("R6: the time of a batch that waits in line begins when it is the head", async (make) => {
  using clock = fakeClock();
  const subject = make(9);
  const ctx = withCancel(background());
  const first = failure(subject.batch(3, { min: 3, ctx }));
  const second = subject.batch(3, { linger: 10 });
  offer(subject, 1);
  await clock.tick(50);
  assertEquals([await state(second), clock.timers], ["pending", 0]);
  ctx.cancel("enough");
  assertEquals(await first, "enough");
  await clock.tick(9);
  assertEquals(await state(second), "pending");
  await clock.tick(1);
  assertEquals(await second, [1]);
});

each("R6, 72: a linger beyond what timers hold is waited for in full", async (make) => {
  using clock = fakeClock();
  const subject = make(9);
  const linger = 2 ** 31 + 5;
  offer(subject, 1);
  const batch = subject.batch(2, { linger });
  await clock.tick(linger - 1);
  assertEquals(await state(batch), "pending");
  await clock.tick(1);
  assertEquals(await batch, [1]);
});

// ---- full ----

each("R30: when no more can enter it commits at once, also with fewer than min", async (make) => {
  using clock = fakeClock();
  const subject = make(2);
  const batch = subject.batch(5, { linger: 1_000 });
  offer(subject, 1);
  assertEquals(await state(batch), "pending");
  offer(subject, 2);
  assertEquals([await batch, clock.timers], [[1, 2], 0]);
  const parking = make(2);
  offer(parking, 1, 2);
  const put = parking.put(3);
  assertEquals(await parking.batch(5, { linger: Infinity }), [1, 2, 3]);
  await put;
});

// ---- cancellation ----

each("27: a cancelled batch loses nothing and changes no order", async (make) => {
  for (const wait of [{ min: 3 }, { linger: 1_000 }, { min: 3, linger: 1_000 }]) {
    using clock = fakeClock();
    const subject = make(9);
    const ctx = withCancel(background());
    const batch = failure(subject.batch(3, { ...wait, ctx }));
    offer(subject, 1, 2);
    await clock.tick(10);
    ctx.cancel("enough");
    assertEquals([subject.size, lines(subject.of), clock.timers], [2, nobody, 0]);
    assertEquals(await batch, "enough");
    offer(subject, 3);
    assertEquals(await subject.batch(9), [1, 2, 3]);
  }
});

each(
  "27: so it is with a signal, and with a timeout that comes during the linger",
  async (make) => {
    using clock = fakeClock();
    const subject = make(9);
    const controller = new AbortController();
    const aborted = failure(subject.batch(3, { linger: 100, signal: controller.signal }));
    const late = failure(subject.batch(3, { linger: 100, timeout: 20 }));
    offer(subject, 1);
    controller.abort("aborted");
    assertEquals(await aborted, "aborted");
    await clock.tick(20);
    assertInstanceOf(await late, DeadlineExceededError);
    assertEquals([subject.size, lines(subject.of), clock.timers], [1, nobody, 0]);
    assertEquals(await subject.take(), 1);
  },
);

each("27, 1: those behind a cancelled batch are served at once, in their order", async (make) => {
  const subject = make(9);
  const ctx = withCancel(background());
  const batch = failure(subject.batch(5, { min: 4, ctx }));
  const behind = [subject.take(), subject.take()];
  const later = subject.batch(2, { min: 2 });
  offer(subject, 1, 2, 3);
  ctx.cancel("enough");
  assertEquals([subject.size, lines(subject.of).takers], [1, 1]);
  assertEquals([await batch, ...await Promise.all(behind)], ["enough", 1, 2]);
  offer(subject, 4);
  assertEquals(await later, [3, 4]);
});

each("4: a cancel after the commit comes too late", async (make) => {
  for (const wait of [{}, { min: 2 }, { linger: 1_000 }]) {
    using clock = fakeClock();
    const subject = make(9);
    const ctx = withCancel(background());
    const batch = subject.batch(2, { ...wait, ctx });
    offer(subject, 1, 2);
    ctx.cancel("enough");
    const items = await batch;
    assertEquals(items.concat(await subjectRest(subject)), [1, 2]);
    assertEquals([lines(subject.of), clock.timers], [nobody, 0]);
  }
});

each(
  "70: a batch and a timeout that end together: one or the other, and nothing is lost",
  async (make) => {
    for (const [linger, timeout] of [[10, 10], [10, 11], [11, 10]] as const) {
      using clock = fakeClock();
      const subject = make(9);
      offer(subject, 1);
      const outcome = subject.batch(3, { linger, timeout }).then((items) => items, () => []);
      await clock.tick(20);
      const items = await outcome;
      if (linger < timeout) assertEquals(items, [1]);
      if (linger > timeout) assertEquals(items, []);
      assertEquals([items.length + subject.size, clock.timers], [1, 0]);
    }
  },
);

each(
  "R1: with a timeout of 0 a batch that is ready is given, and one that has to fill fails",
  async (make) => {
    const subject = make(9);
    offer(subject, 1);
    for (const wait of [{ min: 2 }, { linger: 5 }]) {
      const error = await failure(subject.batch(2, { ...wait, timeout: 0 }));
      assertInstanceOf(error, DeadlineExceededError);
    }
    assertEquals([subject.size, lines(subject.of)], [1, nobody]);
    assertEquals(await subject.batch(2, { timeout: 0 }), [1]);
  },
);

each("R18: a batch whose context has ended takes nothing, whatever else is wrong", async (make) => {
  const subject = make(9);
  offer(subject, 1);
  const signal = AbortSignal.abort("aborted");
  assertEquals(await failure(subject.batch(2, signal)), "aborted");
  assertEquals(await failure(subject.batch(2, { signal, linger: 5 })), "aborted");
  assertEquals(await failure(subject.batch(0, signal)), "aborted");
  assertEquals(await failure(subject.batch(2, { signal, min: 3 })), "aborted");
  subject.close();
  assertEquals(await failure(subject.batch(2, { signal })), "aborted");
  assertEquals(subject.size, 1);
});

// ---- closing ----

each("R6: at the end a batch that fills takes what is there", async (make) => {
  for (const wait of [{ min: 4 }, { linger: 1_000 }, { min: 4, linger: 1_000 }]) {
    using clock = fakeClock();
    const subject = make(9);
    const batch = subject.batch(5, wait);
    const behind = subject.batch(5, wait);
    offer(subject, 1, 2);
    await settled();
    subject.close();
    assertEquals([subject.size, lines(subject.of), clock.timers], [0, nobody, 0]);
    assertEquals(await batch, [1, 2]);
    await behind.catch(() => {});
  }
});

each(
  "R6: after the end a batch takes what is there, at most max, and waits for nothing",
  async (make) => {
    using clock = fakeClock();
    const subject = make(9);
    offer(subject, 1, 2, 3);
    subject.close();
    assertEquals(await subject.batch(2, { min: 2, linger: 1_000 }), [1, 2]);
    assertEquals(await subject.batch(9, { min: 9 }), [3]);
    assertEquals(clock.timers, 0);
  },
);

Deno.test("R6, 27: at the end, nothing being there, getBatch rejects and receiveMany gives []", async () => {
  for (const wait of [undefined, { min: 2 }, { linger: 5 }]) {
    const queue = new Queue<number>();
    const rejected = failure(queue.getBatch(2, wait));
    queue.shutdown();
    assertInstanceOf(await rejected, QueueShutDown);
    assertInstanceOf(await failure(queue.getBatch(2, wait)), QueueShutDown);

    for (const capacity of [0, 3]) {
      const channel = new Channel<number>(capacity);
      const empty = channel.receiveMany(2, wait);
      channel.close();
      assertEquals([await empty, await channel.receiveMany(2, wait)], [[], []]);
    }
  }
});

Deno.test("R22, R6: after close(error) a batch takes what is there, and then rejects with it", async () => {
  const error = new Error("disk full");
  for (const capacity of [0, 3]) {
    const channel = new Channel<number>(capacity);
    const first = channel.receiveMany(3, { min: 3 });
    const second = failure(channel.receiveMany(3));
    if (capacity > 0) {
      channel.trySend(1);
      channel.trySend(2);
    }
    const outcome = capacity > 0 ? first : failure(first);
    channel.close(error);
    assertEquals(await outcome, capacity > 0 ? [1, 2] : error);
    assertStrictEquals(await second, error);
    assertStrictEquals(await failure(channel.receiveMany(3)), error);
  }
});

Deno.test("R6, 23: an immediate shutdown drops what a batch waited with, and the batch rejects", async () => {
  using clock = fakeClock();
  for (const wait of [{ min: 4 }, { linger: 1_000 }]) {
    const queue = new Queue<number>();
    const batches = [queue.getBatch(5, wait), queue.getBatch(5, wait)].map(failure);
    filled(queue, 1, 2);
    queue.shutdown({ immediate: true });
    for (const batch of batches) assertInstanceOf(await batch, QueueShutDown);
    assertEquals([queue.size, queue.unfinished, lines(queue), clock.timers], [0, 0, nobody, 0]);
  }
});

Deno.test("R6, R5: a requeued item counts for a batch that fills", async () => {
  const queue = filled(new Queue<number>(), 1);
  const lease = await queue.lease();
  const batch = queue.getBatch(2, { min: 2 });
  queue.putNowait(2);
  assert(lease.requeue());
  assertEquals([await batch, queue.unfinished], [[2, 1], 2]);
});

// ---- unbuffered ----

Deno.test("27: from an unbuffered channel a batch takes what its parked senders have", async () => {
  const channel = new Channel<number>();
  const sends = [1, 2, 3].map((n) => channel.send(n));
  assertEquals(await channel.receiveMany(2), [1, 2]);
  assertEquals(await Promise.all(sends.map(state)), ["fulfilled", "fulfilled", "pending"]);
  assertEquals([await channel.receiveMany(2), channel.length], [[3], 0]);
  const batch = channel.receiveMany(2);
  assert(channel.trySend(4));
  assertEquals([await batch, channel.trySend(5)], [[4], false]);
});

Deno.test("R6, R30: unbuffered, parked senders count, and stay parked until the commit", async () => {
  const channel = new Channel<number>();
  const batch = channel.receiveMany(5, { min: 3 });
  const sends = [channel.send(1), channel.send(2)];
  assertEquals(await Promise.all([batch, ...sends].map(state)), ["pending", "pending", "pending"]);
  assertEquals([channel.length, channel.tryReceive(), lines(channel)], [
    0,
    undefined,
    { takers: 1, putters: 2 },
  ]);
  sends.push(channel.send(3));
  assertEquals(await batch, [1, 2, 3]);
  await Promise.all(sends);
  assertEquals(lines(channel), nobody);
});

Deno.test("R30: unbuffered, a send that does not wait completes a batch that lacks but one", async () => {
  const channel = new Channel<number>();
  const batch = channel.receiveMany(2, { min: 2 });
  assertFalse(channel.trySend(1));
  assertEquals([await state(batch), lines(channel)], ["pending", { takers: 1, putters: 0 }]);
  const sent = channel.send(2);
  assert(channel.trySend(3));
  assertEquals([await batch, await state(sent)], [[2, 3], "fulfilled"]);
});

Deno.test("R30: unbuffered, a send that does not wait leaves no clock behind", async () => {
  using clock = fakeClock();
  const channel = new Channel<number>();
  const batch = channel.receiveMany(2, { linger: 10 });
  assertFalse(channel.trySend(1));
  assertEquals([clock.timers, lines(channel).putters], [0, 0]);
  const sent = channel.send(2);
  await clock.tick(10);
  assertEquals([await batch, await state(sent)], [[2], "fulfilled"]);
});

Deno.test("R30: unbuffered, a cancelled send counts no more", async () => {
  const channel = new Channel<number>();
  const ctx = withCancel(background());
  const batch = channel.receiveMany(2, { min: 2 });
  const cancelled = failure(channel.send(1, ctx));
  ctx.cancel("enough");
  const sends = [channel.send(2)];
  assertEquals([await cancelled, await state(batch)], ["enough", "pending"]);
  sends.push(channel.send(3));
  assertEquals(await batch, [2, 3]);
  await Promise.all(sends);
});

Deno.test("R30: the clock starts anew when the only item goes away", async () => {
  using clock = fakeClock();
  const channel = new Channel<number>();
  const ctx = withCancel(background());
  const batch = channel.receiveMany(2, { linger: 10 });
  const cancelled = failure(channel.send(1, ctx));
  await clock.tick(6);
  ctx.cancel("enough");
  assertEquals([await cancelled, clock.timers], ["enough", 0]);
  await clock.tick(1);
  const sent = channel.send(2);
  await clock.tick(9);
  assertEquals(await state(batch), "pending");
  await clock.tick(1);
  assertEquals(await batch, [2]);
  await sent;
});

Deno.test("R30: it goes on while another is there", async () => {
  using clock = fakeClock();
  const channel = new Channel<number>();
  const ctx = withCancel(background());
  const batch = channel.receiveMany(3, { linger: 10 });
  const cancelled = failure(channel.send(1, ctx));
  await clock.tick(5);
  const sent = channel.send(2);
  ctx.cancel("enough");
  assertEquals(await cancelled, "enough");
  await clock.tick(5);
  assertEquals(await batch, [2]);
  await sent;
});

Deno.test("R30: unbuffered, closing refuses the senders, and the batch is []", async () => {
  for (const wait of [{ min: 4 }, { linger: 1_000 }, { min: 4, linger: 1_000 }]) {
    using clock = fakeClock();
    const channel = new Channel<number>();
    const batch = channel.receiveMany(4, wait);
    const refused = [channel.send(1), select({ sent: send(channel, 2) }), channel.send(3)]
      .map((sent) => failure(sent));
    channel.close();
    assertEquals([await batch, lines(channel), clock.timers], [[], nobody, 0]);
    for (const [at, error] of (await Promise.all(refused)).entries()) {
      assertInstanceOf(error, ClosedError);
      assertEquals(error.value, at + 1);
    }
  }
});

Deno.test("R30: at capacity 0 and with weigh only max bounds min", async () => {
  const channel = new Channel<number>();
  const sends = Array.from({ length: 50 }, (_, n) => channel.send(n));
  assertEquals((await channel.receiveMany(50, { min: 50 })).length, 50);
  await Promise.all(sends);
  const queue = filled(new Queue<number>({ maxSize: 2, weigh: () => 0.1 }), 1, 2, 3, 4, 5);
  assertEquals((await queue.getBatch(5, { min: 5 })).length, 5);
});

Deno.test("R30: of a select that sends twice on one channel only one counts", async () => {
  const channel = new Channel<number>();
  const batch = channel.receiveMany(3, { min: 2 });
  const selected = select({ one: send(channel, 1), other: send(channel, 2) });
  assertEquals([await state(batch), await state(selected)], ["pending", "pending"]);
  const sent = channel.send(3);
  const items = await batch;
  assertEquals([items.length, items[1], await state(selected)], [2, 3, "fulfilled"]);
  await sent;
  assertEquals(lines(channel), nobody);
});

Deno.test("R30: a select whose other case wins takes its item away from the batch", async () => {
  using clock = fakeClock();
  const channel = new Channel<number>();
  const other = new Channel<string>(1);
  const batch = channel.receiveMany(3, { linger: 10 });
  const selected = select({ sent: send(channel, 1), other: recv(other) });
  assertEquals([lines(channel).putters, clock.timers], [1, 1]);
  other.trySend("won");
  assertEquals([(await selected).key, lines(channel).putters, clock.timers], ["other", 0, 0]);
  await clock.tick(20);
  assertEquals(await state(batch), "pending");
  const sent = channel.send(2);
  await clock.tick(10);
  assertEquals(await batch, [2]);
  await sent;
});

Deno.test("61: a select never meets itself through a batch that fills beside it", async () => {
  const channel = new Channel<number>();
  const selected = select({ got: recv(channel), sent: send(channel, 1) });
  const batch = channel.receiveMany(2, { min: 2 });
  assertEquals([await state(selected), await state(batch)], ["pending", "pending"]);
  channel.trySend(2);
  assertEquals([await selected, await state(batch)], [
    { key: "got", ok: true, value: 2 },
    "pending",
  ]);
  channel.close();
  assertEquals(await batch, []);
});

// ---- weights and orders ----

Deno.test("R30: when the next putter is too heavy to enter, a batch commits what is there", async () => {
  using clock = fakeClock();
  for (const wait of [{ min: 4 }, { linger: 1_000 }]) {
    const queue = new Queue<number>({ maxSize: 10, weigh: (n) => n });
    const batch = queue.getBatch(4, wait);
    filled(queue, 3, 4);
    assertEquals(await state(batch), "pending");
    const heavy = queue.put(8);
    // It enters during the commit, and is taken too.
    assertEquals([await batch, await state(heavy)], [[3, 4, 8], "fulfilled"]);
    assertEquals([queue.size, queue.weight, queue.unfinished, clock.timers], [0, 0, 3, 0]);
  }
});

Deno.test("27, R7: a weighed batch lets in as many putters as there is room for, up to max", async () => {
  const queue = new Queue<number>({ maxSize: 10, weigh: (n) => n });
  filled(queue, 6, 4);
  const parked = [3, 8, 1, 1].map((item) => queue.put(item));
  // With 6 out 3 fits, and 8 not yet; with 4 out neither does, and holds up the others.
  assertEquals([await queue.getBatch(2), queue.size, queue.weight], [[6, 4], 1, 3]);
  assertEquals(await Promise.all(parked.map(state)), [
    "fulfilled",
    "pending",
    "pending",
    "pending",
  ]);
  assertEquals([await queue.getBatch(2), queue.size, queue.weight], [[3, 8], 2, 2]);
  assertEquals([await queue.getBatch(9), queue.weight, queue.unfinished], [[1, 1], 0, 6]);
  await Promise.all(parked);
});

Deno.test("R30: so it does for a put that does not wait, which then has room", async () => {
  const queue = new Queue<number>({ maxSize: 10, weigh: (n) => n });
  const batch = queue.getBatch(4, { min: 4 });
  filled(queue, 3, 4);
  assert(queue.tryPut(8));
  assertEquals([await batch, queue.size, queue.unfinished], [[3, 4, 8], 0, 3]);
});

Deno.test("R30: a weighed queue is full when its weight is, however few are there", async () => {
  const queue = new Queue<number>({ maxSize: 10, weigh: (n) => n });
  const batch = queue.getBatch(4, { min: 4 });
  filled(queue, 3, 7);
  assertEquals([await batch, queue.weight], [[3, 7], 0]);
});

Deno.test("R20, 15: a comparator that throws on a batch's first item fails it, and nothing is lost", async () => {
  for (const parked of [false, true]) {
    let broken = false;
    const queue = breakable(() => broken);
    const waiting = parked ? queue.getBatch(4, { min: 4 }) : undefined;
    filled(queue, 3, 1, 2);
    broken = true;
    let error: unknown;
    if (waiting !== undefined) {
      const outcome = failure(waiting);
      queue.shutdown();
      error = await outcome;
    } else {
      error = await failure(queue.getBatch(3));
    }
    assertInstanceOf(error, SyntaxError);
    assertEquals([queue.size, queue.unfinished, lines(queue)], [3, 3, nobody]);
    broken = false;
    assertEquals(await queue.getBatch(3), [1, 2, 3]);
  }
});

Deno.test("R20, 15: one that throws later ends the batch there, with what has left the queue", async () => {
  for (let at = 1; at < 20; at++) {
    let left = Infinity;
    const queue = breakable(() => --left === 0);
    filled(queue, 5, 3, 1, 4, 2);
    left = at;
    const items = await queue.getBatch(5).catch((): number[] => []);
    left = Infinity;
    assertEquals(items.concat(await subjectRestOf(queue)), [1, 2, 3, 4, 5], `at ${at}`);
  }
});

Deno.test("15: one that throws for a getter behind a batch fails that getter, and nothing is lost", async () => {
  const ctx = withCancel(background());
  let left = Infinity;
  const queue = breakable(() => --left === 0);
  const batch = failure(queue.getBatch(5, { min: 5, ctx }));
  const behind = [queue.get(), select({ item: recv(queue) }), queue.get()];
  filled(queue, 3, 1, 2);
  left = 1;
  ctx.cancel("enough");
  assertEquals(lines(queue), nobody);
  assertInstanceOf(await failure(behind[0]!), SyntaxError);
  assertEquals([await batch, await behind[1], await behind[2], queue.size], [
    "enough",
    { key: "item", ok: true, value: 1 },
    2,
    1,
  ]);
});

Deno.test("R20: a put whose item cannot enter during the commit rejects, and the batch succeeds", async () => {
  const queue = new PriorityQueue<number>({
    maxSize: 2,
    compare: (a, b) => {
      if (a === 13 || b === 13) throw new SyntaxError();
      return a - b;
    },
  });
  filled(queue, 1, 2);
  const bad = failure(queue.put(13));
  const good = queue.put(3);
  assertEquals(await queue.getBatch(4), [1, 2, 3]);
  assertInstanceOf(await bad, SyntaxError);
  await good;
  assertEquals([queue.size, queue.unfinished], [0, 3]);
});

Deno.test("20: a put that enters before a batch that fills is unfinished from then on", async () => {
  const queue = new Queue<number>(3);
  const batch = queue.getBatch(3, { min: 3 });
  await queue.put(1);
  const join = queue.join();
  assertEquals([queue.size, queue.unfinished], [1, 1]);
  await queue.put(2);
  await queue.put(3);
  await batch;
  assertEquals([queue.unfinished, await state(join)], [3, "pending"]);
  queue.taskDone(3);
  await join;
});

// ---- overflow ----

Deno.test("49, R6: a channel that drops commits a batch when it is full, and then drops on", async () => {
  for (const overflow of ["dropNewest", "dropOldest"] as const) {
    const lost: number[] = [];
    const channel = new Channel<number>({ capacity: 2, overflow, onDrop: (n) => lost.push(n) });
    const batch = channel.receiveMany(5, { linger: Infinity });
    for (const n of [1, 2, 3, 4, 5]) assert(channel.trySend(n));
    assertEquals(await batch, [1, 2]);
    assertEquals(lost, overflow === "dropNewest" ? [5] : [3]);
  }
});

// ---- arguments ----

each("R17: a batch of bad size or time rejects, never throws, and takes nothing", async (make) => {
  const wrongs: [max: unknown, wait: unknown, type: new () => Error][] = [
    [0, undefined, RangeError],
    [-1, undefined, RangeError],
    [1.5, undefined, RangeError],
    [NaN, undefined, RangeError],
    ["3", undefined, TypeError],
    [undefined, undefined, TypeError],
    [null, undefined, TypeError],
    [3, { min: 0 }, RangeError],
    [3, { min: -1 }, RangeError],
    [3, { min: 1.5 }, RangeError],
    [3, { min: NaN }, RangeError],
    [3, { min: "2" }, TypeError],
    [3, { min: null }, TypeError],
    [3, { linger: -1 }, RangeError],
    [3, { linger: NaN }, RangeError],
    [3, { linger: "5" }, TypeError],
    [3, { linger: null }, TypeError],
    [3, { timeout: NaN }, RangeError],
    [3, null, TypeError],
    [3, 5, TypeError],
  ];
  const empty = make(5);
  const there = make(5);
  const closed = make(5);
  offer(there, 1);
  closed.close();
  for (const [max, wait, type] of wrongs) {
    for (const subject of [empty, there, closed]) {
      const batch = subject.batch(max as number, wait as BatchOptions);
      assertInstanceOf(await failure(batch), type, `${max}, ${JSON.stringify(wait)}`);
      assertEquals(lines(subject.of), nobody);
    }
  }
  assertEquals(there.size, 1);
});

each("R6: min above max, or above what fits in, is a RangeError", async (make) => {
  const subject = make(3);
  assertInstanceOf(await failure(subject.batch(2, { min: 3 })), RangeError);
  assertInstanceOf(await failure(subject.batch(9, { min: 4 })), RangeError);
  assertInstanceOf(await failure(subject.batch(9, { min: 4, linger: 5 })), RangeError);
  offer(subject, 1, 2, 3);
  assertEquals(await subject.batch(3, { min: 3 }), [1, 2, 3]);
});

Deno.test("R6: where there is no bound, only max bounds min", async () => {
  for (const maxSize of [0, -1, Infinity]) {
    const queue = new Queue<number>(maxSize);
    const batch = queue.getBatch(1_000, { min: 1_000 });
    for (let n = 0; n < 1_000; n++) queue.putNowait(n);
    assertEquals((await batch).length, 1_000);
  }
  const channel = new Channel<number>(Infinity);
  const batch = channel.receiveMany(Infinity, { min: 100 });
  for (let n = 0; n < 100; n++) channel.trySend(n);
  assertEquals((await batch).length, 100);
});

each("R17: options that are left out are none", async (make) => {
  const subject = make(5);
  offer(subject, 1);
  const wait = { min: undefined, linger: undefined } as unknown as BatchOptions;
  assertEquals(await subject.batch(3, wait), [1]);
});

each("R15: a context or signal has no min and no linger, whatever it looks like", async (make) => {
  const subject = make(5);
  offer(subject, 1, 2);
  const { signal } = new AbortController();
  const odd = Object.assign(signal, { min: 4, linger: 50 });
  assertEquals(await subject.batch(1, odd), [1]);
  const ctx = Object.assign(withCancel(background()), { min: 4 });
  assertEquals(await subject.batch(1, ctx), [2]);
});

/** Sorts, until it is to break. */
function breakable(breaks: () => boolean): PriorityQueue<number> {
  return new PriorityQueue<number>({
    compare: (a, b) => {
      if (breaks()) throw new SyntaxError();
      return a - b;
    },
  });
}

async function subjectRest(subject: Subject): Promise<number[]> {
  return subject.size > 0 ? await subject.batch(Infinity) : [];
}

async function subjectRestOf(queue: Queue<number>): Promise<number[]> {
  return queue.size > 0 ? await queue.getBatch(Infinity) : [];
}
