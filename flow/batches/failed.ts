import { brand } from "../../core/brand.ts";

/**
 * What the handler of a batch gives for an item that has failed, while others have not.
 *
 * @example
 * ```ts
 * import { Batcher, Failed } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * await using roots = new Batcher<number, number>((numbers) =>
 *   numbers.map((n) => n < 0 ? new Failed(new RangeError(`${n} has no root`)) : Math.sqrt(n))
 * );
 * const [nine, minus] = await Promise.allSettled([roots.submit(9), roots.submit(-1)]);
 * assertEquals([nine.status, minus.status], ["fulfilled", "rejected"]);
 * ```
 */
export class Failed {
  /** What the caller of `submit` is rejected with. */
  readonly error: unknown;
  static {
    // A batcher of another copy of the module must not take it for a result.
    brand(this, "Failed");
  }

  /** `error` is what the caller of `submit` is rejected with. */
  constructor(error: unknown) {
    this.error = error;
  }
}
