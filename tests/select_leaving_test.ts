import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  after,
  background,
  type Case,
  Channel,
  otherwise,
  Queue,
  recv,
  select,
  send,
  ticker,
  trySelect,
  whenDone,
  withCancel,
  withTimeout,
} from "../mod.ts";
import { fakeClock } from "./support/clock.ts";
import { Rack, Shelf } from "./support/foreign.ts";
import { lines } from "./support/lines.ts";
import { settled, state } from "./support/settle.ts";
import { spiedController } from "./support/spied_signal.ts";

const nobody = { takers: 0, putters: 0 };

// ---- the lines of those that lose ----

Deno.test("59: ten thousand selects on a hot and an idle channel leave nobody at the idle one", async () => {
  const hot = new Channel<number>();
  const idle = new Channel<number>();
  const busy = new Channel<number>();
  for (let n = 0; n < 10_000; n++) {
    const waiting = select({ hot: recv(hot), idle: recv(idle), busy: send(busy, n) });
    assert(hot.trySend(n));
    await waiting;
  }
  assertEquals([lines(hot), lines(idle), lines(busy)], [nobody, nobody, nobody]);
});

Deno.test("59: whoever decides a select takes it off everything in the same step", async () => {
  const deciders: Readonly<Record<string, (all: Everything) => void>> = {
    "a value": ({ ch }) => ch.trySend("x"),
    "a place": ({ out }) => out.tryReceive(),
    "an item": ({ q }) => q.tryPut("x"),
    "a close": ({ ch }) => ch.close(),
    "the close of a sink": ({ out }) => out.close(),
    "a shutdown": ({ q }) => q.shutdown(),
    "the end of a case": ({ ended }) => ended.cancel(),
    "the end of the select": ({ wait }) => wait.cancel(),
    "a foreign source": ({ shelf }) => shelf.put("x"),
    "a foreign sink": ({ rack }) => rack.makeRoom(),
    "a foreign end": ({ shelf }) => shelf.end(),
    "a foreign close": ({ rack }) => rack.close(),
  };
  for (const [name, decide] of Object.entries(deciders)) {
    using clock = fakeClock();
    const all = everything();
    const { signal } = all.controller;
    const waiting = select(all.cases, { ctx: all.wait, signal, timeout: 1_000 });
    waiting.catch(() => {});
    assertEquals(all.left(), 8, name);
    assertEquals(clock.timers, 2, name);
    decide(all);
    assertEquals([all.left(), all.controller.listeners, clock.timers], [0, 0, 0], name);
    assert(await state(waiting) !== "pending", name);
  }
});

Deno.test("59: so does a time, one's own timeout, and a foreign signal", async () => {
  const ends:
    readonly ((all: Everything, clock: { tick(ms: number): Promise<void> }) => unknown)[] = [
      (_, clock) => clock.tick(500),
      (all) => all.controller.abort(),
    ];
  for (const end of ends) {
    using clock = fakeClock();
    const all = everything();
    const { signal } = all.controller;
    const waiting = select(all.cases, { ctx: all.wait, signal, timeout: 1_000 });
    waiting.catch(() => {});
    await end(all, clock);
    assertEquals([all.left(), all.controller.listeners, clock.timers], [0, 0, 0]);
    assert(await state(waiting) !== "pending");
  }
  using clock = fakeClock();
  const all = everything();
  const waiting = select(all.cases, { timeout: 499 });
  waiting.catch(() => {});
  await clock.tick(499);
  assertEquals([all.left(), clock.timers, await state(waiting)], [0, 0, "rejected"]);
});

