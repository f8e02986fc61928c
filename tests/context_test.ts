import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotStrictEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  afterFunc,
  background,
  type Cancel,
  type CancelContext,
  CanceledError,
  Channel,
  type Context,
  ContextKey,
  DeadlineExceededError,
  Queue,
  recv,
  select,
  sleep,
  ticker,
  trySelect,
  whenDone,
  withAny,
  withCancel,
  withDeadline,
  withoutCancel,
  withTimeout,
  withValue,
} from "../mod.ts";
import { type Link, Scope } from "../core/scope.ts";
import { endless, noValues, ScopedContext } from "../core/scoped_context.ts";
import { fakeClock } from "./support/clock.ts";
import { settled, state } from "./support/settle.ts";
import { skewedClock } from "./support/skewed_clock.ts";
import { spiedController } from "./support/spied_signal.ts";

// ---- the tree ----

Deno.test("79: cancelling a context ends all below it before `cancel` returns", () => {
  const { all, root } = family();
  root.cancel("enough");
  for (const ctx of Object.values(all)) {
    assert(ctx.done);
    assertEquals(ctx.cause, "enough");
    assertStrictEquals(ctx.err, root.err);
    assertThrowsItself(() => ctx.throwIfDone(), "enough");
  }
});

Deno.test("79, R25: abort listeners run parents first, depth first, and find the whole tree ended", () => {
  const { all, root } = family();
  const order: string[] = [];
  // Listened to in another order than that of the tree.
  for (const [name, ctx] of Object.entries(all).reverse()) {
    ctx.signal.addEventListener("abort", () => {
      order.push(name);
      assert(Object.values(all).every(({ done, err, cause }) => done && err && cause === "enough"));
    });
  }
  root.cancel("enough");
  assertEquals(order, ["root", "a", "a1", "a2", "b", "b1", "c"]);
});

Deno.test("79: a chain of 100,000 contexts ends at once, and so does a crowd of 100,000", () => {
  const root = withCancel(background());
  let last = root;
  for (let i = 0; i < 100_000; i++) last = withCancel(last);
  const crowd = Array.from({ length: 100_000 }, () => withCancel(last));
  root.cancel("enough");
  assertEquals(last.cause, "enough");
  assert(crowd.every((ctx) => ctx.done && ctx.cause === "enough"));
});

Deno.test("79: what is derived from a context that has ended has ended with its cause", () => {
  using clock = fakeClock();
  const parent = withCancel(background());
  parent.cancel("enough");
  for (const cancel of [parent, parent.signal, AbortSignal.abort("enough")]) {
    for (const [name, derive] of Object.entries(derivations)) {
      const ctx = derive(cancel);
      assert(ctx.done, name);
      assertEquals(ctx.cause, "enough", name);
      assertInstanceOf(ctx.err, CanceledError, name);
      assertEquals(ctx.signal.reason, "enough", name);
      assert(ctx.whenDone.closed, name);
    }
  }
  assertEquals(clock.timers, 0);
});

Deno.test("80: the end of a child touches neither its parent nor its siblings", () => {
  const { all, root } = family();
  all.a.cancel("a");
  const ended = Object.entries(all).filter(([, ctx]) => ctx.done).map(([name]) => name);
  assertEquals(ended, ["a", "a1", "a2"]);
  root.cancel("root");
  assertEquals([all.a.cause, all.a2.cause, all.b1.cause], ["a", "a", "root"]);
});

Deno.test("80: a child that has ended is off its parent, whatever it is", () => {
  using clock = fakeClock();
  const { parent, children } = counted();
  const other = withCancel(background());
  const kinds: Record<string, () => () => void> = {
    ...Object.fromEntries(
      Object.entries(derivations).map(([name, derive]) => [name, () => {
        const ctx = derive(parent);
        return () => ctx.cancel();
      }]),
    ),
    "ended by another parent": () => {
      const end = withCancel(other);
      withAny(parent, end);
      return () => end.cancel();
    },
    "a stopped afterFunc": () => afterFunc(parent, () => {}),
    "a ticker": () => {
      const ticks = ticker(1_000, parent);
      return () => ticks[Symbol.dispose]();
    },
    "a call": () => {
      const ch = new Channel<number>();
      void ch.receive(parent);
      return () => ch.trySend(1);
    },
    "a select": () => {
      const ch = new Channel<number>();
      void select({ value: recv(ch), ended: whenDone(parent) }, parent);
      return () => ch.trySend(1);
    },
    "values": () => {
      withoutCancel(withValue(parent, new ContextKey<number>("n"), 1));
      return () => {};
    },
  };
  for (const [name, make] of Object.entries(kinds)) {
    const end = make();
    if (name !== "values") assert(children() > 0, name);
    end();
    assertEquals(children(), 0, name);
  }
  assertEquals(parent.done, false);
  assertEquals(clock.timers, 0);
});

Deno.test("80: 100,000 children that came and went leave nothing with their parent", () => {
  const { parent, children, most } = counted();
  for (let i = 0; i < 100_000; i++) {
    using _ctx = withCancel(parent);
  }
  assertEquals([children(), most()], [0, 1]);
  const many = Array.from({ length: 100_000 }, () => withCancel(parent));
  assertEquals(children(), 100_000);
  // The last first, the first last, and those between: each has to be found at once.
  for (const ctx of many.reverse()) ctx.cancel();
  assertEquals(children(), 0);
});

Deno.test("80: nothing ever hangs on `background()`", () => {
  const add = endless.add;
  let added = 0;
  endless.add = () => void added++;
  try {
    for (const parent of [background(), withoutCancel(background())]) {
      for (const derive of Object.values(derivations)) derive(parent).cancel();
      afterFunc(parent, () => {})();
      void new Channel<number>().receive(parent);
      void parent.whenDone.receive();
    }
  } finally {
    endless.add = add;
  }
  assertEquals(added, 0);
});

