/**
 * One stream in several: `tee`, `split`, `splitBy`.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  background,
  Channel,
  ClosedError,
  type Context,
  DeadlineExceededError,
  Queue,
  recv,
  select,
  type Source,
  sourcePort,
  trySelect,
  withCancel,
} from "../mod.ts";
import {
  type Branch,
  type BranchOptions,
  map,
  type Producer,
  split,
  splitBy,
  tee,
  window,
} from "../flow/mod.ts";
import { fakeClock } from "./support/clock.ts";
import { held } from "./support/collect.ts";
import { law, type Same } from "./support/laws.ts";
import { lines } from "./support/lines.ts";
import { settled, state } from "./support/settle.ts";
import { spiedController } from "./support/spied_signal.ts";
import { numbers, silent, Tracked } from "./support/tracked.ts";
import { catchUncaught } from "./support/uncaught.ts";
import { drained, failure, filled } from "./support/streaming.ts";

type Fork = (source: Producer<number>, options?: Context | BranchOptions) => Branch<number>[];

/** Each gives two branches; the first gets at least every even number. */
const forks: Readonly<Record<string, Fork>> = {
  tee: (source, options) => tee(source, 2, options),
  split: (source, options) => split(source, (n) => n % 2 === 0, options),
  "split by promises": (source, options) => {
    return split(source, (n) => Promise.resolve(n % 2 === 0), options);
  },
  splitBy: (source, options) => {
    const { even, odd } = splitBy(source, ["odd", "even"], (n) => n % 2 ? "odd" : "even", options);
    return [even, odd];
  },
};

const ended = { done: true as const, value: undefined };
const over = { ok: false as const, value: undefined };
const range = (length: number): number[] => Array.from({ length }, (_, i) => i);

/** As a select of another copy of the module sees it. */
function foreign<T>({ [sourcePort]: port }: Source<T>): Source<T> {
  return {
    [sourcePort]: {
      tryTake: () => port.tryTake(),
      park: (waiter) => port.park(waiter),
      unpark: (waiter) => port.unpark(waiter),
    },
  };
}

// What holds for all of them.

Deno.test("151: each value comes to its branches in order, once, whatever the source is", async () => {
  const sources: readonly (() => Producer<number>)[] = [
    () => range(7),
    () => numbers(7),
    () => filled(range(7), true),
    () => map(range(7), (n) => n),
    () => Channel.from(range(7)),
  ];
  for (const [name, fork] of Object.entries(forks)) {
    for (const source of sources) {
      for (const capacity of [1, 3, Infinity]) {
        const [a, b] = fork(source(), { capacity }).map(drained);
        assertEquals(await a, name === "tee" ? range(7) : [0, 2, 4, 6], name);
        assertEquals(await b, name === "tee" ? range(7) : [1, 3, 5]);
      }
    }
  }
});

Deno.test("151: nothing is read before somebody asks at a branch, and no more than that", async () => {
  for (const [name, fork] of Object.entries(forks)) {
    const source = numbers();
    const [a, b] = fork(source) as [Branch<number>, Branch<number>];
    await settled();
    assertEquals([source.asked, a.length, a.capacity, a.closed], [0, 0, 1, false], name);
    assertEquals(await a.take(), 0);
    await settled();
    assertEquals(source.asked, 1, name);
    assertEquals(await b.take(), name === "tee" ? 0 : 1);
    await settled();
    assertEquals([source.asked, source.most], [name === "tee" ? 1 : 2, 1]);
    for (const branch of [a, b]) branch.close();
    assertEquals(source.returned, 1);
  }
});

Deno.test("151: a branch that nobody reads holds up the others when it has capacity values", async () => {
  for (const [name, fork] of Object.entries(forks)) {
    const source = numbers();
    const [a, b] = fork(source, { capacity: 3 }) as [Branch<number>, Branch<number>];
    const seen: number[] = [];
    const reading = (async () => {
      for await (const n of a) seen.push(n);
    })();
    await settled();
    const most = name === "tee" ? [0, 1, 2] : [0, 2, 4];
    assertEquals([seen, b.length], [most, 3], name);
    assertEquals(await b.take(), name === "tee" ? 0 : 1);
    await settled();
    assertEquals(seen, name === "tee" ? range(4) : [0, 2, 4, 6]);
    assertEquals([b.length, source.most], [3, 1]);
    a.close();
    await reading;
    assertEquals([source.returned, b.length], [0, 3], name);
    b.close();
    assertEquals([source.returned, b.closed, b.length], [1, true, 0]);
  }
});

