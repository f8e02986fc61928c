/**
 * How a core differs from others: what those that are made alike share, and what they call themselves
 * in errors.
 *
 * @module
 */
import { ClosedError, QueueShutDown } from "./errors.ts";
import type { Entry } from "./storage.ts";

/** What a full core does with an item that does not fit. */
export type Overflow = "block" | "dropNewest" | "dropOldest";

/** How a core differs from others. */
export interface Traits {
  readonly kind: "channel" | "queue";
  /** What errors call it; left out: its kind. */
  readonly label?: string;
  readonly name?: string | undefined;
  /** Makes what is stored of an item; may throw. Left out: the item itself is stored. */
  readonly entry?: ((value: unknown) => Entry) | undefined;
  /** Entries have weights of their own. */
  readonly weighed?: boolean;
  readonly overflow?: Overflow | undefined;
  readonly onDrop?: ((value: unknown) => void) | undefined;
}

/** The traits of a channel that has none. */
export const PLAIN_CHANNEL: Traits = { kind: "channel" };

/** The error of an item that comes too late. `error`: what the core was closed with, if anything. */
export function refusal(traits: Traits, error: unknown, value: unknown): ClosedError {
  const message = traits.kind === "channel"
    ? "is closed: nothing more can be sent, and the value is on this error"
    : "is shut down: nothing more can be put, and the item is on this error";
  return closedError(traits, message, error, { value });
}

/** The error of a take for which nothing is left. */
export function exhaustion(traits: Traits, error: unknown): ClosedError {
  const message = traits.kind === "channel"
    ? "is closed and drained: receive and for await tell so without an error"
    : "is shut down and drained: for await ends there without an error";
  return closedError(traits, message, error, {});
}

function closedError(
  traits: Traits,
  message: string,
  error: unknown,
  options: { value?: unknown },
): ClosedError {
  const type = traits.kind === "channel" ? ClosedError : QueueShutDown;
  const cause = error === undefined ? {} : { cause: error };
  return new type(`${labelOf(traits)} ${message}`, { ...options, ...cause });
}

/** What error messages call it. */
export function labelOf({ kind, label = kind, name }: Traits): string {
  return name === undefined ? `the ${label}` : `the ${label} "${name}"`;
}
