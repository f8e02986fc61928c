/**
 * What a job queue should know: every job that was accepted, and what became of it in each group. It goes
 * by what was observed, in the order in which it happened, and objects to what cannot be.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { JobLease, JobStats } from "../../jobs/mod.ts";

/** A group's share in a job. */
export interface Share {
  state: "free" | "leased" | "settled";
  /** Why a free one may not be ready yet. */
  rests: "delayed" | "resting";
  attempt: number;
  /** When it is ready: at once, after its delay, or when its lease runs out. */
  at: number;
  held: Held | undefined;
}

export interface ModelJob {
  /** The value. */
  readonly n: number;
  readonly id: string;
  readonly level: number;
  /** Which handle put it, if it has a place in the order of that handle's jobs. */
  readonly handle: number | undefined;
  readonly shares: ReadonlyMap<string, Share>;
}

/** A lease that somebody has. */
export interface Held {
  readonly lease: JobLease<number>;
  readonly job: ModelJob;
  readonly share: Share;
  readonly group: string;
  readonly handle: number;
  over: boolean;
}

export interface ModelSettings {
  readonly groups: readonly string[];
  readonly capacity: number;
  readonly leaseTime: number;
  readonly maxAttempts: number;
  readonly dedupeWindow: number;
}

export class JobsModel {
  readonly settings: ModelSettings;
  readonly now: () => number;
  readonly jobs: ModelJob[] = [];
  readonly held: Held[] = [];
  /** The dead letters of each group. */
  readonly dead: ReadonlyMap<string, ModelJob[]>;
  readonly #known = new Map<string, number>();
  /** The last first delivery of each group, level and handle. */
  readonly #last = new Map<string, number>();

  constructor(settings: ModelSettings, now: () => number) {
    this.settings = settings;
    this.now = now;
    this.dead = new Map(settings.groups.map((group) => [group, []]));
  }

  // ---- what happened ----

  /** Whether an id is known at a moment. */
  knows(id: string, at: number = this.now()): boolean {
    return (this.#known.get(id) ?? -Infinity) > at;
  }

  accepted(job: Omit<ModelJob, "shares">, delay: number, named: boolean, at: number): void {
    if (named) {
      assert(!this.knows(job.id, at), `${job.id} was stored twice`);
      this.#known.set(job.id, at + this.settings.dedupeWindow);
    }
    this.#add(job, this.settings.groups, delay, at);
  }

  duplicate(id: string, at: number): void {
    assert(this.knows(id, at), `${id} is no duplicate`);
  }

  #add(job: Omit<ModelJob, "shares">, groups: readonly string[], delay: number, at: number): void {
    const share = (): Share => ({
      state: "free",
      rests: "delayed",
      attempt: 0,
      at: at + delay,
      held: undefined,
    });
    this.jobs.push({
      ...job,
      handle: delay > 0 ? undefined : job.handle,
      shares: new Map(groups.map((group) => [group, share()])),
    });
  }

  delivered(lease: JobLease<number>, group: string, handle: number, at: number): Held {
    const job = this.jobs.find(({ n, shares }) =>
      n === lease.value && (shares.get(group)?.state ?? "settled") !== "settled"
    );
    assert(job !== undefined, `${lease.value} was handed out, and is not to be`);
    const share = job.shares.get(group)!;
    assert(share.at <= at, `${job.n} was handed out ${share.at - at} ms too early: ${share.state}`);
    share.attempt++;
    assertEquals([lease.id, lease.attempt, lease.priority], [job.id, share.attempt, job.level]);
    assert(share.attempt <= this.settings.maxAttempts, "too many attempts");
    if (share.attempt === 1 && job.handle !== undefined) this.#inOrder(job, group);
    share.state = "leased";
    share.at = at + this.settings.leaseTime;
    const held = { lease, job, share, group, handle, over: false };
    share.held = held;
    this.held.push(held);
    return held;
  }

  #inOrder({ n, level, handle }: ModelJob, group: string): void {
    const key = `${group} ${level} ${handle}`;
    const last = this.#last.get(key) ?? -1;
    assert(last < n, `${n} came after ${last}`);
    this.#last.set(key, n);
  }

  /** Whether a lease has not ended. */
  current(held: Held): boolean {
    const { share } = held;
    return share.state === "leased" && share.held === held && share.at > this.now();
  }

  settle(share: Share): void {
    share.state = "settled";
    share.held = undefined;
  }

  free(share: Share, delay: number): void {
    share.state = "free";
    share.rests = "resting";
    share.at = this.now() + delay;
    share.held = undefined;
  }

  extended(share: Share): void {
    share.at = this.now() + this.settings.leaseTime;
  }

  buried(job: ModelJob, group: string): void {
    this.settle(job.shares.get(group)!);
    this.dead.get(group)!.push(job);
  }

  /** A letter was put back. */
  revived(id: string, group: string, at: number): void {
    const letters = this.dead.get(group)!;
    if (!letters.some((letter) => letter.id === id)) {
      // It was out of attempts, and put back as soon as somebody had asked for it.
      const { maxAttempts } = this.settings;
      const job = this.ready(group).find(({ id: own, shares }) =>
        own === id && shares.get(group)!.attempt >= maxAttempts
      );
      if (job !== undefined) this.buried(job, group);
    }
    const job = this.removed(id, group);
    this.#add({ ...job, handle: undefined }, [group], 0, at);
  }

  /** Takes out the last letter with an id. */
  removed(id: string, group: string): ModelJob {
    const letters = this.dead.get(group)!;
    const at = letters.findLastIndex((letter) => letter.id === id);
    assert(at >= 0, `there was no letter ${id}`);
    return letters.splice(at, 1)[0]!;
  }

  /** Which letters there are, by value; those that nobody buried were out of attempts. */
  letters(group: string, seen: readonly number[]): void {
    const expected = this.dead.get(group)!.map(({ n }) => n);
    for (const n of seen) {
      const at = expected.indexOf(n);
      if (at >= 0) {
        expected.splice(at, 1);
        continue;
      }
      const job = this.ready(group).find((job) => job.n === n);
      assert(job !== undefined, `${n} is dead, and need not be`);
      assert(job.shares.get(group)!.attempt >= this.settings.maxAttempts, `${n} had attempts left`);
      this.buried(job, group);
    }
    assertEquals(expected, [], "letters are lost");
  }

  // ---- how it should be ----

  ready(group: string): ModelJob[] {
    return this.jobs.filter(({ shares }) => {
      const share = shares.get(group);
      return share !== undefined && share.state !== "settled" && share.at <= this.now();
    });
  }

  get unfinished(): number {
    return this.jobs.filter(({ shares }) =>
      [...shares.values()].some(({ state }) => state !== "settled")
    ).length;
  }

  stats(group: string): JobStats {
    const count = { ready: 0, leased: 0, delayed: 0 };
    for (const { shares } of this.jobs) {
      const share = shares.get(group);
      if (share === undefined || share.state === "settled") continue;
      if (share.at <= this.now()) count.ready++;
      else if (share.state === "free" && share.rests === "delayed") count.delayed++;
      else count.leased++;
    }
    const { capacity } = this.settings;
    return { ...count, unfinished: this.unfinished, dead: this.dead.get(group)!.length, capacity };
  }
}
