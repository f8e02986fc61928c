/** A source that tells how far it was read, and how often it was told to stop. */
export class Tracked<T> implements AsyncIterable<T, undefined> {
  /** How many values were asked for, and how many given. */
  asked = 0;
  read = 0;
  returned = 0;
  /** How many were asked for at a time, at most. */
  most = 0;
  #now = 0;
  readonly #value: (index: number) => T | PromiseLike<T>;
  readonly #length: number;
  readonly #end: () => unknown;
  readonly #left: () => unknown;

  /** `end` is called, and waited for, when there are no more; `left` when it is told to stop. */
  constructor(
    value: (index: number) => T | PromiseLike<T>,
    length = Infinity,
    end: () => unknown = () => {},
    left: () => unknown = () => {},
  ) {
    this.#value = value;
    this.#length = length;
    this.#end = end;
    this.#left = left;
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return {
      next: async () => {
        const index = this.asked++;
        this.most = Math.max(this.most, ++this.#now);
        try {
          if (index >= this.#length) {
            await this.#end();
            return { done: true, value: undefined };
          }
          const value = await this.#value(index);
          this.read++;
          return { done: false, value };
        } finally {
          this.#now--;
        }
      },
      return: async () => {
        this.returned++;
        await this.#left();
        return { done: true, value: undefined };
      },
    };
  }
}

/** 0, 1, 2 … */
export function numbers(
  length = Infinity,
  end?: () => unknown,
  left?: () => unknown,
): Tracked<number> {
  return new Tracked((index) => index, length, end, left);
}

/** Gives `length` numbers, and then nothing, not even an end. */
export function silent(length = 0): Tracked<number> {
  return new Tracked((index) => index, length, () => new Promise(() => {}));
}
