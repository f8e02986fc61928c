/**
 * A job queue over an engine: checks what it is told, encodes and decodes, holds the leases, and gives up
 * what is out of attempts.
 *
 * - A handle's close ends its waits, and gives back its leases; the engine ends with the handle that opened
 *   it. The views of other groups have a close of their own, and end with it, too.
 * - A job that was handed out too often, or cannot be decoded, goes to the dead letters before anybody sees
 *   it; whoever waits goes on waiting.
 *
 * @module
 */
import { checkOptions, show } from "../core/check.ts";
import type { Cancel, Wait, WaitOptions } from "../core/contract.ts";
import { ClosedError } from "../core/errors.ts";
import type { ScopedContext } from "../core/scoped_context.ts";
import { enter } from "../core/wait.ts";
import { checkSize } from "../flow/checks.ts";
import { isCancel } from "../tasks/results.ts";
import type { PayloadCodec } from "./codec.ts";
import { type DeadLetters, EngineDeadLetters } from "./dead_letters.ts";
import type { Delivery, JobEngine, NewJob } from "./engine.ts";
import { HandleCalls } from "./handle_calls.ts";
import { HeldLease, patient, textOf } from "./held_lease.ts";
import { HeldLeases } from "./held_leases.ts";
import {
  checkDedupeId,
  checkDelay,
  checkGroup,
  checkLevel,
  type JobSettings,
} from "./job_options.ts";
import type { JobLease, JobQueue, JobStats, PutOptions, PutReceipt } from "./job_queue.ts";
import { Twins } from "./twins.ts";

export class JobHandle<T> implements JobQueue<T> {
  readonly name: string;
  readonly group: string;
  readonly groups: readonly string[];
  readonly capacity: number;
  readonly levels: number;
  readonly leaseTime: number;
  readonly maxAttempts: number;
  readonly dead: DeadLetters<T>;
  readonly #engine: JobEngine;
  readonly #codec: PayloadCodec;
  /** The handle that opened the engine, unless this is it. */
  readonly #opener: JobHandle<T> | undefined;
  readonly #views = new Set<JobHandle<T>>();
  readonly #calls: HandleCalls;
  readonly #held: HeldLeases;
  /** Those of the opener, since its engine has one line of puts. */
  readonly #twins: Twins;
  /** What makes the ids of this handle differ from those of all others. */
  readonly #run: string;
  #puts = 0;
  #end: Promise<void> | undefined;

  constructor(
    engine: JobEngine,
    codec: PayloadCodec,
    settings: JobSettings,
    opener?: JobHandle<T>,
  ) {
    this.name = settings.name;
    this.group = settings.group;
    this.groups = settings.groups;
    this.capacity = settings.capacity;
    this.levels = settings.levels;
    this.leaseTime = settings.leaseTime;
    this.maxAttempts = settings.maxAttempts;
    this.#engine = engine;
    this.#codec = codec;
    this.#opener = opener;
    this.#calls = new HandleCalls(opener?.life);
    this.#held = new HeldLeases(engine, settings, this.#calls.pending);
    this.#twins = opener === undefined ? new Twins() : opener.#twins;
    this.#run = crypto.randomUUID().replaceAll("-", "").slice(0, 16);
    this.dead = new EngineDeadLetters<T>(
      engine,
      codec,
      settings,
      (wait, call) => this.#waiting(wait, call),
    );
  }

  get closed(): boolean {
    return this.#end !== undefined;
  }

  /** Ends when it is closed. */
  get life(): ScopedContext {
    return this.#calls.life;
  }

  async put(value: T, options: Cancel | PutOptions = {}): Promise<PutReceipt> {
    const job = this.#newJob(value, isCancel(options) ? {} : options);
    const unsent = { value };
    const put = (wait: Wait) => this.#engine.put(job, wait);
    const call = job.named ? (wait: Wait) => this.#twins.put(job.id, wait, put) : put;
    try {
      const stored = await this.#waiting(options, call, unsent);
      return { id: job.id, duplicate: !stored };
    } catch (error) {
      throw this.closed && error === this.life.cause ? this.#closedError(unsent) : error;
    }
  }

