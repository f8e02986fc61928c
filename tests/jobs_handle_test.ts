/**
 * What the handle of a job queue does over an engine that fails, is slow, or gives nothing: the engine is
 * a stub that the test drives.
 *
 * @module
 */
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { codecOf } from "../jobs/codec.ts";
import type { Delivery, JobEngine, Verdict } from "../jobs/engine.ts";
import { JobHandle } from "../jobs/handle.ts";
import { settingsOf } from "../jobs/job_options.ts";
import { background, ClosedError, DeadlineExceededError, type Wait, withCancel } from "../mod.ts";
import { settled, state } from "./support/settle.ts";
import { spiedController } from "./support/spied_signal.ts";

class Handed implements Delivery {
  readonly id: string;
  readonly payload: string;
  readonly level = 0;
  readonly attempt: number;
  left = 1_000;

  constructor(n: number, attempt = 1, payload = `${n}`) {
    this.id = `job ${n}`;
    this.payload = payload;
    this.attempt = attempt;
  }

  timeLeft(): number {
    return this.left;
  }
}

/** What the test has not set is never asked for. */
class Stub implements JobEngine<Handed> {
  readonly log: string[] = [];
  onTake: (max: number, wait: Wait) => Promise<Handed[]> = unexpected;
  onSettle: (deliveries: readonly Handed[], verdict: Verdict) => Promise<boolean[]> = unexpected;
  onExtend: (delivery: Handed) => Promise<boolean> = unexpected;
  onPut: (wait: Wait) => Promise<boolean> = unexpected;

  put(_job: unknown, wait: Wait): Promise<boolean> {
    return this.onPut(wait);
  }
  take(_group: string, max: number, wait: Wait): Promise<Handed[]> {
    return this.onTake(max, wait);
  }
  settle(_group: string, deliveries: readonly Handed[], verdict: Verdict): Promise<boolean[]> {
    this.log.push(...deliveries.map(({ id }) => `${verdict.kind} ${id}`));
    return this.onSettle(deliveries, verdict);
  }
  extend(_group: string, delivery: Handed): Promise<boolean> {
    return this.onExtend(delivery);
  }
  close(): Promise<void> {
    this.log.push("closed");
    return Promise.resolve();
  }
  join = unexpected;
  stats = unexpected;
  buried = unexpected;
  findBuried = unexpected;
  revive = unexpected;
  removeBuried = unexpected;
}

function unexpected(): Promise<never> {
  throw new Error("nobody was to ask for this");
}

const kept = (deliveries: readonly unknown[]): Promise<boolean[]> =>
  Promise.resolve(deliveries.map(() => true));

function handle(options = {}): { engine: Stub; queue: JobHandle<number> } {
  const engine = new Stub();
  engine.onSettle = kept;
  const queue = new JobHandle<number>(engine, codecOf("json", undefined), settingsOf(options));
  return { engine, queue };
}

/** An engine that fails once, with this. */
function failing(error: unknown): (deliveries: readonly unknown[]) => Promise<boolean[]> {
  let failed = false;
  return (deliveries) => {
    if (failed) return kept(deliveries);
    failed = true;
    return Promise.reject(error);
  };
}

const disk = new Error("the disk is full");

Deno.test("160: if the engine cannot store it nothing is settled, and each call may be made again", async () => {
  for (const call of ["done", "retry", "reject"] as const) {
    const { engine, queue } = handle();
    engine.onTake = () => Promise.resolve([new Handed(1)]);
    engine.onSettle = failing(disk);
    const job = await queue.get();
    const [first, same] = [job.done(), job.done()];
    assertEquals(job.settled, true);
    assertStrictEquals(await first.catch((error) => error), disk);
    assertStrictEquals(await same.catch((error) => error), disk);
    assertEquals(job.settled, false);
    assertEquals(await job[call](), true);
    assertEquals(job.settled, true);
    await queue.close();
  }
});