Deno.test("151: leaving a loop closes the branch, and disposing it, too; the last one stops the source", async () => {
  for (const [name, fork] of Object.entries(forks)) {
    const source = numbers();
    const [a, b] = fork(source) as [Branch<number>, Branch<number>];
    for await (const _ of a) break;
    assertEquals([a.closed, b.closed, source.returned], [true, false, 0], name);
    assertEquals(await a[Symbol.asyncIterator]().next(), ended);
    {
      using _ = b;
      assertEquals(await b.take(), name === "tee" ? 0 : 1);
    }
    assertEquals([b.closed, source.returned], [true, 1]);
    b.close();
    a.close();
    assertEquals([source.returned, source.most], [1, 1], name);
    const unread = numbers();
    for (const branch of fork(unread)) branch.close();
    assertEquals([unread.asked, unread.returned], [0, 1]);
  }
});

Deno.test("151: an operator over a branch closes it when it is left", async () => {
  for (const [name, fork] of Object.entries(forks)) {
    const source = numbers();
    const [a, b] = fork(source) as [Branch<number>, Branch<number>];
    for await (const _ of map(a, (n) => n)) break;
    await settled();
    assertEquals([a.closed, b.closed], [true, false], name);
    const it = b[Symbol.asyncIterator]();
    {
      await using _ = it;
      await it.next();
    }
    assertEquals([b.closed, source.returned], [true, 1]);
  }
});

Deno.test("151: a branch counts what came for it; a tee has nothing for one that is closed, a split drops it", async () => {
  const base = { waiting: 0, over: false };
  for (const kind of ["tee", "split"]) {
    const [a, b] = kind === "tee"
      ? tee([1, 2, 3, 4], 2, { capacity: 2 })
      : split([2, 1, 4, 3, 6], (n) => n % 2 === 0, { capacity: 2 });
    assertEquals(a.stats(), { ...base, read: 0, given: 0, held: 0, dropped: 0 });
    await a.take();
    await a.take();
    const held = kind === "tee" ? 2 : 1;
    assertEquals(b.stats(), { ...base, read: held, given: 0, held, dropped: 0 });
    b.close();
    b.close();
    for await (const _ of a);
    const read = kind === "tee" ? 4 : 3;
    assertEquals(a.stats(), { waiting: 0, read, given: read, held: 0, dropped: 0, over: true });
    assertEquals(b.stats(), { waiting: 0, read: 2, given: 0, held: 0, dropped: 2, over: true });
  }
});

Deno.test("151: what waits at a branch when it is closed is done, and the others go on", async () => {
  for (const [name, fork] of Object.entries(forks)) {
    const source = silent(1);
    const [a, b] = fork(source) as [Branch<number>, Branch<number>];
    await a.take();
    const it = b[Symbol.asyncIterator]();
    const waiting = [b.receive(), it.next(), it.next()];
    const other = a.receive();
    if (name === "tee") {
      assertEquals(await waiting.shift(), { ok: true, value: 0 });
    }
    await settled();
    b.close();
    assertEquals(await waiting.at(-1), ended, name);
    if (name !== "tee") assertEquals(await waiting[0], over);
    assertEquals([await state(other), source.returned], ["pending", 0]);
    a.close();
    assertEquals([await other, source.returned], [over, 1]);
  }
});

Deno.test("151: the end of the source, and its error, come at each branch after what it holds", async () => {
  for (const [name, fork] of Object.entries(forks)) {
    for (const error of [undefined, new Error("no")]) {
      const source = numbers(4, () => error && Promise.reject(error));
      const [a, b] = fork(source, { capacity: 9 }) as [Branch<number>, Branch<number>];
      const rest = error === undefined ? [] : [{ thrown: error }];
      assertEquals(await drained(a), [...(name === "tee" ? range(4) : [0, 2]), ...rest], name);
      assertEquals(await drained(b), [...(name === "tee" ? range(4) : [1, 3]), ...rest]);
      assertEquals([source.returned, a.closed, b.closed], [0, true, true]);
      if (error !== undefined) assertStrictEquals(await failure(a.take()), error);
    }
    const failing = fork(numbers(0, () => Promise.reject(undefined)));
    await assertRejects(() => failing[0]!.take(), Error, "something failed with undefined");
  }
});

