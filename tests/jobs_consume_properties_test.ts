/**
 * Random programs over a consumer, with a clock that is moved: what becomes of every job is compared with
 * a model that knows what each attempt does, never do more handlers run than may, and nothing is left.
 *
 * @module
 */
import fc from "fast-check";
import { assert, assertEquals } from "@std/assert";
import { background, type Context, sleep, withCancel } from "../mod.ts";
import { consume, type ConsumeStats, type JobLease } from "../jobs/mod.ts";
import { ManualClock } from "../tasks/mod.ts";
import { engineError, faultyJobs } from "./support/faulty_jobs.ts";
import { settled } from "./support/settle.ts";
import { Watched } from "./support/watched.ts";

const MAX_ATTEMPTS = 3;
const LEASE = 100;
const TIMEOUT = 250;

/** What one attempt does. */
type Deed = "return" | "throw" | "slow" | "heed" | "deaf" | "done" | "retry" | "reject" | "put";

const deeds = fc.constantFrom<Deed>(
  ...[
    "return",
    "return",
    "throw",
    "slow",
    "heed",
    "deaf",
    "done",
    "retry",
    "reject",
    "put",
  ] as const,
);
const jobs = fc.array(deeds, { minLength: MAX_ATTEMPTS, maxLength: MAX_ATTEMPTS });
const steps = fc.oneof(
  { weight: 6, arbitrary: fc.record({ op: fc.constant("put" as const), deeds: jobs }) },
  { weight: 5, arbitrary: fc.record({ op: fc.constant("advance" as const), ms: fc.nat(400) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("turn" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant("fault" as const),
      call: fc.constantFrom("take" as const, "settle" as const, "extend" as const),
    }),
  },
);
const configs = fc.record({
  concurrency: fc.integer({ min: 1, max: 3 }),
  batch: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
  delay: fc.constantFrom(0, 30),
});
const ends = fc.constantFrom("drain", "grace", "signal", "close", "fatal" as const);

/** How long it takes, and what becomes of the job if nothing else comes in between. */
const fates: Readonly<Record<Deed, "done" | "again" | "dead">> = {
  return: "done",
  put: "done",
  slow: "done",
  done: "done",
  throw: "again",
  heed: "again",
  deaf: "again",
  retry: "again",
  reject: "dead",
};

/** What is to become of a job, and at which attempt. */
function fateOf(deeds: readonly Deed[]): { fate: "done" | "dead"; attempts: number } {
  for (const [at, deed] of deeds.entries()) {
    const fate = fates[deed];
    if (fate !== "again") return { fate, attempts: at + 1 };
  }
  return { fate: "dead", attempts: MAX_ATTEMPTS };
}

/** A queue, and handlers that do what the jobs' values tell them. */
class Stage {
  readonly clock = new ManualClock();
  readonly faulty = faultyJobs<readonly Deed[]>({
    clock: this.clock,
    leaseTime: LEASE,
    maxAttempts: MAX_ATTEMPTS,
  });
  readonly puts: Promise<unknown>[] = [];
  readonly given = new Map<string, readonly Deed[]>();
  /** The attempts of each job that have begun. */
  readonly attempts = new Map<string, number[]>();
  readonly contexts: Context[] = [];
  readonly leases: JobLease<unknown>[] = [];
  running = 0;
  most = 0;

  put(deeds: readonly Deed[]): void {
    const id = `job-${this.given.size}`;
    this.given.set(id, deeds);
    this.puts.push(this.faulty.queue.put(deeds, { dedupeId: id }));
  }

  readonly one = async (job: JobLease<readonly Deed[]>, ctx: Context): Promise<void> => {
    await this.#counted([job], ctx, () => this.#act(job, ctx));
  };

  /** What has failed of a batch is given back by itself, so that the others are done. */
  readonly many = async (
    jobs: readonly JobLease<readonly Deed[]>[],
    ctx: Context,
  ): Promise<void> => {
    await this.#counted(jobs, ctx, async () => {
      const acts = jobs.map(async (job) => {
        try {
          await this.#act(job, ctx);
          if (!ctx.done) await job.done();
        } catch (error) {
          if (!ctx.done) await job.retry({ reason: error });
        }
      });
      await Promise.all(acts);
      ctx.throwIfDone();
    });
  };

  async #counted(
    jobs: readonly JobLease<readonly Deed[]>[],
    ctx: Context,
    fn: () => Promise<void>,
  ): Promise<void> {
    this.most = Math.max(this.most, ++this.running);
    this.contexts.push(ctx);
    for (const job of jobs) {
      this.leases.push(job);
      const attempts = this.attempts.get(job.id) ?? [];
      this.attempts.set(job.id, [...attempts, job.attempt]);
    }
    try {
      await fn();
    } finally {
      this.running--;
    }
  }

  async #act(job: JobLease<readonly Deed[]>, ctx: Context): Promise<void> {
    switch (job.value[job.attempt - 1]) {
      case "throw":
        throw new Error("no");
      case "slow":
        // Twice as long as a lease.
        return await this.#after(2 * LEASE);
      case "heed":
        return await sleep(1e9, ctx);
      case "deaf":
        return await this.#after(2 * TIMEOUT);
      case "done":
        return void await job.done();
      case "retry":
        return void await job.retry();
      case "reject":
        return void await job.reject("bad");
      case "put":
        return this.put(["return", "return", "return"]);
    }
  }

  #after(ms: number): Promise<void> {
    return new Promise((resolve) => void this.clock.after(ms, resolve));
  }

  /** No job is handed out twice at a time, or more often than it may be. */
  check(concurrency: number): void {
    assert(this.most <= concurrency, `${this.most} ran at once`);
    for (const attempts of this.attempts.values()) {
      assertEquals(attempts, attempts.map((_, at) => at + 1));
    }
  }
}

