import fc from "fast-check";
import { assert, assertEquals, assertFalse, assertStrictEquals, assertThrows } from "@std/assert";
import {
  background,
  type CancelContext,
  ClosedError,
  DeadlineExceededError,
  type Receiver,
  type ReceiverIterator,
  recv,
  select,
  type Wait,
  withCancel,
} from "../mod.ts";
import { type ChangedOptions, Watch, type WatchOptions, type WatchReader } from "../flow/mod.ts";
import { Audience } from "../flow/topics/audience.ts";
import { outletOf, WatchIterator } from "../flow/topics/watch_reader.ts";
import { coreOf } from "../core/core_of.ts";
import { held } from "./support/collect.ts";
import { ForeignSelect, taking } from "./support/foreign_select.ts";
import { type Fits, law, type Not } from "./support/laws.ts";
import { lines } from "./support/lines.ts";
import { failure } from "./support/queues.ts";
import { settled, state } from "./support/settle.ts";
import { spiedController } from "./support/spied_signal.ts";

const nobody = { takers: 0, putters: 0 };

/** Ways to wait for the next change, or for the value after it. */
const waits: Record<string, (watch: Watch<number>, wait?: Wait) => Promise<unknown>> = {
  changed: (watch, wait) => watch.changed(wait),
  waitFor(watch, wait) {
    const { value } = watch;
    return watch.waitFor((next) => next !== value, wait);
  },
};

// ---- value ----

Deno.test("142: the value is the latest, and the version counts the changes", () => {
  const watch = new Watch("a", { name: "letter" });
  assertEquals([watch.value, watch.version, watch.name, watch.closed], ["a", 0, "letter", false]);
  watch.set("b");
  watch.set("b");
  assertEquals([watch.value, watch.version], ["b", 2]);
  assertEquals(watch.update((value) => value + "c"), "bc");
  assertEquals([watch.value, watch.version], ["bc", 3]);
});

Deno.test("142: with `equals`, setting what is there already is no change", async () => {
  const watch = new Watch({ id: 1, at: 0 }, { equals: (one, other) => one.id === other.id });
  const changed = watch.changed();
  const first = watch.value;
  watch.set({ id: 1, at: 1 });
  assertEquals(watch.update(() => ({ id: 1, at: 2 })).at, 2);
  assertEquals([watch.version, await state(changed)], [0, "pending"]);
  assertStrictEquals(watch.value, first);
  watch.set({ id: 2, at: 3 });
  await changed;
  assertEquals([watch.version, watch.value.at], [1, 3]);
});

Deno.test("142: what `equals` or the function of an update throws changes nothing", () => {
  const error = new Error("thrown");
  const fail = (): never => {
    throw error;
  };
  const watch = new Watch(1, { equals: fail });
  assertStrictEquals(assertThrows(() => watch.set(2)), error);
  const other = new Watch(1);
  assertStrictEquals(assertThrows(() => other.update(fail)), error);
  assertEquals([watch.value, watch.version, other.value, other.version], [1, 0, 1, 0]);
});

Deno.test("142, 118: what is called while the value is set may set it, and close the watch", () => {
  const watch: Watch<number> = new Watch(0, {
    equals(current, next) {
      if (next === 5) watch.close("closed by equals");
      return current === next;
    },
  });
  assertEquals(watch.update(() => (watch.set(1), 2)), 2);
  assertEquals([watch.value, watch.version], [2, 2]);
  assertEquals(assertThrows(() => watch.set(5), ClosedError).value, 5);
  assertEquals([watch.value, watch.version], [2, 2]);
});

// ---- changed ----

Deno.test("51, 142: changed waits for the next change, and all who wait are woken by it", async () => {
  const watch = new Watch(0);
  const waiting = [watch.changed(), watch.changed({ timeout: 60_000 }), watch.changed()];
  assertEquals([await state(waiting[0]!), watch.stats().waiting], ["pending", 3]);
  watch.set(1);
  assertEquals([await Promise.all(waiting), watch.stats().waiting], [[
    undefined,
    undefined,
    undefined,
  ], 0]);
  assertEquals(await state(watch.changed()), "pending");
  watch.close();
  await settled();
});

