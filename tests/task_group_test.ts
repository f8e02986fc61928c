/**
 * Groups of tasks: who ends whom, what is told to whom, and when it is over.
 *
 * @module
 */
import fc from "fast-check";
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
  CanceledError,
  Channel,
  ClosedError,
  type Context,
  ContextKey,
  DeadlineExceededError,
  sleep,
  withCancel,
  withValue,
} from "../mod.ts";
import { type Job, TaskGroup, type TaskGroupOptions } from "../tasks/mod.ts";
import { countCall, holding } from "../core/turn.ts";
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

/** A task that ends when the test says so, whatever becomes of its context. */
class Gate<R = void> {
  readonly #end = Promise.withResolvers<R>();
  ctx: Context | undefined;
  readonly job: Job<R> = (ctx) => {
    this.ctx = ctx;
    return this.#end.promise;
  };
  open(value: R): void {
    this.#end.resolve(value);
  }
  fail(error: unknown): void {
    this.#end.reject(error);
  }
  get started(): boolean {
    return this.ctx !== undefined;
  }
}

// ---- 106: errors ----

Deno.test("106: the first error ends the others, and wait rejects with it when all have ended", async () => {
  const group = new TaskGroup();
  const first = new Error("first");
  const [failing, slow] = [new Gate(), new Gate()];
  const tasks = [group.spawn(failing.job), group.spawn(slow.job), group.spawn(obedient)];
  const waiting = group.wait();
  failing.fail(first);
  assertEquals(await state(waiting), "pending", "one has not ended");
  assertEquals([group.ctx.done, group.active], [true, 1]);
  assertStrictEquals(group.ctx.cause, first);
  assertStrictEquals(slow.ctx!.cause, first);
  assertStrictEquals(await failure(tasks[2]!), first);
  slow.open();
  assertStrictEquals(await failure(waiting), first);
  assertStrictEquals(await failure(tasks[0]!), first);
  assertEquals(await tasks[1], undefined);
  assertEquals([group.errors, group.active], [[first], 0]);
});

Deno.test("106: a group whose tasks succeed gives their results, and its context ends with wait", async () => {
  const group = new TaskGroup();
  const one = group.spawn(() => 1);
  const two = group.spawn(() => Promise.resolve("two"));
  const thenable = group.spawn(() => ({
    then: (resolve: (value: number) => void) => resolve(3),
  } as PromiseLike<number>));
  assertEquals(group.ctx.done, false);
  await group.wait();
  assertEquals([await one, await two, await thenable], [1, "two", 3]);
  assertInstanceOf(group.ctx.err, CanceledError);
  assertEquals(group.errors, []);
});

Deno.test("106: a group without tasks is over at once, each time, and its context ends all the same", async () => {
  const group = new TaskGroup();
  assertEquals(await state(group.wait()), "fulfilled");
  assert(group.ctx.done);
  await group.wait();
});

Deno.test("106: all who wait, then and later, get the first error", async () => {
  const group = new TaskGroup();
  const gate = new Gate();
  group.spawn(gate.job);
  const waiting = [group.wait(), group.wait()];
  gate.fail("no");
  for (const one of [...waiting, group.wait()]) assertEquals(await failure(one), "no");
});

Deno.test("106: who leaves a wait leaves the group as it is", async () => {
  using clock = fakeClock();
  const group = new TaskGroup();
  const gate = new Gate();
  group.spawn(gate.job);
  const ctx = withCancel(background());
  const left = group.wait(ctx);
  const late = group.wait({ timeout: 10 });
  ctx.cancel("enough");
  assertEquals(await failure(left), "enough");
  const [error] = await Promise.all([failure(late), clock.tick(10)]);
  assertInstanceOf(error, DeadlineExceededError);
  assertEquals([group.ctx.done, group.active, clock.timers], [false, 1, 0]);
  assertEquals(await group.spawn(() => 7), 7);
  assertEquals(await failure(group.wait(ctx)), "enough");
  gate.open();
  await group.wait();
});

Deno.test("106, R18: a wait that has ended already goes before a group that is over or closed", async () => {
  const group = new TaskGroup();
  const ctx = withCancel(background());
  ctx.cancel("enough");
  assertEquals(await failure(group.wait(ctx)), "enough");
  await group.wait();
  assertEquals(await failure(group.wait(ctx)), "enough");
  assertEquals(await failure(group.spawn(() => 1, ctx)), "enough");
  assertEquals(await failure(group.go(() => 1, ctx)), "enough");
});

