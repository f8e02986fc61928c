/**
 * The turn guard, by the order of things alone: no test here measures how long something takes.
 *
 * The clock that the guard looks at is set by the tests. Where it stands still no turn is ever over;
 * where each look finds it 10 ms on, every stretch of completions is too long. The event loop is
 * real: `setImmediate` and `setTimeout` show when it has made a turn.
 *
 * @module
 */
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  background,
  Channel,
  otherwise,
  Queue,
  recv,
  select,
  send,
  sleep,
  withCancel,
} from "../mod.ts";
import { countCall, hold, holding, LOOK_EVERY, ready, refused, TURN_MS } from "../core/turn.ts";
import { settled } from "./support/settle.ts";

/** Counts a call, and tells whether what completes is held back. */
function turnIsOver(): boolean {
  countCall();
  return holding;
}

/** Far more than pass before the guard gives way, or before a timer is due. */
const MANY = 500_000;

/**
 * A pair of tasks, or one, that keep completing each other's calls until `over`; they call it once a
 * round.
 */
type Busy = (over: () => boolean) => Promise<unknown>;

const busy: Readonly<Record<string, Busy>> = {
  "send and receive": (over) => {
    const ch = new Channel<number>();
    return pair(over, () => ch.send(1), () => ch.receive(), ch);
  },
  "send and receive, buffered": (over) => {
    const ch = new Channel<number>(1);
    return pair(over, () => ch.send(1), () => ch.receive(), ch);
  },
  "send and take": (over) => {
    const ch = new Channel<number>();
    return pair(over, () => ch.send(1), () => ch.take(), ch);
  },
  "trySend and receive": async (over) => {
    const ch = new Channel<number>();
    while (!over()) {
      const received = ch.receive();
      ch.trySend(1);
      await received;
    }
  },
  "trySend and receive, buffered": async (over) => {
    const ch = new Channel<number>(1);
    while (!over()) {
      ch.trySend(1);
      await ch.receive();
    }
  },
  "send and receiveMany": (over) => {
    const ch = new Channel<number>(2);
    return pair(over, () => ch.send(1), () => ch.receiveMany(2), ch);
  },
  "send that drops": async (over) => {
    const ch = new Channel<number>({ capacity: 1, overflow: "dropOldest" });
    while (!over()) await ch.send(1);
  },
  "send and for await": async (over) => {
    const ch = new Channel<number>();
    const reading = (async () => {
      for await (const _ of ch) if (over()) break;
      ch.close();
    })();
    while (!ch.closed) await ch.send(1).catch(() => {});
    await reading;
  },
  "select and select": (over) => {
    const [ping, pong] = [new Channel<number>(), new Channel<number>()];
    return pair(
      over,
      () => select({ ping: send(ping, 1), pong: recv(pong) }),
      () => select({ ping: recv(ping), pong: send(pong, 1) }),
      ping,
    );
  },
  "select of what is ready": async (over) => {
    const ch = new Channel<number>(1);
    while (!over()) {
      await select({ sent: send(ch, 1) });
      await select({ value: recv(ch) });
    }
  },
  "select and its default": async (over) => {
    const ch = new Channel<number>();
    while (!over()) await select({ value: recv(ch), idle: otherwise });
  },
  "put and get": (over) => {
    const queue = new Queue<number>(1);
    return pair(over, () => queue.put(1), () => queue.get(), queue);
  },
  "put and lease": (over) => {
    const queue = new Queue<number>(1);
    return pair(over, () => queue.put(1), async () => (await queue.lease()).done(), queue);
  },
  "put and getBatch": (over) => {
    const queue = new Queue<number>(1);
    return pair(over, () => queue.put(1), () => queue.getBatch(2), queue);
  },
  "put and for await": async (over) => {
    using queue = new Queue<number>(1);
    const reading = (async () => {
      for await (const _ of queue) if (over()) break;
      queue.shutdown();
    })();
    while (!queue.closed) await queue.put(1).catch(() => {});
    await reading;
  },
  "join and taskDone": async (over) => {
    const queue = new Queue<number>();
    while (!over()) {
      queue.putNowait(1);
      const joined = queue.join();
      queue.getNowait();
      queue.taskDone();
      await joined;
    }
  },
  "join of nothing": async (over) => {
    const queue = new Queue<number>();
    while (!over()) await queue.join();
  },
  "receive from a closed channel": async (over) => {
    const ch = new Channel<number>();
    ch.close();
    while (!over()) await ch.receive();
  },
  "next of an iterator at its end": async (over) => {
    const ch = new Channel<number>();
    ch.close();
    const iterator = ch[Symbol.asyncIterator]();
    while (!over()) await iterator.next();
  },
  "calls that are refused": async (over) => {
    const ch = new Channel<number>();
    ch.close();
    const queue = new Queue<number>();
    queue.shutdown();
    const failing = [() => ch.take(), () => ch.send(1), () => queue.put(1), () => queue.get()];
    for (let i = 0; !over(); i++) await failing[i % failing.length]!().catch(() => {});
  },
  "calls that try once": async (over) => {
    const ch = new Channel<number>();
    const queue = new Queue<number>();
    const failing = [
      () => ch.take({ timeout: 0 }),
      () => queue.getBatch(2, { timeout: 0 }),
      () => select({ value: recv(ch) }, { timeout: 0 }),
    ];
    for (let i = 0; !over(); i++) {
      await failing[i % failing.length]!().then(() => {}, () => {});
    }
  },
  "calls whose context has ended": async (over) => {
    const ctx = withCancel(background());
    ctx.cancel();
    const ch = new Channel<number>();
    while (!over()) await (over() ? ch.receive(ctx) : sleep(1, ctx)).catch(() => {});
  },
  "calls that are cancelled while they wait": async (over) => {
    const ch = new Channel<number>();
    while (!over()) {
      const ctx = withCancel(background());
      const received = ch.receive(ctx).catch(() => {});
      ctx.cancel();
      await received;
    }
  },
};