Deno.test("151, R2: a context, a signal and a timeout close all branches with the cause, and stop the source", async () => {
  for (const [name, fork] of Object.entries(forks)) {
    for (const way of ["ctx", "bare ctx", "signal", "timeout"]) {
      using clock = fakeClock();
      const ctx = withCancel(background());
      const controller = spiedController();
      const given: Readonly<Record<string, Context | BranchOptions>> = {
        ctx: { ctx, capacity: 2 },
        "bare ctx": ctx,
        signal: { signal: controller.signal, capacity: 2 },
        timeout: { timeout: 10, capacity: 2 },
      };
      const source = silent(1);
      const [a, b] = fork(source, given[way]) as [Branch<number>, Branch<number>];
      await clock.tick(50);
      await (name === "tee" ? b : a).take();
      const waiting = (name === "tee" ? b : a).receive();
      await settled();
      const error = new Error("over");
      ctx.cancel(error);
      controller.abort(error);
      if (way === "timeout") await clock.tick(10);
      const told = (await waiting as { error?: unknown }).error;
      if (way === "timeout") assertInstanceOf(told, DeadlineExceededError);
      else assertStrictEquals(told, error, `${name}, ${way}`);
      if (name === "tee") assertEquals(await a.take(), 0, "what it holds comes first");
      assertStrictEquals(await failure(a.take()), told);
      assertStrictEquals(await failure(b.take()), told);
      assertEquals([source.returned, clock.timers, controller.listeners], [1, 0, 0]);
    }
  }
});

Deno.test("151, R18: what has ended already closes the branches before anything is read", async () => {
  const ctx = withCancel(background());
  ctx.cancel("over");
  for (const [name, fork] of Object.entries(forks)) {
    for (const options of [ctx, { ctx }, { signal: AbortSignal.abort("over") }, { timeout: 0 }]) {
      const source = numbers();
      const [a, b] = fork(source, options) as [Branch<number>, Branch<number>];
      assertEquals(a.closed, false, "nobody has asked");
      const told = await failure(a.take());
      if ("timeout" in options) assertInstanceOf(told, DeadlineExceededError);
      else assertEquals(told, "over", name);
      assertEquals([b.closed, source.asked, source.returned], [true, 0, 1]);
    }
  }
});

Deno.test("151: a receive at a branch that is cancelled takes nothing from a channel behind it", async () => {
  for (const [name, fork] of Object.entries(forks)) {
    for (const inner of [false, true]) {
      const ch = new Channel<number>();
      const [a, b] = fork(inner ? map(ch, (n) => n) : ch) as [Branch<number>, Branch<number>];
      const ctx = withCancel(background());
      const it = b[Symbol.asyncIterator]();
      const waiting = [a.receive(ctx), a.receiveMany(1, ctx), select({ a: recv(a) }, ctx)];
      await settled();
      assertEquals(lines(ch).takers, 1, name);
      const next = it.next();
      ctx.cancel("over");
      assertEquals(await Promise.all(waiting.map(failure)), ["over", "over", "over"]);
      assertEquals(lines(ch).takers, 1, "somebody waits at the other one");
      await it.return();
      assertEquals([await next, lines(ch).takers, ch.trySend(1)], [ended, 0, false]);
      const again = a.receive();
      await settled();
      assert(ch.trySend(2));
      assertEquals(await again, { ok: true, value: 2 });
      assertEquals(lines(ch).takers, 0);
    }
  }
});

Deno.test("151: what a channel had handed over when all who waited left is kept for those who come", async () => {
  for (const [name, fork] of Object.entries(forks)) {
    const ch = new Channel<number>();
    const [a] = fork(ch) as [Branch<number>];
    const ctx = withCancel(background());
    const waiting = a.receive(ctx);
    await settled();
    assert(ch.trySend(4));
    ctx.cancel("over");
    assertEquals(await failure(waiting), "over");
    await settled();
    assertEquals([a.length, await a.take()], [1, 4], name);
  }
});

Deno.test("151, 4: what was handed over before the end of the context comes at its branch", async () => {
  for (const [name, fork] of Object.entries(forks)) {
    if (name.includes("promises")) continue;
    const ctx = withCancel(background());
    const ch = new Channel<number>();
    const [a] = fork(ch, ctx) as [Branch<number>];
    const waiting = [a.receive(), a.receive()];
    await settled();
    assert(ch.trySend(4));
    ctx.cancel("over");
    assertEquals(await waiting[0], { ok: true, value: 4 }, name);
    assertEquals((await waiting[1] as { error?: unknown }).error, "over");
    assertEquals([lines(ch).takers, ch.closed], [0, false]);
  }
});

