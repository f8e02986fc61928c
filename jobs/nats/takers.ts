/**
 * Those who take jobs for one group, on one connection.
 *
 * - A job that was handed out by the server is never dropped: it goes to who asked for it, or, if he has
 *   gone, to another who waits; or it is kept for a moment for the next, and then given back.
 * - A lease has begun when its job comes, at the latest: it is reckoned from the request, or begun anew.
 *
 * @module
 */
import type { Msg } from "@nats-io/transport-node";
import type { Wait } from "../../core/contract.ts";
import { park, WaitList } from "../../core/wait_list.ts";
import type { Link } from "./link.ts";
import { isForOthers, type Names } from "./names.ts";
import { type DeliverySettings, NatsDelivery } from "./nats_delivery.ts";
import { patientOf, triesOnce } from "./once.ts";
import { type Pull, Puller } from "./pull.ts";
import { Taker } from "./taker.ts";

/** Milliseconds that a job that nobody waits for any more is kept for the next. */
const SPARE_TIME = 100;
/** The part of a lease that may be over when its job comes, before it is begun anew. */
const WORN = 0.05;

/** What all takers of a group share. */
export interface TakerSettings extends DeliverySettings {
  readonly group: string;
  readonly levels: number;
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
