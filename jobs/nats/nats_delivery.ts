/**
 * A job as the server handed it out.
 *
 * @module
 */
import type { Msg } from "@nats-io/transport-node";
import type { Payload } from "../codec.ts";
import type { Delivery } from "../engine.ts";
import { idOf } from "./names.ts";

/** Where a job's id stands if its message has another one. */
export const ID_HEADER = "Sluice-Id";
/** What the server knows a message by. */
export const MESSAGE_ID_HEADER = "Nats-Msg-Id";

/** A mark of the byte order is a part of the text. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

const DOT = ".".charCodeAt(0);

/** What the server says of a delivery in the subject to which it is acknowledged. */
export interface Tracking {
  /** How often it was handed out. */
  readonly delivered: number;
  /** Where it stands in its stream. */
  readonly seq: number;
  /** When it was stored: nanoseconds since the epoch. */
  readonly storedAt: string;
  /** How many have not been handed out once. */
  readonly pending: number;
}

/** $JS.ACK.stream.consumer.delivered.seq.consumer-seq.time.pending; newer servers put two more before. */
export function trackingOf(reply: string): Tracking {
  const tokens = reply.split(".");
  const from = tokens.length > 9 ? 6 : 4;
  return {
    delivered: Number(tokens[from]),
    seq: Number(tokens[from + 1]),
    storedAt: tokens[from + 3]!,
    pending: Number(tokens[from + 4]),
  };
}

/** How often it was handed out: the same, at a tenth of the cost, since each job is asked for it. */
function deliveredOf(reply: string): number {
  let [dots, fourth, sixth] = [0, 0, 0];
  for (let at = 0; at < reply.length; at++) {
    if (reply.charCodeAt(at) !== DOT) continue;
    dots++;
    if (dots === 4) fourth = at;
    else if (dots === 6) sixth = at;
  }
  return parseInt(reply.slice((dots > 8 ? sixth : fourth) + 1), 10);
}

/** How payloads look to the handle's codec. */
export type PayloadKind = "text" | "bytes";

/** What all deliveries of a queue share. */
export interface DeliverySettings {
  readonly kind: PayloadKind;
  /** Milliseconds. */
  readonly leaseTime: number;
}

export class NatsDelivery implements Delivery {
  readonly reply: string;
  readonly attempt: number;
  readonly level: number;
  readonly #message: Msg;
  readonly #settings: DeliverySettings;
  #start: number;

  /** `start`: a moment before which its lease has not begun. */
  constructor(
    message: Msg,
    level: number,
    settings: DeliverySettings,
    start: number,
  ) {
    this.reply = message.reply!;
    this.attempt = deliveredOf(this.reply);
    this.level = level;
    this.#message = message;
    this.#settings = settings;
    this.#start = start;
  }

  get id(): string {
    const { headers } = this.#message;
    if (headers === undefined) return "";
    return idOf(headers.get(ID_HEADER) || headers.get(MESSAGE_ID_HEADER));
  }

  get payload(): Payload {
    return payloadOf(this.#message.data, this.#settings.kind);
  }

  get data(): Uint8Array {
    return this.#message.data;
  }

  get tracking(): Tracking {
    return trackingOf(this.reply);
  }

  /** A moment before which its lease has not begun, as of `performance.now()`. */
  get start(): number {
    return this.#start;
  }

  timeLeft(now: number = performance.now()): number {
    return Math.max(0, this.#start + this.#settings.leaseTime - now);
  }

  /** The lease began anew, not before `start`. */
  renew(start: number): void {
    this.#start = start;
  }

  /** It is settled: nothing is left of the lease. */
  end(): void {
    this.#start = -Infinity;
  }
}

export function payloadOf(data: Uint8Array, kind: PayloadKind): Payload {
  return kind === "text" ? decoder.decode(data) : data;
}
