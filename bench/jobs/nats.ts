/** Job queues on a NATS server. */
import { natsJobs } from "../../jobs/nats/mod.ts";
import type { JobStore, Places, Value } from "./contest.ts";
import { storeOf } from "./sluice.ts";

export async function open(name: string, { nats }: Places): Promise<JobStore> {
  return storeOf(await natsJobs<Value>(nats!, { name }));
}