Deno.test("59: a select that need not wait never stands in a line, sets no timer, adds no listener", async () => {
  using clock = fakeClock();
  const all = everything();
  all.ch.trySend("x");
  const shelf = new Shelf<string>();
  shelf.put("x");
  for (const it of [recv(Channel.from(["x"], 1)), recv(shelf), send(new Channel<1>(1), 1)]) {
    await settled();
    const controller = spiedController();
    const waiting = select({ ...all.cases, it }, { signal: controller.signal, timeout: 1_000 });
    assertEquals([all.left(), controller.added, clock.timers], [0, 0, 0]);
    assertEquals((await waiting).key, "it");
  }
  assertEquals([all.shelf.waiters.parks, all.rack.waiters.parks], [0, 0]);
});

Deno.test("59: those who stood behind a select that left are served at once", async () => {
  // The select's heavy item blocks the lighter one behind it.
  const q = new Queue<number>({ maxSize: 3, weigh: (n) => n });
  const idle = new Channel<string>();
  q.tryPut(2);
  const blocking = select({ heavy: send(q, 2), other: recv(idle) });
  const light = q.put(1);
  assertEquals(await state(light), "pending");
  assert(idle.trySend("x"));
  assertEquals(await state(light), "fulfilled");
  assertEquals((await blocking).key, "other");

  const ctx = withCancel(background());
  const other = select({ heavy: send(q, 2) }, ctx);
  assertEquals(q.tryGet(), { value: 2 });
  assertEquals((await other).key, "heavy");
  const third = select({ heavy: send(q, 2) }, ctx);
  third.catch(() => {});
  const empty = q.put(0);
  assertEquals(await state(empty), "pending");
  ctx.cancel();
  assertEquals(await state(empty), "fulfilled");
});

Deno.test("P1: a select that loses removes nobody else's waiter", async () => {
  const [a, b, c] = [new Channel<string>(1), new Channel<string>(1), new Channel<string>(1)];
  const first = select({ a: recv(a), b: recv(b) });
  const second = select({ b: recv(b), c: recv(c) });
  assert(c.trySend("c"));
  assert(b.trySend("b"));
  assertEquals([(await second).value, (await first).value], ["c", "b"]);
  assertEquals([a.length, b.length, c.length], [0, 0, 0]);
});

Deno.test("P2: what a select was given nobody else takes, and an open channel never looks closed", async () => {
  for (const capacity of [0, 1]) {
    const ch = new Channel<string>(capacity);
    const waiting = select({ value: recv(ch), other: recv(new Channel<string>()) });
    assert(ch.trySend("mine"));
    const thief = ch.receive();
    assertStrictEquals(ch.tryReceive(), undefined);
    const r = await waiting;
    assertEquals([r.key, r.ok, r.value], ["value", true, "mine"]);
    assertEquals(await state(thief), "pending");
    ch.close();
  }
});

// ---- times ----

Deno.test("70, R24: a time that has passed is taken when nothing else is ready, and never before", async () => {
  for (const ms of [0, -0, -1, -Infinity]) {
    const ch = new Channel<string>(100);
    for (let n = 0; n < 100; n++) ch.trySend("x");
    for (let n = 0; n < 50; n++) {
      assertEquals((await select({ late: after(ms), value: recv(ch) })).key, "value");
      assertEquals(trySelect({ late: after(ms), value: recv(ch) })?.key, "value");
    }
    assertEquals<unknown>(
      await select({ late: after(ms), value: recv(ch) }),
      { key: "late", ok: true, value: undefined },
    );
    assertEquals(trySelect({ value: recv(ch), late: after(ms) })?.key, "late");
    assertEquals(lines(ch), nobody);
  }
});

Deno.test("R24: behind a default too, wherever the default stands", () => {
  for (const cases of [["late", "idle"], ["idle", "late"]] as const) {
    const made = { late: after(0), idle: otherwise };
    const entries = cases.map((key) => [key, made[key]] as const);
    for (const biased of [true, false]) assertEquals(trySelect(entries, { biased })?.key, "idle");
  }
});

Deno.test("R24: of several times that have passed the first is taken", () => {
  assertEquals(trySelect({ b: after(1), a: after(0), c: after(-1) })?.key, "a");
});