// ---- timers get their turn ----

for (const [name, run] of Object.entries(busy)) {
  Deno.test(`117, P11: busy with ${name}, tasks let a timer run`, async () => {
    using _time = timeThatFlies();
    let fired = false;
    const timer = setTimeout(() => fired = true, 1);
    let rounds = 0;
    await run(() => fired || ++rounds > MANY);
    clearTimeout(timer);
    assert(fired, `not within ${MANY} rounds`);
    await settled();
  });
}

Deno.test("117: the guard gives way after at most LOOK_EVERY completions that took too long", async () => {
  using _time = timeThatFlies();
  const ch = new Channel<number>(1);
  await aTurnThatIsOver();
  let turns = 0;
  let counting = true;
  const count = () => void setImmediate(() => counting && (turns++, count()));
  count();
  for (let i = 0; i < 20 * (LOOK_EVERY + 1); i++) {
    ch.trySend(i);
    await ch.receive();
  }
  counting = false;
  assert(turns >= 19, `${turns} turns`);
  await settled();
});

Deno.test("117: where tasks work for long between completions, the guard gives way as soon", async () => {
  let at = performance.now();
  using _time = clockOf(() => at);
  const ch = new Channel<number>(1);
  // A busy stretch, in which a look at the clock now and then is enough, …
  for (let i = 0; i < 10 * LOOK_EVERY; i++) await ch.send(i).then(() => ch.receive());
  await settled();
  // … and then one whose tasks take 2 ms from one completion to the next. The next look tells.
  for (let i = 0; i < LOOK_EVERY; i++) {
    at += 2;
    ch.trySend(i);
    await ch.receive();
  }
  const began = at;
  let late: number | undefined;
  setImmediate(() => late = at - began);
  for (let i = 0; i < MANY && late === undefined; i++) {
    at += 2;
    ch.trySend(i);
    await ch.receive();
  }
  assert(late !== undefined && late < 20, `${late} ms late`);
  await settled();
});

