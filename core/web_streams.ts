/**
 * Web streams over channels, both ways, without a value that nobody asked for in between.
 *
 * @module
 */
import type { CoreNode } from "./decider.ts";
import type { QueueCore } from "./queue_core.ts";
import type { Taking } from "./taking.ts";
import { countCall } from "./turn.ts";
import { WaitNode } from "./wait_list.ts";

/**
 * A stream of what a core gives. It takes a value only when a reader waits for one: a stream's own
 * default would take the first ahead of any reader.
 *
 * A value goes to the reader in the step in which it leaves the core, so that a cancellation in the
 * next step finds none on its way.
 */
export function readable<T>(core: QueueCore, onCancel: () => void): ReadableStream<T> {
  let parked: CoreNode | undefined;
  return new ReadableStream<T>({
    pull(controller) {
      countCall();
      const taking: Taking<void> = {
        wrap: (core, item) => controller.enqueue(core.value(item) as T),
        finish(core) {
          if (core.error !== undefined) throw core.error;
          controller.close();
        },
      };
      const taken = core.takeReady(taking);
      if (taken !== undefined) return taken;
      parked = new WaitNode(taking);
      return core.parkTaker<void>(parked, undefined);
    },
    cancel() {
      const list = parked?.list ?? null;
      if (list !== null) {
        parked!.leave();
        parked!.settle(undefined);
        core.left(list);
      }
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
