/**
 * A job queue of Sluice, on whatever engine, as a contestant uses it.
 *
 * @module
 */
import type { JobLease, JobQueue } from "../../jobs/mod.ts";
import { inFlight, type JobStore, type Puller, pulling, type Value } from "./contest.ts";

/** How many puts are under way while a queue is filled. */
const FILLING = 2_048;

function pullerOf(queue: JobQueue<Value>, batch: number): Puller<JobLease<Value>> {
  return {
    take: batch === 1 ? async () => [await queue.get()] : (most) => queue.getMany(most),
    read: ({ value }) => value,
    finish: batch === 1 ? ([job]) => job!.done() : (jobs) => queue.doneMany(jobs),
    end: () => Promise.resolve(),
  };
}

/** A store that is such a queue. */
export function storeOf(queue: JobQueue<Value>): JobStore {
  return {
    put: (value) => queue.put(value),
    fill: (values) => inFlight(FILLING, values.length, (i) => queue.put(values[i]!)),
    workers(workers, batch, got) {
      const crew = Array.from({ length: workers }, () => pullerOf(queue, batch));
      return Promise.resolve(pulling(crew, batch, got));
    },
    unfinished: async () => (await queue.stats()).unfinished,
    close: () => queue.close(),
  };
}
