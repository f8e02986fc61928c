/**
 * The web's `TransformStream`: `write` of a writer, `read` of a reader.
 *
 * Without a strategy a write is only over when the value is read, which is unbuffered; a high water
 * mark on the readable side is the capacity.
 *
 * @module
 */
import type { Contestant } from "../contest.ts";
import { checkSum } from "../checks.ts";

type Stream = TransformStream<number, number>;
type Writer = WritableStreamDefaultWriter<number>;
type Reader = ReadableStreamDefaultReader<number>;

function make(capacity = 0): Stream {
  return new TransformStream(undefined, undefined, { highWaterMark: capacity });
}

async function produce(writer: Writer, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await writer.write(i);
}

async function consume(reader: Reader, times: number): Promise<number> {
  let sum = 0;
  for (let i = 0; i < times; i++) sum += (await reader.read()).value!;
  return sum;
}

async function pingPong(count: number): Promise<void> {
  const ping = make();
  const pong = make();
  const echo = async (reader: Reader, writer: Writer): Promise<void> => {
    for (let i = 0; i < count; i++) await writer.write((await reader.read()).value!);
  };
  const call = async (writer: Writer, reader: Reader): Promise<number> => {
    let sum = 0;
    for (let i = 0; i < count; i++) {
      await writer.write(i);
      sum += (await reader.read()).value!;
    }
    return sum;
  };
  const [sum] = await Promise.all([
    call(ping.writable.getWriter(), pong.readable.getReader()),
    echo(ping.readable.getReader(), pong.writable.getWriter()),
  ]);
  checkSum(sum, count);
}

function oneWay(capacity: number): (count: number) => Promise<void> {
  return async (count) => {
    const { readable, writable } = make(capacity);
    const [sum] = await Promise.all([
      consume(readable.getReader(), count),
      produce(writable.getWriter(), count),
    ]);
    checkSum(sum, count);
  };
}

async function iterate(count: number): Promise<void> {
  const { readable, writable } = make(128);
  const consumeAll = async (): Promise<number> => {
    let sum = 0;
    for await (const value of readable) sum += value;
    return sum;
  };
  const writer = writable.getWriter();
  const [sum] = await Promise.all([
    consumeAll(),
    produce(writer, count).then(() => writer.close()),
  ]);
  checkSum(sum, count);
}

function streams(count: number): unknown {
  return Array.from({ length: count }, () => make());
}

function parked(count: number): unknown {
  const stream = make();
  const reader = stream.readable.getReader();
  for (let i = 0; i < count; i++) reader.read();
  return [stream, reader];
}

async function buffered(count: number): Promise<unknown> {
  const stream = make(count);
  const writer = stream.writable.getWriter();
  for (let i = 0; i < count; i++) await writer.write(i);
  return [stream, writer];
}

/** The workloads. */
export const workloads: Contestant["workloads"] = {
  W1: pingPong,
  W2: oneWay(0),
  W3: oneWay(128),
  W3f: iterate,
};

/** The holdings. */
export const holdings: Contestant["holdings"] = { channel: streams, parked, buffered };
