/**
 * Jobs in the memory of one process, on the module's own queue.
 *
 * - A job takes a place when it is accepted, and gives it back when the last group has settled it.
 * - Each group has its own queue of what is ready, by level, then first come, first served.
 * - What is leased or rests has a moment at which it is ready again. Only while somebody waits for a job
 *   there is a timer for the first of them; whoever looks, looks at the clock.
 *
 * @module
 */
import type { Wait } from "../core/contract.ts";
import { SoonestFirst } from "../flow/limits/soonest_first.ts";
import { PriorityQueue } from "../queue.ts";
import { type Permit, Semaphore } from "../sync/semaphore.ts";
import { WaitGroup } from "../sync/wait_group.ts";
import type { Clock, Timer } from "../tasks/clock.ts";
import type { Payload } from "./codec.ts";
import type { Buried, Delivery, JobEngine, NewJob, Settlement } from "./engine.ts";
import type { JobSettings } from "./job_options.ts";
import type { JobStats } from "./job_queue.ts";
import { MemoryDead } from "./memory_dead.ts";
import { Twins } from "./memory_twins.ts";

/** A job, until its last group has settled it. */
interface StoredJob {
  readonly id: string;
  readonly payload: Payload;
  readonly level: number;
  /** When it was accepted, among the others. */
  readonly order: number;
  /** The groups that have not settled it. */
  left: number;
  readonly place: Permit | undefined;
}

/** One group's share in a job. */
class Share {
  readonly job: StoredJob;
  attempt = 0;
  /** "delayed" before its first attempt, "resting" before another one. */
  state: "ready" | "delayed" | "leased" | "resting" | "settled" = "ready";
  /** When it is ready again, and where that stands. */
  at = 0;
  place = 0;

  constructor(job: StoredJob) {
    this.job = job;
  }
}

class MemoryDelivery implements Delivery {
  readonly share: Share;
  readonly attempt: number;
  readonly #clock: Clock;

  constructor(share: Share, clock: Clock) {
    this.share = share;
    this.attempt = share.attempt;
    this.#clock = clock;
  }

  get id(): string {
    return this.share.job.id;
  }

  get payload(): Payload {
    return this.share.job.payload;
  }

  get level(): number {
    return this.share.job.level;
  }

  /** Nobody else has been given it. */
  get current(): boolean {
    return this.share.state === "leased" && this.share.attempt === this.attempt;
  }

  timeLeft(): number {
    return this.current ? Math.max(0, this.share.at - this.#clock.now()) : 0;
  }
}

class Group {
  readonly ready: PriorityQueue<Share>;
  /** Leased, or resting. */
  readonly timed = new SoonestFirst<Share>();
  /** How many are leased or resting. */
  leased = 0;
  delayed = 0;
  /** How many in `ready` have been settled meanwhile, by a lease that had run out. */
  ghosts = 0;
  /** Those who wait in `take`. */
  waiting = 0;
  timer: Timer | undefined;
  /** When the timer runs. */
  timerAt = Infinity;
  readonly dead = new MemoryDead();

  constructor() {
    this.ready = new PriorityQueue<Share>({ priority: (share) => share.job.level });
  }
}

export class MemoryEngine implements JobEngine<MemoryDelivery> {
  readonly #settings: JobSettings;
  readonly #clock: Clock;
  readonly #groups: ReadonlyMap<string, Group>;
  readonly #places: Semaphore | undefined;
  readonly #unfinished = new WaitGroup();
  /** Until when each named id is remembered, oldest first. */
  readonly #known = new Map<string, number>();
  readonly #twins = new Twins();
  #accepted = 0;
  #buried = 0;

  constructor(settings: JobSettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
    this.#groups = new Map(settings.groups.map((name) => [name, new Group()]));
    this.#places = settings.capacity === Infinity ? undefined : new Semaphore(settings.capacity);
  }

