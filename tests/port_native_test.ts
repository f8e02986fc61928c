import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  Channel,
  ClosedError,
  LifoQueue,
  PriorityQueue,
  Queue,
  QueueShutDown,
  recv,
  select,
  send,
  sinkPort,
  sourcePort,
  type Waiter,
} from "../mod.ts";
import { ForeignSelect, offering, taking } from "./support/foreign_select.ts";
import { lines } from "./support/lines.ts";
import { settled, state } from "./support/settle.ts";

const nobody = { takers: 0, putters: 0 };
const failure = new Error("closed with this");

// ---- our ports, call by call ----

Deno.test("R16: tryTake of a channel or queue takes the next value, undefined where there is none", () => {
  const makes = [
    () => new Channel<string>(3),
    () => new Queue<string>(),
    () => new PriorityQueue<string>(),
  ];
  for (const make of makes) {
    const it = make();
    const port = it[sourcePort];
    assertStrictEquals(port.tryTake(), undefined);
    assert(it[sinkPort].tryOffer("a"));
    assert(it[sinkPort].tryOffer("b"));
    assertEquals([port.tryTake(), port.tryTake()], [
      { ok: true, value: "a" },
      { ok: true, value: "b" },
    ]);
    assertStrictEquals(port.tryTake(), undefined);
  }
  const lifo = new LifoQueue<string>();
  lifo.tryPut("a");
  lifo.tryPut("b");
  assertEquals(lifo[sourcePort].tryTake(), { ok: true, value: "b" });
});

Deno.test("R16: at an unbuffered channel the ports meet who is parked there, and nobody else", async () => {
  const ch = new Channel<string>();
  assertFalse(ch[sinkPort].tryOffer("x"));
  const sent = ch.send("a");
  assertEquals(ch[sourcePort].tryTake(), { ok: true, value: "a" });
  await sent;
  const taken = ch.take();
  assert(ch[sinkPort].tryOffer("b"));
  assertEquals(await taken, "b");
  assertEquals([ch[sourcePort].tryTake(), lines(ch)], [undefined, nobody]);
});

Deno.test("R16, 6: the ports go past nobody who waits", async () => {
  const ch = new Channel<string>(1);
  ch.trySend("a");
  const parked = ch.send("b");
  assertEquals(ch[sourcePort].tryTake(), { ok: true, value: "a" });
  assertFalse(ch[sinkPort].tryOffer("c"));
  await parked;
  assertEquals(ch[sourcePort].tryTake(), { ok: true, value: "b" });

  const batch = ch.receiveMany(1, { min: 1 });
  const behind = ch.receive();
  assert(ch[sinkPort].tryOffer("d"));
  assertEquals(await batch, ["d"]);
  assertEquals(await state(behind), "pending");
  assertStrictEquals(ch[sourcePort].tryTake(), undefined);
});

Deno.test("R16: at the end the ports say so: ok false with the error, and a ClosedError with the value", () => {
  const ch = new Channel<string>(1);
  ch.trySend("a");
  ch.close(failure);
  assertEquals(ch[sourcePort].tryTake(), { ok: true, value: "a" });
  assertEquals(ch[sourcePort].tryTake(), { ok: false, value: undefined, error: failure });
  const error = assertThrows(() => ch[sinkPort].tryOffer("b"), ClosedError);
  assertEquals([error.value, error.cause], ["b", failure]);

  const q = new Queue<string>();
  q.tryPut("a");
  q.shutdown();
  assertEquals(q[sourcePort].tryTake(), { ok: true, value: "a" });
  assertEquals(q[sourcePort].tryTake(), { ok: false, value: undefined });
  assertThrows(() => q[sinkPort].tryOffer("b"), QueueShutDown);
});

Deno.test("R16: one end is one port, park says false, unpark is silent, and neither wakes anybody", () => {
  const ch = new Channel<string>(1);
  assertStrictEquals(ch[sourcePort], ch[sourcePort]);
  assertStrictEquals(ch[sinkPort], ch[sinkPort]);
  const waiter: Waiter = {
    wake() {
      throw new Error("woken");
    },
  };
  ch.trySend("a");
  for (const port of [ch[sourcePort], ch[sinkPort]]) {
    port.unpark(waiter);
    assertFalse(port.park(waiter));
    assertFalse(port.park(waiter));
    assertEquals(lines(ch).takers + lines(ch).putters, 1);
    port.unpark(waiter);
    port.unpark(waiter);
    assertEquals(lines(ch), nobody);
  }
});

