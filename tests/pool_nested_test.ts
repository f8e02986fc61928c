import { assertEquals, assertRejects } from "@std/assert";
import { background, withCancel } from "../mod.ts";
import {
  central,
  DeadlockError,
  PriorityScheduler,
  roundRobin,
  sharedQueue,
  type Strategy,
  weighted,
  WorkerPool,
  workStealing,
} from "../tasks/mod.ts";
import { HeldJob, heldJobs } from "./support/held_job.ts";
import { settled, state } from "./support/settle.ts";

const WORKERS = 3;

const strategies: Readonly<Record<string, () => Strategy>> = {
  "shared queue": sharedQueue,
  "round robin": roundRobin,
  "work stealing": workStealing,
  "central": central,
  "weighted": () => weighted([1, 1, 1]),
  "weighted, to one": () => weighted([1, 0, 0]),
  "one's own": () => ({ name: "first", place: () => 0 }),
};

// ---- 112: who would wait for ever is told ----

Deno.test("112: a task that submits one to its own full pool, and waits for it, gets a DeadlockError", async () => {
  await using pool = new WorkerPool({ workers: 1, name: "imports" });
  const never = new HeldJob();
  const outer = pool.submit(() => pool.submit(never.job));
  await assertRejects(() => outer, DeadlockError, 'the pool "imports" is full of tasks that wait');
  assertEquals(never.runs, 0);
  assertEquals(await pool.submit(() => "goes on"), "goes on");
});

Deno.test("112: so it is after waits of all kinds between the two submits", async () => {
  await using pool = new WorkerPool({ workers: 1 });
  const outer = pool.submit(async () => {
    await settled();
    await new Promise<void>((resolve) => queueMicrotask(resolve));
    return await pool.submit(() => "never");
  });
  await assertRejects(() => outer, DeadlockError);
});

for (const [name, strategy] of Object.entries(strategies)) {
  Deno.test(`112: of as many nested ones as there are workers the last is told, and no other hangs: ${name}`, async () => {
    await using pool = new WorkerPool({ workers: WORKERS, strategy: strategy() });
    let depth = 0;
    const nest = async (): Promise<number> => {
      depth++;
      await settled();
      return 1 + await pool.submit(nest);
    };
    await assertRejects(() => pool.submit(nest), DeadlockError);
    assertEquals(depth, WORKERS);
  });

  Deno.test(`112: where a worker is free for them nested tasks run, on whichever worker: ${name}`, async () => {
    await using pool = new WorkerPool({ workers: WORKERS, strategy: strategy() });
    const leaf = async (n: number): Promise<number> => {
      await settled();
      return n;
    };
    const branch = async (n: number): Promise<number> => {
      const leaves = await Promise.all([1, 2, 3, 4].map((i) => pool.submit(() => leaf(n * i))));
      return leaves.reduce((sum, each) => sum + each);
    };
    for (let round = 0; round < 20; round++) {
      assertEquals(await Promise.all([1, 10].map((n) => pool.submit(() => branch(n)))), [10, 100]);
    }
  });

  Deno.test(`112: with "inline" trees of any depth and width end, and never a worker too many: ${name}`, async () => {
    const options = { workers: 2, strategy: strategy(), nested: "inline" } as const;
    await using pool = new WorkerPool({
      ...options,
      strategy: options.strategy.workers === undefined ? options.strategy : weighted([1, 0]),
    });
    const tree = async (depth: number): Promise<number> => {
      await settled();
      if (depth === 0) return 1;
      const branches = [0, 1, 2].map(() => pool.submit(() => tree(depth - 1)));
      return (await Promise.all(branches)).reduce((sum, each) => sum + each);
    };
    assertEquals(await pool.submit(() => tree(4)), 81);
    assertEquals([pool.running, pool.waiting, pool.size], [0, 0, 2]);
  });
}

Deno.test('112: with "inline" several tasks of a task that has the only worker all run', async () => {
  await using pool = new WorkerPool({ workers: 1, nested: "inline" });
  const got = await pool.submit(() => Promise.all([1, 2, 3].map((n) => pool.submit(() => n))));
  assertEquals(got, [1, 2, 3]);
});

