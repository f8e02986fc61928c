/**
 * Checks of what callers hand in. Each throws a TypeError (wrong kind) or a RangeError (wrong
 * number) which names the argument, shows the value, and says what is allowed.
 *
 * @module
 */

/** A value as an error message shows it: short, and never a throw of its own. */
export function show(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value.length > 40 ? value.slice(0, 40) + "…" : value);
    case "bigint":
      return `${value}n`;
    case "function":
      return "a function";
    case "object":
      return value === null ? "null" : Object.prototype.toString.call(value);
    default:
      return String(value);
  }
}

/** A number that is no NaN. */
export function checkNumber(name: string, value: unknown): asserts value is number {
  if (typeof value !== "number") {
    throw new TypeError(`${name} must be a number, not ${show(value)}`);
  }
  if (Number.isNaN(value)) throw new RangeError(`${name} must be a number, not NaN`);
}

/** A whole number of at least `least`, or Infinity. */
export function checkCount(name: string, value: unknown, least: number): asserts value is number {
  checkNumber(name, value);
  if (value < least || (!Number.isInteger(value) && value !== Infinity)) {
    throw new RangeError(`${name} must be an integer of at least ${least}, or Infinity: ${value}`);
  }
}

/** A function, or undefined. */
export function checkOptionalFunction(name: string, value: unknown): void {
  if (value !== undefined) checkFunction(name, value);
}

/** A function. */
export function checkFunction(name: string, value: unknown): void {
  if (typeof value !== "function") {
    throw new TypeError(`${name} must be a function, not ${show(value)}`);
  }
}

/** A string, or undefined. */
export function checkOptionalString(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== "string") {
    throw new TypeError(`${name} must be a string, not ${show(value)}`);
  }
}

/** An object of options. */
export function checkOptions(name: string, value: unknown): void {
  if (typeof value !== "object" || value === null) {
    throw new TypeError(`${name} must be an object of options, not ${show(value)}`);
  }
}