Deno.test("80, R28: a foreign signal has one listener for all its children, and none afterwards", () => {
  const controller = spiedController();
  const children = Array.from({ length: 100_000 }, () => withCancel(controller.signal));
  const stop = afterFunc(controller.signal, () => {});
  assertEquals([controller.listeners, controller.most, controller.added], [1, 1, 1]);
  for (const ctx of children) ctx.cancel();
  assertEquals(controller.listeners, 1);
  stop();
  assertEquals(controller.listeners, 0);
  const last = withCancel(controller.signal);
  assertEquals(controller.listeners, 1);
  controller.abort("enough");
  assertEquals([last.cause, controller.listeners], ["enough", 0]);
  assertEquals(children[0]!.cause === "enough", false);
});

Deno.test("80: a context's own signal, handed back, is the context: nobody listens to it", () => {
  const parent = withCancel(background());
  const { signal } = parent;
  signal.addEventListener = () => {
    throw new Error("somebody listens");
  };
  const child = withCancel(signal);
  const stop = afterFunc(signal, () => {});
  parent.cancel("enough");
  assertEquals(child.cause, "enough");
  assertStrictEquals(child.err, parent.err);
  assertEquals(stop(), false);
});

// ---- how and why it ended ----

Deno.test("81: only the first end of a context counts", async () => {
  using clock = fakeClock();
  const runs: Record<string, (run: Run) => void | Promise<void>> = {
    "its own cancel, then another": ({ child }) => (child.cancel("first"), child.cancel("other")),
    "child, then parent": ({ child, parent }) => (child.cancel("first"), parent.cancel("other")),
    "parent, then child": ({ child, parent }) => (parent.cancel("first"), child.cancel("other")),
    "cancel, then disposal": ({ child }) => (child.cancel("first"), child[Symbol.dispose]()),
    "cancel, then the deadline": async ({ child }) => (child.cancel("first"), await clock.tick(20)),
    "the parent's cancel, then the deadline": async ({ parent }) => {
      parent.cancel("first");
      await clock.tick(20);
    },
    "cancel, then the signal": ({ child, controller }) => {
      child.cancel("first");
      controller.abort("other");
    },
    "the signal, then cancel": ({ child, controller }) => {
      controller.abort("first");
      child.cancel("other");
    },
    "a cancel from an abort listener": ({ child }) => {
      child.signal.addEventListener("abort", () => child.cancel("other"));
      child.cancel("first");
    },
  };
  for (const [name, run] of Object.entries(runs)) {
    const controller = new AbortController();
    const parent = withCancel(controller.signal);
    const child = withTimeout(parent, 20, "deadline");
    await run({ child, parent, controller });
    const { err } = child;
    assertEquals([child.cause, child.signal.reason], ["first", "first"], name);
    assertInstanceOf(err, CanceledError, name);
    parent.cancel("again");
    await clock.tick(50);
    assertStrictEquals(child.err, err, name);
    assertEquals(child.cause, "first", name);
  }
  // And the other way round.
  const late = withTimeout(background(), 20, "first");
  const { signal } = late;
  await clock.tick(20);
  late.cancel("other");
  assertEquals([late.cause, signal.reason], ["first", "first"]);
  assertInstanceOf(late.err, DeadlineExceededError);
  assertEquals(clock.timers, 0);
});

Deno.test("81, R25: a deadline that has passed was first, even if nobody has looked", () => {
  using clock = fakeClock();
  for (const cancel of [(ctx: CancelContext) => ctx.cancel("other"), dispose]) {
    const ctx = withTimeout(background(), 10, "first");
    const child = withCancel(ctx);
    using _skew = skewedClock({ monotonic: 10 });
    cancel(child);
    cancel(ctx);
    assertEquals([ctx.cause, child.cause], ["first", "first"]);
    assertInstanceOf(ctx.err, DeadlineExceededError);
  }
  assertEquals(clock.timers, 0);
});

Deno.test("82, R25: `cancel` without a cause, or with undefined, has the error itself as its cause", () => {
  for (const cancel of [(ctx: CancelContext) => ctx.cancel(), cancelWithUndefined, dispose]) {
    const ctx = withCancel(background());
    cancel(ctx);
    assertInstanceOf(ctx.err, CanceledError);
    assertStrictEquals(ctx.cause, ctx.err);
    assertStrictEquals(ctx.signal.reason, ctx.err);
  }
});

Deno.test("82: any value but undefined is a cause as it is, and `err` names it", () => {
  for (const cause of [null, 0, "", false, NaN, new Error("no"), () => {}, Promise.resolve(1)]) {
    const ctx = withCancel(background());
    ctx.cancel(cause);
    assertStrictEquals(ctx.cause, cause);
    assertStrictEquals(ctx.signal.reason, cause);
    assertInstanceOf(ctx.err, CanceledError);
    assertStrictEquals(ctx.err.cause, cause);
    assertThrowsItself(() => ctx.throwIfDone(), cause);
  }
});

Deno.test("82: after a deadline `err` is DeadlineExceededError, and so is the cause, if none was given", async () => {
  using clock = fakeClock();
  const make: readonly ((cause?: unknown) => Context)[] = [
    (cause) => withTimeout(background(), 10, cause),
    (cause) => withDeadline(background(), clock.now + 10, cause),
    (cause) => withDeadline(background(), new Date(clock.now + 10), cause),
    (cause) => withCancel(withTimeout(background(), 10, cause)),
  ];
  for (const makeOne of make) {
    const plain = makeOne();
    const given = makeOne("too late");
    const undef = makeOne(undefined);
    for (const ctx of [plain, given, undef]) {
      assertEquals([ctx.done, ctx.err, ctx.cause], [false, undefined, undefined]);
      ctx.throwIfDone();
    }
    await clock.tick(10);
    for (const ctx of [plain, given, undef]) assertInstanceOf(ctx.err, DeadlineExceededError);
    assertStrictEquals(plain.cause, plain.err);
    assertStrictEquals(undef.cause, undef.err);
    assertEquals(given.cause, "too late");
    assert(!(given.err instanceof CanceledError));
  }
});

