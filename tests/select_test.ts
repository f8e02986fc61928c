import { assert, assertEquals, assertFalse, assertStrictEquals } from "@std/assert";
import {
  after,
  background,
  type Case,
  type CaseEntry,
  Channel,
  otherwise,
  PriorityQueue,
  Queue,
  recv,
  select,
  send,
  trySelect,
  whenDone,
  withCancel,
} from "../mod.ts";
import { below, seed } from "../core/random.ts";
import { lines } from "./support/lines.ts";
import { settled, state } from "./support/settle.ts";

const nobody = { takers: 0, putters: 0 };

// ---- what is taken ----

Deno.test("54: the one case that is ready is taken, whichever it is and whatever stands beside it", async () => {
  const context = withCancel(background());
  context.cancel("over");
  const ready: readonly (() => readonly [Case, unknown])[] = [
    () => [recv(buffered("a")), { key: "it", ok: true, value: "a" }],
    () => [recv(queued("a")), { key: "it", ok: true, value: "a" }],
    () => [recv(offered("a")), { key: "it", ok: true, value: "a" }],
    () => [recv(closed()), { key: "it", ok: false, value: undefined }],
    () => [send(new Channel<number>(1), 1), { key: "it", ok: true, value: undefined }],
    () => [send(new Queue<number>(), 1), { key: "it", ok: true, value: undefined }],
    () => [send(wanted(), 1), { key: "it", ok: true, value: undefined }],
    () => [whenDone(context), { key: "it", ok: false, value: undefined, cause: "over" }],
  ];
  for (const make of ready) {
    for (let at = 0; at < 3; at++) {
      const ways: ((cases: [string, Case][]) => unknown)[] = [
        (cases) => select(cases),
        (cases) => select(new Map(cases)),
        (cases) => select(Object.fromEntries(cases)),
        (cases) => trySelect(cases),
        (cases) => trySelect(Object.fromEntries(cases)),
      ];
      for (const way of ways) {
        const [it, expected] = make();
        const cases: [string, Case][] = [
          ["empty", recv(new Channel<string>())],
          ["full", send(full(), 1)],
        ];
        cases.splice(at, 0, ["it", it]);
        assertEquals(await way(cases), expected);
      }
    }
  }
});

Deno.test("54: with nothing ready the default is taken, and nothing is left in any line", async () => {
  const empty = new Channel<string>();
  const room = full();
  const context = withCancel(background());
  const cases = {
    idle: otherwise,
    value: recv(empty),
    sent: send(room, 2),
    late: after(1_000),
    ended: whenDone(context),
  };
  const expected = { key: "idle", ok: true, value: undefined };
  assertEquals<unknown>(await select(cases), expected);
  assertEquals<unknown>(trySelect(cases), expected);
  assertEquals([lines(empty), lines(room)], [nobody, nobody]);
  assertEquals(room.length, 1);
});

Deno.test("54: a default never goes before a case that is ready", () => {
  for (let trial = 0; trial < 100; trial++) {
    assertEquals(trySelect({ idle: otherwise, value: recv(buffered("a")) })?.key, "value");
    assertEquals(trySelect({ idle: otherwise, end: recv(closed()) })?.key, "end");
    assertEquals(trySelect({ sent: send(wanted(), 1), idle: otherwise })?.key, "sent");
  }
});

Deno.test("54: with nothing ready a select parks, and the first case to become ready wins", async () => {
  for (const first of ["a", "b", "s"] as const) {
    const a = new Channel<number>();
    const b = new Queue<number>();
    const s = full();
    const waiting = select({ a: recv(a), b: recv(b), s: send(s, 2) });
    assertEquals(await state(waiting), "pending");
    const make = {
      a: () => void a.trySend(1),
      b: () => void b.tryPut(1),
      s: () => void s.tryReceive(),
    };
    make[first]();
    for (const other of ["a", "b", "s"] as const) make[other]();
    assertEquals((await waiting).key, first);
    assertEquals([lines(a), lines(b), lines(s)], [nobody, nobody, nobody]);
  }
});

