/**
 * A program on a NATS server, for tests that need a process of its own: it does what its first argument
 * says with the queue that the second describes, and tells on its standard output what happens.
 *
 * @module
 */
import { JobQueueError } from "../../jobs/mod.ts";
import { natsJobs, type NatsJobsOptions } from "../../jobs/nats/mod.ts";

const [role, text] = Deno.args;
const { servers, times, ...options }:
  & NatsJobsOptions<number>
  & { servers: string; times: number } = JSON.parse(text!);

if (role === "refused") {
  for (let time = 0; time < times; time++) {
    try {
      await using queue = await natsJobs(servers, options);
      console.log(`opened ${queue.name}`);
    } catch (error) {
      console.log(error instanceof JobQueueError ? error.reason : String(error));
    }
  }
  // What sockets still have to say comes later.
  await new Promise((resolve) => setTimeout(resolve, 200));
  console.log("goes on");
} else if (role === "works") {
  await using queue = await natsJobs<number>(servers, options);
  await queue.put(1, { delay: 1 });
  await using job = await queue.get();
  await job.done();
  await queue.join();
  console.log(`done ${job.value}`);
} else {
  const queue = await natsJobs<number>(servers, options);
  const jobs = await queue.getMany(times);
  console.log(`holds ${jobs.map(({ value }) => value).join(" ")}`);
  // A program with a connection goes on until it is killed.
}
