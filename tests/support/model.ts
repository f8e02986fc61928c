/**
 * What queues, channels and selects are to do, in plain arrays, one call after another.
 *
 * A call stands in line; then whatever can move is moved: putters are let in while they fit, oldest
 * first, and takers are served, oldest first. Who is not settled by then waits. There is no shortcut
 * here, so that those of the core have something to be compared with.
 *
 * Outcomes are strings, which a difference can be read from.
 *
 * @module
 */

/** What is put in. Its `id` is all that an outcome shows. */
export interface Item {
  readonly id: number;
  readonly weight: number;
  readonly rank: number;
  /** `priority` gives NaN for it, `compare` throws. */
  readonly bad: boolean;
}

/** Which queue or channel. */
export interface Shape {
  readonly kind: "queue" | "channel";
  readonly order: "fifo" | "lifo" | "priority" | "compare";
  readonly capacity: number;
  readonly weighed: boolean;
  readonly overflow: "block" | "dropNewest" | "dropOldest";
}

/** What may end a call; `cancels` are numbers of a model's cancels, in the order of `ctx, signal`. */
export interface Waiting {
  readonly cancels: readonly number[];
  readonly timeout?: number | undefined;
}

/** How a taker sees what it takes. */
export type View = "get" | "lease" | "receive" | "take" | "next" | "batch" | "many";

export type ModelCase =
  | { readonly op: "recv"; readonly port: number }
  | { readonly op: "send"; readonly port: number; readonly item: Item }
  | { readonly op: "done"; readonly cancel: number }
  | { readonly op: "after"; readonly ms: number }
  | { readonly op: "default" };

export interface BatchPlan {
  readonly max: number;
  readonly min?: number | undefined;
  readonly linger?: number | undefined;
}

/** How outcomes are written. */
export const show = {
  item: (item: Item): string => `#${item.id}`,
  items: (items: readonly Item[]): string => `[${items.map(show.item).join()}]`,
  end: (error: unknown): string => error === undefined ? "end" : `end (${error})`,
  refused: (item: Item, error: unknown): string =>
    error === undefined ? `refused #${item.id}` : `refused #${item.id} (${error})`,
  shape: ({ kind, order, capacity, weighed, overflow }: Shape): string =>
    [kind, order, capacity, weighed ? "weighed" : "", overflow].join(" "),
};

interface Timer {
  readonly at: number;
  readonly fire: () => void;
}

/** One operation, settled once it has an outcome. */
class Call {
  outcome: string | undefined;
  readonly nodes: Node[] = [];
  readonly timers: Timer[] = [];
  constructor(readonly id: number) {}
}

/** A call in one line: selects stand in several. */
interface Node {
  readonly call: Call;
  readonly port: Port;
  readonly side: "putters" | "takers";
  readonly item?: Item;
  readonly view?: View;
  readonly iterator?: Iterator;
  readonly filling?: Filling;
  readonly index?: number;
}

interface Iterator {
  over: boolean;
}

interface Filling {
  readonly max: number;
  readonly aim: number;
  readonly linger: number;
  timer: Timer | undefined;
  late: boolean;
}

interface Cancel {
  cause: string | undefined;
  /** Calls that it ends, and how they end. */
  readonly hung: { readonly call: Call; readonly outcome: (cause: string) => string }[];
}

interface Lease {
  readonly port: Port;
  readonly item: Item;
  readonly counted: boolean;
  open: boolean;
}

class Port {
  /** The next to leave stands first. */
  items: Item[] = [];
  readonly putters: Node[] = [];
  readonly takers: Node[] = [];
  readonly dropped: Item[] = [];
  readonly iterators: Iterator[] = [{ over: false }, { over: false }];
  joiners: Call[] = [];
  closed = false;
  immediate = false;
  error: string | undefined;
  unfinished = 0;
  leased = 0;
  settling = false;
  again = false;
  constructor(readonly shape: Shape) {}

  get weight(): number {
    return this.items.reduce((sum, item) => sum + this.weigh(item), 0);
  }

  weigh(item: Item): number {
    return this.shape.weighed ? item.weight : 1;
  }

  fits(item: Item): boolean {
    return this.weight + this.weigh(item) <= this.shape.capacity;
  }

