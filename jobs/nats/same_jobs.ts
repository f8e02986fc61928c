/**
 * Acknowledgements that are to be repeated, and whether they still mean the same jobs.
 *
 * An acknowledgement names a job by its place in the stream. Servers that have lost the end of a stream, as
 * those of a cluster of version 2.9 do when they are killed, store other jobs at the same places: whoever
 * repeats an acknowledgement to them then finishes a job that nobody has seen. So it is repeated only while
 * the job that is there was stored when ours was.
 *
 * @module
 */
import type { Api } from "./api.ts";
import type { Part, Recheck } from "./link.ts";
import { trackingOf } from "./nats_delivery.ts";

/** Milliseconds after which it is looked again. */
const PATIENCE = 5_000;

/** Keeps the acknowledgements of jobs that are still in this stream. */
export function sameJobs(api: Api, stream: string): Recheck {
  const isThere = async ({ subject }: Part): Promise<boolean> => {
    const { seq, storedAt } = trackingOf(subject);
    const found = await api.message(stream, { seq }, performance.now() + PATIENCE);
    // Nanoseconds, of which a number would round the last: the milliseconds are what stands before them.
    return found !== undefined && found.time === Number(storedAt.slice(0, -6));
  };
  return async (parts) => {
    const there = await Promise.all(parts.map(isThere));
    return parts.filter((_, at) => there[at]);
  };
}
