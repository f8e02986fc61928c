/**
 * The chart of `--chart`: queue depth, throughput and latency over time, both set-ups in one picture.
 *
 * @module
 */
import { type Slice, slicesOf } from "./figures.ts";
import type { Trial } from "./trial.ts";

const WIDTH = 900;
const LEFT = 70;
const RIGHT = 20;
const TOP = 64;
const PANEL = 130;
const GAP = 46;
const SLICE_MS = 100;

const colours = { first: "#bf4b00", tuned: "#1f6feb" } as const;

interface Panel {
  readonly title: string;
  readonly of: (slice: Slice) => number | undefined;
  /** Latencies of both are to be seen beside one another. */
  readonly logarithmic?: boolean;
}

const panels: readonly Panel[] = [
  { title: "orders waiting in the queue", of: ({ depth }) => depth },
  { title: "accepted orders a second", of: ({ throughput }) => throughput },
  {
    title: "mean latency of accepted orders, ms (logarithmic)",
    of: ({ latency }) => latency,
    logarithmic: true,
  },
];

/** A scale from 0, or 1 if it is logarithmic, to a round number that is at least `most`. */
function scale(most: number, logarithmic: boolean): { top: number; at: (value: number) => number } {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, most)));
  if (logarithmic) {
    const top = power * 10;
    return { top, at: (value) => Math.log10(Math.max(1, value)) / Math.log10(top) };
  }
  const top = [1, 2, 5, 10].map((step) => step * power).find((step) => step >= most)!;
  return { top, at: (value) => value / top };
}

function line(points: readonly (readonly [number, number] | undefined)[], colour: string): string {
  let path = "";
  let pen = "M";
  for (const point of points) {
    if (point !== undefined) path += `${pen}${point[0].toFixed(1)} ${point[1].toFixed(1)}`;
    pen = point === undefined ? "M" : "L";
  }
  return `<path d="${path}" fill="none" stroke="${colour}" stroke-width="1.8"/>`;
}

function drawPanel(panel: Panel, slices: ReadonlyMap<Trial, Slice[]>, top: number): string {
  const length = Math.max(...[...slices.values()].map((of) => of.length));
  const values = [...slices.values()].flatMap((of) => of.map((slice) => panel.of(slice) ?? 0));
  const { top: most, at } = scale(Math.max(...values), panel.logarithmic === true);
  const x = (i: number): number => LEFT + (WIDTH - LEFT - RIGHT) * i / Math.max(1, length - 1);
  const y = (value: number): number => top + PANEL * (1 - at(value));
  const lines = [...slices].map(([{ name }, of]) =>
    line(
      of.map((slice, i) => {
        const value = panel.of(slice);
        return value === undefined ? undefined : [x(i), y(value)] as const;
      }),
      colours[name],
    )
  );
  const least = panel.logarithmic ? 1 : 0;
  const middle = panel.logarithmic ? Math.sqrt(most) : most / 2;
  const grid = [least, middle, most].map((value) =>
    `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(value)}" y2="${
      y(value)
    }" stroke="#eaeef2"/>` +
    `<text x="${LEFT - 8}" y="${y(value) + 4}" text-anchor="end" fill="#57606a" font-size="11">` +
    `${Math.round(value).toLocaleString("en")}</text>`
  );
  const seconds = length * SLICE_MS / 1000;
  const step = Math.max(1, Math.round(seconds / 8));
  const times: string[] = [];
  for (let second = 0; second <= seconds; second += step) {
    const at = LEFT + (WIDTH - LEFT - RIGHT) * second / seconds;
    times.push(
      `<text x="${at.toFixed(1)}" y="${top + PANEL + 16}" text-anchor="middle" fill="#57606a" ` +
        `font-size="11">${second} s</text>`,
    );
  }
  return `<text x="${LEFT}" y="${top - 8}" font-weight="600">${panel.title}</text>` +
    grid.join("") + times.join("") + lines.join("");
}

/** The chart, as SVG. */
export function flashSaleChart(trials: readonly Trial[]): string {
  const slices = new Map(trials.map((trial) => [trial, slicesOf(trial, SLICE_MS)]));
  const height = TOP + panels.length * (PANEL + GAP);
  const legend = trials.map(({ name }, i) =>
    `<rect x="${LEFT + i * 110}" y="38" width="12" height="12" fill="${colours[name]}"/>` +
    `<text x="${LEFT + 18 + i * 110}" y="48">${name}</text>`
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" ` +
    `font-family="system-ui, sans-serif" font-size="12" fill="#24292f">`,
    `<rect width="${WIDTH}" height="${height}" fill="white"/>`,
    `<text x="${LEFT}" y="26" font-size="16" font-weight="600">A flash sale: the same load on two ` +
    `set-ups</text>`,
    ...legend,
    ...panels.map((panel, i) => drawPanel(panel, slices, TOP + 22 + i * (PANEL + GAP))),
    "</svg>",
    "",
  ].join("\n");
}
