/**
 * Puts what is to be digested, and collects what has come of it.
 *
 * It goes in rounds: look what is there, put what is missing, wait until all that was put is finished. It
 * ends when nothing is missing, which is after one round unless somebody was killed in a bad moment. So
 * it does not matter where an earlier collector of the same list was killed, or what has become of its
 * jobs.
 *
 * - Digests are finished when the list is out. Until then they are only held, and if this process dies,
 *   the next finds them all.
 * - They are collected by path: one that comes twice is harmless, and counted.
 *
 * @module
 */
import type { Context } from "@sluice/sluice";
import type { JobLease, JobQueue } from "@sluice/sluice/jobs";
import { createHash } from "node:crypto";
import { count } from "../digest/progress.ts";
import { until } from "../digest/stages.ts";
import type { Item } from "../digest/task.ts";
import { Figures } from "./figures.ts";
import type { FileDigest, FileJob, Queues, Run } from "./queues.ts";
import { inTime } from "./run.ts";

/** How many are put, or taken, at a time: those are one step for an engine, or few. */
const BATCH = 256;

/** Milliseconds after which it is asked again how many digests there are. */
const PATIENCE = 500;

export class Collector {
  readonly figures = new Figures();
  readonly #run: Run;
  readonly #files: JobQueue<FileJob>;
  readonly #digests: JobQueue<FileDigest>;
  /** What came of each file, by its absolute path. */
  readonly #results = new Map<string, FileDigest>();
  readonly #problems = new Map<string, string>();
  /** The digests of this list by the ids of their jobs, all that ever came. */
  readonly #held = new Map<string, JobLease<FileDigest>>();
  #total = 0;
  #asked = 0;

  constructor(run: Run, { files, digests }: Queues) {
    this.#run = run;
    this.#files = files;
    this.#digests = digests;
  }

  /**
   * Resolves when there is an outcome of each file. `resumed`: an earlier collector has begun with it.
   */
  async collect(items: readonly Item[], resumed: boolean, ctx: Context): Promise<void> {
    // What could not be read, or has killed its workers, is given another chance.
    for await (const { id } of this.#files.dead) await this.#files.dead.remove(id, ctx);
    if (!resumed) await this.#sweep(ctx);
    await this.#gather(ctx);
    if (resumed) await this.#distrust(ctx);
    const paths = items.filter(({ problem }) => problem === undefined).map(({ path }) => path);
    this.#total = paths.length;
    for (let round = 0;; round++) {
      const missing = paths.map(absolute).filter((path) => !this.#isKnown(path));
      if (missing.length === 0) return;
      await this.#put(missing, round, ctx);
      await this.#files.join(ctx);
      await this.#gather(ctx);
      await this.#look(ctx);
    }
  }

  /** One line for the status: how many jobs are unfinished, and at work, is what the queue says. */
  progress(unfinished: number, atWork: number): string {
    const done = Math.max(0, this.#asked - unfinished).toLocaleString("en");
    return `${done} of ${count(this.#total)} done, ${atWork.toLocaleString("en")} at work`;
  }

  /** The digest of a file, or why there is none. */
  outcome(path: string): FileDigest | string {
    const key = absolute(path);
    return this.#results.get(key) ?? this.#problems.get(key) ?? "not digested";
  }

  /** The list is out: nobody needs the digests any more. */
  async finish(ctx: Context): Promise<void> {
    const leases = [...this.#held.values()];
    for (let at = 0; at < leases.length; at += BATCH) {
      await this.#digests.doneMany(leases.slice(at, at + BATCH), ctx);
    }
  }

  #isKnown(path: string): boolean {
    return this.#results.has(path) || this.#problems.has(path);
  }

  /** Nobody waits any more for the files of lists that were given up. */
  async #sweep(ctx: Context): Promise<void> {
    for (;;) {
      const left = await inTime(this.#files.getMany(BATCH, { ctx, timeout: 0 }));
      if (left === undefined) return;
      await this.#files.doneMany(left, ctx);
    }
  }

  /** Files that were changed since an earlier collector had them digested are done again. */
  async #distrust(ctx: Context): Promise<void> {
    for (const [path, { bytes, modified }] of this.#results) {
      const now = await until(ctx, Deno.stat(path).catch(() => undefined));
      const same = now?.size === bytes && (now.mtime?.getTime() ?? null) === modified;
      if (!same) this.#results.delete(path);
    }
  }

  /** Those that were put in this round by an earlier collector, lately, are not put again. */
  async #put(paths: readonly string[], round: number, ctx: Context): Promise<void> {
    const run = this.#run.id;
    for (let at = 0; at < paths.length; at += BATCH) {
      const puts = paths.slice(at, at + BATCH).map((path) => {
        // A path may be longer than an id.
        const hash = createHash("sha256").update(path).digest("hex");
        return this.#files.put({ run, path }, { ctx, dedupeId: `${run}.${round}.${hash}` });
      });
      await Promise.all(puts);
      this.#asked += puts.length;
    }
  }

  /** Takes what there is, until there is nothing that it does not hold. */
  async #gather(ctx: Context): Promise<void> {
    while ((await this.#digests.stats(ctx)).unfinished > this.#held.size) {
      const wait = { ctx, timeout: PATIENCE };
      const leases = await inTime(this.#digests.getMany(BATCH, wait)) ?? [];
      const others = leases.filter(({ value }) => value.run !== this.#run.id);
      await this.#digests.doneMany(others, ctx);
      for (const lease of leases) if (lease.value.run === this.#run.id) this.#take(lease);
    }
  }

  /** A lease that has run out comes again; what it says is known. */
  #take(lease: JobLease<FileDigest>): void {
    const { id, value } = lease;
    if (!this.#held.has(id)) {
      this.figures.add(value, this.#results.has(value.path));
      this.#results.set(value.path, value);
    }
    this.#held.set(id, lease);
  }

  /** Looks among the dead letters for files that could not be read, or whose workers died each time. */
  async #look(ctx: Context): Promise<void> {
    for await (const { value, reason } of this.#files.dead) {
      ctx.throwIfDone();
      if (value?.run === this.#run.id) this.#problems.set(value.path, reason);
    }
    this.figures.dead = this.#problems.size;
  }
}

/** Not normalized: what is before ".." may be a link. */
export function absolute(path: string): string {
  return path.startsWith("/") ? path : `${Deno.cwd()}/${path}`;
}