Deno.test('112: with "inline" it runs at once beside its parent, and can be cancelled', async () => {
  await using pool = new WorkerPool({ workers: 1, nested: "inline" });
  using ctx = withCancel(background());
  const inner = new HeldJob();
  const outer = pool.submit(async () => {
    const nested = pool.submit(inner.job, ctx);
    assertEquals([inner.runs, pool.running], [1, 2]);
    return await nested;
  });
  const next = pool.submit(() => "next");
  await settled();
  ctx.cancel("enough");
  assertEquals(await outer.catch((error) => error), "enough");
  assertEquals(await next, "next");
  assertEquals([inner.ctx.cause, pool.running], ["enough", 1]);
  inner.end();
});

Deno.test('112: with "queue" nested tasks wait, for those who do not wait for them', async () => {
  await using pool = new WorkerPool({ workers: 1, nested: "queue" });
  const log: string[] = [];
  let inner: Promise<unknown> | undefined;
  await pool.submit(() => {
    inner = pool.submit(() => void log.push("inner"));
    log.push("outer");
  });
  await inner;
  assertEquals(log, ["outer", "inner"]);
});

Deno.test("112: the way through another pool is seen, whoever has set its workers going", async () => {
  await using pool = new WorkerPool({ workers: 1 });
  await using other = new WorkerPool({ workers: 1 });
  void other.submit(settled);
  const outer = pool.submit(() => other.submit(() => pool.submit(() => "never")));
  await assertRejects(() => outer, DeadlockError);
});

Deno.test("112: it is seen at the second attempt of what is between, too", async () => {
  await using pool = new WorkerPool({ workers: 1 });
  await using other = new WorkerPool({ workers: 1 });
  let attempts = 0;
  const inner = () => ++attempts === 1 ? Promise.reject("flaky") : pool.submit(() => "never");
  const when = (error: unknown) => error === "flaky";
  const outer = pool.submit(() => other.submit(inner, { retry: { attempts: 2, delay: 0, when } }));
  await assertRejects(() => outer, DeadlockError);
  assertEquals(attempts, 2);
});

// ---- 112: nobody else is told so ----

Deno.test("112: tasks that have no nested ones are waited for", async () => {
  await using pool = new WorkerPool({ workers: 2 });
  const busy = new HeldJob();
  void pool.submit(busy.job);
  const outer = pool.submit(() => pool.submit(() => "nested"));
  await settled();
  assertEquals([await state(outer), pool.waiting], ["pending", 1]);
  busy.end();
  assertEquals(await outer, "nested");
});

Deno.test("112: what is submitted from outside waits, however many nested ones there are", async () => {
  await using pool = new WorkerPool({ workers: 2 });
  const leaf = new HeldJob();
  const outer = pool.submit(() => pool.submit(leaf.job));
  await settled();
  const outside = pool.submit(() => "outside");
  assertEquals([pool.running, pool.waiting], [2, 1]);
  leaf.end();
  await outer;
  assertEquals(await outside, "outside");
});

Deno.test("112: a task that has ended waits for nothing: what it has set off comes from outside", async () => {
  await using pool = new WorkerPool({ workers: 1 });
  await using other = new WorkerPool({ workers: 2 });
  const [gate, between, busy] = heldJobs(3);
  const got: string[] = [];
  const submit = async (name: string) => void got.push(await pool.submit(() => name));
  await pool.submit(() => {
    void gate!.job(background()).then(() => submit("late"));
    // By way of one that has not ended yet.
    void other.submit(async (ctx) => {
      await between!.job(ctx);
      await submit("through");
    });
  });
  await settled();
  void pool.submit(busy!.job);
  gate!.end();
  between!.end();
  await settled();
  assertEquals([pool.waiting, got], [2, []]);
  busy!.end();
  await settled();
  assertEquals(got.toSorted(), ["late", "through"]);
});