Deno.test("106: wait also waits for what tasks spawn meanwhile", async () => {
  const group = new TaskGroup();
  const [first, inner] = [new Gate(), new Gate()];
  group.spawn(async (ctx) => {
    await first.job(ctx);
    group.spawn(inner.job);
  });
  const waiting = group.wait();
  first.open();
  assertEquals(await state(waiting), "pending");
  inner.fail("inner");
  assertEquals(await failure(waiting), "inner");
});

Deno.test("106: the owner's cancel ends the tasks and is no failure", async () => {
  const group = new TaskGroup();
  const tasks = [group.spawn(obedient), group.spawn(obedient)];
  group.cancel("enough");
  group.cancel("too late");
  for (const task of tasks) assertEquals(await failure(task), "enough");
  await group.wait();
  assertEquals([group.errors, group.ctx.cause], [[], "enough"]);
});

Deno.test("106: what a cancelled task throws of its own is a failure", async () => {
  const group = new TaskGroup();
  group.spawn((ctx) => obedient(ctx).catch(() => Promise.reject("cleaning up failed")));
  group.cancel("enough");
  assertEquals(await failure(group.wait()), "cleaning up failed");
  assertEquals(group.errors, ["cleaning up failed"]);
  assertEquals(group.ctx.cause, "enough");
});

Deno.test("106: passing on the context's end is no error, be it as its cause or as its err", async () => {
  const ways: Record<string, (ctx: Context) => unknown> = {
    cause: (ctx) => ctx.cause,
    err: (ctx) => ctx.err,
    reason: (ctx) => ctx.signal.reason,
  };
  for (const [name, way] of Object.entries(ways)) {
    for (const cause of [undefined, "enough"]) {
      const group = new TaskGroup();
      group.spawn((ctx) => obedient(ctx).catch(() => Promise.reject(way(ctx))));
      group.cancel(cause);
      await group.wait();
      assertEquals(group.errors, [], name);
    }
  }
});

Deno.test("106: the parent's end is a failure if it has stopped a task, and none otherwise", async () => {
  const parent = withCancel(background());
  const [stopped, refusing, heedless, empty] = [1, 2, 3, 4].map(() => new TaskGroup({ parent }));
  const task = stopped!.spawn(obedient);
  const gate = new Gate<number>();
  const result = heedless!.spawn(gate.job);
  parent.cancel("over");
  assertEquals(await failure(task), "over");
  assertEquals(await failure(stopped!.wait()), "over");
  assertEquals(stopped!.errors, []);
  assertEquals(await failure(refusing!.spawn(() => 1)), "over");
  assertEquals(await failure(refusing!.wait()), "over");
  gate.open(1);
  await heedless!.wait();
  assertEquals(await result, 1);
  await empty!.wait();
});

Deno.test("106: an error comes before the end of the parent, and a cancel after that changes nothing", async () => {
  const parent = withCancel(background());
  const group = new TaskGroup({ parent });
  group.spawn((ctx) => obedient(ctx).catch(() => Promise.reject("own")));
  group.spawn(obedient);
  parent.cancel("over");
  group.cancel("no");
  assertEquals(await failure(group.wait()), "own");
  const other = new TaskGroup({ parent });
  other.spawn(obedient);
  other.cancel();
  assertEquals(await failure(other.wait()), "over");
});

Deno.test("106: an error that is undefined or null is one", async () => {
  for (const nothing of [undefined, null]) {
    const group = new TaskGroup();
    const other = group.spawn(obedient);
    const failing = group.spawn(() => Promise.reject(nothing));
    assertEquals(await failure(failing), nothing);
    assertEquals(await failure(group.wait()), nothing);
    assertEquals(group.errors, [nothing]);
    assertStrictEquals(await failure(other), group.ctx.cause);
  }
});

Deno.test("106: tasks see the values of the parent, a signal as well ends them, and all is let go", async () => {
  const key = new ContextKey<string>("user");
  const group = new TaskGroup({ parent: withValue(background(), key, "eve") });
  assertEquals(await group.spawn((ctx) => ctx.value(key)), "eve");
  await group.wait();

  const controller = spiedController();
  const below = new TaskGroup({ parent: controller.signal });
  below.spawn(() => 1);
  assertEquals(controller.listeners, 1);
  await below.wait();
  assertEquals(controller.listeners, 0);
  const ended = new TaskGroup({ parent: controller.signal });
  const task = ended.spawn(obedient);
  controller.abort("over");
  assertEquals([await failure(task), await failure(ended.wait())], ["over", "over"]);
  assertEquals(controller.listeners, 0);
});

