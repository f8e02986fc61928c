/**
 * Stores jobs in the stream of work, and waits while that is full.
 *
 * - While there is room, whoever puts publishes at once. Who is told that it is full stands in the line, by
 *   the order of the calls, and all who come later behind them. The first of the line alone asks again,
 *   after a pause that grows from 1 to 20 ms, and starts again when one was stored.
 * - A put that is repeated carries the same id, so that the server stores it once. If the first try was
 *   stored and its answer lost, the second is told of a duplicate: its own.
 * - A put that ends early while it is in the line has stored nothing; while its message is on its way it
 *   may have.
 *
 * @module
 */
import type { Msg } from "@nats-io/transport-node";
import type { Wait } from "../../core/contract.ts";
import { DeadlineExceededError } from "../../core/errors.ts";
import { type Owner, park, WaitList, WaitNode } from "../../core/wait_list.ts";
import { answerOf, type Api, errorOf } from "./api.ts";
import { type ApiError, isFull, isPassing, refusedBy, tooLarge } from "./failures.ts";
import { headerBlock, type HeaderLines } from "./header_block.ts";
import type { Ask, Link, Part } from "./link.ts";
import { MESSAGE_ID_HEADER } from "./nats_delivery.ts";
import { patientOf, triesOnce } from "./once.ts";

/** Who put a job whose id somebody else may use, too. */
const ORIGIN_HEADER = "Sluice-Origin";
/** No stream ends there: what expects that is never stored, but a duplicate is told before. */
const NEVER = "9007199254740991";

const SHORTEST_PAUSE = 1;
const LONGEST_PAUSE = 20;
/** While JetStream is not ready. */
const PASSING_PAUSE = 100;

/** What is to be stored. */
export interface NewMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  /** What the server knows it by. */
  readonly messageId: string;
  /** Somebody else may use the same id. */
  readonly named: boolean;
  readonly more?: HeaderLines;
  /** Asked again after it has waited: false, it is not to be stored any more. */
  readonly stillWanted?: () => Promise<boolean>;
}

interface PubAck {
  readonly seq: number;
  readonly duplicate?: boolean;
}

/** One put. It is told by its node's promise: true, it is stored; false, it is a duplicate. */
class Put implements Owner {
  readonly line: PutLine;
  readonly message: NewMessage;
  readonly ticket: number;
  readonly once: boolean;
  readonly node = new WaitNode(undefined);
  /** Of this one call. */
  readonly origin: string;
  readonly part: Part;
  ask: Ask | undefined;
  /** A try may have been stored, and nobody said so. */
  unsure = false;
  lined = false;
  next: Put | undefined;
  prev: Put | undefined;

  constructor(line: PutLine, message: NewMessage, ticket: number, origin: string, once: boolean) {
    this.line = line;
    this.message = message;
    this.ticket = ticket;
    this.origin = origin;
    this.once = once;
    this.part = line.partOf(message, message.named ? [[ORIGIN_HEADER, origin]] : []);
  }

  get waiting(): boolean {
    return this.node.list !== null;
  }

  left(): void {
    this.line.withdraw(this);
  }

  settle(stored: boolean): void {
    if (!this.waiting) return;
    this.node.leave();
    this.node.settle(stored);
  }

  fail(error: unknown): void {
    if (!this.waiting) return;
    this.node.leave();
    this.node.fail(error);
  }
}

