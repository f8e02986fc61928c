/**
 * What a scheduler leaves behind when tasks end, and what it is not to be given.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { background, ClosedError, DeadlineExceededError, withCancel } from "../mod.ts";
import { ManualClock, PriorityScheduler } from "../tasks/mod.ts";
import { fakeClock } from "./support/clock.ts";
import { HeldJob, heldJobs } from "./support/held_job.ts";
import { settled, state } from "./support/settle.ts";
import { spiedController } from "./support/spied_signal.ts";

// ---- 115: ageing ----

Deno.test("115: waiting is worth one more of priority for each `ageing` milliseconds, and no more", async () => {
  const clock = new ManualClock();
  await using scheduler = new PriorityScheduler({ clock, ageing: 100 });
  const busy = new HeldJob();
  scheduler.schedule(busy.job);
  await settled();
  const started: string[] = [];
  const schedule = (name: string, priority: number) =>
    scheduler.schedule(() => void started.push(name), { priority });
  schedule("low", 0);
  await clock.advance(299);
  schedule("high, a little too early", 3);
  await clock.advance(1);
  // As urgent as the low one by now: then the higher priority goes first.
  schedule("high, at the same time", 3);
  await clock.advance(1);
  schedule("high, too late", 3);
  busy.end();
  await scheduler.drain();
  assertEquals(started, [
    "high, a little too early",
    "high, at the same time",
    "low",
    "high, too late",
  ]);
});

Deno.test("115: a low one starts in spite of a constant stream of high ones, at a time that can be told", async () => {
  const clock = new ManualClock();
  await using scheduler = new PriorityScheduler({ clock, ageing: 10 });
  let startedAt: number | undefined;
  scheduler.pause();
  scheduler.schedule(() => void (startedAt = clock.now()));
  // Each millisecond two come, and one is run.
  const high = heldJobs(400);
  let ended = 0;
  scheduler.resume();
  scheduler.pause();
  for (let i = 0; i < 200; i++) {
    scheduler.schedule(high[2 * i]!.job, { priority: 5 });
    scheduler.schedule(high[2 * i + 1]!.job, { priority: 5 });
    if (i === 0) scheduler.resume();
    await settled();
    const running = high.findIndex(({ runs }, at) => at >= ended && runs > 0);
    if (running >= 0) high[running]!.end();
    ended = running + 1;
    await clock.advance(1);
  }
  // Behind the 102 that came in the first 50 ms, of which one a millisecond is run, and no others.
  assert(startedAt !== undefined && startedAt <= 103, String(startedAt));
  for (const job of high) job.end();
});

// ---- 129: nothing is left ----

Deno.test("129: a task that is over at once leaves no timer for its deadline", async () => {
  const clock = new ManualClock();
  await using scheduler = new PriorityScheduler({ clock });
  const { result, state } = scheduler.schedule(() => {}, { timeout: 0, deadline: 60_000 });
  assertEquals([state, clock.timers], ["settled", 0]);
  assert(await result.catch((error) => error) instanceof DeadlineExceededError);
});

Deno.test("129: of a task that has ended, was cancelled, or dropped no timer is left", async () => {
  const clock = new ManualClock();
  const scheduler = new PriorityScheduler({ clock });
  const ended = scheduler.schedule(() => {}, { deadline: 1_000 });
  await ended.result;
  assertEquals(clock.timers, 0);
  const late = scheduler.schedule(() => {}, { delay: 500, deadline: 1_000 });
  assertEquals([late.state, clock.timers], ["delayed", 2]);
  assertEquals([late.cancel(), late.cancel(), clock.timers], [true, false, 0]);
  const dropped = scheduler.schedule(() => {}, { delay: 500, deadline: 1_000 });
  await scheduler.shutdown({ immediate: true });
  assertEquals([await state(dropped.result), clock.timers], ["rejected", 0]);
});

Deno.test("129: the deadline goes on over several attempts, and ends a task between two", async () => {
  const clock = new ManualClock();
  await using scheduler = new PriorityScheduler({ clock });
  let runs = 0;
  const retry = { attempts: 9, delay: 40, factor: 1 };
  const { result } = scheduler.schedule(() => Promise.reject(++runs), { retry, deadline: 100 });
  result.catch(() => {});
  await clock.advance(99);
  assertEquals([runs, await state(result)], [3, "pending"]);
  await clock.advance(1);
  assert(await result.catch((error) => error) instanceof DeadlineExceededError);
  assertEquals([scheduler.waiting, clock.timers], [0, 0]);
});

Deno.test("129: a periodic task that is over has left its signal, its parent, and all timers", async () => {
  using real = fakeClock();
  for (const end of ["cancel", "fail", "shutdown", "dispose", "signal"]) {
    const clock = new ManualClock();
    const controller = spiedController();
    const { signal } = controller;
    const scheduler = new PriorityScheduler({ clock });
    const job = () => end === "fail" ? Promise.reject("failed") : undefined;
    const periodic = scheduler.every(100, job, { signal, timeout: 60_000, deadline: 1_000 });
    assertEquals([controller.listeners, clock.timers, real.timers], [1, 1, 1], end);
    if (end === "cancel") periodic.cancel();
    if (end === "dispose") periodic[Symbol.dispose]();
    if (end === "signal") controller.abort();
    const shut = end === "shutdown" ? scheduler.shutdown() : undefined;
    const told = periodic.result.catch((error) => error);
    await clock.advance(100);
    assertEquals(await told, end === "fail" ? "failed" : undefined, end);
    await shut;
    assertEquals([controller.listeners, clock.timers, real.timers], [0, 0, 0], end);
    await scheduler.shutdown();
  }
});

Deno.test("129: it leaves its signal when the scheduler is shut down, though other tasks go on", async () => {
  const clock = new ManualClock();
  const controller = spiedController();
  const scheduler = new PriorityScheduler({ clock });
  const other = new HeldJob();
  scheduler.schedule(other.job);
  scheduler.every(100, () => {}, controller.signal);
  const shut = scheduler.shutdown();
  assertEquals([controller.listeners, clock.timers, await state(shut)], [0, 0, "pending"]);
  other.end();
  await shut;
});

Deno.test("129: a run that is on its way goes on when its period is shut down, and then all is left", async () => {
  const clock = new ManualClock();
  const controller = spiedController();
  const scheduler = new PriorityScheduler({ clock });
  const run = new HeldJob();
  const periodic = scheduler.every(100, run.job, controller.signal);
  await clock.advance(100);
  const shut = scheduler.shutdown();
  await periodic.result;
  assertEquals([run.ctx.done, await state(shut), controller.listeners], [false, "pending", 1]);
  run.end();
  await shut;
  await settled();
  assertEquals([periodic.runs, controller.listeners, clock.timers], [1, 0, 0]);
});

Deno.test("129: cancelling a period ends the context of its run, with the cause", async () => {
  const clock = new ManualClock();
  await using scheduler = new PriorityScheduler({ clock });
  const run = new HeldJob();
  const periodic = scheduler.every(100, run.job);
  await clock.advance(100);
  periodic.cancel("enough");
  await periodic.result;
  assertEquals([run.ctx.cause, scheduler.running], ["enough", 1]);
  run.end();
});

Deno.test("129: times keep to the first one, also when the clock was late for several", async () => {
  const starts: number[] = [];
  // A clock that jumps, as that of a machine which slept.
  const clock = new ManualClock();
  let ahead = 0;
  const jumping = {
    now: () => clock.now() + ahead,
    after: (ms: number, fn: () => void) => clock.after(ms, fn),
  };
  await using scheduler = new PriorityScheduler({ clock: jumping });
  using periodic = scheduler.every(100, () => void starts.push(jumping.now()), { delay: 10 });
  await clock.advance(110);
  ahead = 250;
  await clock.advance(200);
  assertEquals(starts, [10, 110, 460, 510]);
  assertEquals([periodic.runs, periodic.skipped], [4, 0]);
});

// ---- arguments ----

Deno.test("129, R17: what is no argument is told at once, of a periodic task too, and nothing is set", () => {
  const clock = new ManualClock();
  const scheduler = new PriorityScheduler({ clock });
  const wrong: [unknown, typeof Error, string][] = [
    [null, TypeError, "not null"],
    [{ delay: NaN }, RangeError, "delay must be a number, not NaN"],
    [{ deadline: "1" }, TypeError, 'deadline must be a number, not "1"'],
    [{ priority: NaN }, RangeError, "priority must be a number, not NaN"],
    [{ priority: -Infinity }, RangeError, "priority must be a finite number: -Infinity"],
    [{ runTimeout: -1 }, RangeError, "runTimeout must be more than 0: -1"],
    [{ retry: {} }, TypeError, "retry.attempts must be a number, not undefined"],
    [{ timeout: NaN }, RangeError, "timeout must be a number, not NaN"],
    [{ ctx: 7 }, TypeError, "ctx must be a context, not 7"],
  ];
  for (const [options, type, message] of wrong) {
    assertThrows(() => scheduler.schedule(() => {}, options as never), type, message);
    assertThrows(() => scheduler.every(10, () => {}, options as never), type, message);
  }
  for (const ms of [0, -1, NaN, Infinity]) {
    assertThrows(() => scheduler.every(ms, () => {}), RangeError, String(ms));
  }
  assertThrows(() => scheduler.schedule(5 as never), TypeError, "job must be a function, not 5");
  assertThrows(() => scheduler.every(5, 5 as never), TypeError, "job must be a function, not 5");
  assertEquals([scheduler.waiting, clock.timers], [0, 0]);
});

Deno.test("129, R18: a context that has ended goes before a scheduler that is shut down", async () => {
  const scheduler = new PriorityScheduler({ name: "alarms" });
  await scheduler.shutdown();
  using ctx = withCancel(background());
  const calls = [
    (ctx?: typeof given) => scheduler.schedule(() => {}, ctx),
    (ctx?: typeof given) => scheduler.every(10, () => {}, ctx),
  ];
  const given = ctx;
  for (const call of calls) {
    assertThrows(() => call(), ClosedError, 'the scheduler "alarms" is shut down');
  }
  const cause = new Error("over");
  ctx.cancel(cause);
  for (const call of calls) assertThrows(() => call(given), Error, "over");
});
