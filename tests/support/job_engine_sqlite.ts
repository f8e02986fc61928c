/**
 * Job queues in files, as tests see them: each world a file of its own, in a directory that is removed;
 * the clock is the test's. Handles hear of one another by looking, which takes a millisecond of the real
 * time.
 *
 * @module
 */
import type { JobQueue, JobQueueOptions } from "../../jobs/mod.ts";
import { sqliteJobs } from "../../jobs/sqlite/mod.ts";
import { ManualClock } from "../../tasks/mod.ts";
import { BaseWorld, type JobEngineUnderTest } from "./job_engines.ts";
import { settled } from "./settle.ts";

/** Milliseconds between two looks at what other handles did. */
const POLL = 1;

class SqliteWorld extends BaseWorld {
  readonly kind = "sqlite";
  readonly lease = 1_000;
  readonly durable = true;
  readonly clock: ManualClock = new ManualClock(Date.UTC(2026, 0, 1));
  readonly #directory: string;

  constructor(directory: string) {
    super();
    this.#directory = directory;
  }

  protected async opened<T>(options: JobQueueOptions<T>): Promise<JobQueue<T>> {
    const file = `${this.#directory}/jobs.db`;
    return await sqliteJobs<T>(file, { ...options, clock: this.clock, pollInterval: POLL });
  }

  async rest(): Promise<void> {
    await settled();
    await new Promise((resolve) => setTimeout(resolve, 2 * POLL));
    await settled();
  }

  async pass(ms: number): Promise<void> {
    await this.clock.advance(ms);
    await this.rest();
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    await Deno.remove(this.#directory, { recursive: true });
  }
}

export const sqliteEngine: JobEngineUnderTest = {
  kind: "sqlite",
  world: async () => new SqliteWorld(await Deno.makeTempDir({ prefix: "jobs-" })),
};