  get drained(): boolean {
    return this.closed && this.items.length === 0;
  }

  /** Why an item is none for this port at all. */
  misfit(item: Item): string | undefined {
    if (this.closed) return show.refused(item, this.error);
    const { order, weighed, capacity } = this.shape;
    if (weighed && item.weight > capacity) return "RangeError";
    return order === "priority" && item.bad ? "RangeError" : undefined;
  }

  /** False: the comparator threw. */
  store(item: Item): boolean {
    const { order } = this.shape;
    if (order === "fifo") this.items.push(item);
    else if (order === "lifo") this.items.unshift(item);
    else {
      if (order === "compare" && this.items[0] && (item.bad || this.items[0].bad)) return false;
      const behind = this.items.findIndex((other) => other.rank > item.rank);
      this.items.splice(behind < 0 ? this.items.length : behind, 0, item);
    }
    return true;
  }

  /** How many items a batch could take. */
  get present(): number {
    if (this.shape.capacity > 0) return this.items.length;
    return new Set(this.putters.map((node) => node.call)).size;
  }
}

/** What a comparator of the tests throws. */
export const COMPARATOR = "the comparator";

export class Model {
  now = 0;
  readonly ports: readonly Port[];
  /** In the order in which they were begun. */
  readonly calls: Call[] = [];
  readonly cancels: Cancel[] = [];
  readonly #leases = new Map<number, Lease>();
  /**
   * When a select leaves several ports, either may move first, and another select that waits in both
   * commits in the one or the other: each choice is right. `false` where there are none given.
   */
  readonly choices: boolean[];
  #chosen = 0;
  /** How many ports are settling, and those that are to settle after them. */
  #depth = 0;
  #later: Port[] = [];
  #timers: Timer[] = [];

  constructor(shapes: readonly Shape[], choices: readonly boolean[] = []) {
    this.ports = shapes.map((shape) => new Port(shape));
    this.choices = [...choices];
  }

  // ---- calls: each gives its number, and is settled when it has an outcome ----

  put(port: number, item: Item, waiting: Waiting): void {
    const call = this.#begin(waiting);
    const at = this.ports[port]!;
    call.outcome ??= at.misfit(item);
    if (call.outcome !== undefined) return;
    this.#park({ call, port: at, side: "putters", item });
    if (call.outcome === undefined) this.#drop(call, at, item);
    this.#hang(call, waiting);
  }

  tryPut(port: number, item: Item): string {
    const at = this.ports[port]!;
    const misfit = at.misfit(item);
    if (misfit !== undefined) return misfit;
    const call = new Call(-1);
    this.#park({ call, port: at, side: "putters", item });
    if (call.outcome === undefined) this.#drop(call, at, item);
    if (call.outcome === undefined) this.#end(call, "false");
    return call.outcome === "done" ? "true" : call.outcome!;
  }

  take(port: number, view: View, waiting: Waiting, iterator?: number): void {
    const call = this.#begin(waiting);
    const at = this.ports[port]!;
    if (iterator === undefined) {
      this.#take(call, { call, port: at, side: "takers", view }, waiting);
    } else {
      const own = at.iterators[iterator]!;
      if (own.over) call.outcome = "end";
      this.#take(call, { call, port: at, side: "takers", view, iterator: own }, waiting);
    }
  }

  takeBatch(port: number, { max, min, linger }: BatchPlan, waiting: Waiting): void {
    const call = this.#begin(waiting);
    const at = this.ports[port]!;
    const filling: Filling = {
      max,
      aim: min ?? (linger === undefined ? 1 : max),
      linger: linger ?? (min === undefined ? 0 : Infinity),
      timer: undefined,
      late: false,
    };
    const view = at.shape.kind === "queue" ? "batch" : "many";
    this.#take(call, { call, port: at, side: "takers", view, filling }, waiting);
  }

