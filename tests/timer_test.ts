import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  after,
  background,
  Channel,
  DeadlineExceededError,
  otherwise,
  Queue,
  recv,
  select,
  sleep,
  type Ticker,
  ticker,
  trySelect,
  withCancel,
  withTimeout,
} from "../mod.ts";
import { fakeClock } from "./support/clock.ts";
import { settled, state } from "./support/settle.ts";
import { skewedClock } from "./support/skewed_clock.ts";
import { spiedController } from "./support/spied_signal.ts";
import { coreOf } from "./support/waiting_calls.ts";

const DAYS = 24 * 60 * 60_000;

// ---- the timers of selects ----

Deno.test("71: the timer of a losing `after` is cleared with the win", async () => {
  using clock = fakeClock();
  const ch = new Channel<number>();
  const ctx = withCancel(background());
  const ends: Record<string, () => unknown> = {
    "a value": () => ch.trySend(1),
    "the context": () => ctx.cancel(),
    "close": () => ch.close(),
  };
  for (const [name, end] of Object.entries(ends)) {
    const selected = select({ value: recv(ch), late: after(60_000), later: after(90_000) }, ctx)
      .catch(() => ({ key: "rejected" }));
    await settled();
    assertEquals(clock.timers, 1, "one for all times");
    end();
    assertEquals(clock.timers, 0, name);
    assert((await selected).key !== "late");
    if (name === "the context") break;
  }
});

Deno.test("71: 100,000 selects that lost their `after(60_000)` leave no timer", async () => {
  using clock = fakeClock();
  const ch = new Channel<number>();
  const late = after(60_000);
  for (let i = 0; i < 100_000; i++) {
    const selected = select({ value: recv(ch), late });
    ch.trySend(i);
    if ((await selected).key !== "value") throw new Error("it was late");
  }
  assertEquals(clock.timers, 0);
  // Nor where there was no need to wait.
  const ready = new Channel<number>(1);
  ready.trySend(1);
  assertEquals((await select({ value: recv(ready), late })).key, "value");
  assertEquals((await select({ value: recv(ready), late, idle: otherwise })).key, "idle");
  assertEquals(trySelect({ value: recv(ready), late }), undefined);
  assertEquals(clock.timers, 0);
});

Deno.test("71: the earliest of several times is taken, when it has come and not before", async () => {
  using clock = fakeClock();
  const cases = { never: after(Infinity), late: after(30), early: after(10), same: after(10) };
  const selected = select(cases);
  await clock.tick(9);
  assertEquals(await state(selected), "pending");
  await clock.tick(1);
  assertEquals((await selected).key, "early");
  assertEquals(clock.timers, 0);
});

// ---- longer than setTimeout can hold ----

Deno.test("P21, 72: no wait beyond 2^31-1 ms is over early, and all are in time", async () => {
  const delays = [2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, 2 ** 32, 2 ** 32 + 5, 100 * DAYS];
  const waits: Record<string, (ms: number) => Promise<unknown>> = {
    "sleep": (ms) => sleep(ms),
    "a timeout": (timeout) => new Channel<number>().take({ timeout }).catch(() => {}),
    "a context": (ms) => sleep(Infinity, withTimeout(background(), ms)).catch(() => {}),
    "after": (ms) => select({ late: after(ms) }),
    "a ticker": (ms) => {
      const ticks = ticker(ms);
      return ticks.receive().then(() => ticks[Symbol.dispose]());
    },
    "a batch that lingers": (linger) => {
      const queue = new Queue<number>();
      queue.putNowait(1);
      return queue.getBatch(2, { linger });
    },
  };
  for (const [name, start] of Object.entries(waits)) {
    for (const ms of delays) {
      using clock = fakeClock();
      const waiting = start(ms);
      await clock.tick(ms - 1);
      assertEquals([await state(waiting), clock.timers], ["pending", 1], `${name}, ${ms}`);
      await clock.tick(1);
      assertEquals([await state(waiting), clock.timers], ["fulfilled", 0], `${name}, ${ms}`);
    }
  }
});

Deno.test("P21: a wait beyond 2^31-1 ms can be ended at any time, and leaves no timer", async () => {
  using clock = fakeClock();
  for (const passed of [0, 2 ** 31 - 1, 2 ** 31, 2 ** 32]) {
    const ctx = withCancel(background());
    const waiting = sleep(100 * DAYS, ctx).catch((error) => error);
    await clock.tick(passed);
    ctx.cancel("enough");
    assertEquals([await waiting, clock.timers], ["enough", 0]);
  }
});

