/**
 * What is done with a store, and how long it takes. A store is empty before each of them, and after; but
 * for a backlog, which stays as large as it is.
 *
 * @module
 */
import { median, quantile } from "../harness/figures.ts";
import { checkCount, inFlight, type JobStore, Ledger, type Value, valueAt } from "./contest.ts";

/** What a process is asked for; the answer is in numbers. */
export type Task =
  /** Nanoseconds of so many puts, `inFlight` at a time. */
  | { readonly kind: "put"; readonly inFlight: number; readonly count: number }
  /** Nanoseconds until so many jobs are got and done. */
  | {
    readonly kind: "drain";
    readonly workers: number;
    readonly batch: number;
    readonly count: number;
  }
  /** Microseconds from the call of `put` until a worker has it: the median, and the 99th percentile. */
  | { readonly kind: "latency"; readonly perSecond: number; readonly count: number }
  /** Makes a queue in which so many wait; the milliseconds that it took. */
  | { readonly kind: "backlog"; readonly size: number }
  /** Nanoseconds that so many of these take beside a backlog of that size. */
  | {
    readonly kind: "beside";
    readonly size: number;
    readonly operation: Operation;
    readonly count: number;
  }
  /** Puts so many into a queue of this name. */
  | { readonly kind: "share"; readonly queue: string; readonly count: number }
  /** Gets and finishes so many of them: when it began, and when it ended, in milliseconds. */
  | {
    readonly kind: "part";
    readonly queue: string;
    readonly batch: number;
    readonly count: number;
  };

/** What is done beside a backlog. */
export type Operation =
  | "put"
  | "put, 256 in flight"
  | "get and done"
  | "get and done, 64"
  | "stats";

/** How many puts are in flight where it is many. */
export const MANY = 256;

function values(from: number, count: number): Value[] {
  return Array.from({ length: count }, (_, i) => valueAt(from + i));
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return (performance.now() - start) * 1e6;
}

/** So many at a time, from the value at `first` on. */
async function put(store: JobStore, most: number, first: number, count: number): Promise<void> {
  if (most === 1 || store.putMany === undefined) {
    return await inFlight(most, count, (i) => store.put(valueAt(first + i)));
  }
  for (let from = 0; from < count; from += most) {
    await store.putMany(values(first + from, Math.min(most, count - from)));
  }
}

/** Gets and finishes what is there. */
async function drain(
  store: JobStore,
  workers: number,
  batch: number,
  count: number,
): Promise<number> {
  const ledger = new Ledger(0, count);
  const crew = await store.workers(workers, batch, ledger.got);
  const took = await timed(() => crew.run(count));
  await crew.end();
  ledger.check();
  checkCount("jobs that are left", await store.unfinished(), 0);
  return took;
}

/** Nanoseconds of so many puts. */
export async function puts(store: JobStore, most: number, count: number): Promise<number> {
  const took = await timed(() => put(store, most, 0, count));
  checkCount("jobs that were put", await store.unfinished(), count);
  await drain(store, 4, MANY, count);
  return took;
}

/** Nanoseconds until so many jobs are got and done. */
export async function drained(
  store: JobStore,
  workers: number,
  batch: number,
  count: number,
): Promise<number> {
  await store.fill(values(0, count));
  return await drain(store, workers, batch, count);
}

/** Microseconds, the median and the 99th percentile, from a `put` to the worker that waits for it. */
export async function latency(
  store: JobStore,
  perSecond: number,
  count: number,
): Promise<readonly [p50: number, p99: number]> {
  const ledger = new Ledger(0, count);
  const put = new Float64Array(count);
  const took: number[] = [];
  const crew = await store.workers(1, 1, (value) => {
    const at = value.n - valueAt(0).n;
    took.push((performance.now() - put[at]!) * 1e3);
    ledger.got(value);
  });
  const work = crew.run(count);
  const start = performance.now();
  const stored: Promise<unknown>[] = [];
  while (stored.length < count) {
    // A timer may be late: then those that are due go together.
    const due = Math.min(count, Math.ceil((performance.now() - start) * perSecond / 1e3));
    for (let i = stored.length; i < due; i++) {
      put[i] = performance.now();
      stored.push(store.put(valueAt(i)));
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(stored);
  await work;
  await crew.end();
  ledger.check();
  return [median(took), quantile(took, 0.99)];
}

/** A queue in which as many wait after each operation as before. */
export class Backlog {
  readonly #store: JobStore;
  readonly #size: number;
  #put = 0;
  #got = 0;

  private constructor(store: JobStore, size: number) {
    this.#store = store;
    this.#size = size;
  }

  /** Fills a store. */
  static async of(store: JobStore, size: number): Promise<Backlog> {
    const backlog = new Backlog(store, size);
    const STEP = 10_000;
    for (let left = size; left > 0; left -= STEP) await backlog.#fill(Math.min(STEP, left));
    return backlog;
  }

  /** Nanoseconds. */
  async take(operation: Operation, count: number): Promise<number> {
    if (operation === "stats") {
      return await timed(async () => {
        for (let i = 0; i < count; i++) {
          checkCount("jobs that wait", await this.#store.unfinished(), this.#size);
        }
      });
    }
    if (operation.startsWith("put")) {
      const first = this.#put;
      this.#put += count;
      const most = operation === "put" ? 1 : MANY;
      const took = await timed(() => put(this.#store, most, first, count));
      await this.#drain(MANY, count);
      return took;
    }
    await this.#fill(count);
    return await this.#drain(operation === "get and done" ? 1 : 64, count);
  }

  async #fill(count: number): Promise<void> {
    await this.#store.fill(values(this.#put, count));
    this.#put += count;
  }

  async #drain(batch: number, count: number): Promise<number> {
    // First come, first served: those that were put first are got first.
    const ledger = new Ledger(this.#got, count);
    const crew = await this.#store.workers(1, batch, ledger.got);
    const took = await timed(() => crew.run(count));
    await crew.end();
    ledger.check();
    this.#got += count;
    return took;
  }
}
