/**
 * Stands in for the part of `@std/assert` that the tests and the documentation use, where JSR
 * cannot be reached.
 *
 * Names, parameters and outcomes are those of the original; the wording of failures is not. Deep
 * equality is Node's strict one, which is stricter than the original's in that it tells `0` from
 * `-0`, an object without prototype from a plain one, and errors by their messages.
 *
 * @module
 */
import check from "node:assert/strict";
import { inspect, isDeepStrictEqual } from "node:util";

// deno-lint-ignore no-explicit-any
type AnyClass = abstract new (...args: any[]) => any;
// deno-lint-ignore no-explicit-any
type ErrorClass<E extends Error> = abstract new (...args: any[]) => E;

/** What every assertion of this module throws when it fails. */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/** Fails. */
export function fail(message?: string): never {
  throw new AssertionError(because("Failed assertion", message));
}

/** Asserts that `value` is truthy. */
export function assert(value: unknown, message?: string): asserts value {
  expect(value, () => `Expected ${inspect(value)} to be truthy`, message);
}

/** Asserts that `value` is falsy. */
export function assertFalse(value: unknown, message?: string): asserts value is false {
  expect(!value, () => `Expected ${inspect(value)} to be falsy`, message);
}

/** Asserts that `value` is neither null nor undefined. */
export function assertExists<T>(value: T, message?: string): asserts value is NonNullable<T> {
  expect(value !== null && value !== undefined, () => `Expected a value, got ${value}`, message);
}

/** Asserts that two values are deeply equal. */
export function assertEquals<T>(actual: T, expected: T, message?: string): void {
  try {
    check.deepEqual(actual, expected);
  } catch (difference) {
    // The message shows the two line by line.
    throw new AssertionError(because((difference as Error).message, message));
  }
}

/** Asserts that two values are not deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, message?: string): void {
  const equal = isDeepStrictEqual(actual, expected);
  expect(!equal, () => `Expected anything but ${inspect(actual)}`, message);
}

/** Asserts that two values are the same, as `Object.is` has it. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  message?: string,
): asserts actual is T {
  const same = Object.is(actual, expected);
  expect(same, () => `Expected ${inspect(actual)} to be the same as ${inspect(expected)}`, message);
}

/** Asserts that two values are not the same, as `Object.is` has it. */
export function assertNotStrictEquals<T>(actual: T, expected: T, message?: string): void {
  const same = Object.is(actual, expected);
  expect(!same, () => `Expected anything but this very ${inspect(actual)}`, message);
}

/** Asserts that `actual > expected`. */
export function assertGreater<T>(actual: T, expected: T, message?: string): void {
  expect(actual > expected, () => `Expected ${inspect(actual)} > ${inspect(expected)}`, message);
}

/** Asserts that `actual >= expected`. */
export function assertGreaterOrEqual<T>(actual: T, expected: T, message?: string): void {
  expect(actual >= expected, () => `Expected ${inspect(actual)} >= ${inspect(expected)}`, message);
}

/** Asserts that `actual < expected`. */
export function assertLess<T>(actual: T, expected: T, message?: string): void {
  expect(actual < expected, () => `Expected ${inspect(actual)} < ${inspect(expected)}`, message);
}

/** Asserts that `actual <= expected`. */
export function assertLessOrEqual<T>(actual: T, expected: T, message?: string): void {
  expect(actual <= expected, () => `Expected ${inspect(actual)} <= ${inspect(expected)}`, message);
}

/** Asserts that two numbers are at most `tolerance` apart, or a ten-millionth of the latter. */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance: number = Number.isFinite(expected) ? Math.abs(expected * 1e-7) : 1e-7,
  message?: string,
): void {
  const close = Object.is(actual, expected) || Math.abs(actual - expected) <= tolerance;
  expect(close, () => `Expected ${actual} to be within ${tolerance} of ${expected}`, message);
}

