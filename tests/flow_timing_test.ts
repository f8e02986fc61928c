import fc from "fast-check";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { background, Channel, DeadlineExceededError, Queue, withCancel } from "../mod.ts";
import {
  debounce,
  type FlowStream,
  map,
  type Producer,
  sample,
  throttle,
  type ThrottleOptions,
  type TimingOptions,
  window,
} from "../flow/mod.ts";
import { type Clock, ManualClock } from "../tasks/mod.ts";
import { fakeClock } from "./support/clock.ts";
import { failure } from "./support/queues.ts";
import { settled, state } from "./support/settle.ts";
import { spiedController } from "./support/spied_signal.ts";

/** All three, with 100 ms. */
type Make = <T>(source: Producer<T>, options?: TimingOptions) => FlowStream<T>;
const all: readonly [string, Make][] = [
  ["debounce", (source, options) => debounce(source, 100, options)],
  ["throttle", (source, options) => throttle(source, 100, { leading: false, ...options })],
  ["sample", (source, options) => sample(source, 100, options)],
];

/** Reads to the end, and tells what came when. */
async function read<T>(values: AsyncIterable<T>, clock: Clock): Promise<[T, number][]> {
  const seen: [T, number][] = [];
  for await (const value of values) seen.push([value, clock.now()]);
  return seen;
}

/** Sends each value at its moment, and closes when the last one has been sent. */
async function play<T>(clock: ManualClock, ch: Channel<T>, plan: [T, number][]): Promise<void> {
  for (const [value, at] of plan) {
    await clock.advance(at - clock.now());
    await ch.send(value);
  }
  await settled();
}

const open = <T>(): Channel<T> => new Channel<T>(Infinity);
const value = <T>(value: T) => ({ done: false as const, value });
const DONE = { done: true as const, value: undefined };

// ---- 139: each on its own ----

Deno.test("139: debounce gives the last value before each pause, when the pause has lasted long enough", async () => {
  const [clock, ch] = [new ManualClock(), open<string>()];
  const seen = read(debounce(ch, 100, { clock }), clock);
  await play(clock, ch, [["a", 0], ["b", 99], ["c", 198], ["d", 298], ["e", 500]]);
  await clock.advance(1_000);
  ch.close();
  assertEquals(await seen, [["c", 298], ["d", 398], ["e", 600]]);
});

Deno.test("139: debounce with maxWait gives one at least so often, counted from the first it has held", async () => {
  const [clock, ch] = [new ManualClock(), open<number>()];
  const seen = read(debounce(ch, 100, { clock, maxWait: 250 }), clock);
  await play(clock, ch, [[1, 0], [2, 90], [3, 180], [4, 260], [5, 350], [6, 440], [7, 530]]);
  await clock.advance(1_000);
  ch.close();
  assertEquals(await seen, [[3, 250], [6, 510], [7, 630]]);
});

Deno.test("139: debounce gives the last value at once when its source ends, and before its error", async () => {
  const clock = new ManualClock();
  assertEquals(await read(debounce([1, 2, 3], 100, { clock }), clock), [[3, 0]]);
  assertEquals(await read(debounce([1, 2, 3], Infinity, { clock }), clock), [[3, 0]]);
  assertEquals(await read(debounce([], 100, { clock }), clock), []);
  const ch = open<number>();
  const values = debounce(ch, 100, { clock });
  ch.trySend(1);
  ch.close("broken");
  const nexts = [values.next(), values.next(), values.next()];
  assertEquals([await nexts[0], await failure(nexts[1]!), await nexts[2]], [
    value(1),
    "broken",
    DONE,
  ]);
  assertEquals(clock.timers, 0);
});

Deno.test("139: throttle gives the first value at once, then the latest at the end of each interval", async () => {
  const [clock, ch] = [new ManualClock(), open<number>()];
  const seen = read(throttle(ch, 100, { clock }), clock);
  await play(clock, ch, [[1, 10], [2, 20], [3, 109], [4, 110], [5, 250], [6, 400], [7, 410]]);
  ch.close();
  await clock.advance(1_000);
  assertEquals(await seen, [[1, 10], [3, 110], [4, 210], [5, 310], [6, 410], [7, 510]]);
});

