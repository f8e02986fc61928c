/**
 * What an operation costs when there is a crowd: nanoseconds with 1, 10, 1,000 and 100,000 others
 * that wait, or items that are queued. All but the heap should be flat, and that grow as log n does.
 *
 * @module
 */
import { background, Channel, PriorityQueue, Queue, recv, select, withCancel } from "../mod.ts";
import { pseudoRandom } from "./checks.ts";
import { median } from "./harness/figures.ts";

/** The sizes of the crowd. */
export const sizes = [1, 10, 1_000, 100_000] as const;

/** One kind of operation. */
export interface Growth {
  readonly what: string;
  /** Nanoseconds, for each size. */
  readonly figures: readonly number[];
}

/** Prepares a crowd; the result is one operation beside it. */
type Prepare = (size: number) => () => void;

const settle = (promise: Promise<unknown>): void => void promise.catch(() => {});

const operations: Readonly<Record<string, Prepare>> = {
  "send to the first of n parked receives, and park one more": (size) => {
    const ch = new Channel<number>();
    for (let i = 0; i < size; i++) settle(ch.receive());
    return () => {
      ch.trySend(1);
      settle(ch.receive());
    };
  },
  "receive from the first of n parked sends, and park one more": (size) => {
    const ch = new Channel<number>();
    for (let i = 0; i < size; i++) settle(ch.send(i));
    return () => {
      ch.tryReceive();
      settle(ch.send(1));
    };
  },
  "put and get, n queued": (size) => {
    const queue = new Queue<number>();
    for (let i = 0; i < size; i++) queue.tryPut(i);
    return () => {
      queue.tryPut(1);
      queue.tryGet();
    };
  },
  "put and get by priority, n queued": (size) => {
    const queue = new PriorityQueue<number>({ priority: (n) => n });
    const random = pseudoRandom();
    for (let i = 0; i < size; i++) queue.tryPut(random());
    return () => {
      queue.tryPut(random());
      queue.tryGet();
    };
  },
  "park a receive with a context and cancel it, n others parked": (size) => {
    const ch = new Channel<number>();
    for (let i = 0; i < size; i++) settle(ch.receive());
    const reason = new Error("enough");
    return () => {
      const ctx = withCancel(background());
      settle(ch.receive(ctx));
      ctx.cancel(reason);
    };
  },
  "select that parks beside n others, and is served elsewhere": (size) => {
    const crowded = new Channel<number>();
    const quiet = new Channel<number>();
    for (let i = 0; i < size; i++) settle(crowded.receive());
    const cases = { crowded: recv(crowded), quiet: recv(quiet) };
    return () => {
      settle(select(cases));
      quiet.trySend(1);
    };
  },
};

const REPEATS = 9;
const COUNT = 2_000;

/** One sample, in batches, so that what was settled is done with now and then. */
async function sample(operation: () => void): Promise<number> {
  let took = 0;
  for (let batch = 0; batch < 5; batch++) {
    const start = performance.now();
    for (let i = 0; i < COUNT; i++) operation();
    took += performance.now() - start;
    await new Promise((resolve) => setTimeout(resolve));
  }
  return took * 1e6 / (5 * COUNT);
}

/** Measures them all; rounds go over the sizes, so that a slow moment falls on all. */
export async function growth(): Promise<Growth[]> {
  const result: Growth[] = [];
  for (const [what, prepare] of Object.entries(operations)) {
    const runs = sizes.map((size) => ({ operation: prepare(size), figures: [] as number[] }));
    for (let round = -3; round < REPEATS; round++) {
      for (const { operation, figures } of runs) {
        const figure = await sample(operation);
        if (round >= 0) figures.push(figure);
      }
    }
    result.push({ what, figures: runs.map(({ figures }) => median(figures)) });
  }
  return result;
}
