/**
 * The base of operators over one source.
 *
 * - The source is asked while somebody waits for a value here, and for one at a time: a slow reader
 *   slows the source.
 * - What ends it is told once, after all that came before: the source's end or error, the error of a
 *   function, the end of `wait`, or `return`, which is prompt. The last three stop the source.
 * - Channels and queues of ours stay open when they are stopped, and lose nothing: what they had handed
 *   over already still goes to the `next` that has waited for it. Only a value that a function is at
 *   work on, by a promise, is dropped.
 *
 * @module
 */
import type { Wait } from "../../core/contract.ts";
import type { Failure } from "./askers.ts";
import type { Feed, Patience, Recall, Taker } from "./feed.ts";
import { isPromiseLike } from "./promise_like.ts";
import { ServedStream } from "./served_stream.ts";

/** `T` is what the source gives, `R` what a reader gets. */
export abstract class PullStream<T, R> extends ServedStream<R> {
  readonly #feed: Feed<T>;
  readonly #taker: Taker<T> = {
    take: (value) => this.#take(value),
    finish: () => this.#sourceEnded(undefined),
    fail: (error) => this.#sourceEnded({ error }),
  };
  readonly #handle = (value: T): void => this.handle(value);
  /** The source has been asked, and has not answered. */
  #reading = false;

  /** `wait` has passed `checkWait`. */
  constructor(feed: Feed<T>, wait: Wait | undefined) {
    super(wait);
    this.#feed = feed;
  }

  /**
   * Makes something of a value of the source: calls one of `give`, `giveLast`, `again`, `work` and
   * `close`. What it throws ends the stream. It may run functions of the user's.
   */
  protected abstract handle(value: T): void;

  protected override ask(): void {
    this.read();
  }

  /** Asks the source, unless it has been asked. */
  protected read(): void {
    if (this.#reading) return;
    this.#reading = true;
    this.#feed.pull(this.#taker);
  }

  /** As `give`; it is the last one, and the source is stopped. */
  protected giveLast(value: R): void {
    this.finish(true, undefined);
    this.give(value);
  }

  /** There is nothing to give yet: asks again, if somebody waits. */
  protected again(): void {
    this.serving = "nobody";
    this.goOn();
  }

  /** It ends here, and the source is stopped. */
  protected close(): void {
    this.serving = "nobody";
    this.finish(true, undefined);
    this.goOn();
  }

  /** Goes on by `use` with what a function of the user's has given, or will give. */
  protected work<V>(result: V | PromiseLike<V>, use: (value: V) => void): void {
    if (!isPromiseLike(result)) return use(result);
    this.serving = "at work";
    Promise.resolve(result).then((value) => {
      if (this.over) return;
      this.serving = "in hand";
      this.#attempt(use, value);
    }, (error) => {
      if (!this.over) this.#fail(error);
    });
    // It was left while the function ran: nobody waits for its promise.
    if (this.over) this.conclude();
  }

  override get patience(): Patience {
    return this.#feed.patience;
  }

  override resume(): void {
    this.#feed.follow();
  }

  protected override recallRead(paused?: boolean): Recall {
    if (!this.#reading) return "withdrawn";
    const recalled = this.#feed.recall(paused);
    if (recalled === "withdrawn") this.#reading = false;
    return recalled;
  }

  protected override stopSource(): boolean {
    return this.#feed.stop() && this.#reading;
  }

  #take(value: T): void {
    this.#reading = false;
    this.taken++;
    this.serving = "in hand";
    this.#attempt(this.#handle, value);
  }

  #attempt<V>(use: (value: V) => void, value: V): void {
    try {
      use(value);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** A function of the user's has failed. */
  #fail(error: unknown): void {
    this.serving = "nobody";
    this.finish(true, { error });
    this.goOn();
  }

  #sourceEnded(failure: Failure | undefined): void {
    this.#reading = false;
    const over = this.over;
    this.finish(false, failure);
    if (over) this.conclude();
  }
}
