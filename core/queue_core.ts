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
import type { ClosedError } from "./errors.ts";
import type { Ledger } from "./ledger.ts";
import { Matcher } from "./matcher.ts";
import { NOTHING } from "./nothing.ts";
import { CoreSink, CoreSource } from "./ports.ts";
import type { Entry, Storage } from "./storage.ts";
import type { Taking } from "./taking.ts";
import { exhaustion, labelOf, refusal, type Traits } from "./traits.ts";
import { countCall, done, ready, refused } from "./turn.ts";
import { enter, hang } from "./wait.ts";
import { type Owner, WaitList, WaitNode } from "./wait_list.ts";

/** It would have to wait. */
export const NOT_READY = 0;
/** It would succeed now, or fail for good. */
export const READY = 1;
/** Only trying it tells. */
export const UNKNOWN = 2;

/** Whether something would succeed now. */
export type Readiness = typeof NOT_READY | typeof READY | typeof UNKNOWN;

/** What an idle core does without: it is made when it is needed first. */
class Rest {
  matcher: Matcher | null = null;
  source: CoreSource | null = null;
  sink: CoreSink | null = null;
  onClose: (() => void) | null = null;
  onPark: (() => void) | null = null;
  watchers: Set<(taken: boolean) => void> | null = null;
  /** Others enter, for an item that has left or after a resize: watchers are told when they have. */
  refilling = false;
  /** It was closed at once, and what it held was dropped. */
  dropped = false;
  /** What it was closed with; undefined: plainly. */
  error: unknown = undefined;
}

export class QueueCore implements Owner {
  readonly storage: Storage<unknown>;
  capacity: number;
  readonly ledger: Ledger | null;
  closed = false;
  readonly #traits: Traits;
  /** The lists are made when somebody waits: an idle core takes 112 bytes less. */
  #takers: CoreList | null = null;
  #putters: CoreList | null = null;
  #rest: Rest | null = null;
  #weight = 0;

  constructor(
    traits: Traits,
    capacity: number,
    storage: Storage<unknown>,
    ledger: Ledger | null = null,
  ) {
    this.storage = storage;
    this.capacity = capacity;
    this.ledger = ledger;
    this.#traits = traits;
  }

  get takers(): CoreList {
    return this.#takers ??= new WaitList(this);
  }

  get putters(): CoreList {
    return this.#putters ??= new WaitList(this);
  }

  private get firstTaker(): CoreNode | null {
    return this.#takers === null ? null : this.#takers.head;
  }

  private get firstPutter(): CoreNode | null {
    return this.#putters === null ? null : this.#putters.head;
  }

  private get others(): Rest {
    return this.#rest ??= new Rest();
  }

  get name(): string | undefined {
    return this.#traits.name;
  }

  get weighed(): boolean {
    return this.#traits.weighed === true;
  }

  /** It was closed at once, and what it held was dropped. */
  get dropped(): boolean {
    return this.#rest !== null && this.#rest.dropped;
  }

  /** What it was closed with; undefined: plainly. */
  get error(): unknown {
    return this.#rest?.error;
  }

  /** Runs once, after it was closed. */
  set onClose(fn: () => void) {
    this.others.onClose = fn;
  }

  /** Runs whenever somebody has begun to wait for an item; he may have been served by then. */
  set onPark(fn: () => void) {
    this.others.onPark = fn;
  }

  /**
   * Has `fn` run whenever something was stored or taken out, the capacity has changed, or it was closed,
   * until the result is called. An item that leaves, and those that enter for it, are one step, and so are
   * a resize and those that enter by it; `taken` says that one was taken. It runs in the middle of operations, so it must not use the core, but for
   * its figures.
   */
  observe(fn: (taken: boolean) => void): () => void {
    const watchers = this.others.watchers ??= new Set();
    watchers.add(fn);
    return () => void watchers.delete(fn);
  }

  private changed(taken: boolean): void {
    const watchers = this.#rest === null ? null : this.#rest.watchers;
    if (watchers !== null) this.tell(watchers, taken);
  }

  private tell(watchers: Set<(taken: boolean) => void>, taken: boolean): void {
    if (this.others.refilling && !taken) return;
    for (const fn of watchers) fn(taken);
  }

  /** Lets those in who wait for the place of an item that has left. */
  private refill(): void {
    const { others } = this;
    const outer = others.refilling;
    others.refilling = true;
    this.matcher.admit();
    others.refilling = outer;
  }

  get source(): CoreSource {
    return this.others.source ??= new CoreSource(this);
  }

  get sink(): CoreSink {
    return this.others.sink ??= new CoreSink(this);
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
    const matcher = this.#rest === null ? null : this.#rest.matcher;
    return matcher !== null && matcher.waking > 0;
  }

