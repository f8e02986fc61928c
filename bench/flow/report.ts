/**
 * The text of `docs/flow-peers.md`.
 *
 * @module
 */
import { machine } from "../harness/contenders.ts";
import { median, quantile, ratio, show } from "../harness/figures.ts";
import type { Contender, Samples } from "../harness/race.ts";
import type { Sight } from "./claims.ts";
import {
  type FlowHoldingName,
  flowHoldings,
  type FlowWorkloadName,
  flowWorkloads,
} from "./contest.ts";
import { features, type FeatureTable, missing } from "./features.ts";

/** Everything that was measured and seen. */
export interface FlowFindings {
  readonly date: string;
  readonly contenders: readonly Contender[];
  readonly samples: ReadonlyMap<FlowWorkloadName, Samples>;
  /** Bytes by holding and contender. */
  readonly memory: ReadonlyMap<FlowHoldingName, ReadonlyMap<string, number>>;
  readonly sights: readonly Sight[];
  /** The table of the adaptive capacity. */
  readonly adaptive: string;
  /** What a put and a get cost in nanoseconds, without and with an adaptive capacity. */
  readonly overhead: { readonly plain: number; readonly adaptive: number };
  readonly faults: readonly string[];
}

/** With whom all are compared. */
const OURS = "Sluice";

/** A peer is quicker if it takes less than this share: less is noise. */
const QUICKER = 0.9;

function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  rule: "---" | "--:",
): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, i) => i === 0 ? "---" : rule)), ...rows.map(line)]
    .join("\n");
}

function featureTable({ title, of, rows }: FeatureTable): string[] {
  return [`### ${title}`, table(["", ...of], rows, "---")];
}

function sightTable(sights: readonly Sight[]): string {
  const names = (of: readonly string[]): string => of.length === 0 ? "-" : of.join("; ");
  return table(
    ["", "yes", "no"],
    sights.map(({ what, yes, no }) => [what, names(yes), names(no)]),
    "---",
  );
}

/** One row for each contender: median, spread, and how many times what ours takes. */
function costTable(samples: Samples): string {
  const base = samples.get(OURS);
  const rows = [...samples].map(([name, figures]) => [
    name,
    `**${show(median(figures))}**`,
    `${show(quantile(figures, 0))}–${show(quantile(figures, 1))}`,
    name === OURS ? "1" : show(ratio(figures, base)),
  ]);
  return table(["", "ns", "least–most", "times Sluice"], rows, "--:");
}

function memoryTable(memory: FlowFindings["memory"]): string {
  const names = [...new Set([...memory.values()].flatMap((of) => [...of.keys()]))];
  const rows = names.map((name) => [name, ...[...memory.values()].map((of) => show(of.get(name)))]);
  return table(["bytes of", ...[...memory.keys()].map((name) => flowHoldings[name])], rows, "--:");
}

/** Where peers are quicker than ours, or take less memory. */
export function shortfalls(
  samples: FlowFindings["samples"],
  memory: FlowFindings["memory"],
): string[] {
  const lines: string[] = [];
  const tell = (
    what: string,
    shares: readonly (readonly [who: string, share?: number])[],
  ): void => {
    const better = shares.flatMap(([who, share]) =>
      who.startsWith(OURS) || share === undefined || share >= QUICKER
        ? []
        : [`${who} takes ${show(share)} times what Sluice takes`]
    );
    if (better.length > 0) lines.push(`${what}: ${better.join("; ")}.`);
  };
  for (const [name, of] of samples) {
    tell(name, [...of].map(([who, figures]) => [who, ratio(figures, of.get(OURS))]));
  }
  for (const [name, of] of memory) {
    const ours = of.get(OURS);
    if (ours === undefined) continue;
    tell(`Memory, ${flowHoldings[name]}`, [...of].map(([who, bytes]) => [who, bytes / ours]));
  }
  return lines;
}

function roundsOf(samples: FlowFindings["samples"]): number {
  return Math.max(...[...samples.values()].flatMap((of) => [...of.values()].map((f) => f.length)));
}

function list(lines: readonly string[]): string {
  return lines.map((line) => `- ${line}`).join("\n");
}

