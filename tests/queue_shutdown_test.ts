/**
 * The end of a queue: plain and immediate shutdown, draining, iteration.
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
  type ClosedError,
  Queue,
  QueueEmpty,
  QueueShutDown,
  recv,
  select,
  send,
  withCancel,
} from "../mod.ts";
import { fakeClock } from "./support/clock.ts";
import { lines } from "./support/lines.ts";
import { drained, failure, filled, kinds, putters, takers } from "./support/queues.ts";
import { settled, state } from "./support/settle.ts";

const nobody = { takers: 0, putters: 0 };

/** Both ways to call it, and the dispose that is the first of them. */
const ends: Readonly<Record<string, (queue: Queue<number>) => void>> = {
  plain: (queue) => queue.shutdown(),
  "plain, in words": (queue) => queue.shutdown({ immediate: false }),
  immediate: (queue) => queue.shutdown({ immediate: true }),
  dispose: (queue) => queue[Symbol.dispose](),
};
const plain = [ends["plain"]!, ends["plain, in words"]!, ends["dispose"]!];

// ---- plain ----

Deno.test("22: shutdown rejects the getters that are parked, iterators end, selects see the end", async () => {
  for (const [how, end] of Object.entries(ends)) {
    for (const [name, make] of Object.entries(kinds)) {
      const queue = new make();
      const rejected = [
        queue.get(),
        queue.lease(),
        queue.getBatch(2),
        queue.getBatch(3, { min: 2 }),
      ];
      const next = queue[Symbol.asyncIterator]().next();
      const selected = select({ item: recv(queue) });
      end(queue);
      assertEquals(lines(queue), nobody);
      for (const one of rejected) {
        const error = await failure(one);
        assertInstanceOf(error, QueueShutDown, `${how} of ${name}`);
        assertFalse("value" in error);
      }
      assertEquals(await next, { done: true, value: undefined });
      assertEquals(await selected, { key: "item", ok: false, value: undefined });
    }
  }
});

Deno.test("22: shutdown rejects the putters that are parked, and their items are not added", async () => {
  for (const [how, end] of Object.entries(ends)) {
    for (const [name, make] of Object.entries(kinds)) {
      const queue = filled(new make(1), 1);
      const waiting = [2, 3, 4].map((n) => queue.put(n));
      const selected = select({ sent: send(queue, 5) });
      end(queue);
      assertEquals([queue.size, lines(queue)], [how === "immediate" ? 0 : 1, nobody]);
      for (const [at, one] of [...waiting, selected].entries()) {
        const error = await failure(one);
        assertInstanceOf(error, QueueShutDown, `${how} of ${name}`);
        assertEquals((error as ClosedError).value, at + 2);
      }
      assertEquals(
        [drained(queue).length, queue.unfinished],
        how === "immediate" ? [0, 0] : [1, 1],
      );
    }
  }
});

Deno.test("22: nor are they added when the room comes later, or a lighter one stands behind", async () => {
  const weighed = filled(new Queue<number>({ maxSize: 5, weigh: (n) => n }), 4);
  const waiting = [
    select({ sent: send(weighed, 3) }),
    weighed.put(1),
    weighed.put(2),
  ].map((one) => failure(one));
  weighed.shutdown();
  assertEquals([weighed.size, weighed.unfinished], [1, 1]);
  assertEquals(drained(weighed), [4]);
  for (const error of await Promise.all(waiting)) assertInstanceOf(error, QueueShutDown);
  assertEquals([weighed.size, weighed.unfinished], [0, 1]);
});

Deno.test("22: what is queued can still be got, by every call, then gets reject", async () => {
  for (const end of plain) {
    for (const make of Object.values(kinds)) {
      const queue = filled(new make(), 1, 1, 1, 1, 1, 1, 1);
      end(queue);
      for (const take of Object.values(takers)) assertEquals(await take(queue), 1);
      assertEquals([queue.getNowait(), queue.tryGet(), queue.size], [1, { value: 1 }, 0]);
      await assertRejects(() => queue.get(), QueueShutDown);
      await assertRejects(() => queue.lease(), QueueShutDown);
      await assertRejects(() => queue.getBatch(1), QueueShutDown);
      await assertRejects(() => queue.getBatch(2, { min: 2, linger: 1 }), QueueShutDown);
      assertEquals((await select({ item: recv(queue) })).ok, false);
      assertEquals([queue.unfinished, queue.size], [7, 0]);
    }
  }
});

