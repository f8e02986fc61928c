import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import {
  after,
  background,
  type Case,
  type Cases,
  Channel,
  DeadlineExceededError,
  otherwise,
  Queue,
  recv,
  select,
  send,
  trySelect,
  whenDone,
  withCancel,
} from "../mod.ts";
import { lines } from "./support/lines.ts";
import { settled, state } from "./support/settle.ts";

const nobody = { takers: 0, putters: 0 };

// ---- cases that are never ready ----

const nothings: Readonly<Record<string, () => Case | null | undefined>> = {
  "a receive from null": () => recv<string>(null),
  "a receive from undefined": () => recv<string>(undefined),
  "a send to null": () => send<number>(null, 1),
  "a send to undefined": () => send<number>(undefined, 1),
  "the end of nothing": () => whenDone(null),
  "the end of undefined": () => whenDone(undefined),
  "the end of the background": () => whenDone(background()),
  "no case, null": () => null,
  "no case, undefined": () => undefined,
};

for (const [name, make] of Object.entries(nothings)) {
  Deno.test(`64: ${name} is never ready`, async () => {
    assertStrictEquals(trySelect({ it: make() }), undefined);
    assertStrictEquals(trySelect([["it", make()]]), undefined);
    assertEquals(trySelect({ it: make(), idle: otherwise })?.key, "idle");

    const ch = new Channel<string>();
    const waiting = select({ it: make(), value: recv(ch) });
    assertEquals(await state(waiting), "pending");
    ch.trySend("a");
    assertEquals((await waiting).key, "value");
  });

  Deno.test(`64: ${name} alone parks for ever, and its context still ends it`, async () => {
    assertEquals(await state(select({ it: make(), it2: make() })), "pending");
    using ctx = withCancel(background());
    const waiting = select([["it", make()]], ctx);
    assertEquals(await state(waiting), "pending");
    ctx.cancel("enough");
    assertEquals(await waiting.catch((cause) => cause), "enough");
  });
}

Deno.test("64: a variable that becomes null switches its case off", async () => {
  let a: Channel<number> | null = Channel.from([1, 2, 3], 3);
  let b: Channel<number> | null = Channel.from([10, 20], 2);
  const got: number[] = [];
  let rounds = 0;
  while (a !== null || b !== null) {
    const r: { key: "a" | "b"; ok: boolean; value: number | undefined } = await select({
      a: recv(a),
      b: recv(b),
    });
    rounds++;
    if (r.ok) got.push(r.value!);
    else if (r.key === "a") a = null;
    else b = null;
  }
  assertEquals(got.sort((x, y) => x - y), [1, 2, 3, 10, 20]);
  assertEquals(rounds, 7);
});

Deno.test("65: an empty select parks for ever, and a context, a signal or a timeout ends it", async () => {
  for (const cases of [{}, [], new Map<string, Case>(), { a: null, b: undefined }] as Cases[]) {
    assertEquals(await state(select(cases)), "pending");
    using ctx = withCancel(background());
    const controller = new AbortController();
    const waiting = [select(cases, ctx), select(cases, controller.signal)];
    for (const one of waiting) assertEquals(await state(one), "pending");
    ctx.cancel("a");
    controller.abort("b");
    assertEquals(await Promise.all(waiting.map((one) => one.catch((cause) => cause))), ["a", "b"]);
    await assertRejects(() => select(cases, { timeout: 0 }), DeadlineExceededError);
  }
});

// ---- keys and results ----

Deno.test("54: keys of entries come back as they are, those of records as strings", async () => {
  const ch = new Channel<number>(1);
  ch.trySend(1);
  for (const key of [0, NaN, undefined, null, "", ch, Symbol("key"), () => {}, "__proto__"]) {
    const r = await select([[key, recv(ch)]]);
    assertStrictEquals(r.key, key);
    ch.trySend(1);
  }
  assertStrictEquals((await select({ 7: recv(ch) })).key, "7");
});

Deno.test("54: equal keys are allowed in entries", async () => {
  const ch = new Channel<number>(1);
  const r = await select([["same", recv(ch)], ["same", send(ch, 1)]]);
  assertEquals([r.key, ch.length], ["same", 1]);
});

Deno.test("54: the type of the result follows its key", async () => {
  const words = new Channel<string>(1);
  const numbers = new Channel<number>(1);
  words.trySend("ab");
  using ctx = withCancel(background());
  const r = await select({
    word: recv(words),
    sent: recv(numbers),
    late: after(1_000),
    ended: whenDone(ctx),
  });
  switch (r.key) {
    case "word":
      assertEquals(r.ok ? r.value.length satisfies number : r.error, 2);
      break;
    case "sent":
      if (r.ok) r.value satisfies number;
      break;
    case "late":
      r.ok satisfies true;
      break;
    case "ended":
      r.cause satisfies unknown;
      break;
    default:
      r satisfies never;
  }
});

