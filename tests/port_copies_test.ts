import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import * as ours from "../mod.ts";
import { seed } from "../core/random.ts";
import { fakeClock } from "./support/clock.ts";
import { lines } from "./support/lines.ts";
import { secondCopy, type Sluice } from "./support/second_copy.ts";
import { state } from "./support/settle.ts";

const theirs = await secondCopy();
const nobody = { takers: 0, putters: 0 };
const failure = new Error("closed with this");
/** A copy whose select meets the channels of a copy: all four ways. */
const ways: readonly (readonly [Sluice, Sluice])[] = [
  [ours, theirs],
  [theirs, ours],
  [ours, ours],
  [theirs, theirs],
];

Deno.test("R16: the second copy is one: its classes and its state are its own", () => {
  assert(theirs.Channel !== ours.Channel);
  assert(theirs.select !== ours.select);
  assertStrictEquals(theirs.sourcePort, ours.sourcePort);
  assert(!(new theirs.Channel() instanceof ours.Channel));
});

Deno.test("R16: a select of one copy takes from and sends to what another copy has made", async () => {
  for (const [a, b] of ways) {
    const ch = new b.Channel<string>(1);
    const q = new b.PriorityQueue<number>();
    assertEquals((await a.select({ sent: a.send(ch, "x") })).key, "sent");
    assertEquals((await a.select({ value: a.recv(ch) })).value, "x");
    assertEquals(a.trySelect({ sent: a.send(q, 2) })?.key, "sent");
    assertEquals(a.trySelect({ sent: a.send(q, 1) })?.key, "sent");
    assertEquals(a.trySelect({ item: a.recv(q) })?.value, 1);
    assertEquals([q.unfinished, q.size], [2, 1]);
    assertStrictEquals(a.trySelect({ value: a.recv(ch) }), undefined);
  }
});

Deno.test("R16: parked, it is served in its turn by whoever comes, and then stands in no line", async () => {
  for (const [a, b] of ways) {
    for (const capacity of [0, 1, Infinity]) {
      const ch = new b.Channel<number>(capacity);
      const side = new a.Channel<number>();
      const waiting = [
        ch.take(),
        a.select({ value: a.recv(ch), side: a.recv(side) }).then((r) => r.value),
        b.select({ value: b.recv(ch), side: b.recv(side) }).then((r) => r.value),
        ch.take(),
      ];
      assertEquals([lines(ch).takers, lines(side).takers], [4, 2]);
      assert(ch.trySend(1));
      void ch.send(2);
      void a.select({ sent: a.send(ch, 3) });
      void b.select({ sent: b.send(ch, 4) });
      assertEquals(await Promise.all(waiting), [1, 2, 3, 4]);
      assertEquals([lines(ch), lines(side)], [nobody, nobody]);
    }
  }
});

Deno.test("62, 63, R16: mirrored selects of two copies meet in exactly one direction", async () => {
  seed(62);
  theirs.seed(62);
  for (const [a, b] of ways) {
    for (const [c, d] of ways) {
      const keys = new Set<string>();
      for (let trial = 0; trial < 60; trial++) {
        const one = new c.Channel<string>();
        const two = new d.Channel<string>();
        const [left, right] = await Promise.all([
          a.select({ one: a.send(one, "l"), two: a.recv(two) }),
          b.select({ one: b.recv(one), two: b.send(two, "r") }),
        ]);
        assertEquals(left.key, right.key);
        assertEquals(
          [left.value, right.value],
          left.key === "one" ? [undefined, "l"] : ["r", undefined],
        );
        assertEquals([lines(one), lines(two)], [nobody, nobody]);
        keys.add(left.key);
      }
      assertEquals(keys.size, 2);
    }
  }
});

Deno.test("61, R16: a select on both ends of another copy's channel meets others, never itself", async () => {
  for (const [a, b] of ways) {
    const ch = new b.Channel<string>();
    const both = () => a.select({ r: a.recv(ch), s: a.send(ch, "both"), r2: a.recv(ch) });
    const one = both();
    assertEquals(await state(one), "pending");
    assert(ch.trySend("x"));
    assertEquals((await one).value, "x");
    const two = both();
    assertEquals(await ch.take(), "both");
    assertEquals((await two).key, "s");
    const [three, four] = await Promise.all([
      both(),
      b.select({ r: b.recv(ch), s: b.send(ch, "b") }),
    ]);
    assertEquals(three.key === "s", four.key === "r");
    assertEquals([three.value ?? four.value, lines(ch)], [
      three.key === "s" ? "both" : "b",
      nobody,
    ]);
  }
});

