/**
 * Handlers that may be run twice, and the stores that remember what they have done.
 *
 * @module
 */
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { background, type Context, withCancel } from "../mod.ts";
import {
  consume,
  type DoneStore,
  idempotent,
  type JobHandler,
  type JobLease,
  type JobQueue,
  memoryDoneStore,
  memoryJobs,
} from "../jobs/mod.ts";
import { KeyLocks } from "../jobs/key_locks.ts";
import { ManualClock } from "../tasks/mod.ts";
import { settled } from "./support/settle.ts";
import { Watched } from "./support/watched.ts";

const ctx = background();

/** The same job, handed out twice: its first lease has run out. */
async function twice(): Promise<[JobLease<string>, JobLease<string>, JobQueue<string>]> {
  const clock = new ManualClock();
  const queue = await memoryJobs<string>({ clock, leaseTime: 10 });
  await queue.put("hello", { dedupeId: "a" });
  const first = await queue.get();
  await clock.advance(10);
  return [first, await queue.get(), queue];
}

async function lease(id: string): Promise<[JobLease<string>, JobQueue<string>]> {
  const queue = await memoryJobs<string>();
  await queue.put("hello", { dedupeId: id });
  return [await queue.get(), queue];
}

/** Runs that end when they are told to. */
function held(): { handler: JobHandler<string>; ends: PromiseWithResolvers<void>[] } {
  const ends: PromiseWithResolvers<void>[] = [];
  return {
    ends,
    handler: () => {
      const end = Promise.withResolvers<void>();
      ends.push(end);
      return end.promise;
    },
  };
}

// ---- 172: the handler ----

Deno.test("172: a job that comes again when it was done is not done again", async () => {
  const [first, second, queue] = await twice();
  let runs = 0;
  const handler = idempotent<string>(() => void runs++, { store: memoryDoneStore() });
  await handler(first, ctx);
  await handler(second, ctx);
  assertEquals(runs, 1);
  const [other, others] = await lease("b");
  await handler(other, ctx);
  assertEquals(runs, 2);
  await queue.close();
  await others.close();
});

Deno.test("172: of two at once the second waits, and has nothing to do if the first succeeds", async () => {
  const [first, second, queue] = await twice();
  const { handler, ends } = held();
  const store = memoryDoneStore();
  // Two handlers over one store are as one: they do the same jobs.
  const one = new Watched(idempotent(handler, { store })(first, ctx) as Promise<void>);
  const two = new Watched(idempotent(handler, { store })(second, ctx) as Promise<void>);
  await settled();
  assertEquals([ends.length, two.is], [1, "pending"]);
  ends[0]!.resolve();
  await settled();
  assertEquals([one.is, two.is, ends.length], ["fulfilled", "fulfilled", 1]);
  await queue.close();
});

Deno.test("172: if the first fails the second runs", async () => {
  const [first, second, queue] = await twice();
  const { handler, ends } = held();
  const once = idempotent(handler, { store: memoryDoneStore() });
  const one = new Watched(once(first, ctx) as Promise<void>);
  const two = new Watched(once(second, ctx) as Promise<void>);
  await settled();
  ends[0]!.reject("no");
  await settled();
  assertEquals([one.error, two.is, ends.length], ["no", "pending", 2]);
  ends[1]!.resolve();
  await settled();
  assertEquals(two.is, "fulfilled");
  await queue.close();
});

Deno.test("172: jobs of different ids, and stores, do not wait for each other", async () => {
  const [a, first] = await lease("a");
  const [b, second] = await lease("b");
  const { handler, ends } = held();
  const once = idempotent(handler, { store: memoryDoneStore() });
  const all = [
    once(a, ctx),
    once(b, ctx),
    idempotent(handler, { store: memoryDoneStore() })(a, ctx),
  ];
  await settled();
  assertEquals(ends.length, 3);
  for (const end of ends) end.resolve();
  await Promise.all(all);
  await first.close();
  await second.close();
});

Deno.test("172: who is cancelled while he waits for the first leaves, and the others stay in line", async () => {
  const [first, second, queue] = await twice();
  const { handler, ends } = held();
  const once = idempotent(handler, { store: memoryDoneStore() });
  using gone = withCancel(ctx);
  const all = [once(first, ctx), once(second, gone), once(second, ctx)]
    .map((promise) => new Watched(promise as Promise<void>));
  await settled();
  gone.cancel("left");
  await settled();
  assertEquals(all.map(({ is }) => is), ["pending", "rejected", "pending"]);
  assertEquals(all[1]!.error, "left");
  ends[0]!.resolve();
  await settled();
  assertEquals([all.map(({ is }) => is), ends.length], [["fulfilled", "rejected", "fulfilled"], 1]);
  await queue.close();
});

