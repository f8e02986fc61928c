/** Job queues on a NATS server. They are filled past our engine, which is not what is measured then. */
import { connect } from "@nats-io/transport-node";
import { natsJobs } from "../../jobs/nats/mod.ts";
import { Names } from "../../jobs/nats/names.ts";
import type { JobStore, Places, Value } from "./contest.ts";
import { flood } from "./nats_store.ts";
import { storeOf } from "./sluice.ts";

export async function open(name: string, { nats }: Places): Promise<JobStore> {
  const store = storeOf(await natsJobs<Value>(nats!, { name }));
  const nc = await connect({ servers: nats! });
  const names = new Names(name);
  return {
    ...store,
    fill: (values) => flood(nc, names.work, names.jobSubject(0), values),
    async close() {
      await nc.close();
      await store.close();
    },
  };
}