Deno.test("22: the order of what is left is as it was", () => {
  const orders = { Queue: [3, 1, 2], LifoQueue: [2, 1, 3], PriorityQueue: [1, 2, 3] };
  for (const [name, order] of Object.entries(orders)) {
    const queue = filled(new kinds[name]!(), 3, 1, 2);
    queue.shutdown();
    assertEquals(drained(queue), order);
  }
});

Deno.test("22, 19: join waits for what is drained after shutdown", async () => {
  const queue = filled(new Queue<number>(), 1, 2);
  const join = queue.join();
  queue.shutdown();
  drained(queue);
  assertEquals(await state(join), "pending");
  queue.taskDone(2);
  assertEquals(await state(join), "fulfilled");
});

// ---- immediate ----

Deno.test("23: an immediate shutdown drops what is queued and counts it as done", async () => {
  for (const make of Object.values(kinds)) {
    const queue = filled(new make(3), 1, 2, 3);
    const parked = failure(queue.put(4));
    const join = queue.join();
    queue.shutdown({ immediate: true });
    assertEquals([queue.size, queue.weight, queue.unfinished, queue.full], [0, 0, 0, false]);
    assertEquals([await state(join), queue.tryGet()], ["fulfilled", undefined]);
    await assertRejects(() => queue.get(), QueueShutDown);
    assertInstanceOf(await parked, QueueShutDown);
    assertThrows(() => queue.taskDone(), RangeError);
  }
});

Deno.test("23, R19: join waits for the gets and leases that are out, and for nothing else", async () => {
  for (const make of Object.values(kinds)) {
    const queue = filled(new make(), 1, 2, 3, 4, 5);
    await queue.get();
    const lease = await queue.lease();
    const join = queue.join();
    queue.shutdown({ immediate: true });
    assertEquals([queue.unfinished, await state(join)], [2, "pending"]);
    queue.taskDone();
    assertThrows(() => queue.taskDone(), RangeError);
    assertEquals([queue.unfinished, await state(join)], [1, "pending"]);
    lease.done();
    assertEquals([queue.unfinished, await state(join)], [0, "fulfilled"]);
  }
});

Deno.test("R19: after early taskDone an immediate shutdown does not take unfinished below 0", async () => {
  const queue = filled(new Queue<number>(), 1, 2, 3);
  queue.taskDone(2);
  const join = queue.join();
  queue.shutdown({ immediate: true });
  assertEquals([queue.unfinished, await state(join)], [0, "fulfilled"]);
});

Deno.test("R5: an immediate shutdown leaves leases out, with a value that can be used", async () => {
  const queue = filled(new Queue<number>(), 1, 2);
  const join = queue.join();
  {
    using lease = await queue.lease();
    queue.shutdown({ immediate: true });
    assertEquals([lease.value, queue.unfinished, await state(join)], [1, 1, "pending"]);
  }
  assertEquals([queue.unfinished, await state(join)], [0, "fulfilled"]);
});

// ---- twice, and afterwards ----

Deno.test("24: an immediate shutdown after a plain one takes effect", async () => {
  for (const end of plain) {
    const queue = filled(new Queue<number>(), 1, 2);
    const join = queue.join();
    end(queue);
    assertEquals([queue.size, await state(join)], [2, "pending"]);
    queue.shutdown({ immediate: true });
    assertEquals([queue.size, queue.unfinished, await state(join)], [0, 0, "fulfilled"]);
    await assertRejects(() => queue.get(), QueueShutDown);
  }
});

Deno.test("24, R4: any other second shutdown does nothing, and is silent", async () => {
  for (const first of Object.values(ends)) {
    for (const second of plain) {
      const queue = filled(new Queue<number>(), 1, 2);
      const lease = await queue.lease();
      first(queue);
      lease.requeue();
      const before = [queue.size, queue.unfinished];
      second(queue);
      second(queue);
      assertEquals([queue.size, queue.unfinished, queue.closed], [...before, true]);
    }
  }
  const dropped = filled(new Queue<number>(), 1);
  dropped.shutdown({ immediate: true });
  dropped.shutdown({ immediate: true });
  assertEquals([dropped.size, dropped.unfinished], [0, 0]);
});