Deno.test("90: the reasons are named as those of web APIs, which know them", async () => {
  using clock = fakeClock();
  const canceled = withCancel(background());
  const late = withTimeout(background(), 10);
  const { signal } = late;
  canceled.cancel();
  await clock.tick(10);
  assertEquals((canceled.signal.reason as Error).name, "AbortError");
  assertEquals((signal.reason as Error).name, "TimeoutError");
  assertEquals([canceled.err?.code, late.err?.code], [
    "SLUICE_CANCELED",
    "SLUICE_DEADLINE_EXCEEDED",
  ]);
  // A web API that takes a signal, and needs no network.
  const pipe = new ReadableStream().pipeTo(new WritableStream(), { signal: canceled.signal });
  assertStrictEquals(await pipe.then(() => undefined, (error) => error), canceled.cause);
});

Deno.test("90, R25: a foreign signal's reason arrives unchanged as cause, with a CanceledError", () => {
  for (const reason of ["enough", new Error("no"), null, new DOMException("x", "TimeoutError")]) {
    const controller = new AbortController();
    const ctx = withCancel(withTimeout(controller.signal, 1_000));
    controller.abort(reason);
    assertStrictEquals(ctx.cause, reason);
    assertStrictEquals(ctx.signal.reason, reason);
    assertInstanceOf(ctx.err, CanceledError);
  }
  const plain = new AbortController();
  const ctx = withCancel(plain.signal);
  plain.abort();
  assertStrictEquals(ctx.cause, plain.signal.reason);
});

Deno.test("90: `signal` is one object, and aborts for foreign code too", () => {
  const ctx = withCancel(background());
  const { signal } = ctx;
  assertStrictEquals(ctx.signal, signal);
  const any = AbortSignal.any([signal]);
  let seen: unknown;
  signal.addEventListener("abort", () => seen = ctx.cause);
  ctx.cancel("enough");
  assertEquals([signal.aborted, any.reason, seen], [true, "enough", "enough"]);
});

// ---- deadlines ----

Deno.test("83: the deadline is the earliest of a context and its ancestors", () => {
  using clock = fakeClock();
  const start = clock.now;
  const parent = withTimeout(background(), 100);
  const earlier = withTimeout(parent, 50);
  const later = withTimeout(parent, 200);
  const wall = withDeadline(withCancel(earlier), new Date(start + 20));
  const any = withAny(withCancel(background()), later, earlier);
  const deadlines = [parent, earlier, later, wall, any].map((ctx) => ctx.deadline);
  assertEquals(deadlines.map((at) => at! - start), [100, 50, 100, 20, 50]);
  assertEquals(withValue(parent, new ContextKey<number>("n"), 1).deadline, start + 100);
  assertEquals(withCancel(background()).deadline, undefined);
  assertEquals(withAny(withCancel(background())).deadline, undefined);
  parent.cancel();
  assertEquals([parent.deadline, earlier.deadline], [start + 100, start + 50]);
});

Deno.test("83: a child with a later deadline has no timer of its own, and ends with its parent", async () => {
  using clock = fakeClock();
  const parent = withTimeout(background(), 100, "parent");
  const { signal } = parent;
  assertEquals([clock.timers, signal.aborted], [1, false]);
  const children = [100, 101, 1e6, Infinity].map((ms) => withTimeout(parent, ms, "child"));
  children.push(withDeadline(parent, clock.now + 100, "child"));
  children.push(withDeadline(withCancel(parent), new Date(clock.now + 101), "child"));
  const { signal: last } = children.at(-1)!;
  assertEquals(clock.timers, 1);
  await clock.tick(99);
  assert(children.every((ctx) => !ctx.done));
  await clock.tick(1);
  assert(children.every((ctx) => ctx.done && ctx.cause === "parent"));
  assertEquals(last.reason, "parent");
});

Deno.test("83: a deadline in the past is over on return, without a timer", () => {
  using clock = fakeClock();
  const past: readonly (() => CancelContext)[] = [
    () => withTimeout(background(), 0),
    () => withTimeout(background(), -0),
    () => withTimeout(background(), -1),
    () => withTimeout(background(), -Infinity),
    () => withDeadline(background(), clock.now),
    () => withDeadline(background(), clock.now - 1),
    () => withDeadline(background(), -Infinity),
    () => withDeadline(background(), new Date(0)),
    () => withTimeout(withTimeout(background(), 100), 0),
  ];
  for (const make of past) {
    const ctx = make();
    assertInstanceOf(ctx.err, DeadlineExceededError);
    assertStrictEquals(ctx.cause, ctx.err);
    assert(ctx.signal.aborted && ctx.whenDone.closed);
    assertEquals(withCancel(ctx).cause, ctx.cause);
  }
  assertEquals(withTimeout(background(), 0, "given").cause, "given");
  assertEquals(clock.timers, 1, "that of the last parent");
});

Deno.test("R25: a timeout of Infinity is no deadline", () => {
  using clock = fakeClock();
  for (const ctx of [withTimeout(background(), Infinity), withDeadline(background(), Infinity)]) {
    assertEquals([ctx.deadline, ctx.done, ctx.signal.aborted], [undefined, false, false]);
    ctx.cancel("enough");
    assertEquals(ctx.cause, "enough");
  }
  assertEquals(clock.timers, 0);
});

Deno.test("84: whatever ends a context with a deadline clears its timer", async () => {
  using clock = fakeClock();
  const ends: Record<string, (run: Run) => void | Promise<void>> = {
    "cancel": ({ child }) => child.cancel(),
    "disposal": ({ child }) => child[Symbol.dispose](),
    "the parent": ({ parent }) => parent.cancel(),
    "the signal": ({ controller }) => controller.abort(),
    "the deadline": () => clock.tick(1_000),
    "the deadline, looked at": ({ child }) => {
      using _skew = skewedClock({ monotonic: 1_000 });
      assert(child.done);
    },
  };
  for (const [name, end] of Object.entries(ends)) {
    const controller = new AbortController();
    const parent = withCancel(controller.signal);
    const child = withTimeout(parent, 1_000);
    const uses = [child.signal, child.whenDone.receive(), sleep(5_000, child).catch(() => {})];
    assert(clock.timers > 0);
    await end({ child, parent, controller });
    assertEquals(clock.timers, 0, name);
    await Promise.all(uses);
  }
});

