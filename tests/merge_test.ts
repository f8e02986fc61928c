/**
 * Many streams into one, and one for many: `merge`, `fanIn`, `fanOut`.
 *
 * @module
 */
import fc from "fast-check";
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
  PriorityQueue,
  Queue,
  type Sender,
  sleep,
  withCancel,
} from "../mod.ts";
import { fanIn, type FanOptions, fanOut, merge, type Producer } from "../tasks/mod.ts";
import { fakeClock } from "./support/clock.ts";
import { held } from "./support/collect.ts";
import { lines } from "./support/lines.ts";
import { settled, state } from "./support/settle.ts";
import { spiedController } from "./support/spied_signal.ts";
import { catchUncaught } from "./support/uncaught.ts";
import { drained, failure, filled } from "./support/streaming.ts";

/** A producer that tells how far it was read, and whether it was told to stop. */
class Numbers implements AsyncIterable<number> {
  /** How many were given. */
  read = 0;
  returned = 0;
  readonly #from: number;
  readonly #length: number;
  readonly #end: () => unknown;

  /** `end` is called, and waited for, when there are no more. */
  constructor(from: number, length: number, end: () => unknown = () => {}) {
    this.#from = from;
    this.#length = length;
    this.#end = end;
  }

  [Symbol.asyncIterator](): AsyncIterator<number, undefined> {
    return {
      next: async () => {
        if (this.read < this.#length) return { done: false, value: this.#from + this.read++ };
        await this.#end();
        return { done: true, value: undefined };
      },
      return: () => {
        this.returned++;
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }
}

const never = new Promise<never>(() => {});
const ended = { done: true as const, value: undefined };

const ascending = (values: readonly unknown[]) => values.toSorted((a, b) => Number(a) - Number(b));

// ---- merge ----

Deno.test("125: merge gives the values of all, each once, those of one in their order, and then ends", async () => {
  const queue = new Queue<number>();
  for (const n of [50, 51]) queue.putNowait(n);
  queue.shutdown();
  const producers: Producer<number>[] = [
    filled([0, 1, 2], true),
    [10, 11],
    new Set([20]),
    new Numbers(30, 3),
    (function* () {
      yield* [40, 41];
    })(),
    queue,
    [],
    Channel.from([60, 61]),
  ];
  const seen = await drained(merge(producers));
  assertEquals(ascending(seen), [0, 1, 2, 10, 11, 20, 30, 31, 32, 40, 41, 50, 51, 60, 61]);
  for (const tens of [0, 1, 3, 4, 5, 6]) {
    const of = seen.filter((n) => Math.floor(Number(n) / 10) === tens);
    assertEquals(of, ascending(of));
  }
  assertEquals(queue.unfinished, 2, "taskDone is owed, as when it is iterated over");
  assertEquals(await drained(merge([])), []);
});

Deno.test("125: merge gives a value when it comes, and waits for no producer that has none", async () => {
  using clock = fakeClock();
  const slow = async function* (ms: number) {
    for (let i = 1; i <= 2; i++) {
      await sleep(ms);
      yield ms * i;
    }
  };
  const ch = new Channel<number>();
  const seen: number[] = [];
  const reading = (async () => {
    for await (const n of merge([slow(10), ch, slow(25)])) seen.push(n);
  })();
  await clock.tick(10);
  assertEquals(seen, [10]);
  assert(ch.trySend(1), "it stands in line at the channel");
  await settled();
  assertEquals(seen, [10, 1]);
  await clock.tick(40);
  assertEquals(seen, [10, 1, 20, 25, 50]);
  ch.close();
  await reading;
});

Deno.test("125: a channel keeps all that nobody has read when a merge of it is left", async () => {
  const channels = [filled([0, 1, 2]), filled([10, 11, 12])];
  const queue = new Queue<number>();
  for (const n of [20, 21]) queue.putNowait(n);
  const seen: number[] = [];
  for await (const n of merge([...channels, queue, new Numbers(100, 3)])) {
    seen.push(n);
    await settled();
    if (seen.length === 3) break;
  }
  await settled();
  const rest = [...channels.map((ch) => ch.length), queue.size];
  const read = seen.filter((n) => n < 100);
  assertEquals(rest[0]! + rest[1]! + rest[2]!, 8 - read.length, `${seen}`);
  for (const ch of channels) assertEquals(ch.closed, false);
  for (const of of [...channels, queue]) assertEquals(lines(of), { takers: 0, putters: 0 });
});

Deno.test("125: what is sent after a merge was left stays where it is, and is nobody's before", async () => {
  for (const others of [[], [new Numbers(0, 0, () => never)]]) {
    const [a, b] = [new Channel<number>(), new Channel<number>(1)];
    const it = merge<number>([a, b, ...others]);
    assertEquals(lines(a), { takers: 0, putters: 0 }, "nothing happens before the first next");
    const parked = [it.next(), it.next()];
    await settled();
    assertEquals([lines(a).takers, lines(b).takers], [1, 1]);
    assertEquals(await it.return(), ended);
    assertEquals(await Promise.all(parked), [ended, ended]);
    assertEquals(a.trySend(1), false);
    assertEquals([b.trySend(1), b.length], [true, 1]);
  }
});

Deno.test("125: a channel that is merged twice, or by two, gives each value once", async () => {
  const ch = filled([0, 1, 2, 3, 4, 5], true);
  const merges = [merge([ch, ch]), merge([ch])];
  const seen = await Promise.all(merges.map(drained));
  assertEquals(ascending(seen.flat()), [0, 1, 2, 3, 4, 5]);
});

Deno.test("125: several next at once are served in their order, also while producers end", async () => {
  const make: (() => Producer<number>[])[] = [
    () => [new Numbers(0, 2), filled<number>([], true)],
    () => [filled<number>([], true), filled([0, 1], true), filled<number>([], true)],
    () => [new Numbers(0, 2)],
  ];
  for (const producers of make) {
    const it = merge(producers());
    const nexts = [0, 1, 2, 3].map(() => it.next());
    assertEquals(await Promise.all(nexts), [
      { done: false, value: 0 },
      { done: false, value: 1 },
      ended,
      ended,
    ]);
  }
  // The channel ends while they wait, and a producer that had nothing gives something.
  const gate = Promise.withResolvers<number>();
  const ch = new Channel<number>();
  const it = merge<number>([
    ch,
    (async function* () {
      yield await gate.promise;
      yield 1;
      yield 2;
    })(),
  ]);
  const early = [it.next(), it.next()];
  await settled();
  ch.close();
  await settled();
  const late = it.next();
  gate.resolve(0);
  const values = await Promise.all([...early, late]);
  assertEquals(values.map(({ value }) => value), [0, 1, 2]);
  assertEquals(await it.next(), ended);
});

Deno.test("125: the error of a producer is told once, and the others are stopped", async () => {
  const error = new Error("no");
  const failing: Record<string, () => Producer<number>> = {
    "a generator": () =>
      (function* () {
        yield* [];
        throw error;
      })(),
    "an iterator": () => new Numbers(0, 0, () => Promise.reject(error)),
    "a channel": () => {
      const ch = new Channel<number>();
      ch.close(error);
      return ch;
    },
    "a priority queue": () => {
      // Its comparator fails when the first of three is taken.
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
  };
  for (const [name, fail] of Object.entries(failing)) {
    const quiet = new Numbers(0, 0, () => never);
    const ch = new Channel<number>();
    const it = merge<number>([quiet, ch, fail()]);
    const nexts = [it.next(), it.next()];
    assertStrictEquals(await failure(nexts[0]!), error, name);
    assertEquals([await nexts[1], await it.next()], [ended, ended]);
    await settled();
    assertEquals([quiet.returned, lines(ch).takers, ch.closed], [1, 0, false], name);
  }
});

Deno.test("125: a producer that fails with undefined has failed, and one that has failed is not told to stop", async () => {
  const failing = new Numbers(0, 0, () => Promise.reject(undefined));
  const it = merge([failing]);
  await assertRejects(() => it.next(), Error, "something failed with undefined");
  const ending = new Numbers(0, 1);
  await drained(merge([ending, [1]]));
  await settled();
  assertEquals([failing.returned, ending.returned], [0, 0]);
  const out = new Channel<number>(1);
  const moving = fanIn([new Numbers(0, 0, () => Promise.reject(undefined))], out);
  assertEquals(await failure(moving), undefined);
  const { error } = await out.receive() as { error?: unknown };
  assertInstanceOf(error, Error, "its reader is told, too");
});

Deno.test("125: of a producer that is no channel one value is on its way, and none before the first next", async () => {
  const sources = [new Numbers(0, Infinity), new Numbers(100, Infinity)];
  const it = merge(sources);
  await settled();
  assertEquals(sources.map(({ read }) => read), [0, 0]);
  for (let n = 1; n <= 4; n++) {
    await it.next();
    await settled();
    const [a, b] = sources.map(({ read }) => read);
    assertEquals(a! + b!, n + 2);
  }
  await it.return();
  await settled();
  assertEquals(sources.map(({ returned }) => returned), [1, 1]);
});

Deno.test("125: leaving before the first next tells every producer, and starts none", async () => {
  const sources = [new Numbers(0, 1), new Numbers(1, 1)];
  const it = merge(sources, { timeout: 1_000 });
  await it[Symbol.asyncDispose]();
  assertEquals(await it.next(), ended);
  assertEquals(sources.map(({ read, returned }) => [read, returned]), [[0, 1], [0, 1]]);
});

Deno.test("125: return is prompt while a producer never answers; a late rejection is nobody's", async () => {
  using uncaught = catchUncaught();
  const late = Promise.withResolvers<never>();
  const it = merge([
    new Numbers(0, 0, () => late.promise),
    (async function* () {
      await never;
      yield 1;
    })(),
  ]);
  const next = it.next();
  await settled();
  assertEquals([await it.return(), await next], [ended, ended]);
  late.reject("late");
  await settled();
  assertEquals(uncaught.errors, []);
});

Deno.test("125, R2: a context, a signal and a timeout end a merge with their cause", async () => {
  const producers: Record<string, () => Producer<number>[]> = {
    "channels": () => [new Channel<number>(), new Queue<number>()],
    "others": () => [new Numbers(0, 0, () => never)],
    "both": () => [new Channel<number>(), new Numbers(0, 0, () => never)],
  };
  for (const [name, make] of Object.entries(producers)) {
    for (const way of ["ctx", "bare ctx", "signal", "timeout"]) {
      using clock = fakeClock();
      const ctx = withCancel(background());
      const controller = spiedController();
      const waits: Record<string, Context | FanOptions> = {
        ctx: { ctx },
        "bare ctx": ctx,
        signal: { signal: controller.signal },
        timeout: { timeout: 10 },
      };
      const made = make();
      const it = merge(made, waits[way]);
      const nexts = [it.next(), it.next()];
      nexts[0]!.catch(() => {});
      await settled();
      const error = new Error("over");
      ctx.cancel(error);
      controller.abort(error);
      if (way === "timeout") await clock.tick(10);
      const told = await failure(nexts[0]!);
      if (way === "timeout") assertInstanceOf(told, DeadlineExceededError);
      else assertStrictEquals(told, error, `${name}, ${way}`);
      assertEquals([await nexts[1], await it.next()], [ended, ended]);
      await settled();
      assertEquals([clock.timers, controller.listeners], [0, 0]);
      for (const one of made) {
        if (one instanceof Numbers) assertEquals(one.returned, 1);
        else assertEquals(lines(one as Channel<number>).takers, 0);
      }
    }
  }
});

Deno.test("125, R18: a context that has ended already ends a merge before anything is taken", async () => {
  const ctx = withCancel(background());
  ctx.cancel("over");
  const ch = filled([1]);
  const source = new Numbers(0, 1);
  const it = merge<number>([ch, source], ctx);
  assertEquals([await failure(it.next()), await it.next()], ["over", ended]);
  assertEquals([ch.length, source.read, source.returned], [1, 0, 1]);
});

Deno.test("125: nothing is left of a merge that was read to its end, or left", async () => {
  const parent = withCancel(background());
  const kept = new Channel<{ n: number }>(1);
  const refs: WeakRef<object>[] = [];
  await (async () => {
    const whole = merge<{ n: number }>([[{ n: 1 }], filled([{ n: 2 }], true)], parent);
    for await (const value of whole) refs.push(new WeakRef(value));
    const left = merge<{ n: number }>([kept, [{ n: 3 }]], parent);
    for await (const value of left) {
      refs.push(new WeakRef(value));
      break;
    }
    refs.push(new WeakRef(whole), new WeakRef(left));
  })();
  assertEquals(await held(refs), 0);
  parent.cancel();
});

Deno.test("125: a stream that is merged is let go when another is no producer", () => {
  const stream = new ReadableStream<number>();
  const bad = [stream, 7 as unknown as Producer<number>];
  assertThrows(() => merge(bad), TypeError, "source must be an Iterable or AsyncIterable, not 7");
  assertEquals(stream.locked, false);
});

type Kind = "channel" | "array" | "generator" | "iterator";

Deno.test("125: random merges lose, double and reorder nothing, and leave the rest in their channels", async () => {
  using clock = fakeClock();
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          kind: fc.constantFrom<Kind>("channel", "channel", "array", "generator", "iterator"),
          count: fc.nat(4),
          delay: fc.nat(3),
        }),
        { maxLength: 5 },
      ),
      fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined }),
      fc.nat(3),
      fc.integer({ min: 1, max: 3 }),
      async (specs, leaveAfter, pause, readers) => {
        const channels: Channel<number>[] = [];
        const sent: number[] = [];
        const moving: Promise<unknown>[] = [];
        const others: number[] = [];
        const producers = specs.map(({ kind, count, delay }, i): Producer<number> => {
          const values = Array.from({ length: count }, (_, n) => 100 * i + n);
          if (kind !== "channel") others.push(...values);
          const slowly = async function* () {
            for (const value of values) {
              await sleep(delay);
              yield value;
            }
          };
          if (kind === "array") return values;
          if (kind === "generator") return slowly();
          if (kind === "iterator") return new Numbers(100 * i, count, () => sleep(delay));
          const ch = new Channel<number>(delay);
          channels.push(ch);
          moving.push(
            (async () => {
              for await (const value of slowly()) {
                await ch.send(value);
                sent.push(value);
              }
              ch.close();
            })().catch(() => {}),
          );
          return ch;
        });
        const it = merge(producers);
        const seen: number[] = [];
        const read = async () => {
          for (;;) {
            const { done, value } = await it.next();
            if (done) return;
            seen.push(value);
            if (seen.length === leaveAfter) await it.return();
            await sleep(pause);
          }
        };
        const reading = Promise.all(Array.from({ length: readers }, read));
        await clock.tick(100);
        await reading;
        for (let i = 0; i < specs.length; i++) {
          const of = seen.filter((n) => Math.floor(n / 100) === i);
          assertEquals(of, of.map((_, n) => 100 * i + n), "each in order, once");
        }
        // What was sent into a channel was read, or is still there.
        const kept = channels.flatMap((ch) => {
          const rest: number[] = [];
          for (let got = ch.tryReceive(); got?.ok; got = ch.tryReceive()) rest.push(got.value);
          return rest;
        });
        const read2 = seen.filter((n) => specs[Math.floor(n / 100)]!.kind === "channel");
        const all = new Set([...read2, ...kept]);
        assertEquals(all.size, read2.length + kept.length);
        assert(sent.every((n) => all.has(n)), "nothing that was accepted is lost");
        if (leaveAfter === undefined) {
          assertEquals(seen.length, specs.reduce((sum, { count }) => sum + count, 0));
          assertEquals(others.filter((n) => !seen.includes(n)), []);
        }
        for (const ch of channels) if (!ch.closed) ch.close();
        await clock.tick(100);
        await Promise.all(moving);
        assertEquals(clock.timers, 0);
      },
    ),
    { numRuns: 250 },
  );
});

