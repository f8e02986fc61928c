/**
 * Flow control: what keeps a busy system standing.
 *
 * @module
 */
export {
  Batcher,
  type BatcherOptions,
  type BatcherStats,
  type BatchHandler,
  type BatchResults,
} from "./batcher.ts";
export { CircuitOpenError, OverloadError, type OverloadErrorOptions } from "./errors.ts";
export { Failed } from "./failed.ts";
export type { Policy, RunOptions } from "./policy.ts";
export {
  type FlowLevel,
  type WaterMarkOptions,
  WaterMarks,
  type WaterMarkStats,
} from "./water_marks.ts";
export {
  WriteBehind,
  type WriteBehindOptions,
  type WriteBehindStats,
  type Writer,
} from "./write_behind.ts";
export type { Clock, Timer } from "../tasks/clock.ts";
export type { Job } from "../tasks/job.ts";
export type { ShutdownOptions } from "../tasks/pool_options.ts";
export type { RetryOptions } from "../tasks/retry.ts";
export type { Cancel, Context, Wait, WaitOptions } from "../core/contract.ts";
