/**
 * What the feature tables say of behaviour, seen by running: each question is put to ours and to peers,
 * and the answer compared with what the tables say.
 *
 *     deno run --allow-env bench/flow/claims.ts
 *
 * @module
 */
import Bottleneck from "bottleneck";
import DataLoader from "dataloader";
import PQueue from "p-queue";
import pThrottle from "p-throttle";
import {
  Batcher,
  Bulkhead,
  CircuitBreaker,
  Failed,
  KeyedLimiter,
  SlidingWindow,
  TokenBucket,
} from "../../flow/mod.ts";
import { type Job, noop, sleep } from "./contest.ts";
import { opossum, type OpossumBreaker } from "./opossum.ts";
import {
  forgetsKeys,
  type Guard,
  holdsInBursts,
  holdsWhenLate,
  ignoresLateSuccess,
  keepsAsyncContext,
  keepsPlaces,
  OPEN_FOR,
  outlivesHangingTrial,
  type Run,
  servesInOrder,
  tellsEachItem,
} from "./questions.ts";

/** A question, and whom it is put to. */
export interface Claim {
  readonly what: string;
  readonly ask: Readonly<Record<string, () => Promise<boolean>>>;
  /** Those of whom the tables say yes. */
  readonly yes: readonly string[];
}

function throttled(options: { limit: number; interval: number; strict: boolean }): Run {
  return pThrottle(options)((job: Job) => job());
}

function queued(intervalCap: number, interval: number, strict: boolean): Run {
  const queue = new PQueue({ intervalCap, interval, strict });
  return (job) => queue.add(job);
}

function windowed(limit: number, window: number): Run {
  const limiter = new SlidingWindow({ limit, window });
  return (job) => limiter.run(job);
}

function ourBreaker(): Guard {
  const breaker = new CircuitBreaker({ openFor: OPEN_FOR, trialFor: 30 });
  return {
    run: (job) => breaker.run(job),
    open: () => breaker.trip(),
    isClosed: () => breaker.state === "closed",
    end: () => {},
  };
}

function theirBreaker(): Guard {
  const breaker: OpossumBreaker = opossum({ timeout: false, resetTimeout: OPEN_FOR });
  return {
    run: (job) => breaker.fire(job),
    open: () => breaker.open(),
    isClosed: () => breaker.closed,
    end: () => breaker.shutdown(),
  };
}

function emitting(): (item: number) => Promise<void> {
  const batcher = new Bottleneck.Batcher({ maxSize: 2 });
  batcher.on("batch", () => {
    throw new Error("no");
  });
  batcher.on("error", () => {});
  return (item) => batcher.add(item);
}

function bucketed(): Promise<boolean> {
  const limiter = new KeyedLimiter<string>(() => new TokenBucket({ rate: 1, per: 100 }));
  return forgetsKeys((key) => limiter.acquire(key), () => limiter.keys);
}

async function grouped(): Promise<boolean> {
  const group = new Bottleneck.Group({ timeout: 50 });
  const hasForgotten = await forgetsKeys(
    (key) => group.key(key).schedule(noop),
    () => group.keys().length,
  );
  // Its interval has no other end.
  clearInterval((group as unknown as { interval: number }).interval);
  return hasForgotten;
}

function one(): Bottleneck {
  return new Bottleneck({ maxConcurrent: 1 });
}

