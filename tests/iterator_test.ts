import { assert, assertEquals, assertFalse, assertRejects, assertStrictEquals } from "@std/assert";
import {
  background,
  Channel,
  LifoQueue,
  PriorityQueue,
  Queue,
  type ReceiverIterator,
  type Source,
  ticker,
  withCancel,
} from "../mod.ts";
import { fakeClock } from "./support/clock.ts";
import { lines } from "./support/lines.ts";
import { state } from "./support/settle.ts";

const done = { done: true, value: undefined } as const;
const got = (value: number) => ({ done: false, value }) as const;

/** What can be iterated over, with one way to fill it. */
interface Line {
  readonly of: Source<number> & { [Symbol.asyncIterator](): ReceiverIterator<number> };
  put(value: number): void;
  /** What is there without waiting. */
  left(): number[];
  close(): void;
}

const kinds: Record<string, () => Line> = {
  "an unbuffered channel": () => {
    const line = channelLine(new Channel<number>());
    // A value stays there only with somebody who offers it.
    return { ...line, put: (value) => void line.of.send(value).catch(() => {}) };
  },
  "a buffered channel": () => channelLine(new Channel<number>(9)),
  "a queue": () => queueLine(new Queue<number>()),
  "a LIFO queue": () => queueLine(new LifoQueue<number>()),
  "a priority queue": () => queueLine(new PriorityQueue<number>()),
};

function channelLine(of: Channel<number>): Line & { of: Channel<number> } {
  return {
    of,
    put: (value) => assert(of.trySend(value)),
    left() {
      const values: number[] = [];
      for (let r = of.tryReceive(); r?.ok; r = of.tryReceive()) values.push(r.value);
      return values;
    },
    close: () => of.close(),
  };
}

function queueLine(of: Queue<number>): Line {
  return {
    of,
    put: (value) => of.putNowait(value),
    left() {
      const values: number[] = [];
      for (let r = of.tryGet(); r !== undefined; r = of.tryGet()) values.push(r.value);
      return values;
    },
    close: () => of.shutdown(),
  };
}

function every(body: (line: Line, kind: string) => Promise<void>): () => Promise<void> {
  return async () => {
    for (const [kind, make] of Object.entries(kinds)) await body(make(), kind);
  };
}

// ---- next ----

Deno.test(
  "46: an iterator takes nothing before its first next()",
  every(async ({ of, put, left }, kind) => {
    const iterator = of[Symbol.asyncIterator]();
    assertEquals(lines(of).takers, 0, kind);
    put(1);
    assertEquals(await iterator.return(), done);
    assertEquals(left(), [1], kind);
  }),
);

Deno.test(
  "46: each next() takes one value, and none ahead",
  every(async ({ of, put, left }, kind) => {
    const iterator = of[Symbol.asyncIterator]();
    for (const n of [1, 1, 1]) put(n);
    assertEquals(await iterator.next(), got(1), kind);
    assertEquals(lines(of).takers, 0, kind);
    assertEquals(left(), [1, 1], kind);
  }),
);

Deno.test(
  "46: several next() at once are as many receives, in their order",
  every(async ({ of, put, close }, kind) => {
    const iterator = of[Symbol.asyncIterator]();
    put(1);
    const calls = [iterator.next(), iterator.next(), iterator.next(), iterator.next()];
    assertEquals(lines(of).takers, 3, kind);
    for (const n of [2, 3]) put(n);
    assertEquals(await Promise.all(calls.slice(0, 3)), [got(1), got(2), got(3)], kind);
    assertEquals(await state(calls[3]!), "pending", kind);
    close();
    assertEquals(await calls[3], done, kind);
  }),
);

Deno.test(
  "46: iterators of one line share its values with each other, first come, first served",
  every(async ({ of, put }, kind) => {
    const [a, b] = [of[Symbol.asyncIterator](), of[Symbol.asyncIterator]()];
    const calls = [a.next(), b.next(), a.next(), b.next()];
    for (const n of [1, 2, 3, 4]) put(n);
    assertEquals(await Promise.all(calls), [got(1), got(2), got(3), got(4)], kind);
  }),
);