Deno.test("106: a long-lived parent holds nothing of a group that is over", async () => {
  const parent = withCancel(background());
  const refs: WeakRef<object>[] = [];
  await (async () => {
    for (let i = 0; i < 5; i++) {
      const group = new TaskGroup({ parent, limit: 1 });
      const value = { big: i };
      refs.push(new WeakRef(group), new WeakRef(value));
      await group.spawn(() => value);
      await group.wait();
    }
  })();
  assertEquals(await held(refs), 0);
  parent.cancel();
});

// ---- 107: places ----

Deno.test("107: never more run than the limit, and those who wait start in their order", async () => {
  for (const way of ["spawn", "go"] as const) {
    const group = new TaskGroup({ limit: 2 });
    const gates = [1, 2, 3, 4, 5].map(() => new Gate());
    const started = () => gates.map((gate) => gate.started);
    const calls = gates.map((gate) => group[way](gate.job));
    assertEquals(started(), [true, true, false, false, false]);
    assertEquals([group.active, group.waiting, group.limit], [2, 3, 2]);
    gates[1]!.open();
    await settled();
    assertEquals(started(), [true, true, true, false, false]);
    gates[0]!.open();
    gates[2]!.open();
    await settled();
    assertEquals(started(), [true, true, true, true, true]);
    assertEquals([group.active, group.waiting], [2, 0]);
    gates[3]!.open();
    gates[4]!.open();
    await Promise.all(calls);
    await group.wait();
    assertEquals([group.active, group.waiting], [0, 0]);
  }
});

Deno.test("107: go resolves when its task has started, spawn when it has ended", async () => {
  const group = new TaskGroup({ limit: 1 });
  const [a, b] = [new Gate(), new Gate<number>()];
  const first = group.go(a.job);
  assertEquals(await state(first), "fulfilled");
  const second = group.go(b.job);
  assertEquals(await state(second), "pending");
  a.open();
  assertEquals(await state(second), "fulfilled");
  assertEquals([group.active, await second], [1, undefined]);
  const third = group.spawn(() => 3);
  assertEquals(await state(third), "pending");
  b.open(2);
  assertEquals(await third, 3);
});

Deno.test("107: trySpawn is undefined when there is no place, and starts no task then", async () => {
  const group = new TaskGroup({ limit: 1 });
  const gate = new Gate<number>();
  const first = group.trySpawn(gate.job);
  let ran = false;
  assertEquals(group.trySpawn(() => ran = true), undefined);
  assertEquals([group.active, group.waiting], [1, 0]);
  gate.open(1);
  assertEquals([await first, ran], [1, false]);
  assertEquals(await group.trySpawn(() => 2), 2);
  group.cancel("enough");
  assertEquals(await failure(group.trySpawn(() => 3)!), "enough");
  await group.wait();
  assertInstanceOf(await failure(group.trySpawn(() => 3)!), ClosedError);
});

Deno.test("107: nobody overtakes those who wait, not even from a task that ends", async () => {
  const group = new TaskGroup({ limit: 1 });
  const gate = new Gate();
  const order: string[] = [];
  group.spawn(async (ctx) => {
    await gate.job(ctx);
    assertEquals(group.trySpawn(() => order.push("overtaker")), undefined);
    group.spawn(() => order.push("second"));
  });
  group.spawn(() => order.push("first"));
  gate.open();
  await group.wait();
  assertEquals(order, ["first", "second"]);
});

Deno.test("107: with limit 0 none is admitted, until the group or the caller gives up", async () => {
  const group = new TaskGroup({ limit: 0 });
  let ran = false;
  const run = () => ran = true;
  assertEquals(group.trySpawn(run), undefined);
  const ctx = withCancel(background());
  const calls = [group.spawn(run), group.spawn(run, ctx), group.go(run)];
  assertEquals(await state(calls[0]!), "pending");
  ctx.cancel("left");
  assertEquals(await failure(calls[1]!), "left");
  assertEquals(group.waiting, 2);
  const waiting = group.wait();
  assertEquals(await state(waiting), "pending");
  group.cancel("enough");
  assertEquals([await failure(calls[0]!), await failure(calls[2]!)], ["enough", "enough"]);
  await waiting;
  assertEquals(ran, false);
});