/** All of them. */
export const claims: readonly Claim[] = [
  {
    what: "the limit holds in every interval, though calls come in bursts",
    ask: {
      "Sluice": () => holdsInBursts(windowed(5, 200)),
      "p-throttle": () => holdsInBursts(throttled({ limit: 5, interval: 200, strict: false })),
      "p-throttle, strict": () =>
        holdsInBursts(throttled({ limit: 5, interval: 200, strict: true })),
      "p-queue": () => holdsInBursts(queued(5, 200, false)),
      "p-queue, strict": () => holdsInBursts(queued(5, 200, true)),
    },
    yes: ["Sluice", "p-throttle, strict", "p-queue, strict"],
  },
  {
    what: "it holds, though the event loop stood still for a time",
    ask: {
      "Sluice": () => holdsWhenLate(windowed(1, 50)),
      "p-throttle, strict": () =>
        holdsWhenLate(throttled({ limit: 1, interval: 50, strict: true })),
      "p-queue, strict": () => holdsWhenLate(queued(1, 50, true)),
    },
    yes: ["Sluice", "p-queue, strict"],
  },
  {
    what: "a big call is not passed by a small one behind it",
    ask: {
      "Sluice": () => {
        const limiter = new SlidingWindow({ limit: 10, window: 50 });
        return servesInOrder(async (units, job) => {
          await limiter.acquireMany(units);
          await job();
        });
      },
      "p-throttle, strict": () =>
        servesInOrder(
          pThrottle({ limit: 10, interval: 50, strict: true, weight: (units: number) => units })(
            (_units: number, job: Job) => job(),
          ),
        ),
    },
    yes: ["Sluice"],
  },
  {
    what: "the job has the AsyncLocalStorage of its caller",
    ask: {
      "Sluice": () => {
        const bulkhead = new Bulkhead({ limit: 1, capacity: 8 });
        return keepsAsyncContext((job) => bulkhead.run(job));
      },
      "bottleneck": () => {
        const limiter = one();
        return keepsAsyncContext((job) => limiter.schedule(job));
      },
      "p-throttle": () => keepsAsyncContext(throttled({ limit: 1, interval: 5, strict: false })),
      "p-queue": () => {
        const queue = new PQueue({ concurrency: 1 });
        return keepsAsyncContext((job) => queue.add(job));
      },
    },
    yes: ["Sluice", "p-throttle", "p-queue"],
  },
  {
    what: "a job that runs on after its timeout keeps its place",
    ask: {
      "Sluice": () => {
        const bulkhead = new Bulkhead({ limit: 1, capacity: 8 });
        return keepsPlaces((job) => bulkhead.run(job, { timeout: 10 }));
      },
      "bottleneck": () => {
        const limiter = one();
        return keepsPlaces((job) => limiter.schedule({ expiration: 10 }, job));
      },
      "p-queue": () => {
        const queue = new PQueue({ concurrency: 1 });
        return keepsPlaces((job) => queue.add(job, { timeout: 10 }));
      },
      "opossum": async () => {
        const breaker = opossum({ timeout: 10, capacity: 1, volumeThreshold: 100 });
        const isKept = await keepsPlaces(async (job) => {
          const first = breaker.fire(job).catch(() => {});
          await sleep(20);
          await Promise.all([first, breaker.fire(job)]);
        });
        breaker.shutdown();
        return isKept;
      },
    },
    yes: ["Sluice"],
  },
  {
    what: "a call from before the breaker opened does not close it",
    ask: {
      "Sluice": () => ignoresLateSuccess(ourBreaker()),
      "opossum": () => ignoresLateSuccess(theirBreaker()),
    },
    yes: ["Sluice"],
  },
  {
    what: "a trial call without a timeout that never ends does not keep it half open",
    ask: {
      "Sluice": () => outlivesHangingTrial(ourBreaker()),
      "opossum": () => outlivesHangingTrial(theirBreaker()),
    },
    yes: ["Sluice"],
  },
  {
    what: "an item of a batch has a result of its own, or an error",
    ask: {
      "Sluice": () => {
        const batcher = new Batcher<number, number>((items) =>
          items.map((item) => item > 0 ? item : new Failed(new Error("no")))
        );
        return tellsEachItem((item) => batcher.submit(item));
      },
      "bottleneck": () => tellsEachItem(emitting()),
      "dataloader": () => {
        const loader = new DataLoader<number, number>((items) =>
          Promise.resolve(items.map((item) => item > 0 ? item : new Error("no")))
        );
        return tellsEachItem((item) => loader.load(item));
      },
    },
    yes: ["Sluice", "dataloader"],
  },
  {
    what: "keys that are not used any more are forgotten",
    ask: { "Sluice": bucketed, "bottleneck": grouped },
    yes: ["Sluice", "bottleneck"],
  },
];

/** What was seen. */
export interface Sight {
  readonly what: string;
  readonly yes: readonly string[];
  readonly no: readonly string[];
  /** Those who do otherwise than the tables say. */
  readonly otherwise: readonly string[];
}

/** Puts all questions, or those to one alone. */
export async function look(whom?: string): Promise<Sight[]> {
  const sights: Sight[] = [];
  for (const { what, ask, yes } of claims) {
    const answers: [who: string, answer: boolean][] = [];
    for (const [who, question] of Object.entries(ask)) {
      if (whom === undefined || who === whom) answers.push([who, await question()]);
    }
    sights.push({
      what,
      yes: answers.filter(([, answer]) => answer).map(([who]) => who),
      no: answers.filter(([, answer]) => !answer).map(([who]) => who),
      otherwise: answers.filter(([who, answer]) => answer !== yes.includes(who)).map(([who]) =>
        who
      ),
    });
  }
  return sights;
}

if (import.meta.main) console.log(await look());
