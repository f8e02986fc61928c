/**
 * The benchmarks: that each workload does what it says, and what is made of the samples. What they
 * measure is no matter of tests.
 *
 * @module
 */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { checkPrime, checkSum, shuffle } from "../bench/checks.ts";
import { type Contestant, type WorkloadName, workloads } from "../bench/contest.ts";
import * as fast from "../bench/fast.ts";
import { goals } from "../bench/goals.ts";
import { chart } from "../bench/harness/chart.ts";
import { quantile, ratio, show } from "../bench/harness/figures.ts";
import type { Samples } from "../bench/harness/race.ts";
import { bestPeer, FAST, GO, goalsMet, PLAIN, report } from "../bench/harness/report.ts";
import * as plain from "../bench/plain.ts";

const idioms: Readonly<Record<string, Contestant>> = { plain, fast };

for (const [idiom, contestant] of Object.entries(idioms)) {
  Deno.test(`the ${idiom} workloads run, and their checks hold`, async () => {
    for (const [name, workload] of Object.entries(contestant.workloads)) {
      const count = name === "W9" ? 100 : 800;
      const took = await workload(count);
      assert(took === undefined || took >= 0, name);
    }
  });
}

Deno.test("the plain idiom does all workloads, and each has a goal", () => {
  assertEquals(Object.keys(plain.workloads), Object.keys(workloads));
  assertEquals(Object.keys(goals), Object.keys(workloads));
});

Deno.test("the checks find what is lost", () => {
  checkSum(6, 4);
  assertThrows(() => checkSum(5, 4));
  assertThrows(() => checkPrime(7_918, 1_000));
  const numbers = Array.from({ length: 100 }, (_, i) => i);
  assertEquals(shuffle([...numbers]).toSorted((a, b) => a - b), numbers);
});

Deno.test("a ratio is the median over the rounds that both were measured in", () => {
  assertAlmostEquals(ratio([2, 30, 4], [1, 10, 4])!, 2);
  assertEquals(ratio([2, 2, 9], [1, 1]), 2);
  assertEquals([ratio(undefined, [1]), ratio([1], undefined), ratio([], [1])], [
    undefined,
    undefined,
    undefined,
  ]);
  assertEquals([0, 0.5, 1].map((share) => quantile([3, 1, 2], share)), [1, 2, 3]);
  assertEquals([1234.5, 12.34, 1.234, undefined].map(show), ["1235", "12.3", "1.23", "-"]);
});

const samples: Samples = new Map([
  [PLAIN, [20, 22, 21]],
  [FAST, [10, 11, 10]],
  [GO, [20, 20, 20]],
  ["slow peer", [90, 99, 95]],
  ["quick peer", [40, 44, 42]],
]);

Deno.test("the report compares with Go and with the best peer, and tells what was left out", () => {
  assertEquals(bestPeer(samples), "quick peer");
  const line = goalsMet("W1", samples);
  assert(line.includes("plain **1.05** (1.1), fast **0.50** (0.8)"), line);
  assert(line.includes("**0.50** (0.8) quick peer"), line);
  const contenders = [...samples.keys()].map((name) => ({ name, version: "1.0", command: [] }));
  const text = report({
    contenders,
    samples: new Map<WorkloadName, Samples>([["W1", samples]]),
    memory: new Map([["channel", new Map([[PLAIN, 190]])]]),
    growth: [{ what: "an operation", figures: [1, 2, 3, 4] }],
    faults: ["Python is not installed"],
  });
  for (
    const part of ["quick peer 1.0", "**21.0** (20.0–22.0)", "190", "| an operation |", "Python is"]
  ) {
    assert(text.includes(part), part);
  }
});

Deno.test("the chart has a dot for each contender, and is well-formed", () => {
  const contenders = [...samples.keys()].map((name) => ({ name, version: "", command: [] }));
  const svg = chart(contenders, new Map<WorkloadName, Samples>([["W1", samples], ["W2", samples]]));
  for (const name of samples.keys()) {
    if (name !== GO) assertEquals(svg.split(`<title>${name}: `).length - 1, 2, name);
  }
  for (const element of ["svg", "text", "circle", "title"]) {
    const opened = svg.match(new RegExp(`<${element}[ >]`, "g"))!.length;
    assertEquals(svg.split(`</${element}>`).length - 1, opened, element);
  }
});
