/**
 * One request for jobs at one consumer, and the inbox on which they come.
 *
 * - A message carries the subject of its stream: only its inbox tells which request it answers. So each
 *   request has an inbox of its own; one that was answered in full lends its inbox to the next.
 * - A request that is withdrawn leaves nothing on the server, which forgets those whose inbox nobody listens
 *   to. What was on its way still comes, and goes to whom its group gives it. But what the server hands out
 *   in that very moment comes to nobody until its lease is over: so only a request that is not needed any
 *   more is withdrawn, never one that was answered in part.
 * - The server ends each request: with the last job that was asked for, or by saying that no more are there.
 *
 * @module
 */
import { createInbox, type Msg, type Subscription } from "@nats-io/transport-node";
import type { JobQueueError } from "../errors.ts";
import type { Hanging, Link } from "./link.ts";

/** How many unused inboxes are kept. */
const KEPT = 64;
/** Milliseconds after which an answer is missing. */
const GRACE = 1_500;
/** Milliseconds in which a server tells of a consumer, or nobody minds. */
const FORGETTING = 2_000;

/** What came in answer to a request. */
export interface PullEvents {
  /** A job; `full`: all that was asked for has come. */
  message(pull: Pull, message: Msg, full: boolean): void;
  /** No more comes: 404, there is none; 408, no more, or not in time; 409 and 503, no consumer is there. */
  ended(pull: Pull, code: number, text: string): void;
  /** It is to be made anew: the server may have forgotten it. */
  lost(pull: Pull): void;
  failed(pull: Pull, error: JobQueueError): void;
}

export interface PullOptions {
  readonly stream: string;
  readonly consumer: string;
  readonly batch: number;
  /** Milliseconds that it waits for the first; 0: it does not. */
  readonly expires: number;
}

class Inbox {
  readonly subject: string;
  readonly subscription: Subscription;
  pull: Pull | undefined;

  constructor(link: Link) {
    this.subject = createInbox(link.inboxPrefix);
    this.subscription = link.nc.subscribe(this.subject, {
      callback: (_, message) => this.pull?.receive(message),
    });
  }
}

export class Pull implements Hanging {
  readonly target: string;
  /** When it was sent: what comes in answer has been handed out later. */
  readonly sentAt = performance.now();
  readonly options: PullOptions;
  readonly #puller: Puller;
  readonly #inbox: Inbox;
  readonly #events: PullEvents;
  #left: number;
  /** Nothing comes any more, as far as is known. */
  #over = false;

  constructor(puller: Puller, inbox: Inbox, options: PullOptions, events: PullEvents) {
    this.#puller = puller;
    this.#inbox = inbox;
    this.options = options;
    this.#events = events;
    this.#left = options.batch;
    this.target = `$JS.API.CONSUMER.MSG.NEXT.${options.stream}.${options.consumer}`;
    inbox.pull = this;
  }

  get inbox(): string {
    return this.#inbox.subject;
  }

  /** It may still be answered. */
  get open(): boolean {
    return !this.#over;
  }

  receive(message: Msg): void {
    // What the server says itself comes to the inbox, a job comes with its own subject.
    if (message.subject === this.#inbox.subject) {
      const { code = 0, description = "" } = message.headers ?? {};
      if (code === 100 || this.#over) return;
      this.#finish();
      this.#events.ended(this, code, description);
      return;
    }
    const full = --this.#left === 0;
    if (full && !this.#over) this.#finish();
    this.#events.message(this, message, full);
  }

  /** Nobody waits for it any more. */
  withdraw(): void {
    if (this.#over) return;
    this.#over = true;
    this.#puller.drop(this, this.#inbox);
  }

  look(now: number): void {
    if (this.#puller.up && now - this.sentAt > this.options.expires + GRACE) this.again();
  }

  again(): void {
    if (this.#over) return;
    this.withdraw();
    this.#events.lost(this);
  }

  fail(error: JobQueueError): void {
    if (this.#over) return;
    this.withdraw();
    this.#events.failed(this, error);
  }

  #finish(): void {
    this.#over = true;
    this.#puller.reuse(this, this.#inbox);
  }
}

/** Makes the requests of those who may have one another's jobs: an inbox that is lent is theirs. */
export class Puller {
  readonly #link: Link;
  readonly #idle: Inbox[] = [];
  /** The consumers that have requests which were withdrawn, until a microtask later. */
  readonly #stale = new Set<string>();
  /** Resolves when the server has forgotten all of them; undefined: there are none. */
  #forgotten: Promise<unknown> | undefined;

  constructor(link: Link) {
    this.#link = link;
  }

  get up(): boolean {
    return this.#link.up;
  }

  pull(options: PullOptions, events: PullEvents): Pull {
    const pull = new Pull(this, this.#idle.pop() ?? new Inbox(this.#link), options, events);
    this.#link.hang(pull);
    const { batch, expires } = options;
    const asked = expires === 0
      ? `{"batch":${batch},"no_wait":true}`
      : `{"batch":${batch},"no_wait":true,"expires":${Math.ceil(scattered(expires) * 1e6)}}`;
    // Without a connection it is sent when that is back.
    if (this.#link.up) this.#link.nc.publish(pull.target, asked, { reply: pull.inbox });
    return pull;
  }

  /** When the server has forgotten the requests that were withdrawn; undefined: it has. */
  get forgotten(): Promise<unknown> | undefined {
    return this.#forgotten;
  }

  drop(pull: Pull, inbox: Inbox): void {
    this.#link.unhang(pull);
    if (inbox.subscription.isClosed()) return;
    inbox.subscription.drain().catch(() => {});
    this.#forget(pull.options);
  }

  /**
   * A server of version 2.9 looks for requests whose inbox has gone when it is asked about their consumer,
   * or when it wants to hand out a job. In the latter case it loses count of the job's deliveries.
   */
  #forget({ stream, consumer }: PullOptions): void {
    if (!this.#link.up) return;
    this.#stale.add(`$JS.API.CONSUMER.INFO.${stream}.${consumer}`);
    if (this.#stale.size > 1) return;
    const forgotten = Promise.resolve().then(async () => {
      const subjects = [...this.#stale];
      this.#stale.clear();
      const deadline = performance.now() + FORGETTING;
      await Promise.allSettled(
        subjects.map((subject) => this.#link.request([{ subject, body: "" }], deadline)),
      );
      if (this.#forgotten === forgotten) this.#forgotten = undefined;
    });
    this.#forgotten = forgotten;
  }

  reuse(pull: Pull, inbox: Inbox): void {
    this.#link.unhang(pull);
    if (this.#idle.length < KEPT) this.#idle.push(inbox);
    else inbox.subscription.unsubscribe();
  }
}

/**
 * A server of version 2.9 forgets a request without a word, and counts one delivery too many, if it ends in
 * the microseconds in which a job comes back to be handed out again. Round figures would meet often.
 */
function scattered(ms: number): number {
  return ms * (0.8 + 0.2 * Math.random());
}