// ---- fanIn ----

Deno.test("125: fanIn sends all values of all into the sink, closes it, and resolves", async () => {
  const out = new Channel<number>();
  const moving = fanIn([[0, 1], filled([10, 11], true), new Numbers(20, 2)], out);
  const seen = await drained(out);
  assertEquals(ascending(seen), [0, 1, 10, 11, 20, 21]);
  assertEquals(await moving, undefined);
  const none = new Channel<number>();
  await fanIn([], none);
  assert(none.closed);
});

Deno.test("125: a slow reader of the sink slows fanIn: of each producer one value is on its way", async () => {
  const out = new Channel<number>(1);
  const sources = [new Numbers(0, Infinity), new Numbers(100, Infinity)];
  const moving = failure(fanIn(sources, out));
  await settled();
  const read = () => sources[0]!.read + sources[1]!.read;
  assertEquals(read(), 3, "one in the buffer, two on their way");
  await out.receive();
  await settled();
  assertEquals(read(), 4);
  out.close();
  assertInstanceOf(await moving, ClosedError);
});

Deno.test("125: the first error of a producer ends fanIn, stops the others, and closes the sink with it", async () => {
  using uncaught = catchUncaught();
  const error = new Error("no");
  const others = [new Numbers(0, 0, () => never), new Numbers(1, Infinity)];
  const out = new Channel<number>();
  const moving = fanIn([...others, new Numbers(2, 0, () => Promise.reject(error))], out);
  assertStrictEquals(await failure(moving), error);
  assert(out.closed);
  const { error: told } = await out.receive() as { error?: unknown };
  assertStrictEquals(told, error);
  await settled();
  assertEquals([others.map(({ returned }) => returned), uncaught.errors], [[1, 1], []]);
});

