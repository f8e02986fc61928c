/**
 * Random programs over topics, their subscriptions and their groups. What each caller got is compared with
 * the sequence that was published, whenever everything has come to rest.
 *
 * @module
 */
import fc from "fast-check";
import { assert, assertEquals } from "@std/assert";
import {
  background,
  type CancelContext,
  Channel,
  ClosedError,
  type Receiver,
  type ReceiverIterator,
  recv,
  select,
  send,
  withCancel,
} from "../mod.ts";
import { type ConsumerGroup, type Member, type Subscription, Topic } from "../flow/mod.ts";
import { coreOf } from "../core/core_of.ts";
import { ForeignSelect, offering, taking } from "./support/foreign_select.ts";
import { settled } from "./support/settle.ts";

const RUNS = 400;
const SLOTS = 3;
const GROUPS = 2;

// ---- programs ----

type Op =
  | { readonly op: "publish" | "selectPublish"; readonly slot: number | undefined }
  | { readonly op: "tryPublish" | "foreignPublish" }
  | { readonly op: "subscribe"; readonly lossless: boolean; readonly replay: number | undefined }
  | { readonly op: "join"; readonly group: number; readonly replay: number | undefined }
  | {
    readonly op: "receive" | "take" | "select" | "selectEither" | "next";
    readonly pick: number;
    readonly slot: number | undefined;
  }
  | {
    readonly op: "batch";
    readonly pick: number;
    readonly slot: number | undefined;
    readonly max: number;
    readonly min: number | undefined;
  }
  | {
    readonly op:
      | "tryReceive"
      | "foreignTake"
      | "leaveForeign"
      | "return"
      | "dispose"
      | "selectBoth";
    readonly pick: number;
  }
  | { readonly op: "cancel"; readonly slot: number }
  | { readonly op: "disposeGroup"; readonly group: number }
  | { readonly op: "close"; readonly error: boolean }
  | { readonly op: "rest" };

interface Program {
  readonly capacity: number;
  readonly replay: number;
  /** Whether each of the groups is lossless. */
  readonly groups: readonly boolean[];
  readonly ops: readonly Op[];
}

const pick = fc.nat(7);
const slot = fc.option(fc.nat(SLOTS - 1), { nil: undefined, freq: 2 });
const group = fc.nat(GROUPS - 1);
const replay = fc.option(fc.nat(4), { nil: undefined, freq: 2 });

const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ op: fc.constant("publish" as const), slot }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant("selectPublish" as const), slot }) },
  { weight: 6, arbitrary: fc.record({ op: fc.constant("tryPublish" as const) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("foreignPublish" as const) }) },
  {
    weight: 5,
    arbitrary: fc.record({ op: fc.constant("subscribe" as const), lossless: fc.boolean(), replay }),
  },
  { weight: 4, arbitrary: fc.record({ op: fc.constant("join" as const), group, replay }) },
  {
    weight: 20,
    arbitrary: fc.record({
      op: fc.constantFrom(
        "receive" as const,
        "take" as const,
        "select" as const,
        "selectEither" as const,
        "next" as const,
      ),
      pick,
      slot,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constant("batch" as const),
      pick,
      slot,
      max: fc.integer({ min: 1, max: 4 }),
      min: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
    }),
  },
  {
    weight: 9,
    arbitrary: fc.record({
      op: fc.constantFrom("tryReceive" as const, "tryReceive", "foreignTake", "selectBoth"),
      pick,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constantFrom("dispose" as const, "return", "leaveForeign"),
      pick,
    }),
  },
  { weight: 4, arbitrary: fc.record({ op: fc.constant("cancel" as const), slot: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("disposeGroup" as const), group }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("close" as const), error: fc.boolean() }) },
  { weight: 12, arbitrary: fc.constant({ op: "rest" as const }) },
);

const program: fc.Arbitrary<Program> = fc.integer({ min: 1, max: 5 }).chain((capacity) =>
  fc.record({
    capacity: fc.constantFrom(capacity, capacity, capacity, Infinity),
    replay: fc.nat(Math.min(3, capacity)),
    groups: fc.array(fc.boolean(), { minLength: GROUPS, maxLength: GROUPS }),
    ops: fc.array(op, { minLength: 10, maxLength: 80 }),
  })
);

