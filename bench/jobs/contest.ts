/**
 * What job queues are measured by, and what their contestants share. A contestant opens a store; what is
 * done with it is in `workloads.ts`, the same for all.
 *
 * - A value is 100 bytes of JSON, written and read by each contestant.
 * - Each value that was put must be got once, unharmed: the ledger sees to it.
 *
 * @module
 */

/** What is put: 100 bytes as JSON. */
export interface Value {
  /** Has seven digits. */
  readonly n: number;
  readonly text: string;
}

/** The number of the first value. */
export const FIRST = 1_000_000;

const TEXT = "x".repeat(77);

/** The value at a place, from 0 to 8,999,999. */
export function valueAt(at: number): Value {
  return { n: FIRST + at, text: TEXT };
}

/** Told of each value as soon as a worker has it. */
export type Got = (value: Value) => void;

/** Workers that wait to begin. */
export interface Workers {
  /** Resolves when they have taken and finished so many jobs, which are there or will come. */
  run(count: number): Promise<void>;
  /** Lets go of what they have opened. */
  end(): Promise<void>;
}

/** A queue of a contestant. */
export interface JobStore {
  /** Resolves when it is stored. */
  put(value: Value): Promise<unknown>;
  /** Puts as many as are in flight elsewhere in one step; left out: by `put`. */
  putMany?(values: readonly Value[]): Promise<unknown>;
  /** Puts many, as quickly as it can. */
  fill(values: readonly Value[]): Promise<void>;
  /** `batch`: how many each of them takes at a time. */
  workers(workers: number, batch: number, got: Got): Promise<Workers>;
  /** How many are not finished. */
  unfinished(): Promise<number>;
  close(): Promise<void>;
}

/** Where contestants find what they share. Who needs something takes part only if it is there. */
export interface Places {
  /** For files. */
  readonly directory: string;
  /** The NATS server, as "HOST:PORT". */
  readonly nats?: string;
  /** The port of Redis on 127.0.0.1, and where BullMQ is installed. */
  readonly bullmq?: { readonly redis: number; readonly directory: string };
}

/** What each module of this folder exports that takes part. */
export interface JobsContestant {
  /** Opens the queue of this name, the same for all processes. */
  open(name: string, places: Places): Promise<JobStore>;
}

/** One worker that asks for jobs. `J` is a job that it holds. */
export interface Puller<J> {
  /** Up to `most`, at least one. */
  take(most: number): Promise<readonly J[]>;
  read(job: J): Value;
  finish(jobs: readonly J[]): Promise<unknown>;
  end(): Promise<void>;
}

/** Workers that pull: together they ask for as many as are to come, so that nobody waits in the end. */
export function pulling<J>(pullers: readonly Puller<J>[], batch: number, got: Got): Workers {
  const work = async (puller: Puller<J>, claims: { left: number }): Promise<void> => {
    while (claims.left > 0) {
      const most = Math.min(batch, claims.left);
      claims.left -= most;
      const jobs = await puller.take(most);
      claims.left += most - jobs.length;
      for (const job of jobs) got(puller.read(job));
      await puller.finish(jobs);
    }
  };
  return {
    async run(count) {
      const claims = { left: count };
      await Promise.all(pullers.map((puller) => work(puller, claims)));
    },
    async end() {
      await Promise.all(pullers.map((puller) => puller.end()));
    },
  };
}

/** So many calls at a time, until all have been made. */
export async function inFlight(
  most: number,
  count: number,
  call: (i: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const loop = async (): Promise<void> => {
    while (next < count) await call(next++);
  };
  await Promise.all(Array.from({ length: Math.min(most, count) }, loop));
}

/** Throws unless each value comes once, and is what was put. */
export class Ledger {
  readonly #first: number;
  readonly #seen: Uint8Array;
  #got = 0;

  /** For `count` values from the one at `first` on. */
  constructor(first: number, count: number) {
    this.#first = FIRST + first;
    this.#seen = new Uint8Array(count);
  }

  readonly got: Got = ({ n, text }) => {
    if (this.#seen[n - this.#first] !== 0) throw new Error(`${n} is not expected, or not again`);
    if (text.length !== TEXT.length) throw new Error(`${n} is not what was put`);
    this.#seen[n - this.#first] = 1;
    this.#got++;
  };

  /** Throws if some have not come. */
  check(): void {
    checkCount("jobs that were got", this.#got, this.#seen.length);
  }
}

export function checkCount(what: string, count: number, expected: number): void {
  if (count !== expected) throw new Error(`${what}: ${expected} were expected, not ${count}`);
}
