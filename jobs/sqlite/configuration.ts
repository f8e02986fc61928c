/**
 * The configuration that a file keeps for a queue, so that all who open it mean the same queue.
 *
 * What differs is named, all of it. With `update` it is changed, unless jobs stand against it: a level
 * that is used stays, and so does a group that has jobs or dead letters. A new group is handed what is put
 * from then on.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import { show } from "../../core/check.ts";
import { JobQueueError } from "../errors.ts";
import type { JobSettings } from "../job_options.ts";

/** What an engine goes by: others may change it while it runs. */
export interface StoredQueue {
  readonly id: number;
  readonly revision: number;
  readonly capacity: number;
  readonly leaseTime: number;
  readonly maxAttempts: number;
  readonly levels: number;
  readonly dedupeWindow: number;
  /** The number of each group. */
  readonly lanes: ReadonlyMap<string, number>;
}

/** The numbers of a queue's jobs begin at its own number times this, so that all differ. */
const NUMBERS = 2 ** 44;
/** So that all numbers are safe integers. */
const MOST_QUEUES = 511;

const OPTIONS = ["capacity", "leaseTime", "maxAttempts", "levels", "dedupeWindow"] as const;

/** Reads it; undefined: there is no such queue. */
export function readQueue(db: DatabaseSync, name: string): StoredQueue | undefined {
  const row = db.prepare(
    `SELECT id, revision, capacity, lease_time AS leaseTime, max_attempts AS maxAttempts, levels,
      dedupe_window AS dedupeWindow FROM queues WHERE name = ?`,
  ).get(name) as Omit<StoredQueue, "lanes"> | undefined;
  if (row === undefined) return undefined;
  const lanes = db.prepare("SELECT name, id FROM lanes WHERE queue = ? ORDER BY id")
    .all(row.id) as { name: string; id: number }[];
  return { ...row, lanes: new Map(lanes.map(({ name, id }) => [name, id])) };
}

/** Reads it, stores or changes it if need be: within a transaction. Throws JobQueueError, "mismatch". */
export function enterQueue(db: DatabaseSync, settings: JobSettings, update: boolean): StoredQueue {
  const { name } = settings;
  const queue = readQueue(db, name);
  if (queue === undefined) {
    create(db, settings);
  } else {
    const differences = differencesOf(queue, settings);
    if (differences.length === 0) return queue;
    if (!update) throw mismatch(name, differences, "say the same, or open it with update: true");
    change(db, queue, settings);
  }
  return readQueue(db, name)!;
}

function create(db: DatabaseSync, settings: JobSettings): void {
  const { name, capacity, leaseTime, maxAttempts, levels, dedupeWindow, groups } = settings;
  const { id } = db.prepare("SELECT coalesce(max(id), 0) + 1 AS id FROM queues")
    .get() as { id: number };
  if (id > MOST_QUEUES) {
    const message = `the file has ${MOST_QUEUES} queues, and takes no more: name another file`;
    throw new JobQueueError(message, "storage");
  }
  db.prepare(
    `INSERT INTO queues (id, name, capacity, lease_time, max_attempts, levels, dedupe_window,
      revision, next, unfinished, emptied, knocks) VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?, 0, 0, 0)`,
  ).run(id, name, capacity, leaseTime, maxAttempts, levels, dedupeWindow, id * NUMBERS);
  for (const group of groups) addLane(db, id, group);
}

function change(db: DatabaseSync, queue: StoredQueue, settings: JobSettings): void {
  const { name, capacity, leaseTime, maxAttempts, levels, dedupeWindow, groups } = settings;
  const obstacles = [
    ...levels < queue.levels ? levelObstacles(db, queue, levels) : [],
    ...[...queue.lanes].filter(([group]) => !groups.includes(group))
      .flatMap(([group, lane]) => laneObstacles(db, group, lane)),
  ];
  if (obstacles.length > 0) throw mismatch(name, obstacles, "let it run empty first");
  for (const [group, lane] of queue.lanes) {
    if (!groups.includes(group)) db.prepare("DELETE FROM lanes WHERE id = ?").run(lane);
  }
  for (const group of groups) {
    if (!queue.lanes.has(group)) addLane(db, queue.id, group);
  }
  db.prepare(
    `UPDATE queues SET capacity = ?, lease_time = ?, max_attempts = ?, levels = ?,
      dedupe_window = ?, revision = revision + 1 WHERE id = ?`,
  ).run(capacity, leaseTime, maxAttempts, levels, dedupeWindow, queue.id);
}

function addLane(db: DatabaseSync, queue: number, group: string): void {
  db.prepare(
    "INSERT INTO lanes (queue, name, ready, leased, delayed, dead) VALUES (?, ?, 0, 0, 0, 0)",
  ).run(queue, group);
}

function levelObstacles(db: DatabaseSync, queue: StoredQueue, levels: number): string[] {
  const { level } = db.prepare(
    `SELECT coalesce(max(level), 0) AS level FROM jobs
      WHERE lane IN (SELECT id FROM lanes WHERE queue = ?)`,
  ).get(queue.id) as { level: number };
  return level < levels ? [] : [`levels cannot become ${levels}: it has jobs of priority ${level}`];
}

function laneObstacles(db: DatabaseSync, group: string, lane: number): string[] {
  const { jobs, dead } = db.prepare(
    "SELECT ready + leased + delayed AS jobs, dead FROM lanes WHERE id = ?",
  ).get(lane) as { jobs: number; dead: number };
  if (jobs + dead === 0) return [];
  return [`group ${show(group)} cannot go: it has ${jobs} jobs and ${dead} dead letters`];
}

function differencesOf(queue: StoredQueue, settings: JobSettings): string[] {
  const differences = OPTIONS
    .filter((option) => queue[option] !== settings[option])
    .map((option) => `${option} is ${queue[option]} there, ${settings[option]} here`);
  const theirs = [...queue.lanes.keys()];
  const { groups } = settings;
  if (theirs.length !== groups.length || groups.some((group) => !queue.lanes.has(group))) {
    differences.push(
      `groups are ${theirs.map(show).join(", ")} there, ${groups.map(show).join(", ")} here`,
    );
  }
  return differences;
}

function mismatch(name: string, differences: readonly string[], advice: string): JobQueueError {
  const message = `the stored queue ${show(name)} has other options: ${
    differences.join("; ")
  }: ${advice}`;
  return new JobQueueError(message, "mismatch");
}
