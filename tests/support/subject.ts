/**
 * The real queues, channels and selects, driven by the same calls as the model, with outcomes
 * written the same way. It keeps the books of where each item went.
 *
 * @module
 */
import {
  after,
  background,
  type Cancel,
  type CaseEntry,
  Channel,
  ClosedError,
  DeadlineExceededError,
  type Lease,
  LifoQueue,
  otherwise,
  prepareSelect,
  PriorityQueue,
  Queue,
  QueueEmpty,
  QueueFull,
  type Received,
  type ReceiverIterator,
  recv,
  select,
  type Selector,
  send,
  type Sink,
  sinkPort,
  type Source,
  sourcePort,
  trySelect,
  type Wait,
  whenDone,
  withCancel,
} from "../../mod.ts";
import type { CoreSource } from "../../core/ports.ts";
import type { QueueCore } from "../../core/queue_core.ts";
import {
  type BatchPlan,
  COMPARATOR,
  type Item,
  type ModelCase,
  type Shape,
  show,
  type View,
  type Waiting,
} from "./model.ts";

/** `foreign`: through a port that is not recognised, as from another copy of the module. */
export type SubjectCase = ModelCase & { readonly foreign?: boolean };

interface Line {
  readonly port: number;
  readonly side: "takers" | "putters";
}

/** An operation, and what became of it. */
export interface Call {
  readonly id: number;
  outcome: string | undefined;
  /** The lines it stands in while it waits. */
  readonly lines: readonly Line[];
  readonly batch: boolean;
}

interface Port {
  readonly shape: Shape;
  readonly of: Queue<Item> | Channel<Item>;
  readonly core: QueueCore;
  readonly dropped: Item[];
  /** How many stored items an immediate shutdown has dropped. */
  discarded: number;
  readonly iterators: readonly ReceiverIterator<Item>[];
}

interface CancelHandle {
  readonly cancel: Cancel;
  readonly end: (cause: string) => void;
}

/** The outcome of a select, loosely. */
interface Selected {
  readonly key: unknown;
  readonly ok: boolean;
  readonly value: unknown;
  readonly error?: unknown;
  readonly cause?: unknown;
}

function make(shape: Shape, dropped: Item[], react: () => void): Queue<Item> | Channel<Item> {
  const { capacity, overflow, order, weighed } = shape;
  if (shape.kind === "channel") {
    const onDrop = (item: Item): void => {
      dropped.push(item);
      react();
    };
    return new Channel<Item>({ capacity, overflow, onDrop });
  }
  const weigh = (item: Item): number => {
    react();
    return item.weight;
  };
  const options = {
    maxSize: capacity,
    ...(weighed ? { weigh } : {}),
  };
  switch (order) {
    case "fifo":
      return new Queue<Item>(options);
    case "lifo":
      return new LifoQueue<Item>(options);
    case "priority":
      return new PriorityQueue<Item>({
        ...options,
        priority(item) {
          react();
          return item.bad ? NaN : item.rank;
        },
      });
    case "compare":
      return new PriorityQueue<Item>({
        ...options,
        compare(a, b) {
          if (a.bad || b.bad) throw COMPARATOR;
          return a.rank - b.rank;
        },
      });
  }
}

/** How many attempts are left before they count as endless. */
let patience = 0;

function attempted<R>(result: R): R {
  if (--patience < 0) throw new Error("attempts without end");
  return result;
}

/** The same source without what makes it recognisable. */
function disguisedSource<T>(source: Source<T>): Source<T> {
  const port = source[sourcePort];
  return {
    [sourcePort]: {
      tryTake: () => attempted(port).tryTake(),
      park: (waiter) => port.park(waiter),
      unpark: (waiter) => port.unpark(waiter),
    },
  };
}

function disguisedSink<T>(sink: Sink<T>): Sink<T> {
  const port = sink[sinkPort];
  return {
    [sinkPort]: {
      tryOffer: (value) => attempted(port).tryOffer(value),
      park: (waiter) => port.park(waiter),
      unpark: (waiter) => port.unpark(waiter),
    },
  };
}

export class Subject {
  readonly ports: readonly Port[];
  readonly calls: Call[] = [];
  readonly cancels: CancelHandle[] = [];
  readonly #met = new Map<string, number>();
  readonly #selectors = new Map<string, Selector<unknown>>();
  readonly leases = new Map<number, Lease<Item>>();
  /** How many of each item are inside: 0 or 1, in the end. */
  readonly inside = new Map<Item, number>();
  /** How many listeners each signal has. */
  readonly listeners: (() => number)[] = [];

  readonly #react: () => void;

  /** `react` is run by callbacks. */
  constructor(shapes: readonly Shape[], react = (): void => {}) {
    this.#react = react;
    patience = 100_000;
    this.ports = shapes.map((shape) => {
      const dropped: Item[] = [];
      const of = make(shape, dropped, react);
      const { core } = of[sourcePort] as unknown as CoreSource;
      const iterators = [of[Symbol.asyncIterator](), of[Symbol.asyncIterator]()];
      return { shape, of, core, dropped, discarded: 0, iterators };
    });
  }

