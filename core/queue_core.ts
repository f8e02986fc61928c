/**
 * The queue core: the one mechanism under queues and channels.
 *
 * Invariants, between any two calls:
 * - A plain call waits in `takers` only while nothing is stored and nobody waits in `putters`.
 * - A plain call waits in `putters` only while it does not fit, or stands behind one that does not.
 * - Whoever finds a partner completes it in the same step (direct hand-off), so that nobody who
 *   comes later can be faster.
 *
 * Order: items are accepted in the order of their putters, and takers are served in the order in
 * which they came. Cancellation: who leaves takes nothing, adds nothing, and holds up nobody.
 *
 * This file has the usual ways. What needs more (a batch that fills, a foreign waiter, a select in
 * the middle of an attempt, weights) goes through `Matcher`.
 *
 * The core knows nothing of the types of items; queues and channels, its faces, do.
 *
 * @module
 */
import type { Wait } from "./contract.ts";
import type { CoreList, CoreNode } from "./decider.ts";
import { ClosedError, QueueShutDown } from "./errors.ts";
import type { Ledger } from "./ledger.ts";
import { Matcher } from "./matcher.ts";
import { NOTHING } from "./nothing.ts";
import { CoreSink, CoreSource } from "./ports.ts";
import type { Entry, Storage } from "./storage.ts";
import type { Taking } from "./taking.ts";
import { done, ready, refused } from "./turn.ts";
import { enter, hang } from "./wait.ts";
import { type Owner, WaitList, WaitNode } from "./wait_list.ts";

/** What a full core does with an item that does not fit. */
export type Overflow = "block" | "dropNewest" | "dropOldest";

/** How a core differs from the plainest one. */
export interface CoreOptions {
  readonly kind: "channel" | "queue";
  readonly capacity: number;
  readonly storage: Storage<unknown>;
  readonly name?: string | undefined;
  /** Makes what is stored of an item; may throw. Left out: the item itself is stored. */
  readonly entry?: ((value: unknown) => Entry) | undefined;
  /** Entries have weights of their own. */
  readonly weighed?: boolean;
  readonly ledger?: Ledger;
  readonly overflow?: Overflow | undefined;
  readonly onDrop?: ((value: unknown) => void) | undefined;
}

export class QueueCore implements Owner {
  readonly takers: CoreList = new WaitList(this);
  readonly putters: CoreList = new WaitList(this);
  readonly storage: Storage<unknown>;
  readonly capacity: number;
  readonly name: string | undefined;
  readonly ledger: Ledger | null;
  closed = false;
  /** It was closed at once, and what it held was dropped. */
  dropped = false;
  /** What it was closed with; undefined: plainly. */
  error: unknown = undefined;
  /** Runs once, after it was closed. */
  onClose: (() => void) | null = null;
  readonly #kind: "channel" | "queue";
  readonly #entry: ((value: unknown) => Entry) | undefined;
  readonly weighed: boolean;
  readonly #overflow: Overflow;
  readonly #onDrop: ((value: unknown) => void) | undefined;
  #weight = 0;
  #matcher: Matcher | null = null;
  #source: CoreSource | null = null;
  #sink: CoreSink | null = null;

  constructor(options: CoreOptions) {
    this.storage = options.storage;
    this.capacity = options.capacity;
    this.name = options.name;
    this.ledger = options.ledger ?? null;
    this.#kind = options.kind;
    this.#entry = options.entry;
    this.weighed = options.weighed ?? false;
    this.#overflow = options.overflow ?? "block";
    this.#onDrop = options.onDrop;
  }

  get source(): CoreSource {
    return this.#source ??= new CoreSource(this);
  }

  get sink(): CoreSink {
    return this.#sink ??= new CoreSink(this);
  }

  /** What the stored items weigh together. */
  get weight(): number {
    return this.weighed ? this.#weight : this.storage.length;
  }

  get full(): boolean {
    return this.weight >= this.capacity;
  }

  /** Closed, and nothing is left to take. */
  get drained(): boolean {
    return this.closed && this.storage.length === 0;
  }

  /** A foreign waiter is being woken, and makes its attempt. */
  get attempted(): boolean {
    return this.#matcher !== null && this.#matcher.waking > 0;
  }

  /** Weights or ranks are read from its items, by functions of the user's. */
  get reads(): boolean {
    return this.#entry !== undefined;
  }

