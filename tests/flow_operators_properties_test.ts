/**
 * Random chains of operators over random sources, against the same on arrays; random ends of them, and
 * of forks.
 *
 * @module
 */
import fc from "fast-check";
import { assert, assertEquals } from "@std/assert";
import { background, Channel, type Context, Queue, withCancel } from "../mod.ts";
import {
  type Branch,
  filter,
  type FlowStream,
  map,
  pipeline,
  type Producer,
  type ReceiverIterator,
  split,
  take,
  takeWhile,
  tee,
  window,
  zip,
} from "../flow/mod.ts";
import { ManualClock } from "../tasks/mod.ts";
import { lines } from "./support/lines.ts";
import { settled } from "./support/settle.ts";
import { numbers, Tracked } from "./support/tracked.ts";
import { catchUncaught } from "./support/uncaught.ts";

const RUNS = 250;

const ended = { done: true as const, value: undefined };
const range = (length: number): number[] => Array.from({ length }, (_, i) => i);

/** So many microtasks. */
async function pause(gap: number): Promise<void> {
  for (let i = 0; i < gap; i++) await null;
}

/** What a chain makes of numbers: numbers, and arrays of such. */
type Value = number | Value[];

/** One number for each. */
const digest = (value: Value): number => {
  return Array.isArray(value) ? value.reduce<number>((sum, one) => sum + digest(one), 0) : value;
};

// The model: what operators make of arrays.

interface Made {
  readonly values: readonly Value[];
  /** How it ends: "either" if a source may fail in the moment when another one ends. */
  readonly end: "done" | "error" | "either" | "open";
}

type Step =
  | { readonly kind: "map"; readonly add: number; readonly slow: boolean }
  | { readonly kind: "filter"; readonly by: number; readonly slow: boolean }
  | { readonly kind: "takeWhile"; readonly below: number; readonly slow: boolean }
  | { readonly kind: "take"; readonly count: number }
  | { readonly kind: "window"; readonly count: number }
  | { readonly kind: "zip"; readonly length: number };

const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("map" as const), add: fc.nat(3), slow: fc.boolean() }),
  fc.record({
    kind: fc.constant("filter" as const),
    by: fc.integer({ min: 2, max: 4 }),
    slow: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant("takeWhile" as const),
    below: fc.integer({ min: 1, max: 40 }),
    slow: fc.boolean(),
  }),
  fc.record({ kind: fc.constant("take" as const), count: fc.nat(8) }),
  fc.record({ kind: fc.constant("window" as const), count: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constant("zip" as const), length: fc.nat(9) }),
);
const chains = fc.array(steps, { maxLength: 5 });

/** An open end: more may come, so that nothing is flushed. */
function modelled(made: Made, step: Step): Made {
  const { values, end } = made;
  switch (step.kind) {
    case "map":
      return { values: values.map((value) => digest(value) + step.add), end };
    case "filter":
      return { values: values.filter((value) => digest(value) % step.by !== 0), end };
    case "takeWhile": {
      const index = values.findIndex((value) => digest(value) >= step.below);
      return index < 0 ? made : { values: values.slice(0, index), end: "done" };
    }
    case "take":
      return values.length < step.count && step.count > 0
        ? made
        : { values: values.slice(0, step.count), end: "done" };
    case "window": {
      const windows: Value[][] = [];
      for (let i = 0; i < values.length; i += step.count) {
        windows.push(values.slice(i, i + step.count));
      }
      if (end === "open" && windows.at(-1)?.length !== step.count) windows.pop();
      return { values: windows, end };
    }
    case "zip": {
      const rows = values.slice(0, step.length).map((value, i) => [value, i]);
      if (values.length > step.length) return { values: rows, end: "done" };
      if (values.length < step.length) return { values: rows, end };
      return { values: rows, end: end === "error" ? "either" : end };
    }
  }
}

