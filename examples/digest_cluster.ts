/**
 * The SHA-256 of every file under a directory, by as many processes as there are, of which any may be
 * killed at any time:
 *
 *     collect ── files ──▶ worker, worker, … (processes, hosts)
 *        ▲                         │
 *        └──────── digests ────────┘
 *
 * Between them are job queues, in memory, in a file or on a server: `--queue` says where, and nothing
 * else differs. A file is finished when its digest is stored, and a digest when the list is out. So what
 * a process holds that dies is handed out again, and the list is complete and right in the end.
 *
 *     deno task cluster DIR --queue sqlite:/tmp/jobs.db --spawn 4
 *
 * @module
 */
import { background, type Context, withCancel, withTimeout } from "@sluice/sluice";
import { JobQueueError } from "@sluice/sluice/jobs";
import { Failure } from "./digest/failure.ts";
import { count, size } from "./digest/progress.ts";
import { Screen } from "./digest/screen.ts";
import { together, until } from "./digest/stages.ts";
import { walk } from "./digest/walk.ts";
import { absolute, Collector } from "./digest_cluster/collector.ts";
import { type ClusterFlags, HELP, parseFlags } from "./digest_cluster/flags.ts";
import { printList } from "./digest_cluster/list.ts";
import { openQueues } from "./digest_cluster/queues.ts";
import { RunClaim } from "./digest_cluster/run.ts";
import { SpawnedWorkers } from "./digest_cluster/spawned.ts";
import { watch } from "./digest_cluster/watch.ts";
import { work } from "./digest_cluster/work.ts";

/** Puts the files and collects their digests, while others work, or this process does. */
async function makeList(flags: ClusterFlags, screen: Screen, parent: Context): Promise<boolean> {
  const root = absolute(flags.root);
  await using queues = await openQueues(flags);
  const claim = await RunClaim.of(queues.runs, root, screen, parent);
  await using spawned = new SpawnedWorkers(flags, screen);
  using ctx = withCancel(parent);
  // Ends what goes on beside the collector.
  using rest = withCancel(ctx);
  const collector = new Collector(claim.run, queues);
  let complete = false;

  async function collect(): Promise<void> {
    using _ = rest;
    const items = await Array.fromAsync(walk(flags.root, ctx));
    if (flags.verbose) screen.complain(`list ${claim.run.id} begins, of ${root}`);
    await collector.collect(items, claim.resumed, ctx);
    complete = await printList(items, collector, screen);
    rest.cancel();
    await claim.done(ctx);
    await collector.finish(ctx);
  }

  const stages = [
    collect(),
    claim.keep(rest, ctx),
    until(rest, spawned.run()).catch((error) => {
      if (!rest.done) throw error;
    }),
    watch(queues.files, collector, flags, screen, rest),
  ];
  if (flags.address.kind === "memory") {
    const { jobs, verbose } = flags;
    stages.push(
      work(queues, screen, { jobs, verbose, drain: rest, signals: [], ctx }).then(() => {}),
    );
  }
  await together(ctx, stages);
  return complete;
}

/** Works for whoever makes a list, until it is told to stop. */
async function beWorker(flags: ClusterFlags, screen: Screen, ctx: Context): Promise<void> {
  await using queues = await openQueues(flags);
  using drain = withCancel(ctx);
  if (flags.untilEof) void endOfInput().then(() => drain.cancel());
  const { jobs, verbose } = flags;
  const signals = ["SIGTERM", "SIGINT"] as const;
  const { worker, files, bytes } = await work(queues, screen, {
    ...{ jobs, verbose, drain, signals, ctx },
  });
  screen.complain(`worker ${worker} has done ${count(files)} (${size(bytes)})`);
}

async function endOfInput(): Promise<void> {
  const buffer = new Uint8Array(64);
  while (await Deno.stdin.read(buffer).catch(() => null) !== null);
}

/** Gives the exit code, or throws a Failure that has one. */
async function main(screen: Screen): Promise<number> {
  const flags = parseFlags(Deno.args);
  if (flags.help) {
    await screen.print(HELP);
    return 0;
  }
  if (flags.work) {
    await beWorker(flags, screen, background());
    return 0;
  }
  using ctx = withTimeout(background(), flags.timeout, new Failure(124, "timed out"));
  Deno.addSignalListener("SIGINT", () => {
    // The second time is for whoever cannot wait for the first.
    if (ctx.done) Deno.exit(130);
    ctx.cancel(new Failure(130, "interrupted"));
  });
  return await makeList(flags, screen, ctx) ? 0 : 1;
}

const screen = new Screen("cluster");
try {
  // Not by coming to its end: a read that was given up may go on for long.
  Deno.exit(await main(screen));
} catch (error) {
  if (error instanceof JobQueueError) {
    screen.complain(error.message);
    Deno.exit(1);
  }
  if (!(error instanceof Failure)) throw error;
  if (error.message !== "") screen.complain(error.message);
  Deno.exit(error.exitCode);
}
