/**
 * Operators over one source, and `zip`, `pipe` and `pipeline`. What holds for all of them is tested on
 * all of them.
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
  type Context,
  DeadlineExceededError,
  PriorityQueue,
  Queue,
  sleep,
  ticker,
  type WaitOptions,
  withCancel,
} from "../mod.ts";
import {
  filter,
  type FlowStream,
  map,
  merge,
  type Operator,
  pipe,
  pipeline,
  type Producer,
  type ReceiverIterator,
  take,
  takeWhile,
  tee,
  type Wait,
  window,
  zip,
} from "../flow/mod.ts";
import { ManualClock } from "../tasks/mod.ts";
import { fakeClock } from "./support/clock.ts";
import { held } from "./support/collect.ts";
import { law, type Same } from "./support/laws.ts";
import { lines } from "./support/lines.ts";
import { settled, state } from "./support/settle.ts";
import { spiedController } from "./support/spied_signal.ts";
import { numbers, silent, Tracked } from "./support/tracked.ts";
import { catchUncaught } from "./support/uncaught.ts";
import { drained as allOf, failure, filled } from "./support/streaming.ts";

type Piece = (source: Producer<number>, wait?: Wait) => ReceiverIterator<unknown>;

const options = (wait: Wait | undefined): WaitOptions =>
  wait === undefined
    ? {}
    : wait instanceof AbortSignal
    ? { signal: wait }
    : "throwIfDone" in wait
    ? { ctx: wait as Context }
    : wait as WaitOptions;

/** Each gives one thing for each value. */
const pieces: Readonly<Record<string, Piece>> = {
  map: (source, wait) => map(source, (n) => n, wait),
  "map by promises": (source, wait) => map(source, (n) => Promise.resolve(n), wait),
  filter: (source, wait) => filter(source, () => true, wait),
  "filter by promises": (source, wait) => filter(source, () => Promise.resolve(true), wait),
  take: (source, wait) => take(source, 1_000, wait),
  takeWhile: (source, wait) => takeWhile(source, () => true, wait),
  window: (source, wait) => window(source, { ...options(wait), count: 1 }),
  zip: (source, wait) => wait === undefined ? zip(source) : zip(source, wait),
  "a pipe of several": (source, wait) =>
    pipe(
      source,
      (source) => map(source, (n) => n),
      (source) => filter(source, () => true),
      (source) => take(source, 1_000),
      (source) => window(source, { ...options(wait), count: 1 }),
    ),
  "a pipe whose first may end": (source, wait) =>
    pipe(
      source,
      (source) => takeWhile(source, () => true, wait),
      (source) => map(source, (n) => n),
      (source) => zip(source),
    ),
};
/** The number that one of them has given. */
const plain = (value: unknown): unknown => Array.isArray(value) ? plain(value[0]) : value;

const drained = async <T>(stream: Producer<T>): Promise<unknown[]> =>
  (await allOf(stream)).map(plain);

const never = new Promise<never>(() => {});
const ended = { done: true as const, value: undefined };
const range = (length: number): number[] => Array.from({ length }, (_, i) => i);

async function valueOf(next: Promise<IteratorResult<unknown, undefined>>): Promise<unknown> {
  const result = await next;
  return result.done ? "done" : plain(result.value);
}

// What holds for all of them.

Deno.test("149: an operator reads anything that can be iterated over, and ends when that does", async () => {
  const sources: Readonly<Record<string, () => Producer<number>>> = {
    "an array": () => [0, 1, 2],
    "a set": () => new Set([0, 1, 2]),
    "a generator": () =>
      (function* () {
        yield* [0, 1, 2];
      })(),
    "an async generator": () =>
      (async function* () {
        for (const n of [0, 1, 2]) {
          await null;
          yield n;
        }
      })(),
    "a stream": () => ReadableStream.from([0, 1, 2]),
    "a channel": () => filled([0, 1, 2], true),
    "a queue": () => {
      const queue = new Queue<number>();
      for (const n of [0, 1, 2]) queue.putNowait(n);
      queue.shutdown();
      return queue;
    },
    "a priority queue": () => {
      const queue = new PriorityQueue<number>({ compare: (a, b) => a - b });
      for (const n of [2, 0, 1]) queue.putNowait(n);
      queue.shutdown();
      return queue;
    },
    "a merge": () => merge([[0, 1, 2]]),
    "a branch": () => tee([0, 1, 2], 1)[0]!,
    "an iterator without done": () => ({
      [Symbol.iterator]: () => {
        let n = 0;
        return { next: () => n < 3 ? { value: n++ } : { done: true, value: undefined } };
      },
    } as Iterable<number>),
  };
  for (const [name, piece] of Object.entries(pieces)) {
    for (const [kind, source] of Object.entries(sources)) {
      const it = piece(source());
      assertEquals(await drained(it), [0, 1, 2], `${name} of ${kind}`);
      assertEquals(await it.next(), ended);
    }
  }
});

Deno.test("149: a queue that is read by an operator is owed taskDone, as when it is iterated over", async () => {
  const queue = new Queue<number>();
  for (const n of [0, 1, 2]) queue.putNowait(n);
  for await (const _ of take(queue, 2)) queue.taskDone();
  assertEquals([queue.size, queue.unfinished], [1, 1]);
});

Deno.test("149: nothing happens before the first next, and one value is read for each that is asked for", async () => {
  for (const [name, piece] of Object.entries(pieces)) {
    const source = numbers();
    const it = piece(source);
    await settled();
    assertEquals(source.asked, 0, name);
    for (const n of range(4)) {
      assertEquals(await valueOf(it.next()), n);
      await settled();
      assertEquals(source.asked, n + 1, name);
    }
    const nexts = range(5).map(() => it.next());
    assertEquals(await Promise.all(nexts.map(valueOf)), [4, 5, 6, 7, 8]);
    await settled();
    assertEquals([source.asked, source.most], [9, 1], name);
    await it.return();
  }
});

Deno.test("149: several next at once are served in their order, the end included", async () => {
  for (const [name, piece] of Object.entries(pieces)) {
    const it = piece(numbers(2));
    const order: number[] = [];
    const nexts = range(4).map((n) => it.next().finally(() => order.push(n)));
    assertEquals(await Promise.all(nexts.map(valueOf)), [0, 1, "done", "done"], name);
    assertEquals(order, [0, 1, 2, 3]);
  }
});

Deno.test("149: the error of the source is told once, after what came before; it is not told to stop", async () => {
  for (const [name, piece] of Object.entries(pieces)) {
    for (const error of [new Error("no"), undefined, null]) {
      const source = numbers(2, () => Promise.reject(error));
      const it = piece(source);
      const nexts = range(5).map(() => it.next());
      const outcomes = await Promise.allSettled(nexts);
      assertEquals(outcomes.map(({ status }) => status[0]), ["f", "f", "r", "f", "f"], name);
      assertStrictEquals((outcomes[2] as PromiseRejectedResult).reason, error);
      assertEquals([await nexts[4], await it.next()], [ended, ended]);
      await it.return();
      assertEquals(source.returned, 0, name);
    }
  }
});