function applied(source: Producer<Value>, step: Step, ctx?: Context): FlowStream<Value> {
  const later = <R>(slow: boolean, value: R): R | Promise<R> => {
    return slow ? pause(2).then(() => value) : value;
  };
  switch (step.kind) {
    case "map":
      return map(source, (value) => later(step.slow, digest(value) + step.add), ctx);
    case "filter":
      return filter(source, (value) => later(step.slow, digest(value) % step.by !== 0), ctx);
    case "takeWhile":
      return takeWhile(source, (value) => later(step.slow, digest(value) < step.below), ctx);
    case "take":
      return take(source, step.count, ctx);
    case "window":
      return window(source, { count: step.count, ctx });
    case "zip":
      return ctx === undefined
        ? zip(source, range(step.length))
        : zip(source, range(step.length), ctx);
  }
}

/** A chain, which is at least one operator. */
function chained(
  source: Producer<Value>,
  chain: readonly Step[],
  ctx?: Context,
): ReceiverIterator<Value> {
  const all = chain.reduce((made, step) => applied(made, step), source);
  return map(all, (value) => value, ctx);
}

// The sources.

type Kind = "array" | "generator" | "async generator" | "tracked" | "channel" | "queue" | "from";

interface Plan {
  readonly kind: Kind;
  readonly length: number;
  readonly capacity: number;
  readonly gap: number;
  readonly fails: boolean;
  readonly returnThrows: boolean;
}

const plans: fc.Arbitrary<Plan> = fc.record({
  kind: fc.constantFrom<Kind>(
    "array",
    "generator",
    "async generator",
    "tracked",
    "channel",
    "queue",
    "from",
  ),
  length: fc.nat(12),
  capacity: fc.nat(3),
  gap: fc.nat(6),
  fails: fc.boolean(),
  returnThrows: fc.boolean(),
});

/** Thrown by sources, at their end and when they are told to stop. */
const FAILED = "the source has failed";
const RETURNED = "the source does not like to be stopped";

interface Source {
  readonly values: Producer<number>;
  /** How often it was told to stop, and whether it has ended itself; undefined: nobody knows. */
  readonly ending: () => { readonly returned: number; readonly ended: boolean } | undefined;
  readonly fails: boolean;
  readonly returnThrows: boolean;
}

function sourceOf({ kind, length, capacity, gap, fails, returnThrows }: Plan): Source {
  let [returned, atEnd] = [0, false];
  const ending = () => ({ returned, ended: atEnd });
  const end = (): void => {
    atEnd = true;
    if (fails) throw FAILED;
  };
  const left = (): void => {
    returned++;
    if (returnThrows) throw RETURNED;
  };
  const known = { ending, fails, returnThrows };
  const unknown = { ending: () => undefined, fails: false, returnThrows: false };
  switch (kind) {
    case "array":
      return { values: range(length), ...unknown };
    case "generator":
      return {
        values: {
          [Symbol.iterator]: () => {
            let next = 0;
            return {
              next: () => {
                if (next < length) return { done: false, value: next++ };
                end();
                return { done: true, value: undefined };
              },
              return: () => {
                left();
                return { done: true, value: undefined };
              },
            };
          },
        },
        ...known,
      };
    case "async generator":
      return {
        values: (async function* () {
          for (const n of range(length)) {
            await pause(gap);
            yield n;
          }
          if (fails) throw FAILED;
        })(),
        ...unknown,
        fails,
      };
    case "tracked":
      return {
        values: new Tracked<number>((n) => pause(gap).then(() => n), length, end, left),
        ...known,
      };
    case "channel": {
      const ch = new Channel<number>(capacity);
      (async () => {
        for (const n of range(length)) {
          await pause(gap);
          await ch.send(n);
        }
        ch.close(fails ? FAILED : undefined);
      })();
      return { values: ch, ...unknown, fails };
    }
    case "queue": {
      const queue = new Queue<number>(capacity + 1);
      (async () => {
        for (const n of range(length)) {
          await pause(gap);
          await queue.put(n);
        }
        queue.shutdown();
      })();
      return { values: queue, ...unknown };
    }
    case "from":
      return { values: Channel.from(range(length), capacity), ...unknown };
  }
}