Deno.test("107: the limit is not changed while tasks run or wait, and can be before and after", async () => {
  const group = new TaskGroup();
  assertEquals(group.limit, Infinity);
  group.setLimit(1);
  const gate = new Gate();
  const first = group.spawn(gate.job);
  const ctx = withCancel(background());
  const second = group.spawn(() => 2, ctx);
  assertThrows(() => group.setLimit(2), TypeError, "limit must not change while tasks run or wait");
  assertEquals(group.limit, 1);
  ctx.cancel();
  await assertRejects(() => second, CanceledError);
  assertThrows(() => group.setLimit(2), TypeError);
  gate.open();
  await first;
  group.setLimit(0);
  const parked = group.spawn(() => 3);
  assertThrows(() => group.setLimit(2), TypeError);
  group.cancel();
  await assertRejects(() => parked, CanceledError);
});

Deno.test("107: who gives up waiting for a place never starts, and holds up nobody", async () => {
  using clock = fakeClock();
  const group = new TaskGroup({ limit: 1 });
  const gate = new Gate();
  group.spawn(gate.job);
  const controller = spiedController();
  const gone: string[] = [];
  const leaving = [
    group.spawn(() => gone.push("signal"), controller.signal),
    group.spawn(() => gone.push("timeout"), { timeout: 10 }),
    group.spawn(() => gone.push("at once"), { timeout: 0 }),
  ];
  const last = group.spawn(() => "last");
  controller.abort("left");
  await clock.tick(10);
  assertEquals([group.waiting, clock.timers, controller.listeners], [1, 0, 0]);
  gate.open();
  assertEquals(await last, "last");
  assertEquals(await failure(leaving[0]!), "left");
  assertInstanceOf(await failure(leaving[1]!), DeadlineExceededError);
  assertInstanceOf(await failure(leaving[2]!), DeadlineExceededError);
  await group.wait();
  assertEquals([gone, group.errors], [[], []]);
});

Deno.test("107: the wait of a spawn ends the wait for a place alone, not a task that runs", async () => {
  const group = new TaskGroup({ limit: 1 });
  const [a, b] = [new Gate(), new Gate<number>()];
  const ctx = withCancel(background());
  group.spawn(a.job, ctx);
  const second = group.spawn(b.job, ctx);
  a.open();
  await settled();
  assert(b.started);
  ctx.cancel("too late");
  assertEquals(await state(second), "pending");
  assertEquals(group.ctx.done, false);
  b.open(2);
  assertEquals(await second, 2);
});

Deno.test("107: when the last who waits for a place has left, the group may be over", async () => {
  const group = new TaskGroup({ limit: 0 });
  const ctx = withCancel(background());
  group.spawn(() => 1, ctx);
  const waiting = group.wait();
  ctx.cancel();
  assertEquals(await state(waiting), "fulfilled");
});

Deno.test("107: an error rejects those who wait for a place, with it, and they never start", async () => {
  const group = new TaskGroup({ limit: 1 });
  const gate = new Gate();
  group.spawn(gate.job);
  let ran = false;
  const parked = [group.spawn(() => ran = true), group.go(() => ran = true)];
  gate.fail("no");
  for (const one of parked) assertEquals(await failure(one), "no");
  assertEquals(await failure(group.wait()), "no");
  assertEquals([ran, group.errors], [false, ["no"]]);
});

// ---- 108: whatever a task throws ----

Deno.test("108: a synchronous throw is a rejection, and frees its place", async () => {
  const group = new TaskGroup({ limit: 1 });
  const error = new Error("at once");
  const task = group.spawn(() => {
    throw error;
  });
  assertEquals(group.active, 0);
  assertStrictEquals(await failure(task), error);
  assertStrictEquals(await failure(group.wait()), error);

  // So it is of one who waited for a place.
  const other = new TaskGroup({ limit: 1 });
  const gate = new Gate();
  other.spawn(gate.job);
  const second = other.spawn(() => {
    throw error;
  });
  const waiting = other.wait();
  const third = other.spawn(() => 3);
  gate.open();
  for (const one of [second, third, waiting]) assertStrictEquals(await failure(one), error);
});

Deno.test("108: every error is in errors, in the order in which they happened", async () => {
  const group = new TaskGroup();
  const gates = [0, 1, 2, 3].map(() => new Gate());
  for (const gate of gates) group.spawn(gate.job);
  group.spawn(obedient);
  for (const at of [2, 0, 3]) {
    gates[at]!.fail(`error ${at}`);
    await settled();
  }
  gates[1]!.open();
  assertEquals(await failure(group.wait()), "error 2");
  assertEquals(group.errors, ["error 2", "error 0", "error 3"]);
});

