/**
 * The scheduler of section 3.3 of the article, by hand: the tasks of its table, 10 the emergency alarm,
 * 5 the log report, 1 the background statistics, go through a priority queue.
 *
 * Look at the flow: new task, priority queue, out by priority, run, done. The smallest leaves a
 * PriorityQueue first, as in asyncio; here the largest number is the most urgent, as in the article,
 * hence the minus.
 *
 *     deno run examples/article/3_3_priority_queue.ts
 *
 * @module
 */
import { PriorityQueue } from "@sluice/sluice";

interface Task {
  readonly id: number;
  /** The larger, the more urgent. */
  readonly priority: number;
  readonly payload: string;
}

const queue = new PriorityQueue<Task>({ priority: (task) => -task.priority });

async function add(task: Task): Promise<void> {
  await queue.put(task);
  console.log(`new task ${task.id}: ${task.payload}, priority ${task.priority}`);
}

async function handle(task: Task): Promise<void> {
  console.log(`task ${task.id} runs: ${task.payload}`);
  await Promise.resolve(); // what a real one would wait for
}

await add({ id: 1, priority: 1, payload: "background statistics" });
await add({ id: 2, priority: 5, payload: "log report" });
await add({ id: 3, priority: 10, payload: "emergency alarm" });
console.log(`in the queue: ${queue.size}`);
queue.shutdown(); // no more tasks will come

for await (const task of queue) {
  console.log(`out by priority: ${task.priority}`);
  await handle(task);
  queue.taskDone();
  console.log(`task ${task.id} done, unfinished: ${queue.unfinished}`);
}
