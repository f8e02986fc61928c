/**
 * The workload of batches.
 *
 * @module
 */
import { atOnce, checkCount, type FlowWorkload } from "./contest.ts";

/** What makes batches, as far as the workload uses it. */
export interface AnyBatcher {
  /** Gives the item back, as its result; undefined where items have no results. */
  submit(item: number): Promise<number | void>;
}

/** Makes one that calls `handle` with each batch. */
export type MakeBatcher = (handle: (items: readonly number[]) => void, most: number) => AnyBatcher;

/** How many items a batch has. */
const MOST = 128;

/** The workload, for a kind of batcher. `hasResults`: each caller gets the result of his own item. */
export function batchWorkloads(
  make: MakeBatcher,
  hasResults: boolean,
): Record<"B1", FlowWorkload> {
  return {
    B1: async (count) => {
      let [batches, next] = [0, 0];
      const batcher = make((items) => {
        batches++;
        if (items.length > MOST) throw new Error(`a batch of ${items.length}`);
        checkCount("the first item of a batch", items[0]!, next);
        next += items.length;
      }, MOST);
      const results: Promise<number | void>[] = [];
      const took = await atOnce(count, (i) => results[i] = batcher.submit(i));
      checkCount("items", next, count);
      checkCount("batches", batches, Math.ceil(count / MOST));
      if (!hasResults) return took;
      for (let i = 0; i < count; i++) checkCount("the result of an item", (await results[i])!, i);
      return took;
    },
  };
}

/** What is measured of memory: items that wait for their batch. `make` gives one that never hands over. */
export function batchedItems(make: () => AnyBatcher): (count: number) => unknown {
  return (count) => {
    const batcher = make();
    for (let i = 0; i < count; i++) void batcher.submit(i);
    return batcher;
  };
}
