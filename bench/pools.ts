/**
 * Measures the pool: its strategies on three loads, and itself beside other pools:
 * `deno task bench:pools`, about three minutes. Writes `docs/balancing.md` with a chart.
 *
 * @module
 */
import { poolPeers } from "./harness/contenders.ts";
import { median } from "./harness/figures.ts";
import { race, type Samples, weigh } from "./harness/race.ts";
import { dispatchCost, loads, type Run, runLoad, strategies } from "./pools/balancing.ts";
import { balancingChart } from "./pools/chart.ts";
import { type PoolWorkloadName, poolWorkloads } from "./pools/contest.ts";
import { poolReport } from "./pools/report.ts";

const ROUNDS = 5;
const PEER_ROUNDS = 11;

/** The median of each figure. */
function middle(runs: readonly Run[]): Run {
  const of = (read: (run: Run) => number): number => median(runs.map(read));
  return {
    throughput: of((run) => run.throughput),
    p50: of((run) => run.p50),
    p99: of((run) => run.p99),
    fairness: of((run) => run.fairness),
    stolen: of((run) => run.stolen),
  };
}

const runs = new Map<string, Map<string, Run>>();
for (const [name, load] of Object.entries(loads)) {
  const all = new Map<string, Run[]>(Object.keys(strategies).map((strategy) => [strategy, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [strategy, make] of Object.entries(strategies)) {
      all.get(strategy)!.push(await runLoad(load, make));
    }
  }
  runs.set(name, new Map([...all].map(([strategy, of]) => [strategy, middle(of)])));
  console.log(name, runs.get(name));
}

const costs = new Map<string, Map<number, number>>();
for (const [strategy, make] of Object.entries(strategies)) {
  const of = new Map<number, number>();
  for (const workers of [8, 64, 512]) {
    const figures: number[] = [];
    for (let i = 0; i < ROUNDS; i++) figures.push(await dispatchCost(make, workers));
    of.set(workers, median(figures));
  }
  costs.set(strategy, of);
}
console.log(costs);

const faults: string[] = [];
const contenders = await poolPeers();
const samples = new Map<PoolWorkloadName, Samples>();
for (const name of Object.keys(poolWorkloads) as PoolWorkloadName[]) {
  const of = await race(contenders, name, PEER_ROUNDS, ({ name }, workload, reason) => {
    faults.push(`${name} in ${workload} (${reason})`);
  });
  samples.set(name, of);
  console.log(name, Object.fromEntries([...of].map(([who, figures]) => [who, median(figures)])));
}
const memory = new Map<string, number>();
for (const contender of contenders) {
  const bytes = await weigh(contender, "queued", 100_000);
  if (bytes !== undefined) memory.set(contender.name, bytes);
}

const pages = ["docs/balancing.md", "docs/balancing.svg"] as const;
await Deno.writeTextFile(
  pages[0],
  poolReport({ runs, rounds: ROUNDS, costs, samples, memory, faults }),
);
await Deno.writeTextFile(pages[1], balancingChart(runs));
const formatter = new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", ...pages] });
if (!(await formatter.output()).success) console.error(`deno fmt cannot format ${pages}`);
