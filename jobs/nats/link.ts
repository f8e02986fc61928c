/**
 * Requests over one connection that last: each is repeated until it is answered, given up, or late.
 *
 * - A request is sent again when the connection is back, when nobody was there for it, and when no answer
 *   came for a while. Whoever asks sees to it that this does no harm.
 * - It may bring others with it that are to arrive before it; they are repeated with it. The order of the
 *   connection makes its answer theirs, too.
 * - Once the connection is closed for good, all that is asked, or was, fails with that.
 * - There is one timer, while anything is asked.
 *
 * @module
 */
import {
  createInbox,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  type Payload,
  PermissionViolationError,
  type Subscription,
} from "@nats-io/transport-node";
import { JobQueueError } from "../errors.ts";
import { closedFor, unauthorized, unreachable } from "./failures.ts";

/** How often it is looked what is late, in milliseconds. */
const LOOK = 1_000;
/** Without an answer for so long it is sent again; each time later. */
const PATIENCE = 2_500;
/** In so long the server has taken what was sent, when the connection is closed. */
const LAST_PATIENCE = 1_000;
/** The pauses after nobody was there: they grow. */
const FIRST_PAUSE = 20;
const LONGEST_PAUSE = 500;

/** One message that is sent. */
export interface Part {
  readonly subject: string;
  readonly body: Payload;
  readonly headers?: MsgHdrs | undefined;
}

/** What waits on the connection. */
export interface Hanging {
  /** Now and then. */
  look(now: number): void;
  /** The connection is back: whatever the server knew of this is lost. */
  again(): void;
  /** There will be no answer. */
  fail(error: JobQueueError): void;
  /** What it sends to, if that is forbidden. */
  readonly target: string;
}

export type Answered = (answer: Msg | undefined, error: JobQueueError | undefined) => void;

/** A request. */
export class Ask implements Hanging {
  readonly #link: Link;
  readonly #token: string;
  readonly #parts: readonly Part[];
  readonly #answered: Answered;
  readonly #deadline: number;
  #sentAt = 0;
  #sent = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pause = FIRST_PAUSE;

  constructor(
    link: Link,
    token: string,
    parts: readonly Part[],
    deadline: number,
    answered: Answered,
  ) {
    this.#link = link;
    this.#token = token;
    this.#parts = parts;
    this.#deadline = deadline;
    this.#answered = answered;
  }

  get target(): string {
    return this.#parts.at(-1)!.subject;
  }

  /** The server may have dealt with it although no answer has come. */
  get repeated(): boolean {
    return this.#sent > 1;
  }

  get sent(): boolean {
    return this.#sent > 0;
  }

