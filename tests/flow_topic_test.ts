import { assert, assertEquals, assertFalse, assertStrictEquals, assertThrows } from "@std/assert";
import {
  after,
  background,
  type Channel,
  ClosedError,
  DeadlineExceededError,
  type Receiver,
  recv,
  select,
  send,
  trySelect,
  type Wait,
  withCancel,
} from "../mod.ts";
import { coreOf } from "../core/core_of.ts";
import { receiving } from "../core/taking.ts";
import { Audience } from "../flow/topics/audience.ts";
import { type Subscription, Topic, type TopicOptions } from "../flow/mod.ts";
import { Outlet } from "../flow/topics/outlet.ts";
import { TopicLog } from "../flow/topics/topic_log.ts";
import { TopicReader } from "../flow/topics/topic_reader.ts";
import { fakeClock } from "./support/clock.ts";
import { heapUsed, held } from "./support/collect.ts";
import { ForeignSelect, offering, taking } from "./support/foreign_select.ts";
import { type Fits, law, type Not } from "./support/laws.ts";
import { lines } from "./support/lines.ts";
import { failure } from "./support/queues.ts";
import { secondCopy } from "./support/second_copy.ts";
import { settled, state } from "./support/settle.ts";
import { spiedController } from "./support/spied_signal.ts";
import { catchUncaught } from "./support/uncaught.ts";

const nobody = { takers: 0, putters: 0 };

function publishers<T>(topic: Topic<T>): number {
  return coreOf(topic)!.putters.length;
}

/** Publishes 0, 1, … without waiting. */
function fill(topic: Topic<number>, count: number, from = 0): void {
  for (let n = from; n < from + count; n++) assert(topic.tryPublish(n));
}

/** All that can be read now. */
function unread<T>(of: Receiver<T>): T[] {
  const values: T[] = [];
  for (let got = of.tryReceive(); got?.ok; got = of.tryReceive()) values.push(got.value);
  return values;
}

/** Every way to read one value; in boxes, since a promise out of an async function is no longer itself. */
const ways: Record<string, (from: Receiver<unknown>, wait?: Wait) => Promise<readonly unknown[]>> =
  {
    receive: async (from, wait) => boxed(await from.receive(wait)),
    receiveMany: (from, wait) => from.receiveMany(1, wait),
    select: async (from, wait) => boxed(await select({ value: recv(from) }, wait)),
    async next(from) {
      const { done, value } = await from[Symbol.asyncIterator]().next();
      return done ? [] : [value];
    },
    async forAwait(from) {
      for await (const value of from) return [value];
      return [];
    },
  };

function boxed(received: { readonly ok: boolean; readonly value?: unknown }): unknown[] {
  return received.ok ? [received.value] : [];
}

// ---- all see all ----

Deno.test("140: every subscription sees every value, in the order of their publishers, by every call", async () => {
  const topic = new Topic<number>();
  const waiting = Object.values(ways).map((way) => {
    const subscription = topic.subscribe();
    return { subscription, first: way(subscription), way };
  });
  await topic.publish(1);
  await select({ sent: send(topic, 2) });
  assert(topic.tryPublish(3));
  for (const { subscription, first, way } of waiting) {
    assertEquals(await first, [1]);
    assertEquals(await way(subscription), [2]);
    assertEquals(subscription.tryReceive(), { ok: true, value: 3 });
    assertStrictEquals(subscription.tryReceive(), undefined);
    assertEquals([subscription.length, lines(subscription)], [0, nobody]);
  }
});

Deno.test("140: calls that wait at one subscription are served in their order, each with one value", async () => {
  const topic = new Topic<number>();
  const subscription = topic.subscribe();
  const iterator = subscription[Symbol.asyncIterator]();
  const calls = [
    subscription.receive(),
    iterator.next(),
    subscription.receiveMany(5),
    select({ value: recv(subscription) }),
    iterator.next(),
  ];
  fill(topic, 5);
  assertEquals<unknown>(await Promise.all(calls), [
    { ok: true, value: 0 },
    { done: false, value: 1 },
    [2],
    { key: "value", ok: true, value: 3 },
    { done: false, value: 4 },
  ]);
});

Deno.test("140: whatever is published comes out identical for all", async () => {
  const rejected = Promise.reject(new Error("inner"));
  rejected.catch(() => {});
  const payloads = [undefined, null, NaN, -0, () => 1, [], Promise.resolve(1), rejected, {
    then: (resolve: (value: string) => void) => resolve("flattened"),
  }];
  for (const payload of payloads) {
    for (const way of Object.values(ways)) {
      const topic = new Topic<unknown>();
      const [parked, late] = [topic.subscribe(), topic.subscribe()];
      const first = way(parked);
      await topic.publish(payload);
      assertStrictEquals((await first)[0], payload);
      assertStrictEquals((await way(late))[0], payload);
    }
  }
});

Deno.test("50: a new subscription begins with what is published next", async () => {
  const topic = new Topic<number>();
  using early = topic.subscribe();
  fill(topic, 2);
  using late = topic.subscribe();
  assertEquals([early.length, late.length], [2, 0]);
  fill(topic, 1, 2);
  assertEquals([unread(early), unread(late)], [[0, 1, 2], [2]]);
  assertEquals(late.stats(), { received: 1, missed: 0, unread: 0, waiting: 0 });
  await settled();
});

Deno.test("140: without subscriptions values go nowhere, and nobody waits", async () => {
  const topic = new Topic<number>({ capacity: 1 });
  for (let n = 0; n < 5; n++) await topic.publish(n);
  assertEquals(topic.stats(), {
    published: 5,
    retained: 0,
    subscriptions: 0,
    groups: 0,
    waiting: 0,
  });
});

