/**
 * What a queue is on the server, in the server's words: its streams, and their consumers.
 *
 * - `work` holds all that is unfinished, each job once, whatever its level and its delay: so its bound is
 *   the queue's, and what it remembers of ids holds for all. One group: a work queue; several: a message
 *   goes when all of them have acknowledged it.
 * - `due` holds a job whose delay is over for the moment in which `work` has no room.
 * - Each group has a stream of dead letters.
 *
 * @module
 */
import {
  AckPolicy,
  type ConsumerConfig,
  DeliverPolicy,
  DiscardPolicy,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from "@nats-io/jetstream";
import type { JobSettings } from "../job_options.ts";
import type { Names } from "./names.ts";

/** Milliseconds after which somebody else goes on with a job whose delay is over. */
const MOVE_TIME = 5_000;
/** How many may ask for jobs at one consumer. */
const MAX_WAITING = 16_384;
/** A hundred years, in milliseconds: more does not fit. */
const LONGEST = 100 * 365 * 24 * 3_600_000;

/** The part of the settings that all who open a queue must share. */
export interface Shared {
  readonly capacity: number | "unlimited";
  readonly leaseTime: number;
  readonly maxAttempts: number | "unlimited";
  readonly levels: number;
  readonly groups: readonly string[];
  readonly dedupeWindow: number;
  readonly replicas: number;
}

/** What they are compared by. */
export const KEYS = [
  "capacity",
  "leaseTime",
  "maxAttempts",
  "levels",
  "groups",
  "dedupeWindow",
  "replicas",
] as const satisfies readonly (keyof Shared)[];

/** The settings that all must share. */
export function sharedOf(settings: JobSettings, replicas: number): Shared {
  return {
    capacity: finite(settings.capacity),
    leaseTime: settings.leaseTime,
    maxAttempts: finite(settings.maxAttempts),
    levels: settings.levels,
    groups: settings.groups,
    dedupeWindow: settings.dedupeWindow,
    replicas,
  };
}

/** They stand in the description of `work`. */
function descriptionOf(shared: Shared): string {
  return JSON.stringify({ sluice: 1, ...shared });
}

/** What a description tells; undefined: it is somebody else's, or of another version. */
export function sharedIn(description: string | undefined): Shared | undefined {
  try {
    const { sluice, ...shared } = JSON.parse(description ?? "");
    return sluice === 1 ? shared as Shared : undefined;
  } catch {
    return undefined;
  }
}

export class Blueprint {
  readonly #names: Names;
  readonly #shared: Shared;

  constructor(names: Names, shared: Shared) {
    this.#names = names;
    this.#shared = shared;
  }

  work(): Partial<StreamConfig> {
    const { capacity, groups, dedupeWindow } = this.#shared;
    return {
      ...this.#stream(this.#names.work, this.#names.workSubjects),
      description: descriptionOf(this.#shared),
      retention: groups.length === 1 ? RetentionPolicy.Workqueue : RetentionPolicy.Interest,
      discard: DiscardPolicy.New,
      max_msgs: capacity === "unlimited" ? -1 : capacity,
      duplicate_window: nanos(dedupeWindow),
    };
  }

  due(): Partial<StreamConfig> {
    return {
      ...this.#stream(this.#names.due, this.#names.dueSubjects),
      retention: RetentionPolicy.Workqueue,
    };
  }

  dead(group: string): Partial<StreamConfig> {
    return this.#stream(this.#names.dead(group), this.#names.deadSubjects(group));
  }

  #stream(name: string, subject: string): Partial<StreamConfig> {
    return {
      name,
      subjects: [subject],
      storage: StorageType.File,
      num_replicas: this.#shared.replicas,
      retention: RetentionPolicy.Limits,
      discard: DiscardPolicy.New,
      duplicate_window: nanos(120_000),
    };
  }

  /** Of `work`, for each group and level, and for who moves what is due. */
  consumers(): [string, Partial<ConsumerConfig>][] {
    const { work, due, mover, delayedSubjects } = this.#names;
    const { groups, levels, leaseTime } = this.#shared;
    const consumers: [string, Partial<ConsumerConfig>][] = [
      [work, this.#consumer(mover, delayedSubjects, MOVE_TIME)],
      [due, this.#consumer(mover, this.#names.dueSubjects, MOVE_TIME)],
    ];
    for (const group of groups) {
      for (let level = 0; level < levels; level++) {
        const name = this.#names.consumer(group, level);
        const config = this.#consumer(name, this.#names.levelSubjects(level), leaseTime);
        consumers.push([work, config]);
      }
    }
    return consumers;
  }

  #consumer(name: string, filter: string, ackWait: number): Partial<ConsumerConfig> {
    return {
      durable_name: name,
      filter_subject: filter,
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.All,
      ack_wait: nanos(ackWait),
      max_deliver: -1,
      max_ack_pending: -1,
      max_waiting: MAX_WAITING,
    };
  }
}

function finite(value: number): number | "unlimited" {
  return value === Infinity ? "unlimited" : value;
}

/** Milliseconds as the server counts. */
export function nanos(ms: number): number {
  return Math.round(Math.min(ms, LONGEST) * 1e6);
}
