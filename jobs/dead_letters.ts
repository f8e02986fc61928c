/**
 * The jobs that were given up: what they were, why, and a way back.
 *
 * @module
 */
import { checkOptions, show } from "../core/check.ts";
import type { Cancel, Wait, WaitOptions } from "../core/contract.ts";
import { checkSize } from "../flow/checks.ts";
import { isCancel } from "../tasks/results.ts";
import type { PayloadCodec } from "./codec.ts";
import type { Buried, JobEngine } from "./engine.ts";
import { patient } from "./held_lease.ts";

/**
 * A job that was given up: rejected, out of attempts, or not to be decoded.
 *
 * @typeParam T The type of the values.
 *
 * @example
 * ```ts
 * import { type DeadLetter, memoryJobs } from "@sluice/sluice/jobs";
 * import { assertEquals } from "@std/assert";
 *
 * await using mails = await memoryJobs<string>();
 * await mails.put("hello", { dedupeId: "hello-1" });
 * await (await mails.get()).reject("no such address");
 * const letter: DeadLetter<string> | undefined = await mails.dead.get("hello-1");
 * assertEquals([letter?.value, letter?.attempts, letter?.reason], ["hello", 1, "no such address"]);
 * ```
 */
export interface DeadLetter<out T> {
  /** The job's. */
  readonly id: string;
  /** The job's; undefined if it could not be decoded: then `reason` says so. */
  readonly value: T | undefined;
  /** The job's. */
  readonly priority: number;
  /** How often it was handed out. */
  readonly attempts: number;
  /** Why it was given up. */
  readonly reason: string;
  /** When, in milliseconds since the epoch. */
  readonly at: number;
}

/**
 * Which dead letters are listed.
 *
 * @example
 * ```ts
 * import { type DeadListOptions, memoryJobs } from "@sluice/sluice/jobs";
 *
 * await using mails = await memoryJobs<string>();
 * const page: DeadListOptions = { limit: 20, after: "the id of the last one seen" };
 * console.log(await mails.dead.list({ limit: page.limit }));
 * ```
 */
export interface DeadListOptions extends WaitOptions {
  /** At most so many; 100 if left out. */
  readonly limit?: number | undefined;
  /** Those that were given up after the one with this id; from the oldest on if left out. */
  readonly after?: string | undefined;
}

/**
 * The jobs that were given up, oldest first. They do not count as unfinished, and are kept until they are
 * put back or removed.
 *
 * @typeParam T The type of the values.
 *
 * @example
 * ```ts
 * import { memoryJobs } from "@sluice/sluice/jobs";
 * import { assertEquals } from "@std/assert";
 *
 * await using mails = await memoryJobs<string>();
 * await mails.put("hello");
 * await (await mails.get()).reject("the mail server was replaced");
 *
 * for await (const letter of mails.dead) await mails.dead.putBack(letter.id);
 * const job = await mails.get();
 * assertEquals([job.value, job.attempt], ["hello", 1]);
 * ```
 */
export interface DeadLetters<out T> extends AsyncIterable<DeadLetter<T>, undefined, void> {
  /** Some of them, oldest first. Rejects with a RangeError if `after` is none of them. */
  list(options?: Cancel | DeadListOptions): Promise<DeadLetter<T>[]>;
  /** The one with this id; undefined: there is none. */
  get(id: string, wait?: Wait): Promise<DeadLetter<T> | undefined>;
  /** Puts the job back, with all its attempts before it; waits while the queue is full. false: no such letter. */
  putBack(id: string, wait?: Wait): Promise<boolean>;
  /** Forgets it for good. false: no such letter. */
  remove(id: string, wait?: Wait): Promise<boolean>;
  /** All of them, oldest first, also those that come meanwhile; read page by page. */
  [Symbol.asyncIterator](): AsyncIterator<DeadLetter<T>, undefined, void>;
}

const PAGE = 100;

/** How a handle's waiting calls wait: until it is closed, too. */
export type Waiting = <R>(wait: Wait | undefined, call: (wait: Wait) => Promise<R>) => Promise<R>;

/** The dead letters of one group of an engine. */
export class EngineDeadLetters<T> implements DeadLetters<T> {
  readonly #engine: JobEngine;
  readonly #group: string;
  readonly #codec: PayloadCodec;
  readonly #maxAttempts: number;
  readonly #waiting: Waiting;

  constructor(
    engine: JobEngine,
    codec: PayloadCodec,
    { group, maxAttempts }: { readonly group: string; readonly maxAttempts: number },
    waiting: Waiting,
  ) {
    this.#engine = engine;
    this.#group = group;
    this.#codec = codec;
    this.#maxAttempts = maxAttempts;
    this.#waiting = waiting;
  }

  async list(options: Cancel | DeadListOptions = {}): Promise<DeadLetter<T>[]> {
    if (!isCancel(options)) checkOptions("options", options);
    const { limit = PAGE, after }: DeadListOptions = isCancel(options) ? {} : options;
    checkSize("limit", limit);
    if (after !== undefined) checkId("after", after);
    return await this.#ask(options, async () => {
      const position = after === undefined ? -1 : await this.#position(after);
      return await this.#page(position, limit);
    });
  }

  async get(id: string, wait?: Wait): Promise<DeadLetter<T> | undefined> {
    checkId("id", id);
    return await this.#ask(wait, async () => {
      const found = await this.#engine.findBuried(this.#group, id);
      return found && this.#letter(found);
    });
  }

  async putBack(id: string, wait?: Wait): Promise<boolean> {
    checkId("id", id);
    return await this.#waiting(wait, (wait) => this.#engine.revive(this.#group, id, wait));
  }

  async remove(id: string, wait?: Wait): Promise<boolean> {
    checkId("id", id);
    return await this.#ask(wait, () => this.#engine.removeBuried(this.#group, id));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<DeadLetter<T>, undefined, void> {
    for (let after = -1;;) {
      const page = await this.#ask({}, () => this.#engine.buried(this.#group, after, PAGE));
      if (page.length === 0) return;
      for (const buried of page) {
        yield this.#letter(buried);
        after = buried.position;
      }
    }
  }

  #ask<R>(wait: Wait | undefined, call: () => Promise<R>): Promise<R> {
    return this.#waiting(wait, (wait) => patient(call(), wait));
  }

  async #page(after: number, limit: number): Promise<DeadLetter<T>[]> {
    const page = await this.#engine.buried(this.#group, after, limit);
    return page.map((buried) => this.#letter(buried));
  }

  async #position(id: string): Promise<number> {
    const found = await this.#engine.findBuried(this.#group, id);
    if (found !== undefined) return found.position;
    throw new RangeError(`after must be the id of a dead letter: ${show(id)}`);
  }

  #letter({ id, payload, level, attempts, reason, at }: Buried): DeadLetter<T> {
    return {
      id,
      value: this.#decode(payload),
      priority: level,
      // An engine counts the one, too, that was not handed on any more.
      attempts: Math.min(attempts, this.#maxAttempts),
      reason,
      at,
    };
  }

  #decode(payload: Buried["payload"]): T | undefined {
    try {
      return this.#codec.decode(payload) as T;
    } catch {
      return undefined;
    }
  }
}

function checkId(name: string, id: unknown): asserts id is string {
  if (typeof id !== "string") throw new TypeError(`${name} must be a string, not ${show(id)}`);
}
