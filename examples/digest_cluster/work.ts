/**
 * A worker: takes files, and puts what has come of them.
 *
 * The digest is stored before the file is finished. So whenever it is killed, nothing is lost: at worst a
 * file is digested twice, and both digests are there.
 *
 * @module
 */
import type { Cancel, Context } from "@sluice/sluice";
import { consume, type JobLease, type StopSignal } from "@sluice/sluice/jobs";
import { reason } from "../digest/failure.ts";
import { CHUNK, sha256 } from "../digest/hash.ts";
import { shown } from "../digest/names.ts";
import type { Screen } from "../digest/screen.ts";
import { until } from "../digest/stages.ts";
import type { FileJob, Queues } from "./queues.ts";

export interface WorkOptions {
  /** How many files are digested at a time. */
  readonly jobs: number;
  /** Whether each file is told of when it begins. */
  readonly verbose: boolean;
  /** Ends the work, when the files that have begun are done. */
  readonly drain: Cancel;
  /** So do these signals. */
  readonly signals: readonly StopSignal[];
  readonly ctx: Context;
}

/** What one worker has done. */
export interface WorkDone {
  readonly worker: string;
  readonly files: number;
  readonly bytes: number;
}

/** Works until it is told to stop. */
export async function work(
  { files, digests }: Queues,
  screen: Screen,
  { jobs, verbose, ...ends }: WorkOptions,
): Promise<WorkDone> {
  const worker = `${Deno.pid}-${crypto.randomUUID().slice(0, 8)}`;
  const buffers = Array.from({ length: jobs }, () => new Uint8Array(CHUNK));
  const total = { worker, files: 0, bytes: 0 };

  async function digest(job: JobLease<FileJob>, ctx: Context): Promise<void> {
    const { run, path } = job.value;
    if (verbose) screen.complain(`worker ${worker} begins ${shown(path)}, attempt ${job.attempt}`);
    const buffer = buffers.pop() ?? new Uint8Array(CHUNK);
    try {
      const read = await until(ctx, readFile(path, buffer, ctx));
      await digests.put({ run, path, ...read, worker, attempt: job.attempt }, ctx);
      total.files++;
      total.bytes += read.bytes;
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      // It will not be readable a second later.
      await job.reject(error.message);
    }
    // Not that of one who was cancelled: a read into it may go on.
    buffers.push(buffer);
  }

  const onError = (error: unknown) => screen.complain(reason(error));
  await consume(files, digest, { concurrency: jobs, onError, ...ends });
  return total;
}

class Unreadable extends Error {}

async function readFile(path: string, buffer: Uint8Array, ctx: Context) {
  let bytes = 0;
  const onRead = (length: number) => {
    ctx.throwIfDone();
    bytes += length;
  };
  try {
    const { mtime } = await Deno.stat(path);
    const digest = await sha256(path, buffer, onRead);
    return { digest, bytes, modified: mtime && mtime.getTime() };
  } catch (error) {
    ctx.throwIfDone();
    throw new Unreadable(reason(error, path));
  }
}
