/**
 * Those who wait for a value of a certain kind. Each value is shown to all who began to wait before it was
 * set, in the order in which the values were set, also if a predicate sets the next one.
 *
 * @module
 */
import type { Wait } from "../../core/contract.ts";
import { NOTHING } from "../../core/nothing.ts";
import { tryOrPark } from "../../core/try_or_park.ts";
import { WaitList, type WaitNode } from "../../core/wait_list.ts";

/** Who waits for what. */
interface Check<T> {
  readonly predicate: (value: T) => boolean;
  /** The version that he has been shown last. */
  after: number;
}

/** A value that was set, and as which. */
interface Version<T> {
  readonly value: T;
  readonly version: number;
}

export class Checks<T> {
  readonly #line = new WaitList();
  /** What has not been shown yet. */
  readonly #versions: Version<T>[] = [];
  #running = false;
  /** There will be no more values. */
  #ended = false;
  #error: unknown;

  /** How many wait. */
  get waiting(): number {
    return this.#line.length;
  }

  /** Waits, unless what there is will do. `checkOpen` throws if there will be nothing else. */
  wait(
    predicate: (value: T) => boolean,
    wait: Wait | undefined,
    of: Version<T>,
    checkOpen: () => void,
  ): Promise<T> {
    const check: Check<T> = { predicate, after: -1 };
    return tryOrPark<T>(this.#line, wait, () => {
      // The predicate may set another value.
      while (check.after !== of.version) {
        const { value, version } = of;
        check.after = version;
        if (predicate(value)) return value;
      }
      checkOpen();
      return NOTHING;
    }, check);
  }

  /** A value was set; `run` is to follow. */
  add(value: T, version: number): void {
    if (this.#line.head !== null) this.#versions.push({ value, version });
  }

  /** Shows what was set; or whoever does so already will. */
  run(): void {
    if (this.#running) return;
    this.#running = true;
    for (let next = this.#versions.shift(); next !== undefined; next = this.#versions.shift()) {
      for (const node of this.#line.snapshot()) show(node, next);
    }
    this.#running = false;
    if (this.#ended) this.#line.failAll(this.#error);
  }

  /** There will be no more values, and those who wait in vain reject. What was set is shown first. */
  end(error: unknown): void {
    this.#ended = true;
    this.#error = error;
    this.run();
  }
}

function show<T>(node: WaitNode, { value, version }: Version<T>): void {
  const check = node.item as Check<T>;
  if (node.list === null || check.after >= version) return;
  check.after = version;
  let found: boolean;
  try {
    found = check.predicate(value);
  } catch (error) {
    if (node.list === null) return;
    node.leave();
    node.fail(error);
    return;
  }
  // It may have ended its own wait.
  if (!found || node.list === null) return;
  node.leave();
  node.settle(value);
}
