/**
 * Who makes the list. The list itself is a job, and its collector holds it on lease: nobody else makes
 * one by the same queues meanwhile, and if he is killed, the next goes on where he was.
 *
 * @module
 */
import { type CancelContext, type Context, DeadlineExceededError, sleep } from "@sluice/sluice";
import type { JobLease, JobQueue } from "@sluice/sluice/jobs";
import { Failure } from "../digest/failure.ts";
import type { Screen } from "../digest/screen.ts";
import type { Run } from "./queues.ts";

/** Milliseconds after the end of a lease in which somebody has it who waits for it. */
const GRACE = 3_000;

/** A list that this process makes. */
export interface Claim {
  readonly lease: JobLease<Run>;
  /** Somebody else had begun it. */
  readonly resumed: boolean;
}

/**
 * Begins a list of `root`, or goes on with one of it that was begun; one of another directory is given
 * up. Rejects with a Failure if somebody is at it.
 */
export async function claim(
  runs: JobQueue<Run>,
  root: string,
  screen: Screen,
  ctx: Context,
): Promise<Claim> {
  for (;;) {
    const id = crypto.randomUUID().slice(0, 8);
    const begun = await inTime(runs.put({ id, root }, { ctx, timeout: 0 }));
    const lease = await inTime(runs.get({ ctx, timeout: GRACE / 10 })) ??
      await afterLease(runs, screen, ctx);
    if (lease.value.root === root) {
      return { lease, resumed: begun === undefined || lease.value.id !== id };
    }
    await lease.done();
  }
}

/** Waits until the lease is over of somebody who may have been killed. */
async function afterLease(
  runs: JobQueue<Run>,
  screen: Screen,
  ctx: Context,
): Promise<JobLease<Run>> {
  const { leaseTime } = runs;
  screen.complain(`somebody makes a list by this queue; for ${leaseTime} ms, if it was killed`);
  const lease = await inTime(runs.get({ ctx, timeout: leaseTime + GRACE }));
  if (lease !== undefined) return lease;
  throw new Failure(1, "somebody makes a list by this queue: wait for its end, or give a --name");
}

/** Keeps the list on lease until `over` ends; ends all if somebody else has it by now. */
export async function keep(
  lease: JobLease<Run>,
  leaseTime: number,
  over: Context,
  all: CancelContext,
): Promise<void> {
  while (await slept(leaseTime / 3, over)) {
    // An engine that is out of reach for a moment is no reason to give up.
    const kept = await lease.extend(over).catch(() => true);
    if (kept || over.done) continue;
    all.cancel(
      new Failure(1, "this process was away for too long: another may go on with the list"),
    );
  }
}

/** Whether it came to its end. */
export async function slept(ms: number, ctx: Context): Promise<boolean> {
  return await sleep(ms, ctx).then(() => true, () => false);
}

/** undefined: there was not enough time. */
export async function inTime<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof DeadlineExceededError) return undefined;
    throw error;
  }
}
