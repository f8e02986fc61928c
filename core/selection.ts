/**
 * One running select, in three passes: try the cases, in random order; park in all of them; when one
 * is decided, leave all others.
 *
 * Invariants:
 * - Exactly one case commits. `claim` decides for a case and takes all the nodes out of their lists,
 *   with no code of the user's in between.
 * - In an attempt at a foreign port the select is busy: it claims nothing, so that its own two ends
 *   never meet.
 * - Once decided it has no node, no waiter, no timer and no link anywhere.
 *
 * @module
 */
import { Attempts } from "./attempts.ts";
import { AFTER, type AnyCase, DONE, RECV, SEND } from "./cases.ts";
import type { Wait } from "./contract.ts";
import type { CoreDecider, CoreList, CoreNode } from "./decider.ts";
import { closed, committed, done, type Outcome } from "./outcome.ts";
import type { QueueCore } from "./queue_core.ts";
import { DoneLink, ForeignCase } from "./parked_cases.ts";
import { type Endable, type Link, release, type Sequel, watch } from "./scope.ts";
import { Timeout } from "./timeout.ts";
import { hang } from "./wait.ts";
import { WaitNode } from "./wait_list.ts";

export class Selection implements CoreDecider, Endable, Sequel {
  links: Link | null = null;
  busy = false;
  readonly #keys: readonly unknown[];
  readonly #cases: readonly AnyCase[];
  /** What stands in line for each case. */
  readonly #parked: (CoreNode | ForeignCase | DoneLink | null)[];
  #timer: Timeout | undefined;
  #decided = true;
  /** Something happened while it was busy. */
  #passedOver = false;
  /** Its end, if that was it. */
  #missedEnd: (() => Sequel | null) | undefined;
  readonly #attempts: Attempts;
  /** Holds the promise. */
  readonly #result = new WaitNode(undefined);

  constructor(keys: readonly unknown[], cases: readonly AnyCase[], biased: boolean) {
    this.#keys = keys;
    this.#cases = cases;
    this.#parked = keys.map(() => null);
    this.#attempts = new Attempts(keys, cases, biased);
  }

  /** Nobody waits for it: it can be run, once more if it has been. */
  get idle(): boolean {
    return this.#decided;
  }

  /** Begins a run: reads what is sent, as far as its weight or rank has to be read. */
  begin(): this {
    this.#attempts.prepare();
    return this;
  }

  /**
   * The first pass: commits a case that is ready now, `first` before the others, if there is one that
   * was chosen already; undefined: none is, and there is no default.
   */
  poll(first = -1): Outcome | undefined {
    return this.#attempts.any(first);
  }

  // ---- the second pass ----

  /** Parks in all cases, where nothing is ready and there is no default. */
  wait(wait: Wait | undefined): Promise<Outcome> {
    this.#decided = this.busy = this.#passedOver = false;
    this.#missedEnd = undefined;
    const promise = this.#result.promise<Outcome>();
    this.parkOrCommit(false);
    if (!this.#decided) {
      this.startTimer();
      if (wait !== undefined) hang(this, wait);
    }
    return promise;
  }

  /** Ends parked in all cases, or decided. `again`: first tries the cases once more. */
  private parkOrCommit(again: boolean): void {
    try {
      let ready = again ? this.poll() : undefined;
      while (ready === undefined && this.parkAll()) ready = this.poll();
      if (ready === undefined) return;
      this.decide();
      this.settle(ready);
    } catch (error) {
      this.decide();
      this.failed(undefined, error);
    }
  }

