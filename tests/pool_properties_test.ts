/**
 * Random programs on the pool: whatever happens, every promise settles, each task runs at most once for
 * each attempt and never after its end, and never more jobs run than there are workers.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { background, withCancel } from "../mod.ts";
import {
  central,
  DeadlockError,
  ManualClock,
  PriorityScheduler,
  roundRobin,
  sharedQueue,
  type Strategy,
  weighted,
  WorkerPool,
  workStealing,
} from "../tasks/mod.ts";
import { fakeClock } from "./support/clock.ts";
import { settled } from "./support/settle.ts";

const RUNS = 150;

const strategies: Readonly<Record<string, () => Strategy>> = {
  sharedQueue,
  roundRobin,
  workStealing,
  central,
};

const operation = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      op: fc.constant("submit" as const),
      takes: fc.integer({ min: 0, max: 5 }),
      fails: fc.boolean(),
      heeds: fc.boolean(),
      priority: fc.integer({ min: 0, max: 2 }),
      timeout: fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined, freq: 3 }),
      runTimeout: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined, freq: 4 }),
      attempts: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("cancel" as const), which: fc.nat(30) }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("tick" as const), ms: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("pause" as const) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("resume" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant("resize" as const),
      workers: fc.integer({ min: 1, max: 4 }),
    }),
  },
);

Deno.test("110, 111: in random programs every promise settles, and nothing runs twice or too late", async () => {
  using clock = fakeClock();
  const program = fc.record({
    strategy: fc.constantFrom(...Object.keys(strategies)),
    workers: fc.integer({ min: 1, max: 3 }),
    capacity: fc.constantFrom(0, 1, 3, Infinity),
    operations: fc.array(operation, { maxLength: 40 }),
    immediate: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(program, async ({ strategy, workers, capacity, operations, immediate }) => {
      const pool = new WorkerPool({ workers, capacity, strategy: strategies[strategy]!() });
      const contexts: { cancel(cause: unknown): void }[] = [];
      const tasks: Promise<unknown>[] = [];
      let running = 0;
      // Thrown in a job they would be taken for its failure.
      const faults: string[] = [];
      for (const step of operations) {
        switch (step.op) {
          case "submit": {
            const { takes, fails, heeds, priority, timeout, runTimeout, attempts } = step;
            const ctx = withCancel(background());
            contexts.push(ctx);
            let runs = 0;
            let over = false;
            const task = pool.submit(async (own) => {
              if (over || ctx.done) faults.push("it runs though it is over");
              if (++runs > attempts) faults.push("it runs too often");
              if (++running > pool.size) faults.push(`${running} run beside ${pool.size} workers`);
              await new Promise<void>((resolve) => {
                const timer = setTimeout(resolve, takes);
                if (heeds) {
                  own.signal.addEventListener("abort", () => {
                    clearTimeout(timer);
                    resolve();
                  });
                }
              });
              running--;
              if (fails) throw new Error("failed");
              return runs;
            }, { ctx, priority, timeout, runTimeout, retry: { attempts, delay: 2 } });
            tasks.push(task.then((value) => value, (error) => {
              over = true;
              assert(error !== undefined);
            }));
            break;
          }
          case "cancel":
            contexts[step.which]?.cancel("cancelled");
            break;
          case "tick":
            await clock.tick(step.ms);
            break;
          case "resize":
            // Those that are taken off finish what they run, but until they have no other starts.
            pool.resize(step.workers);
            break;
          default:
            pool[step.op]();
        }
      }
      const settledAll = Promise.all(tasks);
      const done = pool.shutdown({ immediate });
      for (let i = 0; i < 40; i++) await clock.tick(20);
      await Promise.all([settledAll, done]);
      assertEquals([pool.waiting, pool.running, running, clock.timers], [0, 0, 0, 0]);
      assertEquals(faults, []);
      const { fulfilled, rejected } = pool.stats();
      assertEquals(fulfilled + rejected, tasks.length);
    }),
    { numRuns: RUNS },
  );
});

Deno.test("126: with one worker tasks start as a sorted list has it", async () => {
  const items = fc.array(
    fc.record({ priority: fc.integer({ min: -2, max: 2 }), cancelled: fc.boolean() }),
    { maxLength: 30 },
  );
  await fc.assert(
    fc.asyncProperty(items, async (items) => {
      const pool = new WorkerPool({ workers: 1 });
      const log: number[] = [];
      const contexts = items.map(() => withCancel(background()));
      const tasks = items.map(({ priority }, i) =>
        pool.submit(() => log.push(i), { priority, ctx: contexts[i] })
      );
      const all = Promise.allSettled(tasks);
      items.forEach(({ cancelled }, i) => cancelled && contexts[i]!.cancel());
      await all;
      const expected = items.map((item, i) => ({ ...item, i }))
        .filter(({ cancelled }) => !cancelled)
        .sort((a, b) => b.priority - a.priority || a.i - b.i)
        .map(({ i }) => i);
      assertEquals(log, expected);
    }),
    { numRuns: RUNS },
  );
});

Deno.test("128: weighted shares are kept to, whatever they are", async () => {
  const weights = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 5 })
    .filter((weights) => weights.some((weight) => weight > 0));
  await fc.assert(
    fc.asyncProperty(weights, async (weights) => {
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      const pool = new WorkerPool({ workers: weights.length, strategy: weighted(weights) });
      const counts = weights.map(() => 0);
      for (let i = 0; i < 3 * total; i++) void pool.submit((_, worker) => counts[worker]!++);
      await pool.drain();
      assertEquals(counts, weights.map((weight) => 3 * weight));
    }),
    { numRuns: 50 },
  );
});

Deno.test("115, 129: random schedules start each task once, in time, and settle all", async () => {
  const items = fc.array(
    fc.record({
      at: fc.nat(50),
      takes: fc.nat(10),
      delay: fc.nat(20),
      priority: fc.nat(5),
      deadline: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined }),
      change: fc.option(fc.nat(5), { nil: undefined }),
    }),
    { maxLength: 12 },
  );
  await fc.assert(
    fc.asyncProperty(items, fc.integer({ min: 1, max: 3 }), async (items, concurrency) => {
      const clock = new ManualClock();
      const scheduler = new PriorityScheduler({ clock, concurrency, ageing: 5 });
      const results: Promise<unknown>[] = [];
      let running = 0;
      const runs = items.map(() => 0);
      for (const [i, { at, takes, delay, priority, deadline, change }] of items.entries()) {
        clock.after(at, () => {
          const task = scheduler.schedule(async () => {
            assert(clock.now() >= at + delay, "it starts too early");
            runs[i]!++;
            assert(++running <= concurrency);
            await new Promise<void>((resolve) => clock.after(takes, resolve));
            running--;
          }, { priority, delay, deadline });
          results.push(task.result.catch((error) => {
            assertEquals(error.name, "TimeoutError");
            assert(clock.now() - at >= deadline!);
          }));
          if (change !== undefined) task.setPriority(change);
        });
      }
      await clock.advance(500);
      await Promise.all(results);
      await scheduler.shutdown();
      await settled();
      assertEquals([results.length, running, clock.timers], [items.length, 0, 0]);
      for (const count of runs) assert(count <= 1);
    }),
    { numRuns: 40 },
  );
});

// ---- 112: forests of tasks that wait for tasks of their own ----

interface Tree {
  /** How many turns it takes before it submits, and whether it waits for one after the other. */
  readonly turns: number;
  readonly oneByOne: boolean;
  readonly priority: number;
  readonly branches: readonly Tree[];
}

