/**
 * A core without a store of its own: what is taken out of it is read from something that others read, too.
 * So each reader of a topic or a watch has all calls of a channel, while a value is kept once.
 *
 * Invariant: it stands in its audience's line whenever one of its callers waits.
 *
 * @module
 */
import { QueueCore } from "../../core/queue_core.ts";
import type { Storage } from "../../core/storage.ts";
import { WaitNode } from "../../core/wait_list.ts";
import type { Audience } from "./audience.ts";

/** What an outlet reads from. */
export interface Readable {
  /** How many values there are to read. */
  readonly length: number;
  /** The next of them; called only when there is one. */
  read(): unknown;
}

export class Outlet implements Storage<unknown> {
  readonly core: QueueCore;
  /** How many values have left by this way. */
  received = 0;
  readonly #of: Readable;
  readonly #seat: WaitNode;
  /** It was left: whatever there is to read is not for its callers. */
  #left = false;

  /** `label` is what errors call it. */
  constructor(
    of: Readable,
    audience: Audience,
    capacity: number,
    label: string,
    name: string | undefined,
  ) {
    this.#of = of;
    this.core = new QueueCore({ kind: "channel", label, name }, capacity, this);
    this.#seat = new WaitNode(this.core);
    this.core.onPark = () => audience.stand(this.#seat, this.core);
  }

  get length(): number {
    return this.#left ? 0 : this.#of.length;
  }

  /** Values come in where they are published. */
  push(): void {
    throw new TypeError("nothing can be put into what is only read from");
  }

  shift(): unknown {
    this.received++;
    return this.#of.read();
  }

  clear(): void {
    this.#left = true;
  }

  /** How many of its callers wait. */
  get waiting(): number {
    return this.core.takers.length;
  }

  /**
   * Nothing more will come, but what there is can still be read; `immediate`: that cannot, either. Callers
   * who wait in vain see the end, with `error` if it is not undefined.
   */
  close(error: unknown, immediate = false): void {
    this.#seat.leave();
    this.core.close(error, immediate);
  }

  /** Nobody waits any more, so it need not be told of what is new. */
  stepDown(): void {
    this.#seat.leave();
  }
}
