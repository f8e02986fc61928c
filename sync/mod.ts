/**
 * What tasks need to agree on something: locks, conditions, events, barriers, and functions that run
 * once. After asyncio's synchronization primitives and Go's `sync` and `x/sync`, with a context, a
 * signal or a timeout for every wait.
 *
 * All of them serve first come, first served, by handing over in the step that releases, and a
 * cancelled wait leaves no trace. JavaScript has one thread, so these guard what is between two
 * `await`s of one task from the others; they do not work across workers.
 *
 * @example
 * ```ts
 * import { Mutex } from "@sluice/sluice/sync";
 * import { background, withTimeout } from "@sluice/sluice";
 *
 * const mutex = new Mutex();
 * using ctx = withTimeout(background(), 1_000);
 * {
 *   using _ = await mutex.lock(ctx);
 *   // nobody else is in here
 * }
 * ```
 *
 * @module
 */
export { Barrier, BrokenBarrierError } from "./barrier.ts";
export { Condition } from "./condition.ts";
export { Event } from "./event.ts";
export type { Guard } from "./guard.ts";
export { Mutex } from "./mutex.ts";
export { once, onceOk } from "./once.ts";
export { RwLock, type WriteGuard } from "./rw_lock.ts";
export { type Permit, Semaphore } from "./semaphore.ts";
export { SingleFlight } from "./single_flight.ts";
export { WaitGroup } from "./wait_group.ts";
export { CanceledError, DeadlineExceededError } from "../core/errors.ts";
export { ContextKey } from "../core/context_key.ts";
export type {
  Cancel,
  Context,
  Receiver,
  ReceiverIterator,
  Wait,
  WaitOptions,
} from "../core/contract.ts";
