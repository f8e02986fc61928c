/**
 * What tests of streams and tasks look at results by.
 *
 * @module
 */
import { Channel } from "../../mod.ts";

/** What a promise rejects with. */
export function failure(promise: PromiseLike<unknown>): Promise<unknown> {
  return Promise.resolve(promise).then(
    (value) => Promise.reject(new Error(`it gave ${value}`)),
    (error) => error,
  );
}

/** All values, then what was thrown, if anything was. */
export async function drained<T>(stream: Iterable<T> | AsyncIterable<T>): Promise<unknown[]> {
  const seen: unknown[] = [];
  try {
    for await (const value of stream) seen.push(value);
  } catch (error) {
    seen.push({ thrown: error });
  }
  return seen;
}

/** A channel that holds these values, and no room for more. */
export function filled<T>(values: readonly T[], close = false): Channel<T> {
  const ch = new Channel<T>(Math.max(values.length, 1));
  for (const value of values) ch.trySend(value);
  if (close) ch.close();
  return ch;
}