Deno.test("70, R1: a timeout of 0 or less tries once: what is ready is taken", async () => {
  for (const timeout of [0, -1, -Infinity]) {
    const ch = new Channel<string>(1);
    ch.trySend("x");
    assertEquals((await select({ value: recv(ch) }, { timeout })).value, "x");
    const late = await select({ value: recv(ch) }, { timeout }).catch((error) => error.name);
    assertEquals(late, "TimeoutError");
    assertEquals([lines(ch), ch.trySend("y")], [nobody, true]);
    // A time of 0 is a case that can be taken, so it goes before the timeout.
    const other = new Channel<string>();
    assertEquals((await select({ v: recv(other), t: after(0) }, { timeout })).key, "t");
  }
});

Deno.test("70: of a time and a value at the same moment, whichever is first has it all", async () => {
  using clock = fakeClock();
  for (const valueFirst of [true, false]) {
    const ch = new Channel<string>(1);
    if (valueFirst) setTimeout(() => ch.trySend("x"), 10);
    const waiting = select({ value: recv(ch), late: after(10) });
    if (!valueFirst) setTimeout(() => ch.trySend("x"), 10);
    await clock.tick(10);
    assertEquals((await waiting).key, valueFirst ? "value" : "late");
    assertEquals([ch.length, lines(ch), clock.timers], [valueFirst ? 0 : 1, nobody, 0]);
  }
});

Deno.test("70: of several times the shortest wins, the first of equal ones, counted from the select on", async () => {
  using clock = fakeClock();
  const cases = { a: after(30), b: after(10), c: after(10), d: after(Infinity) };
  await clock.tick(100);
  const waiting = select(cases);
  assertEquals(clock.timers, 1);
  await clock.tick(9);
  assertEquals(await state(waiting), "pending");
  await clock.tick(1);
  assertEquals<unknown>(await waiting, { key: "b", ok: true, value: undefined });
  const again = select(cases);
  await clock.tick(10);
  assertEquals((await again).key, "b");
});

Deno.test("71: a hundred thousand selects that win against a time leave no timer", async () => {
  using clock = fakeClock();
  const ch = new Channel<number>();
  for (let n = 0; n < 100_000; n++) {
    const waiting = select({ value: recv(ch), late: after(60_000) });
    assert(ch.trySend(n));
    await waiting;
  }
  assertEquals(clock.timers, 0);
});

Deno.test("71: with a real clock no timer is left over either: the sanitizers see to it", async () => {
  const ch = new Channel<number>();
  const waiting = select({ value: recv(ch), late: after(60_000) }, { timeout: 60_000 });
  assert(ch.trySend(1));
  assertEquals((await waiting).key, "value");
});

Deno.test("71: a time that never comes sets no timer", async () => {
  using clock = fakeClock();
  const waiting = select({ late: after(Infinity) }, { timeout: Infinity });
  assertEquals(await state(waiting), "pending");
  assertEquals(clock.timers, 0);
});

Deno.test("72, P21: a time beyond 24.8 days comes when it is due, and not before", async () => {
  for (const ms of [2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1_000, 3 * 2 ** 31]) {
    using clock = fakeClock();
    const waiting = select({ late: after(ms), never: recv<string>(null) });
    await clock.tick(ms - 1);
    assertEquals(await state(waiting), "pending");
    await clock.tick(1);
    assertEquals((await waiting).key, "late");
    const left = select({ late: after(ms), value: recv(Channel.from([1])) });
    assertEquals((await left).key, "value");
    assertEquals(clock.timers, 0);
  }
});

// ---- contexts ----

Deno.test("73, R18: what has ended at entry rejects, and nothing that is ready is consumed", async () => {
  const ch = new Channel<string>(2);
  ch.trySend("x");
  using ended = withCancel(background());
  ended.cancel("ended");
  const shelf = new Shelf<string>();
  shelf.put("x");
  for (
    const wait of [ended, AbortSignal.abort("ended"), { ctx: ended }, { signal: ended.signal }, {
      ctx: ended,
      signal: AbortSignal.abort("later"),
      timeout: 0,
    }]
  ) {
    const cases: Case[] = [recv(ch), send(ch, "y"), recv(shelf), after(0), otherwise];
    for (const it of cases) {
      assertEquals(await select({ it }, wait).catch((cause) => cause), "ended");
    }
  }
  assertEquals([ch.length, shelf.values.length, shelf.attempts], [1, 1, 0]);
});

