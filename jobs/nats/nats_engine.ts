/**
 * Jobs on a NATS server with JetStream.
 *
 * - A job is one message; what is unfinished is one stream, whose bound is the queue's.
 * - Who takes asks the server for so many; the server hands each out once per lease, and again after it.
 * - What is settled is confirmed by the server before anybody is told, and repeated until then.
 *
 * @module
 */
import type { Wait } from "../../core/contract.ts";
import { DeadlineExceededError } from "../../core/errors.ts";
import { until } from "../../core/until.ts";
import { contextOf } from "../../core/wait_context.ts";
import { sleep } from "../../timer.ts";
import type { Payload } from "../codec.ts";
import type { Buried, JobEngine, NewJob, Verdict } from "../engine.ts";
import type { JobSettings } from "../job_options.ts";
import type { JobStats } from "../job_queue.ts";
import { Api } from "./api.ts";
import { nanos } from "./blueprint.ts";
import { Counts } from "./counts.ts";
import { DeadStreams } from "./dead_streams.ts";
import type { Link, Recheck } from "./link.ts";
import { DELAY_HEADER, Mover } from "./mover.ts";
import { type Names, tokenOf } from "./names.ts";
import { ID_HEADER, type NatsDelivery, type PayloadKind } from "./nats_delivery.ts";
import { triesOnce } from "./once.ts";
import { PutLine } from "./put_line.ts";
import { sameJobs } from "./same_jobs.ts";
import { Takers } from "./takers.ts";

const encoder = new TextEncoder();
/** A job is done. */
const ACK = encoder.encode("+ACK");
/** Milliseconds for which a job that is done is told to the server, at least. */
const LEAST_PATIENCE = 5_000;
/** The pauses between two looks whether all is done. */
const FIRST_LOOK = 2;
const LONGEST_LOOK = 250;

export class NatsEngine implements JobEngine<NatsDelivery> {
  readonly #settings: JobSettings;
  readonly #link: Link;
  readonly #names: Names;
  readonly #api: Api;
  readonly #line: PutLine;
  readonly #dead: DeadStreams;
  readonly #counts: Counts;
  readonly #same: Recheck;
  readonly #mover: Mover;
  readonly #takers: ReadonlyMap<string, Takers>;

