/**
 * Policies around one another.
 *
 * @module
 */
import { show } from "../../core/check.ts";
import type { Cancel, Context } from "../../core/contract.ts";
import type { Job } from "../../tasks/job.ts";
import { type Policy, runGuarded, runIn, type RunOptions } from "./policy.ts";

/**
 * One policy of several, the outermost first. The context that each gives goes on to the next, so the
 * caller's end reaches the job; `fallback` and `timeout` are for all of it. What a policy refuses is an
 * error for those outside of it.
 *
 * A usual order: a bulkhead, so that its place is held over all attempts; retries; a breaker, which sees
 * each attempt; a time limit for each, which the breaker takes for a failure.
 *
 * @example
 * ```ts
 * import { Bulkhead, CircuitBreaker, compose, retrying, TimeLimit } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const careful = compose(
 *   new Bulkhead({ limit: 8, capacity: 32 }),
 *   retrying({ attempts: 2, delay: 1 }),
 *   new CircuitBreaker(),
 *   new TimeLimit(1_000),
 * );
 * let calls = 0;
 * const page = await careful.run(() => {
 *   if (++calls === 1) throw new Error("down for a moment");
 *   return "a page";
 * }, { fallback: () => "from the cache" });
 * assertEquals([page, calls], ["a page", 2]);
 * ```
 *
 * @throws TypeError if one of them is no policy.
 */
export function compose(...policies: readonly Policy[]): Policy {
  for (const policy of policies) {
    if (typeof (policy as Partial<Policy> | null)?.run !== "function") {
      throw new TypeError(`policies must have a function run, not ${show(policy)}`);
    }
  }
  return new Composed(policies);
}

class Composed implements Policy {
  readonly #policies: readonly Policy[];

  constructor(policies: readonly Policy[]) {
    this.#policies = policies;
  }

  run<R>(job: Job<R>, options?: Cancel | RunOptions<R>): Promise<R> {
    // The caller is told at once also if a policy of his own is not so prompt.
    return runGuarded(job, options, (ctx) => runIn((own) => this.#runFrom(0, job, own), ctx));
  }

  /** Under the policies from there on. */
  #runFrom<R>(index: number, job: Job<R>, ctx: Context): R | PromiseLike<R> {
    const policy = this.#policies[index];
    if (policy === undefined) return job(ctx);
    return policy.run((own) => this.#runFrom(index + 1, job, own), ctx);
  }
}
