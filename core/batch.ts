/**
 * A batch that fills. Its items stay where they are until it commits, so that a cancelled batch has
 * nothing to give back. While it fills it is the head of the takers, and holds up those behind it.
 *
 * It commits when there are as many as it aims at, when no more can come in (full, or the next one is
 * too heavy), when the core is closed, or when its `linger` has passed since the first item came.
 *
 * @module
 */
import { checkCount, checkNumber } from "./check.ts";
import type { BatchOptions, Cancel, Wait } from "./contract.ts";
import type { CoreDecider, CoreNode } from "./decider.ts";
import { NOTHING } from "./nothing.ts";
import type { QueueCore } from "./queue_core.ts";
import type { Taking } from "./taking.ts";
import { Timeout } from "./timeout.ts";
import { countCall, ready, refused } from "./turn.ts";
import { enter, scopeKey } from "./wait.ts";
import { WaitNode } from "./wait_list.ts";

/** How a batch fills. */
interface Plan {
  readonly max: number;
  /** It commits when so many are there. */
  readonly aim: number;
  /** Milliseconds from the first item. */
  readonly linger: number;
}

/** Takes up to `max` items: what both `getBatch` and `receiveMany` do. */
export function takeBatch<T>(
  core: QueueCore,
  taking: Taking<T[]>,
  max: number,
  wait: Cancel | BatchOptions | undefined,
): Promise<T[]> {
  countCall();
  try {
    if (wait !== undefined) enter(wait);
    const plan = planOf(core, max, wait);
    if (core.takers.head === null && isFull(core, plan)) {
      const items = collect(core, plan.max);
      if (items.length > 0) return ready(items as T[]);
    }
    if (core.drained) return ready(taking.finish(core));
    return core.parkTaker(new WaitNode(taking, new Batch(core, plan)), wait);
  } catch (error) {
    return refused(error);
  }
}

function planOf(core: QueueCore, max: number, wait: Wait | undefined): Plan {
  checkCount("max", max, 1);
  let min: number | undefined;
  let linger: number | undefined;
  if (wait !== undefined && !(wait instanceof AbortSignal) && !(scopeKey in wait)) {
    ({ min, linger } = wait as BatchOptions);
  }
  if (min !== undefined) {
    checkCount("min", min, 1);
    if (min > max) throw new RangeError(`min must not be more than max, ${max}: ${min}`);
    if (core.capacity > 0 && !core.weighed && min > core.capacity) {
      throw new RangeError(
        `min must not be more than ${core.capacity}, which is all that fits in: ${min}`,
      );
    }
  }
  if (linger !== undefined) {
    checkNumber("linger", linger);
    if (linger < 0) throw new RangeError(`linger must be 0 or more milliseconds: ${linger}`);
  }
  return {
    max,
    aim: min ?? (linger === undefined ? 1 : max),
    linger: linger ?? (min === undefined ? 0 : Infinity),
  };
}

/** How many items a batch could take now; more than `enough` need not be counted exactly. */
function present(core: QueueCore, enough: number): number {
  const stored = core.storage.length;
  if (core.capacity > 0 || stored >= enough) return stored;
  const { length } = core.putters;
  // Of a select that sends several times on one channel only one send can be taken.
  if (length < enough || length < 2) return stored + length;
  const nodes = core.putters.snapshot();
  return stored + new Set(nodes.map((node) => node.decider ?? node)).size;
}

/** Whether waiting would bring no more. */
function isFull(core: QueueCore, plan: Plan): boolean {
  const count = present(core, plan.aim);
  if (count === 0) return false;
  if (count >= plan.aim || plan.linger === 0 || core.closed) return true;
  // Without a buffer there is room whoever waits to put; but what was put back there takes it up.
  return core.storage.length > 0 && (core.full || core.putters.head !== null);
}

/** Takes up to `max` items, those who come in meanwhile among them. */
function collect(core: QueueCore, max: number): unknown[] {
  const items: unknown[] = [];
  try {
    while (items.length < max) {
      const item = core.storage.length > 0 ? core.unstore() : core.matcher.takeNext();
      if (item === NOTHING) break;
      items.push(core.value(item));
    }
  } catch (error) {
    // A comparator of the user's threw. What has left the queue must not be lost.
    if (items.length === 0) throw error;
  }
  return items;
}

export class Batch implements CoreDecider {
  /** While it commits: items move, and nobody else is to be served. */
  busy = false;
  readonly #core: QueueCore;
  readonly #plan: Plan;
  #clock: Timeout | undefined;
  #late = false;

  constructor(core: QueueCore, plan: Plan) {
    this.#core = core;
    this.#plan = plan;
  }

  /** It is first in line. True: it has committed. */
  serve(node: CoreNode): boolean {
    if (this.busy) return false;
    const core = this.#core;
    if (present(core, 1) === 0) {
      this.left();
      return false;
    }
    if (!this.#late && !isFull(core, this.#plan)) {
      this.#startClock();
      return false;
    }
    return this.#commit(node);
  }

  #commit(node: CoreNode): boolean {
    this.busy = true;
    try {
      const items = collect(this.#core, this.#plan.max);
      // Foreign putters may decline; then it fills on.
      if (items.length === 0) return false;
      this.#leave(node);
      node.settle(items);
    } catch (error) {
      this.#leave(node);
      node.fail(error);
    } finally {
      this.busy = false;
    }
    return true;
  }

  #startClock(): void {
    if (this.#clock !== undefined || this.#plan.linger === Infinity) return;
    this.#clock = new Timeout(this.#plan.linger, () => {
      this.#late = true;
      this.#core.matcher.settle();
    });
  }

  /** The clock stands until there is an item again. */
  left(): void {
    this.#clock?.stop();
    this.#clock = undefined;
    this.#late = false;
  }

  #leave(node: CoreNode): void {
    this.left();
    node.leave();
  }

  /** Nobody hands it a single item. */
  claim(): boolean {
    return false;
  }

  finish(node: CoreNode): void {
    this.#leave(node);
    this.#core.finish(node);
  }

  lookAgain(): void {}
  received(): void {}
  sent(): void {}
  failed(): void {}
  refuse(): void {}
}