  /** The user's value of what is stored. */
  value(item: unknown): unknown {
    return this.#entry === undefined ? item : (item as Entry).value;
  }

  // ---- putting ----

  put(value: unknown, wait?: Wait): Promise<void> {
    let item: unknown;
    try {
      if (wait !== undefined) enter(wait);
      item = this.admit(value);
      if (this.#putNow(item) || (this.#overflow !== "block" && this.#putOrDrop(item))) {
        return done();
      }
    } catch (error) {
      return refused(error);
    }
    return this.#wait(this.putters, new WaitNode(item), wait);
  }

  /** Without waiting. false: it would have to. Throws when closed. */
  offer(value: unknown): boolean {
    return this.offerItem(this.admit(value));
  }

  /** As `offer`, of an item that `admit` has made. */
  offerItem(item: unknown): boolean {
    if (this.attempted) return this.matcher.offer(item);
    return this.#putNow(item) ||
      (this.#overflow === "block" ? this.#tryPut(item) : this.#putOrDrop(item));
  }

  /** What to store of a value. Throws when closed, and when its weight or rank is none. */
  admit(value: unknown): unknown {
    if (this.closed) throw this.refusal(value);
    if (this.#entry === undefined) return value;
    const entry = this.#entry(value);
    // Weighing and ranking run code of the user's, which may have closed it.
    if (this.closed) throw this.refusal(value);
    return entry;
  }

  /** Puts an item back in, without waiting for room; it is accepted already. */
  restore(item: unknown): void {
    this.store(item);
    if (this.takers.head !== null) this.matcher.settle();
  }

  #putNow(item: unknown): boolean {
    if (this.putters.head !== null) return false;
    const taker = this.takers.head;
    if (taker === null) {
      if (!this.fits(item)) return false;
      this.store(item);
      this.ledger?.accept();
      return true;
    }
    if (this.storage.length > 0 || !taker.claim()) return false;
    this.ledger?.accept();
    this.give(taker, item);
    return true;
  }

  /** The long way, for those who do not wait: stands in line for the moment. */
  #tryPut(item: unknown): boolean {
    const { head } = this.putters;
    if (this.takers.head === null && (head === null || head.decider === null)) return false;
    return this.matcher.tryPut(item);
  }

  get matcher(): Matcher {
    return this.#matcher ??= new Matcher(this);
  }

  /** Somebody left without having been served: those behind may be next. */
  left(list: CoreList): void {
    const blocked = list === this.takers
      ? this.storage.length > 0 || this.putters.head !== null
      : this.putters.head !== null || this.takers.head !== null;
    if (blocked) this.matcher.settle();
  }

  #putOrDrop(item: unknown): true {
    if (this.#tryPut(item)) return true;
    let dropped = item;
    if (this.#overflow === "dropOldest" && this.storage.length > 0) {
      dropped = this.storage.shift();
      this.storage.push(item);
    }
    this.#tellDropped(this.value(dropped));
    return true;
  }