Deno.test("50, 140, 141: each reader sees what was published, but for what it is told it has missed", async () => {
  await fc.assert(
    fc.asyncProperty(program, async (given) => {
      const run = new Run(given);
      for (const op of given.ops) {
        if (op.op === "rest") await run.rest();
        else run.step(op);
      }
      await run.end();
    }),
    { numRuns: RUNS },
  );
});

// ---- what happens ----

/** A call that gives values, or a publish; it is over when `state` is not "pending". */
interface Call {
  state: "pending" | "done" | "failed";
  /** What it took; of a publish, what was published. */
  values: readonly number[];
  /** It saw the end. */
  ended: boolean;
  error?: unknown;
  /** Since it holds up those behind it, they may wait beside values. */
  readonly aim?: number;
  readonly foreign?: ForeignSelect;
  /** The `next` of an iterator; whether that was ended by itself. */
  iterator?: ReceiverIterator<number>;
  returned?: boolean;
}

/** A subscription or a member of a group. */
interface Outlet {
  readonly receiver: Receiver<number> & Disposable;
  readonly calls: Call[];
  iterator: ReceiverIterator<number> | undefined;
  left: boolean;
}

interface Reader {
  readonly of: Subscription<number> | ConsumerGroup<number>;
  readonly lossless: boolean;
  /** The position at which it began. */
  readonly start: number;
  readonly told: number[];
  readonly outlets: Outlet[];
  left: boolean;
  /** How much was published, and missed, when it was left. */
  missed: number;
}

const FAILURE = new Error("closed with it");

class Run {
  readonly #program: Program;
  readonly #topic: Topic<number>;
  readonly #readers: Reader[] = [];
  readonly #groups: (Reader | undefined)[] = new Array(GROUPS).fill(undefined);
  readonly #publishes: Call[] = [];
  readonly #slots: CancelContext[] = Array.from({ length: SLOTS }, () => withCancel(background()));
  readonly #never = new Channel<number>();
  #next = 0;
  #closed = false;
  #error: unknown;

  constructor(program: Program) {
    this.#program = program;
    const { capacity, replay } = program;
    this.#topic = new Topic({ capacity, replay });
  }

  step(op: Op): void {
    switch (op.op) {
      case "publish": {
        const n = this.#next++;
        return this.#publish(n, this.#topic.publish(n, this.#wait(op.slot)).then(() => true));
      }
      case "selectPublish": {
        const n = this.#next++;
        const cases = { sent: send(this.#topic, n), never: recv(this.#never) };
        return this.#publish(n, select(cases, this.#wait(op.slot)).then(() => true));
      }
      case "tryPublish":
        return this.#tryPublish();
      case "foreignPublish":
        return this.#foreignPublish();
      case "subscribe":
        return this.#subscribe(op.lossless, op.replay);
      case "join":
        return this.#join(op.group, op.replay);
      case "cancel":
        this.#slots[op.slot]!.cancel(`slot ${op.slot}`);
        this.#slots[op.slot] = withCancel(background());
        return;
      case "disposeGroup":
        return this.#disposeGroup(op.group);
      case "close":
        return this.#close(op.error ? FAILURE : undefined);
      case "rest":
        return;
    }
    const outlets = this.#readers.flatMap(({ outlets }) => outlets);
    if (outlets.length === 0) return;
    const outlet = outlets[op.pick % outlets.length]!;
    const other = outlets[(op.pick + 1) % outlets.length]!;
    this.#read(op, outlet, other);
  }

  #wait(slot: number | undefined): CancelContext | undefined {
    return slot === undefined ? undefined : this.#slots[slot];
  }

  // ---- publishing ----

  /** `sent` resolves with whether it was published. */
  #publish(n: number, sent: Promise<boolean>): void {
    const call: Call = { state: "pending", values: [], ended: false };
    this.#publishes.push(call);
    sent.then((sent) => {
      call.state = "done";
      if (sent) call.values = [n];
    }, (error) => {
      call.state = "failed";
      call.error = error;
    });
  }

