/**
 * What a job queue is told when it is opened, the same for all engines, and how that is checked.
 *
 * @module
 */
import { checkCount, checkOptions, show } from "../core/check.ts";
import { checkDuration, checkSize } from "../flow/checks.ts";
import type { Codec } from "./codec.ts";

/**
 * How a job queue is to be. On durable engines all who open a queue must say the same, but for `group` and
 * `codec`: those who do not are told what differs.
 *
 * @typeParam T The type of the values.
 *
 * @example
 * ```ts
 * import { type JobQueueOptions, memoryJobs } from "@sluice/sluice/jobs";
 *
 * const options: JobQueueOptions<string> = {
 *   name: "mails",
 *   capacity: 10_000,
 *   leaseTime: 60_000,
 *   maxAttempts: 3,
 *   levels: 2,
 * };
 * await using mails = await memoryJobs(options);
 * await mails.put("hello", { priority: 1 });
 * ```
 */
export interface JobQueueOptions<T> {
  /** Letters, digits, "_" and "-", at most 64 of them; "jobs" if left out. */
  readonly name?: string | undefined;
  /** How many jobs may be unfinished before `put` waits; Infinity if left out. */
  readonly capacity?: number | undefined;
  /** Milliseconds until a job that was handed out and not finished is handed out again; 30,000 if left out. */
  readonly leaseTime?: number | undefined;
  /** How often a job is handed out before it goes to the dead letters; 5 if left out, may be Infinity. */
  readonly maxAttempts?: number | undefined;
  /** How many priorities there are, at most 16; 1 if left out. */
  readonly levels?: number | undefined;
  /** The groups that are each handed every job; `["default"]` if left out. */
  readonly groups?: readonly string[] | undefined;
  /** Which of them this handle takes jobs for; the first if left out. */
  readonly group?: string | undefined;
  /** Milliseconds for which the queue remembers a `dedupeId`; 120,000 if left out. */
  readonly dedupeWindow?: number | undefined;
  /**
   * How values are stored: "json" if left out, so that what JSON cannot tell (a Map, undefined) is lost or
   * refused; "clone", the structured clone, for engines inside the process; or your own.
   */
  readonly codec?: "json" | "clone" | Codec<T> | undefined;
}

/** What was asked for, checked and filled in. */
export interface JobSettings {
  readonly name: string;
  readonly capacity: number;
  readonly leaseTime: number;
  readonly maxAttempts: number;
  readonly levels: number;
  readonly groups: readonly string[];
  readonly group: string;
  readonly dedupeWindow: number;
}

/** Throws TypeError or RangeError if an option is not what it may be. */
export function settingsOf(options: JobQueueOptions<never>): JobSettings {
  checkOptions("options", options);
  const {
    name = "jobs",
    capacity = Infinity,
    leaseTime = 30_000,
    maxAttempts = 5,
    levels = 1,
    groups = ["default"],
    dedupeWindow = 120_000,
  } = options;
  checkWord("name", name);
  checkCount("capacity", capacity, 1);
  checkDuration("leaseTime", leaseTime, { positive: true, finite: true });
  checkCount("maxAttempts", maxAttempts, 1);
  checkSize("levels", levels);
  if (levels > 16) throw new RangeError(`levels must be at most 16: ${levels}`);
  checkGroups(groups);
  checkDuration("dedupeWindow", dedupeWindow, { positive: true, finite: true });
  const { group = groups[0]! } = options;
  checkGroup(group, groups);
  return {
    name,
    capacity,
    leaseTime,
    maxAttempts,
    levels,
    groups: [...groups],
    group,
    dedupeWindow,
  };
}

function checkGroups(groups: unknown): asserts groups is readonly string[] {
  if (!Array.isArray(groups)) {
    throw new TypeError(`groups must be a list of names, not ${show(groups)}`);
  }
  if (groups.length === 0) throw new RangeError("groups must name at least one group");
  for (const group of groups) checkWord("a group", group);
  if (new Set(groups).size < groups.length) {
    throw new RangeError(`groups must differ from one another: ${groups.map(show).join(", ")}`);
  }
}

/** Throws TypeError or RangeError if it is not one of the groups. */
export function checkGroup(group: unknown, groups: readonly string[]): asserts group is string {
  checkWord("group", group);
  if (!groups.includes(group)) {
    throw new RangeError(
      `group must be one of the queue's, ${groups.map(show).join(", ")}: ${show(group)}`,
    );
  }
}

/** A name that every engine can store. */
export function checkWord(name: string, value: unknown): asserts value is string {
  if (typeof value !== "string") {
    throw new TypeError(`${name} must be a string, not ${show(value)}`);
  }
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(value)) {
    throw new RangeError(
      `${name} must be 1 to 64 letters, digits, "_" or "-": ${show(value)}`,
    );
  }
}

/** Whole milliseconds, at least 0. */
export function checkDelay(delay: unknown): asserts delay is number {
  checkDuration("delay", delay, { finite: true });
}

/** One of the levels. */
export function checkLevel(priority: unknown, levels: number): asserts priority is number {
  checkCount("priority", priority, 0);
  if (priority < levels) return;
  throw new RangeError(
    levels === 1
      ? `priority must be 0, since the queue was opened with one level: ${priority}`
      : `priority must be at most ${levels - 1}, since the queue has ${levels} levels: ${priority}`,
  );
}

/** A text that every engine can store as an id. */
export function checkDedupeId(id: unknown, name = "dedupeId"): asserts id is string {
  if (typeof id !== "string") throw new TypeError(`${name} must be a string, not ${show(id)}`);
  if (id.length === 0 || id.length > 256) {
    throw new RangeError(`${name} must have 1 to 256 characters, not ${id.length}`);
  }
  if (!id.isWellFormed()) {
    throw new RangeError(`${name} must not have half surrogate pairs: ${show(id)}`);
  }
}
