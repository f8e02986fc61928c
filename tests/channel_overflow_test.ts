import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
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