Deno.test("161: after a done that failed the scope gives the job back; one that fails as it leaves is told", async () => {
  const { engine, queue } = handle();
  engine.onTake = () => Promise.resolve([new Handed(1)]);
  engine.onSettle = failing(disk);
  {
    await using job = await queue.get();
    await assertRejects(() => job.done(), Error, "disk");
  }
  assertEquals(engine.log, ["done job 1", "retry job 1"]);
  engine.onSettle = failing(disk);
  const job = await queue.get();
  const done = job.done();
  const left = Promise.resolve(job[Symbol.asyncDispose]());
  assertStrictEquals(await done.catch((error) => error), disk);
  assertStrictEquals(await left.catch((error) => error), disk);
  await queue.close();
});

Deno.test("162: if the engine cannot store it, none of doneMany is settled", async () => {
  const { engine, queue } = handle();
  engine.onTake = () => Promise.resolve([new Handed(1), new Handed(2)]);
  engine.onSettle = failing(disk);
  const jobs = await queue.getMany(2);
  const many = queue.doneMany(jobs);
  const one = jobs[1]!.done();
  assertEquals(jobs.map(({ settled }) => settled), [true, true]);
  assertStrictEquals(await many.catch((error) => error), disk);
  assertStrictEquals(await one.catch((error) => error), disk);
  assertEquals(jobs.map(({ settled }) => settled), [false, false]);
  assertEquals(await queue.doneMany(jobs), 2);
  await queue.close();
});

Deno.test("162: each of doneMany has its own result", async () => {
  const { engine, queue } = handle();
  engine.onTake = () => Promise.resolve([new Handed(1), new Handed(2), new Handed(3)]);
  engine.onSettle = () => Promise.resolve([true, false, true]);
  const jobs = await queue.getMany(3);
  assertEquals(await queue.doneMany(jobs), 2);
  assertEquals(await Promise.all(jobs.map((job) => job.done())), [true, false, true]);
  assertEquals(engine.log.length, 3);
  await queue.close();
});

Deno.test("156: an engine that gives nothing is asked again, with what is left of the timeout", async () => {
  const { engine, queue } = handle();
  const timeouts: unknown[] = [];
  engine.onTake = async (_, wait) => {
    timeouts.push((wait as { timeout?: number }).timeout);
    await new Promise((resolve) => setTimeout(resolve, 3));
    return timeouts.length < 3 ? [] : [new Handed(1)];
  };
  assertEquals((await queue.get({ timeout: 10_000 })).value, 1);
  const [first, second, third] = timeouts as number[];
  assertEquals(first, 10_000);
  assert(second! < 10_000 && second! > 9_000 && third! < second!);
  await queue.close();
});

Deno.test("159: those that are not to be seen are buried, also if that fails, and others are handed out", async () => {
  const { engine, queue } = handle({ maxAttempts: 2 });
  engine.onTake = () =>
    Promise.resolve([
      new Handed(1, 3),
      new Handed(2),
      new Handed(3, 1, "no JSON"),
      new Handed(4, 2),
    ]);
  const reasons: string[] = [];
  engine.onSettle = (_, verdict) => {
    reasons.push(verdict.kind === "bury" ? verdict.reason : "");
    return Promise.reject(disk);
  };
  const jobs = await queue.getMany(5);
  assert(reasons[0]!.includes("2 attempts") && reasons[1]!.includes("decoded: SyntaxError"));
  assertEquals(jobs.map(({ value }) => value), [2, 4]);
  assertEquals(engine.log, ["bury job 1", "bury job 3"]);
  engine.onSettle = kept;
  await queue.close();
});

Deno.test("168: a get that is ended while it buries does not ask the engine again", async () => {
  const { engine, queue } = handle({ maxAttempts: 1 });
  const ctx = withCancel(background());
  let asked = 0;
  engine.onTake = () => Promise.resolve(asked++ === 0 ? [new Handed(1, 2)] : [new Handed(2)]);
  engine.onSettle = (deliveries) => {
    ctx.cancel("enough");
    return kept(deliveries);
  };
  assertStrictEquals(await queue.get(ctx).catch((error) => error), "enough");
  assertEquals(asked, 1);
  engine.onSettle = kept;
  await queue.close();
});

