/**
 * `async-channel`: `push` and `get` of its `Channel`.
 *
 * A channel of it is thenable, and to await one takes from it: so a function must not return one
 * that is awaited.
 *
 * @module
 */
import { Channel } from "async-channel";
import type { Contestant } from "../contest.ts";
import { checkPrime, checkSum, total } from "../checks.ts";

async function produce(ch: Channel<number>, from: number, count: number, step = 1): Promise<void> {
  for (let i = from; i < count; i += step) await ch.push(i);
}

async function consume(ch: Channel<number>, times: number): Promise<number> {
  let sum = 0;
  for (let i = 0; i < times; i++) sum += await ch.get();
  return sum;
}

async function pingPong(count: number): Promise<void> {
  const ping = new Channel<number>();
  const pong = new Channel<number>();
  const echo = async (): Promise<void> => {
    for (let i = 0; i < count; i++) await pong.push(await ping.get());
  };
  const call = async (): Promise<number> => {
    let sum = 0;
    for (let i = 0; i < count; i++) {
      await ping.push(i);
      sum += await pong.get();
    }
    return sum;
  };
  const [sum] = await Promise.all([call(), echo()]);
  checkSum(sum, count);
}

function oneWay(capacity: number): (count: number) => Promise<void> {
  return async (count) => {
    const ch = new Channel<number>(capacity);
    const [, sum] = await Promise.all([produce(ch, 0, count), consume(ch, count)]);
    checkSum(sum, count);
  };
}

async function iterate(count: number): Promise<void> {
  const ch = new Channel<number>(128);
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
  const ch = new Channel<number>(64);
  const consumers = Array.from({ length: 8 }, () => consume(ch, count / 8));
  const producers = Array.from({ length: 8 }, (_, i) => produce(ch, i, count, 8));
  const sums = await Promise.all(consumers);
  await Promise.all(producers);
  checkSum(total(sums), count);
}

/** After the last prime a 0 goes through all filters and ends them; this is not timed. */
async function sieve(count: number): Promise<number> {
  const start = performance.now();
  let stop = false;
  const generate = async (out: Channel<number>): Promise<void> => {
    for (let i = 2; !stop; i++) await out.push(i);
    await out.push(0);
  };
  const sift = async (
    source: Channel<number>,
    out: Channel<number>,
    prime: number,
  ): Promise<void> => {
    for (let i = await source.get(); i !== 0; i = await source.get()) {
      if (i % prime !== 0) await out.push(i);
    }
    await out.push(0);
  };
  let numbers = new Channel<number>();
  const tasks = [generate(numbers)];
  let prime = await numbers.get();
  for (let i = 1; i < count; i++) {
    const out = new Channel<number>();
    tasks.push(sift(numbers, out, prime));
    numbers = out;
    prime = await numbers.get();
  }
  const took = performance.now() - start;
  stop = true;
  while (await numbers.get() !== 0);
  await Promise.all(tasks);
  checkPrime(prime, count);
  return took;
}

function channels(count: number): unknown {
  return Array.from({ length: count }, () => new Channel<number>());
}

function parked(count: number): unknown {
  const ch = new Channel<number>();
  for (let i = 0; i < count; i++) ch.get();
  return [ch];
}

function buffered(count: number): unknown {
  const ch = new Channel<number>(count);
  for (let i = 0; i < count; i++) ch.push(i);
  return [ch];
}

/** The workloads. */
export const workloads: Contestant["workloads"] = {
  W1: pingPong,
  W2: oneWay(0),
  W3: oneWay(128),
  W3f: iterate,
  W4: manyToMany,
  W9: sieve,
};

/** The holdings. */
export const holdings: Contestant["holdings"] = { channel: channels, parked, buffered };
