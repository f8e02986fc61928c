import { assert, assertEquals, assertFalse, assertStrictEquals } from "@std/assert";
import { Channel, type ChannelOptions, otherwise, recv, select, send, trySelect } from "../mod.ts";
import { lines } from "./support/lines.ts";
import { state } from "./support/settle.ts";

/** Unbuffered, and buffered with little, some and endless room. */
const capacities = [0, 1, 3, Infinity];
const bounded = [0, 1, 3];

// ---- waiting, and not ----

Deno.test("31: every call that receives from an empty channel parks, and is served in its turn", async () => {
  for (const capacity of capacities) {
    const ch = new Channel<number>(capacity);
    const waiting = [
      ch.receive(),
      ch.take(),
      ch.receiveMany(2),
      ch[Symbol.asyncIterator]().next(),
      select({ value: recv(ch) }),
    ];
    for (const one of waiting) assertEquals(await state(one), "pending");
    assertEquals(lines(ch), { takers: 5, putters: 0 });
    for (const n of [1, 2, 3, 4, 5]) assert(ch.trySend(n));
    assertEquals<unknown>(await Promise.all(waiting), [
      { ok: true, value: 1 },
      2,
      [3],
      { done: false, value: 4 },
      { key: "value", ok: true, value: 5 },
    ]);
    assertEquals(lines(ch), { takers: 0, putters: 0 });
  }
});

Deno.test("31: tryReceive and trySelect do not wait on an empty channel, and leave nothing there", () => {
  for (const capacity of capacities) {
    const ch = new Channel<number>(capacity);
    assertStrictEquals(ch.tryReceive(), undefined);
    assertStrictEquals(trySelect({ value: recv(ch) }), undefined);
    assertEquals(lines(ch), { takers: 0, putters: 0 });
  }
});

Deno.test("31: tryReceive gets what is buffered, then what parked senders have, in order", () => {
  for (const capacity of bounded) {
    const ch = new Channel<number>(capacity);
    for (const n of [1, 2, 3, 4, 5]) void ch.send(n);
    for (const value of [1, 2, 3, 4, 5]) assertEquals(ch.tryReceive(), { ok: true, value });
    assertStrictEquals(ch.tryReceive(), undefined);
  }
});

Deno.test("32: a send on a full channel parks until a receiver makes room, and trySend is false", async () => {
  for (const capacity of bounded) {
    const ch = new Channel<number>(capacity);
    for (let n = 0; n < capacity; n++) assert(ch.trySend(n));
    assertFalse(ch.trySend(-1));
    assertStrictEquals(trySelect({ sent: send(ch, -1) }), undefined);
    assertEquals(lines(ch), { takers: 0, putters: 0 });

    const parked = ch.send(capacity);
    assertEquals(await state(parked), "pending");
    assertEquals(lines(ch), { takers: 0, putters: 1 });
    assertFalse(ch.trySend(-1));
    assertEquals(await ch.receive(), { ok: true, value: 0 });
    assertEquals(await state(parked), "fulfilled");
    for (let n = 1; n <= capacity; n++) assertEquals(await ch.take(), n);
    assertStrictEquals(ch.tryReceive(), undefined);
  }
});

Deno.test("32: a channel with room for everything never makes a send wait", async () => {
  const ch = new Channel<number>(Infinity);
  for (let n = 0; n < 10_000; n += 2) {
    assert(ch.trySend(n));
    await ch.send(n + 1);
  }
  assertEquals(ch.length, 10_000);
});

Deno.test("6, 32: a call that does not wait never goes past one that does", async () => {
  const full = new Channel<string>(1);
  full.trySend("first");
  const parked = full.send("second");
  assertEquals(full.tryReceive(), { ok: true, value: "first" });
  assertFalse(full.trySend("third"));
  await parked;
  assertEquals(full.tryReceive(), { ok: true, value: "second" });

  const empty = new Channel<string>(1);
  const waiting = empty.take();
  assert(empty.trySend("mine"));
  assertStrictEquals(empty.tryReceive(), undefined);
  assertEquals(await waiting, "mine");
});

