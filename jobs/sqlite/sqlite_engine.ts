/**
 * Jobs in a file of SQLite, for the processes of one host.
 *
 * - Everything that is asked for in one turn of the event loop is one transaction, with one commit: so
 *   256 puts at once cost what one does, and one after the other waits for no timer.
 * - If a transaction fails, those for whom it was have the error, and nothing of it has happened. If jobs
 *   were to be put in, the rest is tried without them: a full disk does not keep anybody from finishing.
 * - A lock that another process holds is waited for without holding up this one, for a while; those who
 *   only wait for something wait on.
 *
 * @module
 */
import type { Wait } from "../../core/contract.ts";
import { Timeout } from "../../core/timeout.ts";
import { afterTurn } from "../../core/turn.ts";
import type { Clock } from "../../tasks/clock.ts";
import type { Buried, JobEngine, NewJob, Verdict } from "../engine.ts";
import type { JobStats } from "../job_queue.ts";
import { Calls, Step } from "./calls.ts";
import { Door } from "./door.ts";
import { isBusy, storageError } from "./faults.ts";
import type { JobFile } from "./job_file.ts";
import { Lookout } from "./lookout.ts";
import { Patience } from "./patience.ts";
import type { SqliteDelivery } from "./sqlite_delivery.ts";
import { PROMOTED, Turn } from "./turn.ts";

/** How an engine waits. */
export interface EngineOptions {
  readonly clock: Clock;
  /** Milliseconds between two looks at what other processes did. */
  readonly pollInterval: number;
  /** Milliseconds until it gives up a lock that another process holds. */
  readonly busyTimeout: number;
}

const always = (): boolean => true;
const never = (): boolean => false;

export class SqliteEngine implements JobEngine<SqliteDelivery> {
  readonly #file: JobFile;
  readonly #clock: Clock;
  readonly #calls: Calls;
  readonly #lookout: Lookout;
  readonly #patience: Patience;
  readonly #door = new Door();
  /** In the next turn those may enter who have waited for a look. */
  #looking = false;
  /** In the last turn those who waited might not enter. */
  #withheld = false;
  /** A turn has been asked for. */
  #asked = false;
  /** Until the lock is tried again. */
  #pause: Timeout | undefined;

  constructor(file: JobFile, { clock, pollInterval, busyTimeout }: EngineOptions) {
    this.#file = file;
    this.#clock = clock;
    this.#calls = new Calls(file.queue.lanes.keys(), { left: () => this.#left() });
    this.#lookout = new Lookout(clock, pollInterval, () => this.#look(), () => this.#ask());
    this.#patience = new Patience(busyTimeout);
  }

  put(job: NewJob, wait: Wait): Promise<boolean> {
    this.#ask();
    return this.#calls.wait(this.#calls.entrants, { job }, wait);
  }

  take(group: string, max: number, wait: Wait): Promise<SqliteDelivery[]> {
    this.#ask();
    return this.#calls.wait(this.#calls.takers.get(group)!, { max }, wait);
  }