Deno.test("149: a source may fail in any way", async () => {
  const error = new Error("no");
  const failing: Readonly<Record<string, () => Producer<number>>> = {
    "a generator that throws": () =>
      (function* () {
        yield* [];
        throw error;
      })(),
    "next that throws": () => ({
      [Symbol.asyncIterator]: () => ({
        next: () => {
          throw error;
        },
      }),
    }),
    "a channel closed with it": () => {
      const ch = new Channel<number>();
      ch.close(error);
      return ch;
    },
    "a queue whose comparator throws": () => {
      let fails = false;
      const queue = new PriorityQueue<number>({
        compare: (a, b) => {
          if (fails) throw error;
          return a - b;
        },
      });
      for (const n of [1, 2, 3]) queue.putNowait(n);
      fails = true;
      return queue;
    },
    "a result with a getter": () => ({
      [Symbol.asyncIterator]: () => ({
        next: () =>
          Promise.resolve({
            get done(): false {
              throw error;
            },
            value: 1,
          }),
      }),
    }),
  };
  for (const [name, piece] of Object.entries(pieces)) {
    for (const [kind, source] of Object.entries(failing)) {
      const it = piece(source());
      assertStrictEquals(await failure(it.next()), error, `${name}, ${kind}`);
      assertEquals(await it.next(), ended);
    }
    for (const result of [undefined, 7, null]) {
      const it = piece({ [Symbol.asyncIterator]: () => ({ next: () => result }) } as never);
      assertInstanceOf(await failure(it.next()), TypeError, `${name}, ${result}`);
    }
  }
});

Deno.test("149: leaving the loop stops the source, once", async () => {
  for (const [name, piece] of Object.entries(pieces)) {
    const source = numbers();
    for await (const n of piece(source)) if (plain(n) === 2) break;
    await settled();
    assertEquals([source.read, source.returned], [3, 1], name);
    const disposed = numbers();
    const it = piece(disposed);
    {
      await using _ = it;
      await it.next();
    }
    await it.return();
    assertEquals(await it.next(), ended);
    assertEquals([disposed.read, disposed.returned], [1, 1], name);
    const unread = numbers();
    await piece(unread).return();
    assertEquals([unread.asked, unread.returned], [0, 1], name);
  }
});

Deno.test("149: return is prompt while the source never answers, and those who wait are done", async () => {
  using uncaught = catchUncaught();
  for (const [name, piece] of Object.entries(pieces)) {
    const late = Promise.withResolvers<number>();
    const source = new Tracked((n) => n === 0 ? 0 : late.promise);
    const it = piece(source);
    await it.next();
    const nexts = [it.next(), it.next()];
    await settled();
    assertEquals([await it.return(), await nexts[0], await nexts[1]], [ended, ended, ended], name);
    assertEquals(await it.next(), ended);
    late.reject("late");
    await settled();
    assertEquals(source.returned, 1);
  }
  assertEquals(uncaught.errors, []);
});

Deno.test("149: a promise that is read too late is dropped in silence", async () => {
  using uncaught = catchUncaught();
  const gate = Promise.withResolvers<IteratorResult<Promise<number>>>();
  const it = map({ [Symbol.asyncIterator]: () => ({ next: () => gate.promise }) }, () => 1);
  const next = it.next();
  await it.return();
  gate.resolve({ done: false, value: Promise.reject("late") });
  await settled();
  assertEquals([await next, uncaught.errors], [ended, []]);
});

Deno.test("149: what the return of the source throws is uncaught, and changes nothing else", async () => {
  for (const [name, piece] of Object.entries(pieces)) {
    using uncaught = catchUncaught();
    const it = piece(numbers(9, undefined, () => {
      throw "return";
    }));
    for await (const _ of it) break;
    await settled();
    assertEquals([uncaught.errors, await it.next()], [["return"], ended], name);
  }
});

Deno.test("149, R2: a context, a signal and a timeout end it with their cause, told once; the source is stopped", async () => {
  for (const [name, piece] of Object.entries(pieces)) {
    for (const way of ["ctx", "bare ctx", "signal", "bare signal", "timeout"]) {
      for (const waits of [true, false]) {
        using clock = fakeClock();
        const ctx = withCancel(background());
        const controller = spiedController();
        const given: Readonly<Record<string, Wait>> = {
          ctx: { ctx },
          "bare ctx": ctx,
          signal: { signal: controller.signal },
          "bare signal": controller.signal,
          timeout: { timeout: 10 },
        };
        const source = silent(1);
        const it = piece(source, given[way]);
        await it.next();
        const nexts = waits ? [it.next(), it.next()] : [];
        nexts[0]?.catch(() => {});
        await settled();
        const error = new Error("over");
        ctx.cancel(error);
        controller.abort(error);
        if (way === "timeout") await clock.tick(10);
        await settled();
        const what = `${name}, ${way}, ${waits}`;
        assertEquals(source.returned, 1, what);
        const told = await failure(waits ? nexts[0]! : it.next());
        if (way === "timeout") assertInstanceOf(told, DeadlineExceededError, what);
        else assertStrictEquals(told, error, what);
        if (waits) assertEquals(await nexts[1], ended);
        assertEquals([await it.next(), await it.return()], [ended, ended]);
        assertEquals([clock.timers, controller.listeners, source.returned], [0, 0, 1], what);
      }
    }
  }
});

Deno.test("149, R18: what has ended already ends it before anything is read", async () => {
  const ctx = withCancel(background());
  ctx.cancel("over");
  for (const [name, piece] of Object.entries(pieces)) {
    for (const wait of [ctx, { ctx }, AbortSignal.abort("over"), { timeout: 0 }]) {
      const source = numbers();
      const ch = filled([1]);
      for (const from of [source, ch]) {
        const it = piece(from, wait);
        const told = await failure(it.next());
        if ("timeout" in wait) assertInstanceOf(told, DeadlineExceededError);
        else assertEquals(told, "over", name);
        assertEquals(await it.next(), ended);
      }
      assertEquals([source.asked, source.returned, ch.length], [0, 1, 1], name);
    }
  }
});

Deno.test("149: the timeout counts from the first next", async () => {
  for (const [name, piece] of Object.entries(pieces)) {
    using clock = fakeClock();
    const it = piece(silent(1), { timeout: 10 });
    await clock.tick(1_000);
    assertEquals(clock.timers, 0, name);
    assertEquals(await valueOf(it.next()), 0);
    assertEquals(clock.timers, 1);
    await it.return();
    assertEquals(clock.timers, 0, name);
  }
});

