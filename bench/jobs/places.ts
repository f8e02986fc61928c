/**
 * Where the contestants find what they share, told by the bench in the environment.
 *
 * @module
 */

/** Their names in the environment. */
export const places = {
  directory: "JOBS_BENCH_DIRECTORY",
  nats: "JOBS_BENCH_NATS",
  redis: "JOBS_BENCH_REDIS",
  bullmq: "JOBS_BENCH_BULLMQ",
} as const;

function place(name: string): string {
  const value = Deno.env.get(name);
  if (value === undefined) throw new Error(`${name} is not in the environment`);
  return value;
}

/** For files. */
export const directory = (): string => place(places.directory);

/** The NATS server, as "HOST:PORT". */
export const nats = (): string => place(places.nats);

/** The port of Redis on 127.0.0.1. */
export const redis = (): number => Number(place(places.redis));

/** Where BullMQ is installed. */
export const bullmq = (): string => place(places.bullmq);