Deno.test("151: branches take part in select, also in that of another copy of the module", async () => {
  for (const [name, fork] of Object.entries(forks)) {
    const source = numbers();
    const [a, b] = fork(source) as [Branch<number>, Branch<number>];
    const other = new Channel<string>();
    const won = await select({ a: recv(a), other: recv(other) });
    assertEquals([won.key, won.value], ["a", 0], name);
    const far = select({ b: recv(foreign(b)), other: recv(other) });
    assertEquals((await far).value, name === "tee" ? 0 : 1);
    assertEquals(trySelect({ b: recv(b) }), undefined);
    assertEquals([lines(b).takers, lines(other).takers], [0, 0]);
    // One that leaves takes its question back.
    const ch = new Channel<number>();
    const [c] = fork(ch) as [Branch<number>];
    const ctx = withCancel(background());
    const left = select({ c: recv(foreign(c)) }, ctx);
    await settled();
    assertEquals(lines(ch).takers, 1);
    ctx.cancel("over");
    assertEquals([await failure(left), lines(ch).takers], ["over", 0], name);
  }
});

Deno.test("151: who only looks by tryReceive has the source asked, and finds the value later", async () => {
  for (const [name, fork] of Object.entries(forks)) {
    const source = numbers(2);
    const [a] = fork(source) as [Branch<number>];
    assertEquals(a.tryReceive(), undefined);
    await settled();
    assertEquals([source.asked, a.tryReceive()], [1, { ok: true, value: 0 }], name);
    a.close();
    assertEquals(a.tryReceive(), over);
    await settled();
    assertEquals(source.asked, 1);
  }
});

Deno.test("151: batches are received at a branch as at a channel", async () => {
  const [a, b] = tee(numbers(5), 2, { capacity: 3 });
  assertEquals(await a.receiveMany(9, { min: 3 }), [0, 1, 2]);
  const rest = a.receiveMany(9, { min: 3 });
  assertEquals(await b.receiveMany(9), [0, 1, 2]);
  await settled();
  assertEquals([await rest, await b.receiveMany(9)], [[3, 4], [3, 4]]);
  assertEquals([await a.receiveMany(9), await b.receiveMany(9)], [[], []]);
});

Deno.test("151: nothing of a branch that was closed is held, nor anything on a context", async () => {
  const parent = withCancel(background());
  const refs: WeakRef<object>[] = [];
  const values = (): Producer<number> => {
    return range(6).map((n) => ({ n, valueOf: () => n })) as unknown as Producer<number>;
  };
  await (async () => {
    for (const fork of Object.values(forks)) {
      const branches = fork(values(), { ctx: parent, capacity: 4 });
      for await (const value of branches[0]!) {
        refs.push(new WeakRef(value as unknown as object));
        break;
      }
      branches[1]!.close();
      for (const branch of branches) refs.push(new WeakRef(branch));
    }
  })();
  assertEquals(await held(refs), 0);
  parent.cancel();
});

Deno.test("151, 117: busy branches let a timer run", async () => {
  for (const fork of Object.values(forks)) {
    let fired = false;
    const timer = setTimeout(() => fired = true, 1);
    const [a, b] = fork(numbers()) as [Branch<number>, Branch<number>];
    let rounds = 0;
    await Promise.all([a, b].map(async (branch) => {
      for await (const _ of branch) if (fired || ++rounds > 300_000) break;
    }));
    assert(fired);
    clearTimeout(timer);
  }
});

Deno.test("151: what the return of the source throws is uncaught, and changes nothing else", async () => {
  for (const [name, fork] of Object.entries(forks)) {
    using uncaught = catchUncaught();
    const branches = fork(numbers(9, undefined, () => {
      throw "return";
    }));
    for (const branch of branches) branch.close();
    await settled();
    assertEquals(uncaught.errors, ["return"], name);
  }
});

// tee.

