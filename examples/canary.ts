/**
 * A canary release, as a service mesh does it: of the requests to a service 90 % go to version v1, and
 * 10 % to v2. The canary is given more, step by step, as long as it does well, until it has all. Then
 * v3 is released, which does well while it has little to do, and fails under load: it is taken back
 * without anybody's help, and no user gets an error.
 *
 * The time is that of a clock that the program moves itself, so that half a minute passes in a moment,
 * and each run prints the same. A real program leaves `clock` out.
 *
 *     deno run examples/canary.ts
 *
 * @module
 */
import { Canary, type CanaryResult, Router, WeightedSplit } from "@sluice/sluice/flow";
import { ManualClock } from "@sluice/sluice/tasks";

type Version = "v1" | "v2" | "v3";

const clock = new ManualClock();
const split = new WeightedSplit<Version>({ v1: 90, v2: 10 });

/** A version that takes so long for a request, and fails if more than `most` come at a time. */
function version(name: Version, ms: number, most = Infinity): () => Promise<string> {
  let running = 0;
  return async () => {
    const fails = ++running > most;
    await new Promise<void>((resolve) => void clock.after(ms, resolve));
    running--;
    if (fails) throw new Error(`${name}: 500, no connection left`);
    return `${name}: 200 OK`;
  };
}

let secondAttempts = 0;
let errorsSeen = 0;
const router = new Router({
  routes: { v1: version("v1", 20), v2: version("v2", 12), v3: version("v3", 15, 1) },
  choose: split,
  fallback: () => {
    secondAttempts++;
    return "200 OK, at the second attempt";
  },
  clock,
});

/** A second of traffic: 200 requests, four milliseconds apart. Says how many each version was sent. */
async function second(): Promise<void> {
  const before = router.stats();
  const answers: Promise<string>[] = [];
  for (let i = 0; i < 200; i++) {
    answers.push(router.run(`GET /${i}`));
    await clock.advance(4);
  }
  await clock.advance(199);
  const results = await Promise.allSettled(answers);
  errorsSeen += results.filter(({ status }) => status === "rejected").length;
  const after = router.stats();
  const counts = (["v1", "v2", "v3"] as const)
    .map((name) => `${name} ${String(after[name].total - before[name].total).padStart(3)}`);
  console.log(`    requests: ${counts.join(", ")}`);
  // Steps end, and begin, with the last millisecond.
  await clock.advance(1);
}

async function release(stable: Version, canary: Version): Promise<void> {
  console.log(`release of ${canary}:`);
  const run = new Canary({
    ...{ split, router, stable, canary, clock },
    ...{ steps: [10, 25, 50, 100], interval: 2_000, minCalls: 30 },
    ...{ maxErrorShare: 0.05, maxLatency: 50 },
    onStep: ({ percent }) => console.log(`  ${percent} % for ${canary}`),
  }).run();
  let result: CanaryResult | undefined;
  void run.then((value) => result = value);
  while (result === undefined) await second();
  report(canary, result);
}

function report(version: Version, { outcome, reason, percent, canary }: CanaryResult): void {
  const { calls, errors, p99 } = canary;
  console.log(
    outcome === "promoted"
      ? `  ${version} is promoted: ${errors} errors in the last ${calls} calls, p99 ${p99} ms`
      : `  ${version} is rolled back at ${percent} %: ${reason}, ${errors} of ${calls} calls`,
  );
}

console.log("before:");
await second();
await release("v1", "v2");
await release("v2", "v3");
console.log("after:");
await second();
console.log(`weights: ${JSON.stringify(Object.fromEntries(split.weights))}`);
console.log(
  `served at the second attempt: ${secondAttempts}, errors that a user saw: ${errorsSeen}`,
);
