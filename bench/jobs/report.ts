/**
 * The text of `docs/jobs-peers.md`.
 *
 * @module
 */
import { machine } from "../harness/contenders.ts";
import { median, quantile, ratio, show } from "../harness/figures.ts";
import { names } from "./contenders.ts";
import {
  batches,
  drainRow,
  type GrowthSamples,
  type Pace,
  putRow,
  RATE,
  type Samples,
} from "./race.ts";
import { limits } from "./limits.ts";

/** Everything that was measured. */
export interface JobsFindings {
  readonly date: string;
  readonly pace: Pace;
  /** What took part beside Deno, with versions. */
  readonly versions: readonly string[];
  /** Nanoseconds by the name of a row. */
  readonly rows: ReadonlyMap<string, Samples>;
  /** The same, of the adapter for NATS and the bare client alone. */
  readonly duels: ReadonlyMap<string, Samples>;
  readonly latency: { readonly p50: Samples; readonly p99: Samples };
  readonly growth: GrowthSamples;
  /** Nanoseconds by batch and by the number of processes. */
  readonly processes: ReadonlyMap<number, ReadonlyMap<number, Samples>>;
  readonly faults: readonly string[];
}

/** What the adapter may cost, beside a bare client. */
export const GOAL = 1.15;
/** Somebody is quicker if he takes less than this share: less is noise. */
const QUICKER = 0.8;
/** How many puts are in flight. */
const PUTS = [1, 256] as const;

/** Who stands beside whom. */
const pairs = [
  [names.sqlite, names.sqliteBare],
  [names.nats, names.natsBare],
  [names.nats, names.natsUsual],
] as const;

type Cells = readonly string[];

function table(head: Cells, rows: readonly Cells[], rule: "---" | "--:" = "--:"): string {
  const line = (cells: Cells): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, i) => i === 0 ? "---" : rule)), ...rows.map(line)]
    .join("\n");
}

function list(lines: readonly string[]): string {
  return lines.map((line) => `- ${line}`).join("\n");
}

/** Median, least and most. */
function spread(figures: readonly number[] | undefined, text: (figure: number) => string): string {
  if (figures === undefined || figures.length === 0) return "-";
  const [least, most] = [quantile(figures, 0), quantile(figures, 1)].map(text);
  return `**${text(median(figures))}** (${least}–${most})`;
}

/** How many a second. */
function rates(samples: Samples | undefined, name: string): string {
  return spread(samples?.get(name)?.map((ns) => 1e9 / ns), (rate) => rate.toFixed(0));
}

/** One line for each who has figures in one of these. */
function rateTable(head: Cells, columns: readonly (Samples | undefined)[]): string {
  const who = Object.values(names).filter((name) => columns.some((of) => of?.has(name)));
  return table(head, who.map((name) => [name, ...columns.map((of) => rates(of, name))]));
}

function workersOf(n: number): string {
  return n === 1 ? "1 worker" : `${n} workers`;
}

/** The ratios of each round. */
function ratios(samples: Samples, name: string, base: string): number[] | undefined {
  const [ours, theirs] = [samples.get(name), samples.get(base)];
  if (ours === undefined || theirs === undefined) return undefined;
  return ours.slice(0, theirs.length).map((ns, round) => ns / theirs[round]!);
}

function costTable(findings: JobsFindings): string {
  const rows = [...findings.rows, ["latency, p50", findings.latency.p50] as const]
    .map(([what, samples]) => [
      what,
      ...pairs.map(([name, base]) => {
        const duel = base === names.natsBare ? findings.duels.get(what) : undefined;
        return spread(ratios(duel ?? samples, name, base), show);
      }),
    ]);
  return table(["", ...pairs.map(([name, base]) => `${name}, to ${base}`)], rows);
}

function growthTable({ of }: GrowthSamples): string {
  const who = Object.values(names).filter((name) =>
    [...of.values()].some(({ few }) => few.has(name))
  );
  const rows = [...of].map(([operation, { few, many }]) => [
    operation,
    ...who.map((name) => {
      const [before, after] = [few.get(name), many.get(name)];
      if (before === undefined || after === undefined) return "-";
      const times = show(ratio(after, before));
      return `**${times}** (${micros(before)} to ${micros(after)})`;
    }),
  ]);
  return table(["", ...who], rows);
}

function micros(ns: readonly number[]): string {
  return show(median(ns) / 1e3);
}

/** Where the adapter for NATS costs more than it may, and where others are quicker than ours. */
export function shortfalls(findings: JobsFindings): string[] {
  const lines: string[] = [];
  for (const [what, samples] of findings.rows) {
    const costs = ratios(findings.duels.get(what) ?? samples, names.nats, names.natsBare);
    if (costs !== undefined && median(costs) > GOAL) {
      const times = show(median(costs));
      lines.push(`${what}: ${names.nats} takes ${times} times what ${names.natsBare} takes.`);
    }
    const share = ratio(samples.get(names.bullmq), samples.get(names.nats));
    if (share !== undefined && share < QUICKER) {
      lines.push(`${what}: ${names.bullmq} takes ${show(share)} times what ${names.nats} takes.`);
    }
  }
  for (const [operation, { few, many }] of findings.growth.of) {
    for (const [name, figures] of many) {
      const growth = ratio(figures, few.get(name));
      if (growth === undefined || growth < 1.5 || !name.startsWith("Sluice")) continue;
      lines.push(`${operation} beside a backlog: ${name} takes ${show(growth)} times as long.`);
    }
  }
  return lines;
}

function filling({ filled }: GrowthSamples, many: number): string {
  const texts = [...filled].map(([name, ms]) => `${name} ${show(ms / 1e3)} s`);
  return texts.length === 0 ? "" : `To put ${many} of them took: ${texts.join(", ")}.`;
}