Deno.test("139: throttle without the trailing value gives the first of each interval, without the leading one the last", async () => {
  const plan: [number, number][] = [[1, 10], [2, 20], [3, 105], [4, 120], [5, 300], [6, 420]];
  const run = async (options: ThrottleOptions): Promise<[number, number][]> => {
    const [clock, ch] = [new ManualClock(), open<number>()];
    const seen = read(throttle(ch, 100, { clock, ...options }), clock);
    await play(clock, ch, plan);
    ch.close();
    await clock.advance(1_000);
    return await seen;
  };
  assertEquals(await run({ trailing: false }), [[1, 10], [4, 120], [5, 300], [6, 420]]);
  assertEquals(await run({ leading: false }), [[3, 110], [4, 210], [5, 310], [6, 520]]);
});

Deno.test("139: throttle: the last value, then the end or the error, come at the end of the interval", async () => {
  for (const error of [undefined, "broken"]) {
    const [clock, ch] = [new ManualClock(), open<number>()];
    const values = throttle(ch, 100, { clock });
    const nexts = [values.next(), values.next(), values.next(), values.next()];
    const told = Promise.allSettled(nexts);
    for (const n of [1, 2, 3]) ch.trySend(n);
    ch.close(error);
    assertEquals([await nexts[0], await state(nexts[1]!)], [value(1), "pending"]);
    await clock.advance(99);
    assertEquals([await state(nexts[1]!), clock.timers], ["pending", 1]);
    await clock.advance(1);
    const done = { status: "fulfilled" as const, value: DONE };
    assertEquals((await told).slice(1), [
      { status: "fulfilled", value: value(3) },
      error === undefined ? done : { status: "rejected", reason: error },
      done,
    ]);
    assertEquals(clock.timers, 0);
  }
});

Deno.test("139: throttle whose source has ended is left at once, and its end is not waited for", async () => {
  const clock = new ManualClock();
  const values = throttle([1, 2], 100, { clock });
  assertEquals(await values.next(), value(1));
  const next = values.next();
  await settled();
  assertEquals(clock.timers, 1);
  await values.return();
  assertEquals([await next, await values.next(), clock.timers], [DONE, DONE, 0]);
});

Deno.test("139: sample gives the latest value at each multiple of its time, and nothing if none is new", async () => {
  const [clock, ch] = [new ManualClock(1_007), open<number>()];
  const seen = read(sample(ch, 100, { clock }), clock);
  await play(clock, ch, [[1, 1_010], [2, 1_106], [3, 1_107], [4, 1_500], [5, 1_506]]);
  await clock.advance(500);
  ch.trySend(6);
  ch.close();
  assertEquals(await seen, [[2, 1_107], [3, 1_207], [5, 1_507], [6, 2_006]]);
});

Deno.test("139: sample by ticks gives the latest value at each, and nothing if none is new", async () => {
  const [clock, ch, ticks] = [new ManualClock(), open<number>(), open<string>()];
  const seen = read(sample(ch, ticks, { clock }), clock);
  const tick = () => (ticks.trySend("tick"), settled());
  await tick();
  await play(clock, ch, [[1, 10], [2, 20]]);
  assertEquals(clock.timers, 0);
  await clock.advance(10);
  await tick();
  await tick();
  await play(clock, ch, [[3, 40]]);
  await tick();
  await play(clock, ch, [[4, 50]]);
  ch.close();
  assertEquals(await seen, [[2, 30], [3, 40], [4, 50]]);
  // Ticks are left alone from then on.
  ticks.trySend("kept");
  assertEquals([ticks.length, ticks.closed, clock.timers], [1, false, 0]);
});

Deno.test("139: sample ends with its ticks, gives what is new, and stops its source", async () => {
  for (const error of [undefined, "broken"]) {
    const [ch, ticks] = [open<number>(), open<void>()];
    const values = sample(ch, ticks, { clock: new ManualClock() });
    const nexts = [values.next(), values.next(), values.next()];
    ch.trySend(1);
    await settled();
    ticks.close(error);
    assertEquals(await nexts[0], value(1));
    if (error === undefined) assertEquals(await nexts[1], DONE);
    else assertEquals(await failure(nexts[1]!), error);
    assertEquals(await nexts[2], DONE);
    ch.trySend(2);
    await settled();
    assertEquals([ch.length, ch.closed], [1, false]);
  }
});

