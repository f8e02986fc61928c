/**
 * What all waiting calls have in common: how they end early, and that they leave no trace.
 *
 * Most tests here go over a table: every call of support/waiting_calls.ts, ended in every way of
 * support/ways_to_end.ts.
 *
 * @module
 */
import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import {
  background,
  Channel,
  type Context,
  DeadlineExceededError,
  otherwise,
  Queue,
  recv,
  select,
  sleep,
  type Wait,
  whenDone,
  withCancel,
  withTimeout,
} from "../mod.ts";
import { type FakeClock, fakeClock } from "./support/clock.ts";
import { settled, state } from "./support/settle.ts";
import { skewedClock } from "./support/skewed_clock.ts";
import { spiedController } from "./support/spied_signal.ts";
import { coreOf, type WaitingCall, waitingCalls } from "./support/waiting_calls.ts";
import { DUE, fresh, type Way, waysToEnd } from "./support/ways_to_end.ts";

// ---- the table: it has waited, then it ends ----

Deno.test("R2, 74: a call that waits rejects with the cause itself, whatever ends it", () => {
  return everyWay(async ({ subject, way }) => {
    const outcome = outcomeOf(subject.call(way.wait));
    assertEquals(await state(outcome), "pending");
    await way.end();
    assertRejected(await outcome, way);
  });
});

Deno.test("R2: each timeout rejects with an error of its own", async () => {
  using clock = fakeClock();
  const ch = new Channel<number>();
  const wait = { timeout: DUE };
  const outcomes = Promise.all([outcomeOf(ch.take(wait)), outcomeOf(ch.take(wait))]);
  await clock.tick(DUE);
  const [first, second] = await outcomes;
  assert(first.ok === false && second.ok === false && first.error !== second.error);
});

Deno.test("R2: whether it was the context's end or one's own timeout can be told apart", async () => {
  using clock = fakeClock();
  const ch = new Channel<number>();
  using ctx = withTimeout(background(), 2 * DUE);
  const early = outcomeOf(ch.take({ ctx, timeout: DUE }));
  const late = outcomeOf(ch.take({ ctx, timeout: 3 * DUE }));
  await clock.tick(DUE);
  assert((await early as Rejected).error !== ctx.cause && ctx.err === undefined);
  await clock.tick(DUE);
  assertStrictEquals((await late as Rejected).error, ctx.cause);
  assertStrictEquals(ctx.err, ctx.cause);
});

Deno.test("1, 2, 74: a call that has ended has taken nothing, added nothing and changed nothing", () => {
  return everyWay(async ({ subject, twin, way, clock }) => {
    const outcome = outcomeOf(subject.call(way.wait));
    await way.end();
    await outcome;
    assertEquals(subject.seen(), twin.seen());
    // Nor has it kept a claim on what comes later.
    await subject.serve(1);
    await twin.serve(1);
    await clock.tick();
    assertEquals(subject.seen(), twin.seen());
  });
});

Deno.test("3, R28: a call that has ended leaves no wait node, no listener and no timer", () => {
  return everyWay(async ({ subject, way, clock, timers }) => {
    const before = subject.waiting();
    const outcome = outcomeOf(subject.call(way.wait));
    await way.end();
    // At once, and not when the caller, or the next one in line, comes to it.
    assertEquals(subject.waiting(), before);
    assertEquals(listeners(way), 0);
    await outcome;
    letGo(way);
    assertEquals(clock.timers, timers);
  });
});

Deno.test("P13, P14, 1, 2: the others in line are unharmed, and are served in their order", () => {
  return everyWay(async ({ subject, way }) => {
    const order: string[] = [];
    const note = (name: string, promise: Promise<unknown>) => {
      promise.then(() => order.push(name), () => order.push(`${name} failed`));
    };
    note("first", subject.call());
    note("ended", subject.call(way.wait));
    note("second", subject.call());
    note("ended too", subject.call(way.wait));
    note("third", subject.call());
    await settled();
    await way.end();
    await settled();
    assertEquals(order, ["ended failed", "ended too failed"]);
    await subject.serve(3);
    await settled();
    assertEquals(order.slice(2), ["first", "second", "third"]);
  });
});

// ---- the table: it has ended before the call ----

