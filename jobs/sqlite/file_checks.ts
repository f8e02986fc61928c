/**
 * Checks of what those are told that keep something in a file. Each throws a TypeError or RangeError that
 * names the argument, shows the value, and says what is allowed.
 *
 * @module
 */
import { show } from "../../core/check.ts";

/** The path of a file. */
export function checkFile(file: unknown): asserts file is string {
  if (typeof file !== "string") throw new TypeError(`file must be a path, not ${show(file)}`);
  if (file === "" || file === ":memory:" || file.startsWith("file:") || file.includes("\0")) {
    throw new RangeError(`file must be the path of a file, not ${show(file)}: see memoryJobs`);
  }
}

/** What a commit is to survive. */
export function checkSynchronous(value: unknown): asserts value is "full" | "normal" {
  if (value === "full" || value === "normal") return;
  const text = `synchronous must be "full" or "normal", not ${show(value)}`;
  throw typeof value === "string" ? new RangeError(text) : new TypeError(text);
}
