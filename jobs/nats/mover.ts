/**
 * Makes jobs ready whose delay is over.
 *
 * - They wait in the stream of work, under a subject that no group takes from, and the server holds each
 *   until it is due. Whoever takes from the queue asks for them, too, and puts those that are due where the
 *   groups take from: first there, then away here, with an id by which the server knows it if that is
 *   repeated.
 * - If the queue is full, there is no room for that. Then it goes to the stream `due`, which gives its place
 *   in the queue free, and from there into the line of those who put. So the bound is never exceeded, and the
 *   job is stored somewhere at each moment.
 *
 * @module
 */
import type { Msg } from "@nats-io/transport-node";
import type { JobQueueError } from "../errors.ts";
import type { Api } from "./api.ts";
import { nanos } from "./blueprint.ts";
import type { Link } from "./link.ts";
import type { Names } from "./names.ts";
import { ID_HEADER, MESSAGE_ID_HEADER, trackingOf } from "./nats_delivery.ts";
import { type Pull, Puller, type PullEvents } from "./pull.ts";
import type { NewMessage } from "./put.ts";
import type { PutLine } from "./put_line.ts";
import { sameJobs } from "./same_jobs.ts";

/** How many milliseconds a job is delayed, from when it was stored. */
export const DELAY_HEADER = "Sluice-Delay";

/** Milliseconds that a request waits at the server before it is made anew. */
const EXPIRES = 5_000;
/** How many are asked for at once. */
const BATCH = 64;
/** Milliseconds until a consumer that was not there is asked again. */
const PAUSE = 250;

/** Asks one consumer as long as somebody wants it to. */
class Feed implements PullEvents {
  readonly #link: Link;
  readonly #puller: Puller;
  readonly #stream: string;
  readonly #consumer: string;
  readonly #handle: (messages: Msg[]) => Promise<void>;
  readonly #needed: () => boolean;
  readonly #batch: number;
  #pull: Pull | undefined;
  /** What has come, and is not dealt with. */
  #gathered: Msg[] = [];
  #busy: Promise<void> | undefined;
  #wanted = false;
  #closed = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    link: Link,
    stream: string,
    consumer: string,
    batch: number,
    handle: (messages: Msg[]) => Promise<void>,
    needed: () => boolean,
  ) {
    this.#link = link;
    this.#puller = new Puller(link);
    this.#stream = stream;
    this.#consumer = consumer;
    this.#batch = batch;
    this.#handle = handle;
    this.#needed = needed;
  }

  /** Somebody takes: asks, if nothing is asked, and once more after that. */
  want(): void {
    this.#wanted = true;
    this.#ask();
  }

  /** What has come so far is dealt with. */
  async settled(): Promise<void> {
    await this.#busy;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#pull?.withdraw();
    this.#pull = undefined;
  }

  message(pull: Pull, message: Msg, full: boolean): void {
    if (full) this.#over(pull);
    this.#gathered.push(message);
    this.#busy ??= this.#work().finally(() => {
      this.#busy = undefined;
      // There was one: there may be more.
      this.want();
    });
  }

  ended(pull: Pull, code: number): void {
    this.#over(pull);
    if (code === 408 || code === 404) return this.#ask();
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#ask();
    }, PAUSE);
  }

  lost(pull: Pull): void {
    this.#over(pull);
    this.#ask();
  }

  failed(pull: Pull, _: JobQueueError): void {
    this.#over(pull);
  }

  #over(pull: Pull): void {
    if (this.#pull === pull) this.#pull = undefined;
  }

  async #work(): Promise<void> {
    while (this.#gathered.length > 0) {
      // Those that come together are dealt with together.
      await this.#link.nc.flush().catch(() => {});
      // What fails comes again.
      await this.#handle(this.#gathered.splice(0)).catch(() => {});
    }
  }

  #ask(): void {
    const idle = this.#pull === undefined && this.#timer === undefined && this.#busy === undefined;
    if (!idle || this.#closed) return;
    // Whoever waits for long wants it for as long.
    if (!this.#wanted && !this.#needed()) return;
    // Whoever asks on a connection that has ended is told so by the client, and nobody here could be.
    if (this.#link.failure !== undefined) return;
    this.#wanted = false;
    this.#pull = this.#puller.pull({
      stream: this.#stream,
      consumer: this.#consumer,
      batch: this.#batch,
      expires: EXPIRES,
    }, this);
  }
}

