import { assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import {
  after,
  background,
  type Case,
  type Cases,
  Channel,
  type Context,
  otherwise,
  PriorityQueue,
  Queue,
  recv,
  select,
  type SelectOptions,
  send,
  type Sink,
  type Source,
  ticker,
  trySelect,
  whenDone,
} from "../mod.ts";
import { lines } from "./support/lines.ts";
import { settled } from "./support/settle.ts";

const nobody = { takers: 0, putters: 0 };

Deno.test("R24: a second default is a TypeError, and the first of the ready cases is not taken", async () => {
  const ch = Channel.from(["a"], 1);
  await settled();
  const cases = { value: recv(ch), idle: otherwise, idle2: otherwise };
  assertThrows(() => trySelect(cases), TypeError, '"idle2"');
  await assertRejects(() => select(cases), TypeError, '"idle2"');
  assertEquals(ch.length, 1);
});

Deno.test("R24: a send to what can only be received from is a TypeError, and so is the reverse", () => {
  const sourceOnly: unknown[] = [background().whenDone, {}, [], "x", 1, Symbol(), () => {}];
  using tick = ticker(1_000);
  sourceOnly.push(tick);
  for (const it of sourceOnly) {
    assertThrows(() => send(it as Sink<number>, 1), TypeError, "send needs something to send to");
  }
  for (const it of [{}, [], "x", 1, true, Symbol(), new Set([1]), Promise.resolve(1)]) {
    assertThrows(() => recv(it as unknown as Source<1>), TypeError, "recv needs something");
  }
});

Deno.test("R17: cases that are none make select reject and trySelect throw, before anything is taken", async () => {
  const ch = new Channel<string>(1);
  ch.trySend("a");
  const promise = Promise.resolve(1);
  const bad: readonly (readonly [unknown, string])[] = [
    [null, "null"],
    [undefined, "undefined"],
    [1, "1"],
    ["ab", '"ab"'],
    [() => {}, "a function"],
    [{ value: recv(ch), it: ch }, 'case "it"'],
    [{ value: recv(ch), it: promise }, 'case "it"'],
    [{ value: recv(ch), it: { op: "recv" } }, 'case "it"'],
    [{ value: recv(ch), it: 0 }, 'case "it"'],
    [{ value: recv(ch), it: false }, 'case "it"'],
    [[["value", recv(ch)], ["it", "x"]], 'case "it"'],
    [[["value", recv(ch)], recv(ch)], "entry"],
    [[["value", recv(ch)], null], "entry"],
    [[["value", recv(ch)], { 0: "it", 1: recv(ch), length: 2 }], "entry"],
  ];
  for (const [cases, shown] of bad) {
    assertThrows(() => trySelect(cases as Cases), TypeError, shown);
    const promised = select(cases as Cases);
    await assertRejects(() => promised, TypeError, shown);
  }
  assertEquals([ch.length, lines(ch)], [1, nobody]);
});

Deno.test("R17: what an iterable or a getter of cases throws, select rejects with", async () => {
  const failure = new Error("from the iterable");
  function* failing(): Generator<[string, Case]> {
    yield ["a", recv(new Channel<string>())];
    throw failure;
  }
  assertStrictEquals(await select(failing()).catch((e) => e), failure);
  assertThrows(() => trySelect(failing()), Error, failure.message);
  const getter = Object.defineProperty({}, "a", {
    enumerable: true,
    get: () => {
      throw failure;
    },
  }) as Cases;
  assertStrictEquals(await select(getter).catch((e) => e), failure);
});

Deno.test("R17: a time that is no number is a TypeError, NaN a RangeError, both when the case is made", () => {
  for (const ms of ["1", null, undefined, {}, 1n, new Date()]) {
    assertThrows(() => after(ms as number), TypeError, "ms must be a number");
  }
  assertThrows(() => after(NaN), RangeError, "NaN");
  assertEquals(trySelect({ late: after(Infinity) }), undefined);
  assertEquals(trySelect({ late: after(-Infinity) })?.key, "late");
});

Deno.test("R17: whenDone of what is neither a context nor a signal is a TypeError", () => {
  const signalLike = { aborted: false, reason: undefined, addEventListener() {} };
  const contextLike = { done: true, cause: 1, throwIfDone() {} };
  for (const it of [0, "x", {}, signalLike, contextLike, new AbortController(), { signal: 1 }]) {
    assertThrows(() => whenDone(it as unknown as Context), TypeError, "whenDone");
  }
});

Deno.test("R17: bad options reject, or throw where there is no promise; unknown ones are ignored", async () => {
  const ch = new Channel<string>(1);
  ch.trySend("a");
  const cases = { value: recv(ch) };
  for (const wait of [null, 1, "x", true, () => {}, Symbol()]) {
    await assertRejects(() => select(cases, wait as unknown as SelectOptions), TypeError);
    assertThrows(() => trySelect(cases, wait as unknown as SelectOptions), TypeError);
  }
  for (const wait of [{ timeout: "1" }, { ctx: {} }, { signal: {} }, { ctx: null }]) {
    await assertRejects(() => select(cases, wait as unknown as SelectOptions), TypeError);
  }
  await assertRejects(() => select(cases, { timeout: NaN }), RangeError);
  assertEquals(ch.length, 1);
  const unknown = { patience: NaN, biased: undefined } as SelectOptions;
  assertEquals((await select(cases, unknown)).value, "a");
});

Deno.test("R20, R31: an item that its queue refuses makes the select reject, if it is the case that is picked", async () => {
  const heavy = new Queue<number>({ maxSize: 1, weigh: (n) => n });
  const ranked = new PriorityQueue<unknown>();
  const bad: readonly (readonly [Case, typeof TypeError | typeof RangeError])[] = [
    [send(heavy, 2), RangeError],
    [send(heavy, NaN), RangeError],
    [send(heavy, -1), RangeError],
    [send(ranked, {}), TypeError],
    [send(ranked, NaN), RangeError],
  ];
  for (const [it, type] of bad) {
    assertThrows(() => trySelect({ it }), type);
    await assertRejects(() => select({ it }), type);
    assertEquals(trySelect([["value", recv(Channel.from([]))], ["idle", otherwise]])?.key, "idle");
    const ch = new Channel<number>(1);
    assertEquals((await select({ first: send(ch, 1), it }, { biased: true })).key, "first");
  }
  assertEquals([heavy.size, heavy.unfinished, ranked.size, ranked.unfinished], [0, 0, 0, 0]);
});

Deno.test("R20: a parked select whose item cannot be ranked rejects, and the get that let it in succeeds", async () => {
  const failure = new Error("cannot be compared");
  const q = new PriorityQueue<string>({
    maxSize: 2,
    compare(a, b) {
      if (a === "bad" || b === "bad") throw failure;
      return a < b ? -1 : 1;
    },
  });
  q.tryPut("a");
  q.tryPut("b");
  const idle = new Channel<string>();
  const waiting = select({ sent: send(q, "bad"), other: recv(idle) });
  const behind = q.put("c");
  assertEquals(q.tryGet(), { value: "a" });
  assertStrictEquals(await waiting.catch((error) => error), failure);
  await behind;
  assertEquals([q.size, q.unfinished, lines(idle), lines(q)], [2, 3, nobody, nobody]);
});
