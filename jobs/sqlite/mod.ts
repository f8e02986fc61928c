/**
 * Job queues in a file: durable, for the processes of one host, on the SQLite that is built into Deno.
 *
 * @example
 * ```ts
 * import { sqliteJobs } from "@sluice/sluice/jobs/sqlite";
 * import { assertEquals } from "@std/assert";
 *
 * const file = await Deno.makeTempFile({ suffix: ".db" });
 * await using mails = await sqliteJobs<{ to: string }>(file);
 * await mails.put({ to: "ada@example.com" }, { dedupeId: "order-17" });
 *
 * await using job = await mails.get({ timeout: 5_000 });
 * assertEquals([job.id, job.value.to], ["order-17", "ada@example.com"]);
 * await job.done();
 * ```
 *
 * @module
 */
export {
  type SqliteDoneStore,
  sqliteDoneStore,
  type SqliteDoneStoreOptions,
} from "./done_store.ts";
export { sqliteJobs, type SqliteJobsOptions } from "./sqlite_jobs.ts";
export type { BytesCodec, Codec, TextCodec } from "../codec.ts";
export type { DeadLetter, DeadLetters, DeadListOptions } from "../dead_letters.ts";
export type { DoneStore } from "../done_store.ts";
export type { JobQueueOptions } from "../job_options.ts";
export type {
  JobLease,
  JobQueue,
  JobStats,
  PutOptions,
  PutReceipt,
  RetryJobOptions,
} from "../job_queue.ts";
export { ContextKey } from "../../core/context_key.ts";
export type {
  BatchOptions,
  Cancel,
  Context,
  Receiver,
  ReceiverIterator,
  Wait,
  WaitOptions,
} from "../../core/contract.ts";
export { CanceledError, DeadlineExceededError } from "../../core/errors.ts";
export {
  type Received,
  type Sink,
  type SinkPort,
  sinkPort,
  type Source,
  type SourcePort,
  sourcePort,
  type Waiter,
} from "../../core/protocol.ts";
export type { Clock, Timer } from "../../tasks/clock.ts";