for (const closed of [false, true]) {
  const against = closed ? "a closed channel" : "what is ready";
  Deno.test(`R18, 73: what has ended before the call goes before ${against}`, () => {
    return everyWay(async ({ subject, twin, way, clock, timers }) => {
      // That one begins with the call.
      if ("timeout" in way.wait && way.wait.timeout === DUE) return;
      for (const each of [subject, twin]) closed ? each.close?.() : await each.serve(1);
      await way.end();
      const added = way.signals.map((signal) => signal.added);
      const outcome = outcomeOf(subject.call(way.wait));
      assertEquals(subject.seen(), twin.seen());
      assertRejected(await outcome, way);
      assertEquals(subject.seen(), twin.seen());
      assertEquals(way.signals.map((signal) => signal.added), added);
      letGo(way);
      assertEquals(clock.timers, timers);
    });
  });
}

Deno.test("R1: what has ended at entry: the context first, then the signal, then the timeout", () => {
  return everyCall(async ({ subject }) => {
    using ctx = withCancel(background());
    ctx.cancel("context");
    const signal = AbortSignal.abort("signal");
    const reason = async (wait: Wait) => (await outcomeOf(subject.call(wait)) as Rejected).error;
    assertEquals(await reason({ timeout: 0, signal, ctx }), "context");
    assertEquals(await reason({ timeout: 0, signal }), "signal");
    assertInstanceOf(await reason({ timeout: 0, ctx: background() }), DeadlineExceededError);
  });
});

Deno.test("R1: a timeout of 0 or less tries once, then leaves as if it had never been", () => {
  return everyCall(async ({ subject, twin, clock, timers }) => {
    for (const timeout of [0, -0, -1, -Infinity]) {
      const controller = spiedController();
      const outcome = outcomeOf(subject.call({ timeout, signal: controller.signal }));
      assertEquals(subject.seen(), twin.seen());
      assertInstanceOf((await outcome as Rejected).error, DeadlineExceededError);
      assertEquals(controller.listeners, 0);
      assertEquals(clock.timers, timers);
    }
  });
});

Deno.test("R1: with a timeout of 0, what is ready is served", () => {
  return everyCall(async ({ subject, name, clock }) => {
    if (name === "sleep") return;
    await subject.serve(1);
    const outcome = outcomeOf(subject.call({ timeout: 0 }));
    await clock.tick();
    assert((await outcome).ok);
  });
});

Deno.test("R25: a deadline that has passed is over, although its timer has not run yet", () => {
  return everyCall(async ({ make }) => {
    const waits: Record<string, (ctx: Context) => Wait> = {
      "the context": (ctx) => ctx,
      "in options": (ctx) => ({ ctx }),
      "a child": (ctx) => withCancel(ctx),
      "its signal": (ctx) => ctx.signal,
      "its signal in options": (ctx) => ({ signal: ctx.signal }),
    };
    for (const [name, waitOf] of Object.entries(waits)) {
      const [subject, twin] = [make(), make()];
      for (const each of [subject, twin]) await each.serve(1);
      using ctx = withTimeout(background(), DUE);
      const wait = waitOf(ctx);
      using _skew = skewedClock({ monotonic: DUE });
      const outcome = outcomeOf(subject.call(wait));
      assertEquals(subject.seen(), twin.seen(), name);
      const { error } = await outcome as Rejected;
      assertStrictEquals(error, ctx.cause, name);
      letGo(subject);
      letGo(twin);
    }
  });
});

// ---- the table: it is served and ends in the same step ----

Deno.test("4: what ends in the step after a call was served changes nothing", () => {
  return everyWay(async ({ subject, way }) => {
    if (!subject.instant || way.byTime) return;
    const outcome = outcomeOf(subject.call(way.wait));
    const next = outcomeOf(subject.call());
    await settled();
    subject.serve(1);
    way.end();
    assert((await outcome).ok);
    subject.serve(1);
    assert((await next).ok);
  });
});

Deno.test("4: what is served in the step after a call ended goes to the next one", () => {
  return everyWay(async ({ subject, twin, way }) => {
    if (!subject.instant || way.byTime) return;
    const outcome = outcomeOf(subject.call(way.wait));
    const next = [outcomeOf(subject.call()), outcomeOf(twin.call())];
    await settled();
    way.end();
    subject.serve(1);
    twin.serve(1);
    assertRejected(await outcome, way);
    assert((await Promise.all(next)).every(({ ok }) => ok));
    assertEquals(subject.seen(), twin.seen());
  });
});

