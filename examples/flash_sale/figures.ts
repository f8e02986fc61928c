import type { Outcome } from "./load.ts";
import type { Sample } from "./shop.ts";
import type { Trial } from "./trial.ts";

/** What the document's table has, and more. */
export interface Figures {
  /** Orders a second that were accepted during the burst. */
  readonly throughput: number;
  /** Milliseconds from when an accepted order was due to its answer; over the whole trial. */
  readonly meanLatency: number;
  readonly p99Latency: number;
  readonly accepted: number;
  readonly rejected: number;
  /** During the burst. */
  readonly ordersPerCommit: number;
}

/** The figures of a trial. */
export function figuresOf({ sales: { since, outcomes }, load, shop }: Trial): Figures {
  const accepted = outcomes.filter(isAccepted);
  const begin = load.calmBefore * 1000;
  const end = begin + load.burstSeconds * 1000;
  const inBurst = accepted.filter(([, , answered]) => answered >= begin && answered < end).length;
  const commits = sampleAt(shop.samples, since + end).commits -
    sampleAt(shop.samples, since + begin).commits;
  const latencies = accepted.map(latency).sort((a, b) => a - b);
  return {
    throughput: inBurst / load.burstSeconds,
    meanLatency: mean(latencies),
    p99Latency: percentile(latencies, 0.99),
    accepted: accepted.length,
    rejected: outcomes.length - accepted.length,
    ordersPerCommit: commits === 0 ? 0 : inBurst / commits,
  };
}

/** What happened in a stretch of time. */
export interface Slice {
  readonly throughput: number;
  /** undefined: nothing was accepted. */
  readonly latency: number | undefined;
  readonly depth: number;
}

/** The trial in slices of so many milliseconds. */
export function slicesOf(
  { sales: { since, outcomes }, load, shop }: Trial,
  every: number,
): Slice[] {
  const end = (load.calmBefore + load.burstSeconds + load.calmAfter) * 1000;
  const bins = Array.from({ length: Math.ceil(end / every) }, (): number[] => []);
  for (const outcome of outcomes.filter(isAccepted)) {
    bins[Math.floor(outcome[2] / every)]?.push(latency(outcome));
  }
  return bins.map((latencies, i) => ({
    throughput: latencies.length * 1000 / every,
    latency: latencies.length === 0 ? undefined : mean(latencies),
    depth: sampleAt(shop.samples, since + i * every).depth,
  }));
}

const NOTHING_YET: Sample = { at: 0, depth: 0, commits: 0 };

/** The last sample before a moment. */
function sampleAt(samples: readonly Sample[], moment: number): Sample {
  return samples.findLast(({ at }) => at < moment) ?? NOTHING_YET;
}

function isAccepted([, , , status]: Outcome): boolean {
  return status === 201;
}

function latency([, due, answered]: Outcome): number {
  return answered - due;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

/** Of values in ascending order. */
function percentile(values: readonly number[], share: number): number {
  return values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0;
}
