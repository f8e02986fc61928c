/**
 * What the process of a trial is told to do, and the lines of JSON by which it says what happened.
 *
 * @module
 */
import type { QueueSpec } from "./queues.ts";

/** What a process does. It ends when its standard input does, or when it has done its work. */
export type Role =
  | Produce
  | Consume
  | {
    /** Takes so many jobs, does some, and holds the others for ever. */
    readonly role: "hold";
    readonly queue: QueueSpec;
    readonly take: number;
    readonly done: number;
  }
  | Handle
  | {
    /** Opens the queue, says how that went, and ends with exit code 7 if it failed as promised. */
    readonly role: "open";
    readonly queue: QueueSpec;
  }
  | {
    /** Gets and puts that wait with a timeout, until one of each has failed; then `stats`. */
    readonly role: "wait";
    readonly queue: QueueSpec;
    readonly timeout: number;
  };

/** Puts the jobs from one number to another, so many at a time; again what failed, by the same id. */
export interface Produce {
  readonly role: "produce";
  readonly queue: QueueSpec;
  readonly from: number;
  readonly to: number;
  readonly inFlight: number;
  /** How many characters a job has beside its number. */
  readonly filler?: number;
  /** Ends at the first error. */
  readonly once?: boolean;
}

/** Takes batches, works on them for a time, says so, and does them. */
export interface Consume {
  readonly role: "consume";
  readonly queue: QueueSpec;
  readonly loops: number;
  readonly batch: number;
  /** Milliseconds for each job. */
  readonly work: number;
}

/** `consume` with a handler. */
export interface Handle {
  readonly role: "handle";
  readonly queue: QueueSpec;
  readonly concurrency: number;
  readonly work: number;
  /** Jobs whose handler throws. */
  readonly throws?: readonly number[];
  /** Jobs whose handler ends the process. */
  readonly exits?: readonly number[];
}

/** What a process says. */
export type Note =
  | { readonly note: "ready" }
  | { readonly note: "acknowledged"; readonly job: number; readonly duplicate: boolean }
  | { readonly note: "handled"; readonly jobs: readonly number[]; readonly attempt: number }
  | { readonly note: "error"; readonly error: string }
  | { readonly note: "holding"; readonly jobs: readonly number[] }
  | {
    readonly note: "ended";
    readonly call: string;
    readonly error: string;
    readonly after: number;
  }
  | { readonly note: "over"; readonly stats?: Readonly<Record<string, number>> };

/** The exit code of a process that ends as it has chosen to. */
export const CHOSEN = 7;
