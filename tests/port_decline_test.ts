import { assert, assertEquals, assertFalse, assertRejects, assertStrictEquals } from "@std/assert";
import {
  Channel,
  ClosedError,
  Queue,
  recv,
  select,
  send,
  sinkPort,
  sourcePort,
  type Waiter,
} from "../mod.ts";
import { fakeClock } from "./support/clock.ts";
import { ForeignSelect, offering, taking } from "./support/foreign_select.ts";
import { lines } from "./support/lines.ts";
import { settled, state } from "./support/settle.ts";
import { catchUncaught } from "./support/uncaught.ts";

const nobody = { takers: 0, putters: 0 };
const failure = new Error("from the waiter");

Deno.test("R32: who declines does not hold up those behind, and keeps the place", async () => {
  const ch = new Channel<string>();
  const shy = new ForeignSelect(taking(ch));
  shy.declines = true;
  const behind = [ch.take(), select({ value: recv(ch) }).then((r) => r.value), ch.receive()];
  assert(ch.trySend("a"));
  await ch.send("b");
  await select({ sent: send(ch, "c") });
  assertEquals<unknown>(await Promise.all(behind), ["a", "b", { ok: true, value: "c" }]);
  assertEquals([shy.wakes >= 3, shy.decided], [true, false]);
  assertFalse(ch.trySend("for nobody"));
  const last = ch.take();
  shy.declines = false;
  assert(ch.trySend("d"));
  assertEquals(shy.value, "d");
  assertEquals(await state(last), "pending");
  ch.close();
  await assertRejects(() => last, ClosedError);
});

Deno.test("R32: so with a buffer: what nobody took stays, and whoever comes then takes it", async () => {
  const ch = new Channel<string>(2);
  const shy = new ForeignSelect(taking(ch));
  shy.declines = true;
  assert(ch.trySend("a"));
  await ch.send("b");
  assertFalse(ch.trySend("c"));
  assertEquals([ch.length, shy.decided], [2, false]);
  assertEquals(await ch.take(), "a");
  assertEquals(ch.tryReceive(), { ok: true, value: "b" });
  assertStrictEquals(ch.tryReceive(), undefined);
  const batch = ch.receiveMany(2, { min: 2 });
  assert(ch.trySend("c"));
  assert(ch.trySend("d"));
  assertEquals(await batch, ["c", "d"]);
  assertEquals(lines(ch), { takers: 1, putters: 0 });
});

Deno.test("R32, 34: who has declined the last value of a closed channel is told the end when it is taken", () => {
  const ch = new Channel<string>(1);
  const shy = new ForeignSelect(taking(ch));
  Object.defineProperty(shy, "declines", { get: () => ch.length > 0 });
  assert(ch.trySend("a"));
  ch.close();
  assertFalse(shy.decided);
  assertEquals(ch.tryReceive(), { ok: true, value: "a" });
  assertEquals([shy.decided, shy.ok, lines(ch)], [true, false, nobody]);
});

Deno.test("R32: who declines to offer holds up nobody: neither takers, nor those who put in", async () => {
  const ch = new Channel<string>();
  const shy = new ForeignSelect(offering(ch, "never"));
  shy.declines = true;
  assertStrictEquals(ch.tryReceive(), undefined);
  const taken = ch.take();
  assertEquals(await state(taken), "pending");
  assert(ch.trySend("a"));
  assertEquals(await taken, "a");
  const sent = ch.send("b");
  assertEquals(await ch.take(), "b");
  await sent;

  const full = new Channel<string>(1);
  full.trySend("x");
  const bashful = new ForeignSelect(offering(full, "never"));
  bashful.declines = true;
  const behind = full.send("y");
  assertEquals(full.tryReceive(), { ok: true, value: "x" });
  assertEquals([await state(behind), full.length], ["fulfilled", 1]);
  assertEquals(full.tryReceive(), { ok: true, value: "y" });
  assert(full.trySend("z"));
  await full.take();
  await full.send("w");
  assertEquals([full.length, bashful.decided], [1, false]);
  bashful.declines = false;
  assertEquals(full.tryReceive(), { ok: true, value: "w" });
  assertEquals([bashful.at, full.length, lines(full)], [0, 1, nobody]);
  assertEquals([shy.decided, lines(ch)], [false, { takers: 0, putters: 1 }]);
});

Deno.test("R32, R7: a foreign heavy offer that does not fit is a decline, and a lighter put goes in", async () => {
  const q = new Queue<number>({ maxSize: 4, weigh: (n) => n });
  q.tryPut(2);
  q.tryPut(2);
  const heavy = new ForeignSelect(offering(q, 4));
  const light = q.put(1);
  assertEquals(q.tryGet(), { value: 2 });
  assertEquals([await state(light), heavy.decided, q.weight], ["fulfilled", false, 3]);
  q.tryGet();
  assertEquals([heavy.decided, q.weight], [false, 1]);
  q.tryGet();
  assertEquals([heavy.ok, q.weight, q.unfinished, lines(q)], [true, 4, 4, nobody]);
});

