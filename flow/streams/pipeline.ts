import { checkFunction, checkOptions, show } from "../../core/check.ts";
import type { Cancel, WaitOptions } from "../../core/contract.ts";
import { checkWait } from "../../core/wait.ts";
import { ResultStream } from "../../tasks/result_stream.ts";
import { isCancel } from "../../tasks/results.ts";
import type { Producer } from "../../tasks/tap.ts";
import type { Mapper } from "../../tasks/worker_pool.ts";
import { checkSize } from "../checks.ts";
import type { FlowStream, StreamStats } from "./flow_stream.ts";

/**
 * How a pipeline runs.
 *
 * @example
 * ```ts
 * import { pipeline, type PipelineOptions } from "@sluice/sluice/flow";
 *
 * const options: PipelineOptions = { workers: 8, ordered: false, timeout: 60_000 };
 * for await (const n of pipeline([1, 2], (n) => 2 * n, options)) console.log(n);
 * ```
 */
export interface PipelineOptions extends WaitOptions {
  /**
   * How many calls may run at a time, or have results that nobody has read: a finite integer of at
   * least 1; 4 if left out.
   */
  readonly workers?: number | undefined;
  /** In the order of the source, if left out; otherwise each result as soon as it is there. */
  readonly ordered?: boolean | undefined;
}

/**
 * How a {@linkcode pipeline} is doing.
 *
 * @example
 * ```ts
 * import { pipeline, type PipelineStats } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const doubled = pipeline([1, 2, 3], (n) => 2 * n, { workers: 2 });
 * await doubled.next();
 * const { given, running }: PipelineStats = doubled.stats();
 * assertEquals(given, 1);
 * console.log(`${running} calls run`);
 * ```
 */
export interface PipelineStats extends StreamStats {
  /** How many calls run; those whose results are not wanted any more may run on. */
  readonly running: number;
}

/**
 * What a {@linkcode pipeline} gives: a stream that tells how many calls run, too.
 *
 * @example
 * ```ts
 * import { type Pipeline, pipeline } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const doubled: Pipeline<number> = pipeline([1, 2, 3], (n) => 2 * n);
 * assertEquals(doubled.stats().running, 0);
 * await doubled.return();
 * ```
 */
export interface Pipeline<R> extends FlowStream<R> {
  /** How it is doing. It changes nothing, and reads nothing. */
  stats(): PipelineStats;
}

/**
 * What a function makes of each value, several at a time. From the first `next` on values are read ahead:
 * `workers` of them at most, whose results nobody has read. What was read ahead is not put back when the
 * loop is left; then the context of all calls that run ends.
 *
 * @example
 * ```ts
 * import { pipeline } from "@sluice/sluice/flow";
 * import { sleep } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const seen: number[] = [];
 * const slowly = async (ms: number) => {
 *   await sleep(ms);
 *   return ms;
 * };
 * for await (const ms of pipeline([3, 1, 2], slowly, { workers: 3 })) seen.push(ms);
 * assertEquals(seen, [3, 1, 2]);
 * ```
 *
 * @throws TypeError or RangeError if an argument is not what it may be.
 */
export function pipeline<T, R>(
  source: Producer<T>,
  fn: Mapper<T, R>,
  options?: Cancel | PipelineOptions,
): Pipeline<R> {
  checkFunction("fn", fn);
  const { workers, ordered } = settingsOf(options);
  checkWait(options);
  return new ResultStream<T, R>(source, async (item, ctx, index) => await fn(item, ctx, index), {
    order: ordered ? "submission" : "completion",
    ahead: workers,
    wait: options,
  });
}

function settingsOf(
  options: Cancel | PipelineOptions | undefined,
): { readonly workers: number; readonly ordered: boolean } {
  if (options === undefined || isCancel(options)) return { workers: 4, ordered: true };
  checkOptions("options", options);
  const { workers = 4, ordered = true } = options;
  checkSize("workers", workers);
  if (typeof ordered !== "boolean") {
    throw new TypeError(`ordered must be true or false, not ${show(ordered)}`);
  }
  return { workers, ordered };
}
