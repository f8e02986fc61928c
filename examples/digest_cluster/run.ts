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

/** Milliseconds in which a job comes that nobody else holds. */
const SOON = 500;

/** A list that this process makes. */
export class RunClaim {
  readonly run: Run;
  /** Somebody else had begun with it. */
  readonly resumed: boolean;
  readonly #runs: JobQueue<Run>;
  #lease: JobLease<Run>;

  private constructor(runs: JobQueue<Run>, lease: JobLease<Run>, resumed: boolean) {
    this.#runs = runs;
    this.#lease = lease;
    this.run = lease.value;
    this.resumed = resumed;
  }

  /**
   * Begins a list of `root`, or goes on with one of it that was begun; one of another directory is given
   * up. Rejects with a Failure if somebody is at it.
   */
  static async of(
    runs: JobQueue<Run>,
    root: string,
    screen: Screen,
    ctx: Context,
  ): Promise<RunClaim> {
    for (;;) {
      const id = crypto.randomUUID().slice(0, 8);
      // There is room for one.
      await inTime(runs.put({ id, root }, { ctx, timeout: 0 }));
      let lease = await inTime(runs.get({ ctx, timeout: SOON }));
      if (lease === undefined) {
        const ms = runs.leaseTime;
        screen.complain(`somebody makes a list by this queue; if it was killed, for ${ms} ms`);
        lease = await inTime(runs.get({ ctx, timeout: patience(runs) }));
      }
      if (lease === undefined) throw taken("wait for its end, or give a --name");
      if (lease.value.root === root) return new RunClaim(runs, lease, lease.value.id !== id);
      await lease.done(ctx);
    }
  }

  /** Keeps it on lease until `over` ends; ends `all` if somebody else has it by now. */
  async keep(over: Context, all: CancelContext): Promise<void> {
    while (await slept(this.#runs.leaseTime / 3, over)) {
      try {
        if (await this.#lease.extend(over)) continue;
        // This process was asleep for so long. Nobody may have noticed.
        const wait = { ctx: over, timeout: patience(this.#runs) };
        const lease = await inTime(this.#runs.get(wait));
        if (lease?.value.id !== this.run.id) {
          await lease?.retry();
          return all.cancel(taken("this process was away for too long"));
        }
        this.#lease = lease;
      } catch {
        // It is over, or the engine out of reach: then whoever needs it says so.
      }
    }
  }

  /** The list is out. */
  async done(ctx: Context): Promise<void> {
    await this.#lease.done(ctx);
  }
}

/** Milliseconds in which a job comes whose holder was killed. */
function patience({ leaseTime }: JobQueue<Run>): number {
  return leaseTime + Math.max(leaseTime, 1_000);
}

function taken(advice: string): Failure {
  return new Failure(1, `somebody makes a list by this queue: ${advice}`);
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
