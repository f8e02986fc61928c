import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  central,
  type Job,
  roundRobin,
  sharedQueue,
  type Strategy,
  weighted,
  type WorkerLoad,
  WorkerPool,
  type WorkerPoolOptions,
  workStealing,
} from "../tasks/mod.ts";
import { fakeClock } from "./support/clock.ts";
import { HeldJob, heldJobs } from "./support/held_job.ts";
import { settled, state } from "./support/settle.ts";
import { catchUncaught } from "./support/uncaught.ts";

const idle: WorkerLoad = { waiting: 0, running: false };

/** How many tasks wait in each worker's queue. */
function queues(pool: WorkerPool): number[] {
  return pool.stats().workers.map(({ waiting }) => waiting);
}

/** A pool of which each worker runs a job that goes on until it is told to end. */
async function busyPool(options: WorkerPoolOptions & { workers: number }) {
  const pool = new WorkerPool(options);
  const jobs = heldJobs(options.workers);
  for (const { job } of jobs) void pool.submit(job);
  await settled();
  return { pool, jobs };
}

// ---- 114: work stealing ----

Deno.test("114: the owner takes the newest of its queue, whoever steals the oldest of the longest", async () => {
  const order: Record<string, string[]> = { owner: [], thief: [] };
  const place = [0, 1, 0, 0, 0, 0];
  const strategy: Strategy = { ...workStealing(), place: () => place.shift()! };
  const { pool, jobs } = await busyPool({ workers: 2, strategy });
  const gates = heldJobs(4);
  const who = () => pool.stats().workers[0]!.run;
  for (const [i, { job }] of gates.entries()) {
    void pool.submit((ctx) => {
      order[who() > 1 && jobs[0]!.runs > 0 && ends.owner ? "owner" : "thief"]!.push(`${i}`);
      return job(ctx);
    });
  }
  const ends = { owner: false };
  assertEquals(queues(pool), [4, 0]);
  // Worker 1 has nothing of its own: it takes the oldest of worker 0.
  jobs[1]!.end();
  await settled();
  assertEquals([queues(pool), order.thief], [[3, 0], ["0"]]);
  ends.owner = true;
  jobs[0]!.end();
  await settled();
  assertEquals([queues(pool), order.owner], [[2, 0], ["3"]]);
  gates[3]!.end();
  await settled();
  assertEquals(order.owner, ["3", "2"]);
  assertEquals(pool.stats().workers.map(({ run, stolen }) => [run, stolen]), [[3, 0], [2, 1]]);
  gates[0]!.end();
  gates[1]!.end();
  gates[2]!.end();
  await pool.shutdown();
  assertEquals(pool.stats().workers.map(({ stolen }) => stolen), [0, 2]);
});

Deno.test("114: every task runs exactly once, however they are spread and stolen", async () => {
  await using pool = new WorkerPool({ workers: 4, strategy: workStealing() });
  const runs = new Array<number>(500).fill(0);
  const work = runs.map((_, i) =>
    pool.submit(async () => {
      runs[i]!++;
      for (let turns = i % 4; turns > 0; turns--) await settled();
    })
  );
  await Promise.all(work);
  assertEquals(runs.every((count) => count === 1), true);
  const { workers } = pool.stats();
  assertEquals(workers.reduce((sum, { run }) => sum + run, 0), 500);
});

Deno.test("114: the longest queue is robbed, and an idle worker steals as soon as something comes", async () => {
  const places = [0, 1, 2, 0, 1, 1];
  const strategy: Strategy = { ...workStealing(), place: () => places.shift() ?? 0 };
  const { pool, jobs } = await busyPool({ workers: 3, strategy });
  const gates = heldJobs(3);
  for (const { job } of gates) void pool.submit(job);
  assertEquals(queues(pool), [1, 2, 0]);
  jobs[2]!.end();
  await settled();
  assertEquals([queues(pool), gates.map(({ runs }) => runs)], [[1, 1, 0], [0, 1, 0]]);
  gates[1]!.end();
  await settled();
  for (const gate of gates) gate.end();
  await settled();
  assertEquals(queues(pool), [0, 0, 0]);
  // Worker 2 is idle now.
  let stolen = false;
  void pool.submit(() => void (stolen = true));
  await settled();
  assertEquals([stolen, queues(pool)], [true, [0, 0, 0]]);
  jobs[0]!.end();
  jobs[1]!.end();
  await pool.shutdown();
});

