import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import {
  after,
  background,
  Channel,
  ClosedError,
  Queue,
  recv,
  select,
  send,
  type Sink,
  sinkPort,
  trySelect,
  withCancel,
} from "../mod.ts";
import { fakeClock } from "./support/clock.ts";
import { bare, Racing, Rack, Shelf } from "./support/foreign.ts";
import { lines } from "./support/lines.ts";

const nobody = { takers: 0, putters: 0 };
const failure = new Error("from the port");

// ---- a port that becomes ready while the select parks ----

Deno.test("R16: when park says that the port is ready by now, the select looks again, parked nowhere", async () => {
  for (let at = 0; at < 3; at++) {
    for (const biased of [true, false]) {
      const racing = new Racing<string>(1);
      const shelf = new Shelf<string>();
      const ch = new Channel<string>();
      const cases: [string, ReturnType<typeof recv<string>>][] = [
        ["shelf", recv(shelf)],
        ["ch", recv(ch)],
      ];
      cases.splice(at, 0, ["racing", recv(racing)]);
      const waiting = select(cases, { biased });
      assertEquals([racing.waiters.size, shelf.waiters.count, lines(ch)], [0, 0, nobody]);
      assertEquals<unknown>(await waiting, { key: "racing", ok: true, value: "late" });
      assertEquals(racing.values, []);
    }
  }
});

Deno.test("R16: it looks again as often as it must, and parks in the end", async () => {
  // Ready says park, but somebody else is faster each time.
  let answers = 5;
  const { source, waiters } = bare<string>(() => undefined, () => answers-- > 0);
  const ch = new Channel<string>();
  const waiting = select({ other: send(ch, "x"), value: recv(source), again: recv(source) });
  assertEquals([answers < 0, waiters.size, lines(ch)], [true, 2, { takers: 0, putters: 1 }]);
  assertEquals(ch.tryReceive(), { ok: true, value: "x" });
  assertEquals([(await waiting).key, waiters.size], ["other", 0]);
});

Deno.test("57, R31: a select that looks again weighs and ranks what it sends only once", async () => {
  let answers = 3;
  const { source } = bare<string>(() => undefined, () => answers-- > 0);
  let weighed = 0;
  const q = new Queue<number>({ maxSize: 1, weigh: () => ++weighed && 1 });
  q.tryPut(1);
  const waiting = select({ sent: send(q, 2), odd: recv(source) });
  assertEquals([answers, weighed], [-1, 2]);
  q.tryGet();
  assertEquals([(await waiting).key, weighed], ["sent", 2]);
});

Deno.test("R16: what it finds when it looks again may be another case, a sink, or an error", async () => {
  const ch = new Channel<string>(1);
  const filling = bare<string>(() => undefined, () => ch.trySend("from park"));
  const r = await select({ value: recv(ch), odd: recv(filling.source) });
  assertEquals([r.key, r.value, filling.waiters.size], ["value", "from park", 0]);

  const rack = new Rack<string>();
  const sink: Sink<string> = {
    [sinkPort]: {
      ...rack[sinkPort],
      park: () => (rack.makeRoom(), true),
    },
  };
  assertEquals((await select({ sent: send(sink, "x"), ch: recv(ch) })).key, "sent");
  assertEquals([rack.values, lines(ch)], [["x"], nobody]);

  const full = new Channel<string>(1);
  full.trySend("x");
  const closing = bare<string>(() => undefined, () => {
    if (!full.closed) full.close();
    return true;
  });
  const refused = select({ sent: send(full, "y"), odd: recv(closing.source) }, { biased: true });
  await assertRejects(() => refused, ClosedError);
  assertEquals([closing.waiters.size, lines(full)], [0, nobody]);

  let asked = 0;
  const failing = bare<string>(() => {
    if (asked++ > 0) throw failure;
    return undefined;
  }, () => true);
  const rejected = select({ ch: recv(ch), it: recv(failing.source) });
  assertStrictEquals(await rejected.catch((error) => error), failure);
  assertEquals([failing.waiters.size, lines(ch)], [0, nobody]);
});

