/**
 * The results of section 3.2 of the article that carry their errors with them: one that fails does not
 * keep the others from being collected.
 *
 * Look at the type of what is received: the compiler wants to know whether there is an error before it
 * gives out the value. `collect` with `errors: "values"` has the same in one call.
 *
 *     deno run examples/article/3_2_errors_as_values.ts
 *
 * @module
 */
import { Channel, type Sender } from "@sluice/sluice";
import { collect } from "@sluice/sluice/tasks";

function work(id: number): Promise<string> {
  if (id === 2) return Promise.reject(new Error("the disk is full"));
  return Promise.resolve(`task ${id} done`);
}

type Result = { id: number; value: string; error?: undefined } | { id: number; error: Error };

async function worker(id: number, ch: Sender<Result>): Promise<void> {
  try {
    await ch.send({ id, value: await work(id) });
  } catch (error) {
    await ch.send({ id, error: error as Error });
  }
}

console.log("by a channel:");
const results = new Channel<Result>(3);
void Promise.all([1, 2, 3].map((id) => worker(id, results))).then(() => results.close());
for await (const result of results) {
  if (result.error === undefined) console.log(result.value);
  else console.log(`task ${result.id} failed: ${result.error.message}`);
}

console.log("by collect:");
const settled = await collect([1, 2, 3].map((id) => () => work(id)), { errors: "values" });
for (const result of settled) {
  if (result.status === "fulfilled") console.log(result.value);
  else console.log(`failed: ${result.reason.message}`);
}
