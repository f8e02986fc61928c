import { type Figures, figuresOf } from "./figures.ts";
import type { Trial } from "./trial.ts";

/** The document's table: orders a second, and the mean latency in milliseconds. */
const DOCUMENT = {
  first: { throughput: 800, meanLatency: 120 },
  tuned: { throughput: 9_600, meanLatency: 15 },
} as const;

const rows: readonly {
  readonly label: string;
  readonly of: (figures: Figures) => number;
  readonly document?: keyof typeof DOCUMENT.first;
  /** What the tuned set-up is better by: more, or less. */
  readonly better?: "more" | "less";
}[] = [
  {
    label: "orders a second",
    of: ({ throughput }) => throughput,
    document: "throughput",
    better: "more",
  },
  {
    label: "mean latency, ms",
    of: ({ meanLatency }) => meanLatency,
    document: "meanLatency",
    better: "less",
  },
  { label: "p99 latency, ms", of: ({ p99Latency }) => p99Latency, better: "less" },
  { label: "accepted", of: ({ accepted }) => accepted },
  { label: "rejected", of: ({ rejected }) => rejected },
  { label: "orders a commit", of: ({ ordersPerCommit }) => ordersPerCommit },
];

/** The document's table, with ours beside it. */
export function tableOf(first: Trial, tuned: Trial): string {
  const figures = { first: figuresOf(first), tuned: figuresOf(tuned) };
  const lines = [["", "document", "", "", "measured", "", ""], [
    "",
    "first",
    "tuned",
    "ratio",
    "first",
    "tuned",
    "ratio",
  ]];
  for (const { label, of, document, better } of rows) {
    const said = document === undefined
      ? ["", "", ""]
      : cells(DOCUMENT.first[document], DOCUMENT.tuned[document], better);
    lines.push([label, ...said, ...cells(of(figures.first), of(figures.tuned), better)]);
  }
  return lines.map((line) =>
    line.map((cell, i) => i === 0 ? cell.padEnd(18) : cell.padStart(i === 4 ? 12 : 9)).join("")
      .trimEnd()
  ).join("\n");
}

function cells(first: number, tuned: number, better: "more" | "less" | undefined): string[] {
  const ratio = better === undefined
    ? ""
    : `${(better === "more" ? tuned / first : first / tuned).toFixed(1)} x`;
  return [show(first), show(tuned), ratio];
}

function show(figure: number): string {
  return figure.toLocaleString("en", { maximumFractionDigits: figure < 100 ? 1 : 0 });
}