  /** True: a port became ready meanwhile, nothing is parked, look again. */
  private parkAll(): boolean {
    for (let i = 0; i < this.#cases.length && !this.#decided; i++) {
      // What a foreign port does when it is parked at may have decided it.
      if (!this.park(i) || this.#decided) continue;
      this.unpark();
      this.follow();
      return true;
    }
    return false;
  }

  private park(index: number): boolean {
    const of = this.#cases[index]!;
    const { op } = of;
    const before = this.#parked[index];
    this.#parked[index] = null;
    if (op === DONE) {
      if (of.scope !== null) {
        const link = this.#parked[index] = new DoneLink(this, index);
        watch(of.scope, link);
      }
      return false;
    }
    if (op !== RECV && op !== SEND) return false;
    if (of.core !== null) {
      const item = op === SEND ? this.#attempts.item(index, of.core, of.value) : undefined;
      // The node of the run before saves 90 bytes; but a walk that is on its way might know it.
      const node = before instanceof WaitNode && before.item === item && !of.core.walked
        ? before
        : new WaitNode(item, this);
      this.#parked[index] = node;
      of.core.park(listOf(of)!, node);
      return false;
    }
    if (of.port === null) return false;
    const waiter = this.#parked[index] = new ForeignCase(this, index);
    const ready = of.port.park(waiter);
    if (this.#decided) of.port.unpark(waiter);
    return ready;
  }

  private startTimer(): void {
    let first = -1;
    let ms = Infinity;
    for (let index = 0; index < this.#cases.length; index++) {
      const of = this.#cases[index]!;
      if (of.op !== AFTER || of.ms >= ms) continue;
      first = index;
      ms = of.ms;
    }
    if (first < 0) return;
    this.#timer = new Timeout(ms, () => {
      this.decide();
      this.settle(committed(this.#keys[first]));
    });
  }

  // ---- the third pass ----

  claim(node: CoreNode): boolean {
    // What a core offers while its own waiter makes an attempt may be the select's other end.
    if (this.busy && !(node.list?.owner as QueueCore).attempted) this.#passedOver = true;
    return this.decideIfFree();
  }

  private decideIfFree(): boolean {
    if (this.#decided || this.busy) return false;
    this.decide();
    return true;
  }

  /** Starts anew, at the end of all lines: what it missed may have been in any of them. */
  lookAgain(): void {
    if (this.#decided) return;
    if (this.#missedEnd !== undefined) {
      this.#missedEnd()?.follow();
      return;
    }
    if (!this.#passedOver) return;
    this.#passedOver = false;
    this.unpark();
    this.follow();
    this.parkOrCommit(true);
  }

  private decide(): void {
    this.#decided = true;
    this.unpark();
    this.#timer?.stop();
    this.#timer = undefined;
    if (this.links !== null) release(this);
  }

  private unpark(): void {
    for (let index = 0; index < this.#parked.length; index++) {
      const parked = this.#parked[index]!;
      if (parked === null) continue;
      if (parked instanceof WaitNode) parked.leave();
      else if (parked instanceof DoneLink) release(parked);
      else this.#cases[index]!.port!.unpark(parked);
    }
  }

  private settle(outcome: Outcome): void {
    this.fulfil(outcome);
    this.follow();
  }

  private fulfil(outcome: Outcome): void {
    this.#result.settle(outcome);
    this.#result.forget();
  }

  private reject(error: unknown): void {
    this.#result.fail(error);
    this.#result.forget();
  }

  /** Those who stood behind a case that lost may be next. */
  follow(): void {
    for (const of of this.#cases) {
      const list = listOf(of);
      if (list !== null) of.core!.left(list);
    }
  }

  // ---- who decides ----

  private key(node: CoreNode): unknown {
    return this.#keys[this.#parked.indexOf(node)];
  }

  received(node: CoreNode, value: unknown): void {
    this.settle(committed(this.key(node), value));
  }

  sent(node: CoreNode): void {
    this.settle(committed(this.key(node)));
  }

  failed(_node: CoreNode | undefined, error: unknown): void {
    this.reject(error);
    this.follow();
  }

  finish(node: CoreNode, core: QueueCore): void {
    if (this.claim(node)) this.settle(closed(this.key(node), core.error));
  }

  refuse(node: CoreNode, core: QueueCore): void {
    if (this.claim(node)) this.failed(node, core.refusal(core.value(node.item)));
  }

  /** A foreign port may be ready. */
  wake(index: number): boolean {
    if (this.#decided || this.busy) return false;
    this.busy = true;
    let outcome: Outcome | undefined;
    try {
      outcome = this.#attempts.one(index);
    } catch (error) {
      // A port that throws has committed, as a closed sink does.
      this.decide();
      this.failed(undefined, error);
      return true;
    } finally {
      this.busy = false;
    }
    if (outcome === undefined) {
      this.lookAgain();
      return false;
    }
    this.decide();
    this.settle(outcome);
    return true;
  }

  /** The context of a `whenDone` case has ended. */
  ended(index: number, cause: unknown): Sequel | null {
    if (this.busy) this.#missedEnd ??= () => this.ended(index, cause);
    if (!this.decideIfFree()) return null;
    this.fulfil(done(this.#keys[index], cause));
    return this;
  }

  /** The context, signal or timeout of the select itself has ended. */
  end(cause: unknown): Sequel | null {
    if (this.busy) this.#missedEnd ??= () => this.end(cause);
    if (!this.decideIfFree()) return null;
    this.reject(cause);
    return this;
  }

  left(): void {}
}

/** The list of a core that a case parks in. */
function listOf({ op, core }: AnyCase): CoreList | null {
  if (core === null) return null;
  return op === RECV ? core.takers : core.putters;
}
