/**
 * File names as `sha256sum` writes them. One that would break its line is escaped, and the line then
 * begins with a backslash to say so.
 *
 * @module
 */

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ["\\", "\\\\"],
  ["\n", "\\n"],
  ["\r", "\\r"],
]);
const ORIGINALS = new Map(Array.from(ESCAPES, ([original, escape]) => [escape, original]));

/** A line about a file: `write` is given its name as it can be printed. */
export function line(path: string, special: RegExp, write: (name: string) => string): string {
  if (!special.test(path)) return `${write(path)}\n`;
  return `\\${write(path.replace(/[\\\n\r]/g, (char) => ESCAPES.get(char)!))}\n`;
}

/** The name that was escaped; undefined if it holds what is no escape. */
export function unescape(name: string): string | undefined {
  const parts = name.match(/\\.?|[^\\]+/gs) ?? [];
  if (parts.some((part) => part.startsWith("\\") && !ORIGINALS.has(part))) return undefined;
  return parts.map((part) => ORIGINALS.get(part) ?? part).join("");
}

/** A name for a message: quoted if a reader would not see it as it is. */
export function shown(path: string): string {
  // deno-lint-ignore no-control-regex
  return /^\s|\s$|^$|[\x00-\x1f\x7f-\x9f]/.test(path) ? JSON.stringify(path) : path;
}
