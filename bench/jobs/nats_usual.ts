/**
 * The client of JetStream as its own documents use it: `consumer.next()` where one job is taken at a time,
 * `consumer.consume()` where there are many, and `ackAck()`, which is confirmed, for each.
 *
 * @module
 */
import type { Consumer, ConsumerMessages, JsMsg } from "@nats-io/jetstream";
import {
  type Got,
  type JobStore,
  type Places,
  type Puller,
  pulling,
  type Workers,
} from "./contest.ts";
import { CONSUMER, openNats } from "./nats_store.ts";

function oneByOne(consumer: Consumer): Puller<JsMsg> {
  return {
    take: async () => {
      const message = await consumer.next({ expires: 5_000 });
      return message === null ? [] : [message];
    },
    read: (message) => message.json(),
    finish: ([message]) => message!.ackAck(),
    end: () => Promise.resolve(),
  };
}

/** Each worker confirms as many at a time as a batch has. What it is sent is its own, so none claims any. */
function streaming(consumer: Consumer, workers: number, batch: number, got: Got): Workers {
  let left = 0;
  const streams: ConsumerMessages[] = [];
  const work = async (messages: ConsumerMessages): Promise<void> => {
    let acks: Promise<boolean>[] = [];
    for await (const message of messages) {
      got(message.json());
      acks.push(message.ackAck());
      if (--left === 0) { for (const stream of streams) stream.stop(); }
      if (acks.length < batch) continue;
      await Promise.all(acks);
      acks = [];
    }
    await Promise.all(acks);
  };
  return {
    async run(count) {
      left = count;
      for (let i = 0; i < workers; i++) {
        streams.push(await consumer.consume({ max_messages: batch }));
      }
      await Promise.all(streams.map(work));
    },
    async end() {
      await Promise.all(streams.map((stream) => stream.close()));
    },
  };
}

export function open(name: string, places: Places): Promise<JobStore> {
  return openNats(
    `usual-${name}`,
    places,
    false,
    ({ js, stream }) => async (workers, batch, got) => {
      const consumer = await js.consumers.get(stream, CONSUMER);
      if (batch > 1) return streaming(consumer, workers, batch, got);
      return pulling(Array.from({ length: workers }, () => oneByOne(consumer)), batch, got);
    },
  );
}