// ---- lag ----

Deno.test("50: a slow subscription misses the oldest, is told how many, and goes on with what is retained", async () => {
  for (const capacity of [1, 2, 3, 16, 17]) {
    for (const extra of [1, 2, 5, 40]) {
      const topic = new Topic<number>({ capacity });
      const told: number[] = [];
      using slow = topic.subscribe({ onLag: (missed) => told.push(missed) });
      fill(topic, capacity);
      assertEquals([slow.missed, slow.length], [0, capacity]);
      fill(topic, extra, capacity);
      assertEquals([slow.missed, slow.length, told], [extra, capacity, []]);
      assertEquals(await slow.take(), extra);
      assertEquals([slow.missed, told], [extra, [extra]]);
      assertEquals(unread(slow), Array.from({ length: capacity - 1 }, (_, i) => extra + 1 + i));
      fill(topic, 1, 100);
      assertEquals([await slow.take(), slow.missed, told], [100, extra, [extra]]);
    }
  }
});

Deno.test("50: each lag is told once, for its subscription alone, before the next value is seen", async () => {
  const topic = new Topic<number>({ capacity: 2 });
  const seen: unknown[] = [];
  using slow = topic.subscribe({ onLag: (missed) => seen.push({ missed }) });
  using slower = topic.subscribe({ onLag: () => seen.push("slower") });
  using quick = topic.subscribe({ onLag: () => seen.push("quick") });
  for (let n = 0; n < 4; n++) {
    fill(topic, 1, n);
    assertEquals(unread(quick), [n]);
  }
  seen.push(await slow.take());
  fill(topic, 3, 4);
  seen.push(await slow.take());
  seen.push(await slow.take());
  assertEquals(seen, [{ missed: 2 }, 2, { missed: 2 }, 5, 6]);
  assertEquals([slow.missed, slower.missed, slower.length], [4, 5, 2]);
  await slower.receive();
  assertEquals(seen.at(-1), "slower");
});

Deno.test("50: by whatever call the next value is read, the lag is told before its code goes on", async () => {
  for (const [name, way] of Object.entries(ways)) {
    const topic = new Topic<number>({ capacity: 1 });
    const seen: unknown[] = [];
    using slow = topic.subscribe({ onLag: (missed) => seen.push({ missed }) });
    fill(topic, 3);
    seen.push(...await way(slow));
    assertEquals(seen, [{ missed: 2 }, 2], name);
  }
});

Deno.test("50: a subscription that waits is served at once, and misses nothing", async () => {
  const topic = new Topic<number>({ capacity: 1 });
  using slow = topic.subscribe();
  const calls = [slow.take(), slow.take(), slow.take()];
  fill(topic, 3);
  assertEquals(await Promise.all(calls), [0, 1, 2]);
  assertEquals(slow.missed, 0);
});

Deno.test("50: two subscriptions that lag together go on together", async () => {
  const topic = new Topic<number>({ capacity: 3 });
  using one = topic.subscribe();
  fill(topic, 2);
  using other = topic.subscribe();
  fill(topic, 6, 2);
  assertEquals([one.missed, other.missed], [5, 3]);
  assertEquals([one.tryReceive()?.value, other.tryReceive()?.value], [5, 5]);
  fill(topic, 2, 8);
  assertEquals([unread(one), unread(other)], [[7, 8, 9], [7, 8, 9]]);
  assertEquals([one.missed, other.missed], [6, 4]);
  await settled();
});

Deno.test("50, 118: what onLag throws is uncaught, and the value is there all the same", async () => {
  using uncaught = catchUncaught();
  const error = new Error("onLag");
  const topic = new Topic<number>({ capacity: 1 });
  using slow = topic.subscribe({
    onLag() {
      throw error;
    },
  });
  fill(topic, 2);
  assertEquals(await slow.take(), 1);
  await settled();
  assertEquals(uncaught.errors, [error]);
});

Deno.test("50, 118: onLag may publish, read, unsubscribe and close", async () => {
  const topic = new Topic<number>({ capacity: 1 });
  const seen: unknown[] = [];
  const slow: Subscription<number> = topic.subscribe({
    onLag(missed) {
      seen.push(missed, topic.tryPublish(2), slow.tryReceive()?.value, topic.tryPublish(3));
      slow[Symbol.dispose]();
      topic.close();
    },
  });
  using other = topic.subscribe();
  fill(topic, 2);
  assertEquals(await slow.take(), 1);
  assertEquals(seen, [1, true, 2, true]);
  assertEquals([slow.closed, await slow.receive()], [true, { ok: false, value: undefined }]);
  assertEquals([other.missed, unread(other)], [3, [3]]);
});

Deno.test("50: what a subscription has missed when it is disposed, it has missed", () => {
  const topic = new Topic<number>({ capacity: 2 });
  const slow = topic.subscribe();
  fill(topic, 5);
  slow[Symbol.dispose]();
  fill(topic, 5);
  assertEquals(slow.stats(), { received: 0, missed: 3, unread: 0, waiting: 0 });
});

// ---- lossless ----

Deno.test("140: a lossless subscription holds publishers up, first come, first served", async () => {
  const topic = new Topic<number>({ capacity: 2 });
  using keeper = topic.subscribe({ lossless: true });
  fill(topic, 2);
  const parked = [topic.publish(2), select({ sent: send(topic, 3) }), topic.publish(4)];
  assertFalse(topic.tryPublish(9));
  assertStrictEquals(trySelect({ sent: send(topic, 9) }), undefined);
  assertEquals(topic.stats().waiting, 3);
  for (let n = 0; n < 3; n++) {
    assertEquals(keeper.tryReceive()?.value, n);
    assertEquals([await state(parked[n]!), topic.stats().waiting], ["fulfilled", 2 - n]);
    assertFalse(topic.tryPublish(9));
  }
  assertEquals([unread(keeper), keeper.missed], [[3, 4], 0]);
  assert(topic.tryPublish(5));
});

