import type { Context, Received } from "@sluice/sluice";
import { explain } from "./failure.ts";
import { line } from "./names.ts";
import type { Screen } from "./screen.ts";
import type { Item, Task } from "./task.ts";
import { walk } from "./walk.ts";

/** Lists the files of a directory with their digests, as `sha256sum` does. */
export class Listing implements Task {
  readonly #root: string;
  readonly #screen: Screen;
  #problems = 0;

  constructor(root: string, screen: Screen) {
    this.#root = root;
    this.#screen = screen;
  }

  items(ctx: Context): AsyncIterable<Item> {
    return walk(this.#root, ctx);
  }

  isRepeatable(): Promise<boolean> {
    return Promise.resolve(true);
  }

  report({ path }: Item, digest: Received<string>): string {
    if (digest.ok) return line(path, /[\\\n\r]/, (name) => `${digest.value}  ${name}`);
    this.#problems++;
    this.#screen.complain(explain(path, digest.error));
    return "";
  }

  finish(): boolean {
    return this.#problems === 0;
  }
}