Deno.test("151: with a capacity of 0 a value is read when somebody waits at every branch", async () => {
  const source = numbers(3);
  const [a, b, c] = tee(source, 3, { capacity: 0 });
  const first = [a.take(), b.take()];
  await settled();
  assertEquals([source.asked, await state(first[0]!)], [0, "pending"]);
  assertEquals([await c.take(), await first[0], await first[1]], [0, 0, 0]);
  const ctx = withCancel(background());
  const second = [a.take(ctx), b.take()];
  await settled();
  ctx.cancel("over");
  const third = c.take();
  assertEquals(await failure(second[0]!), "over");
  await settled();
  assertEquals(source.asked, 1);
  assertEquals([await a.take(), await second[1], await third], [1, 1, 1]);
  b.close();
  assertEquals(await Promise.all([a.take(), c.take()]), [2, 2], "who has closed is not waited for");
  assertEquals(await Promise.all([a.receive(), c.receive()]), [over, over]);
});

Deno.test("151: with a capacity of 0 a value comes, though one has left meanwhile", async () => {
  const gate = Promise.withResolvers<number>();
  const [a, b] = tee(new Tracked(() => gate.promise, 1), 2, { capacity: 0 });
  const ctx = withCancel(background());
  const taking = [a.take(ctx), b.take()];
  await settled();
  ctx.cancel("over");
  gate.resolve(7);
  assertEquals([await failure(taking[0]!), await taking[1]], ["over", 7]);
  assertEquals([a.length, await a.take()], [1, 7], "it was read for both");
  assertEquals(await Promise.all([a.receive(), b.receive()]), [over, over]);
});

Deno.test("151: with a capacity of 0 a batch takes what was read for one who has left, and all there can be", async () => {
  const gate = Promise.withResolvers<number>();
  const [a, b] = tee(new Tracked((n) => n === 0 ? gate.promise : n, 4), 2, { capacity: 0 });
  const ctx = withCancel(background());
  const taking = [a.take(ctx), b.take()];
  await settled();
  ctx.cancel("over");
  gate.resolve(0);
  assertEquals([await failure(taking[0]!), await taking[1], a.length], ["over", 0, 1]);
  assertEquals(await a.receiveMany(3), [0]);
  // No more than one comes before it is taken.
  assertEquals(await Promise.all([a.receiveMany(3, { min: 2 }), b.take()]), [[1], 1]);
  assertEquals(await Promise.all([a.receiveMany(3, { linger: 1e6 }), b.take()]), [[2], 2]);
  const behind = [a.receiveMany(3), a.take(), a.receive()];
  assertEquals([await b.take(), await behind[0]], [3, [3]]);
  assertEquals(await b.receive(), over);
  await assertRejects(() => behind[1]!, ClosedError);
  assertEquals(await behind[2], over);
});

Deno.test("151: tee is 1 behind at most by default, has as many branches as are asked for, and one will do", async () => {
  const [a, b, c, d] = tee(numbers(3), 4);
  assertEquals([a.capacity, await b.take(), await state(b.take())], [1, 0, "pending"]);
  assertEquals([a, b, c, d].map(({ length }) => length), [1, 0, 1, 1]);
  for (const branch of [b, c, d]) branch.close();
  assertEquals(await drained(a), [0, 1, 2], "who has closed is left out");
  const [one] = tee(numbers(3), 1);
  assertEquals(await drained(one!), [0, 1, 2]);
  const many = tee(numbers(3), 50, { capacity: 3 }).map(drained);
  assertEquals(new Set((await Promise.all(many)).map(String)), new Set(["0,1,2"]));
});

Deno.test("151: a tee of a queue leaves in it what nobody has asked for", async () => {
  const queue = new Queue<number>();
  for (const n of range(5)) queue.putNowait(n);
  const [a, b] = tee(queue);
  assertEquals(await Promise.all([a.take(), b.take()]), [0, 0]);
  a.close();
  b.close();
  assertEquals([queue.size, lines(queue).takers], [4, 0]);
});

Deno.test("151: tees of tees, and what they are made of, keep the order and the bound", async () => {
  const source = numbers(20);
  const [a, b] = tee(source, 2, { capacity: 2 });
  const [c, d] = tee(map(a, (n) => n * 10), 2, { capacity: 2 });
  const all = await Promise.all([drained(b), drained(c), drained(window(d, { count: 2 }))]);
  assertEquals(all[0], range(20));
  assertEquals(all[1], range(20).map((n) => 10 * n));
  assertEquals(all[2]!.flat(), all[1]);
});

// split.

