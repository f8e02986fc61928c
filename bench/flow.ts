/**
 * Measures flow control beside its peers, and puts questions of behaviour to all of them:
 * `deno task bench:flow`, about four minutes. Writes `docs/flow-peers.md`. A number as argument is how
 * many rounds there are, 11 if left out: `deno task bench:flow 3` is for a look.
 *
 * @module
 */
import { look } from "./flow/claims.ts";
import * as adaptive from "./flow/adaptive.ts";
import {
  type FlowHoldingName,
  flowHoldings,
  type FlowWorkloadName,
  flowWorkloads,
} from "./flow/contest.ts";
import { flowReport } from "./flow/report.ts";
import { flowPeers } from "./harness/contenders.ts";
import { median } from "./harness/figures.ts";
import { race, type Samples, weigh } from "./harness/race.ts";

const PAGE = "docs/flow-peers.md";

const rounds = Number(Deno.args[0] ?? 11);
if (!(Number.isInteger(rounds) && rounds > 0)) throw new RangeError(`no rounds: ${Deno.args[0]}`);

const sights = await look();
console.log(sights);

const faults: string[] = [];
const contenders = await flowPeers();
const samples = new Map<FlowWorkloadName, Samples>();
for (const name of Object.keys(flowWorkloads) as FlowWorkloadName[]) {
  const of = await race(contenders, name, rounds, ({ name }, workload, reason) => {
    faults.push(`${name} in ${workload} (${reason})`);
  });
  samples.set(name, of);
  console.log(name, Object.fromEntries([...of].map(([who, figures]) => [who, median(figures)])));
}

const memory = new Map<FlowHoldingName, Map<string, number>>();
for (const name of Object.keys(flowHoldings) as FlowHoldingName[]) {
  const of = new Map<string, number>();
  for (const contender of contenders) {
    const bytes = await weigh(contender, name, 20_000);
    if (bytes !== undefined) of.set(contender.name, bytes);
  }
  memory.set(name, of);
  console.log(name, of);
}

const page = flowReport({
  date: new Date().toISOString().slice(0, 10),
  contenders,
  samples,
  memory,
  sights,
  adaptive: adaptive.table(await adaptive.measure()),
  overhead: await adaptive.overhead(),
  faults,
});
await Deno.writeTextFile(PAGE, page);
const formatter = new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", PAGE] });
if (!(await formatter.output()).success) console.error(`deno fmt cannot format ${PAGE}`);
// A peer's timers would keep the process alive.
Deno.exit();
