/**
 * The rounds: each takes one sample of each party, so that a slow moment of the machine does not fall on
 * one of them alone.
 *
 * @module
 */
import type { Party } from "./contenders.ts";
import type { Operation, Task } from "./workloads.ts";

/** How long it may take. */
export interface Pace {
  readonly rounds: number;
  /** Further rounds of the adapter for NATS and the bare client alone. */
  readonly duel: number;
  /** Milliseconds that a sample lasts, about. */
  readonly sample: number;
  /** How many workers there are, in turn. */
  readonly workers: readonly number[];
  /** How many processes there are, in turn; none: they are not measured. */
  readonly processes: readonly number[];
  /** How many jobs wait, few and many. */
  readonly backlogs: readonly [few: number, many: number];
  /** Milliseconds of puts at a fixed rate. */
  readonly latency: number;
}

/** What the page is made of. */
export const full: Pace = {
  rounds: 5,
  duel: 15,
  sample: 200,
  workers: [1, 2, 4, 8],
  processes: [1, 2, 4],
  backlogs: [1_000, 1_000_000],
  latency: 1_500,
};

/** A look, in half a minute or so. */
export const quick: Pace = {
  rounds: 2,
  duel: 2,
  sample: 30,
  workers: [1, 4],
  processes: [],
  backlogs: [1_000, 20_000],
  latency: 300,
};

/** How many puts a second there are where latency is measured. */
export const RATE = 500;
/** A sample has no more jobs than that. */
const MOST = 65_536;
/** How many at a time are taken. */
export const batches = [1, 64, 128] as const;

/** Nanoseconds of an operation, by party, a sample each round. */
export type Samples = Map<string, number[]>;

/** Told who does not take part any more, and why. */
export type OnFault = (party: Party, what: string, reason: string) => void;

/** A row of the page, and how it is asked for. */
export interface Row {
  readonly what: string;
  /** Samples have a multiple of so many jobs: of all batches of all workers. */
  readonly step: number;
  task(count: number): Task;
}

/** The puts. */
export function putRow(inFlight: number): Row {
  return {
    what: inFlight === 1 ? "put, one by one" : `put, ${inFlight} in flight`,
    step: Math.max(64, inFlight),
    task: (count) => ({ kind: "put", inFlight, count }),
  };
}

/** Getting and finishing. */
export function drainRow(batch: number, workers: number): Row {
  const how = batch === 1 ? "one by one" : `by ${batch}`;
  return {
    what: `get and done ${how}, ${workers} worker${workers === 1 ? "" : "s"}`,
    step: Math.max(64, batch * workers),
    task: (count) => ({ kind: "drain", workers, batch, count }),
  };
}

/** How many make a sample last, found by asking for some. */
async function fit(
  sample: number,
  step: number,
  ask: (count: number) => Promise<number>,
): Promise<number> {
  let count = step;
  // The first one is cold, and the second one tells.
  for (let i = 0; i < 2; i++) {
    const ns = await ask(count);
    const fitting = count * sample * 1e6 / ns;
    count = step * Math.max(1, Math.min(Math.floor(MOST / step), Math.round(fitting / step)));
  }
  return count;
}

/** Runs one row. */
export async function raceRow(
  parties: readonly Party[],
  row: Row,
  pace: Pace,
  onFault: OnFault,
): Promise<Samples> {
  const samples: Samples = new Map();
  const counts = new Map<Party, number>();
  const guarded = guard(row.what, samples, onFault);
  for (const party of parties) {
    await guarded(party, async () => {
      const ask = async (count: number): Promise<number> => (await party.ask(row.task(count)))[0]!;
      const sample = pace.sample * (party.entrant.longer ?? 1);
      counts.set(party, await fit(sample, row.step, ask));
      samples.set(party.name, []);
    });
  }
  for (let round = 0; round < pace.rounds; round++) {
    for (const [party, count] of counts) {
      await guarded(party, async () => {
        const [ns] = await party.ask(row.task(count));
        samples.get(party.name)!.push(ns! / count);
      });
    }
  }
  return samples;
}