Deno.test("139: sample that is left takes no tick any more, and its ticks stay open", async () => {
  const [ch, ticks] = [open<number>(), open<string>()];
  const values = sample(ch, ticks);
  const next = values.next();
  await settled();
  await values.return();
  ticks.trySend("kept");
  ch.trySend(1);
  await settled();
  assertEquals([await next, ticks.length, ch.length], [DONE, 1, 1]);
});

Deno.test("139: sample stops ticks that are no channel when its source ends or it is left", async () => {
  for (const leave of [true, false]) {
    const stopped: string[] = [];
    const never = (name: string): AsyncIterable<never> => ({
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<never>(() => {}),
        return: () => (stopped.push(name), Promise.resolve(DONE)),
      }),
    });
    const values = sample(leave ? never("source") : [1], never("ticks"));
    const next = values.next();
    await settled();
    if (leave) await values.return();
    assertEquals(await next, leave ? DONE : value(1));
    await settled();
    assertEquals(stopped.toSorted(), leave ? ["source", "ticks"] : ["ticks"]);
  }
});

Deno.test("139: debounce sets no timer for each value", async () => {
  const [clock, ch] = [new ManualClock(), open<number>()];
  let set = 0;
  const counting: Clock = {
    now: () => clock.now(),
    after: (ms, fn) => (set++, clock.after(ms, fn)),
  };
  const seen = read(debounce(ch, 100, { clock: counting }), clock);
  await play(clock, ch, Array.from({ length: 81 }, (_, i) => [i, 1.25 * i]));
  await clock.advance(200);
  ch.close();
  assertEquals([await seen, set], [[[80, 200]], 3]);
});

Deno.test("139: what is due by parts of a millisecond comes on time", async () => {
  const [clock, ch] = [new ManualClock(), open<number>()];
  const seen = read(debounce(ch, 10, { clock }), clock);
  await play(clock, ch, [[1, 0], [2, 0.25]]);
  await clock.advance(20);
  ch.close();
  assertEquals(await seen, [[2, 10.25]]);
});

// ---- 139: what they have in common ----

