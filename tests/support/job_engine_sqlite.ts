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
    const own = { clock: this.clock, pollInterval: POLL, synchronous: "normal" } as const;
    return await sqliteJobs<T>(file, { ...options, ...own });
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

/** One handle on the file, and views of it, which need no time to hear of one another. */
class SingleSqliteWorld extends SqliteWorld {
  override beside<T>(queue: JobQueue<T>, group: string = queue.group): Promise<JobQueue<T>> {
    return Promise.resolve(queue.forGroup(group));
  }

  override async rest(): Promise<void> {
    for (let turns = 0; turns < 3; turns++) await settled();
  }
}

export const singleSqliteEngine: JobEngineUnderTest = {
  kind: "sqlite",
  world: async () => new SingleSqliteWorld(await Deno.makeTempDir({ prefix: "jobs-" })),
};

export const sqliteEngine: JobEngineUnderTest = {
  kind: "sqlite",
  world: async () => new SqliteWorld(await Deno.makeTempDir({ prefix: "jobs-" })),
};
