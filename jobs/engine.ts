/**
 * What an engine of a job queue does. The handle above it checks arguments, encodes and decodes, keeps the
 * leases, and buries what is out of attempts; an engine stores, orders, waits and counts.
 *
 * - `put`, `take` and `join` wait, and heed `wait`, which has not ended when they are called: a call that
 *   ends early leaves nothing in the engine, and rejects with the cause itself. With a timeout of 0 or
 *   less they try once. The handle ends them all when it is closed, by the same way.
 * - `take` never loses what it has taken: what comes too late for its caller goes to another, or back.
 * - The others need no answer but the engine's own; the handle waits for them only as long as its caller.
 *
 * @module
 */
import type { Wait } from "../core/contract.ts";
import type { Payload } from "./codec.ts";
import type { JobStats } from "./job_queue.ts";

/** A job that is put. */
export interface NewJob {
  readonly id: string;
  /** The id was given as a `dedupeId`: the queue may have it already. */
  readonly named: boolean;
  readonly payload: Payload;
  /** From 0, which goes first. */
  readonly level: number;
  /** Milliseconds until it is handed out for the first time. */
  readonly delay: number;
}

/** A job that is handed out. Engines add what they need to know it by. */
export interface Delivery {
  readonly id: string;
  readonly payload: Payload;
  readonly level: number;
  /** 1 the first time; it may be more than the attempts that are allowed: then it is not handed on. */
  readonly attempt: number;
  /** Milliseconds until its lease runs out, 0 if it has. */
  timeLeft(): number;
}

/** What becomes of a job that was handed out. */
export type Verdict =
  | { readonly kind: "done" }
  | { readonly kind: "retry"; readonly delay: number }
  | { readonly kind: "bury"; readonly reason: string };

/** A job that was given up. */
export interface Buried {
  readonly id: string;
  readonly payload: Payload;
  readonly level: number;
  readonly attempts: number;
  readonly reason: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Where a list goes on after it. Later ones are greater. */
  readonly position: number;
}

/** Stores jobs. Groups are those that the queue was opened with. */
export interface JobEngine<D extends Delivery = Delivery> {
  /** Resolves when it is stored: true; or false, if it is a duplicate. Waits while the queue is full. */
  put(job: NewJob, wait: Wait): Promise<boolean>;

  /** Up to `max` jobs: those that are there, or the first that comes. None: it is to be asked again. */
  take(group: string, max: number, wait: Wait): Promise<D[]>;

  /**
   * Settles jobs alike, in one step where it can; resolves when that is stored. Each: whether the lease had not
   * ended before. If it had, `done` finishes the job all the same, and the others do nothing.
   */
  settle(group: string, deliveries: readonly D[], verdict: Verdict): Promise<boolean[]>;

  /** Begins a lease anew; `timeLeft` knows. false: it had ended before. */
  extend(group: string, delivery: D): Promise<boolean>;

  /** Waits until nothing is unfinished in any group. */
  join(wait: Wait): Promise<void>;

  stats(group: string): Promise<JobStats>;

  /** Up to `limit` of those whose position is greater than `after`, in their order. */
  buried(group: string, after: number, limit: number): Promise<Buried[]>;

  /** The last with this id; undefined: there is none. */
  findBuried(group: string, id: string): Promise<Buried | undefined>;

  /** Puts it back, as a new job of this group with the same id; waits while the queue is full. false: not there. */
  revive(group: string, id: string, wait: Wait): Promise<boolean>;

  /** Forgets it. false: not there. */
  removeBuried(group: string, id: string): Promise<boolean>;

  /** The handle is about to be closed: what is to be stored is to be stored soon, or not at all. */
  closing?(): void;

  /** Lets go of everything. All waits have ended, and all leases that could be were given back. */
  close(): Promise<void>;
}
