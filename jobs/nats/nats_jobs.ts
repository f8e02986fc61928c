/**
 * Opens a job queue on a NATS server.
 *
 * @module
 */
import { checkCount, checkOptions, show } from "../../core/check.ts";
import { codecOf } from "../codec.ts";
import { JobQueueError } from "../errors.ts";
import { JobHandle } from "../handle.ts";
import { type JobQueueOptions, settingsOf } from "../job_options.ts";
import type { JobQueue } from "../job_queue.ts";
import { Api, errorOf } from "./api.ts";
import { connectionOptionsOf, type NatsConnectionOptions, openConnection } from "./connection.ts";
import { refusedBy, unsupported } from "./failures.ts";
import { Layout } from "./layout.ts";
import { Link } from "./link.ts";
import { Names } from "./names.ts";
import { NatsEngine } from "./nats_engine.ts";

/**
 * How a job queue on a NATS server is to be.
 *
 * @typeParam T The type of the values.
 *
 * @example
 * ```ts
 * import type { NatsJobsOptions } from "@sluice/sluice/jobs/nats";
 *
 * const options: NatsJobsOptions<{ to: string }> = {
 *   name: "mails",
 *   capacity: 10_000,
 *   replicas: 3,
 *   connection: { user: "mailer", pass: "secret" },
 * };
 * console.log(options.replicas);
 * ```
 */
export interface NatsJobsOptions<T> extends JobQueueOptions<T> {
  /** On how many servers of the cluster each job is stored, 1 to 5; 1 if left out. */
  readonly replicas?: number | undefined;
  /** Who comes, and how; passed on to the NATS client. */
  readonly connection?: NatsConnectionOptions | undefined;
  /** Changes the options of a queue that is there already, where that is possible; false if left out. */
  readonly update?: boolean | undefined;
}

/**
 * Opens a job queue on a NATS server with JetStream: durable, and shared by all who can reach the server.
 * `servers` is an address like `nats://127.0.0.1:4222`, which may carry `user:pass@`, or those of a cluster.
 *
 * @typeParam T The type of the values.
 * @throws TypeError or RangeError if an option is not what it may be: the promise rejects with it.
 * @throws JobQueueError if the server cannot be reached, does not accept the credentials, runs without
 * JetStream, or has this queue with other options: the promise rejects with it.
 *
 * @example
 * ```ts ignore
 * // Needs a server: nats-server -js
 * import { natsJobs } from "@sluice/sluice/jobs/nats";
 *
 * await using mails = await natsJobs<{ to: string }>("nats://127.0.0.1:4222", { name: "mails" });
 * await mails.put({ to: "ada@example.com" }, { dedupeId: "order-17" });
 * await using job = await mails.get();
 * console.log(job.value.to);
 * await job.done();
 * ```
 */
export async function natsJobs<T>(
  servers: string | readonly string[],
  options: NatsJobsOptions<T> = {},
): Promise<JobQueue<T>> {
  checkOptions("options", options);
  const settings = settingsOf(options as JobQueueOptions<never>);
  const codec = codecOf(options.codec as JobQueueOptions<never>["codec"], undefined);
  const { replicas = 1, update = false } = options;
  checkCount("replicas", replicas, 1);
  if (replicas > 5) throw new RangeError(`replicas must be at most 5: ${replicas}`);
  if (typeof update !== "boolean") {
    throw new TypeError(`update must be true or false, not ${show(update)}`);
  }
  const connection = connectionOptionsOf(servers, options.connection);
  const link = new Link(await openConnection(connection), connection.inboxPrefix);
  try {
    const api = new Api(link);
    await checkJetStream(link, api);
    const names = new Names(settings.name);
    await new Layout(api, names, settings, replicas).ensure(update);
    const kind = codec.kind === "bytes" ? "bytes" : "text";
    return new JobHandle<T>(new NatsEngine(settings, kind, link, names), codec, settings);
  } catch (error) {
    await link.close();
    throw error;
  }
}

/** Milliseconds in which JetStream answers, or is not there. */
const PATIENCE = 5_000;

async function checkJetStream(link: Link, api: Api): Promise<void> {
  if (link.nc.info?.jetstream !== true && link.nc.info?.cluster === undefined) throw unsupported();
  const deadline = performance.now() + PATIENCE;
  try {
    const error = errorOf(await api.ask("INFO", undefined, deadline));
    if (error !== undefined) throw refusedBy(error);
  } catch (error) {
    const late = error instanceof JobQueueError && error.reason === "unreachable";
    throw late && link.failure === undefined ? unsupported(error) : error;
  }
}
