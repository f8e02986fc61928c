/**
 * Jobs in the memory of one process, on the module's own queue.
 *
 * - A job takes a place when it is accepted, and gives it back when the last group has settled it. Puts
 *   wait for places in the order of their calls.
 * - An id that was given is remembered from when its job was accepted.
 *
 * @module
 */
import type { Wait } from "../core/contract.ts";
import { type Permit, Semaphore } from "../sync/semaphore.ts";
import { WaitGroup } from "../sync/wait_group.ts";
import type { Clock } from "../tasks/clock.ts";
import type { Buried, JobEngine, NewJob, Verdict } from "./engine.ts";
import type { JobSettings } from "./job_options.ts";
import type { JobStats } from "./job_queue.ts";
import { type MemoryDelivery, MemoryGroup, type Share, type StoredJob } from "./memory_group.ts";

export class MemoryEngine implements JobEngine<MemoryDelivery> {
  readonly #settings: JobSettings;
  readonly #clock: Clock;
  readonly #groups: ReadonlyMap<string, MemoryGroup>;
  readonly #places: Semaphore | undefined;
  readonly #unfinished = new WaitGroup();
  /** Until when each named id is remembered, oldest first. */
  readonly #known = new Map<string, number>();
  #accepted = 0;
  #buried = 0;

  constructor(settings: JobSettings, clock: Clock) {
    const { groups, capacity, leaseTime } = settings;
    this.#settings = settings;
    this.#clock = clock;
    this.#groups = new Map(groups.map((name) => [name, new MemoryGroup(clock, leaseTime)]));
    this.#places = capacity === Infinity ? undefined : new Semaphore(capacity);
  }

  async put(job: NewJob, wait: Wait): Promise<boolean> {
    if (this.#knows(job)) return false;
    const place = await this.#places?.acquire(wait);
    // Somebody else may have put it while this one waited.
    if (this.#knows(job)) {
      place?.release();
      return false;
    }
    if (job.named) this.#remember(job.id);
    this.#add(job, place, [...this.#groups.values()]);
    return true;
  }

  take(group: string, max: number, wait: Wait): Promise<MemoryDelivery[]> {
    return this.#group(group).take(max, wait);
  }

  settle(
    group: string,
    deliveries: readonly MemoryDelivery[],
    verdict: Verdict,
  ): Promise<boolean[]> {
    const own = this.#group(group);
    own.promote();
    return Promise.resolve(deliveries.map(({ share, current }) => {
      if (current || verdict.kind === "done") this.#settle(own, share, verdict);
      return current;
    }));
  }

  extend(group: string, delivery: MemoryDelivery): Promise<boolean> {
    const kept = delivery.timeLeft() > 0;
    if (kept) this.#group(group).extend(delivery.share);
    return Promise.resolve(kept);
  }

  join(wait: Wait): Promise<void> {
    return this.#unfinished.wait(wait);
  }

  stats(group: string): Promise<JobStats> {
    const own = this.#group(group);
    own.promote();
    return Promise.resolve({
      ready: own.ready,
      leased: own.leased,
      delayed: own.delayed,
      unfinished: this.#unfinished.count,
      dead: own.dead.size,
      capacity: this.#settings.capacity,
    });
  }

  buried(group: string, after: number, limit: number): Promise<Buried[]> {
    return Promise.resolve(this.#group(group).dead.page(after, limit));
  }

  findBuried(group: string, id: string): Promise<Buried | undefined> {
    return Promise.resolve(this.#group(group).dead.last(id));
  }

  async revive(group: string, id: string, wait: Wait): Promise<boolean> {
    const own = this.#group(group);
    if (own.dead.last(id) === undefined) return false;
    const place = await this.#places?.acquire(wait);
    // Somebody else may have put it back, or removed it, while this one waited.
    const buried = own.dead.take(id);
    if (buried === undefined) {
      place?.release();
      return false;
    }
    this.#add({ ...buried, named: true, delay: 0 }, place, [own]);
    return true;
  }

  removeBuried(group: string, id: string): Promise<boolean> {
    return Promise.resolve(this.#group(group).dead.take(id) !== undefined);
  }

  /** All waits have ended, and with them their timers. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  #group(name: string): MemoryGroup {
    return this.#groups.get(name)!;
  }

  #knows({ id, named }: NewJob): boolean {
    if (!named) return false;
    const now = this.#clock.now();
    for (const [oldest, until] of this.#known) {
      if (until > now) break;
      this.#known.delete(oldest);
    }
    return this.#known.has(id);
  }

  /** It is not known now, so it stands at the end, and the oldest stays the first. */
  #remember(id: string): void {
    this.#known.set(id, this.#clock.now() + this.#settings.dedupeWindow);
  }

  #add(job: NewJob, place: Permit | undefined, groups: readonly MemoryGroup[]): void {
    const { id, payload, level, delay } = job;
    const order = this.#accepted++;
    const stored: StoredJob = { id, payload, level, order, left: groups.length, place };
    this.#unfinished.add();
    for (const own of groups) own.add(stored, delay);
  }

  #settle(own: MemoryGroup, share: Share, verdict: Verdict): void {
    if (share.state === "settled") return;
    if (verdict.kind === "retry") {
      own.giveBack(share, verdict.delay);
    } else {
      if (verdict.kind === "bury") this.#bury(own, share, verdict.reason);
      own.remove(share);
      this.#finished(share.job);
    }
  }

  #finished(job: StoredJob): void {
    if (--job.left > 0) return;
    this.#unfinished.done();
    job.place?.release();
  }

  #bury(own: MemoryGroup, { job: { id, payload, level }, attempt }: Share, reason: string): void {
    const position = this.#buried++;
    own.dead.add({ id, payload, level, attempts: attempt, reason, at: Date.now(), position });
  }
}
