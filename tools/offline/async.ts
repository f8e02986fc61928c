/**
 * Stands in for the part of `@std/async` that the tests and examples use, where JSR cannot be
 * reached.
 *
 * Like the originals these wait by the global `setTimeout`, so a fake clock drives them too.
 *
 * @module
 */

/** Options for {@linkcode delay}. */
export interface DelayOptions {
  /** Ends the delay early, by rejecting. */
  readonly signal?: AbortSignal;
  /** Whether the delay keeps the process alive; it does by default. */
  readonly persistent?: boolean;
}

/** Resolves after `ms` milliseconds, or rejects with the signal's reason once it aborts. */
export function delay(ms: number, options: DelayOptions = {}): Promise<void> {
  const { signal, persistent = true } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    if (!persistent) Deno.unrefTimer(Number(timer));
    signal?.addEventListener("abort", abort, { once: true });
    function abort() {
      clearTimeout(timer);
      reject(signal?.reason);
    }
  });
}

/** Settles as `promise` does, unless the signal aborts first: then rejects with its reason. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** Settles as `promise` does, unless `ms` milliseconds pass first: then rejects with a TimeoutError. */
export async function deadline<T>(
  promise: Promise<T>,
  ms: number,
  options: { readonly signal?: AbortSignal } = {},
): Promise<T> {
  const late = new AbortController();
  const timer = setTimeout(() => {
    late.abort(new DOMException("Signal timed out.", "TimeoutError"));
  }, ms);
  const signals = options.signal ? [late.signal, options.signal] : [late.signal];
  try {
    return await abortable(promise, AbortSignal.any(signals));
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Maps with at most `limit` calls under way, and yields the results in the order of the items.
 *
 * After a call fails no further one starts. Those under way finish, the results so far are
 * yielded, and then the failures are thrown together, as an AggregateError.
 */
export function pooledMap<T, R>(
  limit: number,
  items: Iterable<T> | AsyncIterable<T>,
  map: (item: T) => Promise<R>,
): AsyncIterableIterator<R> {
  const failures: unknown[] = [];
  const underWay = new Set<Promise<unknown>>();
  let abandoned = false;
  // The calls start by themselves, ahead of whoever iterates, as they do in the original.
  const calls = new ReadableStream<Promise<{ readonly value: R } | undefined>>({
    async start(output) {
      try {
        for await (const item of items) {
          if (abandoned || failures.length > 0) break;
          const call = Promise.resolve(item).then(map).then(
            (value) => ({ value }),
            (error) => void failures.push(error),
          ).finally(() => underWay.delete(call));
          underWay.add(call);
          output.enqueue(call);
          if (underWay.size >= limit) await Promise.race(underWay);
        }
      } catch (error) {
        failures.push(error);
      }
      if (!abandoned) output.close();
    },
    cancel() {
      abandoned = true;
    },
  });
  return (async function* () {
    for await (const call of calls) {
      const result = await call;
      if (result !== undefined) yield result.value;
    }
    if (failures.length > 0) throw new AggregateError(failures, "Threw while mapping.");
  })();
}
