/**
 * What a wait and its end mean to a channel. What all waiting calls have in common is tested for
 * all of them in `wait_test.ts`.
 *
 * @module
 */
import { assert, assertEquals, assertFalse, assertRejects, assertThrows } from "@std/assert";
import {
  background,
  Channel,
  type ChannelOptions,
  DeadlineExceededError,
  type StreamOptions,
  type Wait,
  withCancel,
} from "../mod.ts";
import { fakeClock } from "./support/clock.ts";
import { lines } from "./support/lines.ts";
import { state } from "./support/settle.ts";

type Call = (ch: Channel<number>, wait?: Wait) => Promise<unknown>;

const taking: Record<string, Call> = {
  receive: (ch, wait) => ch.receive(wait),
  take: (ch, wait) => ch.take(wait),
  receiveMany: (ch, wait) => ch.receiveMany(3, wait),
};
const all: Record<string, Call> = { ...taking, send: (ch, wait) => ch.send(7, wait) };

/** What to pass, and what the call rejects with. */
function ended(): [wait: Wait, cause: unknown][] {
  const ctx = withCancel(background());
  const cause = new Error("cancelled");
  ctx.cancel(cause);
  const signal = AbortSignal.abort("aborted");
  return [
    [ctx, cause],
    [signal, "aborted"],
    [{ ctx }, cause],
    [{ signal }, "aborted"],
    [{ ctx, signal, timeout: 0 }, cause],
    [{ signal, timeout: 0 }, "aborted"],
    [{ ctx: background(), signal, timeout: -1 }, "aborted"],
  ];
}

/** A channel in every state that matters to a call, freshly made. */
function states(): Record<string, Channel<number>> {
  const buffered = new Channel<number>(2);
  buffered.trySend(1);
  const full = new Channel<number>(1);
  full.trySend(1);
  const rendezvous = new Channel<number>();
  void rendezvous.send(1).catch(() => {});
  const wanted = new Channel<number>();
  void wanted.receive();
  const draining = new Channel<number>(1);
  draining.trySend(1);
  draining.close();
  const closed = new Channel<number>();
  closed.close();
  const failed = new Channel<number>();
  failed.close("broken");
  const empty = new Channel<number>(1);
  return { empty, buffered, full, rendezvous, wanted, draining, closed, failed };
}

Deno.test("R1, R18: what has ended goes before all that a channel has to say, and nothing moves", async () => {
  for (const [wait, cause] of ended()) {
    for (const [name, call] of Object.entries(all)) {
      for (const [of, ch] of Object.entries(states())) {
        const before = [ch.length, lines(ch)];
        const outcome = call(ch, wait).then(() => "fulfilled", (reason) => reason);
        assertEquals(await outcome, cause, `${name} of ${of}`);
        assertEquals([ch.length, lines(ch)], before, `${name} of ${of}`);
      }
    }
  }
});

Deno.test("R1: a timeout of 0 or less tries once: what is ready happens, what is not does not", async () => {
  using clock = fakeClock();
  const late = "DeadlineExceededError";
  const expected: Record<string, Record<string, string>> = {
    empty: { receive: late, take: late, receiveMany: late, send: "done" },
    buffered: { receive: "done", take: "done", receiveMany: "done", send: "done" },
    full: { receive: "done", take: "done", receiveMany: "done", send: late },
    rendezvous: { receive: "done", take: "done", receiveMany: "done", send: late },
    wanted: { receive: late, take: late, receiveMany: late, send: "done" },
    draining: { receive: "done", take: "done", receiveMany: "done", send: "ClosedError" },
    closed: { receive: "done", take: "ClosedError", receiveMany: "done", send: "ClosedError" },
    failed: { receive: "done", take: "broken", receiveMany: "broken", send: "ClosedError" },
  };
  for (const timeout of [0, -1, -Infinity]) {
    for (const [name, call] of Object.entries(all)) {
      for (const [of, ch] of Object.entries(states())) {
        const before = [ch.length, lines(ch)];
        const outcome = await call(ch, { timeout }).then(() => "done", (reason) => {
          return typeof reason === "string" ? reason : (reason as Error).constructor.name;
        });
        assertEquals(outcome, expected[of]![name], `${name} of ${of}`);
        if (outcome !== "done") assertEquals([ch.length, lines(ch)], before, `${name} of ${of}`);
      }
    }
  }
  assertEquals(clock.timers, 0);
});

