/**
 * Results that come one by one: of `results`, `collect`, and of `map` and `mapUnordered` of a pool,
 * which are the same stream. What holds for all of them is tested on all of them.
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
  sleep,
  type WaitOptions,
  withCancel,
} from "../mod.ts";
import {
  collect,
  type Job,
  type Jobs,
  type MapOptions,
  type ReceiverIterator,
  type ResultOptions,
  results,
  WorkerPool,
} from "../tasks/mod.ts";
import { fakeClock } from "./support/clock.ts";
import { held } from "./support/collect.ts";
import { settled, state } from "./support/settle.ts";
import { spiedController } from "./support/spied_signal.ts";
import { catchUncaught } from "./support/uncaught.ts";
import { drained, failure } from "./support/streaming.ts";

type Work<T, R> = (item: T, ctx: Context) => R | PromiseLike<R>;
type Options = WaitOptions & {
  readonly ahead?: number;
  readonly errors?: "throw" | "values";
};
type Stream = <T, R>(
  source: Iterable<T> | AsyncIterable<T>,
  work: Work<T, R>,
  options?: Options,
) => ReceiverIterator<R>;

/** Source and work as jobs; the source is told of its end as ever. */
function jobsOf<T, R>(source: Iterable<T> | AsyncIterable<T>, work: Work<T, R>): Jobs<R> {
  const iterator = Symbol.asyncIterator in source
    ? source[Symbol.asyncIterator]()
    : source[Symbol.iterator]();
  const jobs: AsyncIterator<Job<R>, undefined> = {
    async next() {
      const { done, value } = await iterator.next();
      return done ? { done, value: undefined } : { done: false, value: (ctx) => work(value, ctx) };
    },
    async return() {
      await iterator.return?.();
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => jobs };
}

function streamOfResults(order: "completion" | "submission"): Stream {
  return <T, R>(
    source: Iterable<T> | AsyncIterable<T>,
    work: Work<T, R>,
    options: Options = {},
  ) => {
    const { ahead: limit, ...rest } = options;
    const all: ResultOptions = { ...rest, limit, order };
    return results(jobsOf(source, work), all);
  };
}

/** In order of submission, … */
const ordered: Readonly<Record<string, Stream>> = {
  "results in order": streamOfResults("submission"),
  "map": (source, work, options) => {
    return new WorkerPool({ workers: 100 }).map(source, work, options as MapOptions);
  },
};
/** … and of completion. */
const unordered: Readonly<Record<string, Stream>> = {
  "results": streamOfResults("completion"),
  "mapUnordered": (source, work, options) => {
    return new WorkerPool({ workers: 100 }).mapUnordered(source, work, options as MapOptions);
  },
};
const streams = { ...ordered, ...unordered };

/** A source that tells how far it was read, and whether it was told to stop. */
class Numbers implements AsyncIterable<number> {
  /** How many were asked for. */
  read = 0;
  returned = 0;
  readonly #length: number;
  readonly #end: () => unknown;

  /** `end` is called, and waited for, when there are no more. */
  constructor(length: number, end: () => unknown = () => {}) {
    this.#length = length;
    this.#end = end;
  }

  [Symbol.asyncIterator](): AsyncIterator<number, undefined> {
    return {
      next: async () => {
        if (this.read < this.#length) return { done: false, value: this.read++ };
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

function range(length: number): number[] {
  return Array.from({ length }, (_, i) => i);
}

/** Waits until the context ends, then passes its cause on. */
function obedient(ctx: Context): Promise<never> {
  return new Channel<never>().take(ctx);
}

const never = new Promise<never>(() => {});

// ---- order ----

Deno.test("113: in order of submission each result comes in its place, once, whichever is faster", async () => {
  for (const [name, stream] of Object.entries(ordered)) {
    using clock = fakeClock();
    const times = [30, 10, 20, 0];
    const seen = drained(stream(times, async (ms) => {
      await sleep(ms);
      return ms;
    }));
    await clock.tick(30);
    assertEquals(await seen, times, name);
  }
});

Deno.test("113: in order of completion each result comes when it is there", async () => {
  for (const [name, stream] of Object.entries(unordered)) {
    using clock = fakeClock();
    const seen: number[] = [];
    const reading = (async () => {
      const times = [30, 10, 20, 0];
      for await (
        const ms of stream(times, async (ms) => {
          await sleep(ms);
          return ms;
        })
      ) seen.push(ms);
    })();
    for (const expected of [[0], [0, 10], [0, 10, 20], [0, 10, 20, 30]]) {
      await clock.tick(expected.length === 1 ? 0 : 10);
      assertEquals(seen, expected, name);
    }
    await reading;
  }
});

Deno.test("113: random delays lose, double and reorder nothing, and never run more than may", async () => {
  using clock = fakeClock();
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...Object.keys(streams)),
      fc.array(fc.nat(9), { maxLength: 12 }),
      fc.integer({ min: 1, max: 5 }),
      fc.nat(9),
      async (name, times, ahead, pause) => {
        let [now, most, read] = [0, 0, 0];
        const finished: number[] = [];
        const seen: number[] = [];
        const stream = streams[name]!(new Numbers(times.length), async (i, ctx) => {
          most = Math.max(most, ++now, ++read - seen.length);
          await sleep(times[i]!, ctx);
          now--;
          finished.push(i);
          return i;
        }, { ahead });
        const reading = (async () => {
          for await (const i of stream) {
            seen.push(i);
            await sleep(pause);
          }
        })();
        await clock.tick(300);
        await reading;
        assert(most <= ahead + 1, `${most} on their way`);
        assertEquals(seen, name in ordered ? range(times.length) : finished, name);
        assertEquals(clock.timers, 0);
      },
    ),
    { numRuns: 150 },
  );
});

Deno.test("113: random ends (break, errors, contexts) leave nothing behind, and tell the source once", async () => {
  using clock = fakeClock();
  using uncaught = catchUncaught();
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...Object.keys(streams)),
      fc.array(fc.nat(9), { maxLength: 8 }),
      fc.integer({ min: 1, max: 4 }),
      fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
      fc.option(fc.nat(8), { nil: undefined }),
      fc.option(fc.nat(30), { nil: undefined }),
      fc.boolean(),
      async (name, times, ahead, leaveAt, failAt, timeout, sourceFails) => {
        const source = new Numbers(times.length, () => {
          if (sourceFails) throw "source";
        });
        const ctx = withCancel(background());
        const ended = new Set<number>();
        let started = 0;
        const stream = streams[name]!(source, async (i, ctx) => {
          started++;
          try {
            await sleep(times[i]!, ctx);
            if (i === failAt) throw "job";
            return i;
          } finally {
            ended.add(i);
          }
        }, { ahead, ctx, ...(timeout === undefined ? {} : { timeout }) });
        const seen: number[] = [];
        let thrown: unknown;
        const reading = (async () => {
          for await (const i of stream) {
            seen.push(i);
            if (seen.length === leaveAt) break;
          }
        })().catch((error) => thrown = error);
        await clock.tick(200);
        await reading;
        assertEquals(new Set(seen).size, seen.length, "each once");
        if (name in ordered) assertEquals(seen, range(seen.length));
        assertEquals(ended.size, started, "all were ended");
        const left = seen.length === leaveAt;
        if (thrown === undefined) assert(left || seen.length === times.length);
        else {
          assert(!left);
          if (thrown === "job") assert(failAt! < times.length);
          else if (thrown === "source") {
            assertEquals(seen.length, times.length, "all that was there before");
          } else assertInstanceOf(thrown, DeadlineExceededError);
        }
        const complete = thrown === undefined && !left || thrown === "source";
        if (complete) assertEquals(source.returned, 0);
        // Its end may have been read already, or not.
        else assert(source.returned === 1 || source.read === times.length);
        assertEquals(await stream.next(), { done: true, value: undefined });
        ctx.cancel();
        await settled();
        assertEquals([clock.timers, uncaught.errors], [0, []]);
      },
    ),
    { numRuns: 300 },
  );
});

