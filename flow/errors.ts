/**
 * The errors of flow control: small classes with a stable `code`, that say how things stand.
 *
 * @module
 */
import { brand } from "../core/brand.ts";
import { show } from "../core/check.ts";

/**
 * What an {@linkcode OverloadError} carries.
 *
 * @example
 * ```ts
 * import { OverloadError } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const error = new OverloadError("the shop is full", { fill: 90, limit: 90, value: "order 7" });
 * assertEquals([error.fill, error.limit, error.value], [90, 90, "order 7"]);
 * ```
 */
export interface OverloadErrorOptions extends ErrorOptions {
  /** How much is waiting. */
  readonly fill: number;
  /** From how much on nothing more is accepted. */
  readonly limit: number;
  /** What was refused. Left out if there was nothing to hand in; undefined is a value. */
  readonly value?: unknown;
}

/**
 * Too much is waiting: this is refused at once, so that what was accepted is still served in time. It
 * says how full it is, and carries what was refused.
 *
 * @example
 * ```ts
 * import { Bulkhead, OverloadError } from "@sluice/sluice/flow";
 * import { Event } from "@sluice/sluice/sync";
 * import { assertRejects } from "@std/assert";
 *
 * const enough = new Event();
 * const bulkhead = new Bulkhead({ limit: 1, capacity: 0 });
 * const running = bulkhead.run((ctx) => enough.wait(ctx));
 * await assertRejects(() => bulkhead.run(() => "one too many"), OverloadError, "1 of 1");
 * enough.set();
 * await running;
 * ```
 */
export class OverloadError extends Error {
  /** Stays the same over all versions. */
  readonly code = "SLUICE_OVERLOAD" as const;
  /** How much was waiting. */
  readonly fill: number;
  /** From how much on nothing more is accepted. */
  readonly limit: number;
  /** What was refused. A key of the error only if there was something to hand in. */
  declare readonly value?: unknown;
  static {
    brand(this, "OverloadError");
  }

  /** Made by the pieces of this module; public for those who write one of their own. */
  constructor(message: string, options: OverloadErrorOptions) {
    super(message, options);
    this.fill = options.fill;
    this.limit = options.limit;
    if ("value" in options) (this as { value?: unknown }).value = options.value;
  }
}

/**
 * A circuit breaker is open: what it guards has failed too often, and is left alone for a while.
 *
 * @example
 * ```ts
 * import { CircuitBreaker, CircuitOpenError } from "@sluice/sluice/flow";
 * import { assertRejects } from "@std/assert";
 *
 * const breaker = new CircuitBreaker({ minCalls: 1, openFor: 30_000 });
 * await assertRejects(() => breaker.run(() => Promise.reject(new Error("down"))));
 * const error = await assertRejects(() => breaker.run(() => "not called"), CircuitOpenError);
 * console.log(`try again in ${error.retryAfter} ms`);
 * ```
 */
export class CircuitOpenError extends Error {
  /** Stays the same over all versions. */
  readonly code = "SLUICE_CIRCUIT_OPEN" as const;
  /**
   * In how many milliseconds the next call may be let through; 0 if trial calls are on their way: it
   * depends on them.
   */
  readonly retryAfter: number;
  static {
    brand(this, "CircuitOpenError");
  }

  /** Made by breakers; public for those who write one of their own. */
  constructor(message: string, retryAfter: number) {
    super(message);
    this.retryAfter = retryAfter;
  }
}

/** What error messages call a piece: `the breaker "payments"`. */
export function labelOf(kind: string, name: string | undefined): string {
  return name === undefined ? `the ${kind}` : `the ${kind} ${show(name)}`;
}