for (const [name, make] of all) {
  Deno.test(`139: ${name}: nothing happens before the first \`next\``, async () => {
    const [clock, ch] = [new ManualClock(), open<number>()];
    ch.trySend(1);
    const values = make(ch, { clock });
    await clock.advance(1_000);
    assertEquals([ch.length, clock.timers], [1, 0]);
    const next = values.next();
    await settled();
    assertEquals([ch.length, clock.timers, await state(next)], [0, 1, "pending"]);
    await clock.advance(100);
    assertEquals([await next, clock.timers], [value(1), 0]);
  });

  Deno.test(`139: ${name}: the source is read while nobody waits, and who comes late gets the newest that was due`, async () => {
    const [clock, ch] = [new ManualClock(), open<number>()];
    const values = make(ch, { clock });
    const first = values.next();
    await play(clock, ch, [[1, 0]]);
    await clock.advance(100);
    assertEquals(await first, value(1));
    await play(clock, ch, [[2, 150], [3, 160], [4, 350], [5, 550]]);
    assertEquals([ch.length, clock.timers], [0, 0]);
    assertEquals(await values.next(), value(4));
    const next = values.next();
    await settled();
    assertEquals([await state(next), clock.timers], ["pending", 1]);
    await clock.advance(100);
    assertEquals(await next, value(5));
    await values.return();
  });

  Deno.test(`139: ${name}: several who wait are served in order`, async () => {
    const [clock, ch] = [new ManualClock(), open<number>()];
    const values = make(ch, { clock });
    const order: [number, number | undefined][] = [];
    const nexts = [0, 1, 2, 3].map((i) =>
      values.next().then(({ value }) => void order.push([i, value]))
    );
    await play(clock, ch, [[7, 0], [8, 150], [9, 350]]);
    await clock.advance(500);
    ch.close();
    await Promise.all(nexts);
    assertEquals(order, [[0, 7], [1, 8], [2, 9], [3, undefined]]);
  });

  Deno.test(`139: ${name}: \`return\` is prompt, stops the source, and leaves no trace`, async () => {
    const clock = new ManualClock();
    let stopped = 0;
    const source: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => {
        let count = 0;
        return {
          next: () => count++ === 0 ? Promise.resolve(value(1)) : new Promise<never>(() => {}),
          return: () => (stopped++, Promise.resolve(DONE)),
        };
      },
    };
    const values = make(source, { clock });
    const nexts = [values.next(), values.next()];
    await settled();
    assertEquals([clock.timers, stopped], [1, 0]);
    assertEquals(await values.return(), DONE);
    assertEquals([await Promise.all(nexts), clock.timers, stopped], [[DONE, DONE], 0, 1]);
    await values[Symbol.asyncDispose]();
    assertEquals([await values.next(), stopped], [DONE, 1]);
  });

  Deno.test(`139: ${name}: what is still in a queue stays there when it is left, and the queue stays open`, async () => {
    const clock = new ManualClock();
    const queue = new Queue<number>();
    const values = make(queue, { clock });
    const next = values.next();
    await queue.put(1);
    await settled();
    assertEquals(queue.size, 0);
    const left = values.return();
    queue.putNowait(2);
    await left;
    assertEquals([await next, await queue.get()], [DONE, 2]);
  });

  Deno.test(`139: ${name}: its context's end is told once, to who waits; nothing is left of it`, async () => {
    const [clock, ch, spy] = [new ManualClock(), open<number>(), spiedController()];
    const values = make(ch, { clock, signal: spy.signal });
    const nexts = [values.next(), values.next()];
    ch.trySend(1);
    await settled();
    assertEquals([clock.timers, spy.listeners], [1, 1]);
    spy.abort("enough");
    assertEquals([clock.timers, spy.listeners], [0, 0]);
    assertEquals([await failure(nexts[0]!), await nexts[1], await values.next()], [
      "enough",
      DONE,
      DONE,
    ]);
    ch.trySend(2);
    await settled();
    assertEquals([ch.length, ch.closed], [1, false]);
  });

  Deno.test(`139: ${name}: what was due when its context ended comes before the cause, what was not is dropped`, async () => {
    const [clock, ch] = [new ManualClock(), open<number>()];
    using ctx = withCancel(background());
    const values = make(ch, { clock, ctx });
    const first = values.next();
    await play(clock, ch, [[1, 0]]);
    await clock.advance(100);
    assertEquals(await first, value(1));
    await play(clock, ch, [[2, 150]]);
    await clock.advance(100);
    await play(clock, ch, [[3, 260]]);
    ctx.cancel("enough");
    assertEquals([await values.next(), await failure(values.next()), await values.next()], [
      value(2),
      "enough",
      DONE,
    ]);
    assertEquals(clock.timers, 0);
  });

  Deno.test(`139: ${name}: a context or signal that has ended goes first, and nothing is read`, async () => {
    const [clock, ch] = [new ManualClock(), open<number>()];
    ch.trySend(1);
    using ctx = withCancel(background());
    ctx.cancel("over");
    const values = make(ch, { clock, ctx });
    assertEquals([await failure(values.next()), await values.next(), ch.length], ["over", DONE, 1]);
  });

  Deno.test(`139: ${name}: a timeout counts from the first \`next\``, async () => {
    using fake = fakeClock();
    const ch = open<number>();
    const values = make(ch, { timeout: 50 });
    await fake.tick(1_000);
    const next = failure(values.next());
    ch.trySend(1);
    await fake.tick(49);
    assertEquals(fake.timers, 2);
    await fake.tick(1);
    assert(await next instanceof DeadlineExceededError);
    assertEquals(fake.timers, 0);
  });

  Deno.test(`139: ${name}: undefined is a value, and an error of undefined an error`, async () => {
    const clock = new ManualClock();
    assertEquals(
      await Promise.all([read(make([undefined], { clock }), clock), clock.advance(100)]).then(
        ([seen]) => seen.map(([value]) => value),
      ),
      [undefined],
    );
    const values = make(
      (async function* () {
        yield await Promise.resolve(1);
        throw undefined;
      })(),
      { clock },
    );
    const nexts = [values.next(), values.next()];
    const results = Promise.allSettled(nexts);
    await clock.advance(100);
    assertEquals((await results).map(({ status }) => status), ["fulfilled", "rejected"]);
  });

  Deno.test(`139: ${name}: a source without end that never waits starves nobody`, async () => {
    const clock = new ManualClock();
    function* numbers(): Generator<number> {
      for (let n = 0;; n++) yield n;
    }
    await using values = make(numbers(), { clock });
    const next = values.next();
    await settled();
    assertEquals(await state(next), "pending");
    await clock.advance(100);
    assert((await next).value! > 0);
  });

  Deno.test(`139: ${name}: a timer that runs too early waits a millisecond more, a late one is made up for`, async () => {
    const timers: { ms: number; fn: () => void }[] = [];
    let now = 0;
    const clock: Clock = {
      now: () => now,
      after: (ms, fn) => (timers.push({ ms, fn }), { stop: () => {} }),
    };
    const ch = open<number>();
    const values = make(ch, { clock });
    const nexts = [values.next(), values.next()];
    ch.trySend(1);
    await settled();
    now = 99.7;
    timers.at(-1)!.fn();
    assertEquals([timers.map(({ ms }) => ms), await state(nexts[0]!)], [[100, 1], "pending"]);
    now = 150;
    ch.trySend(2);
    assertEquals(await nexts[0], value(1));
    await settled();
    // The second is due when it would be, had the timer run in time.
    timers.at(-1)!.fn();
    assertEquals(timers.at(-1)!.ms, name === "debounce" ? 100 : 50);
    now = 250;
    timers.at(-1)!.fn();
    assertEquals(await nexts[1], value(2));
    await values.return();
  });

  Deno.test(`139: ${name}: a timer that comes late, when nobody waits any more, sets no other`, async () => {
    const timers: (() => void)[] = [];
    let now = 0;
    const clock: Clock = {
      now: () => now,
      after: (_, fn) => (timers.push(fn), { stop: () => {} }),
    };
    const ch = open<number>();
    const values = make(ch, { clock });
    const next = values.next();
    ch.trySend(1);
    await settled();
    now = 150;
    ch.trySend(2);
    assertEquals(await next, value(1));
    timers[0]!();
    assertEquals(timers.length, 1);
    await values.return();
  });

  Deno.test(`139: ${name}: a value, or an error, that was handed over already when it is left is dropped`, async () => {
    for (const error of [undefined, "broken"]) {
      const [clock, ch] = [new ManualClock(), open<number>()];
      const streams = [make(ch, { clock }), throttle(ch, 100, { clock })];
      const nexts = streams.map((values) => values.next());
      await settled();
      if (error === undefined) [1, 2].forEach((n) => ch.trySend(n));
      else ch.close(error);
      await Promise.all(streams.map((values) => values.return()));
      await settled();
      assertEquals(await Promise.all(nexts), [DONE, DONE]);
      for (const values of streams) assertEquals(await values.next(), DONE);
      assertEquals([clock.timers, ch.length], [0, 0]);
    }
  });

  Deno.test(`139: ${name}: other operators go on with what it gives`, async () => {
    const [clock, ch] = [new ManualClock(), open<number>()];
    const tens = map(make(map(ch, (n) => n * 10), { clock }), (n) => n + 1);
    const seen = read(tens, clock);
    await play(clock, ch, [[1, 0], [2, 10], [3, 250]]);
    await clock.advance(200);
    ch.close();
    assertEquals((await seen).map(([value]) => value), [21, 31]);
  });

  Deno.test(`139: ${name}: a window that is over takes nothing with it, and leaves no timer behind`, async () => {
    const [clock, ch] = [new ManualClock(), open<number>()];
    const windows = window(make(ch, { clock }), { ms: 30, clock });
    const first = windows.next();
    await play(clock, ch, [[1, 0]]);
    await clock.advance(100);
    await play(clock, ch, [[2, 120]]);
    await clock.advance(10);
    assertEquals([await first, clock.timers], [value([1]), 0]);
    await clock.advance(200);
    const second = windows.next();
    await clock.advance(30);
    assertEquals(await second, value([2]));
    await windows.return();
  });

  Deno.test(`139: ${name}: what was read was given, is held, or was passed over`, async () => {
    const [clock, ch] = [new ManualClock(), open<number>()];
    const values = make(ch, { clock });
    const { read: none } = values.stats();
    const next = values.next();
    await play(clock, ch, [[1, 0], [2, 10]]);
    const base = { waiting: 0, over: false };
    assertEquals([none, values.stats()], [
      0,
      { ...base, read: 2, given: 0, held: 1, dropped: 1, waiting: 1 },
    ]);
    await clock.advance(140);
    assertEquals(await next, value(2));
    assertEquals(values.stats(), { ...base, read: 2, given: 1, held: 0, dropped: 1 });
    await play(clock, ch, [[3, 160], [4, 350]]);
    assertEquals(values.stats(), { ...base, read: 4, given: 1, held: 2, dropped: 1 });
    await values.return();
    ch.trySend(5);
    await settled();
    assertEquals([values.stats(), ch.length], [
      { ...base, read: 4, given: 1, held: 0, dropped: 3, over: true },
      1,
    ]);
  });

  Deno.test(`139: ${name}: the counts are right at every quiet moment, however it is read and left`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(fc.constantFrom("send" as const, "next" as const), fc.nat(120)),
          { maxLength: 30 },
        ),
        fc.constantFrom("return", "cancel", "close"),
        async (script, way) => {
          const [clock, ch] = [new ManualClock(), open<number>()];
          const ctx = withCancel(background());
          const values = make(ch, { clock, ctx });
          let [sent, seen, waiting, before] = [0, 0, 0, 0];
          const next = async (): Promise<void> => {
            waiting++;
            const result = await values.next().catch(() => DONE);
            waiting--;
            if (!result.done) seen++;
          };
          const look = (): number => {
            const { read, given, held, dropped, ...stats } = values.stats();
            assertEquals([read, given, stats.waiting], [sent - ch.length, seen, waiting]);
            assertEquals(read, given + held + dropped);
            assert(held >= 0 && held <= 2 && dropped >= before);
            before = dropped;
            return held;
          };
          void next();
          await settled();
          for (const action of script) {
            if (action === "send") ch.trySend(++sent);
            else if (action === "next") void next();
            else await clock.advance(action);
            await settled();
            look();
          }
          if (way === "return") await values.return();
          else if (way === "cancel") ctx.cancel("over");
          else ch.close();
          await settled();
          // What it holds at the end is there to be read, or the newest of it, and nothing else.
          const [rest, had] = [look(), seen];
          const nexts = [next(), next(), next()];
          await clock.advance(200);
          await Promise.all(nexts);
          assert(seen - had <= rest && (rest === 0 || seen > had));
          assertEquals([look(), values.stats().over], [0, true]);
        },
      ),
      { numRuns: 200 },
    );
  });

  Deno.test(`139: ${name}: a context or a signal will do for options`, async () => {
    using ctx = withCancel(background());
    const { signal } = spiedController();
    for (const cancel of [ctx, signal]) {
      const values = make([1, 2], cancel as TimingOptions);
      await values.return();
      assertEquals(await values.next(), DONE);
    }
    const values = name === "sample" ? sample(open(), 1, ctx) : debounce(open(), 1, ctx);
    const next = failure(values.next());
    ctx.cancel("enough");
    assertEquals(await next, "enough");
  });
}