// ---- errors ----

Deno.test("113: in order an error comes after the results before it; then it is over, and the rest is ended", async () => {
  for (const [name, stream] of Object.entries(ordered)) {
    using uncaught = catchUncaught();
    const first = Promise.withResolvers<string>();
    const causes: unknown[] = [];
    const source = new Numbers(5, () => never);
    const it = stream(source, (i, ctx): unknown => {
      if (i === 0) return first.promise;
      if (i === 1) return Promise.reject("job 1");
      if (i === 3) throw "job 3";
      return obedient(ctx).catch((cause) => causes.push(cause));
    });
    const next = it.next();
    assertEquals(await state(next), "pending", name);
    first.resolve("job 0");
    assertEquals(await next, { done: false, value: "job 0" });
    assertEquals(await failure(it.next()), "job 1");
    assertEquals(await it.next(), { done: true, value: undefined });
    await settled();
    assertEquals([source.returned, uncaught.errors], [1, []], name);
    assert(causes.every((cause) => cause === "job 1"));
  }
});

Deno.test("113: in order of completion an error comes when it happens, after what was there before", async () => {
  for (const [name, stream] of Object.entries(unordered)) {
    const gates = range(4).map(() => Promise.withResolvers<number>());
    const source = new Numbers(4, () => never);
    const causes: unknown[] = [];
    const it = stream(
      source,
      (i, ctx) => i === 3 ? obedient(ctx).catch((cause) => causes.push(cause)) : gates[i]!.promise,
    );
    const next = it.next();
    await settled();
    gates[2]!.resolve(2);
    gates[1]!.resolve(1);
    await settled();
    gates[0]!.reject("job 0");
    await settled();
    assertEquals((await next).value, 2, name);
    assertEquals((await it.next()).value, 1);
    assertEquals(await failure(it.next()), "job 0");
    assertEquals(await it.next(), { done: true, value: undefined });
    assertEquals([causes, source.returned], [["job 0"], 1]);
  }
});

