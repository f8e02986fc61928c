/**
 * The scheduler: by urgency and time, on a clock that the test moves.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  background,
  CanceledError,
  ClosedError,
  DeadlineExceededError,
  withCancel,
} from "../mod.ts";
import {
  type Job,
  ManualClock,
  PriorityScheduler,
  type PrioritySchedulerOptions,
  type ScheduleOptions,
} from "../tasks/mod.ts";
import { failure } from "./support/queues.ts";
import { settled, state } from "./support/settle.ts";

/** A job that takes so long on a clock, or until its context ends. */
function takes(clock: ManualClock, ms: number, log?: () => void): Job<void> {
  return (ctx) => {
    log?.();
    return new Promise((resolve, reject) => {
      const timer = clock.after(ms, resolve);
      ctx.signal.addEventListener("abort", () => {
        timer.stop();
        reject(ctx.cause);
      });
    });
  };
}

function scheduler(options: PrioritySchedulerOptions = {}): {
  clock: ManualClock;
  tasks: PriorityScheduler;
} {
  const clock = new ManualClock(1_000);
  return { clock, tasks: new PriorityScheduler({ clock, ...options }) };
}

Deno.test("115: the highest priority starts first, and equals first come, first served", async () => {
  const { tasks } = scheduler();
  const log: string[] = [];
  const all = ([["a1", 1], ["b10", 10], ["c5", 5], ["d10", 10], ["e0", 0]] as const).map(
    ([name, priority]) => tasks.schedule(() => log.push(name), { priority }).result,
  );
  await Promise.all(all);
  assertEquals(log, ["b10", "d10", "c5", "a1", "e0"]);
});

Deno.test("115: low priority finishes under constant high load, after ageing times the difference", async () => {
  const { clock, tasks } = scheduler({ ageing: 100 });
  let high = 0;
  let started: number | undefined;
  void tasks.schedule(takes(clock, 10), { priority: 10 }).result;
  const low = tasks.schedule(takes(clock, 10, () => started = clock.now() - 1_000), {
    priority: 1,
  });
  // More high ones come than can be run.
  for (let i = 0; i < 200; i++) {
    for (let n = 0; n < 2; n++) {
      void tasks.schedule(takes(clock, 10, () => high++), { priority: 10 });
    }
    await clock.advance(10);
  }
  assertEquals(low.state, "settled");
  // (10 - 1) * 100 ms, and its turn after those that came with the same urgency.
  assert(started! >= 900 && started! <= 2_000, `${started}`);
  assert(high > 50);
  await clock.advance(5_000);
  assertEquals([high, tasks.waiting], [400, 0]);
});

Deno.test("115: without ageing a low priority waits as long as high ones come", async () => {
  const { clock, tasks } = scheduler({ ageing: Infinity });
  const low = tasks.schedule(takes(clock, 10), { priority: 1 });
  for (let i = 0; i < 100; i++) {
    for (let n = 0; n < 2; n++) void tasks.schedule(takes(clock, 10), { priority: 2 });
    await clock.advance(10);
  }
  assertEquals(low.state, "queued");
  await clock.advance(2_000);
  await low.result;
});

Deno.test("115: setPriority moves a queued task, as the last of its new class", async () => {
  const { tasks } = scheduler();
  const log: string[] = [];
  const add = (name: string, priority: number, options?: ScheduleOptions) =>
    tasks.schedule(() => log.push(name), { ...options, priority });
  const a = add("a", 1);
  const b = add("b", 5);
  add("c", 5);
  add("d", 9);
  assertEquals([a.setPriority(9), b.setPriority(5), a.priority, a.state], [
    true,
    true,
    9,
    "queued",
  ]);
  await tasks.drain();
  assertEquals(log, ["d", "a", "c", "b"]);
  assertEquals([a.setPriority(1), a.state], [false, "settled"]);
  assertThrows(() => a.setPriority(NaN), RangeError, "NaN");
});

Deno.test("115, 129: the priority of a delayed task can be set, and counts when its time has come", async () => {
  const { clock, tasks } = scheduler();
  const log: string[] = [];
  const first = tasks.schedule(takes(clock, 20), { priority: 10 });
  const late = tasks.schedule(() => log.push("late"), { delay: 10, priority: 1 });
  tasks.schedule(() => log.push("other"), { priority: 5 });
  assertEquals([late.state, late.setPriority(9), late.state], ["delayed", true, "delayed"]);
  await clock.advance(20);
  await first.result;
  await tasks.drain();
  assertEquals(log, ["late", "other"]);
});

