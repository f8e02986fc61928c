/**
 * `@std/async/unstable-channel`: `send` and `receive` of its `Channel`.
 *
 * It is on JSR only. Where that does not answer, this module does not load; its import is dynamic,
 * of a name that no tool sees, so that the checks do.
 *
 * @module
 */
import type { Contestant } from "../contest.ts";
import { checkCancelled, checkPrime, checkSum, shuffle, total } from "../checks.ts";

/** What is used of a channel. */
interface Channel<T> extends AsyncIterable<T> {
  send(value: T): Promise<void>;
  receive(options?: { signal?: AbortSignal }): Promise<T>;
  trySend(value: T): boolean;
  tryReceive(): { state: "ok"; value: T } | { state: "empty" } | { state: "closed" };
  close(): void;
}

/** What is used of the module. */
interface Std {
  readonly Channel: new <T>(options?: { capacity?: number }) => Channel<T>;
}

const name = "jsr:@std/async@^1/unstable-channel";
const { Channel } = await import(name) as Std;

async function produce(ch: Channel<number>, from: number, count: number, step = 1): Promise<void> {
  for (let i = from; i < count; i += step) await ch.send(i);
}

async function consume(ch: Channel<number>, times: number): Promise<number> {
  let sum = 0;
  for (let i = 0; i < times; i++) sum += await ch.receive();
  return sum;
}

async function pingPong(count: number): Promise<void> {
  const ping = new Channel<number>();
  const pong = new Channel<number>();
  const echo = async (): Promise<void> => {
    for (let i = 0; i < count; i++) await pong.send(await ping.receive());
  };
  const call = async (): Promise<number> => {
    let sum = 0;
    for (let i = 0; i < count; i++) {
      await ping.send(i);
      sum += await pong.receive();
    }
    return sum;
  };
  const [sum] = await Promise.all([call(), echo()]);
  checkSum(sum, count);
}

function oneWay(capacity: number): (count: number) => Promise<void> {
  return async (count) => {
    const ch = new Channel<number>({ capacity });
    const [, sum] = await Promise.all([produce(ch, 0, count), consume(ch, count)]);
    checkSum(sum, count);
  };
}

async function iterate(count: number): Promise<void> {
  const ch = new Channel<number>({ capacity: 128 });
  const consumeAll = async (): Promise<number> => {
    let sum = 0;
    for await (const value of ch) sum += value;
    return sum;
  };
  const produced = produce(ch, 0, count).then(() => ch.close());
  const [, sum] = await Promise.all([produced, consumeAll()]);
  checkSum(sum, count);
}

async function manyToMany(count: number): Promise<void> {
  const ch = new Channel<number>({ capacity: 64 });
  const consumers = Array.from({ length: 8 }, () => consume(ch, count / 8));
  const producers = Array.from({ length: 8 }, (_, i) => produce(ch, i, count, 8));
  const sums = await Promise.all(consumers);
  await Promise.all(producers);
  checkSum(total(sums), count);
}

/** At hand: without one each abort makes a DOMException. */
const reason = new Error("enough");

/** Times the calls of `abort` only, not the rejections. */
function cancel(shuffled: boolean): (count: number) => Promise<number> {
  return async (count) => {
    const ch = new Channel<number>();
    const controllers = Array.from({ length: count }, () => new AbortController());
    let cancelled = 0;
    const receives = controllers.map(({ signal }) =>
      ch.receive({ signal }).catch(() => {
        cancelled++;
      })
    );
    controllers.reverse();
    if (shuffled) shuffle(controllers);
    const start = performance.now();
    for (const controller of controllers) controller.abort(reason);
    const took = performance.now() - start;
    await Promise.all(receives);
    checkCancelled(cancelled, count);
    return took;
  };
}

function tryAll(count: number): void {
  const ch = new Channel<number>({ capacity: count });
  for (let i = 0; i < count; i++) {
    if (!ch.trySend(i)) throw new Error("the buffer is full too early");
  }
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const result = ch.tryReceive();
    if (result.state === "ok") sum += result.value;
  }
  checkSum(sum, count);
}

/** After the last prime a 0 goes through all filters and ends them; this is not timed. */
async function sieve(count: number): Promise<number> {
  const start = performance.now();
  let stop = false;
  const generate = async (out: Channel<number>): Promise<void> => {
    for (let i = 2; !stop; i++) await out.send(i);
    await out.send(0);
  };
  const sift = async (
    source: Channel<number>,
    out: Channel<number>,
    prime: number,
  ): Promise<void> => {
    for (let i = await source.receive(); i !== 0; i = await source.receive()) {
      if (i % prime !== 0) await out.send(i);
    }
    await out.send(0);
  };
  let numbers = new Channel<number>();
  const tasks = [generate(numbers)];
  let prime = await numbers.receive();
  for (let i = 1; i < count; i++) {
    const out = new Channel<number>();
    tasks.push(sift(numbers, out, prime));
    numbers = out;
    prime = await numbers.receive();
  }
  const took = performance.now() - start;
  stop = true;
  while (await numbers.receive() !== 0);
  await Promise.all(tasks);
  checkPrime(prime, count);
  return took;
}

function channels(count: number): unknown {
  return Array.from({ length: count }, () => new Channel<number>());
}

function parked(count: number): unknown {
  const ch = new Channel<number>();
  for (let i = 0; i < count; i++) ch.receive();
  return ch;
}

function buffered(count: number): unknown {
  const ch = new Channel<number>({ capacity: count });
  for (let i = 0; i < count; i++) ch.trySend(i);
  return ch;
}

/** The workloads. */
export const workloads: Contestant["workloads"] = {
  W1: pingPong,
  W2: oneWay(0),
  W3: oneWay(128),
  W3f: iterate,
  W4: manyToMany,
  W6: cancel(false),
  W6r: cancel(true),
  W7: tryAll,
  W9: sieve,
};

/** The holdings. */
export const holdings: Contestant["holdings"] = { channel: channels, parked, buffered };
