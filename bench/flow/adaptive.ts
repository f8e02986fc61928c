/**
 * An adaptive capacity beside fixed ones, on three loads. Time is simulated, so that every run gives the
 * same figures on every machine: the queue and what adapts it are the real ones, the time that producers
 * think and the consumer works is that of a manual clock. What adapting costs is measured in real time.
 *
 *     deno run bench/flow/adaptive.ts
 *
 * What it shows, with these random numbers and with three other seeds: an adaptive capacity is best at no
 * single figure. Where speeds stay as they are, whoever knows them does as well with a fixed size: on the
 * steady load 16 places are as fast as 1024, and items wait least; on the bursty one 128 places let through
 * about as much as adapting does. It pays where speeds change: there the slowest hundredth of the items
 * waits 1.3 to 4 times as long with 128 places as with adapting, which refuses at most 1.5 % more of all
 * items, and 4 to 5 times as long as with adapting by one place at a time, which refuses 9 to 14 % more.
 * With 16 places most items are refused, with 1024 they wait for seconds.
 *
 * @module
 */
import { Queue } from "../../mod.ts";
import { AdaptiveCapacity } from "../../flow/levels/adaptive_capacity.ts";
import { ManualClock } from "../../tasks/mod.ts";
import { median, quantile } from "../harness/figures.ts";

/** How long one run takes, in simulated seconds. */
const SECONDS = 20;
/** How long items may stand in the adaptive queue, in milliseconds. */
const TARGET = 50;
/** What an adaptive queue holds at first. */
const FIRST = 128;

/** The queues that are compared; a number is a fixed capacity. */
const capacities = {
  "16": 16,
  "128": 128,
  "1024": 1_024,
  "adaptive": { min: 4, max: 1_024, target: TARGET },
  "adaptive, by 1": { min: 4, max: 1_024, target: TARGET, increase: 1 },
} as const;

type Capacity = (typeof capacities)[keyof typeof capacities];

/** Who puts, and how long the consumer takes. Times are means, in milliseconds. */
interface Load {
  readonly what: string;
  /** For one item, in that second. */
  readonly work: (second: number) => number;
  readonly producers: number;
  /** How many items each puts in one after the other. */
  readonly burst: number;
  /** How long it thinks after that. */
  readonly think: number;
  /** It waits for room; otherwise what does not fit is refused. */
  readonly waits: boolean;
}

const loads = {
  steady: {
    what: "8 producers wait for room and put as fast as they may; an item takes 0.5 ms",
    work: () => 0.5,
    producers: 8,
    burst: 1,
    think: 0,
    waits: true,
  },
  bursty: {
    what: "4 producers wait for room, put 150 items, then think for 400 ms; an item takes 0.5 ms",
    work: () => 0.5,
    producers: 4,
    burst: 150,
    think: 400,
    waits: true,
  },
  changing: {
    what: "50 items each 50 ms, refused if there is no room; an item takes 0.5 ms, 5 ms from " +
      "second 5 to 10",
    work: (second: number) => second >= 5 && second < 10 ? 5 : 0.5,
    producers: 1,
    burst: 50,
    think: 50,
    waits: false,
  },
} as const satisfies Record<string, Load>;

/** What one run gave. */
export interface Figures {
  readonly load: keyof typeof loads;
  readonly capacity: keyof typeof capacities;
  /** Items that were worked on in a second. */
  readonly throughput: number;
  /** The share of the items that were refused, in percent. */
  readonly rejected: number;
  /** How much of their time producers waited for room, in percent. */
  readonly blocked: number;
  /** How long items were queued, in milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** A generator of numbers from 0 to 1 that gives the same ones each time (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** An item knows when it was accepted. */
interface Item {
  accepted: number;
}

/** One load on one queue. Each who takes part has random numbers of its own: all queues see the same. */
class Simulation {
  readonly #load: Load;
  readonly #clock = new ManualClock();
  readonly #queue: Queue<Item>;
  readonly #waits: number[] = [];
  readonly #end = new AbortController();
  #blocked = 0;
  #accepted = 0;
  #rejected = 0;

