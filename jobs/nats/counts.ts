/**
 * What a queue on a NATS server has: how many jobs in which state, and whether all are done.
 *
 * - The server counts by stream and by consumer, each for itself and at its own moment: what is told of a
 *   queue that is at work is about right; of one at rest it is exact.
 * - "All are done" is said only if it was so at one moment.
 *
 * @module
 */
import type { ConsumerInfo, StreamInfo } from "@nats-io/jetstream";
import type { JobSettings } from "../job_options.ts";
import type { JobStats } from "../job_queue.ts";
import type { Api } from "./api.ts";
import type { DeadStreams } from "./dead_streams.ts";
import type { Mover } from "./mover.ts";
import type { Names } from "./names.ts";

export class Counts {
  readonly #settings: JobSettings;
  readonly #names: Names;
  readonly #api: Api;
  readonly #dead: DeadStreams;
  readonly #mover: Mover;

  constructor(settings: JobSettings, names: Names, api: Api, dead: DeadStreams, mover: Mover) {
    this.#settings = settings;
    this.#names = names;
    this.#api = api;
    this.#dead = dead;
    this.#mover = mover;
  }

  async stats(group: string): Promise<JobStats> {
    const { groups, capacity } = this.#settings;
    await this.#mover.settled();
    const [work, due, delayed, dead, levels] = await Promise.all([
      this.#stream(this.#names.work),
      this.#stream(this.#names.due),
      this.#consumer(this.#names.work, this.#names.mover),
      this.#dead.count(group),
      this.#levels(group),
    ]);
    const others = groups.length === 1 ? 0 : await this.#forOthers(group, levels);
    const ready = sum(levels, ({ num_pending }) => num_pending) - others;
    // After a crash a consumer may count some that the stream has no more.
    const handedOut = sum(levels, ({ num_ack_pending }) => num_ack_pending);
    const leased = Math.min(handedOut, work.state.messages);
    const unfinished = groups.length === 1
      ? ready + leased + unfinishedOf(delayed)
      : work.state.messages;
    return {
      ready,
      leased,
      delayed: unfinishedOf(delayed),
      unfinished: unfinished + due.state.messages,
      dead,
      capacity,
    };
  }

  /**
   * In the order in which a job goes, so that none can pass unseen; and none may have been put meanwhile:
   * otherwise it was never so that all were done.
   */
  async isIdle(): Promise<boolean> {
    const { work, due, mover } = this.#names;
    const { last_seq, messages } = (await this.#stream(work)).state;
    const delayed = await this.#consumer(work, mover);
    if (messages > 0 && unfinishedOf(delayed) > 0) return false;
    if ((await this.#stream(due)).state.messages > 0) return false;
    // A cluster that crashed may keep a message that all have acknowledged, and a server that did may count
    // one as handed out that it has no more: so either may say that all are done.
    if (messages > 0) {
      const all = await Promise.all(this.#settings.groups.map((group) => this.#levels(group)));
      if (sum(all.flat(), unfinishedOf) > 0) return false;
    }
    return (await this.#stream(work)).state.last_seq === last_seq;
  }

  /**
   * How many of those that a group has not come to were put back for another alone: it will pass them by.
   */
  async #forOthers(group: string, levels: readonly ConsumerInfo[]): Promise<number> {
    const { work } = this.#names;
    let count = 0;
    for (const other of this.#settings.groups) {
      if (other === group) continue;
      for (const [level, { num_pending, delivered }] of levels.entries()) {
        const subject = this.#names.jobSubject(level, other);
        for (let seq = delivered.stream_seq + 1, left = num_pending; left > 0; left--) {
          const found = await this.#api.message(work, { seq, next_by_subj: subject });
          if (found === undefined) break;
          count++;
          seq = found.seq + 1;
        }
      }
    }
    return count;
  }

  #levels(group: string): Promise<ConsumerInfo[]> {
    const { levels } = this.#settings;
    const { work } = this.#names;
    return Promise.all(
      Array.from(
        { length: levels },
        (_, level) => this.#consumer(work, this.#names.consumer(group, level)),
      ),
    );
  }

  #consumer(stream: string, name: string): Promise<ConsumerInfo> {
    return this.#api.get(`CONSUMER.INFO.${stream}.${name}`);
  }

  #stream(name: string): Promise<StreamInfo> {
    return this.#api.get(`STREAM.INFO.${name}`);
  }
}

function unfinishedOf({ num_pending, num_ack_pending }: ConsumerInfo): number {
  return num_pending + num_ack_pending;
}

function sum<E>(of: readonly E[], count: (each: E) => number): number {
  return of.reduce((total, each) => total + count(each), 0);
}