Deno.test("51, 142: changed tells each change once to one who says which version he has seen", async () => {
  const watch = new Watch(0);
  watch.set(1);
  watch.set(2);
  let seen = 0;
  await watch.changed({ after: seen });
  seen = watch.version;
  const next = watch.changed({ after: seen });
  assertEquals(await state(next), "pending");
  watch.set(3);
  watch.set(4);
  await next;
  assertEquals([watch.value, watch.version], [4, 4]);
  await watch.changed({ after: 3 });
});

Deno.test("51, 142: a change that was not seen is told after the end, too; then the end", async () => {
  for (const error of [undefined, new Error("broken")]) {
    const watch = new Watch(0);
    watch.set(1);
    watch.close(error);
    await watch.changed({ after: 0 });
    assertEquals(watch.value, 1);
    for (const late of [watch.changed(), watch.changed({ after: 1 })]) {
      const end = await failure(late);
      if (error === undefined) assert(end instanceof ClosedError && !("value" in end));
      else assertStrictEquals(end, error);
    }
  }
});

// ---- waitFor ----

Deno.test("142: waitFor gives the value that is there, if it will do, else the first one that does", async () => {
  const watch = new Watch<number | undefined>(1);
  assertEquals(await watch.waitFor((value) => value === 1), 1);
  const two = watch.waitFor((value) => value === 2);
  const none = watch.waitFor((value) => value === undefined);
  const narrowed: Promise<number> = watch.waitFor((value): value is number => value === 3);
  // It sees every value, also those that are replaced at once.
  for (const value of [5, 2, undefined, 3, 4]) watch.set(value);
  assertEquals([await two, await none, await narrowed], [2, undefined, 3]);
  assertEquals(watch.stats().waiting, 0);
});

Deno.test("142: waitFor of a closed watch sees the last value, and nothing else", async () => {
  for (const error of [undefined, new Error("broken")]) {
    const watch = new Watch(0, { name: "level" });
    const parked = failure(watch.waitFor((value) => value === 2));
    watch.set(1);
    watch.close(error);
    assertEquals(await watch.waitFor((value) => value === 1), 1);
    for (const end of [await parked, await failure(watch.waitFor(() => false))]) {
      if (error === undefined) assert(end instanceof ClosedError);
      else assertStrictEquals(end, error);
    }
  }
});

Deno.test("142: what a predicate throws rejects its own call alone, at once or later", async () => {
  const watch = new Watch(0);
  const error = new Error("thrown");
  const fail = (value: number): boolean => {
    if (value > 0) throw error;
    return false;
  };
  const parked = failure(watch.waitFor(fail));
  const other = watch.waitFor((value) => value > 0);
  watch.set(1);
  assertEquals([await parked, await other, await failure(watch.waitFor(fail))], [error, 1, error]);
  assertEquals(watch.stats().waiting, 0);
});

Deno.test("142, 118: a predicate may set, cancel, wait and close; every value is shown to all, in order", async () => {
  const watch = new Watch(0);
  const shown: string[] = [];
  using ctx = withCancel(background());
  const cancelled = failure(watch.waitFor((value) => {
    shown.push(`a${value}`);
    if (value === 1) watch.set(2);
    if (value === 2) ctx.cancel("by itself");
    return value === 2;
  }, ctx));
  let inner: Promise<number> | undefined;
  const other = watch.waitFor((value) => {
    shown.push(`b${value}`);
    inner ??= value === 1 ? watch.waitFor((later) => later > 1) : undefined;
    return value === 3;
  });
  watch.set(1);
  assertEquals(watch.value, 2);
  watch.set(3);
  assertEquals([await cancelled, await other, await inner], ["by itself", 3, 2]);
  assertEquals(shown, ["a0", "b0", "a1", "b1", "a2", "b2", "b3"]);

  const closing = new Watch(0);
  const first = closing.waitFor((value) => {
    if (value === 1) {
      closing.set(2);
      closing.close();
    }
    return false;
  });
  const second = closing.waitFor((value) => value === 2);
  const third = failure(closing.waitFor((value) => value === 3));
  closing.set(1);
  assert(await failure(first) instanceof ClosedError);
  assertEquals([await second, await third instanceof ClosedError], [2, true]);
  assertEquals(closing.stats().waiting, 0);
});

