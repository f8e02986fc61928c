/**
 * The benchmark of job queues: that each contestant does what is measured, that the checks would find one
 * that does not, and what is made of the figures. What they measure is no matter of tests.
 *
 * @module
 */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  checkCount,
  inFlight,
  type JobsContestant,
  type JobStore,
  Ledger,
  type Places,
  type Puller,
  pulling,
  type Value,
  valueAt,
} from "../bench/jobs/contest.ts";
import { entrants, names, Party } from "../bench/jobs/contenders.ts";
import { limits } from "../bench/jobs/limits.ts";
import * as memory from "../bench/jobs/memory.ts";
import * as nats from "../bench/jobs/nats.ts";
import * as natsBare from "../bench/jobs/nats_bare.ts";
import * as natsUsual from "../bench/jobs/nats_usual.ts";
import {
  drainRow,
  operations,
  type Pace,
  putRow,
  raceGrowth,
  raceLatency,
  raceProcesses,
  raceRow,
} from "../bench/jobs/race.ts";
import { jobsReport, shortfalls } from "../bench/jobs/report.ts";
import { startNats } from "../bench/jobs/servers.ts";
import * as sqlite from "../bench/jobs/sqlite.ts";
import * as sqliteBare from "../bench/jobs/sqlite_bare.ts";
import { Backlog, drained, latency, puts } from "../bench/jobs/workloads.ts";

/** As little as shows that it works. */
const TINY: Pace = {
  rounds: 2,
  duel: 2,
  sample: 1,
  workers: [1, 2],
  processes: [2],
  backlogs: [20, 40],
  latency: 20,
};

/** All that is done with a store. */
async function play(store: JobStore, module: string): Promise<void> {
  const { lacks } = entrants.find((entrant) => entrant.module === module)!;
  assert(await puts(store, 1, 5) > 0);
  assert(await puts(store, 4, 24) > 0);
  for (const batch of [1, 8]) {
    for (const workers of [1, 3]) assert(await drained(store, workers, batch, 48) > 0);
  }
  if (!lacks.includes("wait")) {
    const [p50, p99] = await latency(store, 1_000, 10);
    assert(p50 > 0 && p99 >= p50);
  }
  if (lacks.includes("backlog")) return;
  const backlog = await Backlog.of(store, 20);
  for (const operation of operations) assert(await backlog.take(operation, 16) > 0);
  assertEquals(await store.unfinished(), 20);
}

async function playAll(
  contestants: Readonly<Record<string, JobsContestant>>,
  places: Places,
): Promise<void> {
  for (const [module, { open }] of Object.entries(contestants)) {
    const store = await open("main", places);
    try {
      await play(store, module);
    } finally {
      await store.close();
    }
  }
}

Deno.test("what needs no server does all tasks, and their checks hold", async () => {
  const directory = await Deno.makeTempDir();
  await playAll(
    { "memory.ts": memory, "sqlite.ts": sqlite, "sqlite_bare.ts": sqliteBare },
    { directory },
  );
  await Deno.remove(directory, { recursive: true });
});

Deno.test("what needs a NATS server does all tasks, and their checks hold", async () => {
  const directory = await Deno.makeTempDir();
  {
    await using server = await startNats(directory);
    assert(/^\d+\.\d+\.\d+$/.test(server.version));
    await playAll(
      { "nats.ts": nats, "nats_bare.ts": natsBare, "nats_usual.ts": natsUsual },
      { directory, nats: `127.0.0.1:${server.port}` },
    );
  }
  await Deno.remove(directory, { recursive: true });
});

Deno.test("a value is 100 bytes of JSON", () => {
  for (const at of [0, 1, 8_999_999]) assertEquals(JSON.stringify(valueAt(at)).length, 100);
});

