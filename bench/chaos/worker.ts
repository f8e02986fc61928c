/**
 * The processes of the trials: `worker.ts ROLE`, where ROLE is JSON.
 *
 * Notes are written at once, so that what was said stays said after a kill -9. Nothing here catches what
 * is thrown past all callers: a library that does so is to be found out by the exit code.
 *
 * @module
 */
import { consume, type JobQueue, JobQueueError } from "../../jobs/mod.ts";
import { background, type CancelContext, sleep, withCancel } from "../../mod.ts";
import { inWords } from "./ledger.ts";
import { CHOSEN, type Consume, type Handle, type Note, type Produce, type Role } from "./notes.ts";
import { type Job, openQueue } from "./queues.ts";

const role = JSON.parse(Deno.args[0]!) as Role;
const life = withCancel(background());
void endWithInput(life);

function say(note: Note): void {
  const bytes = new TextEncoder().encode(JSON.stringify(note) + "\n");
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}

async function endWithInput(life: CancelContext): Promise<void> {
  const reader = Deno.stdin.readable.getReader();
  while (!(await reader.read()).done);
  life.cancel();
}

/** Runs a call; what it fails with is said, unless this process is to end. */
async function tried<R>(call: string, run: () => Promise<R>): Promise<R | undefined> {
  try {
    return await run();
  } catch (error) {
    if (life.cause !== undefined) return undefined;
    say({ note: "error", error: `${call}: ${inWords(error)}` });
    await sleep(50, life).catch(() => {});
    return undefined;
  }
}

async function produce(queue: JobQueue<Job>, { from, to, ...how }: Produce): Promise<void> {
  const filler = "x".repeat(how.filler ?? 0);
  let next = from;
  let failed = false;
  const put = async (n: number): Promise<void> => {
    const stored = await tried(
      "put",
      () => queue.put({ n, filler }, { dedupeId: `job-${n}`, ctx: life }),
    );
    if (stored !== undefined) {
      return say({ note: "acknowledged", job: n, duplicate: stored.duplicate });
    }
    failed = true;
    if (!how.once && life.cause === undefined) await put(n);
  };
  await Promise.all(Array.from({ length: how.inFlight }, async () => {
    while (next < to && life.cause === undefined && !(how.once && failed)) await put(next++);
  }));
}

async function consumeBatches(queue: JobQueue<Job>, how: Consume): Promise<void> {
  await Promise.all(Array.from({ length: how.loops }, async () => {
    while (life.cause === undefined) {
      const leases = await tried("getMany", () => queue.getMany(how.batch, life));
      if (leases === undefined) continue;
      // Whoever is told to end gives the rest back.
      if (how.work > 0) await sleep(how.work * leases.length, life).catch(() => {});
      if (life.cause !== undefined) return;
      say({
        note: "handled",
        jobs: leases.map(({ value }) => value.n),
        attempt: leases[0]!.attempt,
      });
      await tried("doneMany", () => queue.doneMany(leases));
    }
  }));
}

async function hold(queue: JobQueue<Job>, take: number, done: number): Promise<void> {
  const leases = await queue.getMany(take, life);
  while (leases.length < take) leases.push(...await queue.getMany(take - leases.length, life));
  const first = leases.slice(0, done);
  say({ note: "handled", jobs: first.map(({ value }) => value.n), attempt: 1 });
  await queue.doneMany(first);
  say({ note: "holding", jobs: leases.slice(done).map(({ value }) => value.n) });
  await new Promise<void>((resolve) => life.signal.addEventListener("abort", () => resolve()));
}

async function handle(queue: JobQueue<Job>, how: Handle): Promise<void> {
  const stats = await consume<Job>(queue, async ({ value: { n }, attempt }) => {
    if (how.exits?.includes(n)) Deno.exit(1);
    if (how.throws?.includes(n)) throw new Error(`job ${n} cannot be done`);
    await sleep(how.work);
    say({ note: "handled", jobs: [n], attempt });
  }, { concurrency: how.concurrency, drain: life, retry: { delay: 20 } });
  say({ note: "over", stats: { ...stats } });
}

/** Until each has ended with an error: what they end with, and after how long. */
async function wait(queue: JobQueue<Job>, timeout: number): Promise<void> {
  const until = async (call: string, run: () => Promise<unknown>): Promise<void> => {
    for (;;) {
      const since = performance.now();
      try {
        await run();
        await sleep(5);
      } catch (error) {
        const after = Math.round(performance.now() - since);
        return say({ note: "ended", call, error: inWords(error), after });
      }
    }
  };
  await Promise.all([
    until("put", () => queue.put({ n: 0 }, { dedupeId: "job-0", timeout })),
    until("get", async () => (await queue.get({ timeout })).retry()),
  ]);
  await until("stats", () => queue.stats({ timeout }));
}

async function open(): Promise<void> {
  try {
    await using queue = await openQueue(role.queue);
    say({ note: "ended", call: `open ${queue.name}`, error: "no error", after: 0 });
  } catch (error) {
    say({ note: "error", error: inWords(error) });
    // What a library throws later is to have its chance to end the process.
    await sleep(300);
    Deno.exit(error instanceof JobQueueError ? CHOSEN : 8);
  }
}

async function work(): Promise<void> {
  if (role.role === "open") return await open();
  const queue = await openQueue(role.queue);
  say({ note: "ready" });
  if (role.role === "produce") await produce(queue, role);
  else if (role.role === "consume") await consumeBatches(queue, role);
  else if (role.role === "hold") await hold(queue, role.take, role.done);
  else if (role.role === "handle") return await handle(queue, role);
  else await wait(queue, role.timeout);
  say({ note: "over" });
  await tried("close", () => queue.close());
}

await work();
// Its standard input would keep the process alive.
Deno.exit();
