/** `opossum`: a breaker whose capacity is a bulkhead without a line. It is told its job by an argument. */
import Opossum from "opossum";
import type { FlowContestant, Job } from "./contest.ts";
import { type AnyBreaker, type AnyBulkhead, breakerWorkloads, refusalWorkloads } from "./guards.ts";
import { type AnyRouter, routerWorkloads } from "./routers.ts";

/** What is used of it; the types of DefinitelyTyped would bring those of Node into every check. */
export interface OpossumBreaker {
  readonly opened: boolean;
  readonly closed: boolean;
  readonly halfOpen: boolean;
  readonly stats: { readonly successes: number };
  fire(job: Job): Promise<unknown>;
  open(): void;
  shutdown(): void;
}

/** Makes one. */
export function opossum(options: Readonly<Record<string, unknown>>): OpossumBreaker {
  const Breaker = Opossum as unknown as new (
    action: (job: Job) => Promise<void>,
    options: object,
  ) => OpossumBreaker;
  // It keeps the object, and writes into it.
  return new Breaker((job) => job(), { ...options });
}

/** The workloads, with options that make it do less or more. */
export function workloadsWith(
  more: Readonly<Record<string, unknown>>,
): FlowContestant["workloads"] {
  const breaker = (): AnyBreaker => {
    const breaker = opossum({
      timeout: false,
      volumeThreshold: 10,
      errorThresholdPercentage: 50,
      ...more,
    });
    return {
      run: (job) => breaker.fire(job),
      open: () => breaker.open(),
      isOpen: () => breaker.opened,
      end: () => breaker.shutdown(),
    };
  };
  const bulkhead = (capacity: number): AnyBulkhead => {
    // Those that it refuses count as failures, and are not to open it.
    const options = { timeout: false, capacity, volumeThreshold: Number.MAX_SAFE_INTEGER };
    const breaker = opossum({ ...options, ...more });
    return { run: (job) => breaker.fire(job), end: () => breaker.shutdown() };
  };
  // It routes nothing: a breaker for each version, and a counter that chooses.
  const router = (first: Job, second: Job): AnyRouter => {
    const options = { timeout: false, ...more };
    const breakers = [opossum(options), opossum(options)] as const;
    let calls = 0;
    return {
      run: () => ++calls % 10 === 0 ? breakers[1].fire(second) : breakers[0].fire(first),
      counts: () => [breakers[0].stats.successes, breakers[1].stats.successes],
      end: () => breakers.forEach((breaker) => breaker.shutdown()),
    };
  };
  return {
    ...breakerWorkloads(breaker),
    ...refusalWorkloads(bulkhead),
    ...routerWorkloads(router),
  };
}

export const workloads: FlowContestant["workloads"] = workloadsWith({});
