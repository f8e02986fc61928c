/**
 * The tasks of section 3.3 of the article again, by a scheduler: it has the queue and the loop of
 * `3_3_priority_queue.ts` inside.
 *
 * Look at the last task. It came with priority 1, and is made urgent while it waits. What waits long
 * becomes more urgent by itself, too, so that no task waits for ever (`ageing`).
 *
 *     deno run examples/article/3_3_priority_scheduler.ts
 *
 * @module
 */
import { PriorityScheduler } from "@sluice/sluice/tasks";

await using scheduler = new PriorityScheduler();

function add(priority: number, name: string) {
  console.log(`new task: ${name}, priority ${priority}`);
  return scheduler.schedule(() => console.log(`runs: ${name}`), { priority });
}

add(1, "background statistics");
add(5, "log report");
add(10, "emergency alarm");
const restart = add(1, "restart");

console.log(`waiting: ${scheduler.waiting}`);
restart.setPriority(20);
await scheduler.drain();
console.log(`done: ${scheduler.stats().fulfilled}`);
