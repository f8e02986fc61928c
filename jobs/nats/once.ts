/**
 * Calls whose timeout is 0 or less: they try once, which takes one answer of the server.
 *
 * @module
 */
import type { Wait, WaitOptions } from "../../core/contract.ts";

/** Milliseconds in which that answer has to come. */
const PATIENCE = 2_000;

/** It is to try once. */
export function triesOnce(wait: Wait): boolean {
  const { timeout } = wait as WaitOptions;
  return typeof timeout === "number" && timeout <= 0;
}

/** How long it waits for the answer. */
export function patientOf(wait: Wait): Wait {
  return triesOnce(wait) ? { ...wait as WaitOptions, timeout: PATIENCE } : wait;
}
