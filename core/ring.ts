import type { Storage } from "./storage.ts";

const FIRST_SIZE = 16;

/** An empty ring larger than this gives its slots back. */
const KEPT_SIZE = 4_096;

/** Of all rings that hold nothing yet: 32 bytes less for each. */
const NO_SLOTS: never[] = [];

/** First in, first out: a ring buffer whose size is a power of two and doubles when it is full. */
export class Ring<E> implements Storage<E> {
  length = 0;
  #slots: (E | undefined)[] = NO_SLOTS;
  #head = 0;

  push(item: E): void {
    if (this.length === this.#slots.length) this.grow();
    this.#slots[(this.#head + this.length) & (this.#slots.length - 1)] = item;
    this.length++;
  }

  shift(): E {
    const slots = this.#slots;
    const item = slots[this.#head] as E;
    // The slot must not keep what has left.
    slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & (slots.length - 1);
    this.length--;
    if (this.length === 0 && slots.length > KEPT_SIZE) this.clear();
    return item;
  }

  clear(): void {
    this.#slots = NO_SLOTS;
    this.#head = 0;
    this.length = 0;
  }

  private grow(): void {
    const old = this.#slots;
    const size = old.length === 0 ? FIRST_SIZE : old.length * 2;
    const slots = new Array<E | undefined>(size).fill(undefined);
    for (let i = 0; i < this.length; i++) slots[i] = old[(this.#head + i) & (old.length - 1)];
    this.#slots = slots;
    this.#head = 0;
  }
}