Deno.test("R16, R9: what goes through the ports of a queue counts as put and got", async () => {
  const q = new Queue<string>();
  const select = new ForeignSelect(taking(q));
  q[sinkPort].tryOffer("a");
  q[sinkPort].tryOffer("b");
  assertEquals([select.value, q.size, q.unfinished], ["a", 1, 2]);
  q[sourcePort].tryTake();
  const joined = q.join();
  q.taskDone();
  assertEquals(await state(joined), "pending");
  q.taskDone();
  await joined;
});

// ---- a foreign select that parks with us ----

Deno.test("R16: a foreign select parked at our channel is served by every call that puts in", async () => {
  const puts: readonly ((ch: Channel<string> & Queue<string>) => unknown)[] = [
    (ch) => ch.trySend("x"),
    (ch) => ch.send("x"),
    (ch) => select({ sent: send(ch, "x") }),
    (ch) => ch[sinkPort].tryOffer("x"),
    (ch) => new ForeignSelect(offering(ch, "x")),
  ];
  const queuePuts: typeof puts = [(q) => q.tryPut("x"), (q) => q.put("x"), ...puts.slice(2)];
  for (const make of [() => new Channel<string>(), () => new Channel<string>(2)]) {
    for (const put of puts) check(make(), put);
  }
  for (const make of [() => new Queue<string>(), () => new PriorityQueue<string>(1)]) {
    for (const put of queuePuts) check(make(), put);
  }
  await settled();

  function check(it: Channel<string> | Queue<string>, put: typeof puts[number]): void {
    const other = new Channel<string>();
    const foreign = new ForeignSelect(taking(other), taking(it));
    assertEquals([lines(it).takers, lines(other).takers], [1, 1]);
    put(it as Channel<string> & Queue<string>);
    assertEquals([foreign.at, foreign.ok, foreign.value], [1, true, "x"]);
    assertEquals([lines(it), lines(other), it[sourcePort].tryTake()], [nobody, nobody, undefined]);
  }
});

Deno.test("R16: a foreign select that offers is served by every call that takes", async () => {
  const takes: readonly ((ch: Channel<string>) => unknown)[] = [
    (ch) => ch.tryReceive(),
    (ch) => ch.receive(),
    (ch) => ch.receiveMany(1),
    (ch) => ch[Symbol.asyncIterator]().next(),
    (ch) => select({ value: recv(ch) }),
    (ch) => ch[sourcePort].tryTake(),
    (ch) => new ForeignSelect(taking(ch)),
  ];
  for (const capacity of [0, 1]) {
    for (const take of takes) {
      const ch = new Channel<string>(capacity);
      if (capacity === 1) ch.trySend("first");
      const other = new Channel<string>();
      const foreign = new ForeignSelect(offering(other, "y"), offering(ch, "x"));
      take(ch);
      assertEquals([foreign.at, lines(ch), lines(other)], [1, nobody, nobody]);
      assertEquals(ch.length, capacity);
      if (capacity === 1) assertEquals(ch.tryReceive(), { ok: true, value: "x" });
    }
  }
  await settled();
});

Deno.test("R16: foreign selects and our calls are served in the order in which they came", async () => {
  const ch = new Channel<number>();
  const order: unknown[] = [];
  const first = ch.take().then((n) => order.push(n));
  const second = new ForeignSelect(taking(ch));
  const third = select({ value: recv(ch) });
  const fourth = new ForeignSelect(taking(ch));
  for (const n of [1, 2, 3, 4]) ch.trySend(n);
  await first;
  assertEquals([order, second.value, (await third).value, fourth.value], [[1], 2, 3, 4]);

  const sent = ch.send(5);
  const offered = new ForeignSelect(offering(ch, 6));
  const selected = select({ sent: send(ch, 7) });
  assertEquals([5, 6, 7].map(() => ch.tryReceive()?.value), [5, 6, 7]);
  await Promise.all([sent, selected]);
  assertEquals(offered.at, 0);
});

