/**
 * What runs now, by id.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  background,
  CanceledError,
  Channel,
  type Context,
  ContextKey,
  DeadlineExceededError,
  withCancel,
  withValue,
} from "../mod.ts";
import {
  type Job,
  type TaskId,
  type TaskOptions,
  TaskRegistry,
  type TrackedTask,
} from "../tasks/mod.ts";
import { fakeClock } from "./support/clock.ts";
import { held } from "./support/collect.ts";
import { settled, state } from "./support/settle.ts";
import { spiedController } from "./support/spied_signal.ts";
import { catchUncaught } from "./support/uncaught.ts";
import { failure } from "./support/streaming.ts";

/** Waits until the context ends, then passes its cause on. */
function obedient(ctx: Context): Promise<never> {
  return new Channel<never>().take(ctx);
}

const ids = (registry: TaskRegistry): TaskId[] => registry.list().map(({ id }) => id);

Deno.test("124: a task is listed while it runs, with what is known of it", async () => {
  using clock = fakeClock();
  const registry = new TaskRegistry();
  let end = () => {};
  const running = registry.run((ctx) => {
    assertEquals(ids(registry), ["import"]);
    assertStrictEquals(registry.get("import")!.ctx, ctx);
    return new Promise<number>((resolve) => end = () => resolve(7));
  }, { id: "import", name: "the import" });
  await clock.tick(10);
  using second = registry.add();
  const info = registry.get("import")!;
  assertEquals([info.id, info.name], ["import", "the import"]);
  assertEquals([info.startedAt, second.startedAt], [clock.now - 10, clock.now]);
  assertEquals([second.name, info.ctx.done], [undefined, false]);
  assertEquals([registry.has("import"), registry.has("other"), registry.size], [true, false, 2]);
  assertEquals(registry.get("other"), undefined);
  end();
  assertEquals(await running, 7);
  assertEquals([registry.has("import"), registry.size], [false, 1]);
});

Deno.test("124: it is removed on every way out, its context ends, and its caller is told as ever", async () => {
  const registry = new TaskRegistry();
  const error = new Error("no");
  const ways: Record<string, { job: Job<unknown>; end?: () => unknown; outcome: unknown }> = {
    "a result": { job: () => Promise.resolve(7), outcome: 7 },
    "a result at once": { job: () => 7, outcome: 7 },
    "an error": { job: () => Promise.reject(error), outcome: error },
    "a synchronous throw": {
      job: () => {
        throw error;
      },
      outcome: error,
    },
    "a cancel": {
      job: obedient,
      end: () => registry.cancel("it", error),
      outcome: error,
    },
    "a cancel of all": { job: obedient, end: () => registry.cancelAll(error), outcome: error },
    "a result in spite of a cancel": {
      job: (ctx) => obedient(ctx).catch(() => 7),
      end: () => registry.cancel("it"),
      outcome: 7,
    },
  };
  for (const [name, { job, end, outcome }] of Object.entries(ways)) {
    let ctx: Context | undefined;
    const result = registry.run((given) => {
      ctx = given;
      return job(given);
    }, { id: "it" });
    end?.();
    const size = result.then(() => registry.size, () => registry.size);
    assertEquals(await size, 0, `${name}: it is removed before the caller goes on`);
    assertEquals(await result.catch((thrown) => thrown), outcome, name);
    assert(ctx!.done, name);
    assertFalse(registry.cancel("it"));
  }
});

Deno.test("124: a task that is added runs until it is disposed, once", async () => {
  const registry = new TaskRegistry();
  let task: TrackedTask;
  {
    using added = registry.add({ id: 7 });
    task = added;
    assertEquals([ids(registry), added.ctx.done], [[7], false]);
  }
  assertEquals([registry.size, task.ctx.done], [0, true]);
  assertInstanceOf(task.ctx.err, CanceledError);
  // Another task may have its id by now.
  using next = registry.add({ id: 7 });
  task[Symbol.dispose]();
  assertStrictEquals(registry.get(7), next);
  const waiting = registry.wait();
  assertEquals(await state(waiting), "pending");
  next[Symbol.dispose]();
  await waiting;
  const throwing = () => {
    using _ = registry.add({ id: 7 });
    throw "no";
  };
  assertThrows(throwing);
  assertEquals(registry.size, 0);
});

Deno.test("124: an id that runs is refused, and can be used again afterwards", async () => {
  const registry = new TaskRegistry();
  const first = registry.add({ id: "import" });
  const message = 'a task with the id "import" runs already';
  assertThrows(() => registry.add({ id: "import" }), TypeError, message);
  let ran = false;
  await assertRejects(() => registry.run(() => ran = true, { id: "import" }), TypeError, message);
  assertEquals([ran, registry.size], [false, 1]);
  first[Symbol.dispose]();
  assertEquals(await registry.run(() => 2, { id: "import" }), 2);
  // "7" and 7 are two.
  using _7 = registry.add({ id: 7 });
  using _string = registry.add({ id: "7" });
  assertThrows(() => registry.add({ id: 7 }), TypeError, "a task with the id 7 runs already");
});

Deno.test("124: ids that are left out are numbers which no other task has", () => {
  const registry = new TaskRegistry();
  using two = registry.add({ id: 2 });
  const tasks = [registry.add(), registry.add(), registry.add()];
  assertEquals(new Set([two.id, ...tasks.map(({ id }) => id)]).size, 4);
  assert(tasks.every(({ id }) => typeof id === "number"));
  const old = tasks[0]!.id;
  tasks[0]![Symbol.dispose]();
  using later = registry.add();
  assert(later.id !== old, "nobody who knows the old one means the new one");
});

