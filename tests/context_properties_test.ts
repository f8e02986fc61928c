/**
 * Random trees of contexts over foreign signals, compared with a naive model.
 *
 * @module
 */
import fc from "fast-check";
import { type Clock, install } from "@sinonjs/fake-timers";
import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import {
  afterFunc,
  background,
  type Cancel,
  type CancelContext,
  CanceledError,
  Channel,
  type Context,
  ContextKey,
  DeadlineExceededError,
  withAny,
  withCancel,
  withDeadline,
  withoutCancel,
  withTimeout,
  withValue,
} from "../mod.ts";
import { CASCADE, ContextModel, type Node } from "./support/context_model.ts";
import { settled } from "./support/settle.ts";
import { countListeners } from "./support/subject.ts";

const RUNS = 400;
/** Each context's own deadline is one of its own, so that no two come at once. */
const GRAIN = 64;

type Op =
  | { readonly op: "cancel" | "value" | "without"; readonly parent: number }
  | {
    readonly op: "timeout" | "deadline";
    readonly parent: number;
    readonly grains: number;
    readonly cause: boolean;
  }
  | { readonly op: "any"; readonly parents: readonly number[] }
  | { readonly op: "end"; readonly pick: number; readonly cause: boolean }
  | { readonly op: "abort"; readonly pick: number }
  | { readonly op: "wait" | "after" | "stop"; readonly pick: number }
  | { readonly op: "listen"; readonly pick: number; readonly ends: number | undefined }
  | { readonly op: "advance"; readonly grains: number }
  | { readonly op: "rest" };