Deno.test("66, 67, R16: closing and shutdown serve the selects of another copy as their own", async () => {
  for (const [a, b] of ways) {
    for (const error of [undefined, failure]) {
      const ch = new b.Channel<string>();
      const side = new a.Channel<string>();
      const got = a.select({ value: a.recv(ch), side: a.recv(side) });
      const out = new b.Channel<string>(1);
      out.trySend("full");
      const sent = a.select({ sent: a.send(out, "x"), side: a.recv(side) });
      assertEquals(lines(side).takers, 2);
      ch.close(error);
      out.close(error);
      assertEquals([lines(ch), lines(out), lines(side)], [nobody, nobody, nobody]);
      const r = await got;
      assertEquals([r.key, r.ok], ["value", false]);
      assertStrictEquals(r.error, error);
      // Errors are recognised across copies, by their brand.
      for (const late of [sent, a.select({ sent: a.send(out, "x") })]) {
        const rejection = await assertRejects(() => late as Promise<unknown>, ours.ClosedError);
        assert(rejection instanceof theirs.ClosedError);
        assertEquals([rejection.value, rejection.cause], ["x", error]);
      }
    }
    const q = new b.Queue<string>(1);
    q.tryPut("a");
    const put = a.select({ sent: a.send(q, "x") });
    q.shutdown();
    await assertRejects(() => put, ours.QueueShutDown);
    assertEquals(a.trySelect({ item: a.recv(q) })?.value, "a");
    assertEquals(a.trySelect({ item: a.recv(q) })?.ok, false);
  }
});

Deno.test("R16, R7: a heavy send of another copy enters when it fits, and holds up no lighter put", async () => {
  const q = new theirs.Queue<number>({ maxSize: 4, weigh: (n) => n });
  q.tryPut(2);
  q.tryPut(2);
  const heavy = ours.select({ sent: ours.send(q, 4) });
  const light = q.put(1);
  assertEquals(q.tryGet(), { value: 2 });
  assertEquals([await state(light), await state(heavy), q.weight], ["fulfilled", "pending", 3]);
  q.tryGet();
  q.tryGet();
  assertEquals([(await heavy).key, q.weight, q.unfinished], ["sent", 4, 4]);
  await assertRejects(() => ours.select({ sent: ours.send(q, 5) }), RangeError);
});

Deno.test("R6, R16: selects of another copy stand behind a batch that fills, and fill it", async () => {
  using clock = fakeClock();
  for (const [a, b] of ways) {
    for (const capacity of [0, 9]) {
      const ch = new b.Channel<string>(capacity);
      const batch = ch.receiveMany(3, { min: 3, linger: 10 });
      const behind = a.select({ value: a.recv(ch) });
      const sent = ["x", "y"].map((value) => a.select({ sent: a.send(ch, value) }));
      assertEquals([await state(batch), await state(behind)], ["pending", "pending"]);
      await clock.tick(10);
      assertEquals(await batch, ["x", "y"]);
      await Promise.all(sent);
      assertEquals(await state(behind), "pending");
      await a.select({ sent: a.send(ch, "z") });
      assertEquals([(await behind).value, lines(ch), clock.timers], ["z", nobody, 0]);
    }
  }
});

Deno.test("74, R16: a context, a signal or a time takes a select off another copy's channels", async () => {
  using clock = fakeClock();
  for (const [a, b] of ways) {
    const ch = new b.Channel<string>();
    using ctx = a.withCancel(a.background());
    const controller = new AbortController();
    const cases = { value: a.recv(ch), sent: a.send(ch, "x") };
    const waiting = [
      a.select(cases, ctx),
      a.select({ value: a.recv(ch) }, controller.signal),
      a.select({ value: a.recv(ch), late: a.after(5) }).then((r) => r.key),
    ];
    // The first two's ends match, if they may.
    ctx.cancel("over");
    controller.abort("aborted");
    await clock.tick(5);
    const results = await Promise.all(
      waiting.map((one) => (one as Promise<unknown>).catch((e) => e)),
    );
    assertEquals(results[2], "late");
    assertEquals([lines(ch), clock.timers], [nobody, 0]);
  }
});

Deno.test("R17: cases and contexts of another copy are refused, since they are not this copy's", async () => {
  const ch = new ours.Channel<string>(1);
  ch.trySend("x");
  const it = theirs.recv(ch);
  await assertRejects(() => ours.select({ it }), TypeError, 'case "it"');
  assertThrows(() => ours.trySelect({ it: theirs.otherwise }), TypeError, 'case "it"');
  using ctx = theirs.withCancel(theirs.background());
  await assertRejects(() => ours.select({ it: ours.recv(ch) }, ctx), TypeError, "signal");
  await assertRejects(() => ours.select({ it: ours.recv(ch) }, { ctx }), TypeError, "signal");
  assertThrows(() => ours.whenDone(ctx), TypeError, "signal");
  assertEquals(ch.length, 1);
  // Its signal and its channel are the ways across.
  const ended = ours.select({ a: ours.whenDone(ctx.signal) });
  const closed = ours.select({ b: ours.recv(ctx.whenDone) });
  ctx.cancel("over");
  assertEquals([(await ended).cause, (await closed).ok], ["over", false]);
});
