/**
 * What limits whom, in sentences: what was found by profiles, and does not change from run to run.
 *
 * @module
 */

/** For the page. */
export const limits: readonly string[] = [
  "Memory: the processor. Each value is written as JSON and read again, and each call makes a few promises.",
];
