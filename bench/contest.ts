/**
 * What a contestant is: a module that does some of the workloads its own way. Contestants in other
 * languages speak the same protocol (see `child.ts`).
 *
 * @module
 */

/** In the order of the report. */
export const workloads = {
  W1: "unbuffered ping-pong: a round trip between two tasks over two channels",
  W2: "unbuffered, one producer, one consumer: a value",
  W3: "capacity 128, one producer, one consumer: a value",
  W3f: "the same with the language's loop (for await, range)",
  W4: "capacity 64, 8 producers, 8 consumers: a value",
  W5: "select over 4 unbuffered channels, each with a producer: a value",
  W5d: "select with default over 4 empty channels: a call",
  W6: "cancel one of 100,000 parked receives, each with its own cancellation, last first: a cancel",
  W6r: "the same in random order: a cancel",
  W7: "1,000,000 values in without waiting, then out: a value",
  W8: "priority queue with a backlog of 100,000: a put and a get",
  W9: "prime sieve, a task for each prime: the first 1,000 primes",
} as const;

/** How many items the priority queue of W8 holds meanwhile. */
export const BACKLOG = 100_000;

/** What a workload is called. */
export type WorkloadName = keyof typeof workloads;

/**
 * Does `count` operations, checks that nothing was lost or doubled, and throws if so. One that has to
 * prepare something first returns how many milliseconds the operations took; otherwise the whole
 * call is timed.
 */
export type Workload = (count: number) => Promise<number | void> | number | void;

/** What memory is measured of. */
export const holdings = {
  channel: "an idle channel, never used",
  parked: "a parked receive",
  buffered: "a number in the buffer of a channel that holds 1,000,000",
  context: "a context with a cancellation of its own, below one parent",
} as const;

/** What a holding is called. */
export type HoldingName = keyof typeof holdings;

/** Makes `count` of them, and returns what keeps them alive. */
export type Holding = (count: number) => unknown;

/** What a module of `peers/`, `plain.ts` and `fast.ts` export. */
export interface Contestant {
  readonly workloads: Partial<Record<WorkloadName, Workload>>;
  readonly holdings?: Partial<Record<HoldingName, Holding>>;
}
