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
  type ChannelOptions,
  ClosedError,
  recv,
  select,
  send,
  trySelect,
  withCancel,
} from "../mod.ts";
import { ForeignSelect, taking } from "./support/foreign_select.ts";
import { lines } from "./support/lines.ts";
import { settled, state } from "./support/settle.ts";
import { catchUncaught } from "./support/uncaught.ts";

type Policy = NonNullable<ChannelOptions<number>["overflow"]>;
const policies = ["dropNewest", "dropOldest"] as const;
const bounded = [0, 1, 3];

/** A channel and what it has dropped. */
function dropping(overflow: Policy, capacity: number): { ch: Channel<number>; dropped: number[] } {
  const dropped: number[] = [];
  const ch = new Channel<number>({ capacity, overflow, onDrop: (value) => dropped.push(value) });
  return { ch, dropped };
}

/** All that can be received now. */
function unread(ch: Channel<number>): number[] {
  const values: number[] = [];
  for (let got = ch.tryReceive(); got?.ok; got = ch.tryReceive()) values.push(got.value);
  return values;
}

/** Every way to send, each of which must succeed at once. */
const sending: Record<string, (ch: Channel<number>, value: number) => unknown> = {
  send: (ch, value) => ch.send(value),
  sendOrGiveUp: (ch, value) => ch.send(value, { timeout: 0 }),
  trySend: (ch, value) => assert(ch.trySend(value)),
  select: (ch, value) => select({ sent: send(ch, value) }),
  trySelect: (ch, value) => assertEquals(trySelect({ sent: send(ch, value) })?.key, "sent"),
};

Deno.test("49, R11: no send on a full channel parks or fails, if the channel drops", async () => {
  for (const overflow of policies) {
    for (const capacity of bounded) {
      for (const [way, attempt] of Object.entries(sending)) {
        const { ch, dropped } = dropping(overflow, capacity);
        for (let n = 0; n < capacity + 3; n++) {
          const sent = attempt(ch, n);
          assertEquals(lines(ch), { takers: 0, putters: 0 }, way);
          await sent;
        }
        assertEquals([ch.length, dropped.length], [capacity, 3], way);
      }
    }
  }
});

Deno.test("49, R11: dropNewest drops the values being sent, dropOldest those at the front", async () => {
  for (const attempt of Object.values(sending)) {
    const newest = dropping("dropNewest", 2);
    for (const n of [1, 2, 3, 4]) await attempt(newest.ch, n);
    assertEquals(newest.dropped, [3, 4]);
    assertEquals(await newest.ch.receiveMany(9), [1, 2]);

    const oldest = dropping("dropOldest", 2);
    for (const n of [1, 2, 3, 4]) await attempt(oldest.ch, n);
    assertEquals(oldest.dropped, [1, 2]);
    assertEquals(await oldest.ch.receiveMany(9), [3, 4]);
  }
});

Deno.test("49: without a buffer a value meets a parked receiver, or is dropped itself", async () => {
  for (const overflow of policies) {
    for (const attempt of Object.values(sending)) {
      const { ch, dropped } = dropping(overflow, 0);
      await attempt(ch, 1);
      const waiting = [ch.take(), select({ value: recv(ch) }), ch.receiveMany(5)];
      for (const n of [2, 3, 4, 5]) await attempt(ch, n);
      assertEquals<unknown>(await Promise.all(waiting), [2, { key: "value", ok: true, value: 3 }, [
        4,
      ]]);
      assertEquals(dropped, [1, 5]);
      assertEquals(ch.length, 0);
    }
  }
});

Deno.test("49: a parked receiver gets the value itself, and nothing is dropped", async () => {
  for (const overflow of policies) {
    const { ch, dropped } = dropping(overflow, 1);
    const waiting = [ch.take(), ch.take()];
    for (const n of [1, 2, 3]) assert(ch.trySend(n));
    assertEquals(await Promise.all(waiting), [1, 2]);
    assertEquals([ch.length, dropped], [1, []]);
  }
});

