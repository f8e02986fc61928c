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
import { connect, headers, type NatsConnection } from "@nats-io/transport-node";
import { checkCount, type JobStore, type Places, type Value } from "./contest.ts";

/** The name of the consumer. */
export const CONSUMER = "workers";

const SECOND = 1e9;
/** How many are on their way at a time while a queue is filled. */
const FILLING = 4_096;
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

/** Puts messages without waiting for each answer, until the stream has them all. */
export async function flood(
  nc: NatsConnection,
  stream: string,
  subject: string,
  values: readonly Value[],
): Promise<void> {
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  const last = async (): Promise<number> => (await jsm.streams.info(stream)).state.last_seq;
  const run = crypto.randomUUID();
  const start = await last();
  for (let from = 0; from < values.length; from += FILLING) {
    const some = values.slice(from, from + FILLING);
    for (const [i, value] of some.entries()) {
      const header = headers();
      header.set("Nats-Msg-Id", `${run}-${from + i}`);
      nc.publish(subject, encoder.encode(JSON.stringify(value)), { headers: header });
    }
    await nc.flush();
    let stored = 0;
    for (let looks = 0; looks < 1_000 && stored < some.length; looks++) {
      stored = await last() - start - from;
    }
    checkCount("messages that were stored", stored, some.length);
  }
}

/**
 * Opens a store whose workers are made in some way. `lean`: without the errors that the client makes in
 * advance for each request, so as to know where it came from if it fails.
 */
export async function openNats(
  stream: string,
  { nats }: Places,
  lean: boolean,
  workersOf: (parts: NatsParts) => JobStore["workers"],
): Promise<JobStore> {
  const nc = await connect({ servers: nats!, noAsyncTraces: lean });
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
    fill: (values) => flood(nc, stream, subject, values),
    workers: workersOf({ nc, js, stream }),
    unfinished: async () => {
      const { num_pending, num_ack_pending } = await jsm.consumers.info(stream, CONSUMER);
      return num_pending + num_ack_pending;
    },
    close: () => nc.close(),
  };
}
