/**
 * Results of several jobs: one by one as they come, or all together.
 *
 * @module
 */
import { checkCount, checkOptions, show } from "../core/check.ts";
import type { Cancel, ReceiverIterator, WaitOptions } from "../core/contract.ts";
import { ScopedContext } from "../core/scoped_context.ts";
import { type Job, observed } from "./job.ts";
import { ResultStream } from "./result_stream.ts";

/**
 * How results are collected.
 *
 * @example
 * ```ts
 * import { collect, type ResultOptions } from "@sluice/sluice/tasks";
 * import { assertEquals } from "@std/assert";
 *
 * const options: ResultOptions = { limit: 2, errors: "values", timeout: 1_000 };
 * const [one] = await collect([() => Promise.reject("no")], options);
 * assertEquals(one, { status: "rejected", reason: "no" });
 * ```
 */
export interface ResultOptions extends WaitOptions {
  /** Of completion: as soon as a job has ended; of submission: in the order of the jobs. */
  readonly order?: "completion" | "submission" | undefined;
  /** How many jobs may run, or have results that nobody has read yet; Infinity if left out. */
  readonly limit?: number | undefined;
  /**
   * "throw", if left out: the first error ends it all. "values": each result is a
   * PromiseSettledResult, and nothing is thrown.
   */
  readonly errors?: "throw" | "values" | undefined;
}

/**
 * What gives results: jobs, or promises of what somebody has started already.
 *
 * @example
 * ```ts
 * import { collect, type Jobs } from "@sluice/sluice/tasks";
 * import { assertEquals } from "@std/assert";
 *
 * const jobs: Jobs<number> = [() => 1, Promise.resolve(2)];
 * assertEquals(await collect(jobs), [1, 2]);
 * ```
 */
export type Jobs<R> = Iterable<Job<R> | PromiseLike<R>> | AsyncIterable<Job<R> | PromiseLike<R>>;

/**
 * The results of jobs, one by one, in order of completion if nothing else is said; asyncio's
 * `as_completed`. Jobs are started when the first result is asked for, at most `limit` at a time.
 * Leaving the loop ends the context of those that run.
 *
 * @example
 * ```ts
 * import { results } from "@sluice/sluice/tasks";
 * import { sleep } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * const after = (ms: number) => async () => {
 *   await sleep(ms);
 *   return ms;
 * };
 * const seen: number[] = [];
 * for await (const ms of results([after(20), after(1)])) seen.push(ms);
 * assertEquals(seen, [1, 20]);
 * ```
 *
 * @throws TypeError or RangeError if an argument is not what it may be.
 */
export function results<R>(
  jobs: Jobs<R>,
  options: ResultOptions & { readonly errors: "values" },
): ReceiverIterator<PromiseSettledResult<R>>;
/** Throws the first error. */
export function results<R>(jobs: Jobs<R>, options?: Cancel | ResultOptions): ReceiverIterator<R>;
export function results<R>(
  jobs: Jobs<R>,
  options?: Cancel | ResultOptions,
): ReceiverIterator<R | PromiseSettledResult<R>> {
  return resultsIn("completion", jobs, options);
}

/**
 * The results of jobs, all together, in order of submission if nothing else is said; asyncio's
 * `gather`, and `Promise.all` with a limit, a context, and an end for the others when one fails.
 *
 * @example
 * ```ts
 * import { collect } from "@sluice/sluice/tasks";
 * import { assertEquals } from "@std/assert";
 *
 * const jobs = ["a", "b", "c"].map((name) => () => Promise.resolve(name.toUpperCase()));
 * assertEquals(await collect(jobs, { limit: 2 }), ["A", "B", "C"]);
 * ```
 *
 * @throws Rejects with the first error, or the cause of what ended it.
 */
export function collect<R>(
  jobs: Jobs<R>,
  options: ResultOptions & { readonly errors: "values" },
): Promise<PromiseSettledResult<R>[]>;
/** Rejects with the first error. */
export function collect<R>(jobs: Jobs<R>, options?: Cancel | ResultOptions): Promise<R[]>;
export async function collect<R>(
  jobs: Jobs<R>,
  options?: Cancel | ResultOptions,
): Promise<(R | PromiseSettledResult<R>)[]> {
  const all: (R | PromiseSettledResult<R>)[] = [];
  for await (const result of resultsIn("submission", jobs, options)) all.push(result);
  return all;
}

/** `usual` is the order if the options do not say. */
function resultsIn<R>(
  usual: "completion" | "submission",
  jobs: Jobs<R>,
  options: Cancel | ResultOptions | undefined,
): ReceiverIterator<R | PromiseSettledResult<R>> {
  const { order, limit, errors } = settingsOf(options, usual);
  observeStarted(jobs);
  return new ResultStream<Job<R> | PromiseLike<R>, R | PromiseSettledResult<R>>(
    jobs,
    async (work, ctx) => {
      const result = typeof work === "function" ? () => work(ctx) : () => work;
      return errors === "values" ? await settledResult(result) : await result();
    },
    { order, ahead: limit, wait: options },
  );
}

/**
 * Promises in a list may reject before their turn, or when nobody wants them any more. They are told of
 * as results, so that they are no unhandled rejections, as in `Promise.all`.
 */
function observeStarted(jobs: Jobs<unknown>): void {
  if (!Array.isArray(jobs) && !(jobs instanceof Set)) return;
  for (const job of jobs) if (job instanceof Promise) void observed(job);
}

/** The outcome of something as a value. */
export async function settledResult<R>(
  fn: () => R | PromiseLike<R>,
): Promise<PromiseSettledResult<R>> {
  try {
    return { status: "fulfilled", value: await fn() };
  } catch (reason) {
    return { status: "rejected", reason };
  }
}

/** Whether it is a context or a signal, not options. */
export function isCancel(given: unknown): given is Cancel {
  return given instanceof ScopedContext || given instanceof AbortSignal;
}

function settingsOf(
  options: Cancel | ResultOptions | undefined,
  usual: "completion" | "submission",
): { order: "completion" | "submission"; limit: number; errors: "throw" | "values" } {
  if (options === undefined || isCancel(options)) {
    return { order: usual, limit: Infinity, errors: "throw" };
  }
  checkOptions("options", options);
  const { order = usual, limit = Infinity, errors = "throw" } = options;
  checkOneOf("order", order, ["completion", "submission"]);
  checkOneOf("errors", errors, ["throw", "values"]);
  checkCount("limit", limit, 1);
  return { order, limit, errors };
}

/** Throws TypeError if the value is none of those. */
export function checkOneOf(name: string, value: unknown, allowed: readonly string[]): void {
  if (!allowed.includes(value as string)) {
    const list = allowed.map((one) => JSON.stringify(one)).join(" or ");
    throw new TypeError(`${name} must be ${list}, not ${show(value)}`);
  }
}
