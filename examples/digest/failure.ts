import { shown } from "./names.ts";

/** What Deno puts in the place of bytes that are no UTF-8; it cannot open such a file. */
const NOT_UTF_8 = "\ufffd";

/** Ends the program with one line on stderr, or silently if there is no message. */
export class Failure extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** What went wrong with a file, in the words of the operating system where it has some. */
export function explain(path: string, error: unknown): string {
  return `${shown(path)}: ${reason(error, path)}`;
}

export function reason(error: unknown, path = ""): string {
  if (path.includes(NOT_UTF_8) && error instanceof Deno.errors.NotFound) {
    return "No such file, or a name that is not UTF-8";
  }
  const message = error instanceof Error ? error.message : String(error);
  // Deno adds the error's number and what it was doing: "No such file … (os error 2): open …".
  return message.replace(/ \(os error \d+\).*/s, "");
}
