/**
 * Measures Sluice beside its peers: `deno task bench:peers`. Prints the table, and writes it to
 * `docs/benchmarks.md` with a chart. Arguments choose workloads: then nothing is written.
 *
 * @module
 */
import { chart } from "./harness/chart.ts";
import { type HoldingName, holdings, type WorkloadName, workloads } from "./contest.ts";
import { growth } from "./growth.ts";
import { go, holdingCounts, javaScriptPeers, python, sluice } from "./harness/contenders.ts";
import { type Contender, type OnFault, race, type Samples, weigh } from "./harness/race.ts";
import { type Findings, goalsMet, report } from "./harness/report.ts";

const ROUNDS = 15;

const faults: string[] = [];
function tell(text: string): void {
  faults.push(text);
  console.error(text);
}

const absent = new Set<Contender>();
/** Whoever cannot be started is told once, and asked no more. */
const onFault: OnFault = (contender, workload, reason) => {
  absent.add(contender);
  tell(`${contender.name}, from ${workload} on: ${reason}`);
};

const directory = await Deno.makeTempDir();
try {
  const contenders = [
    ...sluice(),
    ...await go(directory, tell),
    ...await python(tell),
    ...await javaScriptPeers(),
  ];
  const chosen = Deno.args.length > 0 ? Deno.args : Object.keys(workloads);
  const samples = new Map<WorkloadName, Samples>();
  for (const name of chosen as WorkloadName[]) {
    if (!(name in workloads)) throw new TypeError(`there is no workload ${name}`);
    const present = contenders.filter((contender) => !absent.has(contender));
    samples.set(name, await race(present, name, ROUNDS, onFault));
    console.log(goalsMet(name, samples.get(name)!));
  }
  if (Deno.args.length === 0) {
    const present = contenders.filter((contender) => !absent.has(contender));
    const memory = new Map<HoldingName, Map<string, number>>();
    for (const name of Object.keys(holdings) as HoldingName[]) {
      const figures = new Map<string, number>();
      memory.set(name, figures);
      for (const contender of present) {
        const bytes = await weigh(contender, name, holdingCounts[name]).catch(() => undefined);
        if (bytes !== undefined) figures.set(contender.name, bytes);
      }
    }
    const findings: Findings = {
      contenders: present,
      samples,
      memory,
      growth: await growth(),
      faults,
    };
    const text = report(findings);
    const pages = ["docs/benchmarks.md", "docs/benchmarks.svg"] as const;
    await Deno.writeTextFile(pages[0], text);
    await Deno.writeTextFile(pages[1], chart(present, samples));
    const formatter = new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", ...pages] });
    if (!(await formatter.output()).success) console.error(`deno fmt cannot format ${pages}`);
    console.log(`\n${text}`);
  }
} finally {
  await Deno.remove(directory, { recursive: true });
}
