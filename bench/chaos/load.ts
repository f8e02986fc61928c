/**
 * A load: a process that puts jobs, and processes that take them in batches, while bad things are done
 * to them.
 *
 * @module
 */
import { sleep } from "../../mod.ts";
import type { Child } from "./child.ts";
import { inWords, Ledger } from "./ledger.ts";
import type { Note } from "./notes.ts";
import { openQueue, type QueueSpec } from "./queues.ts";
import type { Scene } from "./scene.ts";
import type { Outcome } from "./trial.ts";

/** How much is done, and by how many. */
export interface LoadPlan {
  readonly queue: QueueSpec;
  readonly jobs: number;
  /** How many puts are on their way at once; 64 if left out. */
  readonly inFlight?: number;
  /** How many processes take jobs; 1 if left out. */
  readonly consumers?: number;
  /** How many batches each works on at once; 4 if left out. */
  readonly loops?: number;
  /** Milliseconds for each job of a batch; 1 if left out. */
  readonly work?: number;
  /** How many characters a job has beside its number; 0 if left out. */
  readonly filler?: number;
  /** What has happened before; nothing if left out. */
  readonly ledger?: Ledger;
  /** Milliseconds without any progress after which it is said to stand still; 45,000 if left out. */
  readonly patience?: number;
}

/** Runs as soon as it is made. */
export class Load {
  readonly ledger: Ledger;
  readonly #scene: Scene;
  readonly #plan: LoadPlan;
  #producer: Child;
  readonly #consumers: Child[];
  readonly #faults: string[] = [];
  /** How many processes were started and have not opened the queue yet. */
  #opening = 0;

  constructor(scene: Scene, plan: LoadPlan) {
    this.#scene = scene;
    this.#plan = plan;
    this.ledger = plan.ledger ?? new Ledger();
    this.#producer = this.#newProducer();
    this.#consumers = Array.from({ length: plan.consumers ?? 1 }, () => this.#newConsumer());
  }

  /** Waits until all processes are at work, and so many jobs acknowledged and, if that is said, handled. */
  async reached(acknowledged: number, handled = 0): Promise<void> {
    const { ledger } = this;
    const seen = { at: performance.now(), sum: -1 };
    const before = (): boolean =>
      this.#opening > 0 || ledger.acknowledged < acknowledged || ledger.handled < handled;
    while (before()) {
      if (this.#stuck(seen)) throw new Error([...this.#faults, ...await this.#deaths()].join("; "));
      await sleep(2, this.#scene.ctx);
    }
  }

  /** Waits until nothing has been acknowledged or handled for so many milliseconds. */
  async still(ms: number): Promise<void> {
    const { ledger } = this;
    for (let since = performance.now(), sum = -1; performance.now() - since < ms;) {
      if (ledger.acknowledged + ledger.handled !== sum) since = performance.now();
      sum = ledger.acknowledged + ledger.handled;
      await sleep(20, this.#scene.ctx);
    }
  }

  /** One more who takes jobs. */
  addConsumer(): void {
    this.#consumers.push(this.#newConsumer());
  }

  /** kill -9 of the producer; another one goes on where that has stopped to be heard. */
  async killProducer(): Promise<void> {
    await this.#producer.kill("SIGKILL");
    this.#producer = this.#newProducer();
  }

  /** kill -9 of a consumer; another one takes its place. */
  async killConsumer(at = 0): Promise<void> {
    await this.#consumers[at]!.kill("SIGKILL");
    this.#consumers[at] = this.#newConsumer();
  }

  /** Stops a consumer for a time, without its knowing. */
  async freezeConsumer(ms: number, at = 0): Promise<void> {
    await this.#consumers[at]!.kill("SIGSTOP");
    await sleep(ms, this.#scene.ctx);
    await this.#consumers[at]!.kill("SIGCONT");
  }

  /** Waits until everything is done, ends the processes, and tells. */
  async finish(): Promise<Outcome> {
    const { jobs } = this.#plan;
    const { ledger } = this;
    const seen = { at: performance.now(), sum: -1 };
    while (ledger.acknowledged < jobs || ledger.handled < jobs) {
      if (this.#stuck(seen)) break;
      await sleep(10, this.#scene.ctx);
    }
    await this.#settle();
    await Promise.all(this.#children.map((child) => child.end()));
    this.#faults.push(...await this.#deaths());
    const lost = ledger.lost().length;
    if (lost > 0) this.#faults.push(`${lost} acknowledged jobs were not handled`);
    const { acknowledged, twice, stall } = ledger;
    return { acknowledged, lost, twice, stall, saw: ledger.saw, faults: this.#faults };
  }

  get #children(): readonly Child[] {
    return [this.#producer, ...this.#consumers];
  }

  /** Which processes died, and their last words. */
  async #deaths(): Promise<string[]> {
    const ends = this.#children.filter(({ failed }) => failed).map((child) => child.ended());
    return (await Promise.all(ends)).map(({ code, signal, lastWords }) =>
      `a process died by ${signal ?? `exit code ${code}`}: ${lastWords}`
    );
  }

  /** Whether nothing happens any more, or somebody died, which is a fault. */
  #stuck(seen: { at: number; sum: number }): boolean {
    const { acknowledged, handled } = this.ledger;
    const now = performance.now();
    if (this.#children.some(({ failed }) => failed)) return true;
    if (acknowledged + handled !== seen.sum) {
      seen.sum = acknowledged + handled;
      seen.at = now;
    }
    const { patience = 45_000, jobs } = this.#plan;
    if (now - seen.at < patience) return false;
    this.#faults.push(
      `nothing more after ${patience / 1_000} s: ${acknowledged} of ${jobs} acknowledged, ` +
        `${handled} handled`,
    );
    return true;
  }

  /** Looks at what is left in the queue: nothing should be. */
  async #settle(): Promise<void> {
    try {
      await using queue = await openQueue(this.#plan.queue);
      await queue.join({ timeout: 15_000, ctx: this.#scene.ctx }).catch((error) => {
        this.#faults.push(`join does not end: ${inWords(error)}`);
      });
      const { unfinished, dead } = await queue.stats({ timeout: 15_000 });
      if (unfinished > 0) this.#faults.push(`${unfinished} are unfinished for good`);
      if (dead > 0) this.#faults.push(`${dead} are dead letters`);
    } catch (error) {
      this.#faults.push(`it cannot be looked at: ${inWords(error)}`);
    }
  }

  #newProducer(): Child {
    const { queue, jobs, inFlight = 64, filler = 0 } = this.#plan;
    let from = 0;
    while (this.ledger.has(from)) from++;
    this.#opening++;
    return this.#scene.child(
      { role: "produce", queue, from, to: jobs, inFlight, filler },
      (note) => this.#hear(note),
    );
  }

  #newConsumer(): Child {
    const { queue, loops = 4, work = 1 } = this.#plan;
    this.#opening++;
    return this.#scene.child(
      { role: "consume", queue, loops, batch: 64, work },
      (note) => this.#hear(note),
    );
  }

  #hear(note: Note): boolean {
    if (note.note === "ready") this.#opening--;
    else if (note.note === "acknowledged") this.ledger.acknowledge(note.job);
    else if (note.note === "handled") this.ledger.handle(note.jobs);
    else if (note.note === "error") this.ledger.see(note.error);
    return true;
  }
}