Deno.test("140: whoever makes room lets the next publisher in within the same step", () => {
  const topic = new Topic<number>({ capacity: 1 });
  const keeper = topic.subscribe({ lossless: true });
  const other = topic.subscribe({ lossless: true });
  fill(topic, 1);
  for (let n = 1; n < 4; n++) void topic.publish(n);
  assertEquals([keeper.tryReceive()?.value, topic.stats().waiting], [0, 3]);
  assertStrictEquals(keeper.tryReceive(), undefined);
  assertEquals([other.tryReceive()?.value, topic.stats().waiting], [0, 2]);
  assertEquals([keeper.tryReceive()?.value, other.tryReceive()?.value], [1, 1]);
  assertEquals([keeper.tryReceive()?.value, topic.stats().waiting], [2, 1]);
  other[Symbol.dispose]();
  assertEquals([topic.stats().waiting, unread(keeper)], [0, [3]]);
});

Deno.test("140: a batch takes those in who wait for room, up to its size", async () => {
  const topic = new Topic<number>({ capacity: 2 });
  using keeper = topic.subscribe({ lossless: true });
  fill(topic, 2);
  const parked = [2, 3, 4].map((n) => topic.publish(n));
  assertEquals(await keeper.receiveMany(4), [0, 1, 2, 3]);
  assertEquals([await Promise.all(parked), unread(keeper)], [[undefined, undefined, undefined], [
    4,
  ]]);
});

Deno.test("140: a cancelled publish is in nobody's stream, and those behind it come up", async () => {
  const topic = new Topic<string>({ capacity: 1 });
  using keeper = topic.subscribe({ lossless: true });
  using lossy = topic.subscribe();
  await topic.publish("a");
  const spied = spiedController();
  const cancelled = topic.publish("never", spied.signal);
  const late = topic.publish("nor this", { timeout: 0 });
  const behind = topic.publish("b", spied.signal);
  assertEquals([await failure(late) instanceof DeadlineExceededError, publishers(topic)], [
    true,
    2,
  ]);
  const kept = topic.publish("c");
  spied.abort("gone");
  assertEquals([await failure(cancelled), await failure(behind)], ["gone", "gone"]);
  assertEquals([spied.listeners, publishers(topic)], [0, 1]);
  assertEquals([unread(keeper), await state(kept)], [["a", "c"], "fulfilled"]);
  assertEquals([unread(lossy), lossy.missed], [["c"], 1]);
});

Deno.test("140: a lossless and a lossy subscription: the one holds publishers up, the other may lag", async () => {
  const topic = new Topic<number>({ capacity: 2 });
  using lossy = topic.subscribe();
  fill(topic, 1);
  using keeper = topic.subscribe({ lossless: true });
  fill(topic, 2, 1);
  assertEquals([lossy.missed, keeper.missed], [1, 0]);
  const parked = topic.publish(3);
  assertEquals(lossy.tryReceive()?.value, 1);
  assertEquals(await state(parked), "pending");
  assertEquals(keeper.tryReceive()?.value, 1);
  assertEquals(await state(parked), "fulfilled");
  assertEquals([unread(lossy), unread(keeper), lossy.missed], [[2, 3], [2, 3], 1]);
});

Deno.test("140: disposing the slowest subscription lets in all who fit", async () => {
  const topic = new Topic<number>({ capacity: 3 });
  const slow = topic.subscribe({ lossless: true });
  using quick = topic.subscribe({ lossless: true });
  fill(topic, 3);
  assertEquals(unread(quick), [0, 1, 2]);
  const parked = [3, 4, 5, 6].map((n) => topic.publish(n));
  slow[Symbol.dispose]();
  assertEquals(topic.stats().waiting, 1);
  assertEquals([unread(quick), topic.stats().waiting], [[3, 4, 5, 6], 0]);
  await Promise.all(parked);
  slow[Symbol.dispose]();
  assertEquals(topic.stats().subscriptions, 1);
  // Being disposed twice, it has not been taken off twice.
  using next = topic.subscribe({ lossless: true });
  fill(topic, 3, 7);
  assertEquals([topic.tryPublish(9), topic.stats().retained], [false, 3]);
  assertEquals([unread(next), unread(quick), topic.stats().retained], [[7, 8, 9], [7, 8, 9], 0]);
});

Deno.test("140: many who wait to read and to publish are served without filling the stack", async () => {
  const topic = new Topic<number>({ capacity: 1 });
  const slow = topic.subscribe({ lossless: true });
  const readers = Array.from({ length: 2_000 }, () => topic.subscribe({ lossless: true }));
  fill(topic, 1);
  for (const reader of readers) assertEquals(reader.tryReceive()?.value, 0);
  const taken = readers.map(async (reader) => {
    const first = reader.take();
    const second = reader.take();
    return [await first, await second];
  });
  const parked = Array.from({ length: 5_000 }, (_, n) => topic.publish(n + 1));
  slow[Symbol.dispose]();
  for (const got of await Promise.all(taken)) assertEquals(got, [1, 2]);
  assertEquals(topic.stats().waiting, 4_997);
  for (const reader of readers) reader[Symbol.dispose]();
  await Promise.all(parked);
  assertEquals(topic.stats().retained, 0);
});

// ---- replay ----

