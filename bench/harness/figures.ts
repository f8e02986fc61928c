/** What is made of samples. */

/** The value at a share of the sorted ones: 0.5 is the median. */
export function quantile(figures: readonly number[], share: number): number {
  const sorted = figures.toSorted((a, b) => a - b);
  return sorted[Math.round((sorted.length - 1) * share)]!;
}

/** The middle one. */
export function median(figures: readonly number[]): number {
  return quantile(figures, 0.5);
}

/** The median of the ratios, round by round: what was measured at the same time is compared. */
export function ratio(
  figures: readonly number[] | undefined,
  base: readonly number[] | undefined,
): number | undefined {
  if (figures === undefined || base === undefined) return undefined;
  const rounds = Math.min(figures.length, base.length);
  if (rounds === 0) return undefined;
  return median(Array.from({ length: rounds }, (_, i) => figures[i]! / base[i]!));
}

/** With as many digits as it can bear. */
export function show(figure: number | undefined): string {
  if (figure === undefined) return "-";
  if (figure >= 100) return figure.toFixed(0);
  return figure >= 10 ? figure.toFixed(1) : figure.toFixed(2);
}
