/**
 * kill -9 in the middle of a flash sale: what was acknowledged is in the database after the restart, and
 * customers who got no answer may send the same order again without being sold it twice.
 *
 *     deno task flash-sale:crash
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";
import { sleep } from "@sluice/sluice";
import { type Load, type Outcome, type Sales, sendOrders } from "./flash_sale/load.ts";
import { findFaults, openShop, sendLoad } from "./flash_sale/trial.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: { orders: { type: "string", default: "9000" } },
});
const orders = Number(values.orders);
if (!Number.isInteger(orders) || orders < 100) {
  console.error(`--orders must be an integer of at least 100: ${values.orders}`);
  Deno.exit(2);
}

/** Orders a second. */
const RATE = 3_000;
const load: Omit<Load, "port"> = {
  burstRate: RATE,
  burstSeconds: orders / RATE,
  calmRate: 1,
  calmBefore: 0,
  calmAfter: 0,
  connections: 128,
};

/** Sends the load, and kills the shop when a part of it was sent. */
async function killed(file: string): Promise<readonly Outcome[]> {
  await using shop = openShop("tuned", file);
  const { port } = await shop.next<{ port: number }>();
  await using customers = sendLoad({ ...load, port });
  let over = false;
  const sales = customers.next<Sales>().finally(() => over = true);
  // Not before there is something to lose.
  while (storedIn(file).size < orders / 10) {
    if (over) throw new Error(`the shop has taken ${storedIn(file).size} orders, and no more come`);
    await sleep(20);
  }
  shop.kill("SIGKILL");
  return (await sales).outcomes;
}

/** Opens the shop on the same file, and sends again what was not accepted, until all is. */
async function resumed(file: string, ids: readonly number[]): Promise<Outcome[]> {
  await using shop = openShop("tuned", file);
  const { port } = await shop.next<{ port: number }>();
  const accepted: Outcome[] = [];
  for (let left = ids; left.length > 0;) {
    const burstSeconds = left.length / RATE;
    const { outcomes } = await sendOrders({ ...load, port, ids: left, burstSeconds });
    accepted.push(...outcomes.filter(([, , , status]) => status === 201));
    if (outcomes.every(([, , , status]) => status !== 201)) {
      throw new Error(`the shop takes none of the ${left.length} orders that are left`);
    }
    left = outcomes.filter(([, , , status]) => status !== 201).map(([id]) => id);
  }
  shop.kill("SIGTERM");
  await shop.ended();
  return accepted;
}

/** Not read-only: after the kill it may have to roll back half a commit. */
function storedIn(file: string): Set<number> {
  using db = new DatabaseSync(file);
  db.exec("pragma busy_timeout = 5000");
  const rows = db.prepare("select id from orders").all() as { id: number }[];
  return new Set(rows.map(({ id }) => id));
}

const directory = await Deno.makeTempDir({ prefix: "flash-sale-" });
const file = `${directory}/crash.db`;
try {
  const before = await killed(file);
  const acknowledged = before.filter(([, , , status]) => status === 201).map(([id]) => id);
  const others = before.filter(([, , , status]) => status !== 201).map(([id]) => id);
  const stored = storedIn(file);
  const lost = acknowledged.filter((id) => !stored.has(id));
  console.log(`sent ${before.length} orders; the shop was killed by kill -9 while they came`);
  console.log(`acknowledged before that: ${acknowledged.length}; ${lost.length} of those are lost`);
  const unanswered = others.filter((id) => stored.has(id)).length;
  console.log(
    `without a yes: ${others.length}; ${unanswered} of those are in the database all the same`,
  );

  const after = await resumed(file, others);
  const faults = findFaults(file, [...before.filter(([, , , status]) => status === 201), ...after]);
  console.log(`opened again on the same file, and sent those again: ${after.length} were accepted`);
  for (const fault of faults) console.error(`WRONG: ${fault}`);
  const count = storedIn(file).size;
  if (faults.length === 0 && lost.length === 0 && count === orders) {
    console.log(`all ${count} orders are in the database, each once; the stock is right`);
  } else {
    Deno.exitCode = 1;
  }
} finally {
  await Deno.remove(directory, { recursive: true });
}