Deno.test("172: what the handler gives back or rejects, it has not done; what it settles as done, it has", async () => {
  for (const way of ["retry", "reject", "done"] as const) {
    const [first, second, queue] = await twice();
    let runs = 0;
    const once = idempotent<string>(async (job) => {
      runs++;
      if (runs === 1) await job[way]();
    }, { store: memoryDoneStore() });
    await once(first, ctx);
    await once(second, ctx);
    assertEquals(runs, way === "done" ? 1 : 2);
    await queue.close();
  }
});

Deno.test("172: a handler that returns since its context has ended has not done it", async () => {
  const [first, second, queue] = await twice();
  using ended = withCancel(ctx);
  let runs = 0;
  const once = idempotent<string>((_, ctx) => {
    runs++;
    ended.cancel();
    if (ctx.done) return;
  }, { store: memoryDoneStore() });
  await once(first, ended);
  await once(second, ctx);
  assertEquals(runs, 2);
  await queue.close();
});

Deno.test("172: if the store cannot tell, the attempt fails before the handler runs", async () => {
  const [job, queue] = await lease("a");
  const store: DoneStore = { has: () => Promise.reject(new Error("down")), add: () => {} };
  let runs = 0;
  const once = idempotent<string>(() => void runs++, { store });
  await assertRejects(async () => await once(job, ctx), Error, "down");
  assertEquals([runs, job.settled], [0, false]);
  await queue.close();
});

Deno.test("172: if the context ends while the store is asked, the handler does not run", async () => {
  const [job, queue] = await lease("a");
  using ended = withCancel(ctx);
  const store: DoneStore = {
    has: () => {
      ended.cancel("over");
      return false;
    },
    add: () => {},
  };
  let runs = 0;
  const error =
    await (idempotent<string>(() => void runs++, { store })(job, ended) as Promise<void>)
      .catch((error) => error);
  assertEquals([error, runs], ["over", 0]);
  await queue.close();
});

Deno.test("172: if the store cannot add, the job is done all the same, and the error is told", async () => {
  const queue = await memoryJobs<string>();
  await queue.put("hello");
  const store: DoneStore = { has: () => false, add: () => Promise.reject("full") };
  let runs = 0;
  const told: unknown[] = [];
  const working = consume(queue, idempotent<string>(() => void runs++, { store }), {
    onError: (error) => void told.push(error),
  });
  await queue.join();
  await settled();
  await queue.close();
  const { done, failed } = await working;
  assertEquals([runs, told, done, failed], [1, ["full"], 1, 1]);
});

Deno.test("172: the store is asked with the handler's context, and told without its end", async () => {
  const [job, queue] = await lease("a");
  using own = withCancel(ctx);
  const waits: unknown[] = [];
  const store: DoneStore = {
    has: (id, wait) => {
      waits.push(id, wait);
      return false;
    },
    add: (id, wait) => {
      own.cancel();
      waits.push(id, (wait as Context).done);
    },
  };
  await idempotent<string>(() => {}, { store })(job, own);
  assertEquals([waits[0], waits[2], waits[3]], ["a", "a", false]);
  assertStrictEquals(waits[1], own);
  await queue.close();
});

Deno.test("172: consumed: a job whose lease runs out while it is done is done once", async () => {
  const clock = new ManualClock();
  const queue = await memoryJobs<string>({ clock, leaseTime: 10 });
  await queue.put("hello", { dedupeId: "a" });
  const { handler, ends } = held();
  const once = idempotent(handler, { store: memoryDoneStore({ clock }) });
  const working = consume(queue, once, { clock, extend: false, concurrency: 2 });
  await clock.advance(10);
  assertEquals(ends.length, 1);
  ends[0]!.resolve();
  await queue.join();
  await settled();
  await queue.close();
  const { taken, done } = await working;
  assertEquals([taken, done, ends.length], [2, 2, 1]);
});

Deno.test("172: bad arguments are refused, and named", () => {
  const store = memoryDoneStore();
  assertThrows(() => idempotent(1 as never, { store }), TypeError, "handler must be a function");
  assertThrows(() => idempotent(() => {}, 1 as never), TypeError, "options must be an object");
  for (const bad of [undefined, null, 1, {}, { has: () => true }, { add: () => {} }]) {
    assertThrows(
      () => idempotent(() => {}, { store: bad as never }),
      TypeError,
      "store must have the functions has and add",
    );
  }
});

// ---- 172: locks ----

Deno.test("172: locks of keys are first come, first served, and none is left", async () => {
  const locks = new KeyLocks();
  const log: number[] = [];
  const ends = [0, 1, 2].map(() => Promise.withResolvers<void>());
  const all = ends.map(({ promise }, at) =>
    locks.run("a", async () => {
      log.push(at);
      await promise;
    })
  );
  await settled();
  assertEquals([log, locks.size], [[0], 1]);
  ends[0]!.reject("no");
  ends[2]!.resolve();
  await assertRejects(() => all[0]!.catch((error) => Promise.reject(new Error(error))));
  await settled();
  assertEquals(log, [0, 1]);
  ends[1]!.resolve();
  await all[2];
  assertEquals([log, locks.size], [[0, 1, 2], 0]);
  await assertRejects(() => locks.run("a", () => Promise.resolve(), AbortSignal.abort()));
  assertEquals(locks.size, 0);
});