Deno.test("84: a context that nobody waits on costs no timer, and yet ends in time", async () => {
  using clock = fakeClock();
  const ctx = withTimeout(background(), 100);
  assertEquals([clock.timers, ctx.done], [0, false]);
  await clock.tick(100);
  assertEquals(ctx.done, true);
  assertInstanceOf(ctx.err, DeadlineExceededError);
});

Deno.test("R25: a deadline that has passed is over when it is looked at, in whatever way", () => {
  const looks: Record<string, (ctx: Context) => boolean> = {
    "done": (ctx) => ctx.done,
    "err": (ctx) => ctx.err instanceof DeadlineExceededError,
    "cause": (ctx) => ctx.cause === "late",
    "signal": (ctx) => ctx.signal.aborted,
    "whenDone.closed": (ctx) => ctx.whenDone.closed,
    "whenDone.tryReceive": (ctx) => ctx.whenDone.tryReceive()?.ok === false,
    "recv of whenDone": (ctx) => trySelect({ ended: recv(ctx.whenDone) }) !== undefined,
    "whenDone case": (ctx) => trySelect({ ended: whenDone(ctx) }) !== undefined,
    "a child": (ctx) => withCancel(ctx).done,
    "afterFunc": (ctx) => !afterFunc(ctx, () => {})(),
    "throwIfDone": (ctx) => {
      try {
        ctx.throwIfDone();
        return false;
      } catch (error) {
        return error === "late";
      }
    },
  };
  using clock = fakeClock();
  for (const [name, look] of Object.entries(looks)) {
    const parent = withTimeout(background(), 10, "late");
    const child = withAny(withCancel(parent), withCancel(background()));
    for (const ctx of [parent, child]) {
      // Both made before, so that neither is made of an ended context.
      assertEquals([ctx.signal.aborted, ctx.whenDone.closed], [false, false]);
    }
    using _skew = skewedClock({ monotonic: 10 });
    assert(look(child), `${name} of a child`);
    assert(look(parent), name);
  }
  assertEquals(clock.timers, 0);
});

Deno.test("P21, 72: a deadline beyond what setTimeout holds comes when it is due", async () => {
  using clock = fakeClock();
  const days = 24 * 60 * 60_000;
  const start = clock.now;
  for (
    const make of [
      () => withTimeout(background(), 60 * days),
      () => withDeadline(background(), clock.now + 60 * days),
    ]
  ) {
    const ctx = make();
    const { signal } = ctx;
    await clock.tick(60 * days - 1);
    assertEquals([signal.aborted, ctx.done, clock.timers], [false, false, 1]);
    await clock.tick(1);
    assertEquals([signal.aborted, ctx.done, clock.timers], [true, true, 0]);
  }
  assertEquals(clock.now - start, 120 * days);
});

// ---- two clocks ----

Deno.test("123: a timeout goes by the monotonic clock, however the wall clock is set", async () => {
  using clock = fakeClock();
  const hour = 60 * 60_000;
  for (const wall of [hour, -hour, 24 * hour, -clock.now]) {
    const ctx = withTimeout(background(), 1_000);
    const child = withCancel(ctx);
    const waiting = sleep(hour, child).catch((error) => error);
    using _skew = skewedClock({ wall });
    await clock.tick(999);
    assertEquals([ctx.done, child.done, await state(waiting)], [false, false, "pending"]);
    await clock.tick(1);
    assertEquals([ctx.done, child.done, await waiting], [true, true, ctx.cause]);
  }
});

Deno.test("123: a deadline goes by the wall clock: when that is set back, it comes later", async () => {
  using clock = fakeClock();
  const ctx = withDeadline(background(), clock.now + 1_000);
  const waiting = sleep(1e9, ctx).catch((error) => error);
  {
    using _skew = skewedClock({ wall: -600 });
    await clock.tick(1_000);
    // Its timer has run; the moment has not come.
    assertEquals([ctx.done, await state(waiting)], [false, "pending"]);
    await clock.tick(599);
    assertEquals([ctx.done, await state(waiting)], [false, "pending"]);
    await clock.tick(1);
    assertEquals(await waiting, ctx.cause);
  }
  assertEquals(clock.timers, 0);
});

Deno.test("123: when the wall clock is set forward, a deadline is over as soon as it is looked at", async () => {
  using clock = fakeClock();
  const ctx = withDeadline(background(), clock.now + 60 * 60_000);
  const waiting = sleep(1e9, ctx).catch((error) => error);
  const child = withTimeout(ctx, 1_000);
  using _skew = skewedClock({ wall: 2 * 60 * 60_000 });
  assertEquals([child.done, ctx.done], [true, true]);
  assertStrictEquals(child.cause, ctx.cause);
  assertEquals(await waiting, ctx.cause);
  assertInstanceOf(ctx.err, DeadlineExceededError);
  assertEquals(clock.timers, 0);
});

Deno.test("123, 83: setting the wall clock disables no deadline of a child", async () => {
  using clock = fakeClock();
  const hour = 60 * 60_000;
  const parents: readonly (() => CancelContext)[] = [
    () => withTimeout(background(), hour),
    () => withAny(withTimeout(background(), hour), new AbortController().signal),
    () => withCancel(withValue(withTimeout(background(), hour), new ContextKey<number>("n"), 1)),
  ];
  for (const makeParent of parents) {
    for (const wall of [2 * hour, -2 * hour]) {
      using parent = makeParent();
      using _skew = skewedClock({ wall });
      const relative = withTimeout(parent, 50);
      const absolute = withDeadline(parent, Date.now() + 50);
      const waiting = [relative, absolute].map((ctx) => sleep(1e9, ctx).catch((error) => error));
      await clock.tick(49);
      assertEquals([relative.done, absolute.done], [false, false]);
      await clock.tick(1);
      assertEquals(await state(Promise.all(waiting)), "fulfilled");
      assertEquals(await Promise.all(waiting), [relative.cause, absolute.cause]);
      assertEquals(parent.done, false);
    }
  }
});