Deno.test("140: a new subscription begins with the last `replay` values, or as many as it asks for", () => {
  const topic = new Topic<number>({ capacity: 4, replay: 3 });
  const begins = (replay?: number) => unread(topic.subscribe({ replay }));
  assertEquals(begins(), []);
  fill(topic, 2);
  assertEquals([begins(), begins(1), begins(9)], [[0, 1], [1], [0, 1]]);
  fill(topic, 3, 2);
  assertEquals([begins(), begins(0), begins(2), begins(9), begins(Infinity)], [
    [2, 3, 4],
    [],
    [3, 4],
    [2, 3, 4],
    [2, 3, 4],
  ]);
});

Deno.test("140: it begins with no more than `replay` also where others are slow, and more is kept", () => {
  const topic = new Topic<number>({ capacity: 8, replay: 1 });
  using slow = topic.subscribe();
  fill(topic, 5);
  assertEquals([topic.stats().retained, slow.length], [5, 5]);
  assertEquals(unread(topic.subscribe({ replay: 4 })), [4]);
});

Deno.test("140: what is kept for replay holds nobody up, and what was replayed does", async () => {
  const topic = new Topic<number>({ capacity: 2, replay: 2 });
  using keeper = topic.subscribe({ lossless: true });
  for (let n = 0; n < 5; n++) {
    await topic.publish(n);
    assertEquals(unread(keeper), [n]);
  }
  using late = topic.subscribe({ lossless: true });
  assertFalse(topic.tryPublish(5));
  assertEquals(late.tryReceive()?.value, 3);
  assert(topic.tryPublish(5));
  assertEquals([unread(late), unread(keeper)], [[4, 5], [5]]);
});

Deno.test("140: a subscription to a closed topic gets what is kept, then the end", async () => {
  const topic = new Topic<number>({ replay: 2 });
  fill(topic, 3);
  topic.close("over");
  using late = topic.subscribe();
  assertEquals([late.closed, await late.take(), await late.take()], [true, 1, 2]);
  assertEquals(await late.receive(), { ok: false, value: undefined, error: "over" });
  assertEquals(topic.stats().subscriptions, 1);
});

// ---- the end ----

Deno.test("50, 140: closing gives what is unread first, then the end, by every call", async () => {
  for (const error of [undefined, new Error("broken")]) {
    const topic = new Topic<number>();
    const subscriptions = Object.keys(ways).map(() => topic.subscribe());
    fill(topic, 1);
    topic.close(error);
    const end = error === undefined
      ? { ok: false, value: undefined }
      : { ok: false, value: undefined, error };
    for (const [at, way] of Object.values(ways).entries()) {
      const subscription = subscriptions[at]!;
      assertEquals([subscription.closed, await way(subscription)], [true, [0]]);
      assertEquals<unknown>([subscription.tryReceive(), await subscription.receive()], [end, end]);
      const taken = await failure(subscription.take());
      if (error === undefined) assert(taken instanceof ClosedError);
      else assertStrictEquals(taken, error);
      const many = subscription.receiveMany(2);
      if (error === undefined) assertEquals(await many, []);
      else assertStrictEquals(await failure(many), error);
    }
  }
});

Deno.test("140: closing ends all who wait: readers see the end, publishers reject with their values", async () => {
  const topic = new Topic<string>({ capacity: 1, name: "news" });
  using keeper = topic.subscribe({ lossless: true });
  using idle = topic.subscribe({ replay: 0 });
  await topic.publish("first");
  assertEquals(unread(idle), ["first"]);
  const reads = [
    idle.receive(),
    idle.receiveMany(3, { min: 1 }),
    idle[Symbol.asyncIterator]().next(),
    select({ value: recv(idle) }),
  ];
  const taken = failure(idle.take());
  const foreign = new ForeignSelect(taking(idle));
  const published = failure(topic.publish("second"));
  const selected = failure(select({ sent: send(topic, "third") }));
  const offered = new ForeignSelect(offering(topic, "fourth"));
  const reason = new Error("out of paper");
  topic.close(reason);
  for (const [at, sent] of [published, selected].entries()) {
    const refused = await sent;
    assert(refused instanceof ClosedError);
    assertEquals([refused.value, refused.cause], [["second", "third"][at], reason]);
    assert(refused.message.includes(`the topic "news"`));
  }
  assert(offered.error instanceof ClosedError);
  assertEquals<unknown>(await reads[0], { ok: false, value: undefined, error: reason });
  assertStrictEquals(await failure(reads[1]!), reason);
  assertStrictEquals(await failure(reads[2]!), reason);
  assertEquals<unknown>(await reads[3], {
    key: "value",
    ok: false,
    value: undefined,
    error: reason,
  });
  assertStrictEquals(await taken, reason);
  assertEquals([foreign.ok, foreign.error], [false, reason]);
  assertEquals([lines(idle), publishers(topic), unread(keeper)], [nobody, 0, ["first"]]);
});

Deno.test("140: what comes after the end is refused, with its value; a second close throws, disposing not", async () => {
  const topic = new Topic<number>();
  using _ = topic.subscribe();
  assertFalse(topic.closed);
  topic.close();
  assert(topic.closed);
  const refused = await failure(topic.publish(1));
  assert(refused instanceof ClosedError);
  assertEquals(refused.value, 1);
  assertEquals(assertThrows(() => topic.tryPublish(2), ClosedError).value, 2);
  assertThrows(() => topic.close(), ClosedError, "closed already");
  topic[Symbol.dispose]();
  assertEquals(topic.stats().published, 0);
});

