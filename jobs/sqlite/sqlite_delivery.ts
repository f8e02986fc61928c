import type { Clock } from "../../tasks/clock.ts";
import type { Payload } from "../codec.ts";
import type { Delivery } from "../engine.ts";
import type { ShelfJob } from "./shelf.ts";

/** A job that was handed out from a file. */
export class SqliteDelivery implements Delivery {
  readonly seq: number;
  readonly shared: number | null;
  readonly id: string;
  readonly payload: Payload;
  readonly level: number;
  readonly attempt: number;
  /** When its lease runs out; 0: it is over. */
  until: number;
  readonly #clock: Clock;

  constructor({ seq, shared, id, body, level, attempt }: ShelfJob, until: number, clock: Clock) {
    this.seq = seq;
    this.shared = shared;
    this.id = id;
    this.payload = body;
    this.level = level;
    this.attempt = attempt;
    this.until = until;
    this.#clock = clock;
  }

  timeLeft(): number {
    return Math.max(0, this.until - this.#clock.now());
  }
}