Deno.test("149: nothing is left on a context, and none of its values is held, when it is over", async () => {
  const parent = withCancel(background());
  const controller = spiedController();
  const refs: WeakRef<object>[] = [];
  const values = (count: number): Producer<number> => {
    return range(count).map((n) => ({ n })) as unknown as Producer<number>;
  };
  await (async () => {
    for (const piece of Object.values(pieces)) {
      for (const wait of [parent, controller.signal]) {
        const whole = piece(values(2), wait);
        for await (const value of whole) refs.push(new WeakRef(plain(value) as object));
        const left = piece(values(3), wait);
        for await (const value of left) {
          refs.push(new WeakRef(plain(value) as object));
          break;
        }
        refs.push(new WeakRef(whole), new WeakRef(left));
      }
    }
  })();
  assertEquals([await held(refs), controller.listeners], [0, 0]);
  parent.cancel();
});

Deno.test("149: a channel or queue that is left stays open, has lost nothing, and nobody waits there", async () => {
  for (const [name, piece] of Object.entries(pieces)) {
    for (const make of [() => new Channel<number>(4), () => new Channel<number>()]) {
      const ch = make();
      const sent = range(3).map((n) => ch.send(n));
      sent.forEach((one) => one.catch(() => {}));
      for await (const _ of piece(ch)) break;
      assertEquals([ch.closed, lines(ch).takers], [false, 0], name);
      assertEquals([await ch.take(), await ch.take()], [1, 2]);
      const it = piece(ch);
      const nexts = [it.next(), it.next()];
      await settled();
      assertEquals(lines(ch).takers, 1, "one value at a time");
      await it.return();
      assertEquals([lines(ch).takers, await nexts[0], await nexts[1]], [0, ended, ended], name);
      assertEquals(ch.trySend(7), ch.capacity > 0);
    }
  }
});

Deno.test("149, 4: what was handed over before the end goes to the next that waited for it", async () => {
  for (const [name, piece] of Object.entries(pieces)) {
    if (name.includes("promises")) continue;
    for (const way of ["return", "ctx"]) {
      // The value is sent so many microtasks before the end.
      for (const gap of range(6)) {
        const ctx = withCancel(background());
        const ch = new Channel<number>();
        const it = piece(ch, ctx);
        const nexts = [it.next(), it.next()];
        nexts.forEach((next) => next.catch(() => {}));
        await settled();
        assert(ch.trySend(7));
        for (let i = 0; i < gap; i++) await null;
        const lateOne = way === "return" ? it.return() : ctx.cancel("over");
        nexts.push(it.next());
        // With a gap it may stand in line for the second; but that was taken back.
        assertEquals(ch.trySend(8), false, `${name}, ${way}, ${gap}`);
        await lateOne;
        assertEquals(await valueOf(nexts[0]!), 7, `${name}, ${way}, ${gap}`);
        if (way === "return") assertEquals(await nexts[1], ended);
        else assertEquals(await failure(nexts[1]!), "over");
        assertEquals([await nexts[2], await it.next()], [ended, ended]);
      }
    }
  }
});

Deno.test("149, 4: what a function has in hand when what reads it ends goes on to that", async () => {
  for (const [name, piece] of Object.entries(pieces)) {
    if (name.includes("promises")) continue;
    const ctx = withCancel(background());
    const ch = filled([1, 2]);
    const inner = map(ch, (n) => {
      ctx.cancel("over");
      return n;
    });
    const it = piece(inner, ctx);
    const nexts = [it.next(), it.next()];
    assertEquals(await valueOf(nexts[0]!), 1, name);
    assertEquals([await failure(nexts[1]!), ch.length], ["over", 1]);
    assertEquals([await it.next(), await inner.next()], [ended, ended]);
  }
});

Deno.test("149: an end that nobody was told of is told nobody after return", async () => {
  for (const [name, piece] of Object.entries(pieces)) {
    const ctx = withCancel(background());
    const it = piece(numbers(), ctx);
    await it.next();
    ctx.cancel("over");
    await it.return();
    assertEquals(await it.next(), ended, name);
  }
});

Deno.test("149: of two operators that end with one context none is served for the other", async () => {
  for (const [name, piece] of Object.entries(pieces)) {
    const ctx = withCancel(background());
    const ch = new Channel<number>();
    // It holds up those behind it, until it leaves.
    const batch = ch.receiveMany(2, { min: 2, ctx });
    const nexts = [piece(ch, ctx).next(), piece(ch, ctx).next()];
    const sent = ch.send(1);
    await settled();
    ctx.cancel("over");
    assertEquals(await Promise.all([batch, ...nexts].map(failure)), ["over", "over", "over"], name);
    assertEquals(lines(ch), { takers: 0, putters: 1 });
    assertEquals(await ch.take(), 1);
    await sent;
  }
});

Deno.test("149: two readers of one stream, by next and by an operator, share its values in order", async () => {
  const source = numbers(6);
  const inner = map(source, (n) => n);
  const outer = [filter(inner, () => true), take(inner, 2)];
  const nexts = [inner.next(), outer[0]!.next(), outer[1]!.next(), inner.next()];
  assertEquals(await Promise.all(nexts.map(valueOf)), [0, 1, 2, 3]);
  assertEquals(await valueOf(outer[1]!.next()), 4);
  await settled();
  // It has had its two, and has stopped what it reads.
  assertEquals([await inner.next(), await outer[0]!.next(), source.returned], [ended, ended, 1]);
});

Deno.test("149: of two operators that read one stream one may pause, and the other is served", async () => {
  const clock = new ManualClock();
  const ch = new Channel<number>();
  const inner = map(ch, (n) => n);
  const windows = window(inner, { ms: 10, clock });
  const first = windows.next();
  await settled();
  await ch.send(0);
  await clock.advance(1);
  const others = [map(inner, (n) => n).next(), filter(inner, () => true).next()];
  await clock.advance(9);
  assertEquals([await first, lines(ch).takers], [{ done: false, value: [0] }, 1]);
  await ch.send(1);
  await ch.send(2);
  assertEquals(await Promise.all(others.map(valueOf)), [1, 2]);
  await inner.return();
});

Deno.test("149, 117: to ask a stream that is over again and again lets a timer run", async () => {
  for (const piece of Object.values(pieces)) {
    const it = piece([]);
    await it.next();
    let fired = false;
    const timer = setTimeout(() => fired = true, 1);
    for (let rounds = 0; !fired && rounds < 1_000_000; rounds++) await it.next();
    assert(fired);
    clearTimeout(timer);
  }
});

