/**
 * The chart of `docs/balancing.svg`: for each load, how long tasks wait by each strategy.
 *
 * @module
 */
import { show } from "../harness/figures.ts";
import type { Run } from "./balancing.ts";

const WIDTH = 900;
const TOP = 70;
const LEFT = 20;
const GAP = 30;
const BAR = 26;
const HEIGHT = 220;

const colours: readonly string[] = ["#1f6feb", "#bf4b00", "#1a7f37", "#8250df"];

/** Runs by load and strategy. */
export type Runs = ReadonlyMap<string, ReadonlyMap<string, Run>>;

function bar(x: number, height: number, colour: string, opacity: number, title: string): string {
  const y = TOP + HEIGHT - height;
  return `<rect x="${x}" y="${y.toFixed(1)}" width="${BAR}" height="${height.toFixed(1)}" ` +
    `fill="${colour}" fill-opacity="${opacity}"><title>${title}</title></rect>` +
    `<text x="${x + BAR / 2}" y="${(y - 4).toFixed(1)}" text-anchor="middle" font-size="9">` +
    `${title.split(" ").at(-2)}</text>`;
}

function panel(load: string, runs: ReadonlyMap<string, Run>, left: number, width: number): string {
  const most = Math.max(1, ...[...runs.values()].map(({ p99 }) => p99));
  const slot = width / runs.size;
  const bars = [...runs].map(([strategy, { p50, p99 }], i) => {
    const x = left + i * slot + (slot - 2 * BAR) / 2;
    const colour = colours[i % colours.length]!;
    const height = (ms: number): number => HEIGHT * ms / most * 0.92;
    return bar(x, height(p50), colour, 0.45, `${strategy}, p50: ${show(p50)} ms`) +
      bar(x + BAR, height(p99), colour, 1, `${strategy}, p99: ${show(p99)} ms`);
  });
  return `<text x="${left}" y="${TOP - 12}" font-weight="600">${load}</text>${bars.join("")}` +
    `<line x1="${left}" x2="${left + width}" y1="${TOP + HEIGHT}" y2="${TOP + HEIGHT}" ` +
    `stroke="#24292f"/>`;
}

/** The chart, as SVG. Each load has a scale of its own. */
export function balancingChart(runs: Runs): string {
  const names = [...new Set([...runs.values()].flatMap((of) => [...of.keys()]))];
  const width = (WIDTH - 2 * LEFT - GAP * (runs.size - 1)) / runs.size;
  const legend = names.map((name, i) =>
    `<rect x="${LEFT + i * 150}" y="${TOP + HEIGHT + 18}" width="12" height="12" ` +
    `fill="${colours[i % colours.length]}"/>` +
    `<text x="${LEFT + 18 + i * 150}" y="${TOP + HEIGHT + 28}">${name}</text>`
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${TOP + HEIGHT + 44}" ` +
    `font-family="system-ui, sans-serif" font-size="12" fill="#24292f">`,
    `<rect width="${WIDTH}" height="${TOP + HEIGHT + 44}" fill="white"/>`,
    `<text x="${LEFT}" y="28" font-size="16" font-weight="600">How long a task waits, in ` +
    `milliseconds: median (pale) and 99th percentile</text>`,
    ...[...runs].map(([load, of], i) => panel(load, of, LEFT + i * (width + GAP), width)),
    ...legend,
    "</svg>",
    "",
  ].join("\n");
}