Deno.test("113: after an error no job is started, nor after the loop was left", async () => {
  for (const [name, stream] of Object.entries(streams)) {
    for (const way of ["error", "return"]) {
      // So many microtasks are between the two events.
      for (const gap of range(15)) {
        const asked = Promise.withResolvers<void>();
        const gate = Promise.withResolvers<IteratorResult<number, undefined>>();
        const jobs = [0, 1].map(() => Promise.withResolvers<number>());
        const started: number[] = [];
        let reads = 0;
        const source: AsyncIterable<number> = {
          [Symbol.asyncIterator]: () => ({
            next: () => {
              if (reads < 2) return Promise.resolve({ done: false, value: reads++ });
              asked.resolve();
              return gate.promise;
            },
          }),
        };
        const it = stream(source, (i) => {
          started.push(i);
          return jobs[i]?.promise ?? i;
        });
        const next = it.next();
        next.catch(() => {});
        await asked.promise;
        let before = 2;
        if (way === "error") {
          jobs[1]!.reject("no");
          for (let i = 0; i < 5 + gap; i++) await null;
          gate.resolve({ done: false, value: 2 });
        } else {
          gate.resolve({ done: false, value: 2 });
          for (let i = 0; i < gap; i++) await null;
          before = started.length;
          await it.return();
        }
        await settled();
        assertEquals(started.length, before, `${name}, ${way}, ${gap}`);
        for (const { resolve } of jobs) resolve(0);
        await it.return();
        await settled();
      }
    }
  }
});

Deno.test("113: in order, too, nothing is read after an error, though results before it are awaited", async () => {
  for (const [name, stream] of Object.entries(ordered)) {
    const source = new Numbers(Infinity);
    const gates = range(3).map(() => Promise.withResolvers<number>());
    const it = stream(source, (i) => gates[i]!.promise, { ahead: 3 });
    const [first, second, third] = [it.next(), it.next(), it.next()];
    await settled();
    gates[2]!.reject("job 2");
    await settled();
    gates[0]!.resolve(0);
    assertEquals((await first).value, 0, name);
    await settled();
    assertEquals([source.read, source.returned], [3, 0]);
    gates[1]!.resolve(1);
    assertEquals([(await second).value, await failure(third)], [1, "job 2"]);
    assertEquals([source.read, source.returned], [3, 1]);
  }
});

