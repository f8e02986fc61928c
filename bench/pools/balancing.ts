/**
 * The strategies of the pool on three loads, in real time. A task is a wait of so many milliseconds, as
 * for I/O; all strategies get the same tasks at the same times.
 *
 * @module
 */
import { sleep } from "../../mod.ts";
import {
  central,
  roundRobin,
  sharedQueue,
  type Strategy,
  WorkerPool,
  workStealing,
} from "../../tasks/mod.ts";
import { quantile } from "../harness/figures.ts";

export const WORKERS = 8;
const TASKS = 1_000;
/** How much of what the workers can do at best is asked of them. */
export const UTILISATION = 0.75;

/** In the order of the report. */
export const strategies: Readonly<Record<string, () => Strategy>> = {
  "shared queue": sharedQueue,
  "round robin": roundRobin,
  "work stealing": workStealing,
  "central": central,
};

/** A task: when it comes, and how long it takes, in milliseconds. */
interface Arrival {
  readonly at: number;
  readonly takes: number;
}

/** A load: what it is, and its tasks. */
export interface Load {
  readonly what: string;
  readonly tasks: readonly Arrival[];
}

/** A generator of numbers from 0 to 1 that gives the same ones each time (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One after the other, so that the workers are busy for the share `UTILISATION` of the time. */
function steady(durations: readonly number[]): Arrival[] {
  const mean = durations.reduce((sum, ms) => sum + ms, 0) / durations.length;
  const gap = mean / (WORKERS * UTILISATION);
  return durations.map((takes, i) => ({ at: i * gap, takes }));
}

const random = seeded(42);
const even = Array.from({ length: TASKS }, () => 8);
const skewed = Array.from({ length: TASKS }, () => random() < 0.95 ? 4 : 84);
const mixed = Array.from({ length: TASKS }, () => 2 + Math.round(12 * random()));

/** The three loads of the report; a task takes 8 ms in the mean in all of them. */
export const loads: Readonly<Record<string, Load>> = {
  even: { what: "each task takes 8 ms, and they come evenly", tasks: steady(even) },
  skewed: {
    what: "19 of 20 tasks take 4 ms, one takes 84 ms, and they come evenly",
    tasks: steady(skewed),
  },
  bursty: {
    what: "tasks take 2 to 14 ms, and come 100 at a time",
    tasks: steady(mixed).map(({ takes }, i, all) => ({ at: all[i - i % 100]!.at, takes })),
  },
};

/** What one run of a load gave. */
export interface Run {
  /** Tasks a second, when all are submitted at once. */
  readonly throughput: number;
  /** How long tasks waited, in milliseconds, when they came as the load has it. */
  readonly p50: number;
  readonly p99: number;
  /** Jain's index of the workers' busy time: 1 if all were as busy, 1/n if one did it all. */
  readonly fairness: number;
  /** The share of the tasks that were stolen. */
  readonly stolen: number;
}

/** Runs a load by a strategy. */
export async function runLoad({ tasks }: Load, make: () => Strategy): Promise<Run> {
  const burst = new WorkerPool({ workers: WORKERS, strategy: make() });
  const start = performance.now();
  await Promise.all(tasks.map(({ takes }) => burst.submit((ctx) => sleep(takes, ctx))));
  const throughput = tasks.length / (performance.now() - start) * 1_000;

  const pool = new WorkerPool({ workers: WORKERS, strategy: make() });
  const waits: number[] = [];
  const began = performance.now();
  const results: Promise<void>[] = [];
  for (const { at, takes } of tasks) {
    const early = at - (performance.now() - began);
    if (early > 0) await sleep(early);
    const submitted = performance.now();
    results.push(pool.submit(async (ctx) => {
      waits.push(performance.now() - submitted);
      await sleep(takes, ctx);
    }));
  }
  await Promise.all(results);
  const { workers } = pool.stats();
  return {
    throughput,
    p50: quantile(waits, 0.5),
    p99: quantile(waits, 0.99),
    fairness: jain(workers.map(({ busy }) => busy)),
    stolen: workers.reduce((sum, { stolen }) => sum + stolen, 0) / tasks.length,
  };
}

/** Jain's index of fairness (Jain, Chiu, Hawe: DEC-TR-301, 1984). */
export function jain(shares: readonly number[]): number {
  const sum = shares.reduce((total, share) => total + share, 0);
  const squares = shares.reduce((total, share) => total + share ** 2, 0);
  return squares === 0 ? 1 : sum ** 2 / (shares.length * squares);
}

/** Nanoseconds to submit and run a task that does nothing, for a number of workers. */
export async function dispatchCost(make: () => Strategy, workers: number): Promise<number> {
  const count = 50_000;
  const pool = new WorkerPool({ workers, strategy: make(), nested: "queue" });
  const results: Promise<void>[] = [];
  const start = performance.now();
  for (let i = 0; i < count; i++) results.push(pool.submit(() => {}));
  await Promise.all(results);
  return (performance.now() - start) / count * 1e6;
}
