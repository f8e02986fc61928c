/**
 * Job queues in memory whose engine can be told to fail, or to keep its callers waiting.
 *
 * @module
 */
import { cloneInMemory, codecOf } from "../../jobs/codec.ts";
import type { Delivery, JobEngine } from "../../jobs/engine.ts";
import { JobQueueError, type JobQueueErrorReason } from "../../jobs/errors.ts";
import { JobHandle } from "../../jobs/handle.ts";
import { settingsOf } from "../../jobs/job_options.ts";
import { MemoryEngine } from "../../jobs/memory_engine.ts";
import type { JobQueue, MemoryJobsOptions } from "../../jobs/mod.ts";
import { realClock } from "../../tasks/clock.ts";

type Call = "take" | "settle" | "extend";

/** What an engine is told beside its options. */
export interface Faults {
  /** What the next calls fail with, one each; undefined: that one does not. */
  readonly errors: Record<Call, unknown[]>;
  /** How often each was called. */
  readonly calls: Record<Call, number>;
  /** How many each `take` asked for. */
  readonly asked: number[];
  /** What calls of `settle` wait for, before they are made. */
  held: Promise<void> | undefined;
}

export interface FaultyJobs<T> {
  readonly queue: JobQueue<T>;
  readonly faults: Faults;
}

export function faultyJobs<T>(options: MemoryJobsOptions<T> = {}): FaultyJobs<T> {
  const settings = settingsOf(options as MemoryJobsOptions<never>);
  const inner = new MemoryEngine(settings, options.clock ?? realClock);
  const faults: Faults = {
    errors: { take: [], settle: [], extend: [] },
    calls: { take: 0, settle: 0, extend: 0 },
    asked: [],
    held: undefined,
  };
  const guard = (call: Call): void => {
    faults.calls[call]++;
    const error = faults.errors[call].shift();
    if (error !== undefined) throw error;
  };
  const engine: JobEngine<Delivery> = {
    put: (job, wait) => inner.put(job, wait),
    take: async (group, max, wait) => {
      faults.asked.push(max);
      guard("take");
      return await inner.take(group, max, wait);
    },
    settle: async (group, deliveries, verdict) => {
      await faults.held;
      guard("settle");
      return await inner.settle(group, deliveries as never, verdict);
    },
    extend: async (group, delivery) => {
      guard("extend");
      return await inner.extend(group, delivery as never);
    },
    join: (wait) => inner.join(wait),
    stats: (group) => inner.stats(group),
    buried: (group, after, limit) => inner.buried(group, after, limit),
    findBuried: (group, id) => inner.findBuried(group, id),
    revive: (group, id, wait) => inner.revive(group, id, wait),
    removeBuried: (group, id) => inner.removeBuried(group, id),
    close: () => inner.close(),
  };
  const codec = codecOf(undefined, cloneInMemory);
  return { queue: new JobHandle<T>(engine, codec, settings), faults };
}

/** What an engine fails with. */
export function engineError(reason: JobQueueErrorReason): JobQueueError {
  return new JobQueueError(`the engine is ${reason}`, reason);
}
