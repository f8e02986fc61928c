/**
 * `ts-chan`: `send` and `recv` of its `Chan`, and `Select`, both with `setUnsafe(true)`: no call
 * gives way to the other tasks of the event loop.
 *
 * @module
 */
import { Chan, recv, Select } from "ts-chan";
import type { Contestant } from "../contest.ts";
import { checkCancelled, checkPrime, checkSum, shuffle, total } from "../checks.ts";

function make(capacity = 0): Chan<number> {
  return new Chan<number>(capacity).setUnsafe(true);
}

async function produce(ch: Chan<number>, from: number, count: number, step = 1): Promise<void> {
  for (let i = from; i < count; i += step) await ch.send(i);
}

async function consume(ch: Chan<number>, times: number): Promise<number> {
  let sum = 0;
  for (let i = 0; i < times; i++) sum += (await ch.recv()).value!;
  return sum;
}

async function pingPong(count: number): Promise<void> {
  const ping = make();
  const pong = make();
  const echo = async (): Promise<void> => {
    for (let i = 0; i < count; i++) await pong.send((await ping.recv()).value!);
  };
  const call = async (): Promise<number> => {
    let sum = 0;
    for (let i = 0; i < count; i++) {
      await ping.send(i);
      sum += (await pong.recv()).value!;
    }
    return sum;
  };
  const [sum] = await Promise.all([call(), echo()]);
  checkSum(sum, count);
}

function oneWay(capacity: number): (count: number) => Promise<void> {
  return async (count) => {
    const ch = make(capacity);
    const [, sum] = await Promise.all([produce(ch, 0, count), consume(ch, count)]);
    checkSum(sum, count);
  };
}

async function iterate(count: number): Promise<void> {
  const ch = make(128);
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
  const ch = make(64);
  const consumers = Array.from({ length: 8 }, () => consume(ch, count / 8));
  const producers = Array.from({ length: 8 }, (_, i) => produce(ch, i, count, 8));
  const sums = await Promise.all(consumers);
  await Promise.all(producers);
  checkSum(total(sums), count);
}

async function selectOfFour(count: number): Promise<void> {
  const channels = Array.from({ length: 4 }, () => make());
  const producers = channels.map((ch, i) => produce(ch, i, count, 4));
  const select = new Select(channels.map((ch) => recv(ch))).setUnsafe(true);
  const { cases } = select;
  let sum = 0;
  for (let i = 0; i < count; i++) sum += select.recv(cases[await select.wait()]!).value!;
  await Promise.all(producers);
  checkSum(sum, count);
}

function selectDefault(count: number): void {
  const select = new Select(Array.from({ length: 4 }, () => recv(make()))).setUnsafe(true);
  for (let i = 0; i < count; i++) {
    if (select.poll() !== undefined) throw new Error("an empty channel was ready");
  }
}

/** At hand: without one each abort makes a DOMException. */
const reason = new Error("enough");

/** Times the calls of `abort` only, not the rejections. */
function cancel(shuffled: boolean): (count: number) => Promise<number> {
  return async (count) => {
    const ch = make();
    const controllers = Array.from({ length: count }, () => new AbortController());
    let cancelled = 0;
    const receives = controllers.map(({ signal }) =>
      ch.recv(signal).catch(() => {
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
  const ch = make(count);
  for (let i = 0; i < count; i++) {
    if (!ch.trySend(i)) throw new Error("the buffer is full too early");
  }
  let sum = 0;
  for (let i = 0; i < count; i++) sum += ch.tryRecv()!.value!;
  checkSum(sum, count);
}

/** After the last prime a 0 goes through all filters and ends them; this is not timed. */
async function sieve(count: number): Promise<number> {
  const start = performance.now();
  let stop = false;
  const generate = async (out: Chan<number>): Promise<void> => {
    for (let i = 2; !stop; i++) await out.send(i);
    await out.send(0);
  };
  const sift = async (source: Chan<number>, out: Chan<number>, prime: number): Promise<void> => {
    for (let i = (await source.recv()).value!; i !== 0; i = (await source.recv()).value!) {
      if (i % prime !== 0) await out.send(i);
    }
    await out.send(0);
  };
  let numbers = make();
  const tasks = [generate(numbers)];
  let prime = (await numbers.recv()).value!;
  for (let i = 1; i < count; i++) {
    const out = make();
    tasks.push(sift(numbers, out, prime));
    numbers = out;
    prime = (await numbers.recv()).value!;
  }
  const took = performance.now() - start;
  stop = true;
  while ((await numbers.recv()).value !== 0);
  await Promise.all(tasks);
  checkPrime(prime, count);
  return took;
}

function channels(count: number): unknown {
  return Array.from({ length: count }, () => make());
}

function parked(count: number): unknown {
  const ch = make();
  for (let i = 0; i < count; i++) ch.recv();
  return ch;
}

function buffered(count: number): unknown {
  const ch = make(count);
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
  W5: selectOfFour,
  W5d: selectDefault,
  W6: cancel(false),
  W6r: cancel(true),
  W7: tryAll,
  W9: sieve,
};

/** The holdings. */
export const holdings: Contestant["holdings"] = { channel: channels, parked, buffered };
