import { count, size } from "../digest/progress.ts";
import type { FileDigest } from "./queues.ts";

/** What a list has cost, in words. */
export class Figures {
  readonly #start = performance.now();
  readonly #workers = new Set<string>();
  /** Files that were given up. */
  dead = 0;
  #twice = 0;
  #again = 0;

  /** A digest has come; `known`: one of the same file was there. */
  add({ worker, attempt }: FileDigest, known: boolean): void {
    this.#workers.add(worker);
    this.#again += attempt - 1;
    if (known) this.#twice++;
  }

  /** One line about a list of so many files. */
  summary(files: number, bytes: number): string {
    const seconds = ((performance.now() - this.#start) / 1000).toFixed(1);
    const workers = this.#workers.size === 1 ? "1 worker" : `${this.#workers.size} workers`;
    const letters = this.dead === 1 ? "1 dead letter" : `${this.dead} dead letters`;
    return `${count(files)} (${size(bytes)}) in ${seconds} s by ${workers}: ` +
      `${this.#again} handed out again, ${this.#twice} done twice, ${letters}`;
  }
}
