/**
 * What SQLite complains about, and what that means to whoever uses a job queue.
 *
 * @module
 */
import { show } from "../../core/check.ts";
import { JobQueueError } from "../errors.ts";

/** The result codes of SQLite that are told apart; the upper bits say more, and are not looked at. */
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const TOOBIG = 18;
const NOTADB = 26;

const ADVICE: Readonly<Record<number, string>> = {
  [BUSY]: "another process holds its lock: look for one that hangs in a transaction",
  [LOCKED]: "another process holds its lock: look for one that hangs in a transaction",
  [READONLY]: "it cannot be written: look at its permissions, and at those of its directory",
  [IOERR]: "the disk fails: look at it, and at the limits of this process",
  [CORRUPT]: "it is damaged: restore it from a copy",
  [FULL]: "the disk is full: make room",
  [CANTOPEN]: "it cannot be opened: look whether its directory is there, and at the permissions",
  [NOTADB]: "it is no SQLite database: name another file",
};

/** `exec` throws errors without a code: those are known by what they say. */
const TEXTS: readonly (readonly [string, number])[] = [
  ["is locked", BUSY],
  ["readonly", READONLY],
  ["disk I/O error", IOERR],
  ["malformed", CORRUPT],
  ["is full", FULL],
  ["unable to open", CANTOPEN],
  ["not a database", NOTADB],
];

/** The result code of SQLite; 0: it is no error of SQLite, or says nothing. */
function codeOf(error: unknown): number {
  const { errcode, message } = Object(error) as { errcode?: unknown; message?: unknown };
  if (typeof errcode === "number") return errcode & 0xff;
  return TEXTS.find(([text]) => String(message).includes(text))?.[1] ?? 0;
}

/** Somebody else holds the lock: it may be tried again. */
export function isBusy(error: unknown): boolean {
  const code = codeOf(error);
  return code === BUSY || code === LOCKED;
}

/** A value is larger than SQLite stores. */
export function isTooBig(error: unknown): boolean {
  return codeOf(error) === TOOBIG;
}

/** The error that a caller sees; `of` is what the file is for. */
export function storageError(file: string, error: unknown, of = "job queue"): JobQueueError {
  if (error instanceof JobQueueError) return error;
  const advice = ADVICE[codeOf(error)] ?? "SQLite refuses it";
  const text = error instanceof Error ? error.message : String(error);
  const message = `the ${of}'s file ${show(file)}: ${advice} (${text})`;
  return new JobQueueError(message, "storage", { cause: error });
}

/** The error for a value that does not fit. */
export function tooBigError(error: unknown): JobQueueError {
  const message = "the value is larger than SQLite stores, some 1,000,000,000 bytes: store it " +
    "elsewhere, and put where it is";
  return new JobQueueError(message, "too-large", { cause: error });
}