Deno.test("as many calls are in flight as may, and each is made once", async () => {
  const made: number[] = [];
  let [now, most] = [0, 0];
  await inFlight(3, 10, async (i) => {
    made.push(i);
    most = Math.max(most, ++now);
    await Promise.resolve();
    now--;
  });
  assertEquals(made, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assertEquals(most, 3);
  await inFlight(3, 0, () => Promise.reject(new Error("no")));
});

/** Hands out values of a list, never more than `most` at a time. */
function dealer(values: Value[], most: number, asked: number[]): Puller<Value> {
  return {
    take(wanted) {
      asked.push(wanted);
      if (values.length === 0) throw new Error("nobody is to wait");
      return Promise.resolve(values.splice(0, Math.min(wanted, most)));
    },
    read: (value) => value,
    finish: () => Promise.resolve(),
    end: () => Promise.resolve(),
  };
}

Deno.test("workers ask for no more than there is, and again for what they were not given", async () => {
  const values = Array.from({ length: 20 }, (_, i) => valueAt(i));
  const asked: number[] = [];
  const ledger = new Ledger(0, 20);
  const crew = [dealer(values, 3, asked), dealer(values, 8, asked)];
  await pulling(crew, 8, ledger.got).run(20);
  ledger.check();
  assertEquals(asked.slice(0, 3), [8, 8, 8]);
  assertEquals(values.length, 0);
});

Deno.test("the checks find a job that is lost, doubled, spoilt or left", async () => {
  const ledger = new Ledger(10, 2);
  ledger.got(valueAt(10));
  assertThrows(() => ledger.check(), Error, "jobs that were got: 2 were expected, not 1");
  assertThrows(() => ledger.got(valueAt(10)), Error, "1000010 is not expected, or not again");
  assertThrows(() => ledger.got(valueAt(9)), Error, "1000009 is not expected");
  assertThrows(() => ledger.got(valueAt(12)), Error, "1000012 is not expected");
  const spoilt = { ...valueAt(11), text: "x" };
  assertThrows(() => ledger.got(spoilt), Error, "1000011 is not what was put");
  ledger.got(valueAt(11));
  ledger.check();
  assertThrows(() => checkCount("jobs", 1, 2), Error, "jobs: 2 were expected, not 1");

  const store = await memory.open("lossy");
  const forgetful: JobStore = { ...store, put: () => Promise.resolve() };
  await assertRejects(
    () => puts(forgetful, 1, 3),
    Error,
    "jobs that were put: 3 were expected, not 0",
  );
  const lazy: JobStore = { ...store, unfinished: () => Promise.resolve(1) };
  await assertRejects(
    () => drained(lazy, 1, 2, 4),
    Error,
    "jobs that are left: 0 were expected, not 1",
  );
  await store.close();
});

Deno.test("each entrant is a module that is there, and has a name of its own", async () => {
  assertEquals(entrants.map(({ name }) => name), Object.values(names));
  for (const { module } of entrants) {
    const { isFile } = await Deno.stat(new URL(`../bench/jobs/${module}`, import.meta.url));
    assert(isFile, module);
  }
});

Deno.test("processes are asked in turn, and one that fails is told of and left out", async () => {
  const directory = await Deno.makeTempDir();
  const faults: string[] = [];
  const onFault = ({ name }: Party, what: string): void => void faults.push(`${name}: ${what}`);
  const bare = entrants.find(({ module }) => module === "sqlite_bare.ts")!;
  const started = (): Promise<Party> => Party.of(bare, { directory }, "deno");
  const crew = [await started(), await started()];
  const [party] = crew as [Party, Party];
  try {
    for (const row of [putRow(1), putRow(256), drainRow(64, 2)]) {
      const samples = await raceRow([party], row, TINY, onFault);
      assertEquals(samples.get(party.name)!.length, TINY.rounds, row.what);
    }
    assertEquals((await raceLatency([party], TINY, onFault)).p50.size, 0);
    const growth = await raceGrowth([party], TINY, onFault);
    assertEquals([...growth.of.keys()], [...operations]);
    assertEquals(growth.of.get("stats")!.few.size, 0);
    assertEquals(growth.of.get("put")!.many.get(party.name)!.length, TINY.rounds);
    const shared = await raceProcesses([crew], 8, TINY, onFault);
    assertEquals(shared.get(party.name)!.length, TINY.rounds);
    assertEquals([party.failed, faults], [false, []]);

    // What it cannot do ends it.
    const row = { ...drainRow(1, 1), task: () => ({ kind: "latency", perSecond: 9, count: 1 }) };
    const none = await raceRow([party], row as ReturnType<typeof drainRow>, TINY, onFault);
    assertEquals([none.size, party.failed], [0, true]);
    assertEquals(faults, [`${party.name}: get and done one by one, 1 worker`]);
  } finally {
    for (const party of crew) await party.end();
  }
  const missing = { ...bare, module: "no_such_module.ts" };
  await assertRejects(() => Party.of(missing, { directory }, "deno"), Error, "no_such_module.ts");
  await Deno.remove(directory, { recursive: true });
});

Deno.test("the page has all tables, and says where others are quicker and what was not measured", () => {
  const { sqlite, sqliteBare, nats, natsBare, natsUsual, bullmq } = names;
  const rows = new Map([
    [
      putRow(1).what,
      new Map([
        [sqlite, [2e6, 2.2e6]],
        [sqliteBare, [1e6, 2e6]],
        [nats, [1.3e6, 1.3e6]],
        [natsBare, [1e6, 1e6]],
        [natsUsual, [2e6, 2e6]],
        [bullmq, [0.65e6, 0.65e6]],
      ]),
    ],
    [drainRow(64, 2).what, new Map([[nats, [1e3, 1e3]], [natsBare, [1e3, 1e3]]])],
  ]);
  const findings = {
    date: "2026-11-28",
    pace: TINY,
    versions: ["SQLite 3.0.0", "nats-server 2.9.10"],
    rows,
    duels: new Map(),
    latency: { p50: new Map([[nats, [200, 300]]]), p99: new Map([[nats, [900, 1_000]]]) },
    growth: {
      filled: new Map([[sqlite, 2_000]]),
      of: new Map([
        ["put" as const, { few: new Map([[sqlite, [1e3]]]), many: new Map([[sqlite, [2e3]]]) }],
      ]),
    },
    processes: new Map([[64, new Map([[2, new Map([[sqlite, [1e6]]])]])]]),
    faults: ["BullMQ, not installed here: no npm"],
  };
  assertEquals(shortfalls(findings), [
    "put, one by one: Sluice, NATS takes 1.30 times what bare JetStream takes.",
    "put, one by one: BullMQ takes 0.50 times what Sluice, NATS takes.",
    "put beside a backlog: Sluice, SQLite takes 2.00 times as long.",
  ]);
  const page = jobsReport(findings);
  const parts = [
    "SQLite 3.0.0, nats-server 2.9.10",
    "| bare JetStream | **1000** (1000–1000) | - |",
    "| Sluice, NATS | - | **1000000** (1000000–1000000) |",
    "### Batches of 128",
    "| Sluice, NATS | **300** (200–300) | **1000** (900–1000) |",
    "| put, one by one | **2.00** (1.10–2.00) | **1.30** (1.30–1.30) | **0.65** (0.65–0.65) |",
    "| put | **2.00** (1.00 to 2.00) |",
    "To put 40 of them took: Sluice, SQLite 2.00 s.",
    "| a second | 2 processes |",
    ...limits,
    "- put, one by one: BullMQ takes 0.50 times",
    "Not measured: BullMQ, not installed here: no npm.",
  ];
  for (const part of parts) assert(page.includes(part), part);
  const calm = { ...findings, rows: new Map(), growth: { filled: new Map(), of: new Map() } };
  assert(jobsReport(calm).includes("Nothing, in this run."));
  assert(jobsReport({ ...calm, pace: { ...TINY, processes: [] } }).includes("in a quick run"));
});