Deno.test("117: as long as TURN_MS have not passed, completions go on without a turn", async () => {
  // A turn for each call would cost most of the speed.
  let at = performance.now();
  using _time = clockOf(() => at);
  await aTurnThatIsOver();
  let turned = false;
  setImmediate(() => turned = true);
  const ch = new Channel<number>();
  let rounds = 0;
  // Long enough since the last turn for one to be asked for, but then no more than that.
  at += 1_000;
  const end = at + 0.9 * TURN_MS;
  const over = () => {
    at = Math.min(end, at + 0.001);
    return ++rounds > 5_000;
  };
  await pair(over, () => ch.send(1), () => ch.receive(), ch);
  assertEquals(turned, false);
  await settled();
});

Deno.test("117: without setImmediate, as on the web, tasks let a timer run too", async () => {
  using _time = timeThatFlies();
  const web = globalThis as { setImmediate?: unknown };
  const { setImmediate } = web;
  web.setImmediate = undefined;
  try {
    let fired = false;
    const timer = setTimeout(() => fired = true, 1);
    let rounds = 0;
    await busy["send and receive"]!(() => fired || ++rounds > MANY);
    clearTimeout(timer);
    assert(fired, `not within ${MANY} rounds`);
    await new Promise((resolve) => setTimeout(resolve, 0));
  } finally {
    web.setImmediate = setImmediate;
  }
});

Deno.test("117: a clock that is set back, as the fake ones of tests, holds nobody up for good", async () => {
  const { now } = performance;
  const ch = new Channel<number>();
  try {
    let at = 1e9;
    performance.now = () => at -= 1_000;
    let rounds = 0;
    await pair(() => ++rounds > 1_000, () => ch.send(1), () => ch.receive(), ch);
  } finally {
    performance.now = now;
  }
  await settled();
});

// ---- what is held back ----

Deno.test("117: completions that are held back settle in their order, failures among them", async () => {
  using _time = timeThatFlies();
  const order: number[] = [];
  const ch = new Channel<number>();
  const closed = new Channel<number>();
  closed.close();
  const calls: Promise<unknown>[] = [];
  for (let i = 0; i < 10 * LOOK_EVERY; i++) {
    const call = [
      () => ch.receive(),
      () => ch.take({ timeout: 0 }),
      () => closed.take(),
      () => closed.receive(),
      () => new Channel<number>(1).send(1),
      () => select({ end: recv(closed) }),
      () => new Queue<number>().join(),
    ][i % 7]!();
    if (i % 7 === 0) ch.trySend(i);
    calls.push(call.then(() => order.push(i), () => order.push(i)));
  }
  await Promise.all(calls);
  // Before the guard gave way each came at its own time; from then on in the order of the calls.
  const from = order.length - 8 * LOOK_EVERY;
  const held = order.slice(from);
  assertEquals(held, held.toSorted((a, b) => a - b));
});

Deno.test("117: only the settling is late: what the calls did has happened", async () => {
  using _time = timeThatFlies();
  await aTurnThatIsOver();
  const queue = new Queue<number>(1_000);
  const ch = new Channel<number>();
  let settledCalls = 0;
  const note = () => void settledCalls++;
  const calls: Promise<unknown>[] = [];
  await exhaust();
  for (let i = 0; i < 10; i++) calls.push(queue.put(i).then(note));
  for (let i = 0; i < 3; i++) calls.push(queue.get().then(note));
  const received = ch.receive();
  assertEquals(ch.trySend(7), true);
  assertEquals([queue.size, queue.unfinished], [7, 10]);
  for (let i = 0; i < 1_000; i++) await undefined;
  assertEquals(settledCalls, 0);
  await Promise.all(calls);
  assertEquals([settledCalls, await received], [13, { ok: true, value: 7 }]);
});