Deno.test("4, 70: of a deadline and a value at the same moment, whichever is first has it all", () => {
  return everyWay(async ({ make, makeWay, clock, ...row }) => {
    if (!row.way.byTime || !row.subject.instant) return;
    for (const served of ["before", "after"]) {
      const subject = make();
      // Timers that are due at the same moment run in the order in which they were set.
      const serving = () => setTimeout(() => subject.serve(1), DUE);
      if (served === "before") serving();
      const way = makeWay();
      const outcome = outcomeOf(subject.call(way.wait));
      if (served === "after") serving();
      await clock.tick(DUE);
      if (served === "before") assert((await outcome).ok);
      else assertRejected(await outcome, way);
      letGo(way);
    }
  });
});

Deno.test("R28: a call that was served leaves no listener and no timer", () => {
  return everyWay(async ({ subject, way, clock, timers }) => {
    if (way.byTime && !subject.instant) return;
    const before = subject.waiting();
    const outcome = outcomeOf(subject.call(way.wait));
    await settled();
    await subject.serve(1);
    assert((await outcome).ok);
    assertEquals(subject.waiting(), before);
    letGo(way);
    assertEquals(listeners(way), 0);
    assertEquals(clock.timers, timers);
    // Its end is nobody's business any more.
    await way.end();
    await clock.tick(DUE);
  });
});

Deno.test("R28: a call that need not wait adds no listener and sets no timer", () => {
  return everyCall(async ({ make, clock, name }) => {
    if (name === "sleep") return;
    const subject = make();
    await subject.serve(1);
    const controller = spiedController();
    const timers = clock.timers;
    const outcome = outcomeOf(subject.call({ signal: controller.signal, timeout: DUE }));
    assertEquals(controller.added, 0);
    assertEquals(clock.timers, timers);
    assert((await outcome).ok);
    letGo(subject);
  });
});

// ---- what `wait` may be ----

Deno.test("R17: a bad `wait` makes the call reject with TypeError, never throw, nor take anything", () => {
  const context = { done: false, cause: undefined, throwIfDone() {} };
  const bad: Record<string, unknown> = {
    "null": null,
    "a number": 5,
    "a string": "now",
    "true": true,
    "a symbol": Symbol("now"),
    "a bigint": 5n,
    "a function": () => {},
    "a context not made here": context,
    "ctx null": { ctx: null },
    "ctx a number": { ctx: 5 },
    "ctx an object": { ctx: {} },
    "ctx a signal": { ctx: new AbortController().signal },
    "ctx not made here": { ctx: context },
    "signal null": { signal: null },
    "signal an object": { signal: {} },
    "signal a context": { signal: background() },
    "signal a controller": { signal: new AbortController() },
    "timeout null": { timeout: null },
    "timeout a string": { timeout: "5" },
    "timeout a Date": { timeout: new Date() },
  };
  return everyCall(async ({ make }) => {
    for (const [name, wait] of Object.entries(bad)) {
      for (const ready of [false, true]) {
        const [subject, twin] = [make(), make()];
        if (ready) { for (const each of [subject, twin]) await each.serve(1); }
        // A throw would end the test here.
        const outcome = outcomeOf(subject.call(wait as Wait));
        assertInstanceOf((await outcome as Rejected).error, TypeError, name);
        assertEquals(subject.seen(), twin.seen(), name);
        letGo(subject);
        letGo(twin);
      }
    }
  });
});

Deno.test("R1, R17: a timeout of NaN is a RangeError, also where nothing has to wait", () => {
  return everyCall(async ({ make }) => {
    for (const ready of [false, true]) {
      const [subject, twin] = [make(), make()];
      if (ready) { for (const each of [subject, twin]) await each.serve(1); }
      const outcome = outcomeOf(subject.call({ timeout: NaN }));
      assertInstanceOf((await outcome as Rejected).error, RangeError);
      assertEquals(subject.seen(), twin.seen());
      letGo(subject);
      letGo(twin);
    }
  });
});

