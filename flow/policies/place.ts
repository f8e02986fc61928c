/**
 * What a call has in a bulkhead until all that runs for it has ended.
 *
 * A caller who leaves is told at once, and so is a bulkhead when the time limit inside of it, say, does
 * not wait for a job any more. The job may run on all the same, and then its place is not free. So
 * whoever leaves a job running says so to the place that it finds in the job's context.
 *
 * - It is freed once: when nothing runs in it any more.
 * - What is left running in a place is left running in those around it, too.
 *
 * @module
 */
import { ContextKey } from "../../core/context_key.ts";
import { ScopedContext } from "../../core/scoped_context.ts";
import { scopeKey } from "../../core/wait.ts";

const placeKey = new ContextKey<Place>("place in a bulkhead");

export class Place {
  /** How many things run in it: first the call itself. */
  #running = 1;
  readonly #outer: Place | undefined;
  readonly #free: () => void;
  /** What its job is given. */
  readonly ctx: ScopedContext;

  /** In a call that has `ctx`. `free` is called when it is over. */
  constructor(ctx: ScopedContext, free: () => void) {
    this.#outer = ctx.value(placeKey);
    this.#free = free;
    const { values } = ctx;
    const own = { value: this };
    this.ctx = new ScopedContext(ctx[scopeKey], (key) => key === placeKey ? own : values(key));
  }

  /** Something in it has ended. */
  readonly leave = (): void => {
    if (--this.#running === 0) this.#free();
  };

  /** Nobody waits for this any more, but it runs on. */
  keep(running: Promise<unknown>): void {
    this.#outer?.keep(running);
    // What a job has started and not waited for may come too late.
    if (this.#running === 0) return;
    this.#running++;
    running.then(this.leave, this.leave);
  }
}

/** Tells the place that is found in a context, if there is one, of what runs on there. */
export function keepPlace(ctx: ScopedContext, running: Promise<unknown>): void {
  ctx.value(placeKey)?.keep(running);
}
