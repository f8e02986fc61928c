/**
 * Three marks on how full something is, and the level that follows from them.
 *
 * - 0 <= low < middle <= high, always: marks that are left out follow the capacity, and give way to
 *   those that were given.
 * - The level has hysteresis: it rises at `middle` and `high`, and falls at `middle` and `low`. So it
 *   does not change to and fro with every item that comes and goes at a mark.
 *
 * @module
 */
import { checkNumber, checkOptionalFunction, checkOptionalString } from "../../core/check.ts";
import type { Cancel } from "../../core/contract.ts";
import type { OverloadError } from "../errors.ts";

/**
 * How things stand: all is well; producers had better slow down; nothing more is accepted.
 *
 * @example
 * ```ts
 * import { Queue } from "@sluice/sluice";
 * import { type FlowLevel, WaterMarks } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const queue = new Queue<number>(4);
 * using marks = new WaterMarks(queue);
 * const levels: FlowLevel[] = [];
 * for (const n of [1, 2, 3, 4]) {
 *   queue.putNowait(n);
 *   levels.push(marks.level);
 * }
 * assertEquals(levels, ["normal", "warning", "warning", "overload"]);
 * ```
 */
export type FlowLevel = "normal" | "warning" | "overload";

/**
 * Where the marks are, and who is told. Marks count items, or what they weigh in a queue with `weigh`.
 *
 * @example
 * ```ts
 * import { Queue } from "@sluice/sluice";
 * import { type WaterMarkOptions, WaterMarks } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const aside: string[] = [];
 * const options: WaterMarkOptions<string> = {
 *   low: 0,
 *   middle: 1,
 *   high: 2,
 *   fallback: (job) => void aside.push(job),
 * };
 * using marks = new WaterMarks(new Queue<string>(), options);
 * for (const job of ["wash", "dry", "fold"]) await marks.submit(job);
 * assertEquals(aside, ["fold"]);
 * ```
 */
export interface WaterMarkOptions<in T> {
  /** Down to here it has to drain to be "normal" again. 25 % of the capacity if left out. */
  readonly low?: number | undefined;
  /** From here on it is "warning"; down to here it has to drain after "overload". 50 %. */
  readonly middle?: number | undefined;
  /** From here on it is "overload". 90 %; no more than the capacity. */
  readonly high?: number | undefined;
  /**
   * Told once of each change, in order, in a microtask after it. What it throws is an uncaught error.
   */
  readonly onChange?: ((level: FlowLevel, previous: FlowLevel) => void) | undefined;
  /** What `submit` does with an item that it would refuse; if this fails, so does `submit`. */
  readonly fallback?: ((item: T, error: OverloadError) => unknown) | undefined;
  /** Named in errors. */
  readonly name?: string | undefined;
  /** Its end disposes the marks. */
  readonly parent?: Cancel | undefined;
}

/** Throws TypeError or RangeError if the options are none. */
export function checkMarks<T>(options: WaterMarkOptions<T>, capacity: number): void {
  const { low, middle, high, onChange, fallback, name } = options;
  checkOptionalFunction("onChange", onChange);
  checkOptionalFunction("fallback", fallback);
  checkOptionalString("name", name);
  for (const [mark, at] of [["low", low], ["middle", middle], ["high", high]] as const) {
    if (at === undefined) {
      if (capacity === Infinity) {
        throw new RangeError(`${mark} must be given where there is no capacity to take a share of`);
      }
      continue;
    }
    checkNumber(mark, at);
    if (!(at >= 0 && at < Infinity)) {
      throw new RangeError(`${mark} must be a finite number of at least 0: ${at}`);
    }
  }
  if (middle === 0 || high === 0) {
    throw new RangeError(`${middle === 0 ? "middle" : "high"} must be more than 0`);
  }
  checkBelow("low", low, "middle", middle, low! < middle!);
  checkBelow("low", low, "high", high, low! < high!);
  checkBelow("middle", middle, "high", high, middle! <= high!);
  checkReached("high", high, capacity);
  checkReached("middle", middle, capacity);
  if (low !== undefined && low >= capacity) {
    throw new RangeError(`low must be less than the capacity, ${capacity}: ${low}`);
  }
}

function checkBelow(
  name: string,
  mark: number | undefined,
  above: string,
  limit: number | undefined,
  holds: boolean,
): void {
  if (mark === undefined || limit === undefined || holds) return;
  const less = name === "low" ? "less than" : "at most";
  throw new RangeError(`${name} must be ${less} ${above}, ${limit}: ${mark}`);
}

function checkReached(name: string, mark: number | undefined, capacity: number): void {
  if (mark === undefined || mark <= capacity) return;
  throw new RangeError(
    `${name} must be at most the capacity, ${capacity}, or it is never reached: ${mark}`,
  );
}

/** The marks of one capacity, until that changes. */
export class Marks {
  low = 0;
  middle = 0;
  high = 0;
  #capacity = NaN;
  readonly #given: Pick<WaterMarkOptions<never>, "low" | "middle" | "high">;

  /** The options have passed `checkMarks`. */
  constructor({ low, middle, high }: WaterMarkOptions<never>) {
    this.#given = { low, middle, high };
  }

  /** Moves the marks that were left out to their shares of the capacity. */
  follow(capacity: number): void {
    if (capacity === this.#capacity) return;
    this.#capacity = capacity;
    const { low, middle, high } = this.#given;
    // Those that were given stay. The others are at least 1 above what is below, where that can be reached.
    const step = low === undefined ? 1 : low + 1;
    const floor = low !== undefined && low < capacity ? Math.min(step, capacity) : step;
    const top = high ?? Math.max(Math.round(capacity * 0.9), middle ?? floor);
    const half = Math.min(Math.round(capacity * 0.5), top - 1);
    this.high = top;
    this.middle = middle ?? Math.min(Math.max(half, floor), top);
    this.low = low ?? Math.max(0, Math.min(Math.round(capacity * 0.25), this.middle - 1));
  }

  /** The level at this fill, after that level. */
  next(level: FlowLevel, fill: number): FlowLevel {
    if (fill >= this.high) return "overload";
    if (level === "overload" && fill > this.middle) return "overload";
    if (level === "normal") return fill >= this.middle ? "warning" : "normal";
    return fill > this.low ? "warning" : "normal";
  }
}