Deno.test("139: what is no source, no number, no clock and no option is refused by name", () => {
  const bad: [() => unknown, typeof TypeError | typeof RangeError, string][] = [
    [() => debounce(7 as never, 1), TypeError, "source must be an Iterable"],
    [() => throttle(undefined as never, 1), TypeError, "source must be an Iterable"],
    [() => sample({} as never, 1), TypeError, "source must be an Iterable"],
    [() => sample([], {} as never), TypeError, "source must be an Iterable"],
    [() => debounce([], -1), RangeError, "ms must be at least 0"],
    [() => debounce([], "1" as never), TypeError, 'ms must be a number, not "1"'],
    [() => debounce([], 10, { maxWait: 9 }), RangeError, "maxWait must be at least ms, 10: 9"],
    [() => debounce([], 10, { maxWait: NaN }), RangeError, "maxWait must be a number"],
    [() => throttle([], NaN), RangeError, "ms must be a number, not NaN"],
    [() => throttle([], Infinity), RangeError, "ms must be at least 0, and finite"],
    [() => throttle([], 1, { leading: 1 as never }), TypeError, "leading must be true or false"],
    [() => throttle([], 1, { trailing: null as never }), TypeError, "trailing must be true or"],
    [() => throttle([], 1, { leading: false, trailing: false }), TypeError, "must not both be"],
    [() => sample([], 0), RangeError, "ms must be more than 0"],
    [() => debounce([], 1, { clock: {} as never }), TypeError, "clock must have the functions"],
    [() => sample([], 1, { signal: 7 as never }), TypeError, "signal must be an AbortSignal"],
    [() => throttle([], 1, 7 as never), TypeError, "wait must be"],
  ];
  for (const [fn, kind, message] of bad) assertThrows(fn, kind, message);
});

