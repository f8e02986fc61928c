/**
 * The last advice of section 4.1 of the article: to resize the buffer while the system runs, by what is
 * measured. It shows no program.
 *
 * Look at the capacity. A consumer takes 1 ms for an item, then 10 ms, then 1 ms again; the queue is made as
 * large as items wait for some 100 ms in it, however fast they are taken. Time is simulated, so that it is
 * over at once.
 *
 *     deno run examples/article/4_1_adaptive_buffer.ts
 *
 * @module
 */
import { Queue } from "@sluice/sluice";
import { AdaptiveCapacity } from "@sluice/sluice/flow";
import { ManualClock } from "@sluice/sluice/tasks";

const clock = new ManualClock();
const queue = new Queue<number>(64);
using adaptive = new AdaptiveCapacity(queue, { min: 4, max: 1_000, target: 100, clock });

/** Somebody always has more, and an item takes so many milliseconds. */
async function consume(seconds: number, each: number): Promise<void> {
  for (let spent = 0; spent < seconds * 1_000; spent += each) {
    while (queue.tryPut(spent));
    await clock.advance(each);
    queue.getNowait();
  }
  const { capacity, wait } = adaptive.stats();
  console.log(`${each} ms an item: capacity ${capacity}, items stand for ${Math.round(wait)} ms`);
}

await consume(5, 1);
await consume(5, 10);
await consume(5, 1);
