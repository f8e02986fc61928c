/**
 * Which queue a trial is about, in a form that can be handed to another process, and how it is opened.
 *
 * @module
 */
import type { JobQueue, JobQueueOptions } from "../../jobs/mod.ts";

/** One queue, wherever it is. */
export interface QueueSpec {
  readonly engine: "memory" | "sqlite" | "nats";
  /** The file, or the servers, with commas between them. */
  readonly where: string;
  /** Those of the engine; without functions, since they travel as JSON. */
  readonly options: JobQueueOptions<Job> & Readonly<Record<string, unknown>>;
}

/** What is put: a number, and something that takes room. */
export interface Job {
  readonly n: number;
  readonly filler?: string;
}

/** Opens it. The modules are loaded by need, so that no process pays for an engine that it has not. */
export async function openQueue(spec: QueueSpec): Promise<JobQueue<Job>> {
  const { engine, where, options } = spec;
  switch (engine) {
    case "memory": {
      const { memoryJobs } = await import("../../jobs/mod.ts");
      return await memoryJobs<Job>(options);
    }
    case "sqlite": {
      const { sqliteJobs } = await import("../../jobs/sqlite/mod.ts");
      return await sqliteJobs<Job>(where, options);
    }
    case "nats": {
      const { natsJobs } = await import("../../jobs/nats/mod.ts");
      return await natsJobs<Job>(where.split(","), options);
    }
  }
}