Deno.test("165: what the engine gives after close has begun is given back before the engine is let go", async () => {
  const { engine, queue } = handle();
  const taken = Promise.withResolvers<Handed[]>();
  engine.onTake = () => taken.promise;
  const get = queue.get();
  const closing = queue.close();
  assertEquals([await state(closing), engine.log], ["pending", []]);
  taken.resolve([new Handed(1)]);
  const outcome = await get.then((job) => job.settled, (error) => error instanceof ClosedError);
  await closing;
  assertEquals([outcome, engine.log], [outcome, ["retry job 1", "closed"]]);
});

Deno.test("165: close waits for what was called, and does not ask for it twice", async () => {
  const { engine, queue } = handle();
  engine.onTake = () => Promise.resolve([new Handed(1), new Handed(2)]);
  const [one, two] = await queue.getMany(2);
  const stored = Promise.withResolvers<boolean[]>();
  engine.onSettle = () => stored.promise;
  engine.onExtend = () => stored.promise.then(() => true);
  const done = one!.done();
  const extended = two!.extend();
  const closing = queue.close();
  assertEquals(await state(closing), "pending");
  engine.onSettle = kept;
  stored.resolve([true]);
  await closing;
  assertEquals([await done, await extended], [true, true]);
  assertEquals(engine.log, ["done job 1", "retry job 2", "closed"]);
});

Deno.test("165: a handle closes also if leases cannot be given back, or run out", async () => {
  const { engine, queue } = handle();
  const handed = [new Handed(1), new Handed(2)];
  engine.onTake = () => Promise.resolve(handed);
  const jobs = await queue.getMany(2);
  handed[1]!.left = 0;
  engine.onSettle = failing(disk);
  await queue.close();
  assertEquals(engine.log, ["retry job 1", "closed"]);
  assert(jobs.every(({ settled }) => settled));
  for (const job of jobs) {
    assertEquals([await job.done(), await job.extend(), await job.reject()], [false, false, false]);
    await job[Symbol.asyncDispose]();
  }
  assertEquals(await queue.doneMany(jobs), 0);
  assertEquals(engine.log.length, 2);
});

Deno.test("165: leases that have run out are forgotten when there are many, and are dead after close, too", async () => {
  const { engine, queue } = handle();
  const handed: Handed[] = [];
  engine.onTake = (max) => {
    const batch = Array.from({ length: max }, (_, n) => new Handed(handed.length + n));
    handed.push(...batch);
    return Promise.resolve(batch);
  };
  engine.onExtend = () => Promise.resolve(true);
  const jobs = await queue.getMany(1_000);
  for (const delivery of handed) delivery.left = 0;
  jobs.push(...await queue.getMany(500));
  // Late, as any.
  assertEquals([await jobs[0]!.done(), await jobs[1]!.extend()], [true, true]);
  engine.log.length = 0;
  await queue.close();
  assertEquals(engine.log.length, 501);
  assert(jobs.every(({ settled }) => settled));
  assertEquals([await jobs[2]!.done(), await jobs[3]!.extend()], [false, false]);
  await jobs[4]!.retry();
  assertEquals(engine.log.at(-1), "closed");
});

Deno.test("155: of puts of one id the first goes on as it is, and what becomes of it is told to the others", async () => {
  const { engine, queue } = handle();
  const waits: { wait: Wait; resolve(stored: boolean): void }[] = [];
  engine.onPut = (wait) =>
    new Promise((resolve, reject) => {
      waits.push({ wait, resolve });
      const ctx = "ctx" in wait ? wait.ctx! : wait as { signal: AbortSignal };
      ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason));
    });
  const ctx = withCancel(background());
  const one = { dedupeId: "one" };
  const puts = [
    queue.put(1, one),
    queue.put(2, { ...one, timeout: 7 }),
    queue.put(3, { ...one, ctx }),
  ];
  const other = queue.put(4, { dedupeId: "two" });
  await settled();
  assertEquals((waits[1]!.wait as { timeout: number }).timeout, 7);
  ctx.cancel("enough");
  assertStrictEquals(await puts[2]!.catch((error) => error), "enough");
  assertEquals(await state(Promise.race([puts[0], puts[1], other])), "pending");
  waits[0]!.resolve(true);
  assertEquals((await puts[0]!).duplicate, false);
  assertEquals((await puts[1]!).duplicate, true);
  assertEquals(await state(other), "pending");
  // Nothing is remembered here: the engine knows.
  const late = queue.put(5, one);
  await settled();
  assertStrictEquals(waits[4]!.wait, queue.life);
  waits[4]!.resolve(false);
  assertEquals((await late).duplicate, true);
  const closing = queue.close();
  await assertRejects(() => other, ClosedError);
  await closing;
});

