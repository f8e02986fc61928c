import { assert, assertEquals, assertFalse, assertStrictEquals } from "@std/assert";
import {
  background,
  Channel,
  otherwise,
  Queue,
  type Received,
  recv,
  select,
  send,
  sinkPort,
  type Source,
  sourcePort,
  trySelect,
  type Waiter,
  withCancel,
} from "../mod.ts";
import { seed } from "../core/random.ts";
import { bare, Rack, Rendezvous, Shelf } from "./support/foreign.ts";
import { lines } from "./support/lines.ts";
import { settled, state } from "./support/settle.ts";

const nobody = { takers: 0, putters: 0 };
const failure = new Error("from the port");

// ---- sources and sinks that somebody else wrote ----

Deno.test("R16: the keys of the ports are shared by all copies of the module", () => {
  assertStrictEquals(sourcePort, Symbol.for("sluice.source"));
  assertStrictEquals(sinkPort, Symbol.for("sluice.sink"));
});

Deno.test("R16: a foreign port that is ready is taken in one attempt, and never parked at", async () => {
  const shelf = new Shelf<string | undefined>();
  const rack = new Rack<string | undefined>();
  for (const value of ["a", undefined]) {
    shelf.put(value);
    rack.makeRoom();
    assertEquals<unknown>(await select({ it: recv(shelf) }), { key: "it", ok: true, value });
    assertEquals((await select({ it: send(rack, value) })).key, "it");
    shelf.put(value);
    rack.makeRoom();
    assertEquals<unknown>(trySelect({ it: recv(shelf) }), { key: "it", ok: true, value });
    assertEquals(trySelect({ it: send(rack, value) })?.key, "it");
  }
  assertEquals(rack.values, ["a", "a", undefined, undefined]);
  assertEquals([shelf.waiters.parks, rack.waiters.parks], [0, 0]);
  assertEquals([shelf.attempts, rack.attempts], [4, 4]);
});

Deno.test("R16: where nothing is ready trySelect does not park, and a default goes its way", async () => {
  const shelf = new Shelf<string>();
  const rack = new Rack<string>();
  const cases = { value: recv(shelf), sent: send(rack, "x") };
  assertStrictEquals(trySelect(cases), undefined);
  assertEquals((await select({ ...cases, idle: otherwise })).key, "idle");
  assertEquals([shelf.waiters.parks, rack.waiters.parks, rack.values.length], [0, 0, 0]);
});

Deno.test("R16: a parked select that is woken has taken, and left all ports, before wake returns", async () => {
  for (const which of ["shelf", "rack"] as const) {
    const shelf = new Shelf<string>();
    const rack = new Rack<string>();
    const ch = new Channel<string>();
    const waiting = select({ a: recv(shelf), b: recv(ch), c: send(rack, "x"), d: send(ch, "y") });
    assertEquals([shelf.waiters.count, rack.waiters.count], [1, 1]);
    if (which === "shelf") shelf.put("v");
    else rack.makeRoom();
    assertEquals([shelf.waiters.count, rack.waiters.count, lines(ch)], [0, 0, nobody]);
    assertEquals([shelf.values.length, rack.values.length], [0, which === "rack" ? 1 : 0]);
    assertEquals((await waiting).key, which === "shelf" ? "a" : "c");
    // Nobody takes what comes afterwards.
    shelf.put("w");
    rack.makeRoom();
    assertEquals([shelf.values.length, rack.values.length], [1, which === "rack" ? 1 : 0]);
  }
});

Deno.test("R16: the end of a foreign source, and its error, are a receive with ok false", async () => {
  for (const error of [undefined, failure]) {
    const shelf = new Shelf<string>();
    const waiting = select({ value: recv(shelf) });
    shelf.end(error);
    for (const r of [await waiting, await select({ value: recv(shelf) })]) {
      assertEquals([r.key, r.ok, r.value], ["value", false, undefined]);
      assertStrictEquals(r.error, error);
    }
    assertEquals(shelf.waiters.count, 0);
  }
});

Deno.test("R16: one value serves one of several parked selects, in the order of the port", async () => {
  const shelf = new Shelf<number>();
  const waiting = Array.from({ length: 5 }, () => select({ value: recv(shelf) }));
  shelf.put(0);
  shelf.put(1);
  assertEquals(shelf.waiters.count, 3);
  for (const n of [2, 3, 4, 5]) shelf.put(n);
  assertEquals((await Promise.all(waiting)).map((r) => r.value), [0, 1, 2, 3, 4]);
  assertEquals(shelf.values, [5]);
});