Deno.test("113: a promise that was read and is not wanted any more is no unhandled rejection", async () => {
  using uncaught = catchUncaught();
  for (const wait of range(12)) {
    const it = results(
      (function* () {
        for (;;) yield Promise.reject("unwanted");
      })(),
      { limit: 1, errors: "values" },
    );
    const next = it.next();
    for (let i = 0; i < wait; i++) await null;
    await it.return();
    await next;
    await settled();
    assertEquals(uncaught.errors, [], `after ${wait}`);
  }
});

Deno.test('113: with errors: "values" each result is there, in its order, and nothing is thrown', async () => {
  for (const [name, stream] of Object.entries(streams)) {
    const work = (i: number) => {
      if (i === 1) throw "at once";
      return i === 2 ? Promise.reject(undefined) : i;
    };
    const seen = await drained(stream(range(4), work, { errors: "values" }));
    const expected = [
      { status: "fulfilled", value: 0 },
      { status: "rejected", reason: "at once" },
      { status: "rejected", reason: undefined },
      { status: "fulfilled", value: 3 },
    ];
    if (name in ordered) assertEquals(seen, expected, name);
    else assertEquals(new Set(seen.map((one) => JSON.stringify(one))).size, 4);
  }
});

Deno.test("113: an error of the source is told as itself, after the results of what it gave before", async () => {
  const error = new Error("source");
  const sources: Record<string, (error: unknown) => Iterable<number> | AsyncIterable<number>> = {
    "an async generator": async function* (error) {
      yield* [0, 1];
      throw error;
    },
    "a generator": function* (error) {
      yield* [0, 1];
      throw error;
    },
    "an iterator": (error) => new Numbers(2, () => Promise.reject(error)),
    "a channel": (error) => {
      const ch = new Channel<number>(2);
      for (const n of [0, 1]) ch.trySend(n);
      ch.close(error);
      return ch;
    },
  };
  for (const [name, stream] of Object.entries(streams)) {
    for (const [kind, source] of Object.entries(sources)) {
      for (const errors of ["throw", "values"] as const) {
        const work = async (i: number) => {
          for (let round = 0; round < 20; round++) await null;
          return i;
        };
        const seen = await drained(stream(source(error), work, { errors }));
        const values = errors === "throw"
          ? [0, 1]
          : [0, 1].map((value) => ({ status: "fulfilled", value }));
        assertEquals(seen.slice(0, -1), values, `${name}, ${kind}`);
        assertStrictEquals((seen.at(-1) as { thrown: unknown }).thrown, error);
      }
    }
  }
});

Deno.test("113: that an error is undefined does not make it a success", async () => {
  for (const [name, stream] of Object.entries(streams)) {
    const job = await drained(stream([0], () => Promise.reject(undefined)));
    const source = await drained(stream(new Numbers(0, () => Promise.reject(undefined)), (i) => i));
    for (const seen of [job, source]) {
      assertEquals(seen.length, 1, name);
      assertInstanceOf((seen[0] as { thrown: unknown }).thrown, Error);
    }
    assertEquals(await drained(stream([0], () => Promise.reject(null))), [{ thrown: null }]);
  }
});

Deno.test("113: a source that has failed or ended is not told to stop; what its return throws is uncaught", async () => {
  for (const stream of Object.values(streams)) {
    const failed = new Numbers(1, () => Promise.reject("no"));
    const ended = new Numbers(1);
    await drained(stream(failed, (i) => i));
    await drained(stream(ended, (i) => i));
    const last = new Numbers(1);
    const left = stream(last, () => never);
    const parked = left.next();
    await settled();
    await left.return();
    assertEquals([(await parked).done, last.read], [true, 1]);
    assertEquals([failed.returned, ended.returned, last.returned], [0, 0, 0]);

    using uncaught = catchUncaught();
    const it = stream({
      [Symbol.asyncIterator]: () => ({
        next: () => never,
        return: () => {
          throw "cleaning up";
        },
      }),
    }, (i) => i);
    const next = it.next();
    await it.return();
    assertEquals(await next, { done: true, value: undefined });
    await settled();
    assertEquals(uncaught.errors, ["cleaning up"]);
  }
});

