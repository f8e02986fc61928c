import { assert, assertEquals, assertFalse, assertStrictEquals, assertThrows } from "@std/assert";
import {
  background,
  ClosedError,
  type Receiver,
  recv,
  select,
  send,
  type Wait,
  withCancel,
} from "../mod.ts";
import { coreOf } from "../core/core_of.ts";
import {
  type ConsumerGroup,
  type JoinOptions,
  type Member,
  type ReadOptions,
  Topic,
} from "../flow/mod.ts";
import { fakeClock } from "./support/clock.ts";
import { held } from "./support/collect.ts";
import { ForeignSelect, taking } from "./support/foreign_select.ts";
import { type Fits, law, type Not } from "./support/laws.ts";
import { lines } from "./support/lines.ts";
import { failure } from "./support/queues.ts";
import { settled, state } from "./support/settle.ts";
import { spiedController } from "./support/spied_signal.ts";

const nobody = { takers: 0, putters: 0 };

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

// ---- sharing ----

Deno.test("141: each value goes to one member of each group, and to every subscription", async () => {
  const topic = new Topic<number>();
  const groups = ["billing", "shipping"].map((name) => topic.group(name, { lossless: true }));
  using subscription = topic.subscribe();
  const seen = groups.map(() => [] as number[][]);
  const working = groups.flatMap((group, at) =>
    Array.from({ length: 3 }, async () => {
      const own: number[] = [];
      seen[at]!.push(own);
      for await (const n of group.join()) {
        own.push(n);
        await settled();
      }
    })
  );
  for (let n = 0; n < 12; n++) await topic.publish(n);
  topic.close();
  await Promise.all(working);
  const all = Array.from({ length: 12 }, (_, n) => n);
  for (const members of seen) {
    assertEquals(members.flat().toSorted((a, b) => a - b), all);
    for (const own of members) {
      assertEquals(own, own.toSorted((a, b) => a - b));
      assert(own.length > 0, "a member that waits is passed over");
    }
  }
  assertEquals(unread(subscription), all);
});

Deno.test("141: of the members that wait, the one that has waited longest is served first", async () => {
  const topic = new Topic<number>();
  const group = topic.group("workers");
  const [one, two, three] = [group.join(), group.join(), group.join()];
  const calls = [two.take(), one.take(), three.take(), one.take()];
  fill(topic, 4);
  assertEquals(await Promise.all(calls), [0, 1, 2, 3]);
  assertEquals([one.received, two.received, three.received], [2, 1, 1]);
});

Deno.test("141: a member with several calls that wait takes its turn with the others", async () => {
  const topic = new Topic<number>();
  const group = topic.group("workers");
  const [greedy, modest] = [group.join(), group.join()];
  const calls = [
    greedy.take(),
    greedy[Symbol.asyncIterator]().next().then(({ value }) => value),
    select({ value: recv(greedy) }).then(({ value }) => value),
    modest.take(),
    modest.receive().then(({ value }) => value),
  ];
  fill(topic, 5);
  assertEquals(await Promise.all(calls), [0, 2, 4, 1, 3]);
});

Deno.test("141: whose calls have all given up has no place in line", async () => {
  const topic = new Topic<number>();
  const group = topic.group("workers");
  const [one, other] = [group.join(), group.join()];
  using ctx = withCancel(background());
  const gone = [failure(one.take(ctx)), failure(select({ value: recv(one) }, ctx))];
  const waiting = other.take();
  ctx.cancel("gone");
  const late = one.take();
  fill(topic, 2);
  assertEquals([await Promise.all(gone), await waiting, await late], [["gone", "gone"], 0, 1]);
  assertEquals(group.stats(), { members: 2, received: 2, missed: 0, unread: 0, waiting: 0 });
});

Deno.test("141: what no member has taken stays with the group, whoever comes and goes", async () => {
  const topic = new Topic<number>();
  const group = topic.group("workers");
  fill(topic, 3);
  assertEquals([group.length, group.stats().members], [3, 0]);
  const first = group.join();
  assertEquals([first.length, await first.take()], [3, 0]);
  first[Symbol.dispose]();
  assertEquals([first.length, await first.receive()], [0, { ok: false, value: undefined }]);
  fill(topic, 1, 3);
  assertEquals([group.length, unread(group.join()), group.length], [3, [1, 2, 3], 0]);
});

