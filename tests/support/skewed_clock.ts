/**
 * Sets the clocks on, or the wall clock back, without any timer having its turn. Works over a fake
 * clock too. Disposing it puts them right.
 */
export function skewedClock({ wall = 0, monotonic = 0 }: {
  /** What is added to `Date.now()`. */
  readonly wall?: number;
  /** What is added to both, as time that passes is. */
  readonly monotonic?: number;
}): Disposable {
  const { now } = Date;
  const { now: since } = performance;
  Date.now = () => now() + wall + monotonic;
  performance.now = () => since.call(performance) + monotonic;
  return {
    [Symbol.dispose]() {
      Date.now = now;
      performance.now = since;
    },
  };
}