Deno.test("56, R16: a select that is decided while it parks at a port commits nothing else", async () => {
  for (const answer of [true, false]) {
    const full = new Channel<string>(1);
    full.trySend("first");
    const values: string[] = [];
    const odd = bare<string>(
      () => values.length > 0 ? { ok: true, value: values.shift()! } : undefined,
      () => {
        // The select's send gets its place, and the port has a value, too.
        full.tryReceive();
        values.push("kept");
        return answer;
      },
    );
    const r = await select({ sent: send(full, "second"), odd: recv(odd.source) }, { biased: true });
    assertEquals([r.key, values, full.tryReceive()?.value], ["sent", ["kept"], "second"]);
    assertEquals([lines(full), odd.waiters.size], [nobody, 0]);
  }
});

Deno.test("R16, 74: a select that looked again still heeds its context, its timeout and its times", async () => {
  using clock = fakeClock();
  let answers = 1;
  const { source, waiters } = bare<string>(() => undefined, () => answers-- > 0);
  using ctx = withCancel(background());
  const waiting = select({ value: recv(source) }, ctx);
  ctx.cancel("over");
  assertEquals([await waiting.catch((cause) => cause), waiters.size], ["over", 0]);
  answers = 1;
  const timed = select({ value: recv(source), late: after(5) }, { timeout: 10 });
  await clock.tick(5);
  assertEquals([(await timed).key, waiters.size, clock.timers], ["late", 0, 0]);
});

// ---- ports that throw ----

Deno.test("R32: what tryTake or tryOffer throws at the first attempt, the select rejects with", async () => {
  const ch = new Channel<string>();
  const source = bare<string>(() => {
    throw failure;
  });
  const rack = new Rack<string>();
  rack.close();
  assertStrictEquals(await select({ it: recv(source.source) }).catch((e) => e), failure);
  assertThrows(() => trySelect({ it: recv(source.source) }), Error, failure.message);
  const error = await assertRejects(() => select({ it: send(rack, "x") }), ClosedError);
  assertEquals(error.value, "x");
  assertThrows(() => trySelect({ it: send(rack, "x") }), ClosedError);
  for (let n = 0; n < 20; n++) {
    await select({ it: recv(source.source), ch: recv(ch), sent: send(rack, "x") }).catch(() => {});
  }
  assertEquals([source.waiters.size, rack.waiters.parks, lines(ch)], [0, 0, nobody]);
});

Deno.test("R32: what they throw within a wake commits: wake is true, and the select rejects with it", async () => {
  let fails = false;
  const { source, waiters } = bare<string>(() => {
    if (fails) throw failure;
    return undefined;
  });
  const ch = new Channel<string>();
  const rack = new Rack<string>();
  const waiting = select({ it: recv(source), ch: recv(ch), sent: send(rack, "x") });
  fails = true;
  assert([...waiters][0]!.wake());
  assertEquals([waiters.size, lines(ch), rack.waiters.count], [0, nobody, 0]);
  assertStrictEquals(await waiting.catch((error) => error), failure);
});

Deno.test("R32, 67: a foreign sink that closes makes each parked select reject, with its value", async () => {
  const rack = new Rack<string>();
  const ch = new Channel<string>();
  const waiting = ["a", "b"].map((value) => select({ sent: send(rack, value), ch: recv(ch) }));
  rack.close();
  assertEquals([rack.waiters.count, lines(ch)], [0, nobody]);
  const errors = await Promise.all(waiting.map((one) => assertRejects(() => one, ClosedError)));
  assertEquals(errors.map((error) => error.value), ["a", "b"]);
});

Deno.test("R17: a park that throws makes the select reject, and leaves nothing at the other ports", async () => {
  const broken = bare<string>(() => undefined, () => {
    throw failure;
  });
  const shelf = new Shelf<string>();
  const ch = new Channel<string>();
  using clock = fakeClock();
  const waiting = select({ a: recv(shelf), b: recv(ch), c: recv(broken.source), d: after(5) });
  assertStrictEquals(await waiting.catch((error) => error), failure);
  assertEquals([shelf.waiters.count, lines(ch), clock.timers], [0, nobody, 0]);
});