function processTables({ processes, pace }: JobsFindings): string[] {
  if (pace.processes.length === 0) return ["Not measured in a quick run."];
  const head = ["a second", ...pace.processes.map((n) => n === 1 ? "1 process" : `${n} processes`)];
  return [...processes].flatMap(([batch, of]) => [
    `### ${batch === 1 ? "One by one" : `Batches of ${batch}`}`,
    rateTable(head, pace.processes.map((n) => of.get(n))),
  ]);
}

/** The page. */
export function jobsReport(findings: JobsFindings): string {
  const { date, pace, versions, rows, latency, growth, faults } = findings;
  const lesser = shortfalls(findings);
  const heads = pace.workers.map(workersOf);
  const parts = [
    "# Job queues, and their peers",
    `Written by \`deno task bench:jobs\` on ${date}, with ${machine()}; ${versions.join(", ")}. ` +
    "Clients and servers share these cores, over loopback. Figures of another machine will differ; " +
    "what is measured side by side differs less.",
    "## What is measured",
    "A job is 100 bytes of JSON. All do the same: what is put is stored when `put` resolves, and each " +
    "job is got once, unharmed, and finished for good; each sample is checked for that. Each contender " +
    "runs in a process of its own, and they take turns, round by round; workers are async tasks of that " +
    `process. A sample lasts about ${pace.sample} ms, and there are ${pace.rounds} of each. Figures ` +
    "are medians, with least and most. Take less than 25 % for noise.",
    list([
      `${names.memory}, ${names.sqlite}, ${names.nats}: \`memoryJobs\`, \`sqliteJobs\`, \`natsJobs\`, ` +
      "with the options that they have if nothing is said. A batch is a `getMany` and a `doneMany`.",
      `${names.sqliteBare}: one table and prepared statements, with the same pragmas. Each operation, or ` +
      "batch, is one transaction; 256 in flight are one, too. It knows leases and attempts, and nothing " +
      "else. What the adapter costs is what it takes beside this.",
      `${names.natsBare}: the packages that our engine uses, doing what it does: puts with a message id, ` +
      "raw pulls with `no_wait` and `expires`, acknowledgements of which the last of a batch is confirmed. " +
      "It decodes and counts the jobs, and nothing else.",
      `${names.natsUsual}: the same client as its documents have it: \`consumer.next()\` and \`ackAck()\` ` +
      "for one job, `consumer.consume()` for many, with as many confirmations under way as a batch has.",
      `${names.bullmq}: a \`Worker\` with a function that does nothing, \`concurrency\` for the batch, and ` +
      "`removeOnComplete`. It has no batches of its own.",
    ]),
    "## What they promise",
    "They do not promise the same, and a promise costs. Whoever only looks at the figures compares a sync " +
    "of the disk with none.",
    table([
      "",
      "a put that has resolved is",
      "a killed process or server loses",
      "a power cut loses",
    ], [
      [names.memory, "in this process", "everything", "everything"],
      [
        `${names.sqlite}, ${names.sqliteBare}`,
        "on disk: a sync for each transaction (`synchronous = FULL`, WAL)",
        "nothing",
        "nothing",
      ],
      [
        `${names.nats}, the bare clients`,
        "written to a file by the server, which syncs every two minutes (2.9)",
        "nothing",
        "up to two minutes, if there is one replica",
      ],
      [
        `${names.bullmq}, on Redis`,
        "in Redis, which writes it to its log and syncs once a second (`appendfsync everysec`)",
        "nothing",
        "about a second",
      ],
    ], "---"),
    "## Puts",
    rateTable(
      ["a second", "one by one", "256 in flight"],
      PUTS.map((inFlight) => rows.get(putRow(inFlight).what)),
    ),
    "## Get and done",
    ...batches.flatMap((batch) => [
      `### ${batch === 1 ? "One by one" : `Batches of ${batch}`}`,
      rateTable(
        ["a second", ...heads],
        pace.workers.map((workers) => rows.get(drainRow(batch, workers).what)),
      ),
    ]),
    "## Several processes",
    "The same queue is shared by processes that take and finish its jobs at the same time, one worker each.",
    ...processTables(findings),
    "## Latency",
    `${RATE} puts a second, evenly, and one worker that waits: microseconds from the call of \`put\` until ` +
    "the worker has the job, in the same process. Timers wake the process for each put, so this is what a " +
    "quiet queue takes, and not the least that is possible. Who can take fewer than that one by one (see " +
    "above) falls behind: then it is the time in a queue that grows.",
    table(
      ["µs", "p50", "p99"],
      Object.values(names).filter((name) => latency.p50.has(name)).map((name) => [
        name,
        spread(latency.p50.get(name), show),
        spread(latency.p99.get(name), show),
      ]),
    ),
    "## What the adapters cost",
    "How many times as long ours takes as what stands beside it: the median of the ratios of each round, with " +
    `least and most. Ours on NATS and the bare client have ${pace.duel} further rounds for that, which ` +
    `are theirs alone; the goal is ${show(GOAL)}.`,
    costTable(findings),
    "## Beside a backlog",
    `What an operation takes while ${
      pace.backlogs[1]
    } jobs wait, as a multiple of what it takes while ` +
    `${
      pace.backlogs[0]
    } wait; in brackets microseconds of an operation. \`stats\` of the bare client is ` +
    "what the server tells of a consumer.",
    growthTable(growth),
    filling(growth, pace.backlogs[1]),
    "## What limits whom",
    list(limits),
    "## What falls short",
    lesser.length === 0 ? "Nothing, in this run." : list(lesser),
    ...faults.map((fault) => `Not measured: ${fault}.`),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}