function versions(contenders: readonly Contender[]): string {
  const peers = contenders.filter(({ name, version }) => version !== "" && !name.includes(","));
  return peers.map(({ name, version }) => `${name} ${version}`).join(", ");
}

/** The page. */
export function flowReport(findings: FlowFindings): string {
  const { date, contenders, samples, memory, sights, adaptive, overhead, faults } = findings;
  const otherwise = sights.flatMap(({ what, otherwise }) =>
    otherwise.map((who) => `Not as the tables above say: ${what}: ${who}.`)
  );
  const lesser = shortfalls(samples, memory);
  const parts = [
    "# Flow control, and its peers",
    `Written by \`deno task bench:flow\` on ${date}, with ${machine()}. Peers: ${
      versions(contenders)
    }. What each of them is for differs: bottleneck, p-throttle and p-queue limit rates, dataloader ` +
    "makes batches, opossum breaks circuits. None of them is for all of it, as none of ours is alone.",
    "## What they can do",
    'Read in the packages, or seen by running them. "-": no question there. Releases are dated as the ' +
    "registry does, but for bottleneck's: it says 2024-11 of a version that GitHub's codeql-action has " +
    "had since September 2020.",
    ...features.flatMap(featureTable),
    "### Seen by running",
    "Each question was put to those it concerns. A breaker is opened by hand for this, and the event " +
    "loop kept busy for 65 ms where it is said to stand still.",
    sightTable(sights),
    ...otherwise,
    "## What they cost",
    "Each contender runs in a process of its own, and they take turns, round by round: 10,000 calls " +
    "of an async function that does nothing. Before that each shows that it does what is measured: " +
    "that it limits, that it opens, that calls queue or are refused. Nanoseconds for one, the median of " +
    `${
      roundsOf(samples)
    } rounds, or of at least 3 for one that is slow; how many times ours is the ` +
    "median of the ratios of each round. Take less than 25 % for noise.",
    ...[...samples].flatMap(([name, of]) => [
      `### ${name}: ${flowWorkloads[name]}`,
      costTable(of),
    ]),
    list([
      "Sluice is a `TokenBucket` in R1 to R4; the sliding window is beside it. The limits of bottleneck " +
      "and p-queue are not exact unless `strict`, nor are p-throttle's.",
      "bottleneck's calls wait for several timers each, one after the other, even if there is nothing to " +
      "wait for: this is waiting, not work, and lets through a few hundred calls a second at most. It " +
      "did 200 calls, not 10,000. Its batcher has no results, so it has less to do in B1.",
      "R2 and R3 are ours alone. In R4 a signal cancels one call, with p-queue too; p-throttle has one " +
      "signal for all, and bottleneck none.",
      "dataloader goes without its cache; with it, it would do more for each item. Ours has as many batches " +
      "at a time as there are.",
      "opossum, lean: without percentiles and snapshots, which it has if nothing else is said. It adds up " +
      "its window, and sorts all latencies in it, at each failure: see C2. It refuses in H2, and is not in " +
      "H1, since it has no line.",
      "No peer routes: in G1 opossum is a breaker for each version and a counter that chooses. Ours keeps " +
      "latencies in a histogram, opossum in lists, if it is not lean.",
      "What is refused is an error, and taking down where it happened is most of what C3 and H2 cost.",
    ]),
    "### Memory",
    "Bytes on the JavaScript heap for one of 20,000. Timers have parts outside of it, which are not " +
    "counted: p-throttle has one for each call that waits, ours one in all. Items of bottleneck's batcher " +
    "share one promise, as they have no results.",
    memoryTable(memory),
    "## What an adaptive capacity does",
    "Beside fixed capacities, on simulated time: 8 producers that put as fast as they may; 4 that put " +
    "bursts of 150; and items that are refused when there is no room, while the consumer is ten times " +
    "slower for five of twenty seconds. None of the peers has one.",
    adaptive,
    `A put and a get take ${show(overhead.plain)} ns without it, and ${
      show(overhead.adaptive)
    } ns with it.`,
    "## What falls short",
    list([...missing, ...lesser]),
    ...faults.map((fault) => `Not measured: ${fault}.`),
  ];
  return `${parts.join("\n\n")}\n`;
}
