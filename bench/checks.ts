/** What every contestant checks: that nothing was lost or doubled on the way. */

/** The sum of 0 to `count - 1`. */
export function checkSum(sum: number, count: number): void {
  const expected = count * (count - 1) / 2;
  if (sum !== expected) throw new Error(`the checksum is ${sum}, not ${expected}`);
}

/** The last prime that a sieve found. */
export function checkPrime(prime: number, count: number): void {
  if (count === 1_000 && prime !== 7_919) throw new Error(`the 1,000th prime is not ${prime}`);
}

/** How many of all were cancelled. */
export function checkCancelled(cancelled: number, count: number): void {
  if (cancelled !== count) throw new Error(`${cancelled} were cancelled, not ${count}`);
}

/** The sum. */
export function total(sums: readonly number[]): number {
  return sums.reduce((a, b) => a + b, 0);
}

/** A generator of whole numbers below 2 ** 32, always the same ones. */
export function pseudoRandom(): () => number {
  let seed = 1;
  return () => seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
}

/** Shuffles in place, always the same way; the result is the same array. */
export function shuffle<T>(items: T[]): T[] {
  const random = pseudoRandom();
  for (let i = items.length - 1; i > 0; i--) {
    const j = random() % (i + 1);
    [items[i], items[j]] = [items[j]!, items[i]!];
  }
  return items;
}