Deno.test("149, 150: a chain of operators makes of a stream what the same chain makes of an array", async () => {
  using uncaught = catchUncaught();
  await fc.assert(
    fc.asyncProperty(
      plans,
      chains,
      fc.integer({ min: 1, max: 4 }),
      async (plan, chain, readers) => {
        const source = sourceOf(plan);
        const { values, end } = chain.reduce<Made>(modelled, {
          values: range(plan.length),
          end: source.fails ? "error" : "done",
        });
        const it = chained(source.values, chain);
        const seen: Value[] = [];
        let thrown: unknown;
        const nexts: Promise<unknown>[] = [];
        let [over, errors] = [false, 0];
        while (!over) {
          while (nexts.length < readers) {
            nexts.push(
              it.next().then(({ done, value }) => {
                if (done) over = true;
                else {
                  assert(!over && errors === 0, "a value after the end");
                  seen.push(value);
                }
              }, (error) => {
                thrown = error;
                errors++;
              }),
            );
          }
          await nexts.shift();
        }
        await Promise.all(nexts);
        assertEquals(seen, values);
        if (end === "done") assertEquals(errors, 0);
        if (end === "error") assertEquals([thrown, errors], [FAILED, 1]);
        assert(errors <= 1);
        assertEquals(await it.next(), ended);
        await settled();
        const ending = source.ending();
        if (ending === undefined) return;
        // A zip may end while the end of its source is on its way.
        const zipped = chain.some(({ kind }) => kind === "zip");
        if (zipped) assert(ending.returned <= 1 && (ending.returned === 1 || ending.ended));
        else assertEquals(ending.returned, ending.ended ? 0 : 1);
      },
    ),
    { numRuns: RUNS },
  );
  await settled();
  assertEquals(uncaught.errors.filter((error) => error !== RETURNED), []);
});

Deno.test("149: of its source a chain reads as much as the values that were asked for need, and not one more", async () => {
  await fc.assert(
    fc.asyncProperty(chains, fc.nat(4), async (chain, gap) => {
      const source = new Tracked<number>((n) => pause(gap).then(() => n));
      const it = chained(source, chain);
      const made = (read: number): Made => {
        return chain.reduce<Made>(modelled, { values: range(read), end: "open" });
      };
      for (let count = 1; count <= 5; count++) {
        // So many are needed for `count` values, or for the end.
        let needed = 0;
        while (needed < 200 && made(needed).values.length < count && made(needed).end === "open") {
          needed++;
        }
        if (needed === 200) break;
        const { done } = await it.next();
        await settled();
        const { values, end } = made(needed);
        assertEquals(done, values.length < count);
        // At the end of a zip its sources have been asked at once.
        const zipped = chain.some(({ kind }) => kind === "zip");
        if (zipped && end === "done") assert(source.asked <= needed + 1);
        else if (!zipped) assertEquals(source.asked, needed);
        assertEquals(source.most, Math.min(1, source.asked));
        if (done) break;
      }
      await it.return();
      await settled();
      assertEquals(source.returned, 1);
    }),
    { numRuns: RUNS },
  );
});

type Way = "return" | "cancel" | "break";

