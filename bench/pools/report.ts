/**
 * The text of `docs/balancing.md`.
 *
 * @module
 */
import { machine } from "../harness/contenders.ts";
import { median, ratio, show } from "../harness/figures.ts";
import type { Samples } from "../harness/race.ts";
import { loads, UTILISATION, WORKERS } from "./balancing.ts";
import type { Runs } from "./chart.ts";
import { type PoolWorkloadName, poolWorkloads } from "./contest.ts";

/** Everything that was measured. */
export interface PoolFindings {
  readonly runs: Runs;
  readonly rounds: number;
  /** Nanoseconds by strategy and number of workers. */
  readonly costs: ReadonlyMap<string, ReadonlyMap<number, number>>;
  readonly samples: ReadonlyMap<PoolWorkloadName, Samples>;
  /** Bytes of a queued task. */
  readonly memory: ReadonlyMap<string, number>;
  readonly faults: readonly string[];
}

const advice: Readonly<Record<string, string>> = {
  "shared queue":
    "if nothing else is known: nothing waits while a worker is idle, and all start in " +
    "the order in which they came",
  "round robin": "if tasks take about as long, and each worker is to keep what it has been given",
  "work stealing":
    "if tasks submit tasks, which then run where their data are warm; the newest first, " +
    "so an old task may wait long while there is more than the workers can do",
  "central": "if each worker has a queue of its own, and its tasks are to wait behind few others",
};

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, i) => i === 0 ? "---" : "--:")), ...rows.map(line)].join(
    "\n",
  );
}

function strategyTable(runs: Runs, load: string): string {
  const rows = [...runs.get(load)!].map(([name, run]) => [
    name,
    show(run.throughput),
    show(run.p50),
    show(run.p99),
    run.fairness.toFixed(3),
    `${(run.stolen * 100).toFixed(0)} %`,
  ]);
  return table(
    ["strategy", "tasks a second", "p50 wait, ms", "p99 wait, ms", "fairness", "stolen"],
    rows,
  );
}

function costTable(costs: PoolFindings["costs"]): string {
  const counts = [...[...costs.values()][0]!.keys()];
  const rows = [...costs].map((
    [name, of],
  ) => [name, ...counts.map((count) => show(of.get(count)))]);
  return table(["strategy", ...counts.map((count) => `${count} workers`)], rows);
}

/** Nanoseconds of each contender, and how many times those of the pool. */
function peerTable({ samples, memory }: PoolFindings): string {
  const names = [...new Set([...samples.values()].flatMap((of) => [...of.keys()]))];
  const rows = names.map((name) => [
    name,
    ...[...samples].map(([, of]) => {
      const figures = of.get(name);
      if (figures === undefined) return "-";
      const to = ratio(figures, of.get("Sluice"));
      return name === "Sluice" ? show(median(figures)) : `${show(median(figures))} (${show(to)})`;
    }),
    memory.has(name) ? show(memory.get(name)) : "-",
  ]);
  return table(["pool", ...samples.keys(), "bytes"], rows);
}

/** The page. */
export function poolReport(findings: PoolFindings): string {
  const { runs, rounds, costs, samples, faults } = findings;
  const parts = [
    "# Balancing, and other pools",
    "Written by `deno task bench:pools`; the figures are those of one run, on " +
    `${machine()}.`,
    "![How long a task waits, by load and strategy](balancing.svg)",
    "## Which strategy",
    table(
      ["strategy", "when"],
      Object.entries(advice).map(([name, when]) => [`${name}`, when]),
    ).replace("--:", "---"),
    "A share for each worker, whatever the load is, is `weighted([90, 10])`: for sending a tenth to a " +
    "new version, not for balancing.",
    "## Three loads",
    `${WORKERS} workers, and 1,000 tasks that wait for a timer, as for I/O. Tasks a second: all are ` +
    "submitted at once. The waits: they come as the load has it, so that workers are busy for " +
    `${
      UTILISATION * 100
    } % of the time; a wait is the time from submission to start. Fairness is ` +
    "Jain's index of how long each worker was busy: 1 if all were alike, " +
    `${
      1 / WORKERS
    } if one did it all. Medians of ${rounds} rounds, in which the strategies took turns.`,
    ...Object.entries(loads).flatMap(([name, { what }]) => [
      `### ${name[0]!.toUpperCase()}${name.slice(1)}: ${what}`,
      strategyTable(runs, name),
    ]),
    "### What choosing costs",
    'Nanoseconds for a task that does nothing, submitted with 50,000 others, and `nested: "queue"`. ' +
    "Where each worker has a queue of its own, the pool notes which worker a task comes from (see below); " +
    "work stealing and central look at all workers for each task.",
    costTable(costs),
    "## Beside other pools",
    "Nanoseconds (median of the rounds), and in brackets how many times what Sluice takes, round by " +
    "round. Each pool runs in a process of its own, and they take turns. Bytes: a queued task.",
    peerTable(findings),
    [...samples.keys()].map((name) => `- ${name}: ${poolWorkloads[name]}`).join("\n"),
    "Of these p-queue alone can cancel one task; the others can drop their whole queue. What none of " +
    "them has: a context for each task, retries that free the worker, work stealing, and the watch for " +
    "tasks that wait for tasks of their own full pool. That watch needs AsyncLocalStorage, which is " +
    'most of what a no-op task costs; "unwatched" is `nested: "queue"`, which goes without.',
    ...faults.map((fault) => `Not measured: ${fault}.`),
  ];
  return `${parts.join("\n\n")}\n`;
}
