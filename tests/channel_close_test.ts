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
  Queue,
  QueueShutDown,
  recv,
  select,
  trySelect,
  withCancel,
} from "../mod.ts";
import { lines } from "./support/lines.ts";
import { state } from "./support/settle.ts";

const capacities = [0, 1, 3, Infinity];

/** What it means to a caller that nothing is left, by each call that receives. */
const atTheEnd: Record<string, (ch: Channel<number>) => Promise<unknown>> = {
  receive: (ch) => ch.receive(),
  tryReceive: (ch) => Promise.resolve(ch.tryReceive()),
  receiveMany: (ch) => ch.receiveMany(3),
  next: (ch) => ch[Symbol.asyncIterator]().next(),
  select: (ch) => select({ end: recv(ch) }),
  trySelect: (ch) => Promise.resolve(trySelect({ end: recv(ch) })),
};

const plainEnds: Record<string, unknown> = {
  receive: { ok: false, value: undefined },
  tryReceive: { ok: false, value: undefined },
  receiveMany: [],
  next: { done: true, value: undefined },
  select: { key: "end", ok: false, value: undefined },
  trySelect: { key: "end", ok: false, value: undefined },
};

// ---- receivers ----

Deno.test("34: a closed channel gives the end by every call that receives, for ever", async () => {
  for (const capacity of capacities) {
    const ch = new Channel<number>(capacity);
    ch.close();
    for (let again = 0; again < 3; again++) {
      for (const [way, receive] of Object.entries(atTheEnd)) {
        assertEquals(await receive(ch), plainEnds[way], way);
      }
      const error = await assertRejects(() => ch.take(), ClosedError);
      assertFalse("value" in error || "cause" in error);
      for await (const value of ch) throw new Error(`got ${value}`);
    }
    assertFalse("error" in await ch.receive());
  }
});

Deno.test("34: closing wakes all parked receivers with the end, whatever they wait by", async () => {
  for (const capacity of capacities) {
    const ch = new Channel<number>(capacity);
    const ways = ["receive", "receiveMany", "next", "select"];
    const parked = [...ways, ...ways].map((way) => atTheEnd[way]!(ch));
    const taking = ch.take();
    assertEquals(lines(ch).takers, 9);
    ch.close();
    assertEquals(lines(ch).takers, 0);
    assertEquals(await Promise.all(parked), [...ways, ...ways].map((way) => plainEnds[way]));
    await assertRejects(() => taking, ClosedError);
  }
});

Deno.test("35: what is buffered at the close comes first, in order, by every call that receives", async () => {
  const ways: Record<string, (ch: Channel<number>) => Promise<readonly (number | undefined)[]>> = {
    receive: async (ch) => [(await ch.receive()).value],
    take: async (ch) => [await ch.take()],
    tryReceive: (ch) => Promise.resolve([ch.tryReceive()?.value]),
    receiveMany: (ch) => ch.receiveMany(1),
    waitingForMore: (ch) => ch.receiveMany(3, { min: 3 }),
    next: async (ch) => [(await ch[Symbol.asyncIterator]().next()).value],
    select: async (ch) => [(await select({ value: recv(ch) })).value],
  };
  for (const [way, receive] of Object.entries(ways)) {
    for (const error of [undefined, new Error("broken")]) {
      const ch = new Channel<number>(3);
      for (const n of [1, 2]) ch.trySend(n);
      ch.close(error);
      const seen: unknown[] = [];
      while (seen.length < 2) seen.push(...await receive(ch));
      assertEquals(seen, [1, 2], way);
      assertEquals((await ch.receive()).ok, false);
    }
  }
});

Deno.test("34, 35: a receiver that parks behind the last value gets the end", async () => {
  const ch = new Channel<number>(1);
  const [first, second] = [ch.receive(), ch.receive()];
  ch.trySend(1);
  ch.close();
  assertEquals(await first, { ok: true, value: 1 });
  assertEquals(await second, { ok: false, value: undefined });
});