Deno.test("140: disposing a subscription ends its calls that wait, and it gets nothing more", async () => {
  const topic = new Topic<number>();
  const subscription = topic.subscribe({ name: "mine" });
  const other = topic.subscribe();
  const spied = spiedController();
  const { signal } = spied;
  const reads = [
    subscription.receive(signal),
    subscription.receiveMany(3, { min: 3, linger: 60_000, signal }),
    subscription[Symbol.asyncIterator]().next(),
    select({ value: recv(subscription) }, signal),
  ];
  const taken = failure(subscription.take(signal));
  subscription[Symbol.dispose]();
  assertEquals<unknown>(await Promise.all(reads), [
    { ok: false, value: undefined },
    [],
    { done: true, value: undefined },
    { key: "value", ok: false, value: undefined },
  ]);
  const refused = await taken;
  assert(refused instanceof ClosedError && refused.message.includes(`the subscription "mine"`));
  assertEquals([spied.listeners, lines(subscription)], [0, nobody]);
  fill(topic, 2);
  assertEquals([subscription.length, subscription.closed, unread(other)], [0, true, [0, 1]]);
  assertEquals(await subscription.receive(), { ok: false, value: undefined });
  assertEquals(topic.stats().subscriptions, 1);
  const batch = other.receiveMany(3, { min: 3 });
  fill(topic, 2);
  other[Symbol.dispose]();
  assertEquals([await batch, other.length, topic.stats().retained], [[], 0, 0]);
});

Deno.test("140: disposing lets go of what is unread, also after the topic was closed", async () => {
  const topic = new Topic<number>();
  const subscription = topic.subscribe();
  fill(topic, 3);
  topic.close("over");
  assertEquals(topic.stats().retained, 3);
  subscription[Symbol.dispose]();
  assertEquals(topic.stats().retained, 0);
  assertEquals(await subscription.receive(), { ok: false, value: undefined, error: "over" });
});

Deno.test("140: the parent's end closes the topic, in the same step; so does one that has ended", async () => {
  using ctx = withCancel(background());
  const topic = new Topic<number>({ parent: ctx, capacity: 1 });
  const subscription = topic.subscribe({ lossless: true });
  const idle = topic.subscribe();
  fill(topic, 1);
  unread(idle);
  const waiting = idle.receive();
  const parked = failure(topic.publish(1));
  ctx.cancel("enough");
  assert(topic.closed);
  assertEquals(await waiting, { ok: false, value: undefined, error: "enough" });
  assertEquals((await parked as ClosedError).cause, "enough");
  assertEquals(unread(subscription), [0]);
  assertStrictEquals(await failure(subscription.take()), "enough");

  const stillborn = new Topic<number>({ parent: AbortSignal.abort("before") });
  assert(stillborn.closed);
  assertEquals(stillborn.subscribe().tryReceive(), {
    ok: false,
    value: undefined,
    error: "before",
  });
});

Deno.test("140: the parent of a subscription ends it, with the cause, and what it held is let go", async () => {
  const spied = spiedController();
  const { signal } = spied;
  const topic = new Topic<number>({ capacity: 1 });
  const slow = topic.subscribe({ lossless: true, parent: signal });
  fill(topic, 1);
  const parked = topic.publish(1);
  spied.abort("done with it");
  await parked;
  assertStrictEquals(await failure(slow.take()), "done with it");
  assertEquals([spied.listeners, topic.stats().subscriptions, topic.stats().retained], [0, 0, 0]);
  const late = topic.subscribe({ parent: signal });
  assertEquals([late.closed, topic.stats().subscriptions], [true, 0]);
});

Deno.test("140: what is over hangs on its parent no more", () => {
  const spied = spiedController();
  const { signal } = spied;
  const topic = new Topic<number>({ parent: signal });
  const subscription = topic.subscribe({ parent: signal });
  assertEquals(spied.listeners, 1);
  topic.close();
  assertEquals(spied.listeners, 1);
  subscription[Symbol.dispose]();
  assertEquals(spied.listeners, 0);
});

// ---- cancelling ----

Deno.test("140: a cancelled read takes nothing and leaves nothing, by every call that can be cancelled", async () => {
  for (const name of ["receive", "receiveMany", "select"]) {
    const topic = new Topic<number>({ capacity: 1 });
    using subscription = topic.subscribe({ lossless: true });
    const spied = spiedController();
    const waiting = ways[name]!(subscription, spied.signal);
    const behind = subscription.receive();
    assertEquals(spied.listeners, 1);
    spied.abort("gone");
    assertEquals([await failure(waiting), spied.listeners], ["gone", 0]);
    assertEquals(lines(subscription), { takers: 1, putters: 0 });
    fill(topic, 1);
    assertEquals([await behind, lines(subscription)], [{ ok: true, value: 0 }, nobody]);
    assert(
      await failure(ways[name]!(subscription, { timeout: 0 })) instanceof DeadlineExceededError,
    );
    fill(topic, 1, 1);
    assertEquals(unread(subscription), [1]);
  }
});

Deno.test("140, R18: an ended context goes first: nothing is published, nothing read", async () => {
  const topic = new Topic<number>();
  using subscription = topic.subscribe();
  fill(topic, 1);
  const ended = AbortSignal.abort("before");
  assertEquals(await failure(topic.publish(1, ended)), "before");
  for (const name of ["receive", "receiveMany", "select"]) {
    assertEquals(await failure(ways[name]!(subscription, ended)), "before");
  }
  topic.close();
  assertEquals(await failure(topic.publish(1, ended)), "before");
  assertEquals(unread(subscription), [0]);
});

Deno.test("140: a value that was handed over stays so when the call is cancelled after that", async () => {
  const topic = new Topic<number>();
  using subscription = topic.subscribe();
  using ctx = withCancel(background());
  const got = subscription.receive(ctx);
  fill(topic, 1);
  ctx.cancel("too late");
  assertEquals([await got, subscription.length], [{ ok: true, value: 0 }, 0]);
});

