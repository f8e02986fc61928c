/**
 * The two ports of a queue core. `select` recognises them and works on the core itself, with nodes
 * of its own; their methods serve a select of another copy of the module, or whoever else speaks the
 * protocol.
 *
 * @module
 */
import type { CoreDecider, CoreList, CoreNode } from "./decider.ts";
import type { Received, SinkPort, SourcePort, Waiter } from "./protocol.ts";
import { NOTHING } from "./nothing.ts";
import type { QueueCore } from "./queue_core.ts";
import { WaitNode } from "./wait_list.ts";

/** A waiter that only wakes: the case of a select that does not know our nodes. */
export class ForeignWaiter implements CoreDecider {
  busy = false;
  readonly #waiter: Waiter;

  constructor(waiter: Waiter) {
    this.#waiter = waiter;
  }

  /** Whether it committed. */
  wake(): boolean {
    try {
      return this.#waiter.wake();
    } catch (error) {
      // It is not for whoever puts or takes to handle what somebody else's waiter throws.
      reportError(error);
      return false;
    }
  }

  /** It decides for itself, when it is woken. */
  claim(): boolean {
    return false;
  }

  finish(): void {
    this.wake();
  }

  refuse(): void {
    this.wake();
  }

  lookAgain(): void {}
  left(): void {}
  received(): void {}
  sent(): void {}
  failed(): void {}
}

/** Keeps the waiters of one side of a core. */
class ParkingPort {
  readonly core: QueueCore;
  readonly #list: CoreList;
  /** Made when it is needed: our own selects park nodes. */
  #nodes: Map<Waiter, CoreNode> | undefined;

  constructor(core: QueueCore, list: CoreList) {
    this.core = core;
    this.#list = list;
  }

  park(waiter: Waiter): boolean {
    const nodes = this.#nodes ??= new Map();
    if (!nodes.has(waiter)) {
      const node = new WaitNode(undefined, new ForeignWaiter(waiter));
      nodes.set(waiter, node);
      this.#list.push(node);
      this.core.parked(this.#list);
    }
    return false;
  }

  unpark(waiter: Waiter): void {
    this.#nodes?.get(waiter)?.leave();
    this.#nodes?.delete(waiter);
  }
}

export class CoreSource extends ParkingPort implements SourcePort<never> {
  constructor(core: QueueCore) {
    super(core, core.takers);
  }

  tryTake(): Received<never> | undefined {
    return received(this.core);
  }
}

export class CoreSink extends ParkingPort implements SinkPort<unknown> {
  constructor(core: QueueCore) {
    super(core, core.putters);
  }

  tryOffer(value: unknown): boolean {
    return this.core.offer(value);
  }
}

/** What a core has for a receiver that does not wait; undefined: nothing now. */
export function received<T>(core: QueueCore): Received<T> | undefined {
  const value = core.poll();
  if (value !== NOTHING) return { ok: true, value: value as T };
  return core.drained ? ended(core.error) : undefined;
}

/** What a receiver sees of a closed channel. */
export function ended(error: unknown): Received<never> {
  return error === undefined
    ? { ok: false, value: undefined }
    : { ok: false, value: undefined, error };
}