const tree: fc.Memo<Tree> = fc.memo((depth) =>
  fc.record({
    turns: fc.nat(2),
    oneByOne: fc.boolean(),
    priority: fc.nat(2),
    branches: depth > 1 ? fc.array(tree(), { maxLength: 3 }) : fc.constant([]),
  })
);

const size = ({ branches }: Tree): number =>
  branches.reduce((sum, branch) => sum + size(branch), 1);

Deno.test("112: forests of nested tasks never hang, however wide, deep, placed, or short of room", async () => {
  const own: Readonly<Record<string, (workers: number) => Strategy>> = {
    ...strategies,
    weighted: (workers) => weighted(Array.from({ length: workers }, (_, i) => i % 3)),
    first: () => ({ name: "first", place: () => 0 }),
    last: () => ({ name: "last", place: (workers) => workers.length - 1 }),
  };
  const program = fc.record({
    strategy: fc.constantFrom(...Object.keys(own)),
    workers: fc.integer({ min: 2, max: 4 }),
    capacity: fc.constantFrom(0, 1, 3, Infinity),
    nested: fc.constantFrom("reject" as const, "inline" as const),
    forest: fc.array(tree(4), { minLength: 1, maxLength: 6 }),
  });
  await fc.assert(
    fc.asyncProperty(program, async ({ strategy, workers, capacity, nested, forest }) => {
      const pool = new WorkerPool({
        workers,
        capacity,
        nested,
        strategy: own[strategy]!(workers),
      });
      const strange: unknown[] = [];
      let ran = 0;
      let refused = 0;
      const submit = (tree: Tree): Promise<void> =>
        pool.submit(() => grow(tree), { priority: tree.priority }).catch((error) => {
          if (error instanceof DeadlockError) refused += size(tree);
          else strange.push(error);
        });
      const grow = async ({ turns, oneByOne, branches }: Tree): Promise<void> => {
        ran++;
        for (let turn = 0; turn < turns; turn++) await Promise.resolve();
        if (oneByOne) { for (const branch of branches) await submit(branch); }
        else await Promise.all(branches.map(submit));
      };
      let over = false;
      const all = Promise.all(forest.map(submit)).then(() => over = true);
      for (let turn = 0; !over && turn < 20; turn++) await settled();
      assert(over, "it hangs");
      await all;
      await pool.shutdown();
      assertEquals(strange, []);
      assertEquals(ran + refused, forest.reduce((sum, tree) => sum + size(tree), 0));
      if (nested === "inline") assertEquals(refused, 0);
    }),
    { numRuns: 2 * RUNS },
  );
});
