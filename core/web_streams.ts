/**
 * Web streams over channels, both ways, without a value that nobody asked for in between.
 *
 * @module
 */
import type { ReceiverIterator } from "./contract.ts";

/**
 * A stream of what an iterator gives. It takes a value only when a reader waits for one: a stream's
 * own default would take the first ahead of any reader.
 */
export function readable<T>(
  iterator: ReceiverIterator<T>,
  onCancel: () => void,
): ReadableStream<T> {
  return new ReadableStream<T>({
    async pull(controller) {
      const { done, value } = await iterator.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await iterator.return();
      onCancel();
    },
  }, { highWaterMark: 0 });
}

/** What a writable stream needs of a channel. */
interface Target<T> {
  readonly closed: boolean;
  send(value: T, signal: AbortSignal): Promise<void>;
  close(error?: unknown): void;
}

/** A stream whose chunks are sent one by one; aborting it takes back the one that waits. */
export function writable<T>(target: Target<T>): WritableStream<T> {
  const close = (error?: unknown): void => {
    if (!target.closed) target.close(error);
  };
  return new WritableStream<T>({
    write: (chunk, controller) => target.send(chunk, controller.signal),
    close: () => close(),
    abort: close,
  });
}
