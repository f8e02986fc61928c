import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  background,
  CanceledError,
  type Context,
  DeadlineExceededError,
  withCancel,
  withTimeout,
} from "../mod.ts";
import { once, onceOk, SingleFlight } from "../sync/mod.ts";
import { fakeClock } from "./support/clock.ts";
import { settled, state } from "./support/settle.ts";
import { skewedClock } from "./support/skewed_clock.ts";
import { catchUncaught } from "./support/uncaught.ts";

// ---- 104: once ----

for (const [name, make] of Object.entries({ once, onceOk })) {
  Deno.test(`104: ${name} runs nothing before the first call, and once for all who call`, async () => {
    let runs = 0;
    const { promise, resolve } = Promise.withResolvers<object>();
    const call = make(() => {
      runs++;
      return promise;
    });
    assertEquals(runs, 0);
    const early = [call(), call()];
    assertEquals([runs, await state(early[0]!)], [1, "pending"]);
    const value = {};
    resolve(value);
    for (const each of [...early, call()]) assertStrictEquals(await each, value);
    assertEquals(runs, 1);
  });

  Deno.test(`104: ${name} takes what is no promise, undefined too`, async () => {
    let runs = 0;
    const call = make(() => void runs++);
    assertEquals([await call(), await call({ timeout: 0 }), runs], [undefined, undefined, 1]);
  });

  Deno.test(`104: who leaves ${name} does not end the run, not even the first or the last`, async () => {
    let runs = 0;
    const { promise, resolve } = Promise.withResolvers<string>();
    const call = make(() => {
      runs++;
      return promise;
    });
    const ctx = withCancel(background());
    const waiting = [call(ctx), call(ctx)];
    ctx.cancel("gone");
    for (const each of waiting) assertEquals(await each.catch((error) => error), "gone");
    const late = call();
    resolve("result");
    assertEquals([await late, await call({ timeout: 0 }), runs], ["result", "result", 1]);
  });

  Deno.test(`104, R18: with an ended context ${name} runs nothing, and gives no result`, async () => {
    let runs = 0;
    const call = make(() => ++runs);
    const ended = AbortSignal.abort("ended");
    assertEquals(await call(ended).catch((error) => error), "ended");
    assertEquals([runs, await call()], [0, 1]);
    assertEquals(await call(ended).catch((error) => error), "ended");
  });

  Deno.test(`104: a run of ${name} that fails with nobody waiting is no uncaught error`, async () => {
    using uncaught = catchUncaught();
    const { promise, reject } = Promise.withResolvers<never>();
    const call = make(() => promise);
    const waiting = call({ timeout: 0 });
    await assertRejects(() => waiting, DeadlineExceededError);
    reject(new Error("failed"));
    await settled();
    assertEquals(uncaught.errors, []);
  });

  Deno.test(`104, R17: ${name} of what is no function throws`, () => {
    assertThrows(() => make(5 as never), TypeError, "fn must be a function, not 5");
  });

  Deno.test(`104: ${name} of a function that fails gives all who wait the same error`, async () => {
    const { promise, reject } = Promise.withResolvers<never>();
    const call = make(() => promise);
    const waiting = [call(), call()].map((each) => each.catch((error) => error));
    const reason = new Error("failed");
    reject(reason);
    for (const each of waiting) assertStrictEquals(await each, reason);
  });
}

const failures: Record<string, (reason: unknown) => Promise<never>> = {
  throws: (reason) => {
    throw reason;
  },
  rejects: (reason) => Promise.reject(reason),
};

for (const [how, fail] of Object.entries(failures)) {
  Deno.test(`104: once keeps the error of a function that ${how}`, async () => {
    let runs = 0;
    const call = once(() => fail(++runs));
    for (let i = 0; i < 3; i++) assertEquals(await call().catch((error) => error), 1);
    assertEquals(runs, 1);
  });

  Deno.test(`104: onceOk runs a function that ${how} again, until it has given something`, async () => {
    let runs = 0;
    const call = onceOk(() => ++runs < 3 ? fail(runs) : runs);
    const outcomes: unknown[] = [];
    for (let i = 0; i < 5; i++) outcomes.push(await call().catch((error) => `error ${error}`));
    assertEquals([outcomes, runs], [["error 1", "error 2", 3, 3, 3], 3]);
  });
}

Deno.test("104: onceOk: who calls when he hears of the failure starts the next run, one for all", async () => {
  let runs = 0;
  const call = onceOk(async () => {
    const run = ++runs;
    await settled();
    if (run === 1) throw new Error("failed");
    return run;
  });
  const retry = () => call().catch(() => call());
  assertEquals(await Promise.all([retry(), retry(), retry()]), [2, 2, 2]);
  assertEquals(runs, 2);
});

// ---- 105: single flight ----