Deno.test('112: what such a one submits is not run beside others with "inline"', async () => {
  await using pool = new WorkerPool({ workers: 1, nested: "inline" });
  await using other = new WorkerPool({ workers: 1 });
  const [between, inner] = heldJobs(2);
  let late: Promise<number> | undefined;
  await pool.submit(() => {
    void other.submit(async (ctx) => {
      await between!.job(ctx);
      late = pool.submit((_, worker) => worker);
    });
  });
  // Its only worker runs a task that waits for one of its own.
  const outer = pool.submit(() => pool.submit(inner!.job));
  await settled();
  between!.end();
  await settled();
  assertEquals([pool.running, pool.waiting], [2, 1]);
  inner!.end();
  await outer;
  assertEquals(await late, 0);
});

Deno.test("112: what such a one submits does not count ever after", async () => {
  await using pool = new WorkerPool({ workers: 2 });
  await using other = new WorkerPool({ workers: 1 });
  const [gate, busy] = heldJobs(2);
  await pool.submit(() => {
    void other.submit(async (ctx) => {
      await gate!.job(ctx);
      await pool.submit(() => {});
    });
  });
  await settled();
  gate!.end();
  await other.drain();
  void pool.submit(busy!.job);
  const waits = pool.submit(() => pool.submit(() => "waits"));
  assertEquals(await state(waits), "pending");
  busy!.end();
  assertEquals(await waits, "waits");
});

Deno.test("112: tasks of a scheduler are not taken for those of the task that set it going", async () => {
  await using pool = new WorkerPool({ workers: 1 });
  await using scheduler = new PriorityScheduler();
  const [long, first] = heldJobs(2);
  // This starts the scheduler's worker, in its own async context.
  const outer = pool.submit((ctx) => {
    scheduler.schedule(first!.job);
    return long!.job(ctx);
  });
  await settled();
  const { result } = scheduler.schedule(() => pool.submit(() => "from outside"));
  first!.end();
  assertEquals(await state(result), "pending");
  long!.end();
  await outer;
  assertEquals(await result, "from outside");
});

Deno.test("112: nested ones that are over do not count, whether they ended well or were cancelled", async () => {
  await using pool = new WorkerPool({ workers: 2 });
  const busy = new HeldJob();
  const held = new HeldJob();
  using ctx = withCancel(background());
  const outer = pool.submit(async () => {
    await pool.submit(() => "well");
    await pool.submit(() => Promise.reject("badly")).catch(() => {});
    void pool.submit(busy.job);
    const gone = pool.submit(() => {}, ctx);
    ctx.cancel();
    await gone.catch(() => {});
    busy.end();
    await settled();
    return await held.job(background());
  });
  await settled();
  // So the other worker's task may have one.
  const second = pool.submit(() => pool.submit(() => "nested"));
  await settled();
  assertEquals(await state(second), "pending");
  held.end();
  await outer;
  assertEquals(await second, "nested");
});

Deno.test("112: a worker that was taken off is none that nested tasks could wait for", async () => {
  await using pool = new WorkerPool({ workers: 2 });
  const busy = new HeldJob();
  const gate = new HeldJob();
  const outer = pool.submit(async () => {
    await gate.job(background());
    return await pool.submit(() => "never");
  });
  void pool.submit(busy.job);
  await settled();
  pool.resize(1);
  gate.end();
  await assertRejects(() => outer, DeadlockError);
  busy.end();
});

Deno.test("112: a paused pool, or one with idle workers, is not stuck", async () => {
  await using pool = new WorkerPool({ workers: 2 });
  const outer = pool.submit(() => {
    pool.pause();
    return pool.submit(() => "later");
  });
  assertEquals(await state(outer), "pending");
  pool.resume();
  assertEquals(await outer, "later");
});

Deno.test("112: who waits for room is seen as well", async () => {
  await using pool = new WorkerPool({ workers: 1, capacity: 0 });
  await assertRejects(() => pool.submit(() => pool.submit(() => {})), DeadlockError);
  await using two = new WorkerPool({ workers: 2, capacity: 0 });
  const busy = new HeldJob();
  void two.submit(busy.job);
  const outer = two.submit(() => two.submit(() => "in"));
  await settled();
  assertEquals([await state(outer), two.waiting], ["pending", 1]);
  busy.end();
  assertEquals(await outer, "in");
});

Deno.test("112: the error has a code, and is an Error by name", () => {
  const error = new DeadlockError("stuck");
  assertEquals([error.name, error.code], ["DeadlockError", "SLUICE_DEADLOCK"]);
});
