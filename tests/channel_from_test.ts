import {
  assert,
  assertEquals,
  assertFalse,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { Channel, type ChannelOptions } from "../mod.ts";
import { lines } from "./support/lines.ts";
import { settled, state } from "./support/settle.ts";
import { catchUncaught } from "./support/uncaught.ts";

/** Counts what is asked of it. It gives 1, 2, 3 … up to `end`. */
class Probe implements AsyncIterableIterator<number> {
  asked = 0;
  returned = 0;
  readonly #end: number;

  constructor(end = Infinity) {
    this.#end = end;
  }

  next(): Promise<IteratorResult<number, undefined>> {
    this.asked++;
    return Promise.resolve(
      this.asked > this.#end
        ? { done: true, value: undefined }
        : { done: false, value: this.asked },
    );
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    this.returned++;
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** Gives what a test hands it, when it does. */
class Manual implements AsyncIterableIterator<number> {
  returned = 0;
  pending: PromiseWithResolvers<IteratorResult<number, undefined>> | undefined;

  next(): Promise<IteratorResult<number, undefined>> {
    this.pending = Promise.withResolvers();
    return this.pending.promise;
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    this.returned++;
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

Deno.test("R23: a channel can be made of anything iterable, and ends with it", async () => {
  async function* generated(): AsyncGenerator<number> {
    yield 1;
    await settled();
    yield 2;
  }
  const sources: [string, Iterable<unknown> | AsyncIterable<unknown>, unknown[]][] = [
    ["a list", [1, 2], [1, 2]],
    ["an empty list", [], []],
    ["a set", new Set(["a", "b"]), ["a", "b"]],
    ["a map", new Map([["a", 1]]), [["a", 1]]],
    ["a string", "a😀", ["a", "😀"]],
    ["an iterator", [1, 2].values(), [1, 2]],
    ["an async generator", generated(), [1, 2]],
    ["another channel", Channel.from([1, 2]), [1, 2]],
    ["a stream", ReadableStream.from([1, 2]), [1, 2]],
    ["a probe", new Probe(3), [1, 2, 3]],
  ];
  for (const [name, source, expected] of sources) {
    const ch = Channel.from(source);
    assertEquals(await Array.fromAsync(ch), expected, name);
    assert(ch.closed);
    assertEquals(await ch.receive(), { ok: false, value: undefined });
  }
});

Deno.test("R23: a source that is both is read as an asynchronous one", async () => {
  const both = {
    *[Symbol.iterator]() {
      yield "at once";
    },
    async *[Symbol.asyncIterator]() {
      yield "in time";
    },
  };
  assertEquals(await Array.fromAsync(Channel.from(both)), ["in time"]);
});

Deno.test("R23: reading starts at once, and keeps at most what fits and one more in hand", async () => {
  for (const capacity of [0, 1, 3]) {
    const source = new Probe();
    using ch = Channel.from(source, capacity);
    assertEquals(source.asked, 1);
    await settled();
    assertEquals([source.asked, ch.length], [capacity + 1, capacity]);
    for (let n = 1; n <= 5; n++) {
      assertEquals(await ch.take(), n);
      await settled();
      assertEquals([source.asked, ch.length], [capacity + 1 + n, capacity]);
    }
  }
});

Deno.test("R23: the options are those of a channel", async () => {
  const dropped: number[] = [];
  const options: ChannelOptions<number> = {
    capacity: 2,
    name: "numbers",
    overflow: "dropOldest",
    onDrop: (value) => dropped.push(value),
  };
  const ch = Channel.from([1, 2, 3, 4, 5], options);
  await settled();
  assertEquals([ch.name, ch.capacity, ch.closed], ["numbers", 2, true]);
  assertEquals(await ch.receiveMany(9), [4, 5]);
  assertEquals(dropped, [1, 2, 3]);
});

Deno.test("R23, 39: an error of the source closes the channel with it, after what came before", async () => {
  const failure = new Error("source");
  const sources: Record<string, () => Iterable<number> | AsyncIterable<number>> = {
    *generator() {
      yield 1;
      throw failure;
    },
    async *asyncGenerator() {
      yield 1;
      throw failure;
    },
    rejecting() {
      let asked = 0;
      return {
        [Symbol.asyncIterator]: () => ({
          next: () =>
            asked++ === 0 ? Promise.resolve({ done: false, value: 1 }) : Promise.reject(failure),
        }),
      };
    },
    throwing() {
      let asked = 0;
      return {
        [Symbol.asyncIterator]: () => ({
          next() {
            if (asked++ === 0) return Promise.resolve({ done: false, value: 1 });
            throw failure;
          },
        }),
      };
    },
  };
  for (const [name, make] of Object.entries(sources)) {
    using uncaught = catchUncaught();
    const ch = Channel.from(make(), 2);
    assertEquals(await ch.receive(), { ok: true, value: 1 }, name);
    assertEquals(await ch.receive(), { ok: false, value: undefined, error: failure }, name);
    assertStrictEquals(await assertRejects(() => ch.take(), Error), failure);
    await settled();
    assertEquals(uncaught.errors, [], name);
  }
});

Deno.test("R23, R33: closing or disposing the channel tells the source at once, and only once", async () => {
  const ways: Record<string, (ch: Channel<number>) => unknown> = {
    close: (ch) => ch.close(),
    closeWithError: (ch) => ch.close(new Error("enough")),
    dispose: (ch) => ch[Symbol.dispose](),
  };
  for (const [way, end] of Object.entries(ways)) {
    for (const capacity of [0, 2]) {
      const source = new Probe();
      const ch = Channel.from(source, capacity);
      await settled();
      const { asked } = source;
      end(ch);
      assertEquals(source.returned, 1, way);
      ch[Symbol.dispose]();
      await settled();
      assertEquals([source.returned, source.asked], [1, asked], way);
    }
  }
});

Deno.test("R33: a value in hand is given up when the channel is closed, what is buffered is not", async () => {
  using uncaught = catchUncaught();
  const source = new Probe();
  const ch = Channel.from(source, 2);
  await settled();
  assertEquals([source.asked, lines(ch).putters], [3, 1]);
  ch.close();
  assertEquals(await Array.fromAsync(ch), [1, 2]);
  await settled();
  assertEquals(uncaught.errors, []);
});

Deno.test("R33: the source is told while it is being asked; what it still gives or throws is given up", async () => {
  for (const answer of ["value", "end", "error"]) {
    using uncaught = catchUncaught();
    const source = new Manual();
    const ch = Channel.from(source, 1);
    ch.close();
    assertEquals(source.returned, 1, answer);
    const { resolve, reject } = source.pending!;
    if (answer === "value") resolve({ done: false, value: 1 });
    if (answer === "end") resolve({ done: true, value: undefined });
    if (answer === "error") reject(new Error("late"));
    await settled();
    assertEquals(await ch.receive(), { ok: false, value: undefined }, answer);
    assertEquals([source.returned, uncaught.errors.length], [1, 0], answer);
  }
});

Deno.test("R23: a source that has come to its end, or failed, is not told to return", async () => {
  const ended = new Probe(2);
  const ch = Channel.from(ended, 3);
  assertEquals(await Array.fromAsync(ch), [1, 2]);
  ch[Symbol.dispose]();
  assertEquals([ended.asked, ended.returned], [3, 0]);

  const failing = new Manual();
  const failed = Channel.from(failing, 3);
  failing.pending!.reject(new Error("source"));
  await settled();
  failed[Symbol.dispose]();
  assertEquals(failing.returned, 0);
});

Deno.test("R33: what the source throws on being told to return is reported as uncaught", async () => {
  for (const rejecting of [false, true]) {
    using uncaught = catchUncaught();
    const failure = new Error("return");
    const source = new Probe();
    source.return = () => {
      if (rejecting) return Promise.reject(failure);
      throw failure;
    };
    const ch = Channel.from(source);
    ch.close();
    await settled();
    assertEquals(uncaught.errors, [failure]);
  }
});

Deno.test("R33: a generator that is closed runs its finally, and a source without return() is let go", async () => {
  let cleaned = false;
  function* generated(): Generator<number> {
    try {
      for (let n = 0;; n++) yield n;
    } finally {
      cleaned = true;
    }
  }
  const ch = Channel.from(generated(), 1);
  await settled();
  ch.close();
  assert(cleaned);

  let asked = 0;
  const bare: AsyncIterable<number> = {
    [Symbol.asyncIterator]: () => ({
      next: () => Promise.resolve({ done: false, value: ++asked }),
    }),
  };
  const other = Channel.from(bare, 1);
  await settled();
  other.close();
  await settled();
  assertEquals(asked, 2);
});

Deno.test("R13, R23: cancelling a stream of such a channel tells the source too", async () => {
  const source = new Probe();
  const stream = Channel.from(source).toReadableStream();
  await stream.cancel();
  assertEquals(source.returned, 1);
});

Deno.test("47, R23: break out of a loop over such a channel leaves it open, and reading goes on", async () => {
  const source = new Probe();
  using ch = Channel.from(source);
  for await (const value of ch) {
    assertEquals(value, 1);
    break;
  }
  assertFalse(ch.closed);
  assertEquals(source.returned, 0);
  assertEquals(await ch.take(), 2);
});

Deno.test("45, R23: values of a source arrive identical; promises of a plain iterable are not awaited", async () => {
  const rejected = Promise.reject(new Error("inner"));
  rejected.catch(() => {});
  const values = [undefined, null, NaN, rejected, { then: () => {} }];
  const ch = Channel.from<unknown>(values, values.length);
  for (const value of values) assertStrictEquals((await ch.receive()).value, value);
  assertEquals(await ch.receive(), { ok: false, value: undefined });
});

Deno.test("R23: others may send into such a channel, until the source ends it", async () => {
  const source = new Manual();
  const ch = Channel.from(source, 1);
  await ch.send(7);
  assertEquals(await ch.take(), 7);
  source.pending!.resolve({ done: true, value: undefined });
  assertEquals(await state(ch.receive()), "fulfilled");
  assert(ch.closed);
});

Deno.test("R17, R23: what is not iterable is a TypeError at once, and bad options leave the source alone", () => {
  for (const source of [undefined, null, 1, {}, () => {}, { next: () => 1 }]) {
    assertThrows(() => Channel.from(source as never), TypeError, "source");
  }
  const source = new Probe();
  assertThrows(() => Channel.from(source, -1), RangeError, "capacity");
  assertThrows(() => Channel.from(source, null as never), TypeError, "options");
  assertEquals([source.asked, source.returned], [0, 0]);
});
