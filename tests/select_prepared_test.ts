/**
 * Selects that are prepared once and run many times.
 *
 * @module
 */
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import {
  after,
  background,
  Channel,
  ClosedError,
  otherwise,
  prepareSelect,
  PriorityQueue,
  recv,
  select,
  type Selector,
  send,
  whenDone,
  withCancel,
} from "../mod.ts";
import { seed } from "../core/random.ts";
import { fakeClock } from "./support/clock.ts";
import { Shelf } from "./support/foreign.ts";
import { lines } from "./support/lines.ts";
import { settled, state } from "./support/settle.ts";

const nobody = { takers: 0, putters: 0 };

Deno.test("76: a prepared select gives, run for run, what a select of the same cases gives", async () => {
  for (let round = 0; round < 100; round++) {
    const outcomes = [];
    for (const prepared of [false, true]) {
      seed(round + 1);
      const [left, right] = [new Channel<number>(2), new Channel<number>(1)];
      const cases = { left: recv(left), right: recv(right), sent: send(right, -1) };
      const selector = prepareSelect(cases);
      const run = (): Promise<unknown> => prepared ? selector.select() : select(cases);
      const seen: unknown[] = [];
      for (let n = 0; n < 12; n++) {
        if ((round + n) % 3 > 0) left.trySend(n);
        seen.push(await run());
      }
      outcomes.push(seen);
    }
    assertEquals(outcomes[1], outcomes[0]);
  }
});

Deno.test("59, 76: run after run it waits and is served, and leaves nobody behind", async () => {
  const [hot, idle] = [new Channel<number>(), new Channel<number>()];
  const selector = prepareSelect({ hot: recv(hot), idle: recv(idle) });
  for (let n = 0; n < 1_000; n++) {
    const waiting = selector.select();
    assertEquals([lines(hot).takers, lines(idle).takers], [1, 1]);
    assert(hot.trySend(n));
    assertEquals([lines(hot), lines(idle)], [nobody, nobody]);
    assertEquals(await waiting, { key: "hot", ok: true, value: n });
  }
});

Deno.test("76: several runs at once do not disturb one another, and are served in their order", async () => {
  const ch = new Channel<number>();
  const selector = prepareSelect([[0, recv(ch)]] as const);
  const runs = Array.from({ length: 5 }, () => selector.select());
  assertEquals(lines(ch).takers, 5);
  for (let n = 0; n < 5; n++) assert(ch.trySend(n));
  assertEquals((await Promise.all(runs)).map((r) => r.value), [0, 1, 2, 3, 4]);
  assertEquals(lines(ch), nobody);
});

Deno.test("74, 76: a cancelled run takes nothing, and the next one is as good as new", async () => {
  using clock = fakeClock();
  const ch = new Channel<string>();
  const selector = prepareSelect({ ch: recv(ch), late: after(60_000) });
  for (let n = 0; n < 3; n++) {
    const ctx = withCancel(background());
    const canceled = selector.select(ctx);
    const reason = new Error("enough");
    ctx.cancel(reason);
    assertStrictEquals(await canceled.catch((error) => error), reason);
    assertEquals([lines(ch), clock.timers], [nobody, 0]);
    assertStrictEquals(await selector.select(ctx).catch((error) => error), reason);
    const served = selector.select();
    assert(ch.trySend("x"));
    assertEquals((await served).value, "x");
    assertEquals(clock.timers, 0);
  }
  const late = selector.select();
  clock.tick(60_000);
  assertEquals((await late).key, "late");
});

Deno.test("66, 67: it ends with its channel, each time it is run", async () => {
  const source = new Channel<string>();
  const sink = new Channel<string>();
  const receiving = prepareSelect({ source: recv(source) });
  const sending = prepareSelect({ sink: send(sink, "x") });
  const runs = [receiving.select(), sending.select().catch((error) => error)];
  source.close();
  sink.close();
  assertEquals(await runs[0], { key: "source", ok: false, value: undefined });
  assertEquals(((await runs[1]) as ClosedError).value, "x");
  for (let n = 0; n < 2; n++) {
    assertEquals((await receiving.select()).ok, false);
    assertEquals(receiving.trySelect()?.ok, false);
    await assertRejects(() => sending.select(), ClosedError);
    assertThrows(() => sending.trySelect(), ClosedError);
  }
});

