/**
 * Random programs over a batcher, compared with a sequential model after each operation: which batches
 * the handler got and when, what became of every call, and what is left.
 *
 * @module
 */
import fc from "fast-check";
import { assertEquals } from "@std/assert";
import {
  background,
  type CancelContext,
  ClosedError,
  DeadlineExceededError,
  withCancel,
} from "../mod.ts";
import type { Wait } from "../mod.ts";
import { Batcher, Failed } from "../flow/mod.ts";
import { ManualClock } from "../tasks/mod.ts";
import { HeldBatches, quiet, testsStandStill } from "./support/held_batches.ts";
import { settled } from "./support/settle.ts";

const RUNS = 300;

testsStandStill();

// ---- the program ----

const SLOTS = 3;
const ATTEMPTS = 3;
/** Never a whole number, so that no attempt falls due together with an item that lingers. */
const DELAY = 2.25;

const configs = fc.record({
  maxCount: fc.constantFrom(1, 2, 3, 5, Infinity),
  maxWeight: fc.constantFrom(4, 7, Infinity, Infinity),
  linger: fc.constantFrom(0, 0, 1, 3, Infinity),
  concurrency: fc.constantFrom(1, 1, 2, 3, Infinity),
  capacity: fc.constantFrom(1, 2, 4, Infinity, Infinity),
  retry: fc.boolean(),
});
type Config = typeof configs extends fc.Arbitrary<infer C> ? C : never;

const slot = fc.option(fc.nat(SLOTS - 1), { nil: undefined, freq: 2 });
const operations = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      op: fc.constantFrom("submit" as const, "submit" as const, "trySubmit" as const),
      weight: fc.nat(4),
      slot,
      now: fc.nat(9).map((n) => n === 0),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ op: fc.constant("cancel" as const), slot: fc.nat(SLOTS - 1) }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("flush" as const), slot }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant("advance" as const), ms: fc.nat(4) }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("turn" as const) }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("quiet" as const) }) },
  {
    weight: 7,
    arbitrary: fc.record({
      op: fc.constant("end" as const),
      which: fc.nat(5),
      way: fc.constantFrom("each" as const, "each" as const, "throw" as const, "short" as const),
      fails: fc.nat(31),
    }),
  },
);
const lasts = fc.record({
  op: fc.constantFrom("shutdown" as const, "immediate" as const, "parent" as const),
  slot,
});

/** What became of a call: nothing yet, a result, an error, or the item on a ClosedError. */
type Fate =
  | undefined
  | { readonly value: unknown }
  | { readonly error: unknown }
  | { readonly closed: unknown };

// ---- the model ----

interface Item {
  readonly id: number;
  readonly weight: number;
  readonly slot: number | undefined;
  readonly since: number;
  old: boolean;
  flushed: boolean;
  fate: Fate;
}

interface Run {
  items: Item[];
  attempts: number;
  /** What the handler was given, while it runs. */
  given: Item[] | undefined;
  ended: boolean;
}

interface Call {
  readonly slot: number | undefined;
  readonly before: readonly Item[];
  fate: Fate;
}

class Model {
  readonly items: Item[] = [];
  readonly flushes: Call[] = [];
  readonly shutdowns: Call[] = [];
  /** What the handler was given, each time. */
  readonly log: number[][] = [];
  readonly causes: (symbol | undefined)[] = Array(SLOTS).fill(undefined);
  line: Item[] = [];
  outside: Item[] = [];
  running: Run[] = [];
  delayed: { run: Run; at: number }[] = [];
  again: Run[] = [];
  /** Those whose handler is called in the next microtask. */
  called: Run[] = [];
  now = 0;
  closed = false;
  ended: symbol | undefined;
  batches = 0;
  retries = 0;
  readonly #config: Config;

  constructor(config: Config) {
    this.#config = config;
  }

  get full(): boolean {
    return this.outside.length > 0 || this.line.length >= this.#config.capacity;
  }

  get open(): Item[] {
    return this.items.filter(({ fate }) => fate === undefined);
  }

  get waiting(): number {
    return this.open.length - this.running.reduce((sum, { items }) => sum + items.length, 0);
  }

  get timers(): number {
    const { linger, concurrency } = this.#config;
    const lingers = linger > 0 && linger < Infinity && this.line.length > 0 &&
      this.running.length < concurrency;
    return this.delayed.length + (lingers ? 1 : 0);
  }

  /** The fate of a submit that comes to nothing; undefined: an item. */
  submit(weight: number, slot: number | undefined, now: boolean): Item | Fate {
    const id = this.items.length;
    if (slot !== undefined && this.causes[slot] !== undefined) return { error: this.causes[slot] };
    if (this.closed) return { closed: id };
    if (this.ended !== undefined) return { error: this.ended };
    const item: Item = {
      id,
      weight,
      slot,
      since: this.now,
      old: false,
      flushed: false,
      fate: now ? { error: "late" } : undefined,
    };
    this.items.push(item);
    if (!now) (this.full ? this.outside : this.line).push(item);
    this.pump();
    return item;
  }