Deno.test("149: whenever a chain is left, what it gave is a beginning, all settles, and its source is told once", async () => {
  using uncaught = catchUncaught();
  await fc.assert(
    fc.asyncProperty(
      plans,
      chains,
      fc.constantFrom<Way>("return", "cancel", "break"),
      fc.nat(60),
      fc.integer({ min: 1, max: 3 }),
      async (plan, chain, way, when, readers) => {
        const source = sourceOf(plan);
        const { values } = chain.reduce<Made>(modelled, {
          values: range(plan.length),
          end: source.fails ? "error" : "done",
        });
        const ctx = withCancel(background());
        const it = chained(source.values, chain, ctx);
        const seen: Value[] = [];
        const errors: unknown[] = [];
        let settledAll = 0;
        const read = async (): Promise<void> => {
          try {
            for (;;) {
              const { done, value } = await it.next();
              if (done) return;
              seen.push(value);
              if (way === "break" && seen.length > when / 10) {
                await it.return();
                return;
              }
            }
          } catch (error) {
            errors.push(error);
          } finally {
            settledAll++;
          }
        };
        const reading = range(readers).map(read);
        await pause(when);
        if (way === "return") await it.return();
        if (way === "cancel") ctx.cancel("over");
        await settled();
        if (way === "break") await it.return();
        await Promise.all(reading);
        assertEquals(settledAll, readers);
        assert(
          errors.length <= 1 && errors.every((error) => ["over", FAILED].includes(error as string)),
        );
        // A window is given as far as it was filled; then the last one is not as it would have been.
        const whole = chain.some(({ kind }) => kind === "window") ? seen.slice(0, -1) : seen;
        assertEquals(whole, values.slice(0, whole.length));
        assertEquals(await it.next(), ended);
        assertEquals(await it.next(), ended);
        const ending = source.ending();
        // Its end may have been on its way.
        if (ending !== undefined) assert(ending.returned === 1 || ending.ended);
        if (ending !== undefined) assert(ending.returned <= 1);
        const { values: from } = source;
        if (from instanceof Channel || from instanceof Queue) assertEquals(lines(from).takers, 0);
      },
    ),
    { numRuns: RUNS },
  );
  await settled();
  assertEquals(uncaught.errors.filter((error) => error !== RETURNED), []);
});

Deno.test("149: at every quiet moment each stream of a chain has given, holds or has dropped what it has read", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(actions, { maxLength: 20 }),
      fc.array(steps, { minLength: 1, maxLength: 4 }),
      fc.constantFrom<Way>("return", "cancel"),
      async (script, chain, way) => {
        const ctx = withCancel(background());
        const ch = new Channel<number>(30);
        const streams: FlowStream<Value>[] = [];
        for (const step of chain) streams.push(applied(streams.at(-1) ?? ch, step, ctx));
        const last = streams.at(-1)!;
        const seen: Value[] = [];
        let [sent, waiting] = [0, 0];
        const next = async (): Promise<void> => {
          waiting++;
          try {
            const { done, value } = await last.next();
            if (!done) seen.push(value);
          } catch (error) {
            assertEquals(error, "over");
          }
          waiting--;
        };
        const look = (left: boolean): void => {
          // What each of them has got of the one before it.
          let came = sent - ch.length;
          for (const [at, step] of chain.entries()) {
            const stats = streams[at]!.stats();
            const { read, given, held, dropped } = stats;
            assertEquals(read, given + held + dropped);
            // At the end of a zip one value may have come for a row that never will.
            if (step.kind === "zip") assert(read === came || read === came - 1);
            else assertEquals(read, came);
            came = given;
            if (step.kind === "window") {
              assert(stats.over || given % step.count === 0);
              assert(held < step.count);
              came = at + 1 < chain.length ? streams[at + 1]!.stats().read : given;
              assert(came <= given && given <= came * step.count);
            }
            if (left) assertEquals([held, stats.waiting, stats.over], [0, 0, true]);
            else if (step.kind !== "window") assertEquals(held, 0);
            if (step.kind === "takeWhile") assert(dropped <= (stats.over ? 1 : 0));
            // What a window has when it is left may come to a function that nobody waits for.
            else if (step.kind === "map") assert(dropped <= (left && step.slow ? 1 : 0));
            else if (step.kind !== "filter") assertEquals(dropped, 0);
          }
          const own = last.stats();
          assertEquals(own.waiting, waiting);
          const windows = chain.at(-1)!.kind === "window";
          assertEquals(
            own.given,
            windows ? seen.reduce<number>((sum, w) => sum + (w as Value[]).length, 0) : seen.length,
          );
        };
        for (const action of script) {
          if (action.do === "send") ch.trySend(sent) && sent++;
          else if (action.do === "next") void next();
          await settled();
          look(false);
        }
        if (way === "return") await last.return();
        else ctx.cancel("over");
        await next();
        await settled();
        look(true);
      },
    ),
    { numRuns: RUNS },
  );
});