Deno.test("125: if the sink is closed by somebody else, fanIn rejects with ClosedError and stops all", async () => {
  const sources = [new Numbers(0, Infinity), new Numbers(100, 0, () => never)];
  const out = new Channel<number>();
  const moving = fanIn(sources, out);
  await out.receive();
  out.close();
  const error = await assertRejects(() => moving, ClosedError);
  assertEquals(typeof error.value, "number", "it carries the value that was not sent");
  await settled();
  assertEquals(sources.map(({ returned }) => returned), [1, 1]);
});

Deno.test("125: with preventClose sinks stay open, at the end and after an error", async () => {
  const out = new Channel<number>(4);
  await fanIn([[1], [2]], out, { preventClose: true });
  await fanOut([3], [out], { preventClose: true });
  assertEquals([out.length, out.closed], [3, false]);
  const failing = () => new Numbers(0, 0, () => Promise.reject("no"));
  assertEquals(await failure(fanIn([failing()], out, { preventClose: true })), "no");
  assertEquals(await failure(fanOut(failing(), [out], { preventClose: true })), "no");
  assertEquals(out.closed, false);
});

// ---- fanOut ----

Deno.test("125: fanOut gives each value to one sink, whichever takes it first, and closes all at the end", async () => {
  const lanes = [new Channel<number>(), new Channel<number>(), new Channel<number>()];
  const moving = fanOut(new Numbers(0, 6), lanes);
  const seen: unknown[] = [];
  await settled();
  // Nobody reads the first: it holds up nothing.
  for (let i = 0; i < 3; i++) seen.push(await lanes[2]!.take(), await lanes[1]!.take());
  assertEquals(seen, [0, 1, 2, 3, 4, 5]);
  await moving;
  assertEquals(lanes.map((lane) => lane.closed), [true, true, true]);
});

