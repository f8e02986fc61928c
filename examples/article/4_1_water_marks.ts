/**
 * The three water marks of section 4.1 of the article, which has them as a list: below the low one all is
 * normal, from the middle one on producers are told to slow down, and from the high one on requests are
 * refused, and something simpler is done instead.
 *
 * Look at when the levels change: the queue has to drain to the middle mark before the overload is over,
 * and to the low one before all is normal, so that they do not flicker.
 *
 *     deno run examples/article/4_1_water_marks.ts
 *
 * @module
 */
import { Queue, sleep } from "@sluice/sluice";
import { WaterMarks } from "@sluice/sluice/flow";

const queue = new Queue<number>(10);
using marks = new WaterMarks(queue, {
  low: 2,
  middle: 5,
  high: 8,
  onChange: (level, previous) => console.log(`${previous} > ${level}, ${queue.size} wait`),
  fallback: (id) => console.log(`task ${id}: degraded, an answer from the cache`),
});

// A burst, faster than anybody takes.
for (let id = 1; id <= 10; id++) await marks.submit(id);

async function consumer(): Promise<number[]> {
  const done: number[] = [];
  for await (const id of queue) {
    await sleep(2);
    done.push(id);
  }
  return done;
}
const consuming = consumer();

// Whoever can wait is told when to go on.
await marks.pressure();
console.log("the producer goes on");
for (let id = 11; id <= 12; id++) await marks.submit(id);
queue.shutdown();
console.log(`done: ${(await consuming).join(", ")}`);