Deno.test("129: never more than `concurrency` run at once, also when that changes", async () => {
  const { clock, tasks } = scheduler({ concurrency: 2 });
  let running = 0;
  let most = 0;
  const job: Job<void> = async (ctx) => {
    most = Math.max(most, ++running);
    await takes(clock, 10)(ctx);
    running--;
  };
  for (let i = 0; i < 10; i++) tasks.schedule(job);
  await clock.advance(10);
  assertEquals([most, tasks.running, tasks.waiting], [2, 2, 6]);
  tasks.resize(4);
  await clock.advance(10);
  assertEquals([most, tasks.concurrency], [4, 4]);
  await clock.advance(30);
  assertEquals([running, tasks.waiting], [0, 0]);
});

Deno.test("129: a delayed task starts when its time has come", async () => {
  const { clock, tasks } = scheduler();
  const times: number[] = [];
  for (const delay of [30, 10, 20, 0]) tasks.schedule(() => times.push(clock.now()), { delay });
  assertEquals(tasks.waiting, 4);
  await clock.advance(25);
  assertEquals(times, [1_000, 1_010, 1_020]);
  await clock.advance(5);
  assertEquals([times.at(-1), clock.timers], [1_030, 0]);
});

Deno.test("129: a task that misses its deadline is taken out of line, or its context ends", async () => {
  const { clock, tasks } = scheduler();
  let runs = 0;
  const slow = tasks.schedule(takes(clock, 100), { deadline: 50 });
  const queued = tasks.schedule(() => runs++, { deadline: 20 });
  const delayed = tasks.schedule(() => runs++, { delay: 40, deadline: 30 });
  const patient = tasks.schedule(() => "patient", { deadline: 60 });
  const failures = [slow, queued, delayed].map(({ result }) => failure(result));
  await clock.advance(20);
  assertEquals([slow.state, queued.state], ["running", "settled"]);
  await clock.advance(30);
  for (const error of await Promise.all(failures)) assertInstanceOf(error, DeadlineExceededError);
  assertEquals([await patient.result, runs], ["patient", 0]);
  await settled();
  assertEquals(clock.timers, 0);
});

Deno.test("129: cancelling by the handle takes a task out, or ends its context, and is silent", async () => {
  const { clock, tasks } = scheduler();
  const running = tasks.schedule(takes(clock, 100));
  const queued = tasks.schedule(() => 1);
  const delayed = tasks.schedule(() => 2, { delay: 50 });
  await settled();
  const cause = new Error("not needed");
  assertEquals([running, queued, delayed].map((task) => task.cancel(cause)), [true, true, true]);
  for (const { result } of [running, queued, delayed]) {
    assertStrictEquals(await failure(result), cause);
  }
  assertEquals(running.cancel(), false);
  await tasks.drain();
  assertEquals(clock.timers, 0);
  const unseen = tasks.schedule(takes(clock, 100));
  unseen.cancel();
  assertInstanceOf(await failure(unseen.result), CanceledError);
});

Deno.test("129: a periodic task keeps to its times, skips those that come too early, and ends by cancel", async () => {
  const { clock, tasks } = scheduler();
  const times: number[] = [];
  const beat = tasks.every(100, takes(clock, 130, () => times.push(clock.now() - 1_000)));
  await clock.advance(650);
  // A run takes longer than a period, so every other time is skipped.
  assertEquals([times, beat.runs, beat.skipped], [[100, 300, 500], 3, 3]);
  beat.cancel();
  await beat.result;
  await clock.advance(1_000);
  assertEquals([beat.runs, clock.timers, tasks.waiting], [3, 0, 0]);
});

Deno.test("129: a periodic task that fails ends, and tells; shutting down ends it in peace", async () => {
  const { clock, tasks } = scheduler();
  let runs = 0;
  const broken = tasks.every(10, () => {
    if (++runs === 2) throw new Error("broken");
  }, { delay: 5 });
  const outcome = failure(broken.result);
  await clock.advance(100);
  assertEquals([(await outcome as Error).message, runs], ["broken", 2]);
  const good = tasks.every(10, () => {});
  await tasks.shutdown();
  await good.result;
  assertEquals(clock.timers, 0);
  assertThrows(() => tasks.schedule(() => 1), ClosedError);
  assertThrows(() => tasks.every(10, () => 1), ClosedError);
});

