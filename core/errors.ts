/**
 * The errors of Sluice: small classes with a `name`, a stable `code`, and a message that says what
 * to do.
 *
 * Two copies of the module may meet in one program, so `instanceof` asks for a brand that all copies
 * share, not for the prototype of one of them.
 *
 * @module
 */

import { brand } from "./brand.ts";

/**
 * A context was cancelled. It is named `AbortError`, as the errors of `fetch` and other web APIs
 * are, so that code which knows those knows this.
 *
 * @example
 * ```ts
 * import { CanceledError, Channel, withCancel, background } from "@sluice/sluice";
 * import { assertRejects } from "@std/assert";
 *
 * using ctx = withCancel(background());
 * const waiting = new Channel<number>().take(ctx);
 * ctx.cancel();
 * await assertRejects(() => waiting, CanceledError);
 * ```
 */
export class CanceledError extends Error {
  /** What web APIs call it. */
  declare readonly name: "AbortError";
  /** Stays the same over all versions. */
  readonly code = "SLUICE_CANCELED" as const;
  static {
    brand(this, "AbortError", "CanceledError");
  }
}

/**
 * A deadline or a timeout has passed. It is named `TimeoutError`, as that of `AbortSignal.timeout`.
 *
 * @example
 * ```ts
 * import { Channel, DeadlineExceededError } from "@sluice/sluice";
 * import { assertRejects } from "@std/assert";
 *
 * await assertRejects(() => new Channel<number>().take({ timeout: 1 }), DeadlineExceededError);
 * ```
 */
export class DeadlineExceededError extends Error {
  /** What web APIs call it. */
  declare readonly name: "TimeoutError";
  /** Stays the same over all versions. */
  readonly code = "SLUICE_DEADLINE_EXCEEDED" as const;
  static {
    brand(this, "TimeoutError", "DeadlineExceededError");
  }
}

/**
 * What a {@linkcode ClosedError} may carry.
 *
 * @example
 * ```ts
 * import { ClosedError } from "@sluice/sluice";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(new ClosedError("the sink is closed", { value: 7 }).value, 7);
 * ```
 */
export interface ClosedErrorOptions extends ErrorOptions {
  /** What was not sent. Left out if there was nothing to send; undefined is a value. */
  readonly value?: unknown;
}

/**
 * A send on a closed channel, or a take from one that is closed and drained. The value that could
 * not be sent rides on it, the error that the channel was closed with is its `cause`.
 *
 * @example
 * ```ts
 * import { Channel, ClosedError } from "@sluice/sluice";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const ch = new Channel<string>();
 * ch.close();
 * const error = await assertRejects(() => ch.send("late"), ClosedError);
 * assertEquals(error.value, "late");
 * ```
 */
export class ClosedError extends Error {
  /** Stays the same over all versions. */
  readonly code: "SLUICE_CLOSED" | "SLUICE_QUEUE_SHUT_DOWN" = "SLUICE_CLOSED";
  /** What was not sent. A key of the error only if there was something to send. */
  declare readonly value?: unknown;
  static {
    brand(this, "ClosedError");
  }

  /** Made by channels and queues; public for those who write a sink of their own. */
  constructor(message?: string, options?: ClosedErrorOptions) {
    super(message, options);
    if (options !== undefined && "value" in options) {
      (this as { value?: unknown }).value = options.value;
    }
  }
}

/**
 * A put on a queue that was shut down, or a get once such a queue is drained. Whoever handles
 * {@linkcode ClosedError} handles channels and queues.
 *
 * @example
 * ```ts
 * import { ClosedError, Queue, QueueShutDown } from "@sluice/sluice";
 * import { assertInstanceOf, assertRejects } from "@std/assert";
 *
 * const queue = new Queue<string>();
 * queue.shutdown();
 * const error = await assertRejects(() => queue.put("late"), QueueShutDown);
 * assertInstanceOf(error, ClosedError);
 * ```
 */
export class QueueShutDown extends ClosedError {
  /** Stays the same over all versions. */
  override readonly code = "SLUICE_QUEUE_SHUT_DOWN" as const;
  static {
    brand(this, "QueueShutDown");
  }
}

/**
 * `putNowait` found no room.
 *
 * @example
 * ```ts
 * import { Queue, QueueFull } from "@sluice/sluice";
 * import { assertThrows } from "@std/assert";
 *
 * const queue = new Queue<number>(1);
 * queue.putNowait(1);
 * assertThrows(() => queue.putNowait(2), QueueFull);
 * ```
 */
export class QueueFull extends Error {
  /** Stays the same over all versions. */
  readonly code = "SLUICE_QUEUE_FULL" as const;
  static {
    brand(this, "QueueFull");
  }
}

/**
 * `getNowait` found nothing to get.
 *
 * @example
 * ```ts
 * import { Queue, QueueEmpty } from "@sluice/sluice";
 * import { assertThrows } from "@std/assert";
 *
 * assertThrows(() => new Queue<number>().getNowait(), QueueEmpty);
 * ```
 */
export class QueueEmpty extends Error {
  /** Stays the same over all versions. */
  readonly code = "SLUICE_QUEUE_EMPTY" as const;
  static {
    brand(this, "QueueEmpty");
  }
}