Deno.test("24, R8: puts after shutdown are refused, where there is room and where there is none", async () => {
  for (const end of Object.values(ends)) {
    for (const make of Object.values(kinds)) {
      for (const queue of [new make(), filled(new make(1), 1), filled(new make(2), 1)]) {
        end(queue);
        const before = [queue.size, queue.unfinished];
        for (const put of Object.values(putters)) {
          const error = await failure(put(queue, 7));
          assertInstanceOf(error, QueueShutDown);
          assertEquals((error as ClosedError).value, 7);
        }
        assertEquals(assertThrows(() => queue.putNowait(7), QueueShutDown).value, 7);
        assertEquals(assertThrows(() => queue.tryPut(7), QueueShutDown).value, 7);
        assertEquals([queue.size, queue.unfinished, lines(queue)], [...before, nobody]);
      }
    }
  }
});

Deno.test("24: a put that is refused for shutdown is so although its item would be refused too", async () => {
  const queue = new Queue<number>({ maxSize: 1, weigh: () => NaN });
  queue.shutdown();
  await assertRejects(() => queue.put(1), QueueShutDown);
});

Deno.test("24: shutdown from within weigh refuses the very put that is weighed", async () => {
  for (const put of Object.values(putters)) {
    for (const before of [[], [1]]) {
      const queue: Queue<number> = new Queue<number>({
        maxSize: 1,
        weigh: (n) => {
          if (n === 2) queue.shutdown();
          return 1;
        },
      });
      filled(queue, ...before);
      assertInstanceOf(await failure(put(queue, 2)), QueueShutDown);
      assertEquals([drained(queue), lines(queue)], [before, nobody]);
    }
  }
});

Deno.test("25: getNowait on a drained queue throws QueueShutDown, not QueueEmpty", () => {
  for (const end of Object.values(ends)) {
    for (const make of Object.values(kinds)) {
      const queue = filled(new make(), 1);
      drained(queue);
      assertThrows(() => queue.getNowait(), QueueEmpty);
      end(queue);
      const error = assertThrows(() => queue.getNowait(), QueueShutDown);
      assertFalse("value" in error);
    }
  }
});

Deno.test("R8: tryGet on a drained queue is undefined, and never throws", () => {
  for (const end of Object.values(ends)) {
    const queue = filled(new Queue<number>(), 1);
    end(queue);
    drained(queue);
    assertStrictEquals(queue.tryGet(), undefined);
    assertStrictEquals(queue.tryGet(), undefined);
  }
});

Deno.test("R14: closed says that shutdown was called, not that all is drained", () => {
  for (const end of Object.values(ends)) {
    for (const make of Object.values(kinds)) {
      const queue = filled(new make(), 1);
      assertFalse(queue.closed);
      end(queue);
      assert(queue.closed);
      drained(queue);
      assert(queue.closed);
    }
  }
});

Deno.test("R26: a queue in a `using` is shut down plainly: what is left can be got", async () => {
  const outer = new Queue<number>(2);
  const parked: Promise<unknown>[] = [];
  {
    using queue = outer;
    filled(queue, 1, 2);
    parked.push(failure(queue.put(3)));
  }
  assertEquals([outer.closed, drained(outer), outer.unfinished], [true, [1, 2], 2]);
  assertInstanceOf(await parked[0], QueueShutDown);
  outer[Symbol.dispose]();
});

// ---- everybody is told ----

