/**
 * Measures Sluice alone: `deno task bench`, under a minute. Each workload in both idioms, each in a
 * process of its own; then memory, growth, and what the documents claim.
 *
 * @module
 */
import { claims } from "./claims.ts";
import { type HoldingName, holdings, type WorkloadName, workloads } from "./contest.ts";
import { memoryGoals } from "./goals.ts";
import { growth, sizes } from "./growth.ts";
import { holdingCounts, machine, sluice } from "./harness/contenders.ts";
import { quantile, show } from "./harness/figures.ts";
import { complain, race, weigh } from "./harness/race.ts";

const ROUNDS = 9;

console.log(`${machine()}; medians of ${ROUNDS} samples, and their least and most\n`);
console.log("nanoseconds (W9: milliseconds)             plain                    fast");
for (const [name, what] of Object.entries(workloads) as [WorkloadName, string][]) {
  const samples = await race(sluice(), name, ROUNDS, complain);
  const columns = [...samples.values()].map((figures) => {
    // A sieve is one operation of many, in milliseconds.
    const scale = name === "W9" ? 1e-3 : 1;
    const [least, middle, most] = [0, 0.5, 1].map((q) => show(quantile(figures, q) * scale));
    return `${middle!.padStart(6)} (${least} to ${most})`.padEnd(25);
  });
  console.log(`${name.padEnd(4)}${columns.join("")}  ${what}`);
}

console.log("\nbytes");
const [plain] = sluice();
for (const [name, what] of Object.entries(holdings) as [HoldingName, string][]) {
  const bytes = await weigh(plain!, name, holdingCounts[name]);
  const goal = (memoryGoals as Partial<Record<HoldingName, number>>)[name];
  const bound = goal === undefined ? "" : `, ${goal} at most`;
  console.log(`${show(bytes).padStart(6)}  ${what}${bound}`);
}

console.log(`\nnanoseconds beside ${sizes.join(", ")} others`);
for (const { what, figures } of await growth()) {
  console.log(`${figures.map((figure) => show(figure).padStart(7)).join("")}  ${what}`);
}

console.log();
for (const { text, measured, holds } of await claims()) {
  console.log(`${holds ? "holds" : "FAILS"}  ${text}: ${measured}`);
  if (!holds) Deno.exitCode = 1;
}
