/** Job queues on a NATS server. */
import { natsJobs } from "../../jobs/nats/mod.ts";
import type { JobStore, Value } from "./contest.ts";
import { nats } from "./places.ts";
import { storeOf } from "./sluice.ts";

export async function open(name: string): Promise<JobStore> {
  return storeOf(await natsJobs<Value>(nats(), { name }));
}
