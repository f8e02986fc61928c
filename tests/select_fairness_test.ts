import { assert, assertEquals } from "@std/assert";
import {
  background,
  type Case,
  type CaseEntry,
  Channel,
  otherwise,
  prepareSelect,
  Queue,
  recv,
  select,
  send,
  trySelect,
  whenDone,
  withCancel,
} from "../mod.ts";
import { seed } from "../core/random.ts";
import { Rack, Shelf } from "./support/foreign.ts";

const TRIALS = 10_000;

// Each test starts the random numbers at a seed of its own, so that its outcome is always the same.

Deno.test("55: of two that are ready among four, each is taken half of the time, wherever they stand", () => {
  for (let a = 0; a < 4; a++) {
    for (let b = a + 1; b < 4; b++) {
      seed(55 + 4 * a + b);
      const cases = Array.from({ length: 4 }, () => recv(new Channel<number>()) as Case);
      cases[a] = recv(closed());
      cases[b] = recv(closed());
      assertFair([a, b], () => trySelect(cases.map((of, at): CaseEntry => [at, of]))!.key);
    }
  }
});

Deno.test("55: so it is with select, which need not wait for them either", async () => {
  seed(1);
  const a = new Channel<number>(TRIALS);
  const b = new Channel<number>(TRIALS);
  for (let n = 0; n < TRIALS; n++) {
    a.trySend(n);
    b.trySend(n);
  }
  const idle = new Channel<number>();
  const keys: unknown[] = [];
  for (let n = 0; n < TRIALS; n++) {
    keys.push((await select({ i: recv(idle), a: recv(a), b: recv(b), j: send(idle, 1) })).key);
  }
  assertFair(["a", "b"], () => keys.pop());
});

Deno.test("55: so it is with select and a prepared one, whether or not a case can be asked first", async () => {
  seed(6);
  const shelf = new Shelf<number>();
  shelf.end();
  const heavy = new Queue<number>({ maxSize: Infinity, weigh: () => 1 });
  const idle = new Channel<number>();
  const cases = {
    idle: recv(idle),
    closed: recv(closed()),
    absent: null,
    shelf: recv(shelf),
    weighed: send(heavy, 1),
    busy: send(idle, 1),
  };
  const prepared = prepareSelect(cases);
  for (const next of [() => select(cases), () => prepared.select()]) {
    const keys: unknown[] = [];
    for (let n = 0; n < TRIALS; n++) keys.push((await next()).key);
    assertFair(["closed", "shelf", "weighed"], () => keys.pop());
  }
});

Deno.test("55: of any number that are ready, each is taken as often as another", () => {
  for (const count of [3, 5, 8]) {
    seed(count);
    const cases = Array.from({ length: count }, (_, at): CaseEntry => [at, recv(closed())]);
    assertFair([...cases.keys()], () => trySelect(cases)!.key);
  }
});

Deno.test("55: the kind of a case makes no difference, nor that its channel is closed", () => {
  seed(2);
  const out = new Channel<number>(Infinity);
  const shelf = new Shelf<number>();
  shelf.end();
  const rack = new Rack<number>();
  rack.makeRoom(TRIALS);
  const context = withCancel(background());
  context.cancel();
  const cases = {
    queue: recv(queueOf(TRIALS)),
    closed: recv(closed()),
    out: send(out, 1),
    shelf: recv(shelf),
    rack: send(rack, 1),
    ended: whenDone(context),
  };
  assertFair(["queue", "closed", "out", "shelf", "rack", "ended"], () => trySelect(cases)!.key);
});

Deno.test("55, 60, R24: cases on one channel share its values evenly", () => {
  seed(3);
  const ch = new Channel<number>(TRIALS);
  for (let n = 0; n < TRIALS; n++) ch.trySend(n);
  const cases = { a: recv(ch), b: recv(ch), c: recv(ch) };
  assertFair(["a", "b", "c"], () => trySelect(cases)!.key);

  const out = new Channel<string>(1);
  const sending = { a: send(out, "a"), b: send(out, "b") };
  assertFair(["a", "b"], () => {
    trySelect(sending);
    const taken = out.tryReceive();
    return taken?.value;
  });
});

Deno.test("55, 61: with a buffer, both ends of a channel are taken evenly", () => {
  seed(4);
  const ch = new Channel<number>(TRIALS * 2);
  for (let n = 0; n < TRIALS; n++) ch.trySend(n);
  assertFair(["r", "s"], () => trySelect({ r: recv(ch), s: send(ch, 1) })!.key);
});

Deno.test("55, 62: of two selects with mirrored cases, the later one chooses the direction evenly", async () => {
  seed(5);
  const a = new Channel<number>();
  const b = new Channel<number>();
  const keys: unknown[] = [];
  for (let n = 0; n < TRIALS; n++) {
    const first = select({ a: send(a, 1), b: recv(b) });
    keys.push((await select({ a: recv(a), b: send(b, 1) })).key);
    await first;
  }
  assertFair(["a", "b"], () => keys.pop());
});

