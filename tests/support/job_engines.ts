/**
 * The engines of job queues as tests see them: how a queue is opened, how time passes on it, and how all
 * is gone in the end.
 *
 * A law is written once, against a `JobWorld`. In memory and in a file the clock is one that the test
 * moves, and what happens by itself has happened after a few turns of the event loop. On a server time
 * passes by itself: there leases are short, and a law waits for what it expects.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { type JobQueue, type JobQueueOptions, type JobStats, memoryJobs } from "../../jobs/mod.ts";
import { ManualClock } from "../../tasks/mod.ts";
import { settled, state } from "./settle.ts";

export type EngineKind = "memory" | "sqlite" | "nats";

/** One queue under test, empty at first. Disposing it closes all its handles, and removes what is stored. */
export interface JobWorld extends AsyncDisposable {
  readonly kind: EngineKind;
  /** Milliseconds of a lease in laws about its end, and of what else is to pass. */
  readonly lease: number;
  /** What is stored outlives its handles. */
  readonly durable: boolean;
  /** The clock that the test moves; undefined: time passes by itself. */
  readonly clock: ManualClock | undefined;
  /** The first call says how the queue is; in memory there is one only. */
  open<T>(options?: JobQueueOptions<T>): Promise<JobQueue<T>>;
  /** Another handle on the same queue, for the same group if no other is said: in memory a view. */
  beside<T>(queue: JobQueue<T>, group?: string): Promise<JobQueue<T>>;
  /** So much time passes, and what it brings has come. */
  pass(ms: number): Promise<void>;
  /** Lets happen what happens by itself. */
  rest(): Promise<void>;
  /** What comes, soon. */
  comes<R>(promise: Promise<R>): Promise<R>;
  /** Fails if it settles by itself. */
  waits(promise: Promise<unknown>): Promise<void>;
}

/** What makes worlds. */
export interface JobEngineUnderTest {
  readonly kind: EngineKind;
  world(): Promise<JobWorld>;
}

/** Milliseconds of a lease in laws that are not about its end. */
const LONG = 60_000;

/** How often a law looks again, before what it expects has not come. */
const LOOKS = 200;

/** What all worlds share: their handles. */
export abstract class BaseWorld implements JobWorld {
  abstract readonly kind: EngineKind;
  abstract readonly lease: number;
  abstract readonly durable: boolean;
  abstract readonly clock: ManualClock | undefined;
  readonly #handles: JobQueue<never>[] = [];
  #options: JobQueueOptions<never> = {};

  async open<T>(options: JobQueueOptions<T> = {}): Promise<JobQueue<T>> {
    const given = { leaseTime: LONG, ...options };
    this.#options = given as JobQueueOptions<never>;
    const queue = await this.opened(given);
    this.#handles.push(queue as unknown as JobQueue<never>);
    return queue;
  }

  async beside<T>(queue: JobQueue<T>, group: string = queue.group): Promise<JobQueue<T>> {
    return await this.open<T>({ ...this.#options as JobQueueOptions<T>, group });
  }

  protected abstract opened<T>(options: JobQueueOptions<T>): Promise<JobQueue<T>>;

  abstract rest(): Promise<void>;

  abstract pass(ms: number): Promise<void>;

  async comes<R>(promise: Promise<R>): Promise<R> {
    for (let looks = 0; looks < LOOKS; looks++) {
      if (await state(promise) !== "pending") return await promise;
      await this.rest();
    }
    throw new Error("nothing came");
  }

  async waits(promise: Promise<unknown>): Promise<void> {
    for (let looks = 0; looks < 3; looks++) {
      const now = await state(promise);
      if (now === "rejected") await promise;
      assertEquals(now, "pending");
      await this.rest();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const queue of this.#handles.reverse()) await queue.close();
  }
}

class MemoryWorld extends BaseWorld {
  readonly kind = "memory";
  readonly lease = 1_000;
  readonly durable = false;
  readonly clock: ManualClock = new ManualClock(5);

  protected async opened<T>(options: JobQueueOptions<T>): Promise<JobQueue<T>> {
    return await memoryJobs<T>({ ...options, clock: this.clock });
  }

  override beside<T>(queue: JobQueue<T>, group: string = queue.group): Promise<JobQueue<T>> {
    return Promise.resolve(queue.forGroup(group));
  }

  rest(): Promise<void> {
    return settled();
  }

  async pass(ms: number): Promise<void> {
    await this.clock.advance(ms);
    await settled();
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    assertEquals(this.clock.timers, 0, "a timer was left");
  }
}

export const memoryEngine: JobEngineUnderTest = {
  kind: "memory",
  world: () => Promise.resolve(new MemoryWorld()),
};

/**
 * As `expected` is told on each engine: a NATS server counts what has come back, and could be handed out
 * again, as leased.
 */
export function comeBack(
  world: JobWorld,
  count: number,
  expected: Partial<JobStats>,
): Partial<JobStats> {
  if (world.kind !== "nats") return expected;
  const { ready, leased, ...others } = expected;
  return {
    ...others,
    ...(ready === undefined ? {} : { ready: ready - count }),
    ...(leased === undefined ? {} : { leased: leased + count }),
  };
}

/** Looks until the figures are so: several processes see figures of a moment. */
export async function statsAre<T>(
  world: JobWorld,
  queue: JobQueue<T>,
  expected: Partial<JobStats>,
): Promise<void> {
  let seen: Partial<JobStats> = {};
  for (let looks = world.kind === "nats" ? 50 : 1; looks > 0; looks--) {
    const stats = await queue.stats();
    const keys = Object.keys(expected) as (keyof JobStats)[];
    seen = Object.fromEntries(keys.map((key) => [key, stats[key]]));
    if (keys.every((key) => seen[key] === expected[key])) return;
    await settled();
    if (looks > 1) await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assertEquals(seen, expected);
}

/** Takes and finishes all that is there; their values. */
export async function drained<T>(queue: JobQueue<T>): Promise<T[]> {
  const values: T[] = [];
  for (let rounds = 0; rounds < 10_000; rounds++) {
    const jobs = await queue.getMany(64, { timeout: 0 }).catch(() => []);
    if (jobs.length === 0) return values;
    values.push(...jobs.map(({ value }) => value));
    await queue.doneMany(jobs);
  }
  assert(false, "there is no end of jobs");
}