Deno.test("105: who asks for a key while its run is on its way gets its result; keys are apart", async () => {
  const flight = new SingleFlight<string, string>();
  const runs: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const ask = (key: string) =>
    flight.do(key, async () => {
      runs.push(key);
      await promise;
      return `${key} ${runs.length}`;
    });
  const asked = [ask("a"), ask("b"), ask("a")];
  assertEquals([runs, flight.size, flight.has("a"), flight.has("c")], [["a", "b"], 2, true, false]);
  resolve();
  assertEquals(await Promise.all(asked), ["a 2", "b 2", "a 2"]);
});

Deno.test("105: nothing is kept of a run that has ended, not its error either", async () => {
  const flight = new SingleFlight<string, number>();
  let runs = 0;
  for (const how of ["throws", "rejects"]) {
    const asked = flight.do("key", () => failures[how]!(++runs));
    assertEquals(await asked.catch((error) => error), runs);
    assertEquals([flight.size, flight.has("key")], [0, false]);
  }
  const result = flight.do("key", () => ++runs);
  assertEquals(await result, 3);
  assertEquals([flight.size, await flight.do("key", () => ++runs)], [0, 4]);
});

Deno.test("105: all who wait get the same error", async () => {
  const flight = new SingleFlight<string, number>();
  const { promise, reject } = Promise.withResolvers<never>();
  const waiting = [1, 2].map(() => flight.do("key", () => promise).catch((error) => error));
  const reason = new Error("failed");
  reject(reason);
  for (const each of waiting) assertStrictEquals(await each, reason);
});

Deno.test("105: keys are told apart as those of a Map", async () => {
  const flight = new SingleFlight<unknown, number>();
  let runs = 0;
  const key = {};
  const asked = [key, key, {}, NaN, NaN, 0, -0].map((each) => flight.do(each, () => ++runs));
  assertEquals(await Promise.all(asked), [1, 1, 2, 3, 3, 4, 4]);
});

Deno.test("105: a caller who is cancelled only leaves, the first too; the run goes on for the others", async () => {
  const flight = new SingleFlight<string, string>();
  const { promise, resolve } = Promise.withResolvers<string>();
  let context: Context | undefined;
  const ask = (ctx?: Context) =>
    flight.do("key", (ctx) => {
      context ??= ctx;
      return promise;
    }, ctx);
  const ctx = withCancel(background());
  const first = ask(ctx);
  const second = ask();
  const third = ask(ctx);
  ctx.cancel("gone");
  for (const each of [first, third]) assertEquals(await each.catch((error) => error), "gone");
  assertEquals([context?.done, flight.has("key")], [false, true]);
  resolve("result");
  assertEquals(await second, "result");
});

Deno.test("105: when the last one leaves, the run's context ends, and the key is free at once", async () => {
  const flight = new SingleFlight<string, number>();
  const contexts: Context[] = [];
  const ask = (ctx?: Context) =>
    flight.do("key", (ctx) => {
      contexts.push(ctx);
      return new Promise((_, reject) =>
        ctx.signal.addEventListener("abort", () => reject(ctx.err))
      );
    }, ctx);
  const [one, two] = [withCancel(background()), withCancel(background())];
  const asked = [ask(one), ask(two)].map((each) => each.catch((error) => error));
  one.cancel("one");
  assertEquals([contexts.length, contexts[0]!.done], [1, false]);
  two.cancel("two");
  assertEquals([contexts[0]!.done, flight.size], [true, 0]);
  assertInstanceOf(contexts[0]!.cause, CanceledError);
  assertEquals(await Promise.all(asked), ["one", "two"]);

  // The old run ends after the new one has begun, and does not touch it.
  const again = ask();
  await settled();
  assertEquals([contexts.length, contexts[1]!.done, flight.has("key")], [2, false, true]);
  assertEquals(await state(again), "pending");
});

Deno.test("105: the last two of a run, ended by one context, end it once; a new run is unharmed", async () => {
  const flight = new SingleFlight<string, string>();
  const ctx = withCancel(background());
  let next: Promise<string> | undefined;
  const run = (inner: Context): Promise<string> => {
    inner.signal.addEventListener("abort", () => next = flight.do("key", () => "next"));
    return new Promise(() => {});
  };
  const asked = [1, 2].map(() => flight.do("key", run, ctx).catch((error) => error));
  ctx.cancel("gone");
  assertEquals(await Promise.all(asked), ["gone", "gone"]);
  assertEquals(await next, "next");
});

Deno.test("105: a caller who joins just before the last one leaves keeps the run", async () => {
  const flight = new SingleFlight<string, number>();
  const { promise, resolve } = Promise.withResolvers<number>();
  const ctx = withCancel(background());
  const first = flight.do("key", () => promise, ctx).catch((error) => error);
  const second = flight.do("key", () => -1);
  ctx.cancel("gone");
  resolve(1);
  assertEquals([await first, await second], ["gone", 1]);
});