Deno.test("74: what ends while the select is parked rejects it with the cause, and takes nothing", async () => {
  const all = everything();
  const cause = { because: "of this" };
  const waiting = select(all.cases, all.wait);
  assertEquals(await state(waiting), "pending");
  all.wait.cancel(cause);
  assertStrictEquals(await waiting.catch((error) => error), cause);
  assertEquals(all.left(), 0);
  assert(all.ch.trySend("x") === false && all.q.tryPut("x"));
  assertEquals([all.q.size, all.out.length, all.q.unfinished], [1, 1, 1]);
});

Deno.test("74: a whenDone case resolves with the cause, and the same context as wait goes before it", async () => {
  using ctx = withCancel(background());
  const idle = new Channel<string>();
  const waiting = select({ value: recv(idle), ended: whenDone(ctx), again: whenDone(ctx) });
  ctx.cancel("over");
  const r = await waiting;
  assertEquals<unknown>({ ...r, key: "" }, { key: "", ok: false, value: undefined, cause: "over" });
  assertEquals(lines(idle), nobody);

  using both = withCancel(background());
  const rejecting = select({ ended: whenDone(both) }, both);
  both.cancel("over");
  // Both hang on one context, in the order in which the select has put them there.
  assert(await state(rejecting) !== "pending");

  const signal = AbortSignal.abort("aborted");
  assertEquals(await select({ ended: whenDone(signal) }, signal).catch((e) => e), "aborted");
  const seen = await select({ ended: whenDone(signal) });
  assertEquals<unknown>(seen, { key: "ended", ok: false, value: undefined, cause: "aborted" });
});

Deno.test("74: a context's own channel is a case as well", async () => {
  using clock = fakeClock();
  using ctx = withTimeout(background(), 10);
  const waiting = select({ ended: recv(ctx.whenDone), late: after(1_000) });
  await clock.tick(10);
  const r = await waiting;
  assertEquals([r.key, r.ok, clock.timers], ["ended", false, 0]);
});

Deno.test("74: a ticker in a select is left in order", async () => {
  using clock = fakeClock();
  using ticks = ticker(10);
  const seen: string[] = [];
  for (let n = 0; n < 3; n++) {
    const waiting = select({ tick: recv(ticks), late: after(15) });
    await clock.tick(10);
    seen.push((await waiting).key);
  }
  assertEquals(seen, ["tick", "tick", "tick"]);
  assertEquals(clock.timers, 1);
});

// ---- what they need ----

type Everything = ReturnType<typeof everything>;

/** A select of every kind of case, none of which is ready. */
function everything() {
  const ch = new Channel<string>();
  const out = new Channel<string>(1);
  out.trySend("full");
  const q = new Queue<string>();
  const shelf = new Shelf<string>();
  const rack = new Rack<string>();
  const ended = withCancel(background());
  const wait = withCancel(background());
  const controller = spiedController();
  const cases = {
    ch: recv(ch),
    ch2: recv(ch),
    out: send(out, "a"),
    q: recv(q),
    again: send(out, "b"),
    shelf: recv(shelf),
    rack: send(rack, "c"),
    rack2: send(rack, "d"),
    ended: whenDone(ended),
    late: after(500),
    never: after(Infinity),
    nil: recv<string>(null),
  };
  /** How many cases stand in a line. */
  const left = (): number =>
    lines(ch).takers + lines(q).takers + lines(out).putters + shelf.waiters.count +
    rack.waiters.count;
  return { ch, out, q, shelf, rack, ended, wait, controller, cases, left };
}
