/**
 * The dead letters on the server: a stream for each group, a message for each letter.
 *
 * @module
 */
import type { StreamInfo } from "@nats-io/jetstream";
import type { Buried } from "../engine.ts";
import type { Api, StoredMessage } from "./api.ts";
import { answerOf, errorOf } from "./api.ts";
import { refusedBy } from "./failures.ts";
import { headerBlock } from "./header_block.ts";
import type { Link } from "./link.ts";
import { idOf, type Names, tokenOf } from "./names.ts";
import {
  MESSAGE_ID_HEADER,
  type NatsDelivery,
  type PayloadKind,
  payloadOf,
} from "./nats_delivery.ts";

const LEVEL_HEADER = "Sluice-Level";
const ATTEMPTS_HEADER = "Sluice-Attempts";
const REASON_HEADER = "Sluice-Reason";
/** A reason has at most so many characters: headers are no place for more. */
const LONGEST_REASON = 1_000;
/** How many letters are asked for at once. */
const WINDOW = 16;

export class DeadStreams {
  readonly #link: Link;
  readonly #api: Api;
  readonly #names: Names;
  readonly #kind: PayloadKind;

  constructor(link: Link, api: Api, names: Names, kind: PayloadKind) {
    this.#link = link;
    this.#api = api;
    this.#names = names;
    this.#kind = kind;
  }

  /** Resolves when it is stored. Repeated, it is stored once. Until `deadline`. */
  async bury(
    group: string,
    delivery: NatsDelivery,
    reason: string,
    deadline: number,
  ): Promise<void> {
    const { seq, storedAt } = delivery.tracking;
    const { headers } = headerBlock([
      [MESSAGE_ID_HEADER, `${seq}-${storedAt}`],
      [LEVEL_HEADER, String(delivery.level)],
      [ATTEMPTS_HEADER, String(delivery.attempt)],
      [REASON_HEADER, encodeURIComponent(reason.slice(0, LONGEST_REASON).toWellFormed())],
    ]);
    const subject = this.#names.deadSubject(group, tokenOf(delivery.id));
    const answer = await this.#link.request([{ subject, body: delivery.data, headers }], deadline);
    const error = errorOf(answerOf(answer));
    if (error !== undefined) throw refusedBy(error);
  }

  async count(group: string): Promise<number> {
    const { state } = await this.#api.get<StreamInfo>(`STREAM.INFO.${this.#names.dead(group)}`);
    return state.messages;
  }

  async list(group: string, after: number, limit: number): Promise<Buried[]> {
    const found = new Map<number, Buried>();
    for (let from = Math.max(1, after + 1); found.size < limit;) {
      const window = Math.min(WINDOW, limit - found.size);
      const asked = Array.from({ length: window }, (_, at) => this.#first(group, from + at));
      const letters = await Promise.all(asked);
      for (const letter of letters) if (letter !== undefined) found.set(letter.position, letter);
      const last = letters.at(-1);
      if (last === undefined) break;
      from = last.position + 1;
    }
    return [...found.values()].sort((a, b) => a.position - b.position).slice(0, limit);
  }

  async find(group: string, id: string): Promise<Buried | undefined> {
    const subject = this.#names.deadSubject(group, tokenOf(id));
    const stream = this.#names.dead(group);
    const last = await this.#api.message(stream, { last_by_subj: subject });
    if (last !== undefined) return this.#letter(last);
    // Once the last is removed, 2.9 says that there is none, although there may be some before it.
    let found: StoredMessage | undefined;
    for (let seq = 1;; seq = found.seq + 1) {
      const next = await this.#api.message(stream, { seq, next_by_subj: subject });
      if (next === undefined) return found && this.#letter(found);
      found = next;
    }
  }

  /** It has not been removed. */
  async has(group: string, position: number): Promise<boolean> {
    return await this.#api.message(this.#names.dead(group), { seq: position }) !== undefined;
  }

  /** false: it was not there. */
  remove(group: string, position: number): Promise<boolean> {
    return this.#api.deleteMessage(this.#names.dead(group), position);
  }

  /** The first from a position on. */
  async #first(group: string, seq: number): Promise<Buried | undefined> {
    const which = { seq, next_by_subj: this.#names.deadSubjects(group) };
    const found = await this.#api.message(this.#names.dead(group), which);
    return found && this.#letter(found);
  }

  #letter({ subject, seq, headers, data, time }: StoredMessage): Buried {
    return {
      id: idOf(subject.slice(subject.lastIndexOf(".") + 1)),
      payload: payloadOf(data, this.#kind),
      level: Number(headers.get(LEVEL_HEADER)),
      attempts: Number(headers.get(ATTEMPTS_HEADER)),
      reason: decodeURIComponent(headers.get(REASON_HEADER) ?? ""),
      at: time,
      position: seq,
    };
  }
}