Deno.test("105: after `forget` the next call starts a run, and the old one goes on", async () => {
  const flight = new SingleFlight<string, string>();
  const gates = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
  const contexts: Context[] = [];
  const ask = (i: number) =>
    flight.do("key", (ctx) => {
      contexts.push(ctx);
      return gates[i]!.promise;
    });
  const old = ask(0);
  flight.forget("key");
  flight.forget("never there");
  assertEquals([flight.has("key"), contexts[0]!.done], [false, false]);
  const fresh = ask(1);
  gates[0]!.resolve("old");
  assertEquals(await old, "old");
  // The end of the old one does not free the key of the new one.
  assert(flight.has("key"));
  const joined = ask(1);
  gates[1]!.resolve("new");
  assertEquals([await fresh, await joined, contexts.length], ["new", "new", 2]);
});

Deno.test("105: a forgotten run ends too when all have left", async () => {
  const flight = new SingleFlight<string, string>();
  const ctx = withCancel(background());
  let inner: Context | undefined;
  const waiting = flight.do("key", (given) => {
    inner = given;
    return new Promise(() => {});
  }, ctx);
  flight.forget("key");
  ctx.cancel("gone");
  assert(inner?.done);
  assertEquals(await waiting.catch((error) => error), "gone");
});

Deno.test("105: a caller whose context ends while `fn` is called has left: the run ends", async () => {
  const flight = new SingleFlight<string, string>();
  const ctx = withCancel(background());
  let inner: Context | undefined;
  const asked = flight.do("key", (given) => {
    inner = given;
    ctx.cancel("in the call");
    return new Promise(() => {});
  }, ctx);
  assertEquals([inner?.done, flight.size], [true, 0]);
  assertEquals(await asked.catch((error) => error), "in the call");
});

Deno.test("105: a caller whose deadline passes while `fn` works has left: the run ends", async () => {
  using clock = fakeClock();
  const flight = new SingleFlight<string, string>();
  using ctx = withTimeout(background(), 10);
  let inner: Context | undefined;
  let asked: Promise<unknown>;
  {
    const skews: Disposable[] = [];
    asked = flight.do("key", (given) => {
      inner = given;
      skews.push(skewedClock({ monotonic: 10 }));
      return new Promise(() => {});
    }, ctx).catch((error) => error);
    for (const skew of skews) skew[Symbol.dispose]();
  }
  await clock.tick(10);
  assertStrictEquals(await asked, ctx.cause);
  assertEquals([inner?.done, flight.size], [true, 0]);
});

Deno.test("105: a call for the same key inside `fn`, which gives up, does not end the run", async () => {
  const flight = new SingleFlight<string, string>();
  let inner: Promise<unknown> | undefined;
  const asked = flight.do("key", async (ctx) => {
    inner = flight.do("key", () => "never", { timeout: 0 }).catch((error) => error);
    await settled();
    assert(!ctx.done);
    return "result";
  });
  assertInstanceOf(await inner, DeadlineExceededError);
  assertEquals(await asked, "result");
});

Deno.test("105, R18: who has ended already starts no run and joins none", async () => {
  const flight = new SingleFlight<string, number>();
  let runs = 0;
  const ended = AbortSignal.abort("ended");
  assertEquals(await flight.do("key", () => ++runs, ended).catch((error) => error), "ended");
  assertEquals([runs, flight.size], [0, 0]);
  const { promise, resolve } = Promise.withResolvers<number>();
  const asked = flight.do("key", () => promise);
  assertEquals(await flight.do("key", () => ++runs, ended).catch((error) => error), "ended");
  resolve(7);
  assertEquals([await asked, runs], [7, 0]);
});

Deno.test("105, R1: with a timeout of 0 there is nobody to run it for", async () => {
  const flight = new SingleFlight<string, number>();
  let runs = 0;
  const asked = flight.do("key", () => ++runs, { timeout: 0 });
  await assertRejects(() => asked, DeadlineExceededError);
  assertEquals([runs, flight.size], [0, 0]);
});

Deno.test("105: a run that fails after all have left is no uncaught error", async () => {
  using uncaught = catchUncaught();
  const flight = new SingleFlight<string, never>();
  const { promise, reject } = Promise.withResolvers<never>();
  const ctx = withCancel(background());
  const asked = flight.do("key", () => promise, ctx).catch((error) => error);
  ctx.cancel("gone");
  reject(new Error("failed"));
  assertEquals(await asked, "gone");
  await settled();
  assertEquals(uncaught.errors, []);
});

Deno.test("105, R17: bad arguments reject, and start nothing", async () => {
  const flight = new SingleFlight<string, number>();
  const bad = flight.do("key", 5 as never);
  await assertRejects(() => bad, TypeError, "fn must be a function, not 5");
  let runs = 0;
  const wait = flight.do("key", () => ++runs, null as never);
  await assertRejects(() => wait, TypeError, "wait must be");
  assertEquals([runs, flight.size], [0, 0]);
});

Deno.test("105: the context of a run ends with it, in whichever way", async () => {
  const flights = new SingleFlight<string, Context>();
  const ctx = await flights.do("a", (ctx) => ctx);
  assertEquals(ctx.done, true);
  let given: Context | undefined;
  await assertRejects(
    () =>
      flights.do("b", (ctx) => {
        given = ctx;
        throw new Error("broken");
      }),
    Error,
    "broken",
  );
  assertEquals([given?.done, flights.size], [true, 0]);
});
