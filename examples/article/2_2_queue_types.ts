/**
 * The queues of section 2.2 of the article, side by side: the same two items go in, and each queue has
 * its own idea of which comes out first. The article runs the first two, and lists the third.
 *
 *     deno run examples/article/2_2_queue_types.ts
 *
 * @module
 */
import { LifoQueue, PriorityQueue, Queue } from "@sluice/sluice";

const q = new Queue<number>(); // first in, first out
await q.put(1);
await q.put(2);
console.log(`Queue: ${await q.get()}`);

const lq = new LifoQueue<number>(); // last in, first out
await lq.put(1);
await lq.put(2);
console.log(`LifoQueue: ${await lq.get()}`);

const pq = new PriorityQueue<number>(); // the smallest first
await pq.put(2);
await pq.put(1);
console.log(`PriorityQueue: ${await pq.get()}`);

// What has no order of its own is given one.
const tasks = new PriorityQueue<{ urgency: number; name: string }>({
  priority: (task) => -task.urgency,
});
await tasks.put({ urgency: 1, name: "can wait" });
await tasks.put({ urgency: 10, name: "urgent" });
console.log(`PriorityQueue by urgency: ${(await tasks.get()).name}`);