Deno.test("142: whose wait a predicate has ended is not asked any more", async () => {
  const watch = new Watch(0);
  using ctx = withCancel(background());
  const first = watch.waitFor((value) => {
    if (value === 1) ctx.cancel("by another");
    return value === 1;
  });
  const asked: number[] = [];
  const second = failure(watch.waitFor((value) => asked.push(value) > 1, ctx));
  watch.set(1);
  assertEquals([await first, await second, asked], [1, "by another", [0]]);
});

Deno.test("142: a predicate that sets the value it is asked about first is asked again", async () => {
  const watch = new Watch(0);
  const asked: number[] = [];
  const got = watch.waitFor((value) => {
    asked.push(value);
    if (value < 2) watch.set(value + 1);
    return value === 2;
  });
  assertEquals([await got, asked], [2, [0, 1, 2]]);
});

Deno.test("142: who begins to wait while values are shown is not shown those from before", async () => {
  const watch = new Watch(0);
  const late: number[] = [];
  let inner: Promise<number> | undefined;
  const outer = watch.waitFor((value) => {
    if (value !== 1) return false;
    watch.set(2);
    watch.set(3);
    inner = watch.waitFor((value) => {
      late.push(value);
      return value === 2;
    }, { timeout: 60_000 });
    return true;
  });
  watch.set(1);
  assertEquals([await outer, late, await state(inner!)], [1, [3], "pending"]);
  watch.set(2);
  assertEquals([await inner, late], [2, [3, 2]]);
});

// ---- loops and readers ----

Deno.test("142: a loop sees the current value, then the latest one after each change", async () => {
  const watch = new Watch(0);
  const seen: number[] = [];
  const reading = (async () => {
    for await (const value of watch) {
      seen.push(value);
      if (value === 5) break;
    }
  })();
  await settled();
  watch.set(1);
  await settled();
  for (const value of [2, 3, 4]) watch.set(value);
  await settled();
  watch.set(5);
  await reading;
  // The first of several is handed over at once, the last is there when it comes back.
  assertEquals(seen, [0, 1, 2, 4, 5]);
  assertFalse(watch.closed);
});

Deno.test("51, 142: everybody sees the last value, also when the watch is closed after it", async () => {
  for (const error of [undefined, new Error("broken")]) {
    const watch = new Watch(0);
    const iterator = watch[Symbol.asyncIterator]();
    using reader = watch.reader();
    watch.set(1);
    watch.close(error);
    assertEquals(await iterator.next(), { done: false, value: 1 });
    assertEquals(await reader.receive(), { ok: true, value: 1 });
    assertEquals(await watch[Symbol.asyncIterator]().next(), { done: false, value: 1 });
    using late = watch.reader();
    assertEquals([late.closed, late.tryReceive()], [true, { ok: true, value: 1 }]);
    const end = error === undefined
      ? { ok: false, value: undefined }
      : { ok: false, value: undefined, error };
    assertEquals<unknown>([reader.tryReceive(), await late.receive()], [end, end]);
    if (error !== undefined) assertStrictEquals(await failure(iterator.next()), error);
    assertEquals(await iterator.next(), { done: true, value: undefined });
  }
});

Deno.test("142: a loop that is left while it waits has no place among those who wait", async () => {
  const audience = new Audience();
  const outlet = outletOf({ value: "a", version: 0 }, audience, undefined);
  const iterator = new WatchIterator(outlet);
  await iterator.next();
  const waiting = iterator.next();
  assertFalse(audience.empty);
  await iterator.return();
  assertEquals([await waiting, audience.empty], [{ done: true, value: undefined }, true]);
});