Deno.test("R16, 41: with a full buffer those who wait move up in order, foreign or not", async () => {
  for (const foreignFirst of [true, false]) {
    const q = new Queue<string>(1);
    q.tryPut("a");
    if (!foreignFirst) void q.put("p");
    const foreign = new ForeignSelect(offering(q, "f"));
    if (foreignFirst) void q.put("p");
    const got = [q.tryGet(), q.tryGet(), q.tryGet()].map((box) => box?.value);
    assertEquals(got, foreignFirst ? ["a", "f", "p"] : ["a", "p", "f"]);
    assertEquals([foreign.ok, q.unfinished, lines(q)], [true, 3, nobody]);
  }
  await settled();
});

Deno.test("R16: closing tells a foreign select what it tells ours", () => {
  const ch = new Channel<string>();
  const taker = new ForeignSelect(taking(ch));
  const giver = new ForeignSelect(offering(new Channel<string>(), "y"));
  const both = new ForeignSelect(taking(ch), taking(new Channel<string>()));
  ch.close(failure);
  assertEquals([taker.ok, taker.error, both.ok], [false, failure, false]);
  assertFalse(giver.decided);

  const full = new Queue<string>(1);
  full.tryPut("a");
  const late = new ForeignSelect(offering(full, "b"));
  const behind = new ForeignSelect(offering(full, "c"));
  full.shutdown();
  for (const [one, value] of [[late, "b"], [behind, "c"]] as const) {
    assertInstanceOf(one.error, QueueShutDown);
    assertEquals(one.error.value, value);
  }
  assertEquals([full.size, full.unfinished, lines(full)], [1, 1, nobody]);
});

Deno.test("R16: a foreign select that gives up leaves, and those behind are served", async () => {
  const ch = new Channel<string>();
  const foreign = new ForeignSelect(taking(ch), offering(ch, "x"));
  const behind = ch.take();
  assertEquals(await behind, "x");
  assertEquals([foreign.at, lines(ch)], [1, nobody]);

  const leaving = new ForeignSelect(taking(ch));
  const second = ch.take();
  leaving.leave();
  assert(ch.trySend("y"));
  assertEquals([await second, leaving.wakes, lines(ch)], ["y", 0, nobody]);
});

Deno.test("61, R16: a foreign select on both ends of our channel never meets itself", async () => {
  const ch = new Channel<string>();
  const foreign = new ForeignSelect(taking(ch), offering(ch, "mine"), taking(ch));
  assertEquals([foreign.decided, lines(ch)], [false, { takers: 2, putters: 1 }]);
  const other = new ForeignSelect(offering(ch, "theirs"), taking(ch));
  assertEquals([foreign.at === undefined, other.at === undefined], [false, false]);
  assertEquals([foreign.value, lines(ch)], ["theirs", nobody]);

  const third = new ForeignSelect(taking(ch), offering(ch, "mine"));
  const ours = select({ s: send(ch, "ours"), r: recv(ch) }, { biased: true });
  assertEquals([third.value, (await ours).key, lines(ch)], ["ours", "s", nobody]);

  const fourth = new ForeignSelect(offering(ch, "mine"), taking(ch));
  assertEquals(await ch.take(), "mine");
  assertEquals([fourth.at, lines(ch)], [0, nobody]);
});

Deno.test("63, R16: a foreign and a native select commit together, whichever parks first", async () => {
  for (const direction of ["give", "take"] as const) {
    for (const foreignFirst of [true, false]) {
      const ch = new Channel<string>();
      const side = new Channel<string>();
      const make = () =>
        new ForeignSelect(taking(side), direction === "give" ? offering(ch, "x") : taking(ch));
      const early = foreignFirst ? make() : undefined;
      const ours = direction === "give"
        ? select({ it: recv(ch), other: send(side, "y") }, { biased: true })
        : select({ it: send(ch, "x"), other: recv(side) }, { biased: true });
      if (foreignFirst) assertEquals(early!.at, 1);
      const foreign = early ?? make();
      const r = await ours;
      // The later one tries in its own order, and both ways are open to the foreign one.
      assertEquals(r.key === "it", foreign.at === 1);
      assertEquals([lines(ch), lines(side)], [nobody, nobody]);
    }
  }
});
