/**
 * `bottleneck`: limits with `reservoir` and `maxConcurrent`, and a batcher without results. A call waits
 * for several timers, one after the other and each behind those of the call before, so it does a few
 * hundred calls only.
 */
import Bottleneck from "bottleneck";
import { type AnyBatcher, batchedItems, batchWorkloads } from "./batches.ts";
import { type FlowContestant, sampled } from "./contest.ts";
import { type AnyBulkhead, queuedCalls, queueWorkloads, refusalWorkloads } from "./guards.ts";
import { type AnyLimiter, limitedCalls, rateWorkloads } from "./rates.ts";

/** How many calls it does, of 10,000. */
export const SOME = 200;

function limiter(limit: number, interval: number): AnyLimiter {
  const limiter = new Bottleneck({
    minTime: 0,
    reservoir: limit,
    reservoirRefreshAmount: limit,
    reservoirRefreshInterval: interval,
  });
  return { run: (job) => limiter.schedule(job), end: () => end(limiter) };
}

async function end(limiter: Bottleneck): Promise<void> {
  await limiter.stop({ dropWaitingJobs: true });
  await limiter.disconnect();
}

function batcher(handle: (items: readonly number[]) => void, maxSize: number): AnyBatcher {
  const batcher = new Bottleneck.Batcher({ maxSize, maxTime: 0 });
  batcher.on("batch", handle);
  return { submit: (item) => batcher.add(item) };
}

function lingering(): AnyBatcher {
  const batcher = new Bottleneck.Batcher({});
  return { submit: (item) => batcher.add(item) };
}

function bulkhead(maxConcurrent: number): AnyBulkhead {
  const limiter = new Bottleneck({ maxConcurrent });
  return { run: (job) => limiter.schedule(job), end: () => end(limiter) };
}

function impatient(maxConcurrent: number): AnyBulkhead {
  const strategy = Bottleneck.strategy.OVERFLOW;
  const limiter = new Bottleneck({ maxConcurrent, highWater: 0, strategy });
  return { run: (job) => limiter.schedule(job), end: () => end(limiter) };
}

export const workloads: FlowContestant["workloads"] = {
  R1: sampled(SOME, rateWorkloads(limiter).R1),
  ...batchWorkloads(batcher, false),
  H1: sampled(SOME, queueWorkloads(bulkhead).H1),
  H2: sampled(SOME, refusalWorkloads(impatient).H2),
};

export const holdings: FlowContestant["holdings"] = {
  limited: limitedCalls(limiter),
  batched: batchedItems(lingering),
  queued: queuedCalls(bulkhead),
};
