/**
 * Puts that wait for room, in the order in which they were called.
 *
 * @module
 */
import { type Owner, WaitNode } from "../../core/wait_list.ts";
import type { HeaderLines } from "./header_block.ts";
import type { Ask, Part } from "./link.ts";

/** What is to be stored. */
export interface NewMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  /** What the server knows it by. */
  readonly messageId: string;
  /** Somebody else may use the same id. */
  readonly named: boolean;
  readonly more?: HeaderLines;
  /** Asked again after it has waited: false, it is not to be stored any more. */
  readonly stillWanted?: () => Promise<boolean>;
}

/** One put. It is told by its node's promise: true, it is stored; false, it is a duplicate. */
export class Put implements Owner {
  readonly #left: (put: Put) => void;
  readonly message: NewMessage;
  readonly ticket: number;
  readonly once: boolean;
  readonly node = new WaitNode(undefined);
  /** Of this one call. */
  readonly origin: string;
  readonly part: Part;
  ask: Ask | undefined;
  /** A try may have been stored, and nobody said so. */
  unsure = false;
  lined = false;
  next: Put | undefined;
  prev: Put | undefined;

  constructor(
    { message, part, ticket, origin, once }: Pick<
      Put,
      "message" | "part" | "ticket" | "origin" | "once"
    >,
    left: (put: Put) => void,
  ) {
    this.message = message;
    this.part = part;
    this.ticket = ticket;
    this.origin = origin;
    this.once = once;
    this.#left = left;
  }

  get waiting(): boolean {
    return this.node.list !== null;
  }

  left(): void {
    this.#left(this);
  }

  settle(stored: boolean): void {
    if (!this.waiting) return;
    this.node.leave();
    this.node.settle(stored);
  }

  fail(error: unknown): void {
    if (!this.waiting) return;
    this.node.leave();
    this.node.fail(error);
  }
}

/** Those that wait, first come, first served. */
export class PutOrder {
  first: Put | undefined;
  #last: Put | undefined;

  /** By the order of the calls: one that was on its way comes before those that were called later. */
  insert(put: Put): void {
    let before = this.#last;
    while (before !== undefined && before.ticket > put.ticket) before = before.prev;
    const after = before === undefined ? this.first : before.next;
    put.prev = before;
    put.next = after;
    if (before === undefined) this.first = put;
    else before.next = put;
    if (after === undefined) this.#last = put;
    else after.prev = put;
    put.lined = true;
  }

  remove(put: Put): void {
    const { prev, next } = put;
    if (prev === undefined) this.first = next;
    else prev.next = next;
    if (next === undefined) this.#last = prev;
    else next.prev = prev;
    put.prev = put.next = undefined;
    put.lined = false;
  }
}
