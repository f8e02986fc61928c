import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ManualClock } from "../tasks/mod.ts";
import { settled } from "./support/settle.ts";

Deno.test("129: a manual clock stands still until it is moved, and shows where it is", async () => {
  const clock = new ManualClock(50);
  let ran = false;
  clock.after(0, () => ran = true);
  await settled();
  assertEquals([clock.now(), ran, clock.timers], [50, false, 1]);
  await clock.advance(0);
  assertEquals([clock.now(), ran, clock.timers], [50, true, 0]);
  await clock.advance(25);
  assertEquals([clock.now(), new ManualClock().now()], [75, 0]);
});

Deno.test("129: timers run in their order, equal ones as they were set, each at its own time", async () => {
  const clock = new ManualClock();
  const log: [string, number][] = [];
  const set = (name: string, ms: number) => clock.after(ms, () => log.push([name, clock.now()]));
  set("late", 30);
  set("early", 10);
  set("early too", 10);
  set("beyond", 31);
  set("in the past", -5);
  await clock.advance(30);
  assertEquals(log, [["in the past", 0], ["early", 10], ["early too", 10], ["late", 30]]);
  assertEquals([clock.now(), clock.timers], [30, 1]);
});

Deno.test("129: what a timer sets off has happened before the next one runs, timers included", async () => {
  const clock = new ManualClock();
  const log: string[] = [];
  clock.after(10, async () => {
    clock.after(0, () => log.push("set by the first"));
    clock.after(5, () => log.push(`set by the first, ${clock.now()}`));
    for (let i = 0; i < 20; i++) await Promise.resolve();
    log.push("followed from the first");
  });
  clock.after(11, () => log.push("second"));
  await clock.advance(20);
  assertEquals(log, [
    "followed from the first",
    "set by the first",
    "second",
    "set by the first, 15",
  ]);
});

Deno.test("129: a timer that is stopped does not run, also when one of the same time stops it", async () => {
  const clock = new ManualClock();
  let runs = 0;
  const stopped = clock.after(10, () => runs++);
  stopped.stop();
  stopped.stop();
  clock.after(10, () => late.stop());
  const late = clock.after(10, () => runs++);
  await clock.advance(10);
  late.stop();
  assertEquals([runs, clock.timers], [0, 0]);
});

Deno.test("129, R17: what is no time is refused, with the value", async () => {
  const clock = new ManualClock();
  for (const ms of [-1, Infinity]) {
    await assertRejects(
      () => clock.advance(ms),
      RangeError,
      `ms must be a finite number of at least 0: ${ms}`,
    );
  }
  await assertRejects(() => clock.advance(NaN), RangeError, "ms must be a number, not NaN");
  await assertRejects(() => clock.advance("1" as never), TypeError, 'not "1"');
  assertThrows(() => clock.after(NaN, () => {}), RangeError, "ms must be a number, not NaN");
  assertThrows(() => clock.after(1, 2 as never), TypeError, "fn must be a function, not 2");
  assertThrows(() => new ManualClock("0" as never), TypeError, 'now must be a number, not "0"');
  clock.after(Infinity, () => {});
  await clock.advance(1e12);
  assertEquals([clock.now(), clock.timers], [1e12, 1]);
});
