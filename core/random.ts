/**
 * The random numbers of `select`: an xorshift generator, since a choice among a few ready cases
 * wants speed and an even spread, not secrecy. Tests seed it to repeat a run.
 *
 * @module
 */

let state = (Math.random() * 0x7fffffff) | 1;

/** Starts the sequence anew. */
export function seed(value: number): void {
  // Zero is the one state that xorshift never leaves.
  state = value | 0 || 1;
}

/** A whole number from 0 up to, not including, `limit`. */
export function below(limit: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return Math.floor(((state >>> 0) / 0x1_0000_0000) * limit);
}
