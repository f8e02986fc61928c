/**
 * The program of section 3.2 of the article, in which three workers send their results over one
 * channel, and the same with a WaitGroup, which the section names beside it.
 *
 * Look at who ends the loop. The original knows that three results come, and counts to three. With a
 * WaitGroup the channel is closed when the last worker has ended, and nobody needs the number.
 *
 *     deno run examples/article/3_2_collect_results.ts
 *
 * @module
 */
import { Channel, type Sender } from "@sluice/sluice";
import { WaitGroup } from "@sluice/sluice/sync";

async function worker(id: number, ch: Sender<string>): Promise<void> {
  await ch.send(`task ${id} done`);
}

async function byCounting(): Promise<void> {
  const results = new Channel<string>(3);
  for (let i = 1; i <= 3; i++) void worker(i, results); // go worker(i, results)
  for (let i = 0; i < 3; i++) console.log(await results.take());
  results.close();
}

async function byWaitGroup(): Promise<void> {
  const results = new Channel<string>(3);
  const group = new WaitGroup();
  for (let i = 1; i <= 3; i++) void group.go(() => worker(i, results));
  void group.wait().then(() => results.close());
  for await (const result of results) console.log(result);
}

console.log("by counting:");
await byCounting();
console.log("by a WaitGroup:");
await byWaitGroup();