Deno.test("125: fanOut asks for the next value when the last was taken", async () => {
  const source = new Numbers(0, Infinity);
  const lanes = [new Channel<number>(), new Channel<number>(1)];
  const moving = failure(fanOut(source, lanes));
  await settled();
  assertEquals([source.read, lanes[1]!.length], [2, 1]);
  await lanes[0]!.take();
  await settled();
  assertEquals(source.read, 3);
  for (const lane of lanes) lane.close();
  await moving;
});

Deno.test("125: a sink that was closed is left out, and what waited for it goes to another", async () => {
  const lanes = [new Channel<number>(), new Channel<number>(), new Channel<number>()];
  lanes[1]!.close();
  const moving = fanOut(new Numbers(0, 3), lanes);
  await settled();
  lanes[0]!.close();
  assertEquals(await drained(lanes[2]!), [0, 1, 2]);
  await moving;
});

Deno.test("125: when all sinks are closed fanOut rejects with the value that nobody took, and stops", async () => {
  const source = new Numbers(0, Infinity);
  const lanes = [new Channel<number>(), new Channel<number>()];
  const moving = fanOut(source, lanes);
  assertEquals(await lanes[0]!.take(), 0);
  await settled();
  for (const lane of lanes) lane.close();
  const error = await assertRejects(() => moving, ClosedError, "all sinks are closed");
  assertEquals(error.value, 1);
  await settled();
  assertEquals([source.read, source.returned], [2, 1]);
});