Deno.test("R1, R17: no options, empty ones, unknown ones and an infinite timeout wait for ever", () => {
  const waits: Record<string, unknown> = {
    "undefined": undefined,
    "{}": {},
    "all undefined": { ctx: undefined, signal: undefined, timeout: undefined },
    "unknown": { deadline: 1, cause: new Error("no"), abort: true },
    "Infinity": { timeout: Infinity },
    "background()": background(),
    "background() in options": { ctx: background() },
  };
  return everyCall(async ({ make, clock, name }) => {
    for (const [kind, wait] of Object.entries(waits)) {
      const [subject, twin] = [make(), make()];
      const timers = [clock.timers];
      const outcome = outcomeOf(subject.call(wait as Wait));
      timers.push(clock.timers);
      void outcomeOf(twin.call());
      timers.push(clock.timers);
      assertEquals(timers[1]! - timers[0]!, timers[2]! - timers[1]!, "as many as without");
      if (!name.startsWith("sleep")) await clock.tick(400);
      assertEquals(await state(outcome), "pending", kind);
      await subject.serve(1);
      assert((await outcome).ok, kind);
      letGo(subject);
      letGo(twin);
    }
  });
});

Deno.test("R15: a signal is a signal and a context is a context, whatever else they have", async () => {
  const ch = new Channel<number>();
  const controller = new AbortController();
  const first = outcomeOf(ch.receive(Object.assign(controller.signal, { timeout: 0, ctx: null })));
  using ctx = withCancel(background());
  const second = outcomeOf(ch.receive(Object.assign(ctx, { timeout: 0, ctx: null })));
  assertEquals(await state(first), "pending");
  assertEquals(await state(second), "pending");
  controller.abort("first");
  ctx.cancel("second");
  assertEquals(await first, { ok: false, error: "first" });
  assertEquals(await second, { ok: false, error: "second" });
});

Deno.test("R15: options may have whatever methods they like", async () => {
  class Patience {
    readonly timeout = 0;
    abort() {}
    cancel() {}
  }
  const outcome = await outcomeOf(new Channel<number>().receive(new Patience()));
  assertInstanceOf((outcome as Rejected).error, DeadlineExceededError);
});

Deno.test("73, 74: a `whenDone` case resolves, where the same context as `wait` rejects", async () => {
  using ctx = withCancel(background());
  const ch = new Channel<number>();
  const asCase = select({ value: recv(ch), ended: whenDone(ctx) });
  const asWait = outcomeOf(select({ value: recv(ch) }, ctx));
  const asBoth = select({ value: recv(ch), ended: whenDone(ctx) }, ctx);
  await settled();
  ctx.cancel("enough");
  assertEquals((await asCase).key, "ended");
  assertEquals(await asWait, { ok: false, error: "enough" });
  assertEquals((await asBoth).key, "ended");
  // But what has ended at entry goes before all cases, and before the default.
  const late = select({ ended: whenDone(ctx), idle: otherwise }, ctx);
  assertEquals(await outcomeOf(late), { ok: false, error: "enough" });
});

// ---- many at once ----

Deno.test("119, P20: 20,000 calls on one signal have one listener, and afterwards none", async () => {
  const controller = spiedController();
  const { signal } = controller;
  const queue = new Queue<number>();
  using ctx = withCancel(signal);
  const calls = Array.from({ length: 20_000 }, (_, i) => {
    return outcomeOf(queue.get([signal, { signal }, ctx, { signal, ctx }][i % 4]));
  });
  assertEquals(controller.most, 1);
  controller.abort("enough");
  assertEquals(controller.listeners, 0);
  assertEquals(coreOf(queue).takers.length, 0);
  const outcomes = await Promise.all(calls);
  assert(outcomes.every((outcome) => !outcome.ok && outcome.error === "enough"));
});

Deno.test("119: the listener stays while anything waits, and goes with the last", async () => {
  const controller = spiedController();
  const { signal } = controller;
  const channels = [new Channel<number>(), new Channel<number>(), new Channel<number>()];
  const calls = channels.map((ch) => ch.receive(signal));
  for (const [served, ch] of channels.entries()) {
    assertEquals(controller.listeners, 1, `${served} are served`);
    await ch.send(served);
  }
  assertEquals(controller.listeners, 0);
  await Promise.all(calls);
  // And it comes back.
  const again = outcomeOf(channels[0]!.receive({ signal }));
  assertEquals(controller.listeners, 1);
  controller.abort("enough");
  assertEquals(await again, { ok: false, error: "enough" });
});

