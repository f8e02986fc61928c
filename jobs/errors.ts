/**
 * What can go wrong with a job queue beside its arguments and its end: the engine.
 *
 * @module
 */
import { brand } from "../core/brand.ts";

/**
 * What a {@linkcode JobQueueError} says about itself.
 *
 * - `"unreachable"`: nobody answers under the server's address.
 * - `"unauthorized"`: the server does not accept the credentials, or refuses what they are used for; or
 *   server and client do not agree on TLS.
 * - `"unsupported"`: the server lacks what the engine needs, such as JetStream.
 * - `"mismatch"`: the stored queue has other options than those given.
 * - `"storage"`: the engine cannot store: a disk is full, a file cannot be written.
 * - `"too-large"`: a value is larger than the engine stores.
 *
 * @example
 * ```ts
 * import type { JobQueueErrorReason } from "@sluice/sluice/jobs";
 *
 * const worthAnotherTry: JobQueueErrorReason[] = ["unreachable", "storage"];
 * console.log(worthAnotherTry);
 * ```
 */
export type JobQueueErrorReason =
  | "unreachable"
  | "unauthorized"
  | "unsupported"
  | "mismatch"
  | "storage"
  | "too-large";

/**
 * The engine of a job queue cannot do what it is asked for. What was accepted before is not lost.
 *
 * @example
 * ```ts
 * import { JobQueueError, memoryJobs } from "@sluice/sluice/jobs";
 *
 * await using mails = await memoryJobs<string>();
 * try {
 *   await mails.put("hello");
 * } catch (error) {
 *   if (error instanceof JobQueueError && error.reason === "storage") {
 *     console.error("make room on the disk", error.cause);
 *   }
 *   throw error;
 * }
 * ```
 */
export class JobQueueError extends Error {
  /** Stays the same over all versions. */
  readonly code = "SLUICE_JOB_QUEUE" as const;
  /** What kind of failure it is. */
  readonly reason: JobQueueErrorReason;
  static {
    brand(this, "JobQueueError");
  }

  /** Made by the engines; public for those who test how they deal with it. */
  constructor(message: string, reason: JobQueueErrorReason, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
