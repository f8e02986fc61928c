/**
 * One batch: its items, the context of the handler that has them, and what became of each.
 *
 * - Every item settles once: with its result, with its own error, with that of the whole batch, or by
 *   its caller's leaving.
 * - Items that failed and may be tried again stay in the batch, which is then run again with those.
 *
 * @module
 */
import { show } from "../core/check.ts";
import { CanceledError } from "../core/errors.ts";
import type { ScopedContext } from "../core/scoped_context.ts";
import { type Owner, WaitList } from "../core/wait_list.ts";
import { contextOf } from "../core/wait_context.ts";
import type { Clock, Timer } from "../tasks/clock.ts";
import { retryDelay, type RetryOptions } from "../tasks/retry.ts";
import type { BatchHandler } from "./batcher.ts";
import { Failed } from "./failed.ts";
import type { Pending } from "./pending.ts";

export class BatchRun implements Owner {
  /** Those whose callers still wait. */
  readonly list: WaitList = new WaitList(this);
  /** How often the handler has had it. */
  attempts = 0;
  #ctx: ScopedContext | null = null;
  #timer: Timer | null = null;
  #deserted: (() => void) | null = null;

  constructor(nodes: readonly Pending[]) {
    for (const node of nodes) node.moveTo(this.list);
  }

  /** Nobody waits for any of it. */
  get empty(): boolean {
    return this.list.length === 0;
  }

  /**
   * Hands its items to the handler once, and settles those whose fate is known. The result: in how many
   * milliseconds the others are to be tried again; undefined if there are none.
   */
  async attempt(
    handler: BatchHandler<never, unknown>,
    retry: RetryOptions | undefined,
    parent: ScopedContext,
  ): Promise<number | undefined> {
    const nodes = this.list.snapshot() as Pending[];
    this.attempts++;
    const ctx = this.#ctx = contextOf({}, parent);
    try {
      const items = nodes.map((node) => node.item as never);
      const results: unknown = await handler(items, ctx);
      checkResults(results, nodes.length);
      return this.#settle(nodes, results, retry);
    } catch (error) {
      return this.#settle(nodes, nodes.map(() => new Failed(error)), retry);
    } finally {
      this.#ctx = null;
      ctx.cancel(new CanceledError("the batch is over"));
    }
  }

  /** Runs `fn` after a while, or `deserted` as soon as all callers have left. */
  wait(clock: Clock, ms: number, fn: () => void, deserted: () => void): void {
    this.#deserted = deserted;
    this.#timer = clock.after(ms, () => {
      this.#deserted = this.#timer = null;
      fn();
    });
  }

  /** Ends it: its callers are told `errorOf` their item, and its handler by its context. */
  abort(cause: unknown, errorOf: (item: unknown) => unknown): void {
    for (const node of this.list.snapshot()) {
      if (node.list !== this.list) continue;
      node.leave();
      node.fail(errorOf(node.item));
    }
    this.#ctx?.cancel(cause);
    this.left();
  }

  /** A caller has left. */
  left(): void {
    if (!this.empty) return;
    this.#ctx?.cancel(new CanceledError("all who have submitted an item of the batch have left"));
    this.#timer?.stop();
    const deserted = this.#deserted;
    this.#deserted = this.#timer = null;
    deserted?.();
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
      if (!(result instanceof Failed)) {
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