Deno.test("49: each value is received or dropped, once, in whatever order they come and go", async () => {
  for (const overflow of policies) {
    for (const capacity of [0, 1, 4]) {
      const { ch, dropped } = dropping(overflow, capacity);
      const received: number[] = [];
      for (let n = 0; n < 500; n++) {
        if (n % 7 === 0) void ch.receive().then(({ value }) => received.push(value!));
        if (n % 5 === 0) {
          const got = ch.tryReceive();
          if (got?.ok) received.push(got.value);
        }
        await ch.send(n);
      }
      ch.close();
      received.push(...await ch.receiveMany(9));
      await settled();
      const all = [...received, ...dropped].toSorted((a, b) => a - b);
      assertEquals(all, Array.from({ length: 500 }, (_, n) => n));
    }
  }
});

Deno.test("49: a batch that waits for more gets what is there when the channel is full", async () => {
  for (const overflow of policies) {
    const { ch, dropped } = dropping(overflow, 2);
    const batch = ch.receiveMany(5, { linger: Infinity });
    for (const n of [1, 2, 3]) assert(ch.trySend(n));
    assertEquals(await batch, [1, 2]);
    assertEquals([ch.length, dropped], [1, []]);
  }
});

Deno.test("49: whatever is dropped comes to onDrop as it was sent, undefined and promises too", () => {
  const rejected = Promise.reject(new Error("inner"));
  rejected.catch(() => {});
  const payloads = [undefined, null, NaN, -0, () => 1, Promise.resolve(1), rejected, {
    then: () => assert(false, "looked into"),
  }];
  for (const overflow of policies) {
    for (const capacity of [0, 1]) {
      const dropped: unknown[] = [];
      const onDrop = (value: unknown): void => void dropped.push(value);
      const ch = new Channel<unknown>({ capacity, overflow, onDrop });
      for (const payload of payloads) assert(ch.trySend(payload));
      const kept = capacity === 0 ? [] : [overflow === "dropNewest" ? 0 : payloads.length - 1];
      const expected = payloads.filter((_, at) => !kept.includes(at));
      assertEquals(dropped.length, expected.length);
      for (const [at, value] of dropped.entries()) assertStrictEquals(value, expected[at]);
    }
  }
});

Deno.test("49: a receive that was cancelled takes nothing: the value goes on, or is dropped", async () => {
  for (const overflow of policies) {
    for (const attempt of Object.values(sending)) {
      const { ch, dropped } = dropping(overflow, 0);
      using ctx = withCancel(background());
      const gone = [
        ch.take(ctx),
        select({ value: recv(ch) }, ctx),
        ch.receiveMany(3, ctx),
      ].map((call) => call.catch((reason) => reason));
      const iterator = ch[Symbol.asyncIterator]();
      const next = iterator.next();
      const waiting = ch.take();
      ctx.cancel("gone");
      await iterator.return();
      await attempt(ch, 1);
      await attempt(ch, 2);
      assertEquals(await Promise.all([...gone, next, waiting]), [
        "gone",
        "gone",
        "gone",
        { done: true, value: undefined },
        1,
      ]);
      assertEquals([dropped, lines(ch)], [[2], { takers: 0, putters: 0 }]);
    }
  }
});

Deno.test("49, 4: a value that was handed over is not dropped when its receiver is cancelled after that", async () => {
  for (const overflow of policies) {
    for (const attempt of Object.values(sending)) {
      const { ch, dropped } = dropping(overflow, 0);
      using ctx = withCancel(background());
      const taken = ch.take(ctx);
      const sent = attempt(ch, 1);
      ctx.cancel("too late");
      assertEquals([await taken, dropped], [1, []]);
      await sent;
    }
  }
});

Deno.test("49, 57: the value of a send that loses its select is neither sent nor dropped", async () => {
  for (const overflow of policies) {
    for (const capacity of bounded) {
      const { ch, dropped } = dropping(overflow, capacity);
      for (let n = 0; n < capacity; n++) ch.trySend(n);
      const other = new Channel<string>(1);
      other.trySend("ready");
      const cases = { other: recv(other), sent: send(ch, 9) };
      assertEquals((await select(cases, { biased: true })).key, "other");
      assertEquals([ch.length, dropped], [capacity, []]);
    }
  }
});

