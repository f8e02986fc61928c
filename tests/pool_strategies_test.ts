/**
 * Strategies: whose queue a task joins, and who takes it; and tasks that submit tasks.
 *
 * @module
 */
import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import {
  central,
  DeadlockError,
  roundRobin,
  sharedQueue,
  type Strategy,
  weighted,
  WorkerPool,
  workStealing,
} from "../tasks/mod.ts";
import { failure } from "./support/queues.ts";
import { settled } from "./support/settle.ts";
import { catchUncaught } from "./support/uncaught.ts";

/** Which worker runs each of so many tasks that are submitted at once. */
async function placed(strategy: Strategy, workers: number, count: number): Promise<number[]> {
  const pool = new WorkerPool({ workers, strategy });
  return await Promise.all(
    Array.from({ length: count }, () => pool.submit((_, worker) => worker)),
  );
}

/** Keeps all workers of a pool busy until it is opened; gives them in the order of their index. */
async function block(pool: WorkerPool): Promise<(() => Promise<void>)[]> {
  const gates: (() => void)[] = [];
  for (let i = 0; i < pool.size; i++) {
    void pool.submit((_, worker) => new Promise<void>((open) => gates[worker] = open));
  }
  await settled();
  return gates.map((open) => () => {
    open();
    return settled();
  });
}

Deno.test("128: round robin gives to each worker in turn", async () => {
  assertEquals(await placed(roundRobin(), 3, 7), [0, 1, 2, 0, 1, 2, 0]);
});

Deno.test("128: round robin keeps a task behind a long one, though others are idle", async () => {
  const pool = new WorkerPool({ workers: 2, strategy: roundRobin() });
  const [first, second] = await block(pool);
  const tasks = [1, 2, 3, 4].map((n) => pool.submit((_, worker) => [n, worker]));
  await second!();
  await settled();
  assertEquals([pool.waiting, pool.stats().workers.map(({ waiting }) => waiting)], [2, [2, 0]]);
  await first!();
  assertEquals(await Promise.all(tasks), [[1, 0], [2, 1], [3, 0], [4, 1]]);
});

Deno.test("128: central gives to the worker with the fewest that wait and run", async () => {
  const pool = new WorkerPool({ workers: 3, strategy: central() });
  const gates = await block(pool);
  const tasks = Array.from({ length: 9 }, () => pool.submit(() => {}));
  assertEquals(pool.stats().workers.map(({ waiting }) => waiting), [3, 3, 3]);
  await gates[1]!();
  await settled();
  const more = [1, 2, 3].map(() => pool.submit((_, worker) => worker));
  // Those who run, with three behind them, are more loaded than one with two.
  assertEquals(await Promise.all(more), [1, 1, 1]);
  await Promise.all([gates[0]!(), gates[2]!()]);
  await Promise.all(tasks);
});

Deno.test("128: weighted gives nine of ten to the first, evenly spread, and none for a weight of 0", async () => {
  const workers = await placed(weighted([90, 10, 0]), 3, 100);
  assertEquals([0, 1, 2].map((at) => workers.filter((one) => one === at).length), [90, 10, 0]);
  for (let i = 0; i < 100; i += 10) {
    assertEquals(workers.slice(i, i + 10).filter((one) => one === 1).length, 1);
  }
  assertThrows(() => weighted([0, 0]), RangeError);
  assertThrows(() => weighted([1, -1]), RangeError, "-1");
  assertThrows(() => weighted(["a" as unknown as number]), TypeError, '"a"');
  assertThrows(() => weighted(7 as unknown as number[]), TypeError, "7");
  const strategy = weighted([1, 1]);
  assertThrows(() => new WorkerPool({ workers: 3, strategy }), RangeError, "for 2 workers");
});

Deno.test("128: with a shared queue nothing waits while a worker is idle", async () => {
  const pool = new WorkerPool({ workers: 2, strategy: sharedQueue() });
  const [first, second] = await block(pool);
  const log: number[] = [];
  const tasks = [1, 2, 3, 4].map((n) => pool.submit(() => log.push(n)));
  await second!();
  await Promise.all(tasks);
  assertEquals([log, pool.waiting], [[1, 2, 3, 4], 0]);
  await first!();
});

