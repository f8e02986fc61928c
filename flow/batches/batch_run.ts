/**
 * One batch: its items, the context of the handler that has them, and what became of each.
 *
 * - Every item settles once: with its result, with its own error, with that of the whole batch, or by
 *   its caller's leaving.
 * - Items that failed and may be tried again stay in the batch, which is then run again with those.
 * - The handler's context ends with the attempt, or when all callers have left.
 *
 * @module
 */
import { show } from "../../core/check.ts";
import { CanceledError } from "../../core/errors.ts";
import type { ScopedContext } from "../../core/scoped_context.ts";
import { scopeKey } from "../../core/wait.ts";
import { type Owner, WaitList } from "../../core/wait_list.ts";
import type { Clock, Timer } from "../../tasks/clock.ts";
import { contextBelow } from "../../tasks/pool_options.ts";
import { retryDelay, type RetryOptions } from "../../tasks/retry.ts";
import type { BatchHandler } from "./batcher_options.ts";
import { Failed } from "./failed.ts";
import type { Pending } from "./pending.ts";

/** Why the context of a handler ends that has done its work; one for all, since errors take long to make. */
const over = new CanceledError("the batch is over");

/** What the handler gave for these; undefined: all is well. */
interface Outcome {
  readonly nodes: readonly Pending[];
  readonly results: readonly unknown[] | undefined;
}

export class BatchRun implements Owner {
  /** Those whose callers still wait. */
  readonly list: WaitList = new WaitList(this);
  /** How often the handler has had it. */
  attempts = 0;
  readonly #onLeft: (run: BatchRun) => void;
  #ctx: ScopedContext | null = null;
  #timer: Timer | undefined;

  /** `onLeft` is told when a caller has left. */
  constructor(nodes: readonly Pending[], onLeft: (run: BatchRun) => void) {
    this.#onLeft = onLeft;
    for (const node of nodes) node.moveTo(this.list);
  }

  /** Nobody waits for any of it. */
  get empty(): boolean {
    return this.list.length === 0;
  }

  /** Hands its items to the handler once. The result tells what became of them. */
  async attempt(handler: BatchHandler<never, unknown>, parent: ScopedContext): Promise<Outcome> {
    const nodes = this.list.snapshot() as Pending[];
    this.attempts++;
    const ctx = this.#ctx = contextBelow(parent);
    try {
      const results: unknown = await handler(nodes.map(({ item }) => item as never), ctx);
      checkResults(results, nodes.length);
      return { nodes, results };
    } catch (error) {
      return { nodes, results: failures(nodes, error) };
    } finally {
      this.#ctx = null;
      ctx[scopeKey].end(over);
    }
  }

  /**
   * Settles those whose fate is known. The result: in how many milliseconds the others are to be tried
   * again; undefined if there are none.
   */
  settle({ nodes, results }: Outcome, retry: RetryOptions | undefined): number | undefined {
    try {
      return this.#settle(nodes, results, retry);
    } catch (error) {
      // Results may be traps: a getter, a proxy.
      return this.#settle(nodes, failures(nodes, error), retry);
    }
  }

  #settle(
    nodes: readonly Pending[],
    results: readonly unknown[] | undefined,
    retry: RetryOptions | undefined,
  ): number | undefined {
    let again: number | undefined;
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[i]!;
      if (node.list !== this.list) continue;
      const result = results?.[i];
      const failed = result instanceof Failed;
      // A getter or a proxy is code of the user's, which may have ended it.
      if (node.list !== this.list) continue;
      if (!failed) {
        node.leave();
        node.settle(result);
        continue;
      }
      const delay = this.#delay(retry, result.error);
      // The user's functions were asked, and may have ended it.
      if (node.list !== this.list) continue;
      if (typeof delay === "number") {
        again = Math.max(again ?? 0, delay);
      } else {
        node.leave();
        node.fail(delay.error);
      }
    }
    return again;
  }

  /** Runs `fn` after a while, unless all callers leave. */
  wait(clock: Clock, ms: number, fn: () => void): void {
    // Those may have clocks whose timers take no Infinity.
    if (ms !== Infinity) this.#timer = clock.after(ms, fn);
  }

  /** Its callers are told `errorOf` their item. */
  fail(errorOf: (item: unknown) => unknown): void {
    this.#timer?.stop();
    for (let node = this.list.head; node !== null; node = this.list.head) {
      node.leave();
      node.fail(errorOf(node.item));
    }
  }

  /** Ends the context of its handler. */
  stop(cause: unknown): void {
    this.#ctx?.cancel(cause);
  }

  /** A caller has left. */
  left(): void {
    if (this.empty) this.#timer?.stop();
    this.#onLeft(this);
    if (!this.empty) return;
    this.#ctx?.cancel(new CanceledError("all who have submitted an item of the batch have left"));
  }

  /** Milliseconds until the next attempt, or why there is none. */
  #delay(retry: RetryOptions | undefined, error: unknown): number | Failed {
    if (retry === undefined) return new Failed(error);
    try {
      return retryDelay(retry, this.attempts, error) ?? new Failed(error);
    } catch (thrown) {
      return new Failed(thrown);
    }
  }
}

/** All of them have failed with that. */
function failures(nodes: readonly Pending[], error: unknown): Failed[] {
  return nodes.map(() => new Failed(error));
}

function checkResults(
  results: unknown,
  count: number,
): asserts results is readonly unknown[] | undefined {
  if (results === undefined) return;
  if (!Array.isArray(results)) {
    throw new TypeError(`a batch's handler must give an array or undefined, not ${show(results)}`);
  }
  if (results.length !== count) {
    throw new RangeError(
      `a batch's handler must give a result for each of its ${count} items: ${results.length}`,
    );
  }
}