Deno.test("114: a thief takes from none that is shorter than another, and from any of the longest", () => {
  const { victim } = workStealing();
  const loads = [1, 3, 0, 3].map((waiting) => ({ waiting, running: true }));
  const robbed = new Set(Array.from({ length: 100 }, () => victim!(loads, 2)));
  assertEquals(robbed, new Set([1, 3]));
  assertEquals(victim!([idle, idle], 0), undefined);
});

Deno.test("114: no task waits while a worker is idle", async () => {
  await using pool = new WorkerPool({ workers: 4, strategy: workStealing() });
  const jobs = heldJobs(40);
  for (const { job } of jobs) void pool.submit(job);
  await settled();
  for (const job of jobs.toSorted(() => 0)) {
    assert(pool.waiting === 0 || pool.running === pool.size);
    job.end();
    await settled();
  }
});

Deno.test("114: what a task submits goes to the queue of its worker, other tasks to each in turn", async () => {
  const { pool, jobs } = await busyPool({ workers: 3, strategy: workStealing() });
  const nested = heldJobs(2);
  const gate = new HeldJob();
  void pool.submit(async (ctx) => {
    await gate.job(ctx);
    for (const { job } of nested) void pool.submit(job);
    await gate.job(ctx);
  });
  jobs[1]!.end();
  await settled();
  assertEquals(queues(pool), [0, 0, 0]);
  gate.end();
  await settled();
  assertEquals(queues(pool), [0, 2, 0]);
  for (let i = 0; i < 3; i++) void pool.submit(() => {});
  assertEquals(queues(pool).toSorted(), [1, 1, 3]);
  gate.end();
  for (const job of [...jobs, ...nested]) job.end();
  await pool.shutdown();
});

Deno.test("114: priorities hold within each worker's queue, for owner and thief, not across", async () => {
  const places = [0, 1, 0, 0, 0, 1];
  const strategy: Strategy = { ...workStealing(), place: () => places.shift()! };
  const { pool, jobs } = await busyPool({ workers: 2, strategy });
  const started: string[] = [];
  const submit = (name: string, priority: number) =>
    void pool.submit(() => void started.push(name), { priority });
  submit("high", 2);
  submit("low", 1);
  submit("high, newer", 2);
  submit("highest, of another", 3);
  // Worker 0 does its own, newest first among the highest, and then robs worker 1.
  jobs[0]!.end();
  await settled();
  assertEquals(started, ["high, newer", "high", "low", "highest, of another"]);
  assertEquals(pool.stats().workers.map(({ stolen }) => stolen), [1, 0]);
  jobs[1]!.end();
  await pool.shutdown();
});

// ---- 128: the other strategies ----

