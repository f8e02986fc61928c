import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import * as copied from "../core/errors.ts?copy";
import * as own from "../core/errors.ts";
import {
  background,
  CanceledError,
  Channel,
  ClosedError,
  type Context,
  DeadlineExceededError,
  Queue,
  QueueEmpty,
  QueueFull,
  QueueShutDown,
  recv,
  select,
  send,
  sleep,
  trySelect,
  withCancel,
  withTimeout,
} from "../mod.ts";
import { BrokenBarrierError } from "../sync/mod.ts";
import { DeadlockError } from "../tasks/mod.ts";
import { secondCopy } from "./support/second_copy.ts";

type Kind = keyof typeof own;

/** What each class is called, its code, and which of the classes its instances belong to. */
const kinds: Record<Kind, { name: string; code: string; belongs: Kind[] }> = {
  CanceledError: {
    name: "AbortError",
    code: "SLUICE_CANCELED",
    belongs: ["CanceledError"],
  },
  DeadlineExceededError: {
    name: "TimeoutError",
    code: "SLUICE_DEADLINE_EXCEEDED",
    belongs: ["DeadlineExceededError"],
  },
  ClosedError: {
    name: "ClosedError",
    code: "SLUICE_CLOSED",
    belongs: ["ClosedError"],
  },
  QueueShutDown: {
    name: "QueueShutDown",
    code: "SLUICE_QUEUE_SHUT_DOWN",
    belongs: ["ClosedError", "QueueShutDown"],
  },
  QueueFull: {
    name: "QueueFull",
    code: "SLUICE_QUEUE_FULL",
    belongs: ["QueueFull"],
  },
  QueueEmpty: {
    name: "QueueEmpty",
    code: "SLUICE_QUEUE_EMPTY",
    belongs: ["QueueEmpty"],
  },
};
const names = Object.keys(kinds) as Kind[];

// ---- the classes ----

Deno.test("122: every error has its name, its code, its message, and is an Error", () => {
  for (const kind of names) {
    const error = new own[kind]("what happened");
    const { name, code } = kinds[kind];
    assertEquals([error.name, error.code, error.message], [name, code, "what happened"]);
    assertEquals(String(error), `${name}: what happened`);
    assertStringIncludes(error.stack ?? "", `${name}: what happened`);
    assertInstanceOf(error, Error);
    assertInstanceOf(error, own[kind]);
    assertEquals(error.constructor.name, kind);
    assertEquals(new own[kind]().message, "");
  }
});

Deno.test("122: the codes are all different, and are keys of the error that are printed with it", () => {
  assertEquals(new Set(names.map((kind) => kinds[kind].code)).size, names.length);
  for (const kind of names) {
    assertEquals(Object.keys(new own[kind]("text")), ["code"]);
    assertStringIncludes(Deno.inspect(new own[kind]("text")), kinds[kind].code);
  }
});

Deno.test("122: a cause is a key only if it was given, also if it is undefined", () => {
  for (const kind of names) {
    assertFalse("cause" in new own[kind]("text"));
    assertFalse("cause" in new own[kind]("text", {}));
    for (const cause of [new Error("inner"), null, 0, undefined]) {
      const error = new own[kind]("text", { cause });
      assert("cause" in error);
      assertEquals(error.cause, cause);
    }
  }
});

Deno.test("122: a value is a key only if there was something to send, also if that is undefined", () => {
  for (const type of [ClosedError, QueueShutDown]) {
    for (const error of [new type("text"), new type("text", {}), new type()]) {
      assertFalse("value" in error);
    }
    for (const value of [1, null, undefined, { deep: true }]) {
      const error = new type("text", { value });
      assert(Object.hasOwn(error, "value"));
      assertEquals(error.value, value);
      assertFalse("cause" in error);
    }
  }
});

Deno.test("122: foreign code that knows the errors of the web knows ours by name", () => {
  using cancelled = withCancel(background());
  cancelled.cancel();
  using late = withTimeout(background(), 0);
  const web = [new DOMException("", "AbortError"), new DOMException("", "TimeoutError")];
  assertEquals<unknown>([cancelled.err?.name, late.err?.name], web.map(({ name }) => name));
  assertFalse(web[0] instanceof CanceledError || web[1] instanceof DeadlineExceededError);
});