Deno.test("34: a channel that is closed by code that runs while a value is handed over tells all who wait", async () => {
  const ch = new Channel<unknown>(9);
  using ctx = withCancel(background());
  // It holds up those behind it, who are then served in one go.
  ch.receiveMany(3, { min: 3, ctx }).catch(() => {});
  const calls = [ch.take(), ch.take(), ch.receive(), ch.receiveMany(2)];
  const closing = {
    get then() {
      if (!ch.closed) ch.close();
      return undefined;
    },
  };
  await ch.send(closing);
  await ch.send("last");
  ctx.cancel();
  assertEquals(await Promise.all(calls.slice(1)), ["last", { ok: false, value: undefined }, []]);
  assertStrictEquals(await calls[0], closing);
});

Deno.test("35: a batch that waits for more gets what is there when the channel is closed", async () => {
  for (const error of [undefined, new Error("broken")]) {
    const ch = new Channel<number>(4);
    const batch = ch.receiveMany(4, { min: 4 });
    const behind = ch.receive();
    for (const n of [1, 2]) ch.trySend(n);
    assertEquals(await state(batch), "pending");
    ch.close(error);
    assertEquals(await batch, [1, 2]);
    assertEquals((await behind).ok, false);
  }
});

// ---- senders ----

Deno.test("36, R8: a send on a closed channel fails at once, even if there is room", async () => {
  for (const capacity of capacities) {
    const ch = new Channel<number>(capacity);
    ch.close();
    for (const attempt of [() => ch.send(7), () => ch.send(7, { timeout: Infinity })]) {
      const error = await assertRejects(attempt, ClosedError);
      assertEquals([error.value, error.code], [7, "SLUICE_CLOSED"]);
    }
    const thrown = assertThrows(() => ch.trySend(8), ClosedError);
    assertEquals(thrown.value, 8);
    assertEquals([ch.length, lines(ch).putters], [0, 0]);
    assertEquals(await ch.receive(), { ok: false, value: undefined });
  }
});

Deno.test("36: so it does while there is still something to receive", async () => {
  const ch = new Channel<number>(3);
  ch.trySend(1);
  ch.close();
  await assertRejects(() => ch.send(2), ClosedError);
  assertThrows(() => ch.trySend(3), ClosedError);
  assertEquals(await ch.receiveMany(9), [1]);
  assertEquals(await ch.receiveMany(9), []);
});

Deno.test("36: parked sends reject when the channel closes, and their values do not arrive", async () => {
  for (const capacity of [0, 1, 3]) {
    const ch = new Channel<string>(capacity);
    for (let n = 0; n < capacity; n++) ch.trySend(`kept ${n}`);
    const parked = ["a", "b", "c"].map((value) => ch.send(value).catch((error) => error));
    ch.close();
    assertEquals(lines(ch).putters, 0);
    for (const [at, error] of (await Promise.all(parked)).entries()) {
      assertInstanceOf(error, ClosedError);
      assertEquals(error.value, ["a", "b", "c"][at]);
    }
    const kept = Array.from({ length: capacity }, (_, n) => `kept ${n}`);
    assertEquals(await ch.receiveMany(9), kept);
    assertEquals(await ch.receive(), { ok: false, value: undefined });
  }
});

Deno.test("36: the error of a send that was given undefined has it as its value", async () => {
  const ch = new Channel<undefined>();
  const parked = ch.send(undefined).catch((error) => error);
  ch.close();
  for (const error of [await parked, await ch.send(undefined).catch((error) => error)]) {
    assertInstanceOf(error, ClosedError);
    assert("value" in error);
    assertStrictEquals(error.value, undefined);
  }
});

Deno.test("4, 36: a send that was taken before the close has succeeded", async () => {
  const ch = new Channel<number>();
  const sent = ch.send(1);
  assertEquals(ch.tryReceive(), { ok: true, value: 1 });
  ch.close();
  assertEquals(await state(sent), "fulfilled");
});

