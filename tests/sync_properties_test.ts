/**
 * Random programs over locks, conditions and barriers, compared with sequential models after each
 * operation. Several operations happen between two rests, in one step of the program: what they
 * decide has to be decided at once, and what their callers see afterwards has to agree.
 *
 * @module
 */
import fc from "fast-check";
import { assert, assertEquals } from "@std/assert";
import { background, type CancelContext, DeadlineExceededError, withCancel } from "../mod.ts";
import type { Wait } from "../mod.ts";
import {
  Barrier,
  BrokenBarrierError,
  Condition,
  type Guard,
  Mutex,
  RwLock,
  Semaphore,
  type WriteGuard,
} from "../sync/mod.ts";
import { settled } from "./support/settle.ts";

const RUNS = 500;

/** Everything that follows from what was done happens. */
const REST = { op: "rest" } as const;

// ---- what may end a wait ----

/** `slot`: a context or signal that others share; `now`: with a timeout of 0. */
interface WaitSeed {
  readonly slot: number | undefined;
  readonly now: boolean;
}

const SLOTS = 3;
const slot = fc.nat(SLOTS - 1);
const wait: fc.Arbitrary<WaitSeed> = fc.record({
  slot: fc.option(slot, { nil: undefined, freq: 3 }),
  now: fc.oneof(
    { weight: 9, arbitrary: fc.constant(false) },
    { weight: 1, arbitrary: fc.constant(true) },
  ),
});

/** Two contexts and a signal. Each cancel has a cause of its own. */
class Slots {
  readonly #slots: (CancelContext | AbortController)[] = [];
  readonly #ended = new Map<number, symbol>();

  constructor() {
    for (let i = 0; i < SLOTS; i++) this.renew(i);
  }

  renew(i: number): void {
    this.#slots[i] = i === SLOTS - 1 ? new AbortController() : withCancel(background());
    this.#ended.delete(i);
  }

  wait({ slot, now }: WaitSeed): Wait | undefined {
    const of = slot === undefined ? undefined : this.#slots[slot]!;
    const signal = of instanceof AbortController ? of.signal : undefined;
    const ctx = of instanceof AbortController ? undefined : of;
    if (now) return { ctx, signal, timeout: 0 };
    return ctx ?? signal;
  }

  /** With what a call rejects before it begins. */
  cause({ slot }: WaitSeed): symbol | undefined {
    return slot === undefined ? undefined : this.#ended.get(slot);
  }

  /** undefined: it has ended already. */
  end(i: number): symbol | undefined {
    if (this.#ended.has(i)) return undefined;
    const cause = Symbol(`slot ${i}`);
    this.#ended.set(i, cause);
    const slot = this.#slots[i]!;
    if (slot instanceof AbortController) slot.abort(cause);
    else slot.cancel(cause);
    return cause;
  }
}

/** What a call is to come to: it is pending until the model has decided. */
type Outcome =
  | { readonly is: "pending" }
  | { readonly is: "done"; readonly value?: unknown }
  | { readonly is: "failed"; readonly error: unknown };

const PENDING: Outcome = { is: "pending" };
const TIMEOUT = { is: "failed", error: DeadlineExceededError } as const;

/** The calls of a program: what the model says, and what really happened. */
class Calls<R> {
  readonly expected: Outcome[] = [];
  readonly results: (R | undefined)[] = [];
  readonly #seen: Outcome[] = [];

