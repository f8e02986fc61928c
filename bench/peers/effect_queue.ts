/**
 * `effect`: `offer` and `take` of its `Queue`, in fibers that `Effect.gen` describes; for W7, which
 * waits for nothing, `offerUnsafe` and `takeUnsafe`. A queue with a capacity of 0 is unbuffered.
 * Left out: W9 takes about 10 s, and a put into `TxPriorityQueue` copies the backlog of W8.
 *
 * @module
 */
import { Effect, Queue } from "effect";
import type { Contestant } from "../contest.ts";
import { checkSum, total } from "../checks.ts";

type Numbers = Queue.Queue<number>;

const atOnce = { concurrency: "unbounded" } as const;

function produce(queue: Numbers, from: number, count: number, step = 1): Effect.Effect<void> {
  return Effect.gen(function* () {
    for (let i = from; i < count; i += step) yield* Queue.offer(queue, i);
  });
}

function consume(queue: Numbers, times: number): Effect.Effect<number> {
  return Effect.gen(function* () {
    let sum = 0;
    for (let i = 0; i < times; i++) sum += yield* Queue.take(queue);
    return sum;
  });
}

function pingPong(count: number): Promise<void> {
  return Effect.runPromise(Effect.gen(function* () {
    const ping = yield* Queue.bounded<number>(0);
    const pong = yield* Queue.bounded<number>(0);
    const echo = Effect.gen(function* () {
      for (let i = 0; i < count; i++) yield* Queue.offer(pong, yield* Queue.take(ping));
    });
    const call = Effect.gen(function* () {
      let sum = 0;
      for (let i = 0; i < count; i++) {
        yield* Queue.offer(ping, i);
        sum += yield* Queue.take(pong);
      }
      return sum;
    });
    const [sum] = yield* Effect.all([call, echo], atOnce);
    checkSum(sum, count);
  }));
}

function oneWay(capacity: number): (count: number) => Promise<void> {
  return (count) =>
    Effect.runPromise(Effect.gen(function* () {
      const queue = yield* Queue.bounded<number>(capacity);
      const [, sum] = yield* Effect.all([produce(queue, 0, count), consume(queue, count)], atOnce);
      checkSum(sum, count);
    }));
}

function manyToMany(count: number): Promise<void> {
  return Effect.runPromise(Effect.gen(function* () {
    const queue = yield* Queue.bounded<number>(64);
    const consumers = Array.from({ length: 8 }, () => consume(queue, count / 8));
    const producers = Array.from({ length: 8 }, (_, i) => produce(queue, i, count, 8));
    const [sums] = yield* Effect.all(
      [Effect.all(consumers, atOnce), Effect.all(producers, atOnce)],
      atOnce,
    );
    checkSum(total(sums), count);
  }));
}

function tryAll(count: number): void {
  const queue = Effect.runSync(Queue.bounded<number>(count));
  for (let i = 0; i < count; i++) {
    if (!Queue.offerUnsafe(queue, i)) throw new Error("the queue is full too early");
  }
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const exit = Queue.takeUnsafe(queue);
    if (exit?._tag === "Success") sum += exit.value;
  }
  checkSum(sum, count);
}

function queues(count: number): unknown {
  return Array.from({ length: count }, () => Effect.runSync(Queue.bounded<number>(0)));
}

/** A fiber each, as only a fiber can wait. */
async function parked(count: number): Promise<unknown> {
  const queue = Effect.runSync(Queue.bounded<number>(0));
  for (let i = 0; i < count; i++) Effect.runFork(Queue.take(queue));
  await Effect.runPromise(Effect.yieldNow);
  return queue;
}

function buffered(count: number): unknown {
  const queue = Effect.runSync(Queue.bounded<number>(count));
  for (let i = 0; i < count; i++) Queue.offerUnsafe(queue, i);
  return queue;
}

/** The workloads. */
export const workloads: Contestant["workloads"] = {
  W1: pingPong,
  W2: oneWay(0),
  W3: oneWay(128),
  W4: manyToMany,
  W7: tryAll,
};

/** The holdings. */
export const holdings: Contestant["holdings"] = { channel: queues, parked, buffered };
