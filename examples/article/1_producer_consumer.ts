/**
 * A producer and a consumer with a queue of three places between them: the program of chapter 1 of the
 * article, line by line.
 *
 * Look at the end: `join` waits until each task is done, then a sentinel, null, tells the consumer to
 * stop. The queue is one of `string | null` for the sentinel's sake, and counts it as an item that is
 * never done. `1_without_sentinel.ts` needs none.
 *
 *     deno run examples/article/1_producer_consumer.ts
 *
 * @module
 */
import { Queue, sleep } from "@sluice/sluice";

async function producer(queue: Queue<string | null>): Promise<void> {
  for (let i = 0; i < 5; i++) {
    console.log(`produced: task ${i}`);
    await queue.put(`task ${i}`);
    await sleep(50); // the original has half a second of work here
  }
}

async function consumer(queue: Queue<string | null>): Promise<void> {
  for (;;) {
    const item = await queue.get();
    if (item === null) break;
    console.log(`consumed: ${item}`);
    queue.taskDone();
  }
}

const queue = new Queue<string | null>(3);
const producing = producer(queue); // asyncio.create_task(producer(queue))
const consuming = consumer(queue);

await producing;
await queue.join();
await queue.put(null);
await consuming;