Deno.test("123: a Date is a point in time, not a time of day", () => {
  using clock = fakeClock();
  // The same moment, on both sides of the hour that is set back in autumn.
  const summer = new Date("2026-10-25T02:30:00+02:00");
  const winter = new Date("2026-10-25T01:30:00+01:00");
  assertEquals(
    withDeadline(background(), summer).deadline,
    withDeadline(background(), winter).deadline,
  );
  assertEquals(withDeadline(background(), summer).deadline, summer.getTime());
  assertEquals(clock.timers, 0);
});

// ---- values ----

Deno.test("85: the nearest value of a key wins, and derived contexts pass it on", () => {
  const user = new ContextKey<string>("user");
  const outer = withValue(background(), user, "ada");
  using timed = withTimeout(outer, 1_000);
  const inner = withValue(withCancel(timed), user, "bob");
  assertEquals([outer.value(user), inner.value(user)], ["ada", "bob"]);
  assertEquals(withCancel(withDeadline(inner, Infinity)).value(user), "bob");
  assertEquals(background().value(user), undefined);
});

Deno.test("85: keys are told apart by identity, not by name", () => {
  const [first, second] = [new ContextKey<number>("n"), new ContextKey<number>("n")];
  const ctx = withValue(withValue(background(), first, 1), second, 2);
  assertEquals([ctx.value(first), ctx.value(second)], [1, 2]);
  assertEquals(ctx.value(new ContextKey<number>("n")), undefined);
  assertEquals(first.name, "n");
});

Deno.test("85: undefined, null and NaN are values, which hide those above", () => {
  const key = new ContextKey<number | null | undefined>("n");
  const outer = withValue(background(), key, 1);
  assertEquals(withValue(outer, key, undefined).value(key), undefined);
  assertEquals(withValue(outer, key, null).value(key), null);
  assertEquals(withValue(outer, key, NaN).value(key), NaN);
  assertEquals(withAny(withValue(outer, key, undefined), outer).value(key), undefined);
});

Deno.test("85: a context with a value ends with its parent, and shares its signal", () => {
  const parent = withCancel(background());
  const ctx = withValue(parent, new ContextKey<number>("n"), 1);
  assertStrictEquals(ctx.signal, parent.signal);
  assertStrictEquals(ctx.whenDone, parent.whenDone);
  parent.cancel("enough");
  assertEquals([ctx.done, ctx.cause], [true, "enough"]);
});

Deno.test("85: values of `withAny` come from the first parent that has them; signals have none", () => {
  const [a, b, c] = ["a", "b", "c"].map((name) => new ContextKey<string>(name)) as [
    ContextKey<string>,
    ContextKey<string>,
    ContextKey<string>,
  ];
  const first = withValue(background(), a, "first");
  const second = withValue(withValue(withCancel(background()), a, "second"), b, "second");
  const ctx = withAny(new AbortController().signal, undefined, first, second);
  assertEquals([ctx.value(a), ctx.value(b), ctx.value(c)], ["first", "second", undefined]);
});

Deno.test("86: `withoutCancel` passes values, but no deadline and no end", async () => {
  using clock = fakeClock();
  const key = new ContextKey<number>("n");
  const parent = withTimeout(withValue(background(), key, 1), 10);
  const before = withoutCancel(parent);
  await clock.tick(10);
  assert(parent.done);
  for (const ctx of [before, withoutCancel(parent), withoutCancel(withCancel(parent))]) {
    assertEquals(ctx.value(key), 1);
    assertEquals([ctx.done, ctx.err, ctx.cause, ctx.deadline], [
      false,
      undefined,
      undefined,
      undefined,
    ]);
    assertEquals(ctx.signal.aborted, false);
    ctx.throwIfDone();
    const child = withTimeout(ctx, 10);
    assertEquals([child.done, child.value(key)], [false, 1]);
    await clock.tick(10);
    assertEquals([child.done, ctx.done], [true, false]);
  }
});

// ---- afterFunc ----

Deno.test("87: afterFunc runs once, after the end, and `cancel` does not wait for it", async () => {
  const ctx = withCancel(background());
  const log: unknown[] = [];
  const stop = afterFunc(ctx, () => log.push(ctx.cause));
  ctx.cancel("enough");
  log.push("cancel returned");
  ctx.cancel("again");
  assertEquals(stop(), false);
  await settled();
  assertEquals(log, ["cancel returned", "enough"]);
});

Deno.test("87: afterFunc runs asynchronously also if the context has ended already", async () => {
  for (const cancel of [withTimeout(background(), 0), AbortSignal.abort()]) {
    const log: string[] = [];
    const stop = afterFunc(cancel, () => log.push("ran"));
    log.push("returned");
    assertEquals(stop(), false);
    await settled();
    assertEquals(log, ["returned", "ran"]);
  }
});

Deno.test("87, R25: `stop` is true once, and only if it prevented the run", async () => {
  const ctx = withCancel(background());
  let runs = 0;
  const run = () => void runs++;
  const [stopped, twice, kept] = [run, run, run].map((fn) => afterFunc(ctx, fn));
  assertEquals([stopped!(), twice!(), twice!(), twice!()], [true, true, false, false]);
  ctx.cancel();
  // It has not run yet; but its context has ended.
  assertEquals([runs, kept!(), stopped!()], [0, false, false]);
  await settled();
  assertEquals(runs, 1);
  const idle = afterFunc(background(), run);
  assertEquals([idle(), idle()], [true, false]);
});

Deno.test("87, R25: it is too late for `stop` once the deadline has passed, timer or not", async () => {
  using _clock = fakeClock();
  const ctx = withTimeout(background(), 10);
  let runs = 0;
  const stop = afterFunc(ctx, () => runs++);
  {
    using _skew = skewedClock({ monotonic: 10 });
    assertEquals(stop(), false);
  }
  await settled();
  assertEquals([runs, ctx.done], [1, true]);
});

