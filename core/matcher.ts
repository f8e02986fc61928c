/**
 * Matching in general: whatever the usual ways of the queue core leave aside. A batch that fills
 * holds up those behind it, a foreign waiter has to be woken and may decline, a select in the
 * middle of an attempt declines, a heavy item waits for room.
 *
 * One pass lets putters in while they fit, oldest first, then serves takers, oldest first, until
 * nothing can move. Those who decline are passed over, and do not hold up those behind them.
 *
 * @module
 */
import { Batch } from "./batch.ts";
import type { CoreDecider, CoreList, CoreNode } from "./decider.ts";
import { ForeignWaiter } from "./ports.ts";
import { NOTHING } from "./nothing.ts";
import type { QueueCore } from "./queue_core.ts";
import { WaitNode } from "./wait_list.ts";

/** What became of a node: it left its list, it was passed over, or nobody can be served now. */
type Step = "served" | "declined" | "stop";

/** A node that stands in line for the moment, for a call that does not wait. */
class Stash implements CoreDecider {
  busy = false;
  value: unknown = NOTHING;
  error: unknown = NOTHING;

  claim(node: CoreNode): boolean {
    node.leave();
    return true;
  }

  received(_node: CoreNode, value: unknown): void {
    this.value = value;
  }

  failed(_node: CoreNode, error: unknown): void {
    this.error = error;
  }

  lookAgain(): void {}
  left(): void {}
  sent(): void {}
  finish(): void {}
  refuse(): void {}
}

export class Matcher {
  /** How many foreign waiters are being woken; their attempts go past those who stand in line. */
  waking = 0;
  /** How many walks through a list are on their way. */
  walks = 0;
  readonly #core: QueueCore;
  #settling = false;
  #again = false;
  /** While a foreign putter is woken for a taker at hand: its item comes here. */
  #asked: { item: unknown } | null = null;
  /** The select for which an item is looked for. */
  #taker: CoreDecider | null = null;

  constructor(core: QueueCore) {
    this.#core = core;
  }

