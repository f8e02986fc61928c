/**
 * The leases that a handle has out: settles them by its engine, one or many, and gives back at its end
 * those that are left.
 *
 * - A lease is held from when it is handed out until its settlement is stored. Of those that have run out
 *   nothing is to be given back, so they are forgotten when there are many.
 * - When all have been given back nobody is told anything any more: the engine may be gone.
 *
 * @module
 */
import type { WaitGroup } from "../sync/wait_group.ts";
import type { JobEngine, Verdict } from "./engine.ts";
import type { HeldLease, LeaseHolder } from "./held_lease.ts";

/** From how many leases on those that have run out are looked for, and forgotten. */
const MANY = 1_024;

export class HeldLeases implements LeaseHolder {
  readonly maxAttempts: number;
  readonly #engine: JobEngine;
  readonly #group: string;
  /** Calls that are with the engine. */
  readonly #calls: WaitGroup;
  /** The last that came, and by it the others. No Set: see "Garbage" in `docs/architecture.md`. */
  #last: HeldLease<unknown> | null = null;
  #count = 0;
  #many = MANY;
  #over = false;

  constructor(
    engine: JobEngine,
    { group, maxAttempts }: { readonly group: string; readonly maxAttempts: number },
    calls: WaitGroup,
  ) {
    this.maxAttempts = maxAttempts;
    this.#engine = engine;
    this.#group = group;
    this.#calls = calls;
  }

  get over(): boolean {
    return this.#over;
  }

  add(lease: HeldLease<unknown>): void {
    if (this.#count >= this.#many) this.#forgetLate();
    lease.before = this.#last;
    if (this.#last !== null) this.#last.after = lease;
    this.#last = lease;
    this.#count++;
  }

  async settle(lease: HeldLease<unknown>, verdict: Verdict): Promise<boolean> {
    if (this.#over) return false;
    const [kept] = await this.#settled([lease], verdict);
    return kept!;
  }

  async extend({ delivery }: HeldLease<unknown>): Promise<boolean> {
    return await this.#calls.go(() => this.#engine.extend(this.#group, delivery));
  }

  /** `done` for those of them that are not settled. */
  doneMany(leases: readonly HeldLease<unknown>[]): Promise<boolean[]> {
    return this.#settleAll(leases, "done");
  }

  /** What cannot be given back comes back by itself, when its lease runs out. */
  async giveBack(): Promise<void> {
    const held = this.#list();
    const back = this.#settleAll(held.filter((lease) => lease.timeLeft > 0), "retry");
    this.#over = true;
    await Promise.allSettled([back, ...held.map((lease) => lease.ended)]);
    for (const lease of held) this.#remove(lease);
  }

  /** Those of them that are not settled; each of them once. */
  async #settleAll(
    leases: readonly HeldLease<unknown>[],
    call: "done" | "retry",
  ): Promise<boolean[]> {
    const open: HeldLease<unknown>[] = [];
    for (const lease of leases) {
      if (lease.settled) continue;
      lease.decide(call);
      open.push(lease);
    }
    if (open.length === 0) return [];
    const stored = this.#settled(open, call === "done" ? { kind: call } : { kind: call, delay: 0 });
    for (let place = 0; place < open.length; place++) open[place]!.join(stored, place);
    try {
      return await stored;
    } catch (error) {
      for (const lease of open) lease.reopen();
      throw error;
    }
  }

  async #settled(leases: readonly HeldLease<unknown>[], verdict: Verdict): Promise<boolean[]> {
    const deliveries = leases.map(({ delivery }) => delivery);
    const kept = await this.#calls.go(() => this.#engine.settle(this.#group, deliveries, verdict));
    for (const lease of leases) this.#remove(lease);
    return kept;
  }

  #list(): HeldLease<unknown>[] {
    const leases: HeldLease<unknown>[] = [];
    for (let lease = this.#last; lease !== null; lease = lease.before) leases.push(lease);
    return leases;
  }

  /** It may not be there any more. */
  #remove(lease: HeldLease<unknown>): void {
    const { before, after } = lease;
    if (after !== null) after.before = before;
    else if (this.#last === lease) this.#last = before;
    else return;
    if (before !== null) before.after = after;
    lease.before = lease.after = null;
    this.#count--;
  }

  #forgetLate(): void {
    for (const lease of this.#list()) {
      if (lease.timeLeft <= 0 && !lease.settled) this.#remove(lease);
    }
    this.#many = Math.max(MANY, 2 * this.#count);
  }
}