// ---- batches ----

Deno.test("140: a batch that fills keeps its values in the subscription, and others behind it", async () => {
  using clock = fakeClock();
  const topic = new Topic<number>({ capacity: 4 });
  using subscription = topic.subscribe();
  const spied = spiedController();
  const cancelled = subscription.receiveMany(3, { min: 3, linger: 10, signal: spied.signal });
  const behind = subscription.receive();
  fill(topic, 2);
  assertEquals([subscription.length, subscription.tryReceive(), clock.timers], [2, undefined, 1]);
  spied.abort("gone");
  assertEquals(await failure(cancelled), "gone");
  assertEquals([await behind, clock.timers, spied.listeners], [{ ok: true, value: 0 }, 0, 0]);

  const late = subscription.receiveMany(3, { min: 3, linger: 10 });
  await clock.tick(9);
  assertEquals(await state(late), "pending");
  await clock.tick(1);
  assertEquals([await late, clock.timers], [[1], 0]);

  // It parks beside a value, and has to hear of the next ones all the same.
  fill(topic, 1, 2);
  const enough = subscription.receiveMany(3, { min: 3 });
  fill(topic, 1, 3);
  assertEquals(await state(enough), "pending");
  fill(topic, 1, 4);
  assertEquals([await enough, subscription.missed], [[2, 3, 4], 0]);
});

Deno.test("140: a batch takes what there is when the subscription is as far behind as it may be", async () => {
  for (const lossless of [false, true]) {
    const topic = new Topic<number>({ capacity: 2 });
    using subscription = topic.subscribe({ lossless });
    const batch = subscription.receiveMany(5, { linger: Infinity });
    fill(topic, 3);
    assertEquals([await batch, unread(subscription), subscription.missed], [[0, 1], [2], 0]);
    assert(await failure(subscription.receiveMany(5, { min: 3 })) instanceof RangeError);
  }
});

// ---- select, and other copies ----

Deno.test("140: a select over two subscriptions to one topic takes a value from one of them", async () => {
  for (const lossless of [false, true]) {
    const topic = new Topic<number>({ capacity: 1 });
    const [one, other] = [topic.subscribe({ lossless }), topic.subscribe({ lossless })];
    const both = select({ one: recv(one), other: recv(other) });
    const sent = [topic.publish(0), topic.publish(1)];
    const { key, value } = await both;
    const [winner, loser] = key === "one" ? [one, other] : [other, one];
    assertEquals([value, winner.length, loser.length], [0, lossless ? 0 : 1, 1]);
    assertEquals([unread(loser), unread(winner)], [lossless ? [0, 1] : [1], [1]]);
    await Promise.all(sent);
    assertEquals([lines(one), lines(other)], [nobody, nobody]);
  }
});

Deno.test("140: a select that publishes and receives on one topic does one of both", async () => {
  const topic = new Topic<string>({ capacity: 1 });
  using keeper = topic.subscribe({ lossless: true });
  using idle = topic.subscribe();
  await topic.publish("a");
  unread(idle);
  const both = select({ sent: send(topic, "mine"), got: recv(idle), late: after(60_000) });
  assertEquals([lines(idle).takers, publishers(topic)], [1, 1]);
  assertEquals(keeper.tryReceive()?.value, "a");
  assertEquals((await both).key, "sent");
  assertEquals([unread(idle), unread(keeper)], [["mine"], ["mine"]]);

  await topic.publish("b");
  unread(idle);
  const parked = topic.publish("c");
  const again = select({ sent: send(topic, "mine"), got: recv(idle) });
  assertEquals(keeper.tryReceive()?.value, "b");
  const outcome = await again;
  assertEquals([outcome.key, outcome.value], ["got", "c"]);
  assertEquals([unread(keeper), unread(idle), publishers(topic)], [["c"], [], 0]);
  await parked;
});

Deno.test("140, R16: foreign selects, and those of another copy, publish and receive in their turn", async () => {
  const theirs = await secondCopy();
  const topic = new Topic<string>({ capacity: 1 });
  using keeper = topic.subscribe({ lossless: true });
  using other = topic.subscribe();
  const got = theirs.select({ value: theirs.recv(other) });
  const foreign = new ForeignSelect(taking(other));
  assertEquals((await theirs.select({ sent: theirs.send(topic, "a") })).key, "sent");
  assertEquals((await got).value, "a");
  assertFalse(foreign.decided);
  const parked = theirs.select({ sent: theirs.send(topic, "b") });
  const offered = new ForeignSelect(offering(topic, "c"));
  const last = topic.publish("d");
  assertEquals(keeper.tryReceive()?.value, "a");
  assertEquals([(await parked).key, foreign.value, offered.decided], ["sent", "b", false]);
  assertEquals(keeper.tryReceive()?.value, "b");
  assertEquals([offered.decided, keeper.tryReceive()?.value], [true, "c"]);
  await last;
  assertEquals([keeper.tryReceive()?.value, unread(other), other.missed], ["d", ["d"], 1]);
  assertEquals([lines(other), publishers(topic)], [nobody, 0]);
});

Deno.test("140, R32: a foreign waiter that declines keeps its place, and loses nothing for others", async () => {
  const topic = new Topic<string>();
  using subscription = topic.subscribe();
  const shy = new ForeignSelect(taking(subscription));
  shy.declines = true;
  await topic.publish("a");
  assertEquals([shy.wakes, subscription.length], [1, 1]);
  const behind = subscription.receive();
  assertEquals(await behind, { ok: true, value: "a" });
  shy.declines = false;
  await topic.publish("b");
  assertEquals([shy.value, subscription.length, lines(subscription)], ["b", 0, nobody]);
});

