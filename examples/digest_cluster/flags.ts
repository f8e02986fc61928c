import { parseArgs } from "node:util";
import { Failure } from "../digest/failure.ts";
import { integer, MOST_JOBS, REPOSITORY } from "../digest/flags.ts";
import { shown } from "../digest/names.ts";
import { parseAddress } from "./address.ts";
import type { QueueFlags } from "./queues.ts";

const USAGE = `Usage: cluster [--queue QUEUE] [--spawn N] [--jobs N] [--timeout MS] [DIR]
       cluster --work --queue QUEUE [--jobs N]
       cluster --help
`;

export const HELP = `${USAGE}
Prints the SHA-256 of every file under DIR, as sha256sum does, sorted by path. The files are put into
a job queue, and any number of processes digest them: those that were started with --work and the
same --queue, on any host that sees the same files.

QUEUE is one of

  memory:              in this process, which does all of the work; if left out
  sqlite:FILE          for the processes of one host
  nats://HOST[:PORT]   for many hosts: a NATS server with JetStream. USER:PASSWORD@ before HOST, if
                       it wants that

Whoever is killed, with kill -9 too, the list is complete and right in the end: the jobs of a worker
are handed out again when their lease is over. If the collector is killed, start it again with the
same DIR, and it goes on where it was; with another DIR it gives the old list up.

  --spawn N      start N workers, and others in the place of those that are killed
  --work         be a worker, until SIGTERM or SIGINT: then finish the files that have begun
  --jobs N       digest N files at a time; as many as there are processors if left out
  --lease MS     milliseconds after which the jobs of a killed process are handed out again, 5000
                 if left out; the same for all processes
  --name NAME    of the queues, "digest" if left out; the same for all processes of a list. One list
                 is made by a name at a time
  --timeout MS   give up after MS milliseconds
  --verbose      tell of the list, and of each file, when they begin
  --until-eof    end a worker, as SIGTERM does, at the end of standard input
  --help         print this

What cannot be read is told on standard error, in the end; the other files are done all the same.
Links, FIFOs and names are treated as digest --help says.

Exit codes:
    0  all is well
    1  something could not be read, or a queue not be used, which standard error tells
    2  a flag is wrong
  124  the time was up
  130  interrupted, by Ctrl-C: start it again, and it goes on
  141  nobody reads the output any more
`;

export interface ClusterFlags extends QueueFlags {
  readonly help: boolean;
  /** To be a worker. */
  readonly work: boolean;
  /** `--queue` as it was given. */
  readonly queue: string;
  readonly root: string;
  readonly spawn: number;
  readonly jobs: number;
  /** Milliseconds; Infinity if there is no limit. */
  readonly timeout: number;
  readonly verbose: boolean;
  readonly untilEof: boolean;
}

/** More would not be faster on any host. */
const MOST_WORKERS = 64;

/** Throws a Failure that shows the usage. */
export function parseFlags(args: string[]): ClusterFlags {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        queue: { type: "string", default: "memory:" },
        work: { type: "boolean", default: false },
        spawn: { type: "string" },
        jobs: { type: "string" },
        lease: { type: "string", default: "5000" },
        name: { type: "string", default: "digest" },
        timeout: { type: "string" },
        verbose: { type: "boolean", default: false },
        "until-eof": { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
    const { queue, work, help, name, verbose } = values;
    const address = parseAddress(queue);
    const flags = {
      ...{ help, work, queue, address, name: checkName(name), verbose },
      root: positionals[0] ?? REPOSITORY,
      spawn: integer("--spawn", values.spawn, 0, MOST_WORKERS) ?? 0,
      jobs: integer("--jobs", values.jobs, 1, MOST_JOBS) ??
        Math.min(navigator.hardwareConcurrency, MOST_JOBS),
      lease: integer("--lease", values.lease, 100, 3_600_000)!,
      timeout: integer("--timeout", values.timeout, 0) ?? Infinity,
      untilEof: values["until-eof"],
    };
    if (positionals.length > 1) throw new Error("There can be only one DIR");
    checkRole(flags, positionals, values);
    return flags;
  } catch (error) {
    throw new Failure(2, `${(error as Error).message}\n${USAGE.trimEnd()}`);
  }
}

/** What only one of the roles can heed is not ignored for the other. */
function checkRole(
  { help, work, address, spawn, untilEof }: ClusterFlags,
  positionals: readonly string[],
  { jobs, timeout }: { readonly jobs?: string; readonly timeout?: string },
): void {
  if (help) return;
  const memory = address.kind === "memory";
  if (work && memory) {
    throw new Error("memory: is for one process: --work needs --queue sqlite:FILE or nats://HOST");
  }
  if (work && positionals.length > 0) {
    throw new Error("Which files to digest stands in the queue: --work takes no DIR");
  }
  if (work && spawn > 0) throw new Error("--spawn is for who collects, not for --work");
  if (work && timeout !== undefined) {
    throw new Error("--timeout is for who collects, not for --work");
  }
  if (!work && untilEof) throw new Error("--until-eof is for --work");
  if (memory && spawn > 0) {
    throw new Error("memory: is for one process: --spawn needs --queue sqlite:FILE or nats://HOST");
  }
  if (jobs !== undefined && !work && !memory && spawn === 0) {
    throw new Error("--jobs is for who works: --work, --spawn or --queue memory:");
  }
}

function checkName(name: string): string {
  if (/^[A-Za-z0-9_-]{1,40}$/.test(name)) return name;
  throw new RangeError(
    `--name must be 1 to 40 letters, digits, "_" or "-": ${shown(name)}`,
  );
}