// ---- leaving ----

Deno.test("113: break ends the rest without an unhandled rejection, and tells the source", async () => {
  for (const [name, stream] of Object.entries(streams)) {
    using uncaught = catchUncaught();
    const source = new Numbers(Infinity);
    const causes: unknown[] = [];
    for await (
      const i of stream(source, (i, ctx) =>
        i === 0 ? i : obedient(ctx).catch((cause) => {
          causes.push(cause);
          throw "after the end";
        }), { ahead: 4 })
    ) {
      assertEquals(i, 0);
      await settled();
      break;
    }
    await settled();
    assertEquals([causes.length, source.read, source.returned], [3 + 1, 5, 1], name);
    assert(causes.every((cause) => (cause as Error).name === "AbortError"));
    assertEquals(uncaught.errors, []);
  }
});

Deno.test("113: return is prompt while next waits for a source that never answers, or a job that never ends", async () => {
  for (const [name, stream] of Object.entries(streams)) {
    const sources: (Iterable<number> | AsyncIterable<number>)[] = [
      new Numbers(0, () => never),
      (async function* () {
        await never;
        yield 1;
      })(),
      [1],
    ];
    for (const source of sources) {
      const it = stream(source, () => never);
      const parked = [it.next(), it.next(), it.next()];
      await settled();
      const end = { done: true as const, value: undefined };
      assertEquals(await it.return(), end, name);
      assertEquals(await Promise.all(parked), [end, end, end]);
      assertEquals(await it.next(), end);
      await it[Symbol.asyncDispose]();
    }
  }
});

Deno.test("113: leaving before the first result was asked for starts nothing, and tells the source", async () => {
  using clock = fakeClock();
  for (const [name, stream] of Object.entries(streams)) {
    const source = new Numbers(3);
    let ran = false;
    const it = stream(source, () => ran = true, { timeout: 1_000 });
    await it.return();
    assertEquals(await it.next(), { done: true, value: undefined }, name);
    await settled();
    assertEquals([source.read, source.returned, ran, clock.timers], [0, 1, false, 0]);
  }
});

Deno.test("113: a channel keeps all that was not read ahead", async () => {
  for (const [name, stream] of Object.entries(streams)) {
    const ch = new Channel<number>(5);
    for (const n of range(5)) ch.trySend(n);
    for await (const _ of stream(ch, (n) => n, { ahead: 1 })) break;
    await settled();
    assertEquals([ch.closed, ch.length], [false, 3], `${name}: one read, and one ahead`);
    // Nor is what is sent later taken by the read that was parked.
    const empty = new Channel<number>(1);
    const it = stream(empty, (n) => n);
    const next = it.next();
    await settled();
    await it.return();
    assertEquals((await next).done, true);
    assert(empty.trySend(1));
    await settled();
    assertEquals(empty.length, 1, name);
  }
});

Deno.test("113: several next at once are served in order; of an error the first is told, the rest are done", async () => {
  for (const [name, stream] of Object.entries(streams)) {
    const it = stream([0, 1, 2], (i) => i === 2 ? Promise.reject("job 2") : i);
    const nexts = range(5).map(() => it.next());
    const told = await Promise.allSettled(nexts);
    const end = { done: true, value: undefined };
    assertEquals(told.map((one) => one.status === "fulfilled" ? one.value : one.reason), [
      { done: false, value: 0 },
      { done: false, value: 1 },
      "job 2",
      end,
      end,
    ], name);
  }
});

// ---- back-pressure ----

Deno.test("113: nothing is read before the first next, and then at most so many ahead of the reader", async () => {
  for (const [name, stream] of Object.entries(streams)) {
    const source = new Numbers(Infinity);
    const it = stream(source, (i) => i, { ahead: 3 });
    await settled();
    assertEquals(source.read, 0, name);
    for (const n of range(5)) {
      await it.next();
      await settled();
      assertEquals(source.read, n + 4, "three, and those that were read");
    }
    await it.return();
    await settled();
    assertEquals(source.read, 8);
  }
});