Deno.test("124: list and iteration are oldest first, and stay as they are while tasks come and go", () => {
  const registry = new TaskRegistry();
  const tasks = ["b", "a", 1, "c"].map((id) => registry.add({ id }));
  tasks[1]![Symbol.dispose]();
  registry.add({ id: "a" });
  const list = registry.list();
  const seen: TaskId[] = [];
  for (const { id } of registry) {
    seen.push(id);
    if (id === "b") tasks[2]![Symbol.dispose]();
    registry.add();
  }
  assertEquals(seen, ["b", 1, "c", "a"]);
  assertEquals(list.map(({ id }) => id), seen);
});

Deno.test("124: cancel ends the context of one task, which is listed until it has ended", async () => {
  const registry = new TaskRegistry();
  let end = () => {};
  const heedless = registry.run(() => new Promise<void>((resolve) => end = resolve), { id: 1 });
  const other = registry.add({ id: 2 });
  assertEquals(registry.cancel(1, "enough"), true);
  assertEquals(registry.cancel(1, "too late"), true);
  assertEquals([registry.get(1)!.ctx.cause, other.ctx.done], ["enough", false]);
  assertEquals(registry.cancel(3), false);
  assertEquals(ids(registry), [1, 2]);
  end();
  await heedless;
  assertEquals([ids(registry), registry.cancel(1)], [[2], false]);
  other[Symbol.dispose]();
});

Deno.test("124: cancelAll ends those that run now, and says how many", async () => {
  const registry = new TaskRegistry();
  const running = [1, 2, 3].map((id) => registry.run(obedient, { id }));
  let added: TrackedTask | undefined;
  registry.get(1)!.ctx.signal.addEventListener("abort", () => added = registry.add({ id: 4 }));
  assertEquals(registry.cancelAll("enough"), 3);
  for (const one of running) assertEquals(await failure(one), "enough");
  assertEquals([ids(registry), added!.ctx.done], [[4], false]);
  added![Symbol.dispose]();
  assertEquals(registry.cancelAll(), 0);
});

Deno.test("124: wait resolves when none runs, at once if none does, and can be left", async () => {
  using clock = fakeClock();
  const registry = new TaskRegistry();
  await registry.wait();
  const tasks = [registry.add(), registry.add()];
  const waiting = registry.wait();
  const late = failure(registry.wait({ timeout: 10 }));
  tasks[0]![Symbol.dispose]();
  await clock.tick(10);
  assertInstanceOf(await late, DeadlineExceededError);
  assertEquals(await state(waiting), "pending");
  tasks[1]![Symbol.dispose]();
  await waiting;
  const ctx = withCancel(background());
  ctx.cancel("enough");
  assertEquals(await failure(registry.wait(ctx)), "enough");
  assertEquals(clock.timers, 0);
});

Deno.test("124: the parent ends the task, gives it its values, and is let go with it", async () => {
  const registry = new TaskRegistry();
  const key = new ContextKey<string>("user");
  const parent = withCancel(withValue(background(), key, "eve"));
  assertEquals(await registry.run((ctx) => ctx.value(key), { parent }), "eve");
  const stopped = registry.run(obedient, { parent });
  parent.cancel("over");
  assertEquals([await failure(stopped), registry.size], ["over", 0]);
  let runs = 0;
  assertEquals(await failure(registry.run(() => runs++, { parent })), "over");
  assertEquals([runs, registry.size], [0, 0]);

  const controller = spiedController();
  {
    using _ = registry.add({ parent: controller.signal });
    assertEquals(controller.listeners, 1);
  }
  assertEquals(controller.listeners, 0);
});

Deno.test("124: neither registry nor parent holds anything of a task that has ended", async () => {
  const registry = new TaskRegistry();
  const parent = withCancel(background());
  const refs: WeakRef<object>[] = [];
  await (async () => {
    for (let id = 0; id < 5; id++) {
      const value = { id };
      const job = () => value;
      refs.push(new WeakRef(value), new WeakRef(job));
      await registry.run(job, { id, parent });
      const thrown = { id };
      refs.push(new WeakRef(thrown));
      await registry.run(() => Promise.reject(thrown), { parent }).catch(() => {});
      using task = registry.add({ parent });
      refs.push(new WeakRef(task), new WeakRef(task.ctx));
    }
  })();
  assertEquals(await held(refs), 0);
  assertEquals(registry.size, 0);
  parent.cancel();
});

Deno.test("124: a task that fails unseen is an unhandled rejection, as of any promise", async () => {
  using uncaught = catchUncaught();
  void new TaskRegistry().run(() => Promise.reject("no"));
  await settled();
  assertEquals(uncaught.errors, ["no"]);
});

Deno.test("124, R17: bad arguments are refused, with the value, and nothing is registered", async () => {
  const registry = new TaskRegistry();
  const bad: readonly [unknown, string][] = [
    [7, "options must be an object of options, not 7"],
    [{ id: null }, "id must be a string or a number, not null"],
    [{ id: 7n }, "id must be a string or a number, not 7n"],
    [{ name: 7 }, "name must be a string, not 7"],
    [{ parent: {} }, "parent must be a context or an AbortSignal, not [object Object]"],
  ];
  for (const [options, message] of bad) {
    assertThrows(() => registry.add(options as TaskOptions), TypeError, message);
    const result = registry.run(() => 1, options as TaskOptions);
    await assertRejects(() => result, TypeError, message);
  }
  const result = registry.run(7 as unknown as Job<unknown>);
  await assertRejects(() => result, TypeError, "job must be a function, not 7");
  await assertRejects(() => registry.wait({ timeout: NaN }), RangeError, "not NaN");
  assertEquals(registry.size, 0);
  await registry.wait();
});