  constructor(settings: JobSettings, kind: PayloadKind, link: Link, names: Names) {
    this.#settings = settings;
    this.#link = link;
    this.#names = names;
    this.#api = new Api(link);
    this.#line = new PutLine(link, this.#api, names.work);
    this.#dead = new DeadStreams(link, this.#api, names, kind);
    this.#mover = new Mover(link, this.#api, names, this.#line, () => {
      return [...this.#takers.values()].some(({ needed }) => needed);
    });
    this.#same = sameJobs(this.#api, names.work);
    this.#counts = new Counts(settings, names, this.#api, this.#dead, this.#mover);
    const { groups, levels, leaseTime } = settings;
    this.#takers = new Map(
      groups.map((group) => [
        group,
        new Takers(link, names, { group, levels, leaseTime, kind }),
      ]),
    );
  }

  put({ id, named, payload, level, delay }: NewJob, wait: Wait): Promise<boolean> {
    const message = {
      subject: delay > 0 ? this.#names.delayedSubject(level) : this.#names.jobSubject(level),
      data: bytesOf(payload),
      messageId: tokenOf(id),
      named,
    };
    if (delay === 0) return this.#line.put(message, wait);
    return this.#line.put({ ...message, more: [[DELAY_HEADER, String(delay)]] }, wait);
  }

  take(group: string, max: number, wait: Wait): Promise<NatsDelivery[]> {
    this.#mover.want();
    return this.#takers.get(group)!.take(max, wait);
  }

  async settle(
    group: string,
    deliveries: readonly NatsDelivery[],
    verdict: Verdict,
  ): Promise<boolean[]> {
    const now = performance.now();
    const kept: boolean[] = [];
    const told: NatsDelivery[] = [];
    let longest = 0;
    for (const delivery of deliveries) {
      const left = delivery.timeLeft(now);
      kept.push(left > 0);
      if (left <= 0 && verdict.kind !== "done") continue;
      told.push(delivery);
      longest = Math.max(longest, left);
    }
    if (told.length > 0) await this.#tell(group, told, verdict, now + patienceOf(verdict, longest));
    for (const delivery of deliveries) delivery.end();
    return kept;
  }

  async #tell(
    group: string,
    deliveries: readonly NatsDelivery[],
    verdict: Verdict,
    deadline: number,
  ): Promise<void> {
    if (verdict.kind === "bury") {
      await Promise.all(
        deliveries.map((delivery) => this.#dead.bury(group, delivery, verdict.reason, deadline)),
      );
    } else if (verdict.kind === "retry") {
      // What is given back is handed out at once: to somebody who is there.
      await this.#takers.get(group)!.forgotten;
    }
    const body = bodyOf(verdict);
    const parts = deliveries.map(({ reply }) => ({ subject: reply, body }));
    const since = deliveries.reduce((least, { start }) => Math.min(least, start), Infinity);
    await this.#link.confirm(parts, since, this.#same, deadline);
  }

  async extend(_: string, delivery: NatsDelivery): Promise<boolean> {
    const left = delivery.timeLeft();
    if (left <= 0) return false;
    const start = performance.now();
    const part = { subject: delivery.reply, body: "+WPI" };
    // Another job may have its place.
    const isDoubtful = delivery.start < this.#link.connectedAt;
    if (isDoubtful && (await this.#same([part])).length === 0) return false;
    await this.#link.request([part], start + left);
    delivery.renew(start);
    return true;
  }

  async join(wait: Wait): Promise<void> {
    const once = triesOnce(wait);
    using all = contextOf(once ? { ...wait, timeout: undefined } : wait);
    for (let pause = FIRST_LOOK;; pause = Math.min(LONGEST_LOOK, pause * 2)) {
      if (await until(this.#counts.isIdle(), all)) return;
      if (once) throw new DeadlineExceededError("jobs are unfinished, and timeout is 0 ms");
      await sleep(pause, all);
    }
  }

  stats(group: string): Promise<JobStats> {
    return this.#counts.stats(group);
  }

  buried(group: string, after: number, limit: number): Promise<Buried[]> {
    return this.#dead.list(group, after, limit);
  }

  findBuried(group: string, id: string): Promise<Buried | undefined> {
    return this.#dead.find(group, id);
  }

  async revive(group: string, id: string, wait: Wait): Promise<boolean> {
    const once = triesOnce(wait);
    using all = contextOf(once ? { ...wait, timeout: undefined } : wait);
    const letter = await until(this.#dead.find(group, id), all);
    if (letter === undefined) return false;
    const only = this.#settings.groups.length > 1 ? group : undefined;
    const put = await this.#line.put({
      subject: this.#names.jobSubject(letter.level, only),
      data: bytesOf(letter.payload),
      // Whoever repeats it, since the letter is still there, adds nothing.
      messageId: `+${group}-${letter.position}-${letter.at}`,
      named: false,
      more: [[ID_HEADER, tokenOf(id)]],
      stillWanted: () => this.#dead.has(group, letter.position),
    }, once ? wait : all);
    return put && await this.#dead.remove(group, letter.position);
  }

  async removeBuried(group: string, id: string): Promise<boolean> {
    const letter = await this.#dead.find(group, id);
    return letter !== undefined && await this.#dead.remove(group, letter.position);
  }

  closing(): void {
    this.#link.hurry();
  }

  async close(): Promise<void> {
    this.#mover.close();
    for (const takers of this.#takers.values()) takers.close();
    await this.#link.close();
  }
}

/** Milliseconds for which a server is told what becomes of jobs whose leases have so long at most. */
function patienceOf({ kind }: Verdict, left: number): number {
  // What is given back comes back by itself.
  return kind === "retry" ? Math.min(left, LEAST_PATIENCE) : Math.max(left, LEAST_PATIENCE);
}

function bodyOf(verdict: Verdict): string | Uint8Array {
  if (verdict.kind === "done") return ACK;
  if (verdict.kind === "bury") return "+TERM";
  return verdict.delay > 0 ? `-NAK {"delay":${nanos(verdict.delay)}}` : "-NAK";
}

function bytesOf(payload: Payload): Uint8Array {
  return typeof payload === "string" ? encoder.encode(payload) : payload as Uint8Array;
}
