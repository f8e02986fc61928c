/**
 * Runs a random program on the handles of one job queue, and compares it with the model after each step.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { JobLease, JobQueue } from "../../jobs/mod.ts";
import { background, type CancelContext, ClosedError, withCancel } from "../../mod.ts";
import type { JobWorld } from "./job_engines.ts";
import { JobsModel, type ModelJob } from "./jobs_model.ts";
import { HANDLES, type Op, type Program, SLOTS } from "./jobs_program.ts";

/** A call that may wait. */
interface Call {
  readonly kind: "put" | "get" | "join" | "putBack";
  readonly handle: number;
  readonly id: string | undefined;
  state: "pending" | "done" | "failed";
}

interface Handle {
  queue: JobQueue<number>;
  readonly group: string;
}

/** What happened since the last rest, to be told to the model in an order in which it can have been. */
class Events {
  readonly stored: (() => void)[] = [];
  readonly duplicates: (() => void)[] = [];
  readonly letters: (() => void)[] = [];
  readonly delivered: { lease: JobLease<number>; handle: number; at: number }[] = [];

  get quiet(): boolean {
    const { stored, duplicates, letters, delivered } = this;
    return stored.length + duplicates.length + letters.length + delivered.length === 0;
  }
}

export class ProgramRun {
  readonly #world: JobWorld;
  readonly #program: Program;
  readonly #apart: boolean;
  readonly #model: JobsModel;
  #opener!: JobQueue<number>;
  #watchers: JobQueue<number>[] = [];
  readonly #handles: Handle[] = [];
  readonly #slots: { ctx: CancelContext; cause: symbol }[] = [];
  readonly #calls: Call[] = [];
  #events = new Events();
  #next = 0;

  /** `apart`: each handle has an engine of its own, as processes have. */
  constructor(world: JobWorld, program: Program, apart: boolean) {
    this.#world = world;
    this.#apart = apart;
    this.#program = program;
    const groups = ["one", "two"].slice(0, program.groups);
    const { capacity, maxAttempts } = program;
    const settings = { groups, capacity, maxAttempts, leaseTime: 100, dedupeWindow: 300 };
    this.#model = new JobsModel(settings, () => world.clock!.now());
  }

  async run(): Promise<void> {
    await this.#start();
    for (const op of this.#program.ops) {
      const ready = this.#model.settings.groups.map((group) => this.#model.ready(group));
      await this.#step(op);
      await this.#rest(ready);
    }
    await this.#finish();
  }

