/**
 * Work that must not be lost: one small queue of jobs, in memory, in a file, or on a cluster.
 *
 * - {@linkcode memoryJobs}: in the memory of one process; the default, and for tests.
 * - `sqliteJobs` of `@sluice/sluice/jobs/sqlite`: durable, for the processes of one host.
 * - `natsJobs` of `@sluice/sluice/jobs/nats`: durable, for many hosts, on a NATS server with JetStream.
 *
 * All give the same {@linkcode JobQueue}: jobs are handed out as leases, at least once, until they are
 * done, and those that are given up wait among the dead letters.
 *
 * @example
 * ```ts
 * import { memoryJobs } from "@sluice/sluice/jobs";
 * import { assertEquals } from "@std/assert";
 *
 * await using mails = await memoryJobs<{ to: string }>();
 * await mails.put({ to: "ada@example.com" }, { dedupeId: "order-17" });
 *
 * await using job = await mails.get({ timeout: 5_000 });
 * assertEquals([job.id, job.value.to], ["order-17", "ada@example.com"]);
 * await job.done();
 * ```
 *
 * @module
 */
export type { BytesCodec, Codec, TextCodec } from "./codec.ts";
export { type BatchJobHandler, consume, type JobHandler } from "./consume.ts";
export type {
  BatchConsumeOptions,
  ConsumeOptions,
  ConsumeStats,
  RetryFailedOptions,
} from "./consume_options.ts";
export type { DeadLetter, DeadLetters, DeadListOptions } from "./dead_letters.ts";
export { type DoneStore, memoryDoneStore, type MemoryDoneStoreOptions } from "./done_store.ts";
export { JobQueueError, type JobQueueErrorReason } from "./errors.ts";
export { idempotent, type IdempotentOptions } from "./idempotent.ts";
export type { JobQueueOptions } from "./job_options.ts";
export type {
  JobLease,
  JobQueue,
  JobStats,
  PutOptions,
  PutReceipt,
  RetryJobOptions,
} from "./job_queue.ts";
export { memoryJobs, type MemoryJobsOptions } from "./memory_jobs.ts";
export type { StopSignal } from "./stop_signals.ts";
export { ContextKey } from "../core/context_key.ts";
export type {
  BatchOptions,
  Cancel,
  Context,
  Receiver,
  ReceiverIterator,
  Wait,
  WaitOptions,
} from "../core/contract.ts";
export { CanceledError, ClosedError, DeadlineExceededError } from "../core/errors.ts";
export type { ClosedErrorOptions } from "../core/errors.ts";
export {
  type Received,
  type Sink,
  type SinkPort,
  sinkPort,
  type Source,
  type SourcePort,
  sourcePort,
  type Waiter,
} from "../core/protocol.ts";
export type { Clock, Timer } from "../tasks/clock.ts";
