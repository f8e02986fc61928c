/**
 * One source for several branches.
 *
 * - The source is asked when a value is wanted from a branch and every branch has room, or somebody who
 *   waits; for one value at a time. So the slowest holds it up.
 * - A branch that is closed is left out. When all are, the source is stopped.
 * - The end of the source, its error, and what ends `wait` close all branches, after what they hold.
 * - When nobody waits any more the question is taken back: channels and queues keep what they have.
 *
 * @module
 */
import type { Context, Wait } from "../../core/contract.ts";
import { CanceledError } from "../../core/errors.ts";
import { type Endable, type Link, type Sequel, watch } from "../../core/scope.ts";
import type { ScopedContext } from "../../core/scoped_context.ts";
import { scopeKey } from "../../core/wait.ts";
import { contextOf } from "../../core/wait_context.ts";
import { failure } from "../../tasks/lazy_stream.ts";
import { BranchCore, type BranchOwner } from "./branch_core.ts";
import type { Feed, Taker } from "./feed.ts";
import { isPromiseLike } from "./promise_like.ts";

/** Which branch a value is for: all, if undefined. */
type Choose<T> = (value: T, ctx: Context, index: number) => number | PromiseLike<number>;

export class Fork<T> implements Taker<T>, BranchOwner, Endable, Sequel {
  links: Link | null = null;
  readonly cores: readonly BranchCore[];
  readonly #feed: Feed<T>;
  readonly #choose: Choose<T> | undefined;
  readonly #wait: Wait | undefined;
  #ctx: ScopedContext | undefined;
  /** How many branches want a value, have no room for one, are open. */
  #wanting = 0;
  #full = 0;
  #open = 0;
  /** The source has been asked, and has not answered. */
  #reading = false;
  /** What becomes of a value: it is looked at, or the function has given a promise for it. */
  #value: "none" | "in hand" | "at work" = "none";
  /** It will look whether to ask. */
  #looking = false;
  #over = false;
  /** What to close the branches with. */
  #error: unknown;
  #index = 0;

  /** `wait` has passed `checkWait`. */
  constructor(
    feed: Feed<T>,
    branches: number,
    capacity: number,
    choose: Choose<T> | undefined,
    wait: Wait | undefined,
  ) {
    this.#feed = feed;
    this.#choose = choose;
    this.#wait = wait;
    this.cores = Array.from({ length: branches }, () => new BranchCore(capacity, this));
  }

  // What branches tell.

  changed(wanting: number, full: number, open: number): void {
    this.#wanting += wanting;
    this.#full += full;
    this.#open += open;
    if (this.#looking || !this.#ready) return;
    this.#looking = true;
    queueMicrotask(() => {
      this.#looking = false;
      this.#ask();
    });
  }

  look(): void {
    if (this.#over) return;
    if (this.#open === 0) return this.#end(true, undefined);
    if (!this.#reading || this.#wanting > 0) return;
    if (this.#feed.recall(true) !== "withdrawn") return;
    this.#reading = false;
    this.#feed.follow();
  }

  /** Whether the source is to be asked. */
  get #ready(): boolean {
    return this.#wanting > 0 && this.#full === 0 && !this.#reading &&
      this.#value === "none" && !this.#over;
  }

  #ask(): void {
    if (!this.#ready || (this.#ctx === undefined && !this.#start())) return;
    this.#reading = true;
    this.#feed.pull(this);
  }

  /** False: it has ended already, and so has this. */
  #start(): boolean {
    const ctx = this.#ctx = contextOf(this.#wait ?? {});
    return watch(ctx[scopeKey], this);
  }

  // What the source answers.

  take(value: T): void {
    this.#reading = false;
    this.#value = "in hand";
    try {
      const chosen = this.#choose?.(value, this.#ctx!, this.#index++);
      if (!isPromiseLike(chosen)) return this.#deliver(value, chosen);
      this.#value = "at work";
      Promise.resolve(chosen).then((index) => {
        this.#deliver(value, index);
      }, (error) => this.#fail(error));
      // It has ended meanwhile: nobody waits for the promise.
      if (this.#over) this.#close();
    } catch (error) {
      this.#fail(error);
    }
  }

  finish(): void {
    this.#reading = false;
    if (this.#over) this.#close();
    else this.#end(false, undefined);
  }

  fail(error: unknown): void {
    this.#reading = false;
    this.#error ??= failure(error);
    if (this.#over) this.#close();
    else this.#end(false, this.#error);
  }

  #deliver(value: T, index: number | undefined): void {
    if (index !== undefined) this.cores[index]!.add(value);
    else for (const core of this.cores) if (!core.closed) core.add(value);
    this.#value = "none";
    if (this.#over) this.#close();
    else this.#ask();
  }

  /** The function has failed. */
  #fail(error: unknown): void {
    this.#value = "none";
    if (this.#over) this.#close();
    else this.#end(true, failure(error));
  }

  // How it ends.

  /** The context has ended. Runs nobody's code. */
  end(cause: unknown): Sequel | null {
    return this.#begin(true, failure(cause)) ? this : null;
  }

  /** … and all that have ended with it. */
  follow(): void {
    this.#sequel(true);
  }

  /** `early`: the source does not know. */
  #end(early: boolean, error: unknown): void {
    if (this.#begin(early, error)) this.#sequel(early);
  }

  #begin(early: boolean, error: unknown): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#error = error;
    if (early && this.#reading && this.#feed.recall() === "withdrawn") this.#reading = false;
    return true;
  }

  #sequel(early: boolean): void {
    let arriving = false;
    if (early) {
      this.#feed.follow();
      arriving = this.#feed.stop() && this.#reading;
    }
    this.#ctx?.cancel(this.#error ?? new CanceledError("the values are not wanted any more"));
    if (!arriving && this.#value !== "in hand") this.#close();
  }

  /** After what they hold. */
  #close(): void {
    for (const core of this.cores) if (!core.closed) core.close(this.#error);
  }
}