export class Mover {
  readonly #link: Link;
  readonly #api: Api;
  readonly #names: Names;
  readonly #line: PutLine;
  readonly #delayed: Feed;
  readonly #due: Feed;
  #closed = false;
  readonly #life = new AbortController();

  constructor(link: Link, api: Api, names: Names, line: PutLine, needed: () => boolean) {
    this.#link = link;
    this.#api = api;
    this.#names = names;
    this.#line = line;
    const { work, due, mover } = names;
    this.#delayed = new Feed(link, work, mover, BATCH, (messages) => this.#move(messages), needed);
    this.#due = new Feed(link, due, mover, 1, (messages) => this.#enter(messages), needed);
  }

  /** Somebody takes, or wants to know. */
  want(): void {
    this.#delayed.want();
    this.#due.want();
  }

  /** What has come so far has been moved. */
  async settled(): Promise<void> {
    this.want();
    await this.#delayed.settled();
  }

  close(): void {
    this.#closed = true;
    this.#delayed.close();
    this.#due.close();
    this.#life.abort();
  }

  /** As they are due: a batch may have waited for somebody to ask. */
  async #move(messages: readonly Msg[]): Promise<void> {
    const timed = messages.map((message) => ({ message, left: delayLeft(message) }));
    timed.sort((a, b) => a.left - b.left);
    await Promise.allSettled(timed.map(({ message, left }) => this.#moveOne(message, left)));
  }

  async #moveOne(message: Msg, left: number): Promise<void> {
    const since = performance.now();
    const reply = message.reply!;
    if (this.#closed) return this.#link.tell(reply, "-NAK");
    if (left > 0) return this.#link.tell(reply, `-NAK {"delay":${nanos(left)}}`);
    const moved = this.#moved(message, (level) => this.#names.jobSubject(level));
    if (await this.#line.putNow(moved) === "full") {
      const stored = { ...moved, subject: this.#names.dueSubject(levelOf(message)) };
      if (await this.#line.putNow(stored) === "full") return this.#link.tell(reply, "-NAK");
    }
    await this.#acknowledge(this.#names.work, message, since);
  }

  /** One after the other, in the line of those who put. */
  async #enter(messages: readonly Msg[]): Promise<void> {
    const since = performance.now();
    for (const message of messages) {
      const moved = this.#moved(message, (level) => this.#names.jobSubject(level));
      try {
        await this.#line.put(moved, this.#life.signal);
      } catch {
        this.#link.tell(message.reply!, "-NAK");
        continue;
      }
      await this.#acknowledge(this.#names.due, message, since);
    }
  }

  async #acknowledge(stream: string, message: Msg, since: number): Promise<void> {
    const part = { subject: message.reply!, body: "+ACK" };
    await this.#link.confirm([part], since, sameJobs(this.#api, stream));
  }

  /** The same job in another place. */
  #moved(message: Msg, subjectOf: (level: number) => string): NewMessage {
    const headers = message.headers!;
    const { seq, storedAt } = trackingOf(message.reply!);
    const id = headers.get(ID_HEADER) || headers.get(MESSAGE_ID_HEADER);
    // A job of `due` has been moved before, and keeps what it was called then.
    const messageId = headers.get(ID_HEADER) === ""
      ? `+${seq}-${storedAt}`
      : headers.get(MESSAGE_ID_HEADER);
    return {
      subject: subjectOf(levelOf(message)),
      data: message.data,
      messageId,
      named: false,
      more: [[ID_HEADER, id]],
    };
  }
}

function levelOf(message: Msg): number {
  return Number(message.subject.slice(message.subject.lastIndexOf(".") + 1));
}

/** Milliseconds until it is due, if the clocks of this machine and the server's agree. */
function delayLeft(message: Msg): number {
  const storedAt = Number(trackingOf(message.reply!).storedAt) / 1e6;
  return storedAt + Number(message.headers!.get(DELAY_HEADER)) - Date.now();
}
