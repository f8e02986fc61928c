import { assert, assertEquals } from "@std/assert";
import * as ours from "../mod.ts";
import { below, seed } from "../core/random.ts";
import { fakeClock } from "./support/clock.ts";
import { type ForeignCase, ForeignSelect, offering, taking } from "./support/foreign_select.ts";
import { lines } from "./support/lines.ts";
import { secondCopy, type Sluice } from "./support/second_copy.ts";
import { settled } from "./support/settle.ts";

const theirs = await secondCopy();
const nobody = { takers: 0, putters: 0 };

Deno.test("R16, 56: in random programs over two copies nothing is lost, doubled, or left parked", async () => {
  for (let from = 1; from <= 12; from++) {
    using clock = fakeClock();
    seed(from);
    theirs.seed(from);
    const program = new Program();
    for (let step = 0; step < 1_500; step++) {
      program.step();
      if (below(4) === 0) await clock.tick(below(3));
      if (below(2) === 0) {
        await settled();
        program.checkAtRest();
      }
    }
    await program.end(clock);
    assertEquals(clock.timers, 0);
  }
});

type Chan = ours.Channel<number> & ours.Queue<number>;

interface Pending {
  readonly receives: readonly Chan[];
  readonly sends: readonly Chan[];
  readonly batch: boolean;
  /** A select that makes no promise, and what becomes of it. */
  readonly foreign?: { readonly select: ForeignSelect; readonly settle: Settle };
}

type Settle = (r: { key: unknown; ok: boolean; value: unknown }) => void;

/** Random calls and selects of two copies on the channels and queues of two copies. */
class Program {
  readonly #ports: Chan[] = [];
  readonly #sent = new Set<number>();
  readonly #got = new Set<number>();
  readonly #pending = new Set<Pending>();
  #next = 0;

