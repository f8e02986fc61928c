/**
 * The cores that read something in common and whose callers wait for more of it, in the order in which
 * they began to.
 *
 * A core that is served and still waits stands at the end of the line. One whose callers have all given up
 * stays until there is something new, which costs one look, but keeps no place for callers who come later;
 * one that is closed leaves at once.
 *
 * @module
 */
import type { QueueCore } from "../../core/queue_core.ts";
import { WaitList, type WaitNode } from "../../core/wait_list.ts";

export class Audience {
  /** The item of each node is its core. */
  readonly #line = new WaitList();
  readonly #onStand: ((core: QueueCore) => void) | undefined;

  /** `onStand` runs when a core begins to wait; it may close it. */
  constructor(onStand?: (core: QueueCore) => void) {
    this.#onStand = onStand;
  }

  /** Nobody waits. */
  get empty(): boolean {
    return this.#line.head === null;
  }

  /** One of a core's callers begins to wait, unless he has been served by now. */
  stand(seat: WaitNode, core: QueueCore): void {
    const { head, tail } = core.takers;
    if (head === null) return;
    // He is the only one: if the core has a place, it is that of somebody who has given up.
    if (head === tail) seat.leave();
    this.#onStand?.(core);
    if (seat.list === null && !core.closed) this.#line.push(seat);
  }

  /** Serves those who stand here now, each once, as long as there is something to read. */
  serve(of: { readonly length: number }): void {
    const line = this.#line;
    for (let left = line.length; left > 0 && of.length > 0; left--) {
      const seat = line.head;
      // What is served may take others out of the line.
      if (seat === null) return;
      seat.leave();
      const core = seat.item as QueueCore;
      core.matcher.settle();
      if (core.takers.head !== null && seat.list === null) line.push(seat);
    }
  }

  /** Closes the cores that stand here. */
  dismiss(error: unknown): void {
    const line = this.#line;
    for (let seat = line.head; seat !== null; seat = line.head) {
      seat.leave();
      (seat.item as QueueCore).close(error);
    }
  }
}