Deno.test("R1: of a context, a signal and a timeout, the first to end ends the call", async () => {
  for (const [name, call] of Object.entries(all)) {
    for (const first of ["ctx", "signal", "timeout"]) {
      using clock = fakeClock();
      using ctx = withCancel(background());
      const controller = new AbortController();
      const ch = new Channel<number>();
      const parked = call(ch, { ctx, signal: controller.signal, timeout: 100 });
      const outcome = parked.then(() => "fulfilled", (reason) => reason);
      await clock.tick(99);
      assertEquals(await state(parked), "pending");
      if (first === "ctx") ctx.cancel("by context");
      if (first === "signal") controller.abort("by signal");
      await clock.tick(1);
      ctx.cancel("too late");
      controller.abort("too late");
      const reason = await outcome;
      if (first === "ctx") assertEquals(reason, "by context", name);
      if (first === "signal") assertEquals(reason, "by signal", name);
      if (first === "timeout") assert(reason instanceof DeadlineExceededError, name);
      assertEquals([lines(ch), clock.timers], [{ takers: 0, putters: 0 }, 0]);
    }
  }
});

Deno.test("R1: an infinite timeout is none", async () => {
  for (const call of Object.values(all)) {
    using clock = fakeClock();
    const ch = new Channel<number>();
    const parked = call(ch, { timeout: Infinity });
    assertEquals(clock.timers, 0);
    await clock.tick(2 ** 32);
    assertEquals(await state(parked), "pending");
  }
});

Deno.test("R1, R17: a timeout of NaN is a RangeError, whatever state the channel is in", async () => {
  for (const call of Object.values(all)) {
    for (const ch of Object.values(states())) {
      const before = [ch.length, lines(ch)];
      await assertRejects(() => call(ch, { timeout: NaN }), RangeError, "timeout");
      assertEquals([ch.length, lines(ch)], before);
    }
  }
});

Deno.test("1, 2: cancelled first, in the middle or last, the others go on in their order", async () => {
  for (const gone of [0, 1, 2]) {
    const controller = new AbortController();
    const wait = (at: number) => at === gone ? controller.signal : undefined;
    const left = [0, 1, 2].filter((at) => at !== gone);

    const receiving = new Channel<number>();
    const receivers = [0, 1, 2].map((at) => receiving.take(wait(at)).catch(() => "gone"));
    const sending = new Channel<number>(1);
    sending.trySend(-1);
    const sends = [0, 1, 2].map((at) => sending.send(at, wait(at)).catch(() => "gone"));
    controller.abort();
    assertEquals([lines(receiving).takers, lines(sending).putters], [2, 2]);
    for (const at of left) assert(receiving.trySend(at));
    assertEquals(await Promise.all(receivers), [0, 1, 2].map((at) => at === gone ? "gone" : at));
    assertEquals(await sending.receiveMany(9), [-1, ...left]);
    assertEquals((await Promise.all(sends)).indexOf("gone"), gone);
  }
});

Deno.test("1, R6: a cancelled batch leaves its values to those behind it", async () => {
  const ch = new Channel<number>(3);
  const controller = new AbortController();
  const batch = ch.receiveMany(3, { min: 3, signal: controller.signal });
  const behind = [ch.take(), ch.take()];
  for (const n of [1, 2]) assert(ch.trySend(n));
  // While it fills, what is there is spoken for.
  assertEquals(ch.tryReceive(), undefined);
  assertEquals([await state(batch.catch(() => {})), ch.length], ["pending", 2]);
  controller.abort("enough");
  assertEquals(await Promise.all(behind), [1, 2]);
  assertEquals(await batch.catch((reason) => reason), "enough");
});

Deno.test("4: a cancellation in the step after the hand-off changes nothing", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const ch = new Channel<number>();
  const received = ch.receive(signal);
  const sent = ch.send(1, signal);
  controller.abort();
  assertEquals(await received, { ok: true, value: 1 });
  assertEquals(await state(sent), "fulfilled");
});

Deno.test("121, P22: a receive with a timeout takes nothing later; one that lost a race does", async () => {
  using clock = fakeClock();
  const own = new Channel<string>(1);
  const patient = own.take({ timeout: 10 }).catch(() => "too late");
  await clock.tick(10);
  own.trySend("kept");
  assertEquals(await patient, "too late");
  assertEquals(own.tryReceive(), { ok: true, value: "kept" });

  const raced = new Channel<string>(1);
  const late = new Promise((resolve) => setTimeout(resolve, 10, "too late"));
  const racing = Promise.race([raced.take(), late]);
  await clock.tick(10);
  raced.trySend("gone");
  assertEquals(await racing, "too late");
  // The trap that is documented: the loser still stood in line.
  assertEquals(raced.tryReceive(), undefined);
});