// ---- 139: random programs ----

/** A moment: what is due at a time comes before what is done then, which comes in its order. */
type Moment = readonly [time: number, order: number];
interface Came<T> {
  readonly at: Moment;
  readonly value: T;
}
const before = (a: Moment, b: Moment): boolean => a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);
const due = (time: number): Moment => [time, -1];

/** What is let through of what has come, until `end`, and when that is told. */
type Rule = (came: readonly Came<number>[], end: Moment, start: number) => {
  readonly given: readonly Came<number>[];
  readonly told: Moment;
};

const debounced = (ms: number, maxWait: number): Rule => (came, end) => {
  const given: Came<number>[] = [];
  for (let first = 0; first < came.length;) {
    const limit = came[first]!.at[0] + maxWait;
    let last = first;
    const dueAt = () => Math.min(came[last]!.at[0] + ms, limit);
    while (last + 1 < came.length && came[last + 1]!.at[0] < dueAt()) last++;
    const at = due(dueAt());
    given.push({ value: came[last]!.value, at: before(at, end) ? at : end });
    first = last + 1;
  }
  return { given, told: end };
};

const sampled = (ms: number): Rule => (came, end, start) => {
  const given: Came<number>[] = [];
  const sampleAfter = (time: number) => start + (Math.floor((time - start) / ms) + 1) * ms;
  for (const [i, { at: [time], value }] of came.entries()) {
    const next = sampleAfter(time);
    if (i + 1 < came.length && sampleAfter(came[i + 1]!.at[0]) === next) continue;
    given.push({ value, at: before(due(next), end) ? due(next) : end });
  }
  return { given, told: end };
};