Deno.test("R16: what a foreign waiter throws is reported, and does no harm to whoever woke it", async () => {
  using uncaught = catchUncaught();
  const ch = new Channel<string>();
  const waiter: Waiter = {
    wake() {
      throw failure;
    },
  };
  ch[sourcePort].park(waiter);
  const behind = ch.take();
  assert(ch.trySend("a"));
  assertEquals(await behind, "a");
  await settled();
  assertEquals(uncaught.errors, [failure]);
  ch[sourcePort].unpark(waiter);
});

Deno.test("R16: a foreign waiter that says yes without taking loses nothing for others", async () => {
  const ch = new Channel<string>(1);
  const liar: Waiter = { wake: () => true };
  ch[sourcePort].park(liar);
  assert(ch.trySend("a"));
  assertEquals([ch.length, await ch.take()], [1, "a"]);
  const waiting = ch.take();
  await ch.send("b");
  assertEquals(await waiting, "b");
  ch[sourcePort].unpark(liar);

  const full = new Channel<string>(1);
  full.trySend("a");
  full[sinkPort].park(liar);
  const behind = full.send("b");
  assertEquals(await full.take(), "a");
  await behind;
  assertEquals(await full.take(), "b");
});

Deno.test("R16: a foreign waiter that offers or takes twice in one wake gets one through, and knows it", async () => {
  const ch = new Channel<string>();
  const answers: unknown[] = [];
  const giver: Waiter = {
    wake() {
      answers.push(ch[sinkPort].tryOffer("a"), ch[sinkPort].tryOffer("b"));
      return true;
    },
  };
  ch[sinkPort].park(giver);
  assertEquals([await ch.take(), answers], ["a", [true, false]]);
  ch[sinkPort].unpark(giver);

  const q = new Queue<string>();
  const taken: unknown[] = [];
  const taker: Waiter = {
    wake() {
      taken.push(q[sourcePort].tryTake()?.value, q[sourcePort].tryTake());
      return true;
    },
  };
  q[sourcePort].park(taker);
  assert(q.tryPut("x"));
  assertEquals([taken, q.size, q.unfinished], [["x", undefined], 0, 1]);
  q[sourcePort].unpark(taker);
});

// ---- batches and policies ----

Deno.test("R16, R6: a foreign select stands behind a batch that fills, and offers to it", async () => {
  using clock = fakeClock();
  const ch = new Channel<string>(5);
  const batch = ch.receiveMany(5, { linger: 10 });
  const foreign = new ForeignSelect(taking(ch));
  assert(ch.trySend("a"));
  assertEquals(new ForeignSelect(offering(ch, "b")).ok, true);
  assertEquals([foreign.decided, ch[sourcePort].tryTake()], [false, undefined]);
  await clock.tick(10);
  assertEquals([await batch, foreign.decided], [["a", "b"], false]);
  assert(ch.trySend("c"));
  assertEquals([foreign.value, lines(ch), clock.timers], ["c", nobody, 0]);
});

Deno.test("R16, R6: at capacity 0 foreign offers count for a batch, and stay until it commits", async () => {
  using clock = fakeClock();
  const ch = new Channel<string>();
  const batch = ch.receiveMany(3, { min: 3, linger: 10 });
  const offers = ["a", "b"].map((value) => new ForeignSelect(offering(ch, value)));
  assertEquals(offers.map((one) => one.decided), [false, false]);
  const sent = ch.send("c");
  assertEquals(await batch, ["a", "b", "c"]);
  await sent;
  assertEquals([offers.map((one) => one.ok), lines(ch)], [[true, true], nobody]);

  const lingering = ch.receiveMany(3, { min: 3, linger: 10 });
  const alone = new ForeignSelect(offering(ch, "d"));
  const joined = ch.send("e");
  await clock.tick(10);
  assertEquals([await lingering, alone.ok, clock.timers], [["d", "e"], true, 0]);
  await joined;
});

Deno.test("R16, R11: a foreign offer to a channel that drops is accepted, and does not park", () => {
  const dropped: string[] = [];
  for (const overflow of ["dropNewest", "dropOldest"] as const) {
    const ch = new Channel<string>({
      capacity: 1,
      overflow,
      onDrop: (value) => dropped.push(value),
    });
    assert(ch[sinkPort].tryOffer("a"));
    assert(ch[sinkPort].tryOffer("b"));
    assertEquals(new ForeignSelect(offering(ch, "c")).ok, true);
    assertEquals([ch.length, lines(ch)], [1, nobody]);
  }
  assertEquals(dropped, ["b", "c", "a", "b"]);
});
