/**
 * What a watch is told, and what it tells of itself.
 *
 * @module
 */
import { checkCount } from "../../core/check.ts";
import type { Cancel, WaitOptions } from "../../core/contract.ts";
import { isCancel } from "../../tasks/results.ts";

/**
 * How a {@linkcode Watch} is made.
 *
 * @example
 * ```ts
 * import { Watch, type WatchOptions } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * // As Kotlin's StateFlow: setting what is there already is no change.
 * const options: WatchOptions<string> = { equals: Object.is, name: "mode" };
 * const mode = new Watch("on", options);
 * mode.set("on");
 * assertEquals(mode.version, 0);
 * ```
 */
export interface WatchOptions<in T> {
  /** Says that setting `next` changes nothing; if left out, every `set` is a change. */
  readonly equals?: ((current: T, next: T) => boolean) | undefined;
  /** Named in errors. */
  readonly name?: string | undefined;
  /** Its end closes the watch, with the cause. */
  readonly parent?: Cancel | undefined;
}

/**
 * What {@linkcode Watch.changed} takes.
 *
 * @example
 * ```ts
 * import { type ChangedOptions, Watch } from "@sluice/sluice/flow";
 *
 * const watch = new Watch(1);
 * const options: ChangedOptions = { after: watch.version, timeout: 1_000 };
 * watch.set(2);
 * await watch.changed(options); // at once: that change is after the version
 * ```
 */
export interface ChangedOptions extends WaitOptions {
  /** The version that has been seen; the current one if left out. */
  readonly after?: number | undefined;
}

/**
 * How a {@linkcode Watch} is doing.
 *
 * @example
 * ```ts
 * import { Watch, type WatchStats } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const watch = new Watch(1);
 * watch.set(2);
 * const { version, readers, waiting }: WatchStats = watch.stats();
 * assertEquals([version, readers, waiting], [1, 0, 0]);
 * ```
 */
export interface WatchStats {
  /** How often it has changed. */
  readonly version: number;
  /** How many readers have not been disposed. */
  readonly readers: number;
  /** How many calls of `changed` and `waitFor` wait. */
  readonly waiting: number;
}

/** The version that the caller has seen, `now` at most. Throws TypeError or RangeError if it is none. */
export function afterOf(
  wait: Cancel | ChangedOptions | undefined,
  now: number,
): number | undefined {
  if (wait === undefined || isCancel(wait)) return undefined;
  const { after } = wait;
  if (after === undefined) return undefined;
  checkCount("after", after, 0);
  if (after > now) throw new RangeError(`after must be at most the version, ${now}: ${after}`);
  return after;
}
