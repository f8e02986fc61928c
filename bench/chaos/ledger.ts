/**
 * What happened to every job of a trial, kept by the process that survives: what a producer was told is
 * stored, and what consumers have handled.
 *
 * - A job counts as acknowledged when its producer has said so, as handled when its consumer has, before
 *   that called `done`. Both say it by a write that a kill -9 does not take back.
 * - Lost is what was acknowledged, was never handled, and is no dead letter.
 *
 * @module
 */

/** Accounts of the jobs of one trial, which are numbers. */
export class Ledger {
  readonly #acknowledged = new Set<number>();
  readonly #handled = new Map<number, number>();
  readonly #errors = new Map<string, number>();
  #last: number | undefined;
  #stall = 0;

  /** How many jobs producers were told are stored. */
  get acknowledged(): number {
    return this.#acknowledged.size;
  }

  /** How many jobs were handled, at least once. */
  get handled(): number {
    return this.#handled.size;
  }

  /** How many jobs were handled more than once. */
  get twice(): number {
    let twice = 0;
    for (const times of this.#handled.values()) if (times > 1) twice++;
    return twice;
  }

  /** Milliseconds of the longest time between two moments in which jobs were handled. */
  get stall(): number {
    return Math.round(this.#stall);
  }

  /** What callers saw: each error, and how often. */
  get errors(): ReadonlyMap<string, number> {
    return this.#errors;
  }

  /** A producer was told that these are stored. */
  acknowledge(...jobs: readonly number[]): void {
    for (const job of jobs) this.#acknowledged.add(job);
  }

  /** A consumer has handled these, at a moment in milliseconds. */
  handle(jobs: readonly number[], now: number = performance.now()): void {
    for (const job of jobs) this.#handled.set(job, (this.#handled.get(job) ?? 0) + 1);
    if (this.#last !== undefined) this.#stall = Math.max(this.#stall, now - this.#last);
    this.#last = now;
  }

  /** A caller saw an error. */
  see(error: string): void {
    this.#errors.set(error, (this.#errors.get(error) ?? 0) + 1);
  }

  /** Whether a producer was told that this one is stored. */
  has(job: number): boolean {
    return this.#acknowledged.has(job);
  }

  /** How often a job was handled. */
  times(job: number): number {
    return this.#handled.get(job) ?? 0;
  }

  /** What is lost, given what is among the dead letters. */
  lost(dead: ReadonlySet<number> = new Set()): number[] {
    return [...this.#acknowledged].filter((job) => !this.#handled.has(job) && !dead.has(job));
  }

  /** What callers saw, in words. */
  get saw(): string {
    if (this.#errors.size === 0) return "no error";
    const often = ([error, times]: [string, number]): string =>
      times === 1 ? error : `${times} times ${error}`;
    return [...this.#errors].map(often).join("; ");
  }
}

/** An error in a few words: its class, its reason if it has one, and what it says. */
export function inWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { reason } = error as { reason?: unknown };
  const { name } = error.constructor;
  const kind = typeof reason === "string" ? `${name} "${reason}"` : name;
  // Where a trial's files were is of no interest.
  const message = error.message.replaceAll(/\/[^"\s]*\/chaos-[^"\s/]*\//g, "");
  return `${kind}: ${message}`;
}
