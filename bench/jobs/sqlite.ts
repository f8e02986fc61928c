/** Job queues in a file. */
import { sqliteJobs } from "../../jobs/sqlite/mod.ts";
import type { JobStore, Value } from "./contest.ts";
import { directory } from "./places.ts";
import { storeOf } from "./sluice.ts";

export async function open(name: string): Promise<JobStore> {
  return storeOf(await sqliteJobs<Value>(`${directory()}/jobs-${name}.db`, { name }));
}
