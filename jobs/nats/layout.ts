/**
 * Makes a queue's streams and consumers on the server, or finds that they are there.
 *
 * - Whoever opens a queue first makes it; what it was opened with stands in the description of `work`, and
 *   the settings of all others are compared with that.
 * - With `update` what can be changed is changed, the description last: who fails half way finds that it
 *   differs still.
 *
 * @module
 */
import type { ConsumerConfig, StreamConfig, StreamInfo } from "@nats-io/jetstream";
import { show } from "../../core/check.ts";
import { JobQueueError } from "../errors.ts";
import type { JobSettings } from "../job_options.ts";
import { type Api, errorOf } from "./api.ts";
import { Blueprint, KEYS, type Shared, sharedIn, sharedOf } from "./blueprint.ts";
import { type ApiError, refusedBy } from "./failures.ts";
import type { Names } from "./names.ts";

/** Milliseconds for which the servers of a cluster may be looking for one another. */
const PATIENCE = 15_000;

/** Milliseconds in which somebody else has made a stream. */
const MEETING = 2_000;

export class Layout {
  readonly #api: Api;
  readonly #names: Names;
  readonly #name: string;
  readonly #shared: Shared;
  readonly #blueprint: Blueprint;
  readonly #deadline = performance.now() + PATIENCE;

  constructor(api: Api, names: Names, settings: JobSettings, replicas: number) {
    this.#api = api;
    this.#names = names;
    this.#name = settings.name;
    this.#shared = sharedOf(settings, replicas);
    this.#blueprint = new Blueprint(names, this.#shared);
  }

  /** Makes what is not there. `update`: changes what differs, where that is possible. */
  async ensure(update: boolean): Promise<void> {
    const theirs = await this.#makeWork();
    if (theirs !== undefined) await this.#reconcile(theirs, update);
    await Promise.all([
      this.#makeStream(this.#blueprint.due()),
      ...this.#shared.groups.map((group) => this.#makeStream(this.#blueprint.dead(group))),
    ]);
    // Nothing is put before all are there: a group that comes later would miss it.
    await Promise.all(
      this.#blueprint.consumers().map(([stream, config]) => this.#makeConsumer(stream, config)),
    );
  }

