/** Job queues in memory. */
import { memoryJobs } from "../../jobs/mod.ts";
import type { JobStore } from "./contest.ts";
import { storeOf } from "./sluice.ts";

export async function open(name: string): Promise<JobStore> {
  return storeOf(await memoryJobs({ name }));
}
