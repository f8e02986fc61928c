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
  otherwise,
  PriorityQueue,
  Queue,
  QueueShutDown,
  recv,
  select,
  send,
  trySelect,
  withCancel,
} from "../mod.ts";
import { lines } from "./support/lines.ts";
import { state } from "./support/settle.ts";

const nobody = { takers: 0, putters: 0 };
const failure = new Error("closed with this");

// ---- receives ----

Deno.test("66: a receive from a closed channel is ready at once, with ok false, as often as asked", async () => {
  const ch = new Channel<string>(1);
  ch.close();
  for (let n = 0; n < 3; n++) {
    assertEquals<unknown>(await select({ value: recv(ch) }), end("value"));
    assertEquals<unknown>(trySelect({ value: recv(ch), idle: otherwise }), end("value"));
  }
});

Deno.test("66, 35: what is buffered comes first, then ok false, with the error if there is one", async () => {
  for (const error of [undefined, failure, null, 0, ""]) {
    const ch = new Channel<string>(2);
    ch.trySend("a");
    ch.trySend("b");
    ch.close(error);
    assertEquals((await select({ value: recv(ch) })).value, "a");
    assertEquals(trySelect({ value: recv(ch) })?.value, "b");
    const r = await select({ value: recv(ch) });
    assertEquals([r.ok, r.value], [false, undefined]);
    assertStrictEquals(r.error, error);
    assertStrictEquals(trySelect({ value: recv(ch) })?.error, error);
  }
});

Deno.test("67: a parked receive is served when the channel closes, and has left all others", async () => {
  for (const error of [undefined, failure]) {
    const ch = new Channel<string>();
    const other = new Channel<string>();
    const out = full();
    const waiting = select({ value: recv(ch), other: recv(other), sent: send(out, 1) });
    assertEquals(await state(waiting), "pending");
    ch.close(error);
    assertEquals([lines(ch), lines(other), lines(out)], [nobody, nobody, nobody]);
    const r = await waiting;
    assertEquals([r.key, r.ok, r.value], ["value", false, undefined]);
    assertStrictEquals(r.error, error);
    assertFalse(other.trySend("for nobody"));
  }
});

Deno.test("67: of many parked selects on one channel all are served when it closes", async () => {
  const ch = new Channel<string>();
  const waiting = Array.from({ length: 50 }, () => select({ a: recv(ch), b: recv(ch) }));
  ch.close();
  for (const one of waiting) assertEquals((await one).ok, false);
  assertEquals(lines(ch), nobody);
});

Deno.test("67: disposing does what closing does", async () => {
  const waiting = [];
  {
    using ch = new Channel<string>();
    waiting.push(select({ value: recv(ch) }));
    using q = new Queue<string>();
    waiting.push(select({ value: recv(q) }));
  }
  for (const one of waiting) assertEquals<unknown>(await one, end("value"));
});

// ---- sends ----

Deno.test("66, R9: a send to a closed sink rejects with its error, which carries the value", async () => {
  const ch = new Channel<unknown>({ capacity: 5, name: "results" });
  ch.close(failure);
  for (const value of ["a", undefined, null, 0, ch]) {
    const error = await assertRejects(() => select({ sent: send(ch, value) }), ClosedError);
    assertEquals([error.code, "value" in error], ["SLUICE_CLOSED", true]);
    assertStrictEquals(error.value, value);
    assertStrictEquals(error.cause, failure);
    assert(error.message.includes('"results"'));
    const thrown = assertThrows(() => trySelect({ sent: send(ch, value) }), ClosedError);
    assertStrictEquals(thrown.value, value);
  }
});

Deno.test("66: a default does not hide the send on a closed channel", async () => {
  const ch = new Channel<number>(1);
  ch.close();
  assertThrows(() => trySelect({ sent: send(ch, 1), idle: otherwise }), ClosedError);
  await assertRejects(() => select({ idle: otherwise, sent: send(ch, 1) }), ClosedError);
});

Deno.test("66: if another case is picked, a closed sink is no error, and nothing is lost", async () => {
  const ch = new Channel<number>(1);
  ch.close();
  const source = new Channel<number>(200);
  for (let n = 0; n < 200; n++) source.trySend(n);
  let rejected = 0;
  for (let n = 0; n < 200; n++) {
    const before = source.length;
    const r = await select({ sent: send(ch, n), value: recv(source) }).catch(() => rejected++);
    assertEquals(source.length, typeof r === "number" ? before : before - 1);
  }
  assertEquals(source.length, rejected);
});

Deno.test("67: a parked send rejects when the channel closes, with the value, and has left all others", async () => {
  for (const error of [undefined, failure]) {
    for (const ch of [new Channel<string>(), full<string>("x")]) {
      const other = new Channel<string>();
      const waiting = select({ sent: send(ch, "a"), again: send(ch, "b"), other: recv(other) });
      assertEquals(await state(waiting), "pending");
      ch.close(error);
      assertEquals([lines(ch), lines(other)], [nobody, nobody]);
      const rejection = await assertRejects(() => waiting, ClosedError);
      assertEquals(rejection.value, "a");
      assertStrictEquals(rejection.cause, error);
      assertFalse(other.trySend("for nobody"));
    }
  }
});

Deno.test("67, 36: no select or call behind one that is refused gets in", async () => {
  const ch = full("x");
  const waiting = [
    select({ sent: send(ch, "a") }),
    ch.send("b"),
    select({ sent: send(ch, "c"), other: recv(new Channel<string>()) }),
  ];
  ch.close();
  for (const one of waiting) await assertRejects(() => one as Promise<unknown>, ClosedError);
  assertEquals(ch.tryReceive(), { ok: true, value: "x" });
  assertEquals(ch.tryReceive()?.ok, false);
});

