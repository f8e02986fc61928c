/** The pieces of `flow/`. The rate limiter is a token bucket; `sluice_window.ts` has the other. */
import {
  Batcher,
  Bulkhead,
  CircuitBreaker,
  Router,
  TokenBucket,
  WeightedSplit,
} from "../../flow/mod.ts";
import { type AnyBatcher, batchedItems, batchWorkloads } from "./batches.ts";
import { type FlowContestant, HOUR, type Job, noop } from "./contest.ts";
import {
  type AnyBreaker,
  type AnyBulkhead,
  breakerWorkloads,
  queuedCalls,
  queueWorkloads,
  refusalWorkloads,
} from "./guards.ts";
import { type AnyLimiter, limitedCalls, rateWorkloads } from "./rates.ts";
import { type AnyRouter, routerWorkloads } from "./routers.ts";

function limiter(limit: number, interval: number): AnyLimiter {
  const bucket = new TokenBucket({ rate: limit, per: interval });
  return {
    run: (job) => bucket.run(job),
    runUntil: (job, signal) => bucket.run(job, signal),
    acquire: () => bucket.acquire(),
    tryAcquire: () => bucket.tryAcquire(),
    end: () => bucket.reset(),
  };
}

function batcher(handle: (items: readonly number[]) => void, maxCount: number): AnyBatcher {
  // All batches at once, as the others do.
  const options = { maxCount, concurrency: Infinity };
  const batcher = new Batcher<number, number>((items) => {
    handle(items);
    return items;
  }, options);
  return { submit: (item) => batcher.submit(item) };
}

function lingering(): AnyBatcher {
  const options = { maxCount: Number.MAX_SAFE_INTEGER, linger: HOUR };
  const batcher = new Batcher<number>(noop, options);
  return { submit: (item) => batcher.submit(item) };
}

function breaker(): AnyBreaker {
  const breaker = new CircuitBreaker({ minCalls: 10, errorShare: 0.5 });
  return {
    run: (job) => breaker.run(job),
    open: () => breaker.trip(),
    isOpen: () => breaker.state === "open",
    end: () => {},
  };
}

function bulkheadOf(capacity: number): (limit: number) => AnyBulkhead {
  return (limit) => {
    const bulkhead = new Bulkhead({ limit, capacity });
    return { run: (job) => bulkhead.run(job), end: () => {} };
  };
}

function router(first: Job, second: Job): AnyRouter {
  const choose = new WeightedSplit({ first: 90, second: 10 });
  const router = new Router({ routes: { first, second }, choose });
  return {
    run: () => router.run(undefined),
    counts: () => [router.stats().first.calls, router.stats().second.calls],
    end: () => {},
  };
}

export const workloads: FlowContestant["workloads"] = {
  ...rateWorkloads(limiter),
  ...batchWorkloads(batcher, true),
  ...breakerWorkloads(breaker),
  ...queueWorkloads(bulkheadOf(Infinity)),
  ...refusalWorkloads(bulkheadOf(0)),
  ...routerWorkloads(router),
};

export const holdings: FlowContestant["holdings"] = {
  limited: limitedCalls(limiter),
  batched: batchedItems(lingering),
  queued: queuedCalls(bulkheadOf(Infinity)),
};