Deno.test("149, 117: operators on busy sources let a timer run", async () => {
  const sources: readonly (() => Producer<number>)[] = [
    () => numbers(),
    () =>
      (function* () {
        for (;;) yield 1;
      })(),
    () => {
      const ch = new Channel<number>();
      (async () => {
        for (;;) await ch.send(1);
      })().catch(() => {});
      return ch;
    },
  ];
  for (const source of sources) {
    for (const wanted of [true, false]) {
      const from = source();
      let fired = false;
      const timer = setTimeout(() => fired = true, 1);
      let rounds = 0;
      const it = pipe(
        from,
        (source) => filter(source, () => fired || ++rounds > 500_000 || wanted),
        (source) => map(source, (n) => n),
      );
      for await (const _ of it) if (fired || ++rounds > 500_000) break;
      assert(fired && rounds <= 500_000);
      clearTimeout(timer);
      if (from instanceof Channel) from.close();
    }
  }
});

// Functions.

const functions: Readonly<
  Record<
    string,
    <T>(
      source: Producer<T>,
      fn: (value: T, ctx: Context, index: number) => unknown,
      wait?: Wait,
    ) => ReceiverIterator<unknown>
  >
> = { map, filter, takeWhile };

Deno.test("150: a function is given the value, a context and the index, one at a time", async () => {
  for (const [name, over] of Object.entries(functions)) {
    const gate = Promise.withResolvers<void>();
    const calls: unknown[] = [];
    let ctx: Context | undefined;
    const source = new Tracked((n) => ["a", "b"][n], 2);
    const it = over(source, async (value, given, index) => {
      calls.push([value, index]);
      ctx ??= given;
      assertStrictEquals(given, ctx);
      await gate.promise;
      return true;
    });
    const nexts = [it.next(), it.next(), it.next()];
    await settled();
    // A next that comes while it is at work does not read ahead either.
    nexts.push(it.next());
    await settled();
    assertEquals([calls, source.asked], [[["a", 0]], 1], name);
    gate.resolve();
    const outcomes = await Promise.all(nexts);
    assertEquals(outcomes.map(({ done }) => done), [false, false, true, true]);
    assertEquals([calls, ctx!.done], [[["a", 0], ["b", 1]], true], name);
  }
});

Deno.test("150: what a function throws, or rejects with, is told once, and the source is stopped", async () => {
  using uncaught = catchUncaught();
  for (const [name, over] of Object.entries(functions)) {
    for (const rejects of [true, false]) {
      for (const error of [new Error("no"), undefined]) {
        const source = numbers();
        const it = over(source, (n) => {
          if (n < 1) return true;
          if (rejects) return Promise.reject(error);
          throw error;
        });
        const outcomes = await Promise.allSettled([it.next(), it.next(), it.next()]);
        assertEquals(outcomes.map(({ status }) => status[0]), ["f", "r", "f"], name);
        assertStrictEquals((outcomes[1] as PromiseRejectedResult).reason, error);
        await settled();
        assertEquals([source.read, source.returned, await it.next()], [2, 1, ended], name);
      }
    }
  }
  assertEquals(uncaught.errors, []);
});

Deno.test("150: leaving while a function is at work is prompt, ends its context, and drops its result", async () => {
  using uncaught = catchUncaught();
  for (const [name, over] of Object.entries(functions)) {
    for (const way of ["return", "ctx"]) {
      for (const late of ["resolve", "reject"] as const) {
        const ctx = withCancel(background());
        const gate = Promise.withResolvers<unknown>();
        let given: Context | undefined;
        const source = numbers();
        const it = over(source, (_, ctx) => {
          given = ctx;
          return gate.promise;
        }, ctx);
        const next = it.next();
        next.catch(() => {});
        await settled();
        if (way === "return") await it.return();
        else ctx.cancel("over");
        if (way === "return") assertEquals(await next, ended);
        else assertEquals([await failure(next), given!.cause], ["over", "over"]);
        assertEquals([given!.done, source.returned], [true, 1], name);
        gate[late]("late");
        await settled();
        assertEquals([await it.next(), source.read], [ended, 1]);
      }
    }
  }
  assertEquals(uncaught.errors, []);
});

Deno.test("150, 118: a function may leave its own stream, end its context, or ask for more", async () => {
  for (const [name, over] of Object.entries(functions)) {
    for (const asynchronous of [true, false]) {
      const yes = asynchronous ? Promise.resolve(true) : true;
      const left: ReceiverIterator<unknown> = over([1, 2, 3], () => {
        void left.return();
        return yes;
      });
      // A value that is in hand is given; one for which there is a promise is dropped.
      const first = left.next();
      assertEquals((await first).done, asynchronous, name);
      assertEquals(await left.next(), ended);

      const ctx = withCancel(background());
      const cancelled = over([1, 2, 3], () => {
        ctx.cancel("over");
        return yes;
      }, ctx);
      const nexts = [cancelled.next(), cancelled.next()];
      const told = asynchronous ? nexts[0]! : nexts[1]!;
      const other = asynchronous ? nexts[1]! : nexts[0]!;
      assertEquals([await failure(told), (await other).done], ["over", asynchronous], name);

      const more: Promise<unknown>[] = [];
      const asking: ReceiverIterator<unknown> = over([1, 2, 3], (n) => {
        if (n === 1) more.push(asking.next(), asking.next(), asking.next());
        return yes;
      });
      await asking.next();
      const outcomes = await Promise.all(more) as IteratorResult<unknown>[];
      assertEquals(outcomes.map(({ done }) => done), [false, false, true], name);

      const failing: ReceiverIterator<unknown> = over([1, 2, 3], () => {
        void failing.return();
        throw "both";
      });
      assertEquals([await failure(failing.next()), await failing.next()], ["both", ended]);
    }
  }
});

Deno.test("150: map gives what its function makes, and waits for promises of it", async () => {
  assertEquals(await drained(map([1, 2], (n) => `${n}`)), ["1", "2"]);
  assertEquals(await drained(map([1, 2], (n) => n === 1 ? Promise.resolve(10) : 20)), [10, 20]);
  assertEquals(await drained(map([3], () => undefined)), [undefined]);
  const thenable = { then: (use: (n: number) => void) => use(5) } as PromiseLike<number>;
  assertEquals(await drained(map([3], () => thenable)), [5]);
});

Deno.test("150: filter leaves out what its predicate is not true for, and asks on", async () => {
  assertEquals(await drained(filter(numbers(7), (n) => n % 3 === 0)), [0, 3, 6]);
  assertEquals(await drained(filter(numbers(7), (n) => Promise.resolve(n > 4))), [5, 6]);
  const source = numbers();
  const it = filter(source, (n) => n === 3);
  assertEquals(await valueOf(it.next()), 3);
  await settled();
  assertEquals(source.asked, 4);
  await it.return();
});

Deno.test("150: take stops its source with the last value, without reading one more", async () => {
  for (const count of [1, 3]) {
    const source = numbers();
    const it = take(source, count);
    const nexts = range(count + 2).map(() => it.next());
    assertEquals(await Promise.all(nexts.map(valueOf)), [...range(count), "done", "done"]);
    assertEquals([source.asked, source.returned], [count, 1]);
  }
  const source = numbers();
  const none = take(source, 0);
  assertEquals(source.returned, 0);
  assertEquals([await none.next(), source.asked, source.returned], [ended, 0, 1]);
  const short = numbers(2);
  assertEquals([await drained(take(short, 3)), short.returned], [[0, 1], 0]);
  const ch = filled([0, 1, 2, 3]);
  assertEquals([await drained(take(ch, 3)), ch.length, lines(ch).takers], [[0, 1, 2], 1, 0]);
});

