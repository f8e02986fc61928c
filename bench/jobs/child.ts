/**
 * Runs the tasks of one contestant in a process of its own: `child.ts PLACES MODULE`, of which the
 * first are those of `contest.ts` as JSON.
 *
 * The protocol is that of `../child.ts`, but a line is a task as JSON, and the answer the numbers of
 * `workloads.ts`. The program prints "ready" when it has opened the store.
 *
 * @module
 */
import { type JobsContestant, type JobStore, type Places, valueAt } from "./contest.ts";
import { Backlog, drained, latency, puts, type Task } from "./workloads.ts";

const [shared, path] = Deno.args as [string, string];
const places = JSON.parse(shared) as Places;
const { open } = await import(`./${path}`) as JobsContestant;

const stores = new Map<string, JobStore>();
const backlogs = new Map<number, Backlog>();

async function storeOf(name: string): Promise<JobStore> {
  const store = stores.get(name) ?? await open(name, places);
  stores.set(name, store);
  return store;
}

function now(): number {
  return performance.timeOrigin + performance.now();
}

async function share(queue: string, count: number): Promise<void> {
  const store = await storeOf(queue);
  await store.fill(Array.from({ length: count }, (_, i) => valueAt(i)));
}

async function part(queue: string, batch: number, count: number): Promise<[number, number]> {
  let got = 0;
  const store = await storeOf(queue);
  const crew = await store.workers(1, batch, () => void got++);
  const start = now();
  await crew.run(count);
  const end = now();
  await crew.end();
  if (got !== count) throw new Error(`${got} jobs instead of ${count}`);
  return [start, end];
}

async function answer(task: Task): Promise<readonly number[]> {
  switch (task.kind) {
    case "put":
      return [await puts(await storeOf("main"), task.inFlight, task.count)];
    case "drain":
      return [await drained(await storeOf("main"), task.workers, task.batch, task.count)];
    case "latency":
      return await latency(await storeOf("main"), task.perSecond, task.count);
    case "backlog": {
      const start = performance.now();
      backlogs.set(task.size, await Backlog.of(await storeOf(`backlog-${task.size}`), task.size));
      return [performance.now() - start];
    }
    case "beside":
      return [await backlogs.get(task.size)!.take(task.operation, task.count)];
    case "share":
      await share(task.queue, task.count);
      return [];
    case "part":
      return await part(task.queue, task.batch, task.count);
  }
}

await storeOf("main");
console.log("ready");
let rest = "";
for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  const lines = (rest + text).split("\n");
  rest = lines.pop()!;
  for (const line of lines) console.log(JSON.stringify(await answer(JSON.parse(line) as Task)));
}
