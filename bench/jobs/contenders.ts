/**
 * Who takes part, and what each needs, can and stands beside.
 *
 * @module
 */
import { fromFileUrl } from "../harness/paths.ts";
import { type Contender, Runner } from "../harness/race.ts";
import type { Places } from "./contest.ts";
import type { Task } from "./workloads.ts";

/**
 * What not everybody can do.
 *
 * - "wait": a worker that waits for a job.
 * - "backlog": workers that stop in the midst of a backlog.
 * - "stats": telling how many there are without counting them.
 * - "processes": several processes that share a queue.
 */
export type Ability = "wait" | "backlog" | "stats" | "processes";

/** Who takes part. */
export interface Entrant {
  readonly name: string;
  /** The module of this folder. */
  readonly module: string;
  readonly needs?: "nats" | "bullmq";
  readonly lacks: readonly Ability[];
  /** How many times as long its samples last; 1 if left out. */
  readonly longer?: number;
}

/** Their names, as the page has them. */
export const names = {
  memory: "Sluice, memory",
  sqlite: "Sluice, SQLite",
  sqliteBare: "bare `node:sqlite`",
  nats: "Sluice, NATS",
  natsBare: "bare JetStream",
  natsUsual: "JetStream, its usual way",
  bullmq: "BullMQ",
} as const;

/** In the order of the page. */
export const entrants: readonly Entrant[] = [
  { name: names.memory, module: "memory.ts", lacks: ["processes"] },
  { name: names.sqlite, module: "sqlite.ts", lacks: [] },
  { name: names.sqliteBare, module: "sqlite_bare.ts", lacks: ["wait", "stats"] },
  { name: names.nats, module: "nats.ts", needs: "nats", lacks: [] },
  { name: names.natsBare, module: "nats_bare.ts", needs: "nats", lacks: [] },
  {
    name: names.natsUsual,
    module: "nats_usual.ts",
    needs: "nats",
    lacks: ["backlog", "processes"],
  },
  {
    name: names.bullmq,
    module: "bullmq.ts",
    needs: "bullmq",
    lacks: ["backlog", "processes"],
    // A worker takes some 20 ms to begin.
    longer: 2,
  },
];

/** Milliseconds until whoever does not answer has failed: longer than a lease, so that one that is lost shows. */
const PATIENCE = 45_000;

/** An entrant in a process of its own. */
export class Party {
  readonly entrant: Entrant;
  readonly #runner: Runner;
  #failed = false;

  private constructor(entrant: Entrant, runner: Runner) {
    this.entrant = entrant;
    this.#runner = runner;
  }

  /** Starts the process, and waits until the queue is open. */
  static async of(
    entrant: Entrant,
    places: Places,
    deno: string = Deno.execPath(),
  ): Promise<Party> {
    const runner = new Runner(contenderOf(entrant, places, deno), entrant.module);
    try {
      await runner.ready();
      return new Party(entrant, runner);
    } catch (error) {
      await runner.end().catch(() => {});
      throw error;
    }
  }

  get name(): string {
    return this.entrant.name;
  }

  can(ability: Ability): boolean {
    return !this.entrant.lacks.includes(ability);
  }

  /** What the process finds for a task. Whoever has failed once is to be asked no more. */
  async ask(task: Task): Promise<readonly number[]> {
    const { promise, reject } = Promise.withResolvers<never>();
    const patience = task.kind === "backlog" ? 10 * PATIENCE : PATIENCE;
    const timer = setTimeout(() => reject(new Error(`no answer in ${patience} ms`)), patience);
    try {
      return JSON.parse(await Promise.race([this.#runner.say(JSON.stringify(task)), promise]));
    } catch (error) {
      this.#failed = true;
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** It takes part no more. */
  get failed(): boolean {
    return this.#failed;
  }

  async end(): Promise<void> {
    await this.#runner.end();
  }
}

function contenderOf({ name }: Entrant, places: Places, deno: string): Contender {
  const child = fromFileUrl(new URL("child.ts", import.meta.url));
  const options = ["--quiet", "--no-lock", "--allow-all"];
  const command = [deno, "run", ...options, child, JSON.stringify(places)];
  return { name, version: "", command };
}
