/**
 * A process that shares a job queue in a file: `put FILE COUNT` puts without end or `COUNT` jobs, and tells
 * of each one that is acknowledged; `take FILE` takes and finishes what there is, and tells of it.
 *
 * @module
 */
import { sqliteJobs } from "../../jobs/sqlite/mod.ts";

const [what, file, count = "Infinity"] = Deno.args;
const queue = await sqliteJobs<string>(file!, { capacity: 20, pollInterval: 2 });
if (what === "put") {
  for (let n = 0; n < Number(count); n++) {
    const value = `${Deno.pid}-${n}`;
    await queue.put(value);
    console.log(value);
  }
} else {
  for (;;) {
    const job = await queue.get();
    const { unfinished } = await queue.stats();
    if (job.value === "end") break;
    console.log(`${job.value} ${job.attempt} ${unfinished}`);
    await job.done();
  }
}
await queue.close();