Deno.test("142: several next() at once are served in their order; return ends those that wait", async () => {
  const watch = new Watch(0);
  const iterator = watch[Symbol.asyncIterator]();
  const next = [iterator.next(), iterator.next(), iterator.next()];
  assertEquals(await next[0], { done: false, value: 0 });
  watch.set(1);
  assertEquals([await next[1], await state(next[2]!)], [{ done: false, value: 1 }, "pending"]);
  await iterator.return();
  assertEquals(await next[2], { done: true, value: undefined });
  watch.set(2);
  assertEquals(await iterator.next(), { done: true, value: undefined });

  const ended = [watch[Symbol.asyncIterator](), watch[Symbol.asyncIterator]()];
  const waiting = ended.flatMap((iterator) => [iterator.next(), iterator.next()]);
  watch.close();
  assertEquals(await Promise.all(waiting), [
    { done: false, value: 2 },
    { done: true, value: undefined },
    { done: false, value: 2 },
    { done: true, value: undefined },
  ]);
});

Deno.test("142: a reader is a receiver of its own: for select, for batches, for foreign selects", async () => {
  const watch = new Watch("a");
  using reader = watch.reader();
  using other: Receiver<string> & Disposable = watch.reader();
  assertEquals([reader.length, reader.capacity, watch.stats().readers], [1, 1, 2]);
  assertEquals(await select({ value: recv(reader) }), { key: "value", ok: true, value: "a" });
  const waiting = select({ value: recv(reader) });
  const behind = reader.receiveMany(5);
  const foreign = new ForeignSelect(taking(other));
  assertEquals([foreign.value, reader.tryReceive()], ["a", undefined]);
  const parked = new ForeignSelect(taking(other));
  watch.set("b");
  assertEquals([(await waiting).value, parked.value], ["b", "b"]);
  watch.set("c");
  assertEquals([await behind, await other.take(), lines(reader)], [["c"], "c", nobody]);
});

Deno.test("142: disposing a reader ends its calls that wait, and leaves the watch as it was", async () => {
  const watch = new Watch(0);
  const reader = watch.reader();
  await reader.take();
  const spied = spiedController();
  const waiting = reader.receive(spied.signal);
  reader[Symbol.dispose]();
  reader[Symbol.dispose]();
  assertEquals([await waiting, spied.listeners], [{ ok: false, value: undefined }, 0]);
  watch.set(1);
  assertEquals([reader.length, reader.closed, watch.closed], [0, true, false]);
  assertEquals(watch.stats(), { version: 1, readers: 0, waiting: 0 });
});

Deno.test("142: code that runs while a value is handed over may set the next one", async () => {
  const watch = new Watch<unknown>(0);
  using reader = watch.reader();
  using other = watch.reader();
  await Promise.all([reader.take(), other.take()]);
  const shown: unknown[] = [];
  const found = watch.waitFor((value) => (shown.push(value), value === 2));
  let asked = 0;
  const sly = {
    get then() {
      if (asked++ === 0) watch.set(2);
      return undefined;
    },
  };
  const got = [reader.take(), other.take()];
  watch.set(sly);
  const [one, two] = await Promise.all(got);
  assertStrictEquals(one, sly);
  assertEquals([two, await found, shown], [2, 2, [0, sly, 2]]);
  assertEquals([reader.tryReceive()?.value, other.tryReceive()], [2, undefined]);
});

// ---- cancelling ----