  /** Nobody waits for an answer any more. */
  cancel(): void {
    clearTimeout(this.#timer);
    this.#link.forget(this.#token, this);
  }

  again(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sent++;
    this.#sentAt = performance.now();
    this.#link.send(this.#parts, this.#token);
  }

  look(now: number): void {
    if (now >= this.#deadline) {
      this.fail(unreachable(`the server has not answered in time`));
    } else if (this.#timer === undefined && now - this.#sentAt >= PATIENCE * this.#sent) {
      if (this.#link.up) this.again();
    }
  }

  fail(error: JobQueueError): void {
    this.cancel();
    this.#answered(undefined, error);
  }

  answer(message: Msg): void {
    if (message.data.length === 0 && message.headers?.code === 503) {
      this.#timer ??= setTimeout(() => this.again(), this.#pause);
      this.#pause = Math.min(LONGEST_PAUSE, this.#pause * 2);
      return;
    }
    this.cancel();
    this.#answered(message, undefined);
  }
}

export class Link {
  readonly nc: NatsConnection;
  readonly inboxPrefix: string | undefined;
  /** The connection is there, as far as it is known. */
  up = true;
  readonly #inbox: string;
  readonly #answers: Subscription;
  readonly #asks = new Map<string, Ask>();
  readonly #hanging = new Set<Hanging>();
  #next = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failure: JobQueueError | undefined;
  readonly #watching: Promise<void>;

  constructor(nc: NatsConnection, inboxPrefix: string | undefined) {
    this.nc = nc;
    this.inboxPrefix = inboxPrefix;
    this.#inbox = `${createInbox(inboxPrefix)}.`;
    this.#answers = nc.subscribe(`${this.#inbox}*`, {
      callback: (error, message) => {
        // Without the permission to listen there is no message; its status tells of that, too.
        if (error !== null) return;
        this.#asks.get(message.subject.slice(this.#inbox.length))?.answer(message);
      },
    });
    this.#watching = this.#watch();
    nc.closed().then((error) => this.#end(closedFor(error)));
  }

  /** Why there will be no answers any more. */
  get failure(): JobQueueError | undefined {
    return this.#failure;
  }

  /** `answered` is called once, unless it is cancelled before. */
  ask(parts: readonly Part[], answered: Answered, deadline = Infinity): Ask {
    const token = (this.#next++).toString(36);
    const ask = new Ask(this, token, parts, deadline, answered);
    if (this.#failure !== undefined) {
      const failure = this.#failure;
      queueMicrotask(() => answered(undefined, failure));
      return ask;
    }
    this.#asks.set(token, ask);
    this.hang(ask);
    if (this.up) ask.again();
    return ask;
  }

  /** The same as a promise. `deadline` as of `performance.now()`. */
  request(parts: readonly Part[], deadline?: number): Promise<Msg> {
    return new Promise((resolve, reject) => {
      this.ask(parts, (answer, error) => error ? reject(error) : resolve(answer!), deadline);
    });
  }

  /** Without an answer; lost if the connection is. It still works while the link is closed. */
  tell(subject: string, body: Payload): void {
    if (!this.up) return;
    try {
      this.nc.publish(subject, body);
    } catch {
      // The connection has ended, which is told elsewhere.
    }
  }

  hang(hanging: Hanging): void {
    this.#hanging.add(hanging);
    this.#timer ??= setTimeout(() => this.#look(), LOOK);
  }

  unhang(hanging: Hanging): void {
    this.#hanging.delete(hanging);
  }

  forget(token: string, ask: Ask): void {
    this.#asks.delete(token);
    this.#hanging.delete(ask);
  }

  send(parts: readonly Part[], token: string): void {
    const last = parts.length - 1;
    for (let at = 0; at < last; at++) {
      const { subject, body, headers } = parts[at]!;
      this.nc.publish(subject, body, headers && { headers });
    }
    const { subject, body, headers } = parts[last]!;
    const reply = this.#inbox + token;
    this.nc.publish(subject, body, headers ? { reply, headers } : { reply });
  }

  /** Sends what is to be sent, and lets go of the connection. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    const ended = new JobQueueError("the job queue is closed", "unreachable");
    this.#end(ended);
    if (!this.nc.isClosed()) {
      // Without a server there is nobody to wait for.
      if (this.up) await this.#drain();
      await this.nc.close();
    }
    await this.#watching;
  }

  /** A server that stands still does not hold it up. */
  async #drain(): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, LAST_PATIENCE);
    await Promise.race([this.nc.drain().catch(() => {}), late]);
    clearTimeout(timer);
  }

  #look(): void {
    this.#timer = undefined;
    const now = performance.now();
    for (const hanging of [...this.#hanging]) hanging.look(now);
    if (this.#hanging.size > 0) this.#timer ??= setTimeout(() => this.#look(), LOOK);
  }

  async #watch(): Promise<void> {
    for await (const status of this.nc.status()) {
      if (status.type === "disconnect") {
        this.up = false;
      } else if (status.type === "reconnect") {
        this.up = true;
        for (const hanging of [...this.#hanging]) hanging.again();
      } else if (status.type === "error" && status.error instanceof PermissionViolationError) {
        this.#refuse(status.error);
      }
    }
  }

  #refuse(error: PermissionViolationError): void {
    const own = error.operation === "subscription" && error.subject.startsWith(this.#inbox);
    for (const hanging of [...this.#hanging]) {
      if (own || hanging.target === error.subject) hanging.fail(unauthorized(error));
    }
  }

  #end(failure: JobQueueError): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    clearTimeout(this.#timer);
    for (const hanging of [...this.#hanging]) hanging.fail(failure);
  }
}
