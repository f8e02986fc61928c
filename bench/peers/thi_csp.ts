/**
 * `@thi.ng/csp`: `write` and `read` of its `Channel`.
 *
 * A write is only over when it was read, however large the buffer is, and the smallest buffer holds
 * one value: so a channel of one is its unbuffered one. No more than 1,024 reads may wait on one.
 *
 * @module
 */
import { Channel, select } from "@thi.ng/csp";
import type { Contestant } from "../contest.ts";
import { checkPrime, checkSum, total } from "../checks.ts";

async function produce(ch: Channel<number>, from: number, count: number, step = 1): Promise<void> {
  for (let i = from; i < count; i += step) await ch.write(i);
}

async function consume(ch: Channel<number>, times: number): Promise<number> {
  let sum = 0;
  for (let i = 0; i < times; i++) sum += (await ch.read())!;
  return sum;
}

async function pingPong(count: number): Promise<void> {
  const ping = new Channel<number>();
  const pong = new Channel<number>();
  const echo = async (): Promise<void> => {
    for (let i = 0; i < count; i++) await pong.write((await ping.read())!);
  };
  const call = async (): Promise<number> => {
    let sum = 0;
    for (let i = 0; i < count; i++) {
      await ping.write(i);
      sum += (await pong.read())!;
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

async function selectOfFour(count: number): Promise<void> {
  const channels = Array.from({ length: 4 }, () => new Channel<number>());
  const producers = channels.map((ch, i) => produce(ch, i, count, 4));
  const [first, ...others] = channels;
  let sum = 0;
  for (let i = 0; i < count; i++) sum += (await select(first!, ...others))[0]!;
  await Promise.all(producers);
  checkSum(sum, count);
}

function tryAll(count: number): void {
  const ch = new Channel<number>(count);
  for (let i = 0; i < count; i++) {
    if (!ch.offer(i)) throw new Error("the buffer is full too early");
  }
  let sum = 0;
  for (let i = 0; i < count; i++) sum += ch.poll()!;
  checkSum(sum, count);
}

/** After the last prime a 0 goes through all filters and ends them; this is not timed. */
async function sieve(count: number): Promise<number> {
  const start = performance.now();
  let stop = false;
  const generate = async (out: Channel<number>): Promise<void> => {
    for (let i = 2; !stop; i++) await out.write(i);
    await out.write(0);
  };
  const sift = async (
    source: Channel<number>,
    out: Channel<number>,
    prime: number,
  ): Promise<void> => {
    for (let i = (await source.read())!; i !== 0; i = (await source.read())!) {
      if (i % prime !== 0) await out.write(i);
    }
    await out.write(0);
  };
  let numbers = new Channel<number>();
  const tasks = [generate(numbers)];
  let prime = (await numbers.read())!;
  for (let i = 1; i < count; i++) {
    const out = new Channel<number>();
    tasks.push(sift(numbers, out, prime));
    numbers = out;
    prime = (await numbers.read())!;
  }
  const took = performance.now() - start;
  stop = true;
  while (await numbers.read() !== 0);
  await Promise.all(tasks);
  checkPrime(prime, count);
  return took;
}

function channels(count: number): unknown {
  return Array.from({ length: count }, () => new Channel<number>());
}

function parked(count: number): unknown {
  const all: Channel<number>[] = [];
  for (let i = 0; i < count; i++) {
    if (i % 1_000 === 0) all.push(new Channel());
    all.at(-1)!.read();
  }
  return all;
}

function buffered(count: number): unknown {
  const ch = new Channel<number>(count);
  for (let i = 0; i < count; i++) ch.offer(i);
  return ch;
}

/** The workloads. */
export const workloads: Contestant["workloads"] = {
  W1: pingPong,
  W2: oneWay(1),
  W3: oneWay(128),
  W3f: iterate,
  W4: manyToMany,
  W5: selectOfFour,
  W7: tryAll,
  W9: sieve,
};

/** The holdings. */
export const holdings: Contestant["holdings"] = { channel: channels, parked, buffered };
