/**
 * The select with a timeout of section 3.2 of the article: whoever collects results does not wait for
 * ever for one that does not come.
 *
 * Look at the second call: nobody sends, and the case `late` is taken. The select has then left the
 * channel, so that it takes nothing that comes later.
 *
 *     deno run examples/article/3_2_select_timeout.ts
 *
 * @module
 */
import { after, Channel, recv, select } from "@sluice/sluice";

async function collectOne(results: Channel<string>): Promise<void> {
  const r = await select({
    result: recv(results), //   case result := <-results:
    late: after(50), //         case <-time.After(50 * time.Millisecond):
  });
  if (r.key === "late") console.log("timed out");
  else if (r.ok) console.log(r.value);
}

const results = new Channel<string>(3);
results.trySend("task 1 done");
await collectOne(results);
await collectOne(results);

results.trySend("task 2 done");
console.log(`in the channel: ${results.length}`);
await collectOne(results);