Deno.test("114: the owner takes the newest of its tasks, a thief the oldest, and each runs once", async () => {
  const pool = new WorkerPool({ workers: 2, strategy: workStealing() });
  const [first, second] = await block(pool);
  const log: [number, number][] = [];
  // In turn: the even ones go to the first, the odd ones to the second.
  const tasks = [0, 1, 2, 3, 4, 5].map((n) => pool.submit((_, worker) => log.push([n, worker])));
  await second!();
  await Promise.all(tasks);
  // First its own, from the newest on; then those of the first, from the oldest on.
  assertEquals(log, [[5, 1], [3, 1], [1, 1], [0, 1], [2, 1], [4, 1]]);
  assertEquals(pool.stats().workers.map(({ stolen }) => stolen), [0, 3]);
  await first!();
});

Deno.test("114: stealing keeps to priorities within a worker's queue alone", async () => {
  const pool = new WorkerPool({ workers: 2, strategy: workStealing() });
  const [first, second] = await block(pool);
  const log: string[] = [];
  const submit = (name: string, priority: number): Promise<unknown> =>
    pool.submit(() => log.push(name), { priority });
  // In turn: a, c, e to the first worker; b, d, f to the second.
  const tasks = [
    submit("a", 9),
    submit("b", 1),
    submit("c", 8),
    submit("d", 2),
    submit("e", 8),
    submit("f", 2),
  ];
  await second!();
  await Promise.all(tasks);
  assertEquals(log, ["f", "d", "b", "a", "c", "e"]);
  await first!();
});

Deno.test("114: what a task submits goes to the queue of its own worker", async () => {
  const pool = new WorkerPool({ workers: 2, strategy: workStealing(), nested: "queue" });
  const [first, second] = await block(pool);
  const parent = pool.submit(async (_, worker) => {
    await Promise.resolve();
    void pool.submit(() => {});
    void pool.submit(() => {});
    return [worker, pool.stats().workers.map(({ waiting }) => waiting)];
  });
  await first!();
  const [worker, waiting] = await parent as [number, number[]];
  assertEquals([worker, waiting], [0, [2, 0]]);
  await second!();
  await pool.drain();
});

Deno.test("128: a strategy of the user's decides, and a wrong answer settles the task", async () => {
  const first: Strategy = { name: "last", place: (workers) => workers.length - 1 };
  assertEquals(await placed(first, 3, 2), [2, 2]);
  const answers: unknown[] = [3, -1, NaN, 0.5, undefined];
  for (const answer of answers) {
    const wrong: Strategy = { name: "wrong", place: () => answer as number };
    const pool = new WorkerPool({ workers: 3, strategy: wrong });
    await assertRejects(() => pool.submit(() => 1), RangeError, String(answer));
    await pool.drain();
  }
  const error = new Error("no idea");
  const broken: Strategy = {
    name: "broken",
    place: () => {
      throw error;
    },
  };
  const pool = new WorkerPool({ workers: 1, strategy: broken });
  assertEquals(await failure(pool.submit(() => 1)), error);
});

Deno.test("128: stats tell what each worker has run, what waits, and how busy it was", async () => {
  const pool = new WorkerPool({ workers: 2, strategy: roundRobin() });
  await Promise.all([1, 2, 3].map(() => pool.submit(() => {})));
  const stats = pool.stats();
  assertEquals([stats.strategy, stats.running, stats.waiting], ["round robin", 0, 0]);
  assertEquals([stats.fulfilled, stats.rejected], [3, 0]);
  assertEquals(stats.workers.map(({ run, stolen, waiting }) => [run, stolen, waiting]), [
    [2, 0, 0],
    [1, 0, 0],
  ]);
  assert(stats.workers.every(({ busy }) => busy >= 0 && busy <= 1));
});

// ---- 112: tasks that submit tasks ----

Deno.test("112: a nested submit that could never run is refused, and told", async () => {
  for (const strategy of [sharedQueue, roundRobin, workStealing, central]) {
    const pool = new WorkerPool({ workers: 1, strategy: strategy(), name: "outer" });
    const error = await failure(pool.submit(async () => {
      await Promise.resolve();
      return await pool.submit(() => 1);
    }));
    assertInstanceOf(error, DeadlockError);
    assert(error.message.includes('the pool "outer" is full of tasks'), error.message);
    assert(error.message.includes('nested: "inline"'), error.message);
    assertEquals([await pool.submit(() => "goes on"), pool.waiting], ["goes on", 0]);
  }
});

Deno.test("112: nested submits are fine while a worker is free for them", async () => {
  const pool = new WorkerPool({ workers: 2 });
  assertEquals(await pool.submit(() => pool.submit(() => 2)), 2);
  // Three deep is one too many for two.
  const deep = pool.submit(() => pool.submit(() => pool.submit(() => 3)));
  assertInstanceOf(await failure(deep), DeadlockError);
});