  #tryPublish(): void {
    const n = this.#next++;
    try {
      const sent = this.#topic.tryPublish(n);
      this.#publishes.push({ state: "done", values: sent ? [n] : [], ended: false });
      const waiting = this.#topic.stats().waiting > 0;
      assert(!waiting || !sent, "a publisher that does not wait went past those who do");
      assert(sent || waiting || this.#holders() > 0, "refused without a reason");
    } catch (error) {
      assert(this.#closed && error instanceof ClosedError, String(error));
      assertEquals(error.value, n);
    }
  }

  #foreignPublish(): void {
    if (this.#closed) return;
    const n = this.#next++;
    const foreign = new ForeignSelect(offering(this.#topic, n));
    this.#publishes.push({ state: "pending", values: [n], ended: false, foreign });
  }

  /** How many lossless readers are as far behind as they may be. */
  #holders(): number {
    const { capacity } = this.#program;
    return this.#readers.filter(({ of, lossless, left }) => {
      const unread = of.stats().unread;
      return !left && lossless && unread === capacity;
    }).length;
  }

  // ---- readers ----

  #begin(replay: number | undefined): number {
    const { published } = this.#topic.stats();
    return published - Math.min(replay ?? this.#program.replay, this.#program.replay, published);
  }

  #subscribe(lossless: boolean, replay: number | undefined): void {
    if (this.#readers.length > 5) return;
    const told: number[] = [];
    const start = this.#begin(replay);
    const of = this.#topic.subscribe({ lossless, replay, onLag: (count) => told.push(count) });
    const outlets = [{ receiver: of, calls: [], iterator: undefined, left: false }];
    this.#readers.push({ of, lossless, start, told, outlets, left: false, missed: 0 });
  }

