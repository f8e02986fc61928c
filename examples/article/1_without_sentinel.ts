/**
 * The producer and the consumer of chapter 1 again, without a sentinel.
 *
 * Look at `shutdown` and `for await`: what is queued is still consumed, then the loop ends by itself.
 * The items have one type, and a second consumer would need nothing more.
 *
 *     deno run examples/article/1_without_sentinel.ts
 *
 * @module
 */
import { Queue, sleep } from "@sluice/sluice";

async function producer(queue: Queue<string>): Promise<void> {
  for (let i = 0; i < 5; i++) {
    console.log(`produced: task ${i}`);
    await queue.put(`task ${i}`);
    await sleep(50);
  }
}

async function consumer(queue: Queue<string>): Promise<void> {
  for await (const item of queue) {
    console.log(`consumed: ${item}`);
    queue.taskDone();
  }
}

const queue = new Queue<string>(3);
const consuming = consumer(queue);

await producer(queue);
await queue.join();
queue.shutdown();
await consuming;
