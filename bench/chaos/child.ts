/**
 * A process of a trial, as the trial sees it.
 *
 * @module
 */
import { background, type Cancel, Channel, sleep, withCancel } from "../../mod.ts";
import type { Note, Role } from "./notes.ts";

const PROGRAM = new URL("./worker.ts", import.meta.url);
const PERMISSIONS = ["--allow-net=127.0.0.1", "--allow-read", "--allow-write"];

/** How a process ended: by itself, by whoever killed it, or by an error that nobody caught. */
export interface End {
  readonly code: number;
  readonly signal: Deno.Signal | null;
  /** What it wrote to its standard error, as far as it fits. */
  readonly lastWords: string;
}

/** A process that says what happens. When it ends, so do its notes. */
export class Child implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #notes: Channel<Note>;
  readonly #lastWords: Promise<string>;
  readonly #handed: Promise<unknown>;
  #over = false;
  #failed = false;

  /** Starts it. `on` is told of each note at once; `next` gives those that it does not take. */
  constructor(role: Role, on: (note: Note) => boolean = () => false) {
    this.#process = new Deno.Command("deno", {
      args: [
        "run",
        "--quiet",
        "--no-prompt",
        "--no-lock",
        ...PERMISSIONS,
        PROGRAM.href,
        JSON.stringify(role),
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#input = this.#process.stdin.getWriter();
    this.#notes = new Channel<Note>(Infinity);
    this.#handed = this.#read(on);
    this.#lastWords = new Response(this.#process.stderr).text();
    void this.#process.status.then(({ code }) => {
      this.#over = true;
      this.#failed = code !== 0;
    });
  }

  /** It has ended, and not well. */
  get failed(): boolean {
    return this.#failed;
  }

  /** The next note that nobody else takes. Throws if it ends without one. */
  async next(cancel?: Cancel): Promise<Note> {
    const { ok, value } = await this.#notes.receive(cancel);
    if (ok) return value;
    const { signal, code, lastWords } = await this.ended();
    throw new Error(`a process has ended early, by ${signal ?? `exit code ${code}`}: ${lastWords}`);
  }

  /** Sends it a signal, unless it has ended. Those that kill have done so when this resolves. */
  async kill(signal: Deno.Signal): Promise<void> {
    if (this.#over) return;
    try {
      this.#process.kill(signal);
    } catch {
      // It has ended, and nobody was told yet.
    }
    if (signal === "SIGKILL") await this.ended();
  }

  /** Tells it to end, and gives it so many milliseconds for that before it is killed. */
  async end(ms = 10_000): Promise<End> {
    void this.#input.close().catch(() => {});
    using patience = withCancel(background());
    sleep(ms, patience).then(() => this.kill("SIGKILL"), () => {});
    return await this.ended();
  }

  /** Waits until it has ended, and all that it has said was heard. */
  async ended(): Promise<End> {
    const { code, signal } = await this.#process.status;
    await this.#handed;
    return { code, signal, lastWords: (await this.#lastWords).trim().slice(0, 400) };
  }

  /** Whatever has gone wrong, no process stays behind. */
  async [Symbol.asyncDispose](): Promise<void> {
    void this.#input.close().catch(() => {});
    await this.kill("SIGKILL");
    await this.ended();
    this.#notes[Symbol.dispose]();
  }

  async #read(on: (note: Note) => boolean): Promise<void> {
    let rest = "";
    for await (const text of this.#process.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        const note = JSON.parse(line) as Note;
        if (!on(note)) await this.#notes.send(note);
      }
    }
    this.#notes.close();
  }
}