Deno.test("117, 4: what ends after a held completion changes it no more", async () => {
  using _time = timeThatFlies();
  await aTurnThatIsOver();
  const ctx = withCancel(background());
  const queue = new Queue<number>(1);
  const got = queue.get(ctx);
  const failed = queue.get(ctx).catch((error) => error);
  await exhaust();
  assertEquals(queue.tryPut(1), true);
  ctx.cancel("enough");
  queue.shutdown();
  assertEquals(await Promise.all([got, failed]), [1, "enough"]);
});

Deno.test("117: a held completion comes after what was due before, and before later calls", async () => {
  using _time = timeThatFlies();
  await aTurnThatIsOver();
  const order: string[] = [];
  setImmediate(() => order.push("due"));
  await exhaust();
  assertEquals(order, []);
  const held = ready(1).then(() => order.push("held"));
  for (let i = 0; i < 1_000; i++) await undefined;
  assertEquals(order, []);
  await held;
  await refused("no").catch(() => order.push("later"));
  assertEquals(order, ["due", "held", "later"]);
});

Deno.test("117: what is held keeps its value and its error, and a promise in it is waited for", async () => {
  using _time = timeThatFlies();
  await aTurnThatIsOver();
  await exhaust();
  const error = new Error("no");
  const ch = new Channel<Promise<string>>(1);
  ch.trySend(Promise.resolve("taken"));
  const results = [ready(undefined), ready(NaN), ch.take()];
  const failure = refused(error).catch((reason) => reason);
  assertEquals(await Promise.all(results), [undefined, NaN, "taken"]);
  assertStrictEquals(await failure, error);
});

// ---- the constants ----

Deno.test("117: the guard's constants are exported, within bounds, each with its reason", async () => {
  assert(TURN_MS > 0 && TURN_MS <= 8);
  assert(Number.isInteger(LOOK_EVERY) && LOOK_EVERY > 0 && LOOK_EVERY <= 1_024);
  const source = await Deno.readTextFile(new URL("../core/turn.ts", import.meta.url));
  for (const name of ["TURN_MS", "LOOK_EVERY"]) {
    const above = source.slice(0, source.indexOf(`\nexport const ${name} = `));
    const comment = above.slice(above.lastIndexOf("/**"));
    assert(comment.endsWith("*/"), name);
    // What it is, and why it is what it is.
    assert(comment.split(/\.\s/).length >= 3, name);
  }
});

// ---- helpers ----

/** One task calls `left`, one calls `right`, until it is over; then whoever still waits is let go. */
async function pair(
  over: () => boolean,
  left: () => Promise<unknown>,
  right: () => Promise<unknown>,
  between: Disposable,
): Promise<void> {
  let stopped = false;
  const task = async (call: () => Promise<unknown>, stop: () => boolean) => {
    while (!stopped) {
      await call();
      stopped ||= stop();
    }
  };
  const tasks = [task(left, over), task(right, () => false)].map((done) => done.catch(() => {}));
  await Promise.race(tasks);
  between[Symbol.dispose]();
  await Promise.all(tasks);
}

/** Each look at the monotonic clock finds it 10 ms on. */
function timeThatFlies(): Disposable {
  let at = performance.now();
  return clockOf(() => at += 10);
}

function clockOf(now: () => number): Disposable {
  const real = performance.now;
  performance.now = now;
  return {
    [Symbol.dispose]() {
      performance.now = real;
    },
  };
}

/** Lets the guard give way once, so that it has begun a new turn by the clock as it is now. */
async function aTurnThatIsOver(): Promise<void> {
  await settled();
  for (let i = 0; i <= LOOK_EVERY && !turnIsOver(); i++);
  await settled();
}

/** Counts until the guard holds completions back. */
async function exhaust(): Promise<void> {
  await Promise.resolve();
  while (!turnIsOver());
  // Something has to be held, as `turnIsOver` asks of whoever calls it.
  hold(() => {}, undefined);
}
