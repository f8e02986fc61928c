import { ended } from "./ports.ts";
import type { QueueCore } from "./queue_core.ts";
import type { Received } from "./protocol.ts";

/** How a kind of call sees what it takes. */
export interface Taking<R> {
  /** What the caller gets for an item that leaves the core. */
  wrap(core: QueueCore, item: unknown): R;
  /** What the caller gets when nothing is left and nothing will come; or throws. */
  finish(core: QueueCore): R;
}

/** `receive`: the end is a value. */
export const receiving: Taking<Received<never>> = {
  wrap: (core, item) => ({ ok: true, value: core.value(item) as never }),
  finish: (core) => ended(core.error),
};

/** `take` and `get`: the end is an error, the one that the channel was closed with if any. */
export const bare: Taking<never> = {
  wrap: (core, item) => core.value(item) as never,
  finish(core) {
    throw core.error === undefined ? core.exhaustion() : core.error;
  },
};

/** `receiveMany`: the end is an empty list. */
export const many: Taking<never[]> = {
  wrap: (_core, items) => items as never[],
  finish(core) {
    if (core.error !== undefined) throw core.error;
    return [];
  },
};

/** `getBatch`: the end is an error. */
export const batching: Taking<never[]> = { wrap: many.wrap, finish: bare.finish };