Deno.test("119: a select of many cases takes one link on its signal, and leaves all at once", async () => {
  const controller = spiedController();
  const channels = Array.from({ length: 1_000 }, () => new Channel<number>());
  const selected = outcomeOf(
    select(channels.map((ch, i) => [i, recv(ch)] as const), controller.signal),
  );
  assertEquals(controller.added, 1);
  controller.abort("enough");
  assertEquals(await selected, { ok: false, error: "enough" });
  assert(channels.every((ch) => coreOf(ch).takers.length === 0));
});

Deno.test("P7: 100,000 calls that are cancelled one by one, in any order, are no burden", async () => {
  // With a search through the line for each of them, this test would take minutes.
  const queue = new Queue<number>();
  const orders: readonly ((index: number, count: number) => number)[] = [
    (index) => index,
    (index, count) => count - 1 - index,
    (index, count) => (index * 7_919) % count,
  ];
  const count = 100_000;
  for (const order of orders) {
    const contexts = Array.from({ length: count }, () => withCancel(background()));
    const calls = contexts.map((ctx) => outcomeOf(queue.get(ctx)));
    for (let i = 0; i < count; i++) contexts[order(i, count)]!.cancel(i);
    assertEquals(coreOf(queue).takers.length, 0);
    assertEquals((await Promise.all(calls)).filter(({ ok }) => ok), []);
  }
});

Deno.test("P7, P20: so are 100,000 on one context that are served one by one, last first", async () => {
  using ctx = withCancel(background());
  const count = 100_000;
  const channels = Array.from({ length: count }, () => new Channel<number>());
  const calls = channels.map((ch) => ch.take(ctx));
  for (const [i, ch] of channels.reverse().entries()) ch.trySend(i);
  assertEquals((await Promise.all(calls)).length, count);
});

Deno.test("74: all that wait on a context end in the order in which they came", async () => {
  using ctx = withCancel(background());
  const ch = new Channel<number>();
  const queue = new Queue<number>();
  const order: number[] = [];
  const calls: readonly (() => Promise<unknown>)[] = [
    () => ch.receive(ctx),
    () => queue.get({ ctx }),
    () => select({ value: recv(ch) }, ctx),
    () => sleep(1_000, ctx),
    () => queue.getBatch(2, { ctx, min: 2 }),
    () => ch.take({ ctx, timeout: 1_000 }),
  ];
  for (const [i, call] of calls.entries()) call().catch(() => order.push(i));
  await settled();
  ctx.cancel();
  await settled();
  assertEquals(order, [0, 1, 2, 3, 4, 5]);
});

// ---- code of the user's in between ----

Deno.test("118: an abort listener finds all calls of its context ended, and everything usable", async () => {
  using ctx = withCancel(background());
  const queue = new Queue<number>(1);
  const ch = new Channel<number>();
  const calls = [queue.get(ctx), ch.receive({ ctx }), select({ value: recv(ch) }, ctx)];
  const later = [queue.get(), ch.receive()];
  const outcomes = calls.map(outcomeOf);
  let sent: unknown;
  ctx.signal.addEventListener("abort", () => {
    sent = [coreOf(queue).takers.length, coreOf(ch).takers.length, queue.tryPut(1), ch.trySend(2)];
  });
  ctx.cancel("enough");
  assertEquals(sent, [1, 1, true, true]);
  assert((await Promise.all(outcomes)).every(({ ok }) => !ok));
  assertEquals(await Promise.all(later), [1, { ok: true, value: 2 }]);
});

Deno.test("118: whoever cancels from an abort listener of a foreign signal loses nothing", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  using ctx = withCancel(background());
  const queue = new Queue<number>();
  // Added first, so that it runs while the calls on the signal still wait.
  signal.addEventListener("abort", () => {
    ctx.cancel("by hand");
    queue.putNowait(1);
  });
  const calls = [queue.get(ctx), queue.get(signal), queue.get({ ctx, signal })].map(outcomeOf);
  controller.abort("by signal");
  const outcomes = await Promise.all(calls);
  const got = outcomes.filter(({ ok }) => ok).length;
  assertEquals(outcomes[0], { ok: false, error: "by hand" });
  assertEquals(outcomes[2], { ok: false, error: "by hand" });
  assertEquals(got + queue.size, 1);
});

Deno.test("118, 74: a context that ends while the very call weighs its item ends that call", async () => {
  using ctx = withCancel(background());
  const weigh = (item: number) => {
    if (item === 2) ctx.cancel("while weighing");
    return 1;
  };
  const queue = new Queue<number>({ maxSize: 1, weigh });
  await queue.put(1);
  assertEquals(await outcomeOf(queue.put(2, ctx)), { ok: false, error: "while weighing" });
  assertEquals([queue.size, coreOf(queue).putters.length], [1, 0]);
});