Deno.test("113: a job that is slow holds up no others in order of completion, and so many in order", async () => {
  for (const [name, stream] of Object.entries(streams)) {
    const source = new Numbers(8, () => never);
    const it = stream(source, (i) => i === 0 ? never : i, { ahead: 3 });
    const seen: unknown[] = [];
    const reading = (async () => {
      for await (const i of it) seen.push(i);
    })();
    await settled();
    assertEquals([seen, source.read], name in ordered ? [[], 3] : [range(8).slice(1), 8], name);
    await it.return();
    await reading;
  }
});

Deno.test("113: if nothing is said, map reads twice as many ahead as there are workers", async () => {
  for (const way of ["map", "mapUnordered"] as const) {
    await using pool = new WorkerPool({ workers: 2 });
    const source = new Numbers(Infinity);
    const indices: number[] = [];
    let open = () => {};
    const gate = new Promise<void>((resolve) => open = resolve);
    const it = pool[way](source, (i, _, index) => {
      assertEquals(i, index);
      indices.push(index);
      return i === 0 ? undefined : gate;
    });
    await it.next();
    await settled();
    assertEquals([source.read, pool.running, indices], [5, 2, [0, 1, 2]]);
    await it.return();
    open();
  }
});

// ---- what ends it from outside ----

Deno.test("113, R2: a context, a signal and a timeout end it with their cause, wherever it waits", async () => {
  for (const [name, stream] of Object.entries(streams)) {
    for (const where of ["source", "job", "reader"]) {
      for (const way of ["ctx", "signal", "timeout"]) {
        using clock = fakeClock();
        const ctx = withCancel(background());
        const controller = spiedController();
        const options: Record<string, Options> = {
          ctx: { ctx },
          signal: { signal: controller.signal },
          timeout: { timeout: 10 },
        };
        const source = where === "source" ? new Numbers(0, () => never) : new Numbers(Infinity);
        const causes: unknown[] = [];
        const it = stream(source, (i, ctx) => {
          if (where === "reader") return i;
          return obedient(ctx).catch((cause) => {
            causes.push(cause);
            throw cause;
          });
        }, { ...options[way], ahead: 2 });
        const next = it.next();
        next.catch(() => {});
        await settled();
        const error = new Error("over");
        ctx.cancel(error);
        controller.abort(error);
        if (way === "timeout") await clock.tick(10);
        const what = `${name}, ${where}, ${way}`;
        const seen: unknown[] = await drained({ [Symbol.asyncIterator]: () => it });
        const told = where === "reader"
          ? (seen.at(-1) as { thrown: unknown }).thrown
          : await failure(next);
        if (way === "timeout") assertInstanceOf(told, DeadlineExceededError, what);
        else assertStrictEquals(told, error, what);
        if (where === "reader") {
          assertEquals(seen.slice(0, -1), [1, 2], "what was there comes first");
        }
        assert(causes.every((cause) => cause === told), what);
        assertEquals(causes.length, where === "job" ? 2 : 0);
        await settled();
        assertEquals([source.returned, controller.listeners, clock.timers], [1, 0, 0], what);
      }
    }
  }
});

Deno.test("113, R18: what has ended already ends it before anything is read, and the source is told", async () => {
  const ctx = withCancel(background());
  ctx.cancel("over");
  for (const [name, stream] of Object.entries(streams)) {
    for (const options of [{ ctx }, { signal: AbortSignal.abort("over") }, { ctx, timeout: NaN }]) {
      const source = new Numbers(3);
      const it = stream(source, (i) => i, options);
      const told = await failure(it.next());
      if (Number.isNaN((options as WaitOptions).timeout)) assertInstanceOf(told, RangeError);
      else assertEquals(told, "over", name);
      assertEquals(await it.next(), { done: true, value: undefined });
      assertEquals([source.read, source.returned], [0, 1]);
    }
    const source = new Numbers(3);
    const told = await failure(stream(source, (i) => i, { timeout: 0 }).next());
    assertInstanceOf(told, DeadlineExceededError, name);
  }
});