Deno.test("151: what is for a branch that was closed is dropped, and the others get theirs", async () => {
  for (const [name, fork] of Object.entries(forks)) {
    if (name === "tee") continue;
    const source = numbers(7);
    const [even, odd] = fork(source) as [Branch<number>, Branch<number>];
    odd.close();
    assertEquals(await drained(even), [0, 2, 4, 6], name);
    assertEquals(odd.tryReceive(), over);
  }
});

Deno.test("151: the error of a split's function closes all, after what they hold, and stops the source", async () => {
  using uncaught = catchUncaught();
  for (const rejects of [true, false]) {
    const error = new Error("no");
    const source = numbers();
    const [even, odd] = split(source, (n) => {
      if (n < 3) return n % 2 === 0;
      if (rejects) return Promise.reject(error);
      throw error;
    }, { capacity: 3 });
    assertEquals(await drained(even), [0, 2, { thrown: error }]);
    assertEquals(await drained(odd), [1, { thrown: error }]);
    assertEquals([source.read, source.returned], [4, 1]);
  }
  assertEquals(uncaught.errors, []);
});

Deno.test("151: a split is left promptly while its function is at work, whose context ends", async () => {
  using uncaught = catchUncaught();
  for (const way of ["close", "ctx"]) {
    for (const late of ["resolve", "reject"] as const) {
      const parent = withCancel(background());
      const gate = Promise.withResolvers<boolean>();
      const given: [number, Context, number][] = [];
      const source = numbers();
      const [yes, no] = split(source, (...args) => {
        given.push(args);
        return gate.promise;
      }, parent);
      const waiting = [yes.receive(), no.receive()];
      await settled();
      if (way === "ctx") parent.cancel("over");
      else for (const branch of [yes, no]) branch.close();
      const outcomes = await Promise.all(waiting);
      assertEquals(outcomes.map(({ ok }) => ok), [false, false]);
      const [value, ctx, index] = given[0]!;
      assertEquals([value, ctx.done, index, given.length, source.returned], [0, true, 0, 1, 1]);
      gate[late](true as never);
      await settled();
      assertEquals([yes.length, no.length], [0, 0], way);
    }
  }
  assertEquals(uncaught.errors, []);
});

Deno.test("151: nothing is read while a split's function is at work, whoever asks", async () => {
  const gate = Promise.withResolvers<boolean>();
  const source = numbers();
  const [yes, no] = split(source, () => gate.promise);
  const first = yes.receive();
  await settled();
  const others = [no.receive(), yes.receive()];
  await settled();
  assertEquals(source.asked, 1);
  gate.resolve(true);
  assertEquals([await first, await others[1]], [{ ok: true, value: 0 }, { ok: true, value: 1 }]);
  for (const branch of [yes, no]) branch.close();
  assertEquals(await others[0], over);
});

Deno.test("151: a split whose function ends it, and never comes back, closes its branches", async () => {
  const parent = withCancel(background());
  const source = numbers();
  const [yes, no] = split(source, () => {
    parent.cancel("over");
    return new Promise<boolean>(() => {});
  }, parent);
  assertEquals([await failure(yes.take()), await failure(no.take())], ["over", "over"]);
  assertEquals(source.returned, 1);
});

Deno.test("151: what a branch holds at the end is dropped when it is closed", async () => {
  const [a, b] = tee(numbers(2), 2, { capacity: 3 });
  assertEquals(await drained(a), [0, 1]);
  assertEquals([b.length, b.closed], [2, true]);
  b.close();
  assertEquals([b.length, await b.receive()], [0, over]);
});

Deno.test("151, 118: a split's function may close branches, and end the context", async () => {
  const parent = withCancel(background());
  const source = numbers();
  const branches: Branch<number>[] = split(source, (n) => {
    if (n === 1) branches[1]!.close();
    if (n === 4) parent.cancel("over");
    return n % 2 === 0;
  }, parent);
  assertEquals(await drained(branches[0]!), [0, 2, 4, { thrown: "over" }]);
  assertEquals([source.read, source.returned], [5, 1]);
  const all = numbers();
  const left: Branch<number>[] = split(all, () => {
    for (const branch of left) branch.close();
    return true;
  });
  assertEquals([await left[0]!.receive(), all.read, all.returned], [over, 1, 1]);
});

