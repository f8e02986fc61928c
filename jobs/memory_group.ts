/**
 * One group's share in the jobs of a queue in memory: what is ready, by level, then first come, first
 * served; and what is out on lease or rests, by the moment at which it is ready again.
 *
 * - A share is in `ready` or in `timed`, or settled. One that is settled while it is ready, since a lease
 *   that had run out was done late, stays where it is as a ghost, and is passed over.
 * - Only while somebody waits for a job there is a timer for the first moment; whoever looks, looks at the
 *   clock.
 *
 * @module
 */
import type { Wait } from "../core/contract.ts";
import { SoonestFirst } from "../flow/limits/soonest_first.ts";
import { PriorityQueue } from "../queue.ts";
import type { Permit } from "../sync/semaphore.ts";
import type { Clock, Timer } from "../tasks/clock.ts";
import type { Payload } from "./codec.ts";
import type { Delivery } from "./engine.ts";
import { MemoryDead } from "./memory_dead.ts";

/** A job, until its last group has settled it. */
export interface StoredJob {
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
export class Share {
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

export class MemoryDelivery implements Delivery {
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

export class MemoryGroup {
  readonly dead = new MemoryDead();
  readonly #clock: Clock;
  readonly #leaseTime: number;
  readonly #ready: PriorityQueue<Share>;
  /** Leased, delayed, or resting. */
  readonly #timed = new SoonestFirst<Share>();
  #leased = 0;
  #delayed = 0;
  #ghosts = 0;
  /** Those who wait in `take`. */
  #waiting = 0;
  #timer: Timer | undefined;
  /** When the timer runs. */
  #timerAt = Infinity;

  constructor(clock: Clock, leaseTime: number) {
    this.#clock = clock;
    this.#leaseTime = leaseTime;
    this.#ready = new PriorityQueue<Share>({ priority: (share) => share.job.level });
  }

  get ready(): number {
    // One that is on its way to whoever took it may be a ghost, too.
    return Math.max(0, this.#ready.size - this.#ghosts);
  }

  /** How many are leased or resting. */
  get leased(): number {
    return this.#leased;
  }

  get delayed(): number {
    return this.#delayed;
  }

  add(job: StoredJob, delay: number): void {
    const share = new Share(job);
    if (delay > 0) this.#rest(share, "delayed", delay);
    else this.#ready.putNowait(share);
  }

  async take(max: number, wait: Wait): Promise<MemoryDelivery[]> {
    this.promote();
    // While something is there nobody waits, and no timer is needed.
    const shares = this.#ready.size > 0
      ? await this.#ready.getBatch(max, wait)
      : await this.#await(this.#ready.getBatch(max, wait));
    const live = shares.filter((share) => !this.#isGhost(share));
    // Instead of those that were settled meanwhile there may be others.
    while (live.length < max) {
      const next = this.#ready.tryGet();
      if (next === undefined) break;
      if (!this.#isGhost(next.value)) live.push(next.value);
    }
    return live.map((share) => {
      share.attempt++;
      this.#rest(share, "leased", this.#leaseTime);
      return new MemoryDelivery(share, this.#clock);
    });
  }

  /** Gives it back: it is ready at once, or rests first. */
  giveBack(share: Share, delay: number): void {
    this.#stir(share);
    if (delay > 0) this.#rest(share, "resting", delay);
    else this.#wake(share);
  }

  /** It is settled, wherever it is. */
  remove(share: Share): void {
    if (share.state === "ready") this.#ghosts++;
    else this.#stir(share);
    share.state = "settled";
    this.#watch();
  }

  /** Its lease begins anew. */
  extend(share: Share): void {
    share.at = this.#clock.now() + this.#leaseTime;
    // A timer that was set for its end finds that out when it runs.
    this.#timed.move(share);
  }

  /** Makes ready what is. */
  promote(): void {
    const now = this.#clock.now();
    const due: Share[] = [];
    for (let share = this.#timed.first; share !== undefined; share = this.#timed.first) {
      if (share.at > now) break;
      this.#stir(share);
      due.push(share);
    }
    if (due.length > 1) due.sort(inTurn);
    for (const share of due) this.#wake(share);
  }

  /** It is ready again after so long. */
  #rest(share: Share, state: "leased" | "delayed" | "resting", ms: number): void {
    share.state = state;
    share.at = this.#clock.now() + ms;
    if (state === "delayed") this.#delayed++;
    else this.#leased++;
    this.#timed.push(share);
    this.#watch();
  }

  /** It does not rest, and is not leased, any more. */
  #stir(share: Share): void {
    this.#timed.remove(share);
    if (share.state === "delayed") this.#delayed--;
    else this.#leased--;
  }

  #wake(share: Share): void {
    share.state = "ready";
    this.#ready.putNowait(share);
  }

  #isGhost({ state }: Share): boolean {
    if (state !== "settled") return false;
    this.#ghosts--;
    return true;
  }

  /** Waits for a batch, and lets the time bring what it brings. */
  async #await(batch: Promise<Share[]>): Promise<Share[]> {
    this.#waiting++;
    this.#watch();
    try {
      return await batch;
    } finally {
      this.#waiting--;
      this.#watch();
    }
  }

  /** A timer for the first that is ready again, while somebody waits for it. */
  #watch(): void {
    const at = this.#waiting > 0 ? this.#timed.first?.at ?? Infinity : Infinity;
    if (at === this.#timerAt) return;
    this.#timer?.stop();
    this.#timerAt = at;
    this.#timer = at === Infinity ? undefined : this.#clock.after(at - this.#clock.now(), () => {
      this.#timerAt = Infinity;
      this.promote();
      this.#watch();
    });
  }
}

/** By level, since whoever waits is given the first; then by when they are due; then as accepted. */
function inTurn(a: Share, b: Share): number {
  return a.job.level - b.job.level || a.at - b.at || a.job.order - b.job.order;
}
