/**
 * Sluice as one writes it where speed matters: try first and await only to park, take what is there
 * in one call, prepare a select once.
 *
 * @module
 */
import {
  background,
  Channel,
  otherwise,
  prepareSelect,
  PriorityQueue,
  type Receiver,
  recv,
  type Sender,
  withCancel,
} from "../mod.ts";
import { checkPrime, checkSum, pseudoRandom, total } from "./checks.ts";
import { BACKLOG, type Contestant } from "./contest.ts";

async function produce(ch: Sender<number>, from: number, count: number, step = 1): Promise<void> {
  for (let i = from; i < count; i += step) if (!ch.trySend(i)) await ch.send(i);
}

async function consume(ch: Receiver<number>, times: number): Promise<number> {
  let sum = 0;
  for (let i = 0; i < times; i++) sum += (ch.tryReceive() ?? await ch.receive()).value!;
  return sum;
}

/** Up to 128 values in one call. */
async function consumeMany(ch: Receiver<number>, times: number): Promise<number> {
  let sum = 0;
  while (times > 0) {
    const values = await ch.receiveMany(Math.min(times, 128));
    for (const value of values) sum += value;
    times -= values.length;
  }
  return sum;
}

async function pingPong(count: number): Promise<void> {
  const ping = new Channel<number>();
  const pong = new Channel<number>();
  const echo = async (): Promise<void> => {
    for (let i = 0; i < count; i++) {
      const { value } = ping.tryReceive() ?? await ping.receive();
      if (!pong.trySend(value!)) await pong.send(value!);
    }
  };
  const call = async (): Promise<number> => {
    let sum = 0;
    for (let i = 0; i < count; i++) {
      if (!ping.trySend(i)) await ping.send(i);
      sum += (pong.tryReceive() ?? await pong.receive()).value!;
    }
    return sum;
  };
  const [sum] = await Promise.all([call(), echo()]);
  checkSum(sum, count);
}

async function oneWay(count: number): Promise<void> {
  const ch = new Channel<number>();
  const [, sum] = await Promise.all([produce(ch, 0, count), consume(ch, count)]);
  checkSum(sum, count);
}

async function buffered(count: number): Promise<void> {
  const ch = new Channel<number>(128);
  const [, sum] = await Promise.all([produce(ch, 0, count), consumeMany(ch, count)]);
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
  const selector = prepareSelect(channels.map((ch, i) => [i, recv(ch)] as const));
  let sum = 0;
  for (let i = 0; i < count; i++) {
    sum += (await selector.select()).value!;
  }
  await Promise.all(producers);
  checkSum(sum, count);
}

function selectDefault(count: number): void {
  const channels = Array.from({ length: 4 }, () => new Channel<number>());
  const cases = [...channels.map((ch, i) => [i, recv(ch)] as const), [4, otherwise] as const];
  const selector = prepareSelect(cases);
  for (let i = 0; i < count; i++) {
    if (selector.trySelect()?.key !== 4) throw new Error("an empty channel was ready");
  }
}

/** Milliseconds for `count` puts and gets, each pair on a backlog. */
function prioritize(count: number): number {
  const queue = new PriorityQueue<number>({ priority: (n) => n });
  const random = pseudoRandom();
  let sum = 0;
  const put = (): void => {
    const value = random();
    sum += value;
    queue.tryPut(value);
  };
  for (let i = 0; i < BACKLOG; i++) put();
  const start = performance.now();
  for (let i = 0; i < count; i++) {
    put();
    sum -= queue.tryGet()!.value;
  }
  const took = performance.now() - start;
  for (let i = 0; i < BACKLOG; i++) sum -= queue.tryGet()!.value;
  if (sum !== 0) throw new Error(`the checksum is ${sum}, not 0`);
  return took;
}

async function sieve(count: number): Promise<void> {
  using ctx = withCancel(background());
  const generate = async (out: Sender<number>): Promise<void> => {
    for (let n = 2; !ctx.done; n++) if (!out.trySend(n)) await out.send(n);
  };
  const filter = async (from: Receiver<number>, to: Sender<number>, prime: number) => {
    while (!ctx.done) {
      const n = (from.tryReceive() ?? await from.receive()).value!;
      if (n % prime !== 0 && !to.trySend(n)) await to.send(n);
    }
  };
  let ch = new Channel<number>();
  const channels = [ch];
  const tasks = [generate(ch)];
  let prime = 0;
  for (let i = 0; i < count; i++) {
    prime = (ch.tryReceive() ?? await ch.receive()).value!;
    const from = ch;
    channels.push(ch = new Channel<number>());
    tasks.push(filter(from, ch, prime));
  }
  ctx.cancel();
  for (const each of channels) each.close();
  await Promise.allSettled(tasks);
  checkPrime(prime, count);
}

/** The workloads, the fast way, as far as there is one. */
export const workloads: Contestant["workloads"] = {
  W1: pingPong,
  W2: oneWay,
  W3: buffered,
  W4: manyToMany,
  W5: selectOfFour,
  W5d: selectDefault,
  W8: prioritize,
  W9: sieve,
};