  /** Moves whatever can be moved. */
  settle(): void {
    if (this.#settling) {
      this.#again = true;
      return;
    }
    if (this.#core.storage.comparing) {
      // From within a comparator, by way of a cancellation: it has to wait until that is back.
      queueMicrotask(() => this.settle());
      return;
    }
    this.#settling = true;
    do {
      this.#again = false;
      this.admit();
      this.walk(this.#core.takers, this.serve);
    } while (this.#again);
    this.#settling = false;
    // It was closed meanwhile, or the last item went past those who declined it.
    if (this.#core.drained && this.#core.takers.head !== null) this.finishTakers();
  }

  /** Lets putters in while they fit. */
  admit(): void {
    const { capacity, closed, putters } = this.#core;
    if (capacity > 0 && !closed) this.walk(putters, this.admitOne);
  }

  /** Offers an item from within a foreign waiter's attempt. */
  offer(item: unknown): boolean {
    const core = this.#core;
    if (this.#asked !== null && this.#asked.item === NOTHING) {
      this.#asked.item = item;
    } else {
      if (!core.fits(item)) return false;
      core.store(item);
      this.#again = true;
    }
    core.ledger?.accept();
    return true;
  }

  /** Puts without waiting where others are in the way. */
  tryPut(item: unknown): boolean {
    const stash = new Stash();
    return this.try(this.#core.putters, new WaitNode(item, stash), stash);
  }

  /** Takes without waiting where others are in the way. */
  tryTake(): unknown {
    const stash = new Stash();
    this.try(this.#core.takers, new WaitNode(undefined, stash), stash);
    return stash.value;
  }

  private try(list: CoreList, node: CoreNode, stash: Stash): boolean {
    list.push(node);
    this.settle();
    if (stash.error !== NOTHING) throw stash.error;
    if (node.list === null) return true;
    node.leave();
    this.#core.left(list);
    return false;
  }

  /** The core is closed: nobody who waits to put is let in. */
  refusePutters(): void {
    const core = this.#core;
    this.visit(core.putters, (node) => {
      if (node.decider !== null) {
        node.decider.refuse(node, core);
      } else {
        node.leave();
        node.fail(core.refusal(core.value(node.item)));
      }
      return false;
    });
  }

  /** The core is drained: nobody who waits to take will get anything. */
  finishTakers(): void {
    const core = this.#core;
    this.visit(core.takers, (node) => {
      if (node.decider !== null) {
        node.decider.finish(node, core);
      } else {
        node.leave();
        core.finish(node);
      }
      return false;
    });
  }

  /** The next item, from the storage or, unbuffered, from a putter. */
  takeNext(): unknown {
    const core = this.#core;
    if (core.storage.length > 0) return core.unstore();
    if (core.capacity > 0 || core.closed) return NOTHING;
    const { head } = core.putters;
    if (head === null) return NOTHING;
    if (head.decider === null && head.claim()) return core.accept(head);
    let item: unknown = NOTHING;
    this.visit(core.putters, (node) => {
      item = this.takeFrom(node);
      return item !== NOTHING;
    });
    return item;
  }

  private takeFrom(putter: CoreNode): unknown {
    if (putter.decider !== null && putter.decider === this.#taker) return NOTHING;
    if (putter.decider instanceof ForeignWaiter) {
      const outer = this.#asked;
      const asked = this.#asked = { item: NOTHING as unknown };
      this.wake(putter.decider);
      this.#asked = outer;
      return asked.item;
    }
    return putter.claim() ? this.#core.accept(putter) : NOTHING;
  }

  /** Oldest first, until `step` says stop. The list may change meanwhile. */
  private walk(list: CoreList, step: (this: this, node: CoreNode) => Step): void {
    let declined: CoreNode | null = null;
    for (let node = list.head; node !== null && declined === null; node = list.head) {
      const result = step.call(this, node);
      if (result === "stop") return;
      // A waiter that says it has committed, and has not left, has not.
      if (result === "declined" || node.list === list) declined = node;
    }
    if (declined === null) return;
    this.visit(list, (node) => node !== declined && step.call(this, node) === "stop");
  }

  /** Those who wait now, as far as they still do when it is their turn, until `visit` is true. */
  private visit(list: CoreList, visit: (node: CoreNode) => boolean): void {
    this.walks++;
    try {
      for (const node of list.snapshot()) {
        if (node.list === list && visit(node)) return;
      }
    } finally {
      this.walks--;
    }
  }

  private admitOne(node: CoreNode): Step {
    const core = this.#core;
    const { decider } = node;
    if (decider instanceof ForeignWaiter) {
      if (core.full) return "stop";
      return this.wake(decider) ? "served" : "declined";
    }
    if (!core.fits(node.item)) return "stop";
    if (!node.claim()) return "declined";
    try {
      core.store(node.item);
    } catch (error) {
      this.fail(node, error);
      return "served";
    }
    core.accept(node);
    return "served";
  }

  private serve(node: CoreNode): Step {
    const core = this.#core;
    const { decider } = node;
    if (decider instanceof Batch) return decider.serve(node) ? "served" : "stop";
    if (!this.available) return "stop";
    if (decider instanceof ForeignWaiter) return this.wake(decider) ? "served" : "declined";
    if (decider?.busy) {
      // Refused, but the claim lets it know that it has missed something.
      node.claim();
      return "declined";
    }
    let item: unknown;
    try {
      item = decider === null ? this.takeNext() : this.takeFor(decider);
    } catch (error) {
      // A comparator of the user's threw. The item is where it was.
      if (node.claim()) this.fail(node, error);
      return "served";
    }
    if (item === NOTHING) {
      decider?.lookAgain();
      return "declined";
    }
    if (node.claim()) {
      core.give(node, item);
      return "served";
    }
    // Only a foreign waiter that breaks its contract gets here; the item must not be lost.
    core.store(item);
    return "declined";
  }

  /** A select whose two ends wait here never meets itself. */
  private takeFor(decider: CoreDecider): unknown {
    const outer = this.#taker;
    this.#taker = decider;
    decider.busy = true;
    try {
      return this.takeNext();
    } finally {
      decider.busy = false;
      this.#taker = outer;
    }
  }

  private get available(): boolean {
    const core = this.#core;
    return core.storage.length > 0 || (core.capacity === 0 && core.putters.head !== null);
  }

  private wake(foreign: ForeignWaiter): boolean {
    this.waking++;
    try {
      return foreign.wake();
    } finally {
      this.waking--;
    }
  }

  private fail(node: CoreNode, error: unknown): void {
    if (node.decider === null) node.fail(error);
    else node.decider.failed(node, error);
  }
}
