import type { Waiter } from "../../core/protocol.ts";
import type { CoreList, CoreNode } from "../../core/decider.ts";
import { CoreSource } from "../../core/ports.ts";
import { QueueCore } from "../../core/queue_core.ts";
import { Ring } from "../../core/ring.ts";
import { PLAIN_CHANNEL } from "../../core/traits.ts";
import type { StreamStats } from "./flow_stream.ts";

/** Whom a branch tells how things stand with it. Both run in the middle of operations. */
export interface BranchOwner {
  /** So many more branches want a value, are full, are open. */
  changed(wanting: number, full: number, open: number): void;
  /** Somebody has left without having been served, or a branch was closed: nothing may be wanted. */
  look(): void;
}

/** The core of a branch, which knows whether a value is wanted from it, and whether it has room. */
export class BranchCore extends QueueCore {
  readonly #owner: BranchOwner;
  /** How many values have come for it, and how many of them nobody will read. */
  #came = 0;
  #dropped = 0;
  #port: BranchSource | undefined;
  /** Somebody has looked for a value without waiting. */
  #asked = false;
  #wanting = false;
  #full: boolean;
  #open = true;

  constructor(capacity: number, owner: BranchOwner) {
    super(PLAIN_CHANNEL, capacity, new Ring());
    this.#owner = owner;
    this.#full = capacity === 0;
    this.observe(() => this.#update());
    owner.changed(0, Number(this.#full), 1);
  }

  /** A value for it, whether it has room or not. */
  add(value: unknown): void {
    this.#came++;
    if (this.closed) {
      this.#dropped++;
      return;
    }
    this.#asked = false;
    if (!this.offer(value)) this.restore(value);
    this.#update();
  }

  /** Somebody would take a value, and does not wait. */
  want(): void {
    this.#asked = true;
    this.#update();
  }

  /** Nobody reads it any more. */
  leave(): void {
    this.#dropped += this.storage.length;
    if (!this.closed || this.storage.length > 0) this.close(undefined, true);
    this.#owner.look();
  }

  stats(): StreamStats {
    const [read, dropped, held] = [this.#came, this.#dropped, this.storage.length];
    const given = read - held - dropped;
    return { read, given, held, dropped, waiting: this.takers.length, over: this.closed };
  }

  override get source(): CoreSource {
    return this.#port ??= new BranchSource(this);
  }

  override park(list: CoreList, node: CoreNode): void {
    super.park(list, node);
    this.#update();
  }

  override left(list: CoreList): void {
    super.left(list);
    this.moved();
  }

  /** Somebody came or left by the port. */
  moved(): void {
    this.#update();
    this.#owner.look();
  }

  #update(): void {
    const open = !this.closed;
    const waited = open && this.takers.length > 0;
    const wanting = waited || (open && this.#asked);
    // Without a buffer a value fits if somebody waits for it.
    const room = this.capacity === 0 ? Number(waited) : this.capacity;
    const full = open && this.storage.length >= room;
    if (wanting === this.#wanting && full === this.#full && open === this.#open) return;
    const more = Number(wanting) - Number(this.#wanting);
    const fuller = Number(full) - Number(this.#full);
    const opened = Number(open) - Number(this.#open);
    this.#wanting = wanting;
    this.#full = full;
    this.#open = open;
    this.#owner.changed(more, fuller, opened);
  }
}

/** Tells of those who wait by the open protocol, too: selects of another copy of the module. */
class BranchSource extends CoreSource {
  override readonly core: BranchCore;

  constructor(core: BranchCore) {
    super(core);
    this.core = core;
  }

  override park(waiter: Waiter): boolean {
    const again = super.park(waiter);
    this.core.moved();
    return again;
  }

  override unpark(waiter: Waiter): void {
    super.unpark(waiter);
    this.core.moved();
  }
}