Deno.test("150: takeWhile ends with the first value that is different, which is dropped", async () => {
  const source = numbers();
  const it = takeWhile(source, (n) => n < 2);
  assertEquals(await Promise.all(range(4).map(() => valueOf(it.next()))), [0, 1, "done", "done"]);
  assertEquals([source.asked, source.returned], [3, 1]);
  assertEquals(await drained(takeWhile(numbers(), (n) => Promise.resolve(n < 2))), [0, 1]);
});

// Windows.

Deno.test("150: a window has count values, and the last one the rest", async () => {
  const seen: number[][] = [];
  for await (const values of window(numbers(7), { count: 3 })) seen.push(values);
  assertEquals(seen, [[0, 1, 2], [3, 4, 5], [6]]);
  const whole = window([1, 2, 3], { count: Infinity });
  assertEquals(await whole.next(), { done: false, value: [1, 2, 3] });
  assertEquals(await whole.next(), ended);
  assertEquals(await window([], { count: 2 }).next(), ended, "it is never empty");
});

Deno.test("150: a window ends ms after its first value came, on whose clock it is told", async () => {
  const clock = new ManualClock();
  const ch = new Channel<number>();
  const it = window(ch, { ms: 10, clock });
  const next = it.next();
  await clock.advance(100);
  assertEquals([await state(next), clock.timers], ["pending", 0], "no timer without a value");
  for (const n of [0, 1]) {
    await ch.send(n);
    await clock.advance(6);
  }
  assertEquals([await next, clock.timers], [{ done: false, value: [0, 1] }, 0]);
  assertEquals([lines(ch).takers, ch.trySend(2)], [0, false], "nobody waits: nothing is taken");
  const second = it.next();
  await settled();
  assert(ch.trySend(2));
  await clock.advance(9);
  assertEquals(await state(second), "pending");
  await clock.advance(1);
  assertEquals(await second, { done: false, value: [2] });
  await it.return();
});

Deno.test("150: whichever comes first, count or ms, ends a window, and its timer with it", async () => {
  const clock = new ManualClock();
  const ch = filled(range(5));
  const it = window(ch, { count: 3, ms: 10, clock });
  assertEquals([await it.next(), clock.timers], [{ done: false, value: [0, 1, 2] }, 0]);
  const next = it.next();
  await settled();
  assertEquals([await state(next), clock.timers], ["pending", 1]);
  await clock.advance(10);
  assertEquals([await next, clock.timers], [{ done: false, value: [3, 4] }, 0]);
});

Deno.test("150: when time is up, what a channel has handed over already goes into that window", async () => {
  const clock = new ManualClock();
  let up = (): void => {};
  // A clock whose timer we run ourselves, in the moment when the value is on its way.
  const mine = {
    now: () => clock.now(),
    after: (_: number, fn: () => void) => {
      up = fn;
      return { stop: () => {} };
    },
  };
  const ch = new Channel<number>();
  const it = window(ch, { ms: 10, clock: mine });
  const next = it.next();
  await settled();
  assert(ch.trySend(0));
  await settled();
  assert(ch.trySend(1));
  up();
  assertEquals([await next, lines(ch).takers], [{ done: false, value: [0, 1] }, 0]);
  assertEquals(await state(it.next()), "pending", "the next one begins anew");
  await it.return();
});

Deno.test("150: of other sources one value may be on its way when time is up: it is the next window's first", async () => {
  const clock = new ManualClock();
  const gates = range(3).map(() => Promise.withResolvers<number>());
  const source = new Tracked((n) => gates[n]!.promise, 3);
  const it = window(source, { ms: 10, clock });
  const next = it.next();
  gates[0]!.resolve(0);
  await clock.advance(10);
  assertEquals([await next, source.asked], [{ done: false, value: [0] }, 2]);
  gates[1]!.resolve(1);
  await clock.advance(4);
  assertEquals(clock.timers, 0, "nobody waits");
  const second = it.next();
  await clock.advance(5);
  assertEquals([await state(second), clock.timers, source.asked], ["pending", 1, 3]);
  await clock.advance(1);
  assertEquals(await second, { done: false, value: [1] }, "10 ms after it came");
  gates[2]!.resolve(2);
  await clock.advance(50);
  assertEquals(await it.next(), { done: false, value: [2] }, "it is late already");
  assertEquals([await it.next(), clock.timers, source.asked, source.returned], [ended, 0, 4, 0]);
});

Deno.test("150: a source that has been asked when time was up is not asked again by the next window", async () => {
  const clock = new ManualClock();
  const gate = Promise.withResolvers<number>();
  const source = new Tracked((n) => n === 1 ? gate.promise : n);
  const it = window(source, { count: 2, ms: 10, clock });
  const first = it.next();
  await clock.advance(10);
  const second = it.next();
  await settled();
  assertEquals([await first, source.asked], [{ done: false, value: [0] }, 2]);
  gate.resolve(1);
  assertEquals([await second, source.most], [{ done: false, value: [1, 2] }, 1]);
  await it.return();
});

Deno.test("150: a value that came while nobody waited for a window goes before an error, and is gone after return", async () => {
  for (const way of ["error", "ctx", "return"]) {
    const clock = new ManualClock();
    const ctx = withCancel(background());
    const gate = Promise.withResolvers<number>();
    const source = new Tracked((n) => n === 0 ? 0 : gate.promise, 2, () => Promise.reject("over"));
    const it = window(source, { ms: 10, clock, ctx });
    const first = it.next();
    await clock.advance(10);
    await first;
    gate.resolve(1);
    await settled();
    if (way === "return") await it.return();
    if (way === "ctx") ctx.cancel("over");
    if (way !== "return") {
      assertEquals(await it.next(), { done: false, value: [1] }, way);
      assertEquals(await failure(it.next()), "over");
    }
    assertEquals([await it.next(), clock.timers], [ended, 0]);
  }
});