// ---- order ----

Deno.test("33: between one sender and one receiver values keep their order", async () => {
  for (const capacity of [0, 1, 2, 10, Infinity]) {
    const ch = new Channel<number>(capacity);
    const sending = (async () => {
      using _ = ch;
      for (let n = 0; n < 1_000; n++) await ch.send(n);
    })();
    assertEquals(await drain(ch), Array.from({ length: 1_000 }, (_, n) => n));
    await sending;
  }
});

Deno.test("33: of many senders and receivers each value arrives once, and none overtakes its own", async () => {
  for (const capacity of [0, 1, 7]) {
    const ch = new Channel<{ sender: number; n: number }>(capacity);
    const senders = [0, 1, 2, 3].map(async (sender) => {
      for (let n = 0; n < 1_000; n++) {
        await ch.send({ sender, n });
        if (n % (sender + 2) === 0) await Promise.resolve();
      }
    });
    const receivers = [drain(ch), drain(ch), drain(ch), drain(ch)];
    await Promise.all(senders);
    ch.close();
    const seen = await Promise.all(receivers);
    for (const values of seen) {
      for (const sender of [0, 1, 2, 3]) {
        const own = values.filter((value) => value.sender === sender).map(({ n }) => n);
        assertEquals(own, own.toSorted((a, b) => a - b));
      }
    }
    const all = new Set(seen.flat().map(({ sender, n }) => sender * 1_000 + n));
    assertEquals([all.size, seen.flat().length], [4_000, 4_000]);
  }
});

Deno.test("33: values leave in the order in which their sends were called, however those were made", async () => {
  for (const capacity of bounded) {
    const ch = new Channel<number>(capacity);
    const calls = [
      ch.send(1),
      select({ sent: send(ch, 2) }),
      ch.send(3),
      select({ sent: send(ch, 4) }),
      ch.send(5),
    ];
    assertEquals(await ch.take(), 1);
    assertEquals(await ch.receiveMany(2), [2, 3]);
    assertEquals(ch.tryReceive(), { ok: true, value: 4 });
    assertEquals(await ch.receive(), { ok: true, value: 5 });
    await Promise.all(calls);
  }
});

Deno.test("5, 33: those who gave up leave the order of the others as it was", async () => {
  for (const gone of [0, 2, 4]) {
    const controller = new AbortController();
    const wait = (at: number) => at === gone ? controller.signal : undefined;
    const left = [0, 1, 2, 3, 4].filter((at) => at !== gone);

    const receiving = new Channel<number>();
    const receivers = [0, 1, 2, 3, 4].map((at) => receiving.take(wait(at)).catch(() => "gone"));
    const sending = new Channel<number>();
    const sends = [0, 1, 2, 3, 4].map((at) => sending.send(at, wait(at)).catch(() => "gone"));
    controller.abort();
    assertEquals([lines(receiving).takers, lines(sending).putters], [4, 4]);

    for (const at of left) assert(receiving.trySend(at));
    assertFalse(receiving.trySend(9));
    const taken = left.map(() => sending.tryReceive()?.value);
    assertStrictEquals(sending.tryReceive(), undefined);
    assertEquals(taken, left);
    const delivered = await Promise.all(receivers);
    assertEquals(delivered, [0, 1, 2, 3, 4].map((at) => at === gone ? "gone" : at));
    assertEquals(
      await Promise.all(sends),
      [0, 1, 2, 3, 4].map((at) => {
        return at === gone ? "gone" : undefined;
      }),
    );
  }
});

