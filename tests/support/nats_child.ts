/**
 * A process of its own on a NATS server, and what it says; it may reach that server and nothing else.
 *
 * @module
 */
import { assert } from "@std/assert";
import type { NatsJobsOptions } from "../../jobs/nats/mod.ts";

/** Milliseconds after which it is killed, whatever goes wrong. */
const LONGEST = 12_000;

const program = new URL("./nats_program.ts", import.meta.url).pathname;

/** What it does: see the program. */
export type Role = "refused" | "works" | "holds";

export class NatsChild implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #output: ReadableStreamDefaultReader<string>;
  readonly #errors: Promise<string>;
  readonly #bound: ReturnType<typeof setTimeout>;
  #text = "";

  /** `host`: "127.0.0.1:PORT". */
  constructor(
    role: Role,
    host: string,
    options: NatsJobsOptions<number> & { readonly times?: number },
  ) {
    const flags = ["--quiet", "--no-prompt", "--no-lock", "--no-check", `--allow-net=${host}`];
    const queue = JSON.stringify({ servers: `nats://${host}`, ...options });
    this.#child = new Deno.Command("deno", {
      args: ["run", ...flags, program, role, queue],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#output = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#errors = new Response(this.#child.stderr).text();
    this.#bound = setTimeout(() => this.kill(), LONGEST);
  }

  /** Reads until it has said a line that begins so; that line. */
  async says(begin: string): Promise<string> {
    for (;;) {
      const line = this.#text.split("\n").slice(0, -1).find((line) => line.startsWith(begin));
      if (line !== undefined) return line;
      const { done, value } = await this.#output.read();
      assert(!done, `it has ended without "${begin}": ${this.#text}`);
      this.#text += value;
    }
  }

  /** At once, as a machine that loses its power. */
  async kill(): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#child.status;
  }

  /** How it has ended, and all that it has said. */
  async end(): Promise<{ code: number; lines: string[]; errors: string }> {
    for (;;) {
      const { done, value } = await this.#output.read();
      if (done) break;
      this.#text += value;
    }
    const { code } = await this.#child.status;
    return { code, lines: this.#text.trim().split("\n"), errors: await this.#errors };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#bound);
    await this.kill();
    await this.#output.cancel();
    await this.#errors;
  }
}