Deno.test("P21: setTimeout is never given more than it can hold", async () => {
  using clock = fakeClock();
  const { setTimeout: set } = globalThis;
  const given: number[] = [];
  globalThis.setTimeout = ((fn: () => void, ms: number) => {
    given.push(ms);
    return set(fn, ms);
  }) as typeof setTimeout;
  try {
    const waiting = sleep(5 * 2 ** 31);
    await clock.tick(5 * 2 ** 31);
    await waiting;
  } finally {
    globalThis.setTimeout = set;
  }
  assertEquals(given.length, 6);
  assert(given.every((ms) => ms >= 0 && ms < 2 ** 31));
});

// ---- sleep ----

Deno.test("R33: sleep resolves after its time, and not before", async () => {
  using clock = fakeClock();
  const sleeps = [30, 10, 20].map((ms) => sleep(ms).then(() => ms));
  const order: number[] = [];
  for (const slept of sleeps) slept.then((ms) => order.push(ms));
  await clock.tick(9);
  assertEquals(order, []);
  await clock.tick(1);
  assertEquals(order, [10]);
  await clock.tick(20);
  assertEquals(order, [10, 20, 30]);
  assertEquals(clock.timers, 0);
});

Deno.test("R33: sleep(0), and less, waits for one turn of the timers", async () => {
  for (const ms of [0, -0, -1, -Infinity]) {
    const log: string[] = [];
    const timer = setTimeout(() => log.push("timer"), 0);
    const slept = sleep(ms).then(() => log.push("slept"));
    for (let i = 0; i < 1_000; i++) await undefined;
    log.push("microtasks");
    await slept;
    clearTimeout(timer);
    assertEquals(log, ["microtasks", "timer", "slept"]);
  }
});

Deno.test("R17: a sleep of NaN or of no number rejects, and sets no timer", async () => {
  using clock = fakeClock();
  const kind = (ms: unknown) => sleep(ms as number).then(() => {}, (error) => error);
  assertInstanceOf(await kind(NaN), RangeError);
  for (const bad of [undefined, null, "10", 10n, {}, new Date()]) {
    assertInstanceOf(await kind(bad), TypeError);
  }
  assertEquals(clock.timers, 0);
});

Deno.test("R33: sleep(Infinity) waits for the end of its context alone, without a timer", async () => {
  using clock = fakeClock();
  const ctx = withCancel(background());
  const waiting = sleep(Infinity, ctx).catch((error) => error);
  await clock.tick(1_000 * DAYS);
  assertEquals([await state(waiting), clock.timers], ["pending", 0]);
  ctx.cancel("enough");
  assertEquals(await waiting, "enough");
});

Deno.test("R1: a sleep whose timeout comes first rejects, and one that is due at once resolves", async () => {
  using clock = fakeClock();
  const early = sleep(20, { timeout: 10 }).catch((error) => error);
  const even = sleep(10, { timeout: 10 });
  const none = sleep(0, { timeout: 0 }).catch((error) => error);
  assertInstanceOf(await none, DeadlineExceededError);
  await clock.tick(10);
  assertInstanceOf(await early, DeadlineExceededError);
  assertEquals(await state(even), "fulfilled");
  assertEquals(clock.timers, 0);
});

Deno.test("123: sleeps, timeouts and tickers do not care for the wall clock", async () => {
  using clock = fakeClock();
  for (const wall of [DAYS, -DAYS]) {
    using ticks = ticker(10);
    const waits = [
      sleep(10),
      new Channel<number>().take({ timeout: 10 }).catch(() => {}),
      select({ late: after(10) }),
      ticks.receive(),
    ];
    using _skew = skewedClock({ wall });
    await clock.tick(9);
    assertEquals(await Promise.all(waits.map(state)), Array(4).fill("pending"));
    await clock.tick(1);
    assertEquals(await Promise.all(waits.map(state)), Array(4).fill("fulfilled"));
  }
});

// ---- tickers ----

Deno.test("R27: a ticker gives the monotonic time of each tick", async () => {
  using clock = fakeClock();
  const start = performance.now();
  using ticks = ticker(10);
  const seen: number[] = [];
  const reading = (async () => {
    for await (const at of ticks) seen.push(at - start);
  })();
  await clock.tick(9);
  assertEquals(seen, []);
  await clock.tick(31);
  assertEquals(seen, [10, 20, 30, 40]);
  ticks[Symbol.dispose]();
  await reading;
});

