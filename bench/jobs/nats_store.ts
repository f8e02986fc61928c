/**
 * What the two bare clients of JetStream share: the stream and its consumer as our engine has them, and
 * how they put.
 *
 * @module
 */
import {
  AckPolicy,
  DiscardPolicy,
  jetstream,
  type JetStreamClient,
  type JetStreamManager,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { inFlight, type JobStore, type Places, type Value } from "./contest.ts";

/** The name of the consumer. */
export const CONSUMER = "workers";

const SECOND = 1e9;
const FILLING = 2_048;
const encoder = new TextEncoder();

/** What a way to get jobs is made of. */
export interface NatsParts {
  readonly nc: NatsConnection;
  readonly js: JetStreamClient;
  readonly stream: string;
}

async function ensure(jsm: JetStreamManager, stream: string, subject: string): Promise<void> {
  await jsm.streams.add({
    name: stream,
    subjects: [subject],
    storage: StorageType.File,
    retention: RetentionPolicy.Workqueue,
    discard: DiscardPolicy.New,
    duplicate_window: 120 * SECOND,
  });
  await jsm.consumers.add(stream, {
    durable_name: CONSUMER,
    ack_policy: AckPolicy.Explicit,
    ack_wait: 30 * SECOND,
    max_ack_pending: 10_000,
  });
}

/** Opens a store whose workers are made in some way. */
export async function openNats(
  stream: string,
  { nats }: Places,
  workersOf: (parts: NatsParts) => JobStore["workers"],
): Promise<JobStore> {
  const nc = await connect({ servers: nats! });
  const js = jetstream(nc);
  const jsm = await jetstreamManager(nc);
  const subject = `${stream}.jobs`;
  await ensure(jsm, stream, subject);
  const run = crypto.randomUUID();
  let puts = 0;
  const put = (value: Value): Promise<unknown> =>
    js.publish(subject, encoder.encode(JSON.stringify(value)), { msgID: `${run}-${puts++}` });
  return {
    put,
    fill: (values) => inFlight(FILLING, values.length, (i) => put(values[i]!)),
    workers: workersOf({ nc, js, stream }),
    unfinished: async () => {
      const { num_pending, num_ack_pending } = await jsm.consumers.info(stream, CONSUMER);
      return num_pending + num_ack_pending;
    },
    close: () => nc.close(),
  };
}
