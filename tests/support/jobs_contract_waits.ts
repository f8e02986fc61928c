/**
 * The contract of job queues: how waiting calls end early, and that they leave nothing behind.
 *
 * @module
 */
import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { background, DeadlineExceededError, type Wait, withCancel } from "../../mod.ts";
import type { JobLease, JobQueue } from "../../jobs/mod.ts";
import { comeBack, drained, type JobWorld, statsAre } from "./job_engines.ts";
import type { Law } from "./jobs_contract.ts";
import { spiedController } from "./spied_signal.ts";

/** A call that waits on a queue of capacity 1, and what is to be done before it does. */
interface WaitingCall {
  /** Whether the queue is full, and has a dead letter "dead", before the call. */
  readonly full: boolean;
  call(queue: JobQueue<string>, wait?: Wait): Promise<unknown>;
}

const calls: Readonly<Record<string, WaitingCall>> = {
  get: { full: false, call: (queue, wait) => queue.get(wait) },
  getMany: { full: false, call: (queue, wait) => queue.getMany(5, wait) },
  put: { full: true, call: (queue, wait) => queue.put("late", wait) },
  "a named put": {
    full: true,
    call(queue, wait) {
      const options = wait instanceof AbortSignal ? { signal: wait } : wait ?? {};
      const parts = "whenDone" in options ? { ctx: options } : options;
      return queue.put("late", { ...parts, dedupeId: "late" });
    },
  },
  join: { full: true, call: (queue, wait) => queue.join(wait) },
  putBack: { full: true, call: (queue, wait) => queue.dead.putBack("dead", wait) },
};

interface Way {
  readonly wait: Wait;
  end(): void;
  /** undefined: a DeadlineExceededError. */
  readonly cause: unknown;
  /** Listeners that it has left. */
  listeners(): number;
}

const ways: Readonly<Record<string, () => Way>> = {
  "a context": () => {
    const ctx = withCancel(background());
    const cause = new Error("enough");
    return { wait: ctx, end: () => ctx.cancel(cause), cause, listeners: () => 0 };
  },
  "a signal": () => {
    const controller = spiedController();
    const cause = { some: "reason" };
    return {
      wait: controller.signal,
      end: () => controller.abort(cause),
      cause,
      listeners: () => controller.listeners,
    };
  },
  "a timeout": () => ({ wait: { timeout: 4 }, end() {}, cause: undefined, listeners: () => 0 }),
  "a signal beside a context and a timeout": () => {
    const ctx = withCancel(background());
    const controller = spiedController();
    const cause = new Error("enough");
    return {
      wait: { ctx, signal: controller.signal, timeout: 100_000 },
      end: () => controller.abort(cause),
      cause,
      listeners: () => controller.listeners,
    };
  },
};

async function prepared(world: JobWorld, full: boolean): Promise<JobQueue<string>> {
  const queue = await world.open<string>({ capacity: 1 });
  if (!full) return queue;
  await queue.put("gone", { dedupeId: "dead" });
  await (await queue.get()).reject("no");
  await queue.put("there", { dedupeId: "there" });
  return queue;
}

async function causeOf(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(() => assert(false, "it did not reject"), (error) => error);
}

function assertCause(error: unknown, { cause }: Way): void {
  if (cause === undefined) assertInstanceOf(error, DeadlineExceededError);
  else assertStrictEquals(error, cause);
}