  cancel(slot: number, cause: symbol): void {
    this.causes[slot] = cause;
    const leaves = (of: { slot: number | undefined }): boolean => of.slot === slot;
    for (const item of this.open.filter(leaves)) item.fate = { error: cause };
    for (const call of [...this.flushes, ...this.shutdowns].filter(leaves)) {
      call.fate ??= { error: cause };
    }
    this.#drop();
    this.pump();
    this.look();
  }

  /** Takes those out whose fate is known. */
  #drop(): void {
    const open = ({ fate }: Item): boolean => fate === undefined;
    this.line = this.line.filter(open);
    this.outside = this.outside.filter(open);
    for (const run of [...this.running, ...this.again, ...this.delayed.map(({ run }) => run)]) {
      run.items = run.items.filter(open);
      if (run.items.length === 0) run.ended = true;
    }
    this.delayed = this.delayed.filter(({ run }) => run.items.length > 0);
  }

  flush(slot: number | undefined): Call {
    for (const item of this.open) item.flushed = true;
    return this.#call(this.flushes, slot);
  }

  shutdown(slot: number | undefined, immediate: boolean): Call {
    if (slot !== undefined && this.causes[slot] !== undefined) {
      return this.#call(this.shutdowns, slot);
    }
    this.closed = true;
    if (immediate) this.#abort(({ id }) => ({ closed: id }));
    return this.#call(this.shutdowns, slot);
  }

  #call(calls: Call[], slot: number | undefined): Call {
    const cause = slot === undefined ? undefined : this.causes[slot];
    const call: Call = {
      slot,
      before: this.open,
      fate: cause === undefined ? undefined : { error: cause },
    };
    calls.push(call);
    this.pump();
    this.look();
    return call;
  }

  end(cause: symbol): void {
    if (this.ended !== undefined || this.over) return;
    this.ended = cause;
    this.#abort(() => ({ error: cause }));
  }

  get over(): boolean {
    return this.closed && this.running.length + this.delayed.length + this.again.length +
            this.line.length + this.outside.length === 0;
  }

  #abort(fateOf: (item: Item) => Fate): void {
    for (const item of this.open) item.fate = fateOf(item);
    this.again = [];
    for (const run of this.running) run.ended = true;
    this.#drop();
    this.pump();
    this.look();
  }

  pump(): void {
    this.#letIn();
    while (this.running.length < this.#config.concurrency) {
      const run = this.#next();
      if (run === undefined) break;
      this.running.push(run);
      this.called.push(run);
    }
  }

  #letIn(): void {
    while (this.outside.length > 0 && this.line.length < this.#config.capacity) {
      this.line.push(this.outside.shift()!);
    }
  }

  #next(): Run | undefined {
    while (this.again.length > 0) {
      const run = this.again.shift()!;
      if (run.items.length > 0) return run;
    }
    const [head] = this.line;
    const { maxCount, maxWeight, capacity, linger } = this.#config;
    if (head === undefined) return undefined;
    const weigh = (items: Item[]): number => items.reduce((sum, { weight }) => sum + weight, 0);
    const due = this.closed || head.flushed || this.line.length >= Math.min(maxCount, capacity) ||
      weigh(this.line) >= maxWeight || (linger === 0 ? head.old : this.now - head.since >= linger);
    if (!due) return undefined;
    const items: Item[] = [];
    while (
      this.line.length > 0 && items.length < maxCount &&
      weigh([...items, this.line[0]!]) <= maxWeight
    ) items.push(this.line.shift()!);
    this.#letIn();
    return { items, attempts: 0, given: undefined, ended: false };
  }

  look(): void {
    for (const call of this.flushes) {
      if (call.before.every(({ fate }) => fate !== undefined)) call.fate ??= { value: undefined };
    }
    if (!this.over) return;
    for (const call of this.shutdowns) call.fate ??= { value: undefined };
  }

  /** All microtasks run. */
  rest(): void {
    for (let run = this.called.shift(); run !== undefined; run = this.called.shift()) {
      if (run.items.length === 0) {
        this.#leave(run);
        continue;
      }
      this.batches++;
      if (run.attempts++ > 0) this.retries++;
      run.given = [...run.items];
      this.log.push(run.given.map(({ id }) => id));
    }
  }

  #leave(run: Run): void {
    this.running.splice(this.running.indexOf(run), 1);
    this.pump();
    this.look();
  }

  /** The event loop turns. */
  turn(): void {
    this.rest();
    for (const item of this.line) item.old = true;
    for (const item of this.outside) item.old = true;
    this.pump();
    this.rest();
  }

  /** The handler of a run ends; `errors`: what its items fail with, and undefined. */
  settle(run: Run, errors: readonly unknown[]): void {
    run.given!.forEach((item, i) => {
      if (item.fate !== undefined) return;
      if (errors[i] === undefined) item.fate = { value: item.id * 10 };
      else if (!this.#config.retry || run.attempts >= ATTEMPTS) item.fate = { error: errors[i] };
    });
    run.given = undefined;
    run.items = run.items.filter(({ fate }) => fate === undefined);
    if (run.items.length > 0) this.delayed.push({ run, at: this.now + DELAY });
    this.#leave(run);
    this.rest();
  }

  advance(ms: number): void {
    const end = this.now + ms;
    this.turn();
    while (true) {
      const first = this.delayed.toSorted((a, b) => a.at - b.at)[0];
      const [head] = this.line;
      const { linger, concurrency } = this.#config;
      const able = linger > 0 && linger < Infinity && this.running.length < concurrency;
      const lingers = able && head !== undefined ? head.since + linger : Infinity;
      const at = Math.min(first?.at ?? Infinity, lingers);
      if (at > end) break;
      this.now = at;
      if (first?.at === at) {
        this.delayed.splice(this.delayed.indexOf(first), 1);
        this.again.push(first.run);
      }
      this.pump();
      this.turn();
    }
    this.now = end;
  }
}