  add(promise: Promise<R>, expected: Outcome = PENDING): number {
    const id = this.expected.push(expected) - 1;
    this.#seen[id] = PENDING;
    promise.then((value) => {
      this.results[id] = value;
      this.#seen[id] = { is: "done", value };
    }, (error) => this.#seen[id] = { is: "failed", error });
    return id;
  }

  /** At rest, each call has come to what the model says. */
  check(): void {
    for (const [id, expected] of this.expected.entries()) {
      const seen = this.#seen[id]!;
      assertEquals(seen.is, expected.is, `call ${id}`);
      if (seen.is === "failed" && expected.is === "failed") {
        const { error } = expected;
        if (typeof error === "function") assert(seen.error instanceof error, `call ${id}`);
        else assertEquals(seen.error, error, `call ${id}`);
      } else if (expected.is === "done" && "value" in expected && seen.is === "done") {
        assertEquals(seen.value, expected.value, `call ${id}`);
      }
    }
  }
}

// ---- mutex, semaphore, read-write lock: permits, in the order of requests ----

/** What is locked, as permits. A writer takes them all. */
interface Lock {
  readonly permits: number;
  /** What may be asked for. */
  readonly weights: readonly number[];
  request(weight: number, wait: Wait | undefined): Promise<Hold>;
  try(weight: number): Hold | undefined;
  free(): number;
  waiting(): number;
}

interface Hold {
  /** How many permits it has. */
  held(): number;
  /** Gives back so many, or all; a part of them only if that is possible. */
  release(count?: number): void;
  /** What may be given back for sure, other than all. */
  readonly parts: boolean;
}

const READERS = 1000;

const locks: Readonly<Record<string, () => Lock>> = {
  "a mutex": () => {
    const mutex = new Mutex();
    const hold = (guard: Guard): Hold => ({
      held: () => guard.held ? 1 : 0,
      release: () => guard.release(),
      parts: false,
    });
    return {
      permits: 1,
      weights: [1],
      request: (_, wait) => mutex.lock(wait).then(hold),
      try: () => {
        const guard = mutex.tryLock();
        return guard && hold(guard);
      },
      free: () => mutex.locked ? 0 : 1,
      waiting: () => mutex.waiting,
    };
  },
  "a semaphore": () => {
    const semaphore = new Semaphore(4);
    return {
      permits: 4,
      weights: [1, 1, 2, 3, 4],
      request: async (weight, wait) => {
        const permit = await semaphore.acquireMany(weight, wait);
        return holdOf(permit);
      },
      try: (weight) => {
        const permit = semaphore.tryAcquireMany(weight);
        return permit && holdOf(permit);
      },
      free: () => semaphore.available,
      waiting: () => semaphore.waiting,
    };
    function holdOf(permit: Awaited<ReturnType<Semaphore["acquire"]>>): Hold {
      return {
        held: () => permit.count,
        release: (count) => permit.release(count),
        parts: true,
      };
    }
  },
  "a read-write lock": () => {
    const lock = new RwLock();
    const reading = (guard: Guard): Hold => ({
      held: () => guard.held ? 1 : 0,
      release: () => guard.release(),
      parts: false,
    });
    const writing = (guard: WriteGuard): Hold => {
      let reads: Guard | undefined;
      return {
        held: () => guard.held ? READERS : reads?.held ? 1 : 0,
        release: (count) => {
          // What is left of it is a reader.
          if (count !== undefined) reads = guard.downgrade();
          else (reads ?? guard).release();
        },
        parts: true,
      };
    };
    return {
      permits: READERS,
      weights: [1, 1, READERS],
      request: (weight, wait) =>
        weight === 1 ? lock.read(wait).then(reading) : lock.write(wait).then(writing),
      try: (weight) => {
        if (weight === 1) {
          const guard = lock.tryRead();
          return guard && reading(guard);
        }
        const guard = lock.tryWrite();
        return guard && writing(guard);
      },
      free: () => lock.writing ? 0 : READERS - lock.readers,
      waiting: () => lock.waiting,
    };
  },
};

type LockOp =
  | { readonly op: "request"; readonly pick: number; readonly wait: WaitSeed }
  | { readonly op: "try"; readonly pick: number }
  | { readonly op: "release"; readonly pick: number; readonly part: number | undefined }
  | { readonly op: "again"; readonly pick: number }
  | { readonly op: "cancel"; readonly slot: number; readonly renew: boolean };

const pick = fc.nat(99);
const cancel = fc.record({
  op: fc.constant("cancel" as const),
  slot,
  renew: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.constant(false)),
});
const rest = fc.constant(REST);

const lockOps = program<LockOp>(
  { weight: 8, arbitrary: fc.record({ op: fc.constant("request" as const), pick, wait }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("try" as const), pick }) },
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant("release" as const),
      pick,
      part: fc.option(fc.nat(9), { nil: undefined, freq: 2 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("again" as const), pick }) },
  { weight: 2, arbitrary: cancel },
  { weight: 4, arbitrary: rest },
);

