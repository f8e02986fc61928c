/**
 * One turn: all that was asked for since the last one, in one transaction, with one commit.
 *
 * - First what settles and looks, then the jobs that fit, then those who take: a place that becomes free
 *   is taken, and a job that is put is handed out, in the same turn.
 * - Nobody is told before it is stored, and nobody can leave in the middle: no other code runs.
 * - If nothing has to be written, nothing is locked.
 *
 * @module
 */
import type { WaitList, WaitNode } from "../../core/wait_list.ts";
import type { Clock } from "../../tasks/clock.ts";
import { JobQueueError } from "../errors.ts";
import type { Calls, Entrant, Joiner, Step, Taker } from "./calls.ts";
import { isTooBig, storageError, tooBigError } from "./faults.ts";
import type { JobFile } from "./job_file.ts";
import { SqliteDelivery } from "./sqlite_delivery.ts";

/** How many become ready again in one turn, at most: some milliseconds. */
export const PROMOTED = 512;

export class Turn {
  /** When there is something for those who still wait. */
  soonest = Infinity;
  /** There is more to do: another turn is to follow. */
  more = false;
  readonly #file: JobFile;
  readonly #calls: Calls;
  readonly #clock: Clock;
  readonly #now: number;
  readonly #answers: (() => void)[] = [];
  readonly #late: Step<unknown>[] = [];
  /** Those whose jobs were put in. */
  readonly #entered: WaitNode[] = [];
  /** Those who were given something else. */
  readonly #served: WaitNode[] = [];

  constructor(file: JobFile, calls: Calls, clock: Clock) {
    this.#file = file;
    this.#calls = calls;
    this.#clock = clock;
    this.#now = clock.now();
  }

  /** Does it all, or throws, and nothing has happened. Without `entering` nobody puts anything in. */
  run(entering = true): void {
    const writes = this.#mustWrite(entering);
    if (writes) this.#file.begin();
    try {
      this.#runSteps(writes);
      this.#admit(writes && entering);
      if (writes) this.#serve();
      this.#join();
      this.#lookAhead();
      if (writes) this.#file.commit();
    } catch (error) {
      if (writes) this.#file.rollback();
      throw error;
    }
    for (const answer of this.#answers) answer();
    this.#calls.turned(this.#late);
    this.more ||= this.#late.length > 0;
  }

  /** Jobs were to be put in. */
  get entered(): boolean {
    return this.#entered.length > 0;
  }

  /** Those whose jobs were to be put in fail. */
  failEntered(error: unknown): void {
    this.#fail(this.#entered, error);
  }

  /** All for whom it was fail; if that cannot be told, all who wait. */
  fail(error: unknown): void {
    const forSomebody = this.#calls.steps.length + this.#entered.length + this.#served.length > 0;
    this.#fail(this.#entered, error);
    this.#fail(this.#served, error);
    if (forSomebody) this.#calls.fail(error);
    else this.#calls.failAll(error);
  }

  #fail(nodes: readonly WaitNode[], error: unknown): void {
    for (const node of nodes) {
      if (node.list === null) continue;
      node.leave();
      node.fail(error);
    }
  }

