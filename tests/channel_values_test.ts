import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { Channel, Queue, recv, select } from "../mod.ts";
import { settled, state } from "./support/settle.ts";

Deno.test("44: a channel can be sent through a channel, and through itself", async () => {
  type Nested = Channel<Nested>;
  const outer: Nested = new Channel(1);
  const inner: Nested = new Channel(1);
  await outer.send(inner);
  const got = await outer.take();
  assertStrictEquals(got, inner);
  await got.send(got);
  assertStrictEquals(await inner.take(), inner);
});

Deno.test("45, P3, P9: whatever is sent comes out identical, by every call that receives", async () => {
  for (const value of payloads()) {
    for (const capacity of [0, 1]) {
      for (const [way, receive] of Object.entries(receivers)) {
        const told = `${String(typeof value)} by ${way}, capacity ${capacity}`;

        const first = new Channel<unknown>(capacity);
        const sent = first.send(value);
        assertOnly(await receive(first), value, told);
        await sent;

        const parked = new Channel<unknown>(capacity);
        const received = receive(parked);
        if (way === "tryReceive") continue;
        await parked.send(value);
        assertOnly(await received, value, `parked, ${told}`);
      }
    }
  }
});

Deno.test("45: nothing looks into what is sent", async () => {
  const trap = new Proxy({}, {
    get(_, key) {
      throw new Error(`read ${String(key)}`);
    },
    has(_, key) {
      throw new Error(`asked for ${String(key)}`);
    },
  });
  const ch = new Channel<unknown>(1);
  await ch.send(trap);
  assertStrictEquals((await ch.receive()).value, trap);
  const parked = ch.receive();
  assert(ch.trySend(trap));
  assertStrictEquals((await parked).value, trap);
  assert(ch.trySend(trap));
  for await (const value of ch) {
    assertStrictEquals(value, trap);
    break;
  }
});

Deno.test("P9: a promise that rejects can be received without a harm", async () => {
  const failed = Promise.reject(new Error("inner"));
  failed.catch(() => {});
  const ch = new Channel<Promise<never>>(1);
  await ch.send(failed);
  const { ok, value } = await ch.receive();
  assert(ok);
  assertStrictEquals(value, failed);
});

Deno.test("R10: take and get wait for a value that is a promise, parked or not", async () => {
  const failure = new Error("inner");
  const thenable = { then: (resolve: (value: string) => void) => resolve("theirs") };
  const calls: Record<string, (value: unknown) => Promise<unknown>[]> = {
    "take": (value) => {
      const ch = new Channel<unknown>(1);
      const parked = ch.take();
      ch.trySend(value);
      ch.trySend(value);
      return [parked, ch.take()];
    },
    "get": (value) => {
      const queue = new Queue<unknown>();
      const parked = queue.get();
      queue.putNowait(value);
      queue.putNowait(value);
      return [parked, queue.get()];
    },
  };
  for (const call of Object.values(calls)) {
    for (const got of call(Promise.resolve("inner"))) assertEquals(await got, "inner");
    for (const got of call(thenable)) assertEquals(await got, "theirs");
    const rejecting = call(Promise.reject(failure));
    for (const got of rejecting) {
      assertStrictEquals(await assertRejects(() => got, Error), failure);
    }
    for (const got of call(new Promise(() => {}))) assertEquals(await state(got), "pending");
  }
});

Deno.test("R10: the other calls of a queue give a promise as it is", async () => {
  const value = Promise.reject(new Error("never looked at"));
  value.catch(() => {});
  const calls: ((queue: Queue<unknown>) => Promise<readonly unknown[]>)[] = [
    async (queue) => [(await queue.lease()).value],
    (queue) => queue.getBatch(1),
    async (queue) => [(await queue[Symbol.asyncIterator]().next()).value],
    async (queue) => [(await select({ value: recv(queue) })).value],
    (queue) => Promise.resolve([queue.tryGet()?.value]),
    (queue) => Promise.resolve([queue.getNowait()]),
  ];
  for (const [at, call] of calls.entries()) {
    const queue = new Queue<unknown>();
    queue.putNowait(value);
    assertStrictEquals((await call(queue))[0], value);
    if (at >= 4) continue;
    const parked = call(queue);
    await settled();
    queue.putNowait(value);
    assertStrictEquals((await parked)[0], value);
  }
});

Deno.test("P3: two thousand parked receives are all served, each with a value of its own", async () => {
  const ch = new Channel<number | undefined>();
  const waiting = Array.from({ length: 2_000 }, () => ch.take());
  for (let n = 0; n < 2_000; n++) assert(ch.trySend(n));
  assertEquals(await Promise.all(waiting), Array.from({ length: 2_000 }, (_, n) => n));
});

/** In boxes, since a promise out of an async function is no longer itself; empty at the end. */
const receivers: Record<string, (ch: Channel<unknown>) => Promise<readonly unknown[]>> = {
  receive: async (ch) => boxed(await ch.receive()),
  tryReceive: (ch) => Promise.resolve(boxed(ch.tryReceive())),
  receiveMany: (ch) => ch.receiveMany(3),
  async next(ch) {
    const { done, value } = await ch[Symbol.asyncIterator]().next();
    return done ? [] : [value];
  },
  select: async (ch) => boxed(await select({ value: recv(ch) })),
  async forAwait(ch) {
    for await (const value of ch) return [value];
    return [];
  },
};

function boxed(received: { ok: boolean; value?: unknown } | undefined): unknown[] {
  return received?.ok ? [received.value] : [];
}

function payloads(): unknown[] {
  const rejected = Promise.reject(new Error("inner"));
  rejected.catch(() => {});
  return [
    undefined,
    null,
    NaN,
    -0,
    "",
    false,
    1n,
    Symbol("payload"),
    () => "called",
    new Error("sent"),
    [],
    { ok: false, value: undefined, done: true },
    Promise.resolve("inner"),
    new Promise(() => {}),
    rejected,
    { then: (resolve: (value: string) => void) => resolve("flattened") },
  ];
}

function assertOnly(values: readonly unknown[], value: unknown, told: string): void {
  assertEquals(values.length, 1, told);
  assertStrictEquals(values[0], value, told);
}
