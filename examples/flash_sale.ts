/**
 * A flash sale: orders come through HTTP, faster than they can be written one by one, and what was
 * accepted must not be lost. Two set-ups get the same load: the first version, which writes each order by
 * itself, and one that is tuned, which writes them in batches.
 *
 *     deno task flash-sale --rate 8000 --chart flash-sale.svg
 *
 * @module
 */
import { parseArgs } from "node:util";
import { flashSaleChart } from "./flash_sale/chart.ts";
import { tableOf } from "./flash_sale/report.ts";
import { type Trial, trial } from "./flash_sale/trial.ts";
import type { SetupName } from "./flash_sale/setups.ts";

const HELP = `Usage: flash-sale [options]

  --rate N          orders a second in the burst; 8000 if left out
  --burst SECONDS   how long the burst is; 5 if left out
  --calm SECONDS    how long the steady load after it is, a fortieth of the burst's; 3 if left out.
                    Before the burst there is 1 s of it
  --connections N   how many orders may be on their way at once; 256 if left out
  --chart FILE.svg  draws queue depth, throughput and latency over time
`;

const { values } = parseArgs({
  args: Deno.args,
  options: {
    rate: { type: "string", default: "8000" },
    burst: { type: "string", default: "5" },
    calm: { type: "string", default: "3" },
    connections: { type: "string", default: "256" },
    chart: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

function number(name: "rate" | "burst" | "calm" | "connections"): number {
  const figure = Number(values[name]);
  if (figure > 0 && figure < Infinity) return figure;
  console.error(`--${name} must be a number above 0: ${values[name]}\n\n${HELP}`);
  Deno.exit(2);
}

if (values.help) {
  console.log(HELP);
  Deno.exit(0);
}

const load = {
  burstRate: number("rate"),
  burstSeconds: number("burst"),
  calmRate: number("rate") / 40,
  calmBefore: 1,
  calmAfter: number("calm"),
  connections: number("connections"),
};
const directory = await Deno.makeTempDir({ prefix: "flash-sale-" });

async function run(name: SetupName): Promise<Trial> {
  console.log(
    `${name}: ${load.calmRate} orders a second for ${load.calmBefore} s, ${load.burstRate} for ` +
      `${load.burstSeconds} s, ${load.calmRate} for ${load.calmAfter} s`,
  );
  const done = await trial(name, load, `${directory}/${name}.db`);
  const { warnings, overloads } = done.shop;
  console.log(`  told to slow down ${warnings} times, refused orders ${overloads} times`);
  for (const fault of done.faults) console.error(`  WRONG: ${fault}`);
  if (done.faults.length === 0) {
    console.log("  every accepted order is in the database, once; no other is; the stock is right");
  }
  return done;
}

try {
  const first = await run("first");
  const tuned = await run("tuned");
  console.log(`\n${tableOf(first, tuned)}`);
  if (values.chart !== undefined) {
    await Deno.writeTextFile(values.chart, flashSaleChart([first, tuned]));
    console.log(`\nwrote ${values.chart}`);
  }
  if (first.faults.length + tuned.faults.length > 0) Deno.exitCode = 1;
} finally {
  await Deno.remove(directory, { recursive: true });
}
