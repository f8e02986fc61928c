/**
 * Job queues on a NATS server, as tests see them: each world a queue of its own name on the same server,
 * and time passes by itself, so leases are short.
 *
 * @module
 */
import type { JobQueue, JobQueueOptions } from "../../jobs/mod.ts";
import { natsJobs } from "../../jobs/nats/mod.ts";
import { BaseWorld, type JobEngineUnderTest, type JobWorld } from "./job_engines.ts";
import type { NatsServer } from "./nats_server.ts";

class NatsWorld extends BaseWorld {
  readonly kind = "nats";
  readonly lease = 1_000;
  readonly durable = true;
  readonly clock = undefined;
  readonly #url: string;
  readonly #name = `q${crypto.randomUUID().replaceAll("-", "").slice(0, 12)}`;

  constructor(url: string) {
    super();
    this.#url = url;
  }

  protected async opened<T>(options: JobQueueOptions<T>): Promise<JobQueue<T>> {
    return await natsJobs<T>(this.#url, { name: this.#name, ...options });
  }

  async rest(): Promise<void> {
    await this.pass(10);
  }

  async pass(ms: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, ms));
  }
}

export function natsEngine(server: NatsServer): JobEngineUnderTest {
  return {
    kind: "nats",
    world: () => Promise.resolve<JobWorld>(new NatsWorld(server.url)),
  };
}