Deno.test("108, 120, P23: what nobody looks at is no unhandled rejection", async () => {
  using uncaught = catchUncaught();
  const group = new TaskGroup({ limit: 2 });
  const gates = [new Gate(), new Gate()];
  for (const gate of gates) group.spawn(gate.job);
  group.spawn(() => 1);
  void group.go(() => 1);
  group.spawn(() => 1, { timeout: 0 });
  const ctx = withCancel(background());
  group.spawn(() => 1, ctx);
  ctx.cancel();
  group.spawn(() => 1, ctx);
  gates[0]!.fail("one");
  gates[1]!.fail("two");
  await settled();
  group.spawn(() => 1);
  void group.go(() => 1);
  group.trySpawn(() => 1);
  await settled();
  assertEquals(uncaught.errors, []);
  assertEquals(group.errors, ["one", "two"]);
  const other = new TaskGroup();
  void other.go(() => Promise.reject("three"));
  await settled();
  assertEquals([uncaught.errors, other.errors], [[], ["three"]]);
});

Deno.test("108, 117: nor is what fails while completions are held back for a turn", async () => {
  using uncaught = catchUncaught();
  const group = new TaskGroup({ limit: 1 });
  let open = () => {};
  const first = group.spawn(() => new Promise<void>((resolve) => open = resolve));
  const second = group.spawn(() => {
    throw "at once";
  });
  const end = performance.now() + 50;
  // The guard asks for a turn, and none comes.
  while (!holding && performance.now() < end) countCall();
  assert(holding);
  open();
  await settled();
  await settled();
  assertEquals(uncaught.errors, []);
  assertEquals(await first, undefined);
  assertEquals(await failure(second), "at once");
});

Deno.test("108, 117: tasks that end at once, one after the other, let a timer run", async () => {
  for (const limit of [1, Infinity]) {
    for (const way of ["spawn", "go"] as const) {
      const group = new TaskGroup({ limit });
      let fired = false;
      const timer = setTimeout(() => fired = true, 1);
      let rounds = 0;
      while (!fired && rounds++ < 500_000) await group[way](() => 1);
      assert(fired, `${way}, ${limit}`);
      clearTimeout(timer);
      await group.wait();
    }
  }
});

// ---- 109: a scope of tasks ----

Deno.test("109: run gives what its body gives, after all tasks have ended", async () => {
  const gate = new Gate();
  let group: TaskGroup | undefined;
  const running = TaskGroup.run((given) => {
    group = given;
    given.spawn(gate.job);
    return "result";
  });
  assertEquals(await state(running), "pending");
  gate.open();
  assertEquals(await running, "result");
  assert(group!.ctx.done);
});

Deno.test("109: if the body throws, its tasks are cancelled and waited for, and run rejects with that", async () => {
  for (const late of [false, true]) {
    const gate = new Gate();
    let child: Promise<unknown> | undefined;
    const running = TaskGroup.run((group) => {
      child = group.spawn(obedient);
      group.spawn(gate.job);
      if (!late) throw "the body";
      return Promise.reject("the body");
    });
    assertEquals(await state(running), "pending");
    assertEquals(await failure(child!), "the body");
    assertEquals(gate.ctx!.cause, "the body");
    gate.open();
    assertEquals(await failure(running), "the body");
  }
});

Deno.test("109: if a task fails, what the body waits for with the context ends, and run rejects with the task's error", async () => {
  let seen: readonly unknown[] = [];
  const running = TaskGroup.run(async (group) => {
    group.spawn(() => Promise.reject("the task"));
    seen = group.errors;
    await obedient(group.ctx);
  });
  assertEquals(await failure(running), "the task");
  assertEquals(seen, ["the task"]);
  // The first error is told, also if the body has another one.
  const other = TaskGroup.run(async (group) => {
    const task = group.spawn(() => Promise.reject("the task"));
    await task.catch(() => {});
    seen = group.errors;
    throw "the body";
  });
  assertEquals([await failure(other), seen], ["the task", ["the task", "the body"]]);
});

Deno.test("109: a body that cancels its group is no failure, unless it passes that on itself", async () => {
  assertEquals(
    await TaskGroup.run((group) => {
      group.spawn(obedient);
      group.cancel("enough");
      return 7;
    }),
    7,
  );
  const passing = TaskGroup.run((group) => {
    group.cancel("enough");
    return obedient(group.ctx);
  });
  assertEquals(await failure(passing), "enough");
});

Deno.test("109: run below a parent that ends rejects with its cause, if that has stopped something", async () => {
  const parent = withCancel(background());
  const stopped = TaskGroup.run((group) => void group.spawn(obedient), { parent });
  const body = TaskGroup.run((group) => obedient(group.ctx), { parent });
  const nothing = TaskGroup.run(() => 1, { parent });
  parent.cancel("over");
  assertEquals([await failure(stopped), await failure(body), await nothing], ["over", "over", 1]);
});

