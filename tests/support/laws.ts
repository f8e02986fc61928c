/**
 * Laws of types, which hold if the file that states them compiles.
 *
 * @module
 */

/** Exactly the same type, `any` being equal to nothing but itself. */
export type Same<A, B> = (<X>() => X extends A ? 1 : 2) extends (<X>() => X extends B ? 1 : 2)
  ? true
  : false;
/** Whether an `A` may stand where a `B` is asked for. */
export type Fits<A, B> = [A] extends [B] ? true : false;
/** Whether the law does not hold. */
export type Not<Law extends boolean> = Law extends true ? false : true;
/** Whether it is `any`. */
export type IsAny<T> = 0 extends 1 & T ? true : false;

/** Does not compile unless the law holds. */
export function law<_Law extends true>(): void {}

/** Compiled, never called. */
export function unused(_body: (...given: never[]) => unknown): void {}
