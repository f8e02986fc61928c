/**
 * The tables of `docs/benchmarks.md`.
 *
 * @module
 */
import { type HoldingName, holdings, type WorkloadName, workloads } from "../contest.ts";
import { goals, memoryGoals } from "../goals.ts";
import { type Growth, sizes } from "../growth.ts";
import { machine } from "./contenders.ts";
import { median, quantile, ratio, show } from "./figures.ts";
import type { Contender, Samples } from "./race.ts";

/** Everything that was measured. */
export interface Findings {
  readonly contenders: readonly Contender[];
  readonly samples: ReadonlyMap<WorkloadName, Samples>;
  readonly memory: ReadonlyMap<HoldingName, ReadonlyMap<string, number>>;
  readonly growth: readonly Growth[];
  readonly faults: readonly string[];
}

/** What the ratios are to. */
export const GO = "Go, 1 P";
export const PLAIN = "Sluice plain";
export const FAST = "Sluice fast";

/** No peers in JavaScript. */
const others: ReadonlySet<string> = new Set([PLAIN, FAST, GO, "Go, 2 P", "asyncio.Queue"]);

/** The peer in JavaScript whose median is least. */
export function bestPeer(samples: Samples): string | undefined {
  const peers = [...samples.keys()].filter((name) => !others.has(name));
  return peers.sort((a, b) => median(samples.get(a)!) - median(samples.get(b)!))[0];
}

/** A ratio and its goal, in three columns; bold if it is met. */
function ratios(name: WorkloadName, samples: Samples): string[] {
  const { plain, fast, peer } = goals[name];
  const best = bestPeer(samples);
  const to = best === undefined ? undefined : samples.get(best);
  const column = (figure: number | undefined, goal: number | undefined, note = ""): string => {
    if (figure === undefined) return "-";
    if (goal === undefined) return `${show(figure)}${note}`;
    const shown = figure <= goal ? `**${show(figure)}**` : show(figure);
    return `${shown} (${goal})${note}`;
  };
  return [
    column(ratio(samples.get(PLAIN), samples.get(GO)), plain),
    column(ratio(samples.get(FAST), samples.get(GO)), fast),
    column(ratio(samples.get(PLAIN), to), peer, best === undefined ? "" : ` ${best}`),
    column(ratio(samples.get(FAST), to), undefined),
  ];
}

/** One workload at a glance. */
export function goalsMet(name: WorkloadName, samples: Samples): string {
  const [plain, fast, peer, fastPeer] = ratios(name, samples);
  return `${
    name.padEnd(4)
  } to Go: plain ${plain}, fast ${fast}; to the best peer: ${peer}, fast ${fastPeer}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, i) => i === 0 ? "---" : "--:")), ...rows.map(line)].join(
    "\n",
  );
}

/** The least, the middle and the greatest, in nanoseconds; of the sieve in milliseconds. */
function cell(name: WorkloadName, figures: readonly number[] | undefined): string {
  if (figures === undefined || figures.length === 0) return "-";
  const scale = name === "W9" ? 1e-3 : 1;
  const [least, middle, most] = [0, 0.5, 1].map((q) => show(quantile(figures, q) * scale));
  return `**${middle}** (${least}–${most})`;
}

/** The whole document. */
export function report({ contenders, samples, memory, growth, faults }: Findings): string {
  const names = [...samples.keys()];
  const missing = faults.length === 0
    ? ""
    : `\nNot measured:\n\n${faults.map((text) => `- ${text}`).join("\n")}\n`;
  const versions = contenders
    .filter(({ version }) => version !== "")
    .map(({ name, version }) => `${name} ${version}`);
  return `# Benchmarks

\`deno task bench:peers\` measures, and writes this page. Each contender runs in a process of its own
with its own native calls; a round takes one sample of each in turn, so that a slow moment of the
machine does not fall on one of them; checksums tell that nothing was lost. Shared machines are noisy:
compare within a row, as ratios, and take less than 25 % for noise. \`deno task bench\` measures Sluice
alone.

Measured on ${new Date().toISOString().slice(0, 10)} with ${machine()}.
Peers: ${versions.join(", ")}.

"Plain" awaits every send and receive, and selects from cases at hand. "Fast" tries first and awaits
only to park (\`trySend\`, \`tryReceive\`), takes what is there in one call (\`receiveMany\`), and
prepares its select once (\`prepareSelect\`).

![Time of each contender as a multiple of Go's](benchmarks.svg)

## Ratios

Medians of the ratios within each round; the goal in parentheses, bold where it is met. "Go" is Go's
own channels on one processor, "best" the fastest of the JavaScript peers, which is named.

${
    table(
      ["workload", "plain to Go", "fast to Go", "plain to the best", "fast to the best"],
      names.map((name) => [`${name}: ${workloads[name]}`, ...ratios(name, samples.get(name)!)]),
    )
  }

## Nanoseconds per operation

The median of the samples, and the least and the most; for W9 milliseconds. asyncio has no unbuffered
queue, and @thi.ng/csp no buffer below 1: there the size is 1. W6 cancels with a reason at hand: without
one V8 makes an Error, some 2 µs, and an AbortController a DOMException.

${
    table(
      ["", ...names],
      contenders.map(({ name }) => [
        name,
        ...names.map((workload) => cell(workload, samples.get(workload)!.get(name))),
      ]),
    )
  }

## Memory

Bytes on the heap. Of Go the parked receive is a goroutine with its stack.

${
    table(
      ["", ...Object.keys(holdings)],
      [
        ...contenders.filter(({ name }) => [...memory.values()].some((of) => of.has(name)))
          .map(({ name }) => [
            name,
            ...[...memory.values()].map((of) => show(of.get(name))),
          ]),
        [
          "goal",
          ...Object.keys(holdings).map((name) => {
            const goal = (memoryGoals as Record<string, number | undefined>)[name];
            return goal === undefined ? "-" : `${goal}`;
          }),
        ],
      ],
    )
  }

${Object.entries(holdings).map(([name, what]) => `- ${name}: ${what}`).join("\n")}

## Growth

Nanoseconds per operation of Sluice beside so many others: flat, but for the heap, which grows as
log n does, and for what misses the processor's caches.

${
    table(
      ["", ...sizes.map((size) => size.toLocaleString("en"))],
      growth.map(({ what, figures }) => [what, ...figures.map(show)]),
    )
  }
${missing}`;
}