Deno.test("R27: a ticker holds one tick at most, the oldest, and drops the others", async () => {
  using clock = fakeClock();
  const start = performance.now();
  using ticks = ticker(10);
  assertEquals([ticks.length, ticks.capacity, ticks.closed], [0, 1, false]);
  await clock.tick(55);
  assertEquals(ticks.length, 1);
  assertEquals(await ticks.take() - start, 10);
  assertEquals(ticks.tryReceive(), undefined);
  const next = ticks.take();
  await clock.tick(5);
  assertEquals(await next - start, 60);
});

Deno.test("R27: a late tick does not delay the next, and missed ones are not made up for", async () => {
  using clock = fakeClock();
  const start = performance.now();
  using ticks = ticker(10);
  const seen: number[] = [];
  const read = (async () => {
    for await (const at of ticks) seen.push(at - start);
  })();
  await clock.tick(9);
  {
    // The event loop is busy for 25 ms: the first tick comes at 35 rather than at 10.
    using _skew = skewedClock({ monotonic: 25 });
    await clock.tick(1);
    assertEquals(seen, [35]);
    await clock.tick(4);
    assertEquals(seen, [35]);
    await clock.tick(1);
    assertEquals(seen, [35, 40]);
    await clock.tick(10);
    assertEquals(seen, [35, 40, 50]);
    ticks[Symbol.dispose]();
    await read;
  }
});

Deno.test("R27: a timer that runs a little early does not make an extra tick", async () => {
  using clock = fakeClock();
  const start = performance.now();
  using ticks = ticker(10);
  await clock.tick(9);
  using _skew = skewedClock({ monotonic: -0.4 });
  const seen: number[] = [];
  const read = (async () => {
    for await (const at of ticks) seen.push(at - start);
  })();
  await clock.tick(31.8);
  assertEquals(seen.length, 4);
  ticks[Symbol.dispose]();
  await read;
});

Deno.test("R27: each tick goes to one receiver, in the order in which they came", async () => {
  using clock = fakeClock();
  using ticks = ticker(10);
  const order: string[] = [];
  const note = (name: string) => () => order.push(name);
  ticks.receive().then(note("first"));
  select({ tick: recv(ticks) }).then(note("select"));
  ticks.receiveMany(5).then(note("batch"));
  for (let i = 0; i < 3; i++) await clock.tick(10);
  assertEquals(order, ["first", "select", "batch"]);
});

Deno.test("R12: a ticker that is stopped is closed, so that loops over it end", async () => {
  const controller = spiedController();
  const ctx = withCancel(background());
  const stops: Record<string, [Ticker, () => unknown | Promise<unknown>]> = {};
  using clock = fakeClock();
  const due = withTimeout(background(), 25);
  const set = (name: string, ticks: Ticker, stop: () => unknown) => stops[name] = [ticks, stop];
  const disposed = ticker(10);
  set("disposal", disposed, () => disposed[Symbol.dispose]());
  set("the context", ticker(10, ctx), () => ctx.cancel("enough"));
  set("the signal", ticker(10, controller.signal), () => controller.abort("enough"));
  set("the deadline", ticker(10, due), () => clock.tick(10));
  const loops = Object.values(stops).map(async ([ticks]) => {
    let count = 0;
    for await (const _ of ticks) count++;
    return count;
  });
  const waiting = Object.values(stops).map(([ticks]) => ticks.receive());
  await clock.tick(20);
  for (const [name, [ticks, stop]] of Object.entries(stops)) {
    await stop();
    assertEquals(ticks.closed, true, name);
    assertEquals([ticks.tryReceive()?.ok, await ticks.receiveMany(1)], [false, []], name);
    assertEquals(coreOf(ticks).takers.length, 0, name);
    ticks[Symbol.dispose]();
  }
  // The other half of the ticks went to the calls of `receive`.
  assertEquals(await Promise.all(loops), [1, 1, 1, 1]);
  await Promise.all(waiting);
  assertEquals([clock.timers, controller.listeners], [0, 0]);
});

Deno.test("R12: the tick that a stopped ticker holds can still be had", async () => {
  using clock = fakeClock();
  const ticks = ticker(10);
  await clock.tick(10);
  ticks[Symbol.dispose]();
  assertEquals((await ticks.receive()).ok, true);
  assertEquals(await ticks.receive(), { ok: false, value: undefined });
  assertEquals(clock.timers, 0);
});

Deno.test("R12: a ticker of a context that has ended is closed from the start", async () => {
  using clock = fakeClock();
  for (const cancel of [withTimeout(background(), 0), AbortSignal.abort("enough")]) {
    const ticks = ticker(10, cancel);
    assertEquals([ticks.closed, clock.timers], [true, 0]);
    assertEquals(await ticks.receive(), { ok: false, value: undefined });
    ticks[Symbol.dispose]();
  }
});