Deno.test("49, R16: a foreign receiver meets the value; if it declines, that is stored or dropped", () => {
  for (const overflow of policies) {
    for (const attempt of [sending.trySend!, sending.trySelect!]) {
      const { ch, dropped } = dropping(overflow, 0);
      const shy = new ForeignSelect(taking(ch));
      shy.declines = true;
      attempt(ch, 1);
      assertEquals([shy.decided, dropped], [false, [1]]);
      shy.declines = false;
      attempt(ch, 2);
      assertEquals([shy.value, dropped, lines(ch)], [2, [1], { takers: 0, putters: 0 }]);

      const buffered = dropping(overflow, 1);
      const other = new ForeignSelect(taking(buffered.ch));
      other.declines = true;
      attempt(buffered.ch, 1);
      attempt(buffered.ch, 2);
      assertEquals([buffered.ch.length, buffered.dropped.length], [1, 1]);
      other.declines = false;
      attempt(buffered.ch, 3);
      const seen = [other.value, ...buffered.dropped, ...unread(buffered.ch)];
      assertEquals(seen.toSorted(), [1, 2, 3]);
    }
  }
});

Deno.test("49: without a buffer a batch that wants several gets none, and every value is dropped once", async () => {
  for (const overflow of policies) {
    const { ch, dropped } = dropping(overflow, 0);
    const batch = ch.receiveMany(3, { min: 2 });
    for (const n of [1, 2, 3]) assert(ch.trySend(n));
    assertEquals([dropped, ch.length, await state(batch)], [[1, 2, 3], 0, "pending"]);
    ch.close();
    assertEquals(await batch, []);
  }
});

Deno.test("49: a stream and a source that feed a dropping channel are never held up", async () => {
  for (const overflow of policies) {
    const { ch, dropped } = dropping(overflow, 2);
    const writer = ch.toWritableStream().getWriter();
    for (const n of [1, 2, 3, 4]) await writer.write(n);
    await writer.close();
    const kept = overflow === "dropNewest" ? [1, 2] : [3, 4];
    assertEquals([dropped, unread(ch)], [overflow === "dropNewest" ? [3, 4] : [1, 2], kept]);
    const lost: number[] = [];
    const fed = Channel.from([1, 2, 3, 4], {
      capacity: 2,
      overflow,
      onDrop: (n) => lost.push(n),
    });
    await settled();
    assertEquals([fed.closed, unread(fed), lost], [true, kept, dropped]);
  }
});

Deno.test("49: what is cancelled, closed or disposed drops nothing that was accepted", async () => {
  for (const overflow of policies) {
    const { ch, dropped } = dropping(overflow, 3);
    for (const n of [1, 2, 3]) ch.trySend(n);
    using ctx = withCancel(background());
    const batch = ch.receiveMany(5, { min: 3, ctx });
    assertEquals(await batch, [1, 2, 3]);
    const late = ch.receiveMany(5, { min: 3, ctx }).catch((reason) => reason);
    ch.trySend(4);
    ctx.cancel("gone");
    assertEquals([await late, ch.length], ["gone", 1]);
    await ch.toReadableStream({ preventCancel: true }).cancel();
    ch[Symbol.dispose]();
    assertEquals([dropped, unread(ch)], [[], [4]]);
  }
});

Deno.test("49: what a channel still holds when it is closed is not dropped", async () => {
  for (const overflow of policies) {
    const { ch, dropped } = dropping(overflow, 2);
    for (const n of [1, 2]) ch.trySend(n);
    ch.close();
    assertThrows(() => ch.trySend(3), ClosedError);
    await assertRejects(() => ch.send(4), ClosedError);
    assertEquals(dropped, []);
    assertEquals(await ch.receiveMany(9), [1, 2]);
  }
});

Deno.test("49, R18: a send whose context has ended drops nothing", async () => {
  using ctx = withCancel(background());
  ctx.cancel("over");
  for (const overflow of policies) {
    for (const capacity of bounded) {
      const { ch, dropped } = dropping(overflow, capacity);
      for (let n = 0; n < capacity; n++) ch.trySend(n);
      assertEquals(await ch.send(9, ctx).catch((reason) => reason), "over");
      assertEquals([ch.length, dropped], [capacity, []]);
    }
  }
});