  async get(wait?: Wait): Promise<JobLease<T>> {
    return (await this.#take(1, wait))[0]!;
  }

  async getMany(max: number, wait?: Wait): Promise<JobLease<T>[]> {
    checkSize("max", max);
    return await this.#take(max, wait);
  }

  async doneMany(leases: Iterable<JobLease<T>>, wait?: Wait): Promise<number> {
    const given = listOf(leases).map((lease) => this.#own(lease));
    if (wait !== undefined) enter(wait);
    const results = await patient(this.#held.doneMany(given), wait);
    return results.filter(Boolean).length;
  }

  join(wait?: Wait): Promise<void> {
    return this.#waiting(wait, (wait) => this.#engine.join(wait));
  }

  stats(wait?: Wait): Promise<JobStats> {
    return this.#waiting(wait, (wait) => patient(this.#engine.stats(this.group), wait));
  }

  forGroup(group: string): JobQueue<T> {
    checkGroup(group, this.groups);
    if (this.#end !== undefined) throw this.#closedError();
    const opener = this.#opener ?? this;
    const settings = { ...this, group, dedupeWindow: 0 };
    const view = new JobHandle<T>(this.#engine, this.#codec, settings, opener);
    opener.#views.add(view);
    return view;
  }

  close(): Promise<void> {
    return this.#end ??= this.#close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #newJob(value: T, options: PutOptions): NewJob {
    checkOptions("options", options);
    const { dedupeId, priority = 0, delay = 0 } = options;
    if (dedupeId !== undefined) checkDedupeId(dedupeId);
    checkLevel(priority, this.levels);
    checkDelay(delay);
    return {
      id: dedupeId ?? `${this.#run}-${this.#puts++}`,
      named: dedupeId !== undefined,
      payload: this.#codec.encode(value),
      level: priority,
      delay,
    };
  }

  async #take(max: number, wait: Wait | undefined): Promise<JobLease<T>[]> {
    return await this.#waiting(wait, async (wait) => {
      for (;;) {
        const since = performance.now();
        const deliveries = await this.#engine.take(this.group, max, wait);
        const leases = await this.#leases(deliveries);
        if (leases.length > 0) return leases;
        wait = rest(wait, performance.now() - since);
        // It may have ended while those were buried that nobody is to see.
        enter(wait);
      }
    });
  }

  /** Those that are handed on; the others are given up. */
  async #leases(deliveries: readonly Delivery[]): Promise<JobLease<T>[]> {
    const leases: JobLease<T>[] = [];
    let buried: Promise<void>[] | undefined;
    for (const delivery of deliveries) {
      const lease = this.#lease(delivery);
      if (typeof lease === "string") {
        (buried ??= []).push(this.#bury(delivery, lease));
      } else {
        this.#held.add(lease);
        leases.push(lease);
      }
    }
    if (buried !== undefined) await Promise.all(buried);
    return leases;
  }

  /** Others were handed out with it: if the engine fails, this one comes again later. */
  async #bury(delivery: Delivery, reason: string): Promise<void> {
    try {
      await this.#engine.settle(this.group, [delivery], { kind: "bury", reason });
    } catch {
      // Its lease runs out, and somebody buries it then.
    }
  }

  /** A lease, or why there is none. */
  #lease(delivery: Delivery): HeldLease<T> | string {
    const { attempt, payload } = delivery;
    if (attempt > this.maxAttempts) {
      return `not finished after ${this.maxAttempts} attempts: its last lease ran out`;
    }
    try {
      return new HeldLease<T>(this.#codec.decode(payload) as T, delivery, this.#held);
    } catch (error) {
      return `it cannot be decoded: ${textOf(error)}`;
    }
  }

  #own(lease: unknown): HeldLease<unknown> {
    if (lease instanceof HeldLease && lease.holder === this.#held) return lease;
    throw new TypeError(`leases must be those of this queue, not ${show(lease)}`);
  }

  /** Runs a call that waits, and ends it when the handle is closed. */
  async #waiting<R>(
    wait: Wait | undefined,
    call: (wait: Wait) => Promise<R>,
    unsent?: { readonly value: unknown },
  ): Promise<R> {
    if (wait !== undefined) enter(wait);
    if (this.#end !== undefined) throw this.#closedError(unsent);
    return await this.#calls.run(wait, call);
  }

  async #close(): Promise<void> {
    // The views are closed from here on, too, so that nobody begins anything there.
    const views = Array.from(this.#views, (view) => view.close());
    // Whoever looks at `closed` from here on is to see it.
    await Promise.resolve();
    this.life.cancel(this.#closedError());
    if (this.#opener === undefined) this.#engine.closing?.();
    await Promise.all(views);
    await this.#calls.ended();
    if (this.#opener !== undefined) this.#opener.#views.delete(this);
    await this.#held.giveBack();
    if (this.#opener === undefined) await this.#engine.close();
  }

  #closedError(unsent?: { readonly value: unknown }): ClosedError {
    const group = this.groups.length > 1 ? ` (group ${show(this.group)})` : "";
    return new ClosedError(`the job queue ${show(this.name)}${group} is closed`, unsent);
  }
}

/** What is left of a timeout. */
function rest(wait: Wait, passed: number): Wait {
  const { timeout } = wait as WaitOptions;
  return typeof timeout === "number" ? { ...wait as WaitOptions, timeout: timeout - passed } : wait;
}

function listOf(leases: unknown): unknown[] {
  if (typeof (leases as Iterable<unknown> | null)?.[Symbol.iterator] === "function") {
    return [...leases as Iterable<unknown>];
  }
  throw new TypeError(`leases must be a list of leases, not ${show(leases)}`);
}