Deno.test("41: a receive from a full channel takes the oldest value and lets the oldest parked one in", async () => {
  const ch = new Channel<number>(2);
  const sends = [1, 2, 3, 4].map((n) => ch.send(n));
  assertEquals([ch.length, lines(ch).putters], [2, 2]);
  const received = ch.receive();
  // At once, and not when somebody's continuation runs.
  assertEquals([ch.length, lines(ch).putters], [2, 1]);
  assertEquals(await received, { ok: true, value: 1 });
  assertEquals(await state(sends[2]!), "fulfilled");
  assertEquals(await state(sends[3]!), "pending");
  assertEquals(ch.tryReceive(), { ok: true, value: 2 });
  assertEquals([ch.length, lines(ch).putters], [2, 0]);
  assertEquals(await state(sends[3]!), "fulfilled");
  assertEquals(await ch.receiveMany(9), [3, 4]);
});

// ---- without a buffer ----

Deno.test("42, P3: without a buffer a send resolves when a receiver has the value, and not before", async () => {
  const ways: Record<string, (ch: Channel<string>) => Promise<unknown>> = {
    receive: (ch) => ch.receive(),
    take: (ch) => ch.take(),
    tryReceive: (ch) => Promise.resolve(ch.tryReceive()),
    receiveMany: (ch) => ch.receiveMany(1),
    next: (ch) => ch[Symbol.asyncIterator]().next(),
    select: (ch) => select({ value: recv(ch) }),
  };
  for (const [way, receive] of Object.entries(ways)) {
    const ch = new Channel<string>();
    const sent = ch.send("value");
    assertEquals(await state(sent), "pending", way);
    assertEquals(ch.length, 0);
    void receive(ch);
    assertEquals(lines(ch), { takers: 0, putters: 0 });
    assertEquals(await state(sent), "fulfilled", way);
  }
});

Deno.test("42: without a buffer trySend succeeds only where a receiver waits, and hands over at once", async () => {
  const ch = new Channel<number>();
  assertFalse(ch.trySend(1));
  const waiting = [ch.take(), ch.receive()];
  assert(ch.trySend(2));
  assert(ch.trySend(3));
  assertFalse(ch.trySend(4));
  assertEquals(await Promise.all(waiting), [2, { ok: true, value: 3 }]);
});

Deno.test("37: length counts what is buffered alone, and capacity is what was asked for", () => {
  const made: [number | ChannelOptions<number> | undefined, number][] = [
    [undefined, 0],
    [{}, 0],
    [{ capacity: undefined }, 0],
    [0, 0],
    [3, 3],
    [{ capacity: 3 }, 3],
    [Infinity, Infinity],
  ];
  for (const [options, capacity] of made) {
    const ch = new Channel<number>(options);
    assertEquals([ch.capacity, ch.length], [capacity, 0]);
    for (let n = 1; n <= 5; n++) {
      void ch.send(n);
      assertEquals([ch.capacity, ch.length], [capacity, Math.min(n, capacity)]);
    }
    for (let n = 4; n >= 0; n--) {
      ch.tryReceive();
      assertEquals(ch.length, Math.min(n, capacity));
    }
    void ch.receive();
    assertEquals(ch.length, 0);
  }
});

Deno.test("37: those who wait to receive do not count, and closing leaves what is buffered", () => {
  const ch = new Channel<number>(2);
  ch.trySend(1);
  ch.close();
  assertEquals([ch.length, ch.capacity], [1, 2]);
  ch.tryReceive();
  assertEquals([ch.length, ch.capacity], [0, 2]);
});

Deno.test("43: a channel that is null is never ready, a default goes before it, and a context ends it", async () => {
  const cases = { in: recv<number>(null), out: send<number>(undefined, 1) };
  assertStrictEquals(trySelect(cases), undefined);
  assertEquals((await select({ ...cases, none: otherwise })).key, "none");
  const controller = new AbortController();
  const parked = select(cases, controller.signal);
  assertEquals(await state(parked), "pending");
  controller.abort("enough");
  assertEquals(await parked.catch((reason) => reason), "enough");
});

async function drain<T>(ch: Channel<T>): Promise<T[]> {
  const values: T[] = [];
  for await (const value of ch) values.push(value);
  return values;
}
