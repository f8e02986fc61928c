/**
 * The three queues of a cluster, on any engine. All processes of it open them, and say the same.
 *
 *     runs      who is making a list, and of what: one job, held on lease by the collector
 *     files     what is to be digested; the workers' jobs
 *     digests   what has come of it; nobody takes them before the files are finished
 *
 * Nothing else is kept anywhere: what a process knows that is killed, another one finds here.
 *
 * @module
 */
import { type JobQueue, type JobQueueOptions, memoryJobs } from "@sluice/sluice/jobs";
import type { Address } from "./address.ts";

/** A list that is being made. */
export interface Run {
  /** Differs from that of all others, so that what an earlier list has left behind is known as such. */
  readonly id: string;
  /** The directory; absolute, so that workers find it wherever they were started. */
  readonly root: string;
}

/** A file to be digested. */
export interface FileJob {
  readonly run: string;
  /** Absolute. */
  readonly path: string;
}

/** A file that was digested. */
export interface FileDigest extends FileJob {
  /** In hex. */
  readonly digest: string;
  readonly bytes: number;
  /** When the file was modified last before it was read, in milliseconds since the epoch. */
  readonly modified: number | null;
  /** Who has done it. */
  readonly worker: string;
  /** How often the file had been handed out by then. */
  readonly attempt: number;
}

/** How the queues are to be. */
export interface QueueFlags {
  readonly address: Address;
  /** What their names begin with. */
  readonly name: string;
  /** Milliseconds after which a job of a process that was killed is handed out again. */
  readonly lease: number;
}

export interface Queues extends AsyncDisposable {
  readonly runs: JobQueue<Run>;
  readonly files: JobQueue<FileJob>;
  readonly digests: JobQueue<FileDigest>;
}

/** How many files may be put and not finished: enough for the workers, little to carry. */
const WINDOW = 1024;

/** How often a file is handed out whose workers die. One that kills them must not go on for ever. */
const ATTEMPTS = 10;

/** Milliseconds for which a file that was put is not put once more by a collector that was started again. */
const REMEMBERED = 600_000;

export async function openQueues({ address, name, lease }: QueueFlags): Promise<Queues> {
  const open = await engineAt(address);
  // What the list needs is handed out as often as that takes.
  const kept = { leaseTime: lease, maxAttempts: Infinity };
  await using opened = new AsyncDisposableStack();
  // Room for one: whoever comes second waits.
  const runs = opened.use(await open<Run>({ ...kept, name: `${name}_runs`, capacity: 1 }));
  const files = opened.use(
    await open<FileJob>({
      name: `${name}_files`,
      capacity: WINDOW,
      leaseTime: lease,
      maxAttempts: ATTEMPTS,
      dedupeWindow: REMEMBERED,
    }),
  );
  const digests = opened.use(await open<FileDigest>({ ...kept, name: `${name}_digests` }));
  const all = opened.move();
  return { runs, files, digests, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

type Open = <T>(options: JobQueueOptions<T>) => Promise<JobQueue<T>>;

/** Loads the engine that is asked for, and no other. */
async function engineAt(address: Address): Promise<Open> {
  switch (address.kind) {
    case "memory":
      return memoryJobs;
    case "sqlite": {
      const { sqliteJobs } = await import("@sluice/sluice/jobs/sqlite");
      return (options) => sqliteJobs(address.file, options);
    }
    case "nats": {
      const { natsJobs } = await import("@sluice/sluice/jobs/nats");
      const { server, user, password } = address;
      return (options) => natsJobs(server, { ...options, connection: { user, pass: password } });
    }
  }
}