const throttled = (ms: number, leading: boolean, trailing: boolean): Rule => (came, end) => {
  const given: Came<number>[] = [];
  let [until, held]: [number, number | undefined] = [-Infinity, undefined];
  const release = (time: number) => {
    if (held === undefined || until > time) return;
    given.push({ value: held, at: due(until) });
    until += ms;
    held = undefined;
  };
  for (const { at, value } of came) {
    release(at[0]);
    if (at[0] >= until) {
      until = at[0] + ms;
      if (leading) {
        given.push({ at, value });
        continue;
      }
    }
    if (trailing) held = value;
  }
  release(end[0]);
  const told: Moment = held === undefined ? end : [until, -0.5];
  release(Infinity);
  return { given, told };
};

type Op = "next" | "send" | number;
type End = "close" | "fail" | "return" | "cancel";

/** What each `next` is told, and when. */
function expected(rule: Rule, program: readonly Op[], end: End): [unknown, number][] {
  let time = 0;
  const asked: Moment[] = [];
  const came: Came<number>[] = [];
  const early: number[] = [];
  for (const [i, op] of program.entries()) {
    if (typeof op === "number") {
      time += op;
    } else if (op === "next") {
      // What was sent before the first `next` is read then.
      if (asked.push([time, i]) === 1) {
        came.push(...early.map((value) => ({ value, at: [time, i + 0.5] as const })));
      }
    } else if (asked.length === 0) {
      early.push(i);
    } else {
      came.push({ value: i, at: [time, i] });
    }
  }
  const over: Moment = [time, program.length];
  const stopped = end === "return" || end === "cancel";
  let { given, told } = rule(came, over, asked[0]?.[0] ?? 0);
  if (stopped) {
    // What is not due by then is dropped.
    given = given.filter(({ at }) => before(at, over));
    told = over;
  }
  return serve(asked, given, told, end);
}