Deno.test("109: after a failure spawn rejects with the cause, and after wait with ClosedError", async () => {
  const group = new TaskGroup();
  const gate = new Gate();
  group.spawn(gate.job);
  const error = new Error("no");
  const failing = group.spawn(() => Promise.reject(error));
  await failure(failing);
  let ran = false;
  const run = () => ran = true;
  assertStrictEquals(await failure(group.spawn(run)), error);
  assertStrictEquals(await failure(group.go(run)), error);
  gate.open();
  assertStrictEquals(await failure(group.wait()), error);
  for (const call of [group.spawn(run), group.go(run), group.trySpawn(run)!]) {
    const closed = await assertRejects(() => call, ClosedError);
    assertEquals(closed.message, "the group is closed: it has been waited for, make a new one");
  }
  assertEquals(ran, false);
});

Deno.test("109: in nested groups an end of the outer parent is told once, as itself", async () => {
  const parent = withCancel(background());
  const [outer, inner] = [new TaskGroup({ parent }), [] as TaskGroup[]];
  for (let i = 0; i < 2; i++) {
    outer.spawn((ctx) =>
      TaskGroup.run((group) => {
        inner.push(group);
        group.spawn(obedient);
        group.spawn(obedient);
      }, { parent: ctx })
    );
  }
  const cause = new Error("over");
  parent.cancel(cause);
  assertStrictEquals(await failure(outer.wait()), cause);
  assertEquals([outer, ...inner].map((group) => group.errors), [[], [], []]);
});

Deno.test("109: an error of an inner group is an error of the outer one, and ends its other tasks", async () => {
  const outer = new TaskGroup();
  const other = outer.spawn(obedient);
  const gate = new Gate();
  outer.spawn((ctx) =>
    TaskGroup.run((group) => {
      group.spawn(obedient);
      group.spawn(gate.job);
    }, { parent: ctx })
  );
  gate.fail("inner");
  assertEquals([await failure(outer.wait()), await failure(other)], ["inner", "inner"]);
  assertEquals(outer.errors, ["inner"]);
});

Deno.test("109: disposing ends what is left, waits for it, and never throws", async () => {
  const [gate, failing] = [new Gate(), new Gate()];
  let ended = false;
  let task: Promise<unknown> | undefined;
  const scope = (async () => {
    await using group = new TaskGroup();
    task = group.spawn(obedient);
    group.spawn(gate.job);
    group.spawn(failing.job);
    ended = true;
  })();
  assertEquals(await state(scope), "pending");
  assert(ended && gate.ctx!.done);
  assertInstanceOf(await failure(task!), CanceledError);
  failing.fail("a task");
  gate.open();
  assertEquals(await scope, undefined);
});

Deno.test("109: so an error that leaves the scope stays what it is", async () => {
  const error = new Error("the task");
  const scope = (async () => {
    await using group = new TaskGroup();
    group.spawn(obedient);
    await group.spawn(() => Promise.reject(error));
  })();
  assertStrictEquals(await failure(scope), error);
  const waited = (async () => {
    await using group = new TaskGroup();
    group.spawn(() => Promise.reject(error));
    await group.wait();
  })();
  assertStrictEquals(await failure(waited), error);
});

Deno.test("109: disposing after wait, twice, or with those who wait for a place, is quick and silent", async () => {
  const group = new TaskGroup({ limit: 0 });
  const parked = group.spawn(() => 1);
  await group[Symbol.asyncDispose]();
  await group[Symbol.asyncDispose]();
  await assertRejects(() => parked, CanceledError);
  await group.wait();
});

// ---- arguments ----

