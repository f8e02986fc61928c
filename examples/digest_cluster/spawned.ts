/**
 * Workers as child processes of the collector. One that is killed is replaced; all end when their
 * standard input does, so that none stays behind, however the collector ends.
 *
 * @module
 */
import { Failure } from "../digest/failure.ts";
import type { Screen } from "../digest/screen.ts";
import { permissionsFor } from "./address.ts";
import type { ClusterFlags } from "./flags.ts";

/** Milliseconds; only a list that was not finished leaves them something to do. */
const GRACE = 1_000;

export class SpawnedWorkers implements AsyncDisposable {
  readonly #flags: ClusterFlags;
  readonly #screen: Screen;
  readonly #children = new Set<Deno.ChildProcess>();
  readonly #places: Promise<void>[];
  #over = false;

  constructor(flags: ClusterFlags, screen: Screen) {
    this.#flags = flags;
    this.#screen = screen;
    this.#places = Array.from({ length: flags.spawn }, () => this.#place());
    for (const place of this.#places) place.catch(() => {});
  }

  /** Rejects with a Failure when one has failed; resolves when all were told to end, and have. */
  async run(): Promise<void> {
    await Promise.all(this.#places);
  }

  /** Lets them finish what they have begun, if that is soon. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#over = true;
    for (const child of this.#children) endInput(child);
    const late = setTimeout(() => {
      for (const child of this.#children) child.kill("SIGKILL");
    }, GRACE);
    await Promise.allSettled(this.#places);
    clearTimeout(late);
  }

  /** One worker after the other, as long as they are killed. */
  async #place(): Promise<void> {
    while (!this.#over) {
      const child = this.#spawn();
      this.#children.add(child);
      const { code, signal } = await child.status;
      this.#children.delete(child);
      endInput(child);
      if (this.#over || code === 0) return;
      if (signal === null) throw new Failure(1, `a worker has failed, with exit code ${code}`);
      this.#screen.complain(`worker ${child.pid} was ended by ${signal}: another takes its place`);
    }
  }

  #spawn(): Deno.ChildProcess {
    const { address, queue, jobs, lease, name, verbose } = this.#flags;
    const program = new URL("../digest_cluster.ts", import.meta.url);
    const config = `${import.meta.dirname}/../../deno.json`;
    try {
      return new Deno.Command("deno", {
        args: [
          ...["run", "--quiet", "--no-prompt", "--config", config],
          ...["--allow-read", ...permissionsFor(address), program.href],
          ...["--work", "--until-eof", "--queue", queue, "--name", name],
          ...["--jobs", String(jobs), "--lease", String(lease), ...verbose ? ["--verbose"] : []],
        ],
        stdin: "piped",
        stdout: "null",
        stderr: "inherit",
      }).spawn();
    } catch (error) {
      throw new Failure(1, `cannot start a worker: ${(error as Error).message}`);
    }
  }
}

function endInput(child: Deno.ChildProcess): void {
  child.stdin.close().catch(() => {
    // It has ended before.
  });
}