Deno.test(
  "26, 46: at the end next() is done, again and again",
  every(async ({ of, put, close }, kind) => {
    const iterator = of[Symbol.asyncIterator]();
    if (kind !== "an unbuffered channel") put(1);
    const parked = of[Symbol.asyncIterator]();
    close();
    if (kind !== "an unbuffered channel") assertEquals(await iterator.next(), got(1), kind);
    for (let again = 0; again < 3; again++) assertEquals(await iterator.next(), done, kind);
    assertEquals(await iterator.return(), done, kind);
    assertEquals(await parked.next(), done, kind);
  }),
);

Deno.test(
  "46: an iterator is its own iterable, and a line gives a new one each time",
  every(({ of }, kind) => {
    const iterator = of[Symbol.asyncIterator]();
    assertStrictEquals(iterator[Symbol.asyncIterator](), iterator, kind);
    assertFalse(of[Symbol.asyncIterator]() === iterator, kind);
    return Promise.resolve();
  }),
);

// ---- return ----

Deno.test(
  "46, P8: return() ends parked next() at once, all of them, and takes them out of line",
  every(async ({ of, put, left }, kind) => {
    const iterator = of[Symbol.asyncIterator]();
    const parked = [iterator.next(), iterator.next(), iterator.next()];
    assertEquals(lines(of).takers, 3, kind);
    const returned = iterator.return();
    assertEquals(lines(of).takers, 0, kind);
    assertEquals(await returned, done, kind);
    assertEquals(await Promise.all(parked), [done, done, done], kind);
    // Nobody is left there who could take what comes later.
    put(1);
    assertEquals(left(), [1], kind);
  }),
);

Deno.test(
  "46, P8: after return() next() is done and takes nothing, and return() again is as well",
  every(async ({ of, put, left }, kind) => {
    const iterator = of[Symbol.asyncIterator]();
    await iterator.return();
    put(1);
    assertEquals(await iterator.next(), done, kind);
    assertEquals(await iterator.return(), done, kind);
    assertEquals(left(), [1], kind);
  }),
);

Deno.test(
  "4, 46: a next() that was served before return() has its value",
  every(async ({ of, put }, kind) => {
    const iterator = of[Symbol.asyncIterator]();
    const [served, parked] = [iterator.next(), iterator.next()];
    put(1);
    const returned = iterator.return();
    assertEquals(await served, got(1), kind);
    assertEquals(await parked, done, kind);
    assertEquals(await returned, done, kind);
  }),
);

Deno.test(
  "46: return() ends its own iterator alone, and those behind it move up",
  every(async ({ of, put }, kind) => {
    const [a, b] = [of[Symbol.asyncIterator](), of[Symbol.asyncIterator]()];
    const [first, second, third] = [a.next(), b.next(), a.next()];
    await a.return();
    put(1);
    assertEquals(await Promise.all([first, second, third]), [done, got(1), done], kind);
    put(2);
    assertEquals(await b.next(), got(2), kind);
  }),
);

Deno.test(
  "46: it can be disposed of, which is to return",
  every(async ({ of, put, left }, kind) => {
    let parked: Promise<IteratorResult<number, undefined>>;
    {
      await using iterator = of[Symbol.asyncIterator]();
      parked = iterator.next();
      put(1);
      assertEquals(await parked, got(1), kind);
      parked = iterator.next();
    }
    assertEquals(await parked, done, kind);
    assertEquals(lines(of).takers, 0, kind);
    put(2);
    assertEquals(left(), [2], kind);
  }),
);

Deno.test("46: what a returned iterator stood in front of is served at once", async () => {
  const queue = new Queue<number>(4);
  const batch = queue.getBatch(2, { min: 2 });
  const iterator = queue[Symbol.asyncIterator]();
  const parked = iterator.next();
  const behind = queue.get();
  queue.putNowait(1);
  // The batch fills, the iterator waits behind it, and the get behind that.
  assertEquals(await state(parked), "pending");
  await iterator.return();
  queue.putNowait(2);
  assertEquals(await batch, [1, 2]);
  queue.putNowait(3);
  assertEquals(await behind, 3);
});

Deno.test("46: many returns of parked iterators leave nothing behind", async () => {
  const ch = new Channel<number>(1);
  for (let n = 0; n < 1_000; n++) {
    const iterator = ch[Symbol.asyncIterator]();
    const parked = iterator.next();
    await iterator.return();
    assertEquals(await parked, done);
  }
  assertEquals(lines(ch), { takers: 0, putters: 0 });
});

