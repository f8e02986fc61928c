/**
 * Runs one workload of one contestant in a process of its own: `child.ts MODULE WORKLOAD`.
 *
 * The protocol, for contestants in any language: the program prints "ready", then for each line on
 * its standard input, a count, runs the workload so often and prints the nanoseconds that it took.
 * For `memory:HOLDING` it makes so many and prints the bytes that they take. A wrong checksum or any
 * other fault ends it with a status that is not 0.
 *
 * @module
 */
import type { Contestant, HoldingName, WorkloadName } from "./contest.ts";

const [path, task] = Deno.args as [string, string];
const contestant = await import(path) as Contestant;

async function measure(count: number): Promise<number> {
  const workload = contestant.workloads[task as WorkloadName]!;
  const start = performance.now();
  const took = await workload(count) ?? performance.now() - start;
  return took * 1e6;
}

async function weigh(count: number): Promise<number> {
  const holding = contestant.holdings![task.slice("memory:".length) as HoldingName]!;
  const { gc } = globalThis as unknown as { gc(): void };
  const used = (): number => {
    for (let i = 0; i < 3; i++) gc();
    return Deno.memoryUsage().heapUsed;
  };
  // The first ones pay for feedback and compiled code.
  await holding(1_000);
  const before = used();
  const kept = await holding(count);
  const after = used();
  if (kept === undefined) throw new Error("a holding must return what keeps it alive");
  return after - before;
}

const measureOne = task.startsWith("memory:") ? weigh : measure;
console.log("ready");
let rest = "";
for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  const lines = (rest + text).split("\n");
  rest = lines.pop()!;
  for (const line of lines) console.log(await measureOne(Number(line)));
}
Deno.exit();
