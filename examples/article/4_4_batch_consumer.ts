/**
 * The batch consumer of section 4.4 of the article beside a consumer that takes one message at a time.
 *
 * Look at `getBatch(64)`: it gives what is there, 64 messages at most and one at least, and does not
 * wait for a batch to fill; with `linger` it would, for so long. And at `consumeBatch`: the original
 * starts a goroutine for each message and does not wait for them; this one does, so that no more than
 * one batch is on its way, and a message is done when it has been processed. When the queue is shut
 * down and empty, `getBatch` rejects with QueueShutDown.
 *
 *     deno run examples/article/4_4_batch_consumer.ts
 *
 * @module
 */
import { Queue, QueueShutDown, sleep } from "@sluice/sluice";

interface Message {
  readonly order: number;
}

async function messages(): Promise<Queue<Message>> {
  const queue = new Queue<Message>();
  for (let order = 1; order <= 200; order++) await queue.put({ order });
  queue.shutdown(); // these are all
  return queue;
}

let processed = 0;

async function process(_message: Message): Promise<void> {
  await sleep(1);
  processed++;
}

async function oneByOne(queue: Queue<Message>): Promise<number> {
  let takes = 0;
  for await (const message of queue) {
    takes++;
    await process(message);
    queue.taskDone();
  }
  return takes;
}

async function consumeBatch(messages: readonly Message[]): Promise<void> {
  await Promise.all(messages.map(process));
}

async function inBatches(queue: Queue<Message>): Promise<number> {
  let takes = 0;
  try {
    for (;;) {
      const batch = await queue.getBatch(64);
      takes++;
      await consumeBatch(batch);
      queue.taskDone(batch.length);
    }
  } catch (error) {
    if (!(error instanceof QueueShutDown)) throw error;
    return takes;
  }
}

for (const consumer of [oneByOne, inBatches]) {
  const queue = await messages();
  processed = 0;
  const takes = await consumer(queue);
  await queue.join();
  console.log(`${consumer.name}: ${processed} processed, taken in ${takes} goes`);
}