  get pending(): Call[] {
    return this.calls.filter((call) => call.outcome === undefined);
  }

  // ---- calls ----

  put(port: number, item: Item, waiting: Waiting): void {
    const { of } = this.ports[port]!;
    const wait = this.#wait(waiting);
    const promise = of instanceof Channel ? of.send(item, wait) : of.put(item, wait);
    this.#watch(promise, [{ port, side: "putters" }], () => {
      this.#book(item, 1);
      return "done";
    });
  }

  tryPut(port: number, item: Item, nowait: boolean): string {
    const { of } = this.ports[port]!;
    return attempt(() => {
      if (of instanceof Queue && nowait) of.putNowait(item);
      else if (!(of instanceof Channel ? of.trySend(item) : of.tryPut(item))) return "false";
      this.#book(item, 1);
      return "true";
    });
  }

  take(port: number, view: View, waiting: Waiting, iterator?: number): void {
    const at = this.ports[port]!;
    const of = at.of as Queue<Item> & Channel<Item>;
    const wait = this.#wait(waiting);
    const lines: Line[] = [{ port, side: "takers" }];
    const out = (item: Item): string => this.#out(item);
    if (iterator !== undefined) {
      this.#watch(
        at.iterators[iterator]!.next(),
        lines,
        ({ done, value }) => done ? "end" : out(value),
      );
    } else if (view === "receive") {
      this.#watch(
        of.receive(wait),
        lines,
        (received) => this.#received(received),
      );
    } else if (view === "lease") {
      const id = this.calls.length;
      this.#watch(of.lease(wait), lines, (lease) => {
        this.leases.set(id, lease);
        return out(lease.value);
      });
    } else {
      this.#watch(view === "get" ? of.get(wait) : of.take(wait), lines, out);
    }
  }

  takeBatch(port: number, { max, min, linger }: BatchPlan, waiting: Waiting): void {
    const { of } = this.ports[port]!;
    const options = this.#options({ min, linger }, waiting);
    const promise = of instanceof Channel
      ? of.receiveMany(max, options)
      : of.getBatch(max, options);
    this.#watch(promise, [{ port, side: "takers" }], (items) => {
      for (const item of items) this.#out(item);
      return show.items(items);
    }, true);
  }

  tryTake(port: number, nowait: boolean): string {
    const { of } = this.ports[port]!;
    return attempt(() => {
      if (of instanceof Channel) {
        const received = of.tryReceive();
        return received === undefined ? "nothing" : this.#received(received);
      }
      if (nowait) return this.#out(of.getNowait());
      const box = of.tryGet();
      if (box !== undefined) return this.#out(box.value);
      return of.closed && of.empty ? "end" : "nothing";
    }).replace("closed", "end");
  }

  endIterator(port: number, iterator: number): void {
    void this.ports[port]!.iterators[iterator]!.return();
  }

  join(port: number, waiting: Waiting): void {
    const { of } = this.ports[port]!;
    this.#watch((of as Queue<Item>).join(this.#wait(waiting)), [], () => "done");
  }

  select(cases: readonly SubjectCase[], waiting: Waiting, biased: boolean): void {
    const lines = cases.flatMap((of): Line[] => {
      if (of.op === "recv") return [{ port: of.port, side: "takers" }];
      return of.op === "send" ? [{ port: of.port, side: "putters" }] : [];
    });
    const prepared = this.#prepared(cases, biased);
    const promise = prepared === undefined
      ? select(this.#entries(cases), this.#options({ biased }, waiting))
      : prepared.select(this.#wait(waiting));
    this.#watch(promise, lines, (outcome) => this.#selected(outcome as Selected, cases));
  }

  /** Sets of cases that are met again are prepared, every other time: those that send nothing. */
  #prepared(cases: readonly SubjectCase[], biased: boolean): Selector<unknown> | undefined {
    if (cases.some(({ op }) => op === "send")) return undefined;
    const key = JSON.stringify([cases, biased]);
    const times = this.#met.get(key) ?? 0;
    this.#met.set(key, times + 1);
    if (times % 2 === 0) return undefined;
    let selector = this.#selectors.get(key);
    if (selector === undefined) {
      selector = prepareSelect(this.#entries(cases), { biased });
      this.#selectors.set(key, selector);
    }
    return selector;
  }

  trySelect(cases: readonly SubjectCase[], biased: boolean): string {
    return attempt(() => {
      const outcome = this.#prepared(cases, biased)?.trySelect() ??
        trySelect(this.#entries(cases), { biased });
      return outcome === undefined ? "nothing" : this.#selected(outcome as Selected, cases);
    });
  }

  // ---- what is no call ----

  addCancel(context: boolean): void {
    const controller = new AbortController();
    const { signal } = controller;
    this.listeners.push(countListeners(signal));
    const ctx = context ? withCancel(background()) : undefined;
    const listened = ctx?.signal ?? signal;
    Reflect.apply(EventTarget.prototype.addEventListener, listened, ["abort", this.#react]);
    this.cancels.push({
      cancel: ctx ?? signal,
      end: (cause) => ctx === undefined ? controller.abort(cause) : ctx.cancel(cause),
    });
  }

  cancel(number: number, cause: string): void {
    this.cancels[number]!.end(cause);
  }

  close(port: number, error: string | undefined, immediate: boolean): void {
    const at = this.ports[port]!;
    const { of } = at;
    if (immediate && !at.core.dropped) at.discarded += at.core.storage.length;
    if (of instanceof Queue) of.shutdown({ immediate });
    else if (of.closed) of[Symbol.dispose]();
    else of.close(error);
  }

  taskDone(port: number, count: number): string {
    return attempt(() => {
      (this.ports[port]!.of as Queue<Item>).taskDone(count);
      return "done";
    });
  }

  endLease(call: number): void {
    this.leases.get(call)!.done();
  }

  requeue(call: number): string {
    const lease = this.leases.get(call)!;
    return attempt(() => {
      const back = lease.requeue();
      if (back) this.#book(lease.value, 1);
      return String(back);
    });
  }

  // ---- outcomes ----

  #watch<R>(
    promise: Promise<R>,
    lines: readonly Line[],
    write: (result: R) => string,
    batch = false,
  ): void {
    const call: Call = { id: this.calls.length, outcome: undefined, lines, batch };
    this.calls.push(call);
    const settle = (outcome: string): void => {
      if (call.outcome !== undefined) throw new Error(`call ${call.id} was settled twice`);
      call.outcome = outcome;
    };
    promise.then((result) => settle(write(result)), (error) => settle(written(error)));
  }

  #received(received: Received<Item>): string {
    return received.ok ? this.#out(received.value) : show.end(received.error);
  }

  #selected({ key, ok, value, error, cause }: Selected, cases: readonly SubjectCase[]): string {
    const of = cases[key as number]!;
    if (of.op === "recv") return `${key}: ${ok ? this.#out(value as Item) : show.end(error)}`;
    if (of.op === "done") return `${key}: ${cause}`;
    if (of.op === "send") this.#book(of.item, 1);
    return `${key}: done`;
  }

  #out(item: Item): string {
    this.#book(item, -1);
    return show.item(item);
  }

  #book(item: Item, change: 1 | -1): void {
    this.inside.set(item, (this.inside.get(item) ?? 0) + change);
  }

  // ---- arguments ----

  #entries(cases: readonly SubjectCase[]): CaseEntry[] {
    return cases.map((of, index) => [index, this.#case(of)]);
  }

  #case(of: SubjectCase): CaseEntry[1] {
    switch (of.op) {
      case "recv": {
        const source: Source<Item> = this.ports[of.port]!.of;
        return recv(of.foreign ? disguisedSource(source) : source);
      }
      case "send": {
        const sink: Sink<Item> = this.ports[of.port]!.of;
        return send(of.foreign ? disguisedSink(sink) : sink, of.item);
      }
      case "done":
        return whenDone(this.cancels[of.cancel]!.cancel);
      case "after":
        return after(of.ms);
      case "default":
        return otherwise;
    }
  }

  /** The bare context or signal, where that is all. */
  #wait(waiting: Waiting): Wait | undefined {
    const { cancels, timeout } = waiting;
    if (cancels.length === 0 && timeout === undefined) return undefined;
    if (cancels.length === 1 && timeout === undefined) return this.cancels[cancels[0]!]!.cancel;
    return this.#options({}, waiting);
  }

  #options<O extends object>(own: O, { cancels, timeout }: Waiting): O & Wait {
    const options = { ...own } as Record<string, unknown>;
    if (timeout !== undefined) options.timeout = timeout;
    for (const number of cancels) {
      const { cancel } = this.cancels[number]!;
      options[cancel instanceof AbortSignal ? "signal" : "ctx"] = cancel;
    }
    return options as O & Wait;
  }
}

/** Counts what is added and not removed. */
export function countListeners(signal: AbortSignal): () => number {
  const listeners = new Set<unknown>();
  signal.addEventListener = (...args: unknown[]) => {
    listeners.add(args[1]);
    Reflect.apply(EventTarget.prototype.addEventListener, signal, args);
  };
  signal.removeEventListener = (...args: unknown[]) => {
    listeners.delete(args[1]);
    Reflect.apply(EventTarget.prototype.removeEventListener, signal, args);
  };
  return () => listeners.size;
}

function attempt(fn: () => string): string {
  try {
    return fn();
  } catch (error) {
    return written(error);
  }
}

function written(error: unknown): string {
  if (typeof error === "string") return error;
  if (error instanceof DeadlineExceededError) return "timeout";
  if (error instanceof QueueFull) return "false";
  if (error instanceof QueueEmpty) return "nothing";
  if (error instanceof RangeError) return "RangeError";
  if (error instanceof ClosedError) {
    return "value" in error ? show.refused(error.value as Item, error.cause) : "closed";
  }
  throw error;
}