  #tellDropped(value: unknown): void {
    try {
      this.#onDrop?.(value);
    } catch (error) {
      reportError(error);
    }
  }

  fits(item: unknown): boolean {
    return this.weighed
      ? this.#weight + (item as Entry).weight <= this.capacity
      : this.storage.length < this.capacity;
  }

  /** Adds to the stored items. Throws what a comparator throws; then nothing has changed. */
  store(item: unknown): void {
    this.storage.push(item);
    if (this.weighed) this.#weight += (item as Entry).weight;
  }

  // ---- taking ----

  take<R>(taking: Taking<R>, wait?: Wait): Promise<R> {
    if (wait !== undefined) {
      try {
        enter(wait);
      } catch (error) {
        return refused(error);
      }
    }
    return this.takeReady(taking) ?? this.parkTaker(new WaitNode(taking), wait);
  }

  /** What there is now, or the end; undefined: it would have to wait. */
  takeReady<R>(taking: Taking<R>): Promise<R> | undefined {
    try {
      const item = this.#takeNow();
      if (item !== NOTHING) return ready(taking.wrap(this, item));
      return this.drained ? ready(taking.finish(this)) : undefined;
    } catch (error) {
      return refused(error);
    }
  }

  /** Without waiting: the value, or NOTHING. */
  poll(): unknown {
    if (this.attempted) {
      const item = this.matcher.takeNext();
      return item === NOTHING ? NOTHING : this.value(item);
    }
    const item = this.#takeNow();
    if (item !== NOTHING) return this.value(item);
    const { head } = this.takers;
    if (head === null ? this.putters.head === null : head.decider === null) return NOTHING;
    return this.matcher.tryTake();
  }

  /** Parks a taker, unless it can be served at once. */
  parkTaker<R>(node: CoreNode, wait: Wait | undefined): Promise<R> {
    return this.#wait(this.takers, node, wait);
  }

  #wait<R>(list: CoreList, node: CoreNode, wait: Wait | undefined): Promise<R> {
    const promise = node.promise<R>();
    this.park(list, node);
    if (wait !== undefined && node.list !== null) hang(node, wait);
    return promise;
  }

  /** Puts a node at the end of a list; if others are about, sees what can be matched. */
  park(list: CoreList, node: CoreNode): void {
    list.push(node);
    const other = list === this.takers ? this.putters : this.takers;
    if (list.head !== node || other.head !== null || this.storage.length > 0) {
      this.matcher.settle();
    }
  }

  #takeNow(): unknown {
    if (this.takers.head !== null) return NOTHING;
    if (this.storage.length > 0) return this.unstore();
    const putter = this.putters.head;
    if (putter === null || this.capacity > 0 || this.closed || !putter.claim()) return NOTHING;
    return this.accept(putter);
  }

  /** Takes the next stored item out, and lets those in who wait for its place. */
  unstore(): unknown {
    const item = this.storage.shift();
    if (this.weighed) {
      // Sums of fractions drift; an empty queue weighs nothing.
      this.#weight = this.storage.length === 0 ? 0 : this.#weight - (item as Entry).weight;
    }
    if (this.putters.head !== null) this.matcher.admit();
    return item;
  }

  /** The item of a claimed putter, which is told so. */
  accept(putter: CoreNode): unknown {
    this.ledger?.accept();
    const { item, decider } = putter;
    if (decider === null) putter.settle(undefined);
    else decider.sent(putter);
    return item;
  }

  /** Hands an item to a claimed taker. */
  give(taker: CoreNode, item: unknown): void {
    const { decider } = taker;
    if (decider === null) taker.settle((taker.item as Taking<unknown>).wrap(this, item));
    else decider.received(taker, this.value(item));
  }

  // ---- ending ----

  /** Refuses further items. Those that are stored can still be taken, unless they are dropped. */
  close(error?: unknown, immediate = false): void {
    if (this.storage.comparing) {
      throw new TypeError("compare must not shut down the queue whose items it compares");
    }
    const first = !this.closed;
    this.closed = true;
    if (first) this.error = error;
    if (immediate) this.#drop();
    if (this.putters.head !== null) this.matcher.refusePutters();
    if (this.takers.head !== null) {
      if (this.storage.length > 0) this.matcher.settle();
      if (this.storage.length === 0) this.matcher.finishTakers();
    }
    if (first) this.onClose?.();
  }

  #drop(): void {
    const { length } = this.storage;
    this.dropped = true;
    this.storage.clear();
    this.#weight = 0;
    this.ledger?.drop(length);
  }

  /** Ends a plain taker: nothing will ever come. */
  finish(taker: CoreNode): void {
    try {
      taker.settle((taker.item as Taking<unknown>).finish(this));
    } catch (error) {
      taker.fail(error);
    }
  }

  /** The error of an item that comes too late. */
  refusal(value: unknown): ClosedError {
    const message = this.#kind === "channel"
      ? "is closed: nothing more can be sent, and the value is on this error"
      : "is shut down: nothing more can be put, and the item is on this error";
    return this.#closedError(message, { value });
  }

  /** The error of a take for which nothing is left. */
  exhaustion(): ClosedError {
    const message = this.#kind === "channel"
      ? "is closed and drained: receive and for await tell so without an error"
      : "is shut down and drained: for await ends there without an error";
    return this.#closedError(message, {});
  }

  #closedError(message: string, options: { value?: unknown }): ClosedError {
    const type = this.#kind === "channel" ? ClosedError : QueueShutDown;
    const cause = this.error === undefined ? {} : { cause: this.error };
    return new type(`${this.label} ${message}`, { ...options, ...cause });
  }

  /** What error messages call it. */
  get label(): string {
    return this.name === undefined ? `the ${this.#kind}` : `the ${this.#kind} "${this.name}"`;
  }
}
