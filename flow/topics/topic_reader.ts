/**
 * One who reads a topic: a place in its values, and the ways by which they leave. A subscription has one
 * way, a group has one for each member.
 *
 * What has passed it by is counted exactly, and told when the next value is read: in a microtask, which
 * comes before the code that waits for that value goes on.
 *
 * @module
 */
import { WaitNode } from "../../core/wait_list.ts";
import { Audience } from "./audience.ts";
import { Outlet, type Readable } from "./outlet.ts";
import type { TopicLog } from "./topic_log.ts";

/** How a reader is made; what is checked already. */
export interface ReaderPlan {
  readonly replay: number;
  readonly lossless: boolean;
  readonly onLag: ((missed: number) => void) | undefined;
}

export class TopicReader implements Readable {
  readonly lossless: boolean;
  /** How many values it has read. */
  received = 0;
  readonly #log: TopicLog;
  readonly #onLag: ((missed: number) => void) | undefined;
  readonly #seat = new WaitNode(this);
  readonly #audience = new Audience(() => this.#log.stand(this.#seat));
  /** What it reads next, unless that has been let go. */
  #cursor: number;
  /** How many values have passed it by, as far as that has been told. */
  #told = 0;
  #left = false;

  constructor(log: TopicLog, { replay, lossless, onLag }: ReaderPlan) {
    this.#log = log;
    this.#onLag = onLag;
    this.lossless = lossless;
    this.#cursor = log.head - Math.min(replay, log.replay, log.head - log.tail);
    log.enter(this.#cursor, lossless);
  }

  /** How many values there are to read. */
  get length(): number {
    return this.#left ? 0 : this.#log.head - this.#position;
  }

  /** How many values have passed it by. */
  get missed(): number {
    return this.#left ? this.#told : this.#told + this.#position - this.#cursor;
  }

  /** A way out. */
  outlet(label: string, name: string | undefined): Outlet {
    return new Outlet(this, this.#audience, this.#log.capacity, label, name);
  }

  read(): unknown {
    const position = this.#position;
    const lag = position - this.#cursor;
    const value = this.#log.at(position);
    this.received++;
    this.#cursor = position + 1;
    if (lag > 0) this.#tell(lag);
    // Last, since others may be served by that.
    this.#log.advance(position, this.lossless);
    return value;
  }

  /** Serves those who wait. True: some still do. */
  serve(): boolean {
    this.#audience.serve(this);
    return !this.#audience.empty;
  }

  /** It reads no more; its outlets have been left. */
  leave(): void {
    if (this.#left) return;
    const position = this.#position;
    this.#told = this.missed;
    this.#left = true;
    this.#seat.leave();
    this.#log.leave(position, this.lossless);
  }

  get #position(): number {
    return Math.max(this.#cursor, this.#log.tail);
  }

  #tell(lag: number): void {
    this.#told += lag;
    const onLag = this.#onLag;
    if (onLag === undefined) return;
    queueMicrotask(() => {
      try {
        onLag(lag);
      } catch (error) {
        reportError(error);
      }
    });
  }
}