Deno.test("140: code that runs while a value is handed over may close the topic: all who wait are told", async () => {
  const topic = new Topic<unknown>();
  using subscription = topic.subscribe();
  using member = topic.group("workers").join();
  using ctx = withCancel(background());
  const sly = {
    get then() {
      if (!topic.closed) topic.close();
      return undefined;
    },
  };
  const calls = [subscription, member].flatMap((receiver) => {
    // It holds up those behind it, who are then served in one go.
    receiver.receiveMany(3, { min: 3, ctx }).catch(() => {});
    return [receiver.take(), receiver.take(), receiver.take()];
  });
  assert(topic.tryPublish(sly));
  assert(topic.tryPublish("last"));
  ctx.cancel();
  assertEquals(await Promise.all(calls.map(state)), [
    ...["fulfilled", "fulfilled", "rejected"],
    ...["fulfilled", "fulfilled", "rejected"],
  ]);
});

Deno.test("140: code that runs while a value is handed over may use the topic", async () => {
  const topic = new Topic<unknown>({ capacity: 2 });
  using first = topic.subscribe({ lossless: true });
  using second = topic.subscribe();
  let asked = 0;
  const sly = {
    get then() {
      if (asked++ === 0) {
        assert(topic.tryPublish("from within"));
        assertEquals(second.length, 2);
      }
      return undefined;
    },
  };
  const got = [first.take(), first.take()];
  assert(topic.tryPublish(sly));
  assertEquals(asked > 0, true);
  const [one, two] = await Promise.all(got);
  assertStrictEquals(one, sly);
  assertEquals(two, "from within");
  assertStrictEquals(second.tryReceive()?.value, sly);
  assertEquals(unread(second), ["from within"]);
});

// ---- what stays ----

Deno.test("140: a value is let go when all have read it, or will not", async () => {
  const topic = new Topic<object>({ capacity: 100, replay: 1 });
  const [one, other, third] = [topic.subscribe(), topic.subscribe(), topic.subscribe()];
  const refs: WeakRef<object>[] = [];
  const publish = (count: number): void => {
    for (let n = 0; n < count; n++) {
      const value = { n };
      refs.push(new WeakRef(value));
      assert(topic.tryPublish(value));
    }
  };
  publish(20);
  assertEquals(topic.stats().retained, 20);
  for (const reader of [one, other]) for (let n = 0; n < 10; n++) reader.tryReceive();
  assertEquals(topic.stats().retained, 20);
  for (let n = 0; n < 5; n++) third.tryReceive();
  assertEquals(topic.stats().retained, 15);
  third[Symbol.dispose]();
  assertEquals(topic.stats().retained, 10);
  // What passes a subscription by is gone as well.
  unread(one);
  publish(150);
  assertEquals([other.missed, topic.stats().retained], [60, 100]);
  assertEquals(await held(refs.slice(0, 70)), 0);
  assertEquals([unread(one).length, unread(other).length], [100, 100]);
  assertEquals(topic.stats().retained, 1);
});

Deno.test("140: what was disposed, cancelled or refused is not kept", async () => {
  const topic = new Topic<object>({ capacity: 1 });
  using keeper = topic.subscribe({ lossless: true });
  topic.tryPublish({});
  const refs: WeakRef<object>[] = [];
  const runOnce = async (): Promise<void> => {
    using ctx = withCancel(background());
    const value = {};
    const onLag = (): void => {};
    const subscription = topic.subscribe({ onLag });
    const iterator = subscription[Symbol.asyncIterator]();
    const waiting = subscription.receive(ctx).catch(() => {});
    refs.push(new WeakRef(coreOf(subscription)!), new WeakRef(onLag));
    const next = iterator.next();
    const parked = topic.publish(value, ctx).catch(() => {});
    refs.push(...[value, subscription, iterator, waiting, parked].map((of) => new WeakRef(of)));
    ctx.cancel();
    subscription[Symbol.dispose]();
    await Promise.all([waiting, parked, next]);
  };
  for (let n = 0; n < 10; n++) await runOnce();
  assertEquals([await held(refs), topic.stats().subscriptions, keeper.length], [0, 1, 1]);
});

Deno.test("140: without a bound nothing is missed and nobody waits; a long backlog gives its room back", async () => {
  const topic = new Topic<number>({ capacity: Infinity });
  using lossy = topic.subscribe();
  using keeper = topic.subscribe({ lossless: true });
  fill(topic, 20_000);
  assertEquals([lossy.missed, lossy.length, keeper.length], [0, 20_000, 20_000]);
  for (let n = 0; n < 20_000; n++) {
    assertEquals(lossy.tryReceive()?.value, n);
    assertEquals(keeper.tryReceive()?.value, n);
  }
  assertEquals(topic.stats().retained, 0);
  const waiting = lossy.take();
  fill(topic, 3, 7);
  assertEquals([await waiting, unread(lossy), unread(keeper)], [7, [8, 9], [7, 8, 9]]);
});

Deno.test("140: a long backlog gives its room back also where some values stay", async () => {
  const topic = new Topic<number>({ capacity: Infinity, replay: 1 });
  using reader = topic.subscribe();
  const before = await heapUsed();
  fill(topic, 100_000);
  const long = await heapUsed();
  for (let n = 0; n < 100_000; n++) reader.tryReceive();
  const after = await heapUsed();
  assert(long - before > 1e6, "it takes room");
  assert(
    after - before < (long - before) / 4,
    `${after - before} of ${long - before} bytes are left`,
  );
});

