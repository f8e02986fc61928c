import { Failure, reason } from "./failure.ts";

const encoder = new TextEncoder();

/** The exit code that shells give a program that SIGPIPE has ended. */
const READER_LEFT = 141;

/** Standard output, and standard error with the status line at its end if it is a terminal. */
export class Screen {
  readonly hasStatus = Deno.stderr.isTerminal();
  readonly #sharesTerminal = this.hasStatus && Deno.stdout.isTerminal();
  readonly #program: string;
  #status = "";

  /** Complaints begin with the name of the program. */
  constructor(program = "digest") {
    this.#program = program;
  }

  /** To standard output. Rejects with a Failure, a silent one if nobody reads there any more. */
  async print(text: string): Promise<void> {
    if (this.#sharesTerminal) this.status("");
    try {
      let bytes = encoder.encode(text);
      while (bytes.length > 0) bytes = bytes.subarray(await Deno.stdout.write(bytes));
    } catch (error) {
      if (error instanceof Deno.errors.BrokenPipe) throw new Failure(READER_LEFT, "");
      throw new Failure(1, `cannot write: ${reason(error)}`);
    }
  }

  /** One line to standard error. */
  complain(message: string): void {
    this.status("");
    write(`${this.#program}: ${message}\n`);
  }

  /** Replaces the status line; an empty one takes it away. */
  status(line: string): void {
    if (!this.hasStatus || line === this.#status) return;
    this.#status = line;
    // A line that reached the last column would wrap, and could not be taken back.
    write(`\r\x1b[K${line.slice(0, Deno.consoleSize().columns - 1)}`);
  }
}

function write(text: string): void {
  try {
    const bytes = encoder.encode(text);
    for (let n = 0; n < bytes.length;) n += Deno.stderr.writeSync(bytes.subarray(n));
  } catch {
    // There is nowhere left to say that nobody can be told: the exit code says it.
  }
}