Deno.test("141: a batch that fills holds up the calls of its own member, not the others", async () => {
  using clock = fakeClock();
  const topic = new Topic<number>({ capacity: 3 });
  const group = topic.group("workers");
  const [one, other] = [group.join(), group.join()];
  const batch = one.receiveMany(3, { min: 2, linger: 10 });
  const behind = one.receive();
  const waiting = other.take();
  fill(topic, 1);
  assertEquals([await waiting, await state(behind)], [0, "pending"]);
  fill(topic, 1, 1);
  assertEquals([one.tryReceive(), other.tryReceive()?.value], [undefined, 1]);
  // The time is up, but others have taken what there was: it goes on, and its time starts anew.
  await clock.tick(10);
  assertEquals([await state(batch), clock.timers], ["pending", 0]);
  fill(topic, 1, 2);
  await clock.tick(9);
  assertEquals(await state(batch), "pending");
  await clock.tick(1);
  assertEquals(await batch, [2]);
  fill(topic, 1, 3);
  assertEquals([await behind, clock.timers, lines(one)], [{ ok: true, value: 3 }, 0, nobody]);
});

Deno.test("141: a batch takes what there is when the group is as far behind as it may be", async () => {
  for (const lossless of [false, true]) {
    const topic = new Topic<number>({ capacity: 2 });
    const group = topic.group("workers", { lossless });
    const batch = group.join().receiveMany(9, { linger: Infinity });
    fill(topic, 3);
    assertEquals([await batch, group.length, group.missed], [[0, 1], 1, 0]);
  }
});

Deno.test("141: a batch that is first in line with enough takes all of it", async () => {
  const topic = new Topic<number>();
  const group = topic.group("workers");
  const [one, other] = [group.join(), group.join()];
  const [small, large] = [one.receiveMany(9, { min: 2 }), other.receiveMany(9, { min: 3 })];
  fill(topic, 2);
  assertEquals([await small, await state(large)], [[0, 1], "pending"]);
  fill(topic, 3, 2);
  assertEquals(await large, [2, 3, 4]);
});

// ---- lag and backpressure ----

Deno.test("50, 141: a slow group misses values as one, and is told once", async () => {
  const topic = new Topic<number>({ capacity: 2 });
  const told: number[] = [];
  const group = topic.group("workers", { onLag: (missed) => told.push(missed) });
  const [one, other] = [group.join(), group.join()];
  fill(topic, 5);
  assertEquals([group.missed, group.length, one.length, other.length], [3, 2, 2, 2]);
  assertEquals([await other.take(), await one.take(), told], [3, 4, [3]]);
  assertEquals(group.stats(), { members: 2, received: 2, missed: 3, unread: 0, waiting: 0 });
});

Deno.test("141: a lossless group holds publishers up until a member takes, or the group is disposed", async () => {
  const topic = new Topic<number>({ capacity: 1 });
  const group = topic.group("workers", { lossless: true });
  assert(group.lossless);
  fill(topic, 1);
  const parked = [topic.publish(1), topic.publish(2), topic.publish(3)];
  using member = group.join();
  assertEquals([member.tryReceive()?.value, topic.stats().waiting], [0, 2]);
  assertEquals([member.tryReceive()?.value, topic.stats().waiting], [1, 1]);
  member[Symbol.dispose]();
  assertEquals(topic.stats().waiting, 1);
  group[Symbol.dispose]();
  assertEquals(topic.stats(), {
    published: 4,
    retained: 0,
    subscriptions: 0,
    groups: 0,
    waiting: 0,
  });
  await Promise.all(parked);
});

Deno.test("141: many members that wait are served one each", async () => {
  const topic = new Topic<number>({ capacity: 1 });
  const group = topic.group("workers", { lossless: true });
  const members = Array.from({ length: 2_000 }, () => group.join());
  const calls = members.map((member) => member.take());
  for (let n = 0; n < 2_000; n++) await topic.publish(n);
  assertEquals(await Promise.all(calls), Array.from({ length: 2_000 }, (_, n) => n));
});

// ---- beginning ----

Deno.test("141: a group begins as a subscription does: with what comes next, or what is replayed", () => {
  const topic = new Topic<number>({ replay: 2 });
  fill(topic, 3);
  const [some, none, one] = [undefined, 0, 1].map((replay) =>
    topic.group(`from ${replay}`, { replay })
  );
  fill(topic, 1, 3);
  assertEquals([some, none, one].map((group) => unread(group!.join())), [[1, 2, 3], [3], [2, 3]]);
});