Deno.test("129: a context ends a periodic task, and a scheduled one", async () => {
  const { clock, tasks } = scheduler();
  const ctx = withCancel(background());
  const beat = tasks.every(10, () => {}, ctx);
  const once = tasks.schedule(() => 1, { delay: 50, ctx });
  const outcome = failure(once.result);
  await clock.advance(15);
  ctx.cancel("enough");
  assertEquals(await outcome, "enough");
  await beat.result;
  assertEquals([beat.runs, clock.timers], [1, 0]);
});

Deno.test("111, 129: shutting down finishes what is delayed; at once it settles all", async () => {
  const { clock, tasks } = scheduler();
  const late = tasks.schedule(() => "late", { delay: 100 });
  const done = tasks.shutdown();
  assertEquals(await state(done), "pending");
  await clock.advance(100);
  assertEquals(await late.result, "late");
  await done;
  const other = scheduler({ name: "other" });
  const all = [{}, { delay: 50 }, { deadline: 10 }].map((options) =>
    failure(other.tasks.schedule(takes(other.clock, 100), options).result)
  );
  await settled();
  await other.tasks.shutdown({ immediate: true });
  for (const error of await Promise.all(all)) assertInstanceOf(error, ClosedError);
  await settled();
  assertEquals(other.clock.timers, 0);
});

Deno.test("116: drain of a scheduler without tasks resolves at once; pause and resume", async () => {
  const { tasks } = scheduler();
  await tasks.drain();
  tasks.pause();
  const task = tasks.schedule(() => 1);
  assertEquals([await state(task.result), tasks.paused], ["pending", true]);
  tasks.resume();
  assertEquals(await task.result, 1);
  assertEquals(tasks.stats().fulfilled, 1);
});

Deno.test("129, R17: bad arguments are refused, with the value", () => {
  const { tasks } = scheduler();
  const options: [PrioritySchedulerOptions, string][] = [
    [{ concurrency: 0 }, "0"],
    [{ ageing: 0 }, "0"],
    [{ ageing: NaN }, "NaN"],
    [{ clock: {} as ManualClock }, "[object Object]"],
    [{ name: 7 as unknown as string }, "7"],
  ];
  for (const [given, shown] of options) {
    const error = assertThrows(() => new PriorityScheduler(given), Error);
    assert(error instanceof TypeError || error instanceof RangeError);
    assert(error.message.includes(shown), error.message);
  }
  const schedules: [ScheduleOptions, string][] = [
    [{ delay: NaN }, "NaN"],
    [{ deadline: "soon" as unknown as number }, '"soon"'],
    [{ priority: Infinity }, "Infinity"],
  ];
  for (const [given, shown] of schedules) {
    const error = assertThrows(() => tasks.schedule(() => 1, given), Error);
    assert(error.message.includes(shown), error.message);
  }
  assertThrows(() => tasks.schedule(7 as unknown as Job<number>), TypeError, "7");
  assertThrows(() => tasks.every(0, () => 1), RangeError, "0");
  assertThrows(() => tasks.every(Infinity, () => 1), RangeError, "Infinity");
  assertThrows(() => tasks.resize(1.5), RangeError, "1.5");
});

Deno.test("129: a manual clock runs timers in their order, each at its own time", async () => {
  const clock = new ManualClock();
  const log: [string, number][] = [];
  const note = (name: string) => () => log.push([name, clock.now()]);
  clock.after(20, note("c"));
  clock.after(10, () => {
    note("a")();
    clock.after(5, note("b"));
    clock.after(-5, note("a'"));
  });
  clock.after(20, note("d"));
  clock.after(15, note("stopped")).stop();
  clock.after(25, note("e"));
  await clock.advance(20);
  assertEquals(log, [["a", 10], ["a'", 10], ["b", 15], ["c", 20], ["d", 20]]);
  assertEquals([clock.now(), clock.timers], [20, 1]);
  const error = await failure(clock.advance(-1));
  assertInstanceOf(error, RangeError);
  assertThrows(() => clock.after(NaN, () => {}), RangeError, "NaN");
  assertThrows(() => new ManualClock(NaN), RangeError, "NaN");
});
