/**
 * Job queues on a NATS server with JetStream: durable, and shared by the processes of many hosts.
 *
 * The server is started with `nats-server -js`; a program needs `--allow-net=HOST:PORT` and nothing else.
 *
 * @example
 * ```ts ignore
 * // Needs a server: nats-server -js
 * import { natsJobs } from "@sluice/sluice/jobs/nats";
 *
 * await using mails = await natsJobs<{ to: string }>("nats://127.0.0.1:4222", { name: "mails" });
 * await mails.put({ to: "ada@example.com" });
 * await using job = await mails.get();
 * await job.done();
 * ```
 *
 * @module
 */
export type { NatsAuthenticator, NatsConnectionOptions, NatsTlsOptions } from "./connection.ts";
export { natsJobs, type NatsJobsOptions } from "./nats_jobs.ts";