Deno.test("76: ranks are read anew in each run, and a run that loses puts nothing in", async () => {
  const queue = new PriorityQueue<{ rank: number }>({ maxSize: 1, priority: ({ rank }) => rank });
  const item = { rank: 5 };
  await queue.put({ rank: 3 });
  const other = new Channel<number>();
  const selector = prepareSelect({ put: send(queue, item), other: recv(other) });
  const lost = selector.select();
  assert(other.trySend(1));
  assertEquals((await lost).key, "other");
  assertEquals(queue.size, 1);
  item.rank = NaN;
  await assertRejects(() => selector.select(), RangeError);
  await queue.get();
  item.rank = 1;
  assertEquals((await selector.select()).key, "put");
  assertStrictEquals(await queue.get(), item);
});

Deno.test("54, 69: without waiting it takes what is ready, the default, or nothing", () => {
  const ch = new Channel<number>(1);
  const bare = prepareSelect({ ch: recv(ch) });
  const idle = prepareSelect({ ch: recv(ch), idle: otherwise });
  assertEquals([bare.trySelect(), idle.trySelect()?.key], [undefined, "idle"]);
  ch.trySend(7);
  assertEquals(idle.trySelect(), { key: "ch", ok: true, value: 7 });
  assertEquals(bare.trySelect(), undefined);
});

Deno.test("R16: foreign sources can be prepared, too", async () => {
  const shelf = new Shelf<string>();
  const ch = new Channel<string>();
  const selector = prepareSelect({ shelf: recv(shelf), ch: recv(ch) });
  for (let n = 0; n < 3; n++) {
    const waiting = selector.select();
    await settled();
    assertEquals(await state(waiting), "pending");
    if (n === 1) assert(ch.trySend("ch"));
    else shelf.put("shelf");
    assertEquals((await waiting).value, n === 1 ? "ch" : "shelf");
    assertEquals(lines(ch), nobody);
  }
});

Deno.test("64: the end of a context is a case, and stays ready", async () => {
  const ctx = withCancel(background());
  const selector = prepareSelect({ ended: whenDone(ctx), never: recv<string>(null) });
  const waiting = selector.select();
  ctx.cancel("enough");
  const ended = { key: "ended", ok: false, value: undefined, cause: "enough" };
  assertEquals([await waiting, await selector.select()], [ended, ended]);
});

Deno.test("76: the cases are those that were given, whatever becomes of the list", async () => {
  const ch = new Channel<number>(1);
  const entries: [string, ReturnType<typeof recv<number>> | null][] = [["a", recv(ch)], [
    "b",
    null,
  ]];
  const selector = prepareSelect(entries);
  entries[0]![0] = "changed";
  entries.length = 0;
  ch.trySend(1);
  assertEquals((await selector.select()).key, "a");
});

Deno.test("R24: what is no set of cases cannot be prepared", () => {
  const wrong: unknown[] = [null, 1, [1], { a: {} }, { a: otherwise, b: otherwise }];
  for (const cases of wrong) assertThrows(() => prepareSelect(cases as never), TypeError);
  assertThrows(() => prepareSelect({}, 1 as never), TypeError);
});

Deno.test("75: biased, it takes the first ready case each time", async () => {
  const [urgent, usual] = [new Channel<number>(9), new Channel<number>(9)];
  const cases = { urgent: recv(urgent), usual: recv(usual) };
  const selector: Selector<{ readonly key: string }> = prepareSelect(cases, { biased: true });
  for (let n = 0; n < 9; n++) {
    urgent.trySend(n);
    usual.trySend(n);
  }
  for (let n = 0; n < 9; n++) assertEquals((await selector.select()).key, "urgent");
  assertEquals((await selector.select()).key, "usual");
});