export function waitLaws(law: Law): void {
  for (const [name, { full, call }] of Object.entries(calls)) {
    law(
      `168: ${name} that waits and is ended rejects with the cause itself, and has done nothing`,
      async (world) => {
        const queue = await prepared(world, full);
        const before = await queue.stats();
        for (const make of Object.values(ways)) {
          const way = make();
          const waiting = call(queue, way.wait);
          const error = causeOf(waiting);
          if (way.cause !== undefined) await world.waits(waiting);
          way.end();
          assertCause(await error, way);
          assertEquals(way.listeners(), 0);
          await statsAre(world, queue, before);
        }
        // What comes now goes to those who wait.
        if (!full) {
          const get = queue.get();
          await queue.put("a", { dedupeId: "a" });
          const job = await world.comes(get);
          assertEquals([job.value, job.attempt], ["a", 1]);
          await job.done();
        } else {
          assertEquals(await drained(queue), ["there"]);
          assertEquals((await queue.dead.list()).map(({ id }) => id), ["dead"]);
          await queue.put("late", { dedupeId: "late" });
          assertEquals(await drained(queue), ["late"]);
        }
      },
    );

    law(`168: ${name} with what has ended already does nothing`, async (world) => {
      const queue = await prepared(world, full);
      const ctx = withCancel(background());
      const cause = new Error("before");
      ctx.cancel(cause);
      const before = await queue.stats();
      for (const wait of [ctx, AbortSignal.abort(cause), { ctx, timeout: 0 }]) {
        assertStrictEquals(await causeOf(call(queue, wait)), cause);
      }
      await statsAre(world, queue, before);
      // Nor when it need not wait.
      if (full) await drained(queue);
      else await queue.put("there");
      const free = await queue.stats();
      assertStrictEquals(await causeOf(call(queue, ctx)), cause);
      await statsAre(world, queue, free);
    });
  }

  law(
    "168: of several that wait those that are ended harm no others, who keep their order",
    async (world) => {
      const queue = await world.open<number>();
      const ended = [withCancel(background()), withCancel(background())] as const;
      const gets = [
        queue.get(ended[0]),
        queue.get(),
        queue.getMany(2, ended[1]),
        queue.get(),
      ] as Promise<unknown>[];
      await world.waits(Promise.race(gets));
      for (const ctx of ended) ctx.cancel();
      await causeOf(gets[0]!);
      await causeOf(gets[2]!);
      await queue.put(1);
      await queue.put(2);
      const [first, second] = await world.comes(Promise.all([gets[1], gets[3]])) as JobLease<
        number
      >[];
      assertEquals([first!.value, second!.value], [1, 2]);
      assertEquals([first!.attempt, second!.attempt], [1, 1]);
      await queue.doneMany([first!, second!]);
    },
  );

  law(
    "168: of several puts that wait those that are ended harm no others, who keep their order",
    async (world) => {
      const queue = await world.open<number>({ capacity: 1 });
      await queue.put(0);
      const ctx = withCancel(background());
      const puts = [1, 2, 3, 4].map((n) => queue.put(n, n % 2 === 1 ? ctx : {}));
      await world.waits(Promise.race(puts));
      ctx.cancel();
      await causeOf(puts[0]!);
      await causeOf(puts[2]!);
      const order: number[] = [];
      for (let n = 0; n < 3; n++) {
        const job = await world.comes(queue.get());
        order.push(job.value);
        await job.done();
      }
      assertEquals(order, [0, 2, 4]);
      await world.comes(Promise.all([puts[1], puts[3]]));
      await statsAre(world, queue, { unfinished: 0 });
    },
  );

  law(
    "168: a get that is ended as a job comes has it, or leaves it to the next, at its first attempt",
    async (world) => {
      const queue = await world.open<number>();
      const seen: number[] = [];
      const rounds = world.kind === "memory" ? 40 : 12;
      for (let n = 0; n < rounds; n++) {
        const ctx = withCancel(background());
        const get = queue.get(ctx).then((job) => job, () => undefined);
        const put = n % 3 === 2 ? undefined : queue.put(n);
        if (n % 4 > 1) await Promise.resolve();
        if (n % 4 === 3) await put;
        ctx.cancel();
        await (put ?? queue.put(n));
        const job = await get ?? await world.comes(queue.get());
        assertEquals(job.attempt, 1);
        seen.push(job.value);
        await job.done();
      }
      assertEquals(seen, Array.from({ length: rounds }, (_, n) => n));
      await statsAre(world, queue, { unfinished: 0 });
    },
    ({ kind }) => kind !== "nats",
  );

  law(
    "168: a put that is ended as room comes is stored once or not at all, as it says",
    async (world) => {
      const queue = await world.open<number>({ capacity: 1 });
      const stored: number[] = [];
      const seen: number[] = [];
      for (let n = 1; n <= 12; n++) {
        await queue.put(0);
        const ctx = withCancel(background());
        const put = queue.put(n, ctx).then(() => stored.push(n), () => 0);
        const done = (await queue.get()).done();
        if (n % 3 > 0) await Promise.resolve();
        if (n % 3 > 1) await done;
        ctx.cancel();
        await Promise.all([done, put]);
        seen.push(...await drained(queue));
      }
      assertEquals(seen, stored);
      await statsAre(world, queue, { unfinished: 0 });
    },
    ({ kind }) => kind !== "nats",
  );

  law(
    "160, 168: who stops waiting for done, retry or reject does not take it back",
    async (world) => {
      const queue = await world.open<string>();
      for (const value of ["done", "retry", "reject"]) await queue.put(value);
      const jobs = await queue.getMany(3);
      const ctx = withCancel(background());
      const cause = new Error("enough");
      const [done, retry, reject] = jobs as [JobLease<string>, JobLease<string>, JobLease<string>];
      const calls = [done.done(ctx), retry.retry({ ctx }), reject.reject("no", ctx)];
      ctx.cancel(cause);
      // An answer that was there already counts, too.
      for (const call of calls) {
        const error = await call.catch((error) => error);
        if (error !== true) assertStrictEquals(error, cause);
      }
      assertEquals([await done.done(), await retry.retry(), await reject.reject()], [
        true,
        true,
        true,
      ]);
      const figures = comeBack(world, 1, { ready: 1, leased: 0, unfinished: 1, dead: 1 });
      await statsAre(world, queue, figures);
    },
  );

  law(
    "160, 168: done, retry, reject, extend and doneMany do nothing with what has ended before",
    async (world) => {
      const queue = await world.open<string>();
      await queue.put("a");
      const job = await queue.get();
      const cause = new Error("before");
      const signal = AbortSignal.abort(cause);
      assertStrictEquals(await causeOf(job.done(signal)), cause);
      assertStrictEquals(await causeOf(job.retry(signal)), cause);
      assertStrictEquals(await causeOf(job.retry({ signal, delay: 5 })), cause);
      assertStrictEquals(await causeOf(job.reject("no", signal)), cause);
      assertStrictEquals(await causeOf(job.extend(signal)), cause);
      assertStrictEquals(await causeOf(queue.doneMany([job], signal)), cause);
      assertStrictEquals(await causeOf(queue.stats(signal)), cause);
      assertStrictEquals(await causeOf(queue.dead.list({ signal })), cause);
      assertStrictEquals(await causeOf(queue.dead.remove("x", signal)), cause);
      assertEquals(job.settled, false);
      await statsAre(world, queue, { leased: 1, unfinished: 1, dead: 0 });
      assertEquals(await job.done(), true);
    },
  );
}