Deno.test("87, R12: what an afterFunc throws is an uncaught error, and hinders nobody", async () => {
  const ctx = withCancel(background());
  const ran: string[] = [];
  const child = withCancel(ctx);
  afterFunc(ctx, () => {
    throw new Error("thrown");
  });
  afterFunc(ctx, () => Promise.reject(new Error("rejected")));
  afterFunc(child, () => ran.push("child"));
  afterFunc(ctx, () => ran.push("sibling"));
  const uncaught: string[] = [];
  const note = (event: Event, error: unknown) => {
    event.preventDefault();
    uncaught.push((error as Error).message);
  };
  const onError = (event: ErrorEvent) => note(event, event.error);
  const onRejection = (event: PromiseRejectionEvent) => note(event, event.reason);
  addEventListener("error", onError);
  addEventListener("unhandledrejection", onRejection);
  ctx.cancel();
  assertEquals([child.done, ran], [true, []]);
  await settled();
  await settled();
  removeEventListener("error", onError);
  removeEventListener("unhandledrejection", onRejection);
  assertEquals(ran.sort(), ["child", "sibling"]);
  assertEquals(uncaught.sort(), ["rejected", "thrown"]);
});

// ---- many parents ----

Deno.test("81, 90: `withAny` ends with the first parent that ends, and with its cause and error", async () => {
  using clock = fakeClock();
  const controller = new AbortController();
  const parents: readonly [string, (all: readonly Cancel[]) => void | Promise<void>][] = [
    ["cancel", ([first]) => (first as CancelContext).cancel("cancel")],
    ["deadline", () => clock.tick(10)],
    ["signal", () => controller.abort("signal")],
  ];
  for (const [cause, end] of parents) {
    const all = [withCancel(background()), withTimeout(background(), 10, "deadline")] as const;
    const ctx = withAny(...all, controller.signal);
    const { signal } = ctx;
    assertEquals(ctx.done, false);
    await end(all);
    assertEquals([ctx.cause, signal.reason], [cause, cause]);
    if (cause === "deadline") assertStrictEquals(ctx.err, all[1].err);
    for (const parent of all) parent.cancel("later");
    assertEquals(ctx.cause, cause);
  }
});

Deno.test("79: of several parents that have ended, the first one's cause counts", () => {
  const ended = (cause: string) => {
    const ctx = withCancel(background());
    ctx.cancel(cause);
    return ctx;
  };
  const { parent, children } = counted();
  const ctx = withAny(parent, undefined, ended("first"), AbortSignal.abort("second"));
  assertEquals([ctx.done, ctx.cause, children()], [true, "first", 0]);
});

Deno.test("R25: `withAny` of nothing, or of what never ends, ends by `cancel` alone", () => {
  for (const ctx of [withAny(), withAny(undefined), withAny(background(), undefined)]) {
    assertEquals([ctx.done, ctx.deadline, ctx.signal.aborted], [false, undefined, false]);
    ctx.cancel("enough");
    assertEquals(ctx.cause, "enough");
  }
});

Deno.test("80: the end of `withAny` touches no parent, and takes itself off all of them", () => {
  const first = counted();
  const second = counted();
  const controller = spiedController();
  const ctx = withAny(first.parent, controller.signal, second.parent, first.parent);
  ctx.cancel();
  assertEquals([first.children(), second.children(), controller.listeners], [0, 0, 0]);
  assertEquals([first.parent.done, second.parent.done], [false, false]);
  const again = withAny(first.parent, controller.signal, second.parent);
  first.parent.cancel("enough");
  assertEquals([again.cause, second.children(), controller.listeners], ["enough", 0, 0]);
});

// ---- from within ----

Deno.test("88: two contexts that cancel each other from their abort listeners both end", () => {
  const [a, b] = [withCancel(background()), withCancel(background())];
  const children = [withCancel(a), withCancel(b)];
  a.signal.addEventListener("abort", () => b.cancel("by a"));
  b.signal.addEventListener("abort", () => a.cancel("by b"));
  a.cancel("first");
  assertEquals([a.cause, b.cause], ["first", "by a"]);
  assertEquals(children.map((ctx) => ctx.cause), ["first", "by a"]);
});

Deno.test("88: an abort listener may cancel a parent, a sibling or a child", () => {
  const { all, root } = family();
  all.a1.signal.addEventListener("abort", () => {
    all.a.cancel("sibling of b");
    all.b.cancel("late");
    root.cancel("late too");
  });
  all.a1.cancel("first");
  assertEquals([all.a1.cause, all.a.cause, all.a2.cause], [
    "first",
    "sibling of b",
    "sibling of b",
  ]);
  assertEquals([all.b.cause, all.b1.cause, root.cause], ["late", "late", "late too"]);
  assertEquals(all.c.cause, "late too");
});

Deno.test("88: what is derived from within an abort listener has ended with the same cause", () => {
  const parent = withCancel(background());
  const child = withCancel(parent);
  const seen: unknown[] = [];
  for (const ctx of [parent, child]) {
    ctx.signal.addEventListener("abort", () => {
      for (const derive of Object.values(derivations)) seen.push(derive(ctx).cause);
      for (const derive of Object.values(derivations)) seen.push(derive(ctx.signal).cause);
    });
  }
  parent.cancel("enough");
  assertEquals(seen.length, 4 * Object.keys(derivations).length);
  assert(seen.every((cause) => cause === "enough"));
});

Deno.test("88: a context whose foreign signal is aborting counts as ended for every listener", () => {
  const controller = new AbortController();
  const { signal } = controller;
  const seen: unknown[] = [];
  const contexts: Context[] = [];
  // Runs before ours, as it is added before.
  signal.addEventListener("abort", () => {
    for (const { done, cause } of contexts) seen.push(done, cause);
  });
  using timed = withTimeout(signal, 1_000);
  contexts.push(withCancel(withCancel(signal)), timed, withAny(background(), timed));
  controller.abort("enough");
  assertEquals(seen, [true, "enough", true, "enough", true, "enough"]);
});