  async put(job: NewJob, wait: Wait): Promise<boolean> {
    if (this.#knows(job)) return false;
    const place = await this.#placeFor(job, wait);
    // Somebody else may have put it while this one waited.
    if (place === "duplicate" || this.#knows(job)) {
      if (place !== "duplicate") place?.release();
      return false;
    }
    if (job.named) {
      // Again at the end, so that the oldest stays the first.
      this.#known.delete(job.id);
      this.#known.set(job.id, this.#clock.now() + this.#settings.dedupeWindow);
      this.#twins.stored(job.id);
    }
    this.#add(job, place, this.#groups.values());
    return true;
  }

  async take(group: string, max: number, wait: Wait): Promise<MemoryDelivery[]> {
    const own = this.#group(group);
    this.#promote(own);
    // While something is there nobody waits, and no timer is needed.
    const shares = own.ready.size > 0
      ? await own.ready.getBatch(max, wait)
      : await this.#await(own, own.ready.getBatch(max, wait));
    const live = shares.filter((share) => !this.#isGhost(own, share));
    // Instead of those that were settled meanwhile there may be others.
    while (live.length < max) {
      const next = own.ready.tryGet();
      if (next === undefined) break;
      if (!this.#isGhost(own, next.value)) live.push(next.value);
    }
    return live.map((share) => this.#handOut(own, share));
  }

  settle(group: string, settlements: readonly Settlement<MemoryDelivery>[]): Promise<boolean[]> {
    const own = this.#group(group);
    this.#promote(own);
    const kept = settlements.map((settlement) => this.#settle(own, settlement));
    this.#watch(own);
    return Promise.resolve(kept);
  }

  extend(group: string, { share, current }: MemoryDelivery): Promise<boolean> {
    const own = this.#group(group);
    if (!current || share.at <= this.#clock.now()) return Promise.resolve(false);
    share.at = this.#clock.now() + this.#settings.leaseTime;
    own.timed.move(share);
    this.#watch(own);
    return Promise.resolve(true);
  }

  join(wait: Wait): Promise<void> {
    return this.#unfinished.wait(wait);
  }

  stats(group: string): Promise<JobStats> {
    const own = this.#group(group);
    this.#promote(own);
    return Promise.resolve({
      // One that is on its way to whoever took it may be a ghost, too.
      ready: Math.max(0, own.ready.size - own.ghosts),
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

  close(): Promise<void> {
    for (const own of this.#groups.values()) {
      own.timer?.stop();
      own.ready.shutdown({ immediate: true });
    }
    return Promise.resolve();
  }

  #group(name: string): Group {
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

  /** Waits for a place; or until it needs none, since another put of the same id was stored. */
  async #placeFor(job: NewJob, wait: Wait): Promise<Permit | "duplicate" | undefined> {
    const places = this.#places;
    if (places === undefined) return undefined;
    using twin = job.named && places.available === 0 ? this.#twins.join(job.id, wait) : undefined;
    try {
      return await places.acquire(twin?.wait ?? wait);
    } catch (error) {
      if (twin?.stored) return "duplicate";
      throw error;
    }
  }

  #add(job: NewJob, place: Permit | undefined, groups: Iterable<Group>): void {
    const { id, payload, level, delay } = job;
    const shared = [...groups];
    const order = this.#accepted++;
    const stored: StoredJob = { id, payload, level, order, left: shared.length, place };
    this.#unfinished.add();
    for (const own of shared) {
      const share = new Share(stored);
      if (delay > 0) {
        own.delayed++;
        this.#rest(own, share, "delayed", delay);
      } else {
        own.ready.putNowait(share);
      }
    }
  }

  #handOut(own: Group, share: Share): MemoryDelivery {
    share.attempt++;
    own.leased++;
    this.#rest(own, share, "leased", this.#settings.leaseTime);
    return new MemoryDelivery(share, this.#clock);
  }

  /** It is ready again after so long. */
  #rest(own: Group, share: Share, state: "leased" | "delayed" | "resting", ms: number): void {
    share.state = state;
    share.at = this.#clock.now() + ms;
    own.timed.push(share);
    this.#watch(own);
  }

  /** Makes ready what is: of several at once those that were accepted first go first. */
  #promote(own: Group): void {
    const now = this.#clock.now();
    const due: Share[] = [];
    for (let share = own.timed.first; share !== undefined; share = own.timed.first) {
      if (share.at > now) break;
      this.#stir(own, share);
      share.state = "ready";
      due.push(share);
    }
    if (due.length > 1) due.sort(inTurn);
    for (const share of due) own.ready.putNowait(share);
  }

  #wake(own: Group, share: Share): void {
    this.#stir(own, share);
    share.state = "ready";
    own.ready.putNowait(share);
  }

  /** It is neither leased nor resting any more. */
  #stir(own: Group, share: Share): void {
    own.timed.remove(share);
    if (share.state === "delayed") own.delayed--;
    else own.leased--;
  }

  #settle(own: Group, { delivery, verdict }: Settlement<MemoryDelivery>): boolean {
    const { share, current } = delivery;
    if (verdict.kind === "done") {
      if (share.state !== "settled") this.#finish(own, share);
      return current;
    }
    if (!current) return false;
    if (verdict.kind === "bury") {
      this.#bury(own, share, verdict.reason);
      this.#finish(own, share);
    } else if (verdict.delay > 0) {
      this.#stir(own, share);
      own.leased++;
      this.#rest(own, share, "resting", verdict.delay);
    } else {
      this.#wake(own, share);
    }
    return true;
  }

  #finish(own: Group, share: Share): void {
    if (share.state === "ready") own.ghosts++;
    else this.#stir(own, share);
    share.state = "settled";
    const { job } = share;
    if (--job.left > 0) return;
    this.#unfinished.done();
    job.place?.release();
  }

  /** It was settled while it waited to be handed out again. */
  #isGhost(own: Group, { state }: Share): boolean {
    if (state !== "settled") return false;
    own.ghosts--;
    return true;
  }

  #bury(own: Group, { job: { id, payload, level }, attempt }: Share, reason: string): void {
    const position = this.#buried++;
    own.dead.add({ id, payload, level, attempts: attempt, reason, at: Date.now(), position });
  }

  /** Waits for a batch, and lets the time bring what it brings. */
  async #await(own: Group, batch: Promise<Share[]>): Promise<Share[]> {
    own.waiting++;
    this.#watch(own);
    try {
      return await batch;
    } finally {
      own.waiting--;
      this.#watch(own);
    }
  }

  /** A timer for the first that is ready again, while somebody waits for it. */
  #watch(own: Group): void {
    const at = own.waiting > 0 ? own.timed.first?.at ?? Infinity : Infinity;
    if (at === own.timerAt) return;
    own.timer?.stop();
    own.timerAt = at;
    own.timer = at === Infinity ? undefined : this.#clock.after(at - this.#clock.now(), () => {
      own.timerAt = Infinity;
      this.#promote(own);
      this.#watch(own);
    });
  }
}

/** By level, since whoever waits is given the first; then by when they are due; then as accepted. */
function inTurn(a: Share, b: Share): number {
  return a.job.level - b.job.level || a.at - b.at || a.job.order - b.job.order;
}
