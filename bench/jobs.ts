/**
 * Measures job queues beside their peers: `deno task bench:jobs`, about twelve minutes, or less than one with
 * `--quick`. Writes `docs/jobs-peers.md`, or what follows `--page`. It starts the servers that it needs,
 * `nats-server` and `redis-server`, on loopback, and installs BullMQ by npm in a directory of its own; what
 * is not there is not measured, and the page says so.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { median } from "./harness/figures.ts";
import { entrants, names, Party } from "./jobs/contenders.ts";
import type { Places } from "./jobs/contest.ts";
import {
  batches,
  drainRow,
  full,
  putRow,
  quick,
  raceGrowth,
  raceLatency,
  raceProcesses,
  raceRow,
  type Samples,
} from "./jobs/race.ts";
import { type JobsFindings, jobsReport } from "./jobs/report.ts";
import { installBullMQ, type Server, startNats, startRedis } from "./jobs/servers.ts";

const pace = Deno.args.includes("--quick") ? quick : full;
const page = Deno.args.includes("--page")
  ? Deno.args[Deno.args.indexOf("--page") + 1]!
  : "docs/jobs-peers.md";

const faults: string[] = [];
const versions = [`SQLite ${sqliteVersion()}`];
const directory = await Deno.makeTempDir({ prefix: "sluice-jobs-" });
let places: Places = { directory };
const servers: Server[] = [];
const parties: Party[] = [];

/** What was set up, if it could be. */
async function tried<R>(what: string, run: () => Promise<R>): Promise<R | undefined> {
  try {
    return await run();
  } catch (error) {
    const { message } = error as Error;
    faults.push(`${what}, not installed here: ${message}`);
    console.error(faults.at(-1));
    return undefined;
  }
}

async function setUp(): Promise<void> {
  const nats = await tried("NATS", () => startNats(directory));
  if (nats !== undefined) {
    servers.push(nats);
    places = { ...places, nats: `127.0.0.1:${nats.port}` };
    versions.push(`nats-server ${nats.version}`);
  }
  const bullmq = `${directory}/bullmq`;
  const version = await tried("BullMQ", () => installBullMQ(bullmq));
  const redis = version === undefined
    ? undefined
    : await tried("Redis", () => startRedis(directory));
  if (redis !== undefined) {
    servers.push(redis);
    places = { ...places, bullmq: { redis: redis.port, directory: bullmq } };
    versions.push(`Redis ${redis.version}`, `BullMQ ${version}, run by Deno`);
  }
}

function sqliteVersion(): string {
  const db = new DatabaseSync(":memory:");
  const { version } = db.prepare("SELECT sqlite_version() AS version").get() as { version: string };
  db.close();
  return version;
}

function onFault({ name }: Party, what: string, reason: string): void {
  faults.push(`${name} in ${what} (${reason})`);
  console.error(faults.at(-1));
}

function tell(what: string, samples: Samples): void {
  const rates = [...samples].map(([who, ns]) => [who, Math.round(1e9 / median(ns))]);
  console.log(what, Object.fromEntries(rates));
}

function present(): Party[] {
  return parties.filter(({ failed }) => !failed);
}

/** So many processes of each that can share a queue. */
async function processes(): Promise<Map<number, Map<number, Samples>>> {
  const found = new Map<number, Map<number, Samples>>([[1, new Map()], [64, new Map()]]);
  const crews = present().filter((party) => party.can("processes")).map((party) => [party]);
  for (const n of pace.processes) {
    for (const crew of crews) {
      while (crew.length < n) crew.push(await Party.of(crew[0]!.entrant, places));
    }
    for (const [batch, of] of found) {
      const able = crews.filter((crew) => !crew.some(({ failed }) => failed));
      of.set(n, await raceProcesses(able, batch, pace, onFault));
      tell(`${n} processes, batches of ${batch}`, of.get(n)!);
    }
  }
  for (const [, ...others] of crews) for (const party of others) await party.end();
  return found;
}

async function measure(): Promise<JobsFindings> {
  await setUp();
  for (const entrant of entrants) {
    if (entrant.needs !== undefined && places[entrant.needs] === undefined) continue;
    const party = await tried(entrant.name, () => Party.of(entrant, places));
    if (party !== undefined) parties.push(party);
  }
  const rows = new Map<string, Samples>();
  const duels = new Map<string, Samples>();
  const drains = batches.flatMap((batch) => pace.workers.map((n) => drainRow(batch, n)));
  for (const row of [putRow(1), putRow(256), ...drains]) {
    rows.set(row.what, await raceRow(present(), row, pace, onFault));
    tell(row.what, rows.get(row.what)!);
    const two = present().filter(({ name }) => name === names.nats || name === names.natsBare);
    duels.set(row.what, await raceRow(two, row, { ...pace, rounds: pace.duel }, onFault));
  }
  const latency = await raceLatency(present(), pace, onFault);
  console.log("latency, µs", latency);
  const shared = await processes();
  const growth = await raceGrowth(present(), pace, onFault);
  for (const [operation, { few, many }] of growth.of) {
    tell(`${operation}, few`, few);
    tell(`${operation}, many`, many);
  }
  const date = new Date().toISOString().slice(0, 10);
  return { date, pace, versions, rows, duels, latency, growth, processes: shared, faults };
}

try {
  await Deno.writeTextFile(page, jobsReport(await measure()));
} finally {
  for (const party of parties) await party.end();
  for (const server of servers) await server[Symbol.asyncDispose]();
  await Deno.remove(directory, { recursive: true });
}
const formatter = new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", page] });
if (!(await formatter.output()).success) console.error(`deno fmt cannot format ${page}`);
