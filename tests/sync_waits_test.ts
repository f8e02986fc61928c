/**
 * What all waits of locks, conditions and barriers have in common: how they end early, and that they
 * leave no trace. Most tests go over a table: every call of support/sync_calls.ts, ended in every way
 * of support/ways_to_end.ts.
 *
 * @module
 */
import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import {
  background,
  type Context,
  DeadlineExceededError,
  type Wait,
  withCancel,
  withTimeout,
} from "../mod.ts";
import { type FakeClock, fakeClock } from "./support/clock.ts";
import { settled, state } from "./support/settle.ts";
import { skewedClock } from "./support/skewed_clock.ts";
import { spiedController } from "./support/spied_signal.ts";
import { type SyncCall, syncCalls } from "./support/sync_calls.ts";
import { DUE, fresh, type Way, waysToEnd } from "./support/ways_to_end.ts";

// ---- it has waited, then it ends ----

Deno.test("R2: each wait rejects with the cause itself, whatever ends it", () => {
  return everyWay(async ({ subject, way }) => {
    const outcome = outcomeOf(subject.call(way.wait));
    assertEquals(await state(outcome), "pending");
    await way.end();
    assertRejected(await outcome, way);
  });
});

Deno.test("3, R28: a wait that has ended leaves no waiter, no listener and no timer", () => {
  return everyWay(async ({ subject, way, clock }) => {
    const outcome = outcomeOf(subject.call(way.wait));
    await way.end();
    // At once, and not when the next one in line comes to it.
    assert(!subject.waiting());
    await outcome;
    assertEquals(listeners(way), 0);
    way[Symbol.dispose]();
    assertEquals(clock.timers, 0);
  });
});

Deno.test("94, 95, 102: a wait that has ended has taken nothing, and has no claim on what is served later", () => {
  return everyWay(async ({ subject, twin, way }) => {
    const outcome = outcomeOf(subject.call(way.wait));
    await way.end();
    await outcome;
    await settled();
    assertEquals(subject.seen(), twin.seen());
    subject.serve();
    twin.serve();
    await settled();
    assertEquals(subject.seen(), twin.seen());
  });
});

Deno.test("P14, P15, 94, 95: ending some harms no others, who are served in their order", () => {
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
    for (let i = 0; i < 3; i++) {
      subject.serve();
      await settled();
    }
    assertEquals(order.slice(2), ["first", "second", "third"]);
  });
});

// ---- it has ended before ----

Deno.test("R18: what has ended already goes before what could be had, and takes nothing", () => {
  return everyWay(async ({ subject, twin, way, clock }) => {
    // That one begins with the call.
    if ("timeout" in way.wait && way.wait.timeout === DUE) return;
    for (const each of [subject, twin]) each.serve();
    await settled();
    await way.end();
    const added = way.signals.map((signal) => signal.added);
    const outcome = outcomeOf(subject.call(way.wait));
    assertEquals(subject.seen(), twin.seen());
    assertRejected(await outcome, way);
    assertEquals(subject.seen(), twin.seen());
    assertEquals(way.signals.map((signal) => signal.added), added);
    way[Symbol.dispose]();
    assertEquals(clock.timers, 0);
  });
});

