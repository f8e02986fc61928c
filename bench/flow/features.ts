/**
 * What flow control and its peers can do. Each cell was read in the package that is installed, or seen by
 * running it; `claims.ts` has what can be seen again.
 *
 * @module
 */

/** One table: what is asked, and the answer of each. */
export interface FeatureTable {
  readonly title: string;
  /** Whose answers the cells of a row are, in their order. */
  readonly of: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** All tables, in the order of the page. */
export const features: readonly FeatureTable[] = [
  {
    title: "Rate limits",
    of: ["Sluice", "bottleneck", "p-throttle", "p-queue"],
    rows: [
      ["token bucket", "`TokenBucket`, to the token", "in steps of 250 ms", "no", "no"],
      [
        "exact sliding window",
        "`SlidingWindow`",
        "no",
        "`strict`, while timers are on time",
        "`strict`",
      ],
      ["fixed windows: cheap, and twice the limit at their edge", "no", "yes", "yes", "yes"],
      ["time between two starts", "`burst: 1`", "`minTime`", "`limit: 1`", "`intervalCap: 1`"],
      [
        "limit of what runs at a time, too",
        "a `Bulkhead`, by `compose`",
        "`maxConcurrent`",
        "no",
        "`concurrency`",
      ],
      [
        "other limits while it runs",
        "`setRate`, `setLimit`",
        "`updateSettings`",
        "no",
        "of `concurrency` alone",
      ],
      [
        "calls of several units",
        "`acquireMany`; `run` takes one",
        "`weight`",
        "`weight`",
        "no",
      ],
      [
        "take, or hear no at once",
        "`tryAcquire`",
        "no; `highWater: 0` refuses some ms later",
        "no; `queueSize` tells",
        "no; `isRateLimited` tells",
      ],
      ["when to come again", "`retryAfter`", "no", "no", "no"],
      [
        "who comes first is served first",
        "yes, a big request too",
        "within a priority",
        "yes; strict with weights, small ones may pass",
        "within a priority",
      ],
      ["priorities", "no", "0 to 9", "no", "any number"],
      [
        "cancel one call that waits",
        "signal or context",
        "no",
        "no: one signal for all",
        "signal",
      ],
      [
        "timeout of one call",
        "of waiting and job together",
        "`expiration`, of the job",
        "no",
        "of the job",
      ],
      ["the job is told to stop", "its context ends", "no", "no", "its signal aborts"],
      [
        "bound of the line",
        "no; by `compose`, a `Bulkhead` with one",
        "`highWater`, four strategies",
        "no",
        "no; `onSizeLessThan` waits",
      ],
      ["a limit for each key", "`KeyedLimiter`", "`Group`", "no", "no"],
      [
        "keys are forgotten",
        "as soon as they are as new; `maxKeys`",
        "after 5 idle minutes, or as is said",
        "-",
        "-",
      ],
      ["one limit for several processes", "no", "over Redis", "no", "no"],
      ["pause", "no", "no", "`isEnabled = false` lets all through", "`pause`, `start`"],
      ["the job has the AsyncLocalStorage of its caller", "yes", "no", "yes", "yes"],
    ],
  },
  {
    title: "Batches",
    of: ["Sluice", "bottleneck", "dataloader"],
    rows: [
      ["a result for each caller", "yes", "no: told of the hand-over alone", "yes"],
      ["an error for one item", "`Failed`", "no", "an `Error` in its place"],
      ["by count", "`maxCount`", "`maxSize`", "`maxBatchSize`"],
      ["by weight", "`maxWeight`", "no", "no"],
      ["by time", "`linger`", "`maxTime`", "`batchScheduleFn`, which you write"],
      ["so many batches at a time", "`concurrency`", "no", "no"],
      ["backpressure of callers", "`capacity`, `trySubmit`", "no", "no"],
      ["hand over now", "`flush`", "no", "by `batchScheduleFn`"],
      ["another attempt for those that failed", "`retry`", "no", "no"],
      ["cancel one item", "signal or context: taken back", "no", "no"],
      ["the handler is told when nobody waits any more", "its context ends", "no", "no"],
      ["end: finish what was submitted", "`shutdown`, `await using`", "no", "no"],
      ["how it is doing", "`stats()`", "no", "no"],
      ["one load for equal keys, and a cache", "no", "no", "yes; `prime`, `clear`"],
      ["the last value of each key, written later", "`WriteBehind`", "no", "no"],
    ],
  },
  {
    title: "Circuit breakers",
    of: ["Sluice", "opossum"],
    rows: [
      ["opens at a share of errors in a rolling window", "`errorShare`", "yes"],
      ["and not before so many calls", "`minCalls`", "`volumeThreshold`"],
      ["opens at a share of slow calls", "`slowerThan`, `slowShare`", "no"],
      ["which errors count", "`isFailure`", "`errorFilter`"],
      ["trial calls when half open", "`halfOpenCalls`", "one"],
      [
        "a trial that never ends",
        "has failed after `trialFor`",
        "keeps it half open, unless it has a `timeout`",
      ],
      [
        "calls from before it opened",
        "count no more",
        "one that succeeds late closes it, if it is half open",
      ],
      ["a caller who leaves", "neither success nor failure", "no call can be left"],
      ["timeout", "of each call", "one for all calls"],
      ["fallback", "of each call", "one for the breaker; may be another breaker"],
      ["by hand", "`trip`, `reset`", "`open`, `close`, `enable`, `disable`"],
      ["when to come again", "`retryAfter`, on the error too", "no"],
      ["timers of one that is closed", "none", "two; one for all breakers if you emit it"],
      ["percentiles of latency", "no; a `Router` has them", "yes"],
      ["regular health check", "no", "`healthCheck`"],
      ["state and counts saved and restored", "no", "`toJSON`, `state`, `status`"],
      ["warm-up without opening", "no", "`allowWarmUp`"],
      ["cache, and one call for equal ones", "no", "`cache`, `coalesce`"],
      ["events", "`onChange`", "16"],
      ["metrics for Prometheus", "no", "in a package of its own"],
    ],
  },
  {
    title: "Bulkheads",
    of: ["Sluice", "bottleneck", "p-queue", "opossum"],
    rows: [
      [
        "so many at a time",
        "`Bulkhead`",
        "`maxConcurrent`",
        "`concurrency`",
        "`capacity`",
      ],
      [
        "the line before it",
        "`capacity`, then refuses",
        "endless, or `highWater`",
        "endless",
        "none: refuses",
      ],
      ["cancel one call that waits", "signal or context", "no", "signal", "-"],
      [
        "the place of a job that runs on after its timeout",
        "is taken until it ends",
        "is free at once",
        "is free at once",
        "is free at once",
      ],
      ["priorities, weights", "no", "both", "priorities", "no"],
      ["another limit while it runs", "`resize`", "`updateSettings`", "`concurrency`", "no"],
      [
        "end: finish what waits",
        "no: disposing rejects it",
        "`stop`",
        "`onIdle`",
        "no: `shutdown` refuses",
      ],
    ],
  },
  {
    title: "All of it",
    of: ["Sluice", "bottleneck", "p-throttle", "p-queue", "dataloader", "opossum"],
    rows: [
      ["retries", "`retrying`, around any", "by its event `failed`", "no", "no", "no", "no"],
      [
        "one around another",
        "`compose`",
        "`chain` of limiters",
        "by hand",
        "by hand",
        "by hand",
        "by hand",
      ],
      [
        "one end for all of it",
        "`parent`: context or signal",
        "no",
        "`signal`",
        "no",
        "no",
        "no",
      ],
      [
        "how it is doing",
        "`stats()`",
        "`counts`, `jobs`, events",
        "`queueSize`",
        "`size`, `pending`, events …",
        "no",
        "`stats`, events",
      ],
      ["a clock of your own, for tests", "`clock`", "no", "no", "no", "no", "no"],
      ["dependencies", "0", "0", "0", "0", "0", "0"],
      ["modules", "ES", "CommonJS", "ES", "ES", "CommonJS", "CommonJS"],
      ["types", "own", "own", "own", "own", "own", "@types/opossum, of version 8"],
      ["license", "MIT", "MIT", "MIT", "MIT", "MIT", "Apache-2.0"],
      [
        "latest release",
        "none yet",
        "2.19.5, in 2020 at the latest",
        "8.1.1, 2026-09",
        "10.0.0, 2026-10",
        "2.2.3, 2024-12",
        "10.0.0, 2026-07",
      ],
    ],
  },
];

/** What peers have, and Sluice has not; the first words of each are the peer's. */
export const missing: readonly string[] = [
  "bottleneck: one limit for several processes, over Redis; priorities, weights and four strategies " +
  "for a line that is full; years of use.",
  "p-throttle, p-queue: fixed windows, which need no log; p-queue: priorities, pause, events.",
  "dataloader: one load for equal keys, with a cache. A `Batcher` hands equal items over twice.",
  "opossum: percentiles, health checks, saved state, a cache, calls that are joined, events for " +
  "everything, and exporters for Prometheus and Hystrix.",
  "A `run` of a rate limiter is for one unit; more take `acquireMany` before the job.",
  "A `Bulkhead` has no graceful end, and what a breaker goes by cannot be changed.",
];