Deno.test("88: an abort listener that throws does not keep the others from their end", async () => {
  const parent = withCancel(background());
  const child = withCancel(parent);
  const ch = new Channel<number>();
  const waiting = ch.receive(child).catch((error) => error);
  parent.signal.addEventListener("abort", () => {
    throw new Error("a listener's own");
  });
  const uncaught: unknown[] = [];
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    uncaught.push((event.error as Error).message);
  };
  addEventListener("error", onError);
  parent.cancel("enough");
  await settled();
  removeEventListener("error", onError);
  assertEquals([child.signal.reason, await waiting], ["enough", "enough"]);
  assertEquals(uncaught, ["a listener's own"]);
});

// ---- ends of the tree ----

Deno.test("89: background() never ends, whatever is done to it", async () => {
  const ctx = background() as CancelContext;
  assertStrictEquals(background(), ctx);
  // In the types it has neither; a program without types may call them.
  ctx.cancel?.("enough");
  ctx[Symbol.dispose]?.();
  ctx.throwIfDone();
  assertEquals([ctx.done, ctx.err, ctx.cause, ctx.deadline], [
    false,
    undefined,
    undefined,
    undefined,
  ]);
  assertEquals(ctx.signal.aborted, false);
  assertEquals(await state(new Channel<number>().receive(ctx)), "pending");
});

Deno.test("89: a context makes an AbortController only when its signal is read", async () => {
  const { AbortController: Real } = globalThis;
  let made = 0;
  globalThis.AbortController = class extends Real {
    constructor() {
      super();
      made++;
    }
  };
  try {
    using parent = withTimeout(withAny(background()), 1_000);
    const ctx = withCancel(parent);
    const ch = new Channel<number>();
    const calls = [ch.receive(ctx), select({ value: recv(ch) }, { ctx, timeout: 1_000 })];
    afterFunc(ctx, () => {});
    void ctx.whenDone;
    ctx.cancel();
    await Promise.allSettled(calls);
    assertEquals([ctx.done, made], [true, 0]);
    void ctx.signal;
    void ctx.signal;
    assertEquals(made, 1);
  } finally {
    globalThis.AbortController = Real;
  }
});

Deno.test("R12: `whenDone` of what never ends is one object, never ready", async () => {
  const { whenDone: never } = background();
  const { whenDone: detached } = withoutCancel(withTimeout(background(), 0));
  assertStrictEquals(never, background().whenDone);
  assertStrictEquals(detached, never);
  assertEquals([never.closed, never.tryReceive()], [false, undefined]);
  assertEquals(await state(never.receive()), "pending");
});

Deno.test("79: `whenDone` delivers nothing, and is closed, without an error, when the context ends", async () => {
  const ctx = withCancel(background());
  const { whenDone: ended } = ctx;
  assertStrictEquals(ctx.whenDone, ended);
  assertEquals([ended.closed, ended.tryReceive(), ended.length, ended.capacity], [
    false,
    undefined,
    0,
    0,
  ]);
  const received = ended.receive();
  const looped = (async () => {
    for await (const _ of ended) throw new Error("it delivered");
    return "looped";
  })();
  assertEquals(await state(received), "pending");
  ctx.cancel(new Error("a cause"));
  assertEquals(await received, { ok: false, value: undefined });
  assertEquals(await looped, "looped");
  assertEquals(await ended.receiveMany(2), []);
  assertEquals(withCancel(ctx).whenDone.closed, true);
});

Deno.test("91: `using` cancels at the end of the scope, also when that throws", () => {
  const seen: Context[] = [];
  const run = (fail: boolean) => {
    using ctx = withTimeout(background(), 1_000);
    seen.push(ctx, withCancel(ctx));
    if (fail) throw new Error("no");
  };
  run(false);
  assertThrows(() => run(true), Error, "no");
  assertEquals(seen.length, 4);
  for (const ctx of seen) assertInstanceOf(ctx.err, CanceledError);
});

Deno.test("91: disposing after a cancel does nothing", () => {
  const ctx = withCancel(background());
  {
    using owned = ctx;
    owned.cancel("enough");
  }
  ctx[Symbol.dispose]();
  assertEquals(ctx.cause, "enough");
});

Deno.test("92, R17: what is no context is refused with a TypeError, and nothing is left behind", () => {
  using clock = fakeClock();
  const fake = { done: false, cause: undefined, throwIfDone() {}, signal: AbortSignal.abort() };
  const key = new ContextKey<number>("n");
  const calls: Record<string, (parent: never) => unknown> = {
    withCancel,
    withTimeout: (parent) => withTimeout(parent, 10),
    withDeadline: (parent) => withDeadline(parent, clock.now + 10),
    withAny: (parent) => withAny(background(), parent),
    withValue: (parent) => withValue(parent, key, 1),
    withoutCancel,
    afterFunc: (parent) => afterFunc(parent, () => {}),
    whenDone: (parent) => whenDone(parent),
    ticker: (parent) => ticker(10, parent),
  };
  for (const [name, call] of Object.entries(calls)) {
    for (const parent of [null, undefined, 5, "", {}, fake, new AbortController(), () => {}]) {
      const optional = ["withAny", "whenDone", "ticker"].includes(name) && parent === undefined;
      if (optional || (name === "whenDone" && parent === null)) continue;
      assertThrows(() => call(parent as never), TypeError, undefined, `${name}(${parent})`);
    }
  }
  assertThrows(() => withValue(new AbortController().signal as never, key, 1), TypeError);
  assertThrows(() => withoutCancel(new AbortController().signal as never), TypeError);
  assertEquals(clock.timers, 0);
});

