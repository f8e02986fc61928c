/**
 * Text as SQLite keeps it: it reads no further than a NUL, and has no place for half a surrogate pair.
 * Text with one of these is stored as JSON behind a mark, and so is text that begins with the mark.
 *
 * @module
 */

const MARK = "\u0001";

export function stored(text: string): string {
  const plain = text.isWellFormed() && !text.includes("\0") && !text.startsWith(MARK);
  return plain ? text : MARK + JSON.stringify(text);
}

export function restored(text: string): string {
  return text.startsWith(MARK) ? JSON.parse(text.slice(MARK.length)) : text;
}