Deno.test("113, R1: its timeout starts with the first next", async () => {
  for (const [name, stream] of Object.entries(streams)) {
    using clock = fakeClock();
    const it = stream([0], () => never, { timeout: 10 });
    await clock.tick(100);
    const next = it.next();
    await clock.tick(9);
    assertEquals(await state(next), "pending", name);
    await clock.tick(1);
    assertInstanceOf(await failure(next), DeadlineExceededError);
  }
});

Deno.test("113: when all is read nothing is left of it: no timer, no listener, no reference", async () => {
  const controller = spiedController();
  const parent = withCancel(background());
  const refs: WeakRef<object>[] = [];
  for (const [name, stream] of Object.entries(streams)) {
    using clock = fakeClock();
    await (async () => {
      const { signal } = controller;
      const it = stream([1, 2, 3], (i) => ({ i }), { ctx: parent, signal, timeout: 1_000 });
      refs.push(new WeakRef(it));
      for await (const value of it) refs.push(new WeakRef(value));
    })();
    assertEquals([clock.timers, controller.listeners], [0, 0], name);
  }
  assertEquals(await held(refs), 0);
  parent.cancel();
});

// ---- results and collect ----

Deno.test("113: collect gives all results in order of submission, or as is said", async () => {
  using clock = fakeClock();
  const jobs = [20, 0, 10].map((ms) => async (ctx: Context) => {
    await sleep(ms, ctx);
    return ms;
  });
  const all = [collect(jobs), collect(jobs, { order: "completion" }), collect(jobs, background())];
  await clock.tick(20);
  assertEquals(await Promise.all(all), [[20, 0, 10], [0, 10, 20], [20, 0, 10]]);
  assertEquals(await collect([]), []);
});

Deno.test("113: collect rejects with the first error, and ends the others", async () => {
  using uncaught = catchUncaught();
  const causes: unknown[] = [];
  const jobs: Job<unknown>[] = [
    (ctx) => obedient(ctx).catch((cause) => causes.push(cause)),
    () => Promise.reject("no"),
    () => Promise.reject("neither"),
  ];
  const collecting = collect(jobs, { order: "completion" });
  assertEquals(await failure(collecting), "no");
  await settled();
  assertEquals([causes, uncaught.errors], [["no"], []]);
  const values = await collect(jobs.slice(1), { errors: "values", limit: 1 });
  assertEquals(values.map((one) => one.status), ["rejected", "rejected"]);
});

Deno.test("113: a limit is one of jobs and unread results together, so results starts few, and collect goes on", async () => {
  let [now, most] = [0, 0];
  const jobs = range(6).map((i) => async () => {
    most = Math.max(most, ++now);
    await settled();
    now--;
    return i;
  });
  assertEquals(await collect(jobs, { limit: 2 }), range(6));
  assertEquals(most, 2);
});

Deno.test("113: jobs may be promises that are on their way; none of them is an unhandled rejection", async () => {
  using uncaught = catchUncaught();
  const promises = () => [Promise.reject("a"), Promise.resolve(1), Promise.reject("b")];
  assertEquals(await collect([Promise.resolve(1), () => 2, Promise.resolve(3)]), [1, 2, 3]);
  assertEquals(await failure(collect(promises())), "a");
  assertEquals(await failure(collect(promises(), { limit: 1 })), "a");
  assertEquals(await failure(collect(new Set(promises()))), "a");
  const ctx = withCancel(background());
  ctx.cancel("over");
  assertEquals(await failure(collect(promises(), ctx)), "over");
  const unread = results(promises());
  await settled();
  await unread.return();
  const seen = await drained(results(promises(), { errors: "values", limit: 1 }));
  assertEquals(seen, [
    { status: "rejected", reason: "a" },
    { status: "fulfilled", value: 1 },
    { status: "rejected", reason: "b" },
  ]);
  await settled();
  assertEquals(uncaught.errors, []);
});