function sum({ done, retried, dead, returned, lost }: ConsumeStats): number {
  return done + retried + dead + returned + lost;
}

Deno.test("170: random programs: every job ends as its attempts say, and nothing is left", async () => {
  await fc.assert(
    fc.asyncProperty(
      configs,
      fc.array(steps, { minLength: 1, maxLength: 25 }),
      async ({ concurrency, batch, delay }, program) => {
        const stage = new Stage();
        const { clock, faulty: { queue, faults } } = stage;
        using drain = withCancel(background());
        const options = { concurrency, clock, drain, timeout: TIMEOUT, retry: { delay } };
        const working = new Watched(
          batch === undefined
            ? consume(queue, stage.one, options)
            : consume(queue, stage.many, { ...options, batch }),
        );
        // With faults leases may run out, and batches share the time of their slowest.
        let exact = batch === undefined;
        for (const step of program) {
          if (step.op === "put") stage.put(step.deeds);
          if (step.op === "advance") await clock.advance(step.ms);
          if (step.op === "turn") await settled();
          if (step.op === "fault") {
            if (step.call !== "take") exact = false;
            faults.errors[step.call].push(engineError("unreachable"));
          }
        }
        await clock.advance(200_000);
        const { unfinished } = await queue.stats();
        assertEquals([unfinished, working.is, stage.running], [0, "pending", 0]);
        drain.cancel();
        await settled();
        const stats = working.value!;
        assertEquals(sum(stats), stats.taken);
        stage.check(concurrency);
        await Promise.all(stage.puts);
        if (exact) {
          const dead = new Map<string, number>();
          for await (const letter of queue.dead) dead.set(letter.id, letter.attempts);
          for (const [id, deeds] of stage.given) {
            const { fate, attempts } = fateOf(deeds);
            assertEquals(stage.attempts.get(id)?.length, attempts, id);
            assertEquals(dead.get(id), fate === "dead" ? attempts : undefined, id);
          }
          assertEquals(
            [stats.done + dead.size, stats.dead, stats.lost, stats.late, stats.returned],
            [
              stage.given.size,
              dead.size,
              0,
              0,
              0,
            ],
          );
        }
        assertEquals(clock.timers, 0);
        assert(stage.contexts.every((ctx) => ctx.done));
        await queue.close();
      },
    ),
    { numRuns: 200 },
  );
});

Deno.test("170: random programs that are ended anywhere: each job is done, dead, or there for others", async () => {
  await fc.assert(
    fc.asyncProperty(
      configs,
      fc.array(steps, { minLength: 1, maxLength: 15 }),
      ends,
      async ({ concurrency, batch, delay }, program, end) => {
        const stage = new Stage();
        const { clock, faulty: { queue, faults } } = stage;
        using drain = withCancel(background());
        const abort = new AbortController();
        const options = {
          ...{
            concurrency,
            clock,
            drain,
            timeout: TIMEOUT,
            retry: { delay },
            signal: abort.signal,
          },
          grace: end === "grace" ? 20 : Infinity,
        };
        const working = new Watched(
          batch === undefined
            ? consume(queue, stage.one, options)
            : consume(queue, stage.many, { ...options, batch }),
        );
        for (const step of program) {
          if (step.op === "put") stage.put(step.deeds);
          if (step.op === "advance") await clock.advance(step.ms);
          if (step.op === "turn") await settled();
          if (step.op === "fault" && step.call !== "settle") {
            faults.errors[step.call].push(engineError("storage"));
          }
        }
        const fatal = engineError("unauthorized");
        if (end === "drain" || end === "grace") drain.cancel();
        if (end === "signal") abort.abort("over");
        if (end === "close") await queue.close();
        if (end === "fatal") {
          faults.errors.take.length = 0;
          faults.errors.take.push(fatal);
          stage.put(["return", "return", "return"]);
          // If it waits for a job, it is asked again once it has got one.
        }
        await clock.advance(end === "fatal" ? 100_000 : 20 * TIMEOUT);
        await settled();
        if (end === "fatal" || end === "signal") {
          assertEquals([working.is, working.error], ["rejected", end === "fatal" ? fatal : "over"]);
        } else {
          assertEquals([working.is, working.error], ["fulfilled", undefined]);
          assertEquals(sum(working.value!), working.value!.taken);
        }
        stage.check(concurrency);
        assertEquals([stage.running, clock.timers], [0, 0]);
        assert(stage.contexts.every((ctx) => ctx.done));
        assert(stage.leases.every((job) => job.settled));
        if (end !== "close") {
          await Promise.all(stage.puts);
          const stats = await queue.stats();
          // Whatever is not over could be handed out, or rests: nobody holds a lease.
          const resting = stats.leased;
          assertEquals(stats.ready + resting, stats.unfinished);
          await clock.advance(100_000);
          assertEquals((await queue.stats()).ready, stats.unfinished);
        }
        await queue.close();
      },
    ),
    { numRuns: 200 },
  );
});