/** Microseconds, the median and the 99th percentile of each round. */
export async function raceLatency(
  parties: readonly Party[],
  pace: Pace,
  onFault: OnFault,
): Promise<{ readonly p50: Samples; readonly p99: Samples }> {
  const [p50, p99]: [Samples, Samples] = [new Map(), new Map()];
  const guarded = guard("latency", p50, onFault);
  const able = parties.filter((party) => party.can("wait"));
  const count = Math.ceil(pace.latency * RATE / 1e3);
  for (let round = -1; round < Math.min(3, pace.rounds); round++) {
    for (const party of able) {
      await guarded(party, async () => {
        const cold = round < 0;
        const task = { kind: "latency", perSecond: RATE, count: cold ? 100 : count } as const;
        const [middle, late] = await party.ask(task);
        if (cold) return;
        p50.set(party.name, [...p50.get(party.name) ?? [], middle!]);
        p99.set(party.name, [...p99.get(party.name) ?? [], late!]);
      });
    }
  }
  return { p50, p99 };
}

/** What is done beside a backlog. */
export const operations: readonly Operation[] = [
  "put",
  "put, 256 in flight",
  "get and done",
  "get and done, 64",
  "stats",
];

/** Nanoseconds beside few and beside many, by operation. */
export interface GrowthSamples {
  /** Milliseconds that it took to fill a queue with many. */
  readonly filled: Map<string, number>;
  readonly of: Map<Operation, { readonly few: Samples; readonly many: Samples }>;
}

/** Does each operation beside both backlogs. */
export async function raceGrowth(
  parties: readonly Party[],
  pace: Pace,
  onFault: OnFault,
): Promise<GrowthSamples> {
  const filled = new Map<string, number>();
  const of: GrowthSamples["of"] = new Map();
  const [few, many] = pace.backlogs;
  const able = parties.filter((party) => party.can("backlog"));
  const fill = guard("backlog", new Map(), onFault);
  for (const party of able) {
    await fill(party, async () => {
      await party.ask({ kind: "backlog", size: few });
      const [ms] = await party.ask({ kind: "backlog", size: many });
      filled.set(party.name, ms!);
    });
  }
  for (const operation of operations) {
    const samples = { few: new Map() as Samples, many: new Map() as Samples };
    of.set(operation, samples);
    const guarded = guard(`${operation} beside a backlog`, samples.many, onFault);
    const sizes = [[few, samples.few], [many, samples.many]] as const;
    for (const party of able.filter(({ name }) => filled.has(name))) {
      if (operation === "stats" && !party.can("stats")) continue;
      await guarded(party, async () => {
        const ask = async (size: number, count: number): Promise<number> =>
          (await party.ask({ kind: "beside", size, operation, count }))[0]!;
        const count = await fit(pace.sample, 64, (count) => ask(few, count));
        await ask(many, count);
        for (const [, to] of sizes) to.set(party.name, []);
        // In turns, so that a slow moment falls on both.
        for (let round = 0; round < pace.rounds; round++) {
          for (const [size, to] of sizes) {
            to.get(party.name)!.push(await ask(size, count) / count);
          }
        }
      });
    }
  }
  return { filled, of };
}

/** Nanoseconds of a job, when as many processes as there are share a queue. */
export async function raceProcesses(
  crews: readonly (readonly Party[])[],
  batch: number,
  pace: Pace,
  onFault: OnFault,
): Promise<Samples> {
  const samples: Samples = new Map(crews.map(([party]) => [party!.name, []]));
  const guarded = guard(`${crews[0]?.length} processes`, samples, onFault);
  const queue = `shared-${batch}`;
  const take = async (crew: readonly Party[], count: number): Promise<number> => {
    await crew[0]!.ask({ kind: "share", queue, count });
    const part = { kind: "part", queue, batch, count: count / crew.length } as const;
    const times = await Promise.all(crew.map((party) => party.ask(part)));
    const begin = Math.min(...times.map(([begin]) => begin!));
    return (Math.max(...times.map(([, end]) => end!)) - begin) * 1e6;
  };
  const counts = new Map<readonly Party[], number>();
  for (const crew of crews) {
    await guarded(crew[0]!, async () => {
      counts.set(crew, await fit(pace.sample, 4 * batch, (count) => take(crew, count)));
    });
  }
  for (let round = 0; round < Math.min(3, pace.rounds); round++) {
    for (const [crew, count] of counts) {
      await guarded(crew[0]!, async () => {
        samples.get(crew[0]!.name)!.push(await take(crew, count) / count);
      });
    }
  }
  return samples;
}

/** Runs something of a party; one that fails has no figures, and is asked no more in this row. */
function guard(
  what: string,
  samples: Samples,
  onFault: OnFault,
): (party: Party, run: () => Promise<void>) => Promise<void> {
  const out = new Set<Party>();
  return async (party, run) => {
    if (out.has(party)) return;
    try {
      await run();
    } catch (error) {
      out.add(party);
      samples.delete(party.name);
      onFault(party, what, (error as Error).message);
    }
  };
}
