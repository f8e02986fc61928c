/** Job queues in a file. */
import { sqliteJobs } from "../../jobs/sqlite/mod.ts";
import type { JobStore, Places, Value } from "./contest.ts";
import { storeOf } from "./sluice.ts";

export async function open(name: string, { directory }: Places): Promise<JobStore> {
  return storeOf(await sqliteJobs<Value>(`${directory}/jobs-${name}.db`, { name }));
}