  /** Somebody is on the way through a list of those who wait, and remembers whom he has met. */
  get walked(): boolean {
    const matcher = this.#rest === null ? null : this.#rest.matcher;
    return matcher !== null && matcher.walks > 0;
  }

  /** Weights or ranks are read from its items, by functions of the user's. */
  get reads(): boolean {
    return this.#traits.entry !== undefined;
  }

  /** The user's value of what is stored. */
  value(item: unknown): unknown {
    return this.#traits.entry === undefined ? item : (item as Entry).value;
  }

  // ---- putting ----

  put(value: unknown, wait?: Wait): Promise<void> {
    countCall();
    const { entry, overflow } = this.#traits;
    if (wait !== undefined || entry !== undefined || overflow !== undefined || this.closed) {
      return this.putCarefully(value, wait);
    }
    // Most puts: there is nothing to read, and nothing that throws. Saves 5 % of W1, W3 and W4.
    if (this.putNow(value)) return done();
    return this.wait(this.putters, new WaitNode(value), undefined);
  }

  private putCarefully(value: unknown, wait: Wait | undefined): Promise<void> {
    let item: unknown;
    try {
      if (wait !== undefined) enter(wait);
      item = this.admit(value);
      if (this.putNow(item) || (this.drops && this.putOrDrop(item))) return done();
    } catch (error) {
      return refused(error);
    }
    return this.wait(this.putters, new WaitNode(item), wait);
  }

  /** Without waiting. false: it would have to. Throws when closed. */
  offer(value: unknown): boolean {
    return this.offerItem(this.admit(value));
  }

  /** As `offer`, of an item that `admit` has made. */
  offerItem(item: unknown): boolean {
    if (this.attempted) return this.matcher.offer(item);
    return this.putNow(item) ||
      (this.drops ? this.putOrDrop(item) : this.tryPut(item));
  }

  /** What to store of a value. Throws when closed, and when its weight or rank is none. */
  admit(value: unknown): unknown {
    if (this.closed) throw this.refusal(value);
    return this.#traits.entry === undefined ? value : this.read(value, this.#traits.entry);
  }

  private read(value: unknown, entryOf: (value: unknown) => Entry): Entry {
    const entry = entryOf(value);
    // Weighing and ranking run code of the user's, which may have closed it.
    if (this.closed) throw this.refusal(value);
    if (this.weighed && entry.weight > this.capacity) {
      throw new RangeError(
        `an item must not be heavier than maxSize, ${this.capacity}: ${entry.weight}`,
      );
    }
    return entry;
  }

  /** Puts an item back in, without waiting for room; it is accepted already. */
  restore(item: unknown): void {
    this.store(item);
    if (this.firstTaker !== null) this.matcher.settle();
  }