const pick = fc.nat();
const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ op: fc.constant("cancel" as const), parent: pick }) },
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constantFrom("timeout" as const, "deadline"),
      parent: pick,
      grains: fc.integer({ min: -1, max: 6 }),
      cause: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constantFrom("value" as const, "without"), parent: pick }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constant("any" as const),
      parents: fc.array(pick, { maxLength: 3 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ op: fc.constant("end" as const), pick, cause: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("abort" as const), pick }) },
  {
    weight: 6,
    arbitrary: fc.record({ op: fc.constantFrom("wait" as const, "after", "stop"), pick }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant("listen" as const),
      pick,
      ends: fc.option(pick, { nil: undefined, freq: 3 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant("advance" as const),
      grains: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 4, arbitrary: fc.constant({ op: "rest" as const }) },
);

const KEYS = [new ContextKey<string>("a"), new ContextKey<string>("a")];

/** A context of the tree, or a foreign signal, which is a root. */
interface Real {
  readonly node: Node;
  readonly cancel: Cancel;
  readonly controller: AbortController | undefined;
}

interface Hanging {
  readonly node: Node;
  /** What became of it. */
  readonly outcomes: unknown[];
  readonly stop: (() => boolean) | undefined;
  stopped: boolean;
}

class Run {
  readonly #model = new ContextModel();
  readonly #reals: Real[] = [];
  readonly #waits: Hanging[] = [];
  readonly #afters: Hanging[] = [];
  readonly #listeners: (() => number)[] = [];
  readonly #channel = new Channel<never>();
  readonly #clock: Clock;
  readonly #start = Date.now();
  /** Those whose listener is to see that all of them have ended. */
  #ending: Node[] = [];
  /** In the order in which their abort listeners ran. */
  #order: Node[] = [];
  #names = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#add(background(), this.#model.add([]));
    for (let i = 0; i < 2; i++) {
      const controller = new AbortController();
      this.#listeners.push(countListeners(controller.signal));
      this.#add(controller.signal, this.#model.add([]), controller);
    }
  }

  do(op: Op): void {
    switch (op.op) {
      case "cancel": {
        const { cancel, node } = this.#pick(op.parent);
        this.#add(withCancel(cancel), this.#model.add([node]));
        return;
      }
      case "timeout":
      case "deadline": {
        const { cancel, node } = this.#pick(op.parent);
        if (this.#reals.length >= GRAIN) return;
        const ms = op.grains * GRAIN + (op.grains > 0 ? this.#reals.length : 0);
        const cause = op.cause ? `late ${this.#names++}` : undefined;
        const real = op.op === "timeout"
          ? withTimeout(cancel, ms, cause)
          : withDeadline(cancel, Date.now() + ms, cause);
        this.#add(real, this.#model.add([node], { at: this.#model.now + ms, cause }));
        return;
      }
      case "value": {
        const { cancel, node } = this.#pick(op.parent);
        if (cancel instanceof AbortSignal) return;
        const value = `value ${this.#names}`;
        const key = this.#names++ % 2;
        const values = new Map([[key, value]]);
        this.#add(withValue(cancel, KEYS[key]!, value), this.#model.add([node], { values }));
        return;
      }
      case "without": {
        const { cancel, node } = this.#pick(op.parent);
        if (cancel instanceof AbortSignal) return;
        this.#add(withoutCancel(cancel), this.#model.add([], { values: node.values }));
        return;
      }
      case "any": {
        const parents = op.parents.map((parent) => this.#pick(parent));
        this.#add(
          withAny(...parents.map(({ cancel }) => cancel)),
          this.#model.add(parents.map(({ node }) => node)),
        );
        return;
      }
      case "end":
        return this.#end(this.#pick(op.pick), op.cause ? `cause ${this.#names++}` : undefined);
      case "abort": {
        const { node, controller } = this.#reals[1 + op.pick % 2]!;
        this.#ending = this.#model.end(node, "canceled", "abort");
        controller!.abort("abort");
        return this.#checkOrder();
      }
      case "wait":
        return this.#wait(this.#pick(op.pick));
      case "after":
        return this.#after(this.#pick(op.pick));
      case "stop": {
        const after = this.#afters[op.pick % this.#afters.length];
        if (after === undefined) return;
        const prevented = after.node.end === undefined && !after.stopped;
        assertEquals(after.stop!(), prevented, "stop");
        after.stopped ||= prevented;
        return;
      }
      case "listen":
        return this.#listen(this.#pick(op.pick), op.ends);
      case "advance":
        return this.#advance(op.grains * GRAIN);
    }
  }

  #add(cancel: Cancel, node: Node, controller?: AbortController): void {
    this.#reals.push({ node, cancel, controller });
  }

  #pick(pick: number): Real {
    return this.#reals[pick % this.#reals.length]!;
  }

  /** Ends a context that can be ended. */
  #end({ cancel, node }: Real, cause: string | undefined): void {
    if (!("cancel" in cancel) || node.parents.length === 0 && node.own === undefined) return;
    // What differs from its parent in values alone has no end of its own.
    if (node.parents.length === 1 && node.values.size > node.parents[0]!.values.size) return;
    if (node.parents.length === 1 && this.#isValue(node)) return;
    this.#ending = this.#model.end(node, "canceled", cause);
    (cancel as CancelContext).cancel(cause);
    this.#checkOrder();
  }

  #isValue(node: Node): boolean {
    const [parent] = node.parents;
    return [...node.values].some(([key, value]) => parent!.values.get(key) !== value);
  }

  #wait({ cancel, node }: Real): void {
    const outcomes: unknown[] = [];
    this.#waits.push({ node, outcomes, stop: undefined, stopped: false });
    this.#channel.receive(cancel).then(
      () => outcomes.push("closed"),
      (cause) => outcomes.push(cause),
    );
  }

  #after({ cancel, node }: Real): void {
    const outcomes: unknown[] = [];
    const stop = afterFunc(cancel, () => outcomes.push("ran"));
    assertEquals(outcomes, [], "afterFunc runs later");
    this.#afters.push({ node, outcomes, stop, stopped: false });
  }

  #listen({ cancel, node }: Real, ends: number | undefined): void {
    if (cancel instanceof AbortSignal || node.end !== undefined) return;
    const other = ends === undefined ? undefined : this.#pick(ends);
    const ended = other !== undefined && "cancel" in other.cancel && !this.#endless(other.node) &&
      !(other.node.parents.length === 1 && this.#isValue(other.node));
    if (ended) node.ends.push(other.node);
    cancel.signal.addEventListener("abort", () => {
      this.#order.push(node);
      if (this.#ending.includes(node)) {
        for (const { index } of this.#ending) {
          const { cancel } = this.#reals[index]!;
          assert(cancel instanceof AbortSignal ? cancel.aborted : cancel.done, "all have ended");
        }
      }
      if (ended) (other.cancel as CancelContext).cancel(CASCADE);
    });
  }

  #endless(node: Node): boolean {
    return node.parents.length === 0 && node.own === undefined;
  }

  /** From one deadline to the next, so that listeners find what the model says. */
  #advance(ms: number): void {
    const model = this.#model;
    const end = model.now + ms;
    for (let { next } = model; next !== undefined && next.own! <= end; { next } = model) {
      const passed = next.own! - model.now;
      model.now = next.own!;
      this.#ending = model.end(next, "deadline", next.cause);
      this.#clock.tick(passed);
      this.#checkOrder();
    }
    this.#clock.tick(end - model.now);
    model.now = end;
  }

  /** A context's listeners run after those of its parent. */
  #checkOrder(): void {
    const order = this.#order;
    this.#order = [];
    for (const [at, node] of order.entries()) {
      const [parent] = node.parents;
      if (node.parents.length !== 1 || this.#isValue(node)) continue;
      if (!this.#ending.includes(node) || !this.#ending.includes(parent!)) continue;
      assert(!order.slice(at + 1).includes(parent!), "a child ended before its parent");
    }
  }

  async rest(): Promise<void> {
    await settled();
    for (const { node, cancel } of this.#reals) {
      if (!(cancel instanceof AbortSignal)) this.#check(cancel, node);
    }
    for (const { node, outcomes } of this.#waits) {
      assertEquals(outcomes.length, node.end === undefined ? 0 : 1, "how often a wait ended");
      if (node.end !== undefined) assertStrictEquals(outcomes[0], this.#causeOf(node));
    }
    for (const { node, outcomes, stopped } of this.#afters) {
      const runs = node.end !== undefined && !stopped ? 1 : 0;
      assertEquals(outcomes.length, runs, "how often an afterFunc ran");
    }
  }

  #check(ctx: Context, { index, end, deadline, values }: Node): void {
    const label = `context ${index}`;
    assertEquals(ctx.done, end !== undefined, `${label} done`);
    assertEquals(ctx.deadline, deadline === undefined ? undefined : this.#start + deadline, label);
    for (const [index, key] of KEYS.entries()) {
      assertEquals(ctx.value(key), values.get(index), `${label}, value ${index}`);
    }
    if (end === undefined) {
      assertEquals([ctx.err, ctx.cause], [undefined, undefined], label);
      return;
    }
    assertInstanceOf(
      ctx.err,
      end.kind === "canceled" ? CanceledError : DeadlineExceededError,
      label,
    );
    assertStrictEquals(ctx.cause, end.cause ?? ctx.err, `${label}, cause`);
    const origin = this.#reals[end.origin.index]!.cancel;
    // Two listeners may race to end one context; both do so with the same cause.
    if (!(origin instanceof AbortSignal) && end.cause !== CASCADE) {
      assertStrictEquals(ctx.err, origin.err, label);
    }
    assertStrictEquals(ctx.signal.aborted, true, `${label}, signal`);
    assertStrictEquals(ctx.signal.reason, ctx.cause, `${label}, reason`);
  }

  #causeOf(node: Node): unknown {
    const { cancel } = this.#reals[node.index]!;
    return cancel instanceof AbortSignal ? cancel.reason : cancel.cause;
  }

  async finale(): Promise<void> {
    await this.rest();
    for (const real of this.#reals) this.#end(real, undefined);
    await this.rest();
    assertEquals(this.#clock.countTimers(), 0, "timers");
    this.#channel.close();
    await settled();
    for (const after of this.#afters) after.stop!();
    for (const listeners of this.#listeners) assertEquals(listeners(), 0, "listeners");
    for (const { outcomes } of this.#waits) assertEquals(outcomes.length, 1);
  }
}

Deno.test("79 to 92: random trees of contexts end as a naive model says", async () => {
  const ops = fc.array(op, { minLength: 1, maxLength: 60, size: "max" });
  await fc.assert(
    fc.asyncProperty(ops, async (ops) => {
      const clock = install({
        now: Date.UTC(2026, 0, 1),
        toFake: [
          "setTimeout",
          "clearTimeout",
          "setInterval",
          "clearInterval",
          "Date",
          "performance",
        ],
      });
      try {
        const run = new Run(clock);
        for (const op of ops) {
          if (op.op === "rest") await run.rest();
          else run.do(op);
        }
        await run.finale();
      } finally {
        clock.uninstall();
      }
    }),
    { numRuns: RUNS },
  );
});
