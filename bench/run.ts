/**
 * Measures Sluice alone: `deno task bench`, about half a minute. Rounds go over all workloads in
 * turn, so that a slow moment of the machine does not fall on one of them.
 *
 * @module
 */
import { claims } from "./claims.ts";
import { type Workload, workloads } from "./workloads.ts";

const ROUNDS = 11;
const WARM_UP_ROUNDS = 3;

/** Nanoseconds per operation. */
async function sample({ run, count }: Workload): Promise<number> {
  const start = performance.now();
  await run(count);
  return (performance.now() - start) * 1e6 / count;
}

const samples = new Map<Workload, number[]>(workloads.map((workload) => [workload, []]));
for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) {
  for (const [workload, figures] of samples) {
    const figure = await sample(workload);
    if (round >= WARM_UP_ROUNDS) figures.push(figure);
  }
}

const { deno, v8 } = Deno.version;
const cores = navigator.hardwareConcurrency;
console.log(`Deno ${deno}, V8 ${v8}, ${Deno.build.target}, ${cores} cores, ${ROUNDS} samples each`);
console.log();
console.log("workload                                   ns per operation: median     min     max");
for (const [{ name, what }, figures] of samples) {
  const sorted = figures.toSorted((a, b) => a - b);
  const shown = [sorted[sorted.length >> 1], sorted[0], sorted.at(-1)];
  const columns = shown.map((figure) => figure!.toFixed(0).padStart(8)).join("");
  console.log(`${name.padEnd(4)} ${what.padEnd(52)}${columns}`);
}
console.log();
for (const { text, measured, holds } of await claims()) {
  console.log(`${holds ? "holds" : "FAILS"}  ${text}: ${measured}`);
  if (!holds) Deno.exitCode = 1;
}