  constructor() {
    for (const copy of [ours, theirs]) {
      this.#ports.push(
        new copy.Channel<number>() as Chan,
        new copy.Channel<number>() as Chan,
        new copy.Channel<number>(2) as Chan,
        new copy.Queue<number>(3) as Chan,
        new copy.PriorityQueue<number>({ maxSize: 4, weigh: (n) => 1 + n % 3 }) as Chan,
      );
    }
  }

  step(): void {
    const copy = below(2) === 0 ? ours : theirs;
    const port = this.#port();
    switch (below(10)) {
      case 0:
        return this.#watch({ sends: [port] }, this.#send(port, this.#next++));
      case 1:
        return this.#watch({ receives: [port] }, this.#receive(port));
      case 2:
        return this.#trySend(port);
      case 3:
        return void this.#tryReceive(port);
      case 4:
        return this.#batch(port);
      case 5:
        return this.#selectForeign();
      default:
        return this.#select(copy);
    }
  }

  #port(): Chan {
    return this.#ports[below(this.#ports.length)]!;
  }

  async #send(port: Chan, n: number): Promise<void> {
    await (isQueue(port) ? port.put(n) : port.send(n));
    this.#in(n);
  }

  async #receive(port: Chan): Promise<void> {
    if (isQueue(port)) this.#out(await port.get());
    else {
      const received = await port.receive();
      if (received.ok) this.#out(received.value);
    }
  }

  #trySend(port: Chan): void {
    const n = this.#next++;
    if (isQueue(port) ? port.tryPut(n) : port.trySend(n)) this.#in(n);
  }

  #tryReceive(port: Chan): boolean {
    const taken = port[ours.sourcePort].tryTake();
    if (taken?.ok) this.#out(taken.value);
    return taken?.ok ?? false;
  }

  #batch(port: Chan): void {
    // Only now and then, since they hold up all others.
    if (below(4) > 0) return;
    const options = { min: 2, linger: 1 + below(3) };
    const batch = isQueue(port) ? port.getBatch(3, options) : port.receiveMany(3, options);
    const taking = batch.then((values) => values.forEach((n) => this.#out(n)));
    this.#watch({ receives: [port], batch: true }, taking);
  }

  #select(copy: Sluice): void {
    const { ways, receives, sends, settle } = this.#ways();
    const cases = ways.map(({ port, n }, at): ours.CaseEntry => [
      at,
      n === undefined ? copy.recv(port) : copy.send(port, n),
    ]);
    if (below(4) === 0) {
      const taken = copy.trySelect(cases);
      if (taken !== undefined) settle(taken);
      return;
    }
    const timeout = below(3) === 0 ? below(5) : undefined;
    this.#watch({ receives, sends }, copy.select(cases, { timeout }).then(settle));
  }

  #selectForeign(): void {
    const { ways, receives, sends, settle } = this.#ways();
    const cases = ways.map(({ port, n }): ForeignCase =>
      n === undefined ? taking(port) : offering(port, n)
    );
    const select = new ForeignSelect(...cases);
    this.#pending.add({ receives, sends, batch: false, foreign: { select, settle } });
  }

  /** Up to four cases: without a number it receives. */
  #ways() {
    const ways = Array.from({ length: 1 + below(4) }, () => ({
      port: this.#port(),
      n: below(2) === 0 ? undefined : this.#next++,
    }));
    const settle: Settle = ({ key, ok, value }) => {
      const { n } = ways[key as number]!;
      if (!ok) return;
      if (n === undefined) this.#out(value as number);
      else this.#in(n);
    };
    return {
      ways,
      receives: ways.filter(({ n }) => n === undefined).map(({ port }) => port),
      sends: ways.filter(({ n }) => n !== undefined).map(({ port }) => port),
      settle,
    };
  }

  /** Of foreign selects nobody tells that they are decided. */
  #settleForeign(): void {
    for (const pending of this.#pending) {
      if (!pending.foreign?.select.decided) continue;
      const { select: { at, ok, value }, settle } = pending.foreign;
      this.#pending.delete(pending);
      settle({ key: at, ok: ok!, value });
    }
  }

  #watch(lines: Partial<Pending>, promise: Promise<void>): void {
    const pending = { receives: [], sends: [], batch: false, ...lines };
    this.#pending.add(pending);
    promise.then(() => this.#pending.delete(pending), (error) => {
      this.#pending.delete(pending);
      const expected = error instanceof ours.DeadlineExceededError ||
        error instanceof ours.ClosedError;
      assert(expected, String(error));
    });
  }

  #in(n: number): void {
    assert(!this.#sent.has(n), `${n} was sent twice`);
    this.#sent.add(n);
  }

  #out(n: number): void {
    assert(!this.#got.has(n), `${n} was received twice`);
    this.#got.add(n);
  }

  /** Nobody waits for what is there. */
  checkAtRest(): void {
    this.#settleForeign();
    const filling = new Set(
      [...this.#pending].filter((one) => one.batch).map((one) => one.receives[0]),
    );
    for (const port of this.#ports) {
      const takers = [...this.#pending].filter((one) => one.receives.includes(port));
      const givers = [...this.#pending].filter((one) => one.sends.includes(port));
      const bounded = isQueue(port) ? port.maxSize : port.capacity;
      const stored = isQueue(port) ? port.size : port.length;
      const weight = isQueue(port) ? port.weight : stored;
      if (!filling.has(port)) {
        assert(takers.length === 0 || stored === 0, "a receiver waits beside a value");
        if (bounded === 0) {
          const met = takers.some((one) => givers.some((other) => other !== one));
          assert(!met, "two that could meet wait side by side");
        }
      }
      // The heaviest weighs 3.
      const room = port instanceof ours.PriorityQueue || port instanceof theirs.PriorityQueue
        ? 3
        : 1;
      assert(
        givers.length === 0 || bounded === 0 || weight + room > bounded,
        "a sender waits beside room",
      );
      const line = lines(port);
      assert(line.takers > 0 || takers.length === 0);
      assert(line.takers === 0 || takers.length > 0, "a waiter was left in a line");
      assert(line.putters === 0 || givers.length > 0, "a waiter was left in a line");
    }
  }

  async end(clock: { tick(ms: number): Promise<void> }): Promise<void> {
    await clock.tick(10);
    for (const port of this.#ports) {
      if (isQueue(port)) port.shutdown();
      else port.close();
    }
    await settled();
    for (const port of this.#ports) while (this.#tryReceive(port));
    await settled();
    this.#settleForeign();
    assertEquals(this.#pending.size, 0);
    for (const port of this.#ports) assertEquals(lines(port), nobody);
    assertEquals([...this.#got].sort(ascending), [...this.#sent].sort(ascending));
    assert(this.#got.size > 300, `only ${this.#got.size} came through`);
  }
}

function ascending(a: number, b: number): number {
  return a - b;
}

function isQueue(port: unknown): boolean {
  return port instanceof ours.Queue || port instanceof theirs.Queue;
}
