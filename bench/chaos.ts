/**
 * Real servers and real deaths: does bad things to job queues, and tells what becomes of their jobs.
 *
 *     deno task chaos [TRIAL...] [--quick] [--write]
 *
 * Without names it runs all trials, in some minutes. `--quick` takes fewer jobs, `--write` puts the table
 * into `docs/durability.md`. The exit code is 1 if something is not as promised: above all, if a job is
 * lost that was acknowledged. What happens on a cluster is told, and does not count: see there. All that
 * was started is ended, by Ctrl-C too.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { background, withCancel } from "../mod.ts";
import { fails, line, table, withTable } from "./chaos/report.ts";
import type { Row } from "./chaos/trial.ts";
import { play, trials } from "./chaos/trials.ts";
import { machine } from "./harness/contenders.ts";

const PAGE = "docs/durability.md";

const { values, positionals } = parseArgs({
  args: Deno.args,
  options: {
    quick: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
  allowPositionals: true,
});
const names = [...new Set(trials.map(({ name }) => name))];
for (const name of positionals) {
  if (names.includes(name)) continue;
  console.error(`there is no trial ${name}; there are ${names.join(", ")}`);
  Deno.exit(2);
}

async function serverVersion(): Promise<string> {
  for (const binary of ["nats-server", "/usr/sbin/nats-server"]) {
    try {
      const { stdout } = await new Deno.Command(binary, { args: ["--version"] }).output();
      return new TextDecoder().decode(stdout).trim().replace(": v", " ");
    } catch {
      // It may be the other one.
    }
  }
  return "no nats-server";
}

const ctx = withCancel(background());
Deno.addSignalListener("SIGINT", () => ctx.cancel());
Deno.addSignalListener("SIGTERM", () => ctx.cancel());

const chosen = trials.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
const rows: Row[] = [];
for (const trial of chosen) {
  // A cluster is to be seen once by who only has a look.
  if (values.quick && rows.some((row) => row.trial.run === trial.run)) continue;
  try {
    const row = await play(trial, ctx, values.quick);
    rows.push(row);
    console.log(line(row));
  } catch (error) {
    if (ctx.cause === undefined) throw error;
    console.error("ended early");
    Deno.exit(130);
  }
}

const wrong = rows.filter(fails).length;
console.log(`${rows.length} trials, ${wrong} of them not as promised`);
if (values.write) {
  const date = new Date().toISOString().slice(0, 10);
  const head =
    `Written by \`deno task chaos\` on ${date}, with ${machine()}, ${await serverVersion()}.`;
  await Deno.writeTextFile(
    PAGE,
    withTable(await Deno.readTextFile(PAGE), `${head}\n\n${table(rows)}`),
  );
  const formatter = new Deno.Command("deno", { args: ["fmt", "--quiet", PAGE] });
  if (!(await formatter.output()).success) console.error(`deno fmt cannot format ${PAGE}`);
}
Deno.exit(wrong > 0 ? 1 : 0);
