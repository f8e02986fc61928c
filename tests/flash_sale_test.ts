/**
 * The flash sale, as its user meets it: the programs run in processes of their own here, on small loads.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { flashSaleChart } from "../examples/flash_sale/chart.ts";
import { Child } from "../examples/flash_sale/child.ts";
import { openDatabase } from "../examples/flash_sale/database.ts";
import { figuresOf, slicesOf } from "../examples/flash_sale/figures.ts";
import type { Outcome } from "../examples/flash_sale/load.ts";
import { type Order, parseOrder, STOCK } from "../examples/flash_sale/order.ts";
import { tableOf } from "../examples/flash_sale/report.ts";
import { Store } from "../examples/flash_sale/store.ts";
import { findFaults, openShop, type Trial } from "../examples/flash_sale/trial.ts";

const permissions = ["--allow-net=127.0.0.1", "--allow-run=deno", "--allow-read", "--allow-write"];

async function example(
  program: string,
  args: readonly string[],
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await new Deno.Command("deno", {
    args: ["run", "--quiet", "--no-prompt", "--no-lock", ...permissions, program, ...args],
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

Deno.test("the flash sale sells with both set-ups, and no accepted order is lost or doubled", async () => {
  const chart = await Deno.makeTempFile({ suffix: ".svg" });
  try {
    const load = ["--rate", "800", "--burst", "0.5", "--calm", "0.2", "--connections", "200"];
    const { code, stdout, stderr } = await example("examples/flash_sale.ts", [
      ...load,
      "--chart",
      chart,
    ]);
    assertEquals([code, stderr], [0, ""]);
    const right = "every accepted order is in the database, once; no other is; the stock is right";
    assertEquals(stdout.split(right).length, 3, stdout);
    assertMatch(stdout, /orders a second +800 +9,600 +12\.0 x/);
    const svg = await Deno.readTextFile(chart);
    assertStringIncludes(svg, "orders waiting in the queue");
    assert(svg.endsWith("</svg>\n"));
  } finally {
    await Deno.remove(chart);
  }
});

Deno.test("kill -9 in the middle of the sale loses no acknowledged order, and none is sold twice", async () => {
  const { code, stdout, stderr } = await example("examples/flash_sale_crash.ts", [
    "--orders",
    "900",
  ]);
  assertEquals([code, stderr], [0, ""], stdout);
  assertMatch(stdout, /acknowledged before that: \d+; 0 of those are lost\n/);
  assertStringIncludes(stdout, "all 900 orders are in the database, each once");
});

Deno.test("a flag of the flash sale that is no number is refused with the usage", async () => {
  const { code, stderr } = await example("examples/flash_sale.ts", ["--rate", "many"]);
  assertEquals(code, 2);
  assertStringIncludes(stderr, "--rate must be a number above 0: many\n\nUsage: flash-sale");
});

Deno.test("what is no order is refused, and the message says what is allowed", () => {
  assertEquals(parseOrder({ id: 1, sku: "phone", quantity: 2, more: true }), {
    id: 1,
    sku: "phone",
    quantity: 2,
  });
  const wrong: [unknown, string][] = [
    [null, "id must be an integer: undefined"],
    [{ id: 1.5 }, "id must be an integer: 1.5"],
    [{ id: 1, sku: "tea" }, "sku must be one of phone, watch, earbuds, golden phone: tea"],
    [{ id: 1, sku: "phone", quantity: 0 }, "quantity must be an integer of at least 1: 0"],
  ];
  for (const [json, message] of wrong) {
    let told = "";
    try {
      parseOrder(json);
    } catch (error) {
      told = (error as Error).message;
    }
    assertEquals(told, message);
  }
});

Deno.test("the check of the database finds what is lost, extra or wrong", () => {
  const file = Deno.makeTempFileSync({ suffix: ".db" });
  try {
    const accepted: Outcome[] = [[1, 0, 5, 201], [2, 1, 6, 503], [3, 2, 7, 0]];
    using db = openDatabase(file);
    const change = (sql: string): void => db.exec(sql);
    for (const [sku, left] of STOCK) {
      change(`insert into stock values ('${sku}', ${left})`);
    }
    assertEquals(findFaults(file, accepted), ["1 accepted orders are lost, 1 among them"]);
    change("insert into orders values (1, 'phone', 1, 0)");
    assertEquals(findFaults(file, accepted), [
      "the stock has 10000000 of phone, and should have 9999999",
    ]);
    change("update stock set left = left - 2 where sku = 'phone'");
    // Nobody knows of the third whether it was taken; the second was refused.
    change("insert into orders values (3, 'phone', 1, 0)");
    assertEquals(findFaults(file, accepted), []);
    change("insert into orders values (2, 'watch', 1, 0)");
    assertEquals(findFaults(file, accepted), [
      "1 refused orders are there, 2 among them",
      "the stock has 10000000 of watch, and should have 9999999",
    ]);
  } finally {
    Deno.removeSync(file);
  }
});

Deno.test("a commit that SQLite rolls back by itself, as when the disk is full, fails for what has happened", async () => {
  const file = await Deno.makeTempFile({ suffix: ".db" });
  try {
    await using store = new Store(file);
    {
      using db = new DatabaseSync(file);
      db.exec(
        "create trigger full before insert on orders when new.quantity = 2 begin " +
          "select raise(rollback, 'the disk is full'); end",
      );
    }
    const order = (quantity: number): Order => ({ id: quantity, sku: "phone", quantity });
    await assertRejects(() => store.commit([order(1), order(2)], false), Error, "the disk is full");
    assertEquals(await store.commit([order(1)], false), []);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("whoever looks into the database keeps a commit waiting, and does not make it fail", async () => {
  const file = await Deno.makeTempFile({ suffix: ".db" });
  try {
    await using store = new Store(file);
    using reader = new DatabaseSync(file);
    reader.exec("begin; select * from orders;");
    const commit = store.commit([{ id: 1, sku: "phone", quantity: 1 }], false);
    setTimeout(() => reader.exec("commit"), 50);
    assertEquals(await commit, []);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("a shop whose owner is no more closes; one that is no more can be killed, and tells how it ended", async () => {
  const file = await Deno.makeTempFile({ suffix: ".db" });
  const permissions = ["--allow-net=127.0.0.1", "--allow-read", "--allow-write"];
  try {
    // Not the process that has started it.
    await using alone = new Child("./shop.ts", ["tuned", file, "1"], permissions);
    await alone.next();
    await alone.next();
    assertEquals((await alone.ended()).code, 0);

    await using shop = openShop("tuned", file);
    await shop.next();
    shop.kill("SIGKILL");
    await shop.ended();
    shop.kill("SIGTERM");
    await assertRejects(() => shop.next(), Error, "has ended early: SIGKILL");
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("the database keeps SQLite's durable defaults", () => {
  const file = Deno.makeTempFileSync({ suffix: ".db" });
  try {
    openDatabase(file).close();
    using db = new DatabaseSync(file);
    assertEquals({ ...db.prepare("pragma journal_mode").get() }, { journal_mode: "delete" });
    assertEquals({ ...db.prepare("pragma synchronous").get() }, { synchronous: 2 });
  } finally {
    Deno.removeSync(file);
  }
});

function trialOf(name: "first" | "tuned", outcomes: Outcome[], commits: number): Trial {
  return {
    name,
    sales: { since: 1_000_000, outcomes },
    load: {
      port: 0,
      burstRate: 4,
      burstSeconds: 1,
      calmRate: 1,
      calmBefore: 0,
      calmAfter: 1,
      connections: 1,
    },
    shop: {
      // The shop was open before the load began.
      samples: [
        { at: 999_900, depth: 3, commits: 10 },
        { at: 1_000_999, depth: 2, commits: 10 + commits },
        { at: 1_001_500, depth: 0, commits: 20 + commits },
      ],
      warnings: 0,
      overloads: 0,
    },
    faults: [],
  };
}

Deno.test("figures count accepted orders of the burst, and latency from when an order was due", () => {
  const outcomes: Outcome[] = [[1, 0, 100, 201], [2, 250, 850, 201], [3, 500, 510, 503], [
    4,
    750,
    1050,
    201,
  ]];
  const first = trialOf("first", outcomes, 3);
  assertEquals(figuresOf(first), {
    throughput: 2,
    meanLatency: 1000 / 3,
    p99Latency: 600,
    accepted: 3,
    rejected: 1,
    ordersPerCommit: 2 / 3,
  });
  assertEquals(slicesOf(first, 1000), [
    { throughput: 2, latency: 350, depth: 3 },
    { throughput: 1, latency: 300, depth: 2 },
  ]);
  const tuned = trialOf("tuned", [[1, 0, 40, 201]], 1);
  assertStringIncludes(tableOf(first, tuned), "mean latency, ms");
  assertMatch(tableOf(first, tuned), /8\.0 x +333 +40 +8\.3 x\n/);
  assertStringIncludes(flashSaleChart([first, tuned]), "</svg>");
  // Nothing at all must not break the picture.
  assertStringIncludes(flashSaleChart([trialOf("first", [], 0), trialOf("tuned", [], 0)]), "M");
});
