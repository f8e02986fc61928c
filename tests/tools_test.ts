/**
 * The stand-ins for `@std` keep the promises of the originals: each law here runs against both,
 * where the originals can be had.
 *
 * @module
 */
import * as originalAssertions from "@std/assert";
import { assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import * as originalWaits from "@std/async";
import * as ownAssertions from "../tools/offline/assert.ts";
import * as ownWaits from "../tools/offline/async.ts";
import { fakeClock } from "./support/clock.ts";
import { state } from "./support/settle.ts";

type Std = typeof ownAssertions & typeof ownWaits;

/** Registers a law for the stand-ins and, where they are in use, for the originals. */
function law(name: string, body: (std: Std) => unknown): void {
  const original = { ...originalAssertions, ...originalWaits } as unknown as Std;
  const own = { ...ownAssertions, ...ownWaits };
  Deno.test(`stand-in: ${name}`, async () => void await body(own));
  if (original.AssertionError === own.AssertionError) return;
  Deno.test(`original: ${name}`, async () => void await body(original));
}

law(
  "an assertion that holds is silent, and one that does not throws AssertionError",
  (std: Std) => {
    const { AssertionError } = std;
    const both = (holds: () => unknown, fails: () => unknown) => {
      holds();
      const error = assertThrows(fails, AssertionError);
      assertEquals(error.name, "AssertionError");
    };
    both(() => std.assert("a"), () => std.assert(0));
    both(() => std.assertFalse(""), () => std.assertFalse([]));
    both(() => std.assertExists(0), () => std.assertExists(null));
    both(() => std.assertEquals([{ a: NaN }], [{ a: NaN }]), () => std.assertEquals([1], [2]));
    both(() => std.assertNotEquals({ a: 1 }, { a: 2 }), () => std.assertNotEquals([1], [1]));
    both(() => std.assertStrictEquals(NaN, NaN), () => std.assertStrictEquals({}, {}));
    both(() => std.assertNotStrictEquals({}, {}), () => std.assertNotStrictEquals(1, 1));
    both(() => std.assertGreater(2, 1), () => std.assertGreater(1, 1));
    both(() => std.assertGreaterOrEqual(1, 1), () => std.assertGreaterOrEqual(0, 1));
    both(() => std.assertLess(1n, 2n), () => std.assertLess(2n, 2n));
    both(() => std.assertLessOrEqual("a", "a"), () => std.assertLessOrEqual("b", "a"));
    both(() => std.assertAlmostEquals(0.1 + 0.2, 0.3), () => std.assertAlmostEquals(1, 1.1));
    both(() => std.assertStringIncludes("abc", "b"), () => std.assertStringIncludes("abc", "d"));
    both(() => std.assertMatch("abc", /b./), () => std.assertMatch("abc", /d/));
    both(() => std.assertArrayIncludes([{ a: 1 }, 2], [{ a: 1 }]), () => {
      std.assertArrayIncludes([1], [1, 2]);
    });
    both(() => std.assertInstanceOf([], Array), () => std.assertInstanceOf({}, Array));
    both(() => std.assertIsError(new RangeError("far"), RangeError, "far"), () => {
      std.assertIsError(new Error("near"), RangeError);
    });
    both(() => {}, () => std.fail());
  },
);

law(
  "equality tells what is missing from what is undefined, and one class from another",
  (std: Std) => {
    const { AssertionError } = std;
    class Point {
      x = 1;
    }
    assertThrows(() => std.assertEquals<unknown>({ a: undefined }, {}), AssertionError);
    assertThrows(() => std.assertEquals<unknown>(new Point(), { x: 1 }), AssertionError);
    assertThrows(() => std.assertEquals(new Map([[1, 2]]), new Map([[1, 3]])), AssertionError);
    std.assertEquals(new Set([1, 2]), new Set([2, 1]));
    std.assertEquals(new Date(5), new Date(5));
  },
);

law("a failure says what the caller says about it", (std: Std) => {
  const { AssertionError } = std;
  assertThrows(() => std.assert(false, "the reason"), AssertionError, "the reason");
  assertThrows(() => std.assertEquals(1, 2, "the reason"), AssertionError, "the reason");
  assertThrows(() => std.assertThrows(() => {}, "the reason"), AssertionError, "the reason");
  assertThrows(() => std.fail("the reason"), AssertionError, "the reason");
});

law("assertThrows returns what was thrown, and fails if it is another error", (std: Std) => {
  const thrown = new RangeError("out of range");
  const body = () => {
    throw thrown;
  };
  assertStrictEquals(std.assertThrows(body), thrown);
  assertStrictEquals(std.assertThrows(body, RangeError, "out of"), thrown);
  assertThrows(() => std.assertThrows(body, TypeError), std.AssertionError);
  assertThrows(() => std.assertThrows(body, RangeError, "within"), std.AssertionError);
  assertThrows(() => std.assertThrows(() => {}, Error), std.AssertionError);
  const bare = () => {
    throw "a string";
  };
  assertEquals(std.assertThrows(bare), "a string");
  assertThrows(() => std.assertThrows(bare, Error), std.AssertionError);
});

law(
  "assertRejects returns the reason, and fails if it is another, or was thrown",
  async (std: Std) => {
    const { AssertionError } = std;
    const reason = new RangeError("out of range");
    const body = () => Promise.reject(reason);
    assertStrictEquals(await std.assertRejects(body), reason);
    assertStrictEquals(await std.assertRejects(body, RangeError, "out of"), reason);
    await assertRejects(() => std.assertRejects(body, TypeError), AssertionError);
    await assertRejects(() => std.assertRejects(body, RangeError, "within"), AssertionError);
    await assertRejects(() => std.assertRejects(() => Promise.resolve()), AssertionError);
    const throwing = () => {
      throw reason;
    };
    await assertRejects(() => std.assertRejects(throwing, RangeError), AssertionError);
  },
);

law("delay resolves after its time", async (std: Std) => {
  using clock = fakeClock();
  const waiting = std.delay(100);
  await clock.tick(99);
  assertEquals(await state(waiting), "pending");
  await clock.tick(1);
  assertEquals(await state(waiting), "fulfilled");
});

law("delay rejects with the signal's reason, and leaves no timer", async (std: Std) => {
  using clock = fakeClock();
  const reason = new Error("stop");
  const controller = new AbortController();
  const waiting = std.delay(100, { signal: controller.signal });
  controller.abort(reason);
  assertStrictEquals(await assertRejects(() => waiting), reason);
  assertStrictEquals(await assertRejects(() => std.delay(1, controller)), reason);
  assertEquals(clock.timers, 0);
});

law("deadline settles as its promise does, and leaves no timer", async (std: Std) => {
  assertEquals(await std.deadline(Promise.resolve(1), 60_000), 1);
  const reason = new Error("no");
  const failing = Promise.reject(reason);
  assertStrictEquals(await assertRejects(() => std.deadline(failing, 60_000)), reason);
});

law("deadline rejects with a TimeoutError once its time is over", async (std: Std) => {
  const never = new Promise<never>(() => {});
  const late = await assertRejects(() => std.deadline(never, 1), DOMException);
  assertEquals(late.name, "TimeoutError");
});

law(
  "abortable rejects with the signal's reason, unless the promise was first",
  async (std: Std) => {
    const controller = new AbortController();
    const { signal } = controller;
    assertEquals(await std.abortable(Promise.resolve(1), signal), 1);
    const never = std.abortable(new Promise<never>(() => {}), signal);
    const reason = new Error("stop");
    controller.abort(reason);
    assertStrictEquals(await assertRejects(() => never), reason);
  },
);

law("pooledMap keeps the order, and never exceeds its limit", async (std: Std) => {
  using clock = fakeClock();
  let running = 0;
  let most = 0;
  const results = std.pooledMap(2, [30, 10, 20], async (ms) => {
    most = Math.max(most, ++running);
    await std.delay(ms);
    running--;
    return ms;
  });
  const list = Array.fromAsync(results);
  await clock.tick(60);
  assertEquals(await list, [30, 10, 20]);
  assertEquals(most, 2);
});

law("pooledMap starts nothing after a failure, and throws it at the end", async (std: Std) => {
  const started: number[] = [];
  const results = std.pooledMap(1, [1, 2, 3], (item) => {
    started.push(item);
    return item === 2 ? Promise.reject(new Error("two")) : Promise.resolve(item);
  });
  const got: number[] = [];
  const error = await assertRejects(async () => {
    for await (const result of results) got.push(result);
  }, AggregateError);
  assertEquals(error.errors.map((each) => each.message), ["two"]);
  assertEquals([got, started], [[1], [1, 2]]);
});