Deno.test("54: trySelect without a default is undefined when nothing is ready", () => {
  assertStrictEquals(trySelect({ value: recv(new Channel<number>()) }), undefined);
  assertStrictEquals(trySelect({ sent: send(full(), 1) }), undefined);
  assertStrictEquals(trySelect({ late: after(1) }), undefined);
  assertStrictEquals(trySelect({ ended: whenDone(background()) }), undefined);
  assertStrictEquals(trySelect({}), undefined);
  assertStrictEquals(trySelect([]), undefined);
});

Deno.test("69: trySelect finds nothing only if each of its cases by itself finds nothing", () => {
  seed(69);
  for (let trial = 0; trial < 2_000; trial++) {
    const bits = below(2 ** 20);
    const rooms = [0, 1, 2, 3].map((at) => {
      const ch = new Channel<number>(bits >> at & 1);
      if (bits >> at + 4 & 1) ch.trySend(0);
      else if (bits >> at + 8 & 1) void ch.send(0);
      else if (bits >> at + 12 & 1) void ch.receive();
      return ch;
    });
    const receives = (at: number): boolean => (bits >> at + 16 & 1) === 1;
    const ready = rooms.filter((ch, at) =>
      receives(at)
        ? ch.length > 0 || lines(ch).putters > 0
        : lines(ch).takers > 0 || ch.length < ch.capacity
    );
    const cases = rooms.map((ch, at) => [ch, receives(at) ? recv(ch) : send(ch, 1)] as const);
    const taken = trySelect([["none", otherwise], ...cases]);
    assertEquals(taken!.key !== "none", ready.length > 0);
    if (ready.length > 0) assert(ready.includes(taken!.key as Channel<number>));
  }
});

Deno.test("69, R6: what a filling batch holds back is not ready, and a select parks behind it", async () => {
  const ch = new Channel<number>(5);
  const batch = ch.receiveMany(3, { min: 3 });
  ch.trySend(1);
  ch.trySend(2);
  assertEquals(trySelect({ value: recv(ch), idle: otherwise })?.key, "idle");
  const waiting = select({ value: recv(ch) });
  assertEquals(await state(waiting), "pending");
  ch.trySend(3);
  assertEquals(await batch, [1, 2, 3]);
  assertEquals(await state(waiting), "pending");
  ch.trySend(4);
  assertEquals((await waiting).value, 4);
});

// ---- exactly one commits ----

Deno.test("56: a sender with four ways, and receivers at all of them: each number arrives once", async () => {
  for (const capacity of [0, 1, 5]) {
    seed(capacity + 1);
    const ways = Array.from({ length: 4 }, () => new Channel<number>(capacity));
    const arrived: number[] = [];
    const receiving = ways.map(async (ch) => {
      for await (const n of ch) arrived.push(n);
    });
    for (let n = 0; n < 2_000; n++) await select(ways.map((ch) => [ch, send(ch, n)] as const));
    for (const ch of ways) ch.close();
    await Promise.all(receiving);
    assertEquals(arrived.sort((a, b) => a - b), Array.from({ length: 2_000 }, (_, n) => n));
  }
});

Deno.test("56: of two cases that become ready in one step one commits, the other has not happened", async () => {
  const a = new Channel<string>(1);
  const b = new Channel<string>(1);
  const out = full();
  const waiting = select({ a: recv(a), b: recv(b), out: send(out, 2) });
  assert(b.trySend("b"));
  assert(a.trySend("a"));
  assertEquals(out.tryReceive(), { ok: true, value: 0 });
  assertEquals<unknown>(await waiting, { key: "b", ok: true, value: "b" });
  assertEquals([a.length, b.length, out.length], [1, 0, 0]);
});

Deno.test("4, 56: a select that was served does not care for the abort in the same step, nor the reverse", async () => {
  const ch = new Channel<string>();
  const served = new AbortController();
  const first = select({ value: recv(ch) }, served.signal);
  assert(ch.trySend("a"));
  served.abort("too late");
  assertEquals((await first).value, "a");

  const aborted = new AbortController();
  const second = select({ value: recv(ch) }, aborted.signal);
  aborted.abort("in time");
  assertFalse(ch.trySend("b"));
  assertEquals(await second.catch((cause) => cause), "in time");
});

