import { checkFunction } from "../core/check.ts";
import type { Wait } from "../core/contract.ts";
import { refused } from "../core/turn.ts";
import { enter } from "../core/wait.ts";
import { SharedRun } from "./shared_run.ts";

/**
 * A function that runs `fn` at the first call, and gives all callers what that gave, an error too;
 * Go's `sync.OnceValue`. `wait` ends a caller's wait, not the run.
 *
 * @example
 * ```ts
 * import { once } from "@sluice/sluice/sync";
 * import { assertEquals } from "@std/assert";
 *
 * let runs = 0;
 * const settings = once(async () => {
 *   runs++;
 *   return await Promise.resolve({ port: 8000 });
 * });
 * const [a, b] = await Promise.all([settings(), settings({ timeout: 1_000 })]);
 * assertEquals([a === b, runs], [true, 1]);
 * ```
 *
 * @throws TypeError if `fn` is no function.
 */
export function once<R>(fn: () => R | PromiseLike<R>): (wait?: Wait) => Promise<R> {
  return onceUnless(fn, () => false);
}

/**
 * As {@linkcode once}, but a run that fails is forgotten: who waited for it gets the error, and the
 * next call runs `fn` again.
 *
 * @example
 * ```ts
 * import { onceOk } from "@sluice/sluice/sync";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * let runs = 0;
 * const connect = onceOk(() => {
 *   if (++runs === 1) throw new Error("not up yet");
 *   return "connected";
 * });
 * await assertRejects(() => connect(), Error, "not up yet");
 * assertEquals([await connect(), await connect(), runs], ["connected", "connected", 2]);
 * ```
 *
 * @throws TypeError if `fn` is no function.
 */
export function onceOk<R>(fn: () => R | PromiseLike<R>): (wait?: Wait) => Promise<R> {
  return onceUnless(fn, (ok) => !ok);
}

/** `forget` tells whether a run that ended so is to be forgotten. */
function onceUnless<R>(
  fn: () => R | PromiseLike<R>,
  forget: (ok: boolean) => boolean,
): (wait?: Wait) => Promise<R> {
  checkFunction("fn", fn);
  let run: SharedRun<R> | undefined;
  return (wait) => {
    try {
      if (wait !== undefined) enter(wait);
    } catch (error) {
      return refused(error);
    }
    if (run === undefined) {
      const started = run = new SharedRun<R>();
      void started.start(fn, (ok) => {
        if (forget(ok)) run = undefined;
      });
      return started.wait(wait);
    }
    return run.wait(wait);
  };
}
