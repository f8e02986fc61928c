/**
 * A request that lasts: it is repeated until it is answered, given up, or late.
 *
 * - It is sent again when the connection is back, when nobody was there for it, and when no answer came for
 *   a while. Whoever asks sees to it that this does no harm.
 * - It may bring others with it that are to arrive before it; they are repeated with it. The order of the
 *   connection makes its answer theirs, too.
 *
 * @module
 */
import type { Msg, MsgHdrs, Payload } from "@nats-io/transport-node";
import type { JobQueueError } from "../errors.ts";
import { unreachable } from "./failures.ts";
import type { Link } from "./link.ts";

/** Without an answer for so long it is sent again; each time later. */
const PATIENCE = 2_500;
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

/** Which of the parts are still to be sent; none: there is nothing to ask any more. */
export type Recheck = (parts: readonly Part[]) => Promise<readonly Part[]>;

/** Neither of them: nothing was left to be asked. */
export type Answered = (answer: Msg | undefined, error: JobQueueError | undefined) => void;

/** How a request is asked. */
export interface AskTerms {
  /** Until when it is repeated, as of `performance.now()`; for ever if left out. */
  readonly deadline?: number | undefined;
  /** Asked before it is sent again. */
  readonly recheck?: Recheck | undefined;
  /** It is asked before it is sent for the first time, too. */
  readonly doubtful?: boolean;
}

/** A request. */
export class Ask implements Hanging {
  readonly #link: Link;
  readonly #token: string;
  #parts: readonly Part[];
  #answered: Answered;
  readonly #recheck: Recheck | undefined;
  readonly #doubtful: boolean;
  #checking = false;
  #deadline: number;
  #sentAt = 0;
  #sent = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pause = FIRST_PAUSE;

  constructor(
    link: Link,
    token: string,
    parts: readonly Part[],
    answered: Answered,
    { deadline = Infinity, recheck, doubtful = false }: AskTerms,
  ) {
    this.#link = link;
    this.#token = token;
    this.#parts = parts;
    this.#deadline = deadline;
    this.#answered = answered;
    this.#recheck = recheck;
    this.#doubtful = doubtful;
  }

  get target(): string {
    return this.#parts.at(-1)?.subject ?? "";
  }

  /** The server may have dealt with it although no answer has come. */
  get repeated(): boolean {
    return this.#sent > 1;
  }

  /** It has until then, at most. */
  hurry(deadline: number): void {
    this.#deadline = Math.min(this.#deadline, deadline);
  }

  /** Nobody waits for an answer any more. */
  cancel(): void {
    this.#leave();
  }

  again(): void {
    if (this.#parts.length === 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#recheck === undefined || (this.#sent === 0 && !this.#doubtful)) this.#send();
    else this.#sendRest(this.#recheck);
  }

  look(now: number): void {
    if (now >= this.#deadline) {
      this.fail(notInTime());
    } else if (this.#timer === undefined && now - this.#sentAt >= PATIENCE * this.#sent) {
      if (this.#link.up) this.again();
    }
  }

  fail(error: JobQueueError): void {
    this.#leave()(undefined, error);
  }

  answer(message: Msg): void {
    if (message.data.length === 0 && message.headers?.code === 503) {
      this.#timer ??= setTimeout(() => this.again(), this.#pause);
      this.#pause = Math.min(LONGEST_PAUSE, this.#pause * 2);
      return;
    }
    this.#leave()(message, undefined);
  }

  #send(): void {
    this.#sent++;
    this.#sentAt = performance.now();
    this.#link.send(this.#parts, this.#token);
  }

  async #sendRest(recheck: Recheck): Promise<void> {
    if (this.#checking) return;
    this.#checking = true;
    try {
      const parts = await recheck(this.#parts);
      if (this.#parts.length === 0) return;
      if (parts.length === 0) return this.#leave()(undefined, undefined);
      this.#parts = parts;
      this.#send();
    } catch {
      // It is looked at again later.
    } finally {
      this.#checking = false;
    }
  }

  /**
   * Whom to tell. It lets go of him and of what it sent: the tables that it stood in may keep it for a while,
   * and the collector of garbage would copy all of that.
   */
  #leave(): Answered {
    clearTimeout(this.#timer);
    this.#link.forget(this.#token, this);
    const answered = this.#answered;
    this.#answered = () => {};
    this.#parts = [];
    return answered;
  }
}

export function notInTime(): JobQueueError {
  return unreachable("the server has not answered in time");
}
