import { checkFunction } from "../core/check.ts";
import type { ReceiverIterator } from "../core/contract.ts";
import { type AnyIterator, stop } from "../core/pump.ts";
import type { Producer } from "../tasks/tap.ts";

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
export function pipe<A, R>(source: Producer<A>, last: (source: Producer<A>) => R): R;
/** Two operators. */
export function pipe<A, B, R>(
  source: Producer<A>,
  a: (source: Producer<A>) => Producer<B>,
  last: (source: Producer<B>) => R,
): R;
/** Three operators. */
export function pipe<A, B, C, R>(
  source: Producer<A>,
  a: (source: Producer<A>) => Producer<B>,
  b: (source: Producer<B>) => Producer<C>,
  last: (source: Producer<C>) => R,
): R;
/** Four operators. */
export function pipe<A, B, C, D, R>(
  source: Producer<A>,
  a: (source: Producer<A>) => Producer<B>,
  b: (source: Producer<B>) => Producer<C>,
  c: (source: Producer<C>) => Producer<D>,
  last: (source: Producer<D>) => R,
): R;
/** Five operators. */
export function pipe<A, B, C, D, E, R>(
  source: Producer<A>,
  a: (source: Producer<A>) => Producer<B>,
  b: (source: Producer<B>) => Producer<C>,
  c: (source: Producer<C>) => Producer<D>,
  d: (source: Producer<D>) => Producer<E>,
  last: (source: Producer<E>) => R,
): R;
/** Six operators. For more, pipe what a pipe gives. */
export function pipe<A, B, C, D, E, F, R>(
  source: Producer<A>,
  a: (source: Producer<A>) => Producer<B>,
  b: (source: Producer<B>) => Producer<C>,
  c: (source: Producer<C>) => Producer<D>,
  d: (source: Producer<D>) => Producer<E>,
  e: (source: Producer<E>) => Producer<F>,
  last: (source: Producer<F>) => R,
): R;
/** Operators that keep the type, as many as there are. */
export function pipe<T>(
  source: Producer<T>,
  ...operators: readonly Operator<T, T>[]
): Producer<T>;
export function pipe(
  source: Producer<unknown>,
  ...operators: readonly ((source: Producer<unknown>) => unknown)[]
): unknown {
  for (const operator of operators) checkFunction("an operator", operator);
  let made: unknown = source;
  try {
    // Each is given what the one before it has made.
    for (const operator of operators) made = operator(made as Producer<unknown>);
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
