/**
 * Those who take jobs for one group, on one connection.
 *
 * - A job that was handed out by the server is never dropped: it goes to who asked for it, or, if he has
 *   gone, to another who waits; or it is kept for a moment for the next, and then given back.
 * - Levels are asked one after the other; whoever finds nothing waits at all of them, and takes what comes
 *   first.
 * - A request is withdrawn when whom it was for has gone, or has got a job at another level.
 *
 * @module
 */
import type { Msg } from "@nats-io/transport-node";
import type { Wait } from "../../core/contract.ts";
import { DeadlineExceededError } from "../../core/errors.ts";
import { type Owner, park, WaitList, WaitNode } from "../../core/wait_list.ts";
import type { JobQueueError } from "../errors.ts";
import { refusedBy } from "./failures.ts";
import type { Link } from "./link.ts";
import { isForOthers, type Names } from "./names.ts";
import { type DeliverySettings, NatsDelivery } from "./nats_delivery.ts";
import { patientOf, triesOnce } from "./once.ts";
import { type Pull, Puller, type PullEvents } from "./pull.ts";

/** Milliseconds that a request waits at the server before it is made anew. */
const EXPIRES = 5_000;
/** Milliseconds that a job that nobody waits for any more is kept for the next. */
const SPARE_TIME = 100;
/** Milliseconds until a consumer that was not there is asked again. */
const PAUSE = 100;
/** The part of a lease that may be over when its job comes, before it is begun anew. */
const WORN = 0.05;

/** What all takers of a group share. */
export interface TakerSettings extends DeliverySettings {
  readonly group: string;
  readonly levels: number;
}

/** One call of `take`. */
class Taker implements Owner, PullEvents {
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

export class Takers {
  readonly settings: TakerSettings;
  readonly #link: Link;
  readonly #names: Names;
  readonly #puller: Puller;
  readonly #waiting = new Set<Taker>();
  #spare: NatsDelivery[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(link: Link, names: Names, settings: TakerSettings) {
    this.#link = link;
    this.#names = names;
    this.#puller = new Puller(link);
    this.settings = settings;
  }

  take(max: number, wait: Wait): Promise<NatsDelivery[]> {
    if (this.#spare.length > 0) {
      const kept = this.#spare.splice(0, max).filter((delivery) => delivery.timeLeft() > 0);
      if (kept.length > 0) return Promise.resolve(kept);
    }
    if (this.#link.failure !== undefined) return Promise.reject(this.#link.failure);
    const taker = new Taker(this, max, triesOnce(wait));
    const taken = park<NatsDelivery[]>(new WaitList(taker), taker.node, patientOf(wait));
    if (taker.waiting) {
      this.#waiting.add(taker);
      taker.begin();
    }
    return taken;
  }

  /** Gives back what nobody has taken. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#giveBack();
  }

  pull(taker: Taker, level: number, batch: number, expires: number): Pull {
    const stream = this.#names.work;
    const consumer = this.#names.consumer(this.settings.group, level);
    // A lease may have begun when its request was sent: there has to be enough left of it.
    const longest = Math.min(expires, Math.max(this.settings.leaseTime / 2, 50));
    return this.#puller.pull({ stream, consumer, batch, expires: longest }, taker);
  }

  /** When the server has forgotten the requests that were withdrawn; undefined: it has. */
  get forgotten(): Promise<unknown> | undefined {
    return this.#puller.forgotten;
  }

  /** Somebody waits for a job. */
  get needed(): boolean {
    return this.#waiting.size > 0;
  }

  gone(taker: Taker): void {
    this.#waiting.delete(taker);
  }

  /** undefined: it was for another group. */
  deliveryOf(message: Msg, pull: Pull): NatsDelivery | undefined {
    const { group, leaseTime } = this.settings;
    if (isForOthers(message.subject, group)) {
      this.#link.tell(message.reply!, "+ACK");
      return undefined;
    }
    const level = levelOf(message.subject);
    let start = pull.sentAt;
    const now = performance.now();
    if (now - start > leaseTime * WORN && now - start < leaseTime) {
      // It may have begun just now, or a while ago: this way it begins now.
      this.#link.tell(message.reply!, "+WPI");
      start = now;
    }
    return new NatsDelivery(message, level, this.settings, start);
  }

  /** A job whose taker has gone. */
  stray(delivery: NatsDelivery): void {
    if (delivery.timeLeft() <= 0) return;
    const [next] = this.#waiting;
    if (next !== undefined) return next.give(delivery);
    this.#spare.push(delivery);
    if (this.#closed) return this.#giveBack();
    const { leaseTime } = this.settings;
    this.#timer ??= setTimeout(() => this.#giveBack(), Math.min(SPARE_TIME, leaseTime / 4));
  }

  #giveBack(): void {
    this.#timer = undefined;
    for (const { reply } of this.#spare.splice(0)) this.#link.tell(reply, "-NAK");
  }
}

/** The third token. */
function levelOf(subject: string): number {
  const from = subject.indexOf(".", subject.indexOf(".") + 1) + 1;
  return Number(subject.slice(from, subject.indexOf(".", from)));
}