Deno.test("125: an error of the producer ends fanOut and closes the sinks with it, after what they hold", async () => {
  const lanes = [new Channel<number>(1), new Channel<number>(1)];
  const source = new Numbers(0, 2, () => Promise.reject("no"));
  assertEquals(await failure(fanOut(source, lanes)), "no");
  const seen = await Promise.all(lanes.map(drained));
  assertEquals(seen.map((one) => one.at(-1)), [{ thrown: "no" }, { thrown: "no" }]);
  assertEquals(ascending(seen.flatMap((one) => one.slice(0, -1))), [0, 1]);
  assertEquals(source.returned, 0);
});

// ---- what ends both ----

const fans: Readonly<
  Record<
    string,
    (
      source: Producer<number>,
      sink: Sender<number>,
      options?: Context | FanOptions,
    ) => Promise<void>
  >
> = {
  fanIn: (source, sink, options) => fanIn([source], sink, options),
  fanOut: (source, sink, options) => fanOut(source, [sink], options),
};

Deno.test("125, R2: a context, a signal and a timeout end both, wherever they wait, and close the sinks with the cause", async () => {
  for (const [name, fan] of Object.entries(fans)) {
    for (const where of ["producer", "sink"]) {
      for (const way of ["ctx", "bare ctx", "signal", "timeout"]) {
        using clock = fakeClock();
        const ctx = withCancel(background());
        const controller = spiedController();
        const waits: Record<string, Context | FanOptions> = {
          ctx: { ctx },
          "bare ctx": ctx,
          signal: { signal: controller.signal },
          timeout: { timeout: 10 },
        };
        const source = new Numbers(0, where === "sink" ? 1 : 0, () => never);
        const out = new Channel<number>();
        const moving = fan(source, out, waits[way]);
        moving.catch(() => {});
        await settled();
        const error = new Error("over");
        ctx.cancel(error);
        controller.abort(error);
        if (way === "timeout") await clock.tick(10);
        const told = await failure(moving);
        if (way === "timeout") assertInstanceOf(told, DeadlineExceededError);
        else assertStrictEquals(told, error, `${name}, ${where}, ${way}`);
        assertStrictEquals((await out.receive() as { error?: unknown }).error, told);
        await settled();
        assertEquals([source.returned, clock.timers, controller.listeners], [1, 0, 0]);
        assertEquals(lines(out), { takers: 0, putters: 0 });
      }
    }
  }
});

