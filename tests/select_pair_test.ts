import { assert, assertEquals, assertFalse, assertStrictEquals } from "@std/assert";
import {
  type CaseEntry,
  Channel,
  PriorityQueue,
  Queue,
  recv,
  select,
  send,
  trySelect,
} from "../mod.ts";
import { seed } from "../core/random.ts";
import { lines } from "./support/lines.ts";
import { state } from "./support/settle.ts";

const nobody = { takers: 0, putters: 0 };

// ---- the same channel twice ----

Deno.test("60: one channel in several cases delivers once, and all are taken off it", async () => {
  const ch = new Channel<string>();
  const waiting = select({ a: recv(ch), b: recv(ch), c: recv(ch) });
  assertEquals(lines(ch), { takers: 3, putters: 0 });
  assert(ch.trySend("x"));
  assertEquals(lines(ch), nobody);
  assertFalse(ch.trySend("y"));
  assertEquals((await waiting).value, "x");

  const sending = select([[0, send(ch, "s")], [1, send(ch, "t")], [2, send(ch, "u")]]);
  const { value } = ch.tryReceive()!;
  assertEquals(["s", "t", "u"].indexOf(value!), (await sending).key);
  assertEquals([ch.tryReceive(), lines(ch)], [undefined, nobody]);
});

Deno.test("61, P4: both ends of an unbuffered channel in one select never meet", async () => {
  const ch = new Channel<string>();
  for (const biased of [true, false]) {
    for (const flip of [true, false]) {
      const ends: CaseEntry[] = [["r", recv(ch)], ["s", send(ch, "mine")], ["r2", recv(ch)]];
      if (flip) ends.reverse();
      assertStrictEquals(trySelect(ends, { biased }), undefined);

      const one = select(ends, { biased });
      assertEquals(await state(one), "pending");
      assert(ch.trySend("theirs"));
      assertEquals((await one).value, "theirs");

      const other = select(ends, { biased });
      assertEquals(ch.tryReceive(), { ok: true, value: "mine" });
      assertEquals((await other).key, "s");
      assertEquals(lines(ch), nobody);
    }
  }
});

Deno.test("61: a select with both ends stands in nobody's way", async () => {
  const ch = new Channel<string>();
  const both = select({ r: recv(ch), s: send(ch, "both") });
  const taken = ch.take();
  assertEquals(await taken, "both");
  assertEquals((await both).key, "s");

  const again = select({ s: send(ch, "both"), r: recv(ch) });
  const sent = ch.send("sent");
  const behind = ch.receive();
  assertEquals((await again).key, "r");
  await sent;
  assertEquals(await state(behind), "pending");
  ch.close();
  await behind;
});

Deno.test("61, 62: two selects with both ends each meet, once", async () => {
  for (let trial = 0; trial < 50; trial++) {
    seed(trial + 1);
    const ch = new Channel<string>();
    const ends = (name: string) => ({ r: recv(ch), s: send(ch, name) });
    const [a, b] = await Promise.all([select(ends("a")), select(ends("b"))]);
    assertEquals([a.key, b.key].sort(), ["r", "s"]);
    assertEquals(a.key === "r" ? a.value : b.value, a.key === "r" ? "b" : "a");
    assertEquals(lines(ch), nobody);
  }
});

Deno.test("61: with a buffer a select may receive what it sent before", async () => {
  const ch = new Channel<number>(10);
  const sent: number[] = [];
  const got: number[] = [];
  for (let n = 0; n < 500; n++) {
    const r = await select({ r: recv(ch), s: send(ch, n) });
    if (r.key === "s") sent.push(n);
    else if (r.ok) got.push(r.value);
  }
  for (let left = ch.tryReceive(); left?.ok; left = ch.tryReceive()) got.push(left.value);
  assertEquals(got, sent);
  assert(got.length > 100);
});

// ---- two selects ----

Deno.test("62: two selects with mirrored cases meet in exactly one direction", async () => {
  seed(62);
  for (let trial = 0; trial < 500; trial++) {
    const a = new Channel<string>();
    const b = new Channel<string>();
    const [one, two] = await Promise.all([
      select({ a: send(a, "1"), b: recv(b) }),
      select({ a: recv(a), b: send(b, "2") }),
    ]);
    assertEquals(one.key, two.key);
    assertEquals([one.value, two.value], one.key === "a" ? [undefined, "1"] : ["2", undefined]);
    assertEquals([lines(a), lines(b)], [nobody, nobody]);
  }
});

Deno.test("62: four in a ring of unbuffered channels all come through", async () => {
  seed(4);
  const ring = Array.from({ length: 4 }, () => new Channel<number>());
  const counts = ring.map(() => ({ sent: 0, got: 0 }));
  await Promise.all(ring.map(async (mine, at) => {
    const next = ring[(at + 1) % 4]!;
    const count = counts[at]!;
    while (count.sent < 500 || count.got < 500) {
      const r = await select({
        sent: count.sent < 500 ? send(next, at) : null,
        got: count.got < 500 ? recv(mine) : undefined,
      });
      count[r.key]++;
      if (r.key === "got") assertEquals(r.value, (at + 3) % 4);
    }
  }));
  assertEquals(counts, ring.map(() => ({ sent: 500, got: 500 })));
});

Deno.test("63: a select that sends and one that receives commit together", async () => {
  for (const senderFirst of [true, false]) {
    const ch = new Channel<string>();
    const others = [new Channel<string>(), new Channel<string>()] as const;
    const sending = () => select({ s: send(ch, "x"), other: recv(others[0]) });
    const receiving = () => select({ r: recv(ch), other: recv(others[1]) });
    const early = senderFirst ? sending() : undefined;
    const got = receiving();
    const sent = early ?? sending();
    assertEquals([lines(ch), lines(others[0]), lines(others[1])], [nobody, nobody, nobody]);
    assertEquals((await sent).key, "s");
    assertEquals((await got).value, "x");
  }
});

Deno.test("63: what `weigh`, `compare` and `onDrop` do within a select comes after it, or before it, not between", async () => {
  // Each of them, while a select sends, tries to serve another case of that select.
  const other = new Channel<string>();
  const meddle = (): void => void other.trySend("meddled");
  const meddled: unknown[] = [];

  const weighing = new Queue<number>({ maxSize: 2, weigh: () => (meddle(), 1) });
  const comparing = new PriorityQueue<number>({ compare: (a, b) => (meddle(), a - b) });
  comparing.tryPut(0);
  const dropping = new Channel<number>({ capacity: 1, overflow: "dropOldest", onDrop: meddle });
  dropping.trySend(0);
  for (const sink of [weighing, comparing, dropping]) {
    const r = await select({ sent: send(sink, 1), other: recv(other) });
    meddled.push(r.key);
    assertEquals(lines(other), nobody);
  }
  assertEquals(meddled, ["sent", "sent", "sent"]);
  assertEquals([weighing.size, comparing.size, dropping.length], [1, 2, 1]);

  // The same when the select is parked, and is let in by somebody's get.
  comparing.shutdown();
  const small = new PriorityQueue<number>({
    maxSize: 2,
    compare: (a, b) => (meddle(), a - b),
  });
  small.tryPut(1);
  small.tryPut(2);
  const waiting = select({ sent: send(small, 3), other: recv(other) });
  assertEquals(await state(waiting), "pending");
  assertEquals(small.tryGet(), { value: 1 });
  const r = await waiting;
  assertEquals(small.size, r.key === "sent" ? 2 : 1);
  assertEquals([lines(other), lines(small)], [nobody, nobody]);
});