  private putNow(item: unknown): boolean {
    if (this.firstPutter !== null) return false;
    const taker = this.firstTaker;
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
  private tryPut(item: unknown): boolean {
    const head = this.firstPutter;
    if (this.firstTaker === null && (head === null || head.decider === null)) return false;
    return this.matcher.tryPut(item);
  }

  get matcher(): Matcher {
    return this.others.matcher ??= new Matcher(this);
  }

  /** Somebody left without having been served: those behind may be next. */
  left(list: CoreList): void {
    const blocked = list === this.#takers
      ? this.storage.length > 0 || this.firstPutter !== null
      : this.firstPutter !== null || this.firstTaker !== null;
    if (blocked) this.matcher.settle();
  }

  private get drops(): boolean {
    const { overflow } = this.#traits;
    return overflow !== undefined && overflow !== "block";
  }

  private putOrDrop(item: unknown): true {
    if (this.tryPut(item)) return true;
    let dropped = item;
    if (this.#traits.overflow === "dropOldest" && this.storage.length > 0) {
      dropped = this.storage.shift();
      this.storage.push(item);
    }
    this.tellDropped(this.value(dropped));
    return true;
  }

  private tellDropped(value: unknown): void {
    try {
      this.#traits.onDrop?.(value);
    } catch (error) {
      reportError(error);
    }
  }

  /** Throws if it is a comparator of the user's that does this. */
  refuseWhileComparing(act: string): void {
    if (!this.storage.comparing) return;
    throw new TypeError(`compare must not ${act} the queue whose items it compares`);
  }

  /** Changes how much fits; more than 0 before and after. What is stored stays. Not while comparing. */
  resize(capacity: number): void {
    this.capacity = capacity;
    if (this.firstPutter !== null || this.firstTaker !== null) {
      const { others } = this;
      const outer = others.refilling;
      others.refilling = true;
      this.matcher.settle();
      others.refilling = outer;
    }
    this.changed(false);
  }

  fits(item: unknown): boolean {
    if (!this.weighed) return this.storage.length < this.capacity;
    const weight = this.#weight + (item as Entry).weight;
    // What became too heavy while it waited, since the bound was lowered, goes in alone.
    return weight <= this.capacity || (this.storage.length === 0 && this.capacity > 0);
  }

  /** Adds to the stored items. Throws what a comparator throws; then nothing has changed. */
  store(item: unknown): void {
    this.storage.push(item);
    if (this.weighed) this.#weight += (item as Entry).weight;
    this.changed(false);
  }

  // ---- taking ----

  take<R>(taking: Taking<R>, wait?: Wait): Promise<R> {
    countCall();
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
      const item = this.takeNow();
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
    const item = this.takeNow();
    if (item !== NOTHING) return this.value(item);
    const head = this.firstTaker;
    if (head === null ? this.firstPutter === null : head.decider === null) return NOTHING;
    return this.matcher.tryTake();
  }

  /** Parks a taker, unless it can be served at once. */
  parkTaker<R>(node: CoreNode, wait: Wait | undefined): Promise<R> {
    return this.wait(this.takers, node, wait);
  }

  private wait<R>(list: CoreList, node: CoreNode, wait: Wait | undefined): Promise<R> {
    const promise = node.promise<R>(wait !== undefined);
    this.park(list, node);
    if (wait !== undefined && node.list !== null) hang(node, wait);
    return promise;
  }

  /** Puts a node at the end of a list; if others are about, sees what can be matched. */
  park(list: CoreList, node: CoreNode): void {
    list.push(node);
    const other = list === this.#takers ? this.firstPutter : this.firstTaker;
    if (list.head !== node || other !== null || this.storage.length > 0) {
      this.matcher.settle();
    }
    this.parked(list);
  }

  /** Somebody stands at the end of a list, and stays. */
  parked(list: CoreList): void {
    if (this.#rest !== null && list === this.#takers) this.#rest.onPark?.();
  }

  private takeNow(): unknown {
    if (this.firstTaker !== null) return NOTHING;
    if (this.storage.length > 0) return this.unstore();
    const putter = this.firstPutter;
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
    if (this.firstPutter !== null) this.refill();
    this.changed(true);
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

  // ---- what a select asks before it decides ----

  /** Whether a take would get something now, or the end. */
  get takeable(): Readiness {
    const taker = this.firstTaker;
    if (taker !== null) {
      return taker.decider === null && !this.attempted ? NOT_READY : UNKNOWN;
    }
    if (this.storage.length > 0) return this.attempted ? UNKNOWN : READY;
    const putter = this.firstPutter;
    if (putter === null) return this.closed ? READY : NOT_READY;
    const plain = putter.decider === null && this.capacity === 0 && !this.closed;
    return plain && !this.attempted ? READY : UNKNOWN;
  }

  /** Whether a put would be accepted now, or refused. */
  get puttable(): Readiness {
    if (this.closed) return READY;
    if (this.reads || this.attempted) return UNKNOWN;
    const putter = this.firstPutter;
    const taker = this.firstTaker;
    if (putter !== null) {
      return putter.decider === null && taker === null && !this.drops ? NOT_READY : UNKNOWN;
    }
    if (taker !== null) {
      return taker.decider === null && this.storage.length === 0 ? READY : UNKNOWN;
    }
    return this.storage.length < this.capacity || this.drops ? READY : NOT_READY;
  }

  // ---- ending ----

  /** Refuses further items. Those that are stored can still be taken, unless they are dropped. */
  close(error?: unknown, immediate = false): void {
    this.refuseWhileComparing("shut down");
    const first = !this.closed;
    this.closed = true;
    if (first && error !== undefined) this.others.error = error;
    if (immediate) this.drop();
    if (this.firstPutter !== null) this.matcher.refusePutters();
    if (this.firstTaker !== null) {
      if (this.storage.length > 0) this.matcher.settle();
      if (this.storage.length === 0) this.matcher.finishTakers();
    }
    if (first) {
      this.changed(false);
      this.#rest?.onClose?.();
    }
  }

  private drop(): void {
    const { length } = this.storage;
    this.others.dropped = true;
    this.storage.clear();
    this.#weight = 0;
    this.ledger?.drop(length);
    this.changed(false);
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
    return refusal(this.#traits, this.error, value);
  }

  /** The error of a take for which nothing is left. */
  exhaustion(): ClosedError {
    return exhaustion(this.#traits, this.error);
  }

  /** What error messages call it. */
  get label(): string {
    return labelOf(this.#traits);
  }
}
