/**
 * The registry of section 4.3 of the article, which knows each task while it runs, and nothing of it
 * afterwards: `tasks.Store(id, …)` with `defer tasks.Delete(id)`.
 *
 * Look at the sizes after the runs: a task that fails leaves nothing behind either. First with a plain
 * Map and `finally`, then with `TaskRegistry`, which can also end a task that runs.
 *
 *     deno run examples/article/4_3_task_registry.ts
 *
 * @module
 */
import { sleep } from "@sluice/sluice";
import { TaskRegistry } from "@sluice/sluice/tasks";

async function work(fails: boolean): Promise<void> {
  await sleep(5);
  if (fails) throw new Error("no such table");
}

const tasks = new Map<string, "running">();

async function runTask(id: string, fails: boolean): Promise<void> {
  tasks.set(id, "running");
  try {
    await work(fails);
  } finally {
    tasks.delete(id);
  }
}

const tell = (error: Error) => console.log(`failed: ${error.message}`);

console.log("with a Map:");
const running = Promise.all([runTask("good", false), runTask("bad", true).catch(tell)]);
console.log(`running: ${[...tasks.keys()].join(", ")}`);
await running;
console.log(`left: ${tasks.size}`);

console.log("with a TaskRegistry:");
const registry = new TaskRegistry();
const all = Promise.all([
  registry.run(() => work(false), { id: "good" }),
  registry.run(() => work(true), { id: "bad" }).catch(tell),
  registry.run((ctx) => sleep(60_000, ctx), { id: "endless" }).catch(tell),
]);
console.log(`running: ${registry.list().map(({ id }) => id).join(", ")}`);
registry.cancel("endless", new Error("not needed any more"));
await all;
console.log(`left: ${registry.size}`);

// In a function that is there already, `using` is the deferred delete.
async function importTable(): Promise<void> {
  using _ = registry.add({ id: "import" });
  console.log(`running: ${registry.list().map(({ id }) => id).join(", ")}`);
  await work(true);
}
await importTable().catch(tell);
console.log(`left: ${registry.size}`);