Deno.test("141: the group of a name is one, until it is disposed", () => {
  const topic = new Topic<number>();
  const group = topic.group("workers", { lossless: true });
  assertStrictEquals(topic.group("workers"), group);
  assertStrictEquals(topic.group("workers", { lossless: true }), group);
  assertThrows(() => topic.group("workers", { lossless: false }), TypeError, "is true already");
  fill(topic, 1);
  group[Symbol.dispose]();
  group[Symbol.dispose]();
  const next = topic.group("workers");
  assertFalse(next === group || next.lossless || next.length > 0);
  group[Symbol.dispose]();
  assertStrictEquals(topic.group("workers"), next);
  assertEquals([next.name, topic.stats().groups], ["workers", 1]);
});

// ---- leaving ----

Deno.test("141: leaving ends the member's calls that wait, and takes nothing from the others", async () => {
  using clock = fakeClock();
  const topic = new Topic<number>();
  const group = topic.group("workers");
  const leaving = group.join({ name: "the first" });
  const staying = group.join();
  const spied = spiedController();
  const foreign = new ForeignSelect(taking(leaving));
  const calls = [
    leaving.receive(spied.signal),
    leaving.receiveMany(3, { min: 3, linger: 10, signal: spied.signal }),
    leaving[Symbol.asyncIterator]().next(),
    select({ value: recv(leaving) }, spied.signal),
  ];
  const taken = failure(leaving.take({ timeout: 60_000 }));
  const waiting = staying.take();
  leaving[Symbol.dispose]();
  assertEquals<unknown>(await Promise.all(calls), [
    { ok: false, value: undefined },
    [],
    { done: true, value: undefined },
    { key: "value", ok: false, value: undefined },
  ]);
  const refused = await taken;
  assert(refused instanceof ClosedError && refused.message.includes(`the member "the first"`));
  assertEquals([foreign.ok, lines(leaving), spied.listeners, clock.timers], [false, nobody, 0, 0]);
  fill(topic, 2);
  assertEquals([await waiting, unread(staying)], [0, [1]]);
  assertEquals([leaving.closed, staying.closed, group.closed], [true, false, false]);
  leaving[Symbol.dispose]();
  assertEquals(group.stats().members, 1);
});

Deno.test("141: a member that leaves in the middle of a batch leaves its values to the others", async () => {
  using clock = fakeClock();
  const topic = new Topic<number>();
  const group = topic.group("workers");
  const leaving = group.join();
  const batch = leaving.receiveMany(3, { linger: 10 });
  fill(topic, 2);
  leaving[Symbol.dispose]();
  assertEquals([await batch, clock.timers, unread(group.join())], [[], 0, [0, 1]]);
});

Deno.test("141: disposing the group ends all its members, and nobody can join it any more", async () => {
  const topic = new Topic<number>();
  const group = topic.group("workers");
  const members = [group.join(), group.join()];
  const calls = members.map((member) => member.receive());
  group[Symbol.dispose]();
  assertEquals(await Promise.all(calls), [
    { ok: false, value: undefined },
    { ok: false, value: undefined },
  ]);
  fill(topic, 1);
  assertEquals([group.closed, group.length, members[0]!.length], [true, 0, 0]);
  assertThrows(() => group.join(), ClosedError, `the group "workers" was disposed`);
  assertEquals(group.stats().members, 0);
  for (const member of members) member[Symbol.dispose]();
  assertEquals(group.stats(), { members: 0, received: 0, missed: 0, unread: 0, waiting: 0 });
});

Deno.test("141: closing the topic gives members what is unread, also those who join later, then the end", async () => {
  const error = new Error("broken");
  const topic = new Topic<number>({ capacity: 4 });
  const group = topic.group("workers");
  const [one, other] = [group.join(), group.join()];
  const small = one.receiveMany(3, { min: 3 });
  fill(topic, 2);
  const waiting = failure(topic.group("idle").join().take());
  topic.close(error);
  assertEquals([await small, group.closed, one.closed], [[0, 1], true, true]);
  assertStrictEquals(await waiting, error);
  assertEquals(await other.receive(), { ok: false, value: undefined, error });

  const second = new Topic<number>({ replay: 1 });
  const kept = second.group("workers");
  fill(second, 2);
  second.close();
  assertEquals([kept.closed, kept.length], [true, 2]);
  const late = kept.join();
  assertEquals([late.closed, await late.take(), await late.receiveMany(3)], [true, 0, [1]]);
  assertEquals(await late.receive(), { ok: false, value: undefined });
  const latest = second.group("too late");
  assertEquals([latest.closed, unread(latest.join())], [true, [1]]);
  kept[Symbol.dispose]();
  assertThrows(() => kept.join(), ClosedError);
  const [broken] = [topic.group("workers")];
  broken[Symbol.dispose]();
  assertStrictEquals(assertThrows(() => broken.join(), ClosedError).cause, error);
});