  #take(call: Call, node: Node, waiting: Waiting): void {
    if (call.outcome !== undefined) return;
    this.#park(node);
    if (call.outcome === undefined && node.port.drained) this.#finish(node);
    this.#hang(call, waiting);
  }

  tryTake(port: number): string {
    const at = this.ports[port]!;
    const call = new Call(-1);
    this.#park({ call, port: at, side: "takers", view: "get" });
    if (call.outcome === undefined) {
      this.#end(call, at.drained ? show.end(at.error) : "nothing");
    }
    return call.outcome!;
  }

  endIterator(port: number, iterator: number): void {
    const at = this.ports[port]!;
    const own = at.iterators[iterator]!;
    own.over = true;
    for (const node of at.takers.filter((node) => node.iterator === own)) {
      this.#end(node.call, "end");
    }
  }

  join(port: number, waiting: Waiting): void {
    const call = this.#begin(waiting);
    const at = this.ports[port]!;
    if (call.outcome !== undefined) return;
    if (at.unfinished === 0) call.outcome = "done";
    else at.joiners.push(call);
    this.#hang(call, waiting);
  }

  select(cases: readonly ModelCase[], waiting: Waiting): void {
    const call = this.#begin(waiting);
    if (call.outcome !== undefined) return;
    call.outcome = this.#poll(cases);
    if (call.outcome !== undefined) return;
    for (const [index, of] of cases.entries()) {
      if (call.outcome !== undefined) return;
      if (of.op === "recv") {
        this.#park({ call, port: this.ports[of.port]!, side: "takers", index });
      } else if (of.op === "send") {
        this.#park({ call, port: this.ports[of.port]!, side: "putters", item: of.item, index });
      } else if (of.op === "done") {
        const outcome = (cause: string): string => `${index}: ${cause}`;
        this.cancels[of.cancel]!.hung.push({ call, outcome });
      }
    }
    let first: number | undefined;
    for (const [index, of] of cases.entries()) {
      if (of.op !== "after") continue;
      const best = first === undefined ? undefined : cases[first];
      if (best?.op !== "after" || of.ms < best.ms) first = index;
    }
    const time = first === undefined ? undefined : cases[first];
    if (time?.op === "after") {
      call.timers.push(this.#timer(time.ms, () => this.#end(call, `${first}: done`)));
    }
    this.#hang(call, waiting);
  }

  trySelect(cases: readonly ModelCase[]): string {
    return this.#poll(cases) ?? "nothing";
  }

  /** The first ready case in source order. */
  #poll(cases: readonly ModelCase[]): string | undefined {
    for (const [index, of] of cases.entries()) {
      const key = `${index}: `;
      if (of.op === "recv") {
        const taken = this.tryTake(of.port);
        if (taken !== "nothing") return key + taken;
      } else if (of.op === "send") {
        const sent = this.tryPut(of.port, of.item);
        if (sent !== "false") return sent === "true" ? key + "done" : sent;
      } else if (of.op === "done") {
        const { cause } = this.cancels[of.cancel]!;
        if (cause !== undefined) return key + cause;
      }
    }
    const otherwise = cases.findIndex((of) => of.op === "default");
    if (otherwise >= 0) return `${otherwise}: done`;
    const late = cases.findIndex((of) => of.op === "after" && of.ms <= 0);
    return late < 0 ? undefined : `${late}: done`;
  }

  // ---- what is no call ----

  addCancel(): void {
    this.cancels.push({ cause: undefined, hung: [] });
  }

  /** All that hang on it leave first; then others may move up. */
  cancel(number: number, cause: string): void {
    const cancel = this.cancels[number]!;
    if (cancel.cause !== undefined) return;
    cancel.cause = cause;
    const ended = cancel.hung.splice(0).filter(({ call, outcome }) => {
      if (call.outcome !== undefined) return false;
      this.#leave(call, outcome(cause));
      return true;
    });
    for (const { call } of ended) this.#settleAll(call);
  }

  close(port: number, error: string | undefined, immediate: boolean): void {
    const at = this.ports[port]!;
    if (!at.closed) at.error = error;
    at.closed = true;
    if (immediate && !at.immediate) {
      at.immediate = true;
      this.#setUnfinished(at, Math.max(at.leased, at.unfinished - at.items.length));
      at.dropped.push(...at.items.splice(0));
    }
    this.#refuse(at);
    this.#settle(at);
    if (!at.drained) return;
    for (const node of [...at.takers]) {
      if (node.call.outcome === undefined) this.#finish(node);
    }
  }

  /** One by one, or all before anybody moves up in other lines that they leave. */
  #refuse(port: Port): void {
    const refused = [...port.putters];
    const several = refused.some(({ call }) => portsOf(call).length > 1);
    const together = several && this.#choose();
    const left: Call[] = [];
    port.settling = true;
    for (const { call, item } of refused) {
      if (call.outcome !== undefined) continue;
      this.#leave(call, show.refused(item!, port.error));
      if (together) left.push(call);
      else this.#settleAll(call);
    }
    port.settling = false;
    for (const call of left) this.#settleAll(call);
  }

  taskDone(port: number, count: number): string {
    const at = this.ports[port]!;
    if (count > at.unfinished - at.leased) return "RangeError";
    this.#setUnfinished(at, at.unfinished - count);
    return "done";
  }

  endLease(call: number): void {
    const lease = this.#leases.get(call)!;
    if (!lease.open) return;
    lease.open = false;
    if (!lease.counted) return;
    lease.port.leased--;
    this.#setUnfinished(lease.port, lease.port.unfinished - 1);
  }

  requeue(call: number): string {
    const lease = this.#leases.get(call)!;
    const { port, item, counted } = lease;
    if (!lease.open) return "false";
    if (port.immediate) {
      this.endLease(call);
      return "false";
    }
    if (!port.store(item)) return COMPARATOR;
    lease.open = false;
    if (counted) port.leased--;
    this.#settle(port);
    return "true";
  }

  advance(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const due = this.#timers.filter((timer) => timer.at <= end);
      if (due.length === 0) break;
      // The sort is stable: of equal times the one that was set first.
      const [next] = due.sort((a, b) => a.at - b.at);
      this.#stop(next!);
      this.now = next!.at;
      next!.fire();
    }
    this.now = end;
  }

  get timers(): number {
    return this.#timers.length;
  }

  // ---- how ----

  #begin(waiting: Waiting): Call {
    const call = new Call(this.calls.length);
    this.calls.push(call);
    for (const number of waiting.cancels) call.outcome ??= this.cancels[number]!.cause;
    return call;
  }

  /** What may end a call that waits, from now on. */
  #hang(call: Call, { cancels, timeout }: Waiting): void {
    if (call.outcome !== undefined) return;
    if (timeout !== undefined && timeout <= 0) return this.#end(call, "timeout");
    for (const number of cancels) {
      this.cancels[number]!.hung.push({ call, outcome: (cause) => cause });
    }
    if (timeout !== undefined && timeout !== Infinity) {
      call.timers.push(this.#timer(timeout, () => this.#end(call, "timeout")));
    }
  }

  #timer(ms: number, fire: () => void): Timer {
    const timer = { at: this.now + ms, fire };
    if (ms !== Infinity) this.#timers.push(timer);
    return timer;
  }

  #stop(timer: Timer | undefined): void {
    this.#timers = this.#timers.filter((other) => other !== timer);
  }

  #park(node: Node): void {
    node.call.nodes.push(node);
    node.port[node.side].push(node);
    this.#settle(node.port);
  }

  /** Settles a call and takes it out of all its lines. */
  #leave(call: Call, outcome: string): void {
    call.outcome = outcome;
    for (const timer of call.timers) this.#stop(timer);
    for (const { port, side, filling } of call.nodes) {
      port[side].splice(0, Infinity, ...port[side].filter((node) => node.call !== call));
      this.#stop(filling?.timer);
    }
    for (const port of this.ports) port.joiners = port.joiners.filter((other) => other !== call);
  }

  #end(call: Call, outcome: string): void {
    this.#leave(call, outcome);
    this.#settleAll(call);
  }

  #settleAll(call: Call): void {
    const ports = portsOf(call);
    const later = ports.length > 1 && this.#depth > 0 && this.#choose();
    for (const port of ports) {
      if (later && !port.settling) this.#later.push(port);
      else this.#settle(port);
    }
  }

  #choose(): boolean {
    return this.choices[this.#chosen++] ??= false;
  }

  /** A full channel that does not let wait. */
  #drop(call: Call, port: Port, item: Item): void {
    const { overflow } = port.shape;
    if (overflow === "block") return;
    this.#leave(call, "done");
    const oldest = overflow === "dropOldest" ? port.items.shift() : undefined;
    if (oldest !== undefined) port.store(item);
    port.dropped.push(oldest ?? item);
    this.#settle(port);
  }

  #settle(port: Port): void {
    if (port.settling) {
      port.again = true;
      return;
    }
    port.settling = true;
    this.#depth++;
    do {
      port.again = false;
      this.#admit(port);
      while (port.takers.some((node) => this.#serve(node) === "served"));
    } while (port.again);
    this.#depth--;
    port.settling = false;
    if (this.#depth > 0) return;
    for (const later of this.#later.splice(0)) this.#settle(later);
  }

  #admit(port: Port): void {
    if (port.shape.capacity === 0 || port.closed) return;
    for (let [head] = port.putters; head && port.fits(head.item!); [head] = port.putters) {
      if (port.store(head.item!)) this.#accept(head);
      else this.#end(head.call, COMPARATOR);
    }
  }

  #accept(putter: Node): void {
    putter.port.unfinished++;
    this.#end(putter.call, keyed(putter, "done"));
  }

  /** "stop": this one holds up those behind it. */
  #serve(node: Node): "served" | "declined" {
    const { port, call } = node;
    const filling = port.takers.find((other) => other.filling !== undefined);
    if (filling !== undefined) {
      const ahead = port.takers.indexOf(filling);
      if (port.takers.indexOf(node) > ahead) return "declined";
      if (filling === node) return this.#fill(node, filling.filling!);
    }
    const item = this.#next(port, call);
    if (item === undefined) return "declined";
    this.#give(node, item);
    return "served";
  }

  #give(node: Node, item: Item): void {
    const { call, port, view } = node;
    if (view === "lease") {
      const counted = port.unfinished > port.leased;
      if (counted) port.leased++;
      this.#leases.set(call.id, { port, item, counted, open: true });
    }
    this.#end(call, keyed(node, show.item(item)));
  }

  /** The next item for a call, which never takes what it puts itself. */
  #next(port: Port, call: Call): Item | undefined {
    if (port.shape.capacity > 0 || port.items.length > 0) {
      const item = port.items.shift();
      if (item !== undefined) this.#admit(port);
      return item;
    }
    const putter = port.putters.find((node) => node.call !== call);
    if (putter !== undefined) this.#accept(putter);
    return putter?.item;
  }

  #fill(node: Node, filling: Filling): "served" | "declined" {
    const { port, call } = node;
    const { present } = port;
    const { capacity } = port.shape;
    if (present === 0) {
      this.#stop(filling.timer);
      filling.timer = undefined;
      filling.late = false;
      return "declined";
    }
    const stuck = capacity > 0 && (port.weight >= capacity || port.putters.length > 0);
    const ready = filling.late || filling.linger === 0 || present >= filling.aim || stuck ||
      port.closed;
    if (!ready) {
      filling.timer ??= this.#timer(filling.linger, () => {
        filling.late = true;
        this.#settle(port);
      });
      return "declined";
    }
    const items: Item[] = [];
    while (items.length < filling.max) {
      const item = this.#next(port, call);
      if (item === undefined) break;
      items.push(item);
    }
    this.#end(call, show.items(items));
    return "served";
  }

  /** The end, for a taker that gets nothing more. */
  #finish(node: Node): void {
    const { call, port, view, iterator } = node;
    const { error } = port;
    let outcome = show.end(error);
    if (view === "get" || view === "lease" || view === "take" || view === "batch") {
      outcome = error ?? "closed";
    } else if (view === "many") {
      outcome = error ?? "[]";
    } else if (iterator !== undefined) {
      outcome = iterator.over ? "end" : error ?? "end";
      iterator.over = true;
    }
    this.#end(call, keyed(node, outcome));
  }

  #setUnfinished(port: Port, count: number): void {
    port.unfinished = count;
    if (count > 0) return;
    for (const call of port.joiners.splice(0)) this.#leave(call, "done");
  }
}

function portsOf(call: Call): Port[] {
  return [...new Set(call.nodes.map((node) => node.port))];
}

/** The outcome of a select has the key of the case. */
function keyed({ index }: Node, outcome: string): string {
  return index === undefined ? outcome : `${index}: ${outcome}`;
}
