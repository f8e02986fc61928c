/**
 * The three ways of section 3.1 of the article to spread tasks over workers: in turn, by stealing, and
 * by a dispatcher who knows the load.
 *
 * Two workers, and eight tasks that come every 20 ms. The first takes 150 ms, the others 10 ms. Look at
 * the tasks behind the long one: in turn, each second task waits for it, while the other worker is
 * idle. With stealing they are put in the same place, but the idle worker takes them away. The
 * dispatcher does not put them there.
 *
 * The time is that of a clock which the program moves itself, so that the figures are the same in each
 * run: they tell what the strategies do, not how fast anything is.
 *
 *     deno run examples/article/3_1_load_balancing.ts
 *
 * @module
 */
import {
  central,
  ManualClock,
  roundRobin,
  type Strategy,
  WorkerPool,
  workStealing,
} from "@sluice/sluice/tasks";

async function run(strategy: Strategy): Promise<void> {
  const clock = new ManualClock();
  const pause = (ms: number) => new Promise<void>((resolve) => clock.after(ms, resolve));
  const pool = new WorkerPool({ workers: 2, strategy });
  let longestWait = 0;

  async function arrivals(): Promise<void> {
    for (let i = 0; i < 8; i++) {
      const submitted = clock.now();
      void pool.submit(() => {
        longestWait = Math.max(longestWait, clock.now() - submitted);
        return pause(i === 0 ? 150 : 10);
      });
      await pause(20);
    }
  }

  const all = arrivals();
  await clock.advance(1_000);
  await all;
  await pool.shutdown();

  // Which of two idle workers is given the first task is left to chance by the dispatcher.
  const workers = pool.stats().workers.toSorted((a, b) => a.run - b.run);
  console.log(`${strategy.name}:`);
  for (const { run, stolen } of workers) console.log(`  a worker ran ${run}, and stole ${stolen}`);
  console.log(`  the longest wait: ${longestWait} ms`);
}

await run(roundRobin());
await run(workStealing());
await run(central());