Deno.test("55, 66: the send on a closed channel is picked as often as a case that is ready beside it", async () => {
  seed(6);
  const cases = { sent: send(closed(), 1), end: recv(closed()) };
  assertFair(["sent", "end"], () => {
    try {
      return trySelect(cases)!.key;
    } catch {
      return "sent";
    }
  });
  const keys: unknown[] = [];
  for (let n = 0; n < TRIALS; n++) {
    keys.push(await select(cases).then((r) => r.key, () => "sent"));
  }
  assertFair(["sent", "end"], () => keys.pop());
});

Deno.test("55, 73: the case of a context that has ended is as good as another", async () => {
  seed(7);
  const context = withCancel(background());
  context.cancel();
  const keys: unknown[] = [];
  for (let n = 0; n < TRIALS; n++) {
    keys.push((await select({ ended: whenDone(context), end: recv(closed()) })).key);
  }
  assertFair(["ended", "end"], () => keys.pop());
});

Deno.test("55: the choice does not depend on the one before", () => {
  seed(8);
  const cases = { a: recv(closed()), b: recv(closed()) };
  let last: unknown;
  assertFair(["same", "other"], () => {
    const { key } = trySelect(cases)!;
    const relation = key === last ? "same" : "other";
    last = key;
    return relation;
  });
});

Deno.test("55: one seed gives one sequence, another another; zero is no dead end", () => {
  const cases = Array.from({ length: 8 }, (_, at): CaseEntry => [at, recv(closed())]);
  const sequence = (from: number): unknown[] => {
    seed(from);
    return Array.from({ length: 50 }, () => trySelect(cases)!.key);
  };
  assertEquals(sequence(1), sequence(1));
  assert(sequence(1).join() !== sequence(2).join());
  assertEquals(new Set(sequence(0)).size, 8);
});

// ---- biased ----

Deno.test("75, R24: biased takes the first that is ready in source order, always", async () => {
  const ch = new Channel<number>(Infinity);
  for (let n = 0; n < 400; n++) ch.trySend(n);
  const idle = new Channel<number>();
  for (let n = 0; n < 200; n++) {
    const cases = { z: recv(idle), b: recv(ch), a: recv(ch), out: send(new Channel<1>(1), 1) };
    assertEquals((await select(cases, { biased: true })).key, "b");
    assertEquals(trySelect(new Map(Object.entries(cases)), { biased: true })?.key, "b");
  }
});

Deno.test("75: biased has its order from entries, and from a record as JavaScript gives it", () => {
  const cases = { b: recv(closed()), 10: recv(closed()), 9: recv(closed()) };
  assertEquals(trySelect(cases, { biased: true })?.key, "9");
  const entries = [["b", recv(closed())], [10, recv(closed())], [9, recv(closed())]] as const;
  assertEquals(trySelect(entries, { biased: true })?.key, "b");
});

Deno.test("75: biased or not, the default comes last, and a ready case of any place before it", () => {
  const cases = { idle: otherwise, a: recv(closed()) };
  assertEquals(trySelect(cases, { biased: true })?.key, "a");
});

Deno.test("75: a parked biased select is won by whichever becomes ready first", async () => {
  const a = new Channel<string>(1);
  const b = new Channel<string>(1);
  const waiting = select({ a: recv(a), b: recv(b) }, { biased: true });
  b.trySend("b");
  a.trySend("a");
  assertEquals((await waiting).key, "b");
});

Deno.test("75, 66: of a closed sink and a case that is ready, biased picks the first, and throws only for that", () => {
  const sent = send(closed(), 1);
  const end = recv(closed());
  for (let trial = 0; trial < 100; trial++) {
    assertEquals(trySelect({ end, sent }, { biased: true })?.key, "end");
    let thrown = false;
    try {
      trySelect({ sent, end }, { biased: true });
    } catch {
      thrown = true;
    }
    assert(thrown);
  }
});

// ---- what they need ----

/** Each of the outcomes, and no other, comes as often as the rest, within 4.89 sigma. */
function assertFair(outcomes: readonly unknown[], next: () => unknown): void {
  const counts = new Map(outcomes.map((outcome) => [outcome, 0]));
  for (let n = 0; n < TRIALS; n++) {
    const outcome = next();
    assert(counts.has(outcome), `${String(outcome)} is none of the expected outcomes`);
    counts.set(outcome, counts.get(outcome)! + 1);
  }
  const share = 1 / outcomes.length;
  const bound = 4.89 * Math.sqrt(share * (1 - share) / TRIALS);
  for (const [outcome, count] of counts) {
    const distance = Math.abs(count / TRIALS - share);
    assert(distance < bound, `${String(outcome)}: ${count} of ${TRIALS}, bound ${bound}`);
  }
}

function closed(): Channel<number> {
  const ch = new Channel<number>();
  ch.close();
  return ch;
}

function queueOf(count: number): Queue<number> {
  const q = new Queue<number>();
  for (let n = 0; n < count; n++) q.tryPut(n);
  return q;
}
