/** `dataloader`, without its cache: as every key is another, it could not help here. */
import DataLoader from "dataloader";
import { type AnyBatcher, batchedItems, batchWorkloads } from "./batches.ts";
import type { FlowContestant } from "./contest.ts";

function batcher(handle: (items: readonly number[]) => void, maxBatchSize: number): AnyBatcher {
  const loader = new DataLoader<number, number>((items) => {
    handle(items);
    return Promise.resolve(items);
  }, { cache: false, maxBatchSize });
  return { submit: (item) => loader.load(item) };
}

function lingering(): AnyBatcher {
  const options = { cache: false, batchScheduleFn: () => {} };
  const loader = new DataLoader<number, number>((items) => Promise.resolve(items), options);
  return { submit: (item) => loader.load(item) };
}

export const workloads: FlowContestant["workloads"] = batchWorkloads(batcher, true);
export const holdings: FlowContestant["holdings"] = { batched: batchedItems(lingering) };