Deno.test("150: at every quiet moment a pipeline has given, holds or has dropped what it has read", async () => {
  const acts = fc.oneof(
    fc.constant("next" as const),
    fc.record({ at: fc.nat(9), fails: fc.nat(9).map((n) => n === 0) }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(acts, { maxLength: 25 }),
      fc.record({ workers: fc.integer({ min: 1, max: 4 }), ordered: fc.boolean() }),
      fc.constantFrom<Way>("return", "cancel"),
      async (script, options, way) => {
        const ctx = withCancel(background());
        const jobs = new Map<number, PromiseWithResolvers<number>>();
        const it = pipeline(range(8), (n) => {
          const job = Promise.withResolvers<number>();
          jobs.set(n, job);
          return job.promise;
        }, { ...options, ctx });
        let [seen, waiting, failed, before] = [0, 0, false, 0];
        const next = async (): Promise<void> => {
          waiting++;
          const result = await it.next().catch(() => ended);
          waiting--;
          if (!result.done) seen++;
        };
        const look = (left: boolean): void => {
          const { read, given, held, dropped, ...stats } = it.stats();
          assertEquals([given, stats.waiting, stats.running], [seen, waiting, jobs.size]);
          assertEquals(read, given + held + dropped);
          assert(held >= 0 && held <= options.workers && dropped >= before);
          if (!failed && !left) assertEquals(dropped, 0);
          if (left && way === "return") assertEquals(held, 0);
          assert(!left || stats.over);
          before = dropped;
        };
        for (const act of script) {
          if (act === "next") void next();
          else {
            const [n, job] = [...jobs][act.at % jobs.size] ?? [];
            if (act.fails) job?.reject("no");
            else job?.resolve(0);
            if (n !== undefined) failed = jobs.delete(n) && act.fails || failed;
          }
          await settled();
          look(false);
        }
        if (way === "return") await it.return();
        else ctx.cancel("over");
        await settled();
        if (way === "cancel") await next();
        look(true);
        for (const { resolve } of jobs.values()) resolve(0);
        jobs.clear();
        while (it.stats().held > 0) await next();
        await settled();
        look(true);
        assertEquals(it.stats().held, 0);
      },
    ),
    { numRuns: RUNS },
  );
});

// What loses nothing: each value of the channel is to be seen in what a chain gives.

type Keeping = "map" | "filter" | "take" | "window" | "timed window" | "zip" | "takeWhile";

function keeping(
  source: Producer<Value>,
  kinds: readonly Keeping[],
  clock: ManualClock,
  ctx: Context,
  inner: boolean,
): ReceiverIterator<Value> {
  // A timed window that reads another one may leave it with a beginning in hand.
  const kept = kinds.filter((kind, at) =>
    kind !== "timed window" || !kinds.slice(0, at).some(isWindow)
  );
  const all = kept.reduce((source: Producer<Value>, kind): Producer<Value> => {
    const own = inner ? ctx : undefined;
    switch (kind) {
      case "map":
        return map(source, (value) => value, own);
      case "filter":
        return filter(source, () => true, own);
      case "take":
        return take(source, 1_000, own);
      case "takeWhile":
        return takeWhile(source, () => true, own);
      case "window":
        return window(source, { count: 3, ctx: own });
      case "timed window":
        return window(source, { count: 4, ms: 10, clock, ctx: own });
      case "zip":
        return map(zip(source, numbers()), ([value]) => value);
    }
  }, source);
  return map(all, (value) => value, ctx);
}

const isWindow = (kind: Keeping): boolean => kind === "window" || kind === "timed window";

const flat = (values: readonly Value[]): number[] => {
  return values.flatMap((value) => Array.isArray(value) ? flat(value) : [value]);
};

type Action =
  | { readonly do: "send" | "next" | "tick" | "settle" }
  | { readonly do: "pause" | "advance"; readonly by: number };

const actions: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ do: fc.constantFrom("send" as const, "send" as const, "next" as const) }),
  fc.record({ do: fc.constant("pause" as const), by: fc.nat(5) }),
  fc.record({ do: fc.constant("settle" as const) }),
  fc.record({ do: fc.constant("advance" as const), by: fc.nat(12) }),
);

