import type { Context, Received } from "@sluice/sluice";
import { explain, Failure } from "./failure.ts";
import { line, shown, unescape } from "./names.ts";
import type { Screen } from "./screen.ts";
import { until } from "./stages.ts";
import type { Item, Task } from "./task.ts";

/** The list that is not a file. */
const STDIN = "-";

/** Stands in the list where a file should. */
class MalformedLine extends Error {}

/** Compares files with a list that `sha256sum` or this program has written, as `sha256sum -c` does. */
export class Checking implements Task {
  readonly #list: string;
  readonly #screen: Screen;
  #wellFormed = 0;
  #malformed = 0;
  #unread = 0;
  #different = 0;

  constructor(list: string, screen: Screen) {
    this.#list = list;
    this.#screen = screen;
  }

  async *items(ctx: Context): AsyncGenerator<Item> {
    for await (const text of linesOf(this.#list, ctx)) {
      if (text !== "" && !text.startsWith("#")) yield parse(text);
    }
  }

  /** What comes through a pipe comes once. */
  async isRepeatable(): Promise<boolean> {
    if (this.#list === STDIN) return false;
    return await Deno.stat(this.#list).then(({ isFile }) => isFile, () => false);
  }

  report({ path, expected, problem }: Item, digest: Received<string>): string {
    if (problem instanceof MalformedLine) {
      this.#malformed++;
      return "";
    }
    this.#wellFormed++;
    return line(path, /\n/, (name) => `${name}: ${this.#verdict(path, expected, digest)}`);
  }

  #verdict(path: string, expected: string | undefined, digest: Received<string>): string {
    if (!digest.ok) {
      this.#unread++;
      this.#screen.complain(explain(path, digest.error));
      return "FAILED open or read";
    }
    if (digest.value === expected) return "OK";
    this.#different++;
    return "FAILED";
  }

  finish(): boolean {
    if (this.#wellFormed === 0) {
      this.#screen.complain(`${shown(this.#list)}: no properly formatted checksum lines found`);
      return false;
    }
    this.#warn(this.#malformed, "line is improperly formatted", "lines are improperly formatted");
    this.#warn(this.#unread, "listed file could not be read", "listed files could not be read");
    this.#warn(
      this.#different,
      "computed checksum did NOT match",
      "computed checksums did NOT match",
    );
    return this.#unread + this.#different === 0;
  }

  #warn(count: number, one: string, many: string): void {
    if (count > 0) this.#screen.complain(`WARNING: ${count} ${count === 1 ? one : many}`);
  }
}

const LINE = /^[ \t]*(?<escaped>\\?)(?<expected>[0-9a-f]{64})[ \t][ *]?(?<name>.+)$/is;
/** What `sha256sum --tag` writes. */
const TAGGED = /^[ \t]*(?<escaped>\\?)SHA256 ?\((?<name>.+)\) ?= ?(?<expected>[0-9a-f]{64})$/is;

function parse(text: string): Item {
  const { escaped, expected, name } = (LINE.exec(text) ?? TAGGED.exec(text))?.groups ?? {};
  const path = escaped === "" ? name : unescape(name ?? "");
  if (!path || !expected) return { path: "", problem: new MalformedLine() };
  return { path, expected: expected.toLowerCase() };
}

async function* linesOf(list: string, ctx: Context): AsyncGenerator<string> {
  try {
    const file = list === STDIN ? Deno.stdin : await until(ctx, Deno.open(list));
    const chunks = file.readable.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await until(ctx, chunks.read());
      if (done) break;
      const lines = (rest + value).split("\n");
      rest = lines.pop()!;
      for (const text of lines) yield text.replace(/\r$/, "");
    }
    if (rest !== "") yield rest.replace(/\r$/, "");
  } catch (error) {
    ctx.throwIfDone();
    throw new Failure(1, explain(list, error));
  }
}
