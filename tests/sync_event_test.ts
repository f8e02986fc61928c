import { assert, assertEquals } from "@std/assert";
import { background, withCancel } from "../mod.ts";
import { Event } from "../sync/mod.ts";
import { state } from "./support/settle.ts";

Deno.test("99: `set` wakes all who wait, in the order in which they came", async () => {
  const event = new Event();
  const log: number[] = [];
  const waiting = [0, 1, 2].map((i) => event.wait().then(() => log.push(i)));
  assertEquals([event.isSet, event.waiting, await state(waiting[0]!)], [false, 3, "pending"]);
  event.set();
  assertEquals([event.isSet, event.waiting], [true, 0]);
  await Promise.all(waiting);
  assertEquals(log, [0, 1, 2]);
});

Deno.test("99: waiting for what is set returns at once, as often as one likes", async () => {
  const event = new Event();
  event.set();
  event.set();
  const waiting = [event.wait(), event.wait({ timeout: 0 })];
  assertEquals(event.waiting, 0);
  assertEquals(await Promise.all(waiting), [undefined, undefined]);
  assert(event.isSet);
});

Deno.test("99: who was woken stays so if it is cleared before his code goes on", async () => {
  const event = new Event();
  const waiting = [event.wait(), event.wait()];
  event.set();
  event.clear();
  const late = event.wait();
  await Promise.all(waiting);
  assertEquals([event.isSet, event.waiting, await state(late)], [false, 1, "pending"]);
  event.set();
  await late;
});

Deno.test("99: after `clear` waiting is for the next `set`; clearing what is not set does nothing", async () => {
  const event = new Event();
  event.clear();
  event.set();
  event.clear();
  const waiting = event.wait();
  event.clear();
  assertEquals(await state(waiting), "pending");
  event.set();
  await waiting;
});

Deno.test("99: who is cancelled after the `set` was woken, who before was not", async () => {
  const event = new Event();
  const [early, late] = [withCancel(background()), withCancel(background())];
  const waiting = [event.wait(early).catch((error) => error), event.wait(late), event.wait()];
  early.cancel("gone");
  assertEquals(event.waiting, 2);
  event.set();
  late.cancel("too late");
  assertEquals(await Promise.all(waiting), ["gone", undefined, undefined]);
});