// ---- instanceof ----

Deno.test("122: instanceof holds for the classes that an error belongs to, and no others", () => {
  for (const kind of names) {
    const error = new own[kind]("text");
    const found = names.filter((other) => error instanceof own[other]);
    assertEquals(found.toSorted(), kinds[kind].belongs.toSorted());
  }
});

Deno.test("122: it holds across two copies of the module, in either direction", () => {
  for (const kind of names) {
    assertFalse(own[kind] as unknown === copied[kind], "the copy is none");
    const theirs = new copied[kind]("text");
    const ours = new own[kind]("text");
    const belongs = kinds[kind].belongs.toSorted();
    assertEquals(names.filter((other) => theirs instanceof own[other]).toSorted(), belongs);
    assertEquals(names.filter((other) => ours instanceof copied[other]).toSorted(), belongs);
    assertInstanceOf(theirs, own[kind]);
  }
});

Deno.test("122: what is no error of ours is no instance, even if it looks like one", () => {
  const others: unknown[] = [
    undefined,
    null,
    0,
    "ClosedError",
    Symbol("s"),
    {},
    Object.create(null),
    () => {},
    new Error("text"),
    Object.assign(new Error("text"), { name: "ClosedError", code: "SLUICE_CLOSED" }),
  ];
  for (const kind of names) {
    for (const other of others) assertFalse(other instanceof (own[kind] as typeof ClosedError));
    assertFalse(own[kind] as unknown instanceof own[kind]);
  }
});

Deno.test("122: whoever derives a class gets an ordinary instanceof for it", () => {
  class Late extends ClosedError {}
  class Later extends Late {}
  class Stopped extends QueueShutDown {}
  class Copied extends copied.ClosedError {}
  const late = new Late("late", { value: 1 });
  const later = new Later("later");

  assert(late instanceof Late && late instanceof ClosedError && late instanceof Error);
  assert(later instanceof Later && later instanceof Late && later instanceof ClosedError);
  assertEquals([late.value, late.code], [1, "SLUICE_CLOSED"]);

  // None of these was made by the class or one that derives from it.
  assertFalse(late instanceof Later);
  assertFalse(new ClosedError("text") instanceof Late);
  assertFalse(new QueueShutDown("text") instanceof Late);
  assertFalse(new copied.ClosedError("text") instanceof Late);
  assertFalse(new Copied("text") instanceof Late);
  assertFalse(late instanceof Stopped);
  for (const other of [undefined, null, 1, "text", {}]) {
    assertFalse(other as unknown instanceof Late);
  }

  // The classes that it derives from are those of all copies.
  assert(late instanceof copied.ClosedError);
  assert(new Copied("text") instanceof ClosedError);
  assert(new Stopped("text") instanceof copied.ClosedError);
  assert(new Stopped("text") instanceof copied.QueueShutDown);
  assertFalse(late instanceof copied.QueueShutDown);
});

Deno.test("122: a derived class may have a name and a code of its own", () => {
  class Broken extends ClosedError {
    override readonly name = "Broken";
    override readonly code = "SLUICE_CLOSED";
    readonly line = 7;
  }
  const error = new Broken("text");
  assertEquals([error.name, error.code, error.line], ["Broken", "SLUICE_CLOSED", 7]);
  assertEquals(String(error), "Broken: text");
  assert(error instanceof Broken && error instanceof ClosedError);
});

Deno.test("122: what the channels, queues and contexts of another copy throw is recognised", async () => {
  const other = await secondCopy();
  const ch = new other.Channel<number>();
  ch.close("broken");
  const closed = await assertRejects(() => ch.send(1), ClosedError);
  assertEquals([closed.value, closed.cause], [1, "broken"]);
  const queue = new other.Queue<number>(1);
  queue.putNowait(1);
  assertThrows(() => queue.putNowait(2), QueueFull);
  queue.getNowait();
  assertThrows(() => queue.getNowait(), QueueEmpty);
  queue.shutdown();
  assertThrows(() => queue.putNowait(3), QueueShutDown);
  assertThrows(() => queue.putNowait(3), ClosedError);
  await assertRejects(() => new other.Channel().take({ timeout: 0 }), DeadlineExceededError);
  using ctx = other.withCancel(other.background());
  ctx.cancel();
  assertInstanceOf(ctx.err, CanceledError);
});

