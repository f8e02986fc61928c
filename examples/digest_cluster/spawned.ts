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

  /** Rejects with a Failure when one has failed, or none is left; resolves when they were ended. */
  async run(): Promise<void> {
    await Promise.all(this.#places);
    if (!this.#over && this.#places.length > 0) throw new Failure(1, "all workers have ended");
  }

  /** Lets them finish what they have begun. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#over = true;
    for (const child of this.#children) child.stdin.close().catch(() => {});
    await Promise.allSettled(this.#places);
  }

  /** One worker after the other, as long as they are killed. */
  async #place(): Promise<void> {
    while (!this.#over) {
      const child = this.#spawn();
      this.#children.add(child);
      const { code, signal } = await child.status;
      this.#children.delete(child);
      if (this.#over || code === 0) return;
      if (signal === null) throw new Failure(1, `a worker has failed, with exit code ${code}`);
      this.#screen.complain(`worker ${child.pid} was ended by ${signal}: another takes its place`);
    }
  }

  #spawn(): Deno.ChildProcess {
    const { address, queue, jobs, lease, name, verbose } = this.#flags;
    const program = new URL("../digest_cluster.ts", import.meta.url);
    const config = new URL("../../deno.json", import.meta.url);
    try {
      return new Deno.Command("deno", {
        args: [
          ...["run", "--quiet", "--no-prompt", "--config", config.pathname],
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
