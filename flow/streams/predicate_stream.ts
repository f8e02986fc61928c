import type { Cancel, WaitOptions } from "../../core/contract.ts";
import type { Mapper } from "../../tasks/worker_pool.ts";
import type { Feed } from "./feed.ts";
import { PullStream } from "./operator_stream.ts";

/** Asks a predicate about each value, one after the other, and does something by its answer. */
export abstract class PredicateStream<T> extends PullStream<T, T> {
  readonly #predicate: Mapper<T, unknown>;
  #index = 0;

  constructor(
    feed: Feed<T>,
    predicate: Mapper<T, unknown>,
    wait: Cancel | WaitOptions | undefined,
  ) {
    super(feed, wait);
    this.#predicate = predicate;
  }

  /** Calls one of `give`, `again` and `close`. */
  protected abstract decide(value: T, holds: unknown): void;

  protected override handle(value: T): void {
    const holds = this.#predicate.call(undefined, value, this.ctx, this.#index++);
    this.work(holds, (holds) => this.decide(value, holds));
  }
}
