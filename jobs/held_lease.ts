/**
 * A job that this process holds, on any engine.
 *
 * - The first of `done`, `retry` and `reject` decides, and is repeated by the same call only. If the engine
 *   fails to store it, nothing has been decided, and it may be called again.
 * - When a caller stops waiting, what he asked for goes on.
 *
 * @module
 */
import { show } from "../core/check.ts";
import type { Cancel, Wait, WaitOptions } from "../core/contract.ts";
import { refused } from "../core/turn.ts";
import { until } from "../core/until.ts";
import { enter } from "../core/wait.ts";
import { isCancel } from "../tasks/results.ts";
import type { Delivery, Verdict } from "./engine.ts";
import { checkDelay } from "./job_options.ts";
import type { JobLease, RetryJobOptions } from "./job_queue.ts";

/** What a lease needs of the handle that gave it out. */
export interface LeaseHolder {
  readonly maxAttempts: number;
  /** It was closed, and has let go of its leases: nobody is to be told anything any more. */
  readonly over: boolean;
  settle(lease: HeldLease<unknown>, verdict: Verdict): Promise<boolean>;
  extend(lease: HeldLease<unknown>): Promise<boolean>;
}

type Call = "done" | "retry" | "reject";

export class HeldLease<out T> implements JobLease<T> {
  readonly value: T;
  readonly delivery: Delivery;
  readonly holder: LeaseHolder;
  /** Those beside it that its holder has. */
  before: HeldLease<unknown> | null = null;
  after: HeldLease<unknown> | null = null;
  /** Which call decided: the last `retry` buries, and so does `reject`. */
  #call: Call | undefined;
  #kind: Verdict["kind"] | undefined;
  #ending: Promise<boolean> | undefined;
  /** The settlement of many that it is a part of, and its place there: most are never asked for theirs. */
  #many: Promise<readonly boolean[]> | undefined;
  #place = 0;

  constructor(value: T, delivery: Delivery, holder: LeaseHolder) {
    this.value = value;
    this.delivery = delivery;
    this.holder = holder;
  }

  get id(): string {
    return this.delivery.id;
  }

  get attempt(): number {
    return this.delivery.attempt;
  }

  get priority(): number {
    return this.delivery.level;
  }

  get timeLeft(): number {
    return this.delivery.timeLeft();
  }

  get settled(): boolean {
    return this.#kind !== undefined || this.holder.over;
  }

  /** What is to become of it; undefined: nothing has been called. */
  get kind(): Verdict["kind"] | undefined {
    return this.#kind;
  }

  done(wait?: Wait): Promise<boolean> {
    return this.#end("done", wait, () => ({ kind: "done" }));
  }

  retry(options?: Cancel | RetryJobOptions): Promise<boolean> {
    return this.#end("retry", options, () => {
      const { delay = 0, reason }: RetryJobOptions = isCancel(options) ? {} : options ?? {};
      checkDelay(delay);
      if (this.attempt < this.holder.maxAttempts) return { kind: "retry", delay };
      const why = reason === undefined ? "" : `: ${textOf(reason)}`;
      return { kind: "bury", reason: `given back at attempt ${this.attempt}, the last${why}` };
    });
  }

  reject(reason?: unknown, wait?: Wait): Promise<boolean> {
    return this.#end("reject", wait, () => ({
      kind: "bury",
      reason: reason === undefined ? "rejected" : textOf(reason),
    }));
  }

  async extend(wait?: Wait): Promise<boolean> {
    if (wait !== undefined) enter(wait);
    if (this.settled) return false;
    return await patient(this.holder.extend(this), wait);
  }

  /** Settles, either way, with what was called; undefined: nothing was. */
  get ended(): Promise<boolean> | undefined {
    if (this.#ending === undefined && this.#many !== undefined) {
      const place = this.#place;
      this.#ending = this.#many.then((kept) => kept[place]!);
      this.#ending.catch(() => {});
    }
    return this.#ending;
  }

  /** Waits for what was called, or gives it back. */
  async [Symbol.asyncDispose](): Promise<void> {
    await (this.ended ?? this.retry());
  }

  /** It becomes a part of a settlement of many; it is not settled yet. */
  decide(call: "done" | "retry"): void {
    this.#call = this.#kind = call;
  }

  /** That settlement, and its place there. */
  join(stored: Promise<readonly boolean[]>, place: number): void {
    this.#many = stored;
    this.#place = place;
  }

  /** The settlement that was begun has failed: nothing has been decided. */
  reopen(): void {
    this.#call =
      this.#kind =
      this.#ending =
      this.#many =
        undefined;
  }

  #end(call: Call, wait: Wait | undefined, verdictOf: () => Verdict): Promise<boolean> {
    try {
      if (wait !== undefined) enter(wait);
      const verdict = verdictOf();
      const { ended } = this;
      if (ended !== undefined) {
        return this.#call === call ? patient(ended, wait) : Promise.resolve(false);
      }
      const { kind } = verdict;
      return patient(this.#begin(call, kind, this.holder.settle(this, verdict)), wait);
    } catch (error) {
      return refused(error);
    }
  }

  #begin(call: Call, kind: Verdict["kind"], stored: Promise<boolean>): Promise<boolean> {
    this.#call = call;
    this.#kind = kind;
    this.#ending = stored.catch((error) => {
      this.reopen();
      throw error;
    });
    // Whoever asked has the same error; nobody else needs it.
    this.#ending.catch(() => {});
    return this.#ending;
  }
}

/**
 * What is asked of the engine goes on when the caller stops waiting for it. With a timeout of 0 or less he
 * waits for its answer: that is the one try.
 */
export function patient<R>(promise: Promise<R>, wait: Wait | undefined): Promise<R> {
  if (wait === undefined) return promise;
  const { timeout } = wait as WaitOptions;
  if (typeof timeout !== "number" || timeout > 0) return until(promise, wait);
  return until(promise, { ...wait as WaitOptions, timeout: undefined });
}

/** A reason as it stands in a dead letter. */
export function textOf(reason: unknown): string {
  if (typeof reason === "string") return reason;
  if (reason instanceof Error) return `${reason.name}: ${reason.message}`;
  return show(reason);
}
