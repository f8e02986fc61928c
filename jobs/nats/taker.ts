/**
 * One call that takes jobs.
 *
 * - Levels are asked one after the other; whoever finds nothing waits at all of them, and takes what comes
 *   first.
 * - A request is withdrawn when its call has ended, or has got a job at another level. What comes for it
 *   nevertheless goes to its group, which gives it to another, or back.
 *
 * @module
 */
import type { Msg } from "@nats-io/transport-node";
import { DeadlineExceededError } from "../../core/errors.ts";
import { type Owner, WaitNode } from "../../core/wait_list.ts";
import type { JobQueueError } from "../errors.ts";
import { refusedBy } from "./failures.ts";
import type { NatsDelivery } from "./nats_delivery.ts";
import type { Pull, PullEvents } from "./pull.ts";
import type { Takers } from "./takers.ts";

/** Milliseconds that a request waits at the server before it is made anew. */
const EXPIRES = 5_000;
/** Milliseconds until a consumer that was not there is asked again. */
const PAUSE = 100;

/** One call of `take`. */
export class Taker implements Owner, PullEvents {
  readonly takers: Takers;
  readonly max: number;
  readonly once: boolean;
  readonly node = new WaitNode(undefined);
  got: NatsDelivery[] = [];
  readonly pulls = new Map<Pull, number>();
  readonly timers = new Set<ReturnType<typeof setTimeout>>();
  /** The level that is asked; all have been: it waits. */
  level = 0;

  constructor(takers: Takers, max: number, once: boolean) {
    this.takers = takers;
    this.max = max;
    this.once = once;
  }

  get waiting(): boolean {
    return this.node.list !== null;
  }

  begin(): void {
    const { levels } = this.takers.settings;
    if (levels === 1 && !this.once) this.#wait();
    else this.#ask();
  }

  left(): void {
    this.takers.gone(this);
    this.#release();
    // Nobody else is to have burnt an attempt for them.
    for (const delivery of this.got.splice(0)) this.takers.stray(delivery);
  }

  /** A job that somebody else had asked for. */
  give(delivery: NatsDelivery): void {
    this.got.push(delivery);
    this.#finish();
  }

  message(pull: Pull, message: Msg, full: boolean): void {
    const level = this.pulls.get(pull);
    if (full) this.pulls.delete(pull);
    const delivery = this.takers.deliveryOf(message, pull);
    if (level === undefined || !this.waiting) {
      if (delivery !== undefined) this.takers.stray(delivery);
      return;
    }
    if (delivery !== undefined) this.got.push(delivery);
    if (this.got.length >= this.max) return this.#finish();
    // Until it is full, the server says when there are no more.
    if (!full) return;
    if (this.#waits) this.#next(level);
    else this.#ask();
  }

  ended(pull: Pull, code: number, text: string): void {
    const level = this.pulls.get(pull);
    this.pulls.delete(pull);
    if (level === undefined || !this.waiting) return;
    if (code === 404 || code === 408) return this.#next(level);
    if (code === 409 && /deleted/i.test(text)) {
      return this.#fail(refusedBy({ code, err_code: 10014, description: text }));
    }
    if (this.once) return this.#next(level);
    // No leader yet, not ready yet, or too many who wait.
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      this.#again(level);
    }, PAUSE);
    this.timers.add(timer);
  }

  lost(pull: Pull): void {
    const level = this.pulls.get(pull);
    this.pulls.delete(pull);
    if (level === undefined || !this.waiting) return;
    if (this.got.length > 0) this.#finish();
    else this.#again(level);
  }

  failed(_: Pull, error: JobQueueError): void {
    if (this.waiting) this.#fail(error);
  }

  get #waits(): boolean {
    return this.level === this.takers.settings.levels;
  }

  /** A level has no more. */
  #next(level: number): void {
    if (this.#waits) {
      if (this.got.length > 0) this.#finish();
      else this.#again(level);
      return;
    }
    this.#withdraw();
    this.level++;
    if (!this.#waits) return this.#ask();
    if (this.got.length > 0) return this.#finish();
    if (!this.once) return this.#wait();
    this.#fail(new DeadlineExceededError("no job is ready, and timeout is 0 ms"));
  }

  #again(level: number): void {
    if (this.#waits) this.#pull(level, EXPIRES);
    else this.#ask();
  }

  #ask(): void {
    this.#pull(this.level, 0);
  }

  #wait(): void {
    const { levels } = this.takers.settings;
    this.level = levels;
    for (let level = 0; level < levels && this.waiting; level++) this.#pull(level, EXPIRES);
  }

  #pull(level: number, expires: number): void {
    const { levels } = this.takers.settings;
    const batch = levels > 1 && expires > 0 ? 1 : this.max - this.got.length;
    this.pulls.set(this.takers.pull(this, level, batch, expires), level);
  }

  #finish(): void {
    this.takers.gone(this);
    this.node.leave();
    this.#release();
    const { got } = this;
    // Its inbox knows it until it is lent again, but not what it has got.
    this.got = [];
    this.node.settle(got);
    this.node.forget();
  }

  #fail(error: unknown): void {
    this.takers.gone(this);
    this.node.leave();
    this.#release();
    for (const delivery of this.got.splice(0)) this.takers.stray(delivery);
    this.node.fail(error);
  }

  #release(): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.#withdraw();
  }

  #withdraw(): void {
    for (const pull of this.pulls.keys()) pull.withdraw();
    this.pulls.clear();
  }
}
