/**
 * Runs one workload of one contestant in a process of its own: `child.ts MODULE WORKLOAD`.
 *
 * The protocol, for contestants in any language: the program prints "ready", or "none" if it has no
 * such workload, and ends when its standard input does. For each line on
 * that, a count, it runs the workload so often and prints the nanoseconds that it took.
 * For `memory:HOLDING` it makes so many and prints the bytes that they take. A wrong checksum or any
 * other fault ends it with a status that is not 0.
 *
 * @module
 */
import type { Contestant, Holding, HoldingName, Workload, WorkloadName } from "./contest.ts";

const [path, task] = Deno.args as [string, string];
const contestant = await import(path) as Contestant;

const workload = contestant.workloads[task as WorkloadName];
const holding = contestant.holdings?.[task.replace("memory:", "") as HoldingName];

async function measure(workload: Workload, count: number): Promise<number> {
  const start = performance.now();
  const took = await workload(count) ?? performance.now() - start;
  return took * 1e6;
}

/** The first ones pay for feedback and compiled code; nothing is to keep them when this is over. */
async function warmUp(holding: Holding): Promise<void> {
  await holding(1_000);
}

async function weigh(holding: Holding, count: number): Promise<number> {
  const { gc } = globalThis as unknown as { gc(): void };
  const used = (): number => {
    for (let i = 0; i < 3; i++) gc();
    return Deno.memoryUsage().heapUsed;
  };
  await warmUp(holding);
  const before = used();
  const kept = await holding(count);
  const after = used();
  if (kept === undefined) throw new Error("a holding must return what keeps it alive");
  return after - before;
}

async function answer(count: number): Promise<number> {
  return workload === undefined ? await weigh(holding!, count) : await measure(workload, count);
}

console.log(workload === undefined && holding === undefined ? "none" : "ready");
let rest = "";
for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  const lines = (rest + text).split("\n");
  rest = lines.pop()!;
  for (const line of lines) console.log(await answer(Number(line)));
}
