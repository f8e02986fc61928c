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
import { park, WaitList } from "../../core/wait_list.ts";
import { answerOf, type Api, errorOf } from "./api.ts";
import { type ApiError, isFull, isPassing, refusedBy, tooLarge } from "./failures.ts";
import { headerBlock, type HeaderLines } from "./header_block.ts";
import type { Link, Part } from "./link.ts";
import { MESSAGE_ID_HEADER } from "./nats_delivery.ts";
import { patientOf, triesOnce } from "./once.ts";
import { type NewMessage, Put, PutOrder } from "./put.ts";

/** Who put a job whose id somebody else may use, too. */
const ORIGIN_HEADER = "Sluice-Origin";
/** No stream ends there: what expects that is never stored, but a duplicate is told before. */
const NEVER = "9007199254740991";

const SHORTEST_PAUSE = 1;
const LONGEST_PAUSE = 20;
/** While JetStream is not ready. */
const PASSING_PAUSE = 100;

/** What a stream says that has stored a message. */
interface PubAck {
  readonly seq: number;
  readonly duplicate?: boolean;
}

export class PutLine {
  readonly #link: Link;
  readonly #api: Api;
  readonly #stream: string;
  readonly #run = crypto.randomUUID().slice(0, 8);
  #tickets = 0;
  readonly #order = new PutOrder();
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
    const origin = `${this.#run}.${ticket}`;
    const part = this.partOf(message, message.named ? [[ORIGIN_HEADER, origin]] : []);
    const once = triesOnce(wait);
    const put = new Put({ message, part, ticket, origin, once }, (put) => this.#withdraw(put));
    const stored = park<boolean>(new WaitList(put), put.node, patientOf(wait));
    if (!put.waiting) return stored;
    if (this.#order.first === undefined) this.#publish(put);
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
  #withdraw(put: Put): void {
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
    if (!put.lined) this.#order.insert(put);
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
    this.#order.insert(put);
    this.#serve();
  }

  #serve(): void {
    const first = this.#order.first;
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

  #remove(put: Put): void {
    this.#order.remove(put);
    if (this.#order.first === undefined) this.#serve();
  }
}

function nothing(full: boolean): DeadlineExceededError {
  return new DeadlineExceededError(
    full
      ? "the job queue is full, and timeout is 0 ms"
      : "the NATS server is not ready, and timeout is 0 ms",
  );
}
