/**
 * The critical section of section 2.4 of the article, guarded by a lock as by `asyncio.Lock`.
 *
 * Look at the order: three tasks come at the same time, and each has the section for itself, although
 * it waits for a timer in it. Meanwhile the event loop is free, and a task without need of the lock
 * goes on.
 *
 *     deno run examples/article/2_4_critical_section.ts
 *
 * @module
 */
import { sleep } from "@sluice/sluice";
import { Mutex } from "@sluice/sluice/sync";

const lock = new Mutex();

async function criticalSection(task: number): Promise<void> {
  using _ = await lock.lock(); // async with lock:
  console.log(`task ${task} enters`);
  await sleep(100);
  console.log(`task ${task}: atomic operation`);
}

async function bystander(): Promise<void> {
  await sleep(10);
  console.log(`meanwhile: locked ${lock.locked}, waiting ${lock.waiting}, the event loop is free`);
}

await Promise.all([bystander(), criticalSection(1), criticalSection(2), criticalSection(3)]);
console.log(`locked: ${lock.locked}`);