/** Each `next` gets the newest that was given and not read, or waits for one. */
function serve(
  asked: readonly Moment[],
  given: readonly Came<number>[],
  told: Moment,
  end: End,
): [unknown, number][] {
  const answers: [unknown, number][] = [];
  let [unread, waiting, failed]: [number | undefined, number, boolean] = [undefined, 0, false];
  const ending = (): unknown => {
    if (failed || end === "close" || end === "return") return "done";
    failed = true;
    return end;
  };
  const events = [
    ...asked.map((at) => ({ at, fn: () => void waiting++ })),
    ...given.map(({ at, value }) => ({ at, fn: () => void (unread = value) })),
  ].toSorted((a, b) => before(a.at, b.at) ? -1 : before(b.at, a.at) ? 1 : 0);
  const answer = ([time]: Moment) => {
    if (unread === undefined || waiting === 0) return;
    answers.push([unread, time]);
    unread = undefined;
    waiting--;
  };
  for (const { at, fn } of events) {
    fn();
    answer(at);
  }
  if (end === "return") unread = undefined;
  for (; waiting > 0; waiting--) answers.push([ending(), told[0]]);
  // Two more are asked for when all is over: see `seen`.
  for (let i = 0; i < 3; i++) {
    answers.push([unread ?? ending(), Infinity]);
    unread = undefined;
  }
  return answers;
}

async function seen(
  make: (source: Channel<number>, options: TimingOptions) => FlowStream<number>,
  program: readonly Op[],
  end: End,
): Promise<[unknown, number][]> {
  const [clock, ch] = [new ManualClock(), open<number>()];
  using ctx = withCancel(background());
  const values = make(ch, { clock, ctx });
  const answers: [unknown, number][] = [];
  let waiting = 0;
  const next = async (late = false): Promise<void> => {
    waiting++;
    const told = await values.next().then(
      ({ done, value }) => done ? "done" : value,
      (error) => error,
    );
    waiting--;
    answers.push([told, late ? Infinity : clock.now()]);
  };
  for (const [i, op] of program.entries()) {
    if (typeof op === "number") await clock.advance(op);
    else if (op === "next") void next();
    else ch.trySend(i);
    await settled();
    assert(clock.timers <= 1);
    if (waiting === 0) assertEquals(clock.timers, 0);
  }
  if (end === "close") ch.close();
  else if (end === "fail") ch.close(end);
  else if (end === "return") await values.return();
  else ctx.cancel(end);
  await settled();
  await clock.advance(1_000);
  for (let i = 0; i < 3; i++) await next(true);
  assertEquals([waiting, clock.timers], [0, 0]);
  return answers;
}

const RUNS = 200;
const ops = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.constant<Op>("send") },
    { weight: 1, arbitrary: fc.constant<Op>("next") },
    { weight: 3, arbitrary: fc.integer({ min: 1, max: 12 }) },
  ),
  { maxLength: 24, size: "max" },
);
const programs = fc.tuple(ops, ops).map(([early, more]): Op[] => [...early, "next", ...more]);
const ends = fc.constantFrom<End>("close", "fail", "return", "cancel");
const short = fc.integer({ min: 1, max: 20 });

const settings: readonly [string, fc.Arbitrary<[Rule, Make]>][] = [
  [
    "debounce",
    fc.tuple(short, fc.option(fc.nat(30), { nil: Infinity })).map(([ms, more]) => [
      debounced(ms, ms + more),
      (source, options) => debounce(source, ms, { ...options, maxWait: ms + more }),
    ]),
  ],
  [
    "throttle",
    fc.tuple(short, fc.constantFrom([true, true], [true, false], [false, true])).map((
      [ms, [leading, trailing]],
    ) => [
      throttled(ms, leading!, trailing!),
      (source, options) => throttle(source, ms, { ...options, leading, trailing }),
    ]),
  ],
  ["sample", short.map((ms) => [sampled(ms), (source, options) => sample(source, ms, options)])],
];

for (const [name, setting] of settings) {
  Deno.test(`139: ${name} lets through what its rule says, and each reader gets the newest, or waits`, async () => {
    await fc.assert(
      fc.asyncProperty(setting, programs, ends, async ([rule, make], program, end) => {
        assertEquals(await seen(make, program, end), expected(rule, program, end));
      }),
      { numRuns: RUNS },
    );
  });
}
