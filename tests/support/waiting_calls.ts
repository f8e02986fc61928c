/**
 * Every waiting call of the module, each in a state in which it has to wait. So what all of them
 * have in common can be tested on all of them.
 *
 * @module
 */
import {
  after,
  background,
  type BatchOptions,
  Channel,
  type Context,
  LifoQueue,
  PriorityQueue,
  Queue,
  type Received,
  recv,
  select,
  type SelectOptions,
  send,
  type Sink,
  sinkPort,
  sleep,
  type Source,
  sourcePort,
  ticker,
  type Wait,
  type Waiter,
  type WaitOptions,
  whenDone,
  withCancel,
} from "../../mod.ts";
import { CoreSink, CoreSource } from "../../core/ports.ts";
import type { QueueCore } from "../../core/queue_core.ts";
import type { FakeClock } from "./clock.ts";

export interface WaitingCall extends Disposable {
  call(wait?: Wait): Promise<unknown>;
  /** Serves so many of those who wait. If nobody waits, the next calls need not. */
  serve(count: number): void | Promise<void>;
  /** `serve` does so before it returns, and not by time. */
  readonly instant: boolean;
  /** All that can be told from outside, and how many wait on either side. */
  seen(): unknown;
  /** How many nodes of such calls wait; undefined: it cannot be counted. */
  waiting(): number | undefined;
  /** Closes what it waits on; undefined: there is no such thing. */
  readonly close?: () => void;
}

/** The name of each, and how to set it up. */
export const waitingCalls: Readonly<Record<string, (clock: FakeClock) => WaitingCall>> = {
  "Queue.put": () => putting(new Queue<number>(1)),
  "LifoQueue.put": () => putting(new LifoQueue<number>(1)),
  "PriorityQueue.put": () => putting(new PriorityQueue<number>(1)),
  "Queue.put of weights": () => putting(new Queue<number>({ maxSize: 4, weigh: () => 3 })),
  "Queue.get": () => getting((queue, wait) => queue.get(wait)),
  "Queue.lease": () => getting((queue, wait) => queue.lease(wait)),
  "Queue.getBatch": () => getting((queue, wait) => queue.getBatch(3, wait)),
  "PriorityQueue.get": () => getting((queue, wait) => queue.get(wait), new PriorityQueue()),
  "Queue.getBatch that fills": () => {
    return getting((queue, wait) => queue.getBatch(2, and({ min: 2 }, wait)));
  },
  "Queue.getBatch that lingers": () => {
    const queue = new Queue<number>();
    queue.putNowait(0);
    return getting((queue, wait) => queue.getBatch(2, and({ min: 2, linger: 500 }, wait)), queue);
  },
  "Queue.join": () => {
    const queue = new Queue<number>();
    queue.putNowait(0);
    return {
      call: (wait) => queue.join(wait),
      serve: () => void (queue.unfinished > 0 && queue.taskDone()),
      instant: true,
      seen: () => [queue.size, queue.unfinished],
      waiting: () => undefined,
      close: () => queue.shutdown(),
      [Symbol.dispose]() {},
    };
  },
  "Channel.send": () => sending(new Channel<number>()),
  "Channel.send to a full one": () => sending(new Channel<number>(1)),
  "Channel.receive": () => receiving((ch, wait) => ch.receive(wait)),
  "Channel.receive of a buffered one": () => receiving((ch, wait) => ch.receive(wait), 2),
  "Channel.take": () => receiving((ch, wait) => ch.take(wait)),
  "Channel.receiveMany": () => receiving((ch, wait) => ch.receiveMany(2, wait)),
  "Channel.receiveMany that fills": () => {
    return receiving((ch, wait) => ch.receiveMany(2, and({ min: 2 }, wait)), 4);
  },
  "select that receives": () => receiving((ch, wait) => select({ value: recv(ch) }, wait)),
  "select that sends": () => {
    const ch = new Channel<number>();
    return sending(ch, (wait) => select({ sent: send(ch, 7) }, wait));
  },
  "select of everything": () => {
    const ch = new Channel<number>(1);
    const others = [new Channel<number>(), new Channel<number>()];
    const ctx = withCancel(background());
    const cases = {
      first: recv(others[0]),
      second: send(others[1], 1),
      late: after(1_000),
      ended: whenDone(ctx),
      value: recv(ch),
      again: recv(ch),
    };
    const fixture = receiving((_, wait) => select(cases, and({ biased: true }, wait)), ch);
    const all = [ch, ...others].map(coreOf);
    return {
      ...fixture,
      seen: () => all.map(view),
      waiting: () =>
        all.reduce((sum, { takers, putters }) => sum + takers.length + putters.length, 0),
      [Symbol.dispose]: () => ctx.cancel(),
    };
  },
  "select on a foreign source": () => {
    const box = new Mailbox();
    return {
      call: (wait) => select({ mail: recv(box) }, wait),
      serve: (count) => {
        for (let i = 0; i < count; i++) box.post(i);
      },
      instant: true,
      seen: () => [[...box.letters], box.waiters.size],
      waiting: () => box.waiters.size,
      [Symbol.dispose]() {},
    };
  },
  "Ticker.receive": (clock) => {
    const ticks = ticker(1_000);
    const core = coreOf(ticks);
    return {
      call: (wait) => ticks.receive(wait),
      serve: (count) => clock.tick(1_000 * count),
      instant: false,
      seen: () => view(core),
      waiting: () => core.takers.length,
      [Symbol.dispose]: () => ticks[Symbol.dispose](),
    };
  },
  "whenDone.receive": () => {
    const ctx = withCancel(background());
    const core = coreOf(ctx.whenDone);
    return {
      call: (wait) => ctx.whenDone.receive(wait),
      serve: () => ctx.cancel(),
      instant: true,
      seen: () => view(core),
      waiting: () => core.takers.length,
      [Symbol.dispose]: () => ctx.cancel(),
    };
  },
  "sleep": (clock) => ({
    call: (wait) => sleep(1_000, wait),
    serve: () => clock.tick(1_000),
    instant: false,
    seen: () => undefined,
    waiting: () => undefined,
    [Symbol.dispose]() {},
  }),
};