Deno.test("R8: on a closed channel trySend throws, since the value would be lost; tryReceive does not", () => {
  const ch = new Channel<number>(2);
  ch.trySend(1);
  ch.close();
  assertThrows(() => ch.trySend(2), ClosedError);
  assertEquals(ch.tryReceive(), { ok: true, value: 1 });
  assertEquals(ch.tryReceive(), { ok: false, value: undefined });
});

Deno.test("R8: of a queue that is shut down, puts fail at once, gets once it is drained, tryGet never", async () => {
  const queue = new Queue<number>(5);
  queue.putNowait(1);
  queue.shutdown();
  await assertRejects(() => queue.put(2), QueueShutDown);
  assertThrows(() => queue.tryPut(2), QueueShutDown);
  assertThrows(() => queue.putNowait(2), QueueShutDown);
  assertEquals(queue.tryGet(), { value: 1 });
  assertStrictEquals(queue.tryGet(), undefined);
  await assertRejects(() => queue.get(), QueueShutDown);
  await assertRejects(() => queue.lease(), QueueShutDown);
  assertThrows(() => queue.getNowait(), QueueShutDown);
});

// ---- closing twice ----

Deno.test("38, R4: close on a closed channel throws ClosedError, and changes nothing", async () => {
  const first = new Error("first");
  const ways: [string, (ch: Channel<number>) => void, unknown][] = [
    ["close", (ch) => ch.close(), undefined],
    ["close with an error", (ch) => ch.close(first), first],
    ["dispose", (ch) => ch[Symbol.dispose](), undefined],
  ];
  for (const [way, end, expected] of ways) {
    const ch = new Channel<number>({ capacity: 1, name: "jobs" });
    ch.trySend(1);
    end(ch);
    for (const error of [undefined, new Error("second")]) {
      const thrown = assertThrows(() => ch.close(error), ClosedError, "jobs", way);
      assertFalse("value" in thrown);
    }
    assertEquals(await ch.receive(), { ok: true, value: 1 });
    const { ok, error } = await ch.receive() as { ok: boolean; error?: unknown };
    assertFalse(ok);
    assertStrictEquals(error, expected);
    assertThrows(() => ch.close(), ClosedError);
  }
});

Deno.test("38, R4: disposing never throws, and a channel that is closed stays as it is", async () => {
  const reason = new Error("reason");
  const ch = new Channel<number>(1);
  ch.close(reason);
  ch[Symbol.dispose]();
  ch[Symbol.dispose]();
  assertEquals(await ch.receive(), { ok: false, value: undefined, error: reason });

  const open = new Channel<number>(1);
  {
    using _ = open;
    open.trySend(1);
  }
  assert(open.closed);
  assertEquals(await open.receiveMany(2), [1]);
  {
    using _ = new Channel<number>();
    _.close();
  }
});

Deno.test("38: disposing an open channel closes it plainly: who sends is refused, who receives is told", async () => {
  const sending = new Channel<string>();
  const sent = sending.send("late").catch((error) => error);
  sending[Symbol.dispose]();
  assertInstanceOf(await sent, ClosedError);
  assertFalse("cause" in await sent);

  const receiving = new Channel<string>();
  const received = receiving.receive();
  receiving[Symbol.dispose]();
  assertEquals(await received, { ok: false, value: undefined });
});

Deno.test("R4: a second shutdown of a queue is silent", () => {
  const queue = new Queue<number>();
  queue.shutdown();
  queue.shutdown();
  queue[Symbol.dispose]();
  assert(queue.closed);
});

Deno.test("R14: closed says that close was called, and not that nothing is left", async () => {
  const ch = new Channel<number>(1);
  ch.trySend(1);
  assertFalse(ch.closed);
  ch.close();
  assert(ch.closed);
  assertEquals(await ch.take(), 1);
  assert(ch.closed);
});
