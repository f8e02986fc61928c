import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { Channel, ClosedError, recv, select, type Sender } from "../mod.ts";
import { settled } from "./support/settle.ts";
import { catchUncaught } from "./support/uncaught.ts";

Deno.test("39: an error given to close reaches receivers after the drain, as a value or thrown", async () => {
  for (const reason of [new Error("broken"), "a string", 0, "", false, NaN, null]) {
    const ch = new Channel<number>(2);
    ch.trySend(1);
    ch.close(reason);
    assertEquals(await ch.receive(), { ok: true, value: 1 });
    for (let again = 0; again < 2; again++) {
      assertEquals(await ch.receive(), { ok: false, value: undefined, error: reason });
      assertEquals(ch.tryReceive(), { ok: false, value: undefined, error: reason });
      const selected = { key: "end", ok: false, value: undefined, error: reason };
      assertEquals<unknown>(await select({ end: recv(ch) }), selected);
      assertEquals(await rejection(ch.take()), [reason]);
      assertEquals(await rejection(ch.receiveMany(2)), [reason]);
      assertEquals(await rejection(ch[Symbol.asyncIterator]().next()), [reason]);
      const looping = (async () => {
        for await (const value of ch) throw new Error(`got ${value}`);
      })();
      assertEquals(await rejection(looping), [reason]);
    }
  }
});

Deno.test("39, R22: so it does those who are parked when the channel is closed", async () => {
  const reason = new Error("broken");
  const ch = new Channel<number>();
  const parked = [
    ch.receive(),
    rejection(ch.take()),
    rejection(ch.receiveMany(2)),
    rejection(ch.receiveMany(2, { min: 2 })),
    rejection(ch[Symbol.asyncIterator]().next()),
    select({ end: recv(ch) }),
  ];
  ch.close(reason);
  assertEquals<unknown>(await Promise.all(parked), [
    { ok: false, value: undefined, error: reason },
    [reason],
    [reason],
    [reason],
    [reason],
    { key: "end", ok: false, value: undefined, error: reason },
  ]);
});

Deno.test("39: senders get a ClosedError with the error as its cause", async () => {
  const reason = new Error("broken");
  const ch = new Channel<number>(1);
  ch.trySend(1);
  const parked = ch.send(2).catch((error) => error);
  ch.close(reason);
  const errors = [
    await parked,
    await ch.send(3).catch((error) => error),
    assertThrows(() => ch.trySend(4)),
  ];
  for (const [at, error] of errors.entries()) {
    assertInstanceOf(error, ClosedError);
    assertEquals(error.value, at + 2);
    assertStrictEquals(error.cause, reason);
  }
});

Deno.test("R22: of several parked next() the first rejects with the error, and the rest are done", async () => {
  const reason = new Error("broken");
  const ch = new Channel<number>(1);
  const iterator = ch[Symbol.asyncIterator]();
  const served = iterator.next();
  const failing = iterator.next();
  const rest = [iterator.next(), iterator.next()];
  ch.trySend(1);
  ch.close(reason);
  assertEquals(await served, { done: false, value: 1 });
  assertEquals(await rejection(failing), [reason]);
  for (const next of [...rest, iterator.next()]) {
    assertEquals(await next, { done: true, value: undefined });
  }
  // An iterator of its own is told for itself.
  assertEquals(await rejection(ch[Symbol.asyncIterator]().next()), [reason]);
});

Deno.test("40, R3: null and whatever is falsy are errors; undefined is none", async () => {
  for (
    const close of [
      (ch: Channel<number>) => ch.close(),
      (ch: Channel<number>) => ch.close(undefined),
    ]
  ) {
    const ch = new Channel<number>();
    close(ch);
    const end = await ch.receive();
    assertFalse(end.ok || "error" in end);
    assertEquals(await ch.receiveMany(1), []);
    assertFalse("cause" in await assertRejects(() => ch.take(), ClosedError));
    assertFalse("cause" in await assertRejects(() => ch.send(1), ClosedError));
  }
  const ch = new Channel<number>();
  ch.close(null);
  const sending = await assertRejects(() => ch.send(1), ClosedError);
  assert("cause" in sending);
  assertStrictEquals(sending.cause, null);
});

Deno.test("R3: one `finally` closes plainly when all went well, and with the error when not", async () => {
  async function produce(out: Sender<number>, fail: boolean): Promise<void> {
    let failure: unknown;
    try {
      await out.send(1);
      if (fail) throw new Error("no more");
    } catch (error) {
      failure = error;
    } finally {
      out.close(failure);
    }
  }
  const well = new Channel<number>();
  void produce(well, false);
  assertEquals(await well.take(), 1);
  assertEquals(await well.receive(), { ok: false, value: undefined });

  const badly = new Channel<number>();
  void produce(badly, true);
  assertEquals(await badly.take(), 1);
  await assertRejects(() => badly.take(), Error, "no more");
});

// ---- nobody awaits ----

Deno.test("120, P23: a receive that nobody awaits is safe from a close, and so is a trySend", async () => {
  for (const reason of [undefined, new Error("broken")]) {
    using uncaught = catchUncaught();
    const ch = new Channel<number>();
    void ch.receive();
    void select({ value: recv(ch) });
    ch.trySend(1);
    ch.close(reason);
    void ch.receive();
    void ch.receive({ timeout: 5 });
    await settled();
    assertEquals(uncaught.errors, []);
  }
});

Deno.test("120, P23: a parked send that nobody awaits makes its ClosedError an unhandled rejection", async () => {
  using uncaught = catchUncaught();
  const ch = new Channel<number>();
  void ch.send(1);
  const handled = ch.send(2).catch(() => "handled");
  ch.close();
  await settled();
  assertEquals(await handled, "handled");
  assertEquals(uncaught.errors.length, 1);
  assertInstanceOf(uncaught.errors[0], ClosedError);
});

Deno.test("120, P23: one that is given up before the close rejects once, with the cause", async () => {
  using uncaught = catchUncaught();
  const ch = new Channel<number>();
  const controller = new AbortController();
  const sent = rejection(ch.send(1, controller.signal));
  controller.abort("enough");
  ch.close();
  await settled();
  assertEquals(await sent, ["enough"]);
  assertEquals(uncaught.errors, []);
});

/** What a promise rejects with, boxed; a promise that does not reject fails the test. */
function rejection(promise: Promise<unknown>): Promise<[unknown]> {
  return promise.then(
    (value) => {
      throw new Error(`fulfilled with ${Deno.inspect(value)}`);
    },
    (reason) => [reason],
  );
}