Deno.test("R17: a context of another copy is refused, with the advice to pass its signal", async () => {
  const other = await secondCopy();
  const ctx = other.background();
  const ch = new Channel<number>(1);
  ch.trySend(1);
  for (const wait of [ctx, { ctx }]) {
    for (const call of [() => ch.receive(wait), () => ch.send(2, wait), () => sleep(0, wait)]) {
      await assertRejects(call, TypeError, "signal");
    }
  }
  assertThrows(() => withCancel(ctx), TypeError, "signal");
  assertEquals(await ch.receive(ctx.signal), { ok: true, value: 1 });
});

// ---- what is thrown ----

Deno.test("122: each call fails with its own class, code and carried value", async () => {
  const closed = new Channel<number>();
  closed.close("reason");
  const full = new Queue<number>(1);
  full.putNowait(1);
  const down = new Queue<number>();
  down.shutdown();
  using ctx = withCancel(background());
  ctx.cancel();
  using late = withTimeout(background(), 0);
  const never = new Channel<number>();

  const failures: [call: () => unknown, code: string, carried: object][] = [
    [() => closed.send(1), "SLUICE_CLOSED", { value: 1, cause: "reason" }],
    [() => closed.trySend(1), "SLUICE_CLOSED", { value: 1, cause: "reason" }],
    [() => closed.close(), "SLUICE_CLOSED", {}],
    [() => select({ sent: send(closed, 1) }), "SLUICE_CLOSED", { value: 1, cause: "reason" }],
    [() => trySelect({ sent: send(closed, 1) }), "SLUICE_CLOSED", { value: 1, cause: "reason" }],
    [() => down.put(1), "SLUICE_QUEUE_SHUT_DOWN", { value: 1 }],
    [() => down.tryPut(1), "SLUICE_QUEUE_SHUT_DOWN", { value: 1 }],
    [() => down.putNowait(1), "SLUICE_QUEUE_SHUT_DOWN", { value: 1 }],
    [() => select({ sent: send(down, 1) }), "SLUICE_QUEUE_SHUT_DOWN", { value: 1 }],
    [() => down.get(), "SLUICE_QUEUE_SHUT_DOWN", {}],
    [() => down.lease(), "SLUICE_QUEUE_SHUT_DOWN", {}],
    [() => down.getNowait(), "SLUICE_QUEUE_SHUT_DOWN", {}],
    [() => down.getBatch(1), "SLUICE_QUEUE_SHUT_DOWN", {}],
    [() => full.putNowait(2), "SLUICE_QUEUE_FULL", {}],
    [() => new Queue().getNowait(), "SLUICE_QUEUE_EMPTY", {}],
    [() => never.take(ctx), "SLUICE_CANCELED", {}],
    [() => never.take(late), "SLUICE_DEADLINE_EXCEEDED", {}],
    [() => never.take({ timeout: 0 }), "SLUICE_DEADLINE_EXCEEDED", {}],
    [() => select({ value: recv(never) }, { timeout: 1 }), "SLUICE_DEADLINE_EXCEEDED", {}],
    [() => sleep(1_000, { timeout: 1 }), "SLUICE_DEADLINE_EXCEEDED", {}],
  ];
  for (const [call, code, carried] of failures) {
    const error = await assertRejects(async () => await call(), Error, "", String(call));
    const { code: actual } = error as Error & { code: string };
    assertEquals(actual, code, String(call));
    const { value, cause } = error as { value?: unknown; cause?: unknown };
    const found = {
      ...("value" in error ? { value } : {}),
      ...("cause" in error ? { cause } : {}),
    };
    assertEquals<object>(found, carried, String(call));
  }
});