function putting(queue: Queue<number>): WaitingCall {
  queue.putNowait(0);
  const core = coreOf(queue);
  return {
    call: (wait) => queue.put(7, wait),
    serve: (count) => {
      for (let i = 0; i < count; i++) queue.tryGet();
    },
    instant: true,
    seen: () => [queue.size, queue.weight, queue.unfinished, view(core)],
    waiting: () => core.putters.length,
    close: () => queue.shutdown(),
    [Symbol.dispose]() {},
  };
}

function getting(
  call: (queue: Queue<number>, wait?: Wait) => Promise<unknown>,
  queue: Queue<number> = new Queue<number>(),
): WaitingCall {
  const core = coreOf(queue);
  return {
    call: (wait) => call(queue, wait),
    serve: (count) => serve(core, count, () => queue.putNowait(7)),
    instant: true,
    seen: () => [queue.size, queue.unfinished, view(core)],
    waiting: () => core.takers.length,
    close: () => queue.shutdown({ immediate: true }),
    [Symbol.dispose]() {},
  };
}

function sending(
  ch: Channel<number>,
  call: (wait?: Wait) => Promise<unknown> = (wait) => ch.send(7, wait),
): WaitingCall {
  if (ch.capacity > 0) ch.trySend(0);
  const core = coreOf(ch);
  return {
    call,
    serve: (count) => {
      // Who finds nothing waits, so that the next send need not.
      for (let i = 0; i < count; i++) void ch.receive();
    },
    instant: true,
    seen: () => view(core),
    waiting: () => core.putters.length,
    close: () => ch.close(),
    [Symbol.dispose]() {},
  };
}

function receiving(
  call: (ch: Channel<number>, wait?: Wait) => Promise<unknown>,
  of: Channel<number> | number = 0,
): WaitingCall {
  const ch = typeof of === "number" ? new Channel<number>(of) : of;
  const core = coreOf(ch);
  return {
    call: (wait) => call(ch, wait),
    serve: (count) => serve(core, count, () => void ch.send(7).catch(() => {})),
    instant: true,
    seen: () => view(core),
    waiting: () => core.takers.length,
    close: () => ch.close(),
    [Symbol.dispose]() {},
  };
}

/** Brings so much that the first `count` who wait have got it; two are enough for any call. */
function serve({ takers }: QueueCore, count: number, bring: () => void): void {
  for (let i = 0; i < count; i++) {
    const { head } = takers;
    bring();
    if (head === null) bring();
    while (head !== null && takers.head === head) bring();
  }
}

/** The core behind one of ours. */
export function coreOf(of: Source<unknown> | Sink<never>): QueueCore {
  const port = sourcePort in of ? of[sourcePort] : of[sinkPort];
  if (port instanceof CoreSource || port instanceof CoreSink) return port.core;
  throw new TypeError("not one of ours");
}

function view({ storage, takers, putters, closed }: QueueCore): unknown {
  return { stored: storage.length, takers: takers.length, putters: putters.length, closed };
}

/** The same wait, with further options. What is no wait is passed on as it is. */
function and<O extends BatchOptions | SelectOptions>(options: O, wait?: Wait): O {
  if (wait === undefined) return options;
  if (typeof wait !== "object" || wait === null) return wait as never;
  if (wait instanceof AbortSignal) return { ...options, signal: wait };
  return "throwIfDone" in wait
    ? { ...options, ctx: wait as Context }
    : { ...options, ...(wait as WaitOptions) };
}

/** A source that is not ours. */
class Mailbox implements Source<number> {
  readonly letters: number[] = [];
  readonly waiters = new Set<Waiter>();
  readonly [sourcePort] = {
    tryTake: (): Received<number> | undefined => {
      const value = this.letters.shift();
      return value === undefined ? undefined : { ok: true, value };
    },
    park: (waiter: Waiter) => {
      this.waiters.add(waiter);
      return false;
    },
    unpark: (waiter: Waiter) => void this.waiters.delete(waiter),
  };

  post(letter: number): void {
    this.letters.push(letter);
    for (const waiter of [...this.waiters]) if (waiter.wake()) return;
  }
}