/** Asserts that `actual` contains `expected`. */
export function assertStringIncludes(actual: string, expected: string, message?: string): void {
  const included = actual.includes(expected);
  expect(included, () => `Expected ${inspect(actual)} to include ${inspect(expected)}`, message);
}

/** Asserts that `actual` matches `expected`. */
export function assertMatch(actual: string, expected: RegExp, message?: string): void {
  expect(expected.test(actual), () => `Expected ${inspect(actual)} to match ${expected}`, message);
}

/** Asserts that each of `expected` deeply equals some element of `actual`. */
export function assertArrayIncludes<T>(
  actual: ArrayLike<T>,
  expected: ArrayLike<T>,
  message?: string,
): void {
  const missing = Array.from(expected).filter((wanted) =>
    !Array.from(actual).some((present) => isDeepStrictEqual(present, wanted))
  );
  const text = () => `Expected ${inspect(actual)} to include ${inspect(missing)}`;
  expect(missing.length === 0, text, message);
}

/** Asserts that `value` is an instance of `type`. */
export function assertInstanceOf<C extends AnyClass>(
  value: unknown,
  type: C,
  message?: string,
): asserts value is InstanceType<C> {
  const text = () => `Expected ${inspect(value)} to be an instance of ${type.name}`;
  expect(value instanceof type, text, message);
}

/** Asserts that `error` is an error, of the class and with the text given, if any. */
export function assertIsError<E extends Error = Error>(
  error: unknown,
  type: ErrorClass<E> = Error as unknown as ErrorClass<E>,
  part: string | RegExp = "",
  message?: string,
): asserts error is E {
  assertInstanceOf(error, type, message);
  const text = (error as Error).message;
  if (typeof part === "string") assertStringIncludes(text, part, message);
  else assertMatch(text, part, message);
}

/** Asserts that `body` throws, whatever it throws, and returns that. */
export function assertThrows(body: () => unknown, message?: string): unknown;
/** Asserts that `body` throws an error of this class and with this text, and returns it. */
export function assertThrows<E extends Error = Error>(
  body: () => unknown,
  type: ErrorClass<E>,
  part?: string,
  message?: string,
): E;
export function assertThrows(body: () => unknown, ...expected: Expected): unknown {
  try {
    body();
  } catch (error) {
    return examined(error, expected);
  }
  return missed("Expected the function to throw", expected);
}

/** Asserts that the promise of `body` rejects, whatever the reason, and returns that. */
export function assertRejects(
  body: () => PromiseLike<unknown>,
  message?: string,
): Promise<unknown>;
/** Asserts that the promise of `body` rejects with such an error, and returns it. */
export function assertRejects<E extends Error = Error>(
  body: () => PromiseLike<unknown>,
  type: ErrorClass<E>,
  part?: string,
  message?: string,
): Promise<E>;
export async function assertRejects(
  body: () => PromiseLike<unknown>,
  ...expected: Expected
): Promise<unknown> {
  let promise: PromiseLike<unknown> | undefined;
  try {
    promise = body();
  } catch {
    // To throw is another mistake than to reject, and the caller asked for the latter.
  }
  if (typeof promise?.then !== "function") return missed("Expected a promise", expected);
  try {
    await promise;
  } catch (error) {
    return examined(error, expected);
  }
  return missed("Expected the promise to reject", expected);
}

/** A message alone, or a class, a part of the error's text and a message. */
type Expected = [type?: ErrorClass<Error> | string, part?: string, message?: string];

function examined(error: unknown, [type, part, message]: Expected): unknown {
  if (typeof type === "function") assertIsError(error, type, part, message);
  return error;
}

function missed(text: string, [type, , message]: Expected): never {
  throw new AssertionError(because(text, typeof type === "string" ? type : message));
}

function expect(holds: unknown, text: () => string, message: string | undefined): void {
  if (!holds) throw new AssertionError(because(text(), message));
}

function because(text: string, message: string | undefined): string {
  return message === undefined ? text : `${text}: ${message}`;
}