Deno.test("106, R17: bad arguments are refused, with the value and what is allowed", async () => {
  const thrown: readonly [() => unknown, new () => Error, string][] = [
    [
      () => new TaskGroup(7 as TaskGroupOptions),
      TypeError,
      "options must be an object of options, not 7",
    ],
    [
      () => new TaskGroup({ limit: -1 }),
      RangeError,
      "limit must be an integer of at least 0, or Infinity: -1",
    ],
    [
      () => new TaskGroup({ limit: "2" as unknown as number }),
      TypeError,
      'limit must be a number, not "2"',
    ],
    [() => new TaskGroup({ limit: NaN }), RangeError, "limit must be a number, not NaN"],
    [() => new TaskGroup({ limit: 1.5 }), RangeError, "at least 0, or Infinity: 1.5"],
    [
      () => new TaskGroup({ parent: {} as Context }),
      TypeError,
      "parent must be a context or an AbortSignal, not [object Object]",
    ],
    [() => new TaskGroup().setLimit(-1), RangeError, "limit must be an integer of at least 0"],
  ];
  for (const [call, kind, message] of thrown) assertThrows(call, kind, message);

  const group = new TaskGroup();
  const noJob = 7 as unknown as Job<unknown>;
  const rejected: readonly [() => Promise<unknown>, new () => Error, string][] = [
    [() => group.spawn(noJob), TypeError, "job must be a function, not 7"],
    [() => group.go(noJob), TypeError, "job must be a function, not 7"],
    [() => group.trySpawn(noJob)!, TypeError, "job must be a function, not 7"],
    [() => group.spawn(() => 1, { timeout: NaN }), RangeError, "timeout must be a number, not NaN"],
    [() => group.wait(null as unknown as Context), TypeError, "wait must be a context"],
    [() => TaskGroup.run(noJob as never), TypeError, "body must be a function, not 7"],
    [() => TaskGroup.run(() => 1, { limit: -1 }), RangeError, "limit must be an integer"],
  ];
  for (const [call, kind, message] of rejected) {
    const result = call();
    assertInstanceOf(result, Promise);
    await assertRejects(() => result, kind, message);
  }
  assertEquals([group.active, group.errors], [0, []]);
  await group.wait();
});

// ---- random programs ----

type Step =
  | { readonly op: "spawn"; readonly obeys: boolean; readonly slot: number | undefined }
  | { readonly op: "end"; readonly at: number; readonly fails: boolean }
  | { readonly op: "leave"; readonly slot: number }
  | { readonly op: "cancel" | "parent" | "wait" | "rest" };

const SLOTS = 2;
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant("spawn" as const),
      obeys: fc.boolean(),
      slot: fc.option(fc.nat(SLOTS - 1), { nil: undefined, freq: 1 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant("end" as const),
      at: fc.nat(5),
      fails: fc.oneof(
        { weight: 5, arbitrary: fc.constant(false) },
        { weight: 1, arbitrary: fc.constant(true) },
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant("leave" as const), slot: fc.nat(SLOTS - 1) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constantFrom("cancel", "parent", "wait", "wait") }),
  },
  { weight: 4, arbitrary: fc.constant({ op: "rest" as const }) },
);

/** A task as the model sees it. */
interface ModelTask {
  readonly id: number;
  readonly obeys: boolean;
  readonly slot: number | undefined;
  state: "parked" | "running" | "over";
  outcome?: string;
}

/** A group, with every step done at once. All causes and results are strings. */
class Model {
  readonly tasks: ModelTask[] = [];
  readonly errors: string[] = [];
  readonly waits: { outcome?: string }[] = [];
  readonly left = new Set<number>();
  cause: string | undefined;
  canceled = false;
  stopped = false;
  closed = false;

  constructor(readonly limit: number) {}

  get running(): ModelTask[] {
    return this.tasks.filter(({ state }) => state === "running");
  }

  get parked(): ModelTask[] {
    return this.tasks.filter(({ state }) => state === "parked");
  }

  spawn(obeys: boolean, slot: number | undefined): void {
    const task: ModelTask = { id: this.tasks.length, obeys, slot, state: "over" };
    this.tasks.push(task);
    if (slot !== undefined && this.left.has(slot)) task.outcome = `rejected left ${slot}`;
    else if (this.closed) task.outcome = "rejected closed";
    else if (this.cause !== undefined) {
      this.stopped = true;
      task.outcome = `rejected ${this.cause}`;
    } else task.state = this.running.length < this.limit ? "running" : "parked";
  }

  end(task: ModelTask, fails: boolean): void {
    task.state = "over";
    if (fails) {
      const error = `error ${task.id}`;
      task.outcome = `rejected ${error}`;
      this.errors.push(error);
      this.finish(error);
    } else task.outcome = `fulfilled ${task.id}`;
    this.admit();
    this.look();
  }

  leave(slot: number): void {
    this.left.add(slot);
    for (const task of this.parked) {
      if (task.slot !== slot) continue;
      task.state = "over";
      task.outcome = `rejected left ${slot}`;
    }
    this.look();
  }

  /** The context ends. */
  finish(cause: string): void {
    if (this.cause !== undefined) return;
    this.cause = cause;
    for (const task of this.tasks) {
      if (task.state === "over" || (task.state === "running" && !task.obeys)) continue;
      task.state = "over";
      task.outcome = `rejected ${cause}`;
      this.stopped = true;
    }
    this.look();
  }