Deno.test("151: splitBy has a branch for each key, and an unknown one is an error", async () => {
  const symbol = Symbol("s");
  const made = splitBy(numbers(6), ["a", 7, symbol], (n) => n % 3 ? n % 3 === 1 ? 7 : symbol : "a");
  const all = [made.a, made[7], made[symbol]].map(drained);
  assertEquals(await Promise.all(all), [[0, 3], [1, 4], [2, 5]]);
  const source = numbers();
  const { x } = splitBy(source, ["x"], (n) => n === 0 ? "x" : "y" as never);
  const it = x[Symbol.asyncIterator]();
  assertEquals(await it.next(), { done: false, value: 0 });
  await assertRejects(() => it.next(), RangeError, 'keyOf must give one of the keys, not "y"');
  assertEquals([await it.next(), source.returned], [ended, 1]);
});

// Types and arguments.

Deno.test("151: types follow the number of branches, and the predicate", () => {
  const pair = tee([1]);
  law<Same<typeof pair, [Branch<number>, Branch<number>]>>();
  const three = tee(["a"], 3);
  law<Same<typeof three, [Branch<string>, Branch<string>, Branch<string>]>>();
  const some = tee(["a"], 3 as number);
  law<Same<typeof some, Branch<string>[]>>();
  const mixed: (string | number)[] = [1, "a"];
  const [yes, no] = split(mixed, (value) => typeof value === "number");
  law<Same<typeof yes, Branch<number>>>();
  law<Same<typeof no, Branch<string>>>();
  const [some2] = split(mixed, (value) => Boolean(value));
  law<Same<typeof some2, Branch<string | number>>>();
  const by = splitBy(mixed, ["s", "n"], (value) => typeof value === "string" ? "s" : "n");
  law<Same<typeof by, { s: Branch<string | number>; n: Branch<string | number> }>>();
});

Deno.test("151, R17: bad arguments are refused by the call, and leave a stream unlocked", async () => {
  const bad = 7 as never;
  const stream = ReadableStream.from([1]);
  const yes = (): boolean => true;
  const cases: readonly [() => unknown, new () => Error, string][] = [
    [() => tee(bad), TypeError, "source must be an Iterable or AsyncIterable, not 7"],
    [() => tee(stream, 0), RangeError, "n must be an integer of at least 1"],
    [() => tee(stream, Infinity), RangeError, "n must be finite: Infinity"],
    [() => tee(stream, "2" as never), TypeError, 'n must be a number, not "2"'],
    [() => tee(stream, 2, bad), TypeError, "options must be an object of options, not 7"],
    [() => tee(stream, 2, null as never), TypeError, "options must be an object"],
    [
      () => tee(stream, 2, { capacity: -1 }),
      RangeError,
      "capacity must be an integer of at least 0",
    ],
    [() => tee(stream, 2, { timeout: NaN }), RangeError, "timeout must be a number, not NaN"],
    [() => tee(stream, 2, { ctx: bad }), TypeError, "ctx must be a context, not 7"],
    [() => split(bad, yes), TypeError, "source must be an Iterable or AsyncIterable, not 7"],
    [() => split(stream, bad), TypeError, "predicate must be a function, not 7"],
    [
      () => split(stream, yes, { capacity: 0 }),
      RangeError,
      "capacity must be an integer of at least 1",
    ],
    [() => split(stream, yes, { signal: bad }), TypeError, "signal must be an AbortSignal, not 7"],
    [() => splitBy(stream, bad, yes as never), TypeError, "keys must be an array, not 7"],
    [() => splitBy(stream, [], yes as never), RangeError, "there must be at least one key: []"],
    [
      () => splitBy(stream, ["a", "a"], () => "a"),
      RangeError,
      "each of the keys must be there once",
    ],
    [() => splitBy(stream, ["a"], bad), TypeError, "keyOf must be a function, not 7"],
  ];
  for (const [call, kind, message] of cases) assertThrows(call, kind, message);
  assertEquals(stream.locked, false);
  await stream.cancel();
  const aborted = AbortSignal.abort();
  for (const branch of tee([], 2, aborted)) branch.close();
});

Deno.test("151: a closed branch behaves as a closed channel", async () => {
  const [a] = tee([1, 2]);
  a.close();
  await assertRejects(() => a.take(), ClosedError);
  assertEquals([await a.receive(), await a.receiveMany(3), a.tryReceive()], [over, [], over]);
  assertEquals(await drained(a), []);
});
