/**
 * What has been asked of an engine and is not answered: by whom, and in which order.
 *
 * - Those who wait stand in lists, so that one who leaves early leaves nothing behind.
 * - Whoever has come since the last turn is also among the newcomers: he is looked at once, at least.
 *
 * @module
 */
import type { Wait, WaitOptions } from "../../core/contract.ts";
import { hang } from "../../core/wait.ts";
import { type Owner, WaitList, WaitNode } from "../../core/wait_list.ts";
import type { NewJob } from "../engine.ts";

/** Something that is done in the next turn. */
export class Step<R> {
  /** Whether it has to write, at this moment; it may look into the file. */
  readonly writes: (now: number) => boolean;
  /** undefined: it has to write, or more than one turn may; it is asked again in the next one. */
  readonly run: (now: number, writing: boolean) => R | undefined;
  readonly promise: Promise<R>;
  readonly settle: (result: R) => void;
  readonly fail: (error: unknown) => void;

  constructor(writes: Step<R>["writes"], run: Step<R>["run"]) {
    this.writes = writes;
    this.run = run;
    const { promise, resolve, reject } = Promise.withResolvers<R>();
    this.promise = promise;
    this.settle = resolve;
    this.fail = reject;
  }
}

/** A job that waits for room: a new one, or a dead letter of a group. */
export type Entrant =
  | { readonly job: NewJob }
  | { readonly group: string; readonly id: string };

/** How many jobs somebody wants. */
export interface Taker {
  readonly max: number;
}

/** Since when somebody waits for the end of all jobs. */
export interface Joiner {
  /** How often it had come to that before; undefined: he has not been looked at. */
  since: number | undefined;
}

/** Somebody new: he is parked, and has a timeout of 0 or less. */
interface Newcomer {
  readonly node: WaitNode;
  readonly timeout: number | undefined;
}

export class Calls {
  readonly entrants: WaitList;
  readonly joiners: WaitList;
  /** By group. */
  readonly takers: ReadonlyMap<string, WaitList>;
  #steps: Step<unknown>[] = [];
  #newcomers: Newcomer[] = [];

  constructor(groups: Iterable<string>, owner: Owner) {
    this.entrants = new WaitList(owner);
    this.joiners = new WaitList(owner);
    this.takers = new Map([...groups].map((group) => [group, new WaitList(owner)]));
  }

  /** Parks somebody at the end of a list. */
  wait<R>(list: WaitList, item: Entrant | Taker | Joiner, wait: Wait): Promise<R> {
    const node = new WaitNode(item);
    const promise = node.promise<R>();
    list.push(node);
    const { timeout } = wait as WaitOptions;
    if (timeout === undefined || timeout > 0) {
      hang(node, wait);
      this.#newcomers.push({ node, timeout: undefined });
    } else {
      // With no time left he is still looked at once.
      hang(node, { ...wait as WaitOptions, timeout: undefined });
      this.#newcomers.push({ node, timeout });
    }
    return promise;
  }

  add<R>(step: Step<R>): Promise<R> {
    this.#steps.push(step as Step<unknown>);
    return step.promise;
  }

  get steps(): readonly Step<unknown>[] {
    return this.#steps;
  }

  /** Those who have come since the last turn, and still wait. */
  *newcomers(): Generator<WaitNode, void> {
    for (const { node } of this.#newcomers) {
      if (node.list !== null) yield node;
    }
  }

  get someoneWaits(): boolean {
    if (this.entrants.length > 0 || this.joiners.length > 0) return true;
    for (const list of this.takers.values()) {
      if (list.length > 0) return true;
    }
    return false;
  }

  /** All have been looked at: those whose time was over before end now. `late` steps are done later. */
  turned(late: Step<unknown>[]): void {
    const newcomers = this.#newcomers;
    this.#newcomers = [];
    this.#steps = late;
    for (const { node, timeout } of newcomers) {
      if (timeout !== undefined && node.list !== null) hang(node, { timeout });
    }
  }

  /** Whether those who would put something in have all come since the last turn. */
  get allAreNew(): boolean {
    return this.#newcomers.some(({ node }) => node === this.entrants.head);
  }

  /** All fail, also those who only wait. */
  failAll(error: unknown): void {
    this.fail(error);
    this.entrants.failAll(error);
    this.joiners.failAll(error);
    for (const list of this.takers.values()) list.failAll(error);
  }

  /** The steps fail, and so do those who have not been looked at. */
  fail(error: unknown): void {
    const steps = this.#steps;
    const nodes = [...this.newcomers()];
    this.#steps = [];
    this.#newcomers = [];
    for (const step of steps) step.fail(error);
    for (const node of nodes) {
      node.leave();
      node.fail(error);
    }
  }
}
