/**
 * `medium`: `put` and `take` on what its `chan` makes, and `any`.
 *
 * A channel of it is thenable, and to await one takes from it: so a function must not return one
 * that is awaited.
 *
 * @module
 */
import medium from "medium";
import type { Contestant } from "../contest.ts";
import { checkPrime, checkSum, total } from "../checks.ts";

/** A channel of numbers, which the package has no type for. */
interface Chan {
  readonly buffer: unknown;
}

/** What is used of the package. */
interface Medium {
  chan(capacity?: number): Chan;
  put(ch: Chan, value: number): Promise<boolean>;
  take(ch: Chan): Promise<number>;
  any(...ports: readonly Chan[]): Promise<[value: number, ch: Chan]>;
}

const { chan, put, take, any } = medium as unknown as Medium;

async function produce(ch: Chan, from: number, count: number, step = 1): Promise<void> {
  for (let i = from; i < count; i += step) await put(ch, i);
}

async function consume(ch: Chan, times: number): Promise<number> {
  let sum = 0;
  for (let i = 0; i < times; i++) sum += await take(ch);
  return sum;
}

async function pingPong(count: number): Promise<void> {
  const ping = chan();
  const pong = chan();
  const echo = async (): Promise<void> => {
    for (let i = 0; i < count; i++) await put(pong, await take(ping));
  };
  const call = async (): Promise<number> => {
    let sum = 0;
    for (let i = 0; i < count; i++) {
      await put(ping, i);
      sum += await take(pong);
    }
    return sum;
  };
  const [sum] = await Promise.all([call(), echo()]);
  checkSum(sum, count);
}

function oneWay(capacity?: number): (count: number) => Promise<void> {
  return async (count) => {
    const ch = chan(capacity);
    const [, sum] = await Promise.all([produce(ch, 0, count), consume(ch, count)]);
    checkSum(sum, count);
  };
}

async function manyToMany(count: number): Promise<void> {
  const ch = chan(64);
  const consumers = Array.from({ length: 8 }, () => consume(ch, count / 8));
  const producers = Array.from({ length: 8 }, (_, i) => produce(ch, i, count, 8));
  const sums = await Promise.all(consumers);
  await Promise.all(producers);
  checkSum(total(sums), count);
}

async function selectOfFour(count: number): Promise<void> {
  const channels = Array.from({ length: 4 }, () => chan());
  const producers = channels.map((ch, i) => produce(ch, i, count, 4));
  let sum = 0;
  for (let i = 0; i < count; i++) sum += (await any(...channels))[0];
  await Promise.all(producers);
  checkSum(sum, count);
}

/** After the last prime a 0 goes through all filters and ends them; this is not timed. */
async function sieve(count: number): Promise<number> {
  const start = performance.now();
  let stop = false;
  const generate = async (out: Chan): Promise<void> => {
    for (let i = 2; !stop; i++) await put(out, i);
    await put(out, 0);
  };
  const sift = async (source: Chan, out: Chan, prime: number): Promise<void> => {
    for (let i = await take(source); i !== 0; i = await take(source)) {
      if (i % prime !== 0) await put(out, i);
    }
    await put(out, 0);
  };
  let numbers = chan();
  const tasks = [generate(numbers)];
  let prime = await take(numbers);
  for (let i = 1; i < count; i++) {
    const out = chan();
    tasks.push(sift(numbers, out, prime));
    numbers = out;
    prime = await take(numbers);
  }
  const took = performance.now() - start;
  stop = true;
  while (await take(numbers) !== 0);
  await Promise.all(tasks);
  checkPrime(prime, count);
  return took;
}

function channels(count: number): unknown {
  return Array.from({ length: count }, () => chan());
}

function parked(count: number): unknown {
  const ch = chan();
  for (let i = 0; i < count; i++) take(ch);
  return [ch];
}

function buffered(count: number): unknown {
  const ch = chan(count);
  for (let i = 0; i < count; i++) put(ch, i);
  return [ch];
}

/** The workloads. */
export const workloads: Contestant["workloads"] = {
  W1: pingPong,
  W2: oneWay(),
  W3: oneWay(128),
  W4: manyToMany,
  W5: selectOfFour,
  W9: sieve,
};

/** The holdings. */
export const holdings: Contestant["holdings"] = { channel: channels, parked, buffered };