Deno.test("112: two tasks that wait for nested ones: the second is refused, and the first goes on", async () => {
  const pool = new WorkerPool({ workers: 2 });
  const both = await Promise.allSettled([1, 2].map((n) =>
    pool.submit(async () => {
      await settled();
      return await pool.submit(() => n);
    })
  ));
  assertEquals(both.map(({ status }) => status), ["fulfilled", "rejected"]);
});

Deno.test("112: a task that does not wait any more for what it has submitted does not count", async () => {
  const pool = new WorkerPool({ workers: 2 });
  const { promise, resolve } = Promise.withResolvers<void>();
  const first = pool.submit(async () => {
    const given = await pool.submit(() => 1);
    await promise;
    return given;
  });
  await settled();
  // This one runs with the last free worker, and waits for one that the first will make room for.
  const second = pool.submit(() => pool.submit(() => 2));
  await settled();
  resolve();
  assertEquals(await Promise.all([first, second]), [1, 2]);
});

Deno.test("112: by way of another pool it is seen, too", async () => {
  const [one, two] = [new WorkerPool({ workers: 1 }), new WorkerPool({ workers: 1 })];
  const around = one.submit(() => two.submit(() => one.submit(() => 1)));
  assertInstanceOf(await failure(around), DeadlockError);
});

Deno.test("112: a pool that does not watch does not pass for a part of the task that woke it", async () => {
  const watched = new WorkerPool({ workers: 1 });
  const quiet = new WorkerPool({ workers: 1, nested: "queue" });
  const { promise, resolve } = Promise.withResolvers<void>();
  // The task of the watched pool wakes the worker that runs the other's jobs.
  const first = watched.submit(() => quiet.submit(() => promise));
  await settled();
  const second = quiet.submit(() => void watched.submit(() => {}));
  resolve();
  await Promise.all([first, second]);
  await watched.drain();
  assertEquals(watched.stats().rejected, 0);
});

Deno.test("112, 128: with queues of their own a nested task is not put behind one that waits", async () => {
  const pool = new WorkerPool({ workers: 2, strategy: roundRobin() });
  const parents = [1, 2, 3, 4].map((n) =>
    pool.submit(async (_, worker) => {
      // In turn, each would come to the queue of a worker whose job waits for it.
      return n % 2 === 1 ? [worker, await pool.submit(() => n)] : [worker, n];
    })
  );
  assertEquals(await Promise.all(parents), [[0, 1], [1, 2], [0, 3], [1, 4]]);
});

Deno.test('112: with "inline" a nested task runs beside its parent', async () => {
  const pool = new WorkerPool({ workers: 1, nested: "inline" });
  assertEquals(await pool.submit(() => pool.submit((_, worker) => worker)), -1);
  assertEquals(await pool.submit(() => pool.submit(() => pool.submit(() => 3))), 3);
  await pool.drain();
  assertEquals([pool.running, pool.waiting], [0, 0]);
});

Deno.test('112: with "queue" tasks that do not wait for what they submit may submit at will', async () => {
  const pool = new WorkerPool({ workers: 1, nested: "queue" });
  const log: number[] = [];
  const crawl = (n: number): void => {
    log.push(n);
    if (n < 5) void pool.submit(() => crawl(n + 1));
  };
  await pool.submit(() => crawl(0));
  await pool.drain();
  assertEquals(log, [0, 1, 2, 3, 4, 5]);
});

Deno.test("112: what a task leaves behind is no nested submit once it has ended", async () => {
  const pool = new WorkerPool({ workers: 1 });
  const later = Promise.withResolvers<number>();
  await pool.submit(() => {
    setTimeout(() => pool.submit(() => 7).then(later.resolve, later.reject));
  });
  const busy = pool.submit(() => later.promise.catch(() => 0));
  // The pool is full by then, but nobody waits for that task within it, as far as is known.
  assertEquals(await Promise.race([busy, settled().then(() => "waits")]), "waits");
  pool.resize(2);
  assertEquals([await later.promise, await busy], [7, 7]);
});

Deno.test("128: what `victim` throws is an uncaught error, and no task is lost", async () => {
  const strategy: Strategy = {
    name: "bad thief",
    place: () => 0,
    victim: () => 9,
  };
  const pool = new WorkerPool({ workers: 2, strategy });
  using uncaught = catchUncaught();
  assertEquals(await Promise.all([1, 2, 3].map((n) => pool.submit(() => n))), [1, 2, 3]);
  await settled();
  const { errors } = uncaught;
  assert(errors.length > 0 && errors.every((error) => error instanceof RangeError));
});
