import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { Channel, ClosedError } from "../mod.ts";
import { lines } from "./support/lines.ts";
import { settled, state } from "./support/settle.ts";
import { catchUncaught } from "./support/uncaught.ts";

// ---- out of a channel ----

Deno.test("48, P10: a readable stream takes nothing before somebody reads, and then one value a read", async () => {
  for (const capacity of [0, 3]) {
    const ch = new Channel<number>(capacity);
    const sends = [1, 2, 3].map((n) => ch.send(n));
    const reader = ch.toReadableStream().getReader();
    await settled();
    assertEquals(lines(ch).takers, 0);
    assertEquals(ch.length + lines(ch).putters, 3);
    assertEquals(await reader.read(), { done: false, value: 1 });
    await settled();
    assertEquals(lines(ch).takers, 0);
    assertEquals(ch.length + lines(ch).putters, 2);
    assertEquals(await ch.take(), 2);
    assertEquals(await ch.take(), 3);
    await Promise.all(sends);
    await reader.cancel();
  }
});

Deno.test("48: it gives the values in order, and ends when the channel is closed and drained", async () => {
  const ch = new Channel<number>(2);
  const sending = (async () => {
    using _ = ch;
    for (let n = 0; n < 10; n++) await ch.send(n);
  })();
  assertEquals(await Array.fromAsync(ch.toReadableStream()), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  await sending;
});

Deno.test("48: a read that waits is one receive in line, and ends at the close", async () => {
  const ch = new Channel<number>();
  const reader = ch.toReadableStream().getReader();
  const read = reader.read();
  await settled();
  assertEquals(lines(ch).takers, 1);
  ch.close();
  assertEquals(await read, { done: true, value: undefined });
  await reader.closed;
});

Deno.test("39, 48: the error that the channel was closed with errors the stream, after the drain", async () => {
  const reason = new Error("broken");
  const ch = new Channel<number>(1);
  ch.trySend(1);
  ch.close(reason);
  const reader = ch.toReadableStream().getReader();
  assertEquals(await reader.read(), { done: false, value: 1 });
  assertStrictEquals(await assertRejects(() => reader.read(), Error), reason);
  assertStrictEquals(await assertRejects(() => reader.closed, Error), reason);
});

Deno.test("45, 48: whatever is sent comes out of the stream identical", async () => {
  const promise = Promise.resolve(1);
  const payloads: unknown[] = [undefined, null, NaN, promise, () => 1, { then: () => {} }];
  const ch = new Channel<unknown>(payloads.length);
  for (const value of payloads) ch.trySend(value);
  const reader = ch.toReadableStream().getReader();
  for (const value of payloads) assertStrictEquals((await reader.read()).value, value);
  await reader.cancel();
});

Deno.test("48, R13, R33: cancelling it takes the parked receive back and closes the channel plainly", async () => {
  for (const reason of [undefined, new Error("no longer needed")]) {
    const ch = new Channel<number>(2);
    const reader = ch.toReadableStream().getReader();
    const read = reader.read();
    await settled();
    assertEquals(lines(ch).takers, 1);
    await reader.cancel(reason);
    assertEquals(lines(ch).takers, 0);
    assertEquals(await read, { done: true, value: undefined });
    assert(ch.closed);
    assertEquals(await ch.receive(), { ok: false, value: undefined });
    const refused = await assertRejects(() => ch.send(1), ClosedError);
    assertFalse("cause" in refused);
  }
});

Deno.test("R13, R33: cancelling refuses senders and leaves what is buffered to other receivers", async () => {
  const ch = new Channel<number>(1);
  const sends = [1, 2].map((n) => ch.send(n).catch((error) => error));
  await ch.toReadableStream().cancel("enough");
  assertInstanceOf(await sends[1], ClosedError);
  assertEquals(await ch.receive(), { ok: true, value: 1 });
  assertEquals(await ch.receive(), { ok: false, value: undefined });
});

Deno.test("48, R13: with preventCancel the channel stays open, and what comes later stays in it", async () => {
  const ch = new Channel<number>(1);
  const reader = ch.toReadableStream({ preventCancel: true }).getReader();
  const read = reader.read();
  await settled();
  await reader.cancel();
  assertEquals(await read, { done: true, value: undefined });
  assertEquals([ch.closed, lines(ch).takers], [false, 0]);
  assert(ch.trySend(1));
  assertEquals(await ch.take(), 1);
  for (const options of [undefined, {}, { preventCancel: false }, { preventCancel: undefined }]) {
    const closing = new Channel<number>();
    await closing.toReadableStream(options).cancel();
    assert(closing.closed);
  }
});

Deno.test("48, R13: cancelling the stream of a channel that is closed already is silent", async () => {
  for (const reason of [undefined, new Error("broken")]) {
    const ch = new Channel<number>(1);
    ch.trySend(1);
    const stream = ch.toReadableStream();
    ch.close(reason);
    await stream.cancel();
    assertEquals(await ch.take(), 1);
    assertEquals((await ch.receive() as { error?: unknown }).error, reason);
  }
});

Deno.test("4, 42, 48: a value that was handed to a read is not lost by a cancel in the next step", async () => {
  for (const preventCancel of [false, true]) {
    for (const capacity of [0, 2]) {
      const ch = new Channel<number>(capacity);
      const reader = ch.toReadableStream({ preventCancel }).getReader();
      const read = reader.read();
      await settled();
      const sent = ch.send(1);
      await reader.cancel();
      assertEquals(await state(sent), "fulfilled");
      const { value } = await read;
      assertEquals(value ?? ch.tryReceive()?.value, 1);
    }
  }
});

Deno.test("47, 48: break out of a loop over the stream cancels it, and so closes the channel", async () => {
  for (const preventCancel of [false, true]) {
    const ch = new Channel<number>(3);
    for (const n of [1, 2, 3]) ch.trySend(n);
    for await (const value of ch.toReadableStream({ preventCancel })) {
      assertEquals(value, 1);
      break;
    }
    assertEquals([ch.closed, ch.length], [!preventCancel, 2]);
  }
});

Deno.test("48: two streams of one channel share its values, each to whoever asked first", async () => {
  const ch = new Channel<number>(4);
  const [a, b] = [1, 2].map(() => ch.toReadableStream({ preventCancel: true }).getReader());
  const reads = [a!.read(), b!.read(), a!.read()];
  for (const n of [1, 2, 3]) ch.trySend(n);
  const values = (await Promise.all(reads)).map(({ value }) => value);
  assertEquals(values.toSorted(), [1, 2, 3]);
  await Promise.all([a!.cancel(), b!.cancel()]);
});

// ---- into a channel ----

Deno.test("48: a writable stream sends one chunk at a time, each when there is room", async () => {
  const ch = new Channel<number>(1);
  const writer = ch.toWritableStream().getWriter();
  const writes = [1, 2, 3].map((n) => writer.write(n));
  assertEquals(await state(writes[0]!), "fulfilled");
  assertEquals(await state(writes[1]!), "pending");
  assertEquals([ch.length, lines(ch).putters], [1, 1]);
  assertEquals(await ch.take(), 1);
  assertEquals(await state(writes[1]!), "fulfilled");
  assertEquals(await state(writes[2]!), "pending");
  assertEquals([ch.length, lines(ch).putters], [1, 1]);
  assertEquals(await ch.take(), 2);
  assertEquals(await ch.take(), 3);
  await writer.close();
  assertEquals(await ch.receive(), { ok: false, value: undefined });
});

Deno.test("48: without a buffer a write is over when a receiver has the chunk", async () => {
  const ch = new Channel<number>();
  const writer = ch.toWritableStream().getWriter();
  const written = writer.write(1);
  assertEquals(await state(written), "pending");
  assertEquals(await ch.take(), 1);
  assertEquals(await state(written), "fulfilled");
  await writer.close();
});

Deno.test("R13, R27: closing it closes the channel plainly, when all chunks are sent", async () => {
  const ch = new Channel<number>(1);
  const writer = ch.toWritableStream().getWriter();
  for (const n of [1, 2]) void writer.write(n);
  const closing = writer.close();
  assertEquals(await state(closing), "pending");
  assertFalse(ch.closed);
  assertEquals(await ch.take(), 1);
  await closing;
  assert(ch.closed);
  assertEquals(await ch.take(), 2);
  assertEquals(await ch.receive(), { ok: false, value: undefined });
});

Deno.test("R13, R27: aborting it takes the parked chunk back and closes the channel with the reason", async () => {
  const reason = new Error("aborted");
  const ch = new Channel<number>(1);
  const writer = ch.toWritableStream().getWriter();
  const writes = [1, 2, 3].map((n) => writer.write(n).catch((error) => error));
  writer.closed.catch(() => {});
  await settled();
  assertEquals(lines(ch).putters, 1);
  await writer.abort(reason);
  assertEquals(lines(ch).putters, 0);
  assertEquals(await Promise.all(writes), [undefined, reason, reason]);
  assertEquals(await ch.receive(), { ok: true, value: 1 });
  assertEquals(await ch.receive(), { ok: false, value: undefined, error: reason });
});

Deno.test("R3, R13: aborting it without a reason closes the channel plainly", async () => {
  const ch = new Channel<number>();
  await ch.toWritableStream().abort();
  assertEquals(await ch.receive(), { ok: false, value: undefined });
});

Deno.test("36, 48: a write to a channel that was closed fails with its ClosedError", async () => {
  const ch = new Channel<number>();
  const writer = ch.toWritableStream().getWriter();
  writer.closed.catch(() => {});
  const parked = writer.write(1).catch((error) => error);
  await settled();
  ch.close();
  const error = await parked;
  assertInstanceOf(error, ClosedError);
  assertEquals(error.value, 1);
  assertStrictEquals(await writer.write(2).catch((error) => error), error);
});

Deno.test("R4, R27: closing or aborting the stream of a channel that is closed already is silent", async () => {
  for (const end of ["close", "abort"] as const) {
    const ch = new Channel<number>();
    const stream = ch.toWritableStream();
    ch.close("first");
    await stream[end]();
    assertEquals(await ch.receive(), { ok: false, value: undefined, error: "first" });
  }
});

// ---- both ----

Deno.test("48: what is piped from one channel to another arrives in order, and so does the end", async () => {
  const from = Channel.from([1, 2, 3, 4, 5]);
  const to = new Channel<number>(1);
  const piping = from.toReadableStream()
    .pipeThrough(
      new TransformStream<number, number>({ transform: (n, out) => out.enqueue(n * 10) }),
    )
    .pipeTo(to.toWritableStream());
  assertEquals(await Array.fromAsync(to), [10, 20, 30, 40, 50]);
  await piping;
  assert(to.closed);
});

Deno.test("39, 48: an error goes through a pipe as well, and closing behind it ends what is before", async () => {
  const failing = new Channel<number>();
  const to = new Channel<number>();
  const piping = failing.toReadableStream().pipeTo(to.toWritableStream()).catch((error) => error);
  failing.close("broken");
  assertEquals(await to.receive(), { ok: false, value: undefined, error: "broken" });
  assertEquals(await piping, "broken");

  const from = new Channel<number>(1);
  const closed = new Channel<number>();
  const pipe = from.toReadableStream().pipeTo(closed.toWritableStream()).catch((error) => error);
  from.trySend(1);
  await settled();
  closed.close();
  assertInstanceOf(await pipe, ClosedError);
  await settled();
  assert(from.closed);
});

Deno.test("48: no promise of a stream that is cancelled, aborted or closed is left unhandled", async () => {
  using uncaught = catchUncaught();
  const reading = new Channel<number>();
  const reader = reading.toReadableStream().getReader();
  void reader.read();
  await settled();
  await reader.cancel("enough");
  const writing = new Channel<number>();
  const writer = writing.toWritableStream().getWriter();
  writer.closed.catch(() => {});
  writer.ready.catch(() => {});
  writer.write(1).catch(() => {});
  await settled();
  await writer.abort("enough");
  await settled();
  assertEquals(uncaught.errors, []);
});