Deno.test("R16: a wake for nothing is false, and leaves the select as it was", async () => {
  const { source, waiters } = bare<string>(() => undefined);
  const other = new Channel<string>();
  const waiting = select({ value: recv(source), other: recv(other) });
  for (let n = 0; n < 3; n++) assertFalse([...waiters][0]!.wake());
  assertEquals([waiters.size, lines(other).takers, await state(waiting)], [1, 1, "pending"]);
  assert(other.trySend("x"));
  assertEquals([(await waiting).value, waiters.size], ["x", 0]);
});

Deno.test("R16: a wake of a select that is decided is false, and takes nothing", async () => {
  const shelf = new Shelf<string>();
  const kept: Waiter[] = [];
  const hoarder: Source<string> = {
    [sourcePort]: {
      tryTake: () => shelf[sourcePort].tryTake(),
      park: (waiter) => kept.push(waiter) < 0,
      unpark: () => {},
    },
  };
  const other = new Channel<string>();
  using ctx = withCancel(background());
  const won = select({ value: recv(hoarder), other: recv(other) });
  const ended = select({ value: recv(hoarder) }, ctx);
  other.trySend("x");
  ctx.cancel("over");
  shelf.put("y");
  assertEquals(kept.map((waiter) => waiter.wake()), [false, false]);
  assertEquals([(await won).value, await ended.catch((e) => e)], ["x", "over"]);
  assertEquals(shelf.values, ["y"]);
});

Deno.test("56, R16: two ports that become ready in one step: one case commits", async () => {
  const a = new Shelf<string>();
  const b = new Rack<string>();
  const ch = new Channel<string>(1);
  const waiting = select({ a: recv(a), b: send(b, "x"), c: recv(ch) });
  b.makeRoom();
  a.put("a");
  ch.trySend("c");
  assertEquals((await waiting).key, "b");
  assertEquals([a.values, b.values, ch.length], [["a"], ["x"], 1]);
});

Deno.test("R16: in its own attempt a select answers false to any wake, and forgets it", async () => {
  // The first port wakes everybody, itself too, while it is asked.
  const answers: boolean[] = [];
  const all = new Set<Waiter>();
  let ready = false;
  const noisy: Source<string> = {
    [sourcePort]: {
      tryTake(): Received<string> | undefined {
        for (const waiter of [...all]) answers.push(waiter.wake());
        return ready ? { ok: true, value: "mine" } : undefined;
      },
      park: (waiter) => (all.add(waiter), false),
      unpark: (waiter) => void all.delete(waiter),
    },
  };
  const shelf = new Shelf<string>();
  const quiet: Source<string> = {
    [sourcePort]: {
      tryTake: () => shelf[sourcePort].tryTake(),
      park: (waiter) => (all.add(waiter), false),
      unpark: (waiter) => void all.delete(waiter),
    },
  };
  const ch = new Channel<string>();
  const waiting = select({ noisy: recv(noisy), quiet: recv(quiet), ch: send(ch, "x") });
  assertEquals(all.size, 2);
  shelf.values.push("left alone");
  const [first] = all;
  assertFalse(first!.wake());
  assertEquals([answers, shelf.values.length, all.size], [[false, false], 1, 2]);
  ready = true;
  assert(first!.wake());
  assertEquals(answers, [false, false, false, false]);
  assertEquals([(await waiting).value, shelf.values.length, lines(ch)], ["mine", 1, nobody]);
});

Deno.test("R16: a native partner that comes while a select is in an attempt finds it busy", async () => {
  // The foreign port tries to serve the native case of the very select that asks it.
  const ch = new Channel<string>();
  const got: unknown[] = [];
  const meddling = bare<string>(() => {
    got.push(ch.trySend("meddled"), ch.tryReceive());
    return got.length > 2 ? { ok: true, value: "own" } : undefined;
  });
  const waiting = select({ own: recv(meddling.source), r: recv(ch), s: send(ch, "x") });
  assert([...meddling.waiters][0]!.wake());
  // The first two belong to the attempt before it parked.
  assertEquals(got, [false, undefined, false, undefined]);
  assertEquals([(await waiting).key, lines(ch)], ["own", nobody]);
});

Deno.test("R16, 56: a channel that closes while a select is in an attempt does not decide it as well", async () => {
  for (const side of ["recv", "send"] as const) {
    const ch = new Channel<string>();
    let closes = false;
    const closing = bare<string>(() => {
      if (!closes) return undefined;
      ch.close();
      return { ok: true, value: "own" };
    });
    const waiting = select({
      own: recv(closing.source),
      ch: side === "recv" ? recv(ch) : send(ch, "x"),
    });
    closes = true;
    assert([...closing.waiters][0]!.wake());
    assertEquals([(await waiting).value, lines(ch)], ["own", nobody]);
  }
});

// ---- both ends of one port ----

