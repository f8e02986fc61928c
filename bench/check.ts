/**
 * Compares the working tree with another commit: `deno task bench:check BASE`, and the names of
 * workloads, if not all are wanted. Both run the workloads
 * of the working tree, at the same time; the base runs them twice, and what it differs from itself is
 * the noise. Prints what became slower by more than that, and then fails.
 *
 * @module
 */
import { type WorkloadName, workloads } from "./contest.ts";
import { sluice } from "./harness/contenders.ts";
import { quantile, ratio, show } from "./harness/figures.ts";
import { complain, race } from "./harness/race.ts";

const ROUNDS = 21;
/** Less is noise, whatever was measured. */
const LEAST_NOISE = 0.05;

const decoder = new TextDecoder();

async function run(program: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args }).output();
  if (!success) throw new Error(`${program} ${args.join(" ")}: ${decoder.decode(stderr).trim()}`);
  return decoder.decode(stdout).trim();
}

/** A copy of a commit in a directory, with the workloads of the working tree. */
async function checkOut(commit: string, directory: string): Promise<void> {
  await run("git", "archive", "--output", `${directory}/base.tar`, commit);
  await run("tar", "-xf", `${directory}/base.tar`, "-C", directory);
  await run("rm", "-rf", `${directory}/bench`);
  await run("cp", "-r", "bench", directory);
}

/** How far the middle half of the ratios is from 1. */
function noiseOf(one: readonly number[], two: readonly number[]): number {
  const ratios = one.map((figure, i) => Math.abs(figure / two[i]! - 1));
  return Math.max(LEAST_NOISE, quantile(ratios, 0.5));
}

const [base, ...chosen] = Deno.args;
if (base === undefined) {
  console.error("Say which commit to compare with: deno task bench:check main~1");
  Deno.exit(2);
}
const commit = await run("git", "rev-parse", "--short", base);
const directory = await Deno.makeTempDir();
try {
  await checkOut(commit, directory);
  const contenders = [
    ...sluice(),
    ...sluice(` ${commit}`, `${directory}/bench/`),
    ...sluice(` ${commit} again`, `${directory}/bench/`),
  ];
  let slower = 0;
  console.log(`The working tree to ${commit}: medians of ${ROUNDS} ratios, and the noise`);
  const names = chosen.length > 0 ? chosen : Object.keys(workloads);
  for (const name of names as WorkloadName[]) {
    if (!(name in workloads)) throw new TypeError(`there is no workload ${name}`);
    const samples = await race(contenders, name, ROUNDS, complain);
    for (const idiom of ["Sluice plain", "Sluice fast"]) {
      const [now, before, again] = ["", ` ${commit}`, ` ${commit} again`]
        .map((suffix) => samples.get(`${idiom}${suffix}`));
      if (now === undefined || before === undefined || again === undefined) continue;
      const change = ratio(now, before)!;
      const noise = noiseOf(again, before);
      const isSlower = change > 1 + noise;
      if (isSlower) slower++;
      const verdict = isSlower ? "SLOWER" : change < 1 - noise ? "faster" : "";
      console.log(
        `${name.padEnd(4)} ${idiom.padEnd(13)} ${show(change).padStart(6)} ± ${
          show(noise)
        } ${verdict}`,
      );
    }
  }
  console.log(slower === 0 ? "nothing became slower" : `${slower} became slower`);
  if (slower > 0) Deno.exitCode = 1;
} finally {
  await Deno.remove(directory, { recursive: true });
}