Deno.test("149, 4: in any interleaving of sends, reads and an end a channel loses nothing, and keeps the order", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(actions, { maxLength: 25 }),
      fc.array(
        fc.constantFrom<Keeping>(
          "map",
          "filter",
          "take",
          "window",
          "timed window",
          "zip",
          "takeWhile",
        ),
        { maxLength: 4 },
      ),
      fc.nat(3),
      fc.constantFrom<Way>("return", "cancel"),
      fc.nat(5),
      fc.boolean(),
      async (script, kinds, capacity, way, gap, inner) => {
        const clock = new ManualClock();
        const ctx = withCancel(background());
        const ch = new Channel<number>(capacity);
        const it = keeping(ch, kinds, clock, ctx, inner);
        const sent: number[] = [];
        const seen: Value[] = [];
        const nexts: Promise<unknown>[] = [];
        const send = (): void => {
          if (ch.trySend(sent.length)) sent.push(sent.length);
        };
        for (const action of script) {
          if (action.do === "send") send();
          if (action.do === "next") {
            nexts.push(
              it.next().then(({ done, value }) => {
                if (!done) seen.push(value);
              }, (error) => assertEquals(error, "over")),
            );
          }
          if (action.do === "pause") await pause(action.by);
          if (action.do === "settle") await settled();
          if (action.do === "advance") await clock.advance(action.by);
        }
        send();
        await pause(gap);
        if (way === "return") await it.return();
        else ctx.cancel("over");
        await Promise.all(nexts);
        const rest: number[] = [];
        for (let got = ch.tryReceive(); got?.ok; got = ch.tryReceive()) rest.push(got.value);
        assertEquals([...flat(seen), ...rest], sent);
        assertEquals([ch.closed, lines(ch), clock.timers], [false, { takers: 0, putters: 0 }, 0]);
      },
    ),
    { numRuns: 2 * RUNS },
  );
});

// Forks.

type Move =
  | { readonly do: "take"; readonly at: number; readonly cancelled: boolean }
  | { readonly do: "look" | "close"; readonly at: number }
  | { readonly do: "pause"; readonly by: number }
  | { readonly do: "settle" };

const moves: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("take" as const),
      at: fc.nat(2),
      cancelled: fc.nat(4).map((n) => n === 0),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("look" as const), at: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("close" as const), at: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("pause" as const), by: fc.nat(5) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("settle" as const) }) },
);

