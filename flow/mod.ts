/**
 * Flow control: what keeps a busy system standing.
 *
 * @module
 */
export { CircuitOpenError, OverloadError, type OverloadErrorOptions } from "./errors.ts";
export type { Policy, RunOptions } from "./policy.ts";
export {
  type FlowLevel,
  type WaterMarkOptions,
  WaterMarks,
  type WaterMarkStats,
} from "./water_marks.ts";
export type { Job } from "../tasks/job.ts";
export type { Cancel, Context, Wait, WaitOptions } from "../core/contract.ts";