  #join(at: number, replay: number | undefined): void {
    let reader = this.#groups[at];
    if (reader === undefined) {
      const lossless = this.#program.groups[at]!;
      const told: number[] = [];
      const start = this.#begin(replay);
      const onLag = (count: number): void => void told.push(count);
      const of = this.#topic.group(`group ${at}`, { lossless, replay, onLag });
      reader = { of, lossless, start, told, outlets: [], left: false, missed: 0 };
      this.#groups[at] = reader;
      this.#readers.push(reader);
    }
    if (reader.outlets.length > 3) return;
    const receiver: Member<number> = (reader.of as ConsumerGroup<number>).join();
    reader.outlets.push({ receiver, calls: [], iterator: undefined, left: false });
  }

  #disposeGroup(at: number): void {
    const reader = this.#groups[at];
    if (reader === undefined) return;
    this.#groups[at] = undefined;
    this.#leave(reader);
  }

  #leave(reader: Reader): void {
    reader.left = true;
    reader.of[Symbol.dispose]();
    reader.missed = reader.of.missed;
    for (const outlet of reader.outlets) outlet.left = true;
  }

  #dispose(outlet: Outlet): void {
    const reader = this.#readers.find(({ outlets }) => outlets.includes(outlet))!;
    if (reader.of === outlet.receiver) return this.#leave(reader);
    outlet.left = true;
    outlet.receiver[Symbol.dispose]();
  }

  #close(error: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#error = error;
    this.#topic.close(error);
  }

  // ---- reading ----

  #read(op: Op & { readonly pick: number }, outlet: Outlet, other: Outlet): void {
    const { receiver } = outlet;
    const one = (value: number): readonly number[] => [value];
    switch (op.op) {
      case "receive":
        return this.#call(
          receiver.receive(this.#wait(op.slot)).then((r) => r.ok ? [r.value] : undefined),
          outlet,
        );
      case "take":
        return this.#call(receiver.take(this.#wait(op.slot)).then(one), outlet);
      case "next": {
        const iterator = outlet.iterator ??= receiver[Symbol.asyncIterator]();
        const next = iterator.next().then((r) => r.done ? undefined : [r.value]);
        this.#call(next, outlet);
        outlet.calls.at(-1)!.iterator = iterator;
        return;
      }
      case "select": {
        const cases = { got: recv(receiver), never: recv(this.#never) };
        const got = select(cases, this.#wait(op.slot));
        return this.#call(got.then((r) => r.ok ? [r.value] : undefined), outlet);
      }
      case "selectEither":
        return this.#selectEither(outlet, other, this.#wait(op.slot));
      case "batch": {
        const { max } = op;
        const min = op.min === undefined || op.min > Math.min(max, this.#program.capacity)
          ? undefined
          : op.min;
        const ctx = this.#wait(op.slot);
        const batch = receiver.receiveMany(max, { ctx, min });
        return this.#call(batch.then((got) => got.length > 0 ? got : undefined), outlet, min ?? 1);
      }
      case "tryReceive":
        return this.#tryReceive(outlet);
      case "foreignTake": {
        const foreign = new ForeignSelect(taking(receiver));
        outlet.calls.push({ state: "pending", values: [], ended: false, foreign });
        return;
      }
      case "leaveForeign": {
        const call = outlet.calls.find(({ state, foreign }) => state === "pending" && foreign);
        if (call === undefined || call.foreign!.decided) return;
        call.foreign!.leave();
        call.state = "done";
        return;
      }
      case "selectBoth":
        return this.#selectBoth(outlet);
      case "return":
        if (outlet.iterator === undefined) return;
        for (const call of outlet.calls) {
          if (call.iterator === outlet.iterator) call.returned = true;
        }
        void outlet.iterator.return();
        outlet.iterator = undefined;
        return;
      case "dispose":
        return this.#dispose(outlet);
    }
  }

  /** `got` resolves with what was taken; undefined: the end. */
  #call(got: Promise<readonly number[] | undefined>, { calls }: Outlet, aim?: number): void {
    const call: Call = { state: "pending", values: [], ended: false, aim };
    calls.push(call);
    got.then((values) => {
      call.state = "done";
      if (values === undefined) call.ended = true;
      else call.values = values;
    }, (error) => {
      call.state = "failed";
      call.error = error;
    });
  }

  #tryReceive(outlet: Outlet): void {
    const { receiver, calls } = outlet;
    const { length } = receiver;
    const waiting = coreOf(receiver)!.takers.length > 0;
    const got = receiver.tryReceive();
    if (got?.ok) {
      assert(length > 0 && !waiting, "went past those who wait");
      calls.push({ state: "done", values: [got.value], ended: false });
    } else if (got === undefined) {
      assert(length === 0 || waiting, "a value was there");
      assert(!outlet.left && (!this.#closed || waiting), "the end was not told");
    } else {
      assert(length === 0, "the end was told before the last value");
      assert(outlet.left || this.#closed, "an end that is none");
      // Who had left before knows nothing of the error.
      assert(got.error === this.#error || (outlet.left && got.error === undefined));
    }
  }

  /** Of two, perhaps of the same topic's reader. */
  #selectEither(outlet: Outlet, other: Outlet, ctx: CancelContext | undefined): void {
    const cases = { one: recv(outlet.receiver), other: recv(other.receiver) };
    const got = select(cases, ctx);
    const of = (keys: readonly string[]) =>
      got.then((r) => !keys.includes(r.key) ? [] : r.ok ? [r.value as number] : undefined);
    if (other === outlet) return this.#call(of(["one", "other"]), outlet);
    this.#call(of(["one"]), outlet);
    this.#call(of(["other"]), other);
  }

  /** Publishes or receives, on the same topic. */
  #selectBoth(outlet: Outlet): void {
    const n = this.#next++;
    const both = select({ sent: send(this.#topic, n), got: recv(outlet.receiver) });
    this.#publish(n, both.then((r) => r.key === "sent"));
    this.#call(
      both.then((r) => r.key === "sent" ? [] : r.ok ? [r.value] : undefined),
      outlet,
    );
  }

  // ---- what must hold ----

  async rest(): Promise<void> {
    await settled();
    this.#settleForeign();
    const sequence = this.#sequence();
    for (const reader of this.#readers) this.#checkReader(reader, sequence);
    const stats = this.#topic.stats();
    assertEquals(stats.published, sequence.length);
    assertEquals(stats.retained, sequence.length - this.#tail(sequence.length));
    const waiting = this.#publishes.filter(({ state }) => state === "pending").length;
    assertEquals(stats.waiting, waiting);
    assert(waiting === 0 || this.#holders() > 0, "a publisher waits beside room");
    assert(waiting === 0 || !this.#closed, "a publisher waits at a closed topic");
  }

  #settleForeign(): void {
    for (const call of this.#publishes) {
      if (call.state !== "pending" || !call.foreign?.decided) continue;
      call.state = call.foreign.ok ? "done" : "failed";
      call.error = call.foreign.error;
      if (!call.foreign.ok) call.values = [];
    }
    for (const { calls } of this.#readers.flatMap(({ outlets }) => outlets)) {
      for (const call of calls) {
        if (call.state !== "pending" || !call.foreign?.decided) continue;
        call.state = "done";
        if (call.foreign.ok) call.values = [call.foreign.value as number];
        else call.ended = true;
      }
    }
  }

  /** What was published, which is in the order of the calls. */
  #sequence(): number[] {
    const sequence: number[] = [];
    let waiting = false;
    for (const { state, values, error } of this.#publishes) {
      if (state === "pending") waiting = true;
      if (state === "done" && values.length > 0) {
        assert(!waiting, "a later publisher was served before an earlier one");
        sequence.push(...values);
      }
      if (state === "failed") this.#checkFailure(error);
    }
    return sequence;
  }

  #checkFailure(error: unknown): void {
    if (typeof error === "string" && error.startsWith("slot ")) return;
    assert(this.#closed && error instanceof ClosedError, String(error));
    assertEquals(error.cause, this.#error);
  }

  /** The oldest value that is to be retained. */
  #tail(head: number): number {
    const { capacity, replay } = this.#program;
    const needed = Math.max(0, head - replay);
    const cursors = this.#readers.filter(({ left }) => !left).map((reader) => this.#cursor(reader));
    return Math.max(0, head - capacity, Math.min(needed, ...cursors));
  }

  /** What a reader reads next, if that is still there. */
  #cursor({ start, outlets, told }: Reader): number {
    const taken = outlets.flatMap(({ calls }) => calls.flatMap(({ values }) => values));
    return start + taken.length + told.reduce((sum, count) => sum + count, 0);
  }

  #checkReader(reader: Reader, sequence: readonly number[]): void {
    const { of, start, told, lossless, outlets, left } = reader;
    const at = new Map(sequence.map((n, position) => [n, position]));
    const positions: number[] = [];
    for (const { calls } of outlets) {
      const own = calls.flatMap(({ values }) => values).map((n) => at.get(n));
      for (const [i, position] of own.entries()) {
        assert(position !== undefined, "a value that was never published");
        assert(i === 0 || position > own[i - 1]!, "out of order, or twice");
        positions.push(position);
      }
    }
    positions.sort((a, b) => a - b);
    const gaps: number[] = [];
    let next = start;
    for (const position of positions) {
      assert(position >= next, "a value twice, or from before it began");
      if (position > next) gaps.push(position - next);
      next = position + 1;
    }
    assertEquals(told, gaps, "told of other gaps than it had");
    if (lossless) assertEquals(gaps, []);
    const tail = this.#tail(sequence.length);
    const lag = Math.max(0, tail - next);
    const missed = gaps.reduce((sum, count) => sum + count, 0);
    const stats = of.stats();
    assertEquals(stats.missed, left ? reader.missed : missed + lag);
    assertEquals(stats.received, positions.length);
    assertEquals(stats.unread, left ? 0 : sequence.length - Math.max(next, tail));
    for (const outlet of outlets) this.#checkOutlet(outlet, stats.unread);
  }

  #checkOutlet({ receiver, calls, left }: Outlet, unread: number): void {
    assertEquals(receiver.length, left ? 0 : unread);
    assertEquals(receiver.closed, left || this.#closed);
    const [first] = calls.filter(({ state }) => state === "pending");
    assert(first === undefined || (!left && !this.#closed), "a call that does not settle");
    const enough = Math.min(first?.aim ?? 1, this.#program.capacity);
    assert(first === undefined || unread < enough, "a call waits beside what it wants");
    for (const { state, error, ended, returned } of calls) {
      assert(!ended || returned || left || this.#closed, "an end that is none");
      if (state !== "failed" || error === this.#error) continue;
      if (left && error instanceof ClosedError) continue;
      this.#checkFailure(error);
    }
  }

  /** Everything settles, what is unread is given, and nothing stays. */
  async end(): Promise<void> {
    await this.rest();
    this.#close(undefined);
    await this.rest();
    for (const { outlets } of this.#readers) {
      for (const outlet of outlets) {
        while (outlet.receiver.length > 0) this.#tryReceive(outlet);
        this.#tryReceive(outlet);
      }
    }
    await this.rest();
    for (const reader of this.#readers) this.#leave(reader);
    const { replay } = this.#program;
    const { published, retained, subscriptions, groups } = this.#topic.stats();
    assertEquals([retained, subscriptions, groups], [Math.min(replay, published), 0, 0]);
    const calls = this.#readers.flatMap(({ outlets }) => outlets.flatMap(({ calls }) => calls));
    assert([...calls, ...this.#publishes].every(({ state }) => state !== "pending"));
  }
}