// ---- for await ----

Deno.test(
  "26, 34: for await gives all that is there, and ends with the line",
  every(async ({ of, put, close }, kind) => {
    const seen: number[] = [];
    const loop = (async () => {
      for await (const value of of) seen.push(value);
    })();
    for (const n of [1, 2, 3]) put(n);
    assertEquals(await state(loop), "pending", kind);
    assertEquals(seen.toSorted(), [1, 2, 3], kind);
    put(4);
    assertEquals(await state(loop), "pending", kind);
    close();
    await loop;
    assertEquals(seen.toSorted(), [1, 2, 3, 4], kind);
  }),
);

Deno.test(
  "47: break neither closes the line nor takes a value ahead, and others go on",
  every(async ({ of, put, left }, kind) => {
    for (const n of [1, 1, 1, 1]) put(n);
    for await (const value of of) {
      assertEquals(value, 1);
      break;
    }
    assertEquals(lines(of).takers, 0, kind);
    for await (const value of of) {
      assertEquals(value, 1);
      break;
    }
    assertEquals(left(), [1, 1], kind);
    const other = of[Symbol.asyncIterator]().next();
    put(5);
    assertEquals(await other, got(5), kind);
  }),
);

Deno.test(
  "47: nor does a throw or a return out of the loop",
  every(async ({ of, put, left }, kind) => {
    for (const n of [1, 1, 1]) put(n);
    const throwing = async () => {
      for await (const value of of) throw new RangeError(String(value));
    };
    await assertRejects(throwing, RangeError, "1");
    const returning = async () => {
      for await (const value of of) return value;
    };
    assertEquals(await returning(), 1, kind);
    assertEquals(left(), [1], kind);
    assertEquals(lines(of).takers, 0, kind);
  }),
);

Deno.test("47: a loop that was left can be taken up again, by the same iterator too if it is not told", async () => {
  const ch = new Channel<number>(3);
  for (const n of [1, 2, 3]) ch.trySend(n);
  const iterator = ch[Symbol.asyncIterator]();
  assertEquals(await iterator.next(), got(1));
  for await (const value of ch) {
    assertEquals(value, 2);
    break;
  }
  assertEquals(await iterator.next(), got(3));
});

Deno.test("39, R22: after an error an iterator is at its end, and return() is silent", async () => {
  const ch = new Channel<number>();
  ch.close("broken");
  const iterator = ch[Symbol.asyncIterator]();
  assertEquals(await iterator.next().catch((reason) => reason), "broken");
  assertEquals(await iterator.next(), done);
  assertEquals(await iterator.return(), done);

  const returned = ch[Symbol.asyncIterator]();
  await returned.return();
  assertEquals(await returned.next(), done);
});

Deno.test("46, R22: return() before the close keeps the error from its parked next()", async () => {
  const ch = new Channel<number>();
  const iterator = ch[Symbol.asyncIterator]();
  const parked = iterator.next();
  const returned = iterator.return();
  ch.close("broken");
  assertEquals(await parked, done);
  assertEquals(await returned, done);
});

Deno.test("R27: iterating over a queue does not count as done, so that join goes on waiting", async () => {
  const queue = new Queue<number>();
  for (const n of [1, 2]) queue.putNowait(n);
  queue.shutdown();
  const joined = queue.join();
  for await (const _ of queue);
  assertEquals(queue.unfinished, 2);
  assertEquals(await state(joined), "pending");
  queue.taskDone(2);
  await joined;
});

Deno.test("47: a loop over whenDone ends with its context, one over a ticker when that is stopped", async () => {
  using clock = fakeClock();
  using ctx = withCancel(background());
  const ended = (async () => {
    for await (const value of ctx.whenDone) throw new Error(`got ${value}`);
  })();
  assertEquals(await state(ended), "pending");
  ctx.cancel("over");
  await ended;

  const ticks = ticker(10);
  let count = 0;
  const loop = (async () => {
    for await (const _ of ticks) {
      if (++count === 2) ticks[Symbol.dispose]();
    }
  })();
  await clock.tick(20);
  await loop;
  assertEquals([count, clock.timers], [2, 0]);
});
