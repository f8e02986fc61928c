/**
 * The benchmarks of the pool: that the workloads do what they say, and what is made of the figures. What
 * they measure is no matter of tests.
 *
 * @module
 */
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { jain, loads, type Run, strategies } from "../bench/pools/balancing.ts";
import { balancingChart, type Runs } from "../bench/pools/chart.ts";
import { poolWorkloads, queuedTasks, workloadsOf } from "../bench/pools/contest.ts";
import { poolReport } from "../bench/pools/report.ts";
import * as sluice from "../bench/pools/sluice.ts";
import * as unwatched from "../bench/pools/sluice_unwatched.ts";

Deno.test("our pool does all workloads, and their checks hold", async () => {
  for (const { workloads } of [sluice, unwatched]) {
    assertEquals(Object.keys(workloads), Object.keys(poolWorkloads));
    for (const workload of Object.values(workloads)) {
      const took = await workload!(50);
      assert(took === undefined || took >= 0);
    }
  }
});

Deno.test("the checks find a pool that loses tasks, or runs what was cancelled", async () => {
  const lazy = workloadsOf(() => ({ run: () => Promise.resolve() }));
  await assertRejects(() => lazy.P1!(3), Error, "3 were expected, and there were 0");
  await assertRejects(() => lazy.P2!(3), Error, "3 were expected, and there were 0");
  assertEquals([lazy.P5, lazy.P6], [undefined, undefined]);
  const deaf = workloadsOf(() => ({ run: (task) => task(), runUntil: (task) => task() }));
  const blocked = deaf.P6!(3);
  await assertRejects(() => blocked, Error, "0 were expected, and there were 3");
  assert(Array.isArray(queuedTasks(() => ({ run: () => Promise.resolve() }))(3)));
});

Deno.test("the loads ask as much of the workers, and a burst comes at one time", () => {
  const means = Object.values(loads).map(({ tasks }) =>
    tasks.reduce((sum, { takes }) => sum + takes, 0) / tasks.length
  );
  for (const mean of means) assertAlmostEquals(mean, 8, 1);
  const { tasks } = loads.bursty!;
  assertEquals(new Set(tasks.slice(0, 100).map(({ at }) => at)).size, 1);
  assertEquals(new Set(tasks.map(({ at }) => at)).size, 10);
});

Deno.test("Jain's index is 1 for equal shares, and 1/n if one has it all", () => {
  assertAlmostEquals(jain([0.3, 0.3, 0.3]), 1);
  assertAlmostEquals(jain([1, 0, 0, 0]), 0.25);
  assertEquals(jain([0, 0]), 1);
});

Deno.test("page and chart have each load and each strategy", () => {
  const run: Run = { throughput: 900, p50: 1.5, p99: 20, fairness: 0.99, stolen: 0.25 };
  const names = Object.keys(strategies);
  const runs: Runs = new Map(
    Object.keys(loads).map((load) => [load, new Map(names.map((name) => [name, run]))]),
  );
  const chart = balancingChart(runs);
  for (const name of [...names, ...Object.keys(loads)]) assert(chart.includes(name), name);
  const page = poolReport({
    runs,
    rounds: 5,
    costs: new Map(names.map((name) => [name, new Map([[8, 700], [64, 800]])])),
    samples: new Map([["P1", new Map([["Sluice", [1_000, 1_100]], ["p-queue", [4_000, 4_400]]])]]),
    memory: new Map([["Sluice", 416]]),
    faults: ["fastq in P1 (no reason)"],
  });
  for (const name of names) assert(page.includes(name), name);
  assert(page.includes("4400 (4.00)") || page.includes("4000 (4.00)"), page);
  assert(page.includes("Not measured: fastq in P1 (no reason)."));
});
