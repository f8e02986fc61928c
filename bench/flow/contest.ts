/**
 * What flow control is measured by, and what its contestants share. How a kind of piece does a workload
 * is in `rates.ts`, `batches.ts`, `guards.ts` and `routers.ts`; a contestant says how a piece of its is made.
 *
 * @module
 */

/** In the order of the report. */
export const flowWorkloads = {
  R1: "calls through a rate limit that is never reached, all at once: a call",
  R2: "permission alone, without a job: an `acquire`",
  R3: "permission or a no, without waiting: a `tryAcquire`",
  R4: "cancel one of 10,000 calls that wait for a rate limit, last first: a cancel",
  B1: "items submitted at once, in batches of 128, to a handler that does nothing: an item",
  C1: "calls through a closed breaker, all at once: a call",
  C2: "the same, and one in ten fails: a call",
  C3: "calls that an open breaker refuses: a call",
  H1: "calls through a bulkhead of 64, all at once, so that they queue: a call",
  H2: "calls that a full bulkhead of 64 refuses: a call",
  G1: "calls that are split 90 to 10 between two versions, each of them measured: a call",
} as const;

/** What a workload is called. */
export type FlowWorkloadName = keyof typeof flowWorkloads;

/** What memory is measured of, and how many are made. */
export const flowHoldings = {
  limited: "a call that waits for a rate limit",
  batched: "an item that waits for its batch",
  queued: "a call that waits for a place in a bulkhead",
} as const;

/** What a holding is called. */
export type FlowHoldingName = keyof typeof flowHoldings;

/** Runs so many, and gives the milliseconds that they took. */
export type FlowWorkload = (count: number) => Promise<number>;

/** What each module of this folder exports that takes part. */
export interface FlowContestant {
  readonly workloads: Partial<Record<FlowWorkloadName, FlowWorkload>>;
  readonly holdings?: Partial<Record<FlowHoldingName, (count: number) => unknown>>;
}

/** What is run. */
export type Job = () => Promise<void>;

/** Longer than anything that is measured. */
export const HOUR = 3_600_000;

export async function noop(): Promise<void> {}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits until it is so, and a while longer, since what is not to happen may come late. */
export async function settledAt(isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !isSo(); i++) await sleep(5);
  await sleep(30);
}

export function checkCount(what: string, count: number, expected: number): void {
  if (count !== expected) throw new Error(`${what}: ${expected} were expected, not ${count}`);
}

/** Makes so many calls at once, and gives the milliseconds until all have succeeded. */
export async function atOnce(
  count: number,
  call: (i: number) => Promise<unknown>,
): Promise<number> {
  const results: Promise<unknown>[] = [];
  const start = performance.now();
  for (let i = 0; i < count; i++) results.push(call(i));
  await Promise.all(results);
  return performance.now() - start;
}

/** The same for calls that may fail: as many as expected must. */
export async function failing(
  count: number,
  expected: number,
  call: () => Promise<unknown>,
): Promise<number> {
  let failures = 0;
  const took = await atOnce(count, () => call().then(undefined, () => void failures++));
  checkCount("failures", failures, expected);
  return took;
}

/** Looks once whether a contestant does what is measured, before it is. */
export function checked(check: () => Promise<void>, workload: FlowWorkload): FlowWorkload {
  let isChecked = false;
  return async (count) => {
    if (!isChecked) await check();
    isChecked = true;
    return await workload(count);
  };
}

/** For one that takes so long that it does only some of them, and the time is taken that many would need. */
export function sampled(most: number, workload: FlowWorkload | undefined): FlowWorkload {
  return async (count) => {
    const some = Math.min(count, most);
    return await workload!(some) * count / some;
  };
}
