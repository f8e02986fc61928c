/**
 * BullMQ on Redis. It hands jobs to a function, so many at a time: that is its batch here.
 *
 * It is installed in a directory of its own, which has no types: what is used of it is written down here.
 *
 * @module
 */
import { createRequire } from "node:module";
import type { JobStore, Places, Value, Workers } from "./contest.ts";

interface Queue {
  waitUntilReady(): Promise<unknown>;
  add(name: string, data: Value): Promise<unknown>;
  addBulk(jobs: readonly { readonly name: string; readonly data: Value }[]): Promise<unknown>;
  getJobCounts(...states: string[]): Promise<Record<string, number>>;
  close(): Promise<void>;
}

interface Worker {
  waitUntilReady(): Promise<unknown>;
  run(): Promise<void>;
  on(event: "completed", listener: () => void): unknown;
  on(event: "error" | "failed", listener: (...of: unknown[]) => void): unknown;
  close(): Promise<void>;
}

interface BullMQ {
  readonly Queue: new (name: string, options: unknown) => Queue;
  readonly Worker: new (
    name: string,
    work: (job: { readonly data: Value }) => Promise<void>,
    options: unknown,
  ) => Worker;
}

const FILLING = 1_000;

export async function open(name: string, { bullmq }: Places): Promise<JobStore> {
  const require = createRequire(`${bullmq!.directory}/package.json`);
  const { Queue, Worker } = require("bullmq") as BullMQ;
  const connection = { host: "127.0.0.1", port: bullmq!.redis, maxRetriesPerRequest: null };
  const queue = new Queue(name, {
    connection,
    defaultJobOptions: { removeOnComplete: true },
  });
  await queue.waitUntilReady();

  const workers: JobStore["workers"] = async (count, batch, got): Promise<Workers> => {
    const all = Promise.withResolvers<void>();
    let left = 0;
    const work = (job: { readonly data: Value }): Promise<void> => {
      got(job.data);
      return Promise.resolve();
    };
    const crew = Array.from(
      { length: count },
      () => new Worker(name, work, { connection, concurrency: batch, autorun: false }),
    );
    for (const worker of crew) {
      worker.on("completed", () => void (--left === 0 && all.resolve()));
      worker.on("failed", (_job, error) => all.reject(error));
      worker.on("error", (error) => all.reject(error));
      await worker.waitUntilReady();
    }
    return {
      async run(count) {
        left = count;
        for (const worker of crew) worker.run().catch(all.reject);
        await all.promise;
      },
      async end() {
        await Promise.all(crew.map((worker) => worker.close()));
      },
    };
  };

  return {
    put: (data) => queue.add("job", data),
    async fill(values) {
      for (let from = 0; from < values.length; from += FILLING) {
        const some = values.slice(from, from + FILLING);
        await queue.addBulk(some.map((data) => ({ name: "job", data })));
      }
    },
    workers,
    unfinished: async () => {
      const counts = await queue.getJobCounts("waiting", "active", "delayed", "prioritized");
      return Object.values(counts).reduce((sum, n) => sum + n, 0);
    },
    close: () => queue.close(),
  };
}