  async #start(): Promise<void> {
    const { settings } = this.#model;
    this.#opener = await this.#world.open<number>({ ...settings, levels: 2 });
    this.#watchers = settings.groups.map((group) => this.#opener.forGroup(group));
    for (let at = 0; at < HANDLES; at++) {
      const group = settings.groups[at % settings.groups.length]!;
      this.#handles.push({ queue: await this.#world.beside(this.#opener, group), group });
    }
    for (let at = 0; at < SLOTS; at++) this.#slots.push(this.#slot());
  }

  #slot(): { ctx: CancelContext; cause: symbol } {
    return { ctx: withCancel(background()), cause: Symbol("cancelled") };
  }

  // ---- steps ----

  async #step(op: Op): Promise<void> {
    switch (op.op) {
      case "put":
        return this.#put(op);
      case "get":
        return this.#get(op);
      case "done":
      case "retry":
      case "reject":
      case "extend":
        return await this.#settle(op);
      case "doneMany":
        return await this.#doneMany(op.handle);
      case "pass":
        return await this.#world.pass(op.ms);
      case "cancel": {
        const { ctx, cause } = this.#slots[op.slot]!;
        this.#slots[op.slot] = this.#slot();
        return ctx.cancel(cause);
      }
      case "reopen":
        return await this.#reopen(op.handle);
      case "join":
        return this.#call(
          "join",
          op.handle,
          undefined,
          op.slot,
          (ctx) => this.#handles[op.handle]!.queue.join(ctx),
          () => {},
        );
      case "putBack":
      case "remove":
        return await this.#letter(op);
    }
  }

  #call<R>(
    kind: Call["kind"],
    handle: number,
    id: string | undefined,
    slot: number | undefined,
    run: (ctx: { ctx?: CancelContext }) => Promise<R>,
    then: (result: R) => void,
  ): void {
    const call: Call = { kind, handle, id, state: "pending" };
    this.#calls.push(call);
    const { ctx, cause } = slot === undefined
      ? { ctx: undefined, cause: undefined }
      : this.#slots[slot]!;
    const { queue } = this.#handles[handle]!;
    run({ ctx }).then((result) => {
      call.state = "done";
      then(result);
    }, (error) => {
      call.state = "failed";
      if (error === cause) return;
      // Told at the next rest.
      if (error instanceof ClosedError && queue.closed) return;
      this.#events.letters.push(() => {
        throw error;
      });
    });
  }

  #put({ handle, level, delay, id, slot }: Op & { op: "put" }): void {
    const n = this.#next++;
    const dedupeId = id === undefined || this.#returns(`id ${id}`) ? undefined : `id ${id}`;
    const { queue } = this.#handles[handle]!;
    this.#call(
      "put",
      handle,
      dedupeId,
      slot,
      (wait) => queue.put(n, { ...wait, priority: level, delay, dedupeId }),
      (receipt) => {
        const at = this.#model.now();
        if (receipt.duplicate) {
          this.#events.duplicates.push(() => this.#model.duplicate(receipt.id, at));
          return;
        }
        const job = { n, id: receipt.id, level, handle };
        this.#events.stored.push(() =>
          this.#model.accepted(job, delay, dedupeId !== undefined, at)
        );
      },
    );
  }

  #get({ handle, max, slot }: Op & { op: "get" }): void {
    const { queue } = this.#handles[handle]!;
    const run = async (wait: { ctx?: CancelContext }): Promise<JobLease<number>[]> =>
      max === undefined ? [await queue.get(wait)] : await queue.getMany(max, wait);
    this.#call("get", handle, undefined, slot, run, (leases) => {
      assert(leases.length > 0 && leases.length <= (max ?? 1));
      const at = this.#model.now();
      for (const lease of leases) this.#events.delivered.push({ lease, handle, at });
    });
  }

  async #settle({ op, pick, delay }: Op & { pick: number; delay: number }): Promise<void> {
    const open = this.#model.held.filter(({ over }) => !over);
    if (open.length === 0) return;
    // The youngest are the likeliest.
    const held = open[Math.max(0, open.length - 1 - pick)]!;
    const { lease, share, job, group } = held;
    const current = this.#model.current(held);
    if (op !== "extend") held.over = true;
    if (op === "done") {
      if (share.state !== "settled") this.#model.settle(share);
      assertEquals(await lease.done(), current);
    } else if (op === "retry") {
      if (current && lease.attempt >= this.#model.settings.maxAttempts) {
        this.#model.buried(job, group);
      } else if (current) {
        this.#model.free(share, delay);
      }
      assertEquals(await lease.retry({ delay }), current);
    } else if (op === "reject") {
      if (current) this.#model.buried(job, group);
      assertEquals(await lease.reject("no"), current);
    } else {
      if (current) this.#model.extended(share);
      assertEquals(await lease.extend(), current);
    }
  }

  async #doneMany(handle: number): Promise<void> {
    const own = this.#model.held.filter((held) => held.handle === handle && !held.over);
    const current = own.filter((held) => this.#model.current(held)).length;
    for (const held of own) {
      held.over = true;
      if (held.share.state !== "settled") this.#model.settle(held.share);
    }
    const { queue } = this.#handles[handle]!;
    const kept = await queue.doneMany(own.map(({ lease }) => lease));
    // Of two leases on one job in a batch the first one ends the second.
    assert(kept <= current);
  }

  async #reopen(at: number): Promise<void> {
    const handle = this.#handles[at]!;
    const own = this.#model.held.filter((held) => held.handle === at && !held.over);
    const freed = own.filter((held) => this.#model.current(held));
    for (const held of own) held.over = true;
    for (const { share } of freed) this.#model.free(share, 0);
    await handle.queue.close();
    await this.#world.rest();
    for (const call of this.#calls) {
      assert(call.handle !== at || call.state !== "pending", `a ${call.kind} survived its handle`);
    }
    for (const { lease } of own) assert(lease.settled);
    handle.queue = await this.#world.beside(this.#opener, handle.group);
  }

  async #letter({ op, handle, pick, slot }: Op & { op: "putBack" | "remove" }): Promise<void> {
    const { queue, group } = this.#handles[handle]!;
    const letters = this.#model.dead.get(group)!;
    const id = letters[pick % Math.max(1, letters.length)]?.id ?? "none";
    if (op === "putBack" && this.#isAmbiguous(id, group)) return;
    if (op === "remove") {
      const there = letters.length > 0;
      assertEquals(await queue.dead.remove(id), there);
      if (there) this.#model.removed(id, group);
      return;
    }
    this.#call("putBack", handle, id, slot, (wait) => queue.dead.putBack(id, wait), (back) => {
      const at = this.#model.now();
      this.#events.letters.push(() => {
        if (back) this.#model.revived(id, group, at);
        else assert(!this.#model.dead.get(group)!.some((letter) => letter.id === id));
      });
    });
  }

  /** Of several with one id nobody could tell afterwards which one was put back. */
  #isAmbiguous(id: string, group: string): boolean {
    const letters = this.#model.dead.get(group)!.filter((letter) => letter.id === id);
    return letters.length > 1 || this.#returns(id) ||
      this.#model.jobs.some((job) => isIn(job, id, group));
  }

  /** Whether a letter with this id may be put back at any moment. */
  #returns(id: string): boolean {
    return this.#calls.some((call) => call.kind === "putBack" && call.id === id);
  }

  // ---- what must hold ----

  async #rest(before: ReturnType<JobsModel["ready"]>[]): Promise<void> {
    const highest = new Map<string, number>();
    // Handles that hear of one another by looking need a moment more.
    for (let tries = this.#world.kind === "memory" ? 1 : 50; tries > 0; tries--) {
      await this.#world.rest();
      this.#tell(highest);
      await this.#tellLetters();
      if (this.#events.quiet && this.#faults().next().done) break;
    }
    for (const fault of this.#faults()) assert(false, fault);
    for (const [at, group] of this.#model.settings.groups.entries()) {
      assertEquals(
        await this.#watchers[at]!.stats(),
        this.#model.stats(group),
        `as ${group} sees it`,
      );
      const ready = new Set(this.#model.ready(group));
      for (const job of before[at]!) {
        const passed = ready.has(job) && job.level < (highest.get(group) ?? 0);
        assert(!passed, `${job.n} was passed over, of level ${job.level}`);
      }
    }
    this.#calls.splice(0, Infinity, ...this.#calls.filter(({ state }) => state === "pending"));
  }

  /** `highest`: the highest level of a first delivery, by group. */
  #tell(highest: Map<string, number>): void {
    const { stored, duplicates, letters, delivered } = this.#events;
    this.#events = new Events();
    for (const tell of [...stored, ...duplicates, ...letters]) tell();
    for (const { lease, handle, at } of delivered) {
      const { group } = this.#handles[handle]!;
      this.#model.delivered(lease, group, handle, at);
      if (lease.attempt > 1) continue;
      highest.set(group, Math.max(highest.get(group) ?? 0, lease.priority));
    }
  }

  /** Those that are out of attempts are dead letters when somebody has asked. */
  async #tellLetters(): Promise<void> {
    for (const [at, group] of this.#model.settings.groups.entries()) {
      const dead = await this.#watchers[at]!.dead.list({ limit: 1_000 });
      this.#model.letters(group, dead.map(({ value }) => value!));
    }
    const { unfinished } = await this.#opener.stats();
    assert(unfinished <= this.#model.settings.capacity, "the bound is broken");
  }

  /** What waits, and need not. */
  *#faults(): Generator<string, void> {
    const { settings, unfinished } = this.#model;
    for (const { kind, handle, id, state } of this.#calls) {
      if (state !== "pending") continue;
      const { group } = this.#handles[handle]!;
      if (kind === "get") {
        if (this.#model.ready(group).length > 0) yield "a get waits beside a job";
      } else if (kind === "join") {
        if (unfinished === 0) yield "a join waits for nothing";
      } else {
        if (unfinished < settings.capacity) yield `a ${kind} waits beside room`;
        // Behind others of its own handle it does not see what another process has stored.
        if (this.#apart || kind !== "put" || id === undefined) continue;
        if (this.#model.knows(id)) yield "a duplicate waits";
      }
    }
  }

  /** Everything settles, and nothing is lost. */
  async #finish(): Promise<void> {
    for (const at of this.#handles.keys()) {
      await this.#reopen(at);
      await this.#rest(this.#watchers.map(() => []));
    }
    assertEquals(this.#calls, []);
    await this.#world.pass(300);
    for (const [at, watcher] of this.#watchers.entries()) {
      const group = this.#model.settings.groups[at]!;
      const expected = this.#model.ready(group).filter(({ shares }) =>
        shares.get(group)!.attempt < this.#model.settings.maxAttempts
      );
      const seen: number[] = [];
      for (;;) {
        const jobs = await watcher.getMany(3, { timeout: 0 }).catch(() => []);
        if (jobs.length === 0) break;
        seen.push(...jobs.map(({ value }) => value));
        assertEquals(await watcher.doneMany(jobs), jobs.length);
      }
      assertEquals(seen.toSorted(byNumber), expected.map(({ n }) => n).toSorted(byNumber));
      const { ready, leased, delayed } = await watcher.stats();
      assertEquals([ready, leased, delayed], [0, 0, 0]);
    }
    assertEquals((await this.#opener.stats()).unfinished, 0);
    await this.#opener.join({ timeout: 0 });
  }
}

/** Whether it is such a job, which this group has not settled. */
function isIn({ id: own, shares }: ModelJob, id: string, group: string): boolean {
  return own === id && (shares.get(group)?.state ?? "settled") !== "settled";
}

function byNumber(a: number, b: number): number {
  return a - b;
}