Deno.test("125, R18: what has ended already ends both before anything is read; the producers are told", async () => {
  const ctx = withCancel(background());
  ctx.cancel("over");
  for (const [name, fan] of Object.entries(fans)) {
    for (const options of [ctx, { ctx }, { signal: AbortSignal.abort("over") }, { timeout: 0 }]) {
      const source = new Numbers(0, 3);
      const out = new Channel<number>(3);
      const told = await failure(fan(source, out, options as FanOptions));
      if ("timeout" in options) assertInstanceOf(told, DeadlineExceededError);
      else assertEquals(told, "over");
      assertEquals([source.read, source.returned, out.length, out.closed], [0, 1, 0, true], name);
      const stream = new ReadableStream<number>();
      await failure(fan(stream, new Channel<number>(), options as FanOptions));
      assertEquals(stream.locked, false);
    }
  }
});

Deno.test("125: a queue or a channel that both have left keeps what they have not read", async () => {
  for (const [name, fan] of Object.entries(fans)) {
    const ctx = withCancel(background());
    const ch = filled([0, 1, 2]);
    const out = new Channel<number>();
    const moving = failure(fan(ch, out, ctx));
    await settled();
    ctx.cancel("over");
    assertEquals(
      [await moving, ch.length, ch.closed],
      ["over", 2, false],
      `${name}: one on its way`,
    );
    assertEquals(lines(ch), { takers: 0, putters: 0 });
  }
});