Deno.test("121, P22: in a loop that gives up and tries again no value is lost, and none waits in vain", async () => {
  using clock = fakeClock();
  const ch = new Channel<number>();
  const seen: number[] = [];
  const loop = (async () => {
    while (!ch.closed) {
      try {
        seen.push(await ch.take({ timeout: 3 }));
      } catch (error) {
        assert(error instanceof DeadlineExceededError || ch.closed);
      }
    }
  })();
  for (let n = 0; n < 20; n++) {
    await clock.tick(n % 7);
    assert(ch.trySend(n));
  }
  ch.close();
  await clock.tick(3);
  await loop;
  assertEquals(seen, Array.from({ length: 20 }, (_, n) => n));
  assertEquals(clock.timers, 0);
});

// ---- bad arguments ----

Deno.test("R17: no channel is made with a capacity that is none, or with what are no options", () => {
  for (const capacity of [-1, 1.5, NaN, -Infinity, -0.5]) {
    assertThrows(() => new Channel(capacity), RangeError, "capacity");
    assertThrows(() => new Channel({ capacity }), RangeError, String(capacity));
  }
  for (const capacity of ["1", null, 1n, true, {}]) {
    const options = { capacity } as unknown as ChannelOptions<number>;
    assertThrows(() => new Channel(options), TypeError, "capacity");
  }
  for (const options of [null, "5", 1n, true, () => 1, Symbol("s")]) {
    assertThrows(() => new Channel(options as unknown as number), TypeError, "options");
  }
});

Deno.test("R17: undefined is no options, and options that are not known are ignored", () => {
  for (const options of [undefined, {}, { other: 1, size: 5 }] as ChannelOptions<number>[]) {
    const ch = new Channel<number>(options);
    assertEquals([ch.capacity, ch.name, ch.closed], [0, undefined, false]);
    assertFalse(ch.trySend(1));
  }
});

Deno.test("R17: receiveMany rejects, and does not throw, if max, min or linger is none", async () => {
  const bad: [max: unknown, options: unknown, type: typeof RangeError, names: string][] = [
    [0, undefined, RangeError, "max"],
    [-1, undefined, RangeError, "max"],
    [1.5, undefined, RangeError, "max"],
    [NaN, undefined, RangeError, "max"],
    ["2", undefined, TypeError, "max"],
    [undefined, undefined, TypeError, "max"],
    [null, undefined, TypeError, "max"],
    [2, { min: 0 }, RangeError, "min"],
    [2, { min: 3 }, RangeError, "min"],
    [9, { min: 4 }, RangeError, "min"],
    [2, { min: 1.5 }, RangeError, "min"],
    [2, { min: NaN }, RangeError, "min"],
    [2, { min: "1" }, TypeError, "min"],
    [2, { min: null }, TypeError, "min"],
    [2, { linger: -1 }, RangeError, "linger"],
    [2, { linger: NaN }, RangeError, "linger"],
    [2, { linger: "1" }, TypeError, "linger"],
    [2, { linger: null }, TypeError, "linger"],
  ];
  for (const ready of [false, true]) {
    const ch = new Channel<number>(3);
    if (ready) ch.trySend(1);
    for (const [max, options, type, names] of bad) {
      await assertRejects(() => ch.receiveMany(max as number, options as Wait), type, names);
    }
    assertEquals([ch.length, lines(ch).takers], [ready ? 1 : 0, 0]);
  }
});

Deno.test("R17: a wait that is none makes the call reject with a TypeError, in every state", async () => {
  const foreign = { done: false, cause: undefined, throwIfDone() {} };
  const bad: unknown[] = [
    null,
    0,
    100,
    "100",
    true,
    1n,
    Symbol("s"),
    () => {},
    foreign,
    { ctx: null },
    { ctx: {} },
    { ctx: foreign },
    { ctx: new AbortController().signal },
    { signal: null },
    { signal: new AbortController() },
    { signal: background() },
    { timeout: null },
    { timeout: "100" },
    { timeout: 1n },
  ];
  for (const wait of bad) {
    for (const call of Object.values(all)) {
      for (const ch of Object.values(states())) {
        const before = [ch.length, lines(ch)];
        await assertRejects(() => call(ch, wait as Wait), TypeError);
        assertEquals([ch.length, lines(ch)], before);
      }
    }
  }
});

Deno.test("R17: a stream of a channel is not made with what are no options", () => {
  const ch = new Channel<number>();
  for (const options of [null, true, "preventCancel", 1]) {
    assertThrows(() => ch.toReadableStream(options as unknown as StreamOptions), TypeError);
  }
  assertEquals(lines(ch), { takers: 0, putters: 0 });
});

Deno.test("R17: what can be made of nothing can be made of undefined: a send of no argument sends it", async () => {
  const ch = new Channel<undefined>(2);
  const loose = ch as unknown as { trySend(): boolean; send(): Promise<void> };
  assert(loose.trySend());
  await loose.send();
  assertEquals(await ch.receiveMany(2), [undefined, undefined]);
});
