/**
 * The chart of `docs/benchmarks.svg`: a row for each workload, a dot for each contender, and how far
 * it is from Go on a logarithmic axis.
 *
 * @module
 */
import type { WorkloadName } from "../contest.ts";
import { ratio, show } from "./figures.ts";
import type { Contender, Samples } from "./race.ts";
import { bestPeer, FAST, GO, PLAIN } from "./report.ts";

const WIDTH = 900;
const LEFT = 250;
const RIGHT = 40;
const ROW = 34;
const TOP = 92;
const [LEAST, MOST] = [0.05, 100];

const blue = "#1f6feb";
const grey = "#8b949e";

const labels: Record<WorkloadName, string> = {
  W1: "round trip, unbuffered",
  W2: "one way, unbuffered",
  W3: "one way, capacity 128",
  W3f: "the same, for await",
  W4: "8 to 8, capacity 64",
  W5: "select of 4",
  W5d: "select with default",
  W6: "cancel, last first",
  W6r: "cancel, random order",
  W7: "fill and drain 1,000,000",
  W8: "priority, backlog 100,000",
  W9: "prime sieve",
};

function x(figure: number): number {
  const share = Math.log(figure / LEAST) / Math.log(MOST / LEAST);
  return LEFT + Math.max(0, Math.min(1, share)) * (WIDTH - LEFT - RIGHT);
}

function text(left: number, top: number, content: string, more = ""): string {
  const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${left.toFixed(1)}" y="${top.toFixed(1)}" ${more}>${escaped}</text>`;
}

function dot(at: number, top: number, radius: number, style: string, title: string): string {
  return `<circle cx="${at.toFixed(1)}" cy="${top}" r="${radius}" ${style}>` +
    `<title>${title.replaceAll("<", "&lt;")}</title></circle>`;
}

function row(name: WorkloadName, samples: Samples, top: number): string[] {
  const best = bestPeer(samples);
  const parts = [
    text(14, top + 4, name, `font-weight="600"`),
    text(50, top + 4, labels[name], `fill="#57606a" font-size="11"`),
    `<line x1="${LEFT}" y1="${top}" x2="${WIDTH - RIGHT}" y2="${top}" stroke="#eaeef2"/>`,
  ];
  for (const [contender, figures] of samples) {
    const to = ratio(figures, samples.get(GO));
    if (to === undefined || contender === GO || contender === PLAIN || contender === FAST) continue;
    const style = contender === best ? `fill="#bf4b00"` : `fill="${grey}" fill-opacity="0.55"`;
    parts.push(dot(x(to), top, contender === best ? 5.5 : 3.5, style, `${contender}: ${show(to)}`));
  }
  const plain = ratio(samples.get(PLAIN), samples.get(GO));
  const fast = ratio(samples.get(FAST), samples.get(GO));
  if (fast !== undefined) {
    const style = `fill="white" stroke="${blue}" stroke-width="2.5"`;
    parts.push(dot(x(fast), top, 5.5, style, `${FAST}: ${show(fast)}`));
  }
  if (plain !== undefined) {
    parts.push(dot(x(plain), top, 6.5, `fill="${blue}"`, `${PLAIN}: ${show(plain)}`));
    parts.push(text(x(plain) - 10, top - 9, show(plain), `fill="${blue}" font-size="10"`));
  }
  return parts;
}

function legend(): string[] {
  const top = 52;
  const entries: [string, string][] = [
    [`fill="${blue}"`, "Sluice, plain"],
    [`fill="white" stroke="${blue}" stroke-width="2.5"`, "Sluice, fast"],
    [`fill="#bf4b00"`, "best JavaScript peer"],
    [`fill="${grey}" fill-opacity="0.55"`, "others, Go on 2 P"],
  ];
  return entries.flatMap(([style, label], i) => [
    dot(LEFT + 6 + i * 150, top, 5.5, style, label),
    text(LEFT + 17 + i * 150, top + 4, label, `font-size="12"`),
  ]);
}

/** The chart, as SVG. */
export function chart(
  contenders: readonly Contender[],
  samples: ReadonlyMap<WorkloadName, Samples>,
): string {
  const hasGo = contenders.some(({ name }) => name === GO);
  const height = TOP + ROW * samples.size + 30;
  const axis = [0.1, 0.3, 1, 3, 10, 30, 100].flatMap((tick) => [
    `<line x1="${x(tick)}" y1="${TOP - 14}" x2="${x(tick)}" y2="${height - 26}" ` +
    `stroke="${tick === 1 ? "#24292f" : "#d0d7de"}" stroke-width="${tick === 1 ? 1.5 : 1}"/>`,
    text(x(tick), height - 10, tick === 1 ? "Go = 1" : `${tick}×`, `text-anchor="middle"`),
  ]);
  const rows = [...samples].flatMap(([name, of], i) => row(name, of, TOP + 8 + i * ROW));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" ` +
    `font-family="system-ui, sans-serif" font-size="12" fill="#24292f">`,
    `<rect width="${WIDTH}" height="${height}" fill="white"/>`,
    text(
      14,
      26,
      "Time per operation, as a multiple of Go's channels on one processor",
      `font-size="16" font-weight="600"`,
    ),
    text(14, 56, hasGo ? "left is faster" : "Go was not measured", `fill="#57606a"`),
    ...legend(),
    ...axis,
    ...rows,
    "</svg>",
    "",
  ].join("\n");
}