Deno.test("172: whoever comes while one has the lock and another waits stands behind both", async () => {
  const locks = new KeyLocks();
  const log: number[] = [];
  const ends = [0, 1, 2].map(() => Promise.withResolvers<void>());
  const run = (at: number): Promise<void> =>
    locks.run("a", async () => {
      log.push(at);
      await ends[at]!.promise;
    });
  const all = [run(0), run(1)];
  await settled();
  ends[0]!.resolve();
  await all[0];
  await settled();
  // The second has the lock now.
  all.push(run(2));
  await settled();
  assertEquals([log, locks.size], [[0, 1], 1]);
  ends[1]!.resolve();
  await settled();
  assertEquals(log, [0, 1, 2]);
  ends[2]!.resolve();
  await Promise.all(all);
  assertEquals(locks.size, 0);
});

// ---- 172: the store in memory ----

Deno.test("172: a store in memory remembers the last ids, each for so long since it was added last", async () => {
  const clock = new ManualClock();
  const store = memoryDoneStore({ maxIds: 2, maxAge: 10, clock });
  await store.add("a");
  await clock.advance(5);
  await store.add("b");
  await store.add("a");
  await clock.advance(9);
  assertEquals([await store.has("a"), await store.has("b")], [true, true]);
  await store.add("c");
  assertEquals([await store.has("a"), await store.has("b"), await store.has("c")], [
    true,
    false,
    true,
  ]);
  await clock.advance(1);
  assertEquals([await store.has("a"), await store.has("c")], [false, true]);
});

Deno.test("172: the options of a store in memory are checked", () => {
  const bad: [unknown, typeof TypeError | typeof RangeError, string][] = [
    [1, TypeError, "options must be an object of options, not 1"],
    [{ maxIds: 0 }, RangeError, "maxIds must be an integer of at least 1"],
    [{ maxIds: Infinity }, RangeError, "maxIds must be finite: Infinity"],
    [{ maxIds: "1" }, TypeError, 'maxIds must be a number, not "1"'],
    [{ maxAge: 0 }, RangeError, "maxAge must be more than 0: 0"],
    [{ maxAge: null }, TypeError, "maxAge must be a number, not null"],
    [{ clock: 1 }, TypeError, "clock must have the functions now and after, not 1"],
  ];
  for (const [options, kind, message] of bad) {
    assertThrows(() => memoryDoneStore(options as never), kind, message);
  }
});

Deno.test("172: a store in memory is as a list that is cut to its bounds", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 6 }),
      fc.array(fc.record({ add: fc.nat(5), ms: fc.nat(3) }), { maxLength: 40 }),
      async (maxIds, maxAge, steps) => {
        const clock = new ManualClock();
        const store = memoryDoneStore({ maxIds, maxAge, clock });
        let model: { id: string; at: number }[] = [];
        for (const { add, ms } of steps) {
          const id = String(add);
          await store.add(id);
          model = [...model.filter((one) => one.id !== id), { id, at: clock.now() }].slice(-maxIds);
          await clock.advance(ms);
          for (let n = 0; n <= 5; n++) {
            const known = model.some(({ id, at }) => id === String(n) && clock.now() - at < maxAge);
            assertEquals(await store.has(String(n)), known);
          }
        }
      },
    ),
    { numRuns: 100 },
  );
});

Deno.test("172: whatever fails, and however often it comes, each job is done once", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.boolean(), { maxLength: 3 }), { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 4 }),
      async (fails, concurrency) => {
        const clock = new ManualClock();
        const queue = await memoryJobs<number>({ clock, leaseTime: 10, maxAttempts: Infinity });
        const done = fails.map(() => 0);
        const running = new Set<number>();
        const once = idempotent<number>(async (job) => {
          assert(!running.has(job.value));
          running.add(job.value);
          // Longer than a lease: the job comes again meanwhile.
          await new Promise<void>((end) => void clock.after(15, end));
          running.delete(job.value);
          if (fails[job.value]!.shift()) throw "no";
          done[job.value]!++;
        }, { store: memoryDoneStore({ clock }) });
        for (let n = 0; n < fails.length; n++) await queue.put(n);
        const options = { clock, concurrency, extend: false, retry: { delay: 1 } };
        const working = consume(queue, once, options);
        await clock.advance(1_000);
        await queue.close();
        await working;
        assertEquals(done, fails.map(() => 1));
      },
    ),
    { numRuns: 50 },
  );
});