Deno.test("128: the shared queue starts all tasks in their order, and has no queues of workers", async () => {
  await using pool = new WorkerPool({ workers: 2, strategy: sharedQueue() });
  const started: number[] = [];
  for (let i = 0; i < 10; i++) {
    void pool.submit(async () => {
      started.push(i);
      await settled();
    });
  }
  assertEquals([queues(pool), pool.waiting], [[0, 0], 10]);
  await pool.drain();
  assertEquals(started, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

Deno.test("128: round robin gives to each in turn; a task behind a long one waits beside idle workers", async () => {
  const { pool, jobs } = await busyPool({ workers: 3, strategy: roundRobin() });
  for (let i = 0; i < 7; i++) void pool.submit(() => {});
  assertEquals(queues(pool), [3, 2, 2]);
  jobs[1]!.end();
  jobs[2]!.end();
  await settled();
  assertEquals([queues(pool), pool.running], [[3, 0, 0], 1]);
  jobs[0]!.end();
  await pool.shutdown();
});

Deno.test("128: round robin's workers take their oldest first, and urgent ones before that", async () => {
  const { pool, jobs } = await busyPool({ workers: 1, strategy: roundRobin() });
  const started: string[] = [];
  for (const [name, priority] of [["a", 0], ["b", 0], ["c", 1]] as const) {
    void pool.submit(() => void started.push(name), { priority });
  }
  jobs[0]!.end();
  await pool.shutdown();
  assertEquals(started, ["c", "a", "b"]);
});

Deno.test("128: central gives to the least loaded, what runs counting as what waits", async () => {
  await using pool = new WorkerPool({ workers: 3, strategy: central() });
  const jobs = heldJobs(9);
  for (const { job } of jobs) void pool.submit(job);
  assertEquals(queues(pool), [3, 3, 3]);
  await settled();
  assertEquals(queues(pool), [2, 2, 2]);
  jobs.find(({ runs }) => runs > 0)!.end();
  await settled();
  const before = queues(pool);
  const least = before.indexOf(1);
  void pool.submit(() => {});
  assertEquals(queues(pool)[least], 2);
  for (const job of jobs) job.end();
});

Deno.test("128: of several that are as little loaded central takes any", () => {
  const strategy = central();
  const counts = [0, 0, 0, 0];
  const loads = [{ waiting: 1, running: true }, idle, { waiting: 0, running: true }, idle];
  for (let i = 0; i < 1_000; i++) counts[strategy.place(loads, undefined)]!++;
  assertEquals([counts[0], counts[2]], [0, 0]);
  assert(counts[1]! > 350 && counts[3]! > 350, String(counts));
});

Deno.test("128: weighted keeps to its shares, smoothly, and gives nothing where the weight is 0", () => {
  const place = (weights: number[], count: number) => {
    const strategy = weighted(weights);
    const loads = weights.map(() => idle);
    return Array.from({ length: count }, () => strategy.place(loads, undefined));
  };
  const many = place([90, 10], 1_000);
  assertEquals(many.filter((at) => at === 0).length, 900);
  // Every ten of them have one for the other.
  for (let i = 0; i < 1_000; i += 10) {
    assertEquals(many.slice(i, i + 10).filter((at) => at === 1).length, 1);
  }
  assertEquals(new Set(place([0, 1, 0], 100)), new Set([1]));
  const three = place([0.5, 0.25, 0.25], 8);
  assertEquals([0, 1, 2].map((at) => three.filter((each) => each === at).length), [4, 2, 2]);
});

Deno.test("128: weighted spreads a pool's tasks so", async () => {
  await using pool = new WorkerPool({ workers: 2, strategy: weighted([3, 1]) });
  for (let i = 0; i < 8; i++) void pool.submit(() => {});
  assertEquals(queues(pool), [6, 2]);
});

Deno.test("128, R17: what are no weights is told, and so is a pool of another size", () => {
  const wrong: [unknown, typeof Error, string][] = [
    [undefined, TypeError, "weights must be a list of numbers, not undefined"],
    [[1, "2"], TypeError, 'a weight must be a number, not "2"'],
    [[1, NaN], RangeError, "a weight must be a number, not NaN"],
    [[1, -1], RangeError, "a weight must be a finite number of at least 0: -1"],
    [[Infinity], RangeError, "Infinity"],
    [[], RangeError, "at least one weight must be more than 0"],
    [[0, 0], RangeError, "at least one weight must be more than 0"],
  ];
  for (const [weights, type, message] of wrong) {
    assertThrows(() => weighted(weights as number[]), type, message);
  }
  const strategy = weighted([1, 1]);
  const message = 'strategy "weighted" is for 2 workers: 3';
  assertThrows(() => new WorkerPool({ workers: 3, strategy }), RangeError, message);
  const pool = new WorkerPool({ workers: 2, strategy });
  assertThrows(() => pool.resize(3), RangeError, message);
  pool.resize(2);
});

Deno.test("128: a strategy of one's own sees each worker's load, and who has submitted", async () => {
  const seen: unknown[] = [];
  const strategy: Strategy = {
    name: "mine",
    place(workers, from) {
      seen.push([workers.map(({ waiting, running }) => [waiting, running]), from]);
      return 1;
    },
  };
  await using pool = new WorkerPool({ workers: 2, strategy });
  assertEquals(pool.stats().strategy, "mine");
  const gate = new HeldJob();
  void pool.submit(async (ctx) => {
    await gate.job(ctx);
    void pool.submit(() => {});
  });
  await settled();
  void pool.submit(() => {});
  gate.end();
  await pool.drain();
  assertEquals(seen, [
    [[[0, false], [0, false]], undefined],
    [[[0, false], [0, true]], undefined],
    [[[0, false], [1, true]], 1],
  ]);
});

Deno.test("128: an answer that is no worker is a RangeError that settles the task, a throw settles it too", async () => {
  let answer: unknown = 0;
  const strategy: Strategy = {
    name: "odd",
    place() {
      if (answer instanceof Error) throw answer;
      return answer as number;
    },
  };
  await using pool = new WorkerPool({ workers: 2, strategy, capacity: 1 });
  for (answer of [2, -1, 0.5, NaN, undefined, null]) {
    await assertRejects(
      () => pool.submit(() => {}),
      RangeError,
      `place of strategy "odd" must give the index of a worker, from 0 to 1: ${answer}`,
    );
  }
  answer = new Error("mine");
  await assertRejects(() => pool.submit(() => {}), Error, "mine");
  assertEquals([pool.waiting, pool.running], [0, 0]);
  // One who gets in later, and one for another attempt.
  answer = 0;
  const busy = new HeldJob();
  const tasks = [
    pool.submit(busy.job, { retry: { attempts: 2, delay: 0 } }),
    pool.submit(() => {}),
    pool.submit(() => {}),
    pool.submit(() => {}),
  ];
  await settled();
  assertEquals(pool.waiting, 3);
  for (const task of tasks) task.catch(() => {});
  answer = 9;
  busy.fail("flaky");
  const [flaky, in1, in2, outside] = tasks;
  await assertRejects(() => flaky!, RangeError);
  await assertRejects(() => outside!, RangeError);
  await Promise.all([in1, in2]);
  await pool.drain();
});

Deno.test("128: a victim that is no worker is an uncaught error, and the thief goes without", async () => {
  using uncaught = catchUncaught();
  let answer: unknown = 5;
  const strategy: Strategy = { name: "odd", place: () => 0, victim: () => answer as number };
  await using pool = new WorkerPool({ workers: 2, strategy });
  const [busy, next] = heldJobs(2);
  void pool.submit(busy!.job);
  void pool.submit(next!.job);
  await settled();
  assertEquals([pool.running, pool.waiting, uncaught.errors.length], [1, 1, 1]);
  assert(uncaught.errors[0] instanceof RangeError);
  answer = 0;
  void pool.submit(() => {});
  await settled();
  assertEquals(next!.runs, 1);
  busy!.end();
  next!.end();
});

// ---- 128: resize ----

const all: Readonly<Record<string, () => Strategy>> = {
  "shared queue": sharedQueue,
  "round robin": roundRobin,
  "work stealing": workStealing,
  "central": central,
};

for (const [name, strategy] of Object.entries(all)) {
  Deno.test(`128: more workers take what waits, fewer finish what they run: ${name}`, async () => {
    const { pool, jobs } = await busyPool({ workers: 2, strategy: strategy() });
    const gates = heldJobs(6);
    for (const { job } of gates) void pool.submit(job);
    await settled();
    pool.resize(1);
    assertEquals([pool.size, pool.running, pool.waiting], [1, 2, 6]);
    jobs[0]!.end();
    jobs[1]!.end();
    await settled();
    assertEquals([pool.running, pool.waiting], [1, 5]);
    pool.resize(4);
    for (const gate of gates) {
      await settled();
      assert(pool.running <= 4);
      gate.end();
    }
    await pool.drain();
    assertEquals([gates.every(({ runs }) => runs === 1), pool.size], [true, 4]);
    await pool.shutdown();
  });

  Deno.test(`128: a pool that shrinks and grows again has no more jobs than workers: ${name}`, async () => {
    const { pool, jobs } = await busyPool({ workers: 3, strategy: strategy() });
    jobs[1]!.end();
    await settled();
    pool.resize(1);
    const gates = heldJobs(4);
    for (const { job } of gates) void pool.submit(job);
    pool.resize(2);
    await settled();
    assertEquals([pool.size, pool.running], [2, 2]);
    pool.resize(3);
    await settled();
    assert(pool.running <= 3);
    for (const job of [...jobs, ...gates]) job.end();
    await pool.shutdown();
    assertEquals(gates.every(({ runs }) => runs === 1), true);
  });
}

Deno.test("128: idle workers are taken off first, so that those who stay start none beside busy ones", async () => {
  const { pool, jobs } = await busyPool({ workers: 4 });
  jobs[0]!.end();
  jobs[2]!.end();
  await settled();
  pool.resize(2);
  const gates = heldJobs(2);
  for (const { job } of gates) void pool.submit(job);
  await settled();
  assertEquals([pool.running, pool.waiting], [2, 2]);
  assertEquals(pool.stats().workers.map(({ running }) => running), [true, true]);
  for (const job of [...jobs, ...gates]) job.end();
  await pool.shutdown();
});

Deno.test("128: with fewer workers the next task starts when fewer jobs run, whichever end first", async () => {
  for (const strategy of [sharedQueue(), roundRobin(), workStealing()]) {
    for (const order of [[0, 1, 2], [2, 1, 0], [1, 2, 0]]) {
      const { pool, jobs } = await busyPool({ workers: 3, strategy });
      pool.resize(1);
      const gates = heldJobs(2);
      for (const { job } of gates) void pool.submit(job);
      const seen: number[] = [];
      for (const i of order) {
        jobs[i]!.end();
        await settled();
        seen.push(pool.running);
      }
      assertEquals([seen, gates.map(({ runs }) => runs).toSorted()], [[2, 1, 1], [0, 1]]);
      assertEquals(pool.stats().workers.map(({ running }) => running), [true]);
      for (const gate of gates) gate.end();
      await settled();
      for (const gate of gates) gate.end();
      await pool.shutdown();
      assertEquals(gates.map(({ runs }) => runs), [1, 1]);
    }
  }
});

Deno.test("128: tasks of a worker that is taken off go to the others, with their priorities", async () => {
  const { pool, jobs } = await busyPool({ workers: 2, strategy: roundRobin() });
  const started: string[] = [];
  for (const [name, priority] of [["a", 0], ["b", 1], ["c", 0], ["d", 2]] as const) {
    void pool.submit(() => void started.push(name), { priority });
  }
  assertEquals(queues(pool), [2, 2]);
  pool.resize(1);
  assertEquals([queues(pool), pool.waiting], [[4], 4]);
  // It is the other worker that leaves, since its job ends first.
  jobs[0]!.end();
  await settled();
  assertEquals([queues(pool), started], [[4], []]);
  jobs[1]!.end();
  await settled();
  assertEquals(started, ["d", "b", "a", "c"]);
  await pool.shutdown();
});

Deno.test("128: a pool that grows has room at once", async () => {
  const { pool, jobs } = await busyPool({ workers: 1, capacity: 0, strategy: central() });
  const room = pool.room();
  const outside = new HeldJob();
  void pool.submit(outside.job);
  assertEquals([pool.full, await state(room)], [true, "pending"]);
  pool.resize(3);
  await room;
  await settled();
  assertEquals([outside.runs, pool.full], [1, false]);
  outside.end();
  jobs[0]!.end();
  await pool.shutdown();
});

// ---- 128: statistics ----

Deno.test("128: statistics tell what waits, runs and has ended, and what each worker has done", async () => {
  using clock = fakeClock();
  const pool = new WorkerPool({ workers: 2, capacity: 1 });
  const [busy] = heldJobs(1);
  const fails: Job<void> = () => Promise.reject("failed");
  void pool.submit(busy!.job);
  await clock.tick();
  await pool.submit(() => {});
  await pool.submit(fails).catch(() => {});
  pool.submit(fails, { retry: { attempts: 2, delay: 0 } }).catch(() => {});
  await clock.tick(100);
  const later = pool.submit(fails, { retry: { attempts: 2, delay: 1_000 } });
  later.catch(() => {});
  await clock.tick();
  const { strategy, running, waiting, fulfilled, rejected, workers } = pool.stats();
  assertEquals([strategy, running, waiting], ["shared queue", 1, 1]);
  assertEquals([fulfilled, rejected], [1, 2]);
  assertEquals(workers.map(({ running }) => running), [true, false]);
  assertEquals(workers.map(({ run, stolen }) => [run, stolen]), [[1, 0], [5, 0]]);
  const shares = workers.map(({ busy }) => Math.round(busy * 100));
  assertEquals(shares, [100, 0]);
  await clock.tick(1_000);
  busy!.end();
  await pool.shutdown();
  await assertRejects(() => pool.submit(() => {}));
  assertEquals([pool.stats().fulfilled, pool.stats().rejected], [2, 4]);
  await clock.tick(1_100);
  assertEquals(pool.stats().workers.map(({ busy }) => Math.round(busy * 100)), [50, 0]);
});

Deno.test("128: 20,000 priorities that are all cancelled leave nothing to be searched", async () => {
  const { pool, jobs } = await busyPool({ workers: 1 });
  let gone = 0;
  for (let round = 0; round < 20; round++) {
    const controller = new AbortController();
    const { signal } = controller;
    for (let i = 0; i < 1_000; i++) {
      const priority = -(round * 1_000 + i);
      pool.submit(() => {}, { priority, signal }).catch(() => gone++);
    }
    controller.abort("gone");
  }
  const started: number[] = [];
  for (const priority of [-5, 3, -30_000]) {
    void pool.submit(() => void started.push(priority), { priority });
  }
  jobs[0]!.end();
  await pool.shutdown();
  assertEquals([gone, started], [20_000, [3, -5, -30_000]]);
});
