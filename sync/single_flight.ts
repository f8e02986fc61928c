import { checkFunction } from "../core/check.ts";
import type { Context, Wait } from "../core/contract.ts";
import { CanceledError } from "../core/errors.ts";
import { noValues, ScopedContext } from "../core/scoped_context.ts";
import { Scope } from "../core/scope.ts";
import { refused } from "../core/turn.ts";
import { SharedRun } from "./shared_run.ts";

/**
 * Runs a function once for all who ask for the same key at the same time; Go's
 * `golang.org/x/sync/singleflight`. Nothing is kept when the run has ended: it is no cache.
 *
 * A caller who is cancelled only leaves. When the last one has, the run's context ends, and the key is
 * free for a new run.
 *
 * @typeParam K The type of the keys, told apart as those of a Map are.
 * @typeParam V What a run gives.
 *
 * @example
 * ```ts
 * import { SingleFlight } from "@sluice/sluice/sync";
 * import { sleep } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * let reads = 0;
 * const users = new SingleFlight<number, string>();
 * const read = (id: number): Promise<string> =>
 *   users.do(id, async (ctx) => {
 *     reads++;
 *     await sleep(1, ctx);
 *     return `user ${id}`;
 *   });
 * assertEquals(await Promise.all([read(7), read(7), read(8)]), ["user 7", "user 7", "user 8"]);
 * assertEquals(reads, 2);
 * ```
 */
export class SingleFlight<in out K, in out V> {
  readonly #runs = new Map<K, SharedRun<V>>();

  /** How many keys have a run on its way. */
  get size(): number {
    return this.#runs.size;
  }

  /** Whether a run for `key` is on its way. */
  has(key: K): boolean {
    return this.#runs.has(key);
  }

  /**
   * The result of the run for `key` that is on its way, or of `fn`, which starts one. `fn` is given a
   * context that ends with the run, or when nobody waits for it any more; `wait` ends this caller's wait alone.
   */
  do(key: K, fn: (ctx: Context) => V | PromiseLike<V>, wait?: Wait): Promise<V> {
    try {
      checkFunction("fn", fn);
    } catch (error) {
      return refused(error);
    }
    return this.#runs.get(key)?.wait(wait) ?? this.#start(key, fn, wait);
  }

  /** The next call for `key` starts a run, even if one is on its way; that one goes on. */
  forget(key: K): void {
    this.#runs.delete(key);
  }

  #start(key: K, fn: (ctx: Context) => V | PromiseLike<V>, wait?: Wait): Promise<V> {
    const ctx = new ScopedContext(new Scope(), noValues);
    const leave = (): void => {
      if (this.#runs.get(key) === run) this.#runs.delete(key);
    };
    const run = new SharedRun<V>(() => {
      leave();
      ctx.cancel(new CanceledError("nobody waits for the result any more"));
    });
    // The caller stands in line before `fn` is called: if his context ends in it, he has left.
    const result = run.wait(wait);
    // If he has left already, there is nobody to run it for.
    if (!run.lonely) {
      this.#runs.set(key, run);
      void run.start(() => fn(ctx), () => {
        leave();
        ctx.cancel();
      });
    }
    return result;
  }
}