Deno.test("150: a window that is left while a next waits is given as far as it was filled", async () => {
  for (const way of ["return", "ctx", "error", "end"]) {
    for (const outer of [false, true]) {
      const clock = new ManualClock();
      const ctx = withCancel(background());
      const ch = filled([0, 1, 2]);
      const inner = window(ch, { count: 9, ms: 1_000, clock, ctx: outer ? undefined : ctx });
      const it = outer ? map(inner, (values) => values, ctx) : inner;
      const nexts = [it.next(), it.next()];
      nexts.forEach((next) => next.catch(() => {}));
      await settled();
      assertEquals([ch.length, clock.timers], [0, 1]);
      if (way === "return") await it.return();
      else if (way === "ctx") ctx.cancel("over");
      else ch.close(way === "error" ? "over" : undefined);
      assertEquals(await nexts[0], { done: false, value: [0, 1, 2] }, `${way}, ${outer}`);
      if (way === "ctx" || way === "error") assertEquals(await failure(nexts[1]!), "over");
      else assertEquals(await nexts[1], ended);
      assertEquals([await it.next(), clock.timers, lines(ch).takers], [ended, 0, 0]);
    }
  }
});

Deno.test("150: windows of windows are complete when the outer one's time is up", async () => {
  const clock = new ManualClock();
  const ch = new Channel<number>(9);
  const it = window(window(ch, { count: 2 }), { ms: 10, clock });
  const next = it.next();
  for (const n of [0, 1, 2]) ch.trySend(n);
  await clock.advance(10);
  assertEquals(await next, { done: false, value: [[0, 1]] }, "the inner one waits for its second");
  ch.trySend(3);
  const second = it.next();
  await clock.advance(10);
  assertEquals(await second, { done: false, value: [[2, 3]] });
  await it.return();
});

Deno.test("150: a window is not filled, and has no timer, while the window around it waits for nobody", async () => {
  const clock = new ManualClock();
  const ch = new Channel<number>(9);
  const it = window(window(ch, { ms: 50, clock }), { ms: 60, clock });
  const next = it.next();
  ch.trySend(0);
  await clock.advance(65);
  ch.trySend(1);
  await clock.advance(44);
  assertEquals([await state(next), clock.timers], ["pending", 2]);
  await clock.advance(1);
  assertEquals([await next, clock.timers], [{ done: false, value: [[0]] }, 0]);
  ch.trySend(2);
  await clock.advance(100);
  assertEquals([ch.length, lines(ch).takers], [1, 0], "its beginning waits for the next");
  const last = it.next();
  await clock.advance(60);
  assertEquals(await last, { done: false, value: [[1], [2]] });
  await it.return();
});

// zip.

Deno.test("150: zip gives rows, and ends with the shortest, which stops the others", async () => {
  const rows: unknown[] = [];
  const long = numbers();
  const ch = filled(["a", "b", "c"]);
  for await (const row of zip(long, ch, [true, false])) rows.push(row);
  assertEquals(rows, [[0, "a", true], [1, "b", false]]);
  await settled();
  assertEquals([long.returned, ch.length, lines(ch).takers], [1, 1, 0]);
  assertEquals(await zip().next(), ended);
  const [short, other] = [numbers(1), numbers()];
  assertEquals(await drained(map(zip(short, other), ([n]) => n)), [0]);
  assertEquals([short.returned, other.returned], [0, 1], "one that has ended is not told to stop");
  const unread = numbers();
  assertEquals(await zip(zip(), unread).next(), ended);
  assertEquals([unread.asked, unread.returned], [0, 1]);
});

Deno.test("150: the sources of a zip are asked at once, but for channels, which are asked last", async () => {
  const gates = range(2).map(() => Promise.withResolvers<number>());
  const slow = gates.map((gate) => new Tracked(() => gate.promise, 1));
  const channels = [filled([7]), new Channel<number>()];
  const it = zip(channels[0]!, slow[0]!, channels[1]!, map(slow[1]!, (n) => n));
  const next = it.next();
  await settled();
  assertEquals([slow.map(({ asked }) => asked), channels[0]!.length], [[1, 1], 1]);
  gates[1]!.resolve(1);
  await settled();
  assertEquals(lines(channels[1]!).takers, 0);
  gates[0]!.resolve(0);
  await settled();
  assertEquals([channels[0]!.length, lines(channels[1]!).takers], [0, 1]);
  assert(channels[1]!.trySend(8));
  assertEquals(await next, { done: false, value: [7, 0, 8, 1] });
  await it.return();
});

Deno.test("150: with one channel a zip that is left, or ends, has lost none of its values", async () => {
  for (const way of ["return", "ctx", "end"]) {
    const ctx = withCancel(background());
    const ch = filled([1, 2, 3]);
    const other = way === "end" ? numbers(1) : silent(1);
    const it = zip(ch, other, ctx);
    await it.next();
    const next = it.next();
    await settled();
    assertEquals(ch.length, 2, way);
    if (way === "return") await it.return();
    if (way === "ctx") ctx.cancel("over");
    if (way === "ctx") assertEquals(await failure(next), "over");
    else assertEquals(await next, ended);
    assertEquals([ch.length, ch.closed, lines(ch).takers], [2, false, 0]);
  }
});

Deno.test("150: with one channel, in whichever zip of zips, none of its values is lost", async () => {
  const zips: Readonly<
    Record<string, (ch: Channel<number>, silent: Producer<number>) => FlowStream<unknown>>
  > = {
    "inside": (ch, silent) => zip(zip(numbers(), ch), silent),
    "inside, the other way round": (ch, silent) =>
      zip(silent, map(zip(ch, numbers()), (row) => row)),
    "outside": (ch, silent) => zip(ch, zip(silent, numbers())),
    "outside, with a channel beside what never comes": (ch, silent) => {
      return zip(ch, zip(silent, new Channel<number>()));
    },
    "two deep": (ch, silent) => zip(zip(zip(ch, numbers()), numbers()), silent),
  };
  for (const [name, of] of Object.entries(zips)) {
    const ch = filled([1, 2, 3]);
    const it = of(ch, silent());
    const next = it.next();
    await settled();
    await it.return();
    assertEquals([await next, ch.length, lines(ch).takers], [ended, 3, 0], name);
  }
});

Deno.test("150: the error of one source of a zip is told, and the others are stopped", async () => {
  for (const length of [0, 1]) {
    const sources = [silent(length), numbers(length, () => Promise.reject("no")), numbers()];
    const ch = filled([0, 1, 2]);
    const it = zip(ch, ...sources);
    if (length > 0) await it.next();
    assertEquals([await failure(it.next()), await it.next()], ["no", ended]);
    await settled();
    assertEquals(sources.map(({ returned }) => returned), [1, 0, 1]);
    assertEquals(ch.length, 3 - length);
  }
});

Deno.test("150: when one channel of a zip ends nobody waits at the others", async () => {
  for (const error of [undefined, "no"]) {
    const [a, b, c] = [new Channel<number>(), new Channel<number>(), new Channel<number>()];
    const next = zip(a, b, map(c, (n) => n)).next();
    await settled();
    assertEquals([a, b, c].map((ch) => lines(ch).takers), [1, 1, 1]);
    a.close(error);
    if (error === undefined) assertEquals(await next, ended);
    else assertEquals(await failure(next), error);
    assertEquals([b.trySend(1), c.trySend(1)], [false, false]);
  }
});

