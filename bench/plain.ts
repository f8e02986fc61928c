/**
 * Sluice as one writes it without a thought of speed: `await` of send and receive, `for await`,
 * `select`.
 *
 * @module
 */
import {
  background,
  Channel,
  otherwise,
  PriorityQueue,
  type Receiver,
  recv,
  select,
  type Sender,
  trySelect,
  withCancel,
} from "../mod.ts";
import { checkCancelled, checkPrime, checkSum, pseudoRandom, shuffle, total } from "./checks.ts";
import { BACKLOG, type Contestant } from "./contest.ts";

/** Sends the numbers from `from` in steps of `step`. */
async function produce(ch: Sender<number>, from: number, count: number, step = 1): Promise<void> {
  for (let i = from; i < count; i += step) await ch.send(i);
}

async function consume(ch: Receiver<number>, times: number): Promise<number> {
  let sum = 0;
  for (let i = 0; i < times; i++) {
    const { ok, value } = await ch.receive();
    if (ok) sum += value;
  }
  return sum;
}

async function pingPong(count: number): Promise<void> {
  const ping = new Channel<number>();
  const pong = new Channel<number>();
  const echo = async (): Promise<void> => {
    for (let i = 0; i < count; i++) await pong.send((await ping.receive()).value!);
  };
  const call = async (): Promise<number> => {
    let sum = 0;
    for (let i = 0; i < count; i++) {
      await ping.send(i);
      sum += (await pong.receive()).value!;
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
  const producers = Array.from({ length: 8 }, (_, i) => produce(ch, i, count, 8));
  const consumers = Array.from({ length: 8 }, () => consume(ch, count / 8));
  const sums = await Promise.all(consumers);
  await Promise.all(producers);
  checkSum(total(sums), count);
}

async function selectOfFour(count: number): Promise<void> {
  const channels = Array.from({ length: 4 }, () => new Channel<number>());
  const producers = channels.map((ch, i) => produce(ch, i, count, 4));
  const cases = channels.map((ch, i) => [i, recv(ch)] as const);
  let sum = 0;
  for (let i = 0; i < count; i++) sum += (await select(cases)).value!;
  await Promise.all(producers);
  checkSum(sum, count);
}

function selectDefault(count: number): void {
  const channels = Array.from({ length: 4 }, () => new Channel<number>());
  const cases = [...channels.map((ch, i) => [i, recv(ch)] as const), [4, otherwise] as const];
  for (let i = 0; i < count; i++) {
    if (trySelect(cases)?.key !== 4) throw new Error("an empty channel was ready");
  }
}

/** At hand, as Go's context.Canceled is; without one an Error is made, 2 µs in V8. */
const reason = new Error("enough");

/** Milliseconds to cancel `count` parked receives, one by one. */
async function cancel(order: readonly number[]): Promise<number> {
  const ch = new Channel<number>();
  using parent = withCancel(background());
  const contexts = order.map(() => withCancel(parent));
  const outcomes = contexts.map((ctx) => ch.receive(ctx).then(() => 0, () => 1));
  const start = performance.now();
  for (const i of order) contexts[i]!.cancel(reason);
  const took = performance.now() - start;
  checkCancelled(total(await Promise.all(outcomes)), order.length);
  return took;
}

/** In without waiting, then out. */
export function fillAndDrain(count: number): void {
  const ch = new Channel<number>(count);
  for (let i = 0; i < count; i++) ch.trySend(i);
  let sum = 0;
  for (let i = 0; i < count; i++) sum += ch.tryReceive()!.value!;
  checkSum(sum, count);
}

/** Milliseconds for `count` puts and gets, each pair on a backlog. */
async function prioritize(count: number): Promise<number> {
  const queue = new PriorityQueue<number>({ priority: (n) => n });
  const random = pseudoRandom();
  let sum = 0;
  const put = (): Promise<void> => {
    const value = random();
    sum += value;
    return queue.put(value);
  };
  for (let i = 0; i < BACKLOG; i++) await put();
  const start = performance.now();
  for (let i = 0; i < count; i++) {
    await put();
    sum -= await queue.get();
  }
  const took = performance.now() - start;
  for (let i = 0; i < BACKLOG; i++) sum -= await queue.get();
  if (sum !== 0) throw new Error(`the checksum is ${sum}, not 0`);
  return took;
}

async function sieve(count: number): Promise<void> {
  using ctx = withCancel(background());
  const generate = async (out: Sender<number>): Promise<void> => {
    for (let n = 2; !ctx.done; n++) await out.send(n);
  };
  const filter = async (from: Receiver<number>, to: Sender<number>, prime: number) => {
    while (!ctx.done) {
      const n = (await from.receive()).value!;
      if (n % prime !== 0) await to.send(n);
    }
  };
  let ch = new Channel<number>();
  const channels = [ch];
  const tasks = [generate(ch)];
  let prime = 0;
  for (let i = 0; i < count; i++) {
    prime = (await ch.receive()).value!;
    const from = ch;
    channels.push(ch = new Channel<number>());
    tasks.push(filter(from, ch, prime));
  }
  ctx.cancel();
  for (const each of channels) each.close();
  await Promise.allSettled(tasks);
  checkPrime(prime, count);
}

/** The workloads, the plain way. */
export const workloads: Contestant["workloads"] = {
  W1: pingPong,
  W2: oneWay(0),
  W3: oneWay(128),
  W3f: iterate,
  W4: manyToMany,
  W5: selectOfFour,
  W5d: selectDefault,
  W6: (count) => cancel(Array.from({ length: count }, (_, i) => count - 1 - i)),
  W6r: (count) => cancel(shuffle(Array.from({ length: count }, (_, i) => i))),
  W7: fillAndDrain,
  W8: prioritize,
  W9: sieve,
};

/** What memory is measured of. */
export const holdings: Contestant["holdings"] = {
  channel: (count) => Array.from({ length: count }, () => new Channel<number>()),
  parked: (count) => {
    const ch = new Channel<number>();
    for (let i = 0; i < count; i++) void ch.receive();
    return ch;
  },
  buffered: (count) => {
    const ch = new Channel<number>(count);
    for (let i = 0; i < count; i++) ch.trySend(i);
    return ch;
  },
  context: (count) => {
    const parent = withCancel(background());
    return [parent, Array.from({ length: count }, () => withCancel(parent))];
  },
};
