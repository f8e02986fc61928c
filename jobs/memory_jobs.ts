/**
 * The job queue of one process: as fast as memory, and gone with it.
 *
 * @module
 */
import { checkOptions } from "../core/check.ts";
import { checkClock, type Clock, realClock } from "../tasks/clock.ts";
import { cloneInMemory, codecOf } from "./codec.ts";
import { JobHandle } from "./handle.ts";
import { type JobQueueOptions, settingsOf } from "./job_options.ts";
import type { JobQueue } from "./job_queue.ts";
import { MemoryEngine } from "./memory_engine.ts";

/**
 * How a job queue in memory is to be.
 *
 * @typeParam T The type of the values.
 *
 * @example
 * ```ts
 * import { memoryJobs, type MemoryJobsOptions } from "@sluice/sluice/jobs";
 * import { ManualClock } from "@sluice/sluice/tasks";
 * import { assertEquals } from "@std/assert";
 *
 * const clock = new ManualClock();
 * const options: MemoryJobsOptions<string> = { leaseTime: 1_000, clock };
 * await using mails = await memoryJobs(options);
 * await mails.put("hello");
 * await mails.get(); // its worker dies
 * await clock.advance(1_000);
 * assertEquals((await mails.get()).attempt, 2);
 * ```
 */
export interface MemoryJobsOptions<T> extends JobQueueOptions<T> {
  /** What it goes by; the machine's if left out. Tests give it one that they move. */
  readonly clock?: Clock | undefined;
}

/**
 * Opens a job queue in the memory of this process: for work that may be lost with it, and for tests.
 *
 * @typeParam T The type of the values.
 * @throws TypeError or RangeError if an option is not what it may be: the promise rejects with it.
 *
 * @example
 * ```ts
 * import { memoryJobs } from "@sluice/sluice/jobs";
 * import { assertEquals } from "@std/assert";
 *
 * await using mails = await memoryJobs<{ to: string }>({ capacity: 1_000 });
 * await mails.put({ to: "ada@example.com" });
 * await using job = await mails.get();
 * assertEquals(job.value.to, "ada@example.com");
 * await job.done();
 * ```
 */
// deno-lint-ignore require-await
export async function memoryJobs<T>(options: MemoryJobsOptions<T> = {}): Promise<JobQueue<T>> {
  checkOptions("options", options);
  const { clock = realClock, codec } = options;
  checkClock(clock);
  const settings = settingsOf(options as JobQueueOptions<never>);
  const payloads = codecOf(codec as JobQueueOptions<never>["codec"], cloneInMemory);
  return new JobHandle<T>(new MemoryEngine(settings, clock), payloads, settings);
}