  #mustWrite(entering: boolean): boolean {
    const { steps, entrants } = this.#calls;
    const file = this.#file;
    const enter = entering && entrants.head !== null;
    // The queue was not full when somebody last looked.
    if (enter && this.#calls.allAreNew) return true;
    if (steps.some((step) => step.writes(this.#now))) return true;
    if (this.#someTaker((lane) => file.ledger.hadReady(lane))) return true;
    file.look();
    if (enter && !file.isFull) return true;
    return this.#someTaker((lane) =>
      file.ledger.lane(lane).ready > 0 || file.isDue(lane, this.#now)
    );
  }

  /** Whether somebody waits at a lane that is such, or is not there any more. */
  #someTaker(isSuch: (lane: number) => boolean): boolean {
    for (const [group, list] of this.#calls.takers) {
      if (list.head === null) continue;
      const lane = this.#file.queue.lanes.get(group);
      if (lane === undefined || isSuch(lane)) return true;
    }
    return false;
  }

  #runSteps(writing: boolean): void {
    for (const step of this.#calls.steps) {
      const result = this.#alone(() => step.run(this.#now, writing), step.fail);
      if (result === FAILED) continue;
      if (result === undefined) this.#late.push(step);
      else this.#answers.push(() => step.settle(result));
    }
  }

  /** Those who are first, as far as there is room; a newcomer further behind may bring a duplicate. */
  #admit(writing: boolean): void {
    const { entrants } = this.#calls;
    let node = entrants.head;
    for (; node !== null; node = node.next) {
      const entrant = node.item as Entrant;
      if (this.#refuse(node, entrant)) continue;
      if (!writing || this.#file.isFull) break;
      this.#enter(node, entrant);
    }
    if (node === null) return;
    const refused = new Set(this.#served);
    for (const node of this.#calls.newcomers()) {
      if (node.list !== entrants || refused.has(node)) continue;
      this.#refuse(node, node.item as Entrant);
    }
  }

  /** Whether there is nothing to be put in: the queue has the job, or nobody has it. */
  #refuse(node: WaitNode, entrant: Entrant): boolean {
    const file = this.#file;
    if ("job" in entrant) {
      const { id, named } = entrant.job;
      if (!named || !file.known.has(id, this.#now)) return false;
    } else {
      const lane = file.queue.lanes.get(entrant.group);
      if (lane !== undefined && file.graveyard.find(lane, entrant.id) !== undefined) return false;
    }
    this.#served.push(node);
    this.#answer(node, false);
    return true;
  }

  #enter(node: WaitNode, entrant: Entrant): void {
    const file = this.#file;
    const now = this.#now;
    this.#entered.push(node);
    const result = this.#alone(() => {
      if ("job" in entrant) {
        const { job } = entrant;
        file.shelf.put(job, file.lanes, now);
        if (job.named) file.known.add(job.id, now + file.queue.dedupeWindow, now);
      } else {
        const lane = file.lane(entrant.group);
        file.graveyard.revive(lane, file.graveyard.find(lane, entrant.id)!);
      }
      return true;
    }, (error) => this.#fail([node], error));
    if (result === true) this.#answer(node, true);
  }

  #serve(): void {
    for (const [group, list] of this.#calls.takers) {
      if (list.head === null) continue;
      const lane = this.#file.queue.lanes.get(group);
      if (lane === undefined) this.#refuseAll(group, list);
      else this.#hand(lane, list);
    }
  }

  #hand(lane: number, list: WaitList): void {
    const { shelf, queue } = this.#file;
    if (shelf.promote(lane, this.#now, PROMOTED) === PROMOTED) this.more = true;
    const until = this.#now + queue.leaseTime;
    for (let node = list.head; node !== null; node = node.next) {
      const jobs = shelf.take(lane, (node.item as Taker).max, until);
      if (jobs.length === 0) break;
      this.#served.push(node);
      this.#answer(node, jobs.map((job) => new SqliteDelivery(job, until, this.#clock)));
    }
  }

  #refuseAll(group: string, list: WaitList): void {
    for (const node of list.snapshot()) {
      this.#alone(() => this.#file.lane(group), (error) => this.#fail([node], error));
    }
  }

  #join(): void {
    const { unfinished, emptied } = this.#file.ledger;
    for (let node = this.#calls.joiners.head; node !== null; node = node.next) {
      const joiner = node.item as Joiner;
      joiner.since ??= emptied;
      if (unfinished === 0 || emptied > joiner.since) this.#answer(node, undefined);
    }
  }

  /** Those who are served still stand in their list, before those who are not. */
  #lookAhead(): void {
    const served = new Set(this.#served);
    for (const [group, { tail }] of this.#calls.takers) {
      const lane = this.#file.queue.lanes.get(group);
      if (tail === null || served.has(tail) || lane === undefined) continue;
      this.soonest = Math.min(this.soonest, this.#file.shelf.soonest(lane) ?? Infinity);
    }
  }

  #answer(node: WaitNode, value: unknown): void {
    this.#answers.push(() => {
      node.leave();
      node.settle(value);
    });
  }

  /** What fails for a reason of its own has changed nothing, and fails alone. */
  #alone<R>(run: () => R, fail: (error: unknown) => void): R | typeof FAILED {
    try {
      return run();
    } catch (error) {
      const own = isTooBig(error) ? tooBigError(error) : error;
      if (!(own instanceof JobQueueError)) throw error;
      this.#answers.push(() => fail(storageError(this.#file.path, own)));
      return FAILED;
    }
  }
}

const FAILED: unique symbol = Symbol("failed");