// ---- what is handed in ----

Deno.test("140: what a topic and its subscriptions tell of themselves", () => {
  const topic = new Topic<number>({ capacity: 3, replay: 1, name: "prices" });
  const named = topic.subscribe({ name: "chart" });
  assertEquals([topic.name, topic.capacity, named.name, named.capacity], ["prices", 3, "chart", 3]);
  assertEquals([new Topic().capacity, new Topic().name], [256, undefined]);
  void named.receive();
  assertEquals(named.stats(), { received: 0, missed: 0, unread: 0, waiting: 1 });
  fill(topic, 2);
  assertEquals(named.stats(), { received: 1, missed: 0, unread: 1, waiting: 0 });
  assertEquals(topic.stats(), {
    published: 2,
    retained: 1,
    subscriptions: 1,
    groups: 0,
    waiting: 0,
  });
});

Deno.test("140, R17: bad arguments are refused, and leave nothing", async () => {
  const bad = (options: unknown): Topic<number> => new Topic(options as TopicOptions);
  for (const options of [null, 3, "options"]) {
    assertThrows(() => bad(options), TypeError, "options");
  }
  for (const capacity of [0, -1, 1.5, NaN]) {
    assertThrows(() => bad({ capacity }), RangeError, "capacity");
  }
  assertThrows(() => bad({ capacity: "4" }), TypeError, "capacity");
  for (const replay of [-1, 0.5, NaN]) assertThrows(() => bad({ replay }), RangeError, "replay");
  assertThrows(() => bad({ capacity: 2, replay: 3 }), RangeError, "at most capacity, 2: 3");
  assertThrows(() => bad({ name: 1 }), TypeError, "name");
  for (const parent of [null, {}, "signal"]) {
    assertThrows(() => bad({ parent }), TypeError, "parent");
  }
  const topic = new Topic<number>();
  const subscribe = (options: unknown) => topic.subscribe(options as { name: string });
  for (const options of [null, 3]) assertThrows(() => subscribe(options), TypeError, "options");
  for (const replay of [-1, 0.5, NaN]) {
    assertThrows(() => subscribe({ replay }), RangeError, "replay");
  }
  assertThrows(() => subscribe({ lossless: 1 }), TypeError, "lossless must be true or false");
  for (const onLag of [null, 3, {}]) assertThrows(() => subscribe({ onLag }), TypeError, "onLag");
  assertThrows(() => subscribe({ name: null }), TypeError, "name");
  for (const parent of [null, {}]) assertThrows(() => subscribe({ parent }), TypeError, "parent");
  assertEquals(topic.stats().subscriptions, 0);
  fill(topic, 1);
  assertEquals(topic.stats().retained, 0);
  assert(await failure(topic.publish(1, null as unknown as Wait)) instanceof TypeError);
  assert(await failure(topic.publish(1, { timeout: NaN })) instanceof RangeError);
  using subscription = topic.subscribe();
  assert(await failure(subscription.receive(3 as unknown as Wait)) instanceof TypeError);
  assert(await failure(subscription.receiveMany(0)) instanceof RangeError);
});

Deno.test("140: who has been served, or is closed, has no place among those who wait", () => {
  const values = [1, 2];
  const source = {
    get length() {
      return values.length;
    },
    read: () => values.shift(),
  };
  const audience = new Audience();
  const [one, other] = [1, 2].map(() => new Outlet(source, audience, 9, "reader", undefined));
  void one!.core.take(receiving);
  assertEquals([one!.received, audience.empty], [1, true]);
  values.length = 0;
  void one!.core.take(receiving);
  void other!.core.take(receiving);
  values.push(3);
  audience.serve(source);
  assertEquals([one!.received, other!.received, audience.empty], [2, 0, false]);
  values.push(4);
  audience.serve(source);
  assertEquals([one!.received, other!.received, audience.empty], [2, 1, true]);
  void one!.core.take(receiving);
  one!.close(undefined);
  assert(audience.empty);

  const closing = new Audience((core) => core.close());
  void new Outlet(source, closing, 9, "reader", undefined).core.take(receiving);
  assert(closing.empty);
});

Deno.test("140: the values of a topic can be let go of, whoever has yet to read them", () => {
  const log = new TopicLog(4, 2);
  const readers = [true, false].map((lossless) =>
    new TopicReader(log, { replay: 0, lossless, onLag: undefined })
  );
  for (let n = 0; n < 3; n++) log.push(n);
  assertEquals([log.length, log.shift(), log.length], [3, 0, 2]);
  log.clear();
  assertEquals([log.length, log.head - log.tail], [0, 0]);
  log.push(3);
  assertEquals(readers.map((reader) => [reader.missed, reader.read()]), [[3, 3], [3, 3]]);
  assertEquals(readers.map((reader) => reader.serve()), [false, false]);
  assertEquals([log.length, log.head - log.tail], [0, 1]);
});

Deno.test("140: nothing can be put into a subscription", () => {
  using subscription = new Topic<number>().subscribe();
  assertThrows(() => coreOf(subscription)!.restore(1), TypeError);
  assertThrows(() => send(subscription as unknown as Channel<number>, 1), TypeError);
});

Deno.test("140: a topic takes what is narrower, a subscription gives what is wider", () => {
  law<Fits<Subscription<number>, Receiver<number>>>();
  law<Fits<Subscription<number>, Subscription<number | string>>>();
  law<Not<Fits<Subscription<number | string>, Subscription<number>>>>();
  law<Not<Fits<Topic<number>, Topic<number | string>>>>();
  law<Not<Fits<Topic<number | string>, Topic<number>>>>();
});
