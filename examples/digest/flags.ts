import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { Failure } from "./failure.ts";
import { shown } from "./names.ts";

const USAGE = `Usage: digest [--jobs N] [--timeout MS] [DIR]
       digest [--jobs N] [--timeout MS] --check LIST
       digest --help
`;

export const HELP = `${USAGE}
Prints the SHA-256 of every file under DIR, as this does, byte for byte:

  find DIR -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum

Without DIR it takes the repository that this program is in. Everything in DIR counts, hidden files
too. DIR may be a single file.

  --jobs N       digest N files at a time; as many as there are processors if left out
  --timeout MS   give up after MS milliseconds
  --check LIST   compare files with a list that this program or sha256sum has written, as
                 sha256sum --check does; - is standard input
  --help         print this

Symbolic links are not followed, except DIR itself: what they point to is listed where it lies, if
that is under DIR. A broken link is reported. FIFOs, sockets and devices are left out. Names must be
UTF-8.

Exit codes:
    0  all is well
    1  something could not be read or written, which standard error tells, or a file differs from
       the list; the other files are done all the same
    2  a flag is wrong
  124  the time was up
  130  interrupted, by Ctrl-C
  141  nobody reads the output any more
`;

export interface Flags {
  readonly help: boolean;
  readonly jobs: number;
  /** Milliseconds; Infinity if there is no limit. */
  readonly timeout: number;
  readonly root: string;
  readonly list: string | undefined;
}

/** What is digested if nothing is said. */
export const REPOSITORY = import.meta.dirname === undefined
  ? "."
  : dirname(dirname(import.meta.dirname));

/** More would not be faster, and each job holds a file open. */
export const MOST_JOBS = 256;

/** Throws a Failure that shows the usage. */
export function parseFlags(args: string[]): Flags {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        jobs: { type: "string" },
        timeout: { type: "string" },
        check: { type: "string" },
        help: { type: "boolean", default: false },
      },
    });
    if (positionals.length > 1) throw new Error("There can be only one DIR");
    if (values.check !== undefined && positionals.length > 0) {
      throw new Error("The files to check stand in the list: --check takes no DIR");
    }
    return {
      help: values.help,
      jobs: integer("--jobs", values.jobs, 1, MOST_JOBS) ??
        Math.min(navigator.hardwareConcurrency, MOST_JOBS),
      timeout: integer("--timeout", values.timeout, 0) ?? Infinity,
      root: positionals[0] ?? REPOSITORY,
      list: values.check,
    };
  } catch (error) {
    throw new Failure(2, `${(error as Error).message}\n${USAGE.trimEnd()}`);
  }
}

/** The whole number that a flag gives; undefined if it was not given. Throws RangeError. */
export function integer(flag: string, text: string | undefined, min: number, max = Infinity) {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  const range = max === Infinity ? `${min} or more` : `from ${min} to ${max}`;
  throw new RangeError(`${flag} must be a whole number, ${range}: ${shown(text)}`);
}
