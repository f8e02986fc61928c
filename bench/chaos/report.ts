/**
 * The table of trials, as text and in `docs/durability.md`.
 *
 * @module
 */
import type { Row } from "./trial.ts";

const BEGIN = "<!-- chaos: begin -->";
const END = "<!-- chaos: end -->";

/** Whether it fails the command. */
export function fails({ trial, faults }: Row): boolean {
  return faults.length > 0 && trial.asserted !== false;
}

/** One row, as it is printed when it is known. */
export function line(row: Row): string {
  const { trial, acknowledged, lost, twice, stall, saw, faults, seconds } = row;
  const verdict = faults.length === 0 ? "ok" : fails(row) ? "WRONG" : "told";
  const figures = [
    ["acknowledged", acknowledged],
    ["lost", lost],
    ["twice", twice],
    ["stall", stall === undefined ? undefined : `${inSeconds(stall)} s`],
  ].filter(([, figure]) => figure !== undefined).map((pair) => pair.join(" "));
  return [
    `${verdict.padEnd(5)} ${trial.name}, ${trial.engine} (${seconds} s): ${trial.what}`,
    ...(figures.length === 0 ? [] : [`      ${figures.join(", ")}`]),
    `      ${saw}`,
    ...faults.map((fault) => `      BUT ${fault}`),
  ].join("\n");
}

/** All rows, as Markdown. */
export function table(rows: readonly Row[]): string {
  const head = [
    "engine",
    "what was done",
    "acknowledged",
    "lost",
    "done twice",
    "longest stall",
    "what callers saw",
  ];
  const cells = ({ trial, acknowledged, lost, twice, stall, saw, faults }: Row): string[] => [
    trial.engine,
    trial.what,
    show(acknowledged),
    show(lost),
    show(twice),
    stall === undefined ? "-" : `${inSeconds(stall)} s`,
    [saw, ...faults.map((fault) => `**but ${fault}**`)].join("; "),
  ];
  const text = (of: readonly string[]): string =>
    `| ${of.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
  const rule = head.map((_, at) => at >= 2 && at <= 5 ? "--:" : "---");
  return [text(head), text(rule), ...rows.map((row) => text(cells(row)))].join("\n");
}

/** A page with another table between its marks. */
export function withTable(page: string, content: string): string {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from === -1 || to < from) throw new Error(`the page has no ${BEGIN} and ${END}`);
  return `${page.slice(0, from)}${BEGIN}\n\n${content}\n\n${page.slice(to)}`;
}

function show(figure: number | undefined): string {
  return figure === undefined ? "-" : figure.toLocaleString("en");
}

function inSeconds(ms: number): string {
  return (ms / 1_000).toFixed(1);
}
