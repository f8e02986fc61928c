/**
 * Laws of job queues on real NATS servers: steps of one test, of which some run at a time, with what they
 * need of a server; in the end nothing of it is left.
 *
 * @module
 */
import { assert } from "@std/assert";
import { connect } from "@nats-io/transport-node";
import type { JobQueue } from "../../jobs/mod.ts";
import { natsJobs, type NatsJobsOptions } from "../../jobs/nats/mod.ts";
import type { NatsServer } from "./nats_server.ts";

/** Milliseconds in which anything comes that is to come. */
const LONGEST = 6_000;
/** Milliseconds of a lease in laws that are not about its end. */
const LONG = 60_000;

/** A name that no other queue has. */
export function newName(): string {
  return `q${crypto.randomUUID().replaceAll("-", "").slice(0, 12)}`;
}

/** What a law works with: its queue's name, and its handles, which are closed in the end. */
export class NatsScene implements AsyncDisposable {
  readonly server: NatsServer;
  readonly name = newName();
  readonly #handles: JobQueue<never>[] = [];

  constructor(server: NatsServer) {
    this.server = server;
  }

  /** A handle on its queue. */
  async open<T = number>(options: NatsJobsOptions<T> = {}): Promise<JobQueue<T>> {
    const queue = await natsJobs<T>(this.server.url, {
      name: this.name,
      leaseTime: LONG,
      ...options,
    });
    this.#handles.push(queue as unknown as JobQueue<never>);
    return queue;
  }

  /** What JetStream says, by a client of its own. */
  async asks<R>(what: string, body?: unknown): Promise<R> {
    const nc = await connect({ servers: this.server.host, ...this.credentials });
    try {
      const text = body === undefined ? "" : JSON.stringify(body);
      return (await nc.request(`$JS.API.${what}`, text, { timeout: LONGEST })).json<R>();
    } finally {
      await nc.close();
    }
  }

  /** Who a client of its own is. */
  credentials: { readonly user?: string; readonly pass?: string } = {};

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#handles.map((handle) => handle.close()));
  }
}

/** What proves a law. */
export type Proof = (scene: NatsScene) => Promise<void>;

/** Proves laws, so many at a time. */
export async function proveAll(
  t: Deno.TestContext,
  server: NatsServer,
  laws: readonly (readonly [name: string, proof: Proof])[],
  atATime: number,
): Promise<void> {
  const left = laws.values();
  const results: boolean[] = [];
  const one = async (): Promise<void> => {
    for (const [name, proof] of left) {
      const fn = async (): Promise<void> => {
        // One law that fails is not to fail others.
        if (!server.running) await server.restart();
        await using scene = new NatsScene(server);
        await soon(proof(scene), 2 * LONGEST);
      };
      const step = { name, fn, sanitizeOps: false, sanitizeResources: false, sanitizeExit: false };
      results.push(await t.step(step));
    }
  };
  await Promise.all(Array.from({ length: atATime }, one));
  assert(results.length === laws.length && results.every(Boolean));
}

/** What settles within so many milliseconds; otherwise an error that says so. */
export async function soon<R>(promise: Promise<R>, ms = LONGEST): Promise<R> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it has not come within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Looks until it is so. */
export async function untilSo(look: () => Promise<boolean>, ms = LONGEST): Promise<void> {
  const end = performance.now() + ms;
  while (!await look()) {
    assert(performance.now() < end, `it is not so after ${ms} ms`);
    await pause(20);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Takes and finishes so many jobs, one by one; what `tell` says of each. */
export async function finish<T, R>(
  queue: JobQueue<T>,
  count: number,
  tell: (job: { value: T; id: string; attempt: number }) => R,
): Promise<R[]> {
  const told: R[] = [];
  for (let left = count; left > 0; left--) {
    const job = await soon(queue.get());
    told.push(tell(job));
    await job.done();
  }
  return told;
}
