/**
 * The job queue of one host: in a file, as durable as its disk.
 *
 * @module
 */
import { checkOptions, show } from "../../core/check.ts";
import { Timeout } from "../../core/timeout.ts";
import { checkDuration } from "../../flow/checks.ts";
import { checkClock, type Clock, realClock } from "../../tasks/clock.ts";
import { codecOf } from "../codec.ts";
import { JobHandle } from "../handle.ts";
import { type JobQueueOptions, settingsOf } from "../job_options.ts";
import type { JobQueue } from "../job_queue.ts";
import { cloneInBytes, strict } from "./payloads.ts";
import { isBusy, storageError } from "./faults.ts";
import { checkFile, checkSynchronous } from "./file_checks.ts";
import { type FileOptions, JobFile } from "./job_file.ts";
import { Patience } from "./patience.ts";
import { SqliteEngine } from "./sqlite_engine.ts";

/**
 * How a job queue in a file is to be.
 *
 * @typeParam T The type of the values.
 *
 * @example
 * ```ts
 * import { sqliteJobs, type SqliteJobsOptions } from "@sluice/sluice/jobs/sqlite";
 *
 * const options: SqliteJobsOptions<string> = { capacity: 10_000, synchronous: "normal" };
 * const file = await Deno.makeTempFile({ suffix: ".db" });
 * await using mails = await sqliteJobs<string>(file, options);
 * await mails.put("hello");
 * ```
 */
export interface SqliteJobsOptions<T> extends JobQueueOptions<T> {
  /**
   * What a commit survives. "full", which is what is left out: everything that the disk survives, a power
   * cut too. "normal": the death of the process, while a power cut may take the last commits with it; it
   * saves the wait for the disk.
   */
  readonly synchronous?: "full" | "normal" | undefined;
  /** Milliseconds between two looks at what other processes did, while somebody waits; 10 if left out. */
  readonly pollInterval?: number | undefined;
  /**
   * Milliseconds that a call waits for a lock which another process holds, before it fails with a
   * JobQueueError; 5,000 if left out. Those who wait for a job, or for room, wait on.
   */
  readonly busyTimeout?: number | undefined;
  /**
   * What it goes by: milliseconds since the epoch, since its moments are stored, and other processes read
   * them. The machine's if left out. Tests give it one that they move.
   */
  readonly clock?: Clock | undefined;
  /**
   * true: if the stored queue has other options, it is changed to these, and all who have it open go by
   * them; but not its groups that have jobs, or priorities that are used. false, if left out: then it is
   * an error.
   */
  readonly update?: boolean | undefined;
}

/** The time that all processes of a host share. */
const wallClock: Clock = { now: () => Date.now(), after: (ms, fn) => realClock.after(ms, fn) };

/**
 * Opens a job queue in a file, which it makes if need be: for work that outlives the process, and for
 * several processes on one host. It needs leave to read and to write the file. A file may have many queues,
 * each with a name of its own.
 *
 * @typeParam T The type of the values.
 * @throws TypeError or RangeError if an option is not what it may be; JobQueueError if the file cannot be
 * used ("storage"), or has this queue with other options ("mismatch"): the promise rejects with it.
 *
 * @example
 * ```ts
 * import { sqliteJobs } from "@sluice/sluice/jobs/sqlite";
 * import { assertEquals } from "@std/assert";
 *
 * const file = await Deno.makeTempFile({ suffix: ".db" });
 * {
 *   await using mails = await sqliteJobs<{ to: string }>(file, { capacity: 1_000 });
 *   await mails.put({ to: "ada@example.com" });
 * }
 * // Another process, on another day.
 * await using mails = await sqliteJobs<{ to: string }>(file, { capacity: 1_000 });
 * await using job = await mails.get();
 * assertEquals(job.value.to, "ada@example.com");
 * await job.done();
 * ```
 */
export async function sqliteJobs<T>(
  file: string,
  options: SqliteJobsOptions<T> = {},
): Promise<JobQueue<T>> {
  checkFile(file);
  checkOptions("options", options);
  const { synchronous = "full", pollInterval = 10, busyTimeout = 5_000, update = false } = options;
  const { clock = wallClock, codec } = options;
  checkSynchronous(synchronous);
  checkDuration("pollInterval", pollInterval, { positive: true, finite: true });
  checkDuration("busyTimeout", busyTimeout);
  checkClock(clock);
  if (typeof update !== "boolean") {
    throw new TypeError(`update must be true or false, not ${show(update)}`);
  }
  const settings = settingsOf(options as JobQueueOptions<never>);
  const payloads = strict(codecOf(codec as JobQueueOptions<never>["codec"], cloneInBytes));
  const opened = await open({ file, settings, synchronous, update }, busyTimeout);
  const engine = new SqliteEngine(opened, { clock, pollInterval, busyTimeout });
  return new JobHandle<T>(engine, payloads, settings);
}

/** Others may be at work on the file: it is tried until they let it. */
async function open(options: FileOptions, busyTimeout: number): Promise<JobFile> {
  const patience = new Patience(busyTimeout);
  for (;;) {
    try {
      return JobFile.open(options);
    } catch (error) {
      if (!isBusy(error) || patience.isOver) throw storageError(options.file, error);
      await new Promise<void>((resolve) => new Timeout(patience.pause(), resolve));
    }
  }
}