Deno.test("141: the parent of a group ends it, with the cause", async () => {
  const spied = spiedController();
  const topic = new Topic<number>({ capacity: 1 });
  const group = topic.group("workers", { lossless: true, parent: spied.signal });
  const member = group.join();
  fill(topic, 1);
  assertEquals(await member.take(), 0);
  const waiting = failure(member.take());
  spied.abort("enough");
  assertEquals([await waiting, group.closed, spied.listeners], ["enough", true, 0]);
  assertEquals(assertThrows(() => group.join(), ClosedError).cause, "enough");
  const stillborn = topic.group("workers", { parent: spied.signal });
  assertEquals([stillborn.closed, topic.stats().groups], [true, 0]);

  const other = spiedController();
  const closed = new Topic<number>();
  closed.group("workers", { parent: other.signal })[Symbol.dispose]();
  assertEquals(other.listeners, 0);
});

Deno.test("141: a parent that has ended already ends a group of a closed topic, too", () => {
  const topic = new Topic<number>({ replay: 1 });
  fill(topic, 1);
  topic.close("over");
  const group = topic.group("workers", { parent: AbortSignal.abort("before") });
  assertEquals([group.closed, group.length, topic.stats().retained], [true, 0, 1]);
  assertEquals(assertThrows(() => group.join(), ClosedError).cause, "before");
});

Deno.test("141: a select of a member and a publish to its topic does one of both", async () => {
  const topic = new Topic<string>({ capacity: 1 });
  const group = topic.group("workers", { lossless: true });
  using keeper = topic.subscribe({ lossless: true });
  const [one, other] = [group.join(), group.join()];
  assert(topic.tryPublish("a"));
  assertEquals(one.tryReceive()?.value, "a");
  const both = select({ sent: send(topic, "mine"), got: recv(one) });
  const behind = other.take();
  assertEquals(keeper.tryReceive()?.value, "a");
  assertEquals((await both).key, "sent");
  assertEquals([await behind, one.length, keeper.length], ["mine", 0, 1]);
});

// ---- what stays ----

Deno.test("141: members that come, wait and go leave nothing behind, though nothing is published", async () => {
  const topic = new Topic<number>();
  const group = topic.group("workers");
  const refs: WeakRef<object>[] = [];
  const runOnce = async (): Promise<void> => {
    const member = group.join();
    const waiting = member.receive();
    refs.push(new WeakRef(member), new WeakRef(waiting), new WeakRef(coreOf(member)!));
    member[Symbol.dispose]();
    await waiting;
  };
  for (let n = 0; n < 20; n++) await runOnce();
  assertEquals([await held(refs), group.stats().members], [0, 0]);
});

// ---- what is handed in ----

Deno.test("141, R17: bad arguments are refused, and leave nothing", async () => {
  const topic = new Topic<number>();
  for (const name of [undefined, null, 1, {}]) {
    assertThrows(() => topic.group(name as string), TypeError, "name");
  }
  const group = (options: unknown) => topic.group("workers", options as ReadOptions);
  for (const options of [null, 3]) assertThrows(() => group(options), TypeError, "options");
  for (const replay of [-1, 0.5, NaN]) assertThrows(() => group({ replay }), RangeError, "replay");
  assertThrows(() => group({ lossless: "no" }), TypeError, "lossless");
  assertThrows(() => group({ onLag: 1 }), TypeError, "onLag");
  assertThrows(() => group({ parent: {} }), TypeError, "parent");
  assertEquals(topic.stats().groups, 0);
  fill(topic, 1);
  assertEquals(topic.stats().retained, 0);
  const workers = topic.group("workers");
  for (const options of [null, 3, { name: 1 }]) {
    assertThrows(() => workers.join(options as JoinOptions), TypeError);
  }
  assertEquals(workers.stats().members, 0);
  assert(await failure(workers.join().take(null as unknown as Wait)) instanceof TypeError);
});

Deno.test("141: a group and its members give what is wider", () => {
  law<Fits<Member<number>, Receiver<number>>>();
  law<Fits<Member<number>, Member<number | string>>>();
  law<Fits<ConsumerGroup<number>, ConsumerGroup<number | string>>>();
  law<Not<Fits<ConsumerGroup<number | string>, ConsumerGroup<number>>>>();
});
