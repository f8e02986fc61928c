/**
 * Ways to look at promises without sleeping.
 *
 * A macrotask starts only when no microtask is left, however many of them beget each other. So
 * everything that can happen without a timer happens within a turn of the event loop, or two: the
 * turn guard may hold back what ends a long stretch of work until the first of them.
 *
 * @module
 */

// Kept from before any test installs a fake clock.
const { setImmediate } = globalThis;

/** Resolves after two turns of the event loop, in real time also under a fake clock. */
export function settled(): Promise<void> {
  return new Promise((resolve) => void setImmediate(() => setImmediate(resolve)));
}

/**
 * How things stand with a promise once nothing more happens by itself. A rejection seen by this
 * counts as handled.
 */
export async function state(
  promise: PromiseLike<unknown>,
): Promise<"pending" | "fulfilled" | "rejected"> {
  let state: "pending" | "fulfilled" | "rejected" = "pending";
  promise.then(() => state = "fulfilled", () => state = "rejected");
  await settled();
  return state;
}
