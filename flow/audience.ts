/**
 * The cores that read something in common and whose callers wait for more of it, in the order in which
 * they began to.
 *
 * A core that is served and still waits stands at the end of the line. Those whose callers have all given
 * up stay until there is something new, which costs each of them one look; one that is closed leaves at
 * once.
 *
 * @module
 */
import type { QueueCore } from "../core/queue_core.ts";
import { WaitList, type WaitNode } from "../core/wait_list.ts";

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

  /** A core takes its place, unless it has one, or nobody waits there. */
  stand(seat: WaitNode, core: QueueCore): void {
    if (core.closed || core.takers.head === null) return;
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
