import { type AnyIterator, stop } from "../../core/pump.ts";
import { countCall, hold, holding, ready, refused } from "../../core/turn.ts";
import { observed } from "../../tasks/job.ts";
import type { Feed, Recall, Taker } from "./feed.ts";

type Result<T> = IteratorResult<T, unknown>;

/**
 * Feeds from an iterator, whose `return` is called when it is stopped: once, and not if it has ended or
 * failed. What it gives after that is dropped.
 */
export class IteratorFeed<T> implements Feed<T> {
  readonly patience = "none";
  readonly #iterator: AnyIterator<T>;
  #taker: Taker<T> | null = null;
  /** It has come to its end, has failed, or was stopped. */
  #over = false;

  readonly #answer = (result: Result<T>): void => {
    if (holding) hold(this.#take, result);
    else this.#take(result);
  };

  readonly #take = (result: Result<T>): void => {
    if (this.#over) return dropped(result);
    const taker = this.#taker!;
    this.#taker = null;
    let done: boolean | undefined;
    let value: unknown;
    try {
      ({ done, value } = result);
    } catch (error) {
      // It is no object, or it has getters.
      this.#over = true;
      return taker.fail(error);
    }
    if (!done) return taker.take(value as T);
    this.#over = true;
    taker.finish();
  };

  readonly #fail = (error: unknown): void => {
    if (this.#over) return;
    const taker = this.#taker!;
    this.#taker = null;
    this.#over = true;
    taker.fail(error);
  };

  constructor(iterator: AnyIterator<T>) {
    this.#iterator = iterator;
  }

  pull(taker: Taker<T>): void {
    countCall();
    this.#taker = taker;
    this.#next().then(this.#answer, this.#fail);
  }

  recall(): Recall {
    return this.#taker === null ? "withdrawn" : "stuck";
  }

  follow(): void {}

  stop(): false {
    if (!this.#over) {
      this.#over = true;
      void stop(this.#iterator);
    }
    return false;
  }

  #next(): Promise<Result<T>> {
    try {
      const next = this.#iterator.next();
      // Array iterators and generators have no promise; it is the turn guard's business, too.
      return "done" in next ? ready(next) : Promise.resolve(next);
    } catch (error) {
      return refused(error);
    }
  }
}

/** If it is a promise, nobody else will look at it. */
function dropped(result: Result<unknown>): void {
  const { value } = Object(result) as Partial<Result<unknown>>;
  if (value instanceof Promise) void observed(value);
}
