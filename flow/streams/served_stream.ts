/**
 * What a reader has of an operator: values that are made for those who wait, and one end of it all.
 *
 * Invariants:
 * - Nothing happens before the first `next`. Those who wait are served one by one, in order; while
 *   nobody is being served, nobody waits.
 * - Once it is over, its context has ended, and it hangs on nothing. Who waits is told at once, unless
 *   something for the first of them is in hand, or on its way: that comes first.
 * - How it has ended is told once. After that it is done.
 *
 * What stops it early stops its sources: `return`, the end of `wait`, an error of a function, or that it
 * has enough. When contexts end nobody's code runs before all that end together have ended: so that is
 * done in two steps, `end` and `follow`.
 *
 * @module
 */
import type { Context, Wait } from "../../core/contract.ts";
import { CanceledError } from "../../core/errors.ts";
import { type Endable, type Link, type Sequel, watch } from "../../core/scope.ts";
import type { ScopedContext } from "../../core/scoped_context.ts";
import { countCall } from "../../core/turn.ts";
import { scopeKey } from "../../core/wait.ts";
import { contextOf } from "../../core/wait_context.ts";
import type { WaitNode } from "../../core/wait_list.ts";
import { Askers, ENDED, type Failure } from "./askers.ts";
import { type Feed, feedKey, type Patience, type Recall } from "./feed.ts";
import type { FlowStream, StreamStats } from "./flow_stream.ts";
import { type Feedable, StreamFeed } from "./stream_feed.ts";

/** What becomes of somebody who is being served when it is over: waits for what comes, or is told. */
type Serving = "nobody" | "asked" | "in hand" | "at work";

export abstract class ServedStream<R> implements FlowStream<R>, Feedable, Endable, Sequel {
  links: Link | null = null;
  readonly #wait: Wait | undefined;
  readonly #askers: Askers<R> = new Askers();
  #ctx: ScopedContext | undefined;
  #over = false;
  /** It is over, but for what is in hand or on its way. */
  #finishing = false;
  /** It was left while nobody waited: what it has is for nobody. */
  #left = false;
  /** How it has ended, until somebody was told. */
  #failure: Failure | undefined;
  /** How many values of the source have gone to those who waited. */
  #given = 0;
  /** How many were taken of it. */
  protected taken = 0;
  /** How far it is with the first of those who wait. */
  protected serving: Serving = "nobody";

  /** `wait` has passed `checkWait`. */
  constructor(wait: Wait | undefined) {
    this.#wait = wait;
  }

  next(): Promise<IteratorResult<R, undefined>> {
    countCall();
    const next = this.#askers.next();
    this.#joined();
    return next;
  }

  return(): Promise<IteratorResult<R, undefined>> {
    this.stop();
    return Promise.resolve(ENDED);
  }

  stats(): StreamStats {
    const read = this.taken;
    const given = this.#given;
    // Nobody waited when it was left, and nobody will get it.
    const held = this.#left && !this.#finishing ? 0 : this.held;
    const dropped = read - given - held;
    return { read, given, held, dropped, waiting: this.#askers.length, over: this.#over };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  // As the source of the operator after this one.

  abstract readonly patience: Patience;
  abstract resume(): void;

  [feedKey](): Feed<R> {
    return new StreamFeed<R>(this);
  }

  join(node: WaitNode): void {
    this.#askers.push(node);
    this.#joined();
  }

  recall(node: WaitNode, paused = false): Recall {
    // If others wait, too, the answer is for the next of them.
    if (this.#askers.length === 1) {
      if ((!paused && this.holding) || this.serving === "at work") return "stuck";
      if (this.serving === "in hand") return "arriving";
      const recalled = this.recallRead(paused);
      if (recalled !== "withdrawn") return recalled;
      this.serving = "nobody";
      this.pause();
    }
    node.leave();
    return "withdrawn";
  }

  stop(): void {
    if (this.wanted) return this.finish(true, undefined);
    this.#left = true;
    this.finish(true, undefined);
    this.#failure = undefined;
  }

  // What an operator is to do.

  /** Somebody waits, and nobody is being served. */
  protected abstract ask(): void;

  /** Takes back what the sources have been asked for. Runs nobody's code; `resume` comes after it. */
  protected abstract recallRead(paused?: boolean): Recall;

  /** Stops the sources. True: what they were asked for comes all the same. */
  protected abstract stopSource(): boolean;

  /** It has parts of a value in hand, for the one who waits. */
  protected get holding(): boolean {
    return false;
  }

  /** How many values of the source it has. */
  protected get held(): number {
    return this.serving === "in hand" || this.serving === "at work" ? 1 : 0;
  }

  /** It is over. It may `give` one more value to the first who waits. */
  protected flush(): void {}

  /** It is over, and lets go of its timers. */
  protected release(): void {}

  /** The only one who waited has left. Runs nobody's code. */
  protected pause(): void {}

  // What it does that by.

  /** Ends when nothing is wanted any more. It is there from the first `ask`. */
  protected get ctx(): Context {
    return this.#ctx!;
  }

  /** Somebody waits. */
  protected get wanted(): boolean {
    return this.#askers.length > 0;
  }

  protected get over(): boolean {
    return this.#over;
  }

  /** Serves the first who waits, with what was made of `count` values, and goes on with the next. */
  protected give(value: R, count = 1): void {
    this.serving = "nobody";
    this.#given += count;
    this.#askers.give(value);
    this.goOn();
  }

  /** Goes on with the first who waits. If it is over, nothing is in hand. */
  protected goOn(): void {
    if (this.#over) this.conclude();
    else this.#serve();
  }

  #joined(): void {
    if (!this.#over) this.#serve();
    else if (!this.#finishing) this.conclude();
  }

  #serve(): void {
    if (this.serving !== "nobody" || !this.wanted) return;
    this.serving = "asked";
    if (this.#ctx !== undefined || this.#start()) this.ask();
  }

  /** False: it has ended already, and so has this. */
  #start(): boolean {
    const ctx = this.#ctx = contextOf(this.#wait ?? {});
    return watch(ctx[scopeKey], this);
  }

  // How it ends.

  /** The context has ended … */
  end(cause: unknown): Sequel | null {
    return this.#begin(true, { error: cause }) ? this : null;
  }

  /** … and all that have ended with it. */
  follow(): void {
    this.#sequel(true);
  }

  /** Ends it. `early`: the sources do not know. If it is over, only a failure is new. */
  protected finish(early: boolean, failure: Failure | undefined): void {
    if (this.#begin(early, failure)) this.#sequel(early);
    else this.#failure ??= failure;
  }

  #begin(early: boolean, failure: Failure | undefined): boolean {
    if (this.#over) return false;
    this.#over = this.#finishing = true;
    this.#failure = failure;
    if (early) this.recallRead();
    return true;
  }

  #sequel(early: boolean): void {
    const cause = this.#failure?.error ?? new CanceledError("the values are not wanted any more");
    this.release();
    if (early) this.resume();
    const arriving = early && this.stopSource();
    this.#ctx?.cancel(cause);
    if (!arriving && this.serving !== "in hand") this.conclude();
  }

  /** It is over, and nothing is in hand: tells all who wait. */
  protected conclude(): void {
    this.#finishing = false;
    this.serving = "nobody";
    if (this.wanted && !this.#left) this.flush();
    while (this.wanted) {
      const failure = this.#failure;
      this.#failure = undefined;
      this.#askers.end(failure);
    }
  }
}