  /** The settings of the queue that is there already; undefined: it was made. */
  async #makeWork(): Promise<Shared | undefined> {
    const found = await this.#find();
    if (found !== undefined) return found;
    const made = await this.#ask(`STREAM.CREATE.${this.#names.work}`, this.#blueprint.work());
    if (made === undefined) return undefined;
    // Somebody else was faster, and says other things.
    if (made.err_code === 10058) return await this.#find();
    throw refusedBy(made);
  }

  async #find(): Promise<Shared | undefined> {
    const answer = await this.#api.ask<StreamInfo>(
      `STREAM.INFO.${this.#names.work}`,
      undefined,
      this.#deadline,
    );
    const error = errorOf(answer);
    if (error === undefined) return this.#sharedOf((answer as StreamInfo).config.description);
    if (error.err_code === 10059) return undefined;
    throw refusedBy(error);
  }

  #sharedOf(description: string | undefined): Shared {
    const shared = sharedIn(description);
    if (shared !== undefined) return shared;
    throw new JobQueueError(
      `the stream ${this.#names.work} is there, and was not made for a job queue of this version: ` +
        `choose another name`,
      "mismatch",
    );
  }

  async #reconcile(theirs: Shared, update: boolean): Promise<void> {
    const differs = KEYS.filter((key) =>
      JSON.stringify(theirs[key]) !== JSON.stringify(this.#shared[key])
    );
    if (differs.length === 0) return;
    const fixed = differs.filter((key) => !changeable(key, theirs, this.#shared));
    if (!update || fixed.length > 0) throw this.#mismatch(theirs, update ? fixed : differs, update);
    await this.#update(theirs);
  }

  #mismatch(theirs: Shared, keys: readonly (keyof Shared)[], update: boolean): JobQueueError {
    const each = keys.map((key) =>
      `${key} is ${JSON.stringify(theirs[key])} there, not ${JSON.stringify(this.#shared[key])}`
    );
    const advice = update
      ? "that cannot be changed: use another name, or delete the queue"
      : "open it with the same options, or with { update: true }";
    return new JobQueueError(
      `the job queue ${show(this.#name)} has other options: ${each.join("; ")}; ${advice}`,
      "mismatch",
    );
  }

  async #update(theirs: Shared): Promise<void> {
    const { groups } = this.#shared;
    const streams = [
      this.#blueprint.work(),
      this.#blueprint.due(),
      ...groups.map((group) => this.#blueprint.dead(group)),
    ];
    const gone = theirs.groups.filter((group) => !groups.includes(group));
    for (const group of gone) {
      for (let level = 0; level < theirs.levels; level++) {
        const consumer = this.#names.consumer(group, level);
        await this.#must(`CONSUMER.DELETE.${this.#names.work}.${consumer}`, undefined, 10014);
      }
    }
    for (const [stream, config] of this.#blueprint.consumers()) {
      await this.#makeConsumer(stream, config, true);
    }
    for (const config of streams.reverse()) {
      await this.#must(`STREAM.UPDATE.${config.name}`, config, 10059);
    }
  }

  async #makeStream(config: Partial<StreamConfig>): Promise<void> {
    await this.#must(`STREAM.CREATE.${config.name}`, config);
  }

  async #makeConsumer(
    stream: string,
    config: Partial<ConsumerConfig>,
    update = false,
  ): Promise<void> {
    const what = `CONSUMER.DURABLE.CREATE.${stream}.${config.durable_name}`;
    // 10148: it is there, with other options; 2.9 takes what may be changed.
    await this.#must(what, { stream_name: stream, config }, update ? undefined : 10148);
  }

  /** Asks, and rejects with what is said against it, unless it is `allowed`. */
  async #must(what: string, body: unknown, allowed?: number): Promise<void> {
    const error = await this.#ask(what, body);
    if (error !== undefined && error.err_code !== allowed) throw refusedBy(error);
  }

  /** Asks until there are peers enough, and nobody else is at it; what is said against it otherwise. */
  async #ask(what: string, body: unknown): Promise<ApiError | undefined> {
    const meeting = performance.now() + MEETING;
    for (;;) {
      const error = errorOf(await this.#api.ask(what, body, this.#deadline));
      if (error === undefined) return undefined;
      // A cluster that has just been started finds its peers one by one.
      if (error.err_code === 10074) throw noCluster(this.#shared.replicas, error);
      // While somebody else makes the same stream, its subjects are known before its name.
      const areMeeting = error.err_code === 10065 && performance.now() < meeting;
      if (error.err_code !== 10005 && !areMeeting) return error;
      if (performance.now() > this.#deadline) throw fewPeers(this.#shared.replicas, error);
      await new Promise((resolve) => setTimeout(resolve, areMeeting ? 20 : 200));
    }
  }
}

function changeable(key: keyof Shared, theirs: Shared, ours: Shared): boolean {
  if (key === "levels") return ours.levels > theirs.levels;
  // One group is a work queue, several are not, and a stream stays what it is.
  if (key === "groups") return (theirs.groups.length > 1) === (ours.groups.length > 1);
  return true;
}

/** A server that is no cluster cannot store anything twice. */
function noCluster(replicas: number, { description }: ApiError): JobQueueError {
  return new JobQueueError(
    `replicas: ${replicas} needs a cluster of at least as many NATS servers: ${description}`,
    "unsupported",
  );
}

function fewPeers(replicas: number, { description }: ApiError): JobQueueError {
  return new JobQueueError(
    `replicas: ${replicas} needs as many NATS servers of the cluster to be up: ${description}`,
    "unreachable",
  );
}