Deno.test("49: a channel that blocks never drops", async () => {
  const dropped: number[] = [];
  const ch = new Channel<number>({
    capacity: 1,
    overflow: "block",
    onDrop: (n) => dropped.push(n),
  });
  assert(ch.trySend(1));
  assertEquals(ch.trySend(2), false);
  const controller = new AbortController();
  const sends = [ch.send(3), ch.send(4, controller.signal), ch.send(5)];
  const outcomes = sends.map((sent) => sent.catch(() => "failed"));
  controller.abort();
  assertEquals(await ch.take(), 1);
  ch.close();
  assertEquals(await Promise.all(outcomes), [undefined, "failed", "failed"]);
  assertEquals(await ch.receiveMany(9), [3]);
  assertEquals(dropped, []);
});

Deno.test("49: without onDrop values are dropped all the same", async () => {
  const ch = new Channel<number>({ capacity: 1, overflow: "dropOldest" });
  for (const n of [1, 2, 3]) assert(ch.trySend(n));
  assertEquals(await ch.take(), 3);
});

Deno.test("R21: what onDrop throws is reported as uncaught, and the send has happened", async () => {
  for (const overflow of policies) {
    for (const attempt of Object.values(sending)) {
      using uncaught = catchUncaught();
      const failure = new Error("onDrop");
      const ch = new Channel<number>({
        capacity: 1,
        overflow,
        onDrop() {
          throw failure;
        },
      });
      await attempt(ch, 1);
      await attempt(ch, 2);
      await attempt(ch, 3);
      await settled();
      assertEquals(uncaught.errors, [failure, failure]);
      assertEquals(await ch.take(), overflow === "dropNewest" ? 1 : 3);
      assertEquals(ch.length, 0);
    }
  }
});

Deno.test("R21, 118: onDrop finds everything settled, and may use the channel", async () => {
  const seen: unknown[] = [];
  const ch: Channel<number> = new Channel<number>({
    capacity: 2,
    overflow: "dropOldest",
    onDrop(value) {
      seen.push([value, ch.length, ch.tryReceive()]);
    },
  });
  for (const n of [1, 2, 3]) assert(ch.trySend(n));
  assertEquals(seen, [[1, 2, { ok: true, value: 2 }]]);
  assertEquals(await ch.receiveMany(9), [3]);
});

Deno.test("R21, 118: onDrop may send into the same channel, which drops in turn", async () => {
  const dropped: number[] = [];
  const ch: Channel<number> = new Channel<number>({
    capacity: 1,
    overflow: "dropOldest",
    onDrop(value) {
      dropped.push(value);
      if (value < 10) assert(ch.trySend(value + 10));
    },
  });
  for (const n of [1, 2]) assert(ch.trySend(n));
  assertEquals(dropped, [1, 2, 11]);
  assertEquals(await ch.receiveMany(9), [12]);
});

Deno.test("R21, 118: onDrop may close the channel; the send that dropped has happened", async () => {
  for (const overflow of policies) {
    const ch: Channel<number> = new Channel<number>({
      capacity: 1,
      overflow,
      onDrop: () => ch.close("full"),
    });
    assert(ch.trySend(1));
    assertEquals(await state(ch.send(2)), "fulfilled");
    assert(ch.closed);
    assertEquals(await ch.take(), overflow === "dropNewest" ? 1 : 2);
    assertInstanceOf(await ch.send(3).catch((error) => error), ClosedError);
  }
});

Deno.test("R17: an overflow or onDrop that is none is a TypeError", () => {
  for (const overflow of ["drop", "", null, 1, ["block"]]) {
    const options = { overflow } as unknown as ChannelOptions<number>;
    assertThrows(() => new Channel(options), TypeError, "overflow");
  }
  for (const onDrop of ["log", null, {}]) {
    const options = { onDrop } as unknown as ChannelOptions<number>;
    assertThrows(() => new Channel(options), TypeError, "onDrop");
  }
});