Deno.test("150: a zip reads no channel for a row that is not wanted any more", async () => {
  const clock = new ManualClock();
  const gate = Promise.withResolvers<number>();
  const slow = new Tracked((n) => n === 1 ? gate.promise : n);
  const ch = filled([10, 11, 12]);
  const it = window(zip(ch, slow), { ms: 10, clock });
  const first = it.next();
  await clock.advance(10);
  assertEquals(await first, { done: false, value: [[10, 0]] });
  assertEquals(slow.asked, 2);
  const second = it.next();
  await settled();
  assertEquals([slow.asked, slow.most], [2, 1], "it has been asked already");
  await clock.advance(10);
  gate.resolve(1);
  await clock.advance(10);
  assertEquals(await second, { done: false, value: [[11, 1], [12, 2]] });
  const third = new Channel<number>(1);
  const late = Promise.withResolvers<number>();
  const rows = window(zip(third, new Tracked((n) => n === 1 ? late.promise : n)), {
    ms: 10,
    clock,
  });
  third.trySend(20);
  const row = rows.next();
  await clock.advance(10);
  assertEquals(await row, { done: false, value: [[20, 0]] });
  third.trySend(21);
  late.resolve(1);
  await settled();
  assertEquals([third.length, lines(third).takers], [1, 0], "nobody waits");
  const last = rows.next();
  await clock.advance(10);
  assertEquals(await last, { done: false, value: [[21, 1]] });
  await rows.return();
  await it.return();
});

Deno.test("150: one source may be zipped with itself", async () => {
  const rows: unknown[] = [];
  const ch = filled([0, 1, 2, 3, 4], true);
  for await (const row of zip(ch, ch)) rows.push(row);
  assertEquals(rows, [[0, 1], [2, 3]]);
  const inner = map([0, 1, 2, 3], (n) => n);
  assertEquals(await zip(inner, inner).next(), { done: false, value: [0, 1] });
});

Deno.test("150: a row that was begun when a window's time is up is kept for the next", async () => {
  const clock = new ManualClock();
  const [a, b] = [new Channel<number>(4), new Channel<number>(4)];
  const it = window(zip(a, b), { ms: 10, clock });
  const next = it.next();
  for (const n of [0, 1]) a.trySend(n);
  b.trySend(10);
  await clock.advance(10);
  assertEquals(await next, { done: false, value: [[0, 10]] });
  assertEquals([lines(a).takers, lines(b).takers], [0, 0]);
  b.trySend(11);
  assertEquals(b.length, 1);
  const second = it.next();
  await clock.advance(10);
  assertEquals(await second, { done: false, value: [[1, 11]] });
  await it.return();
});

// pipe and pipeline.

Deno.test("150: pipe puts operators one after the other, and its last may make anything", async () => {
  assertEquals(await drained(pipe([1, 2, 3], (s) => map(s, (n) => 2 * n))), [2, 4, 6]);
  const [a, b] = pipe([1, 2], (s) => filter(s, (n) => n > 1), (s) => tee(s));
  assertEquals(await Promise.all([a.take(), b.take()]), [2, 2]);
  const double: Operator<number, number> = (source) => map(source, (n) => 2 * n);
  assertEquals(await pipe([1], double, double, double, drained), [8]);
  const many: Operator<number, number>[] = range(9).map(() => double);
  assertEquals(await drained(pipe([1], ...many)), [512]);
  const source = [1];
  assertStrictEquals(pipe(source, ...[] as Operator<number, number>[]), source);
});

Deno.test("150: the streams that a pipe has made are stopped if one of its operators throws", async () => {
  const source = numbers();
  const stream = ReadableStream.from([1]);
  const bad = (): ReceiverIterator<number> => {
    throw new TypeError("bad");
  };
  assertThrows(() => pipe(source, (s) => map(s, (n) => n), bad), TypeError, "bad");
  assertThrows(() => pipe(stream, (s) => take(s, -1)), RangeError);
  assertThrows(() => pipe(stream, (s) => take(s, 1), (s) => tee(s, 0)), RangeError);
  assertThrows(() => pipe(stream, 7 as never), TypeError, "an operator must be a function, not 7");
  const mine = map([1], (n) => n);
  assertThrows(() => pipe(mine, bad), TypeError, "bad");
  assertEquals(await valueOf(mine.next()), 1, "what was given is not stopped");
  await settled();
  assertEquals([source.asked, source.returned, stream.locked], [0, 1, false]);
});

Deno.test("149: what a function is at work on is held; what it fails on, or is left with, is dropped", async () => {
  for (const over of [map, filter, takeWhile]) {
    for (const way of ["resolve", "reject", "return"] as const) {
      const work = Promise.withResolvers<number>();
      const within: unknown[] = [];
      const it = over([1, 2], () => {
        within.push(it.stats());
        return work.promise;
      });
      const next = it.next().catch(() => {});
      await settled();
      const held = { read: 1, given: 0, held: 1, dropped: 0, waiting: 1, over: false };
      assertEquals([within, it.stats()], [[held], held]);
      if (way === "return") await it.return();
      else work[way](7);
      await next;
      const given = Number(way === "resolve");
      assertEquals(it.stats(), {
        ...held,
        given,
        held: 0,
        dropped: 1 - given,
        waiting: 0,
        over: way !== "resolve",
      });
      await it.return();
    }
  }
});

Deno.test("150: a pipeline runs so many calls at a time, and gives their results in order or as they come", async () => {
  for (const ordered of [true, false]) {
    for (const workers of [1, 3, undefined]) {
      using clock = fakeClock();
      const most = workers ?? 4;
      let [now, seenMost] = [0, 0];
      const source = numbers(9);
      const it = pipeline(source, async (n) => {
        seenMost = Math.max(seenMost, ++now);
        await sleep(10 - n);
        now--;
        return n;
      }, { workers, ordered });
      const seen: unknown[] = [];
      const reading = (async () => {
        for await (const n of it) {
          seen.push(n);
          assert(source.asked <= seen.length + most + 1, "read ahead");
        }
      })();
      await clock.tick(200);
      await reading;
      assertEquals([seenMost, seen.length], [most, 9]);
      if (ordered || workers === 1) assertEquals(seen, range(9));
      else assert(seen.some((n, i) => n !== i));
    }
  }
});

Deno.test("150: leaving a pipeline ends the contexts of its calls, and stops the source", async () => {
  const source = numbers();
  const contexts: Context[] = [];
  const it = pipeline(source, async (n, ctx, index) => {
    assertEquals(n, index);
    contexts.push(ctx);
    if (n > 0) await never;
    return n;
  }, { workers: 3 });
  for await (const _ of it) {
    await settled();
    break;
  }
  await settled();
  assert(contexts.length >= 3 && contexts.every((ctx) => ctx.done));
  assertEquals(source.returned, 1);
  const failing = numbers();
  const outcome = await drained(pipeline(failing, (n) => n < 2 ? n : Promise.reject("no")));
  assertEquals([outcome, failing.returned], [[0, 1, { thrown: "no" }], 1]);
});