Deno.test("R12: disposing from within what a tick sets off stops the ticker", async () => {
  using clock = fakeClock();
  const ticks = ticker(10);
  const waiter = {
    woken: 0,
    // As a select of another copy of the module does, it acts before `wake` returns.
    wake() {
      this.woken++;
      ticks[Symbol.dispose]();
      return false;
    },
  };
  const { source } = coreOf(ticks);
  source.park(waiter);
  await clock.tick(50);
  source.unpark(waiter);
  assertEquals([ticks.closed, clock.timers], [true, 0]);
});

Deno.test("R33: ticker(0) and less are RangeErrors, what is no number a TypeError", () => {
  using clock = fakeClock();
  const controller = spiedController();
  for (const ms of [0, -0, -1, -Infinity, NaN]) {
    assertThrows(() => ticker(ms, controller.signal), RangeError);
  }
  for (const bad of [undefined, null, "10", 10n, {}]) {
    assertThrows(() => ticker(bad as never, controller.signal), TypeError);
  }
  assertThrows(() => ticker(10, {} as never), TypeError);
  assertEquals([clock.timers, controller.added], [0, 0]);
});

Deno.test("R33: a ticker of Infinity never ticks, and has no timer", async () => {
  using clock = fakeClock();
  using ticks = ticker(Infinity);
  await clock.tick(1_000 * DAYS);
  assertEquals([ticks.length, ticks.closed, clock.timers], [0, false, 0]);
});

Deno.test("R33: a ticker of a fraction of a millisecond ticks on, and holds up nothing", async () => {
  using ticks = ticker(0.001);
  for (let i = 0; i < 3; i++) assertEquals((await ticks.receive()).ok, true);
  await sleep(0);
});

// ---- the process ----

Deno.test("R28: timers of waits keep the process alive, a parked call alone does not", async () => {
  const runs: Record<string, string> = {
    "sleep(20).then(end);": "ended",
    "ch.take({ timeout: 20 }).catch(end);": "ended",
    "ch.take(withTimeout(background(), 20)).catch(end);": "ended",
    "select({ value: recv(ch), late: after(20) }).then(end);": "ended",
    "ticker(20).take().then(end).then(() => Deno.exit());": "ended",
    "ch.take().then(end);": "",
    "ch.send(1, { ctx: withCancel(background()) }).then(end);": "",
    "select({ value: recv(ch) }, new AbortController().signal).then(end);": "",
    "withTimeout(background(), 1e9);": "",
    // A win leaves nothing that would.
    "select({ value: recv(ch), late: after(1e9) }, { timeout: 1e9 }).then(end); ch.trySend(1);":
      "ended",
    "ch.take({ timeout: 1e9 }).then(end); ch.trySend(1);": "ended",
    "{ using ctx = withTimeout(background(), 1e9); ch.take(ctx).catch(end); }": "ended",
    "{ using ticks = ticker(1e9); ticks.receive().then(end); }": "ended",
  };
  const results = Object.entries(runs).map(async ([body, expected]) => {
    const { out, error, success } = await program(body);
    assertEquals([out, success], [expected, true], `${body} ${error}`);
  });
  await Promise.all(results);
});

Deno.test("P25, R28: a program that awaits a parked call at its top level ends with an error", async () => {
  const waits = ["ch.take()", "ch.send(1)", "select({})", "new sluice.Queue().get()"];
  const results = waits.map(async (wait) => {
    const { out, error, success } = await program(`await ${wait}; end();`);
    assertEquals([out, success], ["", false], wait);
    assertStringIncludes(error, "await");
  });
  await Promise.all(results);
});

interface Ended {
  readonly out: string;
  readonly error: string;
  readonly success: boolean;
}

/** Runs a program in a process of its own, to its end. */
async function program(body: string): Promise<Ended> {
  const script = `
    import * as sluice from ${JSON.stringify(new URL("../mod.ts", import.meta.url).href)};
    const { Channel, after, background, recv, select, sleep, ticker, withCancel, withTimeout } =
      sluice;
    const ch = new Channel();
    const end = () => console.log("ended");
    ${body}
  `;
  // The Deno that runs this, where it may be run by its path.
  const path = Deno.execPath();
  const { state: allowed } = await Deno.permissions.query({ name: "run", command: path });
  const deno = allowed === "granted" ? path : "deno";
  const { success, stdout, stderr } = await new Deno.Command(deno, {
    args: ["eval", "--no-config", "--no-lock", script],
    stdin: "null",
  }).output();
  const [out, error] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes).trim());
  return { out: out!, error: error!, success };
}
