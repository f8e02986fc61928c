/**
 * The benchmarks of flow control: that each contestant does what is measured, that the checks would find
 * one that does not, and what is made of the figures. What they measure is no matter of tests.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { batchedItems, batchWorkloads } from "../bench/flow/batches.ts";
import * as bottleneck from "../bench/flow/bottleneck.ts";
import { claims } from "../bench/flow/claims.ts";
import {
  type FlowContestant,
  flowHoldings,
  flowWorkloads,
  noop,
  sampled,
} from "../bench/flow/contest.ts";
import * as dataloader from "../bench/flow/dataloader.ts";
import { features, missing } from "../bench/flow/features.ts";
import {
  type AnyBreaker,
  type AnyBulkhead,
  breakerWorkloads,
  queuedCalls,
  queueWorkloads,
  refusalWorkloads,
} from "../bench/flow/guards.ts";
import * as opossum from "../bench/flow/opossum.ts";
import * as opossumLean from "../bench/flow/opossum_lean.ts";
import * as pQueue from "../bench/flow/p_queue.ts";
import * as pQueueStrict from "../bench/flow/p_queue_strict.ts";
import * as pThrottle from "../bench/flow/p_throttle.ts";
import * as pThrottleStrict from "../bench/flow/p_throttle_strict.ts";
import { type AnyLimiter, limitedCalls, rateWorkloads } from "../bench/flow/rates.ts";
import { flowReport, shortfalls } from "../bench/flow/report.ts";
import * as sluice from "../bench/flow/sluice.ts";
import * as sluiceWindow from "../bench/flow/sluice_window.ts";
import { flowPeers } from "../bench/harness/contenders.ts";

async function play({ workloads }: FlowContestant, count: number): Promise<void> {
  for (const [name, workload] of Object.entries(workloads)) {
    const took = await workload(count);
    assert(took >= 0, name);
  }
}

Deno.test("our pieces do all workloads, and their checks hold", async () => {
  assertEquals(Object.keys(sluice.workloads), Object.keys(flowWorkloads));
  assertEquals(Object.keys(sluiceWindow.workloads), ["R1", "R2", "R3", "R4"]);
  assertEquals(Object.keys(sluice.holdings!), Object.keys(flowHoldings));
  for (const contestant of [sluice, sluiceWindow]) await play(contestant, 300);
});

const peers: Readonly<Record<string, readonly [FlowContestant, ...workloads: string[]]>> = {
  "bottleneck": [bottleneck, "R1", "B1", "H1", "H2"],
  "p-throttle": [pThrottle, "R1"],
  "p-throttle, strict": [pThrottleStrict, "R1"],
  "p-queue": [pQueue, "R1", "R4", "H1"],
  "p-queue, strict": [pQueueStrict, "R1", "R4"],
  "dataloader": [dataloader, "B1"],
  "opossum": [opossum, "C1", "C2", "C3", "H2", "G1"],
  "opossum, lean": [opossumLean, "C1", "C2", "C3", "H2", "G1"],
};

for (const [name, [contestant, ...workloads]] of Object.entries(peers)) {
  Deno.test(`${name} does its workloads, and their checks hold`, async () => {
    assertEquals(Object.keys(contestant.workloads), workloads);
    await play(contestant, name === "bottleneck" ? 20 : 300);
  });
}

Deno.test("what is weighed are so many calls that wait, and what keeps them", () => {
  let calls = 0;
  const run = (): Promise<void> => {
    calls++;
    return noop();
  };
  const limiter = { run, end: () => {} };
  assertEquals(limitedCalls(() => limiter)(3), limiter);
  // One is let through.
  assertEquals(calls, 4);
  const kept = queuedCalls(() => limiter)(3) as unknown[];
  assertEquals([kept[0], calls], [limiter, 4 + 64 + 3]);
});

Deno.test("all contestants take part", async () => {
  const contenders = await flowPeers();
  const names = ["Sluice", "Sluice, sliding window", ...Object.keys(peers)];
  assertEquals(contenders.map(({ name }) => name), names);
  for (const { name, version } of contenders) {
    assertEquals(/^\d+\.\d+\.\d+$/.test(version), !name.startsWith("Sluice"), name);
  }
});

Deno.test("the checks find a rate limiter that does not limit, or refuses what is to wait", async () => {
  const end = (): void => {};
  const endless = rateWorkloads(() => ({ run: (job) => job(), end }));
  await assertRejects(
    () => endless.R1!(3),
    Error,
    "runs within a limit of 2: 2 were expected, not 3",
  );
  const lazy = rateWorkloads(() => ({ run: () => Promise.resolve(), end }));
  await assertRejects(() => lazy.R1!(3), Error, "2 were expected, not 0");
  const impatient = rateWorkloads((limit) => {
    let left = limit;
    return {
      run: (job) => left-- > 0 ? job() : Promise.reject(new Error("no")),
      end,
    };
  });
  await assertRejects(() => impatient.R1!(3), Error, "calls that have ended within a limit of 2");
  assertEquals([endless.R2, endless.R3, endless.R4], [undefined, undefined, undefined]);
});

Deno.test("the checks find a limiter that runs what was cancelled, or lets it not wait", async () => {
  type RunUntil = NonNullable<AnyLimiter["runUntil"]>;
  const limiterWith = (runUntil: RunUntil): ReturnType<typeof rateWorkloads> =>
    rateWorkloads((limit) => {
      let left = limit;
      const waiting: (() => void)[] = [];
      return {
        run: async (job) => {
          if (left-- <= 0) await new Promise<void>((resolve) => waiting.push(resolve));
          await job();
        },
        runUntil,
        end: () => waiting.forEach((wake) => wake()),
      };
    });
  const deaf = limiterWith((job, signal) =>
    new Promise((resolve) => signal.addEventListener("abort", () => resolve(job())))
  );
  await assertRejects(() => deaf.R4!(3), Error, "runs of cancelled calls: 0 were expected, not 3");
  const hasty = limiterWith((job) => job());
  await assertRejects(() => hasty.R4!(3), Error, "calls that wait: 3 were expected, not 0");
  const rude = limiterWith(() => Promise.reject(new Error("no")));
  await assertRejects(() => rude.R4!(3), Error, "calls that wait: 3 were expected, not 0");
});

Deno.test("the checks find a batcher that loses, mixes up, or does not gather", async () => {
  const silent = batchWorkloads(() => ({ submit: () => Promise.resolve() }), false);
  await assertRejects(() => silent.B1(3), Error, "items: 3 were expected, not 0");
  const single = batchWorkloads((handle) => ({
    submit: (item) => {
      handle([item]);
      return Promise.resolve(item);
    },
  }), true);
  await assertRejects(() => single.B1(3), Error, "batches: 1 were expected, not 3");
  assertEquals(await single.B1(1) >= 0, true);
  const mixed = batchWorkloads((handle) => ({
    submit: (item) => {
      handle([item]);
      return Promise.resolve(7);
    },
  }), true);
  await assertRejects(() => mixed.B1(1), Error, "the result of an item: 0 were expected, not 7");
  const kept = { submit: () => Promise.resolve() };
  assertEquals(batchedItems(() => kept)(3), kept);
});

Deno.test("the checks find a breaker that does not open, or too early, or runs what it refuses", async () => {
  const breaker: AnyBreaker = {
    run: (job) => job(),
    open: () => {},
    isOpen: () => false,
    end: () => {},
  };
  const never = breakerWorkloads(() => breaker);
  await assertRejects(() => never.C1(3), Error, "it is not open after ten failures");
  const always = breakerWorkloads(() => ({ ...breaker, isOpen: () => true }));
  await assertRejects(() => always.C2(3), Error, "it is open after 0 failures");
  let failures = 0;
  const leaky = breakerWorkloads(() => ({
    ...breaker,
    run: (job) => {
      failures++;
      return job();
    },
    isOpen: () => failures >= 10,
  }));
  await assertRejects(() => leaky.C3(3), Error, "runs until it was open: 10 were expected, not 11");
});

Deno.test("the checks find a bulkhead that does not hold, or refuses what is to wait", async () => {
  const open = (): AnyBulkhead => ({ run: (job) => job(), end: () => {} });
  await assertRejects(() => queueWorkloads(open).H1(3), Error, "jobs beyond the limit");
  await assertRejects(() => refusalWorkloads(open).H2(3), Error, "jobs beyond the limit");
  const strict = (limit: number): AnyBulkhead => {
    let left = limit;
    return {
      run: (job) => left-- > 0 ? job() : Promise.reject(new Error("no")),
      end: () => {},
    };
  };
  await assertRejects(() => queueWorkloads(strict).H1(3), Error, "refused jobs");
});

Deno.test("one that does some of them is given the time that all would take", async () => {
  const counts: number[] = [];
  const workload = sampled(20, (count) => {
    counts.push(count);
    return Promise.resolve(count * 2);
  });
  assertEquals([await workload(1_000), await workload(5), counts], [2_000, 10, [20, 5]]);
});

Deno.test("each row of the feature tables has a cell for each, and releases are those installed", async () => {
  for (const { title, of, rows } of features) {
    for (const row of rows) {
      assertEquals(row.length, of.length + 1, `${title}: ${row[0]}`);
      assert(row.every((cell) => cell !== "" && !cell.includes("|")), `${title}: ${row[0]}`);
    }
    assertEquals(new Set(rows.map(([what]) => what)).size, rows.length, title);
  }
  const { of, rows } = features.at(-1)!;
  const releases = rows.find(([what]) => what === "latest release")!.slice(1);
  const { imports } = JSON.parse(await Deno.readTextFile("deno.json"));
  for (const [i, name] of of.entries()) {
    if (name === "Sluice") continue;
    assert(releases[i]!.startsWith(`${imports[name].split("@").at(-1)},`), name);
    assert(missing.some((line) => line.includes(name)), name);
  }
});

Deno.test("each question is put to ours, which can; and what needs no time is answered as the tables say", async () => {
  for (const { what, ask, yes } of claims) {
    assertEquals([Object.keys(ask)[0], yes[0]], ["Sluice", "Sluice"], what);
    assert(yes.every((who) => who in ask), what);
  }
  const quick = ["AsyncLocalStorage", "does not close it", "result of its own"];
  for (const part of quick) {
    const { ask, yes } = claims.find(({ what }) => what.includes(part))!;
    for (const [who, question] of Object.entries(ask)) {
      assertEquals(await question(), yes.includes(who), `${part}: ${who}`);
    }
  }
});

Deno.test("the page has all tables, and says where peers are quicker and what was not measured", () => {
  const samples = new Map([
    ["R1" as const, new Map([["Sluice", [1_000, 1_200]], ["p-throttle", [250, 300]]])],
    ["H1" as const, new Map([["Sluice", [1_000, 1_000]], ["p-queue", [950, 960]]])],
  ]);
  const memory = new Map([
    ["queued" as const, new Map([["Sluice", 400], ["p-queue", 900], ["bottleneck", 100]])],
  ]);
  assertEquals(shortfalls(samples, memory), [
    "R1: p-throttle takes 0.25 times what Sluice takes.",
    "Memory, a call that waits for a place in a bulkhead: bottleneck takes 0.25 times what Sluice takes.",
  ]);
  const page = flowReport({
    date: "2026-11-28",
    contenders: [
      { name: "Sluice", version: "", command: [] },
      { name: "p-queue", version: "10.0.0", command: [] },
      { name: "p-queue, strict", version: "10.0.0", command: [] },
    ],
    samples,
    memory,
    sights: [{ what: "it holds", yes: ["Sluice"], no: ["p-queue"], otherwise: ["p-queue"] }],
    adaptive: "| load |\n| --- |",
    overhead: { plain: 500, adaptive: 550 },
    faults: ["dataloader in B1 (no reason)"],
  });
  const parts = [
    ...features.map(({ title }) => `### ${title}`),
    ...missing,
    "### R1: calls through a rate limit",
    "| p-throttle | **300** | 250–300 | 0.25 |",
    "| it holds | Sluice | p-queue |",
    "Not as the tables above say: it holds: p-queue.",
    "Peers: p-queue 10.0.0.",
    "| p-queue | 900 |",
    "| load |",
    "take 500 ns without it, and 550 ns with it",
    "- R1: p-throttle takes 0.25 times what Sluice takes.",
    "Not measured: dataloader in B1 (no reason).",
  ];
  for (const part of parts) assert(page.includes(part), part);
});