  async settle(
    group: string,
    deliveries: readonly SqliteDelivery[],
    verdict: Verdict,
  ): Promise<boolean[]> {
    const kept = await this.#step(always, (now) => {
      const lane = this.#file.lane(group);
      return deliveries.map((delivery) => this.#file.shelf.settle(lane, delivery, verdict, now));
    });
    for (const delivery of deliveries) delivery.until = 0;
    return kept;
  }

  async extend(_group: string, delivery: SqliteDelivery): Promise<boolean> {
    const until = await this.#step<number>(always, (now) => {
      const until = now + this.#file.queue.leaseTime;
      return this.#file.shelf.extend(delivery, until, now) ? until : 0;
    });
    delivery.until = until;
    return until > 0;
  }

  join(wait: Wait): Promise<void> {
    this.#ask();
    return this.#calls.wait(this.#calls.joiners, { since: undefined }, wait);
  }

  stats(group: string): Promise<JobStats> {
    const file = this.#file;
    const isDue = (now: number) => {
      const lane = file.queue.lanes.get(group);
      return lane !== undefined && file.isDue(lane, now);
    };
    return this.#step<JobStats>(isDue, (now, writing) => {
      const lane = file.lane(group);
      if (writing) file.shelf.promote(lane, now, PROMOTED);
      return isDue(now) ? undefined : file.ledger.stats(lane, file.queue.capacity);
    });
  }

  buried(group: string, after: number, limit: number): Promise<Buried[]> {
    return this.#step(never, () => this.#file.graveyard.page(this.#file.lane(group), after, limit));
  }

  async findBuried(group: string, id: string): Promise<Buried | undefined> {
    const find = () => [this.#file.graveyard.find(this.#file.lane(group), id)];
    return (await this.#step(never, find))[0];
  }

  revive(group: string, id: string, wait: Wait): Promise<boolean> {
    this.#ask();
    return this.#calls.wait(this.#calls.entrants, { group, id }, wait);
  }

  removeBuried(group: string, id: string): Promise<boolean> {
    return this.#step(always, () => this.#file.graveyard.remove(this.#file.lane(group), id));
  }

  async close(): Promise<void> {
    // What somebody has asked for without waiting for it.
    await Promise.allSettled(this.#calls.steps.map(({ promise }) => promise));
    if (this.#asked) await new Promise<void>(afterTurn);
    this.#lookout.rest();
    this.#pause?.stop();
    this.#file.close();
  }

  #step<R>(writes: Step<R>["writes"], run: Step<R>["run"]): Promise<R> {
    this.#ask();
    return this.#calls.add(new Step(writes, run));
  }

  /** Asks for a turn: soon, or when the lock is tried again. */
  #ask(): void {
    if (this.#asked || this.#pause !== undefined) return;
    this.#asked = true;
    afterTurn(() => {
      this.#asked = false;
      this.#turn();
    });
  }

  #turn(): void {
    if (!this.#calls.someoneWaits && this.#calls.steps.length === 0) return;
    const turn = new Turn(this.#file, this.#calls, this.#clock);
    try {
      const entering = this.#looking || !this.#door.isShared || this.#calls.allAreNew;
      this.#withheld = !entering;
      turn.run(entering);
      this.#patience.renew();
    } catch (error) {
      if (isBusy(error)) this.#busy(error);
      else this.#failed(turn, error);
      return;
    }
    this.#after(turn);
  }

  /** Somebody else holds the lock. */
  #busy(error: unknown): void {
    if (this.#patience.isOver) {
      this.#calls.fail(storageError(this.#file.path, error));
      this.#patience.renew();
    }
    if (!this.#calls.someoneWaits && this.#calls.steps.length === 0) return;
    this.#pause = new Timeout(this.#patience.pause(), () => {
      this.#pause = undefined;
      this.#turn();
    });
  }

  #failed(turn: Turn, error: unknown): void {
    const cause = storageError(this.#file.path, error);
    if (!turn.entered) {
      turn.fail(cause);
    } else {
      turn.failEntered(cause);
      this.#rest();
    }
    // Others may be next.
    if (this.#calls.someoneWaits) this.#ask();
  }

  /** What was asked for beside the jobs that could not be put in. */
  #rest(): void {
    const turn = new Turn(this.#file, this.#calls, this.#clock);
    try {
      turn.run(false);
    } catch (error) {
      if (isBusy(error)) this.#busy(error);
      else turn.fail(storageError(this.#file.path, error));
    }
  }

  #after(turn: Turn): void {
    this.#looking = false;
    this.#door.hear(this.#file.ledger.knocks, turn.entered);
    if (turn.more) this.#ask();
    if (this.#calls.someoneWaits) this.#lookout.watch(turn.soonest);
    else this.#lookout.rest();
  }

  /** Somebody has left early. */
  #left(): void {
    if (this.#calls.someoneWaits) return;
    this.#lookout.rest();
    if (this.#calls.steps.length > 0) return;
    this.#pause?.stop();
    this.#pause = undefined;
  }

  /** What have others done? */
  #look(): void {
    if (this.#calls.entrants.length > 0 && this.#door.isSilent) this.#knock();
    if (!this.#hasChanged() && !this.#withheld) return;
    this.#looking = this.#door.look();
    this.#ask();
  }

  #knock(): void {
    this.#door.knock();
    const knock = this.#step(always, () => this.#file.ledger.knock());
    // It is heard later, then.
    knock.catch(() => {});
  }

  /** If it cannot be seen, a turn finds out why. */
  #hasChanged(): boolean {
    try {
      return this.#file.hasChanged();
    } catch {
      return true;
    }
  }
}