Deno.test("61, R16: a select on both ends of a foreign rendezvous never meets itself", async () => {
  for (const flip of [true, false]) {
    const meet = new Rendezvous<string>();
    const both = () =>
      flip
        ? select({ r: recv(meet), s: send(meet, "mine"), r2: recv(meet) })
        : select({ s: send(meet, "mine"), r: recv(meet), s2: send(meet, "mine") });
    assertStrictEquals(trySelect({ r: recv(meet), s: send(meet, "mine") }), undefined);
    const one = both();
    assertEquals(await state(one), "pending");
    // Somebody who finds nothing, and wakes all.
    meet.takers.wakeOne();
    meet.givers.wakeOne();
    assertEquals(await state(one), "pending");

    assertEquals((await select({ s: send(meet, "theirs") })).key, "s");
    assertEquals((await one).value, "theirs");
    const other = both();
    assertEquals((await select({ r: recv(meet) })).value, "mine");
    assert((await other).key.startsWith("s"));
    assertEquals([meet.takers.count, meet.givers.count], [0, 0]);
  }
});

Deno.test("61, 62, R16: two selects with both ends of a foreign rendezvous meet, once", async () => {
  for (let trial = 0; trial < 50; trial++) {
    seed(trial + 1);
    const meet = new Rendezvous<string>();
    const ends = (name: string) => select({ r: recv(meet), s: send(meet, name) });
    const [a, b] = await Promise.all([ends("a"), ends("b")]);
    assertEquals([a.key, b.key].sort(), ["r", "s"]);
    assertEquals(a.value ?? b.value, a.key === "r" ? "b" : "a");
    assertEquals([meet.takers.count, meet.givers.count], [0, 0]);
  }
});

Deno.test("62, R16: mirrored selects over one foreign and one native rendezvous meet in one direction", async () => {
  seed(62);
  const keys = new Set<string>();
  for (let trial = 0; trial < 200; trial++) {
    const meet = new Rendezvous<string>();
    const ch = new Channel<string>();
    const [one, two] = await Promise.all([
      select({ meet: send(meet, "1"), ch: recv(ch) }),
      select({ meet: recv(meet), ch: send(ch, "2") }),
    ]);
    assertEquals(one.key, two.key);
    assertEquals([one.value, two.value], one.key === "meet" ? [undefined, "1"] : ["2", undefined]);
    assertEquals([meet.takers.count, meet.givers.count, lines(ch)], [0, 0, nobody]);
    keys.add(one.key);
  }
  assertEquals(keys.size, 2);
});

// ---- foreign and native cases together ----

Deno.test("R16: over foreign and native cases nothing is lost, doubled, or left", async () => {
  seed(16);
  const shelf = new Shelf<number>();
  const meet = new Rendezvous<number>();
  const ch = new Channel<number>();
  const q = new Queue<number>(3);
  const rack = new Rack<number>();
  const end = new Channel<never>();
  const got: number[] = [];
  const receivers = Array.from({ length: 4 }, async () => {
    for (let open = true; open;) {
      const r = await select({
        shelf: recv(shelf),
        meet: recv(meet),
        ch: recv(ch),
        q: recv(q),
        end: recv(end),
      });
      if (r.ok) got.push(r.value);
      else open = false;
    }
  });
  const senders = Array.from({ length: 4 }, async (_, sender) => {
    for (let n = sender; n < 4_000; n += 4) {
      if (n % 10 === 0) shelf.put(n);
      else if (n % 10 === 1) rack.makeRoom();
      await select({
        meet: send(meet, n + 10_000),
        ch: send(ch, n + 10_000),
        q: send(q, n + 10_000),
        rack: send(rack, n + 10_000),
      });
    }
  });
  await Promise.all(senders);
  await settled();
  end.close();
  await Promise.all(receivers);
  const sent = got.filter((n) => n >= 10_000).concat(rack.values).sort((a, b) => a - b);
  assertEquals(sent, Array.from({ length: 4_000 }, (_, n) => n + 10_000));
  assertEquals(got.filter((n) => n < 10_000).length, 400);
  assertEquals([lines(ch), lines(q), lines(end)], [nobody, nobody, nobody]);
  assertEquals([meet.takers, meet.givers, shelf.waiters, rack.waiters].map((at) => at.count), [
    0,
    0,
    0,
    0,
  ]);
});

Deno.test("R16: on our own channels and queues select uses no port, and so pays for none", async () => {
  const never = (): never => {
    throw new Error("a port was used");
  };
  for (const it of [new Channel<string>(), new Queue<string>(1)]) {
    for (const port of [it[sourcePort], it[sinkPort]]) {
      Object.assign(port, { tryTake: never, tryOffer: never, park: never, unpark: never });
    }
    const other = new Channel<string>();
    const waiting = select({ value: recv(it), other: recv(other) });
    await select({ sent: send(it, "x") });
    assertEquals((await waiting).value, "x");
  }
});
