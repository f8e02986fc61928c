/**
 * The values of a topic, each kept once for all who read them: a ring, and beside each value how many
 * readers are to read it next.
 *
 * Invariants:
 * - Positions number the values ever published. Those from `tail` to before `head` are retained, at most
 *   `capacity` of them.
 * - A reader is counted at the position that it reads next; at `tail`, if that has passed it by. A reader
 *   that loses nothing is never passed by.
 * - What all have read is let go, but for the last `replay` values.
 * - When a call from outside is over, nobody waits beside a value, and no publisher beside room.
 *
 * All costs are constant, since `tail` only moves on: once for each value.
 *
 * @module
 */
import type { QueueCore } from "../../core/queue_core.ts";
import type { Storage } from "../../core/storage.ts";
import { WaitList, type WaitNode } from "../../core/wait_list.ts";
import type { TopicReader } from "./topic_reader.ts";

/** A power of two. */
const FIRST_SIZE = 16;

/** A ring larger than this gives slots back when three quarters of them are empty. */
const KEPT_SIZE = 4_096;

/** It is the storage of the core that publishers put into; readers go past that core. */
export class TopicLog implements Storage<unknown> {
  readonly capacity: number;
  /** How many of the last values are kept for readers to come. */
  readonly replay: number;
  /** Where the next value goes: how many were published. */
  head = 0;
  /** Of the oldest value that is retained. */
  tail = 0;
  #values: unknown[] = blank(FIRST_SIZE, undefined);
  /** How many readers read each value next: those that may miss some, and those that may not. */
  #lossy: number[] = blank(FIRST_SIZE, 0);
  #lossless: number[] = blank(FIRST_SIZE, 0);
  /** The readers whose callers wait. */
  readonly #line = new WaitList();
  #publishers: QueueCore | undefined;
  #stirring = false;
  #again = false;

  constructor(capacity: number, replay: number) {
    this.capacity = capacity;
    this.replay = replay;
  }

  /** The core that publishers wait in. */
  set publishers(core: QueueCore) {
    this.#publishers = core;
  }

  /** What holds publishers up: nothing, unless the oldest value is needed by who must not miss it. */
  get length(): number {
    return this.#lossless[this.#slot(this.tail)]! > 0 ? this.head - this.tail : 0;
  }

  /** Publishes a value. If there is no room for it, those that may miss the oldest one do. */
  push(value: unknown): void {
    if (this.head - this.tail === this.capacity) this.shift();
    // One position more than there are values has readers.
    if (this.head - this.tail + 2 > this.#values.length) this.#resize(this.#values.length * 2);
    this.#values[this.#slot(this.head)] = value;
    this.head++;
    this.#trim();
    if (this.#line.head !== null) this.stir();
  }

  /** Lets go of the oldest value; whoever was to read it is passed by. */
  shift(): unknown {
    const slot = this.#slot(this.tail);
    const next = this.#slot(++this.tail);
    const value = this.#values[slot];
    this.#values[slot] = undefined;
    this.#lossy[next]! += this.#lossy[slot]!;
    this.#lossless[next]! += this.#lossless[slot]!;
    this.#lossy[slot] = this.#lossless[slot] = 0;
    return value;
  }

  /** Lets go of all values. */
  clear(): void {
    while (this.tail < this.head) this.shift();
  }

  at(position: number): unknown {
    return this.#values[this.#slot(position)];
  }

  /** A reader begins at a position, which is retained or the next. */
  enter(position: number, lossless: boolean): void {
    this.#counts(lossless)[this.#slot(position)]!++;
  }

  /** A reader has read the value at a position. */
  advance(position: number, lossless: boolean): void {
    const counts = this.#counts(lossless);
    counts[this.#slot(position)]!--;
    counts[this.#slot(position + 1)]!++;
    this.#freed(lossless);
  }

  /** A reader reads no more. */
  leave(position: number, lossless: boolean): void {
    this.#counts(lossless)[this.#slot(position)]!--;
    this.#freed(lossless);
  }

  /** Somebody waits for what a reader is to read. */
  stand(seat: WaitNode): void {
    if (seat.list === null) this.#line.push(seat);
  }

  /**
   * Serves those who wait to read and lets publishers in, until nothing can move. What that does may
   * come back here: then the call that is on its way goes round once more, so that everybody is served
   * from the same place, and no chain of readers and publishers fills the stack.
   */
  stir(): void {
    if (this.#stirring) {
      this.#again = true;
      return;
    }
    this.#stirring = true;
    do {
      this.#again = false;
      this.#serve();
      if (this.#held) this.#publishers!.matcher.admit();
    } while (this.#again);
    this.#stirring = false;
  }

  /** Publishers wait. */
  get #held(): boolean {
    return this.#publishers !== undefined && this.#publishers.putters.head !== null;
  }

  #serve(): void {
    const line = this.#line;
    for (let left = line.length; left > 0; left--) {
      const seat = line.head;
      if (seat === null) return;
      seat.leave();
      const reader = seat.item as TopicReader;
      if (reader.serve() && seat.list === null) line.push(seat);
    }
  }

  /** The oldest value may be needed no more. */
  #freed(lossless: boolean): void {
    this.#trim();
    if (lossless && this.#held) this.stir();
  }

  #trim(): void {
    while (this.head - this.tail > this.replay) {
      const slot = this.#slot(this.tail);
      if (this.#lossy[slot]! > 0 || this.#lossless[slot]! > 0) break;
      this.shift();
    }
    this.#shrink();
  }

  /** Gives room back that is not needed any more: to half, so that it is not needed again at once. */
  #shrink(): void {
    const size = this.#values.length;
    if (size > KEPT_SIZE && (this.head - this.tail) * 4 < size) this.#resize(size / 2);
  }

  #counts(lossless: boolean): number[] {
    return lossless ? this.#lossless : this.#lossy;
  }

  #slot(position: number): number {
    return position & (this.#values.length - 1);
  }

  #resize(size: number): void {
    const values = blank<unknown>(size, undefined);
    const lossy = blank(size, 0);
    const lossless = blank(size, 0);
    for (let position = this.tail; position <= this.head; position++) {
      const from = this.#slot(position);
      const to = position & (size - 1);
      values[to] = this.#values[from];
      lossy[to] = this.#lossy[from]!;
      lossless[to] = this.#lossless[from]!;
    }
    this.#values = values;
    this.#lossy = lossy;
    this.#lossless = lossless;
  }
}

function blank<E>(size: number, of: E): E[] {
  return new Array<E>(size).fill(of);
}
