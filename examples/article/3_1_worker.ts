/**
 * The worker of section 3.1 of the article: it has an id and a channel of functions, and runs what
 * comes over the channel until that is closed.
 *
 * Look at `for await`, which is Go's `for job := range w.jobQ`, and at what it takes to deal the jobs
 * out by hand. `3_1_load_balancing.ts` leaves that to a pool.
 *
 *     deno run examples/article/3_1_worker.ts
 *
 * @module
 */
import { Channel } from "@sluice/sluice";

type Job = () => void | Promise<void>;

class Worker {
  readonly id: number;
  readonly jobs = new Channel<Job>();

  constructor(id: number) {
    this.id = id;
  }

  async start(): Promise<void> {
    for await (const job of this.jobs) {
      console.log(`worker ${this.id} takes a job`);
      await job();
    }
    console.log(`worker ${this.id} has ended`);
  }
}

const workers = [new Worker(1), new Worker(2)];
const running = workers.map((worker) => worker.start()); // go func() { … }()

for (let i = 0; i < 4; i++) {
  const { jobs } = workers[i % workers.length]!;
  await jobs.send(() => console.log(`job ${i} runs`));
}
for (const { jobs } of workers) jobs.close();
await Promise.all(running);