Deno.test("113: a context or a signal may stand in the place of options", async () => {
  for (
    const call of [
      (wait: Context | AbortSignal) => results([obedient], wait).next(),
      (wait: Context | AbortSignal) => collect([obedient], wait),
    ]
  ) {
    const ctx = withCancel(background());
    const below = call(ctx);
    await settled();
    ctx.cancel("ctx");
    assertEquals(await failure(below), "ctx");
    const controller = spiedController();
    const aborted = call(controller.signal);
    await settled();
    controller.abort("signal");
    assertEquals([await failure(aborted), controller.listeners], ["signal", 0]);
  }
});

Deno.test("113: a pool that is shut down ends its maps with that error, and their source is told", async () => {
  for (const way of ["map", "mapUnordered"] as const) {
    const pool = new WorkerPool({ workers: 2 });
    const source = new Numbers(Infinity);
    const it = pool[way](source, (i) => i, { ahead: 1 });
    assertEquals((await it.next()).value, 0);
    await settled();
    await pool.shutdown();
    const seen = await drained({ [Symbol.asyncIterator]: () => it });
    assertEquals(seen.slice(0, -1), [1], "what it has done");
    assertInstanceOf((seen.at(-1) as { thrown: unknown }).thrown, ClosedError, way);
    await settled();
    assertEquals(source.returned, 1);
  }
});

Deno.test("113, R17: bad arguments throw, or reject where there is a promise, with the value", async () => {
  const pool = new WorkerPool();
  const jobs = [() => 1];
  const options = (given: unknown) => given as ResultOptions;
  const calls: readonly [(given: unknown) => unknown, unknown, new () => Error, string][] = [
    [
      (jobs) => results(jobs as Jobs<unknown>),
      7,
      TypeError,
      "source must be an Iterable or AsyncIterable, not 7",
    ],
    [
      (given) => results(jobs, options(given)),
      7,
      TypeError,
      "options must be an object of options, not 7",
    ],
    [
      (order) => results(jobs, options({ order })),
      "any",
      TypeError,
      'order must be "completion" or "submission", not "any"',
    ],
    [
      (errors) => results(jobs, options({ errors })),
      7,
      TypeError,
      'errors must be "throw" or "values", not 7',
    ],
    [
      (limit) => results(jobs, options({ limit })),
      0,
      RangeError,
      "limit must be an integer of at least 1, or Infinity: 0",
    ],
    [
      (limit) => results(jobs, options({ limit })),
      "2",
      TypeError,
      'limit must be a number, not "2"',
    ],
    [(fn) => pool.map([], fn as () => number), 7, TypeError, "fn must be a function, not 7"],
    [
      (source) => pool.map(source as [], () => 1),
      null,
      TypeError,
      "source must be an Iterable or AsyncIterable, not null",
    ],
    [
      (ahead) => pool.map([], () => 1, { ahead: ahead as number }),
      0,
      RangeError,
      "ahead must be an integer of at least 1",
    ],
    [
      (ahead) => pool.mapUnordered([], () => 1, { ahead: ahead as number }),
      1.5,
      RangeError,
      "or Infinity: 1.5",
    ],
    [
      (errors) => pool.mapUnordered([], () => 1, { errors: errors as "throw" }),
      "all",
      TypeError,
      'errors must be "throw" or "values", not "all"',
    ],
  ];
  for (const [call, value, kind, message] of calls) assertThrows(() => call(value), kind, message);
  const rejecting: readonly [Promise<unknown>, new () => Error, string][] = [
    [collect(7 as unknown as Jobs<unknown>), TypeError, "source must be an Iterable"],
    [collect(jobs, options({ limit: -1 })), RangeError, "limit must be an integer"],
    [collect(jobs, options(null)), TypeError, "options must be an object of options, not null"],
    [collect(jobs, options({ timeout: NaN })), RangeError, "timeout must be a number, not NaN"],
    [
      collect(jobs, options({ throwIfDone() {} })),
      TypeError,
      "wait is a context that this copy of Sluice has not made",
    ],
    [collect(jobs, options({ ctx: {} })), TypeError, "ctx must be a context, not [object Object]"],
  ];
  for (const [result, kind, message] of rejecting) {
    await assertRejects(() => result, kind, message);
  }
});