Deno.test("R27: the name of a queue or channel stands in the messages of its errors", async () => {
  const ch = new Channel<number>({ name: "parsed lines" });
  const queue = new Queue<number>({ name: "jobs", maxSize: 1 });
  queue.putNowait(1);
  assertThrows(() => queue.putNowait(2), QueueFull, 'queue "jobs"');
  queue.getNowait();
  assertThrows(() => queue.getNowait(), QueueEmpty, 'queue "jobs"');
  const parked = ch.send(1).catch((error) => error);
  ch.close();
  queue.shutdown();
  assertStringIncludes((await parked).message, 'channel "parsed lines"');
  for (const call of [() => ch.send(1), () => ch.take(), () => ch.trySend(1), () => ch.close()]) {
    await assertRejects(async () => await call(), ClosedError, 'channel "parsed lines"');
  }
  for (const call of [() => queue.put(1), () => queue.get(), () => queue.getNowait()]) {
    await assertRejects(async () => await call(), QueueShutDown, 'queue "jobs"');
  }
});

Deno.test("R27: without a name the messages speak of the channel or the queue", async () => {
  const ch = new Channel<number>();
  ch.close();
  const queue = new Queue<number>();
  assertThrows(() => queue.getNowait(), QueueEmpty, "the queue");
  queue.shutdown();
  for (const call of [() => ch.send(1), () => ch.take(), () => ch.close()]) {
    const error = await assertRejects(async () => await call(), ClosedError, "the channel");
    assertFalse(error.message.includes("undefined"));
  }
  const error = await assertRejects(() => queue.get(), QueueShutDown, "the queue");
  assertFalse(error.message.includes("undefined"));
});

Deno.test("122: where the caller can do something, the message says what", async () => {
  const queue = new Queue<number>(1);
  assertMatch(assertThrows(() => queue.getNowait(), QueueEmpty).message, /wait with get/);
  queue.putNowait(1);
  assertMatch(assertThrows(() => queue.putNowait(2), QueueFull).message, /wait with put/);
  const ch = new Channel<number>();
  ch.close();
  assertMatch(assertThrows(() => ch.close(), ClosedError).message, /dispose/);
  const timed = await assertRejects(
    () => new Channel().take({ timeout: 1 }),
    DeadlineExceededError,
  );
  assertMatch(timed.message, /\b1 ms/);
});

Deno.test("R17: the message of a bad argument names it and shows what was given", async () => {
  const ch = new Channel<number>(2);
  const calls: [call: () => unknown, name: string, shown: string][] = [
    [() => new Channel(-1), "capacity", "-1"],
    [() => new Channel("5" as never), "options", '"5"'],
    [() => new Channel({ overflow: "lose" as never }), "overflow", '"lose"'],
    [() => new Channel({ onDrop: 7n as never }), "onDrop", "7n"],
    [() => Channel.from(null as never), "source", "null"],
    [() => ch.receiveMany(1.5), "max", "1.5"],
    [() => ch.receiveMany(2, { min: 3 }), "min", "3"],
    [() => ch.receiveMany(2, { linger: -5 }), "linger", "-5"],
    [() => ch.receive({ timeout: "10" as never }), "timeout", '"10"'],
    [() => ch.receive({ timeout: NaN }), "timeout", "NaN"],
    [() => ch.receive({ signal: {} as AbortSignal }), "signal", "[object Object]"],
    [() => ch.receive({ ctx: [] as unknown as Context }), "ctx", "[object Array]"],
    [() => ch.receive(null as never), "wait", "null"],
    [() => ch.send(1, 100 as never), "wait", "100"],
    [() => ch.take((() => {}) as never), "wait", "a function"],
    [() => ch.toReadableStream(true as never), "options", "true"],
  ];
  for (const [call, name, shown] of calls) {
    const error = await assertRejects(async () => await call(), Error);
    assert(error instanceof TypeError || error instanceof RangeError, String(call));
    assertStringIncludes(error.message, name);
    assertStringIncludes(error.message, shown);
  }
});

Deno.test("122: the errors of locks and pools have names and codes, too", () => {
  const errors = [new BrokenBarrierError("what happened"), new DeadlockError("what happened")];
  assertEquals(errors.map(({ name, code, message }) => [name, code, message]), [
    ["BrokenBarrierError", "SLUICE_BROKEN_BARRIER", "what happened"],
    ["DeadlockError", "SLUICE_DEADLOCK", "what happened"],
  ]);
  assertFalse(errors[0] instanceof DeadlockError);
  // As another copy of the module makes them.
  const foreign = Object.assign(new Error("what happened"), {
    [Symbol.for("sluice.error.DeadlockError")]: true,
  });
  assertInstanceOf(foreign, DeadlockError);
});