export class PutLine {
  readonly #link: Link;
  readonly #api: Api;
  readonly #stream: string;
  readonly #run = crypto.randomUUID().slice(0, 8);
  #tickets = 0;
  #first: Put | undefined;
  #last: Put | undefined;
  /** The first of the line, while its message is on its way. */
  #asking: Put | undefined;
  #pause = SHORTEST_PAUSE;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(link: Link, api: Api, stream: string) {
    this.#link = link;
    this.#api = api;
    this.#stream = stream;
  }

  /** true: it is stored; false: it is a duplicate. Waits while the stream is full. */
  put(message: NewMessage, wait: Wait): Promise<boolean> {
    const ticket = this.#tickets++;
    const put = new Put(this, message, ticket, `${this.#run}.${ticket}`, triesOnce(wait));
    const stored = park<boolean>(new WaitList(put), put.node, patientOf(wait));
    if (!put.waiting) return stored;
    if (this.#first === undefined) this.#publish(put);
    else if (message.named) this.#askWhetherKnown(put);
    else this.#waitForRoom(put);
    return stored;
  }

  /** One try. "full": there is no room. */
  async putNow(message: NewMessage): Promise<"stored" | "full"> {
    const error = errorOf(answerOf(await this.#link.request([this.partOf(message)])));
    if (error === undefined) return "stored";
    if (isFull(error) || isPassing(error)) return "full";
    throw refusedBy(error);
  }

  /** Throws a JobQueueError if the server takes no message of that size. */
  partOf({ subject, data, messageId, more = [] }: NewMessage, extra: HeaderLines = []): Part {
    const { headers, size } = headerBlock([[MESSAGE_ID_HEADER, messageId], ...more, ...extra]);
    const most = this.#link.nc.info?.max_payload;
    if (most !== undefined && size + data.length > most) throw tooLarge(size + data.length, most);
    return { subject, body: data, headers };
  }

  /** It has ended early. */
  withdraw(put: Put): void {
    put.ask?.cancel();
    if (put.lined) this.#remove(put);
    if (this.#asking !== put) return;
    this.#asking = undefined;
    this.#serve();
  }

  #publish(put: Put): void {
    put.ask = this.#link.ask([put.part], (answer, error) => {
      if (put.ask?.repeated) put.unsure = true;
      if (this.#asking === put) this.#asking = undefined;
      if (error !== undefined) this.#failed(put, error);
      else this.#answered(put, answer!);
    });
  }

  #answered(put: Put, answer: Msg): void {
    const ack = answerOf<PubAck>(answer);
    const error = errorOf(ack);
    if (error !== undefined) {
      this.#refused(put, error);
    } else if ((ack as PubAck).duplicate === true && put.unsure && put.message.named) {
      this.#askWhose(put, (ack as PubAck).seq);
    } else {
      this.#stored(put, (ack as PubAck).duplicate !== true || !put.message.named);
    }
  }

  #stored(put: Put, stored: boolean): void {
    if (put.lined) {
      this.#remove(put);
      this.#pause = SHORTEST_PAUSE;
    }
    put.settle(stored);
    this.#serve();
  }

  #refused(put: Put, error: ApiError): void {
    const full = isFull(error);
    if (!full && !isPassing(error)) return this.#failed(put, refusedBy(error));
    if (!full) put.unsure = true;
    if (put.once) return this.#failed(put, nothing(full));
    if (!put.lined) this.#insert(put);
    this.#rest(full ? this.#pause : PASSING_PAUSE);
    this.#pause = Math.min(LONGEST_PAUSE, this.#pause * 1.5);
  }

  #failed(put: Put, error: unknown): void {
    if (put.lined) this.#remove(put);
    put.fail(error);
    this.#serve();
  }

  #askWhetherKnown(put: Put): void {
    const { subject, messageId } = put.message;
    const { headers } = headerBlock([
      [MESSAGE_ID_HEADER, messageId],
      ["Nats-Expected-Last-Sequence", NEVER],
    ]);
    put.ask = this.#link.ask([{ subject, body: "", headers }], (answer, error) => {
      put.ask = undefined;
      if (error !== undefined) put.fail(error);
      else if (errorOf(answerOf(answer!)) === undefined) put.settle(false);
      else this.#waitForRoom(put);
    });
  }

  /** The message that was stored with this id tells whose it is; if it has gone, it was just now. */
  async #askWhose(put: Put, seq: number): Promise<void> {
    try {
      const found = await this.#api.message(this.#stream, { seq });
      const origin = found?.headers.get(ORIGIN_HEADER);
      this.#stored(put, origin === undefined || origin === put.origin);
    } catch (error) {
      this.#failed(put, error);
    }
  }

  async #askWhetherWanted(put: Put, stillWanted: () => Promise<boolean>): Promise<void> {
    try {
      const wanted = await stillWanted();
      if (!put.waiting) return;
      if (wanted) return this.#publish(put);
      this.#asking = undefined;
      this.#stored(put, false);
    } catch (error) {
      this.#asking = undefined;
      this.#failed(put, error);
    }
  }

  #waitForRoom(put: Put): void {
    if (put.once) return put.fail(nothing(true));
    this.#insert(put);
    this.#serve();
  }

  #serve(): void {
    const first = this.#first;
    if (first === undefined) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
    } else if (this.#timer === undefined && this.#asking === undefined) {
      this.#asking = first;
      if (first.message.stillWanted === undefined) this.#publish(first);
      else this.#askWhetherWanted(first, first.message.stillWanted);
    }
  }

  #rest(ms: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#serve();
    }, ms);
  }

  /** By the order of the calls: one that was on its way comes before those that were called later. */
  #insert(put: Put): void {
    let before = this.#last;
    while (before !== undefined && before.ticket > put.ticket) before = before.prev;
    const after = before === undefined ? this.#first : before.next;
    put.prev = before;
    put.next = after;
    if (before === undefined) this.#first = put;
    else before.next = put;
    if (after === undefined) this.#last = put;
    else after.prev = put;
    put.lined = true;
  }

  #remove(put: Put): void {
    const { prev, next } = put;
    if (prev === undefined) this.#first = next;
    else prev.next = next;
    if (next === undefined) this.#last = prev;
    else next.prev = prev;
    put.prev = put.next = undefined;
    put.lined = false;
    if (this.#first === undefined) this.#serve();
  }
}

function nothing(full: boolean): DeadlineExceededError {
  return new DeadlineExceededError(
    full
      ? "the job queue is full, and timeout is 0 ms"
      : "the NATS server is not ready, and timeout is 0 ms",
  );
}