Deno.test("67, 61: a parked select on both ends of a channel is served once when that closes", async () => {
  for (const flip of [true, false]) {
    const ch = new Channel<string>();
    const waiting = flip
      ? select({ s: send(ch, "x"), r: recv(ch) })
      : select({ r: recv(ch), s: send(ch, "x") });
    const outcome = waiting.then((r) => r.ok, (error) => error instanceof ClosedError);
    ch.close();
    assertEquals(lines(ch), nobody);
    assertEquals(typeof await outcome, "boolean");
  }
});

Deno.test("67: with several channels closed in one step, the first decides", async () => {
  const a = new Channel<string>();
  const b = new Channel<string>();
  const waiting = select({ a: recv(a), b: send(b, "x") });
  a.close();
  b.close();
  assertEquals<unknown>(await waiting, end("a"));

  const c = new Channel<string>();
  const d = new Channel<string>();
  const other = select({ c: recv(c), d: send(d, "x") });
  d.close();
  c.close();
  await assertRejects(() => other, ClosedError);
});

Deno.test("67: closing in the step after a value changes nothing", async () => {
  const ch = new Channel<string>();
  const waiting = select({ value: recv(ch), again: recv(ch) });
  assert(ch.trySend("a"));
  ch.close(failure);
  assertEquals((await waiting).value, "a");

  const out = new Channel<string>();
  const sending = select({ sent: send(out, "b") });
  assertEquals(out.tryReceive(), { ok: true, value: "b" });
  out.close(failure);
  assertEquals((await sending).key, "sent");
});

// ---- queues ----

Deno.test("R9: a receive from a queue is a get, for which taskDone is owed", async () => {
  for (const q of [new Queue<string>(), new PriorityQueue<string>()]) {
    q.tryPut("a");
    const early = await select({ item: recv(q) });
    const late = select({ item: recv(q) });
    q.tryPut("b");
    assertEquals([early.value, (await late).value], ["a", "b"]);
    q.tryPut("c");
    assertEquals(trySelect({ item: recv(q) })?.value, "c");
    assertEquals(q.unfinished, 3);
    const joining = q.join();
    q.taskDone(2);
    assertEquals(await state(joining), "pending");
    q.taskDone();
    await joining;
  }
});

Deno.test("R9: a send to a queue is a put: what it adds is unfinished, and what waits is not", async () => {
  const q = new Queue<string>(1);
  await select({ sent: send(q, "a") });
  const waiting = select({ sent: send(q, "b") });
  assertEquals([q.unfinished, q.size], [1, 1]);
  assertEquals(q.tryGet(), { value: "a" });
  await waiting;
  assertEquals([q.unfinished, q.size], [2, 1]);
});

Deno.test("R9: after shutdown a queue's items come first, then ok is false, without an error", async () => {
  const q = new Queue<string>();
  q.tryPut("a");
  q.shutdown();
  assertEquals((await select({ item: recv(q) })).value, "a");
  const r = await select({ item: recv(q) });
  assertEquals<unknown>(r, end("item"));
  assertFalse("error" in r);
  assertEquals<unknown>(trySelect({ item: recv(q), idle: otherwise }), end("item"));
});

Deno.test("R9, 67: shutdown serves parked selects: a receive gets ok false, a send rejects with the item", async () => {
  for (const immediate of [false, true]) {
    const empty = new Queue<string>();
    const q = new Queue<string>({ maxSize: 1, name: "jobs" });
    q.tryPut("x");
    const getting = select({ item: recv(empty), other: recv(new Channel<string>()) });
    const putting = select({ sent: send(q, "a"), other: recv(new Channel<string>()) });
    assertEquals(await state(putting), "pending");
    empty.shutdown({ immediate });
    q.shutdown({ immediate });
    assertEquals<unknown>(await getting, end("item"));
    const error = await assertRejects(() => putting, QueueShutDown);
    assertInstanceOf(error, ClosedError);
    assertEquals([error.code, error.value], ["SLUICE_QUEUE_SHUT_DOWN", "a"]);
    assert(error.message.includes('"jobs"'));
    assertEquals([lines(q), q.size], [nobody, immediate ? 0 : 1]);
    const late = await assertRejects(() => select({ sent: send(q, "b") }), QueueShutDown);
    assertEquals(late.value, "b");
  }
});

Deno.test("R9: a second shutdown, an immediate one, leaves the receive nothing but the end", async () => {
  const q = new Queue<string>();
  q.tryPut("a");
  q.shutdown();
  q.shutdown({ immediate: true });
  assertEquals<unknown>(await select({ item: recv(q) }), end("item"));
});

Deno.test("R18, 73: what has ended goes before a closed channel, both ways", async () => {
  const ch = new Channel<string>(1);
  ch.trySend("x");
  ch.close(failure);
  using ctx = withCancel(background());
  ctx.cancel("ended");
  for (const wait of [ctx, AbortSignal.abort("ended"), { ctx, timeout: 0 }]) {
    for (const cases of [{ it: recv(ch) }, { it: send(ch, "a") }]) {
      assertEquals(await select(cases, wait).catch((cause) => cause), "ended");
    }
  }
  assertEquals(ch.length, 1);
});

// ---- what they need ----

function end(key: string): unknown {
  return { key, ok: false, value: undefined };
}

function full<T = number>(value?: T): Channel<T> {
  const ch = new Channel<T>(1);
  ch.trySend(value as T);
  return ch;
}