  wait(): void {
    this.waits.push({});
    this.look();
  }

  private admit(): void {
    while (this.parked.length > 0 && this.running.length < this.limit) {
      this.parked[0]!.state = "running";
    }
  }

  private look(): void {
    if (this.running.length + this.parked.length > 0) return;
    if (this.waits.length === 0) return;
    this.closed = true;
    this.cause ??= "closed";
    for (const wait of this.waits) {
      wait.outcome ??= this.errors.length > 0
        ? `rejected ${this.errors[0]}`
        : this.stopped && !this.canceled
        ? `rejected ${this.cause}`
        : "fulfilled undefined";
    }
  }
}

/** How a promise has settled, as a string. */
function told(promise: Promise<unknown>): { outcome?: string } {
  const seen: { outcome?: string } = {};
  promise.then(
    (value) => seen.outcome = `fulfilled ${value}`,
    (error) => seen.outcome = `rejected ${error instanceof ClosedError ? "closed" : error}`,
  );
  return seen;
}

Deno.test("106, 107, 108, 109: random programs agree with a model, call by call", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(0, 1, 2, Infinity),
      fc.array(steps, { maxLength: 30 }),
      async (limit, program) => {
        using uncaught = catchUncaught();
        const model = new Model(limit);
        const parent = withCancel(background());
        const group = new TaskGroup({ parent, limit });
        const slots = Array.from({ length: SLOTS }, () => withCancel(background()));
        const gates: Gate<number>[] = [];
        const tasks: { outcome?: string }[] = [];
        const waits: { outcome?: string }[] = [];
        for (const step of [...program, { op: "rest" } as const]) {
          switch (step.op) {
            case "spawn": {
              const gate = new Gate<number>();
              gates.push(gate);
              const job: Job<number> = step.obeys
                ? (ctx) => Promise.race([gate.job(ctx), obedient(ctx)])
                : gate.job;
              model.spawn(step.obeys, step.slot);
              const wait = step.slot === undefined ? undefined : slots[step.slot];
              tasks.push(told(group.spawn(job, wait)));
              break;
            }
            case "end": {
              const { running } = model;
              const task = running[step.at % (running.length || 1)];
              if (task === undefined) break;
              if (step.fails) gates[task.id]!.fail(`error ${task.id}`);
              else gates[task.id]!.open(task.id);
              // What a task gives comes a little later, so other steps would come before.
              await settled();
              model.end(task, step.fails);
              await settled();
              break;
            }
            case "leave":
              model.leave(step.slot);
              slots[step.slot]!.cancel(`left ${step.slot}`);
              break;
            case "cancel":
              if (model.cause === undefined) model.canceled = true;
              model.finish("cancelled");
              group.cancel("cancelled");
              await settled();
              break;
            case "parent":
              model.finish("parent");
              parent.cancel("parent");
              await settled();
              break;
            case "wait":
              model.wait();
              waits.push(told(group.wait()));
              break;
            case "rest":
              await settled();
              assertEquals(tasks, model.tasks.map(({ outcome }) => outcome ? { outcome } : {}));
              assertEquals(waits, model.waits);
              assertEquals(group.errors, model.errors);
          }
          assertEquals(group.active, model.running.length);
          assertEquals(group.waiting, model.parked.length);
          assertEquals(group.ctx.done, model.cause !== undefined);
        }
        for (const { id } of model.running) gates[id]!.open(id);
        await group[Symbol.asyncDispose]();
        assertEquals([group.active, group.waiting, uncaught.errors], [0, 0, []]);
      },
    ),
    { numRuns: 1_000 },
  );
});

Deno.test("107: with random times there are never more at once than the limit, and all are run", async () => {
  using clock = fakeClock();
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.nat(20), { maxLength: 12 }),
      async (limit, times) => {
        let [now, most] = [0, 0];
        const order: number[] = [];
        const all = TaskGroup.run(async (group) => {
          const tasks = times.map((ms, i) =>
            group.spawn(async (ctx) => {
              order.push(i);
              most = Math.max(most, ++now);
              await sleep(ms, ctx);
              now--;
              return i;
            })
          );
          return await Promise.all(tasks);
        }, { limit });
        await clock.tick(300);
        assertEquals(await all, times.map((_, i) => i));
        assertEquals(order, times.map((_, i) => i));
        assertEquals(most, Math.min(limit, times.length));
      },
    ),
    { numRuns: 40 },
  );
});