Deno.test("125: values go through fanOut and fanIn, each once", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(20),
      fc.integer({ min: 1, max: 4 }),
      fc.nat(2),
      async (count, width, capacity) => {
        const lanes = Array.from({ length: width }, () => new Channel<number>(capacity));
        const out = new Channel<number>(capacity);
        const moving = [fanOut(new Numbers(0, count), lanes), fanIn(lanes, out)];
        const seen = await drained(out);
        await Promise.all(moving);
        assertEquals(ascending(seen), Array.from({ length: count }, (_, i) => i));
      },
    ),
    { numRuns: 100 },
  );
});

Deno.test("125, 117: merges of busy channels let a timer run", async () => {
  const sources: (() => Producer<number>)[] = [
    () => new Numbers(0, Infinity),
    () =>
      (function* () {
        for (;;) yield 1;
      })(),
  ];
  for (const source of sources) {
    let fired = false;
    const timer = setTimeout(() => fired = true, 1);
    let rounds = 0;
    for await (const _ of merge([source(), new Channel<number>()])) {
      if (fired || ++rounds > 500_000) break;
    }
    assert(fired);
    clearTimeout(timer);
  }
});

// ---- arguments ----

Deno.test("125, R17: bad arguments are refused, with the value and what is allowed", async () => {
  const bad = 7 as unknown;
  assertThrows(
    () => merge(bad as Producer<number>[]),
    TypeError,
    "producers must be a list of iterables, not 7",
  );
  assertThrows(
    () => merge([bad] as Producer<number>[]),
    TypeError,
    "source must be an Iterable or AsyncIterable, not 7",
  );
  const out = new Channel<number>();
  const rejecting: readonly [() => Promise<unknown>, new () => Error, string][] = [
    [() => fanIn(bad as [], out), TypeError, "producers must be a list of iterables, not 7"],
    [
      () => fanIn([bad as []], out),
      TypeError,
      "source must be an Iterable or AsyncIterable, not 7",
    ],
    [
      () => fanIn([], bad as Sender<number>),
      TypeError,
      "a sink must have send and close, as a channel does, not 7",
    ],
    [
      () => fanIn([], { send() {} } as unknown as Sender<number>),
      TypeError,
      "a sink must have send and close, as a channel does, not [object Object]",
    ],
    [
      () => fanIn([], out, bad as FanOptions),
      TypeError,
      "options must be an object of options, not 7",
    ],
    [
      () => fanOut(bad as [], [out]),
      TypeError,
      "source must be an Iterable or AsyncIterable, not 7",
    ],
    [() => fanOut([], []), RangeError, "there must be at least one sink: []"],
    [() => fanOut([], [bad as Sender<number>]), TypeError, "a sink must have send and close"],
    [() => fanOut([], [out], bad as FanOptions), TypeError, "options must be an object of options"],
    [() => merge([[1]], { timeout: NaN }).next(), RangeError, "timeout must be a number, not NaN"],
  ];
  for (const [call, kind, message] of rejecting) {
    const result = call();
    await assertRejects(() => result, kind, message);
  }
  assertEquals(out.closed, false);
  const stream = new ReadableStream<number>();
  await assertRejects(() => fanIn([stream], bad as Sender<number>), TypeError);
  await assertRejects(() => fanOut(stream, []), RangeError);
  assertEquals([stream.locked, await state(stream.cancel())], [false, "fulfilled"]);
  const timed = fanIn([[1]], new Channel<number>(1), { timeout: NaN });
  await assertRejects(() => timed, RangeError, "timeout must be a number, not NaN");
});