// ---- regressions of the peers ----

Deno.test("P13: who gave up does not eat the next item", async () => {
  const queue = new Queue<string>();
  const controller = spiedController();
  const gone = outcomeOf(queue.get(controller.signal));
  const live = queue.get();
  controller.abort("gone");
  await queue.put("item");
  assertEquals(await live, "item");
  assertEquals(await gone, { ok: false, error: "gone" });
  assertEquals([queue.size, controller.listeners], [0, 0]);
});

Deno.test("P14: when the second gives up, it is the second that is rejected", async () => {
  const ch = new Channel<string>();
  const controller = new AbortController();
  const first = outcomeOf(ch.take());
  const second = outcomeOf(ch.take(controller.signal));
  controller.abort("second");
  assertEquals(await second, { ok: false, error: "second" });
  assertEquals(await state(first), "pending");
  await ch.send("value");
  assertEquals(await first, { ok: true, value: "value" });
});

Deno.test("R18: a closed channel, a full queue and a late caller: the caller's end comes first", async () => {
  const ended = AbortSignal.abort("late");
  const closed = new Channel<number>();
  closed.close();
  const drained = new Queue<number>(1);
  drained.shutdown();
  const full = new Queue<number>(1);
  full.putNowait(1);
  const calls = [
    closed.send(1, ended),
    closed.receive(ended),
    closed.take(ended),
    closed.receiveMany(1, ended),
    drained.put(1, ended),
    drained.get(ended),
    drained.lease(ended),
    drained.getBatch(1, ended),
    drained.join(ended),
    full.put(2, ended),
    select({ value: recv(closed) }, ended),
    sleep(0, ended),
  ];
  for (const call of calls) assertEquals(await outcomeOf(call), { ok: false, error: "late" });
  assertEquals(full.getNowait(), 1);
  assert(full.empty);
});

// ---- helpers ----

interface Rejected {
  readonly ok: false;
  readonly error: unknown;
}

type Settled = { readonly ok: true; readonly value: unknown } | Rejected;

function outcomeOf(promise: Promise<unknown>): Promise<Settled> {
  return promise.then((value) => ({ ok: true, value }), (error) => ({ ok: false, error }));
}

function assertRejected(outcome: Settled, way: Way): void {
  const cause = way.cause();
  assert(!outcome.ok);
  if (cause === fresh) assertInstanceOf(outcome.error, DeadlineExceededError);
  else assertStrictEquals(outcome.error, cause);
}

function listeners(way: Way): number {
  return way.signals.reduce((sum, { listeners }) => sum + listeners, 0);
}

function letGo(of: Disposable): void {
  of[Symbol.dispose]();
}

interface Row {
  readonly name: string;
  readonly clock: FakeClock;
  readonly make: () => WaitingCall;
  readonly subject: WaitingCall;
  /** Another one, made at the same time: what `subject` looks like without a call. */
  readonly twin: WaitingCall;
  /** How many timers there are before the call. */
  readonly timers: number;
}

interface EndingRow extends Row {
  readonly makeWay: () => Way;
  readonly way: Way;
}

async function everyCall(law: (row: Row) => Promise<void>): Promise<void> {
  for (const [name, setUp] of Object.entries(waitingCalls)) {
    using clock = fakeClock();
    const make = () => setUp(clock);
    using subject = make();
    using twin = make();
    await labelled(name, law({ name, clock, make, subject, twin, timers: clock.timers }));
  }
}

function everyWay(law: (row: EndingRow) => Promise<void>): Promise<void> {
  return everyCall(async (row) => {
    for (const [name, setUp] of Object.entries(waysToEnd)) {
      using subject = row.make();
      using twin = row.make();
      const timers = row.clock.timers;
      const makeWay = () => setUp(row.clock);
      using way = makeWay();
      await labelled(`ended by ${name}`, law({ ...row, subject, twin, timers, makeWay, way }));
    }
  });
}

/** Says where in the table a law does not hold. */
async function labelled(label: string, checked: Promise<void>): Promise<void> {
  try {
    await checked;
  } catch (error) {
    const { message } = error as Error;
    throw new Error(`${label}: ${message}`, { cause: error });
  }
}