Deno.test("P16, 22: every promise of a queue settles on shutdown, whatever it waits for", async () => {
  using clock = fakeClock();
  for (const end of Object.values(ends)) {
    for (const make of Object.values(kinds)) {
      const ctx = withCancel(background());
      const empty = new make();
      const waiting: Promise<unknown>[] = [];
      for (const wait of [undefined, ctx, ctx.signal, { timeout: 60_000 }, { ctx, timeout: 9 }]) {
        for (const take of Object.values(takers)) waiting.push(take(empty, wait));
        waiting.push(empty.getBatch(9, { min: 5 }), empty.getBatch(9, { linger: 5 }));
      }
      const full = filled(new make(1), 1);
      for (const wait of [undefined, ctx, { timeout: 60_000 }]) {
        for (const put of Object.values(putters)) waiting.push(put(full, 2, wait));
      }
      const lingering = filled(new make(), 1);
      waiting.push(lingering.getBatch(9, { linger: 60_000 }), lingering.get());
      waiting.push(lingering.join(), full.join());
      for (const one of waiting) one.catch(() => {});
      for (const queue of [empty, full, lingering]) end(queue);
      // A join waits for work that is out, and so for whoever drains.
      for (const queue of [full, lingering]) {
        drained(queue);
        if (queue.unfinished > 0) queue.taskDone(queue.unfinished);
      }
      assertFalse((await Promise.all(waiting.map(state))).includes("pending"));
      assertEquals([empty, full, lingering].map(lines), [nobody, nobody, nobody]);
      ctx.cancel();
      assertEquals(clock.timers, 0);
    }
  }
});

Deno.test("22, 4: what was handed over before the shutdown is delivered", async () => {
  for (const end of Object.values(ends)) {
    for (const take of Object.values(takers)) {
      const queue = new Queue<number>();
      const waiting = take(queue);
      queue.putNowait(1);
      end(queue);
      assertEquals(await waiting, 1);
    }
  }
});

// ---- iteration ----

Deno.test("26: `for await` gives what is left after shutdown, and then ends", async () => {
  for (const end of plain) {
    const queue = filled(new Queue<number>(), 1, 2);
    const seen: number[] = [];
    const loop = (async () => {
      for await (const item of queue) seen.push(item);
    })();
    await settled();
    filled(queue, 3, 4);
    end(queue);
    await loop;
    assertEquals(seen, [1, 2, 3, 4]);
  }
});

Deno.test("26: it ends and does not throw, also when it waits, and with an immediate shutdown", async () => {
  for (const end of Object.values(ends)) {
    const queue = new Queue<number>();
    const waiting = Array.fromAsync(queue);
    assertEquals(await state(waiting), "pending");
    end(queue);
    assertEquals([await waiting, await Array.fromAsync(queue)], [[], []]);
  }
});

Deno.test("26: leaving the loop early loses no item, since none is taken ahead", async () => {
  for (const leave of ["break", "throw"]) {
    const queue = filled(new Queue<number>(1), 1);
    const parked = [queue.put(2), queue.put(3)];
    const loop = async (): Promise<void> => {
      for await (const _ of queue) {
        if (leave === "throw") throw new SyntaxError();
        break;
      }
    };
    await loop().catch(() => {});
    assertEquals([queue.size, lines(queue)], [1, { takers: 0, putters: 1 }]);
    assertEquals([await queue.get(), await queue.get(), queue.closed], [2, 3, false]);
    await Promise.all(parked);
  }
});

Deno.test("26: return ends the iterator's parked next at once, and what comes later stays", async () => {
  for (const make of Object.values(kinds)) {
    const queue = new make();
    const iterator = queue[Symbol.asyncIterator]();
    const waiting = [iterator.next(), iterator.next()];
    const behind = queue.get();
    const returned = iterator.return();
    assertEquals(lines(queue), { takers: 1, putters: 0 });
    filled(queue, 1, 2);
    assertEquals(await returned, { done: true, value: undefined });
    for (const next of await Promise.all(waiting)) assertEquals(next.done, true);
    assertEquals([await behind, drained(queue)], [1, [2]]);
    assertEquals(await iterator.next(), { done: true, value: undefined });
  }
});

Deno.test("26: several loops share a queue, and all end", async () => {
  const queue = new Queue<number>(2);
  const loops = [0, 1, 2].map(() => Array.fromAsync(queue));
  for (let n = 0; n < 30; n++) await queue.put(n);
  queue.shutdown();
  const seen = (await Promise.all(loops)).flat();
  assertEquals(seen.toSorted((a, b) => a - b), Array.from({ length: 30 }, (_, n) => n));
});
