/**
 * What JetStream is asked, as JSON.
 *
 * @module
 */
import type { Msg, Payload } from "@nats-io/transport-node";
import { type ApiError, isPassing, refusedBy } from "./failures.ts";
import type { Link } from "./link.ts";

/** A message that a stream holds. */
export interface StoredMessage {
  readonly subject: string;
  readonly seq: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly data: Uint8Array;
  /** Milliseconds since the epoch, by the server's clock. */
  readonly time: number;
}

const decoder = new TextDecoder();
/** Milliseconds between two tries while JetStream is not ready. */
const PAUSE = 100;

export class Api {
  readonly #link: Link;

  constructor(link: Link) {
    this.#link = link;
  }

  /** Asks; the answer, or what JetStream says against it. Until `deadline`, as of `performance.now()`. */
  async ask<R>(what: string, body: unknown, deadline = Infinity): Promise<R | { error: ApiError }> {
    const text: Payload = body === undefined ? "" : JSON.stringify(body);
    for (;;) {
      const parts = [{ subject: `$JS.API.${what}`, body: text }];
      const answer = answerOf<R>(await this.#link.request(parts, deadline));
      const error = errorOf(answer);
      if (error === undefined || !isPassing(error) || performance.now() + PAUSE >= deadline) {
        return answer;
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }

  /** Asks, and rejects with what JetStream says against it. */
  async get<R>(what: string, body?: unknown, deadline?: number): Promise<R> {
    const answer = await this.ask<R>(what, body, deadline);
    const error = errorOf(answer);
    if (error !== undefined) throw refusedBy(error);
    return answer as R;
  }

  /** A message; undefined: there is none. */
  async message(
    stream: string,
    which: unknown,
    deadline?: number,
  ): Promise<StoredMessage | undefined> {
    const what = `STREAM.MSG.GET.${stream}`;
    const answer = await this.ask<{ message: RawMessage }>(what, which, deadline);
    const error = errorOf(answer);
    if (error === undefined) return messageOf((answer as { message: RawMessage }).message);
    if (error.err_code === 10037) return undefined;
    throw refusedBy(error);
  }

  /** false: it was not there. */
  async deleteMessage(stream: string, seq: number): Promise<boolean> {
    const answer = await this.ask(`STREAM.MSG.DELETE.${stream}`, { seq, no_erase: true });
    const error = errorOf(answer);
    if (error === undefined) return true;
    // Not there (10043, 10057) also if an earlier try of ours was the one.
    if (error.err_code === 10037 || error.err_code === 10043 || error.err_code === 10057) {
      return false;
    }
    throw refusedBy(error);
  }
}

interface RawMessage {
  readonly subject: string;
  readonly seq: number;
  readonly hdrs?: string;
  readonly data?: string;
  readonly time: string;
}

export function errorOf(answer: unknown): ApiError | undefined {
  return (answer as { error?: ApiError }).error;
}

export function answerOf<R>(message: Msg): R | { error: ApiError } {
  return JSON.parse(decoder.decode(message.data));
}

function messageOf({ subject, seq, hdrs = "", data = "", time }: RawMessage): StoredMessage {
  const headers = new Map<string, string>();
  for (const line of decoder.decode(bytesOf(hdrs)).split("\r\n").slice(1)) {
    const colon = line.indexOf(":");
    if (colon > 0) headers.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return { subject, seq, headers, data: bytesOf(data), time: Date.parse(time) };
}

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (unit) => unit.charCodeAt(0));
}
