import { DatabaseSync } from "node:sqlite";
import { Child } from "./child.ts";
import type { Load, Outcome, Sales } from "./load.ts";
import { STOCK } from "./order.ts";
import type { SetupName } from "./setups.ts";
import type { ShopReport } from "./shop.ts";

/** What one set-up has done with the load. */
export interface Trial {
  readonly name: SetupName;
  readonly load: Load;
  readonly sales: Sales;
  readonly shop: ShopReport;
  /** What is wrong with the database; nothing, if all is well. */
  readonly faults: readonly string[];
}

/** A shop in a process of its own, on a database file. It ends with this process at the latest. */
export function openShop(name: SetupName, file: string): Child {
  const permissions = ["--allow-net=127.0.0.1", "--allow-read", "--allow-write"];
  return new Child("./shop.ts", [name, file, String(Deno.pid)], permissions);
}

/** Customers in a process of their own. */
export function sendLoad(load: Load): Child {
  return new Child("./load.ts", [JSON.stringify(load)], ["--allow-net=127.0.0.1"]);
}

/** Opens a shop on a new database, sends it the load, closes it, and looks whether all is well. */
export async function trial(
  name: SetupName,
  load: Omit<Load, "port">,
  file: string,
): Promise<Trial> {
  await using shop = openShop(name, file);
  const { port } = await shop.next<{ port: number }>();
  const whole: Load = { ...load, port };
  await using customers = sendLoad(whole);
  const sales = await customers.next<Sales>();
  shop.kill("SIGTERM");
  const report = await shop.next<ShopReport>();
  await shop.ended();
  return { name, load: whole, sales, shop: report, faults: findFaults(file, sales.outcomes) };
}

/** Whether each accepted order is in the database once, no other is, and the stock is right. */
export function findFaults(file: string, outcomes: readonly Outcome[]): string[] {
  using db = new DatabaseSync(file, { readOnly: true });
  const faults: string[] = [];
  const rows = db.prepare("select id from orders").all() as { id: number }[];
  const stored = new Set(rows.map(({ id }) => id));
  if (stored.size !== rows.length) {
    faults.push(`${rows.length - stored.size} orders are there twice`);
  }
  const accepted = new Set<number>();
  const unknown = new Set<number>();
  for (const [id, , , status] of outcomes) {
    if (status === 201) accepted.add(id);
    else if (status === 0) unknown.add(id);
  }
  const lost = [...accepted].filter((id) => !stored.has(id));
  if (lost.length > 0) {
    faults.push(`${lost.length} accepted orders are lost, ${lost[0]} among them`);
  }
  const extra = [...stored].filter((id) => !accepted.has(id) && !unknown.has(id));
  if (extra.length > 0) {
    faults.push(`${extra.length} refused orders are there, ${extra[0]} among them`);
  }
  const levels = db.prepare(
    `select sku, left, (select coalesce(sum(quantity), 0) from orders where orders.sku = stock.sku) as
     sold from stock`,
  ).all() as { sku: string; left: number; sold: number }[];
  for (const { sku, left, sold } of levels) {
    const expected = STOCK.get(sku)! - sold;
    if (left !== expected) {
      faults.push(`the stock has ${left} of ${sku}, and should have ${expected}`);
    }
  }
  return faults;
}