// Types and arguments.

Deno.test("150: types follow the values", () => {
  const mixed: Producer<number | string> = [1, "a"];
  const narrowed = filter(mixed, (value) => typeof value === "number");
  law<Same<typeof narrowed, FlowStream<number>>>();
  const kept = filter(mixed, (value) => Boolean(value));
  law<Same<typeof kept, FlowStream<string | number>>>();
  const until = takeWhile(mixed, (value): value is string => typeof value === "string");
  law<Same<typeof until, FlowStream<string>>>();
  const mapped = map(mixed, (value) => Promise.resolve([value]));
  law<Same<typeof mapped, FlowStream<(string | number)[]>>>();
  const rows = zip([1], ["a"], new Channel<boolean>());
  law<Same<typeof rows, FlowStream<[number, string, boolean]>>>();
  const timed = zip([1], ["a"], { timeout: 1 });
  law<Same<typeof timed, FlowStream<[number, string]>>>();
  const cancelled = zip(["a"], background());
  law<Same<typeof cancelled, FlowStream<[string]>>>();
  const windows = window(mixed, { count: 1 });
  law<Same<typeof windows, FlowStream<(string | number)[]>>>();
  const piped = pipe(mixed, (s) => map(s, String), (s) => window(s, { count: 2 }));
  law<Same<typeof piped, FlowStream<string[]>>>();
  const [yes, no] = pipe(mixed, (s) => tee(s));
  law<Same<typeof yes, typeof no>>();
});

Deno.test("150, R17: bad arguments are refused by the call, with the value and what is allowed", () => {
  const bad = 7 as never;
  const ok = (): boolean => true;
  const cases: readonly [() => unknown, new () => Error, string][] = [
    [() => map(bad, ok), TypeError, "source must be an Iterable or AsyncIterable, not 7"],
    [() => map([], bad), TypeError, "fn must be a function, not 7"],
    [() => filter([], bad), TypeError, "predicate must be a function, not 7"],
    [() => takeWhile([], bad), TypeError, "predicate must be a function, not 7"],
    [() => take([], "2" as never), TypeError, 'count must be a number, not "2"'],
    [() => take([], -1), RangeError, "count must be an integer of at least 0, or Infinity: -1"],
    [() => take([], 1.5), RangeError, "count must be an integer of at least 0, or Infinity: 1.5"],
    [() => window([], bad), TypeError, "options must be an object of options, not 7"],
    [() => window([], {}), TypeError, "a window must have a count, or ms, or both"],
    [() => window([], { count: 0 }), RangeError, "count must be an integer of at least 1"],
    [() => window([], { ms: 0 }), RangeError, "ms must be more than 0: 0"],
    [() => window([], { ms: "1" as never }), TypeError, 'ms must be a number, not "1"'],
    [() => window([], { ms: 1, clock: bad }), TypeError, "clock must have the functions"],
    [() => window(bad, { ms: 1 }), TypeError, "source must be an Iterable"],
    [() => zip([1], bad), TypeError, "source must be an Iterable or AsyncIterable, not 7"],
    [() => zip({} as never, [1]), TypeError, "source must be an Iterable"],
    [() => zip([1], null as never), TypeError, "source must be an Iterable"],
    [() => zip([1], { timeout: NaN }), RangeError, "timeout must be a number, not NaN"],
    [() => pipeline([], bad), TypeError, "fn must be a function, not 7"],
    [() => pipeline(bad, ok), TypeError, "source must be an Iterable"],
    [() => pipeline([], ok, bad), TypeError, "options must be an object of options, not 7"],
    [() => pipeline([], ok, { workers: 0 }), RangeError, "workers must be an integer"],
    [() => pipeline([], ok, { workers: Infinity }), RangeError, "workers must be finite"],
    [() => pipeline([], ok, { ordered: bad }), TypeError, "ordered must be true or false, not 7"],
  ];
  for (const [call, kind, message] of cases) assertThrows(call, kind, message);
  const foreign = { throwIfDone() {} };
  const waits: readonly [never, new () => Error, string][] = [
    [bad, TypeError, "wait must be a context, an AbortSignal or { ctx, signal, timeout }, not 7"],
    [null as never, TypeError, "not null"],
    [{ timeout: NaN } as never, RangeError, "timeout must be a number, not NaN"],
    [{ timeout: "1" } as never, TypeError, 'timeout must be a number, not "1"'],
    [{ signal: {} } as never, TypeError, "signal must be an AbortSignal"],
    [{ ctx: {} } as never, TypeError, "ctx must be a context"],
    [{ ctx: foreign } as never, TypeError, "another"],
    [foreign as never, TypeError, "another"],
  ];
  for (const [wait, kind, message] of waits) {
    const text = message === "another" ? "this copy of Sluice has not made" : message;
    for (const call of [map, filter, takeWhile]) {
      assertThrows(() => call([], ok, wait), kind, text);
    }
    assertThrows(() => take([], 1, wait), kind, text);
    if (typeof wait !== "object" || wait === null) continue;
    assertThrows(() => pipeline([], ok, wait), kind, text);
    assertThrows(
      () => window([], { ...wait as object, count: 1 }),
      kind === TypeError ? Error : kind,
    );
    if (wait !== foreign) assertThrows(() => zip([], wait), kind, text);
  }
  // What has ended is no bad argument.
  const aborted = AbortSignal.abort();
  for (const call of [map, filter, takeWhile]) call([], ok, aborted);
  take([], 1, { ctx: withCancel(background()), signal: aborted });
});

Deno.test("150: a stream is not locked by a call that is refused", async () => {
  const stream = ReadableStream.from([1]);
  const bad = 7 as never;
  assertThrows(() => map(stream, bad), TypeError);
  assertThrows(() => map(stream, () => 1, bad), TypeError);
  assertThrows(() => take(stream, -1), RangeError);
  assertThrows(() => window(stream, {}), TypeError);
  assertThrows(() => zip(stream, bad), TypeError);
  assertThrows(() => pipeline(stream, bad), TypeError);
  await settled();
  assertEquals(stream.locked, false);
  await stream.cancel();
});

Deno.test("149: a ticker is read as any other receiver", async () => {
  using clock = fakeClock();
  const ticks = ticker(10);
  const seen = drained(take(map(ticks, (_tick, _ctx, index) => index), 3));
  await clock.tick(30);
  assertEquals([await seen, clock.timers], [[0, 1, 2], 1], "it is not stopped");
  ticks[Symbol.dispose]();
});

Deno.test("149: an operator is at its end in every way at once when its own next rejects", async () => {
  const it = map([1], () => Promise.reject("no"));
  await assertRejects(async () => {
    for await (const _ of it);
  });
  assertEquals(await it.next(), ended);
});