interface Request {
  readonly id: number;
  readonly weight: number;
  readonly slot: number | undefined;
}

/** Permits that are given out in the order of requests. */
class LockRun implements Run<LockOp> {
  readonly #slots = new Slots();
  readonly #calls = new Calls<Hold>();
  #free: number;
  #line: Request[] = [];
  /** What the model says each holder has; those of calls are under their number. */
  readonly #held = new Map<number, number>();
  /** Those who got it without a call. */
  readonly #tried = new Map<number, Hold>();
  readonly #gone: Hold[] = [];
  readonly #lock: Lock;

  constructor(lock: Lock) {
    this.#lock = lock;
    this.#free = lock.permits;
  }

  do(op: LockOp): void {
    const { weights } = this.#lock;
    if (op.op === "request") {
      this.#request(weights[op.pick % weights.length]!, op.wait);
    } else if (op.op === "try") {
      const weight = weights[op.pick % weights.length]!;
      const hold = this.#lock.try(weight);
      assertEquals(hold !== undefined, this.#line.length === 0 && weight <= this.#free);
      if (hold !== undefined) {
        const key = -1 - this.#tried.size;
        this.#tried.set(key, hold);
        this.#held.set(key, weight);
        this.#free -= weight;
      }
    } else if (op.op === "release") {
      this.#release(op.pick, op.part);
    } else if (op.op === "again") {
      if (this.#gone.length > 0) this.#gone[op.pick % this.#gone.length]!.release();
    } else {
      const error = this.#slots.end(op.slot);
      if (error !== undefined) {
        for (const { id } of this.#line.filter(({ slot }) => slot === op.slot)) {
          this.#calls.expected[id] = { is: "failed", error };
        }
        this.#line = this.#line.filter(({ slot }) => slot !== op.slot);
        this.#serve();
      }
      if (op.renew) this.#slots.renew(op.slot);
    }
    assertEquals(
      [this.#lock.free(), this.#lock.waiting()],
      [this.#free, this.#line.length],
      op.op,
    );
  }

  async rest(): Promise<void> {
    await settled();
    this.#calls.check();
    let held = 0;
    for (const [key, count] of this.#held) {
      assertEquals(this.#holdOf(key)!.held(), count);
      held += count;
    }
    assertEquals(held + this.#free, this.#lock.permits);
    for (const hold of this.#gone) assertEquals(hold.held(), 0);
  }

  /** Whoever gets it gives it back, until nobody wants it. */
  async end(): Promise<void> {
    do {
      await this.rest();
      while (this.#release(0, undefined));
    } while (this.#line.length > 0 || this.#held.size > 0);
    await this.rest();
    assertEquals([this.#lock.free(), this.#lock.waiting()], [this.#lock.permits, 0]);
    for (const { is } of this.#calls.expected) assert(is !== "pending");
  }

  #request(weight: number, seed: WaitSeed): void {
    const cause = this.#slots.cause(seed);
    const promise = this.#lock.request(weight, this.#slots.wait(seed));
    if (cause !== undefined) {
      this.#calls.add(promise, { is: "failed", error: cause });
    } else if (this.#line.length === 0 && weight <= this.#free) {
      this.#grant({ id: this.#calls.add(promise), weight, slot: undefined });
    } else if (seed.now) {
      this.#calls.add(promise, TIMEOUT);
    } else {
      this.#line.push({ id: this.#calls.add(promise), weight, slot: seed.slot });
    }
  }

  /** Those can release who have gone on since they got it. false: there are none. */
  #release(pick: number, part: number | undefined): boolean {
    const keys = [...this.#held.keys()].filter((key) => this.#holdOf(key) !== undefined);
    if (keys.length === 0) return false;
    const key = keys[pick % keys.length]!;
    const hold = this.#holdOf(key)!;
    const count = this.#held.get(key)!;
    if (part !== undefined && hold.parts && count > 1) {
      // A writer becomes a reader, and nothing in between.
      const given = count === READERS ? READERS - 1 : 1 + part % (count - 1);
      hold.release(given);
      this.#held.set(key, count - given);
      this.#free += given;
    } else {
      hold.release();
      this.#held.delete(key);
      this.#gone.push(hold);
      this.#free += count;
    }
    this.#serve();
    return true;
  }

  #holdOf(key: number): Hold | undefined {
    return this.#tried.get(key) ?? this.#calls.results[key];
  }

  #serve(): void {
    while (this.#line.length > 0 && this.#line[0]!.weight <= this.#free) {
      this.#grant(this.#line.shift()!);
    }
  }

  #grant({ id, weight }: Request): void {
    this.#free -= weight;
    this.#held.set(id, weight);
    this.#calls.expected[id] = { is: "done" };
  }
}

const lockRules: Readonly<Record<string, string>> = {
  "a mutex": "94, 97",
  "a semaphore": "95, 96, 97",
  "a read-write lock": "97, 98",
};

for (const [name, make] of Object.entries(locks)) {
  Deno.test(`${lockRules[name]}: ${name} does what the model does, and in the end all is free`, () => {
    return fc.assert(
      fc.asyncProperty(lockOps, async (ops) => {
        await play(new LockRun(make()), ops);
      }),
      { numRuns: RUNS },
    );
  });
}

// ---- condition ----

type ConditionOp =
  | { readonly op: "lock"; readonly wait: WaitSeed }
  | { readonly op: "wait"; readonly wait: WaitSeed }
  | { readonly op: "notify"; readonly count: number }
  | { readonly op: "release" }
  | { readonly op: "abandon"; readonly pick: number }
  | { readonly op: "cancel"; readonly slot: number; readonly renew: boolean };

const conditionOps = program<ConditionOp>(
  { weight: 5, arbitrary: fc.record({ op: fc.constant("lock" as const), wait }) },
  { weight: 6, arbitrary: fc.record({ op: fc.constant("wait" as const), wait }) },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant("notify" as const),
      count: fc.oneof(fc.nat(3), fc.constant(Infinity)),
    }),
  },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("release" as const) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("abandon" as const), pick }) },
  { weight: 2, arbitrary: cancel },
  { weight: 6, arbitrary: rest },
);

/** Somebody who locks, and then waits for the condition any number of times. */
interface Party {
  /** The call that gives the guard. */
  readonly lock: number;
  /** The wait on its way: its number, what may end it, and what it is to come to with the mutex. */
  wait?: { readonly id: number; readonly slot: number | undefined; outcome: Outcome };
  slot: number | undefined;
}

class ConditionRun implements Run<ConditionOp> {
  readonly #condition = new Condition();
  readonly #slots = new Slots();
  readonly #locks = new Calls<Guard>();
  readonly #waits = new Calls<void>();
  #holder: Party | undefined;
  /** Those who want the mutex, and those who want a notification. */
  #line: Party[] = [];
  #waiting: Party[] = [];
  /** Those whose wait ended: they come to the mutex's line with the next microtask. */
  #ended: Party[] = [];
  readonly #gone: Party[] = [];

  do(op: ConditionOp): void {
    const guard = this.#guard(this.#holder);
    if (op.op === "lock") {
      this.#lock(op.wait);
    } else if (op.op === "wait") {
      if (guard !== undefined) this.#wait(guard, op.wait);
    } else if (op.op === "notify") {
      if (guard !== undefined) {
        this.#condition.notify(guard, op.count);
        for (const party of this.#waiting.splice(0, op.count)) {
          party.wait!.outcome = { is: "done" };
          this.#line.push(party);
        }
      }
    } else if (op.op === "release") {
      if (guard !== undefined) this.#release(guard);
    } else if (op.op === "abandon") {
      this.#abandon(op.pick);
    } else {
      this.#cancel(op.slot);
      if (op.renew) this.#slots.renew(op.slot);
    }
    this.#check(op.op);
  }

  async rest(): Promise<void> {
    for (const party of this.#ended.splice(0)) {
      this.#line.push(party);
      if (this.#holder === undefined) this.#pass();
    }
    await settled();
    this.#check("rest");
    this.#locks.check();
    this.#waits.check();
    for (const party of [...this.#line, ...this.#waiting, ...this.#gone]) {
      assert(!this.#guard(party)?.held);
    }
    if (this.#holder !== undefined) assert(this.#guard(this.#holder)!.held);
  }

  /** Each holder notifies all and releases. */
  async end(): Promise<void> {
    await this.rest();
    while (this.#line.length + this.#waiting.length > 0 || this.#holder !== undefined) {
      if (this.#holder === undefined) {
        this.do({ op: "lock", wait: { slot: undefined, now: false } });
      }
      await this.rest();
      this.do({ op: "notify", count: Infinity });
      this.do({ op: "release" });
    }
    await this.rest();
    const { mutex } = this.#condition;
    assertEquals([mutex.locked, mutex.waiting, this.#condition.waiting], [false, 0, 0]);
    for (const { is } of [...this.#locks.expected, ...this.#waits.expected]) {
      assert(is !== "pending");
    }
  }

  #check(after: string): void {
    const { mutex } = this.#condition;
    assertEquals(
      [mutex.locked, mutex.waiting, this.#condition.waiting],
      [this.#holder !== undefined, this.#line.length, this.#waiting.length],
      after,
    );
  }

  #guard(party: Party | undefined): Guard | undefined {
    return party && this.#locks.results[party.lock];
  }

  #lock(seed: WaitSeed): void {
    const cause = this.#slots.cause(seed);
    const promise = this.#condition.mutex.lock(this.#slots.wait(seed));
    if (cause !== undefined) {
      this.#locks.add(promise, { is: "failed", error: cause });
    } else if (this.#holder !== undefined && seed.now) {
      this.#locks.add(promise, TIMEOUT);
    } else {
      this.#line.push({ lock: this.#locks.add(promise), slot: seed.slot });
      if (this.#holder === undefined) this.#pass();
    }
  }

  #wait(guard: Guard, seed: WaitSeed): void {
    const party = this.#holder!;
    // It holds the mutex; whether its last wait has gone on yet is its own business.
    const cause = this.#slots.cause(seed);
    const promise = this.#condition.wait(guard, this.#slots.wait(seed));
    if (cause !== undefined) {
      this.#waits.add(promise, { is: "failed", error: cause });
      return;
    }
    party.wait = { id: this.#waits.add(promise), slot: seed.slot, outcome: PENDING };
    party.slot = undefined;
    if (seed.now) {
      party.wait.outcome = TIMEOUT;
      this.#ended.push(party);
    } else {
      this.#waiting.push(party);
    }
    this.#pass();
  }

  #release(guard: Guard): void {
    guard.release();
    this.#gone.push(this.#holder!);
    this.#pass();
  }

  /** Somebody's guard is released while he waits. */
  #abandon(pick: number): void {
    const parties = [...this.#waiting, ...this.#line.filter(({ wait }) => wait), ...this.#ended];
    if (parties.length === 0) return;
    const party = parties[pick % parties.length]!;
    this.#guard(party)!.release();
    const early = this.#ended.includes(party);
    this.#waits.expected[party.wait!.id] = early
      ? party.wait!.outcome
      : { is: "failed", error: TypeError };
    const others = (each: Party) => each !== party;
    this.#waiting = this.#waiting.filter(others);
    this.#line = this.#line.filter(others);
    this.#ended = this.#ended.filter(others);
    this.#gone.push(party);
  }

  #cancel(slot: number): void {
    const error = this.#slots.end(slot);
    if (error === undefined) return;
    // Who waits to get the mutex back waits on.
    for (const party of this.#line.filter((party) => !party.wait && party.slot === slot)) {
      this.#locks.expected[party.lock] = { is: "failed", error };
    }
    this.#line = this.#line.filter((party) => party.wait || party.slot !== slot);
    for (const party of this.#waiting.filter(({ wait }) => wait!.slot === slot)) {
      party.wait!.outcome = { is: "failed", error };
      this.#ended.push(party);
    }
    this.#waiting = this.#waiting.filter(({ wait }) => wait!.slot !== slot);
  }

  /** The mutex goes to the next in line, or is free. */
  #pass(): void {
    const party = this.#holder = this.#line.shift();
    if (party === undefined) return;
    if (party.wait === undefined) {
      this.#locks.expected[party.lock] = { is: "done" };
    } else {
      this.#waits.expected[party.wait.id] = party.wait.outcome;
      party.wait = undefined;
    }
  }
}

Deno.test("94, 97, 100: a condition does what the model does, and in the end nobody is forgotten", () => {
  return fc.assert(
    fc.asyncProperty(conditionOps, async (ops) => {
      await play(new ConditionRun(), ops);
    }),
    { numRuns: RUNS },
  );
});

// ---- barrier ----

type BarrierOp =
  | { readonly op: "come"; readonly wait: WaitSeed }
  | { readonly op: "abort" }
  | { readonly op: "reset" }
  | { readonly op: "cancel"; readonly slot: number; readonly renew: boolean };

const barrierOps = program<BarrierOp>(
  { weight: 12, arbitrary: fc.record({ op: fc.constant("come" as const), wait }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("abort" as const) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("reset" as const) }) },
  { weight: 2, arbitrary: cancel },
  { weight: 3, arbitrary: rest },
);

class BarrierRun implements Run<BarrierOp> {
  readonly #barrier: Barrier;
  readonly #slots = new Slots();
  readonly #calls = new Calls<number>();
  #line: { readonly id: number; readonly slot: number | undefined }[] = [];
  #broken = false;

  constructor(parties: number) {
    this.#barrier = new Barrier(parties);
  }

  do(op: BarrierOp): void {
    if (op.op === "come") {
      this.#come(op.wait);
    } else if (op.op === "abort" || op.op === "reset") {
      this.#barrier[op.op]();
      this.#broken = op.op === "abort";
      for (const { id } of this.#line.splice(0)) {
        this.#calls.expected[id] = { is: "failed", error: BrokenBarrierError };
      }
    } else {
      const error = this.#slots.end(op.slot);
      if (error !== undefined) {
        for (const { id } of this.#line.filter(({ slot }) => slot === op.slot)) {
          this.#calls.expected[id] = { is: "failed", error };
        }
        this.#line = this.#line.filter(({ slot }) => slot !== op.slot);
      }
      if (op.renew) this.#slots.renew(op.slot);
    }
    const { broken, waiting } = this.#barrier;
    assertEquals([broken, waiting], [this.#broken, this.#line.length], op.op);
  }

  async rest(): Promise<void> {
    await settled();
    this.#calls.check();
  }

  async end(): Promise<void> {
    if (this.#broken) this.do({ op: "reset" });
    while (this.#line.length > 0) this.do({ op: "come", wait: { slot: undefined, now: false } });
    await this.rest();
    for (const { is } of this.#calls.expected) assert(is !== "pending");
  }

  #come(seed: WaitSeed): void {
    const cause = this.#slots.cause(seed);
    const promise = this.#barrier.wait(this.#slots.wait(seed));
    if (cause !== undefined) {
      this.#calls.add(promise, { is: "failed", error: cause });
    } else if (this.#broken) {
      this.#calls.add(promise, { is: "failed", error: BrokenBarrierError });
    } else if (this.#line.length + 1 === this.#barrier.parties) {
      const all = [...this.#line.splice(0), { id: this.#calls.add(promise) }];
      for (const [value, { id }] of all.entries()) {
        this.#calls.expected[id] = { is: "done", value };
      }
    } else if (seed.now) {
      this.#calls.add(promise, TIMEOUT);
    } else {
      this.#line.push({ id: this.#calls.add(promise), slot: seed.slot });
    }
  }
}

Deno.test("102: a barrier does what the model does, and in the end all have passed or failed", () => {
  return fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 4 }), barrierOps, async (parties, ops) => {
      await play(new BarrierRun(parties), ops);
    }),
    { numRuns: RUNS },
  );
});

// ---- helpers ----

interface Run<Op> {
  do(op: Op): void;
  rest(): Promise<void>;
  end(): Promise<void>;
}

/** What is between two rests happens in one step, in which nobody goes on. */
async function play<Op extends object>(run: Run<Op>, ops: (Op | typeof REST)[]): Promise<void> {
  for (const op of ops) {
    if (op === REST) await run.rest();
    else run.do(op as Op);
  }
  await run.end();
}

function program<Op>(
  ...ops: fc.WeightedArbitrary<Op | typeof REST>[]
): fc.Arbitrary<(Op | typeof REST)[]> {
  return fc.array(fc.oneof(...ops), { minLength: 1, maxLength: 50, size: "max" });
}
