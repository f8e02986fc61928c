/**
 * The two functions of section 2.1 of the article: a producer of three items, and a consumer that
 * knows nothing of it but the queue.
 *
 * Look at how it ends. The consumer of the original waits for None, which nobody sends; here the
 * producer leaves the scope of `using`, which shuts the queue down, and the consumer's loop ends. It
 * would end, too, if the producer threw.
 *
 *     deno run examples/article/2_1_decoupling.ts
 *
 * @module
 */
import { Queue, sleep } from "@sluice/sluice";

async function producer(queue: Queue<string>): Promise<void> {
  using _ = queue;
  for (let i = 0; i < 3; i++) {
    console.log(`Producing item ${i}`);
    await queue.put(`item-${i}`);
    await sleep(100); // as in the original, to stand for input or output
  }
}

async function consumer(queue: Queue<string>): Promise<void> {
  for await (const item of queue) {
    console.log(`Consuming ${item}`);
    queue.taskDone();
  }
}

const queue = new Queue<string>();
await Promise.all([producer(queue), consumer(queue)]);
console.log(`unfinished: ${queue.unfinished}`);