Deno.test("142: a cancelled wait leaves nothing behind; an ended context goes first", async () => {
  for (const [name, wait] of Object.entries(waits)) {
    const watch = new Watch(0);
    const spied = spiedController();
    const waiting = wait(watch, spied.signal);
    assertEquals([watch.stats().waiting, spied.listeners], [1, 1], name);
    spied.abort("gone");
    assertEquals([await failure(waiting), watch.stats().waiting, spied.listeners], ["gone", 0, 0]);
    assert(await failure(wait(watch, { timeout: 0 })) instanceof DeadlineExceededError);
    assertEquals(watch.stats().waiting, 0);
    watch.set(1);
    const late: ChangedOptions = { signal: spied.signal, after: 0 };
    assertEquals([await failure(watch.changed(late)), await failure(wait(watch, late))], [
      "gone",
      "gone",
    ]);
    watch.close();
    assertEquals(await failure(wait(watch, spied.signal)), "gone");
  }
});

Deno.test("142: the context of a waitFor that has ended is told before its predicate is asked", async () => {
  const watch = new Watch(0);
  const ended = AbortSignal.abort("before");
  const got = watch.waitFor(() => {
    throw new Error("asked");
  }, ended);
  assertEquals(await failure(got), "before");
});

// ---- the end ----

Deno.test("142: a closed watch refuses changes, with the value; a second close throws, disposing not", async () => {
  const watch = new Watch(0, { name: "level" });
  const waiting = [watch.changed(), watch.waitFor(() => false)].map(failure);
  const reason = new Error("broken");
  watch.close(reason);
  assertEquals(await Promise.all(waiting), [reason, reason]);
  const refused = assertThrows(() => watch.set(1), ClosedError, `the watch "level" is closed`);
  assertEquals([refused.value, refused.cause], [1, reason]);
  assertThrows(() => watch.update(() => assert(false) as never), ClosedError);
  assertThrows(() => watch.close(), ClosedError, "closed already");
  watch[Symbol.dispose]();
  assertEquals([watch.value, watch.version], [0, 0]);
  {
    using open = new Watch(1);
    assertFalse(open.closed);
  }
});

Deno.test("142: the parent's end closes the watch, with the cause", async () => {
  const spied = spiedController();
  const watch = new Watch(0, { parent: spied.signal });
  using reader = watch.reader();
  await reader.take();
  const waiting = [watch.changed(), reader.take()].map(failure);
  spied.abort("enough");
  assertEquals([await Promise.all(waiting), watch.closed], [["enough", "enough"], true]);
  const other = spiedController();
  const closed = new Watch(0, { parent: other.signal });
  assertEquals(other.listeners, 1);
  closed.close();
  assertEquals([other.listeners, spied.listeners], [0, 0]);
  assert(new Watch(0, { parent: AbortSignal.abort("before") }).closed);
});

// ---- what stays ----

Deno.test("142: readers and loops that are over leave nothing behind, though nothing changes", async () => {
  const watch = new Watch<unknown>("a");
  const refs: WeakRef<object>[] = [];
  const runOnce = async (): Promise<void> => {
    using ctx = withCancel(background());
    const reader = watch.reader();
    const iterator = watch[Symbol.asyncIterator]();
    // Left behind, as it has not begun to wait.
    const idle = watch[Symbol.asyncIterator]();
    await Promise.all([iterator.next(), idle.next(), reader.take()]);
    refs.push(new WeakRef(coreOf(reader)!));
    const waiting = [reader.take().catch(() => {}), iterator.next(), watch.changed(ctx)];
    const value = {};
    watch.set(value);
    watch.set(0);
    const again = [iterator.next(), iterator.next(), watch.waitFor(() => false, ctx)];
    for (const of of [reader, iterator, idle, value, ...waiting, ...again]) {
      refs.push(new WeakRef(of));
    }
    const ends = Promise.allSettled([...waiting, ...again]);
    ctx.cancel();
    reader[Symbol.dispose]();
    await iterator.return();
    await ends;
  };
  for (let n = 0; n < 10; n++) await runOnce();
  assertEquals([await held(refs), watch.stats().readers, watch.stats().waiting], [0, 0, 0]);
});

// ---- what is handed in ----

