import { Channel } from "@sluice/sluice";

/** A program of this example in a process of its own, which prints lines of JSON. */
export class Child implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #lines: Channel<string>;
  #over = false;

  constructor(program: string, args: readonly string[], permissions: readonly string[]) {
    const path = new URL(program, import.meta.url);
    this.#process = new Deno.Command("deno", {
      args: ["run", "--quiet", "--no-prompt", "--no-lock", ...permissions, path.href, ...args],
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#lines = Channel.from(linesOf(this.#process.stdout));
    void this.#process.status.then(() => this.#over = true);
  }

  /** The next line that it prints. Throws if it ends without one. */
  async next<T>(): Promise<T> {
    const { ok, value } = await this.#lines.receive();
    if (ok) return JSON.parse(value) as T;
    const { code, signal } = await this.#process.status;
    throw new Error(`a process of the example has ended early: ${signal ?? `exit code ${code}`}`);
  }

  /** Sends it a signal, unless it has ended. */
  kill(signal: Deno.Signal): void {
    if (this.#over) return;
    try {
      this.#process.kill(signal);
    } catch {
      // It has ended, and nobody was told yet.
    }
  }

  /** Waits until it has ended. */
  async ended(): Promise<Deno.CommandStatus> {
    return await this.#process.status;
  }

  /** Whatever has gone wrong, no process stays behind. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGKILL");
    this.#lines[Symbol.dispose]();
    await this.#process.status;
  }
}

async function* linesOf(bytes: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of bytes.pipeThrough(new TextDecoderStream() as never)) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== "") yield rest;
}