Deno.test("165: what ends a put while the handle closes is what its caller sees", async () => {
  const { engine, queue } = handle();
  const put = Promise.withResolvers<boolean>();
  engine.onPut = () => put.promise;
  const waiting = queue.put(1);
  const closing = queue.close();
  put.reject(disk);
  assertStrictEquals(await waiting.catch((error) => error), disk);
  await closing;
});

Deno.test("165: whoever hears of the end finds it closed", async () => {
  const { queue } = handle();
  const seen: boolean[] = [];
  queue.life.signal.addEventListener("abort", () => seen.push(queue.closed));
  await queue.close();
  assertEquals(seen, [true]);
});

Deno.test("165, 167: the leases of views are given back before the engine is let go", async () => {
  const { engine, queue } = handle({ groups: ["one", "two"] });
  engine.onTake = () => Promise.resolve([new Handed(1)]);
  const view = queue.forGroup("two");
  await view.get();
  const stored = Promise.withResolvers<boolean[]>();
  engine.onSettle = () => stored.promise;
  const closing = queue.close();
  await settled();
  assertEquals(engine.log, ["retry job 1"]);
  stored.resolve([true]);
  await closing;
  assertEquals(engine.log, ["retry job 1", "closed"]);
});

Deno.test("162: doneMany of none does not ask the engine", async () => {
  const { engine, queue } = handle();
  engine.onSettle = unexpected;
  assertEquals(await queue.doneMany([]), 0);
  assertEquals(engine.log, []);
  await queue.close();
});

Deno.test("155, 168: a put that waits for its twin leaves no listener, whatever becomes of it", async () => {
  const { engine, queue } = handle();
  const answers: ((stored: boolean) => void)[] = [];
  engine.onPut = () => new Promise((resolve) => answers.push(resolve));
  for (let round = 0; round < 3; round++) {
    const controller = spiedController();
    const first = queue.put(1, { dedupeId: "one" });
    const second = queue.put(2, { dedupeId: "one", signal: controller.signal });
    await settled();
    assertEquals(controller.listeners, 1);
    answers.at(-1)!(false);
    assertEquals((await second).duplicate, true);
    assertEquals(controller.listeners, 0);
    answers.at(-2)!(true);
    await first;
  }
  await queue.close();
});

Deno.test("173: what the engine throws is what the caller sees, and others wait on", async () => {
  const { engine, queue } = handle();
  engine.onPut = () => Promise.reject(disk);
  assertStrictEquals(await queue.put(1).catch((error) => error), disk);
  engine.onTake = () => Promise.reject(disk);
  assertStrictEquals(await queue.get().catch((error) => error), disk);
  const own = new ClosedError("the user's");
  const ctx = withCancel(background());
  engine.onPut = (wait) =>
    new Promise((_, reject) => {
      const { signal } = wait as { signal: AbortSignal };
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  const put = queue.put(1, ctx);
  await settled();
  ctx.cancel(own);
  assertStrictEquals(await put.catch((error) => error), own);
  await queue.close();
});

Deno.test("168: a caller who stops waiting for an answer does not stop what he asked for", async () => {
  const { engine, queue } = handle();
  engine.onTake = () => Promise.resolve([new Handed(1)]);
  const job = await queue.get();
  const stored = Promise.withResolvers<boolean[]>();
  engine.onSettle = () => stored.promise;
  await assertRejects(() => job.done({ timeout: 2 }), DeadlineExceededError);
  assertEquals(job.settled, true);
  // With a timeout of 0 he waits for the answer, which is his one try.
  const again = job.done({ timeout: 0 });
  assertEquals(await state(again), "pending");
  stored.resolve([true]);
  assertEquals(await again, true);
  await queue.close();
});
