import { ended } from "./ports.ts";

/** What `select` resolves with; `Selected` of select.ts is its typed face. */
export interface Outcome {
  readonly key: unknown;
  readonly ok: boolean;
  readonly value: unknown;
  readonly error?: unknown;
  readonly cause?: unknown;
}

/** A receive, a send, a time or the default was committed. */
export function committed(key: unknown, value?: unknown): Outcome {
  return { key, ok: true, value };
}

/** The source of a receive is closed and drained. */
export function closed(key: unknown, error: unknown): Outcome {
  return { key, ...ended(error) };
}

/** The context of a `whenDone` case has ended. */
export function done(key: unknown, cause: unknown): Outcome {
  return { key, ok: false, value: undefined, cause };
}
