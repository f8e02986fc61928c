/**
 * The SHA-256 of every file under a directory, by the classic bounded pipeline:
 *
 *     find ── queue ──▶ N × hash
 *       │                  ┊ each digest, by the channel of its job
 *       └──── ordered ──▶ report ── lines ──▶ print
 *
 * Every channel is bounded, so that whatever is slow, the disk, the processor or the reader of the
 * output, slows down all that is before it, and memory stays flat. Each stage closes what it sends
 * to when it ends, which ends the next; one context ends them all.
 *
 *     deno run --allow-read examples/digest.ts DIR --jobs 4
 *
 * @module
 */
import {
  background,
  Channel,
  type Context,
  type Receiver,
  type Sender,
  type Ticker,
  ticker,
  withCancel,
  withTimeout,
} from "@sluice/sluice";
import { Checking } from "./digest/checking.ts";
import { Failure } from "./digest/failure.ts";
import { HELP, parseFlags } from "./digest/flags.ts";
import { CHUNK, sha256 } from "./digest/hash.ts";
import { Listing } from "./digest/listing.ts";
import { Progress } from "./digest/progress.ts";
import { Screen } from "./digest/screen.ts";
import { together, until } from "./digest/stages.ts";
import type { Item, Task } from "./digest/task.ts";

/** A file on its way. Its digest comes by a channel, which is closed with the error if it fails. */
interface Job {
  readonly item: Item;
  readonly digest: Channel<string>;
}

/** How many files may be ahead of the one that is reported next. */
const WINDOW = 1024;

/** How many lines are written at once, and for how many milliseconds the first waits for more. */
const BATCH = 256;
const LINGER = 50;

/** Joins the stages, and waits until they have ended. */
async function pipeline(
  task: Task,
  jobs: number,
  screen: Screen,
  progress: Progress,
  parent: Context,
): Promise<void> {
  using ctx = withCancel(parent);
  using shown = withCancel(ctx);
  const ordered = new Channel<Job>(WINDOW);
  const queue = new Channel<Job>(jobs);
  const lines = new Channel<string>(BATCH);
  const stages = [
    find(task, ordered, queue, ctx),
    ...Array.from({ length: jobs }, () => hash(queue, progress, ctx)),
    report(task, ordered, lines, ctx),
    print(lines, screen, progress, ctx).finally(() => shown.cancel()),
  ];
  if (screen.hasStatus) {
    stages.push(progress.count(task, shown), show(progress, screen, ticker(100, shown)));
  }
  await together(ctx, stages);
}

/** Gives each file its place in the order, then to whoever has time to read it. */
async function find(
  task: Task,
  ordered: Sender<Job>,
  queue: Sender<Job>,
  ctx: Context,
): Promise<void> {
  using _ordered = ordered;
  using _queue = queue;
  for await (const item of task.items(ctx)) {
    const job = { item, digest: new Channel<string>(1) };
    await ordered.send(job, ctx);
    if (item.problem === undefined) await queue.send(job, ctx);
    else job.digest.close(item.problem);
  }
}

/** One of the workers. The failure of a file is that file's; the worker goes on with the next. */
async function hash(queue: Receiver<Job>, progress: Progress, ctx: Context): Promise<void> {
  const buffer = new Uint8Array(CHUNK);
  const onRead = (bytes: number) => {
    ctx.throwIfDone();
    progress.bytes += bytes;
  };
  for await (const { item, digest } of queue) {
    try {
      await digest.send(await until(ctx, sha256(item.path, buffer, onRead)), ctx);
    } catch (error) {
      ctx.throwIfDone();
      digest.close(error);
    }
  }
}

/** Takes the digests in the order of their files, whichever is ready first, and gives them words. */
async function report(
  task: Task,
  ordered: Receiver<Job>,
  lines: Sender<string>,
  ctx: Context,
): Promise<void> {
  using _lines = lines;
  for await (const { item, digest } of ordered) {
    const line = task.report(item, await digest.receive(ctx));
    if (line !== "") await lines.send(line, ctx);
  }
}

/** Writes many lines at once if they come fast, and each soon if they do not. */
async function print(
  lines: Receiver<string>,
  screen: Screen,
  progress: Progress,
  ctx: Context,
): Promise<void> {
  for (;;) {
    const batch = await lines.receiveMany(BATCH, { ctx, linger: LINGER });
    if (batch.length === 0) return;
    await until(ctx, screen.print(batch.join("")));
    progress.files += batch.length;
  }
}

async function show(progress: Progress, screen: Screen, ticks: Ticker): Promise<void> {
  for await (const _ of ticks) screen.status(progress.line);
  screen.status("");
}

/** Gives the exit code, or throws a Failure that has one. */
async function main(screen: Screen): Promise<number> {
  const flags = parseFlags(Deno.args);
  if (flags.help) {
    await screen.print(HELP);
    return 0;
  }
  const progress = new Progress();
  using ctx = withTimeout(background(), flags.timeout, new Failure(124, "timed out"));
  Deno.addSignalListener("SIGINT", () => {
    // The second time is for whoever cannot wait for the first.
    if (ctx.done) Deno.exit(130);
    ctx.cancel(new Failure(130, "interrupted"));
  });
  const task = flags.list === undefined
    ? new Listing(flags.root, screen)
    : new Checking(flags.list, screen);
  try {
    await pipeline(task, flags.jobs, screen, progress, ctx);
  } catch (error) {
    if (error !== ctx.cause || !(error instanceof Failure)) throw error;
    throw new Failure(error.exitCode, `${error.message} after ${progress.done}`);
  }
  return task.finish() ? 0 : 1;
}

const screen = new Screen();
try {
  // Not by coming to its end: a read that was given up may go on for long.
  Deno.exit(await main(screen));
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  if (error.message !== "") screen.complain(error.message);
  Deno.exit(error.exitCode);
}
