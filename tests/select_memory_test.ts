import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import {
  background,
  type Case,
  Channel,
  recv,
  select,
  send,
  trySelect,
  whenDone,
  withCancel,
} from "../mod.ts";
import { held } from "./support/collect.ts";
import { Rack, Shelf } from "./support/foreign.ts";
import { lines } from "./support/lines.ts";
import { spiedController } from "./support/spied_signal.ts";

const nobody = { takers: 0, putters: 0 };

Deno.test("77: of a select that is over, its channels keep neither the values nor the results", async () => {
  for (const capacity of [0, 1, 100]) {
    const idle = new Channel<object>(capacity);
    const hot = new Channel<object>();
    const busy = new Channel<object>();
    const shelf = new Shelf<object>();
    const rack = new Rack<object>();
    const ctx = withCancel(background());
    const refs: WeakRef<object>[] = [];
    // A function of its own, so that nothing on the stack holds what it made.
    const runOnce = async (n: number): Promise<void> => {
      const value = { n };
      const sent = { n };
      const waiting = select({
        idle: recv(idle),
        hot: recv(hot),
        busy: send(busy, sent),
        shelf: recv(shelf),
        rack: send(rack, sent),
        ended: whenDone(ctx),
      });
      hot.trySend(value);
      refs.push(new WeakRef(value), new WeakRef(sent), new WeakRef(waiting));
      refs.push(new WeakRef(await waiting));
    };
    for (let n = 0; n < 20; n++) await runOnce(n);
    assertEquals(await held(refs), 0);
    assertEquals([lines(idle), lines(hot), lines(busy)], [nobody, nobody, nobody]);
  }
});

Deno.test("77: nor of one that was cancelled, or rejected", async () => {
  const idle = new Channel<object>();
  const refs: WeakRef<object>[] = [];
  const runOnce = async (end: "cancel" | "close"): Promise<void> => {
    using ctx = withCancel(background());
    const sent = {};
    const busy = new Channel<object>();
    const waiting = select({ busy: send(busy, sent), idle: recv(idle) }, ctx);
    refs.push(new WeakRef(sent), new WeakRef(waiting));
    if (end === "close") busy.close();
    else ctx.cancel();
    await waiting.catch(() => {});
  };
  for (const end of ["cancel", "close"] as const) await runOnce(end);
  assertEquals(await held(refs), 0);
});

Deno.test("78, P5: a select in a loop leaves nothing on what lives long", async () => {
  const controller = spiedController();
  const ctx = withCancel(background());
  const hot = new Channel<number>();
  const refs: WeakRef<object>[] = [];
  for (let n = 0; n < 50_000; n++) {
    const waiting = select(
      { hot: recv(hot), ended: whenDone(ctx), aborted: whenDone(controller.signal) },
      n % 2 === 0 ? ctx : controller.signal,
    );
    assert(hot.trySend(n));
    if (n % 1_000 === 0) refs.push(new WeakRef(waiting));
    await waiting;
    assertFalse(controller.most > 1);
  }
  assertEquals(controller.listeners, 0);
  assertEquals(await held(refs), 0);
  // All that hangs on them is what comes now.
  const waiting = select({ ended: whenDone(ctx) });
  ctx.cancel("over");
  assertEquals((await waiting).cause, "over");
});

Deno.test("78: a promise is no case", () => {
  const it = Promise.resolve(1) as unknown as Case;
  assertThrows(() => trySelect({ it }), TypeError, 'case "it"');
});
