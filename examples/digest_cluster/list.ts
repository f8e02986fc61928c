import { explain } from "../digest/failure.ts";
import { line } from "../digest/names.ts";
import type { Screen } from "../digest/screen.ts";
import type { Item } from "../digest/task.ts";
import type { Collector } from "./collector.ts";

/** How many lines are written at once. */
const BATCH = 256;

/**
 * Prints the list as `sha256sum` does, then on standard error what is missing in it and why, and one line
 * about all. Whether nothing is missing.
 */
export async function printList(
  items: readonly Item[],
  collector: Collector,
  screen: Screen,
): Promise<boolean> {
  const missing: string[] = [];
  let [lines, files, bytes]: [string[], number, number] = [[], 0, 0];
  for (const { path, problem } of items) {
    const outcome = collector.outcome(path);
    if (typeof outcome === "string") {
      missing.push(explain(path, problem ?? outcome));
      continue;
    }
    lines.push(line(path, /[\\\n\r]/, (name) => `${outcome.digest}  ${name}`));
    files++;
    bytes += outcome.bytes;
    if (lines.length < BATCH) continue;
    await screen.print(lines.join(""));
    lines = [];
  }
  await screen.print(lines.join(""));
  for (const message of missing) screen.complain(message);
  screen.complain(collector.figures.summary(files, bytes));
  return missing.length === 0;
}
