/**
 * Who takes part: Sluice in two idioms, and the peers, each as far as it is installed.
 *
 * @module
 */
import { fromFileUrl } from "./paths.ts";
import type { HoldingName } from "../contest.ts";
import type { Contender } from "./race.ts";

const bench = fromFileUrl(new URL("..", import.meta.url));

/** A module that exports workloads. `root` is the directory of a `bench` folder. */
function ofModule(
  name: string,
  version: string,
  path: string,
  root: string = bench,
): Contender {
  const command = [
    Deno.execPath(),
    "run",
    "--quiet",
    "--no-lock",
    "--allow-all",
    "--v8-flags=--expose-gc",
    `${root}child.ts`,
    `${root}${path}`,
  ];
  return { name, version, command };
}

/** Sluice as it is in a folder; this one, if left out. */
export function sluice(suffix = "", root: string = bench): Contender[] {
  return [
    ofModule(`Sluice plain${suffix}`, "", "plain.ts", root),
    ofModule(`Sluice fast${suffix}`, "", "fast.ts", root),
  ];
}

const peers: readonly (readonly [name: string, file: string])[] = [
  ["@std/async Channel", "std_channel.ts"],
  ["ts-chan", "ts_chan.ts"],
  ["@thi.ng/csp", "thi_csp.ts"],
  ["medium", "medium.ts"],
  ["async-channel", "async_channel.ts"],
  ["effect", "effect_queue.ts"],
  ["Web streams", "web_streams.ts"],
];

const pools: readonly (readonly [name: string, file: string])[] = [
  ["Sluice", "sluice.ts"],
  ["Sluice, unwatched", "sluice_unwatched.ts"],
  ["p-queue", "p_queue.ts"],
  ["p-limit", "p_limit.ts"],
  ["fastq", "fastq.ts"],
  ["@henrygd/queue", "henrygd_queue.ts"],
];

const flow: readonly (readonly [name: string, file: string])[] = [
  ["Sluice", "sluice.ts"],
  ["Sluice, sliding window", "sluice_window.ts"],
  ["bottleneck", "bottleneck.ts"],
  ["p-throttle", "p_throttle.ts"],
  ["p-throttle, strict", "p_throttle_strict.ts"],
  ["p-queue", "p_queue.ts"],
  ["p-queue, strict", "p_queue_strict.ts"],
  ["dataloader", "dataloader.ts"],
  ["opossum", "opossum.ts"],
  ["opossum, lean", "opossum_lean.ts"],
];

/** JavaScript's peers. */
export function javaScriptPeers(): Promise<Contender[]> {
  return packages(peers, "peers");
}

/** The pool in two set-ups, and its peers. */
export function poolPeers(): Promise<Contender[]> {
  return packages(pools, "pools");
}

/** Flow control, and its peers. */
export function flowPeers(): Promise<Contender[]> {
  return packages(flow, "flow");
}

async function packages(
  files: readonly (readonly [name: string, file: string])[],
  folder: string,
): Promise<Contender[]> {
  const { imports } = JSON.parse(
    await Deno.readTextFile(`${bench}../deno.json`),
  ) as { imports: Record<string, string> };
  return files.map(([name, file]) => {
    const version = imports[name.split(",")[0]!]?.split("@").at(-1) ?? "";
    return ofModule(name, version, `${folder}/${file}`);
  });
}

/** What a program prints, or undefined if there is no such program. */
async function output(program: string, ...args: string[]): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command(program, { args, stderr: "null" }).output();
    return success ? new TextDecoder().decode(stdout).trim() : undefined;
  } catch {
    return undefined;
  }
}

/** Go's channels on one processor and on two; empty, and told, where Go is not installed. */
export async function go(directory: string, onFault: (text: string) => void): Promise<Contender[]> {
  const version = (await output("go", "version"))?.split(" ")[2]?.replace("go", "");
  if (version === undefined) {
    onFault("Go is not installed: apt-get install golang-go, or https://go.dev/doc/install");
    return [];
  }
  const program = `${directory}/go-contestant`;
  const { success, stderr } = await new Deno.Command("go", {
    args: ["build", "-o", program, "."],
    cwd: `${bench}peers/go`,
  }).output();
  if (!success) {
    onFault(`Go's contestant does not build: ${new TextDecoder().decode(stderr)}`);
    return [];
  }
  return ["1", "2"].map((processors) => ({
    name: `Go, ${processors} P`,
    version,
    command: [program],
    env: { GOMAXPROCS: processors },
  }));
}

/** asyncio.Queue; empty, and told, where Python is not installed. */
export async function python(onFault: (text: string) => void): Promise<Contender[]> {
  const version = (await output("python3", "--version"))?.replace("Python ", "");
  if (version === undefined) {
    onFault("Python is not installed: apt-get install python3, or https://www.python.org/");
    return [];
  }
  return [{
    name: "asyncio.Queue",
    version,
    command: ["python3", `${bench}peers/asyncio_queue.py`],
  }];
}

/** How many of a holding are made. */
export const holdingCounts: Record<HoldingName, number> = {
  channel: 20_000,
  parked: 20_000,
  buffered: 1_000_000,
  context: 20_000,
};

/** What is measured on. */
export function machine(): string {
  const { deno, v8 } = Deno.version;
  const cores = navigator.hardwareConcurrency;
  return `Deno ${deno}, V8 ${v8}, ${Deno.build.target}, ${cores} cores`;
}