Deno.test("151: random readers of branches get what is theirs, in order; no branch has more than its capacity", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(moves, { maxLength: 40 }),
      fc.constantFrom("tee", "split", "slow split"),
      fc.nat(3),
      fc.nat(12),
      fc.nat(3),
      async (script, kind, room, length, gap) => {
        const source = new Tracked<number>((n) => pause(gap).then(() => n), length);
        const capacity = kind === "tee" ? room : room + 1;
        const even = (n: number): boolean | Promise<boolean> =>
          kind === "split" ? n % 2 === 0 : pause(2).then(() => n % 2 === 0);
        const branches: Branch<number>[] = kind === "tee"
          ? tee(source, 3, { capacity })
          : split(source, even, { capacity });
        const theirs = branches.map((_, i) =>
          range(length).filter((n) => kind === "tee" || n % 2 === i)
        );
        // In the order of the calls; undefined if one has got nothing.
        const seen: (number | undefined)[][] = branches.map(() => []);
        const closed = branches.map(() => false);
        const calls: Promise<unknown>[] = [];
        let asked = 0;
        for (const move of script) {
          if (move.do === "pause") await pause(move.by);
          if (move.do === "settle") await settled();
          if (!("at" in move)) continue;
          const at = move.at % branches.length;
          const branch = branches[at]!;
          if (move.do === "close") {
            branch.close();
            closed[at] = true;
          }
          const slot = seen[at]!.length;
          if (move.do === "look") {
            seen[at]!.push(branch.tryReceive()?.value);
            asked++;
          }
          if (move.do === "take") {
            const ctx = withCancel(background());
            seen[at]!.push(undefined);
            calls.push(
              branch.receive(ctx).then((got) => {
                seen[at]![slot] = got.value;
              }, (error) => assertEquals(error, "over")),
            );
            if (move.cancelled) ctx.cancel("over");
            asked++;
          }
          for (const branch of branches) {
            const { read, given, held, dropped, over } = branch.stats();
            assertEquals([read, held, over], [
              given + held + dropped,
              branch.length,
              branch.closed,
            ]);
          }
          // One more may have been read for somebody who left, with a capacity of 0.
          for (const { length } of branches) assert(length <= Math.max(1, capacity));
        }
        await settled();
        // Each read was for a question, and skipped values of a split besides.
        if (kind === "tee") assert(source.asked <= asked + 1);
        assertEquals(source.most, Math.min(1, source.asked));
        for (const [at, branch] of branches.entries()) {
          if (closed[at]) assertEquals([branch.closed, branch.length], [true, 0]);
        }
        // The rest comes to those that are open, side by side.
        await Promise.all(branches.map(async (branch, at) => {
          for await (const n of branch) seen[at]!.push(n);
        }));
        await Promise.all(calls);
        for (const [at, slots] of seen.entries()) {
          const values = slots.filter((value) => value !== undefined);
          assertEquals(values, theirs[at]!.slice(0, values.length));
          if (!closed[at]) assertEquals(values.length, theirs[at]!.length);
          const { read, given, held, dropped, waiting } = branches[at]!.stats();
          assertEquals([given, held, waiting], [values.length, 0, 0]);
          // A split drops what is for one that is closed, a tee leaves it out.
          if (kind === "tee") assertEquals(dropped === 0 || closed[at], true);
          else if (closed.includes(false)) {
            assertEquals(read, theirs[at]!.length);
          }
        }
        await settled();
        // Its end may have been on its way.
        assert(source.returned === 1 || (source.returned === 0 && source.asked > length));
      },
    ),
    { numRuns: RUNS },
  );
});

Deno.test("151, 4: in any interleaving a channel behind a fork loses nothing that its branches do not have", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(moves, { maxLength: 30 }),
      fc.constantFrom("tee", "split"),
      fc.nat(2),
      fc.nat(5),
      async (script, kind, room, gap) => {
        const ch = new Channel<number>(room);
        const ctx = withCancel(background());
        const options = { ctx, capacity: 2 };
        const branches: Branch<number>[] = kind === "tee"
          ? tee(map(ch, (n) => n), 2, options)
          : split(map(ch, (n) => n), (n) => n % 2 === 0, options);
        const sent: number[] = [];
        const seen = new Set<number>();
        const calls: Promise<unknown>[] = [];
        for (const move of script) {
          if (move.do === "pause") await pause(move.by);
          if (move.do === "settle") await settled();
          if (move.do === "close" && ch.trySend(sent.length)) sent.push(sent.length);
          if (move.do === "look" && ch.trySend(sent.length)) sent.push(sent.length);
          if (move.do === "take") {
            const own = withCancel(background());
            calls.push(
              branches[move.at % 2]!.receive(own).then((got) => {
                if (got.ok) seen.add(got.value);
              }, () => {}),
            );
            if (move.cancelled) own.cancel("over");
          }
        }
        if (ch.trySend(sent.length)) sent.push(sent.length);
        await pause(gap);
        ctx.cancel("over");
        await settled();
        assertEquals(lines(ch), { takers: 0, putters: 0 });
        // If nobody has asked, nobody has told the branches yet.
        for (const branch of branches) {
          for (let got = branch.tryReceive(); got?.ok; got = branch.tryReceive()) {
            seen.add(got.value);
          }
        }
        const rest: number[] = [];
        for (let got = ch.tryReceive(); got?.ok; got = ch.tryReceive()) rest.push(got.value);
        assertEquals([...[...seen].toSorted((a, b) => a - b), ...rest], sent);
        for (const branch of branches) branch.close();
        await Promise.all(calls);
      },
    ),
    { numRuns: RUNS },
  );
});