  constructor(load: Load, capacity: Capacity) {
    this.#load = load;
    this.#queue = new Queue(typeof capacity === "number" ? capacity : FIRST);
    if (typeof capacity === "number") return;
    const { signal } = this.#end;
    new AdaptiveCapacity(this.#queue, { ...capacity, clock: this.#clock, parent: signal });
  }

  async run(): Promise<Omit<Figures, "load" | "capacity">> {
    const { producers } = this.#load;
    const tasks = [this.#consume(seeded(0))];
    for (let n = 1; n <= producers; n++) tasks.push(this.#produce(seeded(n)));
    // They end with the signal, or stand still with the clock.
    for (const task of tasks) task.catch(() => {});
    await this.#clock.advance(SECONDS * 1_000);
    this.#end.abort();
    return {
      throughput: this.#waits.length / SECONDS,
      rejected: 100 * this.#rejected / (this.#rejected + this.#accepted),
      blocked: 100 * this.#blocked / (producers * SECONDS * 1_000),
      p50: quantile(this.#waits, 0.5),
      p99: quantile(this.#waits, 0.99),
    };
  }

  /** Times vary as those of independent events do. */
  #pause(mean: number, random: () => number): Promise<void> {
    const ms = -mean * Math.log(1 - random());
    return new Promise((resolve) => void this.#clock.after(ms, resolve));
  }

  async #consume(random: () => number): Promise<void> {
    for (;;) {
      const { accepted } = await this.#queue.get(this.#end.signal);
      this.#waits.push(this.#clock.now() - accepted);
      await this.#pause(this.#load.work(this.#clock.now() / 1_000), random);
    }
  }

  async #produce(random: () => number): Promise<void> {
    const { burst, think, waits } = this.#load;
    for (;;) {
      if (think > 0) await this.#pause(think, random);
      for (let n = 0; n < burst; n++) {
        const item = { accepted: this.#clock.now() };
        if (waits) await this.#put(item);
        else if (this.#queue.tryPut(item)) this.#accepted++;
        else this.#rejected++;
      }
    }
  }

  async #put(item: Item): Promise<void> {
    const start = this.#clock.now();
    await this.#queue.put(item, this.#end.signal);
    item.accepted = this.#clock.now();
    this.#accepted++;
    this.#blocked += item.accepted - start;
  }
}

/** All loads on all queues. */
export async function measure(): Promise<Figures[]> {
  const figures: Figures[] = [];
  for (const load of Object.keys(loads) as (keyof typeof loads)[]) {
    for (const capacity of Object.keys(capacities) as (keyof typeof capacities)[]) {
      const simulation = new Simulation(loads[load], capacities[capacity]);
      figures.push({ load, capacity, ...await simulation.run() });
    }
  }
  return figures;
}

const ITEMS = 200_000;
const ROUNDS = 9;

/** What a put and a get cost in real time without and with an adaptive capacity, in nanoseconds. */
export async function overhead(): Promise<{ readonly plain: number; readonly adaptive: number }> {
  const plain: number[] = [];
  const adaptive: number[] = [];
  // The first round warms up.
  for (let round = 0; round <= ROUNDS; round++) {
    const queue = new Queue<number>(FIRST);
    const without = await pass(queue);
    using _ = new AdaptiveCapacity(queue, { max: 1_024, target: TARGET });
    const with_ = await pass(queue);
    if (round === 0) continue;
    plain.push(without);
    adaptive.push(with_);
  }
  return { plain: median(plain), adaptive: median(adaptive) };
}

async function pass(queue: Queue<number>): Promise<number> {
  const start = performance.now();
  const consuming = (async () => {
    for (let n = 0; n < ITEMS; n++) await queue.get();
  })();
  for (let n = 0; n < ITEMS; n++) await queue.put(n);
  await consuming;
  return (performance.now() - start) / ITEMS * 1e6;
}

/** Who is best at what, on each load; all who are within 1 % of the best. */
export function winners(figures: readonly Figures[]): string {
  const goals = { "most items/s": "throughput", "shortest p99": "p99" } as const;
  const lines = Object.keys(loads).map((load) => {
    const rows = figures.filter((row) => row.load === load);
    const parts = Object.entries(goals).map(([what, figure]) => {
      const all = rows.map((row) => row[figure]);
      const best = figure === "p99" ? Math.min(...all) : Math.max(...all);
      const close = rows.filter((row) => Math.abs(row[figure] - best) <= best / 100);
      return `${what}: ${close.map(({ capacity }) => capacity).join(" and ")}`;
    });
    return `${load}: ${parts.join("; ")}`;
  });
  return lines.join("\n");
}

/** The figures as a table. */
export function table(figures: readonly Figures[]): string {
  const head = ["load", "capacity", "items/s", "rejected %", "blocked %", "p50 ms", "p99 ms"];
  const rows = figures.map(({ load, capacity, throughput, rejected, blocked, p50, p99 }) => [
    load,
    capacity,
    throughput.toFixed(0),
    ...[rejected, blocked, p50, p99].map((figure) => figure.toFixed(1)),
  ]);
  const widths = head.map((name, i) => Math.max(name.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]): string => {
    const padded = cells.map((cell, i) =>
      i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)
    );
    return `| ${padded.join(" | ")} |`;
  };
  const rule = widths.map((width, i) => i < 2 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`);
  return [line(head), `| ${rule.join(" | ")} |`, ...rows.map(line)].join("\n");
}

if (import.meta.main) {
  for (const [name, { what }] of Object.entries(loads)) console.log(`${name}: ${what}`);
  const figures = await measure();
  console.log(`\n${table(figures)}\n\n${winners(figures)}\n`);
  const { plain, adaptive } = await overhead();
  console.log(
    `a put and a get, in real time: ${plain.toFixed(0)} ns, adaptive ${adaptive.toFixed(0)} ns`,
  );
}