Deno.test("142, R17: bad arguments are refused", async () => {
  const bad = (options: unknown) => new Watch(0, options as WatchOptions<number>);
  for (const options of [null, 3]) assertThrows(() => bad(options), TypeError, "options");
  for (const equals of [null, 1]) assertThrows(() => bad({ equals }), TypeError, "equals");
  assertThrows(() => bad({ name: 1 }), TypeError, "name");
  for (const parent of [null, {}]) assertThrows(() => bad({ parent }), TypeError, "parent");
  const watch = new Watch(0);
  assertThrows(() => watch.update(3 as never), TypeError, "fn");
  const type = await failure(watch.waitFor(3 as never));
  assert(type instanceof TypeError && type.message.includes("predicate"));
  for (const wait of Object.values(waits)) {
    assert(await failure(wait(watch, null as never)) instanceof TypeError);
    assert(await failure(wait(watch, { timeout: NaN })) instanceof RangeError);
  }
  for (const after of [-1, 0.5, NaN, 1, Infinity]) {
    assert(await failure(watch.changed({ after })) instanceof RangeError);
  }
  assert(await failure(watch.changed({ after: "1" as never })) instanceof TypeError);
  assertEquals(watch.stats().waiting, 0);
});

Deno.test("142: a reader gives what is wider, a watch does not", () => {
  law<Fits<WatchReader<number>, WatchReader<number | string>>>();
  law<Not<Fits<WatchReader<number | string>, WatchReader<number>>>>();
  law<Not<Fits<Watch<number>, Watch<number | string>>>>();
});

// ---- any order ----

type Op =
  | { readonly op: "set"; readonly value: number }
  | { readonly op: "changed"; readonly behind: number | undefined; readonly slot: number }
  | { readonly op: "waitFor"; readonly value: number; readonly slot: number }
  | { readonly op: "loop" | "reader" }
  | { readonly op: "next" | "leave"; readonly pick: number }
  | { readonly op: "cancel"; readonly slot: number }
  | { readonly op: "close" | "rest" };

const slot = fc.nat(1);
const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ op: fc.constant("set" as const), value: fc.nat(5) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant("changed" as const),
      behind: fc.option(fc.nat(2), { nil: undefined }),
      slot,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ op: fc.constant("waitFor" as const), value: fc.nat(5), slot }),
  },
  { weight: 3, arbitrary: fc.record({ op: fc.constantFrom("loop" as const, "reader") }) },
  { weight: 10, arbitrary: fc.record({ op: fc.constant("next" as const), pick: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("leave" as const), pick: fc.nat(5) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("cancel" as const), slot }) },
  { weight: 1, arbitrary: fc.constant({ op: "close" as const }) },
  { weight: 6, arbitrary: fc.constant({ op: "rest" as const }) },
);

/** What a call has come to, and what it should; undefined: it waits. */
interface Call {
  seen: unknown;
  expected: unknown;
  readonly slot?: number;
  /** What a waitFor waits for. */
  readonly value?: number;
}

/** Somebody who reads, and the calls of his that wait. */
interface Place {
  readonly iterator: ReceiverIterator<number>;
  readonly reader: (Receiver<number> & Disposable) | undefined;
  readonly parked: Call[];
  seen: number;
  left: boolean;
}

class Model {
  readonly #watch = new Watch(0);
  readonly #calls: Call[] = [];
  readonly #changed = new Set<Call>();
  readonly #checks = new Set<Call>();
  readonly #places: Place[] = [];
  readonly #slots: CancelContext[] = [withCancel(background()), withCancel(background())];
  #value = 0;
  #version = 0;
  #closed = false;

