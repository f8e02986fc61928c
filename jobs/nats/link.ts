/**
 * The connection that all parts of an engine share, and what waits on it.
 *
 * - Requests last: they outlive a connection that is lost for a while.
 * - Once the connection is closed for good, all that is asked, or was, fails with that.
 * - There is one timer, while anything is asked.
 * - Before it is closed, it is told to hurry: then no request lasts longer than some seconds, or than a
 *   moment while the connection is lost.
 *
 * @module
 */
import {
  createInbox,
  type Msg,
  type NatsConnection,
  type Payload,
  PermissionViolationError,
  type Subscription,
} from "@nats-io/transport-node";
import { JobQueueError } from "../errors.ts";
import {
  type Answered,
  Ask,
  type AskTerms,
  type Hanging,
  notInTime,
  type Part,
  type Recheck,
} from "./ask.ts";
import { closedFor, unauthorized } from "./failures.ts";

export type { Answered, Ask, Hanging, Part, Recheck } from "./ask.ts";

/** How often it is looked what is late, in milliseconds. */
const LOOK = 1_000;
/** When the connection is to be closed: in so long the server has taken what was sent. */
const LAST_PATIENCE = 1_000;
/** In so long it has answered, */
const CLOSING = 4_000;
/** and in so long it is back if it was away. */
const MOMENT = 400;

export class Link {
  readonly nc: NatsConnection;
  readonly inboxPrefix: string | undefined;
  /** The connection is there, as far as it is known. */
  up = true;
  /** Since when, as of `performance.now()`. */
  connectedAt = performance.now();
  readonly #inbox: string;
  readonly #answers: Subscription;
  readonly #asks = new Map<string, Ask>();
  readonly #hanging = new Set<Hanging>();
  #next = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failure: JobQueueError | undefined;
  /** No request lasts longer: the connection is about to be closed. */
  #latest = Infinity;
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
  ask(parts: readonly Part[], answered: Answered, terms: AskTerms = {}): Ask {
    const token = (this.#next++).toString(36);
    const ask = new Ask(this, token, parts, answered, terms);
    ask.hurry(this.#latest);
    const failure = this.#failure ?? (this.#tooLate ? notInTime() : undefined);
    if (failure !== undefined) {
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
      this.ask(parts, (answer, error) => error ? reject(error) : resolve(answer!), { deadline });
    });
  }

  /**
   * Resolves when all have arrived, or are not to be sent any more. Which are is checked before they are sent
   * again; and before the first time, if the connection was lost after `since`.
   */
  confirm(
    parts: readonly Part[],
    since: number,
    recheck: Recheck,
    deadline?: number,
  ): Promise<void> {
    const doubtful = !this.up || since < this.connectedAt;
    return new Promise((resolve, reject) => {
      const answered: Answered = (_, error) => error ? reject(error) : resolve();
      this.ask(parts, answered, { deadline, recheck, doubtful });
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

  /** It is about to be closed: whatever is asked, or will be, is to be answered soon, or not at all. */
  hurry(): void {
    this.#limit(this.up ? CLOSING : MOMENT);
  }

  #limit(time: number): void {
    this.#latest = Math.min(this.#latest, performance.now() + time);
    for (const ask of this.#asks.values()) ask.hurry(this.#latest);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), time + 1);
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

  /** It is about to be closed, and nobody is there. */
  get #tooLate(): boolean {
    return !this.up && performance.now() >= this.#latest;
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
        if (this.#latest < Infinity) this.#limit(MOMENT);
      } else if (status.type === "reconnect") {
        this.up = true;
        this.connectedAt = performance.now();
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