// ---- the comparison ----

class Program {
  readonly clock = new ManualClock();
  readonly held = new HeldBatches<number, number>();
  readonly batcher: Batcher<number, number>;
  readonly parent = withCancel(background());
  readonly slots: (CancelContext | AbortController)[];
  readonly model: Model;
  readonly #seen = new Map<object, Fate>();
  readonly #weights: number[] = [];
  readonly #contexts = new Map<Run, number>();

  constructor(config: Config) {
    const { retry, ...options } = config;
    this.model = new Model(config);
    this.batcher = new Batcher(this.held.handler, {
      ...options,
      weigh: (id) => this.#weights[id]!,
      retry: retry ? { attempts: ATTEMPTS, delay: DELAY, factor: 1 } : undefined,
      parent: this.parent,
      clock: this.clock,
    });
    this.slots = Array.from(
      { length: SLOTS },
      (_, i) => i === 0 ? new AbortController() : withCancel(background()),
    );
  }

  wait(slot: number | undefined): Wait | undefined {
    const of = slot === undefined ? undefined : this.slots[slot]!;
    return of instanceof AbortController ? of.signal : of;
  }

  /** Notes what becomes of a call. */
  see(key: object, promise: Promise<unknown>): void {
    promise.then((value) => this.#seen.set(key, { value }), (error) => {
      if (error instanceof ClosedError) this.#seen.set(key, { closed: error.value });
      else if (error instanceof DeadlineExceededError) this.#seen.set(key, { error: "late" });
      else this.#seen.set(key, { error });
    });
  }

  submit(patient: boolean, weight: number, slot: number | undefined, now: boolean): void {
    const { model, batcher } = this;
    const id = model.items.length;
    this.#weights[id] = weight;
    const of = slot === undefined ? undefined : this.slots[slot]!;
    const wait: Wait | undefined = !now
      ? this.wait(slot)
      : of instanceof AbortController
      ? { signal: of.signal, timeout: 0 }
      : { ctx: of, timeout: 0 };
    const ready = model.closed || model.ended !== undefined ||
      (slot !== undefined && model.causes[slot] !== undefined);
    const refused = !patient && !ready && model.full;
    const promise = patient ? batcher.submit(id, wait) : batcher.trySubmit(id, wait);
    assertEquals(promise === undefined, refused);
    if (promise === undefined) return;
    const result = model.submit(weight, slot, now);
    const key = typeof result === "object" && "id" in result ? result : { fate: result };
    if (!("id" in key)) this.#lost.push(key);
    this.see(key, promise);
  }

  /** Calls that have come to nothing. */
  readonly #lost: { readonly fate: Fate }[] = [];

  /** What can be told without waiting. */
  checkNow(): void {
    const { batcher, model, clock } = this;
    assertEquals([batcher.full, batcher.waiting, batcher.closed, clock.timers], [
      model.full,
      model.waiting,
      model.closed,
      model.timers,
    ]);
  }

  /** What can be told when all microtasks have run. */
  checkQuiet(): void {
    this.checkNow();
    const { batcher, model, held } = this;
    assertEquals(held.items.map((batch) => [...batch]), model.log);
    const { running, submitted, fulfilled, rejected, batches, retries } = batcher.stats();
    const ok = model.items.filter(({ fate }) => fate !== undefined && "value" in fate).length;
    assertEquals([running, submitted, fulfilled, rejected, batches, retries], [
      model.running.length,
      model.items.length,
      ok,
      model.items.length - model.open.length - ok,
      model.batches,
      model.retries,
    ]);
    for (const run of model.running) {
      const at = this.#contexts.get(run);
      assertEquals(held.all[at!]!.ctx.done, run.ended);
    }
  }

  /** Which of the handler's batches belongs to which run of the model. */
  match(): void {
    let at = this.held.all.length - 1;
    for (const run of this.model.running.toReversed()) {
      if (run.given === undefined) continue;
      const ids = run.given.map(({ id }) => id).join();
      at = this.held.items.findLastIndex((items) => items.join() === ids);
      this.#contexts.set(run, at);
    }
  }

  /** What became of all calls. */
  checkFates(): void {
    const { model } = this;
    for (const call of [...model.items, ...model.flushes, ...model.shutdowns, ...this.#lost]) {
      assertEquals(this.#seen.get(call), call.fate);
    }
  }

  /** The handler of one of the runs gives what it has. */
  async end(which: number, way: "each" | "throw" | "short", fails: number): Promise<void> {
    const { model, held } = this;
    const run = model.running[which % Math.max(1, model.running.length)];
    if (run === undefined) return;
    const batch = held.all[this.#contexts.get(run)!]!;
    const given = run.given!;
    if (way === "throw") {
      const error = Symbol("thrown");
      batch.fail(error);
      model.settle(run, given.map(() => error));
    } else if (way === "short" && given.length > 1) {
      batch.fail("short");
      model.settle(run, given.map(() => "short"));
    } else {
      const errors = given.map(({ id }, i) => fails & (1 << i) ? `no ${id}` : undefined);
      batch.end(given.map(({ id }, i) => errors[i] ? new Failed(errors[i]) : id * 10));
      model.settle(run, errors);
    }
    await quiet();
  }
}

Deno.test("133, 134, 135: random programs do what a sequential model does", async () => {
  const program = fc.record({
    config: configs,
    steps: fc.array(operations, { maxLength: 40, size: "max" }),
    last: lasts,
  });
  await fc.assert(
    fc.asyncProperty(program, async ({ config, steps, last }) => {
      const it = new Program(config);
      const { model, batcher, clock } = it;
      const rest = async (): Promise<void> => {
        await quiet();
        model.rest();
        it.match();
        it.checkQuiet();
      };
      const turn = async (): Promise<void> => {
        await settled();
        model.turn();
        it.match();
        it.checkQuiet();
        it.checkFates();
      };
      for (const step of steps) {
        switch (step.op) {
          case "submit":
          case "trySubmit":
            it.submit(step.op === "submit", step.weight, step.slot, step.now);
            break;
          case "cancel": {
            if (model.causes[step.slot] !== undefined) break;
            const cause = Symbol(`slot ${step.slot}`);
            const of = it.slots[step.slot]!;
            if (of instanceof AbortController) of.abort(cause);
            else of.cancel(cause);
            model.cancel(step.slot, cause);
            break;
          }
          case "flush": {
            const ended = step.slot !== undefined && model.causes[step.slot] !== undefined;
            const promise = batcher.flush(it.wait(step.slot));
            if (ended) await promise.catch(() => {});
            else it.see(model.flush(step.slot), promise);
            if (ended) await rest();
            break;
          }
          case "advance":
            await clock.advance(step.ms);
            model.advance(step.ms);
            it.match();
            it.checkQuiet();
            break;
          case "turn":
            await turn();
            break;
          case "quiet":
            await rest();
            break;
          case "end":
            await rest();
            await it.end(step.which, step.way, step.fails);
            it.match();
            it.checkQuiet();
        }
        it.checkNow();
      }
      if (last.op === "parent") {
        const cause = Symbol("parent");
        it.parent.cancel(cause);
        model.end(cause);
      } else {
        const immediate = last.op === "immediate";
        const ctx = it.wait(last.slot);
        const options = ctx instanceof AbortSignal
          ? { immediate, signal: ctx }
          : { immediate, ctx: ctx as CancelContext | undefined };
        const promise = batcher.shutdown(options);
        it.see(model.shutdown(last.slot, immediate), promise);
      }
      it.checkNow();
      it.submit(true, 1, undefined, false);
      await turn();
      // Everything settles: handlers end one after the other, and time passes.
      const over = batcher.shutdown();
      it.see(model.shutdown(undefined, false), over);
      await turn();
      for (let i = 0; i < 400 && !model.over; i++) {
        await it.end(0, "each", i % 2);
        if (i % 3 === 0) {
          await clock.advance(3);
          model.advance(3);
        }
        await turn();
      }
      await over;
      await turn();
      assertEquals([model.over, model.open, clock.timers, batcher.waiting], [true, [], 0, 0]);
    }),
    { numRuns: RUNS },
  );
});