  step(op: Op): void {
    switch (op.op) {
      case "set":
        return this.#set(op.value);
      case "changed": {
        const after = op.behind === undefined ? undefined : Math.max(0, this.#version - op.behind);
        const call = this.#call(this.#watch.changed({ ctx: this.#slots[op.slot], after }), op);
        if (after !== undefined && after < this.#version) call.expected = "changed";
        else if (this.#closed) call.expected = "closed";
        else this.#changed.add(call);
        return;
      }
      case "waitFor": {
        const found = this.#watch.waitFor((value) => value === op.value, this.#slots[op.slot]);
        const call = this.#call(found, op);
        if (this.#value === op.value) call.expected = op.value;
        else if (this.#closed) call.expected = "closed";
        else this.#checks.add(call);
        return;
      }
      case "loop":
      case "reader": {
        const reader = op.op === "reader" ? this.#watch.reader() : undefined;
        const iterator = (reader ?? this.#watch)[Symbol.asyncIterator]();
        this.#places.push({ iterator, reader, parked: [], seen: -1, left: false });
        return;
      }
      case "cancel":
        this.#slots[op.slot]!.cancel("gone");
        this.#slots[op.slot] = withCancel(background());
        for (const calls of [this.#changed, this.#checks]) {
          for (const call of calls) {
            if (call.slot === op.slot) this.#over(call, calls, "gone");
          }
        }
        return;
      case "close":
        return this.#close();
      case "rest":
        return;
    }
    const place = this.#places[op.pick % Math.max(1, this.#places.length)];
    if (place === undefined) return;
    if (op.op === "next") this.#next(place);
    else this.#leave(place);
  }

  #call(promise: Promise<unknown>, { slot, value }: { slot?: number; value?: number }): Call {
    const call: Call = { seen: undefined, expected: undefined, slot, value };
    this.#calls.push(call);
    promise.then((value) => {
      call.seen = value === undefined ? "changed" : value;
    }, (error) => {
      call.seen = error instanceof ClosedError ? "closed" : error;
    });
    return call;
  }

  #over(call: Call, of: Set<Call>, expected: unknown): void {
    call.expected = expected;
    of.delete(call);
  }

  #set(value: number): void {
    if (this.#closed) {
      assertThrows(() => this.#watch.set(value), ClosedError);
      return;
    }
    this.#watch.set(value);
    this.#value = value;
    this.#version++;
    for (const call of this.#changed) this.#over(call, this.#changed, "changed");
    for (const call of this.#checks) {
      if (call.value === value) this.#over(call, this.#checks, value);
    }
    for (const place of this.#places) {
      const call = place.parked.shift();
      if (call === undefined) continue;
      call.expected = value;
      place.seen = this.#version;
    }
  }

  #next(place: Place): void {
    const next = place.iterator.next().then(({ done, value }) => done ? "done" : value);
    const call = this.#call(next, {});
    if (place.left) call.expected = "done";
    else if (place.seen < this.#version) {
      call.expected = this.#value;
      place.seen = this.#version;
    } else if (this.#closed) call.expected = "done";
    else place.parked.push(call);
  }

  #leave(place: Place): void {
    place.left = true;
    if (place.reader === undefined) void place.iterator.return();
    else place.reader[Symbol.dispose]();
    for (const call of place.parked.splice(0)) call.expected = "done";
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#watch.close();
    for (const calls of [this.#changed, this.#checks]) {
      for (const call of calls) this.#over(call, calls, "closed");
    }
    for (const { parked } of this.#places) {
      for (const call of parked.splice(0)) call.expected = "done";
    }
  }

  async rest(): Promise<void> {
    await settled();
    for (const { seen, expected } of this.#calls) assertEquals(seen, expected);
    const readers = this.#places.filter(({ reader, left }) => reader !== undefined && !left);
    assertEquals(this.#watch.stats(), {
      version: this.#version,
      readers: readers.length,
      waiting: this.#changed.size + this.#checks.size,
    });
    assertEquals([this.#watch.value, this.#watch.closed], [this.#value, this.#closed]);
  }

  async end(): Promise<void> {
    await this.rest();
    this.#close();
    await this.rest();
    assert(this.#calls.every(({ seen }) => seen !== undefined));
  }
}

Deno.test("51, 142: in any order of calls, everybody sees what a simple model says", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(op, { maxLength: 60 }), async (ops) => {
      const model = new Model();
      for (const op of ops) {
        model.step(op);
        if (op.op === "rest") await model.rest();
      }
      await model.end();
    }),
    { numRuns: 300 },
  );
});
