import { checkFunction } from "../../core/check.ts";
import type { ReceiverIterator } from "../../core/contract.ts";
import { type AnyIterator, stop } from "../../core/pump.ts";
import type { Producer } from "../../tasks/tap.ts";

/**
 * What makes a stream of another one; see {@linkcode pipe}.
 *
 * @typeParam T What its source gives.
 * @typeParam R What a reader gets.
 *
 * @example
 * ```ts
 * import { filter, type Operator, pipe } from "@sluice/sluice/flow";
 * import { assertEquals } from "@std/assert";
 *
 * const even: Operator<number, number> = (source) => filter(source, (n) => n % 2 === 0);
 * assertEquals(await pipe([1, 2], even).next(), { done: false, value: 2 });
 * ```
 */
export type Operator<in T, out R> = (source: Producer<T>) => ReceiverIterator<R>;

/**
 * Operators one after the other: `pipe(source, f, g)` is `g(f(source))`, in the order in which values go
 * through. The last one may make anything of its source: a stream, the branches of a {@linkcode tee}, a
 * promise.
 *
 * @example
 * ```ts
 * import { filter, map, pipe, take } from "@sluice/sluice/flow";
 * import { ticker } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * using ticks = ticker(1);
 * const seen: number[] = [];
 * const numbers = pipe(
 *   ticks,
 *   (source) => map(source, (_tick, _ctx, index) => index),
 *   (source) => filter(source, (n) => n % 2 === 0),
 *   (source) => take(source, 3),
 * );
 * for await (const n of numbers) seen.push(n);
 * assertEquals(seen, [0, 2, 4]);
 * ```
 *
 * @throws TypeError if an operator is no function, and what an operator throws; then the streams that
 * were made already are stopped.
 */
export function pipe<S, R>(
  source: S,
  last: (source: S) => R,
): R;
/** Two operators. */
export function pipe<S, A, R>(
  source: S,
  a: (source: S) => A,
  last: (source: A) => R,
): R;
/** Three operators. */
export function pipe<S, A, B, R>(
  source: S,
  a: (source: S) => A,
  b: (source: A) => B,
  last: (source: B) => R,
): R;
/** Four operators. */
export function pipe<S, A, B, C, R>(
  source: S,
  a: (source: S) => A,
  b: (source: A) => B,
  c: (source: B) => C,
  last: (source: C) => R,
): R;
/** Five operators. */
export function pipe<S, A, B, C, D, R>(
  source: S,
  a: (source: S) => A,
  b: (source: A) => B,
  c: (source: B) => C,
  d: (source: C) => D,
  last: (source: D) => R,
): R;
/** Six operators. For more, pipe what a pipe gives. */
export function pipe<S, A, B, C, D, E, R>(
  source: S,
  a: (source: S) => A,
  b: (source: A) => B,
  c: (source: B) => C,
  d: (source: C) => D,
  e: (source: D) => E,
  last: (source: E) => R,
): R;
/** Operators that keep the type, as many as there are. */
export function pipe<T>(
  source: Producer<T>,
  ...operators: readonly Operator<T, T>[]
): Producer<T>;
export function pipe(
  source: unknown,
  ...operators: readonly ((source: never) => unknown)[]
): unknown {
  for (const operator of operators) checkFunction("an operator", operator);
  let made = source;
  try {
    for (const operator of operators) made = operator(made as never);
  } catch (error) {
    if (made !== source) abandon(made);
    throw error;
  }
  return made;
}

/** Stops a stream that nobody will read. */
function abandon(made: unknown): void {
  const { next, return: leave } = Object(made) as Partial<AnyIterator<unknown>>;
  if (typeof next !== "function" || typeof leave !== "function") return;
  void stop(made as AnyIterator<unknown>);
}