Deno.test("R17: a time that is none, a key that is none, a function that is none throw", () => {
  const ctx = withCancel(background());
  assertThrows(() => withTimeout(ctx, NaN), RangeError);
  assertThrows(() => withDeadline(ctx, NaN), RangeError);
  assertThrows(() => withDeadline(ctx, new Date(NaN)), RangeError);
  for (const bad of ["10", null, undefined, {}, 10n]) {
    assertThrows(() => withTimeout(ctx, bad as never), TypeError);
    assertThrows(() => withDeadline(ctx, bad as never), TypeError);
    assertThrows(() => withValue(ctx, bad as never, 1 as never), TypeError);
    assertThrows(() => ctx.value(bad as never), TypeError);
    assertThrows(() => afterFunc(ctx, bad as never), TypeError);
  }
  assertThrows(() => withTimeout(ctx, new Date() as never), TypeError);
});

// ---- nested timeouts, after asyncio.timeout ----

Deno.test("93: an inner timeout does not hide that the outer context was cancelled", async () => {
  using clock = fakeClock();
  const outer = withCancel(background());
  const inner = withTimeout(outer, 10, "inner");
  const waiting = sleep(1_000, inner).catch((error) => error);
  await clock.tick(5);
  outer.cancel("outer");
  assertEquals(await waiting, "outer");
  assertInstanceOf(inner.err, CanceledError);
  await clock.tick(10);
  assertEquals(inner.cause, "outer");
});

Deno.test("93: an outer timeout that passes while the inner one is handled is told as the outer", async () => {
  using clock = fakeClock();
  const outer = withTimeout(background(), 20, "outer");
  const run = async () => {
    using inner = withTimeout(outer, 10, "inner");
    try {
      await sleep(1_000, inner);
    } catch (error) {
      assertEquals([error, inner.cause, outer.done], ["inner", "inner", false]);
      await sleep(1_000, outer);
    }
  };
  const ran = run().catch((error) => error);
  await clock.tick(20);
  assertEquals(await ran, "outer");
  assertInstanceOf(outer.err, DeadlineExceededError);
});

Deno.test("93: of nested timeouts that are due at once, all that is inside ends with the outer cause", async () => {
  using clock = fakeClock();
  const outer = withTimeout(background(), 10, "outer");
  const inner = withTimeout(outer, 10, "inner");
  const waiting = sleep(1_000, inner).catch((error) => error);
  await clock.tick(10);
  assertEquals([await waiting, inner.cause, outer.cause], ["outer", "outer", "outer"]);
});

Deno.test("93: a foreign end inside a timeout is not taken for the timeout", async () => {
  using clock = fakeClock();
  using ctx = withTimeout(background(), 10);
  const foreign = new CanceledError("not ours");
  const caught = await Promise.reject(foreign).catch((error) => error);
  assertStrictEquals(caught, foreign);
  assertNotStrictEquals(caught, ctx.cause);
  assertEquals([ctx.done, ctx.err], [false, undefined]);
  await clock.tick(10);
  assert(ctx.done);
});

Deno.test("93: after its scope, an inner timeout ends nothing any more", async () => {
  using clock = fakeClock();
  const outer = withTimeout(background(), 100);
  const queue = new Queue<number>();
  {
    using inner = withTimeout(outer, 10);
    queue.putNowait(1);
    assertEquals(await queue.get(inner), 1);
  }
  const waiting = queue.get(outer);
  await clock.tick(50);
  assertEquals([await state(waiting), outer.done], ["pending", false]);
  outer.cancel();
  assertEquals(await state(waiting), "rejected");
  assertEquals(clock.timers, 0);
});

// ---- helpers ----

interface Run {
  readonly parent: CancelContext;
  readonly child: CancelContext;
  readonly controller: AbortController;
}

/** All that makes a context which can be cancelled, with a deadline that is far off. */
const derivations: Readonly<Record<string, (parent: Cancel) => CancelContext>> = {
  withCancel,
  withTimeout: (parent) => withTimeout(parent, 1e9, "timeout"),
  withDeadline: (parent) => withDeadline(parent, Date.now() + 1e9, "deadline"),
  withAny: (parent) => withAny(background(), parent),
};

type Name = "root" | "a" | "a1" | "a2" | "b" | "b1" | "c";

function family(): { root: CancelContext; all: Record<Name, CancelContext> } {
  const root = withCancel(background());
  const [a, b] = [withCancel(root), withAny(root, background())];
  const a1 = withTimeout(a, Infinity);
  const b1 = withCancel(withValue(b, new ContextKey<number>("n"), 1));
  const a2 = withCancel(a);
  const c = withCancel(root.signal);
  return { root, all: { root, a, a1, a2, b, b1, c } };
}

/** A context that counts what hangs on it. */
function counted(): { parent: CancelContext; children: () => number; most: () => number } {
  let count = 0;
  let most = 0;
  class Counted extends Scope {
    override add(link: Link): void {
      most = Math.max(most, ++count);
      super.add(link);
    }
    override remove(link: Link): void {
      count--;
      super.remove(link);
    }
  }
  return {
    parent: new ScopedContext(new Counted(), noValues),
    children: () => count,
    most: () => most,
  };
}

function cancelWithUndefined(ctx: CancelContext): void {
  ctx.cancel(undefined);
}

function dispose(ctx: CancelContext): void {
  ctx[Symbol.dispose]();
}

/** Causes need not be errors. */
function assertThrowsItself(fn: () => void, thrown: unknown): void {
  let caught: unknown = Symbol("nothing");
  try {
    fn();
  } catch (error) {
    caught = error;
  }
  assertStrictEquals(caught, thrown);
}

Deno.test("79, 83: contexts that share their parents over and over are looked at in one go", () => {
  using root = withTimeout(background(), 60_000);
  let ctx: Context = root;
  // Looked at along every path there would be 2^200 looks.
  for (let i = 0; i < 200; i++) ctx = withAny(withCancel(ctx), withCancel(ctx));
  assertEquals([ctx.done, ctx.deadline], [false, root.deadline]);
  using later = withTimeout(ctx, 120_000);
  assertEquals(later.deadline, root.deadline);
  root.cancel("over");
  assertEquals([ctx.cause, later.cause], ["over", "over"]);
});