Deno.test("R1: what has ended at the start counts in this order: context, signal, timeout", () => {
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

Deno.test("R25: a deadline that has passed is over, although its timer has not run yet", () => {
  return everyCall(async ({ subject, twin }) => {
    for (const each of [subject, twin]) each.serve();
    await settled();
    using ctx: Context & Disposable = withTimeout(background(), DUE);
    using _skew = skewedClock({ monotonic: DUE });
    const outcome = outcomeOf(subject.call({ ctx }));
    assertEquals(subject.seen(), twin.seen());
    assertStrictEquals((await outcome as Rejected).error, ctx.cause);
  });
});

// ---- a timeout of nothing ----

Deno.test("R1: a timeout of 0 or less tries once, then leaves as if it had never been", () => {
  return everyCall(async ({ subject, twin, clock }) => {
    for (const timeout of [0, -0, -1, -Infinity]) {
      const controller = spiedController();
      const outcome = outcomeOf(subject.call({ timeout, signal: controller.signal }));
      assertInstanceOf((await outcome as Rejected).error, DeadlineExceededError);
      await settled();
      assertEquals(subject.seen(), twin.seen());
      assertEquals(controller.listeners, 0);
      assertEquals(clock.timers, 0);
    }
  });
});

Deno.test("R1, R28: what can be had is had with a timeout of 0, without a listener or a timer", () => {
  return everyCall(async ({ subject, clock }) => {
    if (!subject.keeps) return;
    subject.serve();
    await settled();
    const controller = spiedController();
    const outcome = outcomeOf(subject.call({ timeout: 0, signal: controller.signal }));
    assertEquals(controller.listeners, 0);
    assert((await outcome).ok);
    assertEquals(clock.timers, 0);
  });
});

// ---- served and ended at the same time ----

Deno.test("4, 94, 95: what ends in the step after a wait was served changes nothing", () => {
  return everyWay(async ({ subject, way }) => {
    if (!subject.instant || way.byTime) return;
    const outcome = outcomeOf(subject.call(way.wait));
    await settled();
    subject.serve();
    way.end();
    assert((await outcome).ok);
  });
});

Deno.test("4, 94, 95: what is served in the step after a wait ended goes to the next one", () => {
  return everyWay(async ({ subject, way, name }) => {
    // What a condition gives to a cancelled one is the mutex: its own test is in the condition's.
    if (!subject.instant || way.byTime || name.startsWith("Condition")) return;
    const outcome = outcomeOf(subject.call(way.wait));
    const next = outcomeOf(subject.call());
    await settled();
    way.end();
    subject.serve();
    assertRejected(await outcome, way);
    assert((await next).ok);
  });
});

Deno.test("R28: a wait that was served leaves no listener and no timer", () => {
  return everyWay(async ({ subject, way, clock }) => {
    const outcome = outcomeOf(subject.call(way.wait));
    await settled();
    subject.serve();
    assert((await outcome).ok);
    assert(!subject.waiting());
    // Of contexts that last, the listeners are theirs.
    way[Symbol.dispose]();
    assertEquals(listeners(way), 0);
    assertEquals(clock.timers, 0);
  });
});

Deno.test("119: however many wait on one signal, it has one listener, and none afterwards", () => {
  return everyCall(async ({ subject }) => {
    const controller = spiedController();
    const outcomes = Array.from({ length: 5 }, () => outcomeOf(subject.call(controller.signal)));
    await settled();
    assertEquals([controller.listeners, controller.most], [1, 1]);
    controller.abort("gone");
    for (const outcome of outcomes) assertEquals(await outcome, { ok: false, error: "gone" });
    assertEquals(controller.listeners, 0);
  });
});

Deno.test("117: calls that need not wait, one after the other, do not hold up the event loop", async () => {
  for (const [name, make] of Object.entries(syncCalls)) {
    const subject = make();
    if (!subject.keeps) continue;
    let turned = false;
    setImmediate(() => turned = true);
    const start = performance.now();
    while (!turned) {
      subject.serve();
      await subject.call();
      assert(performance.now() - start < 500, name);
    }
  }
});

// ---- what `wait` may be ----

Deno.test("R17: a bad `wait` makes the call reject, never throw, and takes nothing", () => {
  const context = { done: false, cause: undefined, throwIfDone() {} };
  const bad: Record<string, unknown> = {
    "null": null,
    "a number": 5,
    "a string": "now",
    "a function": () => {},
    "a context not made here": context,
    "ctx null": { ctx: null },
    "ctx a signal": { ctx: new AbortController().signal },
    "ctx not made here": { ctx: context },
    "signal null": { signal: null },
    "signal a context": { signal: background() },
    "timeout null": { timeout: null },
    "timeout a string": { timeout: "5" },
    "timeout NaN": { timeout: NaN },
  };
  return everyCall(async ({ make }) => {
    for (const [name, wait] of Object.entries(bad)) {
      for (const ready of [false, true]) {
        const [subject, twin] = [make(), make()];
        if (ready) { for (const each of [subject, twin]) each.serve(); }
        await settled();
        // A throw would end the test here.
        const outcome = outcomeOf(subject.call(wait as Wait));
        const type = name === "timeout NaN" ? RangeError : TypeError;
        assertInstanceOf((await outcome as Rejected).error, type, name);
        assertEquals(subject.seen(), twin.seen(), name);
      }
    }
  });
});

Deno.test("R17: options without anything, and `undefined`, are as good as nothing", () => {
  return everyCall(async ({ make }) => {
    for (const wait of [undefined, {}, { ctx: undefined, signal: undefined, timeout: undefined }]) {
      const subject = make();
      const outcome = outcomeOf(subject.call(wait));
      assertEquals(await state(outcome), "pending");
      subject.serve();
      assert((await outcome).ok);
    }
  });
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

interface Row {
  readonly name: string;
  readonly clock: FakeClock;
  readonly make: () => SyncCall;
  readonly subject: SyncCall;
  /** Another one, made at the same time: what `subject` looks like without a call. */
  readonly twin: SyncCall;
}

async function everyCall(law: (row: Row) => Promise<void>): Promise<void> {
  for (const [name, make] of Object.entries(syncCalls)) {
    using clock = fakeClock();
    await labelled(name, law({ name, clock, make, subject: make(), twin: make() }));
  }
}

function everyWay(law: (row: Row & { readonly way: Way }) => Promise<void>): Promise<void> {
  return everyCall(async (row) => {
    for (const [name, setUp] of Object.entries(waysToEnd)) {
      using way = setUp(row.clock);
      const [subject, twin] = [row.make(), row.make()];
      await labelled(`ended by ${name}`, law({ ...row, subject, twin, way }));
    }
  });
}

/** Says where in the table a law does not hold. */
async function labelled(label: string, checked: Promise<void>): Promise<void> {
  try {
    await checked;
  } catch (error) {
    throw new Error(`${label}: ${(error as Error).message}`, { cause: error });
  }
}
