import { show } from "./check.ts";
import type { QueueCore } from "./queue_core.ts";

/** Of either kind. */
export type AnyIterator<T> = Iterator<T> | AsyncIterator<T>;

/** The iterator of a source, asynchronous if it has one. Throws TypeError if it has none. */
export function iteratorOf<T>(source: Iterable<T> | AsyncIterable<T>): AnyIterator<T> {
  const { [Symbol.asyncIterator]: async, [Symbol.iterator]: sync } = Object(source) as
    & Partial<AsyncIterable<T>>
    & Partial<Iterable<T>>;
  const make: (() => AnyIterator<T>) | undefined = async ?? sync;
  if (typeof make !== "function") {
    throw new TypeError(`source must be an Iterable or AsyncIterable, not ${show(source)}`);
  }
  return Reflect.apply(make, source, []);
}

/**
 * Sends what an iterator gives into a core, one at a time, and closes it at the end, with the error
 * if the iterator fails. When somebody else closes the core, the iterator is told at once.
 */
export async function pump<T>(iterator: AnyIterator<T>, core: QueueCore): Promise<void> {
  let reading = true;
  core.onClose = () => {
    if (reading) void stop(iterator);
  };
  let failure: unknown;
  try {
    while (!core.closed) {
      const result = await iterator.next();
      if (result.done) break;
      if (core.closed) return;
      await core.put(result.value);
    }
  } catch (error) {
    // The source has failed; or the core was closed while the value waited, which is no failure.
    failure = error;
  }
  reading = false;
  if (!core.closed) core.close(failure);
}

/** Tells an iterator that it is not needed any more. What `return` throws is uncaught. */
export async function stop<T>(iterator: AnyIterator<T>): Promise<void> {
  try {
    await iterator.return?.();
  } catch (error) {
    reportError(error);
  }
}