Deno.test("56, 63: a partner whose select is decided in this step is passed over, not completed", async () => {
  const a = new Channel<string>();
  const b = new Channel<string>();
  const one = select({ a: recv(a), b: recv(b) });
  const two = select({ a: recv(a) });
  assert(b.trySend("b"));
  assert(a.trySend("a"));
  assertEquals((await one).key, "b");
  assertEquals((await two).value, "a");
});

Deno.test("57, P6: every value and channel is evaluated once, in source order, whichever case wins", async () => {
  const log: string[] = [];
  const note = <T>(name: string, value: T): T => (log.push(name), value);
  const out = new Channel<number>(1);
  const r = await select({
    b: send(note("blocked", full()), note("its value", 1)),
    a: send(note("out", out), note("its", 2)),
    c: recv(note("empty", new Channel<number>())),
  });
  assertEquals(r.key, "a");
  assertEquals(log, ["blocked", "its value", "out", "its", "empty"]);
});

Deno.test("57: the cases of a record and of entries are read once each, in their order", async () => {
  const log: unknown[] = [];
  const ch = new Channel<number>();
  const record = Object.defineProperties({}, {
    b: { enumerable: true, get: () => (log.push("b"), recv(ch)) },
    a: { enumerable: true, get: () => (log.push("a"), recv(ch)) },
    hidden: { enumerable: false, get: () => log.push("hidden") },
  }) as { a: Case; b: Case };
  function* pairs(): Generator<CaseEntry> {
    try {
      for (const key of [2, 1]) yield [log.push(key), recv(ch)];
    } finally {
      log.push("end");
    }
  }
  const waiting = [select(record), select(pairs())];
  await settled();
  ch.trySend(1);
  ch.trySend(2);
  await Promise.all(waiting);
  assertEquals(log, ["b", "a", 2, 1, "end"]);
});

Deno.test("57, R31: what a select sends to a queue is weighed and ranked once, also when it parks", async () => {
  let weighed = 0;
  const q = new Queue<number>({ maxSize: 2, weigh: (n) => (weighed++, n) });
  q.tryPut(2);
  const waiting = select({ sent: send(q, 1) });
  assertEquals(weighed, 2);
  assertEquals(q.tryGet(), { value: 2 });
  assertEquals((await waiting).key, "sent");
  assertEquals([weighed, q.weight], [2, 1]);

  let ranked = 0;
  const p = new PriorityQueue<number>({ maxSize: 1, priority: (n) => (ranked++, n) });
  p.tryPut(1);
  void select({ sent: send(p, 0), none: recv<number>(null) });
  p.tryGet();
  assertEquals([ranked, p.size], [2, 1]);
});

Deno.test("58: a select calls nothing that it takes or sends", async () => {
  const never = (): never => {
    throw new Error("called");
  };
  const ch = new Channel<() => never>(2);
  await select({ a: send(ch, never), b: send(ch, never) });
  const r = await select({ a: recv(ch), b: recv(ch) });
  assertStrictEquals(r.value, never);
});

// ---- what they need ----

function buffered(value: string): Channel<string> {
  const ch = new Channel<string>(1);
  ch.trySend(value);
  return ch;
}

function queued(value: string): Queue<string> {
  const q = new Queue<string>();
  q.tryPut(value);
  return q;
}

/** A sender waits there. */
function offered(value: string): Channel<string> {
  const ch = new Channel<string>();
  void ch.send(value);
  return ch;
}

/** A receiver waits there. */
function wanted(): Channel<number> {
  const ch = new Channel<number>();
  void ch.receive();
  return ch;
}

function closed(): Channel<string> {
  const ch = new Channel<string>();
  ch.close();
  return ch;
}

function full(): Channel<number> {
  const ch = new Channel<number>(1);
  ch.trySend(0);
  return ch;
}
