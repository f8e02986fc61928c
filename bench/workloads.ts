/**
 * The workloads: each does `count` operations and checks that nothing was lost on the way. They are
 * written the plain way, as a user would: `await` of send and receive, `for await`, `select`.
 *
 * @module
 */
import { Channel, otherwise, recv, select, trySelect } from "../mod.ts";

/** A workload: `count` operations, over by the end of the promise. */
export interface Workload {
  readonly name: string;
  /** What one operation is. */
  readonly what: string;
  /** Operations in a sample of about 50 ms. */
  readonly count: number;
  run(count: number): Promise<void>;
}

function check(sum: number, count: number): void {
  const expected = count * (count - 1) / 2;
  if (sum !== expected) throw new Error(`the checksum is ${sum}, not ${expected}`);
}

/** Sends the numbers from `from` in steps of `step`. */
async function produce(ch: Channel<number>, from: number, count: number, step = 1): Promise<void> {
  for (let i = from; i < count; i += step) await ch.send(i);
}

async function consume(ch: Channel<number>, times: number): Promise<number> {
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
  check(sum, count);
}

function oneWay(capacity: number): (count: number) => Promise<void> {
  return async (count) => {
    const ch = new Channel<number>(capacity);
    const [sum] = await Promise.all([consume(ch, count), produce(ch, 0, count)]);
    check(sum, count);
  };
}

async function iterate(count: number): Promise<void> {
  const ch = new Channel<number>(128);
  const consumeAll = async (): Promise<number> => {
    let sum = 0;
    for await (const value of ch) sum += value;
    return sum;
  };
  const [sum] = await Promise.all([consumeAll(), produce(ch, 0, count).then(() => ch.close())]);
  check(sum, count);
}

async function manyToMany(count: number): Promise<void> {
  const ch = new Channel<number>(64);
  const consumers = Array.from({ length: 8 }, () => consume(ch, count / 8));
  const producers = Array.from({ length: 8 }, (_, i) => produce(ch, i, count, 8));
  const sums = await Promise.all(consumers);
  await Promise.all(producers);
  check(sums.reduce((a, b) => a + b), count);
}

async function selectOfFour(count: number): Promise<void> {
  const channels = Array.from({ length: 4 }, () => new Channel<number>());
  const producers = channels.map((ch, i) => produce(ch, i, count, 4));
  const cases = channels.map((ch, i) => [i, recv(ch)] as const);
  let sum = 0;
  for (let i = 0; i < count; i++) sum += (await select(cases)).value!;
  await Promise.all(producers);
  check(sum, count);
}

function selectDefault(count: number): Promise<void> {
  const channels = Array.from({ length: 4 }, () => new Channel<number>());
  const cases = [...channels.map((ch, i) => [i, recv(ch)] as const), [4, otherwise] as const];
  for (let i = 0; i < count; i++) {
    if (trySelect(cases)?.key !== 4) throw new Error("an empty channel was ready");
  }
  return Promise.resolve();
}

/** In the order of the report. */
export const workloads: readonly Workload[] = [
  { name: "W1", what: "unbuffered ping-pong, a round trip", count: 100_000, run: pingPong },
  { name: "W2", what: "unbuffered, one value", count: 200_000, run: oneWay(0) },
  { name: "W3", what: "capacity 128, one value", count: 400_000, run: oneWay(128) },
  { name: "W3f", what: "the same, for await", count: 400_000, run: iterate },
  { name: "W4", what: "capacity 64, 8 to 8, one value", count: 400_000, run: manyToMany },
  { name: "W5", what: "select over 4 unbuffered", count: 40_000, run: selectOfFour },
  { name: "W5d", what: "trySelect over 4 empty, default", count: 100_000, run: selectDefault },
];