Deno.test("76: the same cases can be used in many selects, also at the same time", async () => {
  const ch = new Channel<number>();
  const idle = new Channel<number>();
  const busy = new Channel<number>();
  const cases = { value: recv(ch), idle: recv(idle), out: send(busy, 1), late: after(60_000) };
  const waiting = Array.from({ length: 100 }, () => select(cases));
  assertEquals([lines(idle).takers, lines(busy).putters], [100, 100]);
  for (let n = 0; n < 100; n++) assert(ch.trySend(n));
  for (const [n, one] of waiting.entries()) assertEquals((await one).value, n);
  assertEquals([lines(ch), lines(idle), lines(busy)], [nobody, nobody, nobody]);
});

Deno.test("76: a fan of a thousand cases wins with any of them, and leaves nothing at the others", async () => {
  const fan = Array.from({ length: 1_000 }, () => new Channel<number>());
  const rooms = Array.from({ length: 1_000 }, () => new Channel<number>());
  const cases = [
    ...fan.map((ch) => [ch, recv(ch)] as const),
    ...rooms.map((ch) => [ch, send(ch, 1)] as const),
  ];
  for (let n = 0; n < 1_000; n += 100) {
    const receiving = select(cases);
    assertEquals(fan.every((ch) => lines(ch).takers === 1), true);
    fan[n]!.trySend(n);
    assertStrictEquals((await receiving).key, fan[n]);
    const sending = select(cases);
    rooms[n]!.tryReceive();
    assertStrictEquals((await sending).key, rooms[n]);
  }
  for (const ch of [...fan, ...rooms]) assertEquals(lines(ch), nobody);
});

Deno.test("76: twenty thousand who lose on one hot channel are off it at once, in any order", async () => {
  const hot = new Channel<number>();
  const own = Array.from({ length: 20_000 }, () => new Channel<number>(1));
  const waiting = own.map((ch) => select({ hot: recv(hot), own: recv(ch) }));
  for (const ch of own.toReversed()) ch.trySend(1);
  assertEquals(lines(hot), nobody);
  for (const one of waiting) assertEquals((await one).key, "own");
});

// ---- one select within another ----

Deno.test("68: a select in the code for a case, and in the value of a send", async () => {
  const names = Channel.from(["inner"], 1);
  const out = new Channel<string>(1);
  const relay = new Channel<string>(1);
  const r = await select({
    sent: send(out, (await select({ name: recv(names) })).value + "!"),
  });
  assertEquals(r.key, "sent");
  const first = await select({ value: recv(out) });
  if (first.ok) await select({ relayed: send(relay, first.value + "?") });
  assertEquals(relay.tryReceive(), { ok: true, value: "inner!?" });
});

Deno.test("68: a channel can be sent by a select, also over itself, and be selected on", async () => {
  type Nested = Channel<Nested | string>;
  const outer: Nested = new Channel(1);
  await select({ sent: send(outer, outer) });
  const r = await select({ inner: recv(outer) });
  assertStrictEquals(r.value, outer);
  await select({ sent: send(r.value as Nested, "end") });
  assertEquals(outer.tryReceive(), { ok: true, value: "end" });
});

Deno.test("68, 118: a select from within `weigh` of another select's send sees everything in order", async () => {
  const side = new Channel<string>(1);
  const q: Queue<string> = new Queue({
    maxSize: 1,
    weigh(item) {
      if (item === "outer") trySelect({ note: send(side, "noted"), inner: send(q, "inner") });
      return 1;
    },
  });
  // Both are ready for the inner one; without room in `side` it takes the queue's only place.
  side.trySend("");
  const outer = select({ sent: send(q, "outer") });
  assertEquals(await state(outer), "pending");
  assertEquals(q.tryGet(), { value: "inner" });
  assertEquals((await outer).key, "sent");
  assertEquals(q.tryGet(), { value: "outer" });
  assertEquals(lines(q), nobody);
});

Deno.test("68, 118: a select from within an abort listener and from `onDrop`", async () => {
  const results: unknown[] = [];
  const ch = new Channel<string>({
    capacity: 1,
    overflow: "dropOldest",
    onDrop: (value) => results.push([value, trySelect({ rest: recv(ch) })?.value]),
  });
  const idle = new Channel<string>();
  using ctx = withCancel(background());
  ctx.signal.addEventListener("abort", () => {
    results.push(lines(idle).takers);
    results.push(trySelect({ sent: send(ch, "from the listener") })?.key);
  });
  const waiting = select({ value: recv(idle), sent: recv(idle) }, ctx);
  ch.trySend("a");
  ch.trySend("b");
  ctx.cancel("c");
  results.push(await waiting.catch((cause) => cause));
  await settled();
  assertEquals(results, [["a", "b"], 0, "sent", "c"]);
});
