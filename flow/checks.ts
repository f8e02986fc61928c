/**
 * Checks of the numbers that flow control is told. Each throws a TypeError or RangeError that names the
 * option, shows the value, and says what is allowed.
 *
 * @module
 */
import { checkCount, checkNumber } from "../core/check.ts";

/** Milliseconds: at least 0, or more than that; Infinity unless they have to be finite. */
export function checkDuration(
  name: string,
  value: unknown,
  { positive = false, finite = false } = {},
): asserts value is number {
  checkNumber(name, value);
  if (value < 0 || (positive && value === 0) || (finite && value === Infinity)) {
    const least = positive ? "more than 0" : "at least 0";
    throw new RangeError(`${name} must be ${least}${finite ? ", and finite" : ""}: ${value}`);
  }
}

/** A share: above 0, and at most 1. */
export function checkShare(name: string, value: unknown): asserts value is number {
  checkNumber(name, value);
  if (value <= 0 || value > 1) {
    throw new RangeError(`${name} must be above 0 and at most 1: ${value}`);
  }
}

/** A whole number of at least 1, which is finite. */
export function checkSize(name: string, value: unknown): asserts value is number {
  checkCount(name, value, 1);
  if (value === Infinity) throw new RangeError(`${name} must be finite: Infinity`);
}
