import type { Storage } from "./storage.ts";

/** Last in, first out. */
export class Stack<E> implements Storage<E> {
  readonly #items: E[] = [];

  get length(): number {
    return this.#items.length;
  }

  push(item: E): void {
    this.#items.push(item);
  }

  shift(): E {
    return this.#items.pop() as E;
  }

  clear(): void {
    this.#items.length = 0;
  }
}
